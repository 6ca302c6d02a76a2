# SPDX-License-Identifier: GPL-2.0
"""The pure parts of the driver, built for this machine with sanitizers; TAP inside."""

import re
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
FLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter",
         "-Wno-sign-compare", "-g", "-O1", "-fsanitize=address,undefined",
         "-fno-sanitize-recover=all", "-include", "linux/types.h"]


def cut_function(path, name):
    """A function without its neighbours, who need a device."""
    text = path.read_text(encoding="utf-8")
    return re.search(rf"^u32 {name}\([^;]*?\n{{\n.*?^}}", text, re.S | re.M)[0]


def run_tap(program, tmp_path, compiler="gcc"):
    binary = tmp_path / program
    (tmp_path / "mta_hash.h").write_text(
        "static " + cut_function(TOP / "src/hwl_hw_tables.c", "hwl_hw_mta_hash") + "\n",
        encoding="utf-8")
    subprocess.run([compiler, *FLAGS, "-I", HERE / "include", "-I", TOP / "include",
                    "-I", tmp_path, "-o", binary, HERE / f"{program}.c"], check=True, timeout=120)
    done = subprocess.run([binary], text=True, capture_output=True, check=False, timeout=60)
    bad = re.findall(r"^not ok .*(?:\n#.*)?", done.stdout, re.M)
    assert not bad, "\n".join(bad)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    assert re.search(r"^1\.\.[1-9]\d*$", done.stdout, re.M), done.stdout


@pytest.mark.rule("T16")
def test_descriptors(tmp_path):
    run_tap("desc", tmp_path)


@pytest.mark.rule("T3", "R6")
def test_ring(tmp_path):
    run_tap("ring", tmp_path)


@pytest.mark.rule("T16")
def test_partial_checksums(tmp_path):
    run_tap("csum", tmp_path)


def test_interrupt_units_nvm_checksum_and_leds(tmp_path):
    run_tap("units", tmp_path)


def test_small_copies(tmp_path):
    run_tap("copy", tmp_path)


def test_multicast_hash(tmp_path):
    run_tap("hash", tmp_path)


@pytest.mark.rule("P1", "P2")
def test_clock(tmp_path):
    run_tap("clock", tmp_path)


@pytest.mark.rule("P3")
def test_management_filters(tmp_path):
    run_tap("mng", tmp_path)
