"""The native path of the reservoirs against the NumPy path: harvests, batches, closed loops, both precisions."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse

from recurra.errors import DataError
from recurra.native import status
from recurra.reservoirs import TOPOLOGIES, EchoState, draw_reservoir, harvest_many, running
from recurra.reservoirs.features import READOUT_FEATURES, feature_count

UNITS, CHANNELS, DRIVE = 43, 2, 1
ATOL = {"float64": 1e-12, "float32": 5e-6}
precisions = pytest.mark.parametrize("precision", sorted(ATOL))


def draw(topology="random", leak=0.7, seed=1, precision="float64"):
    options = {"spectral_radius": 0.8, "in_degree": 6, "input_scaling": 0.5, "bias_scaling": 0.5, "jump": 4}
    return draw_reservoir(UNITS, CHANNELS + DRIVE, topology=topology, leak=leak, seed=seed, **options).astype(precision)


@pytest.fixture
def pure(monkeypatch):
    """Switches the kernels off where it is called."""

    def off(work):
        with monkeypatch.context() as here:
            here.setattr(running, "_packed", {})
            here.setattr(running, "status", lambda: type(status())(False, "for this test"))
            return work()

    return off


@precisions
@pytest.mark.parametrize("topology", [*sorted(TOPOLOGIES), "array"])
@pytest.mark.parametrize("leak", [1.0, 0.4])
def test_harvests_agree(topology, leak, precision, pure):
    rng = np.random.default_rng(0)
    reservoir = draw("random" if topology == "array" else topology, leak, precision=precision)
    if topology == "array":
        reservoir = type(reservoir)(reservoir.W.toarray(), reservoir.W_in, reservoir.b, leak)
    start, inputs = rng.uniform(-1, 1, UNITS), rng.standard_normal((50, CHANNELS + DRIVE))
    states, batch = rng.uniform(-1, 1, (7, UNITS)), rng.standard_normal((7, CHANNELS + DRIVE))
    for found, expected in (
        (reservoir.harvest(start, inputs), pure(lambda: reservoir.harvest(start, inputs))),
        (reservoir.step(states, batch), pure(lambda: reservoir.step(states, batch))),
    ):
        assert found.dtype == expected.dtype == precision
        np.testing.assert_allclose(found, expected, rtol=0, atol=ATOL[precision])


@precisions
@pytest.mark.parametrize("features", sorted(READOUT_FEATURES))
@pytest.mark.parametrize("lags", [0, 1, 3])
@pytest.mark.parametrize("batch", [1, 12])
def test_networks_agree(features, lags, batch, precision, pure):
    """Forced over many steps, free over few, for the loops are chaotic."""
    rng = np.random.default_rng(2)
    width = 1 + lags * (CHANNELS + DRIVE) + feature_count(UNITS, features)
    for increment in (False, True):
        stack = 0.1 * rng.standard_normal((2 if batch > 1 else 1, CHANNELS, width))
        network = EchoState(draw(precision=precision), stack, lags, increment, features)
        warm, drive = rng.standard_normal((batch, 20, CHANNELS + DRIVE)), rng.standard_normal((batch, 4, DRIVE))

        def run(network=network, warm=warm, drive=drive):
            state, forced = network.run(network.initial_state(batch), warm)
            warmed = network.warm(network.initial_state(batch), warm)
            after, free = network.free_run(state, warm[:, -1, :CHANNELS], drive)
            return state, forced, warmed, after, free

        for found, expected in zip(run(), pure(run), strict=True):
            largest = max(1.0, np.abs(expected).max())
            np.testing.assert_allclose(found, expected, rtol=0, atol=ATOL[precision] * largest)


@precisions
def test_many_at_once_are_each_alone(precision, pure):
    rng = np.random.default_rng(3)
    reservoirs = [draw(seed=seed, precision=precision) for seed in range(5)]
    states, inputs = rng.uniform(-1, 1, (5, UNITS)), rng.standard_normal((30, CHANNELS + DRIVE))
    found = harvest_many(reservoirs, states, inputs)
    for k, reservoir in enumerate(reservoirs):
        np.testing.assert_array_equal(found[k], reservoir.harvest(states[k], inputs))
    expected = pure(lambda: harvest_many(reservoirs, states, inputs))
    np.testing.assert_allclose(found, expected, rtol=0, atol=ATOL[precision])
    out = np.empty_like(found)
    assert harvest_many(reservoirs, states, np.stack([inputs] * 5), out) is out
    np.testing.assert_array_equal(out, found)


def test_reservoirs_that_differ_do_not_run_together():
    with pytest.raises(DataError, match="precision"):
        harvest_many([draw(), draw(precision="float32")], np.zeros((2, UNITS)), np.zeros((3, 3)))


@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
def test_shifts_are_found_in_the_matrix_alone(topology):
    """Of the topologies a ring and a k-shift reservoir are of this form; the rows say W again."""
    W = draw(topology).W
    found = running._shifts(scipy.sparse.csr_array((W.data, W.indices, W.indptr), shape=W.shape))
    assert (found is not None) == (topology in ("ring", "k-shift"))
    if found is not None:
        values, shifts = found
        rows = np.arange(UNITS)[:, None]
        dense = np.zeros((UNITS, UNITS))
        dense[rows, (rows + shifts) % UNITS] = values.reshape(UNITS, -1)
        np.testing.assert_array_equal(dense, W.toarray())


def test_a_reservoir_that_has_run_can_be_copied_and_kept():
    reservoir, inputs = draw(), np.ones((4, CHANNELS + DRIVE))
    states = reservoir.harvest(np.zeros(UNITS), inputs)
    for again in (copy.deepcopy(reservoir), pickle.loads(pickle.dumps(reservoir))):
        np.testing.assert_array_equal(again.harvest(np.zeros(UNITS), inputs), states)


def test_reservoirs_run_without_jax():
    program = (
        "import sys, numpy as np, recurra.reservoirs as r\n"
        "scales = {'spectral_radius': 0.9, 'input_scaling': 1, 'bias_scaling': 0, 'leak': 1}\n"
        "one = r.draw_reservoir(30, 1, in_degree=3, seed=0, **scales)\n"
        "one.harvest(np.zeros(30), np.ones((5, 1)))\n"
        "print('jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
