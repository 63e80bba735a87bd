"""Networks trained by gradients on tasks with long lags: new sequences in every epoch, scored before they are seen."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from recurra.cells import GRU, LSTM
from recurra.errors import DivergenceError
from recurra.experiment.long_lag_settings import Learner
from recurra.models import Model, Stack
from recurra.tasks.long_lag import Batch, LongLag
from recurra.training import (
    Fresh,
    HessianFree,
    Loss,
    MaskedSteps,
    Settings,
    Trained,
    best_echo_state,
    masked_outputs,
    train,
)

PIECE = 1000  # sequences that are scored at a time
_LEAST_SCORED = 1000  # before every epoch
_TRAIN, _TEST, _GATES = 1, 2, 3  # first words of the seeds
_HESSIAN_FREE = ("damping", "structural_damping", "cg_steps", "curvature_batch", "chunk")


@dataclass(frozen=True)
class Sequences:
    """The sequences of one training, and those that test it: never the same.

    Args:
        task: what they are of.
        seed: of all of them.
        count: sequences of an epoch.
        centred: whether the mean of every input column is subtracted.
    """

    task: LongLag
    seed: int
    count: int
    centred: bool
    _kept: dict[int, Batch] = field(default_factory=dict, repr=False)

    def epoch(self, number: int) -> Batch:
        """The sequences of an epoch; the last one asked for is kept, as it is scored and then trained on."""
        if number not in self._kept:
            self._kept.clear()
            self._kept[number] = self._centre(self.task.draw(self.count, seed=[_TRAIN, self.seed, number]))
        return self._kept[number]

    def following(self, number: int, count: int) -> Iterator[Batch]:
        """The first sequences of an epoch and, where it has fewer than `count`, of those after it."""
        while count > 0:
            batch = self.epoch(number)
            yield Batch(*(array[:count] for array in batch))
            count, number = count - self.count, number + 1

    def tests(self, number: int) -> Iterator[Batch]:
        """The test sequences of an epoch, piece by piece."""
        tests = self.task.solved.tests
        for k, first in enumerate(range(0, tests, PIECE)):
            count = min(PIECE, tests - first)
            yield self._centre(self.task.draw(count, seed=[_TEST, self.seed, number, k]))

    @cached_property
    def means(self) -> np.ndarray:
        """The mean of every input column (features,), over the first sequences that are trained on."""
        batch = self.task.draw(self.count, seed=[_TRAIN, self.seed, 0])
        return batch.inputs.sum(axis=(0, 1), dtype=np.float64) / batch.present.sum()

    def answers(self) -> np.ndarray:
        """The mean target of every output (outputs,), over the first sequences that are trained on."""
        batch = self.epoch(0)
        return batch.targets[batch.weights.any(axis=2)].mean(axis=0, dtype=np.float64)

    @property
    def identity(self) -> str:
        """What the sequences are drawn from, in words."""
        centred = ", centred" if self.centred else ""
        return f"{self.task.name} of length {self.task.length}, {self.count} an epoch, seed {self.seed}{centred}"

    def _centre(self, batch: Batch) -> Batch:
        if not self.centred:
            return batch
        moved = batch.inputs - self.means.astype(np.float32)
        return batch._replace(inputs=np.where(batch.present[:, :, None], moved, np.float32(0)))


@dataclass
class Scores:
    """What a network answered, one number a sequence.

    Args:
        wrong, errors, deviations: as of `LongLag`.
    """

    wrong: np.ndarray
    errors: np.ndarray
    deviations: np.ndarray

    @staticmethod
    def of(task: LongLag, model: Model, batches: Iterator[Batch]) -> "Scores":
        """The scores of a model on some batches."""
        found = []
        for batch in batches:
            outputs = np.asarray(masked_outputs(model, batch.inputs, batch.present))
            found.append([score(outputs, batch) for score in (task.wrong, task.errors, task.deviations)])
        return Scores(*(np.concatenate(part) for part in zip(*found, strict=True)))

    def means(self) -> dict[str, float]:
        """Share of wrong sequences, wrong answers a sequence, mean absolute error."""
        return {
            "wrong_fraction": float(self.wrong.mean()),
            "errors": float(self.errors.mean()),
            "deviation": float(self.deviations.mean()),
        }


@dataclass
class Until:
    """Ends a training: solved, or out of time. Scores the next sequences before they are trained on.

    What is scored enters the last entry of the history: wrong_fraction, errors, deviation, and the seconds so far; with
    `whole` also that the task was solved there. A resumed training goes on from these.

    Args:
        task: with its rule.
        sequences: to score on.
        budget: seconds; None for no limit.
        whole: whether to go on though the task is solved: that it was stays noted.
        began: when this process began, as of `time.perf_counter`.
        stop: why the training ended, "" as long as it goes on.
        solved: whether the task is.
        test: scores on new sequences, of the last test.
        trained: the training as it was last seen.
    """

    task: LongLag
    sequences: Sequences
    budget: float | None
    whole: bool
    began: float
    stop: str = ""
    solved: bool = False
    test: dict[str, float] = field(default_factory=dict)
    trained: Trained | None = None
    _spent_before: float | None = None

    def __call__(self, trained: Trained) -> bool:
        self.trained = trained
        if self._spent_before is None:
            self._spent_before = max((entry.get("seconds", 0.0) for entry in trained.history), default=0.0)
            self.solved = self.whole and any(entry.get("solved", False) for entry in trained.history)
        scored = max(_LEAST_SCORED, self.task.solved.window)
        scores = Scores.of(self.task, trained.best, self.sequences.following(trained.epoch, scored))
        met = not self.solved and self.task.solved.met(scores.wrong, scores.deviations)
        if met and self.confirmed(trained):
            self.solved = True
            if self.whole:
                trained.history[-1]["solved"] = True
            else:
                self.stop = "solved"
        if not self.stop and self.budget is not None and self.seconds >= self.budget:
            self.stop = "budget"
        trained.history[-1] |= {**scores.means(), "seconds": self.seconds}
        return self.stop != ""

    def confirmed(self, trained: Trained) -> bool:
        """Whether new sequences confirm that the task is solved; keeps their scores."""
        found = Scores.of(self.task, trained.best, self.sequences.tests(trained.epoch))
        self.test = found.means()
        return self.task.solved.confirmed(self.test["wrong_fraction"])

    @property
    def seconds(self) -> float:
        """Since the training began, the time between two processes left out."""
        return (self._spent_before or 0.0) + time.perf_counter() - self.began


def run_network(
    task: LongLag,
    learner: Learner,
    settings: dict[str, Any],
    *,
    seed: int,
    budget: float | None,
    most: int,
    whole: bool,
    progress: Callable[[dict[str, Any]], None] | None,
    checkpoint: Path | None,
) -> dict[str, Any]:
    """Train a network until the task is solved, and score it; see `recurra.experiment.long_lag.run_long_lag`."""
    began = time.perf_counter()
    count = min(settings["sequences_per_epoch"], most)
    how = _training(learner, settings, count, max(1, most // count), seed)
    sequences = Sequences(task, seed, count, settings.get("centred", False))
    until = Until(task, sequences, budget, whole, began)
    model = draw_network(task, learner, settings, sequences, seed)
    failure = None
    try:
        trained = train(
            model,
            MaskedSteps(Loss(task.loss)),
            Fresh(lambda number: sequences.epoch(number).data, sequences.identity),
            how,
            until=until,
            checkpoint=checkpoint,
            progress=progress,
        )
    except DivergenceError as error:
        until.stop, trained = "diverged", until.trained
        failure = {"message": str(error), "cause": error.cause}
    else:
        if not until.stop:  # all epochs are done: what has the last one come to?
            until(trained)
            until.stop = until.stop or "sequences"
        if whole or not until.solved:  # what is told is the end
            confirmed = until.confirmed(trained)
            until.solved = until.solved or (confirmed and task.solved.on_tests)
    return _results(task, until, trained, model, how, count, failure)


def _results(
    task: LongLag, until: Until, trained: Any, model: Model, how: Settings, count: int, failure: Any
) -> dict[str, Any]:
    """What a training has come to; of one that diverged, there may be no epoch at all."""
    history = [] if trained is None else trained.history
    batch = min(how.batch_size, count)
    each = count // batch
    passes = round(sum(entry.get("passes", 1.0) for entry in history) * each * batch)
    nothing = {"wrong_fraction": 1.0, "errors": None, "deviation": None}
    return {
        "solved": until.solved,
        "stop": until.stop,
        **(until.test if failure is None else nothing),
        "sequences": len(history) * each * batch,
        "seconds": until.seconds,
        "epochs": len(history),
        "updates": len(history) * each,
        "gradient_passes": passes,
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(model) if eqx.is_inexact_array(leaf)),
        "failure": failure,
        "alarms": [] if trained is None else trained.alarms,
        "history": history,
    }


def draw_network(task: LongLag, learner: Learner, settings: dict[str, Any], sequences: Sequences, seed: int) -> Model:
    """The network before training, in float32: Keras' initialisation, or with `init` that of an echo state network.

    With `memory` the gates keep for up to as many times the length of the task at first, see `remembering`.
    """
    options = {"forget_gate": settings["forget_gate"]} if "forget_gate" in settings else {}
    model = Stack.draw(learner.cell, task.inputs, task.outputs, units=settings["units"], seed=seed, **options)
    if settings.get("init") == "echo-state":
        names = ("radius", "connections", "input_scale", "output_scale")
        given = {name: settings[name] for name in names}
        bias = sequences.answers() if task.loss == "squared" else 0.0
        given |= {"output_bias": bias, "draws": settings["draws"], "seed": seed}
        return best_echo_state(model, sequences.epoch(0).data, **given)
    if settings.get("memory"):
        longest = max(3.0, settings["memory"] * task.steps)
        return replace(model, cells=(remembering(model.cells[0], longest, np.random.default_rng([_GATES, seed])),))
    return model


def remembering(cell: Any, longest: float, rng: np.random.Generator) -> Any:
    r"""An LSTM or GRU whose units keep for times that are uniform on 1 ... `longest` steps at first.

    .. math:: b_f = \ln u, \quad b_i = -b_f, \quad u \sim \mathcal U(1, T - 1)

    A keep gate of sigma(b_f) = u / (1 + u) forgets within about u steps. Without a forget gate it is the write gate
    alone that is nearly closed; of a GRU the update gate z, which does both.

    Reference: C. Tallec, Y. Ollivier, Can recurrent neural networks warp time?, ICLR 2018.
    """
    units, b = cell.W.shape[1], np.array(cell.b)
    keep = np.log(rng.uniform(1, longest - 1, units)).astype(b.dtype)
    if isinstance(cell, GRU):
        b[:units] = keep
    elif isinstance(cell, LSTM):
        b[:units] = -keep
        if cell.forget_gate:
            b[units : 2 * units] = keep
    return replace(cell, b=b)


def _training(learner: Learner, settings: dict[str, Any], count: int, epochs: int, seed: int) -> Settings:
    common: dict[str, Any] = {"optimizer": learner.optimizer, "epochs": epochs, "stretch": 1, "seed": seed}
    if learner.optimizer == "hessian-free":
        given = {name: settings[name] for name in _HESSIAN_FREE}
        given["curvature_batch"] = min(given["curvature_batch"], count)
        return Settings(**common, batch_size=count, hessian_free=HessianFree(**given))
    rate, last = settings["learning_rate"], settings["final_learning_rate"]
    names = ("momentum", "momentum_schedule", "momentum_tail", "warmup_updates", "averaged_updates")
    return Settings(
        **common,
        **{name: settings[name] for name in names if name in settings},
        learning_rate=rate,
        final_learning_rate=rate if last is None else last,
        batch_size=settings["batch_size"],
        clip_norm=settings["clip_norm"],
    )
