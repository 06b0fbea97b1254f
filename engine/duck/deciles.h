#pragma once
#include <stdbool.h>
#include "duckdb.h"

// dsql_deciles_register makes the aggregate dsql_deciles(DOUBLE) callable.
bool dsql_deciles_register(duckdb_connection con, duckdb_logical_type value, duckdb_logical_type list);
