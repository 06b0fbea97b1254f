#!/usr/bin/env python3
"""How does dsql read real and polluted CSV files, beside DuckDB's reader? The files are those of Pollock, a benchmark of CSV readers.

    bench/pollock.py FOLDER [--dsql bin/dsql] [--only real|polluted] [-v]

FOLDER is a checkout of github.com/HPI-Information-Systems/Pollock, or its folders survey_sample and polluted_files alone.

Real files (survey_sample/csv, 97 sampled from open data) are read without a column list, and by FROM read_csv('…'): a file is alike when columns,
rows and the values of columns of one type are.
Polluted files (polluted_files/csv, one table damaged in some 2,290 ways) are read with their columns as VARCHAR and the dialect that their
parameters name. A row that is stored is right when it stands in the clean copy, else it is mangled; one that isn't stored is rejected (dsql keeps
its bytes) or lost. DuckDB's side is read_csv with the same columns and dialect and ignore_errors."""
import argparse, collections, csv, json, os, re, shutil, subprocess, sys, tempfile
csv.field_size_limit(1 << 30)
lit = lambda s: "'" + s.replace("'", "''") + "'"
name = lambda s: '"' + s.replace('"', '""') + '"'

def run(o, d, text, db='x.duckdb'):
    with open(d + '/s.sql', 'w') as f: f.write(text)
    return subprocess.run([o.dsql, 'run', 's.sql', '--db', db, '--quiet'], cwd=d, capture_output=True, text=True, errors='replace')
def ask(o, d, q):
    r = subprocess.run([o.dsql, 'query', '--db', 'x.duckdb', '--output', 'csv', q], cwd=d, capture_output=True, text=True, errors='replace')
    if r.returncode: raise Exception(r.stderr[:300])
    return list(csv.reader(r.stdout.splitlines(True)))[1:]

def real(o, folder):
    """what becomes of one real file: alike, or why not"""
    def one(d, f):
        shutil.copy(f, d + '/in.csv'); os.utime(d + '/in.csv', (0, 0))      # what was written a moment ago may still grow: its last line waits
        if run(o, d, "CREATE TABLE d AS FROM read_csv('in.csv');\n").returncode: return "DuckDB refuses it"
        r = run(o, d, "CREATE SOURCE src FROM FILES ('in.csv', format csv);\nCREATE STREAM t FROM src;\n")
        if r.returncode: return 'refused: ' + re.sub(r'\s+', ' ', r.stderr)[:160]
        cols = lambda t: {n: k for n, k in ask(o, d, "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = '%s' AND column_name <> '_version'" % t)}
        mine, theirs = cols('t'), cols('d')
        if [c.lower() for c in mine] != [c.lower() for c in theirs]: return 'columns %s, DuckDB %s' % (list(mine)[:6], list(theirs)[:6])
        same = [c for c in theirs if mine.get(c) == theirs[c]] or None
        (n, m, bad), = ask(o, d, 'SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM d), (SELECT count(*) FROM dsql.rejects)')
        if n != m: return 'rows %s and %s rejected, DuckDB %s' % (n, bad, m)
        if same:
            (k,), = ask(o, d, 'SELECT count(*) FROM (SELECT {c} FROM t EXCEPT ALL SELECT {c} FROM d)'.format(c=', '.join(map(name, same))))
            if k != '0': return '%s rows with other values' % k
        return None
    files = sorted(os.listdir(folder)); alike = 0; why = {}
    for f in files:
        with tempfile.TemporaryDirectory() as d: w = one(d, os.path.join(folder, f))
        if w: why[f] = w
        else: alike += 1
        if w and o.verbose: print('  %s: %s' % (f, w), flush=True)
    print('real files: %d, alike %d' % (len(files), alike), flush=True)

def kind(f):
    return ('a separator too many in a row' if f.startswith('row_more_sep') else 'a separator too few in a row' if f.startswith('row_less_sep') else 'a quote too many in a row' if f.startswith('row_extra_quote') else
            'another separator in a row' if f.startswith('row_field_delimiter') else 'the file as a whole: separators, quotes, line ends, headers, several tables')

def rows_of(path, width):
    if not os.path.exists(path): return None
    with open(path, newline='', encoding='utf-8', errors='replace') as f: return [tuple(r) for r in csv.reader(f)]

