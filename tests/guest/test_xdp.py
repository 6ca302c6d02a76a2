# SPDX-License-Identifier: GPL-2.0
"""Native XDP: verdicts, frames in several buffers, refusals, and all that a program outlives."""

import re
import struct

import pytest
from frames import TEST_TYPE, ether, ipv4, mac, pattern, udp4
from lab import PY, wait_until
from test_config import OUTAGE
from test_leave import sleep
from test_rss import KEY, set_key, toeplitz
from test_state import commands

TRACING = "/sys/kernel/tracing"

# Of the stack's shortest; the longest that is copied into a slot, and one more; whole in a buffer;
# in two; in five.
SIZES = (60, 128, 129, 1514, 2048, 2049, 3000, 9014)
COUNTERS = ("pass", "drop", "tx", "redirect", "errors")


def attach(nic, *args):
    nic.sh(f"{PY}/xdp.py dut0 " + " ".join(str(x) for x in args))


def refused(nic, text, *args):
    done = nic.guest.run(f"{PY}/xdp.py dut0 " + " ".join(str(x) for x in args),
                         check=False)
    assert done.rc == 1 and re.search(text, done.stdout), done


def counts(nic):
    """What became of frames that a program saw, over the queues."""
    stats = nic.stats()
    return {c: sum(v for k, v in stats.items() if re.fullmatch(rf"rx\d_xdp_{c}", k))
            for c in COUNTERS}


def jumbo(nic):
    nic.sh("ip link set dut0 mtu 9000")
    nic.peer("ip link set peer0 mtu 9000")
    nic.defer("ip link set peer0 mtu 1500", "peer")


def frame(nic, size, seed=0, vlan=None):
    return ether(nic.MAC, nic.PEER_MAC, payload=pattern(size - 14, seed), vlan=vlan)


def swapped(data):
    return data[6:12] + data[:6] + data[12:]


VERDICTS = {        # the counter, and where frames come out
    "pass": ("pass", "up"),
    "drop": ("drop", None),
    "aborted": ("errors", None),
    "invalid": ("errors", None),
    "tx": ("tx", "back"),
}


@pytest.mark.rule("X1", "X4")
@pytest.mark.parametrize("verdict", VERDICTS)
def test_verdict(nic, verdict):
    """Each verdict, for frames of each kind: where they go, byte for byte, and the counters."""
    nic.expect_log("Illegal XDP return value")
    jumbo(nic)
    attach(nic, verdict, "--frags")
    nic.sh(f"mountpoint -q {TRACING} || mount -t tracefs tracefs {TRACING}; "
           f"echo 1 >{TRACING}/events/xdp/xdp_exception/enable; echo >{TRACING}/trace")
    nic.defer(f"echo 0 >{TRACING}/events/xdp/xdp_exception/enable")
    sent = [frame(nic, size, i) for size in SIZES for i in range(6)]
    before, rx = counts(nic), nic.stats()["rx_packets"]
    counter, place = VERDICTS[verdict]
    with nic.capture("dut0", None, ethertype=TEST_TYPE) as up, \
            nic.capture(ethertype=TEST_TYPE, promisc=True) as back:
        nic.send(sent, "peer0", "peer")
        wait_until(lambda: counts(nic)[counter] - before[counter] >= len(sent), 10,
                   lambda: f"{counter}: {counts(nic)}")
        if place:
            (up if place == "up" else back).wait(len(sent))
    now = counts(nic)
    # All other frames, which the programs pass, are counted as that.
    assert all(now[c] == before[c] for c in COUNTERS if c not in (counter, "pass")), now
    assert counter == "pass" or now[counter] - before[counter] == len(sent)
    assert nic.stats()["rx_packets"] - rx >= len(sent)
    told = re.findall(r"xdp_exception: .* action=(\w+)", nic.sh(f"cat {TRACING}/trace", 60))
    assert len(told) == (len(sent) if counter == "errors" else 0), told
    assert sorted(up.frames) == (sorted(sent) if place == "up" else [])
    assert sorted(back.frames) == (sorted(map(swapped, sent)) if place == "back" else [])
    nic.transfer(1 << 16, reverse=True)


