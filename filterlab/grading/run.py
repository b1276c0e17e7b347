"""Runs one sheet: students' cells in the sandbox, test cells with the examiner, in the order of the notebook.

A sheet never ends a run: a cell that takes too long is interrupted, one that kills its process is left out in a second start, and what
cannot be tested any more says why. Every test cell gets a verdict, every sheet its remarks for the instructor.
"""

import functools
import json
import time
from dataclasses import asdict, dataclass, field, replace

import nbformat
from jupyter_core.utils import run_sync
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from filterlab.grading.cells import Cells
from filterlab.grading.examiner import STOPPED, Examiner, Verdict, error_output, is_test, timeout_message
from filterlab.grading.sandbox import Limits
from filterlab.grading.standins import Gone
from filterlab.grading.suspicion import suspicions

# A sheet whose process dies more often is not worth another start.
MOST_DEATHS = 3
ENDS_THE_GRADER = "This sheet ends the program that grades it, so none of its tests could be run."


@dataclass(frozen=True)
class Job:
    """One sheet to run.

    sheet: the notebook handed in, sanitized, as JSON. source: the instructor's version, as JSON. seed: of the tests' random inputs.
    unsafe: without a sandbox.
    """

    sheet: str
    source: str
    seed: int
    limits: Limits = field(default_factory=Limits)
    unsafe: bool = False


def run(job: Job) -> str:
    """The executed notebook as JSON: outputs, verdicts in its cells' metadata, seed and remarks in its own (`filterlab`).

    Never raises because of what is in the sheet; SandboxError where there is no sandbox.
    """
    sitting = Sitting(job)
    run_sync(sitting.run)()
    return json.dumps(sitting.notebook)


def give_up(job: Job, reason: str) -> str:
    """The notebook of a sheet that is not run: every test cell says so and earns nothing."""
    sitting = Sitting(job)
    sitting.remark("stopped", f"Nothing was run: {reason}.")
    for cell in filter(sitting._is_test, sitting.notebook.cells):
        sitting._judged(cell, Verdict("stopped", ENDS_THE_GRADER))
    return json.dumps(sitting.notebook)


@functools.lru_cache(maxsize=8)
def examiner_of(source: str) -> Examiner:
    return Examiner(nbformat.reads(source, as_version=4))


