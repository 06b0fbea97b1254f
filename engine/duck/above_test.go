package duck_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"dsql/engine/duck"
)

func counting(t *testing.T) *duck.Conn {
	t.Helper()
	c := open(t, "").Writer()
	for range 2 { // the second time is nothing new
		if err := errors.Join(c.CountAbove(), c.Deciles()); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// dsql_above counts as comparisons do, whatever the groups, NULLs, NaN and threads; rows of one group come in runs or mixed.
func TestCountAbove(t *testing.T) {
	t.Parallel()
	c := counting(t)
	rapid.Check(t, func(t *rapid.T) {
		stop := rapid.SampledFrom([]float64{-3, -1, 0, 0.5, 1, 2, math.Inf(1), math.Inf(-1), math.MaxFloat64})
		stops := rapid.SliceOfN(stop, 1, duck.MostStops).Draw(t, "stops")
		a := duck.Args{"n": rapid.SampledFrom([]int{0, 1, 63, 2048, 2049, 9000}).Draw(t, "rows"),
			"g":     duck.SQL(rapid.SampledFrom([]string{"0", "i % 3", "i // 1000", "hash(i) % 50"}).Draw(t, "groups")),
			"holes": rapid.SampledFrom([]int{1, 2, 7, 1000000}).Draw(t, "holes"),
			"stops": duck.Each(", ", stops, func(x float64) *duck.Query { return duck.Lit(x) })}
		got, err := c.Int(t.Context(), duck.SQL(`WITH r AS (SELECT {g} AS g, CASE WHEN hash(i, 1) % {holes} = 0
					THEN CASE hash(i, 2) % 3 WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 THEN 'inf' END
					ELSE (hash(i, 3) % 800)::DOUBLE / 100 - 4 END AS v FROM range({n}) AS t(i)),
				a AS (SELECT g, dsql_above(v, CAST([{stops}] AS DOUBLE[])) AS got, list(v) AS vs FROM r GROUP BY g)
			SELECT count(*) FROM a WHERE got IS DISTINCT FROM list_concat([len(list_filter(vs, lambda x: x IS NOT NULL AND NOT isnan(x)))],
				list_transform(CAST([{stops}] AS DOUBLE[]), lambda s: len(list_filter(vs, lambda x: x > s AND NOT isnan(x)))))`, a))
		if err != nil || got != 0 {
			t.Fatalf("%d groups differ: %v", got, err)
		}
	})
}

// No rows are nothing, and too many stops an error.
func TestCountAboveEdges(t *testing.T) {
	t.Parallel()
	c := counting(t)
	n, err := c.Int(t.Context(), duck.SQL("SELECT len(dsql_above(1.0, [1.0])) FROM range(0)"))
	if err != nil || n != 1 {
		t.Errorf("no rows: %d, %v", n, err)
	}
	for _, stops := range []string{"range(17)::DOUBLE[]", "[]::DOUBLE[]", "NULL::DOUBLE[]"} {
		if _, err := c.Int(t.Context(), duck.SQL("SELECT len(dsql_above(1.0, {s}))", duck.Args{"s": duck.Text(stops)})); err == nil {
			t.Errorf("%s is no error", stops)
		}
	}
}

// dsql_deciles gives what a sort gives, whatever the groups, ties, NULLs, NaN and infinities.
func TestDeciles(t *testing.T) {
	t.Parallel()
	c := counting(t)
	rapid.Check(t, func(t *rapid.T) {
		a := duck.Args{"n": rapid.SampledFrom([]int{0, 1, 2, 11, 63, 2049, 9000}).Draw(t, "rows"),
			"g":     duck.SQL(rapid.SampledFrom([]string{"0", "i % 3", "i // 1000", "hash(i) % 50"}).Draw(t, "groups")),
			"holes": rapid.SampledFrom([]int{1, 2, 7, 1000000}).Draw(t, "holes"),
			"value": duck.SQL(rapid.SampledFrom([]string{"(hash(i, 3) % 800)::DOUBLE / 100 - 4", "0.25", "hash(i, 3)::DOUBLE * 1e200 - 9e218",
				"-(hash(i, 3) % 3)::DOUBLE", "1 / hash(i, 3)::DOUBLE", "-0.0"}).Draw(t, "values"))}
		got, err := c.Int(t.Context(), duck.SQL(`WITH r AS (SELECT {g} AS g, CASE WHEN hash(i, 1) % {holes} = 0
					THEN CASE hash(i, 2) % 4 WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 THEN 'inf' WHEN 2 THEN '-inf' END ELSE {value} END AS v
				FROM range({n}) AS t(i)),
				a AS (SELECT g, dsql_deciles(v) AS got, coalesce(list(v ORDER BY v) FILTER (isfinite(v)), []) AS vs FROM r GROUP BY g)
			SELECT count(*) FROM a WHERE got IS DISTINCT FROM list_concat([len(vs)::DOUBLE], CASE WHEN len(vs) > 0 THEN list_concat([vs[1]],
				flatten(list_transform(range(1, 10), lambda d: [vs[1 + floor((len(vs) - 1)::DOUBLE * (d::DOUBLE / 10))::BIGINT],
					vs[1 + ceil((len(vs) - 1)::DOUBLE * (d::DOUBLE / 10))::BIGINT]])), [vs[-1]]) ELSE [] END)`, a))
		if err != nil || got != 0 {
			t.Fatalf("%d groups differ: %v", got, err)
		}
	})
}
