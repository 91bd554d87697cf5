"""Where the engines differ, and why: asserted, so that neither list can rot."""

from typing import NamedTuple


class Difference(NamedTuple):
    """Why DataFusion's answer is not that of Ibis on DuckDB, and what it is."""

    reason: str
    facts: str


KNOWN_DIFFERENCES = {
    "add_small_ints": Difference(
        "DuckDB computes in the operands' type and refuses what does not fit; Ibis' type holds it",
        "id: int64, out: int16; [1, 2]; [2, -256]; [3, 254]; [4, None]; [5, 0]; [6, 10]",
    ),
    "add_int32_overflow": Difference(
        "DuckDB computes in the operands' type and refuses what does not fit; Ibis' type holds it",
        "id: int64, out: int64; [1, 14]; [2, -4]; [3, 4294967294]; [4, None]; [5, 0]; [6, 10]",
    ),
    "add_unsigned": Difference(
        "DuckDB computes in the operands' type and refuses what does not fit; Ibis' type holds it",
        "id: int64, out: uint16; [1, 2]; [2, 510]; [3, 0]; [4, None]; [5, 14]; [6, 10]",
    ),
    "add_uint32": Difference(
        "DuckDB computes in the operands' type and refuses what does not fit; Ibis' type holds it",
        "id: int64, out: uint64; [1, 2]; [2, 8589934590]; [3, 0]; [4, None]; [5, 14]; [6, 10]",
    ),
    "subtract_unsigned": Difference(
        "DuckDB computes in the operands' type and refuses what does not fit; Ibis' type holds it",
        "id: int64, out: int16; [1, -9]; [2, 245]; [3, -10]; [4, None]; [5, -3]; [6, -5]",
    ),
    "multiply_small": Difference(
        "DuckDB computes in the operands' type and refuses what does not fit; Ibis' type holds it",
        "id: int64, out: int32; [1, 1]; [2, 90000]; [3, 1073676289]; [4, None]; [5, 0]; [6, 25]",
    ),
    "power": Difference(
        "a power of float32 is computed and kept in float64",
        "id: int64, out: float64; [1, '2.25']; [2, '5.0625']; [3, '0']; [4, None]; [5, '9']; [6, '30.25']",
    ),
    "add_int64_overflow": Difference(
        "DataFusion wraps around at 64 bits, silently; DuckDB refuses",
        "id: int64, out: int64; [1, -9223372036854775799]; [2, 9223372036854775787]; [3, -9214364837600034816]; [4, None]; [5, 9223372036854775807]; [6, -9223372036854775804]",
    ),
    "decimal_multiply": Difference(
        "Ibis expects too few digits, on which DuckDB's answer fails; the engine's digits are kept",
        "id: int64, out: decimal; [1, '2.25']; [2, '5.0625']; [3, '9999998000.0001']; [4, None]; [5, '0']; [6, '30.8025']",
    ),
    "decimal_multiply_int": Difference(
        "Ibis expects too few digits, on which DuckDB's answer fails; the engine's digits are kept",
        "id: int64, out: decimal; [1, '10.5']; [2, '4.5']; [3, '214748343225163.53']; [4, None]; [5, '0']; [6, '27.75']",
    ),
    "shift_left": Difference(
        "DuckDB shifts no negative numbers",
        "id: int64, out: int64; [1, 28]; [2, -8]; [3, 8589934588]; [4, None]; [5, 0]; [6, 20]",
    ),
    "cast_float_to_int": Difference(
        "DataFusion cuts fractions off, DuckDB rounds",
        "id: int64, out: int64; [1, 1]; [2, -2]; [3, 0]; [4, None]; [5, 3]; [6, 10000000000]",
    ),
    "cast_decimal_to_int": Difference(
        "DataFusion cuts fractions off, DuckDB rounds",
        "id: int64, out: int64; [1, 1]; [2, -2]; [3, 99999]; [4, None]; [5, 0]; [6, 5]",
    ),
    "re_extract": Difference(
        "no match is null on DataFusion, empty text on DuckDB",
        "id: int64, out: string; [1, None]; [2, None]; [3, None]; [4, None]; [5, '1']; [6, None]",
    ),
    "re_extract_whole": Difference(
        "no match is null on DataFusion, empty text on DuckDB",
        "id: int64, out: string; [1, None]; [2, None]; [3, None]; [4, None]; [5, 'A-1']; [6, None]",
    ),
    "try_cast_int": Difference(
        "DuckDB takes 3.9 for an integer and rounds it, DataFusion does not",
        "id: int64, out: int64; [1, 12]; [2, None]; [3, -7]; [4, None]; [5, None]; [6, None]",
    ),
    "try_cast_int8": Difference(
        "DuckDB takes 3.9 for an integer and rounds it, DataFusion does not",
        "id: int64, out: int8; [1, 12]; [2, None]; [3, -7]; [4, None]; [5, None]; [6, None]",
    ),
    "cast_to_binary": Difference(
        "DuckDB casts only ASCII text to binary",
        "id: int64, out: binary; [1, b'abc def']; [2, b'']; [3, b'h\\xc3\\xa9llo w\\xc3\\xb6rld']; [4, None]; [5, b'A-1,b-22']; [6, b'  pad\\t']",
    ),
    "protocol": Difference(
        "Ibis has no rule for DuckDB",
        "id: int64, out: string; [1, 'http']; [2, 'https']; [3, 'http']; [4, 'http']; [5, 'ftp']; [6, 'http']",
    ),
    "host": Difference(
        "Ibis has no rule for DuckDB",
        "id: int64, out: string; [1, 'ex.org']; [2, 'ex.org']; [3, 'a.b']; [4, 'q.r']; [5, 'f.g']; [6, 'n.o']",
    ),
    "path": Difference(
        "Ibis has no rule for DuckDB",
        "id: int64, out: string; [1, '/a/b']; [2, '/']; [3, '/c']; [4, '/']; [5, '/h']; [6, '/p']",
    ),
    "query": Difference(
        "Ibis has no rule for DuckDB",
        "id: int64, out: string; [1, 'x=1&y=2']; [2, '']; [3, 'x=9']; [4, 'x=0']; [5, 'x=5']; [6, 'x=7']",
    ),
    "query_key": Difference(
        "Ibis has no rule for DuckDB",
        "id: int64, out: string; [1, '1']; [2, None]; [3, '9']; [4, '0']; [5, '5']; [6, '7']",
    ),
    "fragment": Difference(
        "Ibis has no rule for DuckDB",
        "id: int64, out: string; [1, 'f']; [2, '']; [3, 'z']; [4, '']; [5, '']; [6, '']",
    ),
    "userinfo": Difference(
        "Ibis has no rule for DuckDB",
        "id: int64, out: string; [1, 'u:p']; [2, ':']; [3, ':']; [4, ':']; [5, ':']; [6, ':']",
    ),
    "epoch": Difference(
        "Ibis' rule for DuckDB fails on fractions of a second",
        "id: int64, out: int32; [1, 1709251199]; [2, -82677]; [3, None]; [4, 1672531200]; [5, 1735561815]",
    ),
    "truncate_time": Difference(
        "DuckDB cannot truncate times of day",
        "id: int64, out: time; [1, datetime.time(23, 0)]; [2, datetime.time(1, 0)]; [3, None]; [4, datetime.time(0, 0)]; [5, datetime.time(12, 0)]",
    ),
    "cast_ts_to_string": Difference(
        "DataFusion writes ISO 8601 with a T, DuckDB a blank",
        "id: int64, out: string; [1, '2024-02-29T23:59:59.123456']; [2, '1969-12-31T01:02:03']; [3, None]; [4, '2023-01-01T00:00:00']; [5, '2024-12-30T12:30:15.500']",
    ),
    "cast_ts_to_int": Difference(
        "DuckDB does not cast timestamps to integers; DataFusion gives microseconds",
        "id: int64, out: int64; [1, 1709251199123456]; [2, -82677000000]; [3, None]; [4, 1672531200000000]; [5, 1735561815500000]",
    ),
    "array_unique": Difference(
        "the order of distinct elements is the engine's own",
        "id: int64, out: array<int64>; [1, [1, 9]]; [2, [2]]; [3, [7]]; [4, None]",
    ),
    "array_union": Difference(
        "DataFusion's set operations on arrays give null for a null array",
        "id: int64, out: int64; [1, 4]; [2, 1]; [3, None]; [4, None]",
    ),
    "array_intersect": Difference(
        "DataFusion gives null for a null array; DuckDB keeps duplicates",
        "id: int64, out: int64; [1, 1]; [2, 0]; [3, None]; [4, None]",
    ),
    "agg_sum_overflow": Difference(
        "DataFusion's sums wrap around at 64 bits, silently; DuckDB sums in 128",
        "out: int64; [5188146770726811392]",
    ),
    "agg_sum_int64_overflow": Difference(
        "DataFusion's sums wrap around at 64 bits, silently; DuckDB sums in 128",
        "out: int64; [864691128455135232]",
    ),
    "agg_mean_decimal": Difference(
        "DataFusion's mean of decimals has four more digits",
        "out: decimal; ['20000.958']",
    ),
    "agg_corr": Difference(
        "DuckDB has no sample correlation",
        "out: float64; ['-0.287435786998']",
    ),
    "agg_sum_overflow_by_group": Difference(
        "DataFusion's sums wrap around at 64 bits, silently; DuckDB sums in 128",
        "g: string, out: int64; ['a', 5188146770746811392]; ['b', -20000000]; [None, None]",
    ),
    "agg_sum_int64_overflow_by_group": Difference(
        "DataFusion's sums wrap around at 64 bits, silently; DuckDB sums in 128",
        "g: string, out: int64; ['a', 432345564227567616]; ['b', 432345564227567616]; [None, None]",
    ),
    "agg_mean_decimal_by_group": Difference(
        "DataFusion's mean of decimals has four more digits",
        "g: string, out: decimal; ['a', '33335.68']; ['b', '-1.125']; [None, None]",
    ),
    "agg_max_float_nan_by_group": Difference(
        "DataFusion's grouped maximum passes over NaN, its ungrouped one does not",
        "g: string, out: float64; ['a', 'inf']; ['b', '-inf']; [None, None]",
    ),
    "agg_corr_by_group": Difference(
        "DuckDB has no sample correlation",
        "g: string, out: float64; ['a', '-0.710667936368']; ['b', '1']; [None, None]",
    ),
}

