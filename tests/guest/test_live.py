# SPDX-License-Identifier: GPL-2.0
"""Changes under packets that are on their way: queues that go, tags and segmentation that the
device no longer does, a link that comes back slower."""

import contextlib
import itertools
import json
import re
import struct
import time

import pytest
from frames import TEST_TYPE, ether, ipv4, mac, pattern, verify
from lab import PY, wait_until

TCTL, EN = 0x400, 2
CTRL, VME = 0, 1 << 30
STACK_WATCHDOG = 5      # seconds


def dropped(nic):
    return nic.link()["stats64"]["tx"]["dropped"]


# --- queues that go ---

def bound(queue):
    """Settings of pktgen for a sender that stays on a queue."""
    return [f"queue_map_min {queue}", f"queue_map_max {queue}", "clone_skb 1000000000"]


@pytest.mark.debug
@pytest.mark.rule("T2", "T20")
@pytest.mark.parametrize("burst", [1, 32])
def test_sender_bound_to_a_queue_that_goes(nic, burst):
    """Its packets are dropped and counted; nothing else notices, the stack's watchdog neither."""
    with nic.flood("tx", burst=burst, more=bound(1)), nic.no_link_bounce():
        wait_until(lambda: nic.stats()["tx1_packets"], what="queue 1 sends")
        nic.sh("ethtool -L dut0 combined 1")
        before, since = dropped(nic), time.monotonic()
        wait_until(lambda: dropped(nic) > before + 10, what="its packets are dropped")
        wait_until(nic.answers, what="traffic")
        for change in ("-G dut0 tx 128", "--reset dut0 dma", "-K dut0 rxvlan off",
                       "--per-queue dut0 queue_mask 2 --coalesce rx-usecs 70"):
            nic.sh(f"ethtool {change}")
            wait_until(nic.answers, 10, change)
        nic.sh(f"devlink health diagnose pci/{nic.guest.pci()} reporter tx")
        # The stack looks at the queue for this long before it says that it hangs.
        left = STACK_WATCHDOG + 2 - (time.monotonic() - since)
        nic.sh(f"sleep {max(0, left):.1f}", 30)
        before = dropped(nic)
        wait_until(lambda: dropped(nic) > before, what="packets are dropped, still")
        sent = nic.stats()["tx1_packets"]
        nic.sh("ethtool -L dut0 combined 2")
        wait_until(lambda: nic.stats()["tx1_packets"] > sent, what="queue 1 sends again")
        wait_until(nic.answers, what="traffic")
    stats = nic.stats()
    assert stats["tx_busy"] == 0 and stats["tx_timeouts"] == 0
    nic.transfer(1 << 16)


@pytest.mark.debug
@pytest.mark.rule("T2", "T20")
def test_senders_without_a_queueing_discipline(nic):
    """They choose their queue and then are held up, perhaps: until that queue is gone, or all."""
    for cpu in (0, 1):
        nic.spawn(f"exec taskset -c {cpu} {PY}/raw.py blast dut0 --bypass")
    wait_until(lambda: nic.stats()["tx1_packets"], what="queue 1 sends")
    for _ in range(nic.rounds(8)):
        nic.sh("ethtool -L dut0 combined 1; ethtool -L dut0 combined 2")
        nic.sh("ip link set dut0 down; ethtool -L dut0 combined 1; ip link set dut0 up; "
               "ethtool -L dut0 combined 2")
    nic.guest.net_up()
    wait_until(nic.answers, 10, "traffic")
    stats = nic.stats()
    assert stats["tx_busy"] == 0 and stats["tx_timeouts"] == 0


@pytest.mark.rule("T2")
def test_a_queue_without_a_ring_is_woken(nic):
    """By somebody else, while its pair is inactive."""
    nic.sh("ethtool -L dut0 combined 1")
    with nic.flood("tx"):
        nic.poke_queue(1, "wake")
        nic.poke_queue(1, "stop")
        nic.poke_queue(1, "wake")
        # The peer drops some, flooded as it is.
        wait_until(nic.answers, what="traffic")
    nic.sh("ethtool -L dut0 combined 2")
    nic.ping()


