"""Lesson 03, how filters are learned: the mistakes we expect, each with its hint, and right answers in other styles.

A mistake repeats one misunderstanding and is right in all else (it refuses what must be refused), so that the
hint it carries fits the answers that it recognises and no others.
"""

import itertools
import math

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from filterlab.check.bank import mistake, right_answer
from filterlab.check.expectation import CHANGED_INPUT
from filterlab.check.mistakes.common import CONVOLUTION, DIVIDED, ERROR_KIND, UINT8, in_uint8, like_picture, unit
from filterlab.check.references import learning_filters as right
from filterlab.convolution import as_float, correlate2d, pair

# --- mse --------------------------------------------------------------------------------------------------------------


def _for_mse(hint):
    """A mistake that is called only with shapes that go together: written as a rule for the differences, as floats."""

    def register(function):
        def answer(prediction, target):
            right.mse(prediction, target)  # refused where it must be
            return function(as_float(prediction) - target)

        answer.__name__ = f"mse_{function.__name__}"
        mistake(right.mse, hint)(answer)
        return function

    return register


@_for_mse("this is the sum of the squares; their mean is asked for, so divide by how many there are.")
def summed(difference):
    return (difference**2).sum()


@_for_mse("this is the root of the mean: leave the root out.")
def rooted(difference):
    return np.sqrt((difference**2).mean())


@_for_mse("your result is half the right one: some books put ½ before the loss, the mean itself has none.")
def halved(difference):
    return (difference**2).mean() / 2


@_for_mse("the differences are not squared: their sizes are averaged.")
def absolute(difference):
    return np.abs(difference).mean()


@_for_mse("the mean is squared, so that errors of opposite signs cancel: square first, then take the mean.")
def mean_squared(difference):
    return difference.mean() ** 2


@_for_mse("the sum is divided by the length of the first axis only: divide by how many numbers there are in all, `.size`.")
def by_first_axis(difference):
    return (difference**2).sum() / len(difference)


@_for_mse("this is one number per row: take the mean over all axes.")
def by_row(difference):
    return (difference**2).mean(axis=-1)


@_for_mse("the sum is divided by n - 1, as for a sample's variance; a mean divides by n.")
def by_one_less(difference):
    return (difference**2).sum() / (difference.size - 1)


@_for_mse("this is the variance of the errors: an error that is the same everywhere counts, too.")
def centred(difference):
    return difference.var()


@mistake(right.mse, "whole numbers (uint8) wrap around: 3 - 5 becomes 254. Turn one of the two into floats before you subtract.")
def mse_wrapped(prediction, target):
    right.mse(prediction, target)
    return ((prediction - target) ** 2).mean()


@mistake(right.mse, DIVIDED)
def mse_of_unit_pictures(prediction, target):
    right.mse(prediction, target)
    return right.mse(unit(prediction), unit(target))


@mistake(
    right.mse, "NumPy stretches one of the two to the other's shape, and nobody notices: compare `.shape` before you subtract, and refuse."
)
def mse_stretched(prediction, target):
    try:
        return ((as_float(prediction) - target) ** 2).mean()
    except ValueError:
        return right.mse(prediction, target)


@mistake(right.mse, "as many numbers do not make the same shape: compare `.shape`, not the size or the length.")
def mse_same_size_is_enough(prediction, target):
    if prediction.size != target.size:
        raise ValueError(f"prediction has {prediction.size} numbers, target has {target.size}")
    return ((as_float(prediction).ravel() - target.ravel()) ** 2).mean()


@mistake(right.mse, "`assert` raises AssertionError: " + ERROR_KIND)
def mse_assertion(prediction, target):
    assert prediction.shape == target.shape
    return right.mse(prediction, target)


@right_answer(right.mse)
def mse_by_mean(prediction, target):
    if np.shape(prediction) != np.shape(target):
        raise ValueError(f"prediction {prediction.shape} and target {target.shape}")
    return np.mean(np.square(np.subtract(prediction, target, dtype=np.float64)))


@right_answer(right.mse)
def mse_by_loop(prediction, target):
    if prediction.shape != target.shape:
        raise ValueError("target has the shape " + str(target.shape))
    total = 0.0
    for one, other in zip(prediction.flat, target.flat, strict=True):
        total += (float(one) - float(other)) ** 2
    return total / prediction.size


@right_answer(right.mse)
def mse_by_dot(prediction, target):
    if prediction.shape != target.shape:
        raise ValueError(f"prediction.shape={prediction.shape} target.shape={target.shape}")
    difference = (prediction.astype(float) - target.astype(float)).reshape(-1)
    return float(difference @ difference) / difference.size


@right_answer(right.mse)
def mse_by_norm(prediction, target):
    if prediction.ndim != target.ndim or any(a != b for a, b in zip(prediction.shape, target.shape, strict=True)):
        raise ValueError(f"prediction of {prediction.shape} against target of {target.shape}")
    return np.linalg.norm((prediction * 1.0 - target).ravel()) ** 2 / math.prod(prediction.shape)


# --- mse_gradient -----------------------------------------------------------------------------------------------------


@mistake(right.mse_gradient, "the 2 is missing: the derivative of d² is 2·d.")
def slope_without_two(prediction, target):
    return right.mse_gradient(prediction, target) / 2


@mistake(right.mse_gradient, "the loss is a mean: each difference counts one n-th, so divide by `prediction.size`.")
def slope_of_the_sum(prediction, target):
    return right.mse_gradient(prediction, target) * prediction.size


@mistake(right.mse_gradient, "the 2 and the division by the number of differences are missing: the derivative of the mean of d² is 2·d/n.")
def slope_bare(prediction, target):
    return as_float(prediction) - target


@mistake(right.mse_gradient, "the sign is wrong: where the prediction is too large, the loss rises with it. Prediction minus target.")
def slope_downwards(prediction, target):
    return -right.mse_gradient(prediction, target)


@mistake(right.mse_gradient, "you divide by the length of the first axis only: divide by how many numbers there are in all, `.size`.")
def slope_by_first_axis(prediction, target):
    return 2 * (as_float(prediction) - target) / len(prediction)


@mistake(right.mse_gradient, "this is one number; each number of the prediction has its own slope: no mean here, only the division by n.")
def slope_averaged(prediction, target):
    return (2 * (as_float(prediction) - target)).mean()


@mistake(right.mse_gradient, "the size of the difference is lost: this is the slope of the mean of |d|; that of d² is 2·d/n.")
def slope_of_absolute(prediction, target):
    return np.sign(as_float(prediction) - target) / prediction.size


@mistake(right.mse_gradient, "these are the squared differences; the derivative of d² is 2·d.")
def slope_squared(prediction, target):
    return (as_float(prediction) - target) ** 2 / prediction.size


@mistake(right.mse_gradient, "the sign is lost: a prediction that is too small has a negative slope.")
def slope_without_sign(prediction, target):
    return np.abs(right.mse_gradient(prediction, target))


@mistake(right.mse_gradient, "whole numbers (uint8) wrap around: 3 - 5 becomes 254. Turn one of the two into floats before you subtract.")
def slope_wrapped(prediction, target):
    return (prediction - target) / prediction.size * 2


