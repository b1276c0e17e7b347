"""The course's reference for sliding windows, in NumPy: what lessons, checks and explorers are compared with.

Layouts are PyTorch's: pictures (h, w), (c, h, w) or (n, c, h, w); weight (out, in, kh, kw). Nothing is flipped
(cross-correlation) except in `convolve2d`. Sizes floor: windows that do not fit are dropped.
The project's tests prove every function here equal to torch.nn.functional on random settings.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Pair = int | tuple[int, int]


def pair(value: Pair, name: str = "value") -> tuple[int, int]:
    """An int or a pair of ints, as (rows, columns). Raises ValueError for anything else."""
    numbers = (value, value) if np.ndim(value) == 0 else tuple(value)
    if len(numbers) != 2:
        raise ValueError(f"{name}={value} must be one int or a pair (rows, columns)")
    return int(numbers[0]), int(numbers[1])


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Number of positions of a sliding window along one axis, in pixels.

    Source: the formula of torch.nn.Conv2d. Raises ValueError where the window does not fit once or an argument is out of range.
    """
    for name, value, least in [("kernel", kernel, 1), ("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1)]:
        if value < least:
            raise ValueError(f"{name}={value} must be at least {least}")
    reach = dilation * (kernel - 1) + 1
    if reach > size + 2 * padding:
        raise ValueError(f"kernel={kernel} reaches over {reach} pixels, but size={size} with padding={padding} has {size + 2 * padding}")
    return (size + 2 * padding - reach) // stride + 1


def pad2d(image: np.ndarray, padding: Pair, value: float = 0.0) -> np.ndarray:
    """The last two axes of `image` with `padding` pixels of `value` added on each side; the dtype stays.

    padding: int, or (rows, columns). Raises ValueError for padding < 0.
    """
    rows, columns = pair(padding, "padding")
    if min(rows, columns) < 0:
        raise ValueError(f"padding={padding} must be at least 0")
    widths = [(0, 0)] * (np.ndim(image) - 2) + [(rows, rows), (columns, columns)]
    return np.pad(image, widths, constant_values=value)


def windows(x: np.ndarray, kernel_size: Pair, stride: Pair = 1, dilation: Pair = 1) -> np.ndarray:
    """Every window of the last two axes: (…, h, w) → (…, h', w', kh, kw), a read-only view.

    Raises ValueError if the window does not fit or an argument is out of range.
    """
    size, step, spread = pair(kernel_size, "kernel_size"), pair(stride, "stride"), pair(dilation, "dilation")
    for axis in (0, 1):
        output_size(x.shape[axis - 2], size[axis], step[axis], 0, spread[axis])
    reach = tuple(spread[axis] * (size[axis] - 1) + 1 for axis in (0, 1))
    view = sliding_window_view(x, reach, axis=(-2, -1))
    return view[..., :: step[0], :: step[1], :: spread[0], :: spread[1]]


def conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
) -> np.ndarray:
    """Cross-correlation with zero padding, as torch.nn.functional.conv2d: (n, c, h, w) and (m, c, kh, kw) → (n, m, h', w').

    bias: (m,) or None. stride, padding, dilation: int, or (rows, columns). Integer pictures are computed as float.
    Raises ValueError if channels differ, the window does not fit, or an argument is out of range.
    """
    _check_channels(x, weight)
    patches = windows(pad2d(as_float(x), padding), weight.shape[2:], stride, dilation)
    result = np.einsum("nchwij,mcij->nmhw", patches, as_float(weight), optimize=True)
    return result if bias is None else result + np.asarray(bias)[:, None, None]


def conv2d_backward(
    x: np.ndarray, weight: np.ndarray, grad_output: np.ndarray, stride: Pair = 1, padding: Pair = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of a loss with respect to conv2d's x, weight and bias, given its gradient with respect to the output.

    x (n, c, h, w), weight (m, c, kh, kw), grad_output (n, m, h', w') → (grad_x, grad_weight, grad_bias) in the shapes of x, weight and
    (m,). stride, padding: as conv2d was called with. Source: the chain rule; the same numbers as torch's autograd.
    Raises ValueError where conv2d would, and if grad_output has not the shape of conv2d's result.
    """
    _check_channels(x, weight)
    (rows, columns), (top, left) = pair(stride, "stride"), pair(padding, "padding")
    padded, weight, grad_output = pad2d(as_float(x), padding), as_float(weight), as_float(grad_output)
    patches = windows(padded, weight.shape[2:], stride)
    h2, w2 = patches.shape[2:4]
    if grad_output.shape != (len(x), len(weight), h2, w2):
        raise ValueError(f"grad_output has shape {grad_output.shape}, but conv2d gives {(len(x), len(weight), h2, w2)} here")
    grad_weight = np.einsum("nchwij,nmhw->mcij", patches, grad_output, optimize=True)
    grad_padded = np.zeros(padded.shape, np.result_type(weight, grad_output))
    for i, j in np.ndindex(weight.shape[2:]):  # tap (i, j) read every stride-th pixel from (i, j) on: there its share goes back
        read = grad_padded[:, :, i : i + rows * (h2 - 1) + 1 : rows, j : j + columns * (w2 - 1) + 1 : columns]
        read += np.einsum("nmhw,mc->nchw", grad_output, weight[:, :, i, j], optimize=True)
    grad_x = grad_padded[:, :, top : top + x.shape[2], left : left + x.shape[3]]
    return grad_x, grad_weight, grad_output.sum(axis=(0, 2, 3))


def correlate2d(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Cross-correlation of one grey picture (h, w) with one kernel (kh, kw), no padding → (h-kh+1, w-kw+1)."""
    return conv2d(image[None, None], kernel[None, None])[0, 0]


def convolve2d(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """True convolution: cross-correlation with the kernel flipped on both axes → (h-kh+1, w-kw+1)."""
    return correlate2d(image, kernel[::-1, ::-1])


def as_float(array: np.ndarray) -> np.ndarray:
    """Integers as float64, without rescaling; floats as they are."""
    return array if np.issubdtype(array.dtype, np.floating) else array.astype(float)


def _check_channels(x: np.ndarray, weight: np.ndarray) -> None:
    if x.shape[1] != weight.shape[1]:
        raise ValueError(f"x has {x.shape[1]} channels, weight has {weight.shape[1]}: shapes {x.shape} and {weight.shape}")
