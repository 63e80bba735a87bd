"""Closed-loop forecasts over any forecaster; `recurra.forecasting.compiled` runs JAX models (and imports JAX)."""

from recurra.forecasting.filtering import Filtered, choose_gain, filtered_rows
from recurra.forecasting.origins import (
    Origins,
    closed_loop_errors,
    forecast_origins,
    horizon_score,
    stack_scores,
    warmed,
)

__all__ = [
    "Filtered",
    "Origins",
    "choose_gain",
    "closed_loop_errors",
    "filtered_rows",
    "forecast_origins",
    "horizon_score",
    "stack_scores",
    "warmed",
]
