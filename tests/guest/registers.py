# SPDX-License-Identifier: GPL-2.0
"""What the driver does to registers that only silicon notices, as a table.

QEMU forgives nearly all of this, so it is read from a trace of accesses (test_regs.py).
Documentation/hardware.rst tells the why. Each line ends with its source: Linux (e1000e), FreeBSD
(if_em.c, e1000_82571.c), NetBSD (if_wm.c), DPDK (em_rxtx.c), DS83 (datasheet of the 82583V, a
sibling), SDM (the 8254x manual), QEMU (e1000e_core.c), or the driver's own rule.

A condition is a register, a mask, and what the bits under it must be. Registers are those last
written, or read where it says so, since the last reset: nothing else outlives one but PBA.
"""

from collections import namedtuple

ALL = 0xffffffff


def bits(*numbers):
    return sum(1 << n for n in numbers)


def span(high, low):
    return (1 << (high + 1)) - (1 << low)


# --- the map: nothing else is ever touched -----------------------------------------------------

MAP = {
    "CTRL": 0x0, "STATUS": 0x8, "EECD": 0x10, "EERD": 0x14, "CTRL_EXT": 0x18, "MDIC": 0x20,
    "FCAL": 0x28, "FCAH": 0x2c, "FCT": 0x30, "VET": 0x38, "ICR": 0xc0, "ITR": 0xc4, "ICS": 0xc8,
    "IMS": 0xd0, "IMC": 0xd8, "EIAC": 0xdc, "IAM": 0xe0, "IVAR": 0xe4, "RCTL": 0x100,
    "FCTTV": 0x170, "TCTL": 0x400, "TIPG": 0x410, "AIT": 0x458, "LEDCTL": 0xe00,
    "EXTCNF_CTRL": 0xf00, "PBA": 0x1000, "EEWR": 0x102c, "FCRTL": 0x2160, "FCRTH": 0x2168,
    "PSRCTL": 0x2170, "RDTR": 0x2820, "RADV": 0x282c, "TIDV": 0x3820, "TADV": 0x382c,
    "RXCSUM": 0x5000, "RFCTL": 0x5008, "WUC": 0x5800, "WUFC": 0x5808, "WUS": 0x5810,
    "MRQC": 0x5818, "MANC": 0x5820, "GCR": 0x5b00, "SWSM": 0x5b50, "GCR2": 0x5b64,
    "SYSTIML": 0xb600, "SYSTIMH": 0xb604, "TIMINCA": 0xb608, "TSYNCTXCTL": 0xb614,
    "TXSTMPL": 0xb618, "TXSTMPH": 0xb61c, "TSYNCRXCTL": 0xb620, "RXSTMPL": 0xb624,
    "RXSTMPH": 0xb628, "RXSATRH": 0xb630, "RXMTRL": 0xb634, "RXUDP": 0xb638,
} | {f"EITR{i}": 0xe8 + 4 * i for i in range(5)} | {
    f"{name}{q}": base + 0x100 * q for q in (0, 1) for name, base in {
        "RDBAL": 0x2800, "RDBAH": 0x2804, "RDLEN": 0x2808, "RDH": 0x2810, "RDT": 0x2818,
        "RXDCTL": 0x2828, "TDBAL": 0x3800, "TDBAH": 0x3804, "TDLEN": 0x3808, "TDH": 0x3810,
        "TDT": 0x3818, "TXDCTL": 0x3828, "TARC": 0x3840}.items()
} | {f"RAL{i}": 0x5400 + 8 * i for i in range(15)} | {
    f"RAH{i}": 0x5404 + 8 * i for i in range(15)} | {
    f"MTA{i}": 0x5200 + 4 * i for i in range(128)} | {
    f"VFTA{i}": 0x5600 + 4 * i for i in range(128)} | {
    f"RETA{i}": 0x5c00 + 4 * i for i in range(32)} | {
    f"RSSRK{i}": 0x5c80 + 4 * i for i in range(10)} | {
    f"STAT{i:03x}": 0x4000 + i for i in range(0, 0x128, 4)}

# Read only: a write is a mistake.
READ_ONLY = {"STATUS", "ICR", "MANC", "SYSTIML", "SYSTIMH", "TXSTMPL", "TXSTMPH", "RXSTMPL",
             "RXSTMPH", "RXSATRH"} | {n for n in MAP if n.startswith(("STAT0", "STAT1"))}

# Written from the hot path or by a handler at any time, so that they may stand between two writes.
HOT = {"IMS", "IMC", "ICS", "ICR", "TDT0", "TDT1", "RDT0", "RDT1"}

# --- each write ---------------------------------------------------------------------------------

Write = namedtuple("Write", "register mask values source")

