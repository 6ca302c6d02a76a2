# SPDX-License-Identifier: GPL-2.0
"""The device model: checksums and segmentation of transmit."""

import struct

import packets as p
import pytest
from client import EOP, IFCS, IXSM, RS, TSCTC, TSCTFC, TSE, TXSM, TxRing


def segment_reference(head, payload, mss, v4):
    """What a segmenting sender makes of a packet: frames."""
    frames = []
    for i, at in enumerate(range(0, len(payload), mss)):
        part = payload[at:at + mss]
        last = at + mss >= len(payload)
        l4 = bytearray(head[34 if v4 else 54:])
        l4[4:8] = struct.pack(">I", struct.unpack(">I", l4[4:8])[0] + at)
        if not last:
            l4[13] &= ~0x09
        l4[16:18] = b"\0\0"
        body = bytes(l4) + part
        ip = p.ip4(body, ident=7 + i) if v4 else p.ip6(body)
        frames.append(head[:14] + p.with_l4_sum(ip, 6))
    return frames


@pytest.mark.parametrize("v4", [True, False], ids=["v4", "v6"])
@pytest.mark.parametrize("size,mss", [(4000, 1448), (2896, 1448), (1, 1448), (300, 17),
                                      (65000, 1440), (9000, 8000)])
def test_segmentation(host, v4, size, mss):
    payload = bytes(i * 7 & 0xFF for i in range(size))
    body = p.tcp(flags=0x19, seq=0xFFFFFF00 & 0x7FFFFFFF)
    ip = p.ip4(body) if v4 else p.ip6(body)
    ip = p.seeded(ip, 6, 0)
    ip = ip[:2] + b"\0\0" + ip[4:10] + b"\0\0" + ip[12:] if v4 else ip[:4] + b"\0\0" + ip[6:]
    head = p.ether(ip, kind=0x0800 if v4 else 0x86DD)
    l4 = 34 if v4 else 54
    tx = TxRing(host)
    tx.context(ipcss=14, ipcso=24 if v4 else 0, ipcse=33 if v4 else 0, tucss=l4, tucso=l4 + 16,
               paylen=size, hdrlen=len(head), mss=mss, flags=1 << 24 | TSE | (v4 << 25))
    options = TXSM | (IXSM if v4 else 0)
    tx.frame(head, IFCS | TSE, options)
    slot = tx.frame(payload, EOP | IFCS | RS | TSE, options)
    tx.ring()
    for want in segment_reference(head, payload, mss, v4):
        assert host.frame_out() == want + bytes(max(0, 60 - len(want)))
    tx.wait(slot)
    assert (host.rd(TSCTC), host.rd(TSCTFC)) == (1, 0)
    assert not host.offences()


@pytest.mark.parametrize("proto,body", [(6, p.tcp(b"abc")), (17, p.udp(b"abcd"))],
                         ids=["tcp", "udp"])
def test_checksum_by_context(host, proto, body):
    ip = p.seeded(p.ip4(body, proto), proto, len(body))
    tx = TxRing(host)
    tx.context(ipcss=14, ipcso=24, ipcse=33, tucss=34, tucso=34 + (16 if proto == 6 else 6),
               flags=1 << 24 if proto == 6 else 0)
    tx.frame(p.ether(ip), upper=TXSM)
    tx.ring()
    sent = host.frame_out()
    assert p.l4_good(sent[14:], proto)


@pytest.mark.parametrize("cmd", [0, 1 << 26], ids=["no-ic", "ic"])
def test_legacy_checksum(host, cmd):
    """From CSS to the end, put at CSO, where the descriptor's IC asks for it."""
    frame = p.ether(p.seeded(p.ip4(p.udp(b"abcd"), 17), 17, 12))
    tx = TxRing(host)
    addr = host.alloc(len(frame))
    host.put(addr, frame)
    tx.desc(addr, len(frame) | 40 << 16 | EOP | IFCS | RS | cmd, 34 << 8)
    tx.ring()
    assert p.l4_good(host.frame_out()[14:], 17) == bool(cmd)


def test_hardware_parses_nothing(host):
    """A context with other offsets makes a wrong frame, without a word."""
    ip = p.seeded(p.ip4(p.tcp(b"abc")), 6, 23)
    tx = TxRing(host)
    tx.context(tucss=34, tucso=40, flags=1 << 24)
    tx.frame(p.ether(ip), upper=TXSM)
    tx.ring()
    assert not p.l4_good(host.frame_out()[14:], 6)


def test_one_context_for_both_queues(host):
    one, two = TxRing(host, 0), TxRing(host, 1)
    ip = p.seeded(p.ip4(p.tcp(b"abc")), 6, 23)
    one.context(tucss=34, tucso=50, flags=1 << 24)
    one.frame(p.ether(ip), upper=TXSM)
    one.ring()
    assert p.l4_good(host.frame_out()[14:], 6)
    two.context(tucss=14, tucso=20, flags=1 << 24)
    slot = two.frame(p.ether(ip), upper=TXSM)
    two.ring()
    host.frame_out()
    two.wait(slot)
    assert not host.offences()
    one.frame(p.ether(ip), upper=TXSM)      # relies on the first: it is gone
    one.ring()
    assert not p.l4_good(host.frame_out()[14:], 6)
    assert host.offences() == {"context"}


@pytest.mark.parametrize("mss,hdrlen", [(16, 54), (0, 54), (1448, 0), (1448, 30)])
def test_bad_segmentation_is_counted(host, mss, hdrlen):
    tx = TxRing(host)
    tx.context(ipcss=14, ipcso=24, ipcse=33, tucss=34, tucso=50, paylen=2000, hdrlen=hdrlen,
               mss=mss, flags=1 << 24 | 1 << 25 | TSE)
    slot = tx.frame(p.ether(p.ip4(p.tcp(bytes(2000)))), EOP | IFCS | RS | TSE, IXSM | TXSM)
    tx.ring()
    tx.wait(slot)
    assert host.offences() == {"tso"}
    assert host.frame_out(0.01) is None
    assert (host.rd(TSCTC), host.rd(TSCTFC)) == (0, 1)


@pytest.mark.parametrize("off", [-1, 0, 1])
@pytest.mark.parametrize("mss", [1448, 2000])
def test_payload_that_is_not_paylen(host, mss, off):
    """More or less than the context says: sent, and told."""
    tx = TxRing(host)
    tx.context(ipcss=14, ipcso=24, ipcse=33, tucss=34, tucso=50, paylen=2000 + off, hdrlen=54,
               mss=mss, flags=1 << 24 | 1 << 25 | TSE)
    slot = tx.frame(p.ether(p.ip4(p.tcp(bytes(2000)))), EOP | IFCS | RS | TSE, IXSM | TXSM)
    tx.ring()
    tx.wait(slot)
    assert host.offences() == ({"tso"} if off else set())
    assert (host.rd(TSCTC), host.rd(TSCTFC)) == ((0, 1) if off else (1, 0))
