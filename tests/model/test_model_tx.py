# SPDX-License-Identifier: GPL-2.0
"""The device model: transmit."""

import itertools
import struct
import time

import packets as p
import pytest
from client import (CTRL, DEXT, EOP, GPTC, IDE, IFCS, IXSM, LNKCTL, MAC, PEER, RS, STATUS, TCTL,
                    TIDV, TSE, TXSM, VLE, Host, RxRing, TxRing, wait_until)

FRAME = PEER + MAC + b"\x88\xb5" + bytes(range(86))


def test_frame_goes_out(host):
    tx = TxRing(host)
    slot = tx.frame(FRAME)
    tx.ring()
    assert host.frame_out() == FRAME
    tx.wait(slot)
    assert host.rd(tx.reg + 0x10) == 1
    assert (host.rd(GPTC), host.stats()["sent"]) == (1, 1)
    assert not host.offences()


def test_fragments(host):
    tx = TxRing(host)
    for part in (FRAME[:20], FRAME[20:21]):
        tx.frame(part, flags=IFCS)
    slot = tx.frame(FRAME[21:])
    tx.ring()
    assert host.frame_out() == FRAME
    tx.wait(slot)


@pytest.mark.parametrize("size", [17, 42, 59, 60, 61, 1514])
def test_padding(host, size):
    tx = TxRing(host)
    frame = (FRAME * 16)[:size]
    tx.frame(frame)
    tx.ring()
    assert host.frame_out() == frame + bytes(max(0, 60 - size))


def test_nobody_hears_of_a_frame_that_is_not_padded(host):
    tx = TxRing(host)
    host.wr(TCTL, host.rd(TCTL) & ~8)       # PSP
    for frame in ((FRAME * 16)[:59], (FRAME * 16)[:60]):
        tx.frame(frame)
    tx.ring()
    assert host.frame_out() == frame
    assert host.stats()["runts"] == 1 and host.offences() == {"short"}


@pytest.mark.parametrize("vme,vle", [(True, True), (True, False), (False, True)])
def test_vlan_insertion(host, vme, vle):
    """Where both ask for it."""
    host.set(CTRL, 1 << 30 if vme else 0)
    tx = TxRing(host)
    tx.frame(FRAME, EOP | IFCS | RS | (VLE if vle else 0), 0x2ABC << 16)
    tx.ring()
    tag = b"\x81\x00\x2a\xbc" if vme and vle else b""
    assert host.frame_out() == FRAME[:12] + tag + FRAME[12:]


def test_whole_ring_in_order(host):
    tx = TxRing(host, count=64)
    for burst in range(4):
        slots = []
        for i in range(50):
            slots.append(tx.frame(FRAME + bytes([burst, i])))
        tx.ring()
        for i in range(50):
            assert host.frame_out() == FRAME + bytes([burst, i])
        tx.wait(slots[-1])
    assert not host.offences()


# --- the ring fills while the driver works ---


@pytest.mark.parametrize("speed,frames", [(10, 50), (100, 60)])
def test_frames_take_their_time(hosts, speed, frames):
    host = hosts("--speed", str(speed))
    host.link_up()
    tx = TxRing(host, count=128)
    slots = [tx.frame(FRAME * 15) for _ in range(frames)]
    each = (len(FRAME) * 15 + 24) * 8 / speed / 1e6
    begun = time.monotonic()
    tx.ring()
    if speed == 10:
        # What fits the packet buffer of 20 KiB was read, and what has left it by now.
        tx.wait(slots[9])
        read = sum(tx.done(x) for x in slots)
        assert read < 15 + (time.monotonic() - begun) / each
    tx.wait(slots[-1])
    for _ in range(frames):
        assert host.frame_out()
    wire = frames * each
    assert wire * 0.8 - 0.001 < time.monotonic() - begun < wire + 0.5


def test_nothing_moves_without_a_link(host):
    tx = TxRing(host)
    host.command("link down")
    slot = tx.frame(FRAME)
    tx.ring()
    tx.stays(slot)
    assert host.rd(tx.reg + 0x10) == 0
    host.command("link up")
    tx.wait(slot)


