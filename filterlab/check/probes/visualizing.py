"""Lesson 05, what the filters see: probes that build small models, ask an answer about them, and report plain data.

The names in a report are phrases: a check puts them into its sentences.
"""

import random
from collections import OrderedDict

import numpy as np
import torch
from torch import equal, nn  # not torch.equal, which an answer may patch
from torch.nn import functional as F
from torch.nn.modules import module as torch_module

from filterlab.check.probes import plain
from filterlab.check.probes.common import alike, aside, randomise

CLASSES = 5
LAYERS = ("conv1", "relu", "block", "block.conv", "block.norm", "block.relu", "skip", "mix")
# An unknown one, parts of names, names of weights, of methods, and of settings.
NO_LAYERS = ("conv9", "conv", "bloc", "block.conv9", "conv1.block", "conv1.weight", "forward", "training")


class Network(nn.Module):
    """Convolutions, one of them inside a block; `relu` and `mix` run twice, and most outputs are changed in place by what comes next."""

    def __init__(self, seed: int, norm: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, kernel_size=3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        conv, middle = nn.Conv2d(4, 4, kernel_size=3, padding=1), nn.BatchNorm2d(4) if norm else nn.Identity()
        self.block = nn.Sequential(OrderedDict(conv=conv, norm=middle, relu=nn.ReLU(inplace=True)))
        self.skip = nn.Identity()
        self.mix = nn.Conv2d(4, 4, kernel_size=1)
        self.head = nn.Linear(4, CLASSES)
        torch.manual_seed(seed)
        randomise(self)
        _use(self)

    def forward(self, x):
        x = self.block(self.relu(self.conv1(x)))
        x = x + self.skip(x) / 2
        x = self.mix(self.relu(self.mix(x)))
        return self.head(F.leaky_relu_(x, 0.1).mean(dim=(2, 3)))


def _use(model: nn.Module) -> None:
    """Leaves traces of earlier use: one gradient, and one frozen weight."""
    model.conv1.weight.grad = torch.randn(model.conv1.weight.shape)
    model.head.bias.requires_grad_(False)


class _Kept:
    """What an answer must leave as it is in a model."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.state = {name: values.clone() for name, values in model.state_dict().items()}
        self.gradients = {name: _copied(weight.grad) for name, weight in model.named_parameters()}
        self.learning = {name: weight.requires_grad for name, weight in model.named_parameters()}
        self.modes = [module.training for module in model.modules()]

    def report(self) -> dict[str, bool]:
        weights = dict(self.model.named_parameters())
        state = self.model.state_dict()
        return {
            "a hook is left behind": _hooks(self.model) > 0,
            "the model is in the mode it was in": [module.training for module in self.model.modules()] == self.modes,
            "weights and running statistics stay": all(equal(values, state[name]) for name, values in self.state.items()),
            "frozen weights stay frozen": not any(weights[name].requires_grad for name, learns in self.learning.items() if not learns),
            "all other weights can still learn": all(weights[name].requires_grad for name, learns in self.learning.items() if learns),
            "the earlier .grad of a weight stays": all(
                _equal(old, weights[name].grad) for name, old in self.gradients.items() if old is not None
            ),
            "weights without .grad still have none": all(weights[name].grad is None for name, old in self.gradients.items() if old is None),
        }


def _hooks(model: nn.Module) -> int:
    """How many hooks the model's parts have, methods put in the place of `forward` included; and those for every module."""
    kinds = [kind for kind in vars(nn.Module()) if kind.endswith("hooks")]
    own = sum(len(getattr(module, kind)) for module in model.modules() for kind in kinds)
    replaced = sum("forward" in vars(module) for module in model.modules())
    return own + replaced + sum(len(value) for name, value in vars(torch_module).items() if name.startswith("_global_") and "hooks" in name)


def _copied(value):
    return value.detach().clone() if isinstance(value, torch.Tensor) else value


def _equal(one, other):
    return other is not None and equal(one, other)


# --- feature_maps -----------------------------------------------------------------------------------------------------


@aside()
def maps_of(answer, layer, x, training=False, seed=0):
    """Asks for what a layer gives for x; in training mode, the model has no batch norm."""
    model = Network(seed, norm=not training).train(training)
    kept = _Kept(model)
    maps = answer(model, layer, x)
    asks = isinstance(maps, torch.Tensor) and maps.requires_grad
    return {"the result": _copied(maps), "the result asks for gradients": asks, **kept.report()}


@aside()
def after_an_error(answer, layer, x, seed=0):
    """Asks for a layer's maps of pictures with too few channels, at which the model stops with an error."""
    model = Network(seed).eval()
    kept = _Kept(model)
    try:
        answer(model, layer, x)
        stopped = False
    except NotImplementedError:
        raise
    except Exception:
        stopped = True
    return {"the model's error comes through": stopped, **kept.report()}


@aside()
def maps_on_paper(answer):
    """A filter of one weight, 2, with bias -1, and an in-place ReLU after it; the picture is 0, 3."""
    model = nn.Sequential(OrderedDict(conv=_one_by_one([[2.0]], [-1.0]), relu=nn.ReLU(inplace=True)))
    return _copied(answer(model, "conv", torch.tensor([[[[0.0, 3]]]])))


def _one_by_one(weight, bias):
    """A Conv2d of size 1×1 with this weight (out, in) and bias."""
    layer = nn.Conv2d(len(weight[0]), len(weight), kernel_size=1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight)[:, :, None, None])
        layer.bias.copy_(torch.tensor(bias))
    return layer


