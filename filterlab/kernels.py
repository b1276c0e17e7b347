"""Hand-made filters, as NumPy arrays: the gallery of lesson 01.

All of them are cross-correlation kernels: put on a window as they stand, multiplied and summed, never flipped.
Rows point down and columns to the right, as in a picture.
"""

import math

import numpy as np


def _constant(rows: list[list[float]], divisor: float = 1.0) -> np.ndarray:
    """A kernel as a read-only array, so that no lesson changes it for the next one by accident."""
    kernel = np.array(rows, dtype=float) / divisor
    kernel.setflags(write=False)
    return kernel


identity = _constant([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
box_blur = _constant([[1, 1, 1], [1, 1, 1], [1, 1, 1]], divisor=9)
gaussian_blur = _constant([[1, 2, 1], [2, 4, 2], [1, 2, 1]], divisor=16)
sharpen = _constant([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
sobel_x = _constant([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
sobel_y = _constant([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
prewitt_x = _constant([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]])
prewitt_y = _constant([[-1, -1, -1], [0, 0, 0], [1, 1, 1]])
laplacian = _constant([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
diagonal_down = _constant([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]])
diagonal_up = _constant([[0, -1, -2], [1, 0, -1], [2, 1, 0]])
emboss = _constant([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])


def gaussian(size: int, sigma: float) -> np.ndarray:
    """Samples of the Gaussian bell at integer offsets from the centre, normalised to sum 1.

    size: odd number of pixels along each side. sigma: width of the bell in pixels.
    Returns an array (size, size). Raises ValueError for an even or non-positive size, or sigma ≤ 0.
    """
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size={size} must be odd and positive: an even kernel has no centre pixel")
    if not sigma > 0:
        raise ValueError(f"sigma={sigma} must be positive")
    offsets = np.arange(size) - size // 2
    bell = np.exp(-((offsets / sigma) ** 2) / 2)
    return np.outer(bell, bell) / bell.sum() ** 2


def steer(theta: float) -> np.ndarray:
    """The Sobel kernel (3, 3) that answers most strongly to brightness rising in direction theta.

    theta: radians; 0 is left to right, π/2 is top to bottom (rows point down).
    Source: Freeman and Adelson, "The design and use of steerable filters", 1991.
    """
    return math.cos(theta) * sobel_x + math.sin(theta) * sobel_y


def gabor(size: int, theta: float, wavelength: float, sigma: float | None = None, phase: float = math.pi / 2) -> np.ndarray:
    """A Gabor filter: waves that run in direction theta under a Gaussian bell; mean zero, largest weight 1.

    size: odd pixels along each side. theta: radians, as in `steer`. wavelength and sigma (default: half
    the wavelength) in pixels. phase: 0 gives an even filter (a line), π/2 an odd one (an edge, dark to bright along theta).
    Returns an array (size, size). Raises ValueError for an even or non-positive size, wavelength ≤ 0 or sigma ≤ 0.
    Source: Daugman, "Uncertainty relation for resolution in space…", 1985.
    """
    if not wavelength > 0:
        raise ValueError(f"wavelength={wavelength} must be positive")
    bell = gaussian(size, wavelength / 2 if sigma is None else sigma)
    rows, columns = np.mgrid[:size, :size] - size // 2
    along = columns * math.cos(theta) + rows * math.sin(theta)
    wave = bell * np.cos(2 * math.pi * along / wavelength - phase)
    wave -= bell * (wave.sum() / bell.sum())
    largest = np.abs(wave).max()
    return wave / largest if largest > 0 else wave


def gallery() -> dict[str, np.ndarray]:
    """The named filters of lesson 01 in the order in which it shows them: name → kernel."""
    named = {
        "identity": identity,
        "box blur": box_blur,
        "Gaussian blur": gaussian_blur,
        "sharpen": sharpen,
        "Sobel x": sobel_x,
        "Sobel y": sobel_y,
        "Prewitt x": prewitt_x,
        "Prewitt y": prewitt_y,
        "Laplacian": laplacian,
        "diagonal down": diagonal_down,
        "diagonal up": diagonal_up,
        "emboss": emboss,
    }
    gabors = {f"Gabor {degrees}°": gabor(9, math.radians(degrees), 6) for degrees in (0, 45, 90, 135)}
    return named | gabors
