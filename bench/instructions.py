#!/usr/bin/env python3
"""Instructions of small jobs, counted by valgrind: they tell a slower commit on a machine that is never quiet, where seconds don't.

    instructions.py --dsql bin/dsql                 # beside bench/instructions.json, which a machine of its kind wrote
    instructions.py --dsql bin/dsql --base REV      # beside another commit, built in a folder of its own
    instructions.py --dsql bin/dsql --update        # writes bench/instructions.json

A job runs on one thread; its count is the least of at most --rounds, no more of them than it takes to come within the limit: Go's collector,
and a thread of DuckDB's that asks again and again whether another one is done, make up to a tenth of difference in short jobs, upwards
only. More than --limit percent beyond the other side is an error. It needs valgrind, and git for --base."""
import argparse, json, os, platform, re, shutil, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
STORED = os.path.join(HERE, 'instructions.json')


def rows(n):
    for i in range(n):
        yield i, 'name %d' % (i * 7919 % 1000), i * 37 % 1000 / 8, i % 5, '2026-%02d-%02d' % (i % 12 + 1, i % 28 + 1)


COLUMNS = '(id BIGINT, name VARCHAR, amount DOUBLE, kind INTEGER, day DATE)'


def csv(path, n):
    with open(path, 'w') as f:
        f.write('id,name,amount,kind,day\n')
        f.writelines('%d,%s,%s,%d,%s\n' % r for r in rows(n))


def lines(path, n):
    with open(path, 'w') as f:
        for r in rows(n):
            f.write(json.dumps(dict(zip(('id', 'name', 'amount', 'kind', 'day'), r))) + '\n')


def source(fmt, more=''):
    return "CREATE SOURCE s %s FROM FILES ('in.%s', format %s%s);\n" % (COLUMNS, fmt, fmt, more)


MANY = ''.join("CREATE SOURCE s%d %s FROM FILES ('in%d.csv', format csv);\nCREATE STREAM t%d RULES (CONSTRAINT c EXPECT (id > 0)) AS SELECT id, name FROM s%d;\n"
               % (i, COLUMNS, i, i, i) for i in range(50))
CHECKS = ', '.join('CHECK c%d EXPECT (%s)' % (i, e) for i, e in enumerate(
    ('count(*) > 0', 'count(DISTINCT name) > 10', 'avg(amount) < 100', 'max(id) > 10', 'min(id) = 0', 'count(name) > 100')))
RULES = ', '.join(['SET name = upper(trim(name))', 'SET amount = round(amount, 1)'] + ['CONSTRAINT r%d EXPECT (%s)' % (i, e) for i, e in enumerate(
    ('id >= 0', 'amount < 1000', 'length(name) > 2', 'kind BETWEEN 0 AND 4'))])
JOBS = {  # name: (what makes its input, script, the command, whether the job runs once before)
    'version': (None, '', ['version'], False),
    'check 100 declarations': (None, MANY, ['check', 's.sql'], False),
    'one row': (lambda: csv('in.csv', 1), source('csv') + 'CREATE STREAM t FROM s;', None, False),
    'no news': (lambda: csv('in.csv', 1), source('csv') + 'CREATE STREAM t FROM s;', None, True),
    'csv 50,000': (lambda: csv('in.csv', 50_000), source('csv') + 'CREATE STREAM t FROM s;', None, False),
    'json 50,000': (lambda: lines('in.json', 50_000), source('json') + 'CREATE STREAM t FROM s;', None, False),
    'feed 20,000': (lambda: csv('in.csv', 20_000), source('csv') + 'CREATE JOURNAL j KEYS (kind) SEQUENCE BY id FROM s;', None, False),
    'checks 50,000': (lambda: csv('in.csv', 50_000), source('csv') + 'CREATE STREAM t CHECKS (%s) FROM s;' % CHECKS, None, False),
    'rules 50,000': (lambda: csv('in.csv', 50_000), source('csv') + 'CREATE STREAM t RULES (%s) FROM s;' % RULES, None, False),
}


def count(dsql, job, rounds, enough=0):
    make, script, cmd, before = JOBS[job]
    best = None
    for _ in range(rounds):
        cwd = tempfile.mkdtemp()
        try:
            os.chdir(cwd)
            if make:
                make()
            with open('s.sql', 'w') as f:
                f.write('SET threads = 1;\n' + script)
            args = cmd or ['run', 's.sql', '--db', 'x.duckdb', '--quiet']
            if before:
                subprocess.run([dsql] + args, check=True)
            # Threads take turns: else one that waits in a loop is let run again and again, before the one that it waits for.
            r = subprocess.run(['valgrind', '--fair-sched=yes', '--tool=cachegrind', '--cache-sim=no', '--cachegrind-out-file=/dev/null', dsql] + args, capture_output=True, text=True)
            m = re.search(r'I +refs: +([\d,]+)', r.stderr)
            if r.returncode or not m:
                sys.exit('%s: exit %d\n%s' % (job, r.returncode, r.stderr[-2000:]))
            n = int(m.group(1).replace(',', ''))
            best = n if best is None else min(best, n)
            if best <= enough:
                break
        finally:
            os.chdir(HERE)
            shutil.rmtree(cwd, True)
    return best


def built(rev):
    """The binary of another commit, in a work tree that is taken away at the end."""
    tree = tempfile.mkdtemp()
    subprocess.run(['git', 'worktree', 'add', '--detach', '-q', tree, rev], cwd=HERE, check=True)
    try:
        out = os.path.join(tempfile.mkdtemp(), 'dsql')
        subprocess.run(['go', 'build', '-trimpath', '-ldflags=-s -w', '-o', out, './cmd/dsql'], cwd=tree, check=True)
        return out
    finally:
        subprocess.run(['git', 'worktree', 'remove', '--force', tree], cwd=HERE, check=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--dsql', required=True)
    p.add_argument('--base')
    p.add_argument('--update', action='store_true')
    p.add_argument('--rounds', type=int, default=6)
    p.add_argument('--limit', type=float, default=2)
    p.add_argument('--only', default='')
    a = p.parse_args()
    a.dsql = os.path.abspath(a.dsql)
    base = built(a.base) if a.base else None
    stored = {} if base or not os.path.exists(STORED) else json.load(open(STORED))
    if stored and not a.update:
        print('beside bench/instructions.json of %s' % stored['machine'])
    counts, over = {}, []
    for job in JOBS:
        if a.only not in job:
            continue
        was = count(base, job, a.rounds) if base else stored.get('instructions', {}).get(job)
        counts[job] = count(a.dsql, job, a.rounds, was * (1 + a.limit / 100) if was and not a.update else 0)
        print('%-24s %8.1f million%s' % (job, counts[job] / 1e6, ', was %8.1f: %+.1f %%' % (was / 1e6, (counts[job] / was - 1) * 100) if was else ''), flush=True)
        if was and counts[job] > was * (1 + a.limit / 100):
            over.append(job)
    if a.update:
        with open(STORED, 'w') as f:
            json.dump({'machine': platform.platform() + ', ' + platform.machine(), 'instructions': counts}, f, indent=1)
            f.write('\n')
    elif over:
        sys.exit('more than %g %% above: %s' % (a.limit, ', '.join(over)))


main()
