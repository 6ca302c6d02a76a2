# SPDX-License-Identifier: GPL-2.0
"""The device model: the clock, and time stamps of frames."""

import struct
import time

import packets as p
import pytest
from client import EOP, IFCS, IXSM, MAC, PEER, RS, TSE, TXSM, RxRing, TxRing, wait_until

SYSTIML, TIMINCA = 0xB600, 0xB608
TSYNCTXCTL, TXSTMPL, TSYNCRXCTL, RXSTMPL, RXMTRL, RXUDP = (
    0xB614, 0xB618, 0xB620, 0xB624, 0xB634, 0xB638)
VALID, EN, TST, TSTAMP = 1, 0x10, 1 << 8, 1 << 4
L2_V2, L4_V1, L2_L4_V2, ALL, EVENT_V2 = 0, 1, 2, 4, 5
NS = 1 << 18

FRAME = PEER + MAC + b"\x88\xb5" + bytes(range(86))


def pair(host, low):
    first = host.rd(low)
    return host.rd(low + 4) << 32 | first


def start(host, errata="no-systim"):
    host.command(f"errata {errata}")
    host.wr(TIMINCA, 0x01A00000)


def test_clock_counts_nanoseconds(host):
    start(host)
    times = [time.monotonic_ns()]
    first = pair(host, SYSTIML)
    times.append(time.monotonic_ns())
    time.sleep(0.2)
    times.append(time.monotonic_ns())
    ns = (pair(host, SYSTIML) - first) // NS
    times.append(time.monotonic_ns())
    assert times[2] - times[1] - 80 <= ns <= times[3] - times[0] + 80
    steps = {(pair(host, SYSTIML) - first) % (40 * NS) for _ in range(50)}
    assert steps == {0}


def test_low_half_latches_the_high_one(host):
    start(host)
    values = [pair(host, SYSTIML) for _ in range(300)]      # wraps each 16 us
    assert values == sorted(values)


def test_wrong_reads(host):
    start(host, "systim")
    values = [pair(host, SYSTIML) for _ in range(20)]
    assert sum(v >> 63 for v in values) == 4


def sent(host, tx, upper=TSTAMP):
    slot = tx.frame(FRAME, EOP | IFCS | RS, upper)
    tx.ring()
    host.frame_out()
    tx.wait(slot)


def test_transmit_stamp_and_its_latch(host):
    start(host)
    tx = TxRing(host)
    sent(host, tx)
    assert not host.rd(TSYNCTXCTL) & VALID      # not enabled
    host.wr(TSYNCTXCTL, EN)
    sent(host, tx, 0)
    assert host.rd(TSYNCTXCTL) == EN            # not asked for
    before = pair(host, SYSTIML)
    sent(host, tx)
    assert host.rd(TSYNCTXCTL) == EN | VALID
    sent(host, tx)                              # the latch is taken
    later = pair(host, SYSTIML)
    sent(host, tx)
    assert before < pair(host, TXSTMPL) < later
    assert host.rd(TSYNCTXCTL) == EN            # free again
    sent(host, tx)
    assert later < pair(host, TXSTMPL)
    assert not host.offences()


@pytest.mark.parametrize("each", [False, True])
def test_stamp_of_a_segmented_packet(host, each):
    """The first frame's, unless by a fault each frame may have the latch."""
    start(host)
    host.command("scale 100000")
    if each:
        host.command("fault stamp-each")
    host.wr(TSYNCTXCTL, EN)
    tx = TxRing(host)
    tx.tso_context(2000)
    tx.frame(p.ether(p.ip4(p.tcp(bytes(1996)))), IFCS | TSE, IXSM | TXSM | TSTAMP)
    tx.frame(bytes(4), EOP | IFCS | RS | TSE, IXSM | TXSM | TSTAMP)
    before = pair(host, SYSTIML)
    tx.ring()
    wait_until(lambda: host.rd(TSYNCTXCTL) & VALID)
    between = pair(host, SYSTIML)
    assert before < pair(host, TXSTMPL) < between
    host.frame_out()
    host.frame_out()
    assert host.rd(TSYNCTXCTL) == EN | (VALID if each else 0)
    assert pair(host, TXSTMPL) > between or not each
    assert not host.offences()


def message(kind, version=2, control=0):
    head = bytes([kind, version]) + bytes(30) + bytes([control]) + bytes(1)
    return (head + bytes(64))[:64]


def l2(kind, tag=None):
    return p.ether(message(kind), kind=0x88F7, tag=tag)


def l4(kind, port=319, **more):
    return p.ether(p.ip4(p.udp(message(kind, **more), dport=port), 17))


def l4v6(kind):
    return p.ether(p.ip6(p.udp(message(kind), dport=319), 17), kind=0x86DD)


SYNC, DELAY, PDELAY, FOLLOW, ANNOUNCE = 0, 1, 2, 8, 11
V1_SYNC, V1_DELAY = (l4(1, version=1, control=c) for c in (0, 1))

