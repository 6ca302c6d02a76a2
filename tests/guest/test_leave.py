# SPDX-License-Identifier: GPL-2.0
"""A device that goes away and comes back: unplugged, asleep, in error."""

import re
import time

import pytest
from hwlab import GuestTimeout
from hwlab.channels import GuestError
from hwlab.guest import LOG_ALARM
from lab import PROG, PY, wait_until
from test_fault import OPEN, names


def unplug_and_plug(nic, direction):
    with nic.flood(direction):
        nic.guest.unplug()
        wait_until(lambda: "dut0" not in nic.sh("ip -o link"), 20, "interface gone")
    nic.guest.plug()
    nic.guest.bring_up()
    nic.ping()


@pytest.mark.rule("D3", "D12")
@pytest.mark.parametrize("direction", [pytest.param("rx", marks=pytest.mark.debug), "tx"])
def test_unplug_under_flood(nic, direction):
    for _ in range(2):
        unplug_and_plug(nic, direction)


@pytest.mark.rule("D12")
def test_surprise_removal(nic):
    """Every read gives all ones: noticed once, quietly, and the removal works."""
    nic.expect_log(r"device removed or PCIe link lost")
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
    assert sum("device removed or PCIe link lost" in x for x in said) == 1, said
    assert len(said) <= 2, "not quiet:\n" + "\n".join(said)
    nic.spoiled = True      # what is found again has no wake-up, in QEMU
    nic.sh("echo 1 >/sys/bus/pci/rescan")
    wait_until(nic.guest.pci, 10, "found again")
    nic.guest.bring_up()
    nic.ping()


def suspend(nic, command, wake=False, meanwhile=None):
    """Run a command during which the guest sleeps; wake: QEMU must wake it, or a function that
    is called again and again while it sleeps, and does so.  meanwhile: a function that is called
    once, and waits for the time itself.

    Its agent does not survive that: it is left in peace meanwhile, lest it hinder the freezing
    of processes, and started anew.  The console tells when.
    """
    token = f"hwlab: resumed {time.monotonic()}"
    nic.sh(f"setsid sh -c 'sleep 1; {command}; pkill qemu-ga; echo {token} >/dev/ttyS0' "
           "</dev/null >/dev/null 2>&1 &")

    if meanwhile:
        meanwhile()

    def back():
        if wake and nic.guest.qmp("query-status")["status"] == "suspended":
            wake() if callable(wake) else nic.guest.qmp("system_wakeup")
        return token in nic.guest.console_log
    wait_until(back, 60, "the guest is back")
    wait_until(lambda: agent_answers(nic), 20, "its agent is back")


def sleep_for(seconds, depth="platform", state="freeze"):
    """A command: devices, or the platform as well, sleep, and wake again after some seconds, which
    are spun away."""
    delay = "/sys/module/suspend/parameters/pm_test_delay"
    return (f"echo {seconds} >{delay}; echo {depth} >/sys/power/pm_test; "
            f"echo {state} >/sys/power/state; echo none >/sys/power/pm_test")


SLEEP = sleep_for(0)


def sleep(nic):
    """The devices alone, and at once awake again."""
    suspend(nic, sleep_for(0, "devices"))


def agent_answers(nic):
    try:
        nic.guest.agent.sync(2)
        return True
    except GuestTimeout:
        return False


SETTINGS = "ethtool -G dut0 rx 512; ethtool -X dut0 weight 1 3; ip link set dut0 mtu 1400"


def works_as_set(nic):
    """After SETTINGS and a sleep."""
    assert nic.link()["mtu"] == 1400
    assert re.findall(r"^RX:\s+(\d+)", nic.sh("ethtool -g dut0"), re.M)[-1] == "512"
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)
    assert nic.stats()["tx_timeouts"] == 0


@pytest.mark.parametrize("depth", [pytest.param("devices", marks=pytest.mark.debug), "platform"])
def test_suspend_and_resume(nic, depth):
    """All devices go to sleep and come back; nothing wakes QEMU from more than that."""
    nic.sh(SETTINGS)
    suspend(nic, sleep_for(0, depth))
    wait_until(nic.answers, 15, "traffic after resume")
    works_as_set(nic)


@pytest.mark.guest(packed=True, qemu_args=("-global", "ICH9-LPC.disable_s3=0",
                                           "-action", "reboot=reset"))
def test_suspend_to_memory(nic):
    """ACPI S3, in which the device loses its power."""
    nic.sh("ethtool -G dut0 rx 512; ethtool -X dut0 weight 1 3; echo deep >/sys/power/mem_sleep")
    for direction in ("rx", "tx"):
        with nic.flood(direction):
            suspend(nic, "echo mem >/sys/power/state", wake=True)
        wait_until(nic.answers, 15, "traffic after resume")
    assert re.findall(r"^RX:\s+(\d+)", nic.sh("ethtool -g dut0"), re.M)[-1] == "512"
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)
    assert nic.stats()["tx_timeouts"] == 0


