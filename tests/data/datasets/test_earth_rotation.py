"""Earth rotation: the file of the package, against its published rows and known physics."""

import importlib.metadata

import numpy as np
import pytest

from recurra.data import check_trainable, datasets
from recurra.errors import ConfigError


@pytest.fixture(scope="module")
def polar_motion():
    return datasets.load("earth-rotation")


def test_the_first_rows_as_published(polar_motion):
    # eopc04.1962-now, 1962-01-01 and 02: x, y in arcseconds
    np.testing.assert_allclose(polar_motion.values[:2], [[-12.7, 213.0], [-15.9, 214.1]], rtol=1e-12)
    assert polar_motion.times[0] == 37665.0


def test_it_is_daily_whole_and_trainable(polar_motion):
    assert len(polar_motion) >= 23_648
    np.testing.assert_array_equal(np.diff(polar_motion.times), 1.0)
    assert (polar_motion.dt, polar_motion.channels, polar_motion.units) == (1.0, ("x", "y"), ("mas", "mas"))
    check_trainable([polar_motion], rows=1000)


def test_persistence_errs_as_measured_elsewhere(polar_motion):
    # Since 2000 the root mean square change of x and y over 10 days is 16.2 and 15.0 mas.
    since = polar_motion.values[polar_motion.times >= 51544]
    change = np.sqrt(np.mean((since[10:] - since[:-10]) ** 2, axis=0))
    np.testing.assert_allclose(change, [16.2, 15.0], atol=0.3)


def test_the_chandler_and_annual_periods_stand_out(polar_motion):
    circle = polar_motion.values[:, 0] - 1j * polar_motion.values[:, 1]  # prograde: x leads y
    trend = np.polynomial.Polynomial.fit(polar_motion.times, circle, 3)(polar_motion.times)
    periods = np.arange(380.0, 500.0)
    power = [abs(np.mean((circle - trend) * np.exp(-2j * np.pi * polar_motion.times / p))) for p in periods]
    assert periods[np.argmax(power)] == pytest.approx(433, abs=5)


def test_until_cuts_inclusively(polar_motion):
    cut = datasets.load("earth-rotation", until=51544)
    assert cut.times[-1] == 51544.0
    np.testing.assert_array_equal(cut.values, polar_motion.values[: len(cut)])
    assert len(datasets.load("earth-rotation", until=51544.9)) == len(cut)
    assert len(datasets.load("earth-rotation", until=37665)) == 1


def test_provenance(polar_motion):
    cut = datasets.load("earth-rotation", until=51544)
    for series in (polar_motion, cut):
        found = series.provenance
        assert found["name"] == "earth-rotation"
        assert found["package"] == "astropy-iers-data"
        assert found["package_version"] == importlib.metadata.version("astropy-iers-data")
        assert found["time_unit"] == "d"
        assert found["sha256"] == series.sha256
        assert "IERS" in found["source"]
        assert "Bizouard" in found["citation"]
    assert cut.sha256 != polar_motion.sha256


@pytest.mark.parametrize("until", [37664, 1e9, float("nan"), "2000-01-01", True])
def test_until_must_lie_within(until):
    with pytest.raises(ConfigError, match="until"):
        datasets.load("earth-rotation", until=until)
