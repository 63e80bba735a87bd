import json
import os
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file, save

from recurra.errors import ConfigError, ModelFileError, RunDirectoryError
from recurra.storage import canonical, read_model, write_model

TENSORS = {"W": np.arange(6.0).reshape(2, 3), "b": np.array([1, 2], dtype=np.uint32), "s": np.array(0.5)}
DOCUMENT = {"kind": "esn", "units": 3, "channels": ["x", "θ"], "ridge": 1e-20}
LAYOUT = {"W": ("float64", (2, 3)), "b": ("uint32", (2,)), "s": ("float64", ())}


def layout(document):
    assert document == DOCUMENT  # `expected` sees the document as it was given
    return LAYOUT


def layout_of(tensors):
    return {name: (array.dtype.name, array.shape) for name, array in tensors.items()}


@pytest.fixture
def path(tmp_path):
    where = tmp_path / "model.safetensors"
    write_model(where, TENSORS, DOCUMENT)
    return where


def forge(path, header: str, data: bytes = b"") -> None:
    raw = header.encode()
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + data)


def resave(path, change, tensors=None) -> None:
    """Write a file with another description, by the safetensors package itself."""
    found = load_file(path)
    header = path.read_bytes()[8:]
    text = json.JSONDecoder().raw_decode(header.decode("latin-1"))[0]["__metadata__"]["recurra"]
    path.write_bytes(save(tensors or found, metadata={"recurra": change(text)}))


def refused(path, *words, expected=layout):
    with pytest.raises(ModelFileError) as caught:
        read_model(path, expected)
    assert caught.value.exit_code == 5
    for word in (path.name, *words):
        assert word in str(caught.value)


def test_round_trip_keeps_every_bit(path):
    document, tensors = read_model(path, layout)
    assert document == DOCUMENT
    for name, array in TENSORS.items():
        assert tensors[name].dtype == array.dtype
        assert tensors[name].shape == array.shape
        assert tensors[name].tobytes() == array.tobytes()


def test_other_packages_can_read_the_tensors(path):
    assert load_file(path)["W"].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda name: name != "__metadata__"),
        hnp.arrays(
            st.sampled_from([np.float64, np.float32, np.int64, np.uint32, np.bool_]),
            hnp.array_shapes(min_dims=0, min_side=0, max_side=4),
        ).filter(lambda array: bool(np.isfinite(array).all())),
        max_size=4,
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    ),
)
@settings(max_examples=60, deadline=None)
def test_any_tensors_and_document_survive(tmp_path_factory, tensors, content):
    path = tmp_path_factory.mktemp("round") / "m.safetensors"
    write_model(path, tensors, {"content": content})
    document, found = read_model(path, lambda _: layout_of(tensors))
    assert document == {"content": content}
    assert {name: array.tobytes() for name, array in found.items()} == {
        name: array.tobytes() for name, array in tensors.items()
    }


def test_fortran_order_big_endian_and_slices_are_stored_as_seen(tmp_path):
    path = tmp_path / "m.safetensors"
    base = np.arange(12.0).reshape(3, 4)
    tensors = {"fortran": np.asfortranarray(base), "big": base.astype(">f8"), "slice": base[::2, 1:3]}
    write_model(path, tensors, {})
    _, found = read_model(path, lambda _: layout_of(tensors))
    for name, array in tensors.items():
        assert found[name].tolist() == array.tolist()


def test_nothing_is_overwritten_unless_asked(path):
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="overwrite=True"):
        write_model(path, {}, {})
    assert path.read_bytes() == before
    write_model(path, {}, {"kind": "none"}, overwrite=True)
    assert read_model(path, lambda _: {}) == ({"kind": "none"}, {})


def test_same_content_gives_the_same_bytes(tmp_path):
    write_model(tmp_path / "a", TENSORS, DOCUMENT)
    write_model(tmp_path / "b", dict(reversed(TENSORS.items())), dict(reversed(DOCUMENT.items())))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_every_flipped_bit_is_noticed(path):
    good = path.read_bytes()
    for at in range(0, len(good), 7):
        bad = bytearray(good)
        bad[at] ^= 0x04
        path.write_bytes(bad)
        with pytest.raises(ModelFileError):
            read_model(path, lambda _: LAYOUT)


