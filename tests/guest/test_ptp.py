# SPDX-License-Identifier: GPL-2.0
"""Time stamps and the PTP clock: what is offered and refused, what outlives what, the clock's
way over resets, and stamps that the test puts into the latches (QEMU's device makes none)."""

import json
import re
import time

import pytest
from lab import PY, wait_until
from test_leave import SLEEP, suspend


TIMINCA, SYSTIML = 0xb608, 0xb600
CTRL, EECD, CTRL_EXT, RST, DRV_LOAD = 0x0, 0x10, 0x18, 1 << 26, 1 << 28
TSYNCTXCTL, TXSTMPL, TXSTMPH = 0xb614, 0xb618, 0xb61c
TSYNCRXCTL, RXMTRL, RXUDP = 0xb620, 0xb634, 0xb638
RXSTMPH, RXSATRH = 0xb628, 0xb630
VALID, EN = 1, 0x10

OFF, ON, ONESTEP, ONESTEP_P2P = range(4)
BONDED = 1              # of the flags
(NONE, ALL, SOME, V1_L4_EVENT, V1_L4_SYNC, V1_L4_DELAY, V2_L4_EVENT, V2_L4_SYNC, V2_L4_DELAY,
 V2_L2_EVENT, V2_L2_SYNC, V2_L2_DELAY, V2_EVENT, V2_SYNC, V2_DELAY, NTP_ALL) = range(16)

SYNC, DELAY_V1, DELAY_V2 = 0x88f7, 0x188f7, 0x10088f7
# filter: what is granted, TSYNCRXCTL.TYPE, RXMTRL where it matters
FILTERS = {
    ALL: (ALL, 4, None), V1_L4_EVENT: (ALL, 4, None), NTP_ALL: (ALL, 4, None),
    V1_L4_SYNC: (V1_L4_SYNC, 1, SYNC), V1_L4_DELAY: (V1_L4_DELAY, 1, DELAY_V1),
    V2_L2_SYNC: (V2_L2_SYNC, 0, SYNC), V2_L2_DELAY: (V2_L2_DELAY, 0, DELAY_V2),
    V2_L4_SYNC: (V2_SYNC, 2, SYNC), V2_L4_DELAY: (V2_DELAY, 2, DELAY_V2),
    V2_SYNC: (V2_SYNC, 2, SYNC), V2_DELAY: (V2_DELAY, 2, DELAY_V2),
    V2_L2_EVENT: (V2_EVENT, 5, None), V2_L4_EVENT: (V2_EVENT, 5, None),
    V2_EVENT: (V2_EVENT, 5, None),
}


def ptp(nic, *args, timeout=60):
    said = nic.prog("ptp.py " + " ".join(f"'{x}'" for x in args), timeout)
    return tuple(said) if isinstance(said, list) else said


def clock(nic):
    index = r"(?:PTP Hardware Clock|Hardware timestamp provider index): (\d+)"
    return "/dev/ptp" + re.search(index, nic.sh("ethtool -T dut0"))[1]


def ts_stats(nic):
    found = re.findall(r"tx_stats?|(tx_\w+|pkts|lost|err)\w*: (\d+)", nic.sh("ethtool -I -T dut0"))
    return {n.removeprefix("tx_"): int(v) for n, v in found if n}


def in_force(nic):
    return ptp(nic, "hwtstamp", "dut0")


def registers(nic):
    return tuple(nic.reg(r) for r in (TIMINCA, TSYNCTXCTL, TSYNCRXCTL, RXMTRL, RXUDP))


# --- what there is ---


