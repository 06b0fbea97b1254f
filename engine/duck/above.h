#pragma once
#include <stdbool.h>
#include "duckdb.h"

// dsql_above_register makes the aggregate dsql_above(DOUBLE, DOUBLE[]) callable.
bool dsql_above_register(duckdb_connection con, duckdb_logical_type value, duckdb_logical_type list, duckdb_logical_type counts);
