"""The examples of the page on checks do what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cpgbuild import api
from cpgbuild.project.starter import start_project
from tests.docs.test_console_blocks import matches
from tests.support.commands import run_here

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs/checks.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def shop(tmp_path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    start_project(root)
    return root


def test_the_first_example_fails_as_it_is_shown(shop):
    (shop / "tasks/customers.py").write_text(blocks("python")[0])
    said = run_here("build", "--keep-going", folder=shop)
    _, *expected = blocks("text")[0].splitlines()
    printed = [line for line in (said.stdout + said.stderr).splitlines() if line]
    assert matches([line for line in expected if line], printed), said.stdout + said.stderr
    text = (shop / "tasks/customers.py").read_text()
    (shop / "tasks/customers.py").write_text(text.replace('["uk", "us"]', '["uk", "us", "fr"]'))
    assert api.build(shop).failed == 0


def test_the_header_of_the_sql_example_holds(shop):
    (shop / "tasks/large_orders.sql").write_text(blocks("sql")[0])
    assert api.build(shop).failed == 0
    with api.opened(shop) as workspace:
        checks = workspace.graph.tasks["compute.large_orders"].checks
    assert [check.title for check in checks] == [
        "accepted_values(country)",
        "small",
        "unique(country)",
    ]


def test_the_tests_of_the_page_pass(shop):
    (shop / "tests").mkdir()
    (shop / "tests/test_sales.py").write_text(blocks("python")[1])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "cpgbuild.testing", "tests"]
    environment = os.environ | {
        "PYTHONPATH": str(REPOSITORY),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    ended = subprocess.run(
        command, cwd=shop, env=environment, capture_output=True, text=True, check=False
    )
    assert "2 passed" in ended.stdout, ended.stdout
