"""Lesson 05, what the filters see: the reference answers and the inputs that tell mistakes apart."""

import copy
import math

import numpy as np
import torch
from torch.nn import functional as F

from filterlab import kernels
from filterlab.check.bank import reference
from filterlab.check.probes import visualizing as probes


def _normal(rng, *shape):
    return torch.from_numpy(rng.normal(size=shape)).float()


def _draw_to_display(rng):
    shape = [int(size) for size in rng.permutation(5)[: rng.integers(1, 5)] + 2]
    filters = _normal(rng, *shape) * 10.0 ** rng.integers(-1, 2) + rng.normal()
    kind = rng.integers(4)
    if kind == 0:
        filters = torch.from_numpy(rng.integers(0, 256, shape).astype(np.uint8))
    elif kind == 1:
        filters = filters.double()
    elif kind == 2:
        filters[0] = 0
    return filters, bool(rng.integers(2))


@reference(draw=_draw_to_display, libraries=("*",))
def to_display(filters, per_filter=False):
    filters = filters if filters.is_floating_point() else filters.float()
    magnitude = filters.abs()
    largest = magnitude.reshape(len(filters), -1).amax(dim=1) if per_filter else magnitude.max().expand(len(filters))
    largest = largest.reshape(-1, *[1] * (filters.ndim - 1))
    return 0.5 + 0.5 * filters / torch.where(largest == 0, 1, largest)


def _draw_filter_grid(rng):
    n, k, columns, gap = (int(number) for number in (*rng.permutation(6)[:3] + 2, rng.integers(0, 4)))
    return _normal(rng, n, 3, k, k) * torch.from_numpy(rng.random((n, 1, 1, 1)) + 0.2), columns, gap


@reference(draw=_draw_filter_grid, libraries=("*",))
def filter_grid(filters, columns, gap=1):
    n, _, k, _ = filters.shape
    rows = math.ceil(n / columns)
    grid = torch.ones(rows * (k + gap) + gap, columns * (k + gap) + gap, 3)
    for place, one in enumerate(to_display(filters).permute(0, 2, 3, 1)):
        top, left = ((position * (k + gap)) + gap for position in divmod(place, columns))
        grid[top : top + k, left : left + k] = one
    return grid


def _draw_pictures(rng):
    height, width = rng.permutation(5)[:2] + 4
    return torch.from_numpy(rng.random((int(rng.integers(2, 4)), 3, height, width)).astype(np.float32))


def _draw_feature_maps(rng):
    return probes.LAYERS[rng.integers(len(probes.LAYERS))], _draw_pictures(rng), False, int(rng.integers(1000))


def _refused_feature_maps(rng):
    return (probes.NO_LAYERS[rng.integers(len(probes.NO_LAYERS))], _draw_pictures(rng), False, int(rng.integers(1000))), None


@reference(draw=_draw_feature_maps, refused=_refused_feature_maps, probe=probes.maps_of, libraries=("*",))
def feature_maps(model, layer, x):
    modules = dict(model.named_modules())
    if layer not in modules:
        raise ValueError(f"layer={layer!r} is not one of {', '.join(modules)}")
    kept = []
    handle = modules[layer].register_forward_hook(lambda module, inputs, output: kept.append(output.detach().clone()))
    try:
        model(x)
    finally:
        handle.remove()
    return kept[-1]


