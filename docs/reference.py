"""Writes `docs/reference.md` from the code: run `python docs/reference.py`; a test compares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cpgbuild.cli.app import app
from cpgbuild.cli.meanings import explained
from cpgbuild.errors.codes import STAGES, errors_by_code, meaning

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click

PAGE = Path(__file__).with_suffix(".md")


def commands() -> list[str]:
    """Return a section for each command, with its options."""
    lines = []
    for name, command in sorted(_found(typer.main.get_command(app))):
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        usage = " ".join(["cpgbuild", name, *(f"[{a.metavar or a.name}]" for a in arguments)])
        lines += [f"### `{usage}`", "", command.help or "", ""]
        lines += ["| option | meaning |", "|---|---|"]
        for option in command.params:
            names = ", ".join(f"`{n}`" for n in _names(option))
            lines.append(f"| {names} | {getattr(option, 'help', '') or ''} |")
        lines += ["", _examples(command.epilog or ""), ""]
    return lines


def _found(group: click.Group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    """Give each command by its name, with that of the group that it is in."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _found(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


def _names(option: click.Parameter) -> list[str]:
    """Return the names of an option, or what stands for an argument."""
    if option.param_type_name == "argument":
        return [f"{option.metavar or option.name}"]
    value = f" {option.metavar}" if option.metavar else ""
    return [*option.opts[:-1], f"{option.opts[-1]}{value}"]


def _examples(epilog: str) -> str:
    head, *examples = epilog.strip("\b\n").split("\n  ")
    return f"{head} {', '.join(f'`{example}`' for example in examples)}"


def errors() -> list[str]:
    """Return a table of error codes for each stage, and what each of them means."""
    lines = []
    known = errors_by_code()
    for stage, title in STAGES.items():
        found = [error for code, error in known.items() if code.startswith(stage)]
        lines += [f"### {stage}: {title}", "", "| code | exit | meaning |", "|---|---|---|"]
        lines += [f"| {one.code} | {one.exit_code} | {meaning(one)} |" for one in found]
        lines.append("")
        for one in found:
            lines += [f"#### {one.code}", "", explained(one.code)]
    return lines


def page() -> str:
    """Return the whole page."""
    head = [
        "# Reference",
        "",
        "Written by `docs/reference.py` from the code.",
        "",
        "## Commands",
        "",
    ]
    return "\n".join([*head, *commands(), "## Error codes", "", *errors()]).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
