"""Tangents, linearised layers and their transposes inside programs of JAX: against the scan and dense Jacobians."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recurra.cells import GRU, LSTM, Elman, run_cell
from recurra.models import Stack
from recurra.native import status

pytestmark = pytest.mark.skipif(not status().active, reason=f"the native kernels do not run: {status().reason}")

ELMANS = {name: partial(Elman.draw, activation=name) for name in ("tanh", "relu", "identity", "logistic")}
KINDS = {"gru": GRU.draw, "lstm": LSTM.draw, **ELMANS}
BATCH, STEPS, INPUTS, UNITS = 3, 7, 2, 3


def _normal(rng, tree):
    return jax.tree.map(lambda leaf: rng.normal(size=np.shape(leaf)).astype(np.asarray(leaf).dtype), tree)


def _problem(kind, dtype=np.float64, masked=True):
    """Cell, inputs and state; a direction of them, and one of the outputs; and which steps there are."""
    rng = np.random.default_rng(7)
    drawn = KINDS[kind](INPUTS, UNITS, rng)
    cell = jax.tree.map(lambda leaf: (leaf + rng.normal(0, 0.3, leaf.shape)).astype(dtype), drawn)
    h = rng.normal(size=(BATCH, UNITS)).astype(dtype)
    given = cell, rng.normal(size=(BATCH, STEPS, INPUTS)).astype(dtype), (h, h / 2) if kind == "lstm" else h
    outputs = given[2], np.zeros((BATCH, STEPS, UNITS), dtype)
    present = rng.random((BATCH, STEPS)) < 0.8 if masked else None
    return given, _normal(rng, given), _normal(rng, outputs), present


def _run(given, present, forward_mode=False):
    cell, x, state = given
    return run_cell(cell, state, x, present, forward_mode=forward_mode)


def _of_weights(given, present, forward_mode=False):
    return lambda cell: _run((cell, *given[1:]), present, forward_mode)


def _flat(tree):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


def _close(found, expected, bound=1e-12):
    for a, b in zip(*map(jax.tree.leaves, (found, expected)), strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a, b, rtol=0, atol=bound * max(1.0, np.abs(b).max()))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_tangents_are_those_of_the_scan(kind, masked):
    with jax.enable_x64(True):
        given, direction, _, present = _problem(kind, masked=masked)
        found, expected = (
            jax.jit(lambda g, d, m=mode: jax.jvp(lambda each: _run(each, present, m), (g,), (d,)))(given, direction)
            for mode in (False, True)
        )
        _close(found, expected)


@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
def test_tangents_along_one_part_alone(kind):
    """Of the inputs, the start and each weight in turn: what is not asked for is not there."""
    with jax.enable_x64(True):
        given, direction, _, present = _problem(kind)
        leaves, tree = jax.tree.flatten(given)
        parts = jax.tree.leaves(direction)

        @jax.jit
        def scanned(direction):
            return jax.jvp(lambda each: _run(each, present, True), (given,), (direction,))

        for k, part in enumerate(parts):

            def run(leaf, k=k):
                return _run(jax.tree.unflatten(tree, [*leaves[:k], leaf, *leaves[k + 1 :]]), present)

            alone = [each if l == k else np.zeros_like(each) for l, each in enumerate(parts)]
            found = jax.jit(partial(jax.jvp, run))((leaves[k],), (part,))
            _close(found, scanned(jax.tree.unflatten(tree, alone)))


@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
def test_tangent_and_transpose_are_dense_jacobians(kind):
    """J v and J^T u by the whole J of the scan; and <u, J v> = <J^T u, v>."""
    with jax.enable_x64(True):
        given, (v, *_), u, present = _problem(kind)

        @jax.jit
        def native(cell, v, u):
            _, along = jax.linearize(_of_weights(given, present), cell)
            return along(v), jax.linear_transpose(along, cell)(u)[0]

        jacobian = jax.jit(jax.jacrev(_of_weights(given, present, True)))(given[0])
        weights, outputs = map(jax.tree.leaves, (given[0], u))
        blocks = iter(jax.tree.leaves(jacobian))
        dense = np.block([[np.reshape(next(blocks), (a.size, b.size)) for b in weights] for a in outputs])
        pushed, pulled = dense @ _flat(v), _flat(u) @ dense
        along, back = native(given[0], v, u)
        for found, expected in ((along, pushed), (back, pulled)):
            np.testing.assert_allclose(_flat(found), expected, rtol=0, atol=1e-12 * np.abs(expected).max())
        size = np.linalg.norm(_flat(u)) * np.linalg.norm(pushed)
        assert abs(_flat(u) @ _flat(along) - _flat(back) @ _flat(v)) <= 1e-12 * size


def _products(given, present, v, mode, loop):
    """Three Gauss-Newton products at one linearisation, each of the one before, in the body of a loop."""
    z, along = jax.linearize(_of_weights(given, present, mode), given[0])
    transpose = jax.linear_transpose(along, given[0])

    def product(v):
        return transpose(jax.tree.map(lambda leaf: 0.1 * leaf, along(v)))[0]

    if loop == "scan":
        last, each = jax.lax.scan(lambda v, _: (product(v), along(v)), v, None, length=3)
        return z, last, each
    return z, jax.lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, product(s[1])), (0, v))[1]


@pytest.mark.parametrize("loop", ["scan", "while"])
@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
def test_one_linearisation_serves_the_products_of_a_loop(kind, loop):
    """Three products and each of them as by the scan: the transpose leaves the tape as it is, and nothing copies it."""
    with jax.enable_x64(True):
        given, (v, *_), _, present = _problem(kind)
        run = jax.jit(_products, static_argnums=(3, 4))
        _close(*(run(given, present, v, mode, loop) for mode in (False, True)))
        text = run.lower(given, present, v, False, loop).as_text()
        assert "recurra_tangent_float64" in text
        assert "recurra_backward_float64" in text
        assert "output_operand_alias" not in text


@pytest.mark.parametrize("part", ["h", "hs", "c"])
@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
def test_tangents_of_one_output_alone(kind, part):
    """What nobody looks at is not computed: no array of all steps for the last state."""
    if part == "c" and kind != "lstm":
        pytest.skip("only the LSTM has a second state")
    with jax.enable_x64(True):
        given, (v, *_), _, present = _problem(kind)

        def product(v, mode):
            def one(cell):
                state, hs = _of_weights(given, present, mode)(cell)
                return hs if part == "hs" else state[part == "c"] if kind == "lstm" else state

            _, along = jax.linearize(one, given[0])
            pushed = along(v)
            return pushed, jax.linear_transpose(along, given[0])(pushed)[0]

        run = jax.jit(product, static_argnums=1)
        _close(*(run(v, mode) for mode in (False, True)))
        (line,) = [each for each in run.lower(v, False).as_text().splitlines() if "@recurra_tangent_float64" in each]
        every, last = f"{BATCH}x{STEPS}x{UNITS}x", f"{BATCH}x{UNITS}x"
        shapes = [every if part == "hs" else "0x", last if part == "h" else "0x", last if part == "c" else "0x"]
        assert line.split("->")[1].strip() == f"({', '.join(f'tensor<{shape}f64>' for shape in shapes)})"


@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-12), (np.float32, 2e-5)])
@pytest.mark.parametrize("kind", ["elman", "gru", "lstm"])
def test_two_layers_and_a_readout(kind, dtype, bound):
    """J^T J v of the outputs at the last step."""
    with jax.enable_x64(dtype == np.float64):
        rng = np.random.default_rng(0)
        model = Stack.draw(kind, 2, 2, units=5, layers=2, seed=1, precision=np.dtype(dtype).name)
        x, v = rng.normal(size=(6, 9, 2)).astype(dtype), _normal(rng, model)

        def product(model, v, mode):
            def last(m):
                return m.run(m.initial_states(6), x, forward_mode=mode)[1][:, -1]

            _, along = jax.linearize(last, model)
            return jax.linear_transpose(along, model)(along(v))

        native, scan = (jax.jit(product, static_argnums=2)(model, v, mode) for mode in (False, True))
        _close(native, scan, bound)


@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
def test_jacobians_by_either_mode(kind):
    """Tangents can be mapped over: one kernel call for each."""
    with jax.enable_x64(True):
        given, _, _, present = _problem(kind)
        columns, rows = (jax.jit(way(_of_weights(given, present)))(given[0]) for way in (jax.jacfwd, jax.jacrev))
        _close(columns, rows)


@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
def test_the_transpose_of_the_transpose_is_the_tangent(kind):
    with jax.enable_x64(True):
        given, (v, *_), u, present = _problem(kind)
        other = _normal(np.random.default_rng(1), u)

        @jax.jit
        def both_ways(v, u, other):
            _, along = jax.linearize(_of_weights(given, present), given[0])
            back = jax.linear_transpose(along, given[0])
            again = jax.linear_transpose(lambda u: back(u)[0], u)
            _, tangent = jax.jvp(lambda u: back(u)[0], (u,), (other,))
            return again(v)[0], along(v), tangent, back(other)[0]

        twice, once, tangent, back = both_ways(v, u, other)
        _close(twice, once)
        _close(tangent, back)


@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
def test_a_second_derivative_asks_for_the_scan(kind):
    given, (v, *_), _, present = _problem(kind, np.float32)

    def loss(cell, mode):
        return (_of_weights(given, present, mode)(cell)[1] ** 2).sum()

    with pytest.raises(TypeError, match="first derivatives alone"):
        jax.jvp(jax.grad(partial(loss, mode=False)), (given[0],), (v,))
    _, curved = jax.jit(lambda c, v: jax.jvp(jax.grad(partial(loss, mode=True)), (c,), (v,)))(given[0], v)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(curved))


def test_gradients_through_a_scan_over_pieces():
    """Pieces of a sequence, the state handed over: the derivative of a loop around the kernels."""
    with jax.enable_x64(True):
        given, direction, (_, weight), _ = _problem("lstm")

        def loss(given, mode):
            cell, x, state = given
            pieces = jnp.moveaxis(jnp.reshape(x[:, :6], (BATCH, 3, 2, INPUTS)), 1, 0)

            def piece(state, xs):
                return run_cell(cell, state, xs, forward_mode=mode)

            _, hs = jax.lax.scan(piece, state, pieces)
            return (jnp.moveaxis(hs, 0, 1).reshape(BATCH, 6, UNITS) * weight[:, :6]).sum()

        native, scan = (jax.jit(jax.grad(partial(loss, mode=mode)))(given) for mode in (False, True))
        _close(native, scan)
        slopes = [
            jax.jit(lambda g, d, m=mode: jax.jvp(partial(loss, mode=m), (g,), (d,))[1])(given, direction)
            for mode in (False, True)
        ]
        np.testing.assert_allclose(*slopes, rtol=1e-12)
