"""Training on pictures in memory: one recipe for every lesson, on whatever device there is, recorded epoch by epoch.

The recipe is cross-entropy, AdamW and a one-cycle learning rate. Pictures stay tensors: at this size, taking a batch by its
places is many times faster than a DataLoader.
"""

import copy
import math
import sys
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from filterlab.datasets import Pictures
from filterlab.history import History
from filterlab.models import seeded

EVALUATION_BATCH = 250
UNTRAINED_PICTURES = 5000


def device() -> torch.device:
    """Where to compute: an NVIDIA or AMD GPU where there is one, else Apple's, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def fit(
    model: nn.Module,
    pictures: Pictures,
    epochs: int = 8,
    *,
    test: Pictures | None = None,
    lr: float = 0.02,
    weight_decay: float = 0.01,
    batch_size: int = 64,
    seed: int = 0,
    augment: Callable[[Tensor], Tensor] | None = None,
    progress: bool = True,
    watch: Callable[[History], object] | None = None,
) -> History:
    """Trains `model` in place on `device()` and leaves it on the CPU, in eval mode. Returns the history, one entry per epoch.

    Entry 0 is the untrained model. Losses are means per picture, that of entry 0 over at most 5,000 of the training pictures, evenly
    taken; accuracies are those on `test`, or without it those on the training pictures as they passed by; filters are those of the first
    layer. lr: the highest learning rate of the cycle. augment: changes each batch (n, c, h, w) before the model sees it. `seed` decides
    the order of the pictures and all other chance, whatever the global random state. progress: a bar on stdout. watch: is called with
    the history whenever an entry was added.

    An interrupt keeps the last whole epoch and says which. Raises ValueError where pictures, test and model do not go together, for
    epochs, batch_size or lr out of range, and where the loss is no number any more; the model then has the weights it came with.
    """
    _check(model, pictures, test, epochs, batch_size, lr)
    history, start = History(unit="epoch"), _state(model)
    kept = start
    try:
        with seeded(seed), tqdm(disable=not progress, file=sys.stdout, ncols=96, unit="batch", mininterval=0.3) as bar:
            run = _Run(model, pictures, test, epochs, lr, weight_decay, batch_size, augment, bar)
            for epoch in range(epochs + 1):
                loss, accuracy = run.epoch(epoch) if epoch else run.measure()
                _check_finite(model, loss, epoch, lr)
                history.record(epoch, first_filters(model, pictures).cpu().numpy(), loss, accuracy=run.tested(accuracy))
                kept = _state(model)
                if watch:
                    watch(history)
    except KeyboardInterrupt:
        print(f"stopped: the model has the weights of epoch {max(len(history) - 1, 0)} of {epochs}")
    except BaseException:
        kept = start
        raise
    finally:
        model.to("cpu", memory_format=torch.contiguous_format).load_state_dict(kept)
        model.eval()
    return history


def accuracy(model: nn.Module, pictures: Pictures) -> float:
    """Share of right answers in [0, 1], in eval mode and where the model is; the model's mode stays.

    Raises ValueError where the model does not take these pictures.
    """
    _check_fits(model, pictures)
    return _measure(model, pictures.images, pictures.labels)[1]


def first_filters(model: nn.Module, pictures: Pictures) -> Tensor:
    """A detached copy of the first layer's weights, (n, c, kh, kw); those of a linear classifier as pictures, one per class.

    Raises ValueError where the first layer with weights is neither a Conv2d nor a Linear on the pixels.
    """
    layer = next((layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)), None)
    shape = pictures.images.shape[1:]
    if isinstance(layer, nn.Linear) and layer.in_features == shape.numel():
        return layer.weight.detach().clone().reshape(-1, *shape)
    if not isinstance(layer, nn.Conv2d):
        raise ValueError(f"model has no first layer of filters: expected a Conv2d, or a Linear on the {shape.numel()} pixels")
    return layer.weight.detach().clone()


class _Run:
    """One training: the model and the pictures where they are computed, the optimizer, and the bar."""

    def __init__(self, model, pictures, test, epochs, lr, weight_decay, batch_size, augment, bar):
        self.model, self.test, self.batch_size, self.augment, self.bar = model, test, batch_size, augment, bar
        where = device()
        model.to(where, memory_format=torch.channels_last)
        self.images = pictures.images.to(where, memory_format=torch.channels_last)
        self.labels = pictures.labels.to(where)
        steps = epochs * math.ceil(len(pictures) / batch_size)
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(weights, lr=lr, weight_decay=weight_decay, fused=_has_fused_adamw(weights[0]))
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, lr, total_steps=steps)
        bar.total = steps

    def epoch(self, number: int) -> tuple[float, float]:
        """One pass over the pictures in random order: mean loss per picture, and the share of right answers as they passed by."""
        self.model.train()
        loss = right = seen = 0.0
        for places in torch.randperm(len(self.labels)).split(self.batch_size):
            batch_loss, batch_right = self._step(places.to(self.labels.device))
            loss, right, seen = loss + batch_loss * len(places), right + batch_right, seen + len(places)
            self.bar.set_description(f"epoch {number}, loss {loss / seen:.3f}", refresh=False)
            self.bar.update()
        return loss / seen, right / seen

    def _step(self, places: Tensor) -> tuple[float, int]:
        images, labels = self.images[places], self.labels[places]
        scores = self.model(self.augment(images) if self.augment else images)
        loss = cross_entropy(scores, labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        return loss.item(), (scores.argmax(1) == labels).sum().item()

    def measure(self) -> tuple[float, float]:
        """Loss and accuracy before any step. All the training pictures would cost seconds where there are many, and say no more."""
        every = math.ceil(len(self.labels) / UNTRAINED_PICTURES)
        return _measure(self.model, self.images[::every], self.labels[::every])

    def tested(self, accuracy: float) -> float:
        """The accuracy to record: on the test pictures, or where there are none, the one given."""
        return accuracy if self.test is None else _measure(self.model, self.test.images, self.test.labels)[1]


def _has_fused_adamw(like: Tensor) -> bool:
    """Whether this torch has AdamW as one operation for such weights: on a CPU, much of a small network's step is spent in the optimizer.

    Some versions say no when the optimizer is made, others at its first step; so one is made, for a weight of its own, and takes a step.
    """
    weight = torch.zeros(1, dtype=like.dtype, device=like.device, requires_grad=True)
    weight.grad = torch.zeros_like(weight)
    try:
        torch.optim.AdamW([weight], fused=True).step()
    except RuntimeError:
        return False
    return True


@torch.inference_mode()
def _measure(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float]:
    """Mean loss per picture and share of right answers, in eval mode, batch by batch; the model's mode stays."""
    where, mode = next(model.parameters()).device, model.training
    loss = right = 0.0
    model.eval()
    try:
        for batch, truth in zip(images.split(EVALUATION_BATCH), labels.split(EVALUATION_BATCH), strict=True):
            truth = truth.to(where)
            scores = model(batch.to(where, memory_format=torch.channels_last))
            loss += cross_entropy(scores, truth, reduction="sum").item()
            right += (scores.argmax(1) == truth).sum().item()
    finally:
        model.train(mode)
    return loss / len(labels), right / len(labels)


