"""Lesson 01, what a filter is: the mistakes we expect, each with its hint, and right answers in other styles.

A mistake repeats one misunderstanding and is right in all else (it refuses what must be refused), so that the
hint it carries fits the answers that it recognises and no others.
"""

import functools
import itertools
import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from filterlab import kernels as gallery
from filterlab.check.bank import mistake, right_answer
from filterlab.check.mistakes.common import CONVOLUTION, DIVIDED, ERROR_KIND, UINT8, like_picture, unit
from filterlab.check.references import filters as right
from filterlab.convolution import as_float, correlate2d

# --- response ---------------------------------------------------------------------------------------------------------


@mistake(right.response, CONVOLUTION)
def response_flipped(image, kernel, row, col):
    return right.response(image, kernel[::-1, ::-1], row, col)


@mistake(right.response, "the kernel's rows are used upside down: weight [0] belongs to the window's top row.")
def response_upside_down(image, kernel, row, col):
    return right.response(image, kernel[::-1], row, col)


@mistake(right.response, "the kernel's columns are used mirrored: weight [·, 0] belongs to the window's leftmost column.")
def response_mirrored(image, kernel, row, col):
    return right.response(image, kernel[:, ::-1], row, col)


@mistake(right.response, "the kernel is transposed: its first axis runs down the rows, as the picture's does.")
def response_transposed(image, kernel, row, col):
    return right.response(image, kernel.T, row, col)


@mistake(right.response, "row and col are exchanged: `image[row, col]`, rows first.")
def response_row_col_exchanged(image, kernel, row, col):
    return right.response(image, kernel, col, row)


