#!/usr/bin/env bash
# Makes, once, a Python environment with what the acceptance tests take from PyPI, and prints the path of its python:
#
#   python=$(scripts/python_env.sh)
#
# It lies in the cache outside the checkout, beside what native.sh keeps, and is made anew when the list changes.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'python: %s\n' "$*" >&2; }

list=tests/acceptance/requirements.txt
key=$({ python3 --version; cat "$list"; } | sha256sum | cut -c 1-12)
cache=${CAMPANILE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/campanile}/python
home=$cache/$key

if [ ! -e "$home/complete" ]; then
  say "fetching what the tests take from PyPI, once, into $home"
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/.make-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  python3 -m venv "$work/env"
  grep -v '^docker-compose' "$list" >"$work/list"
  # Without its dependencies: they are old, and only the schema in it is wanted.
  if ! {
    "$work/env/bin/pip" install --quiet --disable-pip-version-check -r "$work/list"
    "$work/env/bin/pip" install --quiet --disable-pip-version-check --no-deps "$(grep '^docker-compose' "$list")"
  } >"$work/log" 2>&1; then
    tail -n 20 "$work/log" >&2
    say "pip could not fetch it; its last lines are above"
    exit 1
  fi
  rm -rf "$home"
  mv "$work/env" "$home"
  : >"$home/complete"
  say "fetched, $SECONDS s"
fi
echo "$home/bin/python"
