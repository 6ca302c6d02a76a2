# SPDX-License-Identifier: GPL-2.0
"""xsk.py DEV COMMAND [OPTION]...: an AF_XDP socket on each of some queues.

receive: frames of the tests' EtherType come to the sockets.  echo: and go back to where they came
from.  send: frames go out, of a pattern, or those of --frames, a
file: a list of [bytes in hexadecimal, flags, start, field], where the last three are the frame's
metadata: what it asks for, and its checksum.  Prints "ready" when the sockets are bound, and what
became of frames, as JSON, at SIGINT, or when all is sent.  What the kernel says to a refusal is
printed; status 1 then.
"""

import argparse
import ctypes
import json
import mmap
import os
import select
import signal
import socket
import struct
import sys
import time

import xdp

AF_XDP, SOL_XDP = 44, 283
MMAP_OFFSETS, RX_RING, TX_RING, UMEM_REG, FILL_RING, COMPLETION_RING, STATISTICS, OPTIONS = \
    1, 2, 3, 4, 5, 6, 7, 8
PGOFF = {RX_RING: 0, TX_RING: 0x80000000, FILL_RING: 0x100000000, COMPLETION_RING: 0x180000000}
ORDER = [RX_RING, TX_RING, FILL_RING, COMPLETION_RING]      # in struct xdp_mmap_offsets
BIND_SHARED, BIND_COPY, BIND_ZEROCOPY, BIND_NEED_WAKEUP, BIND_SG = 1, 2, 4, 8, 16
PKT_CONTD, TX_METADATA = 1, 2   # another buffer of the frame follows; it has metadata
UMEM_METADATA_LEN, WANT_STAMP = 4, 1
UMEM_UNALIGNED, RING_NEED_WAKEUP, OPTIONS_ZEROCOPY = 1, 1, 1
BPF_MAP_TYPE_XSKMAP = 17
LAZY = 20               # rounds without progress
MAP_HUGETLB, HUGE = 0x40000, 1 << 21
LIBC = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result < 0:
        print(f"{what}: {os.strerror(ctypes.get_errno())}", flush=True)
        sys.exit(1)
    return result


