"""A sequence row by row is the sequence at once, in the memory of one state."""

import subprocess
import sys

import numpy as np
import pytest

from recurra.forecasting.compiled import Compiled
from recurra.forecasting.stream import Stream

ROWS = 40
FLAT = """
import os
import numpy as np
from recurra.forecasting.stream import Stream
from recurra.models import Stack

def resident():
    return int(open("/proc/self/statm").read().split()[1])

stream, rng, pages = Stream(Stack.draw("gru", 1, 1, units=4, seed=0)), np.random.default_rng(0), []
while stream.rows < 1_000_000:
    last = stream.run(rng.normal(size=(10_000, 1)))
    pages.append(resident())
assert np.isfinite(last).all()
print(pages[0], max(pages))
"""


@pytest.fixture(scope="module")
def network(draw):
    return Compiled(draw("lstm", 2, 3, units=4))


def test_a_stream_is_the_batch(network):
    xs = np.random.default_rng(0).normal(size=(1, ROWS, 2))
    whole = network.run(network.initial_state(1), xs)[1][0]
    stream = Stream(network.model)
    by_row = np.stack([stream.step(x) for x in xs[0]])
    np.testing.assert_allclose(by_row, whole, rtol=0, atol=1e-14)
    stream.reset()
    in_chunks = np.concatenate([stream.run(xs[0, a:b]) for a, b in ((0, 20), (20, ROWS))])
    np.testing.assert_allclose(in_chunks, whole, rtol=0, atol=1e-14)
    assert stream.rows == ROWS


def test_a_stream_translates_what_it_is_given_and_gives(network):
    xs = np.random.default_rng(1).normal(size=(20, 2))
    plain, scaled = Stream(network.model), Stream(network.model, before=lambda x: x / 2, after=lambda y: 10 * y)
    np.testing.assert_array_equal(scaled.run(2 * xs), 10 * plain.run(xs))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the resident memory that Linux tells")
def test_memory_is_flat_from_ten_thousand_steps_to_a_million():
    done = subprocess.run([sys.executable, "-c", FLAT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, most = map(int, done.stdout.split())
    assert most < 1.05 * first
