"""Spans of an index become UTF-8 bytes, whatever its columns count."""

import pytest

from tests.cpg.graphs import build, write_tree
from tests.cpg.sources import document, index

# The name stands after characters of two, three and four bytes, and on the second line.
SOURCE = 'x = 1\r\ny = "é日😀"; name = y\n'
BYTES = SOURCE.encode().index(b"name")
COLUMNS = {"utf8": 17, "utf16": 12, "utf32": 11, "unset": 12}
SYMBOL = "maker python p 1 m/name."


@pytest.mark.parametrize("encoding", COLUMNS)
def test_a_span_after_wide_characters_is_right_in_every_encoding(tmp_path, encoding):
    start = COLUMNS[encoding]
    occurrences = [([1, start, start + 4], SYMBOL, 1), ([0, 0, 1], "local 0", 1)]
    (tmp_path / "index.scip").write_bytes(index([document("m.py", occurrences, encoding)]))
    tree = write_tree(tmp_path / "tree", {"m.py": SOURCE})
    given = str(tmp_path / "index.scip")
    graph = build(tree, tmp_path / "warehouse", "scip_spans", scip_index=given)
    rows = graph.table("scip_spans")
    spans = {row["symbol"]: (row["start"], row["end"]) for row in rows}
    assert spans == {SYMBOL: (BYTES, BYTES + 4), "m.py#local 0": (0, 1)}
