# SPDX-License-Identifier: GPL-2.0
"""Faults that others make, in each half of the device: found, repaired, said once, counted."""

import collections
import json
import re
import time

import pytest
from hwlab import trace
from lab import PY, wait_until

CTRL, RST = 0x0, 1 << 26
RCTL, EN = 0x100, 2
ICS, IMS, IMC, IVAR = 0xc8, 0xd0, 0xd8, 0xe4
RDH, RDT, RAH0, AV = 0x2810, 0x2818, 0x5404, 1 << 31
OTHER, RXO = 1 << 24, 1 << 6
RECOVERY = 5


# --- what a foreign hand does, and how it is found ---

def empty_rings(nic):
    for queue in (0, 0x100):
        nic.set_reg(RDT + queue, nic.reg(RDH + queue))


def mask_vectors(nic):
    table = nic.resource()[:-1] + "3"
    for vector in range(5):
        nic.prog(f"reg.py {table} {16 * vector + 12:#x} 1")


def config(nic, offset, size, clear=0, set_=0):
    """Change bits of PCI configuration space."""
    nic.sh(f"""python3 -c '
import os
f = os.open("/sys/bus/pci/devices/{nic.guest.pci()}/config", os.O_RDWR)
v = int.from_bytes(os.pread(f, {size}, {offset}), "little") & ~{clear} | {set_}
os.pwrite(f, v.to_bytes({size}, "little"), {offset})'""")


def disable_interrupts(nic):
    for _ in range(3):
        nic.set_reg(IMC, 0xffffffff)
        time.sleep(0.1)


INTERRUPTS = "interrupts do not arrive"
FAULTS = {
    "rings without buffers": (empty_rings, "found without buffers"),
    "receiver off": (lambda nic: nic.clear_bits(RCTL, EN), "receiver found disabled"),
    "address lost": (lambda nic: nic.clear_bits(RAH0, AV), "station address found invalid"),
    # All registers are lost: what is looked at first finds it.
    "MAC reset": (lambda nic: nic.set_reg(CTRL, nic.reg(CTRL) | RST), "resetting"),
    "routes wiped": (lambda nic: nic.set_reg(IVAR, 0), INTERRUPTS),
    "receive route wiped": (lambda nic: nic.clear_bits(IVAR, 0x88), INTERRUPTS),
    "vectors masked": (mask_vectors, INTERRUPTS),
    "function masked": (lambda nic: config(nic, 0xa2, 2, set_=1 << 14), INTERRUPTS),
    "no bus master": (lambda nic: config(nic, 4, 2, clear=4), ""),
}


@pytest.mark.rule("T18")
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_under_traffic(nic, fault):
    """Traffic is back within 5 s, by a reset."""
    make, said = FAULTS[fault]
    nic.expect_log(r"hartwell .*resetting", r"peer0: (NETDEV WATCHDOG|TX timeout)")
    # Until the driver notices, it goes on with rings and a mode that are no longer there.
    nic.expect_offence("tail-owner", "tail-range", "iam")
    if fault == "MAC reset":
        nic.expect_offence("mdio-owner", "reset-dma")
    before = nic.stats()
    with nic.outage(RECOVERY):
        make(nic)
        # Within 3.5 s by the driver's clock, which a busy host holds up.
        wait_until(lambda: nic.stats()["resets"] > before["resets"], 2 * RECOVERY, "a reset")
    after = nic.stats()
    found = after["watchdog_faults"] + after["tx_timeouts"] \
        - before["watchdog_faults"] - before["tx_timeouts"]
    lines = [x for x in nic.log().splitlines() if "resetting" in x]
    # The link is looked at, too.  A MAC without one, as just after a reset, is no fault: what was
    # pending is dropped, by a reset that says nothing of its own.
    if not (fault == "MAC reset" and "link down" in nic.log() and not found):
        assert len(lines) == 1 and said in lines[0], lines
        assert found == 1
    assert after["resets"] == before["resets"] + 1
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)
    # The repair holds: nothing has to be polled any more.
    polls = nic.stats()["watchdog_polls"]
    nic.sh(f"ping -n -c 30 -i 0.1 -W 1 {nic.PEER}")
    assert nic.stats()["watchdog_polls"] == polls


