"""Commands that take over what another tool's project says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cpgbuild.cli import exit_codes
from cpgbuild.cli.options import JsonOption, VerboseOption
from cpgbuild.cli.running import finish, new_output

commands = typer.Typer()
importing = typer.Typer(
    name="import",
    help="Take over another tool's project.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
commands.add_typer(importing)


@importing.callback(
    epilog="Examples:  cpgbuild import dbt path/to/dbt_project  |  cpgbuild import dbt --help"
)
def _tools() -> None:
    """Take over another tool's project."""


@importing.command(
    epilog="Examples:  cpgbuild import dbt path/to/dbt_project --out shop  |  "
    "cpgbuild import dbt shop/target/manifest.json  |  cpgbuild import dbt shop --json"
)
def dbt(
    place: Annotated[
        Path,
        typer.Argument(
            metavar="PROJECT",
            help="Folder of the dbt project after `dbt compile`, or its manifest.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Folder to write to; nothing is overwritten."
        ),
    ] = Path(),
    dialect: Annotated[
        str | None,
        typer.Option(
            "--dialect",
            metavar="NAME",
            help="SQL's dialect, where it is not that of dbt's adapter.",
        ),
    ] = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Turn a compiled dbt project into SQL tasks and sources.

    Says of each thing that it could not take why.
    """
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.imports import show_imported
        from cpgbuild.project.dbt.importing import import_dbt

        show_imported(import_dbt(place, out, dialect), out, output)
        return exit_codes.OK

    finish(output, run)
