# SPDX-License-Identifier: GPL-2.0
"""reg.py RESOURCE OFFSET [VALUE]: read or write a register behind the driver's back."""

import mmap
import sys

with open(sys.argv[1], "r+b") as f, mmap.mmap(f.fileno(), 0) as bar:
    word = memoryview(bar).cast("I")
    at = int(sys.argv[2], 0) // 4
    if len(sys.argv) > 3:
        word[at] = int(sys.argv[3], 0) & 0xffffffff
    else:
        print(word[at])
    word.release()