@pytest.mark.rule("T18")
@pytest.mark.parametrize("fault", ["MAC reset", "routes wiped", "address lost"])
def test_fault_of_an_idle_interface(nic, fault):
    """Nobody sends, so nobody would notice: the driver does."""
    make, _ = FAULTS[fault]
    nic.expect_log(r"hartwell .*resetting")
    nic.expect_offence("iam")       # the end of a poll, before the driver has noticed
    if fault == "MAC reset":
        nic.expect_offence("mdio-owner", "reset-dma")
    nic.quiet()
    before = nic.stats()
    make(nic)
    wait_until(lambda: nic.stats()["resets"] > before["resets"], RECOVERY, "a reset")
    assert nic.stats()["watchdog_faults"] == before["watchdog_faults"] + 1


@pytest.mark.rule("R1")
def test_interrupts_masked_on_an_idle_interface(nic):
    """A poll by the driver unmasks them: no reset is needed."""
    nic.quiet()
    before = nic.stats()
    disable_interrupts(nic)
    wait_until(lambda: nic.stats()["watchdog_polls"] > before["watchdog_polls"], RECOVERY, "a poll")
    wait_until(lambda: nic.reg(IMS) >> 20 & 15 == 15, RECOVERY, "the queues' causes unmasked")
    assert nic.stats()["resets"] == before["resets"]


# --- each rescue, in a situation that it alone resolves ---

def test_causes_are_raised_again(nic):
    """A frame came while its cause was masked; then the handler of other causes reads ICR.

    What it has read would be lost, and the frame wait for the driver's own look.
    """
    nic.quiet()
    before = nic.stats()["irq_causes_reraised"]
    # A poll that the watchdog starts in between takes the cause: rare, but not a fault.
    assert any(nic.prog(f"reraise.py {nic.resource()}") for _ in range(5)), "the cause is lost"
    assert nic.stats()["irq_causes_reraised"] > before


def test_device_is_told_to_write_back(nic):
    """Every two seconds, also when nothing seems to wait: silicon may hold a frame that memory
    does not show."""
    nic.quiet()
    before = nic.stats()["watchdog_write_backs"]
    start = time.monotonic()
    wait_until(lambda: nic.stats()["watchdog_write_backs"] >= before + 2, 10, "write-backs")
    assert time.monotonic() - start > 1.5


@pytest.mark.guest(traced=True)
def test_rescue_is_made_without_a_read(nic):
    """The writes themselves, and what they cost an idle interface."""
    nic.quiet()
    start = nic.access_log()[1]
    nic.sh("sleep 6.2")         # the time is what is measured here
    log = nic.access_log(start)[0]
    raised = [i for i, (_, kind, offset, _) in enumerate(log) if (kind, offset) == ("w", ICS)]
    rounds = len(raised) - 1
    assert 2 <= rounds <= 4, log
    # Whole rounds: from the interrupts of one to those of another.
    log = log[raised[0]:raised[-1]]
    reads, writes = (collections.Counter(trace.register_name(offset) for _, kind, offset, _ in log
                                         if kind == which) for which in "rw")
    # TIDV and RDTR twice each; all causes at once; a poll of each pair, or two.
    assert writes["TDTIMER0"] == writes["RDTIMER0"] == 2 * rounds, writes
    assert 2 * rounds <= writes["IMS"] <= 4 * rounds, writes
    # One register a second in turn, and STATUS every two; the PHY's are in between.
    looked = {r: n for r, n in reads.items() if r not in ("EXTCNF_CTRL", "MDIC")}
    assert looked.pop("STATUS") <= rounds + 1 and sum(looked.values()) <= 2 * rounds + 2, reads
    assert not {"IMS", "IVAR", "ICR", "TDTIMER0", "RDTIMER0"} & set(looked), looked


# --- interrupts without an end ---

def interrupts(nic):
    """So many of "other" at what time: in one go, since they come by the thousand."""
    uptime, *lines = nic.sh(
        "cat /proc/uptime; grep -w hartwell-dut0 /proc/interrupts").splitlines()
    return (sum(int(x) for line in lines for x in line.split()[1:] if x.isdigit()),
            float(uptime.split()[0]))


@pytest.mark.parametrize("cause", ["RXO", "OTHER"])
def test_standing_cause(nic, cause):
    """A cause of "other" that comes back at once, as after a migration: not more than a thousand
    interrupts a second, traffic goes on, and a change of link is seen."""
    bits = {"RXO": RXO | OTHER, "OTHER": OTHER}[cause]
    nic.expect_offence("icr-masked")
    storm = nic.spawn(f"exec {PY}/storm.py {nic.resource()} "
                      f"{ICS:#x} {bits:#x}")
    storm.wait_output("ready")
    before, begun = interrupts(nic)
    nic.ping(count=20)
    nic.guest.set_link(False)
    nic.defer(lambda: nic.guest.set_link(True))
    wait_until(lambda: not nic.carrier(), 5, "no carrier")
    nic.guest.set_link(True)
    wait_until(nic.carrier, 5, "carrier")
    wait_until(nic.answers, 5, "traffic")
    now, ended = interrupts(nic)
    count, seconds = now - before, ended - begun
    storm.kill()
    assert 10 < count <= 1050 * seconds, f"{count} interrupts in {seconds} s"
    assert nic.stats()["resets"] == 0 and nic.stats()["watchdog_link_polls"] == 0


