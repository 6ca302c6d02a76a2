#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# tests/stamps.sh: the kernel's programs for time stamps, with what each must say, in TAP.
# tests/kselftest.py runs this in a guest with the device model, in the directory
# of the programs' own: dut0 there, and peer0 in the namespace "peer", which sends what is to be
# stamped when it comes.
set -u
n=0
PTP=/dev/$(cd /sys/class/net/dut0/device/ptp && echo ptp*)
PEER=${REMOTE_V4:-192.0.2.2}

# check CASE PATTERN COMMAND...: its output has the pattern, an extended expression; not: has it not.
check() {
	case=$1 pattern=$2
	shift 2
	n=$((n + 1))
	out=$("$@" 2>&1)
	if printf '%s\n' "$out" | grep -qE -- "$pattern"; then
		echo "ok $n $case"
	else
		echo "# Check failed: $pattern in: $(printf '%s' "$out" | tail -n 3 | tr '\n' ' ')"
		echo "not ok $n $case"
	fi
}

clock() {
	ptp/testptp -d "$PTP" "$@"
}

seconds() {
	clock -g | sed -n 's/^clock time: \([0-9]*\.[0-9]*\) .*/\1/p'
}

near() { # near LOW HIGH: the clock's seconds are there
	at=$(seconds)
	at=${at%.*}
	if [ "$at" -ge "$1" ] && [ "$at" -le "$2" ]; then echo near; else echo "at $at"; fi
}

# What the clock gains on the system's in three seconds, parts per million, is near to this.
gains() {
	from="$(seconds) $(date +%s.%N)"
	sleep 3
	echo "$from $(seconds) $(date +%s.%N)" | awk -v want="$1" '{
		ppm = (($3 - $1) / ($4 - $2) - 1) * 1e6
		if (ppm > want - 20000 && ppm < want + 20000) print "gains"; else print "off", ppm }'
}

check "testptp capabilities" "^ +[1-9][0-9]* maximum frequency adjustment" clock -c
check "testptp set_seconds" "set time okay" clock -T 5000
check "testptp get" near near 5000 5060
check "testptp shift" "time shift okay" clock -t 1000
check "testptp shifted" near near 6000 6060
check "testptp shift_back" "time shift okay" clock -t -500
check "testptp shifted_back" near near 5500 5560
check "testptp shift_ns" "time shift okay" clock -n -999999999
check "testptp set_system" "set time okay" clock -s
check "testptp get_system" near near $(($(date +%s) - 5)) $(($(date +%s) + 60))
check "testptp frequency" "frequency adjustment okay" clock -f 200000000
check "testptp frequency_gains" gains gains 200000
check "testptp frequency_slow" "frequency adjustment okay" clock -f -200000000
check "testptp frequency_loses" gains gains -200000
check "testptp frequency_0" "frequency adjustment okay" clock -f 0
check "testptp frequency_too_far" "clock_adjtime: (Numerical result|Invalid argument)" clock -f 2000000000
check "testptp offsets" "time offset request okay" clock -k 10
check "testptp offsets_are_close" "offset is -?[0-9]{1,9} ns" clock -k 1
check "testptp extended" "request returned 5 samples" clock -x 5
check "testptp extended_monotonic" "monotonic time before" clock -x 3 -y monotonic
check "testptp extended_raw" "monotonic-raw time before" clock -x 3 -y monotonic-raw
check "testptp no_external_stamps" "PTP_EXTTS_REQUEST: (Invalid|Operation not supp)" clock -e 1
check "testptp no_periodic_output" "PTP_PEROUT_REQUEST: (Invalid|Operation not supp)" clock -p 1000000000
check "testptp no_pps" "PTP_ENABLE_PPS: (Invalid|Operation not supp)" clock -P 1
check "testptp no_cross_stamps" "PTP_SYS_OFFSET_PRECISE: Operation not supp" clock -X

for tx in OFF ON; do
	for rx in NONE ALL PTP_V1_L4_EVENT PTP_V1_L4_SYNC PTP_V1_L4_DELAY_REQ PTP_V2_L4_EVENT \
		PTP_V2_L4_SYNC PTP_V2_L4_DELAY_REQ PTP_V2_L2_EVENT PTP_V2_L2_SYNC \
		PTP_V2_L2_DELAY_REQ PTP_V2_EVENT PTP_V2_SYNC PTP_V2_DELAY_REQ; do
		# e1000e grants what is more than was asked for by the name that was asked for.
		case $rx in
		PTP_V1_L4_EVENT) granted=ALL ;;
		PTP_V2_L[24]_EVENT) granted=PTP_V2_EVENT ;;
		PTP_V2_L4_*) granted="(PTP_V2_${rx#PTP_V2_L4_}|$rx)" ;;
		*) granted=$rx ;;
		esac
		check "hwtstamp_config $tx $rx" "tx_type = $tx" net/hwtstamp_config dut0 $tx $rx
		check "hwtstamp_config $tx $rx, asked" "rx_filter = $granted\$" \
			net/hwtstamp_config dut0
	done
done
check "hwtstamp_config ONESTEP_SYNC" "ioctl: Numerical result" net/hwtstamp_config dut0 \
	ONESTEP_SYNC NONE
check "hwtstamp_config SOME" "ioctl: Numerical result" net/hwtstamp_config dut0 ON SOME
check "hwtstamp_config off" "rx_filter = NONE" net/hwtstamp_config dut0 OFF NONE

# A packet of PTP version 1 every five seconds, without an end; the peer's as well.  What it prints
# would stay in its buffer if that were not a terminal.
stamping() {
	timeout 12 socat -u "EXEC:net/timestamping dut0 $*,pty,stderr" -
}
SW="SOF_TIMESTAMPING_SOFTWARE"
RAW="SOF_TIMESTAMPING_RAW_HARDWARE"
stamping_with_peer() {
	timeout 12 ip netns exec peer net/timestamping peer0 SOF_TIMESTAMPING_TX_SOFTWARE $SW "$@" \
		>/dev/null 2>&1 &
	stamping SOF_TIMESTAMPING_RX_HARDWARE SOF_TIMESTAMPING_RX_SOFTWARE $RAW $SW "$@"
	wait
}
check "timestamping tx_software" "SW [1-9][0-9]*\.[0-9]{9}" stamping SOF_TIMESTAMPING_TX_SOFTWARE $SW
check "timestamping tx_hardware" "HW raw [1-9][0-9]*\.[0-9]{9}" stamping \
	SOF_TIMESTAMPING_TX_HARDWARE $RAW
check "timestamping tx_hardware_v2" "HW raw [1-9][0-9]*\.[0-9]{9}" stamping \
	SOF_TIMESTAMPING_TX_HARDWARE $RAW PTPV2
check "timestamping rx_both" "SW [1-9][0-9]*\.[0-9]{9} .*HW raw [1-9]" stamping_with_peer
check "timestamping rx_both_v2" "SW [1-9][0-9]*\.[0-9]{9} .*HW raw [1-9]" stamping_with_peer PTPV2

ip netns exec peer socat TCP4-LISTEN:9000,fork,reuseaddr /dev/null &
server=$!
timeout 10 ip netns exec peer sh -c 'until ss -Hltn sport = :9000 | grep -q .; do sleep 0.05; done'
for kind in "" -u -r -R -P; do
	# shellcheck disable=SC2086
	check "txtimestamp ${kind:-tcp}" "SND: [1-9][0-9]*" net/txtimestamp -4 $kind -c 2 "$PEER"
done
kill $server
echo "1..$n"
