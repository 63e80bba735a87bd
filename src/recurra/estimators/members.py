"""Fitted networks side by side: one forecast out of all of theirs, and their arrays in one model file."""

import copy
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recurra._types import Batch, BatchDrive, BatchInputs, Forecaster, Row, whole_number
from recurra.errors import ConfigError
from recurra.forecasting import warmed
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


AGGREGATES = {
    "median": weighted_median,
    "mean": lambda values, weights: np.average(values, axis=0, weights=weights),
    "trajectory": weighted_median,  # until the members part
}
APART = 1.0  # standard deviations of the training rows: a member farther from the median has left it
AWAY = 10.0  # standard deviations: one that comes there has run away, and is not followed
AGREED = 0.7  # of the weight: where no more of it keeps to the median, it is trusted no longer
FADED = 10  # steps in which a copy of the past takes over


@dataclasses.dataclass(frozen=True)
class Past:
    """Where members that no longer agree give way: to a copy of what followed the most similar rows of the past.

    Such a copy has the amplitudes and the shape of the data whatever the members have made of it, but in a long run it
    comes back to itself: hence an end.

    Args:
        member: which of them copies.
        until: steps of a forecast after which it is the members' again.
    """

    member: int
    until: int

    def share(self, apart: np.ndarray, left: np.ndarray) -> np.ndarray:
        """How much of the forecast is the copy.

        Args:
            apart: steps since the members agreed (batch, time).
            left: steps up to `until` (time,).
        """
        return np.clip(np.minimum(apart, left) / FADED, 0.0, 1.0)


@dataclasses.dataclass(frozen=True, eq=False)
class Company:
    """Who still runs with the others.

    Args:
        beside: members that have kept to the median so far (members, batch).
        leader: the member that is followed (batch,); -1 while there is a median to speak of.
        apart: steps since `AGREED` of the weight kept to it (batch,).
        steps: that were forecast.
    """

    beside: np.ndarray
    leader: np.ndarray
    apart: np.ndarray
    steps: int = 0

    @staticmethod
    def all(members: int, batch: int) -> "Company":
        """All together."""
        return Company(np.ones((members, batch), dtype=bool), np.full(batch, -1), np.zeros(batch, dtype=int))


def follow(
    forecasts: np.ndarray, weights: np.ndarray, company: Company | None = None, past: Past | None = None
) -> tuple[np.ndarray, Company]:
    """One trajectory out of many: their median while they agree, then the member that has kept to it for longest.

    The median of trajectories that have parted is none: of a chaotic system it shrinks to the mean, and neither its
    spectrum nor its attractor is that of any member.

    Args:
        forecasts: (members, batch, time, channels), in standard deviations.
        weights: of the members in the median; one of weight 0 is not followed.
        company: who had parted before; None for nobody. A member leaves where its distance from the median, root mean
            square over the channels, is above `APART`. One that runs away is followed only where all do.
        past: what takes over where the members no longer agree; None for nothing.

    Returns:
        The trajectory (batch, time, channels), and who has parted at its end.
    """
    company = company or Company.all(*forecasts.shape[:2])
    median, steps = weighted_median(forecasts, weights), forecasts.shape[2]
    near = (np.sqrt(np.mean((forecasts - median) ** 2, axis=-1)) <= APART) & (weights > 0)[:, None, None]
    beside = np.logical_and.accumulate(company.beside[..., None] & near, axis=2)
    kept = beside.sum(axis=2) + company.beside  # one that has parted before has kept to it for less
    kept = np.where((weights > 0)[:, None], kept, -1)
    kept = np.where(company.leader < 0, kept, np.arange(len(forecasts))[:, None] == company.leader)
    away = np.abs(forecasts).max(axis=(2, 3), initial=0.0) > AWAY
    leader = np.where(away, -1, kept).argmax(axis=0)
    parted = np.where(company.leader < 0, beside.any(axis=0).sum(axis=1), 0)  # the step from which nobody is left
    alone = np.arange(steps) >= parted[:, None]
    joint = np.where(alone[..., None], forecasts[leader, np.arange(len(leader))], median)
    agreed = np.tensordot(weights, beside, 1) / np.sum(weights) > AGREED + 1e-12
    apart = company.apart[:, None] + np.cumsum(~agreed, axis=1)
    if past is not None:
        copied = past.share(apart, past.until - company.steps - np.arange(steps))[..., None]
        joint = (1 - copied) * joint + copied * forecasts[past.member]
    last = beside[:, :, -1] if steps else company.beside
    leader = np.where(last.any(axis=0), -1, leader)
    return joint, Company(last, leader, apart[:, -1] if steps else company.apart, company.steps + steps)


