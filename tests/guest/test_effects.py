# SPDX-License-Identifier: GPL-2.0
"""What a setting does, not what is answered when it is asked for."""

import re
import struct
import time

import pytest
from frames import TEST_TYPE, ether, pattern
from lab import PY, wait_until

TCTL, EN, EITR = 0x400, 2, 0xe8
ANY_LATENCY = 2000000000        # microseconds: PM_QOS_CPU_LATENCY_DEFAULT_VALUE
HALF_FIFO = 20 * 1024


def latency(nic):
    """How long a CPU may take to wake, as the kernel has it from all who asked."""
    out = nic.sh("od -An -td4 -N4 /dev/cpu_dma_latency")
    return int(out)


def longest(mtu):
    """Until the half of the packet buffer that another frame leaves is full, at 1000 Mb/s."""
    return (HALF_FIFO - (mtu + 22)) * 8 // 1000


# MTU: what the latency is then.
LATENCIES = [(9000, longest(9000)), (4000, longest(4000)), (1500, ANY_LATENCY),
             (9212, longest(9212)), (68, ANY_LATENCY)]


def test_latency_follows_the_mtu(nic):
    assert latency(nic) == ANY_LATENCY
    for mtu, want in LATENCIES:
        nic.sh(f"ip link set dut0 mtu {mtu}")
        assert latency(nic) == want, mtu
    nic.sh("ip link set dut0 mtu 9000; ip link set dut0 down")
    assert latency(nic) == ANY_LATENCY
    nic.sh("ip link set dut0 up")
    assert latency(nic) == longest(9000)
    nic.sh("ethtool -G dut0 rx 512; ethtool --reset dut0 dma")
    assert latency(nic) == longest(9000)


# Direction: the vector of queue 0, and what else may flood it.
ADAPTIVE = {"rx": EITR, "tx": EITR + 4}


@pytest.mark.parametrize("way", ADAPTIVE)
def test_adaptive_moderation_follows_the_traffic(nic, way):
    """Alone, so that nothing but this direction's traffic can move it."""
    other = "rx" if way == "tx" else "tx"
    nic.sh(f"ethtool -C dut0 adaptive-{way} on adaptive-{other} off")
    start, fixed = nic.reg(ADAPTIVE[way]), nic.reg(ADAPTIVE[other])
    # A pause between frames: polls that never end are no interrupts to moderate.
    more = ["queue_map_min 0", "queue_map_max 0"] if way == "tx" else ["delay 100000"]
    with nic.flood(way, more=more):
        wait_until(lambda: nic.reg(ADAPTIVE[way]) != start, 20, "another interval")
        assert nic.reg(ADAPTIVE[other]) == fixed
    nic.sh(f"ethtool -C dut0 adaptive-{way} off")
    wait_until(lambda: nic.reg(ADAPTIVE[way]) in (195, 196, 976, 977), 5, "as it was set")


def interrupts(nic, what):
    """Interrupts of a vector so far."""
    line = re.search(rf"^\s*\d+:((?:\s+\d+)+)\s.*hartwell-dut0-{what}$",
                     nic.sh("cat /proc/interrupts"), re.M)
    return sum(int(x) for x in line[1].split())


@pytest.mark.parametrize("way", ["rx", "tx"])
def test_interval_bounds_the_interrupts(nic, way):
    """A flood for a time: as many interrupts as the interval allows, and fewer for a longer one."""
    rates = []
    for usecs in (200, 10000):
        nic.sh(f"ethtool -C dut0 rx-usecs {usecs} tx-usecs {usecs}")
        with nic.flood(way, more=["queue_map_min 0", "queue_map_max 0"] if way == "tx" else ()):
            # The guest's own clock: the host may be busy.
            out = nic.sh("cat /proc/uptime /proc/interrupts; sleep 1; "
                         "cat /proc/uptime /proc/interrupts")
        times = [float(x) for x in re.findall(r"^(\d+\.\d+) \d+\.\d+$", out, re.M)]
        counts = [sum(int(x) for x in found.split()) for found in
                  re.findall(rf"^\s*\d+:((?:\s+\d+)+)\s.*hartwell-dut0-{way}-0$", out, re.M)]
        rates.append((counts[1] - counts[0]) / (times[1] - times[0]))
        # QEMU sends a vector once more when its interval ends, whether or not there is a cause.
        assert rates[-1] <= 2.2e6 / usecs + 10, f"{usecs} us: {rates[-1]:.0f} a second"
    assert rates[0] > 2 * rates[1] > 0, rates


