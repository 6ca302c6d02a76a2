# SPDX-License-Identifier: GPL-2.0
"""What a guest is made of beside its kernel: userland, initramfs; built once, kept in the cache.

Each artefact has a key made of its inputs in its name, so that a changed input makes a new one,
and is put in place by a rename, so that an interrupted build leaves nothing half done.
"""

import io
import os
import shutil
import tarfile
from pathlib import Path

from . import host, kernels
from .util import (GUEST_FILES, TOP, LabError, Progress, atomic, cache_dir, digest, forget_old,
                   locked, log_path, remove, run_logged)

RECIPE = 1
BOOT_MODULES = ["virtio_pci", "virtio_blk", "virtio_console", "squashfs", "overlay"]
USERLAND_SUITE = "trixie"
USERLAND_PACKAGES = """
    base-files bash bsdutils coreutils dash diffutils ethtool findutils grep gzip hostname iperf3
    iproute2 iputils-ping kmod less libc-bin libc6 mawk mount ncurses-base ncurses-bin
    netbase netcat-openbsd netsniff-ng pciutils procps python3 python3-yaml
    qemu-guest-agent sed socat tar tcpdump util-linux xz-utils zstd
""".split()

# Run in the fresh tree, which is $1.  Packages are only unpacked, not configured (that takes a
# minute, and a service manager's opinions with it): what their scripts would have done and the
# guest needs is done here.
USERLAND_HOOK = r"""
set -e
cd "$1"
rm -rf usr/share/doc usr/share/man usr/share/locale usr/share/info usr/share/lintian \
    usr/share/bug usr/share/i18n usr/share/zoneinfo usr/share/bash-completion var/cache/* \
    var/lib/apt/lists usr/lib/python3*/test usr/lib/python3*/idlelib \
    usr/lib/python3*/ensurepip usr/lib/python3*/turtledemo usr/lib/python3*/tkinter \
    usr/lib/udev usr/lib/systemd usr/lib/x86_64-linux-gnu/gconv usr/lib/x86_64-linux-gnu/perl* \
    usr/share/perl* usr/share/gcc usr/share/gdb boot home media mnt opt srv
find usr/lib/locale -mindepth 1 -maxdepth 1 ! -name C.utf8 -exec rm -rf {} + 2>/dev/null || :
for link in bin sbin lib lib64; do
    [ -e "$link" ] || [ ! -d "usr/$link" ] || ln -s "usr/$link" "$link"
done
mkdir -p dev proc sys run tmp root payload etc var/lib usr/lib/modules mnt sys/kernel
mkdir -p etc/netns/peer
[ -e usr/bin/awk ] || ln -s mawk usr/bin/awk
[ -e usr/bin/nc ] || ln -s nc.openbsd usr/bin/nc
[ -e usr/bin/sh ] || ln -s dash usr/bin/sh
[ -e etc/mtab ] || ln -s ../proc/self/mounts etc/mtab
printf 'root:x:0:0:root:/root:/bin/bash\n' >etc/passwd
printf 'tcpdump:x:100:100::/nonexistent:/usr/sbin/nologin\n' >>etc/passwd
printf 'nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n' >>etc/passwd
printf 'root:x:0:\ntty:x:5:\ntcpdump:x:100:\nnogroup:x:65534:\n' >etc/group
printf '127.0.0.1 localhost\n::1 localhost\n192.0.2.1 dut\n192.0.2.2 peer\n' >etc/hosts
echo hartwell-guest >etc/hostname
chroot . ldconfig
chroot . sh -c 'python3 -m compileall -q -j 0 /usr/lib/python3*' >/dev/null 2>&1 || :
"""


def userland(more=(), suite=USERLAND_SUITE):
    """The read-only root file system of the guest, from Debian packages; more: further ones."""
    files = {f"usr/lib/hwlab/{n}": GUEST_FILES / n for n in ("init", "bashrc")}
    files["usr/bin/hwlab"] = GUEST_FILES / "hwlab"
    packages = sorted({*USERLAND_PACKAGES, *more})
    key = digest(RECIPE, suite, packages, USERLAND_HOOK)
    name = "-".join(["root", suite, *sorted(more)]) if more or suite != USERLAND_SUITE \
        else "userland"
    base = cache_dir() / f"{name}-{key}.tar"
    image = cache_dir() / f"{name}-{digest(key, *files.values())}.squashfs"
    if image.exists():
        os.utime(image)     # in use: see forget_old()
        return image
    with locked("build"):
        if image.exists():
            return image
        if not base.exists():
            _userland_base(suite, packages, base)
        # Our own files change more often than the packages: they are added last.
        with Progress.step("packing the guest's userland"), atomic(image) as tmp:
            own = tmp.with_name(tmp.name + ".own")
            try:
                with tarfile.open(own, "w") as tar:
                    for name, path in files.items():
                        add_file(tar, name, path.read_bytes(), 0o755)
                run_logged(f"python3 {TOP}/qemu/hwlab/tarcat.py {base} {own} | "
                           f"tar2sqfs -q -f -c lz4 -b 131072 -j {os.cpu_count()} {tmp}",
                           log_path("userland.log"), 300)
            finally:
                remove(own)
        forget_old(f"{name}-*.squashfs", keep=image)
        forget_old(f"{name}-*.tar", keep=base)
    return image


