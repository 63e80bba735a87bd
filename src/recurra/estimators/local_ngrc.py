"""Next-generation reservoir computing on a grid: polynomials of neighbouring sites, a readout for each group or one."""

import dataclasses
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, ClassVar

import numpy as np

from recurra.errors import DataError, ModelFileError
from recurra.estimators.base import Estimator
from recurra.estimators.delays import Candidate, HeldOut, Window, beside, check_choice, decades, read_whole, read_window
from recurra.estimators.local_grid import check_grid, file_grid, neighbourhoods
from recurra.estimators.memory import refuse_beyond_memory
from recurra.estimators.parameters import Checks
from recurra.estimators.training_set import Scaled, TrainingSet
from recurra.reservoirs.delay_map import blocks, taps
from recurra.reservoirs.local_map import LocalMap, RowPolynomials, columns
from recurra.reservoirs.neighbourhoods import Neighbourhoods
from recurra.reservoirs.polynomials import Polynomials, polynomial_count
from recurra.reservoirs.readout import QR_LIMIT, RowSum, empty_sum
from recurra.storage import Layout
from recurra.threads import one_blas_thread

LAGS, DEGREES = (1, 2, 4), (1, 2, 3)  # that are tried
STEP = 4  # decades between the ridges that are tried first; then those between
DECADES = range(-32, 0, STEP)
FEATURES = 400  # polynomials at most where the degree is not given
HIGHEST = 30  # degree: at the values where a closed loop is held, higher ones would overflow


@dataclasses.dataclass(frozen=True, eq=False)
class GroupPaths:
    """The solutions of all groups for every ridge.

    Args:
        paths: of each readout.
    """

    paths: tuple[Any, ...]

    def solve(self, ridge: float) -> np.ndarray:
        """Coefficients [c, V] for a ridge: (groups, given, 1 + features)."""
        return np.stack([path.solve(ridge) for path in self.paths])


