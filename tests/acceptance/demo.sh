#!/usr/bin/env bash
# The noise hour, twice: 1000 raw alerts become 400, 300, 50 and 5/15/30, counted downstream, the same both times.
set -euo pipefail
cd "$(dirname "$0")/../.."

campanile=${CAMPANILE:-${CARGO_TARGET_DIR:-target}/fast/campanile}
expected='1000 raw → 400 alerts → 300 not suppressed → 50 incidents (P1 5, P2 15, P3 30)'
for run in first second; do
  printed=$("$campanile" demo --once | tail -n 1)
  if [ "$printed" != "$expected" ]; then
    echo "demo: FAILED: the $run run ends in '$printed', expected '$expected'" >&2
    exit 1
  fi
done
echo "demo: $expected, twice"
