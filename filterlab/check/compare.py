"""Finds the first difference between what was expected and what an answer gave: kind, then shape, then numbers.

The tolerance is that of the coarsest floating type involved, measured against the largest number involved.
"""

import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from filterlab.check.bank import Reference
from filterlab.check.tensors import as_array, is_tensor

# Share of the largest number involved by which two right answers may differ. What is float64 from outside may have been summed in
# float32 within, so its tolerance is that of a few dozen float32 products; no mistake is as small.
TOLERANCE = {np.dtype(np.float16): 3e-2, np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-5}
# Counts and sizes, where nothing is a float.
WHOLE_NUMBERS = 1e-9


@dataclass(frozen=True)
class Difference:
    """One sentence that says what is wrong, and both sides of it as text (empty where the sentence says it all)."""

    sentence: str
    expected: str = ""
    got: str = ""


@np.errstate(all="ignore")  # a wrong answer's infinities are told in words, not in warnings
def first_difference(reference: Reference | None, expected: Any, got: Any, inputs: Iterable[Any] = (), only: str = "") -> Difference | None:
    """The first difference between two results of one call, or None if they agree.

    reference: says how a result falls into parts and what of them is compared (only: the part, or the value in a dict, of this name).
    inputs: the arguments of the call, for the tolerance.
    """
    inputs = list(inputs)
    if isinstance(expected, Mapping):
        asked = {name: value for name, value in expected.items() if only in ("", name)}
        # What a dict reports has scales of its own: the size of the inputs says nothing about it.
        return _difference_by_name(
            asked, got, lambda name: Tolerance(reference, inputs, [expected[name], got[name]], scaled=False), bool(only)
        )
    if reference is None or not reference.parts:
        found = _difference("", expected, got, Tolerance(reference, inputs, [expected, got]))
        if not found and reference and reference.same_dtype and got.dtype != expected.dtype:
            found = Difference("the numbers are right, but the dtype is not that of the input", str(expected.dtype), str(got.dtype))
        return found
    expected_parts, got_parts = list(expected), _unpacked(got, reference.parts)
    if isinstance(got_parts, Difference):
        return got_parts
    tolerance = Tolerance(reference, inputs, expected_parts + got_parts)
    for name, one, other in zip(reference.parts, expected_parts, got_parts, strict=True):
        if only not in ("", name):
            continue
        found = _difference_of_kind(name, one, other) or (None if reference.seen_as else _difference(name, one, other, tolerance))
        if found:
            return found
    if reference.seen_as:
        mine, theirs = reference.seen_as(*expected_parts), reference.seen_as(*got_parts)
        return next((d for name in mine if (d := _difference(name, mine[name], theirs[name], tolerance))), None)
    return None


class Tolerance:
    """How far two right answers may lie apart on this input."""

    def __init__(self, reference: Reference | None, inputs: list[Any], results: list[Any], scaled: bool = True) -> None:
        inputs, results = list(map(as_array, inputs)), list(map(as_array, results))
        types = {np.asarray(value).dtype for value in inputs + results if isinstance(value, np.ndarray | np.generic | float)}
        coarsest = max((TOLERANCE.get(dtype, 0.0) for dtype in types), default=WHOLE_NUMBERS)
        self.share = reference.tolerance if reference and reference.tolerance else max(coarsest, WHOLE_NUMBERS)
        self.within, self.period = (reference.within, reference.period) if reference else (None, None)
        # Only pictures and filters set the scale: a position or a size says nothing about the size of the result.
        self.largest_input = max((_largest(value) for value in inputs if scaled and isinstance(value, np.ndarray)), default=0.0)

    def apart(self, difference: np.ndarray) -> np.ndarray:
        """How large a difference is; on a circle, the shorter way round."""
        difference = np.abs(difference)
        return np.minimum(difference % self.period, -difference % self.period) if self.period else difference

    def limit(self, expected: np.ndarray) -> float:
        if self.within is not None:
            return self.within
        return self.share * max(_largest(expected), self.largest_input)


