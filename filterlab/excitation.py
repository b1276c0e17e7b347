"""Pictures that excite a channel: found by going uphill on the pixels while the network stays as it is.

Without more, such a picture is full of fine noise that no photograph contains. Two restraints keep it closer to what the network
was trained on: `jitter` moves the picture a little before each step, so that only what works at every place is worth drawing, and `blur`
smooths it after each step. Sources: Erhan and others, 2009 (the ascent); Yosinski and others, 2015 (blur); Mordvintsev and others, 2015
(jitter).
"""

import functools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, pad

from filterlab.features import evaluating, submodule

# Noise to start from is drawn at these shares of the picture's height and width, and enlarged: on single pixels, some channels are silent.
_SIZES = (1, 1 / 2, 1 / 4, 1 / 8, 1 / 32)
_STARTS_EACH = 4
_TRIES = 4


def noise(n: int, shape: Sequence[int] = (3, 32, 32), seed: int = 0) -> Tensor:
    """n pictures of uniform noise in [0, 1], (n, *shape); `seed` alone decides them."""
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def answers(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    """What each channel of the submodule `layer` answers to each picture (n, c, h, w), in eval mode: the mean of its map, (n, channels).

    For a layer without maps, such as a classifier, its values. Raises ValueError for an unknown name.
    """
    with evaluating(model), _Ear(model, layer) as ear:
        return ear.hear(images)


def maximize(
    model: nn.Module,
    layer: str,
    channel: int | Sequence[int] | Tensor,
    shape: Sequence[int] = (3, 32, 32),
    steps: int = 64,
    lr: float = 0.1,
    *,
    jitter: int = 0,
    blur: float = 0.0,
    seed: int = 0,
) -> Tensor:
    """A picture (c, h, w) in [0, 1] that excites `channel` of the submodule `layer` as much as it can, in eval mode.

    For a list of channels, one picture each, (n, c, h, w), the same as one by one. What is driven up is the channel's mean over its map.
    Of `seed`'s noise of several grain sizes, those few that excite the channel most are tried for a quarter of the steps, and the best of
    them for the rest; a channel that none of them wakes has no slope to climb, and gets noise. lr: how far a pixel moves in a step (Adam).
    jitter: the most pixels that the picture is moved, around the border, before each step. blur: sigma, in pixels, of the Gaussian that
    smooths the picture after each step. For readable pictures: jitter=2, blur=0.7.

    The model is left as it was: weights, gradients, hooks and modes. Raises ValueError for an unknown name, a channel out of range, a
    shape that is not (c, h, w), and steps, lr, jitter or blur out of range.
    """
    _check(shape, steps, lr, jitter, blur)
    channels, chance = torch.as_tensor(channel), torch.Generator().manual_seed(seed)
    wanted = channels.reshape(-1)
    with evaluating(model), _Ear(model, layer) as ear, torch.enable_grad():
        climb = functools.partial(_climb, ear, lr=lr, jitter=jitter, blur=blur, chance=chance)
        tried = climb(_best(ear, _starts(shape, chance)[:, None], wanted, _TRIES), wanted, steps // 4)
        pictures = climb(_best(ear, tried, wanted, 1), wanted, steps - steps // 4)[0]
    return pictures.reshape(*channels.shape, *shape)


class _Ear:
    """Listens to a layer while it is open: `hear` gives what its channels answer to pictures, with the way back to the pixels."""

    def __init__(self, model: nn.Module, layer: str):
        self.model, self.layer, self.part, self.heard = model, layer, submodule(model, layer), None

    def __enter__(self) -> "_Ear":
        self.handle = self.part.register_forward_hook(self._listen)
        return self

    def __exit__(self, *error: object) -> None:
        self.handle.remove()

    def _listen(self, part: nn.Module, inputs: tuple, output: object) -> None:
        # Taken at once: a ReLU that works in place may change the maps as soon as the layer has given them.
        is_map = isinstance(output, Tensor) and output.ndim >= 2
        self.heard = output.reshape(*output.shape[:2], -1).mean(2) if is_map else None

    def hear(self, images: Tensor) -> Tensor:
        """The mean of every channel's map, (n, channels); where the layer runs more than once, in its last run."""
        self.heard = None
        self.model(images)
        if self.heard is None:
            raise ValueError(f"layer={self.layer!r} gives no channels when the model runs")
        return self.heard


def _starts(shape: Sequence[int], chance: torch.Generator) -> Tensor:
    """Noise of several grain sizes, from single pixels to one colour."""
    channels, height, width = shape
    grains = []
    for share in _SIZES:
        size = max(1, math.ceil(height * share)), max(1, math.ceil(width * share))
        grains.append(interpolate(torch.rand(_STARTS_EACH, channels, *size, generator=chance), (height, width)))
    return torch.cat(grains)


@torch.no_grad()
def _best(ear: _Ear, pictures: Tensor, wanted: Tensor, most: int) -> Tensor:
    """Of pictures (m, n, c, h, w), n for the n channels wanted or 1 for all of them, the `most` that excite each channel most."""
    heard = ear.hear(pictures.flatten(0, 1)).unflatten(0, pictures.shape[:2])  # (m, n or 1, channels)
    for channel in wanted.tolist():
        if not 0 <= channel < heard.shape[2]:
            raise ValueError(f"channel={channel} is not one of the {heard.shape[2]} channels of {ear.layer!r}, 0 to {heard.shape[2] - 1}")
    places = torch.arange(len(wanted))
    theirs = places if pictures.shape[1] > 1 else torch.zeros_like(places)
    order = heard[:, theirs, wanted].argsort(dim=0, descending=True, stable=True)[:most]  # (most, n)
    return pictures[order, theirs]


def _climb(ear: _Ear, pictures: Tensor, wanted: Tensor, steps: int, lr: float, jitter: int, blur: float, chance: torch.Generator) -> Tensor:
    """Pictures (m, n, c, h, w) after so many steps uphill, each for the one of the n channels that is wanted in its place."""
    shape, places = pictures.shape[:2], torch.arange(len(wanted))
    pictures = pictures.flatten(0, 1).requires_grad_()
    optimizer = torch.optim.Adam([pictures], lr=lr)
    for _ in range(steps):
        moved = pictures.roll(torch.randint(-jitter, jitter + 1, (2,), generator=chance).tolist(), dims=(2, 3))
        excited = ear.hear(moved).unflatten(0, shape)[:, places, wanted].sum()
        # Only the pictures get a gradient: backward() would leave one in every weight.
        (pictures.grad,) = torch.autograd.grad(-excited, pictures)
        optimizer.step()
        with torch.no_grad():
            pictures.copy_(_blurred(pictures, blur).clamp(0, 1))
    return pictures.detach().unflatten(0, shape)


def _blurred(pictures: Tensor, sigma: float) -> Tensor:
    """The pictures under a Gaussian of this sigma; beyond the border they go on as their mirror image."""
    if sigma == 0:
        return pictures
    reach = min(math.ceil(3 * sigma), min(pictures.shape[2:]) - 1)
    bell = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * sigma**2))
    bell = (bell / bell.sum()).expand(pictures.shape[1], 1, 1, -1)
    padded = pad(pictures, (reach,) * 4, mode="reflect")
    return conv2d(conv2d(padded, bell, groups=len(bell)), bell.transpose(2, 3), groups=len(bell))


def _check(shape: Sequence[int], steps: int, lr: float, jitter: int, blur: float) -> None:
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"shape={tuple(shape)} must be that of one picture, (c, h, w)")
    if steps < 0:
        raise ValueError(f"steps={steps} must not be negative")
    if not (lr > 0 and math.isfinite(lr)):
        raise ValueError(f"lr={lr} must be a positive number")
    if not 0 <= jitter < min(shape[1:]):
        raise ValueError(f"jitter={jitter} must be between 0 and {min(shape[1:]) - 1} pixels for pictures {shape[1]}×{shape[2]}")
    if not (blur >= 0 and math.isfinite(blur)):
        raise ValueError(f"blur={blur} must be a number of pixels, 0 or more")
