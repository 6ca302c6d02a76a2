# SPDX-License-Identifier: GPL-2.0
"""The device model: the strict table."""

import struct
import time

import packets as p
import pytest
from client import (BASE, CTRL, EECD, EERD, EEWR, EOP, GCR, GCR2, IDE, IFCS, IXSM, MAC, MDIC, MEM,
                    MRQC, PEER, RCTL, RS, STATUS, TCTL, TSE, TXSM, RxRing, TxRing, wait_until)

FRAME = PEER + MAC + b"\x88\xb5" + bytes(range(86))
ARRIVING = MAC + PEER + FRAME[12:]


def tail_range(host):
    TxRing(host)
    host.wr(0x3818, 64)


def tail_owner(host):
    tx = TxRing(host)
    host.command("link down")
    for _ in range(4):
        tx.frame(FRAME)
    tx.ring()
    host.wr(tx.reg + 0x18, 2)


def ring_live(host):
    tx = TxRing(host)
    host.command("link down")
    tx.frame(FRAME)
    tx.ring()
    host.wr(tx.reg + 8, 2048)


def dma(host):
    tx = TxRing(host)
    tx.desc(BASE + MEM, 1 << 29 | 1 << 20 | EOP | IFCS | RS | 100)
    tx.ring()
    host.frame_out()


def desc_changed(host):
    tx = TxRing(host, wthresh=0, tidv=0xFFFF)
    slot = tx.frame(FRAME, EOP | IFCS | RS | IDE)
    tx.ring()
    host.frame_out()
    host.put(tx.at + 16 * slot, struct.pack("<Q", BASE))
    for _ in range(2):
        host.wr(0x3820, 1 << 31 | 0xFFFF)


def desc_dd(host):
    rx = RxRing(host, start=False)
    host.put(rx.at + 8, b"\1")
    host.wr(RCTL, 2 | 1 << 15 | 1 << 26)
    host.wr(rx.reg + 0x18, 4)
    host.frame_in(ARRIVING)
    wait_until(lambda: host.stats()["received"] == 1)


def ifcs(host):
    tx = TxRing(host)
    tx.frame(FRAME, EOP | RS)
    tx.ring()
    wait_until(lambda: host.stats()["bad_fcs"] == 1)


def tx_big(host):
    host.wr(0x1000, 32)
    host.reset()
    host.link_up()
    tx = TxRing(host)
    slot = tx.frame(bytes(16200))
    tx.ring()
    tx.wait(slot)


def tx_desc(host):
    tx = TxRing(host)
    tx.desc(0, 1 << 29 | 5 << 20)
    tx.frame(FRAME)
    tx.ring()
    assert host.frame_out() == FRAME


def rss(host):
    host.wr(MRQC, 1 | 1 << 16)
    host.wr(RCTL, 2)


def tidv(host):
    TxRing(host, tidv=0)


def wthresh(host):
    TxRing(host, wthresh=2)


def wthresh_in_units(host):
    TxRing(host, enable=False)
    for n in (0, 1):
        host.wr(0x3828 + 0x100 * n, 1 << 16 | 1 << 22)      # of 16 descriptors
    host.wr(TCTL, 2)


def unlike(host):
    TxRing(host, enable=False)
    host.wr(0x3928, 0x01400000)
    host.wr(TCTL, 2)


def mdio_owner(host):
    host.wr(MDIC, 2 << 26 | 1 << 21 | 1 << 16)


def phy_reset_unowned(host):
    host.phy_reset()


def phy_reset_vetoed(host):
    host.wr(0x5820, 1 << 18)
    host.own()
    host.phy_reset()


def phy_reset_too_short(host):
    host.own()
    ctrl = host.rd(CTRL)
    for _ in range(20):                 # a busy machine is late, but not each time
        if not host.offences():
            with host.at_once():
                host.wr(CTRL, ctrl | 1 << 31)
                host.wr(CTRL, ctrl)


