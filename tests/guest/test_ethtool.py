# SPDX-License-Identifier: GPL-2.0
"""ethtool beyond what other files have: self-test, NVM, LEDs, moderation per queue."""

import re

import pytest
from lab import wait_until

LEDCTL, EITR, MANC = 0xe00, 0xe8, 0x5820
BLK_PHY_RST_ON_IDE = 1 << 18
OFFLINE = ("Registers (offline)", "Interrupts (offline)", "Loopback (offline)")


def self_test(nic, mode):
    """(exit status, {name: result})"""
    done = nic.guest.run(f"ethtool -t dut0 {mode}", 60, check=False)
    return done.rc, {n.strip(): int(v) for n, v in
                     re.findall(r"^(.*\S)\s+(-?\d+)$", done.stdout, re.M)}


@pytest.mark.parametrize("state", ["up", "down"])
def test_self_test_offline(nic, state):
    """Each test passes, and all is as it was."""
    nic.sh("ethtool -G dut0 rx 512; ethtool -X dut0 weight 1 3; ip link set dut0 mtu 1400; "
           f"ip link set dut0 {state}")
    before = nic.stats()
    rc, results = self_test(nic, "offline")
    assert rc == 0 and len(results) == 5 and not any(results.values()), (rc, results)
    after = nic.stats()
    assert after["hw_tx_packets"] - before["hw_tx_packets"] < 20, "frames of the test count"
    nic.sh("ip link set dut0 up")
    wait_until(nic.answers, 10, "traffic")
    assert nic.link()["mtu"] == 1400
    assert re.findall(r"^RX:\s+(\d+)", nic.sh("ethtool -g dut0"), re.M)[-1] == "512"
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)


def test_self_test_under_traffic(nic):
    nic.expect_log(r"peer0: (NETDEV WATCHDOG|TX timeout)")
    with nic.flood("rx"), nic.flood("tx"):
        for _ in range(nic.rounds(3)):
            rc, results = self_test(nic, "offline")
            assert rc == 0, results
    wait_until(nic.answers, 10, "traffic")


def test_self_test_online(nic):
    with nic.no_link_bounce(), nic.outage(0.5):
        assert self_test(nic, "online") == (0, dict.fromkeys(self_test(nic, "online")[1], 0))
    nic.sh("ip link set dut0 down; ip link set dut0 up")
    rc, results = self_test(nic, "online")
    assert rc == 0, ("a link that is being negotiated", results)
    nic.guest.set_link(False)
    nic.defer(lambda: nic.guest.set_link(True))
    wait_until(lambda: not nic.carrier(), 5, "no carrier")
    rc, results = self_test(nic, "online")
    assert rc != 0 and [n for n, v in results.items() if v] == ["Link (online)"], results


def test_self_test_that_cannot_run(nic):
    """What was not tested is not passed."""
    nic.expect_log(r"device removed or PCIe link lost", r"cannot come back up")
    nic.vanish()
    rc, results = self_test(nic, "offline")
    assert rc != 0 and [results[x] for x in OFFLINE] == [-1, -1, -1], (rc, results)


def test_firmware_forbids_phy_resets(nic):
    """MANC says so: the link is not changed, and the self-test has no loopback."""
    nic.expect_log(r"firmware blocks link changes", r"set_features\(\) failed")
    nic.set_reg(MANC, BLK_PHY_RST_ON_IDE)
    with nic.no_link_bounce():
        for command in ("ethtool -s dut0 advertise 0x00c", "ethtool -K dut0 loopback on",
                        "ethtool -A dut0 rx off autoneg off"):
            nic.guest.run(command, check=False)
        nic.ping()
    assert "Advertised link modes:  10baseT" in nic.sh("ethtool dut0")
    assert nic.feature("loopback") == "off"
    # The reset of QEMU takes the veto with it, silicon's does not: looked at before.
    rc, results = self_test(nic, "offline")
    assert rc != 0 and [results[x] for x in OFFLINE] == [0, 0, -1], (rc, results)
    assert "no loopback" in nic.log()
    nic.set_reg(MANC, 0)
    wait_until(nic.answers, 10, "traffic")
    assert self_test(nic, "offline")[0] == 0


