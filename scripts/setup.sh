#!/usr/bin/env bash
# Installs what a bare Debian machine lacks to build Campanile and, with --tests, to test it; says what it does.
# Quiet when nothing is missing. Exit 2: something is missing that only you can install; the line to run is printed.
set -euo pipefail
cd "$(dirname "$0")/.."

rust_wanted=$(sed -n 's/^channel *= *"\(.*\)"/\1/p' rust-toolchain.toml)
missing=()

# Where rustup puts cargo; the Makefile looks there too.
if ! command -v cargo >/dev/null 2>&1 && [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
  PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
fi

say() { printf 'setup: %s\n' "$*" >&2; }

has() { command -v "$1" >/dev/null 2>&1; }

# want PACKAGE COMMAND...: the package is missing unless every command is there, whoever installed it.
want() {
  local package=$1 name
  shift
  for name in "$@"; do
    if ! has "$name"; then
      missing+=("$package")
      return
    fi
  done
}

# Whether any of the files is there; the arguments are patterns, spread by the shell.
any_file() {
  local file
  for file in "$@"; do
    [ -e "$file" ] && return
  done
  return 1
}

find_missing() {
  missing=()
  want build-essential cc c++ make
  want clang clang
  want cmake cmake
  want pkg-config pkg-config
  # bindgen loads libclang when it runs.
  any_file "${LIBCLANG_PATH:-/nowhere}" /usr/lib/llvm-*/lib/libclang*.so* /usr/lib/*/libclang*.so* \
    /usr/lib64/libclang*.so* /usr/local/lib/libclang*.so* || missing+=(libclang-dev)
  any_file /usr/include/zlib.h /usr/local/include/zlib.h || missing+=(zlib1g-dev)
  # curl fetches rustup, too.
  if [ "${1:-}" = --tests ] || ! has cargo; then want curl curl; fi
  if ! has cargo; then
    any_file /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/* || missing+=(ca-certificates)
  fi
  # A real Kafka for the tests of its ledger, scripts/kafka.sh, and another client of it, scripts/python.sh.
  if [ -n "${1:-}" ]; then
    want maven mvn
    want default-jre-headless java
    want python3 python3
    if has python3 && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then missing+=(python3-venv); fi
  fi
  if [ "${1:-}" = --tests ]; then
    want python3 python3
    # The comparison of schedules reads its time zones from a pinned package.
    python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
    # Kafka's clients of three languages against a real broker. Java runs a source file, so it needs the compiler.
    want default-jdk-headless java javac
    want kcat kcat
    # The acceptance tests put a real Alertmanager in front of the gateway.
    has alertmanager || want prometheus-alertmanager prometheus-alertmanager
  fi
}

alertmanager_runs() { pgrep -f 'bin/(prometheus-)?alertmanager( |$)' >/dev/null 2>&1; }

# Debian's package starts its service at once. The tests start their own, on a port of their own.
stop_service_we_started() {
  if has systemctl && [ -d /run/systemd/system ]; then
    "$@" systemctl disable --now prometheus-alertmanager >/dev/null 2>&1 || true
  elif has service; then
    "$@" service prometheus-alertmanager stop >/dev/null 2>&1 || true
  fi
  if alertmanager_runs; then
    say "an Alertmanager runs on this machine, started by its package; the tests do not use it"
  else
    say "Alertmanager is installed and not running: the tests start their own"
  fi
}

install_missing() {
  local install=(apt-get install -y --no-install-recommends "${missing[@]}")
  local root=()
  if ! has apt-get; then
    say "missing, and this is not a Debian: ${missing[*]} (Debian's names)"
    say "install them with your package manager, then run this again"
    also_rust
    exit 2
  fi
  if [ "$(id -u)" != 0 ]; then
    if ! has sudo || ! sudo -n true 2>/dev/null; then
      say "missing: ${missing[*]}. Run this line, then start again:"
      if has sudo; then
        printf '  sudo apt-get update && sudo %s\n' "${install[*]}" >&2
      else
        printf "  su -c 'apt-get update && %s'\n" "${install[*]}" >&2
      fi
      also_rust
      exit 2
    fi
    root=(sudo -n)
  fi

  local log before=no started=$SECONDS
  log=$(mktemp)
  if alertmanager_runs; then before=yes; fi
  say "installing ${missing[*]} with apt-get (a minute or two)"
  if ! { "${root[@]}" apt-get update && "${root[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    say "apt-get failed; its last lines are above, all of them in $log"
    exit 2
  fi
  rm -f "$log"
  say "installed in $((SECONDS - started)) s"
  case " ${missing[*]} " in
    *" prometheus-alertmanager "*) [ "$before" = yes ] || stop_service_we_started "${root[@]}" ;;
  esac
}

# With the missing packages, so that one run tells everything.
also_rust() {
  if ! has cargo; then how_to_get_rust "Rust is missing too."; fi
}

how_to_get_rust() {
  say "$1"
  printf '%s\n' \
    "  Campanile is built with Rust $rust_wanted. With rustup (https://rustup.rs):" \
    "    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --default-toolchain $rust_wanted" \
    "    . \"\$HOME/.cargo/env\"" \
    "  and if rustup is there already:" \
    "    rustup toolchain install $rust_wanted --profile minimal --component rustfmt --component clippy" >&2
}

say_how_to_get_rust() {
  how_to_get_rust "$1"
  exit 2
}

# Whether version $1 is at least version $2.
is_at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

check_rust() {
  local version
  has cargo || say_how_to_get_rust "Rust is missing."
  # With rustup, rust-toolchain.toml chooses the toolchain.
  if has rustup && ! rustup toolchain list 2>/dev/null | grep -q "^$rust_wanted-"; then
    say "installing Rust $rust_wanted with rustup (a minute or two)"
    rustup toolchain install "$rust_wanted" --profile minimal --component rustfmt --component clippy >&2 \
      || say_how_to_get_rust "rustup could not install Rust $rust_wanted."
  fi
  version=$(rustc --version 2>/dev/null | cut -d ' ' -f 2) || true
  [ -n "$version" ] || say_how_to_get_rust "rustc does not start."
  is_at_least "${version%%-*}" "$rust_wanted" || say_how_to_get_rust "Rust $version is too old."
}

case "${1:-}" in
  '' | --tests | --kafka) ;;
  *)
    echo "usage: scripts/setup.sh [--tests | --kafka]" >&2
    exit 64
    ;;
esac

find_missing "$@"
if [ "${#missing[@]}" -gt 0 ]; then
  install_missing
  find_missing "$@"
  if [ "${#missing[@]}" -gt 0 ]; then
    say "still missing after the installation: ${missing[*]}"
    exit 2
  fi
fi
check_rust
