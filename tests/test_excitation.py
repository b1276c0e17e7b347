"""Pictures that excite a channel: how much, of what make, and that the network stays as it was."""

import copy

import pytest
import torch
from torch import nn

from filterlab import excitation, models, pretrained

SHAPE = (2, 12, 10)


def network() -> nn.Sequential:
    """With an in-place ReLU, a batch norm whose modes differ, and a classifier."""
    with models.seeded(3):
        conv, norm = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)
        norm.running_mean.fill_(0.1)
        return nn.Sequential(conv, nn.ReLU(inplace=True), norm, nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


def roughness(pictures: torch.Tensor) -> float:
    """Mean square of the difference between neighbours."""
    return sum(pictures.diff(dim=axis).square().mean().item() for axis in (-1, -2))


def test_answers_are_the_means_of_the_maps_as_the_layer_gave_them():
    model, images = network(), excitation.noise(5, SHAPE)
    torch.testing.assert_close(excitation.answers(model, "0", images), model[0](images).mean((2, 3)).detach())
    assert (excitation.answers(model, "0", images) < 0).any(), "taken before the ReLU in place"
    assert model.training
    torch.testing.assert_close(excitation.answers(model, "6", images), model.eval()(images).detach())


def test_every_channel_of_the_first_two_layers_is_raised_fivefold_over_noise():
    model = pretrained.shipped()
    for layer, count in (("relu1", 32), ("relu2", 64)):
        noise = excitation.answers(model, layer, excitation.noise(100)).mean(0)
        pictures = excitation.maximize(model, layer, range(count))
        reached = excitation.answers(model, layer, pictures).diagonal()
        assert pictures.shape == (count, 3, 32, 32) and pictures.min() >= 0 and pictures.max() <= 1
        assert (reached > 0).all(), f"dead channels of {layer}: {(reached <= 0).nonzero().flatten().tolist()}"
        assert (reached > 5 * noise).all(), (reached / noise).min()


def test_restraints_make_smooth_pictures_that_still_excite():
    model = pretrained.shipped()
    plain, jittered, smooth = (
        excitation.maximize(model, "relu3", [0, 5, 9], steps=32, **settings) for settings in ({}, {"jitter": 2}, {"jitter": 2, "blur": 0.7})
    )
    noise = excitation.answers(model, "relu3", excitation.noise(50)).mean(0)[[0, 5, 9]]
    reached = [excitation.answers(model, "relu3", pictures)[range(3), [0, 5, 9]] for pictures in (plain, smooth)]
    assert (reached[0] > reached[1]).all() and (reached[1] > 3 * noise).all()
    assert roughness(smooth) < roughness(plain) / 5 and not torch.equal(plain, jittered)


def test_a_picture_is_the_same_alone_and_among_others():
    model = network()
    settings = {"shape": SHAPE, "steps": 10, "jitter": 1, "blur": 0.5}
    together = excitation.maximize(model, "2", torch.tensor([3, 0, 3]), **settings)
    alone = excitation.maximize(model, "2", 3, **settings)
    assert alone.shape == SHAPE
    torch.testing.assert_close(together[[0, 2]], torch.stack([alone, alone]))


def test_the_seed_decides_and_the_global_state_stays():
    def made(seed, disturbance):
        torch.manual_seed(disturbance)
        before = torch.get_rng_state()
        picture = excitation.maximize(network(), "0", 1, SHAPE, steps=3, jitter=2, seed=seed)
        assert torch.equal(torch.get_rng_state(), before)
        return picture

    assert torch.equal(made(1, 10), made(1, 20)) and not torch.equal(made(1, 10), made(2, 10))


@pytest.mark.parametrize("layer", ["0", "6"])
def test_the_model_is_left_as_it_was(layer):
    model = network()
    model[3].eval()
    models.freeze(model[6])
    model[0].weight.grad = torch.ones_like(model[0].weight)
    before = copy.deepcopy(model.state_dict())
    with torch.no_grad():
        excitation.maximize(model, layer, 0, SHAPE, steps=3)
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    assert [part.training for part in model] == [True, True, True, False, True, True, True]
    assert (model[0].weight.grad == 1).all() and model[0].bias.grad is None
    assert model[0].weight.requires_grad and not model[6].weight.requires_grad
    assert not any(part._forward_hooks for part in model)


def test_a_silent_channel_gets_its_start():
    model = nn.Sequential(nn.Conv2d(2, 2, 1), nn.ReLU())
    nn.init.constant_(model[0].weight, 1)
    model[0].bias.data = torch.tensor([-9.0, 0])
    silent, awake = excitation.maximize(model, "1", [0, 1], SHAPE, steps=20)
    assert 0.3 < silent.mean() < 0.7 and awake.mean() > 0.99


class Quiet(nn.Module):
    """Has a part that gives no maps, and one that never runs."""

    def __init__(self):
        super().__init__()
        self.total, self.spare = nn.Identity(), nn.Conv2d(2, 2, 1)

    def forward(self, x):
        return self.total(x.sum()).expand(len(x), 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"layer": "conv"}, "layer='conv' is not one of the model's parts: 0, 1, 2, 3, 4, 5, 6"),
        ({"channel": 4}, "channel=4 is not one of the 4 channels of '0', 0 to 3"),
        ({"channel": [0, -1]}, "channel=-1 is not one"),
        ({"layer": "6", "channel": 3}, "channel=3 is not one of the 3 channels of '6', 0 to 2"),
        ({"shape": (12, 10)}, "shape=(12, 10) must be that of one picture, (c, h, w)"),
        ({"steps": -1}, "steps=-1 must not be negative"),
        ({"lr": 0}, "lr=0 must be a positive number"),
        ({"jitter": 10}, "jitter=10 must be between 0 and 9 pixels for pictures 12×10"),
        ({"blur": -1}, "blur=-1 must be a number of pixels, 0 or more"),
        ({"model": Quiet(), "layer": "total"}, "layer='total' gives no channels when the model runs"),
        ({"model": Quiet(), "layer": "spare"}, "layer='spare' gives no channels when the model runs"),
    ],
)
def test_what_cannot_be_is_refused(change, said):
    given = {"model": network(), "layer": "0", "channel": 0, "shape": SHAPE} | change
    with pytest.raises(ValueError) as error:
        excitation.maximize(**given)
    assert str(error.value).startswith(said)
