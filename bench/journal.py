#!/usr/bin/env python3
"""A million rows, then 100,000 changes: dsql's journals beside hand-written SQL, whole processes in turn.

    pip install duckdb==1.5.6
    bench/journal.py DATA [--rounds 5] [--dsql bin/dsql] [--only feed|snap]

DATA is a folder with cust1.parquet (id, name, email, city, tier, balance, score, updated_at; a million rows), cust2.parquet (the
same a load later) and cdc2.parquet (the difference as events, with op). Only the second step is timed; the file with the first is
copied anew for each round. Prints medians, the ratio of each pair's median, peak memory and file sizes."""
import argparse, os, resource, shutil, statistics, subprocess, sys, tempfile, time
HERE = os.path.dirname(os.path.abspath(__file__))
COLS = 'id BIGINT, name VARCHAR, email VARCHAR, city VARCHAR, tier VARCHAR, balance DOUBLE, score INTEGER, updated_at TIMESTAMP'
SCRIPT = {
    'feed': "CREATE SOURCE ev (op VARCHAR, %s) FROM FILES ('in/*.parquet');\nCREATE JOURNAL j KEYS (id) SEQUENCE BY updated_at DELETE WHEN op = 'D' COLUMNS * EXCEPT (op, updated_at) FROM ev;\n" % COLS,
    'snap': "CREATE SOURCE load (%s, day DATE) FROM FILES ('in/l_{day}.parquet', mode snapshot);\nCREATE JOURNAL j KEYS (id) SNAPSHOT AT day ON MISSING CLOSE COLUMNS * EXCEPT (day) TRACK * EXCEPT (updated_at) FROM load;\n" % COLS}

def timed(cmd, cwd):
    t = time.perf_counter(); p = subprocess.Popen(cmd, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE); err = p.stderr.read()
    _, status, ru = os.wait4(p.pid, 0)
    if status: sys.exit('%s failed:\n%s' % (' '.join(cmd), err.decode()))
    return time.perf_counter() - t, ru.ru_utime + ru.ru_stime, ru.ru_maxrss / 1024

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('data'); a.add_argument('--rounds', type=int, default=5); a.add_argument('--dsql', default='bin/dsql'); a.add_argument('--only', default='')
    o = a.parse_args(); dsql = os.path.abspath(o.dsql); data = os.path.abspath(o.data)
    for mode in ('feed', 'snap'):
        if o.only and o.only != mode: continue
        with tempfile.TemporaryDirectory() as d:
            os.makedirs(d + '/base/in'); w = d + '/base'
            with open(w + '/j.sql', 'w') as f: f.write(SCRIPT[mode])
            first, second = ('1.parquet', '2.parquet') if mode == 'feed' else ('l_2025-01-01.parquet', 'l_2025-02-01.parquet')
            shutil.copy(data + '/cust1.parquet', w + '/in/' + first); timed([dsql, 'run', 'j.sql'], w)
            hand = [sys.executable, HERE + '/peers/hand_%s.py' % mode, 'w.duckdb']
            timed(hand + [data + '/cust1.parquet', 'init' if mode == 'feed' else '2025-01-01'], w)
            shutil.copy(data + ('/cdc2.parquet' if mode == 'feed' else '/cust2.parquet'), w + '/in/' + second)
            sides = {'dsql': [dsql, 'run', '-q', 'j.sql'], 'hand': hand + ([data + '/cdc2.parquet'] if mode == 'feed' else [data + '/cust2.parquet', '2025-02-01'])}
            got = {s: [] for s in sides}; size = {}
            for _ in range(o.rounds):
                for s, cmd in sides.items():
                    shutil.rmtree(d + '/run', ignore_errors=True); shutil.copytree(w, d + '/run'); got[s].append(timed(cmd, d + '/run'))
                    size[s] = os.path.getsize(d + ('/run/j.duckdb' if s == 'dsql' else '/run/w.duckdb')) / 1e6
            med = lambda s, i: statistics.median(x[i] for x in got[s])
            for s in sides: print('%s %-5s %.2f s wall (%s), %.2f s CPU, %.0f MB peak, file %.1f MB' % (mode, s, med(s, 0), ' '.join('%.2f' % x[0] for x in got[s]), med(s, 1), max(x[2] for x in got[s]), size[s]))
            print('%s: dsql takes %.2f of the wall time and %.2f of the CPU of the hand-written one (wanted: %s)' % (mode, med('dsql', 0) / med('hand', 0), med('dsql', 1) / med('hand', 1), '0.8' if mode == 'feed' else '1.5'))
if __name__ == '__main__': main()
