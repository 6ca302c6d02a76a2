# SPDX-License-Identifier: GPL-2.0
"""The device model: the strict table, of rings and of what receive and sleep need."""

import struct

import pytest
from client import (BASE, CTRL, CTRL_EXT, EOP, IAM, ICR, ICS, IFCS, IMS, IVAR, MAC, MRQC, PEER,
                    PSRCTL, RCTL, RFCTL, RXCSUM, STATUS, TCTL, RxRing, TxRing, ral, wait_until)

FRAME = PEER + MAC + b"\x88\xb5" + bytes(range(86))
ARRIVING = MAC + PEER + FRAME[12:]


def unreported(host):
    """A frame without RS has been sent; nothing behind it has said so yet."""
    tx = TxRing(host, wthresh=0)
    slots = [tx.frame(FRAME, EOP | IFCS) for _ in range(40)]
    tx.ring()
    for _ in slots:
        host.frame_out()
    for _ in range(2):
        host.wr(0x3820, 1 << 31 | 8)
    return tx, slots


def desc_changed_unreported(host):
    tx, slots = unreported(host)
    host.put(tx.at + 16 * slots[3], struct.pack("<Q", BASE))
    tx.frame(FRAME)
    tx.ring()


def tail_owner_unreported(host):
    tx, _ = unreported(host)
    host.command("link down")
    host.wr(tx.reg + 0x18, 16)


def rss_later(host):
    """Set up while the receiver is on, as Linux does, and looked at when it goes on."""
    rx = RxRing(host, buffers=4)
    assert not host.offences()
    host.wr(RXCSUM, 3 << 8)
    host.wr(MRQC, 1 | 1 << 16)
    assert not host.offences()
    host.wr(rx.reg + 0x18, 8)


def split(host, psrctl=0x00010102, rfctl=1 << 15, tail=8):
    rx = RxRing(host, start=False)
    host.put(rx.at, struct.pack("<4Q", *rx.buf[:4]))
    host.wr(PSRCTL, psrctl)
    host.wr(RFCTL, rfctl)
    host.wr(RCTL, 2 | 1 << 10 | 1 << 15 | 1 << 26)
    host.wr(rx.reg + 0x18, tail)
    host.frame_in(ARRIVING)
    wait_until(lambda: host.stats()["received"] == 1)


def split_not_extended(host):
    split(host, rfctl=0)


def split_no_header(host):
    split(host, psrctl=0x00010100)


def split_no_page(host):
    split(host, psrctl=0x00010002)


def split_half(host):
    split(host, tail=7)


def format_live(host, offset=RFCTL, bits=1 << 15):
    RxRing(host)
    host.wr(offset, host.rd(offset) ^ bits)


def format_bsize(host):
    format_live(host, RCTL, 3 << 16)


def format_bsex(host):
    format_live(host, RCTL, 1 << 25)


def format_dtyp(host):
    format_live(host, RCTL, 1 << 10)


def format_pages(host):
    rx = RxRing(host, rctl=1 << 10, buffers=4)
    assert not host.offences()
    host.wr(PSRCTL, host.rd(PSRCTL) + (1 << 16))
    host.wr(rx.reg + 0x18, 8)


def stopped(host):
    """A ring that was used: its unit is off, and was not reset."""
    tx = TxRing(host)
    slot = tx.frame(FRAME)
    tx.ring()
    tx.wait(slot)
    host.wr(TCTL, 0)
    return tx


def ring_live_off(host):
    host.wr(stopped(host).reg + 8, 2048)


def ring_live_head(host):
    """A head of 0, and a tail: that hands nothing over."""
    tx = stopped(host)
    host.wr(tx.reg + 0x10, 0)
    host.wr(tx.reg + 0x18, 0)


def ring_size(host, offset=8, value=128):
    rx = RxRing(host, buffers=0)
    host.wr(rx.reg + offset, value)
    host.wr(rx.reg + 0x18, 4)


def ring_size_long(host):
    ring_size(host, value=65536 + 128)


def ring_size_odd(host):
    ring_size(host, value=1024 + 64)


def ring_base_odd(host):
    tx = TxRing(host)
    host.wr(tx.reg, tx.at + 8)
    tx.frame(FRAME)
    tx.ring()
    host.frame_out()


def receiver_off(host):
    RxRing(host)
    host.wr(RCTL, host.rd(RCTL) & ~2)


def rar_last(host):
    host.wr(ral(15), 1)


