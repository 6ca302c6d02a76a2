# SPDX-License-Identifier: GPL-2.0
"""Receive buffers: as large as the receiver needs them, charged for what they are, none lost."""

import json
import os
import re

import pytest
from frames import TEST_TYPE, ether, pattern
from lab import PY, wait_until
from test_dma import IOMMU

RCTL, RDBAL = 0x100, 0x2800
LPE, SBP = 1 << 5, 1 << 2
SMALL, LARGE = 1920 + 256, 4096 + 256       # truesize of a frame in one buffer


# --- geometry ---

def state(nic):
    """(RCTL.LPE, RCTL.SBP, truesize of a frame that is not copied)"""
    frame = ether(nic.MAC, nic.PEER_MAC, payload=pattern(1000))
    with nic.capture("dut0", None, ethertype=TEST_TYPE) as seen, nic.handed_up() as skbs:
        nic.send([frame], "peer0", "peer")
        seen.wait(1)
    assert seen.frames[0][:len(frame)] == frame
    rctl = nic.reg(RCTL)
    return (bool(rctl & LPE), bool(rctl & SBP),
            next(x["truesize"] for x in skbs if x["protocol"] == TEST_TYPE))


LIVE = (
    ("true", (0, 0, SMALL)),
    ("ip link set dut0 mtu 1501", (1, 0, LARGE)),
    ("ethtool -K dut0 rx-all on", (1, 1, LARGE)),
    ("ip link set dut0 mtu 1500", (0, 1, LARGE)),
    ("ethtool -G dut0 rx 512", (0, 1, LARGE)),
    ("ethtool -K dut0 rx-all off rxvlan off", (0, 0, SMALL)),
    ("ip link set dut0 mtu 4000", (1, 0, LARGE)),
    ("ethtool -L dut0 combined 1", (1, 0, LARGE)),
    ("ip link set dut0 mtu 1400", (0, 0, SMALL)),
    ("ethtool -L dut0 combined 2", (0, 0, SMALL)),
)


@pytest.mark.rule("D5", "R5")
def test_buffers_are_as_large_as_the_receiver_needs(nic):
    """Small ones only where the device is kept from writing beyond them."""
    with nic.no_link_bounce():
        for command, want in LIVE:
            nic.sh(command)
            wait_until(nic.answers, 5, "traffic")
            assert state(nic) == want, command
    # What the change of buffers must not bring back.
    assert nic.feature("rx-vlan-offload") == "off" and not nic.reg(0) >> 30 & 1
    nic.transfer(1 << 16, reverse=True)


WHILE_DOWN = (
    ("ethtool -K dut0 rx-all on", (0, 1, LARGE)),
    ("ethtool -K dut0 rx-all off", (0, 0, SMALL)),
    ("ip link set dut0 mtu 4000", (1, 0, LARGE)),
    ("ip link set dut0 mtu 1500", (0, 0, SMALL)),
)


@pytest.mark.rule("D5", "R5")
def test_buffers_follow_what_was_changed_while_down(nic):
    for command, want in WHILE_DOWN:
        nic.sh(f"ip link set dut0 down; {command}; ip link set dut0 up")
        nic.guest.net_up(nic.link()["mtu"])
        assert state(nic) == want, command
    nic.peer("ip link set peer0 mtu 1500")


@pytest.mark.guest(traced=True)
@pytest.mark.rule("R5", "D10")
def test_the_receiver_accepts_more_only_with_large_buffers(nic):
    """In the order of the writes: rings of large buffers, then LPE or SBP; and back likewise."""
    def writes(command):
        start = os.path.getsize(nic.guest.config.trace)
        nic.sh(command)
        nic.sh("true")
        with open(nic.guest.config.trace, encoding="utf-8", errors="replace") as log:
            log.seek(start)
            found = re.findall(r"e1000e_core_write .*?0x([0-9a-f]+).*?0x([0-9a-f]+)", log.read())
        return [(int(a, 16), int(v, 16)) for a, v in found
                if int(a, 16) in (RCTL, RDBAL)]

    def places(found):
        rings = [i for i, (a, _) in enumerate(found) if a == RDBAL]
        long = [i for i, (a, v) in enumerate(found) if a == RCTL and v & (LPE | SBP)]
        return rings, long
    for grow, shrink in (("ip link set dut0 mtu 9000", "ip link set dut0 mtu 1500"),
                         ("ethtool -K dut0 rx-all on", "ethtool -K dut0 rx-all off")):
        rings, long = places(writes(grow))
        assert len(rings) == 1 and long and min(long) > rings[0], (grow, rings, long)
        rings, long = places(writes(shrink))
        assert len(rings) == 1 and all(i < rings[0] for i in long), (shrink, rings, long)
    # Within a geometry nothing is exchanged.
    for command in ("ip link set dut0 mtu 1400", "ip link set dut0 mtu 68",
                    "ip link set dut0 mtu 1500", "ethtool -K dut0 rx-fcs on"):
        assert places(writes(command))[0] == [], command


