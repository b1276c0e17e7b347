"""The report's charts, as SVG that takes its colours and its letters from the page around it."""

import io
import math
import re
from collections import Counter

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Drawn in these, which the page's own colours then take the place of. Each state has its name in page.css.
INK = "#010203"
COLORS = {"full": "#0a0b0c", "part": "#1a1b1c", "open": "#2a2b2c", "none": "#3a3b3c"}
SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "filterlab",
    "font.family": "sans-serif",
    "font.size": 10,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
}
# Where totals are many, they are counted in about this many bars.
MOST_BARS = 30


def totals(points: list[float], most: float) -> Markup:
    """How many students have how many points in all."""
    width = max(1, math.ceil(most / MOST_BARS))
    # The last bar also holds what extra credit has put above the most.
    counts = Counter(min(math.floor(one / width), math.floor(most / width)) for one in points)
    with matplotlib.rc_context(SETTINGS):
        figure, axes = _axes(7.2, 2.4)
        axes.bar([width * place for place in counts], counts.values(), 0.85 * width, align="edge", color=COLORS["full"])
        axes.set_xlim(-0.1 * width, max(most, width) + width)
        axes.set_xlabel("points" if width == 1 else f"points, {width} to a bar")
        axes.set_ylabel("students")
        told = f"Histogram of all points. {_listed(points, most)}"
        return _svg(figure, told)


def shares(counts: dict[str, dict[str, int]]) -> Markup:
    """For each exercise, how many students have all points, a part, none, or wait."""
    with matplotlib.rc_context(SETTINGS):
        figure, axes = _axes(7.2, 0.55 + 0.3 * len(counts))
        left = [0] * len(counts)
        for state, color in COLORS.items():
            widths = [of[state] for of in counts.values()]
            bars = axes.barh(range(len(counts)), widths, left=left, color=color, height=0.7)
            axes.bar_label(bars, [width or "" for width in widths], label_type="center", color="#ffffff", fontweight="bold", fontsize=9)
            left = [one + more for one, more in zip(left, widths, strict=True)]
        axes.set_yticks(range(len(counts)), list(counts))
        axes.invert_yaxis()
        axes.set_xlim(0, max([1, *left]))
        axes.set_xlabel("students")
        return _svg(figure, "Bars: how many students have each exercise right. The table below has the same numbers.")


def distribution(points: list[float], most: float) -> Markup:
    """How many students have how many points in one exercise."""
    counts = Counter(points)
    with matplotlib.rc_context(SETTINGS):
        figure, axes = _axes(3.6, 1.3)
        for place, number in counts.items():
            state = "full" if place >= most else "part" if place > 0 else "none"
            axes.bar(place, number, 0.8 if most > 1 else 0.4, color=COLORS[state])
        axes.set_xlim(-0.6, most + 0.6)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
        axes.set_xlabel("points")
        axes.set_ylabel("students")
        listed = ", ".join(f"{number} with {place:g}" for place, number in sorted(counts.items()))
        return _svg(figure, f"Students by their points, of {most:g}: {listed}.")


def _listed(points: list[float], most: float) -> str:
    middle = sorted(points)[len(points) // 2]
    return f"{len(points)} students, from {min(points):g} to {max(points):g} of {most:g}; half of them have {middle:g} or more."


def _axes(width: float, height: float):
    figure = Figure((width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    return figure, axes


def _svg(figure: Figure, description: str) -> Markup:
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    drawing = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", file.getvalue(), flags=re.DOTALL)
    drawing = drawing[drawing.index("<svg") :].replace(INK, "currentColor")
    for state, color in COLORS.items():
        drawing = drawing.replace(color, f"var(--{state}-bar)")
    label = Markup('<svg class="chart" role="img" aria-label="{}" ').format(description)
    return Markup(drawing.replace("<svg ", label, 1))
