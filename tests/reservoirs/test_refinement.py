"""Readouts refined for the free run, against finite differences, a plain loop and a dense Gauss-Newton step."""

from dataclasses import replace

import numpy as np
import pytest

from recurra.reservoirs import EchoState, FreeRuns, Refinement, TriangularFactor, draw_reservoir
from recurra.reservoirs.harvest import Harvest
from recurra.reservoirs.refinement import sensitivities

CHANNELS, DRIVE = 2, 1


def drawn(units, features, seed=1):
    options = {"spectral_radius": 0.8, "in_degree": 6, "input_scaling": 0.5, "bias_scaling": 0.5, "leak": 0.7}
    return draw_reservoir(units, features, seed=seed, **options)


@pytest.mark.parametrize(("readout_features", "each"), [("states", 1), ("squared-half", 1), ("squares", 2)])
@pytest.mark.parametrize("lags", [0, 1, 3])
@pytest.mark.parametrize("increment", [False, True])
def test_sensitivities_are_differences_of_free_runs(readout_features, each, lags, increment):
    """The backward pass against central differences of `free_run` in every coefficient."""
    rng = np.random.default_rng(0)
    V = 0.2 * rng.standard_normal((CHANNELS, 1 + lags * (CHANNELS + DRIVE) + each * 12))
    network = EchoState(drawn(12, CHANNELS + DRIVE), V, lags, increment, readout_features)
    inputs, targets = rng.standard_normal((40, CHANNELS + DRIVE)), rng.standard_normal((40, CHANNELS))
    runs = FreeRuns.of(network, [(inputs, targets)], steps=5, washout=10, most=4)
    errors, slopes = sensitivities(network, runs, np.arange(CHANNELS))

    def ends(readout):
        return replace(network, coefficients=readout).free_run(runs.state, runs.last, runs.drive)[1][:, -1]

    np.testing.assert_allclose(errors, ends(V) - runs.truth, atol=1e-13)
    step = 1e-6
    for c, f in np.ndindex(V.shape):
        moved = np.zeros_like(V)
        moved[c, f] = step
        difference = (ends(V + moved) - ends(V - moved)) / (2 * step)
        np.testing.assert_allclose(slopes[:, :, c, f], difference, atol=1e-8 * np.abs(slopes).max())


def test_runs_start_where_the_series_leads():
    """State, last row, drive and truth of every run; what is missing at the end of a run leaves it out."""
    rng = np.random.default_rng(1)
    network = EchoState(drawn(10, 3), np.zeros((2, 1 + 6 + 10)), 2)
    parts = [(rng.standard_normal((n, 3)), rng.standard_normal((n, 2))) for n in (30, 3, 25)]
    parts[0][1][20, 1] = np.nan
    runs = FreeRuns.of(network, parts, steps=4, washout=12)
    starts = [(0, s) for s in range(12, 27) if s + 3 != 20] + [(2, s) for s in range(12, 22)]
    assert len(runs) == len(starts)
    for k, (series, s) in enumerate(starts):
        inputs, targets = parts[series]
        state, _ = network.run(network.initial_state(1), inputs[None, :s])
        np.testing.assert_allclose(runs.state[k], state[0], atol=1e-14)
        np.testing.assert_array_equal(runs.last[k], inputs[s, :2])
        np.testing.assert_array_equal(runs.drive[k], inputs[s : s + 4, 2:])
        np.testing.assert_array_equal(runs.truth[k], targets[s + 3])


@pytest.fixture
def problem():
    """A small network of two channels that cannot learn its data exactly, with its sums and free runs."""
    t = np.arange(200)[:, None]
    rows = 0.4 * np.sin(t * [0.3, 0.41]) * np.cos(t * [0.11, 0.05])
    inputs, targets = rows[:-1], rows[1:]
    harvest = Harvest(drawn(8, 2), lags=1, increment=False, washout=20)
    total, _ = harvest.add(TriangularFactor.empty(10, 2), inputs, targets, range(199), None)
    network = EchoState(harvest.reservoir, total.solve(1e-6))
    seen = np.concatenate([block[0] for block in harvest.blocks(inputs, targets, range(199), np.zeros(8))])
    features = np.concatenate([np.ones((len(seen), 1)), seen], axis=1)
    return network, total, FreeRuns.of(network, [(inputs, targets)], steps=4, washout=20), features, targets[20:]


