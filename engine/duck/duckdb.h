// The part of DuckDB's C API that this package calls from C, declared as in DuckDB 1.5's duckdb.h (MIT licence). The driver
// links the library; its header is not reachable from here in a module build. TestHeader compares the two.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t idx_t;
typedef enum { DuckDBSuccess = 0, DuckDBError = 1 } duckdb_state;
typedef enum {
	DUCKDB_PENDING_RESULT_READY = 0,
	DUCKDB_PENDING_RESULT_NOT_READY = 1,
	DUCKDB_PENDING_ERROR = 2,
	DUCKDB_PENDING_NO_TASKS_AVAILABLE = 3
} duckdb_pending_state;

typedef enum DUCKDB_TYPE { DUCKDB_TYPE_BIGINT = 5 } duckdb_type;
typedef enum { DUCKDB_CONFIG_OPTION_SCOPE_INVALID = 0 } duckdb_config_option_scope;
typedef enum duckdb_catalog_entry_type { DUCKDB_CATALOG_ENTRY_TYPE_TABLE = 1, DUCKDB_CATALOG_ENTRY_TYPE_VIEW = 3 } duckdb_catalog_entry_type;

typedef struct _duckdb_value { void *internal_ptr; } *duckdb_value;
typedef struct _duckdb_connection { void *internal_ptr; } *duckdb_connection;
typedef struct _duckdb_client_context { void *internal_ptr; } *duckdb_client_context;
typedef struct _duckdb_catalog { void *internal_ptr; } *duckdb_catalog;
typedef struct _duckdb_catalog_entry { void *internal_ptr; } *duckdb_catalog_entry;
typedef struct _duckdb_prepared_statement { void *internal_ptr; } *duckdb_prepared_statement;
typedef struct _duckdb_pending_result { void *internal_ptr; } *duckdb_pending_result;
typedef struct _duckdb_extracted_statements { void *internal_ptr; } *duckdb_extracted_statements;
typedef struct _duckdb_logical_type { void *internal_ptr; } *duckdb_logical_type;
typedef struct _duckdb_data_chunk { void *internal_ptr; } *duckdb_data_chunk;
typedef struct _duckdb_vector { void *internal_ptr; } *duckdb_vector;
typedef struct _duckdb_table_function { void *internal_ptr; } *duckdb_table_function;
typedef struct _duckdb_scalar_function { void *internal_ptr; } *duckdb_scalar_function;
typedef struct _duckdb_aggregate_function { void *internal_ptr; } *duckdb_aggregate_function;
typedef struct _duckdb_aggregate_state { void *internal_ptr; } *duckdb_aggregate_state;
typedef struct _duckdb_bind_info { void *internal_ptr; } *duckdb_bind_info;
typedef struct _duckdb_init_info { void *internal_ptr; } *duckdb_init_info;
typedef struct _duckdb_function_info { void *internal_ptr; } *duckdb_function_info;
typedef struct _duckdb_error_data { void *internal_ptr; } *duckdb_error_data;
typedef struct _duckdb_arrow_options { void *internal_ptr; } *duckdb_arrow_options;
typedef struct _duckdb_arrow_converted_schema { void *internal_ptr; } *duckdb_arrow_converted_schema;
struct ArrowSchema;
struct ArrowArray;
typedef struct {
	idx_t deprecated_column_count, deprecated_row_count, deprecated_rows_changed;
	void *deprecated_columns;
	char *deprecated_error_message;
	void *internal_data;
} duckdb_result;

typedef void (*duckdb_delete_callback_t)(void *);
typedef void *(*duckdb_copy_callback_t)(void *);
typedef void (*duckdb_scalar_function_bind_t)(duckdb_bind_info);
typedef void (*duckdb_table_function_bind_t)(duckdb_bind_info);
typedef void (*duckdb_table_function_init_t)(duckdb_init_info);
typedef void (*duckdb_table_function_t)(duckdb_function_info, duckdb_data_chunk);
typedef void (*duckdb_scalar_function_t)(duckdb_function_info, duckdb_data_chunk, duckdb_vector);
typedef idx_t (*duckdb_aggregate_state_size)(duckdb_function_info);
typedef void (*duckdb_aggregate_init_t)(duckdb_function_info, duckdb_aggregate_state);
typedef void (*duckdb_aggregate_update_t)(duckdb_function_info, duckdb_data_chunk, duckdb_aggregate_state *);
typedef void (*duckdb_aggregate_combine_t)(duckdb_function_info, duckdb_aggregate_state *, duckdb_aggregate_state *, idx_t);
typedef void (*duckdb_aggregate_destroy_t)(duckdb_aggregate_state *, idx_t);
typedef void (*duckdb_aggregate_finalize_t)(duckdb_function_info, duckdb_aggregate_state *, duckdb_vector, idx_t, idx_t);

