"""The options of the echo state network: readouts, topologies, feedback, plasticity, noise, missing targets."""

import warnings

import numpy as np
import pytest

import recurra as rc
from recurra.errors import ConfigError, DataError, RecurraWarning
from recurra.reservoirs import TOPOLOGIES, running
from recurra.reservoirs.features import expand

UNITS, WASHOUT = 30, 25
OPTIONS = {
    **{topology: {"topology": topology, "jump": 4} for topology in TOPOLOGIES},
    "squared-half": {"readout_features": "squared-half", "lags": 2},
    "squares": {"readout_features": "squares", "increment": True},
    "feedback": {"feedback_scaling": 0.3, "leak": 0.5},
    "noise": {"teacher_noise": 1e-3},
    "plasticity": {"plasticity": 2, "plasticity_std": 0.4},
    "rls": {"readout": "rls", "forgetting": 0.99, "ridge": None},
    "force": {"readout": "force", "ridge": None, "lags": 0},
    "draws": {"draws": 3},
    "float32": {"precision": "float32", "plasticity": 1, "lags": 2},
}
every_option = pytest.mark.parametrize("option", OPTIONS)


def build(**changes):
    return rc.ESN(**{"units": UNITS, "washout": WASHOUT, "ridge": 1e-6, "seed": 3, **changes})


def dense(model, parts, penalty, forgetting=1.0):
    """[c, V] by dense weighted normal equations on the rows whose targets are there, inputs held, states by a loop."""
    net, scaler, rows, targets = model.network_.reservoir, model.frame_.scaler, [], []
    W = net.W.toarray()
    for part in parts:
        y = (part.values - scaler.mean) / scaler.std
        h, x = np.zeros(model.units), np.zeros(y.shape[1])
        for t in range(len(y) - 1):
            x = np.where(np.isnan(y[t]), x, y[t])
            h = (1 - model.leak) * h + model.leak * np.tanh(W @ h + net.W_in @ x + net.b)
            if t >= model.washout and np.isfinite(y[t + 1]).all():
                rows.append(np.concatenate([[1.0], x, expand(h, model.readout_features)]))
                targets.append(y[t + 1])
    H, Y = np.array(rows), np.array(targets)
    root = forgetting ** (np.arange(len(H) - 1, -1, -1.0) / 2)
    bottom = np.sqrt(penalty * forgetting ** len(H)) * np.eye(H.shape[1])
    bottom[0] = 0
    stacked = (
        np.concatenate([root[:, None] * H, bottom]),
        np.concatenate([root[:, None] * Y, np.zeros((len(bottom), Y.shape[1]))]),
    )
    s1 = np.linalg.norm(H[:, 1:] - H[:, 1:].mean(axis=0), 2)
    return np.linalg.lstsq(*stacked, rcond=None)[0].T, s1


@every_option
def test_a_saved_model_forecasts_the_same_bits(option, chaos, tmp_path):
    model = build(**OPTIONS[option]).fit(chaos[:300])
    model.save(tmp_path / "model.safetensors")
    again = rc.load(tmp_path / "model.safetensors")
    assert again.get_params() == model.get_params()
    np.testing.assert_array_equal(again.forecast(20).values, model.forecast(20).values)


@every_option
def test_the_same_seed_gives_the_same_bits_and_another_does_not(option, chaos):
    one, same, other = (build(**{**OPTIONS[option], "seed": s}).fit(chaos[:200]).forecast(5) for s in (3, 3, 4))
    np.testing.assert_array_equal(one.values, same.values)
    assert np.abs(one.values - other.values).max() > 0


def test_float32_has_the_weights_rounded_and_the_readout_in_float64(chaos):
    """Not so fine a ridge that rounding decides: the forecasts of both precisions stay together for a while."""
    one, other = (build(precision=precision).fit(chaos[:300]) for precision in ("float64", "float32"))
    for name in ("W_in", "b"):
        found, exact = (getattr(model.network_.reservoir, name) for model in (other, one))
        np.testing.assert_array_equal(found, exact.astype(np.float32))
    np.testing.assert_array_equal(other.network_.reservoir.W.data, one.network_.reservoir.W.data.astype(np.float32))
    assert other.network_.coefficients.dtype == np.float64
    np.testing.assert_allclose(other.network_.coefficients, one.network_.coefficients, atol=1e-3)
    forecasts = [model.forecast(20).values for model in (one, other)]
    np.testing.assert_allclose(*forecasts, atol=1e-3 * chaos.values.std())


