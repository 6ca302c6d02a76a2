# SPDX-License-Identifier: GPL-2.0
"""matrix.py tx|rx SEED: data through each combination of settings, compared byte by byte.

"tx" sends from the device under test, "rx" to it.  Both ends are sockets of this process, one of
them made in the peer's namespace.  Prints how many transfers there were, or what went wrong.
"""

import contextlib
import errno
import itertools
import json
import mmap
import os
import random
import select
import socket
import subprocess
import sys

LIMIT = 20                  # seconds that a transfer may take
SO_ZEROCOPY, MSG_ZEROCOPY = 60, 0x4000000
PAGE = 4096
PORT = 7011
PREFIX = {(4, 0): "192.0.2.", (6, 0): "2001:db8::", (4, 5): "198.51.100.", (6, 5): "2001:db8:5::"}

# The device has one switch for both directions of VLAN offload.
TX_FEATURES = [dict(zip(("tx", "sg", "tso", "gso", "rxvlan", "txvlan"), x, strict=True))
               for vlan in (0, 1)
               for x in ((0, 0, 0, 0, vlan, vlan), (1, 0, 0, 0, vlan, vlan),
                         (1, 1, 0, 0, vlan, vlan), (1, 1, 0, 1, vlan, vlan),
                         (1, 1, 1, 1, vlan, vlan))]
RX_FEATURES = [dict(zip(("rx", "gro", "rxvlan"), x, strict=True))
               for x in itertools.product((0, 1), repeat=3)]
MTUS = (1500, 4000, 9000)
RINGS = (80, 256)
SHOWN = {"rx": "rx-checksumming", "tx": "tx-checksumming", "sg": "scatter-gather",
         "tso": "tcp-segmentation-offload", "gro": "generic-receive-offload",
         "rxvlan": "rx-vlan-offload", "txvlan": "tx-vlan-offload"}
LAYOUTS = ("linear", "small fragments", "across pages", "single bytes")


