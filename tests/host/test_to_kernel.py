# SPDX-License-Identifier: GPL-2.0
"""scripts/to-kernel.sh: the driver as a part of the kernel's sources."""

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hwlab import LabError, debs, kernels, module
from hwlab.util import run_logged

TOP = Path(__file__).resolve().parents[2]
INTEL = "drivers/net/ethernet/intel"
DRIVER = f"{INTEL}/hartwell"
PAGES = "Documentation/networking/device_drivers/ethernet"
# To ask which suite has the newest takes longer than all the rest.
NEW = "sid"
# What the newest kernel has not: a probe that asks for something old.
OLD = {"POOL_NAPI_ID"}

MAINTAINERS = """List of maintainers
===================

	M: *Mail* patches to: FullName <address@domain>

Maintainers List
----------------

3C59X NETWORK DRIVER
M:	A <a@example.org>
F:	drivers/a

ARM/LPC32XX SUPPORT
M:	B <b@example.org>
F:	drivers/b

LPC32XX SUPPORT
M:	B <b@example.org>
F:	drivers/b

HARMONY SOUND DRIVER
M:	C <c@example.org>
F:	drivers/c

HDPVR DRIVER
M:	D <d@example.org>
F:	drivers/d

HABIT
M:	D <d@example.org>
F:	drivers/d

THE REST
M:	E <e@example.org>
F:	*
"""
KCONFIG = """if NET_VENDOR_INTEL

source "drivers/net/ethernet/intel/libeth/Kconfig"

config E1000E
	tristate "Intel(R) PRO/1000 PCI-Express Gigabit Ethernet support"

source "drivers/net/ethernet/intel/idpf/Kconfig"

endif # NET_VENDOR_INTEL
"""
TREE = {
    "Makefile": "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\nEXTRAVERSION =\n",
    "Kbuild": "",
    "MAINTAINERS": MAINTAINERS,
    f"{INTEL}/Kconfig": KCONFIG,
    f"{INTEL}/Makefile": "obj-$(CONFIG_E100) += e100.o\nobj-$(CONFIG_E1000E) += e1000e/\n"
                         "obj-$(CONFIG_IGB) += igb/\n",
    f"{PAGES}/index.rst": ".. toctree::\n\n   google/gve\n   intel/e100\n   intel/fm10k\n"
                          "   intel/idpf\n   intel/ice\n   ti/cpsw\n",
}


@functools.cache
def include(spec):
    """The headers that Debian has of a kernel, and that kernel."""
    try:
        kern = kernels.build_target(kernels.suite_of(spec))
        top = module.build_chroot(kern) if kern.chroot else Path("/")
    except LabError as error:
        pytest.skip(f"no headers of {spec}: {error}")
    common = f"linux-headers-{kern.version.removesuffix('-amd64')}-common"
    return top / "usr/src" / common / "include", kern


@pytest.fixture
def linux(tmp_path):
    """Of a kernel tree what the script looks at, with the headers of a new one."""
    top = tmp_path / "linux"
    for name, text in TREE.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text, encoding="utf-8")
    (top / "include").symlink_to(include(NEW)[0])
    return top


def apply(top, script=TOP / "scripts/to-kernel.sh"):
    return subprocess.run([script, top], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, timeout=60)


def content(top):
    """{file: (bytes, time)} of all but the headers."""
    return {str(p.relative_to(top)): (p.read_bytes(), p.stat().st_mtime_ns)
            for p in top.rglob("*") if p.is_file()}


