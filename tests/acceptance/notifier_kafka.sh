#!/usr/bin/env bash
# The notifier's tests once more, on a real Kafka in place of the embedded ledger: kills between a provider's acceptance and
# the mark of it, and every channel with its answers.
set -euo pipefail
cd "$(dirname "$0")/../.."

campanile=$(realpath "${CAMPANILE:-${CARGO_TARGET_DIR:-target}/fast/campanile}")
for tool in java mvn; do
  if ! command -v "$tool" >/dev/null; then
    echo "notifier on kafka: $tool is missing; make setup installs it" >&2
    exit 2
  fi
done
python=$(scripts/python_env.sh)
export PORT=${KAFKA_PORT:-19292}
address=$(UNTIL=$$ scripts/kafka.sh up)
trap 'scripts/kafka.sh down >/dev/null' EXIT
"$python" tests/acceptance/notify_kill/check.py "$campanile" --kafka "$address" --kills "${KILLS:-2}" --notifications "${NOTIFICATIONS:-100}"
KAFKA=$address "$python" tests/acceptance/channels/check.py "$campanile"
