"""How one submission gets into the gradebook: read whatever was handed in, repaired, executed, and recorded wholly or not at all.

`Exporter` is what nbgrader_config.py gives to nbgrader's converter to read notebooks with. It makes an `Autograde` of the converter that it
serves, so that `nbgrader autograde`, formgrader's button and `filterlab grade` do the same.
"""

import datetime
import fnmatch
import functools
import glob
import os
import re
import stat
import time
import traceback
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde as NbgraderAutograde
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory as NbgraderCourseDirectory
from nbgrader.utils import find_all_files, rmtree
from traitlets import Bool

from filterlab.grading import execute
from filterlab.grading.gradebook import transaction
from filterlab.grading.reading import Unreadable, leads_out, read_cells, read_file
from filterlab.grading.repair import Original, repair, unreadable


class Autograde(NbgraderAutograde):
    """nbgrader's converter. A submission is recorded wholly or not at all, no link out of it is followed, and what is called by another
    name, or was not handed in, is graded all the same."""

    def init_notebooks(self) -> None:
        """Every folder handed in, with the assignment's own notebooks in the place of those that students handed in by other names."""
        self.assignments = {}
        pattern = self._format_source(self.coursedir.assignment_id, self.coursedir.student_id)
        self.coursedir.__class__ = CourseDirectory
        for folder in filter(os.path.isdir, glob.glob(pattern)):
            wanted = sorted(fnmatch.filter(self.originals(self.ids(folder)[0]), self.coursedir.notebook_id))
            present = [name for name in wanted if os.path.lexists(os.path.join(folder, f"{name}.ipynb"))]
            if wanted:
                self.assignments[folder] = [os.path.join(folder, f"{name}.ipynb") for name in present or wanted[:1]]
        if not self.assignments:
            message = f"No submissions of an assignment that the gradebook knows were matched by '{pattern}'"
            self.log.error(message)
            raise NbGraderException(message)

    def ids(self, folder: str) -> tuple[str, str]:
        """Assignment and student of a folder handed in."""
        pattern = self._format_source("(?P<assignment_id>.*)", "(?P<student_id>.*)", escape=True)
        match = re.match(pattern, folder)
        if match is None:
            raise NbGraderException(f"{folder} is not a folder of a submission")
        return match["assignment_id"], match["student_id"]

    @functools.cache  # noqa: B019  (a converter lives as long as its command)
    def originals(self, assignment: str) -> dict[str, Original]:
        """The assignment's sheets as released, by name; none if the gradebook does not know it."""
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                records = gradebook.find_assignment(assignment).notebooks
            except MissingEntry:
                return {}
            return {record.name: Original.of(self._instructors_version(assignment, record.name), record) for record in records}

    def _instructors_version(self, assignment: str, name: str) -> NotebookNode:
        places = [
            Path(self.coursedir.format_path(folder, ".", assignment), f"{name}.ipynb")
            for folder in (self.coursedir.source_directory, self.coursedir.release_directory)
        ]
        for place in places:
            if place.exists():
                return nbformat.read(place, as_version=4)
        raise NbGraderException(f"The instructor's version is missing: {places[0]}")

    def convert_notebooks(self) -> None:
        failed = []
        for folder in sorted(self.assignments):
            try:
                self.convert_submission(folder)
            except Exception:
                self.log.error("There was an error processing assignment: %s", folder)
                self.log.error(traceback.format_exc())
                failed.append(folder)
        if failed:
            raise NbGraderException("\n".join(f"There was an error processing {folder}" for folder in failed))

    def is_graded(self, folder: str) -> bool:
        """nbgrader's own rule: what is autograded stays as it is, unless something newer was handed in."""
        graded = self._format_dest(*self.ids(folder))
        if not os.path.exists(graded):
            return False
        new, old = self.coursedir.get_existing_timestamp(folder), self.coursedir.get_existing_timestamp(graded)
        return new is None or old is None or new <= old

    def convert_submission(self, folder: str) -> bool:
        """Grades one submission; False if it is graded already. On an error nothing of it remains, in the gradebook or on the disk."""
        assignment, student = self.ids(folder)
        self.notebooks = sorted(self.assignments[folder])
        self.originals(assignment)
        if not self.init_destination(assignment, student):
            return False
        try:
            self._execute()
            with transaction(self.coursedir.db_url, self.coursedir.course_id):
                self.run_pre_convert_hook()
                self.init_assignment(assignment, student)
                for notebook in self.notebooks:
                    self.convert_single_notebook(notebook)
                self.set_permissions(assignment, student)
                self.run_post_convert_hook()
        except BaseException:
            self._remove(assignment, student)
            raise
        return True

    def _execute(self) -> None:
        """Runs what was not run yet: before the transaction, for which others who want to write have to wait."""
        if "filterlab.grading.execute.Execute" not in self.autograde_preprocessors:
            return
        step = execute.Execute(parent=self.exporter)
        for notebook in self.notebooks if step.enabled else []:
            resources = self.init_single_notebook_resources(notebook)
            if execute.sheet_key(resources) not in execute.prepared:
                sheet = self.exporter.sheet(Path(notebook), self.originals(resources["nbgrader"]["assignment"]))
                self.exporter.sheets[notebook] = sheet
                execute.prepared[execute.sheet_key(resources)] = nbformat.writes(step.preprocess(sheet, resources)[0])

    def _remove(self, assignment: str, student: str) -> None:
        """Takes away what was written for a submission that could not be graded to the end."""
        folder = os.path.normpath(self._format_dest(assignment, student))
        if self.coursedir.notebook_id == "*":
            if os.path.exists(folder):
                rmtree(folder)
            return
        for notebook in self.notebooks:
            Path(folder, os.path.basename(notebook)).unlink(missing_ok=True)

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """nbgrader's, which copies what was handed in beside the notebook: but no link that leads out, no pipe, no device."""
        folder = self.coursedir.format_path(self.coursedir.submitted_directory, student_id, assignment_id)
        ignore = self.coursedir.ignore
        refused = [path for path in find_all_files(folder, [*ignore, "*.ipynb"]) if not _may_be_copied(Path(path), Path(folder))]
        for path in refused:
            self.log.warning("Not copied, since it is no file of the submission: %s", path)
        self.coursedir.ignore = [*ignore, *map(glob.escape, refused)]
        try:
            super().init_assignment(assignment_id, student_id)
        finally:
            self.coursedir.ignore = ignore


