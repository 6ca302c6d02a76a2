# SPDX-License-Identifier: GPL-2.0
"""The demonstration of XDP: frames that a program drops, sends back and redirects, and frames of
a socket of user space."""

import json
import re
import time

from .demo import FLOOD_SECONDS, Demo
from .guest import Guest

LOADER = "python3 /payload/tests/guest/prog/xdp.py"
SOCKET = "python3 /payload/tests/guest/prog/xsk.py"
FRAMES = 500            # to and from a socket


class XdpDemo(Demo):
    """Programs of a few instructions, under a flood from the peer."""

    def sections(self):
        rows = super().sections()
        keep = ("driver loads", "link", "ping IPv4", "driver unloads", "leaks", "kernel log")
        rows = [row for row in rows if row[0] in keep]
        at = [name for name, _ in rows].index("driver unloads")
        return [*rows[:at], ("XDP_DROP", self.drop), ("XDP_TX", self.transmit),
                ("XDP_REDIRECT", self.redirect), ("AF_XDP", self.sockets),
                ("XDP counters", self.xdp_counters), *rows[at:]]

    def attach(self, program, dev="dut0"):
        """For frames of IPv4, in the driver."""
        command = f"{LOADER} {dev} {program} --type 0x0800"
        self.show(f"# {command.replace('/payload/tests/guest/prog/', '')}")
        self.guest.run(command)

    def rate(self, count):
        """How fast a count rises under a flood, in a second."""
        before, begun = count(), time.monotonic()
        self.flood("peer0", Guest.mac("dut"), self.guest.netns(), 60, 16)
        return (count() - before) / (time.monotonic() - begun)

    def drop(self):
        self.heading(f"XDP_DROP: the peer floods for {FLOOD_SECONDS} s")
        plain = self.rate(lambda: self.counter(r"rx\d_packets"))
        self.show(f"without a program, dropped by the stack  {plain / 1e3:6.1f} thousand frames/s")
        self.attach("drop")
        rate = self.rate(lambda: self.counter(r"rx\d_xdp_drop"))
        self.show(f"dropped by the program                   {rate / 1e3:6.1f} thousand frames/s")
        self.record("XDP_DROP", rate > 0, f"{rate / 1e3:.0f} k/s, {plain / 1e3:.0f} k/s without")

    def transmit(self):
        self.heading("XDP_TX: the same flood goes back to where it came from")
        self.attach("tx")
        rate = self.rate(lambda: self.counter(r"rx\d_xdp_tx"))
        back = self.guest.run("cat /sys/class/net/peer0/statistics/rx_packets",
                              netns="peer").stdout.strip()
        self.show(f"sent back  {rate / 1e3:6.1f} thousand frames/s; the peer has received {back}")
        self.record("XDP_TX", rate > 0 and int(back) > 0, f"{rate / 1e3:.0f} k/s")

    def redirect(self):
        self.heading("XDP_REDIRECT: into another interface, past the stack")
        self.guest.run("ip link add veA type veth peer name veB; ip link set veA up; "
                       "ip link set veB up")
        self.attach("pass", "veB")
        self.attach("redirect veA")
        there = "cat /sys/class/net/veB/statistics/rx_packets"
        rate = self.rate(lambda: int(self.guest.run(there).stdout))
        self.show(f"received by veB  {rate / 1e3:6.1f} thousand frames/s")
        self.guest.run(f"{LOADER} dut0 none; ip link del veA")
        self.record("XDP_REDIRECT", rate > 0, f"{rate / 1e3:.0f} k/s")

    def socket(self, command, dev="dut0", netns=None):
        """Run one to its end; what became of its frames."""
        done = self.guest.run(f"{SOCKET} {dev} {command} --queues 0 --count {FRAMES}", 60,
                              netns=netns)
        return json.loads(done.stdout.splitlines()[-1])

    def sockets(self):
        self.heading("AF_XDP: a socket on queue 0, whose memory the device reads and writes itself")
        sent = self.socket(f"send --size 1000 --to {Guest.mac('peer').replace(':', '')}")
        self.show(f"sent        {sent['sent']} frames, {sent['completed']} buffers given back")
        receiver = self.guest.spawn(f"exec {SOCKET} dut0 receive --queues 0")
        receiver.wait_output("ready zero copy", 20)
        before = self.counter(r"rx\d_xdp_redirect")
        self.socket(f"send --copy --size 1000 --to {Guest.mac('dut').replace(':', '')}", "peer0",
                    "peer")
        count = "ethtool -S dut0 | awk '/rx._xdp_redirect:/ { n += $2 } END { print n }'"
        self.guest.wait_for(f"[ $({count}) -ge {before + FRAMES} ]", 10)
        receiver.signal("INT")
        got = json.loads(receiver.wait(20).stdout.splitlines()[-1])["count"]
        self.show(f"received    {got} frames, by a program that redirects them to the socket")
        self.guest.run(f"{LOADER} dut0 none")
        self.record("AF_XDP", got == sent["completed"] == FRAMES,
                    f"{sent['completed']} frames sent, {got} received, zero copy")

    def xdp_counters(self):
        self.heading("ethtool -S dut0: what became of the frames")
        text = self.guest.run("ethtool -S dut0").stdout
        self.show("\n".join(x.strip() for x in text.splitlines()
                            if re.search(r"xdp\w*: [1-9]", x)))
        errors = self.counter(r"rx\d_xdp_errors")
        self.record("XDP counters", self.counter(r"rx\d_xdp_redirect"),
                    f"{errors} frames found no room")
