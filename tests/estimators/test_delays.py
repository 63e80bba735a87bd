"""What the learners on delayed rows share: windows, steps, and the closed loops that choose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recurra as rc
from recurra.errors import DataError
from recurra.estimators import delays
from recurra.estimators.delays import Candidate, HeldOut, Window, beside, count_steps, steps_within, windows
from recurra.estimators.frame import Frame
from recurra.estimators.training_set import TrainingSet
from recurra.forecasting import closed_loop_errors, forecast_origins, horizon_score
from recurra.reservoirs.delay_map import DelayMap
from recurra.reservoirs.polynomials import Polynomials

ALL = (1, 2, 4, 8), (1, 3, 10)


def training(*parts, held=None):
    series = [rc.Series(part) for part in parts]
    return TrainingSet.of(Frame.of(series), series, None if held is None else [rc.Series(held)], None, None)


def walk(rows, seed=0):
    return np.random.default_rng(seed).standard_normal(rows).cumsum()


@given(
    rows=st.lists(st.integers(1, 25), min_size=1, max_size=3),
    lags=st.integers(1, 4),
    stride=st.integers(1, 3),
    increment=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=60)
def test_steps_are_those_of_a_loop_and_none_touches_what_is_missing(rows, lags, stride, increment, seed):
    rng = np.random.default_rng(seed)
    parts = [(rng.standard_normal((n, 2)), rng.standard_normal((n, 1))) for n in rows]
    for values, _ in parts:
        values[rng.random(values.shape) < 0.05] = np.nan
    expected = []
    for values, drive in parts:
        for t in range((lags - 1) * stride, len(values) - 1):
            seen = [np.concatenate([values[t - k * stride], drive[t - k * stride + 1]]) for k in range(lags)]
            row = np.concatenate([*seen, values[t + 1] - values[t] if increment else values[t + 1]])
            if not np.isnan(row).any():
                expected.append(row)
    window = Window(lags, stride)
    assert count_steps(parts, window) == len(expected)
    if len(expected) < 2:
        with pytest.raises(DataError, match=f"all of {lags} rows at a distance of {stride}"):
            steps_within(parts, window, increment=increment)
        return
    vectors, targets = steps_within(parts, window, increment=increment)
    np.testing.assert_array_equal(np.concatenate([vectors.T, targets], axis=1), np.array(expected))


def test_windows_are_those_that_leave_enough_to_learn_and_to_look_forward_to():
    found = windows(None, None, ALL, training(walk(200)), 0.2)
    assert found[0] == Window(1, 1)
    assert len(found) == len(set(found))
    assert {(w.lags, w.stride) for w in found} == {
        (1, 1),
        (2, 1),
        (2, 3),
        (2, 10),
        (4, 1),
        (4, 3),
        (4, 10),
        (8, 1),
        (8, 3),
    }
    # 8 lags at distance 10 reach back 70 rows: more than a quarter of the 160 that are learnt, or the 40 held out
    assert all(w.reach <= 40 for w in found)
    long = windows(None, None, ALL, training(walk(2000)), 0.2)
    assert max(w.reach for w in long) == 70 <= delays.REACH


def test_a_window_that_is_given_is_not_questioned_and_half_a_one_is_completed():
    short = training(walk(30))
    assert windows(5, 7, ALL, short, 0.2) == [Window(5, 7)]
    assert windows(1, None, ALL, short, 0.2) == [Window(1, 1)]
    assert {(w.lags, w.stride) for w in windows(4, None, ALL, training(walk(300)), 0.2)} == {(4, 1), (4, 3), (4, 10)}
    assert {w.stride for w in windows(None, 3, ALL, training(walk(300)), 0.2) if w.lags > 1} == {3}
    with pytest.raises(DataError, match="the longest series has 12 rows"):
        windows(None, None, ALL, training(walk(15)), 0.2)


def test_validation_series_of_the_caller_limit_the_windows():
    found = windows(None, None, ALL, training(walk(400), held=walk(30, 1)), 0.2)
    assert max(w.reach for w in found) == 10  # 2 (10 + 1) rows are there, 2 (21 + 1) are not


def test_the_best_ridge_is_that_of_single_forecasts():
    rows = training(walk(160))
    tried = [Window(2, 2), Window(1, 1)]
    held = HeldOut.of(rows, 0.25, 12, 5, tried)
    vectors, targets = steps_within(held.train, tried[0], increment=True)
    basis = Polynomials.over(vectors, 2)

    class Ridges:
        """A readout that is more wrong the larger the ridge."""

        def solve(self, ridge):
            V = np.linalg.lstsq(basis(vectors).T, targets, rcond=None)[0].T
            return np.concatenate([[[0.0]], V * (1 - ridge)], axis=1)

    def network(coefficients):
        return DelayMap(basis, coefficients, 1, 2, 2, True)

    ridges = [0.9, 0.3, 0.1, 0.0]
    found = held.best(Candidate({"degree": 2}, Ridges(), network), ridges)
    alone = [
        float(
            horizon_score(
                closed_loop_errors(forecast_origins(network(Ridges().solve(ridge)), held.origins), held.origins.truth)
            )
        )
        for ridge in ridges
    ]
    first = int(np.argmin(alone))
    assert found["degree"] == 2
    assert (found["ridge"], found["validation"]) == (ridges[first], pytest.approx(alone[first], rel=1e-9))
    assert len(held.origins) == 5
    assert held.origins.warm.shape[1] == 2


@given(exponent=st.integers(-34, 2), step=st.integers(1, 6))
def test_ridges_beside_one_are_powers_of_ten_around_it(exponent, step):
    found = beside(10.0**exponent, step)
    assert found == [10.0**k for k in range(exponent - step + 1, exponent + step)]
    assert found[len(found) // 2] == 10.0**exponent
