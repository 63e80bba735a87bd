"""Rows with less noise for a search: filtered by the forecasts of a network that learnt the first of them."""

import dataclasses

from recurra.estimators.learners import LEARNERS
from recurra.estimators.training_set import TrainingSet, validation_origins
from recurra.forecasting import choose_gain, filtered_rows

NOTICED = 5e-4  # standard deviations of noise from which on it is met
UNITS, ORIGINS, HORIZON = 300, 20, 300
LEAKS = (1.0, 0.5)  # of the networks that are tried; a slow one has a longer memory


def quieted(training: TrainingSet, fraction: float, burn: int) -> TrainingSet:
    """The training rows as a filter sees them; that of a network which learnt those before the held-out ones.

    Every filtered row follows from those up to it. The gain is that with which closed loops hold longest, and so is the
    leak of the network.

    Args:
        training: rows as they were measured.
        fraction: of them that is held out.
        burn: rows that the filter takes as they are, while its state settles.
    """
    cuts = training.cuts(fraction)
    held = training.validation(cuts, 2 * burn)
    head = dataclasses.replace(
        training, parts=training.trained(cuts), held=held, checkpoint=None, progress=None, quiet=True
    )
    origins = validation_origins(held, 2 * burn, None, HORIZON, ORIGINS)
    tried = []
    for leak in LEAKS:
        rows = sum(len(values) for values, _ in head.parts)
        settings = {"units": max(20, min(UNITS, rows // 4)), "spectral_radius": 0.6, "leak": leak, "washout": burn}
        network, _ = LEARNERS["esn"].build(**settings)._learn(head)
        tried.append(choose_gain(network, origins, burn))
        training.pause()
    best, _ = min(tried, key=lambda each: each[1])
    parts = [(filtered_rows(best, values, drive), drive) for values, drive in training.parts]
    return dataclasses.replace(training, parts=parts)
