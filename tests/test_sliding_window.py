"""SlidingWindow: what the page holds is what Python and torch compute, every control does what it says, and nothing is left behind."""

import itertools
import math
import re
import time

import ipywidgets
import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from filterlab import kernels
from filterlab.explore.sliding_window import SlidingWindow
from tests.lab import (
    SLOW,
    dropdown,
    executed,
    handle,
    in_browser,
    in_python,
    new_page,
    open_and_run,
    open_exported,
    run_in_kernel,
    write_notebook,
)

IMAGE = np.random.default_rng(0).random((5, 7)).round(2)
KERNEL = np.random.default_rng(1).normal(size=(3, 2)).round(2)
SET_UP = """
import json
import numpy as np
from filterlab import kernels
from filterlab.explore.sliding_window import SlidingWindow
image = np.random.default_rng(0).random((5, 7)).round(2)
explorer = SlidingWindow(image, kernels.sobel_x)

def start(shown=explorer):
    shown.dilation = shown.padding = 1
    shown.kernel, shown.image = kernels.sobel_x, image
    shown.stride, shown.padding, shown.mode, shown.step = 1, 0, "cross-correlation", 0

explorer
"""
STATE = """{**{name: getattr(explorer, name) for name in ("stride", "padding", "dilation", "channels", "mode", "step")},
    **{name: getattr(explorer, name).tolist() for name in ("image", "kernel", "response", "partial_sums")}}"""
RANDOM = """
rng = np.random.default_rng(7)
def draw():
    channels = int(rng.integers(1, 4))
    sizes = [int(size) for size in rng.integers(1, 6, 2)]
    explorer.kernel_size, explorer.dilation = 1, 1
    explorer.image = rng.normal(size=(channels, *rng.integers(1, 13, 2)))
    explorer.stride, explorer.padding = int(rng.integers(1, 5)), int(rng.integers(0, 4))
    explorer.mode = ["cross-correlation", "convolution"][rng.integers(2)]
    pixels = [side + 2 * explorer.padding for side in explorer.image.shape[1:]]
    sizes = [min(size, most) for size, most in zip(sizes, pixels)]
    explorer.kernel = rng.normal(size=(channels, *sizes)) * 10.0 ** rng.integers(-2, 3)
    fitting = [spread for spread in (1, 2, 3) if all(spread * (size - 1) < most for size, most in zip(sizes, pixels))]
    explorer.dilation = int(rng.choice(fitting))
    explorer.step = int(rng.integers(explorer.response.size))

def draws(count):
    states = []
    for _ in range(count):
        with explorer._view.hold_sync():
            draw()
        states.append(STATE)
    return states
""".replace("STATE", STATE)
PLAIN = """(held) => {
    const lists = (arrays) => arrays.map((array) => [...array]);
    return {...held, values: [...held.values], partial: lists(held.partial), padded: lists(held.padded)};
}"""
HELD = f"() => ({PLAIN})(document.querySelector('.filterlab').held)"
LAST = "(kernel) => String(document.querySelector('.filterlab').held.kernel[0]) === String(kernel)"
# From here on the page keeps the numbers of everything that it draws.
KEEP_ALL = f"""() => {{
    const root = document.querySelector('.filterlab');
    let last = root.held;
    window.kept = [];
    const keep = (held) => window.kept.push(({PLAIN})(last = held));
    Object.defineProperty(root, 'held', {{ configurable: true, get: () => last, set: keep }});
}}"""


def by_torch(state: dict) -> np.ndarray:
    """The answers that torch computes from what the explorer says."""
    x, weight = (torch.tensor(state[name], dtype=torch.float64)[None] for name in ("image", "kernel"))
    if state["mode"] == "convolution":
        weight = weight.flip(-1, -2)
    return torch.conv2d(x, weight, stride=state["stride"], padding=state["padding"], dilation=state["dilation"])[0, 0].numpy()


