"""Polar motion: where the axis of the Earth's rotation meets its surface, every day since 1962."""

import numpy as np

from recurra.data.datasets.dataset import Dataset
from recurra.data.datasets.package import read_files
from recurra.errors import ConfigError
from recurra.series import Series

DATASET = Dataset(
    name="earth-rotation",
    title="Earth rotation: polar motion x and y (annual and 433-day Chandler oscillation)",
    rows="daily since 1962-01-01, about 23,600 rows, no gaps; newer versions of the package bring more",
    channels=("x", "y"),
    units=("mas", "mas"),
    source="IERS EOP 20 C04 series, Paris Observatory (file data/eopc04.1962-now)",
    licence="package BSD-3-Clause; data IERS, free to use with citation",
    citation=(
        "Bizouard, C., Lambert, S., Gattano, C., Becker, O., Richard, J.-Y. (2019). The IERS EOP 14C04 "
        "solution for Earth orientation parameters consistent with ITRF 2014. Journal of Geodesy 93, 621-633"
    ),
    package="astropy-iers-data",
    module="astropy_iers_data",
    files=("data/eopc04.1962-now",),
    sha256=None,
    time_unit="d",
)

_MJD, _X, _Y = 4, 5, 6  # columns of the file, from 0
_MAS = 1000.0  # milliarcseconds in the arcsecond of the file


def load(until: float | None = None) -> Series:
    """Polar motion x, y in milliarcseconds against the Modified Julian Date.

    Args:
        until: the last Modified Julian Date to include, in days. Give one for results that do not change when
            the package is updated, as far as the service does not revise the past.

    Returns:
        A `Series` with dt = 1 day and `times` in MJD; `provenance["sha256"]` is the `Series.sha256` of the
        rows that are returned, `provenance["time_unit"]` is "d".

    Raises:
        MissingExtraError: astropy-iers-data is not installed.
        ConfigError: `until` is no date within the data.
        DataError: the file is not where or what it was.

    References:
        Bizouard et al. 2019, Journal of Geodesy 93, 621-633.
    """
    (text,) = read_files(DATASET)
    table = np.loadtxt(text.decode("ascii").splitlines(), comments="#", usecols=(_MJD, _X, _Y))
    times, values = table[:, 0], table[:, 1:] * _MAS
    rows = _rows(times, until)
    return DATASET.series(values[:rows], times=times[:rows])


def _rows(times: np.ndarray, until: float | None) -> int:
    """How many rows lie at or before `until`."""
    if until is None:
        return len(times)
    if isinstance(until, bool) or not isinstance(until, int | float | np.integer | np.floating):
        raise ConfigError(f"`until` must be a Modified Julian Date in days, got {until!r}")
    rows = int(np.searchsorted(times, until, side="right"))
    if not times[0] <= until <= times[-1]:
        raise ConfigError(f"`until={until!r}` is outside the data, MJD {times[0]:g} to {times[-1]:g}")
    return rows
