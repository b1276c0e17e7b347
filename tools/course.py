"""A course of its own in any folder, run by nbgrader's own commands: for the demonstration, the tests and the benchmarks.

1. `Course(folder, root)` copies the instructor's versions and nbgrader_config.py there, with an exchange folder beside them.
2. `nbgrader(…)` runs one nbgrader command in it, as an instructor would type it.
3. `hand_in(student, answers)` is the student's side: fetch, fill in, submit.
4. `points` and `remarks` read what nbgrader has graded.
"""

import multiprocessing
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook

COURSE_ID = "filterlab"


@dataclass(frozen=True)
class Remark:
    """What a student is told about a test cell that failed."""

    cell: str
    text: str

    @property
    def sentence(self) -> str:
        return self.text.partition("\n")[0]

    @property
    def hint(self) -> str:
        return self.text.partition("\nHint: ")[2]


class Course:
    """A course in a folder that may be thrown away; `root` is the project that it is taken from."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.exchange, self.desks = folder / "course", folder / "exchange", folder / "desks"
        for place in (self.folder, self.exchange, self.desks):
            place.mkdir(parents=True)
        # The exchange is shared by everybody who takes part: nbgrader insists on it.
        self.exchange.chmod(0o777)
        shutil.copy(root / "nbgrader_config.py", self.folder)
        shutil.copytree(root / "source", self.folder / "source")

    @property
    def db_url(self) -> str:
        return f"sqlite:///{self.folder / 'gradebook.db'}"

    def nbgrader(self, *command: str, at: Path | None = None) -> str:
        """Runs one nbgrader command in a process of its own and gives what it printed. Raises RuntimeError with that text if it fails."""
        log = self.folder.parent / "nbgrader.log"
        process = _processes().Process(target=_run_command, args=(command, at or self.folder, self.exchange, log))
        process.start()
        process.join()
        printed = log.read_text(encoding="utf-8", errors="replace")
        if process.exitcode:
            raise RuntimeError(f"nbgrader {' '.join(command)} failed:\n{printed}")
        return printed

    def release(self, assignment: str) -> None:
        """The instructor's side before the deadline: generate and release."""
        self.nbgrader("generate_assignment", assignment, "--force")
        self.nbgrader("release_assignment", assignment)

    def hand_in(self, student: str, assignment: str, answers: dict[str, str]) -> None:
        """The student's side: fetch, put an answer into each cell named, submit."""
        desk = self.desks / student
        desk.mkdir(exist_ok=True)
        here = (f"--course={COURSE_ID}", f"--Exchange.root={self.exchange}", f"--Exchange.cache={desk / 'cache'}")
        self.nbgrader("fetch_assignment", assignment, *here, at=desk)
        fill_in(desk / assignment / f"{assignment}.ipynb", answers)
        self.nbgrader("submit", assignment, f"--student={student}", *here, at=desk)

    def collect(self, assignment: str) -> None:
        # All sample students are one user of this machine: nbgrader would warn that they submit for each other.
        self.nbgrader("collect", assignment, "--ExchangeCollect.check_owner=False")

    def autograde(self, assignment: str) -> None:
        self.nbgrader("autograde", assignment)

    def points(self, assignment: str, student: str) -> dict[str, tuple[float, float]]:
        """Points given and points to be had, by the id of the graded cell."""
        with Gradebook(self.db_url, COURSE_ID) as gradebook:
            sheet = gradebook.find_submission_notebook(assignment, assignment, student)
            return {grade.name: (grade.score, grade.max_score) for grade in sheet.grades}

    def autograded(self, assignment: str, student: str) -> nbformat.NotebookNode:
        return nbformat.read(self.folder / "autograded" / student / assignment / f"{assignment}.ipynb", as_version=4)

    def remarks(self, assignment: str, student: str) -> list[Remark]:
        """What the student is told, test cell by test cell."""
        return [
            Remark(cell.metadata.nbgrader.grade_id, output.evalue)
            for cell in self.autograded(assignment, student).cells
            if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code"
            for output in cell.outputs
            if output.output_type == "error"
        ]


def _processes() -> multiprocessing.context.BaseContext:
    """Processes that find nbgrader already imported, where the system can fork: its import takes longer than most of its commands."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["nbgrader.apps.nbgraderapp"])
    return context


def _run_command(command: tuple[str, ...], folder: Path, exchange: Path, log: Path) -> None:
    """What `nbgrader COMMAND…` does when typed in this folder, printing into the log."""
    from nbgrader.apps import NbGraderApp

    with log.open("w", encoding="utf-8") as printed:
        for stream in (1, 2):
            os.dup2(printed.fileno(), stream)
        os.chdir(folder)
        os.environ["FILTERLAB_EXCHANGE"] = str(exchange)
        sys.argv = ["nbgrader", *command]
        NbGraderApp.launch_instance(argv=list(command))


def fill_in(path: Path, answers: dict[str, str]) -> None:
    """Puts each answer into the cell of this grade id. Raises KeyError if a cell is not there."""
    notebook = nbformat.read(path, as_version=4)
    cells = {cell.metadata["nbgrader"]["grade_id"]: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
    for grade_id, source in answers.items():
        cells[grade_id].source = source
    nbformat.write(notebook, path)


def worked_answers(path: Path) -> dict[str, str]:
    """The answers in an instructor's version, by grade id."""
    notebook = nbformat.read(path, as_version=4)
    return {cell.metadata.nbgrader.grade_id: cell.source for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")}
