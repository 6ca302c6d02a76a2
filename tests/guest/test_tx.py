# SPDX-License-Identifier: GPL-2.0
"""Transmit: flow control, offloads, short frames, DMA errors."""

import json
import struct

import pytest
from frames import TEST_TYPE, ether, ipv4, mac, pattern, verify
from hwlab.pktgen import RESET, START
from lab import PY, pktgen_script, wait_until

TCTL, EN = 0x400, 2
RS = 8              # in the command byte of a descriptor
SWIOTLB = pytest.mark.guest(append="swiotlb=force")


# --- flow control ---

@pytest.mark.debug
@pytest.mark.rule("T1", "T3", "T5", "T8", "R1")
def test_full_ring_stops_and_wakes_the_queue(nic):
    nic.sh("ethtool -G dut0 tx 80")
    before = nic.stats()
    with nic.flood("tx", burst=32):
        wait_until(lambda: nic.stats()["tx_stopped"] > nic.rounds(50), 20,
                   "the queue stops")
        # The peer drops some, flooded as it is; with the debug kernel, perhaps all.
        nic.guest.run(f"ping -n -c 3 -i 0.2 -w 30 {nic.PEER}", 40,
                      check=not nic.guest.kernel.debug)
    after = nic.stats()
    assert after["tx_busy"] == 0, "xmit was called with a full ring"
    assert after["tx_timeouts"] == before["tx_timeouts"]
    assert after["tx_drops"] == 0
    # Each stop has its wake, but for those that the stop helper itself took back.
    assert after["tx_woken"] > before["tx_woken"]
    wait_until(lambda: nic.stats()["tx_packets"] >= nic.link()["stats64"]["tx"]["packets"])
    nic.ping()


@pytest.mark.rule("T1", "T3", "T14")
def test_packets_of_many_fragments_in_a_small_ring(nic):
    """17 fragments a packet: the most descriptors that the stack can ask for."""
    nic.sh("ethtool -G dut0 tx 80")
    for piece in (3000, 700, 61):
        nic.transfer(100 * piece, more=f"--how fragments --piece {piece}")
    with nic.flood("tx", burst=8):
        nic.transfer(1 << 18, more="--how fragments --piece 900")
    stats = nic.stats()
    assert stats["tx_busy"] == 0 and stats["tx_drops"] == 0 and stats["tx_timeouts"] == 0


@pytest.mark.rule("T2", "T7")
def test_false_wakes_do_no_harm(nic):
    """Somebody wakes the queue while the ring is full: BUSY, logged, counted, no packet lost."""
    nic.expect_log(r"full while awake", r"net_ratelimit: \d+ callbacks suppressed")
    nic.sh("ethtool -G dut0 tx 80")
    with nic.flood("tx", burst=32):
        nic.poke_queue(0, "storm")
        wait_until(lambda: nic.stats()["tx_busy"] > 0, 10, "a full ring was seen")
    wait_until(nic.answers, what="traffic")
    nic.transfer(1 << 18)
    stats = nic.stats()
    assert stats["tx_drops"] == 0 and stats["tx_aborted"] == 0 and stats["tx_timeouts"] == 0
    assert "full while awake" in nic.log()


@pytest.mark.rule("T9")
def test_byte_queue_limits(nic):
    """What is in flight is zero when all is sent, also after a reset with a full ring."""
    def inflight():
        return nic.sh("cat /sys/class/net/dut0/queues/tx-*/byte_queue_limits/inflight").split()
    nic.transfer(1 << 18)
    wait_until(lambda: set(inflight()) == {"0"}, 5, "nothing in flight")
    with nic.stream():
        nic.sh("ethtool -G dut0 tx 128")
        nic.sh("ethtool -G dut0 tx 256")
    wait_until(lambda: set(inflight()) == {"0"}, 10, "nothing in flight")
    limit = nic.sh("cat /sys/class/net/dut0/queues/tx-*/byte_queue_limits/limit").split()
    assert any(int(x) > 0 for x in limit), "nothing was ever reported to BQL"


