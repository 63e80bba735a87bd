"""The tables and figures of docs/skill.md, from the rows in `results/`.

python -m benchmarks.skill.page
"""

from pathlib import Path

from recurra.report.scores import scores_figure
from recurra.suites import markdown, read_rows, suites, summarise
from recurra.suites.dysts import AHEAD, THRESHOLD
from recurra.suites.rows import Row

RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parents[2] / "docs"
HEAD = """# Skill

How far recurra's forecasts reach, and how good its answers are, under protocols that others have published.
`recurra bench --list` names them, `recurra bench SUITE` measures one of them (whatever rows are missing, row by row,
into a file that `--results` names), and `--learner NAME` measures any other learner with its default settings where
the protocol allows it. The rows behind this page are in `benchmarks/skill/results/`, each with its settings, command,
day and versions; `python -m benchmarks.skill.page` writes the page anew.

In every table: median, mean (the root mean square for NRMSE84), tenth and ninetieth percentile and extremes over all
values (seeds, systems and starts alike), and the median of the processor seconds of a row. In every figure: the first
measure; median, the tenth to the ninetieth percentile, and the extremes of what was measured here, diamonds for what
is published.

[benchmarks/skill](../benchmarks/skill/README.md) has what is measured by scripts instead: a wrong equation with a
network for the rest, the Common Task Framework, and networks that are trained for the free run."""
NOTES = {
    "lorenz96": "The published GRU and LSTM see the ring as one vector; the GRU here is one small cell that all sites "
    "share, each of which sees two neighbours to both sides. A GRU for the whole ring, trained for four minutes, "
    "held for 0.5 on other starts (benchmarks/skill).",
    "kuramoto-sivashinsky": "Waves that die out at once are what makes a learned closed loop unstable here: a field "
    "seen at fewer points has none of them, and noise of the teacher shows how the shortest ones that are left decay. "
    "What was tried is in benchmarks/skill. Readouts for each group, of 5,000 units from 70,000 rows, were not run.",
    "dysts": "Processor seconds of `auto` were measured beside heavy work, those of its parts by themselves with "
    "an earlier and slower program. Three LSTM are one trajectory: their median while they agree, then one of them.",
    "mackey-glass": "The root mean square of 20 runs depends on the few worst of them: hence the median beside it, "
    "and the 1,000 starts, by which the best of eight reservoirs has 0.6 of the error of the first one drawn, though "
    "not by the 20 runs.",
    "narma10": "The first drive holds a burst, on which all have their largest error.",
    "santa-fe-laser": "The 200 steps from row 2,074 on hold a collapse, which no closed loop foresees (one of twenty "
    "ran away); those from row 2,300 on hold none.",
    "earth-rotation": "The linear map of the last 60 days of x and y that fits all days of these five years best has "
    "an RMSE of 3.78 mas ten days after these origins. Errors ten days ahead depend on the day of the month: "
    "forecasts that start every 30 days can have 3.4 to 5.0 mas by an autoregression of 60 lags. The errors that "
    "others have published are of the year 2021 and were made before the fact.",
    "sunspots": "No network is better here than both the autoregression and the season: the cycles since 1930 were "
    "higher than most of those that were learnt.",
}


def main() -> None:
    """Write the page and its figures."""
    parts = [HEAD]
    for name, suite in suites().items():
        rows = read_rows(RESULTS / f"{name}.jsonl", suite)
        if not rows:
            continue
        first = suite.measures[0]
        lines = [line for line in summarise(suite, rows) if line["measure"] == first.name]
        published = [(each.who, each.value) for each in suite.published if each.measure == first.name]
        svg = scores_figure(lines, published, f"{first.title} ({first.better} is better)")
        (DOCS / "images" / f"skill-{name}.svg").write_text(svg)
        words = f"recurra bench {name}{' --data FILE' if suite.needs else ''}"
        needs = f" FILE is {suite.needs}." if suite.needs else ""
        parts += [
            f"## {suite.title[0].upper()}{suite.title[1:]}",
            f"`{words}`. {suite.protocol}{needs} Source: {suite.source}.",
            f"![{first.title}](images/skill-{name}.svg)",
            markdown(suite, rows),
            *([_paired(rows)] if name == "dysts" else []),
            *([NOTES[name]] if name in NOTES else []),
        ]
    (DOCS / "skill.md").write_text("\n\n".join(parts) + "\n")


def _paired(rows: list[Row]) -> str:
    """How the search fares beside the nearest past segment, system by system."""
    auto, nearest = ({row["part"]: row for row in rows if row["name"] == name} for name in ("auto", "nearest"))
    better = sum(auto[part]["smape"] < nearest[part]["smape"] for part in auto)
    whole = sum(row["valid"] >= AHEAD for row in auto.values())
    seconds = [row["cpu"] for row in auto.values()]
    return (
        f"`auto` is better than the nearest past segment on {better} of the {len(auto)} systems "
        f"({100 * better / len(auto):.0f} %), reaches the last of the {AHEAD} steps within {THRESHOLD} standard "
        f"deviations on {whole}, and takes {sum(seconds) / len(seconds):.1f} s of a core on average, "
        f"{max(seconds):.1f} at most, beside other work."
    )


if __name__ == "__main__":
    main()
