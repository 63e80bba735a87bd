"""Many runs: a grid of configurations, each a task that is done in this process, in one of its own, or on Dask."""

from recurra.sweeps.choice import choose_executor
from recurra.sweeps.cluster import OnDask
from recurra.sweeps.executor import Executor, InProcess, Processes
from recurra.sweeps.grid import Grid, Row, read_grid
from recurra.sweeps.out_of_core import Columns, fit_out_of_core
from recurra.sweeps.task import Outcome, Task, attempt

__all__ = [
    "Columns",
    "Executor",
    "Grid",
    "InProcess",
    "OnDask",
    "Outcome",
    "Processes",
    "Row",
    "Task",
    "attempt",
    "choose_executor",
    "fit_out_of_core",
    "read_grid",
]