# --- maximize_activation ----------------------------------------------------------------------------------------------

EXCITABLE = ("conv1", "relu", "block.conv")
# The part of the report that a test cell asks for on its own.
SAME_SEED = "the same seed gives the same picture"
# Which colours (rows: the filter of this channel) make a channel of the first layer answer.
_COLOURS = torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1], [3, 3, 3]])


class Responsive(nn.Module):
    """Two convolutions whose channels answer to different colours, strongly, and are alive on grey, noise and black.

    The stride leaves the last row or column of a picture of even size out: no gradient comes there.
    """

    def __init__(self, seed: int, norm: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, kernel_size=3, stride=2)
        self.relu = nn.ReLU(inplace=True)
        conv, middle = nn.Conv2d(4, 4, kernel_size=3, padding=1), nn.BatchNorm2d(4) if norm else nn.Identity()
        self.block = nn.Sequential(OrderedDict(conv=conv, norm=middle, relu=nn.ReLU(inplace=True)))
        self.head = nn.Linear(4, CLASSES)
        torch.manual_seed(seed)
        with torch.no_grad():
            self.conv1.weight.copy_(4 * _COLOURS[:, :, None, None] * (0.5 + torch.rand(4, 3, 3, 3)))
            self.conv1.bias.copy_(torch.tensor([30.0, 30, 30, 10]))
            conv.weight.copy_((2 * torch.eye(4) - 0.6)[:, :, None, None] * (0.5 + torch.rand(4, 4, 3, 3)))
            grey = conv(self.relu(self.conv1(torch.full((1, 3, 9, 9), 0.5)))) - conv.bias[:, None, None]
            conv.bias.copy_(30 - grey.mean(dim=(0, 2, 3)))
        _use(self)

    def forward(self, x):
        return self.head(self.block(self.relu(self.conv1(x))).mean(dim=(2, 3)))


@aside()
def excited(answer, layer, channel, shape, training=False, seed=0, picture_only=False):
    """Has a picture made that excites a channel, and one for another channel; and twice the same one, in few steps.

    picture_only: tell what is good or bad about the picture, and not what depends on the seed and what is left behind.
    """
    model = Responsive(seed, norm=not training).train(training)
    kept = _Kept(model)
    # No run finds the global random states where another did.
    runs = [(1, channel, {}), (2, (channel + 1) % 4, {}), (3, channel, {"steps": 8}), (4, channel, {"steps": 8})]
    made = []
    for chaos, target, steps in runs[:2] if picture_only else runs:
        for set_seed in (torch.manual_seed, np.random.seed, random.seed):
            set_seed(chaos)
        result = answer(model, layer, target, shape, seed=seed, **steps)
        made.append(_copied(result))
        if not isinstance(result, torch.Tensor) or result.shape != shape:
            return {"pictures": [], "the picture": tuple(getattr(result, "shape", ())) or type(result).__name__}
    return {"pictures": made, **({} if picture_only else kept.report())}


@aside()
def _told_of_pictures(report, layer, channel, shape, training=False, seed=0, picture_only=False):
    """What is good or bad about the pictures of a report, judged by a model that no answer has had in its hands."""
    made, left = report["pictures"], {name: value for name, value in report.items() if name != "pictures"}
    if len(made) != (2 if picture_only else 4):
        return left
    if not all(isinstance(picture, torch.Tensor) and picture.shape == shape for picture in made):
        raise ValueError("these are no pictures")
    gain = _gain(Responsive(seed, norm=not training), layer, made[0].reshape(-1, *shape[-3:]), seed)
    # Another channel matters only where this one is not excited.
    excited = channel if gain[channel] > 2 else int(gain.argmax())
    return {
        "the picture": tuple(made[0].shape),
        "the picture's values lie between 0 and 1": bool(((made[0] >= 0) & (made[0] <= 1)).all()),
        "what the picture clearly excites more than noise does": f"channel {excited}" if gain[excited] > 2 else "no channel",
        "it excites this channel clearly less than noise does": bool(gain[channel] < -2),
        "the picture for another channel is the same": alike(made[0], made[1]),
        **({} if picture_only else {SAME_SEED: _of_one_seed(made, gain[channel])}),
        **left,
    }


