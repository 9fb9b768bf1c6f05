from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.theme import DARK, LIGHT
from partwise_app.viewers.graph import GraphView
from partwise_app.viewers.layout import spring_layout
from partwise_app.viewers.net import in_sight

NONE = Qt.KeyboardModifier.NoModifier
COLORS = ("#3b82d6", "#c8503c", "#3f9d6b")
PARTS = tuple(
    Part(f"c{k}", f"Group {k}", color, np.ones(3), 1 / 3) for k, color in enumerate(COLORS)
)


def communities(count: int, ties: int, seed: int = 0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    group = np.arange(count) % 3
    i = rng.integers(0, count, ties)
    step = 3 * rng.integers(0, count // 3, ties)
    j = np.where(
        rng.random(ties) < 0.93, (i + step) % (count // 3 * 3), rng.integers(0, count, ties)
    )
    apart = i != j
    edges = np.stack([i, j], axis=1)[apart]
    return group, edges, rng.gamma(2.0, 1.0, len(edges))


def view(count: int = 60, ties: int = 300, **more: Any) -> View:
    group, edges, weights = communities(count, ties)
    names = tuple(f"gene {k}" for k in range(count))
    arrays = {"edges": edges, "weights": weights, "group": group, **more}
    return View("graph", "Net", arrays, (Axis("node", count, labels=names),))


@pytest.fixture
def graph(qtbot: Any) -> GraphView:
    made = GraphView()
    qtbot.addWidget(made)
    made.resize(420, 360)
    made.set_view(view(), PARTS, ())
    made.show()
    return made


@pytest.mark.parametrize("count", [90, 900])
@pytest.mark.parametrize("told", [True, False])
def test_those_who_are_tied_lie_near_one_another(count: int, told: bool) -> None:
    group, edges, weights = communities(count, count * 6)
    places = spring_layout(count, edges, weights, group if told else None)
    assert places.min() >= 0
    assert places.max() <= 1
    tied = np.linalg.norm(places[edges[:, 0]] - places[edges[:, 1]], axis=1)
    rng = np.random.default_rng(1)
    pairs = rng.integers(0, count, (4000, 2))
    anyone = np.linalg.norm(places[pairs[:, 0]] - places[pairs[:, 1]], axis=1)
    assert np.median(tied) < 0.7 * np.median(anyone)
    # Nobody hides behind another.
    apart = np.linalg.norm(places[None] - places[:, None], axis=2) + np.eye(count)
    assert (apart.min(axis=1) > 1e-5).mean() > 0.99


def test_the_same_net_lies_the_same_way() -> None:
    group, edges, weights = communities(600, 2000)
    first = spring_layout(600, edges, weights, group)
    np.testing.assert_array_equal(first, spring_layout(600, edges, weights, group))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_smallest_nets_have_places(count: int) -> None:
    places = spring_layout(count, np.empty((0, 2), np.intp), np.empty(0))
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()


def test_ties_out_of_sight_are_left_out_and_no_others() -> None:
    ends = np.array([[-5, 5, -1, 9], [-5, 5, 20, 5], [3, -2, 4, -9], [50, 5, 5, 50]], float)
    assert in_sight(ends, 10, 10).tolist() == [False, True, False, True]


def test_the_cursor_reads_the_node_below_it(graph: GraphView, qtbot: Any) -> None:
    node = int(np.argmax(graph._strength))
    with qtbot.waitSignal(graph.read) as told:
        qtbot.mouseMove(graph, graph._spot(node).toPoint())
    _, edges, weights = communities(60, 300)
    tied = (edges == node).any(axis=1)
    assert told.args[0][0] == f"gene {node}"
    assert told.args[0][1] == f"Group {node % 3}"
    assert told.args[0][2].startswith(f"{int(tied.sum())} ties")
    assert weights[tied].sum() == pytest.approx(graph._strength[node])


def test_given_places_are_kept_in_their_proportions(qtbot: Any) -> None:
    given = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0]])
    arrays = {"positions": given, "edges": np.array([[0, 1], [1, 2]])}
    made = GraphView()
    qtbot.addWidget(made)
    made.set_view(View("graph", "Map", arrays), (), ())
    a, b, c = (made._spot(k) for k in range(3))
    assert b.x() - a.x() == pytest.approx(2 * (a.y() - c.y()))  # y grows upwards
    assert b.y() == pytest.approx(a.y())


