# SPDX-License-Identifier: GPL-2.0
"""py.py: runs programs for py (py.c), each in a fork that has its modules already.

To start Python with them takes an emulated processor a second.  A fork has its caller's arguments,
environment, files 0 to 2, directory, namespaces and processors; it ends when its caller does.
"""

import gc
import importlib
import os
import runpy
import signal
import socket
import struct
import sys
import threading
import traceback

NAME = "\0hartwell-py"
MODULES = ("argparse contextlib ctypes fcntl itertools json mmap random select subprocess "
           "tempfile zlib")
SPACES = os.CLONE_NEWNET | os.CLONE_NEWNS


def words(pid, what):
    with open(f"/proc/{pid}/{what}", encoding="utf-8", errors="surrogateescape") as f:
        return f.read().split("\0")[:-1]


def become(conn):
    """The caller, but for its number."""
    _, fds, _, _ = socket.recv_fds(conn, 1, 3)
    pid, _, _ = struct.unpack("3i", conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    sys.argv = words(pid, "cmdline")[1:]
    os.environ.clear()
    os.environ.update(x.split("=", 1) for x in words(pid, "environ"))
    os.sched_setaffinity(0, os.sched_getaffinity(pid))
    caller = os.pidfd_open(pid)
    os.setns(caller, SPACES)
    os.close(caller)
    os.chdir(f"/proc/{pid}/cwd")
    for i, fd in enumerate(fds):
        os.dup2(fd, i)
        os.close(fd)
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.path[0] = os.path.dirname(sys.argv[0])


def obey(conn):
    """A signal that the caller has, or its end."""
    while byte := conn.recv(1):
        # Not to the process: a system call that this thread is not in would go on.
        signal.pthread_kill(threading.main_thread().ident, byte[0])
    os.kill(os.getpid(), signal.SIGKILL)


def run(conn):
    try:
        become(conn)
        threading.Thread(target=obey, args=(conn,), daemon=True).start()
        runpy.run_path(sys.argv[0], run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code or 0
        if not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
    except BaseException:   # whatever it is, the caller hears of it
        traceback.print_exc()
        status = 1
    try:
        sys.stdout.flush()
    except OSError:
        status = 120        # as Python itself has it
    conn.send(bytes([status & 0xFF]))
    os._exit(0)


server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
try:
    server.bind(NAME)
except OSError:
    sys.exit()              # another was first
server.listen(64)
# Whoever has called by now waits for these.
for module in MODULES.split():
    importlib.import_module(module)

init = os.pidfd_open(1)
os.setns(init, SPACES)
os.close(init)
os.chdir("/")
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
gc.freeze()
while True:
    client, _ = server.accept()
    if not os.fork():
        server.close()
        run(client)
    client.close()
