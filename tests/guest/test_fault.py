# SPDX-License-Identifier: GPL-2.0
"""What the kernel or the NVM refuses, others on the interface; each ending with traffic."""

import re
import subprocess

import pytest
from lab import wait_until

SWIOTLB = pytest.mark.guest(append="swiotlb=force")


# --- memory and registrations that cannot be had ---

NULL, ENOMEM = 0, -12
# As the kernel at hand calls it.
FRAGMENT = [("page_pool_alloc_frag", NULL), ("page_pool_alloc_frag_netmem", NULL)]
PROBE = [("pci_enable_device_mem", ENOMEM), ("__devm_add_action", ENOMEM),
         ("alloc_etherdev_mqs", NULL), ("pcim_iomap_region", ENOMEM),
         ("__kmalloc_cache_node_noprof", NULL), ("register_netdev", ENOMEM)]
OPEN = [("request_threaded_irq", ENOMEM), ("dma_alloc_attrs", NULL),
        ("__kvmalloc_node_noprof", NULL), ("page_pool_create", ENOMEM),
        *FRAGMENT, ("netif_set_real_num_queues", ENOMEM)]


def walk(nic, function, value, attempt):
    """Fail the first, second, … call until there is no such call; how many there were."""
    n = 1
    # Not the refill of the rings that carry the traffic: that may fail unseen.
    caller = "_ring" if function.startswith("page_pool_alloc_frag") else ""
    while True:
        nic.fail(function, value, n, caller)
        done = attempt()
        if not nic.fail_hits():
            assert done.rc == 0, f"{function}: failed without a fault: {done.stderr}"
            return n - 1
        assert done.rc != 0 and "Cannot allocate memory" in done.stderr, \
            f"{function}: fault {n} was not reported: {done.stderr}"
        # Long runs of the same call: their first, some, and their last are enough.
        n += 1 if n < max(6, nic.rounds(12)) else 97


def names(nic, wanted):
    """Those functions of a list that the module for this kernel calls."""
    called = subprocess.run(["nm", "-u", nic.guest.config.module], check=True, text=True,
                            capture_output=True).stdout.split()
    return [(f, v) for f, v in wanted if f in called]


@pytest.mark.debug
@SWIOTLB
@pytest.mark.rule("D9")
def test_each_failure_of_probe_unwinds(nic):
    pci = nic.guest.pci()
    driver = "/sys/bus/pci/drivers/hartwell"
    nic.expect_log(r"probe with driver hartwell failed")

    def attempt():
        nic.guest.run(f"echo {pci} >{driver}/unbind", check=False)
        return nic.guest.run(f"echo {pci} | tee {driver}/bind", check=False)
    hits = {f: walk(nic, f, v, attempt) for f, v in names(nic, PROBE)}
    assert hits["register_netdev"] == 1 and all(hits.values()), hits
    # What has a second choice: 64 bits of DMA address, then 32; vectors in falling numbers.
    for function, error, choices in (("dma_set_mask", -5, 2), ("pci_alloc_irq_vectors", -28, 4)
                                     )[:0 if nic.guest.kernel.debug else 2]:
        nic.fail(function, error, 1 - choices)
        assert attempt().rc == 0 and nic.fail_hits() == choices - 1, function
        nic.fail(function, error, 0)
        assert attempt().rc != 0 and nic.fail_hits() == choices, function
    nic.sh("hwlab names")
    nic.guest.net_up()
    nic.ping()


@pytest.mark.debug
@SWIOTLB
@pytest.mark.rule("D9")
def test_each_failure_of_open_unwinds(nic):
    def attempt():
        nic.sh("ip link set dut0 down")
        return nic.guest.run("ip link set dut0 up", check=False)
    hits = {f: walk(nic, f, v, attempt) for f, v in names(nic, OPEN)}
    # The number of queues does not change here.
    assert not hits.pop("netif_set_real_num_queues") and all(hits.values()), hits
    assert hits["request_threaded_irq"] == 5 and hits["dma_alloc_attrs"] >= 4, hits
    nic.guest.net_up()
    nic.ping()


@SWIOTLB
@pytest.mark.rule("D10")
def test_each_failure_of_a_ring_change_leaves_the_old_rings(nic):
    size = [512]

    def attempt():
        done = nic.guest.run(f"ethtool -G dut0 rx {size[0]} tx {size[0]}", check=False)
        if done.rc:
            now = re.findall(r"^[RT]X:\s+(\d+)", nic.sh("ethtool -g dut0"), re.M)[-2:]
            assert str(size[0]) not in now, "changed all the same"
            nic.ping(count=1)
        else:
            size[0] = 768 - size[0]
        return done
    with nic.no_link_bounce():
        hits = {f: walk(nic, f, v, attempt) for f, v in names(nic, OPEN)
                if f != "request_threaded_irq"}
    assert hits["dma_alloc_attrs"] >= 4 and hits["page_pool_create"] == 4, hits
    nic.transfer(1 << 16)


@SWIOTLB
@pytest.mark.rule("D10")
def test_each_failure_of_a_channel_change_leaves_the_old_ones(nic):
    want = [1]

    def attempt():
        done = nic.guest.run(f"ethtool -L dut0 combined {want[0]}", check=False)
        if done.rc:
            nic.ping(count=1)
        else:
            want[0] = 3 - want[0]
        return done
    with nic.no_link_bounce():
        hits = {f: walk(nic, f, v, attempt) for f, v in names(nic, OPEN)
                if f != "request_threaded_irq"}
    assert all(hits.values()), hits
    nic.transfer(1 << 16)


