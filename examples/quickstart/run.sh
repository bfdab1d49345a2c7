#!/usr/bin/env bash
# From a clean clone to a sharded Valkey cluster made by `terraform apply`, keys in it, and back to nothing.
#
#   examples/quickstart/run.sh            run all of it, then remove the cluster and stop the daemon
#   examples/quickstart/run.sh --keep     leave daemon and cluster running; says how to go on and how to stop
#
# Needs a Rust toolchain, git, python3 with pip, and network. Brings an engine and a Terraform into .tools/ if none is on
# PATH; changes nothing outside the clone. VALKYARD_TF_BIN chooses the terraform or tofu to use.
set -euo pipefail

keep=false
case ${1:-} in
  "") ;;
  --keep) keep=true ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

root=$(cd "$(dirname "$0")/../.." && pwd)
tools=$root/.tools
state=$tools/quickstart
step() { printf '\n== %s\n' "$1"; }
fail() { echo "quickstart: $1" >&2; exit 1; }

# The caller's settings are for the caller's daemon.
wanted_terraform=${VALKYARD_TF_BIN:-}
unset "${!VALKYARD_@}"

for needed in cargo git python3; do
  command -v "$needed" >/dev/null || fail "$needed is not on PATH; install it and run this again"
done

step "building the daemon and the provider"
target=${CARGO_TARGET_DIR:-$root/target}
(cd "$root" && cargo build --release --locked --bin valkyard --bin terraform-provider-valkyard)
valkyard=$target/release/valkyard

step "tools"
"$root/acceptance-tests/setup/engines.sh" --need 9 "$tools"
"$root/acceptance-tests/setup/python.sh" "$tools"
terraform=${wanted_terraform:-$(command -v terraform || command -v tofu || true)}
if [ -z "$terraform" ]; then
  "$root/acceptance-tests/setup/terraform.sh" "$tools"
  terraform=$tools/terraform-1.15/terraform
fi
echo "terraform:       $terraform"

mkdir -p "$state"
data=$state/data
if [ -e "$data" ]; then
  "$valkyard" down --data-dir "$data" >/dev/null # left by a run that was interrupted
  rm -rf "$data"
fi
rm -rf "$state/config"
mkdir -p "$state/config"
cp "$root"/examples/quickstart/*.tf "$state/config/"
cat >"$state/terraformrc" <<RC
provider_installation {
  dev_overrides {
    "valkyard/valkyard" = "$target/release"
  }
  direct {}
}
RC
export TF_CLI_CONFIG_FILE=$state/terraformrc TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
tf() { "$terraform" -chdir="$state/config" "$@"; }

daemon=
clean_up() {
  status=$?
  trap - EXIT
  if [ $status -ne 0 ] && [ -s "$state/daemon.log" ]; then
    printf '\nquickstart: failed; the end of the daemon'"'"'s log (%s):\n' "$state/daemon.log" >&2
    tail -n 20 "$state/daemon.log" >&2
  fi
  if [ -n "$daemon" ] && { [ $status -ne 0 ] || ! $keep; }; then
    "$valkyard" down --data-dir "$data" || status=1
    wait "$daemon" || true
  fi
  exit $status
}
trap clean_up EXIT

step "starting the daemon"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$valkyard" serve --listen "127.0.0.1:$port" --data-dir "$data" --engine-paths "$tools/engines" 2>"$state/daemon.log" &
daemon=$!
"$valkyard" status --wait --timeout 30s --data-dir "$data"
eval "$("$valkyard" env --data-dir "$data")"

step "terraform apply: 3 shards, each with a replica"
tf apply -auto-approve -no-color
endpoint=$(tf output -raw discovery_endpoint)
shards=$(tf output -raw shard_count)

step "writing and reading keys through a cluster client"
PYTHONPATH=$tools/python python3 "$root/examples/quickstart/keys.py" "$endpoint" "$shards"

step "terraform plan: nothing to change"
tf plan -detailed-exitcode -no-color

if $keep; then
  trap - EXIT
  cat <<NEXT

The cluster keeps running at $endpoint. Go on with:
  eval "\$($valkyard env --data-dir $data)"
  $valkyard status --data-dir $data
  export TF_CLI_CONFIG_FILE=$state/terraformrc
  $terraform -chdir=$state/config plan
Remove everything with:
  $terraform -chdir=$state/config destroy -auto-approve
  $valkyard down --data-dir $data
NEXT
  exit 0
fi

step "terraform destroy"
tf destroy -auto-approve -no-color
left=$(find "$data/instances" -mindepth 1 2>/dev/null | head -n 5)
[ -z "$left" ] || fail "destroy left files: $left"
"$valkyard" down --data-dir "$data"
wait "$daemon" || true
daemon=
if pgrep -f "$data/" >/dev/null; then
  fail "processes are left: $(pgrep -af "$data/")"
fi
rm -rf "$data" "$state/config"
printf '\nquickstart: all of it worked; nothing is left running\n'
