"""FilterExplorer: what the page shows is what Python computes, every control does what it says, and nothing is left behind."""

import ipywidgets
import nbformat
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from filterlab import images, kernels
from filterlab.convolution import correlate2d
from filterlab.explore.filter_explorer import FilterExplorer
from tests.lab import (
    SLOW,
    TOKEN,
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

IMAGE = np.random.default_rng(0).random((12, 17))
SET_UP = """
import numpy as np
from filterlab import kernels
from filterlab.explore.filter_explorer import FilterExplorer
image = np.random.default_rng(0).random((12, 17))
explorer = FilterExplorer(image)
explorer
"""
PIXELS = """() => {
    const canvas = document.querySelector("canvas[aria-label^='response']");
    return [...canvas.getContext("2d").getImageData(PARTS).data];
}"""
HELD = "() => document.querySelector('.filterlab').held"


# Without a page -----------------------------------------------------------------------------------------------------------


def test_state_can_be_read_and_set():
    explorer = FilterExplorer(IMAGE)
    assert explorer.preset == "Sobel x"
    explorer.preset = "Gabor 45°"
    np.testing.assert_array_equal(explorer.kernel, kernels.gallery()["Gabor 45°"])
    assert explorer.response.shape == (4, 9)
    explorer.kernel = np.arange(25).reshape(5, 5)
    assert explorer.preset == "custom"
    np.testing.assert_allclose(explorer.response, correlate2d(IMAGE, np.arange(25.0).reshape(5, 5)))
    explorer.pixel = (7, 12)
    assert explorer.pixel == (7, 12)
    explorer.image = IMAGE[:6]
    assert explorer.image.shape == (6, 17)
    assert explorer.pixel == (1, 12), "the last row there is"


def test_all_of_the_gallery_is_offered():
    explorer = FilterExplorer(IMAGE)
    for name, kernel in kernels.gallery().items():
        explorer.preset = name
        np.testing.assert_array_equal(explorer.kernel, kernel)


@pytest.mark.parametrize(
    ("image", "kernel", "said"),
    [
        (np.ones((3, 4, 4)), kernels.sobel_x, "image has shape (3, 4, 4), expected a grey picture (h, w) of at least 3×3"),
        (np.ones((0, 4)), kernels.sobel_x, "image has shape (0, 4)"),
        (np.ones((2, 9)), kernels.sobel_x, "image has shape (2, 9)"),
        (np.ones((5000, 5000), np.uint8), kernels.sobel_x, "image has shape (5000, 5000)"),
        (np.full((5, 5), np.nan), kernels.sobel_x, "image holds 25 values that are not finite numbers"),
        (np.full((5, 5), 1e30), kernels.sobel_x, "image holds the value 1e+30; the largest that can be shown is 1,000,000"),
        ([[1, 2, 3], [1, 2]], kernels.sobel_x, "image has rows of different lengths"),
        (np.full((5, 5), "a"), kernels.sobel_x, "image holds <U1 values"),
        (IMAGE, np.ones((4, 4)), "kernel has shape (4, 4), expected (k, k) with k odd, at least 3 and at most 9"),
        (IMAGE, np.ones((3, 5)), "kernel has shape (3, 5)"),
        (IMAGE, np.ones((11, 11)), "kernel has shape (11, 11)"),
        (IMAGE, np.ones((1, 1)), "kernel has shape (1, 1)"),
        (IMAGE, np.ones(9), "kernel has shape (9,)"),
        (IMAGE[:4], np.ones((5, 5)), "kernel has shape (5, 5), expected (k, k) with k odd, at least 3 and at most 3"),
        (IMAGE, np.full((3, 3), np.inf), "kernel holds 9 values that are not finite numbers"),
        (IMAGE, 1j * np.ones((3, 3)), "kernel holds complex128 values"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_anything_is_made(image, kernel, said):
    before = len(ipywidgets.widgets.widget._instances)
    with pytest.raises(ValueError) as refused:
        FilterExplorer(image, kernel)
    assert said in str(refused.value)
    assert len(ipywidgets.widgets.widget._instances) == before


def test_a_refused_setting_changes_nothing():
    explorer = FilterExplorer(IMAGE)
    for name, value in [("kernel", np.ones((2, 2))), ("preset", "Sobel z"), ("pixel", (10, 0)), ("pixel", (0, -1)), ("image", IMAGE[:2])]:
        with pytest.raises(ValueError, match=name):
            setattr(explorer, name, value)
    assert (explorer.preset, explorer.pixel, explorer.image.shape) == ("Sobel x", (5, 7), (12, 17))
    with pytest.raises(ValueError, match="limit=0"):
        FilterExplorer(IMAGE, limit=0)


def test_the_still_picture_tells_the_same():
    explorer = FilterExplorer(images.step(8, 8))
    data, metadata = explorer._repr_mimebundle_()
    assert data["image/png"] and "application/vnd.jupyter.widget-view+json" in data
    assert "kernel, 3 rows by 3 columns, weights −1 0 1; −2 0 2; −1 0 1, sum 0" in metadata["image/png"]["alt"]
    assert metadata["image/png"]["alt"] in data["text/plain"]


def test_closing_frees_every_widget():
    before = set(ipywidgets.widgets.widget._instances)
    explorer, other = FilterExplorer(IMAGE), FilterExplorer(IMAGE)
    explorer.close()
    other.close()
    assert set(ipywidgets.widgets.widget._instances) == before


# In a real page -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def explorer(lab, browser):
    """A page with one explorer, which every test leaves as it found it (`restart`)."""
    write_notebook(lab.folder / "explorer.ipynb", SET_UP)
    with new_page(browser) as page:
        open_and_run(lab, page, "explorer.ipynb")
        page.wait_for_function(HELD, timeout=SLOW)
        yield page


@pytest.fixture
def restart(explorer):
    agree(explorer)  # what the last test did has arrived
    run_in_kernel(explorer, "explorer.kernel = kernels.sobel_x; explorer.image = image; explorer.pixel = (5, 7)")
    explorer.wait_for_function("() => { const h = document.querySelector('.filterlab').held; return h.row === 5 && h.kernel[1][0] === -2 }")
    explorer.evaluate("() => document.activeElement.blur()")


pages = pytest.mark.usefixtures("restart")


def kernel_shown(page) -> np.ndarray:
    return np.array(page.evaluate(HELD)["kernel"])


def agree(page) -> None:
    """The page holds the kernel, the response and the pixel that Python has, or will have in a moment."""
    held = page.evaluate("() => { const h = document.querySelector('.filterlab').held; return {...h, values: [...h.values]} }")
    for _ in range(50):
        kernel, response, pixel = in_python(page, "[explorer.kernel.tolist(), explorer.response.tolist(), list(explorer.pixel)]")
        if kernel == held["kernel"] and pixel == [held["row"], held["column"]]:
            break
        page.wait_for_timeout(100)
    np.testing.assert_allclose(held["kernel"], kernel, atol=1e-12)
    np.testing.assert_allclose(np.reshape(held["values"], (held["rows"], held["columns"])), response, atol=1e-9)
    assert [held["row"], held["column"]] == pixel


@in_browser
@pages
class TestInAPage:
    @pytest.mark.parametrize("index", range(9))
    def test_each_slider_moves_its_own_weight(self, explorer, index):
        name = ["top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right"][index]
        handle(explorer, name).focus()
        explorer.keyboard.press("ArrowRight")
        wanted = kernels.sobel_x.copy()
        wanted.flat[index] += 0.25
        np.testing.assert_allclose(kernel_shown(explorer), wanted)
        assert dropdown(explorer, "preset").input_value() == "custom"
        expect(explorer.locator(".filterlab-sum strong")).to_have_text("sum of the 9 weights: 0.25")
        agree(explorer)

    def test_each_preset_sets_the_kernel_and_its_name(self, explorer):
        for name, kernel in kernels.gallery().items():
            dropdown(explorer, "preset").select_option(name)
            np.testing.assert_allclose(kernel_shown(explorer), kernel)
            assert dropdown(explorer, "preset").input_value() == name
            assert explorer.locator(".widget-hslider:visible:has(.widget-label:text-is('centre'))").count() == (len(kernel) <= 5)
        agree(explorer)

    def test_blurs_stand_on_whole_numbers_and_a_divisor(self, explorer):
        dropdown(explorer, "preset").select_option("Gaussian blur")
        assert handle(explorer, "divided by").get_attribute("aria-valuetext") == "16"
        assert handle(explorer, "centre").get_attribute("aria-valuetext") == "4"
        handle(explorer, "divided by").focus()
        explorer.keyboard.press("ArrowLeft")
        np.testing.assert_allclose(kernel_shown(explorer), kernels.gaussian_blur * 16 / 15)
        agree(explorer)

    def test_the_size_switch_keeps_the_middle(self, explorer):
        dropdown(explorer, "size").select_option("5×5")
        np.testing.assert_allclose(kernel_shown(explorer), np.pad(kernels.sobel_x, 1))
        assert explorer.locator(".widget-hslider:visible").count() == 26
        handle(explorer, "2 up, 1 left").focus()
        explorer.keyboard.press("ArrowLeft")
        assert kernel_shown(explorer)[0, 1] == -0.25
        agree(explorer)
        dropdown(explorer, "size").select_option("3×3")
        np.testing.assert_allclose(kernel_shown(explorer), kernels.sobel_x)
        assert dropdown(explorer, "preset").input_value() == "Sobel x"
        assert explorer.locator(".widget-hslider:visible").count() == 10

    def test_arrow_keys_move_the_window_and_the_sum_is_written_out(self, explorer):
        explorer.locator("canvas[aria-label^='response']").focus()
        for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowUp", "ArrowLeft", "Shift+ArrowLeft"):
            explorer.keyboard.press(key)
        held = explorer.evaluate(HELD)
        assert (held["row"], held["column"]) == (4, 0)
        window = IMAGE[4:7, 0:3]
        assert held["answer"] == pytest.approx((window * kernels.sobel_x).sum())
        words = explorer.locator(".filterlab-sum div").last.inner_text()
        assert words.startswith(f"{window[0, 0]:.3g}·(−1) + {window[0, 1]:.3g}·0 + ") and words.count("·") == 9
        expect(explorer.locator(".filterlab-spoken")).to_contain_text("row 4, column 0, answer")
        agree(explorer)

    @pytest.mark.parametrize(("name", "place"), [("picture", (6, 9)), ("response", (5, 8))])
    def test_the_pointer_picks_the_window_under_it(self, explorer, name, place):
        canvas = explorer.locator(f"canvas[aria-label^='{name}']")
        box = canvas.bounding_box()
        rows, columns = IMAGE.shape if name == "picture" else (10, 15)
        canvas.hover(position={"x": box["width"] * (place[1] + 0.5) / columns, "y": box["height"] * (place[0] + 0.5) / rows})
        held = explorer.evaluate(HELD)
        assert (held["row"], held["column"]) == (5, 8), "the window whose middle is under the pointer"
        agree(explorer)

    def test_colours_switch_between_signed_and_grey(self, explorer):
        pixel = PIXELS.replace("PARTS", "0, 0, 1, 1")
        before = explorer.evaluate(pixel)
        dropdown(explorer, "shown in").select_option("black and white")
        grey = explorer.evaluate(pixel)
        assert grey != before and len(set(grey[:3])) == 1
        expect(explorer.locator(".filterlab-scale")).to_be_hidden()
        dropdown(explorer, "shown in").select_option("signed colours")
        assert explorer.evaluate(pixel) == before

    def test_presets_choose_the_colours_that_fit_and_a_moved_slider_keeps_them(self, explorer):
        for preset, colors in [("box blur", "black and white"), ("Laplacian", "signed colours")]:
            dropdown(explorer, "preset").select_option(preset)
            assert dropdown(explorer, "shown in").input_value() == colors
        handle(explorer, "centre").focus()
        explorer.keyboard.press("ArrowRight")
        assert dropdown(explorer, "shown in").input_value() == "signed colours"

    def test_zero_is_grey(self, explorer):
        run_in_kernel(explorer, "explorer.kernel = np.zeros((3, 3))")
        expect(explorer.locator(".filterlab-sum strong")).to_have_text("sum of the 9 weights: 0")
        colors = explorer.evaluate(PIXELS.replace("PARTS", "0, 0, 15, 10"))
        assert set(colors) == {0xD4, 255}

    def test_two_hundred_random_kernels_give_python_s_numbers(self, explorer):
        run_in_kernel(explorer, "rng = np.random.default_rng(7); seen = []")
        for trial in range(200):
            size = [3, 5, 7, 9][trial % 4]
            run_in_kernel(explorer, f"explorer.kernel = rng.normal(size=({size}, {size})) * 10.0 ** rng.integers(-3, 4)")
            held = explorer.evaluate(
                "() => { const h = document.querySelector('.filterlab').held; return {k: h.kernel, v: [...h.values]} }"
            )
            np.testing.assert_allclose(np.ravel(correlate2d(IMAGE, np.array(held["k"]))), held["v"], rtol=1e-9, atol=1e-9)
        agree(explorer)

    def test_sliders_that_are_nearly_right_do_not_round_a_kernel(self, explorer):
        run_in_kernel(explorer, "explorer.kernel = np.linspace(-0.9, 0.83, 9).reshape(3, 3)")
        explorer.wait_for_timeout(300)
        np.testing.assert_allclose(in_python(explorer, "explorer.kernel.tolist()"), np.linspace(-0.9, 0.83, 9).reshape(3, 3))
        agree(explorer)

    def test_own_picture(self, explorer, tmp_path):
        Image.fromarray((IMAGE * 255).astype(np.uint8)).resize((600, 400)).save(tmp_path / "mine.png")
        (tmp_path / "<b>notes.png").write_text("no picture")

        def upload(name):
            with explorer.expect_file_chooser() as chosen:
                explorer.locator(".jupyter-button:has-text('your own picture')").click()
            chosen.value.set_files(tmp_path / name)

        upload("mine.png")
        expect(explorer.locator(".widget-html:has-text('mine.png, 171×256 pixels')")).to_be_visible(timeout=SLOW)
        agree(explorer)
        upload("<b>notes.png")
        expect(explorer.locator(".widget-html:has-text('<b>notes.png is not a picture')")).to_be_visible(timeout=SLOW)
        assert in_python(explorer, "list(explorer.image.shape)") == [171, 256], "the picture before stays"

    def test_every_control_has_a_name(self, explorer):
        names = explorer.locator(".noUi-handle:visible").evaluate_all("handles => handles.map(handle => handle.getAttribute('aria-label'))")
        assert "top left" in names and None not in names and len(set(names)) == len(names)
        assert explorer.complaints == []


@in_browser
def test_instances_keep_apart_and_a_closed_one_is_gone(lab, page):
    write_notebook(lab.folder / "two.ipynb", SET_UP, "second = FilterExplorer(image, kernels.laplacian)\nsecond")
    open_and_run(lab, page, "two.ipynb")
    page.wait_for_function("() => [...document.querySelectorAll('.filterlab')].filter(root => root.held).length === 2", timeout=SLOW)
    assert page.locator("[class^='filterlab-still-'] img:visible").count() == 0, "the page lives: no still pictures"
    handle(page, "centre").first.focus()
    page.keyboard.press("ArrowRight")
    kernels_shown = page.locator(".filterlab").evaluate_all("roots => roots.map(root => root.held.kernel[1][1])")
    assert kernels_shown == [0.25, -4]
    models = "() => window.jupyterapp.shell.currentWidget.context && document.querySelectorAll('.filterlab').length"
    run_in_kernel(page, "explorer.close()")
    page.wait_for_function(f"({models})() === 1", timeout=SLOW)
    assert in_python(page, "second.preset") == "Laplacian"
    assert page.complaints == []


@in_browser
@pytest.mark.parametrize(("template", "with_state"), [("lab", False), ("lab", True), ("classic", True)])
def test_exported_page_shows_the_still_picture(lab, page, template, with_state):
    write_notebook(lab.folder / "still.ipynb", SET_UP)
    open_exported(page, executed(lab.folder / "still.ipynb", with_state), lab.folder / f"{template}{with_state}.html", template)
    shows_the_still(page)
    assert "FilterExplorer(" not in page.inner_text("body").replace("FilterExplorer(image)", "")


@in_browser
def test_a_saved_notebook_shows_the_still_picture_without_its_kernel(lab, page):
    write_notebook(lab.folder / "saved.ipynb", SET_UP)
    nbformat.write(executed(lab.folder / "saved.ipynb", with_state=False), lab.folder / "saved.ipynb")
    page.goto(f"{lab.address}/lab/tree/saved.ipynb?token={TOKEN}&reset")
    shows_the_still(page)


def shows_the_still(page) -> None:
    still = page.locator("img[alt*='kernel, 3 rows by 3 columns']")
    expect(still).to_be_visible(timeout=SLOW)
    assert still.evaluate("image => image.naturalWidth") > 300