class CourseDirectory(NbgraderCourseDirectory):
    """nbgrader's, to which a time that is none is no reason to fail: it comes with the submission."""

    def get_existing_timestamp(self, dest_path: str) -> datetime.datetime | None:
        if not Path(dest_path, "timestamp.txt").is_file():
            return None
        try:
            return super().get_existing_timestamp(dest_path)
        except (AttributeError, ValueError, OverflowError):
            self.log.warning("What %s/timestamp.txt says is no time", dest_path)
            return None


def _may_be_copied(path: Path, folder: Path) -> bool:
    return not leads_out(path, folder) and stat.S_ISREG(path.stat().st_mode) and os.access(path, os.R_OK)


class Exporter(NotebookExporter):
    """Reads a notebook handed in as a sheet that can be graded, whatever it is; and an autograded one as it stands."""

    # Each step's notebook is valid if the last one's is: to look at all of them takes longer than the steps.
    optimistic_validation = Bool(True)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # Sheets that were read already, by the path of what was handed in.
        self.sheets: dict[str, NotebookNode] = {}
        # nbgrader makes its converter itself and cannot be told to make another one.
        if isinstance(self.parent, NbgraderAutograde) and not isinstance(self.parent, Autograde):
            self.parent.__class__ = Autograde
            self.parent.init_notebooks()

    def from_filename(self, filename: str, resources: dict[str, Any] | None = None, **settings: Any) -> tuple[str, dict[str, Any]]:
        if not (isinstance(self.parent, Autograde) and self.parent._sanitizing):
            return super().from_filename(filename, resources, **settings)
        path, ids = Path(filename), resources["nbgrader"]
        resources["metadata"] = {"name": path.stem, "path": str(path.parent), "modified_date": time.strftime("%B %d, %Y")}
        sheet = self.sheets.pop(filename, None) or self.sheet(path, self.parent.originals(ids["assignment"]))
        if self._preprocessors:
            return self.from_notebook_node(sheet, resources, **settings)
        return nbformat.writes(sheet) + "\n", self._init_resources(resources)

    def sheet(self, path: Path, originals: dict[str, Original]) -> NotebookNode:
        """The sheet handed in at this path, or under another name beside it."""
        original, notes = originals[path.stem], []
        try:
            if not os.path.lexists(path):
                path = _by_another_name(path, set(originals))
                notes.append(f"it was handed in as {path.name}")
            return repair(read_file(path), original, notes)
        except Unreadable as error:
            return unreadable(str(error), original)


def _by_another_name(path: Path, names: set[str]) -> Path:
    """The only notebook beside this path that is none of the assignment's others. Raises Unreadable."""
    others = sorted(other for other in path.parent.glob("*.ipynb") if other.stem not in names)
    if len(others) > 1:
        # A scratch notebook, an old copy that is empty: what cannot be read is not meant.
        others = [other for other in others if _can_be_read(other)] or others
    if not others:
        raise Unreadable(f"{path.name} was not handed in")
    if len(others) > 1:
        raise Unreadable(f"{path.name} was not handed in, and which of these is meant? {', '.join(other.name for other in others)}")
    return others[0]


def _can_be_read(path: Path) -> bool:
    try:
        return bool(read_cells(read_file(path))[0])
    except Unreadable:
        return False
