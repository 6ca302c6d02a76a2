# SPDX-License-Identifier: GPL-2.0
"""AF_XDP: what the metadata of a frame asks for when it is sent, checksum and time stamp.

On the device model, whose stamps are real: test_stamps.py.
"""

import ipaddress
import json
import struct

import pytest
from frames import csum, ether, ipv4, pattern
from lab import PY, wait_until
from test_ptp import (
    EN, NONE, ON, SYSTIML, TSYNCTXCTL, TXSTMPH, TXSTMPL, VALID, clock, ptp, ts_stats)
from test_xsk import socket

STAMP, CSUM = 1, 2      # flags of metadata
UDP, TCP = 17, 6
FIELD = {UDP: 6, TCP: 16}
# Of nobody, so that nobody answers.
SOURCE, TO = "02:00:00:00:0a:01", "02:00:00:00:0a:02"
ADDRESSES = {4: ("10.9.8.1", "10.9.8.2"), 6: ("fd00:9::1", "fd00:9::2")}


def packet(version, proto, size, number=0, vlan=None):
    """[frame as it goes to the device, flags, start, field], and the frame on the wire."""
    head = struct.pack("!HHHH", 7, 9, 8 + size, 0) if proto == UDP else \
        struct.pack("!HHIIBBHHH", 7, 9, number, 0, 0x50, 0x10, 1000, 0, 0)
    segment = head + pattern(size, number)
    src, dst = (ipaddress.ip_address(x).packed for x in ADDRESSES[version])
    pseudo = src + dst + struct.pack("!II", len(segment), proto)
    at = FIELD[proto]

    def whole(value):
        inner = segment[:at] + struct.pack("!H", value) + segment[at + 2:]
        if version == 4:
            return ether(TO, SOURCE, 0x0800, ipv4(*ADDRESSES[4], proto, inner), vlan)
        return ether(TO, SOURCE, 0x86dd, struct.pack("!IHBB", 6 << 28, len(inner), proto, 64) +
                     src + dst + inner, vlan)
    start = 14 + (4 if vlan is not None else 0) + (20 if version == 4 else 40)
    done = csum(pseudo + segment)
    sent = whole(done or (0xffff if proto == UDP else 0))
    return [whole(csum(pseudo) ^ 0xffff).hex(), CSUM, start, at], sent.ljust(60, b"\0")


def frames(nic, given):
    """The option for them."""
    nic.guest.run("cat >/tmp/frames.json", stdin=json.dumps(given))
    return f"--frames /tmp/frames.json --metadata 16 --count {len(given)}"


def captured(nic):
    return nic.capture(promisc=True, source=SOURCE)


def drops(nic):
    stats = nic.stats()
    return stats["tx0_xdp_drops"] + stats["tx1_xdp_drops"]


@pytest.mark.rule("X9")
@pytest.mark.parametrize("more", ["", "--sg --segment 150", "--unaligned --chunk 3001"])
def test_checksum_of_user_space(nic, more):
    """Byte for byte, next to frames that ask for nothing."""
    nic.sh("echo 8 >/proc/sys/vm/nr_hugepages")
    nic.defer("echo 0 >/proc/sys/vm/nr_hugepages")
    both = [packet(version, proto, size, number, vlan)
            for number, size in enumerate((1, 4, 18, 333, 600))
            for version in (4, 6) for proto in (UDP, TCP) for vlan in (None, 5)]
    if not more:
        both += [packet(4, UDP, 1472), packet(6, TCP, 1440), packet(4, TCP, 1460, vlan=7)]
    given, want = [list(x) for x in zip(*both)]
    for i in range(0, len(want), 3):        # finished already
        given.insert(i, [want[i].hex(), 0, 0, 0])
        want.insert(i, want[i])
    with captured(nic) as peer, socket(nic, "send", frames(nic, given), more) as s:
        report = s.wait()
        peer.wait(2 * len(want))
    assert report["completed"] == report["sent"]
    assert report["order"] == [list(range(len(given)))] * 2
    assert sorted(peer.wire) == sorted(want * 2)


@pytest.mark.guest(device="model")
@pytest.mark.rule("X9", "X2")
def test_checksum_of_user_space_beside_the_stack(nic):
    """The device has one context for both queues, and the stack uses it as well; a small ring."""
    nic.sh("ethtool -G dut0 tx 80")
    given, want = zip(*(packet(version, proto, 300, number) for number in range(16)
                        for version, proto in ((4, UDP), (6, TCP))))
    with nic.stream(), captured(nic) as peer, \
            socket(nic, "send", frames(nic, given * 4), "--patience 120") as s:
        report = s.wait(150)
        peer.wait(8 * len(want), 20)
    assert report["completed"] == report["sent"] == 8 * len(want), report
    assert sorted(peer.wire) == sorted(want * 8)
    assert nic.stats()["tx_busy"] == 0
    nic.transfer(1 << 18)


BAD = {
    "beyond the frame": (0, CSUM, 34, 6, 40), "over its end": (0, CSUM, 34, 6, 41),
    "far beyond it": (300, CSUM, 0xffff, 0xffff, None), "out of reach": (300, CSUM, 250, 6, None),
    "in the headers": (300, CSUM, 14, 6, None), "nowhere": (300, CSUM, 0, 6, None),
    "an unknown field": (300, CSUM, 34, 4, None), "with a stamp": (300, CSUM | STAMP, 5, 6, None),
}