def _of_one_seed(made, gain):
    """Pictures that excite nothing are easily the same."""
    return "no" if not alike(*made[2:]) else "yes" if gain > 1 else "yes, but they do not excite the channel"


excited.conclude = _told_of_pictures


def _gain(model, layer, pictures, seed):
    """For each channel, the weakest picture's mean activation among 32 of uniform noise: 0 is their mean, 1 the best of them."""
    noise = torch.rand(32, *pictures.shape[1:], generator=torch.Generator().manual_seed(seed))
    given = []
    model.eval()
    handle = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: given.append(output.mean(dim=(2, 3))))
    with torch.no_grad():
        model(torch.cat([noise, pictures.float()]))
    handle.remove()
    noise, excited = given[0][:32], given[0][32:]
    return (excited.amin(dim=0) - noise.mean(dim=0)) / (noise.amax(dim=0) - noise.mean(dim=0))


# --- saliency ---------------------------------------------------------------------------------------------------------


@aside()
def saliency_of(answer, x, label, seed=0):
    """Asks for the saliency of pictures x for one label, or one for each."""
    model = Network(seed).eval()
    kept = _Kept(model)
    return {"the result": _copied(answer(model, x, label)), **kept.report()}


@aside()
def saliency_on_paper(answer):
    """One pixel with three channels, two classes: logit 0 is -2·red - 5·green - 3·blue, logit 1 is 4·green."""
    model = nn.Sequential(_one_by_one([[-2.0, -5, -3], [0, 4, 0]], [0.0, 0]), nn.Flatten())
    return _copied(answer(model, torch.full((1, 3, 1, 1), 0.5), 0))


# --- orientation ------------------------------------------------------------------------------------------------------


@plain
def in_range(answer, filters):
    """Asks for the orientations of several filters, and tells between what numbers they lie."""
    # By rounding, an angle of 0 may come out as a trifle below 180, or as 180 itself.
    angles = [float(answer(one)) for one in filters]
    return {
        "some angle is below 0": min(angles) < -1e-6,
        "some angle is 180 or more": max(angles) > 180 + 1e-6,
    }


# --- ablate -----------------------------------------------------------------------------------------------------------


@aside()
def ablated(answer, layer, channels, x, seed=0):
    """Has channels of a layer ablated one after another, and tells of the last copy and of the model given."""
    model = Network(seed).eval()
    kept, before = _Kept(model), _answers(model, x)
    copied = model
    for channel in channels:
        copied = answer(copied, layer, channel)
        if not isinstance(copied, nn.Module):
            return {"the result": f"not a model, but {type(copied).__name__}"}
    report = {
        "the result": "a model",
        "the result is another model than the one given": copied is not model,
        "the names of its parts": " ".join(name for name, _ in copied.named_modules()),
        "the names of its weights": " ".join(copied.state_dict()),
    }
    if report["the names of its parts"] == " ".join(name for name, _ in model.named_modules()):
        given = []
        copied.get_submodule(layer).register_forward_hook(lambda module, inputs, output: given.append(_copied(output)))
        scores = _answers(copied, x)
        report |= {"what the layer gives": given[-1], "what the model gives": scores}
    mine, theirs = ({values.data_ptr() for values in one.state_dict().values()} for one in (model, copied))
    return report | {
        "the model given still gives what it gave": equal(before, _answers(model, x)),
        "the two models share weights": bool(mine & theirs),
        **kept.report(),
    }


def _answers(model, x):
    with torch.no_grad():
        return model(x.clone()).clone()


@aside()
def ablated_on_paper(answer):
    """Two channels answer a pixel of 1 with 2 and 3, and the next layer adds them up; channel 0 is ablated."""
    model = nn.Sequential(OrderedDict(conv=_one_by_one([[2.0], [3.0]], [0.0, 0]), relu=nn.ReLU(), add=_one_by_one([[1.0, 1]], [0.0])))
    return _answers(answer(model, "conv", 0), torch.ones(1, 1, 1, 1))
