"""The estimator on four kinds of tasks: it trains, refuses what does not fit, and learns what is known of each."""

import inspect
from itertools import product

import numpy as np
import pytest

import recurra as rc
from recurra import tasks
from recurra.errors import ConfigError, DataError, ModelFileError, NotFittedError
from recurra.estimators.sequences import Sequences
from recurra.tasks import TASKS

RNG = np.random.default_rng(0)
COUNT, STEPS = 32, 5


def _toy(task):
    """Every one of the same shapes for the network: 5 steps, 2 columns in (a mark among them), 1 out."""
    if task == "delayed":
        x = RNG.normal(size=(COUNT, 3, 1))
        return x, x
    x = RNG.normal(size=(COUNT, 1 if task == "one-to-many" else STEPS, 2))
    if task == "one-to-many":
        return x, x[:, :, :1] * 0.7 ** np.arange(STEPS)[:, None]
    before = np.concatenate([np.zeros((COUNT, 1)), x[:, :-1, 0]], axis=1)
    wanted = (before + x[:, :, 1])[:, :, None]
    return (x, wanted[:, -1]) if task == "many-to-one" else (x, wanted)


def _small(**params):
    return Sequences(**{"units": 6, "epochs": 60, "batch_size": 8, "learning_rate": 0.02, "validation": 0.0, **params})


@pytest.mark.parametrize(("cell", "layers", "task"), list(product(["elman", "gru", "lstm"], [1, 2], TASKS)))
def test_every_task_trains_with_every_cell_in_one_layer_and_two(cell, layers, task):
    history = _small(task=task, cell=cell, layers=layers).fit(*_toy(task)).history_
    assert history[-1]["loss"] < 0.05 * history[0]["loss"]


@pytest.fixture(scope="module")
def fitted():
    """Many to many with the shapes of the toys."""
    x, y = _toy("many-to-many")
    return _small(task="many-to-many", cell="elman").fit(x, y), x, y


def test_the_baselines_of_a_score_are_least_squares_and_the_mean(fitted):
    model, x, y = fitted
    flat, wanted = x.reshape(-1, 2), y.reshape(-1, 1)
    table = np.column_stack([flat, np.ones(len(flat))])
    line = table @ np.linalg.lstsq(table, wanted, rcond=None)[0]
    scores = model.score(x, y)
    assert scores["baselines"]["constant"]["mse"] == pytest.approx(np.var(wanted), rel=1e-12)
    assert scores["baselines"]["memoryless"]["mse"] == pytest.approx(np.mean((line - wanted) ** 2), rel=1e-12)
    found = np.stack(model.predict(x))
    assert scores["mse"] == pytest.approx(np.mean((found - y) ** 2), rel=1e-12)
    assert scores["mae"] == pytest.approx(np.mean(np.abs(found - y)), rel=1e-12)
    assert scores["r2"] == pytest.approx(1 - scores["mse"] / np.var(wanted), rel=1e-12)
    assert scores["mse"] < 0.5 * scores["baselines"]["memoryless"]["mse"]


def test_the_order_of_the_sequences_and_their_company_change_no_answer(fitted):
    model, x, _ = fitted
    mixed = [x[0], x[1, :2], x[2, :4], x[3], x[4, :2]]
    together = model.predict(mixed)
    for sequence, answer in zip(mixed, together, strict=True):
        np.testing.assert_allclose(model.predict([sequence])[0], answer, rtol=0, atol=1e-6)
    np.testing.assert_allclose(together[1], model.predict(x[1:2])[0][:2], rtol=0, atol=1e-6)


def test_a_stream_gives_what_predict_gives(fitted):
    model, x, _ = fitted
    stream = model.stream()
    by_row = np.stack([stream.step(row) for row in x[0]])
    np.testing.assert_allclose(by_row, model.predict(x[:1])[0], rtol=0, atol=1e-6)


def test_a_saved_model_is_the_model(fitted, tmp_path):
    model, x, y = fitted
    model.save(tmp_path / "m.safetensors")
    loaded = rc.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(np.stack(loaded.predict(x)), np.stack(model.predict(x)))
    assert loaded.score(x, y) == model.score(x, y)
    assert loaded.get_params() == model.get_params()
    assert loaded.history_ == model.history_
    with pytest.raises(ConfigError, match="exists"):
        model.save(tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError, match="takes no"):
        rc.load(tmp_path / "m.safetensors", cell="gru")


def test_symbols_come_back_as_they_were(tmp_path):
    """Two columns of symbols, five letters, three classes; lengths differ, and so do those of the answers."""
    texts = ["abbab", "babaa", "ab", "b", "aabab", "ba"] * 4
    model = _small(task="many-to-many", loss="categorical", cell="gru", epochs=100).fit(
        texts, [text.translate({97: 120, 98: 121}) for text in texts]
    )
    assert model.classes_ == ("x", "y")
    assert model.predict_classes(["bab", "a"]) == [["y", "x", "y"], ["x"]]
    p = model.predict(["bab"])[0]
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    scores = model.score(["bab", "a"], ["yxy", "x"])
    assert (scores["accuracy"], scores["exact"]) == (1, 1)
    assert scores["log_loss"] == pytest.approx(
        -np.mean(np.log([*p[[0, 1, 2], [1, 0, 1]], model.predict(["a"])[0][0, 0]]))
    )
    with pytest.raises(DataError, match="'z' at position 1"):
        model.score(["bab"], ["yzy"])
    with pytest.raises(DataError, match="'c' at position 2"):
        model.predict(["bac"])
    model.save(tmp_path / "s.safetensors")
    assert rc.load(tmp_path / "s.safetensors").predict_classes(["bab"]) == [["y", "x", "y"]]


