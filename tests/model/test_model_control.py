# SPDX-License-Identifier: GPL-2.0
"""The device model: what its control socket and its command line refuse."""

import subprocess
import time

import pytest
from client import RDTR, STATUS, wait_until
from hwlab.model import binary

REFUSED = [
    "nonsense", "", "link", "link foo", "link up now", "partner", "partner nonsense",
    "partner 1000fd nonsense", "pause", "pause 65536", "pause -1", "pause many", "frame",
    "frame 00", "frame " + "zz" * 20, "frame " + "00" * 20 + "0", "frame " + "00" * 20000,
    "damage", "damage crc",
    "damage crc often", "damage rust 1", "damage crc -1", "scale", "scale x", "scale 1000001",
    "errata", "errata nonsense", "errata no-all", "errata none nonsense", "reg", "reg x",
    "reg 0x20000", "reg 0x2", "reg 0x99999999", "reg 0 1 2", "reg 0 0x100000000", "phy",
    "phy 32", "phy 2 0x10000", "phy 2 1 2", "nvm 1", "nvm 2048 1", "nvm 1 0x10000",
    "flash", "flash 2048",
    "flash 1 2", "offences now", "stats now",
    "fault", "fault nonsense", "fault no-irq x", "fault no-irq 1 2", "fault no-irq for",
    "fault no-irq 1 for ever", "fault no-irq 1 for 5 6", "fault txq-hang 2",
    "fault bad-len 65536", "fault sticky 0x20000", "fault late-irq 4294967296", "clear",
    "clear nonsense", "clear all of it", "partner" + " 10fd" * 20,
]


def state(host):
    stats = host.stats()
    return {x: stats[x] for x in ("sent", "received", "no_link", "fault")}, host.rd(STATUS)


@pytest.mark.parametrize("line", REFUSED, ids=lambda x: x[:40])
def test_refused_and_without_effect(host, line):
    before = state(host)
    host.control.write(line + "\n")
    host.control.flush()
    assert host.control.readline() == "error\n"
    assert state(host) == before


def test_partner_that_was_refused_is_as_before(host):
    for line in ("partner 10fd nonsense", "link foo"):
        host.control.write(line + "\n")
        host.control.flush()
        assert host.control.readline() == "error\n"
    host.command("link down")
    host.command("link up")
    wait_until(lambda: host.rd(STATUS) & 2)
    assert host.rd(STATUS) >> 6 & 3 == 2


@pytest.mark.parametrize("args", [["--scale", "x"], ["--scale", "-1"], ["--vectors", "0"],
                                  ["--vectors", "6"], ["--mdio", "1s"], ["--read", "-1"],
                                  ["--autoneg", ""], ["--errata", "nonsense"],
                                  ["--speed", "2500"], ["more"]],
                         ids=" ".join)
def test_command_line_that_is_refused(args):
    done = subprocess.run([binary(), "--socket", "/nonexistent/s", "--wire", "/nonexistent/w",
                           *args], capture_output=True, check=False, timeout=20)
    assert done.returncode == 2 and b"usage:" in done.stderr


def test_reads_that_take_long(hosts):
    """Reads alone: writes are posted."""
    host = hosts("--read", "20000")
    begun = time.monotonic()
    for _ in range(5):
        host.rd(STATUS)
    assert time.monotonic() - begun >= 0.1
    begun = time.monotonic()
    for _ in range(20):
        host.wr(RDTR, 0)
    assert time.monotonic() - begun < 0.2


def test_ends_with_a_control_client_in_the_middle_of_a_line(hosts):
    """exit() waits for whoever sits in a stream, from glibc 2.41 on."""
    host = hosts()
    other = host._connect("ctl")        # the next one, and it has said nothing
    host.control.write("sta")
    host.control.flush()
    host.sock.close()
    assert host.proc.wait(10) == 0
    other.close()
