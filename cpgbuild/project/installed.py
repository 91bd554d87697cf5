"""Installed: whether Python and the packages are those that are known to work together."""

from __future__ import annotations

import platform
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from cpgbuild.core.finding import Finding, problem, warning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OURS = "cpgbuild"
# Extras of those who work on cpgbuild itself.
_OWN = {"dev"}
_COMPILED = "sqlglotc"


def look_at_installed() -> Iterator[Finding]:
    """Give how Python, the packages that are needed, and those of the optional extras are."""
    declared = _declared()
    if declared is None:
        hint = "install it as a package: `pip install .`"
        yield warning("packages", "what cpgbuild needs is not known: it is not installed", hint)
        return
    python, needed, extras = declared
    version = platform.python_version()
    if version in SpecifierSet(python):
        yield Finding("python", version)
    else:
        yield problem("python", f"{version}, and not {python}", "use another Python")
    faults = [fault for requirement in needed for fault in _faults(requirement)]
    if not faults:
        yield Finding("packages", f"all {len(needed)} that are needed, in versions known to work")
    for name, fact in faults:
        wanted = next(str(r) for r in needed if r.name == name)
        yield problem("packages", fact, f"`pip install '{wanted}'`")
    if _version(_COMPILED) is not None:
        hint = f"`pip uninstall {_COMPILED}`"
        yield problem("packages", f"`{_COMPILED}` is installed, which breaks Ibis", hint)
    for extra, wanted_ones in sorted(extras.items()):
        yield _extra(extra, wanted_ones)


def _extra(extra: str, wanted: list[Requirement]) -> Finding:
    faults = [fact for requirement in wanted for _, fact in _faults(requirement)]
    missing = [r.name for r in wanted if _version(r.name) is None]
    if not faults:
        return Finding("extras", f"`{extra}` is installed")
    if len(missing) == len(wanted):
        return Finding("extras", f"`{extra}` is not installed")
    return warning("extras", f"`{extra}`: {'; '.join(faults)}", f"`pip install '{OURS}[{extra}]'`")


def _faults(wanted: Requirement) -> list[tuple[str, str]]:
    """Return what is wrong with a package, if something is: its name, and the fact."""
    found = _version(wanted.name)
    if found is None:
        return [(wanted.name, f"`{wanted.name}` is not installed")]
    if not wanted.specifier.contains(found, prereleases=True):
        return [(wanted.name, f"`{wanted.name}` {found} is not in {wanted.specifier}")]
    return []


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _declared() -> tuple[str, list[Requirement], dict[str, list[Requirement]]] | None:
    """Return the range of Pythons, the packages needed, and those of each extra.

    They are those of the installed package, or of the source tree that this one is run from.
    """
    tree = Path(__file__).parents[2] / "pyproject.toml"
    try:
        project = tomllib.loads(tree.read_text(encoding="utf-8"))["project"]
        if project["name"] == OURS:
            extras = project.get("optional-dependencies", {})
            return project["requires-python"], _parsed(project["dependencies"]), _of(extras)
    except (OSError, ValueError, KeyError):
        pass
    try:
        about = metadata.metadata(OURS)
    except metadata.PackageNotFoundError:
        return None
    every = [Requirement(text) for text in metadata.requires(OURS) or ()]
    needed = [r for r in every if r.marker is None or r.marker.evaluate({"extra": ""})]
    rest = [r for r in every if r not in needed]
    names = about.get_all("Provides-Extra") or ()
    by_extra = {
        name: [
            str(r).partition(";")[0]
            for r in rest
            if r.marker and r.marker.evaluate({"extra": name})
        ]
        for name in names
    }
    return about["Requires-Python"] or "", needed, _of(by_extra)


def _of(extras: dict[str, list[str]]) -> dict[str, list[Requirement]]:
    return {name: _parsed(texts) for name, texts in extras.items() if name not in _OWN}


def _parsed(texts: Iterable[str]) -> list[Requirement]:
    return [Requirement(text) for text in texts]
