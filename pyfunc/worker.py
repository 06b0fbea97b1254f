"""A worker of dsql: it loads Python functions and calls them with batches of rows, until its pipe ends.

Requests come on descriptor 3, answers go out on 4. Each has a header of eight words, and words, bytes and a JSON text behind it. Columns
come as Arrow's buffers: see engine/duck/arrow.go for the words.
"""
import datetime as dt
import decimal
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import itertools
import json
import linecache
import operator
import os
import struct
import sys
import textwrap
import time
import traceback
import types
import uuid

import pyarrow as pa
import pyarrow.compute as pc

try:
    import numpy as np
except ImportError:  # pyarrow does without, and so do functions of rows
    np = None

HERE = (lambda: 0).__code__.co_filename
Decimal = decimal.Decimal
EPOCH, MIDNIGHT, UTC = dt.datetime(1970, 1, 1), dt.time(), dt.timezone.utc
NONE = type(None)
FLOAT_MAX = 3.4028235677973366e38  # from here on the nearest float is infinite

# ---------------------------------------------------------------------------------------------------------------------- types
PLAIN = {
    'BOOLEAN': pa.int8(), 'TINYINT': pa.int8(), 'UTINYINT': pa.uint8(), 'SMALLINT': pa.int16(), 'USMALLINT': pa.uint16(),
    'INTEGER': pa.int32(), 'UINTEGER': pa.uint32(), 'BIGINT': pa.int64(), 'UBIGINT': pa.uint64(), 'HUGEINT': pa.binary(16),
    'UHUGEINT': pa.binary(16), 'BIGNUM': pa.binary(), 'FLOAT': pa.float32(), 'DOUBLE': pa.float64(), 'VARCHAR': pa.string(),
    'JSON': pa.string(), 'ENUM': pa.string(), 'BLOB': pa.binary(), 'GEOMETRY': pa.binary(), 'BIT': pa.binary(), 'UUID': pa.binary(16),
    'DATE': pa.date32(), 'TIME': pa.time64('us'), 'TIME_NS': pa.time64('ns'), 'TIME WITH TIME ZONE': pa.binary(8),
    'TIMESTAMP': pa.timestamp('us'), 'TIMESTAMP_S': pa.timestamp('s'), 'TIMESTAMP_MS': pa.timestamp('ms'),
    'TIMESTAMP_NS': pa.timestamp('ns'), 'TIMESTAMP WITH TIME ZONE': pa.timestamp('us', 'UTC'),
    'INTERVAL': pa.month_day_nano_interval(),
}
INTS = {'TINYINT', 'UTINYINT', 'SMALLINT', 'USMALLINT', 'INTEGER', 'UINTEGER', 'BIGINT', 'UBIGINT'}
TEXTS = {'VARCHAR', 'JSON', 'ENUM'}
BYTES = {'BLOB', 'GEOMETRY'}
UNITS = {'TIMESTAMP': 10**6, 'TIMESTAMP WITH TIME ZONE': 10**6, 'TIMESTAMP_S': 1, 'TIMESTAMP_MS': 1000, 'TIMESTAMP_NS': 10**9}
OPAQUE = {'HUGEINT', 'UHUGEINT', 'BIGNUM', 'BIT', 'UUID', 'TIME WITH TIME ZONE'}  # Arrow has only their bytes
NESTED = {'LIST', 'ARRAY', 'STRUCT', 'MAP'}


class Type:
    """A type of DuckDB's: pa is how its values lie in Arrow, user what a function of Arrow is given."""

    def __init__(self, d):
        self.kind, self.sql = d['kind'], d['sql']
        self.names, self.size, self.values = d.get('names') or [], d.get('size', 0), d.get('values')
        self.of = [Type(c) for c in d.get('of') or []]
        self.pa = self.arrow(lambda t: t.pa, PLAIN)
        self.user = self.arrow(lambda t: t.user, dict(PLAIN, BOOLEAN=pa.bool_()))
        self.allowed = frozenset(self.values) if self.values is not None else None

    def arrow(self, of, plain):
        k = self.kind
        if k == 'DECIMAL':
            return pa.decimal128(*self.values)
        if k == 'LIST':
            return pa.list_(pa.field('l', of(self.of[0])))
        if k == 'ARRAY':
            return pa.list_(pa.field('l', of(self.of[0])), self.size)
        if k == 'STRUCT':
            return pa.struct([pa.field(n, of(c)) for n, c in zip(self.names, self.of)])
        if k == 'MAP':
            return pa.map_(of(self.of[0]), of(self.of[1]))
        return plain[k]


# ----------------------------------------------------------------------------------------------------------- from the buffers
def column(t, words, body, base):
    """The array that the words tell of, in the bytes from the base-th on."""
    n, nulls, _, count = next(words), next(words), next(words), next(words)
    buffers = []
    for _ in range(count):
        at, size = next(words), next(words)
        buffers.append(None if size < 0 else body.slice(base + at, size))
    if t.kind == 'MAP':
        pair = Type.__new__(Type)
        pair.kind, pair.of = 'STRUCT', t.of
        pair.pa = pa.struct([t.pa.key_field, t.pa.item_field])
        return pa.Array.from_buffers(t.pa, n, buffers, nulls, children=[column(pair, words, body, base)])
    if t.of:
        return pa.Array.from_buffers(t.pa, n, buffers, nulls, children=[column(c, words, body, base) for c in t.of])
    return pa.Array.from_buffers(t.pa, n, buffers, nulls)


def valid(a):
    """Which values of an array aren't NULL; None: all."""
    return a.is_valid().to_pylist() if a.null_count else None


def nulled(values, ok):
    return values if ok is None else [v if k else None for v, k in zip(values, ok)]


def numbers(a):
    """What lies in an array of numbers, whatever stands at NULL."""
    if np is None:
        return a.fill_null(0).to_pylist()
    return (a.fill_null(0) if a.null_count else a).to_numpy().tolist()


class Refused(Exception):
    """A value that can't be handed over without loss: why."""


class Bad(Exception):
    """The value of a row that is none of the type."""

    def __init__(self, row, text):
        self.row, self.text = row, text


def each(values, f):
    """f of all values but None, and the row of one that f refuses."""
    out = []
    for i, v in enumerate(values):
        try:
            out.append(None if v is None else f(v))
        except (Refused, OverflowError, ValueError, decimal.InvalidOperation) as e:
            raise Bad(i, str(e) or type(e).__name__) from None
    return out


