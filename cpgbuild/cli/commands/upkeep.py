"""Commands that look after a project."""

from __future__ import annotations

from typing import Annotated

import typer

from cpgbuild.cli import exit_codes
from cpgbuild.cli.options import JsonOption, VerboseOption
from cpgbuild.cli.running import finish, new_output

commands = typer.Typer()


@commands.command(epilog="Examples:  cpgbuild explain E204  |  cpgbuild explain")
def explain(
    code: Annotated[
        str | None, typer.Argument(help="Code of an error, as E204; all where none is given.")
    ] = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Say what an error means, how it comes about, and how to mend it."""
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.meanings import show_codes, show_meaning

        if code is None:
            show_codes(output)
        else:
            show_meaning(code, output)
        return exit_codes.OK

    finish(output, run)
