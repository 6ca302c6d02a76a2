# SPDX-License-Identifier: GPL-2.0
"""README's commands on a fresh Debian 13, which is a chroot here.

Its mounts and processes are in namespaces of their own, so that nothing of them is left.  It gets
this machine's sources of packages and proxy; all else it has to fetch itself, as a user would.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hwlab import host
from hwlab.util import die_with_parent, log_path, run_logged

TOP = Path(__file__).resolve().parents[2]
SUITE = "trixie"
HOUR = 3600
SCALE = float(os.environ.get("HARTWELL_TIMEOUT_SCALE", "1"))

pytestmark = [pytest.mark.long, pytest.mark.skipif(
    os.getuid() != 0 or not host.codename(), reason="as root on Debian only")]

ENTER = r"""
set -e
root=$1
shift
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"
"""


@pytest.fixture(scope="module")
def root():
    host.ensure(["lab"])
    # Keys of the machine's own are not there.
    lines = [re.sub(r"signed-by=[^]]*", f"signed-by={host.KEYRING}", x)
             for x in host.source_lines(SUITE)]
    with tempfile.TemporaryDirectory(prefix="hartwell-debian13-", dir="/var/tmp",
                                     ignore_cleanup_errors=True) as top:
        run_logged(["mmdebstrap", "--mode=root", "--variant=minbase", *host.bootstrap_options(),
                    "--include=make", SUITE, top, *lines], log_path("debian13.log"), 1200 * SCALE)
        shutil.copy("/etc/resolv.conf", Path(top, "etc/resolv.conf"))
        shutil.copytree(TOP, Path(top, "root/hartwell"), symlinks=True,
                        ignore=shutil.ignore_patterns(
                            ".git", "generated", "*.o", "*.ko", "*.mod*", ".*.cmd", "__pycache__"))
        yield Path(top)
        assert not left_behind(top)


def left_behind(top):
    """Mounts and processes in a directory."""
    found = [x for x in Path("/proc/self/mounts").read_text().splitlines() if top in x]
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(path / "root").startswith(top):
                found.append(path.name)
        except OSError:
            continue
    return found


def run(root, *command, timeout):
    """(exit status, output) of a command there, as a user gives it in a clone."""
    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
           "TERM": "dumb", **{k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")
                              or k in ("HARTWELL_TIMEOUT_SCALE", "JOBS")}}
    log = log_path(f"debian13-{Path(command[0]).name}.log")
    with open(log, "w", encoding="utf-8") as out:
        code = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh",
             root, "sh", "-c", 'cd /root/hartwell && exec "$@"', "sh", *command],
            env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            timeout=timeout * SCALE, check=False, preexec_fn=die_with_parent).returncode
    return code, log.read_text(encoding="utf-8", errors="replace")


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
