"""Next-generation reservoir computing as an estimator: polynomials of delayed rows and a linear readout."""

import dataclasses
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, ClassVar

import numpy as np

from recurra.errors import ModelFileError
from recurra.estimators.base import Estimator
from recurra.estimators.delays import (
    Candidate,
    HeldOut,
    Window,
    beside,
    check_choice,
    decades,
    reach_of,
    read_whole,
    read_window,
    settled,
    steps_within,
    windows,
)
from recurra.estimators.memory import refuse_beyond_memory
from recurra.estimators.parameters import Checks
from recurra.estimators.training_set import Scaled, TrainingSet
from recurra.reservoirs.delay_map import DelayMap, blocks
from recurra.reservoirs.polynomials import Polynomials, polynomial_count
from recurra.reservoirs.readout import QR_LIMIT, GramSum, TriangularFactor, empty_sum
from recurra.storage import Layout
from recurra.threads import one_blas_thread

LAGS, STRIDES = (1, 2, 3, 4, 6, 8, 12, 20), (1, 2, 4, 8, 16)  # that are tried
STEP = 4  # decades between the ridges that are tried first; then those between
DECADES = range(-32, 0, STEP)
FEATURES, DEGREES = 400, 12  # polynomials, and degrees, at most where the degree is not given
PATIENCE = 2  # degrees that may be no better than a lower one before no higher one is tried
HIGHEST = 30  # degree: at the values where a closed loop is held, higher ones would overflow


