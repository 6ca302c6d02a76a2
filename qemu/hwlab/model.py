# SPDX-License-Identifier: GPL-2.0
"""The second device: an 82574L in a process of its own (qemu/model), and a QEMU that takes it.

    from hwlab.model import ModelGuest

    with ModelGuest(GuestConfig(device="model")) as guest:
        guest.load_driver()
        guest.net_up()
        guest.model.command("fault tx-hang for 500")
        print(guest.model.stats())

The device is served to QEMU's vfio-user-pci, which Debian has since QEMU 11: where the host's own
is older, one of a newer suite is unpacked below the cache, and nothing is installed.
"""

import dataclasses
import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

from . import host
from .guest import Guest, GuestConfig
from .util import (TOP, LabError, Progress, UsageError, cache_dir, check_folder, die_with_parent,
                   digest, forget_old, log_path, once, run_logged)

RECIPE, MODEL_RECIPE = 1, 2
QEMU_MIN = (11, 0)          # the first with vfio-user-pci in Debian
SUITE = "trixie"            # and its backports have one that new
SOURCE = TOP / "qemu" / "model"
LIB = "usr/lib/x86_64-linux-gnu"
START_TIMEOUT = 20
PARTNER = "1000fd 100fd 100hd 10fd 10hd pause asym"


# --- QEMU ----------------------------------------------------------------------------------


def qemu():
    """How to start a QEMU that has vfio-user-pci: the beginning of a command line."""
    version = host.qemu_version()
    if version and version >= QEMU_MIN and _has_vfio_user(host.QEMU):
        return [host.QEMU]
    top = cache_dir() / f"qemu-{digest(RECIPE, SUITE, QEMU_MIN)}"
    os.utime(once(top, _fetch_qemu, "qemu"))
    return command_in(top)


def command_in(top):
    """The unpacked QEMU, started by the loader and with the libraries of its suite."""
    return [str(top / LIB / "ld-linux-x86-64.so.2"), "--library-path", str(top / LIB),
            str(top / "usr/bin" / host.QEMU), "-L", str(top / "usr/share/seabios"),
            "-L", str(top / "usr/share/qemu")]


def _has_vfio_user(binary):
    out = subprocess.run([binary, "-device", "vfio-user-pci,help"], capture_output=True,
                         check=False, timeout=20)
    return out.returncode == 0


def _fetch_qemu(tmp):
    if not host.codename():
        raise LabError("--device model needs QEMU 11 or newer with vfio-user-pci, and this "
                       "machine's has it not\n     (it is not Debian, from which one could be "
                       "fetched): install a newer QEMU")
    if not host.is_root() and not shutil.which("newuidmap"):
        raise LabError("fetching a newer QEMU without being root needs newuidmap: "
                       "sudo apt-get install uidmap")
    mode = "root" if host.is_root() else "unshare"
    backports = f"{SUITE}-backports"
    with Progress.step(f"fetching QEMU from {backports}"):
        run_logged(["mmdebstrap", f"--mode={mode}", "--variant=extract", "--architectures=amd64",
                    *host.bootstrap_options(), "--include=qemu-system-x86",
                    f'--aptopt=APT::Default-Release "{backports}"',
                    '--aptopt=APT::Install-Recommends "false"',
                    "--format=directory", SUITE, tmp,
                    *host.source_lines(SUITE), *host.source_lines(backports)],
                   log_path("qemu-fetch.log"), 900)
        for name in ("usr/share/doc", "usr/share/man", "usr/share/locale", "var"):
            shutil.rmtree(tmp / name, ignore_errors=True)
        if not _works(command_in(tmp)):
            raise LabError(f"the QEMU of {backports} does not run here; log: "
                           f"{log_path('qemu-fetch.log')}")


def _works(command):
    out = subprocess.run([*command, "-device", "vfio-user-pci,help"], capture_output=True,
                         check=False, timeout=60)
    return out.returncode == 0


# --- the model -----------------------------------------------------------------------------


