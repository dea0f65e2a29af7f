#!/usr/bin/env bash
# The demo on a real Apache Kafka: the broker that `make kafka-up` started, or one of its own that ends with it.
#
#   scripts/demo_kafka.sh BINARY [ARGUMENTS OF campanile demo]
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$1
shift

if ! address=$(scripts/kafka.sh status 2>/dev/null); then
  # UNTIL: even if this script is killed, the broker ends.
  address=$(UNTIL=$$ scripts/kafka.sh up)
  trap 'scripts/kafka.sh down' EXIT
fi
# Ctrl-C is for the demo, which drains; this script waits for it.
trap '' INT
"$binary" demo --kafka "$address" "$@"
