"""`expect(answer, …)`: what a test cell says. Every check ends in silence or in one WrongAnswer that explains itself."""

import functools
import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from filterlab.check import bank, compare, diagnose, scratch, tensors
from filterlab.check.bank import Naming, Reference
from filterlab.check.diagnose import Hint
from filterlab.check.inputs import generator
from filterlab.check.outcome import Outcome, no_answer, run, steps

NO_LOOPS = "let NumPy do it for all pixels, channels, filters and pictures at once; only a loop over the kernel's few taps is fine."
CHANGED_INPUT = "work on a copy (`.copy()`): the caller still needs the original."
# Answers that refuse so many calls that are fine, one after the other, refuse whatever comes.
MOST_REFUSED = 4


class WrongAnswer(AssertionError):
    """An answer that is not right yet; its text says what was expected, what came, and where to look.

    verdict: "failed", "not written" (still the stub) or "refused" (help from a library that the exercise does not allow).
    mistake: the name of the mistake in the bank that the answer makes, or nothing.
    """

    def __init__(self, text: str, verdict: str = "failed", mistake: str = "") -> None:
        super().__init__(text)
        self.verdict, self.mistake = verdict, mistake

    def _render_traceback_(self) -> list[str]:
        # Jupyter asks an exception for its own rendering: the way through our package would help nobody.
        lines = f"{type(self).__name__}: {self}".splitlines()
        # Jupyter breaks long lines in the middle of a word.
        return [textwrap.fill(line, 110, subsequent_indent="  ", replace_whitespace=False, drop_whitespace=True) for line in lines]


def expect(answer: Callable, *args: Any, **kwargs: Any) -> "Expectation":
    """What is to be expected of `answer(*args, **kwargs)`: say it with `.like(…)`, `.equals(…)` or `.raises(…)`."""
    return Expectation(answer, args, kwargs)