@mistake(right.response, "(row, col) is the window's top-left pixel; your window has it in the middle.")
def response_centred(image, kernel, row, col):
    right.response(image, kernel, row, col)
    (kh, kw), (h, w) = kernel.shape, image.shape
    top, left = max(row - kh // 2, 0), max(col - kw // 2, 0)
    window = as_float(image)[top : min(row - kh // 2 + kh, h), left : min(col - kw // 2 + kw, w)]
    return float((window * kernel[: window.shape[0], : window.shape[1]]).sum())


@mistake(right.response, "your window starts one pixel too far down and to the right: Python counts from 0.")
def response_counted_from_one(image, kernel, row, col):
    return right.response(np.pad(as_float(image), 1), kernel, row + 2, col + 2) if _inside(image, kernel, row, col) else _refuse(row, col)


@mistake(right.response, "your result is the mean of the products; a filter's answer is their sum.")
def response_mean(image, kernel, row, col):
    return right.response(image, kernel, row, col) / kernel.size


@mistake(right.response, "your result is the sum of the window's pixels: each must first be multiplied by its weight.")
def response_unweighted(image, kernel, row, col):
    return right.response(image, np.ones_like(kernel), row, col)


@mistake(right.response, "your result is (sum of pixels) × (sum of weights): multiply pixel by pixel first, then sum.")
def response_sums_multiplied(image, kernel, row, col):
    return right.response(image, np.ones_like(kernel), row, col) * float(kernel.sum())


@mistake(right.response, "these are the products; the response is their sum, one number.")
def response_not_summed(image, kernel, row, col):
    right.response(image, kernel, row, col)
    return as_float(image)[row : row + kernel.shape[0], col : col + kernel.shape[1]] * kernel


@mistake(right.response, "your window is square, but this kernel is not: `kh, kw = kernel.shape`, and both are needed.")
def response_square_window(image, kernel, row, col):
    right.response(image, kernel, row, col)
    side = kernel.shape[0]
    return float((as_float(image)[row : row + side, col : col + side] * kernel).sum())


@mistake(right.response, "your window is a matrix product with the kernel: `@` mixes rows with columns, `*` multiplies pixel by pixel.")
def response_matrix_product(image, kernel, row, col):
    right.response(image, kernel, row, col)
    return float((as_float(image)[row : row + kernel.shape[0], col : col + kernel.shape[1]] @ kernel).sum())


@mistake(right.response, "the window's last row and column are missing: a slice `a:b` stops before b.")
def response_last_row_and_column_missing(image, kernel, row, col):
    return right.response(image, np.pad(kernel[:-1, :-1], ((0, 1), (0, 1))), row, col)


@mistake(right.response, "the sign is lost: a negative answer says that the pattern is there with dark and bright exchanged.")
def response_absolute(image, kernel, row, col):
    return abs(right.response(image, kernel, row, col))


@mistake(right.response, "negative answers have become 0: keep them, they say that dark and bright are exchanged.")
def response_cut_at_zero(image, kernel, row, col):
    return max(right.response(image, kernel, row, col), 0.0)


@mistake(right.response, "your result is cut off at 0 and 1: a picture lies between them, a filter's answer need not.")
def response_clipped(image, kernel, row, col):
    return min(max(right.response(image, kernel, row, col), 0.0), 1.0)


@mistake(right.response, DIVIDED)
def response_divided_by_255(image, kernel, row, col):
    return right.response(unit(image), kernel, row, col)


@mistake(right.response, UINT8)
def responsein_uint8(image, kernel, row, col):
    right.response(image, kernel, row, col)
    products = as_float(image)[row : row + kernel.shape[0], col : col + kernel.shape[1]] * kernel
    return float(like_picture(image, like_picture(image, products).sum()))


@mistake(right.response, "the decimals are lost: `int(…)`, `//` or `round` has no place here.")
def response_whole_number(image, kernel, row, col):
    return int(right.response(image, kernel, row, col))


@mistake(right.response, "part of the window lies outside, and you add up the rest: raise ValueError instead.")
def response_part_of_the_window(image, kernel, row, col):
    if row < 0 or col < 0:
        _refuse(row, col)
    window = as_float(image)[row : row + kernel.shape[0], col : col + kernel.shape[1]]
    return float((window * kernel[: window.shape[0], : window.shape[1]]).sum())


@mistake(right.response, "a negative row or column leaves the picture too, but Python counts it from the end: check for it.")
def response_negative_wraps(image, kernel, row, col):
    kh, kw = kernel.shape
    if row + kh > image.shape[0] or col + kw > image.shape[1]:
        _refuse(row, col)
    return float(sum(as_float(image)[row + i, col + j] * kernel[i, j] for i in range(kh) for j in range(kw)))


@mistake(right.response, "the last position that fits is refused: the window may end exactly at the picture's border.")
def response_last_position_refused(image, kernel, row, col):
    if row + kernel.shape[0] >= image.shape[0] or col + kernel.shape[1] >= image.shape[1]:
        _refuse(row, col)
    return right.response(image, kernel, row, col)


@mistake(right.response, "only the top-left pixel is checked: the whole window must lie inside.")
def response_only_corner_checked(image, kernel, row, col):
    if not (0 <= row < image.shape[0] and 0 <= col < image.shape[1]):
        _refuse(row, col)
    (kh, kw), padded = kernel.shape, np.pad(as_float(image), ((0, kernel.shape[0]), (0, kernel.shape[1])))
    return float((padded[row : row + kh, col : col + kw] * kernel).sum())


@mistake(right.response, "nothing is checked, and NumPy's own IndexError comes out: " + ERROR_KIND)
def response_index_error(image, kernel, row, col):
    if not _inside(image, kernel, row, col):
        raise IndexError("index out of bounds")
    return right.response(image, kernel, row, col)


@mistake(right.response, "`assert` raises AssertionError: " + ERROR_KIND)
def response_assertion(image, kernel, row, col):
    assert _inside(image, kernel, row, col)
    return right.response(image, kernel, row, col)


def _inside(image, kernel, row, col):
    return 0 <= row <= image.shape[0] - kernel.shape[0] and 0 <= col <= image.shape[1] - kernel.shape[1]


def _refuse(row, col):
    raise ValueError(f"row={row}, col={col}: the window leaves the image")


@right_answer(right.response)
def response_by_loops(image, kernel, row, col):
    (h, w), (kh, kw) = image.shape, kernel.shape
    if row < 0 or row + kh > h:
        raise ValueError(f"row={row} does not fit")
    if col < 0 or col + kw > w:
        raise ValueError(f"col={col} does not fit")
    total = 0.0
    for i in range(kh):
        for j in range(kw):
            total += float(image[row + i, col + j]) * float(kernel[i, j])
    return total


@right_answer(right.response)
def response_by_einsum(image, kernel, row, col):
    kh, kw = kernel.shape
    if min(row, col) < 0 or row + kh > image.shape[0] or col + kw > image.shape[1]:
        raise ValueError(f"the window at row {row}, col {col} leaves an image of shape {image.shape}")
    return np.einsum("ij,ij->", image[row : row + kh, col : col + kw].astype(np.float64), kernel)


@right_answer(right.response)
def response_by_tensordot(image, kernel, row, col):
    if min(row, col) < 0 or row > image.shape[0] - kernel.shape[0] or col > image.shape[1] - kernel.shape[1]:
        raise ValueError(f"kernel of shape {kernel.shape} does not fit at ({row}, {col})")
    return np.tensordot(image[row:, col:][: kernel.shape[0], : kernel.shape[1]], kernel, axes=2)


@right_answer(right.response)
def response_by_all_windows(image, kernel, row, col):
    every = sliding_window_view(image, kernel.shape)
    for name, start, count in zip(("row", "col"), (row, col), every.shape, strict=False):
        if start not in range(count):
            raise ValueError(f"{name} is {start}, out of 0 … {count - 1}")
    return (every[row, col] * kernel).sum()


# --- sobel_kernels ----------------------------------------------------------------------------------------------------


@mistake(right.sobel_kernels, "gx and gy are exchanged: gx answers to brightness that rises along a row, from left to right.")
def sobel_exchanged():
    return gallery.sobel_y, gallery.sobel_x


@mistake(right.sobel_kernels, "both signs are wrong: gx must be positive where the right side is brighter, gy where the bottom is.")
def sobel_both_negated():
    return -gallery.sobel_x, -gallery.sobel_y


@mistake(right.sobel_kernels, "gx has the wrong sign: it must be positive where the right side is brighter.")
def sobel_x_negated():
    return -gallery.sobel_x, gallery.sobel_y


@mistake(right.sobel_kernels, "gy has the wrong sign: rows point down, so the bottom row is the positive one.")
def sobel_y_negated():
    return gallery.sobel_x, -gallery.sobel_y


@mistake(right.sobel_kernels, "these are Prewitt's kernels: Sobel's rim weights are 1, 2, 1.")
def sobel_prewitt():
    return gallery.prewitt_x, gallery.prewitt_y


@mistake(right.sobel_kernels, "these are Scharr's kernels: Sobel's rim weights are 1, 2, 1.")
def sobel_scharr():
    scharr = np.outer([3, 10, 3], [-1, 0, 1])
    return scharr, scharr.T


@mistake(right.sobel_kernels, "the kernels are scaled down by 8: leave the rim weights at 1, 2, 1.")
def sobel_divided_by_eight():
    return gallery.sobel_x / 8, gallery.sobel_y / 8


@mistake(right.sobel_kernels, "the kernels are scaled down by 4: leave the rim weights at 1, 2, 1.")
def sobel_divided_by_four():
    return gallery.sobel_x / 4, gallery.sobel_y / 4


@mistake(right.sobel_kernels, "the 2 stands in the corners, the 1 in the middle of the rim: it is 1, 2, 1.")
def sobel_two_one_two():
    kernel = np.outer([2, 1, 2], [-1, 0, 1])
    return kernel, kernel.T


@mistake(right.sobel_kernels, "both kernels are the same: gy is gx with rows and columns exchanged.")
def sobel_twice_x():
    return gallery.sobel_x, gallery.sobel_x


@mistake(right.sobel_kernels, "these are the one-dimensional differences -1, 0, 1: smooth them across with 1, 2, 1 to 3×3.")
def sobel_only_differences():
    return np.array([[0, 0, 0], [-1, 0, 1], [0, 0, 0]]), np.array([[0, -1, 0], [0, 0, 0], [0, 1, 0]])


@mistake(right.sobel_kernels, "minus signs are missing: on a flat picture the kernel must give 0.")
def sobel_without_signs():
    return np.abs(gallery.sobel_x), np.abs(gallery.sobel_y)


@right_answer(right.sobel_kernels)
def sobel_written_out():
    return np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]), np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])


@right_answer(right.sobel_kernels)
def sobel_by_outer():
    smooth, rise = np.array([1.0, 2.0, 1.0]), np.array([-1.0, 0.0, 1.0])
    return [np.outer(smooth, rise), np.outer(rise, smooth)]


@right_answer(right.sobel_kernels)
def sobel_stacked():
    gx = np.array([[-1, 0, 1]] * 3, dtype=np.float32)
    gx[1] *= 2
    return np.stack([gx, gx.T])


@right_answer(right.sobel_kernels)
def sobel_one_by_one():
    gx = np.zeros((3, 3), dtype=np.int8)
    for row, weight in enumerate((1, 2, 1)):
        gx[row, 0], gx[row, 2] = -weight, weight
    yield gx
    yield gx.swapaxes(0, 1)


# --- gaussian_kernel --------------------------------------------------------------------------------------------------


