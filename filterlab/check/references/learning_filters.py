"""Lesson 03, how filters are learned: the reference answers and the inputs that tell mistakes apart."""

import numpy as np

from filterlab import convolution
from filterlab.check.bank import reference
from filterlab.check.probes import learning_filters as probes
from filterlab.check.references.filters import draw_kernel_size, draw_picture, draw_size
from filterlab.check.references.sliding_window import draw_pair


def _draw_shape(rng):
    """The shape of an array with one to four axes, none of them like another."""
    return tuple(int(side) for side in rng.permutation(4)[: rng.integers(1, 5)] + 2)


def _draw_prediction(rng):
    shape = _draw_shape(rng)
    return draw_picture(rng, *shape), draw_picture(rng, *shape)


def _refused_mse(rng):
    shape = (*_draw_shape(rng)[:3], 6)
    # Shapes that NumPy would stretch to fit, shapes of as many numbers, and shapes that do not go together at all.
    others = [(*shape[:-1], 1), shape[-1:], (1,), shape[::-1], (*shape[:-1], 2, 3), (*shape[:-1], 5), (1, *shape)]
    others = [other for other in others if other != shape]
    pair = [shape, others[rng.integers(len(others))]]
    one, other = pair if rng.integers(2) else pair[::-1]
    return (draw_picture(rng, *one), draw_picture(rng, *other)), mse_naming(one, other)


def mse_naming(prediction, target):
    """What the message of mse must name for two shapes that differ: one of them, with its own shape or count or the other's."""
    one, other = [prediction, int(np.prod(prediction))], [target, int(np.prod(target))]
    return {"prediction": one + other, "target": other + one}


@reference(draw=_draw_prediction, refused=_refused_mse)
def mse(prediction, target):
    if prediction.shape != target.shape:
        raise ValueError(f"prediction has shape {prediction.shape}, target has {target.shape}")
    return float(((convolution.as_float(prediction) - target) ** 2).mean())


@reference(draw=_draw_prediction)
def mse_gradient(prediction, target):
    return 2 * (convolution.as_float(prediction) - target) / prediction.size


def _draw_numerical_gradient(rng):
    name = list(probes.FUNCTIONS)[rng.integers(len(probes.FUNCTIONS))]
    return name, rng.normal(size=_draw_shape(rng)), float(rng.choice([0.5, 0.1, 0.02, 0.01]))


@reference(draw=_draw_numerical_gradient, probe=probes.gradient_of)
def numerical_gradient(function, weight, step=1e-5):
    gradient = np.zeros_like(weight)
    for index in np.ndindex(weight.shape):
        move = np.zeros_like(weight)
        move[index] = step
        gradient[index] = (function(weight + move) - function(weight - move)) / (2 * step)
    return gradient


def _draw_kernel_gradient(rng):
    (h, w), (kh, kw) = draw_size(rng), draw_kernel_size(rng)
    return draw_picture(rng, h, w), rng.normal(size=(h - kh + 1, w - kw + 1))


@reference(draw=_draw_kernel_gradient)
def kernel_gradient(image, grad_output):
    return convolution.correlate2d(image, grad_output)


def _draw_conv2d_backward(rng):
    n, (c, m) = int(rng.integers(2, 4)), (int(count) for count in rng.permutation(4)[:2] + 1)
    x, weight = draw_picture(rng, n, c, *draw_size(rng)), rng.normal(size=(m, c, *draw_kernel_size(rng)))
    stride, padding = draw_pair(rng, 1), draw_pair(rng, 0)
    return x, weight, rng.normal(size=convolution.conv2d(x, weight, None, stride, padding).shape), stride, padding


@reference(draw=_draw_conv2d_backward, parts=("grad_x", "grad_weight", "grad_bias"))
def conv2d_backward(x, weight, grad_output, stride=1, padding=0):
    return convolution.conv2d_backward(x, weight, grad_output, stride, padding)


def _draw_sgd_step(rng):
    shape, dtype = _draw_shape(rng), [np.float64, np.float32][rng.integers(2)]
    weight, gradient, velocity = (rng.normal(size=shape).astype(dtype) for _ in range(3))
    return weight, gradient, velocity, float(rng.choice([0.5, 0.1, 1.0])), float(rng.choice([0.0, 0.5, 0.9]))


@reference(draw=_draw_sgd_step, parts=("weight", "velocity"))
def sgd_step(weight, gradient, velocity, lr, momentum=0.0):
    velocity = momentum * velocity + gradient
    return weight - lr * velocity, velocity


def _draw_habits(rng):
    return [(2, 3), (1, 3), 3, (3, 2), 2][rng.integers(5)], int(rng.integers(1, 100))


# The largest weight of the kernels to be found is 1: a hundredth of it is the 0.01 that the exercise allows.
@reference(draw=_draw_habits, probe=probes.habits, tolerance=0.01)
def learn_kernel(image, target, kernel_size, steps=500, lr=0.1, seed=0):
    kernel = np.random.default_rng(seed).normal(size=convolution.pair(kernel_size, "kernel_size"))
    for _ in range(steps):
        error = convolution.correlate2d(image, kernel) - target
        kernel = kernel - lr * convolution.correlate2d(image, 2 * error / error.size)
    return kernel


def _draw_patch_rank(rng):
    h, w = draw_size(rng, least=6)
    return striped_picture(["noise", "rows", "columns", "diagonal", "even"][rng.integers(5)], h, w, rng), int(rng.integers(1, 5))


def striped_picture(kind, height, width, rng):
    """A picture of any picture type whose patches repeat exactly: "rows", "columns", "diagonal", "even"; or "noise"."""
    rows, columns = np.mgrid[:height, :width]
    places = {"rows": rows, "columns": columns, "diagonal": rows + columns, "even": 0 * rows, "noise": width * rows + columns}
    return draw_picture(rng, height * width)[places[kind]]


@reference(draw=_draw_patch_rank)
def patch_rank(image, size):
    return int(np.linalg.matrix_rank(convolution.windows(image, size).reshape(-1, size * size)))