CHANGES = {     # program: (size, what the frame that comes back is made of)
    "tail -20": (1000, lambda f: swapped(f)[:-20]),
    "tail 100": (1000, lambda f: swapped(f) + bytes(100)),
    "tail 300": (5000, lambda f: swapped(f) + bytes(300)),
    "tail -3000": (5000, lambda f: swapped(f)[:-3000]),
    "head 14": (200, lambda f: b"\xff" * 6 + mac("02:00:5e:00:02:00") + b"\x88\xb5" + f),
    "head 216": (1514, lambda f: None),
    "mark Hwlt": (60, lambda f: swapped(f)[:14] + b"Hwlt" + f[18:]),
    "mark hwLT": (5000, lambda f: swapped(f)[:14] + b"hwLT" + f[18:]),
}


@pytest.mark.rule("X1")
@pytest.mark.parametrize("change", CHANGES)
def test_changed_frames_are_sent_as_changed(nic, change):
    size, result = CHANGES[change]
    jumbo(nic)
    attach(nic, change, "--frags")
    sent = [frame(nic, size, i) for i in range(4)]
    with nic.capture(ethertype=TEST_TYPE, promisc=True) as back:
        nic.send(sent, "peer0", "peer")
        back.wait(len(sent))
    for f, got in zip(sent, back.frames):
        want = result(f)
        if want is None:    # the header in front is not looked at
            assert got[216:] == f and len(got) == 216 + len(f)
        else:
            assert got[:len(want)] == want and len(got) in (len(want), 60), (len(got), len(want))


@pytest.mark.rule("X1")
@pytest.mark.parametrize("size", [15, 59, 61, 128])
def test_short_frames_in_two_buffers(nic, size):
    """The head of a frame is in one, the rest in another: sent as one, with zeros behind."""
    jumbo(nic)
    attach(nic, "head -2034", "--frags")
    sent = [frame(nic, 2034 + size, i) for i in range(8)]
    with nic.capture(ethertype=TEST_TYPE, promisc=True) as back:
        nic.send(sent, "peer0", "peer")
        back.wait(len(sent))
    for f, got in zip(sent, back.frames):
        assert got == (b"\xff" * 6 + mac("02:00:5e:00:02:00") + b"\x88\xb5" +
                       f[2048:]).ljust(60, b"\0"), got.hex()
    assert counts(nic)["tx"] == len(sent)


@pytest.mark.rule("X2")
def test_smallest_ring(nic):
    """It has room for the longest frame beside what is the stack's."""
    jumbo(nic)
    nic.sh("ethtool -L dut0 combined 1; "
           "for n in $(seq 8 8 128); do ethtool -G dut0 tx $n 2>/dev/null && break; done")
    attach(nic, "tx", "--frags")
    with nic.capture(ethertype=TEST_TYPE, promisc=True) as back:
        for i in range(4):
            nic.send([frame(nic, 9014, i)], "peer0", "peer")
            back.wait(i + 1)
    assert counts(nic)["tx"] == 4 and nic.stats()["tx0_xdp_drops"] == 0


# What is hashed, beside the addresses, and the type that the program is told.
L3_IPV4, L4, L4_TCP = 1, 1 << 3, 1 << 4
HASHED = {"udp": (17, b"", L3_IPV4),
          "tcp": (6, struct.pack("!HH", 2794, 1766), L3_IPV4 | L4 | L4_TCP)}
NOBODY = "203.0.113.9"


@pytest.mark.rule("X6")
@pytest.mark.parametrize("kind", HASHED)
def test_hash_for_programs(nic, kind):
    """A program that asks is told the hash and its type; or that there is none."""
    proto, ports, what = HASHED[kind]
    set_key(nic)
    segment = struct.pack("!HHIIBBHHH", 2794, 1766, 1, 0, 5 << 4, 0x10, 512, 0, 0)
    packets = [udp4(f"198.51.100.{i}", NOBODY, 2794, 1766, bytes(20)) if proto == 17 else
               ipv4(f"198.51.100.{i}", NOBODY, proto, segment) for i in range(1, 5)]
    sent = [ether(nic.MAC, nic.PEER_MAC, 0x0800, p) for p in packets]
    attach(nic, "hint", "hash")
    with nic.capture("dut0", None, ethertype=0x0800) as up:
        nic.send(sent, "peer0", "peer")
        up.wait(len(sent))
    told = {f[26:30]: f[6:12] for f in up.frames if f[30:34] == packets[0][16:20]}
    for p in packets:
        want = toeplitz(KEY, p[12:20] + ports)
        assert told[p[12:16]] == struct.pack("<IBB", want, what, 0), told
    nic.sh("ethtool -K dut0 rxhash off")
    with nic.capture("dut0", None, ethertype=0x0800) as up:
        nic.send(sent, "peer0", "peer")
        up.wait(len(sent))
    assert {f[6:12] for f in up.frames if f[30:34] == packets[0][16:20]} == {bytes(5) + b"\x3d"}


