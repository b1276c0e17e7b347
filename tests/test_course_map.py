"""The map of the course, the glossary and the links between notebooks: what they promise is there."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
# Lectures that are named, not yet written, and not linked. Take a name out when its lecture is there; a test says so.
COMING = set()
LESSONS = [
    "01_filters",
    "02_sliding_window",
    "03_learning_filters",
    "04_filters_in_pytorch",
    "05_visualizing_filters",
    "06_capstone",
]
NOTEBOOKS = sorted([*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("release/*/*.ipynb"), *ROOT.glob("solutions/*.ipynb")])
MINUTES = re.compile(r"\*\*Time\*\* (\d+) minutes here, (\d+) for the exercises\.")
ENTRY = re.compile(r"- \*\*(.+?)\*\*: (.+?) \[?Lesson (\d\d)(?:\]\((\w+)\.ipynb\))?")


def text_of(path: Path) -> str:
    """All markdown of a notebook, every run of white space as one blank."""
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def lesson_text(lesson: str) -> str:
    return " ".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "lessons" / lesson).glob("*.py")))


def minutes_of(lesson: str) -> tuple[str, str]:
    """Minutes of the lecture and of the exercises, as the lecture's own line has them."""
    return MINUTES.search((ROOT / "lessons" / lesson / "lecture.py").read_text(encoding="utf-8")).groups()


def entries() -> list[tuple[str, str, str, str]]:
    """Word, text, number and name of the lesson."""
    return ENTRY.findall(re.sub(r"\s+", " ", text_of(ROOT / "notebooks" / "glossary.ipynb")))


def written(lesson: str) -> bool:
    return (ROOT / "lessons" / lesson / "lecture.py").exists()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_to_a_notebook_leads_somewhere(path):
    for link in re.findall(r"\]\(([^):#]+\.ipynb)\)", text_of(path)):
        target = (path.parent / link).resolve()
        assert target.exists(), f"{link} is not there"


def test_what_is_still_to_come_is_not_there():
    assert [lesson for lesson in sorted(COMING) if written(lesson)] == []


@pytest.mark.parametrize("lesson", [lesson for lesson in LESSONS if lesson not in COMING])
@pytest.mark.parametrize("page", ["lessons/start_here/lecture.py", "README.md"])
def test_the_maps_tell_the_minutes_of_each_lesson(lesson, page):
    row = next(line for line in (ROOT / page).read_text(encoding="utf-8").splitlines() if f"{lesson}.ipynb)" in line and "|" in line)
    assert row.rstrip().endswith("| {} + {} minutes |".format(*minutes_of(lesson))), row


@pytest.mark.parametrize("page", ["lessons/start_here/lecture.py", "README.md"])
def test_the_maps_link_all_lessons_in_order(page):
    rows = [line for line in (ROOT / page).read_text(encoding="utf-8").splitlines() if "|" in line and ".ipynb)" in line]
    there = [lesson for lesson in LESSONS if lesson not in COMING]
    assert [re.search(r"(\w+)\.ipynb\)", row)[1] for row in rows][: len(there)] == there


@pytest.mark.parametrize(
    "lesson", [lesson for lesson in LESSONS if (ROOT / "lessons" / lesson / "exercises.py").exists() and written(lesson)]
)
def test_the_exercises_take_as_long_as_the_lecture_says(lesson):
    exercises = (ROOT / "lessons" / lesson / "exercises.py").read_text(encoding="utf-8")
    assert re.search(r"^# About (\d+) minutes", exercises, re.MULTILINE)[1] == minutes_of(lesson)[1]


def test_the_glossary_is_alphabetical_and_complete():
    words = [word for word, _, _, _ in entries()]
    assert 40 <= len(words) <= 60 and words == sorted(words, key=str.lower) and len(set(words)) == len(words)
    assert text_of(ROOT / "notebooks" / "glossary.ipynb").count("- **") == len(words), "an entry is not `- **word**: text [Lesson NN](…)`"


def test_the_words_of_the_glossary_occur_in_their_lessons():
    for word, text, number, lesson in entries():
        named = next(one for one in LESSONS if one.startswith(number))
        assert lesson == ("" if named in COMING else named)
        assert not written(named) or word.lower() in re.sub(r"\s+#?\s*", " ", lesson_text(named)).lower(), f"{word} is not in {named}"
        assert {one.lower() for one in re.findall(r"(?<!\*)\*([a-z]+)\*(?!\*)", text)} <= {one.lower() for one, *_ in entries()}
