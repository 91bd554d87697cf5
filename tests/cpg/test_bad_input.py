"""Whatever a tree holds is told, nothing is left out in silence, and nothing of it is fatal."""

import os
import random
import time
from pathlib import Path

import pytest

from tasks.extract.concrete_syntax import extract_files
from tests.cpg.graphs import ROOT, build, write_tree
from tests.cpg.sources import listing, parse

SEEDS = int(os.environ.get("SEEDS", "30"))
DEEP = 10_000
NOT_UTF8 = "not indexed: not UTF-8"
NO_MODULE = "not indexed: its path is no importable module name"
SYNTAX = "syntax error"
NOT_FOLLOWED = "values are not followed into what is nested more than 150 deep"

GOOD = {
    "__init__.py": "",
    "ok.py": "def f(): return 1\nf()\n",
    "empty.py": "",
    "bom.py": b"\xef\xbb\xbfdef f(): pass\nf()\n",
    "crlf.py": b"def f():\r\n    pass\r\nf()\r\n",
    "returns.py": b"def f(): pass\rf()\r",
    "tabs.py": "if 1:\n\tx = 1\n        y = 2\n\x0c\nz = 3\n",
    "long.py": "".join(f"x{n} = {n}\n" for n in range(3_000)),
    "nested.py": "x = " + "(" * 100 + "y" + " + z" * 200 + ")" * 100,
}
BAD: dict[str, tuple[bytes, set[str]]] = {
    "broken.py": (b"def good(): pass\ndef bad(:\n", {SYNTAX}),
    "nul.py": (b"def f():\0 pass\nx = 1\n", {SYNTAX}),
    "latin.py": (
        b"# coding: latin-1\nx = '\xe9'\n",
        {"not UTF-8: byte 0xe9 at offset 23", NOT_UTF8},
    ),
    "utf16.py": (
        "x = 1\n".encode("utf-16"),
        {"not UTF-8: byte 0xff at offset 0", NOT_UTF8, SYNTAX},
    ),
    "picture.py": (
        b"\x89PNG\r\n\x1a\n\0\0\0" * 99,
        {"not UTF-8: byte 0x89 at offset 0", NOT_UTF8, SYNTAX},
    ),
    "folder.py/inner.py": (b"x = 1\n", {NO_MODULE}),
    "a b.py": (b"x = 1\n", {NO_MODULE}),
    "a'\"\n.py": (b"x = 1\n", {NO_MODULE}),
    "calls.py": (b"x = y" + b"()" * 200, {NOT_FOLLOWED}),
    "blocks.py": (
        b"".join(b" " * n + b"if x:\n" for n in range(160)) + b" " * 160 + b"y",
        {NOT_FOLLOWED},
    ),
    "deep.py": (
        b"x = " + b"(" * DEEP + b"y" + b")" * DEEP,
        {"not indexed: nested 10,004 deep: ty-scip is known to survive 400", NOT_FOLLOWED},
    ),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    bad = {path: content for path, (content, _) in BAD.items()}
    made = write_tree(tmp_path_factory.mktemp("bad") / "tree", GOOD | bad)
    (made / "loop.py").symlink_to("loop.py")
    (made / "nowhere.py").symlink_to("gone.py")
    (made / "again").symlink_to(".")
    (made / "out").symlink_to("/proc")
    os.mkfifo(made / "pipe.py")
    Path(os.fsdecode(os.fsencode(made) + b"/caf\xe9.py")).write_text("x")
    return made


UNREAD = {
    "loop.py": "too many levels of symbolic links",
    "nowhere.py": "it is a link to nothing",
    "out/": "it is a link that leads out of the tree",
    "pipe.py": "it is no regular file",
    "caf\\xe9.py": "its name is not UTF-8",
}


@pytest.fixture(scope="module")
def graph(tree, tmp_path_factory):
    return build(tree, tmp_path_factory.mktemp("warehouse"))


def test_each_file_is_a_node_and_each_problem_is_told(graph):
    files = {node["path"] for node in graph.nodes.values() if node["kind"] == "FILE"}
    assert files == {*GOOD, *BAD, *UNREAD}
    told: dict[str, set[str]] = {}
    for row in graph.table("cpg_props_delta"):
        if row["key"] == "problem":
            told.setdefault(row["owner_path"], set()).add(row["value"])
    expected = {path: problems for path, (_, problems) in BAD.items()}
    assert told == expected | {path: {f"cannot be read: {why}"} for path, why in UNREAD.items()}


def test_every_edge_is_between_nodes_whatever_the_files_are(graph):
    ends = {end for edge in graph.edges for end in (edge["src"], edge["dst"])}
    assert ends <= graph.nodes.keys()


def test_a_call_is_resolved_in_any_layout(graph):
    calls = {(caller, callee) for caller, callee, _ in graph.calls()}
    for module in ("ok", "bom", "crlf", "returns"):
        assert (f"tree.{module}", f"tree.{module}.f") in calls


def test_a_lone_return_ends_a_line():
    row = parse(b"x = 'a\\\rb'\ry = 1\r")
    assert (row["n_lines"], row["has_error"]) == (3, False)
    assert [name["text"] for name in row["names"]] == ["x", "y"]


NESTED = {
    "parentheses": "x = " + "(" * DEEP + "y" + ")" * DEEP,
    "attributes": "x = y" + ".z" * DEEP,
    "subscripts": "x = y" + "[0]" * DEEP,
    "calls of results": "x = y" + "()" * DEEP,
    "binary operators": "x = y" + " + z" * DEEP,
    "boolean operators": "x = y" + " and z" * DEEP,
    "conditions": "x = " + "y if z else " * DEEP + "0",
    "lambdas": "x = " + "lambda: " * DEEP + "0",
    "targets": "x = " * DEEP + "0",
    "branches": "if x:\n pass\n" + "elif y:\n pass\n" * DEEP,
    "blocks": "".join(f"{' ' * n}if x:\n" for n in range(400)) + " " * 400 + "pass",
}


@pytest.mark.parametrize("kind", NESTED)
def test_ten_thousand_levels_are_parsed_whole(kind):
    row = parse(f"{NESTED[kind]}\nlast = 1\n")
    assert not row["has_error"]
    assert row["names"][-1]["text"] == "last"
    assert row["depth"] > (400 if kind == "blocks" else DEEP) or kind == "branches"


def test_names_of_definitions_inside_each_other_do_not_grow_without_bound():
    row = parse("x = " + "lambda: " * 2_000 + "0\n")
    assert len(row["defs"]) == 2_000
    assert max(len(found["qualname"]) for found in row["defs"]) <= 10_000


@pytest.mark.parametrize("unit", ["x = 1\n", "f(x),", "é'x',", "x: 'int'\n"])
def test_twice_the_source_takes_about_twice_the_time(unit):
    def seconds(count: int) -> float:
        source = unit.encode() * count
        start = time.process_time()
        extract_files(listing({"m.py": source}))
        return time.process_time() - start

    seconds(10)
    assert seconds(8_000) < 12 * max(seconds(2_000), 0.01)


def mutated(source: bytes, random_: random.Random) -> bytes:
    data = bytearray(source)
    for _ in range(random_.randint(1, 12)):
        at = random_.randrange(len(data) + 1)
        match random_.randrange(4):
            case 0:
                data[at : at + 1] = bytes([random_.randrange(256)])
            case 1:
                data[at:at] = random_.choice(
                    (b"\0", b"\r", b"\xff", b"(", b'"', b"\n \t", b"@", b"*")
                )
            case 2:
                del data[at : at + random_.randint(1, 40)]
            case _:
                start = random_.randrange(len(data) + 1)
                data[at:at] = data[start : start + random_.randint(1, 200)]
    return bytes(data)


FILES = sorted((ROOT / "tasks").rglob("*.py"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_file_with_bytes_mutated_at_random_has_whole_facts(seed):
    random_ = random.Random(seed)
    path = random_.choice(FILES)
    source = mutated(path.read_bytes(), random_)
    row = parse(source)
    nodes = {node["node"] for node in row["nodes"]}
    assert len(nodes) == len(row["nodes"])
    assert all(0 <= n["start"] <= n["end"] <= len(source) for n in row["nodes"])
    references = {"node", "scope", "parent", "name_node", "target", "value", "function", "class"}
    for facts in (value for value in row.values() if isinstance(value, list)):
        for fact in facts:
            assert {fact[key] for key in references & fact.keys()} - {None} <= nodes
