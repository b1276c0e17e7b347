"""`filterlab grade`: many sheets are run at once, on dask.distributed; one writer, this process, records them in nbgrader's gradebook.

1. `Writer` opens nbgrader once: it says what is to be graded, turns what was handed in into jobs, and records what comes back.
2. `workers` gives a cluster on this machine, or those who listen to a scheduler elsewhere.
3. `grade` keeps a few submissions under way at a time and records each as it comes back, so that what is recorded stays recorded.
"""

import collections
import contextlib
import errno
import gc
import json
import logging
import os
import queue
import signal
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, field, replace
from pathlib import Path

import dask
from distributed import Client, Future, KilledWorker, LocalCluster
from nbconvert.writers import FilesWriter
from nbgrader.api import Gradebook, InvalidEntry
from nbgrader.apps import AutogradeApp
from nbgrader.converters.base import NbGraderException
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, SAWarning, SQLAlchemyError
from tqdm import tqdm
from traitlets import TraitError

from filterlab.grading import execute, sandbox, starting
from filterlab.grading.recording import Autograde, Exporter
from filterlab.grading.run import Job, give_up
from filterlab.grading.worker import Calm, run_all

# A submission that ended this many workers is not tried again.
MOST_DEATHS = 3
# Errors that would meet every other submission, too.
NO_PLACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
SCHEDULER_S = 5.0
WORKERS_S = 60.0
PULSE_S = 1.0
WORKERS_MEMORY = "2GiB"
GONE = "the scheduler is gone"


class BatchError(Exception):
    """Why nothing (more) can be graded: one clear line."""


@dataclass(frozen=True)
class Wish:
    """What is to be graded, and how. `scheduler` is the address of a dask scheduler; without it `workers` are started here."""

    assignment: str
    students: str = "*"
    workers: int = 0
    scheduler: str = ""
    force: bool = False
    seed: int | None = None
    unsafe: bool = False


@dataclass
class Outcome:
    """What became of each student's submission. The texts are for the instructor."""

    graded: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    stopped: str = ""

    @property
    def complete(self) -> bool:
        return not (self.failed or self.left or self.stopped)


@dataclass
class Submission:
    """What was handed in by one student: its folder, and how often it has ended a worker."""

    student: str
    folder: str
    deaths: int = 0


