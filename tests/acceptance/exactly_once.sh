#!/usr/bin/env bash
# The quick form of `make exactly-once`: the oracle's own tests, then kill -9 under load and comparison, then one fault
# on purpose that must be found. CAMPANILE_FAULTS_BIN names a server built with faults, CAMPANILE_LOAD_BIN the load
# harness; without them they are built. EVENTS, KILLS and SEED change the size.
set -euo pipefail
cd "$(dirname "$0")/../.."

events=${EVENTS:-20000}
kills=${KILLS:-4}
given=()
if [ -n "${CAMPANILE_FAULTS_BIN:-}" ]; then given+=(--campanile "$CAMPANILE_FAULTS_BIN"); fi
if [ -n "${CAMPANILE_LOAD_BIN:-}" ]; then given+=(--load "$CAMPANILE_LOAD_BIN"); fi
if [ -n "${SEED:-}" ]; then given+=(--seed "$SEED"); fi

python3 tests/oracle/test_oracle.py
python3 tests/oracle/test_power_cut.py
python3 tests/oracle/exactly_once.py --events "$events" --kills "$kills" "${given[@]}"