def test_what_is_put_there(linux):
    done = apply(linux)
    assert done.returncode == 0, done.stdout
    ours = {p.name for p in (*TOP.glob("src/*.c"), *TOP.glob("include/*.h"))} - {"hwl_compat.h"}
    files = {p.name: p.read_text(encoding="utf-8") for p in (linux / DRIVER).iterdir()}
    assert set(files) == ours | {"Kconfig", "Makefile"}
    for name, text in files.items():
        assert not re.search("compat|HWL_HAVE|probed", text, re.I), name
    assert set(re.findall(r"hwl_\w+(?=\.o)", files["Makefile"].partition("CFLAGS")[0])) == \
        {Path(x).stem for x in ours if x.endswith(".c")}

    # The same source: nothing but hwl_compat.h's own lines is different.
    for path in (*TOP.glob("src/*.c"), *TOP.glob("include/*.h")):
        if path.name in files:
            old = set(path.read_text(encoding="utf-8").splitlines())
            new = set(files[path.name].splitlines())
            assert all("compat" in x.lower() for x in old - new), path
            assert all(x.startswith("\t.get_rx") for x in new - old), path
    assert "\t.get_rx_ring_count\t= hwl_et_get_rx_ring_count,\n" in files["hwl_ethtool.c"]

    def order(name, *lines):
        text = (linux / name).read_text(encoding="utf-8")
        assert all(text.count(f"{x}\n") == 1 for x in lines), text
        assert sorted(lines, key=text.index) == list(lines), text

    order("MAINTAINERS", "HARMONY SOUND DRIVER", "HARTWELL INTEL 82574L ETHERNET DRIVER",
          f"F:\t{DRIVER}/\n", "HDPVR DRIVER")
    order(f"{INTEL}/Kconfig", "config E1000E", f'source "{DRIVER}/Kconfig"',
          f'source "{INTEL}/idpf/Kconfig"')
    order(f"{INTEL}/Makefile", "obj-$(CONFIG_E1000E) += e1000e/",
          "obj-$(CONFIG_HARTWELL) += hartwell/", "obj-$(CONFIG_IGB) += igb/")
    order(f"{PAGES}/index.rst", "   intel/fm10k", "   intel/hartwell",
          "   intel/hartwell-statistics", "   intel/idpf")


def test_again(linux):
    """Once more changes nothing; what has become different is mended."""
    assert "has the driver now" in apply(linux).stdout
    first = content(linux)
    assert "as it is here" in apply(linux).stdout
    assert content(linux) == first

    (linux / DRIVER / "hwl_gone.c").touch()
    (linux / DRIVER / "hwl_main.o").touch()
    (linux / DRIVER / "hwl_tx.c").write_text("old", encoding="utf-8")
    text = (linux / "MAINTAINERS").read_text(encoding="utf-8")
    (linux / "MAINTAINERS").write_text(
        text.replace("L:\tnetdev@vger.kernel.org\n", "S:\tOdd\n"), encoding="utf-8")
    assert "3 files of the driver brought up to date" in apply(linux).stdout
    (linux / DRIVER / "hwl_main.o").unlink()
    assert {k: v[0] for k, v in content(linux).items()} == {k: v[0] for k, v in first.items()}


@pytest.mark.parametrize("change, says", [
    (shutil.rmtree, "is no directory"),
    (lambda top: (top / "MAINTAINERS").unlink(),
     "is no kernel tree: it has no MAINTAINERS"),
    (lambda top: (top / "Makefile").write_text("all:\n"), "tells no version"),
    (lambda top: (top / INTEL / "Makefile").write_text("obj-y += igb/\n"),
     f"{INTEL}/Makefile is not made up as expected"),
    (lambda top: (top / "MAINTAINERS").write_text("THE REST\n"),
     "MAINTAINERS is not made up as expected"),
], ids=["nothing", "something else", "another Makefile", "no e1000e", "no list"])
def test_refused(linux, change, says):
    """One line says why, and nothing is written."""
    change(linux)
    before = content(linux)
    done = apply(linux)
    assert done.returncode == 1 and says in done.stdout, done.stdout
    assert len(done.stdout.splitlines()) == 1, done.stdout
    assert content(linux) == before


def test_too_old(linux):
    """6.12 lacks what hwl_compat.h provides there, and all of it is told."""
    (linux / "include").unlink()
    (linux / "include").symlink_to(include("bookworm-backports")[0])
    before = content(linux)
    done = apply(linux)
    assert done.returncode == 1 and "is Linux 7.3.4, too old" in done.stdout, done.stdout
    for what in ("napi_enable_locked", "net_dim", "xsk_tx_metadata_request", "(Linux 6.18)",
                 "page_pool_enable_direct_recycling", "timer_container_of"):
        assert what in done.stdout, done.stdout
    assert content(linux) == before


