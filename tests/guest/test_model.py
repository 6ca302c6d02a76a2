# SPDX-License-Identifier: GPL-2.0
"""On the device model: what QEMU's own device does not do, or forgives.

Each test also ends with the model's list of what the driver must not do: it has to be empty.
"""

import contextlib
import re

import pytest
from hwlab.model import PARTNER
from lab import wait_until

pytestmark = pytest.mark.guest(device="model")

STATUS, RDT0, LU = 0x8, 0x2818, 2
NO_PAUSE = PARTNER.replace("pause asym", "")


@pytest.fixture
def model(nic):
    """The model's control; valid once the test runs."""
    def command(line):
        return nic.guest.model.command(line)
    return command


def wait_link(nic, up=True):
    wait_until(lambda: nic.carrier() == up, 15, f"link {'up' if up else 'down'}")


@contextlib.contextmanager
def partner(nic, modes):
    nic.guest.model.command(f"partner {modes}")
    nic.defer(lambda: nic.guest.model.command(f"partner {PARTNER}"))
    # The driver may be too late to see it go.
    wait_until(lambda: nic.guest.model.reg(STATUS) & LU, 10, "link of the device")
    wait_link(nic)
    yield


# --- rings that fill and empty while the driver works ---


@pytest.mark.rule("T1", "T3", "T5", "T8")
def test_ring_fills_and_empties_while_sending(nic):
    nic.sh("ethtool -G dut0 tx 128")
    before = nic.stats()
    with nic.flood("tx", size=1500, burst=16):
        wait_until(lambda: nic.stats()["tx_stopped"] > 50, 20, "stops")
        nic.ping()
    after = nic.stats()
    assert after["tx_woken"] > before["tx_woken"] + 25
    assert after["tx_busy"] == 0 and after["tx_timeouts"] == 0 and after["tx_drops"] == 0
    nic.transfer(1 << 18)


@pytest.mark.rule("T8", "T12")
def test_slow_wire(nic):
    """10 Mb/s: the ring is always full, and every packet is completed in time."""
    with partner(nic, "10fd pause"):
        wait_until(lambda: settings(nic)[0] == "10Mb/s", 10, "10 Mb/s")
        with nic.flood("tx", size=1500, burst=16):
            wait_until(lambda: nic.stats()["tx_stopped"] > 5, 20, "stops")
        wait_until(lambda: set(nic.sh(
            "cat /sys/class/net/dut0/queues/tx-*/byte_queue_limits/inflight").split()) == {"0"})
        assert nic.stats()["tx_timeouts"] == 0
        nic.ping()


@pytest.mark.rule("D8")
def test_overrun_is_counted_by_all_alike(nic):
    before = nic.guest.model.stats()["overrun"]
    with partner(nic, NO_PAUSE):
        nic.sh("ethtool -G dut0 rx 64")
        with nic.flood("rx", size=60, burst=16):
            wait_until(lambda: nic.guest.model.stats()["overrun"] > before + 20, 30, "overruns")
        nic.ping()
        lost = nic.guest.model.stats()["overrun"] - before
        wait_until(lambda: nic.stats() and missed(nic) >= lost, 10, "the same count")
        assert missed(nic) == lost


def missed(nic):
    return nic.link()["stats64"]["rx"]["missed_errors"]


def test_pause_instead_of_loss(nic):
    before = nic.guest.model.stats()
    nic.sh("ethtool -G dut0 rx 64")
    with nic.flood("rx", size=1500, burst=16):
        wait_until(lambda: nic.guest.model.stats()["pauses"] > before["pauses"] + 5, 30, "pauses")
    assert nic.guest.model.stats()["overrun"] == before["overrun"]
    assert int(re.search(r"tx_pause_frames: (\d+)", nic.sh("ethtool -I -a dut0"))[1]) > 0


