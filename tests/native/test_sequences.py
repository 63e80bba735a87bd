"""The kernels of the layers against loops over single steps, and their derivatives against complex steps of these."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recurra.errors import ConfigError, DataError
from recurra.native.sequences import ACTIVATIONS, GATES, Along, Weights, backward, forward, tangent

NAMES = ("x", "h", "c", "U", "W", "b", "d")
STEP = 1e-30  # of the complex step: its square is nothing


def _logistic(a):
    return 1 / (1 + np.exp(-a))


def _squash(name, a):
    if name == "relu":
        return np.where(a.real > 0, a, 0)
    return {"tanh": np.tanh, "identity": np.asarray, "logistic": _logistic}[name](a)


def _step(cell, activation, p, x, h, c):
    """One step of the equations in the docstrings of the cells, for one datum."""
    n = len(h)
    u, w = p["U"] @ x + p["b"], p["W"] @ h
    if cell == "elman":
        return _squash(activation, u + w), c
    if cell == "gru":
        w = w + p["d"]
        z, r = _logistic((u + w)[:n]), _logistic((u + w)[n : 2 * n])
        return z * h + (1 - z) * np.tanh(u[2 * n :] + r * w[2 * n :]), c
    i, f, g, o = np.split(u + w, 4)
    c = _logistic(f) * c + _logistic(i) * np.tanh(g)
    return _logistic(o) * np.tanh(c), c


def _loop(cell, activation, p, present):
    """Every h, and the last h and c; complex, whatever goes in."""
    batch, steps, _ = p["x"].shape
    hs = np.empty((batch, steps, p["h"].shape[1]), complex)
    ends = []
    for k in range(batch):
        h, c = p["h"][k], p["c"][k]
        for t in range(steps):
            if present[k, t]:
                h, c = _step(cell, activation, p, p["x"][k, t], h, c)
            hs[k, t] = h
        ends.append((h, c))
    return hs, np.array([h for h, _ in ends], complex), np.array([c for _, c in ends], complex)


def _problem(cell, batch, steps, inputs, units, seed):
    """Everything that goes in, what the outputs are multiplied by, and which steps there are."""
    rng, rows = np.random.default_rng(seed), GATES[cell] * units
    shapes = {"x": (batch, steps, inputs), "h": (batch, units), "c": (batch, units)}
    shapes |= {"U": (rows, inputs), "W": (rows, units), "b": (rows,), "d": (rows,)}
    p = {name: rng.normal(0, 0.7, shape).astype(np.float32).astype(np.float64) for name, shape in shapes.items()}
    given = [rng.normal(size=shape) for shape in ((batch, steps, units), (batch, units), (batch, units))]
    return p, given, rng.random((batch, steps)) < 0.8


def _weights(cell, activation, p):
    return Weights(cell, p["U"], p["W"], p["b"], p["d"] if cell == "gru" else None, activation)


def _run(cell, activation, p, given, present, dtype=np.float64, workers=1):
    p = {name: part.astype(dtype) for name, part in p.items()}
    weights, lstm = _weights(cell, activation, p), cell == "lstm"
    found = forward(weights, p["x"], p["h"], p["c"] if lstm else None, present=present, workers=workers)
    dhs, dh, dc = (part.astype(dtype) for part in given)
    slope = backward(weights, p["x"], found.tape, dhs, dh, dc if lstm else None, present=present, workers=workers)
    return found, slope


def _used(cell):
    return [name for name in NAMES if (name != "c" or cell == "lstm") and (name != "d" or cell == "gru")]


def _check_gradient(kind, p, given, present, slope, seed):
    """All of a gradient along a random direction, against complex steps of the loop."""
    cell, activation = kind
    rng = np.random.default_rng(seed)
    for name in _used(cell):
        direction = rng.normal(size=p[name].shape)
        ends = _loop(cell, activation, p | {name: p[name] + 1j * STEP * direction}, present)
        parts = zip(given, ends, strict=True) if cell == "lstm" else zip(given[:2], ends[:2], strict=True)
        expected = sum(float((weight * end.imag / STEP).sum()) for weight, end in parts)
        terms = getattr(slope, name) * direction
        assert abs(terms.sum() - expected) <= 1e-12 * (np.abs(terms).sum() + abs(expected)), name


cells = st.sampled_from([("gru", "tanh"), ("lstm", "tanh"), *(("elman", name) for name in ACTIVATIONS)])
sizes = {"batch": st.integers(1, 20), "steps": st.integers(1, 6), "inputs": st.integers(1, 19)}


@given(kind=cells, **sizes, units=st.integers(1, 40), seed=st.integers(0, 2**31))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_shape_gives_the_loop_and_its_gradient(isa, kind, batch, steps, inputs, units, seed):
    cell, activation = kind
    p, given, present = _problem(cell, batch, steps, inputs, units, seed)
    found, slope = _run(cell, activation, p, given, present)
    hs, h, c = (end.real for end in _loop(cell, activation, p, present))
    np.testing.assert_allclose(found.hs, hs, rtol=0, atol=1e-12 * np.abs(hs).max())
    np.testing.assert_allclose(found.h, h, rtol=0, atol=1e-12 * np.abs(hs).max())
    if cell == "lstm":
        np.testing.assert_allclose(found.c, c, rtol=0, atol=1e-12 * np.abs(c).max())
    _check_gradient(kind, p, given, present, slope, seed)


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("shape", [(3, 150, 5, 16), (70, 30, 5, 48)])
def test_sums_in_parts_are_those_over_all_rows(isa, cell, shape):
    """Many steps of few sequences, whose gates are summed up a few steps at a time; and parts of a larger batch."""
    p, given, present = _problem(cell, *shape, 5)
    p["W"] /= 4  # so that nothing grows
    alone, slope = (_run(cell, "tanh", p, given, present, workers=workers)[1] for workers in (1, 3))
    for name in _used(cell):
        np.testing.assert_array_equal(getattr(alone, name), getattr(slope, name))
    _check_gradient((cell, "tanh"), p, given, present, slope, 6)


def _pushed(cell, activation, p, direction, present, dtype=np.float64, workers=1):
    """The tangent along a direction, by a tape that stays as it is."""
    p = {name: part.astype(dtype) for name, part in p.items()}
    weights, c = _weights(cell, activation, p), p["c"] if cell == "lstm" else None
    tape = forward(weights, p["x"], p["h"], c, present=present, workers=workers).tape
    along, before = Along(**{name: part.astype(dtype) for name, part in direction.items()}), tape.copy()
    found = tangent(weights, p["x"], tape, along, present=present, workers=workers)
    np.testing.assert_array_equal(tape, before)
    return found


@given(kind=cells, **sizes, units=st.integers(1, 40), seed=st.integers(0, 2**31), data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_shape_gives_the_tangent_along_anything(isa, kind, batch, steps, inputs, units, seed, data):
    cell, activation = kind
    p, _, present = _problem(cell, batch, steps, inputs, units, seed)
    rng = np.random.default_rng(seed)
    some = data.draw(st.sets(st.sampled_from(_used(cell))))
    direction = {name: rng.normal(size=p[name].shape) for name in some}
    moved = {name: p[name] + 1j * STEP * part for name, part in direction.items()}
    with np.errstate(under="ignore"):
        ends = [end.imag / STEP for end in _loop(cell, activation, p | moved, present)]
    for dtype, bound in ((np.float64, 1e-12), (np.float32, 2e-5)):
        if dtype == np.float32 and activation in ("relu", "identity"):  # which grow, and rounding with them
            continue
        found = _pushed(cell, activation, p, direction, present, dtype)
        for got, expected in zip((found.hs, found.h, found.c), ends if cell == "lstm" else ends[:2], strict=False):
            assert got.dtype == dtype
            largest = max(1.0, np.abs(ends[0]).max(), np.abs(expected).max())
            np.testing.assert_allclose(got, expected, rtol=0, atol=bound * largest)


@given(kind=cells, **sizes, units=st.integers(1, 40), seed=st.integers(0, 2**31))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_single_precision_is_close_to_double(isa, kind, batch, steps, inputs, units, seed):
    cell, activation = kind
    if activation in ("relu", "identity"):  # which grow, and rounding with them
        units, steps = min(units, 8), min(steps, 3)
    p, given, present = _problem(cell, batch, steps, inputs, units, seed)
    double, single = (_run(cell, activation, p, given, present, dtype) for dtype in (np.float64, np.float32))
    for name in ("hs", "h", "c"):
        exact = getattr(double[0], name)
        np.testing.assert_allclose(getattr(single[0], name), exact, rtol=0, atol=5e-6 * np.abs(exact).max(initial=0))
    for name in _used(cell):
        exact = getattr(double[1], name)
        largest = max(1.0, np.abs(exact).max())  # the sums are of numbers of order 1, and some of them cancel
        np.testing.assert_allclose(getattr(single[1], name), exact, rtol=0, atol=5e-6 * largest)


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_do_not_change_a_bit(isa, cell, dtype):
    p, given, present = _problem(cell, 33, 40, 3, 50, 0)  # enough work for several
    one, *others = (_run(cell, "tanh", p, given, present, dtype, workers) for workers in (1, 2, 3))
    for other in others:
        for a, b in zip(
            (one[0].hs, one[1].x, one[1].W, one[1].U, one[1].b),
            (other[0].hs, other[1].x, other[1].W, other[1].U, other[1].b),
            strict=True,
        ):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_do_not_change_a_bit_of_a_tangent(isa, cell, dtype):
    p, _, present = _problem(cell, 33, 40, 3, 50, 0)
    direction = {name: part / 2 for name, part in _problem(cell, 33, 40, 3, 50, 1)[0].items() if name in _used(cell)}
    one, *others = (_pushed(cell, "tanh", p, direction, present, dtype, workers) for workers in (1, 2, 3))
    for other in others:
        np.testing.assert_array_equal(one.hs, other.hs)
        np.testing.assert_array_equal(one.c, other.c)


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("shape", [(0, 6, 2, 5), (3, 0, 2, 5), (3, 6, 0, 5), (3, 6, 2, 0)])
def test_nothing_of_a_kind_is_no_error(isa, cell, shape):
    """No sequences, steps, inputs or units."""
    p, given, present = _problem(cell, *shape, 4)
    direction = {name: np.ones_like(p[name]) for name in _used(cell)}
    found, _ = _run(cell, "tanh", p, given, present)
    np.testing.assert_allclose(found.hs, _loop(cell, "tanh", p, present)[0].real, rtol=0, atol=1e-14)
    pushed = _pushed(cell, "tanh", p, direction, present)
    moved = _loop(cell, "tanh", p | {name: p[name] + 1j * STEP * along for name, along in direction.items()}, present)
    np.testing.assert_allclose(pushed.hs, moved[0].imag / STEP, rtol=0, atol=1e-12)
    if shape[1] == 0:
        np.testing.assert_array_equal(pushed.h, direction["h"])


@pytest.mark.parametrize("cell", GATES)
def test_an_absent_step_holds_the_tangent(isa, cell):
    p, _, present = _problem(cell, 4, 6, 2, 5, 3)
    present[:, 2:] = False
    direction = {name: np.ones_like(p[name]) for name in _used(cell)}
    direction["x"][:, 2:] = np.nan
    found = _pushed(cell, "tanh", p, direction, present)
    for t in range(2, 6):
        np.testing.assert_array_equal(found.hs[:, t], found.hs[:, 1])
    np.testing.assert_array_equal(found.h, found.hs[:, 1])
    assert np.isfinite(found.c).all()


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_nan_comes_through_and_stays_in_its_sequence(isa, cell, dtype):
    p, given, _ = _problem(cell, 7, 6, 2, 9, 0)
    p["x"][3, 2, 1] = np.nan
    found, slope = _run(cell, "tanh", p, given, None, dtype)
    assert np.isnan(found.hs[3, 2:]).all()
    assert np.isfinite(found.hs[3, :2]).all()
    assert np.isfinite(np.delete(found.hs, 3, axis=0)).all()
    assert np.isnan(slope.W).all()


@pytest.mark.parametrize("cell", GATES)
def test_a_run_without_a_tape_is_the_same(isa, cell):
    p, _, present = _problem(cell, 9, 12, 3, 21, 1)
    weights, c = _weights(cell, "tanh", p), p["c"] if cell == "lstm" else None
    kept, plain = (forward(weights, p["x"], p["h"], c, present=present, record=record) for record in (True, False))
    np.testing.assert_array_equal(kept.hs, plain.hs)
    np.testing.assert_array_equal(kept.c, plain.c)
    assert plain.tape.size == 0


@pytest.mark.parametrize("cell", GATES)
def test_an_absent_step_is_not_looked_at(isa, cell):
    p, given, present = _problem(cell, 5, 8, 2, 6, 2)
    expected, slope = _run(cell, "tanh", p, given, present)
    p["x"][~present] = np.nan
    found, again = _run(cell, "tanh", p, given, present)
    np.testing.assert_array_equal(found.hs, expected.hs)
    np.testing.assert_array_equal(again.x[~present], 0)
    assert np.isfinite(slope.U).all()


@pytest.mark.parametrize("cell", GATES)
def test_results_go_where_those_of_an_earlier_call_were(isa, cell):
    p, given, present = _problem(cell, 6, 5, 2, 7, 4)
    expected, slope = _run(cell, "tanh", p, given, present)
    kept = expected.hs.copy(), slope.W.copy()
    weights, c = _weights(cell, "tanh", p), p["c"] if cell == "lstm" else None
    dhs, dh, dc = given[0], given[1], given[2] if cell == "lstm" else None
    alone = backward(
        weights, p["x"], forward(weights, p["x"], p["h"], c, present=present).tape, dhs, dh, dc,
        present=present, of_inputs=False,
    )  # fmt: skip
    assert alone.x.size == 0
    np.testing.assert_array_equal(alone.U, slope.U)
    again = forward(weights, p["x"], p["h"], c, present=present, out=expected)
    twice = backward(weights, p["x"], again.tape, dhs, dh, dc, present=present, out=slope)
    assert again.hs is expected.hs
    assert twice.W is slope.W
    np.testing.assert_array_equal(again.hs, kept[0])
    np.testing.assert_array_equal(twice.W, kept[1])
    with pytest.raises(DataError, match="`out` has an array"):
        forward(weights, p["x"][:, :4], p["h"], c, out=expected)


def test_what_does_not_fit_is_refused(isa):
    p, given, _ = _problem("lstm", 2, 3, 2, 4, 0)
    weights = _weights("lstm", "tanh", p)
    with pytest.raises(DataError, match=r"`c` is missing: a native kernel in float64 takes \(2, 4\)"):
        forward(weights, p["x"], p["h"])
    with pytest.raises(DataError, match="`h` is float32 of shape"):
        forward(weights, p["x"], p["h"].astype(np.float32), p["c"])
    with pytest.raises(DataError, match="`tape` has 3 numbers"):
        backward(weights, p["x"], np.zeros(3), *given)
    tape = forward(weights, p["x"], p["h"], p["c"]).tape
    with pytest.raises(DataError, match=r"`along.b` is float64 of shape \(3,\).*takes \(16,\)"):
        tangent(weights, p["x"], tape, Along(b=np.zeros(3)))
    with pytest.raises(DataError, match="`tape` has 3 numbers"):
        tangent(weights, p["x"], np.zeros(3), Along(b=np.zeros(16)))
    with pytest.raises(DataError, match="`present` has the shape"):
        forward(weights, p["x"], p["h"], p["c"], present=np.ones((2, 2), bool))
    with pytest.raises(DataError, match=r"`U` of gru with 4 units"):
        Weights("gru", p["U"], p["W"], p["b"], p["d"])
    with pytest.raises(ConfigError, match="not for elman with gelu"):
        Weights("elman", p["U"], p["W"], p["b"], None, "gelu")
