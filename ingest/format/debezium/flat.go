package debezium

import (
	"bytes"
	"encoding/json"
	"strings"

	"dsql/ingest/jsontext"
	"dsql/ingest/names"
)

// What connectors write beside change events, and the forms that Debezium's transformations and MongoDB's connector give those.

// noRow says that a record is none of a row: a heartbeat, the begin or end of a transaction, a change of a table's shape, or a message that
// a program wrote into the log (op m).
func (e *event) noRow(value []byte) bool {
	switch {
	case e.op > 0:
		return opOf(value, e.op) == 'm'
	case e.flat:
		return false
	}
	return e.times > 0 && e.times == e.fields || e.ddl > 0 || e.status > 0 && e.count > 0
}

// flattened is the row of a record that ExtractNewRecordState made (its columns, and parts of the envelope as __op, __source_lsn …), and
// the envelope that these parts were of; the row's columns stand in it too, for paths that lead into them.
func (z *decoder) flattened(value []byte, e *event) (row, envelope []byte, full bool) {
	s := jsontext.Scanner{Text: value, At: e.envelope}
	s.Skip(0)
	if row, full = z.withoutPlaceholders(value[e.envelope:s.At]); full || len(z.envelope.Columns) == 0 {
		return row, []byte("{}"), full
	}
	top, source, transaction := members{}, members{}, members{}
	var plain members
	deleted := false
	in := jsontext.Scanner{Text: row}
	in.Members(func(key []byte, from, to int) {
		of, ok := bytes.CutPrefix(key, []byte("__"))
		name := string(of)
		switch v := row[from:to]; {
		case !ok:
			plain.names, plain.values = append(plain.names, string(key)), append(plain.values, v)
		case name == "deleted":
			deleted = string(v) == `"true"` || string(v) == "true"
			top.add("deleted", v)
		case strings.HasPrefix(name, "source_"):
			source.add(name[len("source_"):], v)
		case strings.HasPrefix(name, "transaction_"):
			transaction.add(name[len("transaction_"):], v)
		case names.Has(envelopeFields, name):
			top.add(name, v)
		default: // add.fields=lsn: of the source
			source.add(name, v)
		}
	})
	if deleted && !top.has("op") {
		top.add("op", []byte(`"d"`))
	}
	if len(source.names) > 0 {
		top.add("source", source.object())
	}
	if len(transaction.names) > 0 {
		top.add("transaction", transaction.object())
	}
	of := top.names
	for i, name := range plain.names {
		if !names.Has(of, name) {
			top.names, top.values = append(top.names, name), append(top.values, plain.values[i])
		}
	}
	kept, room := z.l.Writer.Keep(top.object())
	return row, kept, !room
}

// members are those of an object, each name once.
type members struct {
	names  []string // as they stand in JSON
	values [][]byte
}

func (m *members) add(name string, value []byte) {
	if !m.has(name) {
		m.names, m.values = append(m.names, name), append(m.values, value)
	}
}

func (m *members) has(name string) bool { return names.Has(m.names, name) }

func (m *members) object() []byte {
	out := []byte{'{'}
	for i, name := range m.names {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(append(out, '"'), name...), `":`...), m.values[i]...)
	}
	return append(out, '}')
}

// updated is the row of an update that MongoDB's connector tells by what was changed (capture.mode change_streams): the fields that it
// sets, NULL for those that it removes; the others are absent.
func (z *decoder) updated(value []byte, at int) (text []byte, why string, full bool) {
	var row members
	var parts []string
	s := jsontext.Scanner{Text: value, At: at}
	s.Members(func(key []byte, from, to int) {
		v := value[from:to]
		switch string(key) {
		case "updatedFields":
			if v[0] == '"' {
				v = jsontext.Unescape(nil, v[1:len(v)-1])
			}
			if v = plainExtended(v); !jsontext.Valid(v) {
				return
			}
			in := jsontext.Scanner{Text: v}
			in.Members(func(key []byte, from, to int) {
				if name, _, part := strings.Cut(string(key), "."); part {
					parts = append(parts, name)
				}
				row.add(string(key), v[from:to])
			})
		case "removedFields":
			var removed []string
			_ = json.Unmarshal(v, &removed) // null, or a list of names
			for _, name := range removed {
				if name, _, part := strings.Cut(name, "."); part {
					parts = append(parts, name)
				}
				row.add(name, []byte("null"))
			}
		case "truncatedArrays":
			var cut []struct{ Field string }
			_ = json.Unmarshal(v, &cut)
			for _, c := range cut {
				name, _, _ := strings.Cut(c.Field, ".")
				parts = append(parts, name)
			}
		}
	})
	for _, i := range z.l.Values {
		f := &z.l.Fields[i]
		if f.Path != nil || names.Has(envelopeFields, f.Name) {
			continue
		}
		if names.Has(parts, f.Name) {
			return nil, noEvent + "it tells of " + f.Name + " what was changed in it alone: let the connector write whole documents " +
				"(capture.mode change_streams_update_full)", false
		}
		if !row.has(f.Name) {
			z.marks.Absent += "\x00" + f.Name
		}
	}
	kept, room := z.l.Writer.Keep(row.object())
	return kept, "", !room
}
