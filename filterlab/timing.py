"""How long a convolution takes: real layers to measure on, and the plain loops that the fast ways are compared with.

The loops are benchmarks: they know no padding and no bias. Layouts are PyTorch's, as in `filterlab.convolution`.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from filterlab.convolution import output_size


@dataclass(frozen=True)
class Layer:
    """A convolution layer on a picture: `in_channels` of size×size pixels → `out_channels` maps, kernels kernel_size×kernel_size."""

    name: str
    in_channels: int
    out_channels: int
    size: int
    kernel_size: int
    stride: int = 1
    padding: int = 0

    @property
    def positions(self) -> int:
        """Places of the window along one axis, which is also the maps' height and width."""
        return output_size(self.size, self.kernel_size, self.stride, self.padding)

    @property
    def weights(self) -> int:
        return self.out_channels * self.in_channels * self.kernel_size**2

    @property
    def multiplications(self) -> int:
        """For one picture: each weight is used once at each position."""
        return self.weights * self.positions**2

    @property
    def dense(self) -> int:
        """Weights, and multiplications, of a dense layer between the same two arrays: every input to every output."""
        return self.in_channels * self.size**2 * self.out_channels * self.positions**2

    def arrays(self, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """One random picture (1, in, size, size) and random weights (out, in, k, k), float32."""
        rng = np.random.default_rng(seed)
        x = rng.random((1, self.in_channels, self.size, self.size), dtype=np.float32)
        weight = rng.standard_normal((self.out_channels, self.in_channels, self.kernel_size, self.kernel_size), dtype=np.float32)
        return x, weight


# Source: Simonyan and Zisserman 2014, table 1, configuration D; He and others 2015, table 1.
VGG_FIRST = Layer("VGG-16, first layer", 3, 64, 224, 3, padding=1)
VGG_SECOND = Layer("VGG-16, second layer", 64, 64, 224, 3, padding=1)
RESNET_FIRST = Layer("ResNet-18, first layer", 3, 64, 224, 7, stride=2, padding=3)
RESNET_28 = Layer("ResNet-18, a 28×28 layer", 128, 128, 28, 3, padding=1)
LAYERS = (VGG_FIRST, VGG_SECOND, RESNET_FIRST, RESNET_28)


def number_loops(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Cross-correlation, one multiplication of two numbers at a time: seven loops. Shapes as for `window_loops`."""
    n, c, h, w = x.shape
    m, _, kh, kw = weight.shape
    pixels, weights = x.tolist(), weight.tolist()  # Python's own numbers are quicker to fetch one by one
    maps = np.zeros((n, m, h - kh + 1, w - kw + 1))
    for place in np.ndindex(maps.shape):
        picture, out, row, column = place
        total = 0.0
        for channel in range(c):
            for i in range(kh):
                for j in range(kw):
                    total += pixels[picture][channel][row + i][column + j] * weights[out][channel][i][j]
        maps[place] = total
    return maps


def window_loops(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Cross-correlation, one window at a time: (n, c, h, w) and (m, c, kh, kw) → (n, m, h-kh+1, w-kw+1)."""
    n, _, h, w = x.shape
    m, _, kh, kw = weight.shape
    maps = np.zeros((n, m, h - kh + 1, w - kw + 1))
    for place in np.ndindex(maps.shape):
        picture, out, row, column = place
        maps[place] = np.vdot(x[picture, :, row : row + kh, column : column + kw], weight[out])
    return maps


def measure(work: Callable[[], object], repeats: int = 5) -> float:
    """Median wall time of some work in seconds, after one run to warm up where it is to be repeated.

    Raises ValueError for repeats < 1.
    """
    if repeats < 1:
        raise ValueError(f"repeats={repeats} must be at least 1")
    if repeats > 1:
        work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def layer_time(way: Callable[..., object], layer: Layer, patience: float = 2.0) -> tuple[float, int]:
    """Seconds that a way to convolve, called as `way(x, weight, padding=…)`, takes for one picture through a layer of stride 1.

    A slow way is measured on some of the filters only and its time multiplied up: each filter costs the same. patience: about how
    many seconds one measurement may take. Returns the seconds for all filters and the number of filters measured.
    """
    x, weight = layer.arrays()
    filters, seconds = 0, 0.0
    while filters < layer.out_channels and seconds * 8 <= patience:
        filters = min(layer.out_channels, 8 * filters or 1)
        seconds = measure(partial(way, x, weight[:filters], padding=layer.padding), repeats=1)
    if filters == layer.out_channels and seconds * 5 <= patience:
        seconds = measure(partial(way, x, weight, padding=layer.padding))
    return seconds * layer.out_channels / filters, filters
