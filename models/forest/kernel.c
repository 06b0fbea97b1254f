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

// turn lays the bytes of each row side by side, for trees that are walked.
static void turn(const uint8_t *bins, int cols, int rows, uint8_t *across)
{
	for (int c = 0; c < cols; c += 16)
		for (int r = 0; r < rows; r++)
			for (int i = c; i < c + 16 && i < cols; i++)
				across[(size_t)r * cols + i] = bins[(size_t)i * TILE + r];
}

// walk goes down a tree for eight rows at a time. A node is, from the lowest bit: limit 8, mask 8, column 15, 1 for an
// inner node, left child 32; its right child stands next to the left one; a leaf is its own child.
static void walk(const dsql_forest *f, const dsql_tree *t, const uint8_t *across, int rows, uint32_t *leaf)
{
	const uint64_t *nodes = f->nodes + t->node;
	for (int r = 0; r < rows; r += 8) {
		uint32_t at[8] = {0};
		const uint8_t *x = across + (size_t)r * f->ncols;
		uint64_t inner;
		do {
			inner = 0;
#pragma GCC unroll 8
			for (int i = 0; i < 8; i++) {
				const uint64_t n = nodes[at[i]];
				const uint8_t bin = x[(size_t)i * f->ncols + (n >> 16 & 0x7fff)];
				at[i] = (uint32_t)(n >> 32) + ((int8_t)(bin & n >> 8) > (int8_t)n);
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

void dsql_forest_tile(const dsql_forest *f, const double *x, int rows, uint8_t *bins, uint8_t *across, void *sums)
{
	const dsql_kernel *k = kernel(f->isa);
	uint16_t ranks[TILE];
	for (int i = 0; i < f->nrankings; i++) {
		const dsql_ranking *g = f->rankings + i;
		k->rank(f, g, x + (size_t)g->x * TILE, rows, ranks);
		columns(f, g, ranks, rows, bins);
	}
	for (int i = 0; i < f->ncodings; i++)
		encode(f, f->codings + i, x + (size_t)f->codings[i].x * TILE, rows, bins);
	if (f->walked)
		turn(bins, f->ncols, rows, across);
	uint8_t leaf[TILE] __attribute__((aligned(64)));
	uint32_t far[TILE];
	for (int i = 0; i < f->ntrees; i++) {
		const dsql_tree *t = f->trees + i;
		if (t->planes)
			k->leaves(f, t, bins, rows, leaf);
		else
			walk(f, t, across, rows, far);
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
