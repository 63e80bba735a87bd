"""The rows of a suite, one JSON object a line: measured, kept as soon as they are there, and never measured twice."""

import json
import os
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recurra.errors import ConfigError, DataError, ModelFileError, RecurraWarning, RunDirectoryError
from recurra.suites.suite import Case, Suite

Row = dict[str, Any]
_SAID = 200  # characters of a warning that a row keeps


def measure_rows(
    suite: Suite,
    cases: Sequence[Case],
    path: Path,
    *,
    command: str,
    again: bool = False,
    told: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Measure the cases that a file does not hold yet, and append each to it when it is done.

    Args:
        suite: what is measured.
        cases: which rows.
        path: a file of JSON lines, made where there is none. A last line that was cut off is measured again.
        command: how the rows were made; kept with each.
        again: measure these cases anew, and drop the rows that they had.
        told: called with every new row.

    Returns:
        All rows of the file.

    Raises:
        ConfigError: a row of the same name that was made with other settings or under other conditions.
        DataError: a file that holds something else.
        RunDirectoryError: the file cannot be written.
    """
    keys = {case.key for case in cases}
    rows = read_rows(path, suite)
    if again:
        rows = [row for row in rows if key_of(row) not in keys]
    given = {key_of(row): row["given"] for row in rows}
    for case in cases:
        if case.key in given and given[case.key] != case.entry.given:
            raise ConfigError(
                f"{path} has a row {case.entry.name!r} of seed {case.seed} that was made with {given[case.key]}, and "
                f"now it is {case.entry.given}: choose another file, or measure it anew with --force"
            )
    _rewrite(path, rows)
    for case in cases:
        if case.key not in given:
            row = {"suite": suite.name, **measure_row(suite, case), "command": command, **_stamp()}
            _append(path, row)
            rows.append(row)
            told(row)
    return rows


def measure_row(suite: Suite, case: Case) -> Row:
    """One row: what it is of, its scores, its processor seconds, and the warnings that were seen on the way."""
    began, used = time.perf_counter(), time.process_time()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", RecurraWarning)
        scores = _plain(dict(suite.measure(case)))
    missing = [each.name for each in suite.measures if each.name not in scores]
    if missing:
        raise DataError(f"the suite {suite.name} gives no {', '.join(missing)} for {case.entry.name!r}")
    texts = {str(each.message)[:_SAID] for each in seen if issubclass(each.category, RecurraWarning)}
    for each in seen:
        if not issubclass(each.category, RecurraWarning):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    times = {"cpu": round(time.process_time() - used, 2), "seconds": round(time.perf_counter() - began, 2)}
    row = {
        "name": case.entry.name,
        "learner": case.entry.learner,
        "seed": case.seed,
        **({"part": case.part} if case.part else {}),
        "given": _plain(case.entry.given),
        **times,
        **scores,
    }
    return {**row, "warnings": sorted(texts)} if texts else row


def read_rows(path: Path, suite: Suite) -> list[Row]:
    """The rows that a file holds, of this suite; none where there is no file.

    Raises:
        DataError: a line that is no row of it. A last line without its end was cut off, and is left out.
    """
    from recurra.storage import loads_strict

    if not path.exists():
        return []
    *lines, _ = path.read_text(encoding="utf-8").split("\n")
    rows = []
    for number, line in enumerate(lines, 1):
        what = f"line {number} of {path}"
        try:
            row = loads_strict(line, what=what)
        except ModelFileError as error:
            raise DataError(f"{error}: give a file of results of `recurra bench {suite.name}`, or a new one") from error
        if not isinstance(row, dict) or row.get("suite") != suite.name or not {"name", "seed", "given"} <= set(row):
            raise DataError(f"{what} is no row of the suite {suite.name}: give another file, or a new one")
        rows.append(row)
    return rows


def key_of(row: Row) -> tuple[str, int, str]:
    """What tells a row from all others, as `Case.key`."""
    return row["name"], row["seed"], row.get("part", "")


def _rewrite(path: Path, rows: Sequence[Row]) -> None:
    """Leave nothing but these rows in the file; one that holds nothing else already is not touched."""
    from recurra.storage import write_atomic

    text = "".join(map(_line, rows))
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_atomic(path, text.encode())


def _append(path: Path, row: Row) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(_line(row))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise RunDirectoryError(
            f"cannot write to {path}: {error.strerror or error}. The rows that it holds are whole; make room or choose "
            "another file, and the same command goes on"
        ) from error


def _line(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    from recurra.storage import plain

    return plain(value)


def _stamp() -> Row:
    from recurra.experiment.environment import environment

    found = environment()["versions"]
    return {
        "made": datetime.now(UTC).date().isoformat(),
        "versions": {name: found[name] for name in ("recurra", "python", "numpy", "scipy", "jax") if name in found},
    }