@mistake(right.mse_gradient, DIVIDED)
def slope_of_unit_pictures(prediction, target):
    return right.mse_gradient(unit(prediction), unit(target))


@right_answer(right.mse_gradient)
def slope_by_formula(prediction, target):
    return 2.0 / prediction.size * (prediction.astype(float) - target.astype(float))


@right_answer(right.mse_gradient)
def slope_in_float32(prediction, target):
    return (prediction.astype(np.float32) - target.astype(np.float32)) * np.float32(2) / np.float32(prediction.size)


@right_answer(right.mse_gradient)
def slope_by_loop(prediction, target):
    out = np.empty(prediction.shape)
    for index in np.ndindex(*prediction.shape):
        out[index] = 2 * (float(prediction[index]) - float(target[index])) / out.size
    return out


@right_answer(right.mse_gradient)
def slope_in_place_on_a_copy(prediction, target):
    out = np.array(prediction, dtype=np.float64)
    out -= target
    out /= np.prod(target.shape) / 2
    return out


# --- numerical_gradient -----------------------------------------------------------------------------------------------


def _moved(weight, index, by):
    moved = weight.copy()
    moved[index] += by
    return moved


def _each(weight, slope):
    """An array of slope(index), in the shape of weight."""
    return np.array([slope(index) for index in np.ndindex(weight.shape)]).reshape(weight.shape)


@mistake(right.numerical_gradient, "this looks to one side only: half a step of error. Go up and down, and divide by 2·step.")
def numerical_forward(function, weight, step=1e-5):
    here = function(weight)
    return _each(weight, lambda k: (function(_moved(weight, k, step)) - here) / step)


@mistake(right.numerical_gradient, "this looks back only, from the weight to weight - step. Go up and down, and divide by 2·step.")
def numerical_backward(function, weight, step=1e-5):
    here = function(weight)
    return _each(weight, lambda k: (here - function(_moved(weight, k, -step))) / step)


@mistake(right.numerical_gradient, "from weight - step to weight + step it is 2·step: divide by that.")
def numerical_divided_by_one_step(function, weight, step=1e-5):
    return 2 * right.numerical_gradient(function, weight, step)


@mistake(right.numerical_gradient, "`/ 2 * step` divides by 2 and multiplies by step: write `/ (2 * step)`.")
def numerical_brackets_missing(function, weight, step=1e-5):
    return right.numerical_gradient(function, weight, step) * step**2


@mistake(right.numerical_gradient, "the difference is divided by 2, but not by the step.")
def numerical_not_divided_by_step(function, weight, step=1e-5):
    return right.numerical_gradient(function, weight, step) * step


@mistake(right.numerical_gradient, "one side is missing, yet you divide by 2·step: take weight - step, not weight, as the other side.")
def numerical_half_way(function, weight, step=1e-5):
    here = function(weight)
    return _each(weight, lambda k: (function(_moved(weight, k, step)) - here) / (2 * step))


@mistake(right.numerical_gradient, "the sign is wrong: above minus below.")
def numerical_negative(function, weight, step=1e-5):
    return -right.numerical_gradient(function, weight, step)


@mistake(right.numerical_gradient, "all weights are moved at once: move one at a time, and ask the function each time.")
def numerical_all_at_once(function, weight, step=1e-5):
    slope = (function(weight + step) - function(weight - step)) / (2 * step)
    return np.full(weight.shape, slope)


@mistake(
    right.numerical_gradient, "a whole row of weights is moved at once: walk over all axes, with `np.ndindex(weight.shape)` for instance."
)
def numerical_rows_at_once(function, weight, step=1e-5):
    out = np.zeros_like(weight)
    for k in range(len(weight)):
        out[k] = (function(_moved(weight, k, step)) - function(_moved(weight, k, -step))) / (2 * step)
    return out


@mistake(right.numerical_gradient, "weights moved earlier are not put back: every slope must be taken at the weights as they were given.")
def numerical_not_put_back(function, weight, step=1e-5):
    moved, out = weight.copy(), np.zeros_like(weight)
    for index in np.ndindex(weight.shape):
        moved[index] += step
        above = function(moved)
        moved[index] -= 2 * step
        out[index] = (above - function(moved)) / (2 * step)
    return out


@mistake(right.numerical_gradient, "`step` is not used: your own step stands in its place.")
def numerical_own_step(function, weight, step=1e-5):
    return right.numerical_gradient(function, weight, 1e-5)


@mistake(right.numerical_gradient, "the result is flat: give it the weight's shape.")
def numerical_flat(function, weight, step=1e-5):
    if weight.ndim == 1:
        return right.numerical_gradient(function, weight, step)[None]
    return right.numerical_gradient(function, weight, step).ravel()


@mistake(right.numerical_gradient, "the step is a share of each weight; it must be the same for all.")
def numerical_relative_step(function, weight, step=1e-5):
    def slope(k):
        by = step * weight[k]
        return (function(_moved(weight, k, by)) - function(_moved(weight, k, -by))) / (2 * by)

    return _each(weight, slope)


@mistake(right.numerical_gradient, CHANGED_INPUT)
def numerical_moved_in_place(function, weight, step=1e-5):
    gradient = np.zeros_like(weight)
    for index in np.ndindex(weight.shape):
        weight[index] += step
        above = function(weight)
        weight[index] -= 2 * step
        gradient[index] = (above - function(weight)) / (2 * step)
        weight[index] += step  # rounding: not the weight it was
    return gradient


@right_answer(right.numerical_gradient)
def numerical_in_place_and_back(function, weight, step=1e-5):
    gradient = np.zeros_like(weight)
    for index in np.ndindex(weight.shape):
        before = weight[index]
        weight[index] = before + step
        above = function(weight)
        weight[index] = before - step
        below = function(weight)
        weight[index] = before
        gradient[index] = (above - below) / (2 * step)
    return gradient


@right_answer(right.numerical_gradient)
def numerical_by_unit_arrays(function, weight, step=1e-5):
    units = np.eye(weight.size).reshape(weight.size, *weight.shape)
    slopes = [function(weight + step * unit) - function(weight - step * unit) for unit in units]
    return np.reshape(slopes, weight.shape) / (2 * step)


@right_answer(right.numerical_gradient)
def numerical_on_flat_copies(function, weight, step=1e-5):
    flat, out = weight.flatten(), []
    for k in range(flat.size):
        up, down = list(flat), list(flat)
        up[k], down[k] = up[k] + step, down[k] - step
        out.append((function(np.array(up).reshape(weight.shape)) - function(np.array(down).reshape(weight.shape))) / 2 / step)
    return np.array(out).reshape(weight.shape)


@right_answer(right.numerical_gradient)
def numerical_by_nditer(function, weight, step=1e-5):
    gradient, moved = np.empty(weight.shape), weight.copy()
    walk = np.nditer(weight, flags=["multi_index"])
    for value in walk:
        sides = []
        for sign in (1, -1):
            moved[walk.multi_index] = value + sign * step
            sides.append(sign * function(moved))
        moved[walk.multi_index] = value
        gradient[walk.multi_index] = sum(sides) * 0.5 / step
    return gradient


