# SPDX-License-Identifier: GPL-2.0
"""Hardware that stops: each under traffic, each ending with traffic, without a human."""

import time

import pytest
from lab import PY, wait_until

TCTL, RCTL, IMS, IMC, EN = 0x400, 0x100, 0xd0, 0xd8, 2
LSC, OTHER = 1 << 2, 1 << 24
RECOVERY = 2.5
# Looks of the driver, and of the stack's watchdog, are within these many seconds.
LOOKS = 7


@pytest.mark.rule("T18", "T19", "T9")
def test_hung_transmitter(nic):
    """Recovery in time, without a link bounce; one line with the facts; counted."""
    nic.expect_log(r"tx queue \d hung")
    before = nic.stats()
    with nic.no_link_bounce(), nic.outage(RECOVERY):
        nic.clear_bits(TCTL, EN)
    after = nic.stats()
    assert after["tx_timeouts"] == before["tx_timeouts"] + 1
    assert after["resets"] == before["resets"] + 1
    said = [x for x in nic.log().splitlines() if "hung" in x]
    assert len(said) == 1, said
    for fact in ("head", "tail", "pending", "IMS"):
        assert fact in said[0], said
    assert nic.link()["stats64"]["tx"]["errors"] >= 1
    nic.transfer(1 << 16)
    wait_until(lambda: set(nic.sh(
        "cat /sys/class/net/dut0/queues/tx-*/byte_queue_limits/inflight").split()) == {"0"})


@pytest.mark.debug
@pytest.mark.rule("T18", "T8")
def test_hung_transmitter_under_load(nic):
    """The ring is full and the queue asleep when the transmitter hangs, five times."""
    nic.expect_log(r"tx queue \d hung")
    nic.sh("ethtool -G dut0 tx 80")
    with nic.no_link_bounce(), nic.stream():
        for _ in range(nic.rounds(3)):
            seen = nic.stats()["resets"]
            nic.clear_bits(TCTL, EN)
            wait_until(lambda: nic.stats()["resets"] > seen, 10, "reset")
            wait_until(nic.answers, 5, "traffic")
    stats = nic.stats()
    assert stats["tx_busy"] == 0 and stats["tx_aborted"] > 0
    nic.transfer(1 << 16)


@pytest.mark.rule("T8")
def test_link_that_does_not_survive_a_reset(nic):
    """The queues wake when there is a link, not to fill a ring that nothing empties."""
    before = nic.stats()["resets"]
    with nic.flood("tx"):
        nic.set_reg(IMC, 0xffffffff)        # the loss of link goes unheard
        nic.guest.set_link(False)
        nic.defer(lambda: nic.guest.set_link(True))
        nic.sh("ethtool -G dut0 tx 512")
        wait_until(lambda: not nic.carrier(), 5,
                   "no carrier")
        nic.guest.set_link(True)
        wait_until(nic.answers, 10, "traffic")
    assert nic.stats()["resets"] == before, "packets entered a ring without a link"
    nic.transfer(1 << 16)


@pytest.mark.rule("T18", "T19")
def test_stack_watchdog(nic):
    """ndo_tx_timeout, by a queue that someone stopped: the reset is deferred, and helps."""
    nic.expect_log(r"NETDEV WATCHDOG", r"tx queue \d hung", r"transmit queue \d timed out")
    for queue in (0, 1):
        nic.poke_queue(queue, "stop")
    # A packet that waits makes the watchdog look.
    ping = nic.spawn(f"exec ping -n -i 0.1 -W 1 {nic.PEER}")
    with nic.no_link_bounce():
        wait_until(lambda: nic.stats()["tx_timeouts"] > 0, 20, "timeout")
        wait_until(nic.answers, 10, "traffic")
    ping.kill()
    assert nic.stats()["resets"] > 0
    nic.transfer(1 << 16)


def no_hang(nic, seconds):
    """Nothing is found hung for so long."""
    nic.sh(f"sleep {seconds}", seconds + 30)
    stats = nic.stats()
    assert stats["tx_timeouts"] == 0 and stats["resets"] == 0, nic.log()
    assert "NETDEV WATCHDOG" not in nic.log()


