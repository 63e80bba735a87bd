"""A readout refined for the free run: least squares on what the network forecasts several steps ahead, alone.

Ridge regression makes the error of one step small. What a free run is off after h steps is, to first order, a sum of
the errors of its steps, each multiplied by how much the last output feels it, and that sum depends on their signs and
correlations, which one step does not see. Gauss-Newton steps on it start from the ridge regression and are held by it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg

from recurra._types import LOST
from recurra.reservoirs.features import expand, pulled_back
from recurra.reservoirs.harvest import BLOCK, go_on
from recurra.reservoirs.network import EchoState
from recurra.reservoirs.readout import TriangularFactor

STARTS = 600  # of free runs
_TAPE = 2**23  # bytes of the states and inputs that are kept of one batch of runs
_COPY = 0.03  # of the largest root mean square error of one step: a channel with less has no part in that of a run
_LEAST = 1e-28  # the ridge below which directions of the features are rounding
_GONE = 1.0  # standard deviations: a run that is off by more has left the truth, and its slope tells nothing
_HALVINGS = 4


@dataclass(frozen=True, eq=False)
class FreeRuns:
    """Starts of free runs within training rows.

    Args:
        state: before the step from the last known row (runs, width), as of `EchoState`.
        last: the last known row (runs, channels).
        drive: of every step (runs, steps, drive).
        truth: the row after the last step (runs, channels).
    """

    state: np.ndarray
    last: np.ndarray
    drive: np.ndarray
    truth: np.ndarray

    def __len__(self) -> int:
        return len(self.last)

    @staticmethod
    def of(
        network: EchoState, parts: list[tuple[np.ndarray, np.ndarray]], *, steps: int, washout: int, most: int = STARTS
    ) -> "FreeRuns":
        """Starts evenly over several series, at the first row after the washout and later ones.

        Args:
            network: its readout is not used.
            parts: inputs and targets of every series, as of `Harvest.add`.
            steps: of each run.
            washout: rows before the first start of every series.
            most: runs; there are fewer where what comes at their end is missing.
        """
        first = max(washout, network.lags, 1)
        room = sum(max(0, len(inputs) - steps + 1 - first) for inputs, _ in parts)
        every = max(1, -(-room // most))
        found = [_cut(network, *part, range(first, len(part[0]) - steps + 1, every), steps) for part in parts]
        names = ("state", "last", "drive", "truth")
        return FreeRuns(*(np.concatenate([getattr(runs, name) for runs in found]) for name in names))

    def take(self, which: slice) -> "FreeRuns":
        """Some of the runs."""
        return FreeRuns(self.state[which], self.last[which], self.drive[which], self.truth[which])


def _cut(network: EchoState, inputs: np.ndarray, targets: np.ndarray, starts: range, steps: int) -> FreeRuns:
    """Runs from some rows of one series, where what comes at their end is known."""
    rows, channels = np.array(starts, int), targets.shape[1]
    rows = rows[~np.isnan(targets[rows + steps - 1]).any(axis=1)]
    recent = [inputs[rows - k] for k in range(1, network.lags)]
    state = np.concatenate([_states(network, inputs, rows - 1), *recent], axis=1)
    drive = inputs[rows[:, None] + np.arange(steps), channels:]
    return FreeRuns(state, inputs[rows, :channels], drive, targets[rows + steps - 1])


def _states(network: EchoState, inputs: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The states (rows, units) after some rows, in order, of a series that is run through from zero."""
    state = np.zeros(network.reservoir.units)
    found = [np.zeros((0, len(state)), network.reservoir.dtype)]
    for first in range(0, len(inputs), BLOCK):
        block = network.reservoir.harvest(state, inputs[first : first + BLOCK])
        found.append(block[rows[(rows >= first) & (rows < first + BLOCK)] - first])
        state = block[-1]
    return np.concatenate(found)


