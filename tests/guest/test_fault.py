# SPDX-License-Identifier: GPL-2.0
"""Faults, each under traffic, each ending with traffic flowing."""

import re

import pytest
from hwlab import GuestError
from lab import wait_until

SWIOTLB = pytest.mark.guest(append="swiotlb=force")
TCTL, RCTL, IMS, IMC, EN = 0x400, 0x100, 0xd0, 0xd8, 2
RECOVERY = 2.5


# --- hardware that stops ---

@pytest.mark.rule("T18", "T19", "T9")
def test_hung_transmitter(nic):
    """Recovery in time, without a link bounce; one line with the facts; counted."""
    nic.expect_log(r"tx queue \d hung")
    before = nic.stats()
    with nic.no_link_bounce(), nic.outage(RECOVERY):
        nic.clear_bits(TCTL, EN)
    after = nic.stats()
    assert after["tx_timeouts"] == before["tx_timeouts"] + 1
    assert after["resets"] == before["resets"] + 1
    said = [x for x in nic.log().splitlines() if "hung" in x]
    assert len(said) == 1, said
    for fact in ("head", "tail", "pending", "IMS"):
        assert fact in said[0], said
    assert nic.link()["stats64"]["tx"]["errors"] >= 1
    nic.transfer(1 << 16)
    wait_until(lambda: set(nic.sh(
        "cat /sys/class/net/dut0/queues/tx-*/byte_queue_limits/inflight").split()) == {"0"})


@pytest.mark.rule("T18", "T8")
def test_hung_transmitter_under_load(nic):
    """The ring is full and the queue asleep when the transmitter hangs, five times."""
    nic.expect_log(r"tx queue \d hung")
    nic.sh("ethtool -G dut0 tx 64")
    with nic.no_link_bounce(), nic.stream():
        for i in range(3):
            seen = nic.stats()["resets"]
            nic.clear_bits(TCTL, EN)
            wait_until(lambda: nic.stats()["resets"] > seen, 10, "reset")
            wait_until(lambda: nic.answers(), 5, "traffic")
    stats = nic.stats()
    assert stats["tx_busy"] == 0 and stats["tx_aborted"] > 0
    nic.transfer(1 << 16)


@pytest.mark.rule("T18", "T19")
def test_stack_watchdog(nic):
    """ndo_tx_timeout, by a queue that someone stopped: the reset is deferred, and helps."""
    nic.expect_log(r"NETDEV WATCHDOG", r"tx queue \d hung", r"transmit queue \d timed out")
    for queue in (0, 1):
        nic.poke_queue(queue, "stop")
    # A packet that waits makes the watchdog look.
    ping = nic.spawn(f"exec ping -n -i 0.1 -W 1 {nic.PEER}")
    with nic.no_link_bounce():
        wait_until(lambda: nic.stats()["tx_timeouts"] > 0, 20, "timeout")
        wait_until(lambda: nic.answers(), 10, "traffic")
    ping.kill()
    assert nic.stats()["resets"] > 0
    nic.transfer(1 << 16)


@pytest.mark.rule("R1")
def test_lost_interrupts(nic):
    """All causes masked behind the driver's back."""
    with nic.no_link_bounce(), nic.outage(RECOVERY):
        nic.set_reg(IMC, 0xffffffff)
    wait_until(nic.answers, 5, "traffic")
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)


def test_link_change_after_lost_interrupts(nic):
    """The link's own interrupt is lost: the change must still be noticed."""
    nic.set_reg(IMC, 0xffffffff)
    nic.guest.set_link(False)
    nic.defer(lambda: nic.guest.set_link(True))
    wait_until(lambda: nic.sh("cat /sys/class/net/dut0/carrier").strip() == "0", 10,
               "no carrier")
    nic.guest.set_link(True)
    nic.guest.net_up()
    nic.ping()


def test_receiver_disabled(nic):
    """Silence is legal: no false alarm, and a restart brings it back."""
    nic.clear_bits(RCTL, EN)
    nic.sh("ping -c 1 -W 1 192.0.2.2; true")
    nic.sh("ethtool -G dut0 rx 512")
    wait_until(nic.answers, 10, "traffic")


# --- a device that goes away ---

@pytest.mark.rule("D3", "D12")
@pytest.mark.parametrize("direction", ["rx", "tx"])
def test_unplug_under_flood(nic, direction):
    for _ in range(2):
        with nic.flood(direction):
            nic.guest.unplug()
            wait_until(lambda: "dut0" not in nic.sh("ip -o link"), 20, "interface gone")
        nic.guest.plug()
        nic.guest.load_driver()
        nic.guest.net_up()
        nic.ping()


