"""Pictures to filter: photographs from installed packages, drawings made by code, a student's own file.

Every picture is an array of floats in [0, 1]: grey (h, w), colour (c, h, w). 0 is black, 1 is white.
"""

import io
import itertools
import math
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

# Name → (package that carries the file, path inside it). The packages are looked up, never imported.
_PHOTOGRAPHS = {
    "hopper": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
}
_LUMA = np.array([0.299, 0.587, 0.114])


def photograph(name: str = "hopper", color: bool = False, size: int | None = None) -> np.ndarray:
    """A photograph that comes with an installed package: grey (h, w) or colour (3, h, w), floats in [0, 1].

    name: "hopper" (Grace Hopper in 1984, by James S. Davis, U.S. Navy, public domain; 600×512, from matplotlib), "china"
    or "flower" (by danielbuechele and by vultilion on Flickr, CC BY 2.0; 427×640, from scikit-learn).
    size: longest side in pixels; larger pictures are shrunk by averaging areas. None keeps the size.
    Raises ValueError for an unknown name or a size below 1, FileNotFoundError where the package is not installed.
    """
    if name not in _PHOTOGRAPHS:
        raise ValueError(f"name={name!r} is not one of the photographs: {', '.join(_PHOTOGRAPHS)}")
    package, inside = _PHOTOGRAPHS[name]
    spec = find_spec(package)
    if spec is None:
        raise FileNotFoundError(f"the photograph {name!r} comes with the package {package}, which is not installed")
    return load(Path(spec.origin).parent / inside, color, size)


def load(path: str | PathLike, color: bool = False, size: int | None = 512) -> np.ndarray:
    """A picture from a file, any format that Pillow reads: grey (h, w) or colour (3, h, w), floats in [0, 1].

    The camera's orientation is honoured, transparency becomes white, of an animation the first picture is taken.
    size: longest side in pixels; larger pictures are shrunk by averaging areas. None keeps the size.
    Raises FileNotFoundError for a missing file; ValueError for a folder, a file that is no picture or is cut short, a
    picture too large to open, or a size below 1.
    """
    return _to_array(_shrink(_open(path, size), size), color)


def square(path: str | PathLike, size: int = 32) -> np.ndarray:
    """The largest square in the middle of a picture from a file, in colour: (3, size, size), floats in [0, 1].

    Larger pictures are shrunk by averaging areas, smaller ones enlarged by repeating pixels. Errors as `load` raises them.
    """
    return _to_array(ImageOps.fit(_open(path, size), (size, size), Image.Resampling.BOX), color=True)


def decode(data: bytes, name: str, color: bool = False, size: int | None = 512) -> np.ndarray:
    """A picture from the bytes of a file, as `load` gives it. name: what errors call it. Raises ValueError as `load` does."""
    return _to_array(_shrink(_read(io.BytesIO(data), name), size), color)


