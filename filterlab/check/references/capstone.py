"""Lesson 06, the capstone: the reference answers and the inputs that tell mistakes apart."""

import copy
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from filterlab.check import drawings
from filterlab.check.bank import reference
from filterlab.check.probes import capstone as probes

_TELLING = ("shapes", "one_pixel_wrong", "cut_off", "two_pixels_wrong", "one_plus", "even", "crowded")


def _draw_detector(rng):
    return _TELLING[rng.integers(len(_TELLING))], int(rng.integers(1000))


@reference(draw=_draw_detector, probe=probes.answers_to, libraries=("*",))
def detector():
    # Four corners of 3×3 make up the window; each is recognised exactly, and all four must be there.
    parts = [drawings.LARGE_PLUS[row : row + 3, column : column + 3] for row in (0, 2) for column in (0, 2)]
    first = np.stack([2 * part - 1 for part in parts])[:, None]
    second = np.zeros((1, 4, 3, 3))
    second[0, range(4), [0, 0, 2, 2], [0, 2, 0, 2]] = 1
    return [(first, np.full(4, -4.0)), (second, np.array([-3.0]))]


def _draw_diagnose(rng):
    kind, *others = (probes.KINDS[place] for place in rng.permutation(len(probes.KINDS))[:7])
    return *kind, int(rng.integers(1000)), tuple(others)


@reference(draw=_draw_diagnose, probe=probes.judged, libraries=("*",))
def diagnose(model, images, labels):
    if images.max() > 1:
        return "unscaled input"
    conv = model[0]
    quarter = conv.out_channels / 4
    with torch.no_grad():
        maps = model[:2](images)
        loss = F.cross_entropy(model(images), labels)
        directions = F.normalize(conv.weight.flatten(1), dim=1)
    if (maps.amax(dim=(0, 2, 3)) == 0).sum() >= quarter:
        return "dead filters"
    cosines = (directions @ directions.T).fill_diagonal_(-1)
    if (cosines.amax(dim=1) > 0.99).sum() >= quarter:
        return "duplicate filters"
    return "untrained" if loss > 0.8 * math.log(model[-1].out_features) else "healthy"


def _draw_prune_filters(rng):
    return int(rng.integers(1, 9)), int(rng.integers(2, 7)), int(rng.integers(1000))


def _refused_prune_filters(rng):
    keep = int(rng.choice([0, -1, -3, 9, 10, 16, 100]))
    return (keep, int(rng.integers(2, 7)), int(rng.integers(1000))), {"keep": keep}


@reference(draw=_draw_prune_filters, refused=_refused_prune_filters, probe=probes.pruned, libraries=("*",))
def prune_filters(model, keep):
    first, second = model[0], model[2]
    if not 1 <= keep <= first.out_channels:
        raise ValueError(f"keep={keep} must lie between 1 and {first.out_channels}")
    kept = first.weight.flatten(1).norm(dim=1).topk(keep).indices.sort().values
    smaller = copy.deepcopy(model)
    smaller[0] = nn.Conv2d(first.in_channels, keep, 3, padding=1)
    smaller[2] = nn.Conv2d(keep, second.out_channels, 3, padding=1)
    with torch.no_grad():
        smaller[0].weight.copy_(first.weight[kept])
        smaller[0].bias.copy_(first.bias[kept])
        smaller[2].weight.copy_(second.weight[:, kept])
        smaller[2].bias.copy_(second.bias)
    return smaller
