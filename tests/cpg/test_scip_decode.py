"""The bytes of an index become rows, or one sentence that says what is wrong with them."""

import pyarrow as pa
import pytest

from tasks.index.scip_decode import decode_index
from tasks.index.scip_schema import SCIP_NESTED
from tasks.index.scip_wire import CorruptIndexError
from tests.cpg.sources import document, index, message

SYMBOL = "maker python p 1 m/f()."


def test_a_document_is_a_row_and_other_packages_symbols_are_one_without_path():
    external = message("SymbolInformation", symbol="maker python q 1 q/", kind=29)
    table = decode_index(index([document("m.py", [([0, 4, 5], SYMBOL, 1)])], [external]))
    assert table.schema == SCIP_NESTED
    document_row, external_row = table.to_pylist()
    assert document_row["path"] == "m.py"
    assert document_row["indexer"] == "maker 1"
    assert external_row["path"] is None
    assert [s["symbol"] for s in external_row["symbols"]] == ["maker python q 1 q/"]


def test_ranges_of_three_and_four_numbers_become_lines_from_one():
    table = decode_index(
        index([document("m.py", [([0, 4, 7], SYMBOL, 1), ([1, 2, 3, 4], SYMBOL, 8)])])
    )
    assert table["occurrences"][0].as_py() == [
        {
            "symbol": SYMBOL,
            "roles": 1,
            "start_line": 1,
            "start_column": 4,
            "end_line": 1,
            "end_column": 7,
        },
        {
            "symbol": SYMBOL,
            "roles": 8,
            "start_line": 2,
            "start_column": 2,
            "end_line": 4,
            "end_column": 4,
        },
    ]


@pytest.mark.parametrize(
    ("declared", "meant"),
    [("unset", "utf16"), ("utf8", "utf8"), ("utf16", "utf16"), ("utf32", "utf32")],
)
def test_columns_count_utf16_units_unless_the_document_says_otherwise(declared, meant):
    table = decode_index(index([document("m.py", [], declared)]))
    assert table["position_encoding"][0].as_py() == meant


def test_symbols_and_their_relationships_are_kept_by_document():
    symbol = {
        "symbol": "b#",
        "kind": 7,
        "documentation": ["one", "two"],
        "signature_documentation": {"text": "class b(a)"},
        "relationships": [{"symbol": "a#", "is_implementation": True}],
    }
    plain = {"symbol": "c#"}
    documents = [
        document("m.py", [], symbols=[plain]),
        document("n.py", [], symbols=[plain, symbol]),
    ]
    first, second, _ = decode_index(index(documents)).to_pylist()
    assert first["relationships"] == []
    assert second["symbols"][1] == {
        "symbol": "b#",
        "kind": 7,
        "display_name": None,
        "signature": "class b(a)",
        "documentation": "one\ntwo",
        "enclosing_symbol": None,
    }
    (relation,) = second["relationships"]
    assert (relation["symbol"], relation["target"]) == ("b#", "a#")
    assert [k for k, v in relation.items() if v is True] == ["is_implementation"]


WHOLE = index([document("m.py", [([0, 4, 5], SYMBOL, 1)])])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it has no documents"),
        (index([]), "it has no documents"),
        (b"not an index", "byte 0 starts no field of an index"),
        (WHOLE[:-3], f"the field at byte {len(index([]))} is longer than the rest of the file"),
        (b"\x12\xff", "no number ends after byte 1"),
        (b"\x12\x02\xff\xff", "failed to decode Protobuf message"),
        (index([document("m.py", [([1, 2], SYMBOL, 1)])]), "neither 3 nor 4 numbers"),
    ],
    ids=["empty", "no documents", "text", "cut", "cut number", "bad message", "bad range"],
)
def test_a_corrupt_index_is_one_sentence_with_its_size(data, why):
    with pytest.raises(CorruptIndexError) as raised:
        decode_index(data)
    words = str(raised.value)
    assert words.startswith(f"the SCIP index of {len(data):,} bytes is corrupt: ")
    assert why in words
    assert "\n" not in words


def test_a_large_document_is_split_without_parsing_the_rest():
    occurrences = [([n, 0, 1], SYMBOL, 8) for n in range(50_000)]
    table = decode_index(index([document("m.py", occurrences)]))
    assert pa.compute.list_value_length(table["occurrences"])[0].as_py() == 50_000
