#!/usr/bin/env bash
# Runs every part of the tests in turn, then prints how long each took; exits 1 if one failed, with the end of its log.
# All parts run even if one fails, so that one run shows everything. Called by `make test`, after setup and native.
#
# Parts are the checks below and every executable tests/acceptance/*.sh, in name order. A script gets
#   CAMPANILE         the server's binary, already built
#   CARGO_TARGET_DIR  where to build, if it must
# and says on its last line what it found.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target CAMPANILE=$target/fast/campanile
logs=$target/test-logs
# Lines of a failed part that are shown at the end.
tail_lines=${TAIL:-60}
# Seconds of silence after which a running part says that it lives.
heartbeat_s=${HEARTBEAT:-30}

names=() results=() times=()
failed_log='' job=''

stop_job() {
  if [ -n "$job" ]; then kill -- "-$job" 2>/dev/null || true; fi
}
trap stop_job EXIT
trap 'exit 130' INT TERM

# part NAME COMMAND...: runs it with its output in a log, and notes its time and result.
part() {
  local name=$1 log started=$SECONDS result=ok
  shift
  log=$logs/$(printf '%02d' $((${#names[@]} + 1)))-$name.log
  printf 'test: %s\n' "$name"
  # A process group of its own, so that an interrupt stops what the part started.
  set -m
  "$@" >"$log" 2>&1 </dev/null &
  job=$!
  set +m
  watch_job "$name" "$log" "$started"
  wait "$job" || result=FAILED
  job=''
  names+=("$name") results+=("$result") times+=($((SECONDS - started)))
  if [ "$result" = ok ]; then
    printf 'test: %s ok, %s s\n' "$name" "$((SECONDS - started))"
  else
    printf 'test: %s FAILED after %s s\n' "$name" "$((SECONDS - started))"
    failed_log=${failed_log:-$log}
  fi
}

watch_job() {
  local name=$1 log=$2 started=$3 silent_since=$SECONDS
  while kill -0 "$job" 2>/dev/null; do
    sleep 0.2
    if [ $((SECONDS - silent_since)) -ge "$heartbeat_s" ]; then
      silent_since=$SECONDS
      printf 'test: %s … %s s: %s\n' "$name" "$((SECONDS - started))" "$(tail -n 1 "$log" | cut -c 1-100)"
    fi
  done
}

print_table() {
  local index total=0
  printf '\n%-34s %8s  %s\n' part seconds result
  for index in "${!names[@]}"; do
    printf '%-34s %8s  %s\n' "${names[index]}" "${times[index]}" "${results[index]}"
    total=$((total + times[index]))
  done
  printf '%-34s %8s\n' total "$total"
}

run_parts() {
  local script
  part format cargo fmt --all --check
  part clippy cargo clippy --profile fast --workspace --all-targets -- -D warnings
  part tidy cargo xtask tidy
  part cargo-test cargo test --profile fast --workspace --no-fail-fast
  part build-server cargo build --profile fast -p campanile-server
  for script in tests/acceptance/*.sh; do
    if [ -x "$script" ]; then part "$(basename "$script" .sh)" "$script"; fi
  done
}

mkdir -p "$logs"
rm -f "$logs"/*.log
run_parts
print_table
if [ -n "$failed_log" ]; then
  printf '\ntest: FAILED. The end of %s:\n\n' "$failed_log"
  tail -n "$tail_lines" "$failed_log"
  exit 1
fi
printf '\ntest: all parts passed\n'
