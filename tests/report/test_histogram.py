"""The histogram of errors: what it draws, says and refuses."""

import numpy as np
import pytest

from recurra.errors import DataError
from recurra.report.histogram import error_histogram


def test_it_says_mean_and_standard_deviation_of_every_learner():
    svg = error_histogram({"rnn": np.array([-1.0, 1.0]), "linear": np.array([0.0, 4.0])}, noise=0.5, unit="K")
    assert svg.startswith("<svg")
    assert "in K: RNN 0 ± 1.00, linear 2.00 ± 2.00. The noise has a standard deviation of 0.500." in svg
    assert all(f"line-{name}" in svg for name in ("errors0", "errors1", "noise"))


def test_errors_that_are_all_zero_are_drawn():
    assert "RNN 0 ± 0" in error_histogram({"rnn": np.zeros(5)})


@pytest.mark.parametrize(
    ("errors", "noise", "said"),
    [
        ({}, None, "no errors"),
        ({"rnn": []}, None, "no errors"),
        ({"rnn": [0.0, np.nan, np.inf]}, None, "2 of the 3 errors of 'rnn' are not finite"),
        ({"rnn": [0.0]}, 0.0, "positive"),
    ],
)
def test_what_cannot_be_drawn_is_refused(errors, noise, said):
    with pytest.raises(DataError, match=said):
        error_histogram(errors, noise)
