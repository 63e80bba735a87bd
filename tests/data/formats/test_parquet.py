"""Parquet and Feather against files that pyarrow, pandas and polars write; what is no number is refused by its name."""

import struct

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pyarrow import feather, parquet

from recurra.data import read_series
from recurra.data.formats.arrow import declared
from recurra.errors import DataError, MissingExtraError, RecurraWarning

SUFFIXES = (".parquet", ".feather")
NUMBERS = st.floats(width=64, allow_nan=False, allow_infinity=False)


def saved(table, path, **options):
    if path.suffix == ".parquet":
        parquet.write_table(table, path, **options)
    else:
        feather.write_feather(table, path, **options)
    return path


def bits(values):
    return np.ascontiguousarray(values, np.float64).tobytes()


@pytest.mark.filterwarnings("ignore::recurra.errors.RecurraWarning")  # numbers that look like missing values
@settings(max_examples=40)
@given(
    hnp.arrays(np.float64, st.tuples(st.integers(2, 30), st.integers(1, 4)), elements=NUMBERS),
    st.sampled_from(SUFFIXES), st.sampled_from(["lz4", "zstd", "uncompressed"]), st.integers(1, 40),
)  # fmt: skip
def test_a_table_comes_back_to_the_bit(tmp_path_factory, values, suffix, compression, chunk):
    """In one row group or in many."""
    table = pa.table({f"x{k}": column for k, column in enumerate(values.T)})
    size = "row_group_size" if suffix == ".parquet" else "chunksize"
    coding = "none" if (suffix, compression) == (".parquet", "uncompressed") else compression
    path = saved(table, tmp_path_factory.mktemp("a") / f"a{suffix}", compression=coding, **{size: chunk})
    series = read_series(path)
    assert bits(series.values) == bits(values)
    assert series.channels == tuple(table.column_names)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "kind", [pa.int8(), pa.uint8(), pa.int32(), pa.uint64(), pa.float16(), pa.float32(), pa.decimal128(12, 3)]
)
def test_numbers_of_every_type(tmp_path, suffix, kind):
    column = pa.array([1, 2, 100, None]).cast(pa.float64() if pa.types.is_decimal(kind) else pa.int64())
    if pa.types.is_float16(kind):
        column = pa.array(np.array([1, 2, 100], np.float16)[[0, 1, 2, 2]], mask=np.arange(4) == 3)
    path = saved(pa.table({"x": column.cast(kind)}), tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(read_series(path, gaps="mask").values[:, 0], [1.0, 2.0, 100.0, np.nan])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nulls_are_gaps(tmp_path, suffix):
    table = pa.table({"x": pa.array([1, None, None, 4, 5]), "v": pa.array([0.5, 1.0, None, 2.0, 2.5])})
    path = saved(table, tmp_path / f"a{suffix}")
    with pytest.raises(DataError, match=r"3 missing values, the first in row 1, column 'x'"):
        read_series(path)
    masked = read_series(path, gaps="mask")
    np.testing.assert_array_equal(masked.mask, [[1, 1], [0, 1], [0, 0], [1, 1], [1, 1]])
    with pytest.warns(RecurraWarning, match="3 missing values are interpolated"):
        filled = read_series(path, gaps="interpolate:2")
    np.testing.assert_allclose(filled.values, [[1, 0.5], [2, 1], [3, 1.5], [4, 2], [5, 2.5]], rtol=1e-15)
    assert [len(part) for part in read_series(path, gaps="split").segments] == [1, 2]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_units_and_roles_of_the_columns(tmp_path, suffix):
    table = pa.table(
        [[0.0, 0.5, 1.0], [1.0, 2.0, 3.0], [7, 8, 9], [4.0, 5.0, 6.0]],
        schema=pa.schema(
            [
                pa.field("t", pa.float64(), metadata={"units": "ms"}),
                pa.field("x", pa.float64(), metadata={"unit": "m"}),
                pa.field("F", pa.int64(), metadata={"unit": "N"}),
                pa.field("v", pa.float64()),
            ]
        ),
    )
    series = read_series(saved(table, tmp_path / f"a{suffix}"), inputs=["F"])
    assert (series.channels, series.units, series.dt) == (("x", "v"), ("m", ""), 0.5)
    assert (series.inputs.channels, series.inputs.units) == (("F",), ("N",))
    np.testing.assert_array_equal(series.inputs.values[:, 0], [7, 8, 9])
    assert series.provenance["time_unit"] == "ms"
    swapped = read_series(tmp_path / f"a{suffix}", time="t", channels=["v", "x"])
    np.testing.assert_array_equal(swapped.values, [[4, 1], [5, 2], [6, 3]])


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "Europe/Paris", "+05:30"])
def test_dates_of_every_resolution_and_zone(tmp_path, suffix, unit, zone):
    """What is stored is UTC; 1,000,000,000 s after 1970 it is 01:46:40 on 2001-09-09."""
    ticks = (10**9 + 90 * np.arange(3)) * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    table = pa.table({"when": pa.array(ticks, pa.timestamp(unit, zone)), "x": [1.0, 2.0, 3.0]})
    series = read_series(saved(table, tmp_path / f"a{suffix}"), time="when")
    assert series.times[0] == np.datetime64("2001-09-09T01:46:40")
    assert (series.dt, series.provenance.get("zone")) == (90.0, "UTC" if zone else None)


