"""Lesson 06, the capstone: probes that run a hand-made detector on drawings, and hand models to be judged or shrunk.

The names in a report are phrases: a check puts them into its sentences. The models to be judged are made by hand, without training:
their convolutions are random, and the last layer is solved for, so that each is what its name says with a wide margin.
"""

import copy
import functools
import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import equal, nn  # not torch.equal, which an answer may patch
from torch.nn import functional as F

from filterlab.check import drawings
from filterlab.check.compare import describe
from filterlab.check.inputs import random_seed
from filterlab.check.probes import plain
from filterlab.check.probes.common import aside, attempt, randomise
from filterlab.check.tensors import as_array
from filterlab.convolution import conv2d

# --- detector ---------------------------------------------------------------------------------------------------------


@plain
def answers_to(answer, kind, seed=0):
    """Builds the detector, runs it on drawings of one kind, and tells what it answers to."""
    layers = answer()
    fault = fault_of(layers)
    if fault:
        return {"the stack of layers": fault}
    pictures = drawings.draw(kind, seed)
    # What rounding leaves of a zero is no answer: it is millions of times weaker than the one to a lone plus.
    faintest = 1e-6 * max(run_stack(layers, drawings.LARGE_PLUS[None])[0, 2, 2], 0.0)
    windows = _windows_at(pictures, run_stack(layers, pictures) > faintest)
    plus = (windows == drawings.LARGE_PLUS).all(axis=(1, 2))
    return {
        "the stack of layers": "fits together",
        "what it answers to besides large pluses": _as_text(windows[~plus]),
        "the number of places without a large plus where it answers": int((~plus).sum()),
        "the number of large pluses that it answers to": int(plus.sum()),
    }


def run_stack(layers, pictures):
    """The last map `(n, h, w)` of a stack of layers on pictures `(n, h, w)`: padding 1, ReLU after each."""
    maps = pictures[:, None].astype(float)
    for weight, bias in layers:
        maps = conv2d(maps, _numbers(weight), _numbers(bias), padding=1).clip(min=0)
    return maps[:, 0]


def fault_of(layers):
    """What keeps these from being two or three layers that fit together, in a few words; or nothing."""
    if not isinstance(layers, list | tuple):
        return f"{describe(layers)}, not a list of layers"
    if len(layers) not in (2, 3):
        return f"{len(layers)} layer{'s' * (len(layers) != 1)}, not two or three"
    channels = 1
    for number, layer in enumerate(layers, 1):
        if not isinstance(layer, list | tuple) or len(layer) != 2:
            return f"layer {number} is {describe(layer)}, not a pair (weight, bias)"
        fault = _fault_of_layer(*map(_numbers, layer), channels)
        if fault:
            return f"layer {number}: {fault}"
        channels = len(layer[0])
    return "" if channels == 1 else f"layer {len(layers)}: {channels} output channels, not one"


def _fault_of_layer(weight, bias, channels):
    if weight is None or weight.ndim != 4 or 0 in weight.shape:
        return f"the weight has shape {() if weight is None else weight.shape}, not (filters, channels, 3, 3)"
    if weight.shape[2:] != (3, 3):
        return f"filters of {weight.shape[2]}×{weight.shape[3]}, not 3×3"
    if weight.shape[1] != channels:
        return f"filters for {weight.shape[1]} channels, but {channels} come{'s' * (channels == 1)} in"
    if bias is None:
        return "no bias"
    if bias.shape != (len(weight),):
        return f"a bias of shape {bias.shape}, not ({len(weight)},)"
    return "" if np.isfinite(weight).all() and np.isfinite(bias).all() else "not all of its numbers are finite"


def _numbers(value):
    """An array of floats, of an array, a tensor or nested lists of numbers; None for anything else."""
    try:
        return np.asarray(as_array(value)).astype(float) if value is not None else None
    except (TypeError, ValueError):
        return None


def _windows_at(pictures, places):
    """The 5×5 windows `(k, 5, 5)` around the places that are marked; -1 beyond the border."""
    padded = np.pad(pictures, ((0, 0), (2, 2), (2, 2)), constant_values=-1)
    return sliding_window_view(padded, (5, 5), axis=(1, 2))[places]


