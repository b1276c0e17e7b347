"""Whatever is handed in becomes a sheet with every graded cell once, in an order that works, and the student's answers in it."""

import json
import os
import random
import re

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import compute_checksum

from filterlab.grading.reading import MOST_CELLS, Unreadable, read_cells, read_file
from filterlab.grading.repair import Original, repair
from tools.course import Course, worked_answers

LESSON = "01_filters"


@pytest.fixture(scope="module")
def course(root, tmp_path_factory) -> Course:
    course = Course(tmp_path_factory.mktemp("repair"), root)
    course.nbgrader("generate_assignment", LESSON, "--force")
    return course


@pytest.fixture(scope="module")
def original(course, root) -> Original:
    with Gradebook(course.db_url, "filterlab") as gradebook:
        source = nbformat.read(root / "source" / LESSON / f"{LESSON}.ipynb", as_version=4)
        return Original.of(source, gradebook.find_notebook(LESSON, LESSON))


@pytest.fixture(scope="module")
def released(root) -> str:
    return (root / "release" / LESSON / f"{LESSON}.ipynb").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def answers(root) -> dict[str, str]:
    return worked_answers(root / "source" / LESSON / f"{LESSON}.ipynb")


@pytest.fixture
def sheet(released, answers) -> dict:
    """A complete sheet, as plain JSON, to be damaged."""
    notebook = json.loads(released)
    for cell in notebook["cells"]:
        if answer := answers.get(marks(cell).get("grade_id")):
            cell["source"] = answer
    return notebook


def marks(cell: dict) -> dict:
    return cell["metadata"].get("nbgrader", {})


def cell_of(notebook: dict, name: str) -> dict:
    return next(cell for cell in notebook["cells"] if marks(cell).get("grade_id") == name)


def code(source: str, cell_id: str = "mine") -> dict:
    return {"cell_type": "code", "id": cell_id, "metadata": {}, "source": source, "outputs": [], "execution_count": None}


def repaired(notebook: dict | bytes, original: Original) -> nbformat.NotebookNode:
    """The repaired sheet, after what every repaired sheet must keep."""
    result = repair(notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode(), original)
    nbformat.validate(result)
    MetadataValidator().validate_nb(result)
    graded = {cell.metadata.nbgrader.grade_id: cell for cell in result.cells if "nbgrader" in cell.metadata}
    assert len(graded) == sum("nbgrader" in cell.metadata for cell in result.cells), "a graded cell is there twice"
    assert set(graded) == {cell.name for cell in original.graded}
    for cell in original.graded:
        assert {**graded[cell.name].metadata.nbgrader} == cell.marks
        assert graded[cell.name].cell_type == cell.kind
        if cell.marks["locked"]:
            assert compute_checksum(graded[cell.name]) == cell.marks["checksum"]
    assert not any(cell.get("outputs") for cell in result.cells)
    assert result.metadata.kernelspec.name == "python3"
    return result


def earned(notebook: nbformat.NotebookNode, original: Original) -> set[str]:
    """The test cells that pass when the sheet runs from top to bottom; the released pictures in between are left out."""
    pictures = {cell.id for cell in original.cells if not cell.marks and cell is not original.set_up}
    names, passed = {"__name__": "__main__"}, set()
    for cell in notebook.cells:
        if cell.cell_type != "code" or cell.id in pictures:
            continue
        try:
            exec(compile(cell.source, cell.id, "exec"), names)
        except Exception:
            continue
        if cell.metadata.get("nbgrader", {}).get("grade"):
            passed.add(cell.metadata.nbgrader.grade_id)
    return passed


def all_tests(original: Original) -> set[str]:
    return {cell.name for cell in original.graded if cell.is_test}


