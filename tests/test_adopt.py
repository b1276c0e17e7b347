"""tools/adopt.py: what an instructor edits in source/ with JupyterLab comes home, and nobody's work is lost."""

import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.test_build import EXERCISES, RELEASE, SOURCE, TASK, TEXT, cell_of, edit, edit_text, make_course, read, snapshot
from tools import adopt, build, derive, markup


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("adopt") / "course")


@pytest.fixture
def course(built, tmp_path):
    return Path(shutil.copytree(built, tmp_path / "course"))


def with_cells(course: Path, *cells, after: str = "why_two") -> None:
    """Put cells into the source notebook, as JupyterLab does."""
    notebook = read(course / SOURCE)
    place = notebook.cells.index(cell_of(notebook, after)) + 1
    notebook.cells[place:place] = cells
    nbformat.write(notebook, course / SOURCE)


def graded(new_cell, source: str, grade_id: str, points=None, *flags: str):
    """A cell as nbgrader's Create Assignment tool leaves it: random cell id, all flags, points as the field gave them."""
    flags = dict.fromkeys(flags, True)
    data = {"grade": False, "solution": False, "locked": False, "task": False} | flags
    data |= {"schema_version": 3, "grade_id": grade_id} | ({} if points is None else {"points": points})
    return new_cell(source, metadata={"nbgrader": data})


def adopt_and_build(course: Path) -> str:
    """Bring the edits home and build; afterwards nothing is left to do in either direction. Gives the new lesson text."""
    assert adopt.adopt(course)
    build.build(course)
    before = snapshot(course)
    assert adopt.adopt(course) == [] and build.build(course) == [] and build.check(course) == []
    assert snapshot(course) == before
    return (course / TEXT).read_text()


# --- there and back -------------------------------------------------------------------------------------------------


def test_an_untouched_build_gives_the_text_byte_for_byte(course, capsys):
    assert adopt.text_of(read(course / SOURCE), SOURCE) == (EXERCISES, [])
    before = snapshot(course)
    assert adopt.main(["--root", str(course)]) == 0
    assert capsys.readouterr().out == "nothing to adopt: the lesson texts have it all\n"
    assert snapshot(course) == before


def test_a_task_goes_there_and_comes_home(course):
    (course / TEXT).write_text(EXERCISES + TASK)
    build.build(course)
    assert adopt.text_of(read(course / SOURCE), SOURCE) == (EXERCISES + TASK, [])
    edit(course / SOURCE, "project", "Ten points", "Nine points")
    notebook = read(course / SOURCE)
    cell_of(notebook, "project").metadata.nbgrader.points = 9.0
    nbformat.write(notebook, course / SOURCE)
    assert adopt_and_build(course) == EXERCISES + TASK.replace("Ten", "Nine").replace("points=10", "points=9")


def test_a_text_in_another_form_is_put_in_jupytexts(course):
    edit_text(course, "# %% [markdown]\n# ## In words", "\n\n# %% [markdown]\n# ## In words")
    assert build.build(course) == []
    assert adopt.adopt(course) == [f"wrote {TEXT}: only blank lines changed"]
    assert (course / TEXT).read_text() == EXERCISES


def test_edits_come_home(course):
    notebook = read(course / SOURCE)
    cell_of(notebook, "double").source = cell_of(notebook, "double").source.replace("2 * x", "x + x")
    cell_of(notebook, "test_double_any").source += "\nassert True"
    cell_of(notebook, "test_double_any").metadata.nbgrader.points = 4.0
    heading = next(cell for cell in notebook.cells if cell.source.startswith("## Double it: `double` · 3 points"))
    heading.source = heading.source.replace("Double it", "Twice it")
    cell_of(notebook, "why_two").source += "\nand after the answer"
    nbformat.write(notebook, course / SOURCE)
    assert build.check(course) == [f"{SOURCE} was edited by hand: run `make adopt`"]
    assert adopt.adopt(course) == [f"wrote {TEXT}: 4 cells changed"]
    assert build.check(course)[0] == f"{SOURCE} is not what {TEXT} gives: run `make build`"
    text = adopt_and_build_text(course)
    assert "\n# ## Twice it: `double`\n" in text and "return x + x" in text and "### END HIDDEN TESTS\nassert True" in text
    assert '# %% test="double_any" points=4\n' in text and "# ### END SOLUTION\n# and after the answer\n" in text
    assert "## Twice it: `double` · 5 points" in (course / RELEASE).read_text()