@pytest.mark.rule("D12")
def test_surprise_removal(nic):
    """Every read gives all ones: noticed once, quietly, and the removal works."""
    nic.expect_log(r"device is gone")
    pci = nic.guest.pci()
    mark = nic.guest.mark()
    with nic.flood("tx"):
        nic.vanish()
        for command in ("ethtool -S dut0", "ip -s link show dut0", "ethtool dut0",
                        "ethtool -d dut0", "ethtool -G dut0 rx 512",
                        "ip link set dut0 promisc on", "ip link set dut0 mtu 2000"):
            nic.guest.run(command, check=False)
        wait_until(lambda: nic.guest.run("cat /sys/class/net/dut0/carrier",
                                         check=False).stdout.strip() != "1", 10, "no carrier")
        nic.guest.run("ip link set dut0 down", check=False)
        nic.guest.run("ip link set dut0 up", check=False)
    nic.sh(f"echo 1 >/sys/bus/pci/devices/{pci}/remove")
    said = [x for x in nic.guest.dmesg(mark).splitlines() if "hartwell" in x
            and "promiscuous" not in x]
    assert sum("device is gone" in x for x in said) == 1, said
    assert len(said) <= 2, "not quiet:\n" + "\n".join(said)
    nic.sh("echo 1 >/sys/bus/pci/rescan")
    wait_until(lambda: nic.guest.pci(), 10, "found again")
    nic.guest.load_driver()
    nic.guest.net_up()
    nic.ping()


# --- memory and registrations that cannot be had ---

NULL, ENOMEM = 0, -12
PROBE = [("pcim_enable_device", ENOMEM), ("alloc_etherdev_mqs", NULL), ("pcim_iomap_region", ENOMEM),
         ("__kmalloc_cache_node_noprof", NULL), ("__kmalloc_node_noprof", NULL),
         ("register_netdev", ENOMEM)]
OPEN = [("request_threaded_irq", ENOMEM), ("dma_alloc_attrs", NULL),
        ("__kvmalloc_node_noprof", NULL), ("page_pool_create", ENOMEM),
        ("page_pool_alloc_pages", NULL), ("netif_set_real_num_queues", ENOMEM)]


def walk(nic, function, value, attempt):
    """Fail the first, second, … call until there is no such call; how many there were."""
    n = 1
    while True:
        nic.fail(function, value, n)
        rc = attempt()
        if not nic.fail_hits():
            assert rc == 0, f"{function}: failed without a fault"
            return n - 1
        assert rc != 0, f"{function}: fault {n} was not reported"
        # Long runs of the same call: their first, some, and their last are enough.
        n += 1 if n < 12 else 97


def names(nic, wanted):
    """Those functions of a list that this kernel has."""
    symbols = set(nic.sh("awk '{print $3}' /proc/kallsyms").split())
    return [(f, v) for f, v in wanted if f in symbols]


@SWIOTLB
@pytest.mark.rule("D9")
def test_each_failure_of_probe_unwinds(nic):
    pci = nic.guest.pci()
    driver = "/sys/bus/pci/drivers/hartwell"
    nic.expect_log(r"probe with driver hartwell failed")

    def attempt():
        nic.guest.run(f"echo {pci} >{driver}/unbind", check=False)
        return nic.guest.run(f"echo {pci} >{driver}/bind", check=False).rc
    hits = {f: walk(nic, f, v, attempt) for f, v in names(nic, PROBE)}
    # 64 bits of DMA address cannot be had: 32 will do.
    nic.fail("dma_set_mask", -5, 1)
    assert attempt() == 0 and nic.fail_hits() == 1
    assert hits["register_netdev"] == 1 and hits["alloc_etherdev_mqs"] == 1, hits
    nic.sh("hwlab names")
    nic.guest.net_up()
    nic.ping()


@SWIOTLB
@pytest.mark.rule("D9")
def test_each_failure_of_open_unwinds(nic):
    def attempt():
        nic.sh("ip link set dut0 down")
        return nic.guest.run("ip link set dut0 up", check=False).rc
    hits = {f: walk(nic, f, v, attempt) for f, v in names(nic, OPEN)}
    assert hits["request_threaded_irq"] == 5 and hits["dma_alloc_attrs"] >= 4, hits
    nic.guest.net_up()
    nic.ping()


@SWIOTLB
@pytest.mark.rule("D10")
def test_each_failure_of_a_ring_change_leaves_the_old_rings(nic):
    size = [512]

    def attempt():
        rc = nic.guest.run(f"ethtool -G dut0 rx {size[0]} tx {size[0]}", check=False).rc
        if rc:
            now = re.findall(r"^[RT]X:\s+(\d+)", nic.sh("ethtool -g dut0"), re.M)[-2:]
            assert str(size[0]) not in now, "changed all the same"
            assert nic.answers() or nic.answers(), "the old rings are gone"
        else:
            size[0] = 768 - size[0]
        return rc
    with nic.no_link_bounce():
        hits = {f: walk(nic, f, v, attempt) for f, v in names(nic, OPEN)
                if f != "request_threaded_irq"}
    assert hits["dma_alloc_attrs"] >= 4 and hits["page_pool_create"] == 2, hits
    nic.transfer(1 << 16)


