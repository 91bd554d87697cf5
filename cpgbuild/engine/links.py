"""Links: a temporary folder that is deleted, at the latest, when the next one is made.

It has links to the files that are read, and rows that are put aside for a while.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from pathlib import Path

PREFIX = "cpgbuild-"
_LOCK = "held"


class Links:
    """A folder that is there for as long as this process needs it.

    Who is killed leaves it behind. Whether its owner lives is told by a lock that the system lets
    go of with the process.
    """

    def __init__(self) -> None:
        """Make the folder, and delete those of the dead."""
        _sweep(Path(tempfile.gettempdir()))
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX)
        path = Path(self._folder.name)
        self._file = (path / f".{_LOCK}").open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        # Who sees it sees it locked.
        (path / f".{_LOCK}").rename(path / _LOCK)

    def empty(self) -> Path:
        """Return a new folder in it."""
        return Path(tempfile.mkdtemp(dir=self._folder.name))

    def close(self) -> None:
        """Delete it."""
        self._folder.cleanup()
        self._file.close()


def _sweep(above: Path) -> None:
    for path in above.glob(f"{PREFIX}*/{_LOCK}"):
        try:
            with path.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path.parent)
        except OSError:
            # Somebody lives in it, or it is not ours.
            continue
