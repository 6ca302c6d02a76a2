# SPDX-License-Identifier: GPL-2.0
"""What a guest is made of: userland, kernel, modules, initramfs; built once, kept in the cache.

Each artefact has a key made of its inputs in its name, so that a changed input makes a new one,
and is put in place by a rename, so that an interrupted build leaves nothing half done.
"""

import bz2
import dataclasses
import gzip
import io
import json
import lzma
import os
import re
import shutil
import struct
import subprocess
import tarfile
import time
from pathlib import Path

from . import host
from .util import (GUEST_FILES, TOP, LabError, Progress, UsageError, atomic, cache_dir, digest,
                   die_with_parent, locked, log_path, remove, run_logged)

RECIPE = 1
DEBUG = "debug"         # the name of the kernel of debugkernel.py
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
chroot . python3 -m compileall -q -j 0 /usr/lib/python3* >/dev/null 2>&1 || :
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
                    suite, tmp, *host.source_lines(suite)],
                   log_path("userland.log"), 900)


def forget_old(pattern, keep):
    """Remove what no checkout has used for two weeks, except @keep."""
    for path in cache_dir().glob(pattern):
        if path != keep and time.time() - path.stat().st_mtime > 14 * 86400:
            remove(path)


def add_file(tar, name, data, mode=0o644):
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    tar.addfile(info, io.BytesIO(data))


# --- kernels -------------------------------------------------------------------------------

