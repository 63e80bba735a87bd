"""Leaks in what a user prepared are found; and what they are worth in skill that is none."""

import numpy as np
import pytest

from recurra import Series
from recurra.data import windows
from recurra.data.leakage import check_scaling, check_split, warn_of_whole_scaling
from recurra.data.splits import by_time
from recurra.errors import ConfigError, DataError, RecurraWarning

WINDOW, HORIZON = 20, 3
RNG = np.random.default_rng(7)


def _rows(start):
    return {*range(start, start + WINDOW), start + WINDOW - 1 + HORIZON}


@pytest.mark.parametrize("gap", range(18, 28))
def test_windows_are_refused_when_their_spans_meet(gap):
    """Against sets of rows: the spans from the first row to the target have rows in common."""
    train, test = list(range(50)), list(range(49 + gap, 120))
    spans = [set(range(s, s + WINDOW + HORIZON)) for s in (train[-1], test[0])]
    if spans[0] & spans[1]:
        with pytest.raises(DataError, match=rf"{WINDOW + HORIZON - gap} of {len(test)} test windows share rows"):
            check_split(train, test, window=WINDOW, horizon=HORIZON)
    else:
        check_split(train, test, window=WINDOW, horizon=HORIZON)


def test_a_random_split_is_counted_and_explained():
    order = RNG.permutation(500)
    train, test = order[:400], order[400:]
    shared = sum(any(_rows(t) & _rows(i) for i in train) for t in test)
    with pytest.raises(DataError, match=r"learned by heart.*Split in time") as caught:
        check_split(train, test, window=WINDOW, horizon=HORIZON)
    assert str(caught.value).startswith(f"{shared} of 100 test windows")


def _labelled(values):
    """Windows of the first column, and the label of the row after each."""
    inputs, targets = windows(values, WINDOW)
    return inputs[:, :, 0], targets[:, 1]


def _nearest_skill(x, y, asked, came):
    """Accuracy of the label of the nearest training window, above one half, in standard errors."""
    distance = ((asked[:, None] - x[None]) ** 2).sum(axis=2)
    right = y[distance.argmin(axis=1)] == came
    return (right.mean() - 0.5) / (0.5 / np.sqrt(len(came) / WINDOW))  # a label lasts as long as a window


def test_labels_of_pure_noise_look_learnable_under_a_random_split_and_not_in_time():
    """A random walk of which every stretch of 20 rows has a label thrown with a coin: there is nothing to learn."""
    skills = {"random": [], "in time": []}
    for seed in range(10):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 2, 101).repeat(WINDOW)[WINDOW // 2 :][:2000]
        series = Series(np.stack([np.cumsum(rng.standard_normal(2000)), labels], axis=1))
        train, test = (_labelled(part.values) for (part,) in by_time(series, 0.75, gap=WINDOW + 1))
        skills["in time"].append(_nearest_skill(*train, *test))
        x, y = _labelled(series.values)
        order = rng.permutation(len(y))
        skills["random"].append(_nearest_skill(x[order[:1500]], y[order[:1500]], x[order[1500:]], y[order[1500:]]))
        with pytest.raises(DataError, match="share rows"):
            check_split(order[:1500], order[1500:], window=WINDOW)
    assert abs(np.mean(skills["in time"])) < 2 / np.sqrt(10)  # 0 within two standard errors
    assert min(skills["random"]) > 2  # every time, and yet there is none


SERIES = np.cumsum(RNG.standard_normal((300, 2)), axis=0)
WHOLE = (SERIES - SERIES.mean(axis=0)) / SERIES.std(axis=0)


@pytest.mark.parametrize("ddof", [0, 1])
def test_scaling_by_the_whole_series_is_found(ddof):
    whole = (SERIES - SERIES.mean(axis=0)) / SERIES.std(axis=0, ddof=ddof)
    with pytest.raises(DataError, match=r"in 2 of 2 channels.*seen the level and the spread"):
        check_scaling(whole[:240], whole[240:])


def test_scaling_by_the_training_part_is_none_of_it():
    train = SERIES[:240]
    scaled = (SERIES - train.mean(axis=0)) / train.std(axis=0)
    check_scaling(scaled[:240], scaled[240:])
    check_scaling(SERIES[:240], SERIES[240:])


def test_a_slice_of_a_series_that_was_scaled_whole_tells_on_itself():
    for whole in (WHOLE, Series(WHOLE), WHOLE[:, 0].copy()):
        with pytest.warns(RecurraWarning, match="the whole series was standardised"):
            warn_of_whole_scaling(whole[:240])


def test_nothing_is_said_of_copies_raw_series_and_parts_scaled_alone():
    scaled = (SERIES - SERIES[:240].mean(axis=0)) / SERIES[:240].std(axis=0)
    for data in (WHOLE[:240].copy(), WHOLE, SERIES[:240], scaled[:240], [Series(SERIES)[:100], SERIES[100:]]):
        warn_of_whole_scaling(data)


def test_what_cannot_be_windows_is_refused():
    with pytest.raises(ConfigError, match="`window`"):
        check_split([0], [9], window=0)
    with pytest.raises(ConfigError, match="`train`"):
        check_split([0.5], [9], window=2)
