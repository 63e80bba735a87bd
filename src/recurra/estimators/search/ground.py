"""What every trial of a search stands on: the rows before the cut, and the closed loops over those after it."""

from dataclasses import dataclass, replace

from recurra.estimators.search.spaces import Rows
from recurra.estimators.training_set import Scaled, TrainingSet, validation_origins
from recurra.forecasting import Origins

HORIZON = 300  # steps of a validation forecast where none is given


@dataclass(frozen=True, eq=False)
class Ground:
    """Training rows that are cut for a search.

    Args:
        head: the rows before the cut, and those that validate.
        held: the series that validate.
        origins: the closed loops that score a trial.
        rows: what the sizes of the trials depend on.
        horizon: as it was asked for.
        measured: the series that validate as they were measured, where `held` are filtered.
    """

    head: TrainingSet
    held: list[Scaled]
    origins: Origins
    rows: Rows
    horizon: int | None
    measured: list[Scaled] | None = None

    @staticmethod
    def of(
        training: TrainingSet,
        *,
        validation: float,
        washout: int,
        horizon: int | None,
        origins: int,
        seconds: float,
        measured: TrainingSet | None = None,
        noise: float = 0.0,
    ) -> "Ground":
        """Hold the last rows out.

        Args:
            training: all rows.
            validation: the fraction that is held out.
            washout: rows before each origin.
            horizon, origins: of the validation forecasts.
            seconds: of the search.
            measured: the rows as they were measured, where those in `training` are filtered: against them is scored.
            noise: in them, in standard deviations.
        """
        cuts = training.cuts(validation)
        held = training.validation(cuts, washout)
        head = replace(training, parts=training.trained(cuts), held=held, checkpoint=None, progress=None, quiet=True)
        raw = None if measured is None else measured.validation(cuts, washout)
        loops = validation_origins(held, washout, horizon, HORIZON, origins)
        if raw is not None:
            loops = replace(loops, truth=validation_origins(raw, washout, horizon, HORIZON, origins).truth)
        rows = Rows(
            sum(len(values) for values, _ in head.parts), washout, seconds, loops.truth.shape[1], origins, noise
        )
        return Ground(head, held, loops, rows, horizon, raw)

    def more(self, origins: int) -> Origins:
        """More closed loops over the same rows, as they were measured."""
        return validation_origins(self.measured or self.held, self.rows.washout, self.horizon, HORIZON, origins)
