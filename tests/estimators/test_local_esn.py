"""Local echo state networks: their readouts by a plain loop over groups, the choice of the ridge, grids and files."""

import numpy as np
import pytest

import recurra as rc
from recurra.errors import ConfigError, DataError, ModelFileError
from recurra.reservoirs import EchoState

SMALL = {"units": 25, "halo": 1, "washout": 10, "input_scaling": 0.4, "spectral_radius": 0.3, "ridge": 1e-5}


def dense(rows, targets, ridge):
    """[c, V] of the ridge regression by one dense least-squares problem, the constant left unpenalised."""
    H = np.concatenate([np.ones((len(rows), 1)), rows], axis=1)
    width = rows.shape[1]
    s1 = np.linalg.norm(rows - rows.mean(axis=0), 2)
    bottom = np.concatenate([np.zeros((width, 1)), np.sqrt(ridge) * s1 * np.eye(width)], axis=1)
    stacked = np.concatenate([targets, np.zeros((width, targets.shape[1]))])
    return np.linalg.lstsq(np.concatenate([H, bottom]), stacked, rcond=None)[0].T


def groups_of_a_ring(y, group):
    """Own sites, then one neighbour to each side, by rolling the ring: (groups, group + 2)."""
    return np.array(
        [[*np.roll(y, -at)[:group], np.roll(y, 1 - at)[0], np.roll(y, -at)[group]] for at in range(0, len(y), group)]
    )


@pytest.mark.parametrize("increment", [False, True])
@pytest.mark.parametrize(("shared", "one_reservoir"), [(True, True), (False, True), (False, False)])
def test_readouts_are_those_of_a_loop_over_groups(ring, shared, one_reservoir, increment):
    values, ridge = ring(90, 6), 1e-5
    options = {"shared": shared, "one_reservoir": one_reservoir, "increment": increment, "leak": 0.6}
    model = rc.LocalESN(**SMALL, **options, group=2).fit(values)
    nets = model.network_.reservoirs
    assert len(nets) == (1 if one_reservoir else 3)
    z = (values - values.mean()) / values.std() if shared else (values - values.mean(axis=0)) / values.std(axis=0)
    seen, wanted = [[], [], []], [[], [], []]
    h = [np.zeros(25)] * 3
    for t in range(89):
        for g, x in enumerate(groups_of_a_ring(z[t], 2)):
            net = nets[g % len(nets)]
            h[g] = 0.4 * h[g] + 0.6 * np.tanh(net.W.toarray() @ h[g] + net.W_in @ x + net.b)
            if t >= 10:
                seen[g].append(np.concatenate([x, h[g]]))
                target = groups_of_a_ring(z[t + 1], 2)[g, :2]
                wanted[g].append(target - x[:2] if increment else target)
    if shared:
        seen, wanted = ([[row for rows in each for row in rows]] for each in (seen, wanted))
    expected = np.stack([dense(np.array(H), np.array(Y), ridge) for H, Y in zip(seen, wanted, strict=True)])
    np.testing.assert_allclose(model.network_.coefficients, expected, rtol=1e-7, atol=1e-9)