def state_of(explorer: SlidingWindow) -> dict:
    return {name: getattr(explorer, name) for name in ("image", "kernel", "stride", "padding", "dilation", "mode")}


# Without a page -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["cross-correlation", "convolution"])
def test_the_response_is_torch_s_for_every_setting_that_fits(mode):
    explorer = SlidingWindow(np.stack([IMAGE, IMAGE**2]), KERNEL)
    explorer.mode, fitting = mode, 0
    for stride, padding, dilation in itertools.product(range(1, 5), range(4), range(1, 4)):
        explorer.dilation = 1
        explorer.stride, explorer.padding = stride, padding
        if 2 * dilation >= 5 + 2 * padding:
            with pytest.raises(ValueError, match=f"dilation={dilation} does not fit: kernel=3 reaches over {2 * dilation + 1} pixels"):
                explorer.dilation = dilation
            continue
        explorer.dilation = dilation
        np.testing.assert_allclose(explorer.response, by_torch(state_of(explorer)), atol=1e-12)
        np.testing.assert_allclose(explorer.partial_sums.sum(axis=0), explorer.response, atol=1e-12)
        fitting += 1
    assert fitting == 4 * 11


def test_state_can_be_read_and_set():
    explorer = SlidingWindow(IMAGE, KERNEL)
    np.testing.assert_array_equal(explorer.kernel, KERNEL[None])
    assert (explorer.kernel_size, explorer.channels, explorer.step, explorer.mode) == ((3, 2), 1, 0, "cross-correlation")
    explorer.kernel_size = 5
    assert explorer.kernel.shape == (1, 5, 5) and np.abs(explorer.kernel).sum() == pytest.approx(np.abs(KERNEL).sum())
    explorer.kernel_size = (1, 2)
    np.testing.assert_array_equal(explorer.kernel, KERNEL[None, 1:2])
    explorer.kernel_size = (3, 2)
    np.testing.assert_array_equal(explorer.kernel, KERNEL[None]), "what a smaller kernel hid comes back"
    explorer.step = 17
    explorer.stride = 2
    assert explorer.step == explorer.response.size - 1 == 5, "the last answer there is"


def test_channels_that_the_picture_lacks_are_its_mirror_images():
    explorer = SlidingWindow(IMAGE, KERNEL)
    explorer.channels = 3
    np.testing.assert_array_equal(explorer.image, [IMAGE, IMAGE[:, ::-1], IMAGE[::-1]])
    np.testing.assert_array_equal(explorer.kernel, [KERNEL] * 3)
    explorer.image = [IMAGE, IMAGE + 1]
    assert explorer.channels == 2
    explorer.kernel = [KERNEL, 2 * KERNEL]
    np.testing.assert_array_equal(explorer.kernel[1], 2 * KERNEL)


BAD_IMAGES = [
    (np.ones((4, 5, 5)), "image has shape (4, 5, 5), expected grey (h, w) or 1 to 3 channels (c, h, w), at most 12×12"),
    (np.ones((13, 8)), "image has shape (13, 8)"),
    (np.ones((5000, 5000), np.uint8), "image has shape (5000, 5000)"),
    (np.ones((0, 5)), "image has shape (0, 5)"),
    (np.ones(5), "image has shape (5,)"),
    (3.0, "image has shape ()"),
    (np.ones((1, 1, 5, 5)), "image has shape (1, 1, 5, 5)"),
    (np.full((5, 5), np.nan), "image holds 25 values that are not finite numbers"),
    (np.full((5, 5), 1e30), "image holds the value 1e+30"),
    ([[1, 2], [1]], "image has rows of different lengths"),
    ("block", "image holds <U5 values"),
    (np.ones((2, 5)), "does not fit: kernel=3 reaches over 3 pixels, but size=2 with padding=0 has 2"),
]
BAD_KERNELS = [
    (np.ones((6, 6)), "kernel has shape (6, 6), expected (kh, kw) or, for 1 channel, (1, kh, kw), at most 5×5"),
    (np.ones((2, 3, 3)), "kernel has shape (2, 3, 3)"),
    (np.ones((0, 3)), "kernel has shape (0, 3)"),
    (np.full((3, 3), np.inf), "kernel holds 9 values that are not finite numbers"),
    (np.full((3, 3), 1e7), "kernel holds the value 1e+07"),
    (1j * np.ones((3, 3)), "kernel holds complex128 values"),
    (np.ones((5, 3))[:, None], "kernel has shape (5, 1, 3)"),
]


