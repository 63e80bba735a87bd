"""The Kuramoto-Sivashinsky equation on rings of three lengths: for how many Lyapunov times does a forecast hold?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.signal import resample

from recurra.suites.suite import Case, Entry, Published, Suite
from recurra.suites.valid_times import MEASURES, Starts, held

DT, LEARNT, STARTS, AHEAD = 0.25, 10_000, 20, 15.0  # time units a row; rows; forecasts; Lyapunov times of each
FIRST, LAST = 100, 9000  # rows after those that may be learnt between which forecasts start


@dataclass(frozen=True)
class Ring:
    """A ring of one length.

    Args:
        points: of the grid that the equation is solved and scored on.
        exponent: the first one, as `recurra.systems.reference` has measured it.
    """

    points: int
    exponent: float


RINGS = {22: Ring(64, 0.0477), 100: Ring(256, 0.0910), 200: Ring(512, 0.0933)}  # by L


@lru_cache(maxsize=1)
def starts(length: int) -> Starts:
    """The trajectory of a length, and 20 starts by a fixed seed."""
    from recurra.systems import KuramotoSivashinsky

    ring = RINGS[length]
    horizon = round(AHEAD / ring.exponent / DT)
    drawn = np.random.default_rng(0).choice(np.arange(FIRST, LAST), STARTS, replace=False)
    origins = LEARNT + np.sort(drawn)
    system = KuramotoSivashinsky(length=float(length), points=ring.points)
    truth = system.simulate(steps=int(origins[-1]) + horizon + 1, dt=DT, seed=1)
    return Starts(truth, LEARNT, tuple(origins.tolist()), horizon, ring.exponent)


def measure(case: Case) -> dict[str, Any]:
    """Fit once to the field at some points, forecast it there, and go back to all points by its waves."""
    given = case.entry.conditions
    points, grid = given["points"], RINGS[given["L"]].points

    def seen(rows: np.ndarray) -> np.ndarray:
        return np.asarray(resample(rows, points, axis=1)) if points != grid else rows

    def whole(forecasts: np.ndarray) -> np.ndarray:
        return np.asarray(resample(forecasts, grid, axis=2)) if points != grid else forecasts

    return held(case.build(), starts(given["L"]), given["rows"], seen, whole)


POLYNOMIALS: dict[str, Any] = {"shared": True, "degree": 3, "lags": 4, "halo": 5, "ridge": 1e-16, "teacher_noise": 3e-5}
RESERVOIR: dict[str, Any] = {  # few units: more of them make short waves that the data do not have
    "units": 1000,
    "input_scaling": 0.2,
    "spectral_radius": 0.1,
    "shared": True,
    "group": 4,
    "halo": 8,
    "teacher_noise": 3e-5,
    "ridge": 1e-12,
}
NOISIER = {**RESERVOIR, "teacher_noise": 1e-4, "ridge": None, "horizon": 300, "origins": 3}  # at L = 22
BASELINES = ("linear", "persistence")


def _entry(
    length: int, points: int, rows: int, name: str, learner: str, settings: Mapping[str, Any] | None = None
) -> Entry:
    conditions = {"L": length, "points": points, "rows": rows}
    label = f"L={length}, {name}"
    return Entry(label, learner, settings or {}, conditions, seeded=False, baseline=learner in BASELINES)


def _entries(length: int, points: int, rows: int, some: int) -> list[Entry]:
    """Polynomials of `points`, reservoirs on all points from `some` rows, baselines."""
    grid = RINGS[length].points
    return [
        _entry(length, points, rows, f"polynomials, 4 rows of {points} points", "local-ng-rc", POLYNOMIALS),
        _entry(length, grid, some, "local esn, one readout", "local-esn", NOISIER if length == 22 else RESERVOIR),
        *(_entry(length, points, rows, name, name) for name in BASELINES),
    ]


SUITE = Suite(
    name="kuramoto-sivashinsky",
    title="Kuramoto-Sivashinsky, L = 22, 100, 200: for how many Lyapunov times a forecast of the whole ring holds",
    protocol=(
        "Rows 0.25 apart on 64, 256 and 512 points, solved by ETDRK4 in steps of 1/64; of the first 10,000 as many "
        "learnt as the line says. Forecasts start from 20 rows between the 100th and the 9,000th after them, and are "
        "valid while the root mean square over all points of the error, in standard deviations of the rows that may be "
        "learnt, stays below 0.5. Times are counted by the first exponent as we measured it: 0.0477, 0.0910 and "
        "0.0933. Where a line says fewer points, the learner sees the waves that fit them and forecasts those: "
        "what the others hold is lost from its first row on, and counted as error. One readout is shared by all "
        "points. Beside the times, that for which the equation solved in steps half as long agrees, at most the 15 "
        "Lyapunov times of a forecast. Settings were found on another trajectory, those of the reservoir at L = 50 or "
        "22. Processor seconds are those of the fit."
    ),
    source="J. Pathak et al., Physical Review Letters 120 (2018) 024102",
    measures=MEASURES,
    entries=(*_entries(200, 224, 1000, 1400), *_entries(100, 112, 1000, 2800), *_entries(22, 24, 4000, 5000)),
    published=(
        Published(
            "64 reservoirs of 5,000 units at L = 200, Pathak 2018",
            "valid_times",
            8.0,
            "about 8, as its text says; some 70,000 rows, a readout each",
        ),
    ),
    measure=measure,
)
