"""A recurrent network is a feed-forward network whose layers share their weights."""

import jax
import numpy as np
import pytest

from recurra.diagnostics.bptt import backward, forward
from recurra.diagnostics.untied import Untied, tie
from recurra.errors import ConfigError, DataError
from recurra.models import with_output

STEPS = 12
WEIGHTS = ("U", "W", "b", "V", "c")


@pytest.fixture(scope="module")
def given(draw):
    """Model, inputs, errors, initial state."""
    rng = np.random.default_rng(0)
    model = with_output(draw("tanh", 3, 2, units=5), "logistic")
    return model, rng.normal(size=(STEPS, 3)), rng.normal(size=(STEPS, 2)), rng.normal(size=5)


def test_the_untied_network_runs_as_the_recurrent_one(given):
    model, xs, _, start = given
    untied = Untied.of(model, STEPS)
    assert len({id(layer.W) for layer in untied.layers}) == STEPS
    np.testing.assert_allclose(untied(xs, start), forward(model, xs, start).y, rtol=0, atol=1e-15)


def test_untied_gradients_sum_to_the_tied_one(given):
    model, xs, errors, start = given
    copies = Untied.of(model, STEPS).gradients(xs, errors, start)
    found, wanted = tie(copies), backward(forward(model, xs, start), errors).total
    for name in (*WEIGHTS, "h0"):
        a, b = getattr(found, name), getattr(wanted, name)
        assert np.abs(a - b).max() < 1e-13 * np.abs(b).max(), name


def test_the_gradient_of_every_copy_is_that_of_automatic_differentiation(given):
    model, xs, errors, start = given
    rng = np.random.default_rng(1)
    plain = Untied.of(model, STEPS)
    # Copies that are no longer equal: a feed-forward network with a hidden layer for every step.
    untied = plain.updated(tie(plain.gradients(xs, errors, start)), 0.01)
    stacked = {name: np.stack([getattr(each, name) for each in untied.layers]) for name in WEIGHTS}
    stacked = {name: value + rng.normal(0, 0.1, value.shape) for name, value in stacked.items()}
    layers = [type(untied.layers[0])(*(stacked[n][t] for n in WEIGHTS), "tanh", "logistic") for t in range(STEPS)]

    def loss(w):
        def layer(h, given):
            w, x, e = given
            h = jax.numpy.tanh(w["U"] @ x + w["W"] @ h + w["b"])
            return h, jax.nn.sigmoid(w["V"] @ h + w["c"]) @ e

        return jax.lax.scan(layer, start, (w, xs, errors))[1].sum()

    with jax.enable_x64(True):
        wanted = jax.tree.map(np.asarray, jax.jit(jax.grad(loss))(stacked))
    found = Untied(tuple(layers)).gradients(xs, errors, start)
    for name in WEIGHTS:
        a = np.stack([getattr(each, name) for each in found])
        assert np.abs(a - wanted[name]).max() < 1e-12 * np.abs(wanted[name]).max(), name


def test_constrained_updates_keep_all_copies_equal_bit_by_bit(given):
    model, xs, errors, start = given
    untied = Untied.of(model, STEPS)
    before = untied.layers[0].W
    for _ in range(25):
        untied = untied.updated(tie(untied.gradients(xs, errors, start)), 0.05)
    assert np.abs(untied.layers[0].W - before).max() > 0.01
    for layer in untied.layers[1:]:
        for name in WEIGHTS:
            np.testing.assert_array_equal(getattr(layer, name), getattr(untied.layers[0], name))


def test_what_does_not_fit_is_refused(given):
    model, xs, errors, _ = given
    with pytest.raises(ConfigError, match="`steps` is 0"):
        Untied.of(model, 0)
    with pytest.raises(DataError, match=r"\(11, 3\): this network is unrolled over 12 steps of 3 inputs"):
        Untied.of(model, STEPS)(xs[1:])
    with pytest.raises(DataError, match="one error for each output"):
        Untied.of(model, STEPS).gradients(xs, errors[1:])
