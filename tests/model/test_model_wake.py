# SPDX-License-Identifier: GPL-2.0
"""The device model: wake-up."""

import pytest
from client import CTRL, EECD, MAC, PEER, RCTL, STATUS, ral, wait_until

PMCSR, D3, PME_EN, PME_STATUS = 0xCC, 3, 1 << 8, 1 << 15
WUC, WUFC, WUS = 0x5800, 0x5808, 0x5810
FFLT, FFMT, FFVT = 0x5F00, 0x9000, 0x9800
LNKC, MAG, EX, MC, BC = (1 << i for i in range(5))
BODY = b"\x88\xb5" + bytes(60)
MAGIC = b"\x08\x42" + b"\xff" * 6 + MAC * 16
GROUP, ALL = bytes.fromhex("01005e000001"), b"\xff" * 6
FRAMES = {EX: MAC + PEER + BODY, MC: GROUP + PEER + BODY, BC: ALL + PEER + BODY,
          MAG: ALL + PEER + MAGIC, EX | MAG: MAC + PEER + MAGIC,
          0: bytes.fromhex("020000000001") + PEER + MAGIC}


def sleep(host, wufc, wuc=2, pme=PME_EN):
    host.link_up()
    host.wr(RCTL, 2 | 1 << 15 | 1 << 4)         # on, broadcast, all multicast
    host.wr(WUFC, wufc)
    host.wr(WUC, wuc)
    host.rd(STATUS)
    host.cfg_write(PMCSR, 2, D3 | pme)


def awake(host):
    host.cfg_write(PMCSR, 2, PME_EN)
    wait_until(lambda: host.rd(EECD) & 1 << 9, what="back in D0")


def asserted(host):
    return host.stats()["pmes"], bool(host.cfg_read(PMCSR, 2) & PME_STATUS)


@pytest.mark.parametrize("cause", [MAG, EX, MC, BC])
def test_each_kind_wakes_and_no_other(host, cause):
    sleep(host, cause)
    for kinds, frame in FRAMES.items():
        before = host.stats()["pmes"]
        host.command(f"frame {frame.hex()}")
        # Any broadcast frame is one, a magic packet too.
        wakes = kinds & cause or (cause == BC and frame[:6] == ALL)
        assert host.stats()["pmes"] - before == bool(wakes), (cause, kinds)
    awake(host)
    assert host.rd(WUS) == cause
    host.wr(WUS, cause)
    assert host.rd(WUS) == 0
    assert host.cfg_read(PMCSR, 2) & PME_STATUS
    host.cfg_write(PMCSR, 2, PME_STATUS)
    assert not host.cfg_read(PMCSR, 2) & PME_STATUS
    assert not host.offences()


def test_link_change_wakes(host):
    host.command("link down")
    host.set(CTRL, 0x40)
    host.wr(WUFC, LNKC)
    host.wr(WUC, 2)
    host.rd(STATUS)
    host.cfg_write(PMCSR, 2, D3 | PME_EN)
    assert asserted(host) == (0, False)
    host.command("link up")
    wait_until(lambda: asserted(host) == (1, True), what="PME")


def pattern(host, number, text, mask):
    """Octets of a frame from its first; those that the mask has are looked at."""
    host.wr(FFLT + 8 * number, len(text))
    for i, (octet, looked_at) in enumerate(zip(text, mask)):
        host.wr(FFVT + 8 * i, host.rd(FFVT + 8 * i) | octet << 8 * number)
        host.wr(FFMT + 8 * i, host.rd(FFMT + 8 * i) | looked_at << number)


@pytest.mark.parametrize("number", [0, 3])
def test_pattern_wakes(host, number):
    text = MAC + PEER + b"\x88\xb5" + bytes(range(50))
    pattern(host, number, text, [i != 20 and i < 60 for i in range(len(text))])
    pattern(host, 1, b"\xff", [1])              # not enabled
    sleep(host, 1 << 16 + number)
    others = [text[:i] + b"\x77" + text[i + 1:] for i in (6, 14, 59)]
    for frame in [*others, ALL + text[6:], text[:60]]:
        host.command(f"frame {frame.hex()}")
        assert host.stats()["pmes"] == 0, frame.hex()
    host.command(f"frame {(text[:20] + b'?' + text[21:] + bytes(80)).hex()}")
    assert host.stats()["pmes"] == 1
    awake(host)
    assert host.rd(WUS) == 1 << 16 + number
    assert not host.offences()


def test_pattern_without_a_length_is_none(host):
    sleep(host, 0xF << 16)
    host.command(f"frame {FRAMES[EX].hex()}")
    assert host.stats()["pmes"] == 0


@pytest.mark.parametrize("how", ["WUC", "WUFC", "PME_En", "receiver", "address"])
def test_what_must_be_armed(host, how):
    if how == "address":
        host.wr(ral(0) + 4, 0)
    sleep(host, 0 if how == "WUFC" else EX, 0 if how == "WUC" else 2,
          0 if how == "PME_En" else PME_EN)
    if how == "receiver":
        awake(host)
        host.link_up()
        host.wr(WUFC, EX)
        host.wr(WUC, 2)
        host.cfg_write(PMCSR, 2, D3 | PME_EN)
    host.command(f"frame {FRAMES[EX].hex()}")
    assert host.stats()["pmes"] == 0


def test_apm_and_a_reset_of_the_bus(host):
    """By APM alone; what tells of it outlives a reset."""
    sleep(host, 0, 1 | 8)
    host.command(f"frame {FRAMES[EX].hex()}")
    assert host.stats()["pmes"] == 0
    host.command(f"frame {FRAMES[MAG].hex()}")
    assert host.stats()["pmes"] == 1
    host.request(13)
    assert host.cfg_read(PMCSR, 2) == PME_EN | PME_STATUS
    host.cfg_write(4, 2, 0x6)
    wait_until(lambda: host.rd(EECD) & 1 << 9, what="AUTO_RD")
    assert host.rd(WUS) == MAG
