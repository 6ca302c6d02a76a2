# SPDX-License-Identifier: GPL-2.0
"""A host of its own for the device model: no QEMU, no guest, some memory and a cable.

It speaks the vfio-user protocol from the other side, so that a test writes registers and
descriptors as a driver would, and sees what comes of it within milliseconds.
"""

import array
import contextlib
import json
import mmap
import os
import select
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from hwlab.model import binary

VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, REGION_INFO = 1, 2, 3, 4, 5
IRQ_INFO, SET_IRQS, READ, WRITE, RESET, WRITE_MULTI = 7, 8, 9, 10, 13, 15
CONFIG = 7
LNKCTL = 0xF0

CTRL, STATUS, EECD, EERD, CTRL_EXT, MDIC = 0x0, 0x8, 0x10, 0x14, 0x18, 0x20
ICR, ITR, ICS, IMS, IMC, EIAC, IAM, IVAR = 0xC0, 0xC4, 0xC8, 0xD0, 0xD8, 0xDC, 0xE0, 0xE4
RCTL, TCTL, EXTCNF, PBA, EEWR = 0x100, 0x400, 0xF00, 0x1000, 0x102C
PSRCTL = 0x2170
FCRTL, FCRTH, FCTTV, RDTR, RADV, TIDV, TADV = 0x2160, 0x2168, 0x170, 0x2820, 0x282C, 0x3820, 0x382C
GCR, GCR2, SWSM = 0x5B00, 0x5B64, 0x5B50
RXCSUM, RFCTL, MRQC, RETA, RSSRK, MTA, VFTA = 0x5000, 0x5008, 0x5818, 0x5C00, 0x5C80, 0x5200, 0x5600
MPC, RNBC, GPRC, GPTC, GORCL, TSCTC, TSCTFC = 0x4010, 0x40A0, 0x4074, 0x4080, 0x4088, 0x40F8, 0x40FC
XONTXC, XOFFTXC, XOFFRXC, CRCERRS, RUC, ROC = 0x404C, 0x4054, 0x4050, 0x4000, 0x40A4, 0x40AC

MEM = 1 << 22                   # bytes of memory
BASE = 0x10_0000                # where it begins
MAC = bytes.fromhex("525400120000")
PEER = bytes.fromhex("525400120100")

EOP, IFCS, TSE, RS, DEXT, VLE, IDE = (1 << x for x in (24, 25, 26, 27, 29, 30, 31))
DATA = DEXT | 1 << 20
IXSM, TXSM = 1 << 8, 1 << 9


def ral(i):
    return 0x5400 + 8 * i


def eitr(v):
    return 0xE8 + 4 * v


def xdctl(base):
    return base + 0x28


def wait_until(condition, timeout=5, what=""):
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, \
            f"not within {timeout} s: {what() if callable(what) else what or condition}"
        time.sleep(0.0005)


