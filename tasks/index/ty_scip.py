"""ty-scip, which is installed from PyPI with everything else and needs nothing besides."""

import re
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from keyword import iskeyword
from pathlib import Path, PurePosixPath

from tasks.index.indexer import Indexer, IndexerFailedError

NO_MODULE = "its path is no importable module name"
# What ty-scip 0.1 says of the one file that made it give up.
REFUSED = re.compile(
    r"project file has no importable module name: (?P<module>.+)$"
    r"|cannot read project file (?P<file>.+?): (?P<why>.+)$",
    re.MULTILINE,
)


def ty_scip_version(program: str) -> str:
    """Return the indexer's version: another one may resolve more, or less."""
    if program:
        return f"as of {Path(program).stat().st_mtime_ns}"
    try:
        return version("ty-scip")
    except PackageNotFoundError:
        return "not from a package"


def _no_module(path: str) -> str | None:
    names = PurePosixPath(path).with_suffix("").parts
    taken = all(name.isidentifier() and not iskeyword(name) for name in names)
    return None if taken else NO_MODULE


def _command(program: str, root: Path, output: Path, project: str) -> list[str]:
    beside = Path(sys.executable).with_name("ty-scip")
    found = program or (str(beside) if beside.exists() else shutil.which("ty-scip"))
    if found is None:
        raise IndexerFailedError(
            "ty-scip is not installed: install cpgbuild[cpg], or set the variable scip_index"
        )
    options = ["--quiet", "--output", str(output), "--project-name", project]
    return [found, "index", *options, "--project-version", "0", str(root)]


def _blamed(said: str) -> dict[str, str]:
    return {m["module"] or m["file"]: m["why"] or NO_MODULE for m in REFUSED.finditer(said)}


TY_SCIP = Indexer(
    name="ty-scip",
    suffixes=frozenset((".py", ".pyi")),
    deepest=400,  # of 0.1: some kinds of nodes overflow its stack at 2,000, others hang at 1,000
    seconds=30,
    seconds_per_mb=15,  # five times what it takes
    refuse=_no_module,
    command=_command,
    blamed=_blamed,
)
