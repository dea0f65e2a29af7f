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
python3 tests/oracle/test_commits.py
python3 tests/oracle/test_power_cut.py
python3 tests/oracle/exactly_once.py --events "$events" --kills "$kills" "${given[@]}"

echo 'exactly-once: and now with a fault on purpose, which must be found'
found=0
python3 tests/oracle/exactly_once.py --events 6000 --kills 2 --mutate forgotten-cursor "${given[@]}" | tail -n 1 || found=$?
if [ "$found" -ne 1 ]; then
  echo "exactly-once: FAILED: a forgotten cursor was not found (exit code $found)" >&2
  exit 1
fi
echo 'exactly-once: found'