class Ring:
    """One of the four rings, shared with the kernel."""

    def __init__(self, sock, kind, size):
        sock.setsockopt(SOL_XDP, kind, struct.pack("<I", size))
        offsets = struct.unpack("<16Q", sock.getsockopt(SOL_XDP, MMAP_OFFSETS, 128))
        at = ORDER.index(kind) * 4
        self.producer, self.consumer, self.desc, self.flags = offsets[at:at + 4]
        self.each = 16 if kind in (RX_RING, TX_RING) else 8
        self.size = size
        self.memory = mmap.mmap(sock.fileno(), self.desc + size * self.each, mmap.MAP_SHARED,
                                offset=PGOFF[kind])
        # Each index at once: pack_into() clears what it writes to, and for the kernel a producer
        # that is 0 for a moment is a ring full of what was sent before.
        self.words = memoryview(self.memory).cast("I")

    def word(self, at):
        return self.words[at // 4]

    def set_word(self, at, value):
        self.words[at // 4] = value & 0xffffffff

    def needs_wakeup(self):
        return self.word(self.flags) & RING_NEED_WAKEUP

    def room(self):
        return self.size - (self.word(self.producer) - self.word(self.consumer) & 0xffffffff)

    def put(self, entries):
        at = self.word(self.producer)
        for i, entry in enumerate(entries):
            struct.pack_into("<Q" if self.each == 8 else "<QII", self.memory,
                             self.desc + (at + i) % self.size * self.each, *entry)
        self.set_word(self.producer, at + len(entries))

    def get(self, most=1 << 30):
        at = self.word(self.consumer)
        n = min(self.word(self.producer) - at & 0xffffffff, most)
        entries = [struct.unpack_from("<Q" if self.each == 8 else "<QII", self.memory,
                                      self.desc + (at + i) % self.size * self.each)
                   for i in range(n)]
        self.set_word(self.consumer, at + n)
        return entries


class Socket:
    """A socket on a queue, with memory of its own, or half of another's."""

    def __init__(self, args, queue, other=None):
        self.queue, self.args = queue, args
        self.sock = socket.socket(AF_XDP, socket.SOCK_RAW, 0)
        self.chunk, n = args.chunk, args.chunks
        self.numbers, self.order, self.stamps = {}, [], []
        if other:
            self.memory = other.memory
            self.free = other.free[n // 2:]
            del other.free[n // 2:]
        else:
            self.register(args, n)
            self.free = [i * self.chunk for i in range(n)]
        self.fill = Ring(self.sock, FILL_RING, args.ring)
        self.done = Ring(self.sock, COMPLETION_RING, args.ring)
        self.rx = Ring(self.sock, RX_RING, args.ring)
        self.tx = Ring(self.sock, TX_RING, args.ring)
        flags = BIND_SHARED if other else (BIND_COPY if args.copy else BIND_ZEROCOPY) | \
            (0 if args.no_wakeup else BIND_NEED_WAKEUP) | (BIND_SG if args.sg else 0)
        name = ctypes.create_string_buffer(struct.pack(
            "<HHIII", AF_XDP, flags, socket.if_nametoindex(args.dev), queue,
            other.sock.fileno() if other else 0))
        check(LIBC.bind(self.sock.fileno(), name, 16), "bind")
        # What the first has provided may not be given away to others.
        if not args.shared or other:
            self.provide()

    def provide(self):
        self.refill(self.args.fill)
        self.wake(receive=True)

    def register(self, args, n):
        # Buffers that cross pages need pages that are neighbours.
        self.memory = mmap.mmap(-1, -(-self.chunk * n // HUGE) * HUGE,
                                mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS |
                                (MAP_HUGETLB if args.unaligned else 0))
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        try:
            self.sock.setsockopt(SOL_XDP, UMEM_REG, struct.pack(
                "<QQIIII", self.address, self.chunk * n, self.chunk, args.headroom,
                (UMEM_UNALIGNED if args.unaligned else 0) |
                (UMEM_METADATA_LEN if args.metadata else 0), args.metadata))
        except OSError as error:
            print(f"memory: {error.strerror}", flush=True)
            sys.exit(1)

    def refill(self, most):
        n = min(most, self.fill.room(), len(self.free))
        self.fill.put([(self.free.pop(),) for _ in range(n)])

    def wake(self, receive=False):
        """Have the kernel look, if it asks for that."""
        ring = self.fill if receive else self.tx
        if not (self.args.no_wakeup or ring.needs_wakeup()):
            return
        if receive:
            LIBC.recvfrom(self.sock.fileno(), None, 0, socket.MSG_DONTWAIT, None, None)
        else:
            LIBC.sendto(self.sock.fileno(), None, 0, socket.MSG_DONTWAIT, None, 0)

    def receive(self):
        """Frames: (addresses, bytes); their buffers are the caller's to free."""
        frames, addresses, data = [], [], b""
        for address, size, options in self.rx.get():
            addresses.append(address)
            data += self.memory[self.where(address):self.where(address) + size]
            if not options & PKT_CONTD:
                frames.append((addresses, data))
                addresses, data = [], b""
        assert not addresses, "part of a frame"
        return frames

    def where(self, address):
        """Of unaligned buffers an offset is in the upper bits."""
        return (address & (1 << 48) - 1) + (address >> 48) if self.args.unaligned else address

    def release(self, address):
        at = address & (1 << 48) - 1 if self.args.unaligned else address
        self.free.append(at - at % self.chunk)

    def describe(self, at, number, flags, start, field):
        """The metadata of a frame at @at; a stamp that nobody writes is all ones."""
        struct.pack_into("<QHHI", self.memory, at - self.args.metadata, flags,
                         *((start, field) if flags & ~WANT_STAMP else (0xffff, 0xffff)), 0xffffffff)
        self.numbers[at] = number, flags

    def send(self, frames, metadata=()):
        """As many as there is room for, in pieces. Return: (frames, buffers)."""
        entries, n = [], 0
        for frame in frames:
            step = self.args.segment or len(frame)
            parts = [frame[i:i + step] for i in range(0, len(frame), step)]
            if len(entries) + len(parts) > self.tx.room() or len(parts) > len(self.free):
                break
            for i, part in enumerate(parts):
                at = self.free.pop() + self.args.metadata
                self.memory[at:at + len(part)] = part
                options = PKT_CONTD if i < len(parts) - 1 else 0
                if metadata and not i:
                    self.describe(at, *metadata[n])
                    options |= TX_METADATA
                entries.append((at, len(part), options))
            n += 1
        if entries:
            self.tx.put(entries)
        return n, len(entries)

    def completed(self):
        entries = self.done.get()
        for address, in entries:
            if address in self.numbers:
                number, flags = self.numbers.pop(address)
                self.order.append(number)
                if flags & WANT_STAMP:
                    self.stamps.append((number, struct.unpack_from(
                        "<Q", self.memory, address - self.args.metadata + 8)[0]))
            self.release(address)
        return len(entries)

    def statistics(self):
        names = ("rx_dropped", "rx_invalid", "tx_invalid", "rx_ring_full", "fill_empty", "tx_empty")
        return dict(zip(names, struct.unpack("<6Q", self.sock.getsockopt(
            SOL_XDP, STATISTICS, 48))))

    def zero_copy(self):
        return bool(struct.unpack("<I", self.sock.getsockopt(SOL_XDP, OPTIONS, 4))[0]
                    & OPTIONS_ZEROCOPY)


def redirect_to(sockets):
    """A program that gives frames to the socket of their queue; others pass."""
    body = xdp.redirect_map(BPF_MAP_TYPE_XSKMAP, {s.queue: s.sock.fileno() for s in sockets},
                            xdp.load(4, 2, 6, 16), xdp.XDP_PASS)
    return xdp.bpf_load(xdp.only(xdp.TEST_TYPE) + body, sockets[0].args.sg)


class Totals:
    def __init__(self):
        self.frames, self.count, self.queues, self.sent, self.done = [], 0, {}, 0, 0
        self.stalls = 0

    def report(self, sockets):
        print(json.dumps({
            "count": self.count, "queues": self.queues, "sent": self.sent, "completed": self.done,
            "stalls": self.stalls,
            "frames": [f.hex() for f in self.frames],
            "order": [s.order for s in sockets], "stamps": [s.stamps for s in sockets],
            "free": [len(s.free) for s in sockets], "statistics": [s.statistics() for s in sockets],
        }), flush=True)


def take(s, totals, args):
    """What has come; for echo, send it back."""
    got = s.receive()
    for addresses, frame in got:
        totals.count += 1
        totals.queues[s.queue] = totals.queues.get(s.queue, 0) + 1
        if len(totals.frames) < 4000:
            totals.frames.append(frame)
        for address in addresses:
            s.release(address)
        if args.command == "echo":
            totals.sent += s.send([frame[6:12] + frame[:6] + frame[12:]])[1]
    if got and args.command == "echo":
        s.wake()
    if not args.no_refill:
        s.refill(sum(len(addresses) for addresses, _ in got))
        s.wake(receive=True)


def send_all(sockets, totals, args):
    """Each socket so many frames; then wait for their completion."""
    left = {s.queue: args.count for s in sockets}
    idle = dict.fromkeys(left, 0)
    sizes = [int(x) for x in args.size.split(",")]
    given = []
    if args.frames:
        with open(args.frames, encoding="ascii") as f:
            given = json.load(f)
    deadline = time.monotonic() + args.patience
    while (any(left.values()) or totals.done < totals.sent) and not args.stop:
        if time.monotonic() > deadline:
            break
        for s in sockets:
            n = min(left[s.queue], args.burst)
            frames, metadata = [], []
            for i in range(n):
                number = args.count - left[s.queue] + i
                if given:
                    data, *wanted = given[number % len(given)]
                    frames.append(bytes.fromhex(data))
                    metadata.append((number, *wanted))
                    continue
                size = sizes[number % len(sizes)]
                head = bytes.fromhex(args.to) + bytes.fromhex(args.source) + b"\x88\xb5" + \
                    struct.pack("!BI", s.queue, number)
                frames.append((head + bytes((number + j) & 255 for j in range(size)))[:size])
            sent, buffers = s.send(frames, metadata)
            left[s.queue] -= sent
            totals.sent += buffers
            # Once, whatever becomes of them.
            if sent:
                s.wake()
            idle[s.queue] = 0 if sent else idle[s.queue] + 1
            # Who is lazy takes completions when nothing goes any more.
            if not args.lazy or not left[s.queue]:
                totals.done += s.completed()
            elif idle[s.queue] == LAZY:
                totals.stalls += 1
                totals.done += s.completed()
                s.wake()
                idle[s.queue] = 0
        time.sleep(args.pause)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dev")
    parser.add_argument("command", choices=("receive", "echo", "send"))
    parser.add_argument("--queues", default="0,1")
    parser.add_argument("--chunk", type=int, default=4096)
    parser.add_argument("--chunks", type=int, default=1024)
    parser.add_argument("--ring", type=int, default=1024)
    parser.add_argument("--fill", type=int, default=800)
    parser.add_argument("--headroom", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--size", default="60")
    parser.add_argument("--to", default="ff" * 6)
    parser.add_argument("--source", default="020000000001")
    parser.add_argument("--burst", type=int, default=16)
    parser.add_argument("--pause", type=float, default=0.005)
    parser.add_argument("--patience", type=float, default=30)
    parser.add_argument("--segment", type=int, default=0)
    parser.add_argument("--frames")
    parser.add_argument("--metadata", type=int, default=0)
    for name in ("lazy", "shared", "sg", "unaligned", "copy", "no-wakeup", "no-refill",
                 "no-program", "idle"):
        parser.add_argument(f"--{name}", action="store_true")
    args = parser.parse_args()
    args.stop = False

    def stop(*_):
        args.stop = True
    signal.signal(signal.SIGINT, stop)
    sockets = []
    for q in args.queues.split(","):
        sockets.append(Socket(args, int(q), sockets[0] if args.shared and sockets else None))
    if args.shared:
        sockets[0].provide()
    if args.command != "send" and not args.no_program:
        refusal = xdp.attach(args.dev, redirect_to(sockets), xdp.XDP_FLAGS_DRV_MODE)
        if refusal:
            print(refusal, flush=True)
            sys.exit(1)
    print("ready", "zero copy" if all(s.zero_copy() for s in sockets) else "copy", flush=True)
    totals = Totals()
    if args.command == "send":
        send_all(sockets, totals, args)
    else:
        poll = select.poll()
        for s in sockets:
            poll.register(s.sock, select.POLLIN)
        while not args.stop:
            if args.idle:       # takes nothing
                time.sleep(0.05)
                continue
            poll.poll(20)
            for s in sockets:
                take(s, totals, args)
                totals.done += s.completed()
    totals.report(sockets)


if __name__ == "__main__":
    main()
