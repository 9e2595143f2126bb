#!/usr/bin/env bash
# Makes a Debian package of built binaries, with dpkg-deb alone.
#
#   scripts/deb.sh [FOLDER_OF_BINARIES [FOLDER_OF_THE_PACKAGE]]     target/release, target/deb
#
# Prints the package's path.
set -euo pipefail
cd "$(dirname "$0")/.."

binaries=${1:-${CARGO_TARGET_DIR:-target}/release}
output=${2:-${CARGO_TARGET_DIR:-target}/deb}

fail() { printf 'deb: %s\n' "$*" >&2; exit 1; }
for program in xenline xenline-brain; do
    [ -x "$binaries/$program" ] || fail "no $binaries/$program; cargo build --release -p xenline -p xenline-brain"
done
# The voice's phonemes, from the build that linked the library.
phonemes=$(find "$binaries/build" -path '*/out/share/espeak-ng-data' -prune -printf '%T@ %p\n' | sort -rn | sed -n '1s/[^ ]* //p')
[ -n "$phonemes" ] || fail "no espeak-ng-data below $binaries/build"

version=$("$binaries/xenline" --version | cut -d' ' -f2)
architecture=$(dpkg --print-architecture)
maintainer='The xenline authors <xenline@localhost>'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

umask 022
put() { install -D -m "$1" "$2" "$root/$3"; }
folder() { cp -r --no-preserve=mode,ownership "$1" "$root/$2"; }

put 755 "$binaries/xenline" usr/bin/xenline
put 755 "$binaries/xenline-brain" usr/bin/xenline-brain
strip --strip-unneeded "$root"/usr/bin/*
put 644 deploy/systemd/xenline.service usr/lib/systemd/system/xenline.service
put 644 deploy/systemd/xenline-brain.service usr/lib/systemd/system/xenline-brain.service
put 644 deploy/systemd/realtime.conf usr/share/xenline/realtime.conf
put 644 deploy/xenline.example.toml etc/xenline/xenline.toml
put 644 agent/brain/xenline-brain.example.toml etc/xenline/xenline-brain.toml
install -d -m 700 "$root/etc/xenline/credentials"
for carrier in deploy/carriers/*.toml; do
    put 644 "$carrier" "usr/share/xenline/carriers/${carrier##*/}"
done
folder "$phonemes" usr/share/xenline/espeak-ng-data
folder assets usr/share/xenline/assets
folder freeswitch-conf usr/share/xenline/freeswitch-conf
"$binaries/xenline" completions bash >"$work/completions"
put 644 "$work/completions" usr/share/bash-completion/completions/xenline

doc=usr/share/doc/xenline
put 644 README.md "$doc/README.md"
put 644 deploy/README.md "$doc/deploy.md"
put 644 deploy/telnyx.toml "$doc/examples/telnyx.toml"
put 644 deploy/softphone.toml "$doc/examples/softphone.toml"
put 644 CHANGELOG.md "$doc/CHANGELOG.md"
printf 'xenline (%s) unstable; urgency=medium\n\n  * What changed is in CHANGELOG.md.\n\n -- %s  %s\n' \
    "$version" "$maintainer" "$(date -uR -d "@${SOURCE_DATE_EPOCH:-$(stat -c %Y CHANGELOG.md)}")" >"$work/changelog"
put 644 "$work/changelog" "$doc/changelog"
gzip -9n "$root/$doc/changelog"
{
    printf 'Source: this package is made from the source tree by scripts/deb.sh.\n\n'
    cat NOTICE
    printf '\nThe GNU General Public License, version 3, is in /usr/share/common-licenses/GPL-3,\n'
    printf 'the Apache License, version 2.0, in /usr/share/common-licenses/Apache-2.0.\n\n'
    cat LICENSE-MIT
} >"$work/copyright"
put 644 "$work/copyright" "$doc/copyright"

# What the programs need of the system's libraries, as dpkg knows it.
mkdir -p "$work/debian"
printf 'Source: xenline\n\nPackage: xenline\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O root/usr/bin/xenline root/usr/bin/xenline-brain 2>/dev/null |
    sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || fail "dpkg-shlibdeps found no library; is dpkg-dev installed?"

mkdir -p "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: xenline
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Section: comm
Priority: optional
Depends: $depends, passwd
Recommends: nftables
Suggests: redis-server, freeswitch
Installed-Size: $(du -sk "$root" | cut -f1)
Description: always-open phone line to your own agent
 A call comes in over an IP-authenticated SIP trunk, is heard by a recogniser on
 this machine, understood by an agent in a process of its own, and answered
 through one voice. No metered cloud voice is part of it.
CONTROL
printf '/etc/xenline/xenline.toml\n/etc/xenline/xenline-brain.toml\n' >"$root/DEBIAN/conffiles"
install -m 755 deploy/debian/postinst deploy/debian/prerm deploy/debian/postrm "$root/DEBIAN/"
(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) >"$work/md5sums"
put 644 "$work/md5sums" DEBIAN/md5sums

mkdir -p "$output"
package=$output/xenline_${version}_${architecture}.deb
dpkg-deb --root-owner-group -Zxz -z"${DEB_COMPRESSION:-6}" --build "$root" "$package" >/dev/null
printf '%s\n' "$package"
