"""Learners on tasks with long lags: what is scored is new, a killed run ends the same, a divergence is a result."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from recurra.cells import GRU, LSTM
from recurra.errors import ConfigError, Interrupted
from recurra.experiment import long_lag_network as network
from recurra.experiment.long_lag import run_long_lag
from recurra.experiment.long_lag_settings import LEARNERS, MOMENTUM_SCHEDULES, settings_for
from recurra.tasks.long_lag import Batch, Rule, long_lag
from recurra.training import MOMENTA, best_echo_state

SMALL = {"units": 4, "sequences_per_epoch": 200, "batch_size": 50}


def run(name="adding-1997", learner="lstm", *, length=22, seed=0, settings=SMALL, **options):
    return run_long_lag(long_lag(name, length), learner, seed=seed, settings=settings, **options)


def timeless(found):
    """A result without what depends on the clock."""
    history = [{k: v for k, v in entry.items() if k != "seconds"} for entry in found["history"]]
    return {k: v for k, v in found.items() if k not in ("seconds", "history")}, history


def test_an_lstm_solves_the_adding_problem_of_1997():
    found = run(settings={"units": 8}, length=30, most=100_000)
    assert found["solved"] is True
    assert found["stop"] == "solved"
    assert found["wrong_fraction"] <= 3 / 2560  # new sequences, of 84 % wrong at chance
    assert found["sequences"] == 2000 * found["epochs"] < 100_000
    assert found["updates"] * 20 == found["sequences"] == found["gradient_passes"]
    assert found["parameters"] == 4 * 8 * (2 + 8 + 1) + 9
    last = found["history"][-1]
    assert last["wrong_fraction"] == 0
    assert last["deviation"] < 0.01
    assert [entry["epoch"] for entry in found["history"]] == list(range(1, found["epochs"] + 1))
    seconds = [entry["seconds"] for entry in found["history"]]
    assert seconds == sorted(seconds)


@pytest.mark.parametrize(
    ("learner", "name", "parameters"),
    [("rnn", "xor", 4 * 7 + 10), ("gru", "5-bit-memory", 3 * 4 * 10 + 10), ("momentum", "multiplication", 4 * 7 + 5)],
)
def test_learners_run_on_values_and_on_symbols(learner, name, parameters):
    found = run(name, learner, most=400)
    assert (found["stop"], found["solved"], found["sequences"]) == ("sequences", False, 400)
    assert 0 < found["wrong_fraction"] <= 1
    assert 0 < found["errors"] <= 5
    assert len(found["history"]) == 2
    assert found["settings"]["units"] == 4
    assert found["parameters"] == parameters


def test_what_is_scored_is_trained_on_later_and_tests_never_are(monkeypatch):
    task, scored, trained = long_lag("adding", 20), [], []
    real_scores, real_data = network.Scores.of, Batch.data

    def of(task, model, batches):
        found = list(batches)
        scored.append([batch.inputs for batch in found])
        return real_scores(task, model, iter(found))

    def data(self):
        trained.append(self.inputs)
        return real_data.fget(self)

    monkeypatch.setattr(network.Scores, "of", staticmethod(of))
    monkeypatch.setattr(Batch, "data", property(data))
    run_long_lag(task, "lstm", seed=3, settings={**SMALL, "sequences_per_epoch": 1000}, most=3000)
    epochs = list({each.tobytes(): each for each in trained}.values())
    assert len(epochs) == 3
    *before, test = scored
    for k, (batch,) in enumerate(before):  # scored after epoch k + 1
        following = task.draw(1000, seed=[1, 3, k + 1]).inputs
        np.testing.assert_array_equal(batch, following)
        assert all(not np.array_equal(batch, each) for each in epochs[: k + 1])
    rows = {each.tobytes() for epoch in epochs for each in epoch}
    assert sum(len(piece) for piece in test) == 10_000
    assert not any(row.tobytes() in rows for piece in test for row in piece)


def test_a_run_that_was_stopped_ends_with_the_same_numbers(tmp_path):
    whole = run(most=800)
    file = tmp_path / "checkpoint.safetensors"

    def stop(event):
        if event["epoch"] == 2:
            raise Interrupted("stopped", signal_number=15)

    with pytest.raises(Interrupted):
        run(most=800, checkpoint=file, progress=stop)
    epochs = []
    resumed = run(most=800, checkpoint=file, progress=lambda event: epochs.append(event["epoch"]))
    assert epochs == [3, 4]
    assert timeless(resumed) == timeless(whole)
    with pytest.raises(ConfigError, match="belongs to a training with other data"):
        run(most=800, seed=1, checkpoint=file)


def test_with_whole_the_end_is_told_and_that_the_rule_of_1997_was_met_stays_noted(tmp_path, monkeypatch):
    """Met after the first epoch: the test sequences of the last one are scored, and a resumed run still knows."""
    task = long_lag("adding-1997", 22)
    easy = replace(task, solved=Rule(200, 201, None, 300, 301))
    tested, tests, real = [], network.Sequences.tests, Rule.met
    monkeypatch.setattr(network.Sequences, "tests", lambda self, n: (tested.append(n), tests(self, n))[1])
    stopped = run_long_lag(easy, "lstm", seed=0, settings=SMALL, most=800)
    assert (stopped["solved"], stopped["stop"], stopped["epochs"], tested) == (True, "solved", 1, [1])
    assert "solved" not in stopped["history"][0]
    tested.clear()
    whole = run_long_lag(easy, "lstm", seed=0, settings=SMALL, most=800, whole=True)
    assert (whole["solved"], whole["stop"], whole["epochs"], tested) == (True, "sequences", 4, [1, 4])
    assert [entry.get("solved", False) for entry in whole["history"]] == [True, False, False, False]
    monkeypatch.setattr(Rule, "met", lambda self, wrong, deviations: False)
    never = run_long_lag(easy, "lstm", seed=0, settings=SMALL, most=800, whole=True)
    assert (never["solved"], never["deviation"]) == (False, whole["deviation"])
    monkeypatch.setattr(Rule, "met", real)

    def stop(event):
        if event["epoch"] == 2:
            monkeypatch.setattr(Rule, "met", lambda self, wrong, deviations: False)
            raise Interrupted("stopped", signal_number=15)

    file = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Interrupted):
        run_long_lag(easy, "lstm", seed=0, settings=SMALL, most=800, whole=True, checkpoint=file, progress=stop)
    resumed = run_long_lag(easy, "lstm", seed=0, settings=SMALL, most=800, whole=True, checkpoint=file)
    assert timeless(resumed) == timeless(whole)


def test_a_divergence_is_a_result_with_its_cause():
    found = run(learner="sgd", settings={**SMALL, "learning_rate": 1e30}, most=1000)
    assert (found["solved"], found["stop"], found["wrong_fraction"]) == (False, "diverged", 1.0)
    assert "learning rate 1e+30" in found["failure"]["message"]
    assert found["failure"]["cause"]["update"] >= 1


def test_rules_look_at_enough_sequences_however_small_an_epoch_is():
    sequences = network.Sequences(long_lag("adding", 20), 3, 400, centred=False)
    parts = list(sequences.following(5, 1000))
    assert [len(part.inputs) for part in parts] == [400, 400, 200]
    for part, number in zip(parts, (5, 6, 7), strict=True):
        whole = long_lag("adding", 20).draw(400, seed=[1, 3, number]).inputs
        np.testing.assert_array_equal(part.inputs, whole[: len(part.inputs)])


def test_time_that_is_over_ends_a_run_after_its_epoch():
    found = run(budget=1e-6)
    assert (found["stop"], found["epochs"], found["solved"]) == ("budget", 1, False)
    assert found["wrong_fraction"] > 0.5


def test_a_momentum_network_begins_as_an_echo_state_network_around_the_mean_answer():
    task = long_lag("multiplication", 40)
    chosen = settings_for(task, "momentum", {"units": 60})
    sequences = network.Sequences(task, 0, 4000, centred=True)
    model = network.draw_network(task, LEARNERS["momentum"], chosen, sequences, 5)
    cell = model.cells[0]
    assert np.abs(np.linalg.eigvals(cell.W.astype(float))).max() == pytest.approx(1.1, abs=1e-5)
    assert ((cell.W != 0).sum(axis=1) == 15).all()
    assert cell.U.std() == pytest.approx(0.001, rel=0.3)
    assert model.readout[-1].c[0] == pytest.approx(0.25, abs=5 * np.sqrt(7 / 144 / 4000))
    batch = sequences.epoch(0)
    assert batch.inputs[batch.present].mean(axis=0) == pytest.approx([0, 0], abs=1e-5)
    assert not batch.inputs[~batch.present].any()
    best = network.draw_network(task, LEARNERS["momentum"], chosen | {"draws": 8}, sequences, 5)
    given = {"input_scale": 0.001, "output_bias": sequences.answers(), "draws": 8, "seed": 5}
    same = best_echo_state(model, batch.data, **given)
    assert all(map(np.array_equal, *map(jax.tree.leaves, (best, same))))
    assert not np.array_equal(best.cells[0].W, cell.W)  # or the first of eight was the best


@pytest.mark.parametrize("forget_gate", [True, False])
def test_gates_keep_for_times_that_are_uniform(forget_gate):
    """sigma(b) = u / (1 + u) with u uniform on (1, 99): its mean 50, and never outside."""
    cell = LSTM.draw(2, 400, np.random.default_rng(0), forget_gate=forget_gate)
    b = network.remembering(cell, 100.0, np.random.default_rng(1)).b
    times = np.exp(-b[:400])  # the write gate is the inverse
    assert times.min() > 1
    assert times.max() < 99
    assert times.mean() == pytest.approx(50, abs=4 * 98 / np.sqrt(12 * 400))
    assert (b[-800:] == 0).all()
    if forget_gate:
        np.testing.assert_allclose(b[400:800], -b[:400])


def test_update_gates_of_a_gru_keep_too():
    cell = GRU.draw(2, 50, np.random.default_rng(0))
    b = network.remembering(cell, 100.0, np.random.default_rng(1)).b
    assert (b[:50] > 0).all()
    assert not b[50:].any()


def test_settings_of_a_learner_depend_on_the_task():
    values, memory = long_lag("adding", 20), long_lag("5-bit-memory", 20)
    assert settings_for(values, "momentum", {})["input_scale"] == 0.001
    assert settings_for(memory, "momentum", {})["input_scale"] == 0.1
    assert settings_for(values, "lstm", {"clip_norm": 5})["clip_norm"] == 5
    assert settings_for(values, "momentum", {"units": 4})["connections"] == 4
    assert settings_for(values, "momentum", {"units": 40})["connections"] == 15


def test_rates_that_rise_and_averaged_weights_are_those_of_the_training():
    small = {"units": 5, "connections": 3, "sequences_per_epoch": 100, "batch_size": 10, "output_scale": 0.5}
    changes = {"warmup_updates": 10**6}, {"learning_rate": 1e-12}, {}, {"averaged_updates": 30}, {"averaged_updates": 1}
    rising, still, moved, averaged, last = (
        run("adding-mean", "momentum", length=10, settings=small | change, most=300) for change in changes
    )
    assert rising["deviation"] == pytest.approx(still["deviation"], rel=1e-5)  # 30 millionths of the rate at most
    assert moved["deviation"] != pytest.approx(still["deviation"], rel=1e-2)
    losses = [[entry["loss"] for entry in found["history"]] for found in (moved, averaged, last)]
    assert losses[0] == losses[1] == losses[2]  # the steps are the same
    assert averaged["deviation"] != moved["deviation"] == last["deviation"]  # what is scored is not


def test_the_momentum_schedules_are_those_of_the_training():
    assert set(MOMENTUM_SCHEDULES) == set(MOMENTA)


@pytest.mark.parametrize(
    ("learner", "given", "message"),
    [
        ("lstn", {}, "did you mean 'lstm'"),
        ("lstm", {"unit": 3}, "did you mean 'units'"),
        ("lstm", {"units": 2.5}, "a whole number"),
        ("lstm", {"forget_gate": 1}, "true or false"),
        ("lstm", {"learning_rate": 0}, "above 0"),
        ("esn", {"leaks": []}, "at least one"),
        ("esn", {"leaks": [1, -1]}, "above 0"),
        ("momentum", {"momentum": -1.0}, "from 0 on"),
        ("momentum", {"momentum": 1.5}, "from 0 to 1"),
        ("momentum", {"momentum_schedule": "delay"}, "did you mean 'delayed'"),
        ("momentum", {"init": "echo-states"}, "did you mean 'echo-state'"),
        ("momentum", {"draws": 0}, "above 0"),
        ("momentum", {"units": 10, "connections": 11}, "connections = 11 must be at most units = 10"),
        ("esn", {"readout_features": "square"}, "did you mean 'squares'"),
        ("esn", {"units": 2, "leaks": [0.1, 1, 10]}, "units = 2 are too few for 3 leaks"),
        ("gru", {"forget_gate": True}, "unknown setting of gru"),
    ],
)
def test_settings_that_cannot_be_are_refused(learner, given, message):
    with pytest.raises(ConfigError, match=message):
        settings_for(long_lag("adding", 20), learner, given)


@pytest.mark.parametrize("options", [{"most": 1}, {"budget": 0.0}, {"budget": -1.0}])
def test_limits_that_cannot_be_are_refused(options):
    with pytest.raises(ConfigError):
        run(**options)


def test_a_hessian_free_step_counts_as_the_gradients_it_is_worth():
    small = {"units": 15, "sequences_per_epoch": 100, "curvature_batch": 50, "chunk": 50, "cg_steps": 4}
    found = run(learner="hessian-free", settings=small, most=200)
    assert (found["stop"], found["updates"], found["sequences"]) == ("sequences", 2, 200)
    worth = [entry["passes"] for entry in found["history"]]
    assert all(1 < passes < 30 for passes in worth)
    assert found["gradient_passes"] == round(100 * sum(worth))
