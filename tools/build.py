"""Build the notebooks from the lesson texts: `make build`.

    python tools/build.py [--root FOLDER] [--force] [--check] [LESSON …]

What it does, in order:
1. reads lessons/NAME/lecture.py and exercises.py; the first mistake in the mark-up stops it, with file and line;
2. makes notebooks/NAME.ipynb, source/NAME/NAME.ipynb and solutions/NAME.ipynb in memory;
3. lets nbgrader make release/NAME/NAME.ipynb from source/, in a temporary folder;
4. looks for notebooks in place that were edited by hand: keeps them and says so, or stops if their lesson changed too;
5. only then writes what differs, and removes notebooks whose lesson is gone.
With --check it writes nothing: it compares byte by byte and says which command mends each difference.
With --force edits by hand are thrown away.
"""

import argparse
import logging
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # as a script, Python would see the modules beside it only

from tools import derive
from tools.markup import Cell, MarkupError, read_lesson

FOLDERS = ("notebooks", "source", "release", "solutions")
ADOPT = "`make adopt` brings the edits home"
FORCE = "`make build FORCE=1` throws the edits away"


class BuildError(Exception):
    """Why nothing was written: one sentence, or several lines of one sentence each."""


@dataclass
class Plan:
    """A fresh build, not yet on disk: notebooks by path below the root; what stays, and what goes."""

    fresh: dict[str, NotebookNode]
    kept: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)  # one sentence for each notebook kept


# --- lesson texts to notebooks --------------------------------------------------------------------------------------


def lesson_names(root: Path, wanted: list[str] | None = None) -> list[str]:
    """The lessons below root/lessons, or the wanted ones. Raises BuildError for one that is not there."""
    folders = (path.parent for path in (root / "lessons").glob("*/*.py") if path.name in ("lecture.py", "exercises.py"))
    names = sorted({folder.name for folder in folders})
    for name in wanted or []:
        if name not in names:
            raise BuildError(f"no lesson {name} in {root / 'lessons'}; there are: {', '.join(names) or 'none'}")
    return [name for name in names if not wanted or name in wanted]


def read_cells(root: Path, name: str, kind: str) -> list[Cell] | None:
    """The cells of root/lessons/NAME/KIND.py (lecture or exercises); None if there is no such file. Raises MarkupError."""
    path = f"lessons/{name}/{kind}.py"
    if not (root / path).exists():
        return None
    try:
        return read_lesson((root / path).read_text(encoding="utf-8"), path, exercises=kind == "exercises")
    except UnicodeDecodeError as error:
        raise MarkupError(f"{path}:{(root / path).read_bytes()[: error.start].count(10) + 1}", "this line is not UTF-8") from None


def fresh_build(root: Path, names: list[str]) -> dict[str, NotebookNode]:
    """All notebooks of these lessons, signed, by path below root. Writes nothing there. Raises MarkupError, BuildError."""
    notebooks: dict[str, NotebookNode] = {}
    exercises = {}
    for name in names:
        if (cells := read_cells(root, name, "lecture")) is not None:
            notebook = notebooks[f"notebooks/{name}.ipynb"] = derive.lecture_notebook(cells)
            derive.sign(notebook, f"lessons/{name}/lecture.py", {"notebooks": derive.digest(notebook)})
        if (cells := read_cells(root, name, "exercises")) is not None:
            exercises[name] = cells
    sources = {name: derive.source_notebook(cells) for name, cells in exercises.items()}
    releases = student_versions(root, sources)
    for name, cells in exercises.items():
        text, source, release, solutions = f"lessons/{name}/exercises.py", sources[name], releases[name], derive.solutions_notebook(cells)
        digests = {"source": derive.digest(source), "release": derive.digest(release)}
        derive.sign(source, text, digests)
        derive.sign(release, text, digests)
        derive.sign(solutions, text, {"solutions": derive.digest(solutions)})
        notebooks[f"source/{name}/{name}.ipynb"] = source
        notebooks[f"release/{name}/{name}.ipynb"] = release
        notebooks[f"solutions/{name}.ipynb"] = solutions
    return notebooks


