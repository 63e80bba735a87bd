"""What the figures draw: read back from the SVG by its own tick labels, and compared with the data."""

import re

import numpy as np
import pytest

from recurra import metrics, report
from recurra.errors import DataError
from recurra.report.portrait import thin
from recurra.series import Series

HOSTILE = [
    '<script>alert("x")</script>',
    "$\\frac{1}{2}$ & 'q'",
    "_a\nb\x07",
    "温度",
    'aria-labelledby="x y" id="z"',
]
TAGS = {"svg", "title", "desc", "g", "path", "use", "defs", "text", "clipPath", "rect"}


@pytest.fixture(scope="module")
def small():
    t = 100 + 0.5 * np.arange(40)
    options = {"channels": ["x"], "units": ["mas"], "provenance": {"time_unit": "d"}}
    whole = Series(3 * np.sin(t), times=t, **options)
    train, test = whole.split(25)
    other = Series(test.values + 0.25, times=test.times, **options)
    return train, test, other


def test_the_forecast_figure_draws_the_data(small, read):
    train, test, other = small
    root = read(report.forecast_figure(test, {"esn": other}, train))
    across, up = root.ticks()
    assert len(across) >= 3
    assert len(up) >= 3
    for gid, series in (("line-0-truth", test), ("line-0-forecast0", other), ("line-0-history", train[-20:])):
        drawn = root.line(gid)
        np.testing.assert_allclose(read.to_data(drawn[:, 0], across), series.times, atol=0.01)
        np.testing.assert_allclose(read.to_data(drawn[:, 1], up), series.values[:, 0], atol=0.01)
    texts = root.texts
    for wanted in ("x (mas)", "time (d)", "truth", "ESN", "history", "forecast starts"):
        assert wanted in texts


def test_error_growth_draws_the_error_on_its_logarithmic_axis(example, read):
    _, test, forecasts = example
    scale = np.array([2.0, 3.0, 4.0])
    svg = report.error_growth_figure(test, forecasts, scale, lyapunov_exponent=0.9056)
    root = read(svg)
    across, up = root.ticks()
    below = across[: int(np.argmax(np.diff(across[:, 0]) < 0)) + 1]
    drawn = root.line("line-error0")
    e = metrics.error_growth(test.values, forecasts["esn"].values, scale)
    up[:, 1] = np.log10(up[:, 1])
    np.testing.assert_allclose(read.to_data(drawn[:, 0], below), 0.02 * np.arange(1, 501), atol=2e-3)
    np.testing.assert_allclose(read.to_data(drawn[:, 1], up), np.log10(e), atol=2e-3)
    # The second axis: one Lyapunov time is 1 / 0.9056 s.
    above = across[len(below) :]
    np.testing.assert_allclose(read.to_data(above[:, 0], below), above[:, 1] / 0.9056, atol=0.01)
    # The dotted line has the slope λ and meets the error where it crosses the threshold.
    slope = root.line("line-slope")
    t, level = read.to_data(slope[:, 0], below), np.log(10.0) * read.to_data(slope[:, 1], up)
    assert (level[1] - level[0]) / (t[1] - t[0]) == pytest.approx(0.9056, rel=2e-3)
    crossed = int(np.argmax(e > 0.4))
    assert t[1] == pytest.approx(0.02 * (crossed + 1), abs=2e-3)
    assert f"ESN until {0.02 * crossed:.3g}".rstrip("0") in svg


def test_error_growth_leaves_out_what_was_not_measured(example, read):
    _, test, forecasts = example
    mask = np.ones((500, 3), bool)
    mask[100:150, 0] = mask[300:] = False
    partly = Series(test.values, dt=test.dt, mask=mask, channels=test.channels)
    root = read(report.error_growth_figure(partly, forecasts, np.array([2.0, 3.0, 4.0]), lyapunov_exponent=0.9056))
    drawn, (across, up) = root.line("line-error0"), root.ticks()
    below = across[: int(np.argmax(np.diff(across[:, 0]) < 0)) + 1]
    up[:, 1] = np.log10(up[:, 1])
    squares = np.where(mask, ((forecasts["esn"].values - test.values) / [2.0, 3.0, 4.0]) ** 2, 0.0)[:300]
    e = np.sqrt(squares.sum(axis=1) / mask[:300].sum(axis=1))
    np.testing.assert_allclose(read.to_data(drawn[:, 0], below), 0.02 * np.arange(1, 301), atol=2e-3)
    np.testing.assert_allclose(read.to_data(drawn[:, 1], up), np.log10(e), atol=2e-3)
    short = {"esn": forecasts["esn"], "gru": test[:40]}
    unseen = Series(test.values, dt=test.dt, mask=mask & (np.arange(500) >= 50)[:, None], channels=test.channels)
    assert "GRU" in report.error_growth_figure(unseen, short, np.ones(3), lyapunov_exponent=0.9056)


def test_error_growth_without_a_lyapunov_exponent_has_neither_axis_nor_slope(small):
    _, test, other = small
    svg = report.error_growth_figure(test, {"esn": other}, [2.0])
    assert "Lyapunov" not in svg
    assert "line-slope" not in svg


