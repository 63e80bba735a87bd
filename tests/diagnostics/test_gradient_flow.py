"""The norm of dh(T)/dh(k): closed forms, automatic differentiation of whole sequences, bounds from the weights."""

from dataclasses import replace
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurra as rc
from recurra.cells import GRU, LSTM, Elman
from recurra.diagnostics import conditional_exponents
from recurra.diagnostics.gradient_flow import gradient_flow, jacobians, log_norms, states_along
from recurra.errors import ConfigError, DataError, DivergenceError, NotFittedError
from recurra.estimators import FFNN
from recurra.estimators.frame import Frame
from recurra.models import Dense, Graph, Stack, unroll
from recurra.training import Gaussian, LearnedStart

UNITS = 6


def _vanilla(W, activation="tanh", U=0.0, b=0.0):
    """One layer with one input and these weights; the readout plays no part."""
    n = len(W)
    cell = Elman(np.full((n, 1), U), np.asarray(W, float), np.full(n, b), activation)
    return Stack((cell,), (Dense(np.ones((1, n)), np.zeros(1)),))


def _orthogonal(seed=0, n=UNITS):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]


@pytest.fixture(scope="module")
def scaled():
    """The flow through g times an orthogonal matrix, at zero input and state, by g."""
    return {g: gradient_flow(_vanilla(g * _orthogonal()), np.zeros((250, 1))) for g in (0.9, 1.0, 1.1)}


@pytest.mark.parametrize(
    ("g", "at", "verdict"),
    [
        (0.9, (0.349, 5.15e-3, 2.66e-5), "vanishing"),
        (1.0, (1.0, 1.0, 1.0), "stable"),
        (1.1, (2.59, 117.0, 1.38e4), "exploding"),
    ],
)
def test_the_norm_of_a_scaled_orthogonal_matrix_is_its_power(scaled, g, at, verdict):
    flow = scaled[g]
    np.testing.assert_allclose(flow.norms, g**flow.lags, rtol=1e-12)
    assert [flow.norm_at(k) for k in (10, 50, 100)] == pytest.approx(at, rel=4e-3)  # as they are printed
    assert flow.verdict == verdict
    assert verdict[:6] in flow.words
    assert flow.shown_lags == (1, 10, 50, 100)
    assert flow.ends.tolist() == [100, 250]
    np.testing.assert_allclose(flow.spread, 0, atol=1e-12)


def test_the_fitted_rate_is_the_logarithm_and_gives_half_life_and_doubling_time(scaled):
    for g, flow in scaled.items():
        assert flow.rate == pytest.approx(np.log(g), abs=1e-13)
        assert flow.rate_error < 1e-15
        np.testing.assert_allclose(flow.fitted, flow.log_norm, atol=1e-12)
    assert scaled[0.9].half_life == pytest.approx(np.log(2) / np.log(1 / 0.9))
    assert scaled[1.1].doubling_time == pytest.approx(np.log(2) / np.log(1.1))
    assert (scaled[1.0].half_life, scaled[1.0].doubling_time) == (None, None)


def test_at_the_depth_of_a_feed_forward_network_little_is_lost(scaled):
    assert scaled[0.9].norm_at(3) == pytest.approx(0.9**3)
    assert scaled[0.9].depth_ratio == pytest.approx(0.9**97)
    assert scaled[1.1].depth_ratio == pytest.approx(1.1**97)


def test_the_error_of_the_rate_is_that_of_a_straight_line():
    rng = np.random.default_rng(3)
    flow = gradient_flow(_vanilla(1.3 * _orthogonal(3), U=1.0), rng.normal(size=(250, 1)))
    (slope, height), covariance = np.polyfit(flow.lags, flow.log_norm, 1, cov=True)
    assert (flow.rate, flow.rate_error) == pytest.approx((slope, covariance[0, 0] ** 0.5), rel=1e-9)
    np.testing.assert_allclose(flow.fitted, height + slope * flow.lags, rtol=1e-9)
    np.testing.assert_allclose(flow.norms, np.exp(flow.log_norms).prod(axis=0) ** (1 / len(flow.ends)), rtol=1e-9)
    np.testing.assert_allclose(flow.spread, flow.log_norms.std(axis=0))


@pytest.mark.parametrize(("activation", "steepest"), [("tanh", 1), ("logistic", 1 / 4), ("relu", 1)])
def test_no_product_exceeds_the_bound_from_the_weights(activation, steepest):
    rng = np.random.default_rng(1)
    W = rng.normal(size=(UNITS, UNITS))
    flow = gradient_flow(_vanilla(W, activation, U=0.5, b=0.1), rng.normal(size=(250, 1)), length=100)
    norm = np.sqrt(np.linalg.eigvalsh(W.T @ W).max())
    np.testing.assert_allclose(flow.log_bound, flow.lags * np.log(steepest * norm), rtol=1e-12)
    assert (flow.log_norms <= flow.log_bound + 1e-9).all()
    assert flow.layers[0].radius == pytest.approx(np.abs(np.linalg.eigvals(W)).max())


