"""The Santa Fe laser: intensity of a far-infrared laser in a chaotic state, data set A of the 1991 competition."""

from recurra.data.datasets.dataset import Dataset
from recurra.data.datasets.package import read_files
from recurra.data.npy import read_array, read_header
from recurra.series import Series

DATASET = Dataset(
    name="santa-fe-laser",
    title="Santa Fe laser: intensity of a chaotic NH3 laser (data set A of the competition, continued)",
    rows="10,093 samples of 8 bits (0 to 255), no gaps",
    channels=("intensity",),
    units=("",),
    source="Santa Fe time series competition 1991, by way of J. McNames (reservoirpy, datasets/santafe_laser.npy)",
    licence="package MIT; the data carry no licence of their own: read here, never copied",
    citation=(
        "Huebner, U., Abraham, N. B., Weiss, C. O. (1989). Dimensions and entropies of chaotic intensity pulsations in "
        "a single-mode far-infrared NH3 laser. Physical Review A 40, 6354-6365; Weigend, A. S., Gershenfeld, N. A. "
        "(eds., 1994). Time Series Prediction: Forecasting the Future and Understanding the Past. Addison-Wesley"
    ),
    package="reservoirpy",
    module="reservoirpy",
    files=("datasets/santafe_laser.npy",),
    sha256="8c07281200935596f8e28bc94e1bb25e9964ab7d7f63c5e27ac87b810ac3b33a",
    time_unit="sample",
)


def load() -> Series:
    """The intensity in units of the 8-bit converter; dt = 1 sample."""
    (data,) = read_files(DATASET)
    return DATASET.series(read_array(read_header(data), data))
