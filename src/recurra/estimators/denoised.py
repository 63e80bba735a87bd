"""`Denoised`: a learner for noisy rows, which it filters by its own forecasts and then learns again."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recurra.data.noise import noise_of
from recurra.errors import ConfigError, ModelFileError
from recurra.estimators.base import Estimator
from recurra.estimators.learners import LEARNERS
from recurra.estimators.parameters import Checks
from recurra.estimators.search.ground import Ground
from recurra.estimators.search.trial import Trial, refuse_failures, try_out
from recurra.estimators.training_set import Scaled, TrainingSet
from recurra.forecasting import Filtered, choose_gain, filtered_rows
from recurra.forecasting.filtering import GAINS
from recurra.storage import Layout, plain

SETTLES = 100  # rows that the filter takes after those on which the learner warms up
NOT_OF = ("auto", "denoised", "persistence", "climatology", "seasonal")
HELD_OUT, ORIGINS = 0.3, 20


@dataclasses.dataclass(kw_only=True, eq=False)
class Denoised(Estimator):
    """A learner whose rows have noise: it filters them by its own forecasts, and learns them again.

    The learner is fitted to the rows as they are. Then each of them is drawn towards the forecast that the learner made
    of it (`recurra.forecasting.Filtered`), and the learner is fitted to the filtered rows, in which less noise hides
    what follows from what. How far rows are drawn (the gain), and whether the second fit is better than the first, is
    decided by closed loops from held-out rows as they were measured. A forecast starts from filtered rows, too.
    Whatever is filtered follows from earlier rows alone: nothing is smoothed into the past.

    Args:
        of: name of a learner.
        settings: its parameters.
        passes: how many times the rows are filtered and learnt again.
        gain: in (0, 1]; None for the one that forecasts held-out rows best.
        validation: fraction of the training rows held out.
        horizon: steps of each validation forecast; None takes 300, or half of the held-out rows.
        origins: number of validation forecasts.

    Fitted attributes beside those of every estimator: `noise_`, the `recurra.data.NoiseLevel` of the scaled rows;
    `gain_`; `history_` has an entry for each pass (0: the rows as they are).

    Reference: as of `recurra.forecasting.Filtered`.

    Example:
        >>> import numpy as np, recurra as rc
        >>> wave = np.sin(0.1 * np.arange(900))
        >>> rows = wave[:600] + 0.1 * np.random.default_rng(0).standard_normal(600)
        >>> model = rc.Denoised(of="esn", settings={"units": 50, "washout": 50}).fit(rows)
        >>> bool(np.abs(model.forecast(100).values[:, 0] - wave[600:700]).max() < 0.2)  # alone 0.47
        True
    """

    kind: ClassVar[str] = "denoised"

    of: str = "esn"
    settings: Mapping[str, Any] | None = None
    passes: int = 1
    gain: float | None = None
    validation: float = HELD_OUT
    horizon: int | None = None
    origins: int = ORIGINS

    def check(self) -> None:
        known = [name for name in LEARNERS if name not in NOT_OF]
        checks = Checks(self).choice("of", known).whole("passes", 0, 100)
        checks.number("gain", 0, 1, open_low=True, optional=True).number("validation", 0, 0.9, open_low=True)
        checks.whole("horizon", 1, optional=True).whole("origins", 1)
        settings = {} if self.settings is None else self.settings
        if not isinstance(settings, Mapping) or not all(isinstance(name, str) for name in settings):
            checks.problems.append(f"`settings` must be a table of parameters, got {settings!r}")
        elif self.of in known:
            try:
                LEARNERS[self.of].build().set_params(**settings).check()
            except ConfigError as error:
                checks.problems.append(f"`settings`: {error}")
            if settings.get("tune") is not None:
                checks.problems.append("`settings`: `tune` it before, alone")
        checks.raise_all()

    def _warmup_rows(self) -> int:
        if hasattr(self, "network_"):
            return self.warmup_
        return LEARNERS[self.of].build(**(self.settings or {}))._warmup_rows()

    def _learn(self, training: TrainingSet) -> tuple[Filtered, list[dict[str, Any]]]:
        self.noise_ = noise_of([values for values, _ in training.parts])
        own = self._warmup_rows()
        self.warmup_ = max(own, min(own + SETTLES, _longest(training, self.validation) // 2))
        ground = Ground.of(
            training,
            validation=self.validation,
            washout=self.warmup_,
            horizon=self.horizon,
            origins=self.origins,
            seconds=1.0,
        )
        rows, found = training, []
        for _ in range(1 + self.passes):
            found.append(self._tried(rows, ground, max(1, own)))
            rows = dataclasses.replace(training, parts=filtered_parts(found[-1][1], training.parts))
        refuse_failures([trial for trial, _, _ in found])
        best = min(range(len(found)), key=lambda k: found[k][2])
        trial, filter_, _ = found[best]
        parts = training.parts if best == 0 else filtered_parts(found[best - 1][1], training.parts)
        self.learner_ = LEARNERS[self.of].build(**trial.final)
        self.learner_.network_, _ = self.learner_._learn(dataclasses.replace(training, parts=parts))
        self.gain_ = filter_.gain
        history = [
            {"pass": k, "gain": each.gain, "noise": float(self.noise_.relative.max()), "validation": score}
            for k, (_, each, score) in enumerate(found)
        ]
        return Filtered(self.learner_.network_, self.gain_, filter_.burn), history

    def _tried(self, rows: TrainingSet, ground: Ground, burn: int) -> tuple[Trial, Filtered, float]:
        """The learner fitted to the first rows, filtered or not, and its filter on those after them, as measured."""
        cuts = rows.cuts(self.validation)
        held = rows.validation(cuts, ground.rows.washout)
        head = dataclasses.replace(ground.head, parts=rows.trained(cuts), held=held)
        trial = try_out(self.of, self.settings or {}, 0, head, ground.origins)
        refuse_failures([trial])
        assert trial.network is not None
        gains = GAINS if self.gain is None else (self.gain,)
        return trial, *choose_gain(trial.network, ground.origins, burn, gains)

    def _facts(self) -> dict[str, Any]:
        return {
            "settings": plain(self.learner_._saved()),
            "learner": plain(self.learner_._facts()),
            "gain": self.gain_,
            "burn": self.network_.burn,
            "warmup": self.warmup_,
            "noise": plain(self.noise_.relative),
        }

    def _tensors(self) -> dict[str, np.ndarray]:
        return self.learner_._tensors()

    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        return self._unfitted(facts)._layout(channels, features, facts["learner"])

    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
        self.learner_, self.gain_, self.warmup_ = self._unfitted(facts), float(facts["gain"]), int(facts["warmup"])
        self.learner_.frame_ = self.frame_
        self.learner_.network_ = self.learner_._restore(channels, features, facts["learner"], tensors)
        if not 0 < self.gain_ <= 1 or int(facts["burn"]) < 1:
            raise ModelFileError(f"a filter with the gain {self.gain_:g} after {facts['burn']} rows cannot be")
        return Filtered(self.learner_.network_, self.gain_, int(facts["burn"]))

    def _unfitted(self, facts: dict[str, Any]) -> Any:
        learner = LEARNERS[self.of].build(**facts["settings"])
        try:
            learner.check()
        except ConfigError as error:
            raise ModelFileError(f"its learner cannot be: {error}") from error
        return learner


def filtered_parts(network: Filtered, parts: list[Scaled]) -> list[Scaled]:
    """Scaled series as a filter sees them."""
    return [(filtered_rows(network, values, drive), drive) for values, drive in parts]


def _longest(training: TrainingSet, fraction: float) -> int:
    """Rows of the longest series that is trained on while the rest validates."""
    return max((len(values) for values, _ in training.trained(training.cuts(fraction))), default=0)
