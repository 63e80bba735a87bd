"""Saved models: the same bits after loading, and a clear refusal of every file that says what cannot be."""

import json
import math

import numpy as np
import pytest
from safetensors import safe_open

import recurra as rc
from recurra.errors import ConfigError, ModelFileError
from recurra.storage import write_model

# With increments and few rows the reservoir of one builder runs away: that it is said has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:the closed loop runs away")


def same(one: rc.Series, other: rc.Series) -> bool:
    names = ("channels", "units", "dt")
    return (
        one.values.tobytes() == other.values.tobytes()
        and one.times.tobytes() == other.times.tobytes()
        and all(getattr(one, name) == getattr(other, name) for name in names)
        and dict(one.provenance) == dict(other.provenance)
    )


def test_everything_is_as_before(fitted, chaos, other_chaos, tmp_path):
    fitted.save(tmp_path / "m.safetensors")
    loaded = rc.load(tmp_path / "m.safetensors")
    assert type(loaded) is type(fitted)
    assert loaded.get_params() == fitted.get_params()
    assert loaded.history_ == fitted.history_
    assert same(loaded.forecast(40), fitted.forecast(40))
    assert same(loaded.forecast(9, history=other_chaos), fitted.forecast(9, history=other_chaos))
    assert same(loaded.predict(chaos[700:720]), fitted.predict(chaos[700:720]))
    assert loaded.score(chaos[700:720]) == fitted.score(chaos[700:720])
    assert loaded.score([chaos[700:720], other_chaos]) == fitted.score([chaos[700:720], other_chaos])
    one, other = (model.backtest(chaos, 6, 4) for model in (loaded, fitted))
    for learner in other.forecasts:
        np.testing.assert_array_equal(one.forecasts[learner], other.forecasts[learner])


def test_drives_and_dates_are_as_before(fitted_driven, driven, tmp_path):
    fitted_driven.save(tmp_path / "m.safetensors")
    loaded = rc.load(tmp_path / "m.safetensors")
    future = driven[500:520].inputs
    one, other = (model.forecast(20, inputs=future) for model in (loaded, fitted_driven))
    assert same(one, other)
    assert same(one.inputs, other.inputs)
    assert loaded.score(driven[500:]) == fitted_driven.score(driven[500:])


def test_a_loaded_model_saves_the_same_file(fitted, tmp_path):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    fitted.save(first)
    rc.load(str(first)).save(str(second))
    assert first.read_bytes() == second.read_bytes()


def test_a_loaded_model_still_knows_that_it_saw_many_series(build, chaos, other_chaos, tmp_path):
    model = build().fit([other_chaos[:200], chaos[:300]])
    model.save(tmp_path / "m.safetensors")
    assert rc.load(tmp_path / "m.safetensors").score(chaos[300:400]) == model.score(chaos[300:400])


def test_a_loaded_model_can_be_fitted_anew(fitted, build, chaos, tmp_path):
    fitted.save(tmp_path / "m.safetensors")
    refitted = rc.load(tmp_path / "m.safetensors").fit(chaos[100:400])
    assert same(refitted.forecast(9), build().fit(chaos[100:400]).forecast(9))


