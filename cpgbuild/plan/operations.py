# ruff: noqa: ARG002, D102, N802, N815 - Ibis finds rules by name, and passes what it has
"""Single operations of Ibis as DataFusion SQL, where Ibis' rule is missing or gives other values.

What "other" means is decided by running both (tests/boundary): Ibis on DuckDB is the reference,
unless it is the one that loses something. Methods take and give sqlglot trees.
"""

import math
from typing import Any, ClassVar, Final

import ibis.common.exceptions as com
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.sql.compilers import DataFusionCompiler
from ibis.common.temporal import IntervalUnit

__all__ = ["Nested", "Times", "Values"]

_Tree = Any  # a sqlglot tree; Ibis' rules are untyped
_SECONDS: Final = {"D": 86400, "h": 3600, "m": 60, "s": 1}
_MONTHS: Final = {"Y": 12, "Q": 3, "M": 1}
_UNSIGNED_BITS: Final = {1: 2**8 - 1, 2: 2**16 - 1, 4: 2**32 - 1, 8: 2**64 - 1}


class _Rules(DataFusionCompiler):  # type: ignore[misc]
    """What the groups below share."""

    __slots__ = ()

    # Ibis sets methods for these on every subclass again, over what is defined here.
    SIMPLE_OPS: ClassVar[dict[Any, str]] = {}
    UNSUPPORTED_OPS: ClassVar[tuple[Any, ...]] = ()

    def cast(self, arg: _Tree, to: dt.DataType) -> _Tree:
        """SQL has no word for float16."""
        return self.f.arrow_cast(arg, "Float16") if to.is_float16() else super().cast(arg, to)

    def unless_null(self, arg: _Tree, result: _Tree) -> _Tree:
        """`result`, null where `arg` is null."""
        return sge.Case(ifs=[self.if_(arg.is_(sge.null()), sge.null())], default=result)


