"""What every learner of the table promises, from its constructor to its file; `test_contract` asks for more of some."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import clone

import recurra as rc
from recurra.errors import ConfigError, DataError, ModelFileError, NotFittedError
from recurra.estimators import LEARNERS, Estimator

# Whole numbers: the same in every dtype.
ROWS = np.cumsum(np.random.default_rng(0).integers(-9, 10, (21, 2)), axis=0).astype(np.float64)
LATER = ROWS[::-1] + 1.0


def _memory_mapped(values, folder):
    np.save(folder / "rows.npy", values)
    return np.load(folder / "rows.npy", mmap_mode="r")


def _read_only(values):
    values = values.copy()
    values.setflags(write=False)
    return values


LAYOUTS = {
    "float32": lambda values, _: values.astype(np.float32),
    "int64": lambda values, _: values.astype(np.int64),
    "int16, other bytes first": lambda values, _: values.astype(">i2"),
    "Fortran order": lambda values, _: np.asfortranarray(values),
    "every other row and column": lambda values, _: np.repeat(np.repeat(values, 2, axis=0), 2, axis=1)[::2, ::2],
    "read-only": lambda values, _: _read_only(values),
    "memory-mapped": _memory_mapped,
    "list of lists": lambda values, _: values.tolist(),
}


def _answers(model):
    """Bits of a forecast, of one from another history, and of predictions."""
    found = (model.forecast(6), model.forecast(6, history=LATER), model.predict(LATER))
    return [series.values.tobytes() for series in found]


@pytest.fixture(scope="module")
def _kept():
    return {}


@pytest.fixture
def answers(small, _kept):
    """Those of the learner fitted to `ROWS`; `fit` is not asked twice for them."""
    kind = small().kind, str(small().get_params())
    if kind not in _kept:
        _kept[kind] = _answers(small().fit(ROWS))
    return _kept[kind]


def test_the_table_names_every_public_estimator():
    public = {getattr(rc, name) for name in rc.__all__ if isinstance(getattr(rc, name), type)}
    assert {learner.estimator() for learner in LEARNERS.values()} == {p for p in public if issubclass(p, Estimator)}
    kinds = {name: name for name in LEARNERS} | {"momentum": "rnn", "hessian-free": "rnn"}  # ways to train one network
    assert {name: learner.estimator().kind for name, learner in LEARNERS.items()} == kinds


def test_the_constructor_stores_what_it_is_given_and_does_nothing(small):
    given = {name: object() for name in small().get_params()}
    model = type(small())(**given)
    assert set(vars(model)) == set(given)
    assert all(getattr(model, name) is value for name, value in given.items())


def test_all_parameters_that_cannot_be_are_named_at_once(small):
    model = small()
    bad = {name: object() for name in model.get_params()}
    with pytest.raises(ConfigError) as caught:
        model.set_params(**bad).fit(ROWS) if bad else model.set_params(nothing=1)
    assert [name for name in bad if f"`{name}`" not in str(caught.value)] == []


def test_fit_returns_self_keeps_the_parameters_and_adds_what_ends_in_an_underscore(small):
    model = small()
    given, before = model.get_params(), ROWS.copy()
    assert model.fit(ROWS) is model
    assert model.get_params() == given
    fitted = set(vars(model)) - set(given)
    assert {"network_", "frame_", "history_", "baselines_", "params_"} <= fitted
    assert [name for name in fitted if not name.endswith("_")] == []
    kept = dict(vars(model))
    later = LATER.copy()
    model.forecast(3, history=later), model.predict(later), model.score(later), model.backtest(later, 2, 2)
    assert vars(model).keys() == kept.keys()
    assert all(vars(model)[name] is value for name, value in kept.items())
    np.testing.assert_array_equal(ROWS, before)
    np.testing.assert_array_equal(later, LATER)


def test_another_fit_of_it_or_its_clone_gives_the_same_bits(small, answers):
    model = small().fit(LATER)
    assert _answers(model.fit(ROWS)) == answers
    copy = clone(model)
    assert not [name for name in vars(copy) if name.endswith("_")]
    assert _answers(copy.fit(ROWS)) == answers


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_in_memory_does_not_matter(layout, small, answers, tmp_path):
    assert _answers(small().fit(LAYOUTS[layout](ROWS, tmp_path))) == answers


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused_wherever_it_comes(bad, small):
    broken = LATER.copy()
    broken[13, 1] = bad
    model = small().fit(ROWS)
    uses = (
        lambda: small().fit(broken),
        lambda: small().fit(ROWS, validation=broken),
        lambda: model.forecast(2, history=broken),
        lambda: model.predict(broken),
        lambda: model.predict(ROWS, history=broken),
        lambda: model.score(broken),
        lambda: model.backtest(broken, 2, 2),
    )
    for use in uses:
        with pytest.raises(DataError, match=r"row 13.*'c1'"):
            use()


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_too_few_rows_are_refused_with_their_number(rows, small):
    with pytest.raises(DataError, match=rf"there are {rows} rows|no rows"):
        small().fit(ROWS[:rows])


# Another shape is another program: of the trained networks, which cut the same windows, one that `network` shares.
# The equation of the hybrid has two channels.
@pytest.mark.parametrize(
    "small", [name for name in LEARNERS if name not in ("gru", "lstm", "ffnn", "cnn", "hybrid")], indirect=True
)
def test_one_channel_in_series_of_unequal_lengths(small):
    parts = [ROWS[:14, 0], LATER[:9, 0], ROWS[3:, 1]]
    model = small().fit(parts)
    whole = np.concatenate(parts)
    assert model.frame_.scaler.mean == pytest.approx([whole.mean()], rel=1e-14)
    assert model.frame_.scaler.std == pytest.approx([whole.std()], rel=1e-14)
    forecast = model.forecast(4)
    assert forecast.values.shape == (4, 1)
    assert np.isfinite(forecast.values).all()
    np.testing.assert_array_equal(forecast.values, model.forecast(4, history=parts[-1]).values)
    np.testing.assert_array_equal(small().fit([part[:, None] for part in parts]).forecast(4).values, forecast.values)


def test_before_a_fit_it_says_so(small, tmp_path):
    model = small()
    for use in (
        lambda: model.forecast(2),
        lambda: model.baseline_forecasts(2),
        lambda: model.predict(ROWS),
        lambda: model.score(ROWS),
        lambda: model.backtest(ROWS, 2),
        lambda: model.save(tmp_path / "model.safetensors"),
    ):
        with pytest.raises(NotFittedError, match=rf"this {type(model).__name__} is not fitted yet: call `fit"):
            use()
    assert list(tmp_path.iterdir()) == []


def test_a_file_brings_the_same_bits_back(small, answers, tmp_path):
    model = small().fit(ROWS)
    model.save(tmp_path / "model.safetensors")
    again = rc.load(tmp_path / "model.safetensors")
    assert (type(again), again.get_params()) == (type(model), model.get_params())
    assert _answers(again) == answers
    assert again.score(LATER) == model.score(LATER)


def test_a_pickle_is_refused_and_does_not_run(small, tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path / "sprung").touch, ()

    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps({"kind": small().kind, "model": Trap()}))
    with pytest.raises(ModelFileError):
        rc.load(path)
    assert not (tmp_path / "sprung").exists()


def test_a_pickled_series_is_the_same_to_learn_from(small, answers):
    series = pickle.loads(pickle.dumps(rc.Series(ROWS)))
    assert _answers(small().fit(series)) == answers


def test_two_threads_at_once_fit_as_one_after_the_other(small, answers):
    alone = [answers, _answers(small().fit(LATER))]
    together = threading.Barrier(2)

    def fit(rows):
        together.wait()
        return _answers(small().fit(rows))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(fit, (ROWS, LATER))) == alone
    assert alone[0] != alone[1]


def test_the_global_random_numbers_are_neither_used_nor_touched(small, answers):
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    model = small().fit(ROWS)
    model.score(LATER)
    assert _answers(model) == answers
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002


def test_scores_stand_beside_all_baselines_but_itself(small):
    scores = small().fit(ROWS).score(LATER, history=ROWS)
    mean, std = ROWS.mean(axis=0), ROWS.std(axis=0)
    expected = {
        "persistence": np.sqrt(np.mean(((ROWS[-1] - LATER) / std) ** 2)),
        "climatology": np.sqrt(np.mean(((mean - LATER) / std) ** 2)),
    }
    others = {"persistence", "climatology", "linear", "nearest"} - {small().kind}
    for loop in scores.values():
        assert others <= set(loop["baselines"])
        assert small().kind not in loop["baselines"]
    for name in others & set(expected):
        assert scores["closed_loop"]["baselines"][name]["nrmse"] == pytest.approx(expected[name], rel=1e-12)


# What `tests/robustness/test_invariances.py` asks the others.
@pytest.mark.parametrize("small", ["climatology", "seasonal", "nearest", "network", "ensemble"], indirect=True)
def test_a_later_start_shifts_the_times_and_nothing_else(small, answers):
    forecast = small().fit(rc.Series(ROWS, times=4096.0 + np.arange(21))).forecast(6)
    assert forecast.values.tobytes() == answers[0]
    assert forecast.times.tolist() == [4117.0 + k for k in range(6)]


@pytest.mark.parametrize("small", ["climatology", "seasonal", "nearest"], indirect=True)
def test_learners_that_draw_nothing_do_not_see_the_order_of_channels(small):
    forecasts = [small().fit(rows).forecast(9).values for rows in (ROWS, ROWS[:, ::-1])]
    np.testing.assert_array_equal(forecasts[1], forecasts[0][:, ::-1])
