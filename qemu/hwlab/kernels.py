# SPDX-License-Identifier: GPL-2.0
"""Kernels for guests: which there are by name, fetched from Debian, their modules chosen.

The cache keeps them by version; which version a suite has is asked again in each run.
"""

import bz2
import contextlib
import dataclasses
import functools
import gzip
import io
import json
import lzma
import os
import re
import shutil
import struct
import subprocess
import time
from pathlib import Path

from . import host
from .util import (LabError, Progress, UsageError, atomic, cache_dir, die_with_parent, digest,
                   forget_old, locked, log_path, remove, run_logged)

DEBUG = "debug"         # the name of the kernel of debugkernel.py

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

@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel that a guest can boot."""

    version: str                # as uname -r says it
    image: Path | None          # what QEMU boots: an uncompressed vmlinux where that works
    modules: Path | None        # squashfs of /lib/modules
    tree: Path | None           # unpacked modules, for the initramfs
    kdir: Path | None           # against which a module is built
    symbols: Path | None = None  # vmlinux with symbols
    chroot: str | None = None   # suite of the chroot in which a module must be built
    debug: bool = False         # the lab's debug kernel: slow, and strict


# Debian's kernels that the driver is tested on, oldest first as it was when this was written.
MATRIX = ("bookworm-backports", "trixie", "trixie-backports", "sid")
# Where a release's own kernel is too old for the driver.
INSTEAD = {"bookworm": "bookworm-backports"}
ELSEWHERE = "trixie"            # the default where the host is not Debian
NAMES = ("default", "lts", "oldest", "newest", *MATRIX)
VERSION = re.compile(r"\d+\.\d+(\.\d+)?(\+\S+)?")
ASK_AGAIN = 3600                # seconds until the archive is asked again which kernel it has


def kernel(spec, headers=True):
    """The kernel that a --kernel argument names: a path, a suite, or a version."""
    path = Path(spec)
    if "/" in spec or path.exists():
        return _kernel_from_path(path.resolve())
    if spec == DEBUG:
        from . import debugkernel
        return debugkernel.kernel()
    return _kernel_from_suite(suite_of(spec), headers)


def own_suite():
    """The suite whose kernel users of this host have, or would take."""
    name = host.codename()
    return INSTEAD.get(name, name) or ELSEWHERE


def is_native(suite):
    """Whether modules for it are built with the host's own compiler."""
    return host.base_suite(suite) == host.codename()


def number(version):
    """(6, 12, 95) of "6.12.95+deb12-amd64"."""
    return tuple(int(x) for x in re.match(r"[\d.]+", version)[0].strip(".").split("."))


def suite_of(spec):
    """The suite whose kernel a name stands for.

    A version means the same on every host: the first suite that has it, this host's own first.
    """
    if spec == "default":
        return own_suite()
    if spec in (*MATRIX, own_suite()):
        return spec
    if spec in ("oldest", "newest"):
        pick = min if spec == "oldest" else max
        return pick(MATRIX, key=lambda suite: number(resolve(suite)["version"]))
    wanted = "6.12" if spec == "lts" else spec
    check_spec(spec)
    found = {}
    for suite in dict.fromkeys((own_suite(), *MATRIX)):
        version = found[suite] = resolve(suite)["version"]
        if _is_version(wanted, version):
            return suite
    has = ", ".join(f"{version} ({suite})" for suite, version in found.items())
    raise UsageError(f"--kernel {spec}: no suite has that version now: there are {has}")


def _is_version(wanted, version):
    short = number(wanted)
    return version.startswith(wanted) if "+" in wanted else number(version)[:len(short)] == short


def check_spec(spec):
    """Refuse a --kernel that cannot be, at no cost."""
    path = Path(spec)
    if "/" in spec or path.exists():
        if not path.exists():
            raise UsageError(f"--kernel {spec}: no such file or directory")
        if path.is_dir() and not (path / "arch/x86/boot/bzImage").exists():
            raise UsageError(f"--kernel {spec}: not a built kernel tree "
                             "(it has no arch/x86/boot/bzImage)")
    elif spec not in (*NAMES, DEBUG, own_suite()) and not VERSION.fullmatch(spec):
        raise UsageError(f"--kernel {spec}: neither a file, a kernel build directory, a version "
                         f"such as 6.12, nor one of {', '.join((*NAMES, DEBUG))}")


