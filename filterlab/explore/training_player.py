"""Filters while they learn: recorded steps to scrub and play through."""

import ipywidgets as widgets
import numpy as np
import traitlets

from filterlab import show
from filterlab.explore.explorer import Explorer, View, as_bytes, line, script
from filterlab.history import History

_MOST = 1_500_000  # numbers that travel to the browser, 12 MB
_PLAYED = 10_000  # ms that a whole history takes to play, about
_STILL = 48  # slices that the still picture shows at most


class _View(View):
    _esm = script("training_player")
    unit, steps = traitlets.Unicode().tag(sync=True), traitlets.List().tag(sync=True)
    losses, accuracies = traitlets.Bytes().tag(sync=True), traitlets.Bytes().tag(sync=True)
    filters, shape = traitlets.Bytes().tag(sync=True), traitlets.List().tag(sync=True)
    errors, error_shape = traitlets.Bytes().tag(sync=True), traitlets.List().tag(sync=True)
    limit, step = traitlets.Float().tag(sync=True), traitlets.Int().tag(sync=True)


class TrainingPlayer(Explorer):
    """The steps of a training, to scrub or to play through: the filters, their change since the start, the error picture and the loss.

    history: what a training recorded; steps that it records later are not shown. Filters and their change are drawn on one scale for
    all steps (that of the steps whose loss is not above the first one's, so that a run that runs away does not turn the others grey);
    the error picture on a scale for each step, which is written below it, because errors shrink by orders of magnitude.

    `step` can be read and set from code; `filters` and `loss` belong to it. Raises ValueError for something else than a History, one
    without steps, or one with too many numbers to send to a browser.
    """

    def __init__(self, history: History):
        self._filters, self._errors = _checked(history)
        self._losses, self._accuracies = np.array(history.losses, dtype=float), np.array(history.accuracies, dtype=float)
        self._steps, self._unit = list(history.steps), history.unit
        with np.errstate(over="ignore", invalid="ignore"):  # weights that have run away
            self._changes = self._filters - self._filters[0]
        last = len(self._steps) - 1
        interval = int(np.clip(_PLAYED / (last + 1), 50, 1000))
        play = widgets.Play(max=last, interval=interval)
        slider = widgets.SelectionSlider(options=[str(step) for step in self._steps], index=0, description=self._unit)
        slider.layout.width = "min(600px, 100%)"
        view = _View(
            controls={"play": play, "slider": slider},
            unit=self._unit,
            steps=self._steps,
            losses=as_bytes(self._losses),
            accuracies=as_bytes(self._accuracies),
            filters=as_bytes(self._filters),
            shape=list(self._filters.shape[1:]),
            errors=b"" if self._errors is None else as_bytes(self._errors),
            error_shape=[] if self._errors is None else list(self._errors.shape[1:]),
            limit=_limit(np.stack([self._filters, self._changes]), self._losses),
        )
        super().__init__(view, [line(play, slider), view])

    @property
    def step(self) -> int:
        """The record that is shown, counted from 0; `history.steps[player.step]` is its step."""
        return self._view.step

    @step.setter
    def step(self, index: int) -> None:
        if not (isinstance(index, int | np.integer) and 0 <= index < len(self._steps)):
            raise ValueError(f"step={index!r} is not one of the records, 0 to {len(self._steps) - 1}")
        self._view.step = int(index)

    @property
    def filters(self) -> np.ndarray:
        """The filters at that step, (n, c, kh, kw)."""
        return self._filters[self.step].copy()

    @property
    def loss(self) -> float:
        """The loss at that step."""
        return float(self._losses[self.step])

    @property
    def picture(self) -> show.Picture:
        """The filters, their change and the error picture at that step, and the loss in words."""
        parts = [self._maps()]
        if self._errors is not None:
            error = self._errors[self.step]
            parts.append(_drawn("response", error, "error picture, prediction − target", _largest(error) or 1.0))
        return show.stack(parts, self._words())

    def _maps(self) -> show.Picture:
        _, count, slices, _, _ = self._filters.shape
        places = [(n, c) for n in range(count) for c in range(slices)]
        few = max(1, _STILL // (2 * slices)) * slices
        maps = []
        for title, values in (("filter", self._filters[self.step]), ("change of filter", self._changes[self.step])):
            for n, c in places[:few]:
                name = f"{title} {n}" if slices == 1 else f"{title} {n}, slice {c}"
                maps.append(_drawn("kernel", values[n, c], name, self._view.limit))
        return show.gallery(maps, columns=min(len(maps), 2 if count * slices == 1 else 6))

    def _words(self) -> str:
        words = f"{self._unit} {self._steps[self.step]}, {self.step + 1} of {len(self._steps)} recorded, loss {self.loss:.3g}"
        return words + (f", accuracy {self._accuracies[self.step]:.1%}" if len(self._accuracies) else "")


def _checked(history: History) -> tuple[np.ndarray, np.ndarray | None]:
    """Filters and error pictures, if the history can be shown."""
    if not isinstance(history, History):
        raise ValueError(f"history is {type(history).__name__}, expected the History of a training")
    if not len(history):
        raise ValueError("history has no steps: record at least one")
    filters, errors = history.filters, history.errors
    count = filters.size + (0 if errors is None else errors.size)
    if count > _MOST:
        each = count // len(history)
        raise ValueError(f"history holds {len(history)} steps of {each:,} numbers, more than the {_MOST:,} that can be shown: record fewer")
    return filters, errors


def _limit(values: np.ndarray, losses: np.ndarray) -> float:
    """The strongest colours' value for all steps: the largest of those whose loss is not above the first one's.

    values: (kinds, steps, …). Where those are all zero, the smallest of the others' largest.
    """
    largest = np.array([_largest(step) for step in np.moveaxis(values, 1, 0)])
    tame = losses <= losses[0] if np.isfinite(losses[0]) else np.ones(len(losses), dtype=bool)
    return largest[tame].max() or min(largest[largest > 0], default=1.0)


def _largest(values: np.ndarray) -> float:
    """The largest magnitude among the finite values, 0 if there is none."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0))


def _drawn(kind: str, values: np.ndarray, title: str, limit: float) -> show.Picture:
    """A kernel or a response on this scale; also one without a finite number, which has no picture of its own."""
    if np.isfinite(values).any():
        return getattr(show, kind)(values, title, limit=limit)
    words = f"{title}: no value is a finite number any more"
    panel = show.Panel(kind, values, title, words, ("magenta: no finite number any more",), limit=limit, numbers=kind == "kernel")
    return show.row([show.Picture(None, words, [panel])], alt=words)
