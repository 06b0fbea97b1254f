//go:build extension

package file

import _ "embed"

//go:embed dsql.duckdb_extension.gz
var packed []byte