def test_nvm_write(nic):
    """By bytes, odd ones, too; the checksum follows; nothing without the magic."""
    def read(offset, length):
        out = nic.sh(f"ethtool -e dut0 raw on offset {offset} length {length} | od -An -v -tx1")
        return bytes.fromhex(out.replace("\n", ""))

    def total():
        whole = read(0, 128)
        return sum(int.from_bytes(whole[i:i + 2], "little") for i in range(0, 128, 2)) & 0xffff
    assert total() == 0xbaba
    old = read(0x20, 6)
    for wrong in ("", "magic 0x10d38087"):
        nic.refused(f"ethtool -E dut0 {wrong} offset 0x21 value 0x5a")
    assert read(0x20, 6) == old
    nic.sh("ethtool -E dut0 magic 0x10d38086 offset 0x21 value 0x5a")
    assert read(0x20, 6) == old[:1] + b"\x5a" + old[2:]
    assert total() == 0xbaba

    def rom():
        return re.search(r"^expansion-rom-version: ?(.*)$", nic.sh("ethtool -i dut0"), re.M)[1]
    build, version = read(0x64, 2)
    none = build == version == 0xff
    assert rom() == ("" if none else f"{version >> 4}.{version & 15}.{build}")
    for offset in (0x64, 0x65):
        nic.sh(f"ethtool -E dut0 magic 0x10d38086 offset {offset} value 0xff")
    assert rom() == ""
    nic.ping()


def test_identification(nic):
    """LED 2 of the default image goes off and on; afterwards all is as it was."""
    saved = nic.reg(LEDCTL)
    seen = set()
    blink = nic.spawn("exec ethtool -p dut0")
    wait_until(lambda: seen.add(nic.reg(LEDCTL)) or len(seen - {saved}) >= 2, 30, "two phases")
    assert {x >> 16 & 0xff for x in seen - {saved}} == {0x0e, 0x0f}
    blink.kill()
    wait_until(lambda: nic.reg(LEDCTL) == saved, 10, "the LEDs as they were")
    nic.sh("ethtool -p dut0 1")
    assert nic.reg(LEDCTL) == saved


def test_moderation_per_queue(nic):
    def usecs(what):
        return re.findall(rf"^{what}:\s+(\d+)", nic.sh(
            "ethtool --per-queue dut0 queue_mask 3 --show-coalesce"), re.M)
    with nic.no_link_bounce():
        nic.sh("ethtool --per-queue dut0 queue_mask 2 --coalesce rx-usecs 1000 tx-usecs 512")
        assert usecs("rx-usecs") == ["50", "1000"] and usecs("tx-usecs") == ["250", "512"]
        # Vectors: rx 0, tx 0, rx 1, tx 1; units of 256 ns.
        assert nic.reg(EITR + 8) in (3906, 3907) and nic.reg(EITR + 12) == 2000
        nic.sh("ethtool -G dut0 rx 512; ethtool -L dut0 combined 1; ethtool -L dut0 combined 2")
        assert usecs("rx-usecs") == ["50", "1000"]
        assert nic.reg(EITR + 8) in (3906, 3907), "lost"
        # ethtool does not tell by its exit status.
        for bad in ("2 --coalesce rx-usecs 100000", "4 --coalesce rx-usecs 10"):
            nic.guest.run(f"ethtool --per-queue dut0 queue_mask {bad}", check=False)
        assert usecs("rx-usecs") == ["50", "1000"]
        nic.sh("ethtool -C dut0 rx-usecs 20 tx-usecs 30")
        assert usecs("rx-usecs") == ["20", "20"] and usecs("tx-usecs") == ["30", "30"]


def test_what_the_device_lacks(nic):
    """Is not supported, and nothing is in the log of it."""
    for command in ("--phy-statistics dut0", "--show-eee dut0", "--set-eee dut0 eee on",
                    "-m dut0", "--cable-test dut0", "--show-priv-flags dut0", "--show-fec dut0",
                    "-N dut0 flow-type tcp4 dst-port 80 action 1",
                    "-X dut0 context new", "--get-tunable dut0 rx-copybreak", "-W dut0 0",
                    "--show-pse dut0"):
        nic.refused(f"ethtool {command}", "not supported|no stats available|Cannot get tunable")
    assert re.search(r"^ntuple-filters: off \[fixed\]", nic.sh("ethtool -k dut0"), re.M)
    with nic.no_link_bounce():
        nic.refused("ethtool -s dut0 speed 1000 duplex half autoneg off", "Invalid argument")
    nic.ping()


