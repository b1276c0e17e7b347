"""The lessons as a learner meets them: a real JupyterLab in a real browser."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.lab import SLOW, jupyter_lab, needs_chromium, open_and_run
from tools.course import fill_in

pytestmark = needs_chromium
ROOT = Path(__file__).parent.parent
LECTURES = sorted(path.name for path in ROOT.glob("notebooks/[0-9]*.ipynb"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    for name in ("notebooks", "release"):
        shutil.copytree(ROOT / name, folder / name)
    with jupyter_lab(folder) as lab:
        yield lab


@pytest.mark.parametrize("lecture", LECTURES)
def test_lecture_runs_and_every_picture_has_a_description(lab, page, lecture):
    open_and_run(lab, page, f"notebooks/{lecture}")
    pictures = page.locator(".jp-OutputArea-output img")
    expect(pictures.first).to_be_visible(timeout=SLOW)
    assert pictures.count() >= 12
    assert all(len(alt or "") > 20 for alt in pictures.evaluate_all("images => images.map(image => image.getAttribute('alt'))"))
    assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert page.complaints == []


def test_the_pages_of_a_flipbook_turn(lab, page):
    open_and_run(lab, page, "notebooks/03_learning_filters.ipynb")
    handle = page.locator(".widget-hslider:has-text('learning rate') .noUi-handle").first
    handle.focus()
    handle.press("ArrowRight")
    expect(page.locator(".jp-OutputArea-output img[alt^='learning rate 0.03:']:visible")).to_be_visible(timeout=SLOW)
    expect(page.locator(".jp-OutputArea-output img[alt^='learning rate']:visible")).to_have_count(1)


def test_a_wrong_answer_is_explained_in_the_notebook(lab, page):
    sheet = lab.folder / "release" / "01_filters" / "01_filters.ipynb"
    flipped = "def response(image, kernel, row, col):\n    kh, kw = kernel.shape\n"
    flipped += "    return (image[row:row + kh, col:col + kw] * kernel[::-1, ::-1]).sum()"
    fill_in(sheet, {"response": flipped})
    open_and_run(lab, page, "release/01_filters/01_filters.ipynb")
    # "Run all" stops at the first error: the example of the first exercise.
    error = page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']")
    expect(error).to_have_count(1, timeout=SLOW)
    expect(error).to_contain_text("expected  27")
    expect(error).to_contain_text("that is true convolution")
    assert "Traceback" not in error.inner_text() and "filterlab/" not in error.inner_text()


def test_start_here_lays_out_a_copy(lab, page):
    open_and_run(lab, page, "notebooks/start_here.ipynb")
    link = page.locator(".jp-OutputArea-output a:has-text('01_filters')")
    expect(link).to_be_visible(timeout=SLOW)
    assert (lab.folder / "work" / "01_filters" / "01_filters.ipynb").exists()
    link.click()
    expect(page.locator(".jp-Notebook:has-text('Exercises 01')").last).to_be_visible(timeout=SLOW)
    assert page.complaints == []
