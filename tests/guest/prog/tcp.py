# SPDX-License-Identifier: GPL-2.0
"""tcp.py serve | send ADDRESS SIZE [--how HOW]: random bytes, and their CRC at both ends.

HOW: plain; fragments (zero-copy, many small pieces a packet); sendfile; tiny (one byte a call);
hopopts (IPv6 options that make the headers long).
"""

import argparse
import json
import os
import socket
import struct
import sys
import time
import zlib

PORT = 7007
SO_ZEROCOPY, MSG_ZEROCOPY = 60, 0x4000000
IPV6_DSTOPTS = 59


def serve():
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", PORT))
    s.listen()
    print("ready", file=sys.stderr, flush=True)
    c, _ = s.accept()
    h, size = 0, 0
    while data := c.recv(1 << 18):
        h = zlib.crc32(data, h)
        size += len(data)
    c.sendall(b"!")
    c.close()
    print(json.dumps({"size": size, "hash": h}))


def pieces(data, length, stride):
    """Copies of data in pieces that lie apart, so that none can be merged with the next."""
    import mmap     # here, as below: each module costs a start of this program dearly
    area = mmap.mmap(-1, (len(data) // length + 1) * stride)
    view = memoryview(area)
    out = []
    for i in range(0, len(data), length):
        at = i // length * stride
        part = data[i:i + length]
        view[at:at + len(part)] = part
        out.append(view[at:at + len(part)])
    return out


def send_fragments(s, data, length):
    s.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    parts = pieces(data, length, 4096)
    while parts:
        batch, parts = parts[:16], parts[16:]
        while batch:
            try:
                n = s.sendmsg(batch, [], MSG_ZEROCOPY)
            except OSError:
                # No memory for more notifications: read them.
                drain(s)
                continue
            while n:
                k = min(n, len(batch[0]))
                batch[0] = batch[0][k:]
                n -= k
                if not batch[0]:
                    batch.pop(0)
        drain(s)


def drain(s):
    try:
        while True:
            s.recvmsg(1, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
    except BlockingIOError:
        pass


def send(args):
    data = os.urandom(args.size)
    s = socket.socket(socket.AF_INET6 if ":" in args.address else socket.AF_INET)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if args.how == "hopopts":
        # A destination options header: one option that nobody knows and all skip.
        header = bytes([0, args.header // 8 - 1, 0x1e, args.header - 4]) + bytes(args.header - 4)
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_DSTOPTS, header)
    # Not settimeout(): that would make the socket non-blocking.
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        s.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", 60, 0))
    s.connect((args.address, PORT))
    begun = time.monotonic()
    if args.how == "fragments":
        send_fragments(s, data, args.piece)
    elif args.how == "sendfile":
        import tempfile
        with tempfile.TemporaryFile() as f:
            f.write(data)
            f.flush()
            at = 0
            while at < len(data):
                at += os.sendfile(s.fileno(), f.fileno(), at, len(data) - at)
    elif args.how == "tiny":
        for i in range(len(data)):
            s.send(data[i:i + 1])
    else:
        s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    assert s.recv(1) == b"!"
    print(json.dumps({"hash": zlib.crc32(data),
                      "seconds": time.monotonic() - begun}))


p = argparse.ArgumentParser()
p.add_argument("what", choices=["serve", "send"])
p.add_argument("address", nargs="?")
p.add_argument("size", nargs="?", type=int)
p.add_argument("--how", default="plain")
p.add_argument("--piece", type=int, default=700)
p.add_argument("--header", type=int, default=256)
args = p.parse_args()
serve() if args.what == "serve" else send(args)
