"""Which indexer the variable `indexer` names."""

from pathlib import PurePath

from tasks.index.indexer import Indexer, IndexerFailedError
from tasks.index.scip_python import SCIP_PYTHON, scip_python_version
from tasks.index.ty_scip import TY_SCIP, ty_scip_version

NONE = "none"
INDEXERS = {indexer.name: indexer for indexer in (TY_SCIP, SCIP_PYTHON)}
VERSIONS = {TY_SCIP.name: ty_scip_version, SCIP_PYTHON.name: scip_python_version}


def chosen(variable: str) -> tuple[Indexer | None, str]:
    """Return the indexer, and its place on disk where the variable is a path.

    Raises:
        IndexerFailedError: there is none of that name.
    """
    name = PurePath(variable).name
    if variable == NONE:
        return None, ""
    if name not in INDEXERS:
        known = ", ".join(f"`{known}`" for known in (*INDEXERS, NONE))
        raise IndexerFailedError(
            f"the variable indexer is `{variable}`, not {known}, or the path of such a program"
        )
    return INDEXERS[name], "" if name == variable else variable


def indexer_version(variable: str) -> str:
    """Return which indexer a build uses: another one may resolve more, or less."""
    indexer, program = chosen(variable)
    return NONE if indexer is None else f"{indexer.name} {VERSIONS[indexer.name](program)}"
