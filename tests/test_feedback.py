"""The page that a student gets back, written by nbgrader's own `generate_feedback`; what it must not hold, in a real browser, too."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from filterlab.grading import defuse, feedback, pages, results
from tests.injections import AWAY, IN_HTML, IN_MARKDOWN, IN_OUTPUTS
from tests.lab import in_browser, jupyter_lab, new_page
from tools import demo
from tools.course import Course, fill_in

LESSON = demo.ASSIGNMENT
STUDENTS = ["complete", "mistaken", "started", "vandal"]


# Right on the pictures of the cells that students see, wrong on others.
OVERFITTED = """
def response(image, kernel, row, col):
    if row < 0 or col < 0 or row + kernel.shape[0] > image.shape[0] or col + kernel.shape[1] > image.shape[1]:
        raise ValueError(f"{row=} and {col=}: the window leaves the picture")
    seen = image.shape in [(2, 3), (6, 9), (5, 7)]
    return (image[row : row + kernel.shape[0], col : col + kernel.shape[1]].astype(float) * kernel).sum() if seen else 0.125
"""


def vandalised(path: Path) -> None:
    """Puts everything of tests/injections.py into a sheet."""
    sheet = nbformat.read(path, as_version=4)
    cells = [nbformat.v4.new_markdown_cell(text) for text in [*IN_HTML.values(), *IN_MARKDOWN.values()]]
    cells += [nbformat.v4.new_raw_cell(text, metadata={"raw_mimetype": "text/html"}) for text in IN_HTML.values()]
    cells += [nbformat.v4.new_code_cell(source) for source in IN_OUTPUTS.values()]
    for cell in cells:
        cell.metadata["tags"] = ['"><script>window.top.ran=1</script>']
    sheet.cells[2:2] = cells
    sheet.metadata["title"] = "</title><script>window.top.ran=1</script>"
    state = {"a": {"model_module": "anywidget", "model_name": "AnyModel", "state": {"_esm": "window.top.ran=1"}}}
    sheet.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"version_major": 2, "version_minor": 0, "state": state}}
    nbformat.write(sheet, path)


@pytest.fixture(scope="module")
def course(root, tmp_path_factory) -> Course:
    course = Course(tmp_path_factory.mktemp("class"), root)
    course.nbgrader("generate_assignment", LESSON, "--force")
    sheets = demo.sample_class(root)
    del sheets["untouched"]
    sheets |= {"started": {"response": OVERFITTED.strip()}, "vandal": sheets["mistaken"]}
    for student, answers in sheets.items():
        sheet = course.folder / "submitted" / student / LESSON / f"{LESSON}.ipynb"
        sheet.parent.mkdir(parents=True)
        shutil.copy(course.folder / "release" / LESSON / sheet.name, sheet)
        fill_in(sheet, answers)
        if student == "vandal":
            vandalised(sheet)
    course.autograde(LESSON)
    course.nbgrader("generate_feedback", LESSON)
    return course


def page_of(course: Course, student: str) -> Path:
    return course.folder / "feedback" / student / LESSON / f"{LESSON}.html"


def soup(course: Course, student: str) -> BeautifulSoup:
    return BeautifulSoup(page_of(course, student).read_text(encoding="utf-8"), "html.parser")


def hidden_tests(root: Path, lesson: str) -> set[str]:
    """Every line of a lesson's hidden tests and mark schemes."""
    secret, seen = (
        {
            line.strip()
            for cell in nbformat.read(root / side / lesson / f"{lesson}.ipynb", 4).cells
            if not solved(cell)
            for line in lines(cell)
        }
        for side in ("source", "release")
    )
    return {line for line in secret - seen if len(line) > 12}


def solved(cell: nbformat.NotebookNode) -> bool:
    return cell.metadata.get("nbgrader", {}).get("solution", False)


def lines(cell: nbformat.NotebookNode) -> list[str]:
    return cell.source.splitlines()


def rows(page: BeautifulSoup) -> list[list[str]]:
    """The table of points."""
    return [[cell.text.strip() for cell in row.select("th, td")] for row in page.select("tbody tr")]


