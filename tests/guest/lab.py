# SPDX-License-Identifier: GPL-2.0
"""What a guest test works with: guests kept between tests, and Nic, the device under test."""

import collections
import contextlib
import dataclasses
import json
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from hwlab import Guest, GuestConfig, GuestError
from hwlab import debs, kernels, module, pktgen, trace
from hwlab.model import ModelGuest, ModelOptions
from hwlab.util import atomic, cache_dir, digest, log_path, run_logged

TESTS = Path(__file__).resolve().parents[1]

# Registers are reached from user space; memory that the driver did not clear shows.
APPEND = "iomem=relaxed init_on_alloc=0"

PROG = "/payload/tests/guest/prog"
PY = f"/payload/py {PROG}"      # a start of Python costs the guest a second: see prog/py.c
DEBUG = "/sys/kernel/debug/hwltest"
RCTL, RCTL_EN = 0x100, 2

# A trace of its own: what each page_pool still misses when it is destroyed.
POOLS = "/sys/kernel/tracing/instances/pools"

# The message of a driver that a test provokes, and says so, is no problem; these never are.
HARMLESS = (
    r"hrtimer: interrupt took \d+ ns",      # the host was busy
    r"clocksource: ", r"TSC found unstable",    # the same
    # A peer that virtio holds back for as long as the device under test takes nothing.
    r"virtio_net virtio\d+ peer\d+: (NETDEV WATCHDOG|TX timeout)",
    r"pktgen: interface: \S+ is already stopped",
    r"hwltest: loading out-of-tree module",
    r"hwltest: module verification failed",
    r"net_ratelimit: \d+ callbacks suppressed",    # said at the next message, a test later perhaps
    # The mouse's driver was to be bound while the guest slept.
    r"serio serio\d+: deferred probe pending",
)


class Guests:
    """The guests of one pytest worker: one at a time, kept while tests ask for the same."""

    def __init__(self):
        self.key = self.guest = None

    def get(self, kernel, **changes):
        key = (kernel, tuple(sorted(changes.items())))
        if self.key != key or self.guest is None:
            self.discard()
            self.guest = boot(kernel, **changes)
            self.key = key
        return self.guest

    def discard(self):
        if self.guest:
            self.guest.close()
            if self.guest.config.trace:
                os.unlink(self.guest.config.trace)
        self.guest = self.key = None


YNL = ["tools/net/ynl", "Documentation/netlink/specs"]


def boot(kernel, append="", traced=False, kexec=False, packed=False, ynl=False, model="",
         **changes):
    """A guest.  device: "model" (HARTWELL_DEVICE where a test says nothing), with the model's
    arguments in model.  traced: it logs register accesses.  kexec: it has its own kernel and
    initramfs in /payload.  packed: it boots by the bzImage, without which it would not wake
    from S3.  ynl: the kernel's netlink tool is in /payload/linux."""
    if kernel == kernels.DEBUG:
        changes.setdefault("mem", 768)      # a scan for leaks looks at each page
    changes.setdefault("device", os.environ.get("HARTWELL_DEVICE") or GuestConfig.device)
    config = GuestConfig(kernel=kernel, append=f"{APPEND} {append}".strip(), **changes)
    if traced:
        config.trace = tempfile.mkstemp(prefix="hartwell-trace-")[1]
    if config.device == "model":
        guest = ModelGuest(config, ModelOptions(more=tuple(model.split())))
    else:
        guest = Guest(config)
    guest.prepare()
    if packed:
        guest.kernel = dataclasses.replace(guest.kernel,
                                           image=guest.kernel.tree.parent / "vmlinuz")
    config.payload |= {"hwltest.ko": build_helper(guest.kernel), "py": build_py()}
    if kexec:
        config.payload |= {"vmlinuz": guest.kernel.tree.parent / "vmlinuz",
                           "initramfs": guest.initramfs}
    if ynl:
        config.payload["linux"] = debs.linux_files(YNL)
    try:
        guest.__enter__()
    except GuestError as error:
        # Under TCG on a busy machine a processor may be left without its timer tick at boot, and
        # QEMU 10 now and then ends itself (iotlb_to_section).  No driver of ours is there yet.
        print(f"booted again: {error}", file=sys.stderr)
        guest.__enter__()
    if guest.kernel.debug:
        guest.kmemleak_clear()
    return guest


