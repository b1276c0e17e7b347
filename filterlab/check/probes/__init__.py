"""Probes: course functions that call an answer which takes or gives a function, a model or an optimizer.

A probe is given the answer and plain arguments, builds what the answer needs, calls it, and reports plain data: numbers, arrays, strings,
or a dict of them. It decides nothing: `expect(answer, …).through(probe).like(reference)` compares its report on the answer with
its report on the reference. One module per lesson; those of lessons 04 to 06 import torch.

A probe that builds nothing, because its answer takes and gives plain data, is `plain`: it runs on the side of whoever judges, and only the
calls of the answer go to the student's, where nobody can change what the probe makes of them. One that hands out a model has `prepare` or
`conclude` (see filterlab.check.outcome) for what of it can be kept on that side.
"""

from collections.abc import Callable


def plain(probe: Callable) -> Callable:
    """Decorator: marks a probe whose answer takes and gives plain data."""
    probe.plain = True
    return probe
