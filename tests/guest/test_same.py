# SPDX-License-Identifier: GPL-2.0
"""Writing what is already set changes nothing, as udev and network managers do at every event."""

import contextlib
import os
import re

import pytest
from lab import PY, wait_until

TRACED = pytest.mark.guest(traced=True)

# Traffic and reads of the PHY write these; so does the tick: ICS, RDTR and TIDV to get out what
# the device sits on.
ALLOWED = {0x0d0, 0x0020, 0x0f00, 0x2818, 0x2918, 0x3818, 0x3918, 0x00c8, 0x2820, 0x3820}
MDIC, MDIC_OP, MDIC_WRITE, PAGE_REGISTER = 0x20, 3 << 26, 1 << 26, 22
BMCR, RESTART = 0, 1 << 9

# Settings, and the same again by netlink; then everything is read and written back by ioctl.
STATES = {
    "default": [],
    "forced": ["ethtool -s dut0 speed 100 duplex full autoneg off"],
    "advertised": ["ethtool -s dut0 advertise 0x028"],
    "crossed": ["ethtool -s dut0 mdix on"],
    "pause-forced": ["ethtool -A dut0 autoneg off rx off tx on"],
    "pause-offered": ["ethtool -A dut0 rx on tx off"],
    "rings": ["ethtool -G dut0 rx 512 tx 128", "ethtool -L dut0 combined 1"],
    "moderation": ["ethtool -C dut0 rx-usecs 20 tx-usecs 30",
                   "ethtool --per-queue dut0 queue_mask 2 --coalesce rx-usecs 1000"],
    "rss": ["ethtool -X dut0 weight 1 3", "ethtool -X dut0 hkey " + ":".join(["5a"] * 40)],
    "features": ["ethtool -K dut0 rxvlan off rx-fcs on tso off rx-vlan-filter off"],
    "stamps": [f"{PY}/ptp.py hwtstamp dut0 0 1 12"],
    "interface": ["ip link set dut0 mtu 1400", "ip link set dut0 address 02:00:00:00:00:76",
                  "ip link set dut0 allmulticast on", "ip link set dut0 txqueuelen 500"],
    "down": ["ip link set dut0 down", "ethtool -s dut0 speed 10 duplex half autoneg off"],
}
# A global value is for all queues, whatever each has.
GLOBAL = re.compile(r"-C dut0 rx-usecs")


@contextlib.contextmanager
def writes(nic):
    """(offset, value) of each register written while the block runs, when it is over."""
    found = []
    start = os.path.getsize(nic.guest.config.trace)
    yield found
    nic.sh("true")
    with open(nic.guest.config.trace, encoding="utf-8", errors="replace") as log:
        log.seek(start)
        text = log.read()
    assert start, "nothing is ever in the trace"
    found += [(int(offset, 16), int(value, 16)) for offset, value in re.findall(
        r"e1000e_core_write .*?0x([0-9a-f]+).*value: 0x([0-9a-f]+)", text)]


def phy_register(offset, value):
    """The register of the PHY that a write to MDIC writes; None if it does not."""
    if offset == MDIC and value & MDIC_OP == MDIC_WRITE:
        return value >> 16 & 31
    return None


@contextlib.contextmanager
def nothing_is_written(nic):
    """No register, none of the PHY's either, but those of traffic, tick and reads."""
    with writes(nic) as found:
        yield
    wrong = [f"{offset:#06x} = {value:#010x}" for offset, value in found if offset not in ALLOWED
             or phy_register(offset, value) not in (None, PAGE_REGISTER)]
    assert not wrong, f"registers were written: {wrong}"


@TRACED
@pytest.mark.rule("P5")
@pytest.mark.parametrize("state", STATES)
def test_what_is_set_is_set_again(nic, state):
    commands = STATES[state]
    for command in commands:
        nic.sh(command)
    up = state != "down"
    if up:
        wait_until(nic.answers, 20, "traffic")
        ping = nic.spawn(f"exec ping -n -i 0.05 -W 2 {nic.PEER}")
        ping.wait_output("icmp_seq=3 ")
    resets = nic.stats()["resets"]
    with nic.no_link_bounce(), nothing_is_written(nic):
        for command in commands:
            if not GLOBAL.search(command):
                # "Nothing to change" is an error to some versions of ethtool.
                nic.guest.run(command, check=False)
        found = nic.prog("same.py dut0")
    assert not found["changed"], found
    # A write of what the core itself refuses to hear.
    assert not found["refused"], found
    assert nic.stats()["resets"] == resets
    if up:
        ping.signal("INT")
        out = ping.wait(20, check=False).stdout
        sent = int(re.search(r"(\d+) packets transmitted", out)[1])
        got = {int(x) for x in re.findall(r"icmp_seq=(\d+) ttl", out)}
        assert got in (set(range(1, sent)), set(range(1, sent + 1))), out[-300:]


@TRACED
@pytest.mark.rule("P5")
def test_what_is_asked_for_by_name_happens(nic):
    """A renegotiation is no setting: it happens each time."""
    for _ in range(2):
        with writes(nic) as found:
            nic.sh("ethtool -r dut0")
        assert any(phy_register(o, v) == BMCR and v & RESTART for o, v in found), found
    nic.guest.net_up()
    nic.ping()


# --- MII ---

def test_phy_by_the_old_ioctls(nic):
    """As mii-tool and bonding read it: link, advertisement, identity; none is written."""
    nic.prog("mii.py dut0")         # the link's bit is latched: the second read tells
    found = nic.prog("mii.py dut0")
    regs = found["regs"]
    assert found["phy"] == 1 and regs[2:4] == [0x0141, 0x0cb1]
    assert found["other"] == 0xffff
    assert found["write"] == "ENOTSUP" and found["unknown"] == "ENOTSUP"
    assert regs[4] & 0x1e0 == 0x1e0, f"all of 10 and 100 Mb/s is advertised: {regs[4]:#x}"
    assert regs[1] & 0x24 == 0x24, f"link up, negotiated: {regs[1]:#x}"
    nic.sh("ethtool -s dut0 advertise 0x008")
    assert nic.prog("mii.py dut0")["regs"][4] & 0x1e0 == 0x100
    nic.sh("ethtool -s dut0 advertise 0x02f")
    nic.guest.set_link(False)
    nic.defer(lambda: nic.guest.set_link(True))
    wait_until(lambda: not nic.prog("mii.py dut0")["regs"][1] & 4, 10, "no link in the PHY")
    nic.sh("ip link set dut0 down")
    assert nic.prog("mii.py dut0")["regs"][2:4] == [0x0141, 0x0cb1]
