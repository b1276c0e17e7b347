"""A learner's desk: their own copy of the exercises, in work/, which no build ever touches."""

import contextlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True)
class Desk:
    """The notebooks that lie ready in work/; the last expression of a cell shows them as links.

    notebooks: their paths. fresh: those that were copied just now. aside: a copy that was put aside, or None.
    """

    root: Path
    notebooks: tuple[Path, ...]
    fresh: frozenset[Path]
    aside: Path | None = None

    def __repr__(self) -> str:
        lines = [f"{path.relative_to(self.root).as_posix()} ({self._state(path)})" for path in self.notebooks]
        return "\n".join([*lines, *self._aside_line("{}")])

    def _repr_markdown_(self) -> str:
        lines = [f"- [Exercises {path.stem}]({_link(path)}): {self._state(path)}" for path in self.notebooks]
        return "\n".join([*lines, *("\n" + line for line in self._aside_line("`{}`"))])

    def _state(self, path: Path) -> str:
        return "a fresh copy for you" if path in self.fresh else "your copy, as you left it"

    def _aside_line(self, form: str) -> list[str]:
        return [f"Your old copy is now {form.format(self.aside.relative_to(self.root).as_posix())}."] if self.aside else []


def lay_out(root: str | os.PathLike | None = None) -> Desk:
    """Copy into work/ what is missing there of the exercises in release/; what is there already is left alone.

    root: the project's folder; the default is the nearest folder, from the current one upwards, that holds release/ with
    notebooks. Returns a Desk that shows links. Raises FileNotFoundError where there is no such folder.
    """
    root = _find_root(root)
    fresh = [path for lesson in _lessons(root) for path in _copy_missing(lesson, root / "work" / lesson.name)]
    return _desk(root, fresh)


def start_over(name: str, root: str | os.PathLike | None = None) -> Desk:
    """A fresh copy of one lesson's exercises; the old copy is kept as work/NAME-before-1 (or the next free number).

    Close the notebook before. Returns a Desk. Raises ValueError for a name that is no lesson in release/,
    FileNotFoundError where there is no project folder.
    """
    root = _find_root(root)
    lessons = {lesson.name: lesson for lesson in _lessons(root)}
    if name not in lessons:
        raise ValueError(f"name={name!r} is not a lesson; the lessons with exercises are: {', '.join(lessons)}")
    mine, aside = root / "work" / name, None
    if mine.exists():
        number = 1
        while (aside := mine.with_name(f"{name}-before-{number}")).exists():
            number += 1
        mine.rename(aside)
    return _desk(root, _copy_missing(lessons[name], mine), aside)


def answers(lesson: str, *names: str, root: str | os.PathLike | None = None) -> dict[str, Callable]:
    """The functions that the learner has written so far in their copy of a lesson's exercises, of those asked for: name → function.

    Runs the copy's set-up cell and its answers, without their output; what is not written yet, or stops with an error, is left out.
    Raises FileNotFoundError where there is no project folder.
    """
    copy = _find_root(root) / "work" / lesson / f"{lesson}.ipynb"
    known: dict[str, object] = {"__name__": "__main__"}
    for name, source in _answer_cells(copy) if copy.exists() else []:
        # Whatever goes wrong in a learner's cell, it is told there, by the exercise's own checks.
        with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
            exec(compile(source, f"{copy}, cell {name}", "exec"), known)
    return {name: known[name] for name in names if callable(known.get(name))}


def _answer_cells(notebook: Path) -> Iterator[tuple[str, str]]:
    """Name and text of the set-up cell, which is the first one with code, and of all answers that have been written."""
    # As plain JSON: nbformat takes seconds to import, and a notebook that it would mend may be read as it is.
    cells = [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    for position, cell in enumerate(cells):
        source, graded = "".join(cell["source"]), cell["metadata"].get("nbgrader", {})
        if position == 0:
            yield "set-up", source
        elif graded.get("solution") and "raise NotImplementedError" not in source:
            yield graded["grade_id"], source


def _find_root(root: str | os.PathLike | None) -> Path:
    start = Path.cwd() if root is None else Path(root).expanduser().resolve()
    for folder in [start, *start.parents] if root is None else [start]:
        if _lessons(folder):
            return folder
    above = " or above it" if root is None else ""
    raise FileNotFoundError(f"no folder release/ with exercises was found in {start}{above}: `make build` in the project's folder makes it")


def _lessons(root: Path) -> list[Path]:
    return sorted({notebook.parent for notebook in root.glob("release/*/*.ipynb")})


def _copy_missing(source: Path, target: Path) -> list[Path]:
    """Copy the files of a folder that the target lacks; the paths of the copies."""
    copied = []
    for file in sorted(path for path in source.rglob("*") if path.is_file() and ".ipynb_checkpoints" not in path.parts):
        copy = target / file.relative_to(source)
        if copy.exists():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        # Under another name first: a copy that is interrupted must not pass for the learner's own.
        partial = copy.with_name(copy.name + ".partial")
        shutil.copyfile(file, partial)
        partial.rename(copy)
        copied.append(copy)
    return copied


def _desk(root: Path, fresh: list[Path], aside: Path | None = None) -> Desk:
    notebooks = [root / "work" / path.relative_to(root / "release") for lesson in _lessons(root) for path in sorted(lesson.glob("*.ipynb"))]
    return Desk(root, tuple(notebooks), frozenset(fresh), aside)


def _link(path: Path) -> str:
    """The path as a relative link from the notebook's folder, which is the current one."""
    return quote(Path(os.path.relpath(path, Path.cwd())).as_posix())
