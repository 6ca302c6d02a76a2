# SPDX-License-Identifier: GPL-2.0
"""What arrives is what was sent: each combination of settings, and the wire by another's eyes."""

import re

import pytest
from lab import wait_until

SEED = 82574


@pytest.mark.rule("T14", "T16", "R5")
@pytest.mark.parametrize("direction", ["tx", "rx"])
def test_each_combination(nic, direction):
    """Offloads, MTU, ring size, fragments, IPv4 and IPv6, TCP and UDP, with a VLAN and without."""
    nic.defer("ip link del dut0.5")
    nic.defer("ip link del peer0.5; ip link set peer0 mtu 1500", "peer")
    transfers = nic.prog(f"matrix.py {direction} {SEED}", 900)
    assert transfers > 1500
    stats = nic.stats()
    wrong = re.compile("(?<!int)err|drop|timeout|abort|busy")
    bad = {k: v for k, v in stats.items() if v and wrong.search(k)}
    assert not bad, bad


@pytest.mark.rule("T16")
@pytest.mark.parametrize("offload", ["on", "off"])
def test_checksums_by_tcpdump(nic, offload):
    """Frames that the peer received, judged by tcpdump: each sum of each protocol is right."""
    nic.sh(f"ethtool -K dut0 tx {offload}")
    # Merged packets have the sum of no frame.
    nic.peer("ethtool -K peer0 gro off")
    nic.defer("ethtool -K peer0 gro on", "peer")
    dump = nic.spawn("exec tcpdump -i peer0 -Q in -n -vv -l ip or ip6", "peer")
    wait_until(lambda: "listening on" in dump.errors(), 10, "tcpdump listens")
    for dst in (nic.PEER, nic.PEER6):
        nic.transfer(1 << 16, dst)
        nic.prog(f"udp.py send {dst} 40")
        nic.ping(dst)
    wait_until(lambda: len(re.findall("udp sum ok", dump.output())) >= 80, 10,
               lambda: f"tcpdump to see all datagrams: {dump.output()[-500:]}")
    dump.kill()
    said = dump.output()
    assert len(re.findall(r"cksum 0x\w+ \(correct\)", said)) > 20
    wrong = [x for x in said.splitlines() if re.search(r"incorrect|wrong|\bbad\b", x)]
    assert not wrong, "\n".join(wrong[:5])