def test_data_both_ways(nic):
    for reverse in (False, True):
        nic.transfer(1 << 20, reverse=reverse)
        nic.transfer(1 << 18, dst=nic.PEER6, reverse=reverse)
    nic.sh("ip link set dut0 mtu 9000")
    nic.peer("ip link set peer0 mtu 9000")
    nic.defer("ip link set peer0 mtu 1500", "peer")
    nic.transfer(1 << 20)
    nic.transfer(1 << 20, reverse=True)


# --- link ---

MODES = [("1000fd", "1000Mb/s", "Full"), ("100fd", "100Mb/s", "Full"), ("100hd", "100Mb/s", "Half"),
         ("10fd", "10Mb/s", "Full"), ("10hd", "10Mb/s", "Half")]


def settings(nic):
    """Speed and duplex."""
    return re.search(r"Speed: (\S+)\s+Duplex: (\S+)", nic.sh("ethtool dut0")).groups()


def test_link_follows_the_partner(nic):
    """Even if the link is back, at another speed, before the driver has seen it go."""
    for mode, speed, duplex in MODES:
        with partner(nic, f"{mode} pause"):
            wait_until(lambda s=speed, d=duplex: settings(nic) == (s, d), 10,
                       f"{speed} {duplex}")
            nic.ping()
            nic.transfer(1 << 14)
        pause = "rx/tx" if duplex == "Full" else "off"
        assert f"{duplex.lower()} duplex, flow control {pause}" in nic.log()
    nic.guest.model.command(f"partner {PARTNER}")
    wait_until(lambda: "Speed: 1000Mb/s" in nic.sh("ethtool dut0"), 15)


def test_bad_cable(nic, model):
    """No good for 1000 Mb/s: the PHY falls back by itself, and segmentation ends with it."""
    model("link bad")
    nic.defer(lambda: nic.guest.model.command("link good"))
    wait_until(lambda: nic.carrier() and settings(nic) == ("100Mb/s", "Full"), 15, "100 Mb/s")
    nic.transfer(1 << 18)
    model("link good")
    wait_until(lambda: nic.carrier() and settings(nic)[0] == "1000Mb/s", 15, "1000 Mb/s")
    nic.transfer(1 << 18)


def test_forced_speed(nic):
    """Erratum 15: at 100 Mb/s the device must not segment."""
    nic.sh("ethtool -s dut0 autoneg off speed 100 duplex full")
    wait_until(lambda: nic.carrier() and "Speed: 100Mb/s" in nic.sh("ethtool dut0"), 15)
    # What was pending when the link went costs one.
    nic.ping()
    resets = nic.stats()["resets"]
    nic.transfer(1 << 18)
    assert nic.stats()["resets"] == resets
    nic.sh("ethtool -s dut0 autoneg on")
    wait_until(lambda: nic.carrier() and "Speed: 1000Mb/s" in nic.sh("ethtool dut0"), 15)
    nic.ping()


def test_cable_pulled_under_load(nic):
    with nic.stream():
        for _ in range(3):
            nic.guest.set_link(False)
            wait_link(nic, False)
            nic.guest.set_link(True)
            wait_link(nic)
            wait_until(nic.answers, 10, "traffic")
    nic.transfer(1 << 16)


@pytest.mark.rule("T18")
def test_reset_keeps_the_link(nic):
    with nic.no_link_bounce():
        for command in ("ethtool -G dut0 rx 128 tx 128", "ethtool --reset dut0 dma mac",
                        "ip link set dut0 mtu 4000", "ip link set dut0 mtu 1500",
                        "ethtool -L dut0 combined 1", "ethtool -L dut0 combined 2"):
            nic.sh(command)
            nic.ping()


# --- faults ---


@pytest.mark.rule("T18")
def test_transmitter_hangs(nic, model):
    nic.expect_log(r"tx queue \d hung")
    with nic.no_link_bounce(), nic.stream():
        model("fault tx-hang for 2500")
        wait_until(lambda: nic.stats()["resets"] > 0, 15, "a reset")
        wait_until(nic.answers, 15, "traffic")
    nic.transfer(1 << 16)


