"""One sheet, run for grading: students' cells in the real sandbox, test cells outside."""

import nbformat
import pytest

from tests import classroom
from tests.sheets import graded, name_of, remarks, sheet, verdicts
from tools.bench_grading import answers_in_the_bank

LESSON = "01_filters"
SOBEL = "def sobel_kernels():\n    gx = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])\n    return gx, gx.T\n"


def message(notebook, test):
    return next(cell.metadata.filterlab.message for cell in notebook.cells if name_of(cell) == test)


@pytest.mark.parametrize("lesson", classroom.LESSONS)
def test_worked_answers_pass_every_test_and_untouched_sheets_none(lesson):
    worked = graded(lesson, sheet(lesson, {}))
    assert set(verdicts(worked).values()) == {"passed"} and not worked.metadata.filterlab.remarks
    assert not any(cell.outputs for cell in worked.cells if name_of(cell).startswith("test_"))
    assert [cell.source for cell in worked.cells] == [cell.source for cell in nbformat.reads(sheet(lesson, {}), as_version=4).cells]
    untouched = graded(lesson, sheet(lesson, {}, rest="untouched"))
    assert set(verdicts(untouched).values()) == {"not written"}
    assert all(cell.outputs for cell in untouched.cells if name_of(cell).startswith("test_") and cell.cell_type == "code")


@pytest.mark.parametrize("lesson", classroom.LESSONS)
def test_right_answers_in_every_style_pass_and_can_be_used_in_the_rest_of_the_sheet(lesson):
    """What is right in the tests must not be too slow, or take too much memory, where the sheet itself uses it."""
    styles = answers_in_the_bank(lesson, right=True)
    for number in range(max(map(len, styles.values()))):
        seen = graded(lesson, sheet(lesson, {exercise: texts[number % len(texts)] for exercise, texts in styles.items()}))
        assert set(verdicts(seen).values()) == {"passed"}
        assert not [output for cell in seen.cells for output in cell.get("outputs", ()) if output.output_type == "error"]


@pytest.mark.parametrize(
    ("lesson", "exercise"), [("01_filters", "separate"), ("02_sliding_window", "conv2d"), ("04_filters_in_pytorch", "train_epoch")]
)
def test_mistakes_are_named_as_in_a_students_own_notebook(lesson, exercise):
    """The same sentence from the sandbox as from the same process."""
    wrong = {
        "separate": "def separate(kernel):\n    u, s, v = np.linalg.svd(kernel)\n    return u[:, 0] * s[0], v[0]\n",
        "conv2d": "def conv2d(x, weight, bias=None, stride=1, padding=0):\n    return np.zeros((1, 1, 1, 1))\n",
        "train_epoch": (
            "def train_epoch(model, batches, optimizer):\n    losses = []\n    for pictures, labels in batches:\n"
            "        loss = F.cross_entropy(model(pictures), labels)\n        loss.backward()\n        optimizer.step()\n"
            "        losses.append(loss.item())\n    return sum(losses) / len(losses)\n"
        ),
    }[exercise]
    names = dict(classroom.namespace(lesson))
    exec(wrong, names)
    own = classroom.mark(lesson, exercise, names[exercise])
    seen = graded(lesson, sheet(lesson, {exercise: wrong}), seed=0)
    for test, error in own.items():
        about = next(cell.metadata.filterlab for cell in seen.cells if name_of(cell) == test)
        assert about.verdict == (error.verdict if error else "passed")
        assert about.message == (str(error) if error else "") and about.mistake == (error.mistake if error else "")
    assert set(verdicts(seen, exercise).values()) != {"passed"}


def test_test_cells_are_judged_where_they_stand():
    """A name that is used again further down does not matter."""
    seen = graded(LESSON, sheet(LESSON, {}, extra={"test_response_refuses": "response = 3"}))
    assert set(verdicts(seen).values()) == {"passed"}
    seen = graded(LESSON, sheet(LESSON, {}, extra={"response": "response = 3"}))
    assert "was its name used for something else?" in message(seen, "test_response_example")


def test_what_a_test_does_stays_out_of_the_notebook():
    counting = SOBEL.replace("    gx", "    global calls\n    calls += 1\n    gx", 1)
    asking = {"test_sobel_kernels_gy": "print('calls', calls)"}
    seen = graded(LESSON, sheet(LESSON, {"sobel_kernels": "calls = 0\n\n" + counting}, extra=asking))
    assert set(verdicts(seen, "sobel_kernels").values()) == {"passed"}
    assert [out.text for cell in seen.cells if cell.source == "print('calls', calls)" for out in cell.outputs] == ["calls 0\n"]