class Host:
    """The model, and what a host has: registers, memory, interrupts, the end of a cable."""

    def __init__(self, *args, sanitize="address,undefined", autoneg=20, client=True):
        self.dir = tempfile.TemporaryDirectory(prefix="hartwell-model-")
        base = self.base = Path(self.dir.name)
        self.log_file = base / "log"
        with open(base / "err", "wb") as errors:
            self.proc = subprocess.Popen(
                [str(binary(sanitize)), "--socket", f"{base}/vfio", "--wire", f"{base}/wire",
                 "--control", f"{base}/ctl", "--log", str(self.log_file),
                 "--autoneg", str(autoneg), *args], stdout=subprocess.PIPE, stderr=errors)
        assert self.proc.stdout.readline() == b"ready\n", (base / "err").read_text()
        self.sock = self._connect("vfio")
        self.cable = self._connect("wire")
        self.cable.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 21)
        self.control = self._connect("ctl").makefile("rw")
        # Until it has taken the cable, what it sends is lost, as with no partner.
        wait_until(lambda: json.loads(self._ask("stats"))["cable"], what="cable")
        self.serial = 0
        self.held = None        # messages that are to be sent together
        fd = os.memfd_create("memory")
        os.ftruncate(fd, MEM)
        self.mem = mmap.mmap(fd, MEM)
        self.memfd = fd
        self.next = 0
        self.eventfds = []
        if client:
            self.begin()

    def begin(self):
        self.request(VERSION, struct.pack("<HH", 0, 1) + b'{"capabilities":{}}\0')
        self.map(BASE, MEM, self.memfd)
        self.cfg_write(4, 2, 0x6)           # memory, bus master
        self.cfg_write(LNKCTL, 2, 0)        # no ASPM

    def _connect(self, name):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(10)
        sock.connect(f"{self.base}/{name}")
        return sock

    # --- the protocol ---

    def send(self, cmd, data=b"", fds=(), flags=0):
        self.serial = self.serial + 1 & 0xFFFF
        head = struct.pack("<HHIII", self.serial, cmd, 16 + len(data), flags, 0)
        if self.held is not None:
            self.held += head + data
            return
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.sock.sendmsg([head + data], control)

    def _recv(self, size):
        data = b""
        while len(data) < size:
            part = self.sock.recv(size - len(data))
            assert part, f"the model is gone: {(self.base / 'err').read_text()[-2000:]}"
            data += part
        return data

    def request(self, cmd, data=b"", fds=()):
        """(error, data) of the reply."""
        self.send(cmd, data, fds)
        serial, back, size, flags, error = struct.unpack("<HHIII", self._recv(16))
        body = self._recv(size - 16)
        assert (serial, back, flags & 15) == (self.serial, cmd, 1)
        return (error if flags & 0x20 else 0), body

    @contextlib.contextmanager
    def at_once(self):
        """The writes of the block reach the model together, whatever this process is kept from."""
        self.held = b""
        yield
        held, self.held = self.held, None
        self.sock.sendall(held)

    def map(self, addr, size, fd=None, offset=0, flags=3):
        return self.request(DMA_MAP, struct.pack("<IIQQQ", 32, flags, offset, addr, size),
                            [fd] if fd is not None else [])[0]

    def unmap(self, addr, size):
        return self.request(DMA_UNMAP, struct.pack("<IIQQ", 24, 0, addr, size))[0]

    def region_read(self, region, offset, count):
        error, body = self.request(READ, struct.pack("<QII", offset, region, count))
        assert not error
        return body[16:]

    def region_write(self, region, offset, data, flags=0x10):
        self.send(WRITE, struct.pack("<QII", offset, region, len(data)) + data, flags=flags)

    def cfg_read(self, offset, count):
        return int.from_bytes(self.region_read(CONFIG, offset, count), "little")

    def cfg_write(self, offset, count, value):
        self.region_write(CONFIG, offset, value.to_bytes(count, "little"))

    # --- registers ---

    def rd(self, offset):
        return int.from_bytes(self.region_read(0, offset, 4), "little")

    def wr(self, offset, value):
        self.region_write(0, offset, struct.pack("<I", value & 0xFFFFFFFF))

    def set(self, offset, bits):
        self.wr(offset, self.rd(offset) | bits)

    # --- the control socket ---

    def _ask(self, line):
        self.control.write(line + "\n")
        self.control.flush()
        answer = self.control.readline().strip()
        assert answer not in ("error", ""), f"refused: {line}"
        return answer

    def command(self, line):
        """Take effect after all that was written so far."""
        self.rd(STATUS)
        return self._ask(line)

    def stats(self):
        return json.loads(self.command("stats"))

    def offences(self):
        """Names of what was done wrong so far."""
        self.rd(STATUS)     # all writes before this one have been seen
        return {x.split()[2].rstrip(":") for x in self.log_file.read_text().splitlines()
                if " OFFENCE " in x}

    # --- interrupts ---

    def interrupts(self, index=2, count=5):
        """Give eventfds: 0 INTx, 1 MSI, 2 MSI-X."""
        self.eventfds = [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(count)]
        error, _ = self.request(SET_IRQS, struct.pack("<IIIII", 20, 4 | 32, index, 0, count),
                                self.eventfds)
        assert not error

    def no_interrupts(self, index=2):
        error, _ = self.request(SET_IRQS, struct.pack("<IIIII", 20, 1 | 32, index, 0, 0))
        assert not error

    def unmask(self, index=0):
        self.request(SET_IRQS, struct.pack("<IIIII", 20, 1 | 16, index, 0, 1))

    def taken(self, vector, timeout=0.0):
        """How often a vector came since the last look."""
        fd = self.eventfds[vector]
        if not select.select([fd], [], [], timeout)[0]:
            return 0
        return os.eventfd_read(fd)

    # --- memory ---

    def alloc(self, size, align=128):
        at = (self.next + align - 1) & -align
        assert at + size <= MEM
        self.next = at + size
        return BASE + at

    def put(self, addr, data):
        self.mem[addr - BASE:addr - BASE + len(data)] = data

    def get(self, addr, size):
        return self.mem[addr - BASE:addr - BASE + size]

    # --- the cable ---

    def frame_in(self, frame):
        """The partner sends a frame, after all that was written so far has had its effect."""
        self.rd(STATUS)
        self.cable.sendall(struct.pack(">I", len(frame)) + frame)

    def frame_out(self, timeout=5):
        """A frame that the device sent; None if none comes."""
        if not select.select([self.cable], [], [], timeout)[0]:
            return None
        size, = struct.unpack(">I", self._cable(4))
        return self._cable(size)

    def _cable(self, size):
        data = b""
        while len(data) < size:
            part = self.cable.recv(size - len(data))
            assert part, "the model has gone"
            data += part
        return data

    # --- as a driver does ---

    def link_up(self):
        self.wr(CTRL, (self.rd(CTRL) | 0x40) & ~(1 << 29))
        wait_until(lambda: self.rd(STATUS) & 2, what="link")

    def reset_begin(self):
        self.set(CTRL, 4)
        wait_until(lambda: not self.rd(STATUS) & 1 << 19, what="no DMA")
        self.own()
        self.set(CTRL, 1 << 26)

    def reset(self):
        self.reset_begin()
        wait_until(lambda: self.rd(EECD) & 1 << 9, what="AUTO_RD")
        time.sleep(0.025)

    def own(self):
        self.wr(EXTCNF, self.rd(EXTCNF) | 0x20)
        assert self.rd(EXTCNF) & 0x20

    def phy_reset(self):
        ctrl = self.rd(CTRL)
        self.wr(CTRL, ctrl | 1 << 31)
        self.rd(STATUS)
        time.sleep(0.0001)
        self.wr(CTRL, ctrl)
        self.rd(STATUS)

    def mdio(self, reg, value=None):
        op = 2 << 26 if value is None else 1 << 26 | value
        self.wr(MDIC, op | 1 << 21 | reg << 16)
        return wait_until(lambda: (v := self.rd(MDIC)) & 1 << 28 and (v,))[0] & 0xFFFF

    def settle(self):
        """Reserved bits and locks as a driver leaves them."""
        self.wr(CTRL, self.rd(CTRL) & ~(1 << 29))
        self.set(CTRL_EXT, 1 << 22)
        self.wr(CTRL_EXT, self.rd(CTRL_EXT) & ~(1 << 23))
        self.wr(GCR, 1 << 22 | 1 << 27)
        self.wr(GCR2, 1)
        for n in (0, 1):
            self.wr(0x3840 + 0x100 * n, 3 | 1 << 10 | 1 << 7 | 7 << 23 | 1 << 26)

    def close(self):
        """End of the connection, and of the model: its exit status must be 0."""
        self.sock.close()
        code = self.proc.wait(20)
        errors = (self.base / "err").read_text()
        self.proc.stdout.close()
        for fd in self.eventfds:
            os.close(fd)
        os.close(self.memfd)
        self.dir.cleanup()
        assert code == 0, f"exit status {code}: {errors[-4000:]}"


