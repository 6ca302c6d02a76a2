# SPDX-License-Identifier: GPL-2.0
"""What goes up with a frame: each field of the skb that the driver fills, for each kind of frame.

Looked at where the driver hands it over, by the helper module.
"""

import struct

import pytest
from frames import TEST_TYPE, csum, ipv4, mac, pattern, udp4
from lab import PY, wait_until
from test_rss import KEY, get, set_key, toeplitz

# Nobody's: the stack drops what is sent to them, and says nothing.
SRC4, DST4 = "198.51.100.7", "203.0.113.9"
SRC6, DST6 = (bytes.fromhex(f"20010db8{n:02x}" + "00" * 10 + f"{n:02x}") for n in (7, 9))
PORTS = (2794, 1766)

NONE, UNNECESSARY = 0, 1        # ip_summed
HOST, BROADCAST, MULTICAST, OTHERHOST = range(4)

# Sizes of this kernel on x86-64: struct sk_buff, struct skb_shared_info, in cache lines.
SKB, SHARED, PAD, XDP_HEADROOM, PAGE = 256, 320, 64, 256, 4096
SMALL = PAD + 1536 + SHARED     # 1522 bytes and headroom, in cache lines
COPIED = 256
BUFFER = 2048


def packed(address):
    return bytes(int(x) for x in address.split("."))


def tcp(pseudo, payload):
    """A segment; pseudo: addresses."""
    head = struct.pack("!HHIIBBHHH", *PORTS, 1, 0, 5 << 4, 0x10, 512, 0, 0)
    whole = head + payload
    tail = struct.pack("!BBH", 0, 6, len(whole)) if len(pseudo) == 8 else \
        struct.pack("!II", len(whole), 6)
    return whole[:16] + struct.pack("!H", csum(pseudo + tail + whole)) + whole[18:]


def udp6(payload):
    head = struct.pack("!HHHH", *PORTS, 8 + len(payload), 0)
    value = csum(SRC6 + DST6 + struct.pack("!II", 8 + len(payload), 17) + head + payload)
    return head[:6] + struct.pack("!H", value or 0xffff) + payload


def ipv6(proto, payload, ext=b""):
    return struct.pack("!IHBB", 6 << 28, len(ext + payload), 60 if ext else proto, 64) + \
        SRC6 + DST6 + ext + payload


def options4(payload):
    """An IPv4 header with four bytes of options (no operation)."""
    head = bytearray(ipv4(SRC4, DST4, 6, payload)[:20] + b"\1\1\1\0")
    head[0], head[2:4], head[10:12] = 0x46, struct.pack("!H", 24 + len(payload)), b"\0\0"
    return bytes(head[:10]) + struct.pack("!H", csum(bytes(head))) + bytes(head[12:]) + payload


