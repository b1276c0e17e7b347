"""Processes for workers that have everything imported when they start: they are forked from one that imports it once.

It imports while this process still reads its own modules, so call `prepare_workers` first.
"""

import multiprocessing
import multiprocessing.forkserver
import os
import sys

METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
# One thread each: there are as many workers as cores, and a process with threads cannot be forked safely.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
PRELOADED = [__name__, "distributed.nanny", "filterlab.grading.worker", "filterlab.show"]
# A grammar of web addresses, which jsonschema builds for a second at its import, and which no schema of a notebook asks for.
sys.modules.setdefault("rfc3987_syntax", None)


def prepare_workers() -> None:
    """Starts the process that workers will be forked from."""
    if METHOD == "forkserver":
        os.environ.update(ONE_THREAD)
        multiprocessing.get_context(METHOD).set_forkserver_preload(PRELOADED)
        multiprocessing.forkserver.ensure_running()
