# SPDX-License-Identifier: GPL-2.0
"""scripts/bind.sh: one device from e1000e to hartwell and back, over its own link."""

import json
import re
from pathlib import Path

import pytest
from lab import wait_until

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
SCRIPT = SCRIPTS / "bind.sh"
HELPER = "/tmp/hartwell-udev"
BIND = "bash /tmp/bind.sh"

# A guest that other tests do not use: two drivers for one device are in it.
OWN = pytest.mark.guest(append="hwlab.two=1")


def prepare(nic):
    """e1000e drives dut0, as on a host; hartwell is loaded beside it."""
    nic.expect_log(r"e1000e ")
    nic.guest.load_driver("e1000e")
    nic.guest.net_up()
    nic.guest.put(SCRIPT.read_bytes(), "/tmp/bind.sh")
    nic.sh("insmod /payload/hartwell.ko; rm -rf /run/hartwell-bind; "
           "ip link set dut0 mtu 1400 txqueuelen 500 alias uplink; "
           "ip link property add dev dut0 altname wire; "
           "ip addr add 203.0.113.5/24 dev dut0; "
           f"ip route add 198.51.100.0/24 via {nic.PEER}; "
           f"ip route add 10.9.0.0/16 via {nic.PEER} metric 7 table 100; "
           f"ip -6 route add 2001:db8:9::/48 via {nic.PEER6}")
    nic.defer("ip route flush table 100; rm -rf /run/hartwell-bind; rmmod e1000e")


def driver(nic):
    path = nic.sh("readlink -f /sys/class/net/dut0/device/driver").strip()
    return path.rpartition("/")[2]


def snapshot(nic):
    link = json.loads(nic.sh("ip -j link show dut0"))[0]
    addresses = json.loads(nic.sh("ip -j addr show dut0"))[0]["addr_info"]
    routes = [x for table in ("main", "100") for family in "46" for x in
              json.loads(nic.guest.run(f"ip -{family} -j route show table {table} dev dut0",
                                       check=False).stdout or "[]")]
    return ({k: link.get(k) for k in ("mtu", "address", "txqlen", "altnames", "master")},
            sorted((x["family"], x["local"], x["prefixlen"]) for x in addresses
                   if x["scope"] != "link"),
            sorted((x["dst"], x.get("gateway", ""), x.get("metric", 0)) for x in routes
                   if x["dst"] != "fe80::/64"))


def remote(nic, command):
    """Said by the peer over the link in question, as ssh would; what came back."""
    server = nic.spawn(f"exec socat TCP-LISTEN:7000,reuseaddr EXEC:'{command}',stderr")
    wait_until(lambda: ":7000 " in nic.sh("ss -ltn") + " ", what="a listener")
    out = nic.peer(f"socat -u TCP:{nic.IP}:7000 STDOUT", 60)
    server.kill()
    return out


@OWN
@pytest.mark.bare
def test_switch_and_restore(nic):
    prepare(nic)
    before = snapshot(nic)
    out = remote(nic, f"{BIND} dut0 --timeout 60")
    assert "--confirm" in out, out
    assert driver(nic) == "hartwell" and snapshot(nic) == before
    nic.ping()
    nic.ping(nic.PEER6)
    nic.refused(f"{BIND} dut0 --driver e1000e", "waits for its confirmation")
    assert "stays" in remote(nic, f"{BIND} dut0 --confirm")
    assert "kept" in nic.sh(f"{BIND} dut0 --status")
    nic.sh(f"{BIND} dut0 --restore")
    assert driver(nic) == "e1000e" and snapshot(nic) == before
    wait_until(nic.answers, 10, "traffic")


@OWN
@pytest.mark.bare
def test_wake_on_lan_is_kept(nic):
    """Each way, with the platform's switch, which each driver turns on by itself."""
    prepare(nic)
    state = "ethtool dut0 | grep Wake-on:; cat /sys/class/net/dut0/device/power/wakeup"
    for wol, switch, arguments, now in (("ub", "enabled", "--now", "hartwell"),
                                        ("d", "disabled", "--restore", "e1000e"),
                                        ("mg", "disabled", "--now", "hartwell")):
        nic.sh(f"ethtool -s dut0 wol {wol}; "
               f"echo {switch} >/sys/class/net/dut0/device/power/wakeup")
        before = nic.sh(state)
        assert f"Wake-on: {wol}\n" in before and switch in before, before
        nic.sh(f"{BIND} dut0 {arguments}")
        assert driver(nic) == now and nic.sh(state) == before
    nic.sh(f"ethtool -s dut0 wol g; {BIND} dut0 --restore")
    wait_until(nic.answers, 10, "traffic")