def test_a_broken_cell_costs_only_its_own_points():
    seen = graded(LESSON, sheet(LESSON, {"steer": "def steer(theta)\n    return 1"}))
    wrong = {test for test, verdict in verdicts(seen).items() if verdict != "passed"}
    assert wrong == set(verdicts(seen, "steer"))
    assert "There is no `steer`" in message(seen, "test_steer_compass")


ENDLESS = "while True:\n    pass"
STUBBORN = "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException:\n        pass"


@pytest.mark.parametrize(
    ("answer", "extra", "verdict", "kind"),
    [
        ("def steer(theta):\n    while True: pass", "", "timeout", "timeout"),
        ("def steer(theta):\n    import os; os._exit(0)", "", "stopped", ""),
        ("def steer(theta):\n    import os, signal; os.kill(os.getppid(), signal.SIGKILL); signal.pause()", "", "stopped", "stopped"),
        ("def steer(theta):\n    return bytearray(10**11)", "", "failed", ""),
        ("def steer(theta):\n    return theta", ENDLESS, "failed", "timeout"),
        ("def steer(theta):\n    return theta", STUBBORN, "failed", "stopped"),
        ("def steer(theta):\n    return theta", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "failed", "stopped"),
        ("def steer(theta):\n    return theta", "for _ in range(100): print('x' * 10**5)", "failed", "output"),
    ],
    ids=[
        "endless answer",
        "exiting answer",
        "killing answer",
        "greedy answer",
        "endless cell",
        "stubborn cell",
        "killed kernel",
        "talkative cell",
    ],
)
def test_what_hangs_or_dies_costs_only_its_own_points(answer, extra, verdict, kind):
    seen = graded(LESSON, sheet(LESSON, {"steer": answer}, extra={"steer": extra} if extra else None), cell_s=4)
    assert set(verdicts(seen, "steer").values()) == {verdict}
    others = {test: given for test, given in verdicts(seen).items() if test not in verdicts(seen, "steer")}
    assert set(others.values()) == {"passed"}
    assert kind == "" or kind in remarks(seen)


def test_a_sheet_that_takes_too_long_is_not_run_to_its_end():
    slow = dict.fromkeys(("response", "sobel_kernels", "steer"), "import time; time.sleep(3)")
    seen = graded(LESSON, sheet(LESSON, {}, extra=slow), wall_s=4)
    assert "timeout" in verdicts(seen).values() and "timeout" in remarks(seen)


def test_the_tests_are_the_instructors_whatever_the_sheet_says():
    text = sheet(LESSON, {}, rest="untouched")
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        if name_of(cell).startswith("test_"):
            cell.source = "pass"
    assert set(verdicts(graded(LESSON, nbformat.writes(notebook))).values()) == {"not written"}


def test_hidden_parts_are_marked():
    only_small = "def response(image, kernel, row, col):\n    if max(kernel.shape) > 9: return 0.0\n" + worked_body()
    seen = graded(LESSON, sheet(LESSON, {"response": only_small}))
    about = {name_of(cell): cell.metadata.filterlab.hidden for cell in seen.cells if "filterlab" in cell.metadata}
    assert not any(about.values()) or about["test_response_kinds"]
    always = graded(LESSON, sheet(LESSON, {"response": "def response(image, kernel, row, col):\n    return 0.0"}))
    assert not any(cell.metadata.filterlab.hidden for cell in always.cells if "filterlab" in cell.metadata)


def worked_body() -> str:
    cell = next(cell for cell in classroom.cells(LESSON) if cell.word == "solution" and cell.name == "response")
    return cell.source.partition("### BEGIN SOLUTION\n")[2].partition("    ### END SOLUTION")[0]


def test_borrowed_answers_are_refused():
    borrowed = "from filterlab import kernels\n\ndef steer(theta):\n    return kernels.steer(theta)\n"
    assert set(verdicts(graded(LESSON, sheet(LESSON, {"steer": borrowed})), "steer").values()) == {"refused"}


def test_reaching_into_the_checks_is_told_to_the_instructor():
    code = "import sys\nsys.settrace(None)\nnp.testing.assert_allclose = print\n"
    told = graded(LESSON, sheet(LESSON, {}, extra={"steer": code})).metadata.filterlab.remarks
    assert {remark.text for remark in told} == {"the code uses `settrace`.", "the code changes `np.testing.assert_allclose`."}
