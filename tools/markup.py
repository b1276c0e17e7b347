"""The mark-up of lesson texts: four words in the headers of jupytext percent cells.

    # %% solution="response"
    # %% test="response_window" points=2
    # %% [markdown] answer="why_zero_sum" points=2
    # %% [markdown] task="project" points=10

An answer is written into its own cell; a task is worked on in the cells below it, and holds the grader's mark scheme, between
`### BEGIN MARK SCHEME` and `### END MARK SCHEME`, which students do not see. A person grades both.

What it does, in order:
1. `read_lesson` finds the header lines and checks each word by word, so that an error has its file and line.
2. It lets jupytext read the cells, and stops where jupytext sees other cells than the header lines say.
3. `check_cells` holds the cells against the rules: ids, points, markers, the sentence that opens a test.
4. `lesson_text` goes the other way: from cells to text, in jupytext's own form.
"""

import ast
import re
from dataclasses import dataclass

import jupytext
from jupytext.pep8 import pep8_lines_between_cells
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

# Without comment_magics=False jupytext takes the comment "# copy the border" for a shell command and uncomments it.
PERCENT = {"extension": ".py", "format_name": "percent", "comment_magics": False}

WORDS = ("solution", "test", "answer", "task")
WRITTEN = ("answer", "task")  # on markdown cells, graded by a person
THE_WORDS = (
    'the words are solution="NAME", test="NAME_what" points=N, [markdown] answer="why_what" points=N, and [markdown] task="NAME" points=N'
)
LONGEST_ID = 64  # nbformat allows no longer cell id

# All that jupytext takes for a header, and all that an author may have meant for one.
LIKE_A_HEADER = re.compile(r"\s*#\s*(%%|<codecell>\s*$|In\[[0-9 ]*\]:?\s*$)")
HEADING_WITH_NAME = re.compile(r"(#{1,6} .*`(\w+)`)( · \d+ points?)?\s*$")
POINTS_BY_HAND = re.compile(r"#{1,6} .*`\W*\d+ points?\W*$")
MARKER = re.compile(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)")
# nbgrader has one more of its own, and would start a kernel for it.
FOREIGN_MARKER = re.compile(r"#.*\bAUTOTEST\b")
HOME_OF_MARKER = {"SOLUTION": ("solution", "answer"), "HIDDEN TESTS": ("test",), "MARK SCHEME": ("task",)}


class MarkupError(Exception):
    """A lesson that cannot be built: `place: sentence`, where place is `file:line` or names a notebook's cell."""

    def __init__(self, place: str, sentence: str) -> None:
        super().__init__(f"{place}: {sentence}")
        self.place, self.sentence = place, sentence


@dataclass(frozen=True)
class Cell:
    """One cell of a lesson, in the terms of the mark-up."""

    kind: str  # "code" or "markdown"
    source: str
    word: str = ""  # "solution", "test", "answer", "task"; "" for a plain cell
    name: str = ""  # what stands between the word's quotes
    points: int | None = None
    path: str = ""  # where it was read, for messages: a file, or a notebook and its cell
    line: int = 0  # line of the header, 0 in a notebook
    first: int = 0  # line of the first line of source

    @property
    def grade_id(self) -> str:
        """The id that nbgrader keeps for the cell; "" for a plain cell."""
        return f"test_{self.name}" if self.word == "test" else self.name

    @property
    def content(self) -> tuple[str, str, str, str, int | None]:
        """All that makes the cell, without where it was read."""
        return self.kind, self.source, self.word, self.name, self.points

    def error(self, sentence: str, offset: int | None = None) -> MarkupError:
        """A MarkupError at the header, or at the source line with this offset."""
        if not self.line:
            return MarkupError(self.path if offset is None else f"{self.path}, line {offset + 1}", sentence)
        return MarkupError(f"{self.path}:{self.line if offset is None else self.first + offset}", sentence)


# --- from text to cells ---------------------------------------------------------------------------------------------


