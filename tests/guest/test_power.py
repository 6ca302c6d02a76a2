# SPDX-License-Identifier: GPL-2.0
"""Runtime power management: when the device sleeps, who wakes it, and that nothing is lost.

QEMU's device has no PME: it sleeps while the interface is down only.  The model's wakes when the
cable is plugged.  Of QEMU's the trace tells whether a register was accessed while it slept.
"""

import json
import re

import pytest
import registers as table
from hwlab import trace
from lab import PY, wait_until
from test_leave import SLEEP, suspend
from test_ptp import clock, ptp
from test_wake import (APME, APMPME, D3HOT, DRV_LOAD, MAG, NVM_APM, PCI, PDOWN, PMCSR, PME_EN,
                       STATE, armed, power_states, replay)

POWER = "/sys/class/net/dut0/device/power"
DELAY = 50
MODEL = pytest.mark.guest(device="model")
PMCSR_WRITE = re.compile(rf"pci_cfg_write e1000e .*@{PMCSR:#x} <- (0x\w+)")


def allow(nic, delay=DELAY):
    """To sleep, as a user does; until the end of the test.

    The port above stays awake: it would pass the device's PME on, which QEMU's does not, and
    while it sleeps the kernel does not poll for PME.
    """
    power = f"/sys/bus/pci/devices/{nic.guest.pci()}/power"
    port = f"$(dirname $(realpath /sys/bus/pci/devices/{nic.guest.pci()}))/power/control"
    nic.sh(f"echo on >{port}")
    nic.defer(f"echo on >{power}/control")
    nic.sh(f"echo {delay} >{power}/autosuspend_delay_ms; echo auto >{power}/control")


def status(nic):
    return nic.sh(f"cat {POWER}/runtime_status").strip()


def wait_asleep(nic):
    wait_until(lambda: status(nic) == "suspended", 20, "the device sleeps")


def unplug(nic):
    nic.guest.set_link(False)
    nic.defer(lambda: nic.guest.set_link(True))
    wait_until(lambda: not nic.carrier(), 15, "no carrier")


def touched_asleep(nic, start):
    """Registers that were accessed in D3, since a place in the trace; and how often it slept."""
    with open(nic.guest.config.trace, encoding="utf-8", errors="replace") as log:
        log.seek(start)
        asleep, times, found = False, 0, []
        for line in log:
            power = PMCSR_WRITE.search(line)
            if power:
                asleep = int(power[1], 16) & STATE == D3HOT
                times += asleep
            elif asleep and trace.access(line):
                found.append(line)
    return found, times


def counters(nic):
    return {k: v for k, v in nic.stats().items() if "packets" in k or "octets" in k or "bytes" in k}


# What only looks.  Each shows the same, asleep or not.
LOOKS = (
    "ethtool dut0", "ethtool -i dut0", "ethtool -S dut0", "ethtool -a dut0", "ethtool -g dut0",
    "ethtool -c dut0", "ethtool -x dut0", "ethtool -k dut0", "ethtool -T dut0",
    "ethtool -e dut0 offset 0 length 128", "ethtool --show-priv-flags dut0; true",
    "ethtool -S dut0 --groups eth-mac rmon", "ip -d -s -s link show dut0",
    "devlink -j dev info", "devlink -j health show",
    "cat /sys/class/net/dut0/statistics/*", f"{PY}/mii.py dut0",
    "cat /sys/class/net/dut0/speed /sys/class/net/dut0/duplex 2>&1; true",
)
# What looks at registers that change by themselves.  Of a dump one may be all ones.
TOUCHES = (
    "ethtool -d dut0", "ethtool -d dut0 raw on | od -v -t x4", "ethtool -t dut0 online; true",
    "devlink -j health diagnose pci/$(hwlab pci 0) reporter tx",
)


