"""Generated colour pictures of eight patterns, each drawn with another phase, period, angle, contrast, colours and noise.

The nuisance is the point: no pixel, and no colour, tells the class; only how neighbouring pixels go together does.
"""

from collections.abc import Callable

import numpy as np

SIZE = 32
SHORTEST, LONGEST = 4.0, 9.0  # pixels from one stripe, check, dot or ring to the next
TILT = 0.15  # radians (standard deviation) by which stripes and checks stand askew
NOISE = (0.02, 0.15)  # standard deviation of the noise on every pixel
_ROWS, _COLUMNS = np.mgrid[:SIZE, :SIZE].astype(np.float32)

Field = np.ndarray  # (n, SIZE, SIZE) in [0, 1]: how much of the second colour each pixel has


def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """n pictures (n, 3, 32, 32), float32 in [0, 1], and their labels (n,), int64: places in `CLASSES`.

    The classes are equally frequent, up to one, and in random order; `seed` alone decides everything. Raises ValueError for n < 1.
    """
    if n < 1:
        raise ValueError(f"n={n} must be at least 1 picture")
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % len(CLASSES))
    images = np.empty((n, 3, SIZE, SIZE), np.float32)
    for label, pattern in enumerate(_PATTERNS.values()):
        members = np.flatnonzero(labels == label)
        if len(members):
            images[members] = pattern(rng, len(members))
    noise = rng.standard_normal(images.shape, dtype=np.float32)
    noise *= _each(rng.uniform(*NOISE, n))[:, None]
    images += noise
    return np.clip(images, 0, 1, out=images), labels


def _each(values: np.ndarray) -> np.ndarray:
    """One value per picture, (n,) → (n, 1, 1)."""
    return values.astype(np.float32)[:, None, None]


def _painted(field: Callable[[np.random.Generator, int], Field]) -> Callable[[np.random.Generator, int], np.ndarray]:
    """A pattern in two random colours, at least a third of the brightness range apart, either of them the brighter one."""

    def paint(rng: np.random.Generator, n: int) -> np.ndarray:
        first = rng.uniform(0, 1, (n, 3, 1, 1)).astype(np.float32)
        step = rng.normal(size=(n, 3, 1, 1)).astype(np.float32)
        step *= _each(rng.uniform(0.35, 0.9, n))[:, None] / np.abs(step).max(axis=1, keepdims=True)
        second = np.where((first + step >= 0) & (first + step <= 1), first + step, first - step)
        return first + (second - first) * field(rng, n)[:, None]

    return paint


def _wave(rng: np.random.Generator, along: np.ndarray) -> Field:
    """Soft or hard stripes of random period and phase in the direction in which `along` (n, SIZE, SIZE), in pixels, rises."""
    n = len(along)
    turns = along / _each(rng.uniform(SHORTEST, LONGEST, n)) + _each(rng.uniform(0, 1, n))
    hardness = _each(rng.uniform(1, 4, n))
    return np.clip(0.5 + 0.5 * hardness * np.sin(2 * np.pi * turns), 0, 1)


def _along(angle: np.ndarray) -> np.ndarray:
    """Pixels from the corner in direction `angle` (radians; 0 to the right, π/2 down), one angle per picture."""
    return _COLUMNS * _each(np.cos(angle)) + _ROWS * _each(np.sin(angle))


def _stripes(*angles: float) -> Callable[[np.random.Generator, int], Field]:
    def field(rng: np.random.Generator, n: int) -> Field:
        return _wave(rng, _along(rng.choice(angles, n) + rng.normal(0, TILT, n)))

    return field


def _checks(rng: np.random.Generator, n: int) -> Field:
    angle = rng.normal(0, TILT, n)
    across, down = _wave(rng, _along(angle)), _wave(rng, _along(angle + np.pi / 2))
    return across + down - 2 * across * down


def _dots(rng: np.random.Generator, n: int) -> Field:
    period, angle = _each(rng.uniform(SHORTEST + 1, LONGEST, n)), rng.uniform(0, np.pi / 2, n)
    squares = 0.0
    for direction in (angle, angle + np.pi / 2):
        turns = _along(direction) / period + _each(rng.uniform(0, 1, n))
        squares = squares + (turns - np.round(turns)) ** 2
    radius = _each(rng.uniform(0.22, 0.32, n))
    return np.clip((radius - np.sqrt(squares)) * period + 0.5, 0, 1)


def _rings(rng: np.random.Generator, n: int) -> Field:
    middle = rng.uniform(0.2 * SIZE, 0.8 * SIZE, (2, n))
    return _wave(rng, np.hypot(_ROWS - _each(middle[0]), _COLUMNS - _each(middle[1])))


def _gradients(rng: np.random.Generator, n: int) -> Field:
    ramp = _along(rng.uniform(0, 2 * np.pi, n))
    low, high = ramp.min(axis=(1, 2), keepdims=True), ramp.max(axis=(1, 2), keepdims=True)
    return ((ramp - low) / (high - low)) ** _each(rng.uniform(0.6, 1.6, n))


def _blobs(rng: np.random.Generator, n: int, blobs: int = 5) -> np.ndarray:
    """Soft spots of many colours, laid one over the other on a ground of random colour."""
    images = np.broadcast_to(rng.uniform(0, 1, (n, 3, 1, 1)), (n, 3, SIZE, SIZE)).astype(np.float32)
    for _ in range(blobs):
        middle = rng.uniform(0, SIZE, (2, n))
        squares = (_ROWS - _each(middle[0])) ** 2 + (_COLUMNS - _each(middle[1])) ** 2
        cover = np.exp(-squares / (2 * _each(rng.uniform(2.5, 6, n)) ** 2))[:, None]
        images += cover * (rng.uniform(0, 1, (n, 3, 1, 1)).astype(np.float32) - images)
    return images


_PATTERNS = {
    "horizontal stripes": _painted(_stripes(np.pi / 2)),
    "vertical stripes": _painted(_stripes(0.0)),
    "diagonal stripes": _painted(_stripes(np.pi / 4, 3 * np.pi / 4)),
    "checks": _painted(_checks),
    "dots": _painted(_dots),
    "rings": _painted(_rings),
    "gradients": _painted(_gradients),
    "colour blobs": _blobs,
}
CLASSES = tuple(_PATTERNS)
