// The part of DuckDB's stable C API v1.2.0 that the extension uses. DuckDB hands over a table of functions whose order never changes
// (struct duckdb_ext_api_v1 of duckdb_extension.h); the numbers are places in it. So nothing of DuckDB is needed to build this, and
// nothing of it is linked in.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { API_FUNCTIONS = 357 };
extern void *dsql_api[API_FUNCTIONS];

struct access {
	void (*set_error)(void *info, const char *error);
	void **(*get_database)(void *info);
	const void *(*get_api)(void *info, const char *version);
};

typedef struct {
	uint64_t columns, rows, changed;
	void *data;
	char *error;
	void *internal;
} result;

enum { TYPE_BOOLEAN = 1, TYPE_INTEGER = 4, TYPE_BIGINT = 5, TYPE_DOUBLE = 11, TYPE_VARCHAR = 17, TYPE_ANY = 34 };

#define API(at, type, args) ((type(*) args)dsql_api[at])

// Queries.
static inline bool api_connect(void *db, void **con) { return API(3, int, (void *, void **))(db, con) == 0; }
static inline void api_disconnect(void **con) { API(6, void, (void **))(con); }
static inline bool api_query(void *con, const char *sql, result *r) { return API(13, int, (void *, const char *, result *))(con, sql, r) == 0; }
static inline void api_destroy_result(result *r) { API(14, void, (result *))(r); }
static inline const char *api_error(result *r) { return API(21, const char *, (result *))(r); }
static inline void *api_fetch(result *r) { return API(306, void *, (result))(*r); }
static inline void api_destroy_chunk(void *chunk) { API(187, void, (void **))(&chunk); }

// Chunks and vectors.
static inline void *api_vector(void *chunk, uint64_t i) { return API(190, void *, (void *, uint64_t))(chunk, i); }
static inline uint64_t api_size(void *chunk) { return API(191, uint64_t, (void *))(chunk); }
static inline void *api_data(void *vector) { return API(194, void *, (void *))(vector); }
static inline void *api_validity(void *vector) { return API(195, void *, (void *))(vector); }
static inline void *api_writable_validity(void *vector) {
	API(196, void, (void *))(vector);
	return api_validity(vector);
}
static inline void api_set_text(void *vector, uint64_t row, const char *text, uint64_t n) {
	API(198, void, (void *, uint64_t, const char *, uint64_t))(vector, row, text, n);
}
static inline void *api_list_child(void *vector) { return API(199, void *, (void *))(vector); }
static inline void *api_list_room(void *vector, uint64_t n) {
	API(202, int, (void *, uint64_t))(vector, n);
	API(201, int, (void *, uint64_t))(vector, n);
	return api_list_child(vector);
}
static inline void *api_struct_child(void *vector, uint64_t i) { return API(203, void *, (void *, uint64_t))(vector, i); }

static inline void api_set_size(void *chunk, uint64_t n) { API(192, void, (void *, uint64_t))(chunk, n); }

// Types.
static inline void *api_type(int id) { return API(156, void *, (int))(id); }
static inline void api_destroy_type(void *type) { API(184, void, (void **))(&type); }
static inline void *api_list_of(void *of) {
	void *list = API(159, void *, (void *))(of);
	api_destroy_type(of);
	return list;
}
static inline void *api_pairs(void) {
	void *types[] = {api_type(TYPE_VARCHAR), api_type(TYPE_DOUBLE)};
	const char *names[] = {"name", "amount"};
	void *pair = API(163, void *, (void **, const char **, uint64_t))(types, names, 2);
	api_destroy_type(types[0]);
	api_destroy_type(types[1]);
	return api_list_of(pair);
}

// Scalar functions. A type that is handed over is given up.
static inline void *api_function(const char *name) {
	void *f = API(209, void *, (void))();
	API(211, void, (void *, const char *))(f, name);
	API(213, void, (void *))(f); // NULLs reach the call: a NULL input is a missing value, not a NULL score
	return f;
}
static inline void api_destroy_function(void *f) { API(210, void, (void **))(&f); }
static inline void api_varargs(void *f, void *type) {
	API(212, void, (void *, void *))(f, type);
	api_destroy_type(type);
}
static inline void api_volatile(void *f) { API(214, void, (void *))(f); }
static inline void api_param(void *f, void *type) {
	API(215, void, (void *, void *))(f, type);
	api_destroy_type(type);
}
static inline void api_returns(void *f, void *type) {
	API(216, void, (void *, void *))(f, type);
	api_destroy_type(type);
}
static inline void *api_extra(void *info) { return API(220, void *, (void *))(info); }
static inline void api_fail(void *info, const char *error) { API(221, void, (void *, const char *))(info, error); }
static inline void *api_set(const char *name) { return API(222, void *, (const char *))(name); }
static inline void api_destroy_set(void *set) { API(223, void, (void **))(&set); }
static inline bool api_add(void *set, void *f) { return API(224, int, (void *, void *))(set, f) == 0; }
static inline bool api_register(void *con, void *set) { return API(225, int, (void *, void *))(con, set) == 0; }

// Values.
static inline void api_free(void *p) { API(25, void, (void *))(p); }
static inline void api_destroy_value(void *value) { API(92, void, (void **))(&value); }
static inline char *api_text(void *value) { return API(142, char *, (void *))(value); }
static inline bool api_is_null(void *value) { return API(149, bool, (void *))(value); }

// Table functions.
static inline void *api_table_function(const char *name) {
	void *f = API(242, void *, (void))();
	API(244, void, (void *, const char *))(f, name);
	void *text = api_type(TYPE_VARCHAR);
	API(245, void, (void *, void *))(f, text);
	api_destroy_type(text);
	return f;
}
static inline void api_destroy_table_function(void *f) { API(243, void, (void **))(&f); }
static inline void api_table_calls(void *f, void *extra, void (*forget)(void *), void (*bind)(void *), void (*init)(void *),
                                   void (*call)(void *, void *)) {
	API(247, void, (void *, void *, void (*)(void *)))(f, extra, forget);
	API(248, void, (void *, void (*)(void *)))(f, bind);
	API(249, void, (void *, void (*)(void *)))(f, init);
	API(251, void, (void *, void (*)(void *, void *)))(f, call);
}
static inline bool api_add_table(void *con, void *f) { return API(253, int, (void *, void *))(con, f) == 0; }
static inline void api_bind_column(void *info, const char *name, void *type) {
	API(255, void, (void *, const char *, void *))(info, name, type);
	api_destroy_type(type);
}
static inline void *api_bind_parameter(void *info) { return API(257, void *, (void *, uint64_t))(info, 0); }
static inline void api_bind_data(void *info, void *data, void (*forget)(void *)) {
	API(259, void, (void *, void *, void (*)(void *)))(info, data, forget);
}
static inline void api_bind_fail(void *info, const char *error) { API(261, void, (void *, const char *))(info, error); }
static inline void api_one_thread(void *info) { API(267, void, (void *, uint64_t))(info, 1); }
static inline void *api_table_extra(void *info) { return API(269, void *, (void *))(info); }
static inline void *api_bound(void *info) { return API(270, void *, (void *))(info); }
static inline void api_table_fail(void *info, const char *error) { API(273, void, (void *, const char *))(info, error); }

// api_register_table registers a table function of a path (entry.c).
bool api_register_table(void *con, const char *name, uintptr_t handle);

// api_calls makes Go's function of a handle the one that is called (entry.c).
void api_calls(void *f, uintptr_t handle);
