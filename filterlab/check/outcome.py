"""Calls an answer and notes all that happened: what it gave or raised, what it changed, whom it asked for help."""

import contextlib
import contextvars
import functools
import linecache
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from filterlab.check import scratch, tensors
from filterlab.check.bank import Arguments
from filterlab.check.compare import describe

# Whoever judges many answers, with the same arguments, sets this to have those in the bank called once.
memory: contextvars.ContextVar[Callable[..., "Outcome"] | None] = contextvars.ContextVar("memory", default=None)


class RemoteAnswer:
    """An answer that lives in another process: whoever grades derives from this."""

    def outcome(self, args: Arguments, kwargs: Mapping[str, Any], libraries: tuple[str, ...] | None, probe: Callable | None) -> "Outcome":
        """What `run_here` gives there."""
        raise NotImplementedError

    def steps(self, args: Arguments) -> int:
        """What `scratch.python_steps` gives there."""
        raise NotImplementedError

    def fault(self) -> str:
        """What `no_answer` says there."""
        raise NotImplementedError


@dataclass(frozen=True)
class Outcome:
    """What came of one call. Exactly one of `value` and `error` counts: the value, unless there is an error."""

    value: Any = None
    error: BaseException | None = None
    line: str = ""  # the line of the answer in which the error arose
    changed: tuple[Any, ...] = ()  # positions and names of the arguments that the answer changed
    borrowed: str = ""  # the first thing used of a library that the exercise does not allow


def run(
    answer: Callable,
    args: Arguments,
    kwargs: Mapping[str, Any] | None = None,
    libraries: tuple[str, ...] | None = None,
    probe: Callable | None = None,
) -> Outcome:
    """Calls the answer once, or has a probe call it, wherever the answer lives. Arguments that change are put back as they were.

    libraries: the packages it may call besides the standard library (None: nobody looks). Never raises what the answer raises.
    """
    call = functools.partial(_run, answer, args, kwargs or {}, libraries, probe)
    recall = memory.get()
    if recall is None or isinstance(answer, RemoteAnswer):
        return call()
    return recall(call, answer, probe, (args, kwargs, libraries))


def _run(
    answer: Callable, args: Arguments, kwargs: Mapping[str, Any], libraries: tuple[str, ...] | None, probe: Callable | None
) -> Outcome:
    args, kwargs = prepared(probe, args, kwargs)
    call = answer.outcome if isinstance(answer, RemoteAnswer) else functools.partial(run_here, answer)
    outcome = call(args, kwargs, libraries, probe)
    try:
        return outcome if outcome.error is not None else replace(outcome, value=concluded(probe, outcome.value, args, kwargs))
    except Exception as error:  # a report that no probe gives
        return replace(outcome, value=None, error=error)


def prepared(probe: Callable | None, args: Arguments, kwargs: Mapping[str, Any]) -> tuple[Arguments, Mapping[str, Any]]:
    """What the probe is called with. A probe whose arguments would tell an answer too much has a function `prepare`, which makes of them
    plain data that do not: it runs on the side of whoever judges."""
    return (probe.prepare(*args, **kwargs), {}) if hasattr(probe, "prepare") else (args, kwargs)


def concluded(probe: Callable | None, report: Any, args: Arguments, kwargs: Mapping[str, Any]) -> Any:
    """What is judged of a probe's report. A probe that reports what only a model can judge has a function `conclude`, which makes of the
    report, with the arguments that the probe had, what is compared: it runs on the side of whoever judges."""
    return probe.conclude(report, *args, **kwargs) if hasattr(probe, "conclude") else report


def steps(answer: Callable, args: Arguments) -> int:
    """How many lines of the notebook's own code one call runs through, wherever the answer lives."""
    return answer.steps(args) if isinstance(answer, RemoteAnswer) else scratch.python_steps(answer, args)


def no_answer(answer: Any) -> str:
    """What keeps this from being called, in one sentence; or nothing."""
    if isinstance(answer, RemoteAnswer):
        return answer.fault()
    if callable(answer):
        return ""
    return f"this should be a function or a class, but it is {describe(answer)}: was its name used for something else?"


def run_here(
    answer: Callable, args: Arguments, kwargs: Mapping[str, Any], libraries: tuple[str, ...] | None, probe: Callable | None
) -> Outcome:
    """`run` in this process, with arguments that are prepared."""
    call = functools.partial(probe, answer) if probe else answer
    arguments = {**dict(enumerate(args)), **kwargs}
    before = {key: tensors.copied(value) for key, value in arguments.items()}
    value, error, written = None, None, scratch.written_in(answer, libraries)
    with _quiet(), scratch.watch(libraries) as called:
        try:
            value = call(*args, **kwargs)
            # A generator has done nothing yet: let it work while it is watched.
            value = list(value) if isinstance(value, Iterator) else value
        except (Exception, SystemExit) as raised:
            error = raised
    changed = tuple(key for key, old in before.items() if not _same(old, arguments[key]))
    for key in changed:
        _put_back(before[key], arguments[key])
    return Outcome(value, error, _line_of(answer, error), changed, written or next(iter(called), ""))


@contextlib.contextmanager
def _quiet():
    """A warning, or a word on stderr, is no mistake; yet nbgrader gives no points to a cell that writes to stderr."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stderr(sys.stdout):
        warnings.simplefilter("ignore")
        yield


def _line_of(answer: Callable, error: BaseException | None) -> str:
    """The text of the last line of the answer's own file (its cell) that the error passed through."""
    if error is None:
        return ""
    files = {function.__code__.co_filename for function in scratch.functions_of(answer)}
    lines = [
        linecache.getline(frame.f_code.co_filename, number).strip()
        for frame, number in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename in files
    ]
    return lines[-1] if lines else ""


def _same(old: Any, new: Any) -> bool:
    if type(old) is not type(new):
        return False
    if tensors.is_tensor(old):
        return old.requires_grad == new.requires_grad and _same(tensors.as_array(old), tensors.as_array(new))
    if isinstance(old, np.ndarray):
        return old.shape == new.shape and old.dtype == new.dtype and old.tobytes() == new.tobytes()
    if isinstance(old, list | tuple):
        return len(old) == len(new) and all(map(_same, old, new))
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(_same(value, new[key]) for key, value in old.items())
    return repr(old) == repr(new)


def _put_back(old: Any, new: Any) -> None:
    if tensors.is_tensor(new) and old.shape == new.shape:
        new.detach().copy_(old)
        if new.is_leaf:
            new.requires_grad_(old.requires_grad)
    elif isinstance(new, np.ndarray) and new.flags.writeable and old.shape == new.shape:
        new[...] = old
