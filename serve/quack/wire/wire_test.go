package wire_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dsql/engine/duck"
	"dsql/internal/quackclient"
	"dsql/serve/quack/wire"
	"dsql/sql"
)

// made is a type with how its values are drawn: as SQL, and as a client should have them.
type made struct {
	name string
	draw func(t *rapid.T) (text string, value any)
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// whole numbers of so many bits.
func whole(name string, signed bool, bits int) made {
	return made{name, func(t *rapid.T) (string, any) {
		v := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, bits/8).Draw(t, "bytes"))
		if signed {
			v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(bits-1)))
			if v.BitLen() >= bits { // all bytes were there: the least value
				v.SetInt64(0)
			}
		}
		text := quoted(v.String())
		switch {
		case bits == 128:
			return text, v.String()
		case signed:
			return text, v.Int64()
		}
		return text, v.Uint64()
	}}
}

// count is a number of days, seconds … that a function of DuckDB makes a value of.
func count(name, sql string, lo, hi int64) made {
	return made{name, func(t *rapid.T) (string, any) {
		n := rapid.Int64Range(lo, hi).Draw(t, "n")
		return strings.ReplaceAll(sql, "{n}", fmt.Sprintf("(%d)", n)), n
	}}
}

const micros = int64(1) << 52

var plain = []made{
	{"BOOLEAN", func(t *rapid.T) (string, any) { b := rapid.Bool().Draw(t, "b"); return strconv.FormatBool(b), b }},
	whole("TINYINT", true, 8), whole("SMALLINT", true, 16), whole("INTEGER", true, 32), whole("BIGINT", true, 64), whole("HUGEINT", true, 128),
	whole("UTINYINT", false, 8), whole("USMALLINT", false, 16), whole("UINTEGER", false, 32), whole("UBIGINT", false, 64),
	whole("UHUGEINT", false, 128),
	{"FLOAT", func(t *rapid.T) (string, any) {
		f := rapid.Float32().Draw(t, "f")
		return quoted(strconv.FormatFloat(float64(f), 'g', -1, 32)), f
	}},
	{"DOUBLE", func(t *rapid.T) (string, any) {
		f := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.Inf(1), math.Inf(-1), 0})).Draw(t, "f")
		return quoted(strconv.FormatFloat(f, 'g', -1, 64)), f
	}},
	{"VARCHAR", func(t *rapid.T) (string, any) {
		s := rapid.OneOf(rapid.StringMatching(`[a-z'"é日\n ]{0,20}`), rapid.StringMatching(`x{120,140}`)).Draw(t, "s")
		return quoted(s), s
	}},
	{"JSON", func(t *rapid.T) (string, any) {
		s := `{"a": ` + strconv.Itoa(rapid.Int().Draw(t, "n")) + "}"
		return quoted(s), s
	}},
	{"BLOB", func(t *rapid.T) (string, any) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, "b")
		return "from_hex('" + hex.EncodeToString(b) + "')", b
	}},
	{"BIT", func(t *rapid.T) (string, any) {
		s := rapid.StringMatching(`[01]{1,70}`).Draw(t, "s")
		return quoted(s), s
	}},
	{"UUID", func(t *rapid.T) (string, any) {
		b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "b")
		h := hex.EncodeToString(b)
		b[0] ^= 0x80 // as DuckDB keeps it: a HUGEINT that is ordered as the text is
		v := new(big.Int).SetBytes(b)
		if b[0]&0x80 != 0 {
			v.Sub(v, new(big.Int).Lsh(big.NewInt(1), 128))
		}
		return quoted(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]), v.String()
	}},
	{"INTERVAL", func(t *rapid.T) (string, any) {
		v := quackclient.Interval{Months: rapid.Int32Range(-9999, 9999).Draw(t, "months"), Days: rapid.Int32Range(-99999, 99999).Draw(t, "days"),
			Micros: rapid.Int64Range(-micros, micros).Draw(t, "µs")}
		return fmt.Sprintf("to_months(%d) + to_days(%d) + to_microseconds(%d)", v.Months, v.Days, v.Micros), v
	}},
	count("DATE", "DATE '1970-01-01' + {n}::INTEGER", -900_000, 900_000),
	count("TIME", "TIME '00:00:00' + to_microseconds({n})", 0, 86_399_999_999),
	count("TIMESTAMP", "make_timestamp({n})", -micros, micros),
	count("TIMESTAMP WITH TIME ZONE", "make_timestamp({n})", -micros, micros),
	count("TIMESTAMP_S", "make_timestamp({n}::BIGINT * 1000000)", -1<<32, 1<<32),
	count("TIMESTAMP_MS", "make_timestamp_ms({n})", -1<<42, 1<<42),
	count("TIMESTAMP_NS", "make_timestamp_ns({n})", -1<<62, 1<<62),
}

