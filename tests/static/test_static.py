# SPDX-License-Identifier: GPL-2.0
"""What can be said about the sources without running them.  Builds happen in copies."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hwlab import debs, kernels

TOP = Path(__file__).resolve().parents[2]
SOURCES = sorted([*TOP.glob("src/*.c"), *TOP.glob("include/*.h"), *TOP.glob("src/compat/*.c")])

# checkpatch: (type, file): why it does not hold there.
CHECKPATCH_IGNORE = {
    ("MACRO_ARG_UNUSED", "hwl_compat.h"): "an operation that the older kernel lacks",
    ("SPACING", "hwl_compat.h"): "the name of a header in __has_include()",
    ("SPACING", "probes.c"): "names of headers in __has_include(), a type of pointer",
    ("MACRO_ARG_UNUSED", "probes.c"): "what probe.sh tells the user",
    ("MACRO_ARG_PRECEDENCE", "probes.c"): "the name of a member",
    ("CONST_STRUCT", "probes.c"): "only its type is looked at",
    ("CAMELCASE", "hwl_ethtool_stats.c"): "members of the kernel's structs",
    ("UNCOMMENTED_DEFINITION", ".h"): "locks are described in the kernel-doc of their struct",
    ("MACRO_ARG_REUSE", "hwl_queue.h"): "constants only",
    ("PARENTHESIS_ALIGNMENT", "hwl_queue.h"): "struct_group_tagged() is written as a struct",
    ("LINE_SPACING", "hwl_queue.h"): "__cacheline_group_*() is taken for a declaration",
    ("BRACKET_SPACE", "hwl_stats.c"): "designated initialisers made by a macro",
    ("PARENTHESIS_ALIGNMENT", "hwl_trace.h"): "trace events are indented so everywhere",
    ("OPEN_ENDED_LINE", "hwl_trace.h"): "trace events are written so everywhere",
    ("LONG_LINE_STRING", ".c"): "messages are not broken: people grep for them",
}


@pytest.fixture(scope="module")
def kdir():
    return kernels.default_kdir()


def build(tree, kdir, *args):
    """Warnings and errors of a build of the module, as kbuild prints them."""
    done = subprocess.run(["make", "-C", str(kdir), f"M={tree}", f"-j{os.cpu_count()}",
                           "W=1", *args, "modules"], text=True, capture_output=True,
                          check=False, timeout=900)
    said = "\n".join(x for x in (done.stdout + done.stderr).splitlines()
                     if re.search(r"warning:|error:|\bError\b|undefined!", x)
                     and "compiler differs" not in x)
    return done.returncode, said, done.stdout + done.stderr


OURS = re.compile(r"(src|include)/hwl_\w+\.[ch]:\d+")


@pytest.mark.parametrize("suite", kernels.MATRIX)
def test_gcc(built, suite):
    """For the kernel that each of Debian's suites has today, with its own compiler."""
    tree, log = built(suite)
    # What sparse says of the kernel's own headers is not ours to mend.
    said = [x for x in log.splitlines() if "warning:" in x and "compiler differs" not in x
            and not x.startswith(("/usr/src/", "./"))]
    assert not said, "\n".join(said)
    assert (tree / "hartwell.ko").exists()


def test_sparse(built):
    _, log = built(kernels.own_suite())
    assert log.count("CHECKED") >= len(list(TOP.glob("src/*.c"))), "sparse did not run"
    said = [x for x in log.splitlines() if OURS.search(x)]
    assert not said, "\n".join(said)


def test_clang(tree, kdir):
    if not shutil.which("clang"):
        pytest.skip("there is no clang")
    wrapper = TOP / "tests/static/kernel-clang"
    code, said, out = build(tree, kdir, f"CC={wrapper}", "KCFLAGS=-Werror")
    # The wrapper leaves out what objtool wants to see.
    said = "\n".join(x for x in said.splitlines() if "warning: objtool:" not in x)
    ours = re.search(r"(src|include)/hwl_\w+\.[ch]:\d+:\d+: (warning|error)", out + str(said))
    if code and not ours:
        pytest.skip(f"this clang cannot compile the kernel's own headers: {str(said)[:200]}")
    assert code == 0 and not said, said or out[-2000:]
    assert b"clang version" in (tree / "src/hwl_main.o").read_bytes(), "clang was not used"


