"""tools/build.py on a small course, with the real nbgrader; and the gates on the lessons of this project."""

import ast
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools import build, derive, markup

PROJECT = Path(__file__).resolve().parents[1]

# The comments are a trap: jupytext would take "# copy …" and "# why?" for shell and help commands, and uncomment them.
EXERCISES = '''\
# %% [markdown]
# # Exercises

# %%
import math

# copy the border
# why?
ready = True

# %% [markdown]
# ## Double it: `double`
#
# Twice the number.

# %% solution="double"
def double(x):
    """Twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


# %% test="double_small" points=1
"""double doubles a small number."""
assert double(2) == 4

# %% test="double_any" points=2
"""double doubles any number."""
assert double(-1) == -2
### BEGIN HIDDEN TESTS
assert double(math.pi) == 6.283185307179586
### END HIDDEN TESTS

# %% [markdown]
# ## Double it twice: `double_twice`

# %% solution="double_twice"
def double_twice(x):
    ### BEGIN SOLUTION
    return double(double(x))
    ### END SOLUTION


# %% test="double_twice_small" points=1
"""double_twice gives four times a number."""
assert double_twice(2) == 8

# %% [markdown]
# ## In words: `why_two`

# %% [markdown] answer="why_two" points=2
# ### BEGIN SOLUTION
# Because two is the *smallest* prime.
# ### END SOLUTION
'''
LECTURE = """\
# %% [markdown]
# # What doubling is
#
# A heading with a name gets nothing printed in a lecture:
# ## `double`

# %%
2 * 2
"""
# What only the tests of tasks append to EXERCISES.
TASK = """
# %% [markdown]
# ## On your own: `project`

# %% [markdown] task="project" points=10
# Find something to double, in the cells below.
#
# ### BEGIN MARK SCHEME
# Ten points for a *surprise*.
# ### END MARK SCHEME
"""
TEXT = "lessons/01_small/exercises.py"
SOURCE, RELEASE = "source/01_small/01_small.ipynb", "release/01_small/01_small.ipynb"
SOLUTIONS, NOTEBOOK = "solutions/01_small.ipynb", "notebooks/01_small.ipynb"


def make_course(root: Path) -> Path:
    """A course with one lesson, built."""
    (root / "lessons" / "01_small").mkdir(parents=True)
    shutil.copy(PROJECT / "nbgrader_config.py", root)
    (root / TEXT).write_text(EXERCISES)
    (root / "lessons" / "01_small" / "lecture.py").write_text(LECTURE)
    build.build(root)
    return root


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The sample course; read it, do not change it."""
    return make_course(tmp_path_factory.mktemp("built") / "course")


@pytest.fixture(scope="session")
def commands(built, tmp_path_factory):
    """The two commands that these tests really start, started together because importing nbgrader takes each some seconds."""
    broken, plain = (Path(shutil.copytree(built, tmp_path_factory.mktemp("command") / name)) for name in ("broken", "plain"))
    edit_text(broken, SOLUTION, "# %% solution=double")
    (plain / RELEASE).unlink()
    generate = [sys.executable, "-m", "nbgrader", "generate_assignment", "01_small", "--force", "--no-db"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    yield {
        "build": subprocess.Popen([sys.executable, str(PROJECT / "tools" / "build.py"), "--root", str(broken)], **pipes),
        "nbgrader": subprocess.Popen(generate, cwd=plain, **pipes),
        "made by nbgrader": plain / RELEASE,
    }


@pytest.fixture
def course(built, tmp_path):
    """A copy of the sample course to work on."""
    return Path(shutil.copytree(built, tmp_path / "course"))


def snapshot(root: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below root with its content and time of writing."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def read(path: Path):
    return nbformat.read(path, as_version=4)


def cell_of(notebook, cell_id: str):
    return next(cell for cell in notebook.cells if cell.id == cell_id)


def edit(path: Path, cell_id: str, old: str, new: str) -> None:
    """Change a cell's source as somebody in JupyterLab does."""
    notebook = read(path)
    assert old in cell_of(notebook, cell_id).source
    cell_of(notebook, cell_id).source = cell_of(notebook, cell_id).source.replace(old, new)
    nbformat.write(notebook, path)


def edit_text(course: Path, old: str, new: str, path: str = TEXT) -> None:
    text = (course / path).read_text()
    assert old in text
    (course / path).write_text(text.replace(old, new))


# --- mistakes in the mark-up ----------------------------------------------------------------------------------------