@pytest.mark.parametrize(("name", "value", "said"), [("image", *bad) for bad in BAD_IMAGES] + [("kernel", *bad) for bad in BAD_KERNELS])
def test_what_cannot_be_shown_is_refused_before_anything_is_made(name, value, said):
    before = set(ipywidgets.widgets.widget._instances)
    with pytest.raises(ValueError) as refused:
        SlidingWindow(**{"image": IMAGE, "kernel": kernels.sobel_x} | {name: value})
    assert said in str(refused.value)
    assert set(ipywidgets.widgets.widget._instances) == before
    explorer = SlidingWindow(IMAGE, kernels.sobel_x)
    with pytest.raises(ValueError) as refused:
        setattr(explorer, name, value)
    assert said in str(refused.value)
    np.testing.assert_array_equal(explorer.image[0], IMAGE)
    np.testing.assert_array_equal(explorer.kernel[0], kernels.sobel_x)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("stride", [0, 5, 1.5, "2", None]),
        ("padding", [-1, 4, 1.0]),
        ("dilation", [0, 3, 4]),
        ("kernel_size", [0, 6, 2.5, (3, 3, 3), "3×3"]),
        ("channels", [0, 4]),
        ("step", [-1, 15, 2.0]),
        ("mode", ["correlation", None]),
    ],
)
def test_settings_that_do_not_exist_or_fit_are_refused_by_name_and_value(name, values):
    explorer = SlidingWindow(IMAGE, kernels.sobel_x)
    before = getattr(explorer, name)
    for value in values:
        with pytest.raises(ValueError, match=re.escape(f"{name}={value!r}")):
            setattr(explorer, name, value)
        assert getattr(explorer, name) == before


def test_padding_cannot_be_taken_from_a_window_that_needs_it():
    explorer = SlidingWindow(IMAGE, kernels.sobel_x)
    explorer.padding, explorer.dilation = 1, 3
    with pytest.raises(ValueError, match="padding=0 does not fit"):
        explorer.padding = 0
    with pytest.raises(ValueError, match=r"image of shape \(1, 4, 7\) does not fit"):
        explorer.image = IMAGE[:4]
    assert (explorer.padding, explorer.image.shape) == (1, (1, 5, 7))


def test_the_still_picture_tells_the_same():
    explorer = SlidingWindow(IMAGE, kernels.sobel_x)
    explorer.stride, explorer.step = 2, 4
    panels = {panel.title.split(",")[0]: panel for panel in explorer.picture.panels}
    assert np.isnan(panels["answers"].values).sum() == 1, "2×3 answers, five of them written"
    np.testing.assert_array_equal(panels["window"].values, IMAGE[2:5, 2:5])
    assert panels["picture"].boxes == ((2, 2, 3, 3),)
    explorer.channels, explorer.mode = 2, "convolution"
    alt = explorer.picture.alt
    assert "kernel of channel 1, flipped: kernel, 3 rows by 3 columns, weights 1 0 −1; 2 0 −2; 1 0 −1" in alt
    data, _ = explorer._repr_mimebundle_()
    assert data["image/png"] and "application/vnd.jupyter.widget-view+json" in data


def test_closing_frees_every_widget():
    before = set(ipywidgets.widgets.widget._instances)
    explorer, other = SlidingWindow(IMAGE), SlidingWindow(IMAGE)
    explorer.close()
    other.close()
    assert set(ipywidgets.widgets.widget._instances) == before


