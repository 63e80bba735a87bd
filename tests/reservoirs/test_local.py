"""Local reservoirs and local maps: states, sums, readouts and closed loops of a plain loop over groups."""

import numpy as np
import pytest

from recurra.reservoirs import draw_reservoir, local_harvest
from recurra.reservoirs.harvest import Saturation
from recurra.reservoirs.local import LocalEchoState
from recurra.reservoirs.local_harvest import LocalHarvest
from recurra.reservoirs.local_map import LocalMap, RowPolynomials
from recurra.reservoirs.neighbourhoods import Grid, Neighbourhoods
from recurra.reservoirs.polynomials import Polynomials, powers

UNITS = 17
GRIDS = {
    "ring": Grid((8,), (2,), (1,), ("periodic",)),
    "walls": Grid((2, 4), (1, 2), (1, 1), ("walls", "walls")),
    "torus with land": Grid((3, 4), (1, 2), (1, 1), ("periodic", "periodic"), absent=(1, 6, 7)),
}


def near_of(name):
    grid, rng = GRIDS[name], np.random.default_rng(5)
    return Neighbourhoods.of(grid, rng.uniform(0.5, 2, grid.channels), rng.normal(0, 0.2, grid.channels))


def reservoirs(near, count, drive=1):
    options = {"spectral_radius": 0.8, "in_degree": 4, "input_scaling": 0.4, "bias_scaling": 0.5, "leak": 0.7}
    features = near.sees.shape[1] + drive
    return tuple(draw_reservoir(UNITS, features, seed=seed, **options) for seed in range(count))


def neighbours(near, y, u):
    """What every group sees of one row, site by site."""
    z = near.gain * y + near.shift
    return [np.array([*(z[c] if c < len(z) else 0.0 for c in row), *u]) for row in near.sees]


def advance(reservoir, h, x):
    a = reservoir.leak
    return (1 - a) * h + a * np.tanh(reservoir.W.toarray() @ h + reservoir.W_in @ x + reservoir.b)


def squared_half(h):
    return np.array([value**2 if k % 2 else value for k, value in enumerate(h)])


def put_together(near, groups):
    y = np.full(near.channels, np.nan)
    for row, z in zip(near.sees, groups, strict=True):
        for k in range(near.given):
            if row[k] < near.channels:
                y[row[k]] = (z[k] - near.shift[row[k]]) / near.gain[row[k]]
    return y


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(
    ("shared", "direct", "increment"), [(True, True, False), (False, True, True), (False, False, False)]
)
def test_warm_up_and_closed_loop_are_a_loop_over_groups(grid, shared, direct, increment):
    near, rng = near_of(grid), np.random.default_rng(3)
    groups = len(near.sees)
    nets = reservoirs(near, 1 if shared else groups)
    size = 1 + direct * (near.sees.shape[1] + 1) + UNITS
    V = rng.normal(0, 0.2, (1 if shared else groups, near.given, size))
    network = LocalEchoState(near, nets, V, direct, increment, "squared-half")
    known, drive = rng.standard_normal((2, 6, near.channels + 1)), rng.standard_normal((2, 7, 1))
    last = rng.standard_normal((2, near.channels))
    state, one_step = network.run(network.initial_state(2), known)
    np.testing.assert_array_equal(network.warm(network.initial_state(2), known), state)
    after, found = network.free_run(state, last, drive)
    for copy in range(2):
        h, y = [np.zeros(UNITS)] * groups, np.zeros(near.channels)
        rows = [*known[copy], *(np.zeros(near.channels + 1) for _ in range(7))]
        for t, row in enumerate(rows):
            y = row[:-1] if t < 6 else last[copy] if t == 6 else y
            u = row[-1:] if t < 6 else drive[copy, t - 6]
            xs, zs = neighbours(near, y, u), []
            for g, x in enumerate(xs):
                h[g] = advance(nets[g % len(nets)], h[g], x)
                seen = np.concatenate([[1.0], x if direct else [], squared_half(h[g])])
                zs.append(V[g % len(V)] @ seen + (x[: near.given] if increment else 0.0))
            y = put_together(near, zs)
            expected = one_step[copy, t] if t < 6 else found[copy, t - 6]
            np.testing.assert_allclose(expected, y, rtol=0, atol=1e-12)
        np.testing.assert_allclose(after[copy], h, rtol=0, atol=1e-12)


def sums(near, nets, parts, increment, washout):
    """Rows [1, x, h, target] of every group by a loop over rows and groups."""
    found = [[] for _ in near.sees]
    for inputs, targets in parts:
        h = [np.zeros(UNITS)] * len(near.sees)
        for t, (row, target) in enumerate(zip(inputs, targets, strict=True)):
            z = np.append(near.gain * target + near.shift, 0.0)
            for g, x in enumerate(neighbours(near, row[:-1], row[-1:])):
                h[g] = advance(nets[g % len(nets)], h[g], x)
                wanted = z[near.sees[g, : near.given]] - (x[: near.given] if increment else 0.0)
                if t >= washout and not np.isnan(wanted).any():
                    found[g].append(np.concatenate([[1.0], x, h[g], wanted]))
    return [np.array(rows) for rows in found]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("height", [None, 3])
