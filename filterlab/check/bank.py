"""The bank: every reference answer with the mistakes expected of it and right answers in other styles."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arguments = tuple[Any, ...]
# What the message of an error must name: an argument and the number, or the shape, that belongs to it (a list: any of these). One of
# several names is enough.
Naming = Mapping[str, float | tuple[int, ...] | list[float | tuple[int, ...]]]


@dataclass(frozen=True)
class Mistake:
    """A plausible wrong answer and the hint that it deserves."""

    name: str
    hint: str
    answer: Callable


@dataclass(eq=False)
class Reference:
    """A right answer that others are compared with; call it like the function it holds.

    draw: random generator → arguments that tell mistakes apart.
    refused: random generator → arguments that must raise ValueError, and what the message must name (None: anything).
    parts: names of what the answer gives, if it gives several things in a sequence.
    seen_as: makes of the parts what is compared, by name, where several results are right (None: the parts themselves).
    same_dtype: whether the dtype counts, too. reveals: whether a student may be shown what is expected.
    tolerance: largest difference allowed as a share of the largest number involved (None: by dtype).
    within: largest difference allowed, in the unit of the result (None: `tolerance` counts).
    period: numbers that differ by this much mean the same: 180 for the angle of a line in degrees (None: no two do).
    libraries: packages that an answer may call besides the standard library ("*": every one but filterlab).
    probe: the probe that the arguments of `draw` and `refused` are for, if the answer is called through one.
    """

    function: Callable
    draw: Callable[[np.random.Generator], Arguments] = lambda rng: ()
    refused: Callable[[np.random.Generator], tuple[Arguments, Naming | None]] | None = None
    parts: tuple[str, ...] = ()
    seen_as: Callable[..., dict[str, Any]] | None = None
    same_dtype: bool = False
    reveals: bool = True
    tolerance: float | None = None
    within: float | None = None
    period: float | None = None
    libraries: tuple[str, ...] = ("numpy",)
    probe: Callable | None = None
    _mistakes: list[Mistake] = field(default_factory=list)
    _right_answers: list[Callable] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.function.__name__

    def __call__(self, *args, **kwargs):
        return self.function(*args, **kwargs)

    @property
    def mistakes(self) -> list[Mistake]:
        self._load()
        return self._mistakes

    @property
    def right_answers(self) -> list[Callable]:
        self._load()
        return self._right_answers

    def _load(self) -> None:
        # Mistakes are needed only once somebody has made one: until then the bank stays unread.
        importlib.import_module(self.function.__module__.replace(".references.", ".mistakes."))


_references: dict[str, Reference] = {}


def reference(**properties) -> Callable[[Callable], Reference]:
    """Decorator: makes a function the reference of the exercise that has its name. Properties: those of Reference."""

    def register(function: Callable) -> Reference:
        if function.__name__ in _references:
            raise ValueError(f"there is already a reference called {function.__name__}")
        _references[function.__name__] = Reference(function, **properties)
        return _references[function.__name__]

    return register


def find(name: str) -> Reference | None:
    """The reference of the exercise called `name`, among those loaded."""
    return _references.get(name)


def mistake(of: Reference, hint: str) -> Callable[[Callable], Callable]:
    """Decorator: registers a wrong answer of the reference with its hint, one or two sentences to the student."""

    def register(function: Callable) -> Callable:
        of._mistakes.append(Mistake(function.__name__, hint, function))
        return function

    return register


def right_answer(of: Reference) -> Callable[[Callable], Callable]:
    """Decorator: registers a right answer in another style, which must get full marks."""

    def register(function: Callable) -> Callable:
        of._right_answers.append(function)
        return function

    return register