def test_a_forecast_that_diverges_is_drawn_to_its_end_and_named(example, read):
    _, test, forecasts = example
    broken = forecasts["esn"].values.copy()
    broken[100:] = np.nan
    made = {"gru": Series(broken, times=test.times, channels=test.channels), "esn": forecasts["esn"]}
    growth = report.error_growth_figure(test, made, [1.0, 1.0, 1.0])
    assert "GRU (diverged)" in growth
    assert "GRU leaves the finite numbers in row 100" in growth
    assert len(read(growth).line("line-error0")) == 100
    assert "GRU (off scale)" in report.forecast_figure(test, made)


def test_a_forecast_far_out_leaves_the_scale_of_the_data(small, read):
    _, test, other = small
    far = Series(other.values * 1e12, times=test.times, channels=["x"])
    root = read(report.forecast_figure(test, {"esn": far}))
    _, up = root.ticks()
    assert np.abs(up[:, 1]).max() <= 6
    assert "ESN (off scale)" in root.texts


def test_phase_portrait_draws_first_against_third_of_three_channels(example, read):
    _, test, forecasts = example
    root = read(report.phase_portrait(test, {"esn": forecasts["esn"]}))
    across, up = root.ticks()
    first = across[: len(across) // 2]
    drawn = root.line("line-portrait0")
    wanted = thin(test.values[:, [0, 2]], 0.0025 * 1.24 * np.ptp(test.values[:, [0, 2]], axis=0))
    np.testing.assert_allclose(read.to_data(drawn[:, 0], first), wanted[:, 0], atol=0.01)
    np.testing.assert_allclose(read.to_data(drawn[:, 1], up), wanted[:, 1], atol=0.01)
    assert "x (m)" in root.texts


def test_thin_moves_no_point_further_than_its_step():
    rng = np.random.default_rng(0)
    curve = rng.normal(size=(3000, 2)).cumsum(axis=0)
    kept = thin(curve, np.array([3.0, 3.0]))
    assert len(kept) < 1500
    gap = np.abs(curve[:, None] - kept[None]).max(axis=2).min(axis=1)
    assert gap.max() <= 3.0


def test_training_curve_draws_both_scores_and_marks_the_best(epochs, read):
    svg = report.training_curve(epochs)
    root = read(svg)
    across, up = root.ticks()
    up[:, 1] = np.log10(up[:, 1])
    for name in ("loss", "validation"):
        drawn = root.line(f"line-{name}")
        np.testing.assert_allclose(read.to_data(drawn[:, 0], across), [row["epoch"] for row in epochs], atol=0.1)
        wanted = np.log10([row[name] for row in epochs])
        np.testing.assert_allclose(read.to_data(drawn[:, 1], up), wanted, atol=2e-3)
    best = min(epochs, key=lambda row: row["validation"])
    assert f"is that of epoch {best['epoch']}." in svg


def test_a_validation_every_tenth_epoch_is_one_line(read):
    history = [{"epoch": e, "loss": 1 / e, "validation": 2 / e if e % 10 == 0 else None} for e in range(1, 51)]
    svg = report.training_curve(history)
    assert len(read(svg).line("line-validation")) == 5
    assert "Not drawn" not in svg


def test_training_curve_without_validation_or_with_gaps(read):
    svg = report.training_curve([{"epoch": 1, "loss": 0.5, "validation": None}, {"epoch": 2, "loss": 0.0}])
    assert "validation" not in svg
    assert "Not drawn, because not finite or not positive: 1 of loss." in svg
    with pytest.raises(DataError, match="none of the 1 epochs"):
        report.training_curve([{"epoch": 1, "loss": float("nan"), "validation": None}])


def test_horizon_figure_draws_the_root_mean_square_over_seeds(read):
    rows = [{"learner": "esn", "horizon": h, "rmse": s * h} for h in (1, 10, 100) for s in (3.0, 4.0)]
    root = read(report.horizon_figure(rows, unit="mas", time_unit="d"))
    across, up = root.ticks()
    across[:, 1], up[:, 1] = np.log10(across[:, 1]), np.log10(up[:, 1])
    drawn = root.line("line-horizon0")
    np.testing.assert_allclose(read.to_data(drawn[:, 0], across), [0, 1, 2], atol=5e-3)
    np.testing.assert_allclose(
        read.to_data(drawn[:, 1], up), np.log10(np.sqrt(12.5) * np.array([1, 10, 100])), atol=5e-3
    )
    with pytest.raises(DataError, match=r"row 0 \(esn\)"):
        report.horizon_figure([{"learner": "esn", "horizon": 0, "rmse": 1.0}])
    with pytest.raises(DataError, match="no row"):
        report.horizon_figure([])


def all_figures(example, epochs):
    train, test, forecasts = example
    rows = [{"learner": name, "horizon": h, "rmse": float(h)} for name in ("esn", "linear") for h in (1, 2, 3)]
    return [
        report.forecast_figure(test, forecasts, train),
        report.error_growth_figure(test, forecasts, [1.0, 1.0, 1.0], lyapunov_exponent=0.9),
        report.phase_portrait(test, forecasts),
        report.training_curve(epochs),
        report.horizon_figure(rows),
    ]


def test_the_same_input_gives_the_same_bytes(example, epochs):
    assert all_figures(example, epochs) == all_figures(example, epochs)


def test_a_users_matplotlib_settings_neither_matter_nor_change(example, epochs):
    import matplotlib as mpl

    plain = all_figures(example, epochs)
    with mpl.rc_context({"axes.grid": False, "font.size": 30, "svg.fonttype": "path", "lines.marker": "x"}):
        before = dict(mpl.rcParams)
        assert all_figures(example, epochs) == plain
        assert dict(mpl.rcParams) == before


def test_ids_are_unique_and_every_reference_resolves(example, epochs):
    page = "".join(all_figures(example, epochs))
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids)) > 50
    wanted = set(re.findall(r'href="#([^"]*)"', page)) | set(re.findall(r"url\(#([^)]*)\)", page))
    wanted |= {each for found in re.findall(r'aria-labelledby="([^"]*)"', page) for each in found.split()}
    assert wanted
    assert wanted <= set(ids)


