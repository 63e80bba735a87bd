"""Thinning keeps what the eye would see: every extreme, the ends and the gaps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recurra.report.decimation import decimate


def test_a_short_line_is_left_alone():
    t = np.arange(22.0)
    kept_t, kept_y = decimate(t, t**2, bins=10)
    assert kept_t is t
    np.testing.assert_array_equal(kept_y, t**2)


def test_the_extremes_of_every_bin_are_kept():
    rng = np.random.default_rng(3)
    t, y = np.arange(24_000.0), rng.normal(size=24_000).cumsum()
    kept_t, kept_y = decimate(t, y, bins=500)
    assert len(kept_t) <= 1002
    for start in range(0, 24_000, 48):  # 24,000 rows in 500 bins
        inside = (kept_t >= start) & (kept_t < start + 48)
        assert kept_y[inside].min() == y[start : start + 48].min()
        assert kept_y[inside].max() == y[start : start + 48].max()


@given(st.integers(30, 2000), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_kept_rows_are_rows_in_order_with_both_ends(rows, bins, seed):
    rng = np.random.default_rng(seed)
    t, y = np.sort(rng.uniform(size=rows)).cumsum(), rng.normal(size=rows)
    kept_t, kept_y = decimate(t, y, bins)
    where = np.searchsorted(t, kept_t)
    np.testing.assert_array_equal(y[where], kept_y)
    assert (np.diff(where) > 0).all()
    assert (where[0], where[-1]) == (0, rows - 1)
    assert kept_y.max() == y.max()
    assert kept_y.min() == y.min()
    assert len(kept_t) <= max(2 * bins + 2, 0)


def test_a_gap_stays_a_gap():
    t, y = np.arange(1000.0), np.sin(np.arange(1000.0))
    y[400:600] = np.nan
    kept_t, kept_y = decimate(t, y, bins=20)
    assert np.isnan(kept_y[(kept_t >= 400) & (kept_t < 600)]).all()
    assert ((kept_t >= 400) & (kept_t < 600)).sum() >= 1
    assert np.isfinite(kept_y[(kept_t < 400) | (kept_t >= 600)]).all()
