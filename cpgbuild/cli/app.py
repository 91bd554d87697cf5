"""The command line: all commands."""

from __future__ import annotations

import gc
from typing import Annotated

import typer

from cpgbuild.cli.commands import (
    building,
    exporting,
    graphs,
    importing,
    looking,
    pages,
    projects,
    upkeep,
)
from cpgbuild.cli.headings import HeadedGroup

app = typer.Typer(
    name="cpgbuild",
    cls=HeadedGroup,
    help="make for data views: rebuilds exactly what a change affects, and says why.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (building, looking, graphs, pages, upkeep, projects, importing):
    app.add_typer(module.commands)
app.add_typer(exporting.commands, name="export")


def _version(wanted: bool) -> None:  # noqa: FBT001 -- typer calls it so
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("cpgbuild")
        except PackageNotFoundError:
            number = "of a source tree that is not installed"
        typer.echo(f"cpgbuild {number}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Rebuild exactly what a change affects, and say why."""


def main() -> None:
    """Run the command line."""
    try:
        app()
    finally:
        # All is closed and written. Python would look for garbage once more, for a tenth of the
        # time of a plan, in what goes with the process.
        gc.freeze()
