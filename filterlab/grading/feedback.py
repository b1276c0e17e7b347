"""What a student gets back: the points, what to look at first, and the own sheet with what each test has to say.

Plugged into nbgrader's `generate_feedback` by nbgrader_config.py: `Grades` fetches points and comments, `FeedbackPage` writes the page.
Nothing of the sheet reaches the page but through `defuse`; hidden tests, mark schemes, remarks and the seed do not reach it at all.
"""

import ast
import base64
import re
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup
from nbconvert.exporters import Exporter
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import GetGrades

from filterlab.grading import defuse, pages
from filterlab.grading.marks import WORDS, Exercise, Mark, Message, Verdict, by_exercise, message, total, verdict

# Between these a cell holds what students are not to see, whether the end is there or not.
SECRET = re.compile(r"^[^\n]*BEGIN (HIDDEN TESTS|MARK SCHEME)\b.*?(^[^\n]*END \1\b[^\n]*\n?|\Z)", re.DOTALL | re.MULTILINE)
# From the richest form of an output down to the plainest that a page without scripts can show.
RICH = {"text/html": defuse.html, "text/markdown": defuse.markdown, "text/latex": defuse.markdown}
PICTURES = ("image/svg+xml", "image/png", "image/jpeg")


@dataclass(frozen=True)
class Output:
    """One thing that a cell put out: a picture with its description, or a piece of page."""

    page: str = ""
    picture: str = ""
    alt: str = ""


@dataclass(frozen=True)
class Cell:
    """One cell of the sheet as the page shows it. kind: "text", "code", "test", "answer" (a written one) or "task"."""

    kind: str
    page: Markup
    outputs: list[Output] = field(default_factory=list)
    mark: Mark | None = None
    comment: str = ""
    anchor: str = ""
    sentence: str = ""  # of a test: what it tests
    has_hidden: bool = False

    @property
    def state(self) -> str:
        return Exercise("", [self.mark]).state


@dataclass(frozen=True)
class Sheet:
    """All that the page says."""

    name: str
    student: str
    penalty: float
    exercises: list[Exercise]
    cells: list[Cell]

    @property
    def points(self) -> float:
        return total(self.exercises, self.penalty)

    @property
    def most(self) -> float:
        return sum(exercise.most for exercise in self.exercises)

    @property
    def open(self) -> float:
        return sum(exercise.open for exercise in self.exercises)

    @property
    def first(self) -> Exercise | None:
        """The exercise to look at first: the first that went wrong, or else the first that is not written. Later ones build on it."""
        lost = [exercise for exercise in self.exercises if exercise.failure and exercise.points < exercise.most]
        return next((exercise for exercise in lost if exercise.failure.kind != "not written"), lost[0] if lost else None)

    @property
    def anchors(self) -> dict[str, str]:
        """Where to look for each exercise in the page, by its name."""
        of_cells = {cell.mark: cell.anchor for cell in self.cells if cell.mark}
        return {exercise.name: of_cells[exercise.decisive] for exercise in self.exercises}


class Grades(GetGrades):
    """nbgrader's GetGrades, which also notes what a person has still to look at."""

    def _get_score(self, cell: NotebookNode, resources: dict) -> None:
        super()._get_score(cell, resources)
        grade = self.gradebook.find_grade(cell.metadata.nbgrader.grade_id, self.notebook_id, self.assignment_id, self.student_id)
        cell.metadata.nbgrader["waits"] = grade.needs_manual_grade


class FeedbackPage(Exporter):
    """Writes a graded sheet as one HTML file that runs nothing and fetches nothing."""

    output_mimetype = "text/html"

    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(self, nb: NotebookNode, resources: dict | None = None, **kwargs: Any) -> tuple[str, dict]:
        nb, resources = super().from_notebook_node(nb, resources, **kwargs)
        return pages.render("feedback.html.j2", sheet=read(nb, resources["nbgrader"]), words=WORDS), resources


