"""What the numbers themselves tell about a wrong result, where no mistake of the bank fits: transposed, negated, scaled…"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from filterlab.check.tensors import as_array


def name(expected: Any, got: Any) -> str:
    """One sentence that says how the result is related to the right one, or nothing. Of dicts, for the first value that has one."""
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        return next((sentence for key in expected if (sentence := name(expected[key], got.get(key)))), "")
    expected, got = as_array(expected), as_array(got)
    if not all(isinstance(value, np.ndarray) and value.dtype.kind in "fiu" for value in (expected, got)):
        return ""
    expected, got = expected.astype(float), got.astype(float)
    if expected.size == 0 or not np.isfinite(got).all() or _close(expected, got):
        return ""
    return next((sentence for sentence, related in _relations(expected) if _close(related, got)), _by_scale(expected, got))


def _relations(right: np.ndarray):
    yield "Every number is the right one with the opposite sign.", -right
    yield "Every number is right but for its sign: the negative ones have become positive.", np.abs(right)
    yield "The negative numbers have become 0; the others are right.", right.clip(min=0)
    yield "The numbers are right but cut off at 0 and 1.", right.clip(0, 1)
    yield "The numbers are the right ones, rounded.", np.round(right)
    yield "The numbers are the right ones without their decimals: did they pass through an integer array?", np.trunc(right)
    yield "The numbers are right modulo 256: did they pass through an array of uint8?", np.trunc(right) % 256
    if right.ndim >= 2:
        yield "These are the right numbers with rows and columns exchanged.", np.swapaxes(right, -1, -2)
        yield "These are the right numbers, upside down.", right[..., ::-1, :]
        yield "These are the right numbers, mirrored left to right.", right[..., ::-1]
        yield "These are the right numbers, turned by 180 degrees.", right[..., ::-1, ::-1]
    if right.ndim >= 3:
        yield "These are the right maps in the wrong order.", right[::-1]


def _by_scale(right: np.ndarray, got: np.ndarray) -> str:
    if right.shape != got.shape or right.size < 2:
        return ""
    if _close(right - right.mean(), got - got.mean()):
        return f"Every number is off by the same amount: {got.mean() - right.mean():.4g}."
    norm = (right**2).sum()
    factor = (right * got).sum() / norm if norm else 0.0
    if factor and _close(factor * right, got):
        return f"Every number is the right one times {factor:.4g}."
    return ""


def _close(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=1e-4, atol=1e-6 * np.abs(one).max()))