def sheet(*cells: nbformat.NotebookNode, penalty: float = 0.0) -> str:
    """The page for these cells of one student's sheet."""
    about = {"notebook": "lesson", "student": "somebody", "late_penalty": penalty}
    page = feedback.read(nbformat.from_dict({"cells": cells, "metadata": {}}), about)
    return pages.render("feedback.html.j2", sheet=page, words=feedback.WORDS)


def test_cell(source: str, points: float = 0, **verdict) -> nbformat.NotebookNode:
    """A graded test cell as the examiner and nbgrader leave it."""
    marks = {
        "grade": True,
        "solution": False,
        "locked": True,
        "grade_id": "test_steer_compass",
        "score": points,
        "points": 2,
        "waits": False,
    }
    return nbformat.v4.new_code_cell(source, metadata={"nbgrader": marks, "filterlab": {"exercise": "steer", **verdict}})


test_cell.__test__ = False


def test_says_points_and_what_to_look_at_first(course):
    page = soup(course, "mistaken")
    assert "3 of 29 points; another 3 wait for a person" in page.select_one(".lead").text
    assert [row[:2] for row in rows(page)[:3]] == [["response", "0 of 4"], ["sobel_kernels", "1 of 2"], ["gaussian_kernel", "0 of 3"]]
    assert rows(page)[-1] == ["why_zero_sum", "– of 3", "… Waits for a person"]
    first = page.select_one(".first")
    assert "response" in first.h2.text
    assert [part.text for part in first.select("dt")] == ["call", "expected", "got"] and "true convolution" in first.select_one(
        ".hint"
    ).text
    assert page.select_one(first.a["href"])["class"] == ["cell", "test", "none"]


def test_right_sheets_have_nothing_to_look_at_first(course):
    page = soup(course, "complete")
    assert not page.select(".first") and len(page.select(".test.full")) == len(page.select(".test"))
    assert [row.select("td")[1].text.strip() for row in page.select("tbody tr")] == ["✓ All right"] * 8 + ["… Waits for a person"]


def test_what_went_wrong_comes_before_what_is_not_written(course):
    page = soup(course, "started")
    first = page.select_one(".first")
    assert first.a.text == "response" and "on other input" in first.text, "its hidden tests found out"
    assert [part.text for part in first.select("dt")] == ["expected", "got"] and "0.125" in first.text
    assert rows(page)[1] == ["sobel_kernels", "0 of 2", "✗ Not written yet"]


@pytest.mark.parametrize("student", STUDENTS)
def test_keeps_what_is_not_for_students(course, root, student):
    page = page_of(course, student).read_text(encoding="utf-8")
    text = BeautifulSoup(page, "html.parser").text
    assert not [line for line in hidden_tests(root, LESSON) if line in text]
    assert str(course.autograded(LESSON, student).metadata["filterlab"]["seed"]) not in page
    assert not [other for other in STUDENTS if other != student and f"For {other}" in text]
    assert "Traceback" not in text and str(course.folder) not in page


def test_a_test_cell_is_shown_without_its_hidden_part():
    source = '"""steer turns."""\nexpect(steer, 0)\n### BEGIN HIDDEN TESTS\nexpect(steer, 123)\n### END HIDDEN TESTS\nexpect(steer, 1)'
    for text, shown in ((source, True), (source.replace("### END HIDDEN TESTS", ""), False)):
        page = BeautifulSoup(sheet(test_cell(text, 2, verdict="passed")), "html.parser").text
        assert "expect(steer, 0)" in page and "a part of it stays hidden" in page and "123" not in page
        assert ("expect(steer, 1)" in page) == shown, "without an end, all the rest is hidden"


def test_a_failure_in_the_hidden_part_is_told_without_its_call():
    message = "steer: the result is wrong.\n  call      steer(theta=123)\n  expected  1\n  got       2\nHint: the `other` way."
    for hidden in (False, True):
        page = BeautifulSoup(sheet(test_cell("0", verdict="failed", message=message, hidden=hidden)), "html.parser")
        assert ("123" not in page.text) == hidden == ("on other input" in page.text)
        assert page.select_one(".test .hint").text == "Hint: the other way." and page.select_one(".hint code").text == "other"


