# SPDX-License-Identifier: GPL-2.0
"""hold.py [RCVBUF]: keep what comes to a UDP socket until /tmp/release exists; then read it.

Prints how many datagrams were held, and how many of them were changed meanwhile (udp.py made
them).  Without RCVBUF the socket has the default buffer.
"""

import json
import os
import socket
import sys
import time

from udp import PORT, data

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if len(sys.argv) > 1:
    s.setsockopt(socket.SOL_SOCKET, 33, int(sys.argv[1]))     # SO_RCVBUFFORCE
s.bind(("", PORT))
print("ready", file=sys.stderr, flush=True)
while not os.path.exists("/tmp/release"):
    time.sleep(0.01)
s.setblocking(False)
held = bad = 0
try:
    while True:
        got = s.recv(65536)
        held += 1
        bad += got[4:] != data(int.from_bytes(got[:4], "big"), len(got) - 4)
except BlockingIOError:
    pass
print(json.dumps({"held": held, "bad": bad}))
