# SPDX-License-Identifier: GPL-2.0
"""The device model: interrupts."""

import errno
import os
import struct
import time
from itertools import pairwise

import pytest
from client import (CTRL_EXT, EIAC, IAM, ICR, ICS, IMC, IMS, ITR, IVAR, MAC, PEER, RFCTL,
                    SET_IRQS, STATUS, RxRing, eitr, wait_until)


RXQ0, TXQ0, OTHER, LSC, RXT0 = 1 << 20, 1 << 22, 1 << 24, 1 << 2, 1 << 7
QUEUES = 0xF << 20
ASSERTED = 1 << 31
# RXQ0 vector 0, RXQ1 1, TXQ0 2, TXQ1 3, other 4.
VECTORS = 0x80000000 | 0x8 | 0x9 << 4 | 0xA << 8 | 0xB << 12 | 0xC << 16


def msix(host, eiame=True, iam=0xFFFFFFFF):
    host.interrupts()
    host.wr(IVAR, VECTORS)
    host.set(CTRL_EXT, 1 << 24 if eiame else 0)
    host.wr(IAM, iam)
    host.wr(EIAC, QUEUES)


def settle(host):
    host.rd(STATUS)


def test_message_clears_and_masks(host):
    host.rd(ICR)
    msix(host)
    host.wr(IMS, RXQ0 | TXQ0)
    host.wr(ICS, RXQ0)
    assert host.taken(0, 1) == 1
    assert host.rd(IMS) == TXQ0
    host.wr(ICS, RXQ0)
    assert not host.taken(0, 0.01)
    host.wr(IMS, RXQ0)              # set meanwhile: unmasking raises it
    assert host.taken(0, 1) == 1


@pytest.mark.parametrize("eiame,iam", [(False, 0xFFFFFFFF), (True, ~QUEUES & 0xFFFFFFFF)])
def test_auto_mask_needs_eiame_and_iam(host, eiame, iam):
    host.rd(ICR)
    msix(host, eiame, iam)
    host.wr(IMS, RXQ0)
    host.wr(ICS, RXQ0)
    assert host.taken(0, 1)
    host.wr(ICS, RXQ0)
    assert host.taken(0, 1)         # it fires while polling
    assert host.offences() == {"iam"}


def test_reads_of_icr_must_not_mask_queues(host):
    host.rd(ICR)
    msix(host)
    host.set(CTRL_EXT, 1 << 27)
    host.wr(IMS, OTHER | LSC)
    assert not host.offences()
    host.wr(IMS, RXQ0)
    host.wr(ICS, LSC)
    assert host.taken(4, 1)
    host.rd(ICR)
    assert host.rd(IMS) == 0
    assert host.offences() == {"iam"}


def test_vector_that_is_not_valid(host):
    host.rd(ICR)
    msix(host)
    host.wr(IVAR, VECTORS & ~8)
    host.wr(IMS, RXQ0)
    host.wr(ICS, RXQ0)
    settle(host)
    assert not any(host.taken(v) for v in range(5))


# PCI command without the master, power state D3, no device at all.
MUTE = {"no master": lambda h: h.cfg_write(4, 2, 2), "D3": lambda h: h.cfg_write(0xCC, 2, 3),
        "removed": lambda h: h.command("fault removed")}


@pytest.mark.parametrize("mute", MUTE.values(), ids=MUTE)
def test_no_message_from_where_none_can_come(host, mute):
    host.rd(ICR)
    msix(host)
    host.wr(IMS, OTHER | LSC)
    mute(host)
    host.command("link down")
    assert not host.taken(4, 0.1)


# Power state D3, interrupts disabled in the PCI command, no device at all.
MUTE_LINE = {"D3": MUTE["D3"], "disabled": lambda h: h.cfg_write(4, 2, 0x406),
             "removed": MUTE["removed"]}


@pytest.mark.parametrize("mute", MUTE_LINE.values(), ids=MUTE_LINE)
def test_no_line_from_where_none_can_be(host, mute):
    host.rd(ICR)
    host.interrupts(0, 1)
    host.wr(IMS, LSC)
    mute(host)
    host.command("link down")
    assert not host.taken(0, 0.1)
    if mute is MUTE_LINE["disabled"]:
        host.cfg_write(4, 2, 6)         # a level: it is still up
        assert host.taken(0, 1) == 1


