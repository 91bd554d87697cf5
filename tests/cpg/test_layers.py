"""Arguments, receivers, parameter links, bindings and captures of a small package, edge by edge."""

import pytest

from tests.cpg.graphs import build, write_tree

ZOO = {
    "__init__.py": "",
    "beasts.py": """import abc


class Beast(abc.ABC):
    def speak(self, word, times=1):
        return word * times

    @classmethod
    def born(cls, name):
        return cls()

    @staticmethod
    def grunt(volume):
        return volume


class Loud(Beast):
    def speak(self, word, times=2):
        return super().speak(word.upper(), times=times)


class Wild(Beast):
    def speak(self, word, times=3):
        return word


class Cat(Loud, Wild):
    def __init__(self, name, /, *lives, colour="grey", **more):
        self.name = name


class Odd(Cat, dict):
    pass


def traced(function):
    def wrapper(*given):
        return function(*given)

    return wrapper
""",
    "use.py": """from zoo.beasts import Beast, Cat, traced


@traced
def main(x, *, y: int = 0):
    cat = Cat("tom", 1, 2, colour="red", age=3)
    cat.speak("a", times=x)
    Beast.speak(cat, "b")
    Beast.born("c")
    cat.grunt(4)
    total = x + (  # a remark
        y
    )
    total: int = 5
    rest, named = [], {}
    cat.speak(*rest, times=7)
    Cat("z", **named)
    return lambda z, w=total: (z, total)
""",
    "clash.py": "class A: pass\n\n\nclass B(A): pass\n\n\nclass C(A, B): pass\n",
}


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers")
    return build(write_tree(folder / "zoo", ZOO), folder / "warehouse")


def text(graph, node_id):
    """Return the source of a node, up to a line's end; a definition's name."""
    node = graph.nodes[node_id]
    if node["kind"] == "METHOD_PARAMETER_IN":
        (listed,) = (e["src"] for e in graph.edges if (e["kind"], e["dst"]) == ("AST", node_id))
        (function,) = (e["src"] for e in graph.edges if (e["kind"], e["dst"]) == ("AST", listed))
        return f"{graph.name(function)}.{node['name']}"
    if node["kind"] in {"METHOD", "TYPE_DECL", "FILE", "LOCAL"}:
        return node["full_name"] or node["name"]
    source = ZOO[node["path"]].encode()
    return source[node["span"]["start"] : node["span"]["end"]].decode().partition("\n")[0]


def edges(graph, kind, *columns, of="", path="use.py"):
    """Return the edges of a kind that a file states and whose source begins so, in words."""
    found = [e for e in graph.edges if (e["kind"], e["owner_path"]) == (kind, path)]
    rows = {
        (text(graph, e["src"]), *(e[column] for column in columns), text(graph, e["dst"]))
        for e in found
    }
    return {row for row in rows if row[0].startswith(of)}


def test_a_call_has_its_arguments_in_order_and_its_receiver_at_0(graph):
    assert edges(graph, "ARGUMENT", "argument_index", "how", of="Cat(") == {
        ('Cat("tom", 1, 2, colour="red", age=3)', 1, None, '"tom"'),
        ('Cat("tom", 1, 2, colour="red", age=3)', 2, None, "1"),
        ('Cat("tom", 1, 2, colour="red", age=3)', 3, None, "2"),
        ('Cat("tom", 1, 2, colour="red", age=3)', 4, "colour", '"red"'),
        ('Cat("tom", 1, 2, colour="red", age=3)', 5, "age", "3"),
        ('Cat("z", **named)', 1, None, '"z"'),
        ('Cat("z", **named)', 2, "**", "**named"),
    }
    assert edges(graph, "ARGUMENT", "argument_index", "how", of="cat.speak(") == {
        ('cat.speak("a", times=x)', 0, None, "cat"),
        ('cat.speak("a", times=x)', 1, None, '"a"'),
        ('cat.speak("a", times=x)', 2, "times", "x"),
        ("cat.speak(*rest, times=7)", 0, None, "cat"),
        ("cat.speak(*rest, times=7)", 1, "*", "*rest"),
        ("cat.speak(*rest, times=7)", 2, "times", "7"),
    }
    assert ("@traced", 1, "use.main") in {
        (source, index, target.removeprefix("zoo."))
        for source, index, target in edges(graph, "ARGUMENT", "argument_index", of="@")
    }


def test_operators_and_assignments_have_operands_in_order_whatever_stands_between(graph):
    assert edges(graph, "ARGUMENT", "argument_index", "how", of="x + (") == {
        ("x + (  # a remark", 1, "left", "x"),
        ("x + (  # a remark", 2, "right", "(  # a remark"),
    }
    assert edges(graph, "ARGUMENT", "argument_index", "how", of="total: int") == {
        ("total: int = 5", 1, "left", "total"),
        ("total: int = 5", 2, "right", "5"),
    }


