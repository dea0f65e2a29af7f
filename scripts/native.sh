#!/usr/bin/env bash
# Builds RocksDB once, into a cache outside the checkout, and prints the path of a file to source:
#
#   . "$(scripts/native.sh)"
#
# The library comes from the sources that the crate itself ships, so header and library agree. The cache survives
# `cargo clean`, serves every profile, and is made again when the version, the features or the compiler change.
# The same settings go to .cache/native.toml, which .cargo/config.toml includes, so that a plain `cargo build` in this
# checkout links the same library.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'native: %s\n' "$*" >&2; }

root=$PWD
cache=${CAMPANILE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/campanile}/native
compiler=${CXX:-c++}

# The version of the bindings that Cargo.lock pins; empty while no crate uses RocksDB.
locked_version() { sed -n '/^name = "librocksdb-sys"$/{n;s/^version = "\(.*\)"$/\1/p}' Cargo.lock; }

# The dependency as the workspace states it: version and features.
stated_dependency() { sed -n 's/^\(rocksdb = .*\)$/\1/p' Cargo.toml; }

# What the build may assume of the processor: without SSE 4.2 RocksDB counts its checksums in software, which was 27 % of
# the time of reading the log. Every x86-64 since 2010 has both.
processor_flags() {
  case "$(uname -m)" in
    x86_64) echo '-C target-feature=+sse4.2,+pclmulqdq' ;;
    *) echo ;;
  esac
}

# Everything that changes the library's bytes.
key_of() {
  local version=$1 digest
  digest=$({
    printf '%s\n' "$version" "$(stated_dependency)" "$(uname -sm)" "${CXXFLAGS:-}" "$(processor_flags)"
    "$compiler" --version | head -n 1
  } | sha256sum | cut -c 1-12)
  printf 'rocksdb-%s-%s\n' "${version//+/-}" "$digest"
}

# write_settings DIRECTORY: the two files that point cargo at the library; rewritten only when they differ.
write_settings() {
  local directory=$1 text
  text=$(printf '[env]\nROCKSDB_LIB_DIR = "%s"\nROCKSDB_STATIC = "1"\n' "$directory")
  if [ "$(cat "$root/.cache/native.toml" 2>/dev/null)" != "$text" ]; then
    mkdir -p "$root/.cache"
    printf '%s\n' "$text" >"$root/.cache/native.toml.$$"
    mv -f "$root/.cache/native.toml.$$" "$root/.cache/native.toml"
  fi
  printf '%s\n' "$directory/env.sh"
}

# A project with nothing but the dependency, in the given directory.
write_project() {
  local directory=$1
  mkdir -p "$directory/src"
  cp "$root/rust-toolchain.toml" "$root/Cargo.lock" "$directory/"
  : >"$directory/src/lib.rs"
  printf '%s\n' '[package]' 'name = "campanile-native"' 'version = "0.0.0"' 'edition = "2024"' 'publish = false' '' \
    '[workspace]' '' '[dependencies]' "$(stated_dependency)" '' '[profile.release]' 'debug = false' \
    >"$directory/Cargo.toml"
}

# The number of C++ files, from the crate's own list once cargo has fetched it.
count_sources() {
  local list
  for list in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"librocksdb-sys-$1"/rocksdb_lib_sources.txt; do
    if [ -e "$list" ]; then
      grep -c . "$list"
      return
    fi
  done
  echo 340
}

# watch_build PID OUT VERSION: a line every 20 s while the process lives.
watch_build() {
  local pid=$1 target=$2 version=$3 ticks=0 objects
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    ticks=$((ticks + 1))
    if [ $((ticks % 20)) = 0 ]; then
      objects=$(find "$target" -path '*librocksdb-sys-*' -name '*.o' 2>/dev/null | wc -l)
      say "building RocksDB: $objects of ~$(count_sources "$version") objects, $SECONDS s"
    fi
  done
}

work='' pid=''

stop_build() {
  if [ -n "$pid" ]; then kill -- "-$pid" 2>/dev/null || true; fi
}

build() {
  local version=$1 directory=$2 library
  # What a killed run left behind: the lock is ours, so nobody is building.
  rm -rf "$cache"/.build-* "$cache"/.entry-*
  work=$(mktemp -d "$cache/.build-XXXXXX")
  trap 'stop_build; rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM
  write_project "$work"
  say "building RocksDB ${version#*+} once, into $directory (5 to 15 minutes)"
  # -p: the bindings alone, the rest of the project is not wanted. Nothing of the caller's settings reaches it.
  # A process group of its own (set -m), so that an interrupt stops the compilers too; without the lock (9>&-), so that
  # a compiler that outlives us does not hold it.
  set -m
  (
    cd "$work"
    exec env -u ROCKSDB_LIB_DIR -u ROCKSDB_STATIC -u CARGO_TARGET_DIR -u CARGO_BUILD_TARGET_DIR \
      RUSTFLAGS="$(processor_flags)" cargo build --release -p librocksdb-sys --target-dir "$work/target"
  ) >"$work/log" 2>&1 9>&- &
  pid=$!
  set +m
  watch_build "$pid" "$work/target" "$version"
  if ! wait "$pid"; then
    tail -n 40 "$work/log" >&2
    say "RocksDB could not be built; the last lines of the build are above"
    exit 1
  fi
  pid=
  library=$(find "$work/target/release/build" -path '*librocksdb-sys-*/out/librocksdb.a' | head -n 1)
  if [ -z "$library" ]; then
    say "the build made no librocksdb.a; the crate's build script must have changed"
    exit 1
  fi
  keep "$library" "$directory"
  say "RocksDB is built and kept: $SECONDS s, $(du -h "$directory/librocksdb.a" | cut -f 1)"
}

# keep LIBRARY DIRECTORY: makes the cache entry, complete or not at all.
keep() {
  local entry
  entry=$(mktemp -d "$cache/.entry-XXXXXX")
  cp "$1" "$entry/librocksdb.a"
  printf "export ROCKSDB_LIB_DIR='%s'\nexport ROCKSDB_STATIC=1\n" "$2" >"$entry/env.sh"
  chmod 755 "$entry"
  rm -rf "$2"
  mv -T "$entry" "$2"
}

main() {
  local version directory
  version=$(locked_version)
  mkdir -p "$cache"
  if [ -z "$version" ]; then
    # No crate of this checkout links RocksDB, so there is nothing to point at.
    : >"$cache/none.sh"
    printf '%s\n' "$cache/none.sh"
    return
  fi
  directory=$cache/$(key_of "$version")
  if [ ! -e "$directory/env.sh" ]; then
    exec 9>"$cache/.lock"
    if ! flock -n 9; then
      say "another build of RocksDB is running; waiting for it"
      flock 9
    fi
    if [ ! -e "$directory/env.sh" ]; then
      if [ "${1:-}" = --from ]; then keep "$2" "$directory"; else build "$version" "$directory"; fi
    fi
  fi
  write_settings "$directory"
}

case "${1:-}" in
  '') main ;;
  --from)
    # For a machine that has the very library already, such as an image: fills the cache from a file.
    [ -f "${2:-}" ] || { say "--from wants the path of a librocksdb.a"; exit 64; }
    main --from "$2"
    ;;
  *)
    echo "usage: scripts/native.sh [--from LIBRARY]" >&2
    exit 64
    ;;
esac
