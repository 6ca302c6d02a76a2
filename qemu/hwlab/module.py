# SPDX-License-Identifier: GPL-2.0
"""hartwell.ko, and other modules, for any kernel of the lab.

For a kernel of another release than the host's, make runs in a chroot with the compiler and libc
that belong to it.  Nothing is built where another checkout, or another kernel, builds, too.
"""

import os
import shutil

from . import host, kernels
from .util import (TOP, LabError, Progress, atomic, cache_dir, digest, forget_old, locked,
                   locked_path, log_path, remove, run_logged)

RECIPE = 1
LIMIT = 1200
SOURCE = ("src", "include", "Kbuild", "Makefile")    # of the module
CHROOT_PACKAGES = "bash coreutils dash diffutils findutils gcc grep gzip hostname kmod libc-bin \
libc6-dev make mawk perl-base sed tar xz-utils".split()
CHROOT_HOOK = r"""
set -e
cd "$1"
for link in bin sbin lib lib64; do
    [ -e "$link" ] || [ ! -d "usr/$link" ] || ln -s "usr/$link" "$link"
done
mkdir -p dev proc tmp build
[ -e dev/null ] || mknod -m 666 dev/null c 1 3
[ -e usr/bin/awk ] || ln -s mawk usr/bin/awk
[ -e usr/bin/sh ] || ln -s dash usr/bin/sh
rm -rf usr/share/doc usr/share/man usr/share/locale
chroot . ldconfig
"""



# In a mount namespace of its own nothing stays mounted.  objtool reads /proc.
CHROOT_MAKE = r"""
set -e
chroot=$1 directory=$2
shift 2
mount -t proc proc "$chroot/proc"
mount --bind "$directory" "$chroot/build"
exec chroot "$chroot" make "$@"
"""


def build_module(kern):
    """Build hartwell.ko for a kernel; in the checkout for the default one, else in a copy."""
    if not (TOP / "Makefile").exists():
        raise LabError("there is no Makefile at the top of the checkout: nothing to build")
    own = kern.version == kernels.default_version() and not kern.chroot
    with locked_path(TOP, f"build of {TOP}"), \
            Progress.step(f"building hartwell.ko for {kern.version}"):
        source = TOP if own else copy_source(kern.version)
        log = log_path(f"build-{kern.version}.log")
        make(kern, source, log)
        if not (source / "hartwell.ko").exists():
            raise LabError(f"make left no hartwell.ko; log: {log}")
        return _snapshot(source / "hartwell.ko")


def _snapshot(module):
    """A copy of a module that no later build changes: a guest reads it when it boots."""
    data = module.read_bytes()
    path = cache_dir() / "modules" / f"hartwell-{digest(data)}.ko"
    if not path.exists():
        with atomic(path) as tmp:
            tmp.write_bytes(data)
    os.utime(path)
    forget_old("modules/*.ko", keep=path)
    return path


def make(kern, directory, log, *args):
    """Run hartwell's Makefile in a directory for a kernel, with the tools that belong to that."""
    inside = "/build" if kern.chroot else directory
    _run(kern, directory, log, ["-C", inside, f"KDIR={kern.kdir}", *args])


def make_external(kern, directory, log, *args):
    """Have kbuild build the module of a directory, whatever it is; or only some targets."""
    inside = "/build" if kern.chroot else directory
    _run(kern, directory, log, ["-C", kern.kdir, f"M={inside}", *args])


def _run(kern, directory, log, args):
    if kern.kdir is None:
        raise LabError(f"kernel {kern.version} has no build directory to build a module "
                       "against: name a kernel tree, or use --driver e1000e")
    args = ["-s", f"-j{os.cpu_count()}", *args]
    if not kern.chroot:
        run_logged(["make", *args], log, LIMIT)
        return
    if not host.is_root():
        raise LabError(f"building a module for {kern.version} needs a chroot of {kern.chroot}: "
                       "run this as root")
    run_logged(["unshare", "-m", "sh", "-c", CHROOT_MAKE, "sh", build_chroot(kern), directory,
                *args], log, LIMIT, name="make",
               env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})


def copy_source(name):
    """A copy of what a module is built from, so that the checkout's own build stays."""
    top = cache_dir() / "build" / digest(str(TOP))
    target = top / name
    target.mkdir(parents=True, exist_ok=True)
    (top / "of").write_text(str(TOP), encoding="utf-8")
    _forget_copies()
    wanted = set()
    for part in SOURCE:
        source = TOP / part
        for path in source.rglob("*") if source.is_dir() else [source]:
            if path.suffix in (".c", ".h", ".sh") or path == source:
                wanted.add(target / path.relative_to(TOP))
                if path.is_file():
                    _copy_newer(path, target / path.relative_to(TOP))
    for part in SOURCE:
        for path in (target / part).rglob("*.[ch]"):
            if path not in wanted:
                remove(path)
    return target


def _copy_newer(source, dest):
    if dest.exists() and dest.read_bytes() == source.read_bytes():
        return
    dest.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, dest)


def _forget_copies():
    """Remove the copies of checkouts that are no more."""
    for path in (cache_dir() / "build").glob("*/of"):
        if not os.path.exists(path.read_text(encoding="utf-8")):
            remove(path.parent)


def build_chroot(kern):
    """A directory with the compiler, libc and headers of a suite that is not the host's."""
    chroot = cache_dir() / f"chroot-{digest(RECIPE, CHROOT_PACKAGES, CHROOT_HOOK)}-{kern.version}"
    if not (chroot / "done").exists():
        with locked("build"):
            if not (chroot / "done").exists():
                _make_chroot(kern, chroot)
    os.utime(chroot)
    forget_old("chroot-*", keep=chroot)
    return chroot


def _make_chroot(kern, chroot):
    apt = host.Apt(kern.chroot)
    apt.update()
    packages = [*CHROOT_PACKAGES, f"linux-headers-{kern.version}"]
    with atomic(chroot) as tmp, \
            Progress.step(f"building a chroot of {kern.chroot} for its compiler"):
        run_logged(["mmdebstrap", "--mode=root", "--variant=extract", "--architectures=amd64",
                    *host.bootstrap_options(), f"--include={','.join(packages)}",
                    f"--extract-hook={CHROOT_HOOK}", "--format=directory",
                    host.base_suite(kern.chroot), tmp, *apt.lines()],
                   log_path("chroot.log"), 900)
        (tmp / "done").touch()
