"""Bring home what was edited in source/ with JupyterLab: `make adopt`.

    python tools/adopt.py [--root FOLDER] [--force] [LESSON …]

What it does, in order:
1. reads every source/NAME/NAME.ipynb and turns its cells into lesson cells: nbgrader's metadata into the four words, points into the
   headers; outputs, the points printed in headings and empty cells are left out, markers, hidden tests and mark schemes stay;
2. holds them against the rules of the mark-up, and against a second reading of the text it is going to write;
3. passes over a notebook that nobody edited, and stops where its lesson text was edited as well (--force takes the notebook);
4. writes lessons/NAME/exercises.py, all or none, and notes in the notebooks that their edits are home, so that the next
   `make build` may replace them.
"""

import argparse
import difflib
import re
import sys
from dataclasses import replace
from pathlib import Path

from nbformat import NotebookNode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # as a script, Python would see the modules beside it only

from tools import build, derive
from tools.build import BuildError
from tools.markup import LIKE_A_HEADER, WRITTEN, Cell, MarkupError, check_cells, lesson_text, read_lesson, without_points

MARKERS = ("### BEGIN SOLUTION", "### END SOLUTION")
WORD_OF_FLAGS = {flags: word for word, flags in derive.FLAGS.items()}


# --- from a notebook to a lesson text -------------------------------------------------------------------------------


def text_of(notebook: NotebookNode, path: str) -> tuple[str, list[str]]:
    """The lesson text of a source notebook, and a line for each cell of which something could not be kept.

    path is named in errors. Raises MarkupError, naming the cell.
    """
    cells, remarks = [], []
    for number, node in enumerate(notebook.cells, 1):
        data = derive.graded(node)
        place = f"{path}, cell {number}" + (f" `{data['grade_id']}`" if data.get("grade_id") else "")
        if not node.source.strip() and not data:
            continue  # JupyterLab leaves one behind when the last cell is run
        if not any(data.get(flag) for flag in ("grade", "solution", "task")) and data.get("locked"):
            remarks.append(f"{place} was read-only: the lesson text has it as a plain cell")
            data = {}
        cells.append(_cell(node, data, place))
    check_cells(cells)
    text = lesson_text(cells)
    _check_second_reading(text, cells)
    return text, remarks


def _cell(node: NotebookNode, data: dict, place: str) -> Cell:
    """One notebook cell in the terms of the mark-up. Raises MarkupError for what these cannot say."""
    source = node.source.replace("\r\n", "\n").strip("\n")
    if node.cell_type not in ("code", "markdown"):
        raise MarkupError(place, f"a lesson has code and markdown cells only, this is a {node.cell_type} cell")
    if node.get("attachments"):
        raise MarkupError(place, "a picture pasted into a cell cannot be kept in a lesson text: draw it with code")
    if node.cell_type == "markdown":
        source = without_points(source)
    if not data:
        return Cell(node.cell_type, source, path=place)
    locked = data["task"] or (data["grade"] and not data["solution"])  # as nbgrader has it, whatever the metadata says
    word = WORD_OF_FLAGS.get((data["grade"], data["solution"], locked, data["task"]), "")
    if not word or (word in WRITTEN) != (node.cell_type == "markdown"):
        allowed = "Autograded answer or Autograder tests" if node.cell_type == "code" else "Manually graded answer or task"
        raise MarkupError(place, f"this course has no such kind of graded {node.cell_type} cell: choose {allowed}")
    if not source.strip():
        raise MarkupError(place, "this graded cell is empty")
    cell = Cell(node.cell_type, source, word, data["grade_id"], data.get("points"), place)
    if word == "test":
        return _test_cell(cell)
    if word != "task" and not any(marker in source for marker in MARKERS):
        cell = replace(cell, source="\n".join((MARKERS[0], source, MARKERS[1])))  # nbgrader would take out the whole cell
    return _with_whole_points(cell)


def _test_cell(cell: Cell) -> Cell:
    if not cell.name.startswith("test_"):
        raise cell.error("the id of a test cell is test_EXERCISE_WHAT, with the name of its exercise")
    return _with_whole_points(replace(cell, name=cell.name.removeprefix("test_")))


def _with_whole_points(cell: Cell) -> Cell:
    if cell.points is not None and (not isinstance(cell.points, int) or cell.points < 1):
        raise cell.error(f"{cell.points} points: they must be a whole number of at least 1")
    return cell


