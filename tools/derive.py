"""From the cells of a lesson to notebooks; nothing here reads or writes a file.

What it does, in order:
1. `lecture_notebook`, `source_notebook` and `solutions_notebook` make the notebooks, with ids that are words or stay the same
   from build to build, and nbgrader's full metadata (schema 3) where a cell is graded.
2. `digest` is the fingerprint of a notebook's cells: what an author can edit, not what running or saving it changes.
3. `sign` notes in a notebook which text it was made from and what its digest was, so that an edit by hand shows later.
"""

import hashlib
import json
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.markup import Cell, for_students, points_of, with_points, without_markers, without_points

# No Python version here: the build must not depend on the machine.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# (grade, solution, locked, task) of a cell in nbgrader's metadata.
FLAGS = {
    "solution": (False, True, False, False),
    "test": (True, False, True, False),
    "answer": (True, True, False, False),
    "task": (False, False, True, True),
}


def lecture_notebook(cells: list[Cell]) -> NotebookNode:
    """The notebook of a lecture."""
    return _notebook(cells, [cell.source for cell in cells], [{} for _ in cells])


def source_notebook(cells: list[Cell]) -> NotebookNode:
    """nbgrader's instructor version of exercises: answers, hidden tests, metadata, points in the headings."""
    points = points_of(cells)
    sources = [with_points(cell.source, points) if cell.kind == "markdown" else cell.source for cell in cells]
    return _notebook(cells, sources, [_nbgrader_metadata(cell) for cell in cells])


def solutions_notebook(cells: list[Cell]) -> NotebookNode:
    """The exercises with their answers, to read and run: no markers, no hidden tests, no mark scheme, nothing of nbgrader."""
    points = points_of(cells)
    sources = [without_markers(for_students(cell.source)) for cell in cells]
    # release/NAME/NAME.ipynb lies one folder deeper than solutions/NAME.ipynb, and links are written for there.
    sources = [
        with_points(text, points).replace("](../../", "](../") if cell.kind == "markdown" else text
        for cell, text in zip(cells, sources, strict=True)
    ]
    return _notebook(cells, sources, [{} for _ in cells])


def _notebook(cells: list[Cell], sources: list[str], metadata: list[dict[str, Any]]) -> NotebookNode:
    notebook = new_notebook(metadata=METADATA)
    for cell, cell_id, source, data in zip(cells, _cell_ids(cells), sources, metadata, strict=True):
        new_cell = new_code_cell if cell.kind == "code" else new_markdown_cell
        notebook.cells.append(new_cell(source, id=cell_id, metadata=data))
    return notebook


def _nbgrader_metadata(cell: Cell) -> dict[str, Any]:
    """nbgrader's metadata, schema 3, of one cell; empty for a plain one."""
    if not cell.word:
        return {}
    grade, solution, locked, task = FLAGS[cell.word]
    data = {"grade": grade, "solution": solution, "locked": locked, "task": task, "schema_version": 3, "grade_id": cell.grade_id}
    return {"nbgrader": data | ({"points": cell.points} if grade or task else {})}


def _cell_ids(cells: list[Cell]) -> list[str]:
    """Graded cells are called by their grade_id, others by their content, so that a new cell changes no other cell's id."""
    ids: list[str] = []
    count: dict[str, int] = {}
    for cell in cells:
        fingerprint = hashlib.sha256(f"{cell.kind}\n{cell.source}".encode()).hexdigest()[:8]
        name = cell.grade_id or f"{'text' if cell.kind == 'markdown' else 'code'}-{fingerprint}"
        count[name] = count.get(name, 0) + 1
        ids.append(name if count[name] == 1 else f"{name}-{count[name]}")
    return ids


def digest(notebook: NotebookNode) -> str:
    """Fingerprint of what an author edits: type, source, and nbgrader's metadata of every cell.

    Left out: outputs, counts, ids, other metadata, the points in headings, empty cells and blank lines at a cell's ends, because
    running and saving in JupyterLab, nbgrader itself, or the builder change them.
    """
    cells = []
    for cell in notebook.cells:
        source = cell.source.strip("\n")
        data = graded(cell)
        if source.strip() or data:
            cells.append([cell.cell_type, without_points(source) if cell.cell_type == "markdown" else source, data])
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:16]


def graded(cell: NotebookNode) -> dict[str, Any]:
    """What nbgrader's metadata says of a notebook's cell, with the defaults filled in; empty if the cell is plain."""
    data = cell.metadata.get("nbgrader") or {}
    flags = {flag: bool(data.get(flag, False)) for flag in ("grade", "solution", "locked", "task")}
    if not any(flags.values()):
        return {}
    points = data.get("points", 0)
    if isinstance(points, float) and points.is_integer():
        points = int(points)  # JupyterLab and nbgrader write 2 or 2.0
    return flags | {"grade_id": data.get("grade_id", "")} | ({"points": points} if flags["grade"] or flags["task"] else {})


def sign(notebook: NotebookNode, derived_from: str, digests: dict[str, str]) -> None:
    """Note in the notebook its lesson text and its digest, by folder.

    source/ and release/ carry the same note, with both digests: nbgrader copies it from one to the other, and so makes the same release
    as the builder, byte for byte, whoever calls it.
    """
    notebook.metadata["filterlab"] = {"derived_from": derived_from, "digest": digests}


def derived_from(notebook: NotebookNode) -> str:
    """The lesson text noted by `sign`; "" where there is no note."""
    return str(_note(notebook).get("derived_from", ""))


def recorded_digest(notebook: NotebookNode, folder: str) -> str:
    """The digest noted by `sign` for a folder; "" where there is no note."""
    digests = _note(notebook).get("digest")
    return str(digests.get(folder, "")) if isinstance(digests, dict) else ""


def _note(notebook: NotebookNode) -> dict[str, Any]:
    note = notebook.metadata.get("filterlab")
    return note if isinstance(note, dict) else {}


def to_bytes(notebook: NotebookNode) -> bytes:
    """The file of a notebook, as nbformat and JupyterLab write it."""
    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode()
