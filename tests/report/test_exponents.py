"""The figure of exponents: marks and bars at their values, one column for each spectrum, hollow where not trusted."""

import numpy as np
import pytest

from recurra.report.exponents import Column, exponent_figure

TRUTH = Column(np.array([0.9, 0.0, -14.5]), np.array([0.05, 0.01, np.nan]), np.ones(3, bool))
OURS = Column(np.array([0.8, -0.2, -6.0, -7.0]), np.array([0.1, 0.2, 0.3, 0.4]), np.array([1, 1, 0, 0], bool))


def places(figure, kind, column, count):
    return np.concatenate([figure.marks(f"mark-{kind}-{column}-{k}") for k in count])


def test_marks_lie_at_the_exponents_and_bars_reach_one_error_to_either_side(read):
    figure = read(exponent_figure({"truth": TRUTH, "esn": OURS}, level=-5.0))
    _, up = figure.ticks()
    truth = places(figure, "full", 0, range(3))
    np.testing.assert_allclose(read.to_data(truth[:, 1], up), TRUTH.values, atol=0.01)
    ours = np.concatenate([places(figure, "full", 1, (0, 1)), places(figure, "hollow", 1, (2, 3))])
    np.testing.assert_allclose(read.to_data(ours[:, 1], up), OURS.values, atol=0.01)
    for k in range(4):
        bar = read.to_data(figure.line(f"line-bar-1-{k}")[:, 1], up)
        np.testing.assert_allclose(bar, OURS.values[k] + OURS.errors[k] * np.array([-1, 1]), atol=0.01)
    assert np.ptp(figure.line("line-bar-0-2")[:, 1]) == 0  # an error that is not known has no length
    np.testing.assert_allclose(read.to_data(figure.line("line-level")[:, 1], up), -5, atol=0.01)


def test_the_columns_stand_side_by_side_above_their_names(read):
    figure = read(exponent_figure({"truth": TRUTH, "esn": OURS, "my model": TRUTH}))
    across = [places(figure, kind, c, [k])[0, 0] for kind, c, k in (("full", 0, 0), ("hollow", 1, 3), ("full", 2, 1))]
    named = {each.text: float(each.get("x")) for each in figure.root.iter("text")}
    np.testing.assert_allclose(across, [named["truth"], named["ESN"], named["my model"]], atol=0.01)
    assert np.diff(across) == pytest.approx(np.diff(across)[0] * np.ones(2), abs=0.02)
    assert "exponents, per time unit" in named
    assert "largest conditional exponent" not in named


def test_the_words_have_the_numbers_and_what_hollow_means(read):
    words = read(exponent_figure({"truth": TRUTH, "esn": OURS}, level=-5.0)).words
    assert "the truth: 0.900, 0, −14.5; ESN: 0.800, −0.200, −6.00, −7.00. Bars are one standard error." in words
    assert "the largest conditional one, −5.00" in words
    assert "Hollow" not in read(exponent_figure({"truth": TRUTH})).words


def test_an_exponent_that_is_not_finite_is_left_out_and_the_others_stay(read):
    singular = Column(np.array([-0.5, -np.inf]), np.array([0.1, np.nan]), np.ones(2, bool))
    figure = read(exponent_figure({"esn": singular}, level=-np.inf))
    _, up = figure.ticks()
    assert read.to_data(figure.marks("mark-full-0-0")[:, 1], up) == pytest.approx([-0.5], abs=0.01)
    assert not [each for each in figure.ids if each.endswith(("mark-full-0-1", "line-level"))]
    assert "ESN: −0.500, −∞" in figure.words


def test_one_exponent_of_zero_has_room_around_it(read):
    figure = read(exponent_figure({"truth": Column(np.zeros(1), np.full(1, np.nan), np.ones(1, bool))}))
    _, up = figure.ticks()
    assert up[:, 1].min() < 0 < up[:, 1].max()
    assert read.to_data(figure.marks("mark-full-0-0")[:, 1], up) == pytest.approx([0], abs=0.01)
