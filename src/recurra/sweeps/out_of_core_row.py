"""One row of a sweep over an array that is larger than memory: a fit out of core, and a score of the rows after it."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recurra.errors import ConfigError, DataError
from recurra.estimators.esn import ESN
from recurra.experiment import Config, RunDirectory, make_config
from recurra.experiment.config import build_learner, config_hash
from recurra.experiment.cost import peak_memory
from recurra.experiment.environment import environment
from recurra.experiment.fit import VALID_THRESHOLD
from recurra.experiment.run_directory import ENVIRONMENT, MODEL
from recurra.storage import plain, write_json
from recurra.sweeps.executor import InProcess
from recurra.sweeps.out_of_core import Columns, Work, content_hash, fit_parts, series_of
from recurra.sweeps.parts import Part
from recurra.sweeps.task import Pause
from recurra.sweeps.zarr_rows import ZarrRows

_SCORED_ROWS, _SCORED_VALUES = 10_000, 2**20  # of the test part: its first rows
_PARTS = "parts"
_USED = {"source", "channels", "inputs", "dt", "variable"}


def check_row(config: Config) -> None:
    """Refuse a configuration that cannot be fitted out of core.

    Raises:
        ConfigError: with what it asks for.
    """
    given = {name for name, value in vars(config.data).items() if value not in (None, {})}
    if config.learner != "esn" or config.data.kind != "file":
        raise ConfigError(
            f"out of core an esn learns from a Zarr store, not {config.learner} from {config.data.source}"
        )
    if given - _USED:
        raise ConfigError(f"data.{min(given - _USED)} has no meaning out of core: rows are taken as they are")
    if config.split_by != "time":
        raise ConfigError("out of core the rows of one array are cut in time: `split_by` has no use")


def out_of_core_row(arguments: Mapping[str, Any], pause: Pause) -> str:
    """Fit the first rows of an array and score the ones after them; what is finished is left as it is.

    Args:
        arguments: `config`, as a file of `fit` holds it; `path` of the run directory; `force` to start anew.
        pause: called between blocks of rows; may raise to stop.

    Returns:
        The path.
    """
    path, config = Path(arguments["path"]), make_config(table=arguments["config"])
    check_row(config)
    source, variable = config.data.source, config.data.variable
    whole = ZarrRows.open(source, variable)
    trained = round(config.split * len(whole))
    start = trained + config.gap
    if trained < 3 or len(whole) - start < 2:
        raise DataError(f"{len(whole)} rows leave {trained} to learn from and {len(whole) - start} to score: too few")
    with RunDirectory(path, config.as_dict(), force=bool(arguments["force"])) as directory:
        if directory.finished:
            return str(path)
        write_json(directory.file(ENVIRONMENT), environment())
        model, began, data = build_learner(config), time.perf_counter(), config.data
        columns = Columns(data.channels, data.inputs or (), 1.0 if data.dt is None else data.dt)
        part = Part(str(Path(source).absolute()), variable, (0, trained))
        work = Work(InProcess(), directory.file(_PARTS).absolute(), pause)
        work.home.mkdir(exist_ok=True)
        surveys = fit_parts(model, [part], [part.open()], columns, work)
        spent = {"seconds": time.perf_counter() - began, "peak_memory_bytes": peak_memory()}
        write_json(directory.file(ENVIRONMENT), {**environment(), "cost": spent})
        model.save(directory.file(MODEL), overwrite=True)
        pause()
        score, scored = _score(model, whole, start)
        rows = {"train": trained, "gap": config.gap, "test": len(whole) - start, "scored": scored}
        directory.finish(
            plain(
                {
                    "learner": config.learner,
                    "data": source,
                    "trained_sha256": content_hash(surveys),
                    "config_sha256": config_hash(config.as_dict()),
                    "rows": rows,
                    "alarms": model.alarms_,
                    "score": score,
                }
            )
        )
        shutil.rmtree(work.home)
    return str(path)


def _score(model: ESN, whole: ZarrRows, start: int) -> tuple[dict[str, Any], int]:
    """The score of the first rows after the training part, and how many they are."""
    count = min(len(whole) - start, _SCORED_ROWS, max(2, _SCORED_VALUES // whole.columns))
    spans = (start - model.memory, start), (start, start + count)
    known, truth = (series_of(model.frame_, whole, whole.read(a, b), np.arange(a, b)) for a, b in spans)
    return model.score(truth, history=known, threshold=VALID_THRESHOLD), count
