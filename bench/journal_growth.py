#!/usr/bin/env python3
"""A batch into a history that grows: 100,000 changes, clustered and random keys, into 1, 5 and 20 million rows, and 100 into 5 million.

    pip install duckdb==1.5.6
    bench/journal_growth.py FOLDER [--rounds 3] [--dsql bin/dsql] [--sizes 1,5,20]

The histories, four versions a key, are written by dsql into FOLDER, once (some 1.5 GB). Each round copies each and takes one batch in, the
sizes in turn, with DuckDB's own limits. Prints medians of the batch, as dsql tells it in its events, and of the whole process, the peak
memory of the process, and the ratio to the smallest history."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

import duckdb

SCRIPT = """CREATE SOURCE ev (id BIGINT, name VARCHAR, city VARCHAR, tier VARCHAR, balance DOUBLE, score INTEGER, ts TIMESTAMP) FROM FILES ('in/*.parquet');
CREATE JOURNAL j KEYS (id) SEQUENCE BY ts COLUMNS * EXCEPT (ts) FROM ev;
"""
VERSIONS = 4


def events(path, ids, version):
    """Events of the keys that a query gives, one each; every version has other values and a later time."""
    duckdb.sql(f"""COPY (SELECT id, 'name_' || ((id * 7919) % 1000003) AS name, ['Oslo', 'Lima', 'Pune', 'Kyiv'][1 + (id + {version}) % 4] AS city, ['free', 'pro'][1 + id % 2] AS tier,
        ((id * 7919 + {version} * 104729) % 1000000) / 100 AS balance, ((id + {version}) % 1000)::INTEGER AS score, TIMESTAMP '2025-01-01' + INTERVAL ({version}) DAY AS ts FROM ({ids}) t(id)) TO '{path}'""")


def base(o, millions):
    """A folder with the script and the file of a history."""
    folder = f'{o.folder}/{millions}m'
    if os.path.exists(folder + '/ready'):
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder + '/in')
    with open(folder + '/j.sql', 'w') as f:
        f.write(SCRIPT)
    keys = millions * 1_000_000 // VERSIONS
    step = min(keys, 250_000)
    for v in range(VERSIONS):
        for at in range(0, keys, step):
            events(f'{folder}/in/{v}_{at:09d}.parquet', f'FROM range({at}, {at + step})', v)
    run(o, folder)
    # When the file is closed next DuckDB merges the small row groups that a load leaves, once: that isn't the cost of a batch.
    events(f'{folder}/in/{VERSIONS}.parquet', f'FROM range({keys - 1000}, {keys})', VERSIONS)
    run(o, folder)
    shutil.rmtree(folder + '/in')
    os.makedirs(folder + '/in')
    open(folder + '/ready', 'w').close()
    return folder


def run(o, folder):
    """Seconds of the last batch, seconds and peak MB of the process."""
    began = time.perf_counter()
    with open(folder + '/events.jsonl', 'wb') as log:
        p = subprocess.Popen([o.dsql, 'run', '--events', 'jsonl', 'j.sql'], cwd=folder, stdout=log, stderr=log)
        _, status, ru = os.wait4(p.pid, 0)
    took = time.perf_counter() - began
    lines = [json.loads(line) for line in open(folder + '/events.jsonl')]
    if status:
        sys.exit(str(lines[-2:]))
    return [x['seconds'] for x in lines if x['event'] == 'version'][-1], took, ru.ru_maxrss / 1024


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('folder')
    a.add_argument('--rounds', type=int, default=3)
    a.add_argument('--dsql', default='bin/dsql')
    a.add_argument('--sizes', default='1,5,20')
    o = a.parse_args()
    o.dsql, o.folder = os.path.abspath(o.dsql), os.path.abspath(o.folder)
    sizes = [int(s) for s in o.sizes.split(',')]
    jobs = [(what, m) for what in ('clustered', 'random') for m in sizes] + [('100 random', 5)]
    for m in {m for _, m in jobs}:
        base(o, m)
    got = {j: [] for j in jobs}
    for what, m in jobs:
        keys = m * 1_000_000 // VERSIONS
        ids = f'FROM range({keys // 2}, {keys // 2 + 100_000})' if what == 'clustered' else f"SELECT DISTINCT (i * 7919 * 104729 + i * i * 31) % {keys} FROM range({120_000 if what == 'random' else 105}) t(i) LIMIT {100_000 if what == 'random' else 100}"
        events(f'{o.folder}/{what}_{m}.parquet', ids, VERSIONS + 1)
    print('load %s' % open('/proc/loadavg').read().split()[0])
    for _ in range(o.rounds):
        for what, m in jobs:
            work = o.folder + '/run'
            shutil.rmtree(work, ignore_errors=True)
            shutil.copytree(base(o, m), work)
            shutil.copy(f'{o.folder}/{what}_{m}.parquet', work + '/in/new.parquet')
            got[what, m].append(run(o, work))
    for what, m in jobs:
        batch, process, peak = (statistics.median(x[i] for x in got[what, m]) for i in range(3))
        first = [statistics.median(x[i] for x in got[what, sizes[0]]) for i in range(2)] if (what, sizes[0]) in got else [batch, process]
        print('%-10s into %2d M rows: batch %.3f s (x %.2f), process %.2f s (x %.2f), peak %.0f MB' % (what, m, batch, batch / first[0], process, process / first[1], peak))
    shutil.rmtree(o.folder + '/run')


if __name__ == '__main__':
    main()
