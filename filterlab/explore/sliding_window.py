"""A window that slides over a small picture: every number it sees, every product, every answer, and what each setting changes."""

import operator

import ipywidgets as widgets
import numpy as np
import traitlets

from filterlab import kernels, show
from filterlab.convolution import conv2d, output_size, pad2d, windows
from filterlab.explore.explorer import Explorer, View, as_bytes, line, numbers, script, weight_slider

_RANGES = {"stride": (1, 4), "padding": (0, 3), "dilation": (1, 3), "kernel_size": (1, 5), "channels": (1, 3)}
_MODES = ("cross-correlation", "convolution")
_FIELD = 5  # the weights of every channel are kept in a 5×5 field; a smaller kernel is its middle
_LARGEST_IMAGE, _CHANNELS = 12, 3
_PACE = 700  # ms from step to step while it plays
_MANY = 220  # more numbers than this would make the still picture slow, and could hardly be read in it
_GRID = {"grid_template_columns": "repeat(auto-fit, minmax(min(100%, 300px), 1fr))"}


class _View(View):
    _esm = script("sliding_window")
    image, shape = traitlets.Bytes().tag(sync=True), traitlets.List().tag(sync=True)
    weights, size = traitlets.List().tag(sync=True), traitlets.List().tag(sync=True)
    stride, padding = traitlets.Int(1).tag(sync=True), traitlets.Int(0).tag(sync=True)
    dilation, step = traitlets.Int(1).tag(sync=True), traitlets.Int(0).tag(sync=True)
    ranges = traitlets.Dict(_RANGES).tag(sync=True)
    channels, mode = traitlets.Int(1).tag(sync=True), traitlets.Unicode(_MODES[0]).tag(sync=True)


