"""Commands that plan and build."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cpgbuild.cli import exit_codes
from cpgbuild.cli.options import (
    DatasetArgument,
    EnvOption,
    ExcludeOption,
    ForceOption,
    JsonOption,
    KeepGoingOption,
    NoCacheOption,
    ProjectOption,
    TargetOption,
    VarOption,
    VerboseOption,
    WarehouseOption,
)
from cpgbuild.cli.running import Interrupt, finish, leave_at_once, new_output, overrides_of

commands = typer.Typer()


@commands.command(
    epilog="Examples:  cpgbuild plan  |  cpgbuild plan -t cpg_edges_delta  |  "
    "cpgbuild plan -t 'orders+'  |  "
    "cpgbuild plan --exit-code --json  |  cpgbuild plan --locked"
)
def plan(
    project: ProjectOption = Path(),
    target: TargetOption = None,
    exclude: ExcludeOption = None,
    force: ForceOption = None,
    var: VarOption = None,
    env: EnvOption = None,
    warehouse: WarehouseOption = None,
    no_cache: NoCacheOption = False,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 3 where there is work to do.")
    ] = False,
    locked: Annotated[
        bool,
        typer.Option(
            "--locked", help="Look at no data: exit with 3 where cpgbuild.lock is out of date."
        ),
    ] = False,
) -> None:
    """Show what a build would run, and why. Runs nothing."""
    output = new_output(as_json=as_json, verbose=verbose)

    def compare() -> int:
        from cpgbuild.cli.changes import show_locked
        from cpgbuild.cli.lean import api
        from cpgbuild.errors.project import OptionsClash

        if any((target, exclude, force, var, env, warehouse, no_cache)):
            fault = "`--locked` goes with no other option but `--project`, `--json` and `--verbose`"
            raise OptionsClash(fault, "a lock is of the whole project, as `cpgbuild.toml` has it")
        return exit_codes.WORK_TO_DO if show_locked(api.locked(project), output) else exit_codes.OK

    def run() -> int:
        from cpgbuild.cli.answers import show_plan
        from cpgbuild.cli.lean import api
        from cpgbuild.cli.planning_line import PlanningLine

        asked = overrides_of(var, env, warehouse, from_nothing=no_cache)
        with PlanningLine(output, asked) as overrides:
            planned = api.plan(
                project,
                targets=target or (),
                exclude=exclude or (),
                force=force or (),
                overrides=overrides,
            )
        work = show_plan(planned, output)
        return exit_codes.WORK_TO_DO if exit_code and work else exit_codes.OK

    finish(output, compare if locked else run)


@commands.command(
    epilog="Examples:  cpgbuild why daily_sales  |  cpgbuild why compute.calls --json"
)
def why(
    name: DatasetArgument,
    project: ProjectOption = Path(),
    var: VarOption = None,
    env: EnvOption = None,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Say what changed since a dataset was built, or that nothing did."""
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.explanations import show_explanations
        from cpgbuild.cli.lean import api
        from cpgbuild.cli.planning_line import PlanningLine

        with PlanningLine(output, overrides_of(var, env, warehouse)) as overrides:
            found = api.why(name, project, overrides=overrides)
        show_explanations(name, found, output)
        return exit_codes.OK

    finish(output, run)


@commands.command(
    epilog="Examples:  cpgbuild build  |  cpgbuild build --target cpg_edges_delta  |  "
    "cpgbuild build -t tag:nightly  |  "
    "cpgbuild build --var region=us --warehouse /tmp/us  |  cpgbuild build --keep-going"
)
def build(
    project: ProjectOption = Path(),
    target: TargetOption = None,
    exclude: ExcludeOption = None,
    force: ForceOption = None,
    var: VarOption = None,
    env: EnvOption = None,
    warehouse: WarehouseOption = None,
    no_cache: NoCacheOption = False,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
    keep_going: KeepGoingOption = False,
) -> None:
    """Bring datasets up to date with the fewest runs."""
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.answers import show_outcome
        from cpgbuild.cli.lean import api
        from cpgbuild.cli.observing import observer
        from cpgbuild.cli.progress import BuildProgress

        interrupt = Interrupt()
        overrides = overrides_of(var, env, warehouse, from_nothing=no_cache)
        with interrupt, BuildProgress(output) as progress:
            outcome = api.build(
                project,
                targets=target or (),
                exclude=exclude or (),
                force=force or (),
                overrides=replace(overrides, planning=progress.planning),
                keep_going=keep_going,
                report=progress,
                observers=[observer(output)],
                interrupted=interrupt.asked,
            )
        show_outcome(outcome, output)
        if outcome.interrupted:
            # A query that does not end would hold the interpreter's exit; nothing of it commits.
            leave_at_once()
        return exit_codes.TASK_FAILED if outcome.failed else exit_codes.OK

    finish(output, run)