# TYPE, message in RXMTRL: what is stamped, and what is not
KINDS = {
    "l2 sync": (L2_V2, 0, [l2(SYNC), l2(SYNC, 5), l2(PDELAY)],
                [l2(DELAY), l2(FOLLOW), l4(SYNC), FRAME]),
    "v1 sync": (L4_V1, 0, [V1_SYNC], [V1_DELAY, l4(SYNC), l2(SYNC)]),
    "v1 delay": (L4_V1, 1 << 16, [V1_DELAY], [V1_SYNC]),
    "v2 sync": (L2_L4_V2, 0, [l2(SYNC), l4(SYNC), l4v6(SYNC)],
                [l2(DELAY), l4(DELAY), l4(SYNC, port=320), V1_SYNC, FRAME]),
    "v2 delay": (L2_L4_V2, 1 << 24, [l2(DELAY), l4(DELAY), l4v6(DELAY)], [l2(SYNC), l4(SYNC)]),
    "events": (EVENT_V2, 0, [l2(SYNC), l2(DELAY), l4(DELAY), l4v6(SYNC)],
               [l2(FOLLOW), l4(ANNOUNCE), FRAME]),
    "all": (ALL, 0, [FRAME, l2(ANNOUNCE), l4(SYNC)], []),
}


def arrives(host, rx, frame):
    """Is it stamped, and its descriptor marked?"""
    host.frame_in(MAC + frame[6:])
    _, status, _ = rx.wait()
    valid = host.rd(TSYNCRXCTL) & VALID
    assert bool(status & TST) == bool(valid)
    if valid:
        pair(host, RXSTMPL)
        assert not host.rd(TSYNCRXCTL) & VALID
    return bool(valid)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_stamped(host, name):
    kind, messages, yes, no = KINDS[name]
    start(host)
    rx = RxRing(host)
    host.wr(RXMTRL, 0x88F7 | messages)
    host.wr(RXUDP, 0x3F01)
    assert not arrives(host, rx, yes[0])
    host.wr(TSYNCRXCTL, EN | kind << 1)
    assert [arrives(host, rx, f) for f in yes] == [True] * len(yes)
    assert [arrives(host, rx, f) for f in no] == [False] * len(no)


def test_receive_latch_waits_until_it_is_read(host):
    start(host)
    rx = RxRing(host)
    host.wr(TSYNCRXCTL, EN | ALL << 1)
    for marked in (True, False, False):
        host.frame_in(MAC + FRAME[6:])
        assert bool(rx.wait()[1] & TST) == marked
    late = pair(host, SYSTIML)
    assert pair(host, RXSTMPL) < late
    host.frame_in(MAC + FRAME[6:])
    assert rx.wait()[1] & TST and pair(host, RXSTMPL) > late


def test_what_another_model_sent_arrives_a_cable_later(hosts, tmp_path):
    """However long it was on its way."""
    ends = [hosts("--times", f"{tmp_path}/times") for _ in range(2)]
    for host in ends:
        host.link_up()
        start(host)
    tx, rx = TxRing(ends[0]), RxRing(ends[1])
    ends[0].wr(TSYNCTXCTL, EN)
    ends[1].wr(TSYNCRXCTL, EN | ALL << 1)
    ends[1].rd(TSYNCRXCTL)      # its clock has begun
    frame = MAC + FRAME[6:]
    spans = []
    for wait in (0.001, 0.1, 0.001, 0.2):
        slot = tx.frame(frame, EOP | IFCS | RS, TSTAMP)
        tx.ring()
        assert ends[0].frame_out() == frame
        tx.wait(slot)
        time.sleep(wait)
        ends[1].frame_in(frame)
        assert rx.wait()[1] & TST
        spans.append((pair(ends[1], RXSTMPL) - pair(ends[0], TXSTMPL)) // NS)
    assert max(spans) - min(spans) <= 80, spans
    ends[1].frame_in(MAC + FRAME[6:] + b"another")     # of somebody who does not tell
    rx.wait()
    assert (pair(ends[1], RXSTMPL) - pair(ends[0], TXSTMPL)) // NS > spans[1] + 1_000


def test_faults(host):
    start(host)
    tx, rx = TxRing(host), RxRing(host)
    host.wr(TSYNCTXCTL, EN)
    host.wr(TSYNCRXCTL, EN | ALL << 1)
    host.command("fault no-stamp")
    sent(host, tx)
    assert not host.rd(TSYNCTXCTL) & VALID
    host.command("fault lost-stamp 1")
    host.frame_in(MAC + FRAME[6:])
    assert not rx.wait()[1] & TST
    wait_until(lambda: host.rd(TSYNCRXCTL) & VALID)


def test_stamps_of_a_reset_are_gone(host):
    start(host)
    host.wr(TSYNCTXCTL, EN)
    sent(host, TxRing(host))
    host.reset()
    assert host.rd(TSYNCTXCTL) == 0 and pair(host, SYSTIML) == 0
    assert struct.pack("<I", host.rd(RXUDP)) == b"\x01\x3f\0\0"
