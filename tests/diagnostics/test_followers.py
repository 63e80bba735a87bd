"""Units that follow a channel are found with their lag; those that do not are called followers as rarely as is said."""

import numpy as np
import pytest
import scipy.signal

import recurra as rc
from recurra.diagnostics import followers, states_of
from recurra.errors import ConfigError, DataError, NotFittedError
from recurra.models import Stack, by_hand
from recurra.reservoirs import draw_reservoir


def autoregressive(rng, rows, columns, memory=0.9):
    """AR(1), after a transient."""
    noise = rng.normal(size=(rows + 200, columns))
    return scipy.signal.lfilter([1.0], [1.0, -memory], noise, axis=0)[200:]


def test_a_unit_that_is_a_channel_some_steps_before_is_found_with_its_lag():
    y = autoregressive(np.random.default_rng(0), 2000, 2)
    U = np.zeros((4, 2))
    U[0, 0] = 1.0
    found = followers(states_of(by_hand.linear(np.eye(4, k=-1), U), y), max_lag=6)  # unit k is y_0(t - k)
    first = found.pairs[:4]
    assert sorted((pair.unit, pair.channel, pair.lag) for pair in first) == [(k, "c0", k) for k in range(4)]
    np.testing.assert_allclose([pair.correlation for pair in first], 1, rtol=0, atol=1e-3)
    assert {pair.p for pair in first} == {1 / 1000}
    assert "h[3] follows c0 3 steps later (r = 1.00)" in found.words
    assert all(pair.channel == "c0" for pair in found.found())


def test_the_correlations_are_those_of_numpy():
    rng = np.random.default_rng(1)
    h, y = rng.normal(size=(300, 3)), rng.normal(size=(300, 2))
    found = followers(h, y, max_lag=4, permutations=50)
    for k in range(5):
        wanted = np.corrcoef(h[k:].T, y[: 300 - k].T)[:3, 3:]
        np.testing.assert_allclose(found.correlations[:, :, k], wanted, rtol=0, atol=1e-12)
    strongest = [abs(pair.correlation) for pair in found.pairs]
    assert strongest == sorted(strongest, reverse=True)
    assert len(strongest) == 6


def test_series_with_a_memory_that_do_not_know_of_each_other_pass_as_rarely_as_is_said():
    rng, least = np.random.default_rng(2), []
    for seed in range(300):
        h, y = autoregressive(rng, 400, 5), autoregressive(rng, 400, 2)
        least.append(min(p.p for p in followers(h, y, max_lag=5, permutations=199, seed=seed).pairs))
    least = np.array(least)
    for level in (0.05, 0.2, 0.5):
        error = np.sqrt(level * (1 - level) / 300)
        assert abs((least <= level).mean() - level) < 3.5 * error
    r = 2 / np.sqrt(400)  # what would be significant if every row were news
    assert np.mean([abs(np.corrcoef(*autoregressive(rng, 400, 2).T)[0, 1]) > r for _ in range(300)]) > 0.3


def test_units_that_do_not_vary_follow_nothing():
    y = autoregressive(np.random.default_rng(3), 500, 1)
    found = followers(np.stack([np.full(500, 0.3), -y[:, 0]], axis=1), y, permutations=99)
    assert [(p.unit, p.correlation) for p in found.pairs] == [(1, pytest.approx(-1)), (0, 0.0)]
    assert found.pairs[1].p == 1
    assert followers(np.zeros((500, 2)), y, permutations=99).words.startswith("No unit follows")


@pytest.fixture(scope="module")
def series():
    rng = np.random.default_rng(4)
    y = autoregressive(rng, 300, 2, 0.7)
    return rc.Series(5 + 3 * y, channels=["x", "v"], inputs=rc.Series(rng.normal(size=(300, 1)), channels=["push"]))


def test_the_states_of_an_echo_state_network_and_of_a_trained_one_come_by_one_door(series):
    echo = rc.ESN(units=20, ridge=1e-6, spectral_radius=0.5, washout=20, seed=0).fit(series)
    gru = rc.GRU(units=4, epochs=1, bptt_length=10, precision="float64", validation=0.0, seed=0).fit(series)
    xs = np.concatenate([echo.frame_.scaled(series)[0][:-1], echo.frame_.scaled(series)[1][1:]], axis=1)
    for model, bare in ((echo, echo.network_.reservoir), (gru, gru.network_.model)):
        found = states_of(model, series)
        np.testing.assert_allclose(found.values, states_of(bare, xs).values, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(found.seen.values, series.values[:-1])
        assert found.seen.channels == ("x", "v")
        assert len(found.names) == found.values.shape[1]
        pairs = followers(found, permutations=99).pairs
        assert {pair.channel for pair in pairs} == {"x", "v", "push"}
        assert pairs[0].p <= 0.05
    h, reservoir = np.zeros(20), echo.network_.reservoir
    for x in xs[:5]:
        h = (1 - reservoir.leak) * h + reservoir.leak * np.tanh(reservoir.W @ h + reservoir.W_in @ x + reservoir.b)
    np.testing.assert_allclose(states_of(echo, series).values[4], h, rtol=0, atol=1e-12)


def test_the_units_of_several_parts_have_names_of_their_own():
    found = states_of(Stack.draw("lstm", 1, 1, units=2, layers=2, seed=0), np.zeros((3, 1)))
    assert found.names == tuple(f"cells/{l} {part}[{i}]" for l in (0, 1) for part in "hc" for i in (0, 1))


def test_what_cannot_be_looked_at_is_refused(series):
    with pytest.raises(DataError, match=r"have the shapes \(5, 2\) and \(6, 1\)"):
        followers(np.zeros((5, 2)), np.zeros((6, 1)))
    with pytest.raises(DataError, match="50 rows have 29 shifts"):
        followers(np.zeros((50, 2)), np.zeros((50, 1)))
    with pytest.raises(ConfigError, match="`max_lag`"):
        followers(np.zeros((50, 2)), np.zeros((50, 1)), max_lag=-1)
    with pytest.raises(ConfigError, match="need the `series`"):
        followers(np.zeros((50, 2)))
    with pytest.raises(NotFittedError, match="this ESN is not fitted"):
        states_of(rc.ESN(), series)
    drawn = draw_reservoir(
        5, 2, spectral_radius=0.5, in_degree=2, input_scaling=1.0, bias_scaling=0.0, leak=1.0, seed=0
    )
    with pytest.raises(DataError, match=r"finite numbers \(time, 2\)"):
        states_of(drawn, np.zeros((4, 3)))
