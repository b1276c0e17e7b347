"""Names the mistake: the one in the bank that gives the same result as the answer did."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from filterlab.check import symptoms
from filterlab.check.bank import Arguments, Mistake, Reference
from filterlab.check.compare import first_difference
from filterlab.check.inputs import generator
from filterlab.check.outcome import Outcome, run

# Further inputs drawn to tell apart the mistakes that agree on the first one.
TELLING_DRAWS = 12


@dataclass(frozen=True)
class Hint:
    """What a student is told to look at, and the name of the mistake in the bank that it belongs to, if it belongs to one."""

    text: str = ""
    mistake: str = ""


def hint(
    answer: Callable,
    reference: Reference,
    args: Arguments,
    kwargs: Mapping[str, Any],
    outcome: Outcome,
    probe: Callable | None = None,
    only: str = "",
) -> Hint:
    """The hint of the mistake that reproduces this outcome of the answer (only: the part of this name); else what the numbers
    themselves tell; else nothing."""
    found = made_mistake(answer, reference, args, kwargs, outcome, probe, only)
    if found:
        return Hint(found.hint, found.name)
    right = run(reference, args, kwargs, probe=probe)
    return Hint(symptoms.name(right.value, outcome.value) if right.error is None and outcome.error is None else "")


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
    outcomes = [(mistake, run(mistake.answer, args, kwargs, probe=probe)) for mistake in reference.mistakes]
    fitting = [mistake for mistake, theirs in outcomes if _agree(reference, args, theirs, outcome, only)]
    if not fitting and isinstance(outcome.value, Mapping):
        return _nearest(reference, args, run(reference, args, kwargs, probe=probe), outcomes, outcome)
    # The reference draws arguments for its own probe, whichever one this case went through.
    for other_args in _telling_inputs(reference, len(fitting)):
        if len(fitting) < 2:
            break
        theirs = run(answer, other_args, probe=reference.probe)
        still = [one for one in fitting if _agree(reference, other_args, run(one.answer, other_args, probe=reference.probe), theirs)]
        # An answer with two mistakes may leave the bank here: what fitted the student's own case stays the best guess.
        fitting = still or fitting
    return fitting[0] if fitting else None


def _nearest(
    reference: Reference, args: Arguments, right: Outcome, outcomes: list[tuple[Mistake, Outcome]], outcome: Outcome
) -> Mistake | None:
    """The mistake that gives the same first wrong value of a dict, and most of the others, too: a student may be right in all but one."""

    def agreeing(one: Outcome, other: Outcome) -> list[str]:
        if not isinstance(one.value, Mapping) or not isinstance(other.value, Mapping):
            return []
        both = [name for name in one.value if name in other.value]
        return [name for name in both if _agree(reference, args, Outcome(one.value[name]), Outcome(other.value[name]))]

    good = agreeing(right, outcome)
    first = next((name for name in right.value if name not in good), None) if isinstance(right.value, Mapping) else None
    if first is None or isinstance(right.value[first], bool | int | float):
        return None  # on yes or no, and on a single number, different mistakes agree too easily
    alike = [(mistake, agreeing(theirs, outcome)) for mistake, theirs in outcomes]
    return max(((mistake, names) for mistake, names in alike if first in names), key=lambda pair: len(pair[1]), default=(None, []))[0]


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
        return type(one.error).__name__ == type(other.error).__name__
    if one.value is None or other.value is None:
        return one.value is None and other.value is None
    try:
        return first_difference(reference, one.value, other.value, args, only) is None
    except (TypeError, ValueError):  # a mistake may give something that does not even unpack
        return False