class Sitting:
    """One sheet while it runs."""

    def __init__(self, job: Job) -> None:
        self.job, self.examiner = job, examiner_of(job.source)
        self.notebook = nbformat.reads(job.sheet, as_version=4)
        self.about = self.notebook.metadata.setdefault("filterlab", {})
        self.about.update(seed=job.seed, sandbox="none" if job.unsafe else "bubblewrap", seconds=0.0)
        self.about.setdefault("remarks", [])
        self.left_out: set[int] = set()
        self.tested = 0  # the place of the last test cell
        self.cells: Cells | None = None
        self.deadline = time.monotonic() + job.limits.wall_s

    async def run(self) -> None:
        for text in suspicions(self.notebook):
            self.remark("suspicious", f"{text}.")
        self.examiner.start(self.job.seed)
        deaths = 0
        try:
            for place, cell in enumerate(self.notebook.cells):
                if cell.cell_type != "code":
                    continue
                if not self._is_test(cell):
                    deaths += await self._settle()
                try:
                    late = time.monotonic() > self.deadline
                    if not late and deaths <= MOST_DEATHS:
                        await self._ready(place)
                        await self._test(place) if self._is_test(cell) else await self._run(place)
                    elif self._is_test(cell):
                        self._judged(cell, self._timeout(cell) if late else Verdict("stopped", STOPPED))
                except DeadKernelError:
                    deaths += 1
                    self._died(place, cell)
        finally:
            self._close()

    def remark(self, kind: str, text: str) -> None:
        if {"kind": kind, "text": text} not in self.about.remarks:
            self.about.remarks.append({"kind": kind, "text": text})

    async def _ready(self, place: int) -> None:
        """Starts a kernel where there is none, and brings it to this place: runs again what came before, but for what killed it."""
        if self.cells:
            return
        self.cells = await Cells.open(self.notebook, self.job.limits, self.examiner, self.job.unsafe)
        for before, cell in enumerate(self.notebook.cells[:place]):
            if cell.cell_type == "code" and before not in self.left_out and not self._is_test(cell):
                outputs = cell.outputs
                await self.cells.run(before)
                cell.outputs = outputs  # those of the first time

    async def _run(self, place: int) -> None:
        """A cell of the student's."""
        start = time.monotonic()
        trouble = await self.cells.run(place)
        self.about.seconds += time.monotonic() - start
        for kind, text in trouble.items():
            self.remark(kind, text)

    async def _test(self, place: int) -> None:
        start, cell, self.tested = time.monotonic(), self.notebook.cells[place], place
        test = cell.metadata.nbgrader.grade_id
        try:
            verdict = await self._examined(test)
        except Gone:
            verdict = Verdict("stopped", STOPPED)
        if verdict.verdict == "timeout":
            self.remark("timeout", f"{test}: {verdict.message}")
        if verdict.verdict == "error":
            self.remark("error", f"{test} stopped with an error of its own: {verdict.message}")
        self.about.seconds += time.monotonic() - start
        self._judged(cell, verdict)

    async def _examined(self, test: str) -> Verdict:
        """The verdict of a test cell, in the fork of the last one. What passes after a failure may have been helped by what that left
        behind: it has to pass in a fork of its own, too."""
        line = await self.cells.line()
        verdict = self.examiner.judge(test, line)
        if verdict.verdict == "passed" and line.failed:
            await self.cells.hang_up()
            line = await self.cells.line()
            verdict = self.examiner.judge(test, line)
        line.failed = line.failed or verdict.verdict != "passed"
        if line.broken:
            await self.cells.hang_up()
        return verdict

    async def _settle(self) -> bool:
        """Ends the fork of the last test cells. True if the kernel did not survive them."""
        try:
            if self.cells:
                await self.cells.hang_up()
        except DeadKernelError:
            self._died(self.tested, self.notebook.cells[self.tested])
            return True
        return False

    def _judged(self, cell: NotebookNode, verdict: Verdict) -> None:
        """Writes a verdict into a test cell: into its outputs for nbgrader, into its metadata for reports."""
        test = cell.metadata.nbgrader.grade_id
        exercise = self.examiner.exercise_of(test)
        if verdict.message and not verdict.message.startswith(exercise):
            verdict = replace(verdict, message=verdict.message[:1].upper() + verdict.message[1:])
        cell.metadata["filterlab"] = {**asdict(verdict), "exercise": exercise}
        cell.outputs = [] if verdict.verdict == "passed" else [error_output(verdict.message)]
        cell.execution_count = None

    def _timeout(self, cell: NotebookNode) -> Verdict:
        self.remark("timeout", f"the sheet took longer than {self.job.limits.wall_s:g} seconds; the rest was not run.")
        return Verdict("timeout", timeout_message(self.examiner.exercise_of(cell.metadata.nbgrader.grade_id)))

    def _died(self, place: int, cell: NotebookNode) -> None:
        why = self.cells.why_dead() if self.cells else "it did not start"
        self._close()
        name = cell.metadata.get("nbgrader", {}).get("grade_id") or f"cell {place + 1}"
        self.remark("stopped", f"the process ended in {name} ({why}); what came after was run without that cell.")
        if self._is_test(cell):
            self._judged(cell, Verdict("stopped", STOPPED))
        else:
            self.left_out.add(place)
            cell.outputs = [error_output(f"The process ended in this cell ({why}). What came after was run without it.")]

    def _is_test(self, cell: NotebookNode) -> bool:
        return is_test(cell) and cell.metadata.nbgrader.grade_id in self.examiner.tests

    def _close(self) -> None:
        if self.cells:
            self.cells.close()
            self.cells = None
