# SPDX-License-Identifier: GPL-2.0
"""oneshot.py ADDRESS COUNT: send single datagrams; the longest time until one was freed."""

import fcntl
import json
import socket
import struct
import sys
import time

SIOCOUTQ = 0x5411
LIMIT = 5

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], 9))
slowest = 0
for _ in range(int(sys.argv[2])):
    while True:
        try:
            s.send(bytes(100))
            break
        except ConnectionRefusedError:      # the answer to an earlier one
            continue
    begun = time.monotonic()
    while struct.unpack("i", fcntl.ioctl(s, SIOCOUTQ, bytes(4)))[0]:
        if time.monotonic() - begun > LIMIT:
            break
    slowest = max(slowest, time.monotonic() - begun)
print(json.dumps(slowest))
