"""What the learners on a grid share: how its parameters are checked, and who sees whom."""

from math import prod
from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.errors import DataError, ModelFileError
from recurra.estimators.frame import Frame
from recurra.estimators.parameters import Checks
from recurra.reservoirs.neighbourhoods import BOUNDARIES, Grid, Neighbourhoods, common_scale

MOST = 10_000_000  # sites


def check_grid(checks: Checks) -> Checks:
    """Check `shape`, `fields`, `group`, `halo`, `boundary`, `mask` and `shared`."""
    model, problems = checks.owner, checks.problems
    checks.whole("fields", 1, MOST).flag("shared")
    if model.shape is not None:
        checks.wholes("shape", 1, MOST)
        if isinstance(model.shape, list | tuple) and len(model.shape) not in (1, 2):
            problems.append(f"`shape` is one number or two, got {model.shape!r}")
    for name, least in (("group", 1), ("halo", 0)):
        value = getattr(model, name)
        axes: list[Any] = [*value] if isinstance(value, list | tuple) and len(value) in (1, 2) else [value]
        if not all(whole_number(each) and least <= each <= MOST for each in axes):
            problems.append(f"`{name}` must be a whole number of at least {least}, or two of them, got {value!r}")
    walls = model.boundary if isinstance(model.boundary, list | tuple) else [model.boundary]
    if len(walls) not in (1, 2) or any(each not in BOUNDARIES for each in walls):
        problems.append(f"`boundary` must be one of {', '.join(BOUNDARIES)}, or two of them, got {model.boundary!r}")
    if model.mask is not None:
        flat = _flat(model.mask)
        if flat is None or not all(isinstance(each, bool) for each in flat) or all(flat):
            problems.append(f"`mask` must be a list of true and false, not all of them true, got {model.mask!r:.60}")
    return checks


def grid_of(model: Any, channels: int) -> Grid:
    """The grid of these parameters for so many channels.

    Raises:
        DataError: parameters that do not go with each other, or with the number of channels; says the numbers.
    """
    mask = _flat(model.mask) or []
    sites, rest = divmod(channels, model.fields)
    shape = tuple(model.shape or [sites + sum(mask)])
    group, halo, walls = (_axes(getattr(model, name), len(shape)) for name in ("group", "halo", "boundary"))
    said = " x ".join(map(str, shape))
    if mask and len(mask) != prod(shape):
        raise DataError(f"`mask` has {len(mask)} sites and the grid {said} = {prod(shape)}")
    if rest or sites + sum(mask) != prod(shape):
        raise DataError(
            f"the data have {channels} channels, and a grid of {said} sites, of which {sum(mask)} take no part, has "
            f"{model.fields * (prod(shape) - sum(mask))}: set `shape`, `fields` and `mask` to those of the data"
        )
    if any(n % g for n, g in zip(shape, group, strict=True)):
        raise DataError(
            f"a grid of {said} sites cannot be cut into groups of "
            f"{' x '.join(map(str, group))}: take a `group` that divides `shape`"
        )
    absent = tuple(np.flatnonzero(mask).tolist())
    return Grid(shape, group, halo, walls, absent, model.fields)


def neighbourhoods(model: Any, frame: Frame) -> Neighbourhoods:
    """Who sees whom: with `shared` in one scale for all sites, else each in its own.

    Raises:
        DataError: as `grid_of`; with `shared`, no group of which all sites take part.
    """
    grid = grid_of(model, len(frame.channels))
    if not model.shared:
        return Neighbourhoods.of(grid)
    near = Neighbourhoods.of(grid, *common_scale(frame.scaler.mean, frame.scaler.std, grid.fields))
    if not near.complete.any():
        raise DataError("every group has a site that takes no part: take a smaller `group`, or `shared=False`")
    return near


def file_grid(model: Any, channels: int) -> Grid:
    """`grid_of` the parameters and the channels that a model file says.

    Raises:
        ModelFileError: they do not go with each other.
    """
    try:
        return grid_of(model, channels)
    except DataError as error:
        raise ModelFileError(f"the file says of its grid: {error}") from error


def _axes(value: Any, count: int) -> tuple[Any, ...]:
    """One value for each axis."""
    axes = tuple(value) if isinstance(value, list | tuple) else (value,)
    if len(axes) == 1:
        return axes * count
    if len(axes) != count:
        raise DataError(f"{list(axes)} are two numbers for a grid of {count} dimension: give one")
    return axes


def _flat(mask: Any) -> list[Any] | None:
    """A mask given by rows or whole; None for what is no list."""
    if not isinstance(mask, list | tuple):
        return None
    rows = [row if isinstance(row, list | tuple) else [row] for row in mask]
    return [each for row in rows for each in row]
