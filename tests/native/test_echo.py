"""The echo state kernels against a loop in float64 that knows nothing of them, on every instruction set that runs."""

import dataclasses
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.errors import ConfigError, DataError
from recurra.native import echo, status
from recurra.native.status import kernels

pytestmark = pytest.mark.skipif(not status().active, reason="the native kernels do not run")

ATOL = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 5e-6}  # of the largest entry
ISAS = kernels().runnable() if status().active else []


@contextmanager
def using(isa):
    before = kernels().isa()
    kernels().use(isa)
    try:
        yield
    finally:
        kernels().use(before)


def assert_close(found, expected, dtype):
    assert found.shape == expected.shape
    assert np.abs(found - expected).max(initial=0) <= ATOL[np.dtype(dtype)] * max(1.0, np.abs(expected).max(initial=0))


@dataclasses.dataclass
class Case:
    """A reservoir, packed, and its dense W."""

    packed: echo.Reservoir
    W: np.ndarray


def draw(wiring, units, inputs, degree, leak, dtype, rng):
    degree, W = min(degree, units), np.zeros((units, units))
    columns, starts = np.zeros(0, np.int32), np.arange(units + 1) * units
    if wiring == "sparse":  # rows of any length, empty ones among them
        rows = [np.sort(rng.choice(units, rng.integers(0, degree + 1), replace=False)) for _ in range(units)]
        columns, starts = np.concatenate(rows), np.concatenate([[0], np.cumsum([len(row) for row in rows])])
        for i, row in enumerate(rows):
            W[i, row] = rng.uniform(-1, 1, len(row))
        values = np.concatenate([W[i, row] for i, row in enumerate(rows)])
    elif wiring == "shifts":
        columns, starts = rng.choice(units, degree, replace=False), np.arange(units + 1) * degree
        for i in range(units):
            W[i, (i + columns) % units] = rng.uniform(-1, 1, degree)
        values = np.stack([W[i, (i + columns) % units] for i in range(units)]).ravel()
    else:
        W = rng.uniform(-1, 1, (units, units)) / np.sqrt(units)
        values = W.ravel()
    W, values = (part.astype(dtype) for part in (W, values))
    parts = rng.uniform(-1, 1, (units, inputs)).astype(dtype), rng.uniform(-1, 1, units).astype(dtype)
    return Case(echo.Reservoir(wiring, values, columns, starts, *parts, leak), W.astype(np.float64))


def step(case, h, x):
    """h' = (1 - a) h + a tanh(W h + W_in x + b)."""
    packed = case.packed
    new = np.tanh(case.W @ h + packed.W_in.astype(np.float64) @ x + packed.b)
    return (1 - packed.leak) * h + packed.leak * new


def outputs(readout, at, h, seen):
    """c + V [x_t; x_{t-1}; ...] + A h + Q h^2 (+ x)."""
    taps = readout.inputs.shape[2]
    y = readout.constant[at] + readout.states[at] @ h
    if taps:
        y = y + readout.inputs[at] @ np.concatenate(seen)[:taps]
    if readout.squares is not None:
        y = y + readout.squares[at] @ h**2
    return y + seen[0][: len(y)] if readout.increment else y


@st.composite
def cases(draw_from):
    return {
        "wiring": draw_from(st.sampled_from(sorted(echo.WIRINGS))),
        "units": draw_from(st.integers(1, 70)),
        "inputs": draw_from(st.integers(1, 5)),
        "degree": draw_from(st.integers(1, 12)),
        "leak": draw_from(st.sampled_from([1.0, 0.3])),
        "dtype": draw_from(st.sampled_from([np.float32, np.float64])),
        "rng": np.random.default_rng(draw_from(st.integers(0, 2**32 - 1))),
    }


def draw_readout(case, rng, channels, lags, squared, sets=1, increment=False):
    units, inputs = case.packed.units, case.packed.inputs
    size = 0.3 / np.sqrt(units)
    return echo.Readout(
        rng.standard_normal((sets, channels)),
        0.1 * rng.standard_normal((sets, channels, lags * inputs)),
        size * rng.standard_normal((sets, channels, units)),
        size * rng.standard_normal((sets, channels, units)) if squared else None,
        increment,
    )