def test_flipped_bit_in_a_weight_is_named_as_damage(path):
    bad = bytearray(path.read_bytes())
    bad[-1] ^= 0x01
    path.write_bytes(bad)
    refused(path, "damaged", "SHA-256")


def test_every_truncation_is_refused(path):
    good = path.read_bytes()
    for length in range(len(good)):
        path.write_bytes(good[:length])
        with pytest.raises(ModelFileError):
            read_model(path, layout)


def test_truncation_names_both_sizes(path):
    good = path.read_bytes()
    path.write_bytes(good[:-8])
    refused(path, "truncated", f"expected {len(good):,} bytes, got {len(good) - 8:,}")


def test_bytes_after_the_last_tensor_are_refused(path):
    path.write_bytes(path.read_bytes() + b"hidden")
    refused(path, "6 bytes follow")


def test_header_that_claims_more_than_the_file_is_refused_before_allocation(path):
    huge = 10**14
    forge(path, f'{{"W": {{"dtype": "F64", "shape": [{huge}], "data_offsets": [0, {8 * huge}]}}}}')
    refused(path, "truncated")
    path.write_bytes((2**60).to_bytes(8, "little") + b"{}")
    refused(path, "not a model file")


@pytest.mark.parametrize(
    "entry",
    [
        '{"dtype": "F64", "shape": [2], "data_offsets": [0, 8]}',
        '{"dtype": "F64", "shape": [-1], "data_offsets": [0, 8]}',
        '{"dtype": "F64", "shape": [true], "data_offsets": [0, 8]}',
        '{"dtype": "F64", "shape": [1], "data_offsets": [8, 0]}',
        '{"dtype": "Q64", "shape": [1], "data_offsets": [0, 8]}',
        '{"dtype": ["F64"], "shape": [1], "data_offsets": [0, 8]}',
        '{"dtype": "F64", "shape": [1]}',
        "[]",
    ],
)
def test_header_entries_that_contradict_themselves(path, entry):
    forge(path, f'{{"W": {entry}}}', bytes(8))
    refused(path, "'W'", "invalid")


def test_overlapping_tensors_are_refused(path):
    entry = '{"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}'
    forge(path, f'{{"a": {entry}, "b": {entry}}}', bytes(8))
    refused(path, "overlap")


def test_nan_is_refused_on_both_sides(path, tmp_path):
    bad = {"W": np.array([0.0, np.nan, np.inf])}
    with pytest.raises(ModelFileError, match="2 of 3 values of tensor 'W'"):
        write_model(tmp_path / "new", bad, {})
    assert not (tmp_path / "new").exists()
    from recurra.storage.model_file import encode

    path.write_bytes(encode(bad, {}))  # intact, hash and all
    refused(path, "2 of 3 values of tensor 'W'", expected=lambda _: layout_of(bad))


def test_missing_and_extra_tensors_are_named(path):
    refused(path, "missing ['V']", "unknown []", expected=lambda _: {**LAYOUT, "V": ("float64", (1,))})
    refused(path, "missing []", "unknown ['b']", expected=lambda _: {"W": LAYOUT["W"], "s": LAYOUT["s"]})


@pytest.mark.parametrize("wrong", [("float64", (3, 2)), ("float32", (2, 3)), ("float64", (10**9, 10**9))])
def test_wrong_shape_or_dtype_is_named(path, wrong):
    refused(path, "'W'", "float64 (2, 3)", str(wrong[1]), expected=lambda _: {**LAYOUT, "W": wrong})


def test_a_name_with_dots_is_only_a_key(path, tmp_path):
    tensors = {"../../x": np.zeros(1)}
    write_model(path, tensors, {}, overwrite=True)
    refused(path, "../../x", expected=lambda _: {})
    assert read_model(path, lambda _: layout_of(tensors))[1]["../../x"].tolist() == [0.0]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_description_that_expected_cannot_use(path):
    refused(path, "incomplete or wrong", "KeyError", expected=lambda document: {"W": document["absent"]})


