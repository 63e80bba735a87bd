"""The report: one self-contained HTML file with inline SVG figures. Needs matplotlib (the extra `report`)."""

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
