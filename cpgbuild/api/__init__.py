"""The commands as functions: where projects, plans, state and engine are put together."""

from __future__ import annotations

from cpgbuild.api.building import build, plan, why
from cpgbuild.api.columns import lineage
from cpgbuild.api.datasets import Datasets, open_project
from cpgbuild.api.diagnosis import doctor
from cpgbuild.api.graphs import Since, graph, impact, since
from cpgbuild.api.inventory import listed
from cpgbuild.api.locks import locked
from cpgbuild.api.past import diff, history, states
from cpgbuild.api.upkeep import check, clean
from cpgbuild.project import config
from cpgbuild.workspace import opened

__all__ = [
    "Datasets",
    "Since",
    "build",
    "check",
    "clean",
    "config",
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
