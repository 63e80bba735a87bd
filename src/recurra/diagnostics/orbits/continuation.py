"""Pseudo-arclength continuation: a fixed point or a cycle followed through a parameter, and where it bifurcates."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import numpy as np
import scipy.linalg
import scipy.optimize

from recurra.diagnostics.checks import check_whole
from recurra.diagnostics.maps import flat_step
from recurra.diagnostics.orbits.flat import in_float64, pack
from recurra.diagnostics.orbits.periodic import by_modulus
from recurra.errors import ConfigError, DivergenceError

_TURN = 0.95  # least cosine between the directions of two neighbours on a branch
_CORRECTIONS = 8  # of Newton, at most
_CLOSE = 1e-11  # a correction of this size is the last
_ON_PLANE = 1e-8  # where the equations are singular and have no solution, corrections leave the plane
_CROSSING = 1e-5  # a singular value below this is zero
_PIECE, _UNEVEN = 2e-3, 0.43  # a piece of a branch that a cubic polynomial describes; where a longer one is cut


@dataclass(frozen=True, eq=False)
class Bifurcation:
    """Where the stability of a branch changes, or where it turns.

    Attributes:
        kind: "fold" (a multiplier +1 where the branch turns back), "branch" (a multiplier +1 where another branch
            crosses: a pitchfork or an exchange of stability), "flip" (-1: a cycle of twice the period is born), or
            "Neimark-Sacker" (a complex pair: an invariant circle is born; Hopf, where the map is the step of a field).
        parameter: where.
        point: (size,), the state there, as a vector.
        multipliers: (size,), complex.
        critical: the multiplier that is on the unit circle.
        direction: (size + 1,), of length one: where the branch goes on, in state and parameter.
        like: one state, for its structure.
    """

    kind: str
    parameter: float
    point: np.ndarray
    multipliers: np.ndarray
    critical: complex
    direction: np.ndarray = field(repr=False)
    like: Any = field(repr=False)


@dataclass(frozen=True, eq=False)
class Branch:
    """A curve of fixed points or cycles.

    Attributes:
        parameters: (points,).
        points: (points, size), the states as vectors.
        multipliers: (points, size), complex, largest modulus first; of F^k for a cycle of length k.
        bifurcations: in the order in which the branch meets them.
        ended: why it ends: "left the range", "came back", or "as many points as allowed".
    """

    parameters: np.ndarray
    points: np.ndarray
    multipliers: np.ndarray
    bifurcations: tuple[Bifurcation, ...]
    ended: str

    def __len__(self) -> int:
        return len(self.parameters)

    @property
    def stable(self) -> np.ndarray:
        """(points,) of bool: all multipliers are within the unit circle."""
        return np.abs(self.multipliers).max(axis=1) < 1


@dataclass(frozen=True, eq=False)
class _Place:
    """A point u = (z, p) on the branch in scaled numbers, the direction there, and the multipliers."""

    u: np.ndarray
    tangent: np.ndarray
    multipliers: np.ndarray

    @property
    def outside(self) -> int:
        return int((np.abs(self.multipliers) > 1).sum())


def continuation(
    step: Callable[[Any, Any], Any],
    start: Any,
    between: tuple[float, float],
    *,
    period: int = 1,
    scale: float = 1.0,
    longest: float = 0.05,
    points: int = 500,
) -> Branch:
    r"""Follow a fixed point of a step map with a parameter, F(x, p) = x, through folds and past bifurcations.

    .. math:: F^k(x, p) - x = 0, \quad t \cdot (u - u_0) = s, \quad u = (x / a \sqrt n, \; p / |p_1 - p_0|)

    with t the direction of the branch at u_0 and s the length of the step, which follows the curvature. Between
    two points whose numbers of multipliers outside the unit circle differ, the crossing is located by Brent's method
    along the branch; so is a turn in the parameter.

    Args:
        step: (state, p) -> state in `jax.numpy`; see `family` for systems and networks.
        start: a state from which Newton finds the fixed point at between[0].
        between: p_0, where the branch begins, and p_1, towards which it sets out; it ends where it leaves the range.
        period: k, for a cycle.
        scale: a, the typical size of a state.
        longest: step along the branch, at most: a share of the range, and of the typical size of a state.
        points: of the branch, at most.

    Raises:
        ConfigError: arguments that cannot be.
        DivergenceError: Newton finds no fixed point at the start, or loses the branch.

    References: H. B. Keller, in Applications of Bifurcation Theory, Academic Press 1977, 359-384; Y. A. Kuznetsov,
    Elements of Applied Bifurcation Theory, 2004, chapters 4 and 10.

    Example:
        >>> branch = continuation(lambda x, r: r * x * (1 - x), np.array([0.6]), (2.5, 3.2))
        >>> [(found.kind, round(found.parameter, 9)) for found in branch.bifurcations]
        [('flip', 3.0)]
    """
    curve = _curve(step, in_float64(start), between, period, scale, longest, points)
    place = curve.begin(pack(start), between[0], np.sign(between[1] - between[0]))
    return _followed(curve, [place], between, longest, points)


def switch_branch(
    step: Callable[[Any, Any], Any],
    at: Bifurcation,
    between: tuple[float, float],
    *,
    side: int = 1,
    period: int = 1,
    scale: float = 1.0,
    longest: float = 0.05,
    points: int = 500,
) -> Branch:
    r"""Follow the other branch from where two cross, or from a flip the cycle of twice the period that is born there.

    .. math:: N = \ker \, (F^k_x - 1, \; F^k_p), \quad t_2 \in N, \; t_2 \perp t_1, \quad t_2 \cdot (u - u_0) = \pm s

    At a simple crossing N has two dimensions, and holds the direction t_1 of the branch that is known. The other one is
    looked for beside it.

    Args:
        step, scale, longest, points: as of `continuation`.
        at: a bifurcation of the kind "branch"; or "flip", with twice the period.
        between: the range of the parameter.
        side: 1 or -1, on which the other branch is followed: with the number of the state that changes most along t_2
            growing or shrinking.
        period: k, of the branch that is looked for.

    Raises:
        ConfigError: arguments that cannot be, a point at which no two branches cross.
        DivergenceError: Newton finds no other branch, or loses it.

    Reference: H. B. Keller, in Applications of Bifurcation Theory, Academic Press 1977, 359-384.

    Example:
        >>> logistic = lambda x, r: r * x * (1 - x)
        >>> (found,) = continuation(logistic, np.array([0.6]), (2.5, 3.2)).bifurcations
        >>> branch = switch_branch(logistic, found, (2.5, 3.2), period=2)
        >>> bool(branch.stable[1:].all()), round(float(branch.parameters[0]), 6)
        (True, 3.0)
    """
    curve = _curve(step, at.like, between, period, scale, longest, points)
    if side not in (1, -1):
        raise ConfigError(f"`side` is 1 or -1, got {side!r}")
    u = np.append(at.point, at.parameter) / curve.unit
    _, sizes, rows = np.linalg.svd(curve.at(u)[1])
    if sizes[-1] > _CROSSING * max(sizes[0], 1.0):
        raise ConfigError(
            f"no two branches of period {period} cross at the parameter {at.parameter:g}, a {at.kind}: switch at a "
            "'branch', or at a 'flip' with twice the period"
        )
    known = rows[-2:] @ (at.direction / curve.unit)
    other = np.array([-known[1], known[0]]) @ rows[-2:]
    other *= side * np.sign(other[np.argmax(np.abs(other[:-1]))]) / np.linalg.norm(other)
    length = longest / 10
    found = curve.onto(u + length * other, other)
    if found is None:
        raise DivergenceError(
            f"Newton finds no other branch at the parameter {at.parameter:.9g}: take a smaller `longest`"
        )
    first = _Place(u, other, by_modulus(np.linalg.eigvals(curve.at(u)[2]).astype(complex)))
    return _followed(curve, [first, curve.place(found[0], other)], between, longest, points)


def _followed(
    curve: "_Curve", places: list[_Place], between: tuple[float, float], longest: float, points: int
) -> Branch:
    """The branch on from the last of its places."""
    low, high = min(between), max(between)
    found, length, ended = [], longest / 10, "as many points as allowed"
    place = places[-1]
    while len(places) < points:
        new, length = _advance(curve, place, length, longest)
        found += _crossings(curve, place, new)
        places.append(new)
        place, p = new, new.u[-1] * curve.unit[-1]
        if not low <= p <= high:
            found = [each for each in found if low <= each.parameter <= high]
            ended = "left the range"
            break
        if len(places) > 3 and np.linalg.norm(new.u - places[0].u) < length / 2 and new.tangent @ places[0].tangent > 0:
            ended = "came back"
            break
    u = np.array([each.u for each in places]) * curve.unit
    return Branch(u[:, -1], u[:, :-1], np.array([each.multipliers for each in places]), tuple(found), ended)


def _curve(
    step: Any, like: Any, between: tuple[float, float], period: int, scale: float, longest: float, points: int
) -> "_Curve":
    """The curve of fixed points, with what it is followed by checked."""
    if not (np.isfinite(between).all() and between[0] != between[1]):
        raise ConfigError(f"`between` must be two different, finite numbers, got {between!r}")
    check_whole(1, period=period, points=points)
    if not (0 < scale < np.inf and 0 < longest < np.inf):
        raise ConfigError(f"`scale` and `longest` must be positive, finite numbers, got {scale!r} and {longest!r}")
    return _Curve(step, like, period, scale, abs(between[1] - between[0]))


class _Curve:
    """The points u = (z, p), in scaled numbers, with F^k(x, p) = x."""

    def __init__(self, step: Any, like: Any, period: int, scale: float, width: float):
        size = pack(like).size
        self.step, self.like, self.period = step, like, np.asarray(period)
        self.unit = np.append(np.full(size, scale * np.sqrt(size)), width)

    def at(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """r = F^k(x, p) - x, its derivative (size, size + 1) in u, and that of F^k in x."""
        with jax.enable_x64(True):
            x = u * self.unit
            y, J, slope = map(np.asarray, _at(self.step, self.like, self.period, x[:-1], x[-1]))
        unit = self.unit[:-1]
        derivative = np.column_stack([J - np.eye(len(y)), slope]) * self.unit / unit[:, None]
        return (y - x[:-1]) / unit, derivative, J

    def onto(self, guess: np.ndarray, normal: np.ndarray) -> tuple[np.ndarray, int] | None:
        """The point of the curve in the plane through `guess`, and how many corrections led there; None for none."""
        u = guess
        for k in range(_CORRECTIONS):
            r, derivative, _ = self.at(u)
            if not (np.isfinite(r).all() and np.isfinite(derivative).all()):
                return None
            step = _solved(derivative, normal, np.append(-r, -normal @ (u - guess)))
            u = u + step
            if np.linalg.norm(step) <= _CLOSE * (1 + np.linalg.norm(u)):
                return (u, k) if abs(normal @ (u - guess)) < _ON_PLANE else None
        return None

    def place(self, u: np.ndarray, along: np.ndarray) -> _Place:
        """The point with its direction, on the side of `along`."""
        _, derivative, J = self.at(u)
        tangent = _solved(derivative, along, np.append(np.zeros(len(u) - 1), 1.0))
        multipliers = by_modulus(np.linalg.eigvals(J).astype(complex))
        return _Place(u, tangent / np.linalg.norm(tangent), multipliers)

    def begin(self, x: np.ndarray, p: float, sign: float) -> _Place:
        """The fixed point at p, and the direction in which p changes with this sign."""
        up = np.append(np.zeros(len(x)), 1.0)
        found = self.onto(np.append(x, p) / self.unit, up)
        if found is None:
            raise DivergenceError(
                f"Newton finds no fixed point at the parameter {p:g}: give a `start` that is closer to one"
            )
        return self.place(found[0], sign * up)


@eqx.filter_jit
def _at(step: Any, like: Any, period: Any, x: Any, p: Any) -> Any:
    def forward(x: jax.Array, p: jax.Array) -> jax.Array:
        return flat_step(step, like, p, times=period)(x)

    y, derivative = jax.linearize(forward, x, p)
    size = len(x)
    eye = jax.numpy.eye(size + 1)
    columns = jax.vmap(lambda row: derivative(row[:-1], row[-1]), out_axes=1)(eye)
    return y, columns[:, :size], columns[:, size]


def _solved(derivative: np.ndarray, last: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The solution of the bordered equations; the shortest where they are singular, as at a branch point."""
    found: Any = scipy.linalg.lstsq(np.vstack([derivative, last]), right, lapack_driver="gelsy")
    return found[0]


