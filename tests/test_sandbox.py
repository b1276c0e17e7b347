"""The sandbox, tried from within: real kernels, both started for one sheet and forked from a room, and code that wants out."""

import os
import socket
import subprocess
import sys
import textwrap
import time
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from filterlab.grading import policy, provisioner, sandbox
from filterlab.grading.sandbox import Kernel, Limits, SandboxError, open_kernel

KINDS = ["room", "cold"]
SECRET = "swordfish-4711"
SMALL = Limits(memory_mb=600, processes=24, cpu_s=20, file_mb=4, tmp_mb=16)

# Student code that takes more than it may.
FORKS = """
import os, time
children = 0
try:
    while children < 200:
        if not os.fork():
            time.sleep(600)
            os._exit(0)
        children += 1
except BlockingIOError:
    print(children)
"""
MANY = """
import os, time
for _ in range(8):
    os.fork() or (hold := b"x" * (200 << 20)) and time.sleep(60)
time.sleep(60)
"""
SHARED = """
import mmap, time
hold = mmap.mmap(-1, 900 << 20)
for start in range(0, len(hold), 4096):
    hold[start] = 1
time.sleep(60)
"""
ENVIRONMENTS = """
import glob, os
print(dict(os.environ))
for path in glob.glob("/proc/*/environ"):
    try:
        print(open(path).read())
    except OSError:
        pass
"""


class Student:
    """A kernel, and what its code says."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel, self.client = kernel, kernel.client()

    def say(self, code: str) -> str:
        """What the code prints, and the error that it ends with."""
        said = []

        def listen(message: dict) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                said.append(content["text"])
            elif message["msg_type"] == "error":
                said.append(f"{content['ename']}: {content['evalue']}")
            elif "data" in content:
                said.extend(content["data"])

        self.client.execute_interactive(textwrap.dedent(code), timeout=30, output_hook=listen, stop_on_error=False)
        return "".join(said).strip()

    def tries(self, code: str) -> str:
        """The name of the error that one line of code ends with; "it works" otherwise."""
        return self.say(f"try:\n    {code}\nexcept BaseException as error:\n    print(type(error).__name__)\nelse:\n    print('it works')")

    def dies_of(self, code: str, within_s: float = 15) -> str:
        self.client.execute(textwrap.dedent(code), stop_on_error=False)
        deadline = time.monotonic() + within_s
        while self.kernel.alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.kernel.why_dead()


@contextmanager
def student(kind: str, limits: Limits = SMALL, preload: tuple[str, ...] = ("colorsys",)):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FILTERLAB_TEST_SECRET", SECRET)
        patch.setattr(sandbox, "can_be_divided", lambda: kind == "room")
        with open_kernel(limits, preload, unsafe=kind == "unsafe") as kernel:
            yield Student(kernel)


@pytest.fixture(scope="module", params=KINDS)
def inmate(request):
    """A student who does no lasting harm, for many tests."""
    with student(request.param) as inmate:
        yield inmate


@pytest.fixture(params=KINDS)
def kind(request) -> str:
    return request.param


def test_rooms_work_here():
    assert policy.can_be_divided(), "the room's tests would say nothing"


# --- who, where ---


def test_student_is_nobody(inmate):
    told = inmate.say("""
        import os
        words = ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp:")
        print(os.getresuid(), os.getresgid(), [line for line in open("/proc/self/status") if line.startswith(words)])
    """)
    assert told.startswith("(1000, 1000, 1000) (1000, 1000, 1000)")
    assert told.count("0000000000000000") == 3 and "NoNewPrivs:\\t1" in told and "Seccomp:\\t2" in told
    outside = os.stat(f"{inmate.kernel.outside}/kernel.json").st_uid
    assert outside == (policy.NOBODY if os.geteuid() == 0 else os.geteuid())


def test_no_network(inmate):
    name = f"\0filterlab-{os.getpid()}"
    with closing(socket.create_server(("127.0.0.1", 0))) as server, closing(socket.socket(socket.AF_UNIX)) as abstract:
        abstract.bind(name)
        abstract.listen()
        told = inmate.say(f"""
            import socket
            for family, address in ((socket.AF_INET, ("127.0.0.1", {server.getsockname()[1]})), (socket.AF_INET, ("192.0.2.1", 80)),
                                    (socket.AF_UNIX, {name!r}), (socket.AF_VSOCK, (2, 1024)), (socket.AF_PACKET, ("lo", 0))):
                try:
                    socket.socket(family).connect(address)
                    print("connected to", address)
                except OSError as error:
                    print(error.errno)
            print([name for _, name in socket.if_nameindex()])
        """)
    assert told.split() == ["111", "101", "111", "97", "97", "['lo']"]


def seen_in_tmp(root: Path) -> list[str]:
    """What a sheet finds in its /tmp: its home, and the way to the course's package where that lies there."""
    return sorted({"home", *([root.parts[2]] if root.is_relative_to("/tmp") else [])})