def run(command):
    subprocess.run(["sh", "-ec", command], check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def at_peer():
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open("/run/netns/peer", os.O_RDONLY)
    os.setns(there, os.CLONE_NEWNET)
    try:
        yield
    finally:
        os.setns(here, os.CLONE_NEWNET)
        os.close(here)
        os.close(there)


def end(peer):
    return at_peer() if peer else contextlib.nullcontext()


def scattered(data, layout):
    """Buffers that hold the data, for a send without a copy."""
    if layout == "across pages":
        area = mmap.mmap(-1, len(data) + 2 * PAGE)
        area[PAGE - 17:PAGE - 17 + len(data)] = data
        return [memoryview(area)[PAGE - 17:PAGE - 17 + len(data)]]
    sizes = [1] * 8 if layout == "single bytes" else [61] * 12
    area = mmap.mmap(-1, (len(sizes) + 1) * 2 * PAGE + len(data))
    view, out, at = memoryview(area), [], 0
    for i, size in enumerate([*sizes, len(data)]):
        part = data[at:at + size]
        begin = i * 2 * PAGE + 100
        view[begin:begin + len(part)] = part
        out += [view[begin:begin + len(part)]] if part else []
        at += size
    return out


class Pair:
    """Two sockets with the device between them."""

    def __init__(self, kind, family, vlan, reverse):
        self.kind = kind
        self.what = ("TCP" if kind == socket.SOCK_STREAM else "UDP") + f"/IPv{family} VLAN {vlan}"
        af = socket.AF_INET if family == 4 else socket.AF_INET6
        own, other = (2, 1) if reverse else (1, 2)      # who sends, who receives
        address = PREFIX[family, vlan]
        with end(own == 2):
            self.out = socket.socket(af, kind)
        with end(other == 2):
            listener = socket.socket(af, kind)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            listener.bind((f"{address}{other}", PORT))
        if kind == socket.SOCK_STREAM:
            listener.listen()
            self.out.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.out.connect((f"{address}{other}", PORT))
        self.out.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
        self.out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.into = listener
        if kind == socket.SOCK_STREAM:
            self.into, _ = listener.accept()
            listener.close()
        self.out.setblocking(False)

    def close(self):
        self.out.close()
        self.into.close()

    def receive(self, size):
        got = b""
        while len(got) < size:
            ready, _, _ = select.select([self.into], [], [], LIMIT)
            if not ready:
                return got
            more = self.into.recv(size - len(got) if self.kind == socket.SOCK_STREAM else 65536)
            got += more
            if self.kind == socket.SOCK_DGRAM:
                break
        return got

    def send(self, data, layout):
        flags, parts = 0, [data]
        if layout != "linear":
            flags, parts = MSG_ZEROCOPY, scattered(data, layout)
        try:
            sent = self.out.sendmsg(parts, [], flags)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            self.drain()
            sent = self.out.sendmsg(parts, [], flags)
        if sent != len(data):
            sys.exit(f"{self.what}: the stack took {sent} of {len(data)} bytes")
        return parts

    def drain(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.out.recvmsg(1, 512, socket.MSG_ERRQUEUE)

    def check(self, data, layout, setting):
        parts = self.send(data, layout)
        got = self.receive(len(data))
        if got != data:
            at = next((i for i, (a, b) in enumerate(zip(got, data, strict=False)) if a != b),
                      min(len(got), len(data)))
            sys.exit(f"{setting}, {self.what}, {layout}, {len(data)} bytes: {len(got)} came, "
                     f"wrong from {at}: {got[at:at + 16].hex()} for {data[at:at + 16].hex()}")
        self.drain()
        del parts


def active():
    return subprocess.run(["ethtool", "-k", "dut0"], check=True, text=True,
                          capture_output=True).stdout


def settings(direction):
    for mtu in MTUS:
        for ring in RINGS:
            for features in TX_FEATURES if direction == "tx" else RX_FEATURES:
                yield mtu, ring, features


def main(direction, seed):
    rng = random.Random(seed)
    run("ip link add link dut0 name dut0.5 type vlan id 5; ip addr add 198.51.100.1/24 dev dut0.5;"
        "ip addr add 2001:db8:5::1/64 dev dut0.5 nodad; ip link set dut0.5 up;"
        "ip -n peer link add link peer0 name peer0.5 type vlan id 5;"
        "ip -n peer addr add 198.51.100.2/24 dev peer0.5;"
        "ip -n peer addr add 2001:db8:5::2/64 dev peer0.5 nodad; ip -n peer link set peer0.5 up")
    count, last, pairs = 0, None, []
    for mtu, ring, features in settings(direction):
        if (mtu, ring) != last:
            run(f"ip -n peer link set peer0 mtu {mtu}; ip -n peer link set peer0.5 mtu {mtu};"
                f"ip link set dut0 mtu {mtu}; ip link set dut0.5 mtu {mtu};"
                f"ethtool -G dut0 rx {ring} tx {ring}")
            for pair in pairs:
                pair.close()
            pairs = [Pair(kind, family, vlan, direction == "rx")
                     for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)
                     for family in (4, 6) for vlan in (0, 5)]
            last = mtu, ring
        run("ethtool -K dut0 " + " ".join(f"{k} {'on' if v else 'off'}"
                                          for k, v in features.items()))
        for name, value in features.items():
            shown = SHOWN.get(name)
            if shown and f"{shown}: {'on' if value else 'off'}" not in active():
                sys.exit(f"{name} is not {'on' if value else 'off'}")
        setting = f"MTU {mtu}, ring {ring}, " + \
            " ".join(f"{'' if v else 'no '}{k}" for k, v in features.items())
        for pair, layout in itertools.product(pairs, LAYOUTS):
            if pair.kind == socket.SOCK_STREAM:
                size = rng.choice((1, 700, mtu, 3 * mtu, 20000))
            else:
                size = rng.choice((1, 17, 700, mtu - 48, mtu - 28, 2 * mtu))
            pair.check(rng.randbytes(size), layout, setting)
            count += 1
    print(json.dumps(count))


main(sys.argv[1], int(sys.argv[2]))