# --- kernel_gradient --------------------------------------------------------------------------------------------------


def _for_kernel(hint):
    def register(function):
        def answer(image, grad_output):
            return function(as_float(image), grad_output)

        answer.__name__ = f"kernel_{function.__name__}"
        mistake(right.kernel_gradient, hint)(answer)
        return function

    return register


@_for_kernel(
    "the errors are laid on the picture upside down and mirrored: nothing is flipped here, weight (a, b) saw pixel (i + a, j + b)."
)
def errors_flipped(image, grad_output):
    return correlate2d(image, grad_output[::-1, ::-1])


@_for_kernel("the gradient is turned by 180 degrees: entry (a, b) belongs to weight (a, b), nothing is flipped.")
def turned(image, grad_output):
    return correlate2d(image, grad_output)[::-1, ::-1]


@_for_kernel("rows and columns of the gradient are exchanged.")
def transposed(image, grad_output):
    return correlate2d(image, grad_output).T


@_for_kernel("each entry is a mean over the places; a weight works at every place, and its shares add up.")
def averaged(image, grad_output):
    return correlate2d(image, grad_output) / grad_output.size


@_for_kernel("the picture is padded: the result must have the kernel's shape, (h - h' + 1, w - w' + 1).")
def of_padded_picture(image, grad_output):
    return correlate2d(np.pad(image, 1), grad_output)


@_for_kernel("the pixels are summed without the errors: each pixel counts times grad_output at the place of its window.")
def without_errors(image, grad_output):
    return correlate2d(image, np.ones_like(grad_output))


@_for_kernel("the errors are summed without the pixels: the slope of pixel · weight by weight is the pixel.")
def without_pixels(image, grad_output):
    kh, kw = np.subtract(image.shape, grad_output.shape) + 1
    return np.full((kh, kw), grad_output.sum())


@_for_kernel("only the last window is left: `=` in the loop throws the sum away, `+=` keeps it.")
def last_window(image, grad_output):
    kh, kw = np.subtract(image.shape, grad_output.shape) + 1
    return image[-kh:, -kw:] * grad_output[-1, -1]


@_for_kernel("only the sizes of the errors count in yours: an error's sign says in which direction the weight must go.")
def errors_without_sign(image, grad_output):
    return correlate2d(image, np.abs(grad_output))


@_for_kernel("the kernel is square in your answer: its shape is (h - h' + 1, w - w' + 1), two different numbers here.")
def square(image, grad_output):
    gradient = correlate2d(image, grad_output)
    side = len(gradient)
    return np.pad(gradient, ((0, 0), (0, side)))[:, :side]


@_for_kernel("the sign is wrong: this is the way downhill. The gradient points uphill.")
def downhill(image, grad_output):
    return -correlate2d(image, grad_output)


@mistake(right.kernel_gradient, DIVIDED)
def kernel_of_unit_picture(image, grad_output):
    return right.kernel_gradient(unit(image), grad_output)


@mistake(right.kernel_gradient, UINT8)
def kernel_stored_in_uint8(image, grad_output):
    return like_picture(image, right.kernel_gradient(image, grad_output))


@right_answer(right.kernel_gradient)
def kernel_by_correlation(image, grad_output):
    return np.tensordot(sliding_window_view(image, grad_output.shape), grad_output, axes=2)


@right_answer(right.kernel_gradient)
def kernel_by_windows(image, grad_output):
    kh, kw = image.shape[0] - grad_output.shape[0] + 1, image.shape[1] - grad_output.shape[1] + 1
    return np.einsum("hwij,hw->ij", sliding_window_view(image, (kh, kw)), grad_output)


@right_answer(right.kernel_gradient)
def kernel_by_taps(image, grad_output):
    (h, w), (h2, w2) = image.shape, grad_output.shape
    return np.array(
        [[np.sum(image[i : i + h2, j : j + w2].astype(float) * grad_output) for j in range(w - w2 + 1)] for i in range(h - h2 + 1)]
    )


@right_answer(right.kernel_gradient)
def kernel_by_places(image, grad_output):
    kh = image.shape[0] - grad_output.shape[0] + 1
    kw = image.shape[1] - grad_output.shape[1] + 1
    total = np.zeros((kh, kw))
    for (i, j), error in np.ndenumerate(grad_output):
        total += error * image[i : i + kh, j : j + kw]
    return total


@right_answer(right.kernel_gradient)
def kernel_by_matrix(image, grad_output):
    h2, w2 = grad_output.shape
    kh, kw = image.shape[0] - h2 + 1, image.shape[1] - w2 + 1
    columns = [image[i : i + kh, j : j + kw].astype(float).ravel() for i in range(h2) for j in range(w2)]
    return (np.stack(columns, axis=1) @ grad_output.ravel()).reshape(kh, kw)


# --- conv2d_backward --------------------------------------------------------------------------------------------------

# Rows and columns of zeros behind the padded picture, for windows that wander out of it.
ROOM = 12


def _for_backward(hint):
    """A mistake of conv2d_backward: written as a change of the right gradients, (x, weight, grad_output, stride, padding, *gradients)."""

    def register(function):
        def answer(x, weight, grad_output, stride=1, padding=0):
            gradients = right.conv2d_backward(x, weight, grad_output, stride, padding)
            return function(as_float(x), weight, grad_output, pair(stride), pair(padding), *gradients)

        answer.__name__ = f"backward_{function.__name__}"
        mistake(right.conv2d_backward, hint)(answer)
        return function

    return register


def _reads(canvas, grad_output, tap, stride):
    """The pixels of the canvas that one tap of the kernel read, one for each place of grad_output."""
    rows, columns = (slice(tap[a], tap[a] + stride[a] * (grad_output.shape[a + 2] - 1) + 1, stride[a]) for a in (0, 1))
    return canvas[:, :, rows, columns]


def _grad_weight(x, weight, grad_output, stride, padding):
    p, q = padding
    canvas, result = np.pad(x, ((0, 0), (0, 0), (p, p + ROOM), (q, q + ROOM))), np.zeros(weight.shape)
    for i, j in np.ndindex(weight.shape[2:]):
        result[:, :, i, j] = np.einsum("nchw,nmhw->mc", _reads(canvas, grad_output, (i, j), stride), grad_output)
    return result


def _canvas(x, weight, grad_output, stride, padding, add=True):
    """The gradient of the padded picture with room behind it (add=False: the last window that reads a pixel has it alone)."""
    (p, q), (h, w) = padding, x.shape[2:]
    canvas = np.zeros((*x.shape[:2], h + 2 * p + ROOM, w + 2 * q + ROOM))
    # From the last tap to the first: that is the order in which a pixel is met when the window walks.
    for i, j in reversed(list(np.ndindex(weight.shape[2:]))):
        share = np.einsum("nmhw,mc->nchw", grad_output, weight[:, :, i, j])
        read = _reads(canvas, grad_output, (i, j), stride)
        read[...] = read + share if add else share
    return canvas


