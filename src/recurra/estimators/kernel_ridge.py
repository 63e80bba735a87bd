"""Kernel ridge regression on delayed rows as an estimator."""

import dataclasses
from collections.abc import Sequence
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
from recurra.reservoirs.kernel_ridge import KernelPath
from recurra.reservoirs.kernels import KERNELS, Kernel
from recurra.storage import Layout
from recurra.threads import one_blas_thread

LAGS, STRIDES = (1, 2, 4, 6, 8, 12, 20), (1, 4, 8)  # that are tried
LENGTHS, FINER = (1.0, 4.0), (0.5, 1.0, 2.0)  # lengths that are tried first, and factors for the best of them
STEP = 2  # decades between the ridges that are tried first; then those between
DECADES = range(-16, 0, STEP)
SEARCHED, REFINED = 200, 500  # centres at most in the first choice, and in the second one
KEPT = 3  # windows and lengths that go from the first choice to the second
MOST = 100_000  # centres


@dataclasses.dataclass(kw_only=True, eq=False)
class KernelRidge(Estimator):
    r"""Kernel ridge regression on the last rows: a smooth function of them, as close to the training rows as the ridge.

    .. math:: y_{t+1} = y_t + c + \sum_j a_j k(\lVert z_t - z_j \rVert / \ell), \qquad
        z_t = [x_t; x_{t-s}; \ldots; x_{t-(l-1)s}], \qquad x_t = [y_t; u_{t+1}]

    Args:
        kernel: k(r), "gaussian", exp(-r^2 / 2), or "matern-5/2", for what is only twice differentiable.
        lags: rows l that are seen, the last one included.
        stride: distance s between them, in rows.
        length_scale: l of the kernel, relative to the root mean square distance of two z of the training rows.
        increment: learn y[t+1] - y[t]; False learns y[t+1].
        ridge: penalty on the norm that belongs to the kernel, relative to the largest eigenvalue of its matrix; None
            tries powers of ten down to 1e-17.
        centres: training rows z_j at most. Of more rows than that, evenly spaced ones are centres (a subset of
            regressors, or Nystroem), and the coefficients are fitted to all rows.
        validation: fraction of the training rows held out to choose what is None.
        horizon: steps of each validation forecast; None takes 200, or half of the held-out rows.
        origins: number of validation forecasts.

    What is None is chosen by the closed loop from held-out origins: roughly with at most 200 centres, then finely for
    the best three choices of window and length with at most 500, which is where it begins if there are no more; then
    the coefficients are fitted to all rows. The choice is in `chosen_`, and all that were tried in `history_`. Steps
    with a missing value, in the target or in what is seen, are not learnt from. Nothing is drawn.

    References: C. Saunders, A. Gammerman, V. Vovk, International Conference on Machine Learning 1998, 515-521;
    A. J. Smola, B. Schoelkopf, International Conference on Machine Learning 2000, 911-918.

    >>> wave = np.sin(0.1 * np.arange(300))
    >>> model = KernelRidge(lags=2, stride=5, length_scale=1.0, ridge=1e-12).fit(wave[:200])
    >>> bool(abs(model.forecast(100).values[:, 0] - wave[200:]).max() < 1e-3)
    True
    """

    kind: ClassVar[str] = "kernel-ridge"

    kernel: str = "gaussian"
    lags: int | None = None
    stride: int | None = None
    length_scale: float | None = None
    increment: bool = True
    ridge: float | None = None
    centres: int = 2000
    validation: float = 0.3
    horizon: int | None = None
    origins: int = 8

    def check(self) -> None:
        checks = Checks(self).choice("kernel", list(KERNELS)).number("length_scale", 0, open_low=True, optional=True)
        check_choice(checks.whole("centres", 2, MOST)).raise_all()

    def _warmup_rows(self) -> int:
        return reach_of(self)

    def _learn(self, training: TrainingSet) -> tuple[DelayMap, list[dict[str, Any]]]:
        rows = min(self.centres, sum(len(values) for values, _ in training.parts))
        need = 4 * 8 * float(rows) ** 2  # the kernel matrix, its eigenvectors and the workspace of the solver
        refuse_beyond_memory(need, f"a kernel matrix of {rows} rows", "take fewer `centres`")
        with one_blas_thread():
            chosen, history = settled(self, ("lags", "stride", "length_scale", "ridge")), []
            if None in chosen.values():
                history = self._search(training)
                chosen = {name: history[-1][name] for name in chosen}
            window = Window(chosen["lags"], chosen["stride"])
            kernel, path = self._path(training, training.parts, window, chosen["length_scale"], self.centres)
            self.chosen_ = chosen | {"length": kernel.length, "centres": kernel.size}
            network = self._network(kernel, path.solve(chosen["ridge"]), training.frame.features, window)
            return dataclasses.replace(network, known=training.known), history

    def _search(self, training: TrainingSet) -> list[dict[str, Any]]:
        """Every choice that was tried, the best of the finer ones last."""
        tried = windows(self.lags, self.stride, (LAGS, STRIDES), training, self.validation)
        held = HeldOut.of(training, self.validation, self.horizon, self.origins, tried)
        ridges = decades(DECADES) if self.ridge is None else [self.ridge]
        lengths, finer = (LENGTHS, FINER) if self.length_scale is None else ((self.length_scale,), (1.0,))
        choices, rough = [(window, scale) for window in tried for scale in lengths], []
        if len(choices) > KEPT:
            rough = [held.best(self._candidate(training, held, *each, SEARCHED), ridges) for each in choices]
            best = np.argsort([entry["validation"] for entry in rough], kind="stable")[:KEPT]
            choices = [choices[k] for k in best]
        fine = []
        for window, scale in dict.fromkeys((window, scale * factor) for window, scale in choices for factor in finer):
            candidate = self._candidate(training, held, window, scale, REFINED)
            fine.append((held.best(candidate, ridges), candidate))
        best, candidate = min(fine, key=lambda each: each[0]["validation"])
        if self.ridge is None:
            best = held.best(candidate, beside(best["ridge"], STEP))
        return [*rough, *(entry for entry, _ in fine), best]

    def _candidate(self, training: TrainingSet, held: HeldOut, window: Window, scale: float, centres: int) -> Candidate:
        centres = min(centres, self.centres)
        kernel, path = self._path(training, held.train, window, scale, centres)
        settings = {"lags": window.lags, "stride": window.stride, "length_scale": scale}

        def network(coefficients: np.ndarray) -> DelayMap:
            network = self._network(kernel, coefficients, training.frame.features, window)
            return dataclasses.replace(network, known=training.known)

        return Candidate(settings, path, network)

    def _path(
        self, training: TrainingSet, parts: Sequence[Scaled], window: Window, scale: float, centres: int
    ) -> tuple[Kernel, KernelPath]:
        """The kernel on evenly spaced rows, and its coefficients for every ridge, fitted to all rows."""
        vectors, targets = steps_within(parts, window, increment=self.increment, known=training.known)
        rows = np.unique(np.linspace(0, len(targets) - 1, min(centres, len(targets))).round().astype(int))
        distance = np.sqrt(2 * vectors.var(axis=1).sum())
        kernel = Kernel(np.ascontiguousarray(vectors[:, rows]), float(scale * distance), self.kernel)
        cut = ((vectors[:, block], targets[block]) for block in blocks(len(targets), kernel.size))
        return kernel, KernelPath.of(kernel, cut, targets.shape[1], training.pause)

    def _network(self, kernel: Kernel, coefficients: np.ndarray, features: int, window: Window) -> DelayMap:
        return DelayMap(kernel, coefficients, features, window.lags, window.stride, self.increment)

    def _facts(self) -> dict[str, Any]:
        return self.chosen_

    def _tensors(self) -> dict[str, np.ndarray]:
        return {"centres": self.network_.basis.centres, "a": self.network_.coefficients}

    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        variables, centres = read_window(self, facts).lags * features, read_whole(facts, "centres", self.centres)
        return {"centres": ("float64", (variables, centres)), "a": ("float64", (channels, 1 + centres))}

    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
        length = float(facts["length"])
        if not 0 < length < np.inf:
            raise ModelFileError(f"a kernel of length {length:g} does not exist")
        self.chosen_ = facts
        kernel = Kernel(tensors["centres"], length, self.kernel)
        return self._network(kernel, tensors["a"], features, read_window(self, facts))
