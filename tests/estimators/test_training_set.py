"""What is trained on and what validates: never the same rows."""

import numpy as np
import pytest

import recurra as rc
from recurra.errors import DataError
from recurra.estimators.frame import Frame
from recurra.estimators.training_set import TrainingSet, steps, validation_origins


def numbered(*lengths, held=None):
    """Series whose first channel counts 1000 s + t in scaled units, s the series."""
    parts = [rc.Series(np.arange(rows, dtype=float)) for rows in lengths]
    frame = Frame.of(parts)
    tables = [(1000.0 * s + np.arange(float(rows))[:, None], np.zeros((rows, 0))) for s, rows in enumerate(lengths)]
    return TrainingSet(frame, tables, held, None, None)


@pytest.mark.parametrize(
    ("lengths", "fraction", "cuts"),
    [
        ((100,), 0.2, [80]),
        ((100, 50), 0.1, [90, 45]),
        ((5,), 0.1, [3]),  # at least two rows validate
        ((10, 20, 30, 40, 50), 0.2, [10, 20, 30, 40, 0]),  # of many series, whole ones
        ((10,) * 10, 0.3, [10] * 7 + [0] * 3),
        ((10,) * 6, 0.01, [10] * 5 + [0]),
    ],
)
def test_cuts(lengths, fraction, cuts):
    assert numbered(*lengths).cuts(fraction) == cuts


def test_given_validation_series_leave_all_rows_to_train_on():
    held = [(np.full((30, 1), -1.0), np.zeros((30, 0)))]
    training = numbered(100, 50, held=held)
    assert training.cuts(0.2) == [100, 50]
    assert training.validation([100, 50], 10) is held


@pytest.mark.parametrize("lengths", [(100,), (60, 90), (40, 30, 50, 60, 45, 35)])
@pytest.mark.parametrize("warmup", [0, 7, 25])
@pytest.mark.parametrize("horizon", [1, 6, 500, None])
def test_no_row_is_both_trained_on_and_scored(lengths, warmup, horizon):
    training = numbered(*lengths)
    cuts = training.cuts(0.3)
    trained = {value for values, _ in training.trained(cuts) for value in values[:, 0]}
    origins = validation_origins(training.validation(cuts, warmup), warmup, horizon, 5, 8)
    scored = set(origins.truth.ravel())
    assert not trained & scored
    everything = {1000.0 * s + t for s, rows in enumerate(lengths) for t in range(rows)}
    assert scored <= everything - trained
    assert origins.warm.shape[1] == warmup
    # Warm-up, last row and truth are consecutive rows of one series.
    rows = np.concatenate([origins.warm[..., 0], origins.last, origins.truth[..., 0]], axis=1)
    assert (np.diff(rows, axis=1) == 1).all()


def test_the_first_origin_of_a_cut_series_is_the_last_trained_row():
    training = numbered(100)
    origins = validation_origins(training.validation([80], 10), 10, 4, 5, 3)
    assert origins.last[0, 0] == 79
    assert origins.truth[0, :, 0].tolist() == [80, 81, 82, 83]
    assert origins.truth[-1, -1, 0] == 99


def test_validation_rows_too_short_for_a_warm_up():
    with pytest.raises(DataError, match=r"warm-up of 30 rows.*validation rows have 20"):
        validation_origins([(np.zeros((20, 1)), np.zeros((20, 0)))], 30, 5, 5, 3)


def test_steps_put_the_next_drive_beside_the_row():
    y, u = np.arange(4.0)[:, None], 10 * np.arange(4.0)[:, None]
    inputs, targets = steps((y, u))
    assert inputs.tolist() == [[0, 10], [1, 20], [2, 30]]
    assert targets[:, 0].tolist() == [1, 2, 3]