@pytest.mark.rule("T18")
def test_pause_is_no_hang(nic):
    """The link partner has paused the transmitter, and the stack's queue is stopped."""
    nic.fail("hwl_hw_tx_paused", 1, 0)
    nic.clear_bits(TCTL, EN)
    blast = nic.spawn(f"exec {PY}/raw.py blast dut0")
    no_hang(nic, LOOKS)
    nic.set_reg(TCTL, nic.reg(TCTL) | EN)
    wait_until(nic.answers, 5, "traffic")
    blast.kill()
    assert nic.fail_hits() > 5
    # Without the pause the same is a hang.
    nic.expect_log(r"tx queue \d hung")
    nic.clear_bits(TCTL, EN)
    nic.guest.run(f"ping -c 1 -W 0.1 {nic.PEER}", check=False)
    wait_until(lambda: nic.stats()["resets"] == 1, 10, "a reset")


@pytest.mark.rule("T18")
def test_starved_poll_is_no_hang(nic):
    """The device has sent everything; it is the poll that does not get to run."""
    nic.sh("ethtool -L dut0 combined 1")
    # Called, it says that there is more to do, and does nothing.
    nic.fail("hwl_poll", 64, 0, "napi")
    blast = nic.spawn(f"exec {PY}/raw.py blast dut0")
    try:
        no_hang(nic, LOOKS)
    finally:
        assert nic.fail_hits() > 100
    wait_until(nic.answers, 5, "traffic")
    blast.kill()
    assert nic.stats()["tx_aborted"] == 0


@pytest.mark.rule("T18")
@pytest.mark.parametrize("speed, duplex, patience", [(100, "full", 8), (10, "half", 14)],
                         ids=["100", "10 half"])
def test_hang_of_a_slow_link(nic, speed, duplex, patience):
    """It is given more time, and then reset."""
    nic.expect_log(r"tx queue \d hung")
    nic.sh(f"ethtool -s dut0 speed {speed} duplex {duplex} autoneg off")
    wait_until(lambda: nic.sh("cat /sys/class/net/dut0/speed").strip() == str(speed), 10, speed)
    wait_until(nic.answers, 10, "traffic")
    nic.clear_bits(TCTL, EN)
    nic.guest.run(f"ping -c 1 -W 0.1 {nic.PEER}", check=False)
    no_hang(nic, patience)
    wait_until(lambda: nic.stats()["tx_timeouts"] == 1, 6, "found")
    wait_until(nic.answers, 5, "traffic")


@pytest.mark.rule("R1")
def test_lost_interrupts(nic):
    """All causes masked behind the driver's back."""
    with nic.no_link_bounce(), nic.outage(RECOVERY):
        # A poll that is under way unmasks them again: then nothing was lost.
        while "missed interrupt" not in nic.log():
            nic.set_reg(IMC, 0xffffffff)
            time.sleep(0.5)     # two looks of the driver
    assert nic.stats()["watchdog_polls"] > 0
    wait_until(nic.answers, 5, "traffic")
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)


def test_link_change_after_lost_interrupts(nic):
    """The link's own interrupt is lost, and no other: the change must still be noticed."""
    nic.set_reg(IMC, LSC | OTHER)
    nic.guest.set_link(False)
    nic.defer(lambda: nic.guest.set_link(True))
    wait_until(lambda: not nic.carrier(), 10, "no carrier")
    assert nic.stats()["watchdog_link_polls"] == 1
    nic.guest.set_link(True)
    nic.guest.net_up()
    nic.ping()


@pytest.mark.rule("T18")
def test_receiver_disabled(nic):
    nic.expect_log(r"receiver found disabled", r"peer0: (NETDEV WATCHDOG|TX timeout)")
    resets = nic.stats()["resets"]
    # Registers are read in turn, one a second.
    with nic.no_link_bounce(), nic.outage(5):
        nic.clear_bits(RCTL, EN)
    assert nic.stats()["resets"] == resets + 1
    assert nic.log().count("receiver found disabled") == 1
    nic.transfer(1 << 16, reverse=True)


