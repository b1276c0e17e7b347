"""Reads what a student handed in, whatever it is: cells without outputs, or one sentence that says why there are none.

Nothing here trusts the file. It may be a link, a folder, a pipe, empty, huge, in an old format, in another encoding, or no notebook at all.
"""

import functools
import json
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

# Bounds far above any sheet that a person wrote: what is longer is left out, so that it cannot fill the memory of those who grade it.
LARGEST_FILE = 100_000_000  # bytes; nbgrader's own bound for what it collects
LARGEST_CELL = 1_000_000  # characters
LARGEST_PICTURES = 5_000_000  # characters of pictures pasted into one cell of text
MOST_CELLS = 1000
KINDS = ("code", "markdown", "raw")
DEFINITION = re.compile(r"^(?:async\s+def|def|class)\s+(\w+)|^(\w+)[ \t]*(?::[^=\n]+)?=(?!=)", re.MULTILINE)


class Unreadable(Exception):
    """Why nothing can be read from what was handed in: one sentence for the instructor."""


@dataclass
class Cell:
    """A cell as handed in. `marks` is its nbgrader metadata, for what it is worth."""

    kind: str
    source: str
    id: str = ""
    marks: dict[str, Any] = field(default_factory=dict)
    attachments: dict[str, Any] = field(default_factory=dict)

    @property
    def grade_id(self) -> str:
        grade_id = self.marks.get("grade_id")
        return grade_id if isinstance(grade_id, str) else ""

    @functools.cached_property
    def squeezed(self) -> str:
        return squeezed(self.source)

    @functools.cached_property
    def defined(self) -> set[str]:
        return defined(self.source)


def squeezed(text: str) -> str:
    """The text without any white space: what is compared when white space does not count."""
    return "".join(text.split())


def defined(source: str) -> set[str]:
    """The names that a cell gives a meaning to at its left edge. Works on code that does not run, too."""
    return {name for match in DEFINITION.finditer(source) for name in match.groups() if name}


def leads_out(path: Path, folder: Path) -> bool:
    """Whether a link (anywhere below the folder) leads out of it, or nowhere."""
    try:
        return not path.resolve(strict=True).is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return True


def read_file(path: Path) -> bytes:
    """The bytes of a file handed in. Raises Unreadable; never follows a link out of the file's folder, never waits for a pipe."""
    if not os.path.lexists(path):
        raise Unreadable(f"{path.name} was not handed in")
    if path.is_symlink() and leads_out(path, path.parent):
        raise Unreadable(f"{path.name} is a link that leads out of the submission; it was not followed")
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise Unreadable(f"{path.name} is a folder, not a file")
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(f"{path.name} is not a file")
        if status.st_size > LARGEST_FILE:
            raise Unreadable(f"{path.name} has {status.st_size / 1e6:.0f} MB, and {LARGEST_FILE / 1e6:.0f} are the most that is read")
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read: {error.strerror}") from error


def read_cells(raw: bytes) -> tuple[list[Cell], list[str]]:
    """The cells, and sentences about what had to be put right to read them. Raises Unreadable."""
    if not raw.strip():
        raise Unreadable("the file is empty")
    notes: list[str] = []
    notebook = _notebook(_parsed(raw, notes), notes)
    cells = [cell for cell in map(_cell, notebook["cells"]) if cell is not None]
    if len(cells) > MOST_CELLS:
        notes.append(f"it has {len(cells)} cells; only the first {MOST_CELLS} were read")
    for cell in cells[:MOST_CELLS]:
        if len(cell.source) > LARGEST_CELL:
            notes.append(f"a cell of {len(cell.source) / 1e6:.0f} million characters was cut to {LARGEST_CELL / 1e6:.0f} million")
            cell.source = cell.source[:LARGEST_CELL]
    return cells[:MOST_CELLS], notes


def _parsed(raw: bytes, notes: list[str]) -> Any:
    try:
        try:
            return json.loads(raw)  # UTF-8, 16 or 32, with or without a byte order mark
        except UnicodeDecodeError:
            notes.append("the file is not in UTF-8; it was read as Windows-1252, other letters than a–z may be wrong")
            return json.loads(raw.decode("cp1252", errors="replace"))
    except RecursionError as error:
        raise Unreadable("the file is nested too deeply to be a notebook") from error
    except ValueError as error:
        place = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Unreadable(f"the file is not a notebook: it is not JSON{place}") from error


def _notebook(parsed: Any, notes: list[str]) -> dict[str, Any]:
    """A notebook whose `cells` are a list; those of old formats are brought to this one."""
    if not isinstance(parsed, dict) or not ("cells" in parsed or "worksheets" in parsed):
        raise Unreadable("the file is JSON, but not a notebook: it has no cells")
    if "cells" not in parsed:
        old = parsed.get("nbformat", 3)
        try:
            parsed = nbformat.convert(nbformat.from_dict({"metadata": {}, "nbformat_minor": 0, **parsed, "nbformat": old}), 4)
        except Exception as error:
            raise Unreadable(f"the file is a notebook in the old format {old}, and damaged") from error
        notes.append(f"it was in the old notebook format {old}")
    if not isinstance(parsed["cells"], list):
        raise Unreadable("the file is JSON, but not a notebook: its cells are no list")
    return parsed


def _cell(found: Any) -> Cell | None:
    if not isinstance(found, dict):
        return None
    source = found.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    metadata = found.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    kind, cell_id = found.get("cell_type"), found.get("id")
    return Cell(
        kind=kind if kind in KINDS else "markdown",
        # Half of a surrogate pair is legal in JSON and cannot be written to any file; a null byte is none of Python's.
        source=source.encode("utf-8", "replace").decode().replace("\x00", "") if isinstance(source, str) else "",
        id=cell_id if isinstance(cell_id, str) and re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell_id) else "",
        marks=marks if isinstance(marks, dict) else {},
        attachments=_attachments(found.get("attachments")),
    )


def _attachments(found: Any) -> dict[str, Any]:
    """Pictures pasted into a cell of text, if they are what they should be."""
    if not isinstance(found, dict) or not all(isinstance(bundle, dict) for bundle in found.values()):
        return {}
    contents = [content for bundle in found.values() for content in bundle.values()]
    if not all(isinstance(content, str) for content in contents) or sum(map(len, contents)) > LARGEST_PICTURES:
        return {}
    return {
        str(name): {kind: content for kind, content in bundle.items() if re.fullmatch(r"image/(png|jpeg|gif)", kind)}
        for name, bundle in found.items()
    }