def read_lesson(text: str, path: str, *, exercises: bool) -> list[Cell]:
    """The cells of a lesson text.

    path is named in errors. In a lecture (`exercises=False`) none of the four words may stand.
    Raises MarkupError.
    """
    lines = text.split("\n")
    if not lines[0].startswith("# %%"):
        raise MarkupError(f"{path}:1", "a lesson text begins with a `# %%` line (and has no jupytext header)")
    headers = [_header(line, path, number) for number, line in enumerate(lines, 1) if LIKE_A_HEADER.match(line)]
    notebook = jupytext.reads(text, fmt=PERCENT)
    ends = [header.line - 1 for header in headers[1:]] + [len(lines)]
    cells = []
    for index, (header, end) in enumerate(zip(headers, ends, strict=True)):
        body = lines[header.line : end]
        if header.word and not exercises:
            raise header.error("a lecture has no exercises: move this cell to the exercises.py beside it")
        _check_body(header, body, notebook.cells[index] if index < len(notebook.cells) else None)
        blank = next((n for n, line in enumerate(body) if line.strip()), 0)
        source = notebook.cells[index].source.strip("\n")
        cells.append(Cell(header.kind, source, header.word, header.name, header.points, path, header.line, header.line + 1 + blank))
    check_cells(cells)
    return cells


def _header(line: str, path: str, number: int) -> Cell:
    """The cell that one header line announces, still without source."""
    place = f"{path}:{number}"
    if not re.match(r"# %%( |$)", line):
        raise MarkupError(place, f"`{line.strip()}` is no cell header: write `# %%`, a space, then the words")
    words = re.findall(r'\w+="[^"]*"(?=\s|$)|\S+', line[4:])
    kind = "markdown" if words[:1] == ["[markdown]"] else "code"
    found: dict[str, str] = {}
    for word in words[kind == "markdown" :]:
        key, equals, value = word.partition("=")
        if key not in (*WORDS, "points") or not equals:
            raise MarkupError(place, f"`{word}` is not known in a cell header; {THE_WORDS}")
        if key in found or (key in WORDS and found.keys() & set(WORDS)):
            raise MarkupError(place, f"`{word}` is one too many: a cell has one word and one number of points")
        if key in WORDS and not re.fullmatch(r'"[^"]*"', value):
            raise MarkupError(place, f'`{word}` lacks its quotes: write {key}="NAME"')
        if key == "points" and not re.fullmatch(r"[1-9]\d*", value):
            raise MarkupError(place, f"`{word}`: points must be a whole number of at least 1")
        found[key] = value.strip('"')
    word = next((key for key in found if key in WORDS), "")
    return Cell(kind, "", word, found.get(word, ""), int(found["points"]) if "points" in found else None, path, number)


def _check_body(header: Cell, body: list[str], read: NotebookNode | None) -> None:
    """Raise MarkupError where a cell's lines are not what the header says or not what jupytext read."""
    if header.kind == "markdown":
        for offset, line in enumerate(body, header.line + 1):
            if line.strip() and not line.startswith("#"):
                raise MarkupError(f"{header.path}:{offset}", "a line of a [markdown] cell begins with `#`; is a `# %%` line missing above?")
    alone = jupytext.reads("\n".join(["# %%" + " [markdown]" * (header.kind == "markdown"), *body]), fmt=PERCENT).cells
    if read is None or len(alone) != 1 or (read.cell_type, read.source.strip("\n")) != (header.kind, alone[0].source.strip("\n")):
        raise header.error("a string or a ``` fence that is opened in this cell is not closed in it")


# --- the rules ------------------------------------------------------------------------------------------------------


def check_cells(cells: list[Cell]) -> None:
    """Raise MarkupError at the first cell that breaks a rule of the mark-up."""
    exercises = [cell.name for cell in cells if cell.word == "solution"]
    seen: set[str] = set()
    for cell in cells:
        _check_header(cell)
        if cell.word == "test" and exercise_of(cell, exercises) is None:
            raise cell.error(f'the id of test="{cell.name}" must begin with an exercise of this file, as in test="NAME_what"')
        if cell.word and cell.grade_id in seen:
            raise cell.error(f"the id `{cell.grade_id}` is there already: every id stands once")
        seen.add(cell.grade_id)
        _check_source(cell)


