#!/usr/bin/env bash
# Changes an instance at random while its nodes and the daemon are killed, stopped and continued and zones are taken away,
# with clients at work all the time; then checks the invariants and every write.
#
#   acceptance-tests/chaos.sh [--seed N] [--minutes M]      default: seed 1, 2 minutes
#
# Prints what it does, and the verdict; exit code 0 if it is good. The same seed makes the same choices, at moments that
# depend on the machine. Needs what run.sh needs.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

export CARGO_TERM_COLOR=never VALKYARD_TEST_TOOLS=$root/.tools
export VALKYARD_TEST_BIN_DIR=${VALKYARD_TEST_BIN_DIR:-$(realpath -m "${CARGO_TARGET_DIR:-target}")/release}
{
  acceptance-tests/setup/engines.sh --need 8,9 .tools
  acceptance-tests/setup/python.sh .tools
  [ "$VALKYARD_TEST_BIN_DIR" != "$(realpath -m "${CARGO_TARGET_DIR:-target}")/release" ] || cargo build --release --locked --bins
  cargo build --locked -p acceptance-tests --example chaos
} >&2
exec "${CARGO_TARGET_DIR:-target}/debug/examples/chaos" "$@"
