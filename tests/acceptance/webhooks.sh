#!/usr/bin/env bash
# Webhooks to real receivers: a healthy one beside one that stalls, one that answers 500, one that speaks no HTTP and one
# that refuses; signatures verified by others' verifiers; kill -9; the parked queue drains. About half a minute.
# CAMPANILE names the server. Needs Go, for the verifier of PagerDuty's own client.
set -euo pipefail
cd "$(dirname "$0")/../.."

campanile=${CAMPANILE:-${CARGO_TARGET_DIR:-target}/fast/campanile}
if ! [ -x "$campanile" ]; then
  echo "webhooks: no server at $campanile; build it with: cargo build --profile fast -p campanile-server" >&2
  exit 2
fi
if ! command -v go >/dev/null; then
  echo 'webhooks: Go is not installed; make setup installs it' >&2
  exit 2
fi
verifier=${CARGO_TARGET_DIR:-$PWD/target}/webhook-verify
(cd tests/acceptance/webhooks/verify && go build -o "$verifier" .)
exec python3 tests/acceptance/webhooks/check.py "$campanile" "$verifier"
