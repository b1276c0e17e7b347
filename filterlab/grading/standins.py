"""Stand-ins: what a test cell sees under a student's names. Calling one calls the student's function in the sandbox."""

import builtins
import functools
import random
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from filterlab.check.bank import Arguments
from filterlab.check.outcome import Outcome, RemoteAnswer, run_here
from filterlab.check.tensors import is_tensor
from filterlab.grading import wire

# In what an answer gives to a probe that computes with it on this side.
MOST_NUMBERS = 50_000


class Gone(Exception):
    """The sandbox does not answer any more. timeout: because the time for this test cell was over."""

    def __init__(self, timeout: bool) -> None:
        super().__init__("the sandbox does not answer")
        self.timeout = timeout


class Line:
    """The connection to a child in the sandbox, for one or several test cells between which no cell of the sheet runs.

    failed: one of these test cells has not passed. broken: a request had no answer, and none will have.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.deadline, self.failed, self.broken = connection, 0.0, False, False
        self.faults: dict[str, str] = {}  # of the names looked at so far: the notebook does not change while this line lasts

    def within(self, seconds: float) -> "Line":
        """This line, with so much time for the next test cell."""
        self.deadline = time.monotonic() + seconds
        return self

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request and its answer. Raises Gone, or WireError where the answer is none."""
        self.broken = True
        try:
            wire.send(self.connection, request, self.deadline)
            answer = wire.receive(self.connection, self.deadline)
        except TimeoutError:
            raise Gone(timeout=True) from None
        except (EOFError, OSError):
            raise Gone(timeout=False) from None
        if not isinstance(answer, dict) or not isinstance(answer.get("fault"), str):
            raise wire.WireError("the answer is none that the agent gives")
        self.broken = False
        return answer


class StandIn(RemoteAnswer):
    """A student's function or class, by its name."""

    def __init__(self, name: str, line: Callable[[], Line]) -> None:
        self.__name__, self._line = name, line

    def outcome(self, args: Arguments, kwargs: Mapping[str, Any], libraries: tuple[str, ...] | None, probe: Callable | None) -> Outcome:
        if getattr(probe, "plain", False):
            return self._probed(args, kwargs, libraries, probe)
        return self._called(args, kwargs, libraries, None if probe is None else f"{probe.__module__}.{probe.__name__}")

    def _called(
        self, args: Arguments, kwargs: Mapping[str, Any], libraries: tuple[str, ...] | None, probe: str | None, luck: int | None = None
    ) -> Outcome:
        """What comes of one call there. luck: the seed of the global random states that it finds (None: as they are)."""
        answer = self._ask("call", args, kwargs=dict(kwargs), libraries=libraries, probe=probe, luck=luck)
        if answer["fault"]:
            return Outcome(error=remote_error(["NameError"], answer["fault"]))
        value, error, line, changed, borrowed = (answer.get(key) for key in ("value", "error", "line", "changed", "borrowed"))
        keys = tuple(key for key in changed if type(key) in (int, str)) if isinstance(changed, tuple | list) else ()
        return Outcome(value, _error(error), _text(line), keys, _text(borrowed))

    def _probed(self, args: Arguments, kwargs: Mapping[str, Any], libraries: tuple[str, ...] | None, probe: Callable) -> Outcome:
        """What comes of a probe that runs here and calls the answer there."""
        calls: list[tuple[Outcome, list[Any]]] = []

        def answer(*given: Any, **named: Any) -> Any:
            # Where a probe has set the global random states, the answer finds the same ones each time.
            outcome = self._called(given, named, libraries, None, luck=random.getrandbits(32))
            calls.append((outcome, [{**dict(enumerate(given)), **named}.get(key) for key in outcome.changed]))
            if outcome.error is not None:
                raise outcome.error
            if (count := _numbers_in(outcome.value)) > MOST_NUMBERS:
                raise ValueError(f"{count} numbers are more than can be judged: at most {MOST_NUMBERS}")
            return outcome.value

        seen = run_here(answer, args, kwargs, None, probe)
        if isinstance(seen.error, Gone | wire.WireError):
            raise seen.error
        line = calls[-1][0].line if calls and seen.error is calls[-1][0].error else ""
        theirs = [value for _, values in calls for value in values]
        changed = tuple(key for key, value in {**dict(enumerate(args)), **kwargs}.items() if any(value is one for one in theirs))
        return Outcome(seen.value, seen.error, line, changed, next((one.borrowed for one, _ in calls if one.borrowed), ""))

    def steps(self, args: Arguments) -> int:
        steps = self._ask("steps", args).get("steps")
        # Who counts in another way has something to hide.
        return steps if type(steps) is int and steps > 0 else 2**62

    def fault(self) -> str:
        faults = self._line().faults
        if self.__name__ not in faults:
            faults[self.__name__] = self._ask("look", ())["fault"]
        return faults[self.__name__]

    def _ask(self, do: str, args: Arguments, **more: Any) -> dict[str, Any]:
        return self._line().ask({"do": do, "name": self.__name__, "args": args, **more})


def _numbers_in(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.size
    if is_tensor(value):
        return value.numel()
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else None
    return 1 if items is None else sum(map(_numbers_in, items))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _error(described: Any) -> BaseException | None:
    """An error that the agent described as (names of its classes, message)."""
    if described is None:
        return None
    names, text = described if isinstance(described, tuple | list) and len(described) == 2 else ([], "")
    names = [name for name in names if isinstance(name, str) and name.isidentifier()] if isinstance(names, list | tuple) else []
    return remote_error(names, _text(text))


def remote_error(names: list[str], text: str) -> BaseException:
    """An error of a class that bears the first of these names and derives from the first that is a built-in exception."""
    name = names[0] if names else "Exception"
    base = next((kind for other in names if isinstance(kind := getattr(builtins, other, None), type) and issubclass(kind, Exception)), None)
    return _error_class(name, base or Exception)(text)


@functools.lru_cache(maxsize=1000)
def _error_class(name: str, base: type[Exception]) -> type[Exception]:
    # Some built-in errors want other arguments than a message, or show it in quotes.
    plain = {"__new__": lambda kind, text: base.__new__(kind), "__init__": _keep_text, "__str__": lambda error: error.text}
    return type(name, (base,), plain)


def _keep_text(error: Exception, text: str) -> None:
    error.text = text
