"""Lesson 04, filters in PyTorch: probes that build small models, optimizers and batches, call an answer, and report plain data.

The names in a report are phrases: a check puts them into its sentences. Where an answer's later parts may fail while its first ones are
right (SimpleCNN), an error is reported as its text.
"""

import random

import numpy as np
import torch
from torch import equal, nn  # not torch.equal, which an answer may patch
from torch.nn import functional as F

from filterlab.check.probes import plain
from filterlab.check.probes.common import alike, aside, attempt, error_text, pictures, randomise  # noqa: F401 (lesson 04 calls it probes.pictures)

CLASSES = 5
OPTIMIZERS = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.05),
    "momentum": lambda weights: torch.optim.SGD(weights, lr=0.02, momentum=0.9),
    "decay": lambda weights: torch.optim.SGD(weights, lr=0.05, momentum=0.5, weight_decay=0.1),
}


def _kind(value):
    # Nothing of filterlab is called while an answer is watched: it would be taken for the answer's doing.
    return "None" if value is None else f"a {type(value).__name__}"


class Network(nn.Module):
    """A small network with SimpleCNN's first layer; with batch norm, its mode changes what it answers."""

    def __init__(self, seed: int, norm: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm2d(6) if norm else nn.Identity()
        self.head = nn.Linear(6, CLASSES)
        torch.manual_seed(seed)
        randomise(self)

    def forward(self, x):
        return self.head(F.relu(self.norm(self.conv1(x))).amax(dim=(2, 3)))


# --- SimpleCNN --------------------------------------------------------------------------------------------------------


@aside()
def look_at(answer, x, classes=None, seed=0):
    """Builds a model (classes None: by default) and tells of its conv1, its features and its scores on pictures x."""
    torch.manual_seed(seed)
    model = answer() if classes is None else answer(classes)
    if not isinstance(model, nn.Module):
        return {"its conv1": f"the model is {_kind(model)}"}
    model.eval()
    torch.manual_seed(seed)
    # conv1 gets the same weights in every answer, so that features can be compared.
    conv1 = getattr(model, "conv1", nn.Identity())
    randomise(conv1)
    return {
        "its conv1": _settings(conv1),
        "what conv1 gives": attempt(lambda: conv1(x).detach().clone()),
        "what features gives": attempt(lambda: model.features(x).detach().clone()),
        "the shape of what forward gives": attempt(lambda: tuple(model(x).shape)),
        **_scores(model, classes or 10),
    }


def _settings(layer):
    if not isinstance(layer, nn.Conv2d):
        return f"{type(layer).__name__}, not a Conv2d" if not isinstance(layer, nn.Identity) else "there is no conv1"
    text = repr(layer).partition("(")[2]
    # For 3×3 filters "same" is another word for 1.
    return "Conv2d(" + text.replace("padding=same", "padding=(1, 1)")


def _scores(model, classes):
    """What tells scores from probabilities, over several random weights: signs, sizes and sums; and whether conv1 has a part in them."""
    x, rows, moved, steady = torch.rand(4, 3, 8, 6), [], [], True
    try:
        for _ in range(12):
            randomise(model)
            scores = model(x)
            model.zero_grad()
            (scores * torch.randn(scores.shape)).sum().backward()
            gradient = getattr(getattr(model, "conv1", None), "weight", x).grad
            moved.append(gradient is not None and bool(gradient.any()))
            steady &= equal(scores, model(x))
            rows.append(scores.detach().reshape(4, classes))
    except NotImplementedError:
        raise
    except Exception as error:
        return {"a training step through its scores": error_text(error)}
    scores = torch.stack(rows)  # (model, picture, class)
    return {
        "a training step through its scores": "no error",
        "in eval mode, the same pictures get the same scores": steady,
        "conv1 gets a gradient from the scores": any(moved),
        "some scores are below 0": bool((scores < 0).any()),
        "some scores are above 0": bool((scores > 0).any()),
        "some scores are beyond 1 or -1": bool((scores.abs() > 1.001).any()),
        "the scores of each picture add up to 1": bool(((scores.sum(dim=2) - 1).abs() < 1e-3).all()),
        "the scores of each class add up to 1": bool(((scores.sum(dim=1) - 1).abs() < 1e-3).all()),
    }


# --- filters out of a model, and into it ------------------------------------------------------------------------------


@aside()
def filters_of(answer, seed=0, training=True):
    """Asks for the filters of a model, then trains the model further."""
    model = Network(seed, norm=True).train(training)
    before = model.conv1.weight.detach().clone()
    filters = answer(model)
    report = {"the result": filters.detach().clone() if isinstance(filters, torch.Tensor) else filters}
    if not isinstance(filters, torch.Tensor):
        return report
    learns = model.conv1.weight.requires_grad
    same = equal(model.conv1.weight, before)
    with torch.no_grad():
        model.conv1.weight.mul_(-2).add_(1)  # in place, as optimizers do it
    return report | {
        "the result after further training of the model": filters.detach().clone(),
        "the result asks for gradients": filters.requires_grad,
        "the result lies on the": filters.device.type,
        "conv1 keeps its weights and can still learn": learns and same,
    }


@aside()
def installed(answer, kernels, seed=0):
    """Has kernels written into a model, and tells what stands in it."""
    model = Network(seed)
    answer(model, kernels)
    return _first_layer(model)


@aside()
def after_refusal(answer, kernels, seed=0):
    """Hands over kernels that do not fit, and tells what stands in the model afterwards."""
    model = Network(seed)
    try:
        answer(model, kernels)
        refused = False
    except ValueError:
        refused = True
    return {"it raises ValueError": refused, **_first_layer(model)}


def _first_layer(model):
    conv1, learning = model.conv1, {name for name, weight in model.named_parameters() if weight.requires_grad}
    return {
        "conv1.weight": conv1.weight.detach().clone(),
        "conv1.bias": "None" if conv1.bias is None else conv1.bias.detach().clone(),
        "conv1.weight is frozen": "conv1.weight" not in learning,
        "conv1.bias is frozen": "conv1.bias" not in learning,
        "the layers after conv1 can still learn": {"head.weight", "head.bias"} <= learning,
        "conv1": _settings(conv1),
        "head.weight": model.head.weight.detach().clone(),
    }


# --- training ---------------------------------------------------------------------------------------------------------


def _batches(sizes, model):
    """Pictures and labels in batches of these sizes; the model, in eval mode, is right on about half of them."""
    x = torch.rand(sum(sizes), 3, 5, 4) * torch.rand(sum(sizes), 3, 1, 1) * 2
    mode = model.training
    with torch.no_grad():
        guesses = model.eval()(x).argmax(dim=1)
    model.train(mode)
    wrong = (guesses + torch.randint(1, CLASSES, guesses.shape)) % CLASSES
    labels = torch.where(torch.rand(len(x)) < 0.55, guesses, wrong)
    return list(zip(x.split(sizes), labels.split(sizes), strict=True))


@aside()
def one_epoch(answer, sizes, optimizer="sgd", norm=False, training=True, seed=0):
    """One epoch on batches of these sizes, which can be read once; tells the loss and what the model is afterwards."""
    model = Network(seed, norm).train(training)
    steps, chosen = [], OPTIMIZERS[optimizer](model.parameters())
    chosen.register_step_post_hook(lambda *_: steps.append(1))
    batches = _batches(sizes, model)
    kept = [(x.clone(), labels.clone()) for x, labels in batches]
    loss = answer(model, iter(batches), chosen)
    return {
        "the result": loss,
        "the number of optimizer steps": len(steps),
        **{f"{name} after the epoch": values.clone() for name, values in model.state_dict().items()},
        "the batches are unchanged": _same_batches(batches, kept),
    }


@aside()
def accuracy_of(answer, sizes, training=True, norm=True, seed=0):
    """Has a model evaluated that was left in a mode; tells the accuracy, the mode afterwards, and what happened to the model."""
    model = Network(seed, norm).train(training)
    batches = _batches(sizes, model)
    kept = [(x.clone(), labels.clone()) for x, labels in batches]
    before = {name: values.clone() for name, values in model.state_dict().items()}
    recorded = []
    model.register_forward_hook(lambda module, inputs, scores: recorded.append((len(scores), scores.requires_grad)))
    accuracy = answer(model, iter(batches))
    modes = {module.training for module in model.modules()}
    return {
        "the result": accuracy,
        "every picture is shown to the model": sum(count for count, _ in recorded) >= sum(sizes),
        "gradients are recorded on the way": any(gradients for _, gradients in recorded),
        "the mode of the model afterwards": "in both modes" if len(modes) > 1 else "in training mode" if modes.pop() else "in eval mode",
        "weights and running statistics stay": all(equal(before[name], values) for name, values in model.state_dict().items()),
        "all weights can still learn": all(weight.requires_grad for weight in model.parameters()),
        "the batches are unchanged": _same_batches(batches, kept),
    }


def _same_batches(batches, kept):
    return all(equal(a, c) and equal(b, d) for (a, b), (c, d) in zip(batches, kept, strict=True))


# --- the whole recipe -------------------------------------------------------------------------------------------------

RECIPE = ("before", "after", "losses", "accuracy")


def easy_pictures(count=61, size=(9, 7), seed=0):
    """Pictures `(count, 3, h, w)` of four colours with a little noise, and their labels: four of the numbers from 0 to 9.

    The last is a copy of the first with another label, so that no model is right on all of them.
    """
    rng = np.random.default_rng([seed, count])
    kinds = rng.permutation(np.arange(count) % 4)
    colours = np.array([[1.0, 0, 0.2], [0, 0.8, 0], [0.1, 0.2, 1], [1, 0.9, 0.7]])
    images = colours[kinds][:, :, None, None] + 0.1 * rng.random((count, 3, *size))
    labels = np.array([0, 3, 7, 9])[kinds]
    images[-1], labels[-1] = images[0], (labels[0] + 1) % 10
    return torch.tensor(images / 2.2, dtype=torch.float32), torch.tensor(labels)


@plain
@aside()
def recipe(answer, images, labels, epochs, seed=0):
    """Trains with this seed, then for one epoch each: twice with this seed, with another, on other pictures; and where there is nothing to
    learn. Tells what came of it."""
    results, some = [], images[: len(images) // 4]
    # The first run tells how it learns; for what depends on what, one epoch each is enough.
    runs = [
        (1, images, labels, seed, epochs),
        (1, images, labels, seed, 1),
        (2, images, labels, seed, 1),
        (1, images, labels, seed + 1, 1),
        (1, images.flip(0) ** 2, labels, seed, 1),
        (1, some.repeat_interleave(4, dim=0), torch.arange(4).repeat(len(some)), seed, epochs),
    ]
    for chaos, given, their_labels, one_seed, length in runs:
        for set_seed in (torch.manual_seed, np.random.seed, random.seed):
            set_seed(chaos)
        result = answer(given, their_labels, length, one_seed)
        missing = [key for key in RECIPE if key not in result] if isinstance(result, dict) else [f"all: it is {_kind(result)}"]
        if missing:
            return {"missing in the dict": ", ".join(missing)}
        results.append({key: torch.as_tensor(result[key]).detach().clone() for key in RECIPE})
    whole, short, again, other_seed, other_pictures, unlearnable = results
    losses, accuracy = whole["losses"].double(), float(whole["accuracy"])
    return {
        "missing in the dict": "",
        "the shape of `before`": tuple(whole["before"].shape),
        "the shape of `after`": tuple(whole["after"].shape),
        "the shape of `losses`": tuple(losses.shape),
        "the first loss is that of a guess, ln 10, or not far from it": bool(0.3 < losses.reshape(-1)[0] < 5),
        "the last loss is below the first": bool(losses.reshape(-1)[-1] < losses.reshape(-1)[0]),
        "`before` and `after` differ": not alike(whole["before"], whole["after"]),
        "with other pictures, `before` is the same": alike(short["before"], other_pictures["before"]),
        "with fewer epochs, `before` is the same": alike(short["before"], whole["before"]),
        "with other pictures, `after` is the same": alike(short["after"], other_pictures["after"]),
        "the same seed gives the same result": all(alike(short[key], again[key]) for key in RECIPE),
        "another seed gives another `before`": not alike(short["before"], other_seed["before"]),
        "another seed gives another `after`": not alike(short["after"], other_seed["after"]),
        "the accuracy lies between 0 and 1": 0 <= accuracy <= 1,
        "the accuracy is a count of pictures, divided by all of them": abs(accuracy * len(labels) - round(accuracy * len(labels))) < 1e-3,
        # Four labels for each picture: a guess is right on one in four, at a loss of ln 4.
        "on pictures that have every label, the accuracy is that of a guess": float(unlearnable["accuracy"]) < 0.3,
        "on pictures that have every label, the last loss is that of a guess": bool(unlearnable["losses"].reshape(-1)[-1] > 1),
        # A picture that is guessed wrong costs ln 2 or more.
        "the accuracy is as good as the last loss promises": bool(accuracy >= 0.85 - float(losses.reshape(-1)[-1]) / np.log(2)),
    }


# --- whitening --------------------------------------------------------------------------------------------------------


@plain
def whitened(answer, patches, eps=None):
    """Filters the centred patches and tells how their responses vary: the variances along the directions that they have of their own.

    These are the same for every rotation of the filters; all of them are 1 where the responses are white.
    """
    filters = answer(patches) if eps is None else answer(patches, eps)
    report, weight = _filter_facts(filters, patches.shape, eps)
    if report["every weight is finite, and none is huge"]:
        x = np.asarray(patches, dtype=float).reshape(len(patches), -1)
        responses = (x - x.mean(axis=0)) @ weight.reshape(len(weight), -1).T
        report["the variances of the responses"] = np.linalg.eigvalsh(responses.T @ responses / len(x))
    return report


@plain
def stays_finite(answer, patches, eps):
    """Asks for filters where some variances are 0, and tells whether they can be used."""
    return _filter_facts(answer(patches, eps), patches.shape, eps)[0]


def _filter_facts(filters, shape, eps):
    """What can be told of filters before they are used, and the filters as an array."""
    _, c, k, _ = shape
    weight = np.asarray(filters.detach().cpu() if isinstance(filters, torch.Tensor) else filters)
    numbers = weight.shape == (c * k * k, c, k, k) and weight.dtype.kind in "fiu"
    sound = bool(numbers and np.abs(weight).max() < 10 / (eps or 1e-3))  # false for NaN, too
    return {"the filters' shape": weight.shape or _kind(filters), "every weight is finite, and none is huge": sound}, weight
