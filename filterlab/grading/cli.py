"""`filterlab`: commands for instructors, typed in the folder of a course: `filterlab grade 01_filters`, `filterlab report 01_filters`."""

import argparse
import sys
from pathlib import Path

from filterlab.grading import report, starting


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 0 if all went well."""
    parser = argparse.ArgumentParser(prog="filterlab", description="Filterlab's commands for instructors.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_grade(commands)
    report.add_command(commands)
    options = parser.parse_args(arguments)
    return options.run(options)


def _add_grade(commands: argparse._SubParsersAction) -> None:
    grade = commands.add_parser(
        "grade",
        help="grade what was handed in, many sheets at once",
        description="Grades an assignment's submissions as `nbgrader autograde` does, into the same gradebook, but many at once, each in a "
        "sandbox. What is graded already is left alone: after Ctrl-C or an error the same command goes on with the rest.",
        epilog="The exit code is 0 when everything handed in is graded, and 1 otherwise.",
    )
    grade.add_argument("assignment", metavar="ASSIGNMENT", help="its name, as in source/")
    grade.add_argument("--students", metavar="GLOB", default="*", help="only these, for example 'a*' (default: all)")
    where = grade.add_mutually_exclusive_group()
    where.add_argument("--workers", metavar="N", type=_workers, default=0, help="processes on this machine (default: one for each core)")
    where.add_argument("--scheduler", metavar="ADDRESS", default="", help="the workers of this dask scheduler instead, tcp://HOST:PORT")
    grade.add_argument("--force", action="store_true", help="grade again what is graded already")
    grade.add_argument("--seed", metavar="N", type=_seed, help="repeat the run that used this seed for its tests (default: a fresh one)")
    grade.add_argument("--unsafe", action="store_true", help="run students' code without a sandbox, with your rights")
    grade.add_argument("--course", metavar="DIR", type=Path, default=Path(), help="the course's folder (default: this one)")
    grade.set_defaults(run=_grade)


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not a number of processes (1 to 1000)")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text} is not a seed (0 to {2**32 - 1})")
    return int(text)


def _grade(options: argparse.Namespace) -> int:
    if not options.scheduler:
        starting.prepare_workers()
    # Here, so that `filterlab --help` answers at once.
    from filterlab.grading import batch

    wish = batch.Wish(options.assignment, options.students, options.workers, options.scheduler, options.force, options.seed, options.unsafe)
    try:
        if not options.course.is_dir():
            raise batch.BatchError(f"there is no folder {options.course}")
        writer = batch.Writer(options.course, wish)
        if writer.unsafe:
            print("unsafe: students' code runs without a sandbox, with your rights", file=sys.stderr)
        outcome = batch.grade(writer, print)
    except batch.BatchError as error:
        print(f"filterlab grade: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("filterlab grade: stopped by Ctrl-C, before anything was graded", file=sys.stderr)
        return 1
    print(table(outcome))
    if outcome.stopped:
        rest = f"; {len(outcome.left)} left, which the same command grades" if outcome.left else ""
        print(f"filterlab grade: {outcome.stopped}{rest}", file=sys.stderr)
    return 0 if outcome.complete else 1


def table(outcome) -> str:
    """What became of every submission, and what an instructor should look at."""
    lines = [
        f"graded  {len(outcome.graded):5}",
        f"failed  {len(outcome.failed):5}",
        f"skipped {len(outcome.skipped):5}" + "  graded before; --force grades them again" * bool(outcome.skipped),
    ]
    if outcome.left:
        lines.append(f"left    {len(outcome.left):5}")
    reasons = [(student, reason) for student, reason in sorted(outcome.failed.items())]
    reasons += [(student, text) for student, texts in sorted(outcome.graded.items()) for text in texts]
    if reasons:
        width = max(len(student) for student, _ in reasons)
        lines += ["", "to look at:", *(f"  {student:{width}}  {_printable(reason)}" for student, reason in reasons)]
    return "\n".join(lines)


def _printable(text: str) -> str:
    """Names of files come from students, and a terminal obeys some letters."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


if __name__ == "__main__":
    sys.exit(main())
