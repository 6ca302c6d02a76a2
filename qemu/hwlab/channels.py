# SPDX-License-Identifier: GPL-2.0
"""The two ways to talk to a running guest: QMP to QEMU, qemu-ga to the system inside."""

import base64
import collections
import json
import random
import select
import socket
import threading
import time

from .util import LabError


class GuestError(LabError):
    """The guest is dead, silent, or said no."""


class GuestTimeout(GuestError):
    """Something in the guest took longer than its limit."""


class CommandFailed(GuestError):
    """A command in the guest ended with a status other than 0."""

    def __init__(self, cmd, result):
        self.cmd, self.result = cmd, result
        text = (result.stderr or result.stdout).strip()
        super().__init__(f"guest: exit status {result.rc}: {cmd}\n{text[-2000:]}")


class _JsonSocket:
    """Lines of JSON over a unix socket, every wait bounded."""

    def __init__(self, path, alive):
        self.alive = alive          # raises when QEMU is gone
        self.lock = threading.RLock()
        self.buffer = b""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        self.sock.connect(str(path))

    def close(self):
        self.sock.close()

    def send(self, data, deadline):
        view = memoryview(data)
        while view:
            self._ready(deadline, write=True)
            try:
                view = view[self.sock.send(view):]
            except BlockingIOError:
                continue
            except OSError:
                self._closed()

    def _ready(self, deadline, write=False):
        """Wait in slices, so that a dead QEMU is noticed before the limit."""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise GuestTimeout("no answer from the guest in time")
            slot = min(left, 0.5)
            sets = ([], [self.sock], []) if write else ([self.sock], [], [])
            if any(select.select(*sets, slot)):
                return
            self.alive()

    def _closed(self):
        """QEMU closes its sockets a moment before it ends: its end says why."""
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            self.alive()
            time.sleep(0.02)
        raise GuestError("QEMU closed the channel")

    def receive(self, deadline):
        while True:
            line, found, rest = self.buffer.partition(b"\n")
            if found:
                self.buffer = rest
                line = line.rpartition(b"\xff")[2].strip()
                if line:
                    return json.loads(line)
                continue
            self._ready(deadline)
            try:
                data = self.sock.recv(1 << 18)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                self._closed()
            self.buffer += data


class Qmp(_JsonSocket):
    """QEMU's control channel: commands, and the events that they cause."""

    def __init__(self, path, alive):
        super().__init__(path, alive)
        self.events = collections.deque(maxlen=1000)
        self.receive(time.monotonic() + 20)
        self.command("qmp_capabilities")

    def command(self, command, timeout=30, /, **arguments):
        with self.lock:
            deadline = time.monotonic() + timeout
            request = {"execute": command, "id": random.getrandbits(32)}
            if arguments:
                request["arguments"] = {k.replace("_", "-"): v for k, v in arguments.items()}
            self.send(json.dumps(request).encode() + b"\n", deadline)
            while True:
                answer = self.receive(deadline)
                if "event" in answer:
                    self.events.append(answer)
                elif answer.get("id") == request["id"]:
                    if "error" in answer:
                        raise GuestError(f"QMP {command}: {answer['error']['desc']}")
                    return answer["return"]

    def hmp(self, line, timeout=30):
        return self.command("human-monitor-command", timeout, **{"command-line": line})

    def wait_event(self, name, timeout=30, **match):
        """The first event of that name, past or to come, whose data has those values."""
        with self.lock:
            deadline = time.monotonic() + timeout
            while True:
                for event in list(self.events):
                    data = event.get("data", {})
                    if event["event"] == name and all(data.get(k) == v
                                                      for k, v in match.items()):
                        self.events.remove(event)
                        return event
                answer = self.receive(deadline)
                if "event" in answer:
                    self.events.append(answer)


class Agent(_JsonSocket):
    """The QEMU guest agent."""

    def __init__(self, path, alive):
        super().__init__(path, alive)
        self.synced = False
        self.explain = str      # what is to be said of a guest that does not answer

    def sync(self, timeout):
        """Throw away what an interrupted request left behind, on both sides."""
        with self.lock:
            deadline = time.monotonic() + timeout
            token = random.getrandbits(31)
            request = {"execute": "guest-sync-delimited", "arguments": {"id": token}}
            self.buffer = b""
            self.send(b"\xff" + json.dumps(request).encode() + b"\n", deadline)
            while True:
                try:
                    answer = self.receive(deadline)
                except ValueError:
                    continue
                if answer.get("return") == token:
                    self.synced = True
                    return

    def command(self, command, timeout=30, /, **arguments):
        with self.lock:
            deadline = time.monotonic() + timeout
            if not self.synced:
                self.sync(timeout)
            self.synced = False         # until the answer has come whole
            request = {"execute": command,
                       "arguments": {k.replace("_", "-"): v for k, v in arguments.items()}}
            self.send(json.dumps(request).encode() + b"\n", deadline)
            try:
                answer = self.receive(deadline)
            except GuestTimeout:
                raise GuestTimeout(f"the guest's agent did not answer {command} "
                                   f"within {timeout:.0f} s{self.explain()}") from None
            self.synced = True
            if "error" in answer:
                raise GuestError(f"agent: {command}: {answer['error']['desc']}")
            return answer["return"]

    def read_file(self, path, offset=0, timeout=60):
        handle = self.command("guest-file-open", timeout, path=path, mode="r")
        try:
            if offset:
                self.command("guest-file-seek", timeout, handle=handle, offset=offset, whence=0)
            data = b""
            while True:
                part = self.command("guest-file-read", timeout, handle=handle, count=1 << 20)
                data += base64.b64decode(part["buf-b64"])
                if part["eof"] or not part["count"]:
                    return data
        finally:
            self.command("guest-file-close", timeout, handle=handle)

    def write_file(self, path, data, timeout=60):
        handle = self.command("guest-file-open", timeout, path=path, mode="w")
        try:
            for start in range(0, len(data), 1 << 18):
                part = base64.b64encode(data[start:start + (1 << 18)]).decode()
                self.command("guest-file-write", timeout, handle=handle, buf_b64=part)
        finally:
            self.command("guest-file-close", timeout, handle=handle)
