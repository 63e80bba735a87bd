"""The ordinary differential equations of the package dysts, by name."""
# pyright: reportIncompatibleVariableOverride=false
# Name and channels of an equation that a package describes belong to the instance.

import importlib
import importlib.metadata
import json
import warnings
from collections.abc import Callable
from functools import cache
from importlib import resources, util
from itertools import count
from typing import Any, ClassVar

import equinox as eqx
import numpy as np

from recurra.errors import ConfigError, MissingExtraError, unknown
from recurra.series import Series
from recurra.systems.maps import provenance
from recurra.systems.system import Plan, System

PREFIX = "dysts/"
_SOLVERS = {"dop853": "DOP853", "lsoda": "LSODA"}
_TOLERANCE = 1e-12
_ROWS_A_PERIOD = 100
_CALLS, _CALLS_AT_LEAST = 1000, 100  # evaluations of the field a row, on average, and for how many rows at least


class Dysts(System):
    """A system of the package dysts; made by `from_dysts`.

    Args:
        equation: its name in the package.
        values: its parameters, by their names in the package.
    """

    equation: str = eqx.field(static=True)
    values: dict[str, Any] = eqx.field(metadata={"number": False})

    title: ClassVar[str] = "A system of the package dysts"
    methods: ClassVar[tuple[str, ...]] = tuple(_SOLVERS)

    @property
    def name(self) -> str:
        """dysts/ and the name in the package."""
        return PREFIX + self.equation

    @property
    def parameters(self) -> dict[str, Any]:
        """As in the package."""
        return dict(self.values)

    @property
    def state_size(self) -> int:
        """Number of variables."""
        return self._facts["embedding_dimension"]

    @property
    def channels(self) -> tuple[str, ...]:
        """x, y, z; x1 ... xn where there are more."""
        return ("x", "y", "z")[: self.state_size] if self.state_size < 4 else names_of(self.state_size)

    @property
    def units(self) -> tuple[str, ...]:
        """None have any."""
        return ("",) * self.state_size

    @property
    def default_dt(self) -> float:
        """About a hundredth of the dominant period that the package states."""
        return float(f"{self._facts['period'] / _ROWS_A_PERIOD:.3g}")

    @property
    def transient(self) -> float:
        """Ten dominant periods: the start is a point of the attractor, slightly moved."""
        return 10.0 * self._facts["period"]

    @property
    def lyapunov_exponent(self) -> float | None:
        """The package's `maximum_lyapunov_estimated`, for its own parameters: an estimate of limited accuracy."""
        own = self.values == self._facts["parameters"]
        return self._facts["maximum_lyapunov_estimated"] if own else None

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """The package's initial state, each number moved by about a thousandth of its size."""
        state = np.array(self._facts["initial_conditions"], dtype=np.float64)
        return state * (1 + 1e-3 * rng.standard_normal(len(state)))

    def trajectory(self, plan: Plan) -> Series:
        """Integrate the package's right-hand side, at a relative and absolute tolerance of 1e-12."""
        method = plan.method or self.methods[0]
        before = 0 if plan.initial is not None else int(np.ceil(self.transient / plan.dt))
        start = self.start(np.random.default_rng(plan.seed)) if plan.initial is None else plan.initial
        times = plan.dt * np.arange(-before, plan.steps + 1)
        values = self._solve(start, times, method)[before:]
        facts = provenance(self, plan.seed if plan.initial is None else None, values[0].tolist(), before * plan.dt)
        facts |= {"method": method, "tolerance": _TOLERANCE}
        if self.lyapunov_exponent is not None:
            facts["lyapunov_source"] = f"dysts {importlib.metadata.version('dysts')}, maximum_lyapunov_estimated"
        return Series(values, dt=plan.dt, times=times[before:], channels=self.channels, provenance=facts)

    def again(self, series: Series) -> np.ndarray:
        """The rows once more from the first of them, by a multistep method at the same tolerance."""
        return self._solve(series.values[0], series.times, "lsoda")

    @property
    def _facts(self) -> dict[str, Any]:
        return _catalogue()[self.equation]

    def _field(self) -> Callable[[float, np.ndarray], np.ndarray]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package advises to install numba
            flow = getattr(importlib.import_module("dysts.flows"), self.equation)(parameters=dict(self.values))
        return lambda t, y: np.asarray(flow.rhs(y, t), dtype=np.float64)

    def _solve(self, start: np.ndarray, times: np.ndarray, method: str) -> np.ndarray:
        from scipy.integrate import solve_ivp  # takes half a second to load

        options = {"rtol": _TOLERANCE, "atol": _TOLERANCE, "t_eval": times}
        field = _bounded(self._field(), _CALLS * (_CALLS_AT_LEAST + len(times)))
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what goes wrong is refused below
                found = solve_ivp(field, (times[0], times[-1]), start, _SOLVERS[method], **options)
        except _TooStiffError as error:
            raise self._refusal(str(error)) from None
        if found.t.size < len(times) or not np.isfinite(found.y).all():
            raise self._refusal(found.message)
        return found.y.T

    def _refusal(self, why: str) -> ConfigError:
        return ConfigError(
            f"{self.name} leaves the finite numbers, or grows too stiff ({why}): take method 'lsoda', another start or "
            "seed, or other parameters"
        )