@pytest.mark.rule("X6")
def test_tag_for_programs(nic):
    """And the tag, with its priority; or that there is none."""
    nic.sh("ip link add link dut0 name vl5 type vlan id 5; ip link set vl5 up")
    nic.defer("ip link del vl5")
    attach(nic, "hint", "vlan_tag")
    for vlan, dev, want in ((5, "vl5", b"\x81\x00\x05\x00\x00"),
                            (None, "dut0", bytes(4) + b"\x3d")):
        with nic.capture(dev, None, ethertype=TEST_TYPE) as up:
            nic.send([frame(nic, 100, vlan=vlan)], "peer0", "peer")
            up.wait(1)
        got = up.frames[0]
        assert got[6:10] + got[11:12] == want, got.hex()


@pytest.mark.rule("X6")
@pytest.mark.parametrize("change", ["tail-pass -20", "meta 4", "meta 32"])
def test_changed_frames_go_up(nic, change):
    """Shortened, or with bytes for whoever comes next: what goes up is the rest."""
    jumbo(nic)
    attach(nic, change, "--frags")
    sent = [frame(nic, size, i) for size in SIZES for i in range(2)]
    cut = 20 if change.startswith("tail") else 0
    with nic.capture("dut0", None, ethertype=TEST_TYPE) as up:
        nic.send(sent, "peer0", "peer")
        up.wait(len(sent))
    assert sorted(up.frames) == sorted(f[:len(f) - cut] for f in sent)


@pytest.mark.rule("X6")
def test_tags_come_back(nic):
    """A tag that the device has taken out of a frame goes back into it."""
    attach(nic, "tx")
    nic.sh("ip link add link dut0 name vl5 type vlan id 5; ip link set vl5 up")
    nic.defer("ip link del vl5")
    sent = [frame(nic, 200, i, vlan=5) for i in range(8)]
    with nic.capture(ethertype=TEST_TYPE, promisc=True) as back:
        nic.send(sent, "peer0", "peer")
        back.wait(len(sent))
    assert sorted(back.wire) == sorted(map(swapped, sent))
    # In the data the tag stands before the type that the program looks for: such frames pass.
    nic.sh("ethtool -K dut0 rxvlan off")
    with nic.capture("vl5", None, ethertype=TEST_TYPE) as up:
        nic.send(sent, "peer0", "peer")
        up.wait(len(sent))
    assert counts(nic)["tx"] == len(sent)


@pytest.mark.rule("X5")
def test_attach_replace_detach(nic):
    """The first costs an exchange of the rings, the others nothing at all; nor does a change
    without a program."""
    resets = nic.stats()["resets"]
    with nic.no_link_bounce():
        with nic.outage(OUTAGE):
            attach(nic, "pass")
        ping = nic.spawn(f"exec ping -n -i 0.02 -c 60 -W 2 {nic.PEER}")
        ping.wait_output("icmp_seq=3 ")
        for what in ("drop", "tx", "none", "pass", "none", "drop"):
            attach(nic, what)
        out = ping.wait(60, check=False).stdout
        assert " 0% packet loss" in out, out
    assert nic.stats()["resets"] == resets
    attach(nic, "none")
    with nic.no_link_bounce():
        ping = nic.spawn(f"exec ping -n -i 0.02 -c 60 -W 2 {nic.PEER}")
        ping.wait_output("icmp_seq=3 ")
        nic.sh("ip link set dut0 mtu 1400; ethtool -K dut0 rxhash off rxhash on; "
               "ip link set dut0 mtu 1500")
        attach(nic, "pass")
        out = ping.wait(60, check=False).stdout
        assert " 0% packet loss" in out, out


