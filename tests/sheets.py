"""Sheets for the grader's tests: the instructor's version with other answers in it, and what a run said of them."""

import nbformat
from nbformat import NotebookNode

from filterlab.grading.run import Job, run
from filterlab.grading.sandbox import Limits
from tests.classroom import ROOT


def source(lesson: str) -> str:
    """The instructor's version, as text."""
    return (ROOT / "source" / lesson / f"{lesson}.ipynb").read_text(encoding="utf-8")


def sheet(lesson: str, answers: dict[str, str], rest: str = "worked", extra: dict[str, str] | None = None) -> str:
    """A sheet with these answers, by the name of the exercise. rest: "worked" or "untouched", for all other exercises.

    extra: code cells to be put behind the answer of this name ("": before everything).
    """
    notebook = nbformat.reads(source(lesson), as_version=4)
    released = nbformat.reads((ROOT / "release" / lesson / f"{lesson}.ipynb").read_text(encoding="utf-8"), as_version=4)
    stubs = {name_of(cell): cell.source for cell in released.cells}
    cells = [new_code(extra[""])] if extra and "" in extra else []
    for cell in notebook.cells:
        name = name_of(cell)
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = answers.get(name, cell.source if rest == "worked" else stubs[name])
        cells.append(cell)
        if extra and name and name in extra:
            cells.append(new_code(extra[name]))
    notebook.cells = cells
    return nbformat.writes(notebook)


def new_code(text: str) -> NotebookNode:
    return nbformat.v4.new_code_cell(text)


def name_of(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def graded(lesson: str, text: str, seed: int = 5, **limits: float) -> NotebookNode:
    """The sheet after a run."""
    return nbformat.reads(run(Job(text, source(lesson), seed, Limits(**limits))), as_version=4)


def verdicts(notebook: NotebookNode, exercise: str = "") -> dict[str, str]:
    """The verdict of each test cell, by its id (exercise: of this one only)."""
    cells = {name_of(cell): cell.metadata.filterlab for cell in notebook.cells if "filterlab" in cell.metadata}
    return {name: about.verdict for name, about in cells.items() if exercise in ("", about.exercise)}


def remarks(notebook: NotebookNode) -> dict[str, str]:
    """What the instructor is told: the text by its kind."""
    return {remark.kind: remark.text for remark in notebook.metadata.filterlab.remarks}
