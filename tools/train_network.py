"""Trains the small network that comes with the course (`filterlab.pretrained.shipped`) and writes it to filterlab/weights/.

    python -m tools.train_network [PICTURES] [--seed 0] [--to FOLDER]

1. PICTURES is a folder or a zip file with CIFAR-10; tools/cifar10.py says which, and where it is looked for if it is not given.
2. A network with batch norms is trained by `RECIPE`, with `filterlab.training.fit`: ten minutes on two CPU cores, half a minute on a GPU.
3. Each batch norm is folded into the convolution in front of it, which changes no answer: what ships has convolutions with bias alone.
4. First filters that answer to more than half of everything, noise included, get a higher threshold; the layers behind them are then
   trained on for a little by `FINISH`.
5. cifar10_small.pt gets the weights, and cifar10_small.json the names of the classes, the recipe, the accuracy on the test pictures, and
   the checksum without which the weights are not loaded.
"""

import argparse
import hashlib
import json
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from filterlab import models, pretrained, training
from filterlab.datasets import Pictures
from tools import cifar10

# A strong weight decay takes from the filters what no picture asks for: noise.
RECIPE = {"epochs": 16, "lr": 0.02, "weight_decay": 0.05, "batch_size": 128}
FINISH = {"epochs": 3, "lr": 0.002, "weight_decay": 0.05, "batch_size": 128}
SHIFT = 2


def train(pictures: Pictures, seed: int) -> nn.Sequential:
    """The network as it ships: trained, folded, its thresholds raised and finished."""
    model = models.small_cnn(len(pictures.classes), seed=seed, **pretrained.SHAPE)
    training.fit(model, pictures, seed=seed, augment=augmented, **RECIPE)
    return finish(models.fold(model), pictures, seed)


def finish(model: nn.Sequential, pictures: Pictures, seed: int) -> nn.Sequential:
    """The folded network, trained in place with raised thresholds in its first layer, which no longer learns."""
    raise_thresholds(model.conv1, pictures.images)
    models.freeze(model.conv1)
    training.fit(model, pictures, seed=seed, augment=augmented, **FINISH)
    model.conv1.requires_grad_(True)
    return model


@torch.no_grad()
def raise_thresholds(layer: nn.Conv2d, images: Tensor) -> None:
    """Takes from each bias the mean of what its filter gives for the pictures, where that is above zero."""
    mean = sum(layer(batch).mean((2, 3)).sum(0) for batch in images.split(500)) / len(images)
    layer.bias -= mean.clamp(min=0)


def augmented(batch: Tensor) -> Tensor:
    """Mirrored or not, and shifted a little."""
    return shifted(mirrored(batch), SHIFT)


def mirrored(batch: Tensor) -> Tensor:
    """Each picture, or its mirror image."""
    return torch.where(torch.rand(len(batch), 1, 1, 1, device=batch.device) < 0.5, batch.flip(3), batch)


def shifted(batch: Tensor, most: int) -> Tensor:
    """The batch, moved by up to `most` pixels down or up and left or right; what comes in at the border is the picture's mirror image."""
    top, left = torch.randint(2 * most + 1, (2,)).tolist()
    height, width = batch.shape[2:]
    return pad(batch, (most,) * 4, mode="reflect")[:, :, top : top + height, left : left + width]


def describe(model: nn.Sequential, test: Pictures, trained_on: int, seed: int, trained: str) -> dict:
    """What is to be known about the network, with its accuracy on the test pictures."""
    return {
        "data": f"CIFAR-10: {trained_on} pictures to train on, {len(test)} to test with",
        "classes": test.classes,
        "recipe": pretrained.SHAPE | RECIPE | {"finish": FINISH, "mirror": True, "shift": SHIFT, "seed": seed},
        "accuracy": round(training.accuracy(model, test), 4),
        "trained": f"{trained}, torch {torch.__version__}",
    }


def write(model: nn.Sequential, about: dict, folder: Path) -> Path:
    """The weights, and beside them what is known about them. Returns the weights' file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / pretrained.WEIGHTS.name
    torch.save({name: weight.contiguous() for name, weight in model.state_dict().items()}, file)
    about = about | {"bytes": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    file.with_suffix(".json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="?", type=Path, default=cifar10.source(), help="folder or zip file with CIFAR-10")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--to", type=Path, default=pretrained.WEIGHTS.parent, help="folder for the weights (%(default)s)")
    given = parser.parse_args()
    if given.pictures is None:
        parser.error("no pictures at hand: name their folder, or set FILTERLAB_CIFAR10")
    pictures, test = cifar10.load(given.pictures)
    start = time.perf_counter()
    model = train(pictures, given.seed)
    about = describe(model, test, len(pictures), given.seed, f"{time.perf_counter() - start:.0f} s on {training.device()}")
    print(f"{write(model, about, given.to)}: {about['accuracy']:.1%} of the test pictures, {about['trained']}")


if __name__ == "__main__":
    main()
