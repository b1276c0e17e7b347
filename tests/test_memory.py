"""What references and mistakes gave is kept for the next sheet: they are asked once, and nothing else is taken for the same."""

import numpy as np
import pytest

from filterlab.check import outcome
from filterlab.check.inputs import seeded
from filterlab.grading.memory import Memory
from tests.sheets import graded, sheet

IMAGE = np.arange(12.0).reshape(3, 4)


@pytest.fixture
def counted():
    """A function of the bank's kind, with the arguments that it was called with; remembered by a fresh memory."""
    seen = []

    def answer(*args):
        seen.append(args)
        return args[0]

    token = outcome.memory.set(Memory())
    yield answer, seen
    outcome.memory.reset(token)


def test_the_same_call_is_made_once(counted):
    answer, seen = counted
    first, second = outcome.run(answer, (IMAGE, 1)), outcome.run(answer, (IMAGE.copy(), 1))
    assert len(seen) == 1 and second.value is first.value


@pytest.mark.parametrize(
    "other",
    [(IMAGE, 2), (IMAGE + 1, 1), (IMAGE, 1.0), (IMAGE, True), (IMAGE.astype(np.float32), 1), (np.asfortranarray(IMAGE), 1), (IMAGE,)],
    ids=["number", "numbers", "float", "bool", "dtype", "layout", "fewer"],
)
def test_another_call_is_made(counted, other):
    answer, seen = counted
    outcome.run(answer, (IMAGE, 1))
    outcome.run(answer, other)
    assert len(seen) == 2


def test_another_seed_another_probe_another_answer_is_another_call(counted):
    answer, seen = counted
    outcome.run(answer, (IMAGE,))
    with seeded(7):
        outcome.run(answer, (IMAGE,))
    outcome.run(answer, (IMAGE,), probe=lambda asked, image: asked(image))
    outcome.run(lambda *args: answer(*args), (IMAGE,))
    assert len(seen) == 4


def test_a_second_sheet_of_the_same_run_is_told_the_same():
    wrong = sheet("02_sliding_window", {"convolve2d": "def convolve2d(image, kernel):\n    return correlate2d(image, kernel)"})
    first, second = graded("02_sliding_window", wrong, seed=3), graded("02_sliding_window", wrong, seed=3)
    told = [[cell.metadata.get("filterlab") for cell in one.cells] for one in (first, second)]
    assert told[0] == told[1] and any(about and about.mistake for about in told[0])
