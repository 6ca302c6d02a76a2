# SPDX-License-Identifier: GPL-2.0
"""devlink: what the device is, and the health of its transmitter; trace events."""

import json
import re

import pytest
from lab import wait_until

TCTL, RCTL, EN = 0x400, 0x100, 2


def handle(nic):
    return f"pci/{nic.guest.pci()}"


def health(nic):
    shown = json.loads(nic.sh("devlink -j health show"))["health"][handle(nic)]
    return next(x for x in shown if x["reporter"] == "tx")


def hang(nic):
    """A packet waits in a ring that nobody reads."""
    nic.clear_bits(TCTL, EN)
    nic.guest.run(f"ping -c 1 -W 0.1 {nic.PEER}", check=False)


def test_info(nic):
    info = json.loads(nic.sh("devlink -j dev info"))["info"][handle(nic)]
    assert info["driver"] == "hartwell"
    assert re.fullmatch(r"[0-9a-f]{2}(-[0-9a-f]{2}){7}", info["serial_number"])
    assert re.fullmatch(r"[0-9A-F]{6}-0[0-9A-F]{2}", info["versions"]["fixed"]["board.id"])
    version = re.search(r"^firmware-version: (\S+)", nic.sh("ethtool -i dut0"), re.M)[1]
    assert info["versions"]["running"]["nvm"] == version
    assert re.fullmatch(r"\d+\.\d+\.\d+", info["versions"]["stored"]["fw.undi"])


@pytest.mark.rule("T18")
def test_hang_is_reported_and_recovered(nic):
    nic.expect_log(r"tx queue \d hung")
    hang(nic)
    wait_until(lambda: health(nic)["recover"] == 1, 10, "a recovery")
    now = health(nic)
    assert now["state"] == "healthy" and now["error"] == 1, now
    wait_until(nic.answers, 5, "traffic")
    dump = json.loads(nic.sh(f"devlink -j health dump show {handle(nic)} reporter tx"))
    queues = dump["queues"]
    assert len(queues) == 2 and any(q["pending"] for q in queues)
    assert dump["registers"]["tctl"] & EN == 0, "the dump is of the time before the reset"
    assert all(len(q["descriptors"]) == 16 for q in queues)
    nic.transfer(1 << 16)


@pytest.mark.rule("T18")
def test_recovery_by_hand(nic):
    """Without automatic recovery a hang stays until someone ends it."""
    nic.expect_log(r"tx queue \d hung", r"NETDEV WATCHDOG", r"transmit queue \d timed out")
    nic.sh(f"devlink health set {handle(nic)} reporter tx auto_recover false")
    hang(nic)
    wait_until(lambda: health(nic)["state"] == "error", 10, "a report")
    assert not nic.answers()
    diagnosed = json.loads(nic.sh(f"devlink -j health diagnose {handle(nic)} reporter tx"))
    assert diagnosed["up"] and diagnosed["hangs"] == 1
    nic.sh(f"devlink health recover {handle(nic)} reporter tx")
    wait_until(nic.answers, 5, "traffic")
    assert health(nic)["state"] == "healthy"
    for end in ("ip link set dut0 down; ip link set dut0 up", "ethtool -G dut0 tx 512",
                "ethtool --reset dut0 mac"):
        hang(nic)
        wait_until(lambda: health(nic)["state"] == "error", 10, "a report")
        nic.sh(end)
        assert health(nic)["state"] == "healthy", end
        wait_until(nic.answers, 10, "traffic")


@pytest.mark.rule("T18")
def test_hang_left_to_the_user_is_in_nobodys_way(nic):
    """While it waits, the link may go and come, and other faults are repaired."""
    nic.expect_log(r"receiver found disabled")
    nic.sh(f"devlink health set {handle(nic)} reporter tx auto_recover false")
    nic.sh(f"devlink health test {handle(nic)} reporter tx")
    wait_until(lambda: health(nic)["state"] == "error", 10, "a report")
    for up in (False, True):
        nic.guest.set_link(up)
        wait_until(lambda: nic.carrier() == up,
                   10, "the carrier follows")
    wait_until(nic.answers, 5, "traffic: nothing hangs but in the reporter")
    assert health(nic)["state"] == "error", "it waits"
    nic.refused(f"devlink health test {handle(nic)} reporter tx", "already known")
    nic.clear_bits(RCTL, EN)
    wait_until(lambda: nic.stats()["resets"] == 1, 10, "a reset for another reason")
    wait_until(nic.answers, 5, "traffic")
    assert health(nic)["state"] == "healthy", "which ends the hang, too"
    nic.sh(f"devlink health test {handle(nic)} reporter tx")
    wait_until(lambda: health(nic)["state"] == "error", 10, "a report")
    nic.sh(f"devlink health recover {handle(nic)} reporter tx")
    assert health(nic)["state"] == "healthy" and nic.stats()["resets"] == 2


def test_event_for_a_test(nic):
    with nic.no_link_bounce(), nic.outage(2.5):
        nic.sh(f"devlink health test {handle(nic)} reporter tx")
        wait_until(lambda: health(nic)["recover"] == 1, 10, "a recovery")
    nic.sh("ip link set dut0 down")
    nic.refused(f"devlink health test {handle(nic)} reporter tx", "interface is down")


def test_trace_events(nic):
    events = "/sys/kernel/tracing/events/hartwell"
    nic.expect_log(r"tx queue \d hung")
    nic.sh("mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing")
    nic.sh(f"echo 1 >{events}/enable; echo >/sys/kernel/tracing/trace")
    nic.sh("ethtool -G dut0 tx 80")
    with nic.flood("tx", burst=32):
        wait_until(lambda: nic.stats()["tx_woken"] > 0, 20, "the queue stops and is woken")
    nic.ping(count=20)
    hang(nic)
    wait_until(nic.answers, 10, "traffic")
    nic.sh(f"echo 0 >{events}/enable")
    seen = set(re.findall(r": (hwl_\w+):", nic.sh("cat /sys/kernel/tracing/trace", 60)))
    assert seen == {"hwl_tx_stop", "hwl_tx_wake", "hwl_tx_doorbell", "hwl_tx_complete",
                    "hwl_rx_refill", "hwl_reset"}, seen
