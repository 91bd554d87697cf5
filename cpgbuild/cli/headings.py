"""Headings: under which `cpgbuild --help` lists the commands."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

HEADINGS = {
    "Build": ("build", "plan", "why", "watch"),
    "Look": ("ls", "show", "query", "history", "diff"),
    "Graph": ("impact", "lineage", "graph", "docs"),
    "Project": ("init", "check", "doctor", "clean", "explain"),
    "Other tools": ("import", "export"),
}


class HeadedGroup(TyperGroup):
    """The commands, in the order of the headings, with an example a line.

    Click would list them under one heading, and wrap examples as prose.
    """

    def __init__(self, **attributes: Any) -> None:
        """Take what typer makes of the commands."""
        super().__init__(**attributes)
        _put_examples_in_lines(self)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 -- click passes it
        """Return the names of all commands."""
        return [name for names in HEADINGS.values() for name in names]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands with the first sentence of their help."""
        width = max(map(len, self.commands))
        for heading, names in HEADINGS.items():
            found = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(heading):
                formatter.write_dl(
                    [
                        (name.ljust(width), command.get_short_help_str(limit=formatter.width))
                        for name, command in found
                        if command is not None
                    ]
                )


def _put_examples_in_lines(group: TyperGroup) -> None:
    """Let the examples of all commands, written as `Examples:  a  |  b`, be shown a line each."""
    for command in group.commands.values():
        if command.epilog:
            lines = command.epilog.replace("Examples:  ", "Examples:\n  ").replace("  |  ", "\n  ")
            command.epilog = f"\b\n{lines}"
        if isinstance(command, TyperGroup):
            _put_examples_in_lines(command)