def test_a_saved_k_shift_reservoir_runs_as_one_again(chaos, tmp_path):
    model = build(topology="k-shift", in_degree=7).fit(chaos[:300])
    model.save(tmp_path / "model.safetensors")
    W = rc.load(tmp_path / "model.safetensors").network_.reservoir.W
    values, shifts = running._shifts(W)
    assert (len(shifts), values.size) == (7, 7 * UNITS)
    np.testing.assert_array_equal(W.toarray(), model.network_.reservoir.W.toarray())


@pytest.mark.parametrize("features", ["states", "squared-half", "squares"])
def test_the_readout_is_the_dense_ridge_solution(features, chaos):
    model = build(readout_features=features, ridge=1e-5).fit(chaos[:300])
    _, s1 = dense(model, [chaos[:300]], 0.0)
    expected, _ = dense(model, [chaos[:300]], 1e-5 * s1**2)
    np.testing.assert_allclose(model.network_.coefficients, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("forgetting", [1.0, 0.98])
def test_recursive_least_squares_is_the_dense_solution_of_all_series(forgetting, chaos, other_chaos):
    parts = [chaos[:200], other_chaos[:120]]
    model = build(readout="rls", ridge=None, penalty=1e-4, forgetting=forgetting).fit(parts)
    expected, _ = dense(model, parts, 1e-4, forgetting)
    np.testing.assert_allclose(model.network_.coefficients, expected, rtol=1e-6, atol=1e-8)


def test_recursive_least_squares_without_forgetting_is_ridge_with_that_penalty(chaos):
    online = build(readout="rls", ridge=None, penalty=1e-3).fit(chaos[:300])
    _, s1 = dense(online, [chaos[:300]], 0.0)
    ridge = build(ridge=1e-3 / s1**2).fit(chaos[:300])
    np.testing.assert_allclose(online.network_.coefficients, ridge.network_.coefficients, rtol=1e-8, atol=1e-10)


def test_equal_scalings_are_the_network_without_the_option(driven):
    train = driven[:300]
    one, other = (build(input_scaling=0.2, feedback_scaling=s).fit(train) for s in (None, 0.2))
    np.testing.assert_array_equal(one.network_.reservoir.W_in, other.network_.reservoir.W_in)
    np.testing.assert_array_equal(one.network_.coefficients, other.network_.coefficients)


def test_feedback_and_drive_are_scaled_apart(driven):
    full, scaled = (build(input_scaling=0.2, feedback_scaling=s).fit(driven[:300]) for s in (0.2, 0.05))
    one, other = (model.network_.reservoir.W_in for model in (full, scaled))
    np.testing.assert_allclose(other[:, :2], one[:, :2] / 4, rtol=1e-13)
    np.testing.assert_array_equal(other[:, 2:], one[:, 2:])


def test_without_feedback_the_closed_loop_is_the_open_loop(driven):
    """A filter: the drive alone decides, whatever the channels were."""
    model = build(feedback_scaling=0.0, input_scaling=0.5, lags=0).fit(driven[:500])
    test = driven[500:560]
    free = model.forecast(60, inputs=test.inputs)
    np.testing.assert_allclose(free.values, model.predict(test).values, rtol=1e-12, atol=1e-12)
    past = driven[400:500]
    wrong = rc.Series(past.values[::-1], times=past.times, channels=past.channels, units=past.units, inputs=past.inputs)
    np.testing.assert_array_equal(
        model.forecast(60, history=wrong, inputs=test.inputs).values,
        model.forecast(60, history=past, inputs=test.inputs).values,
    )


def test_the_teacher_is_noisy_and_the_targets_are_not(chaos):
    model = build(teacher_noise=0.05, lags=0).fit(chaos[:300])
    net, y = model.network_.reservoir, model.frame_.scaler.scale(chaos.values[:300])
    noise = 0.05 * np.random.default_rng([3, 0, 1]).standard_normal((299, 3))
    states = net.harvest(np.zeros(UNITS), y[:-1] + noise)[WASHOUT:]
    mean, offset = states.mean(axis=0), y[1 + WASHOUT :].mean(axis=0)
    A = (states - mean).T @ (states - mean)
    A += 1e-6 * np.linalg.norm(states - mean, 2) ** 2 * np.eye(UNITS)
    V = np.linalg.solve(A, (states - mean).T @ (y[1 + WASHOUT :] - offset)).T
    np.testing.assert_allclose(model.network_.coefficients[:, 1:], V, rtol=1e-6, atol=1e-7)


def test_noise_is_not_the_same_in_every_series(chaos):
    one, other = (build(teacher_noise=0.05).fit([chaos[:200], part]) for part in (chaos[:200], chaos[200:400]))
    assert np.abs(one.network_.coefficients - other.network_.coefficients).max() > 0
    model = build(teacher_noise=0.05)
    inputs, targets = np.zeros((4, 3)), np.zeros((4, 2))
    first, second = (model._noisy(inputs, targets, series)[0] for series in (0, 1))
    assert (first[:, :2] != second[:, :2]).all()
    assert not first[:, 2].any()  # a drive is known


def test_plasticity_gives_the_units_the_spread_that_is_asked_for(chaos):
    model = build(units=80, input_scaling=0.8, plasticity=15, plasticity_std=0.3, plasticity_rate=2e-3).fit(chaos)
    net, y = model.network_.reservoir, model.frame_.scaler.scale(chaos.values)
    states = net.harvest(np.zeros(80), y)[WASHOUT:]
    assert states.mean() == pytest.approx(0.0, abs=0.05)
    assert states.std() == pytest.approx(0.3, rel=0.15)


def test_plasticity_does_not_see_the_rows_that_validate(chaos):
    values = chaos.values[:500].copy()
    values[[430, 470]] = values[[470, 430]]
    options = {"ridge": None, "plasticity": 2, "horizon": 10, "origins": 4, "validation": 0.2}
    one, other = (build(**options).fit(table).network_.reservoir for table in (chaos.values[:500], values))
    np.testing.assert_allclose(one.W.data, other.W.data, rtol=1e-9)
    np.testing.assert_allclose(one.b, other.b, rtol=1e-9)


def with_holes(series, rows, channel=1):
    values = series.values.copy()
    values[rows, channel] = np.nan
    return rc.Series(values, dt=series.dt, times=series.times, channels=series.channels, units=series.units).masked()


@pytest.mark.parametrize("readout", ["ridge", "rls"])
def test_rows_without_a_target_are_left_out_of_the_least_squares(readout, chaos):
    series = with_holes(chaos[:400], [0, 1, 40, 41, 42, 180, 399])
    model = build(readout=readout, ridge=1e-5 if readout == "ridge" else None, penalty=1e-3).fit(series)
    _, s1 = dense(model, [series], 0.0)
    expected, _ = dense(model, [series], 1e-5 * s1**2 if readout == "ridge" else 1e-3)
    np.testing.assert_allclose(model.network_.coefficients, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("option", [{"ridge": None, "horizon": 10}, OPTIONS["force"]])
def test_missing_values_are_learnt_around(option, chaos):
    holes = np.random.default_rng(0).choice(np.arange(1, 700), 70, replace=False)
    found = build(units=100, **option).fit(with_holes(chaos[:700], holes)).predict(chaos[700:])
    error = (found.values - chaos.values[700:]) / chaos.values.std(axis=0)
    assert np.sqrt(np.mean(error**2)) < 0.05


def test_targets_that_are_all_missing_leave_nothing(chaos):
    for readout, ridge in (("ridge", 1e-5), ("rls", None)):
        with pytest.raises(DataError, match="no training rows are left"):
            build(readout=readout, ridge=ridge).fit(with_holes(chaos[:60], range(20, 60)))


def test_force_learns_to_go_on_with_a_sine():
    y = np.sin(2 * np.pi * np.arange(1900) / 50)
    model = build(units=100, readout="force", ridge=None, penalty=1e-5, lags=0, spectral_radius=1.2, leak=0.5)
    model.set_params(input_scaling=1.0, bias_scaling=0.2, washout=200).fit(y[:1500])
    assert np.abs(model.forecast(400).values[:, 0] - y[1500:]).max() < 5e-3


@pytest.mark.bad_input(44)
def test_a_saturated_reservoir_is_said_to_be_one(chaos):
    with pytest.warns(RecurraWarning, match=r"saturated: 9\d% of its states .* Lower `input_scaling` \(now 80\)"):
        build(input_scaling=80.0).fit(chaos[:300])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(input_scaling=1.0).fit(chaos[:300])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"forgetting": 0.9}, r"`forgetting=0.9` needs `readout='rls'`"),
        ({"readout": "rls"}, r"`ridge` is the penalty of `readout='ridge'`; 'rls' takes an absolute `penalty`"),
        ({"readout": "force", "ridge": None, "teacher_noise": 0.1}, r"`teacher_noise` has no use"),
        ({"topology": "rings"}, r"`topology`: unknown choice 'rings': did you mean 'ring'"),
        ({"readout": "lms"}, r"`readout`: unknown choice 'lms'"),
        ({"readout_features": "cubes"}, r"`readout_features`: .* 'squares'|known"),
        ({"jump": 1}, r"`jump` must be a whole number of at least 2"),
        ({"rewiring": 1.5}, r"`rewiring` must be a number of at least 0 and at most 1"),
        ({"penalty": 0.0}, r"`penalty` must be a number above 0"),
        ({"forgetting": 0.0}, r"`forgetting` must be a number above 0"),
        ({"feedback_scaling": -1.0}, r"`feedback_scaling` must be a number of at least 0 or None"),
        ({"plasticity": -1, "plasticity_mean": 1.0, "plasticity_std": 0.0}, r"plasticity`.*_mean`.*_std`"),
    ],
)
def test_options_that_cannot_work_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        build(**options).check()


