"""Options: those that several commands take, under one name and with one meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cpgbuild.cli.completion import COLUMN, NAME, SELECTOR, candidates, kept_names


def _names(ctx: typer.Context, incomplete: str, kind: str) -> list[str]:
    """Return the names that a word may become, of the project that the command line names."""
    folder = ctx.params.get("project") or Path()
    return candidates(kept_names(str(folder)), incomplete, kind)


def complete_name(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a dataset or task."""
    return _names(ctx, incomplete, NAME)


def complete_selector(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a dataset or task, or a tag."""
    return _names(ctx, incomplete, SELECTOR)


def complete_column(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a dataset, or of a column of one."""
    return _names(ctx, incomplete, COLUMN)


DatasetArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Dataset or task.", autocompletion=complete_name)
]
ColumnArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="Dataset, task, or column as `orders.amount`.",
        autocompletion=complete_column,
    ),
]
ProjectOption = Annotated[
    Path,
    typer.Option("--project", "-C", metavar="FOLDER", help="Folder of cpgbuild.toml, or below it."),
]
TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        "-t",
        metavar="NAME",
        help="Dataset, task, pattern or tag:TAG to bring up to date; "
        "with `+` behind it all downstream too; repeatable.",
        autocompletion=complete_selector,
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="NAME",
        help="What to leave as it is, likewise; repeatable.",
        autocompletion=complete_selector,
    ),
]
ForceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--force",
        metavar="NAME",
        help="What to run anyway, likewise; repeatable.",
        autocompletion=complete_selector,
    ),
]
VarOption = Annotated[
    list[str] | None,
    typer.Option("--var", metavar="NAME=VALUE", help="Set a variable once; repeatable."),
]
EnvOption = Annotated[
    str | None,
    typer.Option("--env", metavar="NAME", help="Lay the tables of [env.NAME] over the others."),
]
WarehouseOption = Annotated[
    str | None,
    typer.Option("--warehouse", metavar="PLACE", help="Folder or URL of the tables, this once."),
]
NoCacheOption = Annotated[
    bool, typer.Option("--no-cache", help="Plan from nothing, without what was planned before.")
]
KeepGoingOption = Annotated[
    bool,
    typer.Option("--keep-going", "-k", help="After a failure, build all that does not need it."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON lines.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show all tasks, and errors as they were raised.")
]
