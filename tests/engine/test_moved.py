"""What a project builds does not depend on where it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.engine.builds import Site, site
from tests.support.projects import ProjectFolder


@pytest.mark.parametrize(
    "path", ["data/s.parquet", "data", "data/*.parquet", "dat[a]/**/s.parquet"]
)
def test_a_project_that_was_moved_is_up_to_date(tmp_path: Path, path: str) -> None:
    (tmp_path / "here").mkdir()
    made = site(tmp_path / "here", f"s parquet {path}")
    made.folder.parquet("data/s.parquet", {"a": [1]})
    made.sql("k", "select a from s")
    made.built()
    shutil.move(tmp_path / "here", tmp_path / "there")
    assert Site(ProjectFolder(tmp_path / "there")).built() == {}