@dataclasses.dataclass(kw_only=True, eq=False)
class LocalNGRC(Estimator):
    r"""Next-generation reservoir computing for fields: polynomials of a neighbourhood, a linear readout in closed form.

    .. math:: z^{(g)}_{t+1} = z^{(g)}_t + c + V \phi(x^{(g)}_t, x^{(g)}_{t-s}, \ldots, x^{(g)}_{t-(l-1)s})

    x are the sites of a group, those of a halo around it, and the drive; z the sites of the group. phi are all
    polynomials of each row up to a degree, as products of Chebyshev polynomials, with `cross` also those of different
    rows. Without them this is a linear multistep method for a polynomial field that is learnt: the order of its error
    grows with the lags, and the number of features only in proportion.

    Args:
        shape, fields, group, halo, boundary, mask: the grid, as of `LocalESN`.
        shared: one readout for all groups, learnt from all of them, as of `LocalESN`.
        degree: of the polynomials; None tries 1 to 3, while there are at most 400 of them.
        lags: rows l that are seen, the last one included; None tries 1, 2 and 4.
        stride: distance s between them, in rows.
        cross: products of different rows too.
        increment: learn z[t+1] - z[t]; False learns z[t+1].
        ridge: penalty on V, relative to the largest squared singular value of the polynomials; None tries powers of
            ten down to 1e-35: noiseless data want them that small.
        validation: fraction of the training rows held out to choose what is None.
        horizon: steps of each validation forecast; None takes 200, or half of the held-out rows.
        origins: number of validation forecasts.
        teacher_noise: standard deviation of the noise added to the y that the polynomials see in training, relative to
            that of y; what is to be given has none. Waves that the data hardly have are then learnt to die out.
        seed: of the noise; without it nothing is drawn.

    What is None is chosen by the closed loop from held-out origins; then the readout is fitted to all rows. The choice
    is in `chosen_`, all that were tried in `history_`. Steps at which something that a group sees or is to give is
    missing are not learnt from by it. The polynomials are held for some 2 million numbers at a time.

    References: D. J. Gauthier, E. Bollt, A. Griffith, W. A. S. Barbosa, Nature Communications 12 (2021) 5564;
    W. A. S. Barbosa, D. J. Gauthier, Chaos 32 (2022) 093137 (translation symmetry).
    """

    kind: ClassVar[str] = "local-ng-rc"

    shape: list[int] | None = None
    fields: int = 1
    group: int | list[int] = 1
    halo: int | list[int] = 2
    boundary: str | list[str] = "periodic"
    mask: list[Any] | None = None
    shared: bool = False
    degree: int | None = None
    lags: int | None = None
    stride: int = 1
    cross: bool = False
    increment: bool = True
    ridge: float | None = None
    validation: float = 0.2
    horizon: int | None = None
    origins: int = 8
    teacher_noise: float = 0.0
    seed: int = 0

    def check(self) -> None:
        checks = check_grid(Checks(self)).whole("degree", 1, HIGHEST, optional=True).flag("cross")
        checks.number("teacher_noise", 0).whole("seed", 0, 2**32 - 1)
        if self.stride is None:
            checks.whole("stride", 1)
        check_choice(checks).raise_all()

    def _warmup_rows(self) -> int:
        if hasattr(self, "network_"):
            return self.network_.order - 1
        return Window(self.lags or 1, self.stride).reach

    def _learn(self, training: TrainingSet) -> tuple[LocalMap, list[dict[str, Any]]]:
        near = neighbourhoods(self, training.frame)
        chosen, history = {name: getattr(self, name) for name in ("degree", "lags", "ridge")}, []
        if None in chosen.values():
            history = self._search(training, near)
            best = min(history, key=lambda entry: entry["validation"])
            chosen = {name: best[name] for name in chosen}
        self.chosen_ = {"stride": self.stride, **chosen}
        window = Window(chosen["lags"], self.stride)
        basis, paths = self._fit(training, training.parts, near, window, chosen["degree"])
        return self._network(training.frame.features, near, basis, paths.solve(chosen["ridge"]), window), history

    def _search(self, training: TrainingSet, near: Neighbourhoods) -> list[dict[str, Any]]:
        """The best ridge of every window and degree, and at last a finer choice for the best of them."""
        tried = [Window(lags, self.stride) for lags in (LAGS if self.lags is None else (self.lags,))]
        rows = max(len(values) for values, _ in training.trained(training.cuts(self.validation)))
        tried = [window for window in tried if window.reach <= rows // 4] or tried[:1]
        held = HeldOut.of(training, self.validation, self.horizon, self.origins, tried)
        ridges = decades(DECADES) if self.ridge is None else [self.ridge]
        history: list[dict[str, Any]] = []
        best: tuple[dict[str, Any], Candidate] | None = None
        for window in tried:
            for degree in self._degrees(near.sees.shape[1] + len(training.frame.inputs), window):
                candidate = self._candidate(training, held, near, window, degree)
                history.append(held.best(candidate, ridges))
                if best is None or history[-1]["validation"] < best[0]["validation"]:
                    best = history[-1], candidate
        assert best is not None
        if self.ridge is None:
            history.append(held.best(best[1], beside(best[0]["ridge"], STEP)))
        return history

    def _degrees(self, variables: int, window: Window) -> list[int]:
        if self.degree is not None:
            return [self.degree]
        return [each for each in DEGREES if self._size(variables, window, each) <= FEATURES] or [1]

    def _candidate(
        self, training: TrainingSet, held: HeldOut, near: Neighbourhoods, window: Window, degree: int
    ) -> Candidate:
        basis, paths = self._fit(training, held.train, near, window, degree)

        def network(coefficients: np.ndarray) -> LocalMap:
            return self._network(training.frame.features, near, basis, coefficients, window)

        return Candidate({"degree": degree, "lags": window.lags}, paths, network)

    def _fit(
        self, training: TrainingSet, parts: list[Scaled], near: Neighbourhoods, window: Window, degree: int
    ) -> tuple[Polynomials | RowPolynomials, GroupPaths]:
        """The polynomials, scaled to the range of what groups see, and the solutions for every ridge."""
        size = self._size(near.sees.shape[1] + len(training.frame.inputs), window, degree)
        need = 5 * 8 * float(size) ** 2  # the sums, their decomposition and the workspace of the solver
        refuse_beyond_memory(need, f"a readout of {size} polynomials", "take a smaller `halo` or a lower `degree`")
        basis = self._basis(training, parts, near, window, degree)
        with one_blas_thread() if size <= QR_LIMIT else nullcontext():
            each = [near] if self.shared else [near.alone(group) for group in range(len(near.sees))]
            return basis, GroupPaths(tuple(self._sum(training, parts, one, window, basis).path() for one in each))

    def _sum(
        self, training: TrainingSet, parts: list[Scaled], near: Neighbourhoods, window: Window, basis: Any
    ) -> RowSum:
        total: RowSum = empty_sum(basis.size, near.given)
        for x, z in self._rows(training, parts, near, window, basis.size):
            told = ~(np.isnan(x).any(axis=(0, 3)) | np.isnan(z).any(axis=2)).ravel()
            told &= np.tile(near.complete, len(z)) | (not self.shared)
            if told.any():
                total = total.add(basis(columns(x)[:, told]).T, z.reshape(-1, near.given)[told])
        if total.rows < 2:
            raise DataError(
                f"fewer than 2 training rows have all of {window.lags} rows at a distance of {window.stride} before "
                "them: give longer series, fewer `lags` or a smaller `stride`"
            )
        return total

    def _rows(
        self, training: TrainingSet, parts: list[Scaled], near: Neighbourhoods, window: Window, size: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """What the groups see, (lags, rows, groups, seen), and what they are to give, a block of rows at a time."""
        for number, (values, drive) in enumerate(parts):
            taught = self._noisy(values, number)
            rows = len(values) - window.reach - 1
            for block in blocks(max(rows, 0), len(near.sees) * size):
                training.pause()
                last = slice(block.start + window.reach, block.stop + window.reach)
                known = slice(block.start, last.stop)
                after = slice(last.start + 1, last.stop + 1)
                x = near.see(np.concatenate([taught[known], drive[known.start + 1 : known.stop + 1]], axis=1))
                z = near.own(values[after])
                yield np.stack(taps(x, window.lags, window.stride)), z - near.own(taught[last]) if self.increment else z

    def _noisy(self, values: np.ndarray, series: int) -> np.ndarray:
        """The rows with the noise of the teacher."""
        if self.teacher_noise == 0:
            return values
        drawn = np.random.default_rng([self.seed, series, 1]).standard_normal(values.shape)
        return values + self.teacher_noise * drawn

    def _basis(
        self, training: TrainingSet, parts: list[Scaled], near: Neighbourhoods, window: Window, degree: int
    ) -> Polynomials | RowPolynomials:
        """Polynomials whose variables are scaled to their ranges over all groups."""
        low, high = np.full((2, near.sees.shape[1] + len(training.frame.inputs)), np.nan)
        for x, _ in self._rows(training, parts, near, Window(1, 1), len(low)):
            rows = x.reshape(-1, len(low))
            low, high = np.fmin(low, np.fmin.reduce(rows)), np.fmax(high, np.fmax.reduce(rows))
        half = (high - low) / 2
        half = np.where(half > 0, half, 1.0)
        middle = (high + low) / 2
        if self.cross:
            return Polynomials(np.tile(middle, window.lags), np.tile(half, window.lags), degree)
        return RowPolynomials(Polynomials(middle, half, degree), window.lags)

    def _size(self, variables: int, window: Window, degree: int) -> int:
        if self.cross:
            return polynomial_count(variables * window.lags, degree)
        return window.lags * polynomial_count(variables, degree)

    def _network(
        self, features: int, near: Neighbourhoods, basis: Any, coefficients: np.ndarray, window: Window
    ) -> LocalMap:
        return LocalMap(near, basis, coefficients, features, window.lags, window.stride, self.increment)

    def _facts(self) -> dict[str, Any]:
        return self.chosen_

    def _tensors(self) -> dict[str, np.ndarray]:
        network = self.network_
        each = network.basis if self.cross else network.basis.each
        scale = {"gain": network.near.gain, "shift": network.near.shift}
        return {"middle": each.middle, "half": each.half, "V": network.coefficients, **scale}

    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        grid, window = file_grid(self, channels), read_window(self, facts)
        seen = grid.seen + features - channels
        size = self._size(seen, window, read_whole(facts, "degree", HIGHEST, self.degree))
        groups = 1 if self.shared else len(grid.groups())
        scaling = ("float64", (seen * (window.lags if self.cross else 1),))
        sites = ("float64", (channels,))
        V = ("float64", (groups, grid.given, 1 + size))
        return {"middle": scaling, "half": scaling, "V": V, "gain": sites, "shift": sites}

    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
        if (tensors["half"] <= 0).any():
            raise ModelFileError("the polynomials of a variable whose range is not positive do not exist")
        self.chosen_ = facts
        window = read_window(self, facts)
        each = Polynomials(tensors["middle"], tensors["half"], facts["degree"])
        near = Neighbourhoods.of(file_grid(self, channels), tensors["gain"], tensors["shift"])
        basis = each if self.cross else RowPolynomials(each, window.lags)
        return self._network(features, near, basis, tensors["V"], window)
