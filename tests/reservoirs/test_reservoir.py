"""The reservoir's states against an independent loop over units."""

import numpy as np
import pytest

from recurra.reservoirs import draw_reservoir


def draw(leak, units=40, **changes):
    options = {"spectral_radius": 0.9, "in_degree": 5, "input_scaling": 0.4, "bias_scaling": 0.3, "seed": 3}
    return draw_reservoir(units, 2, leak=leak, **{**options, **changes})


def loop(reservoir, state, inputs):
    """h_i <- (1 - a) h_i + a tanh(sum_j W_ij h_j + sum_k W_in_ik x_k + b_i), unit by unit, with dense weights."""
    W, states = reservoir.W.toarray(), []
    for x in inputs:
        new = np.empty_like(state)
        for i in range(len(state)):
            new[i] = np.tanh(sum(W[i] * state) + sum(reservoir.W_in[i] * x) + reservoir.b[i])
        state = (1 - reservoir.leak) * state + reservoir.leak * new
        states.append(state)
    return np.array(states)


@pytest.mark.parametrize("leak", [1.0, 0.35])
def test_harvest_is_the_loop(leak):
    rng = np.random.default_rng(0)
    reservoir, inputs, start = draw(leak), rng.standard_normal((60, 2)), rng.uniform(-1, 1, 40)
    expected = loop(reservoir, start, inputs)
    np.testing.assert_allclose(reservoir.harvest(start, inputs), expected, atol=1e-13)


@pytest.mark.parametrize("leak", [1.0, 0.35])
def test_batch_step_is_a_step_of_each(leak):
    rng = np.random.default_rng(1)
    reservoir, states, inputs = draw(leak), rng.uniform(-1, 1, (6, 40)), rng.standard_normal((6, 2))
    together = reservoir.step(states, inputs)
    for one in range(6):
        alone = loop(reservoir, states[one], inputs[one : one + 1])[0]
        np.testing.assert_allclose(together[one], alone, atol=1e-13)


@pytest.mark.parametrize("leak", [1.0, 0.5])
def test_two_initial_states_forget_each_other(leak):
    rng = np.random.default_rng(4)
    reservoir, inputs = draw(leak), rng.standard_normal((400, 2))
    one, other = (reservoir.harvest(rng.uniform(-1, 1, 40), inputs) for _ in range(2))
    apart = np.linalg.norm(one - other, axis=1)
    assert apart[0] > 0.1
    assert apart[-1] < 1e-8


def test_nothing_that_is_given_is_changed():
    rng = np.random.default_rng(5)
    reservoir, inputs, start = draw(1.0), rng.standard_normal((10, 2)), rng.uniform(-1, 1, 40)
    kept = inputs.copy(), start.copy()
    reservoir.harvest(start, inputs)
    reservoir.step(start[None], inputs[:1])
    np.testing.assert_array_equal(inputs, kept[0])
    np.testing.assert_array_equal(start, kept[1])
