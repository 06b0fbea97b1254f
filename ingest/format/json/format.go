// Package json is the format json: objects one behind the other, in an array, or each the value of a record.
//
// A file is cut by lines (lines.go) or by the elements of an array (array.go); what was cut is tried as a record (record.go), whose members
// find their columns (object.go), with what is nested in them (nested.go).
package json

import (
	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/convert"
	"dsql/ingest/jsontext"
)

// Format is JSON: objects one behind the other, or in an array.
var Format = batch.Format{
	Name: "json", Endings: []string{".json", ".jsonl", ".ndjson"}, Inferred: true, Offsets: true,
	Files: func(_ *duck.Conn, l *batch.Landing) (batch.Opener, error) {
		d := NewDecoder(l.Columns())
		return func(f *batch.File, from batch.Pos) (batch.Cutter, error) { return open(d, f, from) }, nil
	},
	Values: func(l *batch.Landing) (batch.ValueDecoder, error) {
		return &value{NewDecoder(l.Columns())}, nil
	},
	Object: Line,
}

// Keys decodes keys that are JSON.
func Keys(to convert.Columns) batch.ValueDecoder { return &value{NewDecoder(to)} }

// open tells an array from lines by the first byte that is not blank.
func open(d *Decoder, f *batch.File, from batch.Pos) (batch.Cutter, error) {
	for jsontext.Blank(f.Ahead) && !f.EOF {
		if err := f.ReadMore(); err != nil {
			return nil, err
		}
	}
	n := jsontext.Spaces(f.Ahead)
	if n == len(f.Ahead) || f.Ahead[n] != '[' {
		return &lines{f: f, d: d}, nil
	}
	f.Tail = "]"
	f.Take(n+1, int(jsontext.Newlines(f.Ahead[:n])))
	a := &array{f: f, d: d}
	if from.Byte > f.At.Byte {
		a.phase = between
	}
	return a, nil
}
