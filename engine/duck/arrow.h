#pragma once
#include "duckdb.h"

// Arrow's C data interface.
struct ArrowSchema {
	const char *format, *name, *metadata;
	int64_t flags, n_children;
	struct ArrowSchema **children, *dictionary;
	void (*release)(struct ArrowSchema *);
	void *private_data;
};
struct ArrowArray {
	int64_t length, null_count, offset, n_buffers, n_children;
	const void **buffers;
	struct ArrowArray **children, *dictionary;
	void (*release)(struct ArrowArray *);
	void *private_data;
};

// dsql_arrow is what columns of some types look like in Arrow, both ways.
struct dsql_arrow {
	duckdb_connection con;
	duckdb_arrow_options options;
	struct ArrowSchema schema;
	duckdb_arrow_converted_schema converted;
};

// All of these return NULL, or a malloc'ed error text.
char *dsql_arrow_open(struct dsql_arrow *a, duckdb_connection con, duckdb_logical_type *types, const char **names, idx_t n);

// dsql_arrow_take begins with the schema that a has, which came with rows of somebody else's.
char *dsql_arrow_take(struct dsql_arrow *a, duckdb_connection con);

// dsql_arrow_to_chunk makes a chunk of rows of that schema, which it takes over. They were seen to be right for it.
char *dsql_arrow_to_chunk(struct dsql_arrow *a, struct ArrowArray *rows, duckdb_data_chunk *out);
char *dsql_arrow_from_chunk(struct dsql_arrow *a, duckdb_data_chunk chunk, struct ArrowArray *out);

// dsql_arrow_to_vector makes out the one column of a, from words as arrow.go writes them and a malloc'ed block of the buffers, which it
// takes over. The words were seen to be right for the schema and the block.
char *dsql_arrow_to_vector(struct dsql_arrow *a, const int64_t *words, void *block, duckdb_vector out);
void dsql_arrow_close(struct dsql_arrow *a);
void dsql_arrow_release(struct ArrowArray *a);
