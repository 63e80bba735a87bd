"""Parquet, and Arrow files (Feather 2), by pyarrow from memory."""

import json
from typing import Any

import numpy as np

from recurra.data.columns import Ask, Parts, choose
from recurra.data.formats.arrow import declared
from recurra.data.formats.extra import package
from recurra.errors import DataError, MissingExtraError

_SAFE = (14, 0, 1)  # before it a file could run code (CVE-2023-47248)


def parse_table(kind: str, data: bytes, suffix: str, ask: Ask) -> Parts:
    """The columns of a Parquet or Arrow file; only those that are asked for are read.

    Raises:
        DataError: damaged or truncated; more numbers than `max_bytes`; a column of anything but real numbers, by name.
        MissingExtraError: without pyarrow, or with one that is not safe.
    """
    pa = _pyarrow(suffix or f".{kind}")
    try:
        return _parquet(pa, data, ask) if kind == "parquet" else _arrow(pa, data, ask)
    except (pa.ArrowException, OSError, MemoryError, OverflowError) as error:
        raise DataError(f"is damaged or truncated ({str(error)[:200]}): copy or save it again") from error


def _pyarrow(what: str) -> Any:
    pa = package("pyarrow", what)
    version = tuple(int(part) for part in pa.__version__.split(".")[:3] if part.isdigit())
    if version < _SAFE:
        raise MissingExtraError(
            f"reading {what} needs pyarrow 14.0.1 or newer, for older ones run code from a file, and this is "
            f"{pa.__version__}: pip install --upgrade pyarrow"
        )
    return pa


def _parquet(pa: Any, data: bytes, ask: Ask) -> Parts:
    if len(data) < 12 or data[-4:] not in (b"PAR1", b"PARE"):
        raise DataError(f"is truncated: expected the footer PAR1 at its end, got {data[-4:]!r}: copy or save it again")
    footer = int.from_bytes(data[-8:-4], "little")
    if footer + 12 > len(data):
        raise DataError(
            f"is truncated or damaged: its footer needs {footer + 12} bytes, got {len(data)}: copy it again"
        )
    file = package("pyarrow.parquet", ".parquet").ParquetFile(pa.BufferReader(data))
    schema, metadata = file.schema_arrow, file.metadata
    chosen = _choose(schema, ask)
    used = _used(schema, chosen)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    chunks = [group.column(place) for group in groups for place in range(group.num_columns)]
    inflated = sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema.split(".")[0] in used)
    _check_size(max(inflated, 8 * metadata.num_rows * len(used)), ask.max_bytes)
    return _parts(file.read(columns=used, use_threads=False), schema, chosen)


def _arrow(pa: Any, data: bytes, ask: Ask) -> Parts:
    if not data.endswith(b"ARROW1"):
        raise DataError(
            f"is truncated: expected the footer ARROW1 at its end, got {data[-6:]!r}: copy or save it again"
        )
    schema = pa.ipc.open_file(pa.BufferReader(data)).schema
    chosen = _choose(schema, ask)
    used = _used(schema, chosen)
    rows, inflated = declared(data)
    _check_size(max(inflated, 8 * rows * len(used)), ask.max_bytes)
    options = pa.ipc.IpcReadOptions(included_fields=[schema.get_field_index(name) for name in used], use_threads=False)
    table = pa.ipc.open_file(pa.BufferReader(data), options=options).read_all()
    return _parts(table, schema, chosen)


def _choose(schema: Any, ask: Ask) -> Any:
    names = tuple(schema.names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"repeats the column {twice[0]!r}: every column needs its own name")
    if not names:
        raise DataError("holds no columns")
    time = ask.time if ask.time is not None else _index(schema, ask)
    return choose(names, len(names), time=time, channels=ask.channels, inputs=ask.inputs)


