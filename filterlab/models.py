"""The networks of the course, smallest first: a linear classifier, one layer of filters, three layers.

Their random start is decided by `seed` alone. Layers bear names, so that `model.conv1.weight` are the first filters.
"""

import copy
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's random numbers are those of `seed`; afterwards they go on as if nothing had been drawn."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def linear(classes: int, shape: Sequence[int] = (3, 32, 32), seed: int = 0) -> nn.Sequential:
    """A weight for every pixel and class: the classifier without filters. shape: of one picture, (c, h, w)."""
    with seeded(seed):
        return _named(flatten=nn.Flatten(), classifier=nn.Linear(torch.Size(shape).numel(), classes))


def one_layer(classes: int, in_channels: int = 3, filters: int = 6, seed: int = 0) -> nn.Sequential:
    """One layer of 3×3 filters and ReLU, averaged over a grid of 4×4 places, then one score (logit) per class."""
    with seeded(seed):
        return _named(
            conv1=nn.Conv2d(in_channels, filters, kernel_size=3, padding=1),
            relu1=nn.ReLU(),
            pool=nn.AdaptiveAvgPool2d(4),
            flatten=nn.Flatten(),
            classifier=nn.Linear(filters * 4 * 4, classes),
        )


def with_filters(filters: Tensor | np.ndarray, classes: int, in_channels: int = 3, seed: int = 0) -> nn.Sequential:
    """`one_layer` with given filters in its first layer, frozen, their bias zero; the classifier on top is still to be trained.

    filters: (n, c, 3, 3), or kernels (n, 3, 3), each of which reads the mean of the channels.
    """
    weight = torch.as_tensor(filters, dtype=torch.float32)
    if weight.ndim == 3:
        weight = weight[:, None].expand(-1, in_channels, -1, -1) / in_channels
    model = one_layer(classes, in_channels, len(weight), seed)
    freeze(model.conv1).weight.copy_(weight)
    model.conv1.bias.zero_()
    return model


def small_cnn(
    classes: int,
    in_channels: int = 3,
    channels: Sequence[int] = (16, 32, 64),
    seed: int = 0,
    *,
    first_kernel: int = 3,
    pool_first: bool = False,
) -> nn.Sequential:
    """Layers of 3×3 filters, one for each entry of `channels`, each with batch norm, ReLU and 2×2 max pooling; then their mean, and scores.

    Works on pictures of any size of at least 2 pixels per halving: 8×8 for three layers. first_kernel: size of the first layer's filters,
    odd. pool_first: pools right after each convolution, conv1, pool1, norm1, relu1 …; batch norm and ReLU then have a quarter of the work,
    and the largest of four values is the same before as after them. (Batch norm takes its mean and variance from what it gets: with
    pool_first from the largest values.)

    Raises ValueError for an even or non-positive `first_kernel`.
    """
    if first_kernel < 1 or first_kernel % 2 == 0:
        raise ValueError(f"first_kernel={first_kernel} must be odd and positive")
    layers, size = OrderedDict(), first_kernel
    with seeded(seed):
        for place, out_channels in enumerate(channels, 1):
            conv = nn.Conv2d(in_channels, out_channels, size, padding=size // 2, bias=False)
            parts = {"conv": conv, "norm": nn.BatchNorm2d(out_channels), "relu": nn.ReLU(), "pool": nn.MaxPool2d(2)}
            order = ("conv", "pool", "norm", "relu") if pool_first else parts
            layers |= {f"{name}{place}": parts[name] for name in order}
            in_channels, size = out_channels, 3
        return _named(**layers, pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), classifier=nn.Linear(in_channels, classes))


def fold(model: nn.Sequential) -> nn.Sequential:
    """A copy of the network, in eval mode, without batch norms: each is worked into the weights and the bias of the layer before it.

    In eval mode a batch norm multiplies and adds fixed numbers, so nothing that the network answers changes, but for rounding. Raises
    ValueError where the layer before a batch norm is no Conv2d, as with `pool_first`.
    """
    parts = OrderedDict()
    for name, part in copy.deepcopy(model).eval().named_children():
        if not isinstance(part, nn.BatchNorm2d):
            parts[name] = part
            continue
        before = next(reversed(parts), None)
        if not isinstance(parts.get(before), nn.Conv2d):
            raise ValueError(f"{name} does not come right after a Conv2d, but after {before}: it cannot be folded into it")
        parts[before] = fuse_conv_bn_eval(parts[before], part)
        # torch leaves a bias that it made itself closed to training.
        parts[before].bias.requires_grad_(parts[before].weight.requires_grad)
    return _named(**parts).eval()


def freeze(layer: nn.Module) -> nn.Module:
    """The layer, its weights closed to training."""
    return layer.requires_grad_(False)


def _named(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))
