#!/usr/bin/env bash
# Brings the Python cluster client valkey-py into TOOLS_DIR/python: for the quickstart and the tests, run with
# PYTHONPATH pointing there. Prints one line: name, version, source. Pinned; a second run brings nothing.
#
#   python.sh [TOOLS_DIR]        TOOLS_DIR default: .tools in the repository
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools_dir=${1:-$here/../../.tools}
mkdir -p "$tools_dir"
target=$(cd "$tools_dir" && pwd)/python
version=6.1.1

# The dependency is only asked for by Pythons before 3.11.3.
requirements='
valkey==6.1.1 --hash=sha256:e2691541c6e1503b53c714ad9a35551ac9b7c0bbac93865f063dbc859a46de92
async-timeout==5.0.1 ; python_full_version < "3.11.3" --hash=sha256:39e3809566ff85354557ec2398b55e096c8364bacac9405a7a1fa429e77fe76c
'

if ! PYTHONPATH=$target python3 -c "import valkey; assert valkey.__version__ == '$version'" 2>/dev/null; then
  work=$(mktemp -d "$target.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  printf '%s\n' "$requirements" >"$work/requirements"
  python3 -m pip install --quiet --require-hashes --only-binary=:all: --target "$work/new" -r "$work/requirements" >"$work/log" 2>&1 ||
    { cat "$work/log" >&2; echo "python.sh: failed to install valkey-py $version" >&2; exit 1; }
  rm -rf "$target"
  mv "$work/new" "$target"
fi
printf '%-16s %-8s %s\n' valkey-py "$version" "PyPI valkey"
