#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sign hartwell.ko for Secure Boot: scripts/sign.sh [--key DIR] [MODULE]
# DIR has MOK.priv and MOK.der; they are made there if they are missing (default: where Debian
# keeps the machine owner's key, /var/lib/shim-signed/mok). KDIR: the kernel's build directory.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
kdir=${KDIR:-/lib/modules/$(uname -r)/build}
keys=/var/lib/shim-signed/mok
module=$top/hartwell.ko

die()
{
	echo "scripts/sign.sh: $*" >&2
	exit 1
}

while [ $# -gt 0 ]; do
	case $1 in
	--key)
		keys=${2:?scripts/sign.sh: --key wants a directory}
		shift
		;;
	-h | --help)
		sed -n 's/^# //p' "$0" | sed -n '2,$p'
		exit
		;;
	-*) die "no option $1: see --help" ;;
	*) module=$1 ;;
	esac
	shift
done

[ -e "$module" ] || die "there is no $module: type make first"
[ -x "$kdir/scripts/sign-file" ] || die "no scripts/sign-file in $kdir: name another by KDIR"
if [ ! -e "$keys/MOK.priv" ]; then
	command -v openssl >/dev/null || die "openssl is not installed: apt-get install openssl"
	(umask 077 && mkdir -p "$keys" && openssl req -new -x509 -newkey rsa:2048 -nodes -days 36500 \
		-subj "/CN=$(hostname) module signing key/" -keyout "$keys/MOK.priv" \
		-outform DER -out "$keys/MOK.der" 2>/dev/null)
	echo "made $keys/MOK.priv and MOK.der; once, have the firmware trust it:"
	echo "  mokutil --import $keys/MOK.der      (asks for a password)"
	echo "  reboot, choose \"Enroll MOK\", and give that password"
fi
"$kdir/scripts/sign-file" sha256 "$keys/MOK.priv" "$keys/MOK.der" "$module"
echo "signed $module"
