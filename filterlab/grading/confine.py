"""How a process in the sandbox gives up what student code must not have: rights, ways into the kernel, more than its share.

Calls of the C library stand here with the numbers of the kernel's headers: Python has no names for them. Nothing here is secret.
"""

import ctypes
import errno
import fcntl
import os
import resource
import socket
import struct

STUDENT = 1000
UNUSED_ADDRESSES_MB = 2048

# From <sched.h>, <sys/mount.h>, <sys/prctl.h>, <linux/if.h> and <linux/keyctl.h>.
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOSYMFOLLOW, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 256, 0x1000, 0x4000, 0x40000
PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 4, 22, 24, 38, 47, 4
CAPABILITY_VERSION_3 = 0x20080522
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
KEYCTL_JOIN_SESSION_KEYRING = 1
# From <linux/seccomp.h>, <linux/audit.h> and <linux/filter.h>: a filter loads a word, compares it, returns what is to happen.
SECCOMP_MODE_FILTER = 2
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x50000, 0x80000000

# The kernel's calls by their numbers on x86-64 and on ARM64. Those that no exercise needs, and that widen what can be attacked:
NEVER = {
    **{"ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438)},
    **{"add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "unshare": (272, 97), "setns": (308, 268)},
    **{"bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282)},
    **{"io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427)},
    # Memory that belongs to no process, so that no limit counts it.
    **{"memfd_create": (319, 279), "memfd_secret": (447, 447), "mq_open": (240, 180)},
    **{"shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186)},
}
SOMETIMES = {"clone": (56, 220), "clone3": (435, 435), "socket": (41, 198)}
MACHINE = os.uname().machine
CALLS = {name: numbers[MACHINE == "aarch64"] for name, numbers in (NEVER | SOMETIMES).items()} if MACHINE in AUDIT else {}

libc = ctypes.CDLL(None, use_errno=True)


def system(call: str, *arguments) -> int:
    """One call of the C library. Raises OSError."""
    result = getattr(libc, call)(*arguments)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def mount(kind: str, folder: str, options: str, flags: int) -> None:
    system("mount", kind.encode(), folder.encode(), kind.encode(), flags, options.encode())


def switch_loopback_on() -> None:
    """A Jupyter kernel talks to itself over 127.0.0.1."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP))


# --- rights ---


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


# --- limits ---


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


# --- ways into the kernel ---


def own_keyring() -> None:
    """Leaves the keys of whoever grades. Refused where a container has no keys at all."""
    if CALLS:
        libc.syscall(CALLS["keyctl"], KEYCTL_JOIN_SESSION_KEYRING, None)


def forbid_calls() -> None:
    """Refuses what widens the way into the kernel, new user namespaces, and sockets that know of no network namespace."""
    if not CALLS:
        return
    refusals = (errno.EPERM, errno.ENOSYS, errno.EAFNOSUPPORT)
    load_number, load_machine, load_first, load_third = ((LOAD, 0, 0, offset) for offset in (0, 4, 16, 32))
    allow, no_right, no_call, no_family = ((RETURN, 0, 0, what) for what in (ALLOW, *(REFUSE | number for number in refusals)))
    program = [load_machine, (EQUAL, 1, 0, AUDIT[MACHINE]), (RETURN, 0, 0, KILL), load_number]
    program += [(AT_LEAST, 0, 1, 0x40000000), no_call]  # another way to number the calls
    for name in NEVER:
        program += [(EQUAL, 0, 1, CALLS[name]), no_right]
    # The C library then takes clone instead, whose flags can be seen from here.
    program += [(EQUAL, 0, 1, CALLS["clone3"]), no_call]
    program += [(EQUAL, 0, 4, CALLS["clone"]), load_first, (ANY_BIT, 0, 1, CLONE_NEWUSER), no_right, allow]
    # Of netlink only what lists the network's interfaces.
    program += [(EQUAL, 1, 0, CALLS["socket"]), allow, load_first]
    program += [(EQUAL, 5, 0, socket.AF_UNIX), (EQUAL, 4, 0, socket.AF_INET), (EQUAL, 3, 0, socket.AF_INET6)]
    program += [(EQUAL, 0, 3, socket.AF_NETLINK), load_third, (EQUAL, 0, 1, 0), allow, no_family]
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    steps = ctypes.create_string_buffer(code, len(code))
    system("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, struct.pack("HxxxxxxP", len(program), ctypes.addressof(steps)), 0, 0)