# In a real page -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def explorer(lab, browser):
    """A page with one explorer."""
    write_notebook(lab.folder / "window.ipynb", SET_UP)
    with new_page(browser) as page:
        open_and_run(lab, page, "window.ipynb")
        page.wait_for_function("() => document.querySelector('.filterlab')?.held", timeout=SLOW)
        yield page


@pytest.fixture
def restart(explorer):
    explorer.mouse.move(0, 0)
    explorer.evaluate("() => document.activeElement.blur()")
    run_in_kernel(explorer, "start()")
    agree(explorer)


def grid(page, caption: str):
    return page.locator(f"figure:visible:has(figcaption:text-matches('^{caption}'))")


def cell(page, caption: str, row: int, column: int):
    return grid(page, caption).locator("tbody tr").nth(row).locator("td").nth(column)


def lit(page, caption: str) -> list[list[int]]:
    """Row and column, counted from the grid's corner, of the numbers that are lit up."""
    return grid(page, caption).evaluate(
        "figure => [...figure.querySelectorAll('.filterlab-lit')].map(cell => [cell.parentElement.rowIndex - 1, cell.cellIndex - 1])"
    )


def press(page, name: str, *keys: str) -> None:
    handle(page, name).focus()
    for key in keys:
        page.keyboard.press(key)


def settings(page) -> dict:
    return page.evaluate(HELD)["settings"]


def agree(page) -> dict:
    """The page holds what Python has, or will have in a moment; and Python's answers are torch's."""
    for _ in range(60):
        held, state = page.evaluate(HELD), in_python(page, STATE)
        now = held["settings"]
        same = all(now[name] == state[name] for name in ("stride", "padding", "dilation", "channels", "mode", "step"))
        if same and [np.ravel(part).tolist() for part in state["kernel"]] == held["kernel"]:
            break
        page.wait_for_timeout(100)
    compare(held, state)
    return held


def compare(held: dict, state: dict) -> None:
    kernel, response = np.array(state["kernel"]), np.array(state["response"])
    padding, shape = state["padding"], (held["rows"], held["columns"])
    assert held["settings"] == {name: state[name] for name in ("stride", "padding", "dilation", "channels", "mode", "step")} | {
        "size": list(kernel.shape[1:])
    }
    assert shape == response.shape
    np.testing.assert_allclose(held["kernel"], kernel.reshape(len(kernel), -1), rtol=1e-12)
    np.testing.assert_allclose(np.reshape(held["values"], shape), response, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.reshape(held["partial"], (-1, *shape)), state["partial_sums"], rtol=1e-9, atol=1e-9)
    padded = np.pad(state["image"], [(0, 0), (padding, padding), (padding, padding)])
    np.testing.assert_array_equal(np.reshape(held["padded"], padded.shape), padded)
    np.testing.assert_allclose(by_torch(state), response, rtol=1e-9, atol=1e-9)
    assert [line.split(" = ")[-1] for line in held["formula"]] == [str(side) for side in shape]
    check_formula(held["formula"])
    check_call(held["call"], state)
    assert held["dropped"] == unseen(padded.shape[1:], kernel.shape[1:], state)


def check_formula(lines: list[str]) -> None:
    """The arithmetic that is written out is right."""
    for line in lines:
        sum_, answer = line.split(": ")[1].split(" = ")
        code = sum_.replace("⌊", "math.floor(").replace("⌋", ")").replace("·", "*").replace("−", "-")
        assert eval(code, {"math": math}) == int(answer)


