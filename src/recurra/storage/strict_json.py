"""JSON read strictly: no NaN, no infinity, no duplicate keys, bounded depth. Python's reader allows all."""

import json
import math
import re
from typing import Any

from recurra.errors import ModelFileError

_DEPTH = 64  # nesting; Python's reader recurses once a level
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


def canonical(document: Any) -> str:
    """The one JSON text of a document: sorted keys, no spaces, ASCII. Equal documents give equal text.

    >>> canonical({"b": 1, "a": [0.1, None]})
    '{"a":[0.1,null],"b":1}'
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)


def loads_strict(text: str | bytes, *, what: str = "JSON text") -> Any:
    """Parse JSON and refuse what the standard forbids or leaves open.

    Args:
        text: the JSON, as text or as UTF-8 bytes.
        what: what is being read, for the message.

    Raises:
        ModelFileError: not UTF-8, not JSON, NaN or infinity, a key given twice, deeper than 64 levels.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        _check_depth(text)
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite)
    except ValueError as error:
        raise ModelFileError(f"{what} is not strict JSON: {error}") from error


def _check_depth(text: str) -> None:
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > _DEPTH:
            raise ValueError(f"nested deeper than {_DEPTH} levels")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice in one object")
        found[key] = value
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} does not fit a float64")
    return value
