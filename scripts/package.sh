#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Make what is handed out: scripts/package.sh dist|deb|version
# dist: hartwell-VERSION.tar.gz; deb: hartwell-dkms_VERSION_all.deb; version: print it.
# OUT: where to (default: dist below the tree). The same tree gives the same bits.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
out=${OUT:-$top/dist}
export LC_ALL=C TZ=UTC
umask 022

die()
{
	echo "scripts/package.sh: $*" >&2
	exit 1
}

# What modinfo says, and so all else.
version=$(sed -n 's/^#define HWL_VERSION[[:space:]]*"\(.*\)"/\1/p' "$top/include/hwl.h")
changes=$top/Documentation/changelog.rst

# The entry of this version: a heading "VERSION (YYYY-MM-DD)", underlined, and a list.
entry()
{
	awk -v version="$version" '
		/^[0-9][0-9.]* \([0-9-]+\)$/ { inside = $1 == version; if (inside) print; next }
		inside && !/^=+$/' "$changes"
}

# Its date stands for the time of all files, with a repository or without.
epoch()
{
	local day
	day=$(entry | sed -n '1s/.*(\(.*\))$/\1/p')
	[ "$day" ] || die "Documentation/changelog.rst has no entry for version $version"
	date -d "$day 12:00" +%s
}

# Files of the project, with a NUL behind each: what git tracks, or what .gitignore leaves.
files()
{
	local pattern prune=(-path ./.git)
	cd "$top"
	if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$top" ]; then
		git ls-files -z
		return
	fi
	while read -r pattern; do
		case $pattern in
		'' | '#'*) ;;
		/*) prune+=(-o -path ".${pattern%/}") ;;
		*) prune+=(-o -name "${pattern%/}") ;;
		esac
	done <.gitignore
	find . \( "${prune[@]}" \) -prune -o ! -type d -printf '%P\0'
}

# make_tar FILE: the tree, packed.
make_tar()
{
	local seconds
	seconds=$(epoch)
	files | sort -z | tar -C "$top" -cf - --format=ustar --no-recursion \
		--owner=0 --group=0 --numeric-owner --mode='u+rw,go=rX' --mtime="@$seconds" \
		--transform="flags=r;s|^|hartwell-$version/|" --null -T - | gzip -9n >"$1"
}

# debian/changelog is that of the documentation.
debian_changelog()
{
	echo "hartwell ($version) unstable; urgency=medium"
	echo
	entry | sed -n '2,$p' | sed -e '/^$/d' -e 's/``//g' -e 's/^/  /'
	echo
	echo " -- $(sed -n 's/^Maintainer: //p' "$top/scripts/debian/control")  $(date -R -d "@$(epoch)")"
}

make_deb()
{
	local source=$work/hartwell-$version
	make_tar "$work/tar"
	tar -C "$work" -xf "$work/tar"
	cp -r "$source/scripts/debian" "$source/debian"
	debian_changelog >"$source/debian/changelog"
	if ! (cd "$source" && dpkg-buildpackage -b -us -uc) >"$work/log" 2>&1; then
		cat "$work/log" >&2
		die "dpkg-buildpackage failed"
	fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case ${1-} in
version) echo "$version" ;;
dist)
	name=hartwell-$version.tar.gz
	make_tar "$work/$name"
	mkdir -p "$out"
	mv "$work/$name" "$out/$name"
	echo "$out/$name"
	;;
deb)
	"$top/scripts/deps.sh" package
	name=hartwell-dkms_${version}_all.deb
	make_deb
	mkdir -p "$out"
	mv "$work/$name" "$out/$name"
	echo "$out/$name"
	;;
-h | --help) sed -n 's/^# //p' "$0" | sed -n 2,4p ;;
*)
	echo "scripts/package.sh: dist, deb or version?" >&2
	exit 2
	;;
esac
