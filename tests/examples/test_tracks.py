"""The tracks in small: no vehicle on two sides, baselines by an independent loop, bands that cover."""

import numpy as np
import pytest

from recurra.examples import tracks

COUNTS = (40, 60, 60)


@pytest.fixture(scope="module")
def outcome():
    return tracks.run(seeds=1, seed=2, tracks=COUNTS, epochs=10)


@pytest.fixture(scope="module")
def drawn():
    return tracks.drawn_tracks(2, COUNTS)


def test_no_vehicle_is_on_two_sides(drawn):
    assert [len(part) for part in drawn] == list(COUNTS)
    starts = {tuple(track.provenance["initial"]) for part in drawn for track in part}
    assert len(starts) == sum(COUNTS)


def test_constant_position_and_velocity_are_those_of_a_loop(outcome, drawn):
    expected = {"constant position": [], "constant velocity": []}
    for step in range(1, 11):
        for name, speed in (("constant position", 0), ("constant velocity", 1)):
            squares = []
            for track in drawn[2]:
                x = track.values
                guess = x[19] + speed * step * (x[19] - x[18])
                squares.append(np.sum((x[19 + step] - guess) ** 2))
            expected[name].append(np.sqrt(np.mean(squares)))
    found = outcome.results["seeds"][0]["rmse"]
    for name, errors in expected.items():
        np.testing.assert_allclose(found[name], errors, rtol=1e-12)


def test_the_network_beats_what_goes_straight_on_and_its_band_covers(outcome):
    entry = outcome.results["seeds"][0]
    assert all(a < b for a, b in zip(entry["rmse"]["ffnn"], entry["rmse"]["constant velocity"], strict=True))
    assert 0.8 <= entry["coverage"]["all"] <= 0.98  # of 60 tracks; the default has 500
    assert outcome.table.rows[-1][0] == "share within the 90 % band"
    assert [section.title for section in outcome.sections] == ["Error by horizon", "Tracks and their bands"]
