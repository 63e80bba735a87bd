"""Monthly mean sunspot numbers since 1749: the solar cycle of about 11 years."""

import numpy as np

from recurra.data.datasets.dataset import Dataset
from recurra.data.datasets.package import read_files
from recurra.series import Series

DATASET = Dataset(
    name="sunspots",
    title="Sunspots: monthly mean number (solar cycle of about 11 years, amplitude irregular)",
    rows="3,126 months, 1749-01 to 2009-06, no gaps; February 1824 was interpolated by the source",
    channels=("sunspots",),
    units=("",),
    source="NOAA National Geophysical Data Center (statsmodels, datasets/sunspots/src/sunspots_monthly.dat)",
    licence="package BSD-3-Clause; data public domain",
    citation=(
        "NOAA National Geophysical Data Center, monthly mean sunspot numbers 1749 to 2009 (international number, "
        "version 1)"
    ),
    package="statsmodels",
    module="statsmodels",
    files=("datasets/sunspots/src/sunspots_monthly.dat",),
    sha256="cc303d26340b6d599bc2878899f8c50c12323dc04b52a26ad047965ea2b9d2a3",
    time_unit="yr",
)


def load() -> Series:
    """The monthly numbers against the year, 1749 + month / 12 with month 0 for January; dt = 1/12 year."""
    (text,) = read_files(DATASET)
    rows = [line.split() for line in text.decode("ascii").splitlines() if line[:4].isdigit()]
    values = np.array([number for _, *months in rows for number in months], dtype=np.float64)
    first = int(rows[0][0])
    return DATASET.series(values, times=first + np.arange(len(values)) / 12, dt=1 / 12)
