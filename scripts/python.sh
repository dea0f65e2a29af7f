#!/usr/bin/env bash
# A Python for the harness on Kafka, with a client that is none of the product's code: prints its path. Made once, outside
# the checkout, from tests/oracle/requirements.txt; another list makes another.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'python: %s\n' "$*" >&2; }

wanted=tests/oracle/requirements.txt
cache=${CAMPANILE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/campanile}/python
key=$({ cat "$wanted"; python3 -V; } | sha256sum | cut -c 1-12)
home=$cache/$key

if ! [ -e "$home/complete" ]; then
  mkdir -p "$cache"
  exec 9>"$cache/.lock"
  flock 9
  if ! [ -e "$home/complete" ]; then
    say "making an environment with $(tr '\n' ' ' <"$wanted")once, in $home"
    rm -rf "$home"
    log=$(mktemp)
    # Its end would hold the lock if the lock came along.
    if ! { python3 -m venv "$home" && "$home/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"; } \
      >"$log" 2>&1 9>&-; then
      tail -n 20 "$log" >&2
      rm -rf "$home"
      say "it could not be made; the last lines are above. Debian wants python3-venv"
      exit 2
    fi
    rm -f "$log"
    : >"$home/complete"
  fi
fi
printf '%s\n' "$home/bin/python"