def squares_left(model, series):
    """The mean square, in scaled units, of what one step ahead leaves of the rows that were learnt."""
    errors = (model.predict(series).values - series.values[1:]) / model.frame_.scaler.std
    return np.mean(errors[model.washout :] ** 2)


def test_of_several_reservoirs_the_one_is_kept_that_leaves_least(chaos):
    series = chaos[:300]
    model, first = build(draws=6).fit(series), build().fit(series)
    left = [entry["left"] for entry in model.history_]
    assert [entry["draw"] for entry in model.history_] == list(range(6))
    assert min(left) < 0.99 * left[0]
    channels = series.values.shape[1]
    assert squares_left(model, series) == pytest.approx(min(left) / channels, rel=1e-6)
    assert squares_left(first, series) == pytest.approx(left[0] / channels, rel=1e-6)  # draw 0 is that of the seed


def test_of_several_reservoirs_the_one_is_kept_whose_closed_loops_are_best(chaos):
    series = chaos[:500]
    model = build(draws=4, ridge=None).fit(series)
    best = min(model.history_, key=lambda entry: entry["validation"])
    alone = [build(draws=count, ridge=None).fit(series) for count in range(1, 5)]
    kept = [each.network_.reservoir.W_in.tobytes() for each in alone]
    assert len(set(kept[best["draw"] :])) == 1  # from that one on, nothing better is drawn
    assert kept[0] == build().fit(series).network_.reservoir.W_in.tobytes()
    scores = [min(entry["validation"] for entry in model.history_ if entry["draw"] == k) for k in range(4)]
    assert (kept[-1] == kept[0]) == (int(np.argmin(scores)) == 0)


@pytest.mark.parametrize("readout", ["rls", "force"])
def test_reservoirs_are_chosen_by_ridge_regression_alone(readout, chaos):
    with pytest.raises(ConfigError, match="`draws` chooses among readouts by ridge regression"):
        build(draws=2, ridge=None, readout=readout).fit(chaos[:300])
