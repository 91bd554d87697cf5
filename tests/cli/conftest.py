"""Fixtures of the command line's tests."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.support.commands import Ended, run_here
from tests.support.golden import check_golden, transcript
from tests.support.projects import ProjectFolder, shop

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def project(tmp_path) -> ProjectFolder:
    """The shop, in a folder of the same name in every run."""
    root = tmp_path / "shop"
    root.mkdir()
    return shop(root)


@pytest.fixture
def says(request, tmp_path):
    """Run a command line; what it says must be the test's golden file. Return how it ended."""

    def check(command: str, folder: Path) -> Ended:
        ended = run_here(*shlex.split(command), folder=folder)
        module = Path(request.path).stem.removeprefix("test_")
        name = request.node.name.removeprefix("test_")
        text = transcript(f"cpgbuild {command}", ended, tmp_path)
        check_golden(text, GOLDEN / module / f"{name}.txt")
        return ended

    return check
