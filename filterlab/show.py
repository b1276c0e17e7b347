"""Pictures of pictures, filters and responses: drawn with fixed or stated scales, never stretched in silence.

Signed things are orange above zero, blue below and grey at exactly zero. Every function returns a `Picture`: a PNG on its
own light ground with a description in words, so that it can be read in light and dark themes, in exported pages and
by screen readers. pyplot and its global state are not used.
"""

import base64
import html
import io
import logging
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

# On a slow machine matplotlib announces its first font search on stderr, where a notebook shows it as an error.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

import numpy as np  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.colors import LinearSegmentedColormap, to_rgb  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.patches import Rectangle  # noqa: E402
from matplotlib.ticker import MaxNLocator  # noqa: E402
from PIL import Image  # noqa: E402

ZERO_GREY = "#d4d4d4"
NOT_A_NUMBER = "#d6008f"
# An odd number of colours: the middle one, and no other, is zero.
SIGNED = LinearSegmentedColormap.from_list("blue-grey-orange", ["#083b80", "#4f94d4", ZERO_GREY, "#ef8f3c", "#a83a00"], N=257)
SIGNED = SIGNED.with_extremes(bad=NOT_A_NUMBER)
GREY = LinearSegmentedColormap.from_list("black-white", ["black", "white"]).with_extremes(bad=NOT_A_NUMBER)

# Everything below is measured in pixels of the PNG.
DPI = 120
WIDTH, TALLEST, GAP, MARGIN, LINE = 912, 520, 16, 12, 17
LARGEST_CELL, SMALLEST_CELL = 56, 26
# More than anybody looks at; thousands, out of an answer that gives too many filters, would take minutes and gigabytes.
MOST_PANELS = 200
INK, FAINT = "#1a1a1a", "#555555"
# Told apart by their brightness and their dashes, too, not by colour alone.
_LINES = ["#083b80", "#c24e00", "#1a1a1a", "#4f94d4", "#e0a050", "#7a7a7a"]
_DASHES = ["-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1))]
_HEIGHTS = LinearSegmentedColormap.from_list("white-grey", ["#ffffff", "#a8a8a8"])

Box = tuple[int, int, int, int]  # row, column, height, width


class Picture:
    """A drawn figure and its description; the last expression of a cell shows it.

    alt: the description. png: the figure as PNG bytes. panels: what is drawn in it, for `row` and `gallery`.
    """

    def __init__(self, draw: Callable[[], Figure], alt: str, panels: Sequence["Panel"] = ()):
        self._draw = draw
        self.alt = alt
        self.panels = tuple(panels)

    @cached_property
    def png(self) -> bytes:
        file = io.BytesIO()
        # Sliders wait for this: the usual level takes twice the time, to make a picture a fifth smaller.
        FigureCanvasAgg(self._draw()).print_png(file, pil_kwargs={"compress_level": 1})
        return file.getvalue()

    @property
    def html(self) -> str:
        """An <img> that carries picture and description. JupyterLab and nbconvert's lab template drop the alt text of image/png."""
        data = base64.b64encode(self.png).decode()
        return f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{data}" style="display:block;max-width:100%;height:auto">'

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        data = {"text/plain": self.alt, "text/html": self.html, "image/png": base64.b64encode(self.png).decode()}
        return data, {"image/png": {"alt": self.alt}}

    def __repr__(self) -> str:
        return self.alt


@dataclass(frozen=True)
class Panel:
    """One array of a figure and how it is drawn. kind: "picture", "response", "kernel", "spectrum" or "landscape"."""

    kind: str
    values: np.ndarray
    title: str
    alt: str
    notes: tuple[str, ...] = ()
    limit: float | None = None
    numbers: bool = False
    boxes: tuple[tuple[int, int, int, int], ...] = ()
    pending: bool = False
    brightest: float = 1.0
    sides: tuple[np.ndarray, ...] = ()
    path: np.ndarray | None = None
    shape: tuple[int, int] = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "shape", self.values.shape[-2:])

    @property
    def signed(self) -> bool:
        return self.kind in ("response", "kernel")


