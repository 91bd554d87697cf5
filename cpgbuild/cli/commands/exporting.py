"""Commands that turn a project into other tools' forms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cpgbuild.cli import exit_codes
from cpgbuild.cli.options import JsonOption, ProjectOption, VerboseOption
from cpgbuild.cli.running import finish, new_output, overrides_of

commands = typer.Typer(
    help="Write a project in the form of another tool.", no_args_is_help=True, rich_markup_mode=None
)


@commands.callback()
def _forms() -> None:
    """Write a project in the form of another tool."""


@commands.command(
    epilog="Examples:  cpgbuild export hamilton  |  "
    "cpgbuild export hamilton --out flows/generated_pipeline.py"
)
def hamilton(
    project: ProjectOption = Path(),
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The Python module to write.")
    ] = Path("generated_pipeline.py"),
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write a module of functions for Hamilton.

    Each brings a task up to date. Where the graph is what it was, so is the module.
    """
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli import records
        from cpgbuild.cli.planning_line import PlanningLine
        from cpgbuild.cli.wording import count_text
        from cpgbuild.core.builder import Outcome
        from cpgbuild.export.hamilton_module import export

        with PlanningLine(output, overrides_of(None, None, None)) as overrides:
            done = export(project, out, overrides)
        word, style = ("written ", "green") if done.changed else ("current ", "dim")
        facts = f"  {count_text(done.functions, 'function')}"
        output.line((f"{word} ", style), (str(done.path), ""), (facts, "dim"))
        record = records.exported("hamilton", str(out), done.functions, changed=done.changed)
        output.record(record)
        output.summary(Outcome())
        return exit_codes.OK

    finish(output, run)
