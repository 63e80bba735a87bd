"""Fitted networks side by side: one forecast out of all of theirs, and their arrays in one model file."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recurra._types import Batch, BatchDrive, BatchInputs, Forecaster, Row
from recurra.storage import Layout, plain

if TYPE_CHECKING:
    from recurra.estimators.base import Estimator


def weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The value along the first axis with half of the weight on either side; the mean of two where both are.

    >>> weighted_median(np.array([[1.0], [5.0], [2.0]]), np.array([1.0, 1.0, 1.0]))
    array([2.])
    """
    order = np.argsort(values, axis=0)
    ranked = np.take_along_axis(values, order, axis=0)
    below = np.cumsum(np.asarray(weights, float)[order], axis=0) / np.sum(weights)
    lower, upper = (np.argmax(below >= 0.5 + side, axis=0)[None] for side in (-1e-12, 1e-12))
    pair = [np.take_along_axis(ranked, index, axis=0)[0] for index in (lower, upper)]
    return (pair[0] + pair[1]) / 2


AGGREGATES = {"median": weighted_median, "mean": lambda values, weights: np.average(values, axis=0, weights=weights)}


@dataclasses.dataclass(frozen=True, eq=False)
class Members:
    """Fitted networks side by side, each on its own output, and one forecast out of theirs.

    Args:
        estimators: fitted; each holds its network.
        aggregate: "median" or "mean", over the members, for every step and channel by itself.
        weights: of each in that; None for 1.
    """

    estimators: tuple["Estimator", ...]
    aggregate: str
    weights: tuple[float, ...] | None = None

    @property
    def networks(self) -> list[Forecaster]:
        """The forecaster of each member."""
        return [estimator.network_ for estimator in self.estimators]

    @property
    def warmup(self) -> int:
        """Rows that the one with the longest memory warms up on."""
        return max(estimator._warmup_rows() for estimator in self.estimators)

    def initial_state(self, batch: int) -> list[Any]:
        return [network.initial_state(batch) for network in self.networks]

    def run(self, state: list[Any], inputs: BatchInputs) -> tuple[list[Any], Batch]:
        return self._join([network.run(own, inputs) for network, own in zip(self.networks, state, strict=True)])

    def free_run(self, state: list[Any], last: Row, drive: BatchDrive) -> tuple[list[Any], Batch]:
        pairs = zip(self.networks, state, strict=True)
        return self._join([network.free_run(own, last, drive) for network, own in pairs])

    def _join(self, found: list[tuple[Any, Batch]]) -> tuple[list[Any], Batch]:
        states, forecasts = zip(*found, strict=True)
        weights = np.ones(len(forecasts)) if self.weights is None else np.array(self.weights)
        return list(states), AGGREGATES[self.aggregate](np.stack(forecasts), weights)

    def facts(self) -> list[dict[str, Any]]:
        """What the parameters of each do not say."""
        return plain([estimator._facts() for estimator in self.estimators])

    def tensors(self) -> dict[str, np.ndarray]:
        """The arrays of each, by its number."""
        members = enumerate(self.estimators)
        return {f"{k}/{name}": array for k, member in members for name, array in member._tensors().items()}


def members_layout(
    unfitted: Sequence["Estimator"], facts: list[dict[str, Any]], channels: int, features: int
) -> Layout:
    """Dtype and shape of `Members.tensors`."""
    layouts = [member._layout(channels, features, own) for member, own in zip(unfitted, facts, strict=True)]
    return {f"{k}/{name}": slot for k, layout in enumerate(layouts) for name, slot in layout.items()}


def restore_members(
    unfitted: Sequence["Estimator"],
    facts: list[dict[str, Any]],
    channels: int,
    features: int,
    tensors: dict[str, np.ndarray],
) -> tuple["Estimator", ...]:
    """Each with its network, from `Members.tensors`."""
    for k, (member, own) in enumerate(zip(unfitted, facts, strict=True)):
        named = {n.removeprefix(f"{k}/"): array for n, array in tensors.items() if n.startswith(f"{k}/")}
        member.network_ = member._restore(channels, features, own, named)
    return tuple(unfitted)
