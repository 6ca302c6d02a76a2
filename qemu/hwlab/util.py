# SPDX-License-Identifier: GPL-2.0
"""Small things that every part of the lab needs: errors, progress, processes, locks."""

import contextlib
import ctypes
import fcntl
import functools
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
GUEST_FILES = TOP / "qemu" / "guest"

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """Something the lab could not do; the text is all that a user needs to see."""


class UsageError(LabError):
    """A request that cannot be: nothing was started, exit status 2."""


def check_folder(option, path):
    """Refuse a file to be written where there is no directory for it."""
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise UsageError(f"{option} {path}: there is no directory {folder}")


def die_with_parent():
    """For preexec_fn: the kernel kills this child when the lab is gone, however it went."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Progress:
    """One line for each long step, on a terminal or not, with the seconds it took."""

    quiet = False

    @staticmethod
    def note(text):
        if not Progress.quiet:
            print(f"lab: {text}", file=sys.stderr, flush=True)

    @staticmethod
    @contextlib.contextmanager
    def step(text, detail=None):
        """detail: for a step of many minutes, a function that says how far it is."""
        start = time.monotonic()
        if not Progress.quiet:
            print(f"lab: {text} ... ", end="", file=sys.stderr, flush=True)
        ended = threading.Event()
        ticker = threading.Thread(target=Progress._tick, args=(text, detail, start, ended))
        if detail and not Progress.quiet:
            ticker.start()
        try:
            try:
                yield
            finally:
                ended.set()
                if ticker.is_alive():
                    ticker.join()
        except BaseException:
            if not Progress.quiet:
                print("FAILED", file=sys.stderr, flush=True)
            raise
        if not Progress.quiet:
            print(f"{time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)

    @staticmethod
    def _tick(text, detail, start, ended):
        """The elapsed time: rewritten on a terminal, else added to the line every minute."""
        tty = sys.stderr.isatty()
        while not ended.wait(1 if tty else 60):
            state = f"{time.monotonic() - start:.0f} s, {detail()} ... "
            print(f"\r\033[Klab: {text} ... {state}" if tty else state, end="",
                  file=sys.stderr, flush=True)


def cache_dir():
    """Where built artefacts live: $HARTWELL_CACHE, else ~/.cache/hartwell."""
    path = os.environ.get("HARTWELL_CACHE")
    if path:
        return Path(path).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hartwell"


# Of the directories that runs leave below logs/: so many stay, and no more than so many bytes.
LOGS_KEPT = 40
LOGS_BYTES = 1 << 30


def log_path(name):
    """A log of this run: in a directory of its own, so that no other run writes to it."""
    return run_logs(cache_dir() / "logs", os.getpid()) / name


@functools.cache
def run_logs(top, pid):
    path = top / f"{time.strftime('%Y%m%d-%H%M%S')}-{pid}"
    path.mkdir(parents=True, exist_ok=True)
    _forget_logs(top)
    return path


def _forget_logs(top):
    """Remove the oldest logs of runs that have ended, but for the limits above."""
    runs, size = [], 0
    for path in top.iterdir():
        with contextlib.suppress(OSError):
            runs.append((path.stat().st_mtime, path))
    for count, (_, path) in enumerate(sorted(runs, reverse=True)):
        with contextlib.suppress(OSError):
            files = [path, *path.rglob("*")] if path.is_dir() else [path]
            size += sum(x.stat().st_size for x in files)
        alive = Path("/proc", path.name.rpartition("-")[2]).exists()
        if (count >= LOGS_KEPT or size > LOGS_BYTES) and not alive:
            remove(path)


def digest(*parts):
    """A short key over any mix of JSON-able values, byte strings and files."""
    h = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            data = part.read_bytes()
        elif isinstance(part, bytes):
            data = part
        else:
            data = json.dumps(part, sort_keys=True).encode()
        h.update(len(data).to_bytes(8, "little") + data)
    return h.hexdigest()[:16]


def kill_group(proc, grace=2.0):
    """End a child that leads its own process group: politely, then for certain."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        if proc.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(proc.pid, sig)
        with contextlib.suppress(subprocess.TimeoutExpired):
            proc.wait(grace)


def last_line(path):
    """The line of a log that most likely says why: the last error, else the last line."""
    lines = [x.strip() for x in path.read_text(errors="replace").splitlines() if x.strip()]
    for line in reversed(lines[-60:]):
        if line.startswith("E:") or "error:" in line.lower():
            return line
    # What make says after a failed command is only that it failed.
    told = [x for x in lines if not re.match(r"make(\[\d+\])?: \*\*\*", x)]
    return (told or lines or ["no output"])[-1]


def run_logged(cmd, log, timeout=600, name=None, **kwargs):
    """Run a command with its output in a log; a failure names it, the log and the reason."""
    shell = isinstance(cmd, str)
    shown = cmd if shell else shlex.join(map(str, cmd))
    name = name or shown.split()[0]
    with open(log, "a", encoding="utf-8") as out:
        out.write(f"\n$ {shown}\n")
        out.flush()
        if shell:
            cmd = ["bash", "-c", "set -o pipefail; " + cmd]
        proc = subprocess.Popen([str(x) for x in cmd], stdin=subprocess.DEVNULL, stdout=out,
                                stderr=subprocess.STDOUT, start_new_session=True,
                                preexec_fn=die_with_parent, **kwargs)
        try:
            code = proc.wait(timeout)
        except subprocess.TimeoutExpired:
            raise LabError(f"no end after {timeout} s: {name}; log: {log}") from None
        finally:
            kill_group(proc)
    if code:
        raise LabError(f"{name} failed ({code}): {last_line(log)}\n"
                       f"     log: {log}")


@contextlib.contextmanager
def locked(name, limit=1800):
    """Hold a lock of the cache, so that two runs do not build the same thing at once."""
    path = cache_dir() / "lock" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with locked_path(path, name, limit):
        yield


@contextlib.contextmanager
def locked_path(path, name, limit=1800):
    """Hold a lock on a file or directory that is there."""
    deadline = time.monotonic() + limit
    told = False
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    Progress.note(f"another run holds the {name} lock: waiting for it")
                    told = True
                if time.monotonic() > deadline:
                    raise LabError(f"the {name} lock is still held after {limit} s: "
                                   f"{path}") from None
                time.sleep(0.2)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def atomic(path):
    """A temporary name beside path; moved there only if the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tmp = path.with_name(f".{path.name}.{os.getpid()}")
    for old in path.parent.glob(f".{path.name}.*"):
        pid = old.name.rpartition(".")[2]       # of a run that was killed
        if pid.isdigit() and (int(pid) == os.getpid() or not Path("/proc", pid).exists()):
            remove(old)
    try:
        yield tmp
        tmp.rename(path)
    finally:
        remove(tmp)


def once(top, make, lock):
    """Call make(directory) unless it was, for this directory of the cache."""
    if not (top / "done").exists():
        with locked(lock):
            if not (top / "done").exists():
                with atomic(top) as tmp:
                    make(tmp)
                    (tmp / "done").touch()
    return top


def forget_old(pattern, keep):
    """Remove what of the cache no checkout has used for two weeks, except @keep."""
    for path in cache_dir().glob(pattern):
        with contextlib.suppress(FileNotFoundError):
            if path != keep and time.time() - path.stat().st_mtime > 14 * 86400:
                remove(path)


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
