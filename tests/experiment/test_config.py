import hashlib
import tomllib

import pytest
import tomli_w

from recurra.errors import ConfigError
from recurra.experiment import DataSpec, config_hash, make_config
from recurra.experiment.config import build_learner, check_data_hash

DATA = {"data.source": "x.csv"}
ESN = {**DATA, "learner": "esn"}


def test_defaults_are_filled_in_and_survive_toml(tmp_path):
    config = make_config(options=DATA)
    assert (config.learner, config.split, config.seed) == ("auto", 0.8, 0)
    assert config.parameters["budget"] == 30.0
    assert "seed" not in config.parameters
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps(config.as_dict()))
    assert make_config(file=path) == config
    assert tomllib.loads(path.read_text())["data"] == {"source": "x.csv"}


def test_settings_reach_the_estimator():
    config = make_config(settings=["units=7", "parameters.leak=0.5", "seed=3", "learner=esn"], options=DATA)
    estimator = build_learner(config)
    assert (estimator.units, estimator.leak, estimator.seed) == (7, 0.5, 3)
    assert build_learner(make_config(settings=["learner=persistence"], options=DATA)).get_params() == {}


def test_file_settings_and_options_in_this_order(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(
        'seed = 1\nsplit = 0.5\nlearner = "esn"\n[data]\nsource = "x.csv"\n[parameters]\nunits = 5\nleak = 0.1\n'
    )
    config = make_config(file=path, settings=["units=6"], options={"split": 0.6})
    assert (config.seed, config.split) == (1, 0.6)
    assert (config.parameters["units"], config.parameters["leak"]) == (6, 0.1)


def test_none_switches_a_parameter_off_and_survives_toml(tmp_path):
    config = make_config(settings=["learner=rnn", "clip_norm=none"], options=DATA)
    assert build_learner(config).clip_norm is None
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps(config.as_dict()))
    assert make_config(file=path) == config
    assert build_learner(make_config(file=path)).clip_norm is None
    assert config.run_name() != make_config(settings=["learner=rnn"], options=DATA).run_name()


def test_none_where_it_is_the_default_is_the_same_run():
    plain = make_config(options=ESN)
    assert make_config(settings=["ridge=none"], options=ESN) == plain
    assert build_learner(plain).ridge is None


def test_none_is_refused_where_it_cannot_be():
    with pytest.raises(ConfigError, match="units"):
        make_config(settings=["units=none"], options=ESN)


@pytest.mark.parametrize("setting", ["split=random", "split_by=random"])
def test_a_random_split_is_refused_with_the_reason(setting):
    with pytest.raises(ConfigError, match="shares all but one of its rows with windows that were trained on"):
        make_config(settings=[setting], options=DATA)


@pytest.mark.bad_input(40, 41)
@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (["learner=lsmt"], "did you mean 'lstm'"),
        (["learner=esn", "unist=3"], "did you mean 'units'"),
        (["data.chanels=[]"], "did you mean 'data.channels'"),
        (["split=1.5"], "between 0 and 1"),
        (["split=nan"], "must be a number"),
        (["seed=-1"], "2^32"),
        (["gap=-1"], "0 or more"),
        (["gap=0.5"], "whole number"),
        (["seed=18446744073709551616"], "2^32"),
        (["learner=esn", 'leak="0.1"'], "parameters.leak = '0.1' (str) must be a number"),
        (["data.time=3"], "data.time = 3 (int) must be text"),
        (["data.dt=0"], "positive"),
        (["data.steps=5"], "no meaning for a file"),
        (["parameters.seed=1"], "a key of its own"),
        (["data.source=system:"], "dataset:NAME"),
        (["parameters=3"], "must be a table"),
    ],
)
def test_each_problem_is_named(settings, word):
    options = {} if "data.source" in settings[0] else DATA
    with pytest.raises(ConfigError) as caught:
        make_config(settings=settings, options=options)
    assert word in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.bad_input(41)
def test_all_problems_at_once():
    with pytest.raises(ConfigError) as caught:
        make_config(settings=["units=a", "leek=1", "split=2"], options=ESN)
    for word in ("3 problems", "units", "'leak'", "split"):
        assert word in str(caught.value)


def test_data_must_be_named():
    with pytest.raises(ConfigError, match=r"data\.source is missing"):
        make_config(settings=["data.dt=1"])
    with pytest.raises(ConfigError, match="data is missing"):
        make_config()


def test_kinds_and_names_of_data():
    assert (DataSpec("a/b.csv").kind, DataSpec("a/b.csv").name) == ("file", "b")
    assert (DataSpec("system:duffing").kind, DataSpec("system:duffing").name) == ("system", "duffing")
    assert (DataSpec("c:/x.csv").kind, DataSpec("c:/x.csv").name) == ("file", "x")


def test_the_hash_is_of_the_canonical_json_and_the_label_does_not_count():
    assert config_hash({"b": 1, "a": {"c": 0.5}}) == hashlib.sha256(b'{"a":{"c":0.5},"b":1}').hexdigest()
    plain, labelled = make_config(options=DATA), make_config(settings=["name=first try/2"], options=DATA)
    assert config_hash(plain.as_dict()) == config_hash(labelled.as_dict())
    assert labelled.run_name() == f"first-try-2-{config_hash(plain.as_dict())[:8]}"
    assert plain.run_name().startswith("x-auto-")
    assert make_config(settings=["seed=1"], options=DATA).run_name() != plain.run_name()


def test_a_learner_without_chance_has_no_seed():
    configs = [make_config(settings=["learner=linear", f"seed={seed}"], options=DATA) for seed in (0, 7)]
    assert configs[0] == configs[1]
    assert configs[0].seed is None
    assert "seed" not in configs[0].as_dict()


def test_data_that_changed_are_refused():
    config = check_data_hash(make_config(options=DATA), "abc")
    assert config.data.sha256 == "abc"
    assert check_data_hash(config, "abc") == config
    with pytest.raises(ConfigError, match="SHA-256 is def, expected abc"):
        check_data_hash(config, "def")
