"""Hessian-free optimisation and momentum from a reservoir's weights, through the estimators and the command line."""

import json

import numpy as np
import pytest

import recurra as rc
from recurra.cli import main
from recurra.errors import ConfigError
from recurra.estimators import memory, second_order
from recurra.estimators.learners import LEARNERS

SERIES = np.stack([np.sin(0.3 * np.arange(160)), np.cos(0.3 * np.arange(160))], axis=1)
TABLE = {"cg_steps": np.int64(10), "damping": 0.1}
SHORT = {"units": 6, "bptt_length": 20, "epochs": 3, "horizon": 10, "origins": 3}


@pytest.mark.parametrize("kind", [rc.RNN, rc.GRU, rc.LSTM])
def test_a_network_is_fitted_and_loaded_with_the_same_bits(tmp_path, kind):
    model = kind(optimizer="hessian-free", hessian_free=TABLE, **SHORT).fit(SERIES)
    assert len(model.history_) == 3
    assert model.history_[-1]["loss"] < model.history_[0]["loss"]
    assert model.history_[0]["cg_steps"] <= 10
    model.save(tmp_path / "model.safetensors")
    again = rc.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.forecast(20).values, model.forecast(20).values)


def test_the_learners_of_the_table_are_these_networks():
    momentum, curvature = (LEARNERS[name].build(**SHORT) for name in ("momentum", "hessian-free"))
    assert (momentum.optimizer, momentum.init, momentum.momentum) == ("nesterov", "echo-state", 0.99)
    assert (curvature.optimizer, curvature.init) == ("hessian-free", "echo-state")
    untrained = {"epochs": 1, "optimizer": "sgd", "learning_rate": 1e-12}  # as drawn, but for rounding
    for init, radius in (("echo-state", 1.1), ("default", 1.0)):
        cell = momentum.set_params(init=init, **untrained).fit(SERIES).network_.model.cells[0]
        assert np.abs(np.linalg.eigvals(cell.W)).max() == pytest.approx(radius, abs=1e-5)


def test_a_batch_is_32_windows_or_all_of_them():
    assert second_order.batch_of(rc.RNN(), 500) == 32
    assert second_order.batch_of(rc.RNN(optimizer="hessian-free"), 500) == 500
    assert second_order.batch_of(rc.RNN(optimizer="hessian-free", batch_size=64), 500) == 64


def test_windows_that_fit_together_are_not_cut(monkeypatch):
    monkeypatch.setattr(second_order, "usable_memory", lambda: 8000)
    owner = rc.RNN(optimizer="hessian-free")
    for batch, chunk in ((100, None), (101, 100)):  # an eighth of the memory
        method = second_order.hessian_free(owner, True, 10.0, 50, batch, 0.1)
        assert (method.chunk, method.segment) == (chunk, None)
        assert second_order.bytes_at_once(method, 10.0, 50, batch) == 1000.0
    assert memory.usable_memory() > 8000


def test_a_window_that_does_not_fit_is_cut_into_segments(monkeypatch):
    monkeypatch.setattr(second_order, "usable_memory", lambda: 8000)
    method = second_order.hessian_free(rc.RNN(optimizer="hessian-free"), True, 4000.0, 60, 7, 0.1)
    assert (method.chunk, method.segment) == (1, 15)
    assert second_order.bytes_at_once(method, 4000.0, 60, 7) == pytest.approx(4000 * (1 / 4 + 1 / 6))


@pytest.mark.parametrize("kind", [rc.RNN, rc.GRU])
def test_a_network_cut_into_segments_learns_the_same(kind):
    settings = SHORT | {"optimizer": "hessian-free", "precision": "float64", "epochs": 2}
    whole, cut = (
        kind(**settings, hessian_free={"cg_steps": 10, "segment": segment}).fit(SERIES) for segment in (None, 7)
    )
    losses = [[entry["loss"] for entry in model.history_] for model in (whole, cut)]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-8)
    with pytest.raises(ConfigError, match="`segment` is 0"):
        kind(**settings, hessian_free={"segment": 0}).check()


def test_sequences_of_classes():
    rng = np.random.default_rng(0)
    xs = [rng.standard_normal((rng.integers(4, 7), 1)) for _ in range(60)]
    ys = ["up" if x.sum() > 0 else "down" for x in xs]
    model = rc.Sequences(
        loss="categorical", cell="elman", units=8, epochs=6, optimizer="hessian-free", init="echo-state", validation=0
    ).fit(xs, ys)
    assert model.score(xs, ys)["accuracy"] >= 0.9


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"hessian_free": {"cg_step": 3}}, "cg_steps"),
        ({"hessian_free": {"cg_steps": 3.0}}, "a whole number"),
        ({"hessian_free": {"damping": None}}, "a number"),
        ({"hessian_free": {"preconditioned": "no"}}, "true or false"),
        ({"hessian_free": {"warm_start": 2.0}}, "0 to 1"),
        ({"hessian_free": [1]}, "a table"),
        ({"loss": "absolute"}, "'huber' or 'squared'"),
        ({"stateful": True}, "stand for themselves"),
        ({"on_diverge": "backoff:2"}, "no rate to halve"),
        ({"optimizer": "adam", "hessian_free": {"cg_steps": 3}}, "not 'adam'"),
    ],
)
def test_settings_that_cannot_be_are_refused(options, match):
    with pytest.raises(ConfigError, match=match):
        rc.RNN(**{"optimizer": "hessian-free", **options}).check()


def test_the_command_takes_its_settings(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savetxt("data.csv", SERIES, delimiter=",", header="x,v", comments="")
    words = ["fit", "data.csv", "--learner", "hessian-free", "--json", "--out", "run"]
    words += [part for key, value in SHORT.items() for part in ("--set", f"{key}={value}")]
    assert main([*words, "--set", "hessian_free.cg_steps=10"]) == 0
    assert json.loads(capsys.readouterr().out)["results"]["score"]["closed_loop"]["nrmse"] > 0
    assert main([*words, "--force", "--set", "hessian_free.curvature_batch=100.5"]) == 2
    assert "a whole number" in capsys.readouterr().out
