"""Sees whether an answer is the student's own work: "from scratch" means no help from a library that does the job.

NumPy and the standard library are free (which packages are is said by the exercise); another installed package, or filterlab, is not.
Two looks: `written_in` reads the names in the answer's code; `watch` has Python's profile hook report every function that is called
while the answer runs, so that a detour (an import by name, a function kept in a dict) is seen as well.
"""

import _thread
import contextlib
import dis
import gc
import importlib.util
import inspect
import os
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import numpy as np

# Type annotations are free everywhere.
ALWAYS_ALLOWED = frozenset({"jaxtyping", "typing_extensions"})
# Behind `print`, `display` and warnings stands the kernel, behind `import` its hooks: what these call is not the student's doing.
MACHINERY = frozenset({"ipykernel", "IPython", "importlib"})
# A probe stands between the check and the answer, and calls what the answer was given. What it calls of the course by name, to build or
# to run what was asked for, is its own doing.
PROBES = "filterlab.check.probes"
# What would keep these looks from seeing anything, or take the work to where nobody looks.
_HOOKS = (sys.setprofile, sys.settrace)
_PROCESSES = tuple(getattr(os, name) for name in ("fork", "system", "forkpty", "posix_spawn", "posix_spawnp") if hasattr(os, name))
_COURSE = str(Path(__file__).parents[1]) + os.sep
_BANK = str(Path(__file__).parent / "mistakes") + os.sep  # its answers pose as students'; where sheets are graded it is not to be had
UNCOUNTED = 2**40  # steps: more than any answer takes
_INSTALLED = tuple(Path(sysconfig.get_path(scheme)).resolve() for scheme in ("purelib", "platlib"))


def written_in(answer: Callable, libraries: tuple[str, ...] | None) -> str:
    """The first name in the answer's code, or in the functions and classes of the notebook that it names, that is not allowed."""
    if libraries is None:
        return ""
    allowed = ALWAYS_ALLOWED | set(libraries)
    waiting, seen = [answer], set()
    while waiting:
        for function in functions_of(waiting.pop()):
            if function in seen:
                continue
            seen.add(function)
            for operation, name in _names(function.__code__):
                value = function.__globals__.get(name) if operation == "LOAD_GLOBAL" else None
                module = name if operation == "IMPORT_NAME" else value.__name__ if isinstance(value, ModuleType) else _constant_of(value)
                if is_foreign(_package(module), allowed):
                    return module
                if callable(value):
                    waiting.append(value)
    return ""


def functions_of(answer: Any) -> list[FunctionType]:
    """The functions that an answer consists of: itself, or the methods of a class; those of installed packages left out."""
    parts = [inspect.unwrap(answer)] if callable(answer) else []
    if parts and isinstance(parts[0], type):
        attributes = [value for base in parts[0].__mro__ for value in vars(base).values()]
        # A property keeps its function in fget, a class or static method in __func__.
        parts = [inspect.unwrap(getattr(value, "fget", None) or getattr(value, "__func__", value)) for value in attributes]
    return [part for part in parts if isinstance(part, FunctionType) and not _is_installed(_package(part.__globals__.get("__name__", "")))]


def _package(module: str) -> str:
    return module.partition(".")[0]


@cache
def _names(code: CodeType) -> tuple[tuple[str, str], ...]:
    """The global names and imports in a function's code, inner functions and comprehensions included."""
    own = {(step.opname, step.argval) for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "IMPORT_NAME")}
    inner = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return tuple(sorted(own.union(*inner)))


def _constant_of(value: Any) -> str:
    """The name of the filterlab array that this is, or nothing: kernels.sobel_x is an answer, too."""
    if not isinstance(value, np.ndarray):
        return ""
    modules = [(name, module) for name, module in sys.modules.items() if name.partition(".")[0] == "filterlab"]
    return next((f"{name}.{key}" for name, module in modules for key, item in vars(module).items() if item is value), "")


@contextlib.contextmanager
def watch(libraries: tuple[str, ...] | None) -> Iterator[list[str]]:
    """Gives a list that fills with the names of the calls that are not allowed (stays empty where libraries is None)."""
    borrowed: list[str] = []
    if libraries is None:
        yield borrowed
        return
    allowed = ALWAYS_ALLOWED | set(libraries)
    # What each module met so far is; leaving this function is reported too, and is free.
    kinds = {__name__: "free"}
    before, threads, collecting = sys.getprofile(), threading.getprofile(), gc.isenabled()
    # What the garbage collector finalizes in the meantime (a coroutine of the notebook server, say) is not called by the answer.
    gc.disable()
    threading.setprofile(lambda *_: sys.setprofile(_reporter(allowed, kinds, borrowed)))
    sys.setprofile(_reporter(allowed, kinds, borrowed))
    try:
        yield borrowed
    finally:
        sys.setprofile(before if callable(before) else None)  # cProfile's own hook cannot be put back from Python
        threading.setprofile(threads)
        if collecting:
            gc.enable()


