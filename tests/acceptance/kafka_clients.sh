#!/usr/bin/env bash
# Kafka's clients of three languages against a real broker: what they produce becomes incidents, once each. About a minute.
set -euo pipefail
cd "$(dirname "$0")/../.."

campanile=${CAMPANILE:-${CARGO_TARGET_DIR:-target}/fast/campanile}
for tool in kcat java mvn; do
  if ! command -v "$tool" >/dev/null; then
    echo "kafka clients: $tool is missing; make setup installs it" >&2
    exit 2
  fi
done
python=$(scripts/python_env.sh)
exec "$python" tests/acceptance/kafka_clients/check.py "$(realpath "$campanile")"
