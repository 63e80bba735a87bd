"""Where will the vehicle be? Five seconds ahead on tracks never seen, with a band that covers what it claims.

Every track is a vehicle of its own speed and turn rate, and its position is measured with an error. A feed-forward
network on a window of displacements learns from many tracks how a vehicle goes on that turns as this one has turned; it
runs on its own output. The bands are conformal (`recurra.estimators.bands`): the errors on calibration tracks, which
were neither trained nor tested on, say how wide they are.
"""

from typing import Any

import numpy as np

from recurra.estimators import Linear
from recurra.estimators.bands import Bands
from recurra.estimators.base import Estimator
from recurra.estimators.ffnn import FFNN
from recurra.examples.outcome import NOWHERE, Outcome, Progress, combined, counted, kept, median, spread, tick
from recurra.examples.parts import Parts
from recurra.report import Section, Table, horizon_figure
from recurra.report.tracks import track_figure
from recurra.series import Series
from recurra.systems import ConstantTurn

KNOWN, AHEAD = 20, 10  # rows that are known of a track, and rows to forecast; 0.5 s apart
LEVEL = 0.9
NETWORK: dict[str, Any] = {
    "order": 8,
    "units": 64,
    "layers": 2,
    "bptt_length": 18,
    "stride": 5,
    "learning_rate": 5e-3,
    "final_learning_rate": 1e-4,
    "increment": True,
    "validation": 0.0,
}


def run(
    *,
    seeds: int,
    seed: int,
    progress: Progress | None = None,
    parts: Parts = NOWHERE,
    tracks: tuple[int, int, int] = (300, 500, 500),
    epochs: int = 60,
) -> Outcome:
    """Train on tracks, calibrate the bands on others, test on others again; new tracks for every seed.

    Args:
        seeds: how many.
        seed: the first of them.
        progress: called after every seed.
        parts: where finished seeds are kept.
        tracks: to train, to calibrate and to test on.
        epochs: of the training.
    """
    done = []
    for k in range(seeds):
        done.append(parts.get(f"seed-{seed + k}", lambda k=k: _one(seed + k, tracks, epochs, drawn=k == 0)))
        tick(progress, k + 1, seeds)
    found = [part["entry"] for part in done]
    learners = list(found[0]["rmse"])
    results = {
        "seeds": found,
        "median": {name: {"rmse": np.median([e["rmse"][name] for e in found], axis=0).tolist()} for name in learners},
        "baselines": learners[1:],
        "coverage": {"median": median(e["coverage"]["all"] for e in found), "level": LEVEL},
        "protocol": {
            **dict(zip(("trained", "calibrated", "tested"), tracks, strict=True)),
            "known": KNOWN,
            "ahead": AHEAD,
            "dt": ConstantTurn.default_dt,
            "network": {**NETWORK, "epochs": epochs},
        },
    }
    rows = [
        {"learner": name, "horizon": (k + 1) * ConstantTurn.default_dt, "rmse": error}
        for entry in found
        for name, errors in entry["rmse"].items()
        for k, error in enumerate(errors)
    ]
    ahead = Section("Error by horizon", _words(results), [horizon_figure(rows, unit="m", time_unit="s")])
    sections = [ahead, Section(**done[0]["section"])]
    return Outcome(results, _table(results), sections, done[0]["data_hash"])


def drawn_tracks(seed: int, counts: tuple[int, int, int]) -> list[list[Series]]:
    """Tracks to train, to calibrate and to test on, no vehicle in two of them."""
    system, first = ConstantTurn(), seed * 1_000_000
    every = [system.simulate(steps=KNOWN + AHEAD - 1, seed=first + k) for k in range(sum(counts))]
    cuts = np.cumsum(counts)
    return [every[: cuts[0]], every[cuts[0] : cuts[1]], every[cuts[1] :]]


def displacements(track: Series) -> Series:
    """From each row to the next: what a track looks like wherever it begins."""
    return Series(np.diff(track.values, axis=0), dt=track.dt, channels=["dx", "dy"], units=track.units)


def forecast(model: Estimator, tracks: list[Series]) -> np.ndarray:
    """Positions ahead (tracks, steps, 2): the displacements in closed loop, added to the last known position."""
    ahead = [model.forecast(AHEAD, displacements(track[:KNOWN])).values for track in tracks]
    return _last(tracks) + np.cumsum(ahead, axis=1)


