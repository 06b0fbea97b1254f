# What scipy says of samples that a test draws by a formula: see quality/distance_test.go.
import numpy as np, scipy, scipy.stats as st, scipy.special as sp
from scipy.spatial.distance import jensenshannon
def sample(n, a, b): return np.array([((i * 7919 + 13) % 1009) / 1009 * a + b + (i % 7) / 8 for i in range(n)])
def letters(n, k, m): return [chr(97 + (i * i * m + i) % k) for i in range(n)]
print("# scipy %s; kind, sizes, parameters, then: js chi2 chi2_p ks ks_p wasserstein" % scipy.__version__)
def shares(x, y):
    c = sorted(set(x) | set(y))
    return np.array([x.count(v) for v in c], float), np.array([y.count(v) for v in c], float)
def row(head, a, b, ks, w):
    chi = st.chi2_contingency(np.array([a, b])[:, (a + b) > 0], correction=False)
    print(head, *[repr(float(v)) for v in (jensenshannon(a / a.sum(), b / b.sum()), chi[0], chi[1])], ks, w)
def d(x, y): return st.ks_2samp(x, y, method='asymp').statistic
for n, m, pa, pb in [(500, 400, (1, 0), (1, 0.05)), (1000, 1000, (1, 0), (1.5, -0.2)), (37, 2000, (10, 3), (10, 3.3)), (900, 800, (1, 0), (1, 0)), (200, 100, (5, 0), (1, 40))]:
    x, y = sample(n, *pa), sample(m, *pb)
    edges = np.unique(np.quantile(y, np.arange(1, 10) / 10))
    bins = lambda v: np.bincount(np.searchsorted(edges, v, side='left'), minlength=len(edges) + 1).astype(float)
    k = d(x, y)
    row("numbers %d %d %r %r %r %r" % (n, m, *map(float, pa + pb)), bins(x), bins(y), "%r %r" % (float(k), float(sp.kolmogorov(np.sqrt(n * m / (n + m)) * k))), repr(float(st.wasserstein_distance(x, y))))
for n, m, ka, kb, ma, mb in [(500, 400, 5, 5, 1, 3), (1000, 900, 9, 7, 2, 1), (60, 4000, 26, 20, 1, 1), (100, 100, 1, 1, 1, 1), (300, 200, 3, 12, 1, 5)]:
    a, b = shares(letters(n, ka, ma), letters(m, kb, mb))
    row("letters %d %d %d %d %d %d" % (n, m, ka, kb, ma, mb), a, b, "- -", "-")
