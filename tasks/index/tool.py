"""Running another program on a copy of the sources."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run_tool(command: Sequence[str], seconds: float) -> tuple[int, str]:
    """Run a program; return its exit code, and what it said.

    Without an environment: a Python found there would give an index other symbols.

    Raises:
        subprocess.TimeoutExpired: it did not end within these seconds, and was killed.
        OSError: it cannot be run.
    """
    done = subprocess.run(  # noqa: S603
        command,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={},
        timeout=seconds,
    )
    return done.returncode, done.stderr + done.stdout


def stage(files: Mapping[str, bytes], root: Path) -> None:
    """Write files below a new folder."""
    root.mkdir()
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
