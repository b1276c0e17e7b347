"""What a class did with an assignment: points from nbgrader's gradebook, verdicts, mistakes and remarks from the autograded sheets.

`read` gathers it; `Results` adds it up: who got what, which mistakes were made, who needs a look.
"""

import contextlib
import functools
import glob
import json
import logging
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import (
    BaseCell,
    Grade,
    Gradebook,
    MissingEntry,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.apps.baseapp import NbGrader
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from filterlab.grading import marks
from filterlab.grading.marks import WORDS, Exercise, Mark, Remark, Verdict

# What an instructor should look at, the most urgent first.
URGENT = ("unreadable", "tampered", "suspicious", "stopped", "timeout", "error", "output", "refused", "repaired")


class ResultsError(Exception):
    """Why there is no report: one clear line."""


@dataclass(frozen=True)
class Sheet:
    """What one student has handed in, graded. penalty: points taken off for handing in late."""

    student: str
    exercises: list[Exercise]
    remarks: list[Remark]
    penalty: float = 0.0

    @property
    def points(self) -> float:
        return marks.total(self.exercises, self.penalty)


@dataclass(frozen=True)
class Mistake:
    """A mistake of the bank: its name in words, the hint that goes with it, and who made it."""

    words: str
    hint: str
    students: list[str]


class ClassExercise:
    """What the class did with one exercise."""

    def __init__(self, name: str, done: dict[str, Exercise]) -> None:
        self.name, self.done = name, done

    @property
    def anchor(self) -> str:
        return f"exercise-{self.name}"

    @property
    def most(self) -> float:
        return max(exercise.most for exercise in self.done.values())

    @property
    def points(self) -> list[float]:
        """Everybody's points, but for those that a person has not given yet."""
        return [exercise.points for exercise in self.done.values() if exercise.state != "open"]

    @property
    def mean(self) -> float | None:
        return round(statistics.fmean(self.points), 2) if self.points else None

    @property
    def counts(self) -> dict[str, int]:
        """How many students are in each state of Exercise."""
        counted = Counter(exercise.state for exercise in self.done.values())
        return {state: counted[state] for state in ("full", "part", "open", "none")}

    @property
    def waiting(self) -> list[str]:
        return [student for student, exercise in self.done.items() if exercise.state == "open"]

    @functools.cached_property
    def mistakes(self) -> list[Mistake]:
        """The mistakes of the bank that were made, the most frequent first. Whoever made one in several test cells counts once."""
        found: dict[str, Mistake] = {}
        for student, verdict in self._failures():
            if verdict.mistake:
                made = found.setdefault(verdict.mistake, Mistake(self._in_words(verdict.mistake), verdict.message.hint, []))
                if student not in made.students:
                    made.students.append(student)
        return sorted(found.values(), key=lambda made: -len(made.students))

    @functools.cached_property
    def others(self) -> dict[str, list[str]]:
        """Who failed without making a mistake that has a name, by what became of it."""
        named = {student for made in self.mistakes for student in made.students}
        found: dict[str, list[str]] = {}
        for student, verdict in self._failures():
            words = "another wrong answer" if verdict.kind == "failed" else WORDS[verdict.kind].lower()
            if student not in named and student not in found.setdefault(words, []):
                found[words].append(student)
        return dict(sorted(found.items(), key=lambda pair: -len(pair[1])))

    def _failures(self) -> Iterator[tuple[str, Verdict]]:
        for student, exercise in self.done.items():
            yield from ((student, mark.verdict) for mark in exercise.marks if mark.verdict and mark.verdict.kind != "passed")

    def _in_words(self, mistake: str) -> str:
        """`magnitude_sum_of_absolutes` of `gradient_magnitude` is "sum of absolutes"."""
        words = mistake.split("_")
        while len(words) > 1 and words[0] in self.name.split("_"):
            words.pop(0)
        return " ".join(words)


class Results:
    """What the class did with an assignment. missing: who has handed in and is not graded."""

    def __init__(self, assignment: str, sheets: list[Sheet], missing: list[str]) -> None:
        self.assignment, self.sheets, self.missing = assignment, sheets, missing

    @functools.cached_property
    def exercises(self) -> list[ClassExercise]:
        names = dict.fromkeys(exercise.name for sheet in self.sheets for exercise in sheet.exercises)
        return [
            ClassExercise(name, {sheet.student: one for sheet in self.sheets for one in sheet.exercises if one.name == name})
            for name in names
        ]

    @property
    def totals(self) -> list[float]:
        return [sheet.points for sheet in self.sheets]

    @property
    def mean(self) -> float:
        return round(statistics.fmean(self.totals), 1)

    @property
    def most(self) -> float:
        return sum(exercise.most for exercise in self.exercises)

    @property
    def open(self) -> float:
        return sum(exercise.open for sheet in self.sheets for exercise in sheet.exercises)

    @property
    def late(self) -> list[Sheet]:
        return [sheet for sheet in self.sheets if sheet.penalty]

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        return {exercise.name: exercise.counts for exercise in self.exercises}

    @property
    def look(self) -> list[tuple[str, Remark]]:
        """Who needs a look and why, the most urgent first; one remark of each kind for a student."""
        found: dict[tuple[int, str, str], list[str]] = {}
        for sheet in self.sheets:
            for remark in [*sheet.remarks, *_refusals(sheet)]:
                found.setdefault((_urgency(remark.kind), sheet.student, remark.kind), []).append(remark.text)
        return [(student, Remark(kind, " ".join(texts))) for (_, student, kind), texts in sorted(found.items())]


def _urgency(kind: str) -> int:
    return URGENT.index(kind) if kind in URGENT else len(URGENT)


def _refusals(sheet: Sheet) -> Iterator[Remark]:
    """Shortcuts that were refused; how else a test ended stands in the sheet's remarks."""
    for exercise in sheet.exercises:
        told = {mark.verdict.message.sentence for mark in exercise.marks if mark.verdict and mark.verdict.kind == "refused"}
        yield from (Remark("refused", sentence) for sentence in sorted(told))


def read(course: CourseDirectory, assignment: str) -> Results:
    """What there is to report. Raises ResultsError."""
    booked = _booked(course, assignment)
    graded, handed_in = (_students(course, folder, assignment) for folder in (course.autograded_directory, course.submitted_directory))
    plans = _plans(course, assignment)
    sheets = [_sheet(course, assignment, student, booked[student], plans) for student in sorted(graded & booked.keys())]
    missing = sorted(handed_in - {sheet.student for sheet in sheets})
    if not sheets:
        waits = f": {len(missing)} handed in wait for `filterlab grade {assignment}`" if missing else ", and nothing is handed in"
        raise ResultsError(f"nothing of {assignment} is graded yet{waits}")
    return Results(assignment, sheets, missing)


@dataclass(frozen=True)
class Booked:
    """What the gradebook has of one student: the penalty; of each graded cell its notebook, name, points, most, and whether a person must
    look."""

    penalty: float
    cells: list[Any]


def _booked(course: CourseDirectory, assignment: str) -> dict[str, Booked]:
    """What the gradebook has, by student. Raises ResultsError."""
    url = make_url(course.db_url)
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        raise ResultsError(f"there is no gradebook {url.database}; is {course.root} the folder of a course?")
    try:
        with Gradebook(course.db_url, course.course_id) as gradebook:
            wanted = gradebook.find_assignment(assignment).id
            found = gradebook.db.execute(
                select(Student.id, SubmittedAssignment.late_submission_penalty)
                .add_columns(Notebook.name, BaseCell.name, Grade.score, Grade.max_score, Grade.needs_manual_grade)
                .select_from(Grade)
                .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
                .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
                .join(Student, SubmittedAssignment.student_id == Student.id)
                .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
                .join(BaseCell, Grade.cell_id == BaseCell.id)
                .where(SubmittedAssignment.assignment_id == wanted)
            ).all()
    except MissingEntry:
        raise ResultsError(f"the gradebook knows no assignment {assignment}; `nbgrader db assignment list` names those it knows") from None
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise ResultsError(f"the gradebook {url.render_as_string()} cannot be read: {reason}") from None
    booked: dict[str, Booked] = {}
    for student, penalty, *cell in found:
        booked.setdefault(student, Booked(penalty, [])).cells.append(cell)
    return booked


def _students(course: CourseDirectory, step: str, assignment: str) -> set[str]:
    """Who has a folder for this assignment in this step of nbgrader's."""
    name = re.compile(course.format_path(step, "(?P<student>.*)", assignment, escape=True))
    return {match["student"] for folder in glob.glob(course.format_path(step, "*", assignment)) if (match := name.fullmatch(folder))}


@dataclass(frozen=True)
class Plan:
    """Of one notebook: ids of its graded cells in their order, and of the cells that students write in."""

    graded: list[str]
    answers: list[str]


def _plans(course: CourseDirectory, assignment: str) -> dict[str, Plan]:
    """The assignment's notebooks by name, as the instructor's version has them."""
    plans = {}
    for path in sorted(Path(course.format_path(course.source_directory, ".", assignment)).glob("*.ipynb")):
        about = [cell.metadata.get("nbgrader", {}) for cell in nbformat.read(path, as_version=4).cells]
        graded = [cell.grade_id for cell in about if cell.get("grade") or cell.get("task")]
        plans[path.stem] = Plan(graded, [cell.grade_id for cell in about if cell.get("solution")])
    return plans


def _sheet(course: CourseDirectory, assignment: str, student: str, booked: Booked, plans: dict[str, Plan]) -> Sheet:
    """One student's sheet: the points are the gradebook's, all else is the autograded notebooks'."""
    exercises, remarks = [], []
    for name in dict.fromkeys([*plans, *sorted({notebook for notebook, *_ in booked.cells})]):
        plan = plans.get(name, Plan([], []))
        verdicts = {}
        try:
            path = Path(course.format_path(course.autograded_directory, student, assignment), f"{name}.ipynb")
            executed = json.loads(path.read_text(encoding="utf-8"))
            verdicts = {cell["metadata"].get("nbgrader", {}).get("grade_id"): marks.verdict(cell) for cell in executed["cells"]}
            remarks += marks.remarks(executed)
        except (OSError, ValueError, LookupError):
            remarks.append(Remark("unreadable", f"the graded {name}.ipynb cannot be read: grade it again."))
        cells = [cell for notebook, *cell in booked.cells if notebook == name]
        mine = [Mark(cell, points, most, waits, verdicts.get(cell)) for cell, points, most, waits in cells]
        mine.sort(key=lambda mark: (plan.graded.index(mark.grade_id) if mark.grade_id in plan.graded else len(plan.graded), mark.grade_id))
        exercises += marks.by_exercise(mine, plan.answers)
    return Sheet(student, exercises, remarks, booked.penalty)


def open_course(folder: Path) -> CourseDirectory:
    """The course in a folder, as nbgrader and its configuration there see it. Raises ResultsError."""
    if not folder.is_dir():
        raise ResultsError(f"there is no folder {folder}")
    with contextlib.chdir(folder):
        app = NbGrader(log_level=logging.CRITICAL)
        app.initialize([])
    return app.coursedir