# Drivers and file systems that a network driver's tests may want; what these depend on comes
# along.  The rest of Debian's 4000 modules would only make the image slow to build.
WANTED = re.compile(r"""^kernel/(
    net/(?!wireless|mac80211|bluetooth|nfc|can|ieee802154|mac802154|batman|ceph|sunrpc|rxrpc|dccp)
    |drivers/net/[^/]*$
    |drivers/net/(bonding|team|vxlan|ipvlan|phy|mdio|pcs|netdevsim|ovpn|wireguard)/
    |drivers/net/ethernet/intel/(e1000|e1000e|igb|igc|igbvf)/
    |drivers/(virtio|ptp|pps|dca)/
    |drivers/block/(virtio_blk|loop|zram/zram)
    |drivers/char/(virtio_console|hw_random/virtio-rng)
    |drivers/(vhost|tty/serial|pci|uio|vfio|iommu|i2c/algos)/
    |drivers/misc/(pvpanic|pci_endpoint)
    |fs/(9p|squashfs|overlayfs|fuse|netfs|pstore)/
    |lib/ |crypto/ |arch/x86/crypto/ |kernel/
)""", re.X)
BOOT_MODULES = ["virtio_pci", "virtio_blk", "virtio_console", "squashfs", "overlay"]


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel that a guest can boot."""

    version: str                # as uname -r says it
    image: Path                 # what QEMU boots: an uncompressed vmlinux where that works
    modules: Path | None        # squashfs of /lib/modules
    tree: Path | None           # unpacked modules, for the initramfs
    kdir: Path | None           # against which a module is built
    symbols: Path | None = None  # vmlinux with symbols
    chroot: str | None = None   # suite of the chroot in which a module must be built
    debug: bool = False         # the lab's debug kernel: slow, and strict


def kernel(spec, headers=True):
    """The kernel that a --kernel argument names: a path, a suite, or a version."""
    path = Path(spec)
    if "/" in spec or path.exists():
        return _kernel_from_path(path.resolve())
    if spec == DEBUG:
        from . import debugkernel
        return debugkernel.kernel()
    return _kernel_from_suite(suite_of(spec), headers)


def suite_of(spec):
    """The suite whose kernel a name stands for."""
    native = {"bookworm": "host", "trixie": "host"}.get(host.codename(), "trixie")
    if spec in ("default", "lts", "6.12"):
        return native
    if spec in ("sid", "trixie"):
        return "host" if spec == host.codename() == "trixie" else spec
    if spec in ("7.2",):
        return "sid"
    raise UsageError(f"--kernel {spec}: neither a file, a kernel build directory, nor one of "
                     "6.12, trixie, sid, debug")


def check_spec(spec):
    """Refuse a --kernel that cannot be, at no cost."""
    path = Path(spec)
    if "/" in spec or path.exists():
        if not path.exists():
            raise UsageError(f"--kernel {spec}: no such file or directory")
        if path.is_dir() and not (path / "arch/x86/boot/bzImage").exists():
            raise UsageError(f"--kernel {spec}: not a built kernel tree "
                             "(it has no arch/x86/boot/bzImage)")
        return
    if spec != DEBUG:
        suite_of(spec)


def planned(spec):
    """(kernel, userland, initramfs) as they are or will be, with nothing made: for --dry-run."""
    cache = cache_dir()

    def newest(pattern, default):
        return max(cache.glob(pattern), default=cache / default, key=lambda p: p.stat().st_mtime
                   if p.exists() else 0)

    path = Path(spec)
    if "/" in spec or path.exists():
        image = path.resolve()
        if image.is_dir():
            image = image / "arch/x86/boot/bzImage"
        found = Kernel("unknown", image, None, None, None)
    elif spec == DEBUG:
        from . import debugkernel
        found = debugkernel.planned()
    else:
        record = cache / f"kernel-{suite_of(spec)}.json"
        version = json.loads(record.read_text(encoding="utf-8"))["version"] \
            if record.exists() else "VERSION"
        top = cache / f"kernel-{version}"
        found = Kernel(version, top / "vmlinux", top / "modules.squashfs", top / "tree", None)
    return (found, newest("userland-*.squashfs", "userland.squashfs"),
            newest("initramfs-*", "initramfs"))


def default_kdir():
    """The build directory of the default kernel, its headers installed if they were not."""
    suite = suite_of("default")
    version = resolve(suite)["version"]
    kdir = Path("/usr/src") / f"linux-headers-{version}"
    if not (kdir / "Makefile").exists():
        _install_headers(version, suite)
    return kdir


def resolve(suite):
    """Which kernel a suite has: asked once, then kept until the cache is emptied."""
    record = cache_dir() / f"kernel-{suite}.json"
    if record.exists():
        return json.loads(record.read_text(encoding="utf-8"))
    apt = host.Apt(suite)
    apt.update()
    meta = apt.show("linux-image-amd64")
    package = re.search(r"linux-image-[^ ,]+-amd64", meta["Depends"])[0]
    version = package.removeprefix("linux-image-")
    # Newer kernels come in parts: the image package only depends on them.
    parts = re.findall(rf"linux-(?:base|binary|modules)-{re.escape(version)}",
                       apt.show(package)["Depends"])
    found = {"packages": [package, *parts], "version": version}
    with atomic(record) as tmp:
        tmp.write_text(json.dumps(found), encoding="utf-8")
    return found


def _kernel_from_suite(suite, headers):
    found = resolve(suite)
    version = found["version"]
    top = cache_dir() / f"kernel-{version}"
    if not (top / "done").exists():
        with locked("build"):
            if not (top / "done").exists():
                _fetch_kernel(suite, found, top)
    kdir = Path("/usr/src") / f"linux-headers-{version}"
    chroot = None
    if suite != "host":
        chroot = suite
    elif headers and not (kdir / "Makefile").exists():
        _install_headers(version, suite)
    return Kernel(version, best_image(top / "vmlinuz", top), modules_image(top / "tree", version),
                  top / "tree", kdir, None, chroot)


def _install_headers(version, suite):
    package = f"linux-headers-{version}"
    if not host.is_root() or host.codename() is None:
        raise LabError(f"this machine lacks {package}: run this again as root, or type:\n"
                       f"       sudo apt-get install {package}")
    apt = host.Apt(suite)
    with locked("apt"):
        apt.update()
        try:
            apt.install([package])
        except LabError:
            # The archive may have moved on since the kernel was chosen.
            remove(cache_dir() / f"kernel-{suite}.json")
            remove(cache_dir() / "apt" / suite / "updated")
            raise


def _fetch_kernel(suite, found, top):
    apt = host.Apt(suite)
    apt.update()
    with atomic(top) as tmp:
        with Progress.step(f"fetching kernel {found['version']}"):
            for deb in apt.download(found["packages"], tmp / "deb"):
                run_logged(["dpkg", "-x", deb, tmp / "x"], log_path("kernel.log"), 300)
        remove(tmp / "deb")
        lib = next(p for p in (tmp / "x/usr/lib/modules", tmp / "x/lib/modules") if p.exists())
        for name in ("vmlinuz", "config"):
            places = (tmp / "x/boot" / f"{name}-{found['version']}",
                      lib / found["version"] / name)
            for path in places:
                if path.exists():
                    shutil.copy(path, tmp / name)
        if not (tmp / "vmlinuz").exists():
            raise LabError(f"no kernel image in {' '.join(found['packages'])}")
        with Progress.step("choosing and unpacking its modules"):
            choose_modules(lib / found["version"], tmp / "tree", found["version"])
        remove(tmp / "x")
        (tmp / "done").touch()


def read_depends(path):
    """{module file: [module files it needs, in reverse order of loading]} of a modules.dep."""
    depends = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition(":")
        depends[name] = rest.split()
    return depends


def choose_modules(source, tree, version):
    """Copy the wanted modules and all that they need, uncompressed: TCG is slow at xz."""
    depmod = shutil.which("depmod", path="/usr/sbin:/sbin:" + os.environ.get("PATH", ""))
    base = source.parents[2]
    if base.name == "usr":
        # depmod looks in lib/modules, which is a link on an installed system.
        base = base.parent
        if not (base / "lib").exists():
            (base / "lib").symlink_to("usr/lib")
    run_logged([depmod, "-b", base, version], log_path("kernel.log"), 300)
    depends = read_depends(source / "modules.dep")
    wanted = {n for n in depends if WANTED.match(n)}
    wanted |= {d for n in wanted for d in depends[n]}
    target = tree / "lib/modules" / version
    packed = []
    for name in wanted:
        dest = target / name
        dest.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, dest)
        if dest.suffix in (".xz", ".zst"):
            packed.append(dest)
    for suffix, tool in ((".xz", "xz -d"), (".zst", "zstd -dq --rm")):
        files = [str(p) for p in packed if p.suffix == suffix]
        if files:
            subprocess.run(["xargs", "-P", str(os.cpu_count()), "-n", "64", *tool.split()],
                           input="\n".join(files), text=True, check=True, timeout=300,
                           preexec_fn=die_with_parent)
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        if (source / name).exists():
            shutil.copy(source / name, target / name)
    run_logged([depmod, "-b", tree, version], log_path("kernel.log"), 300)


def modules_image(tree, version):
    image = tree.parent / "modules.squashfs"
    if image.exists():
        return image
    with locked("build"), Progress.step(f"packing the modules of {version}"), \
            atomic(image) as tmp:
        run_logged(f"tar -C {tree}/lib/modules --owner=0 --group=0 -cf - {version} | "
                   f"tar2sqfs -q -f -c lz4 -b 131072 -j {os.cpu_count()} {tmp}",
                   log_path("kernel.log"), 300)
    return image


def best_image(vmlinuz, into):
    """An uncompressed kernel boots without its slow decompressor, if it has a PVH entry."""
    vmlinux = into / "vmlinux"
    if not vmlinux.exists():
        try:
            data = extract_vmlinux(vmlinuz.read_bytes())
        except (LabError, lzma.LZMAError, OSError, struct.error, subprocess.SubprocessError):
            return vmlinuz
        if not has_pvh_note(data):
            return vmlinuz
        with atomic(vmlinux) as tmp:
            tmp.write_bytes(data)
    return vmlinux


def extract_vmlinux(data):
    """The ELF file inside a bzImage (see Documentation/arch/x86/boot.rst for the header)."""
    if data[0x202:0x206] != b"HdrS":
        raise LabError("not a bzImage")
    setup = (data[0x1f1] or 4) + 1
    offset, length = struct.unpack_from("<II", data, 0x248)
    start = setup * 512 + offset
    payload = data[start:start + length]
    if payload[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(payload)
    if payload[:4] == b"\x28\xb5\x2f\xfd":
        return subprocess.run(["zstd", "-dcq"], input=payload[:-4], capture_output=True,
                              check=True, timeout=60).stdout
    if payload[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=io.BytesIO(payload[:-4])).read()
    if payload[:3] == b"BZh":
        return bz2.BZ2Decompressor().decompress(payload)
    raise LabError("unknown compression")


def has_pvh_note(data):
    """Whether an ELF file has the note XEN_ELFNOTE_PHYS32_ENTRY, which QEMU boots by."""
    if data[:5] != b"\x7fELF\x02":
        return False
    phoff, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for i in range(count):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", data, phoff + i * size)
        if kind != 4:
            continue
        pos = offset
        while pos + 12 <= offset + length:
            namesz, descsz, note = struct.unpack_from("<III", data, pos)
            if note == 18 and data[pos + 12:pos + 15] == b"Xen":
                return True
            pos += 12 + (namesz + 3 & ~3) + (descsz + 3 & ~3)
    return False


def _kernel_from_path(path):
    """A kernel file, or a build directory with its modules."""
    if path.is_dir():
        bzimage = path / "arch/x86/boot/bzImage"
        version = (path / "include/config/kernel.release").read_text(encoding="utf-8").strip()
        stat = bzimage.stat()
        top = cache_dir() / f"kernel-{digest(str(path), stat.st_mtime_ns, stat.st_size)}"
        if not (top / "done").exists():
            with locked("build"), atomic(top) as tmp:
                tmp.mkdir(parents=True)
                shutil.copy(bzimage, tmp / "vmlinuz")
                modules_of_build(path, tmp / "tree", version)
                (tmp / "done").touch()
        return Kernel(version, best_image(top / "vmlinuz", top),
                      modules_image(top / "tree", version), top / "tree", path,
                      path / "vmlinux" if (path / "vmlinux").exists() else None)
    data = path.read_bytes()
    image = path
    if data[:4] != b"\x7fELF":
        if data[0x202:0x206] != b"HdrS":
            raise UsageError(f"--kernel {path}: neither a bzImage nor a vmlinux")
        top = cache_dir() / f"kernel-{digest(data)}"
        top.mkdir(parents=True, exist_ok=True)
        image = best_image(path, top)
        start, = struct.unpack_from("<H", data, 0x20e)
        version = data[0x200 + start:].split(b"\0")[0].split()[0].decode()
    else:
        version = "unknown"
    kdir = Path(f"/lib/modules/{version}/build")
    tree = Path(f"/lib/modules/{version}")
    if tree.exists():
        top = cache_dir() / f"kernel-{digest(data)}"
        if not (top / "done").exists():
            with locked("build"), Progress.step(f"choosing the modules of {version}"):
                remove(top / "tree")
                copy = top / "x/lib/modules" / version
                shutil.copytree(tree, copy, symlinks=True)
                choose_modules(copy, top / "tree", version)
                remove(top / "x")
                (top / "done").touch()
        return Kernel(version, image, modules_image(top / "tree", version), top / "tree",
                      kdir if kdir.exists() else None)
    return Kernel(version, image, None, None, None)


def modules_of_build(path, tree, version):
    """Collect modules of a build tree as `make modules_install` would, without its tools."""
    target = tree / "lib/modules" / version
    target.mkdir(parents=True)
    order = path / "modules.order"
    if order.exists():
        for line in order.read_text(encoding="utf-8").split():
            source = path / (line[:-2] + ".ko" if line.endswith(".o") else line)
            dest = target / "kernel" / source.relative_to(path)
            if source.exists():
                dest.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, dest)
        shutil.copy(order, target / "modules.order")
    for name in ("modules.builtin", "modules.builtin.modinfo"):
        if (path / name).exists():
            shutil.copy(path / name, target / name)
    depmod = shutil.which("depmod", path="/usr/sbin:/sbin:" + os.environ.get("PATH", ""))
    run_logged([depmod, "-b", tree, version], log_path("kernel.log"), 300)


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
        depends = read_depends(top / "modules.dep")
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


# --- the module ----------------------------------------------------------------------------


SOURCE = ("src", "include", "compat", "Kbuild", "Makefile")    # of the module
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


def build_module(kern, log=None):
    """Build hartwell.ko for a kernel; in the checkout for the default one, else in a copy."""
    log = log or log_path("build.log")
    if kern.kdir is None:
        raise LabError(f"kernel {kern.version} has no build directory to build a module "
                       "against: name a kernel tree, or use --driver e1000e")
    if not (TOP / "Makefile").exists():
        raise LabError("there is no Makefile at the top of the checkout: nothing to build")
    with locked("module"), Progress.step(f"building hartwell.ko for {kern.version}"):
        log.unlink(missing_ok=True)
        if kern.chroot:
            return _build_in_chroot(kern, log)
        source = TOP
        if kern.version != default_version():
            source = copy_source(kern.version)
        run_logged(["make", "-s", "-C", source, f"-j{os.cpu_count()}", f"KDIR={kern.kdir}"],
                   log, 600)
    module = source / "hartwell.ko"
    if not module.exists():
        raise LabError(f"make left no hartwell.ko; log: {log}")
    return module


def default_version():
    record = cache_dir() / f"kernel-{suite_of('default')}.json"
    if not record.exists():
        return None
    return json.loads(record.read_text(encoding="utf-8"))["version"]


def copy_source(name):
    """A copy of what a module is built from, so that the checkout's own build stays."""
    target = cache_dir() / "build" / name
    target.mkdir(parents=True, exist_ok=True)
    for part in SOURCE:
        source = TOP / part
        if source.is_dir():
            for path in source.rglob("*"):
                if path.suffix in (".c", ".h", ".sh"):
                    _copy_newer(path, target / path.relative_to(TOP))
        elif source.exists():
            _copy_newer(source, target / part)
    return target