def planned(spec):
    """The kernel as it is or will be, with nothing made and nobody asked: for --dry-run."""
    path = Path(spec)
    if "/" in spec or path.exists():
        image = path.resolve()
        return Kernel("unknown", image / "arch/x86/boot/bzImage" if image.is_dir() else image,
                      None, None, None)
    if spec == DEBUG:
        from . import debugkernel
        return debugkernel.planned()
    last = {s: known["version"] for s in dict.fromkeys((own_suite(), *MATRIX))
            if (known := _last_answer(s))}
    if spec in ("oldest", "newest"):
        version = (min if spec == "oldest" else max)(last.values(), key=number, default="VERSION")
    elif spec in ("default", own_suite(), *MATRIX):
        version = last.get(own_suite() if spec == "default" else spec, "VERSION")
    else:
        wanted = "6.12" if spec == "lts" else spec
        version = next((v for v in last.values() if _is_version(wanted, v)), "VERSION")
    top = cache_dir() / f"kernel-{version}"
    return Kernel(version, top / "vmlinux", top / "modules.squashfs", top / "tree", None)


def default_kdir():
    """The build directory of the default kernel, its headers installed if they were not."""
    suite = own_suite()
    if not is_native(suite):
        raise LabError("this machine is not Debian: name the build directory of its kernel")
    return _native_kdir(suite, resolve(suite)["version"])


def default_version():
    """The version of the default kernel, if it was ever asked for."""
    return (_last_answer(own_suite()) or {}).get("version")


def _record(suite):
    return cache_dir() / f"kernel-of-{suite}.json"


def _last_answer(suite):
    with contextlib.suppress(OSError, ValueError):
        return json.loads(_record(suite).read_text(encoding="utf-8"))
    return None


@functools.cache
def resolve(suite):
    """Which kernel a suite has now, and the packages that make it.

    The archive is asked at most once an hour, and once by one process.  If it cannot be, the
    answer is the last one, and a note says so.
    """
    last = _last_answer(suite)
    try:
        found = _ask(suite)
    except LabError as error:
        if last is None:
            raise
        Progress.note(f"which kernel {suite} has now cannot be found out, so it is that of "
                      f"{last['asked']}, {last['version']}: {str(error).splitlines()[0]}")
        return last
    with atomic(_record(suite)) as tmp:
        tmp.write_text(json.dumps(found), encoding="utf-8")
    return found


def _ask(suite):
    apt = host.Apt(suite)
    apt.update(ASK_AGAIN)
    package = re.search(r"linux-image-[^ ,]+-amd64", apt.show("linux-image-amd64")["Depends"])[0]
    version = package.removeprefix("linux-image-")
    # Newer kernels come in parts: the image package only depends on them.
    parts = re.findall(rf"linux-(?:base|binary|modules)-{re.escape(version)}",
                       apt.show(package)["Depends"])
    return {"packages": [package, *parts], "version": version,
            "asked": time.strftime("%Y-%m-%d")}


def _kernel_from_suite(suite, headers):
    found = resolve(suite)
    version = found["version"]
    top = cache_dir() / f"kernel-{version}"
    if not (top / "done").exists():
        with locked("build"):
            if not (top / "done").exists():
                _fetch_kernel(suite, found, top)
    os.utime(top)
    forget_old("kernel-[0-9]*", keep=top)
    return dataclasses.replace(
        build_target(suite, headers), image=best_image(top / "vmlinuz", top),
        modules=modules_image(top / "tree", version), tree=top / "tree")


def build_target(suite, headers=True):
    """A suite's kernel as far as modules are built for it: with nothing to boot."""
    version = resolve(suite)["version"]
    if not is_native(suite):
        return Kernel(version, None, None, None, _kdir(version), chroot=suite)
    return Kernel(version, None, None, None,
                  _native_kdir(suite, version) if headers else _kdir(version))


def _kdir(version):
    return Path("/usr/src") / f"linux-headers-{version}"


def _native_kdir(suite, version):
    kdir = _kdir(version)
    if not (kdir / "Makefile").exists():
        _install_headers(suite, version)
    return kdir


def _install_headers(suite, version):
    package = f"linux-headers-{version}"
    if not host.is_root():
        raise LabError(f"this machine lacks {package}: run this again as root, or type:\n"
                       f"       sudo apt-get install {package}")
    apt = host.Apt(suite)
    with locked("apt"):
        apt.update()
        apt.install([package])


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
