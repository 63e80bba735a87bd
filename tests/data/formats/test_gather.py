"""From variables to columns: addresses, groups, axes and units; which codecs may run; packages that are not there."""

import sys

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data import read_series
from recurra.data.columns import Ask
from recurra.data.formats.codecs import check_v2, check_v3
from recurra.data.formats.gather import gather
from recurra.data.formats.variables import Container, Variable
from recurra.errors import ConfigError, DataError, MissingExtraError

CUBE = np.arange(60.0).reshape(5, 4, 3)


def variable(name, values, dims=(), **attributes):
    return Variable(name, np.shape(values), 8, lambda index: np.asarray(values)[index], dims, attributes)


def words(name, values):
    return Variable(name, (len(values),), 8, lambda index: np.array(values)[index], (name,), kind="text")


def parts(*variables, group=None, max_bytes=10**6, **asked):
    return gather(Container(list(variables), max_bytes, group), Ask(**asked))


@given(st.data())
def test_an_address_takes_what_a_slice_of_numpy_takes(data):
    rows = data.draw(st.integers(0, 4))
    stop = data.draw(st.integers(rows + 1, 5))
    row, column = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 2))
    part = data.draw(st.sampled_from([f"{rows}:{stop}", f" {rows} : {stop} "]))
    found = parts(variable("x", CUBE), variable="x[" + f"{part},{row}, {column}]")
    np.testing.assert_array_equal(found.values[:, 0], CUBE[rows:stop, row, column])
    wide = parts(variable("x", CUBE), variable=f"x[:, {row}, :{column + 1}]")
    np.testing.assert_array_equal(wide.values, CUBE[:, row, : column + 1])


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("x[:, 0]", r"has 2 indices and 'x' has 3 axes \(5, 4, 3\): write as 'x\[:, 0, 0\]'"),
        ("x[:, 4, 0]", "'4' is outside of an axis of length 4"),
        ("x[3:3, 0, 0]", "'3:3' is outside of an axis of length 5"),
        ("x[:, 0, 0]]", "there is no variable"),
        ("x[:, -1, 0]", "there is no variable"),
        ("x[::2, 0, 0]", "'::2' is no index"),
        ("x[0, 0, 0]", "leave the axis of time as `:`"),
        ("x", r"2 axes beside time, axis 1 \(4\), axis 2 \(3\): choose one place with `variable='x\[:, 0, 0\]'`"),
        ("y", r"there is no variable 'y'.*the file holds x \(5, 4, 3\)"),
    ],
)
def test_addresses_that_lead_nowhere(address, told):
    with pytest.raises(ConfigError, match=told):
        parts(variable("x", CUBE), variable=address)


@pytest.mark.parametrize(
    ("axis", "place", "expected"), [(0, "x[:, 1, :]", CUBE[:, 1, :]), (2, "x[2, :, :]", CUBE[2].T)]
)
def test_the_axis_of_time_that_is_asked_for(axis, place, expected):
    found = parts(variable("x", CUBE), variable=place, time_axis=axis)
    np.testing.assert_array_equal(found.values, expected)
    assert found.channels == tuple(f"x{k}" for k in range(expected.shape[1]))


def test_axes_that_cannot_be_time():
    for axis in (1, 3, -1):
        with pytest.raises(ConfigError, match=rf"`time_axis={axis}` is none of the axes \[0, 2\] of 'x' \(5, 4, 3\)"):
            parts(variable("x", CUBE), variable="x[:, 1, :]", time_axis=axis)
    with pytest.raises(DataError, match="3 rows and 4 channels: time runs down the rows, so this looks transposed"):
        parts(variable("x", np.zeros((3, 4))))


def test_groups_and_the_times_in_them():
    inside = [variable("a/x", np.arange(4.0)), variable("a/t", 0.5 * np.arange(4)), variable("b/x", np.ones(4))]
    found = parts(*inside, group="a")
    assert (found.channels, found.times.tolist(), found.time_name) == (("x",), [0.0, 0.5, 1.0, 1.5], "a/t")
    assert parts(*inside, variable="b/x").times is None
    assert parts(*inside, group="/b/", variable="x").values[0, 0] == 1.0
    with pytest.raises(ConfigError, match="2 could be meant; the file holds a/x"):
        parts(*inside)
    with pytest.raises(ConfigError, match="unknown group 'c': known: a, b"):
        parts(*inside, group="c")


def test_times_that_do_not_fit():
    x, t = variable("x", np.zeros((6, 2))), variable("clock", np.arange(5.0))
    with pytest.raises(DataError, match=r"'clock' has 5 times, and 'x' has the shape \(6, 2\)"):
        parts(x, t, time="clock")
    with pytest.raises(DataError, match=r"'clock' is the time axis and has shape \(3, 2\)"):
        parts(x, variable("clock", np.zeros((3, 2))), time="clock")
    found = parts(x, variable("clock", np.arange(6.0)[None, :]), time="clock")
    assert found.times.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_column_of_the_variable_can_be_the_time():
    table = np.column_stack([np.arange(4.0), np.ones(4), np.full(4, 2.0)])
    labelled = variable("run", table, ("row", "what"))
    found = parts(labelled, words("what", ["clock", "x", "F"]), variable="run", time="clock", inputs=["F"], time_axis=0)
    assert (found.channels, found.input_names, found.times.tolist()) == (("x",), ("F",), [0.0, 1.0, 2.0, 3.0])
    assert found.inputs[0, 0] == 2.0


