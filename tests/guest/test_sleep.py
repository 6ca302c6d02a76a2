# SPDX-License-Identifier: GPL-2.0
"""System sleep that is more than a device at work put to sleep: hibernation, the cable moved
meanwhile, a device that sleeps already, and sleep again and again."""

import re
import time

import pytest
import registers as table
from frames import TEST_TYPE
from lab import wait_until
from test_leave import SETTINGS, SLEEP, sleep_for, suspend, works_as_set
from test_power import allow, status, unplug, wait_asleep
from test_wake import LU, PDOWN
from test_xsk import Socket, exchange, frame, socket

MODEL = pytest.mark.guest(device="model")
EN = 1 << 1             # of RCTL
# The devices are frozen, and restored as from an image; or an image is made, which has no place to
# go to, so that they are thawed.
HIBERNATE = {
    "restore": sleep_for(0, "devices", "disk"),
    "thaw": "echo none >/sys/power/pm_test; echo disk >/sys/power/state",
}


def power_state(nic):
    """Of the model's device, as it was last changed."""
    return ["D0", *re.findall(r"power state (.*)", nic.guest.model.log())][-1]


def hibernate_at_leisure(nic):
    """What it takes is longer where the host is busy."""
    if nic.guest.run("grep -qw disk /sys/power/state", check=False).rc:
        pytest.skip("this kernel does not hibernate")
    stalls = "/sys/module/rcupdate/parameters/rcu_cpu_stall_suppress"
    nic.sh(f"echo 0 >/proc/sys/kernel/soft_watchdog; echo 1 >{stalls}")
    nic.defer(f"echo 1 >/proc/sys/kernel/soft_watchdog; echo 0 >{stalls}")


@pytest.mark.rule("D2")
@pytest.mark.parametrize("way", HIBERNATE)
def test_hibernation_under_traffic(nic, way):
    hibernate_at_leisure(nic)
    nic.expect_log(r"PM: (hibernation: |)Cannot (find|get) swap")
    nic.sh(SETTINGS)
    for direction in ("rx", "tx"):
        since = nic.guest.mark()
        with nic.flood(direction):
            suspend(nic, HIBERNATE[way])
            wait_until(nic.answers, 15, "traffic after hibernation")
        said = nic.guest.dmesg(since)
        assert ("debug: Waiting" if way == "restore" else "Image created") in said, said
    works_as_set(nic)


@MODEL
@pytest.mark.rule("D2")
def test_cable_is_moved_in_hibernation(nic):
    """Frozen, the device writes no memory, and its PHY follows the cable."""
    hibernate_at_leisure(nic)
    model = nic.guest.model
    nic.defer(lambda: nic.guest.set_link(True))

    def links():
        return re.findall(r"link (up(?=,)|down)", model.log())

    def frozen(plugged):
        before = links()

        def change():
            wait_until(lambda: not model.reg(table.MAP["RCTL"]) & EN, 30, "frozen")
            assert power_state(nic).startswith("D0") and links() == before
            nic.guest.set_link(plugged)
            wait_until(lambda: links()[-1] == ("up" if plugged else "down"), 4, "the cable")
            assert not model.reg(table.MAP["RCTL"]) & EN
        return change
    freeze = sleep_for(5, "devices", "disk")
    with nic.flood("tx"):
        suspend(nic, freeze, meanwhile=frozen(False))
        wait_until(lambda: not nic.carrier(), 15, "no carrier")
        suspend(nic, freeze, meanwhile=frozen(True))
        wait_until(nic.answers, 15, "traffic")
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)
    assert nic.stats()["tx_timeouts"] == 0


@MODEL
@pytest.mark.rule("D2")
def test_closed_interface_is_at_rest_after_sleep(nic):
    """Firmware had the device meanwhile, and has left it at work."""
    model = nic.guest.model
    nic.sh("ip link set dut0 down")

    def at_rest():
        return int(model.command("phy 0"), 16) & PDOWN and not model.reg(table.MAP["RCTL"]) & EN
    assert at_rest()

    def firmware():
        wait_until(lambda: power_state(nic).startswith("D3"), 30, "asleep")
        model.command("phy 0 0x1140")
        model.command(f"reg {table.MAP['RCTL']:#x} {EN:#x}")
        assert not at_rest()
    suspend(nic, sleep_for(4), meanwhile=firmware)
    wait_until(at_rest, 10, "at rest")
    nic.guest.net_up()
    nic.ping()