class Values(_Rules):
    """Literals, casts, numbers, strings and aggregates."""

    __slots__ = ()

    def visit_Literal(self, op: ops.Literal, *, value: Any, dtype: dt.DataType) -> _Tree:
        if value is None and dtype.is_timestamp():
            # CAST(NULL AS TIMESTAMP) is in nanoseconds, without a zone.
            return self._to_timestamp(sge.null(), dtype, from_=dtype)
        return super().visit_Literal(op, value=value, dtype=dtype)

    def visit_NonNullLiteral(
        self, op: ops.Literal, *, value: Any, dtype: dt.DataType
    ) -> _Tree | None:
        if dtype.is_floating():
            return self._float(value, dtype)
        if dtype.is_integer() and self._has_own_type(value, dtype):
            return self.cast(sge.convert(value), dtype)
        if dtype.is_date():
            return self.cast(sge.convert(value.isoformat()), dtype)
        if dtype.is_array() and not value:
            return self.cast(self.f.make_array(), dtype)
        if dtype.is_interval():
            unit = sge.var(dtype.unit.plural.lower())
            return sge.Interval(this=sge.convert(str(value)), unit=unit)
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def _float(self, value: float, dtype: dt.DataType) -> _Tree:
        if math.isinf(value) or math.isnan(value):
            text = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
            return self.cast(sge.convert(text), dtype)
        plain = sge.convert(float(value))
        return plain if dtype.is_float64() else self.cast(plain, dtype)

    def _has_own_type(self, value: int, dtype: dt.DataType) -> bool:
        """Whether an integer literal was given a type that the engine would not give it.

        Ibis infers the narrowest type for a plain `1`, which nobody means: the engine's int64
        stands for that one, and the boundary casts.
        """
        inferred = dt.infer(value).copy(nullable=dtype.nullable)
        return dtype not in (inferred, dt.Int64(nullable=dtype.nullable))

    def visit_TryCast(self, op: ops.TryCast, *, arg: _Tree, to: dt.DataType) -> _Tree:
        if to.is_float16():
            return self.f.arrow_try_cast(arg, "Float16")
        if to.is_timestamp():
            # TIMESTAMP is in nanoseconds, which end in 2262.
            text = self._to_timestamp(arg, to, from_=dt.string).expressions[1]
            return self.f.arrow_try_cast(arg, text)
        return super().visit_TryCast(op, arg=arg, to=to)

    def _widened(self, result: ops.Value, operand: ops.Value, tree: _Tree) -> _Tree:
        """An operand in the result's type, where the engine would compute in a narrower one.

        DataFusion adds two int8 as int8, and wraps around.
        """
        want, have = result.dtype, operand.dtype
        if isinstance(operand, ops.Literal) or want == have:
            return tree
        integers = want.is_integer() and have.is_integer() and have.nbytes < want.nbytes
        floats = want.is_float64() and have.is_floating() and not have.is_float64()
        return self.cast(tree, want) if integers or floats else tree

    def _arithmetic(
        self, kind: type[sge.Binary], op: ops.Binary, left: _Tree, right: _Tree
    ) -> _Tree:
        return self.binop(
            kind, self._widened(op, op.left, left), self._widened(op, op.right, right)
        )

    def visit_Add(self, op: ops.Add, *, left: _Tree, right: _Tree) -> _Tree:
        return self._arithmetic(sge.Add, op, left, right)

    def visit_Subtract(self, op: ops.Subtract, *, left: _Tree, right: _Tree) -> _Tree:
        return self._arithmetic(sge.Sub, op, left, right)

    def visit_Multiply(self, op: ops.Multiply, *, left: _Tree, right: _Tree) -> _Tree:
        return self._arithmetic(sge.Mul, op, left, right)

    def _in_double(self, op: ops.Value, **arguments: _Tree) -> _Tree:
        """A function of floats in float64, as Ibis' type says; the engine would use float32."""
        wide = {
            name: self._widened(op, getattr(op, name), tree) if tree is not None else None
            for name, tree in arguments.items()
        }
        rule = getattr(super(), f"visit_{type(op).__name__}")
        tree: _Tree = rule(op, **wide)
        return tree

    visit_Exp = visit_Ln = visit_Log = visit_Log2 = visit_Log10 = visit_Sqrt = _in_double
    visit_Sin = visit_Cos = visit_Tan = visit_Cot = visit_Radians = visit_Degrees = _in_double
    visit_Asin = visit_Acos = visit_Atan = visit_Atan2 = _in_double

    def visit_Sign(self, op: ops.Sign, *, arg: _Tree) -> _Tree:
        return self.cast(self.f.anon.signum(arg), op.dtype)

    def visit_IsNan(self, op: ops.IsNan, *, arg: _Tree) -> _Tree:
        return self.f.isnan(arg)

    def visit_BitwiseNot(self, op: ops.BitwiseNot, *, arg: _Tree) -> _Tree:
        kind = op.arg.dtype
        mask = _UNSIGNED_BITS[kind.nbytes] if kind.is_unsigned_integer() else -1
        return self.binop(sge.BitwiseXor, arg, sge.paren(sge.convert(mask)))

    def visit_StringSplit(self, op: ops.StringSplit, *, arg: _Tree, delimiter: _Tree) -> _Tree:
        # The engine splits an empty text into no parts at all.
        empty = self.if_(arg.eq(sge.convert("")), self.f.make_array(sge.convert("")))
        return sge.Case(ifs=[empty], default=self.f.anon.string_to_array(arg, delimiter))

    def visit_FindInSet(self, op: ops.FindInSet, *, needle: _Tree, values: Any) -> _Tree:
        return self.unless_null(needle, super().visit_FindInSet(op, needle=needle, values=values))

    def visit_HexDigest(self, op: ops.HexDigest, *, arg: _Tree, how: str) -> _Tree:
        if how == "md5":
            return self.f.anon.md5(arg)
        if how in ("sha256", "sha512"):
            return self.f.anon.encode(self.f.anon[how](arg), "hex")
        raise com.UnsupportedOperationError(f"DataFusion has no {how}")

    def visit_Quantile(
        self, op: ops.Quantile, *, arg: _Tree, quantile: _Tree, where: _Tree | None
    ) -> _Tree:
        order = sge.Order(expressions=[sge.Ordered(this=arg)])
        found = sge.WithinGroup(this=self.f.anon.percentile_cont(quantile), expression=order)
        return found if where is None else sge.Filter(this=found, expression=sge.Where(this=where))

    def visit_GroupConcat(
        self, op: ops.GroupConcat, *, arg: _Tree, sep: _Tree, where: _Tree | None, order_by: Any
    ) -> _Tree:
        return self.agg.string_agg(arg, sep, where=where, order_by=order_by)

    def visit_ArrayCollect(self, op: ops.ArrayCollect, **parts: Any) -> _Tree:
        if not parts["distinct"]:
            return super().visit_ArrayCollect(op, **parts)
        where = parts["where"]
        if not parts["include_null"]:
            known = parts["arg"].is_(sg.not_(sge.null()))
            where = known if where is None else sg.and_(where, known)
        values = sge.Distinct(expressions=[parts["arg"]])
        return self.agg.array_agg(values, where=where, order_by=parts["order_by"])