def test_nothing_passes_without_set_link_up(host):
    """The PHY has a link, the MAC not yet: CTRL.SLU."""
    tx, rx = TxRing(host), RxRing(host)
    host.set(CTRL, 1 << 27)
    host.wr(CTRL, host.rd(CTRL) & ~0x40)
    assert not host.rd(STATUS) & 2
    slot = tx.frame(FRAME)
    tx.ring()
    host.frame_in(MAC + FRAME[6:])
    wait_until(lambda: host.stats()["no_link"] == 1, what="the frame lost")
    host.command(f"frame {(MAC + FRAME[6:]).hex()}")
    host.command("pause 0xffff")
    assert host.stats()["no_link"] == 3 and rx.empty() and not host.rd(STATUS) & 0x10
    assert not tx.done(slot) and host.rd(tx.reg + 0x10) == 0
    host.set(CTRL, 0x40)
    tx.wait(slot)
    assert host.frame_out() == FRAME
    host.frame_in(MAC + FRAME[6:])
    assert rx.wait()[0] == MAC + FRAME[6:]


def test_pause_frame_stops_the_wire(host):
    host.set(CTRL, 1 << 27)
    tx = TxRing(host)
    host.wr(0x100, 2)
    host.command("pause 0xffff")
    assert host.rd(STATUS) & 0x10
    slot = tx.frame(FRAME)
    tx.ring()
    tx.wait(slot)               # it was read all the same
    assert host.frame_out(0.01) is None
    host.command("pause 0")
    assert host.frame_out() == FRAME


@pytest.mark.parametrize("rfce", [True, False])
def test_pause_lasts_as_long_as_it_says(hosts, rfce):
    host = hosts("--speed", "100")
    host.link_up()
    if rfce:
        host.set(CTRL, 1 << 27)
    tx = TxRing(host)
    host.wr(0x100, 2)
    begun = time.monotonic()
    host.command("pause 0xffff")        # of 512 bit times: 336 ms at 100 Mb/s
    tx.frame(FRAME)
    tx.ring()
    assert host.frame_out() == FRAME
    assert (time.monotonic() - begun > 0.3) == rfce
    assert host.rd(0x4050) == 1


def test_slow_partner_fills_the_ring(host):
    """Who takes nothing from the cable holds the transmitter, and loses nothing."""
    tx = TxRing(host, count=4096)
    for i in range(4000):
        tx.frame(struct.pack(">I", i).join([PEER + MAC, FRAME * 5]))
    tx.ring()
    time.sleep(0.3)
    assert host.rd(tx.reg + 0x10) < 3000
    for i in range(4000):
        assert host.frame_out()[12:16] == struct.pack(">I", i)


# --- write-back ---


def test_without_threshold_only_rs_is_written(host):
    tx = TxRing(host, wthresh=0)
    a, b, c = tx.frame(FRAME, EOP | IFCS), tx.frame(FRAME), tx.frame(FRAME, EOP | IFCS)
    tx.ring()
    tx.wait(b)
    wait_until(lambda: host.rd(GPTC) or host.stats()["sent"] == 3)
    assert (tx.done(a), tx.done(c)) == (0, 0)


@pytest.mark.parametrize("ide", [IDE, 0], ids=["ide", "no-ide"])
def test_threshold_gathers_until_the_timer(host, ide):
    """Which only IDE starts."""
    tx = TxRing(host, wthresh=8, tidv=60000)
    slots = [tx.frame(FRAME, EOP | IFCS | RS | ide) for _ in range(3)]
    tx.ring()
    wait_until(lambda: host.stats()["sent"] == 3)
    assert not any(map(tx.done, slots))
    if ide:
        tx.wait(slots[-1], 1)       # 61 ms
    else:
        time.sleep(0.1)
        assert not any(map(tx.done, slots))
    slots = [tx.frame(FRAME) for _ in range(8 if ide else 5)]
    tx.ring()
    tx.wait(slots[-1])
    assert host.offences() == {"wthresh"}


@pytest.mark.parametrize("writes,errata,flushed", [(1, "all", False), (2, "all", True),
                                                   (1, "no-fpd", True)])
def test_forced_flush_may_be_missed(hosts, writes, errata, flushed):
    host = hosts("--errata", errata)
    host.link_up()
    tx = TxRing(host, wthresh=8, tidv=0xFFFF)
    slot = tx.frame(FRAME)
    tx.ring()
    wait_until(lambda: host.stats()["sent"] == 1)
    for _ in range(writes):
        host.wr(TIDV, 1 << 31 | 0xFFFF)
    host.rd(STATUS)
    assert tx.done(slot) == flushed


