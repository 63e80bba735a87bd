"""The report: one self-contained HTML file with inline SVG figures. Needs matplotlib (the extra `report`).

Names are resolved on first use (PEP 562): the page of an echo state network does not wait for JAX, which some figures
need.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {
    "Highlight": "recurra.report.page",
    "Report": "recurra.report.page",
    "Section": "recurra.report.page",
    "Table": "recurra.report.page",
    "backpropagation_figure": "recurra.report.backpropagation",
    "error_growth_figure": "recurra.report.growth",
    "error_histogram": "recurra.report.histogram",
    "forecast_figure": "recurra.report.forecasts",
    "gate_figure": "recurra.report.gates",
    "horizon_figure": "recurra.report.horizons",
    "model_diagram": "recurra.report.diagram",
    "phase_portrait": "recurra.report.portrait",
    "render": "recurra.report.page",
    "run_report": "recurra.report.run",
    "training_curve": "recurra.report.training",
    "write_report": "recurra.report.page",
}

__all__ = [*_HOME]  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:
    from recurra.report.backpropagation import backpropagation_figure as backpropagation_figure
    from recurra.report.diagram import model_diagram as model_diagram
    from recurra.report.forecasts import forecast_figure as forecast_figure
    from recurra.report.gates import gate_figure as gate_figure
    from recurra.report.growth import error_growth_figure as error_growth_figure
    from recurra.report.histogram import error_histogram as error_histogram
    from recurra.report.horizons import horizon_figure as horizon_figure
    from recurra.report.page import Highlight as Highlight
    from recurra.report.page import Report as Report
    from recurra.report.page import Section as Section
    from recurra.report.page import Table as Table
    from recurra.report.page import render as render
    from recurra.report.page import write_report as write_report
    from recurra.report.portrait import phase_portrait as phase_portrait
    from recurra.report.run import run_report as run_report
    from recurra.report.training import training_curve as training_curve


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'recurra.report' has no attribute {name!r}")
