"""CIFAR-10's pictures for the tools: from `FILTERLAB_CIFAR10`, or without it from ../shared/data, where that is.

Both may be a folder with train/ and test/, each with a sub-folder per class; a zip file of these; or a folder that holds cifar10_jpeg.zip.
"""

import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from filterlab import datasets

ROOT = Path(__file__).parent.parent


def source() -> Path | None:
    """Where the pictures are, or None where there are none."""
    place = Path(os.environ.get("FILTERLAB_CIFAR10") or ROOT.parent / "shared" / "data")
    packed = place / "cifar10_jpeg.zip"
    return packed if packed.exists() else place if (place / "train").is_dir() or zipfile.is_zipfile(place) else None


def load(place: Path, parts: Sequence[str] = ("train", "test")) -> list[datasets.Pictures]:
    """The pictures to train on and those to test with. Raises ValueError or OSError as `datasets.picture_folder` does."""
    if place.is_dir():
        return [datasets.picture_folder(place / part) for part in parts]
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(place) as packed:
        packed.extractall(folder, [name for name in packed.namelist() if name.startswith(tuple(f"{part}/" for part in parts))])
        return load(Path(folder), parts)
