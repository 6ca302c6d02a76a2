# SPDX-License-Identifier: GPL-2.0
"""xdp.py DEV PROGRAM [ARG] [--frags] [--generic] [--type N]: attach an XDP program, or "none".

Frames of the tests' EtherType, or of --type, meet the verdict; all others pass.  Prints what the
kernel says to a refusal, and exits 1.  No compiler or loader is needed: the programs are a few
instructions.
"""

import argparse
import ctypes
import os
import socket
import struct
import sys

NR_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
BPF_MAP_CREATE, BPF_MAP_UPDATE_ELEM, BPF_PROG_LOAD = 0, 2, 5
BPF_PROG_TYPE_XDP, BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_CPUMAP = 6, 14, 16
BPF_F_XDP_HAS_FRAGS, BPF_F_XDP_DEV_BOUND_ONLY = 1 << 5, 1 << 6
XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT = range(5)
REDIRECT, ADJUST_HEAD, REDIRECT_MAP, ADJUST_META, ADJUST_TAIL = 23, 44, 51, 54, 65  # helpers
TEST_TYPE = 0x88b5

SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 270, 10, 11
RTM_SETLINK, NLM_F_REQUEST, NLM_F_ACK = 19, 1, 4
IFLA_XDP, IFLA_XDP_FD, IFLA_XDP_FLAGS, NLA_F_NESTED = 43, 1, 3, 1 << 15
XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE = 2, 4


def insn(code, dst=0, src=0, off=0, imm=0):
    return struct.pack("<BBhi", code, dst | src << 4, off, imm)


def mov(dst, imm):
    return insn(0xb7, dst, imm=imm)


def mov_reg(dst, src):
    return insn(0xbf, dst, src)


def load(size, dst, src, off):
    return insn({1: 0x71, 2: 0x69, 4: 0x61}[size], dst, src, off)


def store(size, dst, off, src):
    return insn({1: 0x73, 2: 0x6b, 4: 0x63}[size], dst, src, off)


def call(helper):
    return insn(0x85, imm=helper)


