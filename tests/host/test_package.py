# SPDX-License-Identifier: GPL-2.0
"""What make dist and make deb hand out, and the package in fresh systems, which are chroots."""

import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from chroot import Chroot
from hwlab import host, kernels

TOP = Path(__file__).resolve().parents[2]
VERSION = re.search(r'^#define HWL_VERSION\s+"(.*)"', (TOP / "include/hwl.h").read_text(),
                    re.M)[1]
NAME = f"hartwell-dkms_{VERSION}_all.deb"
HOUR = 3600

needs_debian = pytest.mark.skipif(not host.codename(), reason="on Debian only")
needs_root = pytest.mark.skipif(os.getuid() != 0 or not host.codename(),
                                reason="as root on Debian only")


def make(tree, what, **env):
    done = subprocess.run(["make", "-C", tree, what], text=True, capture_output=True, check=False,
                          timeout=600, env={**os.environ, **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The project without a repository, after a build, with other times and modes."""
    into = tmp_path_factory.mktemp("package") / "hartwell"
    shutil.copytree(TOP, into, symlinks=True, copy_function=shutil.copyfile,
                    ignore=shutil.ignore_patterns(".git", "generated", "dist", "__pycache__"))
    for path in into.rglob("*"):
        if path.is_file():
            source = TOP / path.relative_to(into)
            path.chmod(0o700 if os.access(source, os.X_OK) else 0o600)
    (into / "generated").mkdir(exist_ok=True)
    (into / "generated/hwl_probed.h").write_text("")
    (into / "src/hwl_main.o").write_text("")
    (into / "hartwell.ko").write_text("")
    return into


@pytest.fixture(scope="module")
def deb(tree):
    make(tree, "deb", TZ="Asia/Tokyo")
    return tree / "dist" / NAME


def test_changelog_begins_with_this_version():
    text = (TOP / "Documentation/changelog.rst").read_text(encoding="utf-8")
    assert re.search(r"^(\S+) \(\d{4}-\d\d-\d\d\)$", text, re.M)[1] == VERSION


def test_man_page_has_the_options():
    usage = subprocess.run([TOP / "scripts/bind.sh", "--help"], text=True, capture_output=True,
                           check=True).stdout
    page = (TOP / "scripts/boot/hartwell-bind.8").read_text().replace("\\-", "-")
    options = set(re.findall(r"--[a-z][a-z-]*", usage))
    assert len(options) > 8
    assert options == set(re.findall(r"--[a-z][a-z-]*", page))


def test_dist(tree, tmp_path):
    """The same bits with git and without, and from the tar itself; nothing that was built."""
    name = f"hartwell-{VERSION}.tar.gz"
    (tree / "dist").mkdir(exist_ok=True)
    make(tree, "dist")
    first = (tree / "dist" / name).read_bytes()
    with tarfile.open(tree / "dist" / name) as tar:
        members = tar.getmembers()
        names = [x.name for x in members]
    subprocess.run(["tar", "-C", tmp_path, "-xf", tree / "dist" / name], check=True)
    assert names == sorted(names) and len(names) > 200
    assert len({x.mtime for x in members}) == 1
    assert {(x.uid, x.gid, x.mode & 0o7022) for x in members} == {(0, 0, 0)}
    top = {x.split("/")[1] for x in names}
    assert {"Makefile", "Kbuild", "src", "include", "LICENSE", "tests"} <= top
    assert not top & {".git", "generated", "dist", "hartwell.ko"}
    assert not [x for x in names if x.endswith((".o", ".ko"))]
    make(tmp_path / f"hartwell-{VERSION}", "dist", TZ="Asia/Tokyo")
    assert (tmp_path / f"hartwell-{VERSION}/dist" / name).read_bytes() == first
    tracked = subprocess.run(["git", "-C", TOP, "ls-files"], text=True, capture_output=True,
                             check=False)
    if tracked.returncode:
        return
    make(TOP, "dist", OUT=str(tmp_path / "of-git"))
    with tarfile.open(tmp_path / "of-git" / name) as tar:
        assert sorted(x.partition("/")[2] for x in tar.getnames()) == \
            sorted(tracked.stdout.splitlines())
    untracked = subprocess.run(["git", "-C", TOP, "status", "--porcelain"], text=True,
                               capture_output=True, check=True).stdout
    if not re.search(r"^(\?\?| D)", untracked, re.M):
        assert (tmp_path / "of-git" / name).read_bytes() == first


CONTENT = r"""
usr/lib/modprobe.d/hartwell\.conf | usr/lib/udev/hartwell | usr/lib/udev/rules.d/60-hartwell\.rules
| usr/sbin/hartwell-bind | usr/share/doc/hartwell-dkms/[\w.-]+
| usr/share/initramfs-tools/hooks/hartwell | usr/share/man/man8/hartwell-bind\.8\.gz
| usr/src/hartwell-VERSION/(Makefile|Kbuild|dkms\.conf|(src|include)/hwl_\w+\.[ch]|include/hwl\.h
|src/compat/[\w.]+)
"""


@needs_debian
def test_package(tree, deb, tmp_path):
    """The same bits twice, lintian has nothing to say, and nothing is elsewhere."""
    copy = tmp_path / "elsewhere/hartwell"
    shutil.copytree(tree, copy, symlinks=True, ignore=shutil.ignore_patterns("dist"))
    make(copy, "deb", OUT=str(tmp_path / "out"))
    assert (tmp_path / "out" / NAME).read_bytes() == deb.read_bytes()

    said = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", deb],
                          text=True, capture_output=True, check=False, timeout=300)
    assert said.returncode == 0 and not said.stdout, said.stdout + said.stderr

    pattern = re.sub(r"\s", "", CONTENT).replace("VERSION", re.escape(VERSION))
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as pipe, \
            tarfile.open(fileobj=pipe.stdout, mode="r|") as tar:
        names = [x.name.removeprefix("./") for x in tar if not x.isdir()]
    assert not [x for x in names if not re.fullmatch(pattern, x)]
    for path in (*TOP.glob("src/*.c"), *TOP.glob("include/*.h"), TOP / "Kbuild"):
        assert f"usr/src/hartwell-{VERSION}/{path.relative_to(TOP)}" in names


# What changes in a system with any package, or belongs to dkms.
VARIES = re.compile(r"/(var/(log|cache|lib/(apt|systemd|dkms/mok\.\w+|dpkg/(?!info)[^/]*))"
                    r"|proc|sys|dev|tmp|root|run)(/|$)")


def files(root):
    found = {f"/{x.relative_to(root.top)}" for x in root.top.rglob("*")}
    return {x for x in found if not VARIES.match(x)}


def apt(root, *words):
    code, said = root.run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-q",
                          "--no-install-recommends", *words, timeout=1200)
    assert code == 0, said[-3000:]
    return said


def modules(root):
    return {x.parts[-4]: x for x in root.top.glob("usr/lib/modules/*/updates/dkms/hartwell.ko*")}


@pytest.mark.long
@needs_root
@pytest.mark.parametrize("suite, more", [("bookworm-backports", ["linux-headers-amd64"]),
                                         ("trixie", [])])
def test_fresh_system(tree, deb, tmp_path, suite, more):
    """Built by DKMS for that release's kernel, and left out for one that is too old; an upgrade
    builds anew; removal and purge leave nothing."""
    release = kernels.resolve(suite)["version"]
    newer = tmp_path / "newer"
    shutil.copytree(tree, newer, symlinks=True, ignore=shutil.ignore_patterns("dist"))
    for path in (newer / "include/hwl.h", newer / "Documentation/changelog.rst"):
        path.write_text(path.read_text().replace(VERSION, "999.0"))
    make(newer, "deb")
    include = ["dkms", "ethtool", "iproute2", "kmod", "udev", f"linux-headers-{release}", *more]
    with Chroot(suite, include) as root:
        shutil.copy(deb, root.top / "root")
        shutil.copy(newer / "dist/hartwell-dkms_999.0_all.deb", root.top / "root")
        for path in root.top.glob("usr/lib/modules/*"):
            root.run("depmod", path.name, timeout=60)
        before = files(root)
        said = apt(root, "install", f"./{NAME}")
        assert set(modules(root)) == {release}, said
        assert len(list(root.top.glob("usr/lib/modules/*"))) == 1 + len(more)
        code, said = root.run("modinfo", "-F", "version", "-k", release, "hartwell", timeout=60)
        assert (code, said.strip()) == (0, VERSION)
        code, said = root.run("hartwell-bind", "--persist", "0000:ff:1f.7", timeout=60)
        assert code == 1 and "neither an interface nor a PCI address" in said
        if suite == "trixie":       # 12's udevadm cannot
            code, said = root.run("udevadm", "verify", "60-hartwell.rules", timeout=60,
                                  cwd="/usr/lib/udev/rules.d")
            assert code == 0, said

        apt(root, "install", "./hartwell-dkms_999.0_all.deb")
        code, said = root.run("modinfo", "-F", "version", "-k", release, "hartwell", timeout=60)
        assert (code, said.strip()) == (0, "999.0")
        assert [x.name for x in root.top.glob("usr/src/hartwell-*")] == ["hartwell-999.0"]

        (root.top / "etc/hartwell").mkdir()
        (root.top / "etc/hartwell/devices").write_text("0000:ff:1f.7\n")
        apt(root, "remove", "hartwell-dkms")
        assert files(root) ^ before == {"/etc/hartwell", "/etc/hartwell/devices"} | {
            f"/var/lib/dpkg/info/hartwell-dkms.{x}" for x in ("list", "postrm")}
        apt(root, "purge", "hartwell-dkms")
        assert files(root) == before
