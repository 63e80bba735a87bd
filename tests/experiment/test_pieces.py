"""Which rows are trained on, and which are forecast from which."""

import numpy as np
import pytest

from recurra.errors import ConfigError, DataError, RecurraWarning
from recurra.experiment.pieces import Piece, Rows, cut, pieces
from recurra.series import Series


def broken(*lengths):
    """A series of segments of these lengths."""
    breaks = np.cumsum(lengths)[:-1]
    times = np.arange(float(sum(lengths)))
    for row in breaks:
        times[row:] += 10
    return Series(np.random.default_rng(0).standard_normal(sum(lengths)), times=times, dt=1.0, breaks=breaks.tolist())


def test_a_cut_in_time_is_that_of_the_series():
    assert cut(broken(10), 0.8, "time", 0) == (8, 8)
    assert cut(broken(10), 0.6, "time", 2) == (6, 8)


def test_a_cut_between_trajectories_lies_on_a_break():
    assert cut(broken(3, 4, 5, 6), 0.5, "trajectory", 0) == (7, 7)
    assert cut(broken(3, 4, 5, 6), 0.99, "trajectory", 0) == (12, 12)


@pytest.mark.parametrize(
    ("split_by", "gap", "said"),
    [
        ("random", 0, "shares all but one of its rows"),
        ("trajectry", 0, "did you mean 'trajectory'"),
        ("rolling-origin", 0, "makes several"),
        ("trajectory", 3, "no meaning between several"),
    ],
)
def test_cuts_that_are_refused(split_by, gap, said):
    with pytest.raises(ConfigError, match=said):
        cut(broken(5, 5), 0.5, split_by, gap)


def test_one_segment_is_forecast_from_all_rows_before_it():
    assert pieces(broken(10), 8, memory=3) == [Piece((0, 8), (8, 10))]


def test_segments_after_a_break_bring_their_own_history():
    series = broken(10, 6, 5)
    assert pieces(series, 8, memory=3) == [Piece((0, 8), (8, 10)), Piece((10, 13), (13, 16)), Piece((16, 19), (19, 21))]
    assert pieces(series, 10, memory=3) == [Piece((10, 13), (13, 16)), Piece((16, 19), (19, 21))]


def test_rows_known_after_the_training_part_lead_up_too():
    (piece,) = pieces(broken(4, 8), 9, memory=3)
    known, truth = piece.of(broken(4, 8))
    assert (known.times[0], known.times[-1], truth.times[0]) == (14.0, 18.0, 19.0)


def test_short_segments_are_left_out_and_told():
    with pytest.warns(RecurraWarning, match="2 of 3 test segments have 3 rows or fewer"):
        assert pieces(broken(10, 3, 6, 2), 10, memory=3) == [Piece((13, 16), (16, 19))]
    with pytest.raises(DataError, match="each needs 7 rows of its own as history and more to score, the longest has 6"):
        pieces(broken(10, 3, 6), 10, memory=7)


def test_what_follows_the_training_part_is_shown_else_the_longest():
    series = broken(10, 6, 9)
    assert Rows.of(series, 8, 8, memory=2).shown.rows == (8, 10)
    assert Rows.of(series, 10, 10, memory=2).shown.rows == (18, 25)