class SlidingWindow(Explorer):
    """Sliders for everything that a convolution layer lets one choose, and its whole arithmetic on a small picture.

    image: grey (h, w) or (c, h, w) with one to three channels, at most 12×12, black at 0 and white at 1. kernel: (kh, kw), the same for
    every channel, or (c, kh, kw); at most 5×5. Where the picture has fewer than three channels, the learner may still add some: the first
    channel mirrored left to right, then upside down.

    All settings can be read and set from code: `image`, `kernel`, `kernel_size`, `stride`, `padding`, `dilation`, `channels`, `mode`
    ("cross-correlation" or "convolution") and `step`, the answer that is shown and up to which answers are written. `response` is what
    they give, `partial_sums` what each channel adds. Raises ValueError for a picture or a kernel that it cannot show, and for a setting
    with which the window does not fit.
    """

    def __init__(self, image: np.ndarray, kernel: np.ndarray = kernels.prewitt_y):
        given = _checked_image(image)
        weights = _checked_kernel(kernel, len(given))
        _positions(f"kernel of shape {weights.shape}", given.shape, weights.shape[-2:], 1, 0, 1)
        controls = _controls()
        view = _View(controls=controls, weights=_field(weights), size=list(weights.shape[-2:]))
        settings = widgets.GridBox([controls[name] for name in ("stride", "padding", "dilation", "kernel size")], layout=_GRID)
        choices = line(controls["mode"], controls["channels"], controls["channel"])
        super().__init__(view, [settings, choices, controls["grid"], line(controls["play"], controls["step"]), view])
        self._show_image(given)

    @property
    def image(self) -> np.ndarray:
        """The channels in use, (channels, h, w)."""
        return self._image[: self.channels].copy()

    @image.setter
    def image(self, image: np.ndarray) -> None:
        given = _checked_image(image)
        self._fit(f"image of shape {given.shape}", shape=given.shape)
        self._show_image(given)

    @property
    def kernel(self) -> np.ndarray:
        """The weights of the channels in use, (channels, kh, kw), not flipped."""
        rows, columns = (_middle(size) for size in self.kernel_size)
        return np.array(self._view.weights, dtype=float)[: self.channels, rows, columns]

    @kernel.setter
    def kernel(self, kernel: np.ndarray) -> None:
        weights = _checked_kernel(kernel, self.channels)
        size = list(weights.shape[-2:])
        self._fit(f"kernel of shape {weights.shape}", size=size)
        with self._view.hold_sync():
            self._view.weights, self._view.size = _field(weights), size

    @property
    def kernel_size(self) -> tuple[int, int]:
        """Rows and columns of the kernel. A larger kernel starts with zeros around the old one; a smaller one remembers what it hides."""
        rows, columns = self._view.size
        return rows, columns

    @kernel_size.setter
    def kernel_size(self, size: int | tuple[int, int]) -> None:
        sides = [size, size] if np.ndim(size) == 0 else list(size)
        if len(sides) != 2:
            raise ValueError(f"kernel_size={size} must be one whole number or a pair (rows, columns)")
        sides = [_whole("kernel_size", side) for side in sides]
        self._fit(f"kernel_size={size}", size=sides)
        self._view.size = sides

    @property
    def stride(self) -> int:
        """How many pixels the window moves from one answer to the next, 1 to 4."""
        return self._view.stride

    @stride.setter
    def stride(self, value: int) -> None:
        self._view.stride = _whole("stride", value)

    @property
    def padding(self) -> int:
        """How many zeros are added on each side, 0 to 3."""
        return self._view.padding

    @padding.setter
    def padding(self, value: int) -> None:
        padding = _whole("padding", value)
        self._fit(f"padding={value}", padding=padding)
        self._view.padding = padding

    @property
    def dilation(self) -> int:
        """How many pixels lie from one weight of the window to the next, 1 to 3."""
        return self._view.dilation

    @dilation.setter
    def dilation(self, value: int) -> None:
        dilation = _whole("dilation", value)
        self._fit(f"dilation={value}", dilation=dilation)
        self._view.dilation = dilation

    @property
    def channels(self) -> int:
        """How many input channels are in use, 1 to 3."""
        return self._view.channels

    @channels.setter
    def channels(self, value: int) -> None:
        self._view.channels = _whole("channels", value)

    @property
    def mode(self) -> str:
        """ "cross-correlation", as PyTorch computes, or "convolution", which flips the kernel on both axes."""
        return self._view.mode

    @mode.setter
    def mode(self, value: str) -> None:
        if value not in _MODES:
            raise ValueError(f"mode={value!r} is not one of {', '.join(_MODES)}")
        self._view.mode = value

    @property
    def step(self) -> int:
        """Which answer is shown, counted from 0 as we read; those after it are still to come."""
        return min(self._view.step, self._count - 1)

    @step.setter
    def step(self, value: int) -> None:
        self._view.step = _whole("step", value, (0, self._count - 1))

    @property
    def _count(self) -> int:
        rows, columns = self._fit("the window")
        return rows * columns

    @property
    def partial_sums(self) -> np.ndarray:
        """What each channel in use adds to the answers, (channels, h', w')."""
        # The channels as a batch of grey pictures, each with every kernel: on the diagonal, channel and kernel belong together.
        answers = conv2d(self.image[:, None], self._sliding_kernel()[:, None], None, self.stride, self.padding, self.dilation)
        return np.einsum("cchw->chw", answers)

    @property
    def response(self) -> np.ndarray:
        """All answers, (h', w'): the sum over the channels in use."""
        return conv2d(self.image[None], self._sliding_kernel()[None], None, self.stride, self.padding, self.dilation)[0, 0]

    @property
    def picture(self) -> show.Picture:
        """Window, kernel, products, picture and answers so far; of several channels picture, kernel and partial sums, then the sum."""
        padded, kernel, answers = pad2d(self.image, self.padding), self._sliding_kernel(), self.response
        row, column = divmod(self.step, answers.shape[1])
        flipped = ", flipped" if self.mode == "convolution" else ""
        name = "picture" + (f", padded by {self.padding}" if self.padding else "")
        numbered = padded.size + answers.size <= _MANY
        box = self._window_boxes(row, column)
        title = f"answers, {self.step + 1} of {answers.size}"
        if self.channels == 1:
            window = windows(padded, self.kernel_size, self.stride, self.dilation)[0, row, column]
            products = window * kernel[0]
            panels = [
                show.picture(window, "window", numbers=True),
                show.kernel(kernel[0], f"kernel{flipped}"),
                show.kernel(products, f"products, sum {show.number(products.sum())}"),
                show.picture(padded[0], name, numbers=numbered, box=box),
                self._so_far(answers, title, numbered),
            ]
            return show.gallery(panels, columns=3)
        panels = []
        for channel, partial in enumerate(self.partial_sums):
            whose = f" of channel {channel}"
            panels.append(show.picture(padded[channel], name.replace("picture", f"picture{whose}"), box=box))
            panels.append(show.kernel(kernel[channel], f"kernel{whose}{flipped}"))
            panels.append(self._so_far(partial, f"partial sums{whose}", False))
        return show.gallery([*panels, self._so_far(answers, f"{title}: the sum", numbered)], columns=3)

    def _so_far(self, answers: np.ndarray, title: str, numbered: bool) -> show.Picture:
        written = np.where(np.arange(answers.size).reshape(answers.shape) <= self.step, answers, np.nan)
        return show.response(written, title, limit=np.abs(answers).max() or None, numbers=numbered, pending=True)

    def _window_boxes(self, row: int, column: int) -> list[tuple[int, int, int, int]]:
        """The window as one box, or one for each of its pixels where there are holes between them."""
        (kh, kw), spread = self.kernel_size, self.dilation
        top, left = row * self.stride, column * self.stride
        if spread == 1:
            return [(top, left, kh, kw)]
        return [(top + i * spread, left + j * spread, 1, 1) for i, j in np.ndindex(kh, kw)]

    def _sliding_kernel(self) -> np.ndarray:
        """The weights as they lie on the picture: flipped for convolution."""
        return self.kernel[:, ::-1, ::-1] if self.mode == "convolution" else self.kernel

    def _fit(self, what: str, **changes: object) -> tuple[int, int]:
        """Rows and columns of answers, with some settings changed. Raises ValueError if the window does not fit."""
        names = ("shape", "size", "stride", "padding", "dilation")
        return _positions(what, **({name: getattr(self._view, name) for name in names} | changes))

    def _show_image(self, given: np.ndarray) -> None:
        self._image = np.stack([*given, given[0][:, ::-1], given[0][::-1]][:_CHANNELS])
        with self._view.hold_sync():
            self._view.shape, self._view.image = list(self._image.shape), as_bytes(self._image)
            self._view.channels = len(given)