def test_sums_are_those_of_a_loop_over_rows_and_groups(grid, height, monkeypatch):
    near, rng = near_of(grid), np.random.default_rng(4)
    if height:
        monkeypatch.setattr(local_harvest, "STATES", height * len(near.sees) * UNITS)
    parts = [(rng.standard_normal((n, near.channels + 1)), rng.standard_normal((n, near.channels))) for n in (31, 12)]
    parts[0][1][[4, 20], 1] = np.nan
    size = near.sees.shape[1] + 1 + UNITS

    def harvest(nets):
        return LocalHarvest(near, nets, True, True, 5, "states", lambda: None, Saturation())

    one = reservoirs(near, 1)
    rows = sums(near, one, parts, True, 5)
    whole = np.concatenate([rows[g] for g in np.flatnonzero(near.complete)])
    together = harvest(one).together(parts, size)
    assert together.rows == len(whole)
    R = np.triu(vars(together)["R"])
    np.testing.assert_allclose(R.T @ R, whole.T @ whole, rtol=0, atol=1e-11)
    each = reservoirs(near, len(near.sees))
    found = [
        harvest(each).one_by_one(parts, size, lambda total: np.triu(vars(total)["R"]), workers) for workers in (1, 2)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    for R, expected in zip(found[0], sums(near, each, parts, True, 5), strict=True):
        np.testing.assert_allclose(R.T @ R, expected.T @ expected, rtol=0, atol=1e-11)


def test_saturation_counts_all_states_of_all_groups():
    near, rng = near_of("ring"), np.random.default_rng(4)
    parts = [(rng.standard_normal((31, near.channels + 1)), rng.standard_normal((31, near.channels)))]
    counts = []
    for run in ("together", "one_by_one"):
        harvest = LocalHarvest(near, reservoirs(near, 1), False, False, 0, "states", lambda: None, Saturation())
        harvest.together(parts, UNITS) if run == "together" else harvest.one_by_one(
            parts, UNITS, lambda s: np.zeros(1), 1
        )
        counts.append((harvest.saturation.states, harvest.saturation.full))
    assert counts[0] == counts[1] == (31 * 4 * UNITS, counts[0][1])


@pytest.mark.parametrize("cross", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_a_local_map_is_a_loop_over_groups(cross, shared):
    near, rng = near_of("torus with land"), np.random.default_rng(6)
    variables, groups = near.sees.shape[1] + 1, len(near.sees)
    middle, half = rng.normal(0, 0.1, variables), rng.uniform(2, 3, variables)
    each = Polynomials(middle, half, 2)
    basis = Polynomials(np.tile(middle, 2), np.tile(half, 2), 2) if cross else RowPolynomials(each, 2)
    V = rng.normal(0, 0.3, (1 if shared else groups, near.given, 1 + basis.size))
    model = LocalMap(near, basis, V, near.channels + 1, 2, 3, increment=True)
    known, drive = rng.uniform(-1, 1, (2, 9, near.channels + 1)), rng.uniform(-1, 1, (2, 5, 1))
    last = rng.uniform(-1, 1, (2, near.channels))
    state, one_step = model.run(model.initial_state(2), known)
    np.testing.assert_array_equal(state, known[:, -3:])
    after, found = model.free_run(state, last, drive)
    for copy in range(2):
        rows = [*np.zeros((3, near.channels + 1)), *known[copy]]
        y = np.zeros(near.channels)
        for k in range(9 + 5):
            if k >= 9:
                y = last[copy] if k == 9 else y
                rows.append(np.concatenate([y, drive[copy, k - 9]]))
            t = 3 + k
            zs = []
            for g in range(groups):
                x = [neighbours(near, rows[t - lag][:-1], rows[t - lag][-1:])[g] for lag in (0, 3)]
                zs.append(V[g % len(V)] @ np.append(1.0, polynomials(x, middle, half, cross)) + x[0][: near.given])
            y = put_together(near, zs)
            np.testing.assert_allclose(one_step[copy, k] if k < 9 else found[copy, k - 9], y, rtol=0, atol=1e-11)
        np.testing.assert_allclose(after[copy], rows[-3:], rtol=0, atol=1e-11)


def polynomials(rows, middle, half, cross):
    """Products of T_1(s) / 4 and T_2(s) / 16 of scaled variables, of both rows together or of one after the other."""
    scaled = [(row - middle) / half for row in rows]
    found = []
    for s in [np.concatenate(scaled)] if cross else scaled:
        for index in powers(len(s), 2):
            factors = [(1.0, v / 4, (2 * v * v - 1) / 16)[power] for v, power in zip(s, index, strict=True)]
            found.append(np.prod(factors))
    return np.array(found)