# --- tags ---

def make_vlan(nic):
    """VLAN 5 on the device, for raw frames; the peer takes what comes."""
    nic.sh("ip link add link dut0 name vl5 type vlan id 5; "
           "echo 1 >/proc/sys/net/ipv6/conf/vl5/disable_ipv6; ip link set vl5 up")


@contextlib.contextmanager
def tally(nic):
    """Frames of the test that the peer gets, by tag, when the block is over."""
    counts = {}
    proc = nic.spawn(f"exec {PY}/raw.py tally peer0 --promisc --ethertype {TEST_TYPE}",
                     "peer")
    proc.wait_output("ready")
    yield counts
    proc.signal("INT")
    counts.update(json.loads(proc.wait(20, check=False).stdout))


def change_under(nic, frames, send, change):
    """Change something while there is a full ring and a queue behind it, with packets that the
    stack has prepared for the device as it was; the transmitter is off.  In one go: the driver
    would take that for a hang, and the stack a queue that is stopped for 5 s.  Returns the counters
    before."""
    nic.sh("ethtool -L dut0 combined 1; ethtool -G dut0 tx 80; "
           "echo 1000000 >/sys/class/net/dut0/queues/tx-0/byte_queue_limits/limit_min")
    nic.guest.net_up()
    nic.ping(count=1)
    nic.quiet()
    nic.guest.put("\n".join(f.hex() for f in frames).encode(), "/tmp/frames")
    queue = f"{nic.helper()}/queue"
    off, before = nic.reg(TCTL) & ~EN, nic.stats()
    out = nic.sh(f"echo dut0 0 stop >{queue}; "
                 f"taskset -c 0 {PY}/raw.py send {send} </tmp/frames; "
                 f"tc -s qdisc show dev dut0 | grep backlog; "
                 f"{PY}/reg.py {nic.resource()} {TCTL:#x} {off:#x}; "
                 f"echo dut0 0 wake >{queue}; {change}")
    assert max(int(x) for x in re.findall(r"backlog \w+ (\d+)p", out)) >= len(frames), out
    return before


@pytest.mark.rule("T16")
@pytest.mark.parametrize("frames", [8, 100], ids=["in-the-ring", "queued-as-well"])
def test_no_frame_leaves_without_its_tag(nic, frames):
    """The device stops to insert tags while frames with tags are on their way: in the ring, and
    prepared by the stack for a device that does."""
    make_vlan(nic)
    data = [ether(nic.PEER_MAC, nic.MAC, payload=bytes([i]) * 60) for i in range(frames)]
    with tally(nic) as seen:
        before = change_under(nic, data, "vl5", "ethtool -K dut0 rxvlan off")
        assert not nic.reg(CTRL) & VME
        # The last that can come: it goes behind the others.
        nic.send([ether(nic.PEER_MAC, nic.MAC, payload=b"end" * 20)], "vl5")
        wait_until(lambda: nic.sh("cat /sys/class/net/dut0/queues/tx-0/byte_queue_limits/inflight"
                                  ).strip() == "0", 10, "nothing in flight")
        wait_until(lambda: " 0b 0p" in nic.sh("tc -s qdisc show dev dut0 | grep backlog"))
        lost = nic.stats()["tx_aborted"] - before["tx_aborted"]
    assert set(seen) == {"5"}, f"tags that came: {seen}"
    # The last may still be on its way.
    assert 0 <= frames + 1 - lost - seen["5"] <= 1 and nic.stats()["tx_drops"] == 0
    if frames > 80:
        assert lost < 80, "what was not in the ring has left"