@pytest.mark.rule("T18", "T12")
def test_lost_write_backs(nic, model):
    nic.expect_log(r"tx queue \d hung")
    model("fault no-wb 1")
    nic.guest.run(f"ping -c 2 -i 0.2 -W 1 {nic.PEER}", check=False)
    wait_until(nic.answers, 15, "traffic")
    nic.transfer(1 << 16)


def received(nic):
    """Frames by the driver, and by the device."""
    stats = nic.stats()
    return stats["rx_packets"], stats["hw_rx_good_packets"]


def rx_errors(nic):
    return {k: v for k, v in nic.stats().items()
            if v and re.fullmatch(r"rx_(err|no|alloc)_\w+|resets|hw_rx_missed", k)}


@pytest.mark.rule("R1")
def test_late_receive_write_backs(nic, model):
    """Data and interrupt first, DD later: no frame is taken before, none is left, none is lost."""
    before, begun = rx_errors(nic), received(nic)
    with nic.no_link_bounce():
        model("fault late-rx-wb 20000")
        nic.ping()
        for dst in (nic.PEER, nic.PEER6):
            nic.transfer(1 << 16, dst=dst)
            nic.transfer(1 << 18, dst=dst, reverse=True)
        model("clear all")
        nic.transfer(1 << 18, reverse=True)
    assert rx_errors(nic) == before
    wait_until(lambda: len({a - b for a, b in zip(received(nic), begun)}) == 1, 10,
               lambda: f"the same count: {begun} {received(nic)}")


@pytest.mark.rule("R1")
def test_lost_receive_write_backs(nic, model):
    """Nothing comes after them: the watchdog's flush has to bring them in."""
    before, begun = rx_errors(nic), received(nic)
    with nic.no_link_bounce():
        for lost in (1, 3):
            model(f"fault no-rx-wb {lost}")
            nic.ping(count=lost)
            model("clear all")
        nic.transfer(1 << 16, reverse=True)
    assert rx_errors(nic) == before
    wait_until(lambda: len({a - b for a, b in zip(received(nic), begun)}) == 1, 10,
               lambda: f"the same count: {begun} {received(nic)}")


@pytest.mark.rule("R1", "T12")
def test_late_interrupts(nic, model):
    with nic.no_link_bounce():
        model("fault late-irq 20000 for 3000")
        nic.transfer(1 << 16)
        model("clear all")
        nic.transfer(1 << 18, reverse=True)
    assert nic.stats()["tx_timeouts"] == 0


def test_heads_gone_wild(nic, model):
    """What the head registers say decides nothing but whether to wait longer."""
    model("fault wild-head 0xffff for 6000")
    nic.transfer(1 << 18)
    nic.transfer(1 << 18, reverse=True)
    model("clear all")
    nic.ping()


@pytest.mark.rule("R1")
def test_lost_interrupts(nic, model):
    model("fault no-irq 3")
    nic.guest.run(f"ping -c 2 -i 0.2 -W 1 {nic.PEER}", check=False)
    wait_until(nic.answers, 10, "traffic")
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)


def test_spurious_interrupts(nic, model):
    """Nothing tells the handler that its interrupt is none: it reads ICR all the same."""
    model("fault spurious 300 for 1500")
    nic.transfer(1 << 18)
    nic.ping()
    assert {x.partition(":")[0] for x in nic.guest.new_offences()} <= {"icr-masked"}


def test_stale_phy_results(nic, model):
    for _ in range(3):
        model("fault mdic-stale 1")
        nic.guest.run("ethtool dut0", check=False)
    nic.guest.run("ethtool -r dut0", check=False)
    wait_until(nic.answers, 15, "traffic")