// aType draws a type, nested up to depth.
func aType(t *rapid.T, depth int) made {
	kinds := []string{"plain", "plain", "plain", "decimal", "enum"}
	if depth > 0 {
		kinds = append(kinds, "list", "array", "struct", "map", "union")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "decimal":
		return decimal(t)
	case "enum":
		return enum(t)
	case "list":
		of := aType(t, depth-1)
		return made{of.name + "[]", func(t *rapid.T) (string, any) { return elements(t, of, 0, 4) }}
	case "array":
		of, n := aType(t, depth-1), rapid.IntRange(1, 3).Draw(t, "length")
		return made{fmt.Sprintf("%s[%d]", of.name, n), func(t *rapid.T) (string, any) { return elements(t, of, n, n) }}
	case "struct":
		return structure(t, depth)
	case "map":
		return mapping(t, depth)
	case "union":
		return union(t, depth)
	}
	return rapid.SampledFrom(plain).Draw(t, "type")
}

// a draws a value, or NULL, as SQL of exactly the type.
func (m made) a(t *rapid.T) (string, any) {
	if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
		return "NULL::" + m.name, nil
	}
	text, v := m.draw(t)
	return "(" + text + ")::" + m.name, v
}

func elements(t *rapid.T, of made, lo, hi int) (string, any) {
	texts, values := []string{}, []any{}
	for range rapid.IntRange(lo, hi).Draw(t, "n") {
		text, v := of.a(t)
		texts, values = append(texts, text), append(values, v)
	}
	return "[" + strings.Join(texts, ", ") + "]", values
}

func decimal(t *rapid.T) made {
	width := rapid.IntRange(1, 38).Draw(t, "width")
	scale := rapid.IntRange(0, width).Draw(t, "scale")
	return made{fmt.Sprintf("DECIMAL(%d,%d)", width, scale), func(t *rapid.T) (string, any) {
		digits := strings.TrimLeft(rapid.StringMatching(fmt.Sprintf(`[0-9]{%d}`, width)).Draw(t, "digits"), "0")
		padded := strings.Repeat("0", max(0, scale+1-len(digits))) + digits
		text, sign := padded[:len(padded)-scale]+"."+padded[len(padded)-scale:], ""
		if digits == "" {
			digits = "0"
		} else if rapid.Bool().Draw(t, "negative") {
			sign = "-"
		}
		return quoted(sign + text), sign + digits
	}}
}

func enum(t *rapid.T) made {
	n := rapid.SampledFrom([]int{1, 3, 255, 256, 300}).Draw(t, "labels")
	var labels []string
	for i := range n {
		labels = append(labels, quoted(fmt.Sprint("l", i)))
	}
	return made{"ENUM(" + strings.Join(labels, ", ") + ")", func(t *rapid.T) (string, any) {
		l := fmt.Sprint("l", rapid.IntRange(0, n-1).Draw(t, "label"))
		return quoted(l), l
	}}
}

func structure(t *rapid.T, depth int) made {
	var names, types []string
	var parts []made
	for i := range rapid.IntRange(1, 3).Draw(t, "fields") {
		names, parts = append(names, fmt.Sprintf(`"f %d"`, i)), append(parts, aType(t, depth-1))
		types = append(types, names[i]+" "+parts[i].name)
	}
	return made{"STRUCT(" + strings.Join(types, ", ") + ")", func(t *rapid.T) (string, any) {
		var texts []string
		var values []any
		for i, p := range parts {
			text, v := p.a(t)
			texts, values = append(texts, names[i]+": "+text), append(values, v)
		}
		return "{" + strings.Join(texts, ", ") + "}", values
	}}
}

func mapping(t *rapid.T, depth int) made {
	of := aType(t, depth-1)
	return made{"MAP(VARCHAR, " + of.name + ")", func(t *rapid.T) (string, any) {
		texts, values := []string{}, []any{}
		for i := range rapid.IntRange(0, 3).Draw(t, "entries") {
			text, v := of.a(t)
			key := fmt.Sprint("key ", i)
			texts, values = append(texts, quoted(key)+": "+text), append(values, []any{key, v})
		}
		return "MAP {" + strings.Join(texts, ", ") + "}", values
	}}
}

func union(t *rapid.T, depth int) made {
	a, b := aType(t, depth-1), aType(t, depth-1)
	return made{"UNION(a " + a.name + ", b " + b.name + ")", func(t *rapid.T) (string, any) {
		tag, of := "a", a
		if rapid.Bool().Draw(t, "b") {
			tag, of = "b", b
		}
		text, v := of.a(t)
		return "union_value(" + tag + " := " + text + ")", []any{tag, v}
	}}
}

