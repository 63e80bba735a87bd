"""Many runs: a grid of configurations, each in a process of its own, so that one that dies takes no other with it."""

from recurra.sweeps.executor import Job, Outcome, run_jobs
from recurra.sweeps.grid import Grid, Row, read_grid

__all__ = ["Grid", "Job", "Outcome", "Row", "read_grid", "run_jobs"]