def phy_access_in_its_reset(host):
    host.own()
    host.set(CTRL, 1 << 31)
    host.wr(MDIC, 2 << 26 | 1 << 21 | 1 << 16)


def phy_access_after_its_reset(host):
    host.own()
    for _ in range(20):                 # as above
        if not host.offences():
            host.phy_reset()
            host.mdio(1)


def mdic_busy(host):
    host.own()
    for _ in range(20):                 # as above
        if not host.offences():
            with host.at_once():
                host.wr(MDIC, 2 << 26 | 1 << 21 | 2 << 16)
                host.wr(MDIC, 2 << 26 | 1 << 21 | 3 << 16)


def eerd_busy(host, then=EERD):
    for _ in range(20):                 # as above
        if not host.offences():
            host.own()
            with host.at_once():
                host.wr(EERD, 1 << 2 | 1)
                host.wr(then, 2 << 2 | 1)
            time.sleep(0.001)


def eerd_busy_eewr(host):
    eerd_busy(host, EEWR)


def nvm_owner(host):
    host.wr(EEWR, 0x20 << 2 | 1)


def nvm_read_early(host):
    host.reset_begin()
    wait_until(lambda: host.rd(EECD) & 1 << 9)
    host.wr(EERD, 1)


def nvm_write_early(host):
    host.reset_begin()
    wait_until(lambda: host.rd(EECD) & 1 << 9)
    host.own()
    host.wr(EEWR, 0x20 << 2 | 1)


def reserved(host):
    TxRing(host, enable=False)
    host.wr(0x18, host.rd(0x18) & ~(1 << 22))
    host.wr(TCTL, 2)


def short(host):
    tx = TxRing(host)
    tx.frame(FRAME[:16])
    tx.ring()


def tso_headers(host):
    """In two descriptors."""
    tx = TxRing(host)
    tx.tso_context(2000)
    packet = p.ether(p.ip4(p.tcp(bytes(2000))))
    for part, flags in ((packet[:20], 0), (packet[20:-4], 0), (packet[-4:], EOP | RS)):
        tx.frame(part, IFCS | TSE | flags, IXSM | TXSM)
    tx.ring()


def forced_duplex(host):
    host.wr(CTRL, host.rd(CTRL) & ~1 | 1 << 12)
    TxRing(host)


def forced_speed_of_an_old_link(host):
    """The link has another one later."""
    host.wr(CTRL, host.rd(CTRL) & ~(3 << 8) | 1 << 11 | 2 << 8)
    tx = TxRing(host)
    host.command("partner 100fd")
    host.link_up()
    tx.frame(FRAME)
    tx.ring()


def half_gigabit(host):
    host.own()
    host.mdio(9, 0x0300)


def byte_write(host):
    host.region_write(0, 0x38, b"\0")


def reserved_later(host):
    for offset, bit in ((0x5808, 25), (0x2170, 31), (0x458, 16), (0xb620, 5), (0xb614, 5),
                        (0x2c00, 12), (0x2c08, 16), (0x9000, 4)):
        before = len(host.log_file.read_text().splitlines())
        host.wr(offset, host.rd(offset) | 1 << bit)
        host.rd(0)
        assert len(host.log_file.read_text().splitlines()) > before, hex(offset)


def reserved_txdctl(host):
    TxRing(host, enable=False)
    for n in (0, 1):
        host.wr(0x3828 + 0x100 * n, 0x01010000 | 31)
    host.wr(TCTL, 2)


def reserved_tarc(host):
    TxRing(host, enable=False)
    host.wr(0x3840, 0x403 | 1 << 27 | 1 << 26)
    host.wr(TCTL, 2)


def gcr(host, offset=GCR, value=0):
    TxRing(host, enable=False)
    host.wr(offset, value)
    host.wr(TCTL, 2)


def gcr27(host):
    gcr(host, GCR, 1 << 22)