@dataclasses.dataclass(frozen=True, eq=False)
class Members:
    """Fitted networks side by side, each on its own output, and one forecast out of theirs.

    Args:
        estimators: fitted; each holds its network.
        aggregate: "median" or "mean", over the members, for every step and channel by itself; "trajectory", as of
            `follow`.
        weights: of each in that; None for 1.
        past: as of `follow`.
    """

    estimators: tuple["Estimator", ...]
    aggregate: str
    weights: tuple[float, ...] | None = None
    past: Past | None = None

    @property
    def networks(self) -> list[Forecaster]:
        """The forecaster of each member."""
        return [estimator.network_ for estimator in self.estimators]

    @property
    def warmup(self) -> int:
        """Rows that the one with the longest memory warms up on."""
        return max(estimator._warmup_rows() for estimator in self.estimators)

    def initial_state(self, batch: int) -> tuple[list[Any], Company]:
        return [network.initial_state(batch) for network in self.networks], Company.all(len(self.estimators), batch)

    def warm(self, state: tuple[list[Any], Company], inputs: BatchInputs) -> tuple[list[Any], Company]:
        """The state that a batch of input sequences leads to."""
        pairs = zip(self.networks, state[0], strict=True)
        states = [warmed(network, own, inputs) for network, own in pairs]
        return states, Company.all(len(states), len(inputs))

    def run(self, state: tuple[list[Any], Company], inputs: BatchInputs) -> tuple[tuple[list[Any], Company], Batch]:
        pairs = zip(self.networks, state[0], strict=True)
        states, outputs = zip(*(network.run(own, inputs) for network, own in pairs), strict=True)
        together = Company.all(len(states), len(inputs))
        return (list(states), together), AGGREGATES[self.aggregate](np.stack(outputs), self._weights)

    def free_run(
        self, state: tuple[list[Any], Company], last: Row, drive: BatchDrive
    ) -> tuple[tuple[list[Any], Company], Batch]:
        states, company = state
        pairs = zip(self.networks, states, strict=True)
        states, found = zip(*(network.free_run(own, last, drive) for network, own in pairs), strict=True)
        forecasts = np.stack(found)
        if self.aggregate == "trajectory":
            joint, company = follow(forecasts, self._weights, company, self.past)
        else:
            joint = AGGREGATES[self.aggregate](forecasts, self._weights)
        return (list(states), company), joint

    @property
    def _weights(self) -> np.ndarray:
        return np.ones(len(self.estimators)) if self.weights is None else np.array(self.weights)

    def facts(self) -> list[dict[str, Any]]:
        """What the parameters of each do not say."""
        return plain([estimator._facts() for estimator in self.estimators])

    def tensors(self) -> dict[str, np.ndarray]:
        """The arrays of each, by its number."""
        members = enumerate(self.estimators)
        return {f"{k}/{name}": array for k, member in members for name, array in member._tensors().items()}


_SHARED = ("frame_", "recent_", "baselines_", "continues_", "trained_", "rows_")


def member_of(whole: "Estimator", among: Members, number: int) -> "Estimator":
    """One member as an estimator of its own, which forecasts, is scored and diagnosed without the others.

    Args:
        whole: fitted.
        among: its members.
        number: which, 0 ... members - 1.

    Raises:
        ConfigError: a number that no member has.
    """
    members = among.estimators
    if not whole_number(number) or not 0 <= number < len(members):
        raise ConfigError(f"`number` of a member is a whole number, 0 ... {len(members) - 1}, got {number!r}")
    member = copy.copy(members[number])
    vars(member).update({name: vars(whole)[name] for name in _SHARED if name in vars(whole)})
    member.params_, member.history_, member.alarms_ = member.get_params(), [], []
    return member


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
