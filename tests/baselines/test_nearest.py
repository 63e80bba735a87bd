"""The nearest past segment against a brute-force loop, and on periodic series, which it has to continue exactly."""

import itertools

import numpy as np
import pytest

import recurra as rc
from recurra.baselines import Nearest
from recurra.errors import ConfigError, DataError

SEASON = np.random.default_rng(0).standard_normal((9, 2))
PERIODIC = np.tile(SEASON, (15, 1))


def _network(lengths, width, seed=1, channels=2):
    rng = np.random.default_rng(seed)
    parts = [rng.standard_normal((rows, channels)) for rows in lengths]
    return Nearest(np.concatenate(parts), np.array(lengths), width), parts


def _brute_force(parts, width, known, steps):
    """Search all segments of all series, copy to the end of that series, search again; and how often it searched."""
    behind = min(100, max(1, max(map(len, parts)) // 4))
    places = [(p, end) for p, part in enumerate(parts) for end in range(width - 1, len(part) - behind)]
    known, searches = [*known], 0
    goal = len(known) + steps
    while len(known) < goal:
        recent = np.array(known[-width:])
        p, end = min(places, key=lambda at: np.sum((parts[at[0]][at[1] - width + 1 : at[1] + 1] - recent) ** 2))
        known += [*parts[p][end + 1 :]]
        searches += 1
    return np.array(known[goal - steps : goal]), searches


@pytest.mark.parametrize("width", [1, 2, 5])
def test_a_forecast_is_the_brute_force_search(width):
    network, parts = _network((40, 4, 23), width)
    rows = np.random.default_rng(2).standard_normal((6, width, 2))
    _, forecasts = network.free_run(rows[:, :-1], rows[:, -1], np.zeros((6, 90, 1)))
    found = [_brute_force(parts, width, each, 90) for each in rows]
    np.testing.assert_array_equal(forecasts, [forecast for forecast, _ in found])
    assert min(searches for _, searches in found) > 2  # the copies reach over the end of the past


@pytest.mark.parametrize("width", [1, 3])
def test_one_step_is_a_search_at_every_row(width):
    network, parts = _network((30, 21), width)
    rows = np.random.default_rng(3).standard_normal((2, 8, 3))  # the last column is a drive: not looked at
    state, forecasts = network.run(network.initial_state(2), rows)
    for one in range(2):
        known = np.concatenate([np.zeros((width - 1, 2)), rows[one, :, :2]])  # before any data: the mean
        for t in range(8):
            expected, _ = _brute_force(parts, width, known[t : t + width], 1)
            np.testing.assert_array_equal(forecasts[one, t], expected[0])
    np.testing.assert_array_equal(state, rows[:, 8 - width + 1 :, :2])


def test_segments_lie_in_one_series_and_enough_rows_follow_them():
    network, _ = _network((40, 4, 23, 12), 3)
    starts = itertools.accumulate((40, 4, 23, 12), initial=0)
    inside = [range(start + 2, start + rows - 10) for start, rows in zip(starts, (40, 4, 23, 12), strict=False)]
    assert network.ends.tolist() == [end for each in inside for end in each]  # a quarter of 40 rows follow
    assert len(network) == 28 + 11
    long, _ = _network((1000,), 1)
    assert long.ends.tolist() == [*range(900)]  # and a hundred of many


def test_a_forecast_in_one_copy_goes_on_where_it_stopped():
    network, parts = _network((400,), 2)
    at = 120
    state, first = network.free_run(parts[0][None, at - 1 : at], parts[0][None, at], np.zeros((1, 60, 0)))
    _, second = network.free_run(state, first[:, -1], np.zeros((1, 50, 0)))
    np.testing.assert_array_equal(np.concatenate([first, second], axis=1)[0], parts[0][at + 1 : at + 111])


@pytest.mark.parametrize("width", [1, 4, None])
def test_a_periodic_series_is_continued_exactly_over_the_end_of_the_past(width, tmp_path):
    model = rc.Nearest(width=width).fit(PERIODIC)
    forecast = model.forecast(200)
    np.testing.assert_allclose(forecast.values, np.tile(SEASON, (23, 1))[:200], rtol=0, atol=4e-16)
    model.save(tmp_path / "model.safetensors")
    again = rc.load(tmp_path / "model.safetensors")
    assert (type(again), again.get_params()) == (rc.Nearest, {"width": width, "horizon": None})
    assert again.forecast(200).values.tobytes() == forecast.values.tobytes()
    assert again.predict(PERIODIC).values.tobytes() == model.predict(PERIODIC).values.tobytes()


def test_a_width_that_tells_two_phases_apart_is_chosen():
    """The value alone does not say whether a sine rises or falls: two rows do."""
    wave = np.sin(2 * np.pi * np.arange(400) / 37.3)
    model = rc.Nearest().fit(wave)
    scores = {entry["width"]: entry["validation"] for entry in model.history_}
    assert [*scores] == [1, 2, 4, 8, 16]
    assert scores[1] > 10 * scores[2]
    assert model.network_.width == min(scores, key=scores.get)
    assert len(model.network_.past) == 400  # chosen on four fifths, copied from all
    truth = np.sin(2 * np.pi * np.arange(400, 437) / 37.3)
    assert np.abs(model.forecast(37).values[:, 0] - truth).max() < 0.1


def test_distances_are_in_standard_deviations():
    """In metres, the channel of 1e6 would decide alone; both count the same."""
    values = np.random.default_rng(4).standard_normal((120, 2)) * [1.0, 1e6]
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    expected, _ = _brute_force([scaled], 2, scaled[-2:], 20)
    forecast = rc.Nearest(width=2).fit(values).forecast(20).values
    np.testing.assert_allclose(forecast, expected * values.std(axis=0) + values.mean(axis=0), rtol=1e-12)


def test_missing_values_are_held_in_the_past_and_in_what_is_known():
    rng = np.random.default_rng(5)
    values, mask = rng.standard_normal((80, 2)), rng.random((80, 2)) > 0.1
    mask[[0, -1]] = [[False, True], [True, False]]  # the first row, and the last one that is known
    observed = np.where(mask, values, np.nan)
    scaled = (observed - np.nanmean(observed, axis=0)) / np.nanstd(observed, axis=0)
    for row, column in np.argwhere(~mask):
        scaled[row, column] = scaled[row - 1, column] if row else 0.0
    model = rc.Nearest(width=2).fit(rc.Series(values, mask=mask))
    expected, _ = _brute_force([scaled], 2, scaled[-2:], 30)
    expected = expected * np.nanstd(observed, axis=0) + np.nanmean(observed, axis=0)
    np.testing.assert_allclose(model.forecast(30).values, expected, rtol=1e-12, atol=1e-12)


def test_the_last_ten_thousand_rows_are_searched():
    rng = np.random.default_rng(6)
    parts = [rng.standard_normal(rows) for rows in (3000, 6000, 5000)]
    network = rc.Nearest(width=1).fit(parts).network_
    assert network.lengths.tolist() == [5000, 5000]
    scaled = (np.concatenate(parts) - np.concatenate(parts).mean()) / np.concatenate(parts).std()
    np.testing.assert_allclose(network.past[:, 0], scaled[4000:], rtol=1e-12, atol=1e-12)


def test_what_has_no_past_is_refused():
    with pytest.raises(DataError, match=r"no segment of 30 rows is followed by enough others in 30 rows"):
        rc.Nearest(width=30).fit(np.random.default_rng(7).standard_normal(30))
    with pytest.raises(ConfigError, match=r"`width` must be .*got 0; `horizon` must be .*got 'far'"):
        rc.Nearest(width=0, horizon="far").fit(PERIODIC)


@pytest.mark.parametrize("rows", [2, 3, 5, 9])
def test_few_validation_rows_shorten_the_choice_and_stop_no_fit(rows):
    """Beside a learner that validates nothing, a baseline that cannot be judged is the smallest, or left out."""
    wave = PERIODIC + 0.1 * np.random.default_rng(8).standard_normal(PERIODIC.shape)
    baselines = rc.Persistence().fit(wave, validation=wave[:rows]).baselines_
    assert baselines["nearest"].width + 1 < max(rows, 3)
    assert baselines["seasonal"].period == 9
    assert ("linear" in baselines) == (rows > 2)
    assert rows == 2 or baselines["linear"].order + 1 < rows
    with pytest.raises(DataError, match=r"warm-up of 12 rows and at least 2 more; the validation rows have"):
        rc.Linear(order=12).fit(wave, validation=wave[:rows])  # asked for, it says what is missing