@pytest.mark.parametrize("arch", ["arm64", "s390x"])
def test_cross(tree, arch):
    """s390x is big-endian."""
    code, said, out = build(tree, debs.cross_kdir(arch), "KCFLAGS=-Werror")
    assert code == 0 and not said, said or out[-2000:]
    assert (tree / "hartwell.ko").exists()


LINUX_FILES = ("scripts/checkpatch.pl", "scripts/spelling.txt",
               "scripts/const_structs.checkpatch", "scripts/coccinelle")


def test_checkpatch():
    script = debs.linux_files(LINUX_FILES) / "scripts/checkpatch.pl"
    done = subprocess.run(["perl", script, "--no-tree", "--strict", "--no-summary",
                           "--terse", "--show-types", "-f", *map(str, SOURCES)], text=True,
                          capture_output=True, check=False, timeout=300)
    said = [x for x in done.stdout.replace(f"{TOP}/", "").splitlines() if x and not any(
        f":{kind}:" in x and re.match(rf"\S*{re.escape(name)}:", x)
        for kind, name in CHECKPATCH_IGNORE)]
    assert not said, "\n".join(said)
    assert not done.stderr, done.stderr

# (semantic patch, file): why it does not hold there.
COCCINELLE_IGNORE = {
    ("mini_lock.cocci", "hwl_mdio.c"): "hwl_swfw_acquire() keeps the lock for hwl_swfw_release()",
}


def test_coccinelle(tree, kdir):
    """The kernel's own semantic patches, as "make coccicheck" runs them in mode "report"."""
    include = []
    for base in (kdir.with_name(kdir.name.replace("-amd64", "-common")), kdir):
        for name in ("arch/x86/include", "arch/x86/include/generated", "include"):
            include += ["-I", base / name]
    patches = sorted((debs.linux_files(LINUX_FILES) / "scripts/coccinelle").rglob("*.cocci"))
    said = []

    def check(patch):
        text = patch.read_text(encoding="utf-8")
        if "virtual report" not in text or "script:ocaml" in text:
            return []
        options = re.search(r"^//+ Options: (.*)$", text, re.M)
        done = subprocess.run(
            ["spatch", "-D", "report", "--very-quiet", "--cocci-file", patch,
             *(options[1].split() if options else ()), "--dir", tree / "src",
             "-I", tree / "include", *include], text=True, capture_output=True, check=False,
            timeout=900)
        bad = [] if done.returncode == 0 else [f"{patch.name}: {done.stderr[-500:]}"]
        return bad + [f"{patch.name}: {x}" for x in done.stdout.replace(f"{tree}/", "").splitlines()
                      if re.match(r"src/\w+\.c:\d+", x) and not any(
                          patch.name == name and x.startswith(f"src/{file}:")
                          for name, file in COCCINELLE_IGNORE)]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for lines in pool.map(check, patches):
            said += lines
    assert len(patches) > 50
    assert not said, "\n".join(said)


def test_kernel_doc(kdir):
    script = (kdir / "scripts/kernel-doc").resolve()
    if not script.exists():
        script = next(Path("/usr/src").glob("linux-headers-*-common/scripts/kernel-doc"))
    done = subprocess.run(["perl", script, "-none", "-Wall", *map(str, SOURCES)], text=True,
                          capture_output=True, check=False, timeout=120)
    said = done.stderr.replace(f"{TOP}/", "").strip()
    assert not said and done.returncode == 0, said


