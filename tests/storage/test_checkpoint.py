import numpy as np
import pytest

from recurra.errors import ConfigError, ModelFileError, RecurraWarning
from recurra.storage import read_checkpoint, read_model, write_checkpoint, write_model


def keep(path, epoch):
    tensors = {
        "W": np.full(3, float(epoch)),
        "key": np.array([1, 2], dtype=np.uint32),
        "v": np.array([np.nan]),
    }
    write_checkpoint(path, tensors, {"epoch": epoch})


def spoil(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.safetensors"


def test_nothing_there(path):
    assert read_checkpoint(path) is None


def test_round_trip_keeps_integers_and_nan(path):
    keep(path, 7)
    document, tensors = read_checkpoint(path)
    assert document == {"epoch": 7}
    assert tensors["key"].dtype == np.uint32
    assert tensors["key"].tolist() == [1, 2]
    assert np.isnan(tensors["v"]).all()
    assert tensors["W"].tolist() == [7.0, 7.0, 7.0]


def test_the_last_two_are_kept(path):
    for epoch in (1, 2, 3):
        keep(path, epoch)
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, path.name + ".previous"]
    assert read_checkpoint(path)[0] == {"epoch": 3}


def test_a_damaged_newest_falls_back_and_says_so(path):
    keep(path, 1)
    keep(path, 2)
    spoil(path)
    with pytest.warns(RecurraWarning, match="damaged"):
        document, _ = read_checkpoint(path)
    assert document == {"epoch": 1}


def test_killed_between_the_two_renames(path):
    keep(path, 1)
    path.rename(path.with_name(path.name + ".previous"))
    assert read_checkpoint(path)[0] == {"epoch": 1}


def test_both_damaged_or_the_only_one(path):
    keep(path, 1)
    spoil(path)
    with pytest.raises(ModelFileError, match="damaged"):
        read_checkpoint(path)
    keep(path, 2)
    spoil(path)
    with pytest.raises(ModelFileError, match="damaged"):
        read_checkpoint(path)


def test_models_and_checkpoints_are_not_confused(path, tmp_path):
    keep(path, 1)
    with pytest.raises(ModelFileError, match="unfinished run"):
        read_model(path, lambda _: {"W": ("float64", (3,)), "key": ("uint32", (2,)), "v": ("float64", (1,))})
    model = tmp_path / "model.safetensors"
    write_model(model, {}, {"kind": "esn"})
    with pytest.raises(ModelFileError, match="not a checkpoint"):
        read_checkpoint(model)
    with pytest.raises(ConfigError, match="kind"):
        write_checkpoint(path, {}, {"kind": "esn"})