def test_course_homes_and_other_files_are_not_there(inmate, root, tmp_path):
    (tmp_path / "submission.ipynb").write_text("somebody else's")
    hidden = [*(str(root / name) for name in ("source", "lessons", ".git")), str(tmp_path), "/etc/shadow", "/home", "/var", "/sys"]
    shown = inmate.say(f"""
        import os
        print(sorted(os.listdir({str(root)!r})))
        for path in {hidden}:
            print(os.path.exists(path))
        print(sorted(os.listdir("/tmp")))
        print({str(Path.home())!r}, os.path.isdir({str(Path.home())!r}) and os.listdir({str(Path.home())!r}))
        print(os.path.expanduser("~"), os.getcwd())
    """).splitlines()
    assert set(eval(shown[0])) <= {".venv", "filterlab"}
    assert shown[1:9] == ["False"] * 8
    assert shown[9] == str(seen_in_tmp(root))
    home, _, listed = shown[10].partition(" ")
    holds_python = {
        Path(prefix).relative_to(home).parts[0] for prefix in (sys.prefix, sys.base_prefix) if Path(prefix).is_relative_to(home)
    }
    assert set(eval(listed) or []) == holds_python
    assert shown[11] == "/tmp/home /tmp/home"


def test_answers_are_masked(inmate):
    told = inmate.say(f"""
        import importlib, os, sys
        for folder in ("check/references", "check/mistakes", "grading"):
            print(sorted(os.listdir(os.path.join({str(policy.PACKAGE)!r}, folder))))
        for name in ("check.references.filters", "check.mistakes.filters", "grading.sandbox", "grading.examiner"):
            try:
                importlib.import_module("filterlab." + name)
                print("imported", name)
            except ImportError:
                pass
        print([name for name in sys.modules if name.startswith(("filterlab.check.references.", "filterlab.check.mistakes."))])
    """).splitlines()
    assert told == ["[]", "[]", "['__init__.py', 'agent.py', 'confine.py', 'room.py', 'wire.py']", "[]"]


def test_what_lessons_need_is_there(inmate):
    assert inmate.say("from filterlab import images, show\nfrom filterlab.check import expect\nprint(images.disk().shape)").startswith("(")
    assert "image/png" in inmate.say("import matplotlib.pyplot as plt\nplt.plot([1, 2]);")
    assert inmate.say("!echo $((6 * 7))") == "42"
    told = inmate.say(
        "import getpass, multiprocessing\nwith multiprocessing.Pool(2) as pool: print(getpass.getuser(), pool.map(abs, [-1]))"
    )
    assert told == "student [1]"


def test_nothing_can_be_written(inmate):
    package, packages = policy.PACKAGE, Path(pytest.__file__).parents[1]
    for path in (
        *(package / "kernels.py", package / "new.py", package / "grading" / "new.py", package / "check" / "references" / "filters.py"),
        *(packages / "new.py", packages / "numpy" / "__init__.py", Path(sys.executable), package.parent / "new.py"),
        *map(Path, ("/new", "/usr/bin/new", "/etc/new", "/etc/passwd", "/dev/new", "/run/new", "/proc/sys/kernel/hostname")),
    ):
        assert inmate.tries(f"open({str(path)!r}, 'a').close()") in ("OSError", "PermissionError"), path


def test_environment_holds_no_secrets(inmate):
    told = inmate.say(ENVIRONMENTS)
    assert "OMP_NUM_THREADS" in told and SECRET not in told and "JPY_PARENT_PID" not in told


# --- ways out ---


