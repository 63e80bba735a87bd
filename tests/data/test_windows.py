"""Windows against brute-force loops; views, not copies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data import window_starts, windows
from recurra.errors import ConfigError

SIZES = st.integers(1, 6)


@given(st.integers(1, 25), SIZES, SIZES, SIZES)
def test_windows_are_what_a_loop_cuts(rows, length, horizon, stride):
    values = np.random.default_rng(rows).normal(size=(rows, 2))
    starts = [start for start in range(0, rows, stride) if start + length + horizon - 1 < rows]
    if not starts:
        most = f"at most {rows - horizon}" if rows > horizon else "more rows"
        with pytest.raises(ConfigError, match=f"{rows} rows hold no window .* {length + horizon} rows: take .*{most}"):
            windows(values, length, horizon, stride)
        return
    inputs, targets = windows(values, length, horizon, stride)
    assert inputs.shape == (len(starts), length, 2)
    assert targets.shape == (len(starts), 2)
    for window, target, start in zip(inputs, targets, starts, strict=True):
        np.testing.assert_array_equal(window, values[start : start + length])
        np.testing.assert_array_equal(target, values[start + length + horizon - 1])


@given(st.integers(1, 25), SIZES, SIZES)
def test_the_number_of_windows(rows, length, horizon):
    if rows >= length + horizon:
        inputs, targets = windows(np.zeros((rows, 1)), length, horizon)
        assert len(inputs) == len(targets) == rows - length - horizon + 1


def test_windows_are_read_only_views():
    values = np.zeros((100, 3))
    inputs, targets = windows(values, 10, 5, 2)
    assert np.shares_memory(inputs, values)
    assert np.shares_memory(targets, values)
    assert not inputs.flags.writeable
    assert not targets.flags.writeable
    assert values.flags.writeable


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "3"])
@pytest.mark.parametrize("name", ["length", "horizon", "stride"])
def test_windows_refuse_what_is_no_size(name, wrong):
    with pytest.raises(ConfigError, match=f"`{name}` must be a whole number above 0"):
        windows(np.zeros((10, 1)), **{"length": 2, name: wrong})


@given(st.lists(st.integers(0, 12), max_size=5), SIZES, SIZES)
def test_starts_are_what_a_loop_finds(lengths, window, stride):
    expected, offset = [], 0
    for rows in lengths:
        expected += [offset + start for start in range(0, rows, stride) if start + window <= rows]
        offset += rows
    starts = window_starts(lengths, window, stride)
    assert starts.dtype == np.int64
    assert starts.tolist() == expected


@given(st.lists(st.integers(0, 12), max_size=5), SIZES)
def test_no_window_bridges_two_series(lengths, window):
    owner = np.repeat(np.arange(len(lengths)), lengths)
    for start in window_starts(lengths, window):
        part = owner[start : start + window]
        assert len(part) == window
        assert (part == part[0]).all()


@pytest.mark.parametrize(("window", "stride"), [(0, 1), (2, 0), (1.0, 1)])
def test_starts_refuse_what_is_no_size(window, stride):
    with pytest.raises(ConfigError, match="whole number above 0"):
        window_starts([5], window, stride)
