"""Page making: from a project to its page, written to a file or served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.errors.project import FileUnwritable
from cpgbuild.export.column_lineage import KnownDerivations
from cpgbuild.export.page import page
from cpgbuild.export.page_document import page_document
from cpgbuild.export.page_server import Made, Watched
from cpgbuild.project.config import find_root
from cpgbuild.state.journal import replace
from cpgbuild.workspace import opened

if TYPE_CHECKING:
    from pathlib import Path

    from cpgbuild.export.page_document import Wanted
    from cpgbuild.project.config import Overrides

FILE = "cpgbuild-docs.html"


class PageMaker:
    """Makes the page of a project, as often as it is asked to."""

    def __init__(self, project: Path, wanted: Wanted, overrides: Overrides | None = None) -> None:
        """Take the project, and what is to be on its page."""
        self._project = project
        self._wanted = wanted
        self._overrides = overrides
        self._known = KnownDerivations()

    def make(self, version: int = 0) -> Made:
        """Return the page as the project is now; one with a version is to be served.

        Raises:
            CpgbuildError: the project is wrong.
        """
        with opened(self._project, self._overrides) as workspace:
            document = page_document(workspace, self._wanted, self._known)
            watched = Watched.of(workspace)
        return Made(page(document, version), watched, len(document["datasets"]))


def write(made: Made, project: Path, out: Path | None) -> Path:
    """Write a page to a file, by default to one at the project's root; return the file.

    Raises:
        FileUnwritable: it cannot be written.
    """
    path = out or find_root(project) / FILE
    try:
        replace(path, made.html.encode())
    except OSError as error:
        raise FileUnwritable(str(path), error) from error
    return path