def test_what_watches_is_out_of_reach(inmate):
    assert inmate.say("import os; print(sorted(int(name) for name in os.listdir('/proc') if name.isdigit()) == [1, os.getpid()])") == "True"
    for file in ("mem", "environ", "maps", "fd/0", "root/etc/passwd"):
        assert inmate.tries(f"open('/proc/1/{file}', 'rb').read(1)") == "PermissionError" or inmate.kernel.kind == "cold", file
    libc = "__import__('ctypes').CDLL(None, use_errno=True)"
    for call in (
        "ptrace(16, 1, 0, 0)",
        "unshare(0x10000000)",
        "syscall(438, 3, 0, 0)",
        "mount(b'none', b'/tmp', b'tmpfs', 0, 0)",
        "umount(b'/tmp')",
    ):
        assert inmate.say(f"print({libc}.{call})") == "-1", call
    # clone with a new user namespace, and clone3, by their numbers on x86-64.
    if os.uname().machine == "x86_64":
        assert inmate.say(f"print({libc}.syscall(56, 0x10000011, 0, 0, 0, 0), {libc}.syscall(435, 0, 0))") == "-1 -1"
    for number in ("SIGKILL", "SIGTERM", "SIGINT", "SIGSTOP"):
        inmate.tries(f"import os, signal; os.kill(1, signal.{number})")
    assert inmate.say("print('still here')") == "still here"
    assert inmate.tries("os.setuid(0)") in ("OSError", "PermissionError")


def test_sockets_lead_nowhere_else(inmate, tmp_path):
    with closing(socket.socket(socket.AF_UNIX)) as secret:
        secret.bind(str(tmp_path / "s"))
        secret.listen()
        inmate.say(f"import os; os.symlink({str(tmp_path / 's')!r}, {inmate.kernel.inside!r} + '/exam')")
        with pytest.raises(OSError):
            inmate.kernel.dial("exam")
        if inmate.kernel.kind == "room":
            with pytest.raises(OSError), closing(socket.socket(socket.AF_UNIX)) as caller:
                caller.connect(f"{inmate.kernel.outside}/exam")
    inmate.say(f"""
        import os, socket
        os.remove({inmate.kernel.inside!r} + "/exam")
        server = socket.socket(socket.AF_UNIX)
        server.bind({inmate.kernel.inside!r} + "/exam")
        server.listen()
    """)
    with inmate.kernel.dial("exam") as connected:
        inmate.say("server.accept()[0].sendall(b'hello')")
        assert connected.recv(5) == b"hello"


# --- limits ---


def test_folders_are_bounded(kind):
    with student(kind) as inmate:
        told = inmate.say("""
            import errno, os
            def fill(folder, size):
                written = 0
                try:
                    for number in range(1000):
                        with open(f"{folder}/{number}", "wb", buffering=0) as file:
                            written += file.write(bytes(size))
                except OSError as error:
                    return errno.errorcode[error.errno], written >> 20
            print(fill("/tmp", 1 << 20), fill("/dev/shm", 1 << 20), fill("/run/sheet", 1 << 16), sep=", ")
        """)
        assert set(told.split(", ")) <= {"('ENOSPC'", "15)", "16)", "0)"}, told
        assert inmate.say("import glob\nfor path in glob.glob('/tmp/[0-9]*'): os.remove(path)") == ""
        assert inmate.tries("open('/tmp/large', 'wb').write(bytes(5 << 20))") == "OSError"
        assert (
            inmate.say("import resource; print(os.path.getsize('/tmp/large') >> 20, resource.getrlimit(resource.RLIMIT_CORE))")
            == "4 (0, 0)"
        )


def test_files_are_counted_in_a_room():
    with student("room") as inmate:
        assert inmate.tries("for number in range(30_000): open(f'/tmp/{number}', 'w').close()") == "OSError"


def test_memory_of_one_process(inmate):
    assert inmate.tries("bytearray(700 << 20)") == "MemoryError"
    assert inmate.say("print('still here')") == "still here"


@pytest.mark.parametrize("bomb", [MANY, SHARED], ids=["many processes", "shared memory"])
def test_memory_of_all_together(kind, bomb):
    with student(kind) as inmate:
        assert inmate.dies_of(bomb) == "memory limit of 600 MB"


@pytest.mark.parametrize("call", ["os.memfd_create('m')", "ctypes.CDLL(None, use_errno=True).shmget(0, 1 << 20, 0o1600) < 0 and 1 / 0"])
def test_no_memory_that_nobody_counts(inmate, call):
    inmate.say("import ctypes, os")
    assert inmate.tries(call) in ("PermissionError", "ZeroDivisionError")


def test_fork_bomb(kind):
    with student(kind) as inmate:
        assert 0 < int(inmate.say(FORKS)) < SMALL.processes
        first = inmate.kernel.sheet.room
    with student(kind) as inmate:
        assert inmate.say("import os; print(len([name for name in os.listdir('/proc') if name.isdigit()]))") == "2"
        assert kind == "cold" or inmate.kernel.sheet.room is first


def test_wall_time(kind):
    with student(kind, Limits(wall_s=2)) as inmate:
        assert inmate.dies_of("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass") == "wall time limit of 2 s"


