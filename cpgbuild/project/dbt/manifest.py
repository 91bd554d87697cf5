"""Manifest: what dbt wrote down of a project when it compiled it.

The format: https://schemas.getdbt.com/dbt/manifest (versions 4 to 12 and later are read alike).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cpgbuild.errors.project import BadManifest, NoManifest, describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FILE = "manifest.json"
# Beside nodes and sources: what a manifest lists that is no table.
_OTHERS = (
    "exposures",
    "metrics",
    "semantic_models",
    "saved_queries",
    "unit_tests",
    "functions",
)

# What dbt compiles to a query.
_COMPILED = {"model", "test"}


@dataclass(frozen=True, slots=True)
class Node:
    """One thing of a dbt project, under its unique id, as `model.shop.orders`.

    `identifier` is its table's name, `relation` that with database and schema as dbt writes it in
    SQL (None of what is no table), `file` relative to the dbt project. `sql` is what dbt compiled
    it to, None where it did not. `facts` has all that the manifest says.
    """

    id: str
    kind: str
    name: str
    identifier: str
    package: str
    file: str
    relation: str | None
    sql: str | None
    facts: Mapping[str, Any] = field(repr=False)

    @property
    def config(self) -> Mapping[str, Any]:
        """Its configuration."""
        return self.facts.get("config") or {}

    @property
    def materialized(self) -> str:
        """What dbt makes of it: `view`, `table`, `incremental`, `ephemeral` or another word."""
        return str(self.config.get("materialized") or "view")

    @property
    def language(self) -> str:
        """`sql` or `python`."""
        return str(self.facts.get("language") or "sql")

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags, each once."""
        return tuple(dict.fromkeys(map(str, self.facts.get("tags") or ())))

    @property
    def description(self) -> str:
        """What its authors say of it."""
        return str(self.facts.get("description") or "").strip()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A compiled dbt project. `root` is the folder of its `dbt_project.yml`."""

    root: Path
    path: Path
    project: str
    adapter: str
    nodes: tuple[Node, ...]

    def of_kind(self, *kinds: str) -> Iterator[Node]:
        """Give the nodes of some kinds, in the order of their ids."""
        return (node for node in self.nodes if node.kind in kinds)


def read_manifest(place: Path) -> Manifest:
    """Read a dbt project: its folder, its target folder, or the manifest itself.

    Raises:
        NoManifest: there is none.
        BadManifest: it is not what dbt writes.
    """
    known = (place, place / FILE, place / "target" / FILE)
    path = next((p for p in known if p.is_file()), None)
    if path is None:
        raise NoManifest(str(place))
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _manifest(path, data)
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise BadManifest(str(path), describe(error)) from error


def _manifest(path: Path, data: dict[str, Any]) -> Manifest:
    root = path.absolute().parent
    if root.name == "target" or not (root / "dbt_project.yml").exists():
        root = root.parent
    metadata = data["metadata"]
    entries = {**data["nodes"], **data.get("sources", {})}
    for kind in _OTHERS:
        entries |= data.get(kind) or {}
    nodes = tuple(_node(name, entries[name], path.parent) for name in sorted(entries))
    adapter = str(metadata.get("adapter_type") or "")
    project = str(metadata.get("project_name") or root.name)
    return Manifest(root, path, project, adapter, nodes)


def _node(name: str, facts: dict[str, Any], target: Path) -> Node:
    relation = facts.get("relation_name")
    kind = str(facts.get("resource_type") or name.partition(".")[0])
    names = [str(facts[key]) for key in ("alias", "identifier", "name") if facts.get(key)]
    package, file = str(facts.get("package_name", "")), str(facts.get("original_file_path", ""))
    return Node(
        id=name,
        kind=kind,
        name=str(facts.get("name", name.rpartition(".")[2])),
        identifier=names[0] if names else name.rpartition(".")[2],
        package=package,
        file=file,
        relation=str(relation) if relation else None,
        sql=_compiled(facts, target / "compiled" / package / file)
        if kind in {"model", "test"}
        else None,
        facts=facts,
    )


def _compiled(facts: dict[str, Any], file: Path) -> str | None:
    """Return the SQL that dbt made of a model: in the manifest, or in the folder beside it."""
    text = facts.get("compiled_code") or facts.get("compiled_sql")
    if not text and file.is_file():
        text = file.read_text(encoding="utf-8")
    return str(text) if text and str(text).strip() else None
