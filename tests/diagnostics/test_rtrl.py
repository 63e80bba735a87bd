"""Real-time recurrent learning finds what backpropagation through time finds."""

import numpy as np
import pytest

from recurra.diagnostics.bptt import backward, forward
from recurra.diagnostics.rtrl import real_time_gradients
from recurra.models import with_output


@pytest.mark.parametrize("output", ["identity", "softmax"])
def test_real_time_recurrent_learning_is_backpropagation_through_time(output, draw):
    rng = np.random.default_rng(0)
    tape = forward(with_output(draw("tanh", 3, 2, units=8), output), rng.normal(size=(20, 3)), rng.normal(size=8))
    errors = rng.normal(size=(20, 2))
    found, wanted = real_time_gradients(tape, errors), backward(tape, errors).total
    for name in ("U", "W", "b", "V", "c", "h0"):
        a, b = getattr(found, name), getattr(wanted, name)
        assert np.abs(a - b).max() < 1e-12 * np.abs(b).max(), name