@dataclasses.dataclass(kw_only=True, eq=False)
class NGRC(Estimator):
    r"""Next-generation reservoir computing: polynomials of the last rows, a linear readout in closed form.

    .. math:: y_{t+1} = y_t + c + V \phi(z_t), \qquad
        z_t = [x_t; x_{t-s}; \ldots; x_{t-(l-1)s}], \qquad x_t = [y_t; u_{t+1}]

    phi are all polynomials of z up to a degree, as products of Chebyshev polynomials of the variables, each scaled to
    its range in training. There is nothing to draw, and a warm-up of (l - 1) s rows is a whole one.

    Args:
        degree: of the polynomials; None tries 1, 2, ... while there are at most 400 of them, and stops where two more
            have not helped.
        lags: rows l that are seen, the last one included.
        stride: distance s between them, in rows.
        increment: learn y[t+1] - y[t]; False learns y[t+1].
        ridge: penalty on V, relative to the largest squared singular value of the polynomials; None tries powers of
            ten down to 1e-35: noiseless data want them that small.
        validation: fraction of the training rows held out to choose what is None.
        horizon: steps of each validation forecast; None takes 200, or half of the held-out rows.
        origins: number of validation forecasts.

    What is None is chosen by the closed loop from held-out origins; then the readout is fitted to all rows. The choice
    is in `chosen_`, the best of each degree and window in `history_`. Steps with a missing value, in the target or in
    what is seen, are not learnt from.

    Reference: D. J. Gauthier, E. Bollt, A. Griffith, W. A. S. Barbosa, Nature Communications 12 (2021) 5564.

    >>> x = [0.3]
    >>> for _ in range(200):
    ...     x.append(3.9 * x[-1] * (1 - x[-1]))
    >>> model = NGRC(lags=1, degree=2, ridge=0.0).fit(x[:150])
    >>> bool(abs(model.forecast(10).values[:, 0] - x[150:160]).max() < 1e-9)
    True
    """

    kind: ClassVar[str] = "ng-rc"

    degree: int | None = None
    lags: int | None = None
    stride: int | None = None
    increment: bool = True
    ridge: float | None = None
    validation: float = 0.3
    horizon: int | None = None
    origins: int = 8

    def check(self) -> None:
        check_choice(Checks(self).whole("degree", 1, HIGHEST, optional=True)).raise_all()

    def _warmup_rows(self) -> int:
        return reach_of(self)

    def _learn(self, training: TrainingSet) -> tuple[DelayMap, list[dict[str, Any]]]:
        features = training.frame.features
        size = polynomial_count((self.lags or 1) * features, self.degree or 1)
        need = 5 * 8 * float(size) ** 2  # the sums, their decomposition and the workspace of the solver
        refuse_beyond_memory(need, f"a readout of {size} polynomials", "take fewer `lags` or a lower `degree`")
        with one_blas_thread() if size <= QR_LIMIT else nullcontext():
            chosen, history = settled(self, ("degree", "lags", "stride", "ridge")), []
            if None in chosen.values():
                history = self._search(training)
                best = min(history, key=lambda entry: entry["validation"])
                chosen = {name: best[name] for name in chosen}
            self.chosen_ = chosen
            window = Window(chosen["lags"], chosen["stride"])
            basis, total = self._sum(training, training.parts, window, chosen["degree"])
            network = self._network(basis, total.solve(chosen["ridge"]), features, window)
            return dataclasses.replace(network, known=training.known), history

    def _search(self, training: TrainingSet) -> list[dict[str, Any]]:
        """The best ridge of every window and degree, and at last a finer choice for the best of them."""
        tried = windows(self.lags, self.stride, (LAGS, STRIDES), training, self.validation)
        held = HeldOut.of(training, self.validation, self.horizon, self.origins, tried)
        ridges = decades(DECADES) if self.ridge is None else [self.ridge]
        history: list[dict[str, Any]] = []
        best: tuple[dict[str, Any], Candidate] | None = None
        for window in tried:
            found: list[float] = []
            for candidate in self._candidates(training, held, window):
                history.append(held.best(candidate, ridges))
                found.append(history[-1]["validation"])
                if best is None or found[-1] < best[0]["validation"]:
                    best = history[-1], candidate
                if len(found) - np.argmin(found) > PATIENCE:
                    break
        assert best is not None
        if self.ridge is None:
            history.append(held.best(best[1], beside(best[0]["ridge"], STEP)))
        return history

    def _candidates(self, training: TrainingSet, held: HeldOut, window: Window) -> Iterator[Candidate]:
        """One for each degree, from one decomposition of the polynomials of the highest."""
        features = training.frame.features
        degrees = range(1, DEGREES + 1) if self.degree is None else [self.degree]
        sizes = {degree: polynomial_count(window.lags * features, degree) for degree in degrees}
        degrees = [degree for degree, size in sizes.items() if size <= FEATURES] or [min(sizes)]
        basis, total = self._sum(training, held.train, window, max(degrees))
        for degree in degrees:
            part = basis.of_degree(degree)
            path = total.leading(part.size).path()
            settings = {"lags": window.lags, "stride": window.stride, "degree": degree}

            def network(coefficients: np.ndarray, part: Polynomials = part) -> DelayMap:
                return dataclasses.replace(self._network(part, coefficients, features, window), known=training.known)

            yield Candidate(settings, path, network)

    def _sum(
        self, training: TrainingSet, parts: list[Scaled], window: Window, degree: int
    ) -> tuple[Polynomials, TriangularFactor | GramSum]:
        vectors, targets = steps_within(parts, window, increment=self.increment, known=training.known)
        basis = Polynomials.over(vectors, degree)
        total = empty_sum(basis.size, targets.shape[1])
        for block in blocks(len(targets), basis.size):
            training.pause()
            total = total.add(basis(vectors[:, block]).T, targets[block])
        return basis, total

    def _network(self, basis: Polynomials, coefficients: np.ndarray, features: int, window: Window) -> DelayMap:
        return DelayMap(basis, coefficients, features, window.lags, window.stride, self.increment)

    def _facts(self) -> dict[str, Any]:
        return self.chosen_

    def _tensors(self) -> dict[str, np.ndarray]:
        basis = self.network_.basis
        return {"middle": basis.middle, "half": basis.half, "V": self.network_.coefficients}

    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        variables = read_window(self, facts).lags * features
        size = polynomial_count(variables, read_whole(facts, "degree", HIGHEST, self.degree))
        scaling = ("float64", (variables,))
        return {"middle": scaling, "half": scaling, "V": ("float64", (channels, 1 + size))}

    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
        if (tensors["half"] <= 0).any():
            raise ModelFileError("the polynomials of a variable whose range is not positive do not exist")
        self.chosen_ = facts
        basis = Polynomials(tensors["middle"], tensors["half"], facts["degree"])
        return self._network(basis, tensors["V"], features, read_window(self, facts))
