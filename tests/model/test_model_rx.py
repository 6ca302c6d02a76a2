# SPDX-License-Identifier: GPL-2.0
"""The device model: receive."""

import struct
import time

import packets as p
import pytest
from client import (CRCERRS, CTRL, FCRTH, FCRTL, FCTTV, GORCL, GPRC, MAC, MPC, MRQC, PBA,
                    PEER, RCTL, RETA, RFCTL, RNBC, ROC, RSSRK, RUC, RXCSUM, STATUS, XOFFTXC,
                    XONTXC, RxRing, fill_buffer, wait_until)

RFC, RJC = 0x40A8, 0x40B0
BODY = bytes(range(80))
FRAME = MAC + PEER + b"\x88\xb5" + BODY
DD, EOP, RX_IXSM, _, UDPCS, TCPCS, IPCS = (1 << x for x in range(7))
TCPE, IPE = 1 << 29, 1 << 30


def test_frame_arrives(host):
    rx = RxRing(host)
    host.frame_in(FRAME)
    data, status, fields = rx.wait()
    assert data == FRAME and status & (DD | EOP) == DD | EOP
    assert fields == {"type": 0, "queue": 0, "hash": 0, "vlan": 0}
    assert host.rd(GPRC) == 1
    assert not host.offences()


def test_ring_goes_round(host):
    rx = RxRing(host)
    for i in range(150):
        host.frame_in(FRAME + bytes([i]))
        slot = rx.next
        assert rx.wait()[0] == FRAME + bytes([i])
        rx.give(slot)
        host.wr(rx.reg + 0x18, slot)
    assert not host.offences()


def test_frame_over_several_buffers(host):
    rx = RxRing(host, rctl=1 << 5)
    frame = FRAME * 40
    host.frame_in(frame)
    got = b""
    while True:
        data, status, _ = rx.wait()
        got += data
        if status & EOP:
            break
    assert got == frame


# --- sizes ---

GROUP = bytes.fromhex("01005e000001")
ALL = b"\xff" * 6


# RCTL.BSIZE 17:16, BSEX 25.
BUFFERS = {"2048": (0, 0), "1024": (1, 0), "512": (2, 0), "256": (3, 0), "16384": (1, 1),
           "8192": (2, 1), "4096": (3, 1)}


@pytest.mark.parametrize("size", BUFFERS)
def test_buffers_are_as_large_as_rctl_says(host, size):
    bsize, bsex = BUFFERS[size]
    rx = RxRing(host, count=64, rctl=1 << 5 | bsize << 16 | bsex << 25)
    host.frame_in(FRAME + bytes(9000 - len(FRAME)))
    left, size = 9000, int(size)
    while left:
        data, status, _ = rx.wait()
        assert len(data) == min(size, left)
        left -= len(data)
        assert bool(status & EOP) == (not left)


@pytest.mark.parametrize("size,lpe,arrives", [(1518, False, True), (1519, False, False),
                                              (9230, True, True), (9231, True, False)])
def test_size(host, size, lpe, arrives):
    rx = RxRing(host, rctl=1 << 5 if lpe else 0)
    host.frame_in(FRAME + bytes(size - len(FRAME)))
    if arrives:
        assert rx.wait()[1] & DD
    else:
        wait_until(lambda: host.rd(ROC))
        assert rx.empty()


def test_short_frames_are_padded_by_the_partner(host):
    rx = RxRing(host)
    host.frame_in(FRAME[:42])
    assert rx.wait()[0] == FRAME[:42] + bytes(18)


@pytest.mark.parametrize("kind,register", [("crc", CRCERRS), ("align", 0x4004), ("symbol", 0x400C)])
@pytest.mark.parametrize("sbp", [False, True])
def test_damage(host, kind, register, sbp):
    rx = RxRing(host, rctl=1 << 2 if sbp else 0)
    host.command(f"damage {kind} 1")
    host.frame_in(FRAME)
    wait_until(lambda: host.rd(register) == 1)
    if sbp:
        assert rx.wait()[1] >> 24
    else:
        assert rx.empty()
        assert host.rd(GPRC) == 0


