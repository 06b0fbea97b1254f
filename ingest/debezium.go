package ingest

import "strings"

// debezium decodes Debezium's change events in JSON, with or without their schema (docs: debezium.io, "Data change events"):
//
//	{"before": {…}, "after": {…}, "source": {…}, "op": "c", "ts_ms": 1}      {"schema": …, "payload": {the same}}
//
// A column is a field of the row as it is after the change, of a deleted one as it was before. A column with a path, and one that
// is named like a part of the envelope, is read from the envelope.
type debezium struct {
	row      *jsonDecoder
	envelope jsonDecoder
	scan     jsonScanner
	found    int64
}

var envelopeFields = []string{"op", "ts_ms", "ts_us", "ts_ns", "source", "transaction", "before", "after"}

func newDebezium(l *Landing) *debezium {
	z := &debezium{row: &l.json}
	z.envelope.w = &l.w
	l.json.root, l.json.columns = slot{obj: newObject()}, nil
	z.envelope.root.obj = newObject()
	for _, i := range l.values {
		f, c := l.fields[i], l.columns[i]
		d, steps := z.row, f.Path
		if steps == nil {
			steps = []string{f.Name}
		}
		if f.Path != nil || containsFold(envelopeFields, f.Name) {
			d = &z.envelope
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

func (z *debezium) decode(value []byte, row int, lenient bool) (why string, set int, full bool) {
	value = plainJSON(value)
	z.found = 0
	s := &z.scan
	*s = jsonScanner{b: value}
	s.ws()
	e := event{envelope: s.i}
	if s.i >= len(value) || value[s.i] != '{' {
		return "no Debezium event: not a JSON object", 0, false
	}
	if !s.event(&e) {
		return s.problem(0), 0, false
	}
	s.ws()
	if s.i < len(value) {
		return s.problem(0), 0, false
	}
	if e.payload > 0 && e.op == 0 {
		e = event{envelope: e.payload}
		if s.i = e.envelope; value[s.i] != '{' {
			return "no Debezium event: its payload is no object", 0, false
		}
		s.event(&e)
	}
	if e.op == 0 {
		return "no Debezium event: it has no op (for plain rows use format json)", 0, false
	}
	at := e.after
	if at == 0 || value[at] == 'n' {
		at = e.before
	}
	z.row.jsonScanner = jsonScanner{b: value, i: at}
	z.row.lenient, z.row.unknown, z.row.set, z.row.fault = lenient, 0, 0, fine
	ok := true
	if at > 0 && value[at] == '{' {
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

// event is where the values of an event's fields begin; 0: it has none.
type event struct{ envelope, payload, op, before, after int }

// event steps over an object and notes its fields.
func (s *jsonScanner) event(p *event) bool {
	s.i++
	s.ws()
	if s.is('}') {
		return true
	}
	for {
		if !s.is('"') {
			return false
		}
		from := s.i
		if _, ok := s.str(); !ok {
			return false
		}
		key := s.b[from : s.i-1]
		if !s.colon() {
			return false
		}
		switch string(key) {
		case "payload":
			p.payload = s.i
		case "op":
			p.op = s.i
		case "before":
			p.before = s.i
		case "after":
			p.after = s.i
		}
		if !s.skip(0) {
			return false
		}
		s.ws()
		if s.is('}') {
			return true
		}
		if !s.is(',') {
			return false
		}
		s.ws()
	}
}