def test_all_probes_are_known():
    """Whatever hwl_compat.h provides for older kernels, a tree must have."""
    probes = (TOP / "src/compat/probes.c").read_text(encoding="utf-8")
    script = (TOP / "scripts/to-kernel.sh").read_text(encoding="utf-8")
    known = re.findall(r"^\t([A-Z_]+) \d\.\d+ [\w/]+\.h ", script, re.M)
    assert set(known) == set(re.findall(r"^HWL_HAVE\((\w+),", probes, re.M)) - OLD


def test_what_cannot_be_taken_out(linux, tmp_path):
    """A use of hwl_compat.h that is not of its two kinds ends the script."""
    tree = tmp_path / "project"
    for name in ("src", "include", "scripts", "Documentation"):
        shutil.copytree(TOP / name, tree / name, ignore=shutil.ignore_patterns("*.o", ".*"))
    shutil.copy(TOP / "Kbuild", tree)
    with (tree / "src/hwl_led.c").open("a", encoding="utf-8") as file:
        file.write("int hwl_x(void)\n{\n\treturn hwl_compat_x();\n}\n")
    done = apply(linux, tree / "scripts/to-kernel.sh")
    assert done.returncode == 1 and "return hwl_compat_x();" in done.stdout, done.stdout
    assert not (linux / DRIVER).exists()
    shutil.copy(TOP / "src/hwl_led.c", tree / "src")
    guide = tree / "Documentation/user-guide.rst"
    guide.write_text(guide.read_text(encoding="utf-8").replace("\nMessages\n", "\nTidings\n"),
                     encoding="utf-8")
    done = apply(linux, tree / "scripts/to-kernel.sh")
    assert done.returncode == 1 and "lacks one of these chapters" in done.stdout, done.stdout
    assert not (linux / DRIVER).exists()


def test_new_headers_suffice(linux, tmp_path):
    """What hwl_compat.h provides elsewhere comes from the kernel's own headers.

    Files that use most of it; all are compiled in test_in_the_kernel.
    """
    assert apply(linux).returncode == 0
    kern = include(NEW)[1]
    log = tmp_path / "log"
    files = [f"hwl_{x}.o" for x in ("napi", "xsk_tx")]
    try:
        module.make_external(kern, linux / DRIVER, log, "CONFIG_HARTWELL=m", "KCFLAGS=-Werror",
                             *files)
    except LabError:
        pytest.fail(log.read_text(encoding="utf-8")[-3000:])
    assert all((linux / DRIVER / x).exists() for x in files)


def test_pages(linux):
    """reStructuredText without a complaint, and no link to a page that is not there."""
    assert apply(linux).returncode == 0
    for name in ("hartwell", "hartwell-statistics"):
        path = linux / PAGES / "intel" / f"{name}.rst"
        done = subprocess.run([sys.executable, "-m", "docutils", "--writer=pseudoxml", "--report=1",
                               "--halt=5", path, os.devnull], text=True, check=False, timeout=60,
                              capture_output=True, env={**os.environ, "PYTHONPATH":
                                                        str(debs.docutils())})
        assert done.returncode == 0 and not done.stderr, done.stderr
        for target in re.findall(r"Documentation/\S+\.rst", path.read_text(encoding="utf-8")):
            assert (linux / target).exists(), target


# ---- In a whole kernel

# What of its sources a build below drivers/net reads, and the scripts that judge.
PARTS = ("Makefile Kbuild Kconfig MAINTAINERS COPYING CREDITS README include arch/x86 scripts "
         "tools kernel init certs security usr lib Documentation/networking */Makefile */Kbuild* "
         f"*/Kconfig* {INTEL}").split()
HOUR = 3600
# kernel-doc: what that of 6.12 knows and that of 7.3 does not; other drivers have it, too.
KERNEL_DOC_IGNORE = ("__cacheline_group_", "'xdp_ctx' description")


