"""What the tests of the formats share: a refusal with its exit code, as the user meets it."""

import os

import pytest

from recurra.data import read_series
from recurra.errors import ConfigError, DataError


@pytest.fixture
def refused():
    """`refused(path, code=3, **arguments)`: the message with which `read_series` refuses the file."""

    def message(path, code=3, **arguments):
        with pytest.raises(DataError if code == 3 else ConfigError) as caught:
            read_series(path, **arguments)
        assert caught.value.exit_code == code
        assert code == 2 or os.fspath(path) in str(caught.value)
        return str(caught.value)

    return message