def _checked_image(image: np.ndarray) -> np.ndarray:
    """The picture as (c, h, w)."""
    expected = f"grey (h, w) or 1 to {_CHANNELS} channels (c, h, w), at most {_LARGEST_IMAGE}×{_LARGEST_IMAGE}"
    array = numbers("image", image, expected, axes=(2, 3), largest=_LARGEST_IMAGE)
    if array.ndim == 3 and len(array) > _CHANNELS:
        raise ValueError(f"image has shape {array.shape}, expected {expected}")
    return array.reshape(-1, *array.shape[-2:])


def _checked_kernel(kernel: np.ndarray, channels: int) -> np.ndarray:
    """The kernel as (channels, kh, kw)."""
    expected = f"(kh, kw) or, for {channels} channel{'s' * (channels > 1)}, ({channels}, kh, kw), at most {_FIELD}×{_FIELD}"
    array = numbers("kernel", kernel, expected, axes=(2, 3), largest=_FIELD)
    if array.ndim == 3 and len(array) != channels:
        raise ValueError(f"kernel has shape {array.shape}, expected {expected}")
    return np.broadcast_to(array, (channels, *array.shape[-2:]))


def _field(weights: np.ndarray) -> list:
    """The weights in the middle of the field; channels that are not in use take those of the first."""
    field = np.zeros((_CHANNELS, _FIELD, _FIELD))
    rows, columns = (_middle(size) for size in weights.shape[-2:])
    field[:, rows, columns] = weights[0]
    field[: len(weights), rows, columns] = weights
    return field.tolist()


def _middle(size: int) -> slice:
    """Where a kernel so long lies in the field of weights."""
    start = _FIELD // 2 - size // 2
    return slice(start, start + size)


def _positions(what: str, shape: tuple, size: tuple, stride: int, padding: int, dilation: int) -> tuple[int, int]:
    """Rows and columns of answers. Raises ValueError, about what was asked for, if the window does not fit."""
    try:
        rows, columns = (output_size(pixels, kernel, stride, padding, dilation) for pixels, kernel in zip(shape[-2:], size, strict=True))
    except ValueError as error:
        raise ValueError(f"{what} does not fit: {error}") from None
    return rows, columns


def _whole(name: str, value: int, between: tuple[int, int] | None = None) -> int:
    least, most = between or _RANGES[name]
    try:
        whole = operator.index(value)
    except TypeError:
        raise ValueError(f"{name}={value!r} must be a whole number from {least} to {most}") from None
    if not least <= whole <= most:
        raise ValueError(f"{name}={value} must be a whole number from {least} to {most}")
    return whole


def _controls() -> dict[str, widgets.Widget]:
    controls = {name: _slider(name, *_RANGES[name.replace(" ", "_")]) for name in ("stride", "padding", "dilation", "kernel size")}
    controls["step"], controls["play"] = _slider("step", 0, 0), widgets.Play(max=0, interval=_PACE, show_repeat=False)
    controls["step"].layout.width = "min(100%, 480px)"
    controls["mode"] = widgets.ToggleButtons(options=_MODES)
    controls["channels"] = widgets.Dropdown(options=[str(count) for count in range(1, _CHANNELS + 1)], description="input channels")
    controls["channel"] = widgets.Dropdown(options=[f"channel {index}" for index in range(_CHANNELS)], description="weights of")
    weights = {f"weight {index}": weight_slider() for index in range(_FIELD**2)}
    for slider in weights.values():
        slider.style.description_width = "0px"  # no wider than its words
    grid = widgets.GridBox(list(weights.values()), layout={"overflow": "auto"})
    grid.add_class("filterlab-weights")
    return controls | weights | {"grid": grid}


def _slider(name: str, least: int, most: int) -> widgets.IntSlider:
    return widgets.IntSlider(value=least, min=least, max=most, description=name, layout={"width": "auto"})
