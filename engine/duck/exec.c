#include <string.h>
#include <time.h>
#include "exec.h"

char *dsql_exec(duckdb_connection con, const char *text, idx_t *changed) {
	duckdb_prepared_statement st = 0;
	duckdb_pending_result p = 0;
	duckdb_result r;
	memset(&r, 0, sizeof r);
	const char *e = 0;
	if (duckdb_prepare(con, text, &st) == DuckDBError) {
		e = duckdb_prepare_error(st);
	} else if (duckdb_pending_prepared(st, &p) == DuckDBError) {
		e = duckdb_pending_error(p);
	} else {
		for (long nap = 50000;;) { // longer the longer it lasts: an eighth, up to 2 ms
			duckdb_pending_state s = duckdb_pending_execute_task(p);
			if (duckdb_pending_execution_is_finished(s)) break;
			if (s != DUCKDB_PENDING_NO_TASKS_AVAILABLE) {
				nap = 50000;
				continue;
			}
			nanosleep(&(struct timespec){0, nap}, 0);
			if (nap < 2000000) nap += nap / 8;
		}
		if (duckdb_execute_pending(p, &r) == DuckDBError) e = duckdb_result_error(&r);
		else *changed = duckdb_rows_changed(&r);
	}
	char *copy = e ? strdup(e) : 0;
	duckdb_destroy_result(&r);
	duckdb_destroy_pending(&p);
	duckdb_destroy_prepare(&st);
	return copy;
}

char *dsql_parse(duckdb_connection con, const char *text, idx_t *n) {
	duckdb_extracted_statements s = 0;
	*n = duckdb_extract_statements(con, text, &s);
	const char *e = *n == 0 ? duckdb_extract_statements_error(s) : 0;
	char *copy = e ? strdup(e) : 0;
	duckdb_destroy_extracted(&s);
	return copy;
}

int dsql_entry(duckdb_connection con, const char *catalog, const char *schema, const char *name) {
	duckdb_client_context context = 0;
	duckdb_connection_get_client_context(con, &context);
	int type = 0;
	duckdb_catalog in = duckdb_client_context_get_catalog(context, catalog);
	if (in) {
		duckdb_catalog_entry e = duckdb_catalog_get_entry(in, context, DUCKDB_CATALOG_ENTRY_TYPE_TABLE, schema, name);
		if (e) type = duckdb_catalog_entry_get_type(e);
		duckdb_destroy_catalog_entry(&e);
		duckdb_destroy_catalog(&in);
	} else if ((in = duckdb_client_context_get_catalog(context, "system"))) {
		duckdb_destroy_catalog(&in); // there is no such catalog
	} else {
		type = -1;
	}
	duckdb_destroy_client_context(&context);
	return type;
}
