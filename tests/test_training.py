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


def test_the_untrained_model_is_measured_on_some_of_many_pictures_evenly_taken(train, monkeypatch):
    """Not on the first ones: a folder of pictures is sorted by class."""
    in_order = train[train.labels.argsort()][:500]
    monkeypatch.setattr(training, "UNTRAINED_PICTURES", 100)
    measured = []
    model = models.linear(8)
    model.register_forward_hook(lambda module, given, scores: measured.append(len(scores)) if not module.training else None)
    history = quick(model, in_order, 1, lr=1e-12)
    assert measured == [1, 100], "one to see whether the pictures fit"
    scores = model(in_order.images[::5])
    assert history.losses[0] == pytest.approx(nn.functional.cross_entropy(scores, in_order.labels[::5]).item(), abs=1e-5)


# The network -------------------------------------------------------------------------------------------------------------


def test_pooling_first_gives_the_same_answers_for_less_work(few):
    late, early = models.small_cnn(8), models.small_cnn(8, pool_first=True)
    assert [name for name, _ in early.named_children()][:5] == ["conv1", "pool1", "norm1", "relu1", "conv2"]
    quick(late, few, 1)
    assert late.norm1.weight.min() > 0, "a falling scale would turn the largest into the smallest"
    early.load_state_dict(late.state_dict())
    torch.testing.assert_close(early.eval()(few.images), late(few.images))
    seen = []
    early.norm1.register_forward_hook(lambda module, given, output: seen.append(tuple(output.shape)))
    early(few.images[:1])
    assert seen == [(1, 16, 16, 16)]


def test_the_first_filters_may_be_larger(few):
    model = models.small_cnn(8, channels=(4, 8), first_kernel=5)
    assert model.conv1.weight.shape == (4, 3, 5, 5) and model.conv2.weight.shape == (8, 4, 3, 3)
    assert model.conv1(few.images[:1]).shape == (1, 4, 32, 32)
    assert same(models.small_cnn(8, channels=(4, 8), first_kernel=3).state_dict(), models.small_cnn(8, channels=(4, 8)).state_dict())
    for size in (4, 0, -1):
        with pytest.raises(ValueError, match=f"first_kernel={size} must be odd and positive"):
            models.small_cnn(8, first_kernel=size)


def test_folding_changes_no_answer_and_not_the_model_given(few):
    model = models.small_cnn(8, channels=(4, 8), first_kernel=5)
    quick(model, few, 1)
    model.train()
    before = state(model)
    folded = models.fold(model)
    assert [name for name, _ in folded.named_children()][:4] == ["conv1", "relu1", "pool1", "conv2"] and not folded.training
    assert model.training and same(before, model.state_dict())
    torch.testing.assert_close(folded(few.images), model.eval()(few.images))
    assert all(weight.requires_grad for weight in folded.parameters())
    assert not any(weight.requires_grad for weight in models.fold(models.freeze(model)).parameters())


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (models.small_cnn(8, pool_first=True), "norm1 does not come right after a Conv2d, but after pool1"),
        (nn.Sequential(nn.BatchNorm2d(3)), "0 does not come right after a Conv2d, but after None"),
    ],
)
def test_what_cannot_be_folded_is_refused(model, said):
    with pytest.raises(ValueError, match=said):
        models.fold(model)


def test_the_optimizer_is_fused_where_torch_has_that(few, monkeypatch):
    """It never has it for complex numbers; which devices lack it depends on torch's version."""
    assert training._has_fused_adamw(torch.zeros(3)) and not training._has_fused_adamw(torch.zeros(3, dtype=torch.complex64))
    fused, plain = models.one_layer(8), models.one_layer(8)
    quick(fused, few)
    monkeypatch.setattr(training, "_has_fused_adamw", lambda like: False)
    quick(plain, few)
    for one, other in zip(fused.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)


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
