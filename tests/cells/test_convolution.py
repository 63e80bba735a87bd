"""The causal convolution against NumPy's, and how far back it sees."""

import equinox as eqx
import jax
import numpy as np
import pytest

from recurra.cells import Convolution, receptive_field
from recurra.errors import ConfigError
from recurra.models import Stack, parameter_count, unroll
from recurra.models.stack import draw_readout

X = np.random.default_rng(1).standard_normal((40, 2))


@eqx.filter_jit
def _batch(cell, state, xs):
    return jax.vmap(lambda xs: unroll(lambda s, x: (new := cell(s, x), cell.output(new)), state, xs))(xs)


def _run(cell, xs, state=None):
    """Outputs and last states in float64, for a batch of inputs."""
    with jax.enable_x64(True):
        last, ys = _batch(cell, cell.initial_state() if state is None else state, xs)
        return np.asarray(ys), np.asarray(last)


def _random(inputs, units, kernel, dilation, activation):
    rng = np.random.default_rng(3)
    cell = Convolution.draw(inputs, units, rng, kernel, dilation, activation)
    return Convolution(cell.U, rng.standard_normal(units), kernel, dilation, activation)


@pytest.fixture(scope="module")
def dilated():
    return _random(2, 3, 3, 4, "tanh")


@pytest.fixture(scope="module")
def outputs(dilated):
    """Of the inputs X and, after these, of X with the inputs 0 to 19 steps before row 30 changed, one in each."""
    batch = np.repeat(X[None], 21, axis=0)
    for lag in range(20):
        batch[1 + lag, 30 - lag] += 1.0
    return _run(dilated, batch)[0]


def test_one_channel_is_numpys_convolution():
    cell = _random(1, 1, 5, 1, "identity")
    ys = _run(cell, X[None, :, :1])[0][0, :, 0]
    np.testing.assert_allclose(ys, np.convolve(X[:, 0], cell.U[0])[:40] + cell.b, rtol=0, atol=1e-12)


def test_dilated_channels_are_an_explicit_sum_over_past_inputs(dilated, outputs):
    U = dilated.U.reshape(3, 3, 2)  # units, taps, inputs
    expected = [np.tanh(dilated.b + sum(U[:, j] @ X[t - 4 * j] for j in range(3) if t >= 4 * j)) for t in range(len(X))]
    np.testing.assert_allclose(outputs[0], expected, rtol=0, atol=1e-12)


def test_a_later_input_changes_no_earlier_output_by_a_bit(outputs):
    for lag in range(20):
        assert outputs[1 + lag, : 30 - lag].tobytes() == outputs[0, : 30 - lag].tobytes()
        assert np.abs(outputs[1 + lag, 30 - lag] - outputs[0, 30 - lag]).max() > 1e-3


def test_an_output_depends_on_its_taps_and_on_nothing_else(outputs):
    changed = [lag for lag in range(20) if outputs[1 + lag, 30].tobytes() != outputs[0, 30].tobytes()]
    assert changed == [0, 4, 8]


def test_streaming_goes_on_where_it_was(dilated, outputs):
    first, state = _run(dilated, X[None, :20])
    rest, _ = _run(dilated, X[None, 20:], state[0])
    np.testing.assert_allclose(np.concatenate([first[0], rest[0]]), outputs[0], rtol=0, atol=1e-14)
    assert state[0].tobytes() == X[11:20].tobytes()  # (3 - 1) 4 + 1 = 9 inputs are all that it keeps


def test_parameters_are_counted_by_taps_inputs_and_units():
    rng = np.random.default_rng(0)
    cells = [Convolution.draw(a, 5, rng, 3, d) for a, d in ((2, 1), (5, 2))]
    model = Stack(tuple(cells), draw_readout((5, 1), "relu", rng))
    assert parameter_count(model) == 5 * (3 * 2 + 1) + 5 * (3 * 5 + 1) + (5 + 1)
    assert receptive_field(cells) == 1 + 2 * 1 + 2 * 2


def test_an_unknown_activation_is_refused():
    with pytest.raises(ConfigError, match="tanh"):
        Convolution.draw(1, 2, None, activation="tnah")