@pytest.mark.parametrize("isa", ISAS)
@settings(max_examples=60, deadline=None)
@given(options=cases(), steps=st.integers(0, 12), count=st.integers(1, 3), shared=st.booleans())
def test_harvests_are_the_loop(isa, options, steps, count, shared):
    rng, dtype = options["rng"], options["dtype"]
    each = [draw(**options) for _ in range(count)]
    h = rng.uniform(-1, 1, (count, options["units"])).astype(dtype)
    x = rng.standard_normal((1 if shared else count, steps, options["inputs"]))
    with using(isa):
        states, last = echo.harvest([case.packed for case in each], h, x)
    for k, case in enumerate(each):
        now = h[k].astype(np.float64)
        for t in range(steps):
            now = step(case, now, x[0 if shared else k, t].astype(dtype).astype(np.float64))
            assert_close(states[k, t], now, dtype)
        assert_close(last[k], now, dtype)
    assert states.dtype == last.dtype == dtype


@pytest.mark.parametrize("isa", ISAS)
@settings(max_examples=60, deadline=None)
@given(
    options=cases(),
    steps=st.integers(1, 6),
    per_set=st.sampled_from([1, 2, 3, 9, 17, 40]),
    sets=st.integers(1, 3),
    lags=st.integers(0, 3),
    squared=st.booleans(),
    increment=st.booleans(),
    closed=st.booleans(),
)
def test_batches_are_loops(isa, options, steps, per_set, sets, lags, squared, increment, closed):
    rng, dtype, inputs = options["rng"], options["dtype"], options["inputs"]
    case, batch = draw(**options), sets * per_set
    channels = int(rng.integers(1, inputs + 1))
    readout = draw_readout(case, rng, channels, lags, squared, sets, increment)
    h = rng.uniform(-1, 1, (batch, options["units"])).astype(dtype)
    recent = rng.standard_normal((batch, max(0, lags - 1) * inputs))
    x, last = rng.standard_normal((batch, steps, inputs)), rng.standard_normal((batch, channels))
    with using(isa):
        if closed:
            found = echo.free_run(case.packed, readout, h, recent, last, x[:, :, channels:], bound=1e6)
        else:
            found = echo.run(case.packed, readout, h, recent, x)
    for b in range(batch):
        now, seen = h[b].astype(np.float64), list(recent[b].reshape(-1, inputs))
        for t in range(steps):
            if closed:
                x[b, t, :channels] = last[b]
            seen = [x[b, t], *seen]
            now = step(case, now, x[b, t].astype(dtype).astype(np.float64))
            last[b] = outputs(readout, b // per_set, now, seen)
            assert_close(found.y[b, t], last[b], dtype)
        assert_close(found.h[b], now, dtype)
        kept = np.concatenate([*seen, []])[: recent.shape[1]]
        assert_close(found.recent[b], kept, dtype if closed else np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("units", [5, 16, 61])
def test_shifts_are_their_dense_matrix(units, dtype):
    rng = np.random.default_rng(0)
    case = draw("shifts", units, 2, 4, 0.5, dtype, rng)
    packed = case.packed
    whole = echo.Reservoir(
        "dense",
        case.W.astype(dtype).ravel(),
        np.zeros(0, int),
        np.arange(units + 1) * units,
        packed.W_in,
        packed.b,
        0.5,
    )
    h, x = rng.uniform(-1, 1, (1, units)).astype(dtype), rng.standard_normal((1, 30, 2))
    one, other = (echo.harvest([each], h, x)[0] for each in (packed, whole))
    assert_close(one, other.astype(np.float64), dtype)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("wiring", sorted(echo.WIRINGS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_bits_do_not_depend_on_the_threads(isa, wiring, dtype):
    """Enough work for several threads; a batch runs in lanes, and so does every part of it."""
    rng = np.random.default_rng(1)
    case = draw(wiring, 90, 2, 9, 0.7, dtype, rng)
    readout = draw_readout(case, rng, 2, 1, False, sets=7)
    h, last = rng.uniform(-1, 1, (70, 90)), rng.standard_normal((70, 2))
    many = [draw(wiring, 90, 2, 9, 0.7, dtype, rng).packed for _ in range(9)]
    x = rng.standard_normal((1, 900, 2))
    with using(isa):
        loops = [
            echo.free_run(case.packed, readout, h, h[:, :0], last, np.zeros((70, 200, 0)), bound=1e6, workers=n)
            for n in (1, 2, 5)
        ]
        states = [echo.harvest(many, h[:9].astype(dtype), x, workers=n)[0] for n in (1, 2, 5)]
    for k in (1, 2):
        np.testing.assert_array_equal(loops[0].y, loops[k].y)
        np.testing.assert_array_equal(loops[0].h, loops[k].h)
        np.testing.assert_array_equal(states[0], states[k])


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch", [1, 20])
def test_a_nan_comes_through_and_no_further_than_it_reaches(isa, dtype, batch):
    """On a ring of 40 units a NaN in unit 3 is in units 4, 5, ... one step later each, and in what reads them."""
    units, starts = 40, np.arange(41)
    values, shift = np.full(units, 0.9, dtype), np.array([units - 1])
    parts = values, (np.arange(units) - 1) % units, starts, np.zeros((units, 1), dtype), np.zeros(units, dtype), 1.0
    h = np.zeros((batch, units), dtype)
    h[:, 3] = np.nan
    readout = echo.Readout(np.zeros((1, 1)), np.zeros((1, 1, 1)), np.ones((1, 1, units)))
    for wiring in ("sparse", "shifts"):
        reservoir = echo.Reservoir(wiring, parts[0], shift if wiring == "shifts" else parts[1], *parts[2:])
        with using(isa):
            found = echo.run(reservoir, readout, h, h[:, :0], np.zeros((batch, 5, 1)))
        assert np.isnan(found.y).all()
        np.testing.assert_array_equal(np.isnan(found.h), np.tile(np.arange(units) == 8, (batch, 1)))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("batch", [1, 20])
def test_a_loop_that_runs_away_is_held_and_one_that_is_lost_stays_lost(isa, batch):
    case = draw("sparse", 12, 1, 3, 1.0, np.float64, np.random.default_rng(2))
    up = echo.Readout(np.zeros((1, 1)), np.full((1, 1, 1), 50.0), np.zeros((1, 1, 12)))
    h, last = np.zeros((batch, 12)), np.ones((batch, 1))
    last[0] = -1.0
    with using(isa):
        found = echo.free_run(case.packed, up, h, h[:, :0], last, np.zeros((batch, 9, 0)), bound=1e6)
        lost = echo.free_run(case.packed, up, h, h[:, :0], last * np.nan, np.zeros((batch, 9, 0)), bound=1e6)
    expected = np.minimum(50.0 ** np.arange(1, 10), 1e6)
    np.testing.assert_allclose(found.y[-1, :, 0], expected if batch > 1 else -expected)
    np.testing.assert_allclose(found.y[0, :, 0], -expected)
    assert np.isnan(lost.y).all()


def test_what_does_not_fit_is_refused():
    rng = np.random.default_rng(3)
    case = draw("sparse", 12, 2, 3, 1.0, np.float64, rng)
    good = {f.name: getattr(case.packed, f.name) for f in dataclasses.fields(case.packed) if f.init}
    with pytest.raises(ConfigError, match="wiring"):
        echo.Reservoir(**{**good, "wiring": "ring"})
    with pytest.raises(DataError, match="all in one"):
        echo.Reservoir(**{**good, "b": good["b"].astype(np.float32)})
    with pytest.raises(DataError, match="columns"):
        echo.Reservoir(**{**good, "columns": good["columns"] + 12})
    with pytest.raises(DataError, match="rows"):
        echo.Reservoir(**{**good, "b": good["b"][1:]})
    readout, h = draw_readout(case, rng, 1, 2, False), np.zeros((4, 12))
    with pytest.raises(DataError, match="recent"):
        echo.run(case.packed, readout, h, h[:, :0], np.zeros((4, 3, 2)))
    with pytest.raises(DataError, match="`x`"):
        echo.run(case.packed, readout, h, h[:, :2], np.zeros((4, 3, 1)))
    with pytest.raises(DataError, match="sequences"):
        echo.run(case.packed, draw_readout(case, rng, 1, 2, False, sets=3), h, h[:, :2], np.zeros((4, 3, 2)))
    with pytest.raises(DataError, match="do not fit"):
        echo.harvest([case.packed], h, np.zeros((1, 3, 2)))
    with pytest.raises(DataError, match="`out`"):
        echo.harvest([case.packed], h[:1], np.zeros((1, 3, 2)), out=np.empty((1, 4, 12)))
    with pytest.raises(DataError, match="together"):
        echo.harvest([case.packed, draw("sparse", 13, 2, 3, 1.0, np.float64, rng).packed], h[:2], np.zeros((1, 3, 2)))
