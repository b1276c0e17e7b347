"""`make bench`: measures what the course promises, each figure beside a baseline measured in the same run.

    python -m tools.bench              all parts
    python -m tools.bench training     only those whose names begin like this; several may be named

1. Each function in `PARTS` gives rows: a name, a value, its unit, and what the baseline took.
2. They are printed as they come, and written to build/bench.json: `name`, `value`, `unit`, `baseline`, `ratio` (how many times better).
   There a row takes the place of the one of the same name; the others stay, until a run of all parts has come to its end without them.

Times are medians; machines are noisy, so compare ratios rather than seconds.
"""

import functools
import inspect
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import nbformat
import numpy as np
from nbclient import NotebookClient

from filterlab import timing
from filterlab.check.outcome import concluded, prepared
from tests import classroom
from tools.bench_attacks import attack_rows
from tools.bench_explorers import explorer_time
from tools.bench_features import feature_rows
from tools.bench_grading import grading_rows
from tools.bench_training import peak_megabytes, training_cifar10, training_digits, training_patterns

ROOT = Path(__file__).parent.parent
FILE = ROOT / "build" / "bench.json"
MORE_IS_BETTER = {"share", "times", "1/s"}  # of right answers; as much as with noise; sheets per second
LESSON = "01_filters"
Row = tuple[str, float, str, float]


def python(*arguments: str, at: Path = ROOT) -> str:
    return subprocess.run([sys.executable, *arguments], cwd=at, capture_output=True, text=True, check=True).stdout


def import_time() -> Iterator[Row]:
    """`import filterlab` and what an exercise of lessons 01–03 imports; baseline: importing torch."""

    def measured(modules: str) -> float:
        code = f"import time; start = time.perf_counter(); import {modules}; print(time.perf_counter() - start)"
        return statistics.median(float(python("-c", code)) for _ in range(5))

    baseline = measured("torch")
    yield "import_s", measured("filterlab"), "s", baseline
    yield "import_exercises_s", measured("numpy, jaxtyping, filterlab.images, filterlab.show, filterlab.check"), "s", baseline


def build_time() -> Iterator[Row]:
    """`make build` of one lesson; baseline: jupytext and nbgrader, started by hand on the same text."""
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder)
        shutil.copytree(ROOT / "lessons" / LESSON, course / "lessons" / LESSON)
        shutil.copy(ROOT / "nbgrader_config.py", course)

        def by_hand() -> None:
            for text in ("lecture", "exercises"):
                python("-m", "jupytext", "--to", "ipynb", "--output", f"{text}.ipynb", f"lessons/{LESSON}/{text}.py", at=course)
            python("-m", "nbgrader", "generate_assignment", LESSON, "--force", "--no-db", at=course)

        build = timing.measure(lambda: python(str(ROOT / "tools" / "build.py"), "--root", str(course), "--force"), 3)
        yield "build_s", build, "s", timing.measure(by_hand, 3)


class PlainExpectation:
    """What a test cell would say without `expect`: compare with the reference, explain nothing."""

    def __init__(self, answer, *args, **kwargs):
        self.answer, self.args, self.kwargs, self.probe = answer, args, kwargs, None

    def through(self, probe):
        self.probe = probe
        return self

    def like(self, reference, only=""):
        self.equals(self._called(reference))

    def equals(self, value):
        got = self._called(self.answer)
        if isinstance(value, dict):
            pairs = [(got.get(name), wanted) for name, wanted in value.items()]
        else:
            pairs = list(zip(got, value, strict=True)) if isinstance(value, tuple) else [(got, value)]
        for one, other in pairs:
            one, other = (thing.detach() if hasattr(thing, "detach") else thing for thing in (one, other))
            if np.asarray(other).dtype.kind in "biuf":
                np.shape(one) == np.shape(other) and np.allclose(one, other)

    def without_loops(self, *larger):
        self.answer(*larger)

    def raises(self, error, naming=None):
        try:
            self._called(self.answer)
        except error:
            return

    def _called(self, function):
        call = functools.partial(self.probe, function) if self.probe else function
        args, kwargs = prepared(self.probe, self.args, self.kwargs)
        return concluded(self.probe, call(*args, **kwargs), args, kwargs)


def check_time() -> Iterator[Row]:
    """All test cells of a lesson's slowest exercise, hidden ones included: a right answer, and the slowest wrong one to explain."""
    for lesson in classroom.LESSONS:
        suffix = "" if lesson == LESSON else f"_{lesson[:2]}"
        namespace = classroom.namespace(lesson)
        explained = slowest_check(lesson)
        expect, namespace["expect"] = namespace["expect"], PlainExpectation
        try:
            plain = slowest_check(lesson)
        finally:
            namespace["expect"] = expect
        yield f"check{suffix}_s", explained, "s", plain
        wrong = max(
            timing.measure(lambda given=(lesson, reference.name, mistake.answer): classroom.mark(*given), 1)
            for reference in classroom.references(lesson)
            for mistake in reference.mistakes
        )
        yield f"check_wrong{suffix}_s", wrong, "s", explained


