"""The command line: it parses, asks `api`, and shows the answer."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cpgbuild.cli import exit_codes

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from cpgbuild.cli.output import Output
    from cpgbuild.project.config import Overrides

app = typer.Typer(
    name="cpgbuild",
    help="make for data views: rebuilds exactly what a change affects, and says why.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

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


@app.command(
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
    output = _output(as_json=as_json, verbose=verbose)

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

        planned = api.plan(
            project,
            targets=target or (),
            exclude=exclude or (),
            force=force or (),
            overrides=_overrides(var, env, warehouse, from_nothing=no_cache),
        )
        work = show_plan(planned, output)
        return exit_codes.WORK_TO_DO if exit_code and work else exit_codes.OK

    _finish(output, compare if locked else run)


@app.command(epilog="Examples:  cpgbuild why daily_sales  |  cpgbuild why compute.calls --json")
def why(
    name: Annotated[str, typer.Argument(help="Dataset or task.")],
    project: ProjectOption = Path(),
    var: VarOption = None,
    env: EnvOption = None,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Say what changed since a dataset was built, or that nothing did."""
    output = _output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.explanations import show_explanations
        from cpgbuild.cli.lean import api

        found = api.why(name, project, overrides=_overrides(var, env, warehouse))
        show_explanations(found, output)
        return exit_codes.OK

    _finish(output, run)


@app.command(
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
    keep_going: Annotated[
        bool,
        typer.Option(
            "--keep-going", "-k", help="After a failure, build all that does not need it."
        ),
    ] = False,
) -> None:
    """Bring datasets up to date with the fewest runs."""
    output = _output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.answers import show_outcome
        from cpgbuild.cli.lean import api
        from cpgbuild.cli.progress import BuildProgress

        interrupt = Interrupt()
        with interrupt, BuildProgress(output) as progress:
            outcome = api.build(
                project,
                targets=target or (),
                exclude=exclude or (),
                force=force or (),
                overrides=_overrides(var, env, warehouse, from_nothing=no_cache),
                keep_going=keep_going,
                report=progress,
                interrupted=interrupt.asked,
            )
        show_outcome(outcome, output)
        if outcome.interrupted:
            # A query that does not end would hold the interpreter's exit; nothing of it commits.
            _leave_at_once()
        return exit_codes.TASK_FAILED if outcome.failed else exit_codes.OK

    _finish(output, run)


@app.command(
    epilog="Examples:  cpgbuild impact orders  |  cpgbuild impact orders.amount  |  "
    "cpgbuild impact --since origin/main  |  cpgbuild impact view.norm_spans --json"
)
def impact(
    name: Annotated[
        str | None, typer.Argument(help="Dataset, task, or column as `orders.amount`.")
    ] = None,
    project: ProjectOption = Path(),
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            help="Commit of git: what changed since its cpgbuild.lock, and all behind it.",
        ),
    ] = None,
    var: VarOption = None,
    env: EnvOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Show all that lies downstream of a dataset, column or change."""
    output = _output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.answers import show_impact
        from cpgbuild.cli.changes import show_since
        from cpgbuild.cli.lean import api
        from cpgbuild.errors.project import OptionsClash

        overrides = _overrides(var, env, None)
        if since is not None:
            changed = api.since(since, project, name=name, overrides=overrides)
            show_since(since, name, changed.impacts, changed.others, output)
        elif name is not None:
            show_impact(name, api.impact(name, project, overrides=overrides), output)
        else:
            hint = "name one, as `cpgbuild impact orders`, or a commit: `--since main`"
            raise OptionsClash("`impact` needs a dataset, a task, a column or a commit", hint)
        return exit_codes.OK

    _finish(output, run)


@app.command(epilog="Examples:  cpgbuild clean --dry-run  |  cpgbuild clean --keep 3 --hours 0")
def clean(
    project: ProjectOption = Path(),
    keep: Annotated[
        int, typer.Option("--keep", min=1, help="States of each table that can be restored.")
    ] = 10,
    hours: Annotated[
        int, typer.Option("--hours", min=0, help="Keep what was replaced in so many hours.")
    ] = 168,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would go, and delete nothing.")
    ] = False,
    var: VarOption = None,
    env: EnvOption = None,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Free what old versions of tables take up.

    What a revert could restore stays: so many states of each table.
    """
    output = _output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.answers import show_cleaned
        from cpgbuild.cli.lean import api

        overrides = _overrides(var, env, warehouse)
        found = api.clean(project, keep=keep, hours=hours, dry_run=dry_run, overrides=overrides)
        show_cleaned(found, output, dry_run=dry_run)
        return exit_codes.OK

    _finish(output, run)