class Times(_Rules):
    """Dates, timestamps, times of day and what lies between them."""

    __slots__ = ()

    def _to_timestamp(self, value: _Tree, target_dtype: dt.Timestamp, from_: dt.DataType) -> _Tree:
        zone = target_dtype.timezone
        if zone is not None and zone.startswith(("UTC+", "UTC-")):
            # Python's name of a fixed offset; Arrow's is the offset alone.
            target_dtype = target_dtype.copy(timezone=zone.removeprefix("UTC"))
        return super()._to_timestamp(value, target_dtype, from_)

    def visit_Date(self, op: ops.Date, *, arg: _Tree) -> _Tree:
        return self.cast(arg, dt.date)

    def visit_TimestampTruncate(self, op: Any, *, arg: _Tree, unit: IntervalUnit) -> _Tree:
        if unit is IntervalUnit.NANOSECOND:
            return arg
        return self.f.date_trunc(unit.name.lower(), arg)

    def visit_DateTruncate(self, op: Any, *, arg: _Tree, unit: IntervalUnit) -> _Tree:
        return self.cast(self.f.date_trunc(unit.name.lower(), arg), dt.date)

    visit_TimeTruncate = visit_TimestampTruncate

    def _part(self, part: str, arg: _Tree) -> _Tree:
        return self.f.date_part(part, arg)

    def visit_ExtractHour(self, op: Any, *, arg: _Tree) -> _Tree:
        return self._part("hour", arg)

    def visit_ExtractMinute(self, op: Any, *, arg: _Tree) -> _Tree:
        return self._part("minute", arg)

    def visit_ExtractSecond(self, op: Any, *, arg: _Tree) -> _Tree:
        return self._part("second", arg)

    def visit_ExtractMillisecond(self, op: Any, *, arg: _Tree) -> _Tree:
        return self._part("millisecond", arg) % 1000  # the engine counts from the minute

    def visit_ExtractMicrosecond(self, op: Any, *, arg: _Tree) -> _Tree:
        return self._part("microsecond", arg) % 1_000_000

    def visit_ExtractIsoYear(self, op: Any, *, arg: _Tree) -> _Tree:
        return self._part("isoyear", arg)

    def visit_ExtractEpochSeconds(self, op: Any, *, arg: _Tree) -> _Tree:
        return self.cast(self.f.floor(self._part("epoch", arg)), dt.int64)

    def visit_StringToDate(self, op: Any, *, arg: _Tree, format_str: _Tree) -> _Tree:
        return self.f.anon.to_date(arg, format_str)

    def visit_StringToTimestamp(self, op: Any, *, arg: _Tree, format_str: _Tree) -> _Tree:
        text = getattr(op.format_str, "value", None)
        hours = isinstance(text, str) and ("%H" in text or "%I" in text)
        if text is None or (hours and "%M" not in text):
            # The engine then reads the date alone, and says nothing.
            raise com.UnsupportedOperationError("DataFusion parses times with minutes only")
        return self.f.anon.to_timestamp_micros(arg, format_str)

    def visit_TimestampBucket(self, op: Any, *, arg: _Tree, interval: _Tree, offset: Any) -> _Tree:
        origin: _Tree = self._to_timestamp(
            sge.convert("1970-01-01T00:00:00"), dt.Timestamp(scale=6), from_=dt.string
        )
        if offset is not None:
            origin = origin + offset
        return self.f.anon.date_bin(interval, arg, origin)

    def visit_TimestampDelta(self, op: Any, *, part: Any, left: _Tree, right: _Tree) -> _Tree:
        """How many starts of `part` lie between, as DuckDB's date_diff counts."""
        unit = IntervalUnit.from_string(str(op.part.value))
        if unit.short in _MONTHS:
            ends = [self._months(tree) / _MONTHS[unit.short] for tree in (left, right)]
        elif unit.short in _SECONDS:
            ends = [self._since_epoch(unit, tree) / _SECONDS[unit.short] for tree in (left, right)]
        elif unit is IntervalUnit.WEEK:
            # Weeks start on Mondays, the epoch was a Thursday.
            ends = [(self._since_epoch(unit, tree) + 259200) / 604800 for tree in (left, right)]
        else:
            raise com.UnsupportedOperationError(f"no difference in {unit.plural} on DataFusion")
        first, second = (self.cast(self.f.floor(end), dt.int64) for end in ends)
        return first - second

    visit_DateDelta = visit_TimestampDelta

    def _since_epoch(self, unit: IntervalUnit, tree: _Tree) -> _Tree:
        """Seconds, as a float, which holds them exactly."""
        return sge.paren(self._part("epoch", self.f.date_trunc(unit.name.lower(), tree)))

    def _months(self, tree: _Tree) -> _Tree:
        years = self.cast(self._part("year", tree), dt.float64)
        return sge.paren(years * 12 + (self._part("month", tree) - 1))


