// Package debezium is the format debezium: change events in JSON, and the schemas of Kafka Connect that may come with them.
package debezium

import (
	"bytes"
	"strings"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	"dsql/ingest/convert"
	"dsql/ingest/format/json"
	"dsql/ingest/jsontext"
	"dsql/ingest/names"
	"dsql/ingest/schema"
)

func (z *decoder) Marked() batch.Marks { return z.marks }

// Skipped says that the record was none of a row: a heartbeat, say.
func (z *decoder) Skipped() bool { return z.skipped }

// Additions are Adding's. Of fields that come without a schema it knows nothing.
func (z *decoder) Additions() ([]duck.Column, bool) { return z.more.Columns(), false }

func newDecoder(l *batch.Landing) *decoder {
	z := &decoder{l: l, row: json.NewDecoder(convert.Columns{W: &l.Writer, Root: &convert.Slot{Obj: convert.NewObject()}, Names: &l.Names}),
		envelope: json.NewDecoder(convert.Columns{W: &l.Writer, Root: &convert.Slot{Obj: convert.NewObject()}, Names: &convert.NameSet{}})}
	for _, i := range l.Values {
		f, c := l.Fields[i], l.Compiled[i]
		d, steps := z.row, f.Path
		if steps == nil {
			steps = []string{f.Name}
		}
		if f.Path != nil || names.Has(envelopeFields, f.Name) {
			d = z.envelope
			if f.Path == nil {
				steps[0] = strings.ToLower(f.Name)
			}
		}
		d.Root.Path(steps).Take(c)
		d.Columns = append(d.Columns, c)
	}
	return z
}

func (z *decoder) Unknown() int64 { return z.found }

func (z *decoder) Decode(value []byte, row int, lenient bool) (why string, set int, full bool) {
	value = schema.Unframed(value)
	z.found, z.marks, z.skipped = 0, batch.Marks{}, false
	e, why := z.find(value)
	if why == "" && e.noRow(value) {
		if t := z.l.Dialect.Topics; t != nil && t.Many && e.op == 0 {
			why = noEvent + "it tells of no row (a heartbeat, a transaction, a change of a table), and the pattern took its topic"
		}
		z.skipped = why == ""
		return why, 0, false
	}
	if why != "" {
		return why, 0, false
	}
	envelope, at := value, e.envelope
	var text []byte
	if e.flat {
		text, envelope, full = z.flattened(value, &e)
		at = 0
	} else {
		text, why, full = z.rowText(value, &e)
	}
	if why != "" || full {
		return why, 0, full
	}
	z.row.Scanner = jsontext.Scanner{Text: text}
	z.row.Lenient, z.row.Unknown, z.row.Set, z.row.Fault = lenient, 0, 0, convert.Fine
	ok := true
	if text != nil {
		ok = z.row.Record(row)
	} else {
		z.row.Serial++
		z.row.Scope = z.row.Serial
		z.row.NullRest(z.row.Columns, row)
	}
	if !ok && !lenient {
		return z.row.Reason(0), 0, z.row.Fault == convert.NoRoom
	}
	z.found = z.row.Unknown
	if len(z.envelope.Columns) > 0 {
		z.envelope.Scanner = jsontext.Scanner{Text: envelope, At: at}
		z.envelope.Lenient = lenient
		if !z.envelope.Record(row) && !lenient {
			return z.envelope.Reason(0), 0, z.envelope.Fault == convert.NoRoom
		}
		set = z.envelope.Set
	}
	return "", set + z.row.Set, false
}

// find steps over an event and takes note of its schema.
func (z *decoder) find(value []byte) (e event, why string) {
	s := &z.scan
	*s = jsontext.Scanner{Text: value}
	s.Space()
	e = event{envelope: s.At}
	if s.At >= len(value) || value[s.At] != '{' {
		return e, noEvent + "not a JSON object"
	}
	if !scanEvent(s, &e) {
		return e, s.Problem(0)
	}
	s.Space()
	if s.At < len(value) {
		return e, s.Problem(0)
	}
	var schema []byte
	if e.payload > 0 && e.op == 0 && !e.flat {
		if schema = value[e.schema:e.schemaEnd]; e.schema == 0 || value[e.schema] != '{' {
			schema = nil
		}
		e = event{envelope: e.payload}
		if s.At = e.envelope; value[s.At] != '{' {
			return e, noEvent + "its payload is no object"
		}
		scanEvent(s, &e)
		e.flat = e.flat || e.op == 0 && schema != nil && !e.noRow(value)
	}
	e.flat = e.flat || e.op == 0 && z.beside != nil && !e.noRow(value)
	if e.op == 0 && !e.flat && !e.noRow(value) {
		return e, noEvent + "it has no op (for plain rows use format json)"
	}
	switch {
	case z.beside != nil && z.beside != z.learned:
		z.learn(z.beside, e.flat)
	case z.beside == nil && (z.learned != nil || !bytes.Equal(schema, z.schema)):
		z.schema = bytes.Clone(schema)
		var s *connectSchema
		if schema != nil {
			s = parseConnect(schema)
		}
		z.learn(s, e.flat)
	}
	z.learned = z.beside
	return e, ""
}

