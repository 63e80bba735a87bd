"""What the tests of reading share: a text as a file, read."""

import pytest

from recurra.data import read_series


@pytest.fixture
def read(tmp_path):
    """`read(text, **arguments)`: the series that `read_series` makes of a CSV file with this text."""

    def series(text, **arguments):
        path = tmp_path / "data.csv"
        path.write_text(text)
        return read_series(path, **arguments)

    return series