# By size first: what has a bad CRC as well is a fragment, or jabber.
SIZES = {"runt": RUC, "fragment": RFC, "oversize": ROC, "jabber": RJC}


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("sbp", [False, True])
def test_frames_of_a_wrong_size(host, kind, sbp):
    rx = RxRing(host, rctl=1 << 5 | (1 << 2 if sbp else 0))
    host.command(f"damage {kind} 1")
    host.frame_in(FRAME)
    wait_until(lambda: host.rd(SIZES[kind]) == 1)
    assert not any(host.rd(r) for k, r in SIZES.items() if k != kind)
    assert (host.rd(CRCERRS), host.rd(0x4040)) == (0, 0)
    if sbp:
        while not (status := rx.wait()[1]) & EOP:
            pass
        assert bool(status >> 24) == (kind in ("fragment", "jabber"))
        assert host.rd(GPRC) == 0
    else:
        assert rx.empty() and host.rd(GPRC) == 0


# Octets with FCS: RUC and the like are of frames that are no good; here each has its counter.
BUCKETS = [(60, 0), (61, 1), (123, 1), (124, 2), (251, 2), (252, 3), (507, 3), (508, 4),
           (1019, 4), (1020, 5), (1514, 5)]


@pytest.mark.parametrize("errata", ["rlec", "no-rlec"])
def test_counters_of_good_frames(host, errata):
    """By size, in octets with FCS; RLEC counts them too, which it should not."""
    host.command(f"errata {errata}")
    rx = RxRing(host)
    want = [0] * 6
    for size, bucket in BUCKETS:
        host.frame_in((FRAME * 17)[:size])
        rx.wait()
        want[bucket] += 1
    for dst in (ALL, GROUP):
        host.set(RCTL, 1 << 4)
        host.frame_in(dst + FRAME[6:60])
        rx.wait()
        want[0] += 1
    total = sum(x[0] + 4 for x in BUCKETS) + 2 * 64
    assert [host.rd(0x405C + 4 * i) for i in range(6)] == want
    assert (host.rd(GPRC), host.rd(GORCL), host.rd(0x40C0)) == (13, total, total)
    assert (host.rd(0x4078), host.rd(0x407C)) == (1, 1)
    assert host.rd(0x4040) == (13 if errata == "rlec" else 0)


def test_fcs_is_kept_without_secrc(host):
    import zlib
    rx = RxRing(host, start=False)
    host.wr(RCTL, 2 | 1 << 15)
    host.wr(rx.reg + 0x18, 4)
    host.frame_in(FRAME)
    assert rx.wait()[0] == FRAME + struct.pack("<I", zlib.crc32(FRAME))


# --- checksums ---

SUMS = [
    ("tcp4", p.with_l4_sum(p.ip4(p.tcp(b"abcde")), 6), 0x0800, IPCS | TCPCS),
    ("udp4", p.with_l4_sum(p.ip4(p.udp(b"abcde"), 17), 17), 0x0800, IPCS | UDPCS),
    ("tcp6", p.with_l4_sum(p.ip6(p.tcp(b"abcde")), 6), 0x86DD, TCPCS),
    ("udp6", p.with_l4_sum(p.ip6(p.udp(b"abcd"), 17), 17), 0x86DD, UDPCS),
    ("bad tcp", p.with_l4_sum(p.ip4(p.tcp(b"abcde")), 6, False), 0x0800, IPCS | TCPCS | TCPE),
    ("bad udp", p.with_l4_sum(p.ip6(p.udp(b"abcd"), 17), 17, False), 0x86DD, UDPCS | TCPE),
    ("bad ip", p.with_l4_sum(p.ip4(p.tcp(b"x"), good=False), 6), 0x0800, IPCS | TCPCS | IPE),
    ("no udp sum", p.ip4(p.udp(b"abcde"), 17), 0x0800, IPCS),
    ("fragment", p.ip4(p.tcp(b"abcde"), frag=0x2000), 0x0800, IPCS),
    ("icmp", p.ip4(bytes(20), 1), 0x0800, IPCS),
    ("arp", bytes(28), 0x0806, RX_IXSM),
    ("icmp6", p.ip6(bytes(20), 58), 0x86DD, RX_IXSM),
]


@pytest.mark.parametrize("ip,kind,status", [x[1:] for x in SUMS], ids=[x[0] for x in SUMS])
def test_checksum_status(host, ip, kind, status):
    rx = RxRing(host)
    host.frame_in(p.ether(ip, kind=kind))
    assert rx.wait()[1] & (RX_IXSM | IPCS | TCPCS | UDPCS | TCPE | IPE) == status