@pytest.mark.rule("T18", "D10")
def test_hang_during_ring_changes(nic):
    """Whether a change finds the hang or makes it go away: traffic is there afterwards."""
    nic.expect_log(r"tx queue \d hung")
    with nic.no_link_bounce(), nic.stream():
        for i in range(nic.rounds(8)):
            nic.clear_bits(TCTL, EN)
            nic.sh(f"ethtool -G dut0 tx {(128, 1024)[i % 2]}")
        wait_until(nic.answers, 10, "traffic")
    nic.transfer(1 << 16)


@pytest.mark.rule("T18")
@pytest.mark.parametrize("load", ["idle", pytest.param("full ring", marks=pytest.mark.debug)])
def test_hang_while_the_link_is_down(nic, load):
    """The transmitter dies, then the cable goes; when that is back, so is the traffic."""
    nic.expect_log(r"tx queue \d hung")
    nic.sh("ethtool -G dut0 tx 80")
    nic.clear_bits(TCTL, EN)
    if load == "full ring":
        blast = nic.spawn(f"exec {PY}/raw.py blast dut0")
        wait_until(lambda: nic.stats()["tx_stopped"] > 0, 10, "a full ring")
    nic.guest.set_link(False)
    nic.defer(lambda: nic.guest.set_link(True))
    wait_until(lambda: not nic.carrier(), 5, "no carrier")
    nic.clear_bits(TCTL, EN)
    nic.guest.set_link(True)
    wait_until(nic.carrier, 10, "carrier")
    wait_until(nic.answers, 10, "traffic")
    if load == "full ring":
        blast.kill()
    nic.transfer(1 << 16)


@pytest.mark.rule("T18")
def test_cable_moves_during_resets(nic):
    """The link goes and comes at any moment of a recovery."""
    nic.expect_log(r"tx queue \d hung")
    nic.defer(lambda: nic.guest.set_link(True))
    ping = nic.spawn(f"exec ping -n -i 0.02 -W 1 {nic.PEER}")
    for _ in range(5):
        seen = nic.stats()["resets"]
        nic.clear_bits(TCTL, EN)
        deadline = time.monotonic() + 10 * nic.guest.scale
        up = True
        while nic.stats()["resets"] == seen and time.monotonic() < deadline:
            up = not up
            nic.guest.set_link(up)
        nic.guest.set_link(True)
        nic.guest.net_up()
        wait_until(nic.answers, 10, "traffic")
    ping.kill()
    nic.transfer(1 << 16)


@pytest.mark.debug
@pytest.mark.rule("T20")
def test_removal_while_a_reset_is_due(nic):
    """The driver goes at moments around that of the recovery, in a flood."""
    nic.expect_log(r"tx queue \d hung")
    pci = nic.guest.pci()
    for delay in (0.8, 1.2, 0.4, 0.6, 1.0)[:nic.rounds(5)]:
        with nic.flood("tx"):
            nic.clear_bits(TCTL, EN)
            nic.sh(f"sleep {delay}; echo {pci} >/sys/bus/pci/drivers/hartwell/unbind")
        nic.sh(f"echo {pci} >/sys/bus/pci/drivers/hartwell/bind; hwlab names")
        nic.guest.net_up()
        nic.ping()


@pytest.mark.long
@pytest.mark.rule("T18")
def test_a_hang_every_second_for_a_minute(nic):
    nic.expect_log(r"tx queue \d hung")
    resets = nic.stats()["resets"]
    with nic.no_link_bounce(), nic.stream():
        nic.prog(f"hangs.py {nic.resource()} 60", 60 + 30 * nic.guest.scale)
        wait_until(nic.answers, 10, "traffic")
    # A hang takes up to 1.5 s to be seen.
    assert nic.stats()["resets"] - resets >= 20
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)
