"""`Hybrid`: the equation's step beside loops in NumPy, corrections with an exact answer, and what both are worth."""

import jax.numpy as jnp
import numpy as np
import pytest

import recurra as rc
from recurra.diagnostics.echo_model import EchoModel
from recurra.errors import ConfigError, DataError, ModelFileError
from recurra.estimators.equation import KnownStep
from recurra.estimators.frame import Frame

LINEAR = {"lags": 1, "degree": 1, "ridge": 0.0}
WRONG = {"system": "lorenz63", "parameters": {"rho": 29.4}}


def rk4(field, y, dt, substeps):
    h = dt / substeps
    for _ in range(substeps):
        a = field(y)
        b = field(y + h / 2 * a)
        c = field(y + h / 2 * b)
        y = y + h / 6 * (a + 2 * b + 2 * c + field(y + h * c))
    return y


def known(system, series, substeps=4):
    """The step of a system as a function of rows in the units of the data."""
    frame = Frame.of([series])
    step = KnownStep.of(system, frame, substeps)

    def follow(rows, drive=None):
        scaled = frame.scaler.scale(rows)
        inputs = scaled if drive is None else np.concatenate([scaled, frame.drive_scaler.scale(drive)], axis=1)
        return frame.scaler.unscale(step(inputs))

    return follow


def test_the_known_step_is_that_of_runge_and_kutta(chaos):
    def field(v):
        return np.array([10 * (v[1] - v[0]), v[0] * (28 - v[2]) - v[1], v[0] * v[1] - 8 / 3 * v[2]])

    found = known(rc.systems.Lorenz63(), chaos, substeps=3)(chaos.values[:300])
    expected = [rk4(field, row, 0.02, 3) for row in chaos.values[:300]]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(found[:-1], chaos.values[1:300], atol=2e-3)  # those rows are of one step each


def test_a_force_and_parameters_among_the_inputs_are_held_over_a_step():
    rng = np.random.default_rng(0)
    drive = rc.Series(rng.uniform(0.5, 2, (40, 3)), dt=0.1, channels=["T", "F", "natural_frequency"])
    series = rc.Series(rng.standard_normal((40, 2)), dt=0.1, channels=["v", "x"], inputs=drive)  # another order
    found = known(rc.systems.DampedOscillator(damping=0.3), series)(series.values, drive.values)
    for (v, x), (_, F, w), row in zip(series.values, drive.values, found, strict=True):
        expected = rk4(lambda y, F=F, w=w: np.array([y[1], F - 0.3 * y[1] - w**2 * y[0]]), np.array([x, v]), 0.1, 4)
        np.testing.assert_allclose(row[::-1], expected, rtol=1e-12, atol=1e-13)


def test_channels_that_the_equation_does_not_have_stay_as_they_are():
    rows = np.random.default_rng(1).uniform(0.1, 0.9, (30, 3))
    series = rc.Series(rows, channels=["a", "x", "b"])
    found = known(rc.systems.LogisticMap(r=3.7), series)(rows)
    np.testing.assert_allclose(found[:, 1], 3.7 * rows[:, 1] * (1 - rows[:, 1]), rtol=1e-13)
    np.testing.assert_allclose(found[:, [0, 2]], rows[:, [0, 2]], rtol=1e-13)


@pytest.mark.parametrize("of", ["ng-rc", "ensemble", "esn"])
def test_what_is_missing_is_learnt_exactly_where_the_learner_can_express_it(of):
    """x' = u x (1 - x) - 0.3 x, of which the equation has the first term and the parameter u among the inputs."""
    u = np.random.default_rng(2).uniform(3.6, 4.0, (400, 1))
    x = np.full((400, 1), 0.4)
    for t in range(399):
        x[t + 1] = u[t + 1] * x[t] * (1 - x[t]) - 0.3 * x[t]
    series = rc.Series(x, channels=["x"], inputs=rc.Series(u, channels=["r"]))
    reservoir = {"units": 5, "ridge": 0.0, "washout": 5, "warmup": 5}
    settings = {"ng-rc": LINEAR, "esn": reservoir, "ensemble": {"members": 2, "settings": reservoir}}[of]
    model = rc.Hybrid(system="logistic-map", of=of, settings=settings).fit(series[:300])
    forecast = model.forecast(40, inputs=u[300:340])
    np.testing.assert_allclose(forecast.values, x[300:340], atol=1e-8)
    np.testing.assert_allclose(model.predict(series[300:]).values, x[300:], atol=1e-12)


def test_a_penalty_that_outweighs_the_data_leaves_the_equation(chaos):
    model = rc.Hybrid(**WRONG, settings={"units": 20, "washout": 20, "ridge": 1e12}).fit(chaos[:600])
    follow, rest = known(rc.systems.Lorenz63(rho=29.4), chaos[:600]), []
    rest = chaos.values[21:600] - follow(chaos.values[20:599])
    y = chaos.values[599:600]
    for row in model.forecast(10).values:
        y = follow(y) + rest.mean(axis=0)  # the constant is not penalised
        np.testing.assert_allclose(row, y[0], rtol=1e-7)