def picture(
    image: np.ndarray,
    title: str = "",
    *,
    numbers: bool = False,
    box: Box | Sequence[Box] | None = None,
    alt: str | None = None,
) -> Picture:
    """A picture, black at 0 and white at 1 whatever its values are; uint8 pictures black at 0 and white at 255.

    image: grey (h, w) or colour (3, h, w). numbers: write the values into the pixels, where there is room.
    box: (row, column, height, width) of a window to outline, or a list of them.
    Values outside the range are drawn black or white, and a note says so.
    Raises ValueError for another shape, no pixels, no finite value, or a box that leaves the picture.
    """
    values = _array("image", image, (2, 3), "a picture is (h, w) or (3, h, w)")
    if values.ndim == 3 and len(values) != 3:
        raise ValueError(f"image has shape {values.shape}: a colour picture is (3, h, w), with three channels")
    white = 255 if values.dtype == np.uint8 else 1
    values = values.astype(float)
    finite = values[np.isfinite(values)]
    notes = _not_finite(values)
    if finite.min() < 0 or finite.max() > white:
        notes.append(f"values {number(finite.min())} to {number(finite.max())}: below 0 drawn black, above {white} white")
    kind = "grey picture" if values.ndim == 2 else "colour picture"
    words = f"{kind}, {_size(values)}, values {number(finite.min())} to {number(finite.max())}, mean {number(finite.mean())}"
    panel = Panel(
        "picture", values, title, _describe(title, words), tuple(notes), numbers=numbers, boxes=_boxes(box, values), brightest=white
    )
    return _single(panel, alt)


def response(
    feature_map: np.ndarray,
    title: str = "",
    *,
    limit: float | None = None,
    numbers: bool = False,
    pending: bool = False,
    alt: str | None = None,
) -> Picture:
    """A signed map (h, w): orange above zero, blue below, grey at zero, the same range both ways.

    limit: the value of the strongest colours; the default is the largest absolute value. What lies beyond is drawn in
    the end colours, and a note says how much that is. numbers: write the values into the pixels, where there is room.
    pending: values that are not a number are answers still to come; they stay white.
    Raises ValueError for another shape, no pixels, no finite value, or limit ≤ 0.
    """
    values = _array("feature_map", feature_map, (2,), "a response is one map (h, w)").astype(float)
    top, bottom = np.nanargmax(_finite(values)), np.nanargmin(_finite(values))
    words = f"signed map, {_size(values)}, from {number(values.flat[bottom])}{_place(values, bottom)} to "
    words += f"{number(values.flat[top])}{_place(values, top)}; {np.mean(values > 0):.0%} positive, {np.mean(values < 0):.0%} negative"
    words += f"; {np.isnan(values).sum()} still to come" if pending else ""
    notes = () if pending else tuple(_not_finite(values))
    panel = Panel("response", values, title, _describe(title, words), notes, limit=_positive(limit), numbers=numbers, pending=pending)
    return _single(panel, alt)


def kernel(weights: np.ndarray, title: str = "", *, limit: float | None = None, alt: str | None = None) -> Picture:
    """The weights of a kernel (kh, kw) as coloured squares, with their numbers where there is room; signed colours, grey at zero.

    limit: as for `response`. Raises ValueError for another shape, no weights, no finite value, or limit ≤ 0.
    """
    values = _array("weights", weights, (2,), "a kernel is one matrix (kh, kw)").astype(float)
    rows = "; ".join(" ".join(_numbers(values)[row]) for row in range(len(values)))
    listed = f", weights {rows}" if values.size <= 25 else f", weights {number(np.nanmin(values))} to {number(np.nanmax(values))}"
    words = f"kernel, {_size(values)}{listed}, sum {number(values.sum())}"
    panel = Panel("kernel", values, title, _describe(title, words), tuple(_not_finite(values)), limit=_positive(limit), numbers=True)
    return _single(panel, alt)


def filters(weights: np.ndarray, title: str = "", *, limit: float | None = None, alt: str | None = None) -> Picture:
    """The weights of a layer, (n, c, kh, kw), as coloured squares: a column per filter, a row per input channel; grey at zero.

    limit: as for `response`. Raises ValueError for another shape, no weights, no finite value, or limit ≤ 0.
    """
    values = _array("weights", weights, (4,), "the filters of a layer are (n, c, kh, kw)").astype(float)
    count, channels, rows, columns = values.shape
    # One pixel between two squares; what is no number stays white here.
    sheet = np.full((channels * (rows + 1) - 1, count * (columns + 1) - 1), np.nan)
    for place, channel in np.ndindex(count, channels):
        top, left = channel * (rows + 1), place * (columns + 1)
        sheet[top : top + rows, left : left + columns] = values[place, channel]
    words = f"{count} filters of {rows}×{columns} weights side by side, {channels} input channels one below the other, "
    words += f"weights {number(np.nanmin(_finite(values)))} to {number(np.nanmax(_finite(values)))}"
    panel = Panel("response", sheet, title, _describe(title, words), tuple(_not_finite(values)), limit=_positive(limit), pending=True)
    return _single(panel, alt)