def test_capabilities(nic):
    said = nic.sh("ethtool -T dut0")
    for kind in ("hardware-transmit", "hardware-receive", "hardware-raw-clock",
                 "software-transmit", "software-receive", "software-system-clock"):
        assert re.search(rf"^\s*{kind}\b", said, re.M), said
    assert re.findall(r"^\s+(off|on|onestep\S*)$", said, re.M) == ["off", "on"], said
    for name in ("none", "all", "ptpv1-l4-sync", "ptpv1-l4-delay-req", "ptpv2-l4-sync",
                 "ptpv2-l4-delay-req", "ptpv2-l2-sync", "ptpv2-l2-delay-req", "ptpv2-event",
                 "ptpv2-sync", "ptpv2-delay-req"):
        assert re.search(rf"^\s+{name}$", said, re.M), (name, said)
    assert nic.sh(f"cat /sys/class/ptp/{clock(nic)[5:]}/clock_name").strip() == nic.MAC
    caps = ptp(nic, "caps", clock(nic))
    assert caps[0] == 599999900 and not any(caps[1:5])
    assert nic.reg(TIMINCA) == 0x01a00000


def test_filters(nic):
    for asked, (granted, kind, mtrl) in FILTERS.items():
        assert ptp(nic, "hwtstamp", "dut0", 0, ON, asked) == (0, ON, granted)
        assert in_force(nic) == (0, ON, granted)
        _, tx, rx, messages, port = registers(nic)
        assert (tx, rx, port) == (EN, EN | kind << 1, 0x3f01)
        assert mtrl is None or messages == mtrl
    assert ptp(nic, "hwtstamp", "dut0", 0, OFF, NONE) == (0, OFF, NONE)
    assert registers(nic)[1:3] == (0, 0)


def test_refusals_change_nothing(nic):
    ptp(nic, "hwtstamp", "dut0", 0, ON, V2_L2_SYNC)
    before = registers(nic)
    nic.expect_log("does not insert time stamps", "no such receive filter", "the only flag is")
    for flags, tx, rx, error in (
            (0, ONESTEP, NONE, "ERANGE"), (0, ONESTEP_P2P, NONE, "ERANGE"), (0, 9, NONE, "ERANGE"),
            (0, ON, SOME, "ERANGE"), (0, ON, 99, "ERANGE"), (1, ON, SOME, "ERANGE"),
            (2, ON, ALL, "EINVAL"), (3, ON, ALL, "EINVAL"), (1 << 30, OFF, NONE, "EINVAL")):
        assert ptp(nic, "hwtstamp", "dut0", flags, tx, rx) == error, (flags, tx, rx)
    assert in_force(nic) == (0, ON, V2_L2_SYNC)
    assert registers(nic) == before


def test_by_a_bond(nic):
    """Of whose slaves that which is active stamps, for who says that he knows so."""
    assert ptp(nic, "hwtstamp", "dut0", BONDED, OFF, V2_DELAY) == (BONDED, OFF, V2_DELAY)
    assert in_force(nic) == (0, OFF, V2_DELAY)
    nic.expect_log(r"bond9: ", r"bonding: ", r"\(slave dut0\)")
    nic.sh("modprobe bonding max_bonds=0; "
           "ip link add bond9 type bond mode active-backup miimon 100")
    nic.defer("ip link set dut0 nomaster; ip link del bond9")
    nic.sh("ip link set dut0 down; ip link set dut0 master bond9; ip link set bond9 up")
    wait_until(lambda: "dut0" in nic.sh("cat /sys/class/net/bond9/bonding/active_slave"), 20,
               "an active slave")
    assert ptp(nic, "hwtstamp", "bond9", BONDED, ON, V2_EVENT) == (BONDED, ON, V2_EVENT)
    assert ptp(nic, "hwtstamp", "bond9") == (BONDED, ON, V2_EVENT)
    assert in_force(nic)[1:] == (ON, V2_EVENT)
    assert nic.reg(TSYNCTXCTL) == EN


RESETS = {
    "restart": lambda nic: nic.sh("ethtool --reset dut0 mac"),
    "down and up": lambda nic: nic.sh("ip link set dut0 down; ip link set dut0 up"),
    "rings": lambda nic: nic.sh("ethtool -G dut0 rx 512"),
    "function": lambda nic: nic.sh(f"echo 1 >/sys/bus/pci/devices/{nic.guest.pci()}/reset"),
    "sleep": lambda nic: suspend(nic, SLEEP),
}


