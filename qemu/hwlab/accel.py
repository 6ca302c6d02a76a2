# SPDX-License-Identifier: GPL-2.0
"""Does KVM really work here?  /dev/kvm that opens proves little: ask it to run something."""

import contextlib
import os
import subprocess
import tempfile
from pathlib import Path

from .host import QEMU
from .util import atomic, cache_dir, die_with_parent

# Real-mode code for a 64 KB BIOS image: count 10 million down, then leave through
# isa-debug-exit.  That is 10 ms of work on a processor, and most of a minute where somebody
# emulates the guest instruction by instruction.
PROBE = bytes.fromhex("66b980969800 6649 75fc b010 ba0105 ee f4")
PROBE_LIMIT = 3.0
PROBE_EXIT = 0x10 << 1 | 1


def probe():
    """(usable, why not)"""
    if Path("/sys/module/kvm_pvm").exists():
        return False, "this machine's KVM emulates guest kernels (kvm_pvm)"
    if not os.path.exists("/dev/kvm"):
        return False, "there is no /dev/kvm"
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False, "/dev/kvm is not ours to open: join its group"
    return _run_probe()


def _run_probe():
    image = bytearray(65536)
    image[:len(PROBE)] = PROBE
    image[0xfff0:0xfff3] = b"\xe9" + (0x10000 - 0xfff3).to_bytes(2, "little")
    with tempfile.TemporaryDirectory(prefix="hartwell-") as tmp:
        bios = Path(tmp, "probe.bin")
        bios.write_bytes(image)
        try:
            code = subprocess.run(
                [QEMU, "-accel", "kvm", "-machine", "pc", "-nodefaults", "-display", "none",
                 "-device", "isa-debug-exit,iobase=0x501,iosize=1", "-bios", str(bios)],
                timeout=PROBE_LIMIT, check=False, stdin=subprocess.DEVNULL,
                capture_output=True, preexec_fn=die_with_parent).returncode
        except subprocess.TimeoutExpired:
            return False, "KVM here is slower than emulation"
        except OSError as error:
            return False, str(error)
    if code != PROBE_EXIT:
        return False, "KVM here does not run a trivial guest"
    return True, ""


def choose(wanted, remember=True):
    """("kvm" or "tcg", a sentence that says why); remembers the answer until a reboot."""
    if wanted != "auto":
        return wanted, "as asked"
    boot = ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    record = cache_dir() / "accel"
    with contextlib.suppress(OSError, ValueError):
        was, usable, why = record.read_text(encoding="utf-8").rstrip("\n").split("\t")
        if boot and was == f"{boot}-{os.getuid()}":
            return usable, why
    works, why = probe()
    usable, why = ("kvm", "KVM works") if works else ("tcg", why)
    if not remember:
        return usable, why
    with contextlib.suppress(OSError), atomic(record) as tmp:
        tmp.write_text(f"{boot}-{os.getuid()}\t{usable}\t{why}\n", encoding="utf-8")
    return usable, why