def test_newer_and_nonsense_versions(path):
    good = path.read_bytes()
    for version, word in [("2", "format 2"), ("99", "upgrade"), ("0", "0"), ("true", "True"), ('"1"', "'1'")]:
        path.write_bytes(good)
        resave(path, lambda text, v=version: text.replace('"format_version":1', f'"format_version":{v}'))
        refused(path, word)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda text: text[:-1] + ',"units":4}', "'units' stands twice"),
        (lambda text: text.replace('"units":3', '"units":NaN'), "NaN"),
        (lambda text: text.replace('"units":3', '"units":-Infinity'), "Infinity"),
        (lambda text: text.replace('"units":3', '"units":1e999'), "1e999"),
        (lambda text: text.replace('"units":3', '"units":' + "[" * 100_000 + "]" * 100_000), "nested deeper"),
        (lambda text: text.replace('"units":3', '"units":' + "9" * 5000), "strict JSON"),
        (lambda text: text[:-1], "strict JSON"),
        (lambda text: "[]", "not a recurra model"),
        (lambda text: text.replace("recurra-model", "other"), "not a recurra model"),
        (lambda text: text.replace('"sha256"', '"sha255"'), "no SHA-256"),
        (lambda text: text.replace('"units":3', '"units":4'), "damaged"),
    ],
)
def test_description_is_read_strictly(path, change, word):
    resave(path, change)
    refused(path, word, expected=lambda _: LAYOUT)


def test_header_is_read_strictly(path):
    entry = '{"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}'
    forge(path, f'{{"W": {entry}, "W": {entry}}}', bytes(8))
    refused(path, "'W' stands twice")
    forge(path, '{"W": ' + "[" * 100_000 + "]" * 100_000 + "}")
    refused(path, "nested deeper")


class Canary:
    """Touches a file if anything unpickles it."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_never_run(path, tmp_path, protocol):
    canary = tmp_path / "canary"
    path.write_bytes(pickle.dumps(Canary(canary), protocol))
    refused(path, "not a model file", "pickle")
    assert not canary.exists()
    pickle.loads(path.read_bytes())
    assert canary.exists()  # the canary does sing


def test_other_kinds_of_files_are_named(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"")
    refused(path, "not a model file", "zip")
    with path.open("wb") as stream:
        np.save(stream, np.array([{}], dtype=object), allow_pickle=True)
    refused(path, "not a model file", "NumPy")
    path.write_bytes(b"")
    refused(path, "not a model file", "empty")
    path.write_bytes(save({"W": np.zeros(2)}))
    refused(path, "not a recurra model")


def test_only_regular_files_are_opened(tmp_path):
    refused(tmp_path / "absent", "No such file")
    refused(tmp_path, "not a regular file")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "not a regular file")
    refused(tmp_path / ("n" * 300), "too long")


def test_reserved_names_and_dtypes(tmp_path):
    with pytest.raises(ConfigError, match="sha256"):
        write_model(tmp_path / "m", {}, {"sha256": ""})
    with pytest.raises(ConfigError, match="complex128"):
        write_model(tmp_path / "m", {"W": np.zeros(1, dtype=complex)}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_missing(tmp_path):
    with pytest.raises(RunDirectoryError, match="No such file") as caught:
        write_model(tmp_path / "absent" / "m", TENSORS, {})
    assert caught.value.exit_code == 6


def test_canonical_json_does_not_depend_on_order():
    assert canonical({"b": [1.5, None], "a": "θ"}) == '{"a":"\\u03b8","b":[1.5,null]}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"a": float("nan")})


def test_a_header_shorter_than_its_braces_is_refused(path):
    good = path.read_bytes()
    for length in (0, 1):
        path.write_bytes(length.to_bytes(8, "little") + good[8:])
        refused(path, "first bytes are not those of a safetensors file")
