"""File stamps: what says, without a look inside, whether a file is still the one it was."""

from __future__ import annotations

from typing import Protocol

# Nanoseconds. A file written twice within the clock's grain keeps its stamp, so a young one is not
# trusted; two seconds is the coarsest grain that file systems have.
GRAIN = 2_000_000_000


class Status(Protocol):
    """What `os.stat` says."""

    @property
    def st_size(self) -> int: ...  # noqa: D102 -- as in `os.stat_result`
    @property
    def st_mtime_ns(self) -> int: ...  # noqa: D102
    @property
    def st_ctime_ns(self) -> int: ...  # noqa: D102
    @property
    def st_ino(self) -> int: ...  # noqa: D102


def stamp(status: Status) -> tuple[int, int, int, int]:
    """Return size, mtime, ctime (in ns) and inode; a rewrite can keep all of them but ctime."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def is_young(found: tuple[int, int, int, int], now: int) -> bool:
    """Return whether a stamp, looked at when the clock said `now`, may be that of two contents."""
    return now - max(found[1], found[2]) <= GRAIN
