"""The bakery: a dbt project that dbt compiled and built (`regenerate.py`)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

BAKERY = Path(__file__).parent / "bakery"


def copied(folder: Path) -> Path:
    """Return a copy of the bakery in a folder."""
    return Path(shutil.copytree(BAKERY, folder / "bakery"))


def edited(bakery: Path, change) -> None:
    """Let a function change the bakery's manifest."""
    path = bakery / "target" / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
