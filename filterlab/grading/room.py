"""What runs inside the sandbox before and around student code: `python -I -m filterlab.grading.room KIND SOCKET MODULE…`.

KIND "room": a process that has everything imported and forks a sheet whenever it is told to. A sheet is three processes: the first moves
into namespaces of its own and makes its /tmp, /dev/shm and folder for sockets; the second is the first of the new process namespace,
waits for the third and tells the outside how it ended; the third gives up every right and becomes the Jupyter kernel.
KIND "cold" and "unsafe": the process becomes the one kernel itself.

An order is a JSON object with a socket for the answers. Nothing here is secret: student code may read it.
"""

import ctypes
import errno
import fcntl
import gc
import importlib
import io
import json
import os
import resource
import signal
import socket
import struct
import sys

SOCKETS = "/run/sheet"
STUDENT = 1000
PRELOADED = [
    *("IPython", "IPython.core.completerlib", "IPython.core.oinspect", "IPython.extensions.storemagic", "IPython.utils.wildcard"),
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "tornado.platform.asyncio", "tornado.locks", "tornado.queues"),
    *("numpy", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "jaxtyping"),
    *("filterlab.check", "filterlab.images", "filterlab.kernels", "filterlab.show", "filterlab.timing", "filterlab.grading.agent"),
]

# From <sched.h>, <sys/mount.h>, <sys/prctl.h> and <linux/seccomp.h>.
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOSYMFOLLOW, MS_REC, MS_PRIVATE = 2, 4, 8, 256, 0x4000, 0x40000
PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 4, 22, 24, 38, 47, 4
SECCOMP_MODE_FILTER = 2
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
CAPABILITY_VERSION_3 = 0x20080522

# Calls by their number: x86_64 has its own, the others share one table.
NEVER = [
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "keyctl", "add_key", "request_key", "bpf", "perf_event_open"),
    *("userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "unshare", "setns"),
    # Memory that belongs to no process, so that no limit counts it.
    *("memfd_create", "memfd_secret", "shmget", "semget", "msgget", "mq_open"),
]
_NUMBERED = [*NEVER, "clone", "clone3", "socket"]
CALLS = {
    "x86_64": dict(
        zip(
            _NUMBERED,
            [101, 310, 311, 438, 250, 248, 249, 321, 298, 323, 425, 426, 427, 272, 308, 319, 447, 29, 64, 68, 240, 56, 435, 41],
            strict=True,
        )
    ),
    "aarch64": dict(
        zip(
            _NUMBERED,
            [117, 270, 271, 438, 219, 217, 218, 280, 241, 282, 425, 426, 427, 97, 268, 279, 447, 194, 190, 186, 180, 220, 435, 198],
            strict=True,
        )
    ),
}
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
MACHINE = os.uname().machine
KEYCTL_JOIN_SESSION_KEYRING = 1
REFUSALS = (errno.EPERM, errno.ENOSYS, errno.EAFNOSUPPORT)
# From <linux/filter.h>: load a word, compare, return.
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x50000, 0x80000000
UNUSED_ADDRESSES_MB = 2048

libc = ctypes.CDLL(None, use_errno=True)


def system(call: str, *arguments) -> int:
    """One call of the C library. Raises OSError."""
    result = getattr(libc, call)(*arguments)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def main(kind: str, control: socket.socket, modules: list[str]) -> None:
    without_debugger()
    preload(modules)
    if kind == "room":
        preload(PRELOADED)
        draw_a_picture()
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
        mount("tmpfs", "/tmp", inside, MS_NOSUID | MS_NODEV)
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


def mount(kind: str, folder: str, options: str, flags: int) -> None:
    system("mount", kind.encode(), folder.encode(), kind.encode(), flags, options.encode())


