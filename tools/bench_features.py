"""The rows of `make bench` about what filters see: the shipped network, activation maximisation, and the direction of a filter."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from filterlab import kernels
from tests import classroom

Row = tuple[str, float, str, float]
STEPS = 64


def feature_rows() -> Iterator[Row]:
    """The shipped network's accuracy against guessing; `maximize` against the best of as many noise pictures as it takes steps; the worked
    answer `orientation` against the direction of the mean gradient.
    """
    yield from _shipped()
    yield from _maximize()
    yield from _orientation()


def _shipped() -> Iterator[Row]:
    from filterlab import pretrained, training
    from tools import cifar10

    if cifar10.source() is None:
        print("shipped_accuracy: no pictures at hand; FILTERLAB_CIFAR10 names their folder (see tools/cifar10.py)")
        return
    (pictures,) = cifar10.load(cifar10.source(), parts=("test",))
    yield "shipped_accuracy", training.accuracy(pretrained.shipped(), pictures), "share", 1 / len(pictures.classes)


def _maximize() -> Iterator[Row]:
    """By how much the mean of a channel's map exceeds that on uniform noise: the channel of the first two layers where this is least."""
    import torch

    from filterlab import excitation, pretrained

    model, gains, baselines = pretrained.shipped(), [], []
    for layer in ("relu1", "relu2"):
        noise = excitation.answers(model, layer, excitation.noise(256)).mean(0)
        pictures = excitation.maximize(model, layer, range(len(noise)), steps=STEPS)
        reached = excitation.answers(model, layer, pictures).diagonal()
        dead = (reached == 0).nonzero().flatten().tolist()
        if dead:
            print(f"maximize_gain: dead channels of {layer}, not counted: {dead}")
        alive = reached > 0
        gains.append((reached / noise)[alive])
        baselines.append((excitation.answers(model, layer, excitation.noise(STEPS, seed=1)).amax(0) / noise)[alive])
    least = torch.cat(gains).argmin()
    yield "maximize_gain", torch.cat(gains)[least].item(), "times", torch.cat(baselines)[least].item()


def _orientation() -> Iterator[Row]:
    """Mean error on Gabor filters of 180 angles, odd and even ones by turns."""
    answer = classroom.namespace("05_visualizing_filters")["orientation"]
    yield "orientation_error_deg", _error(answer), "deg", _error(_by_mean_gradient)


def _error(orientation: Callable[[np.ndarray], float]) -> float:
    gabors = [kernels.gabor(9, math.radians(angle), wavelength=6, phase=angle % 2 * math.pi / 2) for angle in range(180)]
    errors = [abs((orientation(gabor) - angle + 90) % 180 - 90) for angle, gabor in enumerate(gabors)]
    return float(np.mean(errors))


def _by_mean_gradient(kernel: np.ndarray) -> float:
    """The direction of the mean gradient, as one would try first: in a filter for lines it cancels out."""
    down, right = (gradient.mean() for gradient in np.gradient(kernel))
    return math.degrees(math.atan2(down, right)) % 180
