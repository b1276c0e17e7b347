"""Starts Jupyter kernels in bubblewrap: rooms that fork sheets, and the provisioner through which jupyter_client gets at one.

A room is one sandbox with a Python in it (room.py); it takes orders over a socket. A sheet is one kernel. What the outside holds of a
sheet are file descriptors that came out of the sandbox before student code ran: names could lead elsewhere, and process ids be used again.
"""

import atexit
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import KernelProvisionerBase

from filterlab.grading.policy import SOCKETS, Limits, SandboxError, bubblewrap, shown_in_tmp

START_S = 60  # longest wait for a kernel; modules may come from a cold disk
PORTS = {f"{name}_port": number for number, name in enumerate(("shell", "iopub", "stdin", "hb", "control"), 1)}


class Sheet:
    """One kernel, seen from outside. `folder` and `processes` are open folders, `first` and `kernel` processes' descriptors."""

    def __init__(self, room: "Room", answers: socket.socket, descriptors: list[int], inside: str) -> None:
        self.room, self.answers, self.inside = room, answers, inside
        self.folder, self.processes, self.first, self.kernel = self._descriptors = descriptors
        self.outside = f"/proc/{os.getpid()}/fd/{self.folder}"

    def alive(self) -> bool:
        return not select.select([self.kernel], [], [], 0)[0]

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.kernel, number)

    def ended(self) -> int:
        """How the kernel ended, as subprocess tells it: a code, or a signal's number below zero. For a dead one."""
        if self.room.single:
            code = self.room.process.wait()
            return 128 - code if code - 128 in set(signal.Signals) else code  # bubblewrap adds 128 to a signal
        told = self.answers.recv(4096)
        return json.loads(told)["ended"] if told else -signal.SIGKILL

    def kill(self) -> None:
        """Kills everything that runs in the sheet, and waits until it is gone."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.first, signal.SIGKILL)
        select.select([self.first], [], [])
        if self.room.single:
            self.room.process.wait()

    def close(self) -> None:
        self.answers.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        give_back(self.room)


class Room:
    """One sandbox. kind "room" forks any number of sheets; "cold" and "unsafe" (without bubblewrap) become the one sheet."""

    def __init__(self, kind: str, modules: tuple[str, ...], limits: Limits) -> None:
        self.kind, self.modules, self.single = kind, modules, kind != "room"
        self.words = tempfile.TemporaryFile()  # noqa: SIM115, close() does
        self.unsafe_folder = tempfile.mkdtemp(prefix="filterlab-") if kind == "unsafe" else ""
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, ExitStack() as stack:
            inner = [sys.executable, "-I", "-m", "filterlab.grading.room", kind, str(theirs.fileno()), *modules]
            descriptors, environment = [], None
            if kind != "unsafe":
                inner, descriptors = bubblewrap(inner, stack, kind == "cold", limits.tmp_mb)
                environment = {}  # bubblewrap's own can be read in the sandbox
            self.process = _starter.submit(
                subprocess.Popen,
                inner,
                env=environment,
                pass_fds=[*descriptors, theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.words,
                start_new_session=True,
            ).result()

    def sheet(self, key: bytes, limits: Limits) -> Sheet:
        """Has a kernel started. Raises SandboxError when there is none in the end."""
        order = {**vars(limits), "shown_in_tmp": shown_in_tmp(), "key": key.decode(), "unsafe_folder": self.unsafe_folder}
        inside = self.unsafe_folder or SOCKETS
        order["connection"] = {"transport": "ipc", "ip": f"{inside}/k", **PORTS, "connection_file": f"{inside}/kernel.json"}
        answers, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, suppress(OSError):  # the room is dead; what it said is read below
            socket.send_fds(self.control, [json.dumps(order).encode()], [theirs.fileno()])
        answers.settimeout(START_S)
        try:
            told, descriptors, _, _ = socket.recv_fds(answers, 4096, 4)
        except TimeoutError:
            told, descriptors = b"", []
        if len(descriptors) == 4:
            return Sheet(self, answers, descriptors, inside)
        answers.close()
        raise SandboxError(f"no kernel starts in the sandbox: {json.loads(told)['error'] if told else self.last_words()}")

    def last_words(self) -> str:
        self.words.seek(0)
        said = self.words.read().decode(errors="replace").split("\n")
        return next((line for line in reversed(said) if line.strip()), "it ended, or did not answer, without a word")

    def alive(self) -> bool:
        return self.process.poll() is None

    def close(self) -> None:
        self.control.close()
        if self.kind == "unsafe":
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            shutil.rmtree(self.unsafe_folder, ignore_errors=True)
        self.process.kill()
        self.process.wait()
        self.words.close()


_lock = threading.Lock()
_idle: list[Room] = []


def take(kind: str, modules: tuple[str, ...], limits: Limits) -> tuple[Room, bool]:
    """A room, and whether it has been in use before: of rooms that wait for a sheet there is one per process."""
    with _lock:
        waiting = [room for room in _idle if room.modules == modules and room.alive() and kind == room.kind]
        for room in set(_idle) - set(waiting):
            room.close()
        _idle[:] = waiting[1:]
    return (waiting[0], True) if waiting else (Room(kind, modules, limits), False)


def give_back(room: Room) -> None:
    with _lock:
        if not (room.single or _idle) and room.alive():
            _idle.append(room)
            return
    room.close()


def close_rooms() -> None:
    """Ends the rooms that wait for a sheet."""
    with _lock:
        for room in _idle:
            room.close()
        _idle.clear()


def _start_afresh() -> None:
    """In a fork of this process: its rooms are the parent's, and its threads are gone."""
    global _starter, _lock
    _lock = threading.Lock()
    _idle.clear()
    # bubblewrap ends with the thread that started it; this one stays as long as the process.
    _starter = ThreadPoolExecutor(1, "filterlab-rooms")


_start_afresh()
os.register_at_fork(after_in_child=_start_afresh)
atexit.register(close_rooms)


class Provisioner(KernelProvisionerBase):
    """Gives jupyter_client a kernel in a sandbox. Set as `provisioner` of a KernelManager before it starts."""

    def __init__(self, limits: Limits, modules: tuple[str, ...], kind: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.limits, self.modules, self.kind = limits, modules, kind
        self.sheet: Sheet | None = None

    @property
    def has_process(self) -> bool:
        return self.sheet is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        return {"cmd": []}  # what runs is up to the room, and nothing of our environment goes in

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        self.sheet = self._sheet()
        ports = {**PORTS, "transport": "ipc", "ip": f"{self.sheet.outside}/k"}
        self.connection_info = {**ports, "key": self.parent.session.key, "signature_scheme": self.parent.session.signature_scheme}
        return self.connection_info

    def _sheet(self) -> Sheet:
        room, used = take(self.kind, self.modules, self.limits)
        try:
            return room.sheet(self.parent.session.key, self.limits)
        except SandboxError:
            room.close()
            if not used:
                raise
        return self._sheet()  # the room has died since it was last used

    async def poll(self) -> int | None:
        return None if self.sheet and self.sheet.alive() else 1

    async def wait(self) -> int | None:
        return 0  # kill has waited

    async def send_signal(self, signum: int) -> None:
        if self.sheet:
            self.sheet.signal(signum)

    async def kill(self, restart: bool = False) -> None:
        if self.sheet:
            self.sheet.kill()

    terminate = kill

    async def cleanup(self, restart: bool = False) -> None:
        if self.sheet:
            self.sheet.kill()
            self.sheet.close()
            self.sheet = None
