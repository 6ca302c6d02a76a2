# SPDX-License-Identifier: GPL-2.0
"""It loads, carries traffic, and goes away."""

import re

import pytest
from lab import PY, wait_until


def test_ping(nic):
    nic.ping(nic.PEER)
    nic.ping(nic.PEER6)
    nic.ping(nic.IP, netns="peer")
    nic.ping(nic.PEER, size=1472, more="-M do")


@pytest.mark.rule("T12", "R1")
def test_transfer_both_ways(nic):
    nic.transfer(1 << 18)
    nic.transfer(1 << 18, reverse=True)
    nic.transfer(1 << 17, nic.PEER6)
    nic.transfer(1 << 17, nic.PEER6, reverse=True)


@pytest.mark.rule("D3", "D9")
def test_reload_20_times(nic):
    for i in range(nic.rounds(20)):
        nic.guest.unload_driver()
        nic.guest.load_driver()
        if i % 5 == 4:
            nic.guest.net_up()
            nic.ping(count=1)


@pytest.mark.rule("D3")
def test_unload_under_traffic(nic):
    for direction in ("rx", "tx"):
        with nic.flood(direction):
            nic.guest.unload_driver()
        nic.load()
        nic.ping()


@pytest.mark.rule("D9")
def test_unbind_and_bind(nic):
    pci = nic.guest.pci()
    for _ in range(3):
        nic.sh(f"echo {pci} >/sys/bus/pci/drivers/hartwell/unbind")
        assert "dut0" not in nic.sh("ip -o link")
        nic.sh(f"echo {pci} >/sys/bus/pci/drivers/hartwell/bind")
        nic.sh("hwlab names")
        nic.guest.net_up()
        nic.ping()


@pytest.mark.debug
@pytest.mark.rule("D4", "D6")
def test_remove_with_open_handles(nic):
    """A reader of sysfs and a netlink socket outlive the interface."""
    script = "\n".join([
        "import socket, subprocess, sys",
        "f = open('/sys/class/net/dut0/statistics/rx_packets')",
        "f.read(1)",
        "s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)",
        "s.bind((0, 1))",
        "p = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))",
        "p.bind(('dut0', 3))",
        "subprocess.check_call(['rmmod', 'hartwell'])",
        "try:",
        "    f.seek(0); f.read()",
        "    sys.exit('the file can be read')",
        "except OSError: pass",
        "p.close(); s.close()"])
    nic.guest.put(script, "/tmp/handles.py")
    nic.sh("python3 /tmp/handles.py")
    nic.load()
    nic.ping()


@pytest.mark.rule("D2", "R3")
def test_open_close_under_flood_50_times(nic):
    nic.sh("ip addr flush dev dut0 scope link")
    with nic.flood("rx"):
        for _ in range(nic.rounds(50)):
            nic.sh("ip link set dut0 down; ip link set dut0 up")
    nic.guest.net_up()
    nic.ping()
    assert nic.stats()["rx_err_descriptor"] == 0


@pytest.mark.debug
@pytest.mark.rule("D2", "T20")
def test_open_close_while_sending_20_times(nic):
    # pktgen would end at the first close.
    sender = nic.spawn(f"exec {PY}/raw.py blast dut0")
    for _ in range(nic.rounds(20)):
        before = nic.link()["stats64"]["tx"]["packets"]
        wait_until(lambda: nic.link()["stats64"]["tx"]["packets"] > before, what="frames leave")
        nic.sh("ip link set dut0 down; ip link set dut0 up")
    sender.kill()
    nic.guest.net_up()
    nic.ping()
    stats = nic.stats()
    assert stats["tx_busy"] == 0 and stats["tx_timeouts"] == 0


RCTL, TCTL, EN = 0x100, 0x400, 2


@pytest.mark.rule("D2")
def test_closed_device_is_silent(nic):
    assert nic.reg(RCTL) & EN and nic.reg(TCTL) & EN
    nic.sh("ip link set dut0 down")
    assert not nic.reg(RCTL) & EN, "receives after ndo_stop"
    assert not nic.reg(TCTL) & EN, "transmits after ndo_stop"
    assert nic.reg(0xd0) == 0, "interrupts are enabled after ndo_stop"


@pytest.mark.rule("D11")
def test_vectors(nic):
    """Each queue has its own vector, and each counts."""
    def counts():
        """{name: interrupts} of the driver's lines in /proc/interrupts"""
        lines = re.findall(r"^\s*\d+:((?:\s+\d+)+) .*hartwell-[^-\s]+-?(\S*)$",
                           nic.sh("cat /proc/interrupts"), re.M)
        return {name: sum(map(int, numbers.split())) for numbers, name in lines}
    nic.transfer(1 << 16)
    wait_until(lambda: len(counts()) == 5, what=f"5 vectors: {counts()}")
    assert all(counts()[x] for x in ("rx-0", "tx-0")), counts()


def test_log_of_a_normal_life(nic):
    """One line at probe, one at link up, one at link down: no chatter."""
    nic.transfer(1 << 16)
    nic.sh("ip link set dut0 down")
    lines = [x for x in nic.log().splitlines() if re.search("hartwell|dut0", x)
             and not re.search("renamed from|loading out-of-tree|verification failed", x)]
    assert len(lines) == 3, "\n".join(lines)
