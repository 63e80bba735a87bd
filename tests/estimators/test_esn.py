"""The echo state network: its readout recomputed row by row, what trains and what validates, how far it sees."""

import numpy as np
import pytest

import recurra as rc
from recurra.errors import ConfigError, DataError
from recurra.forecasting import horizon_score
from recurra.reservoirs import RidgePath, TriangularFactor, draw_reservoir, harvest

UNITS, WASHOUT = 30, 25


def reservoir(model, features):
    return draw_reservoir(
        model.units,
        features,
        spectral_radius=model.spectral_radius,
        in_degree=model.in_degree,
        input_scaling=model.input_scaling,
        bias_scaling=model.bias_scaling,
        leak=model.leak,
        seed=model.seed,
    )


def readout(model, parts):
    """[c, V] by a loop over the rows and one dense least-squares problem with the constant left unpenalised."""
    mean = np.concatenate([p.values for p in parts]).mean(axis=0)
    std = np.concatenate([p.values for p in parts]).std(axis=0)
    net = reservoir(model, mean.size)
    W, rows, targets = net.W.toarray(), [], []
    for part in parts:
        y, h = (part.values - mean) / std, np.zeros(model.units)
        for t in range(len(y) - 1):
            h = (1 - model.leak) * h + model.leak * np.tanh(W @ h + net.W_in @ y[t] + net.b)
            if t >= model.washout:
                rows.append(np.concatenate([[1.0], *(y[t - k] for k in range(model.lags)), h]))
                targets.append(y[t + 1] - y[t] if model.increment else y[t + 1])
    H, Y = np.array(rows), np.array(targets)
    width = H.shape[1] - 1
    s1 = np.linalg.norm(H[:, 1:] - H[:, 1:].mean(axis=0), 2)
    bottom = np.concatenate([np.zeros((width, 1)), np.sqrt(model.ridge) * s1 * np.eye(width)], axis=1)
    stacked = np.concatenate([Y, np.zeros((width, Y.shape[1]))])
    return np.linalg.lstsq(np.concatenate([H, bottom]), stacked, rcond=None)[0].T


@pytest.mark.parametrize("increment", [False, True])
@pytest.mark.parametrize(("leak", "lags"), [(1.0, 1), (0.4, 1), (0.4, 0), (1.0, 4)])
def test_readout_is_the_dense_ridge_solution(chaos, other_chaos, increment, leak, lags):
    model = rc.ESN(units=UNITS, washout=WASHOUT, ridge=1e-5, increment=increment, leak=leak, lags=lags, seed=7)
    parts = [chaos[:200], other_chaos[:90]]
    model.fit(parts)
    np.testing.assert_allclose(model.network_.coefficients, readout(model, parts), rtol=1e-6, atol=1e-8)


def test_closed_loop_forecast_is_a_loop_over_the_warm_up_and_its_own_output(chaos):
    model = rc.ESN(units=UNITS, washout=WASHOUT, warmup=18, ridge=1e-5, leak=0.6).fit(chaos[:300])
    net, V = reservoir(model, 3), model.network_.coefficients
    mean, std = chaos.values[:300].mean(axis=0), chaos.values[:300].std(axis=0)
    known = (chaos.values[400:450] - mean) / std
    h, W = np.zeros(UNITS), net.W.toarray()
    for x in known[-19:]:  # 18 rows of warm-up, then the last row starts the loop
        h = 0.4 * h + 0.6 * np.tanh(W @ h + net.W_in @ x + net.b)
    expected = []
    for _ in range(8):
        y = V @ np.concatenate([[1.0], x, h])
        expected.append(y * std + mean)
        x, h = y, 0.4 * h + 0.6 * np.tanh(W @ h + net.W_in @ y + net.b)
    np.testing.assert_allclose(model.forecast(8, history=chaos[400:450]).values, expected, rtol=1e-8)


def rows_solved(monkeypatch):
    """The rows of every sum that a path or a solution is asked of, as they come."""
    seen = []
    path, solve = TriangularFactor.path, TriangularFactor.solve
    monkeypatch.setattr(TriangularFactor, "path", lambda total: seen.append(total.rows) or path(total))
    monkeypatch.setattr(TriangularFactor, "solve", lambda total, r: seen.append(total.rows) or solve(total, r))
    return seen


