#if defined(__x86_64__)
#include "kernel.h"
#include <emmintrin.h>
#include <math.h>
#include <string.h>

int dsql_forest_isa(void)
{
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		return AVX512;
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? AVX2 : SSE2;
}

// columns cuts ranks to bytes. Bytes are compared as signed numbers, so they carry an offset of 128.
static void columns(const dsql_forest *f, const dsql_ranking *k, const uint16_t *ranks, int rows, uint8_t *bins)
{
	for (uint32_t c = k->col; c < k->col + k->cols; c++) {
		uint8_t *out = bins + (size_t)c * TILE;
		const int low = f->columns[c].low, missing = f->columns[c].missing;
		for (int r = 0; r < rows; r++) {
			int v = ranks[r] - low;
			v = v < 0 ? 0 : v > 255 ? 255 : v;
			v = ranks[r] == MISSING ? missing : v;
			out[r] = (uint8_t)(v ^ 128);
		}
	}
}

// code is the number of a value among those that a coding knows.
static uint32_t code(const dsql_forest *f, const dsql_coding *k, double v)
{
	if (f->kind == SINGLE)
		v = (double)(float)v;
	else if (f->kind == LIGHTGBM && fabs(v) <= TINY)
		v = 0;
	if (v != v)
		return k->codes - 1;
	if (k->trim) {
		if (f->kind == SINGLE ? !(v >= 0 && v < 16777216) : !(v > -1 && v < 2147483648.0))
			return 0;
		v = (double)(int32_t)v;
	}
	if (k->direct)
		return v < k->n ? f->codes[k->from + (uint32_t)v] : 0;
	const double *s = f->singles + k->from;
	uint32_t low = 0, n = k->n;
	while (n > 0) {
		uint32_t half = n / 2;
		if (s[low + half] < v) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return low < k->n && s[low] == v ? low + 1 : 0;
}

static void encode(const dsql_forest *f, const dsql_coding *k, const double *x, int rows, uint8_t *bins)
{
	uint32_t codes[TILE];
	for (int r = 0; r < rows; r++)
		codes[r] = code(f, k, x[r]);
	const uint8_t *table = f->tables + k->table;
	for (uint32_t c = 0; c < k->cols; c++, table += k->codes) {
		uint8_t *out = bins + (size_t)(k->col + c) * TILE;
		for (int r = 0; r < rows; r++)
			out[r] = table[codes[r]];
	}
}

int dsql_forest_wide(const dsql_forest *f) { return f->nwides > 16 ? (f->nwides + 31) & ~31 : f->nwides; } // whole lines of the cache

// aside puts a column among those of its row.
static void aside16(const uint16_t *from, uint32_t wide, int stride, int rows, uint16_t *across)
{
	for (int r = 0; r < rows; r++)
		across[(size_t)r * stride + wide] = from[r];
}

static void aside8(const uint8_t *from, uint32_t wide, int stride, int rows, uint16_t *across)
{
	for (int r = 0; r < rows; r++)
		across[(size_t)r * stride + wide] = from[r];
}

// walk goes down a tree for eight rows at a time. A node is, from the lowest bit: limit 16, column 14, raise 1, 1 for an inner node,
// shift 4, left child 28; its right child stands next to the left one; a leaf is its own child.
static void walk(const dsql_forest *f, const dsql_tree *t, const uint16_t *across, int stride, int rows, uint32_t *leaf)
{
	const uint64_t *nodes = f->nodes + t->node;
	for (int r = 0; r < rows; r += 8) {
		uint32_t at[8] = {0};
		const uint16_t *x = across + (size_t)r * stride;
		uint64_t inner;
		do {
			inner = 0;
#pragma GCC unroll 8
			for (int i = 0; i < 8; i++) {
				const uint64_t n = nodes[at[i]];
				const uint32_t v = (uint32_t)x[i * stride + (n >> 16 & 0x3fff)] << (n >> 32 & 15);
				at[i] = (uint32_t)(n >> 36) + ((uint16_t)(v + (n >> 30 & 1)) > (uint16_t)n);
				inner |= n;
			}
		} while (inner >> 31 & 1);
		for (int i = 0; i < 8; i++)
			leaf[r + i] = f->leafof[t->node + at[i]];
	}
}

static const dsql_kernel *kernel(int isa) { return isa == AVX512 ? &dsql_avx512 : isa == AVX2 ? &dsql_avx2 : &dsql_sse2; }

void dsql_forest_bits(const dsql_entry *tests, int n, const uint8_t *bins, uint64_t *bits)
{
	for (; n > 0; n--, tests++) {
		const uint8_t *c = bins + (size_t)tests->col * TILE;
		const __m128i than = _mm_set1_epi8(tests->than), mask = _mm_set1_epi8((char)tests->mask);
		for (int r = 0; r < TILE; r += 64) {
			uint64_t right = 0;
			for (int i = 0; i < 64; i += 16) {
				const __m128i x = _mm_and_si128(_mm_load_si128((const __m128i *)(c + r + i)), mask);
				right |= (uint64_t)_mm_movemask_epi8(_mm_cmpgt_epi8(x, than)) << i;
			}
			*bits++ = ~right;
		}
	}
}

void dsql_forest_contrib(int isa, const dsql_program *p, const uint64_t *bits, int rows, int slots, double *phi, double *levels,
			 uint8_t *states)
{
	kernel(isa)->contrib(p, bits, rows, slots, phi, levels, states);
}

void dsql_forest_tile(const dsql_forest *f, const double *x, int rows, uint8_t *bins, uint16_t *across, void *sums)
{
	const dsql_kernel *k = kernel(f->isa);
	uint16_t ranks[TILE];
	const int stride = dsql_forest_wide(f);
	for (int i = 0; i < f->nrankings; i++) {
		const dsql_ranking *g = f->rankings + i;
		k->rank(f, g, x + (size_t)g->x * TILE, rows, ranks);
		columns(f, g, ranks, rows, bins);
		if (g->wide)
			aside16(ranks, g->wide - 1, stride, rows, across);
	}
	for (int i = 0; i < f->ncodings; i++) {
		const dsql_coding *g = f->codings + i;
		encode(f, g, x + (size_t)g->x * TILE, rows, bins);
		for (uint32_t c = 0; g->wide && c < g->cols; c++)
			aside8(bins + (size_t)(g->col + c) * TILE, g->wide - 1 + c, stride, rows, across);
	}
	uint8_t leaf[TILE] __attribute__((aligned(64)));
	uint32_t far[TILE];
	for (int i = 0; i < f->ntrees; i++) {
		const dsql_tree *t = f->trees + i;
		if (t->planes)
			k->leaves(f, t, bins, rows, leaf);
		else
			walk(f, t, across, stride, rows, far);
		for (uint32_t o = 0; o < t->width; o++) {
			const size_t value = t->value + (size_t)o * t->leaves, to = (size_t)(t->output + o) * TILE;
			if (f->kind == SINGLE) {
				float *s = (float *)sums + to;
				const float *v = f->values32 + value;
				if (t->planes)
					k->add32(v, leaf, rows, t->leaves, s);
				else
					for (int r = 0; r < rows; r++)
						s[r] += v[far[r]];
			} else {
				double *s = (double *)sums + to;
				const double *v = f->values + value;
				if (t->planes)
					k->add(v, leaf, rows, t->leaves, s);
				else
					for (int r = 0; r < rows; r++)
						s[r] += v[far[r]];
			}
		}
	}
}
#endif