@pytest.mark.parametrize("interval", [0, 20000, 65535])
def test_moderation_is_exact(host, interval):
    host.rd(ICR)
    msix(host)
    host.wr(eitr(0), interval)
    host.wr(IMS, RXQ0)
    asked = time.monotonic()
    host.wr(ICS, RXQ0)
    assert host.taken(0, 1)         # the first at once
    want, seen = interval * 256e-9, [time.monotonic()]

    def soon():
        return any(b - a < want * 1.1 + 0.001 for a, b in pairwise(seen))
    # A busy machine is late, but not each time.
    while len(seen) < 12 and not soon():
        host.wr(ICS, RXQ0)
        host.wr(IMS, RXQ0)
        assert host.taken(0, 1)
        seen.append(time.monotonic())
    assert seen[1] - asked > want - 0.0005 and soon()


def test_other_rises_for_its_members(host):
    """Whatever IMS says; INT_ASSERTED only if the member is enabled."""
    host.rd(ICR)
    msix(host)
    host.wr(IMS, OTHER | LSC)
    host.wr(ICS, LSC)
    assert host.taken(4, 1)
    assert host.rd(ICR) & (OTHER | LSC | ASSERTED) == OTHER | LSC | ASSERTED
    assert host.rd(ICR) == 0
    assert not host.offences()


@pytest.mark.parametrize("enabled,iam", [(OTHER | RXQ0, 0xFFFFFFFF), (OTHER | RXQ0, RXQ0),
                                         (OTHER, RXQ0)])
@pytest.mark.parametrize("errata,seen", [("all", False), ("no-icr-lost", True)])
def test_erratum_12(hosts, errata, seen, enabled, iam):
    """Whether the message has masked OTHER or not: it is none of its members."""
    host = hosts("--errata", errata, "--vectors", "5")
    host.link_up()
    host.rd(ICR)
    msix(host, iam=iam)
    host.wr(IMS, enabled)           # the member is missing
    host.wr(ICS, LSC)
    assert host.taken(4, 1)
    assert bool(host.rd(ICR) & LSC) == seen
    assert host.offences() == {"icr-masked"}


def test_link_change_raises_other(host):
    host.rd(ICR)
    msix(host)
    host.wr(IMS, OTHER | LSC)
    host.command("link down")
    assert host.taken(4, 1)
    assert host.rd(ICR) & LSC


def test_other_in_eiac_is_an_offence(host):
    host.wr(EIAC, OTHER)
    assert host.offences() == {"eiac-other"}


def test_msi(host):
    host.rd(ICR)
    host.interrupts(1, 1)
    host.wr(IMS, RXT0 | LSC)
    host.wr(ICS, RXT0)
    assert host.taken(0, 1) == 1
    assert host.rd(ICR) == RXT0 | ASSERTED
    host.wr(ICS, RXT0)
    assert host.taken(0, 1) == 1


def test_msi_auto_mask_by_reading(host):
    host.rd(ICR)
    host.interrupts(1, 1)
    host.wr(CTRL_EXT, host.rd(CTRL_EXT) | 1 << 27)
    host.wr(IAM, 0xFFFFFFFF)
    host.wr(IMS, RXT0)
    host.wr(ICS, RXT0)
    assert host.taken(0, 1)
    assert host.rd(IMS) == RXT0
    host.rd(ICR)
    assert host.rd(IMS) == 0


def test_intx_is_a_level(host):
    host.rd(ICR)
    host.interrupts(0, 1)
    host.wr(IMS, RXT0)
    host.wr(ICS, RXT0)
    assert host.taken(0, 1) == 1
    host.wr(IMS, LSC)
    host.wr(ICS, LSC)
    assert not host.taken(0, 0.01)  # the host has not taken note yet
    host.unmask()                   # nobody has read ICR: the line is still up
    assert host.taken(0, 1) == 1
    assert host.rd(ICR) & ASSERTED
    host.unmask()
    assert not host.taken(0, 0.01)


