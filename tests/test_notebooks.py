"""Every lecture and every solution runs from top to bottom, without an error and with nothing on stderr."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tools.course import fill_in, worked_answers

ROOT = Path(__file__).parent.parent
NOTEBOOKS = [path.relative_to(ROOT).as_posix() for path in sorted([*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("solutions/*.ipynb")])]


@pytest.fixture(scope="module")
def copy_of_the_project(tmp_path_factory) -> Path:
    """The folders that a notebook may read or write, so that running it leaves the project alone."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("notebooks", "solutions", "release"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def run(path: Path) -> nbformat.NotebookNode:
    """The notebook with what its cells put out, run in its own folder."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
    return notebook


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_runs_from_top_to_bottom(name, copy_of_the_project):
    notebook = run(copy_of_the_project / name)
    noise = [output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.get("name") == "stderr"]
    assert noise == []


def test_there_is_something_to_run():
    assert {"notebooks/start_here.ipynb", "notebooks/01_filters.ipynb", "solutions/01_filters.ipynb"} <= set(NOTEBOOKS)


def test_a_learners_own_layer_joins_the_chart_of_lesson_02(copy_of_the_project):
    lesson = "02_sliding_window"
    mine = copy_of_the_project / "work" / lesson / f"{lesson}.ipynb"
    mine.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(copy_of_the_project / "release" / lesson / mine.name, mine)
    fill_in(mine, worked_answers(ROOT / "source" / lesson / mine.name))
    outputs = [output for cell in run(copy_of_the_project / "notebooks" / mine.name).cells for output in cell.get("outputs", [])]
    charts = [text for output in outputs if "milliseconds, measured just now" in (text := output.get("data", {}).get("text/plain", ""))]
    assert all(f"{name} " in charts[-1] for name in ("one window at a time", "PyTorch", "your conv2d", "your conv2d_fast"))