def _check_second_reading(text: str, cells: list[Cell]) -> None:
    """Raise MarkupError, naming the cell, unless the text, read again, gives the same cells."""
    try:
        again = read_lesson(text, "text", exercises=True)
    except MarkupError as error:
        above = text.split("\n")[: int(error.place.removeprefix("text:"))]
        raise cells[sum(bool(LIKE_A_HEADER.match(line)) for line in above) - 1].error(error.sentence) from None
    for cell, other in zip(cells, again, strict=True):
        if cell.content != other.content:
            raise cell.error("this cell does not survive as text: look for odd characters in it, a form feed for example")


# --- from source/ to lessons/ ---------------------------------------------------------------------------------------


def adopt(root: Path, wanted: list[str] | None = None, *, force: bool = False) -> list[str]:
    """Rewrite the lesson texts of a course from its source notebooks; all, or the wanted ones.

    Gives one line for every text written, passed over, or with a cell that lost something. Raises MarkupError, BuildError, with
    nothing written.
    """
    files: dict[str, bytes] = {}
    lines: list[str] = []
    for name in _names(root, wanted):
        path, target = f"source/{name}/{name}.ipynb", f"lessons/{name}/exercises.py"
        notebook = build.read_notebook(root / path)
        if notebook is None:
            raise BuildError(f"{path} is not a readable notebook")
        edited = derive.digest(notebook) != derive.recorded_digest(notebook, "source")
        if not force and _lesson_moved_on(root, name, notebook):
            if edited:
                raise BuildError(f"nothing adopted: {target} has changed since {path} was built, and so has {path}; "
                                 f"`python tools/adopt.py --force {name}` takes the notebook")  # fmt: skip
            lines.append(f"passed over {path}: nobody edited it, and {target} is newer; run `make build`")
            continue
        text, remarks = text_of(notebook, path)
        lines += remarks
        old = (root / target).read_text(encoding="utf-8") if (root / target).exists() else ""
        if text != old:
            files[target] = text.encode()
            lines.append(f"wrote {target}: {_changes(old, text)}")
        if edited:
            _note_edits_are_home(notebook, target)
            files[path] = derive.to_bytes(notebook)
    build.write_all(root, files)
    return lines


def _names(root: Path, wanted: list[str] | None) -> list[str]:
    names = sorted(path.parent.name for path in (root / "source").glob("*/*.ipynb") if path.stem == path.parent.name)
    for name in wanted or []:
        if name not in names:
            raise BuildError(f"no notebook source/{name}/{name}.ipynb; there are: {', '.join(names) or 'none'}")
    return [name for name in names if not wanted or name in wanted]


def _lesson_moved_on(root: Path, name: str, notebook: NotebookNode) -> bool:
    """Whether the lesson text is not the one that the notebook was built from."""
    cells = build.read_cells(root, name, "exercises")
    return cells is not None and derive.digest(derive.source_notebook(cells)) != derive.recorded_digest(notebook, "source")


def _note_edits_are_home(notebook: NotebookNode, text: str) -> None:
    """Let the notebook count as untouched: from now on the lesson text has what was edited in it."""
    digests = notebook.metadata.get("filterlab", {}).get("digest", {})
    derive.sign(notebook, text, {**digests, "source": derive.digest(notebook)})


def _changes(old: str, new: str) -> str:
    """How many cells differ between two lesson texts, in words."""
    parts = [re.split(r"(?m)^(?=# %%)", text.strip("\n")) for text in (old, new)]
    before, after = ([part.strip("\n") for part in text if part.strip()] for text in parts)
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    count = sum(max(i2 - i1, j2 - j1) for kind, i1, i2, j1, j2 in blocks if kind != "equal")
    return f"{count} cell{'s' * (count != 1)} changed" if count else "only blank lines changed"


def main(arguments: list[str] | None = None) -> int:
    """The command line. Gives the exit code: 0, or 1 after a sentence that says why."""
    parser = argparse.ArgumentParser(description="Bring home what was edited in source/ with JupyterLab.")
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="only these, e.g. 01_filters (default: all)")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1], help="the course's folder (default: this one)")
    parser.add_argument("--force", action="store_true", help="take the notebook even where the lesson text has changed as well")
    given = parser.parse_args(arguments)
    try:
        print("\n".join(adopt(given.root.resolve(), given.lessons, force=given.force)) or "nothing to adopt: the lesson texts have it all")
        return 0
    except (MarkupError, BuildError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
