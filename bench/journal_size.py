#!/usr/bin/env python3
"""What a journal costs on disk: a million rows, then 50 batches of 1 % changes, beside a minimal table of the same history.

    pip install duckdb==1.5.6
    bench/journal_size.py FOLDER [--dsql bin/dsql] [--batches 50]

Once all batches come in one process, once the file is closed after each. The minimal table is the history as CREATE TABLE AS makes
it in a new file: no versions, no late events, no repeats known."""
import argparse
import os
import shutil
import subprocess

import duckdb

SCRIPT = """CREATE SOURCE ev (id BIGINT, name VARCHAR, email VARCHAR, city VARCHAR, balance DOUBLE, score INTEGER, ts TIMESTAMP) FROM FILES ('in/*.parquet');
CREATE JOURNAL j KEYS (id) SEQUENCE BY ts COLUMNS * EXCEPT (ts) FROM ev;
"""
ROWS = 1_000_000


def events(path, batch):
    pick = f'WHERE hash(id * 104729 + {batch}) % 100 = 0' if batch else ''
    duckdb.sql(f"""COPY (SELECT id, 'name_' || ((id * 7919) % 1000003) AS name, 'user' || id || '@ex' || (id % 97) || '.com' AS email, ['Oslo', 'Lima', 'Pune', 'Kyiv'][1 + (id + {batch}) % 4] AS city,
        (hash(id * 31 + {batch}) % 1000000) / 100 AS balance, (hash(id + {batch}) % 1000)::INTEGER AS score, TIMESTAMP '2025-01-01' + INTERVAL ({batch}) HOUR AS ts FROM range({ROWS}) t(id) {pick}) TO '{path}'""")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('folder')
    a.add_argument('--dsql', default='bin/dsql')
    a.add_argument('--batches', type=int, default=50)
    o = a.parse_args()
    dsql, data = os.path.abspath(o.dsql), os.path.abspath(o.folder)
    os.makedirs(data, exist_ok=True)
    names = [f'{b:03d}.parquet' for b in range(o.batches + 1)]
    for b, name in enumerate(names):
        events(f'{data}/{name}', b)
    size = {}
    for way, steps in (('one process', [names]), ('closed after each batch', [[n] for n in names])):
        run = f'{data}/run'
        shutil.rmtree(run, ignore_errors=True)
        os.makedirs(run + '/in')
        with open(run + '/j.sql', 'w') as f:
            f.write(SCRIPT)
        for step in steps:
            for n in step:
                os.link(f'{data}/{n}', f'{run}/in/{n}')
            subprocess.run([dsql, 'run', '-q', 'j.sql'], cwd=run, check=True)
        size[way] = os.path.getsize(run + '/j.duckdb') / 1e6
    con = duckdb.connect(f'{run}/minimal.duckdb')
    con.execute(f"ATTACH '{run}/j.duckdb' AS d (READ_ONLY)")
    con.execute('CREATE TABLE h AS SELECT id, name, email, city, balance, score, valid_from, valid_to FROM d.j_history ORDER BY valid_from, id')
    rows = con.execute('SELECT count(*) FROM h').fetchone()[0]
    con.execute('CHECKPOINT')
    con.close()
    least = os.path.getsize(run + '/minimal.duckdb') / 1e6
    print(f'a minimal table of the {rows} rows: {least:.1f} MB')
    for way, mb in size.items():
        print(f'{way}: {mb:.1f} MB, {mb / least:.2f} times as much')
    shutil.rmtree(run)


if __name__ == '__main__':
    main()