def test_the_receiver_is_the_object_that_a_method_is_called_on(graph):
    assert edges(graph, "RECEIVER") == {
        ('cat.speak("a", times=x)', "cat"),
        ("cat.speak(*rest, times=7)", "cat"),
        ('Beast.speak(cat, "b")', "Beast"),
        ('Beast.born("c")', "Beast"),
        ("cat.grunt(4)", "cat"),
    }


def test_arguments_bind_parameters_as_python_binds_them(graph):
    links = edges(graph, "PARAMETER_LINK", "how", "confidence")
    beasts, init = "zoo.beasts.", "zoo.beasts.Cat.__init__."
    assert {link for link in links if link[1] != "receiver"} == {
        ('"tom"', "positional", "high", f"{init}name"),
        ("1", "args", "high", f"{init}lives"),
        ("2", "args", "high", f"{init}lives"),
        ('"red"', "keyword", "high", f"{init}colour"),
        ("3", "kwargs", "high", f"{init}more"),
        ('"z"', "positional", "high", f"{init}name"),
        ("**named", "splat", "medium", f"{init}colour"),
        ("**named", "kwargs", "medium", f"{init}more"),
        ('"a"', "positional", "high", f"{beasts}Loud.speak.word"),
        ("x", "keyword", "high", f"{beasts}Loud.speak.times"),
        ("*rest", "splat", "medium", f"{beasts}Loud.speak.word"),
        ("7", "keyword", "high", f"{beasts}Loud.speak.times"),
        ("cat", "positional", "high", f"{beasts}Beast.speak.self"),  # through the class
        ('"b"', "positional", "high", f"{beasts}Beast.speak.word"),
        ('"c"', "positional", "high", f"{beasts}Beast.born.name"),
        ("4", "positional", "high", f"{beasts}Beast.grunt.volume"),
        ("zoo.use.main", "positional", "high", f"{beasts}traced.function"),
        ("0", "default", "high", "zoo.use.main.y"),
        ("total", "default", "high", "zoo.use.main.<lambda>.w"),
    }
    assert {(link[0], link[3]) for link in links if link[1] == "receiver"} == {
        ("cat", f"{beasts}Loud.speak.self"),
        ("Beast", f"{beasts}Beast.born.cls"),
    }


def test_classes_bind_the_first_method_of_each_name_by_the_resolution_order(graph):
    bound = edges(graph, "BINDS", "how", of="zoo.beasts.Cat", path="beasts.py")
    assert {(how, method) for _, how, method in bound} == {
        ("own", "zoo.beasts.Cat.__init__"),
        ("inherited", "zoo.beasts.Loud.speak"),
        ("inherited", "zoo.beasts.Beast.born"),
        ("inherited", "zoo.beasts.Beast.grunt"),
    }


def test_a_method_overrides_the_next_one_of_its_name(graph):
    bound = edges(graph, "BINDS", "how", path="beasts.py")
    assert {(src, dst) for src, how, dst in bound if how == "overrides"} == {
        ("zoo.beasts.Loud.speak", "zoo.beasts.Beast.speak"),
        ("zoo.beasts.Wild.speak", "zoo.beasts.Beast.speak"),
    }


def test_closures_capture_what_functions_around_them_define(graph):
    assert edges(graph, "CAPTURE", path="beasts.py") == {
        ("zoo.beasts.traced.wrapper", "zoo.beasts.traced.function"),
    }
    assert {target for _, target in edges(graph, "CAPTURE")} == {"total"}


def test_everything_with_a_full_name_is_of_its_file(graph):
    files = edges(graph, "SOURCE_FILE", path="clash.py")
    assert {src for src, _ in files} >= {"zoo.clash.A", "zoo.clash.B", "zoo.clash.C"}
    assert {dst for _, dst in files} == {"clash.py"}


def test_a_class_that_python_refuses_says_so(graph):
    noted = {graph.name(n): v for (n, key), v in graph.props().items() if key == "mro"}
    assert noted == {"zoo.clash.C": "inconsistent", "zoo.beasts.Odd": "open"}


def test_every_syntax_edge_has_a_role_and_a_place(graph):
    tree = [e for e in graph.edges if e["kind"] == "AST"]
    assert all(e["how"] for e in tree)
    placeless = {graph.nodes[e["dst"]]["kind"] for e in tree if e["argument_index"] is None}
    assert placeless == {"COMMENT", "METHOD_RETURN"}
    params = {
        (text(graph, e["dst"]), e["argument_index"])
        for e in tree
        if e["how"] == "parameter" and graph.nodes[e["dst"]]["kind"] == "METHOD_PARAMETER_IN"
    }
    # The bare star is a child too.
    assert {("zoo.use.main.x", 1), ("zoo.use.main.y", 3)} <= params


def test_every_edge_is_stated_once_and_between_nodes(graph):
    ends = {end for edge in graph.edges for end in (edge["src"], edge["dst"])}
    assert ends <= graph.nodes.keys()
    rows = [tuple(edge.values()) for edge in graph.edges]
    assert len(rows) == len(set(rows))
