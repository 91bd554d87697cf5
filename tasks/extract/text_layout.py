"""Where the lines of a file start, where its wide characters stand."""

import numpy as np
import numpy.typing as npt

Offsets = npt.NDArray[np.int32]

NEWLINE, RETURN = 0x0A, 0x0D
CONTINUATION_MASK, CONTINUATION = 0xC0, 0x80  # 10xxxxxx: inside a character
TWO_BYTES, THREE_BYTES, FOUR_BYTES = 0xC0, 0xE0, 0xF0  # first byte of a longer character


def line_starts(source: bytes) -> Offsets:
    r"""Return the byte offset of each line; a line ends in ``\n``, ``\r\n`` or ``\r``.

    These are the line ends of the language server protocol, which indexers count by, and of
    Python; a form feed ends no line. The empty line after a last line end counts.
    """
    data = np.frombuffer(source, np.uint8)
    ends = data == NEWLINE
    returns = np.flatnonzero(data == RETURN)
    followed = returns[returns + 1 < len(data)]
    lone = np.setdiff1d(returns, followed[ends[followed + 1]], assume_unique=True)
    ends[lone] = True
    return np.concatenate(([0], np.flatnonzero(ends) + 1)).astype(np.int32)


def wide_characters(source: bytes, starts: Offsets) -> list[tuple[int, ...]]:
    """Return (line, utf16 column, utf32 column, extra16, extra32) of each character > U+007F.

    `extra16` is the number of UTF-8 bytes of the character minus its UTF-16 code units, and
    `extra32` the bytes minus one. In a file that is not UTF-8 stray bytes count as nothing.
    """
    if source.isascii():
        return []
    data = np.frombuffer(source, np.uint8)
    is_first = (data & CONTINUATION_MASK) != CONTINUATION
    units16 = is_first.astype(np.int32) + (data >= FOUR_BYTES)
    before16 = np.concatenate(([0], np.cumsum(units16)))
    before32 = np.concatenate(([0], np.cumsum(is_first)))
    at = np.flatnonzero(data >= TWO_BYTES)
    line = np.searchsorted(starts, at, side="right") - 1
    lead = data[at]
    extra32 = 1 + (lead >= THREE_BYTES).astype(np.int32) + (lead >= FOUR_BYTES)
    extra16 = extra32 - (lead >= FOUR_BYTES)
    first = starts[line]
    columns = (line, before16[at] - before16[first], before32[at] - before32[first])
    return list(zip(*(c.tolist() for c in (*columns, extra16, extra32)), strict=True))
