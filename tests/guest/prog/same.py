# SPDX-License-Identifier: GPL-2.0
"""same.py DEV: write each setting back as it was read, by the ioctls that tools and udev use.

Prints what was refused, and what read otherwise afterwards, as JSON.
"""

import ctypes
import fcntl
import json
import socket
import struct
import sys

SIOCETHTOOL = 0x8946
GFEATURES, SFEATURES = 0x3a, 0x3b
GRSSH, SRSSH = 0x46, 0x47
PERQUEUE = 0x4b
GLINKSETTINGS, SLINKSETTINGS = 0x4c, 0x4d
GCOALESCE, SCOALESCE, COALESCE_BYTES = 0x0e, 0x0f, 92

# name: GET, SET, bytes of the structure, which has the command in front.
PLAIN = {
    "settings": (0x01, 0x02, 44),
    "messages": (0x07, 0x08, 8),
    "coalesce": (GCOALESCE, SCOALESCE, COALESCE_BYTES),
    "rings": (0x10, 0x11, 36),
    "pause": (0x12, 0x13, 16),
    "channels": (0x3c, 0x3d, 36),
}
# The same of the interface, in struct ifreq.
INTERFACE = {
    "flags": (0x8913, 0x8914),
    "mtu": (0x8921, 0x8922),
    "address": (0x8927, 0x8924),
    "queue length": (0x8942, 0x8943),
}

dev = sys.argv[1].encode()
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def ethtool(data):
    buf = ctypes.create_string_buffer(bytes(data), len(data) + 256)
    fcntl.ioctl(s, SIOCETHTOOL, struct.pack("16sP", dev, ctypes.addressof(buf)) + bytes(16))
    return buf.raw[:len(data)]


def command(number, data):
    return struct.pack("I", number) + data[4:]


def get_link():
    words = -struct.unpack_from("b", ethtool(command(GLINKSETTINGS, bytes(48))), 15)[0]
    head = bytearray(48 + 12 * words)
    struct.pack_into("Ib", head, 0, GLINKSETTINGS, 0)
    struct.pack_into("b", head, 15, words)
    return ethtool(head)


def get_rss():
    head = ethtool(command(GRSSH, bytes(24)))
    indir, key = struct.unpack_from("II", head, 8)
    return ethtool(command(GRSSH, head[:16] + bytes(8 + 4 * indir + key)))


def get_features():
    return ethtool(struct.pack("II", GFEATURES, 2) + bytes(32))


def set_features(got):
    words = b""
    for at in (8, 24):
        available, requested = struct.unpack_from("II", got, at)
        words += struct.pack("II", available, requested & available)
    ethtool(struct.pack("II", SFEATURES, 2) + words)


def queue_request(queue, sub):
    return struct.pack("II", PERQUEUE, sub) + (1 << queue).to_bytes(512, "little")


def get_queue(queue):
    return ethtool(queue_request(queue, GCOALESCE) + bytes(COALESCE_BYTES))


def set_queue(queue, got):
    data = command(SCOALESCE, got[520:])
    ethtool(queue_request(queue, SCOALESCE) + data)


def interface(number, data=bytes(24)):
    return fcntl.ioctl(s, number, struct.pack("16s", dev) + data)[16:]


def settings():
    """(name, get, set)"""
    for name, (get, set_, size) in PLAIN.items():
        yield (name, lambda get=get, size=size: ethtool(command(get, bytes(size))),
               lambda got, set_=set_: ethtool(command(set_, got)))
    yield "link", get_link, lambda got: ethtool(command(SLINKSETTINGS, got))
    yield "rss", get_rss, lambda got: ethtool(command(SRSSH, got))
    yield "features", get_features, set_features
    for queue in (0, 1):
        yield (f"queue {queue}", lambda queue=queue: get_queue(queue),
               lambda got, queue=queue: set_queue(queue, got))
    for name, (get, set_) in INTERFACE.items():
        yield (name, lambda get=get: interface(get),
               lambda got, set_=set_: interface(set_, got))


before = {name: get() for name, get, _ in settings()}
refused = {}
for what, _, put in settings():
    try:
        put(before[what])
    except OSError as error:
        refused[what] = error.strerror
after = {name: get() for name, get, _ in settings()}
print(json.dumps({"refused": refused,
                  "changed": [name for name in before if before[name] != after[name]]}))
