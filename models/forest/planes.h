// The search for each row's leaf, the same for all instruction sets: whoever includes this has defined, for vectors V of
// WIDTH bytes, LOAD, SET1, ZERO, LOSE (bytes of v without the bits of m where x > t), LOSEBIT (where x has the bit t),
// KEEP (v and p instead of value and base where v is not 0), LOWEST (the index of each byte's lowest bit) and STORE.
//
// Leaves are numbered from left to right; a test that fails strikes out the leaves left of it, and the first leaf that
// is left is the row's. Planes hold eight leaves each and are done from the last one down.

static inline __attribute__((always_inline)) TARGET void
group(const int n, const dsql_forest *f, const dsql_tree *t, const uint8_t *bins, uint8_t *leaf)
{
	V value[4], base[4];
	for (int i = 0; i < n; i++)
		value[i] = base[i] = ZERO;
	const dsql_entry *e = f->entries + t->entry;
	for (int p = (int)t->planes - 1; p >= 0; p--) {
		const dsql_plane *count = f->planes + t->plane + p;
		V v[4];
		for (int i = 0; i < n; i++)
			v[i] = SET1(-1);
		for (int k = count->numbers; k > 0; k--, e++) {
			const uint8_t *c = bins + (size_t)e->col * TILE;
			const V th = SET1(e->than), m = SET1(e->mask);
#pragma GCC unroll 4
			for (int i = 0; i < n; i++)
				v[i] = LOSE(v[i], LOAD(c + i * WIDTH), th, m);
		}
		for (int k = count->bits; k > 0; k--, e++) {
			const uint8_t *c = bins + (size_t)e->col * TILE;
			const V th = SET1(e->than), m = SET1(e->mask);
#pragma GCC unroll 4
			for (int i = 0; i < n; i++)
				v[i] = LOSEBIT(v[i], LOAD(c + i * WIDTH), th, m);
		}
		const V at = SET1(p * 8);
#pragma GCC unroll 4
		for (int i = 0; i < n; i++)
			KEEP(value[i], base[i], v[i], at);
	}
#pragma GCC unroll 4
	for (int i = 0; i < n; i++)
		STORE(leaf + i * WIDTH, ADD(base[i], LOWEST(value[i])));
}

static TARGET void leaves(const dsql_forest *f, const dsql_tree *t, const uint8_t *bins, int rows, uint8_t *leaf)
{
	int r = 0;
	for (; r + 2 * WIDTH < rows; r += 4 * WIDTH)
		group(4, f, t, bins + r, leaf + r);
	if (r + WIDTH < rows)
		group(2, f, t, bins + r, leaf + r);
	else if (r < rows)
		group(1, f, t, bins + r, leaf + r);
}
