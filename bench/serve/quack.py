"""Rows read over quack by DuckDB's own client in Python: from `dsql serve`, and from DuckDB's own quack_serve, in turn.

The time of one row is mostly the client's own, so what it sends for one is sent again and again by a socket too: that is the server's time.

    python -m venv V && V/bin/pip install duckdb==1.5.5 duckdb-extension-quack==1.5.5 duckdb-extension-httpfs==1.5.5 numpy
    V/bin/python quack.py --dsql ../../bin/dsql [--rows 3000000] [--rounds 5] [--dir /tmp/dsql-bench-quack]

Medians of the rounds. Exit code 1 where 3 million rows take dsql longer than DuckDB, or one row more than half its time.
"""
import argparse, glob, http.client, http.server, importlib.util, os, statistics, subprocess, sys, threading, time, urllib.request
import duckdb
A = argparse.ArgumentParser()
A.add_argument('--dsql', required=True); A.add_argument('--rows', type=int, default=3_000_000); A.add_argument('--rounds', type=int, default=5)
A.add_argument('--dir', default='/tmp/dsql-bench-quack'); A.add_argument('--peer', help=argparse.SUPPRESS); A = A.parse_args()
dsql = os.path.abspath(A.dsql); os.makedirs(A.dir, exist_ok=True); os.chdir(A.dir)


def connect(file=':memory:'):
    c = duckdb.connect(file)
    for e in ('httpfs', 'quack'):  # quack needs httpfs
        home = importlib.util.find_spec('duckdb_extension_' + e).submodule_search_locations[0]
        c.execute(f"LOAD '{glob.glob(home + '/extensions/*/*.duckdb_extension')[0]}'")
    return c


if A.peer:
    c = connect('peer.duckdb')
    c.execute(f"FROM quack_serve('quack:127.0.0.1:{A.peer}', token = 'secret')").fetchall()
    print('ready', flush=True)
    sys.stdin.read()
    sys.exit()
rows = f'SELECT range AS i, range::VARCHAR AS s FROM range({A.rows})'
for f in glob.glob('*.duckdb*'): os.remove(f)
with open('serve.sql', 'w') as f: f.write(f'CREATE TABLE wide AS {rows};\n')
subprocess.run([dsql, 'run', '-q', 'serve.sql'], check=True)
with duckdb.connect('peer.duckdb') as c: c.execute(f'CREATE TABLE wide AS {rows}')
own = subprocess.Popen([dsql, 'serve', '--db', 'serve.duckdb', '--listen', '127.0.0.1:18441', '--log-format', 'none'])
peer = subprocess.Popen([sys.executable, os.path.abspath(__file__), '--dsql', dsql, '--dir', A.dir, '--peer', '18442'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def memory(p):
    return int(open(f'/proc/{p.pid}/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 2 ** 20


class Between(http.server.BaseHTTPRequestHandler):
    """Hands on what a client asks and a server answers, and keeps it."""
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.server.asked.append((self.path, body, dict(self.headers)))
        c = http.client.HTTPConnection('127.0.0.1', self.server.to); c.request('POST', self.path, body, self.server.asked[-1][2])
        r = c.getresponse(); answer = r.read()
        self.send_response(r.status); self.send_header('Content-Length', str(len(answer)))
        self.send_header('Content-Type', r.getheader('Content-Type') or 'application/octet-stream')
        self.end_headers(); self.wfile.write(answer)

    def log_message(self, *_): pass


def between(port):
    s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Between); s.to, s.asked = port, []
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s


try:
    peer.stdout.readline()
    for _ in range(100):
        try: urllib.request.urlopen('http://127.0.0.1:18441/healthz'); break
        except OSError: time.sleep(.1)
    clients = {}
    for name, port in (('dsql serve', 18441), ('quack_serve', 18442)):
        clients[name] = connect()
        clients[name].execute(f"ATTACH 'quack:127.0.0.1:{port}' AS d (TOKEN 'secret', DISABLE_SSL true)")
    asked = {'all into numpy': ("FROM d.wide", 1, lambda c: len(c.fetchnumpy()['i'])),
        'all, counted': ("SELECT count(s) FROM d.query('FROM wide')", 1, lambda c: c.fetchone()[0]),
        'one row': ("FROM d.query('SELECT i, s FROM wide WHERE i = 4711')", 50, lambda c: c.fetchone()[0]),
        'another row': ("FROM d.query('SELECT i, s FROM wide WHERE i = {key}')", 50, lambda c: c.fetchone()[0] >= 0),
        'attach, a row': (None, 5, lambda c: 1)}
    want = {'all into numpy': A.rows, 'all, counted': A.rows, 'one row': 4711, 'another row': True, 'attach, a row': 1}
    ports = {'dsql serve': 18441, 'quack_serve': 18442}
    key = iter(range(100, A.rows))


    def attached(c, port):
        c.execute(f"ATTACH 'quack:127.0.0.1:{port}' AS e (TOKEN 'secret', DISABLE_SSL true)")
        c.execute("FROM e.query('SELECT i, s FROM wide WHERE i = 4711')").fetchall(); c.execute('DETACH e')
        return c
    got = {(what, name): [] for what in asked for name in clients}
    for r in range(A.rounds + 1):
        for what, (q, times, read) in asked.items():
            for n in range(times):
                for name, c in clients.items() if (r + n) % 2 else reversed(clients.items()):
                    t = time.perf_counter()
                    assert read(c.execute(q.replace('{key}', str(next(key)))) if q else attached(c, ports[name])) == want[what]
                    if r: got[what, name].append(time.perf_counter() - t)
    print(f"load {open('/proc/loadavg').read().split()[0]}, {A.rows} rows (BIGINT, VARCHAR), memory of the servers {memory(own):.0f} and {memory(peer):.0f} MB")
    servers = {}
    for name, port in (('dsql serve', 18441), ('quack_serve', 18442)):
        s = between(port); c = connect()
        c.execute(f"ATTACH 'quack:127.0.0.1:{s.server_address[1]}' AS d (TOKEN 'secret', DISABLE_SSL true)")
        c.execute(asked['one row'][0]).fetchall(); s.asked.clear(); c.execute(asked['one row'][0]).fetchall()
        servers[name] = c, http.client.HTTPConnection('127.0.0.1', port), list(s.asked)
    print(', '.join(f'{name}: {len(x[2])} requests a row' for name, x in servers.items()))
    got |= {(what, name): [] for name in servers for what in ('one row, server', 'another, server')}
    for r in range(A.rounds):
        for name, (_, c, sent) in servers.items() if r % 2 else reversed(servers.items()):
            for n in range(400):
                t = time.perf_counter()
                for path, body, headers in sent:
                    c.request('POST', path, body.replace(b'4711', b'%d' % (5000 + r * 200 + n // 2)) if n % 2 else body, headers); assert c.getresponse().read()
                got['another, server' if n % 2 else 'one row, server', name].append(time.perf_counter() - t)
    asked |= {'one row, server': None, 'another, server': None}
    m = {k: statistics.median(v) * 1000 for k, v in got.items()}
    for what in asked:
        a, b = m[what, 'dsql serve'], m[what, 'quack_serve']
        print(f'{what:15} dsql {a:8.1f} ms, DuckDB {b:8.1f} ms: {a / b:.2f} of its time')
    sys.exit(any(m[what, 'dsql serve'] > m[what, 'quack_serve'] * most for what, most in (('all into numpy', 1), ('all, counted', 1), ('one row', .5))))
finally:
    own.terminate(); peer.stdin.close(); own.wait(); peer.wait()