@pytest.mark.parametrize("kind", RESETS)
def test_mode_is_kept(nic, kind):
    ptp(nic, "hwtstamp", "dut0", 0, ON, V2_DELAY)
    before = registers(nic)
    RESETS[kind](nic)
    wait_until(nic.carrier, 15, "carrier")
    assert registers(nic) == before and in_force(nic) == (0, ON, V2_DELAY)


def test_mode_of_a_closed_interface(nic):
    nic.expect_log("does not insert time stamps")
    nic.sh("ip link set dut0 down")
    assert ptp(nic, "hwtstamp", "dut0", 0, ON, V2_L4_SYNC) == (0, ON, V2_SYNC)
    assert ptp(nic, "hwtstamp", "dut0", 0, ONESTEP, ALL) == "ERANGE"
    assert registers(nic)[1:3] == (0, 0)
    nic.sh("ip link set dut0 up")
    assert registers(nic)[1:4] == (EN, EN | 2 << 1, SYNC)


# --- the clock ---


def test_clock_is_set_and_shifted(nic):
    dev = clock(nic)
    # From the start it has the system's time.
    assert abs(ptp(nic, "get", dev) - int(nic.sh("date +%s%N"))) < 60e9
    ptp(nic, "set", dev, 10**9)
    assert 10**9 <= ptp(nic, "get", dev) < 60 * 10**9
    ptp(nic, "shift", dev, 10**18 + 5)
    assert 10**18 + 10**9 <= ptp(nic, "get", dev) < 10**18 + 120 * 10**9
    ptp(nic, "shift", dev, -10**18)
    assert 10**9 <= ptp(nic, "get", dev) < 180 * 10**9
    assert ptp(nic, "rate", dev, 600000 << 16) == "ERANGE"


def rate(nic, dev):
    """Of the clock to the raw clock, over two seconds."""
    first = ptp(nic, "pair", dev)
    nic.sh("sleep 2")
    second = ptp(nic, "pair", dev)
    return (second[0] - first[0]) / (second[1] - first[1])


def test_clock_is_slowed_and_hurried(nic):
    dev = clock(nic)
    plain = rate(nic, dev)
    for ppm in (100000, -599999, 599999):
        assert ptp(nic, "rate", dev, ppm << 16) == 0
        assert rate(nic, dev) == pytest.approx(plain * (1 + ppm / 1e6), rel=0.002)
    ptp(nic, "rate", dev, 0)
    assert rate(nic, dev) == pytest.approx(plain, rel=0.002)


def test_reads_are_bounded_and_never_go_back(nic):
    longest, back = ptp(nic, "reads", clock(nic), 500)
    assert back == 0
    assert longest < 0.5e9