WRITES = [
    # Reserved bits.
    Write("CTRL", bits(29), {0}, "Linux, e1000_initialize_hw_bits_82571()"),
    Write("CTRL", bits(3, 7, 31), {0}, "no LRST, ILOS or PHY_RST: the link would go"),
    Write("TXDCTL*", bits(22), {bits(22)}, "Linux, FreeBSD: must be 1"),
    Write("TARC*", span(30, 27), {0}, "Linux: bits 30:27"),
    Write("RCTL", bits(0, 14, 21, 24, 31) | span(30, 27), {0}, "reserved; no FLXBUF"),
    Write("RCTL", bits(20) | bits(25) | span(17, 16) | span(13, 6), {0},
          "2048 byte buffers, one-descriptor format, hash on bits 47:36, no loopback"),
    Write("RAH*", span(30, 16), {0}, "address select 0; reserved"),
    Write("MRQC", span(15, 2) | span(31, 21), {0}, "FreeBSD, QEMU: bit 21 is undefined"),
    Write("RETA*", 0x7f7f7f7f, {0}, "bit 7 of a byte is the queue (FreeBSD)"),
    # Values.
    Write("PBA", ALL, {20}, "FreeBSD: 20 KiB for receive, as many for transmit"),
    Write("TIPG", ALL, {0x00602008}, "Linux, FreeBSD: 8, 8, 6 for copper"),
    Write("TXDCTL*", ALL, {0x0140011f}, "PTHRESH 31, HTHRESH 1 (Linux); WTHRESH 0 (DPDK, NetBSD, "
                                        "DS83 7.2.4.2: RS is what writes back)"),
    Write("RXDCTL*", ALL, {0x01010420}, "PTHRESH 32, HTHRESH 4 (Linux), WTHRESH 1 (NetBSD)"),
    Write("RDTR", span(30, 0), {0}, "off: SDM 13.4.30; one timer for two queues"),
    Write("RADV", ALL, {0}, "the same"),
    Write("TIDV", span(15, 0), {8}, "SDM 13.4.41: never 0"),
    Write("TARC0", span(10, 0) & ~bits(7) | bits(26), {3 | bits(10, 26)},
          "FreeBSD: bit 26, against hangs with a full buffer; count and enable as after a reset"),
    Write("TARC1", ALL, {3 | bits(7, 10, 23, 24, 25, 26)}, "FreeBSD: only with two queues"),
    Write("TCTL", ALL & ~bits(1), {0x1103f0f8, 0},
          "PSP, RTLC, MULR, CT 15, COLD 0x3f (FreeBSD); or as a reset left it"),
    Write("RFCTL", ALL, {0x90c0}, "EXTEN, no NFS filters, ACK_DIS with MSI-X (Linux, FreeBSD)"),
    Write("MRQC", ALL, {0x1f0001}, "FreeBSD"),
    Write("EIAC", ALL, {0x00f00000, 0}, "Linux: the queues, not OTHER (bit 24)"),
    Write("IAM", ALL, {ALL}, "Linux: auto-mask fails without the queues' bits"),
    Write("IVAR", bits(31), {0}, "with RS only; the watchdog sets it where that does not do"),
    Write("FCAL", ALL, {0x00c28001}, "Linux"),
    Write("FCAH", ALL, {0x0100}, "Linux"),
    Write("FCT", ALL, {0x8808}, "Linux"),
    Write("VET", ALL, {0x8100}, "Linux; QEMU has 0 after a reset"),
    Write("AIT", ALL, {0}, "Linux: no adaptive gap"),
    Write("TIMINCA", ALL, {0x01a00000}, "Linux: 40 ns each period, 25 MHz"),
    Write("RXUDP", ALL, {0x3f01}, "Linux: port 319 in network order"),
    Write("RXMTRL", 0xffff, {0x88f7}, "Linux: PTP's EtherType"),
    Write("TSYNCTXCTL", ALL, {0, 0x10}, "Linux: EN"),
    Write("TSYNCRXCTL", ~0x1e & ALL, {0, 0x10}, "Linux: EN and a type"),
    Write("WUC", ALL, {0, bits(1), bits(0, 1, 3)},
          "Linux: PME_EN for sleep; the driver's own: APME and APMPME with magic packets"),
    Write("WUFC", ALL & ~span(4, 0), {0}, "Linux: no wake-up by ARP, IP or pattern"),
    Write("SWSM", bits(0), {0}, "Linux: SMBI is let go, never taken"),
]

# --- when this is done, that must hold ----------------------------------------------------------

# what: "w" a write, "r" a read, "run" a write but for sleep, in which nothing is stored.
# now: "w" what was written last, "r" what was read last, "state" the same as "w" or what a reset
# leaves, which is 0. age: for so many milliseconds.
Need = namedtuple("Need", "now register mask value age", defaults=(0,))
When = namedtuple("When", "what register mask value needs source")