def _userland_base(suite, packages, base):
    if not host.is_root() and not shutil.which("newuidmap"):
        raise LabError("building the guest's userland without being root needs newuidmap, which "
                       "this machine\n     lacks. Run this once as root, or type:\n"
                       "       sudo apt-get install uidmap")
    apt = host.Apt(suite)
    apt.update()
    mode = "root" if host.is_root() else "unshare"
    with Progress.step("building the guest's userland from Debian packages"), \
            atomic(base) as tmp:
        run_logged(["mmdebstrap", f"--mode={mode}", "--variant=extract", "--architectures=amd64",
                    *host.bootstrap_options(),
                    f"--include={','.join(packages)}",
                    f"--extract-hook={USERLAND_HOOK}", "--format=tar",
                    suite, tmp, *apt.lines()],
                   log_path("userland.log"), 900)


def add_file(tar, name, data, mode=0o644):
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    tar.addfile(info, io.BytesIO(data))


def planned(spec):
    """(kernel, userland, initramfs) as they are or will be, with nothing made: for --dry-run."""
    def newest(pattern, default):
        return max(cache_dir().glob(pattern), default=cache_dir() / default,
                   key=lambda p: p.stat().st_mtime)

    return (kernels.planned(spec), newest("userland-*.squashfs", "userland.squashfs"),
            newest("initramfs-*", "initramfs"))


# --- initramfs -----------------------------------------------------------------------------


def busybox():
    """A static busybox: the host's may be another one, so it comes from the guest's suite."""
    path = cache_dir() / "busybox"
    if path.exists():
        return path
    with locked("build"):
        if path.exists():
            return path
        apt = host.Apt(USERLAND_SUITE)
        apt.update()
        with Progress.step("fetching busybox"), atomic(cache_dir() / "busybox.tmp") as tmp:
            deb = apt.download(["busybox-static"], tmp)[0]
            run_logged(["dpkg", "-x", deb, tmp / "x"], log_path("userland.log"), 60)
            binary = next(p for p in (tmp / "x/usr/bin/busybox", tmp / "x/bin/busybox")
                          if p.exists())
            binary.rename(path)
            tmp.mkdir(exist_ok=True)
        remove(cache_dir() / "busybox.tmp")
    return path


class Cpio:
    """A newc archive, written without cpio or root: an initramfs with its console node."""

    def __init__(self):
        self.out = io.BytesIO()
        self.inode = 0

    def _entry(self, name, mode, data=b"", rdev=(0, 0)):
        self.inode += 1
        fields = [self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(name) + 1, 0]
        self.out.write(b"070701" + b"".join(b"%08X" % x for x in fields))
        self.out.write(name.encode() + b"\0")
        self._pad()
        self.out.write(data)
        self._pad()

    def _pad(self):
        self.out.write(b"\0" * (-self.out.tell() % 4))

    def dir(self, name):
        self._entry(name, 0o040755)

    def file(self, name, data, mode=0o755):
        self._entry(name, 0o100000 | mode, data)

    def link(self, name, target):
        self._entry(name, 0o120777, target.encode())

    def node(self, name, major, minor):
        self._entry(name, 0o020600, b"", (major, minor))

    def finish(self):
        self._entry("TRAILER!!!", 0)
        return self.out.getvalue()


def initramfs(kern):
    """Static busybox, our first init, and the few modules that lead to the root disk."""
    script = GUEST_FILES / "initramfs-init"
    box = busybox()
    path = cache_dir() / f"initramfs-{digest(RECIPE, script, kern.version, str(kern.tree), box)}"
    if path.exists():
        return path
    cpio = Cpio()
    for name in ("bin", "dev", "proc", "sys", "modules"):
        cpio.dir(name)
    cpio.node("dev/console", 5, 1)
    cpio.file("bin/busybox", box.read_bytes())
    for applet in ("sh", "mount", "mkdir", "insmod", "cat", "usleep", "switch_root"):
        cpio.link(f"bin/{applet}", "busybox")
    cpio.file("init", script.read_bytes())
    order = []
    if kern.tree:
        top = kern.tree / "lib/modules" / kern.version
        depends = kernels.read_depends(top / "modules.dep")
        by_name = {Path(n).name.split(".")[0].replace("-", "_"): n for n in depends}
        for module in BOOT_MODULES:
            name = by_name.get(module)
            for need in [*reversed(depends.get(name, [])), name]:
                if need and need not in order:
                    order.append(need)
        for name in order:
            cpio.file(f"modules/{Path(name).name}", (top / name).read_bytes(), 0o644)
    cpio.file("modules/order", "".join(f"{Path(n).name}\n" for n in order).encode(), 0o644)
    with atomic(path) as tmp:
        tmp.write_bytes(cpio.finish())
    return path


def payload(path, entries):
    """The tar of one run's own files, written raw to a small disk."""
    def clean(info):
        base = os.path.basename(info.name)
        if base in ("__pycache__", ".git", ".pytest_cache") or base.endswith(".pyc"):
            return None
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        return info

    with tarfile.open(path, "w") as tar:
        for name, source in sorted(entries.items()):
            if isinstance(source, bytes):
                add_file(tar, name, source, 0o755)
            else:
                tar.add(source, name, filter=clean)
