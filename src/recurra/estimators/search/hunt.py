"""Successive halving over learners and settings: what is tried next follows from what was found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np

from recurra.estimators.search.ground import Ground
from recurra.estimators.search.space import draw, near
from recurra.estimators.search.spaces import ETA, Searched
from recurra.estimators.search.tpe import suggest
from recurra.estimators.search.trial import Trial, try_out

FREE = 9  # trials of a learner that are drawn at random before some are drawn near the best ones
ELITE = 5  # of which one is taken as the centre of such a draw


@dataclass
class Hunt:
    """Asynchronous successive halving: a trial of the best third of its rung is tried again on the next one.

    Whatever has most of its size already comes first; where nothing is to be promoted, a new setting starts on the
    lowest rung, drawn at random, or near one of the best five in every other trial once nine have been drawn. All of it
    follows from the trials so far, so that a search goes on where it was stopped.

    A learner that can choose its settings itself does so in its first trial.

    Args:
        searched: how each learner is searched.
        ground: the rows that every trial is fitted to, and the closed loops that score it.
        seed: of the draws.
        trials: those made so far.
        sampler: "halving", or "optuna" for new settings by its estimator instead of at random or near the best.

    Reference: L. Li et al., A system for massively parallel hyperparameter tuning, MLSys 2020, arXiv:1810.05934.
    """

    searched: Mapping[str, Searched]
    ground: Ground
    seed: int
    trials: list[Trial] = field(default_factory=list)
    sampler: str = "halving"

    def run(self, seconds: float | None, most: int | None, again: int, keep: Callable[[], None]) -> None:
        """Try until the time is over, or there are so many trials; every learner is tried once.

        Args:
            seconds: of wall time, with what it will take to fit the best ones again. A trial that can be expected to
                take longer than what is left is not begun.
            most: number of trials.
            again: how many of them will be fitted again.
            keep: called after each; may raise, to stop.
        """
        while len(self.trials) < (inf if most is None else most):
            asked = self.ask()
            if asked is None:
                return
            learner, settings, rung = asked
            tried = {trial.learner for trial in self.trials} >= set(self.searched)
            if seconds is not None and tried and self._seconds(again) + self._expected(learner, rung) > seconds:
                return
            self.trials.append(try_out(learner, settings, rung, self.ground.head, self.ground.origins))
            keep()

    def _seconds(self, again: int) -> float:
        best = sorted(self.trials, key=lambda trial: trial.score)[:again]
        return sum(trial.seconds for trial in [*self.trials, *best])

    def _expected(self, learner: str, rung: int) -> float:
        """Seconds of a trial: the median of those of its kind or, of the first on a rung, those before it times 3."""
        for below in range(rung + 1):
            of = [each for each in self.trials if (each.learner, each.rung) == (learner, rung - below)]
            if of:
                return float(np.median([trial.seconds for trial in of])) * ETA**below
        return 0.0

    def ask(self) -> tuple[str, dict[str, Any], int] | None:
        """Learner, settings and rung of the next trial; None where there is nothing left to try."""
        counts = {name: sum(trial.learner == name for trial in self.trials) for name in self.searched}
        for name, count in counts.items():
            if count == 0:
                return self._new(name)
        for name in self.searched:
            if (found := self._promoted(name)) is not None:
                return found
        open_ = {name: counts[name] / kind.share for name, kind in self.searched.items() if kind.space}
        return self._new(min(open_, key=open_.__getitem__)) if open_ else None

    def _new(self, name: str) -> tuple[str, dict[str, Any], int]:
        kind, rng = self.searched[name], np.random.default_rng([self.seed, len(self.trials)])
        if kind.itself and not any(trial.learner == name for trial in self.trials):
            return name, kind.at(kind.rungs - 1, {}), kind.rungs - 1
        done = [trial for trial in self.trials if trial.learner == name and not trial.failure]
        if self.sampler == "optuna":
            first = [trial for trial in self.trials if trial.learner == name and trial.rung == 0]
            settings = suggest(kind.space, first, int(rng.integers(2**31)))
        elif len(done) >= FREE and len(done) % 2:
            best = sorted(done, key=lambda trial: trial.score)[:ELITE]
            settings = near(kind.space, best[rng.integers(len(best))].final, rng)
        else:
            settings = draw(kind.space, rng)
        return name, kind.at(0, settings), 0

    def _promoted(self, name: str) -> tuple[str, dict[str, Any], int] | None:
        kind = self.searched[name]
        for rung in reversed(range(kind.rungs - 1)):
            here = [trial for trial in self.trials if trial.learner == name and trial.rung == rung]
            best = sorted(here, key=lambda trial: trial.score)[: len(here) // ETA]
            for trial in best:
                asked = kind.at(rung + 1, trial.settings)
                if not any(other.learner == name and other.settings == asked for other in self.trials):
                    return name, asked, rung + 1
        return None