class Writer:
    """nbgrader's converter and gradebook, opened once, in the course's folder. Raises BatchError."""

    def __init__(self, course: Path, wish: Wish) -> None:
        self.wish, self.seed = wish, execute.run_seed() if wish.seed is None else wish.seed
        os.chdir(course)
        # nbgrader's own: it reads a submission's notebooks before it has added the submission.
        warnings.filterwarnings("ignore", "Object of type <Submitted", SAWarning)
        app = AutogradeApp(log_level=logging.CRITICAL)
        app.initialize([])
        self.course = app.coursedir
        try:
            self.course.assignment_id, self.course.student_id = wish.assignment, wish.students
        except TraitError as error:
            raise BatchError(str(error)) from None
        self.converter = Autograde(coursedir=self.course, parent=app, force=wish.force)
        self.converter.writer = FilesWriter(parent=self.converter, config=self.converter.config)
        self.converter.exporter = self.exporter = Exporter(parent=self.converter, config=self.converter.config)
        self.execute = execute.Execute(parent=self.exporter)

    @property
    def unsafe(self) -> bool:
        return self.wish.unsafe or self.execute.unsafe

    def check(self) -> None:
        """Whether the gradebook can be read and knows the assignment."""
        assignment, url = self.wish.assignment, make_url(self.course.db_url)
        known = f"run `nbgrader generate_assignment {assignment}` first"
        source = Path(self.course.format_path(self.course.source_directory, ".", assignment))
        if not source.is_dir():
            others = sorted(path.name for path in source.parent.glob("*") if path.is_dir())
            there = f"; there are {', '.join(others)}" if others else f"; is {self.course.root} the folder of a course?"
            raise BatchError(f"there is no assignment {assignment}{there}")
        if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
            raise BatchError(f"there is no gradebook {url.database} yet: {known}")
        try:
            with Gradebook(self.course.db_url, self.course.course_id):
                pass
            if not self.converter.originals(assignment):
                raise BatchError(f"the gradebook does not know {assignment}: {known}")
        except SQLAlchemyError as error:
            raise BatchError(f"the gradebook {url.render_as_string()} cannot be used: {_first_line(error)}") from None
        except NbGraderException as error:
            raise BatchError(str(error)) from None

    def submissions(self) -> list[Submission]:
        """Everything handed in, by student."""
        try:
            self.converter.init_notebooks()
        except NbGraderException:
            handed_in = self.course.format_path(self.course.submitted_directory, self.wish.students, self.wish.assignment)
            raise BatchError(f"nothing was handed in at {handed_in}: run `nbgrader collect {self.wish.assignment}` first") from None
        excluded = self.course.student_id_exclude.split(",")
        found = [Submission(self.converter.ids(folder)[1], folder) for folder in self.converter.assignments]
        return sorted((one for one in found if one.student not in excluded), key=lambda one: one.student)

    def is_graded(self, submission: Submission) -> bool:
        return not self.wish.force and self.converter.is_graded(submission.folder)

    def jobs(self, submission: Submission) -> list[Job]:
        """What is to be run, one job for each notebook of the assignment."""
        return [self._job(Path(notebook)) for notebook in self.converter.assignments[submission.folder]]

    def _job(self, path: Path) -> Job:
        resources = self.converter.init_single_notebook_resources(str(path))
        sheet = self.exporter.sheet(path, self.converter.originals(self.wish.assignment))
        self.exporter.sheets[str(path)] = sheet
        return replace(self.execute.job(sheet, resources), seed=self.seed, unsafe=self.unsafe)

    def record(self, submission: Submission, executed: list[str]) -> list[str]:
        """Writes what came back into the gradebook and beside it, all or nothing. Gives what the instructor should know.

        Raises BatchError where the next one would fare no better."""
        notebooks = self.converter.assignments[submission.folder]
        for notebook, text in zip(notebooks, executed, strict=True):
            execute.prepared[submission.student, self.wish.assignment, Path(notebook).stem] = text
        try:
            self.converter.convert_submission(submission.folder)
        except (OperationalError, InvalidEntry) as error:
            reason = error if isinstance(error, OperationalError) else error.__context__
            if not isinstance(reason, OperationalError):
                raise
            raise BatchError(f"the gradebook cannot be written: {_first_line(reason)}") from None
        except OSError as error:
            if error.errno in NO_PLACE:
                raise BatchError(f"{error.filename or 'the course'} cannot be written: {error.strerror}") from None
            raise
        finally:
            execute.prepared.clear()
            self.exporter.sheets = {path: sheet for path, sheet in self.exporter.sheets.items() if path not in notebooks}
        return [remark["text"] for text in executed for remark in json.loads(text)["metadata"]["filterlab"]["remarks"]]


def _first_line(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]