@PCI
@pytest.mark.rule("P4")
def test_each_look_wakes_a_device_that_is_down(nic):
    nic.transfer(1 << 16)
    nic.sh("ip link set dut0 down")
    awake = {x: nic.sh(x) for x in LOOKS}
    start = nic.access_log()[1]
    allow(nic)
    wait_asleep(nic)
    for command, shown in awake.items():
        assert nic.sh(command) == shown, command
        wait_asleep(nic)
    for command in TOUCHES:
        shown = nic.sh(command)
        assert shown.lower().count("ffffffff") < 2, (command, shown)
        wait_asleep(nic)
    found, times = touched_asleep(nic, start)
    assert not found, found[:5]
    assert times > len(TOUCHES), "each has woken it"
    nic.guest.net_up()
    nic.transfer(1 << 16, reverse=True)


@PCI
@pytest.mark.rule("P4")
def test_not_before_it_may(nic):
    """The platform's default is that it must not; with a link it does not; and it does not at
    once."""
    start = nic.access_log()[1]
    assert nic.sh(f"cat {POWER}/control {POWER}/runtime_status").split() == ["on", "active"]
    nic.sh(f"echo 0 >{POWER}/autosuspend_delay_ms; ip link set dut0 down; ip link set dut0 up")
    nic.guest.net_up()
    nic.sh(f"echo {DELAY} >{POWER}/autosuspend_delay_ms")
    allow(nic)
    slept = f"cat {POWER}/runtime_suspended_time"
    before = nic.sh(slept)
    nic.ping(count=5)
    nic.sh("ethtool -G dut0 rx 512; ethtool --reset dut0 mac; ethtool -t dut0 offline", 60)
    nic.guest.net_up()
    nic.ping(count=5)
    # Nothing would wake this one, when the cable is plugged.
    unplug(nic)
    nic.sh("for i in 1 2 3 4 5; do ping -c 1 -W 0.2 127.0.0.1; ethtool dut0; done")
    nic.guest.set_link(True)
    wait_until(nic.carrier, 15, "carrier")
    assert status(nic) == "active" and nic.sh(slept) == before
    assert D3HOT not in power_states(nic, start)
    nic.sh(f"echo 4000 >{POWER}/autosuspend_delay_ms; ip link set dut0 down")
    assert status(nic) == "active"
    nic.sh(f"echo {DELAY} >{POWER}/autosuspend_delay_ms")
    wait_asleep(nic)
    nic.sh(f"echo on >{POWER}/control")
    assert status(nic) == "active"


@PCI
@pytest.mark.rule("P4", "D8")
def test_settings_counters_and_clock_outlive_sleep(nic):
    """Some are made while the device is awake, some while it sleeps."""
    nic.sh("ethtool -L dut0 combined 2")
    nic.guest.net_up()
    dev = clock(nic)
    ptp(nic, "set", dev, 5 * 10 ** 18)
    begun = ptp(nic, "pair", dev)
    nic.transfer(1 << 18)
    nic.ping(count=5)
    nic.sh("ethtool -G dut0 rx 512; ethtool -C dut0 rx-usecs 77; ethtool -s dut0 wol ub; "
           "ip link set dut0 down")
    before, (ptp0, raw0, *_) = counters(nic), ptp(nic, "pair", dev)
    rate = (ptp0 - begun[0]) / (raw0 - begun[1])    # QEMU's runs faster
    start = nic.access_log()[1]
    allow(nic)
    wait_asleep(nic)
    settings = (
        "ip link set dut0 address 02:00:00:00:00:09", "ip link set dut0 mtu 1400",
        "ethtool -X dut0 weight 1 3", "ethtool -K dut0 rxvlan off", "ethtool -G dut0 tx 512",
        "ip link add link dut0 name dut0.7 type vlan id 7", "ip link set dut0 promisc on",
        "ip link set dut0 promisc off", f"{PY}/ptp.py hwtstamp dut0 0 1 1",
        f"{PY}/xdp.py dut0 pass")
    for command in settings:
        nic.sh(command)
        ptp1, raw1, *_ = ptp(nic, "pair", dev)
        assert abs((ptp1 - ptp0) / (raw1 - raw0) / rate - 1) < 0.01, command
        wait_asleep(nic)
    assert counters(nic) == before
    assert not touched_asleep(nic, start)[0]
    assert nic.link()["mtu"] == 1400
    nic.guest.net_up()      # which sets the MTU
    nic.ping()
    assert nic.link()["address"] == "02:00:00:00:00:09"
    assert [re.findall(rf"^{x}:\s+(\d+)", nic.sh("ethtool -g dut0"), re.M)[-1]
            for x in ("RX", "TX")] == ["512", "512"]
    assert re.search(r"^rx-usecs:\s+77$", nic.sh("ethtool -c dut0"), re.M)
    assert "Wake-on: ub" in nic.sh("ethtool dut0")
    assert nic.feature("rx-vlan-offload") == "off"
    assert ptp(nic, "hwtstamp", "dut0") == (0, 1, 1)
    assert "xdp" in nic.sh("ip link show dut0")
    now = counters(nic)
    assert all(now[k] >= v for k, v in before.items()) and now != before
    nic.sh("ip link del dut0.7")


