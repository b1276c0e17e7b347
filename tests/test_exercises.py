"""Every exercise of every lesson: its tests reject each mistake with its own hint, and accept right answers in any style."""

import inspect
import sys

import nbformat
import pytest

from filterlab.check import scratch
from filterlab.check.expectation import WrongAnswer
from tests import classroom

EXERCISES = [(lesson, reference) for lesson in classroom.LESSONS for reference in classroom.references(lesson)]
MISTAKES = [(lesson, reference, mistake) for lesson, reference in EXERCISES for mistake in reference.mistakes]
RIGHT_ANSWERS = [(lesson, reference, answer) for lesson, reference in EXERCISES for answer in reference.right_answers]


def _id(value):
    return getattr(value, "__name__", None) or getattr(value, "name", None)


@pytest.fixture
def mistakes_may_call_references(monkeypatch):
    """Mistakes are written with the help of references; a student's answer could not be."""
    monkeypatch.setattr(scratch, "is_foreign", lambda package, allowed: False)


@pytest.mark.parametrize(("lesson", "reference"), EXERCISES, ids=_id)
def test_worked_answer_gets_full_marks(lesson, reference):
    verdicts = classroom.mark(lesson, reference.name)
    assert 2 <= len(verdicts) <= 4
    assert all(wrong is None for wrong in verdicts.values()), verdicts


@pytest.mark.parametrize(("lesson", "reference", "answer"), RIGHT_ANSWERS, ids=_id)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_right_answers_in_other_styles_get_full_marks(lesson, reference, answer, seed, monkeypatch):
    monkeypatch.setenv("FILTERLAB_SEED", str(seed))
    monkeypatch.setitem(vars(sys.modules[answer.__module__]), "__name__", "__main__")  # as if it stood in the notebook
    for wrong in classroom.mark(lesson, reference.name, answer).values():
        assert wrong is None, wrong


@pytest.mark.parametrize(("lesson", "reference", "mistake"), MISTAKES, ids=_id)
@pytest.mark.parametrize("seed", [0, 1])
def test_mistakes_are_rejected_with_their_own_hint(lesson, reference, mistake, seed, mistakes_may_call_references, monkeypatch):
    monkeypatch.setenv("FILTERLAB_SEED", str(seed))
    wrong = [verdict for verdict in classroom.mark(lesson, reference.name, mistake.answer).values() if verdict]
    assert wrong, "accepted"
    hints = [classroom.hint_in(one) for one in wrong]
    assert set(hints) == {mistake.hint}, "\n\n".join(map(str, wrong))


@pytest.mark.parametrize(("lesson", "reference"), EXERCISES, ids=_id)
def test_bank_is_rich_enough(lesson, reference):
    hints = [mistake.hint for mistake in reference.mistakes]
    assert len(hints) >= 6
    assert len(set(hints)) == len(hints), "two mistakes share a hint: then neither is named"
    assert len(reference.right_answers) >= 4


@pytest.mark.parametrize(("lesson", "reference"), EXERCISES, ids=_id)
def test_reference_has_the_signature_of_the_exercise(lesson, reference):
    worked = classroom.namespace(lesson)[reference.name]
    assert list(inspect.signature(worked).parameters) == list(inspect.signature(reference.function).parameters)


@pytest.mark.parametrize("lesson", classroom.LESSONS)
def test_untouched_copy_passes_no_test(lesson):
    sheet = nbformat.read(classroom.ROOT / "release" / lesson / f"{lesson}.ipynb", as_version=4)
    names = dict(classroom.namespace(lesson))
    for cell in sheet.cells:
        graded = cell.metadata.get("nbgrader", {})
        if graded.get("solution") and cell.cell_type == "code":
            exec(cell.source, names)
        elif graded.get("grade") and cell.cell_type == "code":
            with pytest.raises(WrongAnswer, match="is not written yet"):
                exec(cell.source, names)