duckdb_state duckdb_prepare(duckdb_connection, const char *, duckdb_prepared_statement *);
const char *duckdb_prepare_error(duckdb_prepared_statement);
void duckdb_destroy_prepare(duckdb_prepared_statement *);
duckdb_state duckdb_pending_prepared(duckdb_prepared_statement, duckdb_pending_result *);
duckdb_pending_state duckdb_pending_execute_task(duckdb_pending_result);
bool duckdb_pending_execution_is_finished(duckdb_pending_state);
const char *duckdb_pending_error(duckdb_pending_result);
duckdb_state duckdb_execute_pending(duckdb_pending_result, duckdb_result *);
void duckdb_destroy_pending(duckdb_pending_result *);
const char *duckdb_result_error(duckdb_result *);
idx_t duckdb_rows_changed(duckdb_result *);
void duckdb_destroy_result(duckdb_result *);
duckdb_value duckdb_client_context_get_config_option(duckdb_client_context, const char *, duckdb_config_option_scope *);
duckdb_catalog duckdb_client_context_get_catalog(duckdb_client_context, const char *);
duckdb_catalog_entry duckdb_catalog_get_entry(duckdb_catalog, duckdb_client_context, duckdb_catalog_entry_type, const char *, const char *);
duckdb_catalog_entry_type duckdb_catalog_entry_get_type(duckdb_catalog_entry);
void duckdb_destroy_catalog(duckdb_catalog *);
void duckdb_destroy_catalog_entry(duckdb_catalog_entry *);

idx_t duckdb_extract_statements(duckdb_connection, const char *, duckdb_extracted_statements *);
const char *duckdb_extract_statements_error(duckdb_extracted_statements);
void duckdb_destroy_extracted(duckdb_extracted_statements *);

duckdb_table_function duckdb_create_table_function(void);
void duckdb_destroy_table_function(duckdb_table_function *);
void duckdb_table_function_set_name(duckdb_table_function, const char *);
void duckdb_table_function_add_parameter(duckdb_table_function, duckdb_logical_type);
void duckdb_table_function_set_extra_info(duckdb_table_function, void *, duckdb_delete_callback_t);
void duckdb_table_function_set_bind(duckdb_table_function, duckdb_table_function_bind_t);
void duckdb_table_function_set_init(duckdb_table_function, duckdb_table_function_init_t);
void duckdb_table_function_set_local_init(duckdb_table_function, duckdb_table_function_init_t);
void duckdb_table_function_set_function(duckdb_table_function, duckdb_table_function_t);
void duckdb_table_function_supports_projection_pushdown(duckdb_table_function, bool);
duckdb_state duckdb_register_table_function(duckdb_connection, duckdb_table_function);
void *duckdb_bind_get_extra_info(duckdb_bind_info);
duckdb_value duckdb_bind_get_parameter(duckdb_bind_info, idx_t);
void duckdb_bind_set_bind_data(duckdb_bind_info, void *, duckdb_delete_callback_t);
void duckdb_bind_set_error(duckdb_bind_info, const char *);
void duckdb_bind_add_result_column(duckdb_bind_info, const char *, duckdb_logical_type);
void duckdb_bind_set_cardinality(duckdb_bind_info, idx_t, bool);
void *duckdb_init_get_extra_info(duckdb_init_info);
void *duckdb_init_get_bind_data(duckdb_init_info);
idx_t duckdb_init_get_column_count(duckdb_init_info);
idx_t duckdb_init_get_column_index(duckdb_init_info, idx_t);
void duckdb_init_set_init_data(duckdb_init_info, void *, duckdb_delete_callback_t);
void duckdb_init_set_max_threads(duckdb_init_info, idx_t);
void *duckdb_function_get_bind_data(duckdb_function_info);
void *duckdb_function_get_init_data(duckdb_function_info);
void *duckdb_function_get_local_init_data(duckdb_function_info);
idx_t duckdb_data_chunk_get_size(duckdb_data_chunk);
void duckdb_data_chunk_set_size(duckdb_data_chunk, idx_t);
idx_t duckdb_data_chunk_get_column_count(duckdb_data_chunk);
duckdb_vector duckdb_data_chunk_get_vector(duckdb_data_chunk, idx_t);
void duckdb_vector_reference_vector(duckdb_vector, duckdb_vector);
void *duckdb_vector_get_data(duckdb_vector);
uint64_t *duckdb_vector_get_validity(duckdb_vector);
void duckdb_vector_ensure_validity_writable(duckdb_vector);
duckdb_vector duckdb_struct_vector_get_child(duckdb_vector, idx_t);
duckdb_vector duckdb_list_vector_get_child(duckdb_vector);
idx_t duckdb_list_vector_get_size(duckdb_vector);
duckdb_state duckdb_list_vector_set_size(duckdb_vector, idx_t);
duckdb_state duckdb_list_vector_reserve(duckdb_vector, idx_t);
duckdb_logical_type duckdb_vector_get_column_type(duckdb_vector);
void duckdb_vector_assign_string_element_len(duckdb_vector, idx_t, const char *, idx_t);

