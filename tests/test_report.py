"""The class report, on a class of sixty that is written into nbgrader's gradebook, and in a real browser."""

import argparse
import csv
import io
import random
import shutil
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbgrader.api import Gradebook

from filterlab.grading import report, results
from filterlab.grading.marks import exercise_of
from tests import classroom
from tests.lab import in_browser, new_page
from tools.course import COURSE_ID, Course

LESSON = "01_filters"
REMARKS = [
    ("unreadable", "the file is not a notebook: it is not JSON (line 1, column 1)."),
    ("tampered", "the cell `test_response_kinds` was edited; it was graded as released."),
    ("suspicious", "the code changes `np.array`."),
    ("timeout", "test_steer_compass: steer did not come back in time."),
    ("repaired", "it was handed in as 01_filters (1).ipynb."),
]
# nbgrader's own way to add a submission.
pytestmark = pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning")

EVIL = "=cmd|' -C calc'!A0"
TAG = "<img src=x onerror=window.ran=1>"


def answer(cell: nbformat.NotebookNode, exercise: str, level: float, rng: random.Random) -> float:
    """Leaves a verdict in a test cell as the examiner does, of a student of this level from 0 to 1; gives the points."""
    if rng.random() < level:
        cell.metadata["filterlab"] = {"verdict": "passed", "exercise": exercise, "mistake": "", "message": "", "hidden": False}
        return cell.metadata.nbgrader.points
    kind = rng.choices(["failed", "not written", "refused", "error"], [8, 2, 1, 1])[0]
    mistakes = next(reference for reference in classroom.references(LESSON) if reference.name == exercise).mistakes
    made = mistakes[min(int(rng.expovariate(1)), len(mistakes) - 1)] if kind == "failed" and rng.random() < 0.8 else None
    message = f"{exercise}: the result is the wrong number.\n  call      {exercise}()\n  expected  1\n  got       {TAG}"
    message = f"{exercise} uses scipy.linalg, which is not yours." if kind == "refused" else message
    cell.metadata["filterlab"] = {"verdict": kind, "exercise": exercise, "mistake": made.name if made else "", "hidden": False}
    cell.metadata["filterlab"]["message"] = f"{message}\nHint: {made.hint}" if made else message
    return 0


def enrol(course: Course, students: list[str]) -> None:
    """Writes a graded sheet of each student into gradebook and folders. Always the same ones."""
    rng = random.Random(0)
    released = nbformat.read(course.folder / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)
    exercises = classroom.exercises(LESSON)
    with Gradebook(course.db_url, COURSE_ID) as gradebook:
        for number, student in enumerate(students):
            level, remarks = rng.betavariate(4, 1.5), [REMARKS[number % 5]] if number % 6 == 0 else []
            gradebook.add_student(student)
            gradebook.add_submission(LESSON, student)
            sheet = nbformat.from_dict(released)
            for cell in sheet.cells:
                about = cell.metadata.get("nbgrader", {})
                if about.get("grade"):
                    grade = gradebook.find_grade(about.grade_id, LESSON, LESSON, student)
                    if cell.cell_type == "code":
                        exercise = exercise_of(about.grade_id, exercises)
                        grade.auto_score, grade.needs_manual_grade = answer(cell, exercise, level, rng), False
                    elif number % 3:
                        grade.manual_score, grade.needs_manual_grade = rng.randint(0, 3), False
            sheet.metadata["filterlab"] = {"seed": 123456789, "remarks": [{"kind": kind, "text": text} for kind, text in remarks]}
            path = course.folder / "autograded" / student / LESSON / f"{LESSON}.ipynb"
            path.parent.mkdir(parents=True)
            nbformat.write(sheet, path)
        gradebook.db.commit()


@pytest.fixture(scope="module")
def course(root, tmp_path_factory) -> Course:
    course = Course(tmp_path_factory.mktemp("class"), root)
    course.nbgrader("generate_assignment", LESSON, "--force")
    enrol(course, [EVIL, TAG, *(f"student{number:02}" for number in range(58))])
    return course


@pytest.fixture(scope="module")
def made(course) -> results.Results:
    return results.read(results.open_course(course.folder), LESSON)


@pytest.fixture(scope="module")
def page(course) -> BeautifulSoup:
    assert run(course.folder) == 0
    return BeautifulSoup((course.folder / "report" / f"{LESSON}.html").read_text(encoding="utf-8"), "html.parser")


def run(folder: Path, *more: str, assignment: str = LESSON) -> int:
    """`filterlab report`, as it is typed."""
    parser = argparse.ArgumentParser()
    report.add_command(parser.add_subparsers())
    options = parser.parse_args(["report", assignment, "--course", str(folder), *more])
    return options.run(options)


def sheets(course: Course) -> dict[str, list[nbformat.NotebookNode]]:
    """The graded test cells of every student."""
    found = {}
    for path in course.folder.glob(f"autograded/*/{LESSON}/*.ipynb"):
        found[path.parts[-3]] = [cell for cell in nbformat.read(path, as_version=4).cells if "filterlab" in cell.metadata]
    return found


