"""Completion: names of datasets, columns, tasks and tags on a shell's command line.

A shell asks on each press of a key, so it is answered before anything else is loaded, from the
names that were kept when the project was last planned. The shells' side of it is typer's
(`cpgbuild --install-completion`), and so is whatever else can be completed: commands, options.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from cpgbuild.state.names import Names, load_names

if TYPE_CHECKING:
    from collections.abc import Mapping

ASKED = "_CPGBUILD_COMPLETE"
STATE = ".cpgbuild"
TAG = "tag:"
# Options that take selectors, other options that take a value, and flags. Of a command line with
# any other option it is not known here which word is what, and typer is asked.
SELECTORS = frozenset({"--target", "-t", "--exclude", "--force"})
VALUES = frozenset(
    (
        *("--project", "-C", "--var", "--env", "--warehouse", "--since", "--from", "--to", "--key"),
        *("--limit", "-n", "--where", "-w", "--columns", "-c", "--format", "-f", "--out", "-o"),
    )
)
FLAGS = frozenset(
    (
        *("--json", "--verbose", "-v", "--no-cache", "--keep-going", "-k", "--exit-code"),
        *("--locked", "--up", "--down"),
    )
)
# What a name may be of: a dataset or a task; a column too; or as many as one likes, and tags.
NAME, COLUMN, SELECTOR = "name", "column", "selector"
# The commands whose arguments are names.
NAMED = {
    "diff": NAME,
    "history": NAME,
    "impact": COLUMN,
    "lineage": COLUMN,
    "ls": SELECTOR,
    "show": NAME,
    "why": NAME,
}


class Line(NamedTuple):
    """A command line up to the word that is being typed; `glued` is what is typed of it before."""

    words: list[str]
    word: str
    glued: str


def completed(environment: Mapping[str, str]) -> bool:
    """Complete a word, if it is a name of the project; return whether it is."""
    shell = environment.get(ASKED, "").removeprefix("complete_")
    line = _from_bash(environment) if shell == "bash" else _from_others(environment)
    if shell not in {"bash", "zsh", "fish"} or line is None:
        return False
    wanted = _wanted(line.words)
    if wanted is None or line.word.startswith("-"):
        return False
    found = candidates(_names(line.words), line.word, wanted)
    glued = line.glued
    if shell == "bash" and ":" in line.word:
        # There a word ends with a colon, and what comes behind it is completed by itself.
        head = line.word.rpartition(":")[0] + ":"
        found = [name.removeprefix(head) for name in found]
    found = [glued + name for name in found]
    if environment.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args":
        sys.exit(not found)
    if shell == "zsh":
        found = [f"compadd -- {' '.join(found)}"] if found else []
    sys.stdout.write("".join(f"{name}\n" for name in found))
    return True


def candidates(names: Names, word: str, kind: str) -> list[str]:
    """Return what a word may become: a name, a column, or a selector.

    Tasks are only offered where the word begins the name of no dataset.
    """
    plus = "+" if word.startswith("+") and kind == SELECTOR else ""
    begun = word.removeprefix(plus)
    found = sorted(name for name in names.datasets if name.startswith(begun))
    if kind == COLUMN:
        dataset = begun if begun in names.datasets else begun.rpartition(".")[0]
        every = (f"{dataset}.{column}" for column in names.columns(dataset))
        found += sorted(name for name in every if name.startswith(begun))
    elif kind == SELECTOR:
        found += sorted(TAG + tag for tag in names.tags if (TAG + tag).startswith(begun))
    found = found or sorted(name for name in names.tasks if name.startswith(begun))
    return [plus + name for name in found]


def kept_names(folder: str) -> Names:
    """Return the names of the project that a folder is in; none where it is in none."""
    from cpgbuild.cli.quick import root_above  # noqa: PLC0415 -- not needed to see what is asked

    root = root_above(os.path.expanduser(folder))
    return load_names(os.path.join(root, STATE)) if root else Names({}, [], [])


def _names(words: list[str]) -> Names:
    folder = "."
    for place, option in enumerate(words[:-1]):
        if option in {"--project", "-C"}:
            folder = words[place + 1]
    return kept_names(folder)


def _wanted(words: list[str]) -> str | None:
    """Return what a name behind these words may be of; None where it is not for us to say."""
    if len(words) < 2:  # noqa: PLR2004 -- the program, and the command
        return None
    command, *rest = words[1:]
    arguments = 0
    expected = ""
    for word in rest:
        if expected:
            expected = ""
        elif word in SELECTORS | VALUES:
            expected = word
        elif not word.startswith("-"):
            arguments += 1
        elif word not in FLAGS:
            return None
    if expected:
        return SELECTOR if expected in SELECTORS else None
    kind = NAMED.get(command)
    return None if arguments and kind != SELECTOR else kind


def _from_bash(environment: Mapping[str, str]) -> Line | None:
    """Return the line as bash tells it: in words, of which `:` and `=` are some too."""
    text = environment.get("COMP_WORDS", "")
    if any(quote in text for quote in "'\"\\"):
        return None
    words = text.split("\n") if "\n" in text else text.split(" ")
    try:
        end = int(environment["COMP_CWORD"])
    except (KeyError, ValueError):
        return None
    words = [*words[:end], words[end] if end < len(words) else ""]
    joined: list[str] = []
    for word in words:
        if joined and (word == ":" or joined[-1].endswith(":")):
            joined[-1] += word
        elif word != "=":
            joined.append(word)
    if words[-1] == "=":
        joined.append("")
    return Line(joined[:-1], joined[-1], "")


def _from_others(environment: Mapping[str, str]) -> Line | None:
    """Return the line as zsh and fish tell it: as it was typed."""
    text = environment.get("_TYPER_COMPLETE_ARGS", "")
    if any(quote in text for quote in "'\"\\"):
        return None
    words = text.split()
    word = "" if text[-1:].isspace() else words.pop() if words else ""
    option, equals, value = word.partition("=")
    if equals and option in SELECTORS:
        return Line([*words, option], value, f"{option}=")
    return Line(words, word, "")
