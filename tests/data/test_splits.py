"""Splits: nothing that is tested on was trained on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data import splits
from recurra.errors import ConfigError, DataError
from recurra.series import Series


def trajectories(count, rows=6):
    return [Series(np.random.default_rng(k).standard_normal((rows, 2))) for k in range(count)]


@pytest.mark.parametrize("name", ["random", "shuffle", "Shuffled"])
def test_a_random_split_is_refused_with_the_reason(name):
    with pytest.raises(ConfigError, match="shares all but one of its rows with windows that were trained on") as caught:
        splits.check_kind(name)
    assert caught.value.exit_code == 2


def test_other_kinds():
    splits.check_kind("rolling-origin")
    with pytest.raises(ConfigError, match="did you mean 'trajectory'"):
        splits.check_kind("trajectori")


@given(st.integers(2, 30), st.floats(0.01, 0.99), st.none() | st.integers(0, 100))
def test_trajectories_are_on_one_side_each(count, test, seed):
    parts = trajectories(count)
    train, held = splits.by_trajectory(parts, test, seed=seed)
    assert len(train) + len(held) == count
    assert 1 <= len(held) < count
    assert not {id(part) for part in train} & {id(part) for part in held}
    assert not {part.values[0].tobytes() for part in train} & {part.values[0].tobytes() for part in held}
    if seed is None:
        assert held == parts[len(train) :]


def test_segments_are_trajectories():
    series = Series(np.random.default_rng(0).standard_normal(9), times=[0, 1, 2, 5, 6, 7, 10, 11, 12], breaks=[3, 6])
    train, held = splits.by_trajectory(series, 0.3)
    assert [part.times.tolist() for part in train] == [[0, 1, 2], [5, 6, 7]]
    assert [part.times.tolist() for part in held] == [[10, 11, 12]]


def test_a_copy_on_the_other_side_is_refused():
    parts = trajectories(3)
    with pytest.raises(DataError, match=r"1 test trajectories begin with the rows of a training one"):
        splits.by_trajectory([*parts, parts[0]], 0.25)


def test_one_trajectory_cannot_be_split_so():
    with pytest.raises(DataError, match="needs two or more trajectories, got 1"):
        splits.by_trajectory(trajectories(1))


@pytest.mark.parametrize("test", [0.0, 1.0, -1, float("nan"), True])
def test_the_fraction_has_a_range(test):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        splits.by_trajectory(trajectories(3), test)


def test_every_trajectory_is_cut_in_time():
    train, held = splits.by_time(trajectories(3, rows=10), 0.7, gap=1)
    assert [len(part) for part in train] == [7, 7, 7]
    assert [len(part) for part in held] == [2, 2, 2]


@given(st.integers(1, 6), st.integers(1, 9), st.integers(0, 5), st.none() | st.integers(1, 20), st.integers(0, 40))
def test_rolling_origins_walk_forward(folds, horizon, gap, window, extra):
    rows = folds * horizon + gap + (2 if window is None else window) + extra
    series = Series(np.arange(float(rows)))
    cuts = splits.rolling_origin(series, folds, horizon=horizon, gap=gap, window=window)
    assert len(cuts) == folds
    tested = np.concatenate([test.values[:, 0] for _, test in cuts])
    np.testing.assert_array_equal(tested, np.arange(rows - folds * horizon, rows))  # each once, in order, to the end
    for train, test in cuts:
        assert train.times[-1] + gap + 1 == test.times[0]
        assert len(test) == horizon
        assert train.times[0] == 0 if window is None else len(train) == window


def test_too_few_rows_are_said():
    with pytest.raises(DataError, match="3 folds of 4 rows with a gap of 1 need 15 rows, the series has 14"):
        splits.rolling_origin(Series(np.arange(14.0)), 3, horizon=4, gap=1)


@pytest.mark.parametrize("wrong", [{"folds": 0}, {"horizon": 0}, {"gap": -1}, {"window": 0}, {"folds": 1.5}])
def test_numbers_have_a_range(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        splits.rolling_origin(Series(np.arange(20.0)), **{"folds": 2, "horizon": 3, **wrong})


def test_breaks_are_refused():
    series = Series(np.arange(4.0), times=[0, 1, 5, 6], breaks=[2])
    with pytest.raises(DataError, match="one unbroken series, this one has 2 segments"):
        splits.rolling_origin(series, 1, horizon=1)
