# SPDX-License-Identifier: GPL-2.0
"""Changes of configuration: under traffic, without a link bounce, and those refused."""

import json
import re

import pytest
from lab import wait_until

OUTAGE = 1.0    # seconds without an answer; a link bounce takes more than twice that


def rings(nic):
    return re.findall(r"^(?:RX|TX):\s+(\d+)", nic.sh("ethtool -g dut0"), re.M)[-2:]


def channels(nic):
    return int(re.findall(r"^Combined:\s+(\d+)", nic.sh("ethtool -l dut0"), re.M)[-1])


@pytest.mark.rule("D8", "D10", "T20", "T9")
@pytest.mark.parametrize("reverse", [pytest.param(False, marks=pytest.mark.debug), True],
                         ids=["sending", "receiving"])
def test_ring_and_channel_changes_under_traffic(nic, reverse):
    last = nic.link()["stats64"]
    with nic.no_link_bounce(), nic.outage(OUTAGE), nic.stream(reverse):
        for change in ("-G dut0 rx 64 tx 80", "-L dut0 combined 1", "-G dut0 rx 4096 tx 4096",
                       "-L dut0 combined 2", "-G dut0 rx 72 tx 88", "-G dut0 rx 256 tx 256"):
            nic.sh(f"ethtool {change}")
            now = nic.link()["stats64"]
            for way in ("rx", "tx"):
                for name in ("packets", "bytes"):
                    assert now[way][name] >= last[way][name], f"{way} {name} went back"
            last = now
    assert rings(nic) == ["256", "256"] and channels(nic) == 2
    stats = nic.stats()
    assert stats["tx_busy"] == 0 and stats["tx_timeouts"] == 0
    nic.transfer(1 << 16)


@pytest.mark.rule("D10")
def test_channels_change_while_down(nic):
    """Both queues send afterwards: each CPU has its own."""
    nic.sh("ethtool -L dut0 combined 1; ip link set dut0 down; ethtool -L dut0 combined 2; "
           "ip link set dut0 up")
    nic.guest.net_up()
    masks = nic.sh("cat /sys/class/net/dut0/queues/tx-*/xps_cpus").split()
    assert [int(x, 16) for x in masks] == [1, 2]
    nic.ping()


def test_changes_while_down(nic):
    nic.sh("ip link set dut0 down; ethtool -G dut0 rx 512 tx 128; ethtool -L dut0 combined 1; "
           "ethtool -C dut0 rx-usecs 30 tx-usecs 40; ip link set dut0 mtu 3000")
    nic.guest.net_up(3000)
    nic.defer("ip link set peer0 mtu 1500", "peer")
    assert rings(nic) == ["512", "128"] and channels(nic) == 1
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)


@pytest.mark.parametrize("feature", [
    "rx", "tx", "sg", "tso", "gso", "gro", "rxvlan", "rxhash", "rx-vlan-filter",
    "rx-fcs", "rx-all"])
def test_feature_toggles_under_traffic(nic, feature):
    """A toggle needs no reset: the link stays, and not one ping is lost."""
    states = ("off", "on", "off", "on") if feature not in ("rx-fcs", "rx-all") \
        else ("on", "off", "on", "off")
    with nic.no_link_bounce():
        ping = nic.spawn(f"exec ping -n -i 0.02 -c 60 -W 2 {nic.PEER}")
        ping.wait_output("icmp_seq=3 ")
        for state in states:
            nic.sh(f"ethtool -K dut0 {feature} {state}")
        out = ping.wait(60, check=False).stdout
        lost = 60 - int(re.search(r"(\d+) received", out)[1])
        # rx-all takes larger buffers: what is on its way while the rings are exchanged is lost.
        assert lost <= (len(states) if feature == "rx-all" else 0), out
    assert nic.stats()["resets"] == 0
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)


