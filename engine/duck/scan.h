#pragma once
#include "duckdb.h"

// A relation is a list of filled chunks that the table function dsql_batch(id) hands out by reference: no value moves, and no
// Go code runs on DuckDB's threads. It is empty until dsql_relation_show, and again after it was shown nothing.
typedef struct dsql_relation dsql_relation;

// dsql_relation_new makes an empty relation of n columns; id is unique in the process. The columns follow by dsql_relation_col:
// at is the vector's index in the chunks; the type stays the caller's and must live as long as the relation.
dsql_relation *dsql_relation_new(idx_t n, int64_t *id);
void dsql_relation_col(dsql_relation *r, idx_t i, const char *name, duckdb_logical_type type, idx_t at);
// dsql_relation_show replaces the chunks; no statement may be scanning. The chunks stay the caller's.
void dsql_relation_show(dsql_relation *r, duckdb_data_chunk *chunks, idx_t n, idx_t rows);
void dsql_relation_free(dsql_relation *r);

// dsql_batch_register makes dsql_batch known to all connections of the database.
bool dsql_batch_register(duckdb_connection con);