def _reporter(allowed: frozenset[str] | set[str], kinds: dict[str, str], borrowed: list[str]) -> Callable:
    """A profile hook, for one thread, that adds the calls that are not allowed."""
    outside: FrameType | None = None  # the first frame of the machinery, or of what a probe calls, while the call is inside it

    def on_event(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal outside
        if outside is not None:
            if event == "return" and frame is outside:
                outside = None
            return
        if event not in ("call", "c_call"):
            return
        module = (frame.f_globals.get("__name__") or "") if event == "call" else _module_of(argument)
        kind = kinds.get(module) or kinds.setdefault(module, _kind(module, allowed))
        if kind == "foreign" and event == "call" and _called_by_probe(frame):
            outside = frame
        elif kind == "foreign":
            borrowed.append(f"{module}.{frame.f_code.co_name if event == 'call' else argument.__name__}")
        elif kind == "machinery" and event == "call":
            outside = frame
        elif event == "c_call":
            if _slips_away(argument, frame, allowed):
                borrowed.append(f"{module}.{argument.__name__}")
        elif _package(module) != "filterlab" and _is_the_courses(frame.f_code):
            borrowed.append(f"filterlab's {frame.f_code.co_name}")  # the course's code in a function of the notebook's

    return on_event


def _is_the_courses(code: CodeType) -> bool:
    return code.co_filename.startswith(_COURSE) and not code.co_filename.startswith(_BANK)


def _slips_away(function: Any, frame: FrameType, allowed: frozenset[str] | set[str]) -> bool:
    """Whether this call, made in this frame, leads out of sight: no hooks any more, a bare thread, or another process (where "*" is
    allowed, libraries start some)."""
    if function in _HOOKS:
        return frame.f_globals is not globals()
    if function is _thread.start_new_thread:
        return frame.f_globals is not vars(threading)
    return "*" not in allowed and (function in _PROCESSES or function.__name__ == "fork_exec")


def python_steps(answer: Callable, args: tuple[Any, ...]) -> int:
    """How many lines of code of its own (the answer, its helpers, what NumPy calls back) one call runs through; a great many if the code
    keeps them from being counted."""
    steps = 0

    def on_event(frame: FrameType, event: str, argument: Any) -> Callable | None:
        nonlocal steps
        if _belongs_to_a_library(frame.f_globals):
            return None
        steps += event in ("call", "line")
        if not frame.f_trace_lines:
            steps += UNCOUNTED
        return on_event

    def on_call(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal steps
        if event == "c_call" and argument in _HOOKS and frame.f_globals is not globals():
            steps += UNCOUNTED

    before = sys.gettrace(), sys.getprofile()
    sys.setprofile(on_call)
    sys.settrace(on_event)
    try:
        answer(*args)
    finally:
        sys.settrace(before[0])
        sys.setprofile(before[1] if callable(before[1]) else None)
    return steps


def _belongs_to_a_library(names: dict[str, Any]) -> bool:
    """Whether these are the variables of an installed module or of the standard library, and not only called so."""
    name = names.get("__name__") or ""
    module = sys.modules.get(name)
    known = name != "__main__" and (_package(name) in sys.stdlib_module_names or _is_installed(_package(name)))
    return known and module is not None and vars(module) is names


def _called_by_probe(frame: FrameType) -> bool:
    """Whether a probe calls this by a name of its own, such as `conv2d` or `drawings.draw`: an answer has no name there."""
    caller = frame.f_back
    if caller is None or not (caller.f_globals.get("__name__") or "").startswith(PROBES):
        return False
    places = [caller.f_globals, *(vars(value) for value in caller.f_globals.values() if isinstance(value, ModuleType))]
    return any(getattr(place.get(name), "__code__", None) is frame.f_code for place in places for name in caller.f_code.co_names)


def _kind(module: str, allowed: frozenset[str] | set[str]) -> str:
    package = _package(module)
    if module.startswith(PROBES):
        return "free"
    return "machinery" if package in MACHINERY else "foreign" if is_foreign(package, allowed) else "free"


def is_foreign(package: str, allowed: frozenset[str] | set[str]) -> bool:
    """Whether a top-level package is an installed one (or filterlab) that is not among those allowed ("*": all but filterlab)."""
    if "*" in allowed:
        return package == "filterlab"
    return package not in allowed and _is_installed(package)


@cache
def _is_installed(package: str) -> bool:
    if package == "filterlab":
        return True
    # The notebook itself is "__main__", whatever file started it.
    if not package or package == "__main__" or package in sys.stdlib_module_names:
        return False
    try:
        spec = importlib.util.find_spec(package)
    except ValueError:  # a module made by hand, without a place
        return False
    return bool(spec and spec.origin) and any(folder in Path(spec.origin).resolve().parents for folder in _INSTALLED)


def _module_of(function: Any) -> str:
    """The module of a built-in function or method, as far as it tells."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, ModuleType):
        return owner.__name__
    named = getattr(function, "__module__", None)
    if named:
        return named
    return (owner if isinstance(owner, type) else type(owner)).__module__ if owner is not None else ""
