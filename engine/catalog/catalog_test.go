package catalog_test

import (
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
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
				if err := other.Run(t.Context(), duck.SQL("ATTACH {f} AS old (STORAGE_VERSION {v})", duck.Args{"f": path, "v": storage}),
					duck.SQL("CREATE TABLE old.theirs AS SELECT 1 AS i"), duck.SQL("DETACH old")); err != nil {
					t.Fatal(err)
				}
			}
			c := open(t, path).Writer()
			if err := catalog.Migrate(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if err := c.Run(t.Context(),
				duck.SQL(`INSERT INTO dsql.rejects (rejected_at, reason, payload, data) SELECT now()::TIMESTAMP, 'bad_record', `+
					`('{"name": "a customer of ours", "number": ' || i || '}')::BLOB, NULL FROM range(30000) t(i)`), duck.SQL("CHECKPOINT")); err != nil {
				t.Fatal(err)
			}
			var got string
			if _, err := c.Scan(t.Context(),
				duck.SQL("SELECT any_value(compression) FROM pragma_storage_info('dsql.rejects') WHERE column_name = 'payload' AND "+
					"segment_type = 'BLOB'"), &got); err != nil || got != packed {
				t.Errorf("%s, %v; want %s", got, err, packed)
			}
			if n, err := c.Int(t.Context(),
				duck.SQL("SELECT count(DISTINCT payload) FROM dsql.rejects WHERE payload::VARCHAR LIKE '{%}'")); err != nil || n != 30000 {
				t.Errorf("%d payloads, %v", n, err)
			}
		})
	}
}

// dsql.rejects_text shows UTF-8 as text and all else as escapes, by what DuckDB 1.2 has: a view with TRY ends it when it lists views.
func TestRejectsText(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	if err := catalog.Migrate(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	edges := []byte{0, 10, 'A', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0,
		0xf1, 0xf3, 0xf4, 0xf5, 0xff}
	r := rand.New(rand.NewPCG(1, 2))
	var digits []string
	for range 20_000 {
		var b []byte
		for range r.IntN(6) {
			b = append(b, edges[r.IntN(len(edges))])
		}
		digits = append(digits, hex.EncodeToString(b))
	}
	if err := c.Run(t.Context(), duck.SQL("INSERT INTO dsql.rejects (rejected_at, reason, payload) SELECT now()::TIMESTAMP, 'bad_record', "+
		"from_hex(h) FROM unnest(string_split({all}, ',')) t(h)",
		duck.Args{"all": strings.Join(digits, ",")})); err != nil {
		t.Fatal(err)
	}
	texts, err := duck.Select(t.Context(), c,
		duck.SQL("SELECT hex(payload), hex(encode(payload_text)), payload_text = payload::VARCHAR FROM dsql.rejects JOIN dsql.rejects_text "+
			"USING (id)"),
		func(row func(...any) error) (x struct {
			payload, text string
			escaped       bool
		}, err error) {
			return x, row(&x.payload, &x.text, &x.escaped)
		})
	if err != nil || len(texts) != len(digits) {
		t.Fatal(len(texts), err)
	}
	for _, x := range texts {
		b, err := hex.DecodeString(x.payload)
		if err != nil {
			t.Fatal(err)
		}
		if valid := utf8.Valid(b); valid && x.text != x.payload || !valid && !x.escaped {
			t.Errorf("%x is shown as %s", b, x.text)
		}
	}
	if n, err := c.Int(t.Context(),
		duck.SQL("SELECT count(*) FROM duckdb_views() WHERE NOT internal AND regexp_matches(sql, '\\bTRY *\\(', 'i')")); err != nil || n > 0 {
		t.Errorf("%d views have a TRY, %v", n, err)
	}
}

func TestMigrateIsIdempotentAndRefusesNewerFiles(t *testing.T) {
	t.Parallel()
	c := open(t, filepath.Join(t.TempDir(), "m.duckdb")).Writer()
	ctx := t.Context()
	for range 2 {
		if err := catalog.Migrate(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Run(ctx, duck.SQL("UPDATE dsql.catalog SET version = 999")); err != nil {
		t.Fatal(err)
	}
	var e *sql.Error
	if err := catalog.Migrate(ctx, c); !errors.As(err, &e) || e.Code != code.NewerFile {
		t.Errorf("got %v", err)
	}
}

func open(t *testing.T, path string) *duck.DB {
	t.Helper()
	db, err := duck.Open(t.Context(), path, duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