@pytest.mark.parametrize("most", [600, 9])
def test_a_step_is_that_of_stacked_rows(problem, most):
    """One step against least squares over rows of one step, rows of free runs and the penalty, all of them stacked."""
    network, total, runs, features, targets = problem
    runs = runs.take(slice(None, None, 600 // most))
    V = network.coefficients
    errors, slopes = sensitivities(network, runs, np.arange(2))
    size = features.shape[1]
    root = np.sqrt(1e-6) * np.linalg.norm(features[:, 1:] - features[:, 1:].mean(axis=0), 2)
    weight = np.sqrt(len(features) / len(runs))
    penalty = root * np.kron(np.eye(2), np.eye(size)[1:])
    stacked = np.concatenate([np.kron(np.eye(2), features), weight * slopes.reshape(len(runs) * 2, -1), penalty])
    left = np.concatenate([(targets - features @ V.T).T.ravel(), -weight * errors.ravel(), -penalty @ V.ravel()])
    expected = V + np.linalg.lstsq(stacked, left, rcond=None)[0].reshape(V.shape)
    found = Refinement.of(network, total, 1e-6, runs).readouts(1)
    np.testing.assert_array_equal(found[0], V)
    np.testing.assert_allclose(found[1], expected, atol=1e-7 * np.abs(V).max())


def test_free_runs_end_closer(problem):
    """Every step makes the sum smaller, and what it is the sum of."""
    network, total, runs, features, targets = problem
    sums = []
    for readout in Refinement.of(network, total, 1e-6, runs).readouts(4):
        ends = replace(network, coefficients=readout).free_run(runs.state, runs.last, runs.drive)[1][:, -1]
        sums.append((np.sum((ends - runs.truth) ** 2), np.sum((targets - features @ readout.T) ** 2)))
    ended, one_step = np.array(sums).T
    assert ended[-1] < 0.9 * ended[0]
    assert one_step[0] == one_step.min()
    assert np.all(np.diff(ended * len(features) / len(runs) + one_step) < 1e-6 * one_step[0])


def test_a_copy_is_left_as_it_is():
    """A channel that is the last value of another one needs no refinement."""
    t = np.arange(300)
    values = np.sin(0.3 * t) * np.cos(0.11 * t)
    rows = np.column_stack([values[1:], values[:-1]])
    harvest = Harvest(drawn(8, 2), lags=1, increment=False, washout=20)
    total, _ = harvest.add(TriangularFactor.empty(10, 2), rows[:-1], rows[1:], range(298), None)
    network = EchoState(harvest.reservoir, total.solve(1e-12))
    runs = FreeRuns.of(network, [(rows[:-1], rows[1:])], steps=10, washout=20)
    refinement = Refinement.of(network, total, 1e-12, runs)
    assert refinement.learnt.tolist() == [0]
    found = refinement.readouts(2)
    assert len(found) == 3
    np.testing.assert_array_equal(found[-1][1], network.coefficients[1])


def test_the_factor_holds_the_penalty():
    """L^T L = [1, H]^T [1, H] + ridge s_1^2 on the features alone."""
    rng = np.random.default_rng(2)
    H, Y = rng.standard_normal((40, 5)) + 3, rng.standard_normal((40, 1))
    L = TriangularFactor.empty(5, 1).add(H, Y).damped(0.1)
    ones = np.concatenate([np.ones((40, 1)), H], axis=1)
    penalty = 0.1 * np.linalg.norm(H - H.mean(axis=0), 2) ** 2 * np.diag([0.0, 1, 1, 1, 1, 1])
    np.testing.assert_allclose(L.T @ L, ones.T @ ones + penalty, rtol=1e-12)