@pytest.mark.rule("D12")
def test_device_that_answers_late(nic, model):
    """Registers that read all ones behind a reset are no removal."""
    model("fault late-answer 5000")
    for _ in range(2):
        nic.sh("ethtool --reset dut0 dma mac")
        wait_link(nic)
        nic.ping()
    assert "removed" not in nic.log()


def test_firmware_has_the_phy(nic, model):
    """A request or two refused are not noticed; pause is learnt late, if it must be."""
    for _ in range(3):
        model("fault firmware 3")
        assert nic.sh("ethtool dut0").count("Link partner advertised") > 1
    model("link down")
    wait_link(nic, False)
    model("fault firmware")
    model("link up")
    wait_link(nic)
    assert "flow control off" in nic.log().splitlines()[-1]
    with nic.no_link_bounce():
        model("clear all")
        wait_until(lambda: "flow control rx/tx" in nic.log().splitlines()[-1], 10, "pause")


def test_readers_of_the_nvm_wait_for_a_reset(nic):
    """Nobody is at it before the PHY has read its part, whoever resets the device."""
    nic.expect_log(r"device removed or PCIe link lost", r"device answers again")
    for command in 3 * ("devlink dev info",) + ("ethtool -e dut0 length 16",):
        nic.spawn(f"while :; do {command}; done >/dev/null 2>&1")
    function = f"echo 1 >/sys/bus/pci/devices/{nic.guest.pci()}/reset"
    for reset in 3 * (*4 * ("ethtool --reset dut0 mac",), function):
        nic.sh(reset)
    wait_until(nic.answers, 15, "traffic")


@pytest.mark.parametrize("seed", [1])
def test_firmware_works_with_the_phy_too(nic, model, seed):
    """At random times it has PHY and NVM, and leaves another page of the PHY selected."""
    words, abilities = nic.sh("ethtool -e dut0"), nic.sh("ethtool dut0")
    refused = nic.guest.model.stats()["refused"]
    model(f"fault firmware-busy {seed}")
    for _ in range(5):
        assert nic.sh("ethtool -e dut0") == words
        assert nic.sh("ethtool dut0") == abilities
    for command, up in (("link down", False), ("link up", True)):
        model(command)
        wait_link(nic, up)
    wait_until(lambda: "flow control rx/tx" in nic.log().splitlines()[-1], 10, "pause")
    nic.sh("ethtool -r dut0")
    wait_link(nic)
    for _ in range(2):
        nic.sh("ip link set dut0 down; ip link set dut0 up")
        wait_link(nic)
        nic.ping()
    assert nic.sh("ethtool -e dut0") == words
    wait_until(lambda: nic.sh("ethtool dut0") == abilities, 10, "the same link")
    assert nic.guest.model.stats()["refused"] > refused
    assert nic.stats()["resets"] == 0
    model("clear all")


@pytest.mark.rule("T18")
def test_phy_hangs(nic, model):
    nic.expect_log(r"PHY", r"phy")
    resets = nic.stats()["resets"]
    model("fault phy-hang for 9000")
    wait_until(lambda: nic.stats()["resets"] > resets, 20, "a reset")
    model("clear all")
    wait_until(nic.answers, 15, "traffic")


@pytest.mark.rule("T18")
def test_phy_hangs_until_a_reset(nic, model):
    """Erratum 7: no frame passes, with a link that looks well, and only a reset ends it."""
    nic.expect_log(r"PHY hung")
    resets = nic.stats()["resets"]
    model("errata phy-hang")
    nic.defer(lambda: nic.guest.model.command("errata no-phy-hang"))
    nic.guest.run(f"ping -n -c 70 -i 0.01 -W 1 {nic.PEER}", 60, check=False)
    wait_until(lambda: "the PHY hangs" in nic.guest.model.log(), 5, "a hang")
    model("errata no-phy-hang")
    wait_until(lambda: nic.stats()["resets"] > resets, 20, "a reset")
    wait_until(nic.answers, 15, "traffic")
    nic.transfer(1 << 16)


