"""filterlab.history: what is recorded comes back as it was, and what does not fit is refused."""

import numpy as np
import pytest

from filterlab.history import History


def recorded(*steps: int) -> History:
    history, rng = History(), np.random.default_rng(0)
    for step in steps:
        history.record(step, rng.normal(size=(4, 3, 5, 2)), loss=1 / (1 + step), error=rng.normal(size=(6, 7)))
    return history


def test_what_is_recorded_comes_back():
    history = recorded(0, 10, 25)
    assert history.steps == [0, 10, 25] and len(history) == 3
    assert history.filters.shape == (3, 4, 3, 5, 2)
    assert history.errors.shape == (3, 6, 7)
    assert history.losses[1] == 1 / 11


def test_copies_are_kept():
    history, kernel = History(), np.ones((3, 3))
    history.record(0, kernel, 1.0)
    kernel[...] = 7
    assert (history.filters == 1).all() and history.filters.shape == (1, 1, 1, 3, 3)
    assert history.errors is None


def test_a_loss_that_runs_away_is_kept():
    history = recorded(0)
    history.record(1, np.full((4, 3, 5, 2), np.inf), loss=np.nan, error=np.full((6, 7), np.nan))
    assert np.isnan(history.losses[1]) and np.isinf(history.filters[1]).all()


@pytest.mark.parametrize(
    ("step", "given", "said"),
    [
        (3, {}, "step=3 must be above the last one recorded, 3"),
        (4, {"filters": np.ones((4, 3, 5, 3))}, "filters has shape (4, 3, 5, 3), but the first step's has (4, 3, 5, 2)"),
        (4, {"filters": np.ones((4, 3, 5))}, "filters has shape (4, 3, 5), expected (n, c, kh, kw) or (kh, kw)"),
        (4, {"error": None}, "error must be given for every step or for none"),
        (4, {"error": np.ones((7, 6))}, "error has shape (7, 6), but the first step's has (6, 7)"),
        (4, {"error": np.ones(6)}, "error has shape (6,), expected a picture (h, w)"),
        (4, {"accuracy": 0.5}, "accuracy must be given for every step or for none"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_lost(step, given, said):
    history = recorded(0, 3)
    arguments = {"filters": np.ones((4, 3, 5, 2)), "loss": 1.0, "error": np.ones((6, 7))} | given
    with pytest.raises(ValueError) as refused:
        history.record(step, **arguments)
    assert str(refused.value) == said
    assert len(history) == len(history.filters) == len(history.errors) == 2