def spectrum(gain: np.ndarray, title: str = "", *, alt: str | None = None) -> Picture:
    """What a filter lets through, frequency by frequency: black is nothing, white the largest gain, frequency zero in the middle.

    gain: (n, m), not negative, in the order of np.fft.fft2. Frequencies are in cycles per pixel, −½ to ½.
    Raises ValueError for another shape, no values, no finite value, or a negative one.
    """
    values = _array("gain", gain, (2,), "a spectrum is one matrix (n, m)").astype(float)
    if np.nanmin(values) < 0:
        raise ValueError(f"gain has the negative value {number(np.nanmin(values))}: take np.abs of the transform")
    largest = float(np.nanmax(_finite(values)))
    words = f"gain at each frequency, {number(values[0, 0])} at frequency zero, largest {number(largest)}"
    notes = (f"black 0, white {number(largest)}", *_not_finite(values))
    panel = Panel("spectrum", np.fft.fftshift(values), title, _describe(title, words), notes, brightest=largest or 1.0)
    return _single(panel, alt)


def row(pictures: Iterable[Picture], title: str = "", *, limit: float | None = None, alt: str | None = None) -> Picture:
    """Pictures side by side, at most five in one line; all signed ones on one scale, as in `gallery`."""
    items = _pictures(pictures)
    return gallery(items, title, columns=min(len(items), 5), limit=limit, alt=alt)


def gallery(
    pictures: Iterable[Picture], title: str = "", *, columns: int = 4, limit: float | None = None, alt: str | None = None
) -> Picture:
    """Pictures in a grid, line by line; all signed ones share one scale, which is written below.

    limit: the value of the strongest colours for all; the default is the largest limit of the pictures, or their largest absolute value.
    Raises ValueError for no pictures, more than 200, columns < 1, limit ≤ 0, or something that is no Picture with panels.
    """
    if columns < 1:
        raise ValueError(f"columns={columns} must be at least 1")
    panels = [panel for item in _pictures(pictures) for panel in item.panels]
    if len(panels) > MOST_PANELS:
        raise ValueError(f"these are {len(panels)} pictures: at most {MOST_PANELS} are drawn together")
    limit = _positive(limit) or _shared_limit(panels)
    if alt is None:
        scale = f" All signed parts on one scale, {_scale(limit)}." if any(panel.signed for panel in panels) else ""
        alt = f"{title + ': ' if title else ''}{len(panels)} pictures. " + ". ".join(panel.alt for panel in panels) + "." + scale
    return Picture(lambda: _grid(panels, columns, title, limit), alt, panels)


def stack(pictures: Iterable[Picture], title: str = "") -> Picture:
    """Finished pictures below one another, each with a scale of its own, under one title. Raises ValueError for no pictures."""
    items = list(pictures)
    if not items:
        raise ValueError("pictures is empty: there is nothing to draw")
    return Picture(
        lambda: _stacked(items, title), ". ".join(words.rstrip(".") for words in [title, *(item.alt for item in items)] if words)
    )


def profile(brightness: np.ndarray, answers: np.ndarray, title: str = "", *, alt: str | None = None) -> Picture:
    """One line of a picture and, below it, the responses of a filter along that line.

    brightness: (w,). answers: (w',), as long or shorter; drawn under the middle of the brightness, as the kernel's centre stands.
    Raises ValueError for other shapes, no finite value, or more answers than pixels.
    """
    light = _array("brightness", brightness, (1,), "a line of a picture is (w,)").astype(float)
    signed = _array("answers", answers, (1,), "the responses along a line are (w,)").astype(float)
    if len(signed) > len(light):
        raise ValueError(f"answers has {len(signed)} values, brightness only {len(light)}")
    words = f"brightness of {len(light)} pixels from {number(np.nanmin(light))} to {number(np.nanmax(light))}; below it {len(signed)} "
    words += f"responses from {number(np.nanmin(signed))} to {number(np.nanmax(signed))}"
    return Picture(lambda: _lines(light, signed, title), alt or _describe(title, words))


def magnitudes(values: Mapping[str, float], title: str = "", *, unit: str = "", alt: str | None = None) -> Picture:
    """Named positive numbers as dots on one logarithmic scale: equal distances are equal factors.

    unit: is written below the scale. Raises ValueError for no numbers, or one that is not positive and finite.
    """
    if not values:
        raise ValueError("values is empty: there is nothing to draw")
    for name, value in values.items():
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"values[{name!r}]={value} must be a positive number")
    listed = ", ".join(f"{name} {quantity(value)} {unit}".rstrip() for name, value in values.items())
    words = f"{len(values)} values on a logarithmic scale: {listed}"
    return Picture(lambda: _dots(values, title, unit), alt or _describe(title, words))


