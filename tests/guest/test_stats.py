# SPDX-License-Identifier: GPL-2.0
"""Statistics: exact, 64 bits, never going back, and the same whoever asks."""

import json
import re

import pytest
from frames import ether, pattern
from lab import wait_until

SIZES = [60, 61, 100, 512, 1024, 1514]


def counts(nic):
    """{"rx": (packets, bytes), "tx": …} as ip, ethtool and netlink have them."""
    link, stats = nic.link()["stats64"], nic.stats()
    queues = nic.prog("qstats.py dut0")
    return [{way: (src[way]["packets"], src[way]["bytes"]) for way in ("rx", "tx")}
            for src in (link, {w: {n: stats[f"{w}_{n}"] for n in ("packets", "bytes")}
                               for w in ("rx", "tx")}, queues)]


def agree(nic):
    """The three views, once they are the same: the interface must be quiet."""
    wait_until(lambda: len({str(x) for x in counts(nic)}) == 1, 5,
               lambda: f"the views agree: {counts(nic)}")
    return counts(nic)[0]


def send(nic, way, copies=20, sizes=SIZES):
    """Frames of known sizes in one direction, and what that must add to the counters."""
    src, dst = (nic.MAC, nic.PEER_MAC) if way == "tx" else (nic.PEER_MAC, nic.MAC)
    frames = [ether(dst, src, payload=pattern(size - 14)) for size in sizes] * copies
    nic.send(frames, *(("dut0", None) if way == "tx" else ("peer0", "peer")))
    return len(frames), sum(map(len, frames))


@pytest.mark.rule("D8")
@pytest.mark.parametrize("way", ["rx", "tx"])
def test_counters_are_exact(nic, way):
    """What the device counts is what was sent, and what the peer counts."""
    nic.quiet()
    before, far = agree(nic), nic.link("peer", "peer0")["stats64"]
    packets, size = send(nic, way)
    wait_until(lambda: agree(nic)[way][0] >= before[way][0] + packets, what="all frames")
    after = agree(nic)
    assert after[way] == (before[way][0] + packets, before[way][1] + size)
    other = "rx" if way == "tx" else "tx"
    assert after[other] == before[other]
    now = nic.link("peer", "peer0")["stats64"]
    assert now[other]["packets"] - far[other]["packets"] == packets
    assert now[other]["bytes"] - far[other]["bytes"] == size
    # The hardware's own count, with the FCS.
    stats = nic.stats()
    assert stats[f"hw_{way}_good_packets"] >= packets


@pytest.mark.rule("D8")
def test_segmented_packets_count_as_on_the_wire(nic):
    nic.peer("ethtool -K peer0 gro off")
    nic.defer("ethtool -K peer0 gro on", "peer")
    # Multicast for groups that the peer has not joined is not counted there.
    nic.quiet()
    nic.sh("ip link set dut0 arp on")
    nic.peer("ip link set peer0 arp on")
    far, near = nic.link("peer", "peer0")["stats64"]["rx"], nic.link()["stats64"]["tx"]
    nic.transfer(1 << 18)

    def difference():
        now, here = nic.link("peer", "peer0")["stats64"]["rx"], nic.link()["stats64"]["tx"]
        return {n: (now[n] - far[n], here[n] - near[n]) for n in ("packets", "bytes")}
    wait_until(lambda: all(a == b for a, b in difference().values()), 5,
               lambda: f"peer and device count the same: {difference()}")
    assert nic.stats()["tx_tso_packets"] > 0


@pytest.mark.rule("D8")
@pytest.mark.parametrize("change", [
    "ethtool -G dut0 rx 512 tx 512", "ethtool -L dut0 combined 1",
    "ethtool -L dut0 combined 1; ethtool -L dut0 combined 2",
    "ip link set dut0 down; ip link set dut0 up", "ip link set dut0 down"])
def test_counters_survive(nic, change):
    nic.quiet()
    send(nic, "tx")
    send(nic, "rx")
    wait_until(lambda: agree(nic)["rx"][0] >= 120)
    before, hardware = agree(nic), nic.stats()
    nic.sh(change)
    after = agree(nic)
    for way in ("rx", "tx"):
        assert after[way][0] >= before[way][0] and after[way][1] >= before[way][1], way
    now = nic.stats()
    back = [n for n in hardware if now.get(n, 0) < hardware[n] and not n.startswith(("rx1", "tx1"))]
    assert not back, f"went back: {back}"
    assert now["hw_tx_good_packets"] >= hardware["hw_tx_good_packets"]