def jump(found):
    """By how much the second part of the pairs is off the line through the first, and the doubt
    (half of what the reads took), nanoseconds."""
    parts = [[f[1:] for f in found if f[0] == p] for p in (0, 1)]
    best = [sorted(p, key=lambda f: f[2])[:max(3, len(p) // 3)] for p in parts]
    origin = best[0][0][1]
    everything = [(raw - origin, there) for p in best for there, raw, _ in p]
    # One line for each part, of a common slope: that of both in themselves.
    def slope(points):
        mx = sum(p[0] for p in points) / len(points)
        my = sum(p[1] for p in points) / len(points)
        return (sum((p[0] - mx) * (p[1] - my) for p in points),
                sum((p[0] - mx) ** 2 for p in points), mx, my)
    a = slope([(raw - origin, there - found[0][1]) for there, raw, _ in best[0]])
    b = slope([(raw - origin, there - found[0][1]) for there, raw, _ in best[1]])
    k = (a[0] + b[0]) / (a[1] + b[1])
    doubt = max(f[2] for p in best for f in p) / 2
    assert everything
    return (b[3] - k * b[2]) - (a[3] - k * a[2]), doubt, b[2] - a[2]


@pytest.mark.parametrize("kind", [*RESETS, "closed"])
def test_clock_goes_on_over_a_reset(nic, kind):
    """Nothing of the reset is to be seen, up to what the emulator's clocks are good for."""
    dev = clock(nic)
    guesses = nic.stats()["clock_guesses"]
    command = {
        "sleep": SLEEP, "restart": "ethtool --reset dut0 mac >/dev/null",
        "down and up": "ip link set dut0 down; ip link set dut0 up",
        "closed": "ip link set dut0 down",
        "rings": "ethtool -G dut0 rx 512",
        "function": f"echo 1 >/sys/bus/pci/devices/{nic.guest.pci()}/reset",
    }[kind]
    if kind == "sleep":
        nic.sh(f"echo '{command}' >/run/sleep")
        suspend(nic, f"{PY}/ptp.py across {dev} \"sh /run/sleep\" >/run/across")
        found = json.loads(nic.sh("cat /run/across"))
    else:
        found = ptp(nic, "across", dev, command)
    off, doubt, span = jump(found)
    print(f"{kind}: off {off:.0f} ns, doubt {doubt:.0f} ns, span {span / 1e9:.2f} s")
    assert abs(off) < 10_000 + 2 * doubt + span * 50e-6
    # Held in time, it is not asked while it sleeps.
    assert kind != "sleep" or nic.stats()["clock_guesses"] == guesses


@pytest.mark.guest(device="model")
@pytest.mark.rule("P2")
def test_clock_goes_on_over_sleep_on_the_model(nic):
    """Which loses SYSTIM in D3."""
    test_clock_goes_on_over_a_reset(nic, "sleep")


def across_20_resets(nic, dev, slope):
    """The clock has not jumped. slope: how much of the time that it took is allowed for."""
    command = "for i in $(seq 20); do ethtool --reset dut0 mac >/dev/null; done"
    off, doubt, span = jump(ptp(nic, "across", dev, command, timeout=200))
    print(f"off {off:.0f} ns, doubt {doubt:.0f} ns, span {span / 1e9:.2f} s")
    assert abs(off) < 20 * 10_000 + 2 * doubt + span * slope
    assert nic.stats()["resets"] >= 20


@pytest.mark.guest(traced=True)
@pytest.mark.rule("P2")
def test_clock_is_not_read_in_a_reset_of_the_function(nic):
    """It is held before, and so is not asked until the driver has reset the device itself."""
    at = nic.access_log()[1]
    nic.sh(f"echo 1 >/sys/bus/pci/devices/{nic.guest.pci()}/reset")
    log = nic.access_log(at)[0]
    left = next(i for i, (_, k, o, v) in enumerate(log)
                if (k, o) == ("w", CTRL_EXT) and not v & DRV_LOAD)
    log = [(k, o, v) for _, k, o, v in log[left:]]
    came = next(i for i, (k, o, _) in enumerate(log) if (k, o) == ("r", EECD))
    reset = next(i for i, (k, o, v) in enumerate(log) if (k, o) == ("w", CTRL) and v & RST)
    reads = [i for i, (_, o, _) in enumerate(log) if o == SYSTIML]
    assert came < reset and reads[0] < came, "held"
    assert not [i for i in reads if came < i < reset]


@pytest.mark.rule("P2")
def test_clock_goes_on_over_20_resets(nic):
    across_20_resets(nic, clock(nic), 50e-6)


def test_foreign_reset_does_not_stop_the_clock(nic):
    """Somebody else clears TIMINCA with the device: the clock goes on by the system's."""
    nic.expect_log("resetting")
    dev = clock(nic)
    before = ptp(nic, "pair", dev)
    nic.set_reg(TIMINCA, 0)
    nic.sh("sleep 1")
    now = ptp(nic, "pair", dev)
    speed = (now[0] - before[0]) / (now[1] - before[1])
    assert 0.5 < speed < 3
    assert nic.stats()["clock_guesses"] > 0


# --- stamps ---


def valid(nic, register):
    return nic.reg(register) & VALID


@pytest.mark.rule("P1")
@pytest.mark.debug
def test_transmit_stamp(nic):
    """The latch's value becomes that of the frame, and the socket hears of it."""
    ptp(nic, "hwtstamp", "dut0", 0, ON, NONE)
    dev = clock(nic)
    before = ptp(nic, "get", dev)
    low = nic.reg(SYSTIML)
    high = nic.reg(SYSTIML + 4)
    nic.set_reg(TXSTMPL, low)
    nic.set_reg(TXSTMPH, high)
    nic.set_reg(TSYNCTXCTL, EN | VALID)
    after = ptp(nic, "get", dev)
    stamps = ptp(nic, "stamp", "dut0", nic.PEER_MAC, 1)
    assert len(stamps) == 1 and before < stamps[0][1] < after, (before, stamps, after)
    assert ts_stats(nic)["pkts"] == 1 and ts_stats(nic)["lost"] == 0


@pytest.mark.rule("P1")
def test_a_stamp_that_comes_late(nic):
    """Half a second after its frame it is still that frame's."""
    for _ in range(5):
        before = ts_stats(nic)
        # By one program, and again where even that takes longer than a frame is waited for.
        early, took = ptp(nic, "late", "dut0", nic.PEER_MAC, nic.resource(), TSYNCTXCTL,
                          EN | VALID)
        wait_until(lambda b=before: ts_stats(nic) != b, 10, "a stamp")
        if took < 0.9:
            break
    assert not early and took < 0.9
    assert ts_stats(nic) == {**before, "pkts": before["pkts"] + 1}


def test_no_stamp_without_the_mode(nic):
    """A socket that asks although nobody turned stamps on has the software's."""
    stamps = ptp(nic, "stamp", "dut0", nic.PEER_MAC, 1)
    assert len(stamps) == 1 and stamps[0][0] and not stamps[0][1]
    assert set(ts_stats(nic).values()) == {0}


@pytest.mark.rule("P1")
def test_one_transmit_stamp_at_a_time(nic):
    """The second asks in vain and is counted; the first is given up, and the next has its turn."""
    ptp(nic, "hwtstamp", "dut0", 0, ON, NONE)
    stamps = ptp(nic, "stamp", "dut0", nic.PEER_MAC, 3)
    # Of the others, that asked for it, the software's alone.
    assert [s[1] for s in stamps] == [0, 0]
    wait_until(lambda: ts_stats(nic)["lost"] == 1, 3, "given up")
    assert ts_stats(nic)["err"] == 2 and ts_stats(nic)["pkts"] == 0
    ptp(nic, "stamp", "dut0", nic.PEER_MAC, 1)
    wait_until(lambda: ts_stats(nic)["lost"] == 2, 10, "given up")
    assert ts_stats(nic)["err"] == 2


@pytest.mark.guest(traced=True)
@pytest.mark.rule("P5", "P1")
def test_only_what_changes_is_touched(nic):
    """And a latch that is taken into use is empty."""
    def accesses(tx, rx):
        at = nic.access_log()[1]
        ptp(nic, "hwtstamp", "dut0", 0, tx, rx)
        # The watchdog looks at the receive latch now and then.
        return {(k, o) for _, k, o, _ in nic.access_log(at)[0]
                if TIMINCA <= o <= RXUDP} - {("r", TSYNCRXCTL)}
    sends = {("w", TSYNCTXCTL), ("r", TXSTMPH)}
    receives = {("w", TSYNCRXCTL), ("w", RXMTRL), ("w", RXUDP), ("r", RXSTMPH),
                ("r", RXSATRH)}
    at = nic.access_log()[1]
    assert accesses(ON, V2_SYNC) == sends | receives
    log = [(k, o) for _, k, o, v in nic.access_log(at)[0] if (k, o) != ("r", TSYNCRXCTL)]
    assert ("r", RXSATRH) not in log[len(log) - log[::-1].index(("w", TSYNCRXCTL)):], \
        "it may have a stamp by then"
    assert not accesses(ON, V2_SYNC)
    assert accesses(OFF, V2_SYNC) == {("w", TSYNCTXCTL)}
    assert accesses(OFF, V2_DELAY) == receives
    assert accesses(ON, V2_DELAY) == sends
    # The frame that waits for its stamp goes on to do so.
    paused(nic)
    nic.sh(f"WAIT=0 {PY}/ptp.py stamp dut0 {nic.PEER_MAC} 1")
    assert ("r", TXSTMPH) not in accesses(ON, V2_EVENT)
    # It is given up; should the stamp come now, it is thrown away.
    at = nic.access_log()[1]
    nic.fail_hits()
    wait_until(lambda: ts_stats(nic)["lost"] == 1, 3, "given up")
    assert TXSTMPH in [o for _, k, o, _ in nic.access_log(at)[0] if k == "r"]
    at = nic.access_log()[1]
    nic.sh("ethtool --reset dut0 mac")
    log = [(k, o) for _, k, o, _ in nic.access_log(at)[0]]
    assert {("r", TXSTMPH), ("r", RXSTMPH)} <= set(log[log.index(("w", TSYNCTXCTL)):])


def paused(nic):
    """The link partner holds up what is sent."""
    nic.fail("hwl_hw_tx_paused", 1, 0)


@pytest.mark.rule("P1")
def test_a_frame_that_is_held_up_keeps_the_latch(nic):
    """Whatever becomes of the mode meanwhile: its stamp is not that of the next."""
    ptp(nic, "hwtstamp", "dut0", 0, ON, NONE)
    paused(nic)
    # By one program: it may not take longer than the first is waited for.
    second = ptp(nic, "again", "dut0", nic.PEER_MAC)
    nic.set_reg(TSYNCTXCTL, EN | VALID)
    wait_until(lambda: sum(ts_stats(nic).values()) == 2, 10, "a stamp")
    assert ts_stats(nic) == {"pkts": 1, "lost": 0, "err": 1}
    assert second[0][1] == 0 and nic.fail_hits()


@pytest.mark.rule("P1")
def test_a_frame_that_is_held_up_for_good(nic):
    """Its owner is told in the end; the latch is its own as long as it may leave."""
    ptp(nic, "hwtstamp", "dut0", 0, ON, NONE)
    paused(nic)
    begun = time.monotonic()
    nic.sh(f"WAIT=0 {PY}/ptp.py stamp dut0 {nic.PEER_MAC} 1")
    wait_until(lambda: ts_stats(nic)["lost"] == 1, 20, "given up")
    assert time.monotonic() - begun > 8, "not as one that was not held up"
    ptp(nic, "stamp", "dut0", nic.PEER_MAC, 1)
    assert ts_stats(nic) == {"pkts": 0, "lost": 1, "err": 1}
    nic.fail_hits()

    def free():
        ptp(nic, "stamp", "dut0", nic.PEER_MAC, 1)
        return ts_stats(nic)["lost"] == 2
    wait_until(free, 10, "the latch is free")


@pytest.mark.rule("P1")
def test_a_frame_that_is_not_sent(nic):
    """Does not have the latch."""
    ptp(nic, "hwtstamp", "dut0", 0, ON, NONE)
    nic.fail("dma_map_page_attrs", -1, 1, "hwl_tx")
    nic.sh(f"WAIT=0 SIZE=1000 {PY}/ptp.py stamp dut0 {nic.PEER_MAC} 1")
    assert nic.fail_hits() == 1 and ts_stats(nic) == {"pkts": 0, "lost": 0, "err": 1}
    nic.set_reg(TSYNCTXCTL, EN | VALID)
    assert ptp(nic, "stamp", "dut0", nic.PEER_MAC, 1)[0][1]
    assert ts_stats(nic) == {"pkts": 1, "lost": 0, "err": 1}


@pytest.mark.guest(traced=True)
@pytest.mark.rule("P1")
def test_a_reset_looks_for_a_stamp_that_may_be_on_its_way(nic):
    ptp(nic, "hwtstamp", "dut0", 0, ON, NONE)
    paused(nic)
    nic.sh(f"WAIT=0 {PY}/ptp.py stamp dut0 {nic.PEER_MAC} 1")
    at = nic.access_log()[1]
    nic.sh("ethtool --reset dut0 mac")
    log = [(k, o) for _, k, o, _ in nic.access_log(at)[0]]
    assert nic.fail_hits() and ts_stats(nic) == {"pkts": 0, "lost": 1, "err": 0}
    looks = log[:log.index(("r", TXSTMPH))]
    others = [i for i, x in enumerate(looks) if x != ("r", TSYNCTXCTL)]
    assert len(looks) - 1 - others[-1] >= 20


@pytest.mark.rule("P1")
def test_no_stamp_by_a_device_that_is_gone(nic):
    """All ones are no stamp."""
    nic.expect_log("device removed or PCIe link lost", "device answers again", "reset failed",
                   r"tx queue \d hung", "NVM was not read", "peer0: (NETDEV WATCHDOG|TX timeout)")
    ptp(nic, "hwtstamp", "dut0", 0, ON, NONE)
    paused(nic)
    waits = nic.spawn(f"WAIT=10 {PY}/ptp.py stamp dut0 {nic.PEER_MAC} 1")
    wait_until(lambda: nic.sh("cat /sys/kernel/debug/hwltest/fail").strip() != "0", 9, "sent")
    nic.vanish()
    waits.wait(30)
    assert json.loads(waits.output()) == []
    nic.fail_hits()
    nic.appear()
    wait_until(nic.carrier, 15, "carrier")


@pytest.mark.bare
@pytest.mark.guest(device="model")
def test_a_device_without_the_registers(nic):
    """As VMware's: no stamps, up or down, and nobody is told otherwise."""
    nic.guest.model.command(f"fault sticky {TSYNCRXCTL}")
    nic.defer(lambda: nic.guest.model.command("clear sticky"))
    nic.load()
    nic.expect_log("makes no time stamps")
    for command in ("true", "ip link set dut0 down"):
        nic.sh(command)
        for tx, rx in ((ON, NONE), (OFF, ALL), (ON, V2_EVENT)):
            assert ptp(nic, "hwtstamp", "dut0", 0, tx, rx) == "ENOTSUP"
        assert ptp(nic, "hwtstamp", "dut0", 0, OFF, NONE) == in_force(nic) == (0, OFF, NONE)
    said = nic.sh("ethtool -T dut0")
    assert "hardware-transmit" not in said and "software-transmit" in said


@pytest.mark.parametrize("kind", ["restart", "down", "mode off"])
def test_pending_stamp_is_given_up(nic, kind):
    ptp(nic, "hwtstamp", "dut0", 0, ON, NONE)
    nic.sh(f"WAIT=0 {PY}/ptp.py stamp dut0 {nic.PEER_MAC} 1; " + {
        "restart": "ethtool --reset dut0 mac", "down": "ip link set dut0 down",
        "mode off": f"{PY}/ptp.py hwtstamp dut0 0 0 0"}[kind])
    if kind == "mode off":
        wait_until(lambda: ts_stats(nic)["lost"] == 1, 5, "given up")
    assert ts_stats(nic)["lost"] == 1
    if kind == "down":
        nic.sh("ip link set dut0 up")


@pytest.mark.rule("P1")
def test_receive_latch_that_is_stuck_is_freed(nic):
    ptp(nic, "hwtstamp", "dut0", 0, OFF, ALL)
    nic.set_reg(TSYNCRXCTL, nic.reg(TSYNCRXCTL) | VALID)
    wait_until(lambda: not valid(nic, TSYNCRXCTL), 5.5, "latch free")
    assert nic.stats()["rx_stamps_cleared"] == 1