def finite(values, last, sql):
    for i, v in enumerate(values):
        if v is not None and (v == last or v == -last):
            raise Bad(i, "%sinfinity, which Python's times don't have: leave such rows out, or give them as text" % ('-' if v < 0 else ''))
    return values


def moment(unit, zone):
    def f(v):
        seconds, rest = divmod(v, unit)
        try:
            return EPOCH.replace(tzinfo=zone) + dt.timedelta(seconds=seconds, microseconds=rest * 10**6 // unit)
        except OverflowError:
            raise Refused("a time beyond the years that Python's datetime has: annotate the parameter as pyarrow.Array") from None
    return f


def clock(v):
    if v >= 86_400_000_000:
        raise Refused("24:00:00, which Python's time doesn't have: annotate the parameter as pyarrow.Array")
    seconds, micros = divmod(v, 10**6)
    return dt.time(seconds // 3600, seconds // 60 % 60, seconds % 60, micros)


def nanoclock(v):
    if v % 1000:
        raise Refused("nanoseconds, which Python's time doesn't have: annotate the parameter as pyarrow.Array")
    return clock(v // 1000)


def clock_tz(b):
    v = int.from_bytes(b, 'little')
    return clock(v >> 24).replace(tzinfo=dt.timezone(dt.timedelta(seconds=57599 - (v & 0xFFFFFF))))


def day(v):
    try:
        return dt.date.fromordinal(719163 + v)
    except (ValueError, OverflowError):
        raise Refused("a day beyond the years that Python's date has: annotate the parameter as pyarrow.Array") from None


def bignum(b):
    negative = not b[0] & 0x80
    digits = bytes(x ^ 0xFF for x in b[3:]) if negative else b[3:]
    n = int.from_bytes(digits, 'big')
    return -n if negative else n


def bits(b):
    n = 8 * (len(b) - 1)
    return bin(int.from_bytes(b[1:], 'big') | 1 << n)[3 + b[0]:]


FROM_BYTES = {'HUGEINT': lambda b: int.from_bytes(b, 'little', signed=True), 'UHUGEINT': lambda b: int.from_bytes(b, 'little'),
              'BIGNUM': bignum, 'BIT': bits, 'UUID': lambda b: uuid.UUID(bytes=b), 'TIME WITH TIME ZONE': clock_tz}


def values(a, t):
    """The array's values as Python's own, exactly."""
    k = t.kind
    if k in INTS or k in ('DOUBLE', 'FLOAT'):
        return nulled(numbers(a), valid(a))
    if k == 'BOOLEAN':
        return nulled([v != 0 for v in numbers(a)], valid(a))
    if k in TEXTS or k in BYTES:
        return a.to_pylist() if np is None else a.to_numpy(zero_copy_only=False).tolist()
    if k in OPAQUE:
        return each(a.to_pylist(), FROM_BYTES[k])
    if k == 'DATE':
        return each(finite(nulled(numbers(a.view(pa.int32())), valid(a)), 2**31 - 1, k), day)
    if k == 'TIMESTAMP_NS':
        finite(nulled(numbers(a.view(pa.int64())), valid(a)), 2**63 - 1, k)
        return a.to_pylist()
    if k in UNITS:
        zone = UTC if k == 'TIMESTAMP WITH TIME ZONE' else None
        return each(finite(nulled(numbers(a.view(pa.int64())), valid(a)), 2**63 - 1, k), moment(UNITS[k], zone))
    if k in ('TIME', 'TIME_NS'):
        return each(nulled(numbers(a.view(pa.int64())), valid(a)), clock if k == 'TIME' else nanoclock)
    if k == 'STRUCT':
        columns = [values(a.field(i), c) for i, c in enumerate(t.of)]
        return nulled([dict(zip(t.names, row)) for row in zip(*columns)], valid(a))
    if k == 'MAP':
        pairs = list(zip(values(a.keys, t.of[0]), values(a.items, t.of[1])))
        return nulled([dict(pairs[i:j]) for i, j in itertools.pairwise(a.offsets.to_pylist())], valid(a))
    if k == 'LIST':
        inside = values(a.values, t.of[0])
        return nulled([inside[i:j] for i, j in itertools.pairwise(a.offsets.to_pylist())], valid(a))
    if k == 'ARRAY':
        inside = values(a.values, t.of[0])
        return nulled([inside[i:i + t.size] for i in range(0, len(a) * t.size, t.size)], valid(a))
    return a.to_pylist()  # DECIMAL, INTERVAL


def objects(items):
    out = np.empty(len(items), dtype=object)
    out[:] = items if len(items) == 0 or not isinstance(items[0], (list, dict)) else None
    for i, v in enumerate(items):
        out[i] = v
    return out


def check_times(a, t):
    """DuckDB's infinity would be a time in Arrow."""
    if t.kind == 'DATE' or t.kind in UNITS:
        last = pc.min_max(a.view(pa.int32() if t.kind == 'DATE' else pa.int64())).as_py()
        edge = 2**31 - 1 if t.kind == 'DATE' else 2**63 - 1
        if last['max'] == edge or last['min'] == -edge:
            finite(a.view(pa.int32() if t.kind == 'DATE' else pa.int64()).to_pylist(), edge, t.kind)


def as_numpy(a, t):
    k = t.kind
    check_times(a, t)
    if a.null_count and (k in INTS or k == 'BOOLEAN'):
        raise Bad(a.is_null().index(True).as_py(), "NULL in %s, which numpy's arrays can't hold: annotate the parameter as pandas.Series or "
                  "pyarrow.Array, or coalesce it in SQL" % t.sql)
    if k == 'BOOLEAN':
        return a.cast(pa.bool_()).to_numpy(zero_copy_only=False)
    if k in OPAQUE or k in NESTED or k in ('TIME', 'TIME_NS', 'DECIMAL', 'INTERVAL'):
        return objects(values(a, t))
    if k == 'TIMESTAMP WITH TIME ZONE':
        a = a.cast(pa.timestamp('us'))
    return a.to_numpy(zero_copy_only=False)


def as_pandas(a, t):
    import pandas as pd
    k = t.kind
    check_times(a, t)
    if k == 'BOOLEAN':
        return a.cast(pa.bool_()).to_pandas()
    if k in INTS and a.null_count and a.type.bit_width == 64:
        ends = pc.min_max(a).as_py()
        if ends['max'] is not None and (ends['max'] > 2**53 or ends['min'] < -2**53):
            ok = pc.fill_null(pc.or_(pc.greater(a, pa.scalar(2**53, a.type)), pc.less(a, pa.scalar(max(-2**53, 0 if k[0] == 'U' else -2**53), a.type))), False)
            raise Bad(ok.index(True).as_py(), "%s beyond 2^53 beside NULL, which pandas would make a float of: annotate the parameter as "
                      "pyarrow.Array, or coalesce it in SQL" % t.sql)
    if (k in INTS or k in ('DOUBLE', 'FLOAT')) and not a.null_count:
        return pd.Series(a.to_numpy())
    if k in OPAQUE or k in NESTED or k == 'INTERVAL':
        return pd.Series(objects(values(a, t)), dtype=object)
    return a.to_pandas()


def as_arrow(a, t):
    check_times(a, t)
    return a if t.user == t.pa else a.cast(t.user)


# ---------------------------------------------------------------------------------------------------------- into the result
def shown(v):
    text = repr(v)
    return text if len(text) <= 60 else text[:59] + '…'


def no(v, sql, why=''):
    name = type(v).__name__
    return Refused('%s is %s, and no %s%s' % (shown(v), ('an ' if name[0] in 'aeiou' else 'a ') + name, sql, why and ' (%s)' % why))


def to_int(t):
    if t.kind in ('HUGEINT', 'UHUGEINT', 'BIGNUM'):
        low, high = {'HUGEINT': (-2**127, 2**127 - 1), 'UHUGEINT': (0, 2**128 - 1), 'BIGNUM': (None, None)}[t.kind]
    else:
        width = t.pa.bit_width
        low, high = (0, 2**width - 1) if t.kind[0] == 'U' else (-2**(width - 1), 2**(width - 1) - 1)

    def f(v):
        if isinstance(v, bool) or np is not None and isinstance(v, np.bool_):
            raise no(v, t.sql)
        if isinstance(v, (float, Decimal)) or np is not None and isinstance(v, np.floating):
            if v != v or v in (float('inf'), float('-inf')) or v != int(v):
                raise Refused('%s is no %s' % (shown(v), t.sql))
            n = int(v)
        else:
            try:
                n = operator.index(v)
            except TypeError:
                raise no(v, t.sql) from None
        if low is not None and not low <= n <= high:
            raise Refused('%s is out of range for %s' % (shown(v), t.sql))
        return n
    return f


def to_float(t):
    def f(v):
        if isinstance(v, bool) or np is not None and isinstance(v, np.bool_):
            raise no(v, t.sql)
        if isinstance(v, Decimal) or isinstance(v, float) or np is not None and isinstance(v, np.floating):
            x = float(v)
        else:
            try:
                n = operator.index(v)
            except TypeError:
                raise no(v, t.sql) from None
            x = float(n) if abs(n) < 2**1023 else float('inf')
            if x == float('inf') or int(x) != n:
                raise Refused('%s is no %s without loss' % (shown(v), t.sql))
        if t.kind == 'FLOAT' and abs(x) >= FLOAT_MAX and abs(x) != float('inf'):
            raise Refused('%s is out of range for FLOAT' % shown(v))
        return x
    return f


def to_decimal(t):
    precision, scale = t.values
    exact = decimal.Context(prec=1000, traps=[decimal.InvalidOperation])

    def f(v):
        if isinstance(v, bool) or np is not None and isinstance(v, np.bool_):
            raise no(v, t.sql)
        if isinstance(v, float) or np is not None and isinstance(v, np.floating):
            d = Decimal(repr(float(v)))  # its shortest digits, as a JSON number has them
        elif isinstance(v, Decimal):
            d = v
        else:
            try:
                d = Decimal(operator.index(v))
            except TypeError:
                raise no(v, t.sql) from None
        if not d.is_finite():
            raise Refused('%s is no %s' % (shown(v), t.sql))
        n = exact.scaleb(d, scale)
        if n != n.to_integral_value():
            raise Refused('%s has more than %d digits behind the point, which %s has' % (shown(v), scale, t.sql))
        if n.copy_abs() >= 10**precision:
            raise Refused('%s is out of range for %s' % (shown(v), t.sql))
        return exact.scaleb(Decimal(int(n)), -scale)
    return f


def to_bool(t):
    def f(v):
        if isinstance(v, bool) or np is not None and isinstance(v, np.bool_):
            return bool(v)
        raise no(v, t.sql)
    return f


def to_text(t):
    def f(v):
        if not isinstance(v, str):
            raise no(v, t.sql)
        v = str(v)
        try:
            v.encode()
        except UnicodeEncodeError:
            raise Refused('%s is no text in UTF-8' % shown(v)) from None
        if t.allowed is not None and v not in t.allowed:
            raise Refused('%s is none of the values of %s' % (shown(v), t.sql))
        if t.kind == 'JSON':
            try:
                json.loads(v, parse_constant=lambda c: 1 / 0)
            except (ValueError, ZeroDivisionError, RecursionError):
                raise Refused('%s is no JSON' % shown(v)) from None
        return v
    return f


def to_bytes(t):
    def f(v):
        if isinstance(v, (bytes, bytearray, memoryview)):
            return bytes(v)
        raise no(v, t.sql, 'encode it' if isinstance(v, str) else '')
    return f


def to_date(t):
    def f(v):
        if np is not None and isinstance(v, np.datetime64):
            v = plain_time(v, t)
        if isinstance(v, dt.datetime):
            if v.time() != MIDNIGHT or getattr(v, 'nanosecond', 0) or v.tzinfo is not None:
                raise no(v, t.sql, 'it has a time of day: give v.date()')
            return v.date()
        if isinstance(v, dt.date):
            return v
        raise no(v, t.sql)
    return f


def plain_time(v, t):
    """numpy's time as Python's, where that is exact."""
    micros = v.astype('datetime64[us]')
    if micros != v or np.isnat(v):
        raise Refused('%s is no %s without loss' % (v, t.sql))
    out = micros.item()
    if isinstance(out, int):
        raise Refused("%s is beyond Python's years: give a pyarrow.Array" % v)
    return out


def to_time(t):
    def f(v):
        if not isinstance(v, dt.time) or v.tzinfo is not None:
            raise no(v, t.sql, 'it has a time zone' if isinstance(v, dt.time) else '')
        return v
    return f


def to_time_tz(t):
    def f(v):
        if not isinstance(v, dt.time) or v.utcoffset() is None:
            raise no(v, t.sql, 'it has no time zone' if isinstance(v, dt.time) else '')
        offset = v.utcoffset().total_seconds()
        if offset != int(offset) or not -57599 <= offset <= 57599:
            raise Refused('%s has a time zone that %s has not' % (shown(v), t.sql))
        micros = ((v.hour * 60 + v.minute) * 60 + v.second) * 10**6 + v.microsecond
        return (micros << 24 | 57599 - int(offset)).to_bytes(8, 'little')
    return f


def to_moment(t):
    unit = UNITS[t.kind]

    def f(v):
        if np is not None and isinstance(v, np.datetime64):
            if unit == 10**9:
                v = int(v.astype('datetime64[ns]').astype('int64')) if v.astype('datetime64[ns]') == v else plain_time(v, t)
            else:
                v = plain_time(v, t)
        if isinstance(v, dt.date) and not isinstance(v, dt.datetime):
            v = dt.datetime(v.year, v.month, v.day)
        if isinstance(v, int):
            return v
        if not isinstance(v, dt.datetime):
            raise no(v, t.sql)
        nanos = getattr(v, 'nanosecond', 0)
        if nanos or hasattr(v, 'to_pydatetime'):
            v = v.to_pydatetime(warn=False)
        if v.tzinfo is not None:
            v = v.astimezone(UTC).replace(tzinfo=None)
        gap = v - EPOCH
        n = ((gap.days * 86400 + gap.seconds) * 10**6 + gap.microseconds) * 1000 + nanos
        whole, rest = divmod(n, 10**9 // unit)
        if rest:
            raise Refused('%s is no %s without loss' % (v.isoformat(sep=' '), t.sql))
        if not -2**63 < whole < 2**63 - 1:
            raise Refused('%s is out of range for %s' % (v.isoformat(sep=' '), t.sql))
        return whole
    return f


def to_interval(t):
    def f(v):
        if isinstance(v, dt.timedelta):
            v = pa.MonthDayNano([0, v.days, (v.seconds * 10**6 + v.microseconds) * 1000 + getattr(v, 'nanoseconds', 0)])
        if not isinstance(v, pa.MonthDayNano):
            raise no(v, t.sql, 'give a datetime.timedelta or a pyarrow.MonthDayNano')
        if v[2] % 1000:
            raise Refused('%s is no %s without loss: it has nanoseconds' % (shown(v), t.sql))
        return v
    return f


def to_uuid(t):
    def f(v):
        if not isinstance(v, uuid.UUID):
            raise no(v, t.sql, 'give a uuid.UUID')
        return v.bytes
    return f


def to_bits(t):
    def f(v):
        if not isinstance(v, str) or not v or v.strip('01'):
            raise no(v, t.sql, 'give a str of 0 and 1')
        n = -len(v) % 8
        return bytes([n]) + int('1' * n + v, 2).to_bytes((len(v) + n) // 8, 'big')
    return f


def to_bignum(t):
    whole = to_int(t)

    def f(v):
        n = whole(v)
        digits = abs(n).to_bytes(max(1, (abs(n).bit_length() + 7) // 8), 'big')
        b = (0x800000 | len(digits)).to_bytes(3, 'big') + digits
        return bytes(x ^ 0xFF for x in b) if n < 0 else b
    return f


def to_fixed(t, size, signed):
    whole = to_int(t)
    return lambda v: whole(v).to_bytes(size, 'little', signed=signed)


CONVERT = {'BOOLEAN': to_bool, 'DOUBLE': to_float, 'FLOAT': to_float, 'DECIMAL': to_decimal, 'DATE': to_date, 'TIME': to_time,
           'TIME_NS': to_time, 'TIME WITH TIME ZONE': to_time_tz, 'INTERVAL': to_interval, 'UUID': to_uuid, 'BIT': to_bits,
           'BIGNUM': to_bignum, 'HUGEINT': lambda t: to_fixed(t, 16, True), 'UHUGEINT': lambda t: to_fixed(t, 16, False),
           **{k: to_int for k in INTS}, **{k: to_text for k in TEXTS}, **{k: to_bytes for k in BYTES}, **{k: to_moment for k in UNITS}}
# Of these Python types pyarrow makes the type without loss, or refuses.
EXACT = {**{k: {int} for k in INTS}, 'DOUBLE': {float}, 'BOOLEAN': {bool}, 'VARCHAR': {str}, 'BLOB': {bytes}, 'GEOMETRY': {bytes},
         'DATE': {dt.date}}


def convert(t):
    if not hasattr(t, 'convert'):
        t.convert = CONVERT[t.kind](t)
    return t.convert


def inside(vals, t, bad, what, wrap):
    """The parts of nested values: where each ends, and the parts; None where there is none. wrap gives a value's parts."""
    parts, ends, ok = [], [0], []
    for i, v in enumerate(vals):
        p = None
        if v is not None:
            try:
                p = wrap(v)
            except Refused as e:
                bad(i, str(e))
        ok.append(p is not None)
        parts.extend(p or ())
        ends.append(len(parts))
    return parts, ends, ok


def owner(ends, bad, what):
    """bad for the parts: the value that one belongs to."""
    import bisect

    def f(j, text):
        i = bisect.bisect_right(ends, j) - 1
        bad(i, '%s %d of the value: %s' % (what, j - ends[i] + 1, text))
    return f


def mask(ok):
    return None if all(ok) else pa.array([not k for k in ok], pa.bool_())


def items(t):
    def f(v):
        if np is not None and isinstance(v, np.ndarray):
            v = v.tolist() if v.dtype != object else list(v)
        if isinstance(v, (pa.Array, pa.Scalar)):
            v = v.to_pylist() if isinstance(v, pa.Array) else v.as_py()
        if not isinstance(v, (list, tuple)):
            raise no(v, t.sql, 'give a list')
        if t.kind == 'ARRAY' and len(v) != t.size:
            raise Refused('%s has %d values, and %s has %d' % (shown(v), len(v), t.sql, t.size))
        return v
    return f


def pairs(t):
    def f(v):
        p = list(v.items()) if isinstance(v, dict) else v
        if not isinstance(p, list) or not all(isinstance(x, tuple) and len(x) == 2 for x in p):
            raise no(v, t.sql, 'give a dict')
        seen = set()
        for key, _ in p:
            if key is None:
                raise Refused('a key of %s is None' % shown(v))
            try:
                if key in seen:
                    raise Refused('%s has the key %s twice' % (shown(v), shown(key)))
                seen.add(key)
            except TypeError:  # a list or dict as a key
                pass
        return p
    return f


def build(vals, t, bad):
    """Arrow's array of Python's values. bad is told of each that is none of the type, by its place."""
    k = t.kind
    if k in ('LIST', 'ARRAY'):
        parts, ends, ok = inside(vals, t, bad, 'element', items(t))
        if k == 'ARRAY':
            where, n = [], 0
            for o in ok:
                where.append(n if o else None)
                n += t.size if o else 0
            full = parts if all(ok) else [x for w in where for x in (parts[w:w + t.size] if w is not None else [None] * t.size)]
            child = build(full, t.of[0], lambda j, text: bad(j // max(t.size, 1), 'element %d of the value: %s' % (j % t.size + 1, text)))
            return pa.FixedSizeListArray.from_arrays(child, type=t.pa, mask=mask(ok))
        child = build(parts, t.of[0], owner(ends, bad, 'element'))
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), child, type=t.pa, mask=mask(ok))
    if k == 'MAP':
        parts, ends, ok = inside(vals, t, bad, 'pair', pairs(t))
        at = owner(ends, bad, 'pair')
        keys = build([p[0] for p in parts], t.of[0], lambda j, text: at(j, 'the key: ' + text))
        rest = build([p[1] for p in parts], t.of[1], at)
        m = pa.MapArray.from_arrays(pa.array(ends, pa.int32()), keys, rest, type=t.pa)
        if all(ok):
            return m
        return pa.Array.from_buffers(t.pa, len(m), [pa.array(ok, pa.bool_()).buffers()[1], m.buffers()[1]], ok.count(False),
                                     children=[pa.StructArray.from_arrays([keys, rest], fields=[t.pa.key_field, t.pa.item_field])])
    if k == 'STRUCT':
        return struct_of(vals, t, bad)
    exact = EXACT.get(k)
    if exact is not None and set(map(type, vals)) <= exact | {NONE}:
        try:
            return pa.array(vals, pa.bool_()).cast(pa.int8()) if k == 'BOOLEAN' else pa.array(vals, t.pa)
        except (pa.ArrowException, OverflowError, ValueError, TypeError):
            pass  # which one is found below
    f, out = convert(t), []
    for i, v in enumerate(vals):
        if v is not None:
            try:
                v = f(v)
            except (Refused, OverflowError, ValueError) as e:
                bad(i, str(e))
                v = None
        out.append(v)
    if k == 'BOOLEAN':
        return pa.array(out, pa.bool_()).cast(pa.int8())
    if k in UNITS:
        return pa.array(out, pa.int64()).view(t.pa)
    try:
        return pa.array(out, t.pa)
    except (pa.ArrowException, OverflowError, ValueError, TypeError) as e:
        for i, v in enumerate(out):
            try:
                pa.array([v], t.pa)
            except (pa.ArrowException, OverflowError, ValueError, TypeError) as e:
                raise Bad(i, '%s is no %s: %s' % (shown(v), t.sql, e)) from None
        raise Bad(None, str(e)) from None


def struct_of(vals, t, bad):
    known, rows, ok = set(t.names), [], []
    for i, v in enumerate(vals):
        if hasattr(v, '_asdict'):
            v = v._asdict()
        if v is not None and not isinstance(v, dict):
            bad(i, str(no(v, t.sql, 'give a dict')))
            v = None
        elif v is not None and not known.issuperset(v):
            extra = next(x for x in v if x not in known)
            bad(i, '%s has the key %s, which %s has not' % (shown(v), shown(extra), t.sql))
            v = None
        ok.append(v is not None)
        rows.append(v or {})
    children = []
    for name, c in zip(t.names, t.of):
        children.append(build([r.get(name) for r in rows], c, lambda i, text, name=name: bad(i, '%s of the value: %s' % (name, text))))
    return pa.StructArray.from_arrays(children, fields=list(t.pa), mask=mask(ok))


def quick(a, t):
    """A result of numbers, texts or times as the type where a cast is exact or refused; None: it has to be looked at value by value."""
    k, have = t.kind, a.type
    is_ = pa.types
    if is_.is_dictionary(have):
        a = a.dictionary_decode()
        have = a.type
    number = is_.is_integer(have) or is_.is_floating(have)
    if k in INTS and number or k == 'DOUBLE' and number or k == 'DECIMAL' and (is_.is_integer(have) or is_.is_decimal(have)):
        return a.cast(t.pa)
    if k == 'FLOAT' and number:
        b = a.cast(t.pa)
        return b if pc.all(pc.equal(pc.is_inf(b), pc.is_inf(a.cast(pa.float64())))).as_py() is not False else None
    if k == 'BOOLEAN' and is_.is_boolean(have):
        return a.cast(pa.int8())
    if k in ('VARCHAR', 'ENUM') and (is_.is_string(have) or is_.is_large_string(have) or have == pa.string_view()):
        b = a.cast(pa.string())
        if t.allowed is not None and not pc.all(pc.or_kleene(pc.is_null(b), pc.is_in(b, pa.array(t.values, pa.string())))).as_py():
            return None
        return b
    if k in BYTES and (is_.is_binary(have) or is_.is_large_binary(have)):
        return a.cast(pa.binary())
    if k == 'TIMESTAMP WITH TIME ZONE' and is_.is_timestamp(have):
        return a.cast(pa.timestamp('us', have.tz)).view(pa.int64()).view(t.pa)
    if k in UNITS and is_.is_timestamp(have):
        return a.cast(pa.timestamp(t.pa.unit, have.tz)).view(pa.int64()).view(t.pa)
    if k == 'INTERVAL' and have == t.pa:
        return None
    return a if have == t.pa and k != 'JSON' else None


def fit(a, t, bad):
    """A result of Arrow's as the type."""
    if isinstance(a, pa.ChunkedArray):
        a = a.combine_chunks() if a.num_chunks != 1 else a.chunk(0)
        if isinstance(a, pa.ChunkedArray):
            a = pa.concat_arrays(a.chunks) if a.num_chunks else pa.array([], a.type)
    if isinstance(a, pa.ExtensionArray):
        a = a.storage.cast(pa.bool_()) if a.type.extension_name == 'arrow.bool8' else a.storage
    a.validate()
    if a.type == t.user and t.user != t.pa and t.kind != 'BOOLEAN':
        a = a.cast(t.pa)
    if a.type == t.pa and (t.kind in OPAQUE or t.kind in NESTED and untouched(t)):
        return a
    try:
        out = quick(a, t)
    except (pa.ArrowException, OverflowError):
        out = None
    if out is not None:
        return out
    if a.type == t.pa and t.kind in NESTED:
        return build(values(level(a), t), t, bad)
    return build(a.to_pylist(), t, bad)


def untouched(t):
    """All that Arrow's type can hold is a value of DuckDB's."""
    if t.of:
        return t.kind != 'MAP' and all(untouched(c) for c in t.of)
    return t.kind not in ('JSON', 'ENUM', 'BIT', 'BIGNUM', 'TIME WITH TIME ZONE', 'INTERVAL')


def level(a):
    """The array laid out from its first value on, here and below."""
    if started(a):
        return a
    return pa.array(a.to_pylist(), a.type) if len(a) == 0 else a.take(first(len(a)))


@functools.lru_cache(4)
def first(n):
    return pa.array(range(n), pa.int64())


def started(a):
    if a.offset:
        return False
    t = a.type
    if pa.types.is_struct(t):
        return all(len(a.field(i)) == len(a) and started(a.field(i)) for i in range(t.num_fields))
    if pa.types.is_map(t):
        return started(a.keys) and started(a.items)
    if pa.types.is_list(t) or pa.types.is_fixed_size_list(t):
        return started(a.values)
    return True


def emit(a, words, body, at):
    """Puts an array's buffers behind those that are there."""
    t = a.type
    buffers = a.buffers()
    count = 3 if pa.types.is_string(t) or pa.types.is_binary(t) else 1 if pa.types.is_struct(t) or pa.types.is_fixed_size_list(t) else 2
    words += (len(a), a.null_count, 0, count)
    for i, b in enumerate(buffers[:count]):
        if b is None or i == 0 and not a.null_count:
            words += (0, -1)
            continue
        words += (at, b.size)
        body.append(b)
        body.append(bytes(-b.size & 63))
        at += b.size + (-b.size & 63)
    if pa.types.is_struct(t):
        children = [a.field(i) for i in range(t.num_fields)]
    elif pa.types.is_map(t):
        children = [pa.StructArray.from_arrays([a.keys, a.items], fields=[t.key_field, t.item_field])]
    elif pa.types.is_list(t) or pa.types.is_fixed_size_list(t):
        children = [a.values]
    else:
        children = []
    for c in children:
        at = emit(c, words, body, at)
    return at


# ------------------------------------------------------------------------------------------------------------- the functions
class Sources(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Modules whose text came with a function."""

    def __init__(self):
        self.texts = {}

    def find_spec(self, name, path=None, target=None):
        if name not in self.texts:
            return None
        file, _, package = self.texts[name]
        spec = importlib.machinery.ModuleSpec(name, self, origin=file, is_package=package)
        spec.has_location = True
        if package:
            spec.submodule_search_locations = [os.path.dirname(file)]
        return spec

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        file, text, _ = self.texts[module.__name__]
        remember(file, text, 1)
        exec(compile(text, file, 'exec', dont_inherit=True), module.__dict__)


def remember(file, text, line):
    """Has tracebacks show the lines."""
    known = linecache.cache.get(file)
    lines = list(known[2]) if known and line > 1 else []
    new = text.splitlines(True)
    lines += ['\n'] * (line - 1 + len(new) - len(lines))
    lines[line - 1:line - 1 + len(new)] = new
    linecache.cache[file] = (sum(map(len, lines)), None, lines, file)


SOURCES = Sources()


class Failed(Exception):
    """An error to answer with."""

    def __init__(self, **what):
        self.what = what


def failure(kind, e, **more):
    """What went wrong in the user's code, without the frames that are the worker's."""
    tb = e.__traceback__
    while tb is not None and tb.tb_frame.f_code.co_filename == HERE:
        tb = tb.tb_next
    text = traceback.TracebackException(type(e), e, tb, limit=50)
    frames = [[f.filename, f.lineno or 0, f.name, getattr(f, 'colno', None), getattr(f, 'end_colno', None)
               if getattr(f, 'end_lineno', None) == f.lineno else None]
              for f in text.stack if not f.filename.startswith('<frozen')]
    what = ''.join(traceback.format_exception_only(type(e), e)).strip()
    if isinstance(e, SyntaxError):
        what = 'SyntaxError: ' + str(e.msg) if type(e) is SyntaxError else '%s: %s' % (type(e).__name__, e.msg)
        frames.append([e.filename or '', e.lineno or 0, '', (e.offset or 1) - 1, (e.end_offset or 0) - 1 if hasattr(e, 'end_offset') else None])
    if 'read-only' in what:
        more['hint'] = 'arguments are read-only: work on a copy, x = x.copy()'
    if isinstance(e, ModuleNotFoundError):
        more['module'] = e.name
    return Failed(kind=kind, text=what[:4000], traceback=''.join(text.format())[-8000:], frames=frames, memory=isinstance(e, MemoryError), **more)


STYLES = {('numpy', 'ndarray'): 'numpy', ('pandas.core.series', 'Series'): 'pandas', ('pandas', 'Series'): 'pandas'}


def style_of(hint):
    if isinstance(hint, str):
        return {'Series': 'pandas', 'ndarray': 'numpy', 'NDArray': 'numpy', 'Array': 'arrow', 'ChunkedArray': 'arrow'}.get(
            hint.split('[')[0].split('.')[-1].strip())
    origin = getattr(hint, '__origin__', None)  # numpy.typing.NDArray[float]
    hint = origin if isinstance(origin, type) else hint
    if not isinstance(hint, type):
        return None
    for c in hint.__mro__:
        if issubclass(c, (pa.Array, pa.ChunkedArray)):
            return 'arrow'
        s = STYLES.get((c.__module__, c.__name__))
        if s:
            return s
    return None


class Function:
    def __init__(self, d):
        self.name = d['name']
        self.params = [Type(t) for t in d['params']]
        self.names = d['names']
        self.returns = Type(d['returns'])
        for name, text in (d.get('modules') or {}).items():
            SOURCES.texts[name] = text
        for folder in reversed(d['path']):
            if folder not in sys.path:
                sys.path.insert(0, folder)
        try:
            if d.get('module'):
                space = vars(importlib.import_module(d['module']))
            else:
                space = self.inline(d)
        except BaseException as e:
            raise failure('load', e) from None
        entry = d['entry']
        f = space.get(entry)
        if not callable(f):
            there = [k for k, v in space.items() if callable(v) and not k.startswith('_') and getattr(v, '__module__', '') == space['__name__']]
            raise Failed(kind='entry', text='there is no function %s in it' % entry, names=there)
        self.f = f
        self.style = self.find_style()
        self.to = {'numpy': as_numpy, 'pandas': as_pandas, 'arrow': as_arrow, 'row': values}[self.style]

    def inline(self, d):
        text, line = d['text'], d['line']
        first = next((x for x in text.splitlines() if x.strip()), '')
        if first[:1].isspace():
            text = textwrap.dedent(text)
        module = types.ModuleType(d['stem'])
        module.__file__, module.DATA = d['file'], d.get('data')
        sys.modules.setdefault(d['stem'], module)
        remember(d['file'], d['text'], line)
        exec(compile('\n' * (line - 1) + text, d['file'], 'exec', dont_inherit=True), module.__dict__)
        return module.__dict__

    def find_style(self):
        try:
            sig = inspect.signature(self.f)
            sig.bind(*self.params)
        except TypeError as e:
            raise Failed(kind='signature', text='the function can\'t be called with %s: %s' % (
                '%d arguments' % len(self.params) if len(self.params) != 1 else 'one argument', e)) from None
        except ValueError:  # a function in C tells no signature
            return 'row'
        hints = [p.annotation for p in sig.parameters.values() if p.annotation is not p.empty]
        found = {s for s in map(style_of, hints) if s}
        if len(found) > 1:
            raise Failed(kind='signature', text='its annotations ask for %s at once: one of them is for all parameters' % ' and '.join(sorted(found)))
        return found.pop() if found else 'row'

    def arguments(self, columns, row):
        """A row's arguments as they are shown."""
        out = []
        for name, t, a in zip(self.names, self.params, columns):
            try:
                v = values(a.slice(row, 1).take(pa.array([0])), t)[0]
                out.append('%s = %s' % (name, 'NULL' if v is None else shown(v)))
            except Exception:
                out.append('%s = ?' % name)
        return out

    def convert(self, columns):
        out = []
        for name, t, a in zip(self.names, self.params, columns):
            try:
                out.append(self.to(a, t))
            except Bad as e:
                raise Failed(kind='argument', row=e.row, text='%s is %s' % (name, e.text)) from None
        return out

    def call(self, columns, n, skip):
        """The values for n rows, and with skip the rows that have none: [row, why]."""
        if self.style == 'row':
            return self.rows(columns, n, skip)
        a, failed = self.tried(columns, n, skip)
        if failed is None:
            return a
        if not skip:
            raise self.where(columns, n, failed) if failed.what['kind'] == 'raised' and n > 1 else failed
        if n == 1:
            return build([None], self.returns, None), [[0, failed.what['text'], failed.what]]
        half = n // 2
        a, bad = self.call([c.slice(0, half).take(pa.array(range(half))) for c in columns], half, True)
        b, more = self.call([c.slice(half).take(pa.array(range(n - half))) for c in columns], n - half, True)
        return pa.concat_arrays([a, b]), bad + [[i + half, text, what] for i, text, what in more]

    def tried(self, columns, n, skip):
        """What batch gives, or its error; outside of the handling of another."""
        try:
            return self.batch(columns, n, skip), None
        except Failed as e:
            return None, e

    def where(self, columns, n, e):
        """The error with the row that it comes of, found by halves: where there is one that alone fails."""
        start, end = 0, n
        while end - start > 1:
            mid = (start + end) // 2
            for first, behind in ((start, mid), (mid, end)):
                k = behind - first
                _, found = self.tried([c.slice(first, k).take(pa.array(range(k))) for c in columns], k, False)
                if found is not None and found.what['kind'] == e.what['kind']:
                    start, end, last = first, behind, found
                    break
            else:
                return e
        last.what['row'] = start
        return last

    def batch(self, columns, n, skip):
        args = self.convert(columns)
        try:
            r = self.f(*args)
        except BaseException as e:
            raise failure('raised', e) from None
        return self.take(r, n, skip)

    def take(self, r, n, skip):
        """A batch function's result as the type's array."""
        t, bads = self.returns, {}

        def bad(i, text):
            if not skip:
                raise Bad(i, text)
            bads.setdefault(i, text)
        try:
            a = self.result(r, n, bad)
        except Bad as e:
            raise Failed(kind='returned', text=e.text, **({} if e.row is None else {'row': e.row})) from None
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as e:
            raise Failed(kind='returned', text='its result is no %s: %s' % (t.sql, e)) from None
        if bads:
            a = self.nulls(a, bads)
        return a, [[i, text, {'kind': 'returned', 'text': text, 'row': i}] for i, text in sorted(bads.items())]

    def nulls(self, a, bads):
        keep = [None if i in bads else i for i in range(len(a))]
        return a.take(pa.array(keep, pa.int64()))

    def result(self, r, n, bad):
        t = self.returns
        kind = type(r).__name__
        pandas = self.style == 'pandas'
        if isinstance(r, (str, bytes, dict)) or not hasattr(r, '__len__'):
            raise Bad(None, 'it gives one %s and not as many values as it has rows: %s' % (kind, shown(r)))
        if len(r) != n and not (kind == 'DataFrame'):
            raise Bad(None, 'it gives %d values for %d rows' % (len(r), n))
        if isinstance(r, (pa.Array, pa.ChunkedArray)):
            return fit(r, t, bad)
        if kind == 'DataFrame' and t.kind == 'STRUCT':
            return self.frame(r, n, bad)
        if kind in ('Series', 'Index', 'DatetimeIndex', 'Categorical') or hasattr(r, 'to_numpy') and hasattr(r, 'dtype'):
            if not (np is not None and isinstance(r.dtype, np.dtype)):
                return fit(pa.array(r, from_pandas=True), t, bad)
            if r.dtype == object:
                import pandas as pd
                return build([None if v is None or v is pd.NA or v is pd.NaT or isinstance(v, float) and v != v else v for v in r.tolist()], t, bad)
            r = r.to_numpy()
        if np is not None and isinstance(r, np.ndarray) and r.ndim == 1 and r.dtype.kind in 'iufbM':
            if r.dtype.kind == 'u' or r.dtype.byteorder not in '=|':
                r = r.astype(r.dtype.newbyteorder('='))
            if r.dtype == np.float16:
                r = r.astype(np.float32)
            if r.dtype.kind == 'M' and r.dtype.str[3:] not in ('[D]', '[s]', '[ms]', '[us]', '[ns]'):
                return build(list(r), t, bad)
            if r.dtype.kind == 'f' and r.dtype.itemsize > 8:
                return build(r.tolist(), t, bad)
            return fit(pa.array(r, from_pandas=pandas or r.dtype.kind == 'M'), t, bad)
        if np is not None and isinstance(r, np.ndarray):
            return build([None if isinstance(v, np.datetime64) and np.isnat(v) else v for v in (list(r) if r.ndim > 1 else r.tolist())], t, bad)
        return build([None if pandas and isinstance(v, float) and v != v else v for v in r], t, bad)

    def frame(self, r, n, bad):
        """A DataFrame for a STRUCT: a column a field."""
        t = self.returns
        if len(r) != n:
            raise Bad(None, 'it gives %d rows for %d' % (len(r), n))
        for c in r.columns:
            if c not in t.names:
                raise Bad(None, 'its DataFrame has the column %s, which %s has not' % (shown(c), t.sql))
        children = []
        for name, c in zip(t.names, t.of):
            part = Function.__new__(Function)
            part.returns, part.style = c, 'pandas'
            children.append(level(part.result(r[name], n, bad)) if name in r.columns else pa.nulls(n, c.pa))
        return pa.StructArray.from_arrays(children, fields=list(t.pa))

    def rows(self, columns, n, skip):
        cols, f = self.convert(columns), self.f
        bads = []
        if not skip:
            first = iter(cols[0] if cols else range(n))
            try:
                out = list(map(f, first, *cols[1:])) if cols else [f() for _ in first]
            except BaseException as e:
                raise self.at(failure('raised', e), n - operator.length_hint(first) - 1) from None
        else:
            out = []
            for i, row in enumerate(zip(*cols) if cols else [()] * n):
                try:
                    out.append(f(*row))
                except BaseException as e:
                    what = failure('raised', e, row=i).what
                    bads.append([i, what['text'], what])
                    out.append(None)
        later = {}

        def bad(i, text):
            if not skip:
                raise Bad(i, text)
            later.setdefault(i, text)
        try:
            a = build(out, self.returns, bad)
        except Bad as e:
            raise self.at(Failed(kind='returned', text=e.text), e.row) from None
        if later:
            a = self.nulls(a, later)
            bads += [[i, text, {'kind': 'returned', 'text': text, 'row': i}] for i, text in later.items()]
        return a, sorted(bads, key=lambda b: b[0])

    def at(self, e, row):
        if row is not None:
            e.what['row'] = row
        return e


# ------------------------------------------------------------------------------------------------------------------ the pipe
REQUESTS, ANSWERS, HEAD = 3, 4, struct.Struct('=8q')
LOAD, CALL = 1, 2
SKIP = 1
FUNCTIONS, PID = {}, os.getpid()
CALLS = 0  # CPU that calls took


def read(n):
    b = bytearray(n)
    view, at = memoryview(b), 0
    while at < n:
        got = os.readv(REQUESTS, [view[at:]])
        if got == 0:
            flush()
            os._exit(0)
        at += got
    return b


def flush():
    for f in (sys.stdout, sys.stderr):
        try:
            f.flush()
        except Exception:
            pass


def write(parts):
    data = memoryview(b''.join(parts))
    at = 0
    while at < len(data):
        at += os.write(ANSWERS, data[at:])


def answer(status, rows=0, words=(), body=(), size=0, text=None, cpu=0, idle=0):
    flush()
    if os.getpid() != PID:  # a function forked, and both come back
        os._exit(0)
    j = b'' if text is None else json.dumps(text).encode()
    write([HEAD.pack(status, rows, len(words), size, len(j), cpu, idle, 0), struct.pack('=%dq' % len(words), *words), *body, j])


def load(d):
    f = FUNCTIONS[d['id']] = Function(d)
    answer(0, text={'style': f.style}, cpu=time.process_time_ns() - CALLS)


def queued():
    """How long this process has waited for a processor, in ns; 0 where the system doesn't say."""
    try:
        with open('/proc/self/schedstat') as f:
            return int(f.read().split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def call(ident, rows, chunks, words, size, flags):
    began = time.process_time_ns()
    w = iter(struct.unpack('=%dq' % words, read(8 * words)))
    body = pa.py_buffer(read(size))
    f = FUNCTIONS[ident]
    parts = []
    for _ in range(chunks):
        base = next(w)
        parts.append([column(t, w, body, base) for t in f.params])
    columns = parts[0] if chunks == 1 else [pa.concat_arrays(c) for c in zip(*parts)]
    lengths = [rows] if chunks == 1 else [len(p[0]) for p in parts]
    at = time.monotonic_ns() - time.process_time_ns() - queued()
    try:
        a, bads = f.call(columns, rows, flags & SKIP)
    except Failed as e:
        if e.what.get('row') is not None:
            e.what['arguments'] = f.arguments(columns, e.what['row'])
        raise
    idle = max(0, time.monotonic_ns() - time.process_time_ns() - queued() - at)  # it slept, or waited for another
    bads = [[i, text] for i, text, _ in bads]
    heads, words, body, size, at = [], [], [], 0, 0
    for n in lengths:  # a piece a chunk, whose buffers are told from where its own begin
        told = []
        more = emit(level(a if chunks == 1 else a.slice(at, n)), told, body, 0)
        heads += (len(told), size, size + more)
        words += told
        size, at = size + more, at + n
    global CALLS
    cpu = time.process_time_ns() - began
    CALLS += cpu
    answer(0, rows, heads + words, body, size, text={'failed': bads} if bads else None, cpu=cpu, idle=idle)


def in_child():
    """A process that a function forks must not answer in its place."""
    for fd in (REQUESTS, ANSWERS):
        os.close(fd)


def main():
    sys.argv = ['']
    sys.path[:] = [p for p in sys.path if p]
    sys.meta_path.insert(0, SOURCES)
    os.register_at_fork(after_in_child=in_child)
    answer(0, text={'python': sys.version.split()[0], 'executable': sys.executable, 'pyarrow': pa.__version__})
    while True:
        op, ident, rows, chunks, words, size, text, flags = HEAD.unpack(read(HEAD.size))
        try:
            if op == LOAD:
                load(json.loads(read(text)))
            else:
                call(ident, rows, chunks, words, size, flags)
        except Failed as e:
            answer(-1, text=e.what)
        except MemoryError as e:
            answer(-1, text=failure('raised', e).what)
        except Exception as e:  # of the worker's own: with all its frames
            answer(-1, text={'kind': 'worker', 'text': ''.join(traceback.format_exception_only(type(e), e)).strip(),
                             'traceback': traceback.format_exc()[-8000:], 'frames': []})


main()
