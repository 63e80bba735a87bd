"""Weekly carbon dioxide at Mauna Loa, 1958 to 2001: a trend, a season, and 59 weeks without a value."""

import numpy as np

from recurra.data.datasets.dataset import Dataset
from recurra.data.datasets.package import read_files
from recurra.series import Series

DATASET = Dataset(
    name="co2",
    title="CO2: concentration in the air over Mauna Loa (rising, with a season and 59 missing weeks)",
    rows="2,284 weeks, 1958-03-29 to 2001-12-29, 59 of them missing",
    channels=("co2",),
    units=("ppmv",),
    source="Scripps Institution of Oceanography, CDIAC (statsmodels, datasets/co2/co2.csv)",
    licence="package BSD-3-Clause; data public domain",
    citation=(
        "Keeling, C. D., Whorf, T. P. (2004). Atmospheric CO2 concentrations derived from flask air samples at sites "
        "in the SIO network. Trends: A Compendium of Data on Global Change. CDIAC, Oak Ridge National Laboratory"
    ),
    package="statsmodels",
    module="statsmodels",
    files=("datasets/co2/co2.csv",),
    sha256="16695fa2786e53414e5a6b54767a3fdf5de99cfbc68617f69d1362d92776a92f",
    time_unit="s",
)


def load() -> Series:
    """The concentration against the date, dt = 7 days; weeks without a value are masked."""
    (text,) = read_files(DATASET)
    _, *rows = (line.split(",") for line in text.decode("ascii").splitlines())
    times = np.array([f"{day[:4]}-{day[4:6]}-{day[6:]}" for day, _ in rows], dtype="datetime64[ns]")
    values = np.array([float(value or "nan") for _, value in rows])
    return DATASET.series(values, times=times, mask=~np.isnan(values))
