# SPDX-License-Identifier: GPL-2.0
"""A guest: one QEMU process, booted, talked to, and gone when its block ends.

    from hwlab import Guest, GuestConfig

    with Guest(GuestConfig(driver="hartwell")) as guest:
        guest.load_driver()
        guest.net_up()
        guest.run("ping -c 1 192.0.2.2")
        print(guest.run("ethtool -i dut0").stdout)

Every wait has a limit.  Limits given by a caller are for TCG on a quiet machine and Debian's
kernel; they are multiplied by GuestConfig.timeout_scale, and for the debug kernel by a factor of
its own (Guest.scale is all of it).
"""

import base64
import contextlib
import dataclasses
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import accel as accelerator
from . import artifacts, debugkernel, kernels, module
from .channels import Agent, CommandFailed, GuestError, GuestTimeout, Qmp
from .host import QEMU
from .util import TOP, LabError, UsageError, die_with_parent

MAX_NICS = 8
POLL = 0.01
SHELL_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
KILL_TREE = ("tree() {{ set -- $1 $(cat /proc/$1/task/*/children); kill -KILL $1; shift; "
             "for child; do tree $child; done; }}; tree {}")

# Lines of level warning or worse that say nothing about the driver.
LOG_ALLOWED = [re.compile(p) for p in (
    # Any module that is not part of the kernel says these two.
    r"hartwell: loading out-of-tree module taints kernel",
    r"hartwell: module verification failed: signature and/or required key missing",
)]
LOG_ALARM = re.compile(
    r"\b(BUG|WARNING|Oops|KASAN|UBSAN|KCSAN|kmemleak|DMA-API|ODEBUG|refcount_t|ref_tracker|"
    r"general protection|INFO: (task|rcu|trying|possible)|rcu: INFO|"
    r"possible (recursive|circular|irq)|lockdep|locking correctness|inconsistent lock|"
    r"suspicious RCU|unreferenced object|leaked|corruption|Call Trace|page_pool_release_retry|"
    r"DMAR|AMD-Vi|NETDEV WATCHDOG|scheduling while atomic|soft lockup|hard LOCKUP|"
    r"hung_task)\b", re.I)
KMEMLEAK = "/sys/kernel/debug/kmemleak"
KMEMLEAK_AGE = 5            # seconds before which kmemleak does not report an object


@dataclasses.dataclass
class GuestConfig:
    """Everything that a guest is made from.  The defaults are the demonstration's."""

    driver: str = "hartwell"        # for the devices under test: hartwell or e1000e
    kernel: str = "default"         # a name (debug is one), a version, a file, or a build tree
    smp: int = 2
    mem: int = 1024                 # MiB
    accel: str = "auto"             # auto, kvm, tcg
    nics: int = 1                   # devices under test, each with a peer of its own
    mtu: int = 1500
    net: str = "hub"                # hub, tap
    peer: str = "virtio"            # virtio, e1000e; a list with commas: for each NIC its own
    device: str = "e1000e"          # model of the device under test: e1000e, virtio; or a list
    append: str = ""                # more kernel parameters
    qemu_args: list = dataclasses.field(default_factory=list)   # after all others
    early_args: list = dataclasses.field(default_factory=list)  # before any device: an IOMMU
    machine: str = ""               # more properties of -machine, e.g. kernel-irqchip=split
    nic_props: str = ""             # more properties of the e1000e devices
    icount: bool = False            # guest time counts guest instructions
    trace: str | None = None        # log file for register accesses
    gdb: bool = False               # wait for gdb on port 1234
    shell: bool = False             # console on this terminal, no agent needed
    module: str | None = None       # hartwell.ko to use; None builds one when it is needed
    packages: tuple = ()            # Debian packages in the userland beside the usual ones
    suite: str = artifacts.USERLAND_SUITE   # where the userland comes from
    payload: dict = dataclasses.field(default_factory=dict)  # name below /payload: file or bytes
    boot_timeout: float = 90
    timeout_scale: float = float(os.environ.get("HARTWELL_TIMEOUT_SCALE", "1"))