def check_call(call: str, state: dict) -> None:
    """The call is PyTorch's, gives the response, and its remark tells the shapes."""
    x, weight = (torch.tensor(state[name], dtype=torch.float64)[None] for name in ("image", "kernel"))
    given = eval(call, {"torch": torch, "x": x, "weight": weight})
    np.testing.assert_allclose(given[0, 0].numpy(), state["response"], rtol=1e-9, atol=1e-9)
    assert call.startswith(f"# x {tuple(x.shape)}, weight {tuple(weight.shape)} → {tuple(given.shape)}\n")


def unseen(pixels: tuple, size: tuple, state: dict) -> list[int]:
    """Pixels of the padded picture that have no influence on any answer, by torch's gradient."""
    x = torch.zeros(1, 1, *pixels, requires_grad=True)
    torch.conv2d(x, torch.ones(1, 1, *size), stride=state["stride"], dilation=state["dilation"]).sum().backward()
    return torch.nonzero(x.grad.ravel() == 0).ravel().tolist()


@in_browser
@pytest.mark.usefixtures("restart")
class TestInAPage:
    @pytest.mark.parametrize(("name", "most"), [("stride", 4), ("padding", 3), ("dilation", 2), ("kernel size", 5)])
    def test_each_slider_goes_as_far_as_the_window_fits(self, explorer, name, most):
        press(explorer, name, "Home", "ArrowRight")
        trait = {"kernel size": "size"}.get(name, name)
        first = {"stride": 2, "padding": 1, "dilation": 2, "kernel size": [2, 2]}[name]
        assert settings(explorer)[trait] == first
        agree(explorer)
        press(explorer, name, "End", "ArrowRight")
        assert settings(explorer)[trait] == ([most, most] if trait == "size" else most)
        agree(explorer)

    def test_ends_of_the_sliders_move_with_the_other_settings(self, explorer):
        press(explorer, "padding", "ArrowRight")
        press(explorer, "dilation", "End")
        assert settings(explorer)["dilation"] == 3
        press(explorer, "padding", "Home", "ArrowLeft")
        assert settings(explorer)["padding"] == 1, "the window needs it"
        press(explorer, "kernel size", "End")
        assert settings(explorer)["size"] == [3, 3]
        held = agree(explorer)
        assert (held["rows"], held["columns"]) == (1, 3)

    def test_each_weight_slider_moves_its_own_weight(self, explorer):
        for i, j in np.ndindex(3, 3):
            press(explorer, f"w[{i}, {j}]", "ArrowRight")
        np.testing.assert_allclose(np.reshape(explorer.evaluate(HELD)["kernel"], (3, 3)), kernels.sobel_x + 0.25)
        agree(explorer)

    def test_weights_of_a_larger_kernel_and_of_another_channel(self, explorer):
        dropdown(explorer, "input channels").select_option("3")
        dropdown(explorer, "weights of").select_option("channel 2")
        press(explorer, "kernel size", "End")
        press(explorer, "w[2, 4, 0]", "ArrowLeft", "ArrowLeft")
        kernel = np.reshape(agree(explorer)["kernel"], (3, 5, 5))
        np.testing.assert_array_equal(kernel[0], np.pad(kernels.sobel_x, 1))
        assert kernel[2, 4, 0] == -0.5
        dropdown(explorer, "input channels").select_option("2")
        expect(dropdown(explorer, "weights of").locator("option")).to_have_count(2)
        assert float(handle(explorer, "w[1, 4, 0]").get_attribute("aria-valuetext")) == 0
        agree(explorer)

    def test_sliders_that_are_nearly_right_do_not_round_a_kernel(self, explorer):
        run_in_kernel(explorer, "explorer.kernel = np.linspace(-0.9, 0.83, 9).reshape(3, 3)")
        press(explorer, "w[0, 0]", "ArrowRight")
        wanted = np.linspace(-0.9, 0.83, 9)
        wanted[0] = -0.75
        np.testing.assert_allclose(agree(explorer)["kernel"][0], wanted)

    def test_channels_show_their_partial_sums(self, explorer):
        assert grid(explorer, "partial sums").count() == 0
        dropdown(explorer, "input channels").select_option("3")
        assert grid(explorer, "partial sums").count() == 3
        held = agree(explorer)
        words = explorer.locator(".filterlab-words p").all_inner_texts()
        assert [line.split(":")[0] for line in words[1:]] == ["channel 0", "channel 1", "channel 2", "sum"]
        assert float(words[-1].split(" = ")[1].replace("−", "-")) == pytest.approx(held["values"][0], rel=0.01)
        dropdown(explorer, "input channels").select_option("1")
        assert grid(explorer, "partial sums").count() == 0
        agree(explorer)

    def test_convolution_slides_the_flipped_kernel_and_says_so(self, explorer):
        explorer.locator(".widget-toggle-buttons button:has-text('convolution')").click()
        held = agree(explorer)
        assert held["sliding"][0] == held["kernel"][0][::-1]
        assert "weight.flip(-1, -2)" in held["call"]
        assert cell(explorer, "kernel, flipped", 0, 0).inner_text() == "1"
        expect(explorer.locator(".filterlab-window")).to_contain_text("flipped on both axes")
        explorer.locator(".widget-toggle-buttons button:has-text('cross-correlation')").click()
        assert cell(explorer, "kernel", 0, 0).inner_text() == "−1"
        agree(explorer)

    def test_step_slider_and_arrow_keys_write_the_answers(self, explorer):
        press(explorer, "step", "ArrowRight", "ArrowRight")
        assert settings(explorer)["step"] == 2
        explorer.locator("td[tabindex='0']:below(figcaption:text-matches('^answers'))").first.focus()
        for key in ("ArrowDown", "ArrowRight", "ArrowUp", "ArrowUp", "ArrowDown", "ArrowLeft"):
            explorer.keyboard.press(key)
        held = agree(explorer)
        assert held["settings"]["step"] == 7, "row 1, column 2 of 5 columns"
        shown = [text for text in grid(explorer, "answers").locator("td[role=gridcell]").all_inner_texts() if text]
        assert len(shown) == 8 and len(held["values"]) == 15
        assert float(shown[-1].replace("−", "-")) == pytest.approx(held["values"][7], abs=0.005)
        expect(grid(explorer, "answers").locator("td[aria-label='still to come']")).to_have_count(7)
        expect(explorer.locator(".filterlab-spoken")).to_contain_text(" at row 1, column 2: the window starts at row 1, column 2")
        assert explorer.evaluate("() => document.activeElement.parentElement.rowIndex") == 2, "the cursor goes along"

    def test_an_answer_under_the_pointer_shows_its_window_and_its_sum(self, explorer):
        cell(explorer, "answers", 2, 3).hover()
        assert lit(explorer, "picture") == [[row, column] for row in (2, 3, 4) for column in (3, 4, 5)]
        window = IMAGE[2:5, 3:6]
        sum_ = explorer.locator(".filterlab-words p").nth(1).inner_text()
        assert sum_.startswith(f"{window[0, 0]:.3g}·(−1) + ") and sum_.count("·") == 9
        assert float(sum_.split(" = ")[1].replace("−", "-")) == pytest.approx((window * kernels.sobel_x).sum(), rel=0.01, abs=1e-9)
        assert float(cell(explorer, "products", 1, 2).inner_text()) == pytest.approx(2 * window[1, 2], abs=0.005)
        assert settings(explorer)["step"] == 0, "looking does not step"
        cell(explorer, "answers", 2, 3).click()
        assert settings(explorer)["step"] == 13
        explorer.mouse.move(0, 0)
        assert lit(explorer, "answers") == [[2, 3]]
        agree(explorer)

    def test_a_pixel_under_the_pointer_shows_every_answer_it_reaches(self, explorer):
        run_in_kernel(explorer, "explorer.stride, explorer.padding, explorer.dilation = 2, 1, 2")
        agree(explorer)
        for pixel in [(0, 0), (2, 4), (3, 3), (6, 8)]:
            cell(explorer, "picture", *pixel).hover()
            x = torch.zeros(7, 9)
            x[pixel] = 1
            reached = torch.conv2d(x[None, None], torch.ones(1, 1, 3, 3), stride=2, dilation=2)[0, 0]
            assert lit(explorer, "answers") == torch.nonzero(reached).tolist()
            assert lit(explorer, "picture") == [list(pixel)]
        assert grid(explorer, "picture").locator(".filterlab-dropped").count() == 7 * 9 - 4 * 5

    def test_a_weight_under_the_pointer_shows_every_pixel_it_touched(self, explorer):
        run_in_kernel(explorer, "explorer.stride, explorer.padding, explorer.dilation = 2, 1, 2")
        agree(explorer)
        for i, j in [(0, 0), (1, 2), (2, 1)]:
            cell(explorer, "kernel", i, j).hover()
            x = torch.zeros(1, 1, 7, 9, requires_grad=True)
            weight = torch.zeros(1, 1, 3, 3)
            weight[0, 0, i, j] = 1
            torch.conv2d(x, weight, stride=2, dilation=2).sum().backward()
            assert lit(explorer, "picture") == torch.nonzero(x.grad[0, 0]).tolist()
            assert lit(explorer, "kernel") == [[i, j]]
        assert "weight w[2, 1] = 0: touches" in explorer.locator(".filterlab-words").inner_text()

    def test_keys_reach_pixels_and_weights_too(self, explorer):
        grid(explorer, "picture").locator("td[tabindex='0']").focus()
        explorer.keyboard.press("ArrowDown")
        explorer.keyboard.press("ArrowRight")
        assert lit(explorer, "picture") == [[1, 1]]
        assert lit(explorer, "answers") == [[0, 0], [0, 1], [1, 0], [1, 1]]
        expect(explorer.locator(".filterlab-spoken")).to_contain_text("reaches 4 of 15 answers")
        explorer.keyboard.press("Tab")
        explorer.keyboard.press("ArrowRight")
        assert lit(explorer, "kernel") == [[0, 1]]
        assert settings(explorer)["step"] == 0
        explorer.keyboard.press("Tab")
        assert lit(explorer, "answers") == [[0, 0]]

    def test_padding_looks_padded_and_is_named(self, explorer):
        run_in_kernel(explorer, "explorer.padding = 1")
        agree(explorer)
        assert grid(explorer, "picture").locator("td.filterlab-padded[aria-label^='0, padding']").count() == 7 * 9 - 5 * 7
        ground = grid(explorer, "picture").locator(".filterlab-padded").first.evaluate("cell => getComputedStyle(cell).backgroundImage")
        assert "repeating-linear-gradient" in ground

    def test_play_steps_to_the_end(self, explorer):
        run_in_kernel(explorer, "explorer.stride = 4")
        agree(explorer)
        explorer.locator(".widget-play button[aria-label='play or pause']").click()
        explorer.wait_for_function("() => document.querySelector('.filterlab').held.settings.step === 1", timeout=SLOW)
        held = agree(explorer)
        assert held["rows"] * held["columns"] == 2
        explorer.locator(".widget-play button[aria-label^='stop']").click()
        assert settings(explorer)["step"] == 0

    def test_reduced_motion_slows_the_player(self, explorer):
        explorer.emulate_media(reduced_motion="reduce")
        explorer.locator(".widget-play button[aria-label='play or pause']").click()
        explorer.wait_for_function("() => document.querySelector('.filterlab').held.settings.step === 1", timeout=SLOW)
        before = time.monotonic()
        explorer.wait_for_function("() => document.querySelector('.filterlab').held.settings.step === 2", timeout=SLOW)
        assert time.monotonic() - before > 1.2, "one step in 1.5 s"
        explorer.locator(".widget-play button[aria-label^='stop']").click()
        explorer.emulate_media(reduced_motion="no-preference")
        moving = "all => all.filter(one => getComputedStyle(one).transitionDuration !== '0s')"
        assert explorer.locator(".filterlab *").evaluate_all(moving) == []

    def test_the_call_can_be_copied(self, explorer):
        explorer.evaluate("() => Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })")
        explorer.locator(".filterlab-window button:has-text('copy')").click()
        expect(explorer.locator(".filterlab-window")).to_contain_text("selected: press Ctrl+C")
        assert explorer.evaluate("() => String(getSelection())") == agree(explorer)["call"]
        explorer.evaluate("() => delete navigator.clipboard")

    def test_numbers_stand_in_tables_with_names(self, explorer):
        tables = explorer.locator(".filterlab table:visible")
        assert all(tables.evaluate_all("tables => tables.map(table => table.getAttribute('role') === 'grid' && table.ariaLabel)"))
        assert explorer.locator(".filterlab td[tabindex='0']:visible").count() == tables.count(), "Tab reaches each grid once"
        names = explorer.locator(".noUi-handle:visible").evaluate_all("handles => handles.map(handle => handle.getAttribute('aria-label'))")
        assert {"stride", "w[1, 2]", "step"} <= set(names) and None not in names and len(set(names)) == len(names)

    def test_two_hundred_and_forty_random_settings_give_python_s_numbers(self, explorer):
        run_in_kernel(explorer, RANDOM)
        explorer.evaluate(KEEP_ALL)
        shown = {}
        for _ in range(6):
            states = in_python(explorer, "draws(40)")
            explorer.wait_for_function(LAST, arg=np.ravel(states[-1]["kernel"][0]).tolist())
            kept = {tuple(held["kernel"][0]): held for held in explorer.evaluate("() => window.kept.splice(0)")}
            for state in states:
                weights = tuple(np.ravel(state["kernel"][0]))  # random, so they tell the settings apart
                held = kept[weights]
                compare(held, state)
                shown[weights] = (held["rows"], held["columns"], state["channels"], state["mode"])
        assert len(shown) == 240 and len(set(shown.values())) > 80
        assert explorer.complaints == []


