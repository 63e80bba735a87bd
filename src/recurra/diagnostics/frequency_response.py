"""How a driven network answers a small force of every frequency: linearised about a state of rest, or measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
import scipy.linalg
from jax.flatten_util import ravel_pytree

from recurra._types import LOST, whole_number
from recurra.diagnostics.checks import check_whole
from recurra.diagnostics.maps import DrivenMap
from recurra.diagnostics.orbits.flat import in_float64, pack, unpack
from recurra.diagnostics.orbits.newton import roots
from recurra.diagnostics.resonance import Resonance, fit_resonance
from recurra.diagnostics.step_maps import of_driven
from recurra.errors import ConfigError, DivergenceError, unknown
from recurra.threads import one_blas_thread

_WINDOWS = 50  # of a measurement, the first to settle in
_ITERATIONS = 300  # of the search for the state of rest
_REST = 1e-9  # a correction of Newton below this is that of a root
_GONE = 1e-12  # modulus below which an eigenvalue is that of something forgotten in one step


@dataclass(frozen=True, eq=False)
class FrequencyResponse:
    """The response of every channel to one input, in units of the channel by units of the input.

    Args:
        frequencies: w, angular, per time unit (frequencies,).
        values: H(w), complex (frequencies, channels): u = a cos(wt) gives y = a |H| cos(wt + arg H).
        errors: how much |H| still changed from one window of a measurement to the next, in the shape of `values`; zero
            where it was linearised.
        channels: names of the channels.
        poles: of the linearised loop, p = ln(mu) / dt of every eigenvalue mu of a step, per time unit, the slowest to
            decay first: a resonance is a pair -eta / 2 +- i sqrt(w0^2 - eta^2 / 4). None of a measurement.
        rest: the channels in the state of rest that it was linearised about (channels,). None of a measurement.
    """

    frequencies: np.ndarray
    values: np.ndarray
    errors: np.ndarray
    channels: tuple[str, ...]
    poles: np.ndarray | None = None
    rest: np.ndarray | None = None

    @property
    def gain(self) -> np.ndarray:
        """|H(w)|, (frequencies, channels)."""
        return np.abs(self.values)

    @property
    def phase(self) -> np.ndarray:
        """arg H(w) in radians, without jumps; negative where the channel lags behind."""
        return np.unwrap(np.angle(self.values), axis=0)

    @property
    def stable(self) -> bool | None:
        """Whether the state of rest draws its neighbours in; None of a measurement."""
        return None if self.poles is None else bool(np.all(np.real(self.poles) < 0))

    def resonance(self, channel: str | int = 0) -> Resonance:
        """Frequency and width of the one resonance in a channel; see `fit_resonance`."""
        return fit_resonance(self.frequencies, self.values[:, _index(channel, self.channels, "channel")])


def frequency_response(
    model: Any,
    frequencies: Sequence[float] | np.ndarray,
    *,
    amplitude: float | None = None,
    drive: str | int = 0,
    inputs: Any = None,
    history: Any = None,
    periods: int = 10,
    tolerance: float = 1e-6,
) -> FrequencyResponse:
    r"""The response of a driven network on its own output, by its derivatives or by what it does under a cosine.

    .. math::
        s_{t+1} = G(s_t, u_{t+1}),\; y_t = C s_t, \quad A = \partial G / \partial s, \; B = \partial G / \partial u
        \quad\Rightarrow\quad H(\omega) = C\, (z I - A)^{-1} B z, \quad z = e^{i \omega \, dt}

    s is all that is carried on: the state of the network and the row that it gave last. A and B are taken at the state
    of rest under a constant drive. The factor z is there because the step from t to t + 1 sees the drive of t + 1.

    Args:
        model: a fitted estimator of one network with `inputs`, or a `maps.DrivenMap`.
        frequencies: w, angular, per time unit; between 0 and pi / dt.
        amplitude: a of u = u0 + a cos(wt), in the units of the input: the response is then measured; None for the
            linearised one.
        drive: which input swings, by name or number; the others stay as they are.
        inputs: u0, the drive of the state of rest, in the units of the data: `{"F": 0.0}`, or one row; None for its
            mean in training (of a map for one zero).
        history: what the network follows before; None for the last rows that it was fitted to.
        periods: of a measurement: those of the lowest frequency in one window. Windows follow one another until the
            response stays the same, or 50 of them have passed.
        tolerance: of a measurement: what counts as the same, relative to the largest |H|.

    Raises:
        ConfigError: arguments that cannot be, a network that is not driven or finds no state of rest.
        DataError: an input or a history that the network was not made for.
        DivergenceError: the network runs away under the drive.

    Example:
        >>> from recurra.diagnostics.maps import DrivenMap
        >>> relax = DrivenMap(lambda s, u: ((), 0.5 * s[1] + u), ((), np.zeros(1)), 1.0)
        >>> found = frequency_response(relax, [0.0, np.pi / 2])
        >>> found.values[:, 0].round(6).tolist()
        [(2+0j), (0.8-0.4j)]
    """
    opened = _open(model, drive, inputs, history)
    w = np.atleast_1d(np.asarray(frequencies, np.float64))
    lowest = "0 <=" if amplitude is None else "0 <"
    if w.ndim != 1 or not len(w) or not np.all((w >= 0) & (w < np.pi / opened.map.dt)) or (amplitude and not w.all()):
        raise ConfigError(f"`frequencies` are angular, with {lowest} w < pi / dt = {np.pi / opened.map.dt:g}, got {w}")
    if amplitude is None:
        return _linearised(opened, w)
    if not (np.isfinite(amplitude) and amplitude > 0):
        raise ConfigError(f"`amplitude` must be a positive, finite number, got {amplitude!r}")
    check_whole(1, periods=periods)
    return _measured(opened, w, float(amplitude), periods, tolerance)


class _Opened(NamedTuple):
    """A driven map, what drives it at rest, and how its units are those of the data."""

    map: Any
    rest: np.ndarray
    column: int
    channels: tuple[str, ...]
    mean: np.ndarray
    std: np.ndarray
    input_std: float


def _open(model: Any, drive: str | int, inputs: Any, history: Any) -> _Opened:
    if isinstance(model, DrivenMap):
        rest = np.zeros(1) if inputs is None else np.atleast_1d(np.asarray(inputs, np.float64))
        count = len(model.start[1])
        names = tuple(f"c{k}" for k in range(count)), tuple(f"u{k}" for k in range(len(rest)))
        column = _index(drive, names[1], "input")
        return _Opened(model, rest, column, names[0], np.zeros(count), np.ones(count), 1.0)
    opened, frame = of_driven(model, history), model.frame_
    rest = np.zeros(len(frame.inputs))
    if inputs is not None:
        known = model.recent_ if history is None else frame.series_of(history)
        rest = frame.scaled_drive(inputs, 1, known)[0]
    column = _index(drive, frame.inputs, "input")
    scales = frame.scaler.mean, frame.scaler.std, float(frame.drive_scaler.std[column])
    return _Opened(opened, rest, column, frame.channels, *scales)


def _index(name: str | int, names: tuple[str, ...], what: str) -> int:
    if isinstance(name, str):
        if name not in names:
            raise ConfigError(unknown(what, name, names))
        return names.index(name)
    if not whole_number(name) or not 0 <= name < len(names):
        raise ConfigError(f"{what} {name!r} is not one of {len(names)}: {', '.join(names)}")
    return int(name)


def _linearised(opened: _Opened, w: np.ndarray) -> FrequencyResponse:
    rest, A, B = _state_of_rest(opened)
    rows = len(opened.channels)
    T, Q, *_ = scipy.linalg.schur(A, output="complex", check_finite=False)
    C, b = Q[-rows:], Q.conj().T @ B[:, opened.column]
    values = np.empty((len(w), rows), complex)
    for k, z in enumerate(np.exp(1j * w * opened.map.dt)):
        values[k] = z * (C @ scipy.linalg.solve_triangular(z * np.eye(len(T)) - T, b, check_finite=False))
    values *= opened.std / opened.input_std
    mu = np.diag(T)
    poles = np.log(mu[np.abs(mu) > _GONE]) / opened.map.dt
    poles = poles[np.lexsort((poles.imag, -poles.real))]
    unscaled = opened.mean + opened.std * rest[-rows:]
    return FrequencyResponse(w, values, np.zeros(values.shape), opened.channels, poles, unscaled)


def _state_of_rest(opened: _Opened) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The state (size,) that a step under the constant drive leaves alone, and the derivatives of the step there."""
    like, held = in_float64(opened.map.start), opened.map.held(opened.rest)
    start = pack(like)
    size = np.sqrt(np.mean(start**2))
    with one_blas_thread():
        found = roots(held.step, like, start[None], np.full(len(start), size if size > 0 else 1.0), 1, _ITERATIONS)
    if not found.correction[0] <= _REST:
        raise ConfigError(
            f"no state of rest was found by {_ITERATIONS} steps of Levenberg and Marquardt from where the history "
            "ends: give a `history` that ends near it and its drive as `inputs`, or measure with an `amplitude`"
        )
    with jax.enable_x64(True):
        slopes = np.asarray(_slopes(opened.map.step, unpack(found.x[0], like), opened.rest))
    return found.x[0], found.derivative[0], slopes


