"""What the sandbox lets in: the limits of a sheet, and the bubblewrap command that is built around Python.

Inside are Python, its packages, fonts and the part of Filterlab that students may read, all read-only; nothing of the course, of any home
or of the network.
"""

import functools
import itertools
import os
import shutil
import site
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import filterlab

PACKAGE = Path(filterlab.__file__).parent
# Folders whose contents would give answers away; of the last, students' side needs a few files.
MASKED = ["check/references", "check/mistakes", "grading"]
SHOWN = ["grading/__init__.py", "grading/agent.py", "grading/wire.py", "grading/room.py", "grading/confine.py"]

SOCKETS = "/run/sheet"  # the folder for sockets, as the sandbox sees it
STUDENT = 1000  # user and group of student code, as the sandbox sees them
NOBODY = 65534  # and as the host sees them where root grades
SYSTEM = [
    *("/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/share/fonts", "/usr/share/zoneinfo"),
    *("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime"),
]


class SandboxError(Exception):
    """There is no sandbox to be had here; the text says why, in one line."""


@dataclass(frozen=True)
class Limits:
    """What one sheet may use up. cell_s and output_mb are for whoever runs the cells; the rest holds whatever student code does."""

    memory_mb: int = 3072
    processes: int = 64
    cpu_s: int = 300
    wall_s: int = 600
    cell_s: int = 60
    file_mb: int = 64
    tmp_mb: int = 256
    output_mb: int = 4


@functools.cache
def check() -> None:
    """Raises SandboxError where no sandbox can be had. Asks bubblewrap once."""
    if trouble := _try(["/usr/bin/true"], cold=True):
        raise SandboxError(f"bubblewrap cannot make a sandbox here: {trouble}")


@functools.cache
def can_be_divided() -> bool:
    """Whether what runs in a sandbox may make further ones in it."""
    return not _try(["unshare", "--mount", "--pid", "--net", "--ipc", "--fork", "--mount-proc", "unshare", "--user", "true"], cold=False)


def _try(inner: list[str], cold: bool) -> str:
    """What goes wrong with a command in a sandbox; nothing if nothing does."""
    with ExitStack() as stack:
        command, descriptors = bubblewrap(inner, stack, cold, tmp_mb=1)
        tried = subprocess.run(command, pass_fds=descriptors, env={}, capture_output=True, text=True)
    return (tried.returncode and (" ".join(tried.stderr.split()) or f"it ended with {tried.returncode}")) or ""


