# SPDX-License-Identifier: GPL-2.0
"""Build frames, take them apart, and verify their checksums: independent of any stack."""

import struct

TEST_TYPE = 0x88b5      # IEEE: local experiments


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ether(dst, src, ethertype=TEST_TYPE, payload=b"", vlan=None):
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    return mac(dst) + mac(src) + tag + struct.pack("!H", ethertype) + payload


def pattern(length, seed=0):
    return bytes((i * 7 + seed * 13 + (i >> 8)) & 0xff for i in range(length))


def csum(data):
    """The Internet checksum as it stands in a header."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


class BadFrame(AssertionError):
    pass


def need(good, text, frame):
    if not good:
        raise BadFrame(f"{text}: {frame.hex()}")


def verify(frame):
    """Check lengths and every checksum of an IPv4 or IPv6 frame; its summary as a dict."""
    offset, kind, vlan = 14, struct.unpack_from("!H", frame, 12)[0], None
    if kind == 0x8100:
        vlan, kind = struct.unpack_from("!HH", frame, 14)
        offset = 18
    if kind == 0x0800:
        found = _ipv4(frame, offset)
    elif kind == 0x86dd:
        found = _ipv6(frame, offset)
    else:
        return {"kind": kind, "vlan": vlan}
    return {"kind": kind, "vlan": vlan, "length": len(frame), **found}


def _ipv4(frame, at):
    hlen = (frame[at] & 15) * 4
    total, ident, frag = struct.unpack_from("!HHH", frame, at + 2)
    need(at + total <= len(frame), "IPv4 total length beyond the frame", frame)
    need(total == len(frame) - at or len(frame) <= 60, "IPv4 total length is short", frame)
    need(csum(frame[at:at + hlen]) == 0, "IPv4 header checksum", frame)
    found = {"ip": 4, "proto": frame[at + 9], "id": ident}
    if frag & 0x3fff:
        return found
    pseudo = frame[at + 12:at + 20] + struct.pack("!HH", frame[at + 9], total - hlen)
    return {**found, **_transport(frame, frame[at + 9], at + hlen, at + total, pseudo)}


def _ipv6(frame, at):
    length, proto = struct.unpack_from("!HB", frame, at + 4)
    end = at + 40 + length
    need(end <= len(frame), "IPv6 payload length beyond the frame", frame)
    need(end == len(frame) or len(frame) <= 60, "IPv6 payload length is short", frame)
    next_at = at + 40
    while proto in (0, 43, 60):
        proto, size = frame[next_at], (frame[next_at + 1] + 1) * 8
        next_at += size
    pseudo = frame[at + 8:at + 40] + struct.pack("!II", end - next_at, proto)
    return {"ip": 6, "proto": proto, **_transport(frame, proto, next_at, end, pseudo)}


def _transport(frame, proto, start, end, pseudo):
    segment = frame[start:end]
    if proto == 6:
        need(csum(pseudo + segment) == 0, "TCP checksum", frame)
        hlen = (segment[12] >> 4) * 4
        seq, = struct.unpack_from("!I", segment, 4)
        return {"seq": seq, "flags": segment[13], "payload": segment[hlen:],
                "ports": struct.unpack_from("!HH", segment)}
    if proto == 17:
        if segment[6:8] != b"\0\0":
            need(csum(pseudo + segment) == 0, "UDP checksum", frame)
        return {"payload": segment[8:], "ports": struct.unpack_from("!HH", segment),
                "csum": struct.unpack_from("!H", segment, 6)[0]}
    if proto == 58:
        need(csum(pseudo + segment) == 0, "ICMPv6 checksum", frame)
    elif proto == 1:
        need(csum(segment) == 0, "ICMP checksum", frame)
    return {"payload": segment}


def ipv4(src, dst, proto, payload, ident=1, ttl=64):
    def packed(address):
        return bytes(int(x) for x in address.split("."))
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), ident, 0, ttl, proto, 0) + \
        packed(src) + packed(dst)
    return head[:10] + struct.pack("!H", csum(head)) + head[12:] + payload


def udp4(src, dst, sport, dport, payload):
    def packed(address):
        return bytes(int(x) for x in address.split("."))
    segment = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    pseudo = packed(src) + packed(dst) + struct.pack("!HH", 17, len(segment))
    value = csum(pseudo + segment) or 0xffff
    return ipv4(src, dst, 17, segment[:6] + struct.pack("!H", value) + segment[8:])
