# SPDX-License-Identifier: GPL-2.0
"""Receive: sizes, jumbo frames, bad frames, a device that writes nonsense."""

import struct

import pytest
from frames import TEST_TYPE, ether, mac, pattern, udp4
from lab import PY, wait_until
from test_config import OUTAGE

MTUS = (68, 1500, 1501, 2030, 2034, 2048, 4082, 4096, 6144, 9000, 9212)


@pytest.mark.rule("R4", "D5", "R6")
@pytest.mark.parametrize("mtu", MTUS)
def test_largest_frames_arrive_whole(nic, mtu):
    """Around each boundary of the receive buffers: with and without a tag, byte for byte."""
    nic.peer("ip link set peer0 mtu 9216")
    nic.sh(f"ip link set dut0 mtu {mtu}; ethtool -K dut0 rxvlan off rx-vlan-filter off")
    frames = []
    for i, size in enumerate((mtu, mtu - 1, mtu // 2 + 1, 46)):
        frames.append(ether(nic.MAC, nic.PEER_MAC, payload=pattern(size, i)))
        frames.append(ether(nic.MAC, nic.PEER_MAC, payload=pattern(size, i + 100), vlan=9))
    with nic.capture("dut0", None, ethertype=TEST_TYPE) as seen:
        nic.send(frames, "peer0", "peer")
        seen.wait(len(frames))
    # The stack hands tagged frames to a capture ahead of others of the same poll.
    for sent, got in zip(sorted(frames), sorted(seen.wire)):
        assert got[:len(sent)] == sent and len(got) <= max(64, len(sent)), \
            f"{len(sent)} bytes sent, {len(got)} came: {got[:80].hex()}"


@pytest.mark.rule("R5")
@pytest.mark.parametrize("mtu", (1000, 1500, 2030, 4000, 9000))
def test_frames_above_the_mtu_are_dropped_and_counted(nic, mtu):
    nic.peer("ip link set peer0 mtu 12000")
    nic.sh(f"ip link set dut0 mtu {mtu}")
    # The stack allows for a tag: one byte more than a tagged frame of full size is too long.
    long = [ether(nic.MAC, nic.PEER_MAC, payload=pattern(mtu + more)) for more in (5, 600, 2100)]
    good = ether(nic.MAC, nic.PEER_MAC, payload=pattern(mtu))
    before = nic.link()["stats64"]["rx"]
    with nic.capture("dut0", None, ethertype=TEST_TYPE) as seen:
        nic.send([*long, good], "peer0", "peer")
        seen.wait(1)
    assert seen.frames == [good]
    after = nic.link()["stats64"]["rx"]
    assert after["length_errors"] - before["length_errors"] == len(long), (before, after)
    assert after["errors"] - before["errors"] == len(long)
    nic.peer("ip link set peer0 mtu 1500")
    nic.sh("ip link set dut0 mtu 1500")
    nic.transfer(1 << 17, reverse=True)


@pytest.mark.rule("D5")
def test_mtu_bounds(nic):
    for mtu in (0, 67, 9213, 65535):
        nic.refused(f"ip link set dut0 mtu {mtu}", "mtu (less|greater) than device")
    assert nic.link()["mtu"] == 1500
    nic.ping()


@pytest.mark.debug
@pytest.mark.rule("D5")
def test_jumbo_traffic_both_ways(nic):
    nic.guest.net_up(9212)
    nic.defer("ip link set peer0 mtu 1500", "peer")
    nic.ping(size=9184, more="-M do")
    nic.ping(nic.IP, size=9184, more="-M do", netns="peer")
    for dst in (nic.PEER, nic.PEER6):
        nic.transfer(1 << 19, dst)
        nic.transfer(1 << 19, dst, reverse=True)
    assert nic.stats()["rx_err_descriptor"] == 0


@pytest.mark.rule("R5")
@pytest.mark.parametrize("outer", [0x8100, 0x88a8], ids=hex)
def test_full_frames_with_two_tags(nic, outer):
    """Above what the MAC lets through at an MTU of 1500: counted; at 1504 they are whole."""
    nic.quiet()
    nic.sh("ethtool -K dut0 rxvlan off rx-vlan-filter off")
    nic.peer("ip link set peer0 mtu 1600")
    nic.defer("ip link set peer0 mtu 1500", "peer")
    tags = struct.pack("!HHHH", outer, 5, 0x8100, 6)
    frames = [mac(nic.MAC) + mac(nic.PEER_MAC) + tags + struct.pack("!H", TEST_TYPE) +
              pattern(size, size) for size in (1496, 1497, 1500)]
    for mtu, arrive in ((1500, 1), (1504, 3)):
        nic.sh(f"ip link set dut0 mtu {mtu}")
        wait_until(lambda: nic.link()["operstate"] == "UP")
        link, stats = nic.link()["stats64"]["rx"], nic.stats()
        with nic.capture("dut0", None) as seen:
            nic.send(frames, "peer0", "peer")
            wait_until(lambda stats=stats: sum(nic.stats()[x] - stats[x] for x in
                                               ("rx_packets", "hw_rx_oversize")) >= 3)
            seen.wait(arrive)
        lost = 3 - arrive
        # A capture does not tell the type of a tag that the stack has taken out.
        assert [x[:12] + tags[:2] + x[14:] for x in seen.wire] == frames[:arrive]
        assert nic.stats()["hw_rx_oversize"] - stats["hw_rx_oversize"] == lost
        for name in ("length_errors", "errors"):
            assert nic.link()["stats64"]["rx"][name] - link[name] == lost, name


@pytest.mark.rule("D5")
@pytest.mark.parametrize("mtus", [(1400, 68, 1500), (9212, 1501, 9000)], ids=["small", "large"])
def test_mtu_change_loses_nothing(nic, mtus):
    """As long as the same receive buffers do."""
    nic.sh(f"ip link set dut0 mtu {mtus[-1]}")
    nic.guest.net_up(mtus[-1])
    nic.defer("ip link set peer0 mtu 1500", "peer")
    ping = nic.spawn(f"exec ping -n -i 0.01 -c 300 -s 20 -W 1 {nic.PEER}")
    ping.wait_output("icmp_seq=3 ")
    with nic.no_link_bounce():
        for mtu in mtus * 4:
            nic.sh(f"ip link set dut0 mtu {mtu}")
        out = ping.wait(60, check=False).stdout
    assert " 0% packet loss" in out, out[-300:]
    assert nic.stats()["resets"] == 0


@pytest.mark.rule("D5")
def test_smallest_mtu_carries_traffic(nic):
    nic.guest.net_up()
    nic.sh("ip link set dut0 mtu 68")
    nic.peer("ip link set peer0 mtu 68")
    nic.defer("ip link set peer0 mtu 1500", "peer")
    nic.ping(size=40)
    nic.ping(size=400)


@pytest.mark.rule("R1")
def test_no_frame_waits_for_the_next(nic):
    """Question and answer, one at a time: after a missed interrupt nothing but the watchdog
    helps, and says so.
    """
    mark = nic.guest.mark()
    for size in (0, 1400):
        echo = nic.spawn(f"exec {PY}/udp.py echo 1000", "peer")
        echo.wait_output("ready")
        nic.prog(f"udp.py ask {nic.PEER} 1000 --size {size} --timeout 10", 120)
        echo.wait(20)
    assert "missed interrupt" not in nic.guest.dmesg(mark)


@pytest.mark.rule("R1")
def test_receive_flood(nic):
    """More than the poll can take: the budget is kept, and a user is still served."""
    with nic.flood("rx"):
        before = nic.stats()["rx_packets"]
        wait_until(lambda: nic.stats()["rx_packets"] > before + 20000, 60, "20000 frames")
    nic.ping()
    assert nic.stats()["rx_err_descriptor"] == 0


def test_checksum_verdicts(nic):
    """Right sums are taken from the device; a wrong one never reaches the socket."""
    good = udp4(nic.PEER, nic.IP, 7000, 7009, (0).to_bytes(4, "big") +
                bytes((j * 7) & 0xff for j in range(100)))
    bad = good[:26] + bytes([good[26] ^ 1]) + good[27:]
    before = nic.stats()
    server = nic.spawn(f"exec {PY}/udp.py receive 6 --timeout 20")
    server.wait_output("ready")
    wrap = [ether(nic.MAC, nic.PEER_MAC, 0x0800, x) for x in (bad, good, bad, good)]
    nic.send(wrap, "peer0", "peer")
    nic.sh("ethtool -K dut0 rx off")
    nic.send(wrap * 2, "peer0", "peer")
    out = server.wait(30)
    assert '"good": 6, "bad": 0' in out.stdout, out.stdout
    after = nic.stats()
    assert after["rx_csum_bad"] - before["rx_csum_bad"] == 2
    assert after["rx_csum_good"] - before["rx_csum_good"] >= 2


def test_rx_fcs(nic):
    frame = ether(nic.MAC, nic.PEER_MAC, payload=pattern(100))
    with nic.no_link_bounce():
        for state, extra in (("on", 4), ("off", 0), ("on", 4)):
            nic.sh(f"ethtool -K dut0 rx-fcs {state}")
            with nic.capture("dut0", None, ethertype=TEST_TYPE) as seen:
                nic.send([frame], "peer0", "peer")
                seen.wait(1)
            assert len(seen.frames[0]) == len(frame) + extra
            assert seen.frames[0][:len(frame)] == frame
        # A jumbo frame whose last piece is a part of the FCS.
        nic.peer("ip link set peer0 mtu 9000")
        nic.sh("ip link set dut0 mtu 9000")
        for size in (2048 - 14 - 2, 2048 - 14, 4096 - 14 - 3):
            frame = ether(nic.MAC, nic.PEER_MAC, payload=pattern(size))
            with nic.capture("dut0", None, ethertype=TEST_TYPE) as seen:
                nic.send([frame], "peer0", "peer")
                seen.wait(1)
            assert seen.frames[0][:len(frame)] == frame
            # QEMU forgets an FCS that lies across two buffers; it has nothing to put there.
            assert len(seen.frames[0]) in (len(frame), len(frame) + 4)
    nic.peer("ip link set peer0 mtu 1500")


def test_rx_all(nic):
    """Frames of any VLAN come with it, and traffic goes on."""
    with nic.no_link_bounce():
        nic.sh("ethtool -K dut0 rx-all on rxvlan off")
        with nic.capture("dut0", None, ethertype=TEST_TYPE) as seen:
            nic.send([ether(nic.MAC, nic.PEER_MAC, payload=bytes(60), vlan=77)], "peer0", "peer")
            seen.wait(1)
        nic.transfer(1 << 17, reverse=True)
        nic.sh("ethtool -K dut0 rx-all off")
        nic.ping()


# --- a device that writes nonsense ---

RDBAL, RDBAH, RDLEN, RDH, ICS = 0x2800, 0x2804, 0x2808, 0x2810, 0xc8
RXQ0 = 1 << 20
DD, EOP = 1, 2


def write_back(status, length, mrq=0, vlan=0):
    return struct.pack("<IIIHH", mrq, 0xdeadbeef, status, length, vlan)


NONSENSE = {
    "length 65535": ([(DD | EOP, 0xffff)], "rx_err_descriptor"),
    "one byte too long": ([(DD | EOP, 1523)], "rx_err_descriptor"),
    "a chain discarded to its end": ([(DD, 2049), (DD, 100), (DD | EOP, 100)],
                                     "rx_err_descriptor"),
    "no length": ([(DD | EOP, 0)], "rx_err_descriptor"),
    "a chain without an end": ([(DD, 1522)] * 40 + [(DD | EOP, 60)], "rx_err_descriptor"),
    "a chain beyond the MTU": ([(DD, 1522)] * 3 + [(DD | EOP, 60)], "rx_err_long"),
    "a header in two pieces": ([(DD, 10), (DD | EOP, 60)], "rx_err_descriptor"),
    "bad FCS": ([(DD | EOP | 1 << 24, 100)], "rx_err_crc"),
    "symbol error": ([(DD | EOP | 1 << 25, 100)], "rx_err_symbol"),
    "sequence error": ([(DD | EOP | 1 << 26, 100)], "rx_err_sequence"),
    "carrier error": ([(DD | EOP | 1 << 28, 100)], "rx_err_carrier"),
    "data error": ([(DD | EOP | 1 << 31, 100)], "rx_err_data"),
}


@pytest.mark.rule("R6", "R5")
@pytest.mark.parametrize("case", NONSENSE)
def test_nonsense_from_the_device(nic, case):
    """Write-backs that cannot be are counted by kind, reach nobody, and harm nothing."""
    descriptors, counter = NONSENSE[case]
    # The driver believes that the device has returned them.
    nic.expect_offence("tail-owner")
    nic.quiet()
    wait_until(lambda: _settled(nic), what="the interface is quiet")
    base = nic.reg(RDBAL) | nic.reg(RDBAH) << 32
    head, size = nic.reg(RDH), nic.reg(RDLEN) // 16
    before = nic.stats()
    for i, (status, length) in enumerate(descriptors):
        nic.write_memory(base + (head + i) % size * 16, write_back(status, length))
    nic.set_reg(ICS, RXQ0)
    wait_until(lambda: nic.stats()[counter] > before[counter], what=counter)
    after = nic.stats()
    assert after[counter] == before[counter] + 1
    assert after["rx_packets"] == before["rx_packets"], "it reached the stack"
    # The device and the driver no longer agree where the next frame goes.
    nic.sh("ip link set dut0 down; ip link set dut0 arp on up")
    nic.undo()
    nic.guest.net_up()
    nic.transfer(1 << 16, reverse=True)


@pytest.mark.rule("D5", "D8")
def test_mtu_change_between_geometries_is_short(nic):
    """The receive buffers are exchanged: the link stays, and what was counted."""
    nic.guest.net_up()
    before = nic.stats()
    with nic.no_link_bounce(), nic.outage(OUTAGE):
        for mtu in (9000, 1500, 1501, 1400):
            nic.sh(f"ip link set dut0 mtu {mtu}")
    after = nic.stats()
    assert after["resets"] == before["resets"]
    assert after["rx_packets"] > before["rx_packets"]


def _settled(nic):
    first = nic.stats()["rx_packets"]
    nic.sh("true")
    return nic.stats()["rx_packets"] == first
