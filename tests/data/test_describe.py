"""What a description says of series whose properties are known."""

import json

import numpy as np
import pytest

from recurra.data import datasets, describe
from recurra.series import Series


def test_numbers_of_a_plain_series():
    series = Series([[1.0, 5.0], [3.0, 4.5], [2.0, 9.0]], dt=0.5, channels=["x", "v"], units=["m", "m/s"])
    found = describe(series)
    assert (found.rows, found.start, found.end, found.dt, found.segments) == (3, 0.0, 1.0, 0.5, (3,))
    assert (found.longest_break, found.missing_rows, found.longest_missing) == (None, 0, 0)
    x = found.channels[0]
    assert (x.name, x.unit, x.mean, x.low, x.high, x.distinct) == ("x", "m", 2.0, 1.0, 3.0, 3)
    assert x.std == pytest.approx(np.sqrt(2 / 3))


def test_gaps_are_counted():
    values = np.array([1.0, np.nan, np.nan, 4.0, np.nan, 6.0, 7.0])
    series = Series(values, times=[0, 1, 2, 3, 10, 11, 12], breaks=[4]).masked()
    found = describe(series)
    assert (found.segments, found.longest_break) == ((4, 3), 7.0)
    assert (found.missing_rows, found.longest_missing, found.channels[0].missing) == (3, 2, 3)


def test_co2_as_the_catalogue_says():
    found = describe(datasets.load("co2"))
    assert (found.rows, found.missing_rows, found.longest_missing) == (2284, 59, 18)
    assert found.channels[0].period / 86400 == pytest.approx(365.25, abs=2)
    assert found.start.startswith("1958-03-29")


def test_an_annual_cycle_in_years():
    assert describe(datasets.load("nino")).channels[0].period == pytest.approx(1.0, abs=0.01)


def test_effective_samples_of_white_noise_are_the_rows():
    found = describe(Series(np.random.default_rng(0).standard_normal(20_000)))
    assert found.channels[0].effective_samples == pytest.approx(20_000, rel=0.1)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.full(20, 3.0), "constant (3)"),
        (2.0**53 + 2.0 * np.random.default_rng(0).integers(0, 9, 50), "beyond 2^53"),
        (1e9 + 1e-3 * np.sin(np.arange(50)), "float32 would lose it"),
        (np.sin(np.arange(50)).astype(np.float32), "float32 number"),
        (np.where(np.arange(50) % 9 == 0, -999.0, np.sin(np.arange(50))), "lowest value -999 repeats 6 times"),
        (np.where(np.arange(50) % 9 == 0, 99.99, np.sin(np.arange(50))), "highest value 99.99 repeats 6 times"),
        (0.1 * np.arange(50), "like a clock"),
        (1e39 * np.sin(np.arange(50)), "more than float32 can hold"),
        (np.where(np.arange(50) == 7, np.inf, np.sin(np.arange(50))), "1 values are infinite"),
    ],
)
def test_traps(values, said):
    assert any(said in trap for trap in describe(Series(values)).channels[0].traps)


def test_an_ordinary_measurement_has_no_traps():
    for name in ("earth-rotation", "nino", "santa-fe-laser"):
        assert all(not channel.traps for channel in describe(datasets.load(name)).channels)


def test_the_drive_is_described_too_and_all_is_plain_data():
    series = Series(np.sin(np.arange(40.0)), inputs=np.cos(np.arange(40.0)))
    found = describe(series).as_dict()
    assert [entry["name"] for entry in found["inputs"]] == ["u0"]
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_short_series_are_described_as_far_as_they_go(rows):
    found = describe(Series(np.arange(rows) % 2 + 0.5))
    assert found.rows == rows
    json.dumps(found.as_dict(), allow_nan=False)
