package json

import (
	"bytes"

	"dsql/ingest/convert"
	"dsql/ingest/jsontext"
	"dsql/ingest/schema"
)

// value decodes values that are JSON objects.
type value struct{ d *Decoder }

func (j *value) Unknown() int64 { return j.d.Unknown }

func (j *value) Decode(value []byte, row int, lenient bool) (why string, set int, full bool) {
	return j.d.Whole(schema.Unframed(value), row, lenient)
}

// Whole decodes a text that is one object and nothing else.
func (d *Decoder) Whole(text []byte, row int, lenient bool) (why string, set int, full bool) {
	d.Scanner = jsontext.Scanner{Text: text}
	d.Lenient, d.Unknown = lenient, 0
	d.Space()
	ok := d.Record(row)
	if lenient {
		return "", d.Set, false
	}
	if ok {
		d.Space()
		ok = d.At == len(d.Text) || d.syntax()
	}
	if ok {
		return "", d.Set, false
	}
	return d.Reason(0), 0, d.Fault == convert.NoRoom
}

// Line is the object in a value, on one line; nil when there is none.
func Line(value []byte) []byte {
	text := schema.Unframed(value)
	if !jsontext.Valid(text) || !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return nil
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(text, []byte{'\n'}, []byte{' '}), []byte{'\r'}, []byte{' '})
}
