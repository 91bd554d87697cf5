"""Files: which ones a source names, and how the engine reads exactly those."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from cpgbuild.engine.globs import walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    import datafusion

    from cpgbuild.plan.source import Source

SUFFIX = {"parquet": ".parquet", "csv": ".csv", "json": ".json", "arrow": ".arrow"}
COMPRESSION = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
_GLOB = frozenset("*?[")
# As other engines do: what begins so is not data.
_HIDDEN = ("**/.*", "**/_*", "**/.*/**", "**/_*/**")


def base_of(path: Path) -> Path:
    """Return what a source's files are named relative to: what comes before a glob, or a file.

    A file's own name says nothing of its rows, the folders below a source may.
    """
    if path.exists():
        return path
    return Path(*itertools.takewhile(lambda part: not _GLOB & set(part), path.parts))


def find_files(source: Source) -> list[Path]:
    """Return the files of a source: the file, those of a folder, or those of a glob."""
    path = Path(source.path)
    if path.is_file():
        return [path]
    if path.is_dir():
        suffix = SUFFIX[source.format]
        pattern = tuple(f"**/*{suffix}{more}" for more in ("", *COMPRESSION))
        return [file for _, file in walk(path, pattern, _HIDDEN)]
    base = base_of(path)
    if base == path or not base.is_dir():
        return []
    return [file for _, file in walk(base, (path.relative_to(base).as_posix(),), ())]


def partitions(base: Path, file: Path) -> list[str]:
    """Return the `name=value` folders between a source's base and one of its files."""
    return [part for part in file.relative_to(base).parts[:-1] if "=" in part]


def read_files(
    ctx: datafusion.SessionContext, source: Source, files: Sequence[Path], links: Path
) -> datafusion.DataFrame:
    """Return the rows of exactly these files; `links` is an empty folder that must outlive them.

    The engine takes a folder and has rules of its own for which files below it count, so it is
    given one with a link to each file, in the `name=value` folders that make its columns.

    Raises:
        ValueError: the files lie in `name=value` folders of different names, so that which file
            comes first would say which columns there are.
    """
    base = base_of(Path(source.path))
    layouts = {tuple(part.partition("=")[0] for part in partitions(base, f)) for f in files}
    if len(layouts) > 1:
        named = ["/".join(f"{key}=…" for key in keys) for keys in sorted(layouts)]
        shown = " and ".join(f"`{name}`" if name else "none" for name in named)
        raise ValueError(f"its files lie in `name=value` folders of different names: {shown}")
    keys = layouts.pop()
    compressed = files[0].suffix if source.format in {"csv", "json"} else ""
    compression = COMPRESSION.get(compressed)
    suffix = SUFFIX[source.format] + (compressed if compression else "")
    for number, file in enumerate(files):
        folder = links.joinpath(*partitions(base, file))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:08d}{suffix}").symlink_to(file.absolute())
    columns: list[tuple[str, str | pa.DataType]] = [(key, pa.string()) for key in keys]
    where = f"{links}/"
    match source.format:
        case "parquet":
            return ctx.read_parquet(where, columns, file_extension=suffix)
        case "arrow":
            return ctx.read_arrow(where, None, suffix, columns)
        case "json":
            return ctx.read_json(
                where,
                file_extension=suffix,
                table_partition_cols=columns,
                file_compression_type=compression,
            )
        case _:
            return ctx.read_csv(
                where,
                has_header=source.header,
                delimiter=source.delimiter,
                file_extension=suffix,
                table_partition_cols=columns,
                file_compression_type=compression,
            )
