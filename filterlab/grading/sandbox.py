"""A Jupyter kernel for one sheet, in a sandbox: `with open_kernel(limits) as kernel: kernel.client()…`.

Student code in it can hurt nobody: see policy.py for what it sees, room.py for how it is started. Here is what the grader holds, and the
watch over memory, processes and time.
"""

import os
import signal
import socket
import stat
import threading
import time
from contextlib import contextmanager
from queue import Empty

import zmq
from jupyter_client import BlockingKernelClient, KernelManager
from jupyter_client.kernelspec import KernelSpec

from filterlab.grading.policy import Limits, SandboxError, can_be_divided, check
from filterlab.grading.provisioner import START_S, Provisioner

__all__ = ["Kernel", "Limits", "SandboxError", "check", "open_kernel"]

WATCH_S = 0.1
PAGE = os.sysconf("SC_PAGE_SIZE")


def open_kernel(limits: Limits, preload: tuple[str, ...] = (), unsafe: bool = False) -> "Kernel":
    """Starts a kernel. preload: modules to import before student code runs. Raises SandboxError where there is no sandbox.

    unsafe: without bubblewrap, as whoever grades; only memory, CPU, file size and wall time are limited.
    """
    if unsafe:
        return Kernel(limits, preload, "unsafe")
    check()
    return Kernel(limits, preload, "room" if can_be_divided() else "cold")


class Manager(KernelManager):
    """A KernelManager that leaves no file behind: both ends know the connection already."""

    kernel_spec = KernelSpec(display_name="sandbox", language="python")

    def write_connection_file(self, **kwargs) -> None:
        pass


class Kernel:
    """A running kernel. `inside` and `outside` name its folder for sockets as student code and as the grader see it.

    Close it (or leave its `with`) and everything in the sandbox is gone.
    """

    def __init__(self, limits: Limits, preload: tuple[str, ...], kind: str) -> None:
        self.limits, self.kind, self._reason, self._ended = limits, kind, "", None
        self._clients: list[BlockingKernelClient] = []
        self._context = zmq.Context()
        # What a sheet can make the grader hold in memory: a message, and a queue of them.
        self._context.setsockopt(zmq.MAXMSGSIZE, 2 * limits.output_mb << 20)
        self._context.setsockopt(zmq.RCVHWM, 100)
        self._context.setsockopt(zmq.LINGER, 0)
        self.manager = Manager(context=self._context)
        self.manager.provisioner = Provisioner(limits, preload, kind, parent=self.manager)
        self._lock = threading.Lock()
        try:
            self.manager.start_kernel()
            self.sheet = self.manager.provisioner.sheet
            self.inside, self.outside = self.sheet.inside, self.sheet.outside
            self._closing = threading.Event()
            self._watch = threading.Thread(target=self._watch_over, name="filterlab-watch", daemon=True)
            self._watch.start()
        except BaseException:
            self._context.destroy(linger=0)
            raise

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def client(self) -> BlockingKernelClient:
        """A client that is connected and has nothing left to read. Raises SandboxError if the kernel does not answer."""
        client = self.manager.client(context=self._context)
        self._clients.append(client)
        client.start_channels(hb=False)
        deadline = time.monotonic() + START_S
        while self.alive() and time.monotonic() < deadline:
            if _answers(client, client.kernel_info(), time.monotonic() + 1):
                return client
        raise SandboxError(f"the kernel does not answer: {self.why_dead() or 'too slow'} ({self.sheet.room.last_words()})")

    def dial(self, name: str) -> socket.socket:
        """A socket connected to the one of this name in the folder. Raises OSError, also where student code left something else there."""
        place = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=self.sheet.folder)
        try:
            if not stat.S_ISSOCK(os.fstat(place).st_mode):
                raise ConnectionRefusedError(f"{name} is not a socket")
            connected = socket.socket(socket.AF_UNIX)
            try:
                connected.connect(f"/proc/self/fd/{place}")
            except BaseException:
                connected.close()
                raise
            return connected
        finally:
            os.close(place)

    def alive(self) -> bool:
        return self._ended is None and self.sheet.alive()

    def interrupt(self) -> None:
        """Stops the cell that runs, if student code lets itself be stopped."""
        if self.alive():
            self.sheet.signal(signal.SIGINT)

    def why_dead(self) -> str:
        """Why the kernel is dead, as far as can be told; nothing while it lives."""
        if self.alive():
            return ""
        with self._lock:
            if self._ended is None:
                self._ended = self.sheet.ended()
        return self._reason or _how(self._ended)

    def kill(self, reason: str = "killed by the grader") -> None:
        """Kills everything in the sandbox."""
        with self._lock:
            if self._ended is None and self.sheet.alive():
                self._reason = self._reason or reason
                self.sheet.kill()
                self._ended = -signal.SIGKILL

    def close(self) -> None:
        self.kill()
        self.why_dead()
        self._closing.set()
        self._watch.join()
        for client in self._clients:
            client.stop_channels()
        self.manager.cleanup_resources()
        self._context.destroy(linger=0)

    def _watch_over(self) -> None:
        """Kills a sheet that takes more than it may."""
        deadline = time.monotonic() + self.limits.wall_s
        while not self._closing.wait(WATCH_S) and self.alive():
            if time.monotonic() > deadline:
                self.kill(f"wall time limit of {self.limits.wall_s} s")
            elif self.kind != "unsafe" and (reason := _too_much(self.sheet.processes, self.limits)):
                self.kill(reason)


def _answers(client: BlockingKernelClient, question: str, deadline: float) -> bool:
    """Whether the kernel answers a request, on the channel for answers and on the one for output."""
    for channel, kind in ((client.shell_channel, "kernel_info_reply"), (client.iopub_channel, "status")):
        while True:
            try:
                message = channel.get_msg(timeout=max(0, deadline - time.monotonic()))
            except Empty:
                return False
            if message["parent_header"].get("msg_id") != question or message["msg_type"] != kind:
                continue
            if message["content"].get("execution_state", "idle") == "idle":
                break
    return True


def _too_much(processes: int, limits: Limits) -> str:
    """Why a sandbox must stop, going by its list of processes (an open /proc)."""
    running = [name for name in os.listdir(processes) if name.isdigit()]
    if len(running) > limits.processes + 8:
        return f"process limit of {limits.processes}"
    # Shared memory counts in each process here: it is only looked into if the sum is large.
    if all(sum(measure(processes, name) for name in running) > limits.memory_mb << 20 for measure in (_resident, own_share)):
        return f"memory limit of {limits.memory_mb} MB"
    return ""


def _resident(processes: int, name: str) -> int:
    """Bytes of a process that are in memory; none of one that is gone."""
    with _opened(processes, f"{name}/statm") as text:
        return int(text.split()[1]) * PAGE if text else 0


def own_share(processes: int, name: str) -> int:
    """Bytes of a process (its number in an open /proc) that are in memory, those that it shares divided among all that share them."""
    with _opened(processes, f"{name}/smaps_rollup") as text:
        return next((int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Pss:")), 0)


@contextmanager
def _opened(folder: int, name: str):
    try:
        with open(os.open(name, os.O_RDONLY, dir_fd=folder)) as file:
            text = file.read()
    except OSError:
        text = ""
    yield text


def _how(ended: int) -> str:
    """What a kernel died of, in words."""
    if ended >= 0:
        return f"student code ended the kernel (exit code {ended})"
    name = signal.Signals(-ended).name
    return {"SIGKILL": "killed", "SIGXCPU": "CPU time limit"}.get(name, f"crashed ({name})")