def _copy_newer(source, dest):
    if dest.exists() and dest.read_bytes() == source.read_bytes():
        return
    dest.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, dest)


def _build_in_chroot(kern, log):
    """Build with the compiler and libc that belong to the kernel's headers."""
    if not host.is_root():
        raise LabError(f"building a module for {kern.version} needs a chroot of {kern.chroot}: "
                       "run this as root")
    chroot = build_chroot(kern)
    source = copy_source(kern.version)
    build = chroot / "build"
    for path in source.rglob("*"):
        if path.is_file():
            _copy_newer(path, build / path.relative_to(source))
    # objtool reads /proc; in a mount namespace of its own nothing stays mounted.
    run_logged(["unshare", "-m", "sh", "-c",
                'mount -t proc proc "$1/proc" && exec chroot "$@"', "sh",
                chroot, "make", "-s", "-C", "/build", f"-j{os.cpu_count()}",
                f"KDIR={kern.kdir}"], log, 600,
               env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})
    module = build / "hartwell.ko"
    if not module.exists():
        raise LabError(f"make left no hartwell.ko; log: {log}")
    return module


def build_chroot(kern):
    """A directory with the compiler, libc and headers of a suite that is not the host's."""
    chroot = cache_dir() / f"chroot-{digest(RECIPE, CHROOT_PACKAGES, CHROOT_HOOK)}-{kern.version}"
    if not (chroot / "done").exists():
        _make_chroot(kern, chroot)
    return chroot


def _make_chroot(kern, chroot):
    apt = host.Apt(kern.chroot)
    apt.update()
    packages = [*CHROOT_PACKAGES, f"linux-headers-{kern.version}"]
    with locked("build"), atomic(chroot) as tmp, \
            Progress.step(f"building a chroot of {kern.chroot} for its compiler"):
        run_logged(["mmdebstrap", "--mode=root", "--variant=extract", "--architectures=amd64",
                    *host.bootstrap_options(), f"--include={','.join(packages)}",
                    f"--extract-hook={CHROOT_HOOK}", "--format=directory",
                    kern.chroot, tmp, *host.source_lines(kern.chroot)],
                   log_path("chroot.log"), 900)
        (tmp / "done").touch()
