# SPDX-License-Identifier: GPL-2.0
"""A device that lies and a peer that sends anything: nothing breaks, and traffic comes back."""

import os

import pytest
from lab import wait_until

SEED = int(os.environ.get("HARTWELL_SEED", "82574"))


@pytest.mark.rule("R6", "R5")
@pytest.mark.parametrize("way", ["idle", pytest.param("sending", marks=pytest.mark.debug)])
def test_hostile_device(nic, way):
    """Write-backs of any kind in all rings, with interrupts of any cause.

    It found frames whose first piece is shorter than the header.
    """
    # A completion taken back is beyond what the driver's own watchdog looks for.
    nic.expect_log(r"tx queue \d hung", r"NETDEV WATCHDOG", r"transmit queue \d timed out")
    # Its lies: causes that it did not raise, and descriptors that it has not done are used again.
    nic.expect_offence("*")
    nic.helper()
    # Nobody sends: what stands in a ring that was written to is no address to receive at.
    nic.guest.set_link(False, end="peer")
    nic.defer(lambda: nic.guest.set_link(True, end="peer"))
    rounds = 2000

    def attack():
        nic.prog(f"hostile_device.py {nic.resource()} {rounds} {SEED}", 300 * nic.guest.scale)
    before = nic.stats()
    if way == "sending":
        with nic.flood("tx"):
            attack()
    else:
        attack()
    after = nic.stats()
    assert sum(after[x] - before[x] for x in after if x.startswith("rx_err")) > nic.rounds(50)
    nic.sh("ip link set dut0 down; ip link set dut0 up")
    nic.undo()
    nic.guest.net_up()
    nic.ping()
    nic.transfer(1 << 17)
    nic.transfer(1 << 17, reverse=True)


@pytest.mark.rule("R6")
@pytest.mark.parametrize("setting", [
    "true", "ip link set dut0 mtu 9000",
    "ethtool -K dut0 rx-all on rx-fcs on rxvlan off"])
def test_hostile_peer(nic, setting):
    """Random, truncated, over-long, stacked, malformed: they are the stack's, or counted."""
    # What the stack itself says of a frame like these.
    nic.expect_log(r"TCP: .*(seg|Driver has suspect GRO)", r"IPv[46]:", r"martian", r"ll header")
    # What waits for more fragments holds its page so long.
    nic.sh("sysctl -q net.ipv4.ipfrag_time=1 net.ipv6.ip6frag_time=1")
    nic.defer("sysctl -q net.ipv4.ipfrag_time=30 net.ipv6.ip6frag_time=60")
    nic.sh(setting)
    nic.peer("ip link set peer0 mtu 9200")
    nic.defer("ip link set peer0 mtu 1500", "peer")
    before = nic.stats()
    sent = nic.prog(f"hostile_peer.py peer0 {nic.MAC} 6 {SEED}", 60, netns="peer")
    assert sent > 300
    # The flood may have taught the neighbour table nonsense.
    nic.sh("ip neigh flush dev dut0")
    nic.peer("ip neigh flush dev peer0")
    wait_until(nic.answers, 10, "traffic")
    after = nic.stats()
    assert after["rx_packets"] > before["rx_packets"] + 100
    assert after["resets"] == before["resets"], "it took a reset"
    nic.transfer(1 << 17, reverse=True)
    nic.transfer(1 << 17)
