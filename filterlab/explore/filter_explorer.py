"""A slider for each weight of a kernel, and what the kernel makes of a picture."""

import html

import ipywidgets as widgets
import numpy as np
import traitlets

from filterlab import images, kernels, show
from filterlab.convolution import correlate2d
from filterlab.explore.explorer import Explorer, View, as_bytes, line, numbers, script

_SIDE, _LARGEST, _STEP = 5, 5, 0.25  # sliders for 5×5 weights, from −5 to 5 in quarters
_LARGEST_IMAGE, _LARGEST_KERNEL, _UPLOAD = 1024, 9, 256
_INNER = ["top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right"]


class _View(View):
    _esm = script("filter_explorer")
    image, shape = traitlets.Bytes().tag(sync=True), traitlets.List().tag(sync=True)
    kernel, pixel = traitlets.List().tag(sync=True), traitlets.List([0, 0]).tag(sync=True)
    presets, limit = traitlets.Dict().tag(sync=True), traitlets.Float().tag(sync=True)


class FilterExplorer(Explorer):
    """A photograph, a kernel with a slider for each of its weights, and the response, drawn in the browser while a slider moves.

    image: grey (h, w), black at 0 and white at 1; about 256 pixels wide feels quick. kernel: the weights to start with, (k, k) with k odd,
    at most 9; up to 5×5 they have sliders. limit: the value of the strongest colours of the response.

    `kernel`, `preset`, `pixel` and `image` can be read and set from code; `response` is what the kernel gives.
    Raises ValueError for an image or a kernel that it cannot show.
    """

    def __init__(self, image: np.ndarray, kernel: np.ndarray = kernels.sobel_x, *, limit: float = 1.0):
        picture = _checked_image(image)
        weights = _checked_kernel(kernel, picture)
        if not (np.isfinite(limit) and limit > 0):
            raise ValueError(f"limit={limit} must be a positive number")
        self._presets = kernels.gallery()
        weight = [_slider(place) for place in _places()]
        grid = widgets.GridBox(weight)
        grid.add_class("filterlab-weights")
        names = widgets.Dropdown(options=["custom", *self._presets], description="preset")
        size = widgets.Dropdown(options=["3×3", "5×5"], description="size")
        divisor = widgets.IntSlider(value=1, min=1, max=16, description="divided by")
        colors = widgets.Dropdown(options=["signed colours", "black and white"], description="shown in")
        self._upload = widgets.FileUpload(accept="image/*", description="your own picture", layout={"width": "auto"})
        self._message = widgets.HTML()
        controls = {"preset": names, "size": size, "divisor": divisor, "colors": colors, "grid": grid}
        controls |= {f"weight {index}": slider for index, slider in enumerate(weight)}
        presets = {name: preset.tolist() for name, preset in self._presets.items()}
        view = _View(controls=controls, presets=presets, limit=float(limit), kernel=weights.tolist())
        super().__init__(view, [line(names, size, divisor, colors), grid, view, line(self._upload, self._message)])
        self._show_image(picture)
        view.pixel = [side // 2 for side in self.response.shape]
        self._upload.observe(self._on_upload, "value")

    @property
    def kernel(self) -> np.ndarray:
        """The weights, (k, k)."""
        return np.array(self._view.kernel, dtype=float)

    @kernel.setter
    def kernel(self, weights: np.ndarray) -> None:
        self._view.kernel = _checked_kernel(weights, self._image).tolist()

    @property
    def preset(self) -> str:
        """The name of the kernel, "custom" for one that has none."""
        kernel = self.kernel
        same = (name for name, preset in self._presets.items() if preset.shape == kernel.shape and np.allclose(preset, kernel, atol=1e-9))
        return next(same, "custom")

    @preset.setter
    def preset(self, name: str) -> None:
        if name not in self._presets:
            raise ValueError(f"preset={name!r} is not one of the presets: {', '.join(self._presets)}")
        self.kernel = self._presets[name]

    @property
    def pixel(self) -> tuple[int, int]:
        """Row and column of the answer whose window is shown; the window's top left pixel stands there, too."""
        last = np.subtract(self.response.shape, 1)
        row, column = np.clip(self._view.pixel, 0, last)
        return int(row), int(column)

    @pixel.setter
    def pixel(self, place: tuple[int, int]) -> None:
        rows, columns = self.response.shape
        row, column = place
        if not (0 <= row < rows and 0 <= column < columns):
            raise ValueError(f"pixel={tuple(place)} lies outside the response of shape {(rows, columns)}")
        self._view.pixel = [int(row), int(column)]

    @property
    def image(self) -> np.ndarray:
        """The picture, (h, w)."""
        return self._image.copy()

    @image.setter
    def image(self, image: np.ndarray) -> None:
        self._show_image(_checked_image(image, at_least=len(self._view.kernel)))

    @property
    def response(self) -> np.ndarray:
        """What the kernel gives on the picture, (h-k+1, w-k+1), without padding."""
        return correlate2d(self._image, self.kernel)

    @property
    def picture(self) -> show.Picture:
        """The picture, the kernel and the response, as they are now."""
        size, (row, column) = len(self._view.kernel), self.pixel
        before = show.picture(self._image, "picture", box=(row, column, size, size))
        # As in the browser: weights that sum to zero ask for signed colours.
        draw = show.response if abs(self.kernel.sum()) < 1e-9 else show.picture
        return show.row([before, show.kernel(self.kernel, "kernel"), draw(self.response, "response")], limit=self._view.limit)

    def _show_image(self, image: np.ndarray) -> None:
        self._image = image
        with self._view.hold_sync():
            self._view.shape, self._view.image = list(image.shape), as_bytes(image)

    def _on_upload(self, change: dict) -> None:
        if not change.new:
            return
        name = change.new[-1].name
        try:
            self.image = images.decode(bytes(change.new[-1].content), name, size=_UPLOAD)
            self._message.value = _said(f"{name}, {self._image.shape[0]}×{self._image.shape[1]} pixels")
        except ValueError as error:
            self._message.value = _said(str(error))
        self._upload.value = ()  # the same file may be chosen again


def _checked_image(image: np.ndarray, at_least: int = 3) -> np.ndarray:
    expected = f"a grey picture (h, w) of at least {at_least}×{at_least} and at most {_LARGEST_IMAGE}×{_LARGEST_IMAGE} pixels"
    return numbers("image", image, expected, axes=2, largest=_LARGEST_IMAGE, smallest=at_least)


def _checked_kernel(kernel: np.ndarray, image: np.ndarray) -> np.ndarray:
    largest = min(_LARGEST_KERNEL, *image.shape)
    expected = f"(k, k) with k odd, at least 3 and at most {largest - (largest + 1) % 2}"
    weights = numbers("kernel", kernel, expected, axes=2, largest=largest, smallest=3)
    if weights.shape[0] != weights.shape[1] or len(weights) % 2 == 0:
        raise ValueError(f"kernel has shape {weights.shape}, expected {expected}")
    return weights


def _places() -> list[str]:
    """What the sliders are called: the middle nine by their place, the others by their way from the centre."""
    inner = iter(_INNER)
    return [next(inner) if max(abs(i), abs(j)) <= 1 else _way(i, j) for i in range(-2, 3) for j in range(-2, 3)]


def _way(down: int, right: int) -> str:
    steps = [(abs(down), "up" if down < 0 else "down"), (abs(right), "left" if right < 0 else "right")]
    return ", ".join(f"{count} {way}" for count, way in steps if count)


def _slider(place: str) -> widgets.FloatSlider:
    return widgets.FloatSlider(min=-_LARGEST, max=_LARGEST, step=_STEP, description=place, readout_format=".2f", layout={"width": "auto"})


def _said(sentence: str) -> str:
    """A sentence about an upload, for the eye and for screen readers."""
    return f'<span role="status">{html.escape(sentence)}</span>'
