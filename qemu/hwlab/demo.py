# SPDX-License-Identifier: GPL-2.0
"""The demonstration: what works, shown to a person, and judged."""

import contextlib
import itertools
import json
import re
import sys
import time

from . import pktgen
from .channels import GuestError
from .guest import CommandFailed

COLUMNS = 34
IPERF_SECONDS = 4
FLOOD_SECONDS = 2


class Demo:
    """Runs the checks in order on a booted guest; a failed one does not stop the next."""

    # Lines of the kernel log that say nothing about driver or device.
    noise = (r"pktgen: interface: \S+ is already stopped",)
    least = 1       # Mbit/s

    def __init__(self, guest, out=None):
        self.guest = guest
        self.driver = guest.config.driver
        self.rows = []
        self.out = out or sys.stdout
        self.color = self.out.isatty()

    # --- output ---

    def heading(self, text):
        if self.color:
            text = f"\033[1m{text}\033[0m"
        print(f"\n== {text}", file=self.out, flush=True)

    def show(self, text):
        for line in text.rstrip().splitlines():
            print(f"   {line}", file=self.out)
        self.out.flush()

    def record(self, check, good, value):
        self.rows.append((check, bool(good), value))

    def attempt(self, check, function):
        """One section: its failure is a row of the summary, not the end."""
        try:
            function()
        except CommandFailed as error:
            self.show(str(error))
            why = (error.result.stderr or error.result.stdout).strip().splitlines()
            self.record(check, False, why[-1] if why else f"exit status {error.result.rc}")
        except GuestError as error:
            self.show(str(error))
            self.record(check, False, str(error).splitlines()[0])
            self.guest.check_alive()

    # --- what several sections need ---

    @contextlib.contextmanager
    def sampled(self, direction):
        """While the block runs, each second, and at its end: (time, bytes of dut0).

        They are there once it is over.
        """
        samples = []
        sample = "read -r now _ </proc/uptime; " \
                 f"echo $now $(cat /sys/class/net/dut0/statistics/{direction}_bytes)"
        process = self.guest.spawn(f"while {sample}; do sleep 1; done")
        try:
            yield samples
        finally:
            process.kill()
        text = process.output() + self.guest.run(sample).stdout
        samples += [(float(t), int(n)) for t, n in re.findall(r"^(\S+) (\d+)$", text, re.M)]

    def counter(self, pattern):
        """The sum of the counters of ethtool -S whose names match."""
        text = self.guest.run("ethtool -S dut0").stdout
        return sum(int(n) for name, n in re.findall(r"^\s*(\S+): (\d+)$", text, re.M)
                   if re.fullmatch(pattern, name))

    def flood(self, dev, dst, netns, size, burst):
        """pktgen for some seconds."""
        self.guest.run("modprobe pktgen")
        settings = ["count 0", f"pkt_size {size}", "delay 0", f"dst_mac {dst}", f"burst {burst}",
                    "dst 192.0.2.99", "src_min 192.0.2.50", "src_max 192.0.2.60"]
        script = "\n".join(["set -e", pktgen.RESET, *pktgen.device(dev, settings)])
        self.guest.run(script, netns=netns)
        process = self.guest.spawn(pktgen.START, netns)
        time.sleep(FLOOD_SECONDS)
        self.guest.run(pktgen.STOP, netns=netns, check=False)
        process.kill()
        self.guest.run(pktgen.RESET, netns=netns, check=False)

    # --- the sections ---

    def sections(self):
        """What is shown and checked: names of rows, and functions."""
        return [
            ("driver loads", self.load),
            ("link", self.link),
            ("ping IPv4", lambda: self.ping("ping IPv4", "192.0.2.2")),
            ("ping IPv6", lambda: self.ping("ping IPv6", "2001:db8::2")),
            ("TCP transmit", lambda: self.iperf("TCP transmit", "")),
            ("TCP receive", lambda: self.iperf("TCP receive", "-R")),
            ("ethtool -i", self.drvinfo),
            ("ip -s link", self.ip_link),
            ("ethtool -S", self.counters),
            ("interrupts", self.interrupts),
            ("driver unloads", self.unload),
            *([("leaks", self.leaks)] if self.guest.kernel.debug else []),
            ("kernel log", self.log),
        ]

    def run(self):
        """True if everything held."""
        try:
            for check, function in self.sections():
                self.attempt(check, function)
                if check == "driver loads" and not self.rows[-1][1]:
                    self.log()
                    break
        except GuestError as error:
            self.record("guest alive", False, str(error).splitlines()[0])
            self.show(str(error))
        return self.summary()

    def load(self):
        if self.guest.kernel.debug:
            self.guest.kmemleak_clear()
        mark = self.guest.mark()
        self.heading(f"Load {self.driver}")
        self.guest.load_driver()
        lines = self.guest.dmesg(mark)
        self.show(lines)
        bound = self.guest.run(
            f"basename $(readlink /sys/bus/pci/devices/{self.guest.pci()}/driver)",
            check=False).stdout.strip()
        self.record("driver loads", bound == self.driver, f"bound to {bound or 'nothing'}")

    def link(self):
        mark = self.guest.mark()
        self.heading("Link")
        begun = time.monotonic()
        self.guest.net_up()
        took = time.monotonic() - begun
        self.show(self.guest.dmesg(mark))
        settings = self.guest.run("ethtool dut0").stdout
        self.show("\n".join(x.strip() for x in settings.splitlines() if re.match(
            r"\s*(Speed|Duplex|Auto-negotiation|Port|Link detected):", x)))
        speed = re.search(r"Speed: (\S+)", settings)
        self.record("link", "Link detected: yes" in settings,
                    f"{speed[1] if speed else 'speed unknown'}, up after {took:.1f} s")

    def ping(self, check, address):
        self.heading(f"Ping {address} (the peer, in its own network namespace)")
        text = self.guest.run(f"ping -n -c 5 -i 0.2 -W 2 {address}", check=False).stdout
        self.show(text)
        lost = re.search(r"(\d+) received.* ([\d.]+)% packet loss", text)
        rtt = re.search(r"= [\d.]+/([\d.]+)/", text)
        self.record(check, lost and lost[1] == "5",
                    f"{lost[1] if lost else 0} of 5 answered"
                    + (f", mean {rtt[1]} ms" if rtt else ""))

    def iperf(self, check, option):
        """It flows all the time, and not below what this device reaches in a guest."""
        what = "to the peer" if not option else "from the peer"
        self.heading(f"iperf3, TCP {what}, {IPERF_SECONDS} s")
        server = self.guest.spawn("iperf3 -s -1 --forceflush", netns="peer")
        # Without reports of its own (-i 0): its main thread must then not take the lock of a
        # socket that the sending thread hardly ever lets go, which can take it many seconds.
        try:
            server.wait_output("Server listening")
            with self.sampled("rx" if option else "tx") as samples:
                result = self.guest.run(
                    f"iperf3 -c 192.0.2.2 -J -i 0 -t {IPERF_SECONDS} {option}",
                    timeout=60, check=False)
        finally:
            server.kill()
        report = json.loads(result.stdout or "{}")
        if "error" in report or "end" not in report:
            self.show(result.stdout + result.stderr)
            self.record(check, False, report.get("error", "iperf3 gave no report"))
            return
        begun, stalled = samples[0][0], 0
        for (t0, n0), (t1, n1) in itertools.pairwise(samples):
            if t0 - begun >= IPERF_SECONDS:
                break
            rate = 8 * (n1 - n0) / (t1 - t0)
            stalled += rate < 1e5
            self.show(f"{t0 - begun:4.1f} - {t1 - begun:4.1f} s  {rate / 1e6:8.1f} Mbit/s")
        # The debug kernel may take longer than that for a packet's whole way.
        stalled = 0 if self.guest.kernel.debug else stalled
        end = report["end"]
        rate = end["sum_received"]["bits_per_second"] / 1e6
        retransmits = end["sum_sent"].get("retransmits", 0)
        self.show(f"{'':12}  {rate:8.1f} Mbit/s received, {retransmits} retransmits")
        self.record(check, rate > self.least and not stalled,
                    f"{rate:.0f} Mbit/s, {retransmits} retransmits"
                    + (f", {stalled} s without data" if stalled else ""))

    def drvinfo(self):
        self.heading("ethtool -i dut0")
        text = self.guest.run("ethtool -i dut0").stdout
        self.show(text)
        fields = dict(x.split(": ", 1) for x in text.splitlines() if ": " in x)
        self.record("ethtool -i", fields.get("driver") == self.driver
                    and fields.get("bus-info") == self.guest.pci(),
                    f"driver {fields.get('driver')}, firmware {fields.get('firmware-version')}")

    def ip_link(self):
        self.heading("ip -s link show dut0")
        self.show(self.guest.run("ip -s link show dut0").stdout)
        # QEMU's device pads the peer's short frames (ARP) and counts them as undersized all
        # the same: a length error there is no frame lost.
        stats = json.loads(self.guest.run("ip -j -s -s link show dut0").stdout)[0]["stats64"]
        rx, tx = stats["rx"], stats["tx"]
        errors = rx["errors"] - rx.get("length_errors", 0) + tx["errors"]
        short = f", {rx['length_errors']} short" if rx.get("length_errors") else ""
        self.record("ip -s link", errors == 0 and min(rx["packets"], tx["packets"]) > 10,
                    f"rx {rx['packets']}, tx {tx['packets']} packets, {errors} errors{short}, "
                    f"{rx['dropped'] + tx['dropped']} dropped")

    def counters(self):
        self.heading("ethtool -S dut0: the counters that moved")
        text = self.guest.run("ethtool -S dut0").stdout
        moved = [x for x in re.findall(r"^\s*(.+?):\s*(\d+)\s*$", text, re.M) if int(x[1])]
        width = max((len(n) for n, _ in moved), default=0)
        self.show("\n".join(f"{n:<{width}}  {v:>12}" for n, v in moved))
        self.record("ethtool -S", len(moved) >= 4, f"{len(moved)} counters moved")

    def interrupts(self):
        self.heading("/proc/interrupts")
        lines = [x for x in self.guest.run("cat /proc/interrupts").stdout.splitlines()
                 if re.search(r"dut0|hartwell|e1000e", x)]
        self.show("\n".join(re.sub(r" {2,}", "  ", x.strip()) for x in lines))
        total = sum(int(n) for x in lines for n in re.findall(r"(?<=\s)\d+(?=\s)", x)[:64])
        self.record("interrupts", bool(lines) and total > 0, f"{len(lines)} vectors")

    def unload(self):
        self.heading(f"Unload {self.driver}")
        mark = self.guest.mark()
        self.guest.unload_driver()
        self.show(self.guest.dmesg(mark) or "(nothing in the kernel log)")
        left = self.guest.run("ip -o link", check=False).stdout
        if self.driver == self.guest.config.peer:
            what, test = "driver", f"test ! -e /sys/bus/pci/devices/{self.guest.pci()}/driver"
        else:
            what, test = "module", f"test ! -d /sys/module/{self.driver}"
        gone = self.guest.run(test, check=False).rc == 0 and "dut0" not in left
        self.record("driver unloads", gone,
                    f"{what} and interface {'gone' if gone else 'still there'}")

    def leaks(self):
        self.heading("kmemleak: memory that nothing points to any more")
        found = self.guest.kmemleak_scan()
        self.show("\n".join(found) or "(none)")
        self.record("leaks", not found, f"{len(found)} objects" if found else "none")

    def log(self):
        self.heading("Kernel log: warnings and worse, from boot to the end")
        problems = self.guest.log_problems(allow=self.noise)
        self.show("\n".join(problems) or "(none)")
        self.record("kernel log", not problems, f"{len(problems)} unexpected lines"
                    if problems else "clean")

    def summary(self):
        self.heading("Summary")
        width = max(len(c) for c, _, _ in self.rows)
        for check, good, value in self.rows:
            self.show(f"{check:<{width}}  {'ok  ' if good else 'FAIL'}  {value}")
        good = all(g for _, g, _ in self.rows)
        failed = sum(not g for _, g, _ in self.rows)
        self.show("")
        print(f"   {'PASS' if good else 'FAIL'}: {self.driver}, "
              f"{len(self.rows) - failed} of {len(self.rows)} checks passed", file=self.out,
              flush=True)
        return good