def bubblewrap(inner: list[str], stack: ExitStack, cold: bool, tmp_mb: int) -> tuple[list[str], list[int]]:
    """The command that runs `inner` in a sandbox, and the file descriptors to hand to it, which `stack` closes.

    cold: `inner` gets no rights over the sandbox. Otherwise it is root in there, to divide the sandbox further for each sheet.
    Raises SandboxError where bubblewrap or its namespaces are missing.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxError("bubblewrap is not installed (Debian: `apt install bubblewrap`), and student code is not run without it")
    command = [program, *_namespaces(stack, cold), "--die-with-parent", "--new-session", "--hostname", "sandbox"]
    command += [*_folders(tmp_mb), *_users(stack)]
    for name, value in environment().items():
        command += ["--setenv", name, value]
    command += ["--chdir", "/tmp", "--", *inner]
    return command, [int(value) for option, value in itertools.pairwise(command) if option in ("--userns", "--ro-bind-data")]


def environment() -> dict[str, str]:
    """All the environment that student code sees: nothing comes from outside but the choice of BLAS kernels."""
    home = "/tmp/home"
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    passed = {name: os.environ[name] for name in ("OPENBLAS_CORETYPE",) if name in os.environ}
    return {
        "PATH": f"{sys.prefix}/bin:/usr/bin:/bin",
        "HOME": home,
        "LANG": "C.UTF-8",
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLCONFIGDIR": f"{home}/.config/matplotlib",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONDONTWRITEBYTECODE": "1",
        **threads,
        **passed,
    }


def _namespaces(stack: ExitStack, cold: bool) -> list[str]:
    """A world of its own for users, processes, network and the rest. Where root grades, the student is not root outside, either."""
    alone = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--clearenv", "--cap-drop", "ALL"]
    both = _two_users(stack) if os.geteuid() == 0 else None
    if both is None:
        user = str(STUDENT if cold else 0)
        users, rights = ["--unshare-user", "--uid", user, "--gid", user], [] if cold else ["ALL"]
    else:
        users, rights = (
            ["--userns", str(both), "--uid", "0", "--gid", "0"],
            ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"] if cold else ["ALL"],
        )
    return [*alone, *users, *(word for right in rights for word in ("--cap-add", right))]


def _two_users(stack: ExitStack) -> int | None:
    """A user namespace in which root is root outside, and the student is nobody outside; None where root has no such right."""
    command = ["unshare", "--user", "sh", "-c", "echo; read _"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as maker:
        if not maker.stdout.readline():
            raise SandboxError(f"no user namespaces here: {maker.stderr.read().decode().strip()}")
        try:
            for kind in ("uid", "gid"):
                Path(f"/proc/{maker.pid}/{kind}_map").write_text(f"0 0 1\n{STUDENT} {NOBODY} 1\n")
        except OSError:
            return None
        namespace = os.open(f"/proc/{maker.pid}/ns/user", os.O_RDONLY)
    stack.callback(os.close, namespace)
    return namespace


def _folders(tmp_mb: int) -> Iterator[str]:
    """What is to be seen in the sandbox, as bubblewrap's options."""
    for name in ("bin", "lib", "lib32", "lib64"):
        if os.path.islink(f"/{name}"):
            yield from ("--symlink", os.readlink(f"/{name}"), f"/{name}")
        else:
            yield from ("--ro-bind-try", f"/{name}", f"/{name}")
    shown = _shown()
    # First, for what is shown may lie under them.
    yield from ("--perms", "1777", "--size", str(tmp_mb << 20), "--tmpfs", "/tmp")
    # bubblewrap would make the folders on the way for root alone.
    for folder in sorted({str(parent) for path in [*shown, "/etc/passwd", SOCKETS] for parent in Path(path).parents} - {"/"}):
        yield from ("--dir", folder)
    for path in shown:
        yield from ("--ro-bind", path, path)
    for folder in MASKED:
        yield from ("--tmpfs", f"{PACKAGE}/{folder}")
    for file in SHOWN:
        yield from ("--ro-bind-try", f"{PACKAGE}/{file}", f"{PACKAGE}/{file}")
    for folder in MASKED:
        yield from ("--remount-ro", f"{PACKAGE}/{folder}")
    yield from ("--proc", "/proc", "--dev", "/dev")
    for folder, size in (("/dev/shm", tmp_mb << 20), (SOCKETS, 1 << 20)):
        yield from ("--perms", "1777", "--size", str(size), "--tmpfs", folder)


def _shown() -> list[str]:
    """What is to be seen of the outside, read-only."""
    return [path for path in [*SYSTEM, *_python(), str(PACKAGE)] if os.path.exists(path)]


def shown_in_tmp() -> list[str]:
    """What of it lies in /tmp, where each sheet gets a folder of its own: a course may be tried out there."""
    return [path for path in _shown() if path.startswith("/tmp/")]


def _python() -> list[str]:
    """The interpreter's and its packages' folders: never a whole prefix, in which a course may lie."""
    prefixes = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix, str(Path(sys.executable).resolve().parents[1])}
    parts = [f"{prefix}/{part}" for prefix in sorted(prefixes) for part in ("bin", "lib", "lib64", "pyvenv.cfg")]
    return [part for part in [*parts, *site.getsitepackages()] if part not in SYSTEM]


def _users(stack: ExitStack) -> list[str]:
    """The sandbox's own /etc/passwd, and everything that bubblewrap made so far closed to writing."""
    file = tempfile.TemporaryFile()  # noqa: SIM115, the stack closes it
    stack.callback(file.close)
    file.write(f"root:x:0:0::/:/bin/sh\nstudent:x:{STUDENT}:{STUDENT}::/tmp/home:/bin/sh\n".encode())
    file.seek(0)
    return ["--perms", "0644", "--ro-bind-data", str(file.fileno()), "/etc/passwd", "--remount-ro", "/dev", "--remount-ro", "/"]
