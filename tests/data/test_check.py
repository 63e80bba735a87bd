"""What makes data unfit for training is named with row, channel and count."""

import math

import numpy as np
import pytest

from recurra.data import check_finite, check_trainable
from recurra.data.check import check_whole_numbers
from recurra.errors import DataError, RecurraWarning
from recurra.series import Series


def wave(rows=50, **arguments):
    t = 0.1 * np.arange(rows)
    return Series(np.column_stack([np.sin(t), np.cos(t)]), **{"dt": 0.1, "channels": ["x", "v"], **arguments})


def spoiled(*cells):
    values = wave().values.copy()
    for row, column, value in cells:
        values[row, column] = value
    return Series(values, dt=0.1, channels=["x", "v"])


def test_good_data_pass():
    check_finite(wave())
    check_trainable([wave(), wave(30)], rows=30)
    check_trainable([wave(inputs=np.arange(50.0))], rows=50)


@pytest.mark.bad_input(3)
def test_nan_and_infinity_by_row_channel_and_count():
    series = spoiled((7, 1, math.nan), (7, 0, math.inf), (9, 1, math.nan))
    told = (
        r"has 3 values that are not finite \(2 NaN, 1 infinite\), the first in row 7, channel 'x'"
        r".*'x': 1, 'v': 2"
    )
    with pytest.raises(DataError, match="history " + told):
        check_finite(series, "history")
    with pytest.raises(DataError, match="series 2 of 2 " + told):
        check_trainable([wave(), series], rows=10)


def test_nan_in_the_drive():
    drive = np.ones(50)
    drive[3] = math.nan
    with pytest.raises(DataError, match=r"drive of the series has 1 values .* row 3, channel 'u0'"):
        check_trainable([wave(inputs=drive)], rows=10)


@pytest.mark.bad_input(4)
@pytest.mark.parametrize("level", [0.0, 0.1, -1e9, 1e-300])
def test_a_constant_channel(level):
    values = wave().values.copy()
    values[:, 1] = level
    with pytest.raises(DataError, match=r"channel 'v' is constant .* in all 50 rows"):
        check_trainable([Series(values, channels=["x", "v"])], rows=10)


@pytest.mark.bad_input(4)
def test_noise_of_rounding_is_constant_and_a_small_signal_is_not():
    values = wave().values.copy()
    values[:, 1] = 1e6 * (1 + 1e-15 * values[:, 0])
    with pytest.raises(DataError, match="channel 'v' is constant"):
        check_trainable([Series(values, channels=["x", "v"])], rows=10)
    values[:, 1] = 1e6 * (1 + 1e-5 * values[:, 0])
    check_trainable([Series(values, channels=["x", "v"])], rows=10)


def test_a_channel_constant_in_one_series_only_passes():
    flat = Series(np.column_stack([np.sin(np.arange(50.0)), np.zeros(50)]), dt=0.1, channels=["x", "v"])
    check_trainable([flat, wave()], rows=10)


@pytest.mark.bad_input(5)
def test_all_channels_constant():
    with pytest.raises(DataError, match=r"channel 'c0' is constant .*nothing to learn in it\. So are all 3"):
        check_trainable([Series(np.tile([1.0, 0.0, -2.5], (50, 1)))], rows=10)


def test_a_constant_drive():
    with pytest.raises(DataError, match="input 'u0' is constant"):
        check_trainable([wave(inputs=np.full(50, 0.3))], rows=10)


@pytest.mark.bad_input(8)
def test_variance_that_overflows():
    with pytest.raises(DataError, match=r"channel 'x' reaches 1e\+200, and its variance overflows"):
        check_trainable([spoiled((4, 0, -1e200))], rows=10)


@pytest.mark.bad_input(9)
def test_little_variation_on_a_huge_offset_is_pointed_at():
    series = Series(np.column_stack([wave().values[:, 0], 1e9 + 1e-3 * wave().values[:, 0]]), channels=["x", "v"])
    with pytest.warns(RecurraWarning, match=r"channel 'v' varies by 0\.000\d+ around 1e\+09, a ratio of \de-13"):
        check_trainable([series], rows=10)


@pytest.mark.bad_input(25)
@pytest.mark.parametrize("sign", [1, -1])
def test_whole_numbers_that_float64_rounds_are_counted(sign):
    limits = sign * np.array([0, 2**53, 2**53 + 1, 2**62])
    with pytest.warns(RecurraWarning, match=f"2 whole numbers lie beyond 2\\^53 = {2**53}"):
        check_whole_numbers([limits, np.arange(5.0)])
    check_whole_numbers(limits[:2])


@pytest.mark.bad_input(6)
def test_too_short_shows_the_arithmetic():
    with pytest.raises(DataError, match=r"at least 60 rows in one piece and there are 50 rows, 60 - 50 = 10 too few"):
        check_trainable([wave(50)], rows=60)
    with pytest.raises(DataError, match="at most 40 rows in each of 2 series"):
        check_trainable([wave(30), wave(40)], rows=60)


def test_too_short_and_wide_may_be_transposed():
    with pytest.raises(DataError, match="time runs along the 10 columns, transpose"):
        check_trainable([Series(np.random.default_rng(0).normal(size=(3, 10)))], rows=60)


def test_series_too_short_to_count_are_reported():
    with pytest.warns(RecurraWarning, match="1 of 3 series have fewer than the 40 rows .* series 2 with 20"):
        check_trainable([wave(50), wave(20), wave(40)], rows=40)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"channels": ["v", "x"]}, r"series 2 has the channels \('v', 'x'\), series 1 has \('x', 'v'\)"),
        ({"units": ["m", "m/s"]}, "series 2 has the units"),
        ({"inputs": np.arange(50.0)}, "series 2 has the inputs"),
        ({"dt": 0.2}, r"series 2 has dt 0\.2, series 1 has 0\.1"),
    ],
)
def test_series_that_differ(other, told):
    with pytest.raises(DataError, match=told):
        check_trainable([wave(), wave(**other)], rows=10)


def test_no_series():
    with pytest.raises(DataError, match="no series"):
        check_trainable([], rows=1)


def test_a_channel_that_runs_like_a_clock_is_pointed_at():
    t = 5.0 + 0.25 * np.arange(20)
    series = Series(np.stack([t, np.sin(t)], axis=1), channels=["t [s]", "x"])
    with pytest.warns(RecurraWarning, match=r"'t \[s\]' changes by the same 0.25 in every row"):
        check_trainable([series], rows=5)


def test_each_refusal_has_exit_code_3():
    with pytest.raises(DataError) as caught:
        check_trainable([wave(5)], rows=10)
    assert caught.value.exit_code == 3
