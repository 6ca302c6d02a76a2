# SPDX-License-Identifier: GPL-2.0
"""The device model: what was agreed with the partner holds, at both ends."""

import time

import pytest
from client import CTRL, FCRTH, FCTTV, MAC, PEER, XOFFTXC, RxRing, TxRing, fill_buffer, wait_until

OUT, IN = (x + b"\x88\xb5" + bytes(range(80)) for x in (PEER + MAC, MAC + PEER))


# What we offer, and the partner: PAUSE 10, ASM_DIR 11; does it obey.
AGREED = {(0xC00, "pause asym"): True, (0x400, "pause"): True, (0x800, "pause asym"): True,
          (0x800, "pause"): False, (0, "pause asym"): False, (0xC00, "asym"): False}


@pytest.mark.parametrize("ours,theirs,obeys", [(*k, v) for k, v in AGREED.items()])
def test_partner_obeys_what_was_agreed(host, ours, theirs, obeys):
    """And overruns who pauses it for all that."""
    host.own()
    host.mdio(4, 0x01E1 | ours)
    host.command(f"partner 1000fd {theirs}")
    host.mdio(0, 1 << 12 | 1 << 9)
    host.link_up()
    host.wr(FCTTV, 0xFFFF)
    host.wr(FCRTH, 4096)
    host.set(CTRL, 1 << 28)
    fill_buffer(host, 40)
    wait_until(lambda: host.rd(XOFFTXC))
    if obeys:
        time.sleep(0.02)
        assert host.stats()["received"] < 20
    else:
        wait_until(lambda: host.stats()["received"] == 40)
        assert host.stats()["overrun"] > 10


FORCED = {"no": (0, True), "as it is": (1 << 11 | 2 << 8, True),
          "slower": (1 << 11 | 1 << 8, False)}


@pytest.mark.parametrize("bits,passes", FORCED.values(), ids=FORCED)
def test_mac_has_the_speed_of_the_link(host, bits, passes):
    """Or nothing gets through."""
    host.wr(CTRL, host.rd(CTRL) & ~(3 << 8 | 3 << 11) | bits)
    rx, tx = RxRing(host), TxRing(host)
    tx.frame(OUT)
    tx.ring()
    assert host.frame_out(5 if passes else 0.05) == (OUT if passes else None)
    host.frame_in(IN)
    if passes:
        rx.wait()
    wait_until(lambda: host.stats()["no_link"] == (0 if passes else 2))
    assert host.offences() == (set() if passes else {"forced"})
