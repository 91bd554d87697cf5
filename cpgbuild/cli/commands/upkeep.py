"""Commands that look after a project."""

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
)
from cpgbuild.cli.running import finish, new_output, overrides_of

commands = typer.Typer()


@commands.command(
    epilog="Examples:  cpgbuild check  |  cpgbuild check --strict  |  cpgbuild check -v --json"
)
def check(
    project: ProjectOption = Path(),
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Exit with 2 where a task reads other datasets than its `inputs` say."
        ),
    ] = False,
    var: VarOption = None,
    env: EnvOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Evaluate all tasks and show all that is wrong. Runs nothing, writes nothing.

    Where tasks declare `inputs`, show how these differ from what is read.
    """
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.checks import show_checked
        from cpgbuild.cli.lean import api

        checked = api.check(project, overrides=overrides_of(var, env, None))
        return show_checked(checked, output, strict=strict)

    finish(output, run)


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