def test_variables_side_by_side_must_belong_together():
    x, y = variable("x", np.zeros(4), ("t1",)), variable("y", np.zeros(4), ("t2",))
    clocks = [variable("t1", np.arange(4.0), ("t1",), axis="T"), variable("t2", np.arange(4.0), ("t2",), axis="T")]
    with pytest.raises(DataError, match=r"have different times, \['t1', 't2'\]: read one at a time"):
        parts(x, y, *clocks, channels=["x", "y"])
    with pytest.raises(DataError, match=r"differ in length: \{'x': 4, 'z': 5\}"):
        parts(x, variable("z", np.zeros(5)), channels=["x", "z"])
    with pytest.raises(DataError, match="the inputs have 5 rows, the channels 4"):
        parts(x, variable("z", np.zeros(5)), variable="x", inputs=["z"])


@pytest.mark.parametrize(
    ("given_units", "place", "expected"),
    [
        ("m", "x", ("m", "m", "m")),
        (["m", "s", "K"], "x", ("m", "s", "K")),
        (["m", "s", "K"], "x[:, 1]", ("s",)),
        (["m", "s", "K"], "x[:, 1:3]", ("s", "K")),
        ([b"m", b"s", b"K"], "x", ("m", "s", "K")),
        (["m", "s"], "x", None),
        (7, "x", None),
    ],
)
def test_units_one_a_column(given_units, place, expected):
    x = variable("x", np.zeros((5, 3)), units=np.array(given_units) if isinstance(given_units, list) else given_units)
    assert parts(x, variable=place).units == expected


def test_sizes_are_checked_before_anything_is_read():
    def read(index):
        raise AssertionError("read")

    huge = Variable("x", (10**6, 10**5), 4, read)
    with pytest.raises(DataError, match=r"'x' \(1000000, 100000\) declares 800000000000 bytes .* as 'x\[:, 0\]'"):
        parts(huge)
    with pytest.raises(AssertionError, match="read"):
        parts(huge, variable="x[0:10, 0]")
    with pytest.raises(DataError, match=r"'x' is empty: shape \(0, 3\)"):
        parts(variable("x", np.zeros((0, 3))))


PLAIN_V2 = st.sampled_from(["zlib", "zstd", "lz4", "blosc", "shuffle", "crc32"]).map(lambda name: {"id": name})
PLAIN_V3 = st.sampled_from(["bytes", "gzip", "zstd", "crc32c", "numcodecs.shuffle"]).map(lambda name: {"name": name})


def nested(codec, depth, which):
    for _ in range(depth):
        codec = {"name": "sharding_indexed", "configuration": {"codecs": [{"name": "bytes"}], which: [codec]}}
    return codec


@given(st.lists(PLAIN_V2, max_size=4), st.data())
def test_pickle_is_found_at_every_place_of_version_2(chain, data):
    meta = {"dtype": "<f8", "filters": chain, "compressor": {"id": "zlib"}}
    assert check_v2("x", meta) == np.float64
    at = data.draw(st.integers(0, len(chain)))
    evil = [*chain[:at], {"id": "pickle"}, *chain[at:]]
    with pytest.raises(DataError, match="'x' is coded with 'pickle', which runs code when it is decoded: refused"):
        check_v2("x", {**meta, "filters": evil})
    with pytest.raises(DataError, match="'pickle'"):
        check_v2("x", {**meta, "compressor": {"id": "pickle"}})


@given(st.lists(PLAIN_V3, max_size=4), st.integers(0, 3), st.sampled_from(["codecs", "index_codecs"]), st.data())
def test_pickle_is_found_at_every_place_and_depth_of_version_3(chain, depth, which, data):
    at = data.draw(st.integers(0, len(chain)))
    for name in ("numcodecs.pickle", "pickle", "numcodecs.msgpack2", "https://codecs.example.org/own"):
        evil = [*chain[:at], nested({"name": name}, depth, which), *chain[at:]]
        with pytest.raises(DataError, match=f"'x' is coded with '{name}'"):
            check_v3("x", {"data_type": "float64", "codecs": evil})
    good = [*chain[:at], nested({"name": "bytes"}, depth, which), *chain[at:]]
    assert check_v3("x", {"data_type": "float64", "codecs": good}) == np.float64


@pytest.mark.bad_input(57)
def test_a_zarr_store_and_old_dates_without_their_packages(tmp_path, monkeypatch):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr/zarr.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(MissingExtraError, match=r"reading .*zarr.* needs the io extra"):
        read_series(tmp_path / "a.zarr")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["time"] = np.zeros(3), np.arange(700_000.0, 700_003.0)
        file["time"].attrs["units"] = "days since 0001-01-01"
    monkeypatch.setitem(sys.modules, "cftime", None)
    with pytest.raises(MissingExtraError, match="times that count from '0001-01-01' needs the io extra"):
        read_series(tmp_path / "a.h5")
