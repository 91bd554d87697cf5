"""The top-level fields of a SCIP index, split without parsing the messages inside."""

from collections.abc import Iterator

VARINT, LENGTH_DELIMITED = 0, 2
CONTINUES = 0x80
LONGEST_VARINT = 10  # bytes


class CorruptIndexError(ValueError):
    """The bytes are no SCIP index; the message is a sentence for the user."""


def split_fields(index: bytes) -> Iterator[tuple[int, memoryview]]:
    """Yield (field number, bytes) of each length-delimited field, in order.

    An index of hundreds of megabytes is then parsed message by message.

    Raises:
        CorruptIndexError: the bytes end early, or are no sequence of fields.
    """
    view, position = memoryview(index), 0
    while position < len(view):
        start = position
        tag, position = _varint(view, position)
        number, wire_type = tag >> 3, tag & 7
        if number == 0 or wire_type not in {VARINT, LENGTH_DELIMITED}:
            raise corrupt(index, f"byte {start} starts no field of an index")
        length, position = _varint(view, position)
        if wire_type == VARINT:
            continue
        if position + length > len(view):
            raise corrupt(index, f"the field at byte {start} is longer than the rest of the file")
        yield number, view[position : position + length]
        position += length


def corrupt(index: bytes, why: str) -> CorruptIndexError:
    """Return the error for an index that cannot be read."""
    return CorruptIndexError(f"the SCIP index of {len(index):,} bytes is corrupt: {why}")


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for count, byte in enumerate(view[position : position + LONGEST_VARINT]):
        value |= (byte & ~CONTINUES) << (7 * count)
        if not byte & CONTINUES:
            return value, position + count + 1
    raise CorruptIndexError(
        f"the SCIP index of {len(view):,} bytes is corrupt: no number ends after byte {position}"
    )
