"""A sweep on paper: one configuration, and for some of its keys a list of values instead of one."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recurra.errors import ConfigError
from recurra.experiment import Config, make_config
from recurra.experiment.config import full_key
from recurra.experiment.settings import flatten, read_toml
from recurra.sweeps.out_of_core_row import check_row
from recurra.sweeps.task import Task

_MOST = 10_000  # rows
_OUT_OF_CORE = "out_of_core"


@dataclass(frozen=True)
class Row:
    """One run of a sweep.

    Args:
        settings: the values that the grid gives it, by key.
        config: the whole configuration.
    """

    settings: Mapping[str, Any]
    config: Config

    @property
    def name(self) -> str:
        """The name of its run directory."""
        return self.config.run_name()


@dataclass(frozen=True)
class Grid:
    """Every combination of the values in a grid, the last key varying fastest.

    Args:
        table: the file as it was read; decides what the sweep is.
        keys: what varies, in the order of the file.
        rows: one for each combination.
        out_of_core: whether the data are read in parts, not at once.
    """

    table: Mapping[str, Any]
    keys: tuple[str, ...]
    rows: tuple[Row, ...]
    out_of_core: bool = False

    def task(self, row: Row, path: Path, *, force: bool) -> Task:
        """The fit of a row in a run directory."""
        arguments = {"config": row.config.as_dict(), "path": str(path), "force": force}
        home = "out_of_core_row:out_of_core_row" if self.out_of_core else "rows:fit_row"
        return Task(row.name, f"recurra.sweeps.{home}", arguments)


def read_grid(path: Path) -> Grid:
    """Read a sweep from a TOML file: a configuration as of `fit`, and a table `[grid]` of lists.

    Keys of the grid are those of the configuration (`seed`, `learner`, `"data.steps"`); any other names a parameter of
    the learner (`units`). With `out_of_core = true` the data are a Zarr store larger than memory, and the learner is an
    echo state network with a given `ridge`.

    Raises:
        ConfigError: no grid, an empty list, a row that cannot work: with the settings of that row.
    """
    table = read_toml(path)
    base = {key: value for key, value in table.items() if key not in ("grid", _OUT_OF_CORE)}
    apart = table.get(_OUT_OF_CORE, False)
    if not isinstance(apart, bool):
        raise ConfigError(f"{path}: {_OUT_OF_CORE} = {apart!r} must be true or false")
    grid = table.get("grid")
    if not isinstance(grid, dict) or not grid:
        raise ConfigError(f"{path} has no table [grid]: give it lists of values, as in seed = [0, 1, 2]")
    axes = flatten(grid)
    flat = [key for key, values in axes.items() if not isinstance(values, list) or not values]
    if flat:
        raise ConfigError(f"{path}: grid.{flat[0]} must be a list of one value or more, as in seed = [0, 1, 2]")
    count = 1
    for values in axes.values():
        count *= len(values)
    if count > _MOST:
        raise ConfigError(f"{path} asks for {count:,} runs, more than {_MOST:,}: make several sweeps of it")
    rows = [_row(dict(zip(axes, values, strict=True)), base) for values in itertools.product(*axes.values())]
    seen: dict[str, Row] = {}
    for row in rows:
        if apart:
            check_row(row.config)
        if row.name in seen:
            raise ConfigError(
                f"{path}: {dict(row.settings)} and {dict(seen[row.name].settings)} are the same run: nothing that "
                "differs between them is used"
            )
        seen[row.name] = row
    return Grid(table, tuple(axes), tuple(rows), apart)


def _row(settings: dict[str, Any], base: Mapping[str, Any]) -> Row:
    try:
        return Row(settings, make_config(table=base, options={full_key(key): value for key, value in settings.items()}))
    except ConfigError as error:
        raise ConfigError(f"with {settings}: {error}") from error
