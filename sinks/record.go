package sinks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"dsql/engine/duck"
	"dsql/sql"
)

// shape is how rows become records.
type shape struct {
	names   [][]byte // of the columns: "a":  "b":  …
	key     []part   // none: records have no key
	headers []part
	time    duck.Column // whose value is the record's time; without a name: the time at which it is sent
}

// part is a column whose value stands in a record beside its value.
type part struct {
	name  string
	at    int
	blob  bool // its bytes as they are
	exact bool // JSON, which stays as it is
}

func (s *kafka) shapeOf(cols []duck.Column) (sh shape) {
	for _, c := range cols {
		sh.names = append(sh.names, append(jsonText(c.Name), ':'))
	}
	parts := func(of []sql.Name) (out []part) {
		for _, n := range of {
			for i, c := range cols {
				if strings.EqualFold(c.Name, n.Text) {
					out = append(out, part{c.Name, i, c.Type == "BLOB", c.Type == "JSON"})
				}
			}
		}
		return out
	}
	sh.key, sh.headers = parts(s.key), parts(s.headers)
	if t := parts([]sql.Name{s.time}); len(t) > 0 {
		sh.time = cols[t[0].at]
	}
	return sh
}

func jsonText(x string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(x) // a string can't fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// noTime stands for a time that a record can't have.
const noTime = -1

// timed are the rows with the record's time in milliseconds behind their columns, noTime for infinity.
func (sh *shape) timed(rows *duck.Query, cols []duck.Column) *duck.Query {
	if sh.time.Name == "" {
		return rows
	}
	at := duck.SQL("{c}::TIMESTAMP", duck.Args{"c": duck.Ident(sh.time.Name)})
	if sh.time.Type == "TIMESTAMP WITH TIME ZONE" { // the session's zone plays no part
		at = duck.Ident(sh.time.Name)
	}
	return duck.SQL("SELECT *, CASE WHEN isfinite({at}) THEN epoch_ms({at}) WHEN {at} IS NOT NULL THEN {no} END AS {t} FROM ({rows})",
		duck.Args{"at": at, "t": duck.Ident(duck.FreeName("_time", cols)), "rows": rows, "no": int64(noTime)})
}

var errNoTime = errors.New("a record has no such time")

// record is a row as a record; nil: an upsert doesn't need it. The error says why it can't be one.
func (k *kafkaOutlet) record(res *duck.Result, id string) (*kgo.Record, error) {
	from, gone := 0, false
	if k.s.upsert && string(k.shape.names[0]) == `"change_type":` { // else each row comes once
		change := string(res.JSON(0))
		if change == `"update_before"` {
			return nil, nil
		}
		from, gone = 1, change == `"delete"` // change_type is no part of the state
	}
	sh := &k.shape
	rec := &kgo.Record{Key: sh.keyOf(res), Headers: make([]kgo.RecordHeader, 1, 1+len(sh.headers))}
	rec.Headers[0] = kgo.RecordHeader{Key: IDHeader, Value: []byte(id)}
	for _, h := range sh.headers {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: h.name, Value: h.text(res)})
	}
	if !gone {
		rec.Value = sh.object(res, from)
	}
	if sh.time.Name != "" {
		if v := string(res.JSON(len(sh.names))); v != "null" {
			ms, err := strconv.ParseInt(v, 10, 64)
			if err != nil || ms < 0 {
				return nil, refusalOf(rec, errNoTime)
			}
			rec.Timestamp = time.UnixMilli(ms)
		}
	}
	return rec, nil
}

// id names a row of a version.
func (k *kafkaOutlet) id(version, row int64) string {
	if k.numbers != nil {
		row = k.numbers[row-1]
	}
	return fmt.Sprintf("%s/%s/%s/%d/%d", k.o.File, k.s.Input().Text, k.s.decl.Name, version, row)
}

// object is a row from a column on as JSON.
func (sh *shape) object(res *duck.Result, from int) []byte {
	value := append(make([]byte, 0, 64*len(sh.names)), '{')
	for i := from; i < len(sh.names); i++ {
		if i > from {
			value = append(value, ',')
		}
		value = append(append(value, sh.names[i]...), res.JSON(i)...)
	}
	return append(value, '}')
}

// keyOf is the key of a row's record: a column as text, or several as an object.
func (sh *shape) keyOf(res *duck.Result) []byte {
	switch len(sh.key) {
	case 0:
		return nil
	case 1:
		return sh.key[0].text(res)
	}
	out := []byte{'{'}
	for i, p := range sh.key {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, sh.names[p.at]...), res.JSON(p.at)...)
	}
	return append(out, '}')
}

// text is a column's value outside of JSON: a string without its quotes, bytes as they are, anything else as its JSON; NULL is nothing.
func (p part) text(res *duck.Result) []byte {
	v := res.JSON(p.at)
	if string(v) == "null" {
		return nil
	}
	var text string
	if p.exact || v[0] != '"' || json.Unmarshal(v, &text) != nil {
		return bytes.Clone(v)
	}
	if p.blob {
		return unescape(text)
	}
	return []byte(text)
}

// unescape reads DuckDB's text of a BLOB, in which \xAB stands for all bytes but printable ASCII.
func unescape(text string) []byte {
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if b, err := strconv.ParseUint(text[i+2:i+4], 16, 8); err == nil {
				out, i = append(out, byte(b)), i+3
				continue
			}
		}
		out = append(out, text[i])
	}
	return out
}