@pytest.mark.guest(traced=True)
@pytest.mark.rule("T10")
def test_one_doorbell_a_burst(nic):
    nic.quiet()
    nic.sh("modprobe pktgen")
    nic.sh(pktgen_script("dut0", nic.PEER_MAC, 60, 32, ["count 3200"]))
    before = nic.stats()
    with nic.accesses() as (_, writes):
        nic.sh(START, 60)
        wait_until(lambda: nic.stats()["tx_packets"] - before["tx_packets"] >= 3200)
    doorbells = writes["TDT0"] + writes["TDT1"]
    stops = nic.stats()["tx_stopped"] - before["tx_stopped"]
    assert 3200 / 256 <= doorbells <= 3200 / 32 * 1.5 + stops + 5, \
        f"{doorbells} doorbells for 100 bursts, {stops} stops"
    nic.sh(RESET)


@pytest.mark.guest(traced=True)
def test_no_register_reads_in_the_data_path(nic):
    nic.ping()
    with nic.accesses() as (reads, writes):
        nic.ping(count=200)
    # The watchdog looks at link, PHY, and one other register a second, with traffic or without.
    looked = ("STATUS", "RCTL", "EXTCNF_CTRL", "MDIC", "RDT0", "RDT1", "RAL/RAH")
    hot = {r: n for r, n in reads.items() if r not in looked or (r[0] == "R" and n > 30)}
    assert not hot, f"registers read for 400 packets: {reads}"
    assert max(reads.values(), default=0) < 100, f"registers read for 400 packets: {reads}"
    assert not reads["ICR"], "a handler read ICR"
    assert not {"RCTL", "TCTL", "RFCTL", "EITR"} & set(writes), writes


@pytest.mark.guest(traced=True)
def test_idle_device_is_left_alone(nic):
    """An idle interface: no register polling beyond the look at the PHY every two seconds."""
    nic.quiet()
    with nic.accesses() as (reads, writes):
        nic.sh("sleep 4")      # the time is what is measured here
    assert sum(reads.values()) + sum(writes.values()) < 60, (reads, writes)


# --- completions ---

@pytest.mark.rule("T12")
def test_each_packet_is_freed_without_a_next_one(nic):
    """A single datagram's memory comes back to its socket at once."""
    nic.ping(count=1)
    slowest = nic.prog(f"oneshot.py {nic.PEER} 30")
    assert slowest < 0.1, f"a sent packet was held for {slowest:.3f} s"
    nic.sh("ethtool -C dut0 rx-usecs 10000 tx-usecs 10000")
    slowest = nic.prog(f"oneshot.py {nic.PEER} 10")
    assert slowest < 0.15, f"a sent packet was held for {slowest:.3f} s"


@pytest.mark.rule("T12")
def test_long_burst_is_reported_in_parts(nic):
    """The device holds a burst of 64 back: one of the first eight descriptors has RS already."""
    nic.expect_log(r"tx queue \d hung")
    nic.quiet()
    nic.sh("modprobe pktgen")
    nic.sh(pktgen_script("dut0", nic.PEER_MAC, 60, 64, ["count 64"]))
    nic.clear_bits(TCTL, EN)
    nic.sh(START, 60)
    reporter = f"pci/{nic.guest.pci()} reporter tx"
    queue = json.loads(nic.sh(f"devlink -j health dump show {reporter}"))["queues"][0]
    ahead = [bytes(x["bytes"]) for x in queue["descriptors"]][8:]
    assert queue["pending"] >= 64 and sum(x[11] & RS != 0 for x in ahead) == 1, ahead
    nic.sh(RESET)


# --- short frames ---

@pytest.mark.rule("T13")
def test_short_frames_are_padded_with_zeros(nic):
    frames = [ether(nic.PEER_MAC, nic.MAC, payload=b"\xa5" * (n - 14)) for n in range(14, 62)]
    # Fill what a frame could be padded from with something that would show: socket buffers, and
    # the slot of each descriptor.
    nic.sh("ethtool -G dut0 tx 128")
    nic.send([ether(nic.PEER_MAC, nic.MAC, 0x88b6, b"\xee" * 400)] * 64)
    nic.send([ether(nic.PEER_MAC, nic.MAC, 0x88b6, b"\xee" * 100)] * 256)
    with nic.capture(ethertype=TEST_TYPE) as seen:
        nic.send(frames)
        seen.wait(len(frames))
    for sent, got in zip(frames, seen.frames):
        assert got == sent + bytes(max(0, 60 - len(sent))), f"{len(sent)} bytes: {got.hex()}"


# --- offloads ---