def landscape(
    losses: np.ndarray,
    across: np.ndarray,
    up: np.ndarray,
    path: np.ndarray | None = None,
    title: str = "",
    *,
    note: str = "",
    alt: str | None = None,
) -> Picture:
    """A loss over two weights, as lines of equal height: white is low, each line one equal step of √loss; a path on it.

    losses: (n, m), not negative; its columns belong to the values `across` (m,), its rows to the values `up` (n,), both rising.
    path: points (p, 2) as (across, up), a ring where it starts; the lowest point of the landscape is a cross. note: is written below.
    Raises ValueError for other shapes, values that are not finite, or a negative loss.
    """
    values = _array("losses", losses, (2,), "a landscape is one matrix (n, m)").astype(float)
    sides = tuple(_array(name, side, (1,), "values of one weight").astype(float) for name, side in (("across", across), ("up", up)))
    if (len(sides[1]), len(sides[0])) != values.shape or min(values.shape) < 2:
        raise ValueError(f"losses has shape {values.shape}, expected ({len(sides[1])}, {len(sides[0])}) for up and across, at least 2×2")
    if not (np.isfinite(values).all() and values.min() >= 0):
        raise ValueError("losses holds values that are negative or not finite")
    if path is not None and np.shape(_array("path", path, (2,), "a path is (points, 2)"))[1] != 2:
        raise ValueError(f"path has shape {np.shape(path)}: a path is (points, 2)")
    row_, column = np.unravel_index(values.argmin(), values.shape)
    words = f"loss over two weights, from {number(values.min())} at ({number(sides[0][column])}, {number(sides[1][row_])}) "
    words += f"to {number(values.max())}, drawn as lines of equal height"
    if path is not None:
        ends = [f"({number(point[0])}, {number(point[1])})" for point in (path[0], path[-1])]
        words += f"; a path of {len(path) - 1} steps from {ends[0]} to {ends[1]}"
    notes = (note,) if note else ()
    panel = Panel("landscape", values, title, _describe(title, words), notes, sides=sides, path=path)
    return _single(panel, alt)


def curves(
    series: Mapping[str, Sequence[float]],
    title: str = "",
    *,
    every: int = 1,
    label: str = "loss",
    unit: str = "step",
    limits: tuple[float, float] | None = None,
    alt: str | None = None,
) -> Picture:
    """Named rows of numbers, one per recorded step, as lines on one logarithmic scale: equal heights are equal factors.

    every: steps between two numbers. label, unit: of the upright and the level axis. limits: the lowest and the highest value drawn; what
    lies beyond, runs away or is no number is drawn at the limit. Raises ValueError for no series, more than six, an empty one, nothing
    positive to draw, or limits that are not 0 < lowest < highest.
    """
    if not 1 <= len(series) <= 6:
        raise ValueError(f"series has {len(series)} entries: expected one to six lines")
    lines = {name: _array(f"series[{name!r}]", values, (1,), "a line is (n,)").astype(float) for name, values in series.items()}
    known = np.concatenate([values[np.isfinite(values) & (values > 0)] for values in lines.values()])
    if limits is None and not known.size:
        raise ValueError("series has no positive value to draw on a logarithmic scale")
    low, high = limits or (float(known.min()) / 1.5, float(known.max()) * 1.5)
    if not 0 < low < high < math.inf:
        raise ValueError(f"limits={limits} must be two numbers, 0 < lowest < highest")
    ends = {name: f"{values[0]:.3g} to {values[-1]:.3g} at {unit} {(len(values) - 1) * every}" for name, values in lines.items()}
    said = [f"{name} from {first_to_last}" for name, first_to_last in ends.items()]
    words = f"{label} by {unit} on a logarithmic scale: {', '.join(said)}"
    drawn = {name: np.clip(np.nan_to_num(values, nan=high, posinf=high), low, high) for name, values in lines.items()}
    return Picture(lambda: _curves(drawn, title, every, label, unit, (low, high)), alt or _describe(title, words))


# Checks and words --------------------------------------------------------------------------------------------------------


def _array(name: str, value: object, dimensions: tuple[int, ...], expected: str) -> np.ndarray:
    """The value as a numeric array with one of these numbers of axes, or one sentence about what is wrong with it."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} has rows of different lengths: {expected}") from None
    if array.dtype.kind not in "buif":
        raise ValueError(f"{name} holds {array.dtype} values of shape {array.shape}, not real numbers: {expected}")
    if array.ndim not in dimensions or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}: {expected}")
    if not np.isfinite(array).any():
        raise ValueError(f"{name} of shape {array.shape} has no finite value to draw")
    return array


def _pictures(pictures: Iterable[Picture]) -> list[Picture]:
    items = [pictures] if isinstance(pictures, Picture) else list(pictures)
    for position, item in enumerate(items):
        if not getattr(item, "panels", ()):
            kind = "a chart" if isinstance(item, Picture) else type(item).__name__
            raise ValueError(f"pictures[{position}] is {kind}: expected what picture, response, kernel, spectrum or landscape gives")
    if not items:
        raise ValueError("pictures is empty: there is nothing to draw")
    return items


def _boxes(box: Box | Sequence[Box] | None, image: np.ndarray) -> tuple[Box, ...]:
    if box is None:
        return ()
    boxes = [tuple(one) for one in box] if np.ndim(box) == 2 else [tuple(box)]
    for one in boxes:
        top, left, height, width = one
        if min(top, left) < 0 or min(height, width) < 1 or top + height > image.shape[-2] or left + width > image.shape[-1]:
            raise ValueError(f"box={one} (row, column, height, width) leaves the image of shape {image.shape}")
    return tuple(boxes)


def _positive(limit: float | None) -> float | None:
    if limit is not None and not (limit > 0 and math.isfinite(limit)):
        raise ValueError(f"limit={limit} must be a positive number")
    return limit


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


def _not_finite(values: np.ndarray) -> list[str]:
    count = int((~np.isfinite(values)).sum())
    return [f"magenta: {count} of {values.size} values are not finite numbers"] if count else []


def number(value: float) -> str:
    """A number in words for people: at most three digits that count, a printer's minus sign, rounding errors as 0."""
    return f"{value:.3g}".replace("-", "−") if not abs(value) < 5e-13 else "0"


