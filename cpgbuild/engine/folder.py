"""Folder: the files of one table that Delta knows nothing of, in a local folder or behind a URL."""

from __future__ import annotations

import io
import os
import uuid
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake.fs import DeltaStorageHandler
from pyarrow import fs

if TYPE_CHECKING:
    from collections.abc import Iterable


class Folder:
    """Files by their paths below one folder. The only place that knows what kind of store it is.

    A local folder is used as it is; anything else through Delta's own store, so that whoever can
    commit a table can also write beside it.
    """

    def __init__(self, uri: str) -> None:
        """Take the folder's path or URL; nothing is made yet."""
        self.local = _local(uri)
        self._files: fs.FileSystem = (
            fs.SubTreeFileSystem(str(self.local), fs.LocalFileSystem())
            if self.local
            else fs.PyFileSystem(_Store(uri))
        )

    def create(self, path: str) -> pa.NativeFile:
        """Open a new file for writing, and make the folders above it."""
        if self.local:
            (self.local / path).parent.mkdir(parents=True, exist_ok=True)
        return self._files.open_output_stream(path)

    def read(self, path: str) -> bytes | None:
        """Return what a file holds; None where there is none."""
        try:
            with self._files.open_input_stream(path) as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            return None

    def open(self, path: str) -> pa.NativeFile:
        """Open a file for reading at any place of it."""
        return self._files.open_input_file(path)

    def write(self, path: str, content: bytes) -> None:
        """Make a file hold this, at once: nobody ever reads a part of it."""
        # A store behind a URL shows a file only when it is whole.
        draft = f"{path}.{uuid.uuid4().hex}.tmp" if self.local else path
        with self.create(draft) as stream:
            stream.write(content)
        if draft != path:
            self._files.move(draft, path)

    def delete(self, paths: Iterable[str]) -> None:
        """Delete files, if they are there."""
        for path in paths:
            with suppress(FileNotFoundError):
                self._files.delete_file(path)

    def has(self, paths: list[str]) -> bool:
        """Return whether all of these files are there."""
        return all(info.type == fs.FileType.File for info in self._files.get_file_info(paths))

    def sizes(self, paths: list[str]) -> dict[str, int]:
        """Return how many bytes those of these files have that are there."""
        infos = zip(paths, self._files.get_file_info(paths), strict=True)
        return {path: info.size for path, info in infos if info.type == fs.FileType.File}

    def names(self, under: str = "", *, deep: bool = False) -> list[str]:
        """Return the paths of the files in a folder, `deep` for those of its folders too."""
        selector = fs.FileSelector(under, allow_not_found=True, recursive=deep)
        infos = self._files.get_file_info(selector)
        return sorted(info.path for info in infos if info.type == fs.FileType.File)

    def sync(self, paths: Iterable[str]) -> None:
        """Return when a power cut can no longer lose these files, where that is for us to do."""
        if self.local is None:
            return
        names = list(paths)
        folders = {str(above) for name in names for above in PurePosixPath(name).parents}
        for name in (*names, *sorted(folders)):
            handle = os.open(self.local / name, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


class _Store(DeltaStorageHandler):
    """Delta's own store, written to as Arrow writes: it takes bytes alone, and not Arrow's."""

    def open_output_stream(
        self, path: str, metadata: dict[str, str] | None = None
    ) -> pa.PythonFile:
        """Open a new file for writing."""
        return pa.PythonFile(_Sink(self._handler.open_output_stream(path, metadata)), mode="w")


class _Sink(io.RawIOBase):
    def __init__(self, file: Any) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return int(self._file.write(bytes(data)))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._file.close()


def _local(uri: str) -> Path | None:
    if "://" not in uri:
        return Path(uri).absolute()
    if not uri.startswith("file://"):
        return None
    return Path(fs.FileSystem.from_uri(uri)[1])
