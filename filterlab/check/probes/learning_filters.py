"""Lesson 03, how filters are learned: what answers make of a function, and of a random start that is theirs to choose."""

import random

import numpy as np

from filterlab import convolution
from filterlab.check.probes import plain

# Each: (weights, coefficients of the same shape) → a number. Steep and curved, so that one-sided differences show; one joins neighbours.
FUNCTIONS = {
    "sum of squares": lambda w, a: (w**2).sum(),
    "sum of cubes": lambda w, a: (w**3).sum(),
    "weighted sine": lambda w, a: (a * np.sin(3 * w)).sum(),
    "weighted cubes": lambda w, a: (a * w**3).sum(),
    "exponential": lambda w, a: np.exp((a * w).mean()),
    "neighbours multiplied": lambda w, a: (w.ravel()[1:] * w.ravel()[:-1] ** 2).sum() + (a * w).sum(),
}


def gradient_of(answer, name, weight, step=None):
    """The gradient that a numerical_gradient gives for the function of this name (step None: its own default)."""
    shape = weight.shape
    coefficients = np.linspace(0.5, 1.5, weight.size).reshape(shape)

    def function(moved):
        if np.shape(moved) != shape:
            raise ValueError(f"this function takes an array of shape {shape}, but was called with shape {np.shape(moved)}")
        return float(FUNCTIONS[name](np.asarray(moved, dtype=float), coefficients))

    return answer(function, weight) if step is None else answer(function, weight, step)


def _noise(height, width, seed, low=-1.5, high=1.5):
    """A noise picture; nobody may write into it. With the default range plain steps arrive with any lr from 0.01 to 1."""
    image = np.random.default_rng([seed, height, width]).uniform(low, high, (height, width))
    image.setflags(write=False)
    return image


def _task(kernel_size, seed, low=-1.5):
    """A noise picture and its answer to a hidden kernel of this size, both read-only."""
    image = _noise(20, 22, seed, low)
    target = convolution.correlate2d(image, np.random.default_rng([seed, 1]).normal(size=convolution.pair(kernel_size)))
    target.setflags(write=False)
    return image, target


@plain
def learned_from_noise(answer, kernel, picture=(30, 27), seed=0):
    """The kernel that a learn_kernel finds from a noise picture of this size and what `kernel` makes of it."""
    image = _noise(*picture, seed)
    target = convolution.correlate2d(image, kernel)
    target.setflags(write=False)
    return answer(image, target, kernel.shape[0] if kernel.shape[0] == kernel.shape[1] else kernel.shape, seed=seed)


@plain
def different_starts(answer, kernel_size, seeds):
    """How many different starts (steps=0) a learn_kernel has for so many seeds."""
    image, target = _task(kernel_size, 0)
    return _different([answer(image, target, kernel_size, steps=0, seed=seed) for seed in range(seeds)])


@plain
def starts_on_other_pictures(answer, kernel_size, pictures, seed=0):
    """How many different starts (steps=0) a learn_kernel has for one seed, on so many pictures."""
    return _different([answer(*_task(kernel_size, other), kernel_size, steps=0, seed=seed) for other in range(pictures)])


@plain
def results_of_one_seed(answer, kernel_size, runs, seed=0):
    """How many different kernels one seed leads to, while everybody else's random numbers change."""
    image, target = _task(kernel_size, seed)
    numpys, pythons = np.random.get_state(), random.getstate()
    results = []
    for run in range(runs):
        np.random.seed(run)
        random.seed(run)
        results.append(answer(image, target, kernel_size, steps=3, lr=0.01, seed=seed))
    np.random.set_state(numpys)
    random.setstate(pythons)
    return _different(results)


@plain
def angle_of_first_step(answer, kernel_size, lr=0.01, seed=0):
    """Degrees between the first step of a learn_kernel and d mse / d w at its start: straight downhill is 180."""
    image, target = _task(kernel_size, seed, low=0)  # its mean is far from 0, so that any other way than the gradient's shows
    start, after = _walk(answer, image, target, kernel_size, 1, lr, seed)
    error = convolution.correlate2d(image, start) - target
    step, gradient = _step(start, after).ravel(), convolution.correlate2d(image, error).ravel()
    lengths = np.linalg.norm(step) * np.linalg.norm(gradient)
    return float(np.degrees(np.arccos(np.clip(step @ gradient / lengths, -1, 1)))) if lengths else 90.0


@plain
def first_step_grows(answer, kernel_size, lr=0.01, seed=0):
    """How many times longer the first step of a learn_kernel becomes when its lr is doubled."""
    image, target = _task(kernel_size, seed)
    start = _weights(answer(image, target, kernel_size, steps=0, lr=lr, seed=seed))
    short, long = (
        np.linalg.norm(_step(start, _weights(answer(image, target, kernel_size, steps=1, lr=rate, seed=seed)))) for rate in (lr, 2 * lr)
    )
    return float(long / short) if short else 0.0


@plain
def kernels_on_the_way(answer, kernel_size, steps, lr=0.01, seed=0):
    """How many different kernels a learn_kernel gives for steps=0, 1, … up to `steps`."""
    image, target = _task(kernel_size, seed)
    return _different([answer(image, target, kernel_size, steps=count, lr=lr, seed=seed) for count in range(steps + 1)])


@plain
def way_left(answer, kernel_size, steps, lr, seed=0):
    """The share of the way from start to hidden kernel that is left after so many steps of a learn_kernel, to three decimals."""
    image, target = _task(kernel_size, seed)
    hidden = np.random.default_rng([seed, 1]).normal(size=convolution.pair(kernel_size))
    start, after = _walk(answer, image, target, kernel_size, steps, lr, seed)
    return round(float(np.linalg.norm(_step(hidden, after)) / np.linalg.norm(_step(hidden, start))), 3)


@plain
def habits(answer, kernel_size, seed):
    """All of these at once, and how many different weights a start has: what tells the ways to go wrong apart."""
    image, target = _task(kernel_size, seed)
    start = np.asarray(answer(image, target, kernel_size, steps=0, seed=seed))
    return np.array(
        [
            different_starts(answer, kernel_size, 2),
            starts_on_other_pictures(answer, kernel_size, 2, seed),
            results_of_one_seed(answer, kernel_size, 2, seed),
            angle_of_first_step(answer, kernel_size, seed=seed) / 180,
            first_step_grows(answer, kernel_size, seed=seed),
            kernels_on_the_way(answer, kernel_size, 2, seed=seed),
            way_left(answer, kernel_size, 25, 1e-6, seed),
            len(np.unique(start)) / start.size,
        ]
    )


def _walk(answer, image, target, kernel_size, steps, lr, seed):
    """The kernel at the start and after so many steps; NaN for the start if it is another one each time."""
    start, again, after = (_weights(answer(image, target, kernel_size, steps=count, lr=lr, seed=seed)) for count in (0, 0, steps))
    return start if _different([start, again]) == 1 else np.full_like(start, np.nan), after


def _step(start, after):
    """The way from one kernel to another. Raises ValueError where their shapes differ."""
    if start.shape != after.shape:
        raise ValueError(f"one kernel has shape {start.shape}, another {after.shape}")
    return after - start


def _weights(kernel):
    return np.asarray(kernel, dtype=float)


def _different(kernels):
    """How many of them differ by more than the rounding of sums."""
    return len({np.round(_weights(kernel), 9).tobytes() for kernel in kernels})
