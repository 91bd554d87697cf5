"""Quick: `plan` and `build` where nothing changed, answered before anything heavy is loaded."""

from __future__ import annotations

import os
import sys
import time
from typing import NamedTuple

from cpgbuild.state.answers import kept_answer

# What changes neither which tasks a command is about nor what it says where nothing is to be done.
_FLAGS = {"plan": {"--exit-code"}, "build": {"--keep-going", "-k"}}
_OPTIONS = {
    "--target": "targets",
    "-t": "targets",
    "--exclude": "exclude",
    "--project": "project",
    "-C": "project",
}


class Request(NamedTuple):
    """What a command line asks for."""

    command: str
    targets: list[str]
    exclude: list[str]
    project: list[str]


def answered(arguments: list[str]) -> bool:
    """Answer a command if the answer is kept and still holds; return whether that was so."""
    began = time.monotonic()
    request = asked(arguments)
    root = root_above(request.project[-1] if request.project else ".") if request else None
    if request is None or root is None:
        return False
    answer = kept_answer(os.path.join(root, ".cpgbuild"), request.targets, request.exclude)
    if answer is None:
        return False
    from cpgbuild.cli.wording import seconds_text, unchanged_text  # noqa: PLC0415

    text = unchanged_text(answer.tasks, "")
    if request.command == "build":
        seconds = seconds_text(time.monotonic() - began)
        text = unchanged_text(answer.tasks, seconds, answer.saved)
    try:
        _say(text)
    except OSError:
        # Whoever does it the long way says what is wrong.
        return False
    return True


def asked(arguments: list[str]) -> Request | None:
    """Return what is asked for; None where it is anything but the plainest."""
    if not arguments or arguments[0] not in _FLAGS:
        return None
    request = Request(arguments[0], [], [], [])
    rest = iter(arguments[1:])
    for word in rest:
        option, equals, value = word.partition("=")
        if word in _FLAGS[request.command]:
            continue
        if option not in _OPTIONS or (equals and not option.startswith("--")):
            return None
        value = value if equals else next(rest, "")
        if not value or value.startswith("-"):
            return None
        getattr(request, _OPTIONS[option]).append(value)
    return request


def root_above(start: str) -> str | None:
    """Return the project's folder as `config.find_root` does; None of a path that leads back."""
    if os.path.pardir in start.split(os.path.sep):
        return None
    folder = os.path.abspath(start)
    while not os.path.isfile(os.path.join(folder, "cpgbuild.toml")):
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return None
    return folder


def _say(text: str) -> None:
    environment = os.environ  # noqa: TID251 -- nothing of the project's
    plain = environment.get("TERM", "dumb") in {"dumb", "unknown"} or environment.get("NO_COLOR")
    bold = sys.stdout.isatty() and not plain
    try:
        sys.stdout.write(f"\033[1m{text}\033[0m\n" if bold else f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
