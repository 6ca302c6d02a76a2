# SPDX-License-Identifier: GPL-2.0
"""The kernel "debug": the default kernel's sources, with what finds a driver's errors.

Its options are in qemu/debug.config, merged onto allnoconfig.  It is built once per set of
options, version of the sources and compiler, from Debian's linux-source package, which is
not installed.  What stays there is the kernel, its modules, and
the part of the tree that an external module is built against.
"""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from . import debs, host, kernels
from .util import (TOP, LabError, Progress, atomic, cache_dir, digest, locked, log_path, remove,
                   run_logged)

RECIPE = 1
FRAGMENT = TOP / "qemu" / "debug.config"
KEPT = 2                    # builds that stay in the cache
LIMIT = 4 * 3600            # on a machine that is busy with other things

# What no x86-64 build reads is not even unpacked.  The other architectures' Kconfig files are.
UNWANTED = ("arch/[!x]*.[chS]", "arch/[!x]*.dts*", "Documentation/[!K]*", "tools/testing",
            "drivers/gpu/drm/amd/include")

# Reports from every test, not from the first that fails; limits for a slow guest.
PARAMETERS = """
    kasan.fault=report kasan_multi_shot kmemleak=on dma_debug_entries=131072
    sysctl.kernel.hung_task_timeout_secs=60 rcupdate.rcu_cpu_stall_timeout=60
    watchdog_thresh=30 workqueue.watchdog_thresh=90
""".split()

# How much slower than Debian's kernel a guest may be: a factor for time limits.
SLOWNESS = 6


def options(text):
    """{option: value} of a kernel configuration; "n" for what is not set."""
    found = {}
    for line in text.splitlines():
        match = re.match(r"(CONFIG_\w+)=(.*)|# (CONFIG_\w+) is not set", line)
        if match:
            found[match[1] or match[3]] = match[2] if match[1] else "n"
    return found


def lacking(wanted, result):
    """["CONFIG_A=y (n)", …]: what was asked for and is not in the result, with what is."""
    return [f"{name}={value} ({result.get(name, 'n')})" for name, value in sorted(wanted.items())
            if result.get(name, "n") != value]


def fragment():
    return options(FRAGMENT.read_text(encoding="utf-8"))


def _compiler():
    out = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=True,
                         timeout=20).stdout
    return out.splitlines()[0]


def planned():
    """The newest that the cache has, or names in place of it; nothing is made."""
    def age(path):
        return path.stat().st_mtime

    done = max(cache_dir().glob("kernel-debug-*/done"), key=age, default=None)
    top = done.parent if done else cache_dir() / "kernel-debug-KEY"
    version = (top / "release").read_text(encoding="utf-8") if done else "VERSION"
    return _result(top, version, top / "modules.squashfs")


def _result(top, version, modules):
    return kernels.Kernel(version, top / "vmlinux", modules, top / "tree", top / "build",
                            top / "vmlinux", debug=True)


def kernel():
    """The debug kernel, built if it was not."""
    host.ensure(["build"])
    version = debs.linux_version()[2]
    key = digest(RECIPE, fragment(), version, _compiler())
    top = cache_dir() / f"kernel-debug-{key}"
    if not (top / "done").exists():
        host.ensure(["build", "kernel"])
        with locked("debug-kernel", LIMIT):
            if not (top / "done").exists():
                _build(top, key)
                _forget_old()
    release = (top / "release").read_text(encoding="utf-8")
    return _result(top, release, kernels.modules_image(top / "tree", release))


def _forget_old():
    done = sorted(cache_dir().glob("kernel-debug-*/done"), key=lambda p: p.stat().st_mtime)
    for path in done[:-KEPT]:
        remove(path.parent)


def _forget_unfinished():
    """What a run that was killed left: some gigabytes, and maybe of another key."""
    for path in cache_dir().glob(".kernel-debug-*"):
        if not Path("/proc", path.name.rpartition(".")[2]).exists():
            remove(path)


def _build(top, key):
    log = log_path("debug-kernel.log")
    log.unlink(missing_ok=True)
    _forget_unfinished()
    Progress.note(f"the debug kernel is not in the cache: it is built once, for some 20 minutes "
                  f"on 2 processors; log: {log}")
    with atomic(top) as tmp:
        remove(tmp)
        tree = tmp / "src"
        tree.mkdir(parents=True)
        _unpack(tree, log)
        with Progress.step("debug kernel: configuring"):
            _configure(tree, key, log)
        with Progress.step("debug kernel: building", lambda: _compiled(log)):
            _make(tree, log, f"-j{os.cpu_count()}", "vmlinux", "modules")
        with Progress.step("debug kernel: keeping what modules are built against"):
            release = _keep(tree, tmp, log)
        remove(tree)
        (tmp / "release").write_text(release, encoding="utf-8")
        (tmp / "done").touch()


def _unpack(tree, log):
    tar, inside = debs.linux_source()
    with Progress.step("debug kernel: unpacking"):
        run_logged(["tar", "-C", tree, "--strip-components=1", "--anchored",
                    *(f"--exclude={inside}/{x}" for x in UNWANTED), "-xf", tar], log, 900)


def _make(tree, log, *args):
    # Nothing of a make that we may be part of, and no configuration from the environment.
    env = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "TMPDIR")}
    env |= {"LC_ALL": "C", "KBUILD_BUILD_USER": "lab", "KBUILD_BUILD_HOST": "hartwell"}
    run_logged(["nice", "-n", "19", "make", "-C", tree, *args], log, LIMIT, env=env,
               name=f"make {next(x for x in args if x[0] != '-')} of the debug kernel")


def _configure(tree, key, log):
    wanted = fragment()
    # A release of its own for every build: modules of another one must not be taken for its.
    wanted["CONFIG_LOCALVERSION"] = f'"-debug-{key[:8]}"'
    merged = tree.with_name("fragment")
    merged.write_text("".join(f"{k}={v}\n" for k, v in wanted.items()), encoding="utf-8")
    _make(tree, log, "-s", "allnoconfig", f"KCONFIG_ALLCONFIG={merged}")
    left = lacking(wanted, options((tree / ".config").read_text(encoding="utf-8")))
    if left:
        raise LabError(f"{FRAGMENT}: wanted, and not in the result (what is there): "
                       f"{', '.join(left)}")


def _compiled(log):
    with open(log, encoding="utf-8", errors="replace") as lines:
        count = sum(x.startswith("  CC ") for x in lines)
    return f"{count} files compiled"


def _keep(tree, top, log):
    """Move what stays from the source tree to top; the release of the kernel."""
    release = (tree / "include/config/kernel.release").read_text(encoding="utf-8").strip()
    if not kernels.has_pvh_note((tree / "vmlinux").read_bytes()):
        raise LabError("the debug kernel has no PVH entry, by which QEMU boots it")
    kernels.modules_of_build(tree, top / "tree", release)
    script = "+$(srctree)/scripts/package/install-extmod-build"
    _make(tree, log, "-s", "run-command",
          f"KBUILD_RUN_COMMAND={script} {shlex.quote(str(top / 'build'))}")
    shutil.copy(tree / ".config", top / "build/.config")
    (tree / "vmlinux").rename(top / "vmlinux")
    return release
