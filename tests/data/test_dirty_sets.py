"""Recordings of real devices as they ship in packages, with their faults; skipped where the package is not installed.

The expected counts are those of the files, taken with loops of NumPy that share nothing with the reader. No code of
these packages is imported: the files suffice.
"""

import gzip
import importlib.util
import time
from pathlib import Path

import numpy as np
import pytest

from recurra.data import read_series
from recurra.errors import DataError, RecurraWarning


def shipped(package, place):
    """The path of a file inside a package; the test is skipped without it."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        pytest.skip(f"needs {package}")
    path = Path(found.origin).parent / place
    if not path.exists():
        pytest.skip(f"this version of {package} has no {place}")
    return path


@pytest.fixture
def unpacked(tmp_path):
    """`unpacked(package, place)`: a copy of a file that is compressed with gzip."""

    def copy(package, place):
        source = shipped(package, place)
        target = tmp_path / source.stem
        target.write_bytes(gzip.decompress(source.read_bytes()))
        return target

    return copy


def stamps(path, column, unit):
    """The time stamps of a CSV file, by splitting its lines."""
    lines = path.read_text().splitlines()[1:]
    return np.array([line.split(",")[column].rstrip("Z") for line in lines], f"M8[{unit}]")


def test_a_pulse_whose_clock_repeats_itself():
    """heartpy's third recording: 24,775 of 68,476 stamps are those of the row before, and the rest jitter."""
    path = shipped("heartpy", "data/data3.csv")
    times = stamps(path, 0, "us")
    assert (len(times), int((np.diff(times) == np.timedelta64(0)).sum())) == (68_476, 24_775)
    with pytest.raises(DataError, match="24775 duplicate times in column 'datetime', the first in line 4 "):
        read_series(path, time="datetime")
    with pytest.raises(DataError, match=r"times are not uniform: .*`resample=0\.016` interpolates"):
        read_series(path, time="datetime", duplicates="first")
    with pytest.warns(RecurraWarning, match="jumps in 1 places"):
        series = read_series(path, time="datetime", duplicates="mean", resample=0.01)
    assert series.dt == 0.01
    assert series.provenance["duplicates"] == {"policy": "mean", "rows": 24_775}
    assert series.provenance["resampled"]["rows_before"] == 68_476 - 24_775
    assert np.isfinite(series.values).all()


def test_a_pulse_with_a_timer_column():
    """heartpy's second recording: 15,000 rows, 8.5479 ms apart."""
    path = shipped("heartpy", "data/data2.csv")
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    series = read_series(path, time="timer")
    assert (len(series), series.channels) == (15_000, ("hr",))
    assert series.dt == pytest.approx((table[-1, 0] - table[0, 0]) / 14_999, rel=1e-9)
    assert series.dt == pytest.approx(8.5479, abs=5e-5)
    np.testing.assert_array_equal(series.values[:, 0], table[:, 1])


def test_a_pulse_without_a_header():
    path = shipped("heartpy", "data/data.csv")
    np.testing.assert_array_equal(read_series(path).values[:, 0], np.loadtxt(path))
    assert len(read_series(path)) == 2_483


def test_a_buoy_with_two_gaps_and_a_stamp_that_repeats(unpacked):
    """bokeh's sea surface temperature: 19,226 half hours, one stamp twice, gaps of 2 and 24 steps."""
    path = unpacked("bokeh_sampledata", "_data/sea_surface_temperature.csv.gz")
    steps = np.diff(stamps(path, 0, "m")).astype(int)
    assert (len(steps) + 1, sorted(steps[steps != 30].tolist())) == (19_226, [0, 60, 720])
    with pytest.raises(DataError, match="1 duplicate times in column 'time', the first in line 19212"):
        read_series(path)
    with pytest.warns(RecurraWarning, match="jumps in 2 places, where 24 rows are missing: the most, 23"):
        series = read_series(path, duplicates="first")
    assert (len(series), series.dt, series.units) == (19_225, 1800.0, ("celsius",))
    assert series.breaks == tuple(np.flatnonzero(steps[steps != 0] != 30) + 1)
    assert sum(map(len, series.segments)) == 19_225


def test_a_glucose_monitor_with_187_gaps(unpacked):
    """bokeh's CGM: 52,281 values five minutes apart, three stamps twice, 187 gaps, the longest of 335 steps.

    Between its gaps the stamps are off by a minute now and then, so that it has to be resampled.
    """
    path = unpacked("bokeh_sampledata", "_data/CGM.csv.gz")
    steps = np.diff(stamps(path, 1, "m")).astype(int)
    assert (len(steps) + 1, int((steps == 0).sum())) == (52_281, 3)
    assert (int((steps > 7.5).sum()), steps.max() / 5) == (187, 335)
    asked = {"time": "datetime", "channels": ["glucose"], "zone": "UTC"}
    with pytest.raises(DataError, match="3 duplicate times in column 'datetime', the first in line 14277"):
        read_series(path, **asked)
    with pytest.raises(DataError, match=r"times are not uniform: .*`resample=300`"):
        read_series(path, duplicates="first", **asked)
    with pytest.warns(RecurraWarning, match="jumps in [0-9]+ places"):
        series = read_series(path, duplicates="first", resample=300, **asked)
    assert series.provenance["breaks"]["count"] == int((steps[steps != 0] > 10).sum())
    assert series.provenance["breaks"]["longest"] == pytest.approx(334, abs=1)
    spans = np.array([len(part) for part in series.segments])
    assert (spans >= 1).all()


MSEED = "io/mseed/tests/data/"


@pytest.mark.bad_input(56)
@pytest.mark.parametrize(
    ("place", "told"),
    [
        (MSEED + "infinite-loop.mseed", "2 records of 1 channels: 'IU.COLA.00.LHZ' (2 records, 297 samples, 1 Hz)"),
        (
            "io/mseed/src/libmseed/test/data/invalid-blockette-offset.mseed",
            "2 records of 1 channels: 'XX.TEST.00.LHZ' (2 records, 297 samples, 1 Hz); what follows at byte 1024",
        ),
        (MSEED + "gaps.mseed", "128 records of 1 channels: 'BW.BGLD..EHE' (128 records, 52728 samples, 200 Hz)"),
        ("core/tests/data/tarfile_impostor.mseed", "1 records of 1 channels: '10.864.1B.004' (1 records, 112 samples,"),
        (MSEED + "two_channels.mseed", "of 2 channels: 'BW.UH3..EHE' ("),
    ],
)
def test_broken_seismograms_are_listed_and_the_walk_ends(place, told):
    """libmseed's own parser prints the same two records, of 112 and 185 samples, before it stops."""
    path = shipped("obspy", place)
    began = time.monotonic()
    with pytest.raises(DataError) as caught:
        read_series(path)
    assert told in str(caught.value)
    assert time.monotonic() - began < 10


def test_a_recording_in_edf():
    """pyedflib's generator: eleven channels at 200 Hz for ten minutes."""
    path = shipped("pyedflib", "data/test_generator.edf")
    signals = int(path.read_bytes()[252:256])
    with pytest.raises(
        DataError, match=r"600 records of 1 s, 11 channels: 'squarewave' \(200 Hz, uV\), 'ramp'"
    ) as caught:
        read_series(path)
    assert str(caught.value).count("(200 Hz, uV)") == 11
    assert signals == 12  # one of them holds annotations
    assert "truncated" not in str(caught.value)