def _state(model: nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(model.state_dict())


def _check(model: nn.Module, pictures: Pictures, test: Pictures | None, epochs: int, batch_size: int, lr: float) -> None:
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if value < 1:
            raise ValueError(f"{name}={value} must be at least 1")
    if not (lr > 0 and math.isfinite(lr)):
        raise ValueError(f"lr={lr} must be a positive number")
    if not any(weight.requires_grad for weight in model.parameters()):
        raise ValueError("model has no weight that may change: all of its layers are frozen")
    if test is not None and (test.classes != pictures.classes or test.images.shape[1:] != pictures.images.shape[1:]):
        raise ValueError(
            f"test has pictures {tuple(test.images.shape[1:])} of {len(test.classes)} classes, but those to train on are "
            f"{tuple(pictures.images.shape[1:])} of {len(pictures.classes)}: shapes, names and their order must be the same"
        )
    first_filters(model, pictures)
    _check_fits(model, pictures)


def _check_fits(model: nn.Module, pictures: Pictures) -> None:
    """Raises ValueError where the model does not take such pictures, or gives too few scores for their labels."""
    mode, where = model.training, next(model.parameters()).device
    try:
        with torch.inference_mode():
            scores = model.eval()(pictures.images[:1].to(where))
    except RuntimeError as error:
        raise ValueError(f"model does not take pictures of shape {tuple(pictures.images.shape[1:])}: {error}") from None
    finally:
        model.train(mode)
    if scores.ndim != 2 or scores.shape[1] <= pictures.labels.max():
        raise ValueError(
            f"model gives scores of shape {tuple(scores.shape)} for one picture, but labels go up to {pictures.labels.max()}: "
            f"expected (1, {len(pictures.classes)})"
        )


def _check_finite(model: nn.Module, loss: float, epoch: int, lr: float) -> None:
    finite = math.isfinite(loss) and all(torch.isfinite(weight).all() for weight in model.parameters())
    if not finite:
        raise ValueError(
            f"the loss or a weight is no number any more in epoch {epoch}, with lr={lr}: try a smaller lr; the model is as it was before"
        )
