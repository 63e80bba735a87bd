"""NARMA-10: a nonlinear memory of ten steps, by fifty units."""

from typing import Any

import numpy as np

from recurra.errors import ConfigError
from recurra.series import Series
from recurra.suites.suite import Case, Entry, Measure, Published, Suite

WASHOUT, TRAINED, TESTED = 200, 1000, 1000
DELAYS = 50  # of the shift register: as many numbers as the network has units
_TRIES = 100


def series_of(seed: int) -> Series:
    """The data of a run; a drive under which the recursion grows without bound is passed over."""
    from recurra.systems import NARMA10

    for k in range(_TRIES):
        try:
            return NARMA10().simulate(steps=WASHOUT + TRAINED + TESTED - 1, seed=_TRIES * seed + k)
        except ConfigError:  # the recursion is not stable for every drive
            continue
    raise ConfigError(f"no drive of seeds {_TRIES * seed} to {_TRIES * seed + _TRIES - 1} keeps the recursion bounded")


def measure(case: Case) -> dict[str, Any]:
    """Learn y from u alone, and give y for the 1,000 values of u that follow."""
    series = series_of(case.seed)
    train, truth = series[: WASHOUT + TRAINED], series.values[WASHOUT + TRAINED :]
    if case.entry.learner == "shift register":
        found = shift_register(series)
    else:
        model = case.build().fit(train)
        found = model.forecast(TESTED, inputs={"u": drive_of(series)[WASHOUT + TRAINED :]}).values
    return {"nmse": np.mean((found - truth) ** 2) / truth.var()}


def drive_of(series: Series) -> np.ndarray:
    """u, row by row."""
    assert series.inputs is not None
    return series.inputs.values[:, 0]


def shift_register(series: Series) -> np.ndarray:
    """The linear filter of the last 50 values of u, by least squares."""
    u, y = drive_of(series), series.values
    table = np.lib.stride_tricks.sliding_window_view(u, DELAYS)  # row k ends with u[k + DELAYS - 1]
    table = np.concatenate([np.ones((len(table), 1)), table], axis=1)[WASHOUT - DELAYS + 1 :]
    weights = np.linalg.lstsq(table[:TRAINED], y[WASHOUT : WASHOUT + TRAINED], rcond=None)[0]
    return table[TRAINED:] @ weights


ESN: dict[str, Any] = {
    "units": 50,
    "spectral_radius": 0.915,
    "in_degree": 2,
    "leak": 0.77,
    "input_scaling": 0.00126,
    "feedback_scaling": 0.0,
    "bias_scaling": 0.097,
    "lags": 0,
    "ridge": 1e-16,
    "washout": WASHOUT,
}
DRAWN: dict[str, Any] = {  # every unit sees one other: a few long chains of delays, by luck, that many draws look for
    **ESN,
    "spectral_radius": 1.01,
    "in_degree": 1,
    "leak": 0.935,
    "input_scaling": 0.00103,
    "bias_scaling": 0.133,
    "draws": 100,
}

SUITE = Suite(
    name="narma10",
    title="NARMA-10 by 50 units: the output from the input alone",
    protocol=(
        "u is uniform on [0, 0.5]; 1,000 values of y are learnt after 200 that warm up, and the next 1,000 given from "
        "u alone (y is never fed back). The readout sees the 50 states and a constant: no squares, no delayed inputs. "
        "NMSE is the mean squared error over the variance of the 1,000 test values; every run has a network and a "
        "drive of its own. Of 100 reservoirs that a run draws, the one is kept whose readout leaves least of the 1,000 "
        "values that are learnt; in the second line it takes the first, with settings for that. Settings were found on "
        "other drives."
    ),
    source="Q. Vinckier et al., Optica 2 (2015) 438-446; L. Appeltant et al., Nature Communications 2 (2011) 468",
    measures=(Measure("nmse", "NMSE", "lower"),),
    entries=(
        Entry("esn N=50", "esn", DRAWN),
        Entry("esn N=50, one draw", "esn", ESN),
        Entry("shift register of 50 delays", "shift register", baseline=True),
    ),
    published=(
        Published("coherently driven cavity N=50, Vinckier 2015", "nmse", 0.107, "mean of 10 runs, +- 0.012"),
        Published("linear shift register", "nmse", 0.16, "at best; Appeltant 2011 (NRMSE 0.40)"),
    ),
    measure=measure,
    seeds=10,
    drawn=True,
)
