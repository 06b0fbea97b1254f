#if defined(__x86_64__)
#include "kernel.h"
#include <immintrin.h>
#include <stddef.h>

#define TARGET __attribute__((target("avx2,fma")))
#define V __m256i
#define WIDTH 32
#define ZERO _mm256_setzero_si256()
#define SET1(x) _mm256_set1_epi8((char)(x))
#define LOAD(p) _mm256_load_si256((const __m256i *)(p))
#define STORE(p, v) _mm256_store_si256((__m256i *)(p), v)
#define ADD _mm256_add_epi8
#define LOSE(v, x, t, m) _mm256_andnot_si256(_mm256_and_si256(_mm256_cmpgt_epi8(x, t), m), v)
#define LOSEBIT(v, x, t, m) LOSE(v, _mm256_and_si256(x, t), ZERO, m)
#define KEEP(value, base, v, p) do { \
	__m256i none = _mm256_cmpeq_epi8(v, ZERO); \
	value = _mm256_blendv_epi8(v, value, none); \
	base = _mm256_blendv_epi8(p, base, none); } while (0)
#define LOWEST lowest

static inline TARGET __m256i lowest(__m256i v)
{
	const __m256i nibble = _mm256_set1_epi8(15);
	const __m256i low = _mm256_broadcastsi128_si256(_mm_setr_epi8(8, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0));
	const __m256i high = _mm256_broadcastsi128_si256(_mm_setr_epi8(8, 4, 5, 4, 6, 4, 5, 4, 7, 4, 5, 4, 6, 4, 5, 4));
	return _mm256_min_epu8(_mm256_shuffle_epi8(low, _mm256_and_si256(v, nibble)),
			       _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble)));
}

#include "planes.h"

// prepare brings four values into the form that thresholds are compared with; what is missing is marked in *missing.
static inline TARGET __m256d prepare(const dsql_forest *f, const dsql_ranking *k, __m256d v, __m256d *missing)
{
	const __m256d zero = _mm256_setzero_pd();
	if (f->kind == SINGLE) {
		v = _mm256_cvtps_pd(_mm256_cvtpd_ps(v));
	} else if (f->kind == LIGHTGBM) {
		const __m256d size = _mm256_andnot_pd(_mm256_set1_pd(-0.0), v);
		v = _mm256_and_pd(v, _mm256_cmp_pd(size, _mm256_set1_pd(TINY), _CMP_NLE_UQ));
	}
	*missing = _mm256_cmp_pd(v, v, _CMP_UNORD_Q);
	if (k->zero)
		*missing = _mm256_or_pd(*missing, _mm256_cmp_pd(v, zero, _CMP_EQ_OQ));
	return v;
}

// rank counts the thresholds below each value, by a binary search with four rows a register.
static TARGET void rank(const dsql_forest *f, const dsql_ranking *k, const double *x, int rows, uint16_t *ranks)
{
	const double *t = f->thresholds + k->from;
	for (int r = 0; r < rows; r += 8) {
		__m256d ma, mb;
		const __m256d a = prepare(f, k, _mm256_loadu_pd(x + r), &ma), b = prepare(f, k, _mm256_loadu_pd(x + r + 4), &mb);
		__m256i p = _mm256_setzero_si256(), q = p;
		for (uint32_t s = k->steps >> 1; s; s >>= 1) {
			const __m256i step = _mm256_set1_epi64x(s);
			const __m256d ta = _mm256_i64gather_pd(t + s - 1, p, 8), tb = _mm256_i64gather_pd(t + s - 1, q, 8);
			p = _mm256_add_epi64(p, _mm256_and_si256(step, _mm256_castpd_si256(_mm256_cmp_pd(ta, a, _CMP_LT_OQ))));
			q = _mm256_add_epi64(q, _mm256_and_si256(step, _mm256_castpd_si256(_mm256_cmp_pd(tb, b, _CMP_LT_OQ))));
		}
		const __m256i missing = _mm256_set1_epi64x(MISSING);
		p = _mm256_or_si256(p, _mm256_and_si256(missing, _mm256_castpd_si256(ma)));
		q = _mm256_or_si256(q, _mm256_and_si256(missing, _mm256_castpd_si256(mb)));
		uint64_t out[8];
		_mm256_storeu_si256((__m256i *)out, p);
		_mm256_storeu_si256((__m256i *)(out + 4), q);
		for (int i = 0; i < 8; i++)
			ranks[r + i] = (uint16_t)out[i];
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

#define LANES 4
#define MASK __m256d
#define VD __m256d
#define BITS(i) {-(int64_t)((i) & 1), -(int64_t)((i) >> 1 & 1), -(int64_t)((i) >> 2 & 1), -(int64_t)((i) >> 3)}
static const int64_t masks[16][4] __attribute__((aligned(32))) = {BITS(0), BITS(1), BITS(2), BITS(3), BITS(4), BITS(5), BITS(6), BITS(7),
	BITS(8), BITS(9), BITS(10), BITS(11), BITS(12), BITS(13), BITS(14), BITS(15)};
#define MASKOF(bits) _mm256_load_pd((const double *)masks[bits])
#define PICK(m, a, b) _mm256_blendv_pd(b, a, m)
#define SET(x) _mm256_set1_pd(x)
#define LOADD(p) _mm256_load_pd(p)
#define STORED(p, v) _mm256_store_pd(p, v)
#define ADDD _mm256_add_pd
#define MULD _mm256_mul_pd
#define FMA _mm256_fmadd_pd
#include "contrib_all.h"

const dsql_kernel dsql_avx2 = {rank, leaves, add, add32, contrib};
#endif
