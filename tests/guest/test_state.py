# SPDX-License-Identifier: GPL-2.0
"""What a reset must put back: all that can be set, through each kind of reset, compared in the
registers and in what the device does."""

import re

import pytest
from frames import ether, pattern
from lab import wait_until
from test_filter import UNKNOWN, passes
from test_leave import sleep

TCTL, EN, CTRL, RST, EITR = 0x400, 2, 0, 1 << 26, 0xe8
ADDRESS = "02:00:00:00:00:07"
UNICAST = [f"02:00:00:00:02:{i:02x}" for i in range(3)]
GROUPS = ["01:00:5e:11:22:33", "33:33:00:00:12:34", "01:80:c2:00:00:21"]
VLANS = [5, 77, 4094]
KEY = ":".join(f"{i * 37 + 11 & 255:02x}" for i in range(40))

SETTINGS = [
    "ethtool -G dut0 rx 512 tx 512",
    f"ethtool -X dut0 hkey {KEY} weight 1 3",
    f"ip link set dut0 address {ADDRESS}", "ip link set dut0 mtu 2000",
    *(f"bridge fdb add {x} dev dut0 self" for x in UNICAST),
    *(f"ip maddr add {x} dev dut0" for x in GROUPS),
    *(f"ip link add link dut0 name v{x} type vlan id {x}" for x in VLANS),
    "ethtool -A dut0 autoneg off rx on tx on", "ethtool -K dut0 rx-fcs on tso off",
    "ethtool --per-queue dut0 queue_mask 1 --coalesce rx-usecs 100 tx-usecs 300",
    "ethtool --per-queue dut0 queue_mask 2 --coalesce rx-usecs 200 tx-usecs 400",
    "ethtool -s dut0 msglvl 0x7",
]
# What shows them to the user.
SHOWN = ["ethtool -g dut0", "ethtool -x dut0", "ethtool -a dut0", "ethtool -k dut0",
         "ethtool --per-queue dut0 queue_mask 3 --show-coalesce", "ethtool -l dut0",
         "ethtool dut0 | grep -v 'Link detected\\|Link partner'",
         "ip -o link show dut0 | grep -o 'mtu .*'"]


# --- kinds of reset ---

def hang(nic):
    nic.expect_log(r"tx queue \d hung")
    resets = nic.stats()["resets"]
    nic.clear_bits(TCTL, EN)
    nic.send([ether(nic.PEER_MAC, ADDRESS, payload=bytes(50))])
    wait_until(lambda: nic.stats()["resets"] > resets, 10, "a reset")


def other_reset(nic):
    """Somebody else resets the MAC, as a management controller does."""
    nic.expect_log(r"found.*resetting", r"interrupts do not arrive")
    nic.expect_offence("mdio-owner", "reset-dma")
    resets = nic.stats()["resets"]
    nic.set_reg(CTRL, nic.reg(CTRL) | RST)
    wait_until(lambda: nic.stats()["resets"] > resets, 10, "a reset")


def bus_error(nic):
    nic.expect_log("AER", "PCIe Bus Error", r"pcieport \S+:", r"hartwell \S+:\s+\[")
    nic.guest.hmp("pcie_aer_inject_error port0 COMP_TIME")
    wait_until(lambda: "device recovery successful" in nic.log(), 30, "recovery")


def recover(nic):
    resets = nic.stats()["resets"]
    nic.sh(f"devlink health test pci/{nic.guest.pci()} reporter tx")
    wait_until(lambda: nic.stats()["resets"] > resets, 10, "a reset")


def answers_again(nic):
    nic.expect_log(r"device removed or PCIe link lost", r"device answers again")
    nic.vanish()
    wait_until(lambda: not nic.carrier(), 10, "no carrier")
    nic.appear()


def function(nic):
    reset = f"/sys/bus/pci/devices/{nic.guest.pci()}/reset"
    if nic.guest.run(f"test -w {reset}", check=False).rc:
        pytest.skip("the device has no way to be reset")
    nic.sh(f"echo 1 >{reset}")


def commands(*lines):
    return lambda nic: nic.sh("; ".join(lines), 60)