TEST = '# %% test="double_small" points=1'
ANSWER = '# %% [markdown] answer="why_two" points=2'
SOLUTION = '# %% solution="double"'
MODEL = "# ### BEGIN SOLUTION\n# Because two is the *smallest* prime.\n# ### END SOLUTION"
# (what to replace, by what, the line that the message must name, a part of its sentence)
BROKEN = [
    ("# %% [markdown]\n# # Exercises", "\n# %% [markdown]\n# # Exercises", 1, "begins with a `# %%` line"),
    ("# %% [markdown]\n# # Exercises", "# ---\n# jupyter: {}\n# ---\n# %%\n1", 1, "begins with a `# %%` line"),
    (SOLUTION, '#%% solution="double"', '#%% solution="double"', "no cell header"),
    (SOLUTION, '    # %% solution="double"', '    # %% solution="double"', "no cell header"),
    (SOLUTION, '# %%solution="double"', '# %%solution="double"', "no cell header"),
    ("# %%\nimport math", "# In[3]:\nimport math", "# In[3]:", "no cell header"),
    ("# %%\nimport math", "# %% imports\nimport math", "# %% imports", "`imports` is not known"),
    (SOLUTION, '# %% solutions="double"', '# %% solutions="double"', '`solutions="double"` is not known'),
    (SOLUTION, '# %% solution = "double"', '# %% solution = "double"', "is not known"),
    ("# %% [markdown]\n# # Exercises", "# %% [md]\n# # Exercises", 1, "`[md]` is not known"),
    ("# %%\nimport math", "# %% [raw]\nimport math", "# %% [raw]", "`[raw]` is not known"),
    (SOLUTION, '# %% solution="double" tags=["x"]', '# %% solution="double" tags', "is not known"),
    (SOLUTION, "# %% solution=double", "# %% solution=double", "lacks its quotes"),
    (SOLUTION, "# %% solution='double'", "# %% solution='double'", "lacks its quotes"),
    (SOLUTION, '# %% solution="double', '# %% solution="double\n', "lacks its quotes"),
    (SOLUTION, '# %% solution=""', '# %% solution=""', "is no id"),
    (SOLUTION, '# %% solution="double it"', '# %% solution="double it"', "is no id"),
    (TEST, '# %% test="double_small"', '# %% test="double_small"', "needs points=N"),
    (ANSWER, '# %% [markdown] answer="why_two"', '# %% [markdown] answer="why_two"', "needs points=N"),
    (TEST, '# %% test="double_small" points=0', "points=0", "whole number of at least 1"),
    (TEST, '# %% test="double_small" points=1.5', "points=1.5", "whole number of at least 1"),
    (TEST, '# %% test="double_small" points="1"', 'points="1"', "whole number of at least 1"),
    (TEST, '# %% test="double_small" points=-1', "points=-1", "whole number of at least 1"),
    (TEST, '# %% test="double_small" points=1 points=2', "points=1 points=2", "one too many"),
    (TEST, '# %% test="double_small" solution="double" points=1', '" solution="', "one too many"),
    (SOLUTION, '# %% solution="double" points=2', '# %% solution="double" points=2', "points stand on the test cells"),
    ("# %%\nimport math", "# %% points=2\nimport math", "# %% points=2", "points stand beside"),
    ('# %% solution="double_twice"', SOLUTION, '# %% solution="double"\ndef double_twice', "is there already"),
    (TEST, '# %% test="double_any" points=1', '# %% test="double_any" points=2', "is there already"),
    (TEST, '# %% test="triple_small" points=1', 'test="triple_small"', "must begin with an exercise of this file"),
    (TEST, '# %% test="double" points=1', 'test="double" points=1', "must begin with an exercise of this file"),
    (TEST, f'# %% test="double_{"x" * 60}" points=1', "xxx", "longer than 64"),
    (ANSWER, '# %% [markdown] answer="reason" points=2', 'answer="reason"', "begins with why_ or what_"),
    (ANSWER, '# %% answer="why_two" points=2', '# %% answer="why_two"', "belongs on a [markdown] cell"),
    (SOLUTION, '# %% [markdown] solution="double"', "def double(x)", "begins with `#`"),
    ("# %% [markdown]\n# ## In", '# %% [markdown] solution="in_words"\n# ## In', 'solution="in_words"', "belongs on a code cell"),
    ("    ### END SOLUTION\n\n\n# %% test=\"double_small", "\n\n# %% test=\"double_small", "    ### BEGIN SOLUTION", "has no END"),
    ("    ### BEGIN SOLUTION\n    return 2", "    return 2", "    ### END SOLUTION", "without a BEGIN"),
    ("    return 2 * x", "    ### BEGIN SOLUTION\n    return 2 * x", "    ### BEGIN SOLUTION\n    return 2", "inside another one"),
    ("    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION", "    return 2 * x", SOLUTION, "has no `### BEGIN SOLUTION`"),
    (MODEL, "# Because.", ANSWER, "has no `### BEGIN SOLUTION`"),
    ("### BEGIN SOLUTION\n    return 2", "# BEGIN SOLUTION\n    return 2", "    # BEGIN SOLUTION", "a marker stands alone"),
    ("return 2 * x\n    ### END SOLUTION", "return 2 * x\n    ### END SOLUTION!", "    ### END SOLUTION!", "a marker stands alone"),
    ("ready = True", "### BEGIN SOLUTION\n### END SOLUTION", "### BEGIN SOLUTION\n### END", "belongs in a cell with solution or answer"),
    ("    return 2 * x", "    ### BEGIN HIDDEN TESTS", "    ### BEGIN HIDDEN TESTS", "belongs in a cell with test"),
    ("# Twice the number.", "# BEGIN SOLUTION", "# BEGIN SOLUTION\n", "a marker stands alone"),
    ("### END HIDDEN TESTS\n", "", "### BEGIN HIDDEN TESTS", "has no END"),
    ("assert double(2) == 4", "### AUTOTEST double(2)", "### AUTOTEST", "not used in this course"),
    ('"""double doubles a small number."""\n', "", "assert double(2) == 4", "docstring sentence"),
    ('"""double doubles a small number."""', '"""doubles"""', '"""doubles"""', "docstring sentence"),
    ('"""double doubles a small number."""', "# double doubles.", "# double doubles.", "docstring sentence"),
    ('"""double doubles any number."""\n', '### BEGIN HIDDEN TESTS\n"""It does."""\n### END HIDDEN TESTS\n',
     "### BEGIN HIDDEN TESTS\n\"\"\"It", "docstring sentence"),
    ("assert double(2) == 4", "assert double(2) = 4", "assert double(2) = 4", "not valid Python"),
    ("### BEGIN HIDDEN TESTS", "for x in [1]:\n    ### BEGIN HIDDEN TESTS\n    pass", 'test="double_any"', "without its hidden tests"),
    ("# %%\nimport math", "# %%\n\n# %%\nimport math", "# %%\n\n", "this cell is empty"),
    ("# Twice the number.", "Twice the number.", "Twice the number.", "begins with `#`"),
    ("ready = True", 'ready = """', "# %%\nimport math", "is not closed in it"),
    ("# Twice the number.", "# ```", "# %% [markdown]\n# ## Double it:", "is not closed in it"),
    ("# ## Double it: `double`", "# ## Double it: `double` · 3 points", "· 3 points", "no points in a heading"),
    ("# ## Double it: `double`", "# ## Double it: `double` (3 points)", "(3 points)", "no points in a heading"),
    (ANSWER, '# %% [markdown] answer="project" points=2', 'answer="project"', "begins with why_ or what_"),
    (ANSWER, '# %% [markdown] task="project" points=2', "# ### BEGIN SOLUTION\n# Because", "belongs in a cell with solution or answer"),
    (ANSWER, '# %% [markdown] task="project"', 'task="project"', "needs points=N"),
    (ANSWER, '# %% task="project" points=2', 'task="project"', "belongs on a [markdown] cell"),
    (f"{ANSWER}\n{MODEL}", '# %% [markdown] task="project" points=2\n# Do.', 'task="project"', "has no `### BEGIN MARK SCHEME`"),
    (f"{ANSWER}\n{MODEL}", '# %% [markdown] task="project" points=2\n# ### BEGIN MARK SCHEME\n# Do.\n# ### END MARK SCHEME',
     'task="project"', "is nothing but its mark scheme"),
    ("# Twice the number.", "# ### BEGIN MARK SCHEME", "# ### BEGIN MARK SCHEME", "belongs in a cell with task"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "sentence"), BROKEN)