REFUSED = [
    ("ethtool -G dut0 tx 79", r"ring must be|Invalid"),
    ("ethtool -G dut0 tx 72", r"tx ring must be 80 to"),
    ("ethtool -G dut0 rx 65", r"ring must be"),
    ("ethtool -G dut0 rx 8", r"ring must be"),
    ("ethtool -G dut0 rx 8192", r"exceed|maximum|Invalid|supported"),
    ("ethtool -G dut0 tx 0", r"ring must be"),
    ("ethtool -G dut0 rx-mini 64", None),
    ("ethtool -L dut0 combined 0", None),
    ("ethtool -L dut0 combined 3", None),
    ("ethtool -L dut0 rx 1", None),
    ("ethtool -L dut0 other 0", None),
    ("ethtool -C dut0 rx-usecs 20000", r"must be 0 to"),
    ("ethtool -C dut0 tx-usecs 16777", r"must be 0 to"),
    ("ethtool -C dut0 rx-frames 4", None),
    ("ethtool -C dut0 sample-interval 4", None),
    ("ethtool -s dut0 speed 1000 duplex half autoneg off", None),
    ("ethtool -s dut0 speed 1000 duplex full autoneg off", None),
    ("ethtool -s dut0 speed 2500 duplex full autoneg off", None),
    ("ethtool -s dut0 advertise 0x1000", None),
    ("ethtool -s dut0 port fibre", None),
    ("ethtool -X dut0 equal 3", None),
    ("ethtool -X dut0 hkey 00:11", None),
    ("ip link set dut0 mtu 9213", "mtu"),
    ("ip link set dut0 address 01:00:00:00:00:01", None),
    ("ip link add link dut0 name v type vlan id 4095", None),
    ("ethtool -K dut0 lro on", None),
]


def test_refused_values_change_nothing(nic):
    """Each is refused with its reason, and traffic does not notice."""
    def state():
        return [nic.sh(f"ethtool {x} dut0") for x in ("-g", "-l", "-c", "-x", "-k", "")] + \
            [nic.sh("ip -o link show dut0 | sed 's/qlen.*//'")]
    before = state()
    with nic.no_link_bounce():
        ping = nic.spawn(f"exec ping -n -i 0.05 -W 2 {nic.PEER}")
        ping.wait_output("icmp_seq=3 ")
        for command, text in REFUSED:
            nic.refused(command, text)
        ping.signal("INT")
        out = ping.wait(20, check=False).stdout
        # The interrupt may come between the last one and its answer; no other may be missing.
        sent = int(re.search(r"(\d+) packets transmitted", out)[1])
        got = {int(x) for x in re.findall(r"icmp_seq=(\d+) ttl", out)}
        assert got in (set(range(1, sent)), set(range(1, sent + 1))), out[-300:]
    assert state() == before
    assert nic.stats()["resets"] == 0


def test_threaded_polling(nic):
    """Switched at any time: with a pair at rest, without any, and while rings come and go."""
    # Of the shell that is killed in the middle of it.
    nic.expect_log("kthread_run failed with err -4")

    def threaded(value):
        nic.sh(f"echo {value} >/sys/class/net/dut0/threaded", 20)
    threaded(1)
    wait_until(lambda: "napi/dut0" in nic.sh("ps axo comm"), 5, "a thread")
    nic.transfer(1 << 16)
    nic.sh("ethtool -L dut0 combined 1")
    threaded(0)
    nic.transfer(1 << 16)
    threaded(1)
    nic.sh("ip link set dut0 down")
    # The newest kernels refuse it where nothing polls; none may wait for ever.
    for value in (0, 1):
        nic.guest.run(f"echo {value} >/sys/class/net/dut0/threaded", 20, check=False)
    nic.sh("ip link set dut0 up; ethtool -L dut0 combined 2")
    nic.guest.net_up()
    loop = nic.spawn("while :; do for x in 0 1; do echo $x >/sys/class/net/dut0/threaded; done; "
                     "done")
    for size in (128, 256, 512, 64):
        nic.sh(f"ethtool -G dut0 rx {size}", 20)
    loop.kill()
    threaded(0)
    wait_until(nic.answers, 10, "traffic")
    nic.transfer(1 << 16, reverse=True)


def test_coalescing(nic):
    with nic.no_link_bounce():
        for usecs in (0, 1, 50, 1000, 16776):
            nic.sh(f"ethtool -C dut0 rx-usecs {usecs} tx-usecs {usecs}")
            out = nic.sh("ethtool -c dut0")
            assert f"rx-usecs:\t{usecs}" in out and f"tx-usecs:\t{usecs}" in out
            nic.ping()
    # The interval is in force: EITR of the first vector, in units of 256 ns.
    assert nic.reg(0xe8) & 0xffff in (65531, 65532)
    nic.sh("ethtool -G dut0 rx 512")
    assert nic.reg(0xe8) & 0xffff in (65531, 65532), "lost at a restart"


# --- link ---

def test_link_flap(nic):
    nic.guest.set_link(False)
    wait_until(lambda: not nic.carrier(), 5, "no carrier")
    assert "Link detected: no" in nic.sh("ethtool dut0")
    nic.guest.set_link(True)
    wait_until(nic.carrier, 10, "carrier")
    nic.ping()
    nic.transfer(1 << 16)
    assert nic.stats()["tx_timeouts"] == 0


