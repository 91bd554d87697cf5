"""Source: a dataset that is declared, not made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cpgbuild.errors.report import Place


@dataclass(frozen=True, slots=True)
class Source:
    """A declared source. `path` is absolute, or a URL; globs and folders are not expanded yet.

    `include` and `exclude` are globs of a file listing; `delimiter` and `header` are of CSV.
    """

    name: str
    format: str
    path: str
    place: Place | None = None
    include: tuple[str, ...] = ("**/*",)
    exclude: tuple[str, ...] = ()
    delimiter: str = ","
    header: bool = True
