package encode

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/linkedin/goavro/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
	pb "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"

	"dsql/engine/duck"
	"dsql/ingest/batch"
	avroformat "dsql/ingest/format/avro"
	"dsql/ingest/format/formattest"
	protoformat "dsql/ingest/format/proto"
	"dsql/sql"
)

// drawn is a type and how values of it are written in SQL; back: the type that a source reads them into, "" the same.
type drawn struct {
	of, back string
	values   []string
}

var scalars = []drawn{
	{"BOOLEAN", "", []string{"true", "false"}},
	{"TINYINT", "", []string{"-128", "127", "0"}},
	{"SMALLINT", "", []string{"-32768", "32767"}},
	{"INTEGER", "", []string{"-2147483648", "2147483647", "-1"}},
	{"BIGINT", "", []string{"-9223372036854775808", "9223372036854775807", "64"}},
	{"HUGEINT", "", []string{"99999999999999999999999999999999999999", "-99999999999999999999999999999999999999", "-1", "0"}},
	{"UTINYINT", "", []string{"255", "0"}},
	{"USMALLINT", "", []string{"65535"}},
	{"UINTEGER", "", []string{"4294967295", "127"}},
	{"UBIGINT", "", []string{"18446744073709551615", "9223372036854775808", "0"}},
	{"UHUGEINT", "", []string{"99999999999999999999999999999999999999", "18446744073709551616"}},
	{"FLOAT", "", []string{"0.1", "'nan'", "'-infinity'", "-0.0", "3.4e38"}},
	{"DOUBLE", "", []string{"0.1", "'nan'", "'infinity'", "-0.0", "5e-324"}},
	{"DECIMAL(4,1)", "", []string{"-999.9", "0.1"}},
	{"DECIMAL(9,0)", "", []string{"-256", "-128", "128"}},
	{"DECIMAL(18,6)", "", []string{"-999999999999.999999", "0"}},
	{"DECIMAL(38,10)", "", []string{"9999999999999999999999999999.9999999999", "-1.5"}},
	{"VARCHAR", "", []string{"''", "'short'", "'a text of more than twelve bytes'", "'ö€'"}},
	{"JSON", "VARCHAR", []string{`'{"a": [1, null]}'`, `'3'`}},
	{"BLOB", "", []string{`'\x00\xFF'`, "''", `'\x7Fsomething longer than that'`}},
	{"DATE", "", []string{"'1969-12-31'", "'2026-02-28'", "'0001-01-01'"}},
	{"TIME", "", []string{"'23:59:59.999999'", "'00:00:00'"}},
	{"TIMESTAMP", "", []string{"'1969-12-31 23:59:59.999999'", "'2026-01-01 12:00:00.000001'", "'1970-01-01'"}},
	{"TIMESTAMP_S", "", []string{"'1969-12-31 23:59:59'", "'2026-01-01 12:00:00'"}},
	{"TIMESTAMP_MS", "", []string{"'1969-12-31 23:59:59.999'", "'2026-01-01 12:00:00.001'"}},
	{"TIMESTAMP_NS", "", []string{"'1969-12-31 23:59:59.999999999'", "'2026-01-01 12:00:00.000000001'"}},
	{"TIMESTAMP WITH TIME ZONE", "", []string{"'2026-01-01 12:00:00+02'"}},
	{"UUID", "", []string{"'550e8400-e29b-41d4-a716-446655440000'", "'00000000-0000-0000-0000-000000000000'"}},
	{"TIME_NS", "VARCHAR", []string{"'23:59:59.999999999'"}},
	{"TIME WITH TIME ZONE", "VARCHAR", []string{"'10:00:00+02'"}},
	{"INTERVAL", "VARCHAR", []string{"'1 month -3 days 00:00:00.5'"}},
	{"BIT", "VARCHAR", []string{"'0110'"}},
	{"BIGNUM", "VARCHAR", []string{"'-123456789012345678901234567890123456789012345678901234567890'"}},
	{"ENUM('a', 'not a name')", "VARCHAR", []string{"'a'", "'not a name'"}},
	{"UNION(n INTEGER, t VARCHAR)", "VARCHAR", []string{"'x'", "7"}},
}

