#if defined(__x86_64__)
#include "kernel.h"
#include <emmintrin.h>
#include <math.h>
#include <stddef.h>

#define TARGET
#define V __m128i
#define WIDTH 16
#define ZERO _mm_setzero_si128()
#define SET1(x) _mm_set1_epi8((char)(x))
#define LOAD(p) _mm_load_si128((const __m128i *)(p))
#define STORE(p, v) _mm_store_si128((__m128i *)(p), v)
#define ADD _mm_add_epi8
#define LOSE(v, x, t, m) _mm_andnot_si128(_mm_and_si128(_mm_cmpgt_epi8(x, t), m), v)
#define LOSEBIT(v, x, t, m) LOSE(v, _mm_and_si128(x, t), ZERO, m)
#define KEEP(value, base, v, p) do { \
	__m128i none = _mm_cmpeq_epi8(v, ZERO); \
	value = _mm_or_si128(_mm_and_si128(none, value), v); \
	base = _mm_or_si128(_mm_and_si128(none, base), _mm_andnot_si128(none, p)); } while (0)
#define LOWEST lowest

// lowest halves the place of the lowest bit three times: SSE2 has no table look-up.
static inline __m128i lowest(__m128i v)
{
	const __m128i zero = _mm_setzero_si128();
	v = _mm_and_si128(v, _mm_sub_epi8(zero, v));
	__m128i high = _mm_cmpeq_epi8(_mm_and_si128(v, _mm_set1_epi8((char)0x0f)), zero);
	__m128i two = _mm_cmpeq_epi8(_mm_and_si128(v, _mm_set1_epi8((char)0x33)), zero);
	__m128i one = _mm_cmpeq_epi8(_mm_and_si128(v, _mm_set1_epi8((char)0x55)), zero);
	return _mm_or_si128(_mm_or_si128(_mm_and_si128(high, _mm_set1_epi8(4)), _mm_and_si128(two, _mm_set1_epi8(2))),
			    _mm_and_si128(one, _mm_set1_epi8(1)));
}

#include "planes.h"

// rank counts the thresholds below each value, by a binary search without branches.
static void rank(const dsql_forest *f, const dsql_ranking *k, const double *x, int rows, uint16_t *ranks)
{
	const double *t = f->thresholds + k->from;
	for (int r = 0; r < rows; r++) {
		double v = x[r];
		if (f->kind == SINGLE)
			v = (double)(float)v;
		else if (f->kind == LIGHTGBM && fabs(v) <= TINY)
			v = 0;
		uint32_t p = 0;
		for (uint32_t s = k->steps >> 1; s; s >>= 1)
			p += t[p + s - 1] < v ? s : 0;
		ranks[r] = (uint16_t)(v != v || (k->zero && v == 0) ? MISSING : p);
	}
}

static void add(const double *values, const uint8_t *leaf, int rows, int leaves, double *sums)
{
	(void)leaves;
	for (int r = 0; r < rows; r++)
		sums[r] += values[leaf[r]];
}

static void add32(const float *values, const uint8_t *leaf, int rows, int leaves, float *sums)
{
	(void)leaves;
	for (int r = 0; r < rows; r++)
		sums[r] += values[leaf[r]];
}

#define LANES 2
#define MASK __m128d
#define VD __m128d
static const int64_t masks[4][2] __attribute__((aligned(16))) = {{0, 0}, {-1, 0}, {0, -1}, {-1, -1}};
#define MASKOF(bits) _mm_load_pd((const double *)masks[bits])
#define PICK(m, a, b) _mm_or_pd(_mm_and_pd(m, a), _mm_andnot_pd(m, b))
#define SET(x) _mm_set1_pd(x)
#define LOADD(p) _mm_load_pd(p)
#define STORED(p, v) _mm_store_pd(p, v)
#define ADDD _mm_add_pd
#define MULD _mm_mul_pd
#define FMA(a, b, c) _mm_add_pd(_mm_mul_pd(a, b), c)
#include "contrib_all.h"

const dsql_kernel dsql_sse2 = {rank, leaves, add, add32, contrib};
#endif
