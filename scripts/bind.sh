#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Give one device to another driver, and its interface back with what it had. See usage().
set -u
me=$(basename "$0")
state_dir=${HARTWELL_RUN:-/run/hartwell-bind}
list=${HARTWELL_LIST:-/etc/hartwell/devices}
rules=/usr/lib/udev/rules.d/60-hartwell.rules
sys=/sys/bus/pci

usage()
{
	cat <<EOF
usage: $0 DEV [--driver NAME] [--timeout SECONDS] [--now]
       $0 DEV --confirm | --restore | --status
       $0 --persist DEV | --forget DEV
       $0 --reload | --give-back

Switch the device of one interface to another driver. DEV is the interface or its PCI
address. Name, addresses, routes, MTU, MAC address and membership in a bridge, bond or
team are the same afterwards, and what wakes the machine. What goes by the driver's name is
not: .link files and udev rules that no longer match, and counters of ethtool -S that known
monitoring reads, are named.

  --driver NAME      hartwell (default), or e1000e
  --timeout SECONDS  go back unless --confirm comes within that time (60)
  --now              do not ask for a confirmation
  --confirm          the switch is good: keep it
  --restore          back to the driver before the last switch
  --status           which driver, now and at boot, and whether a switch waits for its
                     confirmation
  --persist DEV      hartwell drives it from the next boot on; e1000e where there is no hartwell
  --forget DEV       that no more: an interface, or an address that need not be there
  --reload           all that hartwell drives, by the module that is installed now
  --give-back        all that hartwell drives to e1000e, now, and unload hartwell

The switch runs detached from the terminal, so it may be done over that very interface:
if the connection does not come back, neither does the confirmation, and the old driver
takes the device again. What it does goes to $state_dir/PCI-ADDRESS/log.
A switch lasts until the next boot; --persist writes to $list.
EOF
}

die()
{
	echo "$me: $*" >&2
	exit 1
}

bad_usage()
{
	echo "$me: $*; --help tells more" >&2
	exit 2
}

driver_of()
{
	local link
	link=$(readlink "$sys/devices/$1/driver") || return 1
	echo "${link##*/}"
}

netdev_of()
{
	local path
	for path in "$sys/devices/$1/net/"*; do
		[ -e "$path" ] && echo "${path##*/}" && return
	done
	return 1
}

# The PCI address of an interface or an address.
pci_of()
{
	local path
	if [ -e "$sys/devices/$1" ]; then
		echo "$1"
	elif path=$(readlink -e "/sys/class/net/$1/device") && [ -e "$path/vendor" ]; then
		basename "$path"
	elif [ -e "$state_dir/by-name/$1" ]; then
		cat "$state_dir/by-name/$1"
	else
		return 1
	fi
}

# ---- What an interface has, as commands that give it back

# Routes are found by family and table; those that the kernel makes by itself come with the
# addresses.
save_routes()
{
	local family=$1 dev=$2 line
	ip "$family" route show table all dev "$dev" | while read -r line; do
		case " $line " in
		*" proto kernel "* | " local "* | " broadcast "* | " anycast "* | " multicast "*) continue ;;
		esac
		line=${line/ linkdown/}
		line=${line/ dead/}
		line=$(sed -E 's/ expires [0-9]+sec//' <<<"$line")
		line="ip $family route replace $line dev $dev"
		# A gateway may have been on the link when the route was made, and no more.
		case $line in *" via "*) line="$line || $line onlink" ;; esac
		echo "$line"
	done
}