def test_a_broken_text_stops_the_build_with_file_and_line(course, capsys, old, new, where, sentence):
    if old == "# Twice the number." and new == "# ```":  # a fence is open only if some later line closes it
        edit_text(course, "# ## In words", "# ```\n# ## In words")
    edit_text(course, old, new)
    text = (course / TEXT).read_text()
    line = where if isinstance(where, int) else text[: text.index(where)].count("\n") + 1
    before = snapshot(course)
    assert build.main(["--root", str(course)]) == 1
    out, err = capsys.readouterr()
    assert err.startswith(f"{TEXT}:{line}: ") and sentence in err and err.count("\n") == 1 and out == ""
    assert snapshot(course) == before


@pytest.mark.parametrize("header", [SOLUTION, TEST, ANSWER])
def test_a_lecture_has_no_exercises(course, capsys, header):
    edit_text(course, "# %%\n2 * 2", f"{header}\n# 2 * 2", "lessons/01_small/lecture.py")
    before = snapshot(course)
    assert build.main(["--root", str(course)]) == 1
    sentence = "a lecture has no exercises: move this cell to the exercises.py beside it"
    assert capsys.readouterr().err == f"lessons/01_small/lecture.py:7: {sentence}\n"
    assert snapshot(course) == before


def test_one_broken_lesson_stops_all(course, capsys):
    """What another lesson would have given is not written either."""
    (course / "lessons" / "02_broken").mkdir()
    (course / "lessons" / "02_broken" / "exercises.py").write_bytes(b"# %% [markdown]\n# caf\xe9\n")
    edit_text(course, "return 2 * x", "return x + x")
    before = snapshot(course)
    assert build.main(["--root", str(course)]) == 1
    assert capsys.readouterr().err == "lessons/02_broken/exercises.py:2: this line is not UTF-8\n"
    assert snapshot(course) == before


