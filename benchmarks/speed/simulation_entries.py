"""Lorenz-63 by Runge-Kutta steps, and by other libraries at the same error."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from benchmarks.speed.worker import Entry, seconds

DT, START = 0.01, [1.0, 2.0, 20.0]
HORIZON = 200  # steps over which errors are compared, two time units: beyond, chaos takes over
EXACT = 1e-12  # tolerance of the reference


def lorenz(t: float, v: np.ndarray) -> list[float]:
    """The vector field, on plain numbers: the fastest in Python."""
    x, y, z = v.tolist()
    return [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z]


def recurra(*, steps: int, folder: str) -> Entry:
    """Seconds of one step of `simulate(method="rk4")`."""
    import recurra as rc

    system = rc.systems.Lorenz63()

    def run(count: int) -> np.ndarray:
        return system.simulate(steps=count, dt=DT, method="rk4", initial=START).values

    rows = run(HORIZON)
    np.save(Path(folder) / "rk4.npy", rows)
    first = seconds(lambda: run(steps))
    check = {"states": rows[:100].ravel().tolist()}
    return Entry(lambda: seconds(lambda: run(steps)) / steps, check, first, {"steps": steps, "error": _error(rows)})


def scipy(*, steps: int, folder: str, method: str) -> Entry:
    """Seconds of one step of `solve_ivp` with the loosest tolerance that is as accurate; fewer steps, scaled."""
    from scipy.integrate import solve_ivp

    def run(count: int, rtol: float) -> np.ndarray:
        times = DT * np.arange(count + 1)
        found = solve_ivp(lorenz, (0, times[-1]), START, method=method, t_eval=times, rtol=rtol, atol=rtol)
        return found.y.T

    return _at_equal_error(run, folder, steps // 50)


def dysts(*, steps: int, folder: str, method: str) -> Entry:
    """Seconds of one step of `Lorenz().make_trajectory` of dysts, likewise."""
    from dysts.flows import Lorenz

    system = Lorenz(parameters={"sigma": 10.0, "rho": 28.0, "beta": 8 / 3}, dt=DT)

    def run(count: int, rtol: float) -> np.ndarray:
        start = np.array(START)
        options = {"init_cond": start, "resample": False, "method": method, "rtol": rtol, "atol": rtol}
        return np.asarray(system.make_trajectory(count + 1, **options))

    return _at_equal_error(run, folder, steps // 100)


def _reference() -> np.ndarray:
    from scipy.integrate import solve_ivp

    times = DT * np.arange(HORIZON + 1)
    return solve_ivp(lorenz, (0, times[-1]), START, method="DOP853", t_eval=times, rtol=EXACT, atol=EXACT).y.T


def _error(rows: np.ndarray) -> float:
    return float(np.abs(rows - _reference()).max())


def _at_equal_error(run: Callable[[int, float], np.ndarray], folder: str, steps: int) -> Entry:
    allowed = _error(np.load(Path(folder) / "rk4.npy"))
    for exponent in np.arange(-3, -12, -0.25):
        rtol = float(10.0**exponent)
        rows = run(HORIZON, rtol)
        if (found := _error(rows)) <= allowed:
            check = {"states": rows[:100].ravel().tolist()}
            facts = {"tolerance": rtol, "error": found, "steps": steps}
            return Entry(lambda rtol=rtol: seconds(lambda: run(steps, rtol)) / steps, check, None, facts)
    raise ValueError(f"no tolerance down to 1e-12 has an error of {allowed:.1e}")
