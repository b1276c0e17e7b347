"""Any notebook grades: what was handed in becomes a sheet with every graded cell exactly once, in an order that works.

`Original` is the sheet as the instructor released it: its order comes from the instructor's notebook, what stands in its graded cells
from the gradebook, as in nbgrader itself. `repair` finds the student's answer to each cell: by nbgrader's id, by the cell's own id, or by
what it defines. Whatever else the student wrote stays where it stood. Remarks for the instructor go to `nb.metadata.filterlab.remarks`.
"""

import functools
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Notebook
from nbgrader.utils import compute_checksum

from filterlab.grading.reading import Cell, Unreadable, defined, read_cells, squeezed

FUNCTION = re.compile(r"^(?:async\s+def|def|class)\s", re.MULTILINE)
MARKS = ("grade_id", "grade", "solution", "locked", "points")
NAMED_IN_A_REMARK = 8
HIDDEN = re.compile(r"^[^\n]*BEGIN HIDDEN TESTS.*?END HIDDEN TESTS[^\n]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, eq=False)
class OriginalCell:
    """A cell of the released sheet; `marks` is empty unless nbgrader knows the cell."""

    kind: str
    source: str
    id: str
    marks: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.marks.get("grade_id", "")

    @property
    def is_answer(self) -> bool:
        return self.marks.get("solution", False)

    @property
    def is_test(self) -> bool:
        return self.kind == "code" and self.marks.get("grade", False) and not self.is_answer

    @functools.cached_property
    def versions(self) -> set[str]:
        """What it may look like when nobody has changed it: with the hidden tests, and as students have it."""
        return {squeezed(self.source), squeezed(HIDDEN.sub("", self.source))}

    @functools.cached_property
    def wanted(self) -> set[str]:
        """The names that its answer has to define."""
        return defined(self.source) if self.is_answer and self.kind == "code" else set()

    def untouched(self) -> NotebookNode:
        return self.filled(self.source)

    def filled(self, source: str, attachments: dict[str, Any] | None = None) -> NotebookNode:
        """The cell as nbgrader wants it, with this text in it."""
        node = _node(self.kind, source, self.id, attachments)
        if self.marks:
            node.metadata.update({"deletable": False, "nbgrader": dict(self.marks)})
            if self.marks["locked"]:
                node.metadata["editable"] = False
        return node


@dataclass(frozen=True)
class Original:
    """A sheet as it was released."""

    cells: tuple[OriginalCell, ...]
    kernelspec: dict[str, str]

    @classmethod
    def of(cls, notebook: NotebookNode, record: Notebook) -> "Original":
        """From the instructor's version (or the released one) and what the gradebook knows of it."""
        marks = _marks(record)
        sources = {cell.name: cell.source or "" for cell in record.source_cells}
        kinds = {cell.name: cell.cell_type for cell in record.source_cells}
        cells, found = [], set()
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
            if name in marks and name not in found:
                found.add(name)
                cells.append(OriginalCell(kinds[name], sources[name], cell.get("id", name), marks[name]))
            elif not name:
                cells.append(OriginalCell(cell.cell_type, cell.source, cell.get("id", "")))
        # Cells that the instructor has deleted since: they were released, so they count.
        cells += [OriginalCell(kinds[name], sources[name], name, marks[name]) for name in sorted(marks.keys() - found)]
        return cls(tuple(cells), json.loads(record.kernelspec or "{}") or notebook.metadata.get("kernelspec", {}))

    @property
    def graded(self) -> list[OriginalCell]:
        return [cell for cell in self.cells if cell.marks]

    @property
    def set_up(self) -> OriginalCell | None:
        """The first code cell, unless it is graded: it imports what the others use."""
        first = next((cell for cell in self.cells if cell.kind == "code"), None)
        return first if first and not first.marks else None

    def untouched(self, remarks: Iterable[dict[str, str]] = ()) -> NotebookNode:
        return self.notebook([cell.untouched() for cell in self.cells], remarks)

    def notebook(self, cells: list[NotebookNode], remarks: Iterable[dict[str, str]]) -> NotebookNode:
        """A notebook of today's format with these cells; each gets an id of its own."""
        taken: set[str] = set()
        for number, cell in enumerate(cells):
            if not cell.id or cell.id in taken:
                cell.id = f"extra-{number}"
            taken.add(cell.id)
        metadata = {"kernelspec": self.kernelspec, "language_info": {"name": "python"}, "filterlab": {"remarks": list(remarks)}}
        return nbformat.from_dict({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _marks(record: Notebook) -> dict[str, dict[str, Any]]:
    """nbgrader's metadata for each cell that the gradebook knows."""
    points = {cell.name: cell.max_score for cell in [*record.grade_cells, *record.task_cells]}
    graded, tasks = {cell.name for cell in record.grade_cells}, {cell.name for cell in record.task_cells}
    solutions = {cell.name for cell in record.solution_cells}
    return {
        cell.name: {
            "grade_id": cell.name,
            "grade": cell.name in graded,
            "solution": cell.name in solutions,
            "task": cell.name in tasks,
            "locked": cell.locked,
            "cell_type": cell.cell_type,
            "checksum": cell.checksum,
            "schema_version": 3,
            **({"points": points[cell.name]} if cell.name in points else {}),
        }
        for cell in record.source_cells
    }


def _node(kind: str, source: str, cell_id: str, attachments: dict[str, Any] | None = None) -> NotebookNode:
    node: dict[str, Any] = {"cell_type": kind, "id": cell_id, "metadata": {}, "source": source}
    if kind == "code":
        node |= {"execution_count": None, "outputs": []}
    elif attachments:
        node["attachments"] = attachments
    return nbformat.from_dict(node)


def repair(raw: bytes, original: Original, notes: Iterable[str] = ()) -> NotebookNode:
    """The sheet to grade. `notes` are sentences about how the file was found. What cannot be read becomes the untouched sheet."""
    try:
        cells, found = read_cells(raw)
        return _Repair(cells, original, [*notes, *found]).sheet()
    except Unreadable as error:
        return unreadable(str(error), original)


def unreadable(reason: str, original: Original) -> NotebookNode:
    """The untouched sheet, which earns nothing, with the reason for it."""
    return original.untouched([{"kind": "unreadable", "text": f"Nothing could be graded: {reason}."}])


@dataclass(eq=False)
class _Item:
    """A cell of the repaired sheet while its place is looked for; `original` is the cell whose place it takes."""

    node: NotebookNode
    original: OriginalCell | None = None


class _Repair:
    """One repair. `homes`: which original cell each cell was, by its ids; `chosen`: which one it is taken for, by its number;
    `findings`: the names of cells, by what was found."""

    def __init__(self, cells: list[Cell], original: Original, notes: list[str]) -> None:
        self.cells, self.original, self.notes = cells, original, notes
        self.by_name = {cell.name: cell for cell in original.graded}
        self.by_id = {cell.id: cell for cell in original.cells if cell.id}
        self.given = {squeezed(cell.source): cell for cell in original.cells if not cell.marks and cell.source.strip()}
        self.homes = [self._home(cell) for cell in cells]
        self.chosen: dict[int, OriginalCell] = {}
        self.findings: dict[tuple[str, str], list[str]] = {}

    def sheet(self) -> NotebookNode:
        self._choose()
        if not self.cells:
            raise Unreadable("the notebook is empty")
        if not self.chosen and not any(self.homes):
            raise Unreadable("the notebook holds none of this sheet's cells; it may belong to another assignment")
        items = [item for number, cell in enumerate(self.cells) for item in self._kept(number, cell)]
        self._put_back(items)
        self._tests_after_answers(items)
        self._set_up_first(items)
        return self.original.notebook([item.node for item in items], self._remarks())

    def _find(self, kind: str, text: str, name: str) -> None:
        names = self.findings.setdefault((kind, text), [])
        if name not in names:
            names.append(name)

    def _remarks(self) -> list[dict[str, str]]:
        remarks = [{"kind": "repaired", "text": f"{note[:1].upper()}{note[1:]}."} for note in self.notes]
        for (kind, text), names in self.findings.items():
            more = f" and {len(names) - NAMED_IN_A_REMARK} more" if len(names) > NAMED_IN_A_REMARK else ""
            remarks.append({"kind": kind, "text": f"{text}: {', '.join(names[:NAMED_IN_A_REMARK])}{more}."})
        return remarks

    # Which cell is which

    def _home(self, cell: Cell) -> OriginalCell | None:
        """The original cell that this one was, by its ids; a given cell also by its text."""
        return self.by_name.get(cell.grade_id) or self.by_id.get(cell.id) or self.given.get(cell.squeezed)

    def _choose(self) -> None:
        for wanted in self.original.graded:
            ranked = [
                (rank, number)
                for number, cell in enumerate(self.cells)
                if number not in self.chosen and self.homes[number] in (wanted, None) and (rank := self._rank(number, cell, wanted))
            ]
            if ranked:
                self.chosen[max(ranked)[1]] = wanted

    def _rank(self, number: int, cell: Cell, wanted: OriginalCell) -> tuple[bool, ...] | None:
        """How well this cell fits as the wanted one; None: not at all. Of two that fit equally the last is taken, as the kernel would."""
        at_home, same = self.homes[number] is wanted, cell.squeezed in wanted.versions
        if not wanted.is_answer:
            return (same, cell.grade_id == wanted.name, at_home) if same or at_home else None
        if wanted.kind == "markdown":
            in_place = at_home or (cell.kind != "code" and self._stands_below(number, wanted))
            return (not same, cell.grade_id == wanted.name, at_home) if in_place else None
        defines = bool(wanted.wanted) and not same and wanted.wanted <= cell.defined
        return (defines, at_home and not same, cell.grade_id == wanted.name, at_home) if at_home or same or defines else None

    def _stands_below(self, number: int, wanted: OriginalCell) -> bool:
        """Whether a cell follows the one that the wanted cell follows: how a text is found that has lost its ids."""
        above = self.original.cells[self.original.cells.index(wanted) - 1]
        return number > 0 and self.homes[number - 1] is above

    # What stays

    def _kept(self, number: int, cell: Cell) -> list[_Item]:
        """What becomes of a cell handed in: the one it was chosen for, a cell of the student's own, or nothing."""
        if number in self.chosen:
            wanted = self.chosen[number]
            return self._answer(cell, wanted) if wanted.is_answer else self._locked(cell, wanted)
        home = self.homes[number]
        if home is None or not home.marks:
            return self._own(cell, home)
        if cell.squeezed in home.versions or not cell.squeezed:
            self._find("repaired", "Copies of these cells were left out", home.name)
            return []
        self._find("repaired", "These cells stand there more than once; one was graded, the others stay as the student's own", home.name)
        return self._own(cell)

    def _own(self, cell: Cell, given: OriginalCell | None = None) -> list[_Item]:
        if not cell.squeezed and not cell.attachments:
            return []
        return [_Item(_node(cell.kind, cell.source, cell.id, cell.attachments), given)]

    def _answer(self, cell: Cell, wanted: OriginalCell) -> list[_Item]:
        self._compare_marks(cell, wanted)
        self._compare_kind(cell, wanted)
        if cell.squeezed in wanted.versions and self._answered_elsewhere(cell, wanted):
            return [_Item(self._pointer(wanted), wanted)]
        return [_Item(wanted.filled(cell.source, cell.attachments), wanted)]

    def _answered_elsewhere(self, cell: Cell | None, wanted: OriginalCell) -> bool:
        """Whether another code cell defines what an untouched one should."""
        others = (other for other in self.cells if other is not cell and other.kind == "code" and other.squeezed not in wanted.versions)
        return bool(wanted.wanted) and any(wanted.wanted <= other.defined for other in others)

    def _pointer(self, wanted: OriginalCell) -> NotebookNode:
        """In the place of an untouched answer: it would undo the one that stands in another cell."""
        self._find("repaired", "The answers to these stand in other cells", wanted.name)
        return wanted.filled(f"# {', '.join(sorted(wanted.wanted))}: answered in another cell")

    def _locked(self, cell: Cell, wanted: OriginalCell) -> list[_Item]:
        """A test (or another cell that students may not edit) as it was released, and what the student made of it if that may matter."""
        self._compare_marks(cell, wanted)
        items = [_Item(wanted.untouched(), wanted)]
        if cell.squeezed in wanted.versions:
            self._compare_kind(cell, wanted)
            return items
        if self._was_released(cell, cell.source):
            self._find("repaired", "These cells came from another release of the sheet and were replaced by this one's", wanted.name)
        else:
            self._find("tampered", "These cells are locked and had been edited; they were replaced by the released ones", wanted.name)
        if wanted.kind == "markdown":
            return [*items, *self._own(Cell("markdown", cell.source, attachments=cell.attachments))]
        return [*self._own(Cell("code", cell.source)), *items] if FUNCTION.search(cell.source) else items

    def _compare_kind(self, cell: Cell, wanted: OriginalCell) -> None:
        if cell.kind != wanted.kind:
            self._find("repaired", f"These cells had been turned into {cell.kind} cells, and were turned back", wanted.name)

    def _compare_marks(self, cell: Cell, wanted: OriginalCell) -> None:
        if not cell.marks:
            self._find("repaired", "These cells had lost nbgrader's marks", wanted.name)
        elif any(cell.marks.get(key, wanted.marks.get(key)) != wanted.marks.get(key) for key in MARKS):
            if not (self._was_released(cell, cell.source) or self._was_released(cell, wanted.source)):
                self._find("tampered", "These cells had other marks (id, points or kind) than the released ones", wanted.name)
        elif cell.marks.get("schema_version") != wanted.marks["schema_version"]:
            self._find("repaired", "These cells had marks of another version of nbgrader", wanted.name)

    def _was_released(self, cell: Cell, source: str) -> bool:
        """Whether the cell's own checksum fits this text and its marks: then another release had it like that, or somebody took trouble."""
        node = nbformat.from_dict({"cell_type": cell.kind, "source": source, "metadata": {"nbgrader": cell.marks}})
        try:
            return cell.marks.get("checksum") == compute_checksum(node)
        except (KeyError, ValueError, TypeError, AttributeError):
            return False

    # What is missing, and where things belong

    def _put_back(self, items: list[_Item]) -> None:
        """Puts the graded cells that are missing behind the cells that they followed."""
        place = -1
        for wanted in self.original.cells:
            here = next((number for number, item in enumerate(items) if item.original is wanted), None)
            if here is not None:
                place = here
            elif wanted.marks:
                elsewhere = wanted.is_answer and self._answered_elsewhere(None, wanted)
                place = self._behind(items, place)
                items.insert(place, _Item(self._pointer(wanted) if elsewhere else wanted.untouched(), wanted))
                self._find("repaired", "These cells were missing and were put back", wanted.name)

    def _behind(self, items: list[_Item], place: int, passing: Collection[OriginalCell | None] = (None,)) -> int:
        """The first place behind this cell and the student's own cells that follow it (or other cells to be passed)."""
        place += 1
        while place < len(items) and items[place].original in passing:
            place += 1
        return place

    def _tests_after_answers(self, items: list[_Item]) -> None:
        """A test that stands before an answer which it may need moves behind it. The student's own cells keep their order."""
        answers: list[OriginalCell] = []
        tests: list[OriginalCell] = []
        for wanted in self.original.graded:
            if wanted.is_answer and wanted.kind == "code":
                answers.append(wanted)
            if wanted.is_test:
                here = next(number for number, item in enumerate(items) if item.original is wanted)
                last = max((number for number, item in enumerate(items) if item.original in answers), default=-1)
                if here < last:
                    item = items.pop(here)
                    items.insert(self._behind(items, last - 1, [None, *tests]), item)
                    self._find("repaired", "These tests stood before an answer that they need and were moved behind it", wanted.name)
                tests.append(wanted)

    def _set_up_first(self, items: list[_Item]) -> None:
        """The cell that imports what the others use stands first, unless the student has one there that does all that it does."""
        set_up = self.original.set_up
        if set_up is None:
            return
        needed = {squeezed(line) for line in set_up.source.splitlines()}
        for item in items:
            if item.original is not None and item.original.marks and item.node.cell_type == "code":
                break
            if item.node.cell_type == "code" and needed <= {squeezed(line) for line in item.node.source.splitlines()} | {""}:
                return
        items.insert(0, _Item(set_up.untouched(), set_up))
        self.notes.append("the first code cell, which imports what the others use, was missing or changed; the released one was put first")