# RXCSUM: IPOFL 8, TUOFL 9.
@pytest.mark.parametrize("rxcsum,status", [(0, RX_IXSM), (1 << 8, IPCS), (1 << 9, TCPCS)])
def test_checksum_that_is_not_asked_for(host, rxcsum, status):
    rx = RxRing(host)
    host.wr(RXCSUM, rxcsum)
    host.frame_in(p.ether(SUMS[0][1]))
    assert rx.wait()[1] & (RX_IXSM | IPCS | TCPCS | UDPCS | TCPE | IPE) == status


# --- RSS: the verification suite of Microsoft's specification ---

KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c"
                    "6a42b73bbeac01fa")
VECTORS = [
    ("v4", "66.9.149.187", "161.142.100.80", 2794, 1766, 0x323E8FC2, 0x51CCC178),
    ("v4", "199.92.111.2", "65.69.140.83", 14230, 4739, 0xD718262A, 0xC626B0EA),
    ("v6", "3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766, 0x2CC18CD5, 0x40207D3D),
    ("v6", "3ffe:1900:4545:3:200:f8ff:fe21:67cf", "fe80::200:f8ff:fe21:67cf", 44251, 38024,
     0x4B61E985 ^ 0x0, 0xDDE51BBF ^ 0x0),
]


@pytest.mark.parametrize("kind,src,dst,sport,dport,l3,l4", VECTORS[:3])
@pytest.mark.parametrize("proto", [6, 17])
def test_rss(host, kind, src, dst, sport, dport, l3, l4, proto):
    for i in range(10):
        host.wr(RSSRK + 4 * i, struct.unpack("<I", KEY[4 * i:4 * i + 4])[0])
    want = l4 if proto == 6 else l3
    host.wr(RETA + 4 * ((want & 0x7F) // 4), 0x80 << 8 * (want & 3))
    host.wr(MRQC, 1 | 0x1F << 16)
    RxRing(host, 0)
    rx = RxRing(host, 1)
    body = p.tcp(sport=sport, dport=dport) if proto == 6 else p.udp(sport=sport, dport=dport)
    ip = p.ip4(body, proto, src, dst) if kind == "v4" else p.ip6(body, proto, src, dst)
    host.frame_in(p.ether(ip, kind=0x0800 if kind == "v4" else 0x86DD))
    _, _, fields = rx.wait()
    types = {("v4", 6): 1, ("v4", 17): 2, ("v6", 6): 3, ("v6", 17): 5}
    assert (fields["hash"], fields["queue"], fields["type"]) == (want, 1, types[kind, proto])


def steer(host, table, mrqc):
    """A key, a redirection table of 128, and both rings."""
    for i in range(10):
        host.wr(RSSRK + 4 * i, struct.unpack("<I", KEY[4 * i:4 * i + 4])[0])
    for i in range(32):
        host.wr(RETA + 4 * i, int.from_bytes(bytes(table[4 * i:4 * i + 4]), "little"))
    rings = [RxRing(host, q, count=128) for q in (0, 1)]
    host.wr(MRQC, mrqc)
    return rings


def test_redirection_table(host):
    """Entry by the hash's seven low bits, queue by the entry's bit 7."""
    table = [0x80 * (i * i % 7 in (1, 4)) | (i * 37 & 0x7F) for i in range(128)]
    rings = steer(host, table, 1 | 1 << 16)
    seen = set()
    for sport in range(100):
        host.frame_in(p.ether(p.ip4(p.tcp(sport=sport))))
        wait_until(lambda: not all(r.empty() for r in rings), 1)
        queue = int(rings[0].empty())
        _, _, fields = rings[queue].wait()
        assert queue == fields["queue"] == table[fields["hash"] & 0x7F] >> 7
        seen.add(fields["hash"] & 0x7F)
    assert len(seen) > 50


UDP4 = p.ip4(p.udp(), 17)
TCP4 = p.ip4(p.tcp())
TCP6, UDP6 = p.ip6(p.tcp()), p.ip6(p.udp(), 17)
ANY = 0x1F << 16
# MRQC, an entry of the table, what comes: queue, type.
STEERED = {
    "on": (1 | ANY, 0x80, TCP4, 1, 1), "other bits of the entry": (1 | ANY, 0x7F, TCP4, 0, 1),
    "off": (ANY, 0x80, TCP4, 0, 1), "another mode": (3 | ANY, 0x80, TCP4, 0, 1),
    "no hash of its kind": (1 | 1 << 16, 0x80, UDP4, 0, 0),
    "not an address": (1 | ANY, 0x80, None, 0, 0),
    "addresses for want of ports": (1 | 1 << 17, 0x80, TCP4, 1, 2),
    "ports alone": (1 | 1 << 16, 0x80, TCP4, 1, 1),
    "a fragment": (1 | ANY, 0x80, p.ip4(p.tcp(), frag=0x2000), 1, 2),
    "ports of v6": (1 | 1 << 18, 0x80, TCP6, 1, 3),
    "v6 not asked for": (1 | 3 << 16, 0x80, TCP6, 0, 0),
    "addresses of v6": (1 | 1 << 20, 0x80, UDP6, 1, 5),
    "v4 not asked for": (1 | 1 << 20, 0x80, UDP4, 0, 0),
}


@pytest.mark.parametrize("mrqc,entry,ip,queue,kind", STEERED.values(), ids=STEERED)
def test_which_queue(host, mrqc, entry, ip, queue, kind):
    rings = steer(host, [entry] * 128, mrqc)
    v6 = ip is not None and ip[0] >> 4 == 6
    host.frame_in(p.ether(ip, kind=0x86DD if v6 else 0x0800) if ip else FRAME)
    _, _, fields = rings[queue].wait(1)
    assert rings[1 - queue].empty()
    assert (fields["queue"], fields["type"]) == (queue, kind)


# --- overrun ---


def test_overrun_drops_and_counts(host):
    """A full ring, a full buffer: counted the same by device and wire, and nobody waits."""
    rx = RxRing(host, count=64, buffers=4)
    for i in range(100):
        host.frame_in(FRAME + bytes(900) + bytes([i]))
    wait_until(lambda: host.stats()["received"] == 100)
    stats = host.stats()
    lost, kept = host.rd(MPC), host.rd(GPRC)
    assert (lost, lost + kept) == (stats["overrun"], 100)
    assert host.rd(RNBC) == kept - 4        # all that had to wait, not the first alone
    assert 4 < kept <= 4 + 20 * 1024 // 1000 + 1
    host.wr(rx.reg + 0x18, 63)
    assert [rx.wait()[0][-1] for _ in range(kept)] == list(range(kept))


def test_pause_instead_of_loss(host):
    host.wr(FCTTV, 0xFFFF)
    host.wr(FCRTH, 8 * 1024)
    host.wr(FCRTL, 4 * 1024 | 1 << 31)
    host.set(CTRL, 1 << 28)
    rx = RxRing(host, count=128, buffers=4)
    for i in range(60):
        host.frame_in(FRAME + bytes(900) + bytes([i]))
    wait_until(lambda: host.rd(XOFFTXC))
    time.sleep(0.02)
    assert host.stats()["received"] < 20
    host.wr(rx.reg + 0x18, 127)
    assert [rx.wait()[0][-1] for _ in range(60)] == list(range(60))
    assert host.rd(MPC) == 0 and host.rd(XONTXC) >= 1


def test_head_is_where_the_next_frame_goes(host):
    """Not where descriptors are fetched: the device owns from the head up to the tail."""
    rx = RxRing(host, count=64)
    for i in range(3):
        assert host.rd(rx.reg + 0x10) == i
        host.frame_in(FRAME)
        rx.wait()


# CTRL.TFCE, FCRTH, FCRTL: is there an XOFF, and an XON.
THRESHOLDS = {
    "on": (True, 8192, 4096 | 1 << 31, True, True),
    "off": (False, 8192, 4096 | 1 << 31, False, False),
    "no threshold": (True, 0, 0, False, False), "without XON": (True, 8192, 4096, True, False),
}


@pytest.mark.parametrize("tfce,high,low,xoff,xon", THRESHOLDS.values(), ids=THRESHOLDS)
def test_pause_thresholds(host, tfce, high, low, xoff, xon):
    """XOFF when the buffer holds FCRTH, XON when no more than FCRTL is left."""
    host.wr(FCTTV, 0xFFFF)
    host.wr(FCRTH, high)
    host.wr(FCRTL, low)
    host.set(CTRL, 1 << 28 if tfce else 0)
    rx = RxRing(host, count=128, buffers=0)

    def come(n):
        for _ in range(n):
            host.frame_in((FRAME * 11)[:1024])

    come(7)
    wait_until(lambda: host.stats()["rx_buffered"] == 7)
    assert host.rd(XOFFTXC) == 0
    come(2)                     # the last may have to wait
    wait_until(lambda: host.stats()["rx_buffered"] >= (8 if xoff else 9))
    assert bool(host.rd(XOFFTXC)) == bool(host.stats()["pauses"]) == xoff
    held = host.stats()["rx_buffered"]
    host.wr(rx.reg + 0x18, held - 5)
    wait_until(lambda: host.stats()["rx_buffered"] <= 5 + (not xoff))
    assert host.rd(XONTXC) == 0
    host.wr(rx.reg + 0x18, held - 2)
    rx.next = held - 3
    rx.wait()
    assert host.rd(XONTXC) == xon


def test_pause_needs_a_link(host):
    """Without one none is sent or counted, and with the link it is made up for."""
    host.wr(FCTTV, 0x100)
    host.wr(FCRTL, 2048 | 1 << 31)
    host.set(CTRL, 1 << 28)
    rx = fill_buffer(host, 8)
    wait_until(lambda: host.stats()["received"] == 8)
    host.command("link down")
    host.wr(FCRTH, 4096)
    host.set(CTRL, 1 << 28)             # looks at the thresholds
    time.sleep(0.01)                    # some pauses long
    assert (host.rd(XOFFTXC), host.stats()["pauses"]) == (0, 0)
    host.command("link up")
    wait_until(lambda: host.rd(XOFFTXC))
    host.command("link down")
    host.rd(XOFFTXC)
    host.wr(rx.reg + 0x18, 63)
    for _ in range(8):
        rx.wait()
    assert host.rd(XONTXC) == 0


@pytest.mark.parametrize("reg,off", [(CTRL, 0), (FCRTH, 0)], ids=["TFCE", "FCRTH"])
def test_pause_that_is_switched_off(host, reg, off):
    """The partner is told no more, and goes on when the last pause has run out."""
    host.wr(FCTTV, 0x100)
    host.wr(FCRTH, 4096)
    host.wr(FCRTL, 2048)
    on = host.rd(CTRL)
    host.wr(CTRL, on | 1 << 28)
    fill_buffer(host, 8)
    wait_until(lambda: host.stats()["pauses"] > 3)
    host.wr(reg, on if reg == CTRL else off)
    wait_until(lambda: host.stats()["received"] == 8)
    host.rd(XOFFTXC)
    time.sleep(0.02)
    assert host.rd(XOFFTXC) == 0


def test_pause_of_no_time_is_sent_once(host):
    host.wr(FCTTV, 0)
    host.wr(FCRTH, 4096)
    host.wr(FCRTL, 2048)
    host.set(CTRL, 1 << 28)
    fill_buffer(host, 8)
    wait_until(lambda: host.stats()["received"] == 8)
    assert host.rd(XOFFTXC) == 1


@pytest.mark.parametrize("quanta,long", [(0xFFFF, True), (0x400, False)])
def test_pause_that_nothing_ends(hosts, quanta, long):
    """Without XON the partner waits as long as FCTTV says: in units of 512 bit times."""
    host = hosts("--speed", "100")
    host.link_up()
    host.wr(FCTTV, quanta)
    host.wr(FCRTH, 4096)
    host.wr(FCRTL, 2048)
    host.set(CTRL, 1 << 28)
    rx = fill_buffer(host, 8)
    wait_until(lambda: host.rd(XOFFTXC))
    # It is told again and again; nothing is lost.
    if not long:
        wait_until(lambda: host.stats()["pauses"] > 3)
        time.sleep(0.03)
    assert host.stats()["received"] < 6
    begun = time.monotonic()
    host.wr(rx.reg + 0x18, 63)
    for _ in range(8):
        rx.wait()
    assert (time.monotonic() - begun > 0.15) == long        # 336 and 5 ms
    assert host.rd(MPC) == 0


# PMCF hands them up, DPF does not, whatever PMCF says.
@pytest.mark.parametrize("rctl,comes", [(0, False), (1 << 23, True), (1 << 23 | 1 << 22, False)])
def test_pause_frames_handed_up(host, rctl, comes):
    rx = RxRing(host, rctl=1 << 4 | rctl)
    host.command("pause 1")
    host.frame_in(FRAME)
    assert (rx.wait()[0][12:16] == b"\x88\x08\0\1") == comes


@pytest.mark.parametrize("pmcf", [False, True])
def test_control_frames_of_another_kind(host, pmcf):
    """FCRUC; they stop nobody."""
    rx = RxRing(host, rctl=1 << 4 | (1 << 23 if pmcf else 0))
    host.set(CTRL, 1 << 27)
    other = bytes.fromhex("0180c2000001") + PEER + b"\x88\x08\0\2\xff\xff" + bytes(42)
    host.frame_in(other)
    host.frame_in(FRAME)
    assert rx.wait()[0] == (other if pmcf else FRAME)
    assert (host.rd(0x4058), host.rd(0x4050)) == (1, 0)
    assert not host.rd(STATUS) & 0x10


def test_partner_without_pause_overruns(hosts):
    host = hosts("--no-pause")
    host.link_up()
    host.wr(FCTTV, 0xFFFF)
    host.wr(FCRTH, 8 * 1024)
    host.set(CTRL, 1 << 28)
    RxRing(host, count=128, buffers=4)
    for _ in range(100):
        host.frame_in(FRAME + bytes(900))
    wait_until(lambda: host.stats()["received"] == 100)
    assert host.rd(MPC) > 0


def test_packet_buffer_is_as_large_as_pba_says(host):
    host.wr(PBA, 32)                    # from the next reset on
    host.reset()
    host.link_up()
    RxRing(host, buffers=0)
    for _ in range(60):
        host.frame_in(FRAME + bytes(930))
    wait_until(lambda: host.stats()["received"] == 60)
    assert host.stats()["rx_buffered"] == 32 * 1024 // (1024 + 16)


# --- the receiver must not be switched off ---


def test_receiver_switched_off_without_the_erratum(hosts):
    host = hosts("--errata", "no-rx-disable")
    host.link_up()
    rx = RxRing(host)
    host.wr(RCTL, 0)
    host.wr(RCTL, 2 | 1 << 15 | 1 << 26)
    host.frame_in(FRAME)
    assert rx.wait()[0] == FRAME and host.offences() == {"rctl-en"}


@pytest.mark.parametrize("reset", [False, True])
def test_receiver_switched_off(host, reset):
    rx = RxRing(host)
    if reset:
        host.set(CTRL, 4)       # DMA ends first
    host.wr(RCTL, 0)
    assert host.offences() == (set() if reset else {"rctl-en"})
    if reset:
        host.reset()
        host.link_up()
        rx = RxRing(host)
    else:
        host.wr(RCTL, 2 | 1 << 15 | 1 << 26)
    host.frame_in(FRAME)
    if reset:
        assert rx.wait()[0] == FRAME
        assert not host.offences()
    else:
        wait_until(lambda: host.stats()["lost"] == 1)
        assert rx.empty() and host.offences() == {"rctl-en"}


# --- write-back ---


def test_threshold_gathers_until_the_timer(host):
    rx = RxRing(host, rdtr=20000, rxdctl=1 << 24 | 4 << 16)
    for _ in range(3):
        host.frame_in(FRAME)
    wait_until(lambda: host.stats()["received"] == 3)
    assert rx.empty()
    rx.wait(1)
    for _ in range(2):
        rx.wait()
    for _ in range(4):
        host.frame_in(FRAME)
    for _ in range(4):
        rx.wait(0.5)


def test_legacy_descriptors(host):
    rx = RxRing(host, start=False)
    host.wr(RFCTL, 0)
    host.wr(RCTL, 2 | 1 << 15 | 1 << 26)
    host.wr(rx.reg + 0x18, 4)
    host.frame_in(p.ether(p.with_l4_sum(p.ip4(p.tcp(b"x")), 6, False)))
    wait_until(lambda: host.get(rx.at + 12, 1)[0] & 1)
    addr, length, _, status, errors, _ = struct.unpack("<QHHBBH", host.get(rx.at, 16))
    assert (addr, length, status & 0x63, errors) == (rx.buf[0], 60, 0x63, 0x20)


def test_packet_split_descriptors(host):
    at, buf = host.alloc(64 * 32), [host.alloc(4096, 4096) for _ in range(4)]
    host.put(at, struct.pack("<4Q", *buf))
    for offset, value in ((0, at), (4, 0), (8, 64 * 32), (0x10, 0), (0x18, 0)):
        host.wr(0x2800 + offset, value)
    host.wr(0x2170, 2 | 4 << 8 | 4 << 16 | 4 << 24)
    host.wr(RFCTL, 1 << 15 | 1 << 12)
    host.wr(RCTL, 2 | 1 << 15 | 1 << 26 | 1 << 5 | 1 << 10)
    host.wr(0x2818, 2)
    frame = FRAME * 80
    host.frame_in(frame)
    wait_until(lambda: host.get(at + 8, 1)[0] & 1)
    parts = struct.unpack("<8xIHH4H", host.get(at, 24))
    assert parts[1] == 0 and sum(parts[4:]) == len(frame)
    got = b"".join(host.get(b, n) for b, n in zip(buf[1:], parts[4:]))
    assert got == frame
