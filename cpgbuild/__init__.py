"""make for data views: write views as plain relational expressions; the rest follows from them.

The names below are what a task module needs; `cpgbuild.api` has the commands as functions. They
are imported when first used, so that `cpgbuild --help` needs none of the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cpgbuild.api.datasets import Datasets
    from cpgbuild.api.datasets import open_project as open  # noqa: A004 -- it is what it does
    from cpgbuild.errors.report import CpgbuildError, Problems
    from cpgbuild.plan.catalog import Catalog
    from cpgbuild.plan.definition import compute, view

__all__ = [
    "Catalog",
    "CpgbuildError",
    "Datasets",
    "Problems",
    "compute",
    "open",
    "view",
]

_HOMES = {
    "Catalog": "cpgbuild.plan.catalog",
    "CpgbuildError": "cpgbuild.errors.report",
    "Datasets": "cpgbuild.api.datasets",
    "Problems": "cpgbuild.errors.report",
    "open": "cpgbuild.api.datasets",
    "compute": "cpgbuild.plan.definition",
    "view": "cpgbuild.plan.definition",
}
# What is named otherwise where it lives: a module should not hide a builtin.
_NAMES = {"open": "open_project"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    import importlib  # noqa: PLC0415 -- not needed by `--version`

    if name not in _HOMES:
        raise AttributeError(f"module `cpgbuild` has no attribute `{name}`")
    return getattr(importlib.import_module(_HOMES[name]), _NAMES.get(name, name))