def _bell(size, sigma, exponent=lambda squared, sigma: squared / (2 * sigma**2), centre=None):
    """exp(-exponent) of the squared distances from the centre, refused and normalised as it should be."""
    right.gaussian_kernel(size, sigma)
    offsets = np.arange(size) - (size // 2 if centre is None else centre)
    values = np.exp(-exponent(offsets[:, None] ** 2 + offsets**2, sigma))
    return values / values.sum()


@mistake(right.gaussian_kernel, "the weights do not sum to 1, so the picture gets brighter or darker: divide by their sum.")
def gaussian_not_normalised(size, sigma):
    weights = right.gaussian_kernel(size, sigma)
    return weights / weights.max()


@mistake(
    right.gaussian_kernel,
    "dividing by 2πσ² makes the whole bell's area 1, not the sum of these few samples: divide by their sum.",
)
def gaussian_by_formula(size, sigma):
    weights = right.gaussian_kernel(size, sigma)
    return weights / weights.max() / (2 * math.pi * sigma**2)


@mistake(right.gaussian_kernel, "each row sums to 1; it is all the weights together that must.")
def gaussian_rows_normalised(size, sigma):
    weights = right.gaussian_kernel(size, sigma)
    return weights / weights.sum(axis=1, keepdims=True)


@mistake(right.gaussian_kernel, "the bell sits in the top-left corner: measure the distance from the centre, size // 2.")
def gaussian_in_the_corner(size, sigma):
    return _bell(size, sigma, centre=0)


@mistake(right.gaussian_kernel, "the centre is half a pixel off: for an odd size it is size // 2, a whole number.")
def gaussian_half_a_pixel_off(size, sigma):
    return _bell(size, sigma, centre=size / 2)


@mistake(right.gaussian_kernel, "sigma must be squared in the exponent: -(x² + y²) / (2σ²).")
def gaussian_sigma_not_squared(size, sigma):
    return _bell(size, sigma, lambda squared, sigma: squared / (2 * sigma))


@mistake(right.gaussian_kernel, "the 2 is missing in the exponent: -(x² + y²) / (2σ²).")
def gaussian_two_missing(size, sigma):
    return _bell(size, sigma, lambda squared, sigma: squared / sigma**2)


@mistake(right.gaussian_kernel, "`/ 2 * sigma**2` multiplies by σ²: write `/ (2 * sigma**2)`.")
def gaussian_brackets_missing(size, sigma):
    return _bell(size, sigma, lambda squared, sigma: squared / 2 * sigma**2)


@mistake(right.gaussian_kernel, "the distance is not squared in the exponent: -(x² + y²) / (2σ²).")
def gaussian_distance_not_squared(size, sigma):
    return _bell(size, sigma, lambda squared, sigma: np.sqrt(squared) / (2 * sigma**2))


@mistake(right.gaussian_kernel, "x and y must be squared one by one before they are added: x² + y², not (x + y)².")
def gaussian_square_of_the_sum(size, sigma):
    right.gaussian_kernel(size, sigma)
    offsets = np.arange(size) - size // 2
    values = np.exp(-((offsets[:, None] + offsets) ** 2) / (2 * sigma**2))
    return values / values.sum()


@mistake(right.gaussian_kernel, "the samples must stand one pixel apart; yours are squeezed between -1 and 1.")
def gaussian_between_minus_one_and_one(size, sigma):
    right.gaussian_kernel(size, sigma)
    offsets = np.linspace(-1, 1, size) if size > 1 else np.zeros(1)
    values = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * sigma**2))
    return values / values.sum()


@mistake(right.gaussian_kernel, "this is one row of the kernel; make it two-dimensional, with `np.outer` for instance.")
def gaussian_one_dimensional(size, sigma):
    row = right.gaussian_kernel(size, sigma)[size // 2]
    return row / row.sum()


@mistake(right.gaussian_kernel, "all weights are the same: that is a box blur. The weights must fall off from the centre.")
def gaussian_box(size, sigma):
    right.gaussian_kernel(size, sigma)
    return np.full((size, size), 1 / size**2)


@mistake(right.gaussian_kernel, "an even size has no centre pixel: refuse it with ValueError.")
def gaussian_even_allowed(size, sigma):
    if size < 1 or sigma <= 0:
        raise ValueError(f"size={size}, sigma={sigma}")
    return _unchecked_gaussian(size, sigma)


@mistake(right.gaussian_kernel, "size 0 or below is not refused: -3 is odd too, check for both.")
def gaussian_negative_size_allowed(size, sigma):
    if size % 2 == 0 or sigma <= 0:
        raise ValueError(f"size={size}, sigma={sigma}")
    return _unchecked_gaussian(size, sigma)


@mistake(right.gaussian_kernel, "sigma = 0 is not refused: it divides by zero.")
def gaussian_sigma_zero_allowed(size, sigma):
    if size < 1 or size % 2 == 0 or sigma < 0:
        raise ValueError(f"size={size}, sigma={sigma}")
    return _unchecked_gaussian(size, sigma)


@mistake(right.gaussian_kernel, "a negative sigma is not refused: squaring hides its sign, so check it before.")
def gaussian_negative_sigma_allowed(size, sigma):
    if size < 1 or size % 2 == 0 or sigma == 0:
        raise ValueError(f"size={size}, sigma={sigma}")
    return _unchecked_gaussian(size, sigma)


@mistake(right.gaussian_kernel, "size 1 is odd and positive: its kernel is [[1]].")
def gaussian_size_one_refused(size, sigma):
    if size == 1:
        raise ValueError(f"size={size} is too small")
    return right.gaussian_kernel(size, sigma)


def _unchecked_gaussian(size, sigma):
    offsets = np.arange(max(size, 0)) - size // 2
    values = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * np.float64(sigma) ** 2))
    return values / values.sum()