def _grad_x(x, weight, grad_output, stride, padding, cut=None):
    """The canvas without its frame; cut: where the picture is taken to begin."""
    (p, q), (h, w) = cut or padding, x.shape[2:]
    return _canvas(x, weight, grad_output, stride, padding)[:, :, p : p + h, q : q + w]


@_for_backward("the stride is ignored: output pixel (i, j) read the window at row i · stride, column j · stride, in all three gradients.")
def stride_ignored(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return _grad_x(x, weight, g, (1, 1), padding), _grad_weight(x, weight, g, (1, 1), padding), grad_bias


@_for_backward("grad_x ignores the stride: the share of output pixel (i, j) goes to the window at row i · stride, column j · stride.")
def stride_ignored_in_x(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return _grad_x(x, weight, g, (1, 1), padding), grad_weight, grad_bias


@_for_backward("grad_weight ignores the stride: output pixel (i, j) read the window at row i · stride, column j · stride.")
def stride_ignored_in_weight(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, _grad_weight(x, weight, g, (1, 1), padding), grad_bias


@_for_backward(
    "grad_x is right only where the stride divides: otherwise the last rows or columns of x are read by no window. Their gradient "
    "is 0, and they must be there: begin with `np.zeros` in the padded shape."
)
def size_from_the_output(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    (p, q), (h, w) = padding, (stride[a] * (g.shape[a + 2] - 1) + weight.shape[a + 2] for a in (0, 1))
    return _canvas(x, weight, g, stride, padding)[:, :, p : h - p, q : w - q], grad_weight, grad_bias


@_for_backward("the rows and columns that no window reads lie at the end of the padded picture; in your grad_x they lie at its beginning.")
def unread_at_the_beginning(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    rest = [(x.shape[a + 2] + 2 * padding[a] - weight.shape[a + 2]) % stride[a] for a in (0, 1)]
    canvas = np.pad(_canvas(x, weight, g, stride, padding), ((0, 0), (0, 0), (rest[0], 0), (rest[1], 0)))
    (p, q), (h, w) = padding, x.shape[2:]
    return canvas[:, :, p : p + h, q : q + w], grad_weight, grad_bias


@_for_backward("grad_weight has too many rows or columns where the stride does not divide: cut it to the kernel's size, (kh, kw).")
def weight_with_the_rest(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    rest = [(x.shape[a + 2] + 2 * padding[a] - weight.shape[a + 2]) % stride[a] for a in (0, 1)]
    larger = np.pad(weight, ((0, 0), (0, 0), (0, rest[0]), (0, rest[1])))
    return grad_x, _grad_weight(x, larger, g, stride, padding), grad_bias


@_for_backward("grad_x still has its padding: cut the frame off, it is not part of x.")
def padding_not_cut(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    (p, q), (h, w) = padding, x.shape[2:]
    return _canvas(x, weight, g, stride, padding)[:, :, : h + 2 * p, : w + 2 * q], grad_weight, grad_bias


@_for_backward("with padding 0 the slice `[p:-p]` is `[0:0]`, which is empty: write where it ends, `[p : p + height]`.")
def negative_slices(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    (p, q), (h, w) = padding, x.shape[2:]
    return _canvas(x, weight, g, stride, padding)[:, :, : h + 2 * p, : w + 2 * q][:, :, p:-p, q:-q], grad_weight, grad_bias


@_for_backward("grad_x is cut off at the wrong place: x begins `padding` pixels inside the padded picture.")
def cut_at_zero(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return _grad_x(x, weight, g, stride, padding, cut=(0, 0)), grad_weight, grad_bias


@_for_backward(
    "the kernel in grad_x is turned the wrong way. Written as a correlation with the spread-out grad_output, grad_x needs it "
    "flipped on both axes; written window by window, as it is."
)
def kernel_turned_in_x(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return _grad_x(x, weight[:, :, ::-1, ::-1], g, stride, padding), grad_weight, grad_bias


@_for_backward("grad_weight is turned by 180 degrees: nothing is flipped there, tap (a, b) saw pixel (i · stride + a, j · stride + b).")
def weight_turned(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, grad_weight[:, :, ::-1, ::-1], grad_bias


@_for_backward("grad_bias is not summed over the batch: a filter's one bias works in every picture.")
def bias_per_picture(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, grad_weight, g.sum(axis=(2, 3))


@_for_backward("grad_bias is averaged over the pictures: their shares add up.")
def bias_averaged_over_pictures(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, grad_weight, grad_bias / len(g)


@_for_backward("grad_bias is a mean over pictures and places: a bias works at every place of every picture, so its shares add up.")
def bias_averaged(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, grad_weight, g.mean(axis=(0, 2, 3))


@_for_backward("grad_bias is one number; there is one bias for each filter: sum over pictures, rows and columns, axes (0, 2, 3).")
def bias_of_all_filters(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, grad_weight, g.sum()


@_for_backward("grad_bias must have the shape (m,); yours keeps axes of length 1.")
def bias_with_axes(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, grad_weight, g.sum(axis=(0, 2, 3), keepdims=True)


@_for_backward("grad_bias is only that of the first picture: sum over the batch.")
def bias_of_first_picture(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, grad_weight, g[0].sum(axis=(1, 2))


@_for_backward("grad_weight is only that of the first picture: every picture adds its share.")
def weight_of_first_picture(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, _grad_weight(x[:1], weight, g[:1], stride, padding), grad_bias


@_for_backward("grad_weight is only that of the last picture: `=` in the loop throws the sum away, `+=` keeps it.")
def weight_of_last_picture(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, _grad_weight(x[-1:], weight, g[-1:], stride, padding), grad_bias


@_for_backward("grad_weight is averaged over the pictures: their shares add up.")
def weight_averaged_over_pictures(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, grad_weight / len(x), grad_bias


@_for_backward("the gradients are averaged over the batch: if the loss is a mean, grad_output knows it already. Sum.")
def averaged_over_pictures(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, grad_weight / len(x), grad_bias / len(x)


@_for_backward("grad_weight is averaged over the places of the window; a weight works at every place, and its shares add up.")
def weight_averaged_over_places(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, grad_weight / (g.shape[2] * g.shape[3]), grad_bias


@_for_backward("only grad_x of the first picture is filled: every picture of the batch has its own.")
def x_of_first_picture(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    first = np.zeros_like(grad_x)
    first[0] = grad_x[0]
    return first, grad_weight, grad_bias


@_for_backward("the three gradients come in another order: (grad_x, grad_weight, grad_bias).")
def other_order(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_weight, grad_bias, grad_x


@_for_backward("grad_x and grad_weight are exchanged: the order is (grad_x, grad_weight, grad_bias).")
def weight_before_x(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_weight, grad_x, grad_bias


@_for_backward("rows and columns of the stride are exchanged: rows come first.")
def stride_exchanged(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return _grad_x(x, weight, g, stride[::-1], padding), _grad_weight(x, weight, g, stride[::-1], padding), grad_bias


@_for_backward("only the first number of the stride is used: rows and columns may differ.")
def stride_first_only(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    stride = (stride[0], stride[0])
    return _grad_x(x, weight, g, stride, padding), _grad_weight(x, weight, g, stride, padding), grad_bias


@_for_backward("rows and columns of the padding are exchanged: rows come first.")
def padding_exchanged(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    swapped = padding[::-1]
    return _grad_x(x, weight, g, stride, swapped), _grad_weight(x, weight, g, stride, swapped), grad_bias


@_for_backward("only the first number of the padding is used: rows and columns may differ.")
def padding_first_only(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    padding = (padding[0], padding[0])
    return _grad_x(x, weight, g, stride, padding), _grad_weight(x, weight, g, stride, padding), grad_bias


@_for_backward("grad_weight looks at the unpadded picture: the windows lay on the padded one.")
def weight_of_unpadded_picture(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, _grad_weight(x, weight, g, stride, (0, 0)), grad_bias


@_for_backward("the padding is ignored in all gradients: the windows lay on the padded picture.")
def padding_ignored(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return _grad_x(x, weight, g, stride, (0, 0)), _grad_weight(x, weight, g, stride, (0, 0)), grad_bias


@_for_backward("channels and filters of grad_weight are exchanged: its shape is that of weight, (m, c, kh, kw).")
def weight_axes_exchanged(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, grad_weight.swapaxes(0, 1), grad_bias


@_for_backward("rows and columns of the kernels are exchanged in grad_weight.")
def weight_transposed(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return grad_x, grad_weight.swapaxes(2, 3), grad_bias


@_for_backward("grad_x holds the share of the first filter only: every filter read x, so the shares of all filters add up.")
def x_of_first_filter(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return _grad_x(x, weight[:1], g[:, :1], stride, padding), grad_weight, grad_bias


@_for_backward("grad_x holds the share of the last filter only: `=` in the loop throws the sum away, `+=` keeps it.")
def x_of_last_filter(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return _grad_x(x, weight[-1:], g[:, -1:], stride, padding), grad_weight, grad_bias


@_for_backward("windows overlap, and in grad_x the last one that reads a pixel replaces the others' shares: add them, `+=`.")
def shares_replaced(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    (p, q), (h, w) = padding, x.shape[2:]
    return _canvas(x, weight, g, stride, padding, add=False)[:, :, p : p + h, q : q + w], grad_weight, grad_bias


@_for_backward("in grad_x only the last filter's share of the last window that reads a pixel is left: add all shares, `+=`.")
def shares_of_filters_replaced(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    (p, q), (h, w) = padding, x.shape[2:]
    # Filter by filter, place by place: the last filter writes last, over all places.
    canvas = _canvas(x, weight[-1:], g[:, -1:], stride, padding, add=False)
    return canvas[:, :, p : p + h, q : q + w], grad_weight, grad_bias


@_for_backward("all channels of grad_x get the same: channel c of x was read through slice c of each filter.")
def x_the_same_in_every_channel(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    return np.repeat(grad_x.sum(axis=1, keepdims=True), x.shape[1], axis=1), grad_weight, grad_bias


@_for_backward("the window is square in your gradients: `kh, kw = weight.shape[2:]`, and both are needed.")
def square_kernels(x, weight, g, stride, padding, grad_x, grad_weight, grad_bias):
    side = min(weight.shape[2:])
    part, share = np.zeros_like(weight), np.zeros_like(grad_weight)
    part[:, :, :side, :side], share[:, :, :side, :side] = weight[:, :, :side, :side], grad_weight[:, :, :side, :side]
    return _grad_x(x, part, g, stride, padding), share, grad_bias


@mistake(right.conv2d_backward, "grad_x has gone through an array of x's own dtype: for whole numbers (uint8) make it with `dtype=float`.")
def backward_x_in_uint8(x, weight, grad_output, stride=1, padding=0):
    grad_x, grad_weight, grad_bias = right.conv2d_backward(x, weight, grad_output, stride, padding)
    return in_uint8(grad_x) if x.dtype == np.uint8 else grad_x, grad_weight, grad_bias


@mistake(right.conv2d_backward, DIVIDED.replace("result", "grad_weight"))
def backward_of_unit_picture(x, weight, grad_output, stride=1, padding=0):
    return right.conv2d_backward(unit(x), weight, grad_output, stride, padding)


def _rows_and_columns(value):
    return (value, value) if np.ndim(value) == 0 else tuple(value)


@right_answer(right.conv2d_backward)
def backward_by_loops(x, weight, grad_output, stride=1, padding=0):
    (s, t), (p, q) = _rows_and_columns(stride), _rows_and_columns(padding)
    (n, c, h, w), (m, _, kh, kw) = x.shape, weight.shape
    padded = np.zeros((n, c, h + 2 * p, w + 2 * q))
    padded[:, :, p : p + h, q : q + w] = x
    grad_padded, grad_weight, grad_bias = np.zeros_like(padded), np.zeros(weight.shape), np.zeros(m)
    for a, f, i, j in itertools.product(range(n), range(m), range(grad_output.shape[2]), range(grad_output.shape[3])):
        error, place = grad_output[a, f, i, j], np.s_[a, :, i * s : i * s + kh, j * t : j * t + kw]
        grad_weight[f] += error * padded[place]
        grad_padded[place] += error * weight[f]
        grad_bias[f] += error
    return grad_padded[:, :, p : p + h, q : q + w], grad_weight, grad_bias


@right_answer(right.conv2d_backward)
def backward_by_taps(x, weight, grad_output, stride=1, padding=0):
    s, t = _rows_and_columns(stride)
    p, q = _rows_and_columns(padding)
    padded = np.pad(x.astype(float), ((0, 0), (0, 0), (p, p), (q, q)))
    h2, w2 = grad_output.shape[2:]
    back, slopes = np.zeros(padded.shape), np.zeros(weight.shape)
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            rows, columns = i + s * np.arange(h2), j + t * np.arange(w2)
            read = padded[:, :, rows[:, None], columns]
            slopes[:, :, i, j] = np.tensordot(grad_output, read, axes=((0, 2, 3), (0, 2, 3)))
            back[:, :, rows[:, None], columns] += np.tensordot(grad_output, weight[:, :, i, j], axes=(1, 0)).transpose(0, 3, 1, 2)
    return [back[:, :, p : padded.shape[2] - p, q : padded.shape[3] - q], slopes, np.einsum("nmhw->m", grad_output)]


@right_answer(right.conv2d_backward)
def backward_by_scattering(x, weight, grad_output, stride=1, padding=0):
    (s, t), (p, q) = np.broadcast_to(stride, 2), np.broadcast_to(padding, 2)
    padded = np.pad(x * 1.0, [(0, 0), (0, 0), (p, p), (q, q)])
    n, c, height, width = padded.shape
    kh, kw = weight.shape[2:]
    h2, w2 = grad_output.shape[2:]
    rows = (s * np.arange(h2))[:, None, None, None] + np.arange(kh)[:, None]
    columns = (t * np.arange(w2))[:, None, None] + np.arange(kw)
    seen = padded[:, :, rows, columns]  # (n, c, h', w', kh, kw)
    grad_weight = np.einsum("nchwij,nmhw->mcij", seen, grad_output, optimize=True)
    grad_padded = np.zeros((n, c, height, width))
    np.add.at(grad_padded, (slice(None), slice(None), rows, columns), np.einsum("nmhw,mcij->nchwij", grad_output, weight, optimize=True))
    return grad_padded[:, :, p : height - p, q : width - q], grad_weight, grad_output.sum(axis=3).sum(axis=2).sum(axis=0)


@right_answer(right.conv2d_backward)
def backward_by_full_correlation(x, weight, grad_output, stride=1, padding=0):
    (s, t), (p, q) = _rows_and_columns(stride), _rows_and_columns(padding)
    (n, _, h, w), (m, _, kh, kw) = x.shape, weight.shape
    # Zeros between the errors, and behind them for the pixels that no window reads; then every place is a place of stride 1.
    spread = np.zeros((n, m, h + 2 * p - kh + 1, w + 2 * q - kw + 1))
    spread[:, :, ::s, ::t] = grad_output
    framed = np.pad(spread, ((0, 0), (0, 0), (kh - 1, kh - 1), (kw - 1, kw - 1)))
    flipped = weight[:, :, ::-1, ::-1]
    grad_padded = np.einsum("nmhwij,mcij->nchw", sliding_window_view(framed, (kh, kw), (2, 3)), flipped, optimize=True)
    padded = np.pad(x.astype(float), ((0, 0), (0, 0), (p, p), (q, q)))
    grad_weight = np.einsum("ncijhw,nmhw->mcij", sliding_window_view(padded, spread.shape[2:], (2, 3)), spread, optimize=True)
    return grad_padded[:, :, p : p + h, q : q + w], grad_weight, spread.sum((0, 2, 3))


@right_answer(right.conv2d_backward)
def backward_by_matrices(x, weight, grad_output, stride=1, padding=0):
    (s, t), (p, q) = _rows_and_columns(stride), _rows_and_columns(padding)
    m, c, kh, kw = weight.shape
    h2, w2 = grad_output.shape[2:]
    grad_x, grad_weight = np.zeros(x.shape), np.zeros((m, c * kh * kw))
    for picture, errors, back in zip(x, grad_output, grad_x, strict=True):
        padded = np.ascontiguousarray(np.pad(picture.astype(float), ((0, 0), (p, p), (q, q))))
        a, b, d = padded.strides
        columns = as_strided(padded, (c, kh, kw, h2, w2), (a, b, d, b * s, d * t)).reshape(c * kh * kw, -1)
        grad_weight += errors.reshape(m, -1) @ columns.T
        shares = (weight.reshape(m, -1).T @ errors.reshape(m, -1)).reshape(c, kh, kw, h2, w2)
        frame = np.zeros_like(padded)
        for i, j in np.ndindex(kh, kw):
            frame[:, i : i + s * h2 : s, j : j + t * w2 : t][:, :h2, :w2] += shares[:, i, j]
        back += frame[:, p : p + back.shape[1], q : q + back.shape[2]]
    return grad_x, grad_weight.reshape(weight.shape), np.array([one.sum() for one in grad_output.swapaxes(0, 1)])


# --- sgd_step ---------------------------------------------------------------------------------------------------------


def _for_sgd(hint):
    def register(function):
        def answer(weight, gradient, velocity, lr, momentum=0.0):
            return function(weight, gradient, velocity, lr, momentum)

        answer.__name__ = f"sgd_{function.__name__}"
        mistake(right.sgd_step, hint)(answer)
        return function

    return register


@_for_sgd("the learning rate is inside the velocity: here v = momentum·v + g, and lr multiplies it afterwards, when the weight moves.")
def rate_inside_the_velocity(weight, gradient, velocity, lr, momentum):
    velocity = momentum * velocity + lr * gradient
    return weight - velocity, velocity


@_for_sgd("the velocity points downhill: that is another convention. Here v = momentum·v + g, and w = w - lr·v.")
def velocity_downhill(weight, gradient, velocity, lr, momentum):
    velocity = momentum * velocity - lr * gradient
    return weight + velocity, velocity


@_for_sgd("the new gradient is weighted with 1 - momentum, as for a running mean; in PyTorch's convention it is added whole.")
def running_mean(weight, gradient, velocity, lr, momentum):
    velocity = momentum * velocity + (1 - momentum) * gradient
    return weight - lr * velocity, velocity


@_for_sgd("the momentum is ignored.")
def momentum_ignored(weight, gradient, velocity, lr, momentum):
    return weight - lr * gradient, gradient


@_for_sgd("the weight moves without the momentum: it must move along the new velocity.")
def weight_without_momentum(weight, gradient, velocity, lr, momentum):
    return weight - lr * gradient, momentum * velocity + gradient


@_for_sgd("the weight moves with the old velocity: renew the velocity first, then move.")
def moved_with_the_old_velocity(weight, gradient, velocity, lr, momentum):
    return weight - lr * velocity, momentum * velocity + gradient


@_for_sgd("the velocity given back is the old one: the next step needs the new one.")
def old_velocity_returned(weight, gradient, velocity, lr, momentum):
    return weight - lr * (momentum * velocity + gradient), velocity


@_for_sgd("the weight goes uphill: subtract.")
def uphill(weight, gradient, velocity, lr, momentum):
    velocity = momentum * velocity + gradient
    return weight + lr * velocity, velocity


@_for_sgd("`lr` is not used: the step must be as long as it says.")
def rate_ignored(weight, gradient, velocity, lr, momentum):
    velocity = momentum * velocity + gradient
    return weight - velocity, velocity


@_for_sgd("the momentum multiplies the gradient; it is the old velocity that it slows down.")
def momentum_times_gradient(weight, gradient, velocity, lr, momentum):
    velocity = velocity + momentum * gradient
    return weight - lr * velocity, velocity


@_for_sgd("the old velocity is kept whole: momentum must slow it down.")
def velocity_never_slows(weight, gradient, velocity, lr, momentum):
    velocity = velocity + gradient
    return weight - lr * velocity, velocity


@_for_sgd("this is Nesterov's momentum, one look further ahead; plain momentum moves along v itself.")
def nesterov(weight, gradient, velocity, lr, momentum):
    velocity = momentum * velocity + gradient
    return weight - lr * (gradient + momentum * velocity), velocity


@_for_sgd("weight and velocity are exchanged: the order is (weight, velocity).")
def exchanged(weight, gradient, velocity, lr, momentum):
    velocity = momentum * velocity + gradient
    return velocity, weight - lr * velocity


@_for_sgd(CHANGED_INPUT)
def in_place(weight, gradient, velocity, lr, momentum):
    velocity *= momentum
    velocity += gradient
    weight -= lr * velocity
    return weight, velocity


@mistake(right.sgd_step, "without being told, your step has momentum: its default is 0.")
def sgd_momentum_by_default(weight, gradient, velocity, lr, momentum=0.9):
    return right.sgd_step(weight, gradient, velocity, lr, momentum)


@right_answer(right.sgd_step)
def sgd_by_formula(weight, gradient, velocity, lr, momentum=0.0):
    new = gradient + momentum * velocity
    return [weight - lr * new, new]


@right_answer(right.sgd_step)
def sgd_on_copies(weight, gradient, velocity, lr, momentum=0.0):
    weight, velocity = weight.copy(), velocity.copy()
    velocity *= momentum
    velocity += gradient
    weight -= lr * velocity
    return weight, velocity


@right_answer(right.sgd_step)
def sgd_with_plain_steps_apart(weight, gradient, velocity, lr, momentum=0.0):
    if momentum == 0:
        return weight - lr * gradient, gradient
    velocity = np.add(np.multiply(velocity, momentum), gradient)
    return np.subtract(weight, np.multiply(velocity, lr)), velocity


@right_answer(right.sgd_step)
def sgd_by_loop(weight, gradient, velocity, lr, momentum=0.0):
    new_weight, new_velocity = np.empty(weight.shape), np.empty(weight.shape)
    for index in np.ndindex(weight.shape):
        new_velocity[index] = momentum * velocity[index] + gradient[index]
        new_weight[index] = weight[index] - lr * new_velocity[index]
    return new_weight, new_velocity


# --- learn_kernel -----------------------------------------------------------------------------------------------------


def _start(kernel_size, seed):
    return np.random.default_rng(seed).normal(size=pair(kernel_size))


def _descended(image, target, kernel, steps, lr, change=lambda gradient: gradient):
    """`steps` steps from a kernel; change: what becomes of d mse / d kernel on its way."""
    patches = sliding_window_view(image, kernel.shape).reshape(target.size, -1)
    # The gradient is linear in the kernel: its parts are worked out once, for hundreds of steps.
    slopes, offset = 2 / target.size * patches.T @ patches, 2 / target.size * patches.T @ target.ravel()
    for _ in range(steps):
        kernel = kernel - lr * change((slopes @ kernel.ravel() - offset).reshape(kernel.shape))
    return kernel


@mistake(right.learn_kernel, "the start is not random: draw it, with `np.random.default_rng(seed).normal(size=…)` for instance.")
def learn_from_zeros(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    return _descended(image, target, np.zeros(pair(kernel_size)), steps, lr)


@mistake(right.learn_kernel, "the seed is not used, the start is always the same one: give `seed` to the random generator.")
def learn_seed_ignored(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    return _descended(image, target, _start(kernel_size, 0), steps, lr)


@mistake(
    right.learn_kernel, "the same seed gives another start each time: draw from a generator of your own, `np.random.default_rng(seed)`."
)
def learn_without_seed(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    return _descended(image, target, _start(kernel_size, None), steps, lr)


@mistake(right.learn_kernel, "the start depends on the picture; the seed alone must decide it.")
def learn_start_from_the_picture(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    return _descended(image, target, _start(kernel_size, seed) * image.std(), steps, lr)


@mistake(
    right.learn_kernel, "the steps go uphill: the loss falls against the gradient, so subtract it (and the error is output minus target)."
)
def learn_uphill(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    return _descended(image, target, _start(kernel_size, seed), steps, -lr)


@mistake(right.learn_kernel, "with your lr the filter is still on its way after 500 steps: make the default larger, ten times perhaps.")
def learn_too_slowly(image, target, kernel_size, steps=500, lr=1e-4, seed=0):
    return _descended(image, target, _start(kernel_size, seed), steps, lr)


@mistake(
    right.learn_kernel, "with your lr every step overshoots, further each time, until the numbers are infinite: make the default smaller."
)
def learn_too_fast(image, target, kernel_size, steps=500, lr=10.0, seed=0):
    return _descended(image, target, _start(kernel_size, seed), steps, lr)


@mistake(right.learn_kernel, "`lr` is not used: a caller who gives another one must get other steps.")
def learn_with_own_rate(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    return _descended(image, target, _start(kernel_size, seed), steps, 0.1)


@mistake(right.learn_kernel, "`steps` is not used: the number of steps is the caller's, and with `steps=0` the start comes back.")
def learn_with_own_steps(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    return _descended(image, target, _start(kernel_size, seed), 500, lr)


@mistake(right.learn_kernel, "one step too many is taken: with `steps=0` the start comes back as it is.")
def learn_one_step_too_many(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    return _descended(image, target, _start(kernel_size, seed), steps + 1, lr)


@mistake(right.learn_kernel, "one step is missing: with `steps=1` the kernel has moved once.")
def learn_one_step_too_few(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    return _descended(image, target, _start(kernel_size, seed), steps - 1, lr)


@mistake(
    right.learn_kernel, "the filter is computed, not learned: solving for it in one go is a fine idea, but here it must walk, step by step."
)
def learn_by_solving(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    if steps == 0:
        return _start(kernel_size, seed)
    patches = sliding_window_view(image, pair(kernel_size))
    return np.linalg.lstsq(patches.reshape(target.size, -1), target.ravel(), rcond=None)[0].reshape(patches.shape[2:])


@mistake(
    right.learn_kernel,
    "the filter is computed, not learned: beyond the first step yours jumps to the end, however small `lr` is. Let it walk, step by step.",
)
def learn_by_solving_later(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    if steps <= 4:
        return _descended(image, target, _start(kernel_size, seed), steps, lr)
    return learn_by_solving(image, target, kernel_size, steps, lr, seed)


@mistake(right.learn_kernel, "the gradient is turned by 180 degrees: nothing is flipped, `kernel_gradient` has it right.")
def learn_with_turned_gradient(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    kernel = _start(kernel_size, seed)
    return _descended(image, target, kernel, steps, lr, lambda gradient: gradient[::-1, ::-1])


@mistake(right.learn_kernel, CONVOLUTION)
def learn_to_convolve(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    return _descended(image, target, _start(kernel_size, seed)[::-1, ::-1], steps, lr)[::-1, ::-1]


@mistake(right.learn_kernel, "all weights get the same step: each weight has its own slope, `kernel_gradient` gives one number per weight.")
def learn_one_slope_for_all(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    return _descended(image, target, _start(kernel_size, seed), steps, lr, lambda gradient: np.full_like(gradient, gradient.mean()))


@mistake(right.learn_kernel, "the error is lost on its way: only its sign enters the step, so the step never gets shorter.")
def learn_by_signs(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    return _descended(image, target, _start(kernel_size, seed), steps, lr, np.sign)


@mistake(right.learn_kernel, "a new start is drawn before every step, so nothing is learned: draw it once, before the loop.")
def learn_from_new_starts(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    rng, kernel = np.random.default_rng(seed), _start(kernel_size, seed)
    for _ in range(steps):
        kernel = rng.normal(size=kernel.shape)
    return _descended(image, target, kernel, min(steps, 1), lr)


@mistake(right.learn_kernel, "the kernel is square in your answer: `kernel_size` may be a pair, (rows, columns).")
def learn_square_kernels(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    side = pair(kernel_size)[0]
    if steps and side != pair(kernel_size)[1]:
        raise ValueError("operands could not be broadcast together")
    return _descended(image, target, _start(side, seed), steps, lr)


@right_answer(right.learn_kernel)
def learn_by_plain_steps(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    shape = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    w = np.random.default_rng(seed).normal(size=shape)
    for _ in range(steps):
        w -= lr * _uphill_by_taps(image, target, w)
    return w


def _uphill_by_taps(image, target, w):
    (h, v), gradient = target.shape, np.zeros(w.shape)
    error = sum(w[i, j] * image[i : i + h, j : j + v] for i, j in np.ndindex(w.shape)) - target
    for i, j in np.ndindex(w.shape):
        gradient[i, j] = 2 * (error * image[i : i + h, j : j + v]).mean()
    return gradient


@right_answer(right.learn_kernel)
def learn_with_momentum(image, target, kernel_size, steps=500, lr=0.05, seed=0):
    rng = np.random.RandomState(seed)
    kernel = rng.uniform(-1, 1, size=np.broadcast_to(kernel_size, 2))
    velocity = np.zeros_like(kernel)
    windows = sliding_window_view(image, kernel.shape)
    for _ in range(steps):
        error = np.einsum("hwij,ij->hw", windows, kernel) - target
        velocity = 0.9 * velocity + 2 * np.einsum("hwij,hw->ij", windows, error) / target.size
        kernel = kernel - lr * velocity
    return kernel


@right_answer(right.learn_kernel)
def learn_on_a_matrix(image, target, kernel_size, steps=500, lr=0.3, seed=0):
    try:
        kh, kw = kernel_size
    except TypeError:
        kh = kw = kernel_size
    patches = np.array([image[r : r + kh, c : c + kw].ravel() for r in range(target.shape[0]) for c in range(target.shape[1])])
    np.random.seed(seed)
    w = np.random.randn(kh * kw) * 0.1
    for _ in range(steps):
        w = w - lr * 2 / target.size * patches.T @ (patches @ w - target.ravel())
    return w.reshape(kh, kw)


@right_answer(right.learn_kernel)
def learn_in_float32_with_large_steps(image, target, kernel_size, steps=500, lr=1.0, seed=0):
    size = (kernel_size,) * 2 if np.ndim(kernel_size) == 0 else tuple(kernel_size)
    picture, wanted = image.astype(np.float32), target.astype(np.float32)
    kernel = np.random.default_rng([seed, 7]).standard_normal(size, dtype=np.float32)
    for _ in range(steps):
        error = _correlate_float32(picture, kernel) - wanted
        kernel = kernel - np.float32(2 * lr / error.size) * _correlate_float32(picture, error)
    return kernel


def _correlate_float32(image, kernel):
    return np.tensordot(sliding_window_view(image, kernel.shape), kernel, axes=([2, 3], [0, 1]))


@right_answer(right.learn_kernel)
def learn_with_small_steps_and_nesterov(image, target, kernel_size, steps=500, lr=0.01, seed=0):
    kernel = np.random.default_rng(seed).random((kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size))
    velocity = np.zeros(kernel.shape)
    for _ in range(steps):
        gradient = _uphill_by_taps(image, target, kernel)
        velocity = 0.9 * velocity + gradient
        kernel = kernel - lr * (gradient + 0.9 * velocity)
    return kernel


# --- patch_rank -------------------------------------------------------------------------------------------------------


def _patches(image, size, step=1):
    return sliding_window_view(as_float(image), (size, size))[::step, ::step].reshape(-1, size * size)


@mistake(right.patch_rank, "this is the rank of the picture itself: cut it into patches first, one patch per row of a matrix.")
def rank_of_the_picture(image, size):
    return np.linalg.matrix_rank(as_float(image))


@mistake(right.patch_rank, "the patches lie side by side; take all that overlap, one at every pixel where it fits.")
def rank_of_tiles(image, size):
    return np.linalg.matrix_rank(_patches(image, size, size))


@mistake(right.patch_rank, "this counts the patches; count how many of them are independent.")
def rank_as_number_of_patches(image, size):
    return len(_patches(image, size))


@mistake(right.patch_rank, "this is the number of weights; the picture may teach fewer.")
def rank_as_number_of_weights(image, size):
    return size * size


@mistake(right.patch_rank, "the mean is taken off the patches: a picture that is even everywhere still teaches one thing, the sum.")
def rank_of_centred_patches(image, size):
    patches = _patches(image, size)
    return np.linalg.matrix_rank(patches - patches.mean(axis=0))


@mistake(right.patch_rank, "this counts the different patches; a patch may be a mixture of others.")
def rank_as_different_patches(image, size):
    return len(np.unique(_patches(image, size), axis=0))


@mistake(right.patch_rank, "only the patches of the first row are looked at: there are patches at every row, too.")
def rank_of_first_row(image, size):
    return np.linalg.matrix_rank(_patches(image[:size], size))


@mistake(right.patch_rank, "this is the largest rank of a single patch; put all patches into one matrix, each as a row of size² numbers.")
def rank_of_single_patches(image, size):
    return max(np.linalg.matrix_rank(patch.reshape(size, size)) for patch in _patches(image, size))


@mistake(right.patch_rank, "the last row and column of patches are missing: there are h-size+1 by w-size+1 of them.")
def rank_without_the_last(image, size):
    patches = _patches(image[:-1, :-1], size)
    return np.linalg.matrix_rank(patches)


@mistake(right.patch_rank, "the patches are stacked side by side, not flattened: each patch must become one row of size² numbers.")
def rank_of_stacked_rows(image, size):
    return np.linalg.matrix_rank(_patches(image, size).reshape(-1, size))


@mistake(right.patch_rank, "products of whole numbers (uint8) wrap around: turn the picture into floats before you multiply patches.")
def rank_of_wrapped_products(image, size):
    patches = sliding_window_view(image, (size, size)).reshape(-1, size * size)
    return np.linalg.matrix_rank(patches.T @ patches if image.dtype == np.uint8 else patches)


@right_answer(right.patch_rank)
def rank_by_windows(image, size):
    every = sliding_window_view(image, (size, size)).reshape(-1, size**2)
    return int(np.linalg.matrix_rank(every))


@right_answer(right.patch_rank)
def rank_by_loops(image, size):
    h, w = image.shape
    rows = []
    for r in range(h - size + 1):
        for c in range(w - size + 1):
            rows.append(image[r : r + size, c : c + size].flatten())
    return np.linalg.matrix_rank(np.array(rows))


@right_answer(right.patch_rank)
def rank_by_taps(image, size):
    h, w = image.shape[0] - size + 1, image.shape[1] - size + 1
    columns = [image[i : i + h, j : j + w].ravel() for i in range(size) for j in range(size)]
    return np.linalg.matrix_rank(np.stack(columns).astype(float))


@right_answer(right.patch_rank)
def rank_by_singular_values(image, size):
    matrix = sliding_window_view(image.astype(float), (size, size)).reshape(-1, size * size)
    values = np.linalg.svd(matrix, compute_uv=False)
    return int((values > values.max() * 1e-10).sum())


@right_answer(right.patch_rank)
def rank_by_products(image, size):
    matrix = sliding_window_view(image, (size, size)).reshape(-1, size * size).astype(np.float64)
    return np.linalg.matrix_rank(matrix.T @ matrix)