def test_link_settings(nic):
    shown = nic.sh("ethtool dut0")
    for line in ("Port: Twisted Pair", "Auto-negotiation: on", "Speed: 1000Mb/s", "Duplex: Full",
                 "MDI-X: ", "Link partner advertised auto-negotiation: Yes",
                 "Supported pause frame use: Symmetric Receive-only"):
        assert line in shown, f"{line} is not in:\n{shown}"
    partner = shown[shown.index("Link partner advertised link modes:"):]
    assert "100baseT/Full" in partner
    nic.sh("ethtool -s dut0 advertise 0x00c")       # 100baseT only
    assert "Advertised link modes:  100baseT/Half 100baseT/Full" in nic.sh("ethtool dut0")
    nic.sh("ethtool -s dut0 advertise 0x02f; ethtool -s dut0 mdix on")
    nic.guest.net_up()
    nic.ping()
    nic.sh("ethtool -s dut0 mdix auto")


def test_adaptive_moderation(nic):
    scale = {4, 32, 250, 500, 1000}         # 1, 8, 64, 128, 256 us in units of 256 ns
    nic.sh("ethtool -C dut0 adaptive-rx on")
    assert re.search(r"Adaptive RX: on\s+TX: off", nic.sh("ethtool -c dut0"))
    assert nic.reg(EITR) == 32 and nic.reg(EITR + 4) in (976, 977), "the middle of the scale"
    with nic.no_link_bounce(), nic.flood("rx"):
        wait_until(lambda: nic.reg(EITR) != 32, 20, "another interval")
        assert nic.reg(EITR) in scale
        nic.sh("ethtool -G dut0 rx 512")
        assert nic.reg(EITR) in scale, "lost by a reset"
        nic.sh("ethtool -C dut0 adaptive-rx off adaptive-tx on")
        assert nic.reg(EITR) in (195, 196), "as it was set before"
        wait_until(lambda: nic.reg(EITR + 4) in scale, 5)
        nic.sh("ethtool -C dut0 adaptive-tx off rx-usecs 20")
        assert nic.reg(EITR) in (78, 79) and nic.reg(EITR + 4) in (976, 977)
    nic.sh("ethtool --per-queue dut0 queue_mask 2 --coalesce adaptive-rx on")
    assert nic.reg(EITR) in (78, 79) and nic.reg(EITR + 8) in scale
    nic.ping()


def test_reset(nic):
    resets = nic.stats()["resets"]
    with nic.no_link_bounce(), nic.stream():
        nic.sh("ethtool --reset dut0 dma filter offload mac")
        wait_until(nic.answers, 5, "traffic")
    assert nic.stats()["resets"] == resets + 1
    nic.sh("ethtool --reset dut0 phy")
    nic.guest.net_up()
    nic.ping()
    nic.refused("ethtool --reset dut0 irq", "not supported")
    nic.sh("ip link set dut0 down")
    nic.refused("ethtool --reset dut0 mac", "Network is down")


def test_loopback(nic):
    """What is sent comes back, over a reset too, and the wire sees none of it."""
    frame = bytes.fromhex(nic.MAC.replace(":", "") * 2) + b"\x88\xb5" + bytes(100)

    def returned():
        with nic.capture("dut0", None, ethertype=0x88b5) as seen, \
                nic.capture(ethertype=0x88b5, promisc=True) as wire:
            nic.send([frame])
            seen.wait(1)
        assert seen.frames == [frame] and not wire.frames
    nic.sh("ethtool -K dut0 loopback on")
    returned()
    nic.sh("ethtool -G dut0 rx 512; ethtool -t dut0 offline")
    returned()
    nic.sh("ethtool -K dut0 loopback off")
    nic.guest.net_up()
    nic.ping()
