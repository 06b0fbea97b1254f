// dsql_above(v, stops): how many values there are, and how many are above each stop. See above.go.
#include "above.h"
#include <string.h>

enum { most = 16, vector = 2048 };

typedef struct {
	uint64_t n; // of stops; 0: nothing came yet
	uint64_t values, above[most];
} state;

typedef struct {
	uint64_t offset, length;
} entry;

static idx_t size(duckdb_function_info info) { return sizeof(state); }
static void init(duckdb_function_info info, duckdb_aggregate_state s) { memset(s, 0, sizeof(state)); }

// Where the processor has them, comparisons are of four numbers at once; the loader chooses.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

// count is the hot loop: passes over the values, four stops in each, which the compiler turns into comparisons of vectors. A search by halves
// in the stops is fewer comparisons, and each of them a branch that random values mispredict. Sums are as wide as the values, so that nothing
// is packed. A NaN is above nothing and no value.
WIDE static void count(state *s, const double *restrict v, int n, const double *restrict stops) {
	uint64_t values = 0, k = 0;
	for (int i = 0; i < n; i++) {
		values += v[i] == v[i];
	}
	s->values += values;
	for (; k + 4 <= s->n; k += 4) {
		const double stop0 = stops[k], stop1 = stops[k + 1], stop2 = stops[k + 2], stop3 = stops[k + 3];
		uint64_t above0 = 0, above1 = 0, above2 = 0, above3 = 0;
		for (int i = 0; i < n; i++) {
			above0 += v[i] > stop0;
			above1 += v[i] > stop1;
			above2 += v[i] > stop2;
			above3 += v[i] > stop3;
		}
		s->above[k] += above0;
		s->above[k + 1] += above1;
		s->above[k + 2] += above2;
		s->above[k + 3] += above3;
	}
	for (; k < s->n; k++) {
		const double stop = stops[k];
		uint64_t above = 0;
		for (int i = 0; i < n; i++) {
			above += v[i] > stop;
		}
		s->above[k] += above;
	}
}

static bool valid(const uint64_t *words, idx_t i) { return !words || words[i / 64] >> (i % 64) & 1; }

// alone: all rows are of one state.
static bool alone(const duckdb_aggregate_state *states, idx_t n) {
	uintptr_t other = 0;
	for (idx_t i = 1; i < n; i++) {
		other |= (uintptr_t)states[i] ^ (uintptr_t)states[0];
	}
	return other == 0;
}

static void update(duckdb_function_info info, duckdb_data_chunk input, duckdb_aggregate_state *states) {
	const idx_t n = duckdb_data_chunk_get_size(input);
	const duckdb_vector first = duckdb_data_chunk_get_vector(input, 0), second = duckdb_data_chunk_get_vector(input, 1);
	const double *v = duckdb_vector_get_data(first), *stops = duckdb_vector_get_data(duckdb_list_vector_get_child(second));
	const uint64_t *words = duckdb_vector_get_validity(first), *listed = duckdb_vector_get_validity(second);
	const entry *lists = duckdb_vector_get_data(second);
	const bool all = !words && alone(states, n);
	double held[vector];
	for (idx_t i = 0; i < n;) {
		state *s = (state *)states[i];
		const entry list = lists[i];
		if (!valid(listed, i) || list.length == 0 || list.length > most) {
			duckdb_aggregate_function_set_error(info, "dsql_above takes 1 to 16 stops");
			return;
		}
		s->n = list.length;
		if (all) {
			count(s, v, (int)n, stops + list.offset);
			return;
		}
		int k = 0; // values of one state in a row are counted together
		for (; i < n && (state *)states[i] == s && k < vector; i++) {
			held[k] = v[i];
			k += valid(words, i);
		}
		count(s, held, k, stops + list.offset);
	}
}

static void combine(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_aggregate_state *target, idx_t n) {
	for (idx_t i = 0; i < n; i++) {
		const state *a = (const state *)source[i];
		state *b = (state *)target[i];
		if (a->n == 0) {
			continue;
		}
		b->n = a->n;
		b->values += a->values;
		for (uint64_t k = 0; k < a->n; k++) {
			b->above[k] += a->above[k];
		}
	}
}

static void finalize(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_vector result, idx_t n, idx_t offset) {
	idx_t at = duckdb_list_vector_get_size(result), more = 0;
	for (idx_t i = 0; i < n; i++) {
		more += 1 + ((const state *)source[i])->n;
	}
	if (duckdb_list_vector_reserve(result, at + more) == DuckDBError || duckdb_list_vector_set_size(result, at + more) == DuckDBError) {
		duckdb_aggregate_function_set_error(info, "dsql_above has no memory for its result");
		return;
	}
	entry *lists = duckdb_vector_get_data(result);
	int64_t *counts = duckdb_vector_get_data(duckdb_list_vector_get_child(result));
	for (idx_t i = 0; i < n; i++) {
		const state *s = (const state *)source[i];
		lists[offset + i] = (entry){at, 1 + s->n};
		counts[at++] = s->values;
		for (uint64_t k = 0; k < s->n; k++) {
			counts[at++] = s->above[k];
		}
	}
}

bool dsql_above_register(duckdb_connection con, duckdb_logical_type value, duckdb_logical_type list, duckdb_logical_type counts) {
	duckdb_aggregate_function f = duckdb_create_aggregate_function();
	duckdb_aggregate_function_set_name(f, "dsql_above");
	duckdb_aggregate_function_add_parameter(f, value);
	duckdb_aggregate_function_add_parameter(f, list);
	duckdb_aggregate_function_set_return_type(f, counts);
	duckdb_aggregate_function_set_functions(f, size, init, update, combine, finalize);
	duckdb_aggregate_function_set_special_handling(f); // NULLs reach update, which leaves them out
	const bool ok = duckdb_register_aggregate_function(con, f) == DuckDBSuccess;
	duckdb_destroy_aggregate_function(&f);
	return ok;
}
