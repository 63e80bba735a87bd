"""Fits to arrays on disk: the weights of a fit in memory, whatever the chunks, and memory that does not grow."""

import os
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recurra
from recurra.errors import ConfigError, DataError, Interrupted, RecurraWarning
from recurra.reservoirs.readout import GramSum, TriangularFactor
from recurra.sweeps import Columns, Processes, Task, fit_out_of_core
from recurra.sweeps.factors import merged, tree
from recurra.sweeps.survey import Survey, moments_of
from recurra.sweeps.zarr_rows import ZarrRows

zarr = pytest.importorskip("zarr", reason="needs the io extra")

OPTIONS = {"units": 20, "ridge": 1e-6, "washout": 30, "seed": 3}


def waves(rows, columns=3, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(rows)[:, None]
    return 50 + np.sin(0.1 * t + np.arange(columns)) * 4 + 0.1 * rng.normal(size=(rows, columns))


def stored(path, table, chunks=None, name="", **options):
    array = zarr.create_array(
        path, shape=table.shape, chunks=chunks or table.shape, dtype=table.dtype, name=name or None, **options
    )
    array[:] = table
    return path


def difference(model, other):
    """Of the weights, relative to the largest."""
    ours, theirs = model.network_.coefficients, other.network_.coefficients
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lags": 3, "increment": True, "teacher_noise": 1e-2},
        {"lags": 0, "readout_features": "squares", "leak": 0.5},
        {"washout": 1100, "precision": "float32", "lags": 4},
    ],
)
def test_the_weights_of_a_fit_in_memory(tmp_path, options):
    table = waves(2503)
    path = stored(tmp_path / "a", table, (400, 2))
    model = fit_out_of_core(recurra.ESN(**{**OPTIONS, **options}), path, columns=Columns(dt=0.5))
    memory = recurra.ESN(**{**OPTIONS, **options}).fit(
        recurra.Series(table, dt=0.5, channels=[f"array{k}" for k in range(3)])
    )
    assert difference(model, memory) < 1e-10
    np.testing.assert_allclose(model.frame_.scaler.mean, table.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(model.frame_.scaler.std, table.std(axis=0), rtol=1e-13)
    assert np.array_equal(model.recent_.values, table[-len(model.recent_) :])
    assert model.recent_.times[-1] == 0.5 * 2502
    model.save(tmp_path / "model.safetensors")
    loaded = recurra.load(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.forecast(40).values, model.forecast(40).values)
    np.testing.assert_allclose(loaded.forecast(5).values, memory.forecast(5).values, rtol=1e-7)
    with pytest.raises(ConfigError, match="were trained on"):
        loaded.score(recurra.Series(table[:1300], dt=0.5, channels=model.frame_.channels))


def test_columns_that_drive_and_rows_of_an_array_in_a_group(tmp_path):
    table = waves(1500, 4)
    zarr.create_group(tmp_path / "g").create_array("flow", shape=(3,), dtype="f8")
    stored(tmp_path / "g", table.astype("f4"), (64, 4), name="levels")
    columns = Columns(channels=["levels2", "levels0"], inputs=["levels3"])
    model = fit_out_of_core(recurra.ESN(**OPTIONS), tmp_path / "g", rows=(100, 1400), columns=columns)
    kept = table.astype("f4").astype("f8")[100:1400]
    drive = recurra.Series(kept[:, [3]], channels=["levels3"])
    series = recurra.Series(kept[:, [2, 0]], channels=["levels2", "levels0"], inputs=drive)
    assert difference(model, recurra.ESN(**OPTIONS).fit(series)) < 1e-10
    assert model.recent_.times[-1] == 1399
    assert model.recent_.inputs.channels == ("levels3",)


def test_several_trajectories_are_merged_in_a_tree_on_any_executor(tmp_path, importable):
    tables = [waves(rows, seed=rows) for rows in (300, 1201, 77, 640)]
    paths = [stored(tmp_path / f"{k}", table, (100, 3)) for k, table in enumerate(tables)]
    model = fit_out_of_core(recurra.ESN(**OPTIONS), paths)
    channels = [f"array{k}" for k in range(3)]
    memory = recurra.ESN(**OPTIONS).fit([recurra.Series(table, channels=channels) for table in tables])
    assert difference(model, memory) < 1e-10
    assert not model.continues_
    executor = Processes(tmp_path / "p", 2)
    again = fit_out_of_core(recurra.ESN(**OPTIONS), paths, executor=executor, scratch=tmp_path / "s")
    assert np.array_equal(again.network_.coefficients, model.network_.coefficients)
    made = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "s").iterdir()}
    assert len(made) == 9  # a survey and a factor of each, and the moments
    fit_out_of_core(recurra.ESN(**OPTIONS), paths, scratch=tmp_path / "s")
    kept = [name for name, time in made.items() if (tmp_path / "s" / name).stat().st_mtime_ns == time]
    assert len(kept) == 8


