package debezium

import (
	"bytes"
	"slices"

	"dsql/ingest/batch"
	"dsql/ingest/format/json"
	"dsql/ingest/jsontext"
	"dsql/ingest/names"
	"dsql/ingest/schema"
)

// decoder decodes Debezium's change events in JSON, with or without their schema (docs: debezium.io, "Data change events"):
//
//	{"before": {…}, "after": {…}, "source": {…}, "op": "c", "ts_ms": 1}      {"schema": …, "payload": {the same}}
//
// A column is a field of the row as it is after the change, of a deleted one as it was before. A column with a path, and one that
// is named like a part of the envelope, is read from the envelope. MongoDB's connector writes the row as a text.
type decoder struct {
	l        *batch.Landing
	row      *json.Decoder
	envelope *json.Decoder
	scan     jsontext.Scanner
	found    int64
	schema   []byte           // of the message before, whose wires the columns have
	beside   *connectSchema   // the schema of the message in hand, where it doesn't stand in it
	learned  *connectSchema   // the one of the message before, whose wires the columns have
	more     schema.Additions // what schemas of messages have said of the rows' fields so far
	marks    batch.Marks
	skipped  bool // the event in hand says nothing of rows
}

var envelopeFields = []string{"op", "ts_ms", "ts_us", "ts_ns", "source", "transaction", "before", "after"}

const noEvent = "no Debezium event: "

// event is where the values of an event's fields begin; 0: it has none.
type event struct {
	envelope, schema, schemaEnd, payload, op, before, after int
	update                                                  int  // MongoDB's updateDescription
	flat                                                    bool // the row itself, with parts of its envelope beside its columns
	fields, times, ddl, status, count                       int
}

// scanEvent steps over an object and notes its fields.
func scanEvent(s *jsontext.Scanner, p *event) bool {
	return s.Members(func(key []byte, from, to int) {
		p.fields++
		switch string(key) {
		case "ts_ms", "ts_us", "ts_ns":
			p.times++
		case "ddl", "tableChanges":
			p.ddl = from
		case "status":
			p.status = from
		case "event_count":
			p.count = from
		case "updateDescription":
			p.update = from
		case "__op", "__deleted":
			p.flat = true
		case "schema":
			p.schema, p.schemaEnd = from, to
		case "payload":
			p.payload = from
		case "op":
			p.op = from
		case "before":
			p.before = from
		case "after":
			p.after = from
		}
	})
}

// opOf is the letter of an event's op, 0 when that is none.
func opOf(value []byte, at int) byte {
	if at+2 < len(value) && value[at] == '"' && value[at+2] == '"' {
		return value[at+1]
	}
	return 0
}

// The placeholder stands where PostgreSQL didn't log a large value because the UPDATE left it alone: as a text, in base64 for bytes, as
// its bytes in an array of numbers, alone in a list or map, which may be a text itself; in an array of UUIDs as the UUID of its MD5.
const placeholder = "__debezium_unavailable_value"

var (
	placeholderText   = []byte(`"` + placeholder + `"`)
	placeholderBase64 = []byte(`"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="`)
	placeholderMap    = []byte(`"{\"` + placeholder + `\":\"` + placeholder + `\"}"`)
	placeholderUUID   = []byte(`"b68a35a7-17ad-35b3-af2a-ae46edb4545a"`)
	placeholderBytes  = []byte(`95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101`)
)

func isPlaceholder(value []byte) bool {
	if bytes.Equal(value, placeholderText) || bytes.Equal(value, placeholderBase64) || bytes.Equal(value, placeholderMap) {
		return true
	}
	if len(value) < 2 || value[0] != '[' && value[0] != '{' {
		return false
	}
	bare := bytes.Map(func(r rune) rune {
		if r == ' ' || r == '\n' || r == '\t' || r == '\r' {
			return -1
		}
		return r
	}, value[1:len(value)-1])
	return value[0] == '[' && (isPlaceholder(bare) || bytes.Equal(bare, placeholderBytes) || bytes.Equal(bare, placeholderUUID)) ||
		value[0] == '{' && bytes.Equal(bare, bytes.Join([][]byte{placeholderText, placeholderText}, []byte{':'}))
}

// withoutPlaceholders is a row with NULL where a value isn't there, and takes note of its columns.
func (z *decoder) withoutPlaceholders(row []byte) (text []byte, full bool) {
	if !bytes.Contains(row, []byte(placeholder)) && !bytes.Contains(row, placeholderBase64) && !bytes.Contains(row, placeholderUUID) &&
		!bytes.Contains(row, []byte("95,")) && !bytes.Contains(row, []byte("95 ")) {
		return row, false
	}
	out, gone := make([]byte, 0, len(row)), []string(nil)
	s := jsontext.Scanner{Text: row}
	s.Members(func(key []byte, from, to int) {
		value := row[from:to]
		if len(out) > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), key...), `":`...)
		if !isPlaceholder(value) {
			out = append(out, value...)
			return
		}
		out = append(out, "null"...)
		gone = append(gone, string(jsontext.Unescape(nil, key)))
	})
	if gone == nil {
		return row, false
	}
	for _, i := range z.l.Values {
		if f := &z.l.Fields[i]; f.Path == nil && names.Has(gone, f.Name) {
			z.marks.Absent += "\x00" + f.Name
		}
	}
	kept, room := z.l.Writer.Keep(slices.Concat([]byte("{"), out, []byte("}")))
	return kept, !room
}