def test_cpu_time(kind):
    with student(kind, Limits(cpu_s=1)) as inmate:
        assert inmate.dies_of("while True: pass") == "CPU time limit"


def test_interrupt(inmate):
    asked = inmate.client.execute("import time\ntime.sleep(60)", stop_on_error=False)
    time.sleep(0.3)
    inmate.kernel.interrupt()
    while (reply := inmate.client.get_shell_msg(timeout=10))["parent_header"]["msg_id"] != asked:
        pass
    assert reply["content"]["ename"] == "KeyboardInterrupt"


# --- ends ---


def test_why_a_kernel_is_dead(kind):
    for code, why in {
        "import os; os._exit(3)": "student code ended the kernel (exit code 3)",
        "import ctypes; ctypes.string_at(0)": "crashed (SIGSEGV)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)": "killed",
    }.items():
        with student(kind) as inmate:
            assert inmate.kernel.why_dead() == ""
            assert inmate.dies_of(code) == why


def test_nothing_is_left(kind):
    with student(kind) as inmate:
        folder, room = inmate.kernel.outside, inmate.kernel.sheet.room
        before = psutil.Process(room.process.pid).children(recursive=True)
        inmate.say("import subprocess\nfor _ in range(3): subprocess.Popen(['sleep', '600'], start_new_session=True)")
        processes = psutil.Process(room.process.pid).children(recursive=True)
        assert len(processes) == len(before) + 3
    left = [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert len(left) == (2 if kind == "room" else 0)  # bubblewrap's own, and the room
    assert inmate.kernel.why_dead() == "killed by the grader" and not inmate.kernel.alive() and not os.path.exists(f"{folder}/k-1")
    assert room.alive() == (kind == "room")
    provisioner.close_rooms()
    assert not room.alive() and psutil.wait_procs(left, timeout=5)[1] == []


def test_nothing_outlives_the_grader(tmp_path):
    code = """
        import time
        from tests.test_sandbox import student
        with student("room") as inmate:
            print(inmate.kernel.sheet.room.process.pid, flush=True)
            time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE) as grader:
        bubblewrap = psutil.Process(int(grader.stdout.readline()))
        processes = [bubblewrap, *bubblewrap.children(recursive=True)]
        assert len(processes) == 5  # bubblewrap's two, the room, and the sheet's two
        grader.kill()
    assert psutil.wait_procs(processes, timeout=5)[1] == []


def test_the_next_sheet_finds_nothing():
    with student("room") as first:
        room = first.kernel.sheet.room
        first.say("""
            import builtins, math, os, socket, sys
            import numpy as np
            from filterlab import images
            builtins.left = math.left = sys.modules["numpy"].left = images.left = os.environ["LEFT"] = "left by the first"
            for path in ("/tmp/left", "/dev/shm/left", "/run/sheet/left", "/tmp/home/left"):
                open(path, "w").write("left by the first")
            server = socket.socket(socket.AF_UNIX)
            server.bind("\\0left")
            server.listen()
        """)
        drawn = first.say("print(np.random.rand())")
    with student("room") as second:
        assert second.kernel.sheet.room is room
        told = second.say("""
            import builtins, math, os, socket
            import numpy as np
            from filterlab import images
            print(hasattr(builtins, "left"), hasattr(math, "left"), hasattr(np, "left"), hasattr(images, "left"), "LEFT" in os.environ)
            print([path for path in ("/tmp/left", "/dev/shm/left", "/run/sheet/left", "/tmp/home/left") if os.path.exists(path)])
            print(socket.socket(socket.AF_UNIX).connect_ex("\\0left"))
        """)
        assert told.split("\n") == ["False False False False False", "[]", "111"]
        assert second.say("print(np.random.rand())") != drawn
        shared = [os.readlink(f"/proc/{process.pid}/ns/net") for process in psutil.Process(room.process.pid).children(recursive=True)[:2]]
        assert second.say("print(os.readlink('/proc/self/ns/net'))") not in shared


def test_a_sheet_cannot_end_its_room():
    with student("room") as first:
        room = first.kernel.sheet.room
        assert first.dies_of("import os, signal\nos.kill(0, signal.SIGKILL)") == "killed"
    with student("room") as second:
        assert second.kernel.sheet.room is room
        second.say("import os, signal\nos.kill(-1, signal.SIGKILL)")
    with student("room") as third:
        assert third.kernel.sheet.room is room
        room.process.kill()
    with student("room") as fourth:
        assert fourth.kernel.sheet.room is not room
        assert fourth.say("print('a new room')") == "a new room"


def test_two_kernels_at_a_time():
    with student("room") as one, student("room") as two:
        assert one.kernel.sheet.room is not two.kernel.sheet.room
        assert one.say("print(1)") == "1" and two.say("print(2)") == "2"


def test_preload(inmate):
    assert inmate.say("import sys; print('colorsys' in sys.modules)") == "True"


def test_preload_of_nothing(kind):
    with pytest.raises(SandboxError, match="No module named 'no_such_module'"), student(kind, preload=("no_such_module",)):
        pass


# --- without ---


def test_missing_bubblewrap_is_one_line(monkeypatch):
    policy.check.cache_clear()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxError, match=r"^bubblewrap is not installed .*$"):
        open_kernel(Limits())


def test_forbidden_namespaces_are_one_line():
    code = "from filterlab.grading.sandbox import *\ntry: check()\nexcept SandboxError as error: print(error)"
    forbidden = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$0" -c "$1"'
    told = subprocess.run(
        ["unshare", "--user", "--map-root-user", "sh", "-c", forbidden, sys.executable, code], capture_output=True, text=True
    )
    assert told.stdout.count("\n") == 1 and "namespace" in told.stdout, told.stderr


def test_unsafe_is_a_plain_kernel():
    with student("unsafe", Limits(memory_mb=600, wall_s=20)) as inmate:
        assert inmate.say("import os; print(os.getuid())") == str(os.getuid())
        assert inmate.tries("bytearray(700 << 20)") == "MemoryError"
        assert inmate.kernel.inside == inmate.say("print(os.getcwd())") and os.path.isdir(inmate.kernel.inside)
        with closing(socket.socket(socket.AF_UNIX)) as connected:
            connected.connect(f"{inmate.kernel.outside}/k-1")
        assert inmate.dies_of("os._exit(3)") == "student code ended the kernel (exit code 3)"
    assert not os.path.exists(inmate.kernel.inside)


IN_ANOTHER_PLACE = """
import os
from tests.test_sandbox import ENVIRONMENTS, FORKS, SECRET, SHARED, SMALL, student
for kind in ("room", "cold"):
    with student(kind) as inmate:
        room = inmate.kernel.sheet.room
        print(kind, room.kind, inmate.say("import os; print(os.getuid(), sorted(os.listdir('/tmp')))"))
        print(SECRET in inmate.say(ENVIRONMENTS), [inmate.tries(f"open('{folder}new', 'w')") for folder in ("/", "/dev/", "/run/")])
        print(inmate.dies_of(FORKS, 2) or inmate.say(f"print(0 < children < {SMALL.processes})"), inmate.dies_of("os.kill(0, 9)"))
    if kind == "room":
        with student(kind) as inmate:
            print(inmate.kernel.sheet.room is room, inmate.dies_of(SHARED))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="all the other tests are run by an ordinary user here")
