"""`nbgrader collect` with submissions that try to take the instructor's files along."""

import os
from pathlib import Path

import pytest

from tools.course import COURSE_ID, Course

LESSON = "01_filters"


@pytest.fixture(scope="module")
def course(root, tmp_path_factory) -> Course:
    """What students left in the exchange, collected."""
    course = Course(tmp_path_factory.mktemp("collect"), root)
    course.release(LESSON)
    inbound = course.exchange / COURSE_ID / "inbound"
    secret = course.folder / "source" / LESSON / f"{LESSON}.ipynb"
    for student in ("honest", "linked", "piped", "folders"):
        folder = inbound / f"{student}+{LESSON}+2030-01-01 00:00:00 UTC"
        folder.mkdir()
        (folder / "timestamp.txt").write_text("2030-01-01 00:00:00 UTC")
        (folder / "data").mkdir()
        (folder / "data" / "notes.txt").write_text("mine")
        if student == "linked":
            (folder / f"{LESSON}.ipynb").symlink_to(secret)
            (folder / "data" / "passwd").symlink_to("/etc/passwd")
        else:
            (folder / f"{LESSON}.ipynb").write_bytes((root / "release" / LESSON / f"{LESSON}.ipynb").read_bytes())
        if student == "piped":
            os.mkfifo(folder / "pipe")
        if student == "folders":
            (folder / "all").symlink_to(secret.parent)
    (inbound / f"whole+{LESSON}+2030-01-01 00:00:00 UTC").symlink_to(secret.parent)
    course.collect(LESSON)
    return course


def collected(course: Course, student: str) -> Path:
    return course.folder / "submitted" / student / LESSON


@pytest.mark.parametrize("student", ["honest", "linked", "piped", "folders"])
def test_what_is_the_students_own_is_collected(course, student):
    assert (collected(course, student) / "data" / "notes.txt").read_text() == "mine"
    assert (collected(course, student) / "timestamp.txt").exists()
    assert not (collected(course, student) / "pipe").exists()


def test_links_stay_links(course):
    for student, place in (("linked", f"{LESSON}.ipynb"), ("linked", "data/passwd"), ("folders", "all")):
        assert (collected(course, student) / place).is_symlink()
    copies = [path for path in (course.folder / "submitted").rglob("*") if path.is_file() and not path.is_symlink()]
    assert not any(b"BEGIN SOLUTION" in path.read_bytes() for path in copies)


def test_a_submission_that_is_a_link_is_left_out_and_the_others_are_collected(course):
    assert not collected(course, "whole").exists()
    assert len(list((course.folder / "submitted").glob(f"*/{LESSON}"))) == 4