RESETS = {
    "hang": hang,
    "ethtool --reset": commands("ethtool --reset dut0 mac"),
    "rings": commands("ethtool -G dut0 rx 256 tx 256", "ethtool -G dut0 rx 512 tx 512"),
    "channels": commands("ethtool -L dut0 combined 1", "ethtool -L dut0 combined 2"),
    "down and up": commands("ip link set dut0 down", "ip link set dut0 up"),
    "self-test": commands("ethtool -t dut0 offline"),
    "suspend": sleep,
    "bus error": bus_error,
    "devlink": recover,
    "answers again": answers_again,
    "function": function,
    "MAC": other_reset,
}


# --- the state ---

def registers(nic):
    nic.expect_offence("unknown")   # it reads each offset
    return nic.prog(f"dump.py {nic.resource()}")


def shown(nic):
    return {x: nic.sh(x) for x in SHOWN}


def same_registers(nic, before, but=()):
    """Once traffic and polls have come to rest, they are as they were."""
    def differ():
        now = registers(nic)
        return {x: (hex(before[x]), hex(now[x])) for x in before
                if now[x] != before[x] and x not in but}
    wait_until(lambda: not differ(), 6, lambda: f"registers differ, before and now: {differ()}")


def filters(nic):
    """Frames to all that was set come in, and no others."""
    let_in = [(x, None) for x in (ADDRESS, *UNICAST, *GROUPS)] + [(ADDRESS, x) for x in VLANS]
    kept_out = [(UNKNOWN, None), ("01:00:5e:44:55:66", None), (ADDRESS, 6)]
    came = passes(nic, *let_in, *kept_out)
    assert came == [True] * len(let_in) + [False] * len(kept_out), list(zip(let_in + kept_out, came,
                                                                            strict=True))


def queue_packets(nic):
    return nic.prog("qstats.py dut0")["rx"]["packets"]


def carrier(nic):
    wait_until(nic.carrier, 15, "carrier")


@pytest.mark.rule("D5", "D8")
@pytest.mark.parametrize("kind", RESETS)
def test_all_is_put_back(nic, kind):
    nic.quiet()
    nic.sh("modprobe 8021q; " + " && ".join(SETTINGS))
    if kind == "channels":
        # A table of the user's would not fit in between.
        nic.sh("ethtool -X dut0 default")
    carrier(nic)
    filters(nic)
    state, before = shown(nic), registers(nic)
    counts = nic.stats()
    # Counted by the hardware, and not read before the reset.
    packets = queue_packets(nic)
    nic.send([ether(ADDRESS, nic.PEER_MAC, payload=pattern(500))] * 40, "peer0", "peer")
    wait_until(lambda: queue_packets(nic) >= packets + 40, 10, "40 frames")

    RESETS[kind](nic)
    carrier(nic)

    after = nic.stats()
    back = [n for n in counts if after[n] < counts[n]]
    assert not back, f"went back: {back}"
    assert after["rx_packets"] == counts["rx_packets"] + 40
    if kind not in ("MAC", "answers again", "function"):
        # Somebody else's reset takes the counts with it.
        assert 40 <= after["hw_rx_good_packets"] - counts["hw_rx_good_packets"] < 50
    same_registers(nic, before)
    now = shown(nic)
    differ = [line for x in SHOWN
              for line in set(state[x].splitlines()) ^ set(now[x].splitlines())]
    assert not differ, differ
    filters(nic)


@pytest.mark.rule("D5")
@pytest.mark.parametrize("kind", ["hang", "ethtool --reset", "down and up"])
def test_modes_are_put_back(nic, kind):
    """Those in which filters do not count."""
    nic.quiet()
    nic.sh(f"ip link set dut0 address {ADDRESS} promisc on allmulticast on; "
           "ethtool -K dut0 rx-all on rxvlan off; ethtool -A dut0 rx off tx off autoneg off; "
           "ethtool -C dut0 adaptive-rx on adaptive-tx on")
    carrier(nic)
    before = registers(nic)
    RESETS[kind](nic)
    carrier(nic)
    # Moderation follows the traffic now.
    same_registers(nic, before, [hex(EITR + 4 * x) for x in range(5)])
    assert re.search(r"Adaptive RX: on +TX: on", nic.sh("ethtool -c dut0"))
    assert all(passes(nic, (UNKNOWN, None), ("01:00:5e:44:55:66", None), (UNKNOWN, 9)))


@pytest.mark.guest(traced=True)
def test_moderation_is_put_back(nic):
    """QEMU keeps what EITR reads as over a reset, but not what it does: the writes show."""
    with nic.accesses() as (_, writes):
        nic.sh("ethtool --reset dut0 mac")
    assert writes["EITR"] == 5, writes
