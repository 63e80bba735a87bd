"""The report as a reader sees it: opened in headless Chromium, at the widths of a desk and of a phone."""

import dataclasses
import io

import numpy as np
import pytest
from matplotlib.image import imread

from recurra import report
from recurra.report import Section

BOXES = """[...document.querySelectorAll("svg.figure")].map(e => {
  const box = e.getBoundingClientRect(); return [box.left, box.top + scrollY, box.width, box.height]; })"""
CELLS = """[...document.querySelectorAll("table")].map(
  t => [...t.rows].map(r => [...r.cells].map(c => c.innerText)))"""


@pytest.fixture
def page_file(run_dir, tmp_path):
    rows = [
        {"learner": name, "horizon": h, "rmse": h * s} for name, s in (("esn", 1.0), ("linear", 2.0)) for h in (1, 5, 9)
    ]
    full = report.run_report(run_dir)
    horizon = Section("Horizon", figures=[report.horizon_figure(rows, unit="m", time_unit="s")])
    path = tmp_path / "report.html"
    report.write_report(dataclasses.replace(full, sections=[*full.sections, horizon]), path)
    return path


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (390, False)])
def test_the_report_opens_whole_and_without_a_complaint(browser, page_file, tmp_path, width, dark):
    page = browser.open(page_file, width, dark)
    assert page.problems == []
    assert page.ask("document.title") == "ESN forecast of lorenz63"
    assert page.ask("[...document.querySelectorAll('h2')].map(e => e.innerText)") == [
        "How good is it?",
        "Forecast",
        "How long can it be trusted?",
        "Does it follow the same dynamics?",
        "Training",
        "How long can it be forecast?",
        "Horizon",
        "Reproduce this",
    ]
    cells = page.ask(CELLS)
    assert cells[0][1] == ["ESN", "6.43", "0.812", "4.10", "61.2", "0.340", "6.46"]
    assert cells[1][2] == ["persistence", "0.410", "0.0500", "0.300", "4.20", "0.997", "9.50"]
    assert page.ask("document.querySelector('.command').innerText").endswith("--out 'runs/a b'")
    # Nothing is wider than the screen, and every figure takes its place on it.
    assert page.ask("document.documentElement.scrollWidth") <= width
    boxes = page.ask(BOXES)
    assert len(boxes) == 5
    assert all(w > 0.75 * min(width, 816) and h > 100 for _, _, w, h in boxes)
    assert all(x >= 0 and x + w <= width for x, _, w, _ in boxes)
    smallest = "Math.min(...[...document.querySelectorAll('svg text')].map(e => e.getBoundingClientRect().height))"
    assert page.ask(smallest) >= 8
    shot = imread(io.BytesIO(page.screenshot(tmp_path / "shot.png").read_bytes()))[:, :, :3]
    for x, y, w, h in boxes:
        drawn = shot[int(y) : int(y + h), int(x) : int(x + w)]
        background = shot[2, 2]
        assert (np.abs(drawn - background).max(axis=2) > 0.3).mean() > 0.005
    assert (shot[2, 2].mean() < 0.2) == dark


def test_no_label_of_a_figure_leaves_it_or_covers_another(browser, page_file):
    overlaps = """[...document.querySelectorAll("svg.figure")].flatMap(svg => {
      const all = [...svg.querySelectorAll("text")].map(e => [e.textContent, e.getBoundingClientRect()]);
      const edge = svg.getBoundingClientRect(), bad = [];
      all.forEach(([text, a], i) => {
        if (a.left < edge.left - 8 || a.right > edge.right + 8) bad.push(text + " leaves");
        all.slice(0, i).forEach(([other, b]) => {
          const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
          const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
          if (x > 1 && y > 0.35 * Math.min(a.height, b.height)) bad.push(text + " on " + other);
        });
      });
      return bad; })"""
    for width in (1200, 768, 390):
        assert browser.open(page_file, width).ask(overlaps) == []


def test_hostile_names_stay_text(browser, run_dir, tmp_path):
    full = report.run_report(run_dir)
    evil = "<script>document.title = 'gone'</script><img src=x onerror=alert(1)>"
    path = tmp_path / "evil.html"
    report.write_report(dataclasses.replace(full, title=evil, summary=evil, versions={evil: evil}), path)
    page = browser.open(path)
    assert page.problems == []
    assert page.ask("document.querySelector('.summary').innerText") == evil
    assert page.ask("document.querySelectorAll('script, img').length") == 0


@pytest.mark.parametrize(
    ("evil", "complaint"),
    [
        ("<script>console.error('broken')</script>", "console.error"),
        ("<script>throw new Error('thrown')</script>", "exception"),
        ("<img src='http://127.0.0.1:9/a.png'>", "request: http://127.0.0.1:9/a.png"),
        ("<link rel='stylesheet' href='other.css'>", "other.css"),
    ],
)
def test_the_browser_check_can_fail(browser, page_file, evil, complaint):
    policy = page_file.read_text("utf-8")
    broken = page_file.with_name("broken.html")
    broken.write_text(
        policy.replace("Content-Security-Policy", "off").replace("</header>", f"{evil}</header>"), "utf-8"
    )
    assert any(complaint in each for each in browser.open(broken).problems)
    # With the policy of the page in force the same content is stopped, and reported as an error.
    broken.write_text(policy.replace("</header>", f"{evil}</header>"), "utf-8")
    assert any("Content Security Policy" in each for each in browser.open(broken).problems)