def test_one_group_that_is_all_is_one_echo_state_network(ring):
    values = ring(120, 4)
    model = rc.LocalESN(**SMALL, group=4, readout_features="squared-half").fit(values[:100])
    local = model.network_
    single = EchoState(local.reservoirs[0], local.coefficients[0], 1, False, "squared-half")
    z = (values - values[:100].mean(axis=0)) / values[:100].std(axis=0)
    state, _ = single.run(single.initial_state(1), z[None, 89:99])
    expected = single.free_run(state, z[99:100], np.zeros((1, 7, 0)))[1][0]
    found = (model.forecast(7).values - values[:100].mean(axis=0)) / values[:100].std(axis=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


def test_a_rolled_history_rolls_the_forecast(ring):
    values = ring(150, 8)
    model = rc.LocalESN(**SMALL, group=2, shared=True).fit(values)
    one, other = model.forecast(6).values, model.forecast(6, history=np.roll(values, 2, axis=1)).values
    np.testing.assert_allclose(np.roll(one, 2, axis=1), other, rtol=0, atol=1e-9)


def test_the_best_ridge_is_taken_and_all_rows_are_learnt(ring):
    values = ring(200, 6) + 0.01 * np.random.default_rng(1).standard_normal((200, 6))
    searching = {**SMALL, "ridge": None, "horizon": 5, "origins": 6}
    model = rc.LocalESN(**searching, shared=True).fit(values)
    best = min(model.history_, key=lambda entry: entry["validation"])["ridge"]
    assert 1e-30 < best < 1e-1
    given = rc.LocalESN(**{**SMALL, "ridge": best}, shared=True).fit(values)
    assert given.forecast(5).values.tobytes() == model.forecast(5).values.tobytes()
    assert given.history_ == []


def test_rows_held_out_are_not_learnt_before_the_choice(ring):
    """Candidates see the rows before the last fifth: another last fifth gives the same ones with the same scaling."""
    values = ring(200, 6)
    swapped = values.copy()
    swapped[[170, 180]] = swapped[[180, 170]]
    found = []
    for data in (values, swapped):
        solved = []

        model = rc.LocalESN(**{**SMALL, "ridge": None, "horizon": 5, "origins": 3})

        def spy(harvest, series, size, ridges, solved=solved, original=model._coefficients):
            solved.append((sum(len(x) for x, _ in series), original(harvest, series, size, ridges)))
            return solved[-1][1]

        model._coefficients = spy
        model.fit(data)
        found.append(solved)
    assert [rows for rows, _ in found[0]] == [159, 199]
    np.testing.assert_allclose(found[0][0][1][-5:], found[1][0][1][-5:], rtol=1e-9, atol=1e-11)
    assert np.abs(found[0][1][1] - found[1][1][1]).max() > 1e-6


@pytest.mark.parametrize("one_reservoir", [True, False])
def test_a_plane_with_walls_land_and_noise_is_learnt_and_comes_back_from_a_file(plane, one_reservoir, tmp_path):
    land = [0, 5]
    values = plane(400, (2, 4), land)
    mask = [k in land for k in range(8)]
    options = {"shape": [2, 4], "group": [1, 2], "boundary": ["walls", "periodic"], "mask": mask, "seed": 3}
    options |= {"one_reservoir": one_reservoir, "precision": "float32" if one_reservoir else "float64"}
    model = rc.LocalESN(**{**SMALL, "units": 60}, **options, teacher_noise=1e-5).fit(values[:380])
    error = model.predict(rc.Series(values)[380:]).values - values[380:]
    assert np.abs(error).max() < 0.2 * values.std()
    model.save(tmp_path / "model.safetensors")
    again = rc.load(tmp_path / "model.safetensors")
    assert again.get_params() == model.get_params()
    assert again.forecast(9).values.tobytes() == model.forecast(9).values.tobytes()


BAD = [
    *({"shape": [2, 2, 2]}, {"shape": 4}, {"group": [1, 0]}, {"halo": 1.5}, {"boundary": "free"}, {"boundary": []}),
    *({"mask": [True] * 6}, {"mask": [0, 1]}, {"shared": 1}, {"fields": 0}, {"direct": None}, {"units": 0}),
]


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_wrong_parameters(ring, bad):
    with pytest.raises(ConfigError, match=f"`{next(iter(bad))}`"):
        rc.LocalESN(**bad).fit(ring(50, 6))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": [5]}, "the data have 6 channels, and a grid of 5 sites, of which 0 take no part, has 5"),
        ({"shape": [2, 4], "mask": [True] + [False] * 7}, "of which 1 take no part, has 7"),
        ({"fields": 4}, "the data have 6 channels"),
        ({"group": 4}, "6 sites cannot be cut into groups of 4"),
        ({"halo": [1, 2]}, "a grid of 1 dimension"),
        ({"mask": [False] * 4, "shape": [6]}, "`mask` has 4 sites and the grid 6 = 6"),
        ({"mask": [[True, False]] * 6, "group": 2, "shared": True}, "every group has a site that takes no part"),
    ],
)
def test_grids_that_do_not_fit_the_data(ring, options, message):
    with pytest.raises(DataError, match=message):
        rc.LocalESN(**{**SMALL, **options}).fit(ring(50, 6))


def test_one_readout_of_several_reservoirs_and_too_few_rows_are_refused(ring, monkeypatch):
    with pytest.raises(ConfigError, match="set `one_reservoir` to true"):
        rc.LocalESN(shared=True, one_reservoir=False).fit(ring(50, 6))
    with pytest.raises(DataError, match="left after the washout"):
        rc.LocalESN(**{**SMALL, "washout": 60, "warmup": 5}).fit(ring(50, 6))
    monkeypatch.setattr("recurra.estimators.memory.usable_memory", lambda: 2**30)
    with pytest.raises(ConfigError, match=r"a readout of 100003 features needs about .* take fewer `units`"):
        rc.LocalESN(units=100_000, halo=1, washout=5).fit(ring(50, 6))


def test_a_file_with_another_grid_is_refused(ring, tmp_path):
    model = rc.LocalESN(**SMALL).fit(ring(50, 6))
    model.shape = model.params_["shape"] = [3, 3]
    model.save(tmp_path / "model.safetensors")
    with pytest.raises(ModelFileError, match="the file says of its grid: the data have 6 channels"):
        rc.load(tmp_path / "model.safetensors")