def _largest(value: Any) -> float:
    """The largest finite magnitude in an array or number; 0 for anything else."""
    if not isinstance(value, np.ndarray | numbers.Real):
        return 0.0
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        return 0.0
    finite = np.abs(array[np.isfinite(array)].astype(float))
    return float(finite.max()) if finite.size else 0.0


def _unpacked(got: Any, names: tuple[str, ...]) -> list[Any] | Difference:
    """The parts of a result that should be a sequence, or what is wrong with it."""
    wanted = "(" + ", ".join(names) + ")"
    single = (isinstance(got, np.ndarray | np.generic) or is_tensor(got)) and got.ndim == 0
    if single or isinstance(got, str | Mapping | set) or not isinstance(got, Iterable):
        return Difference(_kind_sentence("the result", got, f"{len(names)} arrays {wanted}"))
    parts = list(got)
    if len(parts) != len(names):
        return Difference(f"the result unpacks into {len(parts)} parts, expected {len(names)}: {wanted}", got=describe(got))
    return parts


def _difference(name: str, expected: Any, got: Any, tolerance: Tolerance) -> Difference | None:
    wrong_kind = _difference_of_kind(name, expected, got)
    if wrong_kind:
        return wrong_kind
    if not _is_numeric(expected):
        return None
    what = name or "the result"
    one, other = np.asarray(as_array(expected), dtype=float), np.asarray(as_array(got), dtype=float)
    lost = ~np.isfinite(other) & ~((one == other) | (np.isnan(one) & np.isnan(other)))
    if lost.any():
        place = _first_place(lost)
        return Difference(
            f"{what} holds {other[place]}{_at(place)}, which is not a number to go on with", number(one[place]), number(other[place])
        )
    # What is not finite on both sides alike is equal; on one side only, it is as far apart as can be.
    near = tolerance.apart(np.where(np.isfinite(one), one - other, 0.0))
    apart = np.where(np.isfinite(one), near, np.where(np.isfinite(other), np.inf, 0.0))
    wrong = apart > tolerance.limit(one)
    if not wrong.any():
        return None
    place = _first_place(wrong)
    shown = two_numbers(one[place], other[place])
    if one.ndim == 0:
        return Difference(f"{what} is the wrong number", *shown)
    count = "every number differs" if wrong.all() else f"{wrong.sum()} of {wrong.size} numbers differ"
    return Difference(f"{what} has the right shape {_shape(one)}, but {count}; the first{_at(place)}", *shown)


def _difference_of_kind(name: str, expected: Any, got: Any) -> Difference | None:
    """Wrong kind of thing, dtype or shape; for what is no number, any difference."""
    what = name or "the result"
    if isinstance(expected, tuple):
        return None if same_shape(expected, got) else Difference(f"{what} has another shape", str(expected), str(got))
    if isinstance(expected, bool):
        return None if got is expected else Difference(f"{what}: this should {'be so, and is not' if expected else 'not be so, but is'}")
    if not _is_numeric(expected):
        same = type(expected) is type(got) and expected == got
        return None if same else Difference(f"{what} is not as it should be", describe(expected), describe(got))
    if _is_number(expected):
        wanted = "a Python number: `.item()` takes it out" if is_tensor(got) and got.ndim == 0 else "a number"
        return None if _is_number(got) else Difference(_kind_sentence(what, got, wanted))
    if not isinstance(got, np.ndarray) and not is_tensor(got):
        return Difference(_kind_sentence(what, got, f"{'a tensor' if is_tensor(expected) else 'an array'} of shape {_shape(expected)}"))
    if is_tensor(expected) and not is_tensor(got):
        return Difference(f"{_kind_sentence(what, got, 'a tensor')}: `torch.from_numpy` makes one")
    if as_array(got).dtype.kind not in "fiu":
        return Difference(f"{what} has dtype {got.dtype}, expected {'a tensor' if is_tensor(got) else 'an array'} of ordinary numbers")
    if got.shape != expected.shape:
        return Difference(f"{what} has the wrong shape", _shape(expected), _shape(got))
    return None