@PCI
@pytest.mark.rule("P4", "P3")
def test_system_sleep_while_it_sleeps(nic):
    """It is woken first, and armed for what the user wants."""
    allow(nic)
    nic.sh("ip link set dut0 down")
    wait_asleep(nic)
    for kinds in "gd":
        nic.sh(f"ethtool -s dut0 wol {kinds}")
        wait_asleep(nic)
        at = nic.access_log()[1]
        suspend(nic, SLEEP)
        log = nic.access_log(at)[0]
        arming = [i for i, (_, kind, offset, value) in enumerate(log)
                  if kind == "w" and offset == table.MAP["WUC"] and value]
        if kinds == "g":
            let_go = next(i for i in range(arming[0], len(log)) if log[i][1] == "w" and
                          log[i][2] == table.MAP["CTRL_EXT"] and not log[i][3] & DRV_LOAD)
            state = replay(log[:let_go + 1])
            assert (state["WUFC"], state["WUC"]) == (MAG, PME_EN | APME | APMPME)
            assert armed(state, nic.MAC), state
        else:
            assert not arming
        wait_asleep(nic)
        assert not touched_asleep(nic, at)[0]
    nic.guest.net_up()
    nic.ping()


@pytest.mark.rule("P3", "P4", "D3")
def test_removed_while_it_sleeps(nic):
    """Each way; and found again by the next driver, which waits as long as the first."""
    # Found again, QEMU's device has no wake-up any more: that was its slot's, by ACPI.
    nic.spoiled = True
    pci = nic.guest.pci()
    for command in ("rmmod hartwell", f"echo {pci} >/sys/bus/pci/drivers/hartwell/unbind",
                    f"echo 1 >/sys/bus/pci/devices/{pci}/remove; echo 1 >/sys/bus/pci/rescan"):
        allow(nic)
        nic.sh("ip link set dut0 down")
        wait_asleep(nic)
        nic.sh(command)
        nic.guest.bring_up()
        nic.ping()
        nic.sh(f"test -e /sys/bus/pci/devices/{pci}/driver || "
               f"echo {pci} >/sys/bus/pci/drivers/hartwell/bind")
        assert nic.sh(f"cat {POWER}/autosuspend_delay_ms").strip() == "5000", command
    if nic.guest.config.device == "model":
        return              # has a PME of its own
    # A platform that cannot wake.
    assert "Supports Wake-on: d\n" in nic.sh("ethtool dut0")
    result = nic.refused("ethtool -s dut0 wol g", "Invalid argument")
    assert "unsupported WoL mode" in result.stderr + result.stdout, result


@pytest.mark.rule("P4")
def test_reset_of_the_function_while_it_sleeps(nic):
    allow(nic)
    nic.sh("ip link set dut0 down")
    wait_asleep(nic)
    nic.sh(f"echo 1 >/sys/bus/pci/devices/{nic.guest.pci()}/reset")
    wait_asleep(nic)
    nic.guest.net_up()
    nic.ping()


# --- up, without a link: the model ---

