"""Runs the attacks of tests/attacks.py: packs them into sheets, has them graded for real, and says what they got."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from filterlab.grading.marks import exercise_of
from filterlab.grading.run import Job, run
from filterlab.grading.sandbox import Limits
from tests import sheets
from tests.attacks import LESSON_OF, SHOW, TELL, Attack
from tests.classroom import ROOT

# What stands in the attacks for a port and for paths, where a test has no secrets there.
NOWHERE = {"{port}": "9", "{paths!r}": "['/etc/shadow']"}
LIMITS = {"cell_s": 10, "wall_s": 90}


@dataclass(frozen=True)
class Tried:
    """An attack, and the sheet that it was in, after its run."""

    attack: Attack
    notebook: NotebookNode

    @property
    def verdicts(self) -> dict[str, str]:
        """By test cell: those that the attack is about."""
        given = sheets.verdicts(self.notebook, self.attack.exercise)
        return {test: verdict for test, verdict in given.items() if not self.attack.cells or test in self.attack.cells}

    @property
    def earned(self) -> set[str]:
        return {test for test, verdict in self.verdicts.items() if verdict == "passed"}

    @property
    def messages(self) -> list[str]:
        return [cell.metadata.filterlab.message for cell in self.notebook.cells if sheets.name_of(cell) in self.verdicts]

    @property
    def remarks(self) -> str:
        return "\n".join(remark.text for remark in self.notebook.metadata.filterlab.remarks)


def packed(attacks: Iterable[Attack]) -> Iterator[list[Attack]]:
    """Attacks that go into one sheet: of one lesson, each on another exercise, none of which works on the whole notebook."""
    attacks = sorted(attacks, key=lambda attack: attack.lesson)
    groups: list[list[Attack]] = []
    for attack in attacks:
        fitting = [group for group in groups if not (attack.alone or group[0].alone) and _fits(attack, group)]
        if fitting:
            fitting[0].append(attack)
        else:
            groups.append([attack])
    yield from groups


def _fits(attack: Attack, group: list[Attack]) -> bool:
    return attack.lesson == group[0].lesson and attack.exercise not in {other.exercise for other in group}


def sheet_of(group: list[Attack], version: str = "release") -> NotebookNode:
    """The released sheet (or another version of it), without the exercises that nobody attacks, with the attacks in it."""
    lesson = group[0].lesson
    released = nbformat.reads((ROOT / version / lesson / f"{lesson}.ipynb").read_text(encoding="utf-8"), as_version=4)
    attacks = {attack.exercise: attack for attack in group}
    exercises = [name for name in LESSON_OF if LESSON_OF[name] == lesson]
    set_up = next(cell for cell in released.cells if cell.cell_type == "code")
    cells, answer = [sheets.new_code(TELL), set_up], None
    for cell in released.cells:
        name = sheets.name_of(cell)
        if name in attacks:
            cell.source = attacks[name].answer
        attack = attacks.get(name) or (cell.cell_type == "code" and attacks.get(exercise_of(name, exercises)))
        if attack and not (attack.hangs and name.startswith("test_") and cells[-1] is not answer):
            cells.append(cell)
        if name in attacks:
            answer = cell
    released.cells = [*cells, *(sheets.new_code(attack.after) for attack in group if attack.after), sheets.new_code(SHOW)]
    return released


def tried(group: list[Attack], fill_in: dict[str, str] | None = None, canary: str = "") -> list[Tried]:
    """Has one sheet graded. fill_in: what to put in the place of words in the attacks. canary: text to be hidden in the hidden tests."""
    text = nbformat.writes(sheet_of(group))
    for word, meant in {**NOWHERE, **(fill_in or {})}.items():
        text = text.replace(word, meant)
    limits = {**LIMITS, **{name: value for attack in group for name, value in attack.limits.items()}}
    job = Job(text, source_with(canary, group[0].lesson), seed=5, limits=Limits(**limits))
    notebook = nbformat.reads(run(job), as_version=4)
    return [Tried(attack, notebook) for attack in group]


def source_with(canary: str, lesson: str) -> str:
    """The instructor's version, with a text in its hidden tests that must never come out."""
    begin = "### BEGIN HIDDEN TESTS\\n"
    return sheets.source(lesson).replace(begin, f"{begin}canary = '{canary}'\\n")
