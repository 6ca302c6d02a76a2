# SPDX-License-Identifier: GPL-2.0
"""README's commands on a fresh Debian 13, which is a chroot here."""

import os
import re
import shutil
from pathlib import Path

import pytest
from chroot import Chroot
from hwlab import host

TOP = Path(__file__).resolve().parents[2]
HOUR = 3600

pytestmark = [pytest.mark.long, pytest.mark.skipif(
    os.getuid() != 0 or not host.codename(), reason="as root on Debian only")]


@pytest.fixture(scope="module")
def root():
    with Chroot("trixie", ["make"]) as chroot:
        shutil.copytree(TOP, chroot.top / "root/hartwell", symlinks=True,
                        ignore=shutil.ignore_patterns(
                            ".git", "generated", "*.o", "*.ko", "*.mod*", ".*.cmd", "__pycache__"))
        yield chroot


def run(root, *command, timeout):
    """As a user gives a command in a clone."""
    return root.run(*command, timeout=timeout, cwd="/root/hartwell")


def test_demonstration(root):
    """From nothing to the summary, with the kernel that Debian 13 itself has."""
    code, said = run(root, "scripts/run-vm.sh", timeout=HOUR)
    assert code == 0 and "PASS: hartwell, 12 of 12 checks passed" in said, said[-3000:]
    assert re.search(r"guest: Linux 6\.12\.\d+\+deb13-amd64", said), said[-3000:]
    code, said = run(root, "scripts/run-vm.sh", "--kernel", "6.12", "--dry-run", timeout=60)
    assert code == 0 and re.search(r"/kernel-6\.12\.\d+\+deb13-amd64/", said), said


def test_all_tests(root):
    code, said = run(root, "make", "test", timeout=3 * HOUR)
    assert code == 0, said[-5000:]
