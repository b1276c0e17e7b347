"""The grading rows of `make bench`: a class of honest submissions, graded by stock nbgrader and by `filterlab grade`, side by side.

1. `sheets(lesson, number)` writes a class, the same every time: complete, wrong, partly done and mixed, with answers out of the bank.
2. `graded(…)` grades it with one command and notes its wall time and the most memory that it and all its processes held together.
3. Stock is nbgrader as it comes: its own Execute, one sheet after the other, no sandbox. Both draw the tests' inputs from the same seed.

Smaller: FILTERLAB_BENCH_SHEETS=8 (default 60; the class for `grade_flat` is ten times that). `python -m tools.bench_grading LESSON` is
for one lesson alone, and only prints.
"""

import ast
import contextlib
import functools
import inspect
import itertools
import os
import random
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from filterlab.check.bank import Reference
from filterlab.check.inputs import SEED_VARIABLE
from filterlab.grading.sandbox import own_share
from tests import classroom
from tools.course import Course, fill_in, worked_answers

ROOT = Path(__file__).parent.parent
SHEETS = int(os.environ.get("FILTERLAB_BENCH_SHEETS", "60"))
WORKERS = 2
LESSONS = ("02_sliding_window", "04_filters_in_pytorch")
SEED = 20260
Row = tuple[str, float, str, float]
STOCK = """
import os
c = get_config()
c.CourseDirectory.course_id = "filterlab"
c.CourseDirectory.root = os.path.dirname(os.path.abspath(__file__))
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError  # your code here"}
c.ClearSolutions.text_stub = "*Your answer here.*"
c.ExecutePreprocessor.timeout = 60
# On a busy machine its 4 seconds end a sheet now and then.
c.ExecutePreprocessor.iopub_timeout = 60
"""


def grading_rows(lessons: Sequence[str] = LESSONS) -> Iterator[Row]:
    """Sheets per second, and wall time over the limit: the seconds that the sheets' own cells took over the workers, and one start-up.

    Memory against stock's; the share of sheets that got, test by test, what stock gave; the seconds a sheet in a class ten times as large.
    """
    same, memory, stocks_memory = [], [], []
    for lesson in lessons:
        short = lesson[:2]
        with tempfile.TemporaryDirectory() as folder:
            stock, ours, one = (
                class_of(lesson, Path(folder, name), number) for name, number in (("stock", SHEETS), ("ours", SHEETS), ("one", 1))
            )
            (stock.folder / "nbgrader_config.py").write_text(STOCK, encoding="utf-8")
            start_up = graded(one, *OURS, lesson).seconds - cell_seconds(one, lesson)
            by_stock, by_us = graded(stock, "nbgrader", "autograde", lesson), graded(ours, *OURS, lesson)
            yield f"grade_{short}_per_s", SHEETS / by_us.seconds, "1/s", SHEETS / by_stock.seconds
            yield f"grade_{short}_over_limit", by_us.seconds / (cell_seconds(ours, lesson) / WORKERS + start_up), "times", 1.0
            memory.append(by_us.megabytes)
            stocks_memory.append(by_stock.megabytes)
            same += [ours.points(lesson, student) == stock.points(lesson, student) for student in students(ours)]
            if short == "02":
                many = class_of(lesson, Path(folder, "many"), 10 * SHEETS)
                yield "grade_flat", graded(many, *OURS, lesson).seconds / (10 * SHEETS), "s", by_us.seconds / SHEETS
    yield "grade_memory_mb", max(memory), "MB", max(stocks_memory)
    yield "grade_same_scores", sum(same) / len(same), "share", 1.0


# --- a class ---


def class_of(lesson: str, folder: Path, number: int) -> Course:
    """A course in which this many students have handed in."""
    course = Course(folder, ROOT)
    course.nbgrader("generate_assignment", lesson, "--force")
    for student, answers in sheets(lesson, number).items():
        place = course.folder / "submitted" / student / lesson
        place.mkdir(parents=True)
        shutil.copy(ROOT / "release" / lesson / f"{lesson}.ipynb", place)
        fill_in(place / f"{lesson}.ipynb", answers)
    return course


def students(course: Course) -> list[str]:
    return sorted(path.name for path in (course.folder / "submitted").iterdir())


@functools.cache
def sheets(lesson: str, number: int) -> dict[str, dict[str, str]]:
    """Answers by student and exercise: complete, wrong, partly done, mixed, in turn."""
    chance = random.Random(lesson)
    rights, wrongs = answers_in_the_bank(lesson, right=True), answers_in_the_bank(lesson, right=False)
    exercises, found = list(rights), {}
    for place, kind in zip(range(number), itertools.cycle(("complete", "wrong", "partly", "mixed"))):
        done = chance.randrange(1, len(exercises)) if kind == "partly" else len(exercises)
        answers = {}
        for exercise in exercises[:done]:
            texts = {"complete": rights, "partly": rights, "wrong": wrongs}.get(kind) or chance.choice((rights, wrongs, None))
            if texts and texts[exercise]:
                answers[exercise] = chance.choice(texts[exercise])
        found[f"{kind}_{place:03}"] = answers
    return found


