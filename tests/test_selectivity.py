"""What filters are choosy about, of filters whose taste is known."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from filterlab import images, kernels, models, selectivity

DEGREES = range(0, 180, 10)


def layer(*filters):
    """A layer of such kernels (k, k), each reading the mean of three channels, in a network of its own."""
    weight = torch.tensor(np.array(filters), dtype=torch.float32)[:, None].expand(-1, 3, -1, -1) / 3
    conv = nn.Conv2d(3, *weight.shape[:1], weight.shape[-1], padding=weight.shape[-1] // 2, bias=False)
    conv.weight.data = weight.clone()
    return nn.Sequential(conv)


def test_waves_are_those_of_lesson_01():
    waves = selectivity.waves(32, 30, wavelengths=(6, 8), phases=2)
    assert waves.shape == (4, 3, 32, 32) and waves.min() >= 0 and waves.max() <= 1
    drawn = images.stripes(16, 16, 8, math.radians(30))  # bright in its top left pixel; these are bright in the middle one
    torch.testing.assert_close(waves[2, 1, 16:, 16:], torch.tensor(drawn).float(), atol=1e-5, rtol=0)
    torch.testing.assert_close(waves[3], 1 - waves[2], atol=1e-5, rtol=0)


@pytest.mark.parametrize("degrees", [0, 20, 45, 90, 130, 170])
def test_filters_of_one_direction_are_found_to_prefer_it(degrees):
    theta = math.radians(degrees)
    filters = [np.pad(kernels.steer(theta), 1), kernels.gabor(5, theta, 5), kernels.gabor(5, theta, 5, phase=0)]
    choosiness, preferred = selectivity.choosiness(selectivity.tuning(layer(*filters), DEGREES)["0"], DEGREES)
    assert (choosiness > 0.28).all()  # one whose answer falls as the cosine has 1/3
    apart = (preferred - degrees + 90) % 180 - 90
    assert (apart.abs() < 8).all()


def test_a_filter_without_a_direction_is_not_choosy_and_one_that_never_answers_is_named_zero():
    spot, dead = kernels.gaussian(5, 1) - 1 / 25, np.zeros((5, 5))
    choosiness, preferred = selectivity.choosiness(selectivity.tuning(layer(spot, dead), DEGREES)["0"], DEGREES)
    assert choosiness[0] < 0.05 and choosiness[1] == 0 and preferred[1] == 0


def test_a_wedge_covers_its_share_of_the_circle():
    rows, columns = np.mgrid[:65, :65] - 32
    disk = torch.tensor(np.hypot(rows, columns) <= 30)
    for opening in (180, 90, 45):
        wedges = selectivity.wedges(65, opening, reach=0, directions=8, shifts=1)
        assert wedges.shape == (16, 3, 65, 65)
        shares = wedges[:, 0, disk].mean(dim=1)
        torch.testing.assert_close(shares[:8], torch.full((8,), opening / 360), atol=0.02, rtol=0)
        torch.testing.assert_close(shares[8:], 1 - shares[:8])
    right = selectivity.wedges(65, 90, reach=0, directions=4, shifts=1)[0, 0]
    assert right[32, 50] == 1 and right[32, 10] == 0, "direction 0 opens to the right"


def test_the_tips_of_wedges_stand_within_reach():
    wedges = selectivity.wedges(33, 45, reach=6, directions=1, shifts=3)[:9, 0]
    first = [(wedge > 0.9).nonzero()[:, 1].min().item() for wedge in wedges]  # all open to the right
    assert [column - first[0] for column in first] == [0, 6, 12] * 3


def test_the_strongest_answer_is_taken_in_the_middle_of_the_map():
    pictures = torch.rand(700, 3, 9, 8, generator=torch.Generator().manual_seed(0))
    model = layer(kernels.sobel_x, kernels.laplacian)
    wanted = model(pictures)[:, :, 4, 4].amax(dim=0).detach()
    torch.testing.assert_close(selectivity.strongest_answers(model, pictures)["0"], wanted)


def small_network():
    """Convolutions, ReLU and pooling, all padded as in the network that comes with the course."""
    return models.small_cnn(3, channels=(4, 5)).eval()


def test_best_patches_lie_inside_and_give_their_answers_again():
    model, pictures = small_network(), torch.rand(6, 3, 20, 24, generator=torch.Generator().manual_seed(0)) + 0.1
    patches, answers = selectivity.best_patches(model, "conv2", pictures, k=4)
    assert patches.shape == (5, 4, 3, 8, 8) and (patches > 0).all() and (answers.diff(dim=1) <= 0).all()
    torch.testing.assert_close(selectivity.own_answers(model, "conv2", patches), answers)
    weaker = selectivity.own_answers(model, "conv2", patches.flip(-1))
    assert weaker.shape == answers.shape and not torch.allclose(weaker, answers)


def test_patches_that_no_answer_sees_exactly_are_refused():
    with pytest.raises(ValueError, match=r"patches are 9×9 pixels, an answer of conv2 sees \(8, 8\)"):
        selectivity.own_answers(small_network(), "conv2", torch.rand(5, 2, 3, 9, 9))


def test_color_is_what_the_slices_do_not_share():
    edge = torch.tensor(kernels.sobel_x)
    opponent, half = torch.stack([edge, -edge, 0 * edge]), torch.stack([2 * edge, edge, 0 * edge])
    shares = selectivity.color_share(torch.stack([torch.stack([edge] * 3), opponent, half]))
    torch.testing.assert_close(shares, torch.tensor([0, 1, 0.4], dtype=torch.float64))
    random = torch.randn(2000, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    assert abs(selectivity.color_share(random).mean() - 2 / 3) < 0.01


def test_cosines_tell_twins_from_opposites():
    edge = torch.tensor(kernels.sobel_x)
    filters = torch.stack([edge, 3 * edge, -edge, torch.tensor(kernels.sobel_y)])[:, None]
    wanted = torch.tensor([[1, 1, -1, 0], [1, 1, -1, 0], [-1, -1, 1, 0], [0, 0, 0, 1]], dtype=torch.float64)
    torch.testing.assert_close(selectivity.cosines(filters), wanted)
