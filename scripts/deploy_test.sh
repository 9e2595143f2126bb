#!/usr/bin/env bash
# What a deployment is made of: the units' confinement, and the Debian package, installed in a root of its own.
#
#   scripts/deploy_test.sh [FOLDER_OF_BINARIES]     target/debug
#
# The installation needs root and a mirror (MIRROR; debootstrap's own), and is skipped with a word where one is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

binaries=${1:-${CARGO_TARGET_DIR:-target}/debug}
mirror=${MIRROR:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { printf 'deploy: %s\n' "$*" >&2; exit 1; }
skip() { printf 'deploy: skipped: %s\n' "$*"; }

# The most that systemd counts as exposed, in tenths: what a line needs is the network and /proc.
confinement() {
    local unit limit=$2 folder=$work/units
    mkdir -p "$folder" && cp deploy/systemd/xenline*.service "$folder"
    unit=$folder/$1.service
    if [ -n "${3:-}" ]; then
        install -D "$3" "$folder/$1.service.d/more.conf"
    fi
    systemd-analyze security --offline=yes --no-pager --threshold="$limit" "$unit" >"$work/security" 2>&1 ||
        { cat "$work/security" >&2; fail "$1 is more exposed than $limit tenths"; }
    printf 'deploy: %s%s: %s\n' "$1" "${3:+ with ${3##*/}}" "$(sed -n 's/.*Overall exposure level for [^:]*: //p' "$work/security")"
    rm -r "$folder"
}

# Every capability that the units and what may be added to them ask for.
capabilities() {
    local asked
    asked=$(grep -rhoE '^(Ambient|Bounding)?[A-Za-z]*Capabilit[^=]*=.+' deploy/systemd | sed 's/.*=//' | sort -u)
    [ "$asked" = CAP_SYS_NICE ] || fail "the units ask for: $asked"
}

contents() {
    dpkg-deb -c "$1" | awk '{print $1, $6}' | sed 's/ \.\// /' >"$work/contents"
    local wanted
    for wanted in '-rwxr-xr-x usr/bin/xenline' '-rwxr-xr-x usr/bin/xenline-brain' \
        '-rw-r--r-- usr/lib/systemd/system/xenline.service' \
        '-rw-r--r-- usr/lib/systemd/system/xenline-brain.service' \
        '-rw-r--r-- etc/xenline/xenline.toml' 'drwx------ etc/xenline/credentials/' \
        '-rw-r--r-- usr/share/xenline/carriers/telnyx.toml' \
        '-rw-r--r-- usr/share/xenline/espeak-ng-data/phondata' \
        '-rw-r--r-- usr/share/doc/xenline/copyright'; do
        grep -qxF -- "$wanted" "$work/contents" || fail "the package has no: $wanted"
    done
    ! grep -E '^-.{7}w' "$work/contents" || fail "files that everybody may write"
    # What is left out is about Debian's archive: bugs that it closes, a maintainer's address, manual pages.
    if command -v lintian >/dev/null; then
        lintian --fail-on error --suppress-tags \
            initial-upload-closes-no-bugs,bogus-mail-host,bogus-mail-host-in-debian-changelog,no-manual-page \
            "$1" >"$work/lintian" 2>&1 ||
            { cat "$work/lintian" >&2; fail "lintian finds errors"; }
    else
        skip "lintian is not installed"
    fi
}

installation() {
    local root=$work/root
    [ "$(id -u)" -eq 0 ] || { skip "installing needs root"; return; }
    command -v debootstrap >/dev/null || { skip "debootstrap is not installed"; return; }
    # The suite of this machine: the programs were linked against its libraries.
    # shellcheck disable=SC1091
    local suite && suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    # What it depends on, by name: dpkg installs, and fetches nothing.
    local needs && needs=$(dpkg-deb -f "$1" Depends | tr ',' '\n' | sed 's/[(|].*//; s/ //g' | paste -sd,)
    debootstrap --variant=minbase --include="$needs" "$suite" "$root" ${mirror:+"$mirror"} >"$work/debootstrap" 2>&1 ||
        { skip "debootstrap: $(tail -n 1 "$work/debootstrap")"; return; }
    cp "$1" "$root/tmp/xenline.deb"
    # No service is started in there: nobody is init.
    inside dpkg -i /tmp/xenline.deb >"$work/dpkg" 2>&1 || { cat "$work/dpkg" >&2; fail "dpkg -i"; }
    inside xenline config validate
    cp deploy/telnyx.toml "$root/etc/xenline/xenline.toml"
    inside xenline firewall print >"$work/rules"
    grep -q '192.76.120.10' "$work/rules" || fail "no rules from the installed program"
    inside xenline-brain --check --config /etc/xenline/xenline-brain.toml >/dev/null || fail "the brain's configuration"
    inside getent passwd xenline >/dev/null || fail "no user xenline"
    inside dpkg --purge xenline >>"$work/dpkg" 2>&1 || { cat "$work/dpkg" >&2; fail "dpkg --purge"; }
    [ ! -e "$root/usr/bin/xenline" ] || fail "purged, and still there"
    printf 'deploy: installed, asked, and purged in a %s of its own\n' "$suite"
}

inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }

if command -v systemd-analyze >/dev/null; then
    confinement xenline 12
    confinement xenline-brain 6
    confinement xenline 18 deploy/systemd/realtime.conf
else
    skip "systemd-analyze is not installed"
fi
capabilities
package=$(DEB_COMPRESSION=0 scripts/deb.sh "$binaries" "$work")
contents "$package"
printf 'deploy: %s, %s MB from %s\n' "${package##*/}" "$(($(stat -c %s "$package") / 1000000))" "$binaries"
installation "$package"
