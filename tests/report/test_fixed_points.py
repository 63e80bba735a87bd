"""The portrait with fixed points: rows, points and arrows where they are, and what is stable told from what is not."""

import numpy as np
import pytest

from recurra.report.fixed_points import Portrait, portrait_figure
from recurra.report.portrait import thin
from recurra.series import Series

POINTS = np.array([[0.5, 0.1, -1.0], [-0.5, 0.2, 1.5]])


@pytest.fixture
def helix():
    t = 0.05 * np.arange(400)
    return np.stack([2 * np.cos(t), np.sin(t), 3 * np.sin(2 * t)], axis=1)


def series(rows):
    names = ["x", "y", "z"][: rows.shape[1]]
    return Series(rows, dt=0.05, channels=names, units=["m", "", "K"][: len(names)])


def across_of(figure, panel, panels=2):
    ticks, _ = figure.ticks()
    return np.split(ticks, panels)[panel]


def test_rows_and_points_are_drawn_where_they_are_first_against_third_channel(helix, read):
    stable = np.array([True, False])
    panels = [Portrait("truth", helix, POINTS, stable), Portrait("esn", helix[:200], POINTS[1:], np.array([True]))]
    figure = read(portrait_figure(panels, series(helix)))
    _, up = figure.ticks()
    room = 1.24 * np.array([4.0, 6.0])  # of 12 % on either side
    for k, panel in enumerate(panels):
        across = across_of(figure, k)
        wanted = thin(panel.rows[:, [0, 2]], 0.0025 * room)
        drawn = figure.line(f"line-rest{k}")
        np.testing.assert_allclose(read.to_data(drawn[:, 0], across), wanted[:, 0], atol=0.01)
        np.testing.assert_allclose(read.to_data(drawn[:, 1], up), wanted[:, 1], atol=0.015)
    for name, k, point in (
        ("point-stable-0-0", 0, POINTS[0]),
        ("point-open-0-1", 0, POINTS[1]),
        ("point-stable-1-0", 1, POINTS[1]),
    ):
        (x, y), across = figure.marks(name)[0], across_of(figure, k)
        assert read.to_data(x, across) == pytest.approx(point[0], abs=0.01)
        assert read.to_data(y, up) == pytest.approx(point[2], abs=0.015)
    assert {"z (K)", "x (m)", "truth", "ESN"} <= set(figure.texts)
    assert "full where they are stable, else hollow: 2 of truth, 1 of ESN." in figure.words


def test_arrows_point_along_the_motion_as_it_is_drawn(read):
    t = 0.05 * np.arange(400)
    ellipse = np.stack([5 * np.cos(t), np.sin(t)], axis=1)
    panel = Portrait("truth", ellipse, np.empty((0, 2)), np.empty(0, bool))
    figure = read(portrait_figure([panel], series(ellipse)))
    _, up = figure.ticks()
    across = across_of(figure, 0, 1)
    heads = [np.array(each) for each in arrows(figure, "arrows-0")]
    assert len(heads) == 24
    scale = np.array([np.polyfit(*marks.T[::-1], 1)[0] for marks in (across, up)])  # points of the paper per unit
    for k, corners in zip(np.linspace(0, 398, 24).astype(int), heads, strict=True):
        middle = (corners.max(axis=0) + corners.min(axis=0)) / 2
        x, y = read.to_data(middle[0], across), read.to_data(middle[1], up)
        np.testing.assert_allclose([x, y], ellipse[k], atol=0.25)
        tip = corners[np.argmax(np.linalg.norm(corners - corners.mean(axis=0), axis=1))] - corners.mean(axis=0)
        motion = (ellipse[k + 1] - ellipse[k]) * scale
        assert tip @ motion / np.linalg.norm(tip) / np.linalg.norm(motion) > 0.99


def arrows(figure, name):
    from xml.etree import ElementTree as ET

    assert isinstance(figure.group(name), ET.Element)
    for path in figure.group(name).iter("path"):
        yield np.array([float(n) for n in path.get("d").replace("M", " ").replace("L", " ").split()]).reshape(-1, 2)


def test_a_map_is_points_without_arrows(helix, read):
    panel = Portrait("truth", helix[:50, :2], np.empty((0, 2)), np.empty(0, bool))
    figure = read(portrait_figure([panel], series(helix[:50, :2]), is_map=True))
    dots = figure.marks("line-rest0")
    _, up = figure.ticks()
    np.testing.assert_allclose(read.to_data(dots[:, 0], across_of(figure, 0, 1)), helix[:50, 0], atol=0.01)
    np.testing.assert_allclose(read.to_data(dots[:, 1], up), helix[:50, 1], atol=0.01)
    assert not [each for each in figure.ids if "arrows" in each]
    assert "Arrows" not in figure.words


def test_of_one_channel_each_row_is_drawn_against_the_row_before(read):
    rows = np.sin(0.3 * np.arange(40))[:, None]
    panel = Portrait("truth", rows, np.array([[0.25]]), np.array([False]))
    figure = read(portrait_figure([panel], series(rows), is_map=True))
    _, up = figure.ticks()
    across = across_of(figure, 0, 1)
    dots, point = figure.marks("line-rest0"), figure.marks("point-open-0-0")[0]
    np.testing.assert_allclose(read.to_data(dots[:, 0], across), rows[:-1, 0], atol=0.01)
    np.testing.assert_allclose(read.to_data(dots[:, 1], up), rows[1:, 0], atol=0.01)
    assert (read.to_data(point[0], across), read.to_data(point[1], up)) == pytest.approx((0.25, 0.25), abs=0.01)
    assert "x (m), the row after" in figure.texts


def test_only_the_first_four_thousand_rows_are_drawn(read):
    rows = np.random.default_rng(0).normal(size=(6000, 2))
    panel = Portrait("truth", rows, np.empty((0, 2)), np.empty(0, bool))
    assert len(read(portrait_figure([panel], series(rows), is_map=True)).marks("line-rest0")) == 4000


@pytest.mark.parametrize("count", [0, 1, 30])
def test_nothing_and_a_state_of_rest_are_drawn_without_arrows(count, read):
    rows = np.full((count, 2), 3.0)
    panel = Portrait("truth", rows, np.array([[3.0, 3.0]]), np.array([True]))
    figure = read(portrait_figure([panel], series(np.full((30, 2), 3.0))))
    _, up = figure.ticks()
    assert read.to_data(figure.marks("point-stable-0-0")[0, 1], up) == pytest.approx(3, abs=0.01)
    assert not [each for each in figure.ids if "arrows" in each]


def test_a_network_that_runs_away_does_not_shrink_the_truth(helix, read):
    far = np.vstack([helix, 1e9 * np.ones((1, 3))])
    none = np.empty((0, 3)), np.empty(0, bool)
    panels = [Portrait("truth", helix, *none), Portrait("esn", far, np.full((1, 3), 1e8), np.array([False]))]
    figure = read(portrait_figure(panels, series(helix)))
    _, up = figure.ticks()
    assert np.abs(up[:, 1]).max() < 12
    assert np.isfinite(figure.line("line-rest1")).all()