# Of struct btf_type: what follows the twelve bytes, by kind; (bytes, bytes for each of vlen).
BTF_FUNC = 12
BTF_TAIL = {1: (4, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 13: (0, 8), 14: (4, 0),
            15: (0, 12), 17: (4, 0), 19: (0, 12)}


def kfunc_id(name):
    """The number by which a program calls a function of the kernel."""
    with open("/sys/kernel/btf/vmlinux", "rb") as f:
        data = f.read()
    hdr_len, type_off, type_len, str_off = struct.unpack_from("<IIII", data, 4)
    at, number = hdr_len + type_off, 1
    wanted = data.index(b"\0" + name.encode() + b"\0", hdr_len + str_off) + 1 - hdr_len - str_off
    end = at + type_len
    while at < end:
        name_off, info = struct.unpack_from("<II", data, at)
        kind = info >> 24 & 0x1f
        if kind == BTF_FUNC and name_off == wanted:
            return number
        fixed, each = BTF_TAIL.get(kind, (0, 0))
        at += 12 + fixed + each * (info & 0xffff)
        number += 1
    sys.exit(f"{name}: not in this kernel")


def call_kernel(name):
    return insn(0x85, src=2, imm=kfunc_id(name))


EXIT = insn(0x95)
PASS = mov(0, XDP_PASS) + EXIT
# Frame in r2, its end in r3; r6 keeps the context.
POINTERS = load(4, 2, 6, 0) + load(4, 3, 6, 4)


def within(length, otherwise=PASS):
    """Go on only if so many bytes are there."""
    return mov_reg(4, 2) + insn(0x07, 4, imm=length) + \
        insn(0xbd, 4, 3, len(otherwise) // 8) + otherwise


def only(ethertype):
    return mov_reg(6, 1) + POINTERS + within(14) + load(2, 4, 2, 12) + \
        insn(0x15, 4, off=2, imm=socket.htons(ethertype)) + PASS


SWAP = load(4, 4, 2, 0) + load(2, 5, 2, 4) + load(4, 7, 2, 6) + load(2, 8, 2, 10) + \
    store(4, 2, 0, 7) + store(2, 2, 4, 8) + store(4, 2, 6, 4) + store(2, 2, 10, 5)


def adjust(helper, delta, then):
    """r0 = helper(ctx, delta); a refusal aborts."""
    return mov_reg(1, 6) + mov(2, delta) + call(helper) + \
        insn(0x15, 0, off=2, imm=0) + mov(0, XDP_ABORTED) + EXIT + then


def mark(offset, text):
    """The bytes at an offset become some letters, to be seen on the wire."""
    value = struct.unpack("<i", text.encode())[0]
    return POINTERS + within(offset + 4) + mov(4, value) + store(4, 2, offset, 4)


def stack(offset):
    """Eight bytes of zero on the program's stack."""
    return insn(0x7a, 10, off=offset)


def hint(name):
    """What the kernel's function says of the frame goes into its source address: the answers, four
    bytes and one for the hash, two and two for the tag, the lower four for the time, and in the
    last byte the error."""
    answers = {"hash": (4, 1), "vlan_tag": (2, 2), "timestamp": (4, 1)}[name]
    ask = stack(-8) + stack(-16) + mov_reg(1, 6) + mov_reg(2, 10) + insn(0x07, 2, imm=-8) + \
        mov_reg(3, 10) + insn(0x07, 3, imm=-16) + call_kernel(f"bpf_xdp_metadata_rx_{name}") + \
        mov_reg(7, 0) + insn(0x87, 7)
    first, second = answers
    tell = POINTERS + within(14) + insn({2: 0x69, 4: 0x61}[first], 4, 10, -8) + \
        store(first, 2, 6, 4) + insn({1: 0x71, 2: 0x69}[second], 4, 10, -16) + \
        store(second, 2, 6 + first, 4) + store(1, 2, 11, 7)
    return mov_reg(6, 1) + ask + tell + PASS


def bpf(command, *attr):
    """A bpf() system call: words of four bytes, and those of eight as bytes."""
    data = b"".join(x if isinstance(x, bytes) else struct.pack("<I", x) for x in attr)
    buffer = ctypes.create_string_buffer(data, 128)
    done = ctypes.CDLL(None, use_errno=True).syscall(NR_BPF, command, buffer, 128)
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return done


def redirect_map(map_type, entries, key, otherwise=XDP_ABORTED):
    """Redirect by a map of words. key: instructions that put the entry's number into r2."""
    fd = bpf(BPF_MAP_CREATE, map_type, 4, 4, max(entries) + 1)
    for number, value in entries.items():
        at, content = (ctypes.create_string_buffer(struct.pack("<I", x)) for x in (number, value))
        bpf(BPF_MAP_UPDATE_ELEM, fd, 0,
            struct.pack("<QQQ", ctypes.addressof(at), ctypes.addressof(content), 0))
    # A load of 64 bits, of the map of that file descriptor; it takes two instructions.
    return insn(0x18, 1, 1, imm=fd) + insn(0) + key + mov(3, otherwise) + \
        call(REDIRECT_MAP) + EXIT


def program(kind, arg, ethertype):
    if kind == "hint":          # all frames pass, marked
        return hint(arg)
    verdicts = {"pass": XDP_PASS, "drop": XDP_DROP, "aborted": XDP_ABORTED, "invalid": 77}
    if kind in verdicts:
        body = mov(0, verdicts[kind]) + EXIT
    elif kind == "tx":
        body = SWAP + mov(0, XDP_TX) + EXIT
    elif kind == "redirect":
        body = mov(1, socket.if_nametoindex(arg)) + mov(2, 0) + call(REDIRECT) + EXIT
    elif kind == "devmap":
        body = redirect_map(BPF_MAP_TYPE_DEVMAP, {0: socket.if_nametoindex(arg)}, mov(2, 0))
    elif kind == "cpumap":      # up, on another processor, by a queue of 512 frames
        body = redirect_map(BPF_MAP_TYPE_CPUMAP, {int(arg): 512}, mov(2, int(arg)))
    elif kind == "tail":        # longer or shorter, and back to where it came from
        body = SWAP + adjust(ADJUST_TAIL, int(arg), mov(0, XDP_TX) + EXIT)
    elif kind == "tail-pass":
        body = adjust(ADJUST_TAIL, int(arg), PASS)
    elif kind == "head":        # a new header before the frame: its own, and the type again
        body = adjust(ADJUST_HEAD, -int(arg), POINTERS + within(14) + mov(4, -1) +
                      store(4, 2, 0, 4) + store(2, 2, 4, 4) + mov(4, 0x5e0002) +
                      store(4, 2, 6, 4) + store(2, 2, 10, 4) + mov(4, socket.htons(TEST_TYPE)) +
                      store(2, 2, 12, 4) + mov(0, XDP_TX) + EXIT)
    elif kind == "meta":        # bytes before the frame for whoever comes next
        body = adjust(ADJUST_META, -int(arg), PASS)
    elif kind == "mark":
        body = SWAP + mark(14, arg) + mov(0, XDP_TX) + EXIT
    else:
        sys.exit(f"no such program: {kind}")
    return only(ethertype) + body


def bpf_load(code, frags, bound_to=None):
    insns, licence = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
    log = ctypes.create_string_buffer(65536)
    flags = (BPF_F_XDP_HAS_FRAGS if frags else 0) | (BPF_F_XDP_DEV_BOUND_ONLY if bound_to else 0)
    try:
        return bpf(BPF_PROG_LOAD, BPF_PROG_TYPE_XDP, len(code) // 8,
                   struct.pack("<QQ", ctypes.addressof(insns), ctypes.addressof(licence)),
                   1, len(log), struct.pack("<Q", ctypes.addressof(log)), 0, flags,
                   struct.pack("16s", b"test"), socket.if_nametoindex(bound_to) if bound_to else 0)
    except OSError as error:
        sys.exit(f"not loaded: {error.strerror}\n{log.value.decode()}")


def attr(kind, data):
    size = 4 + len(data)
    return struct.pack("<HH", size, kind) + data + bytes(-size % 4)


def attach(dev, fd, flags):
    """RTM_SETLINK; what the kernel says if it refuses."""
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    s.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
    s.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
    body = struct.pack("<BxHiII", 0, 0, socket.if_nametoindex(dev), 0, 0) + attr(
        IFLA_XDP | NLA_F_NESTED, attr(IFLA_XDP_FD, struct.pack("<i", fd)) +
        attr(IFLA_XDP_FLAGS, struct.pack("<I", flags)))
    s.send(struct.pack("<IHHII", 16 + len(body), RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0) +
           body)
    answer = s.recv(65536)
    error = -struct.unpack_from("<i", answer, 16)[0]
    if not error:
        return None
    text = answer[20 + 16 + 4:].partition(b"\0")[0].decode(errors="replace")
    return f"{os.strerror(error)}: {text}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dev")
    parser.add_argument("program")
    parser.add_argument("arg", nargs="?")
    parser.add_argument("--frags", action="store_true")
    parser.add_argument("--generic", action="store_true")
    parser.add_argument("--type", type=lambda x: int(x, 0), default=TEST_TYPE)
    args = parser.parse_args()
    flags = XDP_FLAGS_SKB_MODE if args.generic else XDP_FLAGS_DRV_MODE
    fd = -1 if args.program == "none" else \
        bpf_load(program(args.program, args.arg, args.type), args.frags,
                 args.dev if args.program == "hint" else None)
    refusal = attach(args.dev, fd, flags)
    if refusal:
        print(refusal)
        sys.exit(1)


if __name__ == "__main__":
    main()
