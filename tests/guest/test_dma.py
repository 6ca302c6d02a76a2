# SPDX-License-Identifier: GPL-2.0
"""Where the device reaches memory through something: an IOMMU, bounce buffers, 32 bits."""

import re

import pytest
from lab import wait_until

IOMMU = pytest.mark.guest(append="intel_iommu=on iommu.strict=1 iommu.passthrough=0",
                          early_args=("-device", "intel-iommu"))
TINY = pytest.mark.guest(append="swiotlb=2048,force")
BOUNCE_WARNING = r"swiotlb buffer is full"


def all_kinds_of_traffic(nic):
    for reverse in (False, True):
        nic.transfer(1 << 18, reverse=reverse)
        nic.transfer(1 << 17, nic.PEER6, reverse=reverse)
    nic.transfer(1 << 16, more="--how fragments")
    with nic.flood("tx", burst=8):
        wait_until(nic.answers, 10, "an answer beside a flood")
    with nic.flood("rx"):
        wait_until(nic.answers, 10, "an answer beside a flood")


@IOMMU
@pytest.mark.rule("T15", "R5")
def test_strict_iommu(nic):
    """Each mapping ends when the packet does: what the device touches too late is a fault."""
    groups = nic.sh("ls /sys/class/iommu; cat /sys/bus/pci/devices/"
                    f"{nic.guest.pci()}/iommu_group/type")
    assert "DMA" in groups and "DMA-FQ" not in groups, groups
    all_kinds_of_traffic(nic)
    nic.sh("ip link set dut0 mtu 9000; ip -n peer link set peer0 mtu 9000")
    nic.defer("ip link set peer0 mtu 1500", "peer")
    nic.transfer(1 << 18)
    nic.transfer(1 << 18, reverse=True)
    for _ in range(3):
        with nic.flood("rx"), nic.flood("tx"):
            nic.sh("ethtool -G dut0 rx 64 tx 80; ethtool -G dut0 rx 512 tx 512; "
                   "ip link set dut0 down; ip link set dut0 up")
            nic.guest.net_up()
    nic.ping()
    assert not re.search(r"\bfault\b", nic.log()), nic.log()


@IOMMU
@pytest.mark.rule("T18")
def test_reset_under_an_iommu(nic):
    """The rings go only when the device no longer touches them."""
    nic.expect_log(r"tx queue \d hung")
    for _ in range(3):
        resets = nic.stats()["resets"]
        with nic.flood("rx"), nic.flood("tx"):
            nic.clear_bits(0x400, 2)
            wait_until(lambda: nic.stats()["resets"] > resets, 10, "a reset")
    wait_until(nic.answers, 10, "traffic")
    assert not re.search(r"\bfault\b", nic.log()), nic.log()


@TINY
@pytest.mark.rule("T15")
def test_bounce_buffers_run_out(nic):
    """Mappings fail on both paths: packets are dropped and counted, and nothing stalls."""
    nic.expect_log(BOUNCE_WARNING, r"swiotlb_tbl_map_single: \d+ callbacks suppressed",
                   r"peer0: (NETDEV WATCHDOG|TX timeout)")
    nic.refused("ethtool -G dut0 rx 1024")
    nic.ping()
    # While it runs, the old rings and the new ones would not fit together.
    nic.sh("ip link set dut0 down; ethtool -G dut0 rx 400; ip link set dut0 mtu 9000 up")
    nic.guest.net_up(9000)
    nic.defer("ip link set peer0 mtu 1500", "peer")
    before = nic.stats()

    def failed():
        now = nic.stats()
        return now["tx_dma_map_errors"] > before["tx_dma_map_errors"]
    with nic.flood("tx", size=8000, burst=32, more=["frags 8"]):
        wait_until(failed, 30, "a mapping that failed")
    wait_until(nic.answers, 10, "traffic")
    stats = nic.stats()
    assert stats["tx_timeouts"] == 0 and stats["resets"] == before["resets"]
    nic.sh("ip link set dut0 down; ethtool -G dut0 rx 256; ip link set dut0 up")
    nic.guest.net_up()
    nic.transfer(1 << 17)
    nic.transfer(1 << 17, reverse=True)


@pytest.mark.bare
@pytest.mark.guest(append="swiotlb=force")
def test_32_bits_of_address(nic):
    """A platform that refuses 64 bits: the mask says so, and all works."""
    nic.fail("dma_set_mask", -5, 1)
    nic.load()
    assert nic.fail_hits() == 1
    mask = nic.sh(f"cat /sys/bus/pci/devices/{nic.guest.pci()}/dma_mask_bits").strip()
    assert mask == "32"
    all_kinds_of_traffic(nic)
