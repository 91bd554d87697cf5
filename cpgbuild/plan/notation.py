"""The one notation for types: Ibis' type strings, over Arrow types.

It is what locks, contracts and messages show, and what a stored column's metadata keeps:
`int64`, `decimal(12, 2)`, `timestamp('UTC', 6)`, `array<struct<a: int32, "b c": string>>`.
Own code, since Ibis refuses some types (fixed-size binary, calendar intervals as data) and
forgets others (a time's unit); what both can say, both say alike, but for a map's key, which
Ibis marks as never null (`map<!string, int32>`; read here too).
"""

import ast
import functools
import json
import re
from typing import Final

import pyarrow as pa
from pyarrow import types as pt

__all__ = ["from_text", "to_text"]

_PLAIN: Final = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint8": pa.uint8(),
    "uint16": pa.uint16(),
    "uint32": pa.uint32(),
    "uint64": pa.uint64(),
    "float16": pa.float16(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "string": pa.string(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("ns"),
}
_KINDS: Final = (
    (pt.is_date, "date"),
    (pt.is_time, "time"),
    (pt.is_interval, "interval('D')"),
    (pt.is_large_string, "string"),
    (pt.is_string_view, "string"),
    (pt.is_large_binary, "binary"),
    (pt.is_binary_view, "binary"),
    (pt.is_fixed_size_binary, "binary"),
)
_UNITS: Final = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_DECIMAL128_DIGITS: Final = 38
_DECIMAL256_DIGITS: Final = 76
_BARE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<quoted>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")|(?P<word>-?\w+)|(?P<sign>[<>(),:!]))"""
)


@functools.lru_cache(maxsize=4096)
def to_text(t: pa.DataType) -> str:
    """The notation of `t`; layouts of one set of values read alike.

    Raises:
        ValueError: Arrow types that no dataset holds (unions).
    """
    if isinstance(t, pa.BaseExtensionType):
        return to_text(t.storage_type)
    if pt.is_dictionary(t) or pt.is_run_end_encoded(t):
        return to_text(t.value_type)
    return _nested_text(t) if pt.is_nested(t) else _leaf_text(t)


def _nested_text(t: pa.DataType) -> str:
    if pt.is_struct(t):
        return f"struct<{', '.join(f'{_name(f.name)}: {to_text(f.type)}' for f in t)}>"
    if pt.is_map(t):
        return f"map<{to_text(t.key_type)}, {to_text(t.item_type)}>"
    if pt.is_union(t):
        raise ValueError(f"no notation for {t}")
    return f"array<{to_text(t.value_type)}>"


def _leaf_text(t: pa.DataType) -> str:
    if pt.is_decimal(t):
        return f"decimal({t.precision}, {t.scale})"
    if pt.is_timestamp(t):
        zone = "" if t.tz is None else f"{_quoted(t.tz)}, "
        return f"timestamp({zone}{_UNITS[t.unit]})"
    if pt.is_duration(t):
        return f"interval('{t.unit}')"
    for is_kind, name in _KINDS:
        if is_kind(t):
            return name
    for name, plain in _PLAIN.items():
        if t == plain:
            return name
    raise ValueError(f"no notation for {t}")


def _name(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def from_text(text: str) -> pa.DataType:
    """The Arrow type that `text` denotes; what `to_text` printed comes back equal.

    Raises:
        ValueError: the text is no type; says where it stopped making sense.
    """
    reader = _Reader(text)
    t = reader.type()
    if reader.here < len(reader.tokens):
        raise reader.error()
    return t


class _Reader:
    """A recursive-descent reader over the tokens of one type text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        self.here = 0
        end = 0
        body = text.rstrip()
        while end < len(body):
            found = _TOKEN.match(body, end)
            if found is None:
                raise ValueError(f"not a type: {text!r}, at {body[end:]!r}")
            self.tokens.append(found[0].strip())
            end = found.end()

    def error(self) -> ValueError:
        rest = " ".join(self.tokens[self.here :]) or "its end"
        return ValueError(f"not a type: {self.text!r}, at {rest}")

    def next(self) -> str:
        if self.here >= len(self.tokens):
            raise self.error()
        self.here += 1
        return self.tokens[self.here - 1]

    def accept(self, sign: str) -> bool:
        if self.here < len(self.tokens) and self.tokens[self.here] == sign:
            self.here += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            raise self.error()

    def type(self) -> pa.DataType:
        self.accept("!")  # Ibis' mark of "never null", which no type here keeps
        word = self.next()
        if word in _PLAIN:
            return _PLAIN[word]
        if word in ("array", "struct", "map"):
            self.expect("<")
            return self._nested(word)
        if word in ("decimal", "timestamp", "interval"):
            return self._with_arguments(word, self._arguments())
        self.here -= 1
        raise self.error()

    def _nested(self, word: str) -> pa.DataType:
        if word == "struct":
            return pa.struct(self._fields())
        first = self.type()
        if word == "array":
            self.expect(">")
            return pa.list_(pa.field("item", first))
        self.expect(",")
        second = self.type()
        self.expect(">")
        return pa.map_(first, second)

    def _fields(self) -> list[pa.Field]:
        fields: list[pa.Field] = []
        while not self.accept(">"):
            if fields:
                self.expect(",")
            name = self.next()
            self.expect(":")
            if name[0] in "'\"":
                name = _unquoted(name)
            fields.append(pa.field(name, self.type()))
        return fields

    def _arguments(self) -> list[str | int]:
        found: list[str | int] = []
        if not self.accept("("):
            return found
        while not self.accept(")"):
            if found:
                self.expect(",")
            word = self.next()
            try:
                found.append(_unquoted(word) if word[0] in "'\"" else int(word))
            except ValueError:
                self.here -= 1
                raise self.error() from None
        return found

    def _with_arguments(self, word: str, arguments: list[str | int]) -> pa.DataType:
        found: pa.DataType | None = None
        match word, arguments:
            case "decimal", [int(precision), int(scale)] if 0 < precision <= _DECIMAL256_DIGITS:
                wide = precision > _DECIMAL128_DIGITS
                found = (pa.decimal256 if wide else pa.decimal128)(precision, scale)
            case "timestamp", [*zone, int(digits)] if digits in _UNITS.values():
                found = _timestamp(zone, digits)
            case "timestamp", zone:
                found = _timestamp(zone, _UNITS["us"])
            case "interval", [str(unit)] if unit in _UNITS:
                found = pa.duration(unit)
            case "interval", ["Y" | "Q" | "M" | "W" | "D" | "h" | "m"]:
                found = pa.month_day_nano_interval()
            case _:
                pass
        if found is None:
            raise self.error()
        return found


def _timestamp(zone: list[str | int], digits: int) -> pa.DataType | None:
    unit = next(unit for unit, places in _UNITS.items() if places == digits)
    match zone:
        case []:
            return pa.timestamp(unit)
        case [str(name)]:
            return pa.timestamp(unit, name)
        case _:
            return None


def _unquoted(word: str) -> str:
    return str(ast.literal_eval(word))
