"""What runs inside the sandbox before and around student code: `python -I -m filterlab.grading.room KIND SOCKET MODULE…`.

KIND "room": a process that has everything imported and forks a sheet whenever it is told to. A sheet is three processes: the first moves
into namespaces of its own and makes its /tmp, /dev/shm and folder for sockets; the second is the first of the new process namespace,
waits for the third and tells the outside how it ended; the third gives up every right and becomes the Jupyter kernel.
KIND "cold" and "unsafe": the process becomes the one kernel itself.

An order is a JSON object with a socket for the answers. Nothing here is secret: student code may read it.
"""

import gc
import importlib
import io
import json
import os
import signal
import socket
import stat
import sys

from filterlab.grading.confine import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_NOSYMFOLLOW,
    MS_PRIVATE,
    MS_REC,
    PR_SET_DUMPABLE,
    forbid_calls,
    mount,
    own_keyring,
    set_limits,
    step_down,
    switch_loopback_on,
    system,
    write,
)

SOCKETS = "/run/sheet"
PRELOADED = [
    *("IPython", "IPython.core.completerlib", "IPython.core.debugger", "IPython.core.logger", "IPython.core.oinspect"),
    *("IPython.extensions.storemagic", "IPython.utils.wildcard", "zmq.utils.garbage"),
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "tornado.platform.asyncio", "tornado.locks", "tornado.queues"),
    *("numpy", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "jaxtyping"),
    *("filterlab.check", "filterlab.images", "filterlab.kernels", "filterlab.show", "filterlab.timing", "filterlab.grading.agent"),
]


def main(kind: str, control: socket.socket, modules: list[str]) -> None:
    without_debugger()
    preload(modules)
    if kind == "room":
        preload(PRELOADED)
        draw_a_picture()
        explain_an_error()
        sys.modules["filterlab.grading.agent"].look_at_packages()
        # Imported again by a sheet's first picture, it hooks itself into that sheet's IPython.
        del sys.modules["matplotlib_inline.backend_inline"]
        serve(control)
    order, answers = receive(control)
    control.close()
    folder = order["unsafe_folder"] or SOCKETS
    report(answers, folder, os.getpid(), first=os.getpid() if kind == "unsafe" else 1)
    answers.close()
    if kind == "cold":
        step_down()
    become_kernel(order, folder, confined=kind == "cold")


# --- the room ---


def preload(modules: list[str]) -> None:
    for module in modules:
        importlib.import_module(module)


def without_debugger() -> None:
    """Half of a kernel's start is the import of a debugger, which nobody uses here."""
    sys.modules["debugpy"] = None
    importlib.import_module("ipykernel.debugger")
    del sys.modules["debugpy"]


