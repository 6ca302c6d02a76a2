# SPDX-License-Identifier: GPL-2.0
"""Wake-up: what ethtool shows and refuses, and how the device is left for sleep and power off."""

import re

import pytest
import registers as table
from lab import wait_until
from test_leave import SLEEP, sleep_for, suspend

NAMES = {offset: name for name, offset in table.MAP.items()} | {0x5860: "MANC2H"} | {
    0x5890 + 4 * i: f"MDEF{i}" for i in range(8)}
LNKC, MAG, EX, MC, BC = (1 << i for i in range(5))
APME, PME_EN, APMPME = 1, 2, 8
ARP = 1 << 5
LU, DRV_LOAD, MPE = 1 << 1, 1 << 28, 1 << 4
PMCSR, STATE, D3HOT, PDOWN = 0xcc, 3, 3, 1 << 11
COMMAND, MASTER, GIO_MASTER_DISABLE = 0x4, 1 << 2, 1 << 2
FACTPS, MNGCG = 0x5b30, 1 << 29
NVM_APM = 1 << 10
MANC, RCV_TCO_EN, EN_MNG2HOST, EEWR, IPMI = 0x5820, 1 << 17, 1 << 21, 0x102c, 0xc00
WAKEUP = "/sys/class/net/dut0/device/power/wakeup"
ADDRESS = "02:00:00:00:00:07"
# The device's memory leaves the bus with each D3: QEMU before 11 then may lose what another
# processor writes to any device, and that goes unserved for good.
PCI = pytest.mark.guest(traced=True, smp=1, qemu_args=("-trace", "pci_cfg_write"))


def wol(nic):
    """(supported, set, the platform's switch)"""
    shown = nic.sh("ethtool dut0")
    return (re.search(r"Supports Wake-on: (\w+)", shown)[1],
            re.search(r"^\s*Wake-on: (\w+)", shown, re.M)[1], nic.sh(f"cat {WAKEUP}").strip())


@pytest.mark.rule("P3")
def test_settings(nic):
    assert wol(nic) == ("pumbg", "g", "enabled"), "the NVM has APM on"
    for kinds, switch in (("d", "disabled"), ("p", "enabled"), ("umb", "enabled"),
                          ("d", "disabled"), ("pumbg", "enabled")):
        nic.sh(f"ethtool -s dut0 wol {kinds}")
        assert wol(nic)[1:] == (kinds, switch)
    nic.sh("ethtool -s dut0 wol ub")
    for bad in ("a", "s", "f", "ga"):
        result = nic.refused(f"ethtool -s dut0 wol {bad}", "Invalid argument")
        assert "unsupported WoL mode" in result.stderr + result.stdout, result
        assert wol(nic)[1:] == ("ub", "enabled")
    for command in ("ethtool --reset dut0 mac", "ip link set dut0 down; ip link set dut0 up",
                    "ethtool -G dut0 rx 512", "ethtool -t dut0 offline"):
        nic.sh(command, 60)
        assert wol(nic)[1:] == ("ub", "enabled"), command
    nic.sh(f"echo disabled >{WAKEUP}")
    assert wol(nic)[1:] == ("ub", "disabled")
    nic.guest.net_up()
    nic.ping()


# --- what is left in the registers ---

def replay(log):
    """Registers as the last writes leave them, since the last reset, when the driver lets go of
    the device for sleep; "PHY": its control register, as last written since then, or None."""
    end = max(i for i, x in enumerate(log)
              if x[1] == "w" and NAMES.get(x[2]) == "CTRL_EXT" and not x[3] & DRV_LOAD)
    state = {"PHY": None}
    for _, kind, offset, value in log[:end + 1]:
        name = NAMES.get(offset)
        if kind != "w" or name is None:
            continue
        if name == "CTRL" and value & 1 << 26:
            state = {"PHY": None}
        elif name == "MDIC":
            if value >> 26 & 3 == 1 and value >> 16 & 31 == 0:
                state["PHY"] = value & 0xffff
        else:
            state[name] = value
    return state


def config_writes(nic, start):
    """(offset, value) of what was written to configuration space since a place in the trace."""
    with open(nic.guest.config.trace, encoding="utf-8", errors="replace") as log:
        log.seek(start)
        return [(int(where, 16), int(value, 16)) for where, value in re.findall(
            r"pci_cfg_write e1000e .*@(0x\w+) <- (0x\w+)", log.read())]


