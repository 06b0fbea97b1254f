package format

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/ingest/batch"
	"dsql/ingest/convert"
	"dsql/ingest/format/csv"
	"dsql/ingest/format/formattest"
	jsonformat "dsql/ingest/format/json"
	"dsql/ingest/jsontext"
)

// fuzzLand decodes data under several limits: nothing panics, the counts add up and are the same however the batches are cut, the
// bytes are all taken, and DuckDB can read every value.
func fuzzLand(t *testing.T, c *duck.Conn, ls []*batch.Landing, data []byte) {
	ctx := context.Background()
	var first [2]int64
	for i, l := range ls {
		f, err := l.Open(bytes.NewReader(data), batch.Pos{}, batch.FileInfo{Path: "f"})
		if err != nil {
			return // a header that can't be read
		}
		var sum [2]int64
		for more := true; more; {
			b, err := l.Take(ctx)
			if err != nil {
				t.Fatal(err)
			}
			more, err = b.Fill(ctx, f)
			in := b.Input()
			wrong := ""
			if i == 0 {
				wrong = fuzzCheck(c, in)
			}
			b.Release()
			if err != nil || wrong != "" || in.Records > int64(l.Limits.Rows) {
				t.Fatal(err, wrong, in.Records)
			}
			sum[0], sum[1] = sum[0]+in.Good, sum[1]+in.BadCount
		}
		if f.Pos().Byte != int64(len(data)) {
			t.Fatalf("ended at byte %d of %d", f.Pos().Byte, len(data))
		}
		if i == 0 {
			first = sum
		} else if sum != first {
			t.Fatalf("%d good and %d bad, at first %d and %d", sum[0], sum[1], first[0], first[1])
		}
	}
}

// fuzzCheck reads all values of a batch and holds the counts against the relations.
func fuzzCheck(c *duck.Conn, in *kind.Input) string {
	bad := in.Bad
	if bad == nil {
		bad = duck.SQL("(SELECT NULL AS reason, NULL AS data WHERE false)")
	}
	var rows, bads, raws, read int64
	_, err := c.Scan(context.Background(), duck.SQL(`SELECT r, b, p, rs + bs FROM (SELECT count(*) AS r, coalesce(sum(len(x::VARCHAR)), `+
		`0)::BIGINT AS rs FROM {rows} x),
		(SELECT count(*) AS b, coalesce(sum(len(data::VARCHAR) + len(reason)), 0)::BIGINT AS bs FROM {bad} WHERE reason LIKE 'bad_record: %'),
		(SELECT count(*) AS p FROM {raw} WHERE _meta.line > 0 AND _payload IS `+
		`NOT NULL)`, duck.Args{"raw": in.Raw, "rows": in.Rows, "bad": bad}), &rows, &bads, &raws, &read)
	if err != nil || rows != in.Good || bads != in.BadCount || raws != in.Records || in.Records != in.Good+in.BadCount {
		return fmt.Sprintf("%v: %d = %d + %d, relations have %d, %d and %d", err, in.Records, in.Good, in.BadCount, raws, rows, bads)
	}
	return ""
}

func fuzzLandings(f *testing.F, d batch.Dialect) (*duck.Conn, []*batch.Landing) {
	c := formattest.Memory(f)
	var ls []*batch.Landing
	for _, rows := range []int{0, 1} {
		fields := append([]batch.Field(nil), formattest.FuzzFields...)
		fields[len(fields)-1].Type = "TIMESTAMP"
		l, err := batch.NewLanding(c, "s", fields, d, batch.Limits{Rows: rows})
		if err != nil {
			f.Fatal(err)
		}
		f.Cleanup(l.Close)
		ls = append(ls, l)
	}
	return c, ls
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"", "i,s\n1,x\n", "s;i\r\n\"a;\"\"b\r\n\";2", "1,x,1.5,1e3,2024-01-01,\\x41,\"[{\"\"a\"\":1}]\",{},1,5\n",
		"s\n\n\"\nx\n", "\xef\xbb\xbfs\r1\r2", "s\n\xff\n", "i\n 1 \n\"2\" \n\"3\"x\n", "s,\n\"\",\n"} {
		f.Add([]byte(s))
	}
	c, ls := fuzzLandings(f, batch.Dialect{Format: &csv.Format})
	f.Fuzz(func(t *testing.T, data []byte) { fuzzLand(t, c, ls, data) })
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{"", "{\"i\":1,\"s\":\"\\u0041\\ud83e\\udd86\"}\n{}",
		"[{\"d\":1.5},\n{\"f\":1e3,\"t\":\"2024-01-01T00:00:00Z\"}]",
		"{\"l\":[{\"a\":\"x\",\"b\":[1,null]},null],\"m\":{\"k\":\"2024-01-01\"},\"j\":{\"a\":[]},\"e\":5}\n",
		"[", "[{}", "[{},]", "{\"i\":1,\"i\":2}", "{\"l\":[{\"b\":[1,", "\xff", "{\"s\":\"\\ud800\"}", "[1,{\"i\":\"x\"}] x"} {
		f.Add([]byte(s))
	}
	c, ls := fuzzLandings(f, batch.Dialect{Format: &jsonformat.Format})
	f.Fuzz(func(t *testing.T, data []byte) {
		if ours, theirs := jsontext.Valid(data), json.Valid(data); ours && !theirs {
			t.Fatalf("%q is no JSON", data)
		} else if theirs && !ours && utf8.Valid(data) && !strings.Contains(strings.ToLower(string(data)), `\ud`) &&
			bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) < jsontext.MaxDepth {
			t.Fatalf("%q is JSON", data)
		}
		fuzzLand(t, c, ls, data)
	})
}

func FuzzPattern(f *testing.F) {
	f.Add("%Y-%m-%d %H:%M:%S.%f%z", "2024-01-02 03:04:05.5+02")
	f.Add("%a %b %d %j %I %p %%", "tue jan 2 2 3 pm %")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		p, err := convert.CompilePattern(pattern)
		if err != nil {
			return
		}
		if x, bad := p.Parse([]byte(text)); bad == convert.Fine && (x.Nanos < 0 || x.Nanos > 999_999_999) {
			t.Fatalf("%q of %q: %+v", text, pattern, x)
		}
	})
}
