"""The instructor's loop, run by nbgrader itself on a class that `make demo` makes, with one more sheet: right answers in other styles."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from filterlab.check.mistakes import filters as bank
from tests import classroom
from tests.lab import jupyter_lab
from tools import demo
from tools.course import Course, fill_in, worked_answers

LESSON = demo.ASSIGNMENT
STUDENTS = ["complete", "mistaken", "untouched", "other_styles"]


def in_another_style(number: int) -> dict[str, str]:
    """An answer sheet of right answers from the bank, as a student would have typed them."""
    imports = "import functools, itertools\nfrom numpy.lib.stride_tricks import sliding_window_view\n"
    sheet = {}
    for reference in classroom.references(LESSON):
        answer = reference.right_answers[number]
        source = "".join(line for line in inspect.getsource(answer).splitlines(keepends=True) if not line.startswith("@"))
        if reference.name == "filter_bank" and "color_by_loops" in source:
            source = inspect.getsource(bank.color_by_loops).partition("\n")[2] + "\n\n" + source
        source = source.replace("    total = 0.0\n", "    total = 0.0\n    print('a word on the way costs nothing')\n")
        sheet[reference.name] = imports + source.replace(f"def {answer.__name__}(", f"def {reference.name}(")
    # A student who has looked at the answer in an explorer.
    sheet["steer"] += "\nfrom filterlab import images\nfrom filterlab.explore.filter_explorer import FilterExplorer\n"
    sheet["steer"] += "FilterExplorer(images.disk(), steer(0))"
    return sheet


@pytest.fixture(scope="module")
def course(root, tmp_path_factory) -> Course:
    course = Course(tmp_path_factory.mktemp("class"), root)
    demo.run_loop(course, {**demo.sample_class(root), "other_styles": in_another_style(0)})
    return course


def auto_points(course: Course, student: str) -> dict[str, tuple[float, float]]:
    return {cell: points for cell, points in course.points(LESSON, student).items() if cell.startswith("test_")}


@pytest.mark.parametrize("student", ["complete", "other_styles"])
def test_right_sheets_get_every_point(course, student):
    assert all(given == most for given, most in auto_points(course, student).values()), course.remarks(LESSON, student)
    assert course.remarks(LESSON, student) == []


def test_untouched_sheet_gets_none(course):
    assert all(given == 0 for given, _ in course.points(LESSON, "untouched").values())
    assert all("is not written yet" in remark.text for remark in course.remarks(LESSON, "untouched"))


def test_written_answer_waits_for_a_person(course):
    assert course.points(LESSON, "complete")["why_zero_sum"] == (0, 3)


def test_mistakes_lose_their_points_and_are_named(course):
    points, remarks = auto_points(course, "mistaken"), {remark.cell: remark for remark in course.remarks(LESSON, "mistaken")}
    assert points["test_sobel_kernels_gx"] == (1, 1), "half an answer earns half the points"
    assert points["test_gradient_magnitude_example"] == (1, 1), "right on floats, wrong on whole numbers"
    assert set(remarks) == set(points) - {"test_sobel_kernels_gx", "test_gradient_magnitude_example", "test_gradient_magnitude_pictures"}
    for cell, words in {
        "test_response_example": "true convolution",
        "test_response_refuses": "its message does not say why",
        "test_sobel_kernels_gy": "rows point down",
        "test_gaussian_kernel_example": "divide by their sum",
        "test_gaussian_kernel_refuses": "-3 is odd too",
        "test_gradient_magnitude_kinds": "wrap around",
        "test_steer_compass": "turns the wrong way",
        "test_separate_example": "uses scipy.linalg",
        "test_color_response_example": "`+=` keeps it",
        "test_filter_bank_example": "is a `return` missing?",
    }.items():
        assert words in remarks[cell].text
    assert not any("filterlab/" in remark.text or "Traceback" in remark.text for remark in remarks.values())


def test_table_of_points(course, root):
    table = demo.points_table(course, STUDENTS, root)
    assert table.splitlines()[-1].split() == ["all", "26", "/", "29", "3", "/", "29", "0", "/", "29", "26", "/", "29"]


def test_every_run_draws_its_own_numbers_and_says_which(course):
    seeds = {course.autograded(LESSON, student).metadata["filterlab"]["seed"] for student in STUDENTS}
    assert len(seeds) == len(STUDENTS)


def test_feedback_and_marks_are_written(course):
    page = (course.folder / "feedback" / "mistaken" / LESSON / f"{LESSON}.html").read_text(encoding="utf-8")
    assert "true convolution" in page
    marks = (course.folder / "grades.csv").read_text(encoding="utf-8")
    assert "mistaken" in marks and "other_styles" in marks


def test_an_explorer_leaves_its_picture_in_the_feedback(course):
    page = (course.folder / "feedback" / "other_styles" / LESSON / f"{LESSON}.html").read_text(encoding="utf-8")
    assert re.search(r'<img [^>]*alt="[^"]*kernel, 3 rows by 3 columns[^"]*" src="data:image/png;base64,', page)


def test_validate_tells_a_student_what_fails(root, tmp_path):
    sheet = tmp_path / f"{LESSON}.ipynb"
    sheet.write_bytes((root / "release" / LESSON / f"{LESSON}.ipynb").read_bytes())
    validate = [sys.executable, "-m", "nbgrader", "validate", str(sheet)]
    printed = subprocess.run(validate, capture_output=True, text=True, cwd=tmp_path).stdout
    assert "VALIDATION FAILED ON" in printed and "response is not written yet" in printed
    fill_in(sheet, worked_answers(root / "source" / LESSON / f"{LESSON}.ipynb"))
    assert "Success! Your notebook passes all the tests." in subprocess.run(validate, capture_output=True, text=True, cwd=tmp_path).stdout


def test_formgrader_shows_the_class_and_its_button_grades(course):
    before = course.autograded(LESSON, "mistaken").metadata["filterlab"]["seed"]
    with jupyter_lab(course.folder, "--ServerApp.disable_check_xsrf=True") as lab:
        assert '"name": "01_filters"' in lab.ask("formgrader/api/assignments")
        assert "<title>nbgrader formgrade</title>" in lab.ask("formgrader")
        assert '"success": true' in lab.ask(f"formgrader/api/submission/{LESSON}/mistaken/autograde", "POST")
    assert course.autograded(LESSON, "mistaken").metadata["filterlab"]["seed"] != before, "the button leads to Filterlab's grader"


def test_solution_cells_hold_only_what_students_may_see(root):
    release = nbformat.read(root / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)
    assert not any("BEGIN" in cell.source for cell in release.cells)


def autograde(course: Course, path: Path, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "nbgrader", "autograde", LESSON, "--student", "untouched", "--force", *options]
    return subprocess.run(command, cwd=course.folder, env={**os.environ, "PATH": str(path)}, capture_output=True, text=True)


def test_without_a_sandbox_nbgrader_grades_nothing_unless_told_to(course, tmp_path):
    (tmp_path / "alembic").symlink_to(Path(sys.executable).parent / "alembic")  # nbgrader's own need
    before = course.points(LESSON, "untouched")
    refused = autograde(course, tmp_path)
    assert refused.returncode != 0
    assert refused.stderr.splitlines()[-1].startswith("not graded: bubblewrap is not installed")
    assert course.points(LESSON, "untouched") == before
    allowed = autograde(course, tmp_path, "--Execute.unsafe=True")
    assert allowed.returncode == 0, allowed.stderr
    assert "without a sandbox" in allowed.stderr
    assert course.autograded(LESSON, "untouched").metadata.filterlab.sandbox == "none"