@contextlib.contextmanager
def workers(number: int, scheduler: str) -> Iterator[Client]:
    """Workers on this machine, each a process with one thread; or those who listen to a scheduler. Raises BatchError."""
    settings = {
        # A submission is tried again by `_Stream`, which knows whether it was alone when its worker ended.
        "distributed.scheduler.allowed-failures": 0,
        "distributed.worker.profile.enabled": False,
        # Together they would take a twentieth of the time of two cores.
        "distributed.admin.tick.interval": "1s",
        "distributed.admin.system-monitor.interval": "5s",
        "distributed.worker.multiprocessing-method": starting.METHOD,
    }
    with dask.config.set(settings), _quiet(), contextlib.ExitStack() as opened:
        if scheduler:
            yield opened.enter_context(_at(scheduler))
            return
        cluster = LocalCluster(
            n_workers=number, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL, memory_limit=WORKERS_MEMORY
        )
        client = opened.enter_context(Client(opened.enter_context(cluster)))
        client.register_plugin(Calm())
        yield client


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """dask tells the whole story of a lost worker or scheduler; one line is enough, and it is ours."""
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _at(scheduler: str) -> Client:
    try:
        client = Client(scheduler, timeout=SCHEDULER_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise BatchError(f"no scheduler answers at {scheduler} ({str(error).partition(chr(10))[0]})") from None
    try:
        client.wait_for_workers(1, timeout=WORKERS_S)
    except TimeoutError:
        client.close()
        raise BatchError(f"no worker has come to the scheduler at {scheduler} within {WORKERS_S:.0f} seconds") from None
    return client


class _Stream:
    """Submissions on their way: some are run, what comes back is recorded at once. So that many do not fill the memory, only a few are
    under way at a time."""

    def __init__(self, client: Client, writer: Writer, todo: list[Submission], outcome: Outcome, progress: tqdm) -> None:
        self.client, self.writer, self.outcome, self.progress = client, writer, outcome, progress
        self.todo = collections.deque(todo)
        self.suspects: list[Submission] = []
        self.running: dict[Future, tuple[Submission, list[Job]]] = {}
        self.done: queue.SimpleQueue[Future] = queue.SimpleQueue()

    def run(self) -> None:
        """All that is to be done. A submission whose worker ended may have had bad company: it is tried again when all others are done,
        alone, and given up when it ends its workers then, too."""
        while self.todo or self.running:
            self._send(self._room())
            self._take(self._next())
        while self.suspects:
            self.todo.append(self.suspects.pop())
            self._send(1)
            while self.running:
                self._take(self._next())

    def _room(self) -> int:
        """How many submissions may be under way: one for each worker, and one that waits for it."""
        return 2 * max(1, self._threads())

    def _threads(self) -> int:
        """How many submissions can be run at once. Raises BatchError where nobody knows any more."""
        try:
            return sum(self.client.nthreads().values())
        except OSError:
            raise BatchError(GONE) from None

    def _send(self, room: int) -> None:
        while self.todo and len(self.running) < room:
            submission = self.todo.popleft()
            try:
                jobs = self.writer.jobs(submission)
            except Exception as error:
                self._failed(submission, error)
                continue
            future = self.client.submit(run_all, jobs, pure=False)
            self.running[future] = submission, jobs
            future.add_done_callback(self.done.put)

    def _next(self) -> Future | None:
        """The next one to come back; None if all under way have been dealt with. Raises BatchError if nobody is left to do the rest."""
        patience = WORKERS_S
        while self.running:
            with contextlib.suppress(queue.Empty):
                return self.done.get(timeout=PULSE_S)
            patience = WORKERS_S if self._threads() else patience - PULSE_S
            if patience < 0:
                raise BatchError(f"there has been no worker for {WORKERS_S:.0f} seconds")
        return None

    def _take(self, future: Future | None) -> None:
        if future is None:
            return
        submission, jobs = self.running.pop(future)
        try:
            executed = future.result()
        except KilledWorker:
            self._worker_ended(submission, jobs)
        except sandbox.SandboxError as error:
            raise BatchError(str(error)) from None
        except (CancelledError, OSError):
            raise BatchError(GONE) from None
        except Exception as error:
            self._failed(submission, error)
        else:
            self._record(submission, executed)

    def _worker_ended(self, submission: Submission, jobs: list[Job]) -> None:
        submission.deaths += 1
        if submission.deaths < MOST_DEATHS:
            self.suspects.append(submission)
        else:
            reason = f"it ended {submission.deaths} workers, the last of them alone"
            self._record(submission, [give_up(job, reason) for job in jobs])

    def _record(self, submission: Submission, executed: list[str]) -> None:
        with _undisturbed():
            try:
                self.outcome.graded[submission.student] = self.writer.record(submission, executed)
            except BatchError:
                raise
            except Exception as error:
                self._failed(submission, error)
            else:
                self._done(submission)

    def _failed(self, submission: Submission, error: Exception) -> None:
        self.outcome.failed[submission.student] = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        self._done(submission)

    def _done(self, submission: Submission) -> None:
        self.outcome.left.remove(submission.student)
        self.progress.update()


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C waits until what is in here is done."""
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


def grade(writer: Writer, say: Callable[[str], None]) -> Outcome:
    """Grades what the wish asks for. Raises BatchError if nothing can be graded; what stops it on the way stands in the outcome."""
    wish = writer.wish
    if not writer.unsafe and not wish.scheduler:
        try:
            sandbox.check()
        except sandbox.SandboxError as error:
            raise BatchError(str(error)) from None
    writer.check()
    submissions, outcome = writer.submissions(), Outcome()
    todo = [one for one in submissions if not writer.is_graded(one)]
    outcome.skipped = [one.student for one in submissions if one not in todo]
    outcome.left = [one.student for one in todo]
    number = min(wish.workers or len(os.sched_getaffinity(0)), max(1, len(todo)))
    where = f"the workers at {wish.scheduler}" if wish.scheduler else f"{number} worker{'s' * (number > 1)}"
    say(f"{wish.assignment}: {len(submissions)} handed in, {len(todo)} to grade, on {where}; seed {writer.seed}")
    if not todo:
        return outcome
    gc.freeze()  # as in the workers
    try:
        with workers(number, wish.scheduler) as client, tqdm(total=len(todo), unit="sheet", disable=None) as progress:
            _Stream(client, writer, todo, outcome, progress).run()
    except KeyboardInterrupt:
        outcome.stopped = "stopped by Ctrl-C"
    except BatchError as error:
        outcome.stopped = str(error)
    return outcome
