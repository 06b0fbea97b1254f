package ingest

import (
	"bytes"
	"slices"
	"strings"

	"dsql/engine/duck"
)

// debezium decodes Debezium's change events in JSON, with or without their schema (docs: debezium.io, "Data change events"):
//
//	{"before": {…}, "after": {…}, "source": {…}, "op": "c", "ts_ms": 1}      {"schema": …, "payload": {the same}}
//
// A column is a field of the row as it is after the change, of a deleted one as it was before. A column with a path, and one that
// is named like a part of the envelope, is read from the envelope. MongoDB's connector writes the row as a text.
type debezium struct {
	l        *Landing
	row      *jsonDecoder
	envelope *jsonDecoder
	scan     jsonScanner
	found    int64
	schema   []byte    // of the message before, whose wires the columns have
	more     additions // what schemas of messages have said of the rows' fields so far
	marks    marks
}

func (z *debezium) marked() marks { return z.marks }

// additions are Adding's. Of fields that come without a schema it knows nothing.
func (z *debezium) additions() ([]duck.Column, bool) { return z.more.columns(), false }

var envelopeFields = []string{"op", "ts_ms", "ts_us", "ts_ns", "source", "transaction", "before", "after"}

// debeziumFormat is Debezium's JSON.
var debeziumFormat = Format{
	Name: "debezium", Doc: "its JSON", Offsets: true, KeyBelow: "payload",
	Values: func(l *Landing) (valueDecoder, error) { return newDebezium(l), nil },
	Object: func(value []byte) []byte {
		if text := jsonLine(value); text != nil {
			return rowOf(text)
		}
		return nil
	},
}

func newDebezium(l *Landing) *debezium {
	z := &debezium{l: l, row: newJSON(Columns{W: &l.w, Root: &slot{obj: newObject()}, Names: &l.names}),
		envelope: newJSON(Columns{W: &l.w, Root: &slot{obj: newObject()}, Names: &nameSet{}})}
	for _, i := range l.values {
		f, c := l.fields[i], l.columns[i]
		d, steps := z.row, f.Path
		if steps == nil {
			steps = []string{f.Name}
		}
		if f.Path != nil || containsFold(envelopeFields, f.Name) {
			d = z.envelope
			if f.Path == nil {
				steps[0] = strings.ToLower(f.Name)
			}
		}
		d.root.path(steps).take(c)
		d.columns = append(d.columns, c)
	}
	return z
}

func (z *debezium) unknown() int64 { return z.found }

const noEvent = "no Debezium event: "

func (z *debezium) decode(value []byte, row int, lenient bool) (why string, set int, full bool) {
	value = plainJSON(value)
	z.found, z.marks = 0, marks{}
	e, why := z.find(value)
	if why != "" {
		return why, 0, false
	}
	text, why, full := z.rowText(value, &e)
	if why != "" || full {
		return why, 0, full
	}
	z.row.jsonScanner = jsonScanner{b: text}
	z.row.lenient, z.row.unknown, z.row.set, z.row.fault = lenient, 0, 0, fine
	ok := true
	if text != nil {
		ok = z.row.record(row)
	} else {
		z.row.serial++
		z.row.scope = z.row.serial
		z.row.nullRest(z.row.columns, row)
	}
	if !ok && !lenient {
		return z.row.reason(0), 0, z.row.fault == noRoom
	}
	z.found = z.row.unknown
	if len(z.envelope.columns) > 0 {
		z.envelope.jsonScanner = jsonScanner{b: value, i: e.envelope}
		z.envelope.lenient = lenient
		if !z.envelope.record(row) && !lenient {
			return z.envelope.reason(0), 0, z.envelope.fault == noRoom
		}
		set = z.envelope.set
	}
	return "", set + z.row.set, false
}

// find steps over an event and takes note of its schema.
func (z *debezium) find(value []byte) (e event, why string) {
	s := &z.scan
	*s = jsonScanner{b: value}
	s.ws()
	e = event{envelope: s.i}
	if s.i >= len(value) || value[s.i] != '{' {
		return e, noEvent + "not a JSON object"
	}
	if !scanEvent(s, &e) {
		return e, s.problem(0)
	}
	s.ws()
	if s.i < len(value) {
		return e, s.problem(0)
	}
	var schema []byte
	if e.payload > 0 && e.op == 0 {
		if schema = value[e.schema:e.schemaEnd]; e.schema == 0 || value[e.schema] != '{' {
			schema = nil
		}
		e = event{envelope: e.payload}
		if s.i = e.envelope; value[s.i] != '{' {
			return e, noEvent + "its payload is no object"
		}
		scanEvent(s, &e)
	}
	if e.op == 0 {
		return e, noEvent + "it has no op (for plain rows use format json)"
	}
	if !bytes.Equal(schema, z.schema) {
		z.learn(schema)
	}
	return e, ""
}

