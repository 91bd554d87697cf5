"""Commands about a project as it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cpgbuild.cli import exit_codes
from cpgbuild.cli.options import VerboseOption
from cpgbuild.cli.running import finish, new_output

commands = typer.Typer()


@commands.command(epilog="Examples:  cpgbuild init  |  cpgbuild init my_project")
def init(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where; it is made if need be.")
    ] = Path(),
    verbose: VerboseOption = False,
) -> None:
    """Start a project, with an example that builds at once."""
    output = new_output(as_json=False, verbose=verbose)

    def run() -> int:
        from cpgbuild.project.starter import start_project

        for path in start_project(folder):
            output.line(("created  ", "green"), (str(path), ""))
        where = "" if folder == Path() else f"cd {folder} && "
        output.line((f"\nNow: {where}cpgbuild build", ""))
        return exit_codes.OK

    finish(output, run)
