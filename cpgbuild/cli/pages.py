"""Pages: the page of a project, written or served, and what is said of it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from rich.text import Text

# What comes after it loads a third faster.
from cpgbuild.cli import lean, records
from cpgbuild.cli.planning_line import PlanningLine
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

__all__ = ["lean", "serve_page", "write_page"]


def write_page(
    project: Path, preview: int, overrides: Overrides, out: Path | None, output: Output
) -> None:
    """Write the page, with so many rows of each dataset, and say to which file.

    Raises:
        FileUnwritable: the file cannot be written.
        CpgbuildError: the project is wrong.
    """
    with PlanningLine(output, overrides) as told:
        made = PageMaker(project, Wanted(reasons_text, preview), told).make()
    path = write(made, project, out)
    output.record(records.page(str(path), made.datasets))
    shown = path.relative_to(output.base) if path.is_relative_to(output.base) else path
    facts = f"  {count_text(made.datasets, 'dataset')}"
    output.line(("written  ", "green"), (str(shown), ""), (facts, "dim"))
    output.summary(Outcome())


def serve_page(
    project: Path, preview: int, overrides: Overrides, port: int, output: Output
) -> None:
    """Serve the page, and say where it is and when it is another, until Ctrl-C.

    Raises:
        PortTaken: the port is not to be had.
        CpgbuildError: the project is wrong.
    """
    server = PageServer(port)
    line = ExitStack()
    asked = line.enter_context(PlanningLine(output, overrides))
    maker = PageMaker(project, Wanted(reasons_text, preview), asked)

    def told(made: Made) -> None:
        line.close()
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
        line.close()
        server.close()