def power_states(nic, start):
    """The power states that were written for the device since a place in the trace."""
    return [value & STATE for where, value in config_writes(nic, start) if where == PMCSR]


def masters(nic, start):
    """May the device master the bus, each time that it was put to sleep?"""
    found, command = [], None
    for where, value in config_writes(nic, start):
        if where == COMMAND:
            command = value
        elif where == PMCSR and value & STATE == D3HOT:
            found.append(None if command is None else bool(command & MASTER))
    return found


def armed(state, address):
    high = int.from_bytes(bytes.fromhex(address.replace(":", ""))[4:], "little")
    return (state["RCTL"] & 0x8002 == 0x8002 and state["CTRL"] >> 20 & 3 == 3 and
            state["CTRL"] & GIO_MASTER_DISABLE and
            state["RAH0"] == 1 << 31 | high and not (state["PHY"] or 0) & PDOWN)


def slept(nic):
    at = nic.access_log()[1]
    suspend(nic, SLEEP)
    return replay(nic.access_log(at)[0]), power_states(nic, at)


# What is done before, what wakes then.
CASES = {
    "default": ("true", MAG, PME_EN | APME | APMPME),
    "frames": ("ethtool -s dut0 wol umb", EX | MC | BC, PME_EN),
    "no link change with a link": ("ethtool -s dut0 wol p", 0, 0),
    "off": ("ethtool -s dut0 wol d", 0, 0),
    "off by the platform": (f"ethtool -s dut0 wol g; echo disabled >{WAKEUP}", 0, 0),
}


@PCI
@pytest.mark.rule("P3")
def test_armed_for_sleep(nic):
    nic.sh(f"ip link set dut0 address {ADDRESS}")
    for name, (before, wufc, wuc) in CASES.items():
        nic.sh(before)
        at = nic.access_log()[1]
        state, power = slept(nic)
        assert (state.get("WUFC"), state.get("WUC")) == (wufc, wuc), name
        assert D3HOT in power and power[-1] == 0, (name, power)
        if wufc:
            assert armed(state, ADDRESS), (name, state)
            assert masters(nic, at) == [False], name
            assert bool(state["RCTL"] & MPE) == bool(wufc & MC), name
        else:
            assert state["PHY"] & PDOWN, name
        wait_until(nic.answers, 15, "traffic after resume")
    assert nic.stats()["wakeups"] == 0


@PCI
@pytest.mark.rule("P3")
def test_armed_without_a_link_and_down(nic):
    """A change of the link wakes then; an interface that is down has its PHY powered up."""
    nic.sh(f"ip link set dut0 address {ADDRESS}; ethtool -s dut0 wol pg")
    nic.guest.set_link(False)
    nic.defer(lambda: nic.guest.set_link(True))
    wait_until(lambda: not nic.carrier(), 10, "no carrier")
    for command in ("true", "ip link set dut0 down"):
        nic.sh(command)
        state, power = slept(nic)
        assert state["WUFC"] == LNKC | MAG and state["WUC"] == PME_EN | APME | APMPME, state
        assert armed(state, ADDRESS) and D3HOT in power, (command, state)
    nic.guest.set_link(True)
    nic.guest.net_up()
    nic.ping()


@PCI
@pytest.mark.parametrize("kinds", ["g", "d"])
@pytest.mark.rule("P3")
def test_power_off(nic, kinds):
    nic.sh(f"ethtool -s dut0 wol {kinds}")
    at = nic.access_log()[1]
    nic.guest.shutdown()
    log, power = nic.access_log_file(at)[0], power_states(nic, at)
    nic.discard()
    state = replay(log)
    assert power and power[-1] == D3HOT, power
    if kinds == "g":
        assert state["WUFC"] == MAG and state["WUC"] == PME_EN | APME | APMPME
        assert armed(state, nic.MAC), state
    else:
        assert state["WUFC"] == state["WUC"] == 0 and state["PHY"] & PDOWN


@PCI
@pytest.mark.rule("P3")
def test_reboot_leaves_the_device_awake(nic):
    """The next system, by kexec maybe, may not expect one that sleeps."""
    at = nic.access_log()[1]
    reboot = "import ctypes; ctypes.CDLL(None).reboot(0x1234567)"
    nic.sh(f"setsid sh -c 'sleep 1; python3 -c \"{reboot}\"' </dev/null >/dev/null 2>&1 &")
    nic.guest.wait_exit(30 * nic.guest.scale)
    log, config = nic.access_log_file(at)[0], config_writes(nic, at)
    nic.discard()
    assert not log[-1][3] & DRV_LOAD and NAMES[log[-1][2]] == "CTRL_EXT", log[-1]
    assert D3HOT not in [value & STATE for where, value in config if where == PMCSR], config
    assert [value & MASTER for where, value in config if where == COMMAND][-1] == 0