def quantity(value: float) -> str:
    """A positive number of any magnitude in words: three digits that count, from 0.001 to 999, then thousand, million, billion …"""
    for power, word in ((12, "trillion"), (9, "billion"), (6, "million"), (3, "thousand")):
        if value >= 0.9995 * 10**power:
            return f"{float(f'{value / 10**power:.3g}'):g} {word}"
    return f"{value:.3g}"


def _numbers(values: np.ndarray) -> list[list[str]]:
    """The values as they are written into squares: whole numbers without a point, others with two decimals."""
    known = values[np.isfinite(values)]
    form = "z.0f" if np.all(known == np.round(known)) else "z.2f"
    return [[format(value, form).replace("-", "−") for value in line] for line in values]


def _size(values: np.ndarray) -> str:
    return f"{values.shape[-2]} rows by {values.shape[-1]} columns"


def _place(values: np.ndarray, position: np.intp) -> str:
    row_, column = np.unravel_index(position, values.shape)
    return f" (row {row_}, column {column})"


def _describe(title: str, words: str) -> str:
    return f"{title}: {words}" if title else words[0].upper() + words[1:]


def _scale(limit: float) -> str:
    return f"−{number(limit)} blue, 0 grey, {number(limit)} orange"


def _shared_limit(panels: Sequence[Panel]) -> float:
    """The largest limit that a panel asks for, or else the largest absolute value; 1 where everything is zero."""
    own = [panel.limit or float(np.nanmax(np.abs(_finite(panel.values)))) for panel in panels if panel.signed]
    return max(own, default=0.0) or 1.0


# Drawing -----------------------------------------------------------------------------------------------------------------


def _single(panel: Panel, alt: str | None) -> Picture:
    limit = _shared_limit([panel])
    scale = f"; scale {_scale(limit)}" if panel.signed else ""
    return Picture(lambda: _grid([panel], 1, "", limit), alt or panel.alt + scale, [panel])


def _grid(panels: Sequence[Panel], columns: int, title: str, limit: float) -> Figure:
    """The panels line by line, each under its own title, with the shared scale of the signed ones at the foot."""
    columns = min(columns, len(panels))
    room = (WIDTH - 2 * MARGIN - GAP * (columns - 1)) // columns
    tiles = [_Tile(panel, room) for panel in panels]
    slot = max(*(tile.slot for tile in tiles), min(room, 340 if columns == 1 else 150))
    for tile in tiles:
        tile.wrap(slot)
    lines = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    width = 2 * MARGIN + columns * slot + GAP * (columns - 1)
    head, foot = _wrap(title, width), _Foot(panels, limit, width)
    start = MARGIN + LINE * len(head) + 8 * bool(head)
    height = start + sum(_line_height(line) for line in lines) + foot.height + MARGIN
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    _text(figure, width / 2, MARGIN, head, weight="bold")
    for line in lines:
        top = start + max(tile.above for tile in line)
        for column, tile in enumerate(line):
            tile.draw(figure, MARGIN + column * (slot + GAP), top, limit)
        start += _line_height(line)
    foot.draw(figure, start)
    return figure