def test_delayed_interrupt(host):
    host.interrupts()
    host.wr(0xE4, 0x80000000 | 0xA << 8)
    host.wr(0x18, host.rd(0x18) | 1 << 24)
    host.wr(0xE0, 0xFFFFFFFF)
    host.wr(0xDC, 0x00F00000)
    host.wr(0xD0, 1 << 22)
    tx = TxRing(host, wthresh=1, tidv=30000)    # 30 ms
    slot = tx.frame(FRAME, EOP | IFCS | RS | IDE)
    tx.ring()
    tx.wait(slot)
    assert not host.taken(2)
    assert host.taken(2, 1)


# --- both queues ---


def test_both_queues_take_turns(host):
    rings = [TxRing(host, q, enable=False) for q in (0, 1)]
    for tx in rings:
        for i in range(40):
            tx.frame(PEER + MAC + bytes([tx.q, i]) + bytes(50))
    for tx in rings:
        tx.ring()
    host.wr(TCTL, 2 | 8)
    seen = [host.frame_out()[12:14] for _ in range(80)]
    for q in (0, 1):
        assert [x[1] for x in seen if x[0] == q] == list(range(40))
    assert seen[:40] != [bytes([0, i]) for i in range(40)]


@pytest.mark.parametrize("counts", [(3, 3), (1, 1), (5, 2)])
def test_turns_are_as_long_as_tarc_says(host, counts):
    rings = [TxRing(host, q, enable=False) for q in (0, 1)]
    for tx, count in zip(rings, counts):
        host.wr(tx.reg + 0x40, host.rd(tx.reg + 0x40) & ~0x7F | count)
        for i in range(40):
            tx.frame(PEER + MAC + bytes([tx.q, i]) + bytes(50))
    for tx in rings:
        tx.ring()
    host.wr(TCTL, 2 | 8)
    seen = [host.frame_out()[12] for _ in range(80)]
    runs = [(q, len(list(run))) for q, run in itertools.groupby(seen)]
    # Until one has none any more.
    last = min(len(seen) - 1 - seen[::-1].index(q) for q in (0, 1))
    whole = [run for i, run in enumerate(runs[1:], 1) if sum(x[1] for x in runs[:i + 1]) < last]
    assert len(whole) > 6 and all(counts[q] == n for q, n in whole)


@pytest.mark.parametrize("queue", [0, 1])
def test_queue_that_is_not_enabled(host, queue):
    """TARC.10"""
    tx = TxRing(host, queue)
    host.wr(tx.reg + 0x40, host.rd(tx.reg + 0x40) & ~(1 << 10))
    tx.frame(FRAME)
    tx.ring()
    assert host.frame_out(0.02) is None
    host.wr(tx.reg + 0x40, host.rd(tx.reg + 0x40) | 1 << 10)
    tx.ring()
    assert host.frame_out(1) == FRAME


def tso_pieces(tx, first, last):
    """A packet to be segmented: headers and first data, the rest; the slot of that."""
    tx.tso_context(len(first + last))
    tx.frame(p.ether(p.ip4(p.tcp(first))), IFCS | TSE, IXSM | TXSM)
    return tx.frame(last, EOP | IFCS | RS | TSE, IXSM | TXSM)


@pytest.mark.parametrize("alone", ["context", "type"])
def test_what_is_no_packet_holds_nobody_back(host, alone):
    """It is reported, and the other queue has its turn."""
    one, two = TxRing(host, 0), TxRing(host, 1)
    slot = one.context(flags=RS) if alone == "context" else \
        one.desc(0, 2 << 20 | DEXT | RS)
    one.ring()
    one.wait(slot)
    two.frame(FRAME)
    two.ring()
    assert host.frame_out(1) == FRAME
    assert host.offences() == ({"tx-desc"} if alone == "type" else set())


