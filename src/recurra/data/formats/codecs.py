"""Which codecs of a Zarr array may run: those that only move numbers. Pickle is a codec too, and runs code."""

from typing import Any

import numpy as np

from recurra.errors import DataError

_PLAIN = (
    *("blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd"),
    *("bitround", "delta", "fixedscaleoffset", "quantize", "shuffle"),
    *("adler32", "crc32", "crc32c", "fletcher32", "jenkins_lookup3"),
)
_WORDS = "vlen-utf8"  # words of any length: never decoded here, and no reason to refuse what lies beside them
_V2 = frozenset(_PLAIN)
_V3 = frozenset(
    (
        "bytes",
        "endian",
        "transpose",
        "gzip",
        "zstd",
        "blosc",
        "crc32c",
        "sharding_indexed",
        _WORDS,
        *(f"numcodecs.{n}" for n in _PLAIN),
    )
)
_TYPES_V3 = {
    **{f"{kind}{bits}": f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    **{f"{kind}": kind for kind in ("float16", "float32", "float64", "bool", "complex64", "complex128")},
}
_NESTED = 4  # shards in shards


def check_v2(name: str, meta: dict[str, Any]) -> np.dtype:
    """The dtype of an array of version 2, after every filter and the compressor were found to be allowed.

    Raises:
        DataError: a codec by name, Python objects, or metadata that make no sense.
    """
    # An array of words has the dtype object, and keeps it: it is listed and not read.
    filters = meta.get("filters")
    if filters is not None and not isinstance(filters, list):
        raise DataError(f"{name!r} has damaged metadata: its filters are no list")
    chain = [*(filters or []), *([] if meta.get("compressor") is None else [meta["compressor"]])]
    words = [codec for codec in chain if isinstance(codec, dict) and codec.get("id") == _WORDS]
    chain = [codec for codec in chain if codec not in words]
    for codec in chain:
        given = codec.get("id") if isinstance(codec, dict) else codec
        if not isinstance(given, str) or given not in _V2:
            raise _refused(name, given)
        for option in ("dtype", "astype"):
            if isinstance(codec, dict) and option in codec:
                _plain(name, codec[option])
    return np.dtype(object) if words else _plain(name, meta.get("dtype"))


def check_v3(name: str, meta: dict[str, Any]) -> np.dtype:
    """The same for an array of version 3: codecs may hold codecs.

    Raises:
        DataError: as in `check_v2`.
    """
    _check_chain(name, meta.get("codecs"), 0)
    if meta.get("storage_transformers"):
        raise _refused(name, meta["storage_transformers"])
    given = meta.get("data_type")
    if isinstance(given, dict):
        given, options = given.get("name"), given.get("configuration") or {}
        if given == "fixed_length_utf32" and type(options.get("length_bytes")) is int:
            return np.dtype(f"U{max(options['length_bytes'] // 4, 1)}")
    if given == "string":
        return np.dtype(object)
    if not isinstance(given, str) or given not in _TYPES_V3:
        raise DataError(f"{name!r} has the type {given!r:.60}, expected plain numbers: save it as float64")
    return np.dtype(_TYPES_V3[given])


def _check_chain(name: str, chain: Any, depth: int) -> None:
    if not isinstance(chain, list) or depth > _NESTED:
        raise DataError(f"{name!r} has damaged metadata: its codecs are no list, or nested more than {_NESTED} deep")
    for codec in chain:
        given = codec.get("name") if isinstance(codec, dict) else codec
        if not isinstance(given, str) or given not in _V3:
            raise _refused(name, given)
        options = codec.get("configuration") if isinstance(codec, dict) else None
        if options is not None and not isinstance(options, dict):
            raise _refused(name, given)
        for inner in ("codecs", "index_codecs"):
            if options and inner in options:
                _check_chain(name, options[inner], depth + 1)
        for option in ("dtype", "astype"):
            if options and option in options:
                _plain(name, options[option])


def _plain(name: str, given: Any) -> np.dtype:
    """A dtype of plain elements; no objects, no fields."""
    try:
        dtype = np.dtype(given) if isinstance(given, str) else None
    except TypeError:
        dtype = None
    if dtype is None or dtype.hasobject or dtype.kind not in "iufbcU":
        what = (
            "Python objects, which can run code"
            if dtype is not None and dtype.hasobject
            else f"elements of {given!r:.60}"
        )
        raise DataError(f"{name!r} holds {what}: refused. Save plain numbers")
    return dtype


def _refused(name: str, given: Any) -> DataError:
    why = ", which runs code when it is decoded" if given == "pickle" else ""
    return DataError(f"{name!r} is coded with {given!r:.60}{why}: refused. Save it with one of {', '.join(_PLAIN)}")
