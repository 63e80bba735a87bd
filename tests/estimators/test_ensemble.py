"""`Ensemble`: its members are the single networks of their seeds, its forecast and band are NumPy's of theirs."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.base import clone

import recurra as rc
from recurra.errors import ConfigError, DataError, DivergenceError, NotFittedError, RecurraWarning

SETTINGS = {"units": 25, "washout": 20, "ridge": 1e-6}
MEMBERS = 10


def _seeds(model):
    return tuple(member.seed for member in model.network_.estimators)


@pytest.fixture(scope="module")
def waves():
    """Two channels under a drive, with noise, that the members disagree about."""
    t = np.arange(300)
    drive = np.cos(0.17 * t)
    values = np.stack([np.sin(0.3 * t) + 0.4 * drive, 1e3 + 50 * np.cos(0.3 * t)], axis=1)
    values += np.random.default_rng(0).standard_normal((300, 2)) * [0.05, 2.0]
    return rc.Series(values, dt=0.5, channels=["x", "v"], units=["m", "m/s"], inputs=drive)


@pytest.fixture(scope="module")
def fitted(waves):
    return rc.Ensemble(members=MEMBERS, settings=SETTINGS, seed=7).fit(waves[:250])


@pytest.fixture(scope="module")
def alone(fitted, waves):
    """The same networks, each fitted by itself."""
    return [rc.ESN(**SETTINGS, seed=seed).fit(waves[:250]) for seed in _seeds(fitted)]


def _values(forecasts):
    return np.array([forecast.values for forecast in forecasts])


def _fails_for(monkeypatch, bad):
    """Networks of the seeds for which `bad` holds diverge."""
    learn = rc.ESN._learn

    def diverging(self, training):
        if bad(self.seed):
            raise DivergenceError(f"seed {self.seed} left the finite numbers", cause={"update": 3})
        return learn(self, training)

    monkeypatch.setattr(rc.ESN, "_learn", diverging)


def test_seeds_begin_with_the_given_one_and_are_all_different(fitted):
    seeds = _seeds(fitted)
    assert seeds[0] == 7
    assert len(set(seeds)) == MEMBERS
    fewer = rc.Ensemble(members=4, settings=SETTINGS, seed=7)
    assert tuple(fewer._seeds()) == seeds[:4]  # more members change none of the others
    assert not set(rc.Ensemble(members=MEMBERS, seed=8)._seeds()) & set(seeds)


def test_a_member_taken_out_is_the_single_network(fitted, alone, waves):
    drive = waves[250:].inputs
    for k in (0, MEMBERS - 1):
        member = fitted.member(k)
        np.testing.assert_array_equal(
            member.forecast(50, inputs=drive).values, alone[k].forecast(50, inputs=drive).values
        )
        assert member.seed == _seeds(fitted)[k]
    assert not hasattr(fitted.network_.estimators[0], "frame_")  # the whole stays as it was
    with pytest.raises(ConfigError, match="got 10"):
        fitted.member(MEMBERS)


def test_members_are_the_single_networks_to_the_bit(fitted, alone, waves):
    drive = waves[250:].inputs
    for history in (None, waves[100:180]):
        inputs = drive if history is None else waves[180:230].inputs
        found = fitted.forecast_members(50, history, inputs)
        expected = [model.forecast(50, history, inputs) for model in alone]
        assert [f.values.tobytes() for f in found] == [f.values.tobytes() for f in expected]
        np.testing.assert_array_equal(found[3].times, expected[3].times)
        assert (found[3].channels, found[3].units) == (("x", "v"), ("m", "m/s"))
    assert np.ptp(_values(found), axis=0).min() > 0  # no two agree


@pytest.mark.parametrize("aggregate", ["median", "mean"])
def test_the_forecast_is_the_median_or_mean_of_the_members_step_by_step(aggregate, alone, waves):
    model = rc.Ensemble(members=MEMBERS, aggregate=aggregate, settings=SETTINGS, seed=7).fit(waves[:250])
    test = waves[250:]
    free = _values(each.forecast(50, inputs=test.inputs) for each in alone)
    forced = _values(each.predict(test) for each in alone)
    expected = getattr(np, aggregate)
    forecast = model.forecast(50, inputs=test.inputs)
    np.testing.assert_allclose(forecast.values, expected(free, axis=0), rtol=1e-13)
    np.testing.assert_allclose(model.predict(test).values, expected(forced, axis=0), rtol=1e-13)
    np.testing.assert_allclose(forecast.times, test.times)
    np.testing.assert_allclose(forecast.inputs.values, test.inputs.values, rtol=1e-12)


@pytest.mark.parametrize(("level", "inside"), [(None, 8), (0.5, 4), (0.31, 2), (0.01, 0), (1, 10)])
def test_the_band_holds_the_empirical_quantiles_of_the_members(level, inside, fitted, alone, waves):
    drive = waves[250:].inputs
    low, high = fitted.forecast_bands(50, level, inputs=drive)
    each = _values(model.forecast(50, inputs=drive) for model in alone)
    share = 0.8 if level is None else level
    ordered = np.sort(each, axis=0)
    for end, q in ((low, (1 - share) / 2), (high, (1 + share) / 2)):  # between the order statistics, linearly
        at = q * (MEMBERS - 1)
        k, part = min(int(at), MEMBERS - 2), at - min(int(at), MEMBERS - 2)
        np.testing.assert_allclose(end.values, (1 - part) * ordered[k] + part * ordered[k + 1], rtol=1e-13)
        np.testing.assert_allclose(end.values, np.quantile(each, q, axis=0), rtol=1e-13)
        assert (end.channels, end.units, end.dt) == (("x", "v"), ("m", "m/s"), 0.5)
        np.testing.assert_allclose(end.times, waves.times[250:])
    # So many members lie within, at every step; a band down to the median itself has none of an even number.
    assert (((each >= low.values) & (each <= high.values)).sum(axis=0) == inside).all()


def test_wider_bands_hold_narrower_ones_and_the_median(fitted, waves):
    drive = waves[250:].inputs
    bands = [fitted.forecast_bands(20, level, inputs=drive[:20]) for level in (0.2, 0.6, 1.0)]
    middle = fitted.forecast(20, inputs=drive[:20]).values
    chain = [bands[k][0].values for k in (2, 1, 0)] + [middle] + [bands[k][1].values for k in (0, 1, 2)]
    assert all((a <= b).all() for a, b in pairwise(chain))


@pytest.mark.parametrize("level", [0, -0.1, 1.01, float("nan"), "0.8"])
def test_a_band_that_cannot_be_is_refused(level, fitted, waves):
    with pytest.raises(ConfigError, match=r"`level`.*\(0, 1\], got"):
        fitted.forecast_bands(5, level, inputs=waves[250:255].inputs)


def test_one_member_is_the_network_and_its_band_is_a_line(alone, waves):
    model = rc.Ensemble(members=1, settings=SETTINGS, seed=7).fit(waves[:250])
    drive = waves[250:].inputs
    expected = alone[0].forecast(50, inputs=drive).values
    low, high = model.forecast_bands(50, inputs=drive)
    for found in (model.forecast(50, inputs=drive), low, high):
        assert found.values.tobytes() == expected.tobytes()


def test_a_saved_ensemble_is_as_before(fitted, waves, tmp_path):
    path, drive = tmp_path / "model.safetensors", waves[250:].inputs
    fitted.save(path)
    again = rc.load(path)
    assert type(again) is rc.Ensemble
    assert (again.get_params(), again.history_) == (fitted.get_params(), fitted.history_)
    assert _seeds(again) == _seeds(fitted)
    pairs = [(m.forecast(50, inputs=drive), *m.forecast_bands(50, 0.6, inputs=drive)) for m in (fitted, again)]
    assert _values(pairs[0]).tobytes() == _values(pairs[1]).tobytes()
    assert again.score(waves[250:]) == fitted.score(waves[250:])


def test_scores_are_those_of_its_forecast_beside_every_baseline(fitted, waves):
    test, std = waves[250:], waves.values[:250].std(axis=0)
    score = fitted.score(test)
    for loop, found in (("closed_loop", fitted.forecast(50, inputs=test.inputs)), ("one_step", fitted.predict(test))):
        error = np.sqrt(np.mean(((found.values - test.values) / std) ** 2))
        assert score[loop]["nrmse"] == pytest.approx(error, rel=1e-12)
        assert {"persistence", "climatology", "linear", "nearest"} <= set(score[loop]["baselines"])
    last = waves.values[249]
    error = np.sqrt(np.mean(((last - test.values) / std) ** 2))
    assert score["closed_loop"]["baselines"]["persistence"]["nrmse"] == pytest.approx(error, rel=1e-12)


def test_the_median_of_many_is_better_than_most_of_them(fitted, alone, waves):
    drive = waves[250:].inputs
    errors = [np.std((m.forecast(50, inputs=drive).values - waves.values[250:]) / [1, 50]) for m in (fitted, *alone)]
    assert errors[0] < np.median(errors[1:])


def test_its_history_has_an_entry_a_member(waves):
    settings = {"units": 15, "washout": 20, "horizon": 20, "origins": 3}
    model = rc.Ensemble(members=3, settings=settings, seed=2).fit(waves[:200])
    singles = [rc.ESN(**settings, seed=seed).fit(waves[:200]) for seed in _seeds(model)]
    best = [min(entry["validation"] for entry in single.history_) for single in singles]
    expected = [
        {"member": k, "seed": single.seed, "validation": score}
        for k, (single, score) in enumerate(zip(singles, best, strict=True))
    ]
    assert model.history_ == expected


def test_every_member_has_a_checkpoint_and_says_who_it_is(monkeypatch, waves, tmp_path):
    paths, told, learn = [], [], rc.ESN._learn

    def watched(self, training):
        paths.append(training.checkpoint)
        training.pause()
        return learn(self, training)

    monkeypatch.setattr(rc.ESN, "_learn", watched)
    model = rc.Ensemble(members=3, settings=SETTINGS)
    model.fit(waves[:200], checkpoint=tmp_path / "c.safetensors", progress=told.append)
    assert paths == [tmp_path / f"c-{k}.safetensors" for k in range(3)]
    assert sorted({entry["member"] for entry in told}) == [0, 1, 2]


def test_members_that_diverge_are_left_out_and_said(monkeypatch, fitted, alone, waves, tmp_path):
    lost = _seeds(fitted)[2:4]
    _fails_for(monkeypatch, lambda seed: seed in lost)
    model = rc.Ensemble(members=MEMBERS, settings=SETTINGS, seed=7)
    with pytest.warns(RecurraWarning, match=rf"2 of 10 members diverged.*{lost[0]}, {lost[1]}.*left the finite"):
        model.fit(waves[:250])
    assert _seeds(model) == _seeds(fitted)[:2] + _seeds(fitted)[4:]
    assert [entry["member"] for entry in model.history_ if "failure" in entry] == [2, 3]
    drive = waves[250:].inputs
    kept = _values(each.forecast(50, inputs=drive) for each in alone[:2] + alone[4:])
    np.testing.assert_allclose(model.forecast(50, inputs=drive).values, np.median(kept, axis=0), rtol=1e-13)
    model.save(tmp_path / "m.safetensors")
    again = rc.load(tmp_path / "m.safetensors")
    assert again.forecast(50, inputs=drive).values.tobytes() == model.forecast(50, inputs=drive).values.tobytes()


def test_an_ensemble_whose_members_all_diverge_is_none(monkeypatch, waves):
    _fails_for(monkeypatch, lambda seed: True)
    model = rc.Ensemble(members=3, settings=SETTINGS, seed=7)
    with pytest.raises(DivergenceError, match=r"all 3 members diverged; the first: seed 7") as caught:
        model.fit(waves[:250])
    assert caught.value.cause == {"update": 3}
    with pytest.raises(NotFittedError):
        model.forecast(3)


def test_a_clone_has_parameters_of_its_own(fitted):
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert copy.settings is not fitted.settings
    assert not hasattr(copy, "network_")
    assert SETTINGS == {"units": 25, "washout": 20, "ridge": 1e-6}  # what was given is as it was


def test_all_bad_parameters_are_named_at_once():
    bad = {"members": 0, "aggregate": "medium", "band": 0.0, "seed": -1, "settings": {"units": 0, "leak": 2.0}}
    with pytest.raises(ConfigError) as caught:
        rc.Ensemble(**bad).fit(np.sin(np.arange(60.0)))
    message = str(caught.value)
    assert [name for name in (*bad, "units", "leak") if f"`{name}`" not in message] == []
    assert "did you mean 'median'?" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "esm"}, "`of`: unknown choice 'esm': did you mean 'esn'"),
        ({"of": "persistence"}, "`of`: a learner without a seed is the same in every member, got 'persistence'"),
        ({"of": "ensemble"}, "`of`: unknown choice 'ensemble'"),
        ({"of": ["esn"]}, "`of`: unknown choice"),
        ({"settings": {"seed": 3}}, "`settings`: the seeds of the members come from `seed`"),
        ({"settings": {"unit": 3}}, "`settings`: unknown parameter 'unit': did you mean 'units'"),
        ({"settings": [("units", 3)]}, "`settings` must be a table of parameters"),
        ({"settings": {3: "units"}}, "`settings` must be a table of parameters"),
        ({"band": 1.5}, "`band` must be a number above 0 and at most 1"),
    ],
)
def test_parameters_that_cannot_be_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        rc.Ensemble(**options).fit(np.sin(np.arange(60.0)))


def test_what_its_members_refuse_it_refuses(waves):
    with pytest.raises(ConfigError, match=r"warms up on 20 rows"):
        rc.Ensemble(members=2, settings=SETTINGS).fit(waves[:15])
    broken = waves.values.copy()
    broken[11, 1] = np.nan
    with pytest.raises(DataError, match="row 11"):
        rc.Ensemble(members=2, settings=SETTINGS).fit(broken)


def test_settings_that_changed_in_place_after_the_fit_are_not_saved(waves, tmp_path):
    settings = dict(SETTINGS)
    model = rc.Ensemble(members=2, settings=settings, seed=7).fit(waves[:250])
    settings["units"] += 1
    with pytest.raises(ConfigError, match=r"'settings' changed after `fit`"):
        model.save(tmp_path / "m.safetensors")


def test_a_band_is_good_as_far_as_every_member(fitted, waves, monkeypatch):
    members = [rc.Series(np.full(9, k), provenance={"source": "forecast", **lost}) for k, lost in enumerate(
        [{}, {"lost_after": 7}, {"lost_after": 4}]
    )]  # fmt: skip
    monkeypatch.setattr(fitted, "forecast_members", lambda *_: members)
    low, high = fitted.forecast_bands(9, 1.0)
    assert (low.values[0, 0], high.values[0, 0]) == (0.0, 2.0)
    assert low.provenance == high.provenance == {"source": "forecast", "lost_after": 4}
    assert members[1].provenance["lost_after"] == 7
