"""The page: complete, escaped, self-contained, the same bytes for the same report."""

import re
from html.parser import HTMLParser
from urllib.parse import quote, urljoin

import numpy as np
import pytest

from recurra import report
from recurra.errors import RunDirectoryError
from recurra.report import Highlight, Report, Section, Table
from recurra.series import Series

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Every tag with its attributes, the text under each, and whether all tags are closed."""

    def __init__(self, page):
        HTMLParser.__init__(self)
        self.tags, self.open, self.texts = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def under(self, tag):
        return [text for where, text in self.texts if where == tag]


def outside(page):
    """Everything on a page that asks for something else than the page itself."""
    found = []
    for tag, attributes in Reader(page).tags:
        for name, value in attributes.items():
            if tag == "a" and re.fullmatch(r"\./[\w.%~-]+", value):
                continue  # a file beside the page: nothing is asked for until somebody follows it
            if name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster") and not re.match(
                r"#|data:", value or "#"
            ):
                found.append(f"{tag} {name}={value}")
            if re.search(r"url\(\s*['\"]?(?!#|['\"]?#)", value or "") or name.startswith("on"):
                found.append(f"{tag} {name}={value}")
        if tag in ("script", "iframe", "object", "embed"):
            found.append(tag)
    found += re.findall(r"@import|url\((?!#)", "".join(Reader(page).under("style")))
    return found


@pytest.fixture
def full():
    series = Series(np.random.default_rng(0).normal(size=(60, 2)).cumsum(axis=0), channels=["<script>", "&amp;"])
    figure = report.forecast_figure(series, {"esn": series})
    table = Table(
        ["Learner", "RMSE", "R²"],
        [["<b>esn</b>", 0.12345, 0.9], ["linear", 2.0, None], ["other", 0.5, float("nan")]],
        "Scores & <more>",
        ["", "lower", "higher"],
    )
    return Report(
        "A <title>",
        "What & why",
        [Section("One", "First.\n\nSecond <p>.", [figure, figure], [table])],
        command=["recurra", "fit", "my data.csv", "--set", "a=<1>"],
        config={"learner": "esn", "model": {"units": 5}},
        versions={"numpy": "2.1", "<x>": "&"},
        data_hash="ab" * 32,
        highlights=[Highlight("Valid for", "3\u00a0d", "<note>")],
    )


def test_the_page_says_all_of_the_report(full):
    page = Reader(report.render(full))
    assert not page.open
    assert page.under("h1") == ["A <title>"]
    assert page.under("h2") == ["One", "Reproduce this"]
    paragraphs = page.under("p")
    for text in ("What & why", "First.", "Second <p>."):
        assert text in paragraphs
    assert "Scores & <more>" in paragraphs
    assert page.under("td")[:6] == ["0.123", "0.900", "2.00", "–", "0.500", "NaN"]
    code = page.under("code")
    assert "recurra fit 'my data.csv' --set 'a=<1>'" in code
    assert "ab" * 32 in code
    assert 'learner = "esn"\n\n[model]\nunits = 5\n' in code
    assert page.under("dd") == ["3\u00a0d", "<note>"]
    assert {"numpy", "<x>", "<b>esn</b>"} <= set(page.under("th"))


def test_the_best_number_of_a_column_stands_out(full):
    page = report.render(full)
    assert re.findall(r'<td class="best">([^<]*)</td>', page) == ["0.123"]  # one R² alone is not the best of many


def test_sentences_are_broken_into_lines_and_numbers_are_not():
    long = "DivergenceError: training left the finite numbers"
    rows = [["a", "finished", "1.00 (0.50 – 2.00)", 2.0], ["b", long, None, None]]
    page = report.render(Report("A", "", [Section("One", tables=[Table(["Run", "end", "x", "y"], rows, "Runs")])]))
    assert re.findall(r'<t[hd][^>]*class="prose">([^<]*)<', page) == ["end", "finished", long]


def test_nothing_stands_out_where_all_are_the_same():
    table = Table(["Run", "wrong", "seconds"], [["a", 1.0, 2.0], ["b", 1.0, 3.0]], "Runs", ["", "lower", "lower"])
    page = report.render(Report("Ties", "None", [Section("One", tables=[table])]))
    assert re.findall(r'<td class="best">([^<]*)</td>', page) == ["2.00"]


def test_nothing_on_the_page_points_elsewhere(full):
    page = report.render(full)
    assert outside(page) == []
    assert "default-src 'none'" in page
    bare = re.sub(r'xmlns="http://www.w3.org/2000/svg"', "", page)
    assert "http" not in bare.replace("http-equiv", "")


@pytest.mark.parametrize(
    "name", ["diagnose.html", "javascript:alert(1)", 'a "b" <c>#?.html', "//example.org", "ü.html"]
)
def test_a_file_beside_the_page_is_linked_and_nothing_else(name):
    page = report.render(Report("A", "", [Section("One", link=(name, "All <of> it"))]))
    read = Reader(page)
    (found,) = [attributes["href"] for tag, attributes in read.tags if tag == "a"]
    assert urljoin("file:///run/report.html", found) == f"file:///run/{quote(name, safe='')}"
    assert read.under("a") == ["All <of> it"]
    assert outside(page) == []


@pytest.mark.parametrize(
    "evil",
    [
        '<img src="http://example.org/a.png">',
        '<link rel="stylesheet" href="//example.org/a.css">',
        "<script>1</script>",
        '<p onclick="x()"></p>',
        '<p style="background: url(a.png)"></p>',
        "<style>@import 'a.css';</style>",
    ],
)
def test_the_check_for_outside_references_can_fail(full, evil):
    assert outside(report.render(full).replace("</header>", f"{evil}</header>"))


def test_ids_stay_unique_when_a_figure_is_shown_twice(full):
    tags = Reader(report.render(full)).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids)) > 10
    for tag, attributes in tags:
        if tag == "svg":
            assert set(attributes["aria-labelledby"].split()) <= set(ids)


def test_tables_and_figures_are_accessible(full):
    page = report.render(full)
    tags = Reader(page).tags
    names = {attributes["id"]: tag for tag, attributes in tags if "id" in attributes}
    scores, facts = (attributes for tag, attributes in tags if tag == "table")
    assert names[scores["aria-labelledby"]] == "p"
    assert facts == {"class": "facts"}
    assert page.count("<caption") == 1  # of the facts, which do not scroll
    (box,) = (attributes for _, attributes in tags if attributes.get("class") == "scroll")
    assert box == {"class": "scroll", "role": "region", "tabindex": "0", "aria-labelledby": "table-1"}
    assert page.index("Scores &amp; &lt;more&gt;") < page.index('<div class="scroll"')
    assert all("scope" in attributes for tag, attributes in tags if tag == "th")
    figures = [attributes for tag, attributes in tags if tag == "svg"]
    assert len(figures) == 2
    assert all(each["role"] == "img" for each in figures)
    assert ("html", {"lang": "en"}) in tags


def test_the_file_holds_the_page_and_is_the_same_twice(full, tmp_path):
    report.write_report(full, tmp_path / "a.html")
    report.write_report(full, tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert (tmp_path / "a.html").read_text("utf-8") == report.render(full)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_a_directory_that_does_not_exist_is_refused(full, tmp_path):
    with pytest.raises(RunDirectoryError, match="nowhere"):
        report.write_report(full, tmp_path / "nowhere" / "a.html")


def test_a_bare_report_admits_that_nothing_is_known():
    page = report.render(Report("Bare", "Nothing \ud800 here", []))
    assert "Nothing is known about how this came about." in page
    assert "Nothing ? here" in page


def test_without_matplotlib_the_extra_is_named():
    import subprocess
    import sys

    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from recurra.errors import MissingExtraError\n"
        "try:\n    from recurra.report import forecast_figure\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'recurra[report]'" in done.stdout