def slowest_check(lesson: str) -> float:
    return max(timing.measure(lambda name=name: classroom.mark(lesson, name)) for name in classroom.exercises(lesson))


def convolution_time() -> Iterator[Row]:
    """The worked answer `conv2d_fast` on one real layer of ResNet-18; baselines: the worked loops, and torch."""
    import torch

    layer, answers = timing.RESNET_28, classroom.namespace("02_sliding_window")
    x, weight = layer.arrays()
    fast = timing.measure(lambda: answers["conv2d_fast"](x, weight, None, layer.stride, layer.padding))
    loops = timing.measure(lambda: answers["conv2d"](x, weight, None, layer.stride, layer.padding), 3)
    pictures, filters = torch.from_numpy(x), torch.from_numpy(weight)
    by_torch = timing.measure(lambda: torch.conv2d(pictures, filters, stride=layer.stride, padding=layer.padding))
    yield "conv2d_fast_s", fast, "s", loops
    yield "conv2d_fast_vs_torch_s", fast, "s", by_torch


def notebook_time() -> Iterator[Row]:
    """Every lecture, and every exercise notebook with its worked answers, from top to bottom: seconds, and the kernel's peak memory.

    Baseline: an empty notebook.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in ("notebooks", "solutions", "release"):
            shutil.copytree(ROOT / name, Path(folder) / name)

        def run(notebook: nbformat.NotebookNode, place: str) -> tuple[float, float]:
            client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": f"{folder}/{place}"}})
            notebook.cells.append(nbformat.v4.new_code_cell(inspect.getsource(peak_megabytes) + "print(peak_megabytes())"))
            seconds = timing.measure(client.execute, 1)
            return seconds, float(notebook.cells[-1].outputs[-1].text)

        empty = run(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("pass")]), "notebooks")
        for place, kind in (("notebooks", "lecture"), ("solutions", "exercises")):
            for path in sorted(Path(folder, place).glob("[0-9]*.ipynb")):
                seconds, megabytes = run(nbformat.read(path, as_version=4), place)
                yield f"{kind}_{path.stem[:2]}_s", seconds, "s", empty[0]
                yield f"{kind}_{path.stem[:2]}_mb", megabytes, "MB", empty[1]


def test_time() -> Iterator[Row]:
    """The whole test suite; baseline: the sum of its tests' own times, as one process would need."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "pytest", "-q", f"--junitxml={report}"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - start
        cases = ElementTree.parse(report).getroot().iter("testcase")
        yield "test_s", wall, "s", sum(float(case.get("time", 0)) for case in cases)


PARTS = (import_time, build_time, check_time, convolution_time, explorer_time, notebook_time, feature_rows)
PARTS += (training_patterns, training_digits, training_cifar10, grading_rows, attack_rows, test_time)


def run(parts: Sequence[Callable[[], Iterator[Row]]], file: Path) -> set[str]:
    """Measures, prints each row and puts it into the file as it comes. Returns the names of the rows."""
    print(f"{'name':34}{'value':>10} {'unit':6}{'baseline':>10}{'ratio':>8}")
    rows = stored(file)
    measured = set()
    for part in parts:
        for name, value, unit, baseline in part():
            ratio = value / baseline if unit in MORE_IS_BETTER else baseline / value
            rows[name] = {"name": name, "value": value, "unit": unit, "baseline": baseline, "ratio": ratio}
            store(rows, file)
            measured.add(name)
            print(f"{name:34}{value:10.3f} {unit:6}{baseline:10.3f}{ratio:8.2f}", flush=True)
    return measured


def stored(file: Path) -> dict[str, dict]:
    """The rows of earlier runs, by name."""
    return {row["name"]: row for row in json.loads(file.read_text(encoding="utf-8"))} if file.exists() else {}


def store(rows: dict[str, dict], file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(list(rows.values()), indent=1) + "\n", encoding="utf-8")


def main(names: Sequence[str]) -> None:
    for name in names:
        if not any(part.__name__.startswith(name) for part in PARTS):
            sys.exit(f"no part begins with {name!r}: {', '.join(part.__name__ for part in PARTS)}")
    parts = [part for part in PARTS if not names or part.__name__.startswith(tuple(names))]
    measured = run(parts, FILE)
    if parts == list(PARTS):
        store({name: row for name, row in stored(FILE).items() if name in measured}, FILE)


if __name__ == "__main__":
    main(sys.argv[1:])
