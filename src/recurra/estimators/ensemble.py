"""`Ensemble`: the same network from several seeds, one forecast out of all, and how far they spread."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recurra.data.check import warn
from recurra.errors import ConfigError, DivergenceError
from recurra.estimators.base import Estimator
from recurra.estimators.learners import LEARNERS
from recurra.estimators.members import AGGREGATES, Members, member_of, members_layout, restore_members
from recurra.estimators.parameters import Checks
from recurra.estimators.running import Runner
from recurra.estimators.training_set import TrainingSet
from recurra.series import Series
from recurra.storage import Layout


@dataclasses.dataclass(kw_only=True, eq=False)
class Ensemble(Estimator):
    """One learner fitted from several seeds; the forecast is the median (or mean) of theirs.

    Each member runs on its own output. What they disagree about is what the seed decides: the random weights and, for
    networks that are trained, the order of the windows. The band is the range of that disagreement. It covers neither
    the noise of the measurement, nor what all members have wrong together: it is no confidence interval of the truth,
    and mostly too narrow for one. A member that diverges is left out, with a warning.

    Args:
        of: name of a learner that has a seed, such as "esn" or "lstm".
        members: number of seeds.
        aggregate: "median" or "mean", over the members, for every step and channel by itself: beyond the valid time of
            a chaotic series they shrink to its mean. "trajectory" is the median while the members agree, and then the
            one that has kept to it for longest.
        band: share of the members within the band, in (0, 1].
        settings: parameters of the learner, but its seed.
        seed: that of the first member; those of the others are drawn from it.

    Example:
        >>> import numpy as np, recurra as rc
        >>> wave = np.sin(0.3 * np.arange(200))
        >>> model = rc.Ensemble(of="esn", members=3, settings={"units": 20, "washout": 20, "ridge": 1e-6}).fit(wave)
        >>> low, high = model.forecast_bands(5)
        >>> bool((low.values <= model.forecast(5).values).all() and (high.values >= model.forecast(5).values).all())
        True
    """

    kind: ClassVar[str] = "ensemble"

    of: str = "esn"
    members: int = 10
    aggregate: str = "median"
    band: float = 0.8
    settings: Mapping[str, Any] | None = None
    seed: int = 0

    def check(self) -> None:
        known = [name for name in LEARNERS if name != self.kind]
        checks = Checks(self).choice("of", known).whole("members", 1, 10_000).choice("aggregate", [*AGGREGATES])
        checks.number("band", 0, 1, open_low=True).whole("seed", 0, 2**32 - 1)
        settings = {} if self.settings is None else self.settings
        if self.of in known and "seed" not in LEARNERS[self.of].build().get_params():
            checks.problems.append(f"`of`: a learner without a seed is the same in every member, got {self.of!r}")
        elif not isinstance(settings, Mapping) or not all(isinstance(name, str) for name in settings):
            checks.problems.append(f"`settings` must be a table of parameters, got {settings!r}")
        elif "tune" in settings:
            checks.problems.append("`settings`: the members share one setting, give it: `tune` it before, alone")
        elif "seed" in settings:
            checks.problems.append("`settings`: the seeds of the members come from `seed`")
        elif self.of in known:
            try:
                LEARNERS[self.of].build().set_params(**settings).check()
            except ConfigError as error:
                checks.problems.append(f"`settings`: {error}")
        checks.raise_all()

    def member(self, number: int = 0) -> Estimator:
        """One of the networks by itself, in the order of their seeds.

        Raises:
            ConfigError: a number that no member has.
        """
        self._runner()
        return member_of(self, self.members_, number)

    @property
    def members_(self) -> Members:
        """The fitted members."""
        return self.network_

    def forecast_members(self, n: int, history: Any = None, inputs: Any = None) -> list[Series]:
        """What each member forecasts, in the order of their seeds; arguments as of `forecast`."""
        known, warmup = self._known(history), self._runner().warmup
        return [Runner(self.frame_, network, warmup).forecast(known, n, inputs) for network in self.network_.networks]

    def forecast_bands(
        self, n: int, level: float | None = None, history: Any = None, inputs: Any = None
    ) -> tuple[Series, Series]:
        """Lower and upper end of the band of the members, for every step and channel by itself.

        Args:
            n: number of steps.
            level: share of the members within, in (0, 1); None takes `band`. The ends are the empirical quantiles
                (1 - level) / 2 and (1 + level) / 2 of the members, interpolated linearly.
            history, inputs: as of `forecast`.
        """
        level = self.band if level is None else level
        if not isinstance(level, int | float) or not 0 < level <= 1:
            raise ConfigError(f"`level`, the share of the members within the band, lies in (0, 1], got {level!r}")
        found = self.forecast_members(n, history, inputs)
        ends = np.quantile([each.values for each in found], [(1 - level) / 2, (1 + level) / 2], axis=0)
        one = found[0]
        lost = [each.provenance["lost_after"] for each in found if "lost_after" in each.provenance]
        facts = {key: value for key, value in one.provenance.items() if key != "lost_after"}
        rest: dict[str, Any] = {
            "dt": one.dt,
            "times": one.times,
            "channels": one.channels,
            "units": one.units,
            "inputs": one.inputs,
            "provenance": {**facts, **({"lost_after": min(lost)} if lost else {})},
        }
        return Series(ends[0], **rest), Series(ends[1], **rest)

    def _member(self, seed: int) -> Any:
        return LEARNERS[self.of].build(**(self.settings or {}), seed=seed)

    def _seeds(self) -> list[int]:
        drawn = [np.random.SeedSequence([self.seed, k]).generate_state(1)[0] for k in range(1, self.members)]
        return [int(seed) for seed in (self.seed, *drawn)]

    def _learn(self, training: TrainingSet) -> tuple[Members, list[dict[str, Any]]]:
        fitted, history, failures = {}, [], []
        for k, seed in enumerate(self._seeds()):
            member = self._member(seed)
            try:
                member.network_, found = member._learn(_of_member(training, k))
            except DivergenceError as error:
                failures.append(error)
                history.append({"member": k, "seed": seed, "failure": str(error)})
                continue
            fitted[seed] = member
            self.alarms_ += [{**alarm, "member": k, "seed": seed} for alarm in getattr(member, "alarms_", [])]
            best = [entry["validation"] for entry in found if entry.get("validation") is not None]
            history.append({"member": k, "seed": seed, **({"validation": min(best)} if best else {})})
        if not fitted:
            raise DivergenceError(
                f"all {self.members} members diverged; the first: {failures[0]}", cause=failures[0].cause
            ) from failures[0]
        if failures:
            seeds = [entry["seed"] for entry in history if "failure" in entry]
            warn(
                f"{len(failures)} of {self.members} members diverged and are left out, those of the seeds {seeds}; the "
                f"first: {failures[0]}"
            )
        return Members(tuple(fitted.values()), self.aggregate), history

    def _warmup_rows(self) -> int:
        return self._member(self.seed)._warmup_rows()

    def _facts(self) -> dict[str, Any]:
        return {"seeds": [member.seed for member in self.network_.estimators], "members": self.network_.facts()}

    def _tensors(self) -> dict[str, np.ndarray]:
        return self.network_.tensors()

    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        return members_layout(self._unfitted(facts), facts["members"], channels, features)

    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Members:
        members = restore_members(self._unfitted(facts), facts["members"], channels, features, tensors)
        return Members(members, self.aggregate)

    def _unfitted(self, facts: dict[str, Any]) -> list[Any]:
        return [self._member(seed) for seed in facts["seeds"]]


def _of_member(training: TrainingSet, k: int) -> TrainingSet:
    """The training set with a checkpoint of its own, and progress that says whose it is."""
    path, progress = training.checkpoint, training.progress
    return dataclasses.replace(
        training,
        checkpoint=None if path is None else path.with_name(f"{path.stem}-{k}{path.suffix}"),
        progress=None if progress is None else lambda entry: progress({**entry, "member": k}),
    )