class Nested(_Rules):
    """Arrays, structs and maps."""

    __slots__ = ()

    def visit_StructField(self, op: ops.StructField, *, arg: _Tree, field: str) -> _Tree:
        # The engine gives what lies under a null struct: zeros, from Arrow data made in memory.
        return self.unless_null(arg, sge.Bracket(this=arg, expressions=[sge.convert(field)]))

    def visit_MapGet(self, op: Any, *, arg: _Tree, key: _Tree, default: _Tree) -> _Tree:
        if op.dtype.is_null():
            return sge.null()
        found = self.f.anon.array_element(self.f.anon.map_extract(arg, key), sge.convert(1))
        return self.unless_null(arg, self.f.coalesce(found, default))

    def visit_ArrayPosition(self, op: Any, *, arg: _Tree, other: _Tree) -> _Tree:
        return self.unless_null(arg, super().visit_ArrayPosition(op, arg=arg, other=other))

    def visit_ArrayStringJoin(self, op: Any, *, sep: _Tree, arg: _Tree) -> _Tree:
        return self.f.anon.array_to_string(arg, sep)

    def visit_ArraySort(self, op: Any, *, arg: _Tree) -> _Tree:
        return self.f.anon.array_sort(arg, "ASC", "NULLS LAST")

    def visit_ArrayMax(self, op: Any, *, arg: _Tree) -> _Tree:
        return self.f.anon.array_max(arg)

    def visit_ArrayMin(self, op: Any, *, arg: _Tree) -> _Tree:
        return self.f.anon.array_min(arg)

    def visit_IntegerRange(self, op: Any, *, start: _Tree, stop: _Tree, step: _Tree) -> _Tree:
        return self.f.anon.range(start, stop, step)

    def visit_ArraySlice(self, op: Any, *, arg: _Tree, start: _Tree, stop: _Tree | None) -> _Tree:
        """From zero-based and open-ended to one-based and inclusive."""
        size = self._size(arg)
        first = self._from_start(start, size) + 1
        last = size if stop is None else self._from_start(stop, size)
        return self.f.anon.array_slice(arg, first, last)

    def _size(self, array: _Tree) -> _Tree:
        """An array's length, signed: the engine's own is not, and its difference a decimal."""
        return self.cast(self.f.anon.array_length(array), dt.int64)

    def _from_start(self, index: _Tree, size: _Tree) -> _Tree:
        from_end = self.f.greatest(size + sge.paren(index), 0)
        return sge.Case(ifs=[self.if_(sge.paren(index) < 0, from_end)], default=index)

    def visit_TableUnnest(
        self,
        op: ops.TableUnnest,
        *,
        parent: Any,
        column: _Tree,
        column_name: str,
        offset: str | None,
        keep_empty: bool,
    ) -> _Tree:
        if keep_empty:
            size = self.f.coalesce(self._size(column), 0)
            nothing = self.f.make_array(sge.null())
            column = sge.Case(ifs=[self.if_(size.eq(0), nothing)], default=column)
        made = {column_name: self.f.anon.unnest(column)}
        if offset is not None:
            size = self.f.coalesce(self._size(column), 0)
            made[offset] = self.f.anon.unnest(self.f.anon.range(0, size))
        columns = [
            made[name].as_(name, quoted=self.quoted)
            if name in made
            else sg.column(name, table=parent.alias_or_name, quoted=self.quoted)
            for name in op.schema
        ]
        return sg.select(*columns).from_(parent)
