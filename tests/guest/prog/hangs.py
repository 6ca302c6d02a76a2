# SPDX-License-Identifier: GPL-2.0
"""hangs.py RESOURCE SECONDS: switch the transmitter off behind the driver's back every second."""

import mmap
import sys
import time

TCTL, EN = 0x400, 2

with open(sys.argv[1], "r+b") as f, mmap.mmap(f.fileno(), 0) as bar:
    word = memoryview(bar).cast("I")
    for _ in range(int(sys.argv[2])):
        word[TCTL // 4] &= ~EN
        time.sleep(1)
    word.release()