LIMIT = 2026    # MTU of the largest frame in one buffer


@pytest.mark.rule("X5")
def test_refusals(nic):
    """With a reason, and everything stays as it was."""
    nic.peer("ip link set peer0 mtu 9000")
    nic.defer("ip link set peer0 mtu 1500", "peer")
    nic.sh(f"ip link set dut0 mtu {LIMIT + 1}")
    refused(nic, f"MTUs up to {LIMIT}", "pass")
    assert "xdp" not in nic.sh("ip link show dut0")
    nic.sh(f"ip link set dut0 mtu {LIMIT}")
    attach(nic, "pass")
    nic.refused(f"ip link set dut0 mtu {LIMIT + 1}", "Invalid argument")
    assert nic.link()["mtu"] == LIMIT and "xdp" in nic.sh("ip link show dut0")
    attach(nic, "pass", "--frags")
    nic.sh("ip link set dut0 mtu 9000")
    refused(nic, f"MTUs up to {LIMIT}", "drop")
    nic.ping()


SURVIVED = {
    "reset": commands("ethtool --reset dut0 all"),
    "rings": commands("ethtool -G dut0 rx 512 tx 256"),
    "channels": commands("ethtool -L dut0 combined 1; ethtool -L dut0 combined 2"),
    "closed": commands("ip link set dut0 down; ip link set dut0 up"),
    "mtu": commands("ip link set dut0 mtu 9000; ip link set dut0 mtu 1500"),
    "rx-all": commands("ethtool -K dut0 rx-all on; ethtool -K dut0 rx-all off"),
    "loopback": commands("ethtool -K dut0 loopback on; ethtool -K dut0 loopback off"),
    "suspend": sleep,
}


@pytest.mark.rule("X1", "X5")
@pytest.mark.parametrize("event", SURVIVED)
def test_program_outlives(nic, event):
    """And frames that it has sent are given back."""
    attach(nic, "tx", "--frags")
    sent = [frame(nic, 800, i) for i in range(40)]
    nic.send(sent, "peer0", "peer")
    SURVIVED[event](nic)
    nic.guest.net_up()
    before = counts(nic)
    with nic.capture(ethertype=TEST_TYPE, promisc=True) as back:
        nic.send(sent, "peer0", "peer")
        back.wait(len(sent))
    assert counts(nic)["tx"] - before["tx"] == len(sent)
    nic.transfer(1 << 16)


@pytest.mark.rule("X2", "X3")
def test_full_ring(nic):
    """Frames for which there is no room are dropped, and counted; the stack's queue goes on."""
    nic.sh("ethtool -L dut0 combined 1; ethtool -G dut0 tx 128")
    attach(nic, "tx")
    with nic.flood("rx", size=600, more=["flag !UDPCSUM"]):
        nic.transfer(1 << 18)
        nic.ping()
    stats = nic.stats()
    assert stats["tx0_busy"] == 0
    sent = [frame(nic, 300, i) for i in range(200)]
    before = counts(nic)

    def dropped():
        """On a busy machine a reset may come before the frames do."""
        nic.clear_bits(0x400, 2)    # TCTL.EN: nothing is sent any more
        nic.send(sent, "peer0", "peer")
        return counts(nic)["errors"] > before["errors"]
    wait_until(dropped, 10, "frames are dropped")
    now = nic.stats()
    assert now["tx0_xdp_drops"] > 0 and now["tx0_stopped"] == stats["tx0_stopped"]
    nic.expect_log("hung", "resetting")
    wait_until(nic.answers, 10, "traffic after the reset")


