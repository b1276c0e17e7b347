"""What a single filter of a network is choosy about: direction, colour, corners; and which filters are dead, or say the same.

Drawings that ask one question each are shown to the network, and the answers in the middle of its maps are compared.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, pad

from filterlab import features

_PIXELS = 150_000  # of the pictures that a network is shown at a time
_SMALLEST = 16  # pixels: a picture that has become too small for the layers that follow stops a network


def waves(size: int, degrees: float, wavelengths: Sequence[float] = (3, 4, 6, 9), phases: int = 8) -> Tensor:
    """Grey waves of full contrast that run in a direction (0 to the right, 90 down), (wavelengths · phases, 3, size, size), in [0, 1].

    wavelengths: pixels from bright to bright. phases: how many shifts, evenly over one wave.
    """
    rows, columns = _around_the_middle(size)
    along = columns * math.cos(math.radians(degrees)) + rows * math.sin(math.radians(degrees))
    turns = along / torch.tensor(wavelengths)[:, None, None, None] + (torch.arange(phases) / phases)[:, None, None]
    return _in_color(0.5 + 0.5 * torch.cos(2 * math.pi * turns.flatten(0, 1)))


def wedges(size: int, opening: float, reach: float, directions: int = 16, shifts: int = 5) -> Tensor:
    """Pie slices without a crust, of this opening in degrees: 180 is a straight edge, 90 a corner, 30 a spike.

    Each in so many directions, with its tip at shifts × shifts places within `reach` pixels of the middle, white on black and black on
    white, its edges one pixel soft: (directions · shifts² · 2, 3, size, size), in [0, 1].
    """
    rows, columns = _around_the_middle(size)
    middle = torch.arange(directions) * (2 * math.pi / directions)
    half = math.radians(opening) / 2
    offsets = torch.linspace(-reach, reach, shifts)
    down, right = (offset.flatten()[:, None, None] for offset in torch.meshgrid(offsets, offsets, indexing="ij"))
    inside = None
    for turn in (-half, half):  # a slice of at most 180 degrees is what lies on the inner side of both of its edges
        inward = middle + turn - math.copysign(math.pi / 2, turn)
        across, along = torch.cos(inward)[:, None, None, None], torch.sin(inward)[:, None, None, None]
        depth = (columns - right) * across + (rows - down) * along
        side = (depth + 0.5).clamp(0, 1)
        inside = side if inside is None else torch.minimum(inside, side)
    slices = inside.flatten(0, 1)
    return _in_color(torch.cat([slices, 1 - slices]))


def strongest_answers(model: nn.Module, pictures: Tensor) -> dict[str, Tensor]:
    """For each convolution, each channel's largest answer in the middle of its map to any of the pictures (n, c, h, w): (channels,)."""
    best = {}
    for batch in _batches(pictures):
        for layer, maps in features.all_maps(model, batch).items():
            answers = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2].amax(dim=0)
            best[layer] = torch.maximum(best.get(layer, answers), answers)
    return best


def best_patches(model: nn.Module, layer: str, images: Tensor, k: int = 8) -> tuple[Tensor, Tensor]:
    """For each channel the k patches that excite it most, strongest first, each from another picture and wholly inside it.

    Returns the patches (channels, k, c, height, width) and the answers (channels, k). Raises ValueError where there are fewer images.
    """
    field = features.receptive_field(model, layer, images[:1])
    maps = torch.cat([features.feature_maps(model, layer, batch) for batch in _batches(images)])
    maps = features.inside(maps, field, images)
    channels = range(maps.shape[1])
    patches = [features.top_patches(maps, images, channel, k, *field, one_each=True) for channel in channels]
    return torch.stack(patches), torch.stack([features.top_places(maps, channel, k, one_each=True)[1] for channel in channels])