@pytest.mark.rule("D5", "D10")
@pytest.mark.parametrize("change", ["ip link set dut0 mtu 9000", "ethtool -K dut0 rx-all on"])
def test_no_memory_for_large_buffers(nic, change):
    """Refused, nothing changed; and where there is none for small ones, large ones do."""
    nic.expect_log(r"set_features\(\) failed")
    small = state(nic)
    nic.fail("dma_alloc_attrs", 0, 1)
    nic.refused(change, "Cannot allocate memory|Could not change")
    assert nic.fail_hits() == 1
    assert state(nic) == small and nic.link()["mtu"] == 1500
    assert nic.feature("rx-all") == "off"
    # The stack goes on wanting what failed, until it is told otherwise.
    nic.guest.run("ethtool -K dut0 rx-all off", check=False)
    nic.sh(change)
    nic.fail("dma_alloc_attrs", 0, 1)
    nic.expect_log("large receive buffers stay")
    nic.sh("ip link set dut0 mtu 1500; ethtool -K dut0 rx-all off")
    assert nic.fail_hits() == 1
    assert state(nic) == (0, 0, LARGE)
    nic.transfer(1 << 16, reverse=True)


@pytest.mark.rule("R5", "R6")
def test_long_frames_never_leave_their_buffer(nic):
    """With rx-all the device writes whatever comes: each frame is whole, or counted as long."""
    nic.peer("ip link set peer0 mtu 9000")
    nic.defer("ip link set peer0 mtu 1500", "peer")
    nic.quiet()
    nic.sh("ethtool -K dut0 rx-all on")
    before = nic.stats()
    good = [ether(nic.MAC, nic.PEER_MAC, payload=pattern(1500, i)) for i in range(40)]
    sent = [f for i, g in enumerate(good)
            for f in (g, ether(nic.MAC, nic.PEER_MAC, payload=pattern(1505 + 100 * i)))]
    with nic.capture("dut0", None, ethertype=TEST_TYPE) as seen:
        nic.send(sent, "peer0", "peer")
        seen.wait(len(good))
    assert seen.frames == good
    after = nic.stats()
    assert after["rx_err_long"] - before["rx_err_long"] == len(good)
    assert after["rx_err_descriptor"] == before["rx_err_descriptor"]


# --- what a socket is charged ---

def held(nic, size, count=250):
    """Datagrams that a socket with the default buffer keeps."""
    nic.sh("rm -f /tmp/release")
    keeper = nic.spawn(f"exec {PY}/hold.py")
    keeper.wait_output("ready")
    nic.prog(f"udp.py send {nic.IP} {count} --size {size}", 60, netns="peer")
    nic.ping()
    nic.sh("touch /tmp/release")
    found = json.loads(keeper.wait(20).stdout)
    assert found["bad"] == 0
    return found["held"]


@pytest.mark.guest(append="hwlab.two=1")
@pytest.mark.bare
def test_a_socket_holds_as_many_datagrams_as_with_e1000e(nic):
    nic.expect_log(r"e1000e ")
    sizes = (1468, 1000, 300)
    found = {}
    for driver in ("e1000e", "hartwell"):
        nic.guest.load_driver(driver)
        nic.guest.net_up()
        found[driver] = [held(nic, size) for size in sizes]
        nic.guest.unload_driver(driver)
    assert max(found["e1000e"]) < 250, found
    assert all(a >= b for a, b in zip(found["hartwell"], found["e1000e"])), found


# --- pages that are held while the rings change and the device goes ---

def unload(nic):
    nic.guest.unload_driver()


def unplug(nic):
    nic.guest.unplug()
    wait_until(lambda: "dut0" not in nic.sh("ip -o link"), 20, "interface gone")


@IOMMU
@pytest.mark.rule("D10", "D3")
@pytest.mark.parametrize("leave", [unload, unplug])
def test_pages_in_sockets_outlive_the_rings_and_the_device(nic, leave):
    """None is touched or unmapped through what is gone, and all find their way back."""
    nic.sh("rm -f /tmp/release")
    keeper = nic.spawn(f"exec {PY}/hold.py {8 << 20}")
    keeper.wait_output("ready")
    sent = 0
    for change in ("true", "ethtool -G dut0 rx 512", "ip link set dut0 mtu 9000",
                   "ethtool -L dut0 combined 1", "ip link set dut0 down; ip link set dut0 up"):
        nic.sh(change)
        nic.guest.net_up(nic.link()["mtu"])
        for size in (1400, 100):
            nic.prog(f"udp.py send {nic.IP} 60 --size {size}", 60, netns="peer")
            sent += 60
    nic.peer("ip link set peer0 mtu 1500")
    leave(nic)
    assert nic.pages_missing(), "the socket holds no page"
    nic.sh("touch /tmp/release")
    found = json.loads(keeper.wait(20).stdout)
    assert found == {"held": sent, "bad": 0}
    wait_until(lambda: not nic.pages_missing(), 10, "all pages back")
    assert not re.search(r"\bfault\b", nic.log()), nic.log()
    if leave is unplug:
        nic.guest.plug()
    nic.load()
    nic.ping()
