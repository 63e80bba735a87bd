"""`Config`: everything that decides what a run computes, in one frozen value that TOML can hold."""

import hashlib
import inspect
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

from recurra.data.splits import check_kind
from recurra.errors import ConfigError, unknown
from recurra.experiment.checks import fits, mistyped, refuse
from recurra.experiment.settings import merge, parse_setting, read_toml
from recurra.storage import canonical

_EMPTY: Mapping[str, Any] = MappingProxyType({})
_KINDS = ("dataset", "system")
_NONE = "none"  # TOML has no word for None: a parameter that may be None, and is not by default, is switched off so
READING = (  # fields of `DataSpec` that `read_series` takes
    *("time", "channels", "inputs", "units", "dt", "delimiter", "decimal", "gaps", "missing", "duplicates", "sort"),
    *("resample", "time_unit", "zone", "time_axis", "variable", "group"),
)
_USED = {  # which fields of `DataSpec` each kind of source uses
    "file": set(READING),
    "dataset": {"parameters"},
    "system": {"steps", "dt", "method", "seed", "parameters"},
}


@dataclass(frozen=True)
class DataSpec:
    """Which data, and how they are read or simulated.

    Args:
        source: a file, `dataset:NAME` or `system:NAME`.
        sha256: hash of the data; where given, data with another hash are refused.
        time, channels, inputs, units, delimiter, decimal, gaps, missing, duplicates, sort, resample, time_unit, zone,
            time_axis, variable, group: as `read_series` takes them; for files.
        dt: step between rows, in time units; for files without times, and for systems.
        steps: steps to simulate; for systems.
        method: integrator; for systems.
        seed: of the simulation, apart from that of the learner so that both can be varied alone.
        parameters: fields of the system, or options of the data set.
    """

    source: str
    sha256: str | None = None
    time: str | None = None
    channels: Sequence[str] | None = None
    inputs: Sequence[str] | None = None
    units: Sequence[str] | None = None
    dt: float | None = None
    delimiter: str | None = None
    decimal: str | None = None
    gaps: str | None = None
    missing: Sequence[float | str] | None = None
    duplicates: str | None = None
    sort: bool | None = None
    resample: float | None = None
    time_unit: str | None = None
    zone: str | None = None
    time_axis: int | None = None
    variable: str | None = None
    group: str | None = None
    steps: int | None = None
    method: str | None = None
    seed: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """`file`, `dataset` or `system`."""
        prefix = self.source.partition(":")[0]
        return prefix if prefix in _KINDS else "file"

    @property
    def name(self) -> str:
        """The name of the data set or system, or the file's without its ending."""
        return self.source.partition(":")[2] if self.kind != "file" else Path(self.source).stem


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run computes.

    Args:
        data: which data.
        learner: a name from `recurra.estimators.LEARNERS`.
        parameters: keyword arguments of the learner's constructor.
        split: fraction of the rows (or trajectories) that is trained on; the rest is forecast and scored.
        split_by: "time", or "trajectory" for whole segments of the data.
        gap: rows left out between the two parts: known to the forecast, never trained on.
        seed: of the learner; None for one in which nothing is random.
        name: a label for the run's directory; decides nothing.
    """

    data: DataSpec
    learner: str = "auto"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    split: float = 0.8
    split_by: str = "time"
    gap: int = 0
    seed: int | None = 0
    name: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As plain nested tables, ready for TOML: settings that are not set are left out."""
        return _plain(asdict(self))

    def run_name(self) -> str:
        """`<name>-<hash>`, where a run with this configuration is kept by default."""
        label = self.name or f"{self.data.name}-{self.learner}"
        return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', label).strip('-.')[:80]}-{config_hash(self.as_dict())[:8]}"


