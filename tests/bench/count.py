# SPDX-License-Identifier: GPL-2.0
"""Accesses to registers, and interrupts, for each packet: from QEMU's trace of the device."""

import collections
import contextlib

import measure
from hwlab import trace

BURSTS = (1, 32)


def interrupts(nic):
    """All that vectors of the device under test have seen."""
    lines = nic.sh("grep -E 'dut0|hartwell' /proc/interrupts").splitlines()
    return sum(int(x) for line in lines for x in line.split(":")[1].split()
               if x.isdigit())


@contextlib.contextmanager
def counted(nic, log, figures, what):
    """Put what happens in the block, divided by the packets, into figures[what]."""
    def packets():
        return nic.count("rx_packets") + nic.count("tx_packets")
    nic.guest.hmp("info status")            # what was traced before is in the file by then
    start, before, irqs = log.stat().st_size, packets(), interrupts(nic)
    yield
    done, irqs = max(1, packets() - before), interrupts(nic) - irqs
    accesses = {"read": collections.Counter(), "write": collections.Counter()}
    with open(log, encoding="utf-8", errors="replace") as text:
        text.seek(start)
        for line in text:
            if found := trace.parse(line):
                accesses[found[0]][found[1]] += 1
    figures[what] = {
        "packets": done, "interrupts": irqs / done,
        **{f"{kind}s": sum(by.values()) / done for kind, by in accesses.items()},
        **{f"{kind}s of {name}": n / done for kind, by in accesses.items()
           for name, n in by.most_common(4) if n / done >= 0.0001}}


def count(nic, log):
    """{traffic: {what: number for each packet}}"""
    figures = {}
    for burst in BURSTS:
        with counted(nic, log, figures, f"pktgen, burst {burst}"):
            measure.transmit(nic, burst)
    with counted(nic, log, figures, "60-byte frames received"):
        nic.sh(measure.pktgen_script(nic.peer_dev, nic.mac, 20_000, ["dst 192.0.2.99"]),
               netns=nic.netns)
    with counted(nic, log, figures, "TCP transmit"):
        measure.tcp(nic)
    with counted(nic, log, figures, "TCP receive"):
        measure.tcp(nic, "-R")
    with counted(nic, log, figures, "ping -f"):
        measure.flood_ping(nic)
    return figures