save_addresses()
{
	local family=$1 dev=$2
	# Link-local addresses of IPv6 are the kernel's, and dynamic ones their owner's, who
	# renews them; until then they are as good as before.
	ip -o "$family" addr show dev "$dev" | awk -v family="$family" -v dev="$dev" '{
		scope = peer = brd = life = extra = ""
		addr = $4
		for (i = 5; i <= NF; i++) {
			if ($i == "peer") { peer = " peer " $(i + 1) }
			if ($i == "brd") { brd = " brd " $(i + 1) }
			if ($i == "scope") { scope = $(i + 1) }
			if ($i == "noprefixroute" || $i == "home") { extra = extra " " $i }
			if ($i == "valid_lft") { life = life " valid_lft " $(i + 1) }
			if ($i == "preferred_lft") { life = life " preferred_lft " $(i + 1) }
		}
		if (family == "-6" && scope == "link") next
		gsub(/sec/, "", life)
		if (family == "-6") extra = extra " nodad"
		print "ip " family " addr replace " addr peer brd " scope " scope " dev " dev life extra
	}'
}

# What wakes the machine. The switch of the platform is apart from it.
save_wake()
{
	local dev=$1 wol path
	wol=$(ethtool "$dev" 2>/dev/null | sed -n 's/^[[:space:]]*Wake-on: \([a-z]*\)$/\1/p')
	[ "$wol" ] || return 0
	echo "ethtool -s $dev wol $wol"
	path=$(readlink -f "/sys/class/net/$dev/device")/power/wakeup
	[ -e "$path" ] && [ "$(cat "$path")" ] && echo "echo $(cat "$path") >$path"
	return 0
}

save()
{
	local dev=$1 dir=/sys/class/net/$1 master
	save_wake "$dev"
	echo "ip link set dev $dev address $(cat "$dir/address")"
	echo "ip link set dev $dev mtu $(cat "$dir/mtu")"
	echo "ip link set dev $dev txqueuelen $(cat "$dir/tx_queue_len")"
	ip -d link show dev "$dev" | sed -n 's/^ *altname \(.*\)/\1/p' | while read -r name; do
		echo "ip link property add dev $dev altname $name || true"
	done
	if [ -e "$dir/master" ]; then
		master=$(basename "$(readlink -f "$dir/master")")
		echo "ip link set dev $dev master $master"
	fi
	if [ $(($(cat "$dir/flags") & 1)) = 1 ]; then
		echo "ip link set dev $dev up"
		save_addresses -4 "$dev"
		save_addresses -6 "$dev"
		save_routes -4 "$dev"
		save_routes -6 "$dev"
	else
		save_addresses -4 "$dev"
	fi
}

# ---- What goes by the driver's name

say()
{
	echo "$(date +%H:%M:%S) $*"
}

# Does a name match one of several patterns, as udev has them?
matches()
{
	local name=$1 pattern
	shift
	for pattern in "$@"; do
		# shellcheck disable=SC2053 # it is a pattern
		[[ $name == $pattern ]] && return
	done
	return 1
}

# say_match OLD NEW WHERE TEXT PATTERN…: say so if only one of two drivers matches.
say_match()
{
	local old=$1 new=$2 where=$3 text=$4
	shift 4
	if matches "$old" "$@" && ! matches "$new" "$@"; then
		say "$where: $text names $old, and not $new"
	elif matches "$new" "$@" && ! matches "$old" "$@"; then
		say "$where: $text names $new, and not $old"
	fi
}

# files SUBDIRECTORY SUFFIX: files of systemd's directories. One in an earlier directory hides those
# of the same name in later ones.
files()
{
	local path seen=' '
	for path in {/etc,/run,/usr/local/lib,/usr/lib,/lib}/"$1"/*"$2"; do
		case $seen in *" ${path##*/} "*) continue ;; esac
		[ -e "$path" ] || continue
		seen="$seen${path##*/} "
		[ ! -f "$path" ] || echo "$path"
	done
}