def test_washout_drops_exactly_its_rows_of_every_series(chaos, other_chaos, monkeypatch):
    seen = rows_solved(monkeypatch)
    parts = [chaos[:200], other_chaos[:90]]
    rc.ESN(units=UNITS, washout=WASHOUT, ridge=1e-5).fit(parts)
    assert seen == [(199 - WASHOUT) + (89 - WASHOUT)]


def test_blocks_of_rows_do_not_matter(chaos, monkeypatch):
    def fit():
        return rc.ESN(units=UNITS, washout=WASHOUT, ridge=1e-4, validation=0.3).fit(chaos[:300])

    whole = fit().network_.coefficients
    for block in (1, 7, WASHOUT, 299):
        monkeypatch.setattr(harvest, "BLOCK", block)
        np.testing.assert_allclose(fit().network_.coefficients, whole, rtol=1e-7, atol=1e-9)


def test_trained_numbers_are_outputs_times_features_and_a_constant(driven):
    model = rc.ESN(units=UNITS, washout=WASHOUT, ridge=1e-4).fit(driven[:300])
    assert model.network_.coefficients.size == 2 * (1 + 3 + UNITS)


@pytest.fixture(scope="module")
def noisy(chaos):
    values = chaos.values + 0.2 * np.random.default_rng(3).standard_normal(chaos.values.shape)
    return rc.Series(values, dt=chaos.dt, channels=chaos.channels)


def searching(**changes):
    return rc.ESN(**{"units": UNITS, "washout": WASHOUT, "horizon": 10, "origins": 6, **changes})


def test_the_best_ridge_is_taken_and_all_rows_are_trained_on(noisy):
    model = searching().fit(noisy[:500])
    best = min(model.history_, key=lambda entry: entry["validation"])["ridge"]
    assert len({entry["ridge"] for entry in model.history_}) == len(model.history_) > 5
    given = rc.ESN(units=UNITS, washout=WASHOUT, ridge=best).fit(noisy[:500])
    np.testing.assert_allclose(model.network_.coefficients, given.network_.coefficients, rtol=1e-5, atol=1e-7)
    assert given.history_ == []


def test_held_out_rows_are_not_trained_on_before_the_choice(noisy, monkeypatch):
    seen = rows_solved(monkeypatch)
    searching(validation=0.2).fit(noisy[:500])
    assert seen == [400 - 1 - WASHOUT, 500 - 1 - WASHOUT]


def test_what_the_choice_sees_is_blind_to_the_held_out_values(noisy, monkeypatch):
    """Swap two held-out rows: the scaling stays, every candidate readout must stay bit for bit, the result must not."""
    candidates = []
    solve = RidgePath.solve

    def spy(path, ridge):
        candidates.append(solve(path, ridge))
        return candidates[-1]

    monkeypatch.setattr(RidgePath, "solve", spy)
    values = noisy.values[:500].copy()
    values[[430, 470]] = values[[470, 430]]
    tables = []
    for data in (noisy.values[:500], values):
        candidates.clear()
        searching(validation=0.2).fit(data)
        tables.append([table.copy() for table in candidates])
    one, other = tables
    for before, after in zip(one[:5], other[:5], strict=True):
        np.testing.assert_allclose(before, after, rtol=1e-9, atol=1e-9)
    assert np.abs(one[-1] - other[-1]).max() > 1e-6