@dataclasses.dataclass
class Result:
    """What a command in the guest left.  Unpacks as (rc, stdout, stderr)."""

    rc: int
    stdout: str
    stderr: str

    def __iter__(self):
        return iter((self.rc, self.stdout, self.stderr))


class Process:
    """A command that runs in the guest while the caller does something else."""

    def __init__(self, guest, cmd, pid, base):
        self.guest, self.cmd, self.pid, self.base = guest, cmd, pid, base
        self.rc = None

    def poll(self):
        """The exit status, None while it runs.  A signal N shows as 128 + N."""
        if self.rc is None:
            try:
                status = self.guest.agent.command("guest-exec-status", 60, pid=self.pid)
            except GuestError as error:
                if "does not exist" not in str(error):
                    raise
                # Not a child of this agent, which was started anew: its status is lost.
                there = self.guest.run(f"kill -0 {self.pid}", check=False).rc == 0
                status = {"exited": not there, "exitcode": -1}
            if status["exited"]:
                self.rc = status.get("exitcode", 128 + status.get("signal", 0))
        return self.rc

    def wait(self, timeout=60, check=True):
        """Wait for the end; kill it and raise GuestTimeout if that does not come."""
        deadline = time.monotonic() + timeout * self.guest.scale
        while self.poll() is None:
            if time.monotonic() > deadline:
                self.kill()
                raise GuestTimeout(f"guest: no end after {timeout} s: {self.cmd}\n"
                                   f"{self.output()[-2000:]}")
            time.sleep(POLL)
        result = Result(self.rc, self.output(), self.errors())
        if check and self.rc:
            raise CommandFailed(self.cmd, result)
        return result

    def signal(self, name="TERM"):
        """Signal the whole process group."""
        self.guest.run(f"kill -{name} -{self.pid}", check=False)

    def kill(self, timeout=20):
        """End it (TERM, then KILL) and return its exit status."""
        for name, limit in (("TERM", 3), ("KILL", timeout)):
            if self.poll() is None:
                self.signal(name)
            deadline = time.monotonic() + limit * self.guest.scale
            while self.poll() is None and time.monotonic() < deadline:
                time.sleep(POLL)
        if self.poll() is None:
            raise GuestTimeout(f"guest: does not die: {self.cmd}")
        return self.rc

    def output(self):
        """Its standard output so far."""
        return self.guest.get(self.base + ".out").decode(errors="replace")

    def errors(self):
        return self.guest.get(self.base + ".err").decode(errors="replace")

    def wait_output(self, pattern, timeout=30):
        """Wait until its output (either stream) has a match of a regular expression."""
        deadline = time.monotonic() + timeout * self.guest.scale
        while True:
            ended = self.poll() is not None
            text = self.output() + self.errors()
            found = re.search(pattern, text)
            if found:
                return found
            if ended or time.monotonic() > deadline:
                raise GuestTimeout(f"guest: {'ended' if ended else 'no sign'} without "
                                   f"{pattern!r}: {self.cmd}\n{text[-2000:]}")
            time.sleep(POLL * 2)