def _as_text(windows):
    """The first of these windows in reading order, rows beside one another, and how many others there are."""
    different = np.unique(windows.reshape(-1, 25), axis=0)[::-1].astype(int)
    if not len(different):
        return "nothing"
    rows = "".join("·█"[pixel] if pixel >= 0 else "░" for pixel in different[0])
    others = len(different) - 1
    more = f", and {others} other window{'s' * (others != 1)}" if others else ""
    return " ".join(rows[place : place + 5] for place in range(0, 25, 5)) + more


# --- diagnose ---------------------------------------------------------------------------------------------------------

FILTERS = 8
_EASY_LOGITS = 4.0


def network(classes: int) -> nn.Sequential:
    """The form of all models of this lesson, with PyTorch's random start."""
    return nn.Sequential(
        nn.Conv2d(3, FILTERS, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(FILTERS, 16, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(4),
        nn.Flatten(),
        nn.Linear(256, classes),
    )


def pictures_and_labels(classes, count=24, size=(9, 11)):
    """Noise pictures `(count, 3, h, w)` in [0, 1] of different brightness, the first one nearly black; labels in turn."""
    brightness = torch.rand(count, 3, 1, 1) * 0.7 + 0.3
    brightness[0] = 0.02
    pictures = torch.rand(count, 3, *size) * brightness
    return pictures / pictures.max(), torch.arange(count) % classes


def _solved(model, pictures, labels, logits=_EASY_LOGITS):
    """The model with its last layer solved for, so that the right class's score is `logits` and every other's 0."""
    with torch.no_grad():
        features = model[:-1](pictures)
        # More features than pictures: of all exact solutions, the one with the smallest weights.
        inputs = torch.cat([features, torch.ones(len(features), 1)], dim=1).double()
        targets = logits * F.one_hot(labels, model[-1].out_features).double()
        solution = (inputs.T @ torch.linalg.solve(inputs @ inputs.T, targets)).float()
        model[-1].weight.copy_(solution[:-1].T)
        model[-1].bias.copy_(solution[-1])


def _awaken(conv, pictures):
    """Turns the signs of filters that answer to nothing by chance: no less random, and nobody silent who should not be."""
    with torch.no_grad():
        silent = conv(pictures).amax(dim=(0, 2, 3)) < 0.02
        conv.weight[silent] *= -1
        conv.bias[silent] *= -1


def _start(classes):
    """A network whose convolutions are random, but not PyTorch's start."""
    model = network(classes)
    with torch.no_grad():
        for layer in (model[0], model[2]):
            layer.weight.normal_(0, 0.35)
            layer.bias.uniform_(-0.05, 0.1)
    return model


def _silence(conv, filters):
    """Filters that answer to nothing: each in another way."""
    for number, which in enumerate(filters):
        if number % 3 == 0:
            conv.bias[which] = -40.0
        elif number % 3 == 1:
            conv.weight[which] = -conv.weight[which].abs()
            conv.bias[which] = -0.1
        else:
            conv.weight[which], conv.bias[which] = 0.0, -0.01


def _copy_filter(conv, source, target, factor):
    conv.weight[target] = factor * conv.weight[source]


def _mix(conv, source, target, cosine):
    """Gives the filter `target` this cosine with the filter `source`."""
    one, other = (F.normalize(conv.weight[place].flatten(), dim=0) for place in (source, target))
    across = F.normalize(other - (one @ other) * one, dim=0)
    conv.weight[target] = (cosine * one + math.sqrt(1 - cosine**2) * across).view_as(conv.weight[target])


def _some(count):
    """So many filters of the first layer, by lot."""
    return torch.randperm(FILTERS)[:count].tolist()


# What is done to the first layer. Names say what a model has, not what is to be said of it.
_CHANGES: dict[str, Callable] = {
    "nothing special": lambda conv: None,
    "one silent filter": lambda conv: _silence(conv, _some(1)),
    "two silent filters": lambda conv: _silence(conv, _some(2)),
    "five silent filters": lambda conv: _silence(conv, _some(5)),
    "six silent filters": lambda conv: _silence(conv, _some(6)),
    "silent on a dark picture": lambda conv: _need_light(conv, _some(4)),
    "two alike": lambda conv: _copy_filter(conv, *_some(2), 1.0),
    "two alike, one stronger": lambda conv: _stronger(conv, *_some(2)),
    "two alike but for a constant": lambda conv: _offset(conv, *_some(2)),
    "three alike": lambda conv: _three_alike(conv, *_some(3)),
    "two opposite": lambda conv: _opposite(conv, _some(4)),
    "two similar": lambda conv: _mix(conv, *_some(2), 0.95),
    "two very similar": lambda conv: _mix(conv, *_some(2), 0.997),
    "two silent and two alike": lambda conv: _silent_and_alike(conv, *_some(4)),
}


def _need_light(conv, filters):
    """Filters of positive weights that a nearly black picture leaves silent."""
    for which in filters:
        conv.weight[which] = conv.weight[which].abs()
        conv.bias[which] = -0.5


def _stronger(conv, source, target):
    """A duplicate with larger weights and quite another bias."""
    _copy_filter(conv, source, target, 3.0)
    conv.bias[target] = 2.5


def _offset(conv, source, target):
    """No duplicate: another direction, although the two rise and fall together."""
    conv.weight[target] = conv.weight[source] - conv.weight[source].mean() + 0.5


def _three_alike(conv, first, second, third):
    _copy_filter(conv, first, second, 0.5)
    _copy_filter(conv, first, third, 2.0)


def _opposite(conv, filters):
    _copy_filter(conv, filters[0], filters[1], -1.0)
    _copy_filter(conv, filters[2], filters[3], -1.5)


def _silent_and_alike(conv, a, b, c, d):
    _silence(conv, [a, b])
    _copy_filter(conv, c, d, 1.0)


# The first layer, and how the rest of a model comes about or what it is shown.
KINDS = (
    *((change, "") for change in _CHANGES),
    ("nothing special", "unsure"),
    ("nothing special", "later layer half silent"),
    ("nothing special", "random start"),
    ("one silent filter", "random start"),
    ("two opposite", "random start"),
    ("two silent filters", "random start"),
    ("two alike", "random start"),
    ("nothing special", "0 to 255"),
    ("nothing special", "0 to 255, uint8"),
    ("two silent filters", "0 to 255"),
    ("two alike", "0 to 255, uint8"),
)


@functools.lru_cache(maxsize=256)
def _case(filters, rest, seed):
    """A model, pictures and labels with these properties; made once for each seed. Call it aside."""
    torch.manual_seed(seed)
    classes = 3 + seed % 4
    pictures, labels = pictures_and_labels(classes, count=20 + seed % 9, size=(8 + seed % 3, 11 - seed % 4))
    model = network(classes) if rest == "random start" else _start(classes)
    _awaken(model[0], pictures)
    with torch.no_grad():
        _CHANGES[filters](model[0])
        if rest == "later layer half silent":
            model[2].bias[::2] = -60.0
    if rest != "random start":
        _solved(model, pictures, labels, _unsure_logits(classes) if rest == "unsure" else _EASY_LOGITS + math.log(classes))
    if rest.startswith("0 to 255"):
        pictures = (pictures * 255).to(torch.uint8) if rest.endswith("uint8") else pictures * 255
    return model, pictures, labels


def _unsure_logits(classes):
    """The score at which the cross-entropy is 0.4 · ln classes, if all other scores are 0."""
    return -math.log((classes**0.4 - 1) / (classes - 1))


@aside()
def case(filters, rest="", seed=0):
    """A copy of the model of these properties, with its pictures and labels."""
    model, pictures, labels = _case(filters, rest, seed)
    return copy.deepcopy(model), pictures.clone(), labels.clone()


def judged(answer, cases):
    """Hands over models, pictures and labels, one case after another, and tells the diagnosis and what became of the first model.

    The arguments of a check are those of `judged.prepare`: what a case is called does not come near the answer.
    """
    report = _judged(answer, **cases[0])
    for number, other in enumerate(cases[1:], 2):
        report[f"the diagnosis of model {number}"] = _judged(answer, **other)["the diagnosis"]
    return report


def _prepare(filters, rest="", seed=0, others=()):
    """The cases of these kinds as plain data: the weights of a model, its pictures and labels."""
    run = random_seed()
    cases = []
    for place, kind in enumerate([(filters, rest), *others]):
        # In a grading run nobody can make the same cases beforehand.
        own = int(np.random.default_rng([run, seed + place]).integers(2**31)) if run else seed + place
        model, pictures, labels = case(*kind, own)
        weights = {name: values.detach().clone() for name, values in model.named_parameters()}
        cases.append({"weights": weights, "pictures": pictures, "labels": labels, "training": own % 2 == 0})
    return (cases,)


judged.prepare = _prepare


@aside()
def _judged(answer, weights, pictures, labels, training):
    model = network(len(weights["6.bias"])).train(training)
    model.load_state_dict(weights)
    for parameter in model.parameters():
        parameter.grad = torch.rand_like(parameter)
    before = {name: (values.clone(), values.grad.clone()) for name, values in model.named_parameters()}
    given = pictures.clone(), labels.clone()
    diagnosis = answer(model, *given)
    after = dict(model.named_parameters())
    return {
        "the diagnosis": diagnosis if isinstance(diagnosis, str) else describe(diagnosis),
        "the model keeps its weights": after.keys() == before.keys() and all(equal(before[name][0], after[name]) for name in after),
        "the model keeps its gradients": all(_equal(before[name][1], after[name].grad) for name in after if name in before),
        "the model keeps its mode": all(module.training == training for module in model.modules()),
        "all weights can still learn": all(values.requires_grad for values in after.values()),
        "hooks are left behind": any(module._forward_hooks or module._forward_pre_hooks for module in model.modules()),
        "pictures and labels stay as they were": _equal(pictures, given[0]) and _equal(labels, given[1]),
    }


def _equal(one, other):
    return other is not None and one.dtype == other.dtype and equal(one, other)


# --- prune_filters ----------------------------------------------------------------------------------------------------


def _lopsided(classes, seed):
    """A network in which the order of the first layer's filters by L2 norm is not that by L1 norm, largest weight, sum or with the bias."""
    torch.manual_seed(seed)
    model = network(classes)
    randomise(model)
    with torch.no_grad():
        conv = model[0]
        few = (torch.rand(FILTERS, 1, 1, 1) * 0.9 + 0.1 > torch.rand(conv.weight.shape)).float()
        conv.weight.mul_(few).mul_(1 + 2 * torch.rand(FILTERS, 1, 1, 1))
        conv.bias.mul_(12)
        model[2].weight.mul_(0.3)
        model[6].weight.mul_(0.1)
    return model


@aside()
def pruned(answer, keep, classes=5, seed=0):
    """Has a model shrunk, and tells what stands in the new one, what it says of pictures, and what became of the old one."""
    model = _lopsided(classes, seed)
    before = copy.deepcopy(model.state_dict())
    pictures = torch.rand(3, 3, 9, 8)
    smaller = answer(model, keep)
    if not isinstance(smaller, nn.Module):
        names = ("the layers of the new model", "the weight of its first layer", "the bias of its first layer")
        return dict.fromkeys(names, f"no model, but {describe(smaller)}")
    layers = list(smaller.children())
    convs = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    report = {"the layers of the new model": ", ".join(type(layer).__name__ for layer in layers)}
    for which, conv in zip(("first", "second"), convs, strict=False):
        report[f"the weight of its {which} layer"] = conv.weight.detach().clone()
        report[f"the bias of its {which} layer"] = "None" if conv.bias is None else conv.bias.detach().clone()
    own = {values.data_ptr() for values in model.parameters()}
    return report | {
        "its convolutions say of themselves": ", ".join(f"{conv.in_channels} → {conv.out_channels}" for conv in convs),
        "its scores": attempt(lambda: smaller(pictures).detach().clone()),
        "it shares weights with the model given": any(values.data_ptr() in own for values in smaller.parameters()),
        **_as_it_was(model, before),
    }


@aside()
def after_refusal(answer, keep, classes=5, seed=0):
    """Asks for a number of filters that cannot be kept, and tells what became of the model."""
    model = _lopsided(classes, seed)
    before = copy.deepcopy(model.state_dict())
    try:
        answer(model, keep)
        refused = False
    except ValueError:
        refused = True
    return {"it raises ValueError": refused, **_as_it_was(model, before)}


def _as_it_was(model, before):
    after = model.state_dict()
    same = after.keys() == before.keys() and all(equal(before[name], after[name]) for name in after)
    form = [(conv.in_channels, conv.out_channels) for conv in (model[0], model[2])] == [(3, FILTERS), (FILTERS, 16)]
    return {
        "the model given stays as it was": same and form and len(model) == 7,
        "all weights of the model given can still learn": all(values.requires_grad for values in model.parameters()),
    }
