#!/usr/bin/env bash
# kill -9 between a provider's acceptance and the notifier's own mark: nothing lost, repeats carry the same key. The quick
# form of `make notify-kill`; KILLS and NOTIFICATIONS change it.
set -euo pipefail
cd "$(dirname "$0")/../.."

campanile=${CAMPANILE:-${CARGO_TARGET_DIR:-target}/fast/campanile}
python=$(scripts/python_env.sh)
exec "$python" tests/acceptance/notify_kill/check.py "$(realpath "$campanile")" \
  --kills "${KILLS:-4}" --notifications "${NOTIFICATIONS:-120}"