class _TooStiffError(Exception):
    """A solver takes so many steps that it might never end."""


def _bounded(field: Callable[[float, np.ndarray], np.ndarray], most: int) -> Callable[[float, np.ndarray], np.ndarray]:
    """The field, until it was called `most` times: near a singularity the steps of a solver shrink without end."""
    calls = count(1)

    def called(t: float, y: np.ndarray) -> np.ndarray:
        if next(calls) > most:
            raise _TooStiffError(f"after {most} evaluations it is at t = {t:g}")
        return field(t, y)

    return called


def from_dysts(name: str, **parameters: Any) -> System:
    """A chaotic system of the package dysts, with the package's equations, parameters and time scales.

    Args:
        name: as in `dysts_catalogue`, in any case.
        parameters: parameters of the system that are not to have the package's values.

    Returns:
        A system; its Lyapunov exponent is the package's estimate.

    Raises:
        MissingExtraError: dysts is not installed.
        ConfigError: a name or a parameter that does not exist, or a value that cannot be.

    References:
        W. Gilpin, Chaos as an interpretable benchmark for forecasting and data-driven modelling, NeurIPS Datasets and
        Benchmarks (2021).

    >>> from_dysts("Lorenz", rho=20.0).parameters  # doctest: +SKIP
    {'beta': 2.667, 'rho': 20.0, 'sigma': 10}
    """
    known = _catalogue()
    lower = {own.lower(): own for own in known}
    if name.lower() not in lower:
        raise ConfigError(unknown("system of dysts", name, known))
    equation = lower[name.lower()]
    values = dict(known[equation]["parameters"])
    for given, value in parameters.items():
        if given not in values:
            raise ConfigError(unknown(f"parameter of {PREFIX}{equation}", given, values))
        values[given] = _checked(f"`{given}` of {PREFIX}{equation}", value, values[given])
    return Dysts(equation, values)


def dysts_catalogue() -> dict[str, str]:
    """Every system that `from_dysts` knows, with the package's line about it; equations with a delay are left out.

    Raises:
        MissingExtraError: dysts is not installed.
    """
    return {name: facts["description"] for name, facts in _catalogue().items()}


def names_of(size: int) -> tuple[str, ...]:
    """x1 ... xn."""
    return tuple(f"x{i}" for i in range(1, size + 1))


def _checked(what: str, value: Any, default: Any) -> Any:
    try:
        table = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        table = np.array(np.nan)
    if isinstance(value, bool | str) or table.shape != np.shape(default) or not np.isfinite(table).all():
        raise ConfigError(f"{what} must be finite, of shape {np.shape(default)}, got {value!r}")
    return table.tolist()


@cache
def _catalogue() -> dict[str, dict[str, Any]]:
    if util.find_spec("dysts") is None:
        raise MissingExtraError("systems of dysts need the package dysts: pip install 'recurra[dysts]'")
    text = (resources.files("dysts") / "data" / "chaotic_attractors.json").read_text(encoding="utf-8")
    return {name: facts for name, facts in sorted(json.loads(text).items()) if not facts["delay"]}