class TxRing:
    """A transmit ring as a driver keeps it; descriptors are made by hand."""

    def __init__(self, host, q=0, count=64, wthresh=1, tidv=8, rs_only=False, enable=True):
        self.host, self.q, self.count = host, q, count
        self.reg = 0x3800 + 0x100 * q
        self.at = host.alloc(16 * count)
        self.tail = 0
        host.settle()
        for offset, value in ((0, self.at), (4, 0), (8, 16 * count), (0x10, 0), (0x18, 0)):
            host.wr(self.reg + offset, value)
        host.wr(TIDV, tidv)
        host.wr(TADV, min(tidv * 4, 0xFFFF))
        for n in (0, 1):
            host.wr(0x3828 + 0x100 * n, 31 | 1 << 8 | (0 if rs_only else wthresh) << 16 | 1 << 22
                    | 1 << 24)
        if enable:
            host.wr(TCTL, 2 | 8 | 15 << 4 | 0x3F << 12 | 1 << 28)

    def desc(self, lo, lower, upper=0):
        self.host.put(self.at + 16 * self.tail, struct.pack("<QII", lo, lower, upper))
        slot = self.tail
        self.tail = (self.tail + 1) % self.count
        return slot

    def stays(self, slot):
        """Nothing becomes of a frame for a while."""
        time.sleep(0.02)
        assert not self.done(slot)

    def context(self, ipcss=0, ipcso=0, ipcse=0, tucss=0, tucso=0, tucse=0, paylen=0, hdrlen=0,
                mss=0, flags=0):
        """flags: 24 TCP, 25 IPv4, 26 TSE."""
        lo = (ipcss | ipcso << 8 | ipcse << 16 | tucss << 32 | tucso << 40 | tucse << 48)
        return self.desc(lo, paylen | DEXT | flags, hdrlen << 8 | mss << 16)

    def tso_context(self, size):
        """For so many bytes of TCP over IPv4, in segments of 1000."""
        return self.context(ipcss=14, ipcso=24, ipcse=33, tucss=34, tucso=50, paylen=size,
                            hdrlen=54, mss=1000, flags=1 << 24 | 1 << 25 | TSE)

    def frame(self, data, flags=EOP | IFCS | RS, upper=0):
        addr = self.host.alloc(len(data))
        self.host.put(addr, data)
        return self.desc(addr, DATA | len(data) | flags, upper)

    def ring(self):
        self.host.wr(self.reg + 0x18, self.tail)

    def done(self, slot):
        return self.host.get(self.at + 16 * slot + 12, 1)[0] & 1

    def wait(self, slot, timeout=5):
        wait_until(lambda: self.done(slot), timeout, f"DD of descriptor {slot}")


