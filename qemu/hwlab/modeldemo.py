# SPDX-License-Identifier: GPL-2.0
"""The demonstration on the device model: what QEMU's own device cannot show."""

import time

from .demo import FLOOD_SECONDS, Demo
from .guest import Guest
from .model import PARTNER


class ModelDemo(Demo):
    """Rings that fill while the driver works, frames that are lost, and a strict device."""

    # The machine is busier than it is with QEMU's device alone.
    noise = (*Demo.noise, r"hrtimer: interrupt took \d+ ns")

    @property
    def least(self):
        return 20 if self.guest.model_options.speed > 10 and not self.guest.kernel.debug else 1

    def sections(self):
        rows = super().sections()
        at = [name for name, _ in rows].index("ethtool -i")
        more = [("stop and wake", self.stop_and_wake)] if self.driver == "hartwell" else []
        more.append(("overrun", self.overrun))
        end = [name for name, _ in rows].index("kernel log")
        return [*rows[:at], *more, *rows[at:end], ("strict", self.strict), *rows[end:]]

    def stop_and_wake(self):
        self.heading(f"Full rings: pktgen, frames of 1500 octets, {FLOOD_SECONDS} s")
        self.flood("dut0", Guest.mac("peer"), None, 1500, 16)
        stopped, woken = self.counter(r"tx\d_stopped"), self.counter(r"tx\d_woken")
        self.show(f"queues stopped {stopped} times, woken {woken} times; timeouts "
                  f"{self.counter('tx_timeouts')}")
        self.record("stop and wake", stopped and woken and not self.counter("tx_timeouts"),
                    f"{stopped} stops, {woken} wakes")

    def books(self):
        """The driver's: frames that it took, and those that it says the device has lost."""
        return tuple(map(int, self.guest.run(
            "ethtool -S dut0 >/dev/null; cd /sys/class/net/dut0/statistics; "
            "cat rx_packets rx_missed_errors").stdout.split()))

    def overrun(self):
        """Without pause a flood loses frames: the same number for all who count, and those of
        the wire that are not lost go up.

        However fast the guest is: between two interrupts more arrive than ring and packet buffer
        take.
        """
        self.heading(f"Overrun: a partner without pause floods for {FLOOD_SECONDS} s")
        model = self.guest.model
        model.command(f"partner {PARTNER.replace('pause asym', '')}")
        self.guest.wait_for("[ $(cat /sys/class/net/dut0/carrier) = 1 ]")
        # No filter takes anything.
        self.guest.run("ethtool -C dut0 adaptive-rx off; ethtool -C dut0 rx-usecs 10000; "
                       "ip link set dut0 promisc on")
        before, (up, _) = model.stats(), self.books()
        self.flood("peer0", Guest.mac("dut"), self.guest.netns(), 500, 16)
        self.settled(model)
        after = model.stats()
        arrived, lost = (after[x] - before[x] for x in ("received", "overrun"))
        # Linux' driver brings them up to date every two seconds.
        deadline = time.monotonic() + 6
        while True:
            taken, missed = self.books()
            alike = missed == after["overrun"] and taken - up == arrived - lost
            if alike or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        self.guest.run("ip link set dut0 promisc off")
        self.show(f"frames that arrived {arrived}, went up {taken - up}, lost {lost}; "
                  f"in all: device {after['overrun']}, ip -s -s link {missed}")
        model.command(f"partner {PARTNER}")
        self.guest.wait_for("[ $(cat /sys/class/net/dut0/carrier) = 1 ]")
        self.record("overrun", lost and alike,
                    f"{lost} of {arrived} frames lost, counted the same by wire and driver")

    @staticmethod
    def settled(model):
        """Nothing arrives any more."""
        before, now = -1, model.stats()["received"]
        while before != now:
            time.sleep(0.2)
            before, now = now, model.stats()["received"]

    def strict(self):
        self.heading("What the driver did that silicon does not forgive")
        found = self.guest.new_offences()
        self.show("\n".join(found) or "(nothing)")
        self.record("strict", not found, f"{len(found)} offences" if found else "no offence")