def exercise_of(test: Cell, exercises: list[str]) -> str | None:
    """The exercise that a test cell belongs to: `conv2d_fast_shape` is of `conv2d_fast`, not of `conv2d`; None if there is none."""
    return max((name for name in exercises if test.name.startswith(f"{name}_")), key=len, default=None)


def _check_header(cell: Cell) -> None:
    if (cell.word in WRITTEN) != (cell.kind == "markdown") and cell.word:
        kind = "[markdown]" if cell.word in WRITTEN else "code"
        raise cell.error(f'{cell.word}="{cell.name}" belongs on a {kind} cell')
    if not cell.word and cell.points is not None:
        raise cell.error("points stand beside test, answer or task only")
    if cell.word == "solution" and cell.points is not None:
        raise cell.error("points stand on the test cells of an exercise, not on its solution")
    if cell.word in ("test", *WRITTEN) and (cell.points is None or cell.points < 1):
        raise cell.error(f'{cell.word}="{cell.name}" needs points=N, a whole number of at least 1')
    if cell.word and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", cell.name):
        raise cell.error(f"`{cell.name}` is no id: letters, digits and underscores, beginning with a letter")
    if len(cell.grade_id) > LONGEST_ID:
        raise cell.error(f"the id `{cell.grade_id}` is longer than {LONGEST_ID} characters")
    if cell.word == "answer" and not re.match(r"(why|what)_\w", cell.name):
        raise cell.error(f'answer="{cell.name}": the id of a written answer begins with why_ or what_')


def _check_source(cell: Cell) -> None:
    if not cell.source.strip():
        raise cell.error("this cell is empty: give it a line, a comment at least, or take it out")
    _check_markers(cell)
    for offset, line in enumerate(cell.source.split("\n")):
        if LIKE_A_HEADER.match(f"# {line}" if cell.kind == "markdown" else line):
            raise cell.error("this line would be read as the header of a new cell", offset)
        if cell.kind == "markdown" and POINTS_BY_HAND.match(line):
            raise cell.error("no points in a heading: the builder prints them there, from the cell headers", offset)
    if cell.word == "test":
        _check_sentence(cell)


def _check_markers(cell: Cell) -> None:
    """Markers stand alone on their lines, in the right cells, in pairs that are not nested."""
    opened, any_found = None, False
    for offset, line in enumerate(cell.source.split("\n")):
        if FOREIGN_MARKER.search(line):
            raise cell.error("nbgrader's AUTOTEST is not used in this course", offset)
        found = MARKER.search(line)
        if not found:
            continue
        side, what = found.groups()
        if line.strip() != f"### {found[0]}":
            raise cell.error(f"a marker stands alone on its line, exactly as `### {found[0]}`", offset)
        if cell.word not in HOME_OF_MARKER[what]:
            raise cell.error(f"`### {found[0]}` belongs in a cell with {' or '.join(HOME_OF_MARKER[what])} in its header", offset)
        if side == "BEGIN" and opened is not None:
            raise cell.error(f"`### BEGIN {what}` inside another one: END the first before", offset)
        if side == "END" and opened is None:
            raise cell.error(f"`### END {what}` without a BEGIN before it", offset)
        opened, any_found = (offset if side == "BEGIN" else None), True
    if opened is not None:
        raise cell.error("this BEGIN has no END in its cell", opened)
    if cell.word in ("solution", "answer") and not any_found:
        raise cell.error(f"{cell.word} cell `{cell.name}` has no `### BEGIN SOLUTION` … `### END SOLUTION` around the answer")
    if cell.word == "task" and not any_found:
        raise cell.error(f"task cell `{cell.name}` has no `### BEGIN MARK SCHEME` … `### END MARK SCHEME` around what the grader goes by")
    if cell.word == "task" and not for_students(cell.source).strip():
        raise cell.error(f"task cell `{cell.name}` is nothing but its mark scheme: say what students are to do")


