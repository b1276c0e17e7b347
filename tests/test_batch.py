"""`filterlab grade` on real courses: whatever is handed in, Ctrl-C, lost workers, full disks, other databases."""

import contextlib
import io
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from nbgrader.api import Gradebook, MissingEntry

from filterlab.grading import batch, cli, execute
from filterlab.grading.run import give_up
from tools.course import Course, fill_in, worked_answers

LESSON = "01_filters"
SHEET = f"{LESSON}.ipynb"
AUTOMATIC = 26
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
# Two workers are enough to see that there is more than one, wherever the tests run.
WORKERS = ("--workers", "2")


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "filterlab.grading.cli", "grade", *words]


def grade(course: Course, *words: str, fails: bool = False, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    """What the command does and prints: in this process, which has everything imported, unless it needs its own environment."""
    if env:
        done = subprocess.run(command(*words), cwd=course.folder, capture_output=True, text=True, timeout=300, env=env)
    else:
        with contextlib.chdir(course.folder), redirect_stdout(io.StringIO()) as printed, redirect_stderr(io.StringIO()) as errors:
            try:
                code = cli.main(["grade", *words])
            except SystemExit as error:
                code = error.code
        done = subprocess.CompletedProcess(words, code, printed.getvalue(), errors.getvalue())
    assert bool(done.returncode) == fails, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done


def new_course(root: Path, folder: Path, config: str = "") -> Course:
    course = Course(folder, root)
    with (course.folder / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write(config)
    course.nbgrader("generate_assignment", LESSON, "--force")
    return course


def folder_of(course: Course, student: str) -> Path:
    folder = course.folder / "submitted" / student / LESSON
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def hand_in(course: Course, root: Path, student: str, answers: dict[str, str], name: str = SHEET) -> Path:
    path = folder_of(course, student) / name
    shutil.copy(root / "release" / LESSON / SHEET, path)
    fill_in(path, answers)
    return path


def hand_in_bytes(course: Course, student: str, raw: bytes, name: str = SHEET) -> None:
    (folder_of(course, student) / name).write_bytes(raw)


def right(root: Path) -> dict[str, str]:
    return worked_answers(root / "source" / LESSON / SHEET)


def score(course: Course, student: str) -> float:
    return sum(points for cell, (points, _) in course.points(LESSON, student).items() if cell.startswith("test_"))


def remarks(course: Course, student: str) -> list[str]:
    return [remark["text"] for remark in course.autograded(LESSON, student).metadata["filterlab"]["remarks"]]


def rows(db_url: str) -> set[str]:
    """Students whose submission is in the gradebook."""
    with Gradebook(db_url, "filterlab") as gradebook:
        return {submission.student.id for submission in gradebook.assignment_submissions(LESSON)}


def graded_files(course: Course) -> set[str]:
    return {path.parent.parent.name for path in course.folder.glob(f"autograded/*/{LESSON}/{SHEET}")}


def no_row_is_half_written(course: Course) -> None:
    """Everybody in the gradebook is graded to the end, and nobody else has files."""
    assert rows(course.db_url) == graded_files(course)
    with Gradebook(course.db_url, "filterlab") as gradebook:
        for submission in gradebook.assignment_submissions(LESSON):
            tests = [grade for sheet in submission.notebooks for grade in sheet.grades if grade.name.startswith("test_")]
            assert len(tests) == AUTOMATIC and all(grade.auto_score is not None for grade in tests), submission.student.id


@contextmanager
def small_disk(place: Path, kilobytes: int) -> Iterator[None]:
    if os.geteuid():
        pytest.skip("only root may mount a small disk")
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


# A class that hands in everything


@pytest.fixture(scope="module")
def odd_class(root, tmp_path_factory) -> tuple[Course, str]:
    """The class below, and what `filterlab grade` printed."""
    course = new_course(root, tmp_path_factory.mktemp("odd"), "\nc.ExecutePreprocessor.timeout = 5\n")
    answers = right(root)
    hand_in(course, root, "complete", answers)
    hand_in(course, root, "untouched", {})
    hand_in(course, root, "copy_of_the_name", answers, f"{LESSON} (1).ipynb")
    hand_in(course, root, "two_names", answers, "mine.ipynb")
    hand_in(course, root, "two_names", answers, "final.ipynb")
    hand_in(course, root, "name_and_scratch", answers, "mine.ipynb")
    hand_in_bytes(course, "name_and_scratch", b"", "Untitled.ipynb")
    hand_in(course, root, "scratch_beside", answers)
    hand_in_bytes(course, "scratch_beside", b"[]", "Untitled.ipynb")
    hand_in_bytes(course, "not_json", b"def response(): pass")
    hand_in_bytes(course, "empty", b"")
    hand_in_bytes(course, "only_a_picture", b"\x89PNG", "photo.png")
    (folder_of(course, "a_folder") / SHEET).mkdir()
    os.mkfifo(folder_of(course, "a_pipe") / SHEET)
    (folder_of(course, "stolen") / SHEET).symlink_to(course.folder / "source" / LESSON / SHEET)
    hand_in_bytes(course, "another_lesson", (root / "release" / "03_learning_filters" / "03_learning_filters.ipynb").read_bytes())
    links = hand_in(course, root, "links_beside", answers).parent
    (links / "secret.txt").symlink_to("/etc/passwd")
    (links / "endless.bin").symlink_to("/dev/zero")
    (links / "notes.txt").write_text("mine")
    (links / "more_notes.txt").symlink_to(links / "notes.txt")
    os.mkfifo(links / "pipe")
    hand_in(course, root, "no_time", answers).with_name("timestamp.txt").write_text("the day before yesterday, perhaps")
    os.mkfifo(hand_in(course, root, "time_in_a_pipe", answers).with_name("timestamp.txt"))
    hand_in(course, root, "endless", {**answers, "steer": answers["steer"] + "\nwhile True:\n    pass"})
    hand_in(course, root, "ends_the_kernel", {**answers, "separate": "import os\nos._exit(1)"})
    big = hand_in(course, root, "fifty_megabytes", answers)
    notebook = json.loads(big.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 2_000_000}]
    big.write_text(json.dumps(notebook), encoding="utf-8")
    return course, grade(course, LESSON, *WORKERS, "--seed", "7").stdout


ODD = {
    "complete": (AUTOMATIC, ""),
    "untouched": (0, ""),
    "copy_of_the_name": (AUTOMATIC, f"It was handed in as {LESSON} (1).ipynb."),
    "two_names": (0, "which of these is meant? final.ipynb, mine.ipynb"),
    "name_and_scratch": (AUTOMATIC, "It was handed in as mine.ipynb."),
    "scratch_beside": (AUTOMATIC, ""),
    "not_json": (0, "Nothing could be graded: the file is not a notebook: it is not JSON (line 1, column 1)."),
    "empty": (0, "Nothing could be graded: the file is empty."),
    "only_a_picture": (0, f"Nothing could be graded: {SHEET} was not handed in."),
    "a_folder": (0, f"Nothing could be graded: {SHEET} is a folder, not a file."),
    "a_pipe": (0, f"Nothing could be graded: {SHEET} is not a file."),
    "stolen": (0, f"Nothing could be graded: {SHEET} is a link that leads out of the submission; it was not followed."),
    "another_lesson": (0, "it may belong to another assignment"),
    "links_beside": (AUTOMATIC, ""),
    "no_time": (AUTOMATIC, ""),
    "time_in_a_pipe": (AUTOMATIC, ""),
    "endless": (AUTOMATIC, "a cell took longer than 5 seconds"),
    "ends_the_kernel": (AUTOMATIC - 4, "the process ended in separate"),
    "fifty_megabytes": (AUTOMATIC, ""),
}


@pytest.mark.parametrize("student", ODD)
def test_everything_handed_in_is_one_row_with_its_points_and_its_reason(odd_class, student):
    course, printed = odd_class
    points, reason = ODD[student]
    assert score(course, student) == points
    said = " ".join(remarks(course, student))
    assert reason in said if reason else said == "", said
    assert bool(re.search(rf"^  {student} ", printed, re.MULTILINE)) == bool(reason), printed


def test_everything_is_graded_and_said_in_a_table(odd_class):
    course, printed = odd_class
    assert f"{len(ODD)} handed in, {len(ODD)} to grade, on 2 workers; seed 7" in printed
    assert re.search(rf"^graded +{len(ODD)}$", printed, re.MULTILINE) and re.search("^failed +0$", printed, re.MULTILINE)
    assert rows(course.db_url) == set(ODD)
    no_row_is_half_written(course)


def test_one_seed_for_the_run_and_on_record(odd_class):
    course, _ = odd_class
    assert {course.autograded(LESSON, student).metadata["filterlab"]["seed"] for student in ODD} == {7}


def test_no_link_out_of_a_submission_is_followed(odd_class):
    course, _ = odd_class
    copied = {path.name for path in (course.folder / "autograded" / "links_beside" / LESSON).iterdir()}
    assert copied == {SHEET, "notes.txt", "more_notes.txt"}


def test_nbgrader_autograde_does_the_same(odd_class, root):
    """Formgrader's button calls what this command calls."""
    course, _ = odd_class
    for name in ("complete", "copy_of_the_name", "stolen", "not_json", "links_beside", "only_a_picture"):
        shutil.copytree(course.folder / "submitted" / name, course.folder / "submitted" / f"again_{name}", symlinks=True, ignore=_pipes)
    course.nbgrader("autograde", LESSON, "--student=again_*")
    for student, (points, reason) in ODD.items():
        if f"again_{student}" in graded_files(course):
            assert score(course, f"again_{student}") == points
            assert reason in " ".join(remarks(course, f"again_{student}"))
    assert len([name for name in graded_files(course) if name.startswith("again_")]) == 6
    assert not (course.folder / "autograded" / "again_links_beside" / LESSON / "secret.txt").exists()


def _pipes(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "pipe"]


# Running it again


@pytest.fixture(scope="module")
def small_class(root, tmp_path_factory) -> Course:
    """Six untouched sheets, which take little time, and one that is right."""
    course = new_course(root, tmp_path_factory.mktemp("small"))
    for number in range(6):
        hand_in(course, root, f"student_{number}", {})
    hand_in(course, root, "zoe", right(root))
    return course


def start_over(course: Course) -> None:
    for student in graded_files(course):
        shutil.rmtree(course.folder / "autograded" / student)
    with Gradebook(course.db_url, "filterlab") as gradebook:
        for student in rows(course.db_url):
            gradebook.remove_submission(LESSON, student)
            gradebook.remove_student(student)


def test_a_second_run_does_what_is_missing(small_class, root):
    start_over(small_class)
    grade(small_class, LESSON, *WORKERS, "--students", "student_[01]")
    assert rows(small_class.db_url) == {"student_0", "student_1"}
    before = small_class.autograded(LESSON, "student_0").metadata["filterlab"]["seed"]
    printed = grade(small_class, LESSON, *WORKERS, "--students", "student_[012]").stdout
    assert "3 handed in, 1 to grade, on 1 worker;" in printed and "skipped     2  graded before" in printed
    assert small_class.autograded(LESSON, "student_0").metadata["filterlab"]["seed"] == before
    hand_in(small_class, root, "student_0", {}).with_name("timestamp.txt").write_text("2030-01-01 12:00:00 UTC")
    hand_in(small_class, root, "student_1", {}).with_name("timestamp.txt").write_text("2030-01-01 12:00:00 UTC")
    grade(small_class, LESSON, *WORKERS, "--students", "student_[01]", "--force", "--seed", "11")
    assert small_class.autograded(LESSON, "student_0").metadata["filterlab"]["seed"] == 11
    hand_in(small_class, root, "student_1", {}).with_name("timestamp.txt").write_text("2030-01-02 12:00:00 UTC")
    assert "2 handed in, 1 to grade" in grade(small_class, LESSON, *WORKERS, "--students", "student_[01]").stdout


def test_nothing_to_do_is_all_right(small_class):
    grade(small_class, LESSON, *WORKERS, "--students", "student_3", "--force")
    assert "1 handed in, 0 to grade" in grade(small_class, LESSON, "--students", "student_3").stdout


def wait_for_the_first(course: Course, running: subprocess.Popen, more_than: int = 0) -> None:
    deadline = time.monotonic() + 120
    while len(graded_files(course)) <= more_than:
        assert running.poll() is None and time.monotonic() < deadline, running.communicate()
        time.sleep(0.02)


def test_after_ctrl_c_graded_work_stays_and_the_rest_is_said(small_class):
    start_over(small_class)
    running = subprocess.Popen(
        command(LESSON, *WORKERS), cwd=small_class.folder, env=ENVIRONMENT, stdout=-1, stderr=-1, text=True, start_new_session=True
    )
    wait_for_the_first(small_class, running)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to everybody
    printed, errors = running.communicate(timeout=60)
    left = int(re.search(r"stopped by Ctrl-C; (\d) left, which the same command grades", errors)[1])
    assert running.returncode == 1 and 0 < left < 7 and "Traceback" not in errors, errors
    assert len(graded_files(small_class)) == 7 - left
    no_row_is_half_written(small_class)
    printed = grade(small_class, LESSON, *WORKERS).stdout
    assert f"7 handed in, {left} to grade" in printed
    assert score(small_class, "zoe") == AUTOMATIC and rows(small_class.db_url) == graded_files(small_class)


# What cannot be


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["99_nothing"], "there is no assignment 99_nothing; there are 01_filters, "),
        (["a+b"], "should not contain the following characters: +"),
        (["02_sliding_window"], "does not know 02_sliding_window: run `nbgrader generate_assignment 02_sliding_window` first"),
        ([LESSON, "--students", "nobody"], f"nothing was handed in at .*: run `nbgrader collect {LESSON}` first"),
        ([LESSON, "--workers", "0"], "0 is not a number of processes"),
        ([LESSON, "--workers", "many"], "many is not a number of processes"),
        ([LESSON, "--workers", "2", "--scheduler", "tcp://127.0.0.1:1"], "not allowed with"),
        ([LESSON, "--seed", "-1"], "expected one argument|-1 is not a seed"),
        ([LESSON, "--seed", "5000000000"], "is not a seed"),
        ([LESSON, "--course", "/nowhere"], "there is no folder /nowhere"),
        ([LESSON, "--course", "/"], f"there is no assignment {LESSON}; is / the folder of a course?"),
        ([LESSON, "--force", "--scheduler", "tcp://127.0.0.1:9"], "no scheduler answers at tcp://127.0.0.1:9"),
        ([LESSON, "--force", "--scheduler", "nonsense://x"], "no scheduler answers at nonsense://x"),
        ([], "the following arguments are required: ASSIGNMENT"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_said_in_one_line(words, line, small_class):
    before = rows(small_class.db_url)
    start = time.monotonic()
    errors = grade(small_class, *words, fails=True).stderr
    assert re.search(line, errors.splitlines()[-1]) or line in errors.splitlines()[-1], errors
    assert len([one for one in errors.splitlines() if not one.startswith(("usage:", " "))]) == 1, errors
    assert rows(small_class.db_url) == before and time.monotonic() - start < 30


def test_no_gradebook_yet(root, tmp_path):
    course = Course(tmp_path / "new", root)
    hand_in(course, root, "zoe", {})
    errors = grade(course, LESSON, fails=True).stderr
    assert "there is no gradebook" in errors and f"run `nbgrader generate_assignment {LESSON}` first" in errors
    assert not (course.folder / "gradebook.db").exists()


def test_a_gradebook_that_is_none(root, tmp_path):
    course = Course(tmp_path / "garbage", root)
    hand_in(course, root, "zoe", {})
    (course.folder / "gradebook.db").write_bytes(b"This is not a database." * 100)
    assert re.search(r"the gradebook sqlite:.* cannot be used: file is not a database", grade(course, LESSON, fails=True).stderr)
    assert (course.folder / "gradebook.db").read_bytes() == b"This is not a database." * 100


def test_a_gradebook_that_somebody_else_holds(small_class):
    start_over(small_class)
    with sqlite3.connect(small_class.folder / "gradebook.db") as holder:
        holder.execute("BEGIN EXCLUSIVE")
        errors = grade(small_class, LESSON, *WORKERS, "--students", "student_0", fails=True).stderr
    assert "database is locked" in errors
    assert graded_files(small_class) == set() == rows(small_class.db_url)


def test_no_bubblewrap(small_class, tmp_path):
    start_over(small_class)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("python3", "sh"):
        (tools / name).symlink_to(shutil.which(name))
    without = {**ENVIRONMENT, "PATH": str(tools)}
    errors = grade(small_class, LESSON, "--students", "zoe", fails=True, env=without).stderr
    assert len(errors.splitlines()) == 1 and "bubblewrap" in errors
    assert rows(small_class.db_url) == set()
    done = grade(small_class, LESSON, "--students", "zoe", "--unsafe", env=without)
    assert "unsafe: students' code runs without a sandbox, with your rights" in done.stderr
    assert score(small_class, "zoe") == AUTOMATIC
    assert small_class.autograded(LESSON, "zoe").metadata["filterlab"]["sandbox"] == "none"


def test_a_full_disk_stops_it_with_one_line(small_class):
    start_over(small_class)
    with small_disk(small_class.folder / "autograded", 200):
        done = grade(small_class, LESSON, *WORKERS, fails=True)
        assert re.search(r"cannot be written: No space left on device; \d left, which the same command grades", done.stderr)
        assert 0 < len(graded_files(small_class)) < 7
        no_row_is_half_written(small_class)


def test_a_gradebook_on_a_full_disk(root, tmp_path):
    place = tmp_path / "disk"
    with small_disk(place, 2000):
        course = new_course(root, tmp_path / "course", f"\nc.CourseDirectory.db_url = 'sqlite:///{place}/gradebook.db'\n")
        hand_in(course, root, "zoe", {})
        hand_in(course, root, "adam", {})
        with (place / "filler").open("wb") as file:
            file.write(bytes(shutil.disk_usage(place).free))
        errors = grade(course, LESSON, fails=True).stderr
        assert re.search(r"the gradebook cannot be written: .*(full|disk)", errors), errors
        (place / "filler").unlink()
        assert rows(f"sqlite:///{place}/gradebook.db") == set() and graded_files(course) == set()
        grade(course, LESSON)
        assert rows(f"sqlite:///{place}/gradebook.db") == {"adam", "zoe"}


# Workers elsewhere, and workers that end


@contextmanager
def cluster(folder: Path, number: int = 2) -> Iterator[tuple[str, subprocess.Popen, list[subprocess.Popen]]]:
    """A dask scheduler and workers, each a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    dask, log = [sys.executable, "-m", "dask"], (folder / "dask.log").open("w")
    settings = {"stdout": log, "stderr": log, "env": ENVIRONMENT, "start_new_session": True, "cwd": folder}
    scheduler = subprocess.Popen([*dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"], **settings)
    worker = [*dask, "worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny", "--local-directory", str(folder)]
    processes = [subprocess.Popen(worker, **settings) for _ in range(number)]
    try:
        yield address, scheduler, processes
    finally:
        for process in [*processes, scheduler]:
            with_group(process, signal.SIGKILL)
        log.close()


def with_group(process: subprocess.Popen, sign: int) -> None:
    if process.poll() is None:
        os.killpg(process.pid, sign)
    process.wait()


def grading_at(address: str, course: Course) -> subprocess.Popen:
    """`filterlab grade` on the workers of a scheduler, when it has graded the first sheet."""
    running = subprocess.Popen(command(LESSON, "--scheduler", address), cwd=course.folder, env=ENVIRONMENT, stdout=-1, stderr=-1, text=True)
    wait_for_the_first(course, running)
    return running


def test_a_worker_lost_in_the_middle_costs_nothing(small_class, tmp_path):
    start_over(small_class)
    with cluster(tmp_path) as (address, _, workers):
        running = grading_at(address, small_class)
        with_group(workers[0], signal.SIGKILL)
        printed, errors = running.communicate(timeout=120)
    assert running.returncode == 0, f"{printed}\n{errors}"
    assert f"on the workers at {address}" in printed and re.search("^graded +7$", printed, re.MULTILINE)
    assert score(small_class, "zoe") == AUTOMATIC
    no_row_is_half_written(small_class)


def test_a_scheduler_lost_in_the_middle_is_said(small_class, tmp_path):
    start_over(small_class)
    with cluster(tmp_path) as (address, scheduler, _):
        running = grading_at(address, small_class)
        with_group(scheduler, signal.SIGKILL)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 1 and "Traceback" not in errors, errors
    assert re.search(r"^filterlab grade: the scheduler is gone.*; \d left, which the same command grades$", errors, re.MULTILINE), errors
    assert 0 < len(graded_files(small_class)) < 7
    no_row_is_half_written(small_class)


DEADLY = """
import os
from filterlab.grading import worker

def deadly(job, run=worker.run):
    if "ends its worker" in job.sheet:
        os._exit(1)
    return run(job)

worker.run = deadly
"""


def test_submissions_that_end_their_workers_are_rows_and_take_nobody_along(small_class, root, tmp_path):
    """On one worker, where an honest one always waits behind one that ends it."""
    start_over(small_class)
    killers = [f"st_mallory_{number}" for number in range(4)]
    for student in killers:
        hand_in(small_class, root, student, {"steer": "# ends its worker"})
    (tmp_path / "deadly.py").write_text(DEADLY)
    deadly = {**ENVIRONMENT, "DASK_DISTRIBUTED__WORKER__PRELOAD": str(tmp_path / "deadly.py")}
    done = grade(small_class, LESSON, "--workers", "1", "--students", "st*[0-3]", env=deadly)
    for student in killers:
        shutil.rmtree(small_class.folder / "submitted" / student)
    assert re.search("^graded +8$", done.stdout, re.MULTILINE)
    for student in killers:
        assert remarks(small_class, student) == ["Nothing was run: it ended 3 workers, the last of them alone."]
        assert score(small_class, student) == 0
    assert all(remarks(small_class, f"student_{number}") == [] for number in range(4))


# PostgreSQL


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory) -> Iterator[str]:
    """The address of a database on a server of our own. PostgreSQL refuses to run as root."""
    places = [Path(found).parent for found in [shutil.which("initdb")] if found] + sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    place = next((place.resolve() for place in reversed(places) if (place / "initdb").exists()), None)
    if place is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    data = tmp_path_factory.mktemp("postgresql")
    who = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    if who:
        shutil.chown(data, "nobody", "nogroup")
        ours = Path(tempfile.gettempdir())
        for parent in [data, *(parent for parent in data.parents if parent != ours and parent.is_relative_to(ours))]:
            parent.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {**who, "cwd": "/", "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    initdb = [place / "initdb", "--auth=trust", "--username=grader", "--no-sync", "--encoding=UTF8", "--locale=C", data / "d"]
    subprocess.run(initdb, check=True, **settings)
    server = subprocess.Popen([place / "postgres", "-D", data / "d", "-h", "127.0.0.1", "-p", str(port), "-k", data, "-F"], **settings)
    try:
        ready = [place / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        deadline = time.monotonic() + 30
        while subprocess.run(ready).returncode and time.monotonic() < deadline:
            time.sleep(0.1)
        subprocess.run([place / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "grader", "gradebook"], check=True)
        yield f"postgresql://grader:secret@127.0.0.1:{port}/gradebook"
    finally:
        server.send_signal(signal.SIGINT)  # at once, whoever is connected
        server.wait()


def test_a_gradebook_in_postgresql(postgresql, root, tmp_path):
    course = new_course(root, tmp_path / "course", f"\nc.CourseDirectory.db_url = {postgresql!r}\n")
    hand_in(course, root, "zoe", right(root))
    hand_in(course, root, "adam", {})
    hand_in_bytes(course, "not_json", b"nothing")
    grade(course, LESSON, *WORKERS)
    assert not (course.folder / "gradebook.db").exists()
    with Gradebook(postgresql, "filterlab") as gradebook:
        assert gradebook.find_submission(LESSON, "zoe").score == AUTOMATIC
        assert gradebook.find_submission(LESSON, "adam").score == 0
    assert rows(postgresql) == {"zoe", "adam", "not_json"}
    assert "3 handed in, 0 to grade" in grade(course, LESSON).stdout
    assert course.nbgrader("export", "--to", "grades.csv") is not None
    assert "zoe" in (course.folder / "grades.csv").read_text(encoding="utf-8")
    assert cli.main(["report", LESSON, "--course", str(course.folder)]) == 0
    assert "zoe" in (course.folder / "report" / f"{LESSON}.csv").read_text(encoding="utf-8-sig")


def test_a_server_that_does_not_answer(postgresql, root, tmp_path):
    course = Course(tmp_path / "course", root)
    gone = re.sub(r":\d+/", ":1/", postgresql)
    with (course.folder / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write(f"\nc.CourseDirectory.db_url = {gone!r}\n")
    hand_in(course, root, "zoe", {})
    errors = grade(course, LESSON, fails=True).stderr
    assert len(errors.splitlines()) == 1 and "cannot be used" in errors and "secret" not in errors


def test_every_row_is_written_wholly_or_not_at_all(small_class, root):
    """A converter whose last step fails leaves nothing behind."""
    start_over(small_class)
    hand_in(small_class, root, "eve", {})
    with contextlib.chdir(small_class.folder):
        writer = batch.Writer(small_class.folder, batch.Wish(LESSON, "eve"))
        writer.check()
        (submission,) = writer.submissions()
        writer.converter.set_permissions = lambda *_: 1 / 0
        with pytest.raises(ZeroDivisionError):
            writer.record(submission, [give_up(job, "a test") for job in writer.jobs(submission)])
    shutil.rmtree(small_class.folder / "submitted" / "eve")
    with Gradebook(small_class.db_url, "filterlab") as gradebook, pytest.raises(MissingEntry):
        gradebook.find_student("eve")
    assert not (small_class.folder / "autograded" / "eve" / LESSON).exists()


def test_what_handing_in_late_costs_is_reckoned_from_the_points_of_this_run(root, tmp_path):
    course = new_course(root, tmp_path, "\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    with Gradebook(course.db_url, "filterlab") as gradebook:
        gradebook.update_or_create_assignment(LESSON, duedate="2026-01-02 00:00:00 UTC")
    for student, day in (("early", 1), ("late", 3)):
        hand_in(course, root, student, right(root)).with_name("timestamp.txt").write_text(f"2026-01-0{day} 00:00:00 UTC", encoding="utf-8")
    grade(course, LESSON, *WORKERS)
    with Gradebook(course.db_url, "filterlab") as gradebook:
        costs = {student: gradebook.find_submission(LESSON, student).late_submission_penalty for student in ("early", "late")}
    assert costs == {"early": 0, "late": AUTOMATIC}


def test_points_that_a_person_gave_survive_another_run(small_class):
    start_over(small_class)
    written = "why_zero_sum", LESSON, LESSON, "student_1"
    grade(small_class, LESSON, "--students", "student_1", *WORKERS)
    with Gradebook(small_class.db_url, "filterlab") as gradebook:
        mark, comment = gradebook.find_grade(*written), gradebook.find_comment(*written)
        mark.manual_score, mark.needs_manual_grade, comment.manual_comment = 2, False, "Well seen."
        gradebook.db.commit()
    grade(small_class, LESSON, "--students", "student_1", "--force", *WORKERS)
    with Gradebook(small_class.db_url, "filterlab") as gradebook:
        mark, comment = gradebook.find_grade(*written), gradebook.find_comment(*written)
        assert (mark.score, mark.needs_manual_grade, comment.comment) == (2, True, "Well seen.")


def test_others_may_write_while_a_sheet_runs(small_class, monkeypatch):
    """In `nbgrader autograde`, which runs sheets itself, too."""
    start_over(small_class)
    step, looked = execute.Execute.preprocess, []

    def watched(self, nb, resources, km=None):
        if execute.sheet_key(resources) not in execute.prepared:
            with contextlib.closing(sqlite3.connect(small_class.folder / "gradebook.db", timeout=0.1)) as other:
                other.execute("BEGIN EXCLUSIVE")
            looked.append(resources["nbgrader"]["student"])
        return step(self, nb, resources, km)

    monkeypatch.setattr(execute.Execute, "preprocess", watched)
    with contextlib.chdir(small_class.folder):
        converter = batch.Writer(small_class.folder, batch.Wish(LESSON, "student_4")).converter
        converter.init_notebooks()
        converter.convert_notebooks()
    assert looked == ["student_4"] and rows(small_class.db_url) == {"student_4"}


def test_help_says_what_there_is():
    printed = subprocess.run(command("--help"), capture_output=True, text=True, env=ENVIRONMENT, check=True).stdout
    for word in ("ASSIGNMENT", "--students", "--workers", "--scheduler", "--force", "--seed", "--unsafe", "exit code"):
        assert word in printed