def own_answers(model: nn.Module, layer: str, patches: Tensor) -> Tensor:
    """What each channel answers to patches of its own, (channels, k), as `best_patches` gives them; they may have been changed since.

    Each patch is shown where one answer sees exactly all of it. Raises ValueError for patches of another size than an answer sees.
    """
    tall, wide = patches.shape[-2:]
    field = features.receptive_field(model, layer, pad(patches[0, :1], (0, wide + _SMALLEST, 0, tall + _SMALLEST)))
    if field.size != patches.shape[-2:]:
        raise ValueError(f"patches are {tall}×{wide} pixels, an answer of {layer} sees {field.size}")
    # The first answer that sees no padding before its window, and the pixels between that padding and its window.
    row, column = (-(-padding // stride) for padding, stride in zip(field.padding, field.stride, strict=True))
    above, before = row * field.stride[0] - field.padding[0], column * field.stride[1] - field.padding[1]
    below, after = (max(step, _SMALLEST - side) for step, side in zip(field.stride, field.size, strict=True))
    room = pad(patches.flatten(0, 1), (before, after, above, below))
    channels, k = patches.shape[:2]
    answers = torch.cat([features.feature_maps(model, layer, batch)[:, :, row, column] for batch in _batches(room)])
    answers = answers.reshape(channels, k, channels)
    return answers[torch.arange(channels), :, torch.arange(channels)]


def tuning(model: nn.Module, degrees: Sequence[float], size: int = 24) -> dict[str, Tensor]:
    """For each convolution, each channel's strongest answer, after a ReLU, to a wave in each of these directions: (channels, directions).

    The wavelength and the phase it likes best count, so that only the direction is left. size: of the pictures with the waves.
    """
    found = [strongest_answers(model, waves(size, angle)) for angle in degrees]
    return {layer: torch.stack([answers[layer] for answers in found], dim=1).clamp(min=0) for layer in found[0]}


def choosiness(answers: Tensor, degrees: Sequence[float]) -> tuple[Tensor, Tensor]:
    """How choosy each channel is about direction, from 0 (all the same) to 1 (one only), and which it prefers, in degrees in [0, 180).

    answers: (channels, directions), as `tuning` gives them. The length and half the angle of their mean on the doubled circle, on which
    179 and 1 degree are neighbours. Channels that never answer give 0 and 0.
    """
    double = 2 * torch.deg2rad(torch.tensor(degrees, dtype=answers.dtype))
    total = answers.sum(dim=1)
    mean = torch.stack([answers @ torch.cos(double), answers @ torch.sin(double)]) / torch.where(total > 0, total, 1)
    return mean.norm(dim=0), torch.rad2deg(torch.atan2(mean[1], mean[0]) / 2) % 180


def color_share(filters: Tensor) -> Tensor:
    """How much of a filter's squared weights is colour: 0, all slices are equal, so it sees brightness alone; 1, they cancel. (n,)

    filters: (n, c, k, k). Random weights of three channels give 2/3 on average.
    """
    grey = filters.mean(dim=1, keepdim=True).expand_as(filters)
    return 1 - grey.square().sum((1, 2, 3)) / filters.square().sum((1, 2, 3))


def cosines(filters: Tensor) -> Tensor:
    """How much every filter points the way of every other, (n, n): 1 the same direction, −1 the opposite, 0 nothing in common."""
    directions = normalize(filters.flatten(1), dim=1)
    return (directions @ directions.T).clamp(-1, 1)


def _batches(pictures: Tensor) -> tuple[Tensor, ...]:
    height, width = pictures.shape[2:]
    return pictures.split(max(1, _PIXELS // (height * width)))


def _around_the_middle(size: int) -> tuple[Tensor, Tensor]:
    """Rows and columns of a picture, counted from the pixel under the answer in the middle of a map."""
    places = torch.arange(size, dtype=torch.float32) - size // 2
    return places[:, None], places[None, :]


def _in_color(grey: Tensor) -> Tensor:
    return grey[:, None].expand(-1, 3, -1, -1).contiguous()
