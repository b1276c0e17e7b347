"""How soon a picture follows a slider, measured in a real JupyterLab: the explorers, and two usual ways for comparison.

A key is pressed on a slider's handle 40 times; the clock in the page runs from the key until the canvas is painted, or the new image is
loaded, and on until the browser's next frame. All notebooks run on one server.
"""

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Locator, Page

from tests.lab import SLOW, chromium, handle, jupyter_lab, new_page, open_and_run, write_notebook

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
SlidingWindow(np.random.default_rng(0).random((8, 8)))
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
# In the page: the time from a key to new pixels, and to the video frame that follows. An explorer puts down the numbers it holds right
# after painting; an image is new when it has been loaded and decoded.
CLOCK = """() => {
    window.moves = [];
    let pressed = null;
    const drawn = () => {
        if (pressed === null) return;
        const move = { drawn: performance.now() - pressed };
        const start = pressed;
        pressed = null;
        requestAnimationFrame(() => {
            move.frame = performance.now() - start;
            window.moves.push(move);
        });
    };
    window.addEventListener("keydown", () => { pressed = performance.now(); }, true);
    const image = () => [...document.querySelectorAll(".jp-OutputArea-output img")].at(-1);
    let source = image()?.src;
    new MutationObserver(() => {
        const shown = image();
        if (!shown?.src || shown.src === source) return;
        source = shown.src;
        shown.decode().then(drawn);
    }).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["src"] });
    for (const root of document.querySelectorAll(".filterlab")) {
        let held = root.held;
        Object.defineProperty(root, "held", { get: () => held, set: (numbers) => { held = numbers; drawn(); } });
    }
}"""


def explorer_time() -> Iterator[Row]:
    """Key to new pixels, of a 256×256 picture and an 8×8 grid; baselines: `interact` with matplotlib, and a PNG in widgets.Image."""
    with tempfile.TemporaryDirectory() as folder, jupyter_lab(Path(folder)) as lab, chromium() as browser:

        def moved(name: str, code: str, slider: str) -> dict[str, list[float]]:
            write_notebook(lab.folder / f"{name}.ipynb", code)
            with new_page(browser) as page:
                open_and_run(lab, page, f"{name}.ipynb")
                return move(page, first_handle(page, slider))

        usual, png = moved("interact", INTERACT, "weight"), moved("png", PNG, "")
        for name, code, slider in (("filter_explorer", FILTER_EXPLORER, "centre"), ("sliding_window", SLIDING_WINDOW, "stride")):
            own = moved(name, code, slider)
            for statistic, of in (("median", statistics.median), ("p95", percentile)):
                yield f"{name}_{statistic}_ms", of(own["drawn"]), "ms", of(usual["drawn"])
                yield f"{name}_vs_png_{statistic}_ms", of(own["drawn"]), "ms", of(png["drawn"])
                yield f"{name}_frame_{statistic}_ms", of(own["frame"]), "ms", of(usual["frame"])

        def growth(name: str, slider: str) -> float:
            with new_page(browser) as page:
                open_and_run(lab, page, f"{name}.ipynb")
                return memory_growth(page, first_handle(page, slider))

        yield "page_memory_growth", growth("filter_explorer", "centre"), "times", growth("png", "")


def first_handle(page: Page, name: str) -> Locator:
    """The handle of the first slider with this label, or of the first of all, once the page has sliders."""
    page.locator(".noUi-handle").first.wait_for(timeout=SLOW)
    return handle(page, name).first if name else page.locator(".noUi-handle").first


def move(page: Page, slider: Locator) -> dict[str, list[float]]:
    """The milliseconds of each move until new pixels are drawn, and until the next frame: to the right and back, one after the other."""
    page.wait_for_timeout(3000)  # what the page still does after loading is not the slider's time
    page.evaluate(CLOCK)
    slider.focus()
    for count in range(1, MOVES + 1):
        slider.press("ArrowRight" if count % 2 else "ArrowLeft")
        page.wait_for_function(f"() => window.moves.length === {count}", timeout=SLOW)
        page.wait_for_timeout(30)
    moves = page.evaluate("() => window.moves")
    return {until: [move[until] for move in moves] for until in ("drawn", "frame")}


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