def _check_sentence(cell: Cell) -> None:
    """A test cell is Python, with and without its hidden tests, and opens with a docstring whose first line is a sentence."""
    visible = for_students(cell.source)
    try:
        ast.parse(cell.source)
    except SyntaxError as error:
        raise cell.error(f"test cell `{cell.name}` is not valid Python: {error.msg}", (error.lineno or 1) - 1) from None
    try:
        tree = ast.parse(visible)
    except SyntaxError as error:
        raise cell.error(f"test cell `{cell.name}` is not valid Python without its hidden tests: {error.msg}") from None
    first = (ast.get_docstring(tree) or "").split("\n")[0].strip()
    if not visible.startswith('"""') or not re.search(r"\w.*[.?!]$", first):
        raise cell.error(f"test cell `{cell.name}` must open with a docstring sentence that says what it checks", 0)


# --- markers and points in a cell's source --------------------------------------------------------------------------


def without_markers(source: str) -> str:
    """The source with all that stands between markers, without the markers."""
    return "\n".join(line for line in source.split("\n") if not MARKER.search(line)).strip("\n")


def for_students(source: str) -> str:
    """The source of a test or a task as a student sees it: without hidden tests and mark scheme."""
    return re.sub(r"(?m)^[^\n]*BEGIN (HIDDEN TESTS|MARK SCHEME)(.|\n)*?END \1[^\n]*(\n|\Z)", "", source).strip("\n")


def points_of(cells: list[Cell]) -> dict[str, int]:
    """Points of every exercise (the sum over its test cells), written answer and task, by id."""
    exercises = [cell.name for cell in cells if cell.word == "solution"]
    points: dict[str, int] = {}
    for cell in cells:
        if cell.points is not None:
            name = cell.name if cell.word in WRITTEN else exercise_of(cell, exercises) or cell.name
            points[name] = points.get(name, 0) + cell.points
    return points


def with_points(source: str, points: dict[str, int]) -> str:
    """Markdown with ` · N points` after every heading that ends with the name of something that gives points."""

    def printed(line: str) -> str:
        heading = HEADING_WITH_NAME.match(line)
        if not heading or heading[2] not in points:
            return line
        number = points[heading[2]]
        return f"{heading[1]} · {number} {'point' if number == 1 else 'points'}"

    return "\n".join(printed(line) for line in source.split("\n"))


def without_points(source: str) -> str:
    """Markdown with the points that `with_points` printed taken off again."""
    return "\n".join(heading[1] if (heading := HEADING_WITH_NAME.match(line)) and heading[3] else line for line in source.split("\n"))


# --- from cells to text ---------------------------------------------------------------------------------------------


def lesson_text(cells: list[Cell]) -> str:
    """The lesson text of some cells: jupytext's form, with blank lines that depend on the two cells around them only.

    (jupytext alone looks further, so that a cell added here would change blank lines there.)
    """
    # No jupytext header above the first cell; in the cells' headers our words and nothing else.
    notebook = new_notebook(metadata={"jupytext": {"notebook_metadata_filter": "-all", "cell_metadata_filter": "all"}})
    for cell, following in zip(cells, [*cells[1:], None], strict=True):
        new_cell = new_code_cell if cell.kind == "code" else new_markdown_cell
        words: dict[str, str | int] = {cell.word: cell.name} if cell.word else {}
        if cell.points is not None:
            words["points"] = cell.points
        notebook.cells.append(new_cell(cell.source, metadata=words | {"lines_to_next_cell": _blank_lines(cell, following)}))
    return jupytext.writes(notebook, fmt=PERCENT).rstrip("\n") + "\n"


def _blank_lines(cell: Cell, following: Cell | None) -> int:
    """Two blank lines around functions and classes, as PEP 8 wants it; one elsewhere."""
    if cell.kind == "markdown" or following is None:
        return 1
    below = following.source.split("\n") if following.kind == "code" else ["pass"]
    return pep8_lines_between_cells(cell.source.split("\n"), below, ".py")