// learn gives the columns what the schema of a message says of their values; without one what their FORMATs say.
func (z *debezium) learn(text []byte) {
	z.schema = bytes.Clone(text)
	var s *connectSchema
	if text != nil {
		s = parseConnect(text)
	}
	row := s.field("after")
	row.bind(z.row.root)
	s.bind(z.envelope.root)
	if row == nil {
		return
	}
	for i := range row.Fields {
		if f := &row.Fields[i]; f.duckdb() != "" {
			z.more.add(f.Field, f.duckdb())
		}
	}
}

// rowText is the row of an event: nil when it has none, with why not when it should have one.
func (z *debezium) rowText(value []byte, e *event) (text []byte, why string, full bool) {
	at, op := e.after, opOf(value, e.op)
	if at == 0 || value[at] == 'n' {
		at = e.before
	}
	switch {
	case at == 0 || value[at] == 'n':
		if z.marks.truncate = op == 't'; op == 'c' || op == 'r' || op == 'u' {
			return nil, noEvent + "op " + string(op) + " without a row after it", false
		}
		return nil, "", false
	case value[at] == '{':
		s := jsonScanner{b: value, i: at}
		s.skip(0)
		text, full = z.withoutPlaceholders(value[at:s.i])
		return text, "", full
	case value[at] == '"':
		s := jsonScanner{b: value, i: at + 1}
		s.str()
		text = plainExtended(unescape(nil, value[at+1:s.i-1]))
		in := jsonScanner{b: text}
		if in.ws(); validJSON(text) && text[in.i] == '{' {
			kept, room := z.l.w.keep(text[in.i:])
			return kept, "", !room
		}
	}
	s := jsonScanner{b: value, i: at}
	s.skip(0)
	return nil, noEvent + "the row is no object: " + excerpt(value[at:s.i], false), false
}

// opOf is the letter of an event's op, 0 when that is none.
func opOf(value []byte, at int) byte {
	if at+2 < len(value) && value[at] == '"' && value[at+2] == '"' {
		return value[at+1]
	}
	return 0
}

// The placeholder stands where PostgreSQL didn't log a large value because the UPDATE left it alone: as a text, in base64 for bytes, as
// its bytes in an array of numbers, alone in a list or map.
const placeholder = "__debezium_unavailable_value"

var (
	placeholderText   = []byte(`"` + placeholder + `"`)
	placeholderBase64 = []byte(`"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="`)
	placeholderBytes  = []byte(`95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101`)
)

func isPlaceholder(value []byte) bool {
	if bytes.Equal(value, placeholderText) || bytes.Equal(value, placeholderBase64) {
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
	return value[0] == '[' && (isPlaceholder(bare) || bytes.Equal(bare, placeholderBytes)) ||
		value[0] == '{' && bytes.Equal(bare, bytes.Join([][]byte{placeholderText, placeholderText}, []byte{':'}))
}

// withoutPlaceholders is a row with NULL where a value isn't there, and takes note of its columns.
func (z *debezium) withoutPlaceholders(row []byte) (text []byte, full bool) {
	if !bytes.Contains(row, placeholderText) && !bytes.Contains(row, placeholderBase64) && !bytes.Contains(row, []byte("95,")) &&
		!bytes.Contains(row, []byte("95 ")) {
		return row, false
	}
	out, gone := make([]byte, 0, len(row)), []string(nil)
	s := jsonScanner{b: row}
	s.members(func(key []byte, from, to int) {
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
		gone = append(gone, string(unescape(nil, key)))
	})
	if gone == nil {
		return row, false
	}
	for _, i := range z.l.values {
		if f := &z.l.fields[i]; f.Path == nil && containsFold(gone, f.Name) {
			z.marks.absent += "\x00" + f.Name
		}
	}
	kept, room := z.l.w.keep(slices.Concat([]byte("{"), out, []byte("}")))
	return kept, !room
}

// event is where the values of an event's fields begin; 0: it has none.
type event struct{ envelope, schema, schemaEnd, payload, op, before, after int }

// scanEvent steps over an object and notes its fields.
func scanEvent(s *jsonScanner, p *event) bool {
	return s.members(func(key []byte, from, to int) {
		switch string(key) {
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

// rowOf is the row in a Debezium event, nil when it is none.
func rowOf(text []byte) []byte {
	s := &jsonScanner{b: text}
	s.ws()
	e := event{}
	if !scanEvent(s, &e) {
		return nil
	}
	if e.payload > 0 && e.op == 0 && text[e.payload] == '{' {
		s.i, e = e.payload, event{}
		scanEvent(s, &e)
	}
	at := e.after
	if at == 0 || text[at] == 'n' {
		at = e.before
	}
	if e.op == 0 || at == 0 {
		return nil
	}
	s.i = at
	s.skip(0)
	switch row := text[at:s.i]; row[0] {
	case '{':
		return row
	case '"':
		return jsonLine(plainExtended(unescape(nil, row[1:len(row)-1])))
	}
	return nil
}
