#!/usr/bin/env bash
# Prepares a Debian or Ubuntu machine, and does nothing where it is prepared already.
#
#   scripts/setup.sh build   what a build needs, and the Rust toolchain
#   scripts/setup.sh test    that, and the independent peers that the tests call
#
# XENLINE_YES=1 answers yes to its one question (whether to install the Rust toolchain).
set -euo pipefail

build_packages=(build-essential ca-certificates clang cmake curl git libasound2-dev libclang-dev
    pkg-config)
# The phones, tools and interpreters that the tests use as peers that we did not write.
# libssl-dev is for the build script of ONNX Runtime's bindings, with the feature `onnxruntime`.
# pulseaudio and libasound2-plugins are the sound server that virtual devices come from.
test_packages=(baresip-core chromium coturn debootstrap espeak-ng fonts-dejavu-core iproute2
    libasound2-plugins libssl-dev libxml2-utils lintian nftables openssl pulseaudio pulseaudio-utils
    python3 python3-venv redis-server sip-tester sox tmux tshark)

# The other ends of rooms and browsers, below target/peers. Pinned: the tests expect what these do.
livekit_server=github.com/livekit/livekit-server/cmd/server@v1.13.5
node_peer=@livekit/rtc-node@1.1.0
python_peers=(aiortc==1.16.0 livekit==1.2.1 livekit-api==1.2.2)

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root and there is no sudo; as root, run: $*"
    fi
}

missing_of() {
    local installed package
    # One call for all of them: this runs before every build.
    # shellcheck disable=SC2016  # the dollar is dpkg-query's
    installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null || true)
    for package in "$@"; do
        grep -qx "ii *$package" <<<"$installed" || printf '%s\n' "$package"
    done
}

install_packages() {
    local missing
    if ! command -v apt-get >/dev/null; then
        say "not a Debian or Ubuntu machine: please see to the likes of: $*"
        return
    fi
    mapfile -t missing < <(missing_of "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    # A relay for the whole network is not what the tests want: they start their own, on loopback.
    [[ " ${missing[*]} " != *" coturn "* ]] || never_started coturn
    # An old list is good enough more often than not, and fetching a new one takes a while.
    apt_install "${missing[@]}" || { as_root apt-get update -q && apt_install "${missing[@]}"; } ||
        fail "apt-get could not install ${missing[*]}; its own words are above"
}

# Masks the service of a package that is about to be installed.
never_started() {
    local unit=/etc/systemd/system/$1.service
    [ ! -d /etc/systemd/system ] || [ -e "$unit" ] || as_root ln -s /dev/null "$unit"
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "$@" >&2
}

want_toolchain() {
    local answer
    [ "${XENLINE_YES:-}" != 1 ] || return 0
    [ -t 0 ] || fail "cargo is missing. Install Rust from https://rustup.rs, or run again with XENLINE_YES=1 to have it done"
    read -r -p "setup: cargo is missing. Install the Rust toolchain with rustup into ~/.cargo? [y/N] " answer
    case "$answer" in
        [yY]*) ;;
        *) fail "without cargo nothing can be built; see https://rustup.rs" ;;
    esac
}

install_toolchain() {
    local rustup
    [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ] && return
    command -v cargo >/dev/null && return
    want_toolchain
    rustup=$(mktemp)
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs -o "$rustup" ||
        fail "the rustup installer could not be fetched; is there a way out to the network?"
    # The toolchain itself is pinned in rust-toolchain.toml and comes with the first cargo call.
    sh "$rustup" -y --profile minimal --default-toolchain none
    rm -f "$rustup"
}

# A LiveKit server, and what speaks to it and like a browser in Python.
install_peers() {
    local folder=$PWD/target/peers go wanted="$livekit_server ${python_peers[*]}"
    ! command -v npm >/dev/null || wanted+=" $node_peer"
    [ "$(cat "$folder/installed" 2>/dev/null)" != "$wanted" ] || return 0
    go=$(PATH=$PATH:/usr/local/go/bin command -v go) || { install_packages golang-go && go=go; }
    say "building the LiveKit server and installing ${python_peers[*]} into $folder"
    GOBIN="$folder/bin" "$go" install "$livekit_server" ||
        fail "the LiveKit server could not be built; it takes Go 1.21 or newer, see https://go.dev/dl"
    python3 -m venv "$folder/venv" >&2
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "${python_peers[@]}" >&2 ||
        fail "pip could not install ${python_peers[*]}; its own words are above"
    # Debian's npm brings four hundred packages, so it is not installed for this alone: the one test that
    # needs it says that it is skipped.
    if command -v npm >/dev/null; then
        npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder/node" "$node_peer" >&2 ||
            fail "npm could not install $node_peer; its own words are above"
    fi
    printf '%s\n' "$wanted" >"$folder/installed"
}

cd "$(dirname "$0")/.."
case "${1:-build}" in
    build) install_packages "${build_packages[@]}" ;;
    test)
        install_packages "${build_packages[@]}" "${test_packages[@]}"
        install_peers
        ;;
    *) fail "usage: scripts/setup.sh build|test" ;;
esac
install_toolchain