def build_helper(kern):
    """The helper module (guest/module), built for a kernel; kept in the cache."""
    source = TESTS / "guest/module"
    files = sorted(p for p in source.iterdir() if p.name in ("Kbuild", "hwltest.c"))
    target = cache_dir() / f"hwltest-{digest(kern.version, *files)}.ko"
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(prefix="hartwell-") as build:
        for path in files:
            shutil.copy(path, build)
        module.make_external(kern, build, log_path("hwltest.log"))
        with atomic(target) as tmp:
            shutil.copy(Path(build) / "hwltest.ko", tmp)
    return target


def build_py():
    """prog/py.c, for a guest whose libc is not the host's; kept in the cache."""
    source = TESTS / "guest/prog/py.c"
    target = cache_dir() / f"py-{digest(source)}"
    if not target.exists():
        with atomic(target) as tmp:
            run_logged(["gcc", "-O2", "-static", "-o", tmp, source], log_path("py.log"), 60)
    return target


class Clock:
    """How much slower than usual the guest of the running test is."""

    scale = 1


def wait_until(condition, timeout=10, what="", pause=0.05):
    """Poll until a condition holds; what it returned.  The limit is longer for slow guests."""
    deadline = time.monotonic() + timeout * Clock.scale
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, \
            f"not within {timeout} s: {what() if callable(what) else what or condition}"
        time.sleep(pause)


