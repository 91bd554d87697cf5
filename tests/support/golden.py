"""Golden files: whole messages, kept beside the tests. `BLESS=1 pytest …` writes them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.commands import Ended

_VARYING = (
    (re.compile(r"\b(?:\d+ min )?\d+(?:\.\d+)? s\b"), "#.# s"),
    # What stands in columns behind a duration moves with its length.
    (re.compile(r"(#\.# s) +"), r"\1  "),
    # Logs and records name the folder that they are in, which is longer at times.
    (re.compile(r"\b\d[\d,.]* [kMG]B\b"), "#.# kB"),
    # As Delta names the files of a table.
    (re.compile(r"part-\d{5}-[0-9a-f-]{36}"), "part-#"),
    (re.compile(r"\bprocess \d+"), "process #"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d( UTC)?)?"), "####-##-## ##:##"),
)


def transcript(command: str, ended: Ended, folder: Path) -> str:
    """Return what a command said, with what differs from run to run made the same."""
    parts = [f"$ {command}\n", ended.stdout]
    if ended.stderr:
        parts += ["--- stderr\n", ended.stderr]
    text = "".join([*parts, f"--- exit {ended.code}\n"])
    text = text.replace(str(folder), "<folder>")
    for pattern, same in _VARYING:
        text = pattern.sub(same, text)
    return text


def check_golden(text: str, path: Path) -> None:
    """Compare a text with a golden file, or write the file where that is asked for."""
    if os.environ.get("BLESS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"no golden file {path}: run once with BLESS=1 and read what it wrote"
    assert text == path.read_text(encoding="utf-8")
