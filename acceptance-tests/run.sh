#!/usr/bin/env bash
# Every test of the repository, lints included: formatting, clippy, unit and simulation tests, then the real thing with
# valkey-server 8.0 and 9.1 and every Terraform there is. The command that CI calls.
#
#   acceptance-tests/run.sh
#
# Needs a Rust toolchain, git, python3 with pip, and network the first time. Everything it brings goes to .tools/ and target/.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
started=$SECONDS
step() { printf '\n== [%4ds] %s\n' $((SECONDS - started)) "$1"; }

export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0

step "tools"
acceptance-tests/setup/engines.sh --need 8,9 .tools
acceptance-tests/setup/terraform.sh .tools
acceptance-tests/setup/python.sh .tools
acceptance-tests/setup/object-stores.sh .tools
if terraform=$(command -v terraform); then
  printf '%-16s %-8s %s\n' terraform "$(TF_CLI_CONFIG_FILE=/dev/null terraform version | sed -n '1s/^Terraform v//p')" "on PATH: $terraform"
fi

step "formatting"
cargo fmt --all --check

step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

step "tests"
# The acceptance tests run these binaries. They check their arithmetic and their assumptions, which release binaries do not, and
# dependencies are built once only.
cargo build --locked --bins
export VALKYARD_TEST_BIN_DIR=${CARGO_TARGET_DIR:-$root/target}/debug VALKYARD_TEST_TOOLS=$root/.tools
cargo test --workspace --locked --doc
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace --locked --no-fail-fast
else
  cargo test --workspace --locked --no-fail-fast
fi