@in_browser
def test_instances_keep_apart_and_a_closed_one_is_gone(lab, page):
    write_notebook(lab.folder / "two.ipynb", SET_UP, "before = 0\nsecond = SlidingWindow(image)\nsecond")
    open_and_run(lab, page, "two.ipynb")
    page.wait_for_function("() => [...document.querySelectorAll('.filterlab')].filter(root => root.held).length === 2", timeout=SLOW)
    assert page.locator("[class^='filterlab-still-'] img:visible").count() == 0, "the page lives: no still pictures"
    page.locator(".widget-hslider:has(.widget-label:text-is('stride')) .noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".filterlab").evaluate_all("roots => roots.map(root => root.held.settings.stride)") == [2, 1]
    registry = "len(__import__('ipywidgets').widgets.widget._instances)"
    both = in_python(page, registry)
    run_in_kernel(page, "explorer.close()")
    page.wait_for_function("() => document.querySelectorAll('.filterlab').length === 1", timeout=SLOW)
    alone = in_python(page, registry)
    run_in_kernel(page, "second.close()")
    page.wait_for_function("() => document.querySelectorAll('.filterlab, .filterlab-explorer').length === 0", timeout=SLOW)
    assert both - alone == alone - in_python(page, registry), "as much goes with the one as with the other"
    assert in_python(page, registry) == 0
    assert page.complaints == []


@in_browser
def test_exported_page_shows_the_still_picture(lab, page):
    write_notebook(lab.folder / "still.ipynb", SET_UP)
    open_exported(page, executed(lab.folder / "still.ipynb"), lab.folder / "still.html")
    still = page.locator("img[alt*='answers, 1 of 15']")
    expect(still).to_be_visible(timeout=SLOW)
    assert still.evaluate("image => image.naturalWidth") > 300