@settings(max_examples=6)
@given(data=st.data(), rows=st.integers(40, 160))
def test_chunks_of_any_length_change_no_bit(data, rows):
    table = waves(rows, 2)
    lengths = data.draw(st.lists(st.integers(1, rows), min_size=1, max_size=2))
    options = {**OPTIONS, "units": 8, "washout": 10}
    found = []
    with tempfile.TemporaryDirectory() as home:
        for length in [*lengths, rows]:
            path = stored(Path(home) / str(len(found)), table, (length, data.draw(st.integers(1, 2))))
            found.append(fit_out_of_core(recurra.ESN(**options), path))
    assert all(np.array_equal(each.network_.coefficients, found[0].network_.coefficients) for each in found)
    assert difference(found[0], recurra.ESN(**options).fit(table)) < 1e-9


def test_one_row_a_chunk_and_any_unit(tmp_path, monkeypatch):
    table = waves(260)
    path = stored(tmp_path / "a", table, (1, 3))
    whole = fit_out_of_core(recurra.ESN(**OPTIONS), path)
    for unit in (1, 259):
        monkeypatch.setattr("recurra.sweeps.survey.UNIT", unit)
        other = fit_out_of_core(recurra.ESN(**OPTIONS), path)
        assert difference(other, whole) < 1e-10


def test_memory_stays_below_a_fifth_of_the_array(tmp_path, importable):
    rows, columns, chunk = 220_000, 500, 500
    path, limit = tmp_path / "a", rows * columns * 8 // 5
    array = zarr.create_array(path, shape=(rows, columns), chunks=(chunk, columns), dtype="f8", compressors=None)
    table = np.empty((rows, columns))
    for k in range(0, rows, chunk):
        table[k : k + chunk] = np.random.default_rng(k).random((chunk, columns))
        array[k : k + chunk] = table[k : k + chunk]
    params = {"units": 30, "ridge": 1e-6, "washout": 50, "lags": 0, "input_scaling": 0.05}
    arguments = {"params": params, "array": str(path), "model": str(tmp_path / "m.safetensors")}
    (outcome,) = Processes(tmp_path / "p").run([Task("fit", "work:out_of_core", arguments)])
    assert outcome.reason == ""
    assert outcome.value["peak"] < limit == 176_000_000
    model = recurra.load(tmp_path / "m.safetensors")
    found = model.network_.coefficients
    table -= table.mean(axis=0)
    table /= table.std(axis=0)
    states = model.network_.reservoir.harvest(np.zeros(30), table[:-1])[50:]
    wanted = ridge_regression(states, table[51:], 1e-6)
    assert np.abs(found - wanted).max() < 1e-10 * np.abs(wanted).max()


def ridge_regression(H, Y, ridge):
    """[c, V] by one QR decomposition of all centred states at once."""
    centre = H.mean(axis=0)
    Q, R = np.linalg.qr(H - centre)
    U, s, Vt = np.linalg.svd(R)
    V = (Vt.T * (s / (s**2 + ridge * s[0] ** 2))) @ U.T @ (Q.T @ Y)
    return np.column_stack([Y.mean(axis=0) - centre @ V, V.T])


def test_merged_factors_are_those_of_all_rows():
    rng = np.random.default_rng(0)
    table, targets = rng.normal(size=(90, 4)), rng.normal(size=(90, 2))
    cuts = [0, 7, 30, 31, 70, 90]
    whole = np.column_stack([np.ones(90), table, targets])
    for kind in (TriangularFactor, GramSum):
        parts = [kind.empty(4, 2).add(table[a:b], targets[a:b]) for a, b in pairwise(cuts)]
        total = tree(5, parts.__getitem__)
        gram = total.R.T @ total.R if kind is TriangularFactor else total.G
        np.testing.assert_allclose(gram, whole.T @ whole, atol=1e-11)
        assert total.rows == 90
    with pytest.raises(TypeError):
        merged(parts[0], TriangularFactor.empty(4, 2))


