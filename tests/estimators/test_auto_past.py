"""What takes over once the best trials no longer agree: the nearest past segment, where it can be of use."""

import numpy as np
import pytest

import recurra as rc
from recurra.errors import ModelFileError
from recurra.estimators import LEARNERS
from recurra.estimators.auto import _past
from recurra.estimators.members import Past, follow
from recurra.estimators.search import past as search_past

FEW = {"budget": None, "trials": 9, "of": ["esn", "nearest"], "horizon": 40, "origins": 3, "noise": "ignore"}
UNTIL = 80  # twice the horizon


@pytest.fixture(scope="module")
def chaos():
    x = [0.3]
    for _ in range(399):
        x.append(3.9 * x[-1] * (1 - x[-1]))
    return np.array(x) + 0.01 * np.random.default_rng(0).standard_normal(400)


@pytest.fixture(scope="module")
def fitted(chaos):
    return rc.Auto(**FEW).fit(chaos)


def test_the_copy_takes_over_for_twice_the_steps_of_a_validation_forecast(chaos, fitted):
    past, weights = fitted.members_.past, np.array(fitted.blend_.weights)
    assert past.until == UNTIL
    assert fitted.members_.estimators[past.member].kind == "nearest"
    scaler = fitted.frame_.scaler
    alone = [LEARNERS[trial.learner].build(**trial.final).fit(chaos) for trial in fitted.blend_.trials]
    scaled = np.stack([(model.forecast(120).values - scaler.mean) / scaler.std for model in alone])
    expected, company = follow(scaled[:, None], weights, past=past)
    found = (fitted.forecast(120).values - scaler.mean) / scaler.std
    np.testing.assert_allclose(found, expected[0], atol=1e-9)
    np.testing.assert_allclose(found[40 : UNTIL - 10], scaled[past.member, 40 : UNTIL - 10], atol=1e-9)
    assert weights[company.leader[0]] > 0
    np.testing.assert_allclose(found[UNTIL:], scaled[company.leader[0], UNTIL:], atol=1e-9)


def test_a_file_keeps_it(fitted, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    again = rc.load(tmp_path / "model.safetensors")
    assert again.members_.past == fitted.members_.past
    np.testing.assert_array_equal(again.forecast(120).values, fitted.forecast(120).values)


def test_a_file_that_names_a_member_that_is_not_there_is_refused():
    assert _past({}, 3) is None
    assert _past({"past": {"member": 2, "until": 9}}, 3) == Past(2, 9)
    for wrong in ({"member": 3, "until": 9}, {"member": -1, "until": 9}, {"member": 0, "until": 0.5}):
        with pytest.raises(ModelFileError, match="copies the past"):
            _past({"past": wrong}, 3)


def test_beside_a_drive_nothing_is_copied(chaos):
    drive = np.sin(0.1 * np.arange(len(chaos)))[:, None]
    model = rc.Auto(**FEW).fit(rc.Series(chaos, dt=1.0, inputs=drive))
    assert model.members_.past is None
    assert all(weight > 0 for weight in model.blend_.weights)


def test_a_copy_that_is_much_worse_in_the_held_out_rows_is_refused(chaos, fitted, monkeypatch):
    monkeypatch.setattr(search_past, "WORSE", 0.0)
    model = rc.Auto(**FEW).fit(chaos)
    assert model.members_.past is None
    kept = [trial.final for trial, weight in zip(fitted.blend_.trials, fitted.blend_.weights, strict=True) if weight]
    assert [trial.final for trial in model.blend_.trials] == kept


def test_one_that_forecasts_alone_goes_on_alone():
    model = rc.Auto(**{**FEW, "of": ["linear", "nearest"]}).fit(np.sin(0.3 * np.arange(200)))
    assert len(model.members_.estimators) == 1
    assert model.members_.past is None
