"""Commands that look after a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cpgbuild.cli import exit_codes
from cpgbuild.cli.options import (
    EnvOption,
    ExcludeOption,
    JsonOption,
    KeepGoingOption,
    ProjectOption,
    TargetOption,
    VarOption,
    VerboseOption,
    WarehouseOption,
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
        from cpgbuild.cli.planning_line import PlanningLine

        with PlanningLine(output, overrides_of(var, env, None)) as overrides:
            checked = api.check(project, overrides=overrides)
        return show_checked(checked, output, strict=strict)

    finish(output, run)


@commands.command(
    epilog="Examples:  cpgbuild clean  |  cpgbuild clean --dry-run  |  "
    "cpgbuild clean --keep 3 --hours 0 --yes"
)
def clean(
    project: ProjectOption = Path(),
    keep: Annotated[
        int,
        typer.Option(
            "--keep", metavar="N", min=1, help="States of each table that can be restored."
        ),
    ] = 10,
    hours: Annotated[
        int,
        typer.Option(
            "--hours",
            metavar="N",
            min=0,
            help="Keep what was replaced, or written, in so many hours.",
        ),
    ] = 168,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and delete nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    var: VarOption = None,
    env: EnvOption = None,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Delete what nobody needs any more: says what, and asks.

    Old versions of tables, tables that no task makes any more, and answers that hold no more. What
    a revert could restore stays: so many states of each table.
    """
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.cleaning import agreed, is_something, show_cleaned, show_nothing
        from cpgbuild.cli.lean import api
        from cpgbuild.cli.planning_line import PlanningLine

        asked = overrides_of(var, env, warehouse)
        if dry_run or not yes:
            with PlanningLine(output, asked) as overrides:
                found = api.clean(
                    project, keep=keep, hours=hours, dry_run=True, overrides=overrides
                )
            if dry_run or not is_something(found):
                show_cleaned(found, output, done=False, asked=False)
                return exit_codes.OK
            if not agreed(found, output):
                show_nothing(output)
                return exit_codes.OK
        with PlanningLine(output, asked) as overrides:
            found = api.clean(project, keep=keep, hours=hours, overrides=overrides)
        show_cleaned(found, output, done=True, asked=not yes)
        return exit_codes.OK

    finish(output, run)


@commands.command(
    epilog="Examples:  cpgbuild doctor  |  cpgbuild doctor --project shop  |  "
    "cpgbuild doctor --json"
)
def doctor(
    project: ProjectOption = Path(),
    env: EnvOption = None,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Look at all that a build needs.

    That is packages, configuration, tasks, sources, warehouse, state. Exits with 2 where something
    is in the way of a build. Changes nothing.
    """
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.findings import looked_at, show_findings

        overrides = overrides_of(None, env, warehouse)
        return show_findings(looked_at(project, overrides), output)

    finish(output, run)


@commands.command(
    epilog="Examples:  cpgbuild watch  |  cpgbuild watch -t best_country  |  "
    "cpgbuild watch --keep-going --var region=us"
)
def watch(
    project: ProjectOption = Path(),
    target: TargetOption = None,
    exclude: ExcludeOption = None,
    var: VarOption = None,
    env: EnvOption = None,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
    keep_going: KeepGoingOption = False,
) -> None:
    """Build, and again whenever something changes.

    It watches what a build reads, until Ctrl-C: task files, other modules, the configuration, and
    files of sources.
    """
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.rebuilding import rebuild
        from cpgbuild.project.config import find_root

        overrides = overrides_of(var, env, warehouse)
        named = {"--target": target, "--exclude": exclude, "--var": var}
        options = [f"--project={project.absolute()}"]
        options += [f"{option}={text}" for option, texts in named.items() for text in texts or ()]
        options += [f"--env={env}"] if env is not None else []
        options += [f"--warehouse={warehouse}"] if warehouse is not None else []
        flags = {"--json": as_json, "--verbose": verbose, "--keep-going": keep_going}
        options += [flag for flag, is_on in flags.items() if is_on]
        return rebuild(find_root(project), overrides, options, output)

    finish(output, run)


@commands.command(epilog="Examples:  cpgbuild explain E204  |  cpgbuild explain")
def explain(
    code: Annotated[
        str | None,
        typer.Argument(metavar="CODE", help="Code of an error, as E204; all where none is given."),
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
