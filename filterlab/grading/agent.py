"""In the sandbox: calls a student's functions for the examiner, and tells what came of it in plain data.

1. `install` runs in the kernel before any student code: the references and the bank of mistakes, which are not to be had here, get
   placeholders, so that a sheet's set-up cell runs; and the course's checks are put aside, for what a student patches in those that the
   notebook imports must not matter.
2. At the place of test cells, `serve` waits for the examiner and forks a child, which sees the notebook as it is at this place. The
   child answers requests until the examiner hangs up; nothing that it does reaches the notebook or later test cells.

Nothing in here is trusted: a student can change all of it, and then sends other data than the answer's. The examiner judges the data.
"""

import contextlib
import gc
import importlib
import importlib.abc
import importlib.machinery
import os
import random
import select
import signal
import socket
import sys
import types
from typing import Any

import numpy as np

from filterlab.grading import wire

WITHHELD = ("filterlab.check.references", "filterlab.check.mistakes")
LONGEST_MESSAGE = 2000
GRACE_S = 0.1


# --- placeholders for what is not here --------------------------------------------------------------------------------


class Withheld:
    """Stands for a reference, which is not at hand where students' code runs."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(f"{self.__name__} is not at hand while a sheet is graded")

    def __repr__(self) -> str:
        return f"<{self.__name__}: not at hand while a sheet is graded>"


def _withheld(name: str) -> Withheld:
    """As in `reference.conv2d`."""
    if name.startswith("__"):
        raise AttributeError(name)
    return Withheld(name)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a placeholder for every module under WITHHELD."""

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.startswith(WITHHELD) else None

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        if spec.name not in WITHHELD:  # `from filterlab.check.references import filters` must go on to import the module
            module.__getattr__ = _withheld
        return module

    def exec_module(self, module):
        pass


_aside: dict[str, types.ModuleType] = {}  # the course's checks as they came from disk


def install(probes: list[str]) -> None:
    """Puts placeholders in the place of what is withheld, and the checks, these probes among them, aside: the notebook imports its own."""
    for name in ("filterlab.check.outcome", *probes):
        importlib.import_module(name)
    look_at_packages()
    _aside.update({name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("filterlab.check")})
    sys.meta_path.insert(0, _Finder())


def look_at_packages() -> None:
    """Whether a package is an installed one is looked up on disk, and remembered: do it once, not in every fork."""
    for package in {name.partition(".")[0] for name in sys.modules}:
        sys.modules["filterlab.check.scratch"].is_foreign(package, frozenset())


# --- test cells -------------------------------------------------------------------------------------------------------


def serve(path: str, seconds: float, names: dict[str, Any]) -> None:
    """Waits at a socket for the examiner, for so many seconds, and answers from a fork of this process until the examiner hangs up.

    names: the notebook's variables.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(seconds)
        connection, _ = listener.accept()
    with connection:
        child = os.fork()
        if not child:
            _answer_all(connection, names)  # never returns
        _wait_for(child, connection)


def _wait_for(child: int, connection: socket.socket) -> None:
    """Waits until the child ends, and ends it soon after the examiner has hung up, or if this kernel is interrupted."""
    ended = os.pidfd_open(child)
    waiting = select.poll()
    waiting.register(ended, select.POLLIN)
    waiting.register(connection, select.POLLRDHUP)
    try:
        waiting.poll()
        waiting.unregister(connection)
        waiting.poll(GRACE_S * 1000)
    finally:
        os.close(ended)
        for kill in (os.killpg, os.kill):  # with all that it started itself
            with contextlib.suppress(ProcessLookupError):
                kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _answer_all(connection: socket.socket, names: dict[str, Any]) -> None:
    """The child: answers requests one by one, then ends without a word to the notebook's machinery."""
    try:
        os.setpgid(0, 0)
        gc.freeze()  # a collection would look at, and so copy, all that the notebook has
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (for as long as the process lives)
        sys.modules.update(_aside)
        while True:
            wire.send(connection, _answer(wire.receive(connection), names))
    finally:
        os._exit(0)


def _answer(request: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """What came of one request: a call, the count of steps of a call, or a look at what stands under a name."""
    outcome, scratch = (_aside[f"filterlab.check.{name}"] for name in ("outcome", "scratch"))
    if request["name"] not in names:
        return {"fault": f"There is no `{request['name']}` in this notebook: was its cell changed, or did it stop with an error?"}
    answer = names[request["name"]]
    fault = outcome.no_answer(answer)
    if fault or request["do"] == "look":
        return {"fault": fault}
    if request["do"] == "steps":
        return {"fault": "", "steps": scratch.python_steps(answer, request["args"])}
    if request["luck"] is not None:
        _set_random_states(request["luck"])
    libraries = None if request["libraries"] is None else tuple(request["libraries"])
    result = outcome.run_here(answer, request["args"], request["kwargs"], libraries, _probe(request["probe"]))
    return {
        "fault": "",
        "value": result.value,
        "error": None if result.error is None else _described(result.error),
        "line": result.line[:LONGEST_MESSAGE],
        "changed": result.changed,
        "borrowed": result.borrowed,
    }


def _set_random_states(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def _probe(name: str | None) -> Any:
    """A probe by its module and its name."""
    if name is None:
        return None
    module, _, function = name.rpartition(".")
    return getattr(_aside[module], function)


def _described(error: BaseException) -> tuple[list[str], str]:
    """The names of an error's class and of those that it derives from, and its message."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return [kind.__name__ for kind in type(error).__mro__], text[:LONGEST_MESSAGE]
