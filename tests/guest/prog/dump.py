# SPDX-License-Identifier: GPL-2.0
"""dump.py RESOURCE: every register below 0x6000 that holds configuration, as JSON.

Left out is what changes by itself, or by being read; and where rings are in memory, since a change
of rings allocates new ones.
"""

import json
import mmap
import sys

VOLATILE = [
    (0x0004, 0x0004),   # alias of CTRL
    (0x0008, 0x0008),   # STATUS
    (0x0010, 0x0014),   # EECD, EERD: accesses to the NVM
    (0x0020, 0x0020),   # MDIC: accesses to the PHY
    (0x00c0, 0x00c0),   # ICR: clears on read
    (0x00c8, 0x00cc),   # ICS reads as ICR
    (0x00e0, 0x00e0),   # IAM: with EIAME, QEMU clears the causes that have come
    (0x0110, 0x0114), (0x0120, 0x0128), (0x0420, 0x0424), (0x0430, 0x0438),     # aliases of rings
    (0x0f00, 0x0f00),   # EXTCNF_CTRL: owner of PHY and NVM
    (0x102c, 0x102c),   # EEWR
    (0x2410, 0x2430), (0x3410, 0x3430),     # where packets are in the buffer
    (0x2800, 0x2804), (0x2810, 0x2818), (0x2900, 0x2904), (0x2910, 0x2918),     # receive rings
    (0x3800, 0x3804), (0x3810, 0x3818), (0x3900, 0x3904), (0x3910, 0x3918),     # transmit rings
    (0x4000, 0x4128),   # statistics: clear on read
    (0x5810, 0x5810),   # WUS
    (0x5b50, 0x5b54),   # SWSM: reading takes a semaphore; FWSM
    (0xb600, 0xb640),   # time
]

with open(sys.argv[1], "r+b") as f, mmap.mmap(f.fileno(), 0) as bar:
    word = memoryview(bar).cast("I")
    print(json.dumps({hex(at): word[at // 4] for at in range(0, 0x6000, 4)
                      if not any(a <= at <= b for a, b in VOLATILE)}))
    word.release()
