#!/usr/bin/env python3
"""A million rows, then 100,000 changes: dsql's journals beside hand-written SQL and beside dbt snapshots, SQLMesh and dlt.

    pip install duckdb==1.5.6
    bench/journal.py FOLDER [--rounds 5] [--dsql bin/dsql] [--only feed|snap] [--dbt VENV] [--sqlmesh VENV] [--dlt VENV]

The data is made in FOLDER by customers.py. Only the second step is timed, as a whole process; the folder with the first is copied anew
for each round, and the sides take turns. A VENV is a virtual environment that has the peer (dbt-core<1.12 dbt-duckdb; sqlmesh;
dlt[duckdb] pyarrow). Prints medians, peak memory, file sizes, and the median
over the rounds of the ratio to each peer; what each side stored is counted."""
import argparse
import os
import shutil
import sys
import tempfile

import customers
import duckdb
from turns import in_turn, timed

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = HERE + '/peers/journal'
COLUMNS = 'id BIGINT, name VARCHAR, email VARCHAR, city VARCHAR, tier VARCHAR, balance DOUBLE, score INTEGER, updated_at TIMESTAMP'
FEED = f"""CREATE SOURCE ev (op VARCHAR, {COLUMNS}) FROM FILES ('in/*.parquet');
CREATE JOURNAL j KEYS (id) SEQUENCE BY updated_at DELETE WHEN op = 'D' COLUMNS * EXCEPT (op, updated_at) FROM ev;
"""
SNAP = f"""CREATE SOURCE load ({COLUMNS}, day DATE) FROM FILES ('in/l_{{day}}.parquet', mode snapshot);
CREATE JOURNAL j KEYS (id) SNAPSHOT AT day COLUMNS * EXCEPT (day) TRACK * EXCEPT (updated_at) FROM load;
"""
QUIET = {'DO_NOT_TRACK': '1', 'SQLMESH__DISABLE_ANONYMIZED_ANALYTICS': '1', 'RUNTIME__DLTHUB_TELEMETRY': 'false'}


class Side:
    """One way to do the job: its folder after the first step, the command of the second, and where the history is then."""

    def __init__(self, root, name, db, history, command, env=None):
        self.base, self.run_in, self.db, self.history, self.command, self.env = f'{root}/{name}', f'{root}/run_{name}', db, history, command, env
        os.makedirs(self.base, exist_ok=True)

    def __call__(self):
        shutil.rmtree(self.run_in, ignore_errors=True)
        shutil.copytree(self.base, self.run_in)
        return timed(self.command, self.run_in, self.env)

    def stored(self):
        con = duckdb.connect(f'{self.run_in}/{self.db}', read_only=True)
        return con.execute(f'SELECT count(*) FROM {self.history}').fetchone()[0], os.path.getsize(f'{self.run_in}/{self.db}') / 1e6


def of_dsql(root, mode, o):
    side = Side(root, 'dsql', 'j.duckdb', 'j_history', [o.dsql, 'run', '-q', 'j.sql'])
    with open(side.base + '/j.sql', 'w') as f:
        f.write(FEED if mode == 'feed' else SNAP)
    os.makedirs(side.base + '/in')
    first, second, data = ('1', '2', 'cdc2') if mode == 'feed' else ('l_2025-01-01', 'l_2025-02-01', 'cust2')
    shutil.copy(o.data + '/cust1.parquet', f'{side.base}/in/{first}.parquet')
    timed(side.command, side.base)
    shutil.copy(f'{o.data}/{data}.parquet', f'{side.base}/in/{second}.parquet')
    return side


def of_hand(root, mode, o):
    script = [sys.executable, f'{PEERS}/hand_{mode}.py', 'w.duckdb']
    side = Side(root, 'hand', 'w.duckdb', 'j', script + ([o.data + '/cdc2.parquet'] if mode == 'feed' else [o.data + '/cust2.parquet', '2025-02-01']))
    timed(script + [o.data + '/cust1.parquet', 'init' if mode == 'feed' else '2025-01-01'], side.base)
    return side


def table(side, o, n):
    """What dbt and SQLMesh read: a table in their file."""
    con = duckdb.connect(f'{side.base}/w.duckdb')
    con.execute(f"CREATE OR REPLACE TABLE customers AS SELECT * FROM '{o.data}/cust{n}.parquet'")
    con.close()


def of_dbt(root, o):
    command = [o.dbt + '/bin/dbt', '--no-use-colors', 'snapshot', '--project-dir', '.', '--profiles-dir', '.']
    side = Side(root, 'dbt', 'w.duckdb', 'main_snap.customers_journal', command, QUIET)
    shutil.copytree(PEERS + '/dbt', side.base, dirs_exist_ok=True)
    table(side, o, 1)
    timed(command, side.base, QUIET)
    table(side, o, 2)
    return side


def of_sqlmesh(root, o):
    tool = o.sqlmesh + '/bin/sqlmesh'
    side = Side(root, 'sqlmesh', 'w.duckdb', 'm.customers_journal', [tool, 'run'], QUIET)
    shutil.copytree(PEERS + '/sqlmesh', side.base, dirs_exist_ok=True)
    table(side, o, 1)
    timed([tool, 'plan', '--auto-apply', '--no-prompts', '--execution-time', '2025-01-01'], side.base, QUIET)
    table(side, o, 2)
    return side


def of_dlt(root, o):
    script = [o.dlt + '/bin/python', PEERS + '/dlt_scd2.py']
    side = Side(root, 'dlt', 'w.duckdb', 'd.customers', script + [o.data + '/cust2.parquet'], QUIET)
    timed(script + [o.data + '/cust1.parquet'], side.base, QUIET)
    return side


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('data')
    a.add_argument('--rounds', type=int, default=5)
    a.add_argument('--dsql', default='bin/dsql')
    a.add_argument('--only', default='')
    for peer in ('dbt', 'sqlmesh', 'dlt'):
        a.add_argument('--' + peer, default='', metavar='VENV')
    o = a.parse_args()
    o.dsql, o.data = os.path.abspath(o.dsql), os.path.abspath(o.data)
    customers.make(o.data)
    for mode in ('feed', 'snap'):
        if o.only and o.only != mode:
            continue
        with tempfile.TemporaryDirectory() as root:
            sides = {'dsql': of_dsql(root, mode, o), 'hand': of_hand(root, mode, o)}
            for peer, make in (('dbt', of_dbt), ('sqlmesh', of_sqlmesh), ('dlt', of_dlt)):
                if mode == 'snap' and getattr(o, peer):
                    sides[peer] = make(root, o)
            print('\n' + mode)
            ratio = in_turn(sides, o.rounds)
            for name, side in sides.items():
                print('%-18s history of %d rows, file %.1f MB' % ((name,) + side.stored()))
            for name in list(sides)[1:]:
                print('dsql takes %.2f of the time of %s' % (ratio('dsql', name), name))


if __name__ == '__main__':
    main()