def test_a_survey_is_what_numpy_says_of_the_whole_table(tmp_path):
    table = waves(2750) * [1, 1e6, 1e-6]
    sampled, tail = np.array([0, 999, 1000, 1001, 2749]), 1200
    surveys = []
    for rows in ((0, 1003), (1003, 2750)):
        inside = sampled[(sampled >= rows[0]) & (sampled < rows[1])] - rows[0]
        opened = ZarrRows.open(stored(tmp_path / str(rows[0]), table, (37, 1)), None, rows)
        surveys.append(Survey.of(opened, inside, tail, lambda: None))
        assert np.array_equal(surveys[-1].sample, table[rows[0] :][inside])
        assert np.array_equal(surveys[-1].tail, table[rows[0] : rows[1]][-tail:])
    mean, std = moments_of(surveys)
    np.testing.assert_allclose(mean, table.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(std, table.std(axis=0), rtol=1e-13)
    surveys[0].write(tmp_path / "s.npz")
    again = Survey.read(tmp_path / "s.npz")
    assert np.array_equal(again.squares, surveys[0].squares)
    (tmp_path / "s.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match="is damaged"):
        Survey.read(tmp_path / "s.npz")


def spoilt(row, column, value):
    table = waves(300)
    table[row, column] = value
    return table


@pytest.mark.parametrize(
    ("table", "options", "said"),
    [
        (spoilt(217, 1, np.nan), {}, r"1 values that are not finite .* the first in row 217, column 'array1'"),
        (spoilt(0, 2, np.inf), {}, "the first in row 0, column 'array2'"),
        (np.column_stack([waves(300, 1), np.full(300, 7.0)]), {}, r"'array1' is constant \(7\)"),
        (waves(300) * 1e200, {}, "variance of column 'array0' overflows"),
        (waves(20), {}, "need 33 rows in one piece, and the longest array has 20"),
        (waves(300), {"ridge": None}, "set `ridge`"),
        (waves(300), {"ridge": None, "readout": "rls"}, "set `ridge`"),
        (waves(300), {"plasticity": 1}, "`plasticity` passes over all rows"),
        (waves(300), {"draws": 2}, "`draws` passes over all rows"),
        (waves(300), {"refine": 5}, "`refine` runs the network from rows in memory"),
        (waves(300), {"tune": 1.0}, "`tune` tries many fits to all rows"),
        (waves(300), {"washout": 299, "warmup": 5, "lags": 1}, "no training rows are left after the washout"),
        (waves(300)[:, 0], {}, "say which with `variable`"),
        (waves(300) > 0, {}, "say which with `variable`"),
    ],
)
def test_what_cannot_be_learnt_is_refused(tmp_path, table, options, said):
    with pytest.raises((ConfigError, DataError), match=said):
        fit_out_of_core(recurra.ESN(**{**OPTIONS, **options}), stored(tmp_path / "a", table))


def test_stores_that_are_refused(tmp_path):
    path = stored(tmp_path / "a", waves(300), (100, 3))
    for options, said in (
        ({"variable": "b"}, "there is no array 'b'"),
        ({"rows": (10, 301)}, "rows 10 to 301 of an array of 300"),
        ({"columns": Columns(channels=["x"])}, "channels \\['x'\\]"),
        ({"columns": Columns(inputs=["array0", "array1", "array2"])}, "channels \\[\\]"),
    ):
        with pytest.raises(ConfigError, match=said):
            fit_out_of_core(recurra.ESN(**OPTIONS), path, **options)
    with pytest.raises(DataError, match="different columns"):
        fit_out_of_core(recurra.ESN(**OPTIONS), [path, stored(tmp_path / "b", waves(300, 2))])
    with pytest.raises(ConfigError, match="no Zarr store in a directory"):
        fit_out_of_core(recurra.ESN(**OPTIONS), tmp_path / "none")
    zarr.open_array(path).attrs["scale_factor"] = 0.1
    with pytest.raises(DataError, match="the array is packed"):
        fit_out_of_core(recurra.ESN(**OPTIONS), path)
    (tmp_path / "b" / "link").symlink_to(tmp_path)
    with pytest.raises(DataError, match="a symbolic link"):
        fit_out_of_core(recurra.ESN(**OPTIONS), tmp_path / "b")


def test_chunks_that_are_lost_are_told(tmp_path):
    path = stored(tmp_path / "a", waves(300), (100, 3))
    next(file for file in path.rglob("*") if file.is_file() and file.name != "zarr.json").unlink()
    with pytest.warns(RecurraWarning, match="1 of 3 chunks are not stored"):
        ZarrRows.open(path)


def test_it_may_be_stopped_between_blocks_and_goes_on(tmp_path):
    path, calls = stored(tmp_path / "a", waves(3000), (1000, 3)), []

    def check():
        calls.append(1)
        if len(calls) == 6:
            raise Interrupted("stopped", signal_number=15)

    with pytest.raises(Interrupted):
        fit_out_of_core(recurra.ESN(**OPTIONS), path, scratch=tmp_path / "s", check=check)
    assert len(os.listdir(tmp_path / "s")) >= 1
    model = fit_out_of_core(recurra.ESN(**OPTIONS), path, scratch=tmp_path / "s")
    assert np.array_equal(
        model.network_.coefficients, fit_out_of_core(recurra.ESN(**OPTIONS), path).network_.coefficients
    )
