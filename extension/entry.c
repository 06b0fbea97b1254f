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
	char *error = dsqlLoad(con);
	api_disconnect(&con); // one that stayed open would keep the database from being closed
	if (error) access->set_error(info, error);
	free(error);
	return !error;
}
