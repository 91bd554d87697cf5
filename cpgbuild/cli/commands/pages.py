"""The command that makes the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cpgbuild.cli import exit_codes
from cpgbuild.cli.options import (
    EnvOption,
    JsonOption,
    ProjectOption,
    VarOption,
    VerboseOption,
    WarehouseOption,
)
from cpgbuild.cli.running import finish, new_output, overrides_of

if TYPE_CHECKING:
    from cpgbuild.export.page_server import Made

commands = typer.Typer()
PORT = 8765


@commands.command(
    epilog="Examples:  cpgbuild docs  |  cpgbuild docs --out site/index.html --preview 20  |  "
    "cpgbuild docs --serve"
)
def docs(
    project: ProjectOption = Path(),
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File; cpgbuild-docs.html in the project if not given."),
    ] = None,
    preview: Annotated[
        int, typer.Option("--preview", min=0, help="Show so many rows of each dataset.")
    ] = 0,
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Serve it on this machine, kept fresh, until Ctrl-C."),
    ] = False,
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65535, help="Where it is served; 0: any that is free."),
    ] = PORT,
    var: VarOption = None,
    env: EnvOption = None,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write a page of the graph, each dataset and its columns' lineage.

    It is one HTML file that needs no network.
    """
    output = new_output(as_json=as_json, verbose=verbose)

    def make(version: int) -> Made:
        from cpgbuild.cli.wording import reasons_text
        from cpgbuild.export.page_document import Wanted
        from cpgbuild.export.page_making import make_page

        wanted = Wanted(reasons_text, preview)
        return make_page(project, wanted, overrides_of(var, env, warehouse), version)

    def write() -> int:
        from cpgbuild.cli import lean  # noqa: F401 -- all behind it loads a third faster
        from cpgbuild.cli.pages import show_written
        from cpgbuild.export.page_making import write_page

        made = make(0)
        show_written(write_page(made, project, out), made.datasets, output)
        return exit_codes.OK

    def keep_serving() -> int:
        from cpgbuild.cli import lean  # noqa: F401 -- likewise
        from cpgbuild.cli.pages import served
        from cpgbuild.errors.project import OptionsClash

        if out is not None:
            fault = "`--serve` writes no file, so `--out` does not go with it"
            raise OptionsClash(fault, "leave out one of them")
        served(port, make, output)
        return exit_codes.OK

    finish(output, keep_serving if serve else write)
