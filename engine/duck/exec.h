#pragma once
#include "duckdb.h"

// dsql_exec runs one statement. It sleeps while other threads have all the work; duckdb_execute_pending would spin on a mutex.
// It returns NULL and the rows changed, or a malloc'ed error text.
char *dsql_exec(duckdb_connection con, const char *text, idx_t *changed);

// dsql_parse only parses: NULL, or a malloc'ed error text; n is the number of statements.
char *dsql_parse(duckdb_connection con, const char *text, idx_t *n);

// dsql_entry is the type of what a catalog has in a schema by a name that tables and views share; 0 where there is
// none, -1 where no transaction is open.
int dsql_entry(duckdb_connection con, const char *catalog, const char *schema, const char *name);
