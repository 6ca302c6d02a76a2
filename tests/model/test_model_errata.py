# SPDX-License-Identifier: GPL-2.0
"""The device model: each row of the table of errata has its switch, its mutants, and bites."""

import re
import subprocess
import time
from pathlib import Path

import packets as p
import pytest
from client import (CTRL, CTRL_EXT, EECD, EXTCNF, GCR, GCR2, LNKCTL, MAC, MDIC, PEER, STATUS, TXSM,
                    RxRing, TxRing, wait_until)
from hwlab.model import binary

TESTS = Path(__file__).resolve().parents[1]

ROWS = range(1, 23)
FRAME = PEER + MAC + b"\x88\xb5" + bytes(range(86))
ARRIVING = MAC + PEER + FRAME[12:]
DOCUMENT = TESTS.parent / "Documentation/model.rst"


def switches():
    """{row: name} by --help."""
    text = subprocess.run([binary(), "--help"], text=True, capture_output=True, check=True).stdout
    return {int(row): name for row, name in re.findall(r"^ +(\d+) (\S+) +(?:on|off) ", text, re.M)}


def documented():
    """{row: (switches and faults, mutants)} by model.rst."""
    text = DOCUMENT.read_text(encoding="utf-8").partition("   * - row\n     - switch")[2]
    rows = re.findall(r"^   \* - (\d+)\n     -(.*?)\n     -.*?\n     -(.*?)(?=\n   \* -|\n\n)",
                      text, re.M | re.S)
    return {int(row): tuple(set(re.findall(r"``(.*?)``", x)) for x in rest)
            for row, *rest in rows}


def mutants(row):
    return {x.stem for x in (TESTS / "mutants").glob(f"E{row}-*.patch")}


@pytest.mark.parametrize("row", ROWS)
def test_row_has_its_switch_and_its_mutants(row):
    assert sorted(switches()) == list(ROWS)
    assert mutants(row), "no mutant lacks its work-around"
    names, listed = documented()[row]
    assert switches()[row] in names
    assert listed == {x.partition("-")[2] for x in mutants(row)}


# --- 1 and 17: what a driver has to mend after a reset ---

LEFT = {
    "aspm": (lambda host: host.cfg_write(LNKCTL, 2, 3), "aspm"),
    "GCR.22": (lambda host: host.wr(GCR, 1 << 27), "aspm"),
    "GCR.27": (lambda host: host.wr(GCR, 1 << 22), "aspm"),
    "GCR2.0": (lambda host: host.wr(GCR2, 0), "aspm"),
    "CTRL.29": (lambda host: host.set(CTRL, 1 << 29), "reserved"),
    "CTRL_EXT.22": (lambda host: host.wr(CTRL_EXT, host.rd(CTRL_EXT) & ~(1 << 22)), "reserved"),
    "CTRL_EXT.23": (lambda host: host.set(CTRL_EXT, 1 << 23), "reserved"),
}


@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
@pytest.mark.parametrize("what", LEFT)
def test_what_is_not_mended_hangs(hosts, what, on):
    do, name = LEFT[what]
    host = hosts("--errata", name if on else f"no-{name}", "--scale", "10")
    host.link_up()
    tx = TxRing(host, count=2048)
    do(host)
    slots = [tx.frame(FRAME[:60]) for _ in range(1100)]
    tx.ring()
    if on:
        wait_until(lambda: host.stats()["hung"])
        assert not tx.done(slots[-1])
    else:
        while host.frame_out(0.05):
            pass
        tx.wait(slots[-1])


@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_what_comes_up_wrong(hosts, on):
    host = hosts("--errata", "reserved" if on else "no-reserved")
    for _ in range(2):
        assert bool(host.rd(CTRL) & 1 << 29) == on
        assert host.rd(CTRL_EXT) >> 22 & 3 == (2 if on else 1)
        host.settle()
        assert not host.rd(CTRL) & 1 << 29 and host.rd(CTRL_EXT) >> 22 & 3 == 1
        host.reset()
    assert not host.offences()      # what comes up so may be written back


# --- 7: the PHY ---

def test_phy_hangs_until_a_reset(host):
    rx = RxRing(host, count=256)
    host.own()
    for _ in range(50):             # those before are not counted
        host.frame_in(ARRIVING)
        rx.wait()
    host.command("errata phy-hang")
    for _ in range(100):
        host.frame_in(ARRIVING)
        rx.wait()
    assert host.mdio(21) != 0xFFFF
    host.frame_in(ARRIVING)
    wait_until(lambda: host.stats()["no_link"] == 1)
    assert (host.mdio(21), host.mdio(10) & 0xFF) == (0xFFFF, 0xFF)
    host.command("errata no-phy-hang")
    tx = TxRing(host)
    slot = tx.frame(FRAME)
    tx.ring()
    tx.wait(slot)
    assert host.frame_out(0.05) is None and rx.empty()
    assert host.rd(STATUS) & 2      # it does not look so from outside
    host.reset()
    host.link_up()
    host.own()
    assert host.mdio(21) != 0xFFFF
    rx = RxRing(host)
    host.frame_in(ARRIVING)
    rx.wait()


# --- 10: contexts ---

@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_one_context_or_one_each(hosts, on):
    host = hosts("--errata", "one-context" if on else "no-one-context")
    host.link_up()
    one, two = TxRing(host, 0), TxRing(host, 1)
    ip = p.seeded(p.ip4(p.tcp(b"abc")), 6, 23)
    one.context(tucss=34, tucso=50, flags=1 << 24)
    two.context(tucss=14, tucso=20, flags=1 << 24)
    for tx in (one, two):
        slot = tx.desc(host.alloc(64), 1 << 29 | 1 << 20 | 1 << 24 | 1 << 25 | 1 << 27 | 60)
        tx.ring()
        tx.wait(slot)
        host.frame_out()
    one.frame(p.ether(ip), upper=TXSM)
    one.ring()
    assert p.l4_good(host.frame_out()[14:], 6) != on
    assert host.offences() == ({"context"} if on else set())


# --- 19: vectors ---

@pytest.mark.parametrize("args,count", [([], 5), (["--errata", "vectors"], 3),
                                        (["--errata", "vectors", "--vectors", "2"], 2)])
def test_vectors(hosts, args, count):
    assert hosts(*args).cfg_read(0xA2, 2) & 0x7FF == count - 1


# --- 21: MDIO over a reset ---

@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_mdio_over_a_reset(hosts, on):
    host = hosts("--errata", "mdio-owner" if on else "no-mdio-owner")
    host.own()
    host.mdio(4, 0x01E1)
    host.reset_begin()
    wait_until(lambda: host.rd(EECD) & 1 << 9)
    assert bool(host.rd(EXTCNF) & 0x20) != on
    host.own()
    host.wr(MDIC, 1 << 26 | 0x0061 | 1 << 21 | 4 << 16)
    wait_until(lambda: host.rd(MDIC) & 1 << 28)
    assert host.offences() == ({"phy-early"} if on else set())
    time.sleep(0.025)
    assert host.mdio(4) == (0x01E1 if on else 0x0061)