def student_versions(root: Path, sources: dict[str, NotebookNode]) -> dict[str, NotebookNode]:
    """What `nbgrader generate_assignment NAME --force --no-db` makes of each source notebook, with the course's own configuration.

    One nbgrader for all, in this process: importing it takes longer than all lessons together. Raises BuildError.
    """
    if not sources:
        return {}
    from nbgrader.converters import GenerateAssignment, NbGraderException  # here, because lectures do not need it
    from nbgrader.coursedir import CourseDirectory

    config = _nbgrader_config(root)
    config.SaveCells.enabled = False  # these two are what --no-db means
    config.GenerateAssignment.no_database = True
    log = _Log()
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder).resolve()
        for name, notebook in sources.items():
            (course / "source" / name).mkdir(parents=True)
            (course / "source" / name / f"{name}.ipynb").write_bytes(derive.to_bytes(notebook))
        course_directory = CourseDirectory(config=config, root=str(course), assignment_id="*")
        try:
            GenerateAssignment(coursedir=course_directory, config=config, log=log.logger).start()
        except NbGraderException as error:
            raise BuildError(f"nbgrader generate_assignment failed: {log.useful_line() or error}") from None
        return {name: nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4) for name in sources}


def _nbgrader_config(root: Path) -> Any:
    from traitlets.config import PyFileConfigLoader

    try:
        return PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    except Exception as error:  # it is a Python file: anything can happen in it
        raise BuildError(f"cannot read {root / 'nbgrader_config.py'}: {error}") from None


class _Log(logging.Handler):
    """Keeps nbgrader's errors instead of printing them: they are wanted only if it fails."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []
        self.logger = logging.Logger("filterlab.build")  # not in the tree of loggers: nothing else sees it
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage().strip())

    def useful_line(self) -> str:
        """The exception in the first traceback, else the first message."""
        traces = [message for message in self.messages if message.startswith("Traceback")]
        return (traces[0].split("\n")[-1] if traces else self.messages[0]) if self.messages else ""


# --- what is in place -----------------------------------------------------------------------------------------------


def plan(root: Path, names: list[str], *, everything: bool, force: bool) -> Plan:
    """A fresh build, held against the notebooks in place. `everything` looks for stale ones too.

    Raises MarkupError, BuildError; the latter also where an edit by hand would be lost.
    """
    made = Plan(fresh_build(root, names))
    clashes = []
    for path, notebook in made.fresh.items():
        state = "untouched" if force else state_of(root, path, notebook)
        if state == "kept":
            made.kept.append(path)
            made.lines.append(f"kept {path}: edited by hand; {_how_to_mend(path, notebook)}")
        elif state == "clash":
            clashes.append(_clash(root, path, notebook))
    if clashes:
        raise BuildError("\n".join(["nothing was built:", *clashes]))
    for path in sorted(in_place(root) - made.fresh.keys()) if everything else []:
        state = state_of_orphan(root, path)
        if state == "untouched" or (state == "edited" and force):
            made.stale.append(path)
        elif state == "edited":
            made.lines.append(f"kept {path}: its lesson is gone, but it was edited by hand; {FORCE}")
    return made


def state_of(root: Path, path: str, new: NotebookNode) -> str:
    """What became of a generated notebook since it was written: "untouched", "kept" (edited by hand), "clash" (its lesson too)."""
    if not (root / path).exists():
        return "untouched"
    old, folder = read_notebook(root / path), path.split("/")[0]
    if old is None:
        return "clash"
    now, fresh, recorded = derive.digest(old), derive.digest(new), derive.recorded_digest(old, folder)
    if now in (recorded, fresh):
        return "untouched"
    return "kept" if recorded == fresh else "clash"


def state_of_orphan(root: Path, path: str) -> str:
    """Of a notebook that no lesson makes: "untouched" or "edited" if its lesson is gone, "foreign" if it never had one."""
    notebook, folder, name = read_notebook(root / path), path.split("/")[0], Path(path).stem
    # A copy that somebody made of a generated notebook carries its note too, under another name: that one is theirs.
    text = f"lessons/{name}/{'lecture' if folder == 'notebooks' else 'exercises'}.py"
    if notebook is None or derive.derived_from(notebook) != text or path != _path(folder, name):
        return "foreign"
    return "untouched" if derive.digest(notebook) == derive.recorded_digest(notebook, folder) else "edited"


def read_notebook(path: Path) -> NotebookNode | None:
    """The notebook in a file; None if the file holds none (half written, or with the marks of a git conflict)."""
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        return notebook if all("source" in cell for cell in notebook.cells) else None
    except Exception:  # nbformat has many ways to say no
        return None


def in_place(root: Path) -> set[str]:
    """Paths of all notebooks in the generated folders, JupyterLab's checkpoints left out."""
    found = (path.relative_to(root) for folder in FOLDERS for path in (root / folder).rglob("*.ipynb"))
    return {path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts)}


def _path(folder: str, name: str) -> str:
    return f"{folder}/{name}/{name}.ipynb" if folder in ("source", "release") else f"{folder}/{name}.ipynb"