@app.command(epilog="Examples:  cpgbuild graph | dot -Tsvg  |  cpgbuild graph --mermaid")
def graph(
    project: ProjectOption = Path(),
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help="In Mermaid's language instead of DOT.")
    ] = False,
    var: VarOption = None,
    env: EnvOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Print the graph of datasets as DOT or Mermaid.

    An edge that others imply is left out.
    """
    output = _output(as_json=False, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.lean import api

        form = "mermaid" if mermaid else "dot"
        output.raw(api.graph(project, form=form, overrides=_overrides(var, env, None)))
        return exit_codes.OK

    _finish(output, run)


@app.command(epilog="Examples:  cpgbuild init  |  cpgbuild init my_project")
def init(
    folder: Annotated[Path, typer.Argument(help="Where; it is made if need be.")] = Path(),
    verbose: VerboseOption = False,
) -> None:
    """Start a project, with an example that builds at once."""
    output = _output(as_json=False, verbose=verbose)

    def run() -> int:
        from cpgbuild.project.starter import start_project

        for path in start_project(folder):
            output.line(("created  ", "green"), (str(path), ""))
        where = "" if folder == Path() else f"cd {folder} && "
        output.line((f"\nNow: {where}cpgbuild build", ""))
        return exit_codes.OK

    _finish(output, run)


def _output(*, as_json: bool, verbose: bool) -> Output:
    from cpgbuild.cli.output import Output

    return Output(as_json=as_json, verbose=verbose)


def _overrides(
    var: list[str] | None, env: str | None, warehouse: str | None, *, from_nothing: bool = False
) -> Overrides:
    from cpgbuild.errors.project import BadOption
    from cpgbuild.project.config import Overrides

    variables = {}
    for text in var or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise BadOption("--var", text, "a name, `=` and a value, as `--var region=us`")
        variables[name] = value
    return Overrides(variables, env, warehouse, from_nothing)


def _finish(output: Output, run: Callable[[], int]) -> None:
    """Run a command to its exit code, whatever it raises."""
    try:
        code = run()
    except KeyboardInterrupt:
        output.interrupted()
        code = exit_codes.INTERRUPTED
    except Exception as error:  # noqa: BLE001 -- a bug gets its own exit code and no traceback
        code = output.fail(error)
    raise typer.Exit(code)


def _leave_at_once() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_codes.INTERRUPTED)


class Interrupt:
    """Ctrl-C: the first one asks the build to end, the second one ends it.

    Before the build asks for the first time nothing runs yet, so that the first one ends it too.
    """

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self._heard = False
        self._asked = False

    def asked(self) -> bool:
        """Return whether somebody wants the build to end."""
        self._heard = True
        return self._asked

    def _take(self, _signal: int, _frame: FrameType | None) -> None:
        if not self._heard:
            raise KeyboardInterrupt
        if self._asked:
            _leave_at_once()
        self._asked = True

    def __enter__(self) -> None:
        """Listen."""
        self._before = signal.signal(signal.SIGINT, self._take)

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        signal.signal(signal.SIGINT, self._before)


def main() -> None:
    """Run the command line."""
    try:
        app()
    finally:
        # All is closed and written. Python would look for garbage once more, for a tenth of the
        # time of a plan, in what goes with the process.
        gc.freeze()
