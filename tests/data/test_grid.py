"""Uniform times: stamps that were rounded are put back on their grid, jumps are breaks, and jitter is refused."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from recurra.data.assemble import assemble
from recurra.data.columns import Parts
from recurra.data.grid import quantum
from recurra.data.policies import Policies
from recurra.errors import DataError, RecurraWarning


def series_at(times, **policies):
    """A series of row numbers at these times."""
    return assemble(Parts(values=np.arange(float(len(times))), times=np.asarray(times)), Policies(**policies), {})


def column(times):
    return "t,x\n" + "".join(f"{time},{row}\n" for row, time in enumerate(times))


@pytest.mark.bad_input(17)
def test_jitter_is_refused_with_its_spread_and_the_way_out(read):
    told = (
        r"not uniform: steps of column 't' from 0\.8 to 1\.3, median 1\.1, expected 1\.075; 4 of 4 are off, the first "
        r"in line 3 \(0\.0 -> 0\.9\): `resample=1\.1` interpolates"
    )
    with pytest.raises(DataError, match=told):
        read(column([0, 0.9, 2.2, 3, 4.3]))


@pytest.mark.bad_input(17)
def test_a_drift_is_refused(read):
    drifting = np.cumsum(1 + 1e-4 * np.arange(200.0))
    with pytest.raises(DataError, match=r"from 1\.0001 to 1\.0199, median 1\.01, expected 1\.01; \d+ of 199 are off"):
        series_at(drifting)
    with pytest.raises(DataError, match="2 of 2 are off, the first in line 3"):  # it could be 1 or 2 days
        read(column(["2024-02-27", "2024-02-28", "2024-03-01"]))


@pytest.mark.bad_input(17)
def test_times_within_a_thousandth_of_a_step_are_uniform():
    for size, uniform in ((4e-4, True), (4e-3, False)):
        times = np.arange(50) + size * np.random.default_rng(0).uniform(-1, 1, 50)
        if uniform:
            np.testing.assert_array_equal(series_at(times).times, times)
        else:
            with pytest.raises(DataError, match="36 of 49 are off, the first in row 1"):
                series_at(times)


def test_thirds_of_a_tenth_to_three_decimals():
    series = series_at(np.round(np.arange(100) / 30, 3))
    assert series.dt == pytest.approx(1 / 30, rel=1e-10)
    np.testing.assert_allclose(series.times, np.arange(100) / 30, atol=1e-12)
    assert series.provenance["rounding"]["largest"] == pytest.approx(1 / 3000, rel=1e-6)


def test_rounded_dates_are_put_on_their_grid(read):
    stamps = np.datetime64("2024-05-01") + np.round(np.arange(90) * 1e3 / 30).astype("m8[ms]")
    series = read(column(stamps))
    assert series.dt == pytest.approx(1 / 30, rel=1e-9)
    off = (series.times - np.datetime64("2024-05-01")) / np.timedelta64(1, "s") - np.arange(90) / 30
    assert np.abs(off).max() <= 5e-9


@given(
    st.integers(3, 200),
    st.floats(0.01, 100),
    st.integers(0, 5),
    st.floats(-1000, 1000),
    st.sampled_from([None, "given"]),
)
def test_uniform_times_rounded_to_a_quantum_come_back_uniform(rows, step, decimals, start, given_step):
    unit = 10.0**-decimals
    assume(unit <= 0.24 * step)
    exact = start + step * np.arange(rows)
    series = series_at(np.round(exact, decimals), dt=None if given_step is None else step)
    assert series.breaks == ()
    assert abs(series.dt - step) <= 2 * unit / (rows - 1) + 1e-9 * step
    np.testing.assert_allclose(series.times, exact, atol=1.5 * unit)
    np.testing.assert_array_equal(series.values[:, 0], np.arange(rows))


@given(
    st.integers(20, 150),
    st.floats(0.01, 100),
    st.integers(0, 5),
    st.floats(-1000, 1000),
    st.integers(0, 999),
    st.data(),
)
def test_removed_rows_are_breaks_in_their_places(rows, step, decimals, start, seed, data):
    unit = 10.0**-decimals
    assume(unit <= 0.2 * step)
    kept = np.sort(
        np.random.default_rng(seed).choice(rows, data.draw(st.integers(rows - rows // 4, rows)), replace=False)
    )
    times = np.round(start + step * kept, decimals)
    series = series_at(times, gaps="split")
    jumps = [row for row in range(1, len(kept)) if kept[row] - kept[row - 1] > 1]
    assert series.breaks == tuple(jumps)
    if jumps:
        missing = int(kept[-1] - kept[0] + 1 - len(kept))
        longest = max(int(kept[row] - kept[row - 1] - 1) for row in jumps)
        assert series.provenance["breaks"] == {"count": len(jumps), "rows_missing": missing, "longest": longest}
    full = series_at(times, gaps="mask")  # the same rows, and between them the missing ones
    np.testing.assert_array_equal(np.flatnonzero(full.observed[:, 0]), kept - kept[0])
    assert (len(full), full.breaks) == (kept[-1] - kept[0] + 1, ())


@pytest.mark.parametrize("step", np.linspace(60.07, 99.7, 23))
def test_rows_are_put_in_between_stamps_that_are_rounded_by_almost_the_tolerance(step):
    kept = np.delete(np.arange(120), [9, 30, 31, 77])
    full = series_at(np.round(step * kept, 1), gaps="mask")
    np.testing.assert_allclose(full.times, step * np.arange(120), atol=0.11)
    np.testing.assert_array_equal(np.flatnonzero(~full.observed[:, 0]), [9, 30, 31, 77])


def test_each_jump_is_counted_and_the_longest_is_named():
    kept = np.delete(np.arange(30.0), [4, 10, 11, 12, 20])
    told = "the times jumps in 3 places, where 5 rows are missing: the most, 3, before row 9"
    with pytest.warns(RecurraWarning, match=told):
        series = series_at(kept)
    assert [part.times[0] for part in series.segments] == [0, 5, 13, 21]


def test_a_step_that_is_given_decides():
    assert series_at(np.arange(10.0) * 0.5, dt=0.5000001).dt == 0.5000001
    for wrong in (0.25, 0.6, 2.0):
        with pytest.raises(DataError, match=r"from 0\.5 to 0\.5, median 0\.5, expected"):
            series_at(np.arange(10.0) * 0.5, dt=wrong)
    assert series_at([0.0, 0.5, 3.0, 3.5], dt=0.5, gaps="split").breaks == (2,)


def test_mostly_jumps_are_no_gaps():
    with pytest.raises(DataError, match=r"steps of the times from 1 to 9, median 3"):
        series_at([0, 1, 4, 5, 9, 18, 21, 24])


def test_one_row_and_none():
    assert (series_at([5.0]).times.tolist(), series_at([5.0]).dt) == ([5], 1)
    assert series_at([5.0], dt=0.1).dt == 0.1
    assert len(series_at(np.zeros(0))) == 0


@pytest.mark.parametrize(
    ("times", "unit"),
    [([0.0, 0.25, 0.5], 0.01), ([0.0, 10, 30], 1.0), ([1 / 3, 2 / 3, 1], 0.0), ([1e5, 1e5 + 0.125], 0.001)],
)
def test_the_quantum_of_numbers_is_their_last_decimal(times, unit):
    assert quantum(np.array(times)) == pytest.approx(unit)


def test_the_quantum_of_dates_divides_their_steps():
    dates = np.array(["2024-01-01T00:00:00", "2024-01-01T00:00:04", "2024-01-01T00:00:10"], "M8[ns]")
    assert quantum(dates) == 2.0