# --- a device that sleeps already ---

@MODEL
@pytest.mark.rule("P3", "P4")
def test_sleep_without_wake_on_lan_while_it_waits_for_a_link(nic):
    """What wakes the device at run time is not what wakes the system: it is woken first, and then
    its PHY is off, so that a cable finds nobody."""
    model = nic.guest.model
    allow(nic)
    unplug(nic)
    nic.sh("ethtool -s dut0 wol d")
    wait_asleep(nic)
    assert power_state(nic) == "D3, PME enabled"

    def plug():
        wait_until(lambda: power_state(nic) == "D3, PME off", 20, "asleep with the system")
        pmes = model.stats()["pmes"]
        nic.guest.set_link(True)
        until, looks = time.monotonic() + 2, 0
        while time.monotonic() < until:
            up = model.reg(table.MAP["STATUS"]) & LU
            if power_state(nic) != "D3, PME off":
                break           # the machine is busy, and the sleep over
            assert not up, "a link"
            looks += 1
            time.sleep(0.1)
        assert looks and model.stats()["pmes"] == pmes
    suspend(nic, sleep_for(4), meanwhile=plug)
    wait_until(nic.answers, 15, "traffic")
    assert status(nic) == "active"
    nic.transfer(1 << 16, reverse=True)


@MODEL
def test_sockets_while_it_sleeps(nic):
    """AF_XDP: bound before and while the device sleeps without a link, through a sleep of the
    system; closed while it sleeps."""
    allow(nic)
    sent = [frame(nic, 400, i) for i in range(50)]
    with socket(nic, "echo", "--queues 0") as first:
        exchange(nic, sent)
        unplug(nic)
        wait_asleep(nic)
        second = Socket(nic, "send", "--queues 1 --count 16 --patience 300")
        wait_asleep(nic)
        suspend(nic, SLEEP)
        wait_asleep(nic)
        with nic.capture(ethertype=TEST_TYPE, promisc=True) as peer:
            nic.guest.set_link(True)
            peer.wait(16, 30)
        report = second.wait()
        assert report["completed"] == report["sent"] == 16, report
        wait_until(nic.answers, 15, "traffic")
        exchange(nic, sent)
        nic.guest.set_link(False)
        wait_asleep(nic)
        report = first.end()
        assert report["completed"] == report["sent"] == 100, report
        wait_asleep(nic)
    wait_asleep(nic)
    nic.guest.set_link(True)
    wait_until(nic.answers, 15, "traffic")
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)


# --- again and again ---

@pytest.mark.long
@pytest.mark.debug
def test_sleep_50_times_under_traffic(nic):
    nic.expect_log(r"peer0: (NETDEV WATCHDOG|TX timeout)")
    for i in range(50):
        with nic.flood(("rx", "tx")[i % 2]):
            suspend(nic, SLEEP)
        wait_until(nic.answers, 15, "traffic after resume")
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)
    assert nic.stats()["tx_timeouts"] == 0


@pytest.mark.long
def test_sleep_again_and_again_without_wake_on_lan(nic):
    """The PHY is off meanwhile, and the link comes anew each time."""
    nic.expect_log(r"peer0: (NETDEV WATCHDOG|TX timeout)")
    nic.sh("ethtool -s dut0 wol d")
    for i in range(nic.rounds(8)):
        with nic.flood(("rx", "tx")[i % 2]):
            suspend(nic, SLEEP)
        wait_until(nic.answers, 15, "traffic after resume")
    nic.transfer(1 << 16)
    assert nic.stats()["tx_timeouts"] == 0


@MODEL
@pytest.mark.long
@pytest.mark.parametrize("kinds", ["g", "d"])
def test_sleep_again_and_again_with_the_cable_moved(nic, kinds):
    model = nic.guest.model
    nic.sh(f"ethtool -s dut0 wol {kinds}")
    nic.defer(lambda: nic.guest.set_link(True))
    for i in range(nic.rounds(4)):
        states = len(re.findall("power state D3", model.log()))

        def move():
            wait_until(lambda: len(re.findall("power state D3", model.log())) > states, 20,
                       "asleep")
            nic.guest.set_link(bool(i % 2))
        suspend(nic, sleep_for(4), meanwhile=move)
        if i % 2:
            wait_until(nic.answers, 15, "traffic")
            nic.transfer(1 << 16)
        else:
            wait_until(lambda: not nic.carrier(), 15, "no carrier")
    assert nic.stats()["tx_timeouts"] == 0