def gcr2(host):
    gcr(host, GCR2)


def no_snoop(host):
    gcr(host, GCR, 1 << 22 | 1 << 27 | 1)


def tarc(host):
    gcr(host, 0x3840, 0x403)


def two_queues(host, tarc1=0, tctl=1 << 28):
    host.command("errata no-arbiter")
    rings = [TxRing(host, q, enable=False) for q in (0, 1)]
    host.wr(0x3940, host.rd(0x3940) ^ tarc1)
    for tx in rings:
        for _ in range(8):
            tx.frame(FRAME)
        tx.ring()
    host.wr(TCTL, 2 | 8 | tctl)
    for _ in range(16):
        assert host.frame_out()


def tarc_arbiter(host):
    two_queues(host, 1 << 24)


def tarc_hang(host):
    two_queues(host, 1 << 26)


def mulr(host):
    two_queues(host, tctl=0)


def ring_live_idle(host):
    """In use, although all of it was written back."""
    tx = TxRing(host)
    slot = tx.frame(FRAME)
    tx.ring()
    tx.wait(slot)
    host.wr(tx.reg, tx.at)


def ring_live_receive(host):
    rx = RxRing(host)
    host.wr(rx.reg + 8, 256)


def reset_unowned(host):
    host.wr(CTRL, host.rd(CTRL) | 1 << 26)


def reset_with_dma(host):
    RxRing(host)
    host.own()
    host.wr(CTRL, host.rd(CTRL) | 1 << 26)


def reset_too_soon(host):
    host.own()
    ctrl = host.rd(CTRL) | 1 << 2       # the last read: there are 200 us
    host.wr(CTRL, ctrl)
    host.wr(CTRL, ctrl | 1 << 26)


def left(host, offset, value):
    """A bit that comes up wrong, and is left so."""
    TxRing(host, enable=False)
    host.command(f"reg {offset:#x} {host.rd(offset) | value}")
    host.wr(TCTL, 2)


def ctrl_29(host):
    left(host, CTRL, 1 << 29)


def ctrl_ext_23(host):
    left(host, 0x18, 1 << 23)


OFFENCES = [
    ("ring-live", ring_live_idle), ("ring-live", ring_live_receive),
    ("mdio-owner", phy_reset_unowned), ("phy-reset", phy_reset_vetoed),
    ("phy-reset", phy_reset_too_short), ("phy-early", phy_access_in_its_reset),
    ("phy-early", phy_access_after_its_reset),
    ("busy", mdic_busy), ("busy", eerd_busy), ("busy", eerd_busy_eewr),
    ("phy-early", nvm_read_early), ("phy-early", nvm_write_early),
    ("mdio-owner", reset_unowned), ("reset-dma", reset_with_dma), ("reset-dma", reset_too_soon),
    ("reserved", ctrl_29), ("reserved", ctrl_ext_23),
    ("gcr", gcr), ("gcr", gcr27), ("gcr", gcr2), ("gcr", no_snoop),
    ("tarc", tarc), ("tarc", tarc_arbiter), ("tarc", tarc_hang), ("tarc", mulr),
    ("tso", tso_headers), ("forced", forced_duplex), ("forced", forced_speed_of_an_old_link),
    ("half-gigabit", half_gigabit), ("unknown", byte_write), ("reserved", reserved_later),
    ("short", short), ("reserved", reserved_txdctl), ("reserved", reserved_tarc),
    ("tail-range", tail_range), ("tail-owner", tail_owner), ("ring-live", ring_live),
    ("dma", dma), ("desc-changed", desc_changed), ("desc-dd", desc_dd), ("ifcs", ifcs),
    ("tx-big", tx_big), ("tx-desc", tx_desc), ("rss", rss), ("tidv", tidv),
    ("wthresh", wthresh), ("wthresh", wthresh_in_units),
    ("txdctl-unlike", unlike), ("mdio-owner", mdio_owner), ("nvm-owner", nvm_owner),
    ("reserved", reserved),
]


