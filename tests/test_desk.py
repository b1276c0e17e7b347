"""filterlab.desk: a learner's copy is laid out once, and never overwritten."""

import json
import os

import pytest

from filterlab import desk


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A project with two lessons, seen from notebooks/."""
    for name in ("01_filters", "02 window"):
        folder = tmp_path / "release" / name
        folder.mkdir(parents=True)
        notebook = folder / f"{name}.ipynb"
        notebook.write_text(json.dumps({"cells": [], "lesson": name}))
        notebook.chmod(0o444)
        (folder / "data.csv").write_text("1,2\n")
        (folder / ".ipynb_checkpoints").mkdir()
        (folder / ".ipynb_checkpoints" / "old.ipynb").write_text("{}")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    return tmp_path


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_copy_is_complete_writable_and_without_leftovers(course):
    desk.lay_out()
    assert files(course / "work") == {f"{name}/{file}" for name in ("01_filters", "02 window") for file in (f"{name}.ipynb", "data.csv")}
    copy = course / "work/01_filters/01_filters.ipynb"
    assert copy.read_text() == (course / "release/01_filters/01_filters.ipynb").read_text()
    assert os.stat(copy).st_mode & 0o200


def test_what_a_learner_wrote_stays_and_what_is_missing_comes_back(course):
    desk.lay_out()
    mine = course / "work/01_filters/01_filters.ipynb"
    mine.write_text("my answers")
    (course / "work/02 window/data.csv").unlink()
    laid = desk.lay_out()
    assert mine.read_text() == "my answers"
    assert (course / "work/02 window/data.csv").exists()
    assert laid.fresh == {course / "work/02 window/data.csv"}


def test_the_links_lead_from_the_notebook_to_the_copy(course):
    laid = desk.lay_out()
    markdown = laid._repr_markdown_()
    assert "[Exercises 01_filters](../work/01_filters/01_filters.ipynb): a fresh copy for you" in markdown
    assert "(../work/02%20window/02%20window.ipynb)" in markdown
    assert repr(laid).splitlines() == [
        "work/01_filters/01_filters.ipynb (a fresh copy for you)",
        "work/02 window/02 window.ipynb (a fresh copy for you)",
    ]
    assert "your copy, as you left it" in desk.lay_out()._repr_markdown_()


def test_the_project_is_found_from_any_folder_inside_or_by_name(course, monkeypatch):
    desk.lay_out()
    monkeypatch.chdir(course / "work/01_filters")
    assert desk.lay_out().root == course
    assert "(01_filters.ipynb)" in desk.lay_out()._repr_markdown_()
    monkeypatch.chdir("/")
    assert desk.lay_out(course).root == course


def test_starting_over_keeps_every_old_copy(course):
    desk.lay_out()
    mine = course / "work/01_filters/01_filters.ipynb"
    for number in (1, 2):
        mine.write_text(f"attempt {number}")
        laid = desk.start_over("01_filters")
        assert (course / f"work/01_filters-before-{number}/01_filters.ipynb").read_text() == f"attempt {number}"
        assert f"`work/01_filters-before-{number}`" in laid._repr_markdown_() and f"01_filters-before-{number}" in repr(laid)
        assert json.loads(mine.read_text())["lesson"] == "01_filters"
    assert "attempt 1" in (course / "work/01_filters-before-1/01_filters.ipynb").read_text()


def test_starting_over_with_nothing_there_lays_out_a_fresh_copy(course):
    laid = desk.start_over("01_filters")
    assert laid.aside is None and (course / "work/01_filters/01_filters.ipynb").exists()


@pytest.mark.parametrize("name", ["03_learning", "", "../release", "01_filters/"])
def test_an_unknown_lesson_is_refused_with_the_lessons_there_are(course, name):
    with pytest.raises(ValueError, match=r"is not a lesson.*01_filters, 02 window"):
        desk.start_over(name)
    assert not (course / "work").exists()


def test_without_release_one_sentence_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "release").mkdir()  # there, but empty: not built yet
    monkeypatch.chdir(tmp_path)
    for call in (desk.lay_out, lambda: desk.start_over("01_filters"), lambda: desk.lay_out(tmp_path)):
        with pytest.raises(FileNotFoundError, match="make build") as refused:
            call()
        assert str(tmp_path) in str(refused.value)


def write_cells(notebook, cells):
    notebook.write_text(
        json.dumps(
            {
                "cells": [
                    {"cell_type": "code", "source": source, "metadata": {"nbgrader": {"grade_id": name, "solution": True}} if name else {}}
                    for name, source in cells
                ]
            }
        )
    )


def test_what_a_learner_has_written_can_be_used_elsewhere(course, capsys):
    desk.lay_out()
    cells = [
        ("", ["import math\n", "half = 0.5"]),
        ("one", "print('noise')\ndef one(x):\n    return math.floor(x) * half"),
        ("two", "def two(x):\n    return 2 * one(x)"),
        ("three", "def three(x):\n    raise NotImplementedError"),
        ("four", "def four(x) return x"),
        ("five", "def five(x):\n    return x\nfive(1) / 0"),
        ("six", "six = 6"),
    ]
    write_cells(course / "work/01_filters/01_filters.ipynb", cells)
    found = desk.answers("01_filters", "one", "two", "three", "four", "six", "missing")
    assert set(found) == {"one", "two"}
    assert found["two"](3.7) == 3.0
    assert capsys.readouterr().out == ""
    assert desk.answers("02 window", "one") == {}
    assert desk.answers("no such lesson", "one") == {}
