# SPDX-License-Identifier: GPL-2.0
"""Installing on a host: make install, DKMS, signing; each into places of its own."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hwlab import kernels

TOP = Path(__file__).resolve().parents[2]


def run(*command, check=True, **env):
    done = subprocess.run(list(map(str, command)), text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, timeout=600,
                          env={**os.environ, **{k: str(v) for k, v in env.items()}})
    assert not check or done.returncode == 0, done.stdout[-3000:]
    return done


@pytest.fixture
def kdir():
    return kernels.default_kdir()


@pytest.fixture
def tree(tmp_path):
    """A copy of the project, in which a build is nobody else's."""
    into = tmp_path / "hartwell"
    shutil.copytree(TOP, into, symlinks=True, ignore=shutil.ignore_patterns(
        ".git", "generated", "*.o", "*.ko", "*.mod*", ".*.cmd", "__pycache__", "Documentation"))
    return into


def release(kdir):
    return (kdir / "include/config/kernel.release").read_text().strip()


def test_install_and_uninstall(tree, kdir, tmp_path):
    root = tmp_path / "root"
    module = root / f"lib/modules/{release(kdir)}/updates/hartwell.ko"
    module.parent.mkdir(parents=True)
    for what, there in (("install", True), ("uninstall", False)):
        run("make", "-C", tree, f"KDIR={kdir}", f"INSTALL_MOD_PATH={root}", what)
        found = list(module.parent.glob("hartwell.ko*"))
        assert bool(found) is there
        aliases = (module.parents[1] / "modules.alias").read_text()
        assert ("v00008086d000010D3" in aliases and "v00008086d000010F6" in aliases) is there


def test_signing(tree, kdir, tmp_path):
    done = run(tree / "scripts/sign.sh", check=False, KDIR=kdir)
    assert done.returncode == 1 and "type make first" in done.stdout
    run("make", "-C", tree, f"KDIR={kdir}")
    keys = tmp_path / "keys"
    assert "mokutil --import" in run(tree / "scripts/sign.sh", "--key", keys, KDIR=kdir).stdout
    assert (tree / "hartwell.ko").read_bytes().endswith(b"~Module signature appended~\n")
    assert "module signing key" in run("modinfo", "-F", "signer", tree / "hartwell.ko").stdout
    assert (keys / "MOK.priv").stat().st_mode & 0o077 == 0
    # The second time with the same key.
    key = (keys / "MOK.priv").read_bytes()
    run("make", "-C", tree, f"KDIR={kdir}", "clean", "modules")
    assert "mokutil" not in run(tree / "scripts/sign.sh", "--key", keys, KDIR=kdir).stdout
    assert (keys / "MOK.priv").read_bytes() == key


@pytest.mark.skipif(os.getuid() != 0, reason="dkms wants to be root")
def test_dkms(tree, kdir, tmp_path):
    where = {"DKMS_TREE": tmp_path / "dkms", "DKMS_SRC": tmp_path / "src",
             "DKMS_INSTALL": tmp_path / "modules"}
    for path in ("dkms", "src", f"modules/{release(kdir)}"):
        (tmp_path / path).mkdir(parents=True)
    run("make", "-C", tree, f"KDIR={kdir}", "dkms-install", **where)
    found = list((tmp_path / "modules").rglob("hartwell.ko*"))
    assert len(found) == 1 and "updates" in str(found[0])
    # Once more: as after a git pull.
    run("make", "-C", tree, f"KDIR={kdir}", "dkms-install", **where)
    assert list((tmp_path / "modules").rglob("hartwell.ko*"))
    # A build that fails leaves no module, so that the kernel's e1000e drives the device.
    with (tree / "src/hwl_main.c").open("a") as source:
        source.write("#error this kernel is too new\n")
    assert run("make", "-C", tree, f"KDIR={kdir}", "dkms-install", check=False, **where).returncode
    assert not list((tmp_path / "modules").rglob("hartwell.ko*"))
    run("make", "-C", tree, "dkms-uninstall", **where)
    assert not list((tmp_path / "src").glob("hartwell-*"))


def lab(*options):
    return subprocess.run([TOP / "scripts/run-vm.sh", *options], text=True, capture_output=True,
                          check=False, timeout=900)


@pytest.mark.parametrize("options, said", [
    (["--device", "models"], "must be qemu or model"),
    (["--faults", "/dev/null"], "--faults goes with --device model"),
    (["--wire", "100"], "--wire goes with --device model"),
    (["--model-log", "x"], "--model-log goes with --device model"),
    (["--device", "model", "--wire", "12"], "invalid choice: 12"),
    (["--device", "model", "--faults", "/no/file"], "--faults /no/file: no such file"),
    (["--device", "model", "--model-log", "/no/place/x"], "there is no directory /no/place"),
    (["--trace", "/no/place/x"], "there is no directory /no/place"),
    (["--script", "/no/file"], "--script /no/file: no such file"),
    (["--timeout", "0"], "must be more than 0"),
])
def test_what_cannot_be_met_is_refused_at_once(options, said):
    done = lab(*options)
    assert done.returncode == 2 and said in done.stderr and not done.stdout, done


@pytest.mark.long
@pytest.mark.parametrize("line, said", [
    ("1 falut tx-hang", "no such command"),
    ("1 link sideways", "has not done:\n     link sideways"),
])
def test_a_fault_that_does_not_happen_is_told(tmp_path, line, said):
    script = tmp_path / "script"
    script.write_text(line + "\n")
    done = lab("--device", "model", "--faults", script)
    assert done.returncode == 1 and said in done.stderr, done


def demonstrate(checks, *options):
    done = lab(*options)
    assert done.returncode == 0 and f"{checks} of {checks} checks passed" in done.stdout, \
        done.stdout


@pytest.mark.long
def test_xdp_demonstration():
    demonstrate(10, "--xdp")


@pytest.mark.long
@pytest.mark.parametrize("speed", [10, 1000])
def test_demonstration_on_the_model(speed):
    """From boot to PASS in 90 s."""
    begun = time.monotonic()
    demonstrate(15, "--device", "model", "--wire", str(speed))
    slow = float(os.environ.get("HARTWELL_TIMEOUT_SCALE", "1"))
    assert time.monotonic() - begun < 90 * slow
