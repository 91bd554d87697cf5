"""Options: those that several commands take, under one name and with one meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ProjectOption = Annotated[
    Path, typer.Option("--project", "-C", help="Folder of cpgbuild.toml, or below it.")
]
TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        "-t",
        help="Dataset, task, pattern or tag:NAME to bring up to date; "
        "with `+` behind it all downstream too; repeatable.",
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", help="What to leave as it is, likewise; repeatable."),
]
ForceOption = Annotated[
    list[str] | None, typer.Option("--force", help="What to run anyway, likewise; repeatable.")
]
VarOption = Annotated[
    list[str] | None, typer.Option("--var", help="NAME=VALUE: set a variable once; repeatable.")
]
EnvOption = Annotated[
    str | None, typer.Option("--env", help="Lay the tables of [env.NAME] over the others.")
]
WarehouseOption = Annotated[
    str | None, typer.Option("--warehouse", help="Folder or URL of the tables, this once.")
]
NoCacheOption = Annotated[
    bool, typer.Option("--no-cache", help="Plan from nothing, without what was planned before.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON lines.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show all tasks, and errors as they were raised.")
]