@eqx.filter_jit
def _slopes(step: Any, state: Any, drive: Any) -> Any:
    """How the next state changes with the drive (size, inputs)."""
    return jax.jacfwd(lambda drive: ravel_pytree(step(state, drive))[0])(drive)


def _measured(opened: _Opened, w: np.ndarray, amplitude: float, periods: int, tolerance: float) -> FrequencyResponse:
    steps = int(np.ceil(periods * 2 * np.pi / (w.min() * opened.map.dt)))
    size = amplitude / opened.input_std
    with jax.enable_x64(True):
        state = jax.tree.map(
            lambda leaf: np.broadcast_to(np.asarray(leaf, np.float64), (len(w), *np.shape(leaf))), opened.map.start
        )
        found, errors = np.zeros((len(w), len(opened.channels)), complex), np.zeros(0)
        for window in range(_WINDOWS):
            phases = w[:, None] * opened.map.dt * np.arange(1 + window * steps, 1 + (window + 1) * steps)
            drives = np.broadcast_to(opened.rest, (*phases.shape, len(opened.rest))).copy()
            drives[:, :, opened.column] += size * np.cos(phases)
            state, rows = jax.tree.map(np.asarray, _under(opened.map.step, state, drives))
            if not (np.abs(rows) < LOST).all():
                raise DivergenceError(
                    f"the network runs away under the drive within {(window + 1) * steps} steps: take a smaller "
                    "`amplitude`, or `inputs` nearer to what it was trained on"
                )
            if window == 0:
                continue
            old, found = found, _lock_in(phases, rows) / size
            errors = np.abs(found - old)
            if window > 1 and errors.max() <= tolerance * np.abs(found).max():
                break
    unit = opened.std / opened.input_std
    return FrequencyResponse(w, found * unit, errors * unit, opened.channels)


@eqx.filter_jit
def _under(step: Any, states: Any, drives: Any) -> Any:
    """The last states, and the rows (frequencies, steps, channels) under drives (frequencies, steps, inputs)."""

    def advance(state: Any, drive: Any) -> Any:
        new = step(state, drive)
        return new, new[1]

    return jax.vmap(lambda state, drive: jax.lax.scan(advance, state, drive))(states, drives)


def _lock_in(phases: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """p - i q of the least-squares fit c + p cos + q sin to the rows, complex (frequencies, channels)."""
    found = np.empty((len(rows), rows.shape[2]), complex)
    for k, (phase, each) in enumerate(zip(phases, rows, strict=True)):
        basis = np.stack([np.ones_like(phase), np.cos(phase), np.sin(phase)], axis=1)
        _, p, q = np.linalg.lstsq(basis, each, rcond=None)[0]
        found[k] = p - 1j * q
    return found