def no_merging(nic):
    """The peer captures frames as they were on the wire."""
    nic.peer("ethtool -K peer0 gro off")
    nic.defer("ethtool -K peer0 gro on", "peer")


COMBINATIONS = {
    "all": "tx on sg on tso on gso on",
    "no-tso": "tx on sg on tso off gso on",
    "no-gso": "tx on sg on tso off gso off",
    "no-sg": "tx on sg off",
    "software": "tx off",
}


@pytest.mark.rule("T16", "T14")
@pytest.mark.parametrize("combination", COMBINATIONS)
def test_offloads_keep_the_data_and_the_checksums(nic, combination):
    """TCP and UDP over IPv4 and IPv6: data compared, each frame on the wire verified."""
    no_merging(nic)
    nic.sh(f"ethtool -K dut0 {COMBINATIONS[combination]}")
    before = nic.stats()
    with nic.capture() as seen:
        for dst in (nic.PEER, nic.PEER6):
            nic.transfer(1 << 16, dst)
            nic.prog(f"udp.py send {dst} 20")
        nic.sh("ping -c 1 -W 2 192.0.2.2")
    kinds = set()
    for frame in seen.frames:
        if frame[6:12] == mac(nic.MAC):
            found = verify(frame)
            assert len(frame) <= 1514, "longer than the MTU allows"
            kinds.add((found.get("ip"), found.get("proto")))
            if found.get("proto") == 17 and found["ports"][1] == 7009:
                assert found["csum"] != 0, "UDP checksum left out"
    assert {(4, 6), (6, 6), (4, 17), (6, 17)} <= kinds, kinds
    used = nic.stats()["tx_tso_packets"] - before["tx_tso_packets"]
    assert (used > 0) == (combination == "all"), f"{used} packets segmented by the device"


@pytest.mark.rule("T16")
@pytest.mark.parametrize("offload", ["on", "off"])
def test_vlan_insertion(nic, offload):
    for end, run in (("dut0", nic.sh), ("peer0", nic.peer)):
        run(f"ip link add link {end} name vl5 type vlan id 5; "
            f"ip addr add 198.51.100.{1 if end == 'dut0' else 2}/24 dev vl5; ip link set vl5 up")
    nic.defer("ip link del vl5", "peer")
    nic.sh(f"ethtool -K dut0 rxvlan {offload} txvlan {offload}")
    assert nic.feature("tx-vlan-offload") == offload
    no_merging(nic)
    with nic.capture() as seen:
        nic.ping("198.51.100.2")
        nic.transfer(1 << 16, "198.51.100.2")
    tagged = [(r, f) for r, f in zip(seen.records, seen.frames) if f[6:12] == mac(nic.MAC)]
    vids = [r.get("vlan", struct.unpack_from("!H", f, 14)[0]) & 0xfff for r, f in tagged
            if r.get("vlan") is not None or f[12:14] == b"\x81\x00"]
    assert len(vids) > 20 and set(vids) == {5}
    for _, frame in tagged:
        if frame[12:14] != b"\x86\xdd":
            verify(frame)


@pytest.mark.rule("T11")
def test_tap_sees_the_packet_as_the_stack_made_it(nic):
    """The capture shares its data with the packet that the driver segments."""
    with nic.capture("dut0", None, outgoing=True) as seen:
        nic.transfer(1 << 17)
        nic.transfer(1 << 17, nic.PEER6)
    big = [f for f in seen.frames if len(f) > 3000]
    assert len(big) > 4, "no large packets seen"
    for frame in big:
        if frame[12:14] == b"\x08\x00":
            assert struct.unpack_from("!H", frame, 16)[0] == len(frame) - 14, "total length"
            assert frame[24:26] != b"\0\0", "header checksum"
        else:
            assert struct.unpack_from("!H", frame, 18)[0] == len(frame) - 54, "payload length"


@pytest.mark.rule("T17")
@pytest.mark.parametrize("header", [256, 176], ids=["beyond the context", "beyond the slot"])
def test_long_headers_are_segmented_by_the_stack(nic, header):
    """Headers that the device cannot copy: software does it, and the data is right."""
    before = nic.stats()
    nic.transfer(1 << 17, nic.PEER6, more=f"--how hopopts --header {header}")
    after = nic.stats()
    assert after["tx_tso_packets"] == before["tx_tso_packets"]
    assert after["tx_drops"] == before["tx_drops"]