def adopt_and_build_text(course: Path) -> str:
    """As adopt_and_build, after an adopt."""
    build.build(course)
    assert adopt.adopt(course) == [] and build.build(course) == [] and build.check(course) == []
    return (course / TEXT).read_text()


def test_cells_of_the_create_assignment_tool_come_home(course):
    """An autograded answer and a written one without markers (nbgrader takes out the whole cell), tests, read-only, plain, empty cells."""
    with_cells(
        course,
        graded(new_code_cell, "def triple(x):\n    return 3 * x", "triple", None, "solution"),
        graded(new_code_cell, '"""triple gives thrice a number."""\nassert triple(2) == 6', "test_triple_small", 2.0, "grade", "locked"),
        graded(new_markdown_cell, "Three is odd.", "why_three", 1, "grade", "solution"),
        graded(new_markdown_cell, "Read this.", "cell-1a2b3c", None, "locked"),
        new_markdown_cell("Plain.", metadata={"tags": ["x"]}),
        new_code_cell("plain = 1", execution_count=3, outputs=[nbformat.v4.new_output("stream", text="a line that was printed")]),
        new_code_cell(""),
    )
    assert adopt.adopt(course) == [
        f"{SOURCE}, cell 15 `cell-1a2b3c` was read-only: the lesson text has it as a plain cell",
        f"wrote {TEXT}: 6 cells changed",
    ]
    text = adopt_and_build_text(course)
    assert text == EXERCISES + (
        '\n# %% solution="triple"\n### BEGIN SOLUTION\ndef triple(x):\n    return 3 * x\n### END SOLUTION\n\n'
        '\n# %% test="triple_small" points=2\n"""triple gives thrice a number."""\nassert triple(2) == 6\n'
        '\n# %% [markdown] answer="why_three" points=1\n# ### BEGIN SOLUTION\n# Three is odd.\n# ### END SOLUTION\n'
        "\n# %% [markdown]\n# Read this.\n\n# %% [markdown]\n# Plain.\n\n# %%\nplain = 1\n"
    )
    release = read(course / RELEASE)
    assert cell_of(release, "triple").source == "raise NotImplementedError  # your code here"
    assert cell_of(release, "why_three").source == "*Your answer here.*"


def test_removed_and_moved_cells_come_home(course):
    notebook = read(course / SOURCE)
    notebook.cells.remove(cell_of(notebook, "test_double_any"))
    first = notebook.cells.pop(0)
    notebook.cells.append(first)
    nbformat.write(notebook, course / SOURCE)
    text = adopt_and_build(course)
    assert "double_any" not in text and text.endswith("# %% [markdown]\n# # Exercises\n")
    assert "`double` · 1 point\\n" in (course / RELEASE).read_text()


def test_a_release_that_nbgrader_made_meanwhile_is_no_obstacle(course):
    """Edit in JupyterLab, formgrader's Generate, make adopt, make build."""
    notebook = read(course / SOURCE)
    cell_of(notebook, "test_double_any").metadata.nbgrader.points = 9
    cell_of(notebook, "double").source = cell_of(notebook, "double").source.replace("Twice", "Two times")
    nbformat.write(notebook, course / SOURCE)
    release = build.student_versions(course, {"01_small": notebook})["01_small"]
    (course / RELEASE).write_bytes(derive.to_bytes(release))
    adopt_and_build(course)
    assert "`double` · 10 points" in (course / RELEASE).read_text()


