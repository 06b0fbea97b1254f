// Package csv is the format csv: delimited text, with all that such files leave open.
//
// A file is opened (open.go): what stands above its records (lines.go) and its header (header.go, names.go) say how it is written and which
// columns its fields are. Then it is cut into records and fields (split.go), which become rows (record.go).
package csv

import (
	"context"

	"dsql/engine/duck"
	"dsql/ingest/batch"
)

// Format is delimited text.
var Format = batch.Format{
	Name: "csv", Endings: []string{".csv", ".tsv"}, Inferred: true, Flat: true,
	Files: func(conn *duck.Conn, l *batch.Landing) (o batch.Opener, err error) {
		settle(&l.Dialect)
		words := map[string]bool{}
		if l.Dialect.Normalize {
			words, err = duck.Keywords(context.Background(), conn, duck.SQL(""))
		}
		nested := nestedJSON(l)
		return func(f *batch.File, _ batch.Pos) (batch.Cutter, error) {
			c := newDecoder(l, nested)
			c.keywords = words
			return c.open(f)
		}, err
	},
	Values: func(l *batch.Landing) (batch.ValueDecoder, error) {
		settle(&l.Dialect)
		return newValue(l), nil
	},
}