def _refused(match, x, y, **params):
    with pytest.raises(DataError, match=match):
        _small(**params).fit(x, y)


def test_shapes_that_do_not_fit_name_the_task_that_does():
    x = [np.ones((7, 1)), np.ones((3, 1))]
    _refused("targets of 7 rows for inputs of 7 rows are 'many-to-many'; you asked for 'many-to-one'", x, x)
    _refused("one target without a time axis for inputs of 7 rows is 'many-to-one'", x, [1, 2], task="many-to-many")
    _refused("targets of 2 rows for inputs of 7 rows are 'delayed'", x, np.ones((2, 2, 1)), task="many-to-many")
    _refused("'one-to-many'; you asked for 'many-to-many'", np.ones((2, 1, 1)), np.ones((2, 4)), task="many-to-many")
    _refused("are 'many-to-many'", ["ab", "b"], ["xy", ["x"]], task="one-to-many", loss="categorical")


def test_sequences_that_cannot_be_are_refused():
    x, y = [np.ones((2, 1)), np.zeros((3, 1))], [0.0, 1.0]
    _refused("2 inputs and 3 targets", x, [*y, 2.0])
    _refused("one array of shape", np.ones((2, 3)), y)
    _refused("sequence 1 has no rows", [np.ones((2, 1)), np.ones((0, 1))], y)
    _refused("sequence 1: 1 values are NaN or infinite, the first in row 2", [x[0], [0, 1, np.nan]], y)
    _refused("infinite values", x, [0.0, np.inf])
    _refused("`targets`: channel 0 .* constant", x, [1.0, 1.0])
    _refused("sequence 1 has 2 columns, and sequence 0 has 1 column", [x[0], np.ones((2, 2))], y)
    _refused("too few to hold out", x, y, validation=0.1)
    _refused("numbers from 0 to 1", x, [0.0, 1.5], loss="binary")
    _refused("sequence 1 holds NaN, which is no class", x, ["a", np.nan], loss="categorical")


def test_parameters_that_cannot_work_are_said_all_at_once():
    with pytest.raises(ConfigError) as caught:
        Sequences(task="one", units=0, delay=2, feedback=True, loss="binary", output="tanh").fit([[1.0]], [1.0])
    for part in ("`task`", "`units`", "`delay`", "`feedback`", "`output`"):
        assert part in str(caught.value)
    with pytest.raises(ConfigError, match="did you mean 'units'"):
        Sequences().set_params(unit=3)
    with pytest.raises(NotFittedError):
        Sequences().predict([[1.0]])


def test_the_constructor_only_stores():
    names = list(inspect.signature(Sequences).parameters)
    assert list(Sequences().get_params()) == names
    assert Sequences().set_params(units=3).units == 3


def _settings(**params):
    return {"validation": 0.0, "learning_rate": 0.02, "final_learning_rate": 0.0005, **params}


@pytest.mark.parametrize(("activation", "worst", "best"), [("identity", 0.27, 0.24), ("tanh", 0.01, 0.0)])
def test_only_a_nonlinear_network_learns_exclusive_or(activation, worst, best):
    train, test = tasks.xor(64, 20, seed=0), tasks.xor(200, 20, seed=1)
    model = Sequences(task=train.task, cell="elman", activation=activation, units=8, epochs=100, **_settings())
    scores = model.fit(train.inputs, train.targets).score(test.inputs, test.targets)
    assert best <= scores["mse"] <= worst
    assert scores["baselines"]["memoryless"]["mse"] == pytest.approx(train.trivial, abs=0.01)


def test_recall_needs_memory_and_order():
    """Trained on the same windows with their rows shuffled, the network is where a constant is."""
    train, test = tasks.recall(64, 30, steps=5, seed=0), tasks.recall(200, 30, steps=5, seed=1)
    shuffle = np.random.default_rng(0).permutation
    model = Sequences(task=train.task, cell="elman", units=16, epochs=120, **_settings())
    scores = model.fit(train.inputs, train.targets).score(test.inputs, test.targets)
    variance = np.var(np.concatenate(test.inputs))
    assert scores["baselines"]["memoryless"]["mse"] >= 0.95 * variance
    assert scores["mse"] <= 0.05 * variance
    model.set_params(epochs=10).fit([shuffle(x) for x in train.inputs], train.targets)
    assert model.score([shuffle(x) for x in test.inputs], test.targets)["mse"] >= 0.95 * variance


def test_three_flip_flops_hold_their_bits():
    train, test = tasks.flip_flop(64, 50, seed=0), tasks.flip_flop(64, 50, seed=1)
    model = Sequences(task=train.task, cell="gru", units=16, epochs=300, **_settings())
    answers = np.stack(model.fit(train.inputs, train.targets).predict(test.inputs))
    near = (np.abs(answers - np.stack(test.targets)) < 0.2).all(axis=2)
    assert near.mean() >= 0.99


def test_texts_are_copied_after_a_delay():
    """Eight of ten of the 1,024 texts of five letters are learned, and the others copied; a guess would copy none."""
    texts = ["".join(letters) for letters in product("abcd", repeat=5)]
    texts = [texts[k] for k in np.random.default_rng(0).permutation(len(texts))]
    known, new = texts[:819], texts[819:]
    model = Sequences(
        task="delayed", delay=5, feedback=True, loss="categorical", cell="gru", units=32, epochs=60, **_settings()
    ).fit(known, known)
    assert model.score(new, new)["exact"] >= 0.9
    assert "".join(model.predict_classes(known[:1])[0]) == known[0]
