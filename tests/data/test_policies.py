"""Options of `read_series` that cannot be: refused before the file is read, with what there is instead."""

import numpy as np
import pytest

from recurra.data import read_series
from recurra.data.assemble import assemble
from recurra.data.columns import Parts
from recurra.data.policies import Policies
from recurra.errors import ConfigError, DataError

NAN = float("nan")


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"duplicates": "firts"}, "unknown `duplicates` 'firts': did you mean 'first'"),
        ({"duplicates": "average"}, "unknown `duplicates` 'average': known: first, mean, refuse"),
        ({"duplicates": None}, "unknown `duplicates` None"),
        ({"gaps": "maks"}, r"`gaps='maks'` is unknown: 'refuse', 'split' .*'interpolate:k'.*'mask'"),
        ({"gaps": "keep"}, "`gaps='keep'` is unknown: .*'mask'"),
        ({"gaps": "interpolate"}, "'interpolate:3'"),
        ({"gaps": "interpolate:0"}, "'interpolate:3'"),
        ({"gaps": "interpolate:-1"}, "'interpolate:3'"),
        ({"gaps": "interpolate:1.5"}, "'interpolate:3'"),
        ({"gaps": "interpolate:²"}, "'interpolate:3'"),
        ({"gaps": 3}, "`gaps=3` is unknown"),
        ({"sort": "yes"}, "`sort` must be True or False, got 'yes'"),
        ({"sort": 1}, "`sort` must be True or False, got 1"),
        *[({"resample": step}, "`resample` must be a step, positive and finite") for step in (0, -1, NAN, "1", True)],
        *[({"dt": step}, "`dt` must be a step, positive and finite") for step in (0, -1, float("inf"), NAN, "1", True)],
        ({"resample": 1, "dt": 1}, "`dt` and `resample` both give the step"),
        ({"time_unit": 5}, "`time_unit` must be a text such as 's', got 5"),
        ({"zone": 5}, "`zone` must be a text such as 'Europe/Oslo', got 5"),
    ],
)
def test_options_that_cannot_be(option, told):
    with pytest.raises(ConfigError, match=told) as caught:
        read_series("no such file.csv", **option)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("gaps", "longest", "fills"),
    [("refuse", 0, False), ("split", 0, False), ("mask", 0, True), ("keep", 0, False), ("interpolate:12", 12, True)],
)
def test_over_how_many_rows_values_are_interpolated(gaps, longest, fills):
    policies = Policies(gaps)
    assert (policies.longest, policies.fills) == (longest, fills)


def test_the_step_of_the_file_and_the_step_that_is_given_agree():
    parts = Parts(values=np.arange(3.0), dt=0.1)
    assert assemble(parts, Policies(), {}).dt == 0.1
    assert assemble(parts, Policies(dt=0.1), {}).dt == 0.1
    with pytest.raises(ConfigError, match=r"`dt` is 0\.2, and the file says 0\.1: leave one out"):
        assemble(parts, Policies(dt=0.2), {})


@pytest.mark.parametrize("dt", [0.0, -1.0, NAN, float("inf"), "1"])
def test_a_file_with_a_step_that_cannot_be(dt):
    with pytest.raises(DataError, match=f"`dt` must be positive and finite, and the file says {dt!r}"):
        assemble(Parts(values=np.arange(3.0), dt=dt), Policies(), {})


def test_inputs_of_another_length_and_infinite_values():
    with pytest.raises(DataError, match="the inputs have 2 rows, the channels 3"):
        assemble(Parts(values=np.arange(3.0), inputs=np.arange(2.0)), Policies(), {})
    with pytest.raises(DataError, match="row 2, column 'u0': -inf is not a finite number; 1 in this column"):
        assemble(Parts(values=np.arange(3.0), inputs=np.array([0, 1, -np.inf])), Policies(), {})
