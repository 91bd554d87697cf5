"""Running: how every command begins and ends."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import typer

from cpgbuild.cli import exit_codes

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from cpgbuild.cli.output import Output
    from cpgbuild.project.config import Overrides


def new_output(*, as_json: bool, verbose: bool) -> Output:
    """Return where a command's answer goes."""
    from cpgbuild.cli.output import Output

    return Output(as_json=as_json, verbose=verbose)


def overrides_of(
    var: list[str] | None, env: str | None, warehouse: str | None, *, from_nothing: bool = False
) -> Overrides:
    """Return what a command line says otherwise than `cpgbuild.toml`.

    Raises:
        BadOption: a variable has no name or no value.
    """
    from cpgbuild.errors.project import BadOption
    from cpgbuild.project.config import Overrides

    variables = {}
    for text in var or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise BadOption("--var", text, "a name, `=` and a value, as `--var region=us`")
        variables[name] = value
    return Overrides(variables, env, warehouse, from_nothing)


def finish(output: Output, run: Callable[[], int]) -> None:
    """Run a command to its exit code, whatever it raises."""
    try:
        code = run()
    except KeyboardInterrupt:
        output.interrupted()
        code = exit_codes.INTERRUPTED
    except Exception as error:  # noqa: BLE001 -- a bug gets its own exit code and no traceback
        code = output.fail(error)
    raise typer.Exit(code)


def leave_at_once() -> None:
    """End the process now: nothing that still runs can commit."""
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
            leave_at_once()
        self._asked = True

    def __enter__(self) -> None:
        """Listen."""
        self._before = signal.signal(signal.SIGINT, self._take)

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        signal.signal(signal.SIGINT, self._before)
