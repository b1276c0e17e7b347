"""The examiner: runs a sheet's test cells outside the student's process, on stand-ins for what the student wrote.

The test cells are those of the instructor's version, whatever stands in the sheet. A test cell's names are the set-up cell's, Python's
own, and what other test cells left; every other name is the student's.
"""

import ast
import builtins
import contextlib
import functools
import io
import pkgutil
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType

import nbformat
import numpy as np
from nbformat import NotebookNode

from filterlab.check import outcome, probes
from filterlab.check.expectation import WrongAnswer
from filterlab.check.inputs import seeded
from filterlab.grading import wire
from filterlab.grading.marks import exercise_of
from filterlab.grading.memory import Memory
from filterlab.grading.standins import Gone, Line, StandIn

HIDDEN_BEGINS = "### BEGIN HIDDEN TESTS"
HIDDEN_ENDS = "### END HIDDEN TESTS"
LONGEST_MESSAGE = 10_000  # part of what it tells may come from the sheet
_memory = Memory()


@dataclass(frozen=True)
class Verdict:
    """What came of one test cell.

    verdict: "passed", "failed", "not written", "refused", "timeout", "stopped" (the sandbox was gone), or "error" (the test itself failed).
    message: what the student is told. mistake: its name in the bank. hidden: whether the hidden part of the cell decided.
    """

    verdict: str
    message: str = ""
    mistake: str = ""
    hidden: bool = False


class Names(dict):
    """The variables of the test cells; a name that nobody has defined is the student's."""

    def __init__(self, line: Callable[[], Line]) -> None:
        super().__init__(__name__="__main__")
        self.line = line

    def __missing__(self, name: str) -> object:
        if hasattr(builtins, name):
            return getattr(builtins, name)
        return StandIn(name, self.line)


class Examiner:
    """Judges one sheet after the other by one instructor's version, `source`; keeps nothing of a sheet but its line to the sandbox."""

    def __init__(self, source: NotebookNode) -> None:
        self.setup = next((cell.source for cell in source.cells if cell.cell_type == "code"), "")
        self.tests = {cell.metadata.nbgrader.grade_id: cell.source for cell in source.cells if is_test(cell)}
        self.exercises = [cell.metadata.nbgrader.grade_id for cell in source.cells if is_answer(cell)]
        self.probes = _probes(self.setup)
        # An optimizer loads the second on its first step: once here, or else in the fork of every test cell.
        self.modules = (*self.probes, *(("torch", "torch._dynamo") if "import torch" in self.setup else ()))

    def start(self, seed: int) -> None:
        """Gets ready for a sheet: runs the set-up cell."""
        self.seed, self.line = seed, None
        self.names = Names(lambda: self.line)
        with seeded(seed), quiet():
            exec(compiled(self.setup, "set-up"), self.names)
        # A student may give a name of the set-up cell another meaning: the test cells' is the instructor's, but for answers.
        for name in self.exercises:
            self.names.pop(name, None)

    def judge(self, test: str, line: Line) -> Verdict:
        """The verdict of one test cell, asked over this line."""
        self.line = line
        try:
            with seeded(self.seed), quiet(), recalling():
                exec(compiled(self.tests[test], test), self.names)
        except WrongAnswer as wrong:
            return Verdict(wrong.verdict, str(wrong)[:LONGEST_MESSAGE], wrong.mistake, self._in_hidden_part(wrong, test))
        except Gone as gone:
            return Verdict("timeout", timeout_message(self.exercise_of(test))) if gone.timeout else Verdict("stopped", STOPPED)
        except wire.WireError as error:
            return Verdict("failed", f"{self.exercise_of(test)} gave something that cannot be looked at: {str(error)[:LONGEST_MESSAGE]}.")
        except Exception as error:
            return Verdict("error", f"this test stopped with a {type(error).__name__} of its own: your instructor is told.")
        return Verdict("passed")

    def exercise_of(self, test: str) -> str:
        return exercise_of(test, self.exercises)

    def _in_hidden_part(self, error: BaseException, test: str) -> bool:
        numbers = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == test]
        return bool(numbers) and numbers[0] in hidden_lines(self.tests[test])


@functools.lru_cache(maxsize=1000)
def compiled(source: str, name: str) -> CodeType:
    return compile(source, name, "exec")


def _probes(setup: str) -> list[str]:
    """The modules of probes that a set-up cell imports, as `from filterlab.check.probes import pytorch_filters as probes`."""
    imports = [node for node in ast.walk(ast.parse(setup)) if isinstance(node, ast.ImportFrom)]
    named = {name for node in imports for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))}
    return [name for _, name, _ in pkgutil.iter_modules(probes.__path__, f"{probes.__name__}.") if name in named]


STOPPED = "your notebook's process ended before this was tested to the end: does a function exit Python, or need too much memory?"


def timeout_message(exercise: str) -> str:
    return f"{exercise or 'this'} did not come back in time: is there a loop that never ends, or one that takes far too long?"


def hidden_lines(source: str) -> set[int]:
    """The numbers, from 1, of the lines between the marks of hidden tests."""
    found, hidden = set(), False
    for number, line in enumerate(source.splitlines(), 1):
        hidden = hidden or line.strip() == HIDDEN_BEGINS
        if hidden:
            found.add(number)
        hidden = hidden and line.strip() != HIDDEN_ENDS
    return found


def is_test(cell: NotebookNode) -> bool:
    """Whether this is a cell that grades by running."""
    mine = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and bool(mine.get("grade")) and not mine.get("solution")


def is_answer(cell: NotebookNode) -> bool:
    """Whether this is a cell with code for a student to write."""
    return cell.cell_type == "code" and bool(cell.metadata.get("nbgrader", {}).get("solution"))


@contextlib.contextmanager
def quiet():
    """What a test cell or its reference says on the way is nobody's business."""
    nowhere = io.StringIO()
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def recalling():
    """References and mistakes are asked once for the same thing."""
    token = outcome.memory.set(_memory)
    try:
        yield
    finally:
        outcome.memory.reset(token)


def error_output(message: str) -> NotebookNode:
    """A cell's output that takes its points away and shows the message, as the student's own kernel shows it."""
    lines = WrongAnswer(message)._render_traceback_()
    return nbformat.v4.new_output("error", ename=WrongAnswer.__name__, evalue=message, traceback=lines)
