"""scip-python, which resolves more than ty-scip, takes six times as long and needs node."""

import json
import re
import shutil
from pathlib import Path

from tasks.index.indexer import Indexer, IndexerFailedError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
INSTALL = "npm install @sourcegraph/scip-python"
# Of a file that it could not parse, bind or check; it goes on, and leaves the file's facts out.
INTERNAL_ERROR = re.compile(
    r'An internal error occurred while (?P<doing>[\w ]+) file "(?P<file>.+?)": (?P<why>.*?)'
    r"(?: {4}at |$)",
    re.MULTILINE,
)


def scip_python_version(program: str) -> str:
    """Return the indexer's version: another one may resolve more, or less."""
    script = _script(program)
    if script is None:
        return "not installed"
    package = script.with_name("package.json")
    version = json.loads(package.read_text())["version"] if package.exists() else "of no package"
    return str(version)


def _script(program: str) -> Path | None:
    """Return the script: the one named, npm's in this project, or the one on PATH."""
    own = PROJECT_ROOT / "node_modules" / ".bin" / "scip-python"
    found = program or (str(own) if own.exists() else shutil.which("scip-python"))
    return Path(found).resolve() if found else None


def _command(program: str, root: Path, output: Path, project: str) -> list[str]:
    script, node = _script(program), shutil.which("node")
    if script is None:
        raise IndexerFailedError(
            f"scip-python is not installed: run `{INSTALL}` beside cpgbuild.toml, or put it on PATH"
        )
    if node is None:
        raise IndexerFailedError(
            "scip-python needs node, which is not installed: there is no `node` on PATH"
        )
    # Without packages: those of a Python found there would give the index other symbols. It would
    # also start that Python's pip to list them.
    environment = output.with_name("environment.json")
    environment.write_text("[]")
    options = ["--quiet", "--output", str(output), "--environment", str(environment)]
    named = ["--project-name", project, "--project-version", "0"]
    # An absolute folder: of a relative one it makes an index without documents.
    return [node, str(script), "index", "--cwd", str(root), *options, *named]


def _blamed(said: str) -> dict[str, str]:
    found = INTERNAL_ERROR.finditer(said)
    return {m["file"]: f"scip-python failed while {m['doing']} it: {m['why']}" for m in found}


SCIP_PYTHON = Indexer(
    name="scip-python",
    suffixes=frozenset((".py", ".pyi")),
    deepest=400,
    seconds=30,
    seconds_per_mb=60,
    refuse=lambda _path: None,
    command=_command,
    blamed=_blamed,
)
