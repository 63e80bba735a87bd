"""Closed-loop forecasts over any forecaster; `recurra.forecasting.compiled` runs JAX models (and imports JAX)."""

from recurra.forecasting.origins import Origins, closed_loop_errors, forecast_origins, horizon_score, stack_scores

__all__ = ["Origins", "closed_loop_errors", "forecast_origins", "horizon_score", "stack_scores"]