class RxRing:
    """A receive ring of extended descriptors with buffers of 2048 bytes."""

    def __init__(self, host, q=0, count=64, buffers=None, rctl=0, start=True, rdtr=0,
                 rxdctl=1 << 24):
        self.host, self.q, self.count = host, q, count
        self.reg = 0x2800 + 0x100 * q
        self.at = host.alloc(16 * count)
        self.buf = [host.alloc(2048) for _ in range(count)]
        for i in range(count):
            self.give(i)
        for offset, value in ((0, self.at), (4, 0), (8, 16 * count), (0x10, 0), (0x18, 0)):
            host.wr(self.reg + offset, value)
        host.wr(RDTR, rdtr)
        host.wr(xdctl(self.reg), rxdctl)
        host.wr(RFCTL, 1 << 15 | 1 << 12)
        host.wr(RXCSUM, 3 << 8 | 1 << 13)
        if start:
            host.wr(RCTL, 2 | 1 << 15 | 1 << 26 | rctl)
            host.wr(self.reg + 0x18, count - 1 if buffers is None else buffers)
        self.next = 0

    def give(self, i):
        self.host.put(self.at + 16 * i, struct.pack("<QQ", self.buf[i], 0))

    def wait(self, timeout=5):
        """The next frame: (data, status, fields)."""
        i = self.next
        addr = self.at + 16 * i
        wait_until(lambda: self.host.get(addr + 8, 1)[0] & 1, timeout, f"DD of descriptor {i}")
        mrq, hash_, status, length, vlan = struct.unpack("<IIIHH", self.host.get(addr, 16))
        data = bytes(self.host.get(self.buf[i], length))
        self.next = (i + 1) % self.count
        return data, status, {"type": mrq & 15, "queue": mrq >> 8 & 31, "hash": hash_, "vlan": vlan}

    def empty(self):
        return not self.host.get(self.at + 16 * self.next + 8, 1)[0] & 1


def fill_buffer(host, frames):
    """Frames of 1024 bytes, and a receive ring that has no buffer for them."""
    rx = RxRing(host, count=64, buffers=0)
    frame = (MAC + PEER + b"\x88\xb5" + bytes(range(80))) * 11
    for _ in range(frames):
        host.frame_in(frame[:1024])
    return rx
