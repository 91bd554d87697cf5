"""Making an index with the real ty-scip, and taking one that is given."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pytest

from tasks.index.indexer import Indexer, IndexerFailedError
from tasks.index.indexing import run_indexer
from tasks.index.scip_decode import decode_index
from tasks.index.scip_documents import scip_documents
from tasks.index.scip_python import SCIP_PYTHON
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


def test_a_file_that_an_indexer_does_not_survive_is_found_and_left_out():
    # Nothing asks beforehand here: ty-scip overflows its stack, and names no file.
    files = {f"m{n}.py": b"x = 1\n" for n in range(5)} | {"deep.py": b"f(" * 5_000 + b")" * 5_000}
    made, refused = run_indexer(TY_SCIP, "", files, "repo")
    assert set(decode_index(made)["path"].to_pylist()) == {*files, None} - {"deep.py"}
    assert refused.keys() == {"deep.py"}
    assert refused["deep.py"].startswith("ty-scip was ended by signal 6: ")


def test_a_file_nested_too_deep_is_not_tried():
    table = scip_documents(request("repo", {"ok.py": "x = 1\n", "deep.py": "-" * 3_000 + "x\n"}))
    assert notes(table) == {"deep.py": "nested 3,003 deep: ty-scip is known to survive 400"}


@pytest.fixture
def moody(tmp_path: Path) -> Indexer:
    """An indexer that hangs on some files and makes an index without documents of others."""
    (tmp_path / "made").write_bytes(index([document("a.py", [])]))
    script = f"""
        grep -q hang "$0"/* && exec sleep 987
        grep -q nothing "$0"/* || exec cp {tmp_path}/made "$1"
        : > "$1"
    """
    return replace(
        TY_SCIP,
        seconds=1,
        command=lambda _program, root, output, _project: [
            "/bin/sh",
            "-c",
            f"PATH=/bin:/usr/bin; {script}",
            str(root),
            str(output),
        ],
    )


def test_a_file_on_which_an_indexer_hangs_is_left_out_and_nothing_goes_on_running(moody):
    files = {"a.py": b"1", "b.py": b"hang", "c.py": b"nothing", "d.py": b"2"}
    assert run_indexer(moody, "", files, "repo")[1] == {
        "b.py": "ty-scip did not end within 1 seconds",
        "c.py": "ty-scip made an index without documents",
    }
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert "sleep 987" not in running.stdout


def test_without_an_indexer_each_file_has_an_empty_row_and_no_problem():
    table = scip_documents(request("repo", {"a-b.py": "x = 1\n", "c.py": ""}, indexer="none"))
    assert table["path"].to_pylist() == ["a-b.py", "c.py"]
    assert not notes(table)
    assert not symbols(table)


@pytest.mark.parametrize("indexer", ["ty-sip", "/somewhere/else"])
def test_an_indexer_that_is_not_known_is_one_sentence(indexer):
    with pytest.raises(IndexerFailedError) as raised:
        scip_documents(request("repo", {"a.py": ""}, indexer=indexer))
    assert str(raised.value) == (
        f"the variable indexer is `{indexer}`, not `ty-scip`, `scip-python`, `none`, "
        "or the path of such a program"
    )


def test_an_indexer_that_is_not_there_is_one_sentence(tmp_path, monkeypatch):
    missing = str(tmp_path / "ty-scip")
    with pytest.raises(IndexerFailedError, match=r"`.*/ty-scip` cannot be run: No such file"):
        scip_documents(request("repo", {"a.py": ""}, indexer=missing))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("tasks.index.scip_python.PROJECT_ROOT", tmp_path)
    with pytest.raises(IndexerFailedError, match="run `npm install @sourcegraph/scip-python`"):
        scip_documents(request("repo", {"a.py": ""}, indexer="scip-python"))


def is_installed(indexer: Indexer) -> bool:
    try:
        return bool(indexer.command("", Path("/"), Path("/dev/null"), ""))
    except IndexerFailedError:
        return False


@pytest.fixture(params=[TY_SCIP, SCIP_PYTHON], ids=lambda indexer: indexer.name)
def real(request) -> str:
    if not is_installed(request.param):
        pytest.skip(f"{request.param.name} is not installed")
    return request.param.name


WIDE = 'first = 1\r\ny = "é日😀"; named = y; print(named)\r\n'
NAMED = WIDE.splitlines()[1]


def test_columns_of_a_real_index_are_in_the_encoding_that_its_row_says(real):
    files = {"__init__.py": "", "a.py": WIDE, "b.py": "from shop.a import named\nnamed\n"}
    table = scip_documents(request("shop", files, indexer=real))
    rows = {row["path"]: row for row in table.to_pylist()}
    assert {*files} <= rows.keys()
    assert not notes(table)
    row = rows["a.py"]
    (symbol,) = {o["symbol"] for o in rows["b.py"]["occurrences"]} & {
        o["symbol"] for o in row["occurrences"] if o["start_line"] == 2
    }
    codec, width = {"utf8": ("utf-8", 1), "utf16": ("utf-16-le", 2)}[row["position_encoding"]]
    line = NAMED.encode(codec)
    spans = [
        line[o["start_column"] * width : o["end_column"] * width].decode(codec)
        for o in row["occurrences"]
        if o["symbol"] == symbol
    ]
    assert spans == ["named", "named"]


def test_scip_python_takes_what_is_no_module_and_tells_of_what_it_fails_on(real):
    if real != "scip-python":
        pytest.skip("of scip-python")
    deep = "x = " + "(" * 5_000 + "y" + ")" * 5_000 + "\n"
    files = {"0001_a-b.py": "def f(): pass\nf()\n", "latin.py": b"'\xe9'\n", "c.py": "x = 1\n"}
    table = scip_documents(request("repo", files, indexer=real))
    assert notes(table) == {"latin.py": "not UTF-8"}
    encoded = {path: str(text).encode() for path, text in (files | {"deep.py": deep}).items()}
    _, refused = run_indexer(SCIP_PYTHON, "", encoded, "repo")
    assert refused.keys() == {"deep.py"}
    assert refused["deep.py"].startswith("scip-python failed while parsing it: RangeError: ")


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