def test_link_flaps_under_traffic(nic):
    with nic.stream():
        for _ in range(nic.rounds(5)):
            nic.guest.set_link(False)
            wait_until(lambda: not nic.carrier(), 5)
            nic.guest.set_link(True)
            wait_until(nic.carrier, 10)
    wait_until(nic.answers, 10, "traffic")
    nic.transfer(1 << 16)
    assert nic.stats()["tx_timeouts"] == 0


def test_open_without_a_cable(nic):
    nic.sh("ip link set dut0 down")
    nic.guest.set_link(False)
    nic.defer(lambda: nic.guest.set_link(True))
    nic.sh("ip link set dut0 up; ethtool -G dut0 rx 512; ip link set dut0 down; "
           "ip link set dut0 up")
    assert not nic.carrier()
    nic.guest.set_link(True)
    nic.guest.net_up()
    nic.ping()


@pytest.mark.parametrize("speed", [10, 100])
def test_forced_speed_and_back(nic, speed):
    for duplex in ("half", "full"):
        nic.sh(f"ethtool -s dut0 speed {speed} duplex {duplex} autoneg off")
        wait_until(lambda: f"Speed: {speed}Mb/s" in nic.sh("ethtool dut0"), 10, "speed")
        assert duplex.capitalize() in nic.sh("ethtool dut0")
        nic.guest.net_up()
        nic.ping()
        # No segmentation by the device below 1000 Mb/s.
        before = nic.stats()["tx_tso_packets"]
        nic.transfer(1 << 15)
        assert nic.stats()["tx_tso_packets"] == before
    nic.sh("ethtool -s dut0 autoneg on")
    wait_until(lambda: "Speed: 1000Mb/s" in nic.sh("ethtool dut0"), 10, "1000 Mb/s again")
    nic.guest.net_up()
    nic.transfer(1 << 15)


def test_pause(nic):
    nic.sh("ethtool -A dut0 autoneg off rx off tx on")
    out = nic.sh("ethtool -a dut0")
    assert re.search(r"RX:\s+off\nTX:\s+on", out), out
    nic.guest.net_up()
    nic.ping()
    ctrl = nic.reg(0)
    assert not ctrl & 1 << 27 and ctrl & 1 << 28, f"CTRL {ctrl:#x}: RFCE or TFCE"
    nic.sh("ethtool -A dut0 autoneg on rx on tx on")
    nic.guest.net_up()
    nic.ping()


def test_renegotiation(nic):
    nic.sh("ethtool -r dut0")
    nic.guest.net_up()
    wait_until(nic.answers, 10, "traffic")
    nic.sh("ip link set dut0 down")
    nic.refused("ethtool -r dut0")


def test_dumps_and_queries(nic):
    assert "driver: hartwell" in nic.sh("ethtool -i dut0")
    assert f"bus-info: {nic.guest.pci()}" in nic.sh("ethtool -i dut0")
    eeprom = nic.guest.run("ethtool -e dut0 raw on offset 0 length 6 | od -An -tx1").stdout
    assert eeprom.split() == nic.MAC.split(":")
    assert nic.sh("ethtool -e dut0 raw on offset 1 length 3 | od -An -tx1").split() == \
        nic.MAC.split(":")[1:4]
    regs = nic.sh("ethtool -d dut0 raw on | od -An -tx4 -v").split()
    assert len(regs) > 40 and regs[0] != "ffffffff"
    for option in ("-S", "-x", "-c", "-g", "-l", "-a", "-k", "-T", "--show-priv-flags", ""):
        nic.guest.run(f"ethtool {option} dut0", check=option != "--show-priv-flags")
    for group in ("eth-mac", "eth-phy", "eth-ctrl", "rmon"):
        nic.sh(f"ethtool -S dut0 --groups {group}")
    nic.sh("ethtool -s dut0 msglvl 0x7fff")
    assert "0x00007fff" in nic.sh("ethtool dut0")
    assert json.loads(nic.sh("ethtool --json -a dut0"))
    nic.sh("ip link set dut0 down")
    for option in ("-S", "-d", "-e", "-x", "-c", "-g", "-l", "-a", ""):
        nic.guest.run(f"ethtool {option} dut0")


@pytest.mark.long
def test_100_link_flaps_under_traffic(nic):
    nic.defer(lambda: nic.guest.set_link(True))
    changes = nic.carrier_changes()
    with nic.flood("tx"):
        for i in range(200):
            up = bool(i % 2)
            nic.guest.set_link(up)
            wait_until(lambda: nic.carrier() == up, 10, "the carrier follows")
    assert nic.carrier_changes() - changes == 200
    nic.guest.net_up()
    nic.ping()
    nic.transfer(1 << 16)
