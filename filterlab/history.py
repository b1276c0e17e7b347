"""What was recorded while filters learned: the training loops write it, the training player and the charts read it."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class History:
    """One entry per recorded step; `record` adds one.

    steps: the number of each step (or epoch), rising. losses: the loss at that step. A loss or a weight that has run away (infinite, NaN)
    is recorded as it is. accuracies: share of right answers in [0, 1], empty where nothing is classified. unit: what a step is called.
    """

    unit: str = "step"
    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    _filters: list[np.ndarray] = field(default_factory=list, repr=False)
    _errors: list[np.ndarray] = field(default_factory=list, repr=False)

    def record(self, step: int, filters: np.ndarray, loss: float, error: np.ndarray | None = None, accuracy: float | None = None) -> None:
        """Add a step. filters: (n, c, kh, kw), or one (kh, kw); error: prediction − target as a picture (h, w). Copies are kept.

        Raises ValueError where a step does not follow the last one, a shape differs from the first step's, or `error` or
        `accuracy` is given for some steps only.
        """
        filters = np.array(filters, dtype=float)
        if filters.ndim not in (2, 4) or filters.size == 0:
            raise ValueError(f"filters has shape {filters.shape}, expected (n, c, kh, kw) or (kh, kw)")
        filters = filters[None, None] if filters.ndim == 2 else filters
        error = None if error is None else np.array(error, dtype=float)
        if error is not None and error.ndim != 2:
            raise ValueError(f"error has shape {error.shape}, expected a picture (h, w)")
        if self.steps:
            self._check_follows(step, filters, error, accuracy)
        self.steps.append(int(step))
        self.losses.append(float(loss))
        self._filters.append(filters)
        if error is not None:
            self._errors.append(error)
        if accuracy is not None:
            self.accuracies.append(float(accuracy))

    def _check_follows(self, step: int, filters: np.ndarray, error: np.ndarray | None, accuracy: float | None) -> None:
        if step <= self.steps[-1]:
            raise ValueError(f"step={step} must be above the last one recorded, {self.steps[-1]}")
        if filters.shape != self._filters[0].shape:
            raise ValueError(f"filters has shape {filters.shape}, but the first step's has {self._filters[0].shape}")
        if (error is not None) != bool(self._errors):
            raise ValueError("error must be given for every step or for none")
        if error is not None and error.shape != self._errors[0].shape:
            raise ValueError(f"error has shape {error.shape}, but the first step's has {self._errors[0].shape}")
        if (accuracy is not None) != bool(self.accuracies):
            raise ValueError("accuracy must be given for every step or for none")

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def filters(self) -> np.ndarray:
        """All filters recorded, (steps, n, c, kh, kw)."""
        return np.array(self._filters)

    @property
    def errors(self) -> np.ndarray | None:
        """The error pictures, (steps, h, w), or None where none was recorded."""
        return np.array(self._errors) if self._errors else None