@pytest.mark.rule("X1", "X4")
def test_redirect(nic):
    """Into another interface, and from it: its frames are sent, and given back."""
    jumbo(nic)
    nic.sh("ip link add veA mtu 9000 type veth peer name veB mtu 9000; "
           "ip link set veA up; ip link set veB up")
    nic.defer("ip link del veA")
    nic.sh(f"{PY}/xdp.py veB pass --frags")
    attach(nic, "redirect", "veA", "--frags")
    sent = [frame(nic, size, i) for size in SIZES for i in range(6)]
    before = counts(nic)
    with nic.capture("veB", None, ethertype=TEST_TYPE) as there:
        nic.send(sent, "peer0", "peer")
        there.wait(len(sent))
    assert sorted(there.frames) == sorted(sent)
    assert counts(nic)["redirect"] - before["redirect"] == len(sent)
    nic.sh(f"{PY}/xdp.py veB redirect dut0 --frags")
    back = [ether(nic.PEER_MAC, nic.MAC, payload=pattern(size - 14, i))
            for size in SIZES for i in range(6)]
    with nic.capture(ethertype=TEST_TYPE) as peer:
        nic.send(back, "veA")
        peer.wait(len(back))
    assert sorted(peer.frames) == sorted(back)
    # The rings go while frames of their pages are elsewhere.
    nic.sh("ethtool -G dut0 rx 128")
    nic.transfer(1 << 16, reverse=True)


@pytest.mark.rule("X1", "X4")
@pytest.mark.parametrize("how", ["cpumap 1", "devmap dut0"])
def test_redirect_by_a_map(nic, how):
    """To another processor, which makes skbs of the frames; and back to where they came from."""
    jumbo(nic)
    attach(nic, how, "--frags")
    sent = [frame(nic, size, i) for size in SIZES for i in range(6)]
    dev, where = ("dut0", None) if how.startswith("cpu") else ("peer0", "peer")
    with nic.capture(dev, where, ethertype=TEST_TYPE, promisc=True) as got:
        nic.send(sent, "peer0", "peer")
        got.wait(len(sent))
    assert sorted(got.frames) == sorted(sent)
    assert counts(nic)["redirect"] == len(sent)
    nic.sh("ethtool -G dut0 rx 128")
    nic.transfer(1 << 16, reverse=True)


@pytest.mark.rule("X5")
def test_replaced_under_a_flood(nic):
    """Each frame meets one program or the other."""
    sent = "cat /sys/class/net/peer0/statistics/tx_packets"
    attach(nic, "drop", "--type", "0x0800")
    nic.sh("ip link set dut0 promisc on")
    nic.defer("ip link set dut0 promisc off")
    before, missed = counts(nic), nic.stats()["hw_rx_missed"]
    start = int(nic.peer(sent))
    with nic.flood("rx", more=["delay 500000"]):
        for what in ("tx", "drop", "aborted", "drop", "tx"):
            attach(nic, what, "--type", "0x0800")

    def seen():
        now = counts(nic)
        return {c: now[c] - before[c] for c in COUNTERS}
    wait_until(lambda: sum(seen().values()) == int(nic.peer(sent)) - start, 10,
               lambda: f"of {int(nic.peer(sent)) - start} frames the programs saw {seen()}")
    assert nic.stats()["hw_rx_missed"] == missed
    assert all(seen()[c] for c in ("drop", "tx", "errors")), seen()


@pytest.mark.rule("R2", "X1")
def test_netconsole_beside_xdp(nic):
    """A poll for netpoll, with interrupts off, leaves the frames of XDP to the next one."""
    with nic.netconsole() as sink:
        attach(nic, "tx", "--type", "0x0800")
        with nic.flood("rx", size=600, more=["delay 200000"]):
            nic.log_100_lines(sink)
        attach(nic, "none")
    nic.ping()


@pytest.mark.rule("X2")
def test_no_link(nic):
    """Frames that cannot be sent are dropped; nothing is stuck afterwards."""
    nic.sh("ip link add veA type veth peer name veB; ip link set veA up; ip link set veB up; "
           f"{PY}/xdp.py veB redirect dut0")
    nic.defer("ip link del veA")
    nic.guest.set_link(False)
    wait_until(lambda: not nic.carrier(), 5, "no carrier")
    nic.send([ether(nic.PEER_MAC, nic.MAC, payload=bytes(100))] * 20, "veA")
    nic.guest.set_link(True)
    wait_until(nic.answers, 10, "traffic")
    with nic.capture(ethertype=TEST_TYPE) as peer:
        nic.send([ether(nic.PEER_MAC, nic.MAC, payload=bytes(100))], "veA")
        peer.wait(1)


@pytest.mark.rule("X1")
def test_removed_under_xdp(nic):
    attach(nic, "tx", "--frags")
    with nic.flood("rx", size=600):
        nic.guest.unload_driver()
    nic.guest.bring_up()
    nic.ping()
