"""Model files that were made to harm: each is refused with exit code 5, and a canary proves that no code ran."""

import gzip
import io
import json
import os
import pickle
import tarfile
import zipfile
import zlib
from dataclasses import dataclass

import numpy as np
import pytest

import recurra as rc
from recurra.storage.model_file import RESERVED, encode


class Canary:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def opened(good):
    """The description and the tensors of a model file, by an independent reader."""
    length = int.from_bytes(good[:8], "little")
    header = json.loads(good[8 : 8 + length])
    kinds = {"F64": "<f8", "I32": "<i4", "I64": "<i8", "BOOL": "?"}
    document = json.loads(header.pop("__metadata__")["recurra"])
    tensors = {}
    for name, entry in header.items():
        start, stop = entry["data_offsets"]
        raw = good[8 + length + start : 8 + length + stop]
        tensors[name] = np.frombuffer(raw, kinds[entry["dtype"]]).reshape(entry["shape"])
    return document, tensors


def forged(good, change):
    """The file with its description and tensors changed and its hash made right again."""
    document, tensors = opened(good)
    document = {name: value for name, value in document.items() if name not in RESERVED}
    change(document, tensors)
    return encode(tensors, document)


def described(good, change):
    """The file with the text of its description changed, and nothing made right."""
    length = int.from_bytes(good[:8], "little")
    header = json.loads(good[8 : 8 + length])
    header["__metadata__"]["recurra"] = change(header["__metadata__"]["recurra"])
    return raw(header, good[8 + length :])


def raw(header, data):
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return len(text).to_bytes(8, "little") + text + data