def binary(sanitize=""):
    """The model's program, built from the sources in this checkout; kept in the cache."""
    files = sorted(p for p in SOURCE.iterdir() if p.suffix in (".c", ".h") or p.name == "Makefile")
    name = f"model{'-' + sanitize.replace(',', '-') if sanitize else ''}"
    top = cache_dir() / f"{name}-{digest(MODEL_RECIPE, sanitize, *files)}"

    def build(tmp):
        tmp.mkdir()
        run_logged(["make", "-s", "-C", SOURCE, f"OUT={tmp}", f"SAN={sanitize}"],
                   log_path("model.log"), 300)
    os.utime(once(top, build, "model"))
    forget_old(f"{name}-*", top)
    return top / "model82574"


@dataclasses.dataclass
class ModelOptions:
    """What the model is told when it starts; see qemu/model/README.md."""

    faults: str | None = None       # a script
    speed: int = 1000               # the most that the partner offers
    scale: int = 100                # per cent of the time that frames take
    autoneg: int = 500              # milliseconds
    errata: str = ""
    log: str | None = None          # kept there; else it goes with the run
    more: tuple = ()                # further arguments
    sanitize: str = ""


class Model:
    """One process that serves one device."""

    def __init__(self, directory, index, mac, options, trace=None):
        self.base = Path(directory) / f"model{index}"
        self.told = 0           # offences that were returned
        self.log_file = self.base.with_suffix(".log")
        if options.log:
            self.log_file = Path(f"{options.log}.{index}" if index else options.log)
        self.socket = f"{self.base}.vfio"
        self.wire = f"{self.base}.wire"
        args = [binary(options.sanitize), "--socket", self.socket, "--wire", self.wire,
                "--control", f"{self.base}.ctl", "--log", self.log_file, "--mac", mac,
                "--times", f"{self.base.parent}/times",
                "--speed", str(options.speed), "--scale", str(options.scale),
                "--autoneg", str(options.autoneg)]
        if options.errata:
            args += ["--errata", options.errata]
        if options.faults:
            args += ["--faults", options.faults]
        if trace:
            args += ["--trace", trace]
        with open(f"{self.base}.err", "wb") as errors:
            self.proc = subprocess.Popen([*map(str, args), *options.more],
                                         stdout=subprocess.PIPE, stderr=errors,
                                         preexec_fn=die_with_parent)
        if self.proc.stdout.readline() != b"ready\n":
            self.close()
            raise LabError("the device model did not start: "
                           + Path(f"{self.base}.err").read_text(errors="replace")[-500:])
        self._control = None

    def command(self, line):
        """A line for the control socket; its answer."""
        if self._control is None:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(START_TIMEOUT)
            sock.connect(f"{self.base}.ctl")
            self._control = sock.makefile("rw")
        self._control.write(line + "\n")
        self._control.flush()
        answer = self._control.readline().strip()
        if answer in ("error", ""):
            raise LabError(f"the device model refuses: {line}")
        return answer

    def stats(self):
        """Its books: frames, interrupts, offences."""
        return json.loads(self.command("stats"))

    def reg(self, offset):
        """A register as stored, read without the driver's or the bus' knowing."""
        return int(self.command(f"reg {offset:#x}"), 16)

    def log(self):
        return self.log_file.read_text(errors="replace")

    def offences(self):
        """What the driver did that it must not do, as lines of the log."""
        return re.findall(r"^\S+ OFFENCE (.*)$", self.log(), re.M)

    def close(self):
        """End it; it ends by itself when QEMU does."""
        if self.proc.poll() is None:
            try:
                self.proc.wait(2)
            except subprocess.TimeoutExpired:
                self.proc.terminate()
                self.proc.wait(10)
        self.proc.stdout.close()
        return self.proc.returncode


# --- the guest -----------------------------------------------------------------------------