def test_days_and_spans_of_time(tmp_path):
    days = pa.table({"date": pa.array([0, 1, 2], pa.date32()), "x": [1.0, 2.0, 3.0]})
    series = read_series(saved(days, tmp_path / "a.parquet"))
    assert (series.times[2], series.dt) == (np.datetime64("1970-01-03"), 86400.0)
    spans = pa.table({"t": pa.array([250, 500, 750], pa.duration("ms")), "x": [1.0, 2.0, 3.0]})
    series = read_series(saved(spans, tmp_path / "b.feather"))
    assert (series.times.tolist(), series.provenance["time_unit"]) == ([0.25, 0.5, 0.75], "s")


def test_dates_that_nanoseconds_cannot_hold_and_those_that_are_missing(tmp_path, refused):
    late = pa.table({"t": pa.array([40 * 10**9, 41 * 10**9], pa.timestamp("s")), "x": [1.0, 2.0]})
    assert "2 dates lie outside the years 1678 to 2261" in refused(saved(late, tmp_path / "a.parquet"))
    holed = pa.table({"t": pa.array([0, None, 2], pa.timestamp("s")), "x": [1.0, 2.0, 3.0]})
    assert "1 missing or infinite times, the first in row 1, column 't'" in refused(
        saved(holed, tmp_path / "b.parquet")
    )


def test_frames_of_pandas_and_polars(tmp_path):
    frame = pd.DataFrame({"x": [1.0, 2.0]}, index=pd.Index([3.0, 3.25], name="at"))
    frame.to_parquet(tmp_path / "a.parquet")
    series = read_series(tmp_path / "a.parquet")
    assert (series.channels, series.times.tolist(), series.dt) == (("x",), [3.0, 3.25], 0.25)
    assert read_series(tmp_path / "a.parquet", channels=["at"]).values[1, 0] == 3.25
    for compression in ("uncompressed", "lz4", "zstd"):
        pl.DataFrame({"t": [0, 1], "x": [1.5, 2.5]}).write_ipc(tmp_path / "b.arrow", compression=compression)
        np.testing.assert_array_equal(read_series(tmp_path / "b.arrow").values, [[1.5], [2.5]])


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("column", "told"),
    [
        (pa.array(["a", "b"]), "string"),
        (pa.array([True, False]), "bool"),
        (pa.array([b"\x80\x04", b"."]), "binary"),
        (pa.array([[1.0], [2.0]]), "list<"),
        (pa.array([{"a": 1.0}, {"a": 2.0}]), "struct<"),
        (pa.array(["a", "b"]).dictionary_encode(), "dictionary<values=string"),
        (pa.array([0, 1], pa.timestamp("s")), "timestamp"),
        (pa.nulls(2), "null"),
    ],
)
def test_what_is_no_number_is_refused_by_name(tmp_path, refused, suffix, column, told):
    path = saved(pa.table({"good": [1.0, 2.0], "who": column}), tmp_path / f"a{suffix}")
    assert f"column 'who' has the type {told}" in refused(path)
    assert read_series(path, channels=["good"]).channels == ("good",)
    if told != "timestamp":
        assert f"column 'who' has the type {told}" in refused(path, time="who")


def test_a_dictionary_of_numbers(tmp_path, refused):
    """Parquet stores repeated numbers so and gives back numbers; a Feather column of categories stays one."""
    table = pa.table({"x": pa.array([2.5, 1.5, 2.5])})
    saved(table, tmp_path / "a.parquet", use_dictionary=True)
    np.testing.assert_array_equal(read_series(tmp_path / "a.parquet").values[:, 0], [2.5, 1.5, 2.5])
    coded = pa.table({"x": table["x"].dictionary_encode()})
    assert "column 'x' has the type dictionary" in refused(saved(coded, tmp_path / "b.feather"))