def zipped(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def put(*keys, value):
    def change(document, tensors):
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value

    return change


def tensor(name, edit):
    def change(document, tensors):
        tensors[name] = edit(tensors[name].copy())

    return change


def spoilt(value):
    def edit(array):
        array.flat[0] = value
        return array

    return edit


def object_array(canary, save):
    stream = io.BytesIO()
    save(stream, np.array([Canary(canary)], dtype=object), allow_pickle=True)
    return stream.getvalue()


def hdf5(config):
    h5py = pytest.importorskip("h5py")
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        file["weights"] = np.zeros(3)
    return stream.getvalue()


def tar(name, link=None):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = (tarfile.SYMTYPE, link) if link else (tarfile.REGTYPE, "")
        archive.addfile(member)
    return stream.getvalue()


def entry(**values):
    return {"dtype": "F64", "shape": [1], "data_offsets": [0, 8], **values}


LAMBDA = {"class_name": "Lambda", "config": {"function": {"class_name": "function", "module": "os", "name": "system"}}}
MODULE = {"module": "builtins", "class_name": "exec", "config": {"code": "import os"}, "registered_name": "exec"}


@dataclass(frozen=True)
class Attack:
    """A row of the table of bad inputs, how the file is made, and what the refusal says."""

    number: int
    says: str
    make: object  # (good file g, canary c) -> bytes


def code(document, tensors):
    document["params"]["activation"] = "os.system"


def reference(document, tensors):
    tensors.pop("network/W_in")
    document["external_data"] = {"network/W_in": {"location": "../../weights.bin", "offset": 0}}


ATTACKS = {
    # whatever could be unpickled
    **{f"pickle, protocol {p}": Attack(28, "pickle", lambda g, c, p=p: pickle.dumps(Canary(c), p)) for p in range(6)},
    "reservoirpy's .rpy": Attack(28, "gzip", lambda g, c: gzip.compress(pickle.dumps(Canary(c)))),
    "joblib, compressed": Attack(28, "joblib", lambda g, c: zlib.compress(pickle.dumps(Canary(c)))),
    "joblib, plain": Attack(28, "pickle", lambda g, c: pickle.dumps({"model": Canary(c)}, 3)),
    "torch.save, zip": Attack(
        28,
        "zip archive",
        lambda g, c: zipped({"archive/data.pkl": pickle.dumps(Canary(c)), "archive/version": "3"}),
    ),
    "torch.save, legacy": Attack(
        28,
        "pickle",
        lambda g, c: pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(Canary(c), 2),
    ),
    "object array, npy": Attack(28, "NumPy", lambda g, c: object_array(c, np.save)),
    "object array, npz": Attack(28, "zip archive", lambda g, c: zipped({"a.npy": object_array(c, np.save)})),
    "pickle behind a header's length": Attack(
        28, "", lambda g, c: len(g).to_bytes(8, "little") + pickle.dumps(Canary(c))
    ),
    "pickle where the tensors are": Attack(
        32, "damaged", lambda g, c: g[:-300] + pickle.dumps(Canary(c)).ljust(300, b".")
    ),
    # a description that names code
    "keras archive with a Lambda": Attack(
        28, "zip archive", lambda g, c: zipped({"config.json": json.dumps(LAMBDA), "model.weights.h5": b""})
    ),
    "keras archive that names a module": Attack(
        28, "zip archive", lambda g, c: zipped({"config.json": json.dumps(MODULE)})
    ),
    "HDF5 with a Lambda": Attack(28, "HDF5", lambda g, c: hdf5(LAMBDA)),
    "the kind is a module": Attack(36, "os:system", lambda g, c: forged(g, put("kind", value="os:system"))),
    "the kind is a path": Attack(36, "", lambda g, c: forged(g, put("kind", value="recurra.errors"))),
    "a parameter is code": Attack(35, "activation", lambda g, c: forged(g, code)),
    "a parameter is an object": Attack(35, "leak", lambda g, c: forged(g, put("params", "leak", value=LAMBDA))),
    "a parameter that is an attribute": Attack(
        35, "__class__", lambda g, c: forged(g, put("params", "__class__", value=MODULE))
    ),
    # other files
    "tensor named ../../x": Attack(
        34, "../../x", lambda g, c: forged(g, lambda d, t: t.update({"../../x": np.zeros(1)}))
    ),
    "tensor named as an absolute path": Attack(
        34, "canary", lambda g, c: forged(g, lambda d, t: t.update({str(c): np.zeros(1)}))
    ),
    "weights in another file": Attack(34, "W_in", lambda g, c: forged(g, reference)),
    "a tensor with a location": Attack(34, "invalid", lambda g, c: raw({"W": entry(location="/etc/passwd")}, bytes(8))),
    "tar that climbs": Attack(38, "gzip", lambda g, c: tar("../../canary")),
    "tar with a link": Attack(38, "gzip", lambda g, c: tar("a", link="/etc/passwd")),
    "zip that climbs": Attack(38, "zip archive", lambda g, c: zipped({"../../canary": "x"})),
    # sizes
    "npz bomb": Attack(31, "zip archive", lambda g, c: zipped({"a.npy": bytes(2**24)})),
    "header that claims 745 GiB": Attack(
        35,
        "truncated",
        lambda g, c: raw({"W": entry(shape=[10**11], data_offsets=[0, 8 * 10**11])}, bytes(64)),
    ),
    "header longer than the file": Attack(31, "truncated", lambda g, c: (2**25).to_bytes(8, "little") + g[8:]),
    "header beyond its limit": Attack(31, "not a model file", lambda g, c: (2**62).to_bytes(8, "little") + g[8:]),
    "shape whose product overflows": Attack(35, "invalid", lambda g, c: raw({"W": entry(shape=[2**62, 4])}, bytes(8))),
    "negative shape": Attack(35, "invalid", lambda g, c: raw({"W": entry(shape=[-1])}, bytes(8))),
    "negative offset": Attack(35, "", lambda g, c: raw({"W": entry(data_offsets=[-8, 0])}, bytes(8))),
    "offsets that overlap": Attack(35, "overlap", lambda g, c: raw({"a": entry(), "b": entry()}, bytes(8))),
    "hidden bytes": Attack(31, "follow the last tensor", lambda g, c: g + pickle.dumps(Canary(c))),
    "truncated tensors": Attack(31, "truncated", lambda g, c: g[:-100]),
    "truncated header": Attack(31, "truncated", lambda g, c: g[:200]),
    "eight bytes": Attack(31, "", lambda g, c: g[:8]),
    "empty": Attack(31, "empty", lambda g, c: b""),
    # weights
    "one bit of a weight": Attack(32, "damaged", lambda g, c: g[:-41] + bytes([g[-41] ^ 1]) + g[-40:]),
    "NaN weight": Attack(33, "'network/V'", lambda g, c: forged(g, tensor("network/V", spoilt(np.nan)))),
    "infinite weight": Attack(33, "'network/b'", lambda g, c: forged(g, tensor("network/b", spoilt(np.inf)))),
    "tensor missing": Attack(34, "network/b", lambda g, c: forged(g, lambda d, t: t.pop("network/b"))),
    "tensor too many": Attack(34, "'surplus'", lambda g, c: forged(g, lambda d, t: t.update(surplus=np.zeros(2)))),
    "wrong shape": Attack(34, "network/V", lambda g, c: forged(g, tensor("network/V", lambda V: V.T.copy()))),
    "wrong dtype": Attack(34, "float32", lambda g, c: forged(g, tensor("network/b", np.float32))),
    "index outside the reservoir": Attack(
        34, "", lambda g, c: forged(g, tensor("network/W/indices", spoilt(2**31 - 1)))
    ),
    # a description that lies
    "other size than the tensors": Attack(35, "(200,)", lambda g, c: forged(g, put("params", "units", value=21))),
    "negative size": Attack(35, "units", lambda g, c: forged(g, put("params", "units", value=-20))),
    "size of a thousand million": Attack(35, "units", lambda g, c: forged(g, put("params", "units", value=10**9))),
    "lags of a thousand million": Attack(35, "lags", lambda g, c: forged(g, put("params", "lags", value=10**9))),
    "rows of a thousand million": Attack(35, "recent", lambda g, c: forged(g, put("recent", "rows", value=10**9))),
    "newer format": Attack(
        36,
        "upgrade",
        lambda g, c: described(g, lambda x: x.replace('"format_version":1', '"format_version":3')),
    ),
    "format before the first": Attack(
        36,
        "0 is not a format version",
        lambda g, c: described(g, lambda x: x.replace('"format_version":1', '"format_version":0')),
    ),
    "unknown kind": Attack(36, "'oracle'", lambda g, c: forged(g, put("kind", value="oracle"))),
    "parameter of a newer recurra": Attack(
        36, "upgrade", lambda g, c: forged(g, put("params", "attention", value=True))
    ),
    # JSON that Python's reader takes
    "NaN in the description": Attack(
        37, "NaN", lambda g, c: described(g, lambda x: x.replace('"units":20', '"units":NaN'))
    ),
    "duplicate key": Attack(37, "twice", lambda g, c: described(g, lambda x: x[:-1] + ',"kind":"esn"}')),
    "100,000 brackets": Attack(37, "nested", lambda g, c: described(g, lambda x: "[" * 100_000 + "]" * 100_000)),
    "100,000 brackets in the header": Attack(
        37, "nested", lambda g, c: raw('{"W": ' + "[" * 100_000 + "]" * 100_000 + "}", b"")
    ),
    "a number of 5,000 digits": Attack(
        37,
        "strict JSON",
        lambda g, c: described(g, lambda x: x.replace('"units":20', '"units":' + "9" * 5000)),
    ),
    "a description that is no object": Attack(37, "not a recurra model", lambda g, c: described(g, lambda _: "[1]")),
    "no description": Attack(37, "not a recurra model", lambda g, c: raw({"W": entry()}, bytes(8))),
    "text that is no UTF-8": Attack(
        37, "strict JSON", lambda g, c: (7).to_bytes(8, "little") + b'{"\xff":1' + bytes(8)
    ),
}


def of(number):
    """The attacks of one row of the table."""
    return pytest.mark.parametrize("name", [name for name, each in ATTACKS.items() if each.number == number])


@pytest.fixture
def attacked(name, run, good, canary, refused):
    """The run with its model file replaced; afterwards it is whole again."""
    path = run / "model.safetensors"
    path.write_bytes(ATTACKS[name].make(good, canary))
    yield lambda: refused(run, canary, ATTACKS[name].says)
    path.write_bytes(good)


@pytest.mark.bad_input(28)
@of(28)
def test_what_could_be_unpickled_or_names_code(name, attacked):
    attacked()


@pytest.mark.bad_input(31)
@of(31)
def test_truncated_padded_and_bombs(name, attacked):
    attacked()


@pytest.mark.bad_input(32)
@of(32)
def test_a_flipped_bit_or_spoilt_weights(name, attacked):
    attacked()


@pytest.mark.bad_input(33)
@of(33)
def test_weights_that_are_not_finite(name, attacked):
    attacked()


@pytest.mark.bad_input(34)
@of(34)
def test_other_tensors_than_the_description_calls_for(name, attacked):
    attacked()


@pytest.mark.bad_input(35)
@of(35)
def test_sizes_and_parameters_that_lie(name, attacked):
    attacked()


@pytest.mark.bad_input(36)
@of(36)
def test_other_formats_and_kinds(name, attacked):
    attacked()


@pytest.mark.bad_input(37)
@of(37)
def test_json_that_is_not_strict(name, attacked):
    attacked()


@pytest.mark.bad_input(38)
@of(38)
def test_archives_that_climb(name, attacked):
    attacked()


def test_the_good_file_loads_and_the_canary_sings(run, good, canary):
    assert len(rc.load(run / "model.safetensors").forecast(3)) == 3
    assert forged(good, lambda document, tensors: None) == good
    pickle.loads(pickle.dumps(Canary(canary)))
    assert canary.exists()
