"""Making an index with the real ty-scip, and taking one that is given."""

import pyarrow.compute as pc
import pytest

from tasks.index.indexer import IndexerFailedError
from tasks.index.indexing import run_indexer
from tasks.index.scip_documents import scip_documents
from tasks.index.ty_scip import NO_MODULE, TY_SCIP
from tests.cpg.sources import document, index, request


def symbols(table) -> set[str]:
    rows = table.filter(pc.is_valid(table["path"])).to_pylist()
    return {o["symbol"].split(" ", 4)[-1] for row in rows for o in row["occurrences"]}


def notes(table) -> dict[str, str]:
    return {row["path"]: row["note"] for row in table.to_pylist() if row["note"]}


def test_what_the_indexer_cannot_take_is_left_out_with_the_reason():
    files = {
        "ok.py": "def f(): pass\nf()\n",
        "broken.py": "def g(:\n",
        "empty.py": "",
        "a-b.py": "x = 1\n",
        "migrations/0001_initial.py": "x = 1\n",
        "class.py": "x = 1\n",
        "latin.py": b"x = '\xe9'\n",
    }
    table = scip_documents(request("repo", files))
    assert notes(table) == {
        "a-b.py": NO_MODULE,
        "migrations/0001_initial.py": NO_MODULE,
        "class.py": NO_MODULE,
        "latin.py": "not UTF-8",
    }
    assert set(table["path"].to_pylist()) == {*files, None}
    assert "ok/f()." in symbols(table)


def test_a_file_that_the_indexer_refuses_itself_is_left_out_too():
    # Nothing asks beforehand here, as if another release refused more than is known.
    files = {"ok.py": b"x = 1\n", "a-b.py": b"x = 1\n", "latin.py": b"'\xe9'\n"}
    made, refused = run_indexer(TY_SCIP, "", files, "repo")
    assert made
    assert refused.keys() == {"a-b.py", "latin.py"}


def test_a_tree_that_is_a_package_is_indexed_from_the_folder_above():
    files = {"__init__.py": "", "a.py": "def f(): pass\n", "b.py": "from shop.a import f\nf()\n"}
    table = scip_documents(request("shop", files))
    assert "shop/a/f()." in symbols(table)
    assert set(table["path"].to_pylist()) == {*files, None}


def test_below_src_names_start_anew():
    files = {"src/shop/__init__.py": "", "src/shop/a.py": "def f(): pass\n"}
    assert "shop/a/f()." in symbols(scip_documents(request("repo", files)))


def test_a_tree_where_nothing_can_be_indexed_has_only_notes():
    table = scip_documents(request("repo", {"a-b.py": "x = 1\n"}))
    assert notes(table) == {"a-b.py": NO_MODULE}
    assert table.num_rows == 1


def test_a_tree_without_files_is_one_sentence():
    with pytest.raises(ValueError, match="there is no source file under `repo`: nothing to index"):
        scip_documents(request("repo", {}))


def test_an_indexer_that_fails_says_so_in_one_sentence():
    with pytest.raises(
        IndexerFailedError, match=r"^ty-scip failed with exit code 1: it says nothing$"
    ):
        run_indexer(TY_SCIP, "false", {"a.py": b""}, "repo")


def test_a_given_index_is_cut_to_the_files_of_the_tree():
    made = index([document("shop/a.py", []), document("other/b.py", [])])
    files = {"__init__.py": "", "a.py": ""}
    table = scip_documents(request("shop", files, index=made))
    assert table["path"].to_pylist() == ["a.py", None]


def test_a_given_index_of_another_tree_is_one_sentence():
    made = index([document("other/b.py", [])])
    with pytest.raises(ValueError) as raised:
        scip_documents(request("shop", {"a.py": ""}, index=made))
    assert str(raised.value) == (
        "the SCIP index has 1 documents, but none is a file under `shop`: its first is `other/b.py`"
    )
