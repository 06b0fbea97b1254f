#if defined(__x86_64__)
#include "kernel.h"
#include <immintrin.h>
#include <stddef.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define V __m512i
#define WIDTH 64
#define ZERO _mm512_setzero_si512()
#define SET1(x) _mm512_set1_epi8((char)(x))
#define LOAD(p) _mm512_load_si512(p)
#define STORE(p, v) _mm512_store_si512(p, v)
#define ADD _mm512_add_epi8
#define LOSE(v, x, t, m) _mm512_andnot_si512(_mm512_maskz_mov_epi8(_mm512_cmpgt_epi8_mask(x, t), m), v)
#define LOSEBIT(v, x, t, m) _mm512_andnot_si512(_mm512_maskz_mov_epi8(_mm512_test_epi8_mask(x, t), m), v)
#define KEEP(value, base, v, p) do { \
	__mmask64 k = _mm512_test_epi8_mask(v, v); \
	value = _mm512_mask_mov_epi8(value, k, v); \
	base = _mm512_mask_mov_epi8(base, k, p); } while (0)
#define LOWEST lowest

static inline TARGET __m512i lowest(__m512i v)
{
	const __m512i nibble = _mm512_set1_epi8(15);
	const __m512i low = _mm512_broadcast_i32x4(_mm_setr_epi8(8, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0));
	const __m512i high = _mm512_broadcast_i32x4(_mm_setr_epi8(8, 4, 5, 4, 6, 4, 5, 4, 7, 4, 5, 4, 6, 4, 5, 4));
	return _mm512_min_epu8(_mm512_shuffle_epi8(low, _mm512_and_si512(v, nibble)),
			       _mm512_shuffle_epi8(high, _mm512_and_si512(_mm512_srli_epi16(v, 4), nibble)));
}

#include "planes.h"

// rank counts the thresholds below each value, by a binary search with eight rows a register.
static TARGET void rank(const dsql_forest *f, const dsql_ranking *k, const double *x, int rows, uint16_t *ranks)
{
	const double *t = f->thresholds + k->from;
	const __m512i missing = _mm512_set1_epi64(MISSING);
	for (int r = 0; r < rows; r += 16) {
		__m512d a = _mm512_loadu_pd(x + r), b = _mm512_loadu_pd(x + r + 8);
		if (f->kind == SINGLE) {
			a = _mm512_cvtps_pd(_mm512_cvtpd_ps(a));
			b = _mm512_cvtps_pd(_mm512_cvtpd_ps(b));
		} else if (f->kind == LIGHTGBM) {
			const __m512d tiny = _mm512_set1_pd(TINY);
			a = _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(_mm512_abs_pd(a), tiny, _CMP_NLE_UQ), a);
			b = _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(_mm512_abs_pd(b), tiny, _CMP_NLE_UQ), b);
		}
		__mmask8 ma = _mm512_cmp_pd_mask(a, a, _CMP_UNORD_Q), mb = _mm512_cmp_pd_mask(b, b, _CMP_UNORD_Q);
		if (k->zero) {
			ma |= _mm512_cmp_pd_mask(a, _mm512_setzero_pd(), _CMP_EQ_OQ);
			mb |= _mm512_cmp_pd_mask(b, _mm512_setzero_pd(), _CMP_EQ_OQ);
		}
		__m512i p = _mm512_setzero_si512(), q = p;
		for (uint32_t s = k->steps >> 1; s; s >>= 1) {
			const __m512i step = _mm512_set1_epi64(s);
			__m512d ta = _mm512_i64gather_pd(p, t + s - 1, 8), tb = _mm512_i64gather_pd(q, t + s - 1, 8);
			p = _mm512_mask_add_epi64(p, _mm512_cmp_pd_mask(ta, a, _CMP_LT_OQ), p, step);
			q = _mm512_mask_add_epi64(q, _mm512_cmp_pd_mask(tb, b, _CMP_LT_OQ), q, step);
		}
		_mm_storeu_si128((__m128i *)(ranks + r), _mm512_cvtepi64_epi16(_mm512_mask_mov_epi64(p, ma, missing)));
		_mm_storeu_si128((__m128i *)(ranks + r + 8), _mm512_cvtepi64_epi16(_mm512_mask_mov_epi64(q, mb, missing)));
	}
}

// add takes up to 32 values from registers.
static TARGET void add(const double *values, const uint8_t *leaf, int rows, int leaves, double *sums)
{
	if (leaves > 32) {
		for (int r = 0; r < rows; r += 8) {
			const __m512i i = _mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)(leaf + r)));
			_mm512_storeu_pd(sums + r, _mm512_add_pd(_mm512_loadu_pd(sums + r), _mm512_i64gather_pd(i, values, 8)));
		}
		return;
	}
	const __m512d a = _mm512_loadu_pd(values), b = _mm512_loadu_pd(values + 8);
	const __m512d c = _mm512_loadu_pd(values + 16), d = _mm512_loadu_pd(values + 24);
	const __m512i upper = _mm512_set1_epi64(16);
	for (int r = 0; r < rows; r += 8) {
		const __m512i i = _mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)(leaf + r)));
		const __m512d v = _mm512_mask_mov_pd(_mm512_permutex2var_pd(a, i, b), _mm512_test_epi64_mask(i, upper),
						     _mm512_permutex2var_pd(c, i, d));
		_mm512_storeu_pd(sums + r, _mm512_add_pd(_mm512_loadu_pd(sums + r), v));
	}
}

static TARGET void add32(const float *values, const uint8_t *leaf, int rows, int leaves, float *sums)
{
	const __m512 a = _mm512_loadu_ps(values), b = _mm512_loadu_ps(values + 16);
	for (int r = 0; r < rows; r += 16) {
		const __m512i i = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(leaf + r)));
		const __m512 v = leaves > 32 ? _mm512_i32gather_ps(i, values, 4) : _mm512_permutex2var_ps(a, i, b);
		_mm512_storeu_ps(sums + r, _mm512_add_ps(_mm512_loadu_ps(sums + r), v));
	}
}

#define LANES 8
#define MASK __mmask8
#define VD __m512d
#define MASKOF(bits) (bits)
#define PICK(m, a, b) _mm512_mask_blend_pd(m, b, a)
#define SET(x) _mm512_set1_pd(x)
#define LOADD(p) _mm512_load_pd(p)
#define STORED(p, v) _mm512_store_pd(p, v)
#define ADDD _mm512_add_pd
#define MULD _mm512_mul_pd
#define FMA _mm512_fmadd_pd
#include "contrib_all.h"

const dsql_kernel dsql_avx512 = {rank, leaves, add, add32, contrib};
#endif