@MODEL
@pytest.mark.parametrize("delay", [0, DELAY])
@pytest.mark.rule("P4")
def test_plugging_the_cable_wakes(nic, delay):
    """Once: the model's PHY is reset on the way to D0, and the link takes longer to come again
    than the device is allowed to wait without one.
    """
    model = nic.guest.model
    allow(nic, delay)
    for _ in range(2):
        nic.transfer(1 << 16)
        unplug(nic)
        wait_asleep(nic)
        assert re.findall(r"power state (.*)", model.log())[-1] == "D3, PME enabled"
        assert not model.reg(table.MAP["CTRL_EXT"]) & DRV_LOAD, "firmware has the device"
        shown = nic.link()
        assert "UP" in shown["flags"] and "NO-CARRIER" in shown["flags"]
        changes, pmes = nic.carrier_changes(), model.stats()["pmes"]
        nic.guest.set_link(True)
        wait_until(nic.carrier, 15, "carrier")
        wait_until(nic.answers, 15, "traffic")
        assert nic.carrier_changes() == changes + 1, "the link bounced"
        assert model.stats()["pmes"] == pmes + 1 and status(nic) == "active"
        assert nic.stats()["wakeups"] == 0, "the system was awake"
    nic.transfer(1 << 16, reverse=True)


@MODEL
@pytest.mark.rule("P4")
def test_each_look_wakes_a_device_without_a_link(nic):
    nic.transfer(1 << 16)
    unplug(nic)
    # The watchdog's own counters go on, and the PHY looks for a partner; the stack counts what
    # it does not send.
    same = [x for x in LOOKS if not re.search("mii.py|health|-S dut0$|ip -d|statistics", x)]
    # What was still in the ring is dropped with the link.
    allow(nic)
    wait_asleep(nic)
    nic.sh(f"echo on >{POWER}/control")
    awake, before = {x: nic.sh(x) for x in same}, counters(nic)
    nic.sh(f"echo auto >{POWER}/control")
    wait_asleep(nic)
    assert counters(nic) == before
    for command in same:
        assert nic.sh(command) == awake[command], command
        wait_asleep(nic)
    # The clock needs no device.  Where it asked one that sleeps, it would not believe the answer,
    # and count that.
    dev, guesses = clock(nic), nic.stats()["clock_guesses"]
    wait_asleep(nic)
    first, second = ptp(nic, "pair", dev), ptp(nic, "pair", dev)
    assert status(nic) == "suspended"
    assert 0.9 < (second[0] - first[0]) / (second[1] - first[1]) < 1.1
    assert nic.stats()["clock_guesses"] == guesses
    for command in (*TOUCHES, f"{PY}/mii.py dut0", "devlink -j health show"):
        shown = nic.sh(command)
        assert shown.lower().count("ffffffff") < 2, (command, shown)
        wait_asleep(nic)
    nic.guest.set_link(True)
    wait_until(nic.answers, 15, "traffic")


@MODEL
@pytest.mark.rule("P4")
def test_a_device_that_is_down_is_put_to_rest_each_time(nic):
    """On its way to D0 the PHY comes to life, and wake-up is armed as the NVM says."""
    model = nic.guest.model
    model.command(f"nvm 0x24 {NVM_APM:#x}")
    nic.defer(lambda: model.command("nvm 0x24 0"))
    nic.sh("ip link set dut0 down")
    allow(nic, 2500)
    wait_asleep(nic)
    for command in ("ethtool -S dut0", "ethtool -d dut0"):
        nic.sh(command)
        assert int(model.command("phy 0"), 0) & PDOWN
        assert status(nic) == "active", "it was awake then"
        wait_asleep(nic)
        assert model.reg(table.MAP["WUC"]) == 0
    nic.guest.net_up()
    nic.transfer(1 << 16)