def _draw_top_patches(rng):
    n, c, m, size = (int(number) for number in (*rng.permutation(4)[:3] + 2, rng.integers(2, 5)))
    stride, padding = int(rng.integers(1, 4)), int(rng.integers(0, size))
    images = _normal(rng, n, c, *(int(side) for side in rng.permutation(5)[:2] + 6))
    if rng.integers(4) == 0:
        images = (images * 40 + 128).clamp(0, 255).to(torch.uint8)
    rows, columns = ((side + 2 * padding - size) // stride + 1 for side in images.shape[2:])
    # No two values are equal, nor any two magnitudes.
    maps = (
        torch.from_numpy(rng.permutation(n * m * rows * columns) - n * m * rows * columns * 0.5 + 0.3).float().reshape(n, m, rows, columns)
    )
    return maps, images, int(rng.integers(m)), int(rng.integers(1, min(9, n * rows * columns) + 1)), size, stride, padding


@reference(draw=_draw_top_patches, libraries=("*",))
def top_patches(maps, images, channel, k, size, stride=1, padding=0):
    places = maps[:, channel].flatten().topk(k).indices
    padded = F.pad(images, [padding] * 4)
    corners = torch.stack(torch.unravel_index(places, maps[:, channel].shape), dim=1) * torch.tensor([1, stride, stride])
    return torch.stack([padded[n, :, top : top + size, left : left + size] for n, top, left in corners.tolist()])


def _draw_maximize_activation(rng):
    layer = probes.EXCITABLE[rng.integers(len(probes.EXCITABLE))]
    shape = (3, int(rng.integers(8, 11)), int(rng.integers(8, 11)))
    return layer, int(rng.integers(4)), shape if rng.integers(3) else (2, *shape), bool(rng.integers(2)), int(rng.integers(1000))


@reference(draw=_draw_maximize_activation, probe=probes.excited, libraries=("*",))
def maximize_activation(model, layer, channel, shape, steps=64, lr=0.1, seed=0):
    image = torch.rand(shape, generator=torch.Generator().manual_seed(seed)).requires_grad_()
    kept, modes = [], {module: module.training for module in model.modules()}
    handle = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: kept.append(output[:, channel].mean()))
    try:
        model.eval()
        for _ in range(steps):
            model(image.reshape(-1, *shape[-3:]))
            gradient = torch.autograd.grad(kept.pop(), image)[0]
            with torch.no_grad():
                image += lr * gradient / (gradient.abs().max() + 1e-9)
                image.clamp_(0, 1)
    finally:
        handle.remove()
        for module, mode in modes.items():
            module.training = mode
    return image.detach()


def _draw_saliency(rng):
    x = _draw_pictures(rng)
    labels = torch.from_numpy(rng.permutation(probes.CLASSES)[: len(x)])
    return x, labels if rng.integers(2) else int(labels[0]), int(rng.integers(1000))


@reference(draw=_draw_saliency, probe=probes.saliency_of, libraries=("*",))
def saliency(model, x, label):
    x = x.detach().clone().requires_grad_()
    scores = model(x)
    chosen = scores[torch.arange(len(x)), torch.as_tensor(label).expand(len(x))]
    return torch.autograd.grad(chosen.sum(), x)[0].abs().amax(dim=1)


def edge(size, degrees):
    """A filter (size, size) for an edge that is brighter towards this direction (as `kernels.steer` counts), softened over two pixels."""
    rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
    angle = math.radians(degrees)
    return np.clip(columns * math.cos(angle) + rows * math.sin(angle), -1, 1)


def oriented(rng):
    """A filter with a direction, and that in degrees: a steered Sobel, a soft edge, or a Gabor, even or odd, about as long as its waves."""
    degrees, kind = float(rng.uniform(0, 180)), rng.integers(4)
    if kind == 0:
        return kernels.steer(math.radians(degrees)) * rng.uniform(0.1, 10), degrees
    if kind == 1:
        # Squares of few pixels favour their own eight directions; near these every method agrees.
        degrees = (45 * int(rng.integers(4)) + rng.uniform(-4, 4)) % 180
        return edge(int(rng.integers(5, 10)), degrees), degrees
    size = int(rng.choice([5, 7, 9]))
    phase = 0 if kind == 2 else math.pi / 2
    return kernels.gabor(size, math.radians(degrees), rng.uniform(5, min(size, 8)), phase=phase), degrees


@reference(draw=lambda rng: oriented(rng)[:1], within=10, period=180, libraries=("*",))
def orientation(kernel):
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(kernel, dtype=float), (3, 3))
    scharr = np.array([[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]])
    across, down = (windows * scharr).sum(axis=(2, 3)), (windows * scharr.T).sum(axis=(2, 3))
    double = math.atan2(2 * (across * down).sum(), (across**2 - down**2).sum())
    return math.degrees(double / 2) % 180


def _draw_ablate(rng):
    channels = tuple(int(channel) for channel in rng.permutation(4)[: rng.integers(1, 3)])
    return probes.LAYERS[rng.integers(len(probes.LAYERS))], channels, _draw_pictures(rng), int(rng.integers(1000))


@reference(draw=_draw_ablate, probe=probes.ablated, libraries=("*",))
def ablate(model, layer, channel):
    def silence(module, inputs, output):
        output = output.clone()
        output[:, channel] = 0
        return output

    model = copy.deepcopy(model)
    model.get_submodule(layer).register_forward_hook(silence)
    return model
