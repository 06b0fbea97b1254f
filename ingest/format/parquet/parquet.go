// Package parquet is the format parquet by name: DuckDB reads it, and ingest/files tells it how.
package parquet

import (
	"dsql/ingest/batch"
)

// Format is read by DuckDB itself.
var Format = batch.Format{Name: "parquet", Endings: []string{".parquet"}, Inferred: true}