def test_other_bad_input_is_told_in_one_sentence(course, capsys):
    assert build.main(["--root", str(course), "03_none"]) == 1
    assert capsys.readouterr().err == f"no lesson 03_none in {course / 'lessons'}; there are: 01_small\n"
    shutil.rmtree(course / "solutions")
    (course / "solutions").write_text("a file where a folder should be")
    before = snapshot(course)
    assert build.main(["--root", str(course)]) == 1
    err = capsys.readouterr().err
    assert "solutions" in err and err.count("\n") == 1
    assert snapshot(course) == before


def test_a_failure_of_nbgrader_shows_the_useful_line(course, capsys):
    (course / "nbgrader_config.py").write_text('get_config().ClearSolutions.code_stub = {"R": "fail()"}')
    before = snapshot(course)
    assert build.main(["--root", str(course)]) == 1
    err = capsys.readouterr().err
    assert err.startswith("nbgrader generate_assignment failed: ValueError: language 'python'") and err.count("\n") == 1
    assert snapshot(course) == before
    (course / "nbgrader_config.py").unlink()
    assert build.main(["--root", str(course)]) == 1
    assert capsys.readouterr().err.startswith(f"cannot read {course / 'nbgrader_config.py'}: ")


def test_the_command_prints_a_sentence_and_no_traceback(commands):
    out, err = commands["build"].communicate()
    assert commands["build"].returncode == 1 and out == ""
    line = EXERCISES[: EXERCISES.index(SOLUTION)].count("\n") + 1
    assert err == f'{TEXT}:{line}: `solution=double` lacks its quotes: write solution="NAME"\n'


# --- what is built --------------------------------------------------------------------------------------------------


def test_graded_cells_have_nbgraders_full_metadata(built):
    cells = {cell.id: cell.metadata.get("nbgrader") for cell in read(built / SOURCE).cells}
    common = {"task": False, "schema_version": 3}
    assert cells["double"] == {"grade": False, "solution": True, "locked": False, "grade_id": "double", **common}
    assert cells["test_double_any"] == {
        "grade": True, "solution": False, "locked": True, "points": 2, "grade_id": "test_double_any", **common,
    }  # fmt: skip
    assert cells["why_two"] == {"grade": True, "solution": True, "locked": False, "points": 2, "grade_id": "why_two", **common}
    assert sum(data is not None for data in cells.values()) == 6


@pytest.mark.parametrize("path", [SOURCE, RELEASE, SOLUTIONS, NOTEBOOK])
def test_notebooks_do_not_depend_on_the_machine(built, path):
    notebook = read(built / path)
    note = notebook.metadata.pop("filterlab")
    assert note["derived_from"] == f"lessons/01_small/{'lecture' if path == NOTEBOOK else 'exercises'}.py"
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
    data = (built / path).read_bytes()
    assert data.endswith(b"}\n") and data.startswith(b'{\n "cells"')


