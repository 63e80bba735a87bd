"""The figure of return maps: each height against the last, on the same axes for all, thinned evenly."""

import numpy as np
import pytest

from recurra.report.return_maps import return_map_figure


def tent(count):
    x = np.linspace(0, 1, count)
    return np.stack([x, 1 - np.abs(1 - 2 * x)], axis=1)


def axes_of(figure, panels):
    across, up = figure.ticks()
    return np.split(across, panels), up


def test_the_points_are_drawn_where_they_are_on_the_same_axes(read):
    ours = tent(40) * 0.9 + 0.05
    figure = read(return_map_figure({"truth": tent(50), "esn": ours}, "z", "m"))
    across, up = axes_of(figure, 2)
    for k, points in enumerate((tent(50), ours)):
        dots = figure.marks(f"points-{k}")
        np.testing.assert_allclose(read.to_data(dots[:, 0], across[k]), points[:, 0], atol=2e-3)
        np.testing.assert_allclose(read.to_data(dots[:, 1], up), points[:, 1], atol=2e-3)
    assert {"next maximum of z (m)", "maximum of z", "truth", "ESN"} <= set(figure.texts)
    assert "Each maximum against the one before it: 50 points of truth, 40 points of ESN." in figure.words


def test_rows_of_a_map_are_called_rows(read):
    figure = read(return_map_figure({"truth": tent(20)}, "x", is_map=True))
    assert {"next row of x", "row of x"} <= set(figure.texts)
    assert "On the diagonal a row would repeat itself." in figure.words


def test_many_points_are_thinned_evenly_and_all_are_counted(read):
    points = tent(6100)
    figure = read(return_map_figure({"truth": points}, "x"))
    (across,), _ = axes_of(figure, 1)
    dots = figure.marks("points-0")
    assert len(dots) == 1220  # every fifth: 6,100 / 5 is the first below 1,500
    np.testing.assert_allclose(read.to_data(dots[:, 0], across), points[::5, 0], atol=2e-3)
    assert "6,100 points of truth" in figure.words
    assert len(read(return_map_figure({"truth": tent(1500)}, "x")).marks("points-0")) == 1500


def test_what_lies_outside_the_axes_of_the_truth_is_left_out_but_counted(read):
    far = np.vstack([tent(30), [[50.0, 0.5], [0.5, -50.0], [np.nan, 0.5]]])
    figure = read(return_map_figure({"truth": tent(30), "esn": far}, "x"))
    assert len(figure.marks("points-1")) == 30
    assert "33 points of ESN" in figure.words


def test_no_points_and_one_that_repeats_itself(read):
    figure = read(return_map_figure({"truth": tent(30), "gru": np.empty((0, 2))}, "x"))
    assert len(figure.marks("points-0")) == 30
    assert "0 points of GRU" in figure.words
    figure = read(return_map_figure({"truth": np.full((12, 2), 4.0)}, "x"))
    (across,), up = axes_of(figure, 1)
    dots = figure.marks("points-0")
    assert read.to_data(dots[0, 0], across) == pytest.approx(4, abs=0.02)
    assert read.to_data(dots[0, 1], up) == pytest.approx(4, abs=0.02)
    assert "0 points of truth" in read(return_map_figure({"truth": np.empty((0, 2))}, "x")).words