def draw_a_picture() -> None:
    """The first one looks for fonts, and builds much that later ones use again."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.imshow([[0, 1]])
    axes.set_title("Any")
    figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")


def explain_an_error() -> None:
    """The first one looks up the file of every module, and reads how to colour code."""
    from IPython.core.ultratb import AutoFormattedTB

    try:
        json.loads("")
    except ValueError:
        AutoFormattedTB(mode="Context", tb_offset=0).structured_traceback(*sys.exc_info())


def serve(control: socket.socket) -> None:
    """Forks a sheet for every order, until the other end of the socket is gone."""
    system("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)  # no process may look into this one, or into a sheet's first two
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    while received := receive(control):
        order, answers = received
        first = os.fork()
        if not first:
            control.close()
            enter(order, answers)
        answers.close()
        os.waitpid(first, 0)
    sys.exit()


def receive(control: socket.socket) -> tuple[dict, socket.socket] | None:
    """The next order and the socket for its answers; None when nobody will ask any more."""
    data, descriptors, _, _ = socket.recv_fds(control, 65536, 1)
    return (json.loads(data), socket.socket(fileno=descriptors[0])) if data else None


def enter(order: dict, answers: socket.socket) -> None:
    """First process of a sheet: moves into new namespaces and leaves the rest to a child. Does not return."""
    try:
        system("unshare", CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET)
        mount("none", "/", "", MS_REC | MS_PRIVATE)
        inside = f"mode=1777,size={order['tmp_mb']}m,nr_inodes=20000"
        shown = [(path, os.open(path, os.O_PATH)) for path in order["shown_in_tmp"]]
        mount("tmpfs", "/tmp", inside, MS_NOSUID | MS_NODEV)
        for path, descriptor in shown:
            show(path, descriptor)
        mount("tmpfs", "/dev/shm", inside, MS_NOSUID | MS_NODEV)
        # The outside opens sockets in this folder: no link may lead it elsewhere.
        mount("tmpfs", SOCKETS, "mode=1777,size=1m,nr_inodes=256", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW)
        switch_loopback_on()
        mount("devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=620", MS_NOSUID | MS_NOEXEC)
        if not os.fork():
            watch(order, answers)
    except BaseException as error:
        fail(answers, error)
    os._exit(0)


def show(path: str, descriptor: int) -> None:
    """Puts what an open file or folder is at a path in the new /tmp."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.makedirs(path, exist_ok=True)
    elif not os.path.exists(path):
        os.close(os.open(path, os.O_CREAT))
    system("mount", f"/proc/self/fd/{descriptor}".encode(), path.encode(), None, MS_BIND | MS_REC, None)
    os.close(descriptor)


def watch(order: dict, answers: socket.socket) -> None:
    """Second process, the first of the sheet's own: starts the kernel and tells how it ended. When it ends, so does all of the sheet."""
    try:
        mount("proc", "/proc", "", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        kernel = os.fork()
        if not kernel:
            os.setsid()  # a signal to its own group must not reach the room
            answers.close()
            step_down(own_users=True)
            become_kernel(order, SOCKETS, confined=True)
        report(answers, SOCKETS, kernel)
        while True:
            ended, status = os.waitpid(-1, 0)
            if ended == kernel:
                answers.send(json.dumps({"ended": os.waitstatus_to_exitcode(status)}).encode())
                os._exit(0)
    except BaseException as error:
        fail(answers, error)


def report(answers: socket.socket, folder: str, kernel: int, first: int = 1) -> None:
    """Hands to the outside: the folder for sockets, the list of processes, the first process, the kernel."""
    descriptors = [os.open(folder, os.O_PATH), os.open("/proc", os.O_RDONLY), os.pidfd_open(first), os.pidfd_open(kernel)]
    socket.send_fds(answers, [b"{}"], descriptors)
    for descriptor in descriptors:
        os.close(descriptor)


def fail(answers: socket.socket, error: BaseException) -> None:
    answers.send(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
    os._exit(1)


# --- the kernel ---


def become_kernel(order: dict, folder: str, confined: bool) -> None:
    """Starts the Jupyter kernel in this process. Does not return."""
    set_limits(order, confined)
    if confined:
        write("/proc/self/oom_score_adj", "1000")  # whoever else runs out of memory, this goes first
        own_keyring()
        forbid_calls()
        folder = os.environ["HOME"]
        os.mkdir(folder)
    os.chdir(folder)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # else every sheet of a room would draw the same
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    silence()
    sys.argv = ["ipykernel"]
    config = Config()
    config.Session.key = order["key"].encode()
    config.HistoryManager.enabled = False
    config.IPKernelApp.capture_fd_output = False  # two threads that wait for what silence() has sent away
    config.IPKernelApp.update(order["connection"])
    app = IPKernelApp.instance(config=config)
    app.initialize([])
    app.start()
    os._exit(0)


def silence() -> None:
    """Nothing of a sheet reaches the terminal or the log of whoever grades."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    os.closerange(3, 1 << 20)


if __name__ == "__main__":
    main(sys.argv[1], socket.socket(fileno=int(sys.argv[2])), sys.argv[3:])
