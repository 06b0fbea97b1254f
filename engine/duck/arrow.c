#include <stdlib.h>
#include <string.h>
#include "arrow.h"

static char *failed(duckdb_error_data e) {
	char *text = e && duckdb_error_data_has_error(e) ? strdup(duckdb_error_data_message(e)) : 0;
	if (e) duckdb_destroy_error_data(&e);
	return text;
}

char *dsql_arrow_open(struct dsql_arrow *a, duckdb_connection con, duckdb_logical_type *types, const char **names, idx_t n) {
	a->con = con;
	duckdb_connection_get_arrow_options(con, &a->options);
	char *e = failed(duckdb_to_arrow_schema(a->options, types, names, n, &a->schema));
	return e ? e : failed(duckdb_schema_from_arrow(con, &a->schema, &a->converted));
}

char *dsql_arrow_from_chunk(struct dsql_arrow *a, duckdb_data_chunk chunk, struct ArrowArray *out) {
	memset(out, 0, sizeof *out);
	return failed(duckdb_data_chunk_to_arrow(a->options, chunk, out));
}

char *dsql_arrow_take(struct dsql_arrow *a, duckdb_connection con) {
	a->con = con;
	return failed(duckdb_schema_from_arrow(con, &a->schema, &a->converted));
}

char *dsql_arrow_to_chunk(struct dsql_arrow *a, struct ArrowArray *rows, duckdb_data_chunk *out) {
	char *e = failed(duckdb_data_chunk_from_arrow(a->con, rows, a->converted, out));
	if (rows->release) rows->release(rows);
	return e;
}

void dsql_arrow_release(struct ArrowArray *a) {
	if (a->release) a->release(a);
}

// What an array from a worker stands in: its nodes in one piece, its buffers in another.
struct arena {
	struct ArrowArray *nodes;
	void **pointers, *block;
};

static void release_child(struct ArrowArray *a) { a->release = 0; }

static void release_top(struct ArrowArray *a) {
	struct arena *m = a->private_data;
	free(m->nodes);
	free(m->pointers);
	free(m->block);
	free(m);
	a->release = 0;
}

static int64_t nodes(const struct ArrowSchema *s) {
	int64_t n = 1;
	for (int64_t i = 0; i < s->n_children; i++) n += nodes(s->children[i]);
	return n;
}

// array fills a node and those below it, from the next free ones on.
static void array(const struct ArrowSchema *s, struct ArrowArray *a, const int64_t **w, struct ArrowArray **node, void ***pointer, char *block) {
	a->length = *(*w)++, a->null_count = *(*w)++, a->offset = *(*w)++, a->n_buffers = *(*w)++;
	a->buffers = (const void **)*pointer;
	*pointer += a->n_buffers;
	for (int64_t b = 0; b < a->n_buffers; b++) {
		int64_t at = *(*w)++, size = *(*w)++;
		a->buffers[b] = size < 0 ? 0 : block + at;
	}
	a->n_children = s->n_children;
	a->children = (struct ArrowArray **)*pointer;
	*pointer += s->n_children;
	for (int64_t i = 0; i < s->n_children; i++) {
		struct ArrowArray *child = a->children[i] = (*node)++;
		child->release = release_child;
		array(s->children[i], child, w, node, pointer, block);
	}
}

char *dsql_arrow_to_vector(struct dsql_arrow *a, const int64_t *words, void *block, duckdb_vector out) {
	int64_t n = nodes(&a->schema);
	struct arena *m = malloc(sizeof *m);
	m->nodes = calloc(n, sizeof *m->nodes);
	m->pointers = calloc(n * 4, sizeof(void *)); // up to three buffers and one parent each
	m->block = block;
	struct ArrowArray top = {.length = words[0], .n_buffers = 1, .n_children = 1, .release = release_top, .private_data = m};
	struct ArrowArray *node = m->nodes;
	void **pointer = m->pointers;
	top.buffers = (const void **)pointer++;
	top.children = (struct ArrowArray **)pointer++;
	top.children[0] = node++;
	top.children[0]->release = release_child;
	array(a->schema.children[0], top.children[0], &words, &node, &pointer, block);
	duckdb_data_chunk chunk = 0;
	char *e = failed(duckdb_data_chunk_from_arrow(a->con, &top, a->converted, &chunk));
	if (top.release) top.release(&top);
	if (!e) duckdb_vector_reference_vector(out, duckdb_data_chunk_get_vector(chunk, 0));
	if (chunk) duckdb_destroy_data_chunk(&chunk);
	return e;
}

void dsql_arrow_close(struct dsql_arrow *a) {
	if (a->schema.release) a->schema.release(&a->schema);
	if (a->converted) duckdb_destroy_arrow_converted_schema(&a->converted);
	if (a->options) duckdb_destroy_arrow_options(&a->options);
}
