"""Names the mistake: the one in the bank that gives the same result as the answer did."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from filterlab.check import symptoms
from filterlab.check.bank import Arguments, Mistake, Reference
from filterlab.check.compare import first_difference, same_shape
from filterlab.check.inputs import generator
from filterlab.check.outcome import Outcome, run

# Further inputs drawn to tell apart the mistakes that agree on the first one.
TELLING_DRAWS = 12


def hint(
    answer: Callable,
    reference: Reference,
    args: Arguments,
    kwargs: Mapping[str, Any],
    outcome: Outcome,
    probe: Callable | None = None,
    only: str = "",
) -> str:
    """The hint of the mistake that reproduces this outcome of the answer (only: the part of this name); else what the numbers
    themselves tell; else nothing."""
    found = made_mistake(answer, reference, args, kwargs, outcome, probe, only)
    if found:
        return found.hint
    right = run(reference, args, kwargs, probe=probe)
    return symptoms.name(right.value, outcome.value) if right.error is None and outcome.error is None else ""


def made_mistake(
    answer: Callable,
    reference: Reference,
    args: Arguments,
    kwargs: Mapping[str, Any],
    outcome: Outcome,
    probe: Callable | None = None,
    only: str = "",
) -> Mistake | None:
    """The mistake that gives the same outcome on this input and, if several do, on others drawn to tell them apart."""
    if isinstance(outcome.value, Mapping):
        right = run(reference, args, kwargs, probe=probe).value
        return _mistaken_shape(reference, right, outcome.value) if isinstance(right, Mapping) else None
    fitting = [
        mistake for mistake in reference.mistakes if _agree(reference, args, run(mistake.answer, args, kwargs, probe=probe), outcome, only)
    ]
    # The reference draws arguments for its own probe, whichever one this case went through.
    for other_args in _telling_inputs(reference, len(fitting)):
        if len(fitting) < 2:
            break
        theirs = run(answer, other_args, probe=reference.probe)
        still = [one for one in fitting if _agree(reference, other_args, run(one.answer, other_args, probe=reference.probe), theirs)]
        # An answer with two mistakes may leave the bank here: what fitted the student's own case stays the best guess.
        fitting = still or fitting
    return fitting[0] if fitting else None


def _mistaken_shape(reference: Reference, right: Mapping[str, Any], shapes: Mapping[str, Any]) -> Mistake | None:
    """The mistake that gives the same first wrong shape, and most of the others, too: a student may be right in all but one."""
    first = next((name for name in right if name in shapes and not same_shape(right[name], shapes[name])), None)
    theirs = [(mistake, mistake.answer()) for mistake in reference.mistakes] if first else []
    fitting = [(mistake, answer) for mistake, answer in theirs if same_shape(answer[first], shapes[first])]
    return max(fitting, key=lambda pair: sum(same_shape(pair[1][name], shapes.get(name)) for name in right), default=(None, None))[0]


def _telling_inputs(reference: Reference, candidates: int) -> list[Arguments]:
    if candidates < 2:
        return []
    rng = generator("telling", reference.name)
    draws = [reference.draw(rng) for _ in range(TELLING_DRAWS)]
    if reference.refused:
        draws += [reference.refused(rng)[0] for _ in range(TELLING_DRAWS)]
    return draws


def _agree(reference: Reference, args: Arguments, one: Outcome, other: Outcome, only: str = "") -> bool:
    """Whether two outcomes are the same: the same kind of error, or results without a difference (only: in the part of this name)."""
    if one.error is not None or other.error is not None:
        return type(one.error) is type(other.error)
    if isinstance(one.value, np.ndarray) or np.isscalar(one.value) or reference.parts:
        try:
            return first_difference(reference, one.value, other.value, args, only) is None
        except (TypeError, ValueError):  # a mistake may give something that does not even unpack
            return False
    return one.value is None and other.value is None
