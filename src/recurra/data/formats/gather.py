"""From the variables of a container to the columns of a series."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra.data.columns import Ask, Choice, Parts, choose, name_list
from recurra.data.formats.cf import decoded_times, physical, text
from recurra.data.formats.variables import CLOCKS, Container, Index, Variable
from recurra.data.npy import take
from recurra.errors import ConfigError, DataError


@dataclass(frozen=True, eq=False)
class Table:
    """One variable, or several side by side, as columns.

    Args:
        values: (time, columns).
        header: names of the columns.
        named: whether the file gives these names, or they were counted.
        clock: the time coordinate.
        rows: which of its rows were taken.
        units: one a column.
    """

    values: np.ndarray
    header: tuple[str, ...]
    named: bool
    clock: Variable | None
    rows: slice
    units: tuple[str, ...]


def gather(box: Container, ask: Ask) -> Parts:
    """The parts of a series.

    `variable` names the one that holds the channels; without it `channels` may name several, that are put side by side,
    or there is a single one. `inputs` names columns of it, or variables.

    Raises:
        ConfigError: several variables and no choice, or a name that none has.
        DataError: what the variable holds, its shape or its size.
    """
    wanted, drive, time = name_list(ask.channels, "channels"), name_list(ask.inputs, "inputs"), ask.time
    aside = {*(drive or []), *([] if time is None else [time])}
    if ask.variable is None and wanted and all(box.has(name) for name in wanted):
        table, wanted = _beside(box, wanted, time, ask.time_axis), None
    else:
        table = _table(box, _single(box, aside) if ask.variable is None else ask.variable, time, ask.time_axis)
    column = time if time is not None and not box.has(time) else None
    outside = drive is not None and not set(drive) <= set(table.header) and all(box.has(name) for name in drive)
    header = table.header if table.named or not _renames(wanted, table.header) else tuple(wanted or ())
    chosen = choose(header, len(header), time=column, channels=wanted, inputs=None if outside else drive)
    driven = _beside(box, drive, time, ask.time_axis) if outside and drive else None
    if driven is not None and len(driven.values) != len(table.values):
        raise DataError(f"the inputs have {len(driven.values)} rows, the channels {len(table.values)}")
    found: dict[str, Any] = {}
    times = table.values[:, chosen.time] if chosen.time is not None else None
    if times is None and table.clock is not None:
        times, found = decoded_times(
            table.clock.name, box.read(table.clock, _line(table.clock, table.rows)).reshape(-1), table.clock.attributes
        )
    return Parts(
        values=take(table.values, chosen.channels),
        channels=chosen.names_of(chosen.channels),
        times=times,
        units=tuple(table.units[column] for column in chosen.channels) if any(table.units) else None,
        dt=None if times is not None else _dt(box),
        time_name=None if table.clock is None or chosen.time is not None else table.clock.name,
        **_inputs(table, chosen, driven),
        provenance=found,
    )


def _inputs(table: Table, chosen: Choice, driven: Table | None) -> dict[str, Any]:
    """The drive: other variables, columns of the same one, or none."""
    if driven is not None:
        return {"inputs": driven.values, "input_names": driven.header, "input_units": driven.units}
    if not chosen.inputs:
        return {}
    units = tuple(table.units[column] for column in chosen.inputs)
    return {
        "inputs": take(table.values, chosen.inputs),
        "input_names": chosen.names_of(chosen.inputs),
        "input_units": units,
    }


def _single(box: Container, aside: set[str]) -> str:
    """The one variable that could be meant."""
    found = [name for name in box.candidates() if name not in aside]
    if len(found) == 1:
        return found[0]
    if not found:
        faults = [f"{v.name!r} {v.fault}" for v in box.scope.values() if v.fault]
        raise DataError(
            f"holds no variable of real numbers that could be read: {'; '.join(faults[:3]) or box.listed()}"
        )
    raise ConfigError(f"say which to read with `variable`: {len(found)} could be meant; the file holds {box.listed()}")


def _renames(wanted: list[str] | None, header: tuple[str, ...]) -> bool:
    return wanted is not None and len(wanted) == len(header) and not set(wanted) & set(header)


def _table(box: Container, given: str, time: str | None, time_axis: int | None) -> Table:
    """The columns of one variable: time down the rows, at most one other axis."""
    variable, index = box.find(given)
    box.check(variable)
    if not variable.shape:
        raise DataError(f"{variable.name!r} is a single number: the file holds {box.listed()}")
    axis, clock = _time_axis(box, variable, index, time, time_axis)
    lengths = [
        len(range(n)[part]) if isinstance(part, slice) else 0 for n, part in zip(variable.shape, index, strict=True)
    ]
    others = [side for side, length in enumerate(lengths) if side != axis and length > 1]
    if len(others) > 1:
        raise ConfigError(
            f"{variable.name!r} has {len(others)} axes beside time, {_sides(variable, others)}: choose one place with "
            f"`variable={_place(variable, axis, others)!r}`, or one axis that holds the channels"
        )
    stored = physical(box.read(variable, index), variable.attributes)
    kept = [side for side, part in enumerate(index) if isinstance(part, slice)]
    order = [kept.index(axis), *(kept.index(side) for side in others)]
    values = np.transpose(stored, order + [side for side in range(len(kept)) if side not in order])
    values = values.reshape(lengths[axis], lengths[others[0]] if others else 1)
    if time_axis is None and clock is None and values.shape[1] > values.shape[0]:
        raise DataError(
            f"{variable.name!r} has {values.shape[0]} rows and {values.shape[1]} channels: time runs down the rows, so "
            f"this looks transposed: give `time_axis={others[0]}`, or `time`"
        )
    labels = _labels(box, variable, index, others, axis)
    counted = tuple(f"{variable.base}{column}" for column in range(values.shape[1]))
    rows = index[axis]
    assert isinstance(rows, slice)
    alone = given.removeprefix("/").removeprefix(f"{variable.folder}{variable.separator}")
    return Table(
        values,
        labels or (counted if others else (alone,)),
        labels is not None,
        clock,
        rows,
        _units(variable, index, others, values.shape[1]),
    )


def _beside(box: Container, given: list[str], time: str | None, time_axis: int | None) -> Table:
    """Variables side by side: the same rows at the same times."""
    tables = [_table(box, name, time, time_axis) for name in given]
    rows = {name: len(table.values) for name, table in zip(given, tables, strict=True)}
    clocks = {table.clock.name for table in tables if table.clock is not None}
    if len(set(rows.values())) > 1:
        raise DataError(f"the variables differ in length: {rows}")
    if len(clocks) > 1:
        raise DataError(f"the variables have different times, {sorted(clocks)}: read one at a time with `variable`")
    return Table(
        np.column_stack([table.values for table in tables]),
        tuple(name for table in tables for name in table.header),
        True,
        next((table.clock for table in tables if table.clock is not None), None),
        tables[0].rows,
        tuple(unit for table in tables for unit in table.units),
    )


def _time_axis(
    box: Container, variable: Variable, index: Index, time: str | None, asked: int | None
) -> tuple[int, Variable | None]:
    """Which axis is time, and its coordinate."""
    free = [side for side, part in enumerate(index) if isinstance(part, slice)]
    if not free:
        raise ConfigError(f"{variable.name!r} is a single number there: leave the axis of time as `:`")
    if time is not None and box.has(time):
        clock, _ = box.find(time)
        return _axis_of(clock, variable, free, asked), clock
    if asked is not None:
        if asked not in free:
            raise ConfigError(f"`time_axis={asked}` is none of the axes {free} of {variable.name!r} {variable.shape}")
        return asked, _coordinate(box, variable, asked)
    if any(variable.dims):
        for side in free:
            clock = _coordinate(box, variable, side)
            if clock is not None or variable.dims[side].rpartition("/")[2].lower() in CLOCKS:
                return side, clock
    clock = None if any(variable.dims) else _sibling(box, variable)
    if clock is not None:
        return _axis_of(clock, variable, free, None), clock
    wide = [side for side in free if variable.shape[side] > 1]
    if all(variable.dims) and variable.dims and len(wide) > 1:
        raise ConfigError(
            f"none of the axes of {variable.name!r}, {_sides(variable, wide)}, is known to be time: say which with "
            f"`time_axis`, as `time_axis={wide[0]}`"
        )
    return (wide or free)[0], None


def _coordinate(box: Container, variable: Variable, side: int) -> Variable | None:
    """The time coordinate of an axis, where it has one."""
    clock = box.all.get(variable.dims[side]) if variable.dims else None
    return clock if clock is not None and box.clock(clock) else None


def _sibling(box: Container, variable: Variable) -> Variable | None:
    """Where axes have no names: an array beside it that is named like a time and has its length."""
    for found in box.scope.values():
        length = max(found.shape, default=0)
        beside = found.folder == variable.folder and found is not variable and box.clock(found)
        if beside and int(np.prod(found.shape)) == length and length in variable.shape:
            return found
    return None


def _axis_of(clock: Variable, variable: Variable, free: list[int], asked: int | None) -> int:
    """The axis along which these times run: by name, else by length."""
    length = max(clock.shape, default=1)
    if int(np.prod(clock.shape)) != length:
        raise DataError(f"{clock.name!r} is the time axis and has shape {clock.shape}, expected (time,)")
    named = [
        side for side in free if variable.dims and variable.dims[side] and clock.dims[:1] == (variable.dims[side],)
    ]
    fitting = named or [side for side in free if variable.shape[side] == length and asked in (None, side)]
    if not fitting or variable.shape[fitting[0]] != length:
        raise DataError(f"{clock.name!r} has {length} times, and {variable.name!r} has the shape {variable.shape}")
    return fitting[0]


def _line(clock: Variable, rows: slice) -> Index:
    """The same rows of a vector, also where it is written as one row or column."""
    length = max(clock.shape)
    return tuple(rows if side == clock.shape.index(length) else slice(None) for side in range(len(clock.shape)))


def _labels(box: Container, variable: Variable, index: Index, others: list[int], axis: int) -> tuple[str, ...] | None:
    """The names of the columns, where the coordinate of their axis holds words."""
    for side in others or range(len(variable.dims)):
        label = box.all.get(variable.dims[side]) if variable.dims and side != axis else None
        if label is not None and label.kind == "text" and len(label.shape) == 1:
            part = index[side]
            rows = part if isinstance(part, slice) else slice(part, part + 1)
            return tuple(str(word) for word in box.read(label, (rows,), words=True))
    return None


def _units(variable: Variable, index: Index, others: list[int], count: int) -> tuple[str, ...]:
    """One a column: the attribute is a text, or a list along the axis of the channels."""
    found = variable.attributes.get("units")
    if not isinstance(found, list | np.ndarray) or np.size(found) == 1:
        return (text(found[0] if isinstance(found, list) else found),) * count
    told, sides = (
        [text(unit) for unit in found],
        [side for side, length in enumerate(variable.shape) if length == len(found)],
    )
    side = next((side for side in (*others, *reversed(sides)) if side in sides), None)
    if side is None:
        return ("",) * count
    part = told[index[side]]
    return (
        tuple(part)
        if isinstance(part, list) and len(part) == count
        else (part if isinstance(part, str) else "",) * count
    )


def _dt(box: Container) -> float | None:
    """The step, where the file holds a number of this name."""
    found = box.scope.get("dt")
    if found is None or not found.numeric or np.prod(found.shape) != 1:
        return None
    return float(box.read(found, (slice(None),) * len(found.shape)).reshape(()))


def _sides(variable: Variable, axes: list[int]) -> str:
    dims = variable.dims or ("",) * len(variable.shape)
    return ", ".join(f"{dims[side].rpartition('/')[2] or f'axis {side}'} ({variable.shape[side]})" for side in axes)


def _place(variable: Variable, axis: int, others: list[int]) -> str:
    marks = ["0" if side in others and side != axis else ":" for side in range(len(variable.shape))]
    return f"{variable.name}[{', '.join(marks)}]"
