"""Running ty-scip on a copy of the sources."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from keyword import iskeyword
from pathlib import Path, PurePosixPath

NO_MODULE = "its path is no importable module name"
NOT_UTF8 = "not UTF-8"
# What ty-scip 0.1 says of the one file that made it give up.
REFUSED = re.compile(
    r"project file has no importable module name: (?P<module>.+)$"
    r"|cannot read project file (?P<file>.+?): (?P<why>.+)$",
    re.MULTILINE,
)


class IndexerFailedError(ValueError):
    """The indexer made no index; the message is a sentence for the user."""


def refuse(path: str, content: bytes) -> str | None:
    """Return why ty-scip cannot take a file, none if it can: one such file ends its run."""
    names = PurePosixPath(path).with_suffix("").parts
    if not all(name.isidentifier() and not iskeyword(name) for name in names):
        return NO_MODULE
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return NOT_UTF8
    return None


def ty_scip_version() -> str:
    """Return the indexer's version: another one may resolve more, or less."""
    try:
        return version("ty-scip")
    except PackageNotFoundError:
        return "not from a package"


def run_ty_scip(files: Mapping[str, bytes], project: str) -> tuple[bytes, dict[str, str]]:
    """Index sources.

    Args:
        files: path relative to the import root -> content; all of them can be taken.
        project: the name of the package in the symbols.

    Returns:
        The index, and the files that it does not cover after all, with reasons.

    Raises:
        IndexerFailedError: ty-scip is missing or fails for no single file's sake.
    """
    refused: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="cpg-") as folder:
        # Resolved, since the indexer names resolved paths in its messages.
        root, output = Path(folder).resolve() / "sources", Path(folder) / "index.scip"
        _stage(files, root)
        command = [_executable(), "index", "--quiet", "--output", str(output)]
        command += ["--project-name", project, "--project-version", "0", str(root)]
        while len(refused) < len(files):
            # Without an environment: a Python found there would give the index other symbols.
            done = subprocess.run(  # noqa: S603
                command, capture_output=True, text=True, check=False, env={}
            )
            if done.returncode == 0:
                return output.read_bytes(), refused
            found = REFUSED.search(done.stderr)
            path = Path((found["module"] or found["file"]) if found else "")
            if found is None or not path.is_relative_to(root) or not path.exists():
                message = " ".join(done.stderr.split())[:500] or "it says nothing"
                raise IndexerFailedError(
                    f"ty-scip failed with exit code {done.returncode}: {message}"
                )
            refused[path.relative_to(root).as_posix()] = found["why"] or NO_MODULE
            path.unlink()
    return b"", refused


def _executable() -> str:
    beside = Path(sys.executable).with_name("ty-scip")
    found = str(beside) if beside.exists() else shutil.which("ty-scip")
    if found is None:
        raise IndexerFailedError(
            "ty-scip is not installed: install cpgbuild[cpg], or set the variable scip_index"
        )
    return found


def _stage(files: Mapping[str, bytes], root: Path) -> None:
    root.mkdir()
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