def rows(table) -> list[list[str]]:
    return [[cell.get_text(" ", strip=True) for cell in row.select("th, td")] for row in table.select("tbody tr")]


def test_points_are_the_gradebooks(course, made, page):
    with Gradebook(course.db_url, COURSE_ID) as gradebook:
        students = {one.id: one.score for one in gradebook.students}
        assert made.mean == round(gradebook.average_assignment_score(LESSON), 1)
        assert made.most == gradebook.find_assignment(LESSON).max_score == 29
    assert {sheet.student: sheet.points for sheet in made.sheets} == students and len(students) == 60
    assert f"60 sheets graded; on average {made.mean:g} of 29 points; 60 points wait for a person." in page.select_one(".lead").text


def test_counts_of_an_exercise_are_those_of_its_test_cells(course, made, page):
    passed = [sum(cell.metadata.filterlab.verdict == "passed" for cell in cells[:4]) for cells in sheets(course).values()]
    counts = {"full": passed.count(4), "part": sum(0 < one < 4 for one in passed), "open": 0, "none": passed.count(0)}
    assert made.exercises[0].counts == counts and all(counts[state] for state in ("full", "part", "none"))
    row = rows(page.select("table")[0])[0]
    assert row[:2] == ["response", "4"] and row[3:7] == [str(counts[state]) for state in ("full", "part", "open", "none")]
    assert made.counts["why_zero_sum"]["open"] == len(made.exercises[-1].waiting) == 20


def test_mistakes_are_counted_by_name_once_for_each_student(course, made, page):
    made_by = Counter()
    for cells in sheets(course).values():
        made_by.update({cell.metadata.filterlab.mistake for cell in cells if cell.metadata.filterlab.exercise == "response"} - {""})
    found = made.exercises[0].mistakes
    assert [len(one.students) for one in found] == sorted(made_by.values(), reverse=True)
    assert found[0].words == "flipped" and len(found[0].students) == made_by["response_flipped"] > 1
    shown = rows(page.select_one("#exercise-response table"))[0]
    assert shown[0] == "flipped" and "that is true convolution" in shown[1] and shown[2].startswith(f"{len(found[0].students)} students")


def test_names_of_mistakes_leave_out_the_exercises(made):
    words = {mistake.words for exercise in made.exercises for mistake in exercise.mistakes}
    assert {"row col exchanged", "by formula", "sum of absolutes", "not summed"} <= words


def test_failures_without_a_name_are_counted_by_kind(course, made):
    others = {name: set(students) for name, students in made.exercises[0].others.items()}
    named = {student for mistake in made.exercises[0].mistakes for student in mistake.students}
    unwritten = {
        student for student, cells in sheets(course).items() if any(cell.metadata.filterlab.verdict == "not written" for cell in cells[:4])
    }
    assert others["not written yet"] == unwritten - named and others["not written yet"]


def test_who_needs_a_look_is_named_with_the_most_urgent_first(made, page):
    shown = rows(page.select("table")[1])
    kinds = [row[1] for row in shown]
    assert kinds == sorted(kinds, key=results.URGENT.index) and set(kinds) == {kind for kind, _ in REMARKS} | {"refused"}
    assert len({(row[0], row[1]) for row in shown}) == len(shown), "one row for a student and a kind"
    assert ["unreadable", REMARKS[0][1]] == shown[0][1:]
    assert "a person has not looked at why_zero_sum yet" in page.get_text(" ", strip=True).lower()


def test_the_table_has_a_row_for_each_student_and_exercise(course, page, made):
    text = (course.folder / "report" / f"{LESSON}.csv").read_bytes().decode("utf-8-sig")
    table = list(csv.DictReader(io.StringIO(text)))
    assert len(table) == 60 * 9 and list(table[0]) == list(report.COLUMNS)
    assert sum(float(row["points"]) for row in table) == pytest.approx(sum(made.totals))
    assert {row["verdict"] for row in table} >= {"passed", "failed", "not written", "refused", "error", "waits"}
    flipped = {row["student"] for row in table if "response_flipped" in row["mistake"].split()}
    assert flipped == {student if student != EVIL else f"'{EVIL}" for student in made.exercises[0].mistakes[0].students}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r\n=1", "\ufeff=1"])
