"""What the probes of several lessons share: quiet surroundings, pictures, and random weights."""

import contextlib
import random

import numpy as np
import torch
from torch import allclose, nn  # not torch.allclose, which an answer may patch

from filterlab.check.inputs import random_picture


@contextlib.contextmanager
def aside():
    """One thread, no warnings of NNPACK, and all random states as before in the end: as a decorator, for every probe."""
    threads, python, numpy = torch.get_num_threads(), random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]), torch.backends.nnpack.flags(enabled=False):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            random.setstate(python)
            np.random.set_state(numpy)


def randomise(model: nn.Module) -> None:
    """Draws all weights and running statistics anew, large enough that every part of the model matters."""
    with torch.no_grad():
        for name, values in model.state_dict().items():
            if values.is_floating_point():
                values.copy_(torch.rand(values.shape) + 0.5 if name.endswith("running_var") else torch.randn(values.shape))


def pictures(*shape: int, another: int = 0) -> torch.Tensor:
    """Random pictures as a float32 tensor; another number, other pictures."""
    return torch.from_numpy(random_picture(*shape, dtype=np.float32, another=another))


def attempt(call):
    """What a call gives, or its error as text. What is not written yet stays an error."""
    try:
        return call()
    except NotImplementedError:
        raise
    except Exception as error:
        return error_text(error)


def error_text(error):
    """The first line of an error, without the sizes that torch adds in brackets: these differ from answer to answer."""
    return f"{type(error).__name__}: {error}".splitlines()[0].partition(" (")[0]


def alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two results of training, which rounding may have moved, are the same."""
    return one.shape == other.shape and allclose(one, other, rtol=1e-3, atol=1e-5)