class Guest:
    """See the module's text.  Use it as a context manager, or call start() and close()."""

    def __init__(self, config=None, **changes):
        self.config = dataclasses.replace(config or GuestConfig(), **changes)
        self.proc = None
        self.agent = None
        self.dir = None
        self.accel = None
        self.accel_why = ""
        self.kernel = None
        self._qmp = None
        self._serial = 0
        self._console = b""
        self.boot_seconds = None

    # --- life ---

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *exc):
        self.close()

    @property
    def scale(self):
        slow = debugkernel.SLOWNESS if self.kernel and self.kernel.debug else 1
        return self.config.timeout_scale * slow * (3 if self.config.icount else 1)

    def prepare(self):
        """Build or find everything that the guest needs; nothing is started."""
        config = self.config
        self.accel, self.accel_why = accelerator.choose(config.accel)
        if config.icount and self.accel != "tcg":
            self.accel, self.accel_why = "tcg", "icount needs it"
        self.kernel = kernels.kernel(config.kernel, headers=config.driver == "hartwell")
        self.root = artifacts.userland(config.packages, config.suite)
        self.initramfs = artifacts.initramfs(self.kernel)
        if config.driver == "hartwell" and config.module is None \
                and "hartwell.ko" not in config.payload:
            config.module = str(module.build_module(self.kernel))

    def start(self):
        """Boot, and return when the guest takes commands (or at once with config.shell)."""
        if self.kernel is None:
            self.prepare()
        begun = time.monotonic()
        self.dir = run_directory()
        self._write_payload()
        interactive = self.config.shell
        with open(self.dir / "qemu.log", "wb") as log:
            self.proc = subprocess.Popen(
                self.command(), stdin=None if interactive else subprocess.DEVNULL,
                stdout=None if interactive else log, stderr=log,
                start_new_session=not interactive, preexec_fn=die_with_parent)
        if not interactive:
            self._connect()
            self.boot_seconds = time.monotonic() - begun
        return self

    def _write_payload(self):
        entries = dict(self.config.payload)
        if self.config.module:
            entries.setdefault("hartwell.ko", self.config.module)
        if (TOP / "tests").is_dir():
            entries.setdefault("tests", TOP / "tests")
        artifacts.payload(self.dir / "payload", entries)

    def _connect(self):
        limit = self.config.boot_timeout * self.scale * (1 if self.accel == "tcg" else 0.5)
        deadline = time.monotonic() + limit
        self.agent = self._open(Agent, "agent", deadline)
        try:
            self.agent.sync(max(1, deadline - time.monotonic()))
        except GuestTimeout:
            raise GuestTimeout(f"the guest did not boot within {limit:.0f} s; its console:\n"
                               f"{self.console_tail()}") from None
        self._qmp = self._open(Qmp, "qmp", time.monotonic() + 20)
        self.agent.explain = self._processors

    def _open(self, kind, name, deadline):
        """QEMU makes its sockets when it gets to it."""
        while True:
            try:
                return kind(self.dir / name, self.check_alive)
            except (FileNotFoundError, ConnectionRefusedError):
                self.check_alive()
                if time.monotonic() > deadline:
                    raise GuestTimeout(f"QEMU made no socket {name}") from None
                time.sleep(POLL)

    def _processors(self):
        """Where the processors are, and what their timers wait for: of a guest that is silent."""
        try:
            looks = [x for _ in range(3) for x in
                     re.findall(r"RIP=.*", self._qmp.hmp("info registers -a", 10))]
            timers = [x for cpu in range(self.config.smp) for x in
                      re.findall(r"(?:LVTT|Timer|IRR|ISR)\b.*",
                                 self._qmp.hmp(f"info lapic {cpu}", 10))]
        except GuestError as error:
            return f"; and QEMU: {error}"
        return "; its processors:\n" + "\n".join("  | " + x for x in looks + timers)

    def check_alive(self):
        """Raise GuestError, with the reason, if QEMU is gone or the boot failed."""
        code = self.proc.poll() if self.proc else None
        if self.proc is None or code is not None:
            log = ""
            if self.dir and (self.dir / "qemu.log").exists():
                log = self.qemu_log()
            raise GuestError(f"the guest is gone (QEMU's exit status {code}) {log}\n"
                             f"its console:\n{self.console_tail()}")

    def qemu_log(self):
        """What QEMU itself said, without what is known to mean nothing."""
        lines = (self.dir / "qemu.log").read_text(errors="replace").splitlines()
        return "\n".join(x for x in lines if "is not connected to host network" not in x)

    def wait_exit(self, timeout=None):
        """Wait for QEMU's own end; its exit status."""
        try:
            return self.proc.wait(timeout)
        except subprocess.TimeoutExpired:
            raise GuestTimeout(f"QEMU runs on after {timeout} s") from None

    def shutdown(self, timeout=30):
        """Power the guest off in order (drivers' shutdown handlers run), then close."""
        if self.proc and self.proc.poll() is None:
            self.agent.command("guest-exec", 30, path="/usr/bin/hwlab", arg=["poweroff"])
            self.wait_exit(timeout * self.scale)
        self.close()

    def close(self):
        """End QEMU whatever it does, and remove the run's files.  Any number of times."""
        if self.proc and self.proc.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(2)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait(10)
        for channel in (self.agent, self._qmp):
            if channel:
                channel.close()
        if self.dir:
            with contextlib.suppress(OSError):
                self._console = (self.dir / "console.log").read_bytes()
            shutil.rmtree(self.dir, ignore_errors=True)
            self.dir = None

    # --- QEMU's command line ---

    def command(self):
        """The command that boots this guest."""
        c = self.config
        run = self.dir or Path("/tmp/hartwell-RUN")
        cmd = [QEMU, "-name", "hartwell", "-nodefaults", "-no-user-config", "-no-reboot",
               "-display", "none",
               "-machine", ",".join(["q35", "usb=off", "vmport=off", *filter(None, [c.machine])]),
               "-smp", str(c.smp), "-m", f"{c.mem}M"]
        if self.accel == "kvm":
            cmd += ["-accel", "kvm", "-cpu", "host"]
        else:
            # Five-level page tables are a trap for new kernels under TCG, and "rep movsb", which
            # fast ones use, takes it a step for each octet: "rep movsq" copies at a third of the
            # time. Where instructions are counted, the figures are of a processor that has both.
            thread = "single" if c.icount else "multi"
            cpu = "max,la57=off" if c.icount else "max,la57=off,erms=off,fsrm=off"
            cmd += ["-accel", f"tcg,thread={thread},tb-size=512", "-cpu", cpu]
        if c.icount:
            cmd += ["-icount", "shift=0,sleep=off", "-rtc", "clock=vm"]
        cmd += ["-kernel", str(self.kernel.image), "-initrd", str(self.initramfs),
                "-append", self.kernel_parameters()]
        cmd += c.early_args
        for i, (name, path) in enumerate((("root", self.root), ("modules", self.kernel.modules),
                                          ("payload", run / "payload"))):
            if path:
                cmd += ["-drive", f"if=none,id={name},file={path},format=raw,readonly=on",
                        "-device", f"virtio-blk-pci,drive={name},serial=hwlab-{name},"
                                   f"addr={2 + i}"]
        cmd += ["-device", "virtio-serial-pci,addr=6",
                "-chardev", f"socket,id=agent,path={run}/agent,server=on,wait=off",
                "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
                "-chardev", f"socket,id=qmp,path={run}/qmp,server=on,wait=off",
                "-mon", "chardev=qmp,mode=control"]
        if c.shell:
            cmd += ["-chardev", f"stdio,id=console,mux=on,signal=off,logfile={run}/console.log",
                    "-serial", "chardev:console", "-mon", "chardev=console"]
        else:
            cmd += ["-chardev", f"file,id=console,path={run}/console.log",
                    "-serial", "chardev:console"]
        cmd += self._nic_args()
        if c.trace:
            cmd += self._trace_args()
        if c.gdb:
            # For this machine alone: the stub reaches the monitor.
            cmd += ["-gdb", "tcp:127.0.0.1:1234", "-S"]
        cmd += c.qemu_args
        if c.net == "tap":
            return ["unshare", *([] if os.geteuid() == 0 else ["-r"]), "-n", "--", "sh", "-ec",
                    self._tap_script() + 'exec "$@"', "sh", *cmd]
        return cmd

    def _trace_args(self):
        return ["-trace", "e1000e_core_read", "-trace", "e1000e_core_write",
                "-D", str(self.config.trace), "-msg", "timestamp=on"]

    def _nic_args(self):
        c = self.config
        args = []
        props = f",{c.nic_props}" if c.nic_props else ""
        for i in range(c.nics):
            for end in ("dut", "peer"):
                backend = f"tap,id={end}{i}net,ifname={end}{i},script=no,downscript=no" \
                    if c.net == "tap" else f"hubport,id={end}{i}net,hubid={i}"
                args += ["-netdev", backend]
            # A root port of its own, so that the device can be unplugged.  chassis must differ.
            args += ["-device", f"pcie-root-port,id=port{i},chassis={i + 1},slot={i + 1},"
                                f"bus=pcie.0,addr={0x10 + i:#x}",
                     "-device", self.dut_device(i) + props]
            peer = self._model("peer", i)
            args += ["-device", f"{peer},id=peer{i},netdev=peer{i}net,mac={self.mac('peer', i)},"
                                f"bus=pcie.0,addr={0x8 + i:#x},romfile="]
        return args

    def dut_device(self, index=0):
        """The -device (and device_add) properties of a device under test."""
        return (f"{self._model('device', index)},id=dut{index},netdev=dut{index}net,"
                f"mac={self.mac('dut', index)},bus=port{index},romfile=")

    def _model(self, what, index):
        """QEMU's name of a device; the last of a list is that of all further NICs."""
        names = getattr(self.config, what).split(",")
        name = names[min(index, len(names) - 1)]
        return {"virtio": "virtio-net-pci"}.get(name, name)

    @staticmethod
    def mac(end, index=0):
        return f"52:54:00:12:{0 if end == 'dut' else 1:02x}:{index:02x}"

    def _tap_script(self):
        """TAPs and their bridge live in a network namespace of QEMU's own and die with it."""
        lines = ["ip link set lo up"]
        for i in range(self.config.nics):
            lines.append(f"ip link add br{i} type bridge forward_delay 0 mcast_snooping 0")
            for end in ("dut", "peer"):
                lines += [f"ip tuntap add {end}{i} mode tap vnet_hdr",
                          f"ip link set {end}{i} mtu 16000 master br{i} up"]
            lines.append(f"ip link set br{i} up")
        return "\n".join(lines) + "\n"

    def kernel_parameters(self):
        c = self.config
        words = ["console=ttyS0", "quiet", "panic=-1", "net.ifnames=0", "mitigations=off",
                 "random.trust_cpu=on",
                 f"hwlab.driver={c.driver}", f"hwlab.nics={c.nics}", f"hwlab.mtu={c.mtu}",
                 f"hwlab.models={c.device},{c.peer}"]
        if self.kernel and self.kernel.debug:
            words += debugkernel.PARAMETERS
        if c.gdb:
            words += ["nokaslr", "hwlab.gdb=1"]
        if c.shell:
            size = shutil.get_terminal_size()
            words += ["hwlab.shell=1", "hwlab.autoload=1", f"hwlab.rows={size.lines}",
                      f"hwlab.cols={size.columns}"]
        return " ".join([*words, c.append]).strip()

    # --- commands in the guest ---

    def _exec(self, cmd, netns, capture, stdin=None, group=True):
        """The number of a shell that runs a command; group: in a process group of its own."""
        argv = ["/bin/sh", "-c", cmd]
        if group:
            argv = ["/usr/bin/setsid", *argv]
        if netns:
            argv = ["/usr/sbin/ip", "netns", "exec", netns, *argv]
        extra = {}
        if stdin is not None:
            data = stdin.encode() if isinstance(stdin, str) else stdin
            extra["input_data"] = base64.b64encode(data).decode()
        return self.agent.command("guest-exec", 60 * self.scale, path=argv[0], arg=argv[1:],
                                  env=[f"PATH={SHELL_PATH}", "HOME=/root", "LANG=C.UTF-8"],
                                  capture_output=capture, **extra)["pid"]

    def run(self, cmd, timeout=30, check=True, netns=None, stdin=None):
        """Run a shell command; its Result.  Raises CommandFailed, or GuestTimeout (killed)."""
        if not isinstance(cmd, str):
            cmd = shlex.join(cmd)
        # Most commands are short, and one process more would be a third of what they take.
        pid = self._exec(cmd, netns, True, stdin, group=False)
        begun = time.monotonic()
        while True:
            status = self.agent.command("guest-exec-status", 60 * self.scale, pid=pid)
            if status["exited"]:
                break
            took = time.monotonic() - begun
            if took > timeout * self.scale:
                self._exec(KILL_TREE.format(pid), None, False)
                raise GuestTimeout(f"guest: no end after {timeout} s: {cmd}")
            # Each look takes the guest 4 ms.
            time.sleep(min(max(took / 10, 0.002), 0.1))
        rc = status.get("exitcode", 128 + status.get("signal", 0))
        result = Result(rc, *(base64.b64decode(status.get(k, "")).decode(errors="replace")
                              for k in ("out-data", "err-data")))
        if check and rc:
            raise CommandFailed(cmd, result)
        return result

    def spawn(self, cmd, netns=None):
        """Start a shell command in the background."""
        if not isinstance(cmd, str):
            cmd = shlex.join(cmd)
        self._serial += 1
        base = f"/run/hwlab/{self._serial}"
        pid = self._exec(f"exec >{base}.out 2>{base}.err\n{cmd}", netns, False)
        # The files exist from here on for whoever asks for output.
        proc = Process(self, cmd, pid, base)
        self.wait_for(f"test -e {base}.err", 20)
        return proc

    def wait_for(self, cmd, timeout=30, netns=None, what=None):
        """Run a command until it succeeds; its last Result."""
        deadline = time.monotonic() + timeout * self.scale
        while True:
            result = self.run(cmd, timeout=timeout, check=False, netns=netns)
            if result.rc == 0:
                return result
            if time.monotonic() > deadline:
                raise GuestTimeout(f"guest: not within {timeout} s: {what or cmd}\n"
                                   f"{result.stdout}{result.stderr}")
            time.sleep(POLL * 2)

    def stream(self, cmd, out=None, timeout=3600):
        """Run a command, passing its output on while it comes; its exit status.

        out is called with bytes; by default they go to standard output.
        """
        if out is None:
            def out(data):
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
        self._serial += 1
        base = f"/run/hwlab/{self._serial}"
        # Through a file, not a port of its own: a virtio port that is closed while its reader
        # lags behind loses what was written last.
        self.put("", base + ".out")
        pid = self._exec(f"exec >{base}.out 2>&1 </dev/null\n{cmd}", None, False)
        process = Process(self, cmd, pid, base)
        handle = self.agent.command("guest-file-open", path=base + ".out", mode="r")
        deadline = time.monotonic() + timeout * self.scale
        while True:
            ended = process.poll() is not None      # before the read: then nothing is missed
            while True:
                part = self.agent.command("guest-file-read", 60 * self.scale, handle=handle,
                                          count=1 << 20)
                if not part["count"]:
                    break
                out(base64.b64decode(part["buf-b64"]))
            if ended:
                self.agent.command("guest-file-close", handle=handle)
                self.run(f"rm -f {base}.out")
                return process.rc
            if time.monotonic() > deadline:
                process.kill()
                raise GuestTimeout(f"guest: no end after {timeout} s: {cmd}")
            time.sleep(0.05)

    def put(self, source, path, mode=None):
        """Write bytes, a str, or a local file (a Path) to a path in the guest."""
        if isinstance(source, Path):
            mode = mode or source.stat().st_mode & 0o777
            source = source.read_bytes()
        elif isinstance(source, str):
            source = source.encode()
        self.agent.write_file(path, source, 60 * self.scale)
        if mode is not None:
            self.run(f"chmod {mode:o} {shlex.quote(path)}")

    def get(self, path, offset=0):
        """The bytes of a file of the guest (from an offset on)."""
        return self.agent.read_file(path, offset, 60 * self.scale)

    # --- the devices ---

    def load_driver(self, driver=None, timeout=30):
        """Load the driver, and name its interfaces dut0, dut1, …"""
        self.run(f"hwlab load {driver or self.config.driver}", timeout)

    def unload_driver(self, driver=None, timeout=30):
        self.run(f"hwlab unload {driver or self.config.driver}", timeout)

    def net_up(self, mtu=None, timeout=40):
        """Addresses and links up at both ends of every cable; returns when carrier is there.

        dut0 has 192.0.2.1/24 and 2001:db8::1/64, peer0 in namespace "peer" .2 and ::2; of
        further pairs N it is 198.18.N.1 and 2001:db8:N::1, in namespace "peerN".
        """
        self.run(f"hwlab up {mtu or self.config.mtu}", timeout)

    def bring_up(self, timeout=70):
        """load_driver() and net_up()."""
        self.run(f"hwlab load {self.config.driver} && hwlab up {self.config.mtu}", timeout)

    @staticmethod
    def netns(index=0):
        return "peer" if index == 0 else f"peer{index}"

    def pci(self, index=0):
        """The PCI address of a device under test in the guest."""
        return self.run(f"hwlab pci {index}").stdout.strip()

    def set_link(self, up, index=0, end="dut"):
        """Pull or plug the cable at one end, as QEMU sees it."""
        self.qmp("set_link", name=f"{end}{index}", up=up)

    def unplug(self, index=0, timeout=30):
        """Hot-unplug a device under test; returns when QEMU has removed it."""
        self.qmp("device_del", id=f"dut{index}")
        self._qmp.wait_event("DEVICE_DELETED", timeout * self.scale, device=f"dut{index}")

    def plug(self, index=0, timeout=30):
        """Plug it in again; returns when the guest's PCI core has found it."""
        driver, *rest = self.dut_device(index).split(",")
        self.qmp("device_add", driver=driver, **dict(x.split("=", 1) for x in rest))
        self.wait_for(f'test -n "$(hwlab pci {index})"', timeout)

    def qmp(self, command, timeout=30, /, **args):
        """A QMP command; what it returns."""
        return self._qmp.command(command, timeout, **args)

    def hmp(self, line):
        """A line for QEMU's human monitor; its answer."""
        return self._qmp.hmp(line)

    def wait_event(self, name, timeout=30, **match):
        return self._qmp.wait_event(name, timeout * self.scale, **match)

    # --- logs ---

    def dmesg(self, since=None):
        """The kernel log as text; since a mark() if one is given."""
        return "\n".join(text for _, text in self._log(since))

    def mark(self):
        """Put a mark into the kernel log, for dmesg() and log_problems()."""
        self._serial += 1
        token = f"hwlab: mark {self._serial}"
        self.put(f"<6>{token}\n", "/dev/kmsg")
        return token

    def _log(self, since=None):
        lines = []
        for line in self.run("dmesg -r").stdout.splitlines():
            found = re.match(r"<(\d+)>(.*)", line)
            level, text = (int(found[1]) & 7, found[2]) if found else (6, line)
            lines.append((level, text))
            if since and text.endswith(since):
                lines = []
        return lines

    def log_problems(self, since="hwlab: guest is up", allow=()):
        """Lines of the kernel log that must not be there: alarms, and any warning or worse.

        allow: regular expressions of lines that a test provokes on purpose.
        """
        allowed = [*LOG_ALLOWED, *(re.compile(p) for p in allow)]
        return [text for level, text in self._log(since)
                if (level <= 4 or LOG_ALARM.search(text))
                and not any(p.search(text) for p in allowed)]

    def kmemleak_clear(self, timeout=60):
        """What is lost up to now is not reported any more.  Objects of the last 5 s may be."""
        self._kmemleak("echo scan", timeout)
        self._kmemleak("echo clear", timeout)

    def kmemleak_scan(self, timeout=60):
        """Memory that nothing points to: one text per object, with who allocated it.

        It needs the debug kernel.  Each object is reported once.  Scan after the driver's
        unloading, with kmemleak_clear() before its loading.
        """
        begun = self._uptime()
        # The second scan confirms what the first found, since a pointer may have been moved
        # meanwhile; and no object is reported before it has an age.
        self._kmemleak("echo scan", timeout)
        self.wait_for(f"awk '{{ exit !($1 > {begun + KMEMLEAK_AGE + 0.1:.2f}) }}' /proc/uptime",
                      timeout)
        self._kmemleak("echo scan", timeout)
        text = self._kmemleak("cat", timeout)
        self._kmemleak("echo clear", timeout)
        return [x.strip() for x in re.split(r"^(?=unreferenced object )", text, flags=re.M)
                if x.strip()]

    def _kmemleak(self, command, timeout):
        to = "<" if command == "cat" else ">"
        try:
            return self.run(f"{command} {to}{KMEMLEAK}", timeout).stdout
        except CommandFailed as error:
            raise GuestError(f"kmemleak is not there, or off ({error.result.stderr.strip()}): "
                             'kernel="debug" has it') from None

    def _uptime(self):
        return float(self.run("cat /proc/uptime").stdout.split()[0])

    @property
    def console_log(self):
        """All that the serial console said; there after close(), too."""
        if self.dir:
            with contextlib.suppress(OSError):
                return (self.dir / "console.log").read_text(errors="replace")
        return self._console.decode(errors="replace")

    def console_tail(self, lines=25):
        return "\n".join("  | " + x for x in self.console_log.splitlines()[-lines:])


