"""Echo state networks on tasks with long lags: leaky units as slow integrators, and a readout fitted in one pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra.native import echo
from recurra.reservoirs import Reservoir, TriangularFactor, draw_reservoir
from recurra.reservoirs.features import expand, feature_count
from recurra.reservoirs.running import native
from recurra.tasks.long_lag import Batch, LongLag
from recurra.threads import one_blas_thread

RIDGES = (*(10.0**k for k in range(-24, 0, 2)), 0.1)
PIECE = 1000  # sequences whose states are held at a time
_TRAIN, _TEST = 1, 2  # first words of the seeds


@dataclass(frozen=True, eq=False)
class LeakyEchoState:
    r"""Reservoirs of different leaking rates side by side, and one linear readout of all their states.

    .. math:: h^{(k)}_t = (1 - a_k) h^{(k)}_{t-1} + a_k \tanh(W_k h^{(k)}_{t-1} + U_k x_t + b_k), \quad
        y_t = c + \sum_k V_k \phi(h^{(k)}_t)

    A unit whose rate is far below 1 / T sums what it sees, h_T = a \sum_t \tanh(U x_t + b), and hardly forgets. So a
    sum of any function f(x_t) that the tanh of the inputs span is linear in the states: with inputs (value, mark) that
    of value times mark is, and what the readout needs is exact to rounding for every T. Rates near 1 / T weigh recent
    inputs more, and tell the order of two.

    Args:
        reservoirs: one a rate.
        readout_features: phi, a key of `recurra.reservoirs.READOUT_FEATURES`.
        coefficients: [c, V] (outputs, 1 + features).
        ridge: that they were fitted with.

    Reference: H. Jaeger, Long short-term memory in echo state networks: details of a simulation study, Jacobs
    University technical report 27 (2012).
    """

    reservoirs: tuple[Reservoir, ...]
    readout_features: str
    coefficients: np.ndarray
    ridge: float

    def outputs(self, batch: Batch) -> np.ndarray:
        """The outputs (sequences, steps, outputs) at the judged steps, zeros elsewhere."""
        return self.read(features_at(self.reservoirs, batch, self.readout_features), batch)

    def read(self, features: np.ndarray, batch: Batch) -> np.ndarray:
        """The same, from what the readout sees (answers, features)."""
        found = np.zeros((*batch.judged.shape, len(self.coefficients)))
        found[batch.judged] = self.coefficients[:, 0] + features @ self.coefficients[:, 1:].T
        return found


def draw_leaky(inputs: int, settings: dict[str, Any], length: int, seed: int) -> tuple[Reservoir, ...]:
    """The reservoirs, as many units each as there are rates to share them among.

    Args:
        inputs: columns.
        settings: units, leaks (in units of 1 / T; a rate is 1 at most), spectral_radius, in_degree, input_scaling,
            bias_scaling.
        length: T.
        seed: of the weights.
    """
    leaks = settings["leaks"]
    shares = [len(part) for part in np.array_split(np.arange(settings["units"]), len(leaks))]
    seeds = np.random.SeedSequence(seed).generate_state(len(leaks))
    names = ("spectral_radius", "in_degree", "input_scaling", "bias_scaling")
    options = {name: settings[name] for name in names}
    return tuple(
        draw_reservoir(units, inputs, leak=min(1.0, leak / length), seed=int(own), **options)
        for units, leak, own in zip(shares, leaks, seeds, strict=True)
    )


@dataclass(frozen=True, eq=False)
class FittedEcho:
    """A network, and how it did on the sequences that its ridge was chosen on.

    Args:
        network: with the readout.
        sequences: seen in all, those that the ridge was chosen on included.
        wrong, deviations: of those, as of `LongLag`.
    """

    network: LeakyEchoState
    sequences: int
    wrong: np.ndarray
    deviations: np.ndarray


def fit_leaky(
    reservoirs: Sequence[Reservoir],
    task: LongLag,
    seed: int,
    sequences: int,
    readout_features: str,
    enough: Callable[[int], bool],
) -> FittedEcho:
    """Fit the readout on sequences that are seen once, and choose the ridge on a part of them that is held out.

    Args:
        reservoirs: the fixed part.
        task: what to draw, and what is wrong.
        seed: of the sequences.
        sequences: in all: the first ones, at least as many as the rule of the task looks at, are held out.
        readout_features: as of `LeakyEchoState`.
        enough: called after every piece with the sequences seen so far; true ends the pass.
    """
    first = min(max(PIECE, task.solved.window), sequences // 2)
    held, seen = task.draw(first, seed=[_TRAIN, seed, 0]), first
    width = sum(feature_count(each.units, readout_features) for each in reservoirs)
    total = TriangularFactor.empty(width, task.outputs)
    with one_blas_thread():
        while seen < sequences:
            batch = task.draw(min(PIECE, sequences - seen), seed=[_TRAIN, seed, seen])
            wanted = batch.targets[batch.judged].astype(np.float64)
            total = total.add(features_at(reservoirs, batch, readout_features), wanted)
            seen += len(batch.judged)
            if enough(seen):
                break
        path, candidates = total.path(), []
        shown = features_at(reservoirs, held, readout_features)
        for ridge in RIDGES:
            network = LeakyEchoState(tuple(reservoirs), readout_features, path.solve(ridge), ridge)
            outputs = network.read(shown, held)
            candidates.append(FittedEcho(network, seen, task.wrong(outputs, held), task.deviations(outputs, held)))
    return min(candidates, key=lambda each: (each.wrong.sum(), each.deviations.mean()))


def score(network: LeakyEchoState, task: LongLag, seed: int) -> dict[str, float]:
    """Share of wrong sequences, wrong answers a sequence and mean absolute error, on new sequences."""
    found, tests = [], task.solved.tests
    for k, first in enumerate(range(0, tests, PIECE)):
        batch = task.draw(min(PIECE, tests - first), seed=[_TEST, seed, k])
        outputs = network.outputs(batch)
        found.append([of(outputs, batch) for of in (task.wrong, task.errors, task.deviations)])
    means = (float(np.concatenate(part).mean()) for part in zip(*found, strict=True))
    return dict(zip(("wrong_fraction", "errors", "deviation"), means, strict=True))


def features_at(reservoirs: Sequence[Reservoir], batch: Batch, readout_features: str) -> np.ndarray:
    """What the readout sees at the judged steps (answers, features), in the order of `np.nonzero(batch.judged)`."""
    return np.concatenate([expand(states_at(each, batch), readout_features) for each in reservoirs], axis=1)


def states_at(reservoir: Reservoir, batch: Batch) -> np.ndarray:
    """The states of one reservoir at the judged steps (answers, units)."""
    judged = batch.judged
    row = np.full(judged.shape, -1)
    row[judged] = np.arange(judged.sum())
    last = judged.shape[1] - 1 - judged[:, ::-1].argmax(axis=1)
    order = np.argsort(-last, kind="stable")  # those that go on longest come first
    state, found, start = np.zeros((len(judged), reservoir.units)), np.empty((judged.sum(), reservoir.units)), 0
    for stop in np.flatnonzero(judged.any(axis=0)):
        going = order[: np.searchsorted(-last[order], -stop, side="right")]
        state = _advance(reservoir, state[: len(going)], batch.inputs[going, start : stop + 1])
        here = judged[going, stop]
        found[row[going[here], stop]] = state[here]
        start = stop + 1
    return found


def _advance(reservoir: Reservoir, state: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """The states (sequences, units) after some steps."""
    kernel = native(reservoir)
    if kernel is not None:
        return echo.run(kernel, None, state, state[:, :0], inputs).h
    for t in range(inputs.shape[1]):
        state = reservoir.step(state, inputs[:, t])
    return state