class ModelGuest(Guest):
    """A guest whose devices under test are models.  The peers are what they always are."""

    def __init__(self, config=None, model_options=None, **changes):
        super().__init__(config or GuestConfig(device="model"), **changes)
        self.model_options = model_options or ModelOptions()
        self.models = []
        self.model_logs = []

    @property
    def model(self):
        return self.models[0]

    def begin_test(self):
        """No fault is left of an earlier test, the cable is whole, and its offences are told."""
        for m in self.models:
            for line in ("clear all", "link up", f"partner {PARTNER}", "damage crc 0", "offences"):
                m.command(line)
        self.new_offences()

    def new_offences(self):
        """Of all devices, those that were not returned before."""
        new = []
        for m in self.models:
            found = m.offences()
            new += found[m.told:]
            m.told = len(found)
        return new

    def refused(self):
        """Commands of the script of faults that the model did not take, once it has ended."""
        return [x for log in self.model_logs
                for x in re.findall(r"script: (.*)\n\S+ script: error$", log, re.M)]

    def prepare(self):
        super().prepare()
        self._qemu = qemu()
        binary(self.model_options.sanitize)

    def _write_payload(self):
        # The first step that knows the run's directory; QEMU comes next.
        super()._write_payload()
        self.models = [Model(self.dir, i, self.mac("dut", i), self.model_options,
                             None if i else self.config.trace)
                       for i in range(self.config.nics)]

    def command(self):
        cmd = super().command()
        at = cmd.index(host.QEMU)
        start = getattr(self, "_qemu", [host.QEMU])     # a dry run has fetched none
        machine = cmd.index("-machine") + 1
        cmd[machine] += ",memory-backend=guest"
        memory = ["-object", f"memory-backend-memfd,id=guest,size={self.config.mem}M,share=on"]
        return cmd[:at] + start + memory + cmd[at + 1:]

    def _trace_args(self):
        return []       # the model writes it, not QEMU

    def _nic_args(self):
        c = self.config
        args = []
        for i in range(c.nics):
            model = self.models[i] if self.models else None
            wire = model.wire if model else f"model{i}.wire"
            args += ["-netdev", f"stream,id=peer{i}net,server=off,addr.type=unix,addr.path={wire}",
                     "-device", f"pcie-root-port,id=port{i},chassis={i + 1},slot={i + 1},"
                                f"bus=pcie.0,addr={0x10 + i:#x}",
                     "-device", self.dut_device(i),
                     "-device", f"{self._model('peer', i)},id=peer{i},netdev=peer{i}net,"
                                f"mac={self.mac('peer', i)},bus=pcie.0,addr={0x8 + i:#x},romfile="]
        return args

    def dut_device(self, index=0):
        path = self.models[index].socket if self.models else f"model{index}.vfio"
        device = {"driver": "vfio-user-pci", "id": f"dut{index}", "bus": f"port{index}",
                  "socket": {"type": "unix", "path": path}}
        if self.config.trace:
            # The processor waits for each write, so that the times of the log are its own.
            device["x-no-posted-writes"] = True
        return json.dumps(device)

    def set_link(self, up, index=0, end="dut"):
        """Pull or plug the cable."""
        if end == "dut":
            self.models[index].command(f"link {'up' if up else 'down'}")
        else:
            super().set_link(up, index, end)

    def unplug(self, index=0, timeout=30):
        """Surprise removal: QEMU would abort at device_del with MSI-X."""
        self.models[index].command("fault removed")

    def close(self):
        models, self.models = self.models, []
        # QEMU first: the model ends with it and writes its totals.
        directory = self.dir
        if self.proc and self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(5)
            except subprocess.TimeoutExpired:
                self.proc.kill()
        for m in models:
            m.close()
            if directory and m.log_file.exists():
                self.model_logs.append(m.log())
        super().close()


def check_options(options):
    """Refuse options that go with the model alone, and files that are not there."""
    for name in ("faults", "wire", "model_log"):
        if getattr(options, name) is not None and options.device != "model":
            raise UsageError(f"--{name.replace('_', '-')} goes with --device model")
    if options.faults is not None and not Path(options.faults).is_file():
        raise UsageError(f"--faults {options.faults}: no such file")
    if options.model_log is not None:
        check_folder("--model-log", options.model_log)


def check(config):
    """Refuse what cannot be with the model."""
    rules = [
        (config.net == "hub", "--net tap: the model's cable ends in QEMU"),
        (not config.icount, "--icount stops the clock of a device that has its own"),
        (not config.shell or config.nics <= 1, "--shell goes with one NIC on the model"),
    ]
    for good, text in rules:
        if not good:
            raise UsageError(f"--device model does not go with {text}")
