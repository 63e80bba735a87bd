"""The data sets: what the packages hold, against what was published about them."""

import csv
import hashlib
import importlib.util
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recurra.data import datasets
from recurra.data.datasets import nile, package
from recurra.errors import ConfigError, DataError, MissingExtraError, RecurraWarning

NAMES = [entry.name for entry in datasets.catalogue()]


def table(name):
    """A table of statsmodels that recurra does not read."""
    home = Path(importlib.util.find_spec("statsmodels").submodule_search_locations[0])
    _, *rows = csv.reader((home / "datasets" / name).read_text().splitlines())
    return np.array(rows, dtype=float)


def test_sunspots_average_to_the_yearly_numbers():
    series = datasets.load("sunspots")
    assert (len(series), series.times[0], series.provenance["time_unit"]) == (3126, 1749.0, "yr")
    assert series.dt == 1 / 12
    years = dict(table("sunspots/sunspots.csv"))
    monthly = series.values[: 260 * 12, 0].reshape(260, 12).mean(axis=1)
    yearly = [years[year] for year in range(1749, 2009)]
    # Both are printed with one decimal; a handful of yearly values were revised by more than that.
    assert np.median(np.abs(monthly - yearly)) < 0.06
    assert np.abs(monthly - yearly).max() < 1.5


def test_the_solar_cycle_lasts_eleven_years():
    values = datasets.load("sunspots").values[:, 0]
    periods = np.arange(96, 180)
    power = [abs(np.mean((values - values.mean()) * np.exp(-2j * np.pi * np.arange(len(values)) / p))) for p in periods]
    assert periods[np.argmax(power)] / 12 == pytest.approx(11.0, abs=0.3)


def test_co2_has_its_59_gaps_and_rises():
    series = datasets.load("co2")
    assert (len(series), series.dt, int((~series.observed).sum())) == (2284, 7 * 86400.0, 59)
    assert str(series.times[0]).startswith("1958-03-29")
    years = (series.times - series.times[0]) / np.timedelta64(1, "D") / 365.25
    seen = series.observed[:, 0]
    assert np.polyfit(years[seen], series.values[seen, 0], 1)[0] == pytest.approx(1.3, abs=0.1)  # ppmv a year


def test_nino_first_region_is_the_wide_table():
    series = datasets.load("nino")
    assert series.channels == ("nino12", "nino3", "nino4", "nino34")
    np.testing.assert_array_equal(series.values[:, 0], table("elnino/elnino.csv")[:, 1:].ravel())
    np.testing.assert_allclose(series.times[[0, 13, -1]], [1950, 1951 + 1 / 12, 2010 + 11 / 12], rtol=1e-15)


def test_nile_as_published():
    series = datasets.load("nile")  # Cobb 1978: 100 years, a drop of about a quarter in 1898
    assert (len(series), series.times[0], series.dt) == (100, 1871.0, 1.0)
    assert series.values.mean() == pytest.approx(919.35)
    before, after = series.values[:28].mean(), series.values[28:].mean()
    assert (before, after) == (pytest.approx(1097.75), pytest.approx(849.9722, abs=1e-4))


def test_the_laser_begins_as_in_the_competition():
    series = datasets.load("santa-fe-laser")
    assert series.values[:10, 0].tolist() == [86, 141, 95, 41, 22, 21, 32, 72, 138, 111]
    assert (len(series), series.values.min(), series.values.max()) == (10_093, 0, 255)
    assert np.array_equal(series.values, series.values.round())


@pytest.mark.parametrize(
    ("part", "counts"), [("train", [30] * 9), ("test", [31, 35, 88, 44, 29, 24, 40, 50, 29])], ids=["train", "test"]
)
def test_vowels_are_divided_as_by_their_authors(part, counts):
    series = datasets.load("japanese-vowels", part=part)
    speakers = Counter(series.provenance["labels"])
    assert [speakers[k] for k in range(1, 10)] == counts
    assert len(series.segments) == sum(counts)
    assert {len(segment) for segment in series.segments} <= set(range(7, 30))
    assert series.values.shape[1] == 12


def test_vowels_begin_as_in_the_file():
    values = datasets.load("japanese-vowels").values
    np.testing.assert_array_equal(values[:2, :2], [[1.860936, -0.207383], [1.891651, -0.193249]])


@pytest.mark.parametrize("name", NAMES)
def test_every_set_says_where_it_comes_from(name):
    (entry,) = (entry for entry in datasets.catalogue() if entry.name == name)
    series = datasets.load(name)
    made = series.provenance
    assert made["sha256"] == series.sha256
    assert (made["package"], made["source"], made["licence"]) == (entry.package, entry.source, entry.licence)
    assert made["citation"] == entry.citation
    assert (series.channels, series.units) == (entry.channels, entry.units)
    assert not np.isnan(series.values[series.observed]).any()
    assert entry.sha256 is None or len(entry.sha256) == 64


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_package_names_the_extra(name, monkeypatch):
    monkeypatch.setattr(package.importlib.util, "find_spec", lambda module: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'recurra\[datasets\]'") as caught:
        datasets.load(name)
    assert caught.value.exit_code == 2


def test_other_bytes_than_known_are_told(monkeypatch):
    contents = package.read_files(nile.DATASET)
    assert hashlib.sha256(b"".join(contents)).hexdigest() == nile.DATASET.sha256
    monkeypatch.setattr(nile, "DATASET", replace(nile.DATASET, sha256="0" * 64))
    with pytest.warns(RecurraWarning, match="another version of 'nile'"):
        assert len(nile.load()) == 100


def test_a_package_without_the_file_is_refused():
    with pytest.raises(DataError, match=r"statsmodels .* does not hold datasets/nowhere.csv"):
        package.read_files(replace(nile.DATASET, files=("datasets/nowhere.csv",)))


def test_unknown_names_and_options():
    with pytest.raises(ConfigError, match="'earth-rotaton': did you mean 'earth-rotation'"):
        datasets.load("earth-rotaton")
    with pytest.raises(ConfigError, match="known: co2, earth-rotation"):
        datasets.load("xyz")
    with pytest.raises(ConfigError, match=r"unknown option of earth-rotation .since.: known: until"):
        datasets.load("earth-rotation", since=5)
    with pytest.raises(ConfigError, match=r"unknown part of japanese-vowels 'tests': did you mean 'test'"):
        datasets.load("japanese-vowels", part="tests")