def test_with_a_wrong_equation_it_forecasts_twice_as_far_as_either_alone():
    series = rc.systems.Lorenz63().simulate(steps=3600, dt=0.02, seed=0)
    values = series.values
    origins, horizon = list(range(1000, 3000, 200)), 600
    small = {"units": 50, "washout": 100, "horizon": 200}
    times = {}
    for model in (rc.ESN(**small), rc.Hybrid(**WRONG, settings=small)):
        times[model.kind] = np.median(
            model.fit(series[:1001]).backtest(series, horizon, origins).valid_times(0.4)[model.kind]
        )
    follow, alone = known(rc.systems.Lorenz63(rho=29.4), series[:1001]), values[origins]
    errors = []
    for k in range(1, horizon + 1):
        alone = follow(alone)
        errors.append(
            np.sqrt(np.mean(((alone - values[np.array(origins) + k]) / values[:1001].std(axis=0)) ** 2, axis=1))
        )
    equation = 0.02 * np.median(np.argmax(np.array(errors) > 0.4, axis=0))
    assert times["hybrid"] > 2 * times["esn"]
    assert times["hybrid"] > 5 * equation > 0.5


def test_its_ridge_is_chosen_by_the_closed_loop_of_both(chaos):
    settings = {"units": 30, "washout": 30, "horizon": 50, "origins": 3}
    model = rc.Hybrid(**WRONG, settings=settings).fit(chaos[:600])
    best = min(model.history_, key=lambda entry: entry["validation"])
    again = rc.Hybrid(**WRONG, settings={**settings, "ridge": best["ridge"]}).fit(chaos[:480])
    rows = [479, 514, 549]  # evenly from the last known row to the last one that 50 rows follow
    std = chaos.values[:600].std(axis=0) * 0 + model.frame_.scaler.std
    errors = [again.forecast(50, history=chaos[: r + 1]).values - chaos.values[r + 1 : r + 51] for r in rows]
    score = np.exp(np.log(np.sqrt(np.mean((np.array(errors) / std) ** 2, axis=2))).mean())
    assert score == pytest.approx(best["validation"], rel=0.05)  # the scaling of 480 rows is not that of 600


def test_as_a_model_of_jax_it_makes_the_same_steps(chaos):
    network = rc.Hybrid(**WRONG, settings={"units": 20, "washout": 20, "ridge": 1e-9}).fit(chaos[:300]).network_
    model, xs = EchoModel.of(network), np.random.default_rng(3).standard_normal((4, 3))
    import jax

    with jax.enable_x64(True):
        state, found = model.initial_state(), []
        for x in xs:
            state, y = model.step(state, jnp.asarray(x))
            found.append(y)
    np.testing.assert_allclose(found, network.run(network.initial_state(1), xs[None])[1][0], rtol=1e-9)


def test_missing_rows_are_left_out():
    x = [0.4]
    for _ in range(199):
        x.append(3.7 * x[-1] * (1 - x[-1]) - 0.2 * x[-1])
    mask = np.ones((200, 1), bool)
    mask[50:60] = False
    series = rc.Series(np.where(mask, np.array(x)[:, None], np.nan), channels=["x"], mask=mask)
    model = rc.Hybrid(system="logistic-map", parameters={"r": 3.7}, of="ng-rc", settings=LINEAR).fit(series[:150])
    np.testing.assert_allclose(model.forecast(10).values[:, 0], x[150:160], atol=1e-9)


def test_a_file_brings_back_a_system_by_its_name_and_equations_of_ones_own_by_hand(chaos, tmp_path):
    settings = {"units": 20, "washout": 20, "ridge": 1e-8}

    def mine(t, y):
        return jnp.stack([10 * (y[1] - y[0]), y[0] * (29 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]])

    own = rc.systems.custom(mine, channels=["x", "y", "z"])
    for name, system in {"known": rc.systems.Lorenz63(rho=29.4), "own": own}.items():
        model = rc.Hybrid(system=system, settings=settings).fit(chaos[:300])
        model.save(tmp_path / name)
        again = rc.load(tmp_path / name, **({"system": own} if name == "own" else {}))
        np.testing.assert_array_equal(again.forecast(20).values, model.forecast(20).values)
    assert rc.load(tmp_path / "known").parameters == {"sigma": 10.0, "rho": 29.4, "beta": 8 / 3}
    with pytest.raises(ModelFileError, match="no file holds equations of one's own"):
        rc.load(tmp_path / "own")


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"system": "lorenz36"}, "`system`.*did you mean|`system`.*lorenz63"),
        ({"parameters": {"r": 3.0}}, "parameter of lorenz63"),
        ({"system": rc.systems.Lorenz63(), "parameters": {"rho": 3.0}}, "this one has its own"),
        ({"settings": {"increment": True}}, "beside the equation, not beside the last row"),
        ({"settings": {"readout": "force"}}, "without the equation"),
        ({"settings": {"tune": 1.0}}, "without the equation"),
        ({"of": "ensemble", "settings": {"of": "lstm"}}, "cannot learn the rest"),
        ({"system": "mackey-glass"}, "says nothing of the next row"),
        ({"system": "logistic-map"}, "is a map, a row follows the last at the time 1"),
        ({"system": "duffing"}, "give it as the input 'F'"),
        ({"substeps": 0}, "`substeps`"),
    ],
)
def test_what_cannot_be_a_hybrid_is_refused(given, match, chaos):
    with pytest.raises(ConfigError, match=match):
        rc.Hybrid(**given).fit(chaos[:200])


def test_data_that_the_equation_does_not_fit_are_refused(chaos):
    with pytest.raises(DataError, match=r"moves the channels \['x', 'y', 'z'\], and the data have \['z', 'y'\]"):
        rc.Hybrid().fit(rc.Series(chaos.values[:, 1:], dt=0.02, channels=["z", "y"]))
    large = rc.Series(1e5 * chaos.values, dt=0.02, channels=["x", "y", "z"])
    with pytest.raises(DataError, match="leaves the finite numbers in one step from training row 0"):
        rc.Hybrid().fit(large)
