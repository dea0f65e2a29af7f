#!/usr/bin/env bash
# Pages by every channel, from an event to the provider and from the person's answer back to the incident: a real SMTP
# server (aiosmtpd), and one HTTP receiver that plays Twilio, ntfy, a push service, Slack and Teams. About 20 s.
# CAMPANILE_BIN (or CAMPANILE) names the server.
set -euo pipefail
cd "$(dirname "$0")/../.."

campanile=${CAMPANILE_BIN:-${CAMPANILE:-${CARGO_TARGET_DIR:-target}/fast/campanile}}
if ! [ -x "$campanile" ]; then
  echo "channels: no server at $campanile; build it with: cargo build --profile fast -p campanile-server" >&2
  exit 2
fi
python=$(scripts/python_env.sh)
exec "$python" tests/acceptance/channels/check.py "$campanile"