// A result of any types comes out of the wire as it was.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	db, err := duck.Open(t.Context(), "", duck.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rapid.Check(t, func(t *rapid.T) {
		columns := []made{aType(t, 2), aType(t, 3)}
		var rows []string
		var want [][]any
		for range rapid.IntRange(1, 12).Draw(t, "rows") {
			a, x := columns[0].a(t)
			b, y := columns[1].a(t)
			rows, want = append(rows, "("+a+", "+b+")"), append(want, []any{x, y})
		}
		if times := rapid.SampledFrom([]int{1, 1, 1, 400}).Draw(t, "times"); times > 1 { // several chunks
			rows, want = rows[:min(len(rows), 8)], want[:min(len(rows), 8)]
			query := fmt.Sprintf("SELECT b, c FROM range(%d) r(i), (VALUES %s) v(a, b, c) ORDER BY i, a", times, numbered(rows))
			once := want
			for range times - 1 {
				want = append(want, once...)
			}
			compare(t, db, query, want)
			return
		}
		compare(t, db, "VALUES "+strings.Join(rows, ", "), want)
	})
}

// numbered rows have a number first.
func numbered(rows []string) string {
	var out []string
	for i, r := range rows {
		out = append(out, fmt.Sprintf("(%d, %s", i, r[1:]))
	}
	return strings.Join(out, ", ")
}

func compare(t *rapid.T, db *duck.DB, query string, want [][]any) {
	got, err := through(context.Background(), db, query)
	if err != nil {
		t.Fatalf("%s\n%v", query, err)
	}
	if len(got) != len(want) {
		t.Fatalf("%s\n%d rows, want %d", query, len(got), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("%s\nrow %d is\n%#v\nwant\n%#v", query, i, got[i], want[i])
		}
	}
}

// through sends a query's rows over the wire, as an answer.
func through(ctx context.Context, db *duck.DB, query string) ([][]any, error) {
	src := sql.NewSource("q", query)
	st, err := db.Writer().Prepare(duck.User(src, sql.Span{End: len(query)}), sql.Place{Src: src})
	if err != nil {
		return nil, err
	}
	defer st.Close()
	rows, err := st.Chunks(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var types, chunks, w wire.Writer
	types.Types(rows.Columns)
	n := uint64(0)
	for ; rows.Next(); n++ {
		chunks.Chunk(rows.Rows, types.B, rows.Views)
	}
	w.Field(1)
	w.Uint(4)
	w.Field(3)
	w.Uint(7)
	w.End()
	w.Field(1)
	w.B = append(w.B, types.B...)
	w.Field(2)
	w.Uint(uint64(len(rows.Columns)))
	for range rows.Columns {
		w.Text("c")
	}
	w.Field(4)
	w.Uint(n)
	w.B = append(w.B, chunks.B...)
	w.End()
	a, err := quackclient.Decode(w.B)
	if err != nil || rows.Err() != nil {
		return nil, fmt.Errorf("%v %v", err, rows.Err())
	}
	return a.Rows, nil
}

// Numbers come back as they were, and what is no number is an error.
func TestNumbers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		u, i, h := rapid.Uint64().Draw(t, "u"), rapid.Int64().Draw(t, "i"),
			wire.Huge{Upper: rapid.Int64().Draw(t, "h"), Lower: rapid.Uint64().Draw(t, "l")}
		var w wire.Writer
		w.Uint(u)
		w.Int(i)
		w.Huge(h)
		for n := range w.B {
			r := wire.Reader{B: w.B[:n]}
			if r.Uint(); r.Int() == 0 {
				r.Huge()
			} else {
				r.Huge()
			}
			if r.Err == nil {
				t.Fatalf("%d of %d bytes are taken", n, len(w.B))
			}
		}
		r := wire.Reader{B: w.B}
		if a, b, c := r.Uint(), r.Int(), r.Huge(); a != u || b != i || c != h || r.Err != nil || len(r.B) > 0 {
			t.Fatalf("%d %d %v became %d %d %v: %v", u, i, h, a, b, c, r.Err)
		}
	})
	long := strings.Repeat("\xFF", 11)
	if r := (wire.Reader{B: []byte(long)}); r.Uint() != 0 || r.Err == nil {
		t.Error("a number of eleven bytes is taken")
	}
	if r := (wire.Reader{B: []byte(long)}); r.Int() != 0 || r.Err == nil {
		t.Error("a number of eleven bytes with a sign is taken")
	}
}