def test_every_figure_is_an_image_with_title_and_description(example, epochs, read):
    for svg in all_figures(example, epochs):
        root = read(svg)
        assert root.root.get("role") == "img"
        assert [each.tag for each in root.root[:2]] == ["title", "desc"]
        assert root.root.get("aria-labelledby").split() == [root.root[0].get("id"), root.root[1].get("id")]
        assert all(each.text for each in root.root[:2])


def test_a_learner_has_one_colour_in_every_figure(example, epochs):
    forecast, growth, portrait, _, horizon = all_figures(example, epochs)
    for svg in (forecast, growth, portrait, horizon):
        assert "var(--esn, #0068a8)" in svg
    assert "var(--ink, #1f2933)" in forecast


def test_hostile_names_are_text_and_nothing_else(read):
    table = np.random.default_rng(0).normal(size=(50, 5)).cumsum(axis=0)
    truth = Series(table, channels=HOSTILE, units=["<b>", "$", "", "", ""])
    made = {"<i>mine</i>": Series(table + 0.1, channels=HOSTILE), "esn": Series(table, channels=HOSTILE)}
    for svg in (
        report.forecast_figure(truth, made),
        report.error_growth_figure(truth, made, np.ones(5)),
        report.phase_portrait(truth, made),
    ):
        root = read(svg)  # well formed
        assert {each.tag for each in root.root.iter()} <= TAGS
        assert "<i>mine</i>" in root.texts
    texts = read(report.forecast_figure(truth, made)).texts
    assert '<script>alert("x")</script> (<b>)' in texts
    assert "$\\frac{1}{2}$ & 'q' ($)" in texts
    assert "_a b\ufffd" in texts
    assert HOSTILE[4] in texts


def test_dates_have_date_ticks_and_elapsed_time_in_days(read):
    t = np.datetime64("2024-01-01", "ns") + np.arange(200) * np.timedelta64(1, "D")
    whole = Series(np.sin(np.arange(200) / 9), times=t, channels=["x"])
    train, test = whole.split(150)
    svg = report.forecast_figure(test, {"linear": test}, train)
    texts = read(svg).texts
    assert "Jun" in texts
    assert "date, 2024" in texts
    assert "50 steps (50\u00a0d)" in svg
    growth = report.error_growth_figure(test, {"linear": test}, [1.0])
    assert "time since the forecast started (d)" in growth


def test_only_the_first_six_channels_are_drawn_and_it_is_said():
    many = Series(np.random.default_rng(1).normal(size=(30, 8)))
    svg = report.forecast_figure(many, {"esn": many})
    assert "(the first 6 of 8)" in svg
    assert "line-5-truth" in svg
    assert "line-6-truth" not in svg


def test_a_long_series_stays_small():
    rng = np.random.default_rng(2)
    long = Series(rng.normal(size=(24_000, 6)).cumsum(axis=0))
    made = dict.fromkeys(("esn", "linear", "persistence", "climatology"), long)
    size = len(report.forecast_figure(long, made, long)) + len(report.error_growth_figure(long, made, np.ones(6)))
    size += len(report.phase_portrait(long, made))
    assert size < 1_500_000


def test_what_cannot_be_compared_is_refused(small):
    _, test, other = small
    with pytest.raises(DataError, match="no forecast"):
        report.forecast_figure(test, {})
    with pytest.raises(DataError, match="no rows"):
        report.forecast_figure(test[:0], {"esn": other})
    with pytest.raises(DataError, match="'esn' has channels"):
        report.error_growth_figure(test, {"esn": Series(other.values, channels=["y"])}, [1.0])
    with pytest.raises(DataError, match="two channels"):
        report.phase_portrait(test, {"esn": other})
