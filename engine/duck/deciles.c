// dsql_deciles(v): how many finite values there are, and those around the deciles. See above.go.
#include "deciles.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { places = 20, bits = 11, digits = 6, radix = 1 << bits };

typedef struct {
	uint64_t offset, length;
} entry;

typedef struct {
	uint64_t n, room;
	uint64_t *keys; // of the values: their order as numbers is that of the values
} state;

// key keeps the order of numbers; 0 and -0 are one. value is its inverse.
static uint64_t key(double v) {
	uint64_t b;
	v += 0.0;
	memcpy(&b, &v, sizeof b);
	return b ^ (-(b >> 63) | 1ULL << 63);
}

static double value(uint64_t k) {
	double v;
	const uint64_t b = k ^ ((k >> 63) - 1 | 1ULL << 63);
	memcpy(&v, &b, sizeof v);
	return v;
}

static idx_t size(duckdb_function_info info) { return sizeof(state); }
static void init(duckdb_function_info info, duckdb_aggregate_state s) { memset(s, 0, sizeof(state)); }

static void destroy(duckdb_aggregate_state *states, idx_t n) {
	for (idx_t i = 0; i < n; i++) {
		free(((state *)states[i])->keys);
	}
}

static bool make_room(state *s, uint64_t more) {
	if (s->n + more <= s->room) {
		return true;
	}
	uint64_t room = s->room * 2;
	room = room < s->n + more ? s->n + more : room;
	room = room < 64 ? 64 : room;
	uint64_t *grown = realloc(s->keys, room * sizeof *grown);
	if (!grown) {
		return false;
	}
	s->keys = grown;
	s->room = room;
	return true;
}

static const char *no_memory = "dsql_deciles has no memory for so many values";

static void update(duckdb_function_info info, duckdb_data_chunk input, duckdb_aggregate_state *states) {
	const idx_t n = duckdb_data_chunk_get_size(input);
	const duckdb_vector column = duckdb_data_chunk_get_vector(input, 0);
	const double *v = duckdb_vector_get_data(column);
	const uint64_t *valid = duckdb_vector_get_validity(column);
	for (idx_t i = 0; i < n;) {
		state *s = (state *)states[i];
		idx_t end = i + 1; // values of one state in a row come together
		while (end < n && (state *)states[end] == s) {
			end++;
		}
		if (!make_room(s, end - i)) {
			duckdb_aggregate_function_set_error(info, no_memory);
			return;
		}
		uint64_t at = s->n;
		for (; i < end; i++) {
			s->keys[at] = key(v[i]);
			at += (!valid || valid[i / 64] >> (i % 64) & 1) & (fabs(v[i]) < HUGE_VAL);
		}
		s->n = at;
	}
}

static void combine(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_aggregate_state *target, idx_t n) {
	for (idx_t i = 0; i < n; i++) {
		const state *a = (const state *)source[i];
		state *b = (state *)target[i];
		if (a->n == 0) {
			continue;
		}
		if (!make_room(b, a->n)) {
			duckdb_aggregate_function_set_error(info, no_memory);
			return;
		}
		memcpy(b->keys + b->n, a->keys, a->n * sizeof *a->keys);
		b->n += a->n;
	}
}

// sort orders keys by their digits, the least first, without a comparison: random values are what a processor predicts worst. to has room for
// as many; what is sorted ends there or in the keys.
static uint64_t *sort(uint64_t *from, uint64_t *to, uint64_t n, uint64_t (*count)[radix]) {
	memset(count, 0, digits * sizeof *count);
	for (uint64_t i = 0; i < n; i++) {
		for (int d = 0; d < digits; d++) {
			count[d][from[i] >> (d * bits) & (radix - 1)]++;
		}
	}
	for (int d = 0; d < digits; d++) {
		if (count[d][from[0] >> (d * bits) & (radix - 1)] == n) { // all have the same
			continue;
		}
		uint64_t at = 0;
		for (int k = 0; k < radix; k++) {
			const uint64_t c = count[d][k];
			count[d][k] = at;
			at += c;
		}
		for (uint64_t i = 0; i < n; i++) {
			to[count[d][from[i] >> (d * bits) & (radix - 1)]++] = from[i];
		}
		uint64_t *was = from;
		from = to;
		to = was;
	}
	return from;
}

// around writes the number of values, the least, those below and above each decile, and the greatest. The keys are in another order then.
static bool around(state *s, double *out) {
	out[0] = (double)s->n;
	if (s->n == 0) {
		return true;
	}
	uint64_t *room = malloc(s->n * sizeof *room), (*count)[radix] = malloc(digits * sizeof *count);
	const bool ok = room && count;
	if (ok) {
		const uint64_t *sorted = sort(s->keys, room, s->n, count);
		out[1] = value(sorted[0]);
		for (int d = 1; d < 10; d++) {
			const double at = (double)(s->n - 1) * ((double)d / 10);
			out[2 * d] = value(sorted[(uint64_t)floor(at)]);
			out[2 * d + 1] = value(sorted[(uint64_t)ceil(at)]);
		}
		out[places] = value(sorted[s->n - 1]);
	}
	free(room);
	free(count);
	return ok;
}

static void finalize(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_vector result, idx_t n, idx_t offset) {
	idx_t at = duckdb_list_vector_get_size(result), more = 0;
	for (idx_t i = 0; i < n; i++) {
		more += ((const state *)source[i])->n > 0 ? 1 + places : 1;
	}
	if (duckdb_list_vector_reserve(result, at + more) == DuckDBError || duckdb_list_vector_set_size(result, at + more) == DuckDBError) {
		duckdb_aggregate_function_set_error(info, no_memory);
		return;
	}
	entry *lists = duckdb_vector_get_data(result);
	double *out = duckdb_vector_get_data(duckdb_list_vector_get_child(result));
	for (idx_t i = 0; i < n; i++) {
		state *s = (state *)source[i];
		lists[offset + i] = (entry){at, s->n > 0 ? 1 + places : 1};
		if (!around(s, out + at)) {
			duckdb_aggregate_function_set_error(info, no_memory);
			return;
		}
		at += lists[offset + i].length;
	}
}

bool dsql_deciles_register(duckdb_connection con, duckdb_logical_type value, duckdb_logical_type list) {
	duckdb_aggregate_function f = duckdb_create_aggregate_function();
	duckdb_aggregate_function_set_name(f, "dsql_deciles");
	duckdb_aggregate_function_add_parameter(f, value);
	duckdb_aggregate_function_set_return_type(f, list);
	duckdb_aggregate_function_set_functions(f, size, init, update, combine, finalize);
	duckdb_aggregate_function_set_destructor(f, destroy);
	duckdb_aggregate_function_set_special_handling(f); // NULLs reach update, which leaves them out
	const bool ok = duckdb_register_aggregate_function(con, f) == DuckDBSuccess;
	duckdb_destroy_aggregate_function(&f);
	return ok;
}
