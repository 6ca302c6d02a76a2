# SPDX-License-Identifier: GPL-2.0
"""How long no packet passes while something is changed, or hangs."""

import time

from measure import PROG

# A datagram each millisecond; the receiver says how long the longest pause was.
SEND = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    try: s.sendto(b"x", (sys.argv[1], 9000))
    except OSError: pass
    time.sleep(0.001)
"""
METER = """
import os, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 9000)); s.settimeout(0.05)
last, worst = None, 0
print("ready", flush=True)
while not os.path.exists("/tmp/enough"):
    try: s.recv(64)
    except TimeoutError: continue
    now = time.monotonic()
    if last: worst = max(worst, now - last)
    last = now
print(worst * 1000)
"""


def changes(nic, driver):
    res = f"/sys/bus/pci/devices/{nic.guest.pci()}/resource0"
    yield "nothing", "sleep 1"
    yield "ethtool -G (rings)", "ethtool -G dut0 tx 512 rx 512"
    yield "ip link set mtu 1400", "ip link set dut0 mtu 1400"
    yield "ethtool -K rx-fcs on", "ethtool -K dut0 rx-fcs on"
    if driver == "hartwell":
        yield "ethtool -L (channels)", "ethtool -L dut0 combined 1"
    yield "transmitter hangs", (f"v=$(python3 {PROG}/reg.py {res} 0x400); "
                                f"python3 {PROG}/reg.py {res} 0x400 $((v & ~2))")


def outage(nic, driver):
    """{change: milliseconds}"""
    guest = nic.guest
    guest.put(SEND, "/tmp/send.py")
    guest.put(METER, "/tmp/meter.py")
    figures = {}
    sender = guest.spawn(f"exec python3 /tmp/send.py {nic.peer}")
    for name, command in changes(nic, driver):
        nic.sh("rm -f /tmp/enough")
        meter = guest.spawn("exec python3 /tmp/meter.py", nic.netns)
        meter.wait_output("ready")
        time.sleep(0.5)                     # of steady traffic, to begin with
        nic.sh(command)
        settled(nic)
        nic.sh("touch /tmp/enough")
        figures[name] = float(meter.wait(20).stdout.split()[-1])
        nic.sh("ethtool -G dut0 tx 256 rx 256; ip link set dut0 mtu 1500", check=False)
        guest.net_up()
    sender.kill()
    begun = time.monotonic()
    nic.sh(f"ip link set dut0 down; ip link set dut0 up; "
           f"until ping -n -c 1 -W 0.05 {nic.peer} >/dev/null; do :; done")
    figures["down, up, first answer"] = (time.monotonic() - begun) * 1000
    return figures


def settled(nic):
    """Wait until packets have passed for a second."""
    def sent():
        return int(nic.sh("cat /sys/class/net/peer0/statistics/rx_packets", netns=nic.netns))
    good, last, end = 0, sent(), time.monotonic() + 30
    while good < 10 and time.monotonic() < end:
        time.sleep(0.1)
        now = sent()
        good, last = (good + 1 if now > last else 0), now