# .link and .network files and udev rules that choose interfaces by the driver.
say_rules()
{
	local old=$1 new=$2 path line text patterns
	local rule='(DRIVERS?|ENV\{ID_NET_DRIVER\})[!=]="([^"]*)"'
	set -f
	for path in $(set +f && files systemd/network .link && files systemd/network .network); do
		while IFS=: read -r line text; do
			patterns=${text#*=}
			# shellcheck disable=SC2086 # words; a "!" in front turns the list round
			say_match "$old" "$new" "$path:$line" "$text" ${patterns/\!/}
		done < <(awk '/^\[/ { section = $1 }
			section == "[Match]" && /^[ \t]*Driver[ \t]*=/ { print FNR ":" $0 }' "$path")
	done
	for path in $(set +f && files udev/rules.d .rules); do
		while IFS=: read -r line text; do
			while [[ $text =~ $rule ]]; do
				# shellcheck disable=SC2086
				say_match "$old" "$new" "$path:$line" "${BASH_REMATCH[0]}" \
					${BASH_REMATCH[2]//|/ }
				text=${text#*"${BASH_REMATCH[0]}"}
			done
		done < <(grep -nE '^[^#]*(DRIVERS?|ID_NET_DRIVER)' "$path")
	done
	set +f
}

# Names of the counters that ethtool -S shows, sorted.
counters_of()
{
	ethtool -S "$1" 2>/dev/null | sed -n 's/^ *\([^: ]*\): [0-9]*$/\1/p' | sort -u
}

# What monitoring is told to read by a name that is gone: say_counters DEV FILE-WITH-OLD-NAMES
say_counters()
{
	local line gone
	gone=$(counters_of "$1" | comm -13 - "$2")
	[ "$gone" ] || return 0
	say "$(wc -l <<<"$gone") of the $(wc -l <"$2") counters of ethtool -S have other names now"
	grep -rnowF -e "$gone" /etc/{collectd,telegraf,prometheus,netdata,zabbix,munin,snmp,nagios} \
		/etc/{icinga2,sensu,datadog-agent,ganglia} /etc/default/prometheus* 2>/dev/null |
		while read -r line; do
			say "${line%:*}: there is no counter ${line##*:} any more"
		done
	return 0
}

# ---- The switch

# give PCI DRIVER NAME COMMANDS: the device to a driver, then its interface what it had.
give()
{
	local pci=$1 driver=$2 name=$3 commands=$4 now i failed=0 line
	[ -e "$sys/drivers/$driver" ] || modprobe "$driver" || return 1
	echo "$driver" >"$sys/devices/$pci/driver_override" || return 1
	if [ "$(driver_of "$pci")" != "$driver" ]; then
		! driver_of "$pci" >/dev/null || echo "$pci" >"$sys/devices/$pci/driver/unbind"
		echo "$pci" >"$sys/drivers_probe"
	fi
	[ "$(driver_of "$pci")" = "$driver" ] || return 1
	# udev may be about to rename it.
	for i in $(seq 100); do
		now=$(netdev_of "$pci") && break
		sleep 0.1
	done
	[ "$now" ] || return 1
	! command -v udevadm >/dev/null || udevadm settle -t 10 2>/dev/null
	now=$(netdev_of "$pci") || return 1
	if [ "$now" != "$name" ]; then
		ip link set dev "$now" down
		ip link set dev "$now" name "$name" || return 1
	fi
	while read -r line; do
		# The neighbour of a route may need the link: try for a while.
		for i in 1 2 3 4 5; do
			eval "$line" 2>"$dir/error" && continue 2
			sleep 0.2
		done
		say "failed: $line: $(cat "$dir/error")"
		failed=1
	done <"$commands"
	say "$name is driven by $driver"
	return $failed
}

# The part that outlives the terminal.
work()
{
	local pci=$1 old=$2 new=$3 name=$4 timeout=$5 i
	say "$name ($pci): $old -> $new"
	if ! give "$pci" "$new" "$name" "$dir/commands"; then
		say "that failed: back to $old"
		give "$pci" "$old" "$name" "$dir/commands" && echo failed >"$dir/state" && return
		echo broken >"$dir/state"
		return
	fi
	say_rules "$old" "$new"
	say_counters "$name" "$dir/counters"
	if [ "$timeout" = 0 ]; then
		echo kept >"$dir/state"
		return
	fi
	echo waiting >"$dir/state"
	for ((i = 0; i < timeout * 10; i++)); do
		if [ -e "$dir/confirmed" ]; then
			say "confirmed"
			echo kept >"$dir/state"
			return
		fi
		sleep 0.1
	done
	say "not confirmed within $timeout s: back to $old"
	# What the interface has now may be more than it had.
	save "$name" >"$dir/commands.now" && mv "$dir/commands.now" "$dir/commands"
	if give "$pci" "$old" "$name" "$dir/commands"; then
		echo reverted >"$dir/state"
	else
		echo broken >"$dir/state"
	fi
}

# ---- At boot: 60-hartwell.rules reads the list

# A line is an address, and perhaps a comment: so udev's helper reads it, too.
is_listed()
{
	awk -v pci="$1" '$1 == pci { found = 1 } END { exit !found }' "$list" 2>/dev/null
}

# What e1000e takes before the root file system is there, it keeps while the link is up.
update_initramfs()
{
	command -v update-initramfs >/dev/null || return 0
	update-initramfs -u -k all
}

persist()
{
	[ -e "$rules" ] || die "--persist is the package's: there is no $rules (make deb)"
	! is_listed "$1" || { echo "$1: hartwell drives it at boot already" && return; }
	mkdir -p "${list%/*}"
	echo "$1" >>"$list"
	update_initramfs
	echo "$1: hartwell drives it from the next boot on. Now:  $0 $1"
}

forget()
{
	is_listed "$1" || die "$1 is not in $list"
	awk -v pci="$1" '$1 != pci' "$list" >"$list.new"
	mv "$list.new" "$list"
	[ -s "$list" ] || { rm "$list" && rmdir --ignore-fail-on-non-empty "${list%/*}"; }
	update_initramfs
	echo "$1: e1000e drives it from the next boot on. Now:  $0 $1 --driver e1000e"
}

# ---- All devices of hartwell's

devices()
{
	local path
	for path in "$sys/drivers/hartwell/"*:*; do
		[ ! -e "$path" ] || echo "${path##*/}"
	done
}

# One that cannot be switched now, since a VLAN is on it, say, goes on as it is.
give_back()
{
	local pci path had failed=0
	had=$(devices)
	for pci in $had; do
		bash "$0" "$pci" --driver e1000e --now || failed=1
	done
	[ $failed = 0 ] || die "not all of that worked: hartwell stays loaded until the next boot"
	[ ! -e /sys/module/hartwell ] || rmmod hartwell || die "hartwell stays loaded"
	for path in "$sys"/devices/*/driver_override; do
		pci=${path%/*} pci=${pci##*/}
		case $(cat "$path"),$had in
		hartwell,* | e1000e,*"$pci"*) ;;
		e1000e,*) [ -d "$state_dir/$pci" ] || continue ;;
		*) continue ;;
		esac
		echo >"$path"
		[ -e "$sys/devices/$pci/driver" ] || echo "$pci" >"$sys/drivers_probe"
	done
}

