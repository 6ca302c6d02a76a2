# SPDX-License-Identifier: GPL-2.0
"""Sum up a trace of register accesses, QEMU's or the device model's, by register."""

import collections
import re

# PID@SECONDS:e1000e_core_read Read from register 0xOFFSET, size, value: 0xVALUE
# SECONDS read 0xOFFSET, 0xVALUE
ACCESS = re.compile(r"(?:\d+@)?([\d.]+)(?::e1000e_core_| )(read|write) .*?0x([0-9a-f]+), .*?"
                    r"0x([0-9a-f]+)$")

REGISTERS = {
    0x0000: "CTRL", 0x0008: "STATUS", 0x0010: "EEC", 0x0014: "EERD", 0x0018: "CTRL_EXT",
    0x0020: "MDIC", 0x0028: "FCAL", 0x002c: "FCAH", 0x0030: "FCT", 0x0038: "VET",
    0x00c0: "ICR", 0x00c4: "ITR", 0x00c8: "ICS", 0x00d0: "IMS", 0x00d8: "IMC", 0x00dc: "EIAC",
    0x00e0: "IAM", 0x00e4: "IVAR", 0x0100: "RCTL", 0x0170: "FCTTV", 0x0400: "TCTL",
    0x0410: "TIPG", 0x0e00: "LEDCTL", 0x0f00: "EXTCNF_CTRL", 0x1000: "PBA", 0x1010: "EEMNGCTL",
    0x2008: "ERT", 0x2160: "FCRTL", 0x2168: "FCRTH", 0x2170: "PSRCTL", 0x5000: "RXCSUM",
    0x5008: "RFCTL", 0x5400: "RAL/RAH", 0x5800: "WUC", 0x5808: "WUFC", 0x5810: "WUS",
    0x5818: "MRQC", 0x5820: "MANC", 0x5b00: "GCR", 0x5b50: "SWSM", 0x5b54: "FWSM",
    0xb600: "TSYNCTXCTL", 0xb608: "TIMINCA", 0xb620: "TSYNCRXCTL",
}
QUEUE = {0x00: "BAL", 0x04: "BAH", 0x08: "LEN", 0x0c: "DCA", 0x10: "H", 0x18: "T",
         0x20: "TIMER", 0x28: "XDCTL", 0x2c: "ADV", 0x40: "ARC"}


def register_name(offset):
    if offset in REGISTERS:
        return REGISTERS[offset]
    for base, prefix in ((0x2800, "RD"), (0x3800, "TD")):
        if base <= offset < base + 0x200:
            queue, reg = (offset - base) >> 8, (offset - base) & 0xff
            return f"{prefix}{QUEUE.get(reg, f'+{reg:#x}')}{queue}"
    for low, high, name in ((0x4000, 0x4200, "statistics"), (0x5200, 0x5400, "MTA"),
                            (0x5400, 0x5500, "RAL/RAH"), (0x5600, 0x5800, "VFTA"),
                            (0x5c00, 0x5c80, "RETA"), (0x5c80, 0x5cb0, "RSSRK"),
                            (0x00e8, 0x00fc, "EITR")):
        if low <= offset < high:
            return name
    return f"{offset:#06x}"


def summary(path, most=25):
    """[(register, reads, writes)] by number of accesses, and the totals."""
    reads, writes = collections.Counter(), collections.Counter()
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            name = parse(line)
            if name is None:
                continue
            kind, register = name
            (reads if kind == "read" else writes)[register] += 1
    names = sorted(set(reads) | set(writes), key=lambda n: -(reads[n] + writes[n]))
    return ([(n, reads[n], writes[n]) for n in names[:most]],
            sum(reads.values()), sum(writes.values()))


def parse(line):
    """("read" or "write", register) of a line of the log."""
    found = ACCESS.match(line)
    return found and (found[2], register_name(int(found[3], 16)))


def access(line):
    """(time in seconds, "r" or "w", offset, value) of a line of the log, or None."""
    found = ACCESS.match(line)
    return found and (float(found[1]), found[2][0], int(found[3], 16), int(found[4], 16))


def report(path):
    rows, reads, writes = summary(path)
    lines = [f"{'register':<12} {'reads':>10} {'writes':>10}"]
    lines += [f"{n:<12} {r:>10} {w:>10}" for n, r, w in rows]
    lines.append(f"{'all':<12} {reads:>10} {writes:>10}")
    return "\n".join(lines)