# Register, bits that are turned over while the transmitter is on.
LATER = [(0x3828, 1, "txdctl-unlike"), (0x3840, 1 << 26, "tarc"), (0x3840, 1 << 27, "reserved"),
         (0x5B00, 1 << 22, "gcr"), (0x5B64, 1, "gcr"), (0x18, 1 << 22, "reserved"),
         (0x3820, 8, "tidv")]


@pytest.mark.parametrize("offset,bits,name", LATER, ids=[f"{x[0]:x}-{x[1]:x}" for x in LATER])
def test_what_is_changed_later_is_looked_at(host, offset, bits, name):
    """With the next frame."""
    tx = TxRing(host)
    tx.frame(FRAME)
    tx.ring()
    host.frame_out()
    assert not host.offences()
    host.wr(offset, host.rd(offset) ^ bits)
    tx.frame(FRAME)
    tx.ring()
    assert host.offences() == {name}


def test_what_was_changed_before_a_reset_is_not(host):
    tx = TxRing(host)
    host.wr(CTRL, host.rd(CTRL))
    host.wr(TCTL, 0)
    host.own()
    host.reset()
    TxRing(host, enable=False)
    host.wr(tx.reg + 0x18, 0)
    assert not host.offences()


def test_offences_are_printed_again_for_who_begins(host):
    def printed():
        host.rd(STATUS)
        return host.log_file.read_text().count("OFFENCE unknown")
    for _ in range(2):
        before = printed()
        for _ in range(30):
            host.rd(0xFC)
        assert printed() - before == 20
        host.command("offences")
    assert host.stats()["offences"] == 60


@pytest.mark.parametrize("name,do", OFFENCES, ids=[x[1].__name__ for x in OFFENCES])
def test_offence(host, name, do):
    do(host)
    wait_until(host.offences, 1, name)
    assert host.offences() == {name}


def test_two_queues_as_they_should_be(host):
    two_queues(host)
    assert not host.offences()


@pytest.mark.parametrize("cleared", [True, False])
def test_flash_must_not_follow_by_itself(hosts, cleared):
    """EECD.AUPDEN comes up set with flash, after each reset."""
    host = hosts("--flash")
    for _ in range(2):
        assert host.rd(EECD) & 1 << 20
        if cleared:
            host.wr(EECD, host.rd(EECD) & ~(1 << 20))
        host.own()
        host.wr(EEWR, 0x40 << 2 | 1)
        wait_until(lambda: host.rd(EEWR) & 2)
        assert host.offences() == (set() if cleared else {"nvm-aupden"})
        host.reset()


@pytest.mark.parametrize("first", ["word", "flash", "flash twice"])
def test_flash_takes_what_was_written_before(hosts, first):
    """Neither a word that is still being written nor a later one."""
    for _ in range(20):                 # as above
        host = hosts("--flash")
        host.wr(EECD, host.rd(EECD) & ~(1 << 20))
        host.own()
        word, update = (EEWR, 0x21 << 2 | 1 | 0xCAFE << 16), (EECD, host.rd(EECD) | 1 << 19)
        for offset, value in {"word": [word, update], "flash": [update, word],
                              "flash twice": [update, update]}[first]:
            host.wr(offset, value)
        if host.offences():
            break
    wait_until(lambda: not host.rd(EECD) & 1 << 19)
    assert host.command("flash 0x21") == "0xffff"
    assert host.offences() == {"busy"}


def test_offence_says_what_and_when(host):
    host.wr(CTRL, host.rd(CTRL) | 1 << 29)
    host.rd(STATUS)
    line = next(x for x in host.log_file.read_text().splitlines() if "OFFENCE" in x)
    when, _, rest = line.partition(" ")
    assert float(when) > 0
    assert "CTRL (0x00000) value 0x2" in rest
