"""Every lecture and every solution runs from top to bottom, without an error and with nothing on stderr."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOKS = [path.relative_to(ROOT).as_posix() for path in sorted([*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("solutions/*.ipynb")])]


@pytest.fixture(scope="module")
def copy_of_the_project(tmp_path_factory) -> Path:
    """The folders that a notebook may read or write, so that running it leaves the project alone."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("notebooks", "solutions", "release"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_runs_from_top_to_bottom(name, copy_of_the_project):
    path = copy_of_the_project / name
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
    noise = [output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.get("name") == "stderr"]
    assert noise == []


def test_there_is_something_to_run():
    assert {"notebooks/start_here.ipynb", "notebooks/01_filters.ipynb", "solutions/01_filters.ipynb"} <= set(NOTEBOOKS)
