"""Files of every format stay readable, and what was learnt forecasts what it forecast then."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import recurra as rc

HERE = Path(__file__).parent
FORMATS = sorted(HERE.glob("format-*"))
FILES = sorted(HERE.glob("format-*/*.safetensors"))
NETWORKS = ("rnn", "gru", "lstm")  # float32: compiled code may round otherwise from version to version


def maker():
    spec = importlib.util.spec_from_file_location("golden_make", HERE / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKE = maker()


def test_every_learner_has_a_file_in_the_first_format():
    assert {rc.load(path).kind for path in (HERE / "format-1").glob("*.safetensors")} == {
        "persistence",
        "linear",
        "esn",
        "rnn",
        "gru",
        "lstm",
    }
    for folder in FORMATS:
        assert {path.stem for path in folder.glob("*.safetensors")} == set(MAKE.MODELS)
    assert max(path.stat().st_size for path in FILES) < 50_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_golden_file_forecasts_as_it_did(path):
    expected = json.loads((path.parent / "forecasts.json").read_text())[path.stem]
    model = rc.load(path)
    found = MAKE.forecasts(model, driven=MAKE.MODELS[path.stem][1])
    tolerance = 1e-6 if model.kind in NETWORKS else 1e-12
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_golden_file_saved_anew_is_the_same_model(path, tmp_path):
    model = rc.load(path)
    model.save(tmp_path / "m.safetensors")
    again = rc.load(tmp_path / "m.safetensors")
    assert again.get_params() == model.get_params()
    later = MAKE.wave(MAKE.ROWS, 5, driven=MAKE.MODELS[path.stem][1]).inputs
    np.testing.assert_array_equal(again.forecast(5, inputs=later).values, model.forecast(5, inputs=later).values)
