"""Leaves: the datasets that hold rows themselves, sources and tables, as a session reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import datafusion
import pyarrow as pa

from cpgbuild.engine.frames import column, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cpgbuild.engine.sources import Sources
    from cpgbuild.engine.warehouse import Warehouse


class Leaves(Protocol):
    """Makes a source, or a task's output, readable in a session under its name."""

    def register(self, session: datafusion.SessionContext, name: str) -> None:
        """Register one; nothing of it is read yet."""
        ...


@dataclass(frozen=True, slots=True)
class Scanned:
    """Leaves that are read from where they are, each time that a plan scans them."""

    sources: Sources
    warehouse: Warehouse

    def register(self, session: datafusion.SessionContext, name: str) -> None:
        """Register a source or an output."""
        if name in self.sources:
            self.sources.register(session, name)
        else:
            self.warehouse.register(session, name, name)


@dataclass(frozen=True, slots=True)
class Held:
    """Leaves whose needed columns are read into memory once, when they are registered.

    A recursive query scans its inputs once a round. DataFusion 55 finds a Delta table that is
    scanned through deltalake empty from the second round on, and says nothing of it.
    """

    read: Callable[[str], datafusion.DataFrame]
    needed: Mapping[str, frozenset[str]]

    def register(self, session: datafusion.SessionContext, name: str) -> None:
        """Register a leaf's needed columns as they are; the others, never asked for, as nulls."""
        frame = self.read(name)
        schema = frame.schema()
        wanted = [c for c in schema.names if c in self.needed.get(name, ())] or schema.names[:1]
        rows = frame.select(*(column(c) for c in wanted))
        register_held(session, name, [rows.collect()], rows.schema(), schema)


def register_held(
    session: datafusion.SessionContext,
    name: str,
    partitions: list[list[pa.RecordBatch]],
    given: pa.Schema,
    schema: pa.Schema,
) -> None:
    """Make rows readable under a name and a schema, of which they have some columns.

    The others are never asked for: they are nulls.
    """
    held = f"{name}/held"
    none = pa.RecordBatch.from_pylist([], schema=given)
    session.register_record_batches(held, [part or [none] for part in partitions])
    session.register_view(
        name,
        session.table(quote(held)).select(
            *(
                column(field.name)
                if field.name in given.names
                else datafusion.lit(None).cast(field.type).alias(field.name)
                for field in schema
            )
        ),
    )
