# SPDX-License-Identifier: GPL-2.0
"""Receive side scaling: the hash as published, the table as set, for good."""

import re
import struct

import pytest
from frames import ether, udp4
from lab import wait_until

KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c"
                    "6a42b73bbeac01fa")


def toeplitz(key, data):
    bits, result = int.from_bytes(key, "big"), 0
    width = len(key) * 8
    for i in range(len(data) * 8):
        if data[i // 8] >> (7 - i % 8) & 1:
            result ^= bits >> (width - 32 - i) & 0xffffffff
    return result


def flow(i):
    return f"198.51.100.{1 + i}"


def expected(nic, sources, table):
    count = [0, 0]
    for src in sources:
        data = bytes(int(x) for x in f"{src}.{nic.IP}".split("."))
        count[table[toeplitz(KEY, data) & 0x7f]] += 1
    return count


def spread(nic, sources):
    """Packets that each queue received of one UDP datagram from each source."""
    before = nic.stats()
    nic.send([ether(nic.MAC, nic.PEER_MAC, 0x0800, udp4(s, nic.IP, 5, 9, bytes(30)))
              for s in sources], "peer0", "peer")

    def counts():
        now = nic.stats()
        return [now[f"rx{q}_packets"] - before[f"rx{q}_packets"] for q in (0, 1)]
    wait_until(lambda: sum(counts()) >= len(sources), what="all are received")
    return counts()


def set_key(nic, key=KEY):
    nic.sh("ethtool -X dut0 hkey " + key.hex(":"))


def get(nic):
    """(table, key)"""
    out = nic.sh("ethtool -x dut0")
    table = [int(x) for row in re.findall(r"^\s*\d+:((?:\s+\d+)+)$", out, re.M)
             for x in row.split()]
    return table, bytes.fromhex(re.search(r"^([0-9a-f:]{119})$", out, re.M)[1].replace(":", ""))


SOURCES = [flow(i) for i in range(64)]


def test_toeplitz_itself():
    """The values published with the algorithm."""
    data = bytes([66, 9, 149, 187, 161, 142, 100, 80])
    assert toeplitz(KEY, data) == 0x323e8fc2
    assert toeplitz(KEY, data + struct.pack("!HH", 2794, 1766)) == 0x51ccc178


def test_flows_reach_the_queues_that_the_hash_says(nic):
    nic.quiet()
    set_key(nic)
    table, key = get(nic)
    assert key == KEY and table == [i % 2 for i in range(128)]
    want = expected(nic, SOURCES, table)
    assert min(want) > 10
    assert spread(nic, SOURCES) == want


def test_two_tcp_streams_use_two_queues(nic):
    """Ports that the hash tells apart: those that a program gets by chance may all hash alike."""
    set_key(nic)
    packed = bytes(int(x) for x in f"{nic.PEER}.{nic.IP}".split("."))
    ports = {}
    for port in range(40000, 40100):
        hashed = toeplitz(KEY, packed + struct.pack("!HH", 5201, port))
        ports.setdefault(hashed & 1, port)
    for queue, port in sorted(ports.items()):
        before = nic.stats()
        server = nic.spawn("iperf3 -s -1 --forceflush", "peer")
        server.wait_output("Server listening")
        nic.sh(f"iperf3 -c {nic.PEER} -R -n 256K --cport {port}", 60)
        after = nic.stats()
        assert after[f"rx{queue}_packets"] > before[f"rx{queue}_packets"] + 20
    assert len(ports) == 2


def test_table(nic):
    nic.quiet()
    with nic.no_link_bounce():
        nic.sh("ethtool -X dut0 weight 0 1")
        assert get(nic)[0] == [1] * 128
        assert spread(nic, SOURCES) == [0, len(SOURCES)]
        nic.sh("ethtool -X dut0 weight 1 0")
        assert spread(nic, SOURCES) == [len(SOURCES), 0]
        nic.sh("ethtool -X dut0 default")
    nic.refused("ethtool -X dut0 weight 1 1 1")
    nic.refused("ethtool -X dut0 equal 3")
    nic.refused("ethtool -X dut0 hfunc xor")
    assert get(nic)[0] == [i % 2 for i in range(128)]


@pytest.mark.rule("D10")
@pytest.mark.parametrize("change", [
    "ip link set dut0 down; ip link set dut0 up", "ethtool -G dut0 rx 512 tx 128",
    "ip link set dut0 mtu 4000", "ethtool -K dut0 rxhash off; ethtool -K dut0 rxhash on"])
def test_settings_outlive(nic, change):
    nic.quiet()
    set_key(nic)
    nic.sh("ethtool -X dut0 weight 1 3")
    before = get(nic)
    nic.sh(change)
    nic.guest.net_up()
    nic.quiet()
    assert get(nic) == before
    assert spread(nic, SOURCES) == expected(nic, SOURCES, before[0])


def test_table_and_channels(nic):
    """A table that names queue 1 forbids one channel; the default follows the channels."""
    nic.quiet()
    nic.sh("ethtool -X dut0 weight 1 3")
    nic.refused("ethtool -L dut0 combined 1")
    nic.sh("ethtool -X dut0 default; ethtool -L dut0 combined 1")
    assert get(nic)[0] == [0] * 128
    assert spread(nic, SOURCES) == [len(SOURCES), 0]
    nic.sh("ethtool -L dut0 combined 2")
    set_key(nic)
    assert get(nic)[0] == [i % 2 for i in range(128)]
    assert spread(nic, SOURCES) == expected(nic, SOURCES, get(nic)[0])


def test_what_is_hashed(nic):
    assert "L4 bytes" in nic.sh("ethtool -n dut0 rx-flow-hash tcp4")
    assert "L4 bytes" not in nic.sh("ethtool -n dut0 rx-flow-hash udp4")
    nic.refused("ethtool -N dut0 rx-flow-hash udp4 sdfn")