// anyType draws a type. full: lists and maps may have NULLs and other ones in them, and be NULL.
func anyType(t *rapid.T, depth int, full bool) drawn {
	kinds := 1
	if depth > 0 {
		kinds = 6
	}
	kind := rapid.IntRange(0, kinds-1).Draw(t, "kind")
	if kind < 2 {
		d := rapid.SampledFrom(scalars).Draw(t, "type")
		var values []string
		for _, v := range d.values {
			if v[0] != '\'' {
				v = "'" + v + "'"
			}
			values = append(values, v+"::"+d.of)
		}
		d.values = values
		return d
	}
	in := anyType(t, depth-1, full)
	if !full && kind != 4 && kindOf(in.of) != "" { // a message is around it there
		return in
	}
	value := func(null bool) string {
		if null && rapid.IntRange(0, 4).Draw(t, "null") == 0 {
			return "NULL"
		}
		return rapid.SampledFrom(in.values).Draw(t, "value")
	}
	back := in.back
	if back == "" {
		back = in.of
	}
	d := drawn{}
	for range 4 {
		var parts []string
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			parts = append(parts, value(full)+"::"+in.of)
		}
		switch kind {
		case 2:
			d.of, d.back = in.of+"[]", back+"[]"
			d.values = append(d.values, "["+strings.Join(parts, ", ")+"]")
		case 3:
			d.of, d.back = in.of+"[2]", back+"[]"
			d.values = append(d.values, fmt.Sprintf("[%s::%s, %s::%s]", value(full), in.of, value(full), in.of))
		case 4:
			of := func(of string) string { return "STRUCT(a " + of + ", b_2 VARCHAR, c " + of + ")" }
			d.of, d.back = of(in.of), of(back)
			v := func() string { return value(full || kindOf(in.of) == "") + "::" + in.of }
			d.values = append(d.values, fmt.Sprintf("{'a': %s, 'b_2': %s, 'c': %s}", v(),
				rapid.SampledFrom([]string{"NULL", "''", "'b'"}).Draw(t, "b"), v()))
		case 5:
			d.of, d.back = "MAP(INTEGER, "+in.of+")", "MAP(INTEGER, "+back+")"
			var keys []string
			for i := range parts {
				keys = append(keys, fmt.Sprint(i-1))
			}
			d.values = append(d.values, "MAP(["+strings.Join(keys, ", ")+"]::INTEGER[], ["+strings.Join(parts, ", ")+"]::"+in.of+"[])")
		}
		for i, v := range d.values {
			d.values[i] = strings.TrimSuffix(v, "::"+d.of) + "::" + d.of
		}
	}
	return d
}

// kindOf is list or map where a type is one, "" else.
func kindOf(of string) string {
	switch {
	case strings.HasSuffix(of, "]"):
		return "list"
	case strings.HasPrefix(of, "MAP"):
		return "map"
	}
	return ""
}

// fatal is a test of Go's or of rapid's.
type fatal interface {
	Helper()
	Fatal(...any)
}

// table is what is drawn: columns, and a query of rows.
type table struct {
	cols   []duck.Column
	fields []batch.Field // that read them back
	rows   *duck.Query
}

func drawTable(t *rapid.T, c *duck.Conn, full bool) (x table) {
	var rows []string
	n := rapid.IntRange(1, 5).Draw(t, "columns")
	types := make([]drawn, n)
	for i := range types {
		types[i] = anyType(t, 3, full)
	}
	for range rapid.IntRange(1, 4).Draw(t, "rows") {
		var row []string
		for i, d := range types {
			v := rapid.SampledFrom(d.values).Draw(t, "value")
			if (full || kindOf(d.of) == "") && rapid.IntRange(0, 4).Draw(t, "null") == 0 {
				v = "NULL"
			}
			row = append(row, fmt.Sprintf("%s::%s AS f%d", v, d.of, i))
		}
		rows = append(rows, "SELECT "+strings.Join(row, ", "))
	}
	x.rows = duck.Text(strings.Join(rows, " UNION ALL "))
	cols, err := c.Describe(context.Background(), x.rows, sql.Place{})
	if err != nil {
		t.Fatal(err)
	}
	x.cols = cols
	for i, d := range types {
		back := d.back
		if back == "" {
			back = d.of
		}
		x.fields = append(x.fields, batch.Field{Name: cols[i].Name, Type: duck.Type(back)})
	}
	return x
}

