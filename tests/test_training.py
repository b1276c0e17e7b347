"""filterlab.training, models and whitening: what is learned, what is recorded, and that nothing half-trained passes as trained."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from filterlab import datasets, models, training, whitening
from filterlab.convolution import conv2d


@pytest.fixture(scope="module")
def train():
    return datasets.patterns(1500, seed=0)


@pytest.fixture(scope="module")
def test():
    return datasets.patterns(600, seed=1000)


@pytest.fixture
def few(train):
    return train[:200]


def quick(model, pictures, epochs=2, **settings):
    return training.fit(model, pictures, epochs, progress=False, **settings)


def state(model):
    return copy.deepcopy(model.state_dict())


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# What is learned ---------------------------------------------------------------------------------------------------------


def test_filters_beat_pixels_and_depth_beats_one_layer(train, test):
    linear, one, three = models.linear(8), models.one_layer(8), models.small_cnn(8)
    quick(linear, train, 6, lr=1e-3)
    quick(one, train, 12)
    quick(three, train, 5)
    shares = [training.accuracy(model, test) for model in (linear, one, three)]
    assert shares[0] < 0.4 < shares[1] < 0.65 < shares[2]


def test_digits_are_learned():
    train, test = datasets.digits()
    history = quick(models.small_cnn(10, in_channels=1), train, 6, test=test)
    assert history.accuracies[-1] > 0.97 and history.accuracies[0] < 0.3


# What is recorded --------------------------------------------------------------------------------------------------------


def test_history_starts_before_training_and_ends_with_the_model(few, test):
    model = models.one_layer(8)
    before, given = model.conv1.weight.detach().clone(), []
    history = quick(model, few, 3, test=test, watch=lambda history: given.append(len(history)))
    assert history.steps == [0, 1, 2, 3] and history.unit == "epoch" and given == [1, 2, 3, 4]
    assert history.filters.shape == (4, 6, 3, 3, 3)
    assert np.allclose(history.filters[0], before) and np.allclose(history.filters[-1], model.conv1.weight.detach())
    assert history.accuracies[-1] == training.accuracy(model, test)
    assert not model.training and next(model.parameters()).device.type == "cpu"


def test_losses_are_means_per_picture(train):
    """A learning rate of next to nothing leaves the model as it is: the first epoch's loss is the model's loss. 70 = 64 + 6."""
    history = quick(models.linear(8), train[:70], 1, lr=1e-12)
    assert history.losses[1] == pytest.approx(history.losses[0], abs=1e-5)
    assert history.accuracies[1] == history.accuracies[0]


def test_a_linear_classifier_is_recorded_as_one_picture_per_class(few):
    assert quick(models.linear(8), few).filters.shape == (3, 8, 3, 32, 32)


def test_the_bar_is_on_stdout_and_tells_the_loss(few, capsys):
    training.fit(models.linear(8), few, 2)
    printed = capsys.readouterr()
    assert "epoch 2, loss" in printed.out and "100%" in printed.out and printed.err == ""
    quick(models.linear(8), few)
    assert capsys.readouterr() == ("", "")


# Seeds -------------------------------------------------------------------------------------------------------------------


def test_the_seed_decides_everything_and_leaves_the_global_state_alone(few):
    def trained(seed, disturbance):
        torch.manual_seed(disturbance)
        expected = torch.get_rng_state()
        model = models.small_cnn(8, channels=(4, 8), seed=seed)
        model.pool2 = nn.Dropout2d(0.2)
        quick(model, few, 1, seed=seed)
        assert torch.equal(torch.get_rng_state(), expected)
        return model.state_dict()

    assert same(trained(1, disturbance=10), trained(1, disturbance=20))
    assert not same(trained(1, disturbance=10), trained(2, disturbance=10))


def test_frozen_layers_stay_as_they_are(few):
    model = models.one_layer(8)
    models.freeze(model.conv1)
    before = state(model)
    quick(model, few)
    assert torch.equal(model.conv1.weight, before["conv1.weight"]) and torch.equal(model.conv1.bias, before["conv1.bias"])
    assert not torch.equal(model.classifier.weight, before["classifier.weight"])


def test_augment_changes_what_the_model_sees(few):
    seen = []
    quick(models.linear(8), few, 1, augment=lambda batch: seen.append(len(batch)) or batch * 0)
    assert seen == [64, 64, 64, 8]


# Nothing half-trained ----------------------------------------------------------------------------------------------------


def test_a_loss_that_runs_away_leaves_the_model_as_it_was(few):
    model = models.one_layer(8)
    before = state(model)
    with pytest.raises(ValueError, match=r"no number any more in epoch \d, with lr=1e\+30: try a smaller lr") as error:
        quick(model, few, lr=1e30)
    assert same(before, model.state_dict()) and "\n" not in str(error.value)


def test_an_interrupt_keeps_the_last_whole_epoch(few, capsys):
    model, kept = models.small_cnn(8, channels=(4, 8)), {}

    def watch(history):
        if len(history) == 3:
            kept.update(state(model))

    def interrupted(batch):
        if kept:
            raise KeyboardInterrupt
        return batch

    history = quick(model, few, 5, watch=watch, augment=interrupted)
    assert capsys.readouterr().out == "stopped: the model has the weights of epoch 2 of 5\n"
    assert same(kept, model.state_dict()) and history.steps == [0, 1, 2] and not model.training


def test_an_error_on_the_way_leaves_the_model_as_it_was(few):
    def fails(history):
        if len(history) == 2:
            raise RuntimeError("disk full")

    model = models.one_layer(8)
    before = state(model)
    with pytest.raises(RuntimeError, match="disk full"):
        quick(model, few, watch=fails)
    assert same(before, model.state_dict())


@pytest.mark.parametrize(
    ("model", "settings", "said"),
    [
        (models.one_layer(8), {"epochs": 0}, "epochs=0 must be at least 1"),
        (models.one_layer(8), {"batch_size": 0}, "batch_size=0 must be at least 1"),
        (models.one_layer(8), {"lr": -1}, "lr=-1 must be a positive number"),
        (models.one_layer(8), {"lr": float("nan")}, "lr=nan must be a positive number"),
        (models.freeze(models.one_layer(8)), {}, "model has no weight that may change: all of its layers are frozen"),
        (
            models.one_layer(5),
            {},
            "model gives scores of shape (1, 5) for one picture, but labels go up to 7: expected (1, 8)",
        ),
        (models.one_layer(8, in_channels=1), {}, "model does not take pictures of shape (3, 32, 32)"),
        (nn.Sequential(nn.Flatten(), nn.Linear(7, 8)), {}, "model has no first layer of filters"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_changes(few, model, settings, said):
    before = state(model)
    with pytest.raises(ValueError) as error:
        quick(model, few, **settings)
    assert str(error.value).startswith(said)
    assert same(before, model.state_dict()) and model.training


def test_test_pictures_of_other_classes_are_refused(few):
    other = datasets.Pictures(few.images, few.labels, [*few.classes[1:], few.classes[0]])
    with pytest.raises(ValueError, match="names and their order must be the same"):
        quick(models.one_layer(8), few, test=other)


def test_accuracy_leaves_the_mode_and_refuses_other_pictures(few):
    model = models.small_cnn(8)
    share = training.accuracy(model, few)
    assert model.training and isinstance(share, float) and 0 <= share <= 1
    with pytest.raises(ValueError, match="does not take pictures of shape"):
        training.accuracy(model, datasets.digits()[1])


# Whitening ---------------------------------------------------------------------------------------------------------------


def test_whitened_windows_are_uncorrelated(few):
    layer = whitening.whitening_layer(few.images, eps=1e-6)
    flat = whitening.windows(few.images).flatten(1)
    answers = flat @ layer.weight.flatten(1).T + layer.bias
    assert torch.allclose(answers.mean(0), torch.zeros(27), atol=1e-3)
    assert torch.allclose(whitening.covariance(answers), torch.eye(27), atol=0.01)
    assert not any(weight.requires_grad for weight in layer.parameters())


def test_windows_are_cut_from_the_pictures():
    images = torch.arange(2 * 3 * 5 * 6.0).reshape(2, 3, 5, 6)
    for window in whitening.windows(images, size=2, n=50):
        rest, column = divmod(int(window[0, 0, 0]), 6)
        picture, row = divmod(rest, 5)
        picture //= 3
        assert torch.equal(window, images[picture, :, row : row + 2, column : column + 2])


@pytest.mark.parametrize(("settings", "said"), [({"eps": 0}, "eps=0 must be positive"), ({"size": 33}, "size=33 does not fit")])
def test_whitening_refuses_what_cannot_be(few, settings, said):
    with pytest.raises(ValueError, match=said):
        whitening.whitening_layer(few.images, **settings)


def test_conv1_is_the_course_s_conv2d(few):
    layer = models.one_layer(8).conv1
    with torch.no_grad():
        ours = conv2d(few.images[:2].numpy(), layer.weight.numpy(), layer.bias.numpy(), padding=1)
        assert np.allclose(layer(few.images[:2]), ours, atol=1e-5)
