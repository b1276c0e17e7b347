"""Lesson 06's proofs: detectors of two layers judged on every window there is, and the models to be diagnosed are what they are called."""

import itertools
import math

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch.nn import functional as F

from filterlab.check import drawings
from filterlab.check.probes import capstone as probes
from filterlab.check.references import capstone as reference

ROWS = np.array(list(itertools.product([0, 1], repeat=5)))  # every row of a window: (32, 5)
PATCHES = np.array(list(itertools.product([0, 1], repeat=9))).reshape(-1, 1, 3, 3)
TWO_LAYERS = [
    answer
    for answer in [reference.detector.function, *reference.detector.right_answers, *(one.answer for one in reference.detector.mistakes)]
    if not probes.fault_of(answer()) and len(answer()) == 2
]
RIGHT = {answer.__name__ for answer in [reference.detector.function, *reference.detector.right_answers]}
NEVER = -1e9


def shares(layers) -> tuple[np.ndarray, float]:
    """What each of the nine 3×3 parts of a window adds to the last sum, for all 512 patches: (3, 3, 512); and the last bias."""
    (first, bias), (second, last) = [(np.asarray(weight, float), np.asarray(bias, float)) for weight, bias in layers]
    answers = ((PATCHES * first[None, :, 0]).sum(axis=(2, 3)) + bias).clip(min=0)
    return np.einsum("mij,pm->ijp", second[0], answers), float(last[0])


def strongest(table: np.ndarray, allowed: list[np.ndarray], rows: list[int], columns: list[int]) -> float:
    """The largest last sum over all windows whose five rows are among those allowed; parts that lie in the picture count.

    Row by row: what is added depends on three rows that follow one another, so that the best beginning for every pair of rows is enough.
    """
    added = np.zeros((3, 32, 32, 32))
    for row, column in itertools.product(rows, columns):
        code = ROWS[:, column : column + 3] @ [4, 2, 1]
        added[row] += table[row, column][64 * code[:, None, None] + 8 * code[None, :, None] + code]
    ban = np.where(np.array(allowed), 0.0, NEVER)
    best = (added[0] + ban[0][:, None, None] + ban[1][:, None] + ban[2]).max(axis=0)
    best = (best[:, :, None] + added[1] + ban[3]).max(axis=0)
    return (best[:, :, None] + added[2] + ban[4]).max()


def on_all_windows(layers) -> tuple[float, float]:
    """The last sum on the large plus, and the largest one on all other windows, those that a border cuts off included."""
    table, bias = shares(layers)
    plus = [(row == ROWS).all(axis=1) for row in drawings.LARGE_PLUS]
    everything, inside = [np.full(32, True)] * 5, [0, 1, 2]
    largest = [
        strongest(table, [~plus[k] if k == other else row for k, row in enumerate(everything)], inside, inside) for other in range(5)
    ]
    for above, below, left, right in itertools.product([0, 1, 2], repeat=4):
        if min(above, below, left, right) < 2:  # pixels and maps beyond the border are 0
            rows, columns = [np.arange(2 - a, 3 + b) for a, b in ((above, below), (left, right))]
            outside = np.isin(range(5), columns, invert=True)
            allowed = [~ROWS[:, outside].any(axis=1) if k in rows else ~ROWS.any(axis=1) for k in range(5)]
            largest.append(strongest(table, allowed, [k for k in inside if k + 1 in rows], [k for k in inside if k + 1 in columns]))
    return strongest(table, plus, inside, inside) + bias, max(largest) + bias


@pytest.mark.parametrize("answer", TWO_LAYERS, ids=lambda answer: answer.__name__)
def test_two_layers_are_judged_on_all_windows_and_borders(answer):
    """All 2²⁵ windows. Right answers have a gap between the plus and the rest, wrong ones have none above 0."""
    on_plus, elsewhere = on_all_windows(answer())
    assert (on_plus > 0 and elsewhere <= 1e-6 * on_plus) == (answer.__name__ in RIGHT)


@pytest.mark.parametrize("answer", [reference.detector.function, *reference.detector.right_answers], ids=lambda answer: answer.__name__)
@pytest.mark.parametrize("seed", range(3))
def test_right_detectors_answer_to_large_pluses_alone(answer, seed):
    for kind in drawings.KINDS:
        padded = np.pad(drawings.draw(kind, seed), ((0, 0), (2, 2), (2, 2)), constant_values=-1)
        pluses = (sliding_window_view(padded, (5, 5), axis=(1, 2)) == drawings.LARGE_PLUS).all(axis=(3, 4)).sum()
        assert list(probes.answers_to(answer, kind, seed).values()) == ["fits together", "nothing", 0, pluses]


@pytest.mark.parametrize("kind", probes.KINDS, ids=" ".join)
def test_models_have_their_faults_with_a_margin(kind):
    for seed in range(4):
        model, pictures, labels = probes.case(*kind, seed)
        unscaled = kind[1].startswith("0 to 255")
        assert float(pictures.max()) == (255 if unscaled else 1)
        pictures = pictures.float() / 255 if unscaled else pictures
        with torch.no_grad():
            peaks = model[:2](pictures).amax(dim=(0, 2, 3))
            share = F.cross_entropy(model(pictures), labels).item() / math.log(model[-1].out_features)
        assert ((peaks == 0) | (peaks > 0.005)).all()
        directions = F.normalize(model[0].weight.detach().flatten(1), dim=1)
        cosines = directions @ directions.T - 2 * torch.eye(8)
        assert ((cosines < 0.96) | (cosines > 0.996)).all()
        assert share > 0.9 if kind[1] == "random start" else share < 0.45