MASKED = Need("w", "IMC", ALL, ALL)
TX_OFF = Need("state", "TCTL", bits(1), 0)
OWNED = Need("r", "EXTCNF_CTRL", bits(5), bits(5))

WHEN = [
    # The order of a reset.
    When("w", "CTRL", bits(2), bits(2), [Need("state", "TCTL", bits(1), 0, 10), MASKED],
         "Linux, e1000e_down(): the transmitter is off, for 10 ms, before DMA is"),
    When("w", "RCTL", bits(1), 0, [Need("w", "CTRL", bits(2), bits(2)), TX_OFF],
         "Linux, e1000_reset_hw_82571(): EN is cleared on the way to a reset only"),
    When("w", "CTRL", bits(26), bits(26),
         [MASKED, TX_OFF, Need("w", "CTRL", bits(2), bits(2)), Need("r", "STATUS", bits(19), 0),
          Need("w", "RCTL", ALL, 0), Need("w", "PBA", ALL, 20), OWNED],
         "Linux: all at rest, no DMA under way, PBA set (only a reset puts it into force), and "
         "firmware in no MDIO access"),
    # Ownership.
    When("w", "MDIC", 0, 0, [OWNED], "Linux: EXTCNF_CTRL.5 around PHY accesses"),
    When("r", "MDIC", 0, 0, [OWNED], "the same, until the result is there"),
    When("w", "EERD", 0, 0, [OWNED], "Linux: and around the NVM's"),
    When("w", "EEWR", 0, 0, [OWNED], "the same"),
    # Rings.
    *[When("w", f"{name}{q}", 0, 0, [Need("state", "TCTL", bits(1), 0)],
           "a ring is not changed under a transmitter that runs")
      for q in (0, 1) for name in ("TDBAL", "TDBAH", "TDLEN", "TDH", "TXDCTL", "TARC")],
    *[When("w", f"{name}{q}", 0, 0, [Need("state", "RCTL", bits(1), 0)],
           "nor under a receiver")
      for q in (0, 1) for name in ("RDBAL", "RDBAH", "RDLEN", "RDH", "RXDCTL")],
    When("w", "PSRCTL", 0, 0, [Need("state", "RCTL", bits(1), 0)], "format before the receiver"),
    When("w", "RFCTL", 0, 0, [Need("state", "RCTL", bits(1), 0)],
         "QEMU takes the format when RCTL is written; Linux writes RCTL last, too"),
    When("w", "RXCSUM", 0, 0, [Need("state", "RCTL", bits(1), 0)], "Linux: before RCTL"),
    When("run", "RCTL", bits(1), bits(1),
         [Need("w", "RFCTL", bits(15), bits(15)), Need("w", "MRQC", 3, 1),
          Need("w", "RXCSUM", bits(8, 9, 13), bits(8, 9, 13)), Need("w", "RDLEN0", 0, 0),
          Need("w", "RXDCTL0", 0, 0), Need("w", "RDTR", 0, 0), Need("w", "RADV", 0, 0)],
         "Linux: RCTL comes last"),
    When("w", "MRQC", 3, 1,
         [Need("w", f"RETA{i}", 0, 0) for i in range(32)] +
         [Need("w", f"RSSRK{i}", 0, 0) for i in range(10)],
         "QEMU, FreeBSD: key and table before RSS is on"),
    When("w", "TCTL", bits(1), bits(1),
         [Need("w", "TIPG", ALL, 0x00602008), Need("w", "TXDCTL0", 0, 0),
          Need("w", "TXDCTL1", 0, 0), Need("w", "TARC0", bits(26), bits(26)),
          Need("w", "TDLEN0", 0, 0), Need("r", "STATUS", bits(1), bits(1))],
         "Linux: the transmitter is enabled when there is a link, and all else is set"),
    # Sleep.
    When("w", "WUC", bits(1), bits(1),
         [MASKED, TX_OFF, Need("w", "RCTL", bits(1, 15), bits(1, 15)),
          Need("w", "CTRL", bits(6, 20, 21), bits(6, 20, 21)),
          Need("w", "RAH0", bits(31), bits(31)),
          Need("r", "WUS", span(4, 0), 0), Need("w", "WUFC", 0, 0)],
         "Linux, __e1000_shutdown(): armed when the receiver, its filters and the PHY are ready"),
    # Interrupts.
    When("w", "IMS", 0, 0,
         [Need("w", "IAM", ALL, ALL), Need("w", "EIAC", ALL, 0x00f00000),
          Need("w", "CTRL_EXT", bits(24, 27), bits(24))],
         "Linux: EIAME on, IAME off, or the read of ICR would mask the queues"),
]

# --- right behind it, that must follow (hot registers may stand between) -------------------------

Then = namedtuple("Then", "register what next source")

