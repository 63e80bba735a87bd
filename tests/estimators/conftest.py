"""Series and learners that the tests of the estimators share."""

import numpy as np
import pytest

import recurra as rc
from recurra.estimators import LEARNERS


def lorenz(rows: int, start: tuple[float, float, float], dt: float = 0.02) -> np.ndarray:
    """Lorenz's equations by the classical Runge-Kutta step, 500 rows after the start."""

    def flow(v):
        return np.array([10 * (v[1] - v[0]), v[0] * (28 - v[2]) - v[1], v[0] * v[1] - 8 / 3 * v[2]])

    states = [np.array(start)]
    for _ in range(rows + 499):
        v = states[-1]
        a = flow(v)
        b = flow(v + dt / 2 * a)
        c = flow(v + dt / 2 * b)
        d = flow(v + dt * c)
        states.append(v + dt / 6 * (a + 2 * b + 2 * c + d))
    return np.array(states[500:])


def driven_oscillator(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """x[t+1] and v[t+1] of a damped oscillator kicked by u[t+1], a filtered noise."""
    rng = np.random.default_rng(seed)
    y, u = np.zeros((rows, 2)), np.zeros((rows, 1))
    for t in range(rows - 1):
        u[t + 1] = 0.9 * u[t] + 0.3 * rng.standard_normal()
        v = y[t, 1] - 0.1 * (y[t, 0] + 0.2 * y[t, 0] ** 3 + 0.3 * y[t, 1]) + 0.02 * u[t + 1, 0]
        y[t + 1] = y[t, 0] + 0.1 * v, v
    return 3 * y[rows // 10 :], u[rows // 10 :]


def _series(values: np.ndarray, **options) -> rc.Series:
    return rc.Series(values, dt=0.02, channels=["x", "y", "z"], units=["m", "m/s", ""], **options)


@pytest.fixture(scope="session")
def chaos() -> rc.Series:
    """A chaotic series of three channels, with a time axis that does not start at zero."""
    values = lorenz(900, (1.0, 1.0, 20.0))
    return _series(values, times=5.0 + 0.02 * np.arange(900), provenance={"time_unit": "s"})


@pytest.fixture(scope="session")
def other_chaos() -> rc.Series:
    """The same system from elsewhere: it does not follow `chaos`."""
    return _series(lorenz(400, (-2.0, 3.0, 15.0)))


@pytest.fixture(scope="session")
def driven() -> rc.Series:
    """Two channels and a drive, sampled on dates, a minute apart."""
    y, u = driven_oscillator(700, seed=1)
    times = np.datetime64("2024-03-01T00:00") + np.arange(len(y)) * np.timedelta64(60, "s")
    drive = rc.Series(u, times=times, channels=["F"], units=["N"])
    return rc.Series(y, times=times, channels=["q", "p"], units=["m", "m/s"], inputs=drive)


COUPLING = 0.1  # of the lattices


def _logistic(x: np.ndarray) -> np.ndarray:
    return 3.8 * x * (1 - x)


def _ring(rows: int, sites: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).uniform(0.2, 0.8, sites)
    found = [x]
    for _ in range(rows - 1):
        f = _logistic(found[-1])
        found.append((1 - COUPLING) * f + COUPLING / 2 * (np.roll(f, 1) + np.roll(f, -1)))
    return np.array(found)


def _plane(rows: int, shape: tuple[int, int], land: list[int], seed: int = 0) -> np.ndarray:
    sea = np.ones(shape, bool)
    sea.flat[land] = False
    x = np.random.default_rng(seed).uniform(0.2, 0.8, shape) * sea
    found = [x[sea]]
    for _ in range(rows - 1):
        f = np.pad(_logistic(x) * sea, 1)
        around = f[2:, 1:-1] + f[:-2, 1:-1] + f[1:-1, 2:] + f[1:-1, :-2]
        x = ((1 - COUPLING) * f[1:-1, 1:-1] + COUPLING / 4 * around) * sea
        found.append(x[sea])
    return np.array(found)


@pytest.fixture(scope="session")
def ring():
    """A ring of coupled logistic maps, f(x) = 3.8 x (1 - x), a function of rows, sites and seed: (rows, sites).

    x_i' = (1 - e) f(x_i) + e / 2 (f(x_{i-1}) + f(x_{i+1})); K. Kaneko, Prog. Theor. Phys. 72 (1984) 480-486.
    """
    return _ring


@pytest.fixture(scope="session")
def plane():
    """The same with four neighbours, between walls and around land, from which nothing comes: (rows, sites at sea)."""
    return _plane


BUILDERS = {
    "persistence": lambda: rc.Persistence(),
    "linear": lambda: rc.Linear(order=3),
    "linear-chosen": lambda: rc.Linear(max_order=5, horizon=20),
    "esn": lambda: rc.ESN(units=40, washout=30, ridge=1e-7),
    "esn-chosen": lambda: rc.ESN(units=40, washout=30, horizon=30, origins=4, seed=1),
    "esn-increment": lambda: rc.ESN(units=40, washout=30, ridge=1e-7, increment=True, leak=0.5, lags=3, warmup=45),
    "ng-rc": lambda: rc.NGRC(lags=2, stride=3, degree=3, ridge=1e-10),
    "ng-rc-chosen": lambda: rc.NGRC(lags=1, degree=3, horizon=30, origins=4),
    "local-esn": lambda: rc.LocalESN(units=40, halo=1, washout=30, input_scaling=0.3, ridge=1e-7),
    "local-esn-chosen": lambda: rc.LocalESN(
        units=30, halo=1, washout=30, input_scaling=0.3, one_reservoir=False, increment=True, horizon=30, origins=4
    ),
    "local-ng-rc": lambda: rc.LocalNGRC(halo=1, degree=2, lags=2, stride=3, ridge=1e-3),
    "kernel-ridge": lambda: rc.KernelRidge(lags=2, stride=3, length_scale=1.0, ridge=1e-8, centres=100),
}


@pytest.fixture(params=BUILDERS)
def build(request):
    """A function that makes an unfitted estimator, for every learner that needs no JAX."""
    return BUILDERS[request.param]


@pytest.fixture(scope="session")
def _shelf() -> dict:
    return {}


@pytest.fixture
def fitted(build, request, chaos, _shelf):
    """The estimator fitted to the first 700 rows of `chaos`; one for all tests, which must not change it."""
    name = request.node.callspec.params["build"]
    if name not in _shelf:
        _shelf[name] = build().fit(chaos[:700])
    return _shelf[name]


@pytest.fixture
def fitted_driven(build, request, driven, _shelf):
    """The estimator fitted to the first 500 rows of `driven`; one for all tests, which must not change it."""
    name = request.node.callspec.params["build"]
    if (name, "driven") not in _shelf:
        _shelf[name, "driven"] = build().fit(driven[:500])
    return _shelf[name, "driven"]


_RESERVOIR = {"units": 12, "washout": 4, "ridge": 1e-3}
_TRAINED = {"units": 3, "bptt_length": 4, "epochs": 2, "learning_rate": 0.1, "validation": 0.0}
_TRAINED |= {"optimizer": "sgd", "schedule": "constant", "clip_norm": None}  # the quickest to compile
SMALL = {
    "persistence": {},
    "climatology": {},
    "seasonal": {"period": 5},
    "harmonic": {"periods": [5.0], "window": 12, "order": 1},
    "nearest": {"width": 2},
    "linear": {"order": 1},
    "auto": {"budget": None, "trials": 3, "of": ["esn", "linear"], "horizon": 2, "origins": 1},
    "esn": _RESERVOIR,
    "local-esn": _RESERVOIR,
    "ng-rc": {"lags": 1, "degree": 1, "ridge": 1e-3},
    "local-ng-rc": {"lags": 1, "degree": 1, "ridge": 1e-3},
    "kernel-ridge": {"lags": 1, "stride": 1, "length_scale": 1.0, "ridge": 1e-3},
    "hybrid": {"system": "damped-oscillator", "parameters": {"force": "none"}, "settings": _RESERVOIR},
    "denoised": {"settings": _RESERVOIR, "horizon": 2, "origins": 1},
    "ffnn": {**_TRAINED, "order": 2},
    "cnn": {**_TRAINED, "layers": 2},
    "rnn": _TRAINED,
    "gru": _TRAINED,
    "lstm": _TRAINED,
    "network": {**_TRAINED, "cell": "elman"},
    "momentum": {name: _TRAINED[name] for name in ("units", "bptt_length", "epochs", "validation", "clip_norm")},
    "hessian-free": {"units": 3, "bptt_length": 4, "epochs": 2, "validation": 0.0, "hessian_free": {"cg_steps": 3}},
    "ensemble": {"members": 2, "settings": _RESERVOIR},
}


@pytest.fixture(params=LEARNERS)
def small(request):
    """A function that makes a small unfitted estimator of every learner that there is; arguments go before its own."""
    return lambda **given: LEARNERS[request.param].build(**{**SMALL[request.param], **given})