def config_hash(resolved: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of a resolved configuration; its label does not count."""
    return hashlib.sha256(canonical({k: v for k, v in resolved.items() if k != "name"}).encode()).hexdigest()


def make_config(
    *,
    file: str | os.PathLike[str] | None = None,
    table: Mapping[str, Any] = _EMPTY,
    settings: Sequence[str] = (),
    options: Mapping[str, Any] = _EMPTY,
) -> Config:
    """Put a configuration together and fill in every default.

    Args:
        file: a TOML file.
        table: what such a file would hold, where there is none.
        settings: `key=value` texts that go over it; a key that is not in the configuration names a
            parameter of the learner, so that `units=500` stands for `parameters.units=500`.
        options: dotted keys and values that go over it; None is left out.

    Raises:
        ConfigError: unknown keys, wrong types, values out of range: all problems at once.
    """
    pairs = [(full_key(key), value) for key, value in map(parse_setting, settings)]
    table, problems = merge(read_toml(file) if file is not None else table, pairs, options)
    if isinstance(table.get("split"), str):
        check_kind(table["split"])  # a random split is refused with the reason
    problems += _misfits(Config, table, "")
    data = table.get("data")
    if isinstance(data, Mapping):
        problems += _misfits(DataSpec, data, "data.")
    refuse(problems, "configuration")
    check_kind(table.get("split_by", "time"))
    config = Config(**{**table, "data": DataSpec(**table["data"])})
    problems = _out_of_range(config) + _unused(config.data)
    problems += _learner_problems(config)
    refuse(problems, "configuration")
    # Where nothing is random the seed decides nothing: left out, so that every seed names the same run.
    seed = config.seed if _has_seed(config) else None
    config = Config(**{**vars(config), "seed": seed, "parameters": _resolved_parameters(config)})
    build_learner(config).check()
    return config


def full_key(key: str) -> str:
    """A key of the configuration; one that it does not have names a parameter of the learner.

    >>> full_key("units"), full_key("data.steps")
    ('parameters.units', 'data.steps')
    """
    top = {entry.name for entry in fields(Config)}
    return key if key.split(".")[0] in top else f"parameters.{key}"


def data_of(resolved: Mapping[str, Any]) -> DataSpec:
    """The data specification in a resolved configuration; `ConfigError` where it holds none."""
    data = resolved.get("data")
    refuse(_misfits(DataSpec, data, "data.") if isinstance(data, Mapping) else ["data is missing"], "configuration")
    return DataSpec(**dict(data or {}))


def build_learner(config: Config) -> Any:
    """The unfitted estimator that a configuration describes."""
    seed = {} if config.seed is None else {"seed": config.seed}
    learner = _learners()[config.learner]
    hints = _hints(type(learner.build()))
    given = {key: _value(value, hints.get(key, Any)) for key, value in config.parameters.items()}
    return learner.build(**given, **seed)


def _value(value: Any, hint: Any) -> Any:
    """A parameter as the learner takes it: the word for None becomes None where that may be given."""
    return None if value == _NONE and hint is not Any and fits(None, hint) else value


def _has_seed(config: Config) -> bool:
    return "seed" in _learners()[config.learner].build().get_params()


def _learners() -> Mapping[str, Any]:
    from recurra.estimators import LEARNERS

    return LEARNERS


def _misfits(kind: type, table: Mapping[str, Any], prefix: str) -> list[str]:
    hints = get_type_hints(kind)
    hints = {name: Mapping if hint is DataSpec else hint for name, hint in hints.items()}
    problems = []
    for key, value in table.items():
        if key in hints:
            problems += mistyped(prefix + key, value, hints[key])
        else:
            problems.append(unknown("key", prefix + key, [prefix + name for name in hints]))
    for entry in fields(kind):  # type: ignore[arg-type]  # a dataclass
        if entry.default is MISSING and entry.default_factory is MISSING and entry.name not in table:
            problems.append(f"{prefix}{entry.name} is missing: name a file, dataset:NAME or system:NAME as DATA")
    return problems


def _out_of_range(config: Config) -> list[str]:
    data = config.data
    limits = {
        "split": (0 < config.split < 1, config.split, "between 0 and 1"),
        "gap": (config.gap >= 0, config.gap, "0 or more"),
        "seed": (config.seed is None or 0 <= config.seed < 2**32, config.seed, "in 0 ... 2^32 - 1"),
        "data.seed": (data.seed is None or 0 <= data.seed < 2**32, data.seed, "in 0 ... 2^32 - 1"),
        "data.dt": (data.dt is None or data.dt > 0, data.dt, "positive"),
        "data.steps": (data.steps is None or data.steps > 0, data.steps, "positive"),
        "data.source": (bool(data.name), data.source, "a file, dataset:NAME or system:NAME"),
    }
    return [f"{key} = {value!r} must be {rule}" for key, (good, value, rule) in limits.items() if not good]


def _unused(data: DataSpec) -> list[str]:
    given = {entry.name for entry in fields(data) if getattr(data, entry.name) not in (None, {})}
    unused = given - _USED[data.kind] - {"source", "sha256"}
    return [f"data.{name} has no meaning for a {data.kind}" for name in sorted(unused)]


def _learner_problems(config: Config) -> list[str]:
    learners = _learners()
    if config.learner not in learners:
        return [unknown("learner", config.learner, learners)]
    estimator = learners[config.learner].build()
    known = set(estimator.get_params())
    hints = _hints(type(estimator))
    problems = []
    for key, value in config.parameters.items():
        if key == "seed":
            problems.append("parameters.seed: the seed is a key of its own, `seed`")
        elif key not in known:
            problems.append(unknown(f"parameter of {config.learner}", key, known - {"seed"}))
        else:
            hint = hints.get(key, Any)
            problems += mistyped(f"parameters.{key}", _value(value, hint), hint)
    return problems


def _hints(estimator: type) -> dict[str, Any]:
    parameters = inspect.signature(estimator).parameters
    return {name: entry.annotation for name, entry in parameters.items() if entry.annotation is not entry.empty}


def _resolved_parameters(config: Config) -> dict[str, Any]:
    defaults = _learners()[config.learner].build().get_params()
    plain = {key: value for key, value in defaults.items() if key != "seed" and _is_plain(value)}
    hints = _hints(type(_learners()[config.learner].build()))
    given = {**plain, **config.parameters}
    off = {key for key, value in given.items() if _value(value, hints.get(key, Any)) is None}
    # What is None by default is left out: the same run has the same configuration, however it was asked for.
    return {key: _NONE if key in off else value for key, value in given.items() if key not in off or key in plain}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(element) for element in value)
    return isinstance(value, bool | int | float | str)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None and inner != {}}
    return [_plain(element) for element in value] if isinstance(value, list | tuple) else value


def check_data_hash(config: Config, found: str) -> Config:
    """The configuration with the hash of its data; refuses data that are not those it was written for."""
    if config.data.sha256 not in (None, found):
        raise ConfigError(
            f"{config.data.source} is not what the configuration was written for: "
            f"its SHA-256 is {found}, expected {config.data.sha256}"
        )
    return Config(**{**vars(config), "data": DataSpec(**{**vars(config.data), "sha256": found})})
