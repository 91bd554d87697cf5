"""Watching: what happens to the files below a folder, as it happens (inotify of Linux)."""

from __future__ import annotations

import ctypes
import os
import struct
from dataclasses import dataclass
from pathlib import Path

_MODIFY, _WRITTEN, _MOVED, _CREATED, _DELETED = 0x2, 0x8, 0x80, 0x100, 0x200
_ALL = _MODIFY | _WRITTEN | _MOVED | _CREATED | _DELETED
_FOLDER = 0x40000000
_KINDS = {
    _MODIFY: "modified",
    _WRITTEN: "written",
    _MOVED: "moved",
    _CREATED: "created",
    _DELETED: "deleted",
}
_HEAD = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened to a file, by its path below the watched folder."""

    kind: str
    path: str


class Watch:
    """Watches a folder with all that is below it, also what is made later."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._fd: int = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self._fd >= 0, os.strerror(ctypes.get_errno())
        self._folders: dict[int, str] = {}
        self._add("")

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        os.close(self._fd)

    def taken(self) -> list[Happened]:
        """Return what happened since this was last asked."""
        try:
            data = os.read(self._fd, 1 << 16)
        except BlockingIOError:
            return []
        found = []
        while data:
            number, mask, _, length = _HEAD.unpack_from(data)
            name = data[_HEAD.size : _HEAD.size + length].rstrip(b"\0").decode()
            data = data[_HEAD.size + length :]
            path = f"{self._folders.get(number, '')}{name}"
            if mask & _FOLDER and mask & (_CREATED | _MOVED):
                self._add(f"{path}/")
            kind = next((word for bit, word in _KINDS.items() if mask & bit), "")
            if kind and not mask & _FOLDER:
                found.append(Happened(kind, path))
        return found

    def _add(self, below: str) -> None:
        folder = self._root / below
        number = _libc.inotify_add_watch(self._fd, os.fsencode(folder), _ALL)
        if number < 0:
            return
        self._folders[number] = below
        try:
            inner = [entry.name for entry in os.scandir(folder) if entry.is_dir()]
        except OSError:
            return
        for name in inner:
            self._add(f"{below}{name}/")