@right_answer(right.gaussian_kernel)
def gaussian_by_loops(size, sigma):
    if size <= 0:
        raise ValueError(f"size must be positive, got {size}")
    if size % 2 == 0:
        raise ValueError(f"size must be odd, got {size}")
    if sigma <= 0:
        raise ValueError(f"sigma must be positive, got {sigma}")
    kernel = np.empty((size, size))
    for i, j in itertools.product(range(size), repeat=2):
        kernel[i, j] = math.exp(-((i - size // 2) ** 2 + (j - size // 2) ** 2) / (2 * sigma * sigma))
    kernel /= kernel.sum()
    return kernel


@right_answer(right.gaussian_kernel)
def gaussian_by_mgrid(size, sigma):
    if size < 1 or not size % 2 or sigma <= 0:
        raise ValueError(f"no Gaussian with size={size!r} and sigma={sigma!r}")
    y, x = np.mgrid[-(size // 2) : size // 2 + 1, -(size // 2) : size // 2 + 1]
    bell = np.exp(-(x**2 + y**2) / (2 * sigma**2)) / (2 * np.pi * sigma**2)
    return bell / np.sum(bell)


@right_answer(right.gaussian_kernel)
def gaussian_by_outer(size, sigma):
    if size < 1 or size % 2 != 1:
        raise ValueError(f"size = {size}")
    if sigma <= 0:
        raise ValueError(f"sigma = {sigma}")
    profile = np.exp(-0.5 * (np.linspace(-(size - 1) / 2, (size - 1) / 2, size) / sigma) ** 2)
    profile /= profile.sum()
    return profile[:, np.newaxis] @ profile[np.newaxis, :]


@right_answer(right.gaussian_kernel)
def gaussian_of_float32(size, sigma):
    if size not in range(1, 1000, 2):
        raise ValueError(f"{size} is no size")
    if not sigma > 0:
        raise ValueError(f"{sigma} is no sigma")
    squared = sum(np.meshgrid(*[(np.arange(size, dtype=np.float32) - size // 2) ** 2] * 2))
    weights = np.exp(-squared / np.float32(2 * sigma**2))
    return weights / weights.sum()


# --- gradient_magnitude -----------------------------------------------------------------------------------------------


def _sobel(image):
    return correlate2d(image, gallery.sobel_x), correlate2d(image, gallery.sobel_y)


@mistake(right.gradient_magnitude, "this is |gx| + |gy|: the length of the arrow (gx, gy) is sqrt(gx² + gy²).")
def magnitude_sum_of_absolutes(image):
    gx, gy = _sobel(image)
    return np.abs(gx) + np.abs(gy)


@mistake(right.gradient_magnitude, "the square root is missing: sqrt(gx² + gy²).")
def magnitude_squared(image):
    return right.gradient_magnitude(image) ** 2


@mistake(right.gradient_magnitude, "this is the larger of |gx| and |gy|: both count, sqrt(gx² + gy²).")
def magnitude_larger(image):
    return np.maximum(*map(np.abs, _sobel(image)))


@mistake(right.gradient_magnitude, "gx and gy are added before squaring: where one is negative they cancel. Square first, then add.")
def magnitude_of_the_sum(image):
    return np.abs(np.add(*_sobel(image)))


@mistake(right.gradient_magnitude, "only gx is in it: edges from top to bottom count as well.")
def magnitude_only_x(image):
    return np.abs(_sobel(image)[0])


@mistake(right.gradient_magnitude, "only gy is in it: edges from left to right count as well.")
def magnitude_only_y(image):
    return np.abs(_sobel(image)[1])


@mistake(right.gradient_magnitude, "this is the mean of the squares under the root; it must be their sum.")
def magnitude_root_mean_square(image):
    return right.gradient_magnitude(image) / math.sqrt(2)


@mistake(right.gradient_magnitude, "these are Prewitt's responses: Sobel's rim weights are 1, 2, 1.")
def magnitude_prewitt(image):
    return np.hypot(correlate2d(image, gallery.prewitt_x), correlate2d(image, gallery.prewitt_y))


@mistake(right.gradient_magnitude, "these are plain differences of neighbours (`np.gradient`, say), not Sobel's responses.")
def magnitude_plain_differences(image):
    image = as_float(image)
    return np.hypot(image[1:-1, 2:] - image[1:-1, :-2], image[2:, 1:-1] - image[:-2, 1:-1]) / 2


@mistake(
    right.gradient_magnitude,
    "your result is as large as the picture: only windows that lie wholly inside count, so it is 2 smaller each way.",
)
def magnitude_padded(image):
    return right.gradient_magnitude(np.pad(image, 1))


@mistake(
    right.gradient_magnitude,
    "your result is as large as the picture, with copied pixels around it: only windows that lie wholly inside count.",
)
def magnitude_padded_by_copies(image):
    return right.gradient_magnitude(np.pad(image, 1, mode="edge"))


@mistake(right.gradient_magnitude, "the result is scaled so that its largest number is 1: leave it as it is, sizes must stay comparable.")
def magnitude_scaled_to_one(image):
    result = right.gradient_magnitude(image)
    return result / result.max()


@mistake(right.gradient_magnitude, "the result is scaled down by 8: Sobel's rim weights are 1, 2, 1 as they stand.")
def magnitude_divided_by_eight(image):
    return right.gradient_magnitude(image) / 8


@mistake(right.gradient_magnitude, "the result is cut off at 1: an edge can be stronger than that.")
def magnitude_cut_at_one(image):
    return right.gradient_magnitude(image).clip(0, 1)


@mistake(right.gradient_magnitude, DIVIDED)
def magnitude_divided_by_255(image):
    return right.gradient_magnitude(unit(image))


@mistake(right.gradient_magnitude, UINT8)
def magnitude_differences_in_uint8(image):
    smooth_down = like_picture(image, correlate2d(image, np.array([[1.0], [2.0], [1.0]])))
    smooth_right = like_picture(image, correlate2d(image, np.array([[1.0, 2.0, 1.0]])))
    gx, gy = smooth_down[:, 2:] - smooth_down[:, :-2], smooth_right[2:] - smooth_right[:-2]
    return np.hypot(gx.astype(float), gy.astype(float))


@mistake(
    right.gradient_magnitude,
    "the squares of whole numbers (uint8) wrap around at 256: turn the picture into floats first, with `image.astype(float)`.",
)
def magnitude_squaresin_uint8(image):
    gx, gy = (like_picture(image, side) for side in _sobel(image))
    return np.sqrt(gx**2 + gy**2)


@mistake(
    right.gradient_magnitude, "the result was put into an array of whole numbers (uint8): strong edges wrap around and decimals are lost."
)
def magnitude_storedin_uint8(image):
    return like_picture(image, right.gradient_magnitude(image))


@mistake(right.gradient_magnitude, "the last row and column of windows are missing: of h rows, windows of 3 start at h - 2.")
def magnitude_one_too_small(image):
    return right.gradient_magnitude(image)[:-1, :-1]


@mistake(right.gradient_magnitude, "rows and columns of the result are exchanged.")
def magnitude_transposed(image):
    return right.gradient_magnitude(image).T


@right_answer(right.gradient_magnitude)
def magnitude_by_windows(image):
    patches = sliding_window_view(image.astype(float), (3, 3))
    gx = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return np.sqrt(np.einsum("hwij,ij->hw", patches, gx) ** 2 + np.einsum("hwij,ij->hw", patches, gx.T) ** 2)


@right_answer(right.gradient_magnitude)
def magnitude_by_loops(image):
    h, w = image.shape
    out = np.zeros((h - 2, w - 2))
    for r in range(h - 2):
        for c in range(w - 2):
            p = [[float(v) for v in line] for line in image[r : r + 3, c : c + 3]]
            gx = p[0][2] + 2 * p[1][2] + p[2][2] - p[0][0] - 2 * p[1][0] - p[2][0]
            gy = p[2][0] + 2 * p[2][1] + p[2][2] - p[0][0] - 2 * p[0][1] - p[0][2]
            out[r, c] = math.hypot(gx, gy)
    return out


@right_answer(right.gradient_magnitude)
def magnitude_by_slices(image):
    image = np.asarray(image, dtype=np.float32)
    down = image[:-2] + 2 * image[1:-1] + image[2:]
    across = image[:, :-2] + 2 * image[:, 1:-1] + image[:, 2:]
    return np.hypot(down[:, 2:] - down[:, :-2], across[2:] - across[:-2])


@right_answer(right.gradient_magnitude)
def magnitude_by_complex_numbers(image):
    h, w = image.shape
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    kernel = kernel + 1j * kernel.T
    return np.abs(sum(kernel[i, j] * image[i : h - 2 + i, j : w - 2 + j] for i, j in np.ndindex(3, 3)))


# --- steer ------------------------------------------------------------------------------------------------------------


@mistake(right.steer, "sine and cosine are exchanged: at theta = 0 only gx may be left.")
def steer_exchanged(theta):
    return math.sin(theta) * gallery.sobel_x + math.cos(theta) * gallery.sobel_y


@mistake(right.steer, "it turns the wrong way: rows point down, so at π/2 brightness rises towards the bottom: + sin·gy.")
def steer_other_way_round(theta):
    return right.steer(-theta)


@mistake(right.steer, "this kernel lies along the edge: theta is the direction in which brightness rises, across the edge.")
def steer_along_the_edge(theta):
    return right.steer(theta + math.pi / 2)


@mistake(right.steer, "this kernel lies along the edge, and turned the other way: theta is the direction in which brightness rises.")
def steer_along_the_edge_backwards(theta):
    return right.steer(theta - math.pi / 2)


@mistake(right.steer, "theta is in radians, and `np.cos` takes radians: do not convert.")
def steer_as_degrees(theta):
    return right.steer(math.radians(theta))


@mistake(right.steer, "theta is in radians already: `np.degrees` has no place here.")
def steer_to_degrees(theta):
    return right.steer(math.degrees(theta))


@mistake(right.steer, "the sign is wrong: the kernel answers most strongly to brightness that falls in direction theta.")
def steer_negated(theta):
    return -right.steer(theta)


@mistake(right.steer, "the kernel is divided by its largest weight: leave it as cos·gx + sin·gy.")
def steer_largest_one(theta):
    return right.steer(theta) / np.abs(right.steer(theta)).max()


@mistake(right.steer, "the kernel is scaled down by 8: leave it as cos·gx + sin·gy.")
def steer_divided_by_eight(theta):
    return right.steer(theta) / 8


@mistake(right.steer, "the kernel is scaled to length 1: leave it as cos·gx + sin·gy.")
def steer_length_one(theta):
    return right.steer(theta) / np.linalg.norm(right.steer(theta))


@mistake(right.steer, "theta and theta + π are opposite directions: the sign of the kernel must change between them.")
def steer_half_turn(theta):
    return right.steer(theta % math.pi)


@mistake(right.steer, "the signs of sine and cosine are lost: |cos| and |sin| know only a quarter of the directions.")
def steer_quarter_turn(theta):
    return abs(math.cos(theta)) * gallery.sobel_x + abs(math.sin(theta)) * gallery.sobel_y


@mistake(right.steer, "these are Prewitt's kernels: Sobel's rim weights are 1, 2, 1.")
def steer_prewitt(theta):
    return math.cos(theta) * gallery.prewitt_x + math.sin(theta) * gallery.prewitt_y


@mistake(right.steer, "the angle is rounded to the nearest of the eight compass directions: any angle can be steered to.")
def steer_eight_directions(theta):
    return right.steer(round(theta / (math.pi / 4)) * math.pi / 4)


@mistake(right.steer, "squares of sine and cosine have no sign and do not turn the kernel: use cos·gx + sin·gy.")
def steer_squares(theta):
    return math.cos(theta) ** 2 * gallery.sobel_x + math.sin(theta) ** 2 * gallery.sobel_y


@right_answer(right.steer)
def steer_by_formula(theta):
    gx = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return np.cos(theta) * gx + np.sin(theta) * gx.T


@right_answer(right.steer)
def steer_by_tensordot(theta):
    gx = np.outer([1, 2, 1], [-1, 0, 1])
    return np.tensordot([np.cos(theta), np.sin(theta)], np.stack([gx, gx.T]), axes=1)


@right_answer(right.steer)
def steer_by_complex_numbers(theta):
    gx = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return np.real((gx + 1j * gx.T) * np.exp(-1j * theta))


@right_answer(right.steer)
def steer_weight_by_weight(theta):
    c, s = math.cos(theta), math.sin(theta)
    return np.array([[-c - s, -2 * s, c - s], [-2 * c, 0, 2 * c], [s - c, 2 * s, c + s]])


# --- separate ---------------------------------------------------------------------------------------------------------


@mistake(right.separate, "column and row are exchanged: the first array is as long as the kernel is high.")
def separate_exchanged(kernel):
    return right.separate(kernel)[::-1]


@mistake(right.separate, "the strength is lost: multiply one of the two by the singular value.")
def separate_without_strength(kernel):
    column, row = right.separate(kernel)
    strength = np.linalg.norm(column)
    return (column / strength if strength else column + 1), row


@mistake(right.separate, "both arrays carry the whole singular value: it belongs to one of them, or its square root to each.")
def separate_strength_twice(kernel):
    column, row = right.separate(kernel)
    return column, row * np.linalg.norm(column)


@mistake(right.separate, "the sums of rows and columns are not column and row yet: their product is too large by the sum of all weights.")
def separate_sums(kernel):
    right.separate(kernel)
    return kernel.sum(axis=1), kernel.sum(axis=0)


@mistake(right.separate, "dividing by the sum of all weights fails where they sum to 0, as in every edge filter.")
def separate_sums_divided(kernel):
    right.separate(kernel)
    total = kernel.sum() if abs(kernel.sum()) > 1e-6 * np.abs(kernel).max() else 0.0
    return kernel.sum(axis=1), np.divide(kernel.sum(axis=0), total)


@mistake(right.separate, "the first weight may be 0: start from a row and a column that are not, the largest weight's for instance.")
def separate_from_the_corner(kernel):
    right.separate(kernel)
    return kernel[:, 0].astype(float), np.divide(kernel[0].astype(float), kernel[0, 0])


@mistake(right.separate, "the middle row and column may be 0 (as in an edge filter): start from the largest weight's.")
def separate_from_the_middle(kernel):
    right.separate(kernel)
    i, j = kernel.shape[0] // 2, kernel.shape[1] // 2
    return kernel[:, j].astype(float), np.divide(kernel[i].astype(float), kernel[i, j])


@mistake(right.separate, "the signs are lost: outer(column, row) must have the kernel's own.")
def separate_without_signs(kernel):
    column, row = right.separate(kernel)
    return np.abs(column), np.abs(row)


@mistake(right.separate, "square roots of squares lose the sign; the singular vectors carry it.")
def separate_sign_of_one_lost(kernel):
    column, row = right.separate(kernel)
    return np.abs(column), row


@mistake(right.separate, "the means of rows and columns are not column and row yet: one number belongs between them.")
def separate_means(kernel):
    right.separate(kernel)
    return kernel.mean(axis=1), kernel.mean(axis=0)


@mistake(right.separate, "column and row must be 1-D arrays, of shape (kh,) and (kw,).")
def separate_two_dimensional(kernel):
    column, row = right.separate(kernel)
    return column[:, None], row[None]


@mistake(right.separate, "this kernel is not separable (rank above 1), and your column and row do not give it: raise ValueError.")
def separate_best_approximation(kernel):
    left, strengths, rows = np.linalg.svd(kernel.astype(float))
    return left[:, 0] * strengths[0], rows[0]


@mistake(right.separate, "the determinant does not tell the rank: the Laplacian's is 0, yet its rank is 2; and an oblong kernel has none.")
def separate_by_determinant(kernel):
    if kernel.shape[0] == kernel.shape[1] > 1 and abs(np.linalg.det(kernel / np.abs(kernel).max())) > 1e-6:
        raise ValueError("the kernel is not separable")
    if kernel.shape[0] != kernel.shape[1]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    left, strengths, rows = np.linalg.svd(kernel.astype(float))
    return left[:, 0] * strengths[0], rows[0]


@mistake(right.separate, "a kernel of zeros is separable: two arrays of zeros give it.")
def separate_zero_refused(kernel):
    if not kernel.any():
        raise ValueError("the kernel is all zero")
    return right.separate(kernel)


@mistake(
    right.separate, "the kernel is separable, but rounding makes its rank look larger: compare with the largest singular value, not with 0."
)
def separate_exact_rank(kernel):
    if np.count_nonzero(np.linalg.svd(kernel.astype(float), compute_uv=False) > 1e-300) > 1:
        raise ValueError("the kernel is not separable")
    return right.separate(kernel)


@mistake(right.separate, "a fixed threshold takes small weights for none: compare with the largest singular value.")
def separate_fixed_threshold(kernel):
    left, strengths, rows = np.linalg.svd(kernel.astype(float))
    if len(strengths) > 1 and strengths[1] > 1e-6:
        raise ValueError("the kernel is not separable")
    return left[:, 0] * strengths[0], rows[0]


@mistake(right.separate, "your threshold is too generous: column and row must give the kernel up to a millionth of its largest weight.")
def separate_loose_threshold(kernel):
    left, strengths, rows = np.linalg.svd(kernel.astype(float))
    if len(strengths) > 1 and strengths[1] > 2e-3 * strengths[0]:
        raise ValueError("the kernel is not separable")
    return left[:, 0] * strengths[0], rows[0]


@mistake(right.separate, "float32 keeps seven digits: a threshold below 1e-7 of the largest singular value refuses separable kernels.")
def separate_threshold_below_float32(kernel):
    strengths = np.linalg.svd(kernel.astype(float), compute_uv=False)
    if len(strengths) > 1 and strengths[1] > 1e-12 * strengths[0]:
        raise ValueError("the kernel is not separable")
    return right.separate(kernel)


@mistake(right.separate, "an oblong kernel can be separable too.")
def separate_only_square(kernel):
    if kernel.shape[0] != kernel.shape[1]:
        raise ValueError(f"kernel of shape {kernel.shape} is not square")
    return right.separate(kernel)


@right_answer(right.separate)
def separate_by_svd(kernel):
    u, s, vt = np.linalg.svd(kernel, full_matrices=False)
    if (s > 1e-6 * s[0]).sum() > 1:
        raise ValueError("kernel is not separable")
    return u[:, 0] * np.sqrt(s[0]), vt[0] * np.sqrt(s[0])


@right_answer(right.separate)
def separate_from_the_largest_weight(kernel):
    i, j = np.unravel_index(np.abs(kernel).argmax(), kernel.shape)
    if kernel[i, j] == 0:
        return np.zeros(kernel.shape[0]), np.zeros(kernel.shape[1])
    column, row = kernel[:, j].astype(float), kernel[i] / float(kernel[i, j])
    if np.abs(np.outer(column, row) - kernel).max() > 1e-6 * abs(kernel[i, j]):
        raise ValueError(f"kernel has rank {np.linalg.matrix_rank(kernel)}")
    return [column, row]


@right_answer(right.separate)
def separate_by_matrix_rank(kernel):
    if np.linalg.matrix_rank(kernel) > 1:
        raise ValueError("rank above 1")
    best = max(range(kernel.shape[1]), key=lambda j: float(np.abs(kernel[:, j]).sum()))
    column = kernel[:, best] + 0.0
    length = float(np.dot(column, column.T))
    row = column @ kernel / length if length else np.zeros(kernel.shape[1], kernel.dtype)
    return column, row


@right_answer(right.separate)
def separate_by_ratios(kernel):
    rows = [np.array(line, dtype=np.float64) for line in kernel]
    model = max(rows, key=lambda line: np.abs(line).max())
    anchor = int(np.abs(model).argmax())
    if model[anchor] == 0:
        return tuple(np.zeros(side) for side in kernel.shape)
    ratios = np.array([line[anchor] / model[anchor] for line in rows])
    for ratio, line in zip(ratios, rows, strict=True):
        if np.abs(ratio * model - line).max() > 1e-6 * abs(model[anchor]):
            raise ValueError(f"row {line} is no multiple of {model}")
    return ratios, model


# --- color_response ---------------------------------------------------------------------------------------------------


def _slices(image, kernel):
    """The response of every channel to its own slice: (c, h-kh+1, w-kw+1)."""
    right.color_response(image, kernel)
    return np.stack([correlate2d(channel, part) for channel, part in zip(image, kernel, strict=True)])


@mistake(right.color_response, "there is one map per channel here: sum them, one filter gives one feature map.")
def color_not_summed(image, kernel):
    return _slices(image, kernel)


@mistake(right.color_response, "the channels are averaged; a filter sums them.")
def color_mean(image, kernel):
    return _slices(image, kernel).mean(axis=0)


@mistake(right.color_response, "only the first channel is in it: every channel has its own slice of the kernel.")
def color_first_channel(image, kernel):
    return _slices(image, kernel)[0]


@mistake(right.color_response, "only the last channel is left: `=` in the loop throws the sum away, `+=` keeps it.")
def color_last_channel(image, kernel):
    return _slices(image, kernel)[-1]


@mistake(right.color_response, "the strongest channel is taken; a filter sums them all.")
def color_strongest(image, kernel):
    return _slices(image, kernel).max(axis=0)


@mistake(right.color_response, "all channels use the kernel's first slice: channel i belongs to slice i.")
def color_one_slice_for_all(image, kernel):
    return _slices(image, np.broadcast_to(kernel[:1], kernel.shape) if len(image) == len(kernel) else kernel).sum(axis=0)


@mistake(right.color_response, "the picture was made grey first: then a filter cannot tell colours apart.")
def color_made_grey(image, kernel):
    right.color_response(image, kernel)
    return correlate2d(as_float(image).mean(axis=0), kernel.sum(axis=0))


@mistake(right.color_response, "every channel meets every slice: channel i belongs to slice i alone.")
def color_every_slice_for_every_channel(image, kernel):
    right.color_response(image, kernel)
    return correlate2d(as_float(image).sum(axis=0), kernel.sum(axis=0))


@mistake(right.color_response, "the channels are in the wrong order: channel 0 belongs to slice 0.")
def color_channels_reversed(image, kernel):
    return right.color_response(image, kernel[::-1])


@mistake(right.color_response, CONVOLUTION)
def color_flipped(image, kernel):
    return right.color_response(image, kernel[:, ::-1, ::-1])


@mistake(right.color_response, "the kernel is flipped on all three axes: nothing is flipped here, the channels least of all.")
def color_flipped_with_channels(image, kernel):
    return right.color_response(image, kernel[::-1, ::-1, ::-1])


@mistake(right.color_response, "each slice is transposed: a kernel's axes are (channel, row, column), as the picture's are.")
def color_transposed(image, kernel):
    return right.color_response(image, kernel.transpose(0, 2, 1))


@mistake(right.color_response, "your map is as large as the picture: only windows that lie wholly inside count, (h-kh+1, w-kw+1).")
def color_padded(image, kernel):
    right.color_response(image, kernel)
    kh, kw = kernel.shape[1:]
    return right.color_response(np.pad(image, ((0, 0), (kh // 2, (kh - 1) // 2), (kw // 2, (kw - 1) // 2))), kernel)


@mistake(right.color_response, "the last row and column of windows are missing: there are h-kh+1 by w-kw+1 of them.")
def color_one_too_small(image, kernel):
    return right.color_response(image, kernel)[:-1, :-1]


@mistake(right.color_response, "negative answers have become 0: keep them, ReLU comes later.")
def color_cut_at_zero(image, kernel):
    return right.color_response(image, kernel).clip(min=0)


@mistake(right.color_response, DIVIDED)
def color_divided_by_255(image, kernel):
    return right.color_response(unit(image), kernel)


@mistake(right.color_response, UINT8)
def color_storedin_uint8(image, kernel):
    return like_picture(image, right.color_response(image, kernel))


@mistake(
    right.color_response, "the channel counts differ, and the surplus is dropped in silence (`zip` and `min` do that): raise ValueError."
)
def color_surplus_dropped(image, kernel):
    c = min(len(image), len(kernel))
    return right.color_response(image[:c], kernel[:c])


@mistake(
    right.color_response, "a single channel is stretched over all of the other side (broadcasting does that in silence): raise ValueError."
)
def color_broadcast(image, kernel):
    c = max(len(image), len(kernel))
    stretched = [np.repeat(side, c, axis=0) if len(side) == 1 else side for side in (image, kernel)]
    return right.color_response(*stretched)


@mistake(right.color_response, "too few slices end in an IndexError by accident: " + ERROR_KIND)
def color_index_error(image, kernel):
    if len(kernel) < len(image):
        raise IndexError("index out of bounds")
    return right.color_response(image, kernel[: len(image)])


@mistake(right.color_response, "`assert` raises AssertionError: " + ERROR_KIND)
def color_assertion(image, kernel):
    assert len(image) == len(kernel)
    return right.color_response(image, kernel)


@right_answer(right.color_response)
def color_by_loops(image, kernel):
    c, h, w = image.shape
    slices, kh, kw = kernel.shape
    if c != slices:
        raise ValueError(f"image has {c} channels but kernel has {slices}")
    out = np.zeros((h - kh + 1, w - kw + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for k in range(c):
                out[i, j] += (image[k, i : i + kh, j : j + kw] * kernel[k]).sum()
    return out


@right_answer(right.color_response)
def color_by_windows(image, kernel):
    if image.shape[0] != kernel.shape[0]:
        raise ValueError(f"image of shape {image.shape} does not go with kernel of shape {kernel.shape}")
    every = sliding_window_view(image, kernel.shape)[0]
    return (every * kernel).sum(axis=(-3, -2, -1))


@right_answer(right.color_response)
def color_by_taps(image, kernel):
    if len(image) - len(kernel):
        raise ValueError(f"kernel: {len(kernel)} slices for {len(image)} channels")
    h, w = (image.shape[axis] - kernel.shape[axis] + 1 for axis in (1, 2))
    taps = (kernel[:, i, j] @ image[:, i : i + h, j : j + w].reshape(len(image), -1) for i, j in np.ndindex(*kernel.shape[1:]))
    return functools.reduce(np.add, taps).reshape(h, w)


@right_answer(right.color_response)
def color_by_einsum(image, kernel):
    if image.shape[:1] != kernel.shape[:1]:
        raise ValueError(f"kernel shape {kernel.shape} against image shape {image.shape}")
    every = sliding_window_view(image.astype(np.float32), kernel.shape[1:], axis=(1, 2))
    return np.einsum("chwij,cij->hw", every, kernel.astype(np.float32))


# --- filter_bank ------------------------------------------------------------------------------------------------------


@mistake(right.filter_bank, "the maps of all filters are added up: one feature map for each filter, (n, h', w').")
def bank_filters_summed(image, kernels):
    return right.filter_bank(image, kernels).sum(axis=0)


@mistake(right.filter_bank, "only the first filter is in it: n filters give n feature maps.")
def bank_only_first(image, kernels):
    return right.filter_bank(image, kernels)[:1]


@mistake(right.filter_bank, "all maps are the first filter's: filter i gives map i.")
def bank_first_repeated(image, kernels):
    return np.repeat(right.filter_bank(image, kernels)[:1], len(kernels), axis=0)


@mistake(right.filter_bank, "the maps stand in the last axis: filters come first, (n, h', w').")
def bank_filters_last(image, kernels):
    return np.moveaxis(right.filter_bank(image, kernels), 0, -1)


@mistake(right.filter_bank, "the channels are not summed: each filter gives one map, not one per channel.")
def bank_channels_kept(image, kernels):
    right.filter_bank(image, kernels)
    return np.stack([_slices(image, kernel) for kernel in kernels])


@mistake(right.filter_bank, "the channels are averaged; a filter sums them.")
def bank_channels_averaged(image, kernels):
    return right.filter_bank(image, kernels) / len(image)


@mistake(right.filter_bank, "only the first channel is in it: every channel has its own slice of each filter.")
def bank_first_channel(image, kernels):
    right.filter_bank(image, kernels)
    return right.filter_bank(image[:1], kernels[:, :1])


@mistake(right.filter_bank, "the axes of `kernels` are mixed up: its first counts the filters, its second the channels.")
def bank_axes_exchanged(image, kernels):
    if len(image) != kernels.shape[1]:
        right.filter_bank(image, kernels)
    return right.filter_bank(image, kernels.reshape(kernels.shape[1], kernels.shape[0], *kernels.shape[2:]).swapaxes(0, 1))


@mistake(right.filter_bank, "the filters are in the wrong order: map i belongs to filter i.")
def bank_reversed(image, kernels):
    return right.filter_bank(image, kernels)[::-1]


@mistake(right.filter_bank, CONVOLUTION)
def bank_flipped(image, kernels):
    return right.filter_bank(image, kernels[:, :, ::-1, ::-1])


@mistake(right.filter_bank, "each slice is transposed: the last two axes of `kernels` are (row, column), as the picture's are.")
def bank_transposed(image, kernels):
    return right.filter_bank(image, kernels.swapaxes(2, 3))


@mistake(right.filter_bank, "the maps add up from filter to filter: start each one from zeros.")
def bank_running_sum(image, kernels):
    return right.filter_bank(image, kernels).cumsum(axis=0)


@mistake(right.filter_bank, "your maps are as large as the picture: only windows that lie wholly inside count, (h-kh+1, w-kw+1).")
def bank_padded(image, kernels):
    right.filter_bank(image, kernels)
    return np.stack([color_padded(image, kernel) for kernel in kernels])


@mistake(right.filter_bank, "the last row and column of windows are missing: there are h-kh+1 by w-kw+1 of them.")
def bank_one_too_small(image, kernels):
    return right.filter_bank(image, kernels)[:, :-1, :-1]


@mistake(right.filter_bank, "negative answers have become 0: keep them, ReLU comes later.")
def bank_cut_at_zero(image, kernels):
    return right.filter_bank(image, kernels).clip(min=0)


@mistake(right.filter_bank, "each map is scaled to its own largest number: then the filters' answers cannot be compared.")
def bank_each_scaled(image, kernels):
    maps = right.filter_bank(image, kernels)
    return maps / np.abs(maps).max(axis=(1, 2), keepdims=True)


@mistake(right.filter_bank, DIVIDED)
def bank_divided_by_255(image, kernels):
    return right.filter_bank(unit(image), kernels)


@mistake(right.filter_bank, UINT8)
def bank_storedin_uint8(image, kernels):
    return like_picture(image, right.filter_bank(image, kernels))


@mistake(right.filter_bank, "the channel counts differ, and the surplus is dropped in silence (`zip` and `min` do that): raise ValueError.")
def bank_surplus_dropped(image, kernels):
    c = min(len(image), kernels.shape[1])
    return right.filter_bank(image[:c], kernels[:, :c])


@mistake(
    right.filter_bank, "a single channel is stretched over all of the other side (broadcasting does that in silence): raise ValueError."
)
def bank_broadcast(image, kernels):
    c = max(len(image), kernels.shape[1])
    image = np.repeat(image, c, axis=0) if len(image) == 1 else image
    return right.filter_bank(image, np.repeat(kernels, c, axis=1) if kernels.shape[1] == 1 else kernels)


@mistake(right.filter_bank, "it is not the count of filters that must equal the picture's channels, but each filter's own count of slices.")
def bank_filters_counted_as_channels(image, kernels):
    if len(image) != len(kernels):
        raise ValueError(f"image has {len(image)} channels, kernels {len(kernels)}")
    c = min(len(image), kernels.shape[1])
    return right.filter_bank(image[:c], kernels[:, :c])


@mistake(right.filter_bank, "`assert` raises AssertionError: " + ERROR_KIND)
def bank_assertion(image, kernels):
    assert len(image) == kernels.shape[1]
    return right.filter_bank(image, kernels)


@right_answer(right.filter_bank)
def bank_by_color_response(image, kernels):
    return np.stack([color_by_loops(image, kernel) for kernel in kernels])


@right_answer(right.filter_bank)
def bank_by_matrix_product(image, kernels):
    n, c, kh, kw = kernels.shape
    if image.shape[0] != c:
        raise ValueError(f"kernels has {c} channels, image has {image.shape[0]}")
    every = sliding_window_view(image, (kh, kw), axis=(1, 2))
    h, w = every.shape[1:3]
    columns = every.transpose(0, 3, 4, 1, 2).reshape(c * kh * kw, h * w)
    return (kernels.reshape(n, -1) @ columns).reshape(n, h, w)


@right_answer(right.filter_bank)
def bank_by_einsum(image, kernels):
    if image.shape[0] != kernels.shape[1]:
        raise ValueError(f"shapes of image {image.shape} and kernels {kernels.shape} do not go together")
    return np.einsum("chwij,ncij->nhw", sliding_window_view(image, kernels.shape[2:], axis=(1, 2)), kernels)


@right_answer(right.filter_bank)
def bank_tap_by_tap(image, kernels):
    (c, h, w), (n, k, kh, kw) = image.shape, kernels.shape
    if c != k:
        raise ValueError(f"image: {c} channels, kernels: {k}")
    maps = np.zeros((n, h - kh + 1, w - kw + 1))
    for i in range(kh):
        for j in range(kw):
            maps += np.tensordot(kernels[:, :, i, j], image[:, i : h - kh + 1 + i, j : w - kw + 1 + j], axes=1)
    return maps
