"""Scores of answers to sequences, and the trivial baselines beside them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra.tasks import TaskType


@dataclass(frozen=True, eq=False)
class Memoryless:
    """What can be answered without memory: always the same, or a linear map of one row.

    Args:
        constant: the mean of the training targets (outputs,); of classes their frequencies.
        linear: (features + 1, outputs), least squares; the last row is the constant.
    """

    constant: np.ndarray
    linear: np.ndarray

    @classmethod
    def fit(cls, task: TaskType, inputs: list[np.ndarray], targets: list[np.ndarray]) -> "Memoryless":
        """Least squares over all rows of all answers whose targets are there, in coded units."""
        seen = np.concatenate([_row(task, x, len(y)) for x, y in zip(inputs, targets, strict=True)])
        wanted = np.concatenate(targets)
        there = ~np.isnan(wanted).any(axis=1)
        return cls(np.nanmean(wanted, axis=0), np.linalg.lstsq(seen[there], wanted[there])[0])

    def answers(self, task: TaskType, inputs: list[np.ndarray], rows: list[int]) -> dict[str, list[np.ndarray]]:
        """The answers of both to coded inputs."""
        return {
            "constant": [np.tile(self.constant, (count, 1)) for count in rows],
            "memoryless": [_row(task, x, count) @ self.linear for x, count in zip(inputs, rows, strict=True)],
        }


def _row(task: TaskType, x: np.ndarray, answers: int) -> np.ndarray:
    """The row of the input that goes with each row of the answer, and a one."""
    rows = x if task.name == "many-to-many" else np.repeat(x[-1:], answers, axis=0)
    return np.concatenate([rows, np.ones((len(rows), 1))], axis=1)


def compare(truths: list[np.ndarray], answers: list[np.ndarray], kind: str) -> dict[str, Any]:
    """Scores over all rows of all sequences; targets that are NaN are left out.

    Args:
        truths, answers: (rows, outputs) each: values, or one-hot rows and probabilities.
        kind: "values", "binary" or "categorical".
    """
    y, found = np.concatenate(truths), np.concatenate(answers)
    if kind == "values":
        squares = np.nanmean((found - y) ** 2)
        spread = np.nanmean((y - np.nanmean(y, axis=0)) ** 2)
        return {
            "mse": float(squares),
            "rmse": float(np.sqrt(squares)),
            "mae": float(np.nanmean(np.abs(found - y))),
            "r2": float(1 - squares / spread) if spread > 0 else None,
        }
    p = np.clip(found, 1e-15, 1 - 1e-15)
    if kind == "binary":
        right = np.where(np.isnan(y), np.nan, (found > 0.5) == (y > 0.5))
        losses = -(y * np.log(p) + (1 - y) * np.log1p(-p))
    else:
        right = (found.argmax(axis=1) == y.argmax(axis=1)).astype(float)[:, None]
        losses = -(y * np.log(p)).sum(axis=1)
    ends = np.cumsum([len(truth) for truth in truths])[:-1]
    exact = [not (part == 0).any() for part in np.split(right, ends) if not np.isnan(part).all()]
    return {
        "accuracy": float(np.nanmean(right)),
        "exact": float(np.mean(exact)),
        "log_loss": float(np.nanmean(losses)),
    }