def test_a_text_that_goes_on_after_adopting_is_built(course):
    """The notebook still has the instructor's edit; it is home, so nothing stands in the way."""
    edit(course / SOURCE, "double", "2 * x", "x + x")
    adopt.adopt(course)
    edit_text(course, "return x + x", "return sum((x, x))")
    assert len(build.build(course)) == 3
    assert build.check(course) == [] and "sum((x, x))" in (course / SOURCE).read_text()


def test_a_notebook_made_by_hand_becomes_a_lesson(course):
    notebook = nbformat.v4.new_notebook(cells=[new_markdown_cell("# By hand"), new_code_cell("1 + 1")])
    (course / "source" / "by_hand").mkdir()
    nbformat.write(notebook, course / "source" / "by_hand" / "by_hand.ipynb")
    (course / "lessons" / "by_hand").mkdir()
    assert adopt.adopt(course) == ["wrote lessons/by_hand/exercises.py: 2 cells changed"]
    assert (course / "lessons" / "by_hand" / "exercises.py").read_text() == "# %% [markdown]\n# # By hand\n\n# %%\n1 + 1\n"
    build.build(course)
    assert build.check(course) == []


@pytest.mark.parametrize(
    "source",
    ["# copy the border\nx = 1", "# why?\nx = 1", "#ls\nmv = 2", 'x = """\n\n\n"""', "%pip list", "x = 1\n\n\n\n# end", "y = 'ü'  "],
)
def test_any_code_survives(source):
    cells = [markup.Cell("code", source), markup.Cell("markdown", "text\n\n```\nx\n```\n  \n* [ ] `# %` ü")]
    again = markup.read_lesson(markup.lesson_text(cells), "x.py", exercises=True)
    assert [cell.content for cell in again] == [cell.content for cell in cells]


# --- bad input ------------------------------------------------------------------------------------------------------

SENTENCE = '"""double is good."""'
BAD_CELLS = [
    (graded(new_code_cell, SENTENCE, "cell-1a2b", 1, "grade", "locked"), "`cell-1a2b`: the id of a test cell is test_EXERCISE"),
    (graded(new_code_cell, SENTENCE, "test_triple_x", 1, "grade", "locked"), "must begin with an exercise of this file"),
    (graded(new_code_cell, SENTENCE, "test_double_x", 0, "grade", "locked"), "0 points: they must be a whole number"),
    (graded(new_code_cell, SENTENCE, "test_double_x", 1.5, "grade", "locked"), "1.5 points: they must be a whole number"),
    (graded(new_code_cell, SENTENCE, "test_double_x", None, "grade", "locked"), "0 points: they must be a whole number"),
    (graded(new_code_cell, SENTENCE, "test_double_any", 1, "grade", "locked"), "`test_double_any` is there already"),
    (graded(new_code_cell, "assert 1", "test_double_x", 1, "grade", "locked"), "docstring sentence"),
    (graded(new_code_cell, "assert (", "test_double_x", 1, "grade", "locked"), "line 1: test cell `double_x` is not valid Python"),
    (graded(new_code_cell, "1", "why_x", 1, "grade", "solution"), "no such kind of graded code cell: choose Autograded"),
    (graded(new_markdown_cell, "1", "x", None, "solution"), "no such kind of graded markdown cell: choose Manually graded answer"),
    (graded(new_markdown_cell, "1", "x", 1, "task", "locked"), "task cell `x` has no `### BEGIN MARK SCHEME`"),
    (graded(new_markdown_cell, "1", "x", None, "task", "locked"), "0 points: they must be a whole number"),
    (graded(new_code_cell, "1", "x", 1, "task", "locked"), "no such kind of graded code cell"),
    (graded(new_markdown_cell, "1", "essay", 1, "grade", "solution"), "begins with why_ or what_"),
    (graded(new_markdown_cell, "1", "why_x", 0, "grade", "solution"), "0 points"),
    (graded(new_code_cell, "### BEGIN SOLUTION\n1", "x", None, "solution"), "line 1: this BEGIN has no END"),
    (graded(new_code_cell, "", "x", None, "solution"), "empty"),
    (new_code_cell("### BEGIN SOLUTION\n### END SOLUTION"), "belongs in a cell with solution or answer"),
    (new_code_cell("1\n# %% [markdown]\n2"), "line 2: this line would be read as the header of a new cell"),
    (new_markdown_cell("a\n%% b"), "line 2: this line would be read as the header of a new cell"),
    (new_markdown_cell("## `double` (5 points)"), "no points in a heading"),
    (new_code_cell('x = """open'), "a string or a ``` fence that is opened in this cell is not closed"),
    (new_markdown_cell("a\x0cb"), "does not survive"),
    (new_raw_cell("raw"), "this is a raw cell"),
    (new_markdown_cell("![](attachment:a.png)", attachments={"a.png": {"image/png": ""}}), "a picture pasted into a cell"),
]