@functools.cache
def answers_in_the_bank(lesson: str, right: bool) -> dict[str, list[str]]:
    """What students could have typed, by exercise: the bank's answers as texts that need nothing of the bank."""
    worked = worked_answers(ROOT / "source" / lesson / f"{lesson}.ipynb")
    texts = {}
    for reference in classroom.references(lesson):
        answers = reference.right_answers if right else [mistake.answer for mistake in reference.mistakes]
        found = [text for answer in answers if (text := as_typed(lesson, reference, answer, worked))]
        texts[reference.name] = [worked[reference.name], *found] if right else found
    return texts


def as_typed(lesson: str, reference: Reference, answer, worked: dict[str, str]) -> str | None:
    """The source of an answer under the exercise's name, with what it uses before it; None if that cannot be told."""
    names = {**classroom.namespace(lesson)}
    answer = inspect.unwrap(answer)
    if not isinstance(answer, (types.FunctionType, type)) or "." in answer.__qualname__ or answer.__name__ == "<lambda>":
        return None
    around = vars(sys.modules[answer.__module__])
    before: dict[str, str] = {}

    def plain(thing) -> ast.AST:
        """Its definition without the bank's decorators; what it uses goes into `before`."""
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
        tree.decorator_list = [one for one in tree.decorator_list if ast.unparse(one).partition("(")[0] not in ("mistake", "right_answer")]
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "right":
                before.setdefault(f"right_{node.attr}", renamed(ast.parse(worked[node.attr]), node.attr, f"right_{node.attr}"))
        tree = Borrowed().visit(tree)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & around.keys()
        for name in sorted(used - before.keys() - {thing.__name__}):
            if names.get(name) is not around[name]:
                before[name] = ""  # so that two that use each other come to an end
                before[name] = brought_along(name, around[name])
        return tree

    def brought_along(name: str, value) -> str:
        if isinstance(value, types.ModuleType) and not value.__name__.startswith("filterlab"):
            return f"import {value.__name__} as {name}"
        home = getattr(value, "__module__", None)
        if isinstance(value, (types.FunctionType, type)) and home == answer.__module__:
            return ast.unparse(plain(value))
        if isinstance(value, (int, float, str, tuple)):
            return f"{name} = {value!r}"
        if home and not home.startswith("filterlab"):
            return f"from {home} import {name}"
        raise LookupError(name)

    try:
        text = renamed(plain(answer), answer.__name__, reference.name)
        typed = "\n\n\n".join([*filter(None, before.values()), text])
        exec(compile(typed, reference.name, "exec"), names)
    except Exception:
        return None
    return typed


class Borrowed(ast.NodeTransformer):
    """`right.conv2d`, the bank's reference, becomes `right_conv2d`, which the sheet brings along."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "right":
            return ast.copy_location(ast.Name(f"right_{node.attr}", node.ctx), node)
        return self.generic_visit(node)


def renamed(tree: ast.AST, old: str, new: str) -> str:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == old:
            node.name = new
        if isinstance(node, ast.Name) and node.id == old:
            node.id = new
    return ast.unparse(tree)


# --- grading it ---

OURS = ("filterlab.grading.cli", "grade", "--workers", str(WORKERS), "--seed", str(SEED))


@dataclass(frozen=True)
class Grading:
    seconds: float
    megabytes: float


def graded(course: Course, module: str, *words: str) -> Grading:
    """Runs one command in the course. Raises RuntimeError with what it printed if it fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", SEED_VARIABLE: str(SEED)}
    log = course.folder.parent / "grading.log"
    start = time.perf_counter()
    with log.open("w") as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *words], cwd=course.folder, stdout=printed, stderr=printed, env=environment
        )
    peak: list[float] = [0.0]
    watch = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
    watch.start()
    code, seconds = process.wait(), time.perf_counter() - start
    watch.join()
    if code:
        raise RuntimeError(f"{module} {' '.join(words)} failed:\n{log.read_text()}")
    return Grading(seconds, peak[0])


def _watch(pid: int, peak: list[float]) -> None:
    """The most memory that a process and all that it has started hold, shared pages counted once, looked at every two seconds."""
    processes = os.open("/proc", os.O_RDONLY)
    with contextlib.suppress(psutil.NoSuchProcess):
        while True:
            parent = psutil.Process(pid)
            peak[0] = max(peak[0], sum(own_share(processes, str(one.pid)) for one in [parent, *parent.children(recursive=True)]) / 2**20)
            time.sleep(2)
    os.close(processes)


def cell_seconds(course: Course, lesson: str) -> float:
    """What the cells of all sheets took by themselves."""
    return sum(course.autograded(lesson, student).metadata["filterlab"]["seconds"] for student in students(course))


if __name__ == "__main__":
    for name, value, unit, baseline in grading_rows(sys.argv[1:] or LESSONS):
        print(f"{name:34}{value:10.3f} {unit:6}{baseline:10.3f}", flush=True)