def test_names_that_repeat_and_tables_without_rows_or_columns(tmp_path, refused):
    twice = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["x", "x"])
    assert "repeats the column 'x'" in refused(saved(twice, tmp_path / "a.parquet"))
    assert "holds the columns 'x' and no rows" in refused(
        saved(pa.table({"x": pa.array([], pa.float64())}), tmp_path / "b.parquet")
    )
    assert "no columns" in refused(saved(pa.table({}), tmp_path / "c.parquet"))
    assert "did you mean 'speed'" in refused(
        saved(pa.table({"speed": [1.0]}), tmp_path / "d.parquet"), code=2, channels=["sped"]
    )


@pytest.mark.parametrize(("suffix", "footer"), [(".parquet", "PAR1"), (".feather", "ARROW1")])
def test_a_truncated_file(tmp_path, refused, suffix, footer):
    path = saved(pa.table({"x": np.arange(1000.0)}), tmp_path / f"a{suffix}")
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    assert f"is truncated: expected the footer {footer} at its end" in refused(path)
    path.write_bytes(whole[:8] + whole[-30:])
    assert "damaged" in refused(path) or "truncated" in refused(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_blows_up_is_refused_before_it_does(tmp_path, refused, suffix):
    """Eighty megabytes of zeros in a few kilobytes; pyarrow allocates none of them."""
    path = saved(pa.table({"x": np.zeros(10**7)}), tmp_path / f"a{suffix}", compression="zstd")
    assert path.stat().st_size < 60_000
    usual = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(pool)
    try:
        assert "would inflate to 80000000 bytes, more than the limit of 1000000" in refused(path, max_bytes=10**6)
    finally:
        pa.set_memory_pool(usual)
    assert pool.max_memory() < 10**6


@given(st.lists(st.integers(1, 50), min_size=1, max_size=4), st.sampled_from(["uncompressed", "lz4", "zstd"]))
def test_what_the_batches_declare_is_what_they_hold(tmp_path_factory, lengths, compression):
    """Against the buffers that pyarrow makes of them."""
    path = tmp_path_factory.mktemp("a") / "a.arrow"
    options = pa.ipc.IpcWriteOptions(compression=None if compression == "uncompressed" else compression)
    schema = pa.schema([("x", pa.float64()), ("n", pa.int16())])
    batches = [pa.record_batch([np.ones(n), np.arange(n, dtype="i2")], schema=schema) for n in lengths]
    with pa.ipc.new_file(path, schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    rows, total = declared(path.read_bytes())
    assert rows == sum(lengths)
    assert sum(10 * n for n in lengths) <= total <= sum(10 * n + 128 for n in lengths)


def test_a_buffer_that_claims_745_gib(tmp_path, refused):
    path = saved(pa.table({"x": np.zeros(1000)}), tmp_path / "a.feather", compression="zstd")
    whole = path.read_bytes()
    assert whole.count(struct.pack("<q", 8000)) == 1  # what the only buffer inflates to
    path.write_bytes(whole.replace(struct.pack("<q", 8000), struct.pack("<q", 8 * 10**11)))
    assert "would inflate to 800000000000 bytes" in refused(path)


@settings(max_examples=60)
@given(st.sampled_from(SUFFIXES), st.floats(0, 1), st.binary(min_size=1, max_size=8))
def test_damage_is_refused_or_read(tmp_path_factory, suffix, place, garbage):
    path = saved(pa.table({"x": np.arange(50.0), "n": np.arange(50)}), tmp_path_factory.mktemp("a") / f"a{suffix}")
    whole = path.read_bytes()
    at = 8 + int(place * (len(whole) - 8 - len(garbage)))
    path.write_bytes(whole[:at] + garbage + whole[at + len(garbage) :])
    try:
        read_series(path, max_bytes=2**20)
    except Exception as error:
        if type(error).__module__ != "recurra.errors":
            raise


@pytest.mark.parametrize("version", ["13.0.0", "14.0.0"])
def test_a_pyarrow_that_could_run_code_is_not_used(tmp_path, monkeypatch, version):
    path = saved(pa.table({"x": [1.0]}), tmp_path / "a.parquet")
    monkeypatch.setattr(pa, "__version__", version)
    with pytest.raises(MissingExtraError, match=r"needs pyarrow 14.0.1 or newer.*this is " + version):
        read_series(path)


def test_an_encrypted_file_and_one_of_the_first_feather(tmp_path, refused):
    for start, told in ((b"PARE", "an encrypted Parquet file"), (b"FEA1", "a Feather file of version 1")):
        (tmp_path / "a.parquet").write_bytes(start + bytes(100))
        assert told in refused(tmp_path / "a.parquet")
