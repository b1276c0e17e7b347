"""What runs in the processes that execute sheets. It imports little, since each of them waits for it."""

import gc
import signal
from typing import Any

from distributed import WorkerPlugin

from filterlab.grading.run import Job, run


def run_all(jobs: list[Job]) -> list[str]:
    """The executed sheets of one submission, as JSON."""
    return [run(job) for job in jobs]


class Calm(WorkerPlugin):
    """For the workers started here: Ctrl-C is for the writer alone, which ends them in its own time; and what was imported is no garbage,
    so nobody has to look through it again and again."""

    def setup(self, worker: Any) -> None:
        gc.freeze()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