def _stacked(pictures: Sequence[Picture], title: str) -> Figure:
    drawn = [np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")) for picture in pictures]
    width = max(array.shape[1] for array in drawn)
    head = _wrap(title, width)
    top = (MARGIN + LINE * len(head)) * bool(head)
    height = top + sum(len(array) for array in drawn)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    _text(figure, width / 2, MARGIN, head, weight="bold")
    for array in drawn:
        top += len(array)
        figure.figimage(array, (width - array.shape[1]) // 2, height - top)
    return figure


def _line_height(line: Sequence["_Tile"]) -> int:
    return max(tile.above for tile in line) + max(tile.height + tile.below for tile in line) + 8


_TICKS = {"spectrum": 28, "landscape": 40}


class _Tile:
    """A panel with its place in the grid, in pixels: `width` × `height`, a title `above` and notes `below`, in a slot `slot` wide."""

    def __init__(self, panel: Panel, room: int):
        self.panel = panel
        self.ticks = _TICKS.get(panel.kind, 0)  # room for the numbers on both sides, half of it below
        self.width, self.height = _drawn_size(panel, room - 2 * self.ticks, TALLEST)
        self.slot = self.width + 2 * self.ticks

    def wrap(self, slot: int) -> None:
        self.slot = slot
        self.title, self.notes = _wrap(self.panel.title, slot), _wrap(" · ".join(self.panel.notes), slot, small=True)
        self.above = LINE * len(self.title) + 6
        self.below = LINE * len(self.notes) + 6 + self.ticks // 2

    def draw(self, figure: Figure, left: float, top: float, limit: float) -> None:
        _text(figure, left + self.slot / 2, top - self.above, self.title)
        axes = _axes(figure, left + (self.slot - self.width) / 2, top, self.width, self.height)
        _draw_panel(axes, self.panel, limit, self.width / self.panel.shape[1])
        _text(figure, left + self.slot / 2, top + self.height + 5 + self.ticks // 2, self.notes, small=True)


def _drawn_size(panel: Panel, width: int, height: int) -> tuple[int, int]:
    """Pixels of the figure that a panel covers, (width, height): whole multiples of its own pixels where they nearly fill the room."""
    rows, columns = panel.shape
    scale = min(width / columns, height / rows)
    if panel.kind in _TICKS:
        scale = min(scale, (256 if panel.kind == "spectrum" else 340) / max(rows, columns))
    elif panel.numbers:
        scale = min(scale, LARGEST_CELL)
    if panel.kind not in _TICKS and scale >= 1 and math.floor(scale) / scale > 0.6:
        scale = math.floor(scale)
    return max(1, round(columns * scale)), max(1, round(rows * scale))


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place given in pixels from the top left corner of the figure."""
    across, down = figure.get_size_inches() * DPI
    left, top = round(left), round(top)
    return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down), xticks=[], yticks=[])


def _text(figure: Figure, x: float, top: float, lines: Sequence[str], small: bool = False, weight: str = "normal") -> None:
    across, down = figure.get_size_inches() * DPI
    for position, line in enumerate(lines):
        y = 1 - (top + LINE * (position + 0.5)) / down
        style = {"size": 7, "color": FAINT} if small else {"size": 9, "color": INK, "weight": weight}
        figure.text(x / across, y, line, ha="center", va="center", family="DejaVu Sans", parse_math=False, **style)


def _wrap(text: str, width: int, small: bool = False) -> list[str]:
    """The text in lines that fit the width in pixels."""
    return textwrap.wrap(text, max(8, int(width / (6.4 if small else 8.2))), break_long_words=False)


def _draw_panel(axes: Axes, panel: Panel, limit: float, cell: float) -> None:
    """One panel's pixels, and what is written or outlined on them. cell: pixels of the figure per value."""
    if panel.kind == "landscape":
        _draw_landscape(axes, panel)
        return
    crisp = "nearest" if cell == round(cell) or cell > 3 else "antialiased"
    if panel.values.ndim == 3:
        colors = np.clip(np.moveaxis(panel.values, 0, -1) / panel.brightest, 0, 1)
        bad = ~np.isfinite(colors).all(axis=-1)
        axes.imshow(np.where(bad[..., None], to_rgb(NOT_A_NUMBER), colors), interpolation=crisp, aspect="auto")
    elif panel.signed:
        colors = SIGNED.with_extremes(bad="white") if panel.pending else SIGNED
        axes.imshow(_finite(panel.values), cmap=colors, vmin=-limit, vmax=limit, interpolation=crisp, aspect="auto")
    else:
        axes.imshow(_finite(panel.values), cmap=GREY, vmin=0, vmax=panel.brightest, interpolation=crisp, aspect="auto")
    for side in axes.spines.values():
        side.set(color="#999999", linewidth=0.6)
    if panel.numbers and panel.values.ndim == 2 and cell >= SMALLEST_CELL:
        _write_numbers(axes, panel, limit, cell)
    if panel.kind == "spectrum":
        _frequency_ticks(axes, panel)
    for top, left, height, width in panel.boxes:
        for color, thickness in (("black", 3.2), ("#ffb000", 1.6)):
            axes.add_patch(Rectangle((left - 0.5, top - 0.5), width, height, fill=False, edgecolor=color, linewidth=thickness, zorder=3))


def _write_numbers(axes: Axes, panel: Panel, limit: float, cell: float) -> None:
    texts = _numbers(panel.values)
    if panel.pending:
        texts = [["" if text == "nan" else text for text in line] for line in texts]
    longest = max(len(text) for line in texts for text in line)
    points = min(0.36, 1.35 / longest) * cell * 72 / DPI
    shades = SIGNED((panel.values + limit) / (2 * limit)) if panel.signed else GREY(panel.values / panel.brightest)
    # Black and white letters contrast equally with a ground of relative luminance 0.18 (WCAG 2).
    light = shades[..., :3] ** 2.2 @ (0.2126, 0.7152, 0.0722) > 0.18
    for place, bright in np.ndenumerate(light):
        text, color = texts[place[0]][place[1]], "black" if bright else "white"
        axes.text(place[1], place[0], text, ha="center", va="center", size=points, color=color, family="DejaVu Sans")
    rows, columns = panel.shape
    grid = {"color": "#bbbbbb" if panel.pending else "white", "linewidth": 1}
    axes.hlines(np.arange(1, rows) - 0.5, -0.5, columns - 0.5, **grid)
    axes.vlines(np.arange(1, columns) - 0.5, -0.5, rows - 0.5, **grid)


def _frequency_ticks(axes: Axes, panel: Panel) -> None:
    rows, columns = panel.shape
    axes.set_xticks([-0.5, columns // 2, columns - 0.5], ["−½", "0", "½"], size=7, color=FAINT)
    axes.set_yticks([-0.5, rows // 2, rows - 0.5], ["−½", "0", "½"], size=7, color=FAINT)
    axes.tick_params(length=2, pad=2, color=FAINT)


def _draw_landscape(axes: Axes, panel: Panel) -> None:
    """√loss in twelve equal steps, the path with a dot per step, a ring at its start and a cross at the lowest point."""
    across, up = panel.sides
    root = np.sqrt(panel.values)
    levels = np.linspace(0, root.max() or 1.0, 13)
    axes.contourf(across, up, root, levels=levels, cmap=_HEIGHTS)
    axes.contour(across, up, root, levels=levels, colors="#8a8a8a", linewidths=0.5)
    lowest = np.unravel_index(root.argmin(), root.shape)
    axes.plot(across[lowest[1]], up[lowest[0]], marker="+", markersize=11, markeredgewidth=1.6, color=INK, zorder=4)
    if panel.path is not None:
        axes.plot(*np.transpose(panel.path), color=_LINES[1], linewidth=1, marker="o", markersize=2.6, zorder=3)
        axes.plot(*panel.path[0], marker="o", markersize=8, markerfacecolor="none", markeredgecolor=_LINES[1], markeredgewidth=1.6)
    axes.set_xlim(across[0], across[-1])
    axes.set_ylim(up[0], up[-1])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.tick_params(length=2, pad=2, color=FAINT, labelsize=7, labelcolor=FAINT)


class _Foot:
    """The scale of the signed panels: a colour bar where there are responses, one line where kernels show their numbers."""

    def __init__(self, panels: Sequence[Panel], limit: float, width: int):
        signed = [panel for panel in panels if panel.signed]
        self.bar = any(not panel.numbers for panel in signed)
        self.limit, self.width = limit, width
        values = np.concatenate([panel.values[np.isfinite(panel.values)] for panel in signed]) if signed else np.zeros(1)
        self.beyond = float(np.mean(np.abs(values) > limit * (1 + 1e-9))) if values.size else 0.0
        self.words = _wrap(self._sentence(len(signed)), width, small=True) if signed else []
        self.height = (4 + LINE * len(self.words) + 34 * self.bar) if signed else 0

    def _sentence(self, count: int) -> str:
        shared = "one scale for all that is coloured" if count > 1 else ""
        scale = "" if self.bar else _scale(self.limit)
        beyond = f"{_percent(self.beyond)} of the values lie beyond ±{number(self.limit)} and take the end colour" if self.beyond else ""
        return "; ".join(part for part in (": ".join(part for part in (shared, scale) if part), beyond) if part)

    def draw(self, figure: Figure, top: float) -> None:
        if not self.height:
            return
        if self.bar:
            wide = min(360, self.width - 60)
            axes = _axes(figure, (self.width - wide) / 2, top + 4, wide, 10)
            axes.imshow(np.linspace(-1, 1, 257)[None], cmap=SIGNED, aspect="auto", extent=(-1, 1, 0, 1))
            axes.set_xticks([-1, 0, 1], ["−" + number(self.limit), "0", number(self.limit)], size=7.5, color=INK)
            axes.tick_params(length=3, pad=2, color=FAINT)
            for side in axes.spines.values():
                side.set_visible(False)
        _text(figure, self.width / 2, top + 4 + 34 * self.bar, self.words, small=True)


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "less than 0.1%"


def _lines(light: np.ndarray, signed: np.ndarray, title: str) -> Figure:
    """Brightness as steps, and under it the responses: orange above the zero line, blue below."""
    figure = Figure(figsize=(800 / DPI, 400 / DPI), dpi=DPI, facecolor="white")
    _text(figure, 400, 8, _wrap(title, 760))
    upper, lower = _axes(figure, 80, 36, 700, 130), _axes(figure, 80, 186, 700, 160)
    pixels, places = np.arange(len(light)), np.arange(len(signed)) + (len(light) - len(signed)) // 2
    upper.step(pixels, light, where="mid", color=INK, linewidth=1.3)
    limit = float(np.nanmax(np.abs(_finite(signed)))) or 1.0
    lower.fill_between(places, np.clip(signed, 0, None), step="mid", color=SIGNED(0.8), linewidth=0)
    lower.fill_between(places, np.clip(signed, None, 0), step="mid", color=SIGNED(0.2), linewidth=0)
    lower.step(places, signed, where="mid", color=INK, linewidth=0.8)
    lower.axhline(0, color="#999999", linewidth=0.8)
    lower.set_ylim(-1.1 * limit, 1.1 * limit)
    upper.set_ylim(min(0.0, float(np.nanmin(light))) - 0.05, max(1.0, float(np.nanmax(light))) + 0.05)
    for axes, label, ticks in ((upper, "brightness", [0, 0.5, 1]), (lower, "response", [-limit, 0, limit])):
        axes.set_xlim(-0.5, len(light) - 0.5)
        axes.set_yticks(ticks, [number(tick) for tick in ticks], size=8, color=INK)
        axes.set_ylabel(label, size=9, color=INK)
        axes.spines[["top", "right"]].set_visible(False)
    lower.set_xlabel("column", size=9, color=INK)
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    lower.tick_params(labelsize=8)
    return figure


def _dots(values: Mapping[str, float], title: str, unit: str) -> Figure:
    """One dot per number on a logarithmic axis, its name on the left and its value beside it."""
    head, left, line = _wrap(title, 760), 250, 30
    top = 12 + LINE * len(head) + 8 * bool(head)
    tall = line * len(values)
    height = top + tall + 52
    figure = Figure(figsize=(800 / DPI, height / DPI), dpi=DPI, facecolor="white")
    _text(figure, 400, 8, head)
    axes = _axes(figure, left, top, 800 - left - 30, tall)
    lowest, highest = math.floor(math.log10(min(values.values()))), math.ceil(math.log10(max(values.values())))
    # The widest value is written to the right of its dot: leave it a third of the axis.
    highest = max(highest, lowest + 1)
    axes.set_xlim(10.0**lowest / 1.15, 10.0 ** (highest + 0.35 * (highest - lowest)))
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.set_xscale("log")
    powers = range(lowest, highest + 1, 1 if highest - lowest <= 5 else 3)
    axes.set_xticks([10.0**power for power in powers], [quantity(10.0**power) for power in powers], size=7.5, color=INK)
    axes.minorticks_off()
    axes.grid(axis="x", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel(unit, size=8.5, color=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    for place, (name, value) in enumerate(values.items()):
        axes.plot([value], [place], marker="o", markersize=7, color=SIGNED(0.05))
        axes.annotate(quantity(value), (value, place), (9, 0), textcoords="offset points", va="center", size=8.5, color=INK)
        _text(figure, left / 2 - 6, top + line * (place + 0.5) - LINE / 2, [name])
    return figure


def _curves(lines: Mapping[str, np.ndarray], title: str, every: int, label: str, unit: str, limits: tuple[float, float]) -> Figure:
    """The lines over their steps, each with its own colour and dashes, named above."""
    head = _wrap(title, 760)
    top, tall = 12 + LINE * len(head) + (30 if len(lines) > 1 else 10), 270
    figure = Figure(figsize=(800 / DPI, (top + tall + 48) / DPI), dpi=DPI, facecolor="white")
    _text(figure, 400, 8, head)
    axes = _axes(figure, 88, top, 690, tall)
    for (name, values), color, dashes in zip(lines.items(), _LINES, _DASHES, strict=False):
        axes.plot(np.arange(len(values)) * every, values, color=color, linestyle=dashes, linewidth=1.8, label=name)
    axes.set_yscale("log")
    if limits[1] < 100 * limits[0]:  # powers of ten alone would leave the axis nearly without numbers
        powers = range(math.floor(math.log10(limits[0])), math.ceil(math.log10(limits[1])))
        axes.set_yticks([digit * 10.0**power for power in powers for digit in (1, 2, 5)])
        axes.yaxis.set_major_formatter(lambda value, _: number(value))
    axes.set_ylim(*limits)
    axes.minorticks_off()
    axes.set_xlim(0, max(1, *((len(values) - 1) * every for values in lines.values())))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(labelsize=8, color=FAINT)
    axes.grid(color="#e2e2e2", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel(unit, size=9, color=INK)
    axes.set_ylabel(label, size=9, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    if len(lines) > 1:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(lines), frameon=False, fontsize=8.5, borderpad=0.2, handlelength=2.4)
    return figure
