"""A kernel in the sandbox, driven by nbclient: runs cells, bounds what they may put out, and lets the examiner in between."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Iterator
from queue import Empty
from typing import NoReturn

import nbformat
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from filterlab.grading import agent
from filterlab.grading.examiner import Examiner
from filterlab.grading.sandbox import Kernel, Limits, open_kernel
from filterlab.grading.standins import Gone, Line

LARGEST_MESSAGE = 16 * 2**20
# Seconds that a kernel may need for a word when it has nothing else to do.
PATIENCE = 15
# Most sockets are there within a few of these steps.
POLL = 0.0005
SOON = 0.05
CUT_OFF = "… the rest of the output was cut off\n"
AGENT = f"__import__({agent.__name__!r}, fromlist=['agent'])"
# What a kernel may say that ends up in a notebook; not what it says to widgets, which nobody bounds.
OUTPUT = {"stream", "display_data", "execute_result", "error", "update_display_data"}
HEARD = OUTPUT | {"clear_output", "execute_input", "status"}


class BoundedClient(NotebookClient):
    """nbclient's client, which drops output beyond a number of bytes, for all cells together, and interrupts the cell.

    Student code can send messages of its own making: one that cannot be understood is dropped.
    """

    bytes_left = 0
    cut = False

    def process_message(self, msg, cell, cell_index):
        try:
            return self._bounded(msg, cell, cell_index) if msg["msg_type"] in HEARD else None
        except CellControlSignal:
            raise
        except Exception:
            return None

    def _bounded(self, msg, cell, cell_index):
        if msg["msg_type"] in OUTPUT:
            self.bytes_left -= len(json.dumps(msg["content"], default=str))
            if self.bytes_left < 0:
                if not self.cut:
                    self.cut = True
                    cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text=CUT_OFF))
                    self.km.interrupt_kernel()
                return None
        return super().process_message(msg, cell, cell_index)


class Cells:
    """The kernel of one sheet. Its methods raise DeadKernelError when it is dead."""

    def __init__(self, kernel: Kernel, notebook: NotebookNode, limits: Limits) -> None:
        self.kernel, self.limits = kernel, limits
        self._line: Line | None = None
        self._served = ""
        self.client = BoundedClient(
            notebook,
            km=kernel.manager,
            timeout=limits.cell_s,
            interrupt_on_timeout=True,
            allow_errors=True,
            iopub_timeout=PATIENCE,
            raise_on_iopub_timeout=True,
            store_widget_state=False,
            record_timing=False,
            error_on_timeout={"ename": "CellTimeoutError", "evalue": "", "traceback": []},
        )
        self.client.bytes_left = limits.output_mb * 2**20
        self.context = zmq.asyncio.Context()
        self.context.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        self.context.setsockopt(zmq.RECONNECT_IVL, 5)
        connection = kernel.manager.get_connection_info(session=True)
        self.channels = self.client.kc = AsyncKernelClient(**connection, parent=kernel.manager, context=self.context)
        self.channels.start_channels(hb=False)

    @classmethod
    async def open(cls, notebook: NotebookNode, limits: Limits, examiner: Examiner, unsafe: bool) -> "Cells":
        """A kernel that is ready for a sheet's first cell, and for the examiner. Raises SandboxError."""
        cells = cls(open_kernel(limits, examiner.modules, unsafe), notebook, limits)
        try:
            await cells._listen()
            await cells._quietly(f"{AGENT}.install({examiner.probes!r})")
        except BaseException:
            cells.close()
            raise
        return cells

    async def _listen(self) -> None:
        """Waits until output arrives: what the kernel says before it knows that somebody listens is lost."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            asked = self.channels.kernel_info()
            with contextlib.suppress(Empty), self._understood():
                while True:
                    said = await self.channels.get_iopub_msg(timeout=0.02)
                    if said["parent_header"].get("msg_id") == asked and said["content"].get("execution_state") == "idle":
                        return
        self._give_up()

    async def run(self, place: int) -> dict[str, str]:
        """Runs the notebook's cell at this place; its outputs stand in it afterwards. Gives remarks by their kind where it went wrong."""
        await self.hang_up()
        start, cut, trouble = time.monotonic(), self.client.cut, {}
        cell = self.client.nb.cells[place]
        with self._understood():
            try:
                await self.client.async_execute_cell(cell, place)
            except CellTimeoutError:  # not the cell's: a message was so large that it did not arrive
                trouble["output"] = "the output of a cell could not be read to its end."
        if self.client.cut and not cut:
            trouble["output"] = f"the sheet puts out more than {self.limits.output_mb} MB; the rest was dropped."
        if time.monotonic() - start >= self.limits.cell_s:
            trouble["timeout"] = f"a cell took longer than {self.limits.cell_s:g} seconds and was interrupted."
            _say(cell, f"This cell took longer than {self.limits.cell_s:g} seconds and was interrupted.")
            await self._quietly("pass")  # a kernel that cannot be interrupted is as good as dead
        return trouble

    async def line(self) -> Line:
        """A line to a fork of the notebook as it is now: the one there is, until somebody hangs up. Raises Gone where none can be had."""
        if not self._line:
            self._served = self._ask(f"{AGENT}.serve({self.kernel.inside + '/exam'!r}, {self.limits.cell_s!r}, globals())")
            self._line = Line(await self._connect(self._served))
        return self._line.within(self.limits.cell_s)

    async def hang_up(self) -> None:
        """Ends the fork, if there is one. What comes next has to wait for the kernel anyway; yet what a wrong answer did to its line must
        not hurt that, so then it is done when the kernel says so."""
        line, self._line = self._line, None
        if line:
            line.connection.close()
        if line and line.failed:
            try:
                await self._reply(self._served, PATIENCE)
            except TimeoutError:
                self._give_up()

    async def _connect(self, asked: str) -> socket.socket:
        start = time.monotonic()
        while (waited := time.monotonic() - start) < PATIENCE:
            with contextlib.suppress(OSError):
                return self.kernel.dial("exam")
            if waited < SOON:
                await asyncio.sleep(POLL)
                continue
            with contextlib.suppress(TimeoutError):
                await self._reply(asked, SOON)
                break  # it says that it is done before it has begun
        self._check_alive()
        raise Gone(timeout=False)

    def _ask(self, code: str) -> str:
        """Sends code of ours to the kernel; gives what its reply will refer to."""
        # With stop_on_error a kernel may drop the next request after an error.
        return self.channels.execute(code, silent=True, store_history=False, stop_on_error=False)

    async def _quietly(self, code: str) -> None:
        """Runs code of ours."""
        try:
            await self._reply(self._ask(code), PATIENCE)
        except TimeoutError:
            self._give_up()

    def _give_up(self) -> NoReturn:
        self.kernel.kill()
        raise DeadKernelError("the kernel does not answer")

    async def _reply(self, asked: str, seconds: float) -> None:
        """Waits for the reply to a request. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                with self._understood():
                    message = await self.channels.get_shell_msg(timeout=min(left, 0.5))
                    if message["parent_header"].get("msg_id") == asked:
                        return
            except Empty:
                self._check_alive()
        raise TimeoutError

    @contextlib.contextmanager
    def _understood(self) -> Iterator[None]:
        """A kernel that answers with what is no answer is as good as dead."""
        try:
            yield
        except (DeadKernelError, Empty):
            raise
        except Exception as error:
            self.kernel.kill("it answered with what is no message")
            raise DeadKernelError("the kernel cannot be understood") from error

    def _check_alive(self) -> None:
        if not self.kernel.alive():
            raise DeadKernelError("the kernel died")

    def why_dead(self) -> str:
        return self.kernel.why_dead()

    def close(self) -> None:
        if self._line:
            self._line.connection.close()
        self.channels.stop_channels()
        self.context.destroy(linger=0)
        self.kernel.close()


def _say(cell: NotebookNode, text: str) -> None:
    cell.outputs.append(nbformat.v4.new_output("error", ename="CellTimeoutError", evalue=text, traceback=[text]))
