"""The tools: each one's project, its build, and its own record of what ran."""

from peers.tools.base import Ran, Tool, ToolFailedError
from peers.tools.cpgbuild import (
    Cpgbuild,
    CpgbuildIbis,
    CpgbuildSql,
    CpgbuildTables,
    CpgbuildViews,
)
from peers.tools.databases import Lea, SqlBuild, SqlMesh
from peers.tools.dbt import Dbt, Fusion
from peers.tools.files import Doit, Make, Ninja, Snakemake
from peers.tools.hamilton import Hamilton

OWN: list[type[Cpgbuild]] = [CpgbuildTables, CpgbuildViews]
FORMS: list[type[Cpgbuild]] = [CpgbuildSql, CpgbuildIbis]
PEERS: list[type[Tool]] = [
    Dbt,
    Fusion,
    SqlMesh,
    SqlBuild,
    Lea,
    Hamilton,
    Doit,
    Snakemake,
    Make,
    Ninja,
]

__all__ = ["FORMS", "OWN", "PEERS", "Ran", "Tool", "ToolFailedError"]