"""What does not run on DataFusion, by a piece of the message."""
UNSUPPORTED = {
    "abs_smallest": "Exception: DataFusion error: Arrow error: Compute error: Int8Array overflow on abs(-128)",
    "date_difference_interval": "LossyCast: column `out` is interval('D') in the expression and int64 in the engine",
    "parse_hours": "UnsupportedOperationError: DataFusion parses times with minutes only",
    "array_map": "OperationNotDefinedError: Compilation rule for 'ArrayMap' operation is not defined",
    "array_filter": "OperationNotDefinedError: Compilation rule for 'ArrayFilter' operation is not defined",
    "array_zip": "OperationNotDefinedError: Compilation rule for 'ArrayZip' operation is not defined",
    "array_sum": "OperationNotDefinedError: Compilation rule for 'ArraySum' operation is not defined",
    "agg_mode": "OperationNotDefinedError: Compilation rule for 'Mode' operation is not defined",
    "agg_kurtosis": "OperationNotDefinedError: Compilation rule for 'Kurtosis' operation is not defined",
    "agg_mode_by_group": "OperationNotDefinedError: Compilation rule for 'Mode' operation is not defined",
    "agg_kurtosis_by_group": "OperationNotDefinedError: Compilation rule for 'Kurtosis' operation is not defined",
    "any_inner_join": 'ValueError: SQL error: ParserError("Expected: end of statement, found: ANY at Line: 1, Col',
    "asof_join": 'ValueError: SQL error: ParserError("Expected: JOIN, found: LEFT at Line: 1, Column: 108")',
}