def test_given_validation_series_are_never_trained_on(noisy, other_chaos, monkeypatch):
    seen = rows_solved(monkeypatch)
    model = searching().fit(noisy[:400], validation=other_chaos[:100])
    assert set(seen) == {400 - 1 - WASHOUT}
    best = min(model.history_, key=lambda entry: entry["validation"])["ridge"]
    alone = rc.ESN(units=UNITS, washout=WASHOUT, ridge=best).fit(noisy[:400])
    np.testing.assert_allclose(model.frame_.scaler.mean, noisy.values[:400].mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(model.network_.coefficients, alone.network_.coefficients, rtol=1e-6, atol=1e-9)


def test_the_score_of_a_ridge_is_that_of_a_loop_over_held_out_rows(noisy):
    train, held = noisy[:300], noisy[500 : 500 + WASHOUT + 21]  # one origin, 20 steps
    model = searching(horizon=20).fit(train, validation=held)
    entry = min(model.history_, key=lambda entry: abs(np.log10(entry["ridge"]) + 6))
    V = readout(rc.ESN(units=UNITS, washout=WASHOUT, ridge=entry["ridge"]), [train])
    mean, std = train.values.mean(axis=0), train.values.std(axis=0)
    net, y = reservoir(model, 3), (held.values - mean) / std
    h, W, forecast = np.zeros(UNITS), net.W.toarray(), []
    for t in range(WASHOUT):
        h = np.tanh(W @ h + net.W_in @ y[t] + net.b)
    x = y[WASHOUT]
    for _ in range(20):
        h = np.tanh(W @ h + net.W_in @ x + net.b)
        x = V @ np.concatenate([[1.0], x, h])
        forecast.append(x)
    errors = np.sqrt(np.mean((np.array(forecast) - y[WASHOUT + 1 :]) ** 2, axis=1))
    assert entry["validation"] == pytest.approx(float(horizon_score(errors[None])), rel=1e-4)


def test_noise_asks_for_a_larger_ridge(chaos, noisy):
    ridges = []
    for data in (chaos, noisy):
        history = searching(units=150, origins=12, horizon=20).fit(data[:700]).history_
        ridges.append(min(history, key=lambda entry: entry["validation"])["ridge"])
    assert ridges[0] < 1e-2 * ridges[1]


def test_many_series_hold_out_whole_ones(other_chaos, noisy, monkeypatch):
    seen = rows_solved(monkeypatch)
    parts = [noisy[at : at + 80] for at in range(0, 800, 80)]
    searching(validation=0.2).fit(parts)
    assert seen == [8 * (79 - WASHOUT), 10 * (79 - WASHOUT)]


def test_more_than_a_lyapunov_time_ahead_on_lorenz(chaos):
    """The autoregression is lost after a fraction of a Lyapunov time (1.1); a reservoir of 200 units sees further."""
    table = rc.ESN(units=200).fit(chaos[:700]).score(chaos[700:])["closed_loop"]
    assert table["valid_time"] > 1.65
    assert table["valid_time"] > 2 * table["baselines"]["linear"]["valid_time"]
    assert table["valid_time"] > 5 * table["baselines"]["persistence"]["valid_time"]


def test_a_washout_that_leaves_nothing_is_refused(chaos):
    with pytest.raises(DataError, match="washout"):
        rc.ESN(units=UNITS, washout=60, warmup=5, ridge=1e-5).fit(chaos[:61])
    with pytest.raises(ConfigError, match=r"63 rows.*61"):
        rc.ESN(units=UNITS, washout=60, ridge=1e-5).fit(chaos[:61])


def test_all_wrong_parameters_are_named_at_once(chaos):
    model = rc.ESN(units=0, leak=0.0, ridge=-1.0, increment=1, seed=-3, validation=float("nan"), in_degree=2.5)
    with pytest.raises(ConfigError) as refused:
        model.fit(chaos)
    for name in ("units", "leak", "ridge", "increment", "seed", "validation", "in_degree"):
        assert f"`{name}`" in str(refused.value)
    assert "spectral_radius" not in str(refused.value)


def test_a_readout_beyond_the_memory_of_the_machine_is_refused_before_it_is_made():
    series = rc.Series(np.random.default_rng(0).standard_normal(300).cumsum())
    with pytest.raises(ConfigError, match=r"1000001 features needs about 37253 GiB .* take fewer `units`"):
        rc.ESN(units=1_000_000, washout=20).fit(series)


def test_lags_reach_no_further_than_the_warm_up():
    with pytest.raises(ConfigError, match=r"`lags=9` .* at most 6, or raise `washout` and `warmup`"):
        rc.ESN(lags=9, washout=5).check()