def test_ties_are_drawn_bit_by_bit_until_all_stand(graph: GraphView, qtbot: Any) -> None:
    qtbot.waitUntil(graph.is_settled)
    before = graph.grab().toImage()
    graph.zoom_in()
    assert not graph.is_settled()
    assert graph.grab().toImage() != before  # what is drawn moves along at once
    qtbot.waitUntil(graph.is_settled)


def test_a_picture_is_whole_even_when_the_drawing_is_not(graph: GraphView, qtbot: Any) -> None:
    graph.fit()
    early = graph.picture()
    assert graph.is_settled()
    qtbot.wait(1)
    assert early == graph.picture()


def test_communities_follow_the_mixer(graph: GraphView) -> None:
    def count(color: str) -> int:
        shown = graph.picture()
        return sum(
            shown.pixelColor(x, y).name() == color
            for x in range(shown.width())
            for y in range(24, shown.height())
        )

    same = view()
    graph.set_view(same, PARTS, [Strip(p.key, p.name, p.color) for p in PARTS])
    assert count("#c8503c") > 50
    solo = [Strip(p.key, p.name, p.color, solo=p.key == "c0") for p in PARTS]
    graph.set_view(same, PARTS, solo)
    assert count("#c8503c") == 0
    assert count("#3b82d6") > 50


def test_a_change_of_the_mixer_moves_no_node(graph: GraphView) -> None:
    same = view()
    graph.set_view(same, PARTS, ())
    before = graph._places.copy()
    graph.set_view(same, PARTS, [Strip("c0", "Group 0", "#123456", show=False)])
    np.testing.assert_array_equal(graph._places, before)


def test_a_table_of_ties_is_a_graph_too(qtbot: Any) -> None:
    table = np.zeros((4, 4))
    table[0, 1] = table[1, 0] = 2.0
    table[2, 2] = 9.0  # a tie to itself is none
    table[1, 3] = np.nan
    made = GraphView()
    qtbot.addWidget(made)
    made.set_view(View("graph", "Small", {"adjacency": table}), (), ())
    assert made.accessibleDescription() == "4 nodes, 1 ties"


def test_hands_and_keys_move_the_view(graph: GraphView, qtbot: Any) -> None:
    node = int(np.argmax(graph._strength))
    start = graph._spot(node)
    middle, by = graph.rect().center(), QPoint(30, -20)
    QTest.mousePress(graph, Qt.MouseButton.LeftButton, NONE, middle)
    QTest.mouseMove(graph, middle + by)
    QTest.mouseRelease(graph, Qt.MouseButton.LeftButton, NONE, middle + by)
    moved = graph._spot(node) - start
    assert (moved.x(), moved.y()) == pytest.approx((30, -20))
    graph.fit()
    assert graph._spot(node) == start
    qtbot.keyClick(graph, Qt.Key.Key_Right)
    assert graph._spot(node).x() < start.x()
    qtbot.keyClick(graph, Qt.Key.Key_0)
    with qtbot.waitSignal(graph.read) as told:
        qtbot.keyClick(graph, Qt.Key.Key_N)
    assert told.args[0][0] == f"gene {node}"
    with qtbot.waitSignal(graph.node_chosen) as chosen:
        qtbot.mouseClick(graph, Qt.MouseButton.LeftButton, pos=start.toPoint())
    assert chosen.args == [node]


def test_zoom_keeps_what_is_below_the_cursor(graph: GraphView) -> None:
    node = int(np.argmax(graph._strength))
    spot = graph._spot(node)
    graph._zoom(2.0, spot)
    after = graph._spot(node)
    assert (after.x(), after.y()) == pytest.approx((spot.x(), spot.y()), abs=1e-6)


def test_many_nodes_find_their_places_in_a_thread(qtbot: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("partwise_app.viewers.graph._SMALL", 10)
    made = GraphView()
    qtbot.addWidget(made)
    made.set_view(view(), PARTS, ())
    assert not made.is_settled()
    assert not made.grab().isNull()
    qtbot.waitUntil(made.is_settled)


def test_nothing_to_draw_is_said(qtbot: Any) -> None:
    made = GraphView()
    qtbot.addWidget(made)
    for tokens in (DARK, LIGHT):
        made.set_theme(tokens)
        made.set_view(View("graph", "None"), (), ())
        assert not made.picture().isNull()
        assert made.is_settled()


def test_nothing_is_left_behind(qtbot: Any) -> None:
    made = GraphView()
    made.set_view(view(), PARTS, ())
    made.grab()
    gone = weakref.ref(made)
    made.deleteLater()
    del made
    qtbot.wait(1)
    gc.collect()
    assert gone() is None
