"""Filterlab's grader in the place of nbgrader's Execute: autograde, formgrader's button and `filterlab grade` all come by here."""

import json
import os
import secrets
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute as NbgraderExecute
from traitlets import Bool

from filterlab.check.inputs import SEED_VARIABLE
from filterlab.grading.run import Job, run
from filterlab.grading.sandbox import Limits, SandboxError

# Sheets that were run already, by student, assignment and notebook: nbgrader takes them from here.
prepared: dict[tuple[str, str, str], str] = {}


class Execute(NbgraderExecute):
    """Runs a sheet in the sandbox and judges it outside. A fresh seed for each run, recorded in the graded notebook's metadata,
    `filterlab.seed`; an instructor repeats a run by setting FILTERLAB_SEED to it.
    """

    unsafe = Bool(False, help="Run students' code without a sandbox, with the rights of whoever grades.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict, km=None) -> tuple[NotebookNode, dict]:
        executed = prepared.pop(sheet_key(resources), None)
        if executed is None:
            executed = self._run(nb, resources)
        return nbformat.reads(executed, as_version=4), resources

    def _run(self, nb: NotebookNode, resources: dict) -> str:
        if self.unsafe:
            self.log.warning("unsafe: students' code runs without a sandbox, with your rights")
        job = self.job(nb, resources)
        self.log.info("Filterlab's seed for this run: %d", job.seed)
        try:
            return run(job)
        except SandboxError as error:
            raise SystemExit(f"not graded: {error}") from None

    def job(self, nb: NotebookNode, resources: dict) -> Job:
        """What to run for this sheet."""
        limits = Limits(cell_s=self.timeout or Limits.cell_s)
        return Job(json.dumps(nb), self._source(resources), run_seed(), limits, self.unsafe)

    def _source(self, resources: dict) -> str:
        """The instructor's version, as text."""
        course = self.parent.parent.coursedir
        about = resources["nbgrader"]
        folder = course.format_path(course.source_directory, ".", about["assignment"])
        path = Path(folder, f"{about['notebook']}.ipynb")
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise SystemExit(f"not graded: the instructor's version {path} cannot be read ({error.strerror})") from None


def sheet_key(resources: dict) -> tuple[str, str, str]:
    """Student, assignment and notebook."""
    about = resources["nbgrader"]
    return about["student"], about["assignment"], about["notebook"]


def run_seed() -> int:
    """The seed of a run: the one that the instructor asks for, or a fresh one."""
    return int(os.environ.get(SEED_VARIABLE) or secrets.randbits(32))