def test_ids_are_words_or_stay_when_a_cell_is_added():
    def ids(text):
        return [cell.id for cell in derive.source_notebook(markup.read_lesson(text, "x.py", exercises=True)).cells]

    before = ids(EXERCISES)
    after = ids(EXERCISES.replace("# %%\nimport math", "# %%\nnew = 1\n\n# %%\nimport math"))
    assert before == [one for one in after if one in before] and len(after) == len(before) + 1
    assert {"double", "test_double_small", "test_double_any", "double_twice", "test_double_twice_small", "why_two"} <= set(before)
    twins = ids(EXERCISES + "\n# %%\n1\n\n# %%\n1\n\n# %%\n1\n")[-3:]
    assert twins == [twins[0], f"{twins[0]}-2", f"{twins[0]}-3"]


@pytest.mark.parametrize("path", [SOURCE, RELEASE, SOLUTIONS])
def test_headings_show_the_points(built, path):
    """A test belongs to the longest exercise name that fits: double_twice_small is not of double."""
    text = "\n".join(cell.source for cell in read(built / path).cells if cell.cell_type == "markdown")
    assert "## Double it: `double` · 3 points\n" in text
    assert "## Double it twice: `double_twice` · 1 point\n" in text
    assert "## In words: `why_two` · 2 points" in text
    assert "points" not in (built / NOTEBOOK).read_text()


def test_the_student_gets_stubs_and_nothing_hidden(built):
    notebook = read(built / RELEASE)
    assert cell_of(notebook, "double").source == 'def double(x):\n    """Twice x."""\n    raise NotImplementedError  # your code here'
    assert cell_of(notebook, "why_two").source == "*Your answer here.*"
    assert cell_of(notebook, "test_double_any").source == '"""double doubles any number."""\nassert double(-1) == -2'
    assert "# copy the border\n# why?" in (built / RELEASE).read_text().replace('\\n",\n    "', "\n")
    assert sorted(path.name for path in (built / "release").rglob("*")) == ["01_small", "01_small.ipynb"]
    for secret in ("2 * x", "double(double(x))", "prime", "math.pi", "SOLUTION", "HIDDEN"):
        assert secret not in (built / RELEASE).read_text()


def test_the_solutions_show_answers_and_nothing_of_nbgrader(built):
    notebook = read(built / SOLUTIONS)
    assert cell_of(notebook, "double").source == 'def double(x):\n    """Twice x."""\n    return 2 * x'
    assert cell_of(notebook, "why_two").source == "Because two is the *smallest* prime."
    assert cell_of(notebook, "test_double_any").source == '"""double doubles any number."""\nassert double(-1) == -2'
    assert all(not cell.metadata for cell in notebook.cells)
    assert not re.search("SOLUTION|HIDDEN|math.pi|nbgrader", (built / SOLUTIONS).read_text())


def test_a_task_keeps_its_mark_scheme_from_students(course):
    (course / TEXT).write_text(EXERCISES + TASK)
    build.build(course)
    source, release, solutions = (cell_of(read(course / path), "project") for path in (SOURCE, RELEASE, SOLUTIONS))
    flags = {"grade": False, "solution": False, "locked": True, "task": True, "points": 10, "grade_id": "project", "schema_version": 3}
    assert source.metadata.nbgrader == flags and "Ten points for a *surprise*." in source.source
    assert {key: value for key, value in release.metadata.nbgrader.items() if key in flags} == flags
    assert release.source.strip() == solutions.source == "Find something to double, in the cells below." and not solutions.metadata
    for path in (RELEASE, SOLUTIONS):
        text = (course / path).read_text()
        assert "## On your own: `project` · 10 points" in text and "surprise" not in text and "MARK SCHEME" not in text
    assert build.check(course) == []


def test_a_rebuild_writes_nothing(course):
    before = snapshot(course)
    assert build.build(course) == []
    assert snapshot(course) == before
    for folder in build.FOLDERS:
        shutil.rmtree(course / folder)
    assert len(build.build(course)) == 4
    assert {path: data for path, (data, _) in snapshot(course).items()} == {path: data for path, (data, _) in before.items()}


def test_only_the_wanted_lesson_is_built(course):
    shutil.copytree(course / "lessons" / "01_small", course / "lessons" / "02_small")
    assert sorted(build.build(course, ["02_small"])) == [
        f"wrote {path}".replace("01_small", "02_small") for path in sorted([NOTEBOOK, RELEASE, SOLUTIONS, SOURCE])
    ]


