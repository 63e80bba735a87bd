"""The section on a search: counts, ranks and settings as they are in the history."""

from recurra.report.search import search_section

TRIALS = [
    {"trial": 0, "learner": "esn", "rung": 0, "validation": 0.5, "leak": 0.25, "seed": 1},
    {"trial": 1, "learner": "linear", "rung": 0, "validation": 0.25, "order": 3},
    {"trial": 2, "learner": "esn", "rung": 1, "validation": 0.125, "leak": 0.25, "weight": 0.75},
    {"trial": 3, "learner": "esn", "rung": 0, "validation": 10.0, "failure": "left the finite numbers\n<b>"},
    {"trial": 4, "learner": "lstm", "rung": 0, "validation": 0.4, "units": 16, "weight": 0.25},
]


def test_those_that_forecast_together_come_first():
    section = search_section(TRIALS)
    assert section.text == (
        "5 settings were tried on held-out rows of the training part: 3 of ESN, 1 of linear, 1 of LSTM. "
        "The forecast is the median of 2 of them while they agree, then one. 1 of them failed."
    )
    (table,) = section.tables
    assert [row[:3] for row in table.rows] == [
        ["ESN", 0.125, 0.75],
        ["LSTM", 0.4, 0.25],
        ["linear", 0.25, None],
        ["ESN", 0.5, None],
        ["ESN", 10.0, None],
    ]
    assert [row[3] for row in table.rows] == [
        "leak 0.25",
        "units 16",
        "order 3",
        "leak 0.25, seed 1",
        "left the finite numbers <b>",
    ]


def test_a_copy_of_the_past_is_no_part_of_the_median():
    copied = {"trial": 5, "learner": "nearest", "rung": 0, "validation": 0.3, "width": 8, "weight": 0.0}
    assert "is the median of 2 of them while they agree, then the nearest past segment, and at last one." in (
        search_section([*TRIALS, copied]).text
    )


def test_one_alone_and_a_tuned_estimator():
    assert "The best one forecasts." in search_section([{**TRIALS[2], "weight": 1.0}]).text
    alone = search_section(TRIALS[:2])
    assert alone.text == "2 settings were tried on held-out rows of the training part: 1 of ESN, 1 of linear."
