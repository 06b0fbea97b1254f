// Where DuckDB begins: it looks for dsql_init_c_api, hands its functions over, and Go registers its own through them.
#include "capi.h"
#include "_cgo_export.h"
#include <string.h>

void *dsql_api[API_FUNCTIONS];

static void call(void *info, void *chunk, void *out) { dsqlCall(info, (uintptr_t)api_extra(info), chunk, out); }
static void forget(void *handle) { dsqlForget((uintptr_t)handle); }

void api_calls(void *f, uintptr_t handle) {
	API(217, void, (void *, void *, void (*)(void *)))(f, (void *)handle, forget);
	API(218, void, (void *, void (*)(void *, void *, void *)))(f, call);
}

// A table function of a path: bind keeps the path, the one call gives one row.
struct asked {
	char *path;
	bool answered;
};

static void forget_asked(void *data) {
	struct asked *a = data;
	api_free(a->path);
	free(a);
}

static void bind(void *info) {
	void *path = api_bind_parameter(info);
	struct asked *a = calloc(1, sizeof *a);
	if (path && !api_is_null(path)) a->path = api_text(path);
	api_destroy_value(path);
	api_bind_data(info, a, forget_asked);
	api_bind_column(info, "models", api_type(TYPE_BIGINT));
	if (!a->path) api_bind_fail(info, "dsql_load wants the path of a file of dsql's");
}

static void init(void *info) { api_one_thread(info); }

static void table(void *info, void *chunk) {
	struct asked *a = api_bound(info);
	if (a->answered) return api_set_size(chunk, 0);
	a->answered = true;
	char *error = dsqlTable((uintptr_t)api_table_extra(info), a->path, api_data(api_vector(chunk, 0)));
	if (error) api_table_fail(info, error);
	api_set_size(chunk, error ? 0 : 1);
	free(error);
}

bool api_register_table(void *con, const char *name, uintptr_t handle) {
	void *f = api_table_function(name);
	api_table_calls(f, (void *)handle, forget, bind, init, table);
	bool ok = api_add_table(con, f);
	api_destroy_table_function(f);
	return ok;
}

__attribute__((visibility("default"))) bool dsql_init_c_api(void *info, struct access *access) {
	const void *api = access->get_api(info, "v1.2.0");
	if (!api) return false; // DuckDB says why
	memcpy(dsql_api, api, sizeof dsql_api);
	void **db = access->get_database(info);
	if (!db) return false;
	void *con = 0;
	if (!api_connect(*db, &con)) {
		access->set_error(info, "dsql: DuckDB gave no connection");
		return false;
	}
	char *error = dsqlLoad(*db, con);
	api_disconnect(&con); // one that stayed open would keep the database from being closed
	if (error) access->set_error(info, error);
	free(error);
	return !error;
}