def fragment4(offset, more, payload):
    whole = bytearray(ipv4(SRC4, DST4, 17, payload))
    whole[6:8], whole[10:12] = struct.pack("!H", more << 13 | offset // 8), b"\0\0"
    return bytes(whole[:10]) + struct.pack("!H", csum(bytes(whole[:20]))) + bytes(whole[12:])


def spoil(packet, at):
    return packet[:at] + bytes([packet[at] ^ 0x55]) + packet[at + 1:]


TCP4 = ipv4(SRC4, DST4, 6, tcp(packed(SRC4) + packed(DST4), pattern(100)))
UDP4 = udp4(SRC4, DST4, *PORTS, pattern(100))
TCP6 = ipv6(6, tcp(SRC6 + DST6, pattern(100)))
L3_4, L3_6 = packed(SRC4) + packed(DST4), SRC6 + DST6
L4_4, L4_6 = (x + struct.pack("!HH", *PORTS) for x in (L3_4, L3_6))

# kind of frame: (EtherType, payload, what is hashed, checksum is right and of a protocol that
# the device knows)
IPV4, IPV6, ARP = 0x0800, 0x86dd, 0x0806
KINDS = {
    "TCP, IPv4": (IPV4, TCP4, L4_4, True),
    "TCP, IPv4, wrong sum": (IPV4, spoil(TCP4, 36), L4_4, False),
    "TCP, IPv4, wrong header sum": (IPV4, spoil(TCP4, 10), L4_4, False),
    "TCP, IPv4, options": (IPV4, options4(TCP4[20:]), L4_4, True),
    "UDP, IPv4": (IPV4, UDP4, L3_4, True),
    "UDP, IPv4, wrong sum": (IPV4, spoil(UDP4, 26), L3_4, False),
    "UDP, IPv4, no sum": (IPV4, UDP4[:26] + b"\0\0" + UDP4[28:], L3_4, False),
    "fragment, first": (IPV4, fragment4(0, 1, UDP4[20:100]), L3_4, False),
    "fragment, second": (IPV4, fragment4(80, 0, UDP4[100:]), L3_4, False),
    "ICMP": (IPV4, ipv4(SRC4, DST4, 1, bytes(60)), L3_4, False),
    "TCP, IPv6": (IPV6, TCP6, L4_6, True),
    "TCP, IPv6, wrong sum": (IPV6, spoil(TCP6, 56), L4_6, False),
    "UDP, IPv6": (IPV6, ipv6(17, udp6(pattern(100))), L3_6, True),
    "ICMPv6": (IPV6, ipv6(58, bytes(60)), L3_6, False),
    "ARP": (ARP, bytes(28), None, False),
    "unknown EtherType": (TEST_TYPE, pattern(60), None, False),
}
# Length of the payload of a TCP segment, so that the frame has so many bytes.
SIZES = (60, COPIED, COPIED + 1, 1000, 1514)
JUMBO = (BUFFER, BUFFER + 1, 2 * BUFFER, 9014)

SETTINGS = {
    "defaults": "true",
    "rx off": "ethtool -K dut0 rx off",
    "rxhash off": "ethtool -K dut0 rxhash off",
    "rxvlan off": "ethtool -K dut0 rxvlan off rx-vlan-filter off",
    "rx-fcs on": "ethtool -K dut0 rx-fcs on",
    "rx-all on": "ethtool -K dut0 rx-all on",
    "MTU 9000": "ip link set dut0 mtu 9000",
    "XDP": f"{PY}/xdp.py dut0 pass",
}


def of_size(size):
    return ipv4(SRC4, DST4, 6, tcp(packed(SRC4) + packed(DST4), pattern(size - 54)))


def table(nic, setting):
    """[(name, frame, expected fields)], each frame with a source address of its own."""
    rows = []

    def add(name, kind, payload, hashed, good, dst=nic.MAC, tags=b"", pkt_type=HOST, **more):
        src = f"02:00:00:00:{len(rows) >> 8:02x}:{len(rows) & 255:02x}"
        frame = mac(dst) + mac(src) + tags + struct.pack("!H", kind) + payload
        rows.append((name, frame, dict(kind=kind, hashed=hashed, good=good, pkt_type=pkt_type,
                                       tags=tags, **more)))
    for name, (kind, payload, hashed, good) in KINDS.items():
        add(name, kind, payload, hashed, good)
        add(f"{name}; tagged", kind, payload, hashed, good, tags=b"\x81\x00\x60\x05")
    for size in SIZES + (JUMBO if setting == "MTU 9000" else ()):
        add(f"{size} bytes", IPV4, of_size(size), L4_4, True)
    add("tagged, full size", IPV4, of_size(1514), L4_4, True, tags=b"\x81\x00\x60\x05")
    add("802.3 length", 46, b"\xaa\xaa\3" + bytes(43), None, False, protocol=4)
    add("broadcast", *KINDS["UDP, IPv4"], dst="ff:ff:ff:ff:ff:ff", pkt_type=BROADCAST)
    add("multicast", *KINDS["UDP, IPv4"], dst="01:00:5e:00:00:09", pkt_type=MULTICAST)
    add("of others", *KINDS["UDP, IPv4"], dst="02:99:99:99:99:99", pkt_type=OTHERHOST)
    # QEMU looks behind a tag that is not VET's, the model does not.
    parsed = nic.guest.config.device != "model"
    add("802.1ad", IPV4, TCP4, L4_4 if parsed else None, parsed,
        tags=b"\x88\xa8\x60\x05\x81\x00\x00\x06", protocol=0x88a8)
    return rows


def lengths(setting, frame, stripped):
    """(bytes in the linear part, bytes in fragments, fragments), the Ethernet header included."""
    size = max(len(frame), 60) - (4 if stripped else 0) + (4 if setting == "rx-fcs on" else 0)
    first = min(size, BUFFER)
    rest = size - first
    return first, rest, -(-rest // BUFFER)


def wrong(got, setting, indir, frame, want):
    """{field: (is, should be)} of what is not right."""
    tagged = want["tags"].startswith(b"\x81\x00")
    stripped = tagged and setting != "rxvlan off"
    first, rest, nr_frags = lengths(setting, frame, stripped)
    hashed = want["hashed"]
    value = toeplitz(KEY, hashed) if hashed else 0
    large = setting in ("MTU 9000", "rx-all on", "XDP")
    copied = first <= COPIED and not rest
    frame_sz = PAGE if large else SMALL
    shown = hashed and setting != "rxhash off"
    should = {
        "len": first + rest - 14, "data_len": rest, "nr_frags": nr_frags, "frags_len": rest,
        "headroom": (XDP_HEADROOM if large and not copied else PAD) + 14,
        "recycle": 1, "fragment": 1, "meta": 0,
        "protocol": want.get("protocol", 0x8100 if tagged and not stripped else want["kind"]),
        "pkt_type": want["pkt_type"],
        "vlan": int(stripped), "vlan_proto": 0x8100 if stripped else 0,
        "vlan_tci": 0x6005 if stripped else 0,
        "ip_summed": UNNECESSARY if want["good"] and setting != "rx off" else NONE,
        "csum_level": 0,
        "hash": value if shown else 0, "sw_hash": 0,
        "l4_hash": int(bool(shown) and len(hashed) in (12, 36)),
        "queue": indir[value & 0x7f] if hashed else 0,
    }
    if nr_frags:
        # There xdp_buff keeps the length of the fragments, on some kernels.
        should["destructor_arg"] = 0
    if copied:
        # The last head of a page has what is left of it.
        least = -(-(PAD + first) // 64) * 64 + SHARED
        should["truesize"] = SKB + least
        if least <= got["truesize"] - SKB < 2 * least:
            should["truesize"] = got["truesize"]
    else:
        should["truesize"] = SKB + frame_sz * (1 + nr_frags)
    return {k: (got[k], v) for k, v in should.items() if got[k] != v}


@pytest.mark.rule("R4")
@pytest.mark.parametrize("setting", SETTINGS)
def test_what_goes_up_with_a_frame(nic, setting):
    nic.quiet()
    set_key(nic)
    indir, _ = get(nic)
    nic.peer("ip link set peer0 mtu 9000")
    nic.defer("ip link set peer0 mtu 1500", "peer")
    nic.sh("ip link set dut0 promisc on; " + SETTINGS[setting])
    rows = table(nic, setting)
    before = nic.stats()["rx_packets"]
    with nic.handed_up() as seen:
        nic.send([frame for _, frame, _ in rows], "peer0", "peer")
        wait_until(lambda: nic.stats()["rx_packets"] - before >= len(rows), 20,
                   lambda: f"{len(rows)} frames, not {nic.stats()['rx_packets'] - before}")
    by_source = {x["head"][6:12]: x for x in seen}
    bad = {}
    for name, frame, want in rows:
        got = by_source[frame[6:12]]
        if faults := wrong(got, setting, indir, frame, want):
            bad[name] = faults
    assert not bad, "\n".join(f"{k}: is, should be: {v}" for k, v in bad.items())


# What a program does with a frame: (checksum state, bytes of metadata) that go up.
PROGRAMS = {
    "pass": (UNNECESSARY, 0),
    "meta 4": (UNNECESSARY, 4),
    "meta 32": (UNNECESSARY, 32),
    "tail-pass -4": (NONE, 0),
}


@pytest.mark.rule("X6")
@pytest.mark.parametrize("program", PROGRAMS)
def test_what_goes_up_after_a_program(nic, program):
    """The checksum that the device found right counts only for the frame as it was; metadata goes
    up with the frame, which is not copied then."""
    nic.quiet()
    nic.sh(f"{PY}/xdp.py dut0 {program} --type 0x0800")
    summed, meta = PROGRAMS[program]
    sizes = (COPIED - 50, 1000)
    with nic.handed_up() as seen:
        nic.send([mac(nic.MAC) + mac(f"02:00:00:00:00:{i:02x}") + b"\x08\0" + of_size(size)
                  for i, size in enumerate(sizes)], "peer0", "peer")
        wait_until(lambda: nic.stats()["rx_packets"] >= len(sizes), what="frames")
    got = [x for x in seen if x["head"][6:11] == mac("02:00:00:00:00:00")[:5]]
    assert len(got) == len(sizes), seen
    for x, size in zip(got, sizes):
        whole = meta or size > COPIED
        assert (x["ip_summed"], x["meta"]) == (summed, meta), x
        assert x["truesize"] == SKB + PAGE if whole else x["truesize"] < SKB + PAGE, x