@MODEL
@pytest.mark.parametrize("what, value", [("rtnl_trylock", 0), ("hwl_open_doze", -16)])
@pytest.mark.rule("P4")
def test_a_try_that_fails_is_not_the_last(nic, what, value):
    """Without a delay the kernel does not try again by itself."""
    allow(nic, 0)
    nic.fail(what, value, 0, "hwl_runtime_suspend")
    unplug(nic)
    # What else comes of the loss of the link may have it tried, too.
    nic.sh("sleep 3")
    assert nic.fail_hits() > 0
    wait_asleep(nic)
    nic.guest.set_link(True)
    wait_until(nic.answers, 15, "traffic")


# Each needs the data path, or changes it.
CHANGES = (
    "ethtool -G dut0 rx 1024", "ethtool -L dut0 combined 1", "ethtool -L dut0 combined 2",
    "ip link set dut0 mtu 3000", f"{PY}/xdp.py dut0 pass --frags",
    "ip link set dut0 mtu 1500", f"{PY}/xdp.py dut0 none",
    "ethtool -K dut0 rxvlan off", "ethtool -K dut0 rx-all on", "ethtool -K dut0 rx-all off",
    "ethtool -X dut0 weight 3 1", "ethtool -C dut0 rx-usecs 33", "ethtool -r dut0",
    "ethtool -A dut0 rx off tx off", "ethtool --reset dut0 mac", "ethtool -t dut0 online; true",
    "ip link set dut0 address 02:00:00:00:00:0a", "ip link set dut0 promisc on",
    "ip link set dut0 promisc off", "ip link set dut0 down; ip link set dut0 up",
    "devlink health recover pci/$(hwlab pci 0) reporter tx",
    "echo 1 >/sys/bus/pci/devices/$(hwlab pci 0)/reset",
)


@MODEL
@pytest.mark.rule("P4")
def test_each_change_wakes_a_device_without_a_link(nic):
    allow(nic)
    unplug(nic)
    for command in CHANGES:
        wait_asleep(nic)
        nic.sh(command, 60)
    wait_asleep(nic)
    nic.guest.set_link(True)
    wait_until(nic.answers, 15, "traffic")
    assert re.findall(r"^RX:\s+(\d+)", nic.sh("ethtool -g dut0"), re.M)[-1] == "1024"
    assert re.search(r"^rx-usecs:\s+33$", nic.sh("ethtool -c dut0"), re.M)
    assert nic.feature("rx-vlan-offload") == "off"
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)


@MODEL
@pytest.mark.long
@pytest.mark.rule("P4")
def test_sleeps_and_wakes_20_times(nic):
    allow(nic)
    nic.guest.set_link(False)
    nic.defer(lambda: nic.guest.set_link(True))
    before = counters(nic)
    for i in range(nic.rounds(20)):
        wait_asleep(nic)
        if i % 3 == 0:
            nic.sh("ip link set dut0 down")
            wait_asleep(nic)
            nic.sh("ip link set dut0 up")
        if i % 3 == 1:
            nic.sh("ethtool -S dut0")
        nic.guest.set_link(True)
        wait_until(nic.answers, 15, "traffic")
        now = counters(nic)
        assert all(now[k] >= v for k, v in before.items())
        before = now
        nic.guest.set_link(False)
    wait_asleep(nic)
    assert nic.stats()["tx_timeouts"] == 0


@MODEL
@pytest.mark.debug
@pytest.mark.rule("P4", "D3")
def test_removed_while_it_sleeps_without_a_link(nic):
    pci = nic.guest.pci()
    allow(nic)
    unplug(nic)
    wait_asleep(nic)
    nic.sh("rmmod hartwell")
    nic.guest.set_link(True)
    nic.guest.bring_up()
    nic.ping()
    # It has just woken, and is kept awake for a while: nothing is left of that, neither the work
    # nor its hold on the device.
    allow(nic, 0)
    unplug(nic)
    wait_asleep(nic)
    nic.guest.set_link(True)
    wait_until(nic.carrier, 15, "carrier")
    nic.sh("rmmod hartwell")
    nic.guest.load_driver()
    nic.guest.net_up()
    allow(nic)
    nic.sh("ip link set dut0 down")
    wait_asleep(nic)
    assert json.loads(nic.sh("devlink -j dev info"))["info"][f"pci/{pci}"]["driver"] == "hartwell"
