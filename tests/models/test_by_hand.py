"""Networks set by hand do what their construction says: oscillate, settle, compute without error, hold, pass on."""

import jax
import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.forecasting.compiled import Compiled
from recurra.metrics import oscillation
from recurra.models import by_hand


def compiled(model, inputs):
    """Outputs (batch, rows, outputs)."""
    network = Compiled(model)
    return network.run(network.initial_state(len(inputs)), np.asarray(inputs, np.float64))[1]


def stepped(model, inputs):
    """Outputs (rows, outputs), step by step."""
    with jax.enable_x64(True):
        state, outputs = model.initial_state(), []
        for x in np.asarray(inputs, np.float64):
            state, y = model.step(state, x)
            outputs.append(y)
        return np.array(outputs)


def pushed(model, push, rows):
    inputs = np.zeros((rows, len(push)))
    inputs[0] = push
    return inputs if model is None else stepped(model, inputs)


@pytest.fixture(scope="module")
def circle():
    """The rotation oscillator from a small push and from a large one, after its transient."""
    inputs = np.stack([pushed(None, push, 8000) for push in ([0.01, 0.0], [-3.0, 3.0])])
    return compiled(by_hand.rotation(), inputs)[:, 1000:]


def test_the_rotation_oscillates_with_the_period_and_amplitude_of_the_loop(circle):
    found = oscillation(circle[0, :, 0])
    assert abs(found.period - 31.566) < 1e-3
    assert abs(found.period / (2 * np.pi / 0.2) - 1) < 0.005  # linear theory: 31.42
    assert abs(np.abs(circle[0, :, 0]).max() - 0.4241) < 1e-4
    assert abs(found.amplitude - 0.4241) < 1e-4


def test_the_limit_cycle_is_the_same_from_every_start(circle):
    for h in circle:
        radius = np.hypot(*h.T)
        assert abs(radius.min() - 0.419) < 5e-4
        assert abs(radius.max() - 0.437) < 5e-4


def test_the_rotation_with_a_gain_below_one_rings_down():
    assert np.abs(pushed(by_hand.rotation(gain=0.9), [0.3, 0.0], 150)[-1]).max() < 1e-6


@pytest.mark.parametrize(
    ("gain", "rest", "slope"), [(0.5, 0.0, 0.5), (1.2, 0.658570, 0.679543), (2.0, 0.957504, 0.166372)]
)
def test_one_unit_settles_to_the_solutions_of_h_equals_tanh_ah(gain, rest, slope):
    model = by_hand.self_exciting(gain)
    for sign in (1, -1):
        h = pushed(model, [0.3 * sign], 100)[-1]
        assert abs(h[0] - sign * rest) < 1e-6
        assert abs(h[0] - np.tanh(gain * h[0])) < 1e-15
        with jax.enable_x64(True):
            found = np.asarray(jax.jit(jax.jacfwd(lambda h: model.step((h,), np.zeros(1))[1]))(h))
        assert abs(found[0, 0] - slope) < 1e-6


