#!/usr/bin/env bash
# A real Alertmanager, whose pagerduty_configs.url points at the gateway: one incident per group, repeats absorbed,
# resolve closes it. About half a minute. CAMPANILE_BIN (or CAMPANILE) names the server.
set -euo pipefail
cd "$(dirname "$0")/../.."

campanile=${CAMPANILE_BIN:-${CAMPANILE:-${CARGO_TARGET_DIR:-target}/fast/campanile}}
if ! [ -x "$campanile" ]; then
  echo "alertmanager: no server at $campanile; build it with: cargo build --profile fast -p campanile-server" >&2
  exit 2
fi
if ! command -v prometheus-alertmanager >/dev/null; then
  echo 'alertmanager: prometheus-alertmanager is not installed; make setup installs it' >&2
  exit 2
fi
exec python3 tests/acceptance/alertmanager/check.py "$campanile"
