"""Inputs that tell mistakes apart: random pictures and filters, the same ones for the same call in one run.

A student sees the same numbers each time a cell runs; every grading run draws its own. The run's seed comes from the
grader (`seeded`) or the environment (FILTERLAB_SEED), so that a run can be repeated.
"""

import contextlib
import contextvars
import os
import zlib
from collections.abc import Iterator

import numpy as np

from filterlab.check.bank import Arguments, Naming, Reference

SEED_VARIABLE = "FILTERLAB_SEED"
STUDENTS_SEED = 0
_seed: contextvars.ContextVar[int | None] = contextvars.ContextVar("seed", default=None)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, this is the seed of the run, whatever the environment says."""
    token = _seed.set(seed)
    try:
        yield
    finally:
        _seed.reset(token)


def random_seed() -> int:
    """The seed of this run: fixed for students, drawn by the grader for each grading run."""
    chosen = _seed.get()
    return int(os.environ.get(SEED_VARIABLE, STUDENTS_SEED)) if chosen is None else chosen


def generator(*label) -> np.random.Generator:
    """A random generator that depends on the run's seed and the label alone."""
    return np.random.default_rng([random_seed(), zlib.crc32(repr(label).encode())])


def random_picture(*shape: int, dtype=float, another: int = 0) -> np.ndarray:
    """A picture of random brightness: floats in [0, 1], or 0 to 255 for dtype uint8. Another number, another picture."""
    rng = generator("picture", shape, another)
    if np.issubdtype(dtype, np.integer):
        return rng.integers(0, 256, shape).astype(dtype)
    return rng.random(shape).astype(dtype)


def random_filters(*shape: int, dtype=float, another: int = 0) -> np.ndarray:
    """Random weights around zero, lopsided in every direction. Another number, other weights."""
    return generator("filters", shape, another).normal(size=shape).astype(dtype)


def shapes_of_memory(array: np.ndarray) -> Iterator[np.ndarray]:
    """The same numbers laid out in memory in other ways: reversed strides, every second pixel of a larger one, read-only."""
    yield np.ascontiguousarray(array[..., ::-1])[..., ::-1]
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    yield wide[..., ::2]
    yield np.asfortranarray(array)
    locked = array.copy()
    locked.setflags(write=False)
    yield locked


def many(reference: Reference, count: int = 24) -> list[Arguments]:
    """Arguments on which the answer must agree with the reference, drawn anew for each run."""
    rng = generator("many", reference.name)
    return [reference.draw(rng) for _ in range(count)]


def many_refused(reference: Reference, count: int = 16) -> list[tuple[Arguments, Naming | None]]:
    """Arguments that must be refused, each with what the message of the error must name."""
    rng = generator("refused", reference.name)
    return [reference.refused(rng) for _ in range(count)]