def test_a_hopfield_net_recalls_three_patterns_from_ten_percent_flipped_bits():
    rng, units, trials = np.random.default_rng(0), 100, 50
    patterns = rng.choice([-1.0, 1.0], (3, units))
    wanted = np.repeat(patterns, trials, axis=0)
    shown = wanted.copy()
    for row in shown:
        row[rng.choice(units, units // 10, replace=False)] *= -1
    inputs = np.zeros((len(shown), 20, units))
    inputs[:, 0] = shown
    recalled = np.sign(compiled(by_hand.hopfield(patterns), inputs)[:, -1])
    assert (recalled == wanted).all(axis=1).mean() >= 0.95
    with pytest.raises(ConfigError, match="-1 and 1"):
        by_hand.hopfield([[0, 1]])


def test_the_parity_automaton_makes_no_error_in_a_million_random_bits():
    bits = np.random.default_rng(1).integers(0, 2, 1_000_000)
    found = compiled(by_hand.parity(), bits[None, :, None])[0, :, 0]
    assert np.count_nonzero(found != np.cumsum(bits) % 2) == 0


def test_the_serial_adder_adds_64_bit_numbers_exactly():
    rng = np.random.default_rng(2)
    full = 2**64 - 1
    ripples = [(full, 1), (full, full), (full, 0), (2**63, 2**63), (0, 0), (int("01" * 32, 2), int("10" * 32, 2) + 1)]
    pairs = ripples + [tuple(map(int, rng.integers(0, full, 2, np.uint64, endpoint=True))) for _ in range(1000)]
    inputs = np.array([[[n >> k & 1 for n in pair] for k in range(65)] for pair in pairs])
    bits = compiled(by_hand.adder(), inputs)[:, :, 0]
    assert set(np.unique(bits)) == {0.0, 1.0}
    assert [sum(int(bit) << k for k, bit in enumerate(row)) for row in bits] == [a + b for a, b in pairs]


def test_the_flip_flop_follows_its_pulses():
    rng, rows = np.random.default_rng(3), 400
    pulses = rng.choice([-1, 0, 1], (rows, 3), p=[0.05, 0.9, 0.05])
    pulses[0] = 1
    last = np.maximum.accumulate(np.where(pulses != 0, np.arange(rows)[:, None], 0))
    wanted = np.take_along_axis(pulses, last, axis=0)
    found = stepped(by_hand.flip_flop(), pulses)
    assert np.abs(found - wanted).max() < 0.05
    assert len(np.unique(np.sign(found), axis=0)) == 8


def test_the_flip_flop_holds_each_of_its_eight_states():
    model = by_hand.flip_flop()
    states = np.array(np.meshgrid(*[[-1.0, 1.0]] * 3)).reshape(3, 8).T
    inputs = np.zeros((8, 1000, 3))
    inputs[:, 0] = states
    found = compiled(model, inputs)
    np.testing.assert_allclose(found[:, -1], states, rtol=0, atol=1e-14)
    assert abs(1 / model.readout[0].V[0, 0] - 0.957504) < 1e-6


def test_a_linear_network_answers_an_impulse_with_its_kernel():
    rng = np.random.default_rng(4)
    W, U = rng.normal(0, 0.35, (5, 5)), rng.normal(size=(5, 2))
    for channel in range(2):
        found = pushed(by_hand.linear(W, U), np.eye(2)[channel], 40)
        kernel = [np.linalg.matrix_power(W, k) @ U[:, channel] for k in range(40)]
        np.testing.assert_allclose(found, kernel, rtol=0, atol=1e-13)


def test_a_delay_line_gives_the_inputs_of_n_steps_back_to_the_bit():
    x = np.random.default_rng(5).normal(size=30)
    found = stepped(by_hand.delay_line(6), x[:, None])
    for k in range(6):
        np.testing.assert_array_equal(found[k:, k], x[: len(x) - k])
        assert not found[:k, k].any()
    with pytest.raises(ConfigError, match="at least 1"):
        by_hand.delay_line(0)


def test_a_linear_unit_under_white_noise_has_the_variance_of_the_closed_form():
    alpha, beta = 0.9, 0.4
    model, variance = by_hand.linear([[alpha]], [[beta]]), beta**2 / (1 - alpha**2)
    assert abs((pushed(model, [1.0], 400) ** 2).sum() - variance) < 1e-12  # of the impulse response
    noise = np.random.default_rng(6).normal(size=(100, 2000, 1))
    h = compiled(model, noise)[:, 200:]
    error = variance * np.sqrt(2 * (1 + alpha**2) / (1 - alpha**2) / h.size)  # of the variance of AR(1)
    assert abs(h.var() - variance) < 3 * error


def test_the_random_network_has_the_gain_it_is_given():
    W = by_hand.random_network(1.5).cells[0].W
    assert W.shape == (200, 200)
    assert abs(np.abs(np.linalg.eigvals(W)).max() / 1.5 - 1) < 0.1  # the circular law
    np.testing.assert_allclose(by_hand.random_network(3.0).cells[0].W, 2 * W, rtol=1e-15)


@pytest.fixture(scope="module")
def latched():
    """A value written at step 3 among others that are not, kept for 500 steps, read at 503."""
    rng = np.random.default_rng(7)
    inputs = np.zeros((20, 510, 3))
    inputs[:, :, 0] = rng.uniform(-1, 1, (20, 510))
    inputs[:, 3, 1] = inputs[:, 503, 2] = 1
    return inputs, compiled(by_hand.latch(), inputs)[:, :, 0]


def test_the_latch_gives_a_value_500_steps_after_it_was_written(latched):
    inputs, found = latched
    assert np.abs(found[:, 503] - inputs[:, 3, 0]).max() < 1e-6


def test_the_latch_is_silent_while_it_is_not_read(latched):
    found = np.delete(latched[1], 503, axis=1)
    assert np.abs(found).max() < 1e-12


def test_the_latch_takes_a_new_value_in_place_of_the_old_one():
    inputs = np.zeros((6, 3))
    inputs[1], inputs[2], inputs[3], inputs[5] = (0.8, 1, 0), (0, 0, 1), (-0.3, 1, 0), (0.9, 0, 1)
    found = stepped(by_hand.latch(), inputs)[:, 0]
    np.testing.assert_allclose(found[[2, 5]], [0.8, -0.3], rtol=0, atol=1e-7)
