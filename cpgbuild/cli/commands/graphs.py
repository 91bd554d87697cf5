"""Commands about what hangs on what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cpgbuild.cli import exit_codes
from cpgbuild.cli.options import (
    ColumnArgument,
    EnvOption,
    JsonOption,
    ProjectOption,
    VarOption,
    VerboseOption,
    complete_column,
)
from cpgbuild.cli.running import finish, new_output, overrides_of

commands = typer.Typer()
FORMS = ("dot", "mermaid", "svg", "json")


@commands.command(
    epilog="Examples:  cpgbuild impact orders  |  cpgbuild impact orders.amount  |  "
    "cpgbuild impact --since origin/main  |  cpgbuild impact view.norm_spans --json"
)
def impact(
    name: ColumnArgument = None,
    project: ProjectOption = Path(),
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="COMMIT",
            help="Commit of git: what changed since its cpgbuild.lock, and all behind it.",
        ),
    ] = None,
    var: VarOption = None,
    env: EnvOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Show all that lies downstream of a dataset, column or change."""
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.answers import show_impact
        from cpgbuild.cli.changes import show_since
        from cpgbuild.cli.lean import api
        from cpgbuild.cli.planning_line import PlanningLine
        from cpgbuild.errors.project import OptionsClash

        asked = overrides_of(var, env, None)
        if since is not None:
            with PlanningLine(output, asked) as overrides:
                changed = api.since(since, project, name=name, overrides=overrides)
            show_since(since, name, changed.impacts, changed.others, output)
        elif name is not None:
            with PlanningLine(output, asked) as overrides:
                found = api.impact(name, project, overrides=overrides)
            show_impact(name, found, output)
        else:
            hint = "name one, as `cpgbuild impact orders`, or a commit: `--since main`"
            raise OptionsClash("`impact` needs a dataset, a task, a column or a commit", hint)
        return exit_codes.OK

    finish(output, run)


@commands.command(
    epilog="Examples:  cpgbuild lineage sales.amount  |  cpgbuild lineage sales  |  "
    "cpgbuild lineage orders.amount --down  |  cpgbuild lineage sales.amount --up --json"
)
def lineage(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Column, as `sales.amount`, or dataset.",
            autocompletion=complete_column,
        ),
    ],
    project: ProjectOption = Path(),
    up: Annotated[bool, typer.Option("--up", help="Only where it comes from.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Only where it goes.")] = False,
    var: VarOption = None,
    env: EnvOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Show where columns come from and where they go.

    Through all views, with the expression at each step; under -v also what decides a column without
    being in it.
    """
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.lean import api
        from cpgbuild.cli.lineage import show_lineage
        from cpgbuild.cli.planning_line import PlanningLine

        with PlanningLine(output, overrides_of(var, env, None)) as overrides:
            found = api.lineage(name, project, overrides=overrides)
        show_lineage(found, output, up=up or not down, down=down or not up)
        return exit_codes.OK

    finish(output, run)


@commands.command(
    epilog="Examples:  cpgbuild graph | dot -Tsvg  |  cpgbuild graph -f svg > graph.svg  |  "
    "cpgbuild graph -f mermaid"
)
def graph(
    project: ProjectOption = Path(),
    form: Annotated[
        str, typer.Option("--format", "-f", metavar="FORM", help="dot, mermaid, svg or json.")
    ] = "dot",
    var: VarOption = None,
    env: EnvOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Print the graph of datasets as DOT, Mermaid, SVG or JSON.

    In pictures an edge that others imply is left out; JSON has all, with the columns required.
    """
    output = new_output(as_json=False, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.lean import api
        from cpgbuild.cli.planning_line import PlanningLine
        from cpgbuild.errors.project import BadOption

        if form not in FORMS:
            raise BadOption("--format", form, f"one of {', '.join(FORMS)}")
        with PlanningLine(output, overrides_of(var, env, None)) as overrides:
            text = api.graph(project, form=form, overrides=overrides)
        output.raw(text)
        return exit_codes.OK

    finish(output, run)
