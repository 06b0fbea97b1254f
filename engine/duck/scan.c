#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "scan.h"

typedef struct {
	char *name;
	duckdb_logical_type type;
	idx_t at;
} column;

struct dsql_relation {
	dsql_relation *next;
	int64_t id;
	int refs; // the list's, and one for each bound statement; guarded by lock
	duckdb_data_chunk *chunks;
	idx_t nchunks, rows, ncols;
	column cols[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static dsql_relation *all;
static int64_t last;

dsql_relation *dsql_relation_new(idx_t n, int64_t *id) {
	dsql_relation *r = calloc(1, sizeof *r + n * sizeof(column));
	r->ncols = n;
	r->refs = 1;
	pthread_mutex_lock(&lock);
	*id = r->id = ++last;
	r->next = all;
	all = r;
	pthread_mutex_unlock(&lock);
	return r;
}

void dsql_relation_col(dsql_relation *r, idx_t i, const char *name, duckdb_logical_type type, idx_t at) {
	r->cols[i] = (column){strdup(name), type, at};
}

void dsql_relation_show(dsql_relation *r, duckdb_data_chunk *chunks, idx_t n, idx_t rows) {
	if (n > 0) {
		r->chunks = realloc(r->chunks, n * sizeof *chunks);
		memcpy(r->chunks, chunks, n * sizeof *chunks);
	}
	r->nchunks = n;
	r->rows = rows;
}

static void drop(void *p) {
	dsql_relation *r = p;
	pthread_mutex_lock(&lock);
	int left = --r->refs;
	pthread_mutex_unlock(&lock);
	if (left > 0) return;
	for (idx_t i = 0; i < r->ncols; i++) free(r->cols[i].name);
	free(r->chunks);
	free(r);
}

void dsql_relation_free(dsql_relation *r) {
	pthread_mutex_lock(&lock);
	for (dsql_relation **p = &all; *p; p = &(*p)->next) {
		if (*p == r) {
			*p = r->next;
			break;
		}
	}
	pthread_mutex_unlock(&lock);
	r->nchunks = r->rows = 0;
	drop(r);
}

static void bind(duckdb_bind_info info) {
	duckdb_value v = duckdb_bind_get_parameter(info, 0);
	int64_t id = duckdb_get_int64(v);
	duckdb_destroy_value(&v);
	pthread_mutex_lock(&lock);
	dsql_relation *r = all;
	while (r && r->id != id) r = r->next;
	if (r) r->refs++;
	pthread_mutex_unlock(&lock);
	if (!r) {
		char text[64];
		snprintf(text, sizeof text, "there is no batch %lld any more", (long long)id);
		duckdb_bind_set_error(info, text);
		return;
	}
	for (idx_t i = 0; i < r->ncols; i++) duckdb_bind_add_result_column(info, r->cols[i].name, r->cols[i].type);
	duckdb_bind_set_cardinality(info, r->rows, true);
	duckdb_bind_set_bind_data(info, r, drop);
}

// morsel is how many chunks a thread takes at a time: a row group's worth, so that threads write whole ones.
enum { morsel = 60 };

typedef struct {
	_Atomic idx_t next;
	idx_t n;
	idx_t cols[]; // the wanted columns, as indexes into the relation's
} scan;

typedef struct { idx_t at, end; } local;

static void init(duckdb_init_info info) {
	dsql_relation *r = duckdb_init_get_bind_data(info);
	idx_t n = duckdb_init_get_column_count(info);
	scan *s = calloc(1, sizeof *s + n * sizeof(idx_t));
	s->n = n;
	for (idx_t i = 0; i < n; i++) s->cols[i] = duckdb_init_get_column_index(info, i);
	duckdb_init_set_init_data(info, s, free);
	duckdb_init_set_max_threads(info, r->nchunks / morsel + 1);
}

static void init_local(duckdb_init_info info) { duckdb_init_set_init_data(info, calloc(1, sizeof(local)), free); }

static void next(duckdb_function_info info, duckdb_data_chunk out) {
	dsql_relation *r = duckdb_function_get_bind_data(info);
	scan *s = duckdb_function_get_init_data(info);
	local *l = duckdb_function_get_local_init_data(info);
	for (;;) {
		if (l->at == l->end) {
			l->at = atomic_fetch_add(&s->next, morsel);
			if (l->at >= r->nchunks) {
				l->end = l->at;
				duckdb_data_chunk_set_size(out, 0);
				return;
			}
			l->end = l->at + morsel < r->nchunks ? l->at + morsel : r->nchunks;
		}
		duckdb_data_chunk in = r->chunks[l->at++];
		idx_t n = duckdb_data_chunk_get_size(in);
		if (n == 0) continue; // an empty chunk would end the scan
		for (idx_t i = 0; i < s->n; i++) {
			if (s->cols[i] >= r->ncols) continue; // count(*) asks for a row id that nobody reads
			duckdb_vector_reference_vector(duckdb_data_chunk_get_vector(out, i), duckdb_data_chunk_get_vector(in, r->cols[s->cols[i]].at));
		}
		duckdb_data_chunk_set_size(out, n);
		return;
	}
}

bool dsql_batch_register(duckdb_connection con) {
	duckdb_table_function f = duckdb_create_table_function();
	duckdb_logical_type id = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
	duckdb_table_function_set_name(f, "dsql_batch");
	duckdb_table_function_add_parameter(f, id);
	duckdb_table_function_set_bind(f, bind);
	duckdb_table_function_set_init(f, init);
	duckdb_table_function_set_local_init(f, init_local);
	duckdb_table_function_set_function(f, next);
	duckdb_table_function_supports_projection_pushdown(f, true);
	bool ok = duckdb_register_table_function(con, f) == DuckDBSuccess;
	duckdb_destroy_logical_type(&id);
	duckdb_destroy_table_function(&f);
	return ok;
}