reload()
{
	local pci had
	had=$(devices)
	modinfo hartwell >/dev/null || exit 1
	give_back
	modprobe hartwell || die "e1000e drives what hartwell did"
	for pci in $had; do
		bash "$0" "$pci" --now
	done
}

# ---- Command line

dev='' driver=hartwell timeout=60 what=switch
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage && exit ;;
	--driver) [ $# -gt 1 ] || bad_usage "--driver needs a name" && driver=$2 && shift ;;
	--timeout) [ $# -gt 1 ] || bad_usage "--timeout needs seconds" && timeout=$2 && shift ;;
	--now) timeout=0 ;;
	--confirm | --restore | --status | --persist | --forget | --reload | --give-back)
		what=${1#--}
		;;
	-*) bad_usage "unknown option $1" ;;
	*) [ -z "$dev" ] || bad_usage "one device at a time" && dev=$1 ;;
	esac
	shift
done
case $what in
reload | give-back) [ -z "$dev" ] || bad_usage "--$what is for all devices" ;;
*) [ "$dev" ] || bad_usage "which device?" ;;
esac
case $driver in hartwell | e1000e) ;; *) bad_usage "--driver is hartwell or e1000e" ;; esac
case $timeout in '' | *[!0-9]*) bad_usage "--timeout is a number of seconds" ;; esac
timeout=$((10#$timeout))
[ "$(id -u)" = 0 ] || die "must be root"

# The terminal may be at the other end of the link.
case $what in
reload | give-back)
	trap '' HUP PIPE
	"${what/-/_}"
	exit
	;;
forget)
	forget "$(pci_of "$dev" || echo "$dev")"
	exit
	;;
