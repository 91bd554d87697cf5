"""The Python examples of the page on Hamilton run in a new project."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cpgbuild.project.starter import start_project
from tests.support.commands import environment, run_here

pytest.importorskip("hamilton")

PAGE = (Path(__file__).parents[2] / "docs" / "hamilton.md").read_text()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    start_project(tmp_path)
    return tmp_path


def said(shop: Path, script: str) -> str:
    (shop / "script.py").write_text(script)
    command = [sys.executable, "script.py"]
    ended = subprocess.run(
        command, cwd=shop, env=environment(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_examples_run(shop: Path) -> None:
    written, in_memory, own = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    run_here("export", "hamilton", folder=shop)
    module = (shop / "generated_pipeline.py").read_text()
    (quoted,) = re.findall(r"^```text\n(@cache.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert quoted in module
    assert said(shop, written) == "1 0\n"
    if shutil.which("dot") is not None:
        assert "digraph" in said(shop, in_memory)
    (shop / "analysis.py").write_text(own)
    script = "import analysis\nfrom cpgbuild.export.hamilton import driver\n"
    script += "print(driver('.', analysis).execute(['winner']))"
    assert said(shop, script) == "{'winner': 'us'}\n"
