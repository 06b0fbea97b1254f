package journal

import (
	"context"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"dsql/engine/duck"
)

// Buckets stay what they are for as long as there are files that were cut by them: a line of testdata/buckets.txt may never change, and
// what makes one differ (a text of DuckDB's that is another one) has to be made up for in keyText.
func TestBuckets(t *testing.T) {
	t.Parallel()
	c := newBench(t, "").c
	if err := c.Run(t.Context(), duck.SQL("SET TimeZone = 'Asia/Tokyo'")); err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("testdata/buckets.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[duck.TypeID]bool{}
	for _, line := range strings.Split(strings.TrimSuffix(string(golden), "\n"), "\n")[1:] {
		f := strings.Split(line, "\t")
		if hash := md5.Sum([]byte(f[2])); fmt.Sprint(binary.BigEndian.Uint32(hash[:])>>4) != f[3] {
			t.Errorf("%q is not by its text's MD5", f)
		}
		types, values := strings.Split(f[0], ", "), strings.Split(f[1], ", ")
		var keys []duck.Column
		var cols []string
		for i, typ := range types {
			k := duck.Column{Name: fmt.Sprint("k ", i), Type: duck.Type(typ)}
			keys, cols = append(keys, k), append(cols, fmt.Sprintf(`CAST(%s AS %s) AS "%s"`, values[i], typ, k.Name))
			seen[k.Type.ID()] = true
		}
		for n, want := range map[int64]string{Buckets: f[3], 64: f[4], 1: "0"} {
			q, _, ok := Bucket(keys, n)
			if !ok {
				t.Errorf("%s is refused", f[0])
				break
			}
			got, err := c.Int(context.Background(), duck.SQL("SELECT {b} FROM (SELECT {cols})", duck.Args{"b": q, "cols": duck.Text(strings.Join(cols, ", "))}))
			if err != nil || fmt.Sprint(got) != want {
				t.Errorf("the bucket of %s as %s, of %d, is %d, and for ever has to be %s: %v", f[1], f[0], n, got, want, err)
			}
		}
	}
	for id := duck.TypeBoolean; id < duck.TypeNull; id++ {
		_, _, ok := Bucket([]duck.Column{{Name: "k", Type: duck.Type(id.String())}}, 8)
		if ok != seen[id] && id != duck.TypeEnum && id != duck.TypeDecimal {
			t.Errorf("%s has buckets: %t; testdata/buckets.txt has it: %t", id, ok, seen[id])
		}
	}
}

// A key whose column gets a wider type stays in its bucket, and equal values are in one.
func TestBucketsOfWiderTypes(t *testing.T) {
	t.Parallel()
	c := newBench(t, "").c
	types := []duck.Type{"TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER", "UINTEGER", "BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "FLOAT",
		"DOUBLE", "DECIMAL(4,2)", "DECIMAL(2,2)", "DECIMAL(4,0)", "DECIMAL(38,4)", "DECIMAL(38,2)", "DATE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP"}
	values := []string{"0", "1", "-1", "100", "-128", "0.5", "-0.25", "10.10", "9007199254740992", "DATE '2026-01-31'", "DATE 'infinity'",
		"TIMESTAMP '1969-12-31 23:59:59.5'", "TIMESTAMP '2026-01-31 08:00:00'"}
	pairs := 0
	for _, narrow := range types {
		for _, wide := range types {
			if !narrow.Widens(wide) {
				continue
			}
			of := func(name string, typ duck.Type) *duck.Query {
				q, _, _ := Bucket([]duck.Column{{Name: name, Type: typ}}, Buckets)
				return q
			}
			for _, v := range values {
				a := duck.Args{"n": narrow, "w": wide, "v": duck.Text(v), "bn": of("n", narrow), "bw": of("w", wide)}
				var n, w int64
				ok, err := c.Scan(context.Background(), duck.SQL(`SELECT {bn}, {bw} FROM (SELECT n, CAST(n AS {w}) AS w FROM (
					SELECT TRY_CAST({v} AS {n}) AS n)) WHERE n IS NOT NULL`, a), &n, &w)
				if err != nil && !duck.IsConversion(err) && !strings.Contains(err.Error(), "cast") {
					t.Fatal(err)
				}
				if ok && n != w {
					t.Errorf("%s as %s is in %d, as %s in %d", v, narrow, n, wide, w)
				} else if ok {
					pairs++
				}
			}
		}
	}
	if pairs < 200 {
		t.Errorf("%d were compared", pairs)
	}
}

// KEYS may be written anew in another order, and names in another case.
func TestBucketsOfOtherNames(t *testing.T) {
	t.Parallel()
	a, _, _ := Bucket([]duck.Column{{Name: "a", Type: "BIGINT"}, {Name: "B", Type: "DATE"}}, 8)
	b, _, _ := Bucket([]duck.Column{{Name: "b", Type: "DATE"}, {Name: "A", Type: "BIGINT"}}, 8)
	if !strings.EqualFold(a.String(), b.String()) {
		t.Errorf("%s\n%s", a, b)
	}
}

// What has no text of its own has no bucket.
func TestNoBuckets(t *testing.T) {
	t.Parallel()
	for _, typ := range []duck.Type{"INTERVAL", "INTEGER[]", "INTEGER[3]", "STRUCT(a INTEGER)", "MAP(VARCHAR, INTEGER)", "UNION(a INTEGER)", "VARIANT"} {
		if _, at, ok := Bucket([]duck.Column{{Name: "a", Type: "BIGINT"}, {Name: "b", Type: typ}}, 8); ok || at != 1 {
			t.Errorf("%s: %t at %d", typ, ok, at)
		}
	}
}

// Keys as they come are spread evenly: no bucket has twice its share.
func TestBucketsAreEven(t *testing.T) {
	t.Parallel()
	c := newBench(t, "").c
	q, _, _ := Bucket([]duck.Column{{Name: "k", Type: "BIGINT"}}, 16)
	counts, err := duck.Select(context.Background(), c, duck.SQL("SELECT count(*) FROM (SELECT {b} AS b FROM range(16000) r(k)) GROUP BY b", duck.Args{"b": q}),
		func(row func(...any) error) (n int64, err error) { return n, row(&n) })
	if err != nil || len(counts) != 16 || slices.Max(counts) > 2000 {
		t.Error(counts, err)
	}
}
