"""Lesson 02, how a filter works: the reference answers and the inputs that tell mistakes apart."""

import numpy as np

from filterlab import convolution
from filterlab.check.bank import reference
from filterlab.check.layers import LAYERS
from filterlab.check.references.filters import draw_channel_counts, draw_kernel_size, draw_picture, draw_size


def _draw_output_size(rng):
    kernel, stride, padding, dilation = (int(rng.integers(low, high)) for low, high in [(1, 6), (1, 5), (0, 4), (1, 4)])
    reach = dilation * (kernel - 1) + 1
    return int(rng.integers(max(1, reach - 2 * padding), reach + 20)), kernel, stride, padding, dilation


def _refused_output_size(rng):
    size, kernel, stride, padding, dilation = _draw_output_size(rng)
    kind = rng.integers(5)
    if kind == 0:
        size, kernel, dilation = int(rng.integers(1, 6)), int(rng.integers(4, 8)), int(rng.integers(2, 4))
        padding = int(rng.integers(0, (dilation * (kernel - 1) - size) // 2 + 1))  # one pixel short, or more
        return (size, kernel, stride, padding, dilation), {"size": size, "kernel": kernel}
    bad = {1: ("kernel", 0), 2: ("stride", 0), 3: ("padding", -1), 4: ("dilation", 0)}[int(kind)]
    value = int(bad[1] - rng.integers(3))
    settings = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, bad[0]: value}
    return (size, *settings.values()), {bad[0]: value}


@reference(draw=_draw_output_size, refused=_refused_output_size)
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    return convolution.output_size(size, kernel, stride, padding, dilation)


def draw_pair(rng, least):
    """An int, or a pair of different ints."""
    first, second = (int(number) for number in rng.permutation(3)[:2] + least)
    return first if rng.integers(2) else (first, second)


def _draw_pad2d(rng):
    leading = tuple(int(n) for n in rng.integers(1, 4, rng.integers(0, 4)))
    image = draw_picture(rng, *leading, *draw_size(rng, least=2))
    value = int(rng.integers(0, 200)) if image.dtype == np.uint8 else float(rng.choice([0.0, 0.5, -1.0]))
    return image, draw_pair(rng, 0), value


def _refused_pad2d(rng):
    below = -int(rng.integers(1, 3))
    padding = [below, (below, 1), (2, below)][rng.integers(3)]
    return (draw_picture(rng, *draw_size(rng)), padding), {"padding": below}


@reference(draw=_draw_pad2d, refused=_refused_pad2d, same_dtype=True)
def pad2d(image, padding, value=0.0):
    return convolution.pad2d(image, padding, value)


def _draw_correlate2d(rng):
    return draw_picture(rng, *draw_size(rng)), rng.normal(size=draw_kernel_size(rng))


def _refused_correlate2d(rng):
    h, w = draw_size(rng)
    # Too tall, too wide, or both: one is enough.
    kh, kw = [(h + 1, w - 1), (h - 1, w + 2), (h + 2, w + 1)][rng.integers(3)]
    arguments = draw_picture(rng, h, w), rng.normal(size=(kh, kw))
    return arguments, {"image": [(h, w), h, w], "kernel": [(kh, kw), kh, kw], "size": [h, w]}


@reference(draw=_draw_correlate2d, refused=_refused_correlate2d)
def correlate2d(image, kernel):
    return convolution.correlate2d(image, kernel)


@reference(draw=_draw_correlate2d)
def convolve2d(image, kernel):
    return convolution.convolve2d(image, kernel)


def _draw_conv2d(rng):
    n, (c, m) = int(rng.integers(1, 4)), (int(count) for count in rng.permutation(4)[:2] + 1)
    bias = rng.normal(size=m) if rng.integers(2) else None
    x, weight = draw_picture(rng, n, c, *draw_size(rng)), rng.normal(size=(m, c, *draw_kernel_size(rng)))
    return x, weight, bias, draw_pair(rng, 1), draw_pair(rng, 0)


def _refused_conv2d(rng):
    x, weight, bias, stride, padding = _draw_conv2d(rng)
    n, c, h, w = x.shape
    m, _, kh, kw = weight.shape
    kind = rng.integers(4)
    if kind == 0:
        c, other = draw_channel_counts(rng)
        arguments = draw_picture(rng, n, c, h, w), rng.normal(size=(m, other, kh, kw)), bias, stride, padding
        return arguments, {"x": c, "weight": other}
    if kind == 1:
        rows, columns = convolution.pair(padding)
        kh, kw = [(h + 2 * rows + 1, 2), (2, w + 2 * columns + 2)][rng.integers(2)]
        arguments = x, rng.normal(size=(m, c, kh, kw)), bias, stride, padding
        sizes = [h, w, h + 2 * rows, w + 2 * columns]
        return arguments, {"x": [(h, w), h, w], "weight": [(kh, kw), kh, kw], "kernel": [kh, kw], "size": sizes}
    low = int(rng.integers(-1, 1)) if kind == 2 else -int(rng.integers(1, 3))
    bad = [low, (low, 2), (2, low)][rng.integers(3)]
    if kind == 2:
        return (x, weight, bias, bad, padding), {"stride": low}
    return (x, weight, bias, stride, bad), {"padding": low}


@reference(draw=_draw_conv2d, refused=_refused_conv2d)
def conv2d(x, weight, bias=None, stride=1, padding=0):
    return convolution.conv2d(x, weight, bias, stride, padding)


@reference(draw=_draw_conv2d, refused=_refused_conv2d)
def conv2d_fast(x, weight, bias=None, stride=1, padding=0):
    return convolution.conv2d(x, weight, bias, stride, padding)


def _draw_windows(rng):
    n, c = (int(count) for count in rng.permutation(4)[:2] + 1)
    x = draw_picture(rng, n, c, *draw_size(rng))
    size = draw_kernel_size(rng)
    return x, size if rng.integers(3) else size[0], draw_pair(rng, 1)


def _refused_windows(rng):
    x, kernel_size, stride = _draw_windows(rng)
    h, w = x.shape[2:]
    if rng.integers(2):
        low = int(rng.integers(-1, 1))
        return (x, kernel_size, [low, (low, 2), (2, low)][rng.integers(3)]), {"stride": low}
    kh, kw = [(h + 1, 2), (2, w + 2)][rng.integers(2)]
    return (x, (kh, kw), stride), {"kernel_size": [kh, kw], "kernel": [kh, kw], "x": [(h, w), h, w], "size": [h, w]}


@reference(draw=_draw_windows, refused=_refused_windows)
def windows(x, kernel_size, stride=1):
    return convolution.windows(x, kernel_size, stride)


def _draw_receptive_field(rng):
    return ([tuple(int(rng.integers(low, high)) for low, high in [(1, 6), (1, 4), (1, 4)]) for _ in range(rng.integers(0, 5))],)


@reference(draw=_draw_receptive_field)
def receptive_field(layers):
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        field += dilation * (kernel - 1) * jump
        jump *= stride
    return field


@reference(reveals=False)
def predicted_shapes():
    return {name: layer_shape(layer) for name, layer in LAYERS.items()}


def layer_shape(layer):
    """The shape (n, m, h', w') of what a layer gives."""
    settings = zip(layer.input[2:], layer.kernel_size, layer.stride, layer.padding, layer.dilation, strict=True)
    return layer.input[0], layer.out_channels, *(convolution.output_size(*axis) for axis in settings)