@SWIOTLB
@pytest.mark.rule("D10")
def test_each_failure_of_a_channel_change_leaves_the_old_ones(nic):
    want = [1]

    def attempt():
        rc = nic.guest.run(f"ethtool -L dut0 combined {want[0]}", check=False).rc
        if rc:
            assert nic.answers() or nic.answers(), "the old queues are gone"
        else:
            want[0] = 3 - want[0]
        return rc
    with nic.no_link_bounce():
        for f, v in names(nic, OPEN):
            if f != "request_threaded_irq":
                walk(nic, f, v, attempt)
    nic.transfer(1 << 16)


@SWIOTLB
def test_no_memory_for_receive_buffers(nic):
    """Refill fails for a while: counted, and traffic comes back by itself."""
    # With no buffer at our end the hub holds the peer back.
    nic.expect_log(r"peer0: (NETDEV WATCHDOG|TX timeout)")
    before = nic.stats()
    nic.fail("page_pool_alloc_pages", 0, 0, "hwl_rxq_refill")
    nic.guest.run(f"ping -n -f -c 600 -W 1 {nic.PEER}", 60, check=False)
    hits = nic.fail_hits()
    assert hits > 0
    wait_until(nic.answers, 5, "traffic")
    assert nic.stats()["rx_alloc_fail"] > before["rx_alloc_fail"]
    nic.transfer(1 << 16, reverse=True)


@SWIOTLB
def test_no_memory_for_received_packets(nic):
    before = nic.stats()
    for function, size in (("napi_build_skb", 1400), ("napi_alloc_skb", 56)):
        nic.fail(function, 0, -5, "hwl_rx")
        nic.guest.run(f"ping -n -c 8 -i 0.02 -W 1 -s {size} {nic.PEER}", check=False)
        assert nic.fail_hits() == 5
    assert nic.stats()["rx_alloc_fail"] == before["rx_alloc_fail"] + 10
    nic.transfer(1 << 16, reverse=True)


# --- others that use the interface ---

@pytest.mark.rule("R2", "D6")
def test_netconsole_under_load(nic):
    """Packets sent with interrupts off, while everything else goes on."""
    nic.expect_log("netconsole test", "netpoll", "netconsole", "printk: console")
    sink = nic.spawn("exec socat -u UDP4-RECV:6666 STDOUT", "peer")
    nic.ping(count=1)
    nic.sh(f"modprobe netconsole netconsole=6665@{nic.IP}/dut0,6666@{nic.PEER}/{nic.PEER_MAC}")
    try:
        with nic.stream():
            nic.sh("for i in $(seq 100); do echo \"<3>netconsole test $i\" >/dev/kmsg; done", 60)
            wait_until(lambda: "netconsole test 100" in sink.output(), 10, "the last line")
        lines = set(re.findall(r"netconsole test (\d+)", sink.output()))
        assert len(lines) == 100, f"{len(lines)} of 100 lines arrived"
        nic.sh("ethtool -G dut0 tx 128; echo '<3>netconsole test 101' >/dev/kmsg")
        wait_until(lambda: "netconsole test 101" in sink.output(), 10, "a line after a change")
    finally:
        nic.sh("rmmod netconsole")
    nic.ping()


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


def suspend(nic, command):
    """Run it detached: the guest's agent does not survive a suspend, and is started anew."""
    nic.sh(f"rm -f /tmp/resumed; setsid sh -c 'sleep 2; {command}; pkill qemu-ga; "
           "sleep 0.2; touch /tmp/resumed' </dev/null >/dev/null 2>&1 &")

    def resumed():
        try:
            nic.guest.agent.sync(2)
            return nic.guest.run("test -e /tmp/resumed", 5, check=False).rc == 0
        except GuestError:
            nic.guest.check_alive()
            return False
    wait_until(resumed, 60 * nic.guest.scale, "the guest is back")


@pytest.mark.parametrize("depth", ["devices", "platform"])
def test_suspend_and_resume(nic, depth):
    """All devices go to sleep and come back; nothing wakes QEMU from more than that."""
    nic.sh("ethtool -G dut0 rx 512; ethtool -X dut0 weight 1 3; ip link set dut0 mtu 1400")
    suspend(nic, f"echo {depth} >/sys/power/pm_test; echo freeze >/sys/power/state; "
                 "echo none >/sys/power/pm_test")
    wait_until(nic.answers, 15, "traffic after resume")
    assert nic.link()["mtu"] == 1400
    assert re.findall(r"^RX:\s+(\d+)", nic.sh("ethtool -g dut0"), re.M)[-1] == "512"
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)
    assert nic.stats()["tx_timeouts"] == 0


# --- a device with wrong data ---

@pytest.mark.guest(nic_props="mac=01:00:5e:00:00:01")
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
    nic.set_reg(eewr, 0x12340000 | 3 << 2 | 1)
    # The array outlives the driver: let no other test see it.
    nic.spoiled = True
    nic.load()
    assert "NVM checksum is not valid" in nic.log()
    nic.ping()
    value = nic.sh("ethtool -e dut0 raw on offset 6 length 2 | od -An -tx1").split()
    assert value == ["34", "12"], value
