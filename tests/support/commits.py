"""Commits of a project, for what is compared with an earlier one."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_WHO = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")


def commit(folder: Path, *, top: Path | None = None, tag: str = "start") -> None:
    """Commit all of a folder under a tag; the repository is that, or one at a folder above."""
    root = top or folder
    if not (root / ".git").exists():
        _git(root, "init", "--quiet")
    _git(root, "add", "--all")
    _git(root, *_WHO, "commit", "--quiet", "--allow-empty", "-m", tag)
    _git(root, "tag", tag)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)