@pytest.fixture
def kernel(tmp_path):
    """The newest kernel's sources with the driver, and a function that runs a command there."""
    try:
        tar, inside = debs.linux_source("newest")
    except LabError as error:
        pytest.skip(f"the kernel's sources cannot be had: {error}")
    top = tmp_path / "linux"
    top.mkdir()

    def run(*command):
        """What it says."""
        log = tmp_path / "log"
        try:
            run_logged(command, log, HOUR, cwd=top)
        except LabError:
            pytest.fail(log.read_text(encoding="utf-8", errors="replace")[-5000:])
        said = log.read_text(encoding="utf-8", errors="replace").partition("\n$ ")[2]
        log.unlink()
        return said.partition("\n")[2]

    try:
        run("tar", "--strip-components=1", "--wildcards", "--exclude=*/tools/testing", "-xf", tar,
            *(f"{inside}/{x}" for x in PARTS))
        assert "has the driver now" in apply(top).stdout
        yield top, run
    finally:
        shutil.rmtree(top)


def judged(top, *files):
    """Lines of checkpatch, without where in the file.  In a repository it would want more."""
    done = subprocess.run(["perl", "scripts/checkpatch.pl", "--strict", "--no-summary", "--terse",
                           "--show-types", "-f", *files], cwd=top, text=True, check=False,
                          capture_output=True, timeout=HOUR)
    assert not done.stderr, done.stderr
    return {re.sub(r"^(?:\S*/)?(\w[\w.-]*):\d+:", r"\1:", x) for x in done.stdout.splitlines() if x}


@pytest.mark.long
def test_in_the_kernel(kernel):
    """As a module and as a part of the kernel, without a warning, for its own tools, too."""
    top, run = kernel
    make = ("make", "-s", f"-j{os.cpu_count()}", "ARCH=x86", "W=1", "KCFLAGS=-Werror")
    run("make", "-s", "ARCH=x86", "allmodconfig")
    assert "CONFIG_HARTWELL=m" in (top / ".config").read_text(encoding="utf-8").split("\n")
    run("make", "-s", f"-j{os.cpu_count()}", "ARCH=x86", "modules_prepare")
    objects = {f"{x.stem}.o" for x in TOP.glob("src/*.c")} | {"hartwell.o"}
    for how, flag in (("m", "-m"), ("y", "-e")):
        run("scripts/config", "-e", "PTP_1588_CLOCK", flag, "HARTWELL")
        run("make", "-s", "ARCH=x86", "olddefconfig")
        assert f"CONFIG_HARTWELL={how}" in (top / ".config").read_text(encoding="utf-8").split("\n")
        said = run(*make, f"{DRIVER}/")
        assert not re.search("warning|error", said, re.I), said
        made = {x.name for x in (top / DRIVER).glob("*.o")}
        assert objects - {"hartwell.o"} <= made, objects - made
        if how == "y":
            assert (top / DRIVER / "built-in.a").exists()
        else:
            assert "hwl_main.o" in (top / DRIVER / "hartwell.mod").read_text(encoding="utf-8")

    # checkpatch: nothing but what it has to say of the project's own files.
    sources = [*(top / DRIVER).glob("hwl_*.[ch]")]
    assert judged(top, *sources) <= judged(top, *TOP.glob("src/*.c"), *TOP.glob("include/*.h"))
    assert not judged(top, *(top / DRIVER / x for x in ("Kconfig", "Makefile")),
                      *(top / PAGES / "intel").glob("hartwell*.rst"))
    said = [x for x in run("scripts/kernel-doc", "-none", "-Wall", *sources).splitlines()
            if x and not any(name in x for name in KERNEL_DOC_IGNORE)]
    assert not said, "\n".join(said)
    said = run("scripts/get_maintainer.pl", "--no-git", "--no-git-fallback", "--sections",
               "-f", f"{DRIVER}/hwl_main.c")
    assert "HARTWELL INTEL 82574L ETHERNET DRIVER" in said, said
