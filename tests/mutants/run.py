#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""tests/mutants/run.py [--demo] [NAME]…: does a test notice each of these breakages?

A mutant is a patch, RULE-what.patch, that breaks one rule of the driver.  Its text before the
diff has a line "Test: EXPRESSION" (for pytest -k) with the tests that should notice; "build" where
the compiler should; and "Kernel: NAME" where it takes another than the default.  Each is
applied to a copy of the tree, built, and tested; JOBS (2) at a time.  The exit status is 0 if none
survives.

--demo shows the demonstration with each instead: what a user of QEMU's device would see of it.  The
exit status is 0 if it passes with all, so that only tests, or the device model, notice them.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
NO_TESTS = 5            # as pytest has it
BUILD = "Makefile Kbuild src include qemu scripts tests".split()


def copy(into):
    for name in BUILD:
        source = TOP / name
        if source.is_dir():
            shutil.copytree(source, into / name, ignore=shutil.ignore_patterns(
                "*.o", "*.ko", "*.mod", "*.mod.c", ".*.cmd", "__pycache__"))
        else:
            shutil.copy(source, into / name)


def judge(patch, kdir, log, demo):
    """killed, survived, or what went wrong; passes or fails of a demonstration."""
    text = patch.read_text(encoding="utf-8")
    test = re.search(r"^Test: (.*)$", text, re.M)[1]
    kernel = re.search(r"^Kernel: (.*)$", text, re.M)
    with tempfile.TemporaryDirectory(prefix="hartwell-mutant-") as tmp:
        tree = Path(tmp)
        copy(tree)
        done = subprocess.run(["patch", "-s", "-p1", "-d", tmp, "-i", patch], text=True,
                              stdout=log, stderr=log, check=False)
        if done.returncode:
            return "does not apply"
        done = subprocess.run(["make", "-s", "-C", tmp, f"KDIR={kdir}", "-j2"], stdout=log,
                              stderr=log, check=False)
        if test == "build":
            return "killed" if done.returncode else "survived"
        if done.returncode:
            return "does not build"
        if demo:
            done = subprocess.run(["scripts/run-vm.sh"], cwd=tmp, stdout=log, stderr=log,
                                  check=False)
            return "fails" if done.returncode else "passes"
        command = ["/usr/bin/python3", "-m", "pytest", "-c", "tests/pytest.ini", "--rootdir=.",
                   "-x", "-k", test, *(["--kernel", kernel[1]] if kernel else []), "tests"]
        for long in ([], ["--long"]):       # the long ones only where there are no others
            done = subprocess.run(command + long, cwd=tmp, stdout=log, stderr=log, check=False)
            if done.returncode != NO_TESTS:
                break
        if "did not boot within" in Path(log.name).read_text(encoding="utf-8"):
            return "did not boot"
    return {0: "survived", 1: "killed"}.get(done.returncode, "no test ran")


def main(names):
    demo = "--demo" in names
    names = [n for n in names if n != "--demo"]
    wanted = "passes" if demo else "killed"
    patches = [p for p in sorted(HERE.glob("*.patch"))
               if not names or any(re.match(rf"{n}\d*-" if n.isalpha() else f"{n}-", p.stem)
                                   or ("-" in n and n in p.stem) for n in names)]
    kdir = subprocess.run([TOP / "scripts/deps.sh", "--kdir", "lab", "build", "headers", "test",
                           "check"], text=True, check=True, stdout=subprocess.PIPE).stdout.strip()
    logs = Path(tempfile.mkdtemp(prefix="hartwell-mutants-"))
    print(f"logs: {logs}", flush=True)

    def run(patch):
        begun = time.monotonic()
        with open(logs / f"{patch.stem}.log", "w", encoding="utf-8") as log:
            verdict = judge(patch, kdir, log, demo)
        print(f"{patch.stem:<32} {verdict:<16} {time.monotonic() - begun:5.0f} s", flush=True)
        return verdict == wanted

    with ThreadPoolExecutor(int(os.environ.get("JOBS") or 2)) as pool:
        right = sum(pool.map(run, patches))
    print(f"{len(patches)} mutants, {right} {wanted}")
    return 0 if right == len(patches) > 0 else 1


sys.exit(main(sys.argv[1:]))
