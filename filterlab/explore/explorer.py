"""What every explorer is: ipywidgets that the learner moves, a canvas that follows them in the browser, a still picture beside both.

An explorer's state is kept by its `View`, whose script draws it; the script listens to the sliders in the browser, so that nothing
waits for the kernel while a slider moves, and reports the state back to Python.
"""

import uuid
from pathlib import Path

import anywidget
import ipywidgets as widgets
import numpy as np
import traitlets
from IPython.display import display

from filterlab import show

_HERE = Path(__file__).parent
LARGEST_VALUE = 1e6


def script(name: str) -> str:
    """The browser's side of an explorer: what all share, then its own. As text: a path would be watched and keep widgets alive."""
    return (_HERE / "canvas.js").read_text(encoding="utf-8") + (_HERE / f"{name}.js").read_text(encoding="utf-8")


class View(anywidget.AnyWidget):
    """The canvas of an explorer. controls: the ipywidgets it listens to, by name. still: tells its still picture from others."""

    _css = (_HERE / "canvas.css").read_text(encoding="utf-8")
    controls = traitlets.Dict().tag(sync=True, **widgets.widget_serialization)
    still = traitlets.Unicode().tag(sync=True)
    palette = traitlets.Bytes((show.SIGNED(range(257))[:, :3] * 255).round().astype(np.uint8).tobytes()).tag(sync=True)


class Explorer(widgets.VBox):
    """Sliders and a canvas in one box. Where neither can live (an exported page, no kernel), `picture` stands in for them."""

    def __init__(self, view: View, children: list[widgets.Widget]):
        self._view = view
        view.still = uuid.uuid4().hex[:12]
        super().__init__(children)
        self.add_class("filterlab-explorer")

    @property
    def picture(self) -> show.Picture:
        """What the explorer shows now, as a still picture with a description."""
        raise NotImplementedError

    def close(self) -> None:
        """Take the explorer off the page and free all that belongs to it, in the browser and in Python."""
        for widget in _family(self):
            if widget is not self:
                widget.close()
        super().close()

    def _still(self) -> tuple[dict, dict]:
        data, metadata = self.picture._repr_mimebundle_()
        return data | {"text/html": f'<div class="filterlab-still-{self._view.still}">{data["text/html"]}</div>'}, metadata

    def _repr_mimebundle_(self, **kwargs) -> tuple[dict, dict]:
        data, metadata = self._still()
        return (super()._repr_mimebundle_(**kwargs) or {}) | data, metadata

    def _ipython_display_(self, **kwargs) -> None:
        # Two outputs, because a page shows one form of each: where the widget cannot live, it leaves a blank or an error, and the still
        # picture below it stays; where it lives, its script hides the picture.
        live = super()._repr_mimebundle_(**kwargs) or {}
        display(live | {"text/plain": ""}, raw=True)
        data, metadata = self._still()
        display(data, metadata=metadata, raw=True)


def _family(widget: widgets.Widget) -> list[widgets.Widget]:
    """A widget, its children, the controls of its view, and the layouts and styles of all of them; each once."""
    found, waiting = {}, [widget]
    while waiting:
        one = waiting.pop()
        if one.comm is None or id(one) in found:  # closed already, or met before
            continue
        found[id(one)] = one
        related = [*getattr(one, "children", ()), *getattr(one, "controls", {}).values()]
        waiting += related + [getattr(one, name) for name in ("layout", "style") if isinstance(getattr(one, name, None), widgets.Widget)]
    return list(found.values())


def line(*children: widgets.Widget) -> widgets.HBox:
    """Controls side by side, in as many lines as the page needs."""
    return widgets.HBox(children, layout=widgets.Layout(flex_flow="row wrap"))


def numbers(name: str, value: object, expected: str, axes: int, largest: int, smallest: int = 1) -> np.ndarray:
    """The value as an array of finite numbers with so many axes, or one sentence that says what is wrong with it.

    largest, smallest: how long each of its last two sides may be. Raises ValueError.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} has rows of different lengths, expected {expected}") from None
    if array.dtype.kind not in "buif":
        raise ValueError(f"{name} holds {array.dtype} values, expected {expected}, of real numbers")
    sides = array.shape[-2:]
    if array.ndim != axes or array.size == 0 or max(sides) > largest or min(sides) < smallest:
        raise ValueError(f"{name} has shape {array.shape}, expected {expected}")
    array = array.astype(float)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds {(~np.isfinite(array)).sum()} values that are not finite numbers")
    if np.abs(array).max() > LARGEST_VALUE:
        raise ValueError(f"{name} holds the value {np.abs(array).max():.3g}; the largest that can be shown is {LARGEST_VALUE:,.0f}")
    return array


def as_bytes(array: np.ndarray) -> bytes:
    """The numbers of an array as they travel to the browser: float64, row by row."""
    return np.ascontiguousarray(array, dtype="<f8").tobytes()