@pytest.mark.debug
@pytest.mark.rule("T17")
def test_offloads_that_a_program_asks_for(nic):
    """AF_PACKET with a virtio header: segments of odd sizes, checksums at odd places."""
    frames = []
    for mss in (1, 8, 16, 17, 100, 1448):
        payload = pattern(min(20000, mss * 40))
        tcp = struct.pack("!HHIIBBHHH", 7, 9, 1, 0, 0x50, 0x10, 1000, 0, 0) + payload
        packet = ether(nic.PEER_MAC, nic.MAC, 0x0800, ipv4(nic.IP, nic.PEER, 6, tcp))
        frames.append(struct.pack("<BBHHHH", 1, 1, 54, mss, 34, 16) + packet)
    # A checksum that starts beyond the reach of eight bits.
    packet = ether(nic.PEER_MAC, nic.MAC, 0x0800,
                   ipv4(nic.IP, nic.PEER, 17, struct.pack("!HHHH", 7, 9, 600, 0) + bytes(592)))
    frames.append(struct.pack("<BBHHHH", 1, 0, 0, 0, 400, 6) + packet)
    for frame in frames:
        nic.guest.run(f"{PY}/raw.py send dut0 --vnet", 60, check=False,
                      stdin=frame.hex())
    nic.ping()
    assert nic.stats()["tx_timeouts"] == 0


@pytest.mark.rule("T14")
def test_features(nic):
    for name in ("scatter-gather", "tx-checksumming", "tcp-segmentation-offload",
                 "tx-tcp6-segmentation", "rx-checksumming", "receive-hashing",
                 "generic-receive-offload", "highdma", "rx-vlan-filter"):
        assert nic.feature(name).startswith("on"), name


# --- DMA errors ---

@pytest.mark.debug
@SWIOTLB
@pytest.mark.rule("T15")
def test_mapping_that_fails_drops_the_packet_only(nic):
    """Each mapping of a packet fails in turn: dropped and counted, nothing left mapped."""
    nic.transfer(1 << 16, more="--how fragments")
    before = nic.stats()
    tries = (9, 1, 5, 2, 3)[:nic.rounds(5)]
    for nth in tries:
        nic.fail("dma_map_page_attrs", -1, nth, "hwl_tx")
        nic.transfer(1 << 16, more="--how fragments --piece 700")
        assert nic.fail_hits() == 1
    after = nic.stats()
    assert after["tx_dma_map_errors"] - before["tx_dma_map_errors"] == len(tries)
    assert after["tx_busy"] == 0
    wait_until(lambda: set(nic.sh(
        "cat /sys/class/net/dut0/queues/tx-*/byte_queue_limits/inflight").split()) == {"0"})


@SWIOTLB
@pytest.mark.rule("T15", "T10")
def test_burst_whose_last_packet_fails_is_sent(nic):
    """The mapping of a burst's last packet fails: what was queued before it must leave."""
    nic.quiet()
    nic.sh("modprobe pktgen")
    with nic.capture(ethertype=0x0800) as seen:
        for nth in (4, 8):
            nic.sh(pktgen_script("dut0", nic.PEER_MAC, 200, 4, ["count 4" if nth == 4 else
                                                              "count 8"]))
            nic.fail("dma_map_page_attrs", -1, nth, "hwl_tx")
            nic.sh(START, 60)
            assert nic.fail_hits() == 1
            nic.sh(RESET)
        # Nothing else is sent that could ring the doorbell for them.
        seen.wait(3 + 7, 3)
    assert nic.stats()["tx_dma_map_errors"] == 2


@SWIOTLB
def test_traffic_with_bounce_buffers(nic):
    """Every mapping is copied: a sync that is missing shows as wrong data."""
    for reverse in (False, True):
        nic.transfer(1 << 19, reverse=reverse)
        nic.transfer(1 << 18, nic.PEER6, reverse=reverse)
    nic.transfer(1 << 17, more="--how sendfile")


def test_many_ways_to_send(nic):
    for how in ("sendfile", "fragments"):
        nic.transfer(1 << 18, more=f"--how {how}")
        nic.transfer(1 << 18, nic.PEER6, more=f"--how {how}")
    nic.transfer(300, more="--how tiny")