def _is_numeric(value: Any) -> bool:
    """Whether this is a number, an array or a tensor."""
    return isinstance(value, np.ndarray) or is_tensor(value) or _is_number(value)


def _difference_by_name(
    expected: Mapping[str, Any], got: Any, tolerance: Callable[[str], "Tolerance"], partly: bool = False
) -> Difference | None:
    """The first name that is missing or whose value differs, in the order of what is expected (partly: there may be more names)."""
    if not isinstance(got, Mapping):
        values = "shapes" if any(isinstance(value, tuple) for value in expected.values()) else "values"
        return Difference(_kind_sentence("the result", got, f"a dict from names to {values}"))
    for name in expected:
        if name not in got:
            missing = [other for other in expected if other not in got]
            return Difference(f"the result has no {', '.join(map(repr, missing))}; it has {', '.join(map(repr, got)) or 'nothing'}")
        # A probe's names are phrases; those of a table are shown as names.
        found = _difference(repr(name) if name.isidentifier() else name, expected[name], got[name], tolerance(name))
        if found:
            return found
    surplus = [name for name in got if name not in expected and not partly]
    return Difference(f"the result has {', '.join(map(repr, surplus))} besides, which nobody asked for") if surplus else None


def same_shape(one: Any, other: Any) -> bool:
    """Whether both are the same sequence of whole numbers, tuple or list."""
    plain = (isinstance(other, Sequence) and not isinstance(other, str)) or (isinstance(other, np.ndarray) and other.ndim == 1)
    return plain and len(one) == len(other) and all(_is_number(size) and size == whole for whole, size in zip(one, other, strict=True))


def _is_number(value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return False
    # tensordot and friends give a 0-d array where others give a scalar: the same number.
    return isinstance(value, numbers.Real) or (isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "fiu")


def _kind_sentence(what: str, got: Any, wanted: str) -> str:
    if got is None:
        return f"{what} is None, expected {wanted}: is a `return` missing?"
    return f"{what} is {describe(got)}, expected {wanted}"


def describe(value: Any) -> str:
    """A value in a few words: numbers as they are, small arrays with their numbers, others by shape and dtype."""
    if hasattr(type(value), "__describe__"):  # what stands for a value that is elsewhere
        return value.__describe__()
    if isinstance(value, np.ndarray) or is_tensor(value):
        array = as_array(value)
        if 0 < array.size <= 9 and array.dtype.kind in "fiu":
            numbers_in_it = np.array2string(array, precision=4, separator=", ").replace("\n", "")
            return f"tensor({numbers_in_it})" if is_tensor(value) else numbers_in_it
        return f"{'a tensor' if is_tensor(value) else 'an array'} of shape {_shape(value)} and dtype {value.dtype}"
    if isinstance(value, bool | np.bool_ | str):
        return repr(value) if len(repr(value)) < 100 else f"a {type(value).__name__}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, numbers.Real):
        return number(value)
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    return "None" if value is None else f"a {type(value).__name__}"


def number(value: Any, digits: int = 5) -> str:
    """A number with so many digits; whole numbers as whole numbers."""
    if isinstance(value, numbers.Integral):
        return str(int(value))
    return f"{float(value):.{digits}g}"


def two_numbers(one: Any, other: Any) -> tuple[str, str]:
    """Two different numbers with as many digits as it takes to see that they differ."""
    for digits in range(5, 18):
        texts = number(one, digits), number(other, digits)
        if texts[0] != texts[1]:
            break
    return texts


def _first_place(mask: np.ndarray) -> tuple[int, ...]:
    return tuple(int(index) for index in np.argwhere(mask)[0]) if mask.ndim else ()


def _at(place: tuple[int, ...]) -> str:
    return f" at [{', '.join(map(str, place))}]" if place else ""


def _shape(array: Any) -> str:
    return str(tuple(array.shape))
