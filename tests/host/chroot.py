# SPDX-License-Identifier: GPL-2.0
"""A fresh Debian in a directory.

Its mounts and processes are in namespaces of their own, so that nothing of them is left.  It gets
this machine's sources of packages and proxy; all else it has to fetch itself, as a user would.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from hwlab import host
from hwlab.util import die_with_parent, log_path, run_logged

SCALE = float(os.environ.get("HARTWELL_TIMEOUT_SCALE", "1"))
KEPT = ("HARTWELL_TIMEOUT_SCALE", "JOBS")

ENTER = r"""
set -e
root=$1
shift
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"
"""


class Chroot:
    """with Chroot("trixie", ["make"]) as root: root.run("apt-get", "update", timeout=60)"""

    def __init__(self, suite, include):
        self.suite, self.include = suite, include

    def __enter__(self):
        host.ensure(["lab"])
        # Keys of the machine's own are not there.
        lines = [re.sub(r"signed-by=[^]]*", f"signed-by={host.KEYRING}", x)
                 for x in host.source_lines(self.suite)]
        self._dir = tempfile.TemporaryDirectory(prefix="hartwell-debian-", dir="/var/tmp",
                                                ignore_cleanup_errors=True)
        self.top = Path(self._dir.name)
        run_logged(["mmdebstrap", "--mode=root", "--variant=minbase", *host.bootstrap_options(),
                    f"--include={','.join(self.include)}", host.base_suite(self.suite), self.top,
                    *lines], log_path(f"debian-{self.suite}.log"), 1200 * SCALE,
                   env={**os.environ, "INITRD": "No"})     # nothing boots them yet
        shutil.copy("/etc/resolv.conf", self.top / "etc/resolv.conf")
        return self

    def __exit__(self, *exc):
        left = self.left_behind()
        self._dir.cleanup()
        assert not left

    def left_behind(self):
        """Mounts and processes that are in it."""
        found = [x for x in Path("/proc/self/mounts").read_text().splitlines()
                 if str(self.top) in x]
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(path / "root").startswith(str(self.top)):
                    found.append(path.name)
            except OSError:
                continue
        return found

    def run(self, *command, timeout, cwd="/root"):
        """(exit status, output) of a command there."""
        env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "HOME": "/root", "TERM": "dumb",
               **{k: v for k, v in os.environ.items()
                  if k.lower().endswith("_proxy") or k in KEPT}}
        log = log_path(f"debian-{self.suite}-{Path(command[0]).name}.log")
        with open(log, "w", encoding="utf-8") as out:
            code = subprocess.run(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh",
                 self.top, "sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", cwd, *command],
                env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                timeout=timeout * SCALE, check=False, preexec_fn=die_with_parent).returncode
        return code, log.read_text(encoding="utf-8", errors="replace")
