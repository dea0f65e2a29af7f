#!/usr/bin/env bash
# The quick form of `make chaos`: a zombie, a damaged state directory, joins and leaves, late EndTxn and deaths at named points
# on a real broker, judged by the oracle. Kills are in kafka_exactly_once.sh; brokers, networks and dead siblings only in the
# whole. CAMPANILE_FAULTS_BIN names a server built with faults, CAMPANILE_LOAD_BIN the load harness; without them they are
# built. SEED chooses.
set -euo pipefail
cd "$(dirname "$0")/../.."

given=()
if [ -n "${CAMPANILE_FAULTS_BIN:-}" ]; then given+=(--campanile "$CAMPANILE_FAULTS_BIN"); fi
if [ -n "${CAMPANILE_LOAD_BIN:-}" ]; then given+=(--load "$CAMPANILE_LOAD_BIN"); fi
if [ -n "${SEED:-}" ]; then given+=(--seed "$SEED"); fi
exec "$(scripts/python.sh)" tests/oracle/chaos.py --quick "${given[@]}"