def test_intx_is_not_unmasked_by_an_eventfd(host):
    """QEMU asks for that under KVM, and unmasks by messages where it is refused."""
    fd = os.eventfd(0, os.EFD_NONBLOCK)
    request = struct.pack("<IIIII", 20, 4 | 16, 0, 0, 1)
    assert host.request(SET_IRQS, request, [fd])[0] == errno.EINVAL
    os.close(fd)
    test_intx_is_a_level(host)


def test_itr(host):
    host.rd(ICR)
    host.interrupts(1, 1)
    host.wr(ITR, 40000)             # 10.24 ms
    host.wr(IMS, RXT0)
    begun = time.monotonic()
    host.wr(ICS, RXT0)
    host.stats()
    assert host.taken(0, 1)
    assert host.stats()["gaps"] == [0] * 5      # it had none before it
    host.rd(ICR)
    host.wr(ICS, RXT0)
    assert host.taken(0, 1)
    assert time.monotonic() - begun > 0.0095
    first, *others = host.stats()["gaps"]
    assert first >= 10240 and not any(others)


def test_masked_causes_are_kept(host):
    host.rd(ICR)
    msix(host)
    host.wr(ICS, RXQ0)
    settle(host)
    assert not host.taken(0)
    host.wr(IMS, RXQ0)
    assert host.taken(0, 1)
    host.wr(IMC, 0xFFFFFFFF)
    assert host.rd(IMS) == 0


def test_no_message_without_eventfds(host):
    host.rd(ICR)
    msix(host)
    host.wr(IMS, RXQ0)
    host.no_interrupts()
    host.wr(ICS, RXQ0)
    settle(host)
    assert not host.taken(0)

ACK = MAC + PEER + bytes.fromhex(
    "080045000028000700004006f6c6c0000202c000020103e807d0000000010000000150100"
    "3e800000000")


@pytest.mark.parametrize("disabled,errata", [(True, "ack"), (False, "ack"), (True, "no-ack"),
                                             (False, "no-ack")])
def test_acknowledgements_are_spurious(host, disabled, errata):
    host.command(f"errata {errata}")
    rx = RxRing(host)
    host.wr(RFCTL, 1 << 15 | (1 << 12 if disabled else 0))
    host.rd(ICR)
    msix(host)
    host.wr(IMS, OTHER | 1 << 17)
    host.frame_in(ACK)
    rx.wait()
    assert bool(host.taken(4, 0.05)) == (not disabled and errata == "ack")


def test_overrun_storms(host):
    RxRing(host, buffers=0)
    host.rd(ICR)
    msix(host)
    host.wr(eitr(4), 0)
    host.wr(IMS, OTHER | 1 << 6)
    for _ in range(40):
        host.frame_in(MAC + PEER + bytes(1000))
    wait_until(lambda: host.stats()["received"] == 40)
    assert host.stats()["overrun"]
    for _ in range(5):
        assert host.taken(4, 1)
        host.rd(ICR)
        host.wr(IMS, OTHER | 1 << 6)
    host.command("errata no-rxo-storm")
    for _ in range(2):
        host.taken(4, 0.01)
        host.rd(ICR)
        host.wr(IMS, OTHER | 1 << 6)
    assert not host.taken(4, 0.02)


def test_intx_is_moderated_when_it_is_unmasked(host):
    """The cause stays: each UNMASK gives one more interrupt, but none before ITR allows."""
    host.rd(ICR)
    host.interrupts(0, 1)
    host.wr(ITR, 60000)             # 15.36 ms
    host.wr(IMS, RXT0)
    host.wr(ICS, RXT0)
    assert host.taken(0, 1)
    host.stats()
    for _ in range(3):
        host.unmask()
        assert host.taken(0, 1)
    assert host.stats()["gaps"][0] >= 15360
    host.wr(ITR, 0)
    host.unmask()
    assert host.taken(0, 0.5)


def test_lost_interrupt_of_intx(host):
    """Nothing is left pending behind it: the next edge is an interrupt again."""
    host.rd(ICR)
    host.interrupts(0, 1)
    host.command("fault no-irq 1")
    host.wr(IMS, RXT0)
    host.wr(ICS, RXT0)
    assert not host.taken(0, 0.1)
    assert host.rd(ICR) & RXT0
    host.wr(ICS, RXT0)
    assert host.taken(0, 1)
