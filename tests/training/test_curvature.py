"""The Gauss-Newton product against dense Jacobians, for every cell and loss."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recurra.cells import Elman, as_cell, damped
from recurra.errors import ConfigError
from recurra.models import Graph, Stack
from recurra.systems import VanDerPol
from recurra.training import Feedback, Gaussian, LastStep, LearnedStart, Loss, MaskedSteps, NextSteps, Physics
from recurra.training.curvature import Curved
from recurra.training.flat import Flat
from recurra.training.physics import Units

N, T, B = 3, 7, 3
LOSSES = ("squared", "huber", "binary", "categorical")
INDEX = jnp.arange(B)


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


def network(cell="elman", outputs=2, inputs=2, **options):
    model = Stack.draw(cell, inputs, outputs, units=N, layers=1, precision="float64", seed=0, **options)
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: leaf + 0.2 * rng.standard_normal(leaf.shape), model)


def sequences(loss="squared", masked=True, outputs=2, seed=2):
    """Data of `MaskedSteps`, with steps that are absent and targets that are not compared."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((B, T, 2))
    lengths = np.array([T, T - 2, T - 3]) if masked else np.full(B, T)
    present = np.arange(T) < lengths[:, None]
    y = (
        rng.standard_normal((B, T, outputs))
        if loss in ("squared", "huber", "gaussian")
        else rng.random((B, T, outputs))
    )
    if loss == "categorical":
        y = np.eye(outputs)[rng.integers(0, outputs, (B, T))]
    weights = np.repeat(present[:, :, None], 1 if loss == "categorical" else outputs, axis=2).astype(float)
    if masked:
        weights[:, :2] = 0  # washed out
        weights[0, 4] = 0
    x[~present] = np.nan  # what is absent is not looked at
    return jax.tree.map(jnp.asarray, (x, present, y, weights))


def dense(objective, data, model, hessian=None):
    """J' H J from dense Jacobians; the Hessian of the loss in the outputs from JAX, or a given one."""
    flat = Flat(model)
    w = np.asarray(flat.vector(model))

    @jax.jit
    def derivatives(w):
        z = lambda w: objective.outputs(flat.model(w), data, INDEX)[0]  # noqa: E731
        loss = lambda z: objective.compared(z, model, data, INDEX)  # noqa: E731
        return jax.jacrev(z)(w), z(w), jax.hessian(loss)(z(w)) if hessian is None else ()

    J, out, H = derivatives(w)
    J = np.asarray(J).reshape(-1, len(w))
    H = np.asarray(H).reshape(len(J), len(J)) if hessian is None else hessian(out)
    return J.T @ H @ J, w, flat


def columns(curved, w, *strengths):
    """The matrix from products with every unit vector; of several strengths of structural damping, one for each."""
    product = jax.jit(lambda v, strength: curved.product(w)(v, strength))
    found = [np.stack([np.asarray(product(e, s)) for e in np.eye(len(w))], axis=1) for s in strengths or (0.0,)]
    return found if len(strengths) > 1 else found[0]


def values(curved, w):
    """f(w) alone, f(w) and its gradient, in one program."""
    return jax.jit(lambda w: (curved.value(w), *curved.value_and_gradient(w)))(w)


def close(found, expected, tolerance=1e-10):
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize(
    ("cell", "loss"), [*(("elman", loss) for loss in LOSSES), ("gru", "categorical"), ("lstm", "huber")]
)
def test_the_product_is_that_of_dense_jacobians(cell, loss):
    objective, data, model = MaskedSteps(Loss(loss)), sequences(loss), network(cell)
    expected, w, flat = dense(objective, data, model)
    found = columns(Curved(objective, data, flat, INDEX), w)
    close(found, expected)
    assert np.abs(found - found.T).max() <= 1e-12 * np.abs(found).max()
    assert np.linalg.eigvalsh((found + found.T) / 2).min() >= -1e-12 * np.abs(found).max()


@pytest.mark.parametrize(
    "options",
    [
        {"cell": "lstm", "peepholes": True},
        {"cell": "lstm", "forget_gate": False},
        {"cell": "gru", "reset_after": False},
    ],
)
def test_forms_of_cells_that_are_scanned(options):
    objective, data, model = MaskedSteps(), sequences(), network(**options)
    expected, w, flat = dense(objective, data, model)
    close(columns(Curved(objective, data, flat, INDEX), w), expected)


