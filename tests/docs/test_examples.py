"""The Python and SQL examples of the guide are tasks that build."""

from __future__ import annotations

import re
from pathlib import Path

from cpgbuild import api

GUIDE = (Path(__file__).parents[2] / "docs" / "guide.md").read_text()
IMPORTS = "import ibis\nfrom cpgbuild import Catalog, compute, view\n"
CONFIG = """
[project]
name = "guide"
[sources.orders]
format = "csv"
path = "orders.csv"
[sources.pages]
format = "files"
path = "pages"
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def test_the_tasks_of_the_guide_build_and_give_what_they_say(tmp_path: Path) -> None:
    examples = [block for block in blocks("python") if "def " in block]
    assert len(examples) == 2
    (tmp_path / "tasks").mkdir()
    for number, text in enumerate(examples):
        (tmp_path / "tasks" / f"example_{number}.py").write_text(IMPORTS + text)
    (tmp_path / "tasks" / "by_country.sql").write_text(blocks("sql")[0])
    (tmp_path / "cpgbuild.toml").write_text(CONFIG)
    (tmp_path / "orders.csv").write_text("country,amount\nuk,5.0\nuk,20.0\nfr,30.0\n")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "one.txt").write_text("three short words")
    outcome = api.build(tmp_path)
    assert (outcome.tables, outcome.failed) == (2, 0)
    import datafusion
    from deltalake import DeltaTable

    session = datafusion.SessionContext()
    session.register_table("words", DeltaTable(tmp_path / "warehouse" / "word_counts"))
    assert session.table("words").to_pylist() == [{"path": "one.txt", "words": 3}]


def test_the_configuration_of_the_guide_is_one(tmp_path: Path) -> None:
    from cpgbuild.project.config import Overrides, load

    (tmp_path / "cpgbuild.toml").write_text(blocks("toml")[0])
    project = load(tmp_path, Overrides(environment="dev"))
    assert project.variables == {"smallest": "0.00"}
    assert project.engine.memory_limit == 8 * 1024**3
