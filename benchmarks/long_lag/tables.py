"""The tables of README.md, from the results."""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks import marked

_TABLE_5 = {  # mean zero-one error over 4 seeds; columns 0.995N and 0 of table 5 of Sutskever et al. 2013
    ("adding-mean", 80): (0.00025, 0.39),
    ("multiplication", 80): (0.0013, 0.48),
    ("20-bit-memory", 80): (0.00005, 5.37),
    ("5-bit-memory", 200): (0.63, 1.27),
}
_LSTM = {  # sequences to the stop rule, mean of 10 runs, Hochreiter and Schmidhuber 1997
    ("adding-1997", 100): 74_000,
    ("adding-1997", 500): 209_000,
    ("adding-1997", 1000): 853_000,
    ("temporal-order-1997", 100): 31_390,
}
Records = dict[tuple[Any, ...], list[dict[str, Any]]]


def write_tables(home: Path, results: Path) -> None:
    """Put the tables between their marks in the README."""
    for name, table in (("momentum", _momentum), ("lstm", _lstm), ("single", _single)):
        marked.put(home / "README.md", name, [table(results)])


def _read(results: Path, *groups: str, by: Sequence[str]) -> Records:
    found = defaultdict(list)
    for group in groups:
        path = results / f"{group}.jsonl"
        for line in path.read_text().splitlines() if path.exists() else []:
            record = json.loads(line)
            found[tuple(_get(record, key) for key in by)].append(record)
    return dict(found)


def _get(record: dict[str, Any], key: str) -> Any:
    return record["settings"].get(key) if key in ("momentum", "learning_rate") else record[key]


def _momentum(results: Path) -> str:
    found = _read(results, "momentum", "adam", by=("task", "length", "learner", "momentum"))
    drawn = _read(results, "drawn", by=("task", "length"))
    rows = []
    for (task, length), (with_it, without) in _TABLE_5.items():
        row: list[Any] = [f"{task} T={length}", _errors(drawn.get((task, length), []))]
        for learner, mu, published in (("momentum", 0.995, with_it), ("momentum", 0.0, without), ("rnn", None, None)):
            runs = found.get((task, length, learner, mu), [])
            row += [_errors(runs), *([f"{published:g}"] if published is not None else [])]
        rows.append(row)
    heads = [
        "task",
        "Nesterov 0.995, best of 100 reservoirs, average of the last weights",
        "the first reservoir",
        "published",
        "momentum 0",
        "published",
        "Adam, orthogonal, clipped",
    ]
    return _table(heads, rows)


def _errors(runs: list[dict[str, Any]]) -> str:
    if not runs:
        return "not run"
    lost = sum(run["stop"] == "diverged" for run in runs)
    known = [run["errors"] for run in runs if run["errors"] is not None]
    text = (
        f"{mean(known):.2g} ({', '.join(f'{error:.2g}' for error in sorted(known))})" if known else f"{len(runs)} seeds"
    )
    return f"{text}, {lost} diverged" if lost else text


def _lstm(results: Path) -> str:
    found = _read(results, "lstm", by=("task", "length"))
    rows = []
    for (task, length), published in _LSTM.items():
        runs = found.get((task, length), [])
        row: list[Any] = [f"{task} T={length}", f"{published:,}"]
        if runs:
            sequences = [run["sequences"] for run in runs]
            wrong = [round(run["wrong_fraction"] * 2560) for run in runs]
            row += [f"{mean(sequences):,.0f} ({min(sequences):,} to {max(sequences):,})", f"{len(runs)}"]
            row += [f"{sum(run['solved'] for run in runs)}", f"{mean(wrong):.1f} (at most {max(wrong)})"]
            row += [f"{mean(run['seconds'] for run in runs):.0f}"]
        else:
            row += ["not run yet", "0", "", "", ""]
        rows.append(row)
    return _table(["task", "published", "sequences", "runs", "solved", "wrong of 2,560", "seconds a run"], rows)


def _single(results: Path) -> str:
    found = _read(results, "hessian-free", "sgd", "esn", by=("learner", "task", "length", "name"))
    rows = []
    for (learner, task, length, name), (run, *_) in sorted(found.items()):
        chosen = name.removeprefix(f"{task}-{length} {learner}").strip()
        steps = f"{run['cg_steps']:,.0f}" if "cg_steps" in run else ""
        solved = "yes" if run["solved"] else "no"
        row = [
            learner,
            f"{task} T={length}",
            chosen,
            solved,
            f"{100 * run['wrong_fraction']:.2f} %",
            f"{run['epochs']:,}",
        ]
        row += [steps, f"{run['sequences']:,}", f"{run['gradient_passes'] / 1e6:.2f}", f"{run['seconds']:.0f}"]
        rows.append(row)
    heads = [
        "learner",
        "task",
        "settings",
        "solved",
        "wrong",
        "epochs",
        "CG steps",
        "sequences",
        "gradients, millions",
        "s",
    ]
    return _table(heads, rows)


def _table(heads: list[str], rows: list[list[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
