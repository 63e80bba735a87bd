"""Networks with one number left open, against closed forms and networks that were made with another number."""

import dataclasses

import jax
import numpy as np
import pytest

import recurra as rc
from recurra.diagnostics.orbits import continuation, family
from recurra.diagnostics.step_maps import of_driven, of_forecaster
from recurra.errors import ConfigError
from recurra.reservoirs import Reservoir, spectral_radius
from recurra.systems import Lorenz63

_LEAK = 0.6


@pytest.fixture(scope="module")
def lorenz():
    return Lorenz63().simulate(2000, dt=0.02, seed=0)


@pytest.fixture(scope="module")
def esn(lorenz):
    return rc.ESN(units=60, spectral_radius=0.4, leak=_LEAK, lags=0, seed=0).fit(lorenz)


def at(step, state, p):
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, step(state, p))


def reservoir(W, leak):
    W = np.asarray(W, np.float64)
    return Reservoir(W, np.ones((len(W), 1)), np.zeros(len(W)), leak)


@pytest.mark.parametrize("leak", [1.0, 0.3])
def test_a_reservoir_at_rest_is_lost_where_its_spectral_radius_is_one(leak):
    """The leading eigenvalue is real: 1 - a + a p = 1 at p = 1, whatever the leak a; the gain is p over what it is."""
    W = np.array([[0.5, 0.2, 0.0], [0.2, 0.5, 0.1], [0.0, 0.1, -0.3]])
    radius = np.abs(np.linalg.eigvalsh(W)).max()
    for name, unit in (("spectral_radius", 1.0), ("gain", radius)):
        branch = continuation(family(reservoir(W, leak), name), np.zeros(3), (0.5 / unit, 1.4 / unit))
        assert [each.kind for each in branch.bifurcations] == ["branch"]
        assert branch.bifurcations[0].parameter * unit == pytest.approx(1.0, abs=1e-8)


def test_a_leaky_reservoir_that_turns_begins_to_circle_where_its_complex_pair_says():
    """|1 - a + a p exp(i w)| = 1: p = (sqrt(b^2 cos^2 w + 1 - b^2) - b cos w) / a, b = 1 - a."""
    w, a = 0.7, 0.3
    turn = np.array([[np.cos(w), -np.sin(w)], [np.sin(w), np.cos(w)]])
    b = 1 - a
    wanted = (np.sqrt((b * np.cos(w)) ** 2 + 1 - b**2) - b * np.cos(w)) / a
    branch = continuation(family(reservoir(turn, a), "spectral_radius"), np.zeros(2), (0.5, 2.0))
    assert [each.kind for each in branch.bifurcations] == ["Neimark-Sacker"]
    assert branch.bifurcations[0].parameter == pytest.approx(wanted, abs=1e-8)


def test_the_constant_input_of_a_reservoir_folds_its_rest():
    """x = tanh(2 x + p) folds where 2 (1 - x^2) = 1."""
    x = np.sqrt(0.5)
    fold = 2 * x - np.arctanh(x)
    branch = continuation(family(reservoir([[2.0]], 1.0), "input"), np.array([-0.98]), (-1.0, 1.0))
    assert [each.parameter for each in branch.bifurcations] == pytest.approx([fold, -fold], abs=1e-8)


@pytest.mark.parametrize("p", [0.4, 0.7])
def test_a_fitted_esn_at_another_radius_has_the_reservoir_that_is_drawn_with_it(esn, lorenz, p):
    start = of_forecaster(esn).start
    new, row = at(family(esn, "spectral_radius"), start, p)
    other = rc.ESN(units=60, spectral_radius=p, leak=_LEAK, lags=0, ridge=1e-6, seed=0).fit(lorenz).network_.reservoir
    assert spectral_radius(other.W) == pytest.approx(p, rel=1e-9)
    h, y = start
    expected = (1 - _LEAK) * h + _LEAK * np.tanh(other.W @ h + other.W_in @ y + other.b)
    np.testing.assert_allclose(new, expected, atol=1e-12)
    V = esn.network_.coefficients
    np.testing.assert_allclose(row, V[:, 0] + V[:, 1:] @ expected, atol=1e-9)
    np.testing.assert_allclose(at(family(esn, "gain"), start, p / 0.4)[0], expected, atol=1e-12)


