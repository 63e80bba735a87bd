"""What is fuzzed: every reader of files, each with seeds to start from. Only recurra's own errors may come out."""

import io
import re
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Read = Callable[[Path], Any]
_GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "format-1"


@dataclass(frozen=True)
class Target:
    """A reader.

    Args:
        suffix: of the files it reads.
        read: reads one.
        seeds: name -> content of the files that the fuzzer starts from.
    """

    suffix: str
    read: Read
    seeds: Callable[[], dict[str, bytes]]


def one_input(target: Target) -> Callable[[bytes], None]:
    """The function that a fuzzer calls: whatever it raises but recurra's errors is a fault."""
    from recurra.errors import RecurraError

    folder = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
    place = Path(tempfile.mkdtemp(prefix="recurra-fuzz-", dir=folder)) / f"input{target.suffix}"

    def run(data: bytes) -> None:
        place.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with suppress(RecurraError):
                target.read(place)

    return run


def _series(path: Path) -> Any:
    from recurra.data import read_series

    return read_series(path, max_bytes=2**20)


def _policies(path: Path) -> Any:
    from recurra.data import read_series

    options = {"gaps": "mask", "duplicates": "mean", "sort": True, "missing": [-999.0, "n/a"], "max_bytes": 2**20}
    return read_series(path, **options)


def _model(path: Path) -> Any:
    from recurra.estimators import load

    return load(path)


def _unsigned(path: Path) -> Any:
    """A model whose hash is not looked at: what is behind it has to hold on its own."""
    from recurra.storage import model_file

    model_file._digest = lambda tensors, document: ""
    return _model(path)


def _checkpoint(path: Path) -> Any:
    from recurra.storage import read_checkpoint

    return read_checkpoint(path)


def _json(path: Path) -> Any:
    from recurra.storage import canonical, loads_strict

    found = loads_strict(path.read_bytes())
    assert loads_strict(canonical(found)) == found
    return found


def _config(path: Path) -> Any:
    from recurra.experiment import make_config

    return make_config(file=path)


def _archive(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def _array(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.asarray(array), allow_pickle=False)
    return stream.getvalue()


def _compressed(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            archive.writestr(f"{name}.npy", _array(array))
    return stream.getvalue()


def _text_seeds() -> dict[str, bytes]:
    return {
        "plain": b"t,x,y\n0,1,2\n0.1,1.5,2.5\n0.2,2,3\n",
        "no-header": b"1 2 3\n4 5 6\n7 8 9\n",
        "decimal-comma": b"t;x\n0;1,5\n1;2,5\n",
        "dates": b"date,x\n2024-01-01T00:00Z,1\n2024-01-02T00:00Z,2\n2024-01-03T00:00Z,4\n",
        "comments": b"# made by hand\nt\tx\n0\tnan\n1\t-999\n2\t1e400\n",
        "quoted": b'"time","x, y"\n"0","1"\n"1","2"\n',
        "bom": b"\xef\xbb\xbft,x\r\n0,1\r\n1,2\r\n",
    }


def _npy_seeds() -> dict[str, bytes]:
    arrays = {"table": np.arange(12.0).reshape(6, 2), "column": np.arange(5, dtype=np.int16), "none": np.zeros((0, 2))}
    return {name: _array(array) for name, array in arrays.items()} | {
        "big-endian": _array(np.arange(6.0).astype(">f4")),
        "text": _array(np.array(["a", "b"])),
        "dates": _array(np.arange(4).astype("datetime64[D]")),
    }


def _npz_seeds() -> dict[str, bytes]:
    t = np.arange(5.0)
    dates = np.arange(5).astype("datetime64[s]")
    return {
        "plain": _archive(values=np.ones((5, 2)), dt=np.array(0.1)),
        "times": _archive(values=t, times=t),
        "dates": _archive(values=t, times=dates, channels=np.array(["x"])),
        "driven": _archive(values=t, dt=np.array(1.0), inputs=t[::-1].copy()),
        "compressed": _compressed(values=np.ones((5, 1)), dt=np.array(0.5)),
    }


def _golden() -> dict[str, bytes]:
    return {name: (_GOLDEN / f"{name}.safetensors").read_bytes() for name in ("persistence", "linear")}


def _unsigned_seeds() -> dict[str, bytes]:
    pattern = re.compile(rb"(sha256\W+)[0-9a-f]{64}")
    found = {}
    for name in ("persistence", "linear", "esn-increment"):
        raw = (_GOLDEN / f"{name}.safetensors").read_bytes()
        length = int.from_bytes(raw[:8], "little")
        header = pattern.sub(rb"\1", raw[8 : 8 + length])
        found[name] = len(header).to_bytes(8, "little") + header + raw[8 + length :]
    return found


def _checkpoint_seeds() -> dict[str, bytes]:
    from recurra.storage.model_file import encode

    tensors = {"leaf/0000": np.arange(3.0), "leaf/0001": np.array(2, np.int32)}
    return {"small": encode(tensors, {"kind": "checkpoint", "epoch": 3, "history": [{"epoch": 1, "loss": 0.5}]})}


def _json_seeds() -> dict[str, bytes]:
    return {
        "object": b'{"a": [1, 2.5e-3, true, null, "\\u03b8"], "b": {"c": {}}}',
        "bad": b'{"a": NaN, "a": 1e999}',
        "deep": b"[" * 70 + b"]" * 70,
    }


def _config_seeds() -> dict[str, bytes]:
    return {
        "plain": b'learner = "esn"\nsplit = 0.8\nseed = 3\n[data]\nsource = "wave.csv"\ndt = 0.1\n',
        "params": b'learner = "lstm"\n[data]\nsource = "system:lorenz63"\nsteps = 100\n[params]\nunits = 4\n',
        "bad": b'lerner = 3\n[data]\nchannels = ["x", 3]\n',
    }


def _wav_seeds() -> dict[str, bytes]:
    import wave

    found = {}
    for channels, width in ((1, 1), (2, 2), (1, 3), (1, 4)):
        stream = io.BytesIO()
        with wave.open(stream, "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(width)
            file.setframerate(8000)
            file.writeframes(bytes(range(24 * channels * width)))
        found[f"pcm-{8 * width}"] = stream.getvalue()
    return found


def _edf_seeds() -> dict[str, bytes]:
    head = "0".ljust(8) + "X".ljust(80) * 2 + "01.01.2401.00.00" + str(256 * 2).ljust(8) + "".ljust(44)
    head += "3".ljust(8) + "1".ljust(8) + "1".ljust(4)
    signal = "x".ljust(16) + "".ljust(80) + "mV".ljust(8) + "-1".ljust(8) + "1".ljust(8)
    signal += "-32768".ljust(8) + "32767".ljust(8) + "".ljust(80) + "4".ljust(8) + "".ljust(32)
    return {"one-signal": (head + signal).encode() + np.arange(12, dtype="<i2").tobytes()}


TARGETS = {
    "text": Target(".csv", _series, _text_seeds),
    "policies": Target(".csv", _policies, _text_seeds),
    "npy": Target(".npy", _series, _npy_seeds),
    "npz": Target(".npz", _series, _npz_seeds),
    "wav": Target(".wav", _series, _wav_seeds),
    "edf": Target(".edf", _series, _edf_seeds),
    "model": Target(".safetensors", _model, _golden),
    "unsigned": Target(".safetensors", _unsigned, _unsigned_seeds),
    "checkpoint": Target(".safetensors", _checkpoint, _checkpoint_seeds),
    "json": Target(".json", _json, _json_seeds),
    "config": Target(".toml", _config, _config_seeds),
}