def rmon(nic):
    """The histograms: frames by size, with the FCS; and the counters of eth-mac."""
    shown = json.loads(nic.sh("ethtool --json -S dut0 --groups rmon eth-mac"))[0]
    sizes = {way: [x["val"] for x in shown["rmon"][f"{way}-pktsNtoM"]]
             for way in ("rx", "tx")} if "rmon" in shown else {}
    return sizes, shown["eth-mac"]


@pytest.mark.rule("D8")
@pytest.mark.parametrize("change", ["true", "ethtool -G dut0 rx 512 tx 512",
                                    "ethtool --reset dut0 mac",
                                    "ip link set dut0 down; ip link set dut0 up"])
def test_sums(nic, change):
    """Frames of known sizes, by size: each is in its place, and the places add up to all.

    QEMU sorts received ones without their FCS, and those below 64 bytes nowhere.
    """
    lengths = [100, 200, 300, 600, 1100, 1514]
    nic.quiet()
    agree(nic)
    sizes, mac = rmon(nic)
    for way in ("rx", "tx"):
        send(nic, way, 10, lengths)
    wait_until(lambda: agree(nic)["rx"][0] >= 60 and agree(nic)["tx"][0] >= 60)
    nic.sh(change)
    now, after = rmon(nic)
    for way, name in (("rx", "Received"), ("tx", "Transmitted")):
        moved = [b - a for a, b in zip(sizes[way], now[way], strict=True)]
        least = (0, 10, 10, 10, 10, 20)
        assert all(x >= y for x, y in zip(moved, least, strict=True)), (way, moved)
        frames = after[f"Frames{name}OK"] - mac[f"Frames{name}OK"]
        octets = after[f"Octets{name}OK"] - mac[f"Octets{name}OK"]
        assert sum(moved) == frames >= 60, (moved, frames)
        assert octets >= 10 * sum(x + 4 for x in lengths)


def test_all_views_of_the_interface(nic):
    """/proc/net/dev, sysfs and ip say the same."""
    nic.quiet()
    send(nic, "tx")
    send(nic, "rx")
    agree(nic)
    link = nic.link()["stats64"]
    proc = re.search(r"dut0:(.*)", nic.sh("cat /proc/net/dev"))[1].split()
    for way, at in (("rx", 0), ("tx", 8)):
        for name, column in (("bytes", 0), ("packets", 1), ("errors", 2), ("dropped", 3)):
            value = link[way][name]
            assert int(proc[at + column]) == value, (way, name)
            assert int(nic.sh(f"cat /sys/class/net/dut0/statistics/{way}_{name}")) == value


@pytest.mark.rule("D8")
def test_counters_do_not_jump_while_the_device_resets(nic):
    """Readers and resets at the same time."""
    reader = nic.spawn("while :; do ip -s link show dut0; ethtool -S dut0; done >/dev/null")
    last = nic.link()["stats64"]
    for size in (128, 256, 512, 80, 256):
        nic.sh(f"ethtool -G dut0 tx {size}")
        now = nic.link()["stats64"]
        for way in ("rx", "tx"):
            for name, value in now[way].items():
                assert last[way][name] <= value < last[way][name] + 1_000_000, (way, name)
        last = now
    assert reader.poll() is None


def test_runts_are_errors(nic):
    """As with e1000e. QEMU delivers such frames as well."""
    nic.quiet()
    frame = bytes.fromhex(nic.MAC.replace(":", "")) + bytes(6) + b"\x88\xb5" + bytes(20)
    before = nic.link()["stats64"]["rx"], nic.stats()["hw_rx_undersize"]
    nic.send([frame] * 7, "peer0", "peer")
    wait_until(lambda: nic.stats()["hw_rx_undersize"] - before[1] == 7, 5, "undersize frames")
    after = nic.link()["stats64"]["rx"]
    for name in ("errors", "length_errors"):
        assert after[name] - before[0][name] == 7, (name, before, after)
