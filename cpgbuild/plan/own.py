"""Own: which files of Python are the project's, and not somebody else's."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path


def own_file(name: str, root: Path) -> Path | None:
    """Return the file of a module below the project's root; nothing is imported."""
    base = root.joinpath(*name.split("."))
    for candidate in (base / "__init__.py", base.with_name(f"{base.name}.py")):
        if candidate.is_file():
            return candidate
    return None


@lru_cache(maxsize=4096)
def is_own(file: str) -> bool:
    """Return whether a file of Python is neither Python's own nor installed nor this package's."""
    parts = Path(file).parts
    if "site-packages" in parts or "dist-packages" in parts or file.startswith("<"):
        return False
    tool = str(Path(__file__).parents[1])
    return not file.startswith((os.path.dirname(os.__file__) + os.sep, tool + os.sep))
