"""The feature browser: Python's side alone, and then in a real JupyterLab, where its numbers must be Python's."""

import inspect

import ipywidgets
import numpy as np
import pytest
import torch
from playwright.sync_api import expect
from torch import nn

from filterlab import features, images
from filterlab.explore.feature_browser import FeatureBrowser
from tests.lab import (
    SLOW,
    await_python,
    executed,
    in_browser,
    in_python,
    jupyter_lab,
    new_page,
    open_and_run,
    open_exported,
    run_in_kernel,
    write_notebook,
)


def network(channels=3):
    """A small random one, every time the same; the notebooks define it, too."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first = nn.Conv2d(channels, 6, (5, 3), padding=(2, 1))
        rest = [nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(6, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.5)]
        return nn.Sequential(first, *rest, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))


def photographs():
    """Six cuts out of two photographs, (6, 3, 24, 32)."""
    pictures = [images.photograph(name, color=True, size=96) for name in ("hopper", "flower")]
    return np.stack([picture[:, row : row + 24, 8:40] for picture in pictures for row in (0, 20, 40)])


def test_maps_and_patches_are_the_models():
    model, pictures = network(), photographs()
    browser = FeatureBrowser(model, pictures)
    assert (browser.layer, browser.channel, browser.image_index) == ("0", 0, 0)
    x = torch.tensor(pictures, dtype=torch.float32)
    np.testing.assert_allclose(browser.maps, model[0](x).detach(), atol=1e-6)
    browser.channel = 5
    wanted = features.top_patches(model[0](x).detach(), x, 5, 9, (5, 3), 1, (2, 1))
    np.testing.assert_array_equal(browser.patches, wanted)
    browser.layer = "3"
    assert browser.channel == 3, "the second layer has four channels"
    np.testing.assert_allclose(browser.maps, model.eval()[:4](x).detach(), atol=1e-6)
    assert browser.patches.shape == (9, 3, 10, 8)
    browser.image_index = 4
    assert "picture 4" in browser.picture.alt and "layer 3, channel 3" in browser.picture.alt
    assert browser.picture.png.startswith(b"\x89PNG")


def test_the_model_stays_as_it_was():
    model = network().train()
    model[0].weight.requires_grad_(False)
    model[3].weight.grad = torch.ones_like(model[3].weight)
    model[5].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    browser = FeatureBrowser(model, photographs())
    browser.layer = "3"
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert model.training and not model[5].training and not model[0].weight.requires_grad and model[3].weight.requires_grad
    assert (model[3].weight.grad == 1).all() and not any(part._forward_hooks for part in model.modules())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((nn.Sequential(nn.Flatten(), nn.Linear(3, 2)), photographs()), "model has no convolution"),
        (("model", photographs()), "model is str, expected a torch.nn.Module"),
        ((network(), photographs()[:, :1]), r"images has shape \(6, 1, 24, 32\), but the model's first convolution, 0, takes 3 channels"),
        ((network(), photographs()[:0]), r"images has shape \(0, 3, 24, 32\)"),
        ((network(), photographs()[0]), r"images has shape \(3, 24, 32\), expected pictures \(n, c, h, w\)"),
        ((network(), photographs() * np.nan), "images holds 13824 values that are not finite"),
        ((network(), "pictures"), "images holds <U8 values"),
        ((network(), photographs()[..., :1]), r"the model does not take images of shape \(6, 3, 24, 1\)"),
        ((network(), np.zeros((200, 3, 100, 100))), "6,000,000 values, more than the 4,000,000"),
        ((nn.Conv2d(1, 200, 1), np.zeros((1, 1, 4, 4))), "model has no convolution: expected nn.Conv2d layers among its submodules"),
        ((nn.Sequential(nn.Conv2d(1, 200, 1)), np.zeros((50, 1, 50, 50))), "layer 0 has 25,000,000 values to show, more than 8,000,000"),
    ],
)
def test_what_cannot_be_browsed_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        FeatureBrowser(*given)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("layer", "1", "layer='1' is not one of the model's convolutions: 0, 3"),
        ("channel", 6, "channel=6 is out of range: layer 0 has channels 0 to 5"),
        ("channel", -1, "channel=-1"),
        ("image_index", 6, "image_index=6 is out of range: the pictures are 0 to 5"),
        ("image_index", 1.0, "image_index=1.0"),
    ],
)
def test_settings_out_of_range_are_refused_and_change_nothing(name, value, said):
    browser = FeatureBrowser(network(), photographs())
    before = getattr(browser, name)
    with pytest.raises(ValueError, match=said):
        setattr(browser, name, value)
    assert getattr(browser, name) == before


@pytest.mark.parametrize(
    "pictures",
    [photographs().mean(1, keepdims=True) * 2 - 1, (photographs()[:, :2] * 255).astype(np.uint8), torch.zeros(1, 5, 24, 32)],
    ids=["grey from −1 to 1", "two channels, bytes", "five channels, one empty picture"],
)
def test_pictures_of_any_channels_and_range(pictures):
    browser = FeatureBrowser(network(pictures.shape[1]), pictures)
    assert browser.picture.png and browser.patches.shape == (9, pictures.shape[1], 5, 3)


def test_weights_that_are_no_numbers_are_shown_as_such():
    model = network()
    model[0].weight.data[2] = torch.nan
    browser = FeatureBrowser(model, photographs())
    browser.channel = 2
    assert np.isnan(browser.maps[:, 2]).all() and browser.picture.png


def test_closing_frees_every_widget():
    before = set(ipywidgets.widgets.widget._instances)
    FeatureBrowser(network(), photographs()).close()
    assert set(ipywidgets.widgets.widget._instances) == before


# In the browser ----------------------------------------------------------------------------------------------------------

SETUP = """import numpy as np
import torch
from torch import nn
from filterlab import images
from filterlab.explore.feature_browser import FeatureBrowser
"""
CELLS = [
    SETUP + inspect.getsource(network) + inspect.getsource(photographs),
    "browser = FeatureBrowser(network(), photographs()); browser",
    "many = np.tile(photographs()[:, :1], (50, 1, 1, 1)) - 0.5\nrounded = FeatureBrowser(network(1), many); rounded",
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    write_notebook(folder / "browsers.ipynb", *CELLS)
    with jupyter_lab(folder) as lab:
        yield lab


@pytest.fixture(scope="module")
def browsers(lab, browser):
    """The page with two feature browsers; the last test closes one."""
    with new_page(browser) as page:
        open_and_run(lab, page, "browsers.ipynb")
        page.wait_for_function("[...document.querySelectorAll('.filterlab')].filter(root => root.held).length === 2", timeout=SLOW)
        yield page


def explorer(page, place=0):
    return page.locator(".filterlab-explorer").nth(place)


def slider(page, name, place=0):
    return explorer(page, place).locator(f".noUi-handle[aria-label='{name}']")


def held(page, place=0):
    script = "root => ({ ...root.held, map: [...root.held.map], filter: [...root.held.filter] })"
    return page.locator(".filterlab").nth(place).evaluate(script)


def await_held(page, place=0, **wanted):
    script = """([place, wanted]) => {
        const { held } = document.querySelectorAll(".filterlab")[place];
        return Object.keys(wanted).every(key => held[key] === wanted[key]);
    }"""
    page.wait_for_function(script, arg=[place, wanted])


def agrees(page, name, place, steps):
    """What the page holds is what Python has: exactly, or rounded to this share of a scale."""
    shown = held(page, place)
    maps = np.array(in_python(page, f"{name}.maps[{name}.image_index, {name}.channel].ravel().tolist()"))
    filters = np.array(in_python(page, f"{name}._weights[{name}.channel].flatten().tolist()"))
    np.testing.assert_allclose(shown["map"], maps, atol=steps * shown["mapLimit"] + 1e-9)
    np.testing.assert_allclose(shown["filter"], filters, atol=1e-9)
    places = [patch["place"] for patch in shown["patches"]]
    run_in_kernel(page, f"answers = {name}.maps[:, {name}.channel]; places = {places}")
    values, top, largest = in_python(
        page, "[[float(answers[tuple(p)]) for p in places], np.sort(answers.ravel())[:-10:-1].tolist(), float(abs(answers).max())]"
    )
    assert [patch["value"] for patch in shown["patches"]] == values == top
    assert shown["mapLimit"] == largest


@in_browser
@pytest.mark.parametrize(
    ("name", "place", "layer", "steps"),
    [("browser", 0, "0", 0), ("browser", 0, "3", 0), ("rounded", 1, "0", 0.51 / 127), ("rounded", 1, "3", 0)],
)
def test_the_page_holds_pythons_numbers(browsers, name, place, layer, steps):
    for channel, index in ((0, 0), (3, 5), (2, 1)):
        run_in_kernel(browsers, f"{name}.layer = {layer!r}; {name}.channel = {channel}; {name}.image_index = {index}")
        await_held(browsers, place, layer=layer, channel=channel, image=index)
        agrees(browsers, name, place, steps)
    said = "rounded to 1/127" in explorer(browsers, place).inner_text()
    assert said == (steps > 0)
    assert browsers.complaints == []


@in_browser
def test_sliders_change_channel_and_picture_and_tell_python(browsers):
    run_in_kernel(browsers, "browser.layer = '0'; browser.channel = browser.image_index = 0")
    await_held(browsers, layer="0", channel=0, image=0)
    slider(browsers, "channel").press("ArrowRight")
    await_held(browsers, channel=1, image=0)
    slider(browsers, "picture").press("End")
    await_held(browsers, channel=1, image=5)
    await_python(browsers, "[browser.channel, browser.image_index]", [1, 5])
    agrees(browsers, "browser", 0, 0)
    expect(explorer(browsers).locator(".filterlab-spoken")).to_contain_text("layer 0, channel 1, picture 5: strongest answer")


@in_browser
def test_moving_a_slider_does_not_wait_for_the_kernel(browsers):
    run_in_kernel(browsers, "browser.layer = '0'; browser.channel = 0")
    await_held(browsers, layer="0", channel=0)
    kernel = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
    browsers.evaluate(f"() => {{ {kernel}.requestExecute({{ code: 'import time; time.sleep(4)' }}) }}")
    browsers.wait_for_function(f"{kernel}.status === 'busy'")
    slider(browsers, "channel").press("ArrowRight")
    await_held(browsers, channel=1)
    assert browsers.evaluate(f"() => {kernel}.status") == "busy"
    explorer(browsers).locator("select").select_option("3")
    expect(explorer(browsers).get_by_role("status").first).to_have_text("computing 3 …")
    slider(browsers, "channel").press("ArrowRight")
    await_held(browsers, layer="0", channel=2)
    await_held(browsers, layer="3", channel=2)
    expect(explorer(browsers).get_by_role("status").first).to_have_text("")
    await_python(browsers, "[browser.layer, browser.channel, browser._channel.max]", ["3", 2, 3])


@in_browser
def test_a_layer_that_fails_says_so_on_the_page(browsers):
    run_in_kernel(browsers, "browser.layer = '0'; kept = browser._model[3]; browser._model[3] = nn.Linear(1, 1)")
    await_held(browsers, layer="0")
    explorer(browsers).locator("select").select_option("3")
    expect(explorer(browsers).get_by_role("status").first).to_contain_text("3 cannot be shown: ")
    assert held(browsers)["layer"] == "0"
    expect(explorer(browsers).locator("select")).to_have_value("0")
    run_in_kernel(browsers, "browser._model[3] = kept; browser.layer = '3'")
    await_held(browsers, layer="3")
    expect(explorer(browsers).get_by_role("status").first).to_have_text("")


@in_browser
def test_windows_stand_where_the_answer_looks_and_patches_are_cut_there(browsers):
    run_in_kernel(browsers, "browser.layer = '3'; browser.channel = 1; browser.image_index = 2")
    await_held(browsers, layer="3", channel=1, image=2)
    shown = held(browsers)
    row, column = np.unravel_index(np.argmax(shown["map"]), (6, 8))
    assert shown["best"] == [row, column]
    marks = explorer(browsers).locator(".filterlab-mark:visible")
    style = marks.first.evaluate("mark => ['top', 'left', 'height', 'width'].map(side => parseFloat(mark.style[side]) / 100)")
    top, left = max(0, 4 * row - 4), max(0, 4 * column - 3)
    bottom, right = min(24, 4 * row - 4 + 10), min(32, 4 * column - 3 + 8)
    np.testing.assert_allclose(style, [top / 24, left / 32, (bottom - top) / 24, (right - left) / 32], atol=1e-3)
    patches = np.array(in_python(browsers, "browser.patches.tolist()"))
    read = """canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"""
    drawn = explorer(browsers).locator("canvas[aria-label^='patch ']")
    assert drawn.count() == 9
    for place in range(9):
        pixels = np.reshape(drawn.nth(place).evaluate(read), (10, 8, 4))[..., :3]
        np.testing.assert_allclose(np.moveaxis(pixels, -1, 0), patches[place] * 255, atol=0.51)


@in_browser
def test_the_first_layer_is_shown_in_colour_too_and_outside_is_zero_not_black(browsers):
    run_in_kernel(browsers, "browser.layer = '0'; rounded.layer = '0'; rounded.channel = 0")
    await_held(browsers, 0, layer="0")
    await_held(browsers, 1, layer="0", channel=0)
    caption = "as a colour picture, zero grey"
    expect(explorer(browsers, 0).get_by_text(caption)).to_be_visible()
    expect(explorer(browsers, 1).get_by_text(caption)).to_be_hidden()
    expect(explorer(browsers, 1).get_by_text("black −0.5, white")).to_be_visible()
    run_in_kernel(browsers, "browser.layer = '3'")
    await_held(browsers, 0, layer="3")
    expect(explorer(browsers, 0).get_by_text(caption)).to_be_hidden()


@in_browser
def test_every_canvas_and_control_has_a_name_and_nothing_is_cut_off(browsers):
    assert explorer(browsers).locator("canvas:visible:not([aria-label]):not([aria-hidden])").count() == 0
    labels = explorer(browsers).locator(".noUi-handle").evaluate_all("handles => handles.map(handle => handle.getAttribute('aria-label'))")
    assert labels == ["channel", "picture"]
    browsers.set_viewport_size({"width": 900, "height": 1000})
    browsers.wait_for_timeout(300)
    wider = """root => {
        const right = part => part.getBoundingClientRect().right;
        return [...root.querySelectorAll("*")].filter(part => right(part) > right(root) + 4).length;
    }"""
    assert [browsers.locator(".filterlab").nth(place).evaluate(wider) for place in (0, 1)] == [0, 0]
    browsers.set_viewport_size({"width": 1400, "height": 1000})


@in_browser
def test_closing_takes_one_off_the_page_and_leaves_the_other(browsers):
    run_in_kernel(browsers, "browser.close()")
    expect(browsers.locator(".filterlab")).to_have_count(1)
    run_in_kernel(browsers, "rounded.layer = '0'; rounded.channel = 1")
    await_held(browsers, 0, layer="0", channel=1)
    slider(browsers, "channel").press("ArrowRight")
    await_held(browsers, 0, channel=2)
    assert browsers.complaints == []


@in_browser
def test_exported_page_shows_the_still(lab, page):
    open_exported(page, executed(lab.folder / "browsers.ipynb"), lab.folder / "browsers.html")
    still = page.locator("img[alt^='layer 0, channel 0']")
    expect(still.first).to_be_visible()
    assert still.count() == 2 and still.first.evaluate("image => image.naturalWidth") > 300
