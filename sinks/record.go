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
	"dsql/sinks/encode"
	"dsql/sql"
)

// shape is how rows become records.
type shape struct {
	names   [][]byte // of the columns: "a":  "b":  …
	key     []part   // none: records have no key
	headers []part
	time    duck.Column // whose value is the record's time; without a name: the time at which it is sent
	from    int         // the first column of the value

	value, keys *written // with a schema; nil: JSON, and texts
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
	sh.key, sh.headers, sh.from = partsOf(s.key, cols), partsOf(s.headers, cols), s.from(cols)
	if t := partsOf([]sql.Name{s.time}, cols); len(t) > 0 {
		sh.time = cols[t[0].at]
	}
	return sh
}

// partsOf are the columns that names name.
func partsOf(names []sql.Name, cols []duck.Column) (out []part) {
	for _, n := range names {
		for i, c := range cols {
			if strings.EqualFold(c.Name, n.Text) {
				out = append(out, part{c.Name, i, c.Type == "BLOB", c.Type == "JSON"})
			}
		}
	}
	return out
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

// query are the rows with what records need behind their columns: the record's time in milliseconds, noTime for infinity, and what DuckDB
// makes of columns for a schema.
func (sh *shape) query(rows *duck.Query, cols []duck.Column) *duck.Query {
	var more []*duck.Query
	add := func(q *duck.Query) { more = append(more, q) }
	behind := len(cols)
	if sh.time.Name != "" {
		at := duck.SQL("{c}::TIMESTAMP", duck.Args{"c": duck.Ident(sh.time.Name)})
		if sh.time.Type == "TIMESTAMP WITH TIME ZONE" { // the session's zone plays no part
			at = duck.Ident(sh.time.Name)
		}
		add(duck.SQL(", (CASE WHEN isfinite({at}) THEN epoch_ms({at}) WHEN {at} IS NOT NULL THEN {no} END)::BIGINT AS {t}",
			duck.Args{"at": at, "t": duck.Ident(duck.FreeName("_time", cols)), "no": int64(noTime)}))
		behind++
	}
	sh.keys.casts(cols, sh.value.casts(cols, behind, add), add)
	if more == nil {
		return rows
	}
	return duck.SQL("SELECT *{more} FROM ({rows})", duck.Args{"more": duck.Cat(more...), "rows": rows})
}

// unfit is a row that makes no record, whatever the brokers say.
type unfit struct {
	at  sql.Span
	why string
}

func (u *unfit) Error() string { return u.why }

// record is a row as a record; nil: an upsert doesn't need it. The error says why it can't be one.
func (k *kafkaOutlet) record(res *duck.Result, id string) (*kgo.Record, error) {
	sh, gone := &k.shape, false
	views, row := res.Views()
	if sh.from > 0 {
		change := string(views[0].Texts()[row].Bytes())
		if change == "update_before" {
			return nil, nil
		}
		gone = change == "delete"
	}
	rec := &kgo.Record{Headers: make([]kgo.RecordHeader, 1, 1+len(sh.headers))}
	rec.Headers[0] = kgo.RecordHeader{Key: IDHeader, Value: []byte(id)}
	for _, h := range sh.headers {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: h.name, Value: h.text(res)})
	}
	err := sh.fill(rec, res, gone)
	if u := (*encode.Unfit)(nil); errors.As(err, &u) {
		return nil, refusalOf(rec, &unfit{k.s.given["format"].At, fmt.Sprintf("has a value in %s that %s can't hold: %s", u.Column,
			k.s.given["format"].Text, u.Why)})
	}
	if err == nil && sh.time.Name != "" && !views[len(sh.names)].Null(row) {
		ms := views[len(sh.names)].Int64s()[row]
		if ms < 0 {
			return nil, refusalOf(rec, &unfit{k.s.time.Span, "has a time before 1970, or an infinite one"})
		}
		rec.Timestamp = time.UnixMilli(ms)
	}
	return rec, err
}

// fill gives a record its key and, where the row isn't gone, its value.
func (sh *shape) fill(rec *kgo.Record, res *duck.Result, gone bool) (err error) {
	views, row := res.Views()
	switch {
	case sh.keys == nil:
		rec.Key = sh.keyOf(res)
	case len(sh.key) > 1 || !views[sh.key[0].at].Null(row):
		if rec.Key, err = sh.keys.bytes(res, func() []byte { return sh.keyJSON(res) }); err != nil {
			return err
		}
	}
	switch {
	case gone:
	case sh.value == nil:
		rec.Value = sh.object(res, sh.from)
	default:
		rec.Value, err = sh.value.bytes(res, func() []byte { return sh.object(res, sh.from) })
	}
	return err
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
	return sh.keyJSON(res)
}

// keyJSON is the key as JSON: a column's value, or several as an object.
func (sh *shape) keyJSON(res *duck.Result) []byte {
	if len(sh.key) == 1 {
		return res.JSON(sh.key[0].at)
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
