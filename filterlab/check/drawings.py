"""Binary drawings for the detector of lesson 06: whatever a 5×5 window could be taken for a large plus by.

A large plus is a 5×5 window whose middle row and middle column are on and whose other 16 pixels are off.
"""

from collections.abc import Callable

import numpy as np

LARGE_PLUS = np.zeros((5, 5))
LARGE_PLUS[2, :] = LARGE_PLUS[:, 2] = 1
_ARMS = np.argwhere(LARGE_PLUS == 1)
# A large plus falls into nine parts: four corners of 2×2 pixels, four arms of two, and its centre.
_PARTS = np.array([[0, 0, 4, 1, 1], [0, 0, 4, 1, 1], [5, 5, 8, 6, 6], [2, 2, 7, 3, 3], [2, 2, 7, 3, 3]])

SHAPES = """
..... ..... ..... ..#.. ..... ..#.. ##### #.... #...# ..#.. .###. #####
..#.. ..... ##### ..#.. .###. .###. #...# #.... .#.#. ..#.. ##### #####
.###. .###. ..... ..#.. .###. ##### #...# #.... ..#.. ####. ##### ..#..
..#.. ..... ..... ..#.. .###. .###. #...# #.... .#.#. ..#.. ##### ..#..
..... ..... ..... ..#.. ..... ..#.. ##### ##### #...# ..... .###. ..#..
"""


def one_plus(rng: np.random.Generator) -> np.ndarray:
    """One large plus in every place where it fits, down to a picture that it fills."""
    places = [_with_plus(np.zeros((9, 11)), row, column) for row in range(2, 7) for column in range(2, 9)]
    return np.stack([np.pad(LARGE_PLUS, ((0, 4), (0, 6))), *places])


def filling(rng: np.random.Generator) -> np.ndarray:
    """A picture that one large plus fills: it touches all four borders."""
    return LARGE_PLUS[None]


def even(rng: np.random.Generator) -> np.ndarray:
    """An empty picture and a full one."""
    return np.stack([np.zeros((9, 11)), np.ones((9, 11))])


def shapes(rng: np.random.Generator) -> np.ndarray:
    """Small pluses, bars, crosses, rings, fat pluses."""
    rows = [line.split() for line in SHAPES.strip().splitlines()]
    return np.stack([_framed(np.array([[pixel == "#" for pixel in row] for row in shape])) for shape in zip(*rows, strict=True)])


def one_pixel_wrong(rng: np.random.Generator) -> np.ndarray:
    """A large plus with one of its 25 pixels changed, on empty, full and random ground."""
    windows = _changed([(place,) for place in range(25)])
    return np.concatenate([_framed(windows, np.full((25, 11, 11), value)) for value in (0, 1)] + [_framed(windows, rng=rng)])


def two_pixels_wrong(rng: np.random.Generator) -> np.ndarray:
    """A large plus with two of its 25 pixels changed, on random ground: a missing one and an extra one among them."""
    return _framed(_changed([(one, other) for one in range(25) for other in range(one)]), rng=rng)


def on_any_ground(rng: np.random.Generator) -> np.ndarray:
    """A large plus on full and on random ground: what lies outside its window does not matter."""
    windows = np.repeat(LARGE_PLUS[None], 40, axis=0)
    ground = (rng.random((40, 11, 11)) < np.linspace(0, 1, 40)[:, None, None]).astype(float)
    return _framed(windows, ground)


def cut_off(rng: np.random.Generator) -> np.ndarray:
    """One large plus in every place where a border cuts it off, and some whose missing part stands at the opposite border."""
    places = [(row, column) for row in range(-1, 10) for column in range(-1, 11) if not (2 <= row < 7 and 2 <= column < 8)]
    wide = np.stack([_with_plus(np.zeros((15, 16)), row + 3, column + 3) for row, column in places])
    around = np.stack([np.roll(np.pad(LARGE_PLUS, ((0, 4), (0, 5))), shift, (0, 1)) for shift in [(-1, 0), (-2, 3), (2, -1), (0, -2)]])
    return np.concatenate([wide[:, 3:12, 3:13], around])


def fragments(rng: np.random.Generator) -> np.ndarray:
    """Every window in which each of nine parts (four corners, four arms, centre) is wholly on or off, on random ground."""
    on = (np.arange(512)[:, None] >> np.arange(9)) & 1
    return _framed(on[:, _PARTS].astype(float), rng=rng)


def crowded(rng: np.random.Generator) -> np.ndarray:
    """Random drawings from almost empty to almost full, some with large pluses, which overlap, touch, or are cut off by the border."""
    pictures = (rng.random((30, 20, 26)) < rng.permutation(np.linspace(0.02, 0.98, 30))[:, None, None]).astype(float)
    for picture in pictures:
        for row, column in zip(rng.integers(-1, 21, 9), rng.integers(-1, 27, 9), strict=True):
            _stamp(picture, row, column)
    return pictures


def lattice(rng: np.random.Generator) -> np.ndarray:
    """Large pluses side by side that share pixels at the ends of their arms, and pluses with longer arms."""
    grid = np.zeros((15, 17))
    for row in range(2, 14, 4):
        for column in range(2, 16, 4):
            grid = _with_plus(grid, row, column)
    long = np.zeros((15, 17))
    long[rng.integers(4, 11), :] = long[:, rng.integers(4, 13)] = 1
    return np.stack([grid, long, 1 - grid])


KINDS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    make.__name__: make
    for make in (
        one_plus,
        filling,
        even,
        shapes,
        one_pixel_wrong,
        two_pixels_wrong,
        on_any_ground,
        cut_off,
        fragments,
        crowded,
        lattice,
    )
}


def draw(kind: str, seed: int) -> np.ndarray:
    """Drawings `(n, h, w)` of one kind, zeros and ones."""
    return KINDS[kind](np.random.default_rng([seed, len(kind)]))


def _changed(places: list[tuple[int, ...]]) -> np.ndarray:
    """Large pluses in which the pixels at these places (0 to 24) are changed, one window for each tuple."""
    windows = np.repeat(LARGE_PLUS.reshape(1, 25), len(places), axis=0)
    for window, which in zip(windows, places, strict=True):
        window[list(which)] = 1 - window[list(which)]
    return windows.reshape(-1, 5, 5)


def _framed(windows: np.ndarray, ground: np.ndarray | None = None, rng: np.random.Generator | None = None) -> np.ndarray:
    """Windows (…, 5, 5) in the middle of 11×11 pixels of ground: empty, given, or random with a density of its own for each."""
    if ground is None:
        ground = np.zeros((*windows.shape[:-2], 11, 11))
    if rng is not None:
        ground = (rng.random(ground.shape) < rng.random((*ground.shape[:-2], 1, 1))).astype(float)
    ground = ground.astype(float)
    ground[..., 3:8, 3:8] = windows
    return ground


def _with_plus(picture: np.ndarray, row: int, column: int) -> np.ndarray:
    """A copy with the nine pixels of a large plus around (row, column) on."""
    copy = picture.copy()
    copy[_ARMS[:, 0] + row - 2, _ARMS[:, 1] + column - 2] = 1
    return copy


def _stamp(picture: np.ndarray, row: int, column: int) -> None:
    """Put a large plus, its 16 dark pixels too, around (row, column), or what of it lies in the picture."""
    top, left = row - 2, column - 2
    inside = picture[max(top, 0) : max(top + 5, 0), max(left, 0) : max(left + 5, 0)]
    first_row, first_column = max(-top, 0), max(-left, 0)
    inside[...] = LARGE_PLUS[first_row : first_row + inside.shape[0], first_column : first_column + inside.shape[1]]
