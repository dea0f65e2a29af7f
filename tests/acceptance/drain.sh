#!/usr/bin/env bash
# The quick form of `make drain`: every counter equals the reference model. The ratio is printed and not judged here: a
# test must not depend on how busy the machine is.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo build --quiet --profile fast -p campanile-load
"${CARGO_TARGET_DIR:-target}/fast/campanile-load" drain --events "${EVENTS:-200000}" --limit 1000