def test_nbgrader_itself_makes_the_same_release(commands, built):
    """An instructor runs generate_assignment before grading; git must see no difference."""
    _, err = commands["nbgrader"].communicate()
    assert commands["nbgrader"].returncode == 0, err
    assert commands["made by nbgrader"].read_bytes() == (built / RELEASE).read_bytes()


def test_config_plugs_the_grader_in_and_leaves_the_rest(monkeypatch, course):
    from nbgrader.converters import Autograde

    monkeypatch.delenv("FILTERLAB_EXCHANGE", raising=False)
    config = build._nbgrader_config(course)
    steps, stock = config.Autograde.autograde_preprocessors, Autograde.autograde_preprocessors.default()
    assert steps[0] == "filterlab.grading.execute.Execute" and stock[0].__name__ == "Execute"
    # What nbgrader checks in the last one, repair.py has seen to.
    assert steps[1:] == [step for step in stock[1:] if step.__name__ != "CheckCellMetadata"]
    assert config.CourseDirectory.root == str(course) and config.CourseDirectory.course_id == "filterlab"
    assert "root" not in config.Exchange
    monkeypatch.setenv("FILTERLAB_EXCHANGE", "/srv/exchange")
    assert build._nbgrader_config(course).Exchange.root == "/srv/exchange"


# --- nobody's work is lost ------------------------------------------------------------------------------------------


def test_an_edited_source_is_kept(course, capsys):
    edit(course / SOURCE, "double", "2 * x", "x + x")
    before = snapshot(course)
    assert build.main(["--root", str(course)]) == 0
    line = f"kept {SOURCE}: edited by hand; `make adopt` brings the edits home, `make build FORCE=1` throws the edits away\n"
    assert capsys.readouterr().out == line
    assert snapshot(course) == before
    assert build.build(course, force=True) == [f"wrote {SOURCE}"]
    assert build.check(course) == []


@pytest.mark.parametrize(("path", "cell_id"), [(RELEASE, "double"), (SOLUTIONS, "double"), (NOTEBOOK, None)])
def test_other_edited_notebooks_are_kept(course, path, cell_id):
    edit(course / path, cell_id or read(course / NOTEBOOK).cells[0].id, "oub", "OUB")
    before = snapshot(course)
    text = f"lessons/01_small/{'lecture' if path == NOTEBOOK else 'exercises'}.py"
    advice = f"carry the edits over to {text}; `make build FORCE=1` throws the edits away"
    assert build.build(course) == [f"kept {path}: edited by hand; {advice}"]
    assert snapshot(course) == before


def test_a_kept_source_does_not_hold_back_the_others(course):
    """Here the lecture changed; the edited source stays, its release is that of the lesson text."""
    edit(course / SOURCE, "double", "2 * x", "x + x")
    edit_text(course, "2 * 2", "3 * 2", "lessons/01_small/lecture.py")
    (course / RELEASE).unlink()
    assert [line.split(":")[0] for line in build.build(course)] == [f"wrote {NOTEBOOK}", f"wrote {RELEASE}", f"kept {SOURCE}"]
    assert build.check(course) == [f"{SOURCE} was edited by hand: run `make adopt`"]


@pytest.mark.parametrize("path", [SOURCE, RELEASE, SOLUTIONS])
def test_an_edit_and_a_new_text_stop_the_build(course, capsys, path):
    edit(course / path, "double", "Twice x", "Two times x")
    edit_text(course, '"""Twice x."""', '"""x and x."""')
    before = snapshot(course)
    assert build.main(["--root", str(course)]) == 1
    err = capsys.readouterr().err
    assert err.startswith("nothing was built:\n") and f"{path} was edited by hand, and {TEXT} has changed since it was built; " in err
    assert snapshot(course) == before
    build.build(course, force=True)
    assert build.check(course) == []


