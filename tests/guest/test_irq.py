# SPDX-License-Identifier: GPL-2.0
"""Kinds of interrupts, numbers of processors: each carries all traffic."""

import re

import pytest
from lab import PY, wait_until


IMS, IMC = 0xd0, 0xd8


def exercise(nic, pairs):
    polls = nic.stats()["watchdog_polls"]
    out = nic.sh("ethtool -l dut0")
    assert [int(x) for x in re.findall(r"^Combined:\s+(\d+)", out, re.M)] == [pairs, pairs], out
    nic.ping(count=20)
    for dst in (nic.PEER, nic.PEER6):
        nic.transfer(1 << 17, dst)
        nic.transfer(1 << 17, dst, reverse=True)
    with nic.no_link_bounce():
        nic.sh("ethtool -G dut0 rx 128 tx 128; ethtool -C dut0 rx-usecs 30 tx-usecs 30")
        nic.transfer(1 << 16)
    with nic.flood("rx"):
        nic.ping()
    nic.guest.set_link(False)
    wait_until(lambda: not nic.carrier(), 5, "no carrier")
    nic.guest.set_link(True)
    nic.guest.net_up()
    nic.ping()
    stats = nic.stats()
    assert stats["tx_timeouts"] == 0
    # Short of a guest that stands still for a while.
    assert stats["watchdog_polls"] - polls < 4, "interrupts do not come"
    out = nic.sh("ping -n -f -c 500 -W 5 192.0.2.2", 60)
    assert " 0% packet loss" in out, out
    assert float(out.rpartition("=")[2].split("/")[2]) < 350, out


def rearms(nic):
    """The poll unmasks all causes of the line.  Silicon masks them when ICR is read, QEMU does
    not, so here they are masked by hand."""
    before = nic.reg(IMS)
    nic.set_reg(IMC, 0xffffffff)
    wait_until(lambda: nic.answers() and nic.reg(IMS) == before, 10, "causes unmasked")


def lines(nic):
    return re.findall(r"^.*hartwell-.*$", nic.sh("cat /proc/interrupts"), re.M)


def limited(nic, attempts):
    """The first attempts to get vectors fail, as on boards that grant fewer."""
    name = nic.sh("grep -ow -m1 -e pci_alloc_irq_vectors_affinity /proc/kallsyms || "
                  "echo pci_alloc_irq_vectors").strip()
    direct = nic.guest.run("grep -qw pci_alloc_irq_vectors /proc/kallsyms", check=False)
    nic.fail("pci_alloc_irq_vectors" if direct.rc == 0 else name, -28, -attempts)
    nic.load()
    assert nic.fail_hits() == attempts


@pytest.mark.rule("D11")
def test_msix_with_a_vector_a_queue(nic):
    assert len(lines(nic)) == 5
    exercise(nic, 2)


@pytest.mark.bare
@pytest.mark.rule("D11")
def test_msix_with_a_vector_a_pair(nic):
    limited(nic, 1)
    assert len(lines(nic)) == 3
    exercise(nic, 2)
    nic.refused("ethtool -C dut0 rx-usecs 10 tx-usecs 20", "must be equal: one interrupt")


@pytest.mark.bare
@pytest.mark.rule("D11")
def test_msix_with_one_pair(nic):
    limited(nic, 2)
    assert len(lines(nic)) == 2
    exercise(nic, 1)


@pytest.mark.bare
@pytest.mark.rule("D11")
def test_msi(nic):
    limited(nic, 3)
    text, = lines(nic)
    assert "MSI" in text and "MSIX" not in text and "MSI-X" not in text, text
    exercise(nic, 1)
    rearms(nic)


@pytest.mark.guest(append="pci=nomsi")
@pytest.mark.rule("D11")
def test_intx(nic):
    text, = lines(nic)
    assert "IO-APIC" in text, text
    exercise(nic, 1)
    rearms(nic)


@pytest.mark.rule("R1")
def test_deferred_interrupts(nic):
    """napi_defer_hard_irqs: a timer polls, and until it stops doing so no interrupt comes."""
    def count():
        return sum(int(x) for line in lines(nic) for x in line.split()[1:3])
    # A poll that only completes transmissions defers nothing: one pair has both.
    nic.sh("ethtool -L dut0 combined 1")
    nic.sh("cd /sys/class/net/dut0; echo 100 >napi_defer_hard_irqs; "
           "echo 2000000 >gro_flush_timeout")
    nic.ping()
    before = count()
    nic.sh(f"ping -n -f -c 300 -W 5 {nic.PEER}", 60)
    assert count() - before < 60
    nic.sh("cd /sys/class/net/dut0; echo 0 >napi_defer_hard_irqs; echo 0 >gro_flush_timeout")
    nic.ping()


@pytest.mark.guest(smp=4)
def test_four_processors(nic):
    """Each transmits on one of the queues."""
    exercise(nic, 2)
    masks = [int(x, 16) for x in nic.sh("cat /sys/class/net/dut0/queues/tx-*/xps_cpus").split()]
    assert len(masks) == 2 and masks[0] | masks[1] == 15 and not masks[0] & masks[1], masks
    for cpu in range(4):
        nic.sh(f"taskset -c {cpu} ping -n -c 1 -W 5 {nic.PEER}")


@pytest.mark.guest(smp=1)
def test_one_processor(nic):
    out = nic.sh("ethtool -l dut0")
    assert re.findall(r"^Combined:\s+(\d+)", out, re.M) == ["2", "1"], out
    nic.transfer(1 << 17)
    nic.transfer(1 << 17, reverse=True)
    nic.sh("ethtool -L dut0 combined 2")
    nic.transfer(1 << 17)
    with nic.flood("rx"):
        nic.ping()


@pytest.mark.rule("D11")
def test_goes_on_to_the_next_kind(nic):
    """MSI-X of which a vector stays masked, whatever the driver does: MSI, said once.

    Counters do not go back, settings hold, and no poll has to help any more.
    """
    nic.expect_log(r"interrupts do not arrive", r"using MSI")
    nic.sh("ethtool -G dut0 rx 512; ethtool -X dut0 weight 1 3; ip link set dut0 mtu 1400")
    nic.transfer(1 << 16)
    before = nic.stats()
    table = nic.resource()[:-1] + "3"
    storm = nic.spawn(f"exec {PY}/storm.py {table} 12 1")
    with nic.no_link_bounce():
        wait_until(lambda: "interrupts were lost again and again; using MSI" in nic.log(), 40,
                   "the next kind")
        wait_until(nic.answers, 5, "traffic")
    storm.kill()
    text, = lines(nic)
    assert "MSI" in text and "MSIX" not in text and "MSI-X" not in text, text
    after = nic.stats()
    assert 3 <= after["resets"] - before["resets"] <= 4
    back = [n for n in before if after[n] < before[n]]
    assert not back, back
    assert re.findall(r"^RX:\s+(\d+)", nic.sh("ethtool -g dut0"), re.M)[-1] == "512"
    polls = after["watchdog_polls"]
    nic.sh("ip link set dut0 mtu 1500")
    exercise(nic, 1)
    assert nic.stats()["watchdog_polls"] <= polls + 1
    assert nic.log().count("using MSI") == 1
    nic.sh("ip link set dut0 down; ip link set dut0 up")
    nic.guest.net_up()
    nic.ping()
