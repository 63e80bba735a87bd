"""`Auto`: it searches learners and settings by their closed loops, and forecasts with the best of them together."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from recurra._types import Forecaster, whole_number
from recurra.data.check import warn
from recurra.data.noise import noise_of
from recurra.errors import ConfigError, DivergenceError, ModelFileError
from recurra.estimators.bands import Bands
from recurra.estimators.base import Estimator
from recurra.estimators.learners import LEARNERS
from recurra.estimators.members import Members, Past, member_of, members_layout, restore_members
from recurra.estimators.parameters import Checks
from recurra.estimators.search import (
    SEARCHED,
    Blend,
    Ground,
    Hunt,
    calibration_errors,
    candidates,
    choose_blend,
    run_search,
    together,
    with_past,
)
from recurra.estimators.search.quiet import NOTICED, quieted
from recurra.estimators.search.tpe import optuna_module
from recurra.estimators.training_set import TrainingSet
from recurra.forecasting import Filtered, choose_gain, closed_loop_errors, forecast_origins, horizon_score
from recurra.series import Series
from recurra.storage import Layout, plain

CLOSED_FORM = ("esn", "kernel-ridge", "ng-rc", "linear", "nearest")
WASHOUT = 100  # rows on which states warm up, or a tenth of the longest series
WORSE = 2.0  # times the score of a trial: fitted to all rows it is left out where its closed loops are worse than that
CALIBRATION = 50  # origins whose errors the bands are made of
SECONDS = 30.0  # that sizes are chosen for where only the number of trials is given


@dataclasses.dataclass(kw_only=True, eq=False)
class Auto(Estimator):
    """The learner and its settings by search: nothing to tune by hand.

    The last rows of the training part are held out. Every trial is fitted to the rows before them and run on its own
    output from several origins within them; what is tried next follows from the scores by successive halving (small
    networks and short trainings first, the best third of them again with three times the size). The best trials are
    then fitted to all rows. The forecast is the median of their closed loops while they agree. Once less than 70 % of
    their weight does, what followed the nearest past segment takes over, up to twice the steps of a validation forecast
    (not beside a drive, of which a copy knows nothing); then the one that has kept to the median for longest, so that a
    long run has the attractor of a network.

    Args:
        budget: seconds of wall time for the search; the result then depends on the machine. None with `trials`.
        trials: number of trials instead: the same data and seed then give the same bits.
        of: names of the learners that are searched; None takes those that are fitted in closed form: echo state
            networks, kernel ridge regression, polynomials of delayed rows, and the two baselines that are hard to beat.
        members: at most so many trials make the forecast together. How many, of 1, 3, 5 and 10, and their weights are
            chosen on the held-out rows; one that is fitted to all rows and then worse on these is left out.
        validation: fraction of the training rows held out.
        horizon: steps of each validation forecast; None takes 300, or half of the held-out rows.
        origins: number of validation forecasts.
        noise: "meet" looks for noise in the rows (`recurra.data.noise_level`). Where a channel has more than 0.05 % of
            its standard deviation, an echo state network filters all rows by its own forecasts of them, as `Denoised`
            does, the search learns the filtered rows, and what it finds forecasts behind a filter of its own; closed
            loops are scored against the rows as they were measured. "ignore" takes the rows as they are.
        sampler: where new settings come from: "halving" draws them at random, then near the best; "optuna" asks the
            package of that name (extra `optuna`). Which are tried again with a larger size is decided alike, and so
            is what is kept.
        seed: of the search; the same trials give the same bits.

    Fitted attributes beside those of every estimator: `blend_`, the trials that forecast together, the nearest past
    segment with weight 0 where it has no part in the median (not in a file);
    `errors_`, those of their joint forecasts in the held-out rows (origins, steps, channels), in the units of the
    data; `noise_`, a `recurra.data.NoiseLevel` in standard deviations, and `gain_`, of the filter, 1 for none;
    `history_` has an entry for each trial.

    Example:
        >>> import numpy as np, recurra as rc
        >>> wave = np.sin(0.3 * np.arange(300))
        >>> model = rc.Auto(trials=6, of=["esn", "linear"]).fit(wave)
        >>> bool(np.abs(model.forecast(20).values[:, 0] - np.sin(0.3 * np.arange(300, 320))).max() < 1e-3)
        True
    """

    kind: ClassVar[str] = "auto"

    budget: float | None = 30.0
    trials: int | None = None
    of: Sequence[str] | None = None
    members: int = 10
    validation: float = 0.3
    horizon: int | None = None
    origins: int = 8
    noise: str = "meet"
    sampler: str = "halving"
    seed: int = 0

    def check(self) -> None:
        checks = Checks(self).number("budget", 0, open_low=True, optional=True).whole("trials", 1, optional=True)
        checks.whole("members", 1).number("validation", 0, 0.9, open_low=True)
        checks.whole("horizon", 1, optional=True).whole("origins", 1).whole("seed", 0, 2**32 - 1)
        checks.choice("noise", ["meet", "ignore"]).choice("sampler", ["halving", "optuna"])
        of = CLOSED_FORM if self.of is None else self.of
        named = isinstance(of, list | tuple) and all(isinstance(name, str) and name in SEARCHED for name in of)
        if not named or not of or len(set(of)) < len(of):
            checks.problems.append(f"`of` must be a list of some of {', '.join(SEARCHED)}, got {self.of!r}")
        if self.budget is None and self.trials is None:
            checks.problems.append("`budget` or `trials` has to end the search, both are None")
        checks.raise_all()
        if self.sampler == "optuna":
            optuna_module()  # says what to install, before the work

    def forecast_bands(
        self, n: int, level: float = 0.8, history: Any = None, inputs: Any = None
    ) -> tuple[Series, Series]:
        """Lower and upper end of a band that a value at a step lies in with the probability `level`.

        The half width is a quantile of the errors in the held-out rows, as of `recurra.Bands`, which says what that
        rests on. Here the origins lie in one series and overlap, and the best trials were chosen on the same rows: what
        the bands claim holds as far as the series goes on as it was.

        Args:
            n: number of steps, at most those of a validation forecast.
            level: in (0, 1).
            history, inputs: as of `forecast`.

        Raises:
            ConfigError: more steps than were validated; a level that cannot be.
            DataError: too few origins for the level.
        """
        self._runner()
        if whole_number(n) and n > self.errors_.shape[1]:
            raise ConfigError(
                f"the bands are known for the {self.errors_.shape[1]} steps of a validation forecast, not for {n}: ask "
                "for fewer, or fit with a longer `horizon`"
            )
        bands = Bands.calibrate(self.errors_, np.zeros_like(self.errors_), level)
        return bands.around(self.forecast(n, history, inputs))

    def member(self, number: int = 0) -> Estimator:
        """One of the trials that forecast together, fitted to all rows, by itself; 0 is the one with the best score.

        Raises:
            ConfigError: a number that no member has.
        """
        self._runner()
        return member_of(self, self.members_, number)

    def _warmup_rows(self) -> int:
        if not hasattr(self, "network_"):
            return 0
        network: Any = self.network_
        return network.warmup if isinstance(network, Members) else max(network.network.warmup, 2 * network.burn)

    @property
    def members_(self) -> Members:
        """What forecasts together, without the filter before it."""
        network: Any = self.network_
        return network if isinstance(network, Members) else network.network

    def _ground(self, training: TrainingSet) -> tuple[TrainingSet, Ground]:
        """The rows to learn, filtered where noise is to be met, and what every trial stands on."""
        self.noise_, self.gain_ = noise_of([values for values, _ in training.parts]), 1.0
        level = float(np.max(self.noise_.relative, where=self.noise_.found, initial=0.0))
        noisy = self.noise == "meet" and level >= NOTICED
        longest = max(len(values) for values, _ in training.parts)
        burn = max(1, min(WASHOUT, longest // 10))
        rows = quieted(training, self.validation, burn) if noisy else training
        ground = Ground.of(
            rows,
            validation=self.validation,
            washout=2 * burn if noisy else burn,
            horizon=self.horizon,
            origins=self.origins,
            seconds=self.budget or SECONDS,
            measured=training if noisy else None,
            noise=level if noisy else 0.0,
        )
        return rows, ground

    def _learn(self, training: TrainingSet) -> tuple[Forecaster, list[dict[str, Any]]]:
        rows, ground = self._ground(training)
        hunt = Hunt(candidates(self.of or CLOSED_FORM, ground.rows), ground, self.seed, sampler=self.sampler)
        length = {"seconds": self.budget, "most": self.trials, "again": self.members}
        run_search(hunt, training, self._saved(), **length)
        chosen = choose_blend(hunt.trials, ground.origins, self.members)
        blend, members = self._fitted(chosen, ground, rows)
        self.blend_, members, past = with_past(blend, members, hunt.trials, ground, rows)
        network = Members(members, "trajectory", self.blend_.weights, past)
        joint = together(self.blend_, ground.head, past)
        if ground.measured is not None:
            joint, _ = choose_gain(joint, ground.more(self.origins), ground.rows.washout // 2)
            network, self.gain_ = Filtered(network, joint.gain, joint.burn), joint.gain
        self.errors_ = calibration_errors(joint, ground.more(CALIBRATION)) * training.frame.scaler.std
        history = [trial.entry(k) for k, trial in enumerate(hunt.trials)]
        for trial, weight in zip(self.blend_.trials, self.blend_.weights, strict=True):
            history[hunt.trials.index(trial)]["weight"] = weight / sum(self.blend_.weights)
        return network, history

    def _fitted(self, blend: Blend, ground: Ground, training: TrainingSet) -> tuple[Blend, tuple[Estimator, ...]]:
        """The trials of a blend, fitted to all rows; one that then forecasts worse what it now knows is left out."""
        quiet = dataclasses.replace(training, checkpoint=None, progress=None, quiet=True)
        fitted, failures = [], []
        for trial, weight in zip(blend.trials, blend.weights, strict=True):
            member = LEARNERS[trial.learner].build(**trial.final)
            try:
                member.network_, _ = member._learn(quiet)
            except DivergenceError as error:
                failures.append(error)
                continue
            again = forecast_origins(member.network_, ground.origins)
            worse = float(horizon_score(closed_loop_errors(again, ground.origins.truth))) / max(trial.score, 1e-12)
            fitted.append((worse, trial, weight, member))
        if not fitted:
            raise DivergenceError(f"all of the best trials diverged on all rows; the first: {failures[0]}")
        if failures:
            warn(f"{len(failures)} of the best trials diverged on all rows and are left out; the first: {failures[0]}")
        kept = [entry for entry in fitted if entry[0] <= WORSE] or [min(fitted, key=lambda entry: entry[0])]
        _, trials, weights, members = zip(*kept, strict=True)
        return Blend.of(trials, weights, ground.origins), members

    def _facts(self) -> dict[str, Any]:
        network = self.members_
        kinds = [{"kind": member.kind, "params": plain(member.get_params())} for member in network.estimators]
        calibrated = {"origins": len(self.errors_), "steps": self.errors_.shape[1]}
        facts = {"chosen": kinds, "members": network.facts(), "weights": list(network.weights or ())}
        if network.past is not None:
            facts["past"] = dataclasses.asdict(network.past)
        if isinstance(self.network_, Filtered):
            facts["filter"] = {"gain": self.network_.gain, "burn": self.network_.burn}
        return {**facts, "calibrated": calibrated}

    def _tensors(self) -> dict[str, np.ndarray]:
        return {**self.members_.tensors(), "errors": self.errors_}

    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        calibrated = facts["calibrated"]
        errors = {"errors": ("float64", (int(calibrated["origins"]), int(calibrated["steps"]), channels))}
        return {**members_layout(_unfitted(facts), facts["members"], channels, features), **errors}

    def _restore(
        self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]
    ) -> Forecaster:
        self.errors_ = tensors["errors"]
        members = restore_members(_unfitted(facts), facts["members"], channels, features, tensors)
        weights = tuple(float(weight) for weight in facts["weights"])
        network = Members(members, "trajectory", weights, _past(facts, len(members)))
        filter_ = facts.get("filter")
        self.gain_ = 1.0 if filter_ is None else float(filter_["gain"])
        return network if filter_ is None else Filtered(network, self.gain_, int(filter_["burn"]))


def _past(facts: dict[str, Any], members: int) -> Past | None:
    """Which member copies the past, and for how long; None where none does, as in files of before any did."""
    found = facts.get("past")
    if found is None:
        return None
    past = Past(found["member"], found["until"])
    if not whole_number(past.member) or not 0 <= past.member < members or not whole_number(past.until):
        raise ModelFileError(f"{members} members, of which number {past.member!r} copies the past, cannot be")
    return past


def _unfitted(facts: dict[str, Any]) -> list[Estimator]:
    """The members of a model file before they have their networks."""
    members = []
    for entry in facts["chosen"]:
        if entry["kind"] not in SEARCHED:
            raise ModelFileError(f"a member of kind {entry['kind']!r} is none that this recurra searches")
        members.append(LEARNERS[entry["kind"]].build(**entry["params"]))
        try:
            members[-1].check()
        except ConfigError as error:
            raise ModelFileError(f"a member cannot be: {error}") from error
    return members