def test_where_the_rest_of_a_fitted_esn_is_lost_its_jacobian_has_an_eigenvalue_on_the_unit_circle(esn, lorenz):
    """(1 - a) I + a diag(1 - h^2) (p W / rho + W_in V) of the closed loop, formed by hand at the point found."""
    found = rc.diagnostics.fixed_points(esn, lorenz)
    k = int(np.argmax(np.asarray(found.states[1])[:, 0]))
    start = jax.tree.map(lambda leaf: np.asarray(leaf)[k], found.states)
    branch = continuation(family(esn, "spectral_radius"), start, (0.4, 0.05))
    assert len(branch.bifurcations) > 0
    network, V = esn.network_.reservoir, esn.network_.coefficients
    for each in branch.bifurcations:
        h, y = each.point[:60], each.point[60:]
        np.testing.assert_allclose(V[:, 0] + V[:, 1:] @ h, y, atol=1e-9)
        W = network.W.toarray() * each.parameter / 0.4
        squashed = np.tanh(W @ h + network.W_in @ y + network.b)
        np.testing.assert_allclose(squashed, h, atol=1e-9)
        J = (1 - _LEAK) * np.eye(60) + _LEAK * (1 - squashed**2)[:, None] * (W + network.W_in @ V[:, 1:])
        assert np.abs(np.abs(np.linalg.eigvals(J)) - 1).min() < 1e-6


@pytest.mark.parametrize("learner", ["gru", "lstm", "rnn"])
def test_the_gain_of_a_trained_network_multiplies_its_recurrent_weights(lorenz, learner):
    model = {"gru": rc.GRU, "lstm": rc.LSTM, "rnn": rc.RNN}[learner](units=5, epochs=1, seed=0).fit(lorenz)
    loop = of_forecaster(model)
    step = family(model, "gain")
    plain = at(lambda state, p: loop.step(state), loop.start, None)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-12), at(step, loop.start, 1.0), plain)
    cell = loop.step.args[0].cells[0]
    cut = dataclasses.replace(cell, W=np.zeros_like(cell.W))
    with jax.enable_x64(True):
        hidden = jax.tree.leaves(cut(loop.start[0][0], loop.start[1]))
    for a, b in zip(jax.tree.leaves(at(step, loop.start, 0.0)[0]), hidden, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    with pytest.raises(ConfigError, match="gain"):
        family(model, "spectral_radius")


def test_a_drive_of_a_forecaster_is_a_parameter_in_the_units_of_the_data():
    rng = np.random.default_rng(0)
    drive = rc.Series(np.stack([rng.normal(28.0, 2.0, 800), rng.normal(size=800)], axis=1), channels=["rho", "F"])
    rows = rc.Series(rng.normal(size=(800, 1)).cumsum(axis=0) * 0.01, inputs=drive, channels=["x"])
    model = rc.ESN(units=20, ridge=1e-6, seed=0).fit(rows)
    mean = float(model.frame_.drive_scaler.mean[1])
    loop = of_forecaster(model, inputs={"rho": 31.0, "F": mean})
    wanted = at(lambda state, p: loop.step(state), loop.start, None)
    for a, b in zip(wanted, at(family(model, "rho"), loop.start, 31.0), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    pushed = at(of_driven(model).step, loop.start, np.zeros(2))
    for a, b in zip(pushed, at(family(model, "gain"), loop.start, 1.0), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_what_has_no_such_parameter_is_refused(esn):
    with pytest.raises(ConfigError, match="did you mean 'spectral_radius'"):
        family(esn, "spectral_radus")
    line = reservoir([[0.0, 0.0], [1.0, 0.0]], 1.0)
    with pytest.raises(ConfigError, match="spectral radius 0"):
        family(line, "spectral_radius")
    with pytest.raises(ConfigError, match="`direction` must be 1"):
        family(line, "input", direction=np.ones(2))
