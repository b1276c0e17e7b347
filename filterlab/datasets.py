"""Pictures with labels to train on: generated patterns, real digits, CIFAR-10, and folders of a student's own pictures.

All of them are `Pictures`: tensors in memory. This module imports torch; torchvision only where CIFAR-10 is asked for.
"""

import contextlib
import pickle
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from filterlab import images as image_files
from filterlab import patterns as drawings

_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")


@dataclass(frozen=True)
class Pictures:
    """Pictures and what is on them. Taken from arrays or tensors and checked once, so that nobody downstream need ask.

    images: (n, c, h, w), float32 in [0, 1]. labels: (n,), int64, places in `classes`. classes: the names.
    skipped: files that could not be read. Raises ValueError for no pictures, another shape, values that are no numbers or lie
    outside [0, 1], and labels that do not match the pictures or the names.
    """

    images: Tensor
    labels: Tensor
    classes: Sequence[str]
    skipped: tuple[str, ...] = ()

    def __post_init__(self):
        images, labels = torch.as_tensor(self.images), torch.as_tensor(self.labels)
        if images.ndim != 4 or images.numel() == 0:
            raise ValueError(f"images has shape {tuple(images.shape)}, expected pictures (n, c, h, w), at least one")
        if labels.shape != images.shape[:1]:
            raise ValueError(f"labels has shape {tuple(labels.shape)}, but there are {len(images)} pictures: expected ({len(images)},)")
        if labels.is_floating_point() and not torch.equal(labels, labels.round()):
            raise ValueError("labels holds fractions, expected whole numbers: places in the list of classes")
        if labels.min() < 0 or labels.max() >= len(self.classes):
            raise ValueError(f"labels go from {labels.min()} to {labels.max()}, but there are {len(self.classes)} classes, from 0 on")
        _check_values(images)
        object.__setattr__(self, "images", images.to(torch.float32))
        object.__setattr__(self, "labels", labels.to(torch.int64))
        object.__setattr__(self, "classes", tuple(self.classes))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, places: slice | Tensor | Sequence[int]) -> "Pictures":
        """Some of the pictures, with the same classes: `pictures[:100]`, or places in a list."""
        return Pictures(self.images[places], self.labels[places], self.classes, self.skipped)

    def split(self, share: float = 0.8, seed: int = 0) -> tuple["Pictures", "Pictures"]:
        """Two parts in an order that `seed` decides: `share` of the pictures to train on, the rest to test with.

        Raises ValueError where one of the parts would be empty.
        """
        first = round(share * len(self))
        if not 0 < first < len(self):
            raise ValueError(f"share={share} of {len(self)} pictures leaves one part empty")
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        return self[order[:first]], self[order[first:]]


def _check_values(images: Tensor) -> None:
    bad = (~torch.isfinite(images)).flatten(1).any(1)
    if bad.any():
        raise ValueError(f"images has values that are not numbers (NaN or infinite), first in picture {bad.int().argmax()}")
    if images.min() < 0 or images.max() > 1:
        raise ValueError(f"images has values from {images.min():.4g} to {images.max():.4g}, expected 0 to 1: divide bytes by 255")


def patterns(n: int, seed: int) -> Pictures:
    """n generated RGB pictures of 32×32 pixels in eight classes; `seed` alone decides them. filterlab.patterns says how they vary.

    Raises ValueError for n < 1.
    """
    return Pictures(*map(torch.from_numpy, drawings.draw(n, seed)), drawings.CLASSES)


def digits(seed: int = 0) -> tuple[Pictures, Pictures]:
    """Handwritten digits, (1, 8, 8): 1,438 to train on and 359 to test with; `seed` decides which.

    Source: E. Alpaydin and C. Kaynak, Optical recognition of handwritten digits, 1998, as it comes with scikit-learn.
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    everything = Pictures(torch.from_numpy(found.images[:, None] / 16), torch.from_numpy(found.target), [str(name) for name in range(10)])
    return everything.split(0.8, seed)


def cifar10(root: str | PathLike) -> tuple[Pictures, Pictures]:
    """CIFAR-10, (3, 32, 32): 50,000 pictures to train on and 10,000 to test with, kept in the folder `root`.

    The first call downloads 170 MB, with a progress bar. Raises OSError where that fails, ValueError where what came, or lies there,
    is damaged. Source: A. Krizhevsky, Learning multiple layers of features from tiny images, 2009.
    """
    from filterlab.vision import torchvision

    kind = torchvision.datasets.CIFAR10
    root = Path(root).expanduser()
    archive = root / kind.filename
    try:
        with contextlib.redirect_stderr(sys.stdout):  # the bar; on stderr a notebook shows it as an error
            parts = [kind(root, train=train, download=True) for train in (True, False)]
    except OSError as error:
        raise OSError(
            f"CIFAR-10 is not complete in {root} and could not be downloaded ({error}): try again with a network, "
            "or train on the generated pictures of datasets.patterns(n, seed), which need none"
        ) from None
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"CIFAR-10 in {root} is damaged ({error}): delete {archive} and call again") from None
    return tuple(Pictures(np.moveaxis(part.data, -1, 1) / np.float32(255), part.targets, part.classes) for part in parts)


def picture_folder(path: str | PathLike, size: int = 32) -> Pictures:
    """A folder of your own pictures, (3, size, size), each class in a sub-folder that bears its name: `birds/`, `cats/` …

    Any format that Pillow reads, any size: the largest square in the middle, shrunk or enlarged. Hidden files and other kinds of files are
    passed over; a picture that cannot be read is skipped, named in a line, and listed in `skipped`.
    Raises FileNotFoundError for no such folder; ValueError for a file, no sub-folders, no picture that can be read, or size < 1.
    """
    path = Path(path).expanduser()
    if size < 1:
        raise ValueError(f"size={size} must be at least 1 pixel")
    names = _class_names(path)
    files = [(file, label) for label, name in enumerate(names) for file in _pictures_in(path / name)]
    images = np.empty((len(files), 3, size, size), np.float32)
    labels, skipped = [], []
    for file, label in files:
        try:
            images[len(labels)] = image_files.square(file, size)
        except ValueError as error:
            print(f"skipped: {error}")
            skipped.append(str(file))
        else:
            labels.append(label)
    if not labels:
        raise ValueError(f"none of the {len(files)} pictures in the sub-folders of {path} can be read")
    return Pictures(images[: len(labels)], np.array(labels), names, tuple(skipped))


def _class_names(path: Path) -> list[str]:
    if not path.exists():
        raise FileNotFoundError(f"there is no folder {path}")
    if not path.is_dir():
        raise ValueError(f"{path} is a file, expected a folder with one sub-folder per class")
    names = sorted(child.name for child in path.iterdir() if child.is_dir() and not child.name.startswith("."))
    names = [name for name in names if _pictures_in(path / name)]
    if not names:
        loose = len(_pictures_in(path))
        lies = f"{loose} pictures lie in it directly" if loose else "there is no picture in it"
        raise ValueError(f"{path} has no sub-folders with pictures, and a sub-folder is a class ({lies}): move them into sub-folders")
    return names


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in _ENDINGS and file.is_file() and file.name[0] != ".")