def tracked(*patterns):
    """Files of the project; of the directory where there is no repository."""
    try:
        names = subprocess.run(["git", "-C", TOP, "ls-files", "-co", "--exclude-standard"],
                               text=True, capture_output=True, check=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        names = [str(p.relative_to(TOP)) for p in TOP.rglob("*") if p.is_file()]
    return [TOP / n for n in names if n and (TOP / n).is_file()
            and any(Path(n).match(p) for p in patterns)]


def is_shell(path):
    with open(path, "rb") as f:
        return re.match(rb"#!\s*/\S*/(?:env )?(?:ba|da)?sh\b", f.readline())


def test_shellcheck():
    scripts = [p for p in tracked("scripts/*", "scripts/*/*", "src/compat/*", "qemu/guest/*",
                                  "tests/*", ".ci/*") if is_shell(p)] + tracked("scripts/*.sh")
    done = subprocess.run(["shellcheck", "-x", "-P", str(TOP), *sorted(set(scripts))], cwd=TOP,
                          text=True, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout


def test_python_compiles():
    for path in tracked("*.py"):
        compile(path.read_bytes(), str(path), "exec", dont_inherit=True)


def test_ruff():
    done = subprocess.run([*debs.ruff(), "check", "--no-cache", "--config",
                           TOP / "tests/static/ruff.toml", *map(str, tracked("*.py"))],
                          text=True, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_codespell():
    words = "ans,fo,te,nd,hist,mis,exten,inflight,parm"
    done = subprocess.run(["codespell", "-q", "3", f"--ignore-words-list={words}",
                           *map(str, tracked("*.[ch]", "*.py", "*.rst", "*.md", "*.sh"))],
                          text=True, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout


@pytest.mark.rule("D7")
def test_core_lock_protects_the_producer():
    """No LLTX, and no lock of the driver's own in the transmit path."""
    text = "".join((TOP / x).read_text(encoding="utf-8")
                   for x in ("src/hwl_tx.c", "src/hwl_txclean.c",
                             "include/hwl_txfill.h"))
    assert not any("lltx" in p.read_text(encoding="utf-8").lower() for p in SOURCES)
    assert "spin_lock" not in text and "mutex" not in text


@pytest.mark.rule("T4", "T5")
def test_queue_flow_control_by_the_helpers():
    """Queues are stopped by netif_txq_maybe_stop() in xmit and woken by
    __netif_txq_completed_wake() in the poll; whole-device changes are elsewhere."""
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        if path.name not in ("hwl_tx.c", "hwl_txclean.c", "probes.c"):
            assert not re.search(r"netif_txq_maybe_stop|netif_txq_completed_wake", text), path
        assert not re.search(r"netif_(tx_)?(stop|wake|start)_(sub)?queue\b", text), path


@pytest.mark.parametrize("which", ["long", "qemu"])
def test_list_of_tests_names_tests(which):
    text = "".join(p.read_text(encoding="utf-8") for p in TOP.glob("tests/*/test_*.py"))
    names = re.findall(r"^(\w+)", (TOP / f"tests/{which}.txt").read_text(encoding="utf-8"), re.M)
    assert names and not [n for n in names if f"def {n}(" not in text]


def test_no_module_parameters():
    assert not any("module_param" in p.read_text(encoding="utf-8") for p in SOURCES)


def test_models_quote_the_code():
    done = subprocess.run([sys.executable, TOP / "tests/verify/run.py", "--code"], text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_modinfo(built):
    """What modinfo says, and what udev loads the module by."""
    tree, _ = built(kernels.own_suite())
    said = subprocess.run(["modinfo", tree / "hartwell.ko"], text=True, capture_output=True,
                          check=True, env={**os.environ, "PATH": f"{os.environ['PATH']}:/sbin"})
    fields = {}
    for line in said.stdout.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name, []).append(value.strip())
    version = re.search(r'^#define HWL_VERSION\s+"(\d[\d.]*)"',
                        (TOP / "include/hwl.h").read_text(encoding="utf-8"), re.M)[1]
    assert fields["version"] == [version]
    assert fields["description"] == ["Intel 82574L Gigabit Ethernet driver"]
    assert fields["license"] == ["GPL"] and fields["author"] == ["The hartwell developers"]
    assert sorted(fields["alias"]) == [f"pci:v00008086d0000{x}sv*sd*bc*sc*i*"
                                       for x in ("10D3", "10F6")]
    assert "parm" not in fields


def test_rules_table():
    """Documentation/rules.rst names the tests and mutants that there are."""
    done = subprocess.run([sys.executable, TOP / "tests/static/rules.py", "--check"], text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