# --- a device that does not answer for a while ---

@pytest.mark.rule("D12")
@pytest.mark.parametrize("state", ["up", "in a reset", "in a detach"])
def test_device_that_answers_again_is_taken_back(nic, state):
    """Without a user, with the settings as they were."""
    nic.expect_log(r"device removed or PCIe link lost", r"device answers again",
                   r"reset failed", r"tx queue \d hung",
                   r"NVM was not read", r"peer0: (NETDEV WATCHDOG|TX timeout)")
    nic.sh("ethtool -G dut0 rx 512; ip link set dut0 mtu 1400")
    nic.vanish()
    if state == "in a reset":
        nic.guest.run("ethtool --reset dut0 mac", check=False)
    if state == "in a detach":
        assert nic.guest.run("ethtool -t dut0 offline", 60, check=False).rc != 0
    wait_until(lambda: not nic.carrier(), 10, "no carrier")
    nic.appear()
    wait_until(nic.carrier, 15, "carrier")
    wait_until(nic.answers, 5, "traffic")
    # Each attach asks it anew.
    assert 1 <= nic.log().count("device removed or PCIe link lost") <= 2
    assert nic.link()["mtu"] == 1400
    assert re.findall(r"^RX:\s+(\d+)", nic.sh("ethtool -g dut0"), re.M)[-1] == "512"
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)


def test_function_reset(nic):
    """By the user, in traffic, while others read registers."""
    reset = f"/sys/bus/pci/devices/{nic.guest.pci()}/reset"
    if nic.guest.run(f"test -w {reset}", check=False).rc:
        pytest.skip("the device has no way to be reset")
    nic.expect_log(r"device removed or PCIe link lost", r"device answers again",
                   r"peer0: (NETDEV WATCHDOG|TX timeout)")
    nic.sh("ethtool -G dut0 rx 512")
    readers = [nic.spawn(f"while :; do {x}; done >/dev/null 2>&1") for x in (
        "ip -s link show dut0", "ethtool -S dut0", "devlink dev info", "ethtool dut0")]
    for _ in range(nic.rounds(4)):
        nic.sh(f"echo 1 >{reset}")
        wait_until(nic.answers, 10, "traffic")
    assert all(x.poll() is None for x in readers)
    assert re.findall(r"^RX:\s+(\d+)", nic.sh("ethtool -g dut0"), re.M)[-1] == "512"
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)


# --- statistics that anybody may read ---

@pytest.mark.guest(traced=True)
@pytest.mark.rule("D8")
def test_readers_of_statistics_cost_little(nic):
    """Hardware counters are read ten times a second at most, whoever asks; by ethtool at once."""
    nic.quiet()
    with nic.accesses() as (reads, _):
        took = float(nic.sh("s=$(cut -d' ' -f1 /proc/uptime); for i in $(seq 200); do "
                            "cat /proc/net/dev /sys/class/net/dut0/statistics/rx_errors; "
                            "done >/dev/null; e=$(cut -d' ' -f1 /proc/uptime); "
                            "python3 -c \"print($e - $s)\"", 60))
    with nic.accesses() as (once, _):
        nic.sh("ethtool -S dut0 >/dev/null")
    each = once["statistics"]
    assert each > 50, once
    assert 1 <= reads["statistics"] / each <= 11 * took + 2, f"{reads['statistics']} in {took} s"
    with nic.accesses() as (reads, _):
        nic.sh("ethtool -S dut0 >/dev/null; ethtool -S dut0 >/dev/null")
    assert reads["statistics"] == 2 * each, reads


def test_health(nic):
    """The reporter says nothing of faults that were repaired."""
    nic.expect_log(r"receiver found disabled")
    nic.clear_bits(RCTL, EN)
    wait_until(lambda: nic.stats()["watchdog_faults"], 10, "found")
    shown = json.loads(nic.sh("devlink -j health show"))["health"]
    assert all(x["state"] == "healthy" for reporters in shown.values() for x in reporters)
