# SPDX-License-Identifier: GPL-2.0
"""What the stack puts on the interface: bridge, bond, macvlan, queueing; each with traffic."""

import re

import pytest
from lab import wait_until


def moved(nic, master):
    """The address is another interface's now."""
    nic.sh(f"ip addr flush dev dut0; ip link set {master} up; ip addr add {nic.IP}/24 dev {master}")
    wait_until(nic.answers, 15, "traffic")
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)
    with nic.stream():
        nic.sh("ethtool -G dut0 rx 128 tx 128; ethtool -K dut0 tso off; ethtool -L dut0 combined 1")
        wait_until(nic.answers, 10, "traffic after changes")


def back(nic, master):
    nic.sh(f"ip link del {master}")
    nic.guest.net_up()
    nic.ping()


def promiscuity(nic):
    return int(re.search(r"promiscuity (\d+)", nic.sh("ip -d link show dut0"))[1])


def test_bridge(nic):
    nic.expect_log(r"br0: ")
    nic.sh("ip link add br0 type bridge; ip link set dut0 master br0; "
           "bridge vlan add dev dut0 vid 7 2>/dev/null; true")
    assert promiscuity(nic) == 1
    moved(nic, "br0")
    back(nic, "br0")
    assert promiscuity(nic) == 0


@pytest.mark.parametrize("mode", ["active-backup", "802.3ad"])
def test_bond(nic, mode):
    nic.expect_log(r"bond0: ", r"bonding: ", r"\(slave dut0\)")
    nic.sh(f"modprobe bonding max_bonds=0; ip link add bond0 type bond mode {mode} miimon 100; "
           "ip link set dut0 down; ip link set dut0 master bond0")
    moved(nic, "bond0")
    nic.guest.set_link(False)
    wait_until(lambda: nic.sh("cat /sys/class/net/bond0/carrier").strip() == "0", 10, "no carrier")
    nic.guest.set_link(True)
    wait_until(nic.answers, 15, "traffic")
    back(nic, "bond0")


@pytest.mark.guest(ynl=True)
def test_team(nic):
    """Without its daemon: what that would do is to choose the mode, by netlink."""
    nic.expect_log(r"team0: ", r"hartwell .*dut0", r"Mode changed")
    nic.sh("ip link add team0 type team")
    mode = {"name": "mode", "type": 5, "data": b"roundrobin\0".hex()}
    request = {"team-ifindex": int(nic.sh("cat /sys/class/net/team0/ifindex")),
               "list-option": {"option": mode}}
    # It succeeds, and complains that nobody listens to the notice of it.
    nic.ynl("team", "--do options-set", request, check=False)
    nic.sh("ip link set dut0 down; ip link set dut0 master team0")
    moved(nic, "team0")
    back(nic, "team0")


def test_macvlan(nic):
    nic.sh("ip link add link dut0 name mac0 type macvlan mode bridge")
    moved(nic, "mac0")
    back(nic, "mac0")


def test_queueing(nic):
    for root in ("fq", "fq_codel", "mqprio num_tc 2 map 0 1 0 1 queues 1@0 1@1 hw 0", "mq",
                 "tbf rate 100mbit burst 32k latency 50ms", "pfifo"):
        nic.sh(f"tc qdisc replace dev dut0 root handle 1: {root}")
        nic.transfer(1 << 16)
        nic.ping(count=1)
        # Each is given its own start: some cannot replace another.
        nic.sh("tc qdisc del dev dut0 root")
    nic.sh("tc qdisc add dev dut0 clsact; "
           "tc filter add dev dut0 ingress matchall action pass; "
           "tc filter add dev dut0 egress matchall action pass")
    nic.transfer(1 << 16, reverse=True)


def test_settings_of_the_stack(nic):
    """What `ip link set` offers, while traffic runs."""
    with nic.stream():
        for setting in ("txqueuelen 100", "gso_max_size 16000", "gso_max_segs 10",
                        "gro_max_size 16000", "alias wire", "group 5",
                        "address 02:00:00:00:00:77", "allmulticast on", "allmulticast off",
                        "promisc on", "promisc off", "mtu 1400", "mtu 1500"):
            nic.sh(f"ip link set dut0 {setting}")
        for value in (1, 0):
            nic.sh(f"echo {value} >/sys/class/net/dut0/threaded")
            wait_until(nic.answers, 10, "traffic")
    nic.transfer(1 << 16)
