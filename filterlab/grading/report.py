"""`filterlab report`: what a class did with an assignment, as a page for people and as a table for spreadsheets."""

import argparse
import csv
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from filterlab.grading.results import Results

COLUMNS = ("student", "exercise", "points", "max", "verdict", "mistake", "remarks")
PENALTY = "late submission penalty"  # in the place of an exercise, so that the points of a student add up


def table(results: "Results") -> Iterator[list[Any]]:
    """The rows of the CSV file, its head among them. Remarks are those on the whole sheet."""
    yield list(COLUMNS)
    for sheet in results.sheets:
        remarks = " | ".join(f"{remark.kind}: {remark.text}" for remark in sheet.remarks)
        for exercise in sheet.exercises:
            mistakes = dict.fromkeys(mark.verdict.mistake for mark in exercise.marks if mark.verdict and mark.verdict.mistake)
            failed = exercise.failure.kind if exercise.failure else "failed"
            verdict = {"full": "passed", "open": "waits"}.get(exercise.state, failed)
            yield [
                *map(harmless, (sheet.student, exercise.name)),
                f"{exercise.points:g}",
                f"{exercise.most:g}",
                *map(harmless, (verdict, " ".join(mistakes), remarks)),
            ]
        if sheet.penalty:
            yield [harmless(sheet.student), PENALTY, f"{-sheet.penalty:g}", "0", "", "", harmless(remarks)]


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula: one that looks like it begins with an apostrophe."""
    return f"'{text}" if re.match(r"\W*?[=+@-]", text) else text


def write(results: "Results", folder: Path) -> list[Path]:
    """Writes page and table into a folder, which is made if it is not there; gives their paths. Raises OSError."""
    from filterlab.grading import charts, pages

    page = pages.render("report.html.j2", report=results, charts=charts)
    rows = io.StringIO(newline="")
    csv.writer(rows).writerows(table(results))
    # Spreadsheet programs take a file without a byte order mark for one in the alphabet of the day before yesterday.
    files = {folder / f"{results.assignment}.html": page, folder / f"{results.assignment}.csv": "\ufeff" + rows.getvalue()}
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        path.write_text(text, encoding="utf-8", newline="")
    return list(files)


def add_command(commands: argparse._SubParsersAction) -> None:
    """Adds `report` to Filterlab's commands."""
    report = commands.add_parser(
        "report",
        help="what the class did with an assignment, as a page and as a table",
        description="Writes what each student got, which mistakes were made and who needs a look: ASSIGNMENT.html, a page that needs "
        "no network, and ASSIGNMENT.csv, one row for each student and exercise.",
    )
    report.add_argument("assignment", metavar="ASSIGNMENT", help="its name, as in source/")
    report.add_argument("--course", metavar="DIR", type=Path, default=Path(), help="the course's folder (default: this one)")
    report.add_argument("--output", metavar="DIR", type=Path, help="where to write (default: report/ in the course's folder)")
    report.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    # Here, so that `filterlab --help` answers at once.
    from filterlab.grading.results import ResultsError, open_course, read

    try:
        course = open_course(options.course)
        for path in write(read(course, options.assignment), options.output or Path(course.root, "report")):
            print(path)
    except ResultsError as error:
        print(f"filterlab report: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"filterlab report: {error.filename} cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    return 0
