"""The commands as functions: where projects, plans, state and engine are put together.

Each is imported when it is first used, so that a plan loads nothing that only others need.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cpgbuild.api.building import build, plan, why
    from cpgbuild.api.columns import lineage
    from cpgbuild.api.datasets import Datasets, open_project
    from cpgbuild.api.diagnosis import doctor
    from cpgbuild.api.graphs import Since, graph, impact, since
    from cpgbuild.api.inventory import listed
    from cpgbuild.api.locks import locked
    from cpgbuild.api.past import diff, history, states
    from cpgbuild.api.upkeep import check, clean
    from cpgbuild.workspace import opened

__all__ = [
    "Datasets",
    "Since",
    "build",
    "check",
    "clean",
    "diff",
    "doctor",
    "graph",
    "history",
    "impact",
    "lineage",
    "listed",
    "locked",
    "open_project",
    "opened",
    "plan",
    "since",
    "states",
    "why",
]

_HOMES = {
    "cpgbuild.api.building": ("build", "plan", "why"),
    "cpgbuild.api.columns": ("lineage",),
    "cpgbuild.api.datasets": ("Datasets", "open_project"),
    "cpgbuild.api.diagnosis": ("doctor",),
    "cpgbuild.api.graphs": ("Since", "graph", "impact", "since"),
    "cpgbuild.api.inventory": ("listed",),
    "cpgbuild.api.locks": ("locked",),
    "cpgbuild.api.past": ("diff", "history", "states"),
    "cpgbuild.api.upkeep": ("check", "clean"),
    "cpgbuild.workspace": ("opened",),
}


def __getattr__(name: str) -> Any:
    """Import a command when it is first used."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module `cpgbuild.api` has no attribute `{name}`")