def _how_to_mend(path: str, notebook: NotebookNode) -> str:
    if path.startswith("source/"):
        return f"{ADOPT}, {FORCE}"
    return f"carry the edits over to {derive.derived_from(notebook)}; {FORCE}"


def _clash(root: Path, path: str, new: NotebookNode) -> str:
    """Why a notebook in place can be neither kept nor replaced."""
    old, text = read_notebook(root / path), derive.derived_from(new)
    if old is None:
        return f"{path} is not a readable notebook (half saved, or with the marks of a git conflict); `make build FORCE=1` replaces it"
    why = f"was edited by hand, and {text} has changed since it was built"
    if not derive.derived_from(old):
        why = f"was not made by this builder, and is not what {text} gives"
    if path.startswith("source/"):
        return f"{path} {why}; `python tools/adopt.py --force {Path(path).stem}` takes it instead of the lesson text, {FORCE}"
    return f"{path} {why}; `make build FORCE=1` throws it away"


# --- writing and checking -------------------------------------------------------------------------------------------


def build(root: Path, wanted: list[str] | None = None, *, force: bool = False) -> list[str]:
    """Bring the generated folders of a course up to date; all lessons, or the wanted ones.

    Gives one line for every notebook written, kept or removed. Raises MarkupError, BuildError, with nothing written.
    """
    made = plan(root, lesson_names(root, wanted), everything=not wanted, force=force)
    files = {path: derive.to_bytes(notebook) for path, notebook in made.fresh.items() if path not in made.kept}
    changed = {path: data for path, data in files.items() if not (root / path).exists() or (root / path).read_bytes() != data}
    write_all(root, changed)
    for path in made.stale:
        (root / path).unlink()
        if path.count("/") == 2 and not any((root / path).parent.iterdir()):
            (root / path).parent.rmdir()
    return [*(f"wrote {path}" for path in changed), *(f"removed {path}: its lesson is gone" for path in made.stale), *made.lines]


def write_all(root: Path, files: dict[str, bytes]) -> None:
    """Write files below root, all or none: first each beside its place, then all renames."""
    waiting: list[tuple[Path, Path]] = []
    try:
        for path, data in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            waiting.append((place.with_name(f".{place.name}.{os.getpid()}"), place))
            waiting[-1][0].write_bytes(data)
        for new, place in waiting:
            new.replace(place)
    finally:
        for new, _ in waiting:
            new.unlink(missing_ok=True)


def check(root: Path, wanted: list[str] | None = None) -> list[str]:
    """Compare a fresh build with what is in place, byte by byte; one line for each difference, with the command that mends it.

    Writes nothing. Raises MarkupError, BuildError.
    """
    fresh = fresh_build(root, lesson_names(root, wanted))
    lines = []
    for path, notebook in fresh.items():
        if not (root / path).exists():
            lines.append(f"{path} is missing: run `make build`")
        elif (root / path).read_bytes() != derive.to_bytes(notebook):
            state = state_of(root, path, notebook)
            if state == "untouched":
                lines.append(f"{path} is not what {derive.derived_from(notebook)} gives: run `make build`")
            elif state == "kept":
                run = "run `make adopt`" if path.startswith("source/") else _how_to_mend(path, notebook)
                lines.append(f"{path} was edited by hand: {run}")
            else:
                lines.append(_clash(root, path, notebook))
    for path in sorted(in_place(root) - fresh.keys()) if not wanted else []:
        lines.append(f"{path} comes from no lesson: {_orphan_advice(root, path)}")
    return lines


def _orphan_advice(root: Path, path: str) -> str:
    if state_of_orphan(root, path) == "untouched":
        return "run `make build`, which removes it"
    if path == _path("source", Path(path).stem):
        return "run `make adopt`, which makes one of it, or move it away"
    return "move it away"


def main(arguments: list[str] | None = None) -> int:
    """The command line. Gives the exit code: 0, or 1 after a sentence that says why."""
    parser = argparse.ArgumentParser(description="Build the notebooks from the lesson texts.")
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="only these, e.g. 01_filters (default: all)")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1], help="the course's folder (default: this one)")
    parser.add_argument("--force", action="store_true", help="throw away what was edited by hand in generated notebooks")
    parser.add_argument("--check", action="store_true", help="write nothing; say what a build would change")
    given = parser.parse_args(arguments)
    try:
        if given.check:
            lines = check(given.root.resolve(), given.lessons)
            print("\n".join(lines) or "the notebooks are what the lessons give")
            return 1 if lines else 0
        print("\n".join(build(given.root.resolve(), given.lessons, force=given.force)) or "nothing to do: the notebooks are up to date")
        return 0
    except (MarkupError, BuildError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