def test_running_and_saving_is_no_edit(course):
    """JupyterLab adds outputs, counts, metadata, new ids and an empty last cell."""
    notebook = read(course / SOURCE)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"jupyterlab-{number}"
        cell.metadata |= {"editable": True, "slideshow": {"slide_type": ""}, "tags": [], "trusted": True}
        if cell.cell_type == "code":
            cell.execution_count = 1
            cell.outputs = [nbformat.v4.new_output("stream", text="hello")]
            cell.source += "\n"
        if "points" in cell.metadata.get("nbgrader", {}):
            cell.metadata.nbgrader.points = float(cell.metadata.nbgrader.points)
        elif "nbgrader" not in cell.metadata:
            cell.metadata.nbgrader = {"grade": False, "solution": False, "locked": False, "schema_version": 3}
    notebook.cells.append(nbformat.v4.new_code_cell(""))
    notebook.metadata.language_info = {"name": "python", "version": "3.13.1"}
    nbformat.write(notebook, course / SOURCE)
    assert build.check(course) == [f"{SOURCE} is not what {TEXT} gives: run `make build`"]
    assert build.build(course) == [f"wrote {SOURCE}"]
    assert build.check(course) == []


@pytest.mark.parametrize(("attribute", "value"), [("points", 5), ("grade_id", "test_double_all"), ("locked", False)])
def test_an_edit_of_nbgraders_metadata_is_an_edit(course, attribute, value):
    notebook = read(course / SOURCE)
    cell_of(notebook, "test_double_any").metadata.nbgrader[attribute] = value
    nbformat.write(notebook, course / SOURCE)
    assert build.build(course)[0].startswith(f"kept {SOURCE}: edited by hand")


@pytest.mark.parametrize("content", ["<<<<<<< HEAD\n{}", "", "[]", '{"cells": [{}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'])
def test_an_unreadable_notebook_is_not_overwritten(course, capsys, content):
    (course / SOURCE).write_text(content)
    before = snapshot(course)
    assert build.main(["--root", str(course)]) == 1
    assert f"{SOURCE} is not a readable notebook" in capsys.readouterr().err
    assert snapshot(course) == before
    assert f"{SOURCE} is not a readable notebook" in build.check(course)[0]
    assert build.build(course, force=True) == [f"wrote {SOURCE}"]


def test_somebody_elses_notebook_is_not_overwritten(course, capsys):
    notebook = read(course / NOTEBOOK)
    del notebook.metadata["filterlab"]
    notebook.cells[0].source = "# Mine"
    nbformat.write(notebook, course / NOTEBOOK)
    assert build.main(["--root", str(course)]) == 1
    assert f"{NOTEBOOK} was not made by this builder" in capsys.readouterr().err


def test_notebooks_of_a_lesson_that_is_gone_are_removed(course):
    shutil.copytree(course / "lessons" / "01_small", course / "lessons" / "02_small")
    build.build(course)
    shutil.copy(course / SOURCE, course / "source" / "02_small" / "02_small-Copy1.ipynb")  # somebody's own, whatever its note says
    shutil.copy(course / NOTEBOOK, course / "notebooks" / "mine.ipynb")
    shutil.copytree(course / "source" / "02_small", course / "source" / "backup")
    (course / ".ipynb_checkpoints").mkdir()
    edit(course / "solutions" / "02_small.ipynb", "double", "2 * x", "x + x")
    shutil.rmtree(course / "lessons" / "02_small")
    assert any("run `make build`, which removes it" in line for line in build.check(course))
    gone = [f"{folder}/02_small{end}.ipynb" for folder, end in [("notebooks", ""), ("release", "/02_small"), ("source", "/02_small")]]
    assert build.build(course) == [
        *(f"removed {path}: its lesson is gone" for path in gone),
        "kept solutions/02_small.ipynb: its lesson is gone, but it was edited by hand; `make build FORCE=1` throws the edits away",
    ]
    assert not (course / "release" / "02_small").exists() and (course / "source" / "02_small" / "02_small-Copy1.ipynb").exists()
    assert build.build(course, force=True) == ["removed solutions/02_small.ipynb: its lesson is gone"]
    assert (course / "notebooks" / "mine.ipynb").exists() and (course / "source" / "backup" / "02_small.ipynb").exists()


# --- --check --------------------------------------------------------------------------------------------------------


