"""Reads what grading has left in an executed sheet (points, verdicts, remarks), exercise by exercise."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# What a test cell may come to, as a person says it.
WORDS = {
    "passed": "Right",
    "failed": "Not right yet",
    "not written": "Not written yet",
    "error": "Stopped with an error",
    "timeout": "Took too long",
    "stopped": "Broken off",
    "refused": "Refused",
}
_PART = re.compile(r" {2}(call|expected|got) +(.*)")


@dataclass(frozen=True)
class Message:
    """What a student is told about a test cell, taken apart. Parts that were not told are empty."""

    sentence: str = ""
    call: str = ""
    expected: str = ""
    got: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Verdict:
    """What became of one test cell.

    kind: a key of WORDS. exercise, mistake: names, of the mistake in the bank; empty where nobody could tell.
    hidden: whether the failure came from the part of the cell that students do not see.
    """

    kind: str
    exercise: str = ""
    mistake: str = ""
    message: Message = field(default_factory=Message)
    hidden: bool = False


@dataclass(frozen=True)
class Remark:
    """One sentence on a sheet, for the instructor."""

    kind: str
    text: str


@dataclass(frozen=True)
class Mark:
    """The points of one graded cell. waits: a person has not looked at it yet. verdict: None for what no test decides."""

    grade_id: str
    points: float
    most: float
    waits: bool = False
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Exercise:
    """The marks of one exercise, in the order of the sheet."""

    name: str
    marks: list[Mark]

    @property
    def points(self) -> float:
        return sum(mark.points for mark in self.marks)

    @property
    def most(self) -> float:
        return sum(mark.most for mark in self.marks)

    @property
    def open(self) -> float:
        """Points that a person may still give."""
        return sum(mark.most - mark.points for mark in self.marks if mark.waits)

    @property
    def state(self) -> str:
        """How much of it is right: "full", "part" or "none"; "open" while a person has not looked at it."""
        if self.open:
            return "open"
        return "full" if self.points >= self.most else "part" if self.points > 0 else "none"

    @property
    def decisive(self) -> Mark:
        """Where to look: the first mark with points lost; if there is none, the first."""
        return next((mark for mark in self.marks if mark.points < mark.most), self.marks[0])

    @property
    def failure(self) -> Verdict | None:
        """The first verdict that is not "passed"."""
        return next((mark.verdict for mark in self.marks if mark.verdict and mark.verdict.kind != "passed"), None)


def total(exercises: Iterable[Exercise], penalty: float) -> float:
    """The points of a sheet, less what handing in late costs; never below 0, as in nbgrader's export."""
    return max(0.0, sum(exercise.points for exercise in exercises) - penalty)


def message(text: str) -> Message:
    """Takes the text of a WrongAnswer apart: a sentence, `call`, `expected` and `got` on lines of their own, and a hint at the end."""
    head, _, hint = text.partition("\nHint: ")
    parts = {}
    part = "sentence"
    for line in head.splitlines():
        if started := _PART.match(line):
            part, line = started.groups()
        parts[part] = f"{parts[part]}\n{line}" if part in parts else line
    return Message(**parts, hint=hint)


def verdict(cell: Mapping[str, Any]) -> Verdict | None:
    """The verdict that the examiner has left in a test cell; None where there is none."""
    left = cell["metadata"].get("filterlab", {})
    if left.get("verdict") not in WORDS:
        return None
    told = message(left.get("message", ""))
    return Verdict(left["verdict"], left.get("exercise", ""), left.get("mistake", ""), told, left.get("hidden", False))


def remarks(notebook: Mapping[str, Any]) -> list[Remark]:
    """The remarks on a sheet."""
    return [Remark(one["kind"], one["text"]) for one in notebook["metadata"].get("filterlab", {}).get("remarks", [])]


def by_exercise(marks: Iterable[Mark], answers: Iterable[str]) -> list[Exercise]:
    """Puts the marks of each exercise together. answers: ids of the cells that students write in."""
    answers, exercises = set(answers), {}
    for mark in marks:
        name = (mark.verdict and mark.verdict.exercise) or exercise_of(mark.grade_id, answers)
        exercises.setdefault(name, Exercise(name, [])).marks.append(mark)
    return list(exercises.values())


def exercise_of(grade_id: str, answers: Iterable[str]) -> str:
    """The exercise that a graded cell belongs to: `test_conv2d_fast_shape` is of `conv2d_fast`, not of `conv2d`. A cell without
    an exercise is one of its own."""
    name = grade_id.removeprefix("test_")
    return max((answer for answer in answers if f"{name}_".startswith(f"{answer}_")), key=len, default=grade_id)
