"""How many attacks earn nothing: for `make bench`. `python -m tests.attacks` prints the table of them.

The baseline is nbgrader's own Execute, which runs student code beside everything else: only attacks that harm nobody are tried there.
"""

import tempfile
from collections.abc import Iterator

from nbgrader.preprocessors import Execute
from nbgrader.utils import determine_grade

from tests.attacking import packed, sheet_of, tried
from tests.attacks import ATTACKS, Attack
from tests.sheets import name_of


def attack_rows() -> Iterator[tuple[str, float, str, float]]:
    """The share of attacks that earn nothing; baseline: the same share under stock nbgrader, of those that may be tried there (`stock`)."""
    held = [not one.earned for group in packed(ATTACKS) for one in tried(group)]
    stock = [not earned_in_stock(attack) for attack in ATTACKS if attack.stock]
    yield "attacks_held", sum(held) / len(held), "share", sum(stock) / len(stock)


def earned_in_stock(attack: Attack) -> list[str]:
    """The test cells that an attack gets from nbgrader's own Execute."""
    notebook = sheet_of([attack], version="source")
    with tempfile.TemporaryDirectory() as folder:
        executed, _ = Execute(timeout=60).preprocess(notebook, {"metadata": {"path": folder}, "nbgrader": {}})
    tests = [cell for cell in executed.cells if name_of(cell).startswith("test_") and cell.cell_type == "code"]
    return [name_of(cell) for cell in tests if determine_grade(cell)[0]]


if __name__ == "__main__":
    for attack in ATTACKS:
        if attack.stock:
            print(f"{attack.name:28}", ", ".join(earned_in_stock(attack)) or "nothing")