@pytest.mark.rule("T16")
def test_tags_under_traffic(nic):
    """Switched on and off under a stream of frames that get a tag."""
    # Not by a VLAN interface: its header grows and shrinks with the setting, and a packet socket
    # that has looked at it twice overruns its buffer (usercopy_abort in packet_sendmsg).
    nic.sh("tc qdisc add dev dut0 clsact; tc filter add dev dut0 egress "
           f"protocol {TEST_TYPE:#x} matchall action vlan push id 5")
    with tally(nic) as seen:
        blast = nic.spawn(f"exec {PY}/raw.py blast dut0")
        with nic.no_link_bounce(), nic.outage(1.0):
            for state in ["off", "on"] * nic.rounds(8):
                before = nic.stats()["tx_packets"]
                nic.sh(f"ethtool -K dut0 rxvlan {state}")
                wait_until(lambda: nic.stats()["tx_packets"] > before + 20)
        blast.kill()
    assert set(seen) == {"5"}, f"tags that came: {seen}"
    stats = nic.stats()
    # The model's wire may be too slow for what is in the rings to be sent first: then a restart
    # drops it.
    if nic.guest.config.device != "model":
        assert stats["resets"] == 0 and stats["tx_drops"] == 0 and stats["tx_aborted"] == 0


def test_tags_follow_the_settings_over_a_restart(nic):
    """Off and on, while down too, and then the device is reset."""
    for change in ("ethtool -K dut0 rxvlan off",
                   "ip link set dut0 down; ethtool -K dut0 rxvlan on; ip link set dut0 up",
                   "ip link set dut0 down; ethtool -K dut0 rxvlan off; ip link set dut0 up",
                   "ethtool -K dut0 rxvlan on"):
        nic.sh(change)
        nic.guest.net_up()
        want = VME if "rxvlan on" in change else 0
        assert nic.reg(CTRL) & VME == want, change
        nic.sh("ethtool --reset dut0 dma")
        assert nic.reg(CTRL) & VME == want, change


@pytest.mark.parametrize("layers", [1, 2])
def test_full_frames_with_tags(nic, layers):
    """At an MTU of 1500, with one tag and with two."""
    make_vlan(nic)
    top = "vl5"
    if layers == 2:
        nic.sh("ip link add link vl5 name vl6 type vlan id 6; "
               "echo 1 >/proc/sys/net/ipv6/conf/vl6/disable_ipv6; ip link set vl6 up")
        top = "vl6"
    frame = ether(nic.PEER_MAC, nic.MAC, payload=pattern(1500))
    with nic.capture(promisc=True) as seen:
        nic.send([frame] * 3, top)
        wait_until(lambda: seen._read() or
                   sum(pattern(1500) in f for f in seen.frames) == 3, 10, "three frames")
    wire = [w for w in seen.wire if pattern(1500) in w]
    assert {len(w) for w in wire} == {1514 + 4 * layers}
    assert nic.stats()["tx_drops"] == 0


# --- segmentation ---

def tcp(length):
    return struct.pack("!HHIIBBHHH", 7, 9, 1, 0, 0x50, 0x10, 1000, 0, 0) + pattern(length)


def tcp4(nic, length):
    packet = ipv4(nic.IP, nic.PEER, 6, tcp(length))
    return ether(nic.PEER_MAC, nic.MAC, 0x0800, packet), 34, 1