@pytest.mark.parametrize(("cell", "sentence"), BAD_CELLS, ids=[sentence[:40] for _, sentence in BAD_CELLS])
def test_what_the_markup_cannot_say_stops_with_the_cell(course, capsys, cell, sentence):
    with_cells(course, cell, after="test_double_any")
    before = snapshot(course)
    assert adopt.main(["--root", str(course)]) == 1
    out, err = capsys.readouterr()
    assert err.startswith(f"{SOURCE}, cell 7") and sentence in err and err.count("\n") == 1 and out == ""
    assert snapshot(course) == before


def test_one_bad_notebook_stops_all(course, capsys):
    shutil.copytree(course / "lessons" / "01_small", course / "lessons" / "00_small")
    build.build(course)
    edit(course / "source" / "00_small" / "00_small.ipynb", "double", "2 * x", "x + x")
    with_cells(course, new_raw_cell("raw"))
    before = snapshot(course)
    assert adopt.main(["--root", str(course)]) == 1
    assert f"{SOURCE}, cell" in capsys.readouterr().err and snapshot(course) == before
    assert adopt.adopt(course, ["00_small"]) == ["wrote lessons/00_small/exercises.py: 1 cell changed"]


def test_a_newer_text_is_not_overwritten(course):
    """Nobody edited the notebook: there is nothing to bring home."""
    edit_text(course, "return 2 * x", "return x + x")
    before = snapshot(course)
    assert adopt.adopt(course) == [f"passed over {SOURCE}: nobody edited it, and {TEXT} is newer; run `make build`"]
    assert snapshot(course) == before


def test_edits_on_both_sides_stop(course, capsys):
    edit_text(course, "Twice x.", "Two times x.")
    edit(course / SOURCE, "double", "2 * x", "x + x")
    before = snapshot(course)
    assert adopt.main(["--root", str(course)]) == 1
    assert capsys.readouterr().err == (
        f"nothing adopted: {TEXT} has changed since {SOURCE} was built, and so has {SOURCE}; "
        "`python tools/adopt.py --force 01_small` takes the notebook\n"
    )
    assert snapshot(course) == before
    assert adopt.adopt(course, force=True) == [f"wrote {TEXT}: 1 cell changed"]
    text = adopt_and_build_text(course)
    assert "Twice x." in text and "x + x" in text


def test_other_bad_input_is_told_in_one_sentence(course, capsys):
    assert adopt.main(["--root", str(course), "09_none"]) == 1
    assert capsys.readouterr().err == "no notebook source/09_none/09_none.ipynb; there are: 01_small\n"
    (course / SOURCE).write_text("<<<<<<< HEAD\n{}")
    assert adopt.main(["--root", str(course)]) == 1
    assert capsys.readouterr().err == f"{SOURCE} is not a readable notebook\n"
