"""The JAX model of an echo state network: what the network itself gives, and its derivative in closed form."""

import jax
import numpy as np
import pytest

from recurra.diagnostics.echo_model import EchoModel
from recurra.reservoirs import READOUT_FEATURES, TOPOLOGIES, EchoState, draw_reservoir
from recurra.reservoirs.features import feature_count

UNITS, OPTIONS = 30, {"input_scaling": 0.5, "bias_scaling": 0.2, "leak": 0.7, "spectral_radius": 0.9}


def network(seed=0, lags=1, increment=False, features="states", **options):
    reservoir = draw_reservoir(UNITS, 2, in_degree=4, seed=seed, **{**OPTIONS, **options})
    width = 1 + 2 * lags + feature_count(UNITS, features)
    readout = 0.2 * np.random.default_rng(seed).standard_normal((2, width))
    return EchoState(reservoir, readout, lags=lags, increment=increment, readout_features=features)


@pytest.mark.parametrize(
    "options",
    [
        *({"features": name, "lags": 2} for name in READOUT_FEATURES),
        *({"topology": name} for name in TOPOLOGIES),
        {"lags": 0, "increment": True},
        {"lags": 3, "increment": True},
    ],
)
def test_it_gives_what_the_network_gives(options):
    echo = network(**options)
    xs = np.random.default_rng(1).standard_normal((1, 25, 2))
    state, expected = echo.run(echo.initial_state(1), xs)
    with jax.enable_x64(True):
        model = EchoModel.of(echo)
        new, found = map(np.asarray, model.run(model.initial_states(1), xs))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(new, state, rtol=1e-12, atol=1e-13)


def test_the_derivative_of_its_closed_loop_is_the_closed_form():
    """(1 - a) I + a diag(1 - h^2) (W + W_in V), of a readout that sees the states alone."""
    echo = network(lags=0)
    W, V = echo.reservoir.W.toarray(), echo.coefficients[:, 1:]
    with jax.enable_x64(True):
        model = EchoModel.of(echo)
        h = np.random.default_rng(2).uniform(-0.5, 0.5, UNITS)

        def loop(h):
            return model.step(h, model.coefficients[:, 0] + V @ h)[0]

        found, new = map(np.asarray, jax.jit(lambda h: (jax.jacfwd(loop)(h), loop(h)))(h))
    squashed = (new - (1 - 0.7) * h) / 0.7
    expected = (1 - 0.7) * np.eye(UNITS) + 0.7 * (1 - squashed**2)[:, None] * (W + echo.reservoir.W_in @ V)
    np.testing.assert_allclose(found, expected, atol=1e-13)


def test_a_reservoir_that_is_an_array_is_one_too():
    echo = network()
    dense = EchoState(
        type(echo.reservoir)(echo.reservoir.W.toarray(), echo.reservoir.W_in, echo.reservoir.b, 0.7), echo.coefficients
    )
    xs = np.random.default_rng(1).standard_normal((1, 9, 2))
    with jax.enable_x64(True):
        sparse, full = (EchoModel.of(each).run(EchoModel.of(each).initial_states(1), xs)[1] for each in (echo, dense))
    np.testing.assert_allclose(sparse, full, rtol=1e-12)
