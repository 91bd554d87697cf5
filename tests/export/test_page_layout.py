"""Where the nodes of a graph are drawn: laws that hold for every graph, asked of the script itself."""

import random
from importlib.resources import files

import pytest

HEIGHT, WIDTH = 40, 100
SCRIPT = (files("cpgbuild.export") / "page_assets/layout.js").read_text()


@pytest.fixture
def layered(browser):
    """Lay out a graph in a browser: x and y of all points, and the points of each edge."""
    context = browser.new_context()
    page = context.new_page()
    page.add_script_tag(content=SCRIPT)

    def run(count, edges):
        found = page.evaluate(
            """([count, edges, width, height]) => {
              const sizes = (size) => Array(count).fill(size);
              const began = performance.now();
              const {x, y, routes} = layered(sizes(width), sizes(height), edges);
              return {x: [...x], y: [...y], routes, ms: performance.now() - began};
            }""",
            [count, edges, WIDTH, HEIGHT],
        )
        return found["x"], found["y"], found["routes"], found["ms"]

    yield run
    context.close()


def graph(seed, *, acyclic):
    dice = random.Random(seed)
    count = dice.randint(1, 60)
    edges = set()
    for _ in range(dice.randint(0, 2 * count)):
        a, b = dice.randrange(count), dice.randrange(count)
        if a != b:
            edges.add((min(a, b), max(a, b)) if acyclic else (a, b))
    return count, sorted(edges)


def overlapping(count, x, y):
    return [
        (a, b)
        for a in range(count)
        for b in range(a)
        if abs(x[a] - x[b]) < WIDTH and abs(y[a] - y[b]) < HEIGHT
    ]


@pytest.mark.parametrize("acyclic", [True, False])
def test_no_node_is_upon_another(layered, acyclic):
    for seed in range(40):
        count, edges = graph(seed, acyclic=acyclic)
        x, y, _, _ = layered(count, edges)
        assert overlapping(count, x, y) == [], seed


def test_every_edge_leads_from_left_to_right_in_steps_of_a_layer(layered):
    for seed in range(40):
        count, edges = graph(seed, acyclic=True)
        x, _, routes, _ = layered(count, edges)
        places = sorted(set(x))
        for (a, b), route in zip(edges, routes, strict=True):
            assert (route[0], route[-1]) == (a, b)
            steps = [places.index(x[point]) for point in route]
            assert steps == list(range(steps[0], steps[0] + len(route))), seed


def test_edges_of_one_node_share_their_way_until_they_part(layered):
    edges = [[0, 1], [1, 2], [2, 3], [3, 4], [0, 3], [0, 4]]
    _, _, routes, _ = layered(5, edges)
    assert routes[4][:3] == routes[5][:3]
    assert len(routes[5]) == 5


def test_same_graph_is_drawn_alike_each_time(layered):
    count, edges = graph(7, acyclic=True)
    assert layered(count, edges)[:3] == layered(count, edges)[:3]


def test_chain_is_a_straight_line(layered):
    _, y, _, _ = layered(12, [[i, i + 1] for i in range(11)])
    assert max(y) - min(y) < 1


def test_what_hangs_on_nothing_is_spread_over_the_layers(layered):
    x, y, _, _ = layered(400, [])
    assert overlapping(400, x, y) == []
    assert max(y) - min(y) < 50 * HEIGHT * 2
    assert len(set(x)) >= 10


@pytest.mark.parametrize("shape", ["star", "chain", "ladder"])
def test_odd_shapes_of_two_thousand_nodes_take_no_time_to_speak_of(layered, shape):
    edges = {
        "star": [[0, i] for i in range(1, 2000)],
        "chain": [[i, i + 1] for i in range(1999)],
        "ladder": [[i, i + 1] for i in range(1999)] + [[i, i + 900] for i in range(1100)],
    }[shape]
    x, y, routes, ms = layered(2000, edges)
    assert ms < 10_000
    assert all(value is not None for value in (*x, *y))
    assert len(routes) == len(edges)
