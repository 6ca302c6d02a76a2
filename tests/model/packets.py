# SPDX-License-Identifier: GPL-2.0
"""Packets, and what the hardware should make of them: a reference in few lines."""

import socket
import struct

from client import MAC, PEER


def inet_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def checksum(data):
    return ~inet_sum(data) & 0xFFFF


def ether(payload, dst=MAC, src=PEER, kind=0x0800, tag=None):
    head = dst + src + (struct.pack(">HH", 0x8100, tag) if tag is not None else b"")
    return head + struct.pack(">H", kind) + payload


def ip4(payload, proto=6, src="192.0.2.2", dst="192.0.2.1", good=True, frag=0, ident=7):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, frag, 64, proto, 0,
                       socket.inet_aton(src), socket.inet_aton(dst))
    total = checksum(head) ^ (0 if good else 0x5555)
    return head[:10] + struct.pack(">H", total) + head[12:] + payload


def ip6(payload, proto=6, src="2001:db8::2", dst="2001:db8::1"):
    return struct.pack(">IHBB", 6 << 28, len(payload), proto, 64) + \
        socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + payload


def pseudo(ip, proto, length):
    addresses = ip[12:20] if ip[0] >> 4 == 4 else ip[8:40]
    return addresses + struct.pack(">II", length, proto)


def tcp(payload=b"", sport=1000, dport=2000, seq=1, flags=0x18, check=0):
    return struct.pack(">HHIIBBHHH", sport, dport, seq, 1, 0x50, flags, 1000, check, 0) + payload


def udp(payload=b"", sport=1000, dport=2000, check=0):
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), check) + payload


def with_l4_sum(ip, proto, good=True):
    """The packet with its transport checksum filled in."""
    at = 20 if ip[0] >> 4 == 4 else 40
    off = at + (16 if proto == 6 else 6)
    total = checksum(pseudo(ip, proto, len(ip) - at) + ip[at:]) ^ (0 if good else 0x1111)
    return ip[:off] + struct.pack(">H", total) + ip[off + 2:]


def seeded(ip, proto, length):
    """... with the sum of the pseudo header alone in it, as a stack leaves it for hardware."""
    at = 20 if ip[0] >> 4 == 4 else 40
    off = at + (16 if proto == 6 else 6)
    return ip[:off] + struct.pack(">H", inet_sum(pseudo(ip, proto, length))) + ip[off + 2:]


def l4_good(ip, proto):
    at = 20 if ip[0] >> 4 == 4 else 40
    size = struct.unpack(">H", ip[2:4])[0] if at == 20 else 40 + struct.unpack(">H", ip[4:6])[0]
    return inet_sum(pseudo(ip, proto, size - at) + ip[at:size]) == 0xFFFF
