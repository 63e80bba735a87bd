"""Lorenz-96 with 40 sites, without noise: for how many Lyapunov times does a forecast of the whole ring hold?"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from recurra.series import Series
from recurra.suites.suite import Case, Entry, Published, Suite
from recurra.suites.valid_times import MEASURES, Starts, held

EXPONENTS = {8: 1.68, 10: 2.27}  # of every forcing F
SITES, DT, DROPPED, LEARNT, HORIZON = 40, 0.01, 100_000, 100_000, 1200
RING = "ring"  # `recurra.models.Ring` as a learner of this suite
FIRST, LAST, STARTS = 20_000, 80_000, 100  # rows after those that may be learnt between which forecasts start


@lru_cache(maxsize=1)
def starts(forcing: int) -> Starts:
    """The trajectory of a forcing, and 100 starts by a fixed seed."""
    from recurra.systems import Lorenz96

    drawn = np.random.default_rng(0).choice(np.arange(FIRST, LAST), STARTS, replace=False)
    origins = LEARNT + np.sort(drawn)
    start = forcing + 0.01 * np.random.RandomState(100).standard_normal(SITES)
    system = Lorenz96(sites=SITES, forcing=float(forcing))
    steps = DROPPED + int(origins[-1]) + HORIZON + 1
    found = system.simulate(steps=steps, dt=DT, method="rk4", initial=start)[DROPPED:]
    truth = Series(found.values, dt=DT, channels=found.channels, provenance=found.provenance)
    return Starts(truth, LEARNT, tuple(origins.tolist()), HORIZON, EXPONENTS[forcing])


def measure(case: Case) -> dict[str, Any]:
    """Fit once, and forecast from 100 later points of the trajectory."""
    model = _ring(case) if case.entry.learner == RING else case.build()
    return held(model, starts(case.entry.conditions["F"]), case.entry.conditions["rows"])


def _ring(case: Case) -> Any:
    """One small recurrent cell at every site, the same at all of them."""
    from recurra.estimators import LEARNERS
    from recurra.models import Ring

    settings = dict(case.entry.settings)
    ring = Ring.draw(settings.pop("cell"), SITES, settings.pop("units"), settings.pop("halo"), seed=case.seed)
    return LEARNERS["network"].build(**settings, cell=ring, seed=case.seed)


CELLS: dict[str, Any] = {  # of a ring: windows of 48 steps, the last 44 on the network's own output
    "cell": "gru",
    "units": 32,
    "halo": 2,
    "increment": True,
    "bptt_length": 48,
    "teacher_forced": 4,
    "warmup": 3,
    "stride": 12,
    "batch_size": 4,
    "epochs": 14,
    "learning_rate": 0.006,
    "final_learning_rate": 1e-5,
    "validation": 0.0,
}


def _entries(forcing: int) -> list[Entry]:
    local = {"units": 600, "increment": True, "input_scaling": 0.02, "spectral_radius": 0.1}
    one = {"units": 1950, "increment": True, "input_scaling": 0.001, "spectral_radius": 0.1, "in_degree": 3}
    choice = {"horizon": 300, "origins": 3}

    def entry(name: str, learner: str, rows: int, settings: Mapping[str, Any], *, baseline: bool = False) -> Entry:
        conditions = {"F": forcing, "rows": rows}
        return Entry(f"F={forcing}, {name}", learner, settings, conditions, seeded=False, baseline=baseline)

    return [
        entry("polynomials, 8 rows", "local-ng-rc", 5000, {**choice, "shared": True, "degree": 2, "lags": 8}),
        entry(
            "polynomials, 2 rows", "local-ng-rc", 5000, {**choice, "shared": True, "degree": 3, "lags": 2, "halo": 4}
        ),
        entry("local esn, one readout", "local-esn", 3000, {**choice, **local, "shared": True, "halo": 4}),
        entry(
            "local esn, a readout each", "local-esn", 20_000, {**choice, **local, "units": 300, "group": 2, "halo": 4}
        ),
        entry("one esn", "esn", 40_000, {**choice, **one, "horizon": 200}),
        entry("gru, one cell for all sites", RING, 12_000, CELLS),
        entry("linear", "linear", 5000, {}, baseline=True),
        entry("persistence", "persistence", 5000, {}, baseline=True),
    ]


SUITE = Suite(
    name="lorenz96",
    title="Lorenz-96, 40 sites: for how many Lyapunov times a forecast of the whole ring holds",
    protocol=(
        "Runge-Kutta steps of 0.01 from a start near rest, 1,000 time units dropped, of the next 100,000 rows as many "
        "learnt as the line says. Forecasts start from 100 rows between the 20,000th and the 80,000th after them, and "
        "are valid while the root mean square over sites of the error, in standard deviations of the rows that may be "
        "learnt, stays below 0.5. Times are counted by the exponents of the paper, 1.68 (F = 8) and 2.27 (F = 10). "
        "Beside them, the time for which the Runge-Kutta method agrees with a solver of the equations from the same "
        "rows: beyond it a forecast that holds is one of the method, not of the equations. A readout or polynomial "
        "that all sites share learns from 40 times as many rows; 'rows' says how many rows of the past it looks at. "
        "Settings were found on other starts at F = 8. Processor seconds are those of the fit."
    ),
    source="P. R. Vlachas et al., Neural Networks 126 (2020) 191-217, and their code",
    measures=MEASURES,
    entries=(*_entries(8), *_entries(10)),
    published=tuple(
        Published(
            who,
            "valid_times",
            value,
            "the best mean of a sweep over settings, most likely at F = 8",
        )
        for who, value in (("reservoir, Vlachas 2020", 2.31), ("GRU, Vlachas 2020", 1.34), ("LSTM, Vlachas 2020", 0.97))
    ),
    measure=measure,
)