@pytest.mark.debug
@SWIOTLB
def test_no_memory_for_receive_buffers(nic):
    """Refill fails for a while: counted, and traffic comes back by itself."""
    # With no buffer at our end the hub holds the peer back.
    nic.expect_log(r"peer0: (NETDEV WATCHDOG|TX timeout)")
    before = nic.stats()
    (alloc, _), = names(nic, FRAGMENT)
    nic.fail(alloc, 0, 0, "hwl_rxq_refill")
    # Small frames are copied, and leave their buffer to the ring.
    nic.guest.run(f"ping -n -f -s 1000 -c 600 -W 1 {nic.PEER}", 60, check=False)
    hits = nic.fail_hits()
    assert hits > 0
    wait_until(nic.answers, 5, "traffic")
    after = nic.stats()
    assert after["rx_alloc_fail"] > before["rx_alloc_fail"]
    # Not the interrupts that the watchdog raises: a timer tries 50 times a second.
    assert after["refill_retries"] - before["refill_retries"] >= 10, after["refill_retries"]
    nic.transfer(1 << 16, reverse=True)


@SWIOTLB
def test_no_memory_for_received_packets(nic):
    before = nic.stats()
    (alloc, _), = names(nic, FRAGMENT)
    for function, size in (("napi_build_skb", 1400), ("napi_build_skb", 56), (alloc, 56)):
        nic.ping(count=1)               # neighbours know each other
        nic.fail(function, 0, -5, "hwl_rxq_clean")
        nic.guest.run(f"ping -n -c 8 -i 0.02 -W 1 -s {size} {nic.PEER}", check=False)
        assert nic.fail_hits() == 5
    assert nic.stats()["rx_dropped"] == before["rx_dropped"] + 15
    nic.transfer(1 << 16, reverse=True)


# --- others that use the interface ---

@pytest.mark.debug
@pytest.mark.rule("R2", "D6")
def test_netconsole_under_load(nic):
    """Packets sent with interrupts off, while everything else goes on."""
    with nic.netconsole() as sink:
        with nic.stream():
            nic.log_100_lines(sink)
        nic.sh("ethtool -G dut0 tx 128; echo '<3>netconsole test 101' >/dev/kmsg")
        wait_until(lambda: "netconsole test 101" in sink.output(), 10, "a line after a change")
    nic.ping()


@pytest.mark.rule("R2")
def test_netconsole_while_things_change(nic):
    """Its lines leave from any context, whatever state the device is in."""
    nic.expect_log(r"tx queue \d hung")
    with nic.netconsole() as sink:
        writer = nic.spawn("while :; do echo '<3>netconsole test' >/dev/kmsg; sleep 0.01; done")
        for change in ("ethtool -G dut0 rx 128 tx 80", "ethtool -L dut0 combined 1",
                       "ethtool -L dut0 combined 2", "ip link set dut0 mtu 1400",
                       "ethtool -K dut0 sg off", "ip link set dut0 down; ip link set dut0 up",
                       "ethtool -t dut0 offline"):
            nic.sh(change)
            nic.guest.net_up()
        resets = nic.stats()["resets"]
        nic.clear_bits(0x400, 2)
        wait_until(lambda: nic.stats()["resets"] > resets, 10, "a reset")
        for up in (False, True):
            nic.guest.set_link(up)
            wait_until(lambda: nic.carrier() == up,
                       10, "the carrier follows")
        writer.kill()
        seen = len(sink.output())
        nic.sh("for i in $(seq 5); do echo '<3>netconsole test' >/dev/kmsg; done")
        wait_until(lambda: len(sink.output()) > seen, 10, "lines after all the changes")
    nic.transfer(1 << 16)


def test_namespaces(nic):
    """The interface moves to another namespace and back while it carries traffic."""
    nic.sh("ip netns add other")
    nic.defer("ip netns del other")
    for _ in range(2):
        with nic.flood("rx"):
            nic.sh("ip link set dut0 netns other")
            nic.sh("ip -n other addr add 192.0.2.1/24 dev dut0; ip -n other link set dut0 up")
        wait_until(lambda: nic.guest.run("ping -c 1 -W 0.3 192.0.2.2", netns="other",
                                         check=False).rc == 0, 15, "traffic")
        nic.sh("ip -n other link set dut0 netns 1")
        nic.guest.net_up()
        nic.ping()


# --- a device with wrong data ---

@pytest.mark.guest(nic_props="mac=01:00:5e:00:00:01", model="--mac 01:00:5e:00:00:01")
@pytest.mark.rule("D1")
def test_invalid_address_in_the_nvm(nic):
    nic.expect_log(r"invalid MAC address 01:00:5e:00:00:01.*random")
    assert "invalid MAC address" in nic.log()
    address = nic.sh("cat /sys/class/net/dut0/address").strip()
    assert int(address[:2], 16) & 3 == 2, f"{address} is not a local unicast address"
    nic.ping()


@pytest.mark.bare
@pytest.mark.rule("D1")
def test_bad_checksum_of_the_nvm(nic):
    """Warned about, and the device works."""
    nic.expect_log(r"NVM checksum is not valid")
    pci = nic.guest.pci()
    nic.sh(f"echo 1 >/sys/bus/pci/devices/{pci}/enable")
    # EEWR: word 3, any other value; a volatile copy is all that QEMU writes.
    eewr = 0x102c
    nic.expect_offence("nvm-owner")
    nic.set_reg(eewr, 0x12340000 | 3 << 2 | 1)
    # The array outlives the driver: let no other test see it.
    nic.spoiled = True
    nic.load()
    assert "NVM checksum is not valid" in nic.log()
    nic.ping()
    value = nic.sh("ethtool -e dut0 raw on offset 6 length 2 | od -An -tx1").split()
    assert value == ["34", "12"], value
