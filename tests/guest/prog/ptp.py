# SPDX-License-Identifier: GPL-2.0
"""ptp.py COMMAND: the PTP clock and time stamps, as programs use them; the answer is JSON.

hwtstamp DEV                      what is in force: (flags, tx_type, rx_filter)
hwtstamp DEV FLAGS TX RX          ask for it: the same of what was granted, or the error
get CLOCK                         the time, nanoseconds
set CLOCK NS                      set it
shift CLOCK NS                    adjtime
rate CLOCK SCALED_PPM             adjfine
caps CLOCK                        (max_adj, ...)
reads CLOCK COUNT                 the longest of so many reads, and of steps back, nanoseconds
pair CLOCK                        (clock, raw clock) at one moment, nanoseconds
across CLOCK COMMAND              pairs for a second, COMMAND, and pairs for a second
stamp DEV DST COUNT [PAUSE [KIND]] send COUNT PTP frames that ask for a stamp each, and the stamps
again DEV DST                     the same of one frame after another that asked, and off and on
late DEV DST RESOURCE REG VALUE   wait half a second for a frame's stamp, then write a register: the
                                  stamps until then, and how long it took, seconds
change PEER DST DEV RX CLOCK      frames from PEER, of types 11 and 1; choose receive filter RX; one
                                  of type 0: when that was
stream DST SIZE                   send so many bytes by TCP, and the stamp of the last
listen DEV COUNT SECONDS          receive PTP frames: their stamps
"""

import ctypes
import errno
import fcntl
import json
import mmap
import os
import select
import socket
import struct
import subprocess
import sys
import time

SIOCSHWTSTAMP, SIOCGHWTSTAMP = 0x89b0, 0x89b1
SO_TIMESTAMPING = 37
TX_HW, RX_HW, RAW_HW, TX_SW, RX_SW, SW = 1, 4, 64, 2, 8, 16
OPT_ID, OPT_TSONLY = 1 << 7, 1 << 11
ETH_P_1588 = 0x88f7
ADJ_SETOFFSET, ADJ_FREQUENCY, ADJ_NANO = 0x100, 0x2, 0x2000
PTP_CLOCK_GETCAPS = 0x80503d01
PTP_SYS_OFFSET_EXTENDED = 0xc4c03d09

libc = ctypes.CDLL(None, use_errno=True)


class Timeval(ctypes.Structure):
    _fields_ = [("sec", ctypes.c_long), ("usec", ctypes.c_long)]


class Timex(ctypes.Structure):
    _fields_ = [("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long),
                ("maxerror", ctypes.c_long), ("esterror", ctypes.c_long),
                ("status", ctypes.c_int), ("constant", ctypes.c_long),
                ("precision", ctypes.c_long), ("tolerance", ctypes.c_long), ("time", Timeval),
                ("tick", ctypes.c_long), ("rest", ctypes.c_long * 20)]


def opened(path):
    """File and clock id."""
    fd = os.open(path, os.O_RDWR)
    return fd, (~fd << 3) | 3


def hwtstamp(dev, flags=None, tx_type=None, rx_filter=None):
    config = ctypes.create_string_buffer(
        struct.pack("iii", *(int(x or 0, 0) if x else 0 for x in (flags, tx_type, rx_filter))))
    ifr = struct.pack("16sP", dev.encode(), ctypes.addressof(config)).ljust(40, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            fcntl.ioctl(s, SIOCGHWTSTAMP if flags is None else SIOCSHWTSTAMP, ifr)
        except OSError as error:
            return errno.errorcode[error.errno]
    return struct.unpack("iii", config.raw[:12])


def adjust(path, **values):
    _, clock = opened(path)
    timex = Timex()
    for name, value in values.items():
        setattr(timex, name, value)
    if libc.clock_adjtime(ctypes.c_int(clock), ctypes.byref(timex)) < 0:
        return errno.errorcode[ctypes.get_errno()]
    return 0


def shift(path, nanoseconds):
    seconds, rest = divmod(int(nanoseconds), 10**9)
    return adjust(path, modes=ADJ_SETOFFSET | ADJ_NANO, time=Timeval(seconds, rest))


def caps(path):
    fd, _ = opened(path)
    buf = bytearray(80)
    fcntl.ioctl(fd, PTP_CLOCK_GETCAPS, buf)
    return struct.unpack("20i", buf)[:8]


def reads(path, count):
    _, clock = opened(path)
    worst = back = 0
    last = time.clock_gettime_ns(clock)
    for _ in range(int(count)):
        begin = time.monotonic_ns()
        now = time.clock_gettime_ns(clock)
        worst = max(worst, time.monotonic_ns() - begin)
        back = max(back, last - now)
        last = now
    return worst, back


def read_pair(fd, samples=25):
    """The best of some readings of clock and raw clock, by the kernel: the driver takes the
    system's times around the read of its register."""
    buf = bytearray(4 * 4 + 25 * 3 * 16)
    struct.pack_into("II", buf, 0, samples, time.CLOCK_MONOTONIC_RAW)
    try:
        fcntl.ioctl(fd, PTP_SYS_OFFSET_EXTENDED, buf)
        raw = True
    except OSError:     # the kernel knows the real time only
        struct.pack_into("II", buf, 0, samples, 0)
        before = time.clock_gettime_ns(time.CLOCK_REALTIME) - \
            time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        fcntl.ioctl(fd, PTP_SYS_OFFSET_EXTENDED, buf)
        raw = False
    best = None
    for i in range(samples):
        s = struct.unpack_from("qIIqIIqII", buf, 16 + i * 48)
        first, there, second = (s[j] * 10**9 + s[j + 1] for j in (0, 3, 6))
        if best is None or second - first < best[2]:
            best = there, (first + second) // 2, second - first
    return (best[0], best[1] if raw else best[1] - before, best[2])


def pair(path):
    return read_pair(opened(path)[0])


def across(path, command):
    fd, _ = opened(path)
    found = []
    for part in range(2):
        end = time.monotonic() + 1
        while time.monotonic() < end:
            found.append((part, *read_pair(fd)))
            time.sleep(0.02)
        if not part:
            subprocess.run(command, shell=True, check=True)
    return found


def ptp_frame(dst, src, seq, kind=0):
    """A message of PTP version 2: Sync by its type."""
    head = struct.pack("!BBHBBHqIQHHBb", kind, 2, 44, 0, 0, 0x200, 0, 0, 1, 1, seq, 0, 0)
    return dst + src + struct.pack("!H", ETH_P_1588) + head + bytes(10)


def raw_socket(dev, flags):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_1588))
    sock.bind((dev, ETH_P_1588))
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, flags)
    return sock