def crops(image: np.ndarray, size: int = 32, step: int | None = None, shrink: Sequence[int] = (1,)) -> np.ndarray:
    """Squares cut out of a picture, row by row: (n, size, size) of a grey one, (n, c, size, size) of one in colour.

    step: pixels from one square to the next; the default is the size. shrink: do so with the picture made this many times smaller, by
    averaging areas, once for each entry. Raises ValueError where no square fits, or for a step or an entry of shrink below 1.
    """
    step = size if step is None else step
    if min(size, step, *shrink) < 1:
        raise ValueError(f"size={size}, step={step} and shrink={tuple(shrink)} must be at least 1")
    found = []
    for factor in shrink:
        rows, columns = (side // factor for side in np.shape(image)[-2:])
        whole = image[..., : rows * factor, : columns * factor].reshape(*image.shape[:-2], rows, factor, columns, factor)
        small = whole.mean(axis=(-3, -1))
        corners = itertools.product(range(0, rows - size + 1, step), range(0, columns - size + 1, step))
        found += [small[..., top : top + size, left : left + size] for top, left in corners]
    if not found:
        raise ValueError(f"no square of size={size} fits into an image of shape {np.shape(image)} shrunk by {tuple(shrink)}")
    return np.stack(found)


def grey(image: np.ndarray) -> np.ndarray:
    """A colour picture (3, h, w) as brightness (h, w): 0.299 red + 0.587 green + 0.114 blue.

    Source: the luma of Recommendation ITU-R BT.601. Raises ValueError for another shape.
    """
    if np.ndim(image) != 3 or np.shape(image)[0] != 3:
        raise ValueError(f"image has shape {np.shape(image)}, but a colour picture is (3, h, w)")
    return np.tensordot(_LUMA, image, axes=1)


def step(height: int = 32, width: int = 32, column: int | None = None, dark: float = 0.2, bright: float = 0.8) -> np.ndarray:
    """A drawing (height, width): dark on the left, bright from `column` (default: the middle) to the right border."""
    columns = np.arange(width)
    return np.tile(np.where(columns < (width // 2 if column is None else column), dark, bright), (height, 1))


def disk(size: int = 64, radius: float | None = None, dark: float = 0.2, bright: float = 0.8) -> np.ndarray:
    """A drawing (size, size): a bright disk in the middle of a dark ground, its edge one pixel soft.

    radius: pixels; the default is three tenths of the size.
    """
    radius = 0.3 * size if radius is None else radius
    rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
    inside = np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1)
    return dark + (bright - dark) * inside


def stripes(height: int = 64, width: int = 64, wavelength: float = 8, theta: float = 0.0) -> np.ndarray:
    """A drawing (height, width): a wave of brightness from 0 to 1 that runs in direction theta, brightest at the top left pixel.

    wavelength: pixels from one bright stripe to the next. theta: radians; 0 is left to right (upright stripes),
    π/2 is top to bottom. Raises ValueError for wavelength ≤ 0.
    """
    if not wavelength > 0:
        raise ValueError(f"wavelength={wavelength} must be positive")
    rows, columns = np.mgrid[:height, :width]
    along = columns * math.cos(theta) + rows * math.sin(theta)
    return 0.5 + 0.5 * np.cos(2 * math.pi * along / wavelength)


def _open(path: str | PathLike, size: int | None) -> Image.Image:
    """The picture in a file as `_read` gives it, once file and size are seen to be possible."""
    if size is not None and size < 1:
        raise ValueError(f"size={size} must be at least 1 pixel")
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    if path.is_dir():
        raise ValueError(f"{path} is a folder, not a picture")
    return _read(path, path)


def _read(file: Path | io.BytesIO, name: str | Path) -> Image.Image:
    """A file as a Pillow picture of mode L, RGB or F (floats in [0, 1]): upright, without transparency."""
    try:
        with warnings.catch_warnings():
            # Pillow warns from 90 million pixels on and refuses at twice that; here both are one refusal.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as picture:
                picture.load()
                return _opaque(ImageOps.exif_transpose(picture))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"{name} has more than {Image.MAX_IMAGE_PIXELS:,} pixels: shrink it before loading it") from error
    except Image.UnidentifiedImageError as error:
        raise ValueError(f"{name} is not a picture in a format that can be read here") from error
    except Exception as error:  # Pillow's decoders raise many kinds: OSError, SyntaxError, struct.error, zlib.error …
        raise ValueError(f"{name} cannot be read as a picture, perhaps it is cut short or damaged: {error}") from error


def _opaque(picture: Image.Image) -> Image.Image:
    """A picture of any mode as L, RGB or F: transparency on white, 16 bits as floats."""
    if picture.mode == "F" or picture.mode.startswith("I"):
        values = np.asarray(picture).astype(np.float32) / (1 if picture.mode == "F" else 65535)
        if not (values.min() >= 0 and values.max() <= 1):
            raise ValueError("its brightness values do not lie between black and white")
        return Image.fromarray(values)
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return picture.convert("L" if picture.mode in ("1", "L") else "RGB")


def _shrink(picture: Image.Image, size: int | None) -> Image.Image:
    """The picture with its longest side at most `size`; every new pixel is the mean of the area it covers."""
    longest = max(picture.size)
    if size is None or longest <= size:
        return picture
    width, height = (max(1, round(side * size / longest)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BOX)


def _to_array(picture: Image.Image, color: bool) -> np.ndarray:
    """A Pillow picture of mode L, RGB or F as floats in [0, 1]: grey (h, w) or colour (3, h, w)."""
    values = np.asarray(picture, dtype=float) / (1 if picture.mode == "F" else 255)
    if picture.mode == "RGB":
        values = np.moveaxis(values, -1, 0)
        return np.ascontiguousarray(values) if color else grey(values)
    return np.stack([values] * 3) if color else values