def _advance(curve: _Curve, place: _Place, length: float, longest: float) -> tuple[_Place, float]:
    """The next point, and the length of the step after it."""
    while length > 1e-9 * longest:
        found = curve.onto(place.u + length * place.tangent, place.tangent)
        if found is not None:
            new = curve.place(found[0], place.tangent)
            if new.tangent @ place.tangent > _TURN and np.linalg.norm(new.u - place.u) < 1.5 * length:
                return new, min(longest, length * (1.5 if found[1] <= 3 else 1.0))
        length /= 2
    p = place.u[-1] * curve.unit[-1]
    raise DivergenceError(f"the branch is lost at the parameter {p:.9g}: the map may not be smooth there")


def _crossings(curve: _Curve, left: _Place, right: _Place) -> list[Bifurcation]:
    """The bifurcations between two neighbours, in order."""
    turns = left.tangent[-1] * right.tangent[-1] < 0
    if left.outside == right.outside:
        if not turns:
            return []
        place = _turn(curve, left, right)
        near_one = np.abs(place.multipliers - 1).min() < 1e-4
        return [_told(curve, place, "branch")] if near_one else []
    # the multiplier that crosses, by its place in the order of moduli: a continuous function along the branch
    which = max(left.outside, right.outside) - 1
    place = _located(curve, left, right, lambda each: np.log(max(np.abs(each.multipliers[which]), 1e-300)))
    critical = place.multipliers[np.argmin(np.abs(np.abs(place.multipliers) - 1))]
    if abs(critical.imag) > 1e-6:
        return [_told(curve, place, "Neimark-Sacker")]
    if critical.real < 0:
        return [_told(curve, place, "flip")]
    return [_told(curve, place, "fold" if turns else "branch")]


