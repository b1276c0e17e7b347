"""Marks one answer with a lesson's own test cells, in this process: quick enough for every mistake in the bank.

The cells come from the lesson text as they stand, hidden tests included. tests/test_grading.py does the same through nbgrader.
"""

import functools
import types
from collections.abc import Callable
from pathlib import Path

from filterlab.check.bank import Reference
from filterlab.check.expectation import WrongAnswer
from tools.build import read_cells
from tools.markup import Cell, exercise_of

ROOT = Path(__file__).parent.parent
LESSONS = sorted(path.parent.name for path in ROOT.glob("lessons/*/exercises.py"))


@functools.cache
def cells(lesson: str) -> list[Cell]:
    return read_cells(ROOT, lesson, "exercises")


def exercises(lesson: str) -> list[str]:
    return [cell.name for cell in cells(lesson) if cell.word == "solution"]


@functools.cache
def namespace(lesson: str) -> dict:
    """The names that the lesson's set-up and worked answers define."""
    names = {"__name__": "__main__"}
    setup = next(cell for cell in cells(lesson) if cell.kind == "code")
    for cell in [setup, *(cell for cell in cells(lesson) if cell.word == "solution")]:
        exec(compile(cell.source, f"{cell.path}:{cell.line}", "exec"), names)
    return names


def references(lesson: str) -> list[Reference]:
    """The references of the lesson's exercises, as its set-up cell imports them."""
    module = namespace(lesson)["reference"]
    return [getattr(module, name) for name in exercises(lesson)]


def mark(lesson: str, exercise: str, answer: Callable | None = None) -> dict[str, WrongAnswer | None]:
    """Runs the exercise's test cells on an answer (None: the worked one): id → what was wrong, or None."""
    names = dict(namespace(lesson))
    if answer is not None:
        names[exercise] = _called(exercise, answer)
    verdicts = {}
    for cell in cells(lesson):
        if cell.word == "test" and exercise_of(cell, exercises(lesson)) == exercise:
            try:
                exec(compile(cell.source, cell.grade_id, "exec"), names)
                verdicts[cell.grade_id] = None
            except WrongAnswer as wrong:
                verdicts[cell.grade_id] = wrong
    return verdicts


def _called(name: str, answer: Callable) -> Callable:
    """The same function or class under the name that a student would have given it."""
    if isinstance(answer, type):
        return type(name, (answer,), {"__module__": "__main__", "__doc__": answer.__doc__})
    called = types.FunctionType(answer.__code__, answer.__globals__, name, answer.__defaults__, answer.__closure__)
    called.__dict__.update(answer.__dict__)  # a decorator leaves there what it wraps
    return called


def hint_in(wrong: WrongAnswer) -> str:
    """The hint that a message ends with, or nothing."""
    return str(wrong).partition("\nHint: ")[2]