def polluted(o, folder):
    sums = collections.defaultdict(lambda: collections.Counter()); files = sorted(os.listdir(folder + '/csv')); step = 50
    files = [f for f in files if json.load(open('%s/parameters/%s_parameters.json' % (folder, f)))['column_names']]     # two are empty
    text = lambda x: '\\t' if x == '\t' else x
    for at in range(0, len(files), step):
        with tempfile.TemporaryDirectory() as d:
            os.mkdir(d + '/o'); ours, theirs, info = [], [], {}
            for i, f in enumerate(files[at:at + step]):
                shutil.copy('%s/csv/%s' % (folder, f), '%s/%d.csv' % (d, i)); os.utime('%s/%d.csv' % (d, i), (0, 0))
                with open('%s/parameters/%s_parameters.json' % (folder, f)) as p: a = json.load(p)
                cols, skip, heads = a['column_names'], int(a['preamble_lines']), int(a['header_lines']); info[i] = (f, cols, heads)
                quote, escape = a['quotechar'], a['escapechar'] or a['quotechar']
                if heads > 1: skip, heads = skip + heads, 0               # no reader takes several lines for names
                ours.append("CREATE SOURCE s%d (%s) FROM FILES ('%d.csv', delim %s, quote %s%s%s, header %s);\nCREATE STREAM t%d FROM s%d;\nREFRESH;\nCOPY (SELECT %s FROM t%d) TO 'o/a%d.csv' (header false);\n" % (
                    i, ', '.join(name(c) + ' VARCHAR' for c in cols), i, lit(text(a['delimiter'])), lit(quote), ', escape ' + lit(escape) if quote and escape.strip('\0') else '', ', skip %d' % skip if skip else '',
                    'true' if heads else 'false', i, i, ', '.join(map(name, cols)), i, i))
                theirs.append("COPY (FROM read_csv('%d.csv', columns = {%s}, auto_detect = false, ignore_errors = true, header = %s, delim = %s, quote = %s, escape = %s, skip = %d)) TO 'o/b%d.csv' (header false);\n" % (
                    i, ', '.join('%s: \'VARCHAR\'' % lit(c) for c in cols), 'true' if heads else 'false', lit(a['delimiter']), lit(quote), lit(escape.strip('\0')), skip, i))
            for texts, db in ((ours, 'x%d.duckdb'), (theirs, 'y%d.duckdb')):
                left = list(texts)
                while left:                                                # what the first that fails left undone goes on behind it
                    r = run(o, d, ''.join(left), db % len(left))
                    done = sum(os.path.exists('%s/o/%s' % (d, re.search(r"TO 'o/(.*?)'", t).group(1))) for t in left)
                    if r.returncode == 0: break
                    if o.verbose: print('  ' + re.sub(r'\s+', ' ', r.stderr)[:200], flush=True)
                    left = left[done + 1:]
            for i, (f, cols, heads) in info.items():
                clean = collections.Counter(rows_of('%s/clean/%s' % (folder, f), len(cols))[1:] if heads else rows_of('%s/clean/%s' % (folder, f), len(cols)))
                s = sums[kind(f)]; s['files'] += 1; s['rows'] += sum(clean.values())
                for side in 'ab':
                    got = rows_of('%s/o/%s%d.csv' % (d, side, i), len(cols))
                    if got is None: s[side + ' refused'] += 1; s[side + ' away'] += sum(clean.values()); continue
                    got = collections.Counter(got); bad = sum(n for r, n in got.items() if r not in clean)           # a table that stands there twice is none
                    s[side + ' right'] += sum((got & clean).values()); s[side + ' mangled'] += bad; s[side + ' away'] += max(sum(clean.values()) - sum(got.values()), 0)
                    if bad and side == 'a' and o.verbose: print('  %s: %d, %s' % (f, bad, [x[:6] for x in got if x not in clean][:2]), flush=True)
    print('| what is wrong | files | rows | dsql: right | rejected | mangled | DuckDB: right | lost | mangled |\n|---|---|---|---|---|---|---|---|---|')
    for k, s in sorted(sums.items()): print('| %s | %d | %d | %d | %d | %d | %d | %d | %d |' % (k, s['files'], s['rows'], s['a right'], s['a away'], s['a mangled'], s['b right'], s['b away'], s['b mangled']))

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('folder'); a.add_argument('--dsql', default='bin/dsql'); a.add_argument('--only', choices=['real', 'polluted']); a.add_argument('-v', '--verbose', action='store_true')
    o = a.parse_args(); o.dsql = os.path.abspath(o.dsql)
    if o.only != 'polluted': real(o, o.folder + '/survey_sample/csv')
    if o.only != 'real': polluted(o, o.folder + '/polluted_files')
if __name__ == '__main__': main()
