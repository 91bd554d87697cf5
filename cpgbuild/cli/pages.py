"""Pages: what is said of a page that was written, or is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from cpgbuild.cli import records
from cpgbuild.cli.wording import count_text
from cpgbuild.core.builder import Outcome
from cpgbuild.export.page_server import PageServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cpgbuild.cli.output import Output
    from cpgbuild.export.page_server import Made


def show_written(path: Path, datasets: int, output: Output) -> None:
    """Say which file the page is."""
    output.record(records.page(str(path), datasets))
    shown = path.relative_to(output.base) if path.is_relative_to(output.base) else path
    facts = f"  {count_text(datasets, 'dataset')}"
    output.line(("written  ", "green"), (str(shown), ""), (facts, "dim"))
    output.summary(Outcome())


def served(port: int, make: Callable[[int], Made], output: Output) -> None:
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
        server.keep_fresh(make, told, output.error)
    except KeyboardInterrupt:
        output.summary(Outcome())
    finally:
        server.close()
