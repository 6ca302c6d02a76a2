# SPDX-License-Identifier: GPL-2.0
"""hostile_peer.py DEV MAC SECONDS SEED: frames that nobody should send, as fast as they go.

Prints how many were sent.
"""

import json
import random
import socket
import struct
import sys
import time

ADDRESSES = ["192.0.2.1", "192.0.2.2", "255.255.255.255", "224.0.0.1", "0.0.0.0", "127.0.0.1"]
ADDRESSES6 = ["2001:db8::1", "2001:db8::2", "ff02::1", "::", "::1", "fe80::1"]
TAGS = (0x8100, 0x88a8, 0x9100)


def pick4(rng):
    return socket.inet_aton(rng.choice(ADDRESSES))


def pick6(rng):
    return socket.inet_pton(socket.AF_INET6, rng.choice(ADDRESSES6))


def noise(rng, most=1500):
    return rng.randbytes(rng.choice((0, 1, 7, 8, 20, 46, 64, 500, 1400, rng.randrange(most))))


def transport(rng, proto):
    ports = struct.pack("!HH", rng.getrandbits(16), rng.choice((5201, 9, 22, rng.getrandbits(16))))
    if proto == 6:
        return ports + rng.randbytes(8) + bytes([rng.getrandbits(8), rng.getrandbits(8)]) \
            + rng.randbytes(6) + noise(rng)
    if proto == 17:
        return ports + struct.pack("!HH", rng.choice((0, 7, 8, 100, 0xffff)), rng.getrandbits(16)) \
            + noise(rng)
    return noise(rng)


def ipv4(rng):
    proto = rng.choice((6, 17, 1, 2, 4, 41, 47, 50, rng.getrandbits(8)))
    data = transport(rng, proto)
    ihl = rng.choice((5, 5, 5, 15, rng.randrange(16)))
    total = rng.choice((20 + len(data), 0, 19, 20, 0xffff, rng.getrandbits(16)))
    frag = rng.choice((0, 0, 0x2000, 0x1fff, 0x3fff, rng.getrandbits(16)))
    head = struct.pack("!BBHHHBBH4s4s", rng.choice((4, 4, 4, 6, 0)) << 4 | ihl, rng.getrandbits(8),
                       total, rng.getrandbits(16), frag, rng.choice((64, 0, 1)), proto,
                       rng.getrandbits(16), pick4(rng), pick4(rng))
    return 0x0800, head + rng.randbytes(rng.choice((0, max(0, ihl * 4 - 20)))) + data


def ipv6(rng):
    chain = b""
    first = following = rng.choice((6, 17, 58, 59))
    for _ in range(rng.choice((0, 0, 1, 3, 20))):
        kind = rng.choice((0, 43, 44, 60, 51, 135))
        chain = bytes([first, rng.choice((0, 1, 255))]) + rng.randbytes(6) + chain
        first = kind
    data = chain + transport(rng, following)
    length = rng.choice((len(data), 0, 0xffff, rng.getrandbits(16)))
    return 0x86dd, struct.pack("!IHBB16s16s", 6 << 28 | rng.getrandbits(28), length, first,
                               rng.choice((64, 0, 255)), pick6(rng), pick6(rng)) + data


def other(rng):
    return rng.choice((0x0806, 0x8808, 0x8847, 0x88cc, 0x88f7, 0x0000, 0x05dc, 0x05ff,
                       rng.getrandbits(16))), noise(rng)


def frame(rng, mac):
    dst = mac if rng.random() < 0.8 else rng.choice((b"\xff" * 6, b"\x01\x00\x5e\x00\x00\x01",
                                                     b"\x01\x80\xc2\x00\x00\x01", rng.randbytes(6)))
    kind, data = rng.choice((ipv4, ipv4, ipv6, ipv6, other))(rng)
    tags = b"".join(struct.pack("!HH", rng.choice(TAGS), rng.getrandbits(16))
                    for _ in range(rng.choice((0, 0, 0, 1, 2, 10))))
    whole = dst + b"\x02" + rng.randbytes(5) + tags + struct.pack("!H", kind) + data
    cut = rng.random()
    if cut < 0.15:
        whole = whole[:rng.randrange(14, len(whole) + 1)]
    elif cut < 0.25:
        whole += bytes(rng.choice((100, 1500, 4000, 8000)))
    return whole[:9214]


def main():
    dev, mac, seconds, seed = sys.argv[1:]
    rng = random.Random(int(seed))
    mac = bytes.fromhex(mac.replace(":", ""))
    frames = [frame(rng, mac) for _ in range(4000)]
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((dev, 0))
    end = time.monotonic() + float(seconds)
    sent = 0
    while time.monotonic() < end:
        for data in frames:
            try:
                s.send(data)
                sent += 1
            except OSError as error:
                if error.errno not in (11, 105):    # not "the queue is full": this frame
                    continue
                time.sleep(0.001)
            if time.monotonic() >= end:
                break
    print(json.dumps(sent))


main()
