package engine_test

import (
	"path/filepath"
	"testing"

	"dsql/engine"
)

// Rejects are packed by zstd in a file made here, and by DuckDB's own choice in one that another client made: asked for zstd, that
// would not pack them at all.
func TestRejectsArePacked(t *testing.T) {
	t.Parallel()
	for name, storage := range map[string]string{"ours": "", "theirs": "v1.0.0"} {
		packed := map[string]string{"ours": "ZSTD", "theirs": "FSST"}[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "a.duckdb")
			if storage != "" {
				other := open(t, "").Writer()
				if err := other.Run(t.Context(), engine.SQL("ATTACH {f} AS old (STORAGE_VERSION {v})", engine.Args{"f": path, "v": storage}), engine.SQL("CREATE TABLE old.theirs AS SELECT 1 AS i"), engine.SQL("DETACH old")); err != nil {
					t.Fatal(err)
				}
			}
			c := open(t, path).Writer()
			if err := c.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := c.Run(t.Context(), engine.SQL(`INSERT INTO dsql.rejects (rejected_at, reason, payload, data) SELECT now()::TIMESTAMP, 'bad_record', ('{"name": "a customer of ours", "number": ' || i || '}')::BLOB, NULL FROM range(30000) t(i)`), engine.SQL("CHECKPOINT")); err != nil {
				t.Fatal(err)
			}
			var got string
			if _, err := c.Scan(t.Context(), engine.SQL("SELECT any_value(compression) FROM pragma_storage_info('dsql.rejects') WHERE column_name = 'payload' AND segment_type = 'BLOB'"), &got); err != nil || got != packed {
				t.Errorf("%s, %v; want %s", got, err, packed)
			}
			if n, err := c.Int(t.Context(), engine.SQL("SELECT count(DISTINCT payload) FROM dsql.rejects WHERE payload::VARCHAR LIKE '{%}'")); err != nil || n != 30000 {
				t.Errorf("%d payloads, %v", n, err)
			}
		})
	}
}
