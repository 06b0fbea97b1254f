"""Commands timed in turn, as whole processes: what bench/quality.py and bench/rules.py share."""
import os, statistics, subprocess, sys, time


def timed(cmd, cwd, env=None, codes=(0,)):
    """Seconds, CPU seconds and peak MB of a command; it must end with one of the exit codes."""
    with open(os.path.join(cwd, 'out.log'), 'wb') as log:
        began = time.perf_counter()
        p = subprocess.Popen(cmd, cwd=cwd, env=dict(os.environ, **(env or {})), stdout=log, stderr=subprocess.STDOUT)
        _, status, ru = os.wait4(p.pid, 0)
        took = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status) not in codes:
        with open(os.path.join(cwd, 'out.log'), errors='replace') as log:
            sys.exit('%s failed:\n%s' % (' '.join(cmd), log.read()[-3000:]))
    return took, ru.ru_utime + ru.ru_stime, ru.ru_maxrss / 1024


def in_turn(sides, rounds):
    """Runs each side (a function that gives what timed gives) once a round, and prints medians. Gives ratio(a, b): the median over the
    rounds of a's time by b's, as what else the machine does then weighs on both."""
    got = {name: [] for name in sides}
    if os.path.exists('/proc/loadavg'):
        print('load %s' % open('/proc/loadavg').read().split()[0])
    for _ in range(rounds):
        for name, run in sides.items():
            got[name].append(run())
    for name, rows in got.items():
        print('%-18s %6.2f s (%s), %.2f s CPU, %.0f MB peak' % (name, statistics.median(r[0] for r in rows), ' '.join('%.2f' % r[0] for r in rows), statistics.median(r[1] for r in rows), max(r[2] for r in rows)), flush=True)
    return lambda a, b: statistics.median(x[0] / y[0] for x, y in zip(got[a], got[b]))
