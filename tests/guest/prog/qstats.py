# SPDX-License-Identifier: GPL-2.0
"""qstats.py DEV: sums over the queues, and what no queue accounts for, by netlink (netdev
family, qstats-get), as {"rx": {"packets": …, "bytes": …}, "tx": …}."""

import json
import socket
import struct
import sys

GENL_CTRL, CTRL_GETFAMILY = 16, 3
QSTATS_GET = 12
IFINDEX = 1
NAMES = {8: ("rx", "packets"), 9: ("rx", "bytes"), 10: ("tx", "packets"), 11: ("tx", "bytes")}


def attributes(data):
    while len(data) >= 4:
        size, kind = struct.unpack_from("HH", data)
        yield kind & 0x3fff, data[4:size]
        data = data[size + 3 & ~3:]


def ask(s, family, command, payload, flags):
    body = struct.pack("BBH", command, 1, 0) + payload
    s.send(struct.pack("IHHII", 16 + len(body), family, flags, 1, 0) + body)
    while True:
        data = s.recv(1 << 16)
        while data:
            size, kind = struct.unpack_from("IH", data)
            if kind == 3:
                return
            if kind == 2:
                error = struct.unpack_from("i", data, 16)[0]
                if error:
                    raise OSError(-error, "netlink")
                return
            yield dict(attributes(data[20:size]))
            data = data[size + 3 & ~3:]
        if not flags & 0x300:
            return


def attr(kind, value):
    return struct.pack("HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
family, = ask(s, GENL_CTRL, CTRL_GETFAMILY, attr(2, b"netdev\0"), 1)
number, = struct.unpack("H", family[1])
index = struct.pack("I", socket.if_nametoindex(sys.argv[1]))
total = {"rx": {"packets": 0, "bytes": 0}, "tx": {"packets": 0, "bytes": 0}}
for device in ask(s, number, QSTATS_GET, attr(IFINDEX, index), 0x301):
    for kind, value in device.items():
        if kind in NAMES:
            way, name = NAMES[kind]
            total[way][name] += int.from_bytes(value, "little")
print(json.dumps(total))
