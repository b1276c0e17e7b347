"""Learning one filter from a picture and what the filter made of it: descent, curvature and the landscape of the loss.

The loss is the mean squared error of `correlate2d(image, kernel)` against a target. It is quadratic in the weights: its second
derivatives are the same everywhere, and their eigenvalues say which learning rates converge, and how fast.
"""

import math

import numpy as np

from filterlab.convolution import Pair, correlate2d, pair, windows
from filterlab.history import History

Place = tuple[int, int]  # row, column of a weight in its kernel


def descend(
    image: np.ndarray, target: np.ndarray, start: np.ndarray, lr: float, steps: int, momentum: float = 0.0, every: int = 1
) -> History:
    """Gradient descent on the mean squared error, `steps` times from `start` (kh, kw); momentum as in torch.optim.SGD.

    Velocity ← momentum·velocity + gradient, weight ← weight − lr·velocity. image (h, w); target (h-kh+1, w-kw+1). Records kernel, loss and
    error before every `every`-th step and after the last one; a run that diverges is recorded as it is.
    Raises ValueError for shapes that do not fit, steps < 0 or every < 1.
    """
    if steps < 0:
        raise ValueError(f"steps={steps} must be at least 0")
    if every < 1:
        raise ValueError(f"every={every} must be at least 1")
    _check_target(image, target, start.shape)
    weight, velocity, history = np.array(start, dtype=float), np.zeros(start.shape), History()
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(steps + 1):
            error = correlate2d(image, weight) - target
            if step % every == 0 or step == steps:
                history.record(step, weight, np.mean(error**2), error)
            velocity = momentum * velocity + 2 / error.size * correlate2d(image, error)
            weight = weight - lr * velocity
    return history


def curvature(image: np.ndarray, kernel_size: Pair) -> np.ndarray:
    """The second derivatives of the mean squared error by the weights, (kh·kw, kh·kw): 2/n · PᵀP for the n patches P as rows.

    Plain descent converges exactly for learning rates below 2 / (largest eigenvalue), unless an eigenvalue is 0.
    Source: LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998.
    """
    rows = windows(image, kernel_size).reshape(-1, math.prod(pair(kernel_size, "kernel_size")))
    return 2 / len(rows) * rows.T @ rows


def landscape(
    image: np.ndarray, target: np.ndarray, kernel: np.ndarray, places: tuple[Place, Place], across: np.ndarray, up: np.ndarray
) -> np.ndarray:
    """The loss where two weights of `kernel` take other values and the rest stay: (len(up), len(across)).

    places: of the weight that takes the values `across`, and of the one that takes the values `up`.
    Raises ValueError for shapes that do not fit, or a place outside the kernel.
    """
    _check_target(image, target, kernel.shape)
    for row, column in places:
        if not (0 <= row < kernel.shape[0] and 0 <= column < kernel.shape[1]):
            raise ValueError(f"places={places} leave the kernel of shape {kernel.shape}")
    rest = np.array(kernel, dtype=float)
    rest[tuple(zip(*places, strict=True))] = 0
    # error = rest's answer − target + a · (picture under the first weight) + b · (picture under the second)
    under = windows(image, kernel.shape)
    parts = np.stack([correlate2d(image, rest) - target, *(under[..., row, column] for row, column in places)]).reshape(3, -1)
    products = parts @ parts.T / parts.shape[1]
    a, b = np.meshgrid(across, up)
    weights = np.stack([np.ones_like(a, dtype=float), a, b])
    return np.einsum("iyx,ij,jyx->yx", weights, products, weights)


def _check_target(image: np.ndarray, target: np.ndarray, kernel_shape: tuple[int, ...]) -> None:
    fitting = windows(image, kernel_shape).shape[:2]
    if target.shape != fitting:
        raise ValueError(f"target has shape {target.shape}, but a kernel of shape {kernel_shape} gives {fitting} on this image")
