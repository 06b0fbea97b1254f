"""What must come of the demo's files, computed from the files alone, as naively as possible and without dsql: strict reading by Python's
json and csv, pipeline.sql's rules by hand, journals by folding sorted events, scores by the lightgbm library.

    python3 demo/make/expect.py     # rewrites demo/testdata/expected.json

expected.json: counts by name; `bad`, every rejected line as [file, line, reason's code, rule]; `files`, records, bad, rejected and dropped of each
file and what was measured of it; `risk`, every eleventh score by flight, to compare to 1e-12; `answers`, SQL that gives one value in the
finished database, with that value as text."""
import csv
import glob
import hashlib
import json
import math
import os
from collections import Counter, defaultdict
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation

import duckdb
import lightgbm
import pandas as pd

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FILES = HOME + '/files'
FEATURES = ['dep_delay', 'distance', 'hour', 'weekday', 'wind_speed', 'precip', 'visib']
FLIGHT = dict(flight_id=str, status=str, carrier=str, flight=int, tailnum=str, origin=str, dest=str, sched_dep=datetime,
              dep_delay=float, arr_delay=float, distance=int, hour=int, seen_at=datetime)
PLANE = dict(tailnum=str, op=str, year=int, manufacturer=str, model=str, seats=int, engines=int, air_minutes=int, updated_at=datetime)


# ---- reading without loss: a ValueError (json's and Unicode's are ones too) is a bad record

def convert(value, kind):
    if value is None:
        return None
    if kind is str:
        value if isinstance(value, str) else fail(value)
        value.encode()  # half a surrogate pair is no text
        return value
    if kind is datetime:
        t = datetime.fromisoformat(value if isinstance(value, str) else fail(value))
        return t.astimezone(timezone.utc).replace(tzinfo=None) if t.tzinfo else t
    try:
        number = Decimal(value)
    except InvalidOperation:
        fail(value)
    if kind is int:
        return int(number) if number == number.to_integral_value() and -2**31 <= number < 2**31 else fail(value)
    return float(number) if math.isfinite(float(number)) else fail(value)


def fail(value):
    raise ValueError(f'{value!r} does not convert')


def read_json(line):
    record = json.loads(line.decode(), parse_float=Decimal, parse_constant=fail)
    if not isinstance(record, dict):
        fail(record)
    return {c: convert(record.get(c), kind) for c, kind in FLIGHT.items()}


def read_csv(line, header):
    fields = next(csv.reader([line.decode()]))
    if len(fields) != len(header):
        fail(line)
    return {c: convert(v or None, PLANE[c]) for c, v in zip(header, fields)}


# ---- a journal: a function of the set of accepted events

class Journal:
    def __init__(self, key, sequence, columns, tracked=None):
        self.key, self.sequence, self.columns, self.tracked = key, sequence, columns, tracked or columns
        self.events, self.repeats = defaultdict(dict), set()  # key → {sequence: (deleted, image)}

    def take(self, row, deleted=False):
        """None, or the code of a rejection."""
        k, s = row[self.key], row[self.sequence]
        if k is None: return 'null_key'
        if s is None: return 'null_sequence'
        image = deleted, tuple(row[c] for c in self.columns)
        if (k, s, image) in self.repeats: return None
        self.repeats.add((k, s, image))
        if s in self.events[k]: return 'sequence_conflict'
        self.events[k][s] = image
        return None

    def history(self):
        """Every version: key, columns, valid_from, valid_to."""
        out = []
        for k, events in self.events.items():
            current = None
            for s, (deleted, image) in sorted(events.items(), key=lambda e: e[0]):
                row = dict(zip(self.columns, image))
                if current and not deleted and all(current[c] == row[c] for c in self.tracked):
                    current.update(row)
                    continue
                if current:
                    out.append(dict(current, valid_to=s))
                current = None if deleted else {self.key: k, **row, 'valid_from': s, 'valid_to': None}
            if current:
                out.append(current)
        return sorted(out, key=lambda v: (v[self.key], v['valid_from']))

    def state(self):
        return {v[self.key]: v for v in self.history() if v['valid_to'] is None}


def as_of(history, t):
    return [v for v in history if v['valid_from'] <= t and (v['valid_to'] is None or t < v['valid_to'])]


def changes(before, after):
    """The counts of change_type between two states: keys and columns, whatever the time since when."""
    before, after = ({k: dict(v, valid_from=None) for k, v in s.items()} for s in (before, after))
    n = Counter(insert=len(after.keys() - before.keys()), delete=len(before.keys() - after.keys()))
    n['update_before'] = n['update_after'] = sum(before[k] != after[k] for k in before.keys() & after.keys())
    return n


# ---- the pipeline

