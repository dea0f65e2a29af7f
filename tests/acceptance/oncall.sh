#!/usr/bin/env bash
# The quick form of `make oncall-check`: who is on call in five zones about the changes of three years, against an
# independent implementation; then wrong rules on purpose, each of which must be found.
# CAMPANILE_ONCALL_ANSWERS names the product's side; without it, it is built.
set -euo pipefail
cd "$(dirname "$0")/../.."

answers=${CAMPANILE_ONCALL_ANSWERS:-}
if [ -z "$answers" ]; then
  cargo build --quiet --profile fast -p campanile-oncall --example answers
  answers=${CARGO_TARGET_DIR:-target}/fast/examples/answers
fi
PYTHONPATH=$(scripts/tzdata.sh)
export PYTHONPATH PYTHONDONTWRITEBYTECODE=1
check=(python3 tests/oracle/oncall/check.py "$answers")

echo 'oncall: wrong rules on purpose, each of which must be found'
for wrong in second-of-fold past-the-gap elapsed-turns elapsed-hours oldest-override first-layer-on-top; do
  last=$("${check[@]}" --zones Europe/Berlin --years 2026-2026 --mutate "$wrong" | tail -n 1) || true
  if ! [[ $last =~ \;\ [1-9][0-9]*\ differences ]]; then
    echo "oncall: FAILED: $wrong was not found: $last" >&2
    exit 1
  fi
  echo "oncall: found $wrong"
done

"${check[@]}" --years 2020-2022 \
  --zones America/New_York,Europe/Berlin,Australia/Lord_Howe,Antarctica/Troll,Africa/Casablanca