def _index(schema: Any, ask: Ask) -> str | None:
    """The index of a pandas frame, where it was saved as a column: it stands last, and is the time."""
    try:
        found = json.loads((schema.metadata or {}).get(b"pandas", b"{}")).get("index_columns", [])
    except (ValueError, AttributeError, RecursionError):
        return None
    named = {*_listed(ask.channels), *_listed(ask.inputs)}
    real = [name for name in found if isinstance(name, str) and name in schema.names and name not in named]
    return real[0] if len(real) == len(found) == 1 else None


def _listed(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else list(given or [])


def _used(schema: Any, chosen: Any) -> list[str]:
    """The names of the columns to read, of which each can be a time or a column of numbers."""
    import pyarrow as pa

    known = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    dated = (pa.types.is_timestamp, pa.types.is_date, pa.types.is_duration)
    used: list[tuple[int, tuple[Any, ...]]] = [(place, known) for place in (*chosen.channels, *chosen.inputs)]
    if chosen.time is not None:
        used.insert(0, (chosen.time, (*known, *dated)))
    for place, kinds in used:
        name, kind = schema.names[place], schema.types[place]
        if not any(fits(kind) for fits in kinds):
            what = (
                "numbers or dates: name another with `time`"
                if place == chosen.time
                else ("real numbers: leave it out with `channels`")
            )
            raise DataError(f"column {name!r} has the type {kind}, expected {what}")
    return [schema.names[place] for place, _ in used]


def _check_size(needed: int, max_bytes: int) -> None:
    if needed > max_bytes:
        raise DataError(
            f"would inflate to {needed} bytes, more than the limit of {max_bytes}: choose columns with `channels`, or "
            "raise `max_bytes`"
        )


def _parts(table: Any, schema: Any, chosen: Any) -> Parts:
    if not table.num_rows:
        raise DataError(f"holds the columns {', '.join(map(repr, schema.names[:20]))} and no rows")
    time, found = None, {}
    if chosen.time is not None:
        time, found = _times(schema.names[chosen.time], table)
    units = [_unit(schema.field(place)) for place in (*chosen.channels, *chosen.inputs)]
    width = len(chosen.channels)
    drive = _columns(table, chosen.names_of(chosen.inputs)) if chosen.inputs else None
    return Parts(
        values=_columns(table, chosen.names_of(chosen.channels)),
        channels=chosen.names_of(chosen.channels),
        times=time,
        inputs=drive,
        input_names=chosen.names_of(chosen.inputs) if chosen.inputs else None,
        units=tuple(units[:width]) if any(units[:width]) else None,
        input_units=tuple(units[width:]) if any(units[width:]) else None,
        time_name=None if chosen.time is None else schema.names[chosen.time],
        provenance=found,
    )


def _unit(field: Any) -> str:
    """The unit that the metadata of a column gives."""
    return ((field.metadata or {}).get(b"unit") or (field.metadata or {}).get(b"units") or b"").decode(
        "utf-8", "replace"
    )


def _columns(table: Any, names: tuple[str, ...]) -> np.ndarray:
    return np.column_stack([_numbers(table.column(name)) for name in names])


def _numbers(column: Any) -> np.ndarray:
    """One column as float64, or as the numbers that it holds; NaN where it is null."""
    import pyarrow as pa

    if column.null_count or pa.types.is_decimal(column.type):
        column = column.cast(pa.float64(), safe=False)
    return column.to_numpy()


def _times(name: str, table: Any) -> tuple[np.ndarray, dict[str, Any]]:
    """The times: dates in UTC where the column has a zone, spans of time as seconds, or numbers."""
    import pyarrow as pa

    column = table.column(name)
    if pa.types.is_timestamp(column.type):
        zone = {"zone": "UTC"} if column.type.tz else {}  # what is stored is UTC, the zone is for display
        return column.cast(pa.timestamp(column.type.unit)).to_numpy(), zone
    if pa.types.is_date(column.type):
        return column.cast(pa.timestamp("s" if pa.types.is_date32(column.type) else "ms")).to_numpy(), {}
    if pa.types.is_duration(column.type):
        return column.to_numpy() / np.timedelta64(1, "s"), {"time_unit": "s"}
    unit = _unit(table.schema.field(name))
    return _numbers(column), {"time_unit": unit} if unit else {}
