"""Dropout: masks constant over a sequence, of mean one, and none outside training."""

import equinox as eqx
import jax
import numpy as np
import pytest

from recurra.cells import Dropped, Elman
from recurra.errors import ConfigError
from recurra.models import Dense, Graph, Stack, to_tensors

KINDS = ("tanh", "relu", "gru", "gru-before", "lstm")
XS = np.random.default_rng(1).normal(size=(9, 3))


def _rates(model, dropout, recurrent=0.0):
    return Stack(model.cells, model.readout, model.scale, dropout, recurrent)


def _masks(model):
    """Of every layer: what its inputs and its hidden activity are multiplied by."""
    return [
        [np.asarray(m.mask) if isinstance(m, Dropped) else np.ones(m.shape[1]) for m in (cell.U, cell.W)]
        for cell in model.cells
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_masked_model_is_one_whose_columns_are_left_out_at_every_step(kind, draw, papers):
    model = _rates(draw(kind, 3, 2, units=5, layers=2), 0.4, 0.5)
    with jax.enable_x64(True):
        masked = model.with_dropout(jax.random.key(3))
        outputs = eqx.filter_jit(lambda m, xs: m(xs))(masked, XS)
    assert not masked.drops
    masks = _masks(masked)
    cells = [
        eqx.tree_at(lambda c: (c.U, c.W), cell, (cell.U * own[0], cell.W * own[1]))
        for cell, own in zip(model.cells, masks, strict=True)
    ]
    assert {*np.unique(masks[0][0]), *np.unique(masks[1][0])} == {0, 1 / 0.6}
    assert {*np.unique(masks[0][1]), *np.unique(masks[1][1])} == {0, 2}
    expected = papers.unroll(Stack(tuple(cells), model.readout), XS)[1]
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-12)


def test_masks_have_mean_one_and_differ_between_layers_and_keys(draw):
    model = _rates(draw("gru", 40, 1, units=40, layers=2), 0.2, 0.3)
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(0), 2000)
        masks = np.asarray(
            jax.jit(jax.vmap(lambda key: [[c.U.mask, c.W.mask] for c in model.with_dropout(key).cells]))(keys)
        )  # (layer, U or W, key, unit)
    error = 4 / np.sqrt(2000 * 40)
    for which, rate in ((0, 0.2), (1, 0.3)):
        spread = np.sqrt(rate / (1 - rate))  # of one entry
        np.testing.assert_allclose(masks[:, which].mean(axis=(1, 2)), 1, atol=error * spread)
        np.testing.assert_allclose(masks[:, which].std(axis=(1, 2)), spread, rtol=0.02)
    assert (masks[0] != masks[1]).any(axis=-1).all()
    assert len(np.unique(masks.transpose(2, 0, 1, 3).reshape(2000, -1), axis=0)) == 2000


def test_the_mean_over_masks_of_a_linear_network_is_the_network_itself():
    rng = np.random.default_rng(0)
    cell = Elman(rng.normal(size=(4, 3)), rng.normal(size=(4, 4)) / 3, rng.normal(size=4), "identity")
    # Inputs: linear in the mask at any length. Hidden activity: as long as no path goes through it twice.
    for rates, steps in (((0.3, 0.0), 9), ((0.0, 0.3), 2), ((0.3, 0.3), 2)):
        model = Stack((cell,), (Dense(rng.normal(size=(1, 4)), np.zeros(1)),), None, *rates)
        with jax.enable_x64(True):
            run = jax.jit(jax.vmap(lambda key, m=model, n=steps: m.with_dropout(key)(XS[:n])[-1, 0]))
            sample = np.asarray(run(jax.random.split(jax.random.key(1), 20_000)))
            exact = float(model(XS[:steps])[-1, 0])
        assert abs(sample.mean() - exact) < 4 * sample.std() / np.sqrt(len(sample))
        assert sample.std() > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_may_drop_gives_the_same_bits_outside_training(kind, draw):
    model = draw(kind, 3, 2, layers=2)
    with jax.enable_x64(True):
        run = eqx.filter_jit(lambda m, xs: m(xs))
        plain, dropping = np.asarray(run(model, XS)), np.asarray(run(_rates(model, 0.5, 0.5), XS))
    assert plain.tobytes() == dropping.tobytes()
    assert list(to_tensors(model)) == list(to_tensors(_rates(model, 0.5, 0.5)))


def test_gradients_reach_the_weights_through_the_masks(draw):
    model = _rates(draw("lstm", 3, 2), 0.5)
    with jax.enable_x64(True):
        key = jax.random.key(2)
        mask = np.asarray(model.with_dropout(key).cells[0].U.mask)
        gradient = eqx.filter_jit(eqx.filter_grad(lambda m: (m.with_dropout(key)(XS) ** 2).sum()))(model)
    columns = np.abs(np.asarray(gradient.cells[0].U)).max(axis=0)
    assert ((columns > 0) == (mask > 0)).all()
    assert 0 < (mask > 0).sum() < 3


def test_a_graph_drops_in_its_cells():
    plan = [{"layer": "gru", "units": 6}, {"layer": "dense", "from": ["node0", "input"]}]
    graph = Graph.draw(plan, 3, 2, dropout=0.5, recurrent_dropout=0.5, precision="float64", seed=0)
    assert graph.drops
    with jax.enable_x64(True):
        masked = graph.with_dropout(jax.random.key(0))
    assert isinstance(masked.nodes[0].U, Dropped)
    assert isinstance(masked.nodes[0].W, Dropped)
    assert masked.nodes[1] is graph.nodes[1]
    assert not masked.drops


def test_a_cell_without_the_matrices_says_what_dropout_needs():
    class Bare(eqx.Module):
        A: np.ndarray

        def initial_state(self):
            return jax.numpy.zeros(2)

        def __call__(self, state, x):
            return self.A @ x

    graph = Graph.of(
        {"bare": Bare(np.eye(2)), "y": Dense(np.ones((1, 2)), np.zeros(1))}, {"bare": ["input"], "y": ["bare"]}
    )
    graph = Graph(graph.nodes, graph.wiring, None, 0.5)
    with pytest.raises(ConfigError, match="no matrix `U`"):
        graph.with_dropout(jax.random.key(0))