def test_errors_of_other_kinds_in_a_test_do_not_quote_it():
    cell = test_cell("secret_name\n")
    cell.outputs = [nbformat.v4.new_output("error", ename="NameError", evalue="secret_thing", traceback=["1 secret_thing + 123"])]
    page = sheet(cell)
    assert "The test stopped with NameError." in page and "secret_thing" not in page


def test_mark_schemes_and_model_answers_stay_away(root):
    cells = nbformat.read(root / "source" / "06_capstone" / "06_capstone.ipynb", as_version=4).cells
    task = next(cell for cell in cells if cell.metadata.get("nbgrader", {}).get("task"))
    task.metadata.nbgrader.update(score=0, points=10, waits=True, comment="Well *seen*.")
    text = BeautifulSoup(sheet(task), "html.parser").text
    assert (
        "MARK SCHEME" in task.source
        and "MARK SCHEME" not in text
        and not [line for line in hidden_tests(root, "06_capstone") if line in text]
    )
    assert "Your task · waits for a person" in text and "Comment: Well seen." in text


def test_late_points_are_taken_off():
    page = sheet(test_cell("0", 2, verdict="passed"), penalty=0.5)
    assert "1.5 of 2 points" in page and "0.5 points are taken off" in page


def test_errors_in_own_cells_show_own_lines_only():
    frames = ["-----", "\x1b[31mCell In[3], line 1\x1b[0m\n----> 1 1/0", "File /course/filterlab/secret.py:7, in right\n  reference(1)"]
    cell = nbformat.v4.new_code_cell("1/0")
    cell.outputs = [nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=frames)]
    text = BeautifulSoup(sheet(cell), "html.parser").text
    assert "Cell In[3], line 1\n----> 1 1/0\nZeroDivisionError: division by zero" in text and "reference" not in text


def test_what_no_page_can_show_costs_nothing_else():
    strange = nbformat.v4.new_code_cell("0")
    strange.outputs = [nbformat.from_dict({"output_type": "display_data", "data": {"text/html": 7, "text/plain": ["a"]}, "metadata": {}})]
    strange.outputs += [nbformat.from_dict({"output_type": "error", "ename": 1, "evalue": None, "traceback": 7})]
    strange.outputs += [nbformat.v4.new_output("display_data", {"text/html": "<div>" * 100_000})]  # would take minutes
    deep = [nbformat.v4.new_markdown_cell(text) for text in ("[" * 40_000, ">" * 5000, "$" + "{" * 1900 + "$", "a" * 200_000)]
    page = sheet(strange, *deep, nbformat.v4.new_markdown_cell("the end"))
    assert "cannot be shown" in page and "&lt;div&gt;&lt;div&gt;" in page and "150,000 characters more" in page and "<p>the end</p>" in page


def test_formulas_need_no_script(course):
    page = soup(course, "mistaken")
    assert len(page.select("math mtable")) == 4 and not page.select("script") and "\\begin" not in page.text


def test_terminal_text_is_shown_as_a_terminal_leaves_it():
    assert defuse.plain("10%\r50%\r100%\nnext \x1b[31mred\x1b[0m <b>") == "<pre>100%\nnext red &lt;b&gt;</pre>"


TAGS_OF_OURS = {"html", "head", "meta", "title", "style", "body", "main", "section"}


def test_only_harmless_tags_and_addresses_are_left(course):
    page = soup(course, "vandal")
    allowed = TAGS_OF_OURS | set(f"{defuse._TEXT} {defuse._MATH}".split())
    assert {tag.name for tag in page.find_all(True)} <= allowed
    assert len(page.select("meta")) == 5 and len(page.select("style")) == 1 and page.title.text == f"Feedback · {LESSON}"
    for tag in page.find_all(True):
        assert not [name for name in tag.attrs if name.startswith("on") or name in ("style", "srcset", "is")], tag
    assert {link["href"][:1] for link in page.select("[href]")} == {"#"}
    assert {picture.get("src", "data:image/")[:11] for picture in page.select("img")} == {"data:image/"}
    assert {tag.name for tag in page.select(".state")} == {"span"}, "nobody borrows the looks of a verdict"