def test_a_file_is_not_overwritten_unless_asked(fitted, tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_text("precious")
    with pytest.raises(ConfigError, match="exists"):
        fitted.save(path)
    assert path.read_text() == "precious"
    fitted.save(path, overwrite=True)
    assert same(rc.load(path).forecast(3), fitted.forecast(3))
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.safetensors"]


def test_parameters_that_changed_after_the_fit_are_not_saved(chaos, tmp_path):
    model = rc.ESN(units=20, washout=20, ridge=1e-4).fit(chaos[:100])
    model.leak = 0.5
    with pytest.raises(ConfigError, match=r"'leak' changed after `fit`"):
        model.save(tmp_path / "m.safetensors")
    assert not list(tmp_path.iterdir())
    model.set_params(leak=1.0).save(tmp_path / "m.safetensors")
    loaded = rc.load(tmp_path / "m.safetensors").set_params(seed=3)
    with pytest.raises(ConfigError, match="'seed'"):
        loaded.save(tmp_path / "other.safetensors")


def test_no_such_file(tmp_path):
    with pytest.raises(ModelFileError, match=r"none\.safetensors"):
        rc.load(tmp_path / "none.safetensors")


@pytest.fixture(scope="module")
def saved(chaos, driven, tmp_path_factory):
    """A file of each kind: (document, tensors) by name."""
    found = {}
    for name, model, data in (
        ("esn", rc.ESN(units=20, washout=20, ridge=1e-4), driven[:200]),
        ("linear", rc.Linear(order=2), chaos[:200]),
        ("persistence", rc.Persistence(), chaos[:200]),
    ):
        path = tmp_path_factory.mktemp("models") / f"{name}.safetensors"
        model.fit(data).save(path)
        with safe_open(path, framework="np") as file:
            document = json.loads(file.metadata()["recurra"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        found[name] = {k: v for k, v in document.items() if not k.startswith(("format", "sha"))}, tensors
    return found


def rewritten(saved, kind, change, path):
    """The file with a change, its hash made right again."""
    document, tensors = saved[kind]
    document = json.loads(json.dumps(document))
    tensors = {name: tensor.copy() for name, tensor in tensors.items()}
    change(document, tensors)
    write_model(path, tensors, document)
    return path


@pytest.mark.parametrize("kind", ["esn", "linear", "persistence"])
def test_the_unchanged_content_loads(saved, kind, tmp_path):
    model = rc.load(rewritten(saved, kind, lambda document, tensors: None, tmp_path / "m"))
    assert model.kind == kind


def put(*keys, value):
    """A change that sets document[keys[0]][keys[1]]... = value."""

    def change(document, tensors):
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value

    return change


def drop(*keys):
    def change(document, tensors):
        for key in keys[:-1]:
            document = document[key]
        del document[keys[-1]]

    return change


def tensor(name, edit):
    def change(document, tensors):
        tensors[name] = edit(tensors[name])

    return change


def without(name):
    return lambda document, tensors: tensors.pop(name)


def linear_baseline_without_lags(document, tensors):
    document["baselines"]["linear"] = 0
    del tensors["baseline/linear/coefficients"]


def linear_without_lags(document, tensors):
    document["facts"]["order"] = 0
    del tensors["network/coefficients"]


def replaced(index, value):
    def edit(array):
        array.flat[index] = value
        return array

    return edit


TAMPERED = {
    "unknown kind": ("esn", put("kind", value="oracle")),
    "kind that is no name": ("esn", put("kind", value=["esn"])),
    "another kind": ("esn", put("kind", value="linear")),
    "no kind": ("esn", drop("kind")),
    "extra parameter": ("esn", put("params", "magic", value=1)),
    "parameters that are a list": ("esn", put("params", value=["units"])),
    "negative units": ("esn", put("params", "units", value=-20)),
    "other units": ("esn", put("params", "units", value=21)),
    "fractional units": ("esn", put("params", "units", value=20.0)),
    "text for units": ("esn", put("params", "units", value="20")),
    "leak above one": ("esn", put("params", "leak", value=1.5)),
    "huge units": ("esn", put("params", "units", value=10**12)),
    "no frame": ("esn", drop("frame")),
    "no channels": ("esn", put("frame", "channels", value=[])),
    "channel too many": ("esn", put("frame", "channels", value=["q", "p", "r"])),
    "channel twice": ("esn", put("frame", "channels", value=["q", "q"])),
    "unit too many": ("esn", put("frame", "units", value=["m", "m", "m"])),
    "no inputs": ("esn", put("frame", "inputs", value=[])),
    "step zero": ("esn", put("frame", "dt", value=0.0)),
    "negative step": ("esn", put("frame", "dt", value=-60.0)),
    "another step than the times": ("esn", put("frame", "dt", value=61.0)),
    "text for the step": ("esn", put("frame", "dt", value="soon")),
    "no facts": ("linear", drop("facts")),
    "no order": ("linear", drop("facts", "order")),
    "negative order": ("linear", put("facts", "order", value=-1)),
    "huge order": ("linear", put("facts", "order", value=10**9)),
    "autoregression without lags": ("linear", linear_without_lags),
    "unknown baseline": ("esn", put("baselines", "oracle", value=0)),
    "baseline of another order": ("esn", put("baselines", "linear", value=99)),
    "baseline without lags": ("esn", linear_baseline_without_lags),
    "persistence with lags": ("esn", put("baselines", "persistence", value=2)),
    "no recent rows": ("esn", drop("recent")),
    "fewer recent rows": ("esn", put("recent", "rows", value=3)),
    "negative recent rows": ("esn", put("recent", "rows", value=-1)),
    "numbers for dates": ("esn", put("recent", "dates", value=False)),
    "dates for numbers": ("linear", put("recent", "dates", value=True)),
    "no word on continuation": ("esn", drop("recent", "continues")),
    "no history": ("esn", drop("history")),
    "missing tensor": ("esn", without("network/W_in")),
    "missing scaler": ("persistence", without("scaler/std")),
    "extra tensor": ("esn", lambda document, tensors: tensors.update(surplus=np.ones(3))),
    "wrong shape": ("esn", tensor("network/b", lambda b: b[:-1])),
    "transposed": ("esn", tensor("network/V", lambda V: np.ascontiguousarray(V.T))),
    "wrong dtype": ("esn", tensor("network/b", lambda b: b.astype(np.float32))),
    "zero scale": ("esn", tensor("scaler/std", replaced(0, 0.0))),
    "negative scale": ("esn", tensor("drive_scaler/std", replaced(0, -1.0))),
    "times that fall back": ("linear", tensor("recent/times", lambda t: t[::-1].copy())),
    "times with a gap": ("linear", tensor("recent/times", replaced(-1, 1e3))),
    "index beyond the reservoir": ("esn", tensor("network/W/indices", replaced(7, 20))),
    "index far beyond": ("esn", tensor("network/W/indices", replaced(0, 2**31 - 1))),
    "negative index": ("esn", tensor("network/W/indices", replaced(3, -1))),
    "row that ends before it starts": ("esn", tensor("network/W/indptr", replaced(4, 190))),
    "rows that start late": ("esn", tensor("network/W/indptr", replaced(0, 5))),
    "rows beyond the entries": ("esn", tensor("network/W/indptr", replaced(-1, 10**6))),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_tampered_files_are_refused(saved, case, tmp_path):
    kind, change = TAMPERED[case]
    path = rewritten(saved, kind, change, tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError, match=r"m\.safetensors|baseline"):
        rc.load(path)


def test_a_damaged_byte_is_noticed(saved, tmp_path):
    path = rewritten(saved, "linear", lambda document, tensors: None, tmp_path / "m")
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="SHA-256"):
        rc.load(path)


def test_weights_that_are_not_finite_are_not_saved(chaos, tmp_path):
    model = rc.Linear(order=1).fit(chaos[:100])
    model.network_.coefficients[0, 0] = math.nan
    with pytest.raises(ModelFileError, match="not finite"):
        model.save(tmp_path / "m.safetensors")
    assert not list(tmp_path.iterdir())