def _last(tracks: list[Series]) -> np.ndarray:
    return np.array([track.values[KNOWN - 1 : KNOWN] for track in tracks])


def _one(seed: int, counts: tuple[int, int, int], epochs: int, *, drawn: bool) -> dict[str, Any]:
    train, calibration, test = drawn_tracks(seed, counts)
    moves = [displacements(track) for track in train]
    model, linear = FFNN(**NETWORK, epochs=epochs, seed=seed).fit(moves), Linear(max_order=8).fit(moves)
    truth, last = np.array([track.values[KNOWN:] for track in test]), _last(test)
    velocity = last - np.array([track.values[KNOWN - 2 : KNOWN - 1] for track in test])
    forecasts = {
        "ffnn": forecast(model, test),
        "linear": forecast(linear, test),
        "constant velocity": last + velocity * np.arange(1, AHEAD + 1)[None, :, None],
        "constant position": np.repeat(last, AHEAD, axis=1),
    }
    bands = Bands.calibrate([track.values[KNOWN:] for track in calibration], forecast(model, calibration), LEVEL)
    coverage = bands.coverage(truth, forecasts["ffnn"])
    entry = {
        "seed": seed,
        "rmse": {name: _errors(truth, found) for name, found in forecasts.items()},
        "coverage": {
            "all": float(coverage.mean()),
            "by_horizon": coverage.mean(axis=1).tolist(),
            "lowest": float(coverage.min()),
            "highest": float(coverage.max()),
        },
        "half_width": bands.half_width.tolist(),
    }
    digest = combined(track.sha256 for track in (*train, *calibration, *test))
    if not drawn:
        return {"entry": entry, "data_hash": digest}
    text = (
        f"Four of the {len(test)} test tracks. The network knows the rows in grey; the boxes are the bands of x and y "
        f"at each step, from the errors on {len(calibration)} other tracks. In {100 * LEVEL:.0f} of a hundred new "
        "tracks that are drawn as these are, x lies between the edges of its band at a given step, and so does y. That "
        "does not say that a whole track stays in its boxes, and nothing about a vehicle that brakes, or drives in "
        "another way than those of the calibration."
    )
    figure = track_figure(test[:4], forecasts["ffnn"][:4], bands.half_width, KNOWN)
    return {"entry": entry, "data_hash": digest, "section": kept(Section("Tracks and their bands", text, [figure]))}


def _errors(truth: np.ndarray, found: np.ndarray) -> list[float]:
    """Root mean square distance from the true position at each step, m."""
    return np.sqrt(((found - truth) ** 2).sum(axis=2).mean(axis=0)).tolist()


def _words(results: dict[str, Any]) -> str:
    last = {name: entry["rmse"][-1] for name, entry in results["median"].items()}
    best = min((error, name) for name, error in last.items() if name != "ffnn")
    ratio = best[0] / last["ffnn"]
    how = f"{ratio:.1f} times smaller than" if ratio > 1 else "not smaller than"
    return (
        f"Distance from the true position, root mean square over the test tracks; the bands of the lines are from seed "
        f"to seed. After {AHEAD * ConstantTurn.default_dt:g} s the error of the network is {how} that of the best of "
        f"the others, {best[1]}."
    )


def _table(results: dict[str, Any]) -> Table:
    shown = [1, 2, 4, 6, AHEAD]
    rows: list[list[Any]] = [
        [name, *(entry["rmse"][k - 1] for k in shown)] for name, entry in results["median"].items()
    ]
    share = [np.median([e["coverage"]["by_horizon"][k - 1] for e in results["seeds"]]) for k in shown]
    rows.append([f"share within the {100 * LEVEL:.0f} % band", *(f"{100 * each:.1f} %" for each in share)])
    protocol, found = results["protocol"], results["seeds"]
    caption = (
        f"Root mean square distance (m) from the true position, {protocol['tested']} test tracks, closed loop from "
        f"{KNOWN} known rows; median of {counted(len(found), 'seed')}, each with {protocol['trained']} training and "
        f"{protocol['calibrated']} calibration tracks of its own. All steps together, the share within the band is "
        f"{spread(100 * e['coverage']['all'] for e in found)} %"
    )
    columns = ["learner", *(f"{k * ConstantTurn.default_dt:g} s" for k in shown)]
    return Table(columns, rows, caption, ("", *("lower" for _ in shown)))