@pytest.mark.rule("X9")
def test_bad_metadata_of_user_space(nic):
    """Such frames are dropped, counted, and completed in their turn; no other suffers."""
    before = drops(nic)
    good, wire = packet(4, UDP, 300)
    given = []
    for size, flags, start, field, cut in BAD.values():
        data = bytes.fromhex(packet(4, UDP, size)[0][0])[:cut]
        given += [good, [data.hex(), flags, start, field]]
    given.append(given[1])      # the last one is bad as well
    with captured(nic) as peer, socket(nic, "send", frames(nic, given)) as s:
        report = s.wait()
        peer.wait(2 * len(BAD))
    assert report["completed"] == report["sent"] == 2 * len(given)
    assert report["order"] == [list(range(len(given)))] * 2
    assert drops(nic) - before == 2 * (len(BAD) + 1)
    assert peer.frames == [wire] * 2 * len(BAD)
    assert set(ts_stats(nic).values()) == {0}


@pytest.mark.rule("X9")
def test_too_little_room_for_metadata(nic):
    """A stamp would be written to the frame, or behind it."""
    before = drops(nic)
    given = [[packet(4, UDP, 300)[1].hex(), STAMP, 0, 0]] * 10
    done = nic.guest.run(f"{PY}/xsk.py dut0 send {frames(nic, given)} --metadata 8",
                         60, check=False)
    # Newer kernels refuse such memory.
    if done.rc:
        assert "Invalid argument" in done.stdout
    else:
        assert drops(nic) - before == 20
        report = json.loads(done.stdout.splitlines()[-1])
        assert report["completed"] == report["sent"] == 20


# --- stamps that the test puts into the latch, or that do not come: QEMU's device makes none ---

def asks(*numbers, count=20):
    """So many frames, of which some ask for a stamp."""
    sent = packet(4, UDP, 100)[1]
    return [[sent.hex(), STAMP if i in numbers else 0, 0, 0] for i in range(count)]


@pytest.mark.rule("X9", "P1")
def test_stamp_of_user_space(nic):
    """The latch's value is in the metadata of the frame that asked, when it is completed."""
    ptp(nic, "hwtstamp", "dut0", 0, ON, NONE)
    dev = clock(nic)
    before = ptp(nic, "get", dev)
    nic.set_reg(TXSTMPL, nic.reg(SYSTIML))
    nic.set_reg(TXSTMPH, nic.reg(SYSTIML + 4))
    nic.set_reg(TSYNCTXCTL, EN | VALID)
    after = ptp(nic, "get", dev)
    with socket(nic, "send", frames(nic, asks(3)), "--queues 0") as s:
        report = s.wait()
    (number, stamp), = report["stamps"][0]
    assert number == 3 and before < stamp < after, (before, stamp, after)
    assert report["order"] == [list(range(20))]
    assert ts_stats(nic) == {"pkts": 1, "lost": 0, "err": 0}


@pytest.mark.rule("X9", "P1")
def test_stamp_of_user_space_that_does_not_come(nic):
    """Completions wait for it, in their order, and not for good; others meanwhile have none."""
    ptp(nic, "hwtstamp", "dut0", 0, ON, NONE)
    with captured(nic) as peer, socket(nic, "send", frames(nic, asks(3, 11)), "--queues 0") as s:
        peer.wait(20)
        report = s.wait()
    assert report["completed"] == 20 and report["order"] == [list(range(20))]
    assert report["stamps"] == [[[3, 0], [11, 0]]]
    assert ts_stats(nic) == {"pkts": 0, "lost": 1, "err": 1}
    # The latch is free again, for the stack, and for user space after that.
    ptp(nic, "stamp", "dut0", nic.PEER_MAC, 1)
    wait_until(lambda: ts_stats(nic)["lost"] == 2, 10, "given up")
    with socket(nic, "send", frames(nic, asks(0)), "--queues 1") as s:
        assert s.wait()["stamps"] == [[[0, 0]]]
    assert ts_stats(nic) == {"pkts": 0, "lost": 3, "err": 1}


@pytest.mark.rule("X9")
def test_no_stamp_of_user_space_without_the_mode(nic):
    with socket(nic, "send", frames(nic, asks(3, 11))) as s:
        report = s.wait()
    assert report["stamps"] == [[[3, 0], [11, 0]]] * 2
    assert set(ts_stats(nic).values()) == {0}


@pytest.mark.debug
@pytest.mark.rule("X9", "X8")
@pytest.mark.parametrize("event", ["killed", "reset", "down", "mode off"])
def test_pending_stamp_of_user_space(nic, event):
    """Nobody writes a stamp to memory that is gone; who is there has his buffers back."""
    ptp(nic, "hwtstamp", "dut0", 0, ON, NONE)
    with captured(nic) as peer, socket(nic, "send", frames(nic, asks(0)), "--queues 0") as s:
        peer.wait(20)
        if event == "killed":
            s.proc.signal("KILL")
            s.proc.wait(30, check=False)
            s.report = {}
        else:
            nic.sh({"reset": "ethtool --reset dut0 mac", "down": "ip link set dut0 down",
                    "mode off": f"{PY}/ptp.py hwtstamp dut0 0 0 0"}[event])
            report = s.wait()
            assert report["completed"] == 20 and report["stamps"] == [[[0, 0]]], report
    assert ts_stats(nic)["lost"] == 1
    if event == "down":
        nic.sh("ip link set dut0 up")
    wait_until(nic.answers, 10, "traffic")
    ptp(nic, "hwtstamp", "dut0", 0, ON, NONE)
    ptp(nic, "stamp", "dut0", nic.PEER_MAC, 1)
    wait_until(lambda: ts_stats(nic)["lost"] == 2, 10, "given up")
    assert ts_stats(nic)["err"] == 0