def planes_of(reject, files):
    planes = Journal('tailnum', 'updated_at', [c for c in PLANE if c not in ('tailnum', 'op', 'updated_at')],
                     ['year', 'manufacturer', 'model', 'seats', 'engines'])
    changed, state = Counter(), None
    for path in sorted(glob.glob(FILES + '/in/planes/*.csv')):
        name, n = os.path.basename(path), Counter()
        with open(path, 'rb') as f:
            head, *lines = f.read().splitlines()
        for number, line in enumerate(lines, 2):
            n['records'] += 1
            try:
                row = read_csv(line, head.decode().split(','))
            except ValueError:
                n['bad'] += 1
                reject(name, number, 'bad_record')
                continue
            code = planes.take(row, row['op'] == 'd')
            if code:
                n['rejected'] += 1
                reject(name, number, code)
        if state is not None:
            changed += changes(state, planes.state())
        state = planes.state()
        files[name] = dict(records=n['records'], bad=n['bad'], rejected=n['rejected'])
    return planes, changed


def rules(row):
    """The cleansed row, and what the first broken rule does with it."""
    row = dict(row, carrier=row['carrier'] and row['carrier'].strip().upper())
    if row['status'] == 'heartbeat': return row, 'dropped', 'no_heartbeat'
    if row['origin'] not in (None, 'EWR'): raise SystemExit('a flight from elsewhere would stop the run')
    if row['flight_id'] is None: return row, 'rejected', 'has_id'
    if row['dep_delay'] is not None and not -120 <= row['dep_delay'] <= 3000: return row, 'rejected', 'sane'
    return row, 'written', None


def events_of(reject, files, planes):
    events = []
    for path in sorted(glob.glob(FILES + '/in/flights/*.jsonl')):
        name, n, rows = os.path.basename(path), Counter(), []
        with open(path, 'rb') as f:
            lines = f.read().split(b'\n')
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            n['records'] += 1
            try:
                row, outcome, rule = rules(read_json(line))
            except ValueError:
                n['bad'] += 1
                reject(name, number, 'bad_record')
                continue
            n[outcome] += 1
            if outcome == 'written':
                rows.append(row)
            elif outcome == 'rejected':
                reject(name, number, 'constraint', rule)
        departed = [r for r in rows if r['status'] == 'departed']
        seats = [planes[r['tailnum']]['seats'] for r in departed if r['dep_delay'] > 60 and r['tailnum'] in planes]
        cancelled = sum(r['status'] == 'cancelled' for r in rows)
        files[name] = dict(records=n['records'], bad=n['bad'], rejected=n['rejected'], dropped=n['dropped'], written=n['written'],
                           no_plane=sum(r['tailnum'] is None for r in rows), departed=len(departed), cancelled=cancelled,
                           mean_delay=round(sum(r['dep_delay'] for r in departed) / len(departed), 6), seats_late=sum(seats) if seats else None,
                           cancellations='pass' if cancelled <= 0.05 * len(departed) else 'warn')
        events += rows
    return events


def risks(departed):
    model = lightgbm.Booster(model_file=FILES + '/models/late.txt')
    hours = duckdb.sql(f"SELECT * FROM '{FILES}/in/weather/*.parquet'").df()
    x = pd.DataFrame(departed)
    x['time_hour'] = x.sched_dep.dt.floor('h').astype(hours.time_hour.dtype)
    x['weekday'] = x.sched_dep.dt.day_of_week + 1
    x = x.merge(hours, on=['origin', 'time_hour'], how='left')
    return model.predict(x[FEATURES].astype(float), num_threads=1)


def auc(late, risk):
    """By ranks, ties counted half."""
    r, n = pd.Series(risk).rank(), sum(late)
    return (r[pd.Series(late)].sum() - n * (n + 1) / 2) / (n * (len(late) - n))


# ---- what SQL must say

def digest(rows):
    """As md5(string_agg(concat_ws('|', …), chr(10) ORDER BY all)) has it, with NULL as '-'."""
    lines = sorted('|'.join('-' if v is None else str(v) for v in row) for row in rows)
    return hashlib.md5('\n'.join(lines).encode()).hexdigest()


def digest_sql(table, columns):
    row = "concat_ws('|', %s)" % ', '.join(f"coalesce({c}::VARCHAR, '-')" for c in columns)
    return f"SELECT md5(string_agg({row}, chr(10) ORDER BY {row})) FROM {table}"