def test_queue_that_stops_in_a_packet(host):
    """The other goes on; so does this one, later, where it was."""
    one, two = TxRing(host, 0), TxRing(host, 1)
    one.frame(FRAME[:30], IFCS)
    one.ring()
    wait_until(lambda: host.rd(one.reg + 0x10) == 1, what="the first descriptor fetched")
    host.command("fault txq-hang 0")
    two.frame(FRAME)
    two.ring()
    assert host.frame_out(1) == FRAME
    one.frame(FRAME[30:])
    one.ring()
    assert host.frame_out(0.02) is None
    host.command("clear txq-hang")
    assert host.frame_out(1) == FRAME


def test_queue_that_stops_while_it_sends(host):
    """A packet that was read in whole goes on behind the fault, and behind those of the other."""
    one, two = TxRing(host, 0), TxRing(host, 1)
    host.command("scale 100000")        # so that most of it waits for room
    tso_pieces(one, b"", bytes(60000))
    one.ring()
    assert len(host.frame_out(1)) == 1054
    host.command("fault txq-hang 0")
    two.frame(FRAME)
    two.ring()
    host.command("scale 100")
    sent = []
    while FRAME not in sent:
        sent.append(host.frame_out(1))
    assert len(sent) < 59
    host.command("clear txq-hang")
    while len(sent) < 60:
        sent.append(host.frame_out(1))
    assert {len(x) for x in sent} == {1054, len(FRAME)}


def test_context_of_a_packet_is_that_of_its_beginning(hosts):
    """Whatever is switched meanwhile."""
    host = hosts("--errata", "no-one-context")
    host.link_up()
    host.command("partner 10fd")
    wait_until(lambda: host.rd(STATUS) & 2)
    host.command("errata no-tso-slow")
    two = TxRing(host, 1)
    payload = bytes(i & 0xFF for i in range(60000))
    tso_pieces(two, b"", payload)
    two.ring()
    for i in range(60):
        sent = host.frame_out(1)
        assert sent[54:] == payload[1000 * i:1000 * (i + 1)], i
        if i == 1:
            host.command("errata one-context")


def test_loopback_needs_no_link(host):
    """That of the MAC."""
    rx = RxRing(host, rctl=1 << 6 | 1 << 3)
    tx = TxRing(host)
    host.command("link down")
    tx.frame(FRAME)
    tx.ring()
    assert rx.wait()[0] == FRAME


# --- errata: with the switch on, a driver without the work-around fails ---


def hung(host):
    return host.stats()["hung"]


def tso_frame(tx):
    tx.tso_context(2000)
    tx.frame(p.ether(p.ip4(p.tcp(bytes(2000)))), EOP | IFCS | RS | TSE, IXSM | TXSM)


def do_short(host, tx):
    tx.frame(FRAME[:16])
    tx.ring()


def do_full(host, tx):
    host.command("partner 10fd")
    wait_until(lambda: host.rd(STATUS) & 2)
    host.wr(0x3840, host.rd(0x3840) & ~(1 << 26))
    for _ in range(60):
        tx.frame(FRAME * 15)
    tx.ring()


def do_tso_slow(host, tx):
    host.command("partner 100fd")
    wait_until(lambda: host.rd(STATUS) & 2)
    tso_frame(tx)
    tx.ring()


def do_arbiter(host, tx):
    host.wr(0x3940, 0x403)
    other = TxRing.__new__(TxRing)
    other.__dict__ |= tx.__dict__ | {"q": 1, "reg": 0x3900, "at": host.alloc(1024), "tail": 0}
    for offset, value in ((0, other.at), (4, 0), (8, 1024), (0x10, 0), (0x18, 0)):
        host.wr(other.reg + offset, value)
    host.wr(TCTL, 0)
    for ring in (tx, other):
        for _ in range(30):
            ring.frame(FRAME)
        ring.ring()
    host.wr(TCTL, 2 | 8)


ERRATA_TX = [("short", do_short), ("tx-full", do_full), ("tso-slow", do_tso_slow),
             ("arbiter", do_arbiter)]


@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
@pytest.mark.parametrize("name,do", ERRATA_TX, ids=[x[0] for x in ERRATA_TX])
def test_erratum_hangs(hosts, name, do, on):
    host = hosts("--errata", f"none,{name}" if on else "none")
    host.link_up()
    do(host, TxRing(host))
    if on:
        wait_until(lambda: hung(host), what="a hang")
        host.reset()
        assert not hung(host)
    else:
        time.sleep(0.05)
        assert not hung(host)


