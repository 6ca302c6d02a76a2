#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Have DKMS build and install the module for each kernel: scripts/dkms.sh install|uninstall
# KVER: for this kernel now (default: the running one). DKMS_TREE, DKMS_SRC, DKMS_INSTALL:
# other places.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
version=$("$top/scripts/package.sh" version)
kver=${KVER:-$(uname -r)}
source=${DKMS_SRC:-/usr/src}/hartwell-$version
dkms=(dkms)
[ -z "${DKMS_TREE-}" ] || dkms+=(--dkmstree "$DKMS_TREE")
[ -z "${DKMS_SRC-}" ] || dkms+=(--sourcetree "$DKMS_SRC")
[ -z "${DKMS_INSTALL-}" ] || dkms+=(--installtree "$DKMS_INSTALL")

die()
{
	echo "scripts/dkms.sh: $*" >&2
	exit 1
}

uninstall()
{
	if "${dkms[@]}" status hartwell/"$version" | grep -q .; then
		"${dkms[@]}" remove hartwell/"$version" --all
	fi
	rm -rf "$source"
}

command -v dkms >/dev/null || die "dkms is not installed: apt-get install dkms"
[ -z "${DKMS_SRC-}" ] && [ -e /usr/sbin/hartwell-bind ] &&
	die "the package hartwell-dkms has it in its care: apt-get remove hartwell-dkms"
case ${1-} in
install)
	uninstall
	mkdir -p "$source"
	cp -r "$top"/{Makefile,Kbuild,LICENSE,src,include} "$source"
	make -s -C "$source" clean
	sed "s/#MODULE_VERSION#/$version/" "$top/scripts/debian/hartwell-dkms.dkms" \
		>"$source/dkms.conf"
	"${dkms[@]}" add hartwell/"$version"
	"${dkms[@]}" install hartwell/"$version" -k "$kver"
	;;
uninstall) uninstall ;;
-h | --help) sed -n 's/^# //p' "$0" | sed -n 2,4p ;;
*)
	echo "scripts/dkms.sh: install or uninstall?" >&2
	exit 2
	;;
esac
