"""What the bank's answers gave, kept for the next sheet: all sheets of a run are tested with the same arguments."""

import collections
import hashlib
from collections.abc import Callable
from typing import Any

from filterlab.check.inputs import random_seed
from filterlab.check.outcome import Outcome
from filterlab.grading import wire

# Outcomes of a few kilobytes each; those of one lesson are about half as many.
MOST = 20_000


class Memory:
    """Gives what an answer of the bank gave to the same arguments, laid out in memory the same way, in a run of the same seed."""

    def __init__(self) -> None:
        self._kept: collections.OrderedDict[tuple, Outcome] = collections.OrderedDict()

    def __call__(self, call: Callable[[], Outcome], answer: Callable, probe: Callable | None, arguments: tuple[Any, ...]) -> Outcome:
        """What `call` gives, which calls this answer through this probe. The arguments are such as a sheet's answer gets: plain data."""
        key = answer, probe, random_seed(), hashlib.blake2b(wire.pack(arguments), digest_size=16).digest()
        if key not in self._kept:
            self._kept[key] = call()
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return self._kept[key]
