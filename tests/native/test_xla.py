"""The kernels inside programs of JAX against the scan, forward and gradients; and where the scan is taken instead."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recurra.cells import GRU, LSTM, Elman, run_cell
from recurra.models import Stack
from recurra.native import status, xla
from recurra.training.wrappers import LearnedStart

pytestmark = pytest.mark.skipif(not status().active, reason=f"the native kernels do not run: {status().reason}")

KINDS = {"elman": Elman, "gru": GRU, "lstm": LSTM}
SHAPES = {  # batch, steps, inputs, units; and whether some steps are absent
    (1, 1, 1, 1): False,
    (9, 30, 3, 17): True,
    (33, 12, 5, 64): False,
}


def _problem(kind, shape, dtype, seed=0):
    batch, steps, inputs, units = shape
    rng = np.random.default_rng(seed)
    drawn = KINDS[kind].draw(inputs, units, rng)
    cell = jax.tree.map(lambda leaf: (leaf + rng.normal(0, 0.1, leaf.shape)).astype(dtype), drawn)
    ends = (batch, units)
    shapes = (batch, steps, inputs), ends, (batch, steps, units), ends
    x, h, hs, end = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    return cell, x, (h, h / 2) if kind == "lstm" else h, hs, end, rng.random((batch, steps)) < 0.8


def _loss(cell, x, state, hs, end, present, forward_mode):
    last, found = run_cell(cell, state, x, present, forward_mode=forward_mode)
    return (found * hs).sum() + sum((leaf * end).sum() for leaf in jax.tree.leaves(last)), found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients_are_those_of_the_scan(kind, dtype):
    with jax.enable_x64(dtype == np.float64):
        slope = jax.jit(jax.value_and_grad(_loss, argnums=(0, 1, 2), has_aux=True), static_argnames="forward_mode")
        for shape, masked in SHAPES.items():
            cell, x, state, hs, end, present = _problem(kind, shape, dtype)
            given = cell, x, state, hs, end, present if masked else None
            # without the loss itself, a long sum in single precision
            ((_, *native), (_, *scan)) = (jax.tree.leaves(slope(*given, forward_mode=mode)) for mode in (False, True))
            for a, b in zip(native, scan, strict=True):
                assert a.dtype == dtype
                bound = (1e-12 if dtype == np.float64 else 5e-6) * max(1.0, np.abs(b).max())
                np.testing.assert_allclose(a, b, rtol=0, atol=bound, err_msg=str(shape))


def _text(kind, function, **options):
    cell, x, state, *_ = _problem(kind, (4, 6, 2, 8), np.float32)
    return jax.jit(lambda c, xs: function(c, state, xs, **options)).lower(cell, x).as_text()


@pytest.mark.parametrize("kind", KINDS)
def test_the_caller_says_which_path(kind):
    """The kernels, or the scan where it is asked for."""
    assert "recurra_forward_float32" in _text(kind, run_cell)
    assert "recurra_" not in _text(kind, run_cell, forward_mode=True)


def test_forms_that_the_kernels_do_not_know_are_scanned():
    rng, x = np.random.default_rng(0), np.ones((2, 3, 1))
    with jax.enable_x64(True):
        for cell in (
            LSTM.draw(1, 4, rng, peepholes=True),
            LSTM.draw(1, 4, rng, forget_gate=False),
            LSTM.draw(1, 4, rng).clamped(keep=1.0),
            GRU.draw(1, 4, rng, reset_after=False),
            Elman.draw(1, 4, rng, activation="softsign"),
            Elman.draw(1, 4, rng).with_dropout(jax.random.key(0), 0.5, 0.5),
        ):
            state = jax.tree.map(lambda leaf: jnp.stack([leaf] * 2), cell.initial_state())
            text = jax.jit(lambda c, s: run_cell(c, s, x)).lower(cell, state).as_text()
            assert "recurra_" not in text, cell


@pytest.mark.parametrize("activation", ["tanh", "relu", "identity", "logistic"])
def test_the_activations_of_the_vanilla_network(activation):
    rng = np.random.default_rng(3)
    with jax.enable_x64(True):
        cell = Elman.draw(2, 6, rng, activation)
        x = rng.normal(size=(3, 8, 2))
        slopes = [
            jax.jit(jax.grad(lambda c, m=mode: (run_cell(c, np.zeros((3, 6)), x, forward_mode=m)[1] ** 2).sum()))(cell)
            for mode in (False, True)
        ]
    for a, b in zip(*map(jax.tree.leaves, slopes), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_layers_masks_and_a_learned_start():
    """A stack of three layers, its state handed over, against single steps of the model."""
    with jax.enable_x64(True):
        model = LearnedStart.of(Stack.draw("lstm", 2, 2, units=5, layers=3, hidden=(4,), seed=1, precision="float64"))
        model = jax.tree.map(lambda leaf: leaf + 0.1, model)
        rng = np.random.default_rng(0)
        xs, present = rng.normal(size=(4, 9, 2)), rng.random((4, 9)) < 0.7
        run, step = eqx.filter_jit(model.run), eqx.filter_jit(model.step)
        middle, first = run(model.initial_states(4), xs[:, :5], present[:, :5])
        last, second = run(middle, xs[:, 5:], present[:, 5:])
        found = np.concatenate([first, second], axis=1)
        for k in range(4):
            state = model.initial_state()
            for t in range(9):
                if present[k, t]:
                    state, y = step(state, xs[k, t])
                    np.testing.assert_allclose(found[k, t], y, rtol=0, atol=1e-13)
            for a, b in zip(jax.tree.leaves(last), jax.tree.leaves(state), strict=True):
                np.testing.assert_allclose(a[k], b, rtol=0, atol=1e-13)


def test_it_can_be_mapped_over():
    """A caller's own `vmap` runs the kernel once for each, and gives each its gradient."""
    cell, x, state, *_ = _problem("gru", (3, 6, 2, 8), np.float32)
    many = np.stack([x, 2 * x, -x])
    slope = jax.jit(jax.grad(lambda c, xs: (run_cell(c, state, xs)[1] ** 2).sum()))
    mapped = jax.jit(jax.vmap(slope, in_axes=(None, 0)))(cell, many)
    for k, one in enumerate(many):
        for a, b in zip(jax.tree.leaves(mapped), jax.tree.leaves(slope(cell, one)), strict=True):
            np.testing.assert_allclose(a[k], b, rtol=1e-5, atol=1e-5)


def test_a_gradient_that_is_not_wanted_is_not_computed():
    """The input of the first layer is data: nothing of its size comes back."""
    cell, x, state, *_ = _problem("lstm", (4, 6, 2, 8), np.float32)

    def loss(c, xs):
        return run_cell(c, state, xs)[1].sum()

    alone = jax.jit(jax.grad(loss)).lower(cell, x).as_text()
    both = jax.jit(jax.grad(loss, argnums=(0, 1))).lower(cell, x).as_text()
    assert xla.available()
    call = next(line for line in alone.splitlines() if "recurra_backward" in line)
    assert "tensor<4x6x2xf32>" not in call.split("->")[-1]
    assert any("tensor<4x6x2xf32>" in line.split("->")[-1] for line in both.splitlines() if "recurra_backward" in line)
