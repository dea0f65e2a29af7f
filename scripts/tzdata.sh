#!/usr/bin/env bash
# Puts the pinned release of Python's tzdata into a cache outside the checkout, once, and prints its folder, for PYTHONPATH.
# The comparison of schedules reads its time zones from there and never from the machine.
set -euo pipefail
cd "$(dirname "$0")/.."

pins=tests/oracle/oncall/requirements.txt
version=$(sed -n 's/^tzdata==\([0-9.]*\).*/\1/p' "$pins")
folder=${CAMPANILE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/campanile}/tzdata-$version

if ! [ -e "$folder/tzdata/zones" ]; then
  printf 'tzdata: installing %s into %s\n' "$version" "$folder" >&2
  rm -rf "$folder" "$folder.new"
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --require-hashes \
    --target "$folder.new" -r "$pins" >&2
  mv "$folder.new" "$folder"
fi
printf '%s\n' "$folder"