class Leaky(eqx.Module):
    """A leaky reservoir whose weights are trained."""

    U: np.ndarray
    W: np.ndarray
    leak: float = 0.3

    def initial_state(self):
        return jnp.zeros(len(self.W))

    def __call__(self, h, x):
        return (1 - self.leak) * h + self.leak * jnp.tanh(self.U @ x + self.W @ h)


def test_models_around_and_beside_a_stack():
    data = sequences()
    graph = Graph.draw(
        [{"layer": "gru", "units": N, "name": "memory"}, {"layer": "dense", "from": ["memory", "input"]}],
        2,
        2,
        precision="float64",
        seed=0,
    )
    rng = np.random.default_rng(0)
    leaky = as_cell(Leaky(rng.standard_normal((N, 2)), rng.standard_normal((N, N)) / 2))
    reservoir = replace(network(), cells=(leaky,))
    for model in (LearnedStart.of(network()), Feedback(network(inputs=4), 2), graph, reservoir):
        objective = MaskedSteps()
        expected, w, flat = dense(objective, data, model)
        close(columns(Curved(objective, data, flat, INDEX), w), expected)


def test_windows_of_a_series_with_a_free_running_end_and_missing_values():
    rng = np.random.default_rng(3)
    values, observed = rng.standard_normal((20, 2)), rng.random((20, 2)) < 0.8
    data = jax.tree.map(jnp.asarray, (values, np.zeros((20, 0)), np.array([0, 5, 9]), observed))
    objective, model = NextSteps(T, 4), network()
    expected, w, flat = dense(objective, data, model)
    close(columns(Curved(objective, data, flat, INDEX), w), expected)
    objective, data = LastStep(), (rng.standard_normal((B, T, 2)), rng.standard_normal((B, 2)))
    expected, w, flat = dense(objective, data, model)
    close(columns(Curved(objective, data, flat, INDEX), w), expected)


def test_of_a_normal_distribution_it_is_the_fisher_information():
    model, data = Gaussian(network(outputs=4)), sequences("gaussian")
    objective = MaskedSteps(Loss("gaussian"))

    def fisher(out):
        weights, (_, a) = data[3], np.split(np.asarray(out), 2, axis=-1)
        inner = np.concatenate([np.exp(-a), np.full_like(a, 0.5)], axis=-1)
        return np.diag((inner * np.concatenate([weights, weights], axis=-1) / weights.sum()).reshape(-1))

    expected, w, flat = dense(objective, data, model, fisher)
    close(columns(Curved(objective, data, flat, INDEX), w), expected)
    assert np.linalg.eigvalsh(expected).min() >= -1e-12


def test_penalties_add_their_own_curvature():
    objective, data, model = MaskedSteps(), sequences(), network()
    expected, w, flat = dense(objective, data, model)
    which, strengths = (("l2", "W"), ("l1", "U")), np.array([0.3, 0.2])
    of_W = Elman(np.zeros((N, 2)), np.full((N, N), 0.6), np.zeros(N))
    diagonal = flat.vector(replace(jax.tree.map(np.zeros_like, model), cells=(of_W,)))
    curved = Curved(objective, data, flat, INDEX, penalties=(which, strengths))
    close(columns(curved, w), expected + np.diag(np.asarray(diagonal)))
    _, loss, gradient = values(curved, w)
    total = lambda w: objective.loss(flat.model(w), data, INDEX) + 0.3 * jnp.sum(flat.model(w).cells[0].W ** 2)  # noqa: E731
    l1 = lambda w: 0.2 * jnp.sum(jnp.abs(flat.model(w).cells[0].U))  # noqa: E731
    wanted, slope = jax.jit(jax.value_and_grad(lambda w: total(w) + l1(w)))(w)
    np.testing.assert_allclose(loss, wanted, rtol=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-10)


