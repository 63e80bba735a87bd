"""The step map on delayed rows, against a loop over rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra._types import LOST, Forecaster
from recurra.forecasting import Origins, forecast_origins
from recurra.reservoirs import delay_map
from recurra.reservoirs.delay_map import DelayMap, delay_vectors
from recurra.reservoirs.kernels import KERNELS, Kernel
from recurra.reservoirs.polynomials import Polynomials

BASES = ("", *KERNELS)  # polynomials, or a kernel


@pytest.fixture(params=["native", "NumPy"], autouse=True, scope="module")
def way(request):
    """How closed loops run: as they do here, and without native kernels."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "NumPy":
            patch.setattr(delay_map, "native_basis", lambda basis: None)
        yield


def drawn(lags, stride, *, channels=2, drive=1, increment=True, kernel="", seed=0, candidates=()):
    rng = np.random.default_rng(seed)
    variables = lags * (channels + drive)
    table = rng.uniform(-2, 2, (variables, 12))
    basis = Kernel(table, 3.0, kernel) if kernel else Polynomials.over(table, 2)
    coefficients = rng.normal(0, 0.05, (*candidates, channels, 1 + basis.size))
    return DelayMap(basis, coefficients, channels + drive, lags, stride, increment)


def one_step(model, past):
    """From rows [y, u] with the latest last."""
    window = np.concatenate([past[len(past) - 1 - k * model.stride] for k in range(model.lags)])
    y = model.coefficients[:, 0] + model.coefficients[:, 1:] @ model.basis(window[:, None])[:, 0]
    return y + past[-1][: model.channels] if model.increment else y


@given(
    lags=st.integers(1, 4),
    stride=st.integers(1, 3),
    drive=st.integers(0, 1),
    increment=st.booleans(),
    kernel=st.sampled_from(BASES),
    seed=st.integers(0, 9),
)
@settings(max_examples=30)
def test_run_and_free_run_are_the_loop(lags, stride, drive, increment, kernel, seed):
    model = drawn(lags, stride, drive=drive, increment=increment, kernel=kernel, seed=seed)
    rng = np.random.default_rng([seed, 1])
    inputs, free = rng.standard_normal((2, 14, 2 + drive)), rng.standard_normal((2, 5, drive))
    last = rng.standard_normal((2, 2))
    state, forced = model.run(model.initial_state(2), inputs)
    np.testing.assert_array_equal(state, model.warm(model.initial_state(2), inputs))
    after, ahead = model.free_run(state, last, free)
    for b in range(2):
        past = [*np.zeros((model.order - 1, 2 + drive))]
        for t in range(14):
            past.append(inputs[b, t])
            np.testing.assert_allclose(forced[b, t], one_step(model, past), rtol=1e-10, atol=1e-12)
        y = last[b]
        for t in range(5):
            past.append(np.concatenate([y, free[b, t]]))
            y = one_step(model, past)
            np.testing.assert_allclose(ahead[b, t], y, rtol=1e-9, atol=1e-11)
        if model.order > 1:
            np.testing.assert_allclose(after[b], past[len(past) - model.order + 1 :], rtol=1e-9, atol=1e-11)
    assert after.shape == model.initial_state(2).shape
    assert isinstance(model, Forecaster)


def test_a_run_goes_on_where_the_last_one_stopped(monkeypatch):
    model = drawn(3, 2)
    inputs = np.random.default_rng(0).standard_normal((3, 20, 3))
    _, whole = model.run(model.initial_state(3), inputs)
    state, first = model.run(model.initial_state(3), inputs[:, :7])
    _, second = model.run(state, inputs[:, 7:])
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, rtol=1e-12, atol=1e-14)
    monkeypatch.setattr(delay_map, "BLOCK", 100)  # a few rows at a time
    np.testing.assert_allclose(model.run(model.initial_state(3), inputs)[1], whole, rtol=1e-12, atol=1e-14)


def test_no_rows_change_nothing():
    model = drawn(2, 3)
    state = np.random.default_rng(0).standard_normal(model.initial_state(2).shape)
    after, nothing = model.run(state, np.zeros((2, 0, 3)))
    np.testing.assert_array_equal(after, state)
    assert nothing.shape == (2, 0, 2)
    after, nothing = model.free_run(state, np.zeros((2, 2)), np.zeros((2, 0, 1)))
    np.testing.assert_array_equal(after, state)
    assert nothing.shape == (2, 0, 2)


@pytest.mark.parametrize("kernel", BASES)
def test_a_stack_of_coefficients_is_each_by_itself(kernel):
    many = drawn(2, 2, kernel=kernel, candidates=(3,))
    rng = np.random.default_rng(5)
    origins = Origins(*(rng.standard_normal(shape) for shape in ((4, 6, 3), (4, 2), (4, 9, 1), (4, 9, 2))))
    state = many.warm(many.initial_state(12), np.concatenate([origins.warm] * 3))
    _, found = many.free_run(state, np.concatenate([origins.last] * 3), np.concatenate([origins.drive] * 3))
    for k in range(3):
        one = DelayMap(many.basis, many.coefficients[k], 3, 2, 2, True)
        np.testing.assert_allclose(found.reshape(3, 4, 9, 2)[k], forecast_origins(one, origins), rtol=1e-10)


def test_what_runs_away_is_held():
    basis = Polynomials(np.zeros(1), np.ones(1), 1)
    model = DelayMap(basis, np.array([[0.0, 9.0 / basis.weight]]), 1, increment=True)
    _, ahead = model.free_run(model.initial_state(1), np.ones((1, 1)), np.zeros((1, 9, 0)))
    np.testing.assert_allclose(ahead[0, :, 0], np.minimum(10.0 ** np.arange(1, 10), LOST))


@given(lags=st.integers(1, 5), stride=st.integers(1, 4), features=st.integers(1, 3))
def test_delay_vectors_are_the_rows_at_a_distance(lags, stride, features):
    rows = (lags - 1) * stride + 6
    inputs = np.arange(rows * features, dtype=float).reshape(rows, features)
    found = delay_vectors(inputs, lags, stride)
    assert found.shape == (lags * features, 6)
    for column, t in enumerate(range((lags - 1) * stride, rows)):
        expected = np.concatenate([inputs[t - k * stride] for k in range(lags)])
        np.testing.assert_array_equal(found[:, column], expected)
