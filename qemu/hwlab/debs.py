# SPDX-License-Identifier: GPL-2.0
"""Programs and files out of Debian packages that are unpacked below the cache, not installed."""

import json
import shutil

from . import host, kernels
from .util import (LabError, Progress, atomic, cache_dir, digest, forget_old, locked, log_path,
                   once, remove, run_logged)

RECIPE = 2

# What the host's own release may lack, or has too old.  The libraries come along.
NEWER_SUITE = "sid"
NEWER_LIBS = ["libc6", "libgcc-s1", "libgmp10"]
NEWER_PARTS = ["./usr/bin/*", "./usr/share/herdtools7/herd/*", "./usr/lib/x86_64-linux-gnu/*",
               "./usr/lib64/*"]
LIB = "usr/lib/x86_64-linux-gnu"
DIST_PACKAGES = "usr/lib/python3/dist-packages"
DOCUTILS = ["python3-docutils", "python3-roman-numerals"]

# In the guest: DPDK's packages, and its testpmd with what it needs on a device of ours.
DPDK = ("dpdk-dev", "librte-mempool-ring25", "librte-net-af-packet25", "librte-net-e1000-25")
TESTPMD = ("dpdk-testpmd -l 0,1 --no-telemetry --iova-mode=pa -d librte_mempool_ring.so "
           "-d librte_net_e1000.so -d librte_bus_pci.so")


def _unpack(deb, parts, into, log):
    into.mkdir(parents=True, exist_ok=True)
    run_logged(f"dpkg-deb --fsys-tarfile '{deb}' | tar -C '{into}' -x --wildcards "
               + " ".join(f"'{x}'" for x in parts) + " || [ ${PIPESTATUS[0]} = 0 ]", log, 300)


def _newer(name, packages, parts):
    """Parts of packages of Debian's newest suite: the directory in which they are unpacked."""
    def fetch(tmp):
        apt = host.Apt(NEWER_SUITE)
        apt.update()
        with Progress.step(f"fetching {name} from {NEWER_SUITE}"):
            for deb in apt.download(packages, tmp / "deb"):
                _unpack(deb, parts, tmp, log_path("debs.log"))
        shutil.rmtree(tmp / "deb")

    return once(cache_dir() / f"{name}-{digest(RECIPE, NEWER_SUITE, packages, parts)}", fetch,
                "debs")


def program(name, package, *options):
    """How to start a program: the beginning of a command line.

    It is the host's, if it has one, or else that of Debian's newest suite with its libraries.
    options are for the second; "{top}" there is the directory in which it is unpacked.
    """
    found = shutil.which(name)
    if found:
        return [found]
    top = _newer(name, [package, *NEWER_LIBS], NEWER_PARTS)
    return [top / LIB / "ld-linux-x86-64.so.2", "--library-path", top / LIB,
            top / "usr/bin" / name, *(x.format(top=top) for x in options)]


def herd7():
    return program("herd7", "herdtools7", "-set-libdir", "{top}/usr/share/herdtools7/herd")


def ruff():
    return program("ruff", "ruff")


def docutils():
    """A directory in which Python finds docutils."""
    return _newer("docutils", DOCUTILS, [f"./{DIST_PACKAGES}/*"]) / DIST_PACKAGES


# --- the kernel's sources ------------------------------------------------------------------


def linux_version(spec="default"):
    """(suite, package, version) of the sources of a kernel that kernels.kernel() knows."""
    suite = kernels.suite_of(spec)
    release = kernels.resolve(suite)["version"]
    package = "linux-source-" + ".".join(release.split(".")[:2])
    record = cache_dir() / f"source-{release}.json"
    if record.exists():
        return suite, package, json.loads(record.read_text(encoding="utf-8"))["version"]
    apt = host.Apt(suite)
    apt.update()
    try:
        version = apt.show(f"linux-image-{release}")["Version"]
        apt.show(f"{package}={version}")
    except LabError:
        # The archive has moved on since the kernel was chosen: the newest will do.
        version = apt.show(package)["Version"]
    with atomic(record) as tmp:
        tmp.write_text(json.dumps({"version": version}), encoding="utf-8")
    return suite, package, version


def linux_source(spec="default"):
    """(tar, directory): the packed sources of a kernel, in the directory that they are below
    in there.  Kept, because several things unpack parts of it."""
    suite, package, version = linux_version(spec)
    path = cache_dir() / f"{package}-{version}.tar.xz"
    if not path.exists():
        with locked("debs"):
            if not path.exists():
                _fetch_linux(suite, package, version, path)
        forget_old(f"{package}-*.tar.xz", keep=path)
    return path, package


def _fetch_linux(suite, package, version, path):
    apt = host.Apt(suite)
    apt.update()
    log = log_path("debs.log")
    work = path.with_name(f"{package}.work")
    remove(work)        # of a run that was killed
    try:
        with Progress.step(f"fetching {package} {version}"):
            deb, = apt.download([f"{package}={version}"], work)
            run_logged(["dpkg", "-x", deb, work / "x"], log, 300)
        next((work / "x/usr/src").glob("linux-source-*.tar.xz")).rename(path)
    except LabError:
        # The archive has moved on: look for what it has now.
        for record in cache_dir().glob("source-*.json"):
            remove(record)
        raise
    finally:
        remove(work)


def linux_files(names, spec="default"):
    """A directory with these files and directories of the kernel's sources."""
    tar, inside = linux_source(spec)

    def unpack(tmp):
        tmp.mkdir(parents=True)
        with Progress.step(f"unpacking parts of {inside}"):
            run_logged(["tar", "-C", tmp, "--strip-components=1", "-xf", tar,
                        *(f"{inside}/{x}" for x in sorted(names))], log_path("debs.log"), 600)

    return once(cache_dir() / f"linux-files-{digest(RECIPE, tar.name, sorted(names))}",
                unpack, "debs")


# --- other architectures -------------------------------------------------------------------


def cross_kdir(arch):
    """The build directory of the default kernel for another architecture of Debian's.

    It shares scripts and the common headers with the host's own, which are installed.
    """
    native = kernels.default_kdir()
    name = native.name.removesuffix("-amd64") + f"-{arch}"

    def fetch(tmp):
        apt = host.Apt(kernels.suite_of("default"), arch)
        apt.update()
        with Progress.step(f"fetching {name}"):
            deb, = apt.download([name], tmp / "deb")
            run_logged(["dpkg", "-x", deb, tmp], log_path("debs.log"), 300)
        # Its links to the kernel's scripts are relative.
        (tmp / "usr/lib").symlink_to("/usr/lib")
        shutil.rmtree(tmp / "deb")

    top = once(cache_dir() / f"headers-{digest(RECIPE, name)}", fetch, "debs")
    return top / "usr/src" / name
