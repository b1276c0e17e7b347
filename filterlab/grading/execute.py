"""Runs a submission for grading, with numbers that nobody could have seen before: a fresh seed for each run, recorded."""

import os
import secrets

from nbgrader.preprocessors import Execute as NbgraderExecute

from filterlab.check.inputs import SEED_VARIABLE


class Execute(NbgraderExecute):
    """nbgrader's Execute, whose kernel draws the tests' inputs from a seed of its own.

    The seed is kept in the graded notebook's metadata, `filterlab.seed`. An instructor repeats a run by setting
    FILTERLAB_SEED to it.
    """

    def preprocess(self, nb, resources=None, km=None):
        self.seed = int(os.environ.get(SEED_VARIABLE, secrets.randbits(32)))
        self.log.info("Filterlab's seed for this run: %d", self.seed)
        nb.metadata.setdefault("filterlab", {})["seed"] = self.seed
        return super().preprocess(nb, resources, km)

    async def async_start_new_kernel(self, **kwargs):
        kwargs["env"] = {**os.environ, **kwargs.get("env", {}), SEED_VARIABLE: str(self.seed)}
        await super().async_start_new_kernel(**kwargs)