class Nic:
    """The device under test (interface dut0) and its peer (peer0 in namespace "peer").

    Each test gets a freshly loaded driver with its link up; all that it changes at the peer
    it undoes by defer().
    """

    MAC, PEER_MAC = Guest.mac("dut"), Guest.mac("peer")
    IP, PEER = "192.0.2.1", "192.0.2.2"
    IP6, PEER6 = "2001:db8::1", "2001:db8::2"

    def __init__(self, guests, kernel, config):
        self.guests, self.kernel, self.config = guests, kernel, config
        self.guest = None
        self.deferred = []
        self.allowed = list(HARMLESS)
        self.forgiven = set()
        self.helped = False     # hwltest.ko is loaded
        self.spoiled = False    # the guest is of no use for another test

    # --- life of a test ---

    def begin(self, bare=False):
        self.guest = self.guests.get(self.kernel, **self.config)
        Clock.scale = self.guest.scale
        self.since = self.guest.mark()
        if self.guest.config.device == "model":
            self.guest.begin_test()
        self.bounce = self._bounce_used()
        self.watch_pools()
        if not bare:
            self.load()

    def watch_pools(self):
        """From now on pools say what they wait for: see pages_missing()."""
        self.sh(f"test -d {POOLS} || {{ mountpoint -q /sys/kernel/tracing || "
                "mount -t tracefs tracefs /sys/kernel/tracing; "
                f"mkdir {POOLS}; echo 1 >{POOLS}/events/page_pool/page_pool_release/enable; }}; "
                f"echo >{POOLS}/trace")

    def load(self):
        self.guest.bring_up()

    def finish(self):
        """Undo, unload, and look what the kernel said: all that is still the test's."""
        if self.guest is None:
            return
        self.undo()
        if self.helped:
            self.sh("rmmod hwltest 2>/dev/null; true")
        self.guest.unload_driver()
        if self.guest.kernel.debug:
            leaks = self.guest.kmemleak_scan(60)
            assert not leaks, "memory that nothing points to:\n" + "\n".join(leaks)
        self.judge()
        problems = self.guest.log_problems(self.since, self.allowed)
        assert not problems, "the kernel log has what the test did not expect:\n" + \
            "\n".join(problems)
        wait_until(lambda: not self.pages_missing(), 30,
                   lambda: f"each page back in its pool: {self.pages_missing()}; sockets:\n"
                   + self.sh("ss -OHanemi; ip netns exec peer ss -OHanemi"))
        # Pages that a socket held come back a moment after it is gone.
        wait_until(lambda: self._bounce_used() in (None, self.bounce), 5,
                   "each DMA mapping undone: bounce buffers in use before and after")
        if self.spoiled:
            self.guests.discard()

    def judge(self):
        if self.guest.config.device == "model":
            offences = [x for x in self.guest.new_offences()
                        if not {x.partition(":")[0], "*"} & self.forgiven]
            assert not offences, "what silicon does not forgive:\n" + "\n".join(offences)

    def power_off(self):
        """The guest's end, in order; what its console said on the way."""
        begun = len(self.guest.console_log)
        self.guest.shutdown()
        text = self.guest.console_log[begun:]
        self.discard()
        return text

    def discard(self):
        """The guest is gone, and its trace with it."""
        self.judge()
        self.guests.discard()
        self.guest = None

    def undo(self):
        while self.deferred:
            self.deferred.pop()()

    def pages_missing(self):
        """{pool: pages} that pools which are being destroyed wait for.

        What another processor will free at its next softirq is not lost: it gets one.  Nor is what
        a TCP socket received that nobody has open: it gives up with its next timer.
        """
        found = dict(re.findall(r"page_pool=(\S+) inflight=(\d+)",
                                self.sh(f"cat {POOLS}/trace")))
        missing = {pool: int(n) for pool, n in found.items() if int(n)}
        if missing:
            self.sh("echo 1 >/proc/sys/net/ipv4/tcp_orphan_retries; "
                    "for cpu in /sys/devices/system/cpu/cpu[0-9]*; do "
                    "taskset -c ${cpu##*/cpu} ping -n -q -c 1 -W 1 127.0.0.1; done", 30)
        return missing

    def _bounce_used(self):
        """Slots of the bounce buffer in use, where all mappings go through it."""
        if not re.search(r"swiotlb=\S*force", self.config.get("append", "")):
            return None
        return int(self.sh("cat /sys/kernel/debug/swiotlb/io_tlb_used"))

    def defer(self, action, netns=None):
        """Run a function, or a command in the guest, when the test is over."""
        if isinstance(action, str):
            self.deferred.append(lambda: self.guest.run(action, check=False, netns=netns))
        else:
            self.deferred.append(action)

    def rounds(self, count):
        """How often to do what is done again and again: less on the debug kernel, where it is
        not the number of tries that finds something."""
        return max(2, count // 4) if self.guest.kernel.debug else count

    def expect_log(self, *patterns):
        """Lines that the test provokes."""
        self.allowed += patterns

    def expect_offence(self, *names):
        """Rows of the table in model.rst that the test breaks, not the driver; "*" for all."""
        self.forgiven.update(names)

    # --- commands ---

    def sh(self, cmd, timeout=30):
        return self.guest.run(cmd, timeout).stdout

    def peer(self, cmd, timeout=30):
        return self.guest.run(cmd, timeout, netns="peer").stdout

    def ynl(self, family, do, attributes, check=True):
        """What the kernel's netlink tool prints, as JSON; in a guest with ynl=True."""
        linux = "/payload/linux"
        return self.guest.run(
            f"{PY}/ynl.py {linux}/tools/net/ynl/cli.py --no-schema --process-unknown --output-json "
            f"--spec {linux}/Documentation/netlink/specs/{family}.yaml {do} "
            f"--json '{json.dumps(attributes)}'", 60, check).stdout

    def refused(self, cmd, text=None):
        """The command must fail (and say why)."""
        result = self.guest.run(cmd, check=False)
        assert result.rc != 0, f"was not refused: {cmd}"
        if text:
            assert re.search(text, result.stderr + result.stdout), \
                f"{cmd}: no {text!r} in: {result.stderr}{result.stdout}"
        return result

    def spawn(self, cmd, netns=None):
        process = self.guest.spawn(cmd, netns)
        self.defer(process.kill)
        return process

    def prog(self, args, timeout=60, netns=None):
        """Run one of the guest-side programs; its output as JSON."""
        out = self.guest.run(f"{PY}/{args}", timeout, netns=netns).stdout
        return json.loads(out or "null")

    def log(self):
        return self.guest.dmesg(self.since)

    # --- the driver ---

    def stats(self):
        """ethtool -S as a dict, with sums over the queues as tx_NAME and rx_NAME."""
        found = {n: int(v) for n, v in
                 re.findall(r"^\s*(\S+):\s*(\d+)$", self.sh("ethtool -S dut0"), re.M)}
        for name, value in list(found.items()):
            queue = re.match(r"([tr]x)\d+_(.*)", name)
            if queue:
                total = f"{queue[1]}_{queue[2]}"
                found[total] = found.get(total, 0) + value
        return found

    def link(self, netns=None, dev="dut0"):
        """ip -s link as a dict: the statistics by direction, MTU, flags."""
        run = self.peer if netns else self.sh
        return json.loads(run(f"ip -j -s -s link show {dev}"))[0]

    def carrier(self):
        return {"0": False, "1": True}[self.sh("cat /sys/class/net/dut0/carrier").strip()]

    def carrier_changes(self):
        return int(self.sh("cat /sys/class/net/dut0/carrier_changes"))

    @contextlib.contextmanager
    def no_link_bounce(self):
        before = self.carrier_changes()
        yield
        assert self.carrier_changes() == before, "the link bounced"

    def feature(self, name):
        return re.search(rf"^\s*{name}: (\w+)", self.sh("ethtool -k dut0"), re.M)[1]

    def resource(self):
        return f"/sys/bus/pci/devices/{self.guest.pci()}/resource0"

    def reg(self, offset):
        return self.prog(f"reg.py {self.resource()} {offset:#x}")

    def set_reg(self, offset, value):
        if offset == RCTL and not value & RCTL_EN:
            self.expect_offence("rctl-en")     # it is the test that turns the receiver off
        self.prog(f"reg.py {self.resource()} {offset:#x} {value:#x}")

    def clear_bits(self, offset, bits):
        self.set_reg(offset, self.reg(offset) & ~bits)

    # --- the helper module ---

    def helper(self):
        if not self.helped or self.guest.run(f"test -d {DEBUG}", check=False).rc:
            self.sh("insmod /payload/hwltest.ko")
        self.helped = True
        return DEBUG

    def fail(self, function, value, nth=1, caller=""):
        """The nth call of a kernel function from the driver returns value, and does nothing.

        nth 0: each call; below 0: the first -nth calls.
        """
        self.sh(f"echo '{function} {value} {nth} {caller or '[hartwell]'}' >{self.helper()}/fail")

    def fail_hits(self):
        """Calls that were made to fail; ends it."""
        hits = int(self.sh(f"cat {DEBUG}/fail"))
        self.sh(f"echo off >{DEBUG}/fail")
        return hits

    def poke_queue(self, queue, what):
        """Stop or wake a transmit queue behind the driver's back; "storm": wake it for long."""
        self.sh(f"echo dut0 {queue} {what} >{self.helper()}/queue", 60)

    @contextlib.contextmanager
    def handed_up(self, dev="dut0"):
        """What the driver gives the stack while the block runs: a list, filled at its end, of
        dicts with fields of struct sk_buff, and the frame's first bytes as "head"."""
        seen = []
        self.sh(f"echo {dev} >{self.helper()}/rx")
        try:
            yield seen
        finally:
            out = self.sh(f"echo off >{DEBUG}/rx; cat {DEBUG}/rx")
            seen += [{**x, "head": bytes.fromhex(x["head"])}
                     for x in map(json.loads, out.splitlines())]

    def vanish(self):
        """From now on every read of a register gives all ones, as when the device is gone."""
        phys = int(self.sh(f"head -n 1 /sys/bus/pci/devices/{self.guest.pci()}/resource"
                           ).split()[0], 16)
        found = re.search(rf"^0x(\w+)-0x(\w+) .*phys=0x0*{phys:x} ",
                          # With 0 the addresses would be hashed, for root as well.
                          self.sh("echo 1 >/proc/sys/kernel/kptr_restrict; "
                                  "cat /proc/vmallocinfo"), re.M)
        self.sh(f"echo {found[1]} {int(found[2], 16) - int(found[1], 16):x} "
                f">{self.helper()}/vanish")

    def appear(self):
        """What has vanished answers again."""
        self.sh(f"echo >{self.helper()}/appear")

    def write_memory(self, address, data):
        self.sh(f"echo {address:x} {data.hex()} >{self.helper()}/mem")

    # --- register accesses (guests with traced=True) ---

    @contextlib.contextmanager
    def accesses(self):
        """Registers read and written while the block runs, by name: a pair of counters."""
        counts = (collections.Counter(), collections.Counter())
        start = os.path.getsize(self.guest.config.trace)
        yield counts
        self.sh("true")
        with open(self.guest.config.trace, encoding="utf-8", errors="replace") as log:
            log.seek(start)
            for line in log:
                found = trace.parse(line)
                if found:
                    counts[found[0] == "write"][found[1]] += 1

    def access_log(self, start=0):
        """Register accesses from a place in the log on, in order, and the place where it ends."""
        self.sh("true")
        return self.access_log_file(start)

    def access_log_file(self, start=0):
        """The same of a guest that may be gone."""
        with open(self.guest.config.trace, encoding="utf-8", errors="replace") as log:
            log.seek(start)
            found = [trace.access(line) for line in iter(log.readline, "")]
            return [x for x in found if x], log.tell()

    # --- traffic ---

    @contextlib.contextmanager
    def outage(self, limit, dst=None, netns=None):
        """Pings run all the time; the longest time without an answer must be below limit."""
        ping = self.guest.spawn(f"exec ping -n -D -i 0.02 -W 1 {dst or self.PEER}", netns)
        try:
            ping.wait_output(r"icmp_seq=3 ")
            yield
            last = re.findall(r"icmp_seq=(\d+) ", ping.output())[-1]
            more = int(last) + 2
            wait_until(lambda: re.search(rf"icmp_seq={more}\d* ", ping.output()) or any(
                int(x) > more for x in re.findall(r"icmp_seq=(\d+) ", ping.output())[-1:]),
                10, "answers to pings")
        finally:
            ping.kill()
        times = [float(x) for x in re.findall(r"^\[([\d.]+)\].*icmp_seq", ping.output(), re.M)]
        gap = max(b - a for a, b in zip(times, times[1:]))
        assert gap < limit * self.guest.scale, f"no answer for {gap:.2f} s"

    def quiet(self):
        """Nothing is sent but what the test sends, so that frames can be counted exactly."""
        for run, dev in ((self.sh, "dut0"), (self.peer, "peer0")):
            run(f"echo 1 >/proc/sys/net/ipv6/conf/{dev}/disable_ipv6; "
                f"ip link set {dev} arp off")
        self.defer("echo 0 >/proc/sys/net/ipv6/conf/peer0/disable_ipv6; "
                   "ip link set peer0 arp on", "peer")

    def ping(self, dst=None, count=3, size=56, netns=None, more=""):
        """Each of some pings must be answered.

        One at a time: of several, ping waits for the last only twice as long as for the others.
        """
        dst = dst or self.PEER
        out = self.guest.run(f"for i in $(seq {count}); do "
                             f"ping -n -c 1 -W 5 -s {size} {more} {dst} || exit 1; done", 60,
                             netns=netns, check=False)
        assert out.rc == 0, f"{out.stdout}{out.stderr}"

    def answers(self, dst=None):
        """Does one ping come back?"""
        return self.guest.run(f"ping -n -c 1 -W 0.2 {dst or self.PEER}", check=False).rc == 0

    def transfer(self, size=1 << 20, dst=None, reverse=False, more=""):
        """A TCP stream of random bytes, compared by its CRC; seconds that it took."""
        dst = dst or self.PEER
        here, there = (None, "peer") if not reverse else ("peer", None)
        if reverse and dst in (self.PEER, self.PEER6):
            dst = self.IP6 if ":" in dst else self.IP
        server = self.guest.spawn(f"exec {PY}/tcp.py serve", there)
        try:
            server.wait_output("ready")
            sent = self.prog(f"tcp.py send {dst} {size} {more}", 120, netns=here)
            got = json.loads(server.wait(30).stdout)
        finally:
            server.kill()
        assert got["size"] == size and got["hash"] == sent["hash"], "the data was changed"
        return sent["seconds"]

    def capture(self, dev="peer0", netns="peer", **kwargs):
        return Capture(self, dev, netns, **kwargs)

    def send(self, frames, dev="dut0", netns=None, vnet=False):
        """Send raw frames (bytes, Ethernet header first)."""
        lines = "\n".join(x.hex() for x in frames)
        self.guest.run(f"{PY}/raw.py send {dev}" + (" --vnet" if vnet else ""), 60,
                       netns=netns, stdin=lines)

    @contextlib.contextmanager
    def flood(self, direction="rx", size=60, burst=1, more=()):
        """pktgen while the block runs: "rx" from the peer, "tx" from the device under test.

        As fast as it goes; but without bursts, a debug kernel is left time for other things.
        """
        out, dev, dst = (None, "dut0", self.PEER_MAC) if direction == "tx" \
            else ("peer", "peer0", self.MAC)
        self.sh("modprobe pktgen")
        if burst == 1 and self.guest.kernel.debug:
            more = ["delay 1000000", *more]
        text = pktgen_script(dev, dst, size, burst, more)
        self.guest.run(text, netns=out)
        proc = self.guest.spawn(pktgen.START, out)
        counter = f"cat /sys/class/net/{dev}/statistics/tx_packets"
        start = int(self.guest.run(counter, netns=out).stdout)
        try:
            wait_until(lambda: int(self.guest.run(counter, netns=out).stdout) > start + 10,
                       what="pktgen sends")
            yield
        finally:
            self.guest.run(pktgen.STOP, netns=out, check=False)
            proc.kill()
            self.guest.run(pktgen.RESET, netns=out, check=False)

    @contextlib.contextmanager
    def netconsole(self):
        """The kernel's log goes to the peer while the block runs: a process that prints it."""
        self.expect_log("netconsole test", "netpoll", "netconsole", "printk: console")
        sink = self.spawn("exec socat -u UDP4-RECV:6666 STDOUT", "peer")
        self.ping(count=1)
        self.sh(f"modprobe netconsole netconsole=6665@{self.IP}/dut0,"
                f"6666@{self.PEER}/{self.PEER_MAC}")
        try:
            yield sink
        finally:
            self.sh("rmmod netconsole")

    def log_100_lines(self, sink):
        """To the netconsole: all arrive.  Those of an earlier test in this guest may come again."""
        tag = f"netconsole test {time.monotonic_ns()}-"
        self.sh(f"for i in $(seq 100); do echo \"<3>{tag}$i\" >/dev/kmsg; done", 60)
        wait_until(lambda: f"{tag}100" in sink.output(), 10, "the last line")
        lines = set(re.findall(rf"{tag}(\d+)", sink.output()))
        assert len(lines) == 100, f"{len(lines)} of 100 lines arrived"

    @contextlib.contextmanager
    def stream(self, reverse=False, seconds=3600):
        """An iperf3 TCP stream while the block runs; it moves data before, and lives at its end.

        Without reports (-i 0): the sending thread may keep their thread off the socket for long.
        """
        server = self.guest.spawn("iperf3 -s -1 --forceflush", "peer")
        client = None
        try:
            server.wait_output("Server listening")
            way = "rx" if reverse else "tx"
            start = self.link()["stats64"][way]["packets"]
            client = self.guest.spawn(f"iperf3 -c {self.PEER} -t {seconds} --forceflush -i 0"
                                      + (" -R" if reverse else "")
                                      + (" -b 4M" if self.guest.kernel.debug else ""))
            wait_until(lambda: self.link()["stats64"][way]["packets"] > start + 100, 30,
                       "the stream's data")
            yield client
            assert client.poll() is None, f"iperf3 died: {client.output()}{client.errors()}"
        finally:
            if client:
                client.kill()
            server.kill()


def pktgen_script(dev, dst, size, burst, more):
    settings = ["count 0", f"pkt_size {size}", "delay 0", f"dst_mac {dst}",
                "dst 192.0.2.99", "src_min 192.0.2.50", "src_max 192.0.2.60"]
    if burst > 1:
        settings += [f"burst {burst}"]
    return "\n".join(["set -e", pktgen.RESET, *pktgen.device(dev, [*settings, *more])])


class Capture:
    """Frames that an interface receives (or sends) while the block runs.

        with nic.capture(ethertype=0x88b5) as seen:
            nic.send([frame])
            seen.wait(1)
        seen.frames
    """

    def __init__(self, nic, dev, netns, ethertype=None, outgoing=False, promisc=False,
                 source=None):
        self.nic, self.frames, self.records = nic, [], []
        self.cmd = f"exec {PY}/raw.py capture {dev}"
        if ethertype is not None:
            self.cmd += f" --ethertype {ethertype:#x}"
        if outgoing:
            self.cmd += " --outgoing"
        if promisc:
            self.cmd += " --promisc"
        if source:
            self.cmd += f" --source {source}"
        self.netns = netns

    def __enter__(self):
        self.proc = self.nic.guest.spawn(self.cmd, self.netns)
        self.proc.wait_output("ready")
        return self

    def __exit__(self, *exc):
        self.proc.kill()
        self._read()

    def _read(self):
        # The last line may be there in part.
        text = self.proc.output().rpartition("\n")[0]
        self.records = [json.loads(x) for x in text.splitlines()]
        self.frames = [bytes.fromhex(x["frame"]) for x in self.records]

    @property
    def wire(self):
        """The frames with their tags, which either the device or the stack has taken out."""
        return [f if r.get("vlan") is None else
                f[:12] + b"\x81\x00" + r["vlan"].to_bytes(2, "big") + f[12:]
                for f, r in zip(self.frames, self.records)]

    def wait(self, count, timeout=10):
        def there():
            self._read()
            return len(self.frames) >= count
        wait_until(there, timeout, f"{count} frames captured")
        return self.frames