def _located(curve: _Curve, left: _Place, right: _Place, test: Callable[[_Place], float]) -> _Place:
    """Where a test function, of other signs at two neighbours, is zero between them."""
    ends = test(left), test(right)
    if 0.0 in ends:
        return left if ends[0] == 0 else right
    share: Any = scipy.optimize.brentq(lambda share: test(_between(curve, left, right, share)), 0.0, 1.0, xtol=1e-13)
    return _between(curve, left, right, share)


def _between(curve: _Curve, left: _Place, right: _Place, share: float) -> _Place:
    chord = right.u - left.u
    found = curve.onto(left.u + share * chord, chord / np.linalg.norm(chord))
    if found is None:
        raise DivergenceError(f"Newton loses the branch near the parameter {left.u[-1] * curve.unit[-1]:.9g}")
    return curve.place(found[0], left.tangent)


def _turn(curve: _Curve, left: _Place, right: _Place) -> _Place:
    """Where the parameter turns between two neighbours without a change of stability, on a branch of a pitchfork.

    At the point itself Newton has no direction, since two branches cross there: so the last piece of the curve is the
    cubic polynomial with the points and directions of its ends.
    """
    while np.linalg.norm(right.u - left.u) > _PIECE:
        middle = _between(curve, left, right, _UNEVEN)
        left, right = (middle, right) if middle.tangent[-1] * left.tangent[-1] > 0 else (left, middle)
    chord = right.u - left.u
    m0, m1 = (np.linalg.norm(chord) * each.tangent for each in (left, right))
    cubic = np.stack([left.u, m0, 3 * chord - 2 * m0 - m1, m0 + m1 - 2 * chord])
    slope = np.polynomial.Polynomial(cubic[:, -1]).deriv()
    share: Any = scipy.optimize.brentq(slope, 0.0, 1.0, xtol=1e-13)
    u = np.power(share, np.arange(4)) @ cubic
    return _Place(u, left.tangent, by_modulus(np.linalg.eigvals(curve.at(u)[2]).astype(complex)))


def _told(curve: _Curve, place: _Place, kind: str) -> Bifurcation:
    u = place.u * curve.unit
    critical = place.multipliers[np.argmin(np.abs(np.abs(place.multipliers) - 1))]
    along = place.tangent * curve.unit
    along = along / np.linalg.norm(along)
    return Bifurcation(kind, float(u[-1]), u[:-1], place.multipliers, complex(critical), along, curve.like)
