"""The command that makes the page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="File; cpgbuild-docs.html in the project if not given.",
        ),
    ] = None,
    preview: Annotated[
        int,
        typer.Option("--preview", metavar="N", min=0, help="Show so many rows of each dataset."),
    ] = 0,
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Serve it on this machine, kept fresh, until Ctrl-C."),
    ] = False,
    port: Annotated[
        int,
        typer.Option(
            "--port",
            metavar="PORT",
            min=0,
            max=65535,
            help="Where it is served; 0: any that is free.",
        ),
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

    def run() -> int:
        from cpgbuild.cli.pages import serve_page, write_page
        from cpgbuild.errors.project import OptionsClash

        if serve and out is not None:
            fault = "`--serve` writes no file, so `--out` does not go with it"
            raise OptionsClash(fault, "leave out one of them")
        overrides = overrides_of(var, env, warehouse)
        if serve:
            serve_page(project, preview, overrides, port, output)
        else:
            write_page(project, preview, overrides, out, output)
        return exit_codes.OK

    finish(output, run)