esac

pci=$(pci_of "$dev") || die "$dev is neither an interface nor a PCI address here"
case $(cat "$sys/devices/$pci/vendor" "$sys/devices/$pci/device" | tr '\n' ' ') in
"0x8086 0x10d3 " | "0x8086 0x10f6 ") ;;
*) die "$dev ($pci) is no 82574L" ;;
esac
dir=$state_dir/$pci
state=$(cat "$dir/state" 2>/dev/null)
old=$(driver_of "$pci") || old=none
name=$(netdev_of "$pci") || name=$dev

case $what in
status)
	is_listed "$pci" && boot=hartwell || boot=e1000e
	echo "$name ($pci): $old, at boot: $boot${state:+, last switch: $state}"
	exit
	;;
persist)
	persist "$pci"
	exit
	;;
confirm)
	[ "$state" = waiting ] || die "$dev: no switch waits for a confirmation (${state:-none was made})"
	touch "$dir/confirmed"
	for _ in $(seq 50); do
		[ "$(cat "$dir/state")" = waiting ] || break
		sleep 0.1
	done
	[ "$(cat "$dir/state")" = kept ] || die "too late: it went back"
	echo "$name: $old stays until the next boot"
	exit
	;;
restore)
	[ -e "$dir/before" ] || die "$dev: no switch was made"
	driver=$(cat "$dir/before") timeout=0
	;;
esac

[ "$state" != waiting ] || die "$dev: a switch waits for its confirmation: --confirm, or wait"
[ "$old" != "$driver" ] || { echo "$name: $driver drives it already" && exit; }
[ "$old" != none ] || old=e1000e
[ -e "$sys/drivers/$driver" ] || modinfo "$driver" >/dev/null 2>&1 ||
	die "there is no module $driver: insmod ./hartwell.ko, make install, or make deb"
for upper in "/sys/class/net/$name/upper_"*; do
	[ -e "$upper" ] || continue
	[ "$(readlink -f "$upper")" = "$(readlink -f "/sys/class/net/$name/master")" ] ||
		die "$name carries ${upper##*/upper_}, which would vanish: remove it first"
done

mkdir -p "$dir" "$state_dir/by-name"
echo "$pci" >"$state_dir/by-name/$name"
rm -f "$dir/confirmed" "$dir/log"
if [ -e "/sys/class/net/$name" ]; then
	save "$name" >"$dir/commands"
else
	: >"$dir/commands"
fi
counters_of "$name" >"$dir/counters"
# Back is back: once more does not go forward again.
if [ "$what" = restore ]; then rm "$dir/before"; else echo "$old" >"$dir/before"; fi
echo running >"$dir/state"

# Nothing that happens to the terminal reaches it.
export -f work give save save_wake save_addresses save_routes say driver_of netdev_of
export -f matches say_match files say_rules counters_of say_counters
export dir sys
setsid bash -c 'trap "" HUP INT TERM PIPE; work "$@"' "$me" "$pci" "$old" "$driver" "$name" \
	"$timeout" >"$dir/log" 2>&1 </dev/null &

while [ "$(cat "$dir/state")" = running ]; do
	sleep 0.1
done
cat "$dir/log"
case $(cat "$dir/state") in
waiting)
	echo "It goes back in $timeout s unless you say:  $0 $name --confirm"
	;;
kept | reverted) ;;
*) die "it did not work: see $dir/log" ;;
esac
