"""The syntax tree of a file: every named node, by exact bytes, whatever the file is like."""

import pytest

from tests.cpg.sources import parse


def kinds(row) -> dict[str, str]:
    return {node["node"]: node["kind"] for node in row["nodes"]}


def texts(source: bytes, row, kind: str) -> list[str]:
    nodes = [node for node in row["nodes"] if node["kind"] == kind]
    return [source[node["start"] : node["end"]].decode() for node in nodes]


def test_a_node_is_named_by_its_span_and_kind_and_knows_parent_role_and_line():
    row = parse("x = 1\ny = f(x)\n")
    call = next(node for node in row["nodes"] if node["kind"] == "call")
    assert call == {
        "node": "10-14:call",
        "parent": "6-14:assignment",
        "kind": "call",
        "field": "right",
        "name": "f",
        "start": 10,
        "end": 14,
        "line": 2,
        "parent_kind": "assignment",
        "sibling": 2,
    }


def test_the_root_is_module_however_the_file_changes():
    for source in ("", "x = 1\n", "# nothing\n"):
        assert parse(source)["nodes"][0]["node"] == "module"


def test_parents_are_nodes_and_ids_are_unique():
    row = parse("class A(B):\n    def f(self, *a): return [lambda: a for a in ((a))]\n")
    ids = [node["node"] for node in row["nodes"]]
    assert len(ids) == len(set(ids))
    assert {node["parent"] for node in row["nodes"]} - {None} <= set(ids)


def test_a_node_equal_in_span_and_kind_to_its_parent_is_counted():
    # A starred target in parentheses, and missing tokens of broken code, are such cases.
    row = parse("f(\n)(\n((((\n")
    ids = [node["node"] for node in row["nodes"]]
    assert len(ids) == len(set(ids))


def test_spans_count_bytes_not_characters():
    source = 'é = "日本"; z = 😀é\n'.encode()
    row = parse(source)
    assert texts(source, row, "identifier")[:2] == ["é", "z"]
    assert texts(source, row, "string") == ['"日本"']


def test_an_empty_file_has_a_module_and_nothing_else():
    row = parse("")
    assert (row["size"], row["n_lines"], row["has_error"], row["note"]) == (0, 0, False, None)
    assert kinds(row) == {"module": "module"}
    assert row["lines"] == [{"line": 1, "start": 0}]


@pytest.mark.parametrize(
    ("source", "n_lines"),
    [
        (b"x = 1", 1),
        (b"x = 1\n", 1),
        (b"x = 1\r\ny = 2\r\n", 2),
        (b"\xef\xbb\xbfx = 1\n", 1),
        (b"x = 1\n\x0c\ny = 2\n", 3),
        (b"if x:\n\ty = 1\n", 2),
    ],
    ids=["no newline at the end", "newline", "CRLF", "BOM", "form feed", "tab"],
)
def test_a_file_in_any_layout_is_parsed_without_error(source, n_lines):
    row = parse(source)
    assert (row["n_lines"], row["has_error"], row["note"]) == (n_lines, False, None)
    assert texts(source, row, "identifier")[-1] in {"x", "y"}


def test_a_byte_order_mark_counts_as_three_bytes():
    (name,) = parse(b"\xef\xbb\xbfx = 1\n")["names"]
    assert (name["start"], name["end"]) == (3, 4)


def test_a_broken_file_keeps_its_good_parts_and_says_so():
    row = parse("def good():\n    return 1\n\ndef broken(:\n")
    assert row["has_error"]
    assert "good" in [d["name"] for d in row["defs"]]


def test_a_file_that_is_not_utf8_is_parsed_and_noted():
    row = parse(b"x = 1\ny = '\xff'\n")
    assert row["note"] == "not UTF-8: byte 0xff at offset 11"
    assert [name["text"] for name in row["names"]] == ["x", "y"]


@pytest.mark.parametrize("depth", [5_000, 20_000])
def test_nesting_is_limited_by_nothing(depth):
    row = parse("x = " + "(" * depth + "y" + ")" * depth + "\n")
    assert sum(node["kind"] == "parenthesized_expression" for node in row["nodes"]) == depth
    deep = parse("x = " + "f(" * depth + ")" * depth + "\n")
    assert len(deep["calls"]) == depth


def test_a_long_file_is_walked_in_order():
    row = parse("x = 1\n" * 20_000)
    assert row["n_lines"] == 20_000
    assert row["nodes"][-1]["line"] == 20_000
