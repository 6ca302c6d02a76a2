# SPDX-License-Identifier: GPL-2.0
"""udp.py send ADDRESS COUNT [--size N]: datagrams of a pattern.
udp.py receive COUNT [--timeout S]: how many came, and how many of them were wrong.
udp.py echo COUNT: send back what comes.
udp.py ask ADDRESS COUNT [--size N]: one question at a time.
"""

import argparse
import json
import socket
import sys
import time

PORT = 7009


def data(i, size):
    return bytes((i + j * 7) & 0xff for j in range(size))


def send(args):
    s = socket.socket(socket.AF_INET6 if ":" in args.address else socket.AF_INET,
                      socket.SOCK_DGRAM)
    for i in range(args.count):
        size = args.size or 1 + i * 37 % 1400
        s.sendto(i.to_bytes(4, "big") + data(i, size), (args.address, PORT))
        time.sleep(0.001)
    print("null")


def receive(args):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind(("::", PORT))
    print("ready", file=sys.stderr, flush=True)
    s.settimeout(args.timeout)
    good = bad = 0
    try:
        while good + bad < args.count:
            got = s.recv(65536)
            i = int.from_bytes(got[:4], "big")
            if got[4:] == data(i, len(got) - 4):
                good += 1
            else:
                bad += 1
    except TimeoutError:
        pass
    print(json.dumps({"good": good, "bad": bad}))


def echo(args):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind(("::", PORT))
    print("ready", file=sys.stderr, flush=True)
    for _ in range(args.count):
        s.sendto(*s.recvfrom(65536))
    print("null")


def ask(args):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(args.timeout)
    s.connect((args.address, PORT))
    for i in range(args.count):
        question = i.to_bytes(4, "big") + data(i, args.size)
        s.send(question)
        assert s.recv(65536) == question
    print("null")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what", choices=["send", "receive", "echo", "ask"])
    p.add_argument("address", nargs="?")
    p.add_argument("count", type=int)
    p.add_argument("--size", type=int, default=0)
    p.add_argument("--timeout", type=float, default=5)
    args = p.parse_args()
    {"send": send, "receive": receive, "echo": echo, "ask": ask}[args.what](args)


if __name__ == "__main__":
    main()
