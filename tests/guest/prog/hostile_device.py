# SPDX-License-Identifier: GPL-2.0
"""hostile_device.py RESOURCE ROUNDS SEED: write what no device should into the rings.

Each round takes one ring and puts lies into some of its descriptors, from where the driver looks
next or anywhere, and raises interrupts.  Of transmit descriptors only the word with the status is
touched, lest the device be made to read from anywhere.  Nobody may send to the device meanwhile:
a descriptor that is no longer one must not be used for DMA.
"""

import mmap
import os
import random
import struct
import sys

MEM = "/sys/kernel/debug/hwltest/mem"
ICS = 0xc8
CAUSES = (1 << 0, 1 << 1, 1 << 2, 1 << 4, 1 << 6, 1 << 7, 1 << 20, 1 << 21, 1 << 22, 1 << 23,
          1 << 24)
DD, EOP = 1, 2
LENGTHS = (0, 1, 13, 14, 59, 60, 64, 256, 257, 1514, 1518, 2047, 2048, 2049, 4096, 9018, 16384,
           0x7fff, 0x8000, 0xffff)


def status(rng):
    kind = rng.random()
    if kind < 0.25:
        return rng.getrandbits(32)
    if kind < 0.5:
        return rng.getrandbits(32) & 0x00ffffff | DD
    return DD | (EOP if rng.random() < 0.6 else 0) | rng.choice((0, 8, 0x20, 0x60, 0x78))


def rx_lie(rng):
    length = rng.choice(LENGTHS) if rng.random() < 0.7 else rng.getrandbits(16)
    mrq = rng.getrandbits(32) if rng.random() < 0.5 else rng.randrange(16)
    return struct.pack("<IIIHH", mrq, rng.getrandbits(32), status(rng), length,
                       rng.getrandbits(16))


def tx_lie(rng):
    return struct.pack("<I", rng.getrandbits(32) | (DD if rng.random() < 0.7 else 0))


def main():
    rounds, rng = int(sys.argv[2]), random.Random(int(sys.argv[3]))
    mem = os.open(MEM, os.O_WRONLY)
    with open(sys.argv[1], "r+b") as f, mmap.mmap(f.fileno(), 0) as bar:
        word = memoryview(bar).cast("I")
        for _ in range(rounds):
            rx = rng.random() < 0.7
            regs = (0x2800 if rx else 0x3800) + rng.choice((0, 0x100))
            base = word[regs // 4] | word[regs // 4 + 1] << 32
            size, head = word[regs // 4 + 2] // 16, word[regs // 4 + 4]
            if not base or not size:
                continue
            at = head if rng.random() < 0.3 else rng.randrange(size)
            count = size if rng.random() < 0.01 else rng.choice((1, 1, 2, 3, 20, 40))
            for i in range(count):
                slot = base + (at + i) % size * 16
                if rx:
                    line = f"{slot:x} {rx_lie(rng).hex()}\n"
                else:
                    line = f"{slot + 12:x} {tx_lie(rng).hex()}\n"
                os.write(mem, line.encode())
            word[ICS // 4] = sum(rng.sample(CAUSES, rng.randrange(1, 6)))
        word.release()


main()
