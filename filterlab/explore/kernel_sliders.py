"""Nine sliders, one 3×3 kernel, and what it makes of a picture."""

import ipywidgets as widgets
import numpy as np

from filterlab import kernels, show
from filterlab.convolution import correlate2d

_PLACES = ["top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right"]
_OWN = "your own"
_STEP, _LARGEST = 0.25, 5


class KernelSliders(widgets.VBox):
    """A slider for each weight of a 3×3 kernel, presets, and the kernel's response beside the picture.

    image: grey (h, w), floats in [0, 1]; about 256 pixels wide feels quick. kernel: the weights to start with.
    `kernel` reads and sets the nine weights from code; `picture` is what is shown. Where the sliders cannot live (an
    exported page), that picture stands in for them. Raises ValueError for an image or a kernel that it cannot show.
    """

    def __init__(self, image: np.ndarray, kernel: np.ndarray = kernels.sobel_x):
        if np.ndim(image) != 2 or min(np.shape(image)) < 3:
            raise ValueError(f"image has shape {np.shape(image)}, expected a grey picture (h, w) of at least 3×3 pixels")
        self._image = np.asarray(image)
        self._presets = {name: weights for name, weights in kernels.gallery().items() if weights.shape == (3, 3)}
        self._sliders = [_slider(place) for place in _PLACES]
        self._divisor = widgets.IntSlider(value=1, min=1, max=16, description="divided by")
        self._preset = widgets.Dropdown(options=[_OWN, *self._presets], description="preset")
        self._colors = widgets.Dropdown(options=[("signed colours", "response"), ("black and white", "picture")], description="shown in")
        self._sum, self._view, self._quiet = widgets.HTML(), widgets.HTML(), False
        grid = widgets.GridBox(self._sliders, layout=widgets.Layout(grid_template_columns="repeat(3, minmax(0, 300px))"))
        before = widgets.HTML(show.picture(self._image, "picture").html)
        super().__init__([_line(self._preset, self._divisor, self._colors), grid, self._sum, _line(before, self._view)])
        for control in (*self._sliders, self._divisor, self._preset, self._colors):
            control.observe(self._on_change, "value")
        self.kernel = kernel

    @property
    def kernel(self) -> np.ndarray:
        """The nine weights, (3, 3): what the sliders say, divided."""
        return np.array([slider.value for slider in self._sliders]).reshape(3, 3) / self._divisor.value

    @kernel.setter
    def kernel(self, weights: np.ndarray) -> None:
        settings, divisor = _settings(np.asarray(weights, dtype=float))
        self._quiet = True  # eleven controls change; one redraw is enough
        for slider, value in zip(self._sliders, settings.flat, strict=True):
            slider.value = value
        self._divisor.value = divisor
        self._preset.value = next((name for name, preset in self._presets.items() if np.allclose(preset, weights)), _OWN)
        self._colors.value = "response" if abs(np.sum(weights)) < 1e-9 else "picture"
        self._quiet = False
        self._redraw()

    @property
    def picture(self) -> show.Picture:
        """The picture, the kernel and the response, as they are now."""
        return show.row([show.picture(self._image, "picture"), show.kernel(self.kernel, "kernel", limit=1), self._drawn])

    def _on_change(self, change: dict) -> None:
        if self._quiet:
            return
        if change.owner is self._preset and change.new != _OWN:
            self.kernel = self._presets[change.new]
            return
        if change.owner is self._divisor or change.owner in self._sliders:
            self._quiet = True
            self._preset.value = _OWN
            self._quiet = False
        self._redraw()

    def _redraw(self) -> None:
        weights = self.kernel
        answer = correlate2d(self._image, weights)
        # The scale stays put, so that larger weights look stronger.
        signed = self._colors.value == "response"
        self._drawn = show.response(answer, "response", limit=1) if signed else show.picture(answer, "response")
        self._sum.value = f"sum of the nine weights: <b>{show.number(weights.sum())}</b>"
        self._view.value = self._drawn.html

    def _repr_mimebundle_(self, **kwargs) -> dict:
        still, _ = self.picture._repr_mimebundle_()
        return (super()._repr_mimebundle_(**kwargs) or {}) | still


def _settings(weights: np.ndarray) -> tuple[np.ndarray, int]:
    """Slider values (3, 3) and the divisor that give these weights. Raises ValueError where no setting does."""
    if weights.shape != (3, 3):
        raise ValueError(f"kernel has shape {weights.shape}: there are 3×3 sliders")
    # A browser moves every slider to its nearest step, so only whole steps stay what they are; whole numbers read best.
    for step in (1, _STEP):
        for divisor in range(1, 17):
            settings = np.round(weights * divisor / step) * step
            if np.allclose(settings, weights * divisor, atol=1e-9) and np.abs(settings).max() <= _LARGEST:
                return settings, divisor
    raise ValueError("kernel cannot be set with these sliders: they go from −5 to 5 in quarters, divided by 1 to 16")


def _line(*children: widgets.Widget) -> widgets.HBox:
    return widgets.HBox(children, layout=widgets.Layout(flex_flow="row wrap"))


def _slider(place: str) -> widgets.FloatSlider:
    layout, style = widgets.Layout(width="auto"), {"description_width": "90px"}
    return widgets.FloatSlider(min=-_LARGEST, max=_LARGEST, step=_STEP, description=place, readout_format=".2f", layout=layout, style=style)