def stamps_of(ancillary):
    """(software, hardware) of a control message, nanoseconds."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPING:
            t = struct.unpack_from("6q", data)
            return t[0] * 10**9 + t[1], t[4] * 10**9 + t[5]
    return None


def stamp(dev, dst, count, pause="0", kind="0", wait=None):
    sock = raw_socket(dev, TX_HW | TX_SW | RAW_HW | SW | OPT_TSONLY)
    src = sock.getsockname()[4]
    size = int(os.environ.get("SIZE", "0"))
    for i in range(int(count)):
        frame = ptp_frame(bytes.fromhex(dst.replace(":", "")), src, i, int(kind))
        sock.send(frame.ljust(size, b"\0"))
        time.sleep(float(pause))
    return stamps_for(sock, int(count), wait)


def stamps_for(sock, count, wait=None):
    """As many as come in time."""
    found = []
    end = time.monotonic() + float(wait or os.environ.get("WAIT", "2"))
    while len(found) < count and time.monotonic() < end:
        poll = select.poll()
        poll.register(sock, select.POLLERR)
        if poll.poll(100):
            found.append(stamps_of(sock.recvmsg(256, 1024, socket.MSG_ERRQUEUE)[1]))
    return found


def again(dev, dst):
    stamp(dev, dst, 1, wait="0")
    hwtstamp(dev, "0", "0", "1")
    hwtstamp(dev, "0", "1", "1")
    return stamp(dev, dst, 1, wait="2")


def late(dev, dst, resource, reg, value):
    hwtstamp(dev, "0", "0", "0")
    hwtstamp(dev, "0", "1", "0")
    with open(resource, "r+b") as f, mmap.mmap(f.fileno(), 0) as bar, \
            memoryview(bar).cast("I") as words:
        begun = time.monotonic()
        early = stamp(dev, dst, 1, wait="0.5")
        words[int(reg) // 4] = int(value)
        return early, time.monotonic() - begun


def change(peer, dst, dev, rx_filter, path):
    _, clock = opened(path)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    libc.setns(os.open("/run/netns/peer", os.O_RDONLY), 0)
    sock = raw_socket(peer, 0)
    libc.setns(home, 0)

    def send(kind):
        sock.send(ptp_frame(bytes.fromhex(dst.replace(":", "")), sock.getsockname()[4], 0, kind))
        time.sleep(0.05)
    send(11)
    send(1)
    hwtstamp(dev, "0", "0", rx_filter)
    changed = time.clock_gettime_ns(clock)
    send(0)
    return changed


def stream(dst, size):
    with socket.create_connection((dst, 7007)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, TX_HW | RAW_HW | OPT_TSONLY | OPT_ID)
        sock.sendall(bytes(int(size)))
        return stamps_for(sock, 1)


def listen(dev, count, seconds):
    sock = raw_socket(dev, RX_HW | RX_SW | RAW_HW | SW)
    sock.settimeout(float(seconds))
    print("ready", file=sys.stderr, flush=True)
    found = []
    try:
        while len(found) < int(count):
            data, ancillary, _, _ = sock.recvmsg(256, 1024)
            found.append((data[14] & 15, *(stamps_of(ancillary) or (0, 0))))
    except TimeoutError:
        pass
    return found


COMMANDS = {
    "hwtstamp": hwtstamp, "caps": caps, "reads": reads, "pair": pair, "across": across,
    "stamp": stamp, "stream": stream, "again": again, "change": change, "listen": listen,
    "late": late, "shift": shift,
    "get": lambda path: time.clock_gettime_ns(opened(path)[1]),
    "set": lambda path, ns: time.clock_settime_ns(opened(path)[1], int(ns)),
    "rate": lambda path, ppm: adjust(path, modes=ADJ_FREQUENCY, freq=int(ppm)),
}

print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
