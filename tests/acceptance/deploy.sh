#!/usr/bin/env bash
# docker-compose.yml, the dashboard and the alert rules, against Compose's schema and against the names in them.
set -euo pipefail
cd "$(dirname "$0")/../.."

campanile=${CAMPANILE:-${CARGO_TARGET_DIR:-target}/fast/campanile}
python=$(scripts/python_env.sh)
exec "$python" tests/acceptance/deploy/check.py "$campanile"