// encoded are the rows' records.
func encoded(t fatal, c *duck.Conn, e *Encoder, cols []duck.Column, rows *duck.Query) ([][]byte, error) {
	t.Helper()
	q := duck.Each(", ", cols, func(col duck.Column) *duck.Query { return duck.Ident(col.Name) })
	for i, to := range e.Casts {
		if to != "" {
			q = duck.SQL("{q}, {c}::{t}", duck.Args{"q": q, "c": duck.Ident(cols[i].Name), "t": to})
		}
	}
	res, err := c.Query(context.Background(), duck.SQL("SELECT {q} FROM ({rows})", duck.Args{"q": q, "rows": rows}), sql.Place{})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	var out [][]byte
	for res.Next() {
		all, row := res.Views()
		var views []*duck.View
		behind := len(cols)
		for i, to := range e.Casts {
			if to == "" {
				views = append(views, &all[i])
			} else {
				views, behind = append(views, &all[behind]), behind+1
			}
		}
		b, err := e.Row(e.Head(nil, 0), views, row)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	if err := res.Err(); err != nil {
		t.Fatal(err)
	}
	return out, nil
}

// shown are the rows as they should be read back.
func shown(t fatal, c *duck.Conn, x table) []string {
	t.Helper()
	fields := duck.Each(" || '|' || ", x.fields, func(f batch.Field) *duck.Query {
		return duck.SQL("coalesce({c}::{t}::VARCHAR, 'NULL')", duck.Args{"c": duck.Ident(f.Name), "t": f.Type})
	})
	out, err := duck.Select(context.Background(), c, duck.SQL("SELECT {f} FROM ({rows})", duck.Args{"f": fields, "rows": x.rows}),
		func(row func(...any) error) (s string, err error) { return s, row(&s) })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What Avro and Protobuf are made of rows is read back by dsql's own sources without a difference, and by libraries that know nothing of
// it to its last byte.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	for name, f := range map[string]*batch.Format{"avro": &avroformat.Format, "protobuf": &protoformat.Format} {
		rapid.Check(t, func(rt *rapid.T) {
			x := drawTable(rt, c, name == "avro")
			e, err := Forms[name].Row("shop.Order", x.cols, nil)
			if err != nil {
				rt.Fatal(err)
			}
			records, err := encoded(rt, c, e, x.cols, x.rows)
			if err != nil {
				rt.Fatal(err)
			}
			got := formattest.LandSchema(t, c, f, x.fields, formattest.SchemasOf(e.Schema.Type, e.Schema.Schema), records...)
			if diff := cmp.Diff(shown(rt, c, x), got.Rows); diff != "" || len(got.Reasons) > 0 {
				rt.Fatalf("%s\n%s\n%s\n%v", x.rows.Text, e.Schema.Schema, diff, got.Reasons)
			}
			for _, r := range records {
				if err := others[name](e.Schema.Schema, r); err != nil {
					rt.Fatalf("%s\n%s\n%v", x.rows.Text, e.Schema.Schema, err)
				}
			}
		})
	}
}

// others read a record with another library, to its end.
var others = map[string]func(schema string, record []byte) error{
	"avro": func(schema string, record []byte) error {
		codec, err := goavro.NewCodec(schema)
		if err != nil {
			return err
		}
		_, rest, err := codec.NativeFromBinary(record[5:])
		if err == nil && len(rest) > 0 {
			err = fmt.Errorf("%d bytes are left", len(rest))
		}
		return err
	},
	"protobuf": func(schema string, record []byte) error {
		f, err := compile(schema)
		if err != nil {
			return err
		}
		m := dynamicpb.NewMessage(f.Messages().Get(0))
		if err = pb.Unmarshal(record[6:], m); err == nil && len(m.GetUnknown()) > 0 {
			err = errors.New("fields that the schema doesn't have")
		}
		return err
	},
}

// The JSON of rows is what their schema says, whatever their types.
func TestJSONIsOfItsSchema(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	rapid.Check(t, func(rt *rapid.T) {
		x := drawTable(rt, c, true)
		e, err := Forms["json_schema"].Row("Order", x.cols, nil)
		if err != nil || !e.IsJSON() {
			rt.Fatal(err)
		}
		res, err := c.Query(context.Background(), x.rows, sql.Place{})
		if err != nil {
			rt.Fatal(err)
		}
		defer res.Close()
		for res.Next() {
			var fields []string
			for i, col := range x.cols {
				fields = append(fields, fmt.Sprintf("%q:%s", col.Name, res.JSON(i)))
			}
			if err := valid(e.Schema.Schema, "{"+strings.Join(fields, ",")+"}"); err != nil {
				rt.Fatalf("%s\n%s\n%s\n%v", x.rows.Text, e.Schema.Schema, fields, err)
			}
		}
	})
	if err := valid(`{"type":"object","properties":{"a":{"oneOf":[{"type":"null"},{"type":"integer"}]}}}`, `{"a":1.5}`); err == nil {
		t.Error("1.5 is taken for an integer")
	}
}

func valid(schema, text string) error {
	s, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("s.json", s); err != nil {
		return err
	}
	compiled, err := c.Compile("s.json")
	if err != nil {
		return err
	}
	return compiled.Validate(v)
}