# What a machine with fragmented memory refuses.
LARGE = [x for x in OPEN if x[0].startswith(("dma_", "__kv", "page_pool_create"))]


def test_resume_without_memory(nic):
    """Nothing large is asked for: the rings were kept. Traffic comes back."""
    for function, value in names(nic, LARGE):
        nic.fail(function, value, 0)
        sleep(nic)
        assert nic.fail_hits() == 0, function
        wait_until(nic.answers, 15, "traffic after resume")


def test_resume_that_fails(nic):
    """The interface is down then, says why, and comes up when it is asked to."""
    nic.expect_log(r"cannot come back up", r"PM: .*hartwell", r"hartwell .*PM: ")
    nic.fail("request_threaded_irq", -12, 2)
    sleep(nic)
    assert nic.fail_hits() == 1
    assert "cannot come back up" in nic.log() and "UP" not in nic.link()["flags"]
    nic.sh("ip link set dut0 up")
    nic.guest.net_up()
    nic.ping()


@pytest.mark.long
@pytest.mark.rule("D12", "D3")
def test_unplug_20_times_under_flood(nic):
    for i in range(20):
        unplug_and_plug(nic, ("rx", "tx")[i % 2])


def send_both_ways(nic):
    """Without an end: what stops it is the guest's own."""
    nic.guest.spawn(f"exec {PY}/raw.py blast dut0")
    nic.guest.spawn(f"exec ping -n -f {nic.IP}", "peer")
    wait_until(lambda: nic.stats()["rx_packets"] > 50, 10, "traffic")


@pytest.mark.debug
@pytest.mark.rule("D2", "D3")
def test_power_off_under_traffic(nic):
    send_both_ways(nic)
    said = nic.power_off()
    assert not LOG_ALARM.search(said), said


@pytest.mark.guest(kexec=True)
@pytest.mark.rule("D2", "D3")
def test_kexec_under_traffic(nic):
    """The next kernel finds a device that has come to rest, and drives it."""
    before = nic.sh("cat /proc/sys/kernel/random/boot_id")
    send_both_ways(nic)
    nic.sh(f"setsid sh -c 'sleep 0.5; exec python3 {PROG}/kexec.py' </dev/null >/dev/null 2>&1 &")

    def booted():
        try:
            return agent_answers(nic) and nic.sh("cat /proc/sys/kernel/random/boot_id") != before
        except GuestError:      # asked one kernel, and the other was to answer
            return False
    wait_until(booted, nic.guest.config.boot_timeout, "the next kernel")
    assert not LOG_ALARM.search(nic.guest.console_log), nic.guest.console_log
    nic.spoiled = True
    nic.since = nic.guest.mark()
    nic.watch_pools()
    nic.load()
    nic.ping()
    nic.transfer(1 << 17)
    nic.transfer(1 << 17, reverse=True)


# --- errors on the bus ---

# Of the root port, which QEMU lets report them; its device takes part in the recovery.
BUS_ERRORS = {"correctable": "RCVR", "non-fatal": "COMP_TIME", "fatal": "MALF_TLP"}


@pytest.mark.rule("D12")
@pytest.mark.parametrize("kind", [
    "correctable", "non-fatal", pytest.param("fatal", marks=pytest.mark.debug)])
def test_bus_error(nic, kind):
    """AER under traffic: recovered from with the same settings, or left in order."""
    nic.expect_log("AER", "PCIe Bus Error", r"pcieport \S+:", r"hartwell \S+:\s+\[",
                   r"peer0: (NETDEV WATCHDOG|TX timeout)")
    nic.sh("ethtool -G dut0 rx 512; ethtool -X dut0 weight 1 3")
    pci = nic.guest.pci()
    if kind == "non-fatal":
        nic.fail("dma_alloc_attrs", 0, 0)
    with nic.flood("rx"):
        nic.guest.hmp(f"pcie_aer_inject_error port0 {BUS_ERRORS[kind]}")
        wait_until(lambda: "AER" in nic.log(), 10, "a report of the error")
        if kind != "correctable":
            # QEMU's port does not come back from the reset that a fatal one takes.
            wait_until(lambda: re.search("device recovery (successful|failed)", nic.log()), 30,
                       lambda: f"recovery:\n{nic.log()}")
    if kind == "fatal":
        nic.spoiled = True      # as above
        nic.sh(f"echo 1 >/sys/bus/pci/devices/{pci}/remove; echo 1 >/sys/bus/pci/rescan")
        wait_until(nic.guest.pci, 10, "found again")
        nic.guest.bring_up()
    else:
        assert "recovery failed" not in nic.log()
        assert kind != "non-fatal" or nic.fail_hits() == 0, "memory was asked for"
        wait_until(nic.answers, 15, "traffic")
        assert re.findall(r"^RX:\s+(\d+)", nic.sh("ethtool -g dut0"), re.M)[-1] == "512"
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)