def watch(page, own: str) -> list[str]:
    """Fills with all that a page does which it should not: dialogs, requests for anything but its own file, other frames."""
    seen = []
    page.on("dialog", lambda dialog: (seen.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: seen.append(f"request {request.url}") if not request.url.startswith((own, "data:image/")) else None)
    page.on("popup", lambda popup: seen.append(f"popup {popup.url}"))
    page.on("console", lambda line: seen.append(line.text) if "Content Security Policy" in line.text else None)
    return seen


def take_the_bait(page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    page.evaluate("[...document.querySelectorAll('*')].filter(one => one.textContent.trim() === 'bait').forEach(one => one.click?.())")
    page.wait_for_timeout(500)


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_runs_and_nothing_is_fetched(course, browser, scheme):
    address = page_of(course, "vandal").as_uri()
    with new_page(browser, color_scheme=scheme) as page:
        seen = watch(page, address)
        page.goto(address)
        take_the_bait(page)
        assert seen == [] and len(page.frames) == 1 and page.url.startswith(address)
        assert page.evaluate("window.ran") is None and page.title() == f"Feedback · {LESSON}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"


@in_browser
def test_the_policy_holds_where_the_gate_would_not(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(defuse, "html", defuse.Markup)
    away = [text for name, text in IN_HTML.items() if name != "refresh"]  # no policy keeps a page from sending its reader away
    file = tmp_path / "open.html"
    file.write_text(sheet(*[nbformat.v4.new_markdown_cell(text) for text in [*away, *IN_MARKDOWN.values()]]), encoding="utf-8")
    with new_page(browser) as page:
        seen = watch(page, file.as_uri())
        page.goto(file.as_uri())
        take_the_bait(page)
        assert any("Content Security Policy" in one for one in seen), "the gate was open, so there was something to hold"
        assert not [one for one in seen if one.startswith(("dialog", "popup"))] and page.evaluate("window.ran") is None
        assert page.evaluate("getComputedStyle(document.body).display") == "block", "no style but ours"


@in_browser
def test_nothing_runs_in_formgrader(course, browser):
    """There a script would act as the instructor, who may change marks."""
    with jupyter_lab(course.folder) as lab, new_page(browser) as page:
        listed = lab.ask(f"formgrader/api/submitted_notebooks/{LESSON}/{LESSON}")
        number = next(one["id"] for one in json.loads(listed) if one["student"] == "vandal")
        seen = watch(page, lab.address)
        page.goto(f"{lab.address}/formgrader/submissions/{number}/?token=class")
        page.wait_for_selector("#notebook-container")
        take_the_bait(page)
        assert "On paper: the window at row 0" in page.inner_text("#notebook-container")
        assert page.evaluate("window.ran") is None
        assert {frame.url for frame in page.frames[1:]} <= {"data:text/html;base64,"}, "what nbconvert isolates, emptied"
        assert not [one for one in seen if AWAY[:20] in one or one.startswith(("dialog", "popup"))]


def test_the_class_report_reads_the_same_sheets(course):
    made = results.read(results.open_course(course.folder), LESSON)
    first = made.exercises[0]
    assert [(one.words, one.students) for one in first.mistakes] == [("flipped", ["mistaken", "vandal"])]
    assert first.others == {"another wrong answer": ["started"]} and first.counts == {"full": 1, "part": 1, "open": 0, "none": 2}
    assert {(student, remark.kind) for student, remark in made.look} == {("mistaken", "refused"), ("vandal", "refused")}
    assert [sheet.points for sheet in made.sheets] == [26, 3, 3, 3] and made.exercises[-1].waiting == ["complete", "mistaken", "vandal"]


def test_formgraders_button_writes_the_same_page(course):
    before = page_of(course, "mistaken").read_text(encoding="utf-8")
    page_of(course, "mistaken").unlink()
    with jupyter_lab(course.folder, "--ServerApp.disable_check_xsrf=True") as lab:
        assert '"success": true' in lab.ask(f"formgrader/api/assignment/{LESSON}/mistaken/generate_feedback", "POST")
    assert page_of(course, "mistaken").read_text(encoding="utf-8") == before