def test_no_cell_of_the_table_is_a_formula(course, page, text):
    assert report.harmless(text) == f"'{text}" and report.harmless("anna") == "anna"
    written = (course.folder / "report" / f"{LESSON}.csv").read_text(encoding="utf-8-sig")
    assert not [line for line in csv.reader(io.StringIO(written)) for cell in line if cell.startswith(("=", "+", "-", "@"))]
    assert f"'{EVIL}" in written


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_complete_by_itself(course, page, browser, scheme):
    address = (course.folder / "report" / f"{LESSON}.html").as_uri()
    with new_page(browser, color_scheme=scheme) as shown:
        seen = []
        shown.on("request", lambda request: seen.append(request.url))
        shown.on("console", lambda line: seen.append(line.text))
        shown.goto(address)
        shown.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert seen == [address] and shown.evaluate("window.ran") is None
        assert TAG in shown.inner_text("main") and EVIL in shown.inner_text("main")
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
        ink = shown.evaluate("getComputedStyle(document.querySelector('.chart text')).fill")
        assert ink == shown.evaluate("getComputedStyle(document.body).color"), "charts take the colours of the page"
        bars = shown.evaluate("[...document.querySelectorAll('.chart path')].map(one => getComputedStyle(one).fill)")
        assert shown.evaluate("getComputedStyle(document.querySelector('.swatch.full')).backgroundColor") in bars
    assert all(chart["role"] == "img" and len(chart["aria-label"]) > 30 for chart in page.select("svg")) and len(page.select("svg")) == 11
    assert "123456789" not in str(page), "the seed is nobody's business here"


def test_a_class_of_one_with_a_sheet_that_cannot_be_read_and_one_that_is_not_graded(course, tmp_path):
    copy = tmp_path / "course"
    shutil.copytree(course.folder, copy)
    for folder in copy.glob("autograded/*"):
        if folder.name != "student00":
            shutil.rmtree(folder)
    (copy / "autograded" / "student00" / LESSON / f"{LESSON}.ipynb").write_text("{")
    (copy / "submitted" / "late" / LESSON).mkdir(parents=True)
    made = results.read(results.open_course(copy), LESSON)
    assert [sheet.student for sheet in made.sheets] == ["student00"] and made.missing == ["late"]
    assert [exercise.name for exercise in made.exercises] == [*classroom.exercises(LESSON), "why_zero_sum"]
    assert made.look[0][1].kind == "unreadable" and made.sheets[0].points > 0
    assert run(copy, "--output", str(tmp_path / "new" / "folder")) == 0
    text = (tmp_path / "new" / "folder" / f"{LESSON}.html").read_text(encoding="utf-8")
    assert "1 sheet graded" in text and "not graded yet: late" in text


def test_points_for_handing_in_late_are_taken_off_everywhere(course, root, tmp_path):
    copy = Course(tmp_path, root)
    shutil.copytree(course.folder, copy.folder, dirs_exist_ok=True)
    with Gradebook(copy.db_url, COURSE_ID) as gradebook:
        score = gradebook.find_submission(LESSON, "student03").score
        for student, penalty in (("student03", 2.5), ("student04", 100)):
            gradebook.find_submission_notebook(LESSON, LESSON, student).late_submission_penalty = penalty
        gradebook.db.commit()
    made = results.read(results.open_course(copy.folder), LESSON)
    points = {sheet.student: sheet.points for sheet in made.sheets}
    assert points["student03"] == score - 2.5 > 0 and points["student04"] == 0
    assert run(copy.folder) == 0
    text = (copy.folder / "report" / f"{LESSON}.html").read_text(encoding="utf-8")
    assert "taken off for handing in late: student03 (2.5), student04 (100)." in text
    table = list(csv.DictReader(io.StringIO((copy.folder / "report" / f"{LESSON}.csv").read_text(encoding="utf-8-sig"))))
    assert sum(float(row["points"]) for row in table if row["student"] == "student03") == score - 2.5
    assert [row["student"] for row in table if row["exercise"] == report.PENALTY] == ["student03", "student04"]


def no_folder(copy: Path) -> None:
    shutil.rmtree(copy)


def no_gradebook(copy: Path) -> None:
    (copy / "gradebook.db").unlink()


def broken_gradebook(copy: Path) -> None:
    (copy / "gradebook.db").write_bytes(b"no database" * 1000)


def nothing_graded(copy: Path) -> None:
    shutil.rmtree(copy / "autograded")
    (copy / "submitted" / "anna" / LESSON).mkdir(parents=True)


def file_in_the_way(copy: Path) -> None:
    (copy / "report").write_text("a file, not a folder")


@pytest.mark.parametrize(
    "harm, assignment, words",
    [
        (no_folder, LESSON, "there is no folder"),
        (no_gradebook, LESSON, "there is no gradebook"),
        (broken_gradebook, LESSON, "cannot be read: file is not a database"),
        (nothing_graded, LESSON, "is graded yet: 1 handed in wait for `filterlab grade 01_filters`"),
        (None, "07_nowhere", "knows no assignment 07_nowhere"),
        (None, "../../etc", "knows no assignment ../../etc"),
        (file_in_the_way, LESSON, "cannot be written: File exists"),
    ],
)
def test_bad_input_is_one_clear_line(course, tmp_path, capsys, harm, assignment, words):
    copy = tmp_path / "course"
    shutil.copytree(course.folder, copy, ignore=shutil.ignore_patterns("report", "student[1-5]*"))
    if harm:
        harm(copy)
    capsys.readouterr()
    assert run(copy, assignment=assignment) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("filterlab report: ") and said.err.count("\n") == 1 and words in said.err
