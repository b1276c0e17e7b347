"""Trained networks to look into: the small one that comes with the course, and torchvision's, trained on ImageNet.

All of them take pictures (n, c, h, w) with values in [0, 1], are in eval mode, and bear the names of their classes as `classes`.
"""

import contextlib
import hashlib
import http.client
import io
import json
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from filterlab.models import fold, seeded, small_cnn

# What the shipped network tells apart, how it is built, and its weights; tools/train_network.py trains it and writes the files.
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHAPE = {"channels": (32, 64, 128), "first_kernel": 5}
WEIGHTS = Path(__file__).parent / "weights" / "cifar10_small.pt"

# torchvision's networks that `pretrained` offers, and the size of their download.
NAMES = {"squeezenet1_1": "5 MB", "resnet18": "45 MB", "alexnet": "233 MB"}
_PATIENCE_S = 20


def about() -> dict:
    """What is known about the shipped network: `classes`, `recipe`, `accuracy` on test pictures, `data`, `trained`, `sha256`.

    Raises FileNotFoundError where the file is missing, ValueError where it cannot be read.
    """
    file = WEIGHTS.with_suffix(".json")
    try:
        found = json.loads(_read(file))
        return found | {"sha256": str(found["sha256"])}
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{file} is damaged: {_RESTORE}") from None


def shipped() -> nn.Sequential:
    """The small network that comes with the course, trained on the pictures (3, 32, 32) of CIFAR-10, on the CPU and in eval mode.

    Its layers are conv1, relu1, pool1, conv2, relu2, pool2, conv3, relu3, pool3, pool, flatten and classifier; conv1 has 32 filters of
    5×5, conv2 64 and conv3 128 of 3×3. It was trained with batch norms, which are folded into the convolutions. Each call gives a network
    of its own.

    Raises FileNotFoundError where its weights are missing, ValueError where they are not those that were trained: then nothing of them is
    loaded.
    """
    weights, expected = _read(WEIGHTS), about()["sha256"]
    if hashlib.sha256(weights).hexdigest() != expected:
        raise ValueError(f"{WEIGHTS} is cut short or changed, its checksum is not the one that it was written with: {_RESTORE}")
    model = fold(small_cnn(len(CLASSES), **SHAPE))
    model.load_state_dict(torch.load(io.BytesIO(weights), weights_only=True))
    model.classes = CLASSES
    return model


def pretrained(name: str = "squeezenet1_1") -> nn.Module:
    """torchvision's network of this name with its weights from ImageNet, on the CPU and in eval mode; the layers bear torchvision's names.

    name: one of `NAMES`. It takes pictures in [0, 1], of 64 pixels or more on each side, and brings them to ImageNet's mean and spread
    itself. The weights come from torch's cache or are downloaded into it, with a progress bar.
    Raises ValueError for another name and for a damaged file in the cache, OSError where the download fails: `shipped` needs none.
    """
    from filterlab.vision import torchvision

    if name not in NAMES:
        raise ValueError(f"name={name!r} is not one of the networks: {', '.join(NAMES)}")
    weights = torchvision.models.get_model_weights(name).DEFAULT
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
    if not file.exists():
        _download(weights.url, file, name)
    with seeded(0):
        model = torchvision.models.get_model(name, weights=None)
    model.load_state_dict(_checked(file))
    # A hook leaves the layers the names they have.
    model.register_forward_pre_hook(_to_imagenet)
    model.classes = tuple(weights.meta["categories"])
    return model.eval()


_RESTORE = "fetch it again with `git checkout filterlab/weights`, or install the course again"


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"{file} is missing: {_RESTORE}") from None


def _to_imagenet(model: nn.Module, inputs: tuple) -> tuple:
    (images,) = inputs
    mean, spread = (images.new_tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return ((images - mean) / spread,)


def _download(url: str, file: Path, name: str) -> None:
    print(f"downloading the weights of {name}, {NAMES[name]}, to {file.parent}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # The bar writes to stderr, which a notebook shows as an error.
        with contextlib.redirect_stderr(sys.stdout), _patience(_PATIENCE_S):
            torch.hub.download_url_to_file(url, str(file), hash_prefix=_checksum(file))
    except (OSError, RuntimeError, http.client.HTTPException) as error:
        raise OSError(
            f"the weights of {name} are not in {file.parent} and could not be downloaded ({error}): try again with a network, "
            "or go on with pretrained.shipped(), which needs none"
        ) from None


def _checked(file: Path) -> dict:
    """The weights in torch's cache. torch itself checks what it downloads, but not what it finds there."""
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if not found.startswith(_checksum(file)):
        raise ValueError(f"{file} is damaged, its checksum is not the one in its name: delete it and call again")
    return torch.load(file, map_location="cpu", weights_only=True)


def _checksum(file: Path) -> str:
    """The first digits of the SHA-256, which torchvision's files bear in their names: squeezenet1_1-b8a52dc0.pth."""
    return re.fullmatch(r".*-([0-9a-f]{8,})\.pth", file.name)[1]


@contextlib.contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Inside, a connection that says nothing for so long counts as failed."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
