"""The kernels of maps on delayed rows against a loop in NumPy that knows nothing of them, on every instruction set."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recurra._types import LOST
from recurra.errors import ConfigError, DataError
from recurra.native import delays, status

pytestmark = [
    pytest.mark.usefixtures("isa"),
    pytest.mark.skipif(not status().active, reason="the native kernels do not run"),
]

ROOT5 = np.sqrt(5)
KERNELS = {
    "gaussian": (-0.5, lambda r: np.exp(-(r**2) / 2)),
    "matern-5/2": (5.0, lambda r: (1 + ROOT5 * r + 5 * r**2 / 3) * np.exp(-ROOT5 * r)),
}


class Loop:
    """Functions as the kernels take them, and the values of all of them at a delay vector."""

    def __init__(self, name, variables, rng):
        self.shift, self.scale = rng.uniform(-1, 1, variables), rng.uniform(1, 2, variables)
        if name == "polynomials":
            self.draw_products(variables, rng)
            return
        factor, function = KERNELS[name]
        c = rng.uniform(-2, 2, (rng.integers(1, 40), variables))
        rows = np.concatenate([-2 * factor * c, factor * np.sum(c**2, axis=1)[:, None]], axis=1)
        self.packed = delays.Basis(name, self.shift, self.scale, factor, rows)
        self.values = lambda z: np.array([function(np.linalg.norm(z - each)) for each in c])

    def draw_products(self, variables, rng):
        """Chebyshev polynomials, w^k T_k, and each function one of them times an earlier function."""
        size, degree, w = int(rng.integers(1, 40)), int(rng.integers(1, 6)), 0.25
        earlier = np.array([rng.integers(0, j + 1) for j in range(size)], np.int32)
        k, variable = rng.integers(0, degree + 1, size), rng.integers(0, variables, size)
        last = (k * variables + variable).astype(np.int32)
        self.packed = delays.Basis(
            "polynomials", self.shift, self.scale, w**2, degree=degree, earlier=earlier, last=last
        )

        def values(z):
            found = [1.0]
            for j in range(size):
                power = w ** k[j] * np.polynomial.chebyshev.chebval(z[variable[j]] / w, np.eye(degree + 1)[k[j]])
                found.append(found[earlier[j]] * power)
            return np.array(found[1:])

        self.values = values

    def __call__(self, x):
        return self.values((x - self.shift) / self.scale)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(delays.BASES)),
    lags=st.integers(1, 4),
    stride=st.integers(1, 3),
    channels=st.integers(1, 2),
    driven=st.integers(0, 2),
    per_set=st.sampled_from([1, 2, 3, 9, 17, 40]),
    sets=st.integers(1, 3),
    increment=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_closed_loops_are_loops(name, lags, stride, channels, driven, per_set, sets, increment, seed):
    rng, steps, batch, features = np.random.default_rng(seed), 6, sets * per_set, channels + driven
    loop = Loop(name, lags * features, rng)
    size = loop.packed.size
    coefficients = rng.standard_normal((sets, channels, 1 + size)) / (1 + size)
    state = rng.uniform(-1, 1, (batch, (lags - 1) * stride, features))
    last, drive = rng.uniform(-1, 1, (batch, channels)), rng.uniform(-1, 1, (batch, steps, driven))
    options = {"lags": lags, "stride": stride, "increment": increment, "bound": 1.5}
    found = delays.free_run(loop.packed, coefficients, state, last, drive, **options)
    for b in range(batch):
        past, y, V = list(state[b]), last[b], coefficients[b // per_set]
        for t in range(steps):
            past.append(np.concatenate([y, drive[b, t]]))
            x = np.concatenate([past[len(past) - 1 - k * stride] for k in range(lags)])
            y = np.clip(V[:, 0] + V[:, 1:] @ loop(x) + (y if increment else 0.0), -1.5, 1.5)
            np.testing.assert_allclose(found[b, t], y, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", sorted(delays.BASES))
def test_threads_change_no_bit_and_what_is_no_number_comes_through(name):
    rng = np.random.default_rng(0)
    loop = Loop(name, 2, rng)
    arrays = rng.normal(0, 0.1, (2, 1, 1 + loop.packed.size)), rng.normal(0, 1, (80, 3, 1)), rng.normal(0, 1, (80, 1))
    arrays[2][5] = np.nan
    options = {"lags": 2, "stride": 3, "increment": True, "bound": LOST}
    drive = np.zeros((80, 400, 0))
    one, four = (delays.free_run(loop.packed, *arrays, drive, workers=workers, **options) for workers in (1, 4))
    assert one.tobytes() == four.tobytes()
    assert np.isnan(one).all(axis=(1, 2)).nonzero()[0].tolist() == [5]


def test_what_does_not_fit_is_refused():
    rng = np.random.default_rng(0)
    loop = Loop("gaussian", 2, rng)
    size = loop.packed.size
    fitting = {
        "coefficients": np.zeros((2, 1, 1 + size)),
        "state": np.zeros((4, 1, 1)),
        "last": np.zeros((4, 1)),
        "drive": np.zeros((4, 3, 0)),
    }
    options = {"lags": 2, "stride": 1, "increment": False, "bound": LOST}
    assert delays.free_run(loop.packed, **fitting, **options).shape == (4, 3, 1)
    assert delays.free_run(loop.packed, **fitting | {"drive": np.zeros((4, 0, 0))}, **options).shape == (4, 0, 1)
    wrong = {"coefficients": np.zeros((2, 1, size)), "state": np.zeros((4, 2, 1)), "last": np.zeros((3, 1))}
    for name, array in wrong.items():
        with pytest.raises(DataError, match=f"`{name}` has the shape"):
            delays.free_run(loop.packed, **fitting | {name: array}, **options)
    with pytest.raises(DataError, match="do not fit 3 rows"):
        delays.free_run(loop.packed, **fitting | {"state": np.zeros((4, 2, 1))}, **options | {"lags": 3})
    with pytest.raises(DataError, match="do not fit"):
        delays.free_run(loop.packed, **fitting | {"coefficients": np.zeros((3, 1, 1 + size))}, **options)


def test_functions_that_cannot_be_are_refused():
    one, zero = np.ones(1), np.zeros(1, np.int32)
    with pytest.raises(ConfigError, match="`name` is one of"):
        delays.Basis("cubic", one, one, 1.0)
    with pytest.raises(DataError, match="do not fit together"):
        delays.Basis("gaussian", one, one, -0.5, np.zeros((3, 3)))
    for earlier, last in ((zero + 1, zero), (zero, zero + 2), (zero - 1, zero), (zero, np.zeros(2, np.int32))):
        with pytest.raises(DataError, match="do not fit together"):
            delays.Basis("polynomials", one, one, 0.25, degree=1, earlier=earlier, last=last)
