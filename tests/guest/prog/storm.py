# SPDX-License-Identifier: GPL-2.0
"""storm.py RESOURCE OFFSET VALUE: write a register again and again, until killed."""

import mmap
import sys
import time

with open(sys.argv[1], "r+b") as f, mmap.mmap(f.fileno(), 0) as bar:
    word = memoryview(bar).cast("I")
    at, value = int(sys.argv[2], 0) // 4, int(sys.argv[3], 0)
    print("ready", flush=True)
    while True:
        word[at] = value
        time.sleep(50e-6)