def read(nb: NotebookNode, about: dict[str, Any]) -> Sheet:
    """What the page is to say of a graded sheet. about: nbgrader's student, notebook and late_penalty."""
    cells = [_cell(cell, f"cell-{number}") for number, cell in enumerate(nb.cells)]
    answers = [cell.metadata.nbgrader.grade_id for cell in nb.cells if utils.is_solution(cell)]
    exercises = by_exercise((cell.mark for cell in cells if cell.mark), answers)
    return Sheet(about["notebook"], about["student"], about["late_penalty"], exercises, cells)


def for_students(source: str) -> str:
    """The source of a test or task cell without hidden tests and mark schemes."""
    return SECRET.sub("", source).rstrip()


def _cell(cell: NotebookNode, anchor: str) -> Cell:
    ours = utils.is_locked(cell) or utils.is_task(cell)
    source = for_students(cell.source) if ours else cell.source
    page = defuse.code(source) if cell.cell_type == "code" else defuse.markdown(source, cell.get("attachments"))
    comment = defuse.markdown(cell.metadata.get("nbgrader", {}).get("comment") or "")
    if utils.is_grade(cell) and cell.cell_type == "code" and not utils.is_solution(cell):
        return Cell("test", page, mark=_mark(cell), anchor=anchor, sentence=_sentence(source), has_hidden=source != cell.source.rstrip())
    outputs = _outputs(cell)
    if utils.is_grade(cell) or utils.is_task(cell):
        return Cell("task" if utils.is_task(cell) else "answer", page, outputs, _mark(cell), comment, anchor)
    return Cell("code" if cell.cell_type == "code" else "text", page, outputs, comment=comment)


def _mark(cell: NotebookNode) -> Mark:
    about = cell.metadata.nbgrader
    return Mark(about.grade_id, about.score, about.points, about.waits, verdict(cell) or _verdict_of_outputs(cell))


def _verdict_of_outputs(cell: NotebookNode) -> Verdict | None:
    """What a run without an examiner (nbgrader's own) says of a test cell. Other errors than ours could quote a hidden test."""
    for output in cell.get("outputs", []):
        if output.output_type == "error" and output.ename == "WrongAnswer":
            return Verdict("failed", message=message(output.evalue))
        if output.output_type == "error":
            return Verdict("error", message=Message(f"The test stopped with {output.ename}."))
    return None


def _sentence(source: str) -> str:
    """The first line of a test cell's docstring."""
    try:
        return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    except SyntaxError:
        return ""


def _outputs(cell: NotebookNode) -> list[Output]:
    """What a cell put out, as far as there is something to see."""
    return [shown for output in cell.get("outputs", []) if (shown := _output(output))]


def _output(output: NotebookNode) -> Output | None:
    try:
        if output.output_type == "stream":
            return Output(defuse.plain(output.text))
        return Output(defuse.plain(_error(output))) if output.output_type == "error" else _richest(output)
    except Exception:  # a kernel may have sent anything under any name
        return Output(defuse.plain("What this cell put out cannot be shown."))


def _richest(output: NotebookNode) -> Output | None:
    """The richest form that a page without scripts can show."""
    data = {kind: value for kind, value in output.data.items() if isinstance(value, str)}
    for kind, page in RICH.items():
        if kind in data and not defuse.is_empty(shown := page(data[kind])):
            return Output(shown)
    for kind in PICTURES:
        if kind in data:
            # As an <img>, an SVG runs no script and fetches nothing.
            encoded = base64.b64encode(data[kind].encode()).decode() if kind == "image/svg+xml" else data[kind]
            alt = output.metadata.get(kind, {}).get("alt") or data.get("text/plain") or "A picture without a description"
            return Output(picture=f"data:{kind};base64,{encoded}", alt=str(alt))
    return Output(defuse.plain(data["text/plain"])) if data.get("text/plain") else None


def _error(output: NotebookNode) -> str:
    """An error of the student's own cell, with the frames in own cells only: others would show the course's code."""
    frames = "\n".join(frame for frame in map(strip_ansi, output.traceback) if frame.lstrip().startswith("Cell In"))
    summary = f"{output.ename}: {output.evalue}"
    return frames if summary in frames else f"{frames}\n{summary}".lstrip("\n")
