"""What an answer hangs on: against gradients and scores worked out by hand, and with the model left as it was."""

import copy

import pytest
import torch
from torch import nn

from filterlab import attribution, models

X = torch.rand(2, 3, 12, 9, generator=torch.Generator().manual_seed(0))


def linear_on_pixels(weight):
    """A network whose only score is the sum of weight · pixel."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(weight.numel(), 1, bias=False))
    model[1].weight.data = weight.reshape(1, -1).clone()
    return model


def network():
    return models.small_cnn(5, channels=(4, 6)).eval()


def unchanged(model, before):
    return all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items()) and all(
        weight.grad is None for weight in model.parameters()
    )


def test_saliency_is_the_largest_weight_of_a_linear_network():
    weight = torch.randn(3, 12, 9, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(attribution.saliency(linear_on_pixels(weight), X, 0), weight.abs().amax(0).expand(2, -1, -1))


def test_saliency_takes_a_label_for_each_picture_and_touches_nothing():
    model = network()
    before = copy.deepcopy(model.state_dict())
    both = attribution.saliency(model, X, torch.tensor([3, 1]))
    assert both.shape == (2, 12, 9)
    for place, label in enumerate((3, 1)):
        torch.testing.assert_close(both[place], attribution.saliency(model, X[place : place + 1], label)[0])
    assert unchanged(model, before) and not X.requires_grad


def test_occlusion_is_what_the_square_was_worth():
    weight = torch.randn(3, 12, 9, generator=torch.Generator().manual_seed(1))
    falls = attribution.occlusion(linear_on_pixels(weight), X, 0, size=4, stride=3)
    assert falls.shape == (2, 3, 2)
    square = slice(3, 7), slice(3, 7)
    lost = (X - X.mean((2, 3), keepdim=True))[:, :, *square]
    torch.testing.assert_close(falls[:, 1, 1], (lost * weight[:, *square]).sum((1, 2, 3)))


def test_occlusion_of_all_of_it_leaves_a_flat_picture():
    model = network()
    flat = X.mean((2, 3), keepdim=True).expand_as(X)
    falls = attribution.occlusion(model, X[:, :, :9], 2, size=9, stride=1)
    wanted = model(X[:, :, :9])[:, 2] - model(flat[:, :, :9] * 0 + X[:, :, :9].mean((2, 3), keepdim=True))[:, 2]
    torch.testing.assert_close(falls[:, 0, 0], wanted.detach())


@pytest.mark.parametrize("settings", [{"size": 10}, {"size": 0}, {"stride": 0}])
def test_a_square_that_does_not_fit_is_refused(settings):
    with pytest.raises(ValueError, match="a square of 1 to 9 pixels"):
        attribution.occlusion(network(), X, 0, **settings)


@pytest.mark.parametrize(("layer", "channels"), [("conv1", 2), ("relu1", [0, 3]), ("norm2", (5, 1, 0))])
def test_ablated_channels_are_zero_and_nothing_else_is(layer, channels):
    model = network()
    before = copy.deepcopy(model.state_dict())
    ablated = attribution.ablate(model, layer, channels)
    place = list(dict(model.named_children())).index(layer) + 1
    maps, left = model[:place](X), ablated[:place](X)
    silent = [channels] if isinstance(channels, int) else list(channels)
    kept = [channel for channel in range(maps.shape[1]) if channel not in silent]
    assert not left[:, silent].any() and torch.equal(left[:, kept], maps[:, kept])
    assert unchanged(model, before) and torch.equal(model[:place](X), maps)
    assert list(ablated.state_dict()) == list(before)


def test_ablation_refuses_what_is_not_there():
    with pytest.raises(ValueError, match="layer='conv9' is not one of the model's parts: conv1, "):
        attribution.ablate(network(), "conv9", 0)
    with pytest.raises(ValueError, match=r"channels=\[4\] leave the 4 channels of conv1, 0 to 3"):
        attribution.ablate(network(), "conv1", 4)(X)


def test_random_weights_are_those_of_the_seed_and_in_the_layers_asked_for():
    model = network()
    before = copy.deepcopy(model.state_dict())
    state = torch.get_rng_state()
    everywhere, again, other = (attribution.randomized(model, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state) and unchanged(model, before)
    assert torch.equal(everywhere(X), again(X)) and not torch.equal(everywhere(X), other(X))
    last = attribution.randomized(model, 1, ["classifier"])
    assert [name for name, weight in last.state_dict().items() if not torch.equal(weight, before[name])] == [
        "classifier.weight",
        "classifier.bias",
    ]
    with pytest.raises(ValueError, match="layer='conv9'"):
        attribution.randomized(model, 1, ["conv9"])
