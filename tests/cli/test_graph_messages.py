"""What the code graph says of input that it cannot use: this repository's own project."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
INDEX = "build --target scip_nested --warehouse warehouse --var repo=tree"


@pytest.fixture
def cpg(tmp_path) -> Path:
    """A copy of the project, with a small tree to read."""
    root = tmp_path / "cpg"
    shutil.copytree(
        REPOSITORY / "tasks", root / "tasks", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(REPOSITORY / "cpgbuild.toml", root)
    (root / "tree").mkdir()
    (root / "tree" / "one.py").write_text("def f(): pass\n")
    return root


def test_corrupt_index(cpg, says):
    (cpg / "index.scip").write_bytes(bytes(range(256)))
    assert says(f"{INDEX} --var scip_index=index.scip", cpg).code == 1


def test_empty_index(cpg, says):
    (cpg / "index.scip").write_bytes(b"")
    assert says(f"{INDEX} --var scip_index=index.scip", cpg).code == 1


def test_missing_index(cpg, says):
    assert says(f"{INDEX} --var scip_index=index.scip", cpg).code == 2


def test_empty_repository(cpg, says):
    (cpg / "tree" / "one.py").unlink()
    assert says(INDEX, cpg).code == 1


def test_missing_repository(cpg, says):
    shutil.rmtree(cpg / "tree")
    assert says(INDEX, cpg).code == 2


def test_file_that_is_not_utf8_is_no_error(cpg, says):
    (cpg / "tree" / "latin.py").write_bytes(b"name = '\xe9'\n")
    assert says(INDEX, cpg).code == 0
