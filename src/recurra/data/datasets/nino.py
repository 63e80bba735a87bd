"""Sea surface temperatures of the four El Nino regions, monthly since 1950."""

import numpy as np

from recurra.data.datasets.dataset import Dataset
from recurra.data.datasets.package import read_files
from recurra.series import Series

DATASET = Dataset(
    name="nino",
    title="El Nino: sea surface temperature of four regions of the tropical Pacific",
    rows="732 months, 1950-01 to 2010-12, no gaps",
    channels=("nino12", "nino3", "nino4", "nino34"),
    units=("degC", "degC", "degC", "degC"),
    source="NOAA National Weather Service, ERSST.V3B (statsmodels, datasets/elnino/src/elnino.dat)",
    licence="package BSD-3-Clause; data public domain",
    citation=(
        "Smith, T. M., Reynolds, R. W., Peterson, T. C., Lawrimore, J. (2008). Improvements to NOAA's historical "
        "merged land-ocean surface temperature analysis (1880-2006). Journal of Climate 21, 2283-2296"
    ),
    package="statsmodels",
    module="statsmodels",
    files=("datasets/elnino/src/elnino.dat",),
    sha256="334b52745a1434c677fadeed0991dc8144b7ee2058cd9af335a0ee8b8696a11e",
    time_unit="yr",
)


def load() -> Series:
    """The temperatures against the year, 1950 + month / 12 with month 0 for January; dt = 1/12 year."""
    (text,) = read_files(DATASET)
    table = np.loadtxt(text.decode("ascii").splitlines(), skiprows=1)  # year, month, then temperature and anomaly
    times = table[:, 0] + (table[:, 1] - 1) / 12
    return DATASET.series(np.ascontiguousarray(table[:, 2::2]), times=times, dt=1 / 12)
