"""The reference page is what the code says, and leaves nothing out."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def generator():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_fresh() -> None:
    written = (ROOT / "docs" / "reference.md").read_text()
    assert written == generator().page(), "run `python docs/reference.py`"


def test_every_error_code_in_the_package_is_documented() -> None:
    sources = "\n".join(p.read_text() for p in (ROOT / "cpgbuild" / "errors").glob("*.py"))
    codes = set(re.findall(r'code(?:: ClassVar\[str\])? = "(E\d+)"', sources))
    page = (ROOT / "docs" / "reference.md").read_text()
    assert len(codes) > 30
    assert {code for code in codes if f"| {code} |" not in page} == set()


def test_every_configuration_key_is_in_the_guide() -> None:
    guide = (ROOT / "docs" / "guide.md").read_text()
    config = (ROOT / "cpgbuild" / "project" / "config.py").read_text()
    keys = {
        k
        for call in re.findall(r"\.only\((.*?)\)", config, re.DOTALL)
        for k in re.findall(r'"(\w+)"', call)
    }
    assert len(keys) > 12
    assert {key for key in keys if not re.search(rf"\b{key}\b", guide)} == set()