def test_check_names_the_command_that_mends(course, capsys):
    assert build.main(["--root", str(course), "--check"]) == 0
    assert capsys.readouterr().out == "the notebooks are what the lessons give\n"
    edit_text(course, "return 2 * x", "return x + x")
    (course / NOTEBOOK).unlink()
    shutil.copytree(course / "source" / "01_small", course / "source" / "by_hand")
    (course / "source" / "by_hand" / "01_small.ipynb").rename(course / "source" / "by_hand" / "by_hand.ipynb")
    before = snapshot(course)
    assert build.main(["--root", str(course), "--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{NOTEBOOK} is missing: run `make build`",
        f"{SOURCE} is not what {TEXT} gives: run `make build`",
        f"{RELEASE} is not what {TEXT} gives: run `make build`",
        f"{SOLUTIONS} is not what {TEXT} gives: run `make build`",
        "source/by_hand/by_hand.ipynb comes from no lesson: run `make adopt`, which makes one of it, or move it away",
    ]
    assert snapshot(course) == before


def test_check_sees_every_byte(course):
    (course / RELEASE).write_bytes((course / RELEASE).read_bytes() + b"\n")
    assert build.check(course) == [f"{RELEASE} is not what {TEXT} gives: run `make build`"]


# --- the gates on this project's lessons ----------------------------------------------------------------------------

LESSONS = build.lesson_names(PROJECT)
WITH_EXERCISES = [name for name in LESSONS if (PROJECT / "lessons" / name / "exercises.py").exists()]


@pytest.fixture(scope="session")
def differences():
    return build.check(PROJECT)


@pytest.mark.parametrize("lesson", LESSONS)
def test_gate_the_committed_notebooks_are_a_fresh_build(differences, lesson):
    """The message says which command mends it: `make build`, or `make adopt` after an edit in source/."""
    mine = [line for line in differences if re.search(rf"\b{lesson}\b", line)]
    assert not mine, "\n".join(mine)


def test_gate_every_notebook_comes_from_a_lesson(differences):
    strays = [line for line in differences if "comes from no lesson" in line]
    assert not strays, "\n".join(strays)


@pytest.mark.parametrize("path", sorted(build.in_place(PROJECT)))
def test_gate_notebooks_are_valid_without_warnings(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nbformat.validate(read(PROJECT / path))
    assert "jupytext" not in read(PROJECT / path).metadata


@pytest.mark.parametrize("lesson", WITH_EXERCISES)
def test_gate_the_release_holds_no_answer_and_no_hidden_test(lesson):
    """Cell by cell: the release is the source with stubs for the answers and without hidden tests, and nothing else is in its folder."""
    folder = PROJECT / "release" / lesson
    files = [path for path in folder.rglob("*") if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    assert [path.name for path in files] == [f"{lesson}.ipynb"]
    source, release = read(PROJECT / "source" / lesson / f"{lesson}.ipynb"), read(files[0])
    assert len(source.cells) == len(release.cells)
    for before, after in zip(source.cells, release.cells, strict=True):
        expected = markup.for_students(before.source)
        if before.metadata.get("nbgrader", {}).get("solution"):
            stub = "raise NotImplementedError  # your code here" if before.cell_type == "code" else "*Your answer here.*"
            expected, count = re.subn(r"(?m)^( *)### BEGIN SOLUTION$(.|\n)*?^ *### END SOLUTION$", rf"\1{stub}", before.source)
            assert count >= 1
        assert after.source.strip("\n") == expected
    text = files[0].read_text(encoding="utf-8")
    assert not re.search("BEGIN SOLUTION|HIDDEN TESTS|MARK SCHEME", text)


@pytest.mark.parametrize("lesson", WITH_EXERCISES)
def test_gate_nbgrader_accepts_the_metadata(lesson):
    from nbgrader.nbgraderformat import MetadataValidator

    for folder in ("source", "release"):
        MetadataValidator().validate_nb(read(PROJECT / folder / lesson / f"{lesson}.ipynb"))


@pytest.mark.parametrize("lesson", WITH_EXERCISES)
def test_gate_every_exercise_is_one_name_with_a_heading_a_stub_and_tests(lesson):
    """The solution cell NAME defines NAME, a heading shows its points, at least one of its tests hides something."""
    cells = build.read_cells(PROJECT, lesson, "exercises")
    exercises, points = [cell.name for cell in cells if cell.word == "solution"], markup.points_of(cells)
    text = "\n".join(cell.source for cell in cells if cell.kind == "markdown")
    for cell in cells:
        if cell.word == "solution":
            tests = [test for test in cells if test.word == "test" and markup.exercise_of(test, exercises) == cell.name]
            definitions = [node.name for node in ast.parse(cell.source).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
            assert cell.name in definitions
            assert len(tests) >= 2 and any("HIDDEN TESTS" in test.source for test in tests)
        if cell.word in ("solution", *markup.WRITTEN):
            assert points[cell.name] >= 1 and re.search(rf"(?m)^#+ .*`{cell.name}`$", text), f"no heading ends with `{cell.name}`"
