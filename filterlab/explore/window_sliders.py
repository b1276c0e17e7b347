"""A window that slides over a small picture, with every number it sees."""

import ipywidgets as widgets
import numpy as np

from filterlab import kernels, show
from filterlab.convolution import output_size, pad2d, windows

_LARGEST = {"stride": 4, "padding": 2, "dilation": 3}


class WindowSliders(widgets.VBox):
    """Sliders for stride, padding, dilation and step; the picture, the window, the products, their sum, and the answers so far.

    image: grey (h, w), at most 12×12 pixels, so that its numbers can be read. kernel: (kh, kw), at most 5×5.
    `picture` is what is shown; where the sliders cannot live (an exported page), it stands in for them. The sliders only go
    as far as the window fits. Raises ValueError for an image or a kernel that it cannot show.
    """

    def __init__(self, image: np.ndarray, kernel: np.ndarray = kernels.prewitt_y):
        if np.ndim(image) != 2 or max(np.shape(image)) > 12:
            raise ValueError(f"image has shape {np.shape(image)}, expected a grey picture (h, w) of at most 12×12 pixels")
        if np.ndim(kernel) != 2 or max(np.shape(kernel)) > 5 or (np.array(np.shape(kernel)) > np.shape(image)).any():
            raise ValueError(f"kernel has shape {np.shape(kernel)}, expected (kh, kw), at most 5×5 and no larger than the image")
        self._image, self._kernel, self._quiet = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float), False
        self._stride, self._padding, self._dilation = (_slider(name, name != "padding", most) for name, most in _LARGEST.items())
        self._step = _slider("step", 0, 0)
        self._sum, self._upper, self._lower = widgets.HTML(), widgets.HTML(), widgets.HTML()
        controls = widgets.GridBox(
            [self._stride, self._padding, self._dilation, self._step],
            layout=widgets.Layout(grid_template_columns="repeat(2, minmax(0, 420px))"),
        )
        super().__init__([controls, self._sum, self._upper, self._lower])
        for control in (self._stride, self._padding, self._dilation, self._step):
            control.observe(self._on_change, "value")
        self._fit()
        self._redraw()

    @property
    def settings(self) -> dict[str, int]:
        """What the sliders say: stride, padding, dilation, step."""
        sliders = {"stride": self._stride, "padding": self._padding, "dilation": self._dilation, "step": self._step}
        return {name: slider.value for name, slider in sliders.items()}

    @property
    def picture(self) -> show.Picture:
        """Window, kernel and products, then the picture and the answers so far, as they are now."""
        return show.gallery([*self._drawn[1], *self._drawn[0]], columns=3, limit=self._limit)

    def _on_change(self, change: dict) -> None:
        if self._quiet:
            return
        self._quiet = True  # the limits of the other sliders may move their values; one redraw is enough
        self._fit()
        self._quiet = False
        self._redraw()

    def _fit(self) -> None:
        """Lets dilation and step go exactly as far as the window fits; dilation gives way to padding."""
        room = [size + 2 * self._padding.value for size in self._image.shape]
        fitting = [
            dilation
            for dilation in range(1, _LARGEST["dilation"] + 1)
            if all(dilation * (size - 1) < space for size, space in zip(self._kernel.shape, room, strict=True))
        ]
        self._dilation.max = max(fitting)
        self._step.max = int(np.prod(self._positions)) - 1

    @property
    def _positions(self) -> tuple[int, int]:
        """How many rows and columns of answers there are."""
        stride, padding, dilation = self._stride.value, self._padding.value, self._dilation.value
        sizes = zip(self._image.shape, self._kernel.shape, strict=True)
        rows, columns = (output_size(size, kernel, stride, padding, dilation) for size, kernel in sizes)
        return rows, columns

    def _redraw(self) -> None:
        stride, padding, dilation, step = self.settings.values()
        padded = pad2d(self._image, padding)
        views = windows(padded, self._kernel.shape, stride, dilation)
        answers = (views * self._kernel).sum(axis=(-2, -1))
        self._limit = max(1.0, float(np.abs(answers).max()), float(np.abs(self._kernel).max()))
        row, column = divmod(step, answers.shape[1])
        window, products = views[row, column], views[row, column] * self._kernel
        answer = answers[row, column]
        so_far = answers.copy()
        so_far.flat[step + 1 :] = np.nan
        top, left = row * stride, column * stride
        taps = [(top + i * dilation, left + j * dilation, 1, 1) for i, j in np.ndindex(self._kernel.shape)]
        kh, kw = self._kernel.shape
        boxes = [(top, left, kh, kw)] if dilation == 1 else taps
        whole = "picture" if not padding else f"picture, padded by {padding}"
        self._drawn = (
            [
                show.picture(padded, whole, numbers=True, box=boxes),
                show.response(so_far, f"answers, {step + 1} of {answers.size}", limit=self._limit, numbers=True, pending=True),
            ],
            [
                show.picture(window, "window", numbers=True),
                show.kernel(self._kernel, "kernel"),
                show.kernel(products, f"products, sum {show.number(answer)}"),
            ],
        )
        size = f"{answers.shape[0]}×{answers.shape[1]}"
        self._sum.value = (
            f"answer at row {row}, column {column}: the window starts at row {top}, column {left}; "
            f"sum of the products <b>{show.number(answer)}</b>; {size} answers in all"
        )
        self._upper.value, self._lower.value = (show.row(drawn, limit=self._limit).html for drawn in self._drawn)

    def _repr_mimebundle_(self, **kwargs) -> dict:
        still, _ = self.picture._repr_mimebundle_()
        return (super()._repr_mimebundle_(**kwargs) or {}) | still


def _slider(name: str, least: int, most: int) -> widgets.IntSlider:
    return widgets.IntSlider(
        value=least, min=least, max=most, description=name, layout=widgets.Layout(width="auto"), style={"description_width": "70px"}
    )
