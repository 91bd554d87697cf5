"""Contents: what files hold, known by their stamps where these are old enough to be trusted."""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING

from cpgbuild.core.filestamp import is_young, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cpgbuild.core.filestamp import Status

# What stands for a stamp that may be that of two contents.
UNSURE = ""


class Contents:
    """The digests of files, each looked at once; what was read is what its digest is of."""

    def __init__(self, known: Mapping[str, tuple[str, str]] | None = None) -> None:
        """Take what is known of files: for each path its stamp, and the digest of its content."""
        self._known = known or {}
        self._seen: dict[str, tuple[str, str]] = {}

    def digest(self, path: str) -> str:
        """Return the sha256 of a file's content, in hex; nothing where there is no such file."""
        return self.stamped(path)[1]

    def stamped(self, path: str) -> tuple[str, str]:
        """Return a file's stamp, and the digest of its content."""
        if path not in self._seen:
            try:
                known = self._known.get(path)
                if known is not None and known[0] == _text(os.stat(path)):
                    self._seen[path] = known
                else:
                    self.read(path)
            except OSError:
                self._seen[path] = (UNSURE, "")
        return self._seen[path]

    def is_known(self, path: str) -> bool:
        """Return whether a file holds what it held."""
        known = self._known.get(path)
        return known is not None and known[1] == self.digest(path) != ""

    def read(self, path: str) -> bytes:
        """Return what a file holds.

        Raises:
            OSError: it cannot be read.
        """
        before = os.stat(path)
        with open(path, "rb") as file:
            data = file.read()
        after = os.stat(path)
        sure = _text(before) == _text(after) and not is_young(stamp(after), time.time_ns())
        self._seen[path] = (_text(after) if sure else UNSURE, hashlib.sha256(data).hexdigest())
        return data


def _text(status: Status) -> str:
    return " ".join(map(str, stamp(status)))