# --- management packets ---

@pytest.mark.bare
@pytest.mark.guest(traced=True)
@pytest.mark.parametrize("mode", ["pass-through", "other"])
@pytest.mark.rule("P3")
def test_management_packets(nic, mode):
    """With pass-through the host gets those of IPMI while the interface is up."""
    nic.spoiled = True      # its NVM
    nic.expect_log("NVM checksum is not valid")
    nic.sh(f"echo 1 >/sys/bus/pci/devices/{nic.guest.pci()}/enable")
    word = 0x8058 | ((1 if mode == "other" else 2) << 13)
    nic.set_reg(EEWR, word << 16 | 0x0f << 2 | 1)
    nic.set_reg(EEWR, (0x4f01 & ~NVM_APM) << 16 | 0x24 << 2 | 1)
    nic.set_reg(FACTPS, nic.reg(FACTPS) & ~MNGCG)
    nic.set_reg(MANC, RCV_TCO_EN)
    at = nic.access_log()[1]
    nic.load()
    log, at = nic.access_log(at)
    # The platform's wake-up is firmware's, too, whatever the user wants of the driver.
    assert wol(nic)[1:] == ("d", "enabled")
    for kinds in "gd":
        nic.sh(f"ethtool -s dut0 wol {kinds}")
        assert wol(nic)[1:] == (kinds, "enabled")
    nic.sh(f"ethtool -s dut0 wol g; echo disabled >{WAKEUP}; ethtool -s dut0 wol d")
    assert wol(nic)[1:] == ("d", "disabled"), "the user has said otherwise"

    def writes(entries):
        return [(NAMES.get(o), v) for _, k, o, v in entries
                if k == "w" and (NAMES.get(o) or "").startswith(("MANC", "MDEF"))]
    if mode == "other":
        assert not writes(log)
        return
    assert writes(log)[:2] == [("MDEF0", IPMI), ("MANC2H", 1)], writes(log)
    name, value = writes(log)[2]
    assert name == "MANC" and value & EN_MNG2HOST
    nic.ping()
    nic.sh("ip link set dut0 down")
    name, value = writes(nic.access_log(at)[0])[-1]
    assert name == "MANC" and not value & EN_MNG2HOST


# --- on the device model: who wakes, and who does not ---

SLEEPS = {"device": "model", "packed": True, "mem": 512, "qemu_args": (
    "-global", "ICH9-LPC.disable_s3=0", "-action", "reboot=reset")}
MODEL = pytest.mark.guest(**SLEEPS)
GROUP, ALL = "01005e7f0101", "ff" * 6


def frame(nic, dst, magic=False):
    own = nic.MAC.replace(":", "")
    body = "ff" * 6 + own * 16 if magic else "00" * 46
    return f"frame {dst}{nic.PEER_MAC.replace(':', '')}{'0842' if magic else '88b5'}{body}"


def sleep_until(nic, others, waker, keeps_link=True):
    """To memory. Frames that must not wake are sent, then what must; the board wakes for PME.
    A link that is up is kept, and is not even negotiated anew."""
    model = nic.guest.model
    begun = model.stats()["pmes"]
    said = len(model.log())
    sent = []

    def board():
        if not sent:
            wait_until(lambda: re.findall(r"power state D(\d)", model.log())[-1:] == ["3"], 10,
                       "the device sleeps")
            # Some drivers have it negotiated anew, at a speed that takes less power.
            if waker != "link up":
                wait_until(lambda: model.reg(table.MAP["STATUS"]) & LU, 10, "a link")
                assert not keeps_link or "link down" not in model.log()[said:]
            for x in others:
                sent.append(x)
                model.command(x)
                assert model.stats()["pmes"] == begun, f"woken by {x}"
            sent.append(waker)
            model.command(waker)
        if model.stats()["pmes"] > begun:
            nic.guest.qmp("system_wakeup")
    suspend(nic, "echo deep >/sys/power/mem_sleep; echo mem >/sys/power/state", board)
    assert model.stats()["pmes"] > begun, model.log()[-3500:]
    wait_until(nic.answers, 15, "traffic after resume")


