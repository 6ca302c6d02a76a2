# SPDX-License-Identifier: GPL-2.0
"""raw.py send DEV [--vnet]: frames from standard input, one in hexadecimal a line.
raw.py blast DEV [--bypass]: short frames without an end; past the queueing discipline.
raw.py tally DEV: until INT; how many frames of an EtherType came with a tag, and without.
raw.py capture DEV …: print each frame that arrives (or leaves), until killed, as JSON.

With --vnet each frame starts with a struct virtio_net_hdr: offloads as a program asks for them.
"""

import argparse
import ctypes
import json
import socket
import struct
import sys
import time

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP, PACKET_AUXDATA, PACKET_VNET_HDR, PACKET_QDISC_BYPASS = 1, 8, 15, 20
SO_ATTACH_FILTER, SO_SNDBUFFORCE = 26, 32
PACKET_MR_PROMISC = 1
PACKET_OUTGOING = 4
TP_STATUS_CSUMNOTREADY, TP_STATUS_VLAN_VALID, TP_STATUS_CSUM_VALID = 8, 16, 128


def send(args):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    # Or it waits for a queue that a test has stopped.
    s.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 16 << 20)
    if args.vnet:
        s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    else:
        # A fair queue would take frames for flows, and change their order.
        s.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
    s.bind((args.dev, 0))
    for line in sys.stdin.read().split():
        frame = bytes.fromhex(line)
        while True:
            try:
                s.send(frame)
                break
            except (BlockingIOError, OSError) as error:
                if error.errno not in (11, 105):      # the queue is full
                    raise
                time.sleep(0.001)


def blast(args):
    """Send short frames without an end, whatever happens to the interface."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, args.bypass)
    s.bind((args.dev, 0))
    frame = bytes.fromhex("02005e000001" "02005e000002" "88b5") + bytes(86)
    while True:
        try:
            s.send(frame)
        except OSError:
            time.sleep(0.001)


def tag(data, ancillary):
    """The tag of a frame, wherever it is; None without one."""
    for _, kind, value in ancillary:
        if kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", value)
            if status & TP_STATUS_VLAN_VALID:
                return tci
    ethertype, tci = struct.unpack_from("!HH", data, 12)
    return tci if ethertype == 0x8100 else None


def tally(args):
    s = listener(args)
    counts = {}
    try:
        while True:
            data, aux, _, address = s.recvmsg(70000, 256)
            vlan = tag(data, aux)
            inner, = struct.unpack_from("!H", data, 16 if data[12:14] == b"\x81\0" else 12)
            if inner == args.ethertype and (address[2] == PACKET_OUTGOING) == args.outgoing:
                counts[str(vlan)] = counts.get(str(vlan), 0) + 1
    except KeyboardInterrupt:
        print(json.dumps(counts))


def only_from(s, source):
    """In the kernel: whoever reads here is too slow for what else there may be."""
    high, low = struct.unpack("!IH", source)
    code = b"".join(struct.pack("HBBI", *x) for x in (
        (0x20, 0, 0, 6), (0x15, 0, 3, high), (0x28, 0, 0, 10), (0x15, 0, 1, low),
        (0x6, 0, 0, 0x40000), (0x6, 0, 0, 0)))
    memory = ctypes.create_string_buffer(code)
    s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                 struct.pack("HP", len(code) // 8, ctypes.addressof(memory)))


def listener(args):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)     # nothing before the bind
    s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)     # SO_RCVBUFFORCE
    if args.source:
        only_from(s, bytes.fromhex(args.source.replace(":", "")))
    s.bind((args.dev, ETH_P_ALL))
    if args.promisc:
        index = socket.if_nametoindex(args.dev)
        s.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP,
                     struct.pack("iHH8s", index, PACKET_MR_PROMISC, 0, b""))
    print("ready", file=sys.stderr, flush=True)
    return s


def capture(args):
    s = listener(args)
    while True:
        data, aux, _, address = s.recvmsg(70000, 256)
        if (address[2] == PACKET_OUTGOING) != args.outgoing:
            continue
        record = {"frame": data.hex(), "type": address[2]}
        ethertype = struct.unpack_from("!H", data, 12)[0]
        for _, kind, value in aux:
            if kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", value)
                record["csum_valid"] = bool(status & TP_STATUS_CSUM_VALID)
                record["csum_partial"] = bool(status & TP_STATUS_CSUMNOTREADY)
                if status & TP_STATUS_VLAN_VALID:
                    record["vlan"] = tci
        if ethertype == 0x8100:
            ethertype = struct.unpack_from("!H", data, 16)[0]
        if args.ethertype is None or ethertype == args.ethertype:
            print(json.dumps(record), flush=True)


p = argparse.ArgumentParser()
p.add_argument("what", choices=["send", "blast", "tally", "capture"])
p.add_argument("dev")
p.add_argument("--vnet", action="store_true")
p.add_argument("--bypass", action="store_true")
p.add_argument("--outgoing", action="store_true")
p.add_argument("--promisc", action="store_true")
p.add_argument("--source")
p.add_argument("--ethertype", type=lambda x: int(x, 0))
args = p.parse_args()
{"send": send, "blast": blast, "tally": tally, "capture": capture}[args.what](args)
