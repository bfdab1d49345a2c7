#!/usr/bin/env bash
# Measures speed and memory, each figure against a baseline measured in the same run.
#
#   acceptance-tests/bench.sh [NAME…]      the named figures, or all of them; --list prints their names
#
# Prints one line per figure, `name value unit baseline ratio`, and explanations that begin with #. Needs what run.sh needs.
# VALKYARD_BENCH_DATA_MB (default 1024) is the data that is moved while an instance is scaled, upgraded or resized; for backups each of
# three shards has that much.
# Exit 0 when everything could be measured, also when a target is missed. Run it on a machine that is otherwise idle.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
tools=$root/.tools
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")

export VALKYARD_BENCH_BIN_DIR=$target/release VALKYARD_BENCH_TOOLS=$tools
[ "${1:-}" != --list ] || exec python3 acceptance-tests/bench/main.py --list

export CARGO_TERM_COLOR=never
{
  cargo build --release --locked --bins
  cargo build --release --locked -p valkyard-api --example serve_stored
  cargo build --release --locked -p terraform-provider-valkyard --example read_load
  cargo build --release --locked -p valkyard-planner --example plan_time
  cargo build --release --locked -p valkyard-replicator --example run_link
  acceptance-tests/setup/engines.sh --need 8,9 "$tools"
  command -v terraform || command -v tofu || [ -n "${VALKYARD_TF_BIN:-}" ] || acceptance-tests/setup/terraform.sh "$tools"
} >&2

# Settings of the caller must not reach the daemon and the Terraform that are measured.
for name in "${!VALKYARD_@}" "${!TF_@}"; do
  case $name in VALKYARD_BENCH_* | VALKYARD_TF_BIN) ;; *) unset "$name" ;; esac
done
exec python3 acceptance-tests/bench/main.py "$@"
