"""Pages: the page of a project, written or served, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

# What comes after it loads a third faster.
from cpgbuild.cli import lean, records
from cpgbuild.cli.wording import count_text, reasons_text
from cpgbuild.core.builder import Outcome
from cpgbuild.export.page_document import Wanted
from cpgbuild.export.page_making import PageMaker, write
from cpgbuild.export.page_server import PageServer

if TYPE_CHECKING:
    from pathlib import Path

    from cpgbuild.cli.output import Output
    from cpgbuild.export.page_server import Made
    from cpgbuild.project.config import Overrides

__all__ = ["lean", "page_maker", "serve_page", "write_page"]


def page_maker(project: Path, preview: int, overrides: Overrides) -> PageMaker:
    """Return what makes the page, with so many rows of each dataset."""
    return PageMaker(project, Wanted(reasons_text, preview), overrides)


def write_page(maker: PageMaker, project: Path, out: Path | None, output: Output) -> None:
    """Write the page, and say to which file.

    Raises:
        FileUnwritable: the file cannot be written.
        CpgbuildError: the project is wrong.
    """
    made = maker.make()
    path = write(made, project, out)
    output.record(records.page(str(path), made.datasets))
    shown = path.relative_to(output.base) if path.is_relative_to(output.base) else path
    facts = f"  {count_text(made.datasets, 'dataset')}"
    output.line(("written  ", "green"), (str(shown), ""), (facts, "dim"))
    output.summary(Outcome())


def serve_page(maker: PageMaker, port: int, output: Output) -> None:
    """Serve the page, and say where it is and when it is another, until Ctrl-C.

    Raises:
        PortTaken: the port is not to be had.
        CpgbuildError: the project is wrong.
    """
    server = PageServer(port)

    def told(made: Made) -> None:
        output.record(records.page(server.address, made.datasets))
        if server.board.version == 1:
            output.line(("serving  ", "green"), (server.address, ""), ("  Ctrl-C ends it", "dim"))
        elif not output.as_json:
            output.stderr.print(Text("made     the project changed, and so did the page", "dim"))

    try:
        server.keep_fresh(maker.make, told, output.error)
    except KeyboardInterrupt:
        output.summary(Outcome())
    finally:
        server.close()
