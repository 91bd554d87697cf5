"""An error as data: the fact, the place in the user's file, the facts that matter, one hint."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHOWN_NAMES = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a user's file: `line` and `column` count from 1; 0 means unknown.

    `length` is the number of characters to underline; 0 underlines nothing. `text` is the whole
    text of what is in no file.
    """

    path: str
    line: int = 0
    column: int = 0
    length: int = 0
    text: str = ""

    def __str__(self) -> str:
        """Return `path:line:column`, as editors and terminals link it."""
        parts = [self.path, *(str(n) for n in (self.line, self.column) if n)]
        return ":".join(parts)


@dataclass(frozen=True, slots=True)
class Report:
    """One error, ready to be rendered as text or JSON."""

    code: str
    message: str
    place: Place | None = None
    facts: tuple[tuple[str, str], ...] = ()
    hint: str = ""


class CpgbuildError(Exception):
    """Base of every error that cpgbuild raises on purpose."""

    code: ClassVar[str] = "E900"
    exit_code: ClassVar[int] = 2

    def __init__(
        self,
        message: str,
        *,
        place: Place | None = None,
        facts: Iterable[tuple[str, str]] = (),
        hint: str = "",
    ) -> None:
        """Keep the whole fact, where it is, what is known of it, and what to do next."""
        super().__init__(message)
        self.message = message
        self.place = place
        self.facts = tuple(facts)
        self.hint = hint

    def report(self) -> Report:
        """Return the error as data for a renderer."""
        return Report(self.code, self.message, self.place, self.facts, self.hint)


class Problems(CpgbuildError):
    """All errors of one stage, so that a user sees every one of them and not only the first."""

    def __init__(self, errors: Sequence[CpgbuildError]) -> None:
        """Keep the errors in the order in which they were found; there is at least one."""
        super().__init__(f"{len(errors)} errors")
        self.errors = tuple(errors)

    @staticmethod
    def raise_if(errors: Sequence[CpgbuildError]) -> None:
        """Raise the one error as itself, several as `Problems`, none not at all."""
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise Problems(errors)


class InternalError(CpgbuildError):
    """A bug in cpgbuild, never the user's fault."""

    code = "E900"
    exit_code = 70


def quoted(names: Iterable[str]) -> str:
    """Return at most `SHOWN_NAMES` names in back quotes and the number of those left out."""
    known = list(names)
    shown = [f"`{name}`" for name in known[:SHOWN_NAMES]]
    if len(known) > SHOWN_NAMES:
        shown.append(f"{len(known) - SHOWN_NAMES} more")
    return ", ".join(shown)


def near_match(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was probably meant to be, or None."""
    candidates = sorted(set(known))
    close = difflib.get_close_matches(name.lower(), candidates, n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the hint for an unknown name."""
    match = near_match(name, known)
    return f"did you mean `{match}`?" if match else otherwise


def nearest_first(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names, the most alike first, so that a cut list keeps the useful ones."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=SHOWN_NAMES, cutoff=0.5)
    return close + [n for n in names if n not in close]