@pytest.mark.parametrize(
    ("metric", "cell", "options"),
    [
        *(("matched", cell, {}) for cell in ("elman", "gru", "lstm")),
        ("matched", "lstm", {"forget_gate": False}),
        ("matched", "gru", {"reset_after": False}),
        ("pre", "elman", {}),
        ("pre", "lstm", {}),
        ("post", "elman", {}),
        ("post", "gru", {}),
    ],
)
def test_structural_damping_is_that_of_dense_jacobians(metric, cell, options):
    objective, data, model = MaskedSteps(), sequences(), network(cell, **options)
    flat = Flat(model)
    w = np.asarray(flat.vector(model))
    seen = np.where(data[1][..., None], data[0], 0.0)

    def quantity(w):
        """h, or what is squashed, step by step from the equations."""
        inner = flat.model(w).cells[0]

        def step(state, row):
            x, on = row
            a = _summed(inner, inner.output(state), x)
            state = jax.tree.map(lambda a, b: jnp.where(on, a, b), inner(state, x), state)
            return state, inner.output(state) if metric == "post" else a

        found = [jax.lax.scan(step, inner.initial_state(), (seen[i], data[1][i]))[1] for i in range(B)]
        return jnp.concatenate(found)

    s, J = jax.jit(lambda w: (quantity(w), jax.jacrev(quantity)(w)))(w)
    D = np.ones_like(s) if metric != "matched" else 1 - np.tanh(s) ** 2
    D = np.where(data[1].reshape(-1, 1), D, 0.0)
    J = np.asarray(J).reshape(-1, len(w))
    strength = 0.7
    expected = strength / data[3].sum() * J.T @ (np.asarray(D).reshape(-1, 1) * J)
    with_it, without = columns(Curved(objective, data, flat, INDEX, metric=metric), w, strength, 0.0)
    close(with_it - without, expected, 1e-9 if metric == "matched" else 1e-10)


def _summed(cell, h, x):
    if isinstance(cell, Elman):
        return cell.U @ x + cell.W @ h + cell.b
    if cell.gates == 4:
        a = cell.U @ x + cell.W @ h + cell.b
        return a[2 * N : 3 * N] if cell.forget_gate else a[N : 2 * N]
    if cell.d is None:
        a = cell.U @ x + cell.b
        reset = jax.nn.sigmoid(a[N : 2 * N] + cell.W[N : 2 * N] @ h)
        return a[2 * N :] + cell.W[2 * N :] @ (reset * h)
    u, v = cell.U @ x + cell.b, cell.W @ h + cell.d
    return u[2 * N :] + jax.nn.sigmoid(u[N : 2 * N] + v[N : 2 * N]) * v[2 * N :]


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_the_matched_metric_is_the_curvature_of_the_cross_entropy_of_a_unit(activation):
    """Of (1 + h) / 2 for tanh, of h for the logistic function, in what the unit is given."""
    a = np.linspace(-2, 2, 9)
    share = {"tanh": lambda a: (1 + jnp.tanh(a)) / 2, "logistic": jax.nn.sigmoid}[activation]
    entropy = lambda a, p: -p * jnp.log(share(a)) - (1 - p) * jnp.log(1 - share(a))  # noqa: E731
    curvature = jax.jit(jax.vmap(lambda a: jax.grad(jax.grad(entropy))(a, share(a))))(a)
    cell = Elman(np.eye(9), np.zeros((9, 9)), np.zeros(9), activation)

    @jax.jit
    def parts(xs):
        hs = jax.vmap(jax.vmap(lambda x: cell(jnp.zeros(9), x)))(xs)
        slope = jax.vmap(jax.grad(lambda a, k: cell(jnp.zeros(9), xs[0, 0].at[k].set(a))[k]))(xs[0, 0], np.arange(9))
        return hs, damped(cell, jnp.zeros((1, 9)), xs, hs).matched, slope

    hs, (h, D), slope = parts(a[None, None])
    np.testing.assert_allclose(slope**2 * D[0, 0], curvature, rtol=1e-10)  # from h to what the unit is given
    np.testing.assert_array_equal(h, hs)


