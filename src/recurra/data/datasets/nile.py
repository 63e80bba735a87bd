"""The flow of the Nile at Aswan, a hundred years: a short series with a change point."""

import numpy as np

from recurra.data.datasets.dataset import Dataset
from recurra.data.datasets.package import read_files
from recurra.series import Series

DATASET = Dataset(
    name="nile",
    title="Nile: annual flow at Aswan, with a change point near 1898",
    rows="100 years, 1871 to 1970, no gaps",
    channels=("flow",),
    units=("1e8 m^3",),
    source="Cobb 1978 (statsmodels, datasets/nile/nile.csv)",
    licence="package BSD-3-Clause; data public domain",
    citation=(
        "Cobb, G. W. (1978). The problem of the Nile: conditional solution to a changepoint problem. Biometrika 65, "
        "243-251"
    ),
    package="statsmodels",
    module="statsmodels",
    files=("datasets/nile/nile.csv",),
    sha256="88e97bea7249e5832a85e41aec6ce4b8f7b1b14aae930c8363da7f193286b598",
    time_unit="yr",
)


def load() -> Series:
    """The flow against the year; dt = 1 year."""
    (text,) = read_files(DATASET)
    table = np.loadtxt(text.decode("ascii").splitlines(), delimiter=",", skiprows=1)
    return DATASET.series(table[:, 1], times=table[:, 0])