@pytest.mark.rule("R5", "R6")
@pytest.mark.parametrize("fault", ["bad-len 60000", "bad-len 0", "bad-status 0x80000001",
                                   "bad-status 1"])
def test_write_backs_that_make_no_sense(nic, model, fault):
    model(f"fault {fault} for 400")
    nic.guest.run(f"ping -c 5 -i 0.1 -W 1 {nic.PEER}", check=False)
    model("clear all")
    wait_until(nic.answers, 10, "traffic")
    nic.transfer(1 << 16, reverse=True)


@pytest.mark.rule("D8")
def test_damaged_frames_are_counted(nic, model):
    model("damage crc 5")
    nic.guest.run(f"ping -c 20 -i 0.05 -W 1 {nic.PEER}", check=False)
    model("damage crc 0")
    wait_until(lambda: nic.stats() and crc_errors(nic) > 0, 10, "CRC errors")
    assert nic.link()["stats64"]["rx"]["errors"] >= crc_errors(nic)


@pytest.mark.rule("D8", "R5")
def test_frames_of_a_wrong_size_are_counted(nic, model):
    """By size; RLEC, which the device counts wrongly, is not looked at (erratum 22)."""
    for kind, name in (("runt", "hw_rx_undersize"), ("fragment", "hw_rx_fragments"),
                       ("oversize", "hw_rx_oversize"), ("jabber", "hw_rx_jabbers")):
        before = nic.link()["stats64"]["rx"]["length_errors"]
        model(f"damage {kind} 2")
        nic.guest.run(f"ping -c 6 -i 0.05 -W 1 {nic.PEER}", check=False)
        model("damage crc 0")
        wait_until(lambda n=name: nic.stats().get(n, 0) > 0, 10, name)
        nic.ping()
        after, stats = nic.link()["stats64"]["rx"]["length_errors"], nic.stats()
        if kind in ("runt", "oversize"):
            assert 0 < after - before <= stats[name]
        else:
            assert after == before


def crc_errors(nic):
    return nic.link()["stats64"]["rx"]["crc_errors"]


# --- errata ---


def other_irqs(nic):
    return nic.guest.model.stats()["irqs"][4]


def test_acknowledgements_raise_nothing(nic):
    """Erratum 4: without RFCTL.ACK_DIS each TCP acknowledgement raises OTHER."""
    before = other_irqs(nic)
    nic.transfer(1 << 20)
    nic.transfer(1 << 20, reverse=True)
    assert other_irqs(nic) - before < 5


def test_overruns_do_not_storm(nic, model):
    """Erratum 5: RXO comes again each 20 us while the buffer is full."""
    nic.expect_log(r"receive ring 0 found without buffers")
    nic.sh("ethtool -L dut0 combined 1")
    counted = nic.stats()["hw_rx_overruns"]
    with partner(nic, NO_PAUSE), nic.flood("rx", size=60, burst=16):
        lost = nic.guest.model.stats()["overrun"]
        model(f"fault sticky {RDT0:#x}")        # no buffer reaches the device
        wait_until(lambda: nic.guest.model.stats()["overrun"] > lost + 20, 30, "overruns")
        storm = other_irqs(nic) + 100
        # By the model's clock: a guest that is slow has fewer in any case.
        gaps = []

        def enough():
            now = nic.guest.model.stats()
            gaps.append(now["gaps"][4])
            return now["irqs"][4] > storm
        wait_until(enough, 30, "a hundred interrupts")
        model("clear all")
    assert nic.stats()["hw_rx_overruns"] - counted > 20
    assert min(x for x in gaps if x) >= 999, gaps
    wait_until(nic.answers, 10, "traffic")


def test_tail_of_tso_packets(nic, model):
    """Erratum 14: DD of a long last descriptor may come before its data is read."""
    model("errata early-dd")
    nic.defer(lambda: nic.guest.model.command("errata no-early-dd"))
    nic.transfer(1 << 20)
    nic.transfer(1 << 18, dst=nic.PEER6)