class Expectation:
    """One call of an answer, before it is made."""

    def __init__(self, answer: Callable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.answer, self.args, self.kwargs = answer, args, kwargs
        self.name = getattr(answer, "__name__", None) or type(answer).__name__
        self.reference = bank.find(self.name)
        self.probe: Callable | None = None

    def through(self, probe: Callable) -> "Expectation":
        """Have a probe call the answer, and judge what the probe reports; the arguments are the probe's.

        For an answer that takes or gives a function, a model or an optimizer. Gives this expectation back, to go on with.
        """
        self.probe = probe
        return self

    def like(self, reference: Reference, only: str = "") -> None:
        """The answer gives what the reference gives (`only`: in the part of this name). Raises WrongAnswer otherwise."""
        self.reference, self.name = reference, reference.name
        right = run(reference, self.args, self.kwargs, probe=self.probe)
        if right.error is not None:
            raise right.error
        self._gives(right.value, only)

    def equals(self, value: Any) -> None:
        """The answer gives this value, worked out by hand (a list stands for an array). Raises WrongAnswer otherwise."""
        dtype = self.args[0].dtype if self.reference and self.reference.same_dtype else None
        self._gives(np.array(value, dtype) if isinstance(value, list) else value)

    def raises(self, error: type[Exception], naming: Naming | None = None) -> None:
        """The answer raises this error, and its message names what is wrong: at least one of the names, with its number or shape."""
        outcome = self._run()
        if not isinstance(outcome.error, error):
            came = _error_text(outcome) if outcome.error else f"it returned {compare.describe(outcome.value)}"
            default = f"check for this before you compute, and `raise {error.__name__}(…)` with a message that says why."
            hint = self._hint(outcome, default=default)
            self._fail(f"{self.name} should refuse this call", f"{error.__name__}{_naming_text(naming)}", came, hint)
        if naming and not names_one(str(outcome.error), naming):
            hint = Hint("a good message names the argument and shows what came, so that whoever calls your function can mend it.")
            self._fail(
                f"{self.name} refuses this call, but its message does not say why",
                f"a message{_naming_text(naming)}",
                _error_text(outcome),
                hint,
            )
        self._answers_others(error, naming)

    def _answers_others(self, error: type[Exception], naming: Naming | None) -> None:
        """Who refuses everything refuses this call, too: in every eighth test of a refusal, an answer must also take what is fine."""
        if self.reference is None or self.reference.refused is None:
            return
        rng = generator("taken", self.name, repr([getattr(value, "shape", value) for value in self.args]))
        if rng.integers(8):
            return
        for _ in range(MOST_REFUSED):
            other = Expectation(self.answer, self.reference.draw(rng), {}).through(self.reference.probe)
            outcome = run(other.answer, other.args, probe=other.probe)
            # An error that names no argument is a bug of the answer's: there are other test cells for that.
            if not isinstance(outcome.error, error) or (naming and not any(_names(str(outcome.error), name) for name in naming)):
                return
        other._fail(f"{self.name} refuses a call that it should answer", f"no {error.__name__}", _error_text(outcome), other._hint(outcome))

    def without_loops(self, *larger: Any) -> None:
        """The answer takes no more Python steps on larger input (the arguments given here). Raises WrongAnswer otherwise.

        Choose inputs that differ in every size an answer could loop over, by at least 3, and agree in those that it may loop over.
        """
        self._run()
        few, many = (steps(self.answer, arguments) for arguments in (self.args, larger))
        # One loop more costs at least three steps; a branch for a special case, one or two.
        if many >= min(few + 3, scratch.UNCOUNTED):
            sentence = f"{self.name} loops in Python: {few} steps here, but {many} on larger arrays"
            self._fail(sentence, "as many steps, however large the arrays are", "", Hint(NO_LOOPS))

    def _gives(self, expected: Any, only: str = "") -> None:
        outcome = self._run()
        if outcome.error is not None:
            self._fail(f"{self.name} stopped with an error", "", _error_text(outcome), self._hint(outcome))
        found = compare.first_difference(self.reference, expected, outcome.value, [*self.args, *self.kwargs.values()], only)
        if found:
            shown = found.expected if self.reference is None or self.reference.reveals else ""
            self._fail(f"{self.name}: {found.sentence}", shown, found.got, self._hint(outcome, only))

    def _run(self) -> Outcome:
        """Calls the answer and stops at what is wrong whatever it gives."""
        fault = no_answer(self.answer)
        if fault:
            raise WrongAnswer(fault)
        outcome = run(self.answer, self.args, self.kwargs, self.reference.libraries if self.reference else None, self.probe)
        if isinstance(outcome.error, NotImplementedError):
            raise WrongAnswer(f"{self.name} is not written yet: put your code in the place of `raise NotImplementedError`.", "not written")
        if outcome.borrowed:
            allowed = " and ".join([*self.reference.libraries, "Python's standard library"])
            only = "." if "*" in self.reference.libraries else f", with {allowed} only."
            raise WrongAnswer(f"{self.name} uses {outcome.borrowed}, which is not yours: write it yourself{only}", "refused")
        if outcome.changed:
            named = ", ".join(f"`{self._argument(key)}`" for key in outcome.changed)
            raise WrongAnswer(f"{self.name} changed its input {named}.\nHint: {CHANGED_INPUT}")
        return outcome

    def _argument(self, key: int | str) -> str:
        called = self.reference and self.reference.function
        if self.probe:
            called = getattr(self.probe, "prepare", None) or functools.partial(self.probe, self.answer)
        names = list(inspect.signature(called).parameters) if called else []
        return names[key] if isinstance(key, int) and key < len(names) else str(key)

    def _hint(self, outcome: Outcome, only: str = "", default: str = "") -> Hint:
        if self.reference is None:
            return Hint(default)
        found = diagnose.hint(self.answer, self.reference, self.args, self.kwargs, outcome, self.probe, only)
        return found if found.text else Hint(default)

    def _call(self) -> str:
        arguments = [(self._argument(position), value) for position, value in enumerate(self.args)] + list(self.kwargs.items())
        texts = [f"{name}={_short(value)}" for name, value in arguments]
        if self.probe:
            return f"{self.probe.__name__}({', '.join([self.name, *texts])})"
        return f"{self.name}({', '.join(texts)})"

    def _fail(self, sentence: str, expected: str, got: str, hint: Hint) -> None:
        lines = [sentence if sentence.endswith("?") else f"{sentence}.", f"  call      {self._call()}"]
        lines += [f"  expected  {expected}"] if expected else []
        lines += [f"  got       {got}"] if got else []
        lines += [f"Hint: {hint.text}"] if hint.text else []
        raise WrongAnswer("\n".join(lines), mistake=hint.mistake)


def names_one(message: str, naming: Naming) -> bool:
    """Whether an error's message names at least one of the arguments together with its number, or all numbers of its shape."""
    found = [float(text) for text in re.findall(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", message)]
    for name, value in naming.items():
        fitting = value if isinstance(value, list) else [value]
        if _names(message, name) and any(all(np.isclose(float(wanted), found).any() for wanted in np.atleast_1d(one)) for one in fitting):
            return True
    return False


def _names(message: str, name: str) -> bool:
    # "kernel" and "kernels" mean the same to a reader.
    return bool(re.search(rf"(?<![A-Za-z]){re.escape(name.rstrip('s'))}s?(?![A-Za-z])", message, re.IGNORECASE))


def _naming_text(naming: Naming | None) -> str:
    if not naming:
        return ""
    return " that names " + " or ".join(f"`{name}` with {_shown(value)}" for name, value in naming.items())


def _shown(value: float | tuple | list) -> str:
    first = value[0] if isinstance(value, list) else value
    return str(first) if isinstance(first, tuple) else compare.number(first)


def _error_text(outcome: Outcome) -> str:
    text = f"{type(outcome.error).__name__}: {outcome.error}" if str(outcome.error) else type(outcome.error).__name__
    text = text.splitlines()[0]
    return f"{text}   in your line `{outcome.line}`" if outcome.line else text


def _short(value: Any) -> str:
    array = tensors.as_array(value)
    if isinstance(array, np.ndarray) and array.size > 9:
        return f"<{'×'.join(map(str, value.shape))} {value.dtype}>"
    return compare.describe(value)
