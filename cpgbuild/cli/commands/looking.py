"""Commands that look at datasets: which there are, what is in them, what was in them."""

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
    WarehouseOption,
    complete_name,
    complete_selector,
)
from cpgbuild.cli.running import finish, new_output, overrides_of

commands = typer.Typer()

FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORM",
        help="table, text (one column's values as they are), csv, json (a line for each row) "
        "or parquet; or by --out.",
    ),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="File to write rows to.")
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit", "-n", metavar="N", min=0, help="So many rows; 0 for all. Of a table as text: 20."
    ),
]


@commands.command(
    epilog="Examples:  cpgbuild ls  |  cpgbuild ls 'v_*' orders  |  cpgbuild ls tag:nightly --json"
)
def ls(
    target: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Dataset, task, pattern or tag:TAG; all if none.",
            autocompletion=complete_selector,
        ),
    ] = None,
    project: ProjectOption = Path(),
    var: VarOption = None,
    env: EnvOption = None,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """List datasets with kind, state, rows, size and age."""
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.inventory import show_listed
        from cpgbuild.cli.lean import api
        from cpgbuild.cli.planning_line import PlanningLine

        with PlanningLine(output, overrides_of(var, env, warehouse)) as overrides:
            found = api.listed(project, targets=target or (), overrides=overrides)
        show_listed(found, output)
        return exit_codes.OK

    finish(output, run)


@commands.command(
    epilog="Examples:  cpgbuild show sales  |  cpgbuild show v_orders --where 'amount > 10' "
    "--columns country,amount  |  cpgbuild show sales -f csv -o sales.csv"
)
def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Dataset: a source, a view or a table.",
            autocompletion=complete_name,
        ),
    ],
    project: ProjectOption = Path(),
    limit: LimitOption = None,
    where: Annotated[
        str, typer.Option("--where", "-w", metavar="CONDITION", help="Condition in SQL.")
    ] = "",
    columns: Annotated[
        str,
        typer.Option("--columns", "-c", metavar="NAMES", help="Columns, with commas between them."),
    ] = "",
    form: FormatOption = None,
    out: OutOption = None,
    var: VarOption = None,
    env: EnvOption = None,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Show rows of a dataset as they are now. Builds nothing."""
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.lean import api
        from cpgbuild.cli.planning_line import PlanningLine
        from cpgbuild.cli.rows import ask_for, show_rows, warn_of

        asked = ask_for(form, out, limit, output)
        chosen = [column.strip() for column in columns.split(",") if column.strip()]
        with PlanningLine(output, overrides_of(var, env, warehouse)) as overrides:
            opened = api.open_project(project, overrides)
        with opened as datasets:
            rows = datasets.rows(name, chosen, where, asked.fetched)
            warn_of(datasets.behind(name), name, output)
            show_rows(rows, asked, output)
        return exit_codes.OK

    finish(output, run)


@commands.command(
    epilog='Examples:  cpgbuild query "SELECT count(*) FROM orders"  |  '
    'cpgbuild query "SELECT * FROM sales JOIN customers USING (id)" -f csv  |  '
    "cpgbuild query - < report.sql"
)
def query(
    sql: Annotated[
        str,
        typer.Argument(metavar="SQL", help="Query over datasets, or `-` to read it from stdin."),
    ],
    project: ProjectOption = Path(),
    limit: LimitOption = None,
    form: FormatOption = None,
    out: OutOption = None,
    var: VarOption = None,
    env: EnvOption = None,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Run a query in SQL over all datasets. Builds nothing."""
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.lean import api
        from cpgbuild.cli.planning_line import PlanningLine
        from cpgbuild.cli.rows import ask_for, show_rows

        asked = ask_for(form, out, limit, output)
        text = typer.get_text_stream("stdin").read() if sql == "-" else sql
        with PlanningLine(output, overrides_of(var, env, warehouse)) as overrides:
            opened = api.open_project(project, overrides)
        with opened as datasets:
            show_rows(datasets.sql(text), asked, output)
        return exit_codes.OK

    finish(output, run)


@commands.command(
    epilog="Examples:  cpgbuild history  |  cpgbuild history sales  |  cpgbuild history -n 3 --json"
)
def history(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Dataset that is a table; all builds if none.",
            autocompletion=complete_name,
        ),
    ] = None,
    project: ProjectOption = Path(),
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=1, help="So many builds, or states.")
    ] = 20,
    var: VarOption = None,
    env: EnvOption = None,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Show what builds did, or the states that a table has had."""
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.lean import api
        from cpgbuild.cli.past import show_builds, show_states
        from cpgbuild.cli.planning_line import PlanningLine

        asked = overrides_of(var, env, warehouse)
        if name is None:
            with PlanningLine(output, asked) as overrides:
                builds = api.history(project, overrides=overrides)
            show_builds(builds[:limit], output)
        else:
            with PlanningLine(output, asked) as overrides:
                states = api.states(name, project, overrides=overrides)
            show_states(name, states[:limit], output)
        return exit_codes.OK

    finish(output, run)


@commands.command(
    epilog="Examples:  cpgbuild diff sales  |  cpgbuild diff sales --from 3 --to 7  |  "
    "cpgbuild diff sales --key customer_id"
)
def diff(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="Dataset that is a table.", autocompletion=complete_name
        ),
    ],
    project: ProjectOption = Path(),
    before: Annotated[
        int | None,
        typer.Option(
            "--from",
            metavar="VERSION",
            min=0,
            help="Version, as `history` has it; else the one before.",
        ),
    ] = None,
    after: Annotated[
        int | None,
        typer.Option("--to", metavar="VERSION", min=0, help="Version; else that of now."),
    ] = None,
    key: Annotated[
        str,
        typer.Option(
            "--key", metavar="NAMES", help="Columns that name a row, with commas between them."
        ),
    ] = "",
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=0, help="So many rows of each kind.")
    ] = 10,
    var: VarOption = None,
    env: EnvOption = None,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Show in which columns and rows two versions of a table differ."""
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli.lean import api
        from cpgbuild.cli.past import show_diff
        from cpgbuild.cli.planning_line import PlanningLine

        with PlanningLine(output, overrides_of(var, env, warehouse)) as overrides:
            found = api.diff(
                name,
                project,
                before=before,
                after=after,
                key=[column.strip() for column in key.split(",") if column.strip()],
                limit=limit,
                overrides=overrides,
            )
        show_diff(found, output)
        return exit_codes.OK

    finish(output, run)
