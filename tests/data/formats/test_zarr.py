"""Zarr stores that zarr and xarray write; codecs that could run code, links, and names that lead elsewhere."""

import io
import json
import os
import pickle
import shutil
import stat
import warnings
import zipfile

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.data import read_series
from recurra.errors import RecurraWarning
from recurra.series import Series


def saved(path, values, version=3, name="x", **options):
    group = zarr.open_group(path, mode="a", zarr_format=version)
    group.create_array(name, data=np.asarray(values), **options)
    return path


def change(path, **entries):
    """Write other entries into a metadata file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def zipped(folder, path, extra=()):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
        for member, data in extra:
            archive.writestr(member, data)
    return path


@settings(max_examples=12)
@given(
    st.integers(2, 12), st.integers(1, 3), st.sampled_from([2, 3]), st.booleans(), st.booleans(), st.integers(0, 2**31)
)
def test_a_series_comes_back(tmp_path_factory, rows, width, version, driven, packed, seed):
    rng = np.random.default_rng(seed)
    series = Series(
        rng.normal(size=(rows, width)),
        times=np.datetime64("2001-05-06T07:08", "ns") + np.arange(rows) * np.timedelta64(90, "s"),
        channels=[f"x{k}" for k in range(width)],
        units=["m", "s", "K"][:width],
        inputs=rng.normal(size=rows) if driven else None,
    )
    folder = tmp_path_factory.mktemp("zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        series.to_xarray().rename("y").to_zarr(folder / "a.zarr", zarr_format=version, consolidated=packed)
    path = zipped(folder / "a.zarr", folder / "a.zip") if packed else folder / "a.zarr"
    assert read_series(path, inputs=["u0"] if driven else None).sha256 == series.sha256


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("options", [{"chunks": (3, 2)}, {"compressors": None}, {"chunks": (2, 1), "shards": (4, 2)}])
def test_chunks_shards_and_no_compression(tmp_path, version, options):
    if version == 2 and "shards" in options:
        pytest.skip("version 2 has no shards")
    values = np.arange(20.0).reshape(10, 2)
    path = saved(tmp_path / "a.zarr", values, version, **options)
    np.testing.assert_array_equal(read_series(path).values, values)
    np.testing.assert_array_equal(read_series(path, variable="x[3:9, 1]").values[:, 0], values[3:9, 1])


def test_the_hash_covers_the_files_that_were_read(tmp_path):
    path = saved(tmp_path / "a.zarr", np.arange(5.0))
    saved(path, np.ones(5), name="other")
    first = read_series(path, variable="x").provenance["sha256"]
    saved(path, np.zeros(5), name="other", overwrite=True)
    assert read_series(path, variable="x").provenance["sha256"] == first
    saved(path, np.full(5, 2.0), overwrite=True)
    assert read_series(path, variable="x").provenance["sha256"] != first


class Canary:
    def __reduce__(self):
        return os.mkdir, (os.environ["RECURRA_TEST_CANARY"],)


def test_the_canary_sings(tmp_path, monkeypatch):
    """zarr itself would run the code: the refusal below is what keeps it from doing so."""
    monkeypatch.setenv("RECURRA_TEST_CANARY", str(tmp_path / "ran"))
    pickle.loads(pickle.dumps(Canary()))
    assert (tmp_path / "ran").exists()


@pytest.mark.bad_input(27)
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("beside", [False, True])
def test_pickle_as_the_second_filter_of_objects(tmp_path, monkeypatch, refused, packed, beside):
    """The first codec is harmless; the store is refused before anything is decoded, whichever array is asked for."""
    monkeypatch.setenv("RECURRA_TEST_CANARY", str(tmp_path / "ran"))
    store = saved(tmp_path / "a.zarr", np.arange(3.0), 2, name="good")
    evil = saved(store, np.arange(3.0), 2, name="evil", compressors=None) / "evil"
    change(
        evil / ".zarray",
        dtype="|O",
        filters=[{"id": "zlib", "level": 1}, {"id": "pickle", "protocol": 4}],
        fill_value=None,
    )
    (evil / "0").write_bytes(pickle.dumps(Canary()))
    path = zipped(store, tmp_path / "a.zip") if packed else store
    message = refused(path, variable="good" if beside else "evil")
    assert "'evil' is coded with 'pickle', which runs code when it is decoded: refused" in message
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"filters": [{"id": "pickle"}]}, "'pickle'"),
        ({"compressor": {"id": "msgpack2"}}, "'msgpack2'"),
        ({"filters": [{"id": "delta", "dtype": "|O"}]}, "Python objects"),
        ({"filters": ["pickle"]}, "'pickle'"),
        ({"filters": {"id": "pickle"}}, "no list"),
        ({"filters": [{"id": ["pickle"]}]}, "coded with"),
        ({"dtype": "|O"}, "Python objects"),
        ({"dtype": [["a", "<f8"]]}, "elements of"),
        ({"shape": [-1]}, "is no shape"),
        ({"chunks": "3"}, "is no shape"),
    ],
)
def test_metadata_of_version_2_that_is_refused(tmp_path, refused, entries, told):
    path = saved(tmp_path / "a.zarr", np.arange(3.0), 2)
    change(path / "x/.zarray", **entries)
    assert told in refused(path)


def shard(*codecs, index=()):
    return {
        "name": "sharding_indexed",
        "configuration": {"chunk_shape": [3], "codecs": list(codecs), "index_codecs": list(index)},
    }


PLAIN = {"name": "bytes", "configuration": {"endian": "little"}}


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"codecs": [PLAIN, {"name": "numcodecs.pickle"}]}, "'numcodecs.pickle'"),
        ({"codecs": [shard(PLAIN, {"name": "pickle"})]}, "'pickle'"),
        ({"codecs": [shard(PLAIN, index=[{"name": "numcodecs.msgpack2"}])]}, "'numcodecs.msgpack2'"),
        ({"codecs": [shard(shard(PLAIN, "pickle"))]}, "'pickle'"),
        ({"codecs": [shard(shard(shard(shard(shard(shard(PLAIN))))))]}, "nested more than 4 deep"),
        ({"codecs": [{"name": "numcodecs.delta", "configuration": {"dtype": "|O"}}, PLAIN]}, "Python objects"),
        ({"codecs": {"name": "bytes"}}, "no list"),
        ({"data_type": "object"}, "type 'object'"),
        ({"data_type": {"name": "struct", "configuration": {}}}, "type 'struct'"),
        ({"storage_transformers": [{"name": "run"}]}, "run"),
        ({"chunk_grid": ["regular"]}, "is no shape"),
        ({"chunk_grid": {"name": "regular", "configuration": None}}, "is no shape"),
    ],
)
def test_metadata_of_version_3_that_is_refused(tmp_path, refused, entries, told):
    path = saved(tmp_path / "a.zarr", np.arange(3.0))
    change(path / "x/zarr.json", **entries)
    assert told in refused(path)


def test_words_beside_the_numbers_do_no_harm(tmp_path, refused):
    path = saved(tmp_path / "a.zarr", np.arange(3.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        saved(path, np.array(["a", "bcd", "e"]), name="who")
        saved(path, np.array(["a", "bcd", "e"], np.dtypes.StringDType()), name="what")
    assert len(read_series(path)) == 3
    assert "'what' holds words of any length" in refused(path, variable="what")


@pytest.mark.bad_input(38)
@pytest.mark.parametrize("kind", ["link", "folder link", "pipe"])
def test_a_store_that_leads_elsewhere(tmp_path, refused, kind):
    path = saved(tmp_path / "a.zarr", np.arange(3.0))
    chunk = path / "x/c/0"
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(path / "x", elsewhere)
    if kind == "folder link":
        (path / "y").symlink_to(elsewhere)
    else:
        chunk.unlink()
        chunk.symlink_to(elsewhere / "c/0") if kind == "link" else os.mkfifo(chunk)
    assert ("is a symbolic link" if "link" in kind else "is a pipe") in refused(path)


@pytest.mark.bad_input(38)
@pytest.mark.parametrize("name", ["../x/c/0", "x/../../y", "/etc/c/0", "x\\c\\0", "C:/x"])
def test_a_member_that_leads_out_of_the_archive(tmp_path, refused, name):
    store = saved(tmp_path / "a.zarr", np.arange(3.0))
    path = zipped(store, tmp_path / "a.zip", [(zipfile.ZipInfo(name), b"abc")])
    if name == "x\\c\\0":  # the standard library writes a slash
        path.write_bytes(path.read_bytes().replace(b"x/c/0\0", b"x\\c\\0\0"))
    if b"..".decode() in name or name[0] in "/C":
        assert "leads out of the archive: refused" in refused(path)


@pytest.mark.bad_input(38)
def test_a_member_that_is_a_link(tmp_path, refused):
    link = zipfile.ZipInfo("x/c/9")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = zipped(saved(tmp_path / "a.zarr", np.arange(3.0)), tmp_path / "a.zip", [(link, b"/etc/passwd")])
    assert "is a link or a device: refused" in refused(path)


@pytest.mark.bad_input(29)
def test_an_archive_that_blows_up(tmp_path, refused):
    store = saved(tmp_path / "a.zarr", np.arange(3.0))
    buffer = io.BytesIO(zipped(store, tmp_path / "a.zip").read_bytes())
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/c/1", bytes(10**7))
    (tmp_path / "a.zip").write_bytes(buffer.getvalue())
    assert len(buffer.getvalue()) < 50_000
    assert "more than the limit of 1000000" in refused(tmp_path / "a.zip", max_bytes=10**6)


@pytest.mark.bad_input(30)
def test_metadata_that_claim_745_gib(tmp_path, refused):
    path = tmp_path / "a.zarr"
    zarr.open_group(path, mode="w").create_array("x", shape=(10**11,), chunks=(1000,), dtype="f8")
    assert "declares 800000000000 bytes of numbers" in refused(path)
    other = tmp_path / "b.zarr"
    zarr.open_group(other, mode="w").create_array("x", shape=(10**11,), chunks=(10**10,), dtype="f8")
    assert "has chunks of (10000000000,)" in refused(other, variable="x[0:5]")


@pytest.mark.bad_input(31)
def test_a_store_with_a_truncated_and_without_a_chunk(tmp_path, refused):
    path = saved(tmp_path / "a.zarr", np.arange(1.0, 7.0), chunks=(3,))
    chunk = path / "x/c/1"
    chunk.write_bytes(chunk.read_bytes()[:-5])
    assert "'x' is damaged or truncated" in refused(path)
    chunk.unlink()
    with pytest.warns(RecurraWarning, match="1 of 2 chunks of 'x' are not stored"):
        read_series(path)


def test_metadata_that_are_no_metadata(tmp_path, refused):
    path = saved(tmp_path / "a.zarr", np.arange(3.0))
    for text in ("", "[1]", "{" * 100_000, '{"node_type": "array"}'):
        (path / "x/zarr.json").write_text(text)
        assert refused(path)


def test_a_directory_without_a_store(tmp_path, refused):
    assert "is a directory" in refused(tmp_path)


def test_a_single_array_and_a_group_below(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=np.arange(4.0))
    assert read_series(tmp_path / "a.zarr").channels == ("array",)
    saved(tmp_path / "b.zarr", np.arange(4.0), name="deep/er/x")
    assert read_series(tmp_path / "b.zarr", group="deep/er").channels == ("x",)
