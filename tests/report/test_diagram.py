"""The drawing of a network: every node and edge of the model is there, once, and arrows end at their boxes."""

import re
from functools import cache
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from recurra.cells import GRU, LSTM
from recurra.errors import ConfigError
from recurra.models import Dense, Graph, Stack
from recurra.models.diagram import folded, unfolded
from recurra.report.diagram import model_diagram
from recurra.training.wrappers import LearnedStart

HOSTILE = '<script>alert("x")</script>'


def graph(slow="slow"):
    rng = np.random.default_rng(0)
    nodes = {"fast": GRU.draw(4, 5, rng), slow: LSTM.draw(5, 6, rng), "y": Dense.draw(14, 1, rng)}
    return Graph.of(nodes, {"fast": ["input", "y[t-1]"], slow: ["fast"], "y": [slow, "fast", "input"]})


MODELS = {
    **{f"elman {k}": Stack.draw("elman", 3, 2, units=64, layers=k, seed=0) for k in (1, 2, 3, 4)},
    "lstm": Stack.draw("lstm", 3, 2, units=8, seed=0, scale=np.ones(2)),
    "learned start": LearnedStart.of(Stack.draw("gru", 3, 2, units=8, layers=2, hidden=(20,), seed=0)),
    "graph": graph(),
}


@cache
def figure(name):
    return model_diagram(MODELS[name])


def parsed(svg):
    root = ET.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def texts(root):
    return [each.text for each in root.iter("text")]


def arrows(root, part):
    """First and last point of every edge, and the path of its head."""
    groups = [each for each in root.iter("g") if re.search(f"line-{part}\\d+$", each.get("id", ""))]
    curves = [np.array(re.findall(r"-?[\d.]+", each[0].get("d")), float).reshape(-1, 2) for each in groups]
    return [(curve[0], curve[-1]) for curve in curves], [len(each.findall("path")) for each in groups]


def boxes(root):
    """Left, right, top and bottom of every rounded box."""
    paths = [each.get("d") for each in root.iter("path") if "Q" in each.get("d", "")]
    points = [np.array(re.findall(r"-?[\d.]+", d), float).reshape(-1, 2) for d in paths]
    return np.array([(*p[:, 0].min(keepdims=True), p[:, 0].max(), p[:, 1].min(), p[:, 1].max()) for p in points])


@pytest.mark.parametrize("name", MODELS)
def test_every_node_and_edge_of_the_model_is_drawn_once(name):
    root, once, apart = parsed(figure(name)), folded(MODELS[name]), unfolded(MODELS[name])
    for part, diagram in (("folded", once), ("unfolded", apart)):
        ends, pieces = arrows(root, part)
        assert len(ends) == len(diagram.edges)
        assert set(pieces) == {2}  # a line and a head
    assert len(boxes(root)) == len(once.nodes) + len(apart.nodes)


@pytest.mark.parametrize("name", MODELS)
def test_every_arrow_goes_from_box_to_box(name):
    root = parsed(figure(name))
    found = boxes(root)
    for part in ("folded", "unfolded"):
        for x, y in np.concatenate(arrows(root, part)[0]):
            # A head is set back by its own length at most.
            near = (found[:, 0] - 6 <= x) & (x <= found[:, 1] + 6) & (found[:, 2] - 6 <= y) & (y <= found[:, 3] + 6)
            assert near.any(), (part, x, y)


def test_recurrent_edges_are_thick_and_the_weights_have_the_names_of_the_lecture():
    root = parsed(figure("elman 1"))
    thick = [
        each.get("id").rpartition("line-")[2]
        for each in root.iter("g")
        if "line-" in each.get("id", "") and "stroke-width: 1.8" in each[0].get("style", "")
    ]
    assert thick == ["folded1", "unfolded3", "unfolded6"]
    words = texts(root)
    assert [words.count(letter) for letter in ("x", "h", "y")] == [4, 4, 4]
    assert [words.count(letter) for letter in ("U", "W", "V")] == [4, 3, 4]
    assert {"elman 64", "input 3", "dense 2", "step t", "step 1", "step 3"} <= set(words)
    assert "step 4" not in words


def test_four_layers_have_their_numbers_and_loops():
    root = parsed(figure("elman 4"))
    words = texts(root)
    for k in "₁₂₃₄":
        assert (words.count(f"h{k}"), words.count(f"U{k}"), words.count(f"W{k}")) == (4, 4, 3)


def test_boxes_do_not_overlap():
    for name in ("learned start", "graph"):  # the widest and the one with most edges
        found = boxes(parsed(model_diagram(MODELS[name], steps=5)))
        apart = (found[:, None, 1] < found[None, :, 0]) | (found[:, None, 3] < found[None, :, 2])
        np.testing.assert_array_equal(apart | apart.T, ~np.eye(len(found), dtype=bool))
        assert (found[:, 0] > 0).all()
        assert (found[:, 1] < 480).all()


def test_the_description_names_the_recurrent_edges():
    svg = figure("graph")
    assert "fast to itself by fast.W, slow to itself by slow.W" in svg
    assert "y to fast by fast.U" in svg
    assert "12 nodes and 21 edges" in svg
    assert "the network learns increments" in figure("lstm")
    started = figure("learned start")
    assert "from a learned start" in started
    assert "start" in texts(parsed(started))


def test_hostile_names_are_text_and_ids_are_unique():
    svg = model_diagram(graph(HOSTILE)) + figure("elman 2")
    root = parsed(f"<svg>{svg}</svg>")
    assert {each.tag for each in root.iter()} <= {
        "svg",
        "title",
        "desc",
        "g",
        "path",
        "use",
        "defs",
        "text",
        "clipPath",
        "rect",
    }
    ids = re.findall(r'\sid="([^"]*)"', svg)
    assert len(ids) == len(set(ids)) > 20
    assert "<script>" not in svg


def test_the_same_model_gives_the_same_bytes():
    assert model_diagram(MODELS["elman 1"]) == figure("elman 1")


def test_colours_follow_the_page():
    svg = figure("lstm")
    assert "var(--lstm, #d1520a)" in svg
    assert not re.findall(r"(?:stroke|fill): #", svg)


def test_more_steps_than_fit_are_refused():
    with pytest.raises(ConfigError, match="`steps` is 6: at most 5 fit"):
        model_diagram(MODELS["elman 1"], steps=6)
