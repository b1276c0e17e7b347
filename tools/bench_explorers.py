"""How soon a picture follows a slider, measured in a real JupyterLab: the explorers, and two usual ways for comparison.

A key is pressed on a slider's handle 40 times; the clock in the page runs from the key to the new pixels: until the canvas is painted,
or until the new image is loaded. All notebooks run on one server.
"""

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Locator, Page

from tests.lab import SLOW, chromium, jupyter_lab, new_page, open_and_run, write_notebook

Row = tuple[str, float, str, float]
MOVES = 40
FEW, MANY = 100, 1000  # moves after which the page's memory is read

PICTURE = """
import numpy as np
from filterlab import images, kernels
from filterlab.convolution import correlate2d
image = np.resize(images.photograph(), (256, 256))
def answer(weight):
    kernel = kernels.sobel_x.copy()
    kernel[1, 1] = weight / 4
    return correlate2d(image, kernel)
"""
FILTER_EXPLORER = PICTURE + "from filterlab.explore.filter_explorer import FilterExplorer\nFilterExplorer(image)"
SLIDING_WINDOW = """
import numpy as np
from filterlab.explore.sliding_window import SlidingWindow
SlidingWindow(np.random.default_rng(0).random((12, 12)))
"""
INTERACT = (
    PICTURE
    + """
import matplotlib.pyplot as plt
from ipywidgets import IntSlider, interact
@interact(weight=IntSlider(min=-20, max=20))
def draw(weight):
    plt.imshow(answer(weight), cmap="PuOr", vmin=-1, vmax=1)
    plt.show()
"""
)
PNG = (
    PICTURE
    + """
import io
import ipywidgets as widgets
from PIL import Image
slider, shown = widgets.IntSlider(min=-20, max=20), widgets.Image(format="png")
def draw(change=None):
    file = io.BytesIO()
    Image.fromarray(np.clip(128 + 127 * answer(slider.value), 0, 255).astype(np.uint8)).save(file, "png")
    shown.value = file.getvalue()
slider.observe(draw, "value")
draw()
widgets.VBox([slider, shown])
"""
)
# In the page: the time from a key to new pixels. A canvas's pixels are new when its explorer has put down new numbers, which it does right
# after painting; an image is new when it has another source and is decoded.
CLOCK = """() => {
    window.times = [];
    const state = () => {
        const root = document.querySelector(".filterlab");
        if (root) return root.held;
        const image = [...document.querySelectorAll(".jp-OutputArea-output img")].at(-1);
        return image?.complete && image.naturalWidth ? image.src : window.last;
    };
    window.addEventListener("keydown", () => {
        const start = performance.now();
        window.last = state();
        const look = () => {
            if (state() !== window.last) window.times.push(performance.now() - start);
            else setTimeout(look, 0);
        };
        // Before the browser paints, so that what is drawn at once is seen at once.
        queueMicrotask(look);
    }, true);
}"""


def explorer_time() -> Iterator[Row]:
    """Key to new pixels, 40 moves: median and 95th percentile; baselines: `interact` with matplotlib, and a PNG in widgets.Image."""
    with tempfile.TemporaryDirectory() as folder, jupyter_lab(Path(folder)) as lab, chromium() as browser:

        def moved(name: str, code: str, slider: str) -> list[float]:
            write_notebook(lab.folder / f"{name}.ipynb", code)
            with new_page(browser) as page:
                open_and_run(lab, page, f"{name}.ipynb")
                return move(page, handle(page, slider))

        usual = moved("interact", INTERACT, "weight")
        png = moved("png", PNG, "")
        for name, code, slider in (("filter_explorer", FILTER_EXPLORER, "centre"), ("sliding_window", SLIDING_WINDOW, "stride")):
            own = moved(name, code, slider)
            yield f"{name}_median_ms", statistics.median(own), "ms", statistics.median(usual)
            yield f"{name}_p95_ms", percentile(own), "ms", percentile(usual)
            yield f"{name}_vs_png_median_ms", statistics.median(own), "ms", statistics.median(png)
            yield f"{name}_vs_png_p95_ms", percentile(own), "ms", percentile(png)

        def growth(name: str, slider: str) -> float:
            with new_page(browser) as page:
                open_and_run(lab, page, f"{name}.ipynb")
                return memory_growth(page, handle(page, slider))

        yield "page_memory_growth", growth("filter_explorer", "centre"), "times", growth("png", "")


def handle(page: Page, name: str) -> Locator:
    page.locator(".noUi-handle").first.wait_for(timeout=SLOW)
    sliders = page.locator(f".widget-hslider:visible:has(.widget-label:text-is('{name}')) .noUi-handle")
    return sliders.first if name else page.locator(".noUi-handle").first


def move(page: Page, slider: Locator) -> list[float]:
    """The milliseconds of each move: to the right and back, each after the last one is done."""
    page.wait_for_timeout(3000)  # what the page still does after loading is not the slider's time
    page.evaluate(CLOCK)
    slider.focus()
    for count in range(1, MOVES + 1):
        slider.press("ArrowRight" if count % 2 else "ArrowLeft")
        page.wait_for_function(f"() => window.times.length === {count}", timeout=SLOW)
        page.wait_for_timeout(30)
    return page.evaluate("() => window.times")


def memory_growth(page: Page, slider: Locator) -> float:
    """The page's memory after many moves of a slider, as a multiple of that after few."""
    tools = page.context.new_cdp_session(page)
    slider.focus()
    used, done = [], 0
    for moves in (FEW, MANY):
        while done < moves:
            slider.press("ArrowRight" if done % 2 else "ArrowLeft")
            done += 1
        page.wait_for_timeout(3000)  # until the kernel has answered the last move
        tools.send("HeapProfiler.collectGarbage")
        used.append(tools.send("Runtime.getHeapUsage")["usedSize"])
    return used[1] / used[0]


def percentile(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1]