def rar_source(host):
    rx = RxRing(host, buffers=0)
    host.wr(ral(3) + 4, 1 << 31 | 1 << 16)
    assert not host.offences()
    host.wr(rx.reg + 0x18, 4)


def msix(host, count, ivar):
    host.interrupts(2, count)
    host.set(CTRL_EXT, 1 << 24)
    host.wr(IAM, 0xFFFFFFFF)
    host.wr(IVAR, ivar)
    host.wr(IMS, 1 << 20)


def ivar(host):
    msix(host, 5, 8 | 5)
    host.wr(ICS, 1 << 20)


def pause_half(host, bit=27):
    host.command("partner 100hd pause asym")
    wait_until(lambda: host.rd(STATUS) & 3 == 2, what="half duplex")
    tx = TxRing(host)
    host.set(CTRL, 1 << bit)
    assert not host.offences()
    tx.frame(FRAME)
    tx.ring()


def pause_half_send(host):
    pause_half(host, 28)


def sleep_loaded(host):
    host.set(CTRL_EXT, 1 << 28)
    host.rd(STATUS)
    host.cfg_write(0xCC, 2, 3)
    host.cfg_write(0xCC, 2, 0)


def sleep_master(host):
    RxRing(host)
    host.rd(STATUS)
    host.cfg_write(0xCC, 2, 3)
    host.cfg_write(0xCC, 2, 0)


OFFENCES = [
    ("ring-live", ring_live_off), ("ring-live", ring_live_head), ("ring-size", ring_size),
    ("ring-size", ring_size_long), ("ring-size", ring_size_odd), ("ring-size", ring_base_odd),
    ("rctl-en", receiver_off), ("rar", rar_last), ("rar", rar_source), ("ivar", ivar),
    ("pause-half", pause_half), ("pause-half", pause_half_send), ("sleep", sleep_loaded),
    ("sleep", sleep_master), ("rss", rss_later), ("split", split_not_extended),
    ("split", split_no_header), ("split", split_no_page), ("split", split_half),
    ("ring-live", format_live), ("ring-live", format_bsize), ("ring-live", format_bsex),
    ("ring-live", format_dtyp), ("ring-live", format_pages),
    ("desc-changed", desc_changed_unreported), ("tail-owner", tail_owner_unreported),
]


@pytest.mark.parametrize("name,do", OFFENCES, ids=[x[1].__name__ for x in OFFENCES])
def test_offence(host, name, do):
    do(host)
    wait_until(host.offences, 1, name)
    assert host.offences() == {name}


def test_a_vector_that_the_board_does_not_have(hosts):
    """The cause is lost, and no message counted."""
    host = hosts("--vectors", "3")
    host.link_up()
    msix(host, 3, 8 | 3)
    host.wr(ICS, 1 << 20)
    assert host.offences() == {"ivar"} and not any(host.stats()["irqs"])
    host.wr(IVAR, 8 | 2)
    host.rd(ICR)
    host.wr(ICS, 1 << 20)
    assert host.taken(2, 1)


def test_a_sleep_as_it_should_be(host):
    RxRing(host)
    host.set(CTRL_EXT, 1 << 28)
    host.wr(CTRL_EXT, host.rd(CTRL_EXT) & ~(1 << 28))
    host.set(CTRL, 4)
    wait_until(lambda: not host.rd(STATUS) & 1 << 19, what="no DMA")
    host.cfg_write(4, 2, 2)
    host.cfg_write(0xCC, 2, 3)
    host.cfg_write(0xCC, 2, 0)
    assert not host.offences()


def test_a_register_test_may_write_anything(host):
    """Linux' writes patterns to bases, lengths and tails, and to addresses; a reset follows."""
    for pattern in (0x5A5A5A5A, 0xA5A5A5A5, 0, 0xFFFFFFFF):
        for offset in (0x2800, 0x2804, 0x2808, 0x3800, 0x3804, 0x3808):
            host.wr(offset, pattern)
        host.wr(ral(2) + 4, pattern)
        host.rd(STATUS)
    assert not host.offences()


def test_what_is_right_again_when_it_goes_on(host):
    """What counts is what there is at the tail, by whatever way."""
    rx = RxRing(host, buffers=4)
    host.wr(RXCSUM, 3 << 8)
    host.wr(MRQC, 1 | 1 << 16)
    host.wr(RXCSUM, 3 << 8 | 1 << 13)
    host.wr(RCTL, host.rd(RCTL) ^ 3 << 3)
    host.wr(rx.reg + 0x18, 8)
    assert not host.offences()
