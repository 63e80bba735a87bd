"""Losses against plain loops, and their gradients against central differences of these loops."""

from itertools import product

import equinox as eqx
import jax
import numpy as np
import pytest

from recurra.models import Stack
from recurra.training import LastStep, NextSteps

KINDS = ("tanh", "relu", "gru", "lstm")
STEPS = 6


def _next_steps_loss(papers, model, data, index, forced):
    """The definition, window by window."""
    values, drive, starts = data
    unit = 1.0 if model.scale is None else model.scale
    total = 0.0
    for start in starts[index]:
        y, u = values[start : start + STEPS + 1], drive[start : start + STEPS + 1]
        state, output = papers.start(model), None
        for t in range(STEPS):
            seen = y[t] if t < forced else output
            state, output = papers.step(model, state, papers.beside(seen, u[t + 1]))
            total += (((output - y[t + 1]) / unit) ** 2).mean(axis=-1) / STEPS
    return total / len(index)


def _last_step_loss(papers, model, data, index):
    inputs, targets = data
    outputs = [papers.unroll(model, inputs[i])[1][-1] for i in index]
    return sum(((y - targets[i]) ** 2).mean(axis=-1) for i, y in zip(index, outputs, strict=True)) / len(index)


def _central_differences(loss, model):
    """dL/dw of every weight, to fourth order in h: all the shifted models as one batch."""
    weights, place = jax.tree.flatten((model.cells, model.readout))
    flat, h = np.concatenate([array.ravel() for array in weights]), 1e-3
    shifts = h * np.array([-2, -1, 1, 2])[:, None, None] * np.eye(len(flat))
    ends = np.cumsum([array.size for array in weights])
    split = np.split(flat + shifts, ends[:-1], axis=-1)
    batch = [part.reshape(*part.shape[:-1], *array.shape) for part, array in zip(split, weights, strict=True)]
    below2, below, above, above2 = loss(Stack(*jax.tree.unflatten(place, batch), model.scale))
    slopes = (below2 - 8 * below + 8 * above - above2) / (12 * h)
    return [s.reshape(a.shape) for s, a in zip(np.split(slopes, ends[:-1]), weights, strict=True)]


def _compare(objective, loss, model, data, index):
    with jax.enable_x64(True):
        value, gradient = eqx.filter_jit(eqx.filter_value_and_grad(objective.loss))(model, data, index)
        gradient = [np.asarray(leaf) for leaf in jax.tree.leaves((gradient.cells, gradient.readout))]
    assert float(value) == pytest.approx(loss(model), rel=1e-13)
    for exact, slope in zip(gradient, _central_differences(loss, model), strict=True):
        assert np.linalg.norm(exact - slope) < 1e-8 * np.linalg.norm(slope)
        assert (slope != 0).any()


@pytest.mark.parametrize(("kind", "layers"), list(product(KINDS, [1, 2])))
@pytest.mark.parametrize("forced", [STEPS, 2], ids=["teacher-forced", "partly free running"])
def test_next_steps_and_its_gradient(kind, layers, forced, draw, papers):
    model = draw(kind, 3, 2, units=2, layers=layers, seed=5)
    rng = np.random.default_rng(2)
    data = rng.normal(size=(16, 2)), rng.normal(size=(16, 1)), np.array([0, 3, 9], np.int32)
    index = np.array([2, 0])
    _compare(
        NextSteps(STEPS, forced),
        lambda m: _next_steps_loss(papers, m, data, index, forced),
        model,
        data,
        index,
    )


def test_next_steps_of_increments_is_measured_in_their_size(draw, papers):
    model = draw("gru", 2, 2, units=2, scale=np.array([0.1, 3.0]), seed=5)
    rng = np.random.default_rng(2)
    data = rng.normal(size=(12, 2)), np.zeros((12, 0)), np.array([0, 3, 5], np.int32)
    index = np.array([0, 1, 2])
    _compare(
        NextSteps(STEPS, 3),
        lambda m: _next_steps_loss(papers, m, data, index, 3),
        model,
        data,
        index,
    )


@pytest.mark.parametrize(("kind", "layers"), list(product(KINDS, [1, 2])))
def test_last_step_and_its_gradient(kind, layers, draw, papers):
    model = draw(kind, 2, 1, units=2, layers=layers, hidden=(3,) if kind == "lstm" else (), seed=5)
    rng = np.random.default_rng(2)
    data = rng.normal(size=(4, STEPS, 2)), rng.normal(size=(4, 1))
    index = np.array([3, 1, 0])
    _compare(LastStep(), lambda m: _last_step_loss(papers, m, data, index), model, data, index)


def test_an_objective_knows_its_windows():
    rows = np.zeros((30, 2)), np.zeros((30, 0)), np.arange(7)
    assert (NextSteps(5, 2).count(rows), NextSteps(5, 2).length(rows)) == (7, 5)
    pairs = np.zeros((9, 4, 1)), np.zeros((9, 1))
    assert (LastStep().count(pairs), LastStep().length(pairs)) == (9, 4)


def test_a_free_running_step_does_not_see_the_truth(draw):
    model = draw("gru", 2, 1, units=2)
    rng = np.random.default_rng(2)
    values, drive, starts = rng.normal(size=(7, 1)), rng.normal(size=(7, 1)), np.array([0])
    hidden = values.copy()
    hidden[3:6] += 5.0  # rows 3, 4, 5 are only targets when 3 steps are forced; row 6 always is
    with jax.enable_x64(True):
        forecast = eqx.filter_jit(lambda m, v: NextSteps(STEPS, 3)._forecast(m, v[None], drive[None])[0][0])
        np.testing.assert_array_equal(forecast(model, values), forecast(model, hidden))
        forced = eqx.filter_jit(lambda m, v: NextSteps(STEPS, STEPS)._forecast(m, v[None], drive[None])[0][0])
        assert np.abs(np.asarray(forced(model, values) - forced(model, hidden))[3:]).max() > 1e-3
    assert starts.size == 1
