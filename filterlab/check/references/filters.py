"""Lesson 01, what a filter is: the reference answers and the inputs that tell mistakes apart."""

import numpy as np

from filterlab import kernels
from filterlab.check.bank import reference
from filterlab.convolution import as_float, conv2d, correlate2d

# Pictures come as floats of two widths and as whole numbers.
PICTURE_TYPES = (np.float64, np.float32, np.uint8)


def draw_picture(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """A random picture of one of the picture types: floats in [0, 1], or uint8."""
    dtype = PICTURE_TYPES[rng.integers(len(PICTURE_TYPES))]
    return rng.integers(0, 256, shape).astype(dtype) if dtype is np.uint8 else rng.random(shape).astype(dtype)


def draw_size(rng: np.random.Generator, least: int = 4) -> tuple[int, int]:
    """Height and width of a small picture that is never square; both at least `least`."""
    height = int(rng.integers(least + 1, least + 5))
    return height, height + int(rng.choice([-1, 1, 2, 3]))


def draw_kernel_size(rng: np.random.Generator) -> tuple[int, int]:
    """Height and width of a small kernel, at most 4, never square."""
    return tuple(int(side) for side in rng.permutation(4)[:2] + 1)


def _draw_response(rng):
    (h, w), (kh, kw) = draw_size(rng), draw_kernel_size(rng)
    # The two corners, where windows are most often lost, come up as often as all other places together.
    row, col = [(0, 0), (h - kh, w - kw), *[(rng.integers(h - kh + 1), rng.integers(w - kw + 1))] * 2][rng.integers(4)]
    return draw_picture(rng, h, w), rng.normal(size=(kh, kw)), int(row), int(col)


def _refused_response(rng):
    (h, w), (kh, kw) = draw_size(rng), draw_kernel_size(rng)
    row, col = int(rng.integers(h - kh + 1)), int(rng.integers(w - kw + 1))
    way_out = rng.integers(6)
    row = [-1, -kh, h - kh + 1, h + 3, row, row][way_out]
    col = [col, col, col, col, -int(rng.integers(1, w)), w - kw + 1][way_out]
    outside = {"row": row} if way_out < 4 else {"col": col}
    return (draw_picture(rng, h, w), rng.normal(size=(kh, kw)), row, col), outside | {"image": (h, w), "kernel": (kh, kw)}


@reference(draw=_draw_response, refused=_refused_response)
def response(image, kernel, row, col):
    (h, w), (kh, kw) = image.shape, kernel.shape
    for name, start, most in [("row", row, h - kh), ("col", col, w - kw)]:
        if not 0 <= start <= most:
            raise ValueError(f"{name}={start} must lie between 0 and {most}, else the window leaves the picture")
    return float((as_float(image)[row : row + kh, col : col + kw] * kernel).sum())


@reference(parts=("gx", "gy"))
def sobel_kernels():
    return kernels.sobel_x, kernels.sobel_y


def _draw_gaussian(rng):
    return int(rng.choice([1, 3, 5, 7, 9])), float(rng.choice([0.4, 0.7, 1.0, 1.3, 2.0, 4.5]))


def _refused_gaussian(rng):
    if rng.integers(2):
        size = int(rng.choice([0, 2, 4, 6, -1, -2, -3, -5]))
        return (size, 1.5), {"size": size}
    sigma = float(rng.choice([0.0, -0.5, -1.0, -2.5]))
    return (5, sigma), {"sigma": sigma}


@reference(draw=_draw_gaussian, refused=_refused_gaussian)
def gaussian_kernel(size, sigma):
    return kernels.gaussian(size, sigma)


def _draw_gradient_magnitude(rng):
    return (draw_picture(rng, *draw_size(rng, least=3)),)


@reference(draw=_draw_gradient_magnitude)
def gradient_magnitude(image):
    return np.hypot(correlate2d(image, kernels.sobel_x), correlate2d(image, kernels.sobel_y))


def _draw_steer(rng):
    return (float(rng.uniform(-np.pi, 3 * np.pi)),)


@reference(draw=_draw_steer)
def steer(theta):
    return kernels.steer(theta)


def _draw_separate(rng):
    kh, kw = draw_kernel_size(rng)
    column, row = rng.normal(size=kh), rng.normal(size=kw)
    # A zero anywhere, and weights that sum to zero: an answer that divides by the wrong one of them stumbles there.
    kind = rng.integers(3)
    if kind == 1:
        column[rng.integers(kh)] = row[rng.integers(kw)] = 0
    elif kind == 2:
        row -= row.mean()
    # Weights of every magnitude: a threshold that does not follow the largest weight is wrong on some.
    kernel = np.outer(column, row) * 10.0 ** rng.integers(-9, 5)
    return (kernel.astype(rng.choice([np.float32, np.float64])),)


def _refused_separate(rng):
    kh, kw = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    left, right = (np.linalg.qr(rng.normal(size=(side, 2)))[0] for side in (kh, kw))
    # Rank 2, by a lot or by very little: far more than rounding, or a millionth, would leave.
    kernel = left @ np.diag([1, rng.choice([3e-4, 0.03, 1.0])]) @ right.T
    return (kernel * 10.0 ** rng.integers(-9, 5),), None


def _outer(column, row):
    return {"outer(column, row)": np.outer(column.astype(float), row.astype(float))}


@reference(draw=_draw_separate, refused=_refused_separate, parts=("column", "row"), seen_as=_outer, tolerance=1e-6)
def separate(kernel):
    left, strengths, right = np.linalg.svd(kernel.astype(float))
    if len(strengths) > 1 and strengths[1] > 1e-6 * strengths[0]:
        raise ValueError(f"kernel of shape {kernel.shape} has rank above 1: no column times row gives it")
    return left[:, 0] * strengths[0], right[0]


def _draw_color_response(rng):
    c = int(rng.choice([1, 2, 3, 4]))
    return draw_picture(rng, c, *draw_size(rng)), rng.normal(size=(c, *draw_kernel_size(rng)))


def draw_channel_counts(rng):
    """Two counts that differ; a count of 1 would slip through by broadcasting, so it comes up often."""
    c = int(rng.choice([2, 3, 4]))
    other = int(rng.choice([1, c - 1, c + 1]))
    return (c, other) if rng.integers(2) else (other, c)


def _refused_color_response(rng):
    c, other = draw_channel_counts(rng)
    arguments = draw_picture(rng, c, *draw_size(rng)), rng.normal(size=(other, *draw_kernel_size(rng)))
    return arguments, {"image": c, "kernel": other}


@reference(draw=_draw_color_response, refused=_refused_color_response)
def color_response(image, kernel):
    if len(image) != len(kernel):
        raise ValueError(f"image has {len(image)} channels, kernel has {len(kernel)} slices")
    return conv2d(image[None], kernel[None])[0, 0]


def _draw_filter_bank(rng):
    n, c = (int(count) for count in rng.choice([1, 2, 3, 4, 5], size=2, replace=False))
    return draw_picture(rng, c, *draw_size(rng)), rng.normal(size=(n, c, *draw_kernel_size(rng)))


def _refused_filter_bank(rng):
    c, other = draw_channel_counts(rng)
    n = int(rng.choice([1, c, 5]))  # as many filters as channels: the two axes must not be taken for each other
    arguments = draw_picture(rng, c, *draw_size(rng)), rng.normal(size=(n, other, *draw_kernel_size(rng)))
    return arguments, {"image": c, "kernels": other}


@reference(draw=_draw_filter_bank, refused=_refused_filter_bank)
def filter_bank(image, kernels):
    if len(image) != kernels.shape[1]:
        raise ValueError(f"image has {len(image)} channels, the kernels have {kernels.shape[1]} slices each")
    return conv2d(image[None], kernels)[0]
