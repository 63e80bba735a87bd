"""Networks that were trained to remember bits: where they rest, as Sussillo and Barak (2013) found of theirs."""

import jax
import numpy as np
from jax.tree_util import Partial

import recurra as rc
from recurra import tasks
from recurra.diagnostics import fixed_points
from recurra.models import in_precision


def quiet(model, x, state):
    return model.step(state, x)[0]


def test_three_flip_flops_rest_at_the_corners_the_edges_the_faces_and_the_centre_of_a_cube():
    """Eight stable points, and saddles between them: as many unstable directions as outputs that are zero."""
    train = tasks.flip_flop(64, 100, bits=3, seed=0)
    settings = {"units": 16, "epochs": 600, "learning_rate": 1e-2, "final_learning_rate": 1e-4, "seed": 0}
    model = rc.Sequences(task=train.task, cell="elman", **settings).fit(train.inputs, train.targets)
    network = in_precision(model.network_.model, "float64")
    zero, *seen = model.inputs_.code([np.zeros((1, 3)), *train.inputs[:6]], "inputs")
    with jax.enable_x64(True):
        visited = jax.lax.scan(lambda h, x: (network.step(h, x)[0],) * 2, network.initial_state(), np.concatenate(seen))
        states = jax.tree.map(np.asarray, visited[1])
    mixed = np.random.default_rng(0).permutation(600)
    starts = jax.tree.map(lambda h: np.concatenate([h, (h + h[mixed]) / 2]), states)
    found = fixed_points(Partial(quiet, network, zero[0]), starts)
    with jax.enable_x64(True):
        said = model.targets_.values(np.asarray(jax.vmap(lambda h: network.step(h, zero[0])[1])(found.states)))
    unstable = (np.abs(found.multipliers) > 1).sum(axis=1)
    assert np.bincount(unstable).tolist() == [8, 12, 6, 1]
    corners = said[found.stable]
    np.testing.assert_allclose(np.abs(corners), 1.0, atol=0.05)
    assert len({tuple(row) for row in np.sign(corners).tolist()}) == 8
    np.testing.assert_array_equal((np.abs(said) < 0.5).sum(axis=1), unstable)