duckdb_scalar_function duckdb_create_scalar_function(void);
void duckdb_destroy_scalar_function(duckdb_scalar_function *);
void duckdb_scalar_function_set_name(duckdb_scalar_function, const char *);
void duckdb_scalar_function_add_parameter(duckdb_scalar_function, duckdb_logical_type);
void duckdb_scalar_function_set_varargs(duckdb_scalar_function, duckdb_logical_type);
void duckdb_scalar_function_set_return_type(duckdb_scalar_function, duckdb_logical_type);
void duckdb_scalar_function_set_special_handling(duckdb_scalar_function);
void duckdb_scalar_function_set_volatile(duckdb_scalar_function);
void duckdb_scalar_function_set_extra_info(duckdb_scalar_function, void *, duckdb_delete_callback_t);
void duckdb_scalar_function_set_function(duckdb_scalar_function, duckdb_scalar_function_t);
void *duckdb_scalar_function_get_extra_info(duckdb_function_info);
void duckdb_scalar_function_set_error(duckdb_function_info, const char *);
void duckdb_scalar_function_set_bind(duckdb_scalar_function, duckdb_scalar_function_bind_t);
void duckdb_scalar_function_set_bind_data(duckdb_bind_info, void *, duckdb_delete_callback_t);
void duckdb_scalar_function_set_bind_data_copy(duckdb_bind_info, duckdb_copy_callback_t);
void *duckdb_scalar_function_get_bind_data(duckdb_function_info);
void duckdb_scalar_function_get_client_context(duckdb_bind_info, duckdb_client_context *);
idx_t duckdb_client_context_get_connection_id(duckdb_client_context);
void duckdb_connection_get_client_context(duckdb_connection, duckdb_client_context *);
void duckdb_destroy_client_context(duckdb_client_context *);
duckdb_state duckdb_register_scalar_function(duckdb_connection, duckdb_scalar_function);
duckdb_logical_type duckdb_create_logical_type(duckdb_type);
int64_t duckdb_get_int64(duckdb_value);
void duckdb_destroy_value(duckdb_value *);
void duckdb_destroy_logical_type(duckdb_logical_type *);

void duckdb_connection_get_arrow_options(duckdb_connection, duckdb_arrow_options *);
void duckdb_destroy_arrow_options(duckdb_arrow_options *);
duckdb_error_data duckdb_to_arrow_schema(duckdb_arrow_options, duckdb_logical_type *, const char **, idx_t, struct ArrowSchema *);
duckdb_error_data duckdb_data_chunk_to_arrow(duckdb_arrow_options, duckdb_data_chunk, struct ArrowArray *);
duckdb_error_data duckdb_schema_from_arrow(duckdb_connection, struct ArrowSchema *, duckdb_arrow_converted_schema *);
duckdb_error_data duckdb_data_chunk_from_arrow(duckdb_connection, struct ArrowArray *, duckdb_arrow_converted_schema, duckdb_data_chunk *);
void duckdb_destroy_arrow_converted_schema(duckdb_arrow_converted_schema *);
bool duckdb_error_data_has_error(duckdb_error_data);
const char *duckdb_error_data_message(duckdb_error_data);
void duckdb_destroy_error_data(duckdb_error_data *);
void duckdb_destroy_data_chunk(duckdb_data_chunk *);

duckdb_aggregate_function duckdb_create_aggregate_function(void);
void duckdb_destroy_aggregate_function(duckdb_aggregate_function *);
void duckdb_aggregate_function_set_name(duckdb_aggregate_function, const char *);
void duckdb_aggregate_function_add_parameter(duckdb_aggregate_function, duckdb_logical_type);
void duckdb_aggregate_function_set_return_type(duckdb_aggregate_function, duckdb_logical_type);
void duckdb_aggregate_function_set_functions(duckdb_aggregate_function, duckdb_aggregate_state_size, duckdb_aggregate_init_t, duckdb_aggregate_update_t, duckdb_aggregate_combine_t, duckdb_aggregate_finalize_t);
void duckdb_aggregate_function_set_destructor(duckdb_aggregate_function, duckdb_aggregate_destroy_t);
void duckdb_aggregate_function_set_special_handling(duckdb_aggregate_function);
void duckdb_aggregate_function_set_error(duckdb_function_info, const char *);
duckdb_state duckdb_register_aggregate_function(duckdb_connection, duckdb_aggregate_function);