THEN = [
    *[Then(f"RAL{i}", "r", "STATUS", "Linux, e1000e_rar_set_generic(): bridges merge the pair")
      for i in range(15)],
    *[Then(f"RAH{i}", "r", "STATUS", "the same") for i in range(15)],
]

# --- what is set when interrupts are enabled first after a reset --------------------------------

Running = namedtuple("Running", "register mask value source")

RUNNING = [
    Running("GCR", bits(22, 27), bits(22, 27), "Linux: ASPM errata"),
    Running("GCR", span(5, 0), 0, "Linux: no-snoop stays off"),
    Running("GCR2", bits(0), bits(0), "Linux: bad completions"),
    Running("CTRL", bits(6), bits(6), "Linux: SLU"),
    Running("CTRL", bits(29), 0, "Linux: reserved"),
    Running("CTRL_EXT", bits(22), bits(22), "Linux: reserved, 1"),
    Running("CTRL_EXT", bits(23), 0, "Linux: reserved, 0"),
    Running("CTRL_EXT", bits(28), bits(28), "Linux: DRV_LOAD, for firmware"),
    Running("WUC", ALL, 0, "Linux"), Running("VET", ALL, 0x8100, "Linux"),
    Running("AIT", ALL, 0, "Linux"), Running("FCAL", 0, 0, "Linux"),
    Running("FCAH", 0, 0, "Linux"), Running("FCT", 0, 0, "Linux"),
    Running("FCTTV", ALL, 0x0680, "Linux"),
    Running("TIDV", 0, 0, "SDM 13.4.41"), Running("TADV", ALL, 32, "not 0, as TIDV"),
    Running("TARC0", 0, 0, "FreeBSD"), Running("TIPG", 0, 0, "Linux"),
    Running("RCTL", bits(1, 15), bits(1, 15), "EN, BAM"),
    Running("VFTA0", bits(0), bits(0), "Linux: VID 0 is always let through"),
    Running("TIMINCA", ALL, 0x01a00000, "Linux: the clock runs"),
    Running("TSYNCTXCTL", ALL, 0, "no stamps unless asked for"),
    Running("TSYNCRXCTL", ALL, 0, "the same"),
    Running("IVAR", bits(19), bits(19), "OTHER has a vector"),
    Running("RAH0", bits(31), bits(31), "the station address is valid"),
]

# Alike then, even with one queue (Linux: an erratum wants the thresholds so).
ALIKE = [("TXDCTL0", "TXDCTL1", (1, 2)), ("TARC0", "TARC1", (2,))]     # with so many pairs

# With one pair these are not written, as in Linux and in FreeBSD with one queue.
NOT_WITH_ONE_PAIR = ["TARC1"]

# --- what is done when the driver lets go of the device -----------------------------------------

CLOSED = [
    Running("CTRL_EXT", bits(28), 0, "Linux, e1000e_release_hw_control(): DRV_LOAD"),
]
PHY_CLOSED = (0, bits(11), bits(11))        # Linux: power down

# --- write-backs that are held up are flushed so: twice, since one may be missed (Linux) ---------

FLUSH = 2 * [("w", "TIDV", bits(31)), ("w", "RDTR", bits(31))]

# --- the PHY, by MDIC -----------------------------------------------------------------------------

PHY_PAGED_FROM = 16         # below, registers are the same on each page (Linux)

# Each write: register, mask, values, source.
PHY_WRITES = [
    Write(9, bits(8), {0}, "Linux: 1000 half duplex is never offered"),
    Write(0, bits(10), {0}, "never isolated"),
]
# Only steps that say so may set these: power down, loopback, negotiation.
PHY_PDOWN, PHY_LOOPBACK, PHY_RESTART = bits(11), bits(14), bits(9)

# In this order when the interface comes up ("r" register, or "w" register mask value).
PHY_OPEN = [
    ("r", 0, 0, 0, "Linux: out of power down before anything else"),
    ("w", 0, bits(15), bits(15), "Linux, e1000e_copper_link_setup_m88(): downshift off, committed"),
    ("w", 16, bits(11) | bits(1) | bits(5, 6), bits(11) | bits(5, 6), "then on"),
    ("w", 29, ALL, 3, "Linux"),
    ("w", 30, ALL, 0, "Linux"),
    ("r", 25, 0, 0, "Linux: smart power down off"),
    ("w", 0, bits(15), bits(15), "Linux: committed"),
    ("w", 4, bits(0), 1, "the offer: IEEE 802.3 selector"),
    ("w", 9, bits(8, 9), bits(9), "and 1000 full duplex"),
    ("w", 0, bits(9, 12), bits(9, 12), "negotiate"),
]

# --- milliseconds ---------------------------------------------------------------------------------

RST_QUIET = 1               # after CTRL.RST nothing is read
PHY_CONFIG = 25             # Linux: behind EECD.AUTO_RD the PHY is left alone for so long