@pytest.mark.parametrize("queue", [0, 1])
def test_packets_pending_at_a_loss_of_link(nic, queue):
    """They are given up at once, of whichever queue; the watchdog would see to it after 0.5 s."""
    nic.expect_log(r"tx queue \d hung")
    frame = ether(nic.PEER_MAC, nic.MAC, payload=pattern(100)).hex()
    nic.defer(lambda: nic.guest.set_link(True))
    waited = []
    for _ in range(6):
        before = nic.stats()
        nic.clear_bits(TCTL, EN)
        nic.sh(f"echo {frame} >/tmp/frame; taskset -c {queue} "
               f"{PY}/raw.py send dut0 </tmp/frame")
        begun = time.monotonic()
        nic.guest.set_link(False)
        wait_until(lambda: nic.stats()[f"tx{queue}_aborted"] > before[f"tx{queue}_aborted"] or
                   nic.stats()["resets"] > before["resets"], 10, "given up", pause=0.01)
        waited.append(time.monotonic() - begun)
        nic.guest.set_link(True)
        nic.guest.net_up()
        if waited[-1] < 0.4 and nic.stats()[f"tx{queue}_aborted"] > before[f"tx{queue}_aborted"]:
            break
    assert waited[-1] < 0.4 * nic.guest.scale, f"seconds until they were given up: {waited}"


def test_names_of_interrupts_follow_a_rename(nic):
    """At the latest when the interface is opened the next time; nothing keeps the old name."""
    def names():
        return set(re.findall(r"hartwell-(\S+)", nic.sh("cat /proc/interrupts")))
    assert names() == {f"dut0{x}" for x in ("", "-rx-0", "-tx-0", "-rx-1", "-tx-1")}
    # Live where the kernel lets one; the handlers may keep the old name until the next open.
    nic.defer("ip link set lan7 down; ip link set lan7 name dut0; ip link set dut0 up")
    nic.guest.run("ip link set dut0 name lan7", check=False)
    nic.sh("ip link set dut0 down && ip link set dut0 name lan7 || ip link set lan7 down; "
           "ip link set lan7 up")
    assert names() == {f"lan7{x}" for x in ("", "-rx-0", "-tx-0", "-rx-1", "-tx-1")}
    assert "dut0" not in nic.sh("cat /proc/interrupts; ls /proc/irq/*/ | grep hartwell")


@pytest.mark.rule("R4")
def test_full_frames_while_the_fcs_comes_and_goes(nic):
    """Full-size frames with a tag that wait for the poll when rx-fcs is switched: none is taken
    for too long."""
    nic.sh("ip link add link dut0 name vl5 type vlan id 5; ip link set vl5 up; "
           "ethtool -C dut0 rx-usecs 8000 tx-usecs 8000")
    before = nic.stats()
    # pktgen's size is without FCS, and with the tag that it adds itself.
    with nic.flood("rx", size=1518, more=["vlan_id 5"]), nic.no_link_bounce():
        for state in ["on", "off"] * nic.rounds(12):
            nic.sh(f"ethtool -K dut0 rx-fcs {state}")
        wait_until(lambda: nic.stats()["rx_packets"] > before["rx_packets"] + 500)
    after = nic.stats()
    assert after["rx_err_long"] == before["rx_err_long"] and after["resets"] == before["resets"]
    with nic.capture("dut0", None, ethertype=TEST_TYPE) as seen:
        nic.send([ether(nic.MAC, nic.PEER_MAC, payload=struct.pack("!I", 7) + bytes(96))],
                 "peer0", "peer")
        seen.wait(1)
    assert len(seen.frames[0]) == 114, "no FCS any more"