// learn gives the columns what a schema says of their values; without one what their FORMATs say.
func (z *decoder) learn(s *connectSchema, flat bool) {
	row := s
	if !flat {
		row = s.field("after")
	}
	row.bind(z.row.Root)
	s.bind(z.envelope.Root)
	if row == nil {
		return
	}
	for i := range row.Fields {
		of := row.Fields[i].duckdb()
		if of == "" && z.beside != nil { // there may be no JSON that says more
			of = "JSON"
		}
		if of != "" {
			z.more.Add(row.Fields[i].Field, of)
		}
	}
}

// rowText is the row of an event: nil when it has none, with why not when it should have one.
func (z *decoder) rowText(value []byte, e *event) (text []byte, why string, full bool) {
	at, op := e.after, opOf(value, e.op)
	if op == 'u' && (at == 0 || value[at] == 'n') && e.update > 0 && value[e.update] == '{' {
		return z.updated(value, e.update)
	}
	if at == 0 || value[at] == 'n' {
		at = e.before
	}
	switch {
	case at == 0 || value[at] == 'n':
		if z.marks.Truncate = op == 't'; op == 'c' || op == 'r' || op == 'u' {
			return nil, noEvent + "op " + string(op) + " without a row after it", false
		}
		return nil, "", false
	case value[at] == '{':
		s := jsontext.Scanner{Text: value, At: at}
		s.Skip(0)
		text, full = z.withoutPlaceholders(value[at:s.At])
		return text, "", full
	case value[at] == '"':
		s := jsontext.Scanner{Text: value, At: at + 1}
		s.Str()
		text = plainExtended(jsontext.Unescape(nil, value[at+1:s.At-1]))
		in := jsontext.Scanner{Text: text}
		if in.Space(); jsontext.Valid(text) && text[in.At] == '{' {
			kept, room := z.l.Writer.Keep(text[in.At:])
			return kept, "", !room
		}
	}
	s := jsontext.Scanner{Text: value, At: at}
	s.Skip(0)
	return nil, noEvent + "the row is no object: " + jsontext.Excerpt(value[at:s.At], false), false
}

// Row is the row in a Debezium event, nil when it is none.
func Row(text []byte) []byte {
	s := &jsontext.Scanner{Text: text}
	s.Space()
	e := event{envelope: s.At}
	if !scanEvent(s, &e) {
		return nil
	}
	if e.payload > 0 && e.op == 0 && !e.flat && text[e.payload] == '{' {
		s.At, e = e.payload, event{envelope: e.payload, flat: e.schema > 0 && text[e.schema] == '{'}
		scanEvent(s, &e)
	}
	at := e.after
	if at == 0 || text[at] == 'n' {
		at = e.before
	}
	if e.flat && e.op == 0 && !e.noRow(text) {
		at = e.envelope
	} else if e.op == 0 || at == 0 {
		return nil
	}
	s.At = at
	s.Skip(0)
	switch row := text[at:s.At]; row[0] {
	case '{':
		return row
	case '"':
		return json.Line(plainExtended(jsontext.Unescape(nil, row[1:len(row)-1])))
	}
	return nil
}

// Types gives columns the types that the schema of a Debezium event has for them.
func Types(text []byte, cols []duck.Column) {
	s := &jsontext.Scanner{Text: text}
	s.Space()
	e := event{}
	if !scanEvent(s, &e) || e.schema == 0 || e.payload == 0 {
		return
	}
	of := parseConnect(text[e.schema:e.schemaEnd])
	row := of.field("after")
	if row == nil {
		row = of
	}
	for i, c := range cols {
		if of := row.field(c.Name).duckdb(); of != "" {
			cols[i].Type = of
		}
	}
}
