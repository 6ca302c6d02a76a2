# SPDX-License-Identifier: GPL-2.0
"""The device model: when descriptors are fetched and written back, and what says so.

Both directions have the same thresholds and timers; what is said of one holds for the other.
"""

import time

import packets as p
import pytest
from client import (CTRL, CTRL_EXT, EIAC, EOP, IAM, ICR, IDE, IFCS, IMS, IVAR, MAC, MRQC, PEER,
                    RADV, RDTR, RETA, RS, STATUS, TADV, RxRing, TxRing, wait_until)

TO_PEER = PEER + MAC + b"\x88\xb5" + bytes(range(86))
TO_US = MAC + PEER + TO_PEER[12:]
GRAN, RSVD22 = 1 << 24, 1 << 22
RCTL, RXDMT0, TXQ0 = 0x100, 1 << 4, 1 << 22
LONG = 0xFFFF           # 67 ms: longer than what a test waits for


def ticks(ms):
    return int(ms * 1000 / 1.024)


class Sender:
    """Frames out; the device's reports of them come late where IDE asks for it."""

    def __init__(self, host, threshold, gran, delay, absolute=0):
        self.host, self.ring = host, TxRing(host, count=64, tidv=delay)
        host.wr(TADV, absolute)
        for n in (0, 1):
            host.wr(0x3828 + 0x100 * n, 31 | threshold << 16 | RSVD22 | (GRAN if gran else 0))
        self.slots, self.sent = [], 0

    def frame(self):
        self.slots.append(self.ring.frame(TO_PEER, EOP | IFCS | RS | IDE))
        self.ring.ring()
        assert self.host.frame_out() == TO_PEER
        self.sent += 1
        wait_until(lambda: self.host.stats()["sent"] == self.sent)

    def written(self):
        return self.ring.done(self.slots[-1])


class Receiver:
    def __init__(self, host, threshold, gran, delay, absolute=0):
        self.host = host
        self.ring = RxRing(host, count=64, rdtr=delay,
                           rxdctl=threshold << 16 | (GRAN if gran else 0))
        host.wr(RADV, absolute)
        self.came = 0

    def frame(self):
        self.host.frame_in(TO_US)
        self.came += 1
        wait_until(lambda: self.host.stats()["received"] == self.came)

    def written(self):
        return self.host.get(self.ring.at + 16 * (self.came - 1) + 8, 1)[0] & 1


BOTH = pytest.mark.parametrize("end", [Sender, Receiver])

# Milliseconds: RDTR or TIDV, RADV or TADV, when the frames come; when the last is reported.
DELAYS = {
    "after the last": (30, 0, (0,), 30), "from each anew": (30, 0, (0, 15), 45),
    "absolute": (60, 20, (0,), 20), "absolute, from the first": (60, 30, (0, 15), 30),
    "absolute, a stream": (25, 45, (0, 15, 30), 45),
}


@BOTH
@pytest.mark.parametrize("delay,absolute,frames,want", DELAYS.values(), ids=DELAYS)
def test_delay(hosts, end, delay, absolute, frames, want):
    took = []
    # A busy machine is late, but not each time.
    while not any(want - 1 < x < want + 10 for x in took) and len(took) < 20:
        host = hosts()
        host.link_up()
        # No threshold for a sender: IDE does nothing else with one.
        ring = end(host, 0 if end is Sender else 32, True, ticks(delay), ticks(absolute))
        begun = time.monotonic()
        for at in frames:
            wait_until(lambda at=at: time.monotonic() >= begun + at / 1000)
            ring.frame()
        wait_until(ring.written)
        took.append((time.monotonic() - begun) * 1000)
    assert any(want - 1 < x < want + 10 for x in took), took


# GRAN clear counts in units of 256 octets: 16 descriptors.
@BOTH
@pytest.mark.parametrize("threshold,gran,count", [(4, True, 4), (1, False, 16), (1, True, 1)])
def test_threshold(hosts, end, threshold, gran, count):
    after = []
    while count not in after and len(after) < 5:    # the timer may have been first
        host = hosts()
        host.link_up()
        ring = end(host, threshold, gran, LONG)
        for i in range(20):
            ring.frame()
            host.rd(STATUS)
            if ring.written():
                after.append(i + 1)
                break
    assert count in after


def test_receive_threshold_needs_the_timer(host):
    ring = Receiver(host, 4, True, 0)
    ring.frame()
    host.rd(STATUS)
    assert ring.written()


@pytest.mark.parametrize("queue", [0, 1])
def test_forced_flush_of_receive(hosts, queue):
    """Of both queues, and by bit 31 alone."""
    tries = 5                                       # as above
    while not flushed(hosts(), queue) and tries:
        tries -= 1
    assert tries