@pytest.mark.rule("D11")
@pytest.mark.guest(device="model", model="--errata vectors")
def test_board_with_three_vectors(nic):
    """Erratum 19: silicon has as many vectors as its NVM says."""
    lines = re.findall(r"^\s*\d+:.*hartwell-\S+$", nic.sh("cat /proc/interrupts"), re.M)
    assert len(lines) == 3, lines
    assert nic.guest.model.stats()["mode"] == 2
    for reverse in (False, True):
        nic.transfer(1 << 18, reverse=reverse)


@pytest.mark.bare
def test_unknown_phy(nic):
    """Of a board that is not quite this one: told, and driven all the same."""
    nic.guest.model.command("phy 3 0x1234")
    nic.defer(lambda: nic.guest.model.command("phy 3 0x0cb1"))
    nic.expect_log("PHY has identity 01411234, not 01410cb1")
    nic.load()
    nic.ping()


@pytest.mark.guest(device="model", model="--flash")
def test_flash_does_not_follow(nic):
    """Erratum 18: AUPDEN comes up set, and would have the flash follow each write."""
    model = nic.guest.model
    # The second is a make that firmware keeps busy, until that is reset.
    for value, flop in ((0x5a, 0), (0x6b, 0xdb00)):
        model.command(f"reg 0x103c {flop:#x}")
        nic.sh(f"ethtool -E dut0 magic 0x10d38086 offset 0x42 value {value:#x}")
        assert nic.sh("ethtool -e dut0 raw on offset 0x42 length 1") == chr(value)
        assert int(model.command("flash 0x21"), 16) & 0xff == value, "the flash has it"
        assert int(model.command("flash 0x3f"), 16) == (
            0xbaba - sum(int(model.command(f"flash {i}"), 16) for i in range(0x3f))) & 0xffff
        nic.sh("ethtool --reset dut0 dma mac")


def test_shortest_frames(nic):
    """Erratum 16: hardware pads from 17 bytes on."""
    nic.send([bytes.fromhex(nic.PEER_MAC.replace(":", "")) + bytes(6) + b"\x88\xb5" + bytes(n)
              for n in range(0, 50, 7)])
    nic.ping()


# --- what the driver must not do ---


def test_all_settings_without_an_offence(nic):
    """The offences are looked at when a test ends: here, after all that changes registers."""
    with nic.stream():
        for command in ("ethtool -K dut0 rxvlan off txvlan off",
                        "ethtool -K dut0 rxvlan on txvlan on",
                        "ethtool -K dut0 rx-fcs on", "ethtool -K dut0 rx-all on",
                        "ethtool -K dut0 rx-fcs off rx-all off",
                        "ip link set dut0 promisc on", "ip link set dut0 promisc off",
                        "ip link set dut0 allmulticast on", "ip link set dut0 allmulticast off",
                        "ip link add link dut0 name dut0.7 type vlan id 7; ip link set dut0.7 up",
                        "ip link del dut0.7", "ethtool -X dut0 equal 1", "ethtool -X dut0 default",
                        "ethtool -C dut0 rx-usecs 100", "ethtool -d dut0", "ethtool -S dut0"):
            nic.sh(command)
    nic.sh("ip link set dut0 down")
    nic.sh("ethtool -t dut0 offline", 60)
    nic.load()
    nic.ping()


@pytest.mark.rule("D12", "D3")
def test_surprise_removal(nic, model):
    """All reads give ones, for good: noticed once, and the driver can be unloaded."""
    nic.expect_log(r"all ones|removed|not responding|gone")
    nic.spoiled = True
    nic.spawn(f"exec ping -n -i 0.05 {nic.PEER}")
    model("fault removed")
    wait_until(lambda: not nic.carrier() or "all ones" in nic.log(), 20, "notice")
    nic.guest.unload_driver()