@pytest.mark.parametrize("chunk", [1, 2])
def test_in_pieces_it_is_the_same(chunk):
    objective, data, model = MaskedSteps(Loss("categorical")), sequences("categorical"), network("gru")
    flat = Flat(model)
    w = np.asarray(flat.vector(model))
    whole = Curved(objective, data, flat, INDEX, metric="post")
    parts = Curved(objective, data, flat, INDEX, metric="post", chunk=chunk)
    close(columns(parts, w, 0.3), columns(whole, w, 0.3), 1e-12)
    for found, expected in zip(values(parts, w), values(whole, w), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("cell", "loss", "metric", "segment"),
    [("elman", "squared", "matched", 1), ("elman", "squared", "matched", 2 * T), ("lstm", "gaussian", "pre", 3)],
)
def test_what_is_computed_again_is_the_same(cell, loss, metric, segment):
    model = network(cell, outputs=4) if loss == "gaussian" else network(cell)
    model = Gaussian(model) if loss == "gaussian" else model
    objective, data, flat = MaskedSteps(Loss(loss)), sequences(loss), Flat(model)
    w = np.asarray(flat.vector(model))
    kept = Curved(objective, data, flat, INDEX, metric=metric)
    again = Curved(objective, data, flat, INDEX, metric=metric, chunk=2, segment=segment)
    close(columns(again, w, 0.3), columns(kept, w, 0.3), 1e-12)
    for found, expected in zip(values(again, w), values(kept, w), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_what_is_computed_again_takes_no_memory():
    model, steps = network("lstm", inputs=1, outputs=1), 4000
    data = jnp.ones((steps + 1, 1)), jnp.ones((steps + 1, 0)), jnp.zeros(1, int)
    flat, objective = Flat(model), NextSteps(steps, steps)
    w = flat.vector(model)

    def held(segment):
        curved = Curved(objective, data, flat, jnp.arange(1), segment=segment)
        compiled = jax.jit(lambda w, v: curved.product(w)(v, 0.0)).lower(w, w).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    kept = held(None)
    assert kept > 8 * steps * 2 * N * 4  # at least gates and their tangents
    assert held(50) < kept / 4


@pytest.mark.parametrize("chunk", [1, 2])
def test_in_pieces_an_equation_counts_the_same_where_values_are_missing(chunk):
    rng = np.random.default_rng(5)
    observed = rng.random((20, 2)) < 0.5
    observed[5:13] = False  # a window with few
    data = rng.standard_normal((20, 2)), np.zeros((20, 0)), np.array([0, 5, 9]), observed
    units = Units(*(np.asarray(a, float) for a in (0.7, 0.1, np.zeros(2), np.ones(2), np.zeros(0), np.zeros(0))))
    data = jax.tree.map(jnp.asarray, (data, units))
    objective, model = Physics(NextSteps(T, T), VanDerPol()), network()
    flat = Flat(model)
    w = np.asarray(flat.vector(model))
    parts = Curved(objective, data, flat, INDEX, chunk=chunk)
    value, loss = jax.jit(lambda w: (parts.value(w), objective.loss(flat.model(w), data, INDEX)))(w)
    np.testing.assert_allclose(value, loss, rtol=1e-12)
    close(columns(parts, w), columns(Curved(objective, data, flat, INDEX), w), 1e-12)


def test_transposing_the_linear_map_is_the_vector_jacobian_product():
    objective, data, model = MaskedSteps(), sequences(), network("lstm")
    flat = Flat(model)
    w = np.asarray(flat.vector(model))
    z = lambda w: objective.outputs(flat.model(w), data, INDEX)[0]  # noqa: E731
    u = np.random.default_rng(4).standard_normal(jax.eval_shape(z, w).shape)

    @jax.jit
    def both(w, u):
        forward = jax.linearize(z, w)[1]
        return jax.linear_transpose(forward, w)(u)[0], jax.vjp(z, w)[1](u)[0]

    np.testing.assert_allclose(*both(w, u), rtol=1e-12, atol=1e-14)


def test_of_a_linear_model_with_squared_errors_it_is_the_hessian():
    data = sequences(masked=False)
    model = network()
    flat = Flat(model)
    w = np.asarray(flat.vector(model))
    last = slice(len(w) - 2 * N - 2, len(w))  # the readout, in which the outputs are linear
    loss = lambda w: jnp.mean((jax.vmap(flat.model(w))(data[0]) - data[2]) ** 2)  # noqa: E731
    H = jax.jit(jax.hessian(loss))(w)[last, last]
    found = columns(Curved(MaskedSteps(), data, flat, INDEX), w)
    close(found[last, last], np.asarray(H))


def test_the_diagonal_of_the_fisher_matrix_is_the_mean_square_of_the_gradients():
    objective, data, model = MaskedSteps(), sequences(), network()
    flat = Flat(model)
    w = np.asarray(flat.vector(model))
    one = jax.jit(jax.grad(lambda w, i: objective.loss(flat.model(w), data, i[None])))
    each = [one(w, i) for i in range(B)]
    found = jax.jit(Curved(objective, data, flat, INDEX).case_squares)(w)
    np.testing.assert_allclose(found, np.mean(np.square(each), axis=0), rtol=1e-10)


def test_what_has_no_such_curvature_is_refused():
    data, model = sequences(), network()
    with pytest.raises(ConfigError, match="'absolute' has no curvature"):
        Curved(MaskedSteps(Loss("absolute")), data, Flat(model), INDEX)
    relu = network(activation="relu")
    flat = Flat(relu)
    with pytest.raises(ConfigError, match="'matched' is not defined"):
        Curved(MaskedSteps(), data, flat, INDEX, metric="matched").product(flat.vector(relu))
    own = Feedback(network(inputs=4), 2)
    flat = Flat(own)
    with pytest.raises(ConfigError, match="hidden layers"):
        Curved(MaskedSteps(), data, flat, INDEX, metric="post").product(flat.vector(own))
