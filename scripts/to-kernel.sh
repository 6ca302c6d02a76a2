#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Put the driver into the kernel's sources: scripts/to-kernel.sh DIR
# DIR is a kernel tree, as new as include/hwl_compat.h takes the newest to be. It gets
# drivers/net/ethernet/intel/hartwell/ with its lines in Kconfig, Makefile and MAINTAINERS, and
# pages below Documentation/. Where the driver is already, it is brought up to date.
#
# The sources are the same but for hwl_compat.h, which tells how to take it out. Nothing is written
# before all is known to fit.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
export LC_ALL=C
umask 022

intel=drivers/net/ethernet/intel
driver=$intel/hartwell
pages=Documentation/networking/device_drivers/ethernet
title='HARTWELL INTEL 82574L ETHERNET DRIVER'

die()
{
	echo "scripts/to-kernel.sh: $*" >&2
	exit 1
}

# ---- Does it fit?

# What hwl_compat.h provides on older kernels: PROBE of src/compat/probes.c, since when, header,
# and a regular expression for the header's text in one line.
needs()
{
	sed 's/^\t*//' <<-'END'
	XDP_ATTACH_MEM 6.13 net/xdp.h xdp_rxq_info_attach_mem_model\(
	XSK_ADD_FRAG_TO 6.15 net/xdp_sock_drv.h xsk_buff_add_frag\(struct xdp_buff \*head, struct
	XSK_METADATA_BY_OPTIONS 7.2 net/xdp_sock_drv.h xsk_buff_get_metadata\(struct xsk_buff_pool \*pool, u64 addr, u32
	XSK_METADATA_REQUEST_POOL 7.2 net/xdp_sock_drv.h xsk_tx_metadata_request\(const struct xsk_buff_pool
	NET_DIM_BY_REF 6.13 linux/dim.h void net_dim\(struct dim \*dim, const struct dim_sample \*
	NAPI_ADD_CONFIG 6.13 linux/netdevice.h netif_napi_add_config\(
	NAPI_LOCKED 6.14 linux/netdevice.h napi_enable_locked\(
	timer_container_of 6.16 linux/timer.h define timer_container_of\(
	POOL_ENABLE_DIRECT 6.17 net/page_pool/types.h void page_pool_enable_direct_recycling\(
	RXFH_FIELDS 6.17 linux/ethtool.h struct ethtool_rxfh_fields \{
	GET_RXFH_FIELDS 6.17 linux/ethtool.h \(\*get_rxfh_fields\)\(
	GET_RX_RING_COUNT 6.18 linux/ethtool.h u32 \(\*get_rx_ring_count\)\(
	REPORTER_WITHOUT_PERIOD 6.18 net/devlink.h devlink_health_reporter_create\(struct devlink \*devlink, const struct devlink_health_reporter_ops \*ops, void
	END
}

version()
{
	awk '$1 == "VERSION" { v = $3 } $1 == "PATCHLEVEL" { p = $3 } $1 == "SUBLEVEL" { s = $3 }
		END { print v "." p "." s }' "$dir/Makefile"
}

check_tree()
{
	local file
	[ -d "$dir" ] || die "$dir is no directory"
	for file in Makefile Kbuild MAINTAINERS $intel/Kconfig $intel/Makefile $pages/index.rst; do
		[ -f "$dir/$file" ] || die "$dir is no kernel tree: it has no $file"
	done
	grep -q '^PATCHLEVEL = ' "$dir/Makefile" || die "$dir is no kernel tree: its Makefile tells no version"
}

check_age()
{
	local since header regex lacking=
	while read -r _ since header regex; do
		[ -f "$dir/include/$header" ] &&
			tr -s '[:space:]' ' ' <"$dir/include/$header" | grep -Eq "$regex" && continue
		lacking="$lacking
  $header: ${regex//\\/} (Linux $since)"
	done < <(needs)
	[ -z "$lacking" ] || die "$dir is Linux $(version), too old for the driver in the kernel. It lacks$lacking"
}

# ---- The driver

# Without hwl_compat.h: see there.
convert()
{
	awk '
		/^#include "hwl_compat.h"$/ { next }
		/^\t*hwl_compat_[a-z0-9_]+\(.*\);$/ { next }
		/^\tHWL_COMPAT_OP\([a-z0-9_]+, [a-z0-9_]+\)$/ {
			split($0, part, /[(), ]+/)
			line = "\t." part[2]
			tabs = int((31 - 7 - length(line)) / 8) + 1
			for (i = 0; i < tabs; i++) line = line "\t"
			$0 = line "= " part[3] ","
		}
		{ print }' "$1"
}

make_driver()
{
	local file to=$new/$driver
	mkdir -p "$to"
	for file in "$top"/src/*.c "$top"/include/*.h; do
		case ${file##*/} in
		hwl_compat.h) ;;
		*) convert "$file" >"$to/${file##*/}" ;;
		esac
	done
	if grep -nE 'hwl_compat|HWL_COMPAT|HWL_HAVE|hwl_probed|LINUX_VERSION' "$to"/* >&2; then
		die "these lines cannot be taken out"
	fi
	{
		echo '# SPDX-License-Identifier: GPL-2.0'
		echo '# Intel 82574L Gigabit Ethernet controller'
		echo
		# shellcheck disable=SC2016	# for make
		echo 'obj-$(CONFIG_HARTWELL) += hartwell.o'
		sed -n '/^hartwell-y := /,/[^\\]$/ { s|src/||; p }' "$top/Kbuild"
		echo
		echo '# By which the definition of trace events includes their header.'
		# shellcheck disable=SC2016
		echo 'CFLAGS_hwl_trace.o := -I$(src)'
	} >"$to/Makefile"
	cat >"$to/Kconfig" <<'END'
# SPDX-License-Identifier: GPL-2.0-only
#
# Intel 82574L Gigabit Ethernet controller
#

config HARTWELL
	tristate "Intel(R) 82574L Gigabit Ethernet support"
	depends on PCI
	depends on PTP_1588_CLOCK_OPTIONAL
	select DIMLIB
	select NET_DEVLINK
	select PAGE_POOL
	help
	  This driver supports the Intel(R) 82574L and 82574LA Gigabit
	  Ethernet controllers, with both of their queue pairs, XDP and
	  AF_XDP.

	  The e1000e driver supports these devices, too. Where both are
	  there, the one that is loaded or linked first gets a device,
	  unless its driver_override names the other.

	  More specific information on configuring the driver is in
	  <file:Documentation/networking/device_drivers/ethernet/intel/hartwell.rst>.

	  To compile this driver as a module, choose M here. The module
	  will be called hartwell.
END
}

# ---- What names it

# edit FILE: what awk makes of it, which "found" in the end says was possible.
edit()
{
	local file=$1
	shift
	mkdir -p "$new/$(dirname "$file")"
	awk "$@" "$dir/$file" >"$new/$file" || die "$dir/$file is not made up as expected"
}

name_driver()
{
	local line="source \"$driver/Kconfig\""
	if ! grep -qxF "$line" "$dir/$intel/Kconfig"; then
		edit $intel/Kconfig -v line="$line" '
			!found && (/^source ".*\/idpf\/Kconfig"$/ || /^endif # NET_VENDOR_INTEL$/) {
				print line "\n"
				found = 1
			}
			{ print }
			END { exit !found }'
	fi
	# shellcheck disable=SC2016	# for make
	line='obj-$(CONFIG_HARTWELL) += hartwell/'
	if ! grep -qxF "$line" "$dir/$intel/Makefile"; then
		# Behind e1000e, so that this has the devices if both are built in.
		edit $intel/Makefile -v line="$line" '
			{ print }
			/CONFIG_E1000E\)/ { print line; found = 1 }
			END { exit !found }'
	fi
	name_page hartwell-statistics
	name_page hartwell
	name_maintainers
}

# In front of the first of the next letters; its order is not strict.
name_page()
{
	local file=$pages/index.rst from=$dir
	[ ! -f "$new/$file" ] || from=$new
	grep -qx "   intel/$1" "$from/$file" && return
	mkdir -p "$new/$pages"
	awk -v name="$1" '
		!found && /^   intel\// && substr($0, 10) > name { print "   intel/" name; found = 1 }
		{ print }
		END { exit !found }' "$from/$file" >"$work/index" ||
		die "$dir/$file is not made up as expected"
	mv "$work/index" "$new/$file"
}

# Sections begin with a title, behind an empty line and followed by a line such as "M:<tab>"; in
# front of the first are descriptions, with an example. Not all are in order: this one follows the
# greatest title that is less.
name_maintainers()
{
	local who
	who=$(sed -n 's/^Maintainer: //p' "$top/scripts/debian/control")
	cat >"$work/entry" <<-END
	$title
	M:	$who
	L:	netdev@vger.kernel.org
	S:	Maintained
	F:	$pages/intel/hartwell*.rst
	F:	$driver/

	END
	# shellcheck disable=SC2016	# for awk
	edit MAINTAINERS -v title="$title" -v entry="$work/entry" '
		function begins(i) {
			return list && i > list && line[i - 1] == "" && line[i] ~ /^[0-9A-Z]/ &&
			       line[i + 1] ~ /^[A-Z]:\t/
		}
		/^Maintainers List$/ { list = NR }
		{ line[NR] = $0 }
		END {
			for (i = 1; i <= NR; i++)
				if (begins(i) && line[i] < title && line[i] > last) {
					last = line[i]
					at = i
				}
			for (i = 1; i <= NR; i++) {
				if (at && !found && i > at && begins(i)) {
					while ((getline text < entry) > 0) print text
					found = 1
				}
				if (begins(i) && line[i] == title) {
					while (line[i] != "") i++
					continue
				}
				print line[i]
			}
			exit !found
		}'
}

# ---- Its pages

# The chapters of the user guide with these titles.
chapters()
{
	awk -v titles="$*" '
		BEGIN { n = split(titles, t, " "); for (i = 1; i <= n; i++) wanted[t[i]] = 1 }
		{ line[NR] = $0 }
		END {
			for (i = 1; i <= NR; i++) {
				if (line[i + 1] ~ /^==+$/ && line[i] != "" && line[i - 1] !~ /^==/)
					found += inside = line[i] in wanted
				if (line[i] ~ /^\.\. _.*: /) inside = 0
				if (inside) print line[i]
			}
			exit found != n
		}' "$top/Documentation/user-guide.rst" || die "the user guide lacks one of these chapters: $*"
}

# heading TITLE: of a page.
heading()
{
	local bar=${1//?/=}
	printf '.. SPDX-License-Identifier: GPL-2.0\n\n%s\n%s\n%s\n\n' "$bar" "$1" "$bar"
}

make_pages()
{
	local to=$new/$pages/intel
	mkdir -p "$to"
	{
		heading 'Linux driver for the Intel(R) 82574L Ethernet controller'
		cat <<-'END'
		.. contents::
		   :local:
		   :depth: 2

		Devices
		=======

		hartwell drives the 82574L (8086:10d3) and the 82574LA (8086:10f6). So does e1000e. A device
		without a driver is taken by the one that comes first; to give one of e1000e's to hartwell
		(the interface goes away, and comes back without its addresses)::

		    DEV=0000:01:00.0                        # of lspci -D -d 8086:10d3
		    echo hartwell > /sys/bus/pci/devices/$DEV/driver_override
		    echo $DEV > /sys/bus/pci/devices/$DEV/driver/unbind
		    echo $DEV > /sys/bus/pci/drivers_probe

		An override lasts until the next boot. The module has no parameters.

		END
		chapters Settings Interrupts Messages
	} >"$to/hartwell.rst"
	{
		heading 'Statistics of the hartwell driver'
		sed -n '/^\.\. contents::/,$p' "$top/Documentation/statistics.rst"
	} | sed 's/^   :depth: 2$/   :local:\n&/' >"$to/hartwell-statistics.rst"
	sed -i -e "s|\`statistics\.rst\`_|$pages/intel/hartwell-statistics.rst|" \
		-e '/^\.\. _.*\.rst: /d' -e :a -e '/^\n*$/{$d;N;ba' -e '}' "$to"/hartwell*.rst
	# shellcheck disable=SC2016	# of the text
	if grep -nE '\.rst`_|scripts/|`make|hartwell-bind|run-vm' "$to"/hartwell*.rst >&2; then
		die "these lines do not belong into the kernel's documentation"
	fi
}

# ---- Write

put()
{
	local file count=0 old
	while read -r file; do
		cmp -s "$new/$file" "$dir/$file" && continue
		mkdir -p "$(dirname "$dir/$file")"
		cp "$new/$file" "$dir/$file"
		count=$((count + 1))
	done < <(cd "$new" && find . -type f -printf '%P\n')
	# Sources that are no more.
	for old in "$dir/$driver"/*.[ch]; do
		case $old in *.mod.c) continue ;; esac
		[ -e "$new/$driver/${old##*/}" ] && continue
		rm "$old"
		count=$((count + 1))
	done
	case $was:$count in
	*:0) echo "$dir (Linux $(version)) has the driver as it is here" ;;
	new:*) echo "$dir (Linux $(version)) has the driver now: $driver" ;;
	*) echo "$dir (Linux $(version)): $count files of the driver brought up to date" ;;
	esac
}

case $#:${1-} in
1:-h | 1:--help)
	sed -n 's/^# //p' "$0" | sed -n 2,5p
	exit
	;;
1:-*) die "no such option: $1 (see --help)" ;;
1:*) dir=${1%/} ;;
*)
	echo "scripts/to-kernel.sh: which kernel tree? (one directory)" >&2
	exit 2
	;;
esac
check_tree
check_age
was=new
[ ! -e "$dir/$driver" ] || was=old
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
new=$work/new
make_driver
name_driver
make_pages
put
