"""The training rows of `make bench`: time, accuracy and peak memory on patterns, digits and CIFAR-10, medians over five seeds
(the baselines: one).

1. Each training runs in a process of its own (`_train`), which prints its seconds, its accuracy and its peak memory.
2. MODEL is `three` (three layers), `loader` (the same, fed by a DataLoader and without channels_last), `one` (one layer), `random` (one
   layer, its filters frozen as they were born) or `linear` (no filters).
3. CIFAR-10 is taken from `FILTERLAB_CIFAR10`, without it from ../shared/data (tools/cifar10.py). Its network has more filters, and pools
   before batch norm: a third less time.

On a smaller machine or in a hurry: FILTERLAB_BENCH_SEEDS=1.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SEEDS = range(int(os.environ.get("FILTERLAB_BENCH_SEEDS", "5")))
Row = tuple[str, float, str, float]


def training_patterns() -> Iterator[Row]:
    yield from _training("patterns", "")


def training_digits() -> Iterator[Row]:
    yield from _training("digits", "")


def training_cifar10() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        if _unpack_cifar10(Path(folder)):
            yield from _training("cifar10", folder)
        else:
            print("train_cifar10: no pictures at hand; FILTERLAB_CIFAR10 names their folder (see tools/cifar10.py)")


def _training(data: str, folder: str) -> Iterator[Row]:
    """Seconds against a DataLoader; accuracies against a linear classifier; memory against that with a DataLoader."""
    # The baselines vary less from seed to seed than they lie below: one seed is enough for them.
    seeds = {"three": SEEDS, "loader": SEEDS[:1], "one": SEEDS[:1], "random": SEEDS[:1], "linear": SEEDS[:1]}
    found = {model: _median(data, model, folder, chosen) for model, chosen in seeds.items()}
    three, loader, linear = found["three"], found["loader"], found["linear"]["accuracy"]
    yield f"train_{data}_s", three["seconds"], "s", loader["seconds"]
    yield f"train_{data}_mb", three["megabytes"], "MB", loader["megabytes"]
    yield f"train_{data}_accuracy", three["accuracy"], "share", linear
    yield f"train_{data}_one_layer", found["one"]["accuracy"], "share", linear
    yield f"train_{data}_random", found["random"]["accuracy"], "share", linear


def _median(data: str, model: str, folder: str, seeds: range) -> dict[str, float]:
    """Median of each figure over the seeds."""
    command = [sys.executable, "-m", "tools.bench_training", data, model]
    runs = [
        json.loads(subprocess.run([*command, str(seed), folder], cwd=ROOT, capture_output=True, text=True, check=True).stdout)
        for seed in seeds
    ]
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def _unpack_cifar10(folder: Path) -> bool:
    """CIFAR-10's pictures as one file of tensors in `folder`, so that they are decoded once; False where there are none."""
    import torch

    from tools import cifar10

    source = cifar10.source()
    if source is None:
        return False
    parts = zip(("train", "test"), cifar10.load(source), strict=True)
    torch.save(
        {name: ((part.images * 255).round().to(torch.uint8), part.labels, part.classes) for name, part in parts}, folder / "cifar10.pt"
    )
    return True


def _load(data: str, seed: int, folder: str):
    """Pictures to train on and to test with, and the epochs and the settings that fit them."""
    import torch

    from filterlab import datasets
    from tools.train_network import mirrored

    if data == "patterns":
        return datasets.patterns(5000, seed), datasets.patterns(2000, seed + 1000), 8, {}
    if data == "digits":
        return *datasets.digits(seed), 20, {}
    stored = torch.load(Path(folder) / "cifar10.pt", weights_only=True)
    train, test = (datasets.Pictures(images / 255, labels, classes) for images, labels, classes in (stored["train"], stored["test"]))
    return train, test, 6, {"augment": mirrored, "batch_size": 128}


def _model(name: str, pictures, seed: int):
    from filterlab import models

    classes, shape = len(pictures.classes), pictures.images.shape[1:]
    if name == "linear":
        return models.linear(classes, shape, seed), {"lr": 0.001}
    if name in ("one", "random"):
        model = models.one_layer(classes, shape[0], seed=seed)
        if name == "random":
            models.freeze(model.conv1)
        return model, {"lr": 0.01}
    form = {"channels": (24, 64, 128), "pool_first": True} if len(pictures) > 20_000 else {"channels": (16, 32, 64)}
    return models.small_cnn(classes, shape[0], seed=seed, **form), {"lr": 0.02}


def _fit_with_loader(model, pictures, epochs: int, lr: float, batch_size: int = 64, augment=None) -> None:
    """The same recipe as most tutorials write it: DataLoader, layout as it comes."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(pictures.images, pictures.labels), batch_size, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=epochs * len(loader))
    for _ in range(epochs):
        for images, labels in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(augment(images) if augment else images), labels).backward()
            optimizer.step()
            schedule.step()


def _train(data: str, name: str, seed: int, folder: str) -> dict[str, float]:
    from filterlab import training

    pictures, test, epochs, settings = _load(data, seed, folder)
    model, own = _model(name, pictures, seed)
    start = time.perf_counter()
    if name == "loader":
        _fit_with_loader(model, pictures, epochs, **settings, **own)
    else:
        training.fit(model, pictures, epochs, seed=seed, progress=False, **settings, **own)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "accuracy": training.accuracy(model, test), "megabytes": peak_megabytes()}


def peak_megabytes() -> float:
    """The most memory that this process has held. On Linux from /proc: what getrusage says may be the parent's."""
    import resource
    import sys
    from pathlib import Path

    status = Path("/proc/self/status")
    if status.exists():
        return int(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    print(json.dumps(_train(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])))