def sensitivities(network: EchoState, runs: FreeRuns, learnt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""What the last output of every run is off, and its derivative by the readout: one pass back through its steps.

    .. math:: \frac{\partial y_h}{\partial [c, V]} = \sum_{k=1}^{h} a_k \, [1, \phi_k]^T, \qquad
        a_k = \frac{\partial y_h}{\partial y_k} \text{ in closed loop, from } k \text{ on}

    Args:
        network: with one readout, not a stack.
        runs: where it starts.
        learnt: numbers of the channels whose error and whose coefficients are looked at.

    Returns:
        Errors (runs, learnt) and their derivatives (runs, learnt, learnt, 1 + features): the second axis is that of
        the errors, the third that of the rows of the readout.
    """
    steps, wide = runs.drive.shape[1], network.reservoir.units + network.reservoir.features
    chunk = max(1, _TAPE // (8 * wide * steps))
    found = [_sensitivities(network, runs.take(slice(k, k + chunk)), learnt) for k in range(0, len(runs), chunk)]
    errors, slopes = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return errors, slopes


def _sensitivities(network: EchoState, runs: FreeRuns, learnt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    tape = _Tape.of(network, runs)
    reservoir, V, leak = network.reservoir, network.coefficients[:, 1:], network.reservoir.leak
    features, channels, (steps, count) = reservoir.features, network.channels, (len(tape.h) - 1, len(runs))
    taps, outputs = network.lags * features, len(learnt)
    y = np.zeros((steps, channels, outputs * count))  # derivative of the last output by that of every step
    y[-1, learnt] = np.repeat(np.eye(outputs), count, axis=1)
    h = np.zeros((reservoir.units, outputs * count))
    slopes = np.zeros((outputs, outputs, V.shape[1] + 1, count))
    back, W_fb = reservoir.W.T, reservoir.W_in[:, :channels].T
    for k in reversed(range(steps)):
        a, states = y[k], tape.h[k + 1]
        slopes += a[learnt].reshape(outputs, outputs, 1, count).swapaxes(0, 1) * tape.seen(k)
        g = V.T @ a
        for lag in range(min(network.lags, k)):
            y[k - 1 - lag] += g[lag * features : lag * features + channels]
        here = np.tile(states, outputs)
        h += pulled_back(here.T, g[taps:].T, network.readout_features).T
        fresh = (here - (1 - leak) * np.tile(tape.h[k], outputs)) / leak  # the tanh
        inner = leak * (1 - fresh**2) * h
        if k > 0:
            y[k - 1] += W_fb @ inner + (a if network.increment else 0.0)
        h = (1 - leak) * h + back @ inner
    return (tape.last - runs.truth.T)[learnt].T, np.ascontiguousarray(np.moveaxis(slopes, 3, 0))


@dataclass(frozen=True, eq=False)
class _Tape:
    """What a batch of runs went through, a column for each: inputs, the states around every step, the last outputs.

    Args:
        network: what ran.
        x: inputs (before + steps, features, runs), those before the start first.
        h: states (steps + 1, units, runs).
        last: outputs (channels, runs).
    """

    network: EchoState
    x: np.ndarray
    h: np.ndarray
    last: np.ndarray

    @staticmethod
    def of(network: EchoState, runs: FreeRuns) -> "_Tape":
        reservoir, before = network.reservoir, max(0, network.lags - 1)
        units, features, steps = reservoir.units, reservoir.features, runs.drive.shape[1]
        x, h = np.empty((before + steps, features, len(runs))), np.empty((steps + 1, units, len(runs)))
        x[:before] = runs.state[:, units:].reshape(len(runs), before, features).transpose(1, 2, 0)[::-1]
        h[0], y = runs.state[:, :units].T, runs.last.T
        tape = _Tape(network, x, h, y)
        for k in range(steps):
            x[before + k] = np.concatenate([y, runs.drive[:, k].T])
            fresh = np.tanh(reservoir.W @ h[k] + reservoir.W_in @ x[before + k] + reservoir.b[:, None])
            h[k + 1] = (1 - reservoir.leak) * h[k] + reservoir.leak * fresh
            found = network.coefficients @ tape.seen(k)
            y = np.clip(y + found if network.increment else found, -LOST, LOST)
        return replace(tape, last=y)

    def seen(self, k: int) -> np.ndarray:
        """[1, what the readout sees] in step k: (1 + features, runs)."""
        before = max(0, self.network.lags - 1)
        taps = [self.x[before + k - lag] for lag in range(self.network.lags)]
        states = expand(self.h[k + 1].T, self.network.readout_features).T
        return np.concatenate([np.ones((1, states.shape[1])), *taps, states])


@dataclass(frozen=True, eq=False)
class Refinement:
    r"""Gauss-Newton steps from the ridge regression to a readout whose free runs end closer to the truth.

    .. math::
        V_* = \arg\min_V \sum_t \|y_{t+1} - c - V \phi_t\|^2 + \lambda s_1^2 \|V\|^2
            + \gamma \sum_s \min(\|\hat y_{s+h}(V) - y_{s+h}\|^2, 1)

    The first two terms are the ridge regression of the training rows, (V - V_0) A (V - V_0)^T up to a constant, with
    A = L^T L; hat y_{s+h} ends a free run of h steps from row s. In the coordinates u = L (V - V_0)^T a step solves
    (1 + gamma J^T J) u' = gamma J^T (J u - e), with e the ends' errors and J their derivatives: a small and
    well-conditioned system, however small the singular values of the features are. A step that does not make the sum
    smaller is halved, and after some halvings the search ends.

    Args:
        network: with the readout of the ridge regression, [c, V_0].
        L: upper triangular factor of A (1 + features, 1 + features).
        runs: the free runs.
        weight: gamma, the rows in the sums over the runs: they count as if there were one from every row.
        learnt: the channels that are refined. One whose error of one step is small beside the others', a
            delayed copy of another channel, say, is left as it is.
        pause: called before every step; may raise, to stop.

    Reference: L. Ljung, System Identification: Theory for the User, 2nd edition, Prentice Hall 1999, sections 4.2
    (output-error models) and 10.2 (Gauss-Newton steps).
    """

    network: EchoState
    L: np.ndarray
    runs: FreeRuns
    weight: float
    learnt: np.ndarray
    pause: Callable[[], None] = go_on

    @staticmethod
    def of(
        network: EchoState, total: TriangularFactor, ridge: float, runs: FreeRuns, pause: Callable[[], None] = go_on
    ) -> "Refinement":
        """From the sums over the training rows and the ridge that gave the network its readout."""
        left = np.sqrt(total.squares_left(network.coefficients) / total.rows)
        weight = total.rows / max(1, len(runs))
        learnt = np.flatnonzero(left > _COPY * left.max())
        return Refinement(network, total.damped(max(ridge, _LEAST)), runs, weight, learnt, pause)

    def readouts(self, passes: int) -> np.ndarray:
        """The readout before the first step and after each: (1 + steps, channels, 1 + features), fewer if it ends."""
        found, u = [self.network.coefficients], np.zeros(len(self.learnt) * len(self.L))
        if len(self.learnt) and len(self.runs):
            value = self._value(u, found[0])
            for _ in range(passes):
                self.pause()
                step = self._step(u, found[-1])
                for halving in range(_HALVINGS):
                    tried = u + 0.5**halving * step
                    readout = self._readout(tried)
                    lower = self._value(tried, readout)
                    if lower < value:
                        break
                else:
                    break
                u, value = tried, lower
                found.append(readout)
        return np.stack(found)

    def _readout(self, u: np.ndarray) -> np.ndarray:
        change = scipy.linalg.solve_triangular(self.L, u.reshape(len(self.learnt), -1).T, check_finite=False).T
        readout = self.network.coefficients.copy()
        readout[self.learnt] += change
        return readout

    def _value(self, u: np.ndarray, readout: np.ndarray) -> float:
        """What is to be as small as possible."""
        ends = replace(self.network, coefficients=readout).free_run(self.runs.state, self.runs.last, self.runs.drive)[1]
        squares = np.sum((ends[:, -1] - self.runs.truth)[:, self.learnt] ** 2, axis=1)
        return float(u @ u + self.weight * np.sum(np.minimum(squares, _GONE**2)))

    def _step(self, u: np.ndarray, readout: np.ndarray) -> np.ndarray:
        """From u to the solution of the linearised problem."""
        e, J = sensitivities(replace(self.network, coefficients=readout), self.runs, self.learnt)
        near = np.sum(e**2, axis=1) < _GONE**2
        e = np.sqrt(self.weight) * e[near].ravel()
        J = J[near].reshape(-1, len(self.L)).T
        J = scipy.linalg.solve_triangular(self.L, J, trans=1, overwrite_b=True, check_finite=False).T
        J = np.sqrt(self.weight) * J.reshape(len(e), -1)
        wanted = J @ u - e
        if J.shape[0] < J.shape[1]:
            return J.T @ scipy.linalg.solve(np.eye(len(J)) + J @ J.T, wanted, assume_a="pos") - u
        return scipy.linalg.solve(np.eye(len(u)) + J.T @ J, J.T @ wanted, assume_a="pos") - u
