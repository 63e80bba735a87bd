"""Targets that were not measured: the loss and gradient of the others alone, in every objective."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recurra.data.gaps import hold
from recurra.models import Stack, to_tensors
from recurra.training import LastStep, Loss, NextSteps, Settings, train

RNG = np.random.default_rng(8)
STEPS = 6
INDEX = np.array([2, 0, 3])


def _gappy(rows=16):
    values = RNG.normal(size=(rows, 2))
    values[RNG.random((rows, 2)) < 0.3] = np.nan
    values[0] = 0.5
    return values


def _slope(loss, model, *rest):
    """Loss and gradient in float64, as arrays."""
    with jax.enable_x64(True):
        value, gradient = eqx.filter_jit(eqx.filter_value_and_grad(loss))(model, *rest)
        return float(value), to_tensors(gradient)


def _same(found, expected):
    assert found[0] == pytest.approx(expected[0], rel=1e-14)
    for name, exact in expected[1].items():
        np.testing.assert_allclose(found[1][name], exact, rtol=1e-13, atol=1e-14)
        assert (exact != 0).any()


@pytest.mark.parametrize("forced", [STEPS, 2], ids=["teacher-forced", "partly free running"])
def test_next_steps_is_the_mean_over_what_was_measured(forced):
    model = Stack.draw("gru", 3, 2, units=2, precision="float64", seed=5)
    gappy, drive, starts = _gappy(), RNG.normal(size=(16, 1)), np.array([0, 3, 9, 4], np.int32)
    held, observed = hold(gappy), ~np.isnan(gappy)
    objective = NextSteps(STEPS, forced)

    def dropped(model):
        """Window by window, with those terms left out of the sum."""
        terms = []
        for start in starts[INDEX]:
            y, seen = held[start : start + STEPS + 1], observed[start + 1 : start + STEPS + 1]
            errors = objective._forecast(model, y[None], drive[None, start : start + STEPS + 1])[0][0] - y[1:]
            terms.append(errors[np.nonzero(seen)] ** 2)
        return jnp.mean(jnp.concatenate(terms))

    found = _slope(objective.loss, model, (held, drive, starts, observed), jnp.asarray(INDEX))
    _same(found, _slope(dropped, model))


@pytest.mark.parametrize("instead", [1e6, np.nan])
def test_what_stands_for_an_unobserved_target_does_not_matter(instead):
    """Rows 3 to 5 are targets alone where two steps are forced and one window begins at row 0; row 6 always is."""
    model = Stack.draw("gru", 2, 2, units=2, precision="float64", seed=5)
    values, observed = RNG.normal(size=(7, 2)), np.ones((7, 2), bool)
    observed[[3, 6], [1, 0]] = False
    wrong = np.where(observed, values, instead)
    slopes = [
        _slope(
            NextSteps(STEPS, 2).loss, model, (v, np.zeros((7, 0)), np.zeros(1, np.int32), observed), jnp.zeros(1, int)
        )
        for v in (values, wrong)
    ]
    assert slopes[0][0] == slopes[1][0]
    for name, exact in slopes[0][1].items():
        np.testing.assert_array_equal(slopes[1][1][name], exact)


@pytest.mark.parametrize("instead", [1e6, np.nan])
def test_last_step_is_the_mean_over_what_was_measured(instead):
    model = Stack.draw("lstm", 2, 2, units=2, precision="float64", seed=5)
    inputs, targets = RNG.normal(size=(4, STEPS, 2)), RNG.normal(size=(4, 2))
    observed = np.ones((4, 2), bool)
    observed[[0, 3], [1, 0]] = False

    def dropped(model):
        outputs = jax.vmap(model)(inputs[INDEX])[:, -1]
        return jnp.mean((outputs - targets[INDEX])[np.nonzero(observed[INDEX])] ** 2)

    wrong = np.where(observed, targets, instead)
    _same(_slope(LastStep().loss, model, (inputs, wrong, observed), jnp.asarray(INDEX)), _slope(dropped, model))


def test_a_mask_without_gaps_changes_no_value():
    model = Stack.draw("gru", 1, 1, units=2, precision="float64", seed=5)
    data = RNG.normal(size=(12, 1)), np.zeros((12, 0)), np.array([0, 3, 5], np.int32)
    for error in (Loss(), Loss("huber")):
        objective, index = NextSteps(5, 5, error), jnp.arange(3)
        plain = _slope(objective.loss, model, data, index)
        masked = _slope(objective.loss, model, (*data, np.ones((12, 1), bool)), index)
        assert masked[0] == pytest.approx(plain[0], rel=1e-15)


def test_a_training_round_gaps_comes_nearer_to_the_truth_than_one_that_takes_held_values_for_measured_ones():
    wave = np.sin(0.3 * np.arange(200))[:, None]
    gappy = np.where(np.random.default_rng(0).random((200, 1)) < 0.3, np.nan, wave)
    gappy[0] = 0.0
    held, starts = hold(gappy).astype(np.float32), np.arange(180, dtype=np.int32)
    data, settings = (held, np.zeros((200, 0), np.float32), starts), Settings(epochs=30, stretch=30, learning_rate=0.02)
    model = Stack.draw("gru", 1, 1, units=8, seed=2)
    errors = []
    for given in ((*data, ~np.isnan(gappy)), data):
        best = train(model, NextSteps(15, 15), given, settings).best
        errors.append(np.mean((np.asarray(best(held[:-1])) - wave[1:]) ** 2))
    assert errors[0] < 0.8 * errors[1]