KINDS = {"g": "magic packet", "u": "unicast frame", "m": "multicast frame", "b": "broadcast frame"}


@MODEL
@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.rule("P3")
def test_each_kind_wakes_from_memory(nic, kind):
    """And each other does not: the guest sleeps on."""
    nic.spoiled = True      # QEMU's machine does not sleep a second time
    own = nic.MAC.replace(":", "")
    frames = {"g": frame(nic, ALL, magic=True), "u": frame(nic, own), "m": frame(nic, GROUP),
              "b": frame(nic, ALL)}
    nic.sh("echo 'file hwl_wake.c +p' >/sys/kernel/debug/dynamic_debug/control; "
           f"ethtool -s dut0 wol {kind}")
    since = nic.guest.mark()
    # A magic packet to all is a broadcast frame, too.
    others = [x for k, x in frames.items() if k != kind and (kind, k) != ("b", "g")]
    sleep_until(nic, others, frames[kind])
    said = re.findall(r"woken by (.*)", nic.guest.dmesg(since))
    assert said == [KINDS[kind]], said
    assert nic.stats()["wakeups"] == 1 and nic.guest.model.reg(table.MAP["WUS"]) == 0
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)


@pytest.mark.guest(device="model")
@pytest.mark.rule("P3")
def test_who_woke_is_told_once(nic):
    """WUS outlives resets: what is there from a time before is not told as of this one. The link
    is kept on the way into sleep."""
    model = nic.guest.model
    nic.sh("ethtool -s dut0 wol g")

    def woken():
        wait_until(nic.carrier, 15, "a link")
        said, before = len(model.log()), model.stats()["pmes"]

        def wake():
            wait_until(lambda: "power state D3" in model.log()[said:], 20, "the device sleeps")
            assert "link down" not in model.log()[said:]
            # Of this board the NVM does not have APM on.
            assert model.reg(table.MAP["WUC"]) == PME_EN
            model.command(frame(nic, ALL, magic=True))
            assert model.stats()["pmes"] == before + 1
        suspend(nic, sleep_for(3), meanwhile=wake)

    def told():
        return nic.stats()["wakeups"], int(nic.sh(f"cat {WAKEUP}_active_count"))
    # A driver before this one has left it.
    model.command(f"reg {table.MAP['WUS']:#x} {MAG:#x}")
    before = told()
    assert before[0] == 0
    suspend(nic, SLEEP)
    assert told() == before and model.reg(table.MAP["WUS"]) == 0
    # Nor where nothing is to wake; and causes that are none of the driver's go, too.
    nic.sh("ethtool -s dut0 wol d")
    model.command(f"reg {table.MAP['WUS']:#x} {MAG | ARP:#x}")
    suspend(nic, SLEEP)
    assert nic.stats()["wakeups"] == 0 and model.reg(table.MAP["WUS"]) == 0
    nic.sh("ethtool -s dut0 wol g")
    assert told() == before
    woken()
    after = told()
    assert after[0] == 1 and after[1] == before[1] + 1 and model.reg(table.MAP["WUS"]) == 0
    wait_until(nic.answers, 15, "traffic after resume")
    nic.sh("ip link set dut0 down")
    assert int(model.command("phy 0"), 16) & PDOWN, "the link is kept for the sleep alone"


@pytest.mark.guest(device="model", model="--autoneg 4000")
@pytest.mark.parametrize("kinds, causes", [("p", 0), ("pg", MAG)])
@pytest.mark.parametrize("up", [False, True])
@pytest.mark.rule("P3")
def test_a_link_of_its_own_does_not_wake(nic, up, kinds, causes):
    """The PHY of an interface that is down comes up for the sleep, with the cable plugged in; that
    of one which is up may have begun to negotiate."""
    model = nic.guest.model
    nic.sh(f"ethtool -s dut0 wol {kinds}; ip link set dut0 down")
    if up:
        nic.sh("ip link set dut0 up")
    said, before = len(model.log()), model.stats()["pmes"]

    def asleep():
        wait_until(lambda: "power state D3" in model.log()[said:], 20, "the device sleeps")
        assert model.reg(table.MAP["WUFC"]) == causes
        assert bool(model.reg(table.MAP["STATUS"]) & LU) == bool(causes)
    suspend(nic, sleep_for(4), meanwhile=asleep)
    assert model.stats()["pmes"] == before and nic.stats()["wakeups"] == 0
    nic.guest.net_up()
    nic.ping()