@pytest.mark.parametrize("errata", ["txdctl", "no-txdctl"])
def test_unlike_txdctl_stalls_queue_1(host, errata):
    host.command(f"errata {errata}")
    tx = TxRing(host, 1)
    host.wr(0x3828, host.rd(0x3828) ^ 1)
    slot = tx.frame(FRAME)
    tx.ring()
    assert host.frame_out() == FRAME
    assert host.offences() == {"txdctl-unlike"}
    if errata == "no-txdctl":
        tx.wait(slot)
        return
    tx.stays(slot)


def overwritten(host, tx, slot, size):
    """Does a frame show what its last data became at DD?"""
    addr, = struct.unpack("<Q", host.get(tx.at + 16 * slot, 8))
    tx.ring()
    tx.wait(slot)
    host.put(addr, b"\xee" * size)
    return b"\xee" * size in host.frame_out()


# A busy machine is late, but not each time.
TRIES = 20


def test_early_dd_sends_what_came_later(hosts):
    host = hosts("--errata", "early-dd")
    host.link_up()
    tx = TxRing(host)
    assert any(overwritten(host, tx, tso_pieces(tx, b"", bytes(100)), 100) for _ in range(TRIES))
    assert host.offences() == {"tso-tail"}


@pytest.mark.parametrize("before,pieces,caught", [
    ("tso", [60], True), ("tso", [56, 4], False), ("plain", [60], False)])
def test_early_dd_of_the_packet_behind(hosts, before, pieces, caught):
    """Of one descriptor, behind a segmented one."""
    host = hosts("--errata", "early-dd")
    host.link_up()
    tx = TxRing(host)
    for _ in range(TRIES if caught else 1):
        if before == "tso":
            tso_pieces(tx, bytes(96), bytes(4))
        else:
            tx.frame(FRAME)
        tx.ring()
        host.frame_out()
        for size in pieces:
            slot = tx.frame(bytes(size), (EOP | RS if size == pieces[-1] else 0) | IFCS)
        seen = overwritten(host, tx, slot, pieces[-1])
        if seen:
            break
    assert seen == caught
    assert host.offences() == ({"tso-tail"} if caught else set())


def test_early_dd_ends_with_a_reset(hosts):
    host = hosts("--errata", "early-dd")
    host.link_up()
    tx = TxRing(host)
    slot = tso_pieces(tx, bytes(96), bytes(4))
    tx.ring()
    tx.wait(slot)
    host.reset()
    host.link_up()
    tx = TxRing(host)
    slot = tx.frame(FRAME)
    tx.ring()
    tx.wait(slot)
    assert not host.offences()


def test_tail_of_its_own_is_safe_from_early_dd(hosts):
    host = hosts("--errata", "early-dd")
    host.link_up()
    tx = TxRing(host)
    slot = tso_pieces(tx, bytes(96), bytes(4))
    tx.ring()
    tx.wait(slot)
    assert len(host.frame_out()) == 154
    assert not host.offences()


@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_aspm(hosts, on):
    host = hosts("--errata", "aspm" if on else "no-aspm")
    host.link_up()
    host.cfg_write(LNKCTL, 2, 3)        # as the BIOS has left it
    tx = TxRing(host, count=2048)
    for _ in range(1100):
        tx.frame(FRAME[:60])
    tx.ring()
    while host.frame_out(0.2):
        pass
    assert bool(hung(host)) == on


def test_aspm_counts_from_where_it_is_on(host):
    """What was sent before, or before a reset, does not hang what comes."""
    tx = TxRing(host, count=2048)
    for _ in range(1100):
        tx.frame(FRAME[:60])
    tx.ring()
    wait_until(lambda: host.stats()["sent"] == 1100)
    host.cfg_write(LNKCTL, 2, 3)
    for _ in range(500):
        tx.frame(FRAME[:60])
    tx.ring()
    wait_until(lambda: host.stats()["sent"] == 1600)
    host.reset()
    host.link_up()
    tx = TxRing(host, count=2048)
    for _ in range(900):
        tx.frame(FRAME[:60])
    tx.ring()
    wait_until(lambda: host.stats()["sent"] == 2500)
    assert not hung(host)


def test_model_ends_with_its_client():
    host = Host()
    host.link_up()
    TxRing(host).frame(FRAME)
    host.close()
