# SPDX-License-Identifier: GPL-2.0
"""reraise.py RESOURCE: mask a queue's cause, raise it, and have the handler of other causes read
ICR.  Prints whether the queue's cause is there afterwards."""

import json
import mmap
import sys
import time

ICS, IMS, IMC = 0xc8 // 4, 0xd0 // 4, 0xd8 // 4
RXQ0, LSC, OTHER = 1 << 20, 1 << 2, 1 << 24

with open(sys.argv[1], "r+b") as f, mmap.mmap(f.fileno(), 0) as bar:
    word = memoryview(bar).cast("I")
    word[IMC] = RXQ0
    word[ICS] = RXQ0
    word[ICS] = LSC | OTHER
    # ICS reads as ICR, and clears nothing.
    deadline = time.monotonic() + 0.2
    while word[ICS] & LSC and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.005)
    found = word[ICS]
    word[IMS] = RXQ0
    print(json.dumps(bool(found & RXQ0 and not found & LSC)))
    word.release()