def tcp6(nic, length, options=0):
    """With headers of options between those of IPv6 and TCP."""
    def address(text):
        head, tail = text.split("::")
        parts = [int(x, 16) for x in head.split(":")]
        return struct.pack("!8H", *parts, *[0] * (7 - len(parts)), int(tail, 16))
    first, extra = 6, b""
    if options:
        first = 60
        size = options - 4
        while size > 0:
            step = min(size, 255)
            extra += bytes([0x1e, step]) + bytes(step)
            size -= step + 2
        extra = bytes([6, options // 8 - 1]) + extra
        extra += bytes(options - len(extra))
    segment = extra + tcp(length)
    packet = struct.pack("!IHBB", 6 << 28, len(segment), first, 64) + address(nic.IP6) + \
        address(nic.PEER6) + segment
    return ether(nic.PEER_MAC, nic.MAC, 0x86dd, packet), 54 + len(extra), 4


# What is sent, at which speed, and whether the device may segment it.
SEGMENTATION = {
    "ipv4": (tcp4, 1000, True),
    "ipv6": (tcp6, 1000, True),
    "ipv6-options": (lambda nic, n: tcp6(nic, n, 64), 1000, True),
    "long-headers": (lambda nic, n: tcp6(nic, n, 256), 1000, False),
    "longer-headers": (lambda nic, n: tcp6(nic, n, 512), 1000, False),
    "ipv4-slow": (tcp4, 100, False),
    "ipv6-slow": (tcp6, 100, False),
    "ipv6-options-slow": (lambda nic, n: tcp6(nic, n, 64), 100, False),
    "ipv4-slower": (tcp4, 10, False),
}


def virtio(frame, l4, kind, flags, mss):
    """A virtio header: flags 1 asks for a checksum, 0 says nothing of it."""
    csum = (l4, 16) if flags else (0, 0)
    return struct.pack("<BBHHHH", flags, kind, l4 + 20, mss, *csum) + frame


def with_sum(frame, l4):
    """The pseudo-header's sum in its place, as who asks for a checksum must leave it."""
    addresses = frame[26:34] if frame[12:14] == b"\x08\0" else frame[22:54]
    words = addresses + struct.pack("!HH", 6, len(frame) - l4)
    total = sum(struct.unpack(f"!{len(words) // 2}H", words))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return frame[:l4 + 16] + struct.pack("!H", total) + frame[l4 + 18:]


def force_speed(nic, speed):
    if speed != 1000:
        nic.sh(f"ethtool -s dut0 speed {speed} duplex full autoneg off")
        wait_until(lambda: f"Speed: {speed}Mb/s" in nic.sh("ethtool dut0"), 10, "speed")
        nic.guest.net_up()


@pytest.mark.rule("T16", "T17")
@pytest.mark.parametrize("speed", [1000, 100, 10])
def test_segmentation_that_a_program_asks_for(nic, speed):
    """Segments arrive whole and with good checksums, whoever makes them; the device makes none
    below 1000 Mb/s, nor of headers that it has no room for."""
    nic.peer("ethtool -K peer0 gro off")
    nic.defer("ethtool -K peer0 gro on", "peer")
    force_speed(nic, speed)
    for (name, (make, at, device)), flags in itertools.product(SEGMENTATION.items(), (0, 1)):
        if at != speed:
            continue
        frame, l4, kind = make(nic, 4 * 1000)
        if flags:
            frame = with_sum(frame, l4)
        before = nic.stats()
        with nic.capture(ethertype=struct.unpack_from("!H", frame, 12)[0]) as seen:
            nic.send([virtio(frame, l4, kind, flags, 1000)], vnet=True)
            wait_until(lambda: seen._read() or
                       sum(f.startswith(frame[:12]) and len(f) > 1000 for f in seen.frames) == 4,
                       10, lambda: f"{name}, flags {flags}: four segments, not "
                       f"{[len(f) for f in seen.frames]}")
        segments = [verify(f) for f in seen.frames if f[6:12] == mac(nic.MAC) and len(f) > 1000]
        assert b"".join(s["payload"] for s in segments) == pattern(4000), name
        after = nic.stats()
        assert after["tx_drops"] == before["tx_drops"], name
        assert (after["tx_tso_packets"] > before["tx_tso_packets"]) == device, (name, flags)


@pytest.mark.rule("T17")
def test_link_that_comes_back_slower(nic):
    """Packets that the stack prepared for segmentation at 1000 Mb/s find the link at 100."""
    frame, l4, kind = tcp4(nic, 16 * 1000)
    packet = virtio(with_sum(frame, l4), l4, kind, 1, 1000)
    before = change_under(nic, [packet] * 20, "dut0 --vnet",
                          "ethtool -s dut0 speed 100 duplex full autoneg off")
    wait_until(lambda: "Speed: 100Mb/s" in nic.sh("ethtool dut0"), 10, "speed")
    wait_until(lambda: nic.stats()["tx_drops"] > before["tx_drops"], 10, "packets are dropped")
    wait_until(lambda: nic.sh("cat /sys/class/net/dut0/queues/tx-0/byte_queue_limits/inflight"
                              ).strip() == "0", 10, "nothing in flight")
    tso = nic.stats()["tx_tso_packets"]
    nic.sh("ip link set dut0 arp on")
    nic.peer("ip link set peer0 arp on")
    nic.transfer(1 << 16)
    assert nic.stats()["tx_tso_packets"] == tso