def remarks(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    return [(remark["kind"], remark["text"]) for remark in notebook.metadata.filterlab.remarks]


def test_a_good_sheet_is_left_as_it_is(sheet, original):
    result = repaired(sheet, original)
    assert [cell.source for cell in result.cells if cell.cell_type == "markdown"] == [
        "".join(cell["source"]) for cell in sheet["cells"] if cell["cell_type"] == "markdown"
    ]
    assert [cell.id for cell in result.cells] == [cell["id"] for cell in sheet["cells"]]
    assert remarks(result) == []
    assert earned(result, original) == all_tests(original)


# Damage, each with what the instructor is told. Every point can still be given.


def duplicate_test(sheet):
    sheet["cells"].append(dict(cell_of(sheet, "test_response_example")))


def duplicate_answer(sheet):
    sheet["cells"].append(dict(cell_of(sheet, "steer")))


def untouched_copy_behind_the_answer(sheet):
    place = sheet["cells"].index(cell_of(sheet, "steer"))
    stub = {**cell_of(sheet, "steer"), "source": "def steer(theta):\n    raise NotImplementedError  # your code here"}
    stub["source"] = UNTOUCHED["steer"]
    sheet["cells"].insert(place + 1, stub)


def delete_tests(sheet):
    sheet["cells"] = [cell for cell in sheet["cells"] if not marks(cell).get("grade_id", "").startswith("test_steer")]


def reverse(sheet):
    sheet["cells"].reverse()


def shuffle(sheet):
    random.Random(3).shuffle(sheet["cells"])


def edit_a_test(sheet):
    cell_of(sheet, "test_steer_compass")["source"] = "pass"


def white_space_in_a_test(sheet):
    cell_of(sheet, "test_steer_compass")["source"] = "".join(cell_of(sheet, "test_steer_compass")["source"]).replace("\n", "  \n") + "\n\n"


def tests_to_markdown(sheet):
    for cell in sheet["cells"]:
        if marks(cell).get("grade_id", "").startswith("test_"):
            cell["cell_type"] = "markdown"
            del cell["outputs"], cell["execution_count"]


def answers_to_raw(sheet):
    for name in ("steer", "separate"):
        cell = cell_of(sheet, name)
        cell["cell_type"] = "raw"
        del cell["outputs"], cell["execution_count"]


def change_cell_ids(sheet):
    for number, cell in enumerate(sheet["cells"]):
        cell["id"] = f"new-{number}"


def lose_cell_ids(sheet):
    for cell in sheet["cells"]:
        del cell["id"]
    sheet["nbformat_minor"] = 4


def lose_marks(sheet):
    for cell in sheet["cells"]:
        cell["metadata"] = {}


def lose_marks_and_ids(sheet):
    lose_marks(sheet)
    change_cell_ids(sheet)


def lose_kernelspec(sheet):
    sheet["metadata"] = {}


def no_metadata_at_all(sheet):
    del sheet["metadata"]
    for cell in sheet["cells"]:
        del cell["metadata"]


def forge_points(sheet):
    marks(cell_of(sheet, "test_steer_compass"))["points"] = 100


def answer_marked_as_test(sheet):
    marks(cell_of(sheet, "steer")).update(grade=True, solution=False, locked=True, points=50)


def schema_versions(sheet):
    for number, cell in enumerate(sheet["cells"]):
        if marks(cell):
            marks(cell)["schema_version"] = [1, 2, 3, 99, "x", None][number % 6]


def unknown_marks(sheet):
    sheet["cells"].append({**code("1 / 0"), "metadata": {"nbgrader": {"grade_id": "bonus", "grade": True, "points": 9}}})


def delete_set_up(sheet):
    sheet["cells"] = [cell for cell in sheet["cells"] if "from jaxtyping" not in "".join(cell["source"])]


def empty_set_up(sheet):
    next(cell for cell in sheet["cells"] if cell["cell_type"] == "code")["source"] = "import math"


def split_answer(sheet):
    """A helper in the answer's cell (which a notebook gives the answer's marks, too), the answer in one that was added."""
    place = sheet["cells"].index(cell_of(sheet, "steer"))
    answer = sheet["cells"][place]
    sheet["cells"].insert(place + 1, code("".join(answer["source"]), "second-half"))
    answer["source"] = "GX = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])"


def answer_in_a_cell_above(sheet):
    place = sheet["cells"].index(cell_of(sheet, "steer"))
    sheet["cells"].insert(place, code("".join(sheet["cells"][place]["source"]), "above"))
    sheet["cells"][place + 1]["source"] = UNTOUCHED["steer"]


def all_answers_in_one_cell(sheet):
    codes = [cell for cell in sheet["cells"] if cell["cell_type"] == "code" and marks(cell).get("solution")]
    together = "\n\n\n".join("".join(cell["source"]) for cell in codes)
    for cell in codes:
        cell["source"] = UNTOUCHED[marks(cell)["grade_id"]]
    sheet["cells"].insert(2, code(together, "together"))


def answers_deleted_and_in_one_cell(sheet):
    codes = [cell for cell in sheet["cells"] if cell["cell_type"] == "code" and marks(cell).get("solution")]
    together = "\n\n\n".join("".join(cell["source"]) for cell in codes)
    sheet["cells"] = [cell for cell in sheet["cells"] if cell not in codes] + [code(together, "together")]


def old_format(sheet):
    """Notebook format 3, as IPython 2 wrote it."""
    notebook = nbformat.convert(nbformat.reads(json.dumps(sheet), as_version=4), 3)
    sheet.clear()
    sheet.update(notebook)


def much_output(sheet):
    output = {"output_type": "stream", "name": "stdout", "text": "x" * 50_000_000}
    cell_of(sheet, "steer")["outputs"] = [output]


def forged_remarks(sheet):
    sheet["metadata"]["filterlab"] = {"seed": 1, "remarks": [{"kind": "passed", "text": "give all points"}]}
    for cell in sheet["cells"]:
        cell["metadata"]["filterlab"] = {"verdict": "passed"}


def half_a_surrogate(sheet):
    sheet["cells"].append(code("smile = '\ud83d'"))


def odd_cells(sheet):
    sheet["cells"][3:3] = [7, None, "cell", {}, {"cell_type": "heading", "source": 3}, {"cell_type": "code", "source": [1, "x = 1"]}]


DAMAGE = {
    duplicate_test: ["Copies of these cells were left out: test_response_example."],
    duplicate_answer: ["These cells stand there more than once; one was graded, the others stay as the student's own: steer."],
    untouched_copy_behind_the_answer: ["Copies of these cells were left out: steer."],
    delete_tests: ["These cells were missing and were put back: test_steer_compass, test_steer_any_angle."],
    reverse: ["The first code cell", "These tests stood before an answer that they need and were moved behind it: test_response_example,"],
    shuffle: ["The first code cell", "These tests stood before an answer that they need and were moved behind it: "],
    edit_a_test: ["tampered: These cells are locked and had been edited; they were replaced by the released ones: test_steer_compass."],
    white_space_in_a_test: [],
    tests_to_markdown: ["These cells had been turned into markdown cells, and were turned back: test_response_example,"],
    answers_to_raw: ["These cells had been turned into raw cells, and were turned back: steer, separate."],
    change_cell_ids: [],
    lose_cell_ids: [],
    lose_marks: ["These cells had lost nbgrader's marks: response,"],
    lose_marks_and_ids: ["These cells had lost nbgrader's marks: response,"],
    lose_kernelspec: [],
    no_metadata_at_all: ["These cells had lost nbgrader's marks: response,"],
    forge_points: ["tampered: These cells had other marks (id, points or kind) than the released ones: test_steer_compass."],
    answer_marked_as_test: ["tampered: These cells had other marks (id, points or kind) than the released ones: steer."],
    schema_versions: ["These cells had marks of another version of nbgrader: "],
    unknown_marks: [],
    delete_set_up: ["The first code cell, which imports what the others use, was missing or changed; the released one was put first."],
    empty_set_up: ["The first code cell, which imports what the others use, was missing or changed; the released one was put first."],
    split_answer: ["These cells stand there more than once; one was graded, the others stay as the student's own: steer."],
    answer_in_a_cell_above: ["These cells had lost nbgrader's marks: steer.", "Copies of these cells were left out: steer."],
    all_answers_in_one_cell: ["The answers to these stand in other cells: "],
    answers_deleted_and_in_one_cell: ["The answers to these stand in other cells: "],
    old_format: ["It was in the old notebook format 3."],
    much_output: [],
    forged_remarks: [],
    half_a_surrogate: [],
    odd_cells: [],
}
UNTOUCHED: dict[str, str] = {}


@pytest.fixture(autouse=True)
def untouched(original):
    UNTOUCHED.update({cell.name: cell.source for cell in original.graded if cell.is_answer})


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_a_damaged_sheet_earns_every_point(damage, sheet, original, answers):
    damage(sheet)
    result = repaired(sheet, original)
    assert all_tests(original) - earned(result, original) == set()
    said = remarks(result)
    for wanted in DAMAGE[damage]:
        kind, _, text = wanted.rpartition(": These") if wanted.startswith("tampered: ") else ("repaired", "", wanted)
        assert any(one == kind and (text in sentence) for one, sentence in said), said
    assert DAMAGE[damage] or said == []
    written = next(cell for cell in result.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "why_zero_sum")
    assert written.source == answers["why_zero_sum"]
    nbformat.writes(result).encode("utf-8")


def test_a_partly_done_sheet_keeps_what_is_right(sheet, original):
    cell_of(sheet, "steer")["source"] = "def steer(theta):\n    return 0"
    del sheet["cells"][sheet["cells"].index(cell_of(sheet, "separate"))]
    lost = all_tests(original) - earned(repaired(sheet, original), original)
    assert {re.match(r"test_(steer|separate)_", name)[1] for name in lost} == {"steer", "separate"}


def test_an_edited_test_that_defines_something_keeps_it_for_the_instructor_to_see(sheet, original):
    cell_of(sheet, "test_steer_compass")["source"] = "def expect(*args):\n    return None\n"
    result = repaired(sheet, original)
    assert any(cell.source.startswith("def expect") and "nbgrader" not in cell.metadata for cell in result.cells)


def test_another_release_is_not_called_tampering(sheet, original):
    cell = cell_of(sheet, "test_steer_compass")
    cell["source"], marks(cell)["points"] = '"""An older version of this test."""', 2
    marks(cell)["checksum"] = compute_checksum(nbformat.from_dict(cell))
    assert [kind for kind, _ in remarks(repaired(sheet, original))] == ["repaired"]


def test_the_students_own_cells_keep_their_order(sheet, original):
    for number, place in enumerate((30, 20, 10, 3)):
        sheet["cells"].insert(place, code(f"mine = {number}", f"mine-{number}"))
    sheet["cells"].insert(0, sheet["cells"].pop(sheet["cells"].index(cell_of(sheet, "test_filter_bank_example"))))
    result = repaired(sheet, original)
    assert [cell.source for cell in result.cells if cell.source.startswith("mine")] == ["mine = 3", "mine = 2", "mine = 1", "mine = 0"]


def test_two_cells_with_one_id_get_two(sheet, original):
    sheet["cells"] += [code("a = 1", "same"), code("b = 1", "same"), code("c = 1", "not an id!")]
    ids = [cell.id for cell in repaired(sheet, original).cells]
    assert len(ids) == len(set(ids))


def test_tags_and_other_metadata_of_students_do_not_stay(sheet, original):
    cell_of(sheet, "steer")["metadata"]["tags"] = ["skip-execution"]
    assert all(set(cell.metadata) <= {"nbgrader", "deletable", "editable"} for cell in repaired(sheet, original).cells)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "the file is empty"),
        (b"  \n", "the file is empty"),
        (b"def conv2d(x):\n    return x\n", "it is not JSON (line 1, column 1)"),
        (b'{"cells": [', "it is not JSON"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe", "it is not JSON"),
        (b"PK\x03\x04" + bytes(100), "it is not JSON"),
        (b"[1, 2]", "it has no cells"),
        (b"7", "it has no cells"),
        (b'{"a": 1}', "it has no cells"),
        (b'{"cells": {"a": 1}}', "its cells are no list"),
        (b'{"worksheets": 3}', "old format 3, and damaged"),
        (b"[" * 100_000, "nested too deeply"),
        (b"9" * 10_000, "it is not JSON"),
        (b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "the notebook is empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_notebook_becomes_the_untouched_sheet(raw, reason, original):
    result = repaired(raw, original)
    assert [kind for kind, _ in remarks(result)] == ["unreadable"]
    assert reason in remarks(result)[0][1]
    assert [cell.source for cell in result.cells] == [cell.source for cell in original.cells]


def test_another_assignments_sheet_is_told_from_this_one(root, original):
    other = (root / "release" / "03_learning_filters" / "03_learning_filters.ipynb").read_bytes()
    assert "it may belong to another assignment" in remarks(repaired(other, original))[0][1]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings(encoding, sheet, original):
    sheet["cells"].append(code("größe = 'Maß'"))
    result = repaired(json.dumps(sheet, ensure_ascii=False).replace("→", "-").encode(encoding, "replace"), original)
    assert any(cell.source == "größe = 'Maß'" for cell in result.cells)
    assert [text for _, text in remarks(result) if "UTF-8" in text] == (
        ["The file is not in UTF-8; it was read as Windows-1252, other letters than a–z may be wrong."] if encoding == "cp1252" else []
    )


def test_more_cells_and_longer_ones_than_anybody_writes(sheet, original):
    sheet["cells"] += [code(f"x = {number}", f"c{number}") for number in range(2 * MOST_CELLS)] + [code("x" * 2_000_000)]
    sheet["cells"].insert(5, code("#" * 3_000_000, "long"))
    result = repaired(sheet, original)
    assert len(result.cells) <= MOST_CELLS and max(len(cell.source) for cell in result.cells) == 1_000_000
    assert all_tests(original) == earned(result, original)


def test_pictures_in_written_answers_stay_and_nothing_else_does(sheet, original):
    cell_of(sheet, "why_zero_sum")["attachments"] = {"a.png": {"image/png": "aGk=", "text/html": "<script>"}}
    written = next(cell for cell in repaired(sheet, original).cells if cell.id == "why_zero_sum")
    assert written.attachments == {"a.png": {"image/png": "aGk="}}


def test_files_that_are_none(tmp_path):
    folder, secret = tmp_path / "submission", tmp_path / "secret.ipynb"
    folder.mkdir()
    secret.write_text("{}")
    (folder / "out.ipynb").symlink_to(secret)
    (folder / "nowhere.ipynb").symlink_to(folder / "gone")
    (folder / "round.ipynb").symlink_to(folder / "round.ipynb")
    (folder / "folder.ipynb").mkdir()
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "zero.ipynb").symlink_to("/dev/zero")
    with (folder / "huge.ipynb").open("wb") as file:
        file.truncate(200_000_000)
    (folder / "inside.ipynb").symlink_to(folder / "real.ipynb")
    (folder / "real.ipynb").write_bytes(b"[]")
    for name, reason in {
        "out": "leads out",
        "nowhere": "leads out",
        "round": "leads out",
        "zero": "leads out",
        "folder": "is a folder",
        "pipe": "is not a file",
        "huge": "has 200 MB",
        "gone": "was not handed in",
    }.items():
        with pytest.raises(Unreadable, match=reason):
            read_file(folder / f"{name}.ipynb")
    assert read_file(folder / "inside.ipynb") == b"[]"


def test_outputs_are_dropped_on_reading(sheet):
    """Of fifty megabytes of output nothing stays."""
    much_output(sheet)
    cells, _ = read_cells(json.dumps(sheet).encode())
    assert sum(len(cell.source) for cell in cells) < 100_000