@OWN
@pytest.mark.bare
def test_unconfirmed_switch_goes_back(nic):
    prepare(nic)
    before = snapshot(nic)
    nic.sh(f"{BIND} dut0 --timeout 2")
    assert driver(nic) == "hartwell"
    wait_until(lambda: "reverted" in nic.sh(f"{BIND} dut0 --status"), 20,
               lambda: nic.sh("cat /run/hartwell-bind/*/log"))
    assert driver(nic) == "e1000e" and snapshot(nic) == before
    wait_until(nic.answers, 10, "traffic")
    nic.refused(f"{BIND} dut0 --confirm", "no switch waits")


@OWN
@pytest.mark.bare
def test_failed_switch_goes_back(nic):
    """The probe of the new driver fails: the old one has the device again."""
    nic.expect_log(r"probe with driver hartwell failed")
    prepare(nic)
    before = snapshot(nic)
    nic.fail("alloc_etherdev_mqs", 0, 1)
    nic.refused(f"{BIND} dut0", "did not work")
    nic.fail_hits()
    assert driver(nic) == "e1000e" and snapshot(nic) == before
    wait_until(nic.answers, 10, "traffic")


@OWN
@pytest.mark.bare
def test_bridge_port(nic):
    prepare(nic)
    nic.sh("ip addr flush dev dut0; ip link add br0 type bridge forward_delay 0; "
           "ip link set dut0 master br0; ip link set br0 up; ip addr add 192.0.2.1/24 dev br0")
    nic.defer("ip link del br0")
    wait_until(nic.answers, 10, "traffic over the bridge")
    before = snapshot(nic)
    nic.sh(f"{BIND} dut0 --now")
    assert driver(nic) == "hartwell" and snapshot(nic) == before
    wait_until(nic.answers, 10, "traffic over the bridge")
    nic.sh(f"{BIND} dut0 --restore")
    wait_until(nic.answers, 10, "traffic over the bridge")


@OWN
@pytest.mark.bare
def test_what_is_refused(nic):
    prepare(nic)
    nic.sh("ip link add link dut0 name dut0.5 type vlan id 5")
    nic.refused(f"{BIND} dut0", "dut0.5")
    nic.sh("ip link del dut0.5")
    for arguments, text in (("", "which device"), ("dut0 --drver x", "unknown option"),
                            ("dut0 --driver igb", "hartwell or e1000e"),
                            ("dut0 --timeout soon", "number"), ("dut0 lo", "one device")):
        result = nic.refused(f"{BIND} {arguments}", text)
        assert result.rc == 2
    nic.refused(f"{BIND} nosuch0", "neither an interface")
    nic.refused(f"{BIND} lo", "neither an interface")
    nic.refused(f"{BIND} dut0 --restore", "no switch was made")
    assert driver(nic) == "e1000e"
    assert re.search("already", nic.sh(f"{BIND} dut0 --driver e1000e"))
    nic.ping()


# Files of others that go by the driver's name, and what is said of each; None: nothing.
RULES = [
    ("/etc/systemd/network/10-a.link", "[Match]\nDriver=e1000e igb\n[Link]\nName=lan0\n",
     r"10-a.link:2: Driver=e1000e igb names e1000e, and not hartwell"),
    ("/usr/lib/systemd/network/10-a.link", "[Match]\nDriver=e1000e\n", None),  # hidden
    ("/etc/systemd/network/11-b.link", "[Match]\nDriver=e1000*\n", r"11-b.link:2: .*not hartwell"),
    ("/etc/systemd/network/12-c.link", "[Match]\nDriver=!e1000e\n", r"12-c.link:2: "),
    ("/etc/systemd/network/13-d.link", "[Match]\nDriver=*\n", None),
    ("/etc/systemd/network/14-e.link", "[Link]\nDriver=e1000e\n", None),      # no match
    ("/etc/systemd/network/15-f.network", "[Match]\nDriver = hartwell\n",
     r"15-f.network:2: Driver = hartwell names hartwell, and not e1000e"),
    ("/etc/udev/rules.d/70-g.rules",
     '# DRIVERS=="e1000e"\nSUBSYSTEM=="net", DRIVERS=="e1000e|igb", NAME="x"\n',
     r'70-g.rules:2: DRIVERS=="e1000e\|igb" names e1000e'),
    ("/usr/lib/udev/rules.d/71-h.rules", 'ENV{ID_NET_DRIVER}=="e1000?", GOTO="end"\n',
     r"71-h.rules:1: ENV"),
    ("/run/udev/rules.d/72-i.rules", 'DRIVERS=="?*", DRIVERS=="igb"\n', None),
    ("/etc/collectd/collectd.conf", 'Map "tx_tcp_seg_good" "tso"\nMap "tx_tcp_seg_good_or_so"\n'
     'Map "rx_no_such_thing"\n', r"collectd.conf:1: there is no counter tx_tcp_seg_good any"),
    ("/etc/telegraf/telegraf.d/net.conf", 'fieldpass = ["rx_csum_offload_good"]\n',
     r"net.conf:1: there is no counter rx_csum_offload_good any"),
]