def main():
    bad, files = [], {}

    def reject(file, line, code, rule=None):
        bad.append([file, line, code, rule])
    planes, planes_changed = planes_of(reject, files)
    planes_now, planes_history = planes.state(), planes.history()
    events = events_of(reject, files, planes_now)
    flights = Journal('flight_id', 'seen_at', [c for c in FLIGHT if c not in ('flight_id', 'seen_at')])
    conflicts = sum(flights.take(e) is not None for e in events)
    scores = Journal('flight_id', 'seen_at', ['risk'])
    departed = [e for e in events if e['status'] == 'departed']
    for e, r in zip(departed, risks(departed)):
        if scores.take(dict(e, risk=float(r))):
            raise SystemExit('a score is in conflict')
    now, history = flights.state(), flights.history()
    risk = {k: v['risk'] for k, v in sorted(scores.state().items())}
    arrived = [k for k in risk if now[k]['arr_delay'] is not None]
    quality = auc([now[k]['arr_delay'] > 15 for k in arrived], [risk[k] for k in arrived])
    noon = Counter(v['status'] for v in as_of(history, datetime(2013, 7, 10, 12)))
    lines = {kind: sum(f['records'] for name, f in files.items() if name.endswith(kind)) for kind in ('.csv', '.jsonl')}
    flight_files = {name: f for name, f in sorted(files.items()) if name.endswith('.jsonl')}

    answers = {}

    def answer(sql, value):
        answers[sql] = str(value)

    def list_of(sql, values):
        answer(f'SELECT string_agg(x, chr(10) ORDER BY x) FROM ({sql}) t(x)', '\n'.join(sorted(values)))
    for source, kind in (('plane_events', '.csv'), ('flight_events', '.jsonl')):
        list_of(f"SELECT concat_ws(' ', parse_filename(origin), rows_in, bad) FROM dsql.version_rows WHERE name = '{source}'",
                [f"{name} {f['records']} {f['bad']}" for name, f in files.items() if name.endswith(kind)])
    list_of("SELECT concat_ws(' ', parse_filename(origin), written, rejected, dropped) FROM dsql.version_rows WHERE name = 'events'",
            [f"{name} {f['written']} {f['rejected']} {f['dropped']}" for name, f in flight_files.items()])
    list_of("SELECT concat_ws(' ', parse_filename(meta.file), meta.line, split_part(reason, ':', 1), rule) FROM dsql.rejects WHERE destination IS DISTINCT FROM 'flights'",
            [' '.join(str(x) for x in b if x is not None) for b in bad])
    answer("SELECT count(*) FROM dsql.rejects WHERE destination = 'flights' AND reason LIKE 'sequence_conflict: %'", conflicts)
    answer("SELECT count(*) FROM dsql.rejects WHERE payload IS NULL AND destination IS DISTINCT FROM 'flights'", 0)
    for metric in ('departed', 'cancelled', 'seats_late', 'mean_delay'):
        value = 'round(m.value, 6)::DECIMAL(18, 6)' if metric == 'mean_delay' else 'm.value::BIGINT'
        list_of(f"SELECT concat_ws(' ', parse_filename(r.origin), {value}) FROM dsql.metrics m JOIN dsql.version_rows r ON r.version = m.version AND r.name = m.destination WHERE m.metric = '{metric}'",
                [name + ('' if f[metric] is None else f' {f[metric]:.6f}' if metric == 'mean_delay' else f' {f[metric]}') for name, f in flight_files.items()])
    list_of("SELECT concat_ws(' ', parse_filename(r.origin), c.verdict) FROM dsql.checks c JOIN dsql.version_rows r ON r.version = c.version AND r.name = c.destination WHERE c.name = 'cancellations'",
            [f"{name} {f['cancellations']}" for name, f in flight_files.items()])
    answer('SELECT count(*) FROM events', len(events))
    list_of("SELECT concat_ws(' ', status, count(*)) FROM flights GROUP BY status", [f'{s} {n}' for s, n in Counter(v['status'] for v in now.values()).items()])
    list_of("SELECT concat_ws(' ', status, count(*)) FROM flights_as_of(TIMESTAMP '2013-07-10 12:00:00') GROUP BY status", [f'{s} {n}' for s, n in noon.items()])
    list_of("SELECT concat_ws(' ', change_type, count(*)) FROM planes_changes(1, 5) GROUP BY change_type", [f'{c} {n}' for c, n in planes_changed.items() if n])
    answer('SELECT count(*) FROM planes', len(planes_now))
    answer('SELECT count(*) FROM planes_history', len(planes_history))
    answer('SELECT count(*) FROM flights_history', len(history))
    answer('SELECT count(*) FROM scores', len(risk))
    plane = ['tailnum', 'year', 'manufacturer', 'model', 'seats', 'engines', 'air_minutes', 'valid_from', 'valid_to']
    answer(digest_sql('planes_history', plane), digest([v[c] for c in plane] for v in planes_history))
    whole = ['flight', 'distance', 'hour']  # and the delays, as whole numbers
    flight = ['flight_id', 'status', 'carrier', 'tailnum', 'origin', 'dest', 'sched_dep', 'valid_from', 'valid_to'] + whole
    delays = ['dep_delay', 'arr_delay']
    answer(digest_sql('flights_history', flight + [d + '::INTEGER' for d in delays]),
           digest([v[c] for c in flight] + [None if v[d] is None else int(v[d]) for d in delays] for v in history))

    expected = dict(flight_lines=lines['.jsonl'], plane_lines=lines['.csv'], events=len(events), flights=len(now), flights_history=len(history),
                    planes=len({v['tailnum'] for v in planes_history}), planes_now=len(planes_now), planes_history=len(planes_history),
                    scores=len(risk), conflicts=conflicts, auc=round(quality, 4), bad=bad, files=files,
                    risk={k: risk[k] for k in list(risk)[::11]}, answers=answers)
    os.makedirs(HOME + '/testdata', exist_ok=True)
    with open(HOME + '/testdata/expected.json', 'w', encoding='utf-8', newline='\n') as out:
        json.dump(expected, out, indent=1)
        out.write('\n')
    print(', '.join(f'{k} {v}' for k, v in expected.items() if not isinstance(v, (dict, list))))


if __name__ == '__main__':
    main()