class Own(eqx.Module):
    """A cell of one's own with two parts of a state."""

    A: np.ndarray

    def initial_state(self):
        return jnp.zeros(3), jnp.zeros((2, 2))

    def __call__(self, state, x):
        h, M = state
        h = jnp.tanh(self.A @ h + M[0, 0] + x[0])
        return h, 0.9 * M + jnp.outer(h[:2], h[1:])


def _graph():
    rng = np.random.default_rng(5)
    nodes = {"memory": GRU.draw(2, 3, rng), "out": Dense.draw(3, 1, rng, "tanh")}
    return Graph.of(nodes, {"memory": ["input", "out[t-1]"], "out": ["memory"]})


MODELS = {
    "lstm, two layers": lambda: Stack.draw("lstm", 1, 1, units=3, layers=2, seed=1),
    "graph": _graph,
    "own": lambda: Stack((rc.cells.as_cell(Own(_orthogonal(7, 3))),), (Dense.draw(3, 1, np.random.default_rng(0)),)),
    "spread and start": lambda: Gaussian(LearnedStart.of(Stack.draw("gru", 1, 2, units=3, seed=2))),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_product_of_jacobians_is_the_derivative_through_the_whole_sequence(name):
    model, xs = MODELS[name](), np.random.default_rng(4).normal(size=(7, 1))
    states = states_along(model, xs)
    chain = jacobians(model, states[2:-1], xs[2:])
    product = np.linalg.multi_dot(chain[::-1])
    with jax.enable_x64(True):
        model = rc.models.in_precision(model, "float64")
        flat, rebuild = jax.flatten_util.ravel_pytree(model.initial_state())

        def last(state):
            return jax.flatten_util.ravel_pytree(unroll(model.step, rebuild(state), xs[2:])[0])[0]

        whole, end = map(np.asarray, jax.jit(lambda state: (jax.jacrev(last)(state), last(state)))(states[2]))
        np.testing.assert_allclose(states[0], np.asarray(flat))
        np.testing.assert_allclose(states[-1], end, atol=1e-14)
    np.testing.assert_allclose(product, whole, atol=1e-9 * np.abs(whole).max())
    assert log_norms(chain)[-1] == pytest.approx(np.log(np.linalg.norm(whole, 2)), abs=1e-9)


def test_along_the_direct_path_the_memory_of_an_lstm_multiplies_the_keep_gates():
    rng = np.random.default_rng(6)
    cell = LSTM.draw(1, 2, rng)
    cell = replace(cell, U=rng.normal(size=(8, 1)), W=np.zeros((8, 2)))  # nothing but the memory leads on
    xs, readout = rng.normal(size=(100, 1)), (Dense(np.ones((1, 2)), np.zeros(1)),)

    def memory(cell):
        model = Stack((cell,), readout)
        chain = jacobians(model, states_along(model, xs)[:-1], xs)
        return np.linalg.multi_dot(chain[::-1])[2:, 2:], log_norms(chain)

    keep = 1 / (1 + np.exp(-(xs @ cell.U[2:4].T + cell.b[2:4])))
    np.testing.assert_allclose(memory(cell)[0], np.diag(keep.prod(axis=0)), rtol=1e-9, atol=1e-300)
    shut = replace(cell, U=np.zeros((8, 1)), b=np.repeat([0.0, 40.0, 0.0, 0.0], 2))  # sigma(40) is 1 in float64
    product, logs = memory(shut)
    np.testing.assert_array_equal(product, np.eye(2))
    assert logs[-1] >= 0


def test_a_radius_above_one_is_not_enough_to_explode():
    flow = gradient_flow(_vanilla(1.1 * _orthogonal(), U=3.0), np.ones((250, 1)))
    assert flow.layers[0].radius == pytest.approx(1.1)
    assert flow.verdict == "vanishing"


def test_a_matrix_that_is_not_normal_grows_before_it_shrinks():
    W = np.array([[0.5, 8.0], [0.0, 0.5]])
    flow = gradient_flow(_vanilla(W), np.zeros((60, 1)), length=30)
    powers = [np.linalg.norm(np.linalg.matrix_power(W, k), 2) for k in flow.lags]
    np.testing.assert_allclose(flow.norms, powers, rtol=1e-12)
    assert flow.layers[0].radius == 0.5
    assert flow.norms.max() > 8


@pytest.mark.parametrize("g", [1e-5, 1e5])
def test_products_beyond_float64_keep_their_logarithm(g):
    flow = gradient_flow(_vanilla(g * _orthogonal()), np.zeros((250, 1)))
    np.testing.assert_allclose(flow.log_norm, flow.lags * np.log(g), rtol=1e-13)
    assert flow.norms[-1] == (0 if g < 1 else np.inf)
    assert ("1e-500" if g < 1 else "1e+500") in flow.words


def test_units_that_are_dead_pass_nothing_back():
    flow = gradient_flow(_vanilla(np.eye(UNITS), "relu", b=-1.0), np.zeros((250, 1)))
    assert flow.norms.tolist() == [0.0] * 100
    assert (flow.rate, flow.verdict, flow.depth_ratio) == (-np.inf, "vanishing", 0.0)


def test_the_share_of_flat_slopes_is_counted():
    W = np.zeros((UNITS, UNITS))
    cell = replace(_vanilla(W).cells[0], b=np.array([0.0, 0.0, 0.0, 5.0, 5.0, -5.0]))  # 1 - tanh(5)^2 = 1.8e-4
    flow = gradient_flow(replace(_vanilla(W), cells=(cell,)), np.zeros((250, 1)))
    assert flow.saturated == {"cells/0": 0.5}


def test_a_short_series_shortens_the_lags_and_says_so():
    flow = gradient_flow(_vanilla(0.9 * _orthogonal()), np.zeros((60, 1)))
    assert (flow.length, flow.shown_lags) == (60, (1, 10, 50, 60))
    assert flow.notes == ("The series has 60 steps: lags reach to 60 and not to 100.",)
    assert flow.norm_at(100) is None


def test_where_no_bound_is_known_it_says_why():
    xs = np.zeros((60, 1))
    two = gradient_flow(Stack.draw("elman", 1, 1, units=2, layers=2, seed=0), xs)
    gates = gradient_flow(Stack.draw("gru", 1, 1, units=2, seed=0), xs)
    assert (two.log_bound, gates.log_bound) == (None, None)
    assert "one vanilla layer" in two.no_bound
    assert "gates" in gates.no_bound
    assert gates.verdict == "vanishing"
    assert "keep gate" in gates.advice  # it has a memory already
    finite = gradient_flow(FFNN(order=3, units=2)._network(1, 1, None, 0), xs)
    assert (finite.kind, finite.half_life, finite.norm_at(10)) == ("finite", None, 0.0)
    assert "longer" in finite.advice
    assert [layer.radius for layer in two.layers] == pytest.approx([1.0, 1.0])


def test_an_estimator_is_diagnosed_on_what_its_network_sees():
    rng = np.random.default_rng(8)
    series = rc.Series(5 + 3 * rng.normal(size=(61, 1)), inputs=rng.normal(size=(61, 1)))
    frame, model = Frame.of([series]), Stack.draw("elman", 2, 1, units=2, seed=0)
    fitted = SimpleNamespace(frame_=frame, network_=SimpleNamespace(model=model))
    values = (series.values - series.values.mean()) / series.values.std()
    drive = (series.inputs.values - series.inputs.values.mean()) / series.inputs.values.std()
    bare = gradient_flow(model, np.concatenate([values[:-1], drive[1:]], axis=1))
    np.testing.assert_allclose(gradient_flow(fitted, series).log_norms, bare.log_norms, rtol=1e-9)


def test_what_cannot_be_diagnosed_is_refused():
    model, xs = _vanilla(np.eye(UNITS)), np.zeros((250, 1))
    with pytest.raises(ConfigError, match="whole number of at least 3, got 2"):
        gradient_flow(model, xs, length=2)
    with pytest.raises(DataError, match="the series has 2 steps"):
        gradient_flow(model, xs[:2])
    with pytest.raises(DataError, match=r"finite numbers \(time, features\)"):
        gradient_flow(model, np.full((5, 1), np.nan))
    with pytest.raises(NotFittedError, match="this GRU is not fitted"):
        gradient_flow(rc.GRU(), xs)
    with pytest.raises(ConfigError, match="Linear is none"):
        gradient_flow(rc.Linear().fit(np.sin(np.arange(99.0))), xs)
    with pytest.raises(ConfigError, match="carries nothing"):
        gradient_flow(Graph.of({"y": Dense.draw(1, 1, np.random.default_rng(0))}, {"y": ["input"]}), xs)


def test_states_without_bound_are_told_from_gradients():
    grows = _vanilla(2 * np.eye(UNITS), "identity", U=1.0)
    with pytest.raises(DivergenceError, match="leaves the finite numbers in step 10"):
        gradient_flow(grows, np.ones((1100, 1)))


@pytest.mark.parametrize("kind", [0.8, 1.5, 3.0, "lstm", "gru"])
def test_its_slope_is_the_largest_conditional_exponent(kind):
    """One from products of Jacobians and their norms, the other from tangent vectors and QR, shrinking or growing."""
    xs = np.random.default_rng(1).normal(size=(3300, 1))
    if isinstance(kind, float):
        model = _vanilla(kind * np.random.default_rng(2).normal(size=(30, 30)) / np.sqrt(30), U=1.0)
    else:
        model = Stack.draw(kind, 1, 1, units=12, seed=0)
    exponent = conditional_exponents(model, xs, count=1).largest
    assert gradient_flow(model, xs, length=300).rate == pytest.approx(exponent, abs=0.012)