@OWN
@pytest.mark.bare
def test_what_goes_by_the_name_of_the_driver(nic):
    prepare(nic)
    for path, text, _ in RULES:
        nic.sh(f"mkdir -p {path.rpartition('/')[0]}")
        nic.guest.put(text.encode(), path)
        nic.defer(f"rm -f {path}")
    out = nic.sh(f"{BIND} dut0 --now")
    for path, _, said in RULES:
        if said:
            assert re.search(said, out), f"not said: {said}\n{out}"
        else:
            assert path not in out, out
    assert out.count(", and not ") == sum("rules" in p or "systemd" in p for p, _, said in RULES
                                       if said), out
    assert out.count("there is no counter") == 2, out
    back = nic.sh(f"{BIND} dut0 --restore")
    assert re.search("10-a.link:2: .*names e1000e, and not hartwell", back), back
    wait_until(nic.answers, 10, "traffic")


@OWN
@pytest.mark.bare
def test_list_for_the_boot(nic):
    """--persist and --forget, and what udev's helper makes of the list."""
    prepare(nic)
    pci = nic.guest.pci()
    nic.refused(f"{BIND} --persist dut0", "the package's")
    rules = "/usr/lib/udev/rules.d/60-hartwell.rules"
    nic.sh(f"mkdir -p {rules.rpartition('/')[0]}; touch {rules}")
    nic.defer(f"rm -rf {rules} /etc/hartwell")
    nic.guest.put(SCRIPTS / "boot/hartwell", HELPER)
    nic.refused(f"{BIND} --forget dut0", "is not in")
    assert "at boot: e1000e" in nic.sh(f"{BIND} dut0 --status")
    for _ in range(2):
        nic.sh(f"{BIND} --persist dut0")
    assert nic.sh("cat /etc/hartwell/devices") == f"{pci}\n"
    nic.sh("sed -i 's/$/  # the first/' /etc/hartwell/devices")
    assert "at boot: hartwell" in nic.sh(f"{BIND} dut0 --status")

    def settle():
        nic.sh(f"{HELPER} reserve && {HELPER} settle {pci}")
        nic.sh("hwlab names")
        return driver(nic), nic.sh(f"cat /sys/bus/pci/devices/{pci}/driver_override").strip()

    override = f"/sys/bus/pci/devices/{pci}/driver_override"
    nic.sh(f"echo >{override}")
    # A link is not taken, nor a decision of somebody else's.
    assert settle() == ("e1000e", "(null)")
    nic.sh(f"ip link set dut0 down; echo e1000e >{override}")
    assert settle() == ("e1000e", "e1000e")
    # hartwell fails: e1000e has it again.
    nic.sh(f"echo >{override}")
    nic.expect_log(r"probe with driver hartwell failed|hartwell: .* hartwell does not drive it")
    nic.fail("alloc_etherdev_mqs", 0, 1)
    assert settle() == ("e1000e", "(null)")
    nic.fail_hits()
    assert "hartwell does not drive it" in nic.guest.dmesg()
    assert settle() == ("hartwell", "hartwell")
    assert settle() == ("hartwell", "hartwell")

    nic.sh(f"{BIND} --forget {pci}")
    nic.sh("! ls -d /etc/hartwell")
    nic.sh(f"{BIND} --give-back")
    assert (driver(nic), nic.sh(f"cat {override}").strip()) == ("e1000e", "(null)")
    nic.sh("! ls -d /sys/module/hartwell")
