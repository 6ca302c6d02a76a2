# SPDX-License-Identifier: GPL-2.0
"""The device model: nothing that a host does ends it."""

import random
import struct

import pytest
from client import (BASE, CTRL, EOP, IFCS, MAC, MEM, PEER, RCTL, READ, RS, STATUS, TCTL, RxRing,
                    TxRing)

FRAME = PEER + MAC + b"\x88\xb5" + bytes(range(86))
ARRIVING = MAC + PEER + FRAME[12:]


@pytest.mark.parametrize("count", [32769, 65537, 0x1fff0, 0xffffffff])
def test_access_of_more_than_was_agreed_is_refused(host, count):
    assert host.request(READ, struct.pack("<QII", 0, 0, count))[0]
    assert host.rd(STATUS) != 0xffffffff


@pytest.mark.parametrize("seed", range(4))
def test_fuzz(hosts, seed):
    """Registers, descriptors and frames at random; the sanitizers watch."""
    rng = random.Random(seed)
    host = hosts("--scale", "0", "--errata", rng.choice(["all", "none"]))
    host.link_up()
    offsets = [x for x in range(0, 0x6000, 4) if x < 0x600 or x >= 0x1000]
    # Likely places, so that rings really run.
    likely = [0x100, 0x400, 0x2800, 0x2808, 0x2810, 0x2818, 0x3800, 0x3808, 0x3810, 0x3818, 0x2918,
              0x3918, 0x3900, 0x3908, 0x5008, 0x5000, 0x3828, 0x2828]
    host.mem[:65536] = rng.randbytes(65536)
    for at in range(0, 65536, 16):
        struct.pack_into("<QII", host.mem, at, BASE + rng.randrange(MEM - 70000),
                         rng.choice([DATA_EOP, 1 << 29, rng.getrandbits(32)])
                         | rng.randrange(3000), rng.getrandbits(32))
    for _ in range(3000):
        offset = rng.choice(likely if rng.random() < 0.6 else offsets)
        value = rng.choice([rng.getrandbits(32), BASE + rng.randrange(0, 65536, 128),
                            rng.randrange(4096), 2, 0xFFFFFFFF])
        if offset == CTRL:
            value &= ~4             # or nothing more would happen
        host.wr(offset, value)
        if rng.random() < 0.05:
            host.frame_in(MAC + PEER + rng.randbytes(rng.randrange(50, 3000)))
        if rng.random() < 0.05:
            host.rd(rng.choice(offsets))
    host.rd(STATUS)


DATA_EOP = 1 << 29 | 1 << 20 | EOP | IFCS | RS


def test_threads(hosts):
    """The three threads share nothing without the lock."""
    host = hosts(sanitize="thread")
    host.link_up()
    rx, tx = RxRing(host, count=64), TxRing(host)
    host.interrupts()
    for _ in range(200):
        host.frame_in(ARRIVING)
        slot = tx.frame(FRAME)
        tx.ring()
        tx.wait(slot)
        assert host.frame_out() == FRAME
        rx.wait()
        rx.give((rx.next - 1) % 64)
        host.wr(rx.reg + 0x18, (rx.next - 1) % 64)
        host.stats()
        host.rd(0xC0)
    assert not host.offences()


def test_lies_about_a_frame_of_nothing(hosts):
    host = hosts("--errata", "no-short")
    host.link_up()
    RxRing(host, rctl=7 << 2 | 3 << 6)          # SBP, UPE, MPE, loopback
    host.command("fault bad-data 1")
    tx = TxRing(host)
    host.wr(TCTL, host.rd(TCTL) & ~8)           # PSP
    for _ in range(20):
        slot = tx.desc(BASE, DATA_EOP)
    tx.ring()
    tx.wait(slot)


def test_frame_of_more_buffers_than_the_chip_holds(hosts):
    """Is lost, and the next one comes."""
    host = hosts()
    host.link_up()
    rx = RxRing(host, count=128, rctl=1 << 2 | 1 << 5 | 3 << 16)        # SBP, LPE, 256 bytes
    host.wr(RCTL, host.rd(RCTL) & ~(1 << 26))   # SECRC
    host.frame_in(ARRIVING[:14] + bytes(16384 - 14))
    host.frame_in(ARRIVING)
    assert rx.wait()[0][:len(ARRIVING)] == ARRIVING
