"""Lesson 02, how a filter works: the mistakes we expect, each with its hint, and right answers in other styles.

A mistake repeats one misunderstanding and is right in all else (it refuses what must be refused), so that the
hint it carries fits the answers that it recognises and no others.
"""

import itertools
import math

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from filterlab.check.bank import mistake, right_answer
from filterlab.check.expectation import CHANGED_INPUT
from filterlab.check.layers import LAYERS
from filterlab.check.mistakes.common import CONVOLUTION, DIVIDED, ERROR_KIND, UINT8, like_picture, unit
from filterlab.check.references import sliding_window as right
from filterlab.convolution import as_float, pair

# --- output_size ------------------------------------------------------------------------------------------------------


@mistake(right.output_size, "the size is rounded up: a window that does not fit wholly is dropped, so round down (`//`).")
def output_size_rounded_up(size, kernel, stride=1, padding=0, dilation=1):
    right.output_size(size, kernel, stride, padding, dilation)
    return math.ceil((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1


@mistake(right.output_size, "the number of positions is a whole number: divide with `//`, not `/`.")
def output_size_not_whole(size, kernel, stride=1, padding=0, dilation=1):
    right.output_size(size, kernel, stride, padding, dilation)
    return (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1


@mistake(right.output_size, "one position is missing: the window also fits at 0, before its first step. Add 1.")
def output_size_one_missing(size, kernel, stride=1, padding=0, dilation=1):
    return right.output_size(size, kernel, stride, padding, dilation) - 1


@mistake(
    right.output_size, "the 1 is added before dividing by the stride: count the steps first, then add the position before the first step."
)
def output_size_one_inside(size, kernel, stride=1, padding=0, dilation=1):
    right.output_size(size, kernel, stride, padding, dilation)
    return (size + 2 * padding - dilation * (kernel - 1) - 1 + 1) // stride


@mistake(right.output_size, "the padding is counted once: it is added at both ends.")
def output_size_padding_once(size, kernel, stride=1, padding=0, dilation=1):
    right.output_size(size, kernel, stride, padding, dilation)
    return (size + padding - dilation * (kernel - 1) - 1) // stride + 1


@mistake(right.output_size, "the padding is left out: it makes the row longer at both ends.")
def output_size_without_padding(size, kernel, stride=1, padding=0, dilation=1):
    right.output_size(size, kernel, stride, padding, dilation)
    return (size - dilation * (kernel - 1) - 1) // stride + 1


@mistake(right.output_size, "the stride is left out: the window moves by `stride` pixels at a time.")
def output_size_without_stride(size, kernel, stride=1, padding=0, dilation=1):
    right.output_size(size, kernel, stride, padding, dilation)
    return size + 2 * padding - dilation * (kernel - 1)


@mistake(right.output_size, "the dilation is left out: it spreads the kernel's taps, so the window reaches further.")
def output_size_without_dilation(size, kernel, stride=1, padding=0, dilation=1):
    right.output_size(size, kernel, stride, padding, dilation)
    return (size + 2 * padding - kernel) // stride + 1


@mistake(
    right.output_size, "the window reaches dilation · (kernel - 1) + 1 pixels, not dilation · kernel: between k taps there are k - 1 gaps."
)
def output_size_dilation_times_kernel(size, kernel, stride=1, padding=0, dilation=1):
    right.output_size(size, kernel, stride, padding, dilation)
    return (size + 2 * padding - dilation * kernel) // stride + 1


@mistake(right.output_size, "the result ignores the kernel: only size / stride is left. The window must fit with its last tap, too.")
def output_size_of_same_padding(size, kernel, stride=1, padding=0, dilation=1):
    right.output_size(size, kernel, stride, padding, dilation)
    return -(-size // stride)


@mistake(right.output_size, "the window does not fit even once: raise ValueError instead of giving 0 or less.")
def output_size_nothing_fits(size, kernel, stride=1, padding=0, dilation=1):
    for name, value, least in [("kernel", kernel, 1), ("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1)]:
        if value < least:
            raise ValueError(f"{name}={value}")
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


@mistake(right.output_size, "the window is compared with the bare size: padding counts, and so does the dilated reach.")
def output_size_kernel_against_bare_size(size, kernel, stride=1, padding=0, dilation=1):
    if kernel > size:
        raise ValueError(f"kernel={kernel} is larger than size={size}")
    for name, value, least in [("kernel", kernel, 1), ("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1)]:
        if value < least:
            raise ValueError(f"{name}={value}")
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def _output_size_unchecked(name):
    """output_size that lets one argument have any value."""

    def answer(size, kernel, stride=1, padding=0, dilation=1):
        given = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        if given[name] >= (0 if name == "padding" else 1):
            return right.output_size(size, **given)
        return (size + 2 * padding - dilation * (kernel - 1) - 1) // (stride or 1) + 1

    answer.__name__ = f"output_size_{name}_unchecked"
    return answer


for _name, _least in [("kernel", 1), ("stride", 1), ("padding", 0), ("dilation", 1)]:
    mistake(right.output_size, f"{_name} below {_least} makes no sense, but is not refused: raise ValueError with its name and value.")(
        _output_size_unchecked(_name)
    )


@right_answer(right.output_size)
def output_size_by_counting(size, kernel, stride=1, padding=0, dilation=1):
    for name, value, least in zip(
        ("kernel", "stride", "padding", "dilation"), (kernel, stride, padding, dilation), (1, 1, 0, 1), strict=True
    ):
        if value < least:
            raise ValueError(f"{name} must be at least {least}, not {value}")
    last = size + 2 * padding - 1
    count = sum(1 for start in range(0, last + 1, stride) if start + (kernel - 1) * dilation <= last)
    if count == 0:
        raise ValueError(f"a kernel of {kernel} never fits into size {size}")
    return count


@right_answer(right.output_size)
def output_size_by_range(size, kernel, stride=1, padding=0, dilation=1):
    if kernel < 1 or stride < 1 or padding < 0 or dilation < 1:
        raise ValueError(f"bad setting: kernel={kernel}, stride={stride}, padding={padding}, dilation={dilation}")
    places = range(0, size + 2 * padding - (kernel - 1) * dilation, stride)
    if not places:
        raise ValueError(f"size={size} is too small")
    return len(places)


@right_answer(right.output_size)
def output_size_by_floor(size, kernel, stride=1, padding=0, dilation=1):
    if kernel < 1:
        raise ValueError(f"kernel: {kernel}")
    if stride < 1:
        raise ValueError(f"stride: {stride}")
    if padding < 0:
        raise ValueError(f"padding: {padding}")
    if dilation < 1:
        raise ValueError(f"dilation: {dilation}")
    steps = math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride)
    if steps < 0:
        raise ValueError(f"kernel {kernel} in size {size}")
    return steps + 1


@right_answer(right.output_size)
def output_size_of_numpy(size, kernel, stride=1, padding=0, dilation=1):
    if min(kernel, stride, dilation, padding + 1) < 1:
        raise ValueError(f"{kernel=} {stride=} {padding=} {dilation=}")
    reach = np.arange(kernel).max() * dilation + 1
    free = np.int64(size) + 2 * padding - reach
    if free < 0:
        raise ValueError(f"{size=} with {padding=} is smaller than {reach}")
    return free // stride + 1


# --- pad2d ------------------------------------------------------------------------------------------------------------


def _pad(image, rows, columns, value=0.0, **settings):
    widths = [(0, 0)] * (image.ndim - 2) + [rows, columns]
    return np.pad(image, widths, **(settings or {"constant_values": value}))


@mistake(right.pad2d, "only the bottom and the right side are padded: every side gets its share.")
def pad_at_the_end_only(image, padding, value=0.0):
    right.pad2d(image, padding)
    rows, columns = pair(padding)
    return _pad(image, (0, rows), (0, columns), value)


@mistake(right.pad2d, "rows and columns of the padding are exchanged: rows come first.")
def pad_pair_exchanged(image, padding, value=0.0):
    right.pad2d(image, padding)
    rows, columns = pair(padding)
    return right.pad2d(image, (columns, rows), value)


@mistake(right.pad2d, "a pair is (rows, columns), each for both of its sides; yours is taken as (before, after).")
def pad_pair_before_and_after(image, padding, value=0.0):
    right.pad2d(image, padding)
    before, after = pair(padding)
    return _pad(image, (before, after), (before, after), value)


@mistake(right.pad2d, "`padding` pixels are added in all; they belong on each side.")
def pad_in_all(image, padding, value=0.0):
    right.pad2d(image, padding)
    rows, columns = pair(padding)
    return _pad(image, (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2), value)


@mistake(right.pad2d, "all axes are padded: channels and pictures must stay as many as they are, only the last two axes grow.")
def pad_all_axes(image, padding, value=0.0):
    right.pad2d(image, padding)
    rows, columns = pair(padding)
    return np.pad(image, [(rows, rows)] * (image.ndim - 1) + [(columns, columns)], constant_values=value)


@mistake(right.pad2d, "the first two axes are padded: rows and columns are the last two.")
def pad_first_axes(image, padding, value=0.0):
    right.pad2d(image, padding)
    rows, columns = pair(padding)
    return np.pad(image, [(rows, rows), (columns, columns)] + [(0, 0)] * (image.ndim - 2), constant_values=value)


@mistake(right.pad2d, "`value` is ignored: the new pixels must hold it.")
def pad_with_zeros(image, padding, value=0.0):
    return right.pad2d(image, padding)


@mistake(right.pad2d, "the new pixels are copies of the border: they must hold `value`.")
def pad_with_copies(image, padding, value=0.0):
    right.pad2d(image, padding)
    rows, columns = pair(padding)
    return _pad(image, (rows, rows), (columns, columns), mode="edge")


@mistake(right.pad2d, "a pair is treated like its first number: rows and columns may differ.")
def pad_first_of_the_pair(image, padding, value=0.0):
    right.pad2d(image, padding)
    return right.pad2d(image, pair(padding)[0], value)


@mistake(right.pad2d, "the dtype is lost: make the new array with `dtype=image.dtype`.")
def pad_as_float(image, padding, value=0.0):
    return right.pad2d(image.astype(float), padding, value)


@mistake(right.pad2d, "with padding 0 the slice `[p:-p]` is `[0:0]`, which is empty: write where it ends, `[p : p + height]`.")
def pad_by_negative_slices(image, padding, value=0.0):
    rows, columns = pair(padding)
    out = np.full_like(right.pad2d(image, padding), value)
    inside = out[..., rows:-rows, columns:-columns]
    if inside.shape == image.shape:
        inside[...] = image
        return out
    raise ValueError(f"could not broadcast input array from shape {image.shape} into shape {inside.shape}")


@mistake(right.pad2d, "a negative padding is not refused: raise ValueError with its value.")
def pad_negative_crops(image, padding, value=0.0):
    rows, columns = pair(padding)
    if min(rows, columns) >= 0:
        return right.pad2d(image, padding, value)
    return image[..., max(-rows, 0) : image.shape[-2] - max(-rows, 0), max(-columns, 0) : image.shape[-1] - max(-columns, 0)]


@right_answer(right.pad2d)
def pad_by_numpy(image, padding, value=0.0):
    rows, columns = padding if isinstance(padding, tuple | list) else (padding, padding)
    if rows < 0 or columns < 0:
        raise ValueError(f"padding must not be negative: {padding}")
    return np.pad(image, ((0, 0),) * (image.ndim - 2) + ((rows, rows), (columns, columns)), constant_values=value)


@right_answer(right.pad2d)
def pad_by_filling(image, padding, value=0.0):
    try:
        rows, columns = padding
    except TypeError:
        rows = columns = padding
    for amount in (rows, columns):
        if amount < 0:
            raise ValueError(f"padding={amount} is below 0")
    *leading, h, w = image.shape
    out = np.full((*leading, h + 2 * rows, w + 2 * columns), value, dtype=image.dtype)
    out[..., rows : rows + h, columns : columns + w] = image
    return out


@right_answer(right.pad2d)
def pad_by_concatenating(image, padding, value=0.0):
    rows, columns = np.broadcast_to(padding, 2)
    if min(rows, columns) < 0:
        raise ValueError(f"padding {padding}")
    side = np.full((*image.shape[:-1], columns), value, image.dtype)
    image = np.concatenate([side, image, side], axis=-1)
    top = np.full((*image.shape[:-2], rows, image.shape[-1]), value, image.dtype)
    return np.concatenate([top, image, top], axis=-2)


@right_answer(right.pad2d)
def pad_nothing_gives_itself(image, padding, value=0.0):
    rows, columns = (padding, padding) if np.isscalar(padding) else padding
    if rows < 0 or columns < 0:
        raise ValueError("padding: " + str(padding))
    if rows == columns == 0:
        return image
    out = np.empty((*image.shape[:-2], image.shape[-2] + 2 * rows, image.shape[-1] + 2 * columns), image.dtype)
    out.fill(value)
    out[(..., slice(rows, out.shape[-2] - rows), slice(columns, out.shape[-1] - columns))] = image
    return out


# --- correlate2d and convolve2d ---------------------------------------------------------------------------------------


def _for_both(hint):
    """A mistake that correlate2d and convolve2d share: written as a change of the right function, picture and kernel."""

    def register(function):
        for reference in (right.correlate2d, right.convolve2d):

            def answer(image, kernel, reference=reference):
                reference(image, kernel)  # refused where it must be
                return function(reference, image, kernel)

            answer.__name__ = f"{reference.name}_{function.__name__}"
            mistake(reference, hint)(answer)
        return function

    return register


@_for_both("the kernel is transposed: its first axis runs down the rows, as the picture's does.")
def transposed(reference, image, kernel):
    return _valid(reference, image, kernel.T, kernel.shape)


@_for_both("each number is a mean; a filter's answer is the sum.")
def mean(reference, image, kernel):
    return reference(image, kernel) / kernel.size


@_for_both("your map is as large as the picture: only windows that lie wholly inside count, (h-kh+1, w-kw+1).")
def padded(reference, image, kernel):
    kh, kw = kernel.shape
    return reference(np.pad(image, ((kh // 2, (kh - 1) // 2), (kw // 2, (kw - 1) // 2))), kernel)


@_for_both("the last row and column of windows are missing: there are h-kh+1 by w-kw+1 of them.")
def one_too_small(reference, image, kernel):
    return reference(image, kernel)[:-1, :-1]


@_for_both("the map has as many columns as rows: this picture, or this kernel, is not square.")
def square_map(reference, image, kernel):
    full = reference(image, kernel)
    side = full.shape[0]
    return np.pad(full, ((0, 0), (0, side)))[:, :side]


@_for_both("negative answers have become 0: keep them, ReLU comes later.")
def cut_at_zero(reference, image, kernel):
    return reference(image, kernel).clip(min=0)


@_for_both("rows and columns of the map are exchanged.")
def map_transposed(reference, image, kernel):
    return reference(image, kernel).T


@_for_both(DIVIDED)
def divided_by_255(reference, image, kernel):
    return reference(unit(image), kernel)


@_for_both(UINT8)
def stored_in_uint8(reference, image, kernel):
    return like_picture(image, reference(image, kernel))


@_for_both("windows are summed without the weights: multiply each pixel by its weight first.")
def unweighted(reference, image, kernel):
    return reference(image, np.ones_like(kernel))


def _valid(reference, image, kernel, shape):
    """The answers of another kernel at the places where one of `shape` fits (what lies outside counts as 0)."""
    h, w = image.shape[0] - shape[0] + 1, image.shape[1] - shape[1] + 1
    room = np.pad(as_float(image), ((0, kernel.shape[0]), (0, kernel.shape[1])))
    return reference(room, kernel)[:h, :w]


@mistake(right.correlate2d, CONVOLUTION)
def correlate_flipped(image, kernel):
    return right.correlate2d(image, kernel[::-1, ::-1])


@mistake(right.correlate2d, "the kernel's rows are used upside down: nothing is flipped here.")
def correlate_upside_down(image, kernel):
    return right.correlate2d(image, kernel[::-1])


@mistake(right.correlate2d, "the kernel's columns are used mirrored: nothing is flipped here.")
def correlate_mirrored(image, kernel):
    return right.correlate2d(image, kernel[:, ::-1])


@mistake(right.correlate2d, "the kernel is larger than the picture, and you give an empty map: raise ValueError.")
def correlate_empty_map(image, kernel):
    h, w = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    return right.correlate2d(image, kernel) if min(h, w) > 0 else np.zeros((max(h, 0), max(w, 0)))


@mistake(right.correlate2d, "`assert` raises AssertionError: " + ERROR_KIND)
def correlate_assertion(image, kernel):
    assert kernel.shape[0] <= image.shape[0] and kernel.shape[1] <= image.shape[1]
    return right.correlate2d(image, kernel)


@mistake(
    right.convolve2d, "the kernel is not flipped: that is cross-correlation. True convolution flips it on both axes, `kernel[::-1, ::-1]`."
)
def convolve_not_flipped(image, kernel):
    return right.correlate2d(image, kernel)


@mistake(right.convolve2d, "only the rows are flipped: convolution flips both axes, `kernel[::-1, ::-1]`.")
def convolve_rows_flipped(image, kernel):
    return right.correlate2d(image, kernel[::-1])


@mistake(right.convolve2d, "only the columns are flipped: convolution flips both axes, `kernel[::-1, ::-1]`.")
def convolve_columns_flipped(image, kernel):
    return right.correlate2d(image, kernel[:, ::-1])


@mistake(right.convolve2d, "the map is turned by 180 degrees: flip the kernel, not the picture and not the result.")
def convolve_turned(image, kernel):
    return right.convolve2d(image, kernel)[::-1, ::-1]


def correlate_by_loops(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    if kh > h or kw > w:
        raise ValueError(f"kernel {kernel.shape} is larger than image {image.shape}")
    out = [
        [sum(float(image[i + a, j + b]) * kernel[a, b] for a in range(kh) for b in range(kw)) for j in range(w - kw + 1)]
        for i in range(h - kh + 1)
    ]
    return np.array(out)


def correlate_by_windows(image, kernel):
    if any(k > s for k, s in zip(kernel.shape, image.shape, strict=True)):
        raise ValueError(f"image of {image.shape[0]} by {image.shape[1]} is smaller than the kernel")
    return np.tensordot(sliding_window_view(image, kernel.shape), kernel, axes=2)


def correlate_by_taps(image, kernel):
    h, w = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    if h < 1 or w < 1:
        raise ValueError(f"kernel with shape {kernel.shape[0]} x {kernel.shape[1]} does not fit")
    out = np.zeros((h, w), dtype=np.float32)
    for (i, j), weight in np.ndenumerate(kernel):
        out += np.float32(weight) * image[i : i + h, j : j + w].astype(np.float32)
    return out


def correlate_by_fourier(image, kernel):
    if kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError(f"kernel.shape={kernel.shape}, image.shape={image.shape}")
    product = np.fft.fft2(image) * np.conj(np.fft.fft2(kernel, image.shape))
    h, w = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    return np.fft.ifft2(product).real[:h, :w]


def convolve_by_loops(image, kernel):
    return correlate_by_loops(image, kernel[::-1, ::-1])


def convolve_by_windows(image, kernel):
    return correlate_by_windows(image, np.flip(kernel))


def convolve_by_definition(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    out = np.zeros((h - kh + 1, w - kw + 1))
    for i, j in itertools.product(range(out.shape[0]), range(out.shape[1])):
        for a, b in itertools.product(range(kh), range(kw)):
            out[i, j] += image[i + kh - 1 - a, j + kw - 1 - b] * kernel[a, b]
    return out


def convolve_by_fourier(image, kernel):
    shape = [a + b - 1 for a, b in zip(image.shape, kernel.shape, strict=True)]
    full = np.fft.irfft2(np.fft.rfft2(image, shape) * np.fft.rfft2(kernel, shape), shape)
    kh, kw = kernel.shape
    return full[kh - 1 : image.shape[0], kw - 1 : image.shape[1]]


for _answer in (correlate_by_loops, correlate_by_windows, correlate_by_taps, correlate_by_fourier):
    right_answer(right.correlate2d)(_answer)
for _answer in (convolve_by_loops, convolve_by_windows, convolve_by_definition, convolve_by_fourier):
    right_answer(right.convolve2d)(_answer)


# --- conv2d and conv2d_fast -------------------------------------------------------------------------------------------


def _for_conv2d(hint):
    """A mistake that conv2d and conv2d_fast share; it is called only with settings that go together."""

    def register(function):
        def answer(x, weight, bias=None, stride=1, padding=0):
            right.conv2d(x, weight, bias, stride, padding)  # refused where it must be
            return function(as_float(x), weight, bias, pair(stride), pair(padding))

        answer.__name__ = f"conv_{function.__name__}"
        for reference in (right.conv2d, right.conv2d_fast):
            mistake(reference, hint)(answer)
        return function

    return register


def _plus(result, bias):
    return result if bias is None else result + bias[:, None, None]


@_for_conv2d(CONVOLUTION)
def flipped(x, weight, bias, stride, padding):
    return right.conv2d(x, weight[:, :, ::-1, ::-1], bias, stride, padding)


@_for_conv2d("the kernels' rows are used upside down: nothing is flipped here.")
def upside_down(x, weight, bias, stride, padding):
    return right.conv2d(x, weight[:, :, ::-1], bias, stride, padding)


@_for_conv2d("the kernels' columns are used mirrored: nothing is flipped here.")
def mirrored(x, weight, bias, stride, padding):
    return right.conv2d(x, weight[:, :, :, ::-1], bias, stride, padding)


@_for_conv2d("rows and columns of the kernels are exchanged: the last two axes of weight are (row, column), as the pictures' are.")
def kernels_transposed(x, weight, bias, stride, padding):
    kh, kw = weight.shape[2:]
    # The same windows, read column by column.
    return right.conv2d(x, weight.swapaxes(2, 3).reshape(*weight.shape[:2], kh, kw), bias, stride, padding)


@_for_conv2d("the channels are not summed: each filter gives one map, not one per channel.")
def channels_not_summed(x, weight, bias, stride, padding):
    maps = [right.conv2d(x[:, k : k + 1], weight[:, k : k + 1], None, stride, padding) for k in range(x.shape[1])]
    return np.stack(maps, axis=2)


@_for_conv2d("only the first channel is in it: every channel has its own slice of each filter.")
def first_channel(x, weight, bias, stride, padding):
    return right.conv2d(x[:, :1], weight[:, :1], bias, stride, padding)


@_for_conv2d("only the last channel is left: `=` in the loop throws the sum away, `+=` keeps it.")
def last_channel(x, weight, bias, stride, padding):
    return right.conv2d(x[:, -1:], weight[:, -1:], bias, stride, padding)


@_for_conv2d("each number is a mean over the window; a filter's answer is the sum.")
def mean_of_products(x, weight, bias, stride, padding):
    return _plus(right.conv2d(x, weight, None, stride, padding) / weight[0].size, bias)


@_for_conv2d("the channels are averaged; a filter sums them.")
def mean_of_channels(x, weight, bias, stride, padding):
    return _plus(right.conv2d(x, weight, None, stride, padding) / weight.shape[1], bias)


@_for_conv2d("the shape knows the stride, the windows do not: output pixel (i, j) looks at row i · stride, column j · stride.")
def stride_not_in_position(x, weight, bias, stride, padding):
    h, w = right.conv2d(x, weight, None, stride, padding).shape[2:]
    return right.conv2d(x, weight, bias, 1, padding)[:, :, :h, :w]


@_for_conv2d("the stride is ignored: your result has every position, not every stride-th.")
def stride_ignored(x, weight, bias, stride, padding):
    return right.conv2d(x, weight, bias, 1, padding)


@_for_conv2d("the result keeps the size of stride 1, with zeros between the numbers: skipped positions must be left out.")
def zeros_between(x, weight, bias, stride, padding):
    full = right.conv2d(x, weight, bias, 1, padding)
    out = np.zeros_like(full)
    out[:, :, :: stride[0], :: stride[1]] = full[:, :, :: stride[0], :: stride[1]]
    return out


@_for_conv2d("rows and columns of the stride are exchanged: rows come first.")
def stride_exchanged(x, weight, bias, stride, padding):
    return right.conv2d(x, weight, bias, stride[::-1], padding)


@_for_conv2d("only the first number of the stride is used: rows and columns may differ.")
def stride_first_only(x, weight, bias, stride, padding):
    return right.conv2d(x, weight, bias, stride[0], padding)


@_for_conv2d("rows and columns of the padding are exchanged: rows come first.")
def padding_exchanged(x, weight, bias, stride, padding):
    return _cropped(x, weight, bias, stride, ((padding[1],) * 2, (padding[0],) * 2))


@_for_conv2d("only the bottom and the right side are padded: every side gets its share.")
def padding_after_only(x, weight, bias, stride, padding):
    return _cropped(x, weight, bias, stride, ((0, padding[0]), (0, padding[1])))


@_for_conv2d("the padding is ignored.")
def padding_ignored(x, weight, bias, stride, padding):
    return _cropped(x, weight, bias, stride, ((0, 0), (0, 0)))


@_for_conv2d("the padding is counted once in the size of the result, so the last windows are missing: it is added at both ends.")
def padding_counted_once(x, weight, bias, stride, padding):
    full = right.conv2d(x, weight, bias, stride, padding)
    sizes = ((x.shape[a + 2] + padding[a] - weight.shape[a + 2]) // stride[a] + 1 for a in (0, 1))
    h, w = (max(size, 0) for size in sizes)
    return full[:, :, :h, :w]


@_for_conv2d("the picture is padded, but the windows are cut from the unpadded one: the padded copy is never used.")
def unpadded_picture_used(x, weight, bias, stride, padding):
    (rows, columns), (h, w) = padding, x.shape[2:]
    shifted = np.zeros((*x.shape[:2], h + 2 * rows, w + 2 * columns))
    shifted[:, :, :h, :w] = x
    return right.conv2d(shifted, weight, bias, stride, 0)


@_for_conv2d("the pictures are padded with copies of their borders: here the padding is zeros.")
def padded_with_copies(x, weight, bias, stride, padding):
    (rows, columns) = padding
    return right.conv2d(np.pad(x, ((0, 0), (0, 0), (rows, rows), (columns, columns)), mode="edge"), weight, bias, stride, 0)


@_for_conv2d("with padding 0 the slice `[p:-p]` is `[0:0]`, which is empty: write where it ends, `[p : p + height]`.")
def negative_slices(x, weight, bias, stride, padding):
    if min(padding) > 0:
        return right.conv2d(x, weight, bias, stride, padding)
    raise ValueError("could not broadcast input array")


@_for_conv2d("the size is rounded up: windows that do not fit wholly are dropped, so round down (`//`).")
def rounded_up(x, weight, bias, stride, padding):
    (rows, columns), room = padding, [(0, step - 1) for step in stride]
    return right.conv2d(np.pad(x, ((0, 0), (0, 0), (rows, rows + room[0][1]), (columns, columns + room[1][1]))), weight, bias, stride, 0)


@_for_conv2d("the bias is forgotten.")
def bias_forgotten(x, weight, bias, stride, padding):
    return right.conv2d(x, weight, None, stride, padding)


@_for_conv2d("the bias is added for every product in the window: add it once, after the sum.")
def bias_inside_the_sum(x, weight, bias, stride, padding):
    return right.conv2d(x, weight, None if bias is None else bias * weight[0].size, stride, padding)


@_for_conv2d("the bias is added for every channel: add it once, after the sum over channels.")
def bias_for_every_channel(x, weight, bias, stride, padding):
    return right.conv2d(x, weight, None if bias is None else bias * weight.shape[1], stride, padding)


@_for_conv2d("the bias is subtracted.")
def bias_subtracted(x, weight, bias, stride, padding):
    return right.conv2d(x, weight, None if bias is None else -bias, stride, padding)


@_for_conv2d("all filters get the first filter's bias: filter i has bias i.")
def bias_of_the_first(x, weight, bias, stride, padding):
    return right.conv2d(x, weight, None if bias is None else np.full_like(bias, bias[0]), stride, padding)


@_for_conv2d("all pictures give the first one's maps: the batch has several pictures.")
def first_picture(x, weight, bias, stride, padding):
    return np.repeat(right.conv2d(x[:1], weight, bias, stride, padding), len(x), axis=0)


@_for_conv2d("only the first picture is in it: the batch has several.")
def only_the_first_picture(x, weight, bias, stride, padding):
    return right.conv2d(x[:1], weight, bias, stride, padding)


@_for_conv2d("the maps are square: height and width of these pictures differ, compute both.")
def square_pictures(x, weight, bias, stride, padding):
    full = right.conv2d(x, weight, bias, stride, padding)
    side = full.shape[2]
    return np.pad(full, ((0, 0), (0, 0), (0, 0), (0, side)))[:, :, :, :side]


@_for_conv2d("the window is square: `kh, kw = weight.shape[2:]`, and both are needed.")
def square_kernels(x, weight, bias, stride, padding):
    side = min(weight.shape[2:])
    part = weight * 0
    part[:, :, :side, :side] = weight[:, :, :side, :side]
    return right.conv2d(x, part, bias, stride, padding)


@_for_conv2d("axes are mixed up: filters and pictures are exchanged in the result, which is (n, m, h', w').")
def filters_before_pictures(x, weight, bias, stride, padding):
    return right.conv2d(x, weight, bias, stride, padding).swapaxes(0, 1)


@_for_conv2d("axes are mixed up: the filters must stand in axis 1, (n, m, h', w').")
def filters_last(x, weight, bias, stride, padding):
    return np.moveaxis(right.conv2d(x, weight, bias, stride, padding), 1, -1)


@_for_conv2d("negative answers have become 0: keep them, ReLU comes later.")
def negative_answers_cut(x, weight, bias, stride, padding):
    return right.conv2d(x, weight, bias, stride, padding).clip(min=0)


def _cropped(x, weight, bias, stride, widths):
    """With other padding; where the window no longer fits, a map without pixels."""
    padded_x = np.pad(x, ((0, 0), (0, 0), *widths))
    if any(k > s for k, s in zip(weight.shape[2:], padded_x.shape[2:], strict=True)):
        return np.zeros((len(x), len(weight), 0, 0))
    return right.conv2d(padded_x, weight, bias, stride, 0)


def _for_conv2d_raw(hint):
    """A mistake that conv2d and conv2d_fast share, given the arguments as they come."""

    def register(function):
        for reference in (right.conv2d, right.conv2d_fast):
            mistake(reference, hint)(function)
        return function

    return register


@_for_conv2d_raw(UINT8)
def conv_stored_in_uint8(x, weight, bias=None, stride=1, padding=0):
    return like_picture(x, right.conv2d(x, weight, bias, stride, padding))


@_for_conv2d_raw(DIVIDED)
def conv_divided_by_255(x, weight, bias=None, stride=1, padding=0):
    return right.conv2d(unit(x), weight, bias, stride, padding)


@_for_conv2d_raw(CHANGED_INPUT)
def conv_changes_input(x, weight, bias=None, stride=1, padding=0):
    result = right.conv2d(x, weight, bias, stride, padding)
    if x.flags.writeable:
        x[...] = 0
    return result


@_for_conv2d_raw("the channel counts differ, and the surplus is dropped in silence (`zip` and `min` do that): raise ValueError.")
def conv_surplus_dropped(x, weight, bias=None, stride=1, padding=0):
    c = min(x.shape[1], weight.shape[1])
    return right.conv2d(x[:, :c], weight[:, :c], bias, stride, padding)


@_for_conv2d_raw("a single channel is stretched over all of the other side (broadcasting does that in silence): raise ValueError.")
def conv_broadcast(x, weight, bias=None, stride=1, padding=0):
    c = max(x.shape[1], weight.shape[1])
    x, weight = (np.repeat(side, c, axis=1) if side.shape[1] == 1 else side for side in (x, weight))
    return right.conv2d(x, weight, bias, stride, padding)


@_for_conv2d_raw("a window larger than the padded picture gives an empty map in silence: raise ValueError.")
def conv_empty_map(x, weight, bias=None, stride=1, padding=0):
    sizes = [x.shape[a + 2] + 2 * pair(padding)[a] - weight.shape[a + 2] for a in (0, 1)]
    if min(sizes) >= 0 or x.shape[1] != weight.shape[1] or min(pair(stride)) < 1 or min(pair(padding)) < 0:
        return right.conv2d(x, weight, bias, stride, padding)
    return np.zeros((len(x), len(weight), *(max(size + 1, 0) for size in sizes)))


@_for_conv2d_raw("a stride below 1 is not refused: raise ValueError with its value.")
def conv_stride_unchecked(x, weight, bias=None, stride=1, padding=0):
    return right.conv2d(x, weight, bias, tuple(max(step, 1) for step in pair(stride)), padding)


@_for_conv2d_raw("a negative padding is not refused: raise ValueError with its value.")
def conv_padding_unchecked(x, weight, bias=None, stride=1, padding=0):
    return right.conv2d(x, weight, bias, stride, tuple(max(rows, 0) for rows in pair(padding)))


@_for_conv2d_raw("`assert` raises AssertionError: " + ERROR_KIND)
def conv_assertion(x, weight, bias=None, stride=1, padding=0):
    try:
        return right.conv2d(x, weight, bias, stride, padding)
    except ValueError as error:
        raise AssertionError(str(error)) from None


def _checked(x, weight, stride, padding):
    """The checks and the padding that the right answers below share, as a student's helper would."""
    (sh, sw), (ph, pw) = (value if isinstance(value, tuple | list) else (value, value) for value in (stride, padding))
    if x.shape[1] != weight.shape[1]:
        raise ValueError(f"x has {x.shape[1]} channels, weight {weight.shape[1]}")
    if sh < 1 or sw < 1:
        raise ValueError(f"stride={stride} must be at least 1")
    if ph < 0 or pw < 0:
        raise ValueError(f"padding={padding} must not be negative")
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    if weight.shape[2] > x.shape[2] or weight.shape[3] > x.shape[3]:
        raise ValueError(f"weight with kernels {weight.shape[2:]} does not fit")
    return x, sh, sw


def _with_bias(out, bias):
    return out if bias is None else out + np.reshape(bias, (1, -1, 1, 1))


@right_answer(right.conv2d)
def conv_by_loops(x, weight, bias=None, stride=1, padding=0):
    x, sh, sw = _checked(x, weight, stride, padding)
    (n, _, h, w), (m, _, kh, kw) = x.shape, weight.shape
    out = np.zeros((n, m, (h - kh) // sh + 1, (w - kw) // sw + 1))
    for i, k, r, c in np.ndindex(*out.shape):
        out[i, k, r, c] = np.sum(x[i, :, r * sh : r * sh + kh, c * sw : c * sw + kw] * weight[k])
        if bias is not None:
            out[i, k, r, c] += bias[k]
    return out


@right_answer(right.conv2d)
def conv_picture_by_picture(x, weight, bias=None, stride=1, padding=0):
    padded_x, sh, sw = _checked(x, weight, stride, padding)
    bias = np.zeros(len(weight)) if bias is None else bias
    pictures = []
    for picture in padded_x:
        maps = [sum(correlate_by_windows(plane, part) for plane, part in zip(picture, kernel, strict=True)) for kernel in weight]
        pictures.append([one[::sh, ::sw] + b for one, b in zip(maps, bias, strict=True)])
    return np.array(pictures)


@right_answer(right.conv2d)
@right_answer(right.conv2d_fast)
def conv_by_einsum(x, weight, bias=None, stride=1, padding=0):
    x, sh, sw = _checked(x, weight, stride, padding)
    every = sliding_window_view(x, weight.shape[2:], axis=(2, 3))[:, :, ::sh, ::sw]
    return _with_bias(np.einsum("nchwij,mcij->nmhw", every, weight, optimize=True), bias)


@right_answer(right.conv2d)
@right_answer(right.conv2d_fast)
def conv_by_taps(x, weight, bias=None, stride=1, padding=0):
    x, sh, sw = _checked(x, weight, stride, padding)
    kh, kw = weight.shape[2:]
    h, w = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
    out = np.zeros((x.shape[0], weight.shape[0], h, w))
    for i in range(kh):
        for j in range(kw):
            part = x[:, :, i : i + (h - 1) * sh + 1 : sh, j : j + (w - 1) * sw + 1 : sw]
            out += np.tensordot(weight[:, :, i, j], part, axes=(1, 1)).swapaxes(0, 1)
    return _with_bias(out, bias)


@right_answer(right.conv2d_fast)
def conv_by_matrix_product(x, weight, bias=None, stride=1, padding=0):
    x, sh, sw = _checked(np.asarray(x, dtype=np.float64), weight, stride, padding)
    (n, c, _, _), (m, _, kh, kw) = x.shape, weight.shape
    every = sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    h, w = every.shape[2:4]
    columns = every.transpose(1, 4, 5, 0, 2, 3).reshape(c * kh * kw, n * h * w)
    out = (weight.reshape(m, -1) @ columns).reshape(m, n, h, w).transpose(1, 0, 2, 3)
    return _with_bias(out, bias)


@right_answer(right.conv2d_fast)
def conv_by_fancy_indexing(x, weight, bias=None, stride=1, padding=0):
    x, sh, sw = _checked(x, weight, stride, padding)
    kh, kw = weight.shape[2:]
    rows = np.arange(0, x.shape[2] - kh + 1, sh)[:, None] + np.arange(kh)
    columns = np.arange(0, x.shape[3] - kw + 1, sw)[:, None] + np.arange(kw)
    every = x[:, :, rows[:, None, :, None], columns[None, :, None, :]]
    return _with_bias(np.moveaxis(np.tensordot(every, weight, axes=((1, 4, 5), (1, 2, 3))), -1, 1), bias)


# --- windows ----------------------------------------------------------------------------------------------------------


def _sizes(x, kernel_size, stride):
    right.windows(x, kernel_size, stride)
    return pair(kernel_size), pair(stride)


@mistake(right.windows, "rows and columns of the stride are exchanged: rows come first.")
def windows_stride_exchanged(x, kernel_size, stride=1):
    size, step = _sizes(x, kernel_size, stride)
    return right.windows(x, size, step[::-1])


@mistake(right.windows, "the stride is ignored: your result has every window, not every stride-th.")
def windows_stride_ignored(x, kernel_size, stride=1):
    return right.windows(x, _sizes(x, kernel_size, stride)[0], 1)


@mistake(right.windows, "only the first number of the stride is used: rows and columns may differ.")
def windows_stride_first_only(x, kernel_size, stride=1):
    size, step = _sizes(x, kernel_size, stride)
    return right.windows(x, size, step[0])


@mistake(right.windows, "rows and columns of kernel_size are exchanged: rows come first.")
def windows_size_exchanged(x, kernel_size, stride=1):
    size, step = _sizes(x, kernel_size, stride)
    room = np.pad(x, ((0, 0), (0, 0), (0, 4), (0, 4)))
    h, w = x.shape[2] - size[1] + 1, x.shape[3] - size[0] + 1
    return right.windows(room, size[::-1], 1)[:, :, : max(h, 0) : step[0], : max(w, 0) : step[1]]


@mistake(right.windows, "the windows are square: kernel_size may be a pair of different numbers.")
def windows_square(x, kernel_size, stride=1):
    size, step = _sizes(x, kernel_size, stride)
    return right.windows(x, size, step)[..., : min(size), : min(size)]


@mistake(right.windows, "the axes are in another order: first the position of the window (h', w'), then the place inside it (kh, kw).")
def windows_places_first(x, kernel_size, stride=1):
    return np.moveaxis(right.windows(x, kernel_size, stride), (2, 3), (4, 5))


@mistake(right.windows, "positions and places are mixed: the axes must be (n, c, h', w', kh, kw), rows before columns in each.")
def windows_axes_mixed(x, kernel_size, stride=1):
    return right.windows(x, kernel_size, stride).swapaxes(3, 4)


@mistake(right.windows, "each window is flattened to one axis: keep its rows and columns apart, (kh, kw).")
def windows_flattened(x, kernel_size, stride=1):
    every = right.windows(x, kernel_size, stride)
    return every.reshape(*every.shape[:4], -1)


@mistake(right.windows, "the windows lie side by side: without a stride they overlap, one pixel apart.")
def windows_side_by_side(x, kernel_size, stride=1):
    size, step = _sizes(x, kernel_size, stride)
    return right.windows(x, size, size if step == (1, 1) else step)


@mistake(right.windows, "the last windows are missing: there are (h-kh) // stride + 1 of them down, and likewise across.")
def windows_last_missing(x, kernel_size, stride=1):
    every = right.windows(x, kernel_size, stride)
    return every[:, :, : max(every.shape[2] - 1, 0), : max(every.shape[3] - 1, 0)]


@mistake(right.windows, "the stride is applied inside the windows, too: that is dilation. Only the windows' positions are strides apart.")
def windows_dilated(x, kernel_size, stride=1):
    size, step = _sizes(x, kernel_size, stride)
    shape = right.windows(x, size, step).shape
    return right.windows(np.pad(x, ((0, 0), (0, 0), (0, 9), (0, 9))), size, step, step)[:, :, : shape[2], : shape[3]]


@mistake(right.windows, "each window is transposed: its rows come before its columns.")
def windows_transposed(x, kernel_size, stride=1):
    return right.windows(x, kernel_size, stride).swapaxes(4, 5)


@mistake(right.windows, "only the first picture is in it: the batch axis stays, with all its pictures.")
def windows_first_picture(x, kernel_size, stride=1):
    return right.windows(x[:1], kernel_size, stride)


@mistake(right.windows, "a window larger than the picture gives an empty result in silence: raise ValueError.")
def windows_empty(x, kernel_size, stride=1):
    size, (h, w) = pair(kernel_size), x.shape[2:]
    if (size[0] <= h and size[1] <= w) or min(pair(stride)) < 1:
        return right.windows(x, kernel_size, stride)
    return np.zeros((*x.shape[:2], max(h - size[0] + 1, 0), max(w - size[1] + 1, 0), *size))


@mistake(right.windows, "a stride below 1 is not refused: raise ValueError with its value.")
def windows_stride_unchecked(x, kernel_size, stride=1):
    return right.windows(x, kernel_size, tuple(max(step, 1) for step in pair(stride)))


def _windows_checked(x, kernel_size, stride):
    kh, kw = (kernel_size, kernel_size) if np.isscalar(kernel_size) else kernel_size
    sh, sw = (stride, stride) if np.isscalar(stride) else stride
    if min(sh, sw) < 1:
        raise ValueError(f"stride {stride} is below 1")
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"kernel_size {kernel_size} is larger than {x.shape[2:]}")
    return kh, kw, sh, sw


@right_answer(right.windows)
def windows_by_view(x, kernel_size, stride=1):
    kh, kw, sh, sw = _windows_checked(x, kernel_size, stride)
    return sliding_window_view(x, (kh, kw), (2, 3))[:, :, ::sh, ::sw]


@right_answer(right.windows)
def windows_by_strides(x, kernel_size, stride=1):
    kh, kw, sh, sw = _windows_checked(x, kernel_size, stride)
    n, c, h, w = x.shape
    a, b, down, across = x.strides
    shape = (n, c, (h - kh) // sh + 1, (w - kw) // sw + 1, kh, kw)
    return as_strided(x, shape, (a, b, down * sh, across * sw, down, across))


@right_answer(right.windows)
def windows_by_loops(x, kernel_size, stride=1):
    kh, kw, sh, sw = _windows_checked(x, kernel_size, stride)
    n, c, h, w = x.shape
    out = np.empty((n, c, (h - kh) // sh + 1, (w - kw) // sw + 1, kh, kw), x.dtype)
    for r in range(out.shape[2]):
        for q in range(out.shape[3]):
            out[:, :, r, q] = x[:, :, r * sh : r * sh + kh, q * sw : q * sw + kw]
    return out


@right_answer(right.windows)
def windows_by_stacking(x, kernel_size, stride=1):
    kh, kw, sh, sw = _windows_checked(x, kernel_size, stride)
    h, w = x.shape[2] - kh + 1, x.shape[3] - kw + 1
    rows = [np.stack([x[:, :, i : i + h : sh, j : j + w : sw] for j in range(kw)], axis=-1) for i in range(kh)]
    return np.stack(rows, axis=-2).astype(float)


# --- receptive_field --------------------------------------------------------------------------------------------------


@mistake(right.receptive_field, "the strides are ignored: behind a stride of 2, one step is two pixels of the picture.")
def field_without_strides(layers):
    return 1 + sum(dilation * (kernel - 1) for kernel, _, dilation in layers)


@mistake(right.receptive_field, "the dilations are ignored: a dilated kernel reaches dilation · (kernel - 1) further.")
def field_without_dilation(layers):
    return right.receptive_field([(kernel, stride, 1) for kernel, stride, _ in layers])


@mistake(right.receptive_field, "a layer's own stride is counted in its own reach: it only spreads the layers behind it.")
def field_own_stride(layers):
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        jump *= stride
        field += dilation * (kernel - 1) * jump
    return field


@mistake(right.receptive_field, "only the stride of the layer before is counted: the strides of all layers before multiply.")
def field_last_stride(layers):
    field, before = 1, 1
    for kernel, stride, dilation in layers:
        field += dilation * (kernel - 1) * before
        before = stride
    return field


@mistake(right.receptive_field, "strides are added up; they multiply: two strides of 2 make steps of 4 pixels.")
def field_strides_added(layers):
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        field += dilation * (kernel - 1) * jump
        jump += stride - 1
    return field


@mistake(right.receptive_field, "the layers are taken from output to input: the list goes from input to output.")
def field_backwards(layers):
    return right.receptive_field(layers[::-1])


@mistake(right.receptive_field, "one pixel is missing: with no layer at all one pixel sees itself, so start at 1.")
def field_from_zero(layers):
    return right.receptive_field(layers) - 1


@mistake(right.receptive_field, "kernels are added whole; each layer adds only kernel - 1, for neighbouring windows share pixels.")
def field_whole_kernels(layers):
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        field += dilation * kernel * jump
        jump *= stride
    return field


@mistake(right.receptive_field, "the kernel sizes are multiplied; each layer adds to the field.")
def field_kernels_multiplied(layers):
    return math.prod(dilation * (kernel - 1) + 1 for kernel, _, dilation in layers)


@mistake(right.receptive_field, "only the last layer is counted: the layers before it widen the field.")
def field_last_layer(layers):
    return right.receptive_field(layers[-1:])


@mistake(right.receptive_field, "the empty list is not handled: without layers the field is 1.")
def field_empty_fails(layers):
    if not layers:
        raise IndexError("list index out of range")
    return right.receptive_field(layers)


@right_answer(right.receptive_field)
def field_by_formula(layers):
    return 1 + sum(d * (k - 1) * math.prod(s for _, s, _ in layers[:i]) for i, (k, _, d) in enumerate(layers))


@right_answer(right.receptive_field)
def field_from_the_output(layers):
    field = 1
    for kernel, stride, dilation in reversed(layers):
        field = (field - 1) * stride + dilation * (kernel - 1) + 1
    return field


@right_answer(right.receptive_field)
def field_by_recursion(layers):
    if not layers:
        return 1
    kernel, stride, dilation = layers[0]
    return dilation * (kernel - 1) + 1 + stride * (field_by_recursion(layers[1:]) - 1)


@right_answer(right.receptive_field)
def field_by_pixels(layers):
    pixels = {0}
    for kernel, stride, dilation in layers[::-1]:
        pixels = {pixel * stride + tap * dilation for pixel in pixels for tap in (0, kernel - 1)}
    return np.ptp(list(pixels)) + 1


# --- predicted_shapes -------------------------------------------------------------------------------------------------


def _shapes(one_axis, count=lambda layer: (layer.input[0], layer.out_channels), order=(0, 1)):
    """The shapes that a rule for one axis gives: one_axis(size, kernel, stride, padding, dilation)."""
    shapes = {}
    for name, layer in LAYERS.items():
        axes = list(zip(layer.input[2:], layer.kernel_size, layer.stride, layer.padding, layer.dilation, strict=True))
        shapes[name] = (*count(layer), *(one_axis(*axes[axis]) for axis in order))
    return shapes


def _right_axis(size, kernel, stride, padding, dilation):
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


@mistake(right.predicted_shapes, "a window of k pixels fits at size - k + 1 places, not at size - k.")
def shapes_one_missing():
    return _shapes(lambda size, kernel, stride, padding, dilation: _right_axis(size, kernel, stride, padding, dilation) - 1)


@mistake(right.predicted_shapes, "every layer keeps the size in your table: that needs padding.")
def shapes_as_the_input():
    return _shapes(lambda size, kernel, stride, padding, dilation: size)


@mistake(right.predicted_shapes, "the padding counts at both ends.")
def shapes_padding_once():
    return _shapes(lambda size, kernel, stride, padding, dilation: (size + padding - dilation * (kernel - 1) - 1) // stride + 1)


@mistake(right.predicted_shapes, "windows that do not fit wholly are dropped: round down.")
def shapes_rounded_up():
    return _shapes(lambda size, kernel, stride, padding, dilation: -(-(size + 2 * padding - dilation * (kernel - 1) - 1) // stride) + 1)


@mistake(right.predicted_shapes, "the stride is left out.")
def shapes_without_stride():
    return _shapes(lambda size, kernel, stride, padding, dilation: _right_axis(size, kernel, 1, padding, dilation))


@mistake(right.predicted_shapes, "the dilation is left out: a dilated kernel reaches further.")
def shapes_without_dilation():
    return _shapes(lambda size, kernel, stride, padding, dilation: _right_axis(size, kernel, stride, padding, 1))


@mistake(right.predicted_shapes, "the channels of the result are the layer's out_channels, not those of its input.")
def shapes_with_input_channels():
    return _shapes(_right_axis, count=lambda layer: layer.input[:2])


@mistake(right.predicted_shapes, "rows and columns are exchanged.")
def shapes_exchanged():
    return _shapes(_right_axis, order=(1, 0))


@mistake(right.predicted_shapes, "the batch axis is missing: (n, channels, rows, columns).")
def shapes_without_batch():
    return _shapes(_right_axis, count=lambda layer: (layer.out_channels,))


@mistake(right.predicted_shapes, "the channels stand last; in PyTorch's layout they come second.")
def shapes_channels_last():
    return {name: (n, h, w, m) for name, (n, m, h, w) in right.predicted_shapes().items()}


@right_answer(right.predicted_shapes)
def shapes_by_formula():
    return {name: list(shape) for name, shape in _shapes(_right_axis).items()}


@right_answer(right.predicted_shapes)
def shapes_of_numpy_numbers():
    return {name: tuple(np.array(shape)) for name, shape in _shapes(_right_axis).items()}


@right_answer(right.predicted_shapes)
def shapes_in_another_order():
    return dict(reversed(_shapes(_right_axis).items()))


@right_answer(right.predicted_shapes)
def shapes_by_counting():
    return _shapes(lambda size, kernel, stride, padding, dilation: len(range(0, size + 2 * padding - dilation * (kernel - 1), stride)))
