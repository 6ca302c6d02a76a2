# SPDX-License-Identifier: GPL-2.0
"""The device model: which frames are received."""

import packets as p
import pytest
from client import CTRL, MAC, MTA, PEER, RCTL, STATUS, VFTA, RxRing, ral

BODY = bytes(range(80))
FRAME = MAC + PEER + b"\x88\xb5" + BODY
VP = 1 << 3
OTHER = bytes.fromhex("020000000001")
GROUP = bytes.fromhex("01005e00a5c1")
ALL = b"\xff" * 6
# The hash: twelve bits of the address from here on, by RCTL.MO.
FROM = (36, 35, 34, 32)
BAM = 1 << 15

# What is set, where the frame goes, does it arrive.
FILTERS = [
    ("ours", 0, None, MAC, True), ("another", 0, None, OTHER, False),
    ("promiscuous", 1 << 3, None, OTHER, True), ("broadcast", BAM, None, ALL, True),
    ("no broadcast", 0, None, ALL, False), ("broadcast as a group", 1 << 4, None, ALL, True),
    ("group", 0, None, GROUP, False), ("all groups", 1 << 4, None, GROUP, True),
    ("second address", 0, "rar", OTHER, True), ("hash", 0, "mta", GROUP, True),
    ("hash of another", 0, "mta", GROUP[:5] + b"\2", False),
    ("offset 1", 1 << 12, "mta", GROUP, True), ("offset 2", 2 << 12, "mta", GROUP, True),
    ("offset 3", 3 << 12, "mta", GROUP, True),
]


@pytest.mark.parametrize("rctl,table,dst,arrives", [x[1:] for x in FILTERS],
                         ids=[x[0] for x in FILTERS])
def test_filter(host, rctl, table, dst, arrives):
    if table == "rar":
        host.wr(ral(1), int.from_bytes(OTHER[:4], "little"))
        host.rd(STATUS)
        host.wr(ral(1) + 4, int.from_bytes(OTHER[4:], "little") | 1 << 31)
    if table == "mta":
        bits = int.from_bytes(GROUP, "little") >> FROM[rctl >> 12 & 3] & 0xFFF
        host.wr(MTA + 4 * (bits >> 5), 1 << (bits & 31))
    rx = RxRing(host, start=False)
    host.wr(RCTL, 2 | 1 << 26 | rctl)
    host.wr(rx.reg + 0x18, 4)
    host.frame_in(dst + FRAME[6:])
    host.frame_in(FRAME)
    assert rx.wait()[0][:6] == (dst if arrives else MAC)


CFI, CFIEN = 1 << 20, 1 << 19


@pytest.mark.parametrize("rctl,tag,arrives", [
    (0, 5, True), (0, 6, False), (0, 0x1005, True), (CFI, 5, True), (CFI, 0x1005, True),
    (CFIEN, 5, True), (CFIEN, 0x1005, False), (CFIEN | CFI, 5, False),
    (CFIEN | CFI, 0x1005, True), (CFIEN | CFI, 0x1006, False)])
def test_vlan_filter(host, rctl, tag, arrives):
    host.wr(VFTA, 1 << 5)
    rx = RxRing(host, rctl=1 << 18 | rctl)
    host.frame_in(p.ether(BODY, tag=tag))
    host.frame_in(FRAME)
    assert (rx.wait()[0][12:14] == b"\x81\x00") == arrives


def test_vlan_stripping(host):
    host.set(CTRL, 1 << 30)
    rx = RxRing(host)
    host.frame_in(p.ether(BODY, kind=0x88B5, tag=0x6123))
    data, status, fields = rx.wait()
    assert data == FRAME and status & VP and fields["vlan"] == 0x6123
