# SPDX-License-Identifier: GPL-2.0
"""Programs and files out of Debian packages that are unpacked below the cache, not installed."""

import shutil

from . import artifacts, host
from .util import LabError, Progress, atomic, cache_dir, digest, locked, log_path, run_logged

RECIPE = 1

# herd7 is in no release up to trixie.  Its libraries come along: they are newer than the host's.
HERD_SUITE = "sid"
HERD_PACKAGES = ["herdtools7", "libc6", "libgmp10"]
HERD_PARTS = ["./usr/bin/herd7", "./usr/share/herdtools7/herd/*", "./usr/lib/x86_64-linux-gnu/*",
              "./usr/lib64/*"]

LINUX_PACKAGE = "linux-source-6.12"


def _unpack(deb, parts, into, log):
    into.mkdir(parents=True, exist_ok=True)
    run_logged(f"dpkg-deb --fsys-tarfile '{deb}' | tar -C '{into}' -x --wildcards "
               + " ".join(f"'{x}'" for x in parts) + " || [ ${PIPESTATUS[0]} = 0 ]", log, 300)


def herd7():
    """How to start herd7: the beginning of a command line."""
    found = shutil.which("herd7")
    if found:
        return [found]
    top = cache_dir() / f"herd-{digest(RECIPE, HERD_SUITE, HERD_PACKAGES, HERD_PARTS)}"
    if not (top / "done").exists():
        with locked("debs"):
            if not (top / "done").exists():
                _fetch_herd7(top)
    lib = top / "usr/lib/x86_64-linux-gnu"
    return [lib / "ld-linux-x86-64.so.2", "--library-path", lib, top / "usr/bin/herd7",
            "-set-libdir", top / "usr/share/herdtools7/herd"]


def _fetch_herd7(top):
    apt = host.Apt(HERD_SUITE)
    apt.update()
    log = log_path("debs.log")
    with Progress.step(f"fetching herd7 from {HERD_SUITE}"), atomic(top) as tmp:
        for deb in apt.download(HERD_PACKAGES, tmp / "deb"):
            _unpack(deb, HERD_PARTS, tmp, log)
        shutil.rmtree(tmp / "deb")
        (tmp / "done").touch()


def linux_files(names):
    """A directory with these files of the kernel's sources, of the version of the lab's kernel."""
    top = cache_dir() / f"linux-files-{digest(RECIPE, LINUX_PACKAGE, sorted(names))}"
    if not (top / "done").exists():
        with locked("debs"):
            if not (top / "done").exists():
                _fetch_linux(top, names)
    return top


def _fetch_linux(top, names):
    apt = host.Apt(artifacts.suite_of("default"))
    apt.update()
    log = log_path("debs.log")
    with atomic(top) as tmp:
        with Progress.step(f"fetching {LINUX_PACKAGE}"):
            deb = apt.download([LINUX_PACKAGE], tmp / "deb")[0]
        with Progress.step(f"unpacking {len(names)} files of it"):
            run_logged(["dpkg", "-x", deb, tmp / "x"], log, 300)
            tar = next((tmp / "x/usr/src").glob("linux-source-*.tar.*"))
            run_logged(["tar", "-C", tmp, "--strip-components=1", "--occurrence=1", "-xf", tar,
                        *(f"{LINUX_PACKAGE}/{x}" for x in sorted(names))], log, 600)
        if not all((tmp / x).exists() for x in names):
            raise LabError(f"{LINUX_PACKAGE} lacks some of {' '.join(names)}")
        shutil.rmtree(tmp / "deb")
        shutil.rmtree(tmp / "x")
        (tmp / "done").touch()