@pytest.mark.parametrize(
    ("who", "forks"),
    [
        ("setpriv --reuid 4711 --regid 4711 --clear-groups", "True killed"),
        # The kernel counts no processes of a user who is root outside: the watch does.
        ("unshare --user --map-root-user", "process limit of 24 process limit of 24"),
    ],
    ids=["ordinary user", "root of a container"],
)
def test_who_is_not_root_gets_the_same_sandbox(tmp_path, root, who, forks):
    """An ordinary user, and a container's root, in a view of this machine in which root's folder with Python is open to all."""
    prefix, keep = Path(sys.base_prefix), tmp_path / "python"
    top = Path(*prefix.parts[:2])
    keep.mkdir()
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    view = ""
    if not os.stat(top).st_mode & 1:
        view = f"mount --bind {prefix} {keep}; mount -t tmpfs tmpfs {top}; mkdir -p {prefix}; mount --bind {keep} {prefix};"
    names = f"PATH={os.environ['PATH']} HOME={tmp_path} PYTHONPATH={root} PYTHONDONTWRITEBYTECODE=1"
    command = ["unshare", "--mount", "sh", "-ec", f'{view} exec {who} env -i {names} {sys.executable} -c "$0"', IN_ANOTHER_PLACE]
    told = subprocess.run(command, cwd="/", capture_output=True, text=True)
    same = f"1000 {seen_in_tmp(root)}\nFalse ['OSError', 'OSError', 'OSError']\n{forks}"
    assert told.stdout == f"room room {same}\nTrue memory limit of 600 MB\ncold cold {same}\n", told.stderr