def switch_loopback_on() -> None:
    """A Jupyter kernel talks to itself over 127.0.0.1."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP))


# --- the kernel ---


def step_down(own_users: bool = False) -> None:
    """Gives up every right, for good. own_users: in a user namespace of its own, in which there can be no further one."""
    if not own_users:
        drop_bounding_set()
    if os.getuid() == 0 and own_mapping(STUDENT):
        os.setgroups([])
        os.setresgid(STUDENT, STUDENT, STUDENT)
        os.setresuid(STUDENT, STUDENT, STUDENT)
    system("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)  # else this process's own files in /proc are not its to use
    if own_users:
        user, group = os.getuid(), os.getgid()
        system("unshare", CLONE_NEWUSER)
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"{STUDENT} {user} 1")
        write("/proc/self/gid_map", f"{STUDENT} {group} 1")
        write("/proc/sys/user/max_user_namespaces", "0")
        drop_bounding_set()
    system("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    system("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    system("capset", struct.pack("Ii", CAPABILITY_VERSION_3, 0), bytes(24))


def write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def own_mapping(user: int) -> bool:
    """Whether this user namespace knows the user."""
    with open("/proc/self/uid_map") as lines:
        return any(int(first) <= user < int(first) + int(count) for first, _, count in map(str.split, lines))


def drop_bounding_set() -> None:
    """No capability can ever be gained again."""
    with open("/proc/sys/kernel/cap_last_cap") as last:
        count = int(last.read()) + 1
    for capability in range(count):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # refused where bubblewrap has dropped them all


def set_limits(order: dict, confined: bool) -> None:
    megabyte = 1 << 20
    limits = {
        resource.RLIMIT_DATA: order["memory_mb"] * megabyte,
        # Bounds shared memory, which RLIMIT_DATA does not count; libraries reserve addresses that they never use.
        resource.RLIMIT_AS: (order["memory_mb"] + UNUSED_ADDRESSES_MB) * megabyte,
        resource.RLIMIT_FSIZE: order["file_mb"] * megabyte,
        resource.RLIMIT_CPU: order["cpu_s"],
        resource.RLIMIT_NOFILE: 512,
        resource.RLIMIT_CORE: 0,
    }
    if confined:  # elsewhere the user's other processes would count, too
        limits |= {resource.RLIMIT_NPROC: order["processes"], resource.RLIMIT_MEMLOCK: 0, resource.RLIMIT_MSGQUEUE: 0}
    for limit, most in limits.items():
        allowed = resource.getrlimit(limit)[1]
        hard = most + 5 if limit == resource.RLIMIT_CPU else most  # first a signal that says why, then the one that kills
        if allowed != resource.RLIM_INFINITY:
            most, hard = min(most, allowed), min(hard, allowed)
        resource.setrlimit(limit, (most, hard))


def own_keyring() -> None:
    """Leaves the keys of whoever grades. Refused where a container has no keys at all."""
    if MACHINE in CALLS:
        libc.syscall(CALLS[MACHINE]["keyctl"], KEYCTL_JOIN_SESSION_KEYRING, None)


def forbid_calls() -> None:
    """Closes ways into the kernel that no exercise needs, and new user namespaces; sockets are of this machine's network only."""
    if MACHINE not in CALLS:
        return
    calls = CALLS[MACHINE]
    load_number, load_machine, load_first, load_third = ((LOAD, 0, 0, offset) for offset in (0, 4, 16, 32))
    allow, no_right, no_call, no_family = ((RETURN, 0, 0, what) for what in (ALLOW, *(REFUSE | number for number in REFUSALS)))
    program = [load_machine, (EQUAL, 1, 0, AUDIT[MACHINE]), (RETURN, 0, 0, KILL), load_number]
    program += [(AT_LEAST, 0, 1, 0x40000000), no_call]  # another way to number the calls
    for name in NEVER:
        program += [(EQUAL, 0, 1, calls[name]), no_right]
    # The C library then takes clone instead, whose flags can be seen from here.
    program += [(EQUAL, 0, 1, calls["clone3"]), no_call]
    program += [(EQUAL, 0, 4, calls["clone"]), load_first, (ANY_BIT, 0, 1, CLONE_NEWUSER), no_right, allow]
    # Only families that know of network namespaces; of netlink only what lists the network's interfaces.
    program += [(EQUAL, 1, 0, calls["socket"]), allow, load_first]
    program += [(EQUAL, 5, 0, socket.AF_UNIX), (EQUAL, 4, 0, socket.AF_INET), (EQUAL, 3, 0, socket.AF_INET6)]
    program += [(EQUAL, 0, 3, socket.AF_NETLINK), load_third, (EQUAL, 0, 1, 0), allow, no_family]
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    steps = ctypes.create_string_buffer(code, len(code))
    system("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, struct.pack("HxxxxxxP", len(program), ctypes.addressof(steps)), 0, 0)


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
