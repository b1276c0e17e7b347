"""The window sliders: every setting that they offer exists, and what they show is what torch computes."""

import itertools

import numpy as np
import pytest
import torch

from filterlab import kernels
from filterlab.explore.window_sliders import WindowSliders

IMAGE = np.random.default_rng(0).random((5, 7))


def panels(sliders):
    return {panel.title.split(",")[0]: panel.values for panel in sliders.picture.panels}


def test_every_setting_on_offer_shows_the_answers_of_torch():
    sliders = WindowSliders(IMAGE, kernels.sobel_x)
    for stride, padding, dilation in itertools.product(range(1, 5), range(3), range(1, 4)):
        sliders._stride.value, sliders._padding.value, sliders._dilation.value = stride, padding, dilation
        settings = sliders.settings
        assert (settings["stride"], settings["padding"]) == (stride, padding)
        assert settings["dilation"] == min(dilation, sliders._dilation.max)
        x, weight = (torch.from_numpy(np.array(array))[None, None] for array in (IMAGE, kernels.sobel_x))
        wanted = torch.conv2d(x, weight, stride=stride, padding=padding, dilation=settings["dilation"])[0, 0].numpy()
        sliders._step.value = sliders._step.max
        np.testing.assert_allclose(panels(sliders)["answers"], wanted, atol=1e-12)
        np.testing.assert_allclose(panels(sliders)["products"].sum(), wanted.flat[-1], atol=1e-12)


def test_dilation_goes_only_as_far_as_the_window_fits():
    sliders = WindowSliders(IMAGE)  # five rows: dilation 2 reaches over all of them, 3 over seven
    assert sliders._dilation.max == 2
    sliders._padding.value = 1
    assert sliders._dilation.max == 3
    sliders._dilation.value = 3
    sliders._padding.value = 0
    assert sliders.settings == {"stride": 1, "padding": 0, "dilation": 2, "step": 0}


def test_answers_to_come_are_missing_and_the_window_is_the_one_of_the_step():
    sliders = WindowSliders(IMAGE)
    sliders._stride.value, sliders._step.value = 2, 4
    shown = panels(sliders)
    assert np.isnan(shown["answers"]).sum() == 1  # 2×3 answers, five of them written
    np.testing.assert_array_equal(shown["window"], IMAGE[2:5, 2:5])
    assert "row 1, column 1" in sliders._sum.value and "starts at row 2, column 2" in sliders._sum.value


def test_step_gives_way_when_there_are_fewer_positions():
    sliders = WindowSliders(IMAGE)
    sliders._step.value = 14
    sliders._stride.value = 4
    assert sliders.settings["step"] == sliders._step.max == 1


def test_every_control_has_a_label_and_the_page_a_picture_without_widgets():
    sliders = WindowSliders(IMAGE)
    controls = (sliders._stride, sliders._padding, sliders._dilation, sliders._step)
    assert [control.description for control in controls] == ["stride", "padding", "dilation", "step"]
    assert {"image/png", "text/html", "application/vnd.jupyter.widget-view+json"} <= set(sliders._repr_mimebundle_())


@pytest.mark.parametrize(
    ("image", "kernel", "said"),
    [
        (np.ones((3, 8, 8)), np.ones((3, 3)), r"image has shape \(3, 8, 8\)"),
        (np.ones((13, 8)), np.ones((3, 3)), r"image has shape \(13, 8\)"),
        (np.ones((8, 8)), np.ones((6, 6)), r"kernel has shape \(6, 6\)"),
        (np.ones((8, 2)), np.ones((3, 3)), r"kernel has shape \(3, 3\)"),
    ],
)
def test_what_cannot_be_shown_is_refused(image, kernel, said):
    with pytest.raises(ValueError, match=said):
        WindowSliders(image, kernel)