@pytest.mark.guest(device="model")
@pytest.mark.rule("P3")
def test_what_a_driver_before_has_left_does_not_wake(nic):
    """The platform's wake-up outlives a driver; the next begins with what the NVM says."""
    nic.sh("ethtool -s dut0 wol p")
    assert nic.sh(f"cat {WAKEUP}").strip() == "enabled"
    nic.guest.unload_driver()
    nic.guest.load_driver()
    assert "Wake-on: d" in nic.sh("ethtool dut0")
    assert nic.sh(f"cat {WAKEUP}").strip() == "disabled"


@MODEL
@pytest.mark.long
@pytest.mark.rule("P3")
def test_plugging_the_cable_wakes(nic):
    """With the interface down, too: its PHY is on then."""
    nic.spoiled = True
    nic.sh("ethtool -s dut0 wol p")
    nic.guest.set_link(False)
    wait_until(lambda: not nic.carrier(), 10, "no carrier")
    sleep_until(nic, [frame(nic, ALL, magic=True)], "link up")
    assert nic.stats()["wakeups"] == 1


@MODEL
@pytest.mark.long
def test_without_wake_on_lan_nothing_wakes(nic):
    """The partner sees the link go, and finds nobody at home."""
    nic.spoiled = True
    nic.sh("ethtool -s dut0 wol d")
    model = nic.guest.model
    said = len(model.log())

    def board():
        wait_until(lambda: re.findall(r"power state D(\d)", model.log())[-1:] == ["3"], 10,
                   "the device sleeps")
        assert "link down" in model.log()[said:].partition("power state D3")[0]
        own = nic.MAC.replace(":", "")
        for x in (frame(nic, ALL, magic=True), frame(nic, own), frame(nic, GROUP),
                  frame(nic, ALL)):
            model.command(x)
            assert model.stats()["pmes"] == 0, x
        nic.guest.qmp("system_wakeup")
    suspend(nic, "echo deep >/sys/power/mem_sleep; echo mem >/sys/power/state", board)
    wait_until(nic.answers, 15, "traffic after resume")
    assert nic.stats()["wakeups"] == 0


@MODEL
@pytest.mark.long
@pytest.mark.parametrize("kinds", ["g", "d"])
@pytest.mark.rule("P3")
def test_power_off_leaves_pme_armed(nic, kinds):
    nic.sh(f"ethtool -s dut0 wol {kinds}")
    guest = nic.guest
    nic.power_off()
    said = re.findall(r"power state (.*)", guest.model_logs[-1])
    assert said[-1] == f"D3, PME {'enabled' if kinds == 'g' else 'off'}", said
    assert not re.search("OFFENCE .*:", guest.model_logs[-1]), guest.model_logs[-1]


@pytest.mark.bare
@MODEL
@pytest.mark.long
@pytest.mark.parametrize("mode", ["firmware", "nobody"])
@pytest.mark.rule("P3")
def test_power_off_of_a_board_with_firmware(nic, mode):
    """Its wake-up is not the driver's to take away."""
    model = nic.guest.model
    model.command(f"nvm 0x0f {0x8058 | (mode == 'firmware') << 14:#x}")
    nic.load()
    nic.sh(f"ethtool -s dut0 wol {'d' if mode == 'firmware' else 'g'}")
    assert wol(nic)[1:] == (("d" if mode == "firmware" else "g"), "enabled")
    if mode == "nobody":
        nic.sh(f"echo disabled >{WAKEUP}")
    guest = nic.guest
    nic.power_off()
    said = re.findall(r"power state (.*)", guest.model_logs[-1])
    assert said[-1] == f"D3, PME {'enabled' if mode == 'firmware' else 'off'}", said


@pytest.mark.guest(**SLEEPS, driver="e1000e")
@pytest.mark.long
def test_linux_driver_is_woken(nic):
    """Is the model right?  The driver in the tree sleeps and wakes on it.  On the way it reads a
    register of other chips (LPIC)."""
    nic.spoiled = True
    nic.sh("ethtool -s dut0 wol g")
    sleep_until(nic, [frame(nic, nic.MAC.replace(":", ""))], frame(nic, ALL, magic=True),
                keeps_link=False)
    offences = nic.guest.new_offences()
    assert all(x.startswith("unknown:") and "(0x000fc)" in x for x in offences), offences