def run_directory():
    """A directory for one run's sockets and logs; those of runs that were killed are removed."""
    # Short, since a unix socket's path has at most 107 bytes.
    base = tempfile.gettempdir()
    base = base if len(base) < 60 else "/tmp"
    for old in Path(base).glob("hartwell-[0-9]*-*"):
        owner = old.name.split("-")[1]
        with contextlib.suppress(OSError):
            if not Path("/proc", owner).exists() and old.stat().st_uid == os.geteuid():
                shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"hartwell-{os.getpid()}-", dir=base))


def check(config):
    """Refuse a configuration that cannot be, before anything is started."""
    rules = [
        (config.driver in ("hartwell", "e1000e"), "--driver", "hartwell or e1000e"),
        (1 <= config.smp <= 64, "--smp", "1 to 64"),
        (256 <= config.mem <= 65536, "--mem", "256 to 65536 MiB"),
        (1 <= config.nics <= MAX_NICS, "--nics", f"1 to {MAX_NICS}"),
        (68 <= config.mtu <= 16110, "--mtu", "68 to 16110"),
        (config.net in ("hub", "tap"), "--net", "hub or tap"),
        (set(config.peer.split(",")) <= {"virtio", "e1000e"}, "--peer", "virtio or e1000e"),
        (config.accel in ("auto", "kvm", "tcg"), "--accel", "auto, kvm or tcg"),
    ]
    for good, option, text in rules:
        if not good:
            value = getattr(config, option[2:])
            raise UsageError(f"{option} {value}: must be {text}")
    kernels.check_spec(config.kernel)
    if config.icount and config.accel == "kvm":
        raise UsageError("--icount counts instructions of TCG: it cannot go with --accel kvm")


__all__ = [
    "CommandFailed",
    "Guest",
    "GuestConfig",
    "GuestError",
    "GuestTimeout",
    "LabError",
    "Process",
    "Result",
]