def flushed(host, queue):
    host.link_up()
    for i in range(32):
        host.wr(RETA + 4 * i, 0x80808080 * queue)
    rings = [RxRing(host, q, rdtr=LONG, rxdctl=GRAN | 32 << 16) for q in (0, 1)]
    host.wr(MRQC, 1 | 1 << 16)
    host.frame_in(p.ether(p.ip4(p.tcp())))
    wait_until(lambda: host.stats()["received"] == 1)
    host.wr(RDTR, LONG)
    host.rd(STATUS)
    before = rings[queue].empty()
    host.wr(RDTR, 1 << 31 | LONG)
    host.rd(STATUS)
    assert rings[queue].empty()         # the first is missed
    host.wr(RDTR, 1 << 31 | LONG)
    assert host.rd(RDTR) == LONG
    return before and not rings[queue].empty()


def test_rxdctl_0_sets_both(host):
    host.wr(0x2828, GRAN | 0x0404)
    assert host.rd(0x2928) == GRAN | 0x0404
    host.wr(0x2928, GRAN)
    assert host.rd(0x2828) == GRAN | 0x0404


@pytest.mark.parametrize("rs,every,comes", [(True, False, True), (False, False, False),
                                            (False, True, True)])
def test_interrupt_of_a_report(host, rs, every, comes):
    """Who has asked for it by RS; all, by IVAR.31."""
    host.rd(ICR)
    host.interrupts()
    host.wr(IVAR, 0xA << 8 | (1 << 31 if every else 0))
    host.set(CTRL_EXT, 1 << 24)
    host.wr(IAM, 0xFFFFFFFF)
    host.wr(EIAC, 0x00F00000)
    tx = TxRing(host)
    slot = tx.frame(TO_PEER, EOP | IFCS | (RS if rs else 0))
    host.wr(IMS, TXQ0)
    tx.ring()
    tx.wait(slot)
    host.rd(STATUS)
    assert bool(host.taken(2, 0.02)) == comes


# --- prefetch: what TDH says, while the wire stands still ---

# GRAN, PTHRESH, HTHRESH, descriptors that come after the first 64, how many of these are fetched.
PREFETCH = {
    "many in the chip": (True, 31, 1, 10, 0), "few enough": (True, 63, 1, 1, 1),
    "too few to be had": (True, 63, 4, 3, 0), "enough to be had": (True, 63, 4, 4, 4),
    "in units, too few": (False, 63, 1, 12, 0), "in units, enough": (False, 63, 1, 16, None),
    "in units, many": (False, 2, 0, 10, 0), "in units, few": (False, 4, 0, 1, 1),
}


@pytest.mark.parametrize("gran,pthresh,hthresh,more,fetched", PREFETCH.values(), ids=PREFETCH)
def test_prefetch(hosts, gran, pthresh, hthresh, more, fetched):
    host = hosts("--speed", "10")
    host.link_up()
    host.set(CTRL, 1 << 27)
    tx = TxRing(host, count=128)
    for n in (0, 1):
        host.wr(0x3828 + 0x100 * n, pthresh | hthresh << 8 | 1 << 16 | RSVD22
                | (GRAN if gran else 0))
    host.wr(RCTL, 2)
    host.command("pause 0xffff")        # for 3.3 s
    # The packet buffer of 20 KiB takes some: 50 or so stay descriptors.
    for _ in range(64):
        tx.frame(TO_PEER * 15)
    tx.ring()
    wait_until(lambda: host.rd(tx.reg + 0x10) == 64)
    time.sleep(0.02)
    for _ in range(more):
        tx.frame(TO_PEER * 15)
    tx.ring()
    if fetched == 0:
        time.sleep(0.02)
        assert host.rd(tx.reg + 0x10) == 64
    elif fetched:
        wait_until(lambda: host.rd(tx.reg + 0x10) == 64 + fetched, 1)
    else:                               # as many as there is room for
        wait_until(lambda: host.rd(tx.reg + 0x10) > 64 + 8, 1)


def test_last_descriptor_is_fetched_whatever_hthresh_says(host):
    tx = TxRing(host)
    for n in (0, 1):
        host.wr(0x3828 + 0x100 * n, 31 | 8 << 8 | 1 << 16 | RSVD22 | GRAN)
    tx.frame(TO_PEER)
    tx.ring()
    assert host.frame_out(1) == TO_PEER


@pytest.mark.parametrize("rdmts,left", [(0, 32), (1, 16), (2, 8)])
def test_ring_runs_low(host, rdmts, left):
    """RXDMT0: once, when half, a quarter, an eighth of the ring is left."""
    rx = RxRing(host, count=64, rctl=rdmts << 8)
    host.rd(ICR)
    low = []
    for n in range(62, 0, -1):
        host.frame_in(TO_US)
        rx.wait()
        host.rd(STATUS)
        if host.rd(ICR) & RXDMT0:
            low.append(n)
    assert len(low) == 1 and left - 1 <= low[0] <= left
