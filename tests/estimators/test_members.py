"""One forecast out of many: the median while they agree, then the trajectory of one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import recurra as rc
from recurra.estimators.members import APART, Members, Past, follow, weighted_median

MANY = arrays(float, (4, 2, 9, 2), elements=st.floats(-1, 1, width=32))


def logistic(starts: np.ndarray, steps: int) -> np.ndarray:
    """Trajectories x -> 4 x (1 - x), (members, 1, steps, 1)."""
    rows = [starts]
    for _ in range(steps - 1):
        rows.append(4 * rows[-1] * (1 - rows[-1]))
    return np.array(rows).T[:, None, :, None]


@given(MANY)
def test_members_that_agree_give_their_median(forecasts):
    near = APART * 0.25 * forecasts
    joint, company = follow(near, np.ones(4))
    np.testing.assert_array_equal(joint, weighted_median(near, np.ones(4)))
    assert company.beside.all()
    assert (company.leader == -1).all()


def test_after_chaos_has_parted_them_the_forecast_still_obeys_the_map():
    members = logistic(0.3 + 1e-6 * np.array([0.0, 1.0, -1.0, 2.5, -1.7]), 200) / 0.354  # in standard deviations
    joint, company = follow(members, np.ones(5))
    x = 0.354 * joint[0, :, 0]
    np.testing.assert_allclose(x[40:], 0.354 * members[company.leader[0], 0, 40:, 0])
    np.testing.assert_allclose(x[41:], 4 * x[40:-1] * (1 - x[40:-1]), atol=1e-14)
    y = 0.354 * weighted_median(members, np.ones(5))[0, :, 0]
    assert np.abs(y[41:] - 4 * y[40:-1] * (1 - y[40:-1])).max() > 0.3
    assert y[40:].std() < 0.8 * x[40:].std()  # it shrinks to the mean


def test_the_member_that_keeps_to_the_median_for_longest_is_followed():
    forecasts = np.zeros((3, 1, 8, 1))
    forecasts[0, 0, 3:] = 3.0  # leaves at once, and comes back too late
    forecasts[0, 0, 6:] = 0.0
    forecasts[1, 0, 5:] = -6.0
    forecasts[2, 0, 4:] = 9.0
    joint, company = follow(forecasts, np.ones(3))
    # the median is 0, 0, 0, 0, 3, 3, 0, 0: the second member is left alone with it at step 3 and loses it at step 4
    np.testing.assert_array_equal(joint[0, :, 0], [0, 0, 0, 0, 0, -6, -6, -6])
    assert company.leader.tolist() == [1]


def test_a_member_that_runs_away_is_not_followed():
    forecasts = np.zeros((3, 1, 30, 1))
    forecasts[0, 0, 20:] = 2.0 ** np.arange(10)[:, None]  # keeps for longest, and runs away
    forecasts[1, 0, 10:] = 2.0
    forecasts[2, 0, 10:] = -2.0
    joint, company = follow(forecasts, np.ones(3))
    np.testing.assert_array_equal(joint[0, :, 0], [0.0] * 20 + [1.0] + [2.0] * 9)
    assert company.leader.tolist() == [1]
    everywhere, _ = follow(20.0 + forecasts, np.ones(3))
    np.testing.assert_array_equal(everywhere[0, -1], 20.0 + forecasts[0, 0, -1])  # where all are far, the longest


def test_a_member_of_more_weight_is_the_median():
    forecasts = np.array([0.0, 5.0, 9.0])[:, None, None, None] * np.ones((3, 1, 4, 1))
    joint, company = follow(forecasts, np.array([1.0, 1.0, 5.0]))
    np.testing.assert_array_equal(joint, 9.0 * np.ones((1, 4, 1)))
    assert company.leader.tolist() == [-1]


def test_a_copy_of_the_past_takes_over_when_too_few_keep_to_the_median_and_gives_way_in_the_end():
    forecasts = np.zeros((4, 1, 40, 1))
    forecasts[0, 0, 5:] = 5.0  # two of three, 67 % of the weight, stay together
    forecasts[3] = 7.0
    joint, _ = follow(forecasts, np.array([1.0, 1.0, 1.0, 0.0]), past=Past(3, until=30))
    rising, falling = 0.7 * np.arange(1, 11), 0.7 * np.arange(10, 0, -1)
    expected = np.concatenate([np.zeros(5), rising, np.full(5, 7.0), falling, np.zeros(10)])
    np.testing.assert_allclose(joint[0, :, 0], expected, atol=1e-12)


def test_three_quarters_of_the_weight_are_enough_to_go_without_a_copy():
    forecasts = np.zeros((5, 1, 20, 1))
    forecasts[0, 0, 5:] = 5.0
    forecasts[4] = 7.0
    joint, _ = follow(forecasts, np.array([1.0, 1.0, 1.0, 1.0, 0.0]), past=Past(4, until=30))
    np.testing.assert_array_equal(joint, 0.0)


def test_a_member_without_weight_is_neither_in_the_median_nor_followed():
    forecasts = np.zeros((3, 1, 8, 1))
    forecasts[0, 0, 3:] = 4.0
    forecasts[1, 0, 3:] = -4.0  # both leave their median, which the third keeps to
    joint, company = follow(forecasts, np.array([1.0, 1.0, 0.0]))
    np.testing.assert_array_equal(joint[0, :, 0], [0, 0, 0, 4, 4, 4, 4, 4])
    assert company.leader.tolist() == [0]


@settings(max_examples=50)
@given(MANY, st.integers(0, 9), st.sampled_from([None, Past(3, 6), Past(0, 20)]))
def test_in_two_pieces_as_in_one(forecasts, cut, past):
    weights = np.array([1.0, 2.0, 1.0, 0.5])
    whole, end = follow(3 * forecasts, weights, past=past)
    first, company = follow(3 * forecasts[:, :, :cut], weights, past=past)
    second, last = follow(3 * forecasts[:, :, cut:], weights, company, past)
    np.testing.assert_array_equal(np.concatenate([first, second], axis=1), whole)
    np.testing.assert_array_equal(last.beside, end.beside)
    np.testing.assert_array_equal(last.leader, end.leader)
    np.testing.assert_array_equal(last.apart, end.apart)


@pytest.mark.parametrize("channels", [1, 3])
def test_each_series_of_a_batch_has_a_leader_of_its_own(channels):
    rng = np.random.default_rng(0)
    forecasts = np.cumsum(rng.normal(size=(5, 6, 40, channels)), axis=2)
    joint, company = follow(forecasts, np.ones(5))
    for k in range(6):
        alone, own = follow(forecasts[:, [k]], np.ones(5))
        np.testing.assert_array_equal(joint[k], alone[0])
        assert company.leader[k] == own.leader[0]


def test_members_warm_up_as_they_run():
    wave = np.sin(0.3 * np.arange(300)) + 0.4 * np.sin(0.71 * np.arange(300))
    fitted = [rc.ESN(units=20, washout=10).fit(wave), rc.KernelRidge(lags=3, stride=2, length_scale=1.0).fit(wave)]
    together = Members((*fitted, rc.Linear(order=4).fit(wave)), "trajectory")
    inputs, last, drive = wave[None, :40, None], wave[None, 40:41], np.zeros((1, 30, 0))
    warm = together.warm(together.initial_state(1), inputs)
    run, _ = together.run(together.initial_state(1), inputs)
    ways = [together.free_run(state, last, drive)[1] for state in (warm, run)]
    np.testing.assert_allclose(ways[0], ways[1], rtol=1e-9, atol=1e-12)
