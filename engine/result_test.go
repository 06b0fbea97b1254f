package engine_test

import (
	"encoding/json"
	"testing"

	"dsql/engine"
)

// A value's text is what DuckDB's own cast prints, for every type.
func TestResultTextIsDuckDBs(t *testing.T) {
	t.Parallel()
	c := open(t, "").Writer()
	exprs := []string{
		"true", "NULL", "1::TINYINT", "-5::SMALLINT", "7::INTEGER", "(-9223372036854775807 - 1)::BIGINT", "170141183460469231731687303715884105727::HUGEINT",
		"255::UTINYINT", "18446744073709551615::UBIGINT", "1.00::DECIMAL(5,2)", "-0.05::DECIMAL(5,2)", "12345678901234567890.123::DECIMAL(38,3)", "7::DECIMAL(9,0)",
		"0.1", "1e20::DOUBLE", "1e-7::DOUBLE", "100000::DOUBLE", "'nan'::DOUBLE", "'-inf'::DOUBLE", "0.1::FLOAT", "1e16::DOUBLE", "1e15::DOUBLE", "0.0001::DOUBLE", "-0.0::DOUBLE",
		"'héllo'", "''", "DATE '2020-01-02'", "TIME '10:11:12.5'", "TIMESTAMP '2020-01-01 10:00:00'", "TIMESTAMP '2020-01-01 10:00:00.000001'", "'2020-01-01 10:00:00+00'::TIMESTAMPTZ",
		"TIMESTAMP_S '2020-01-01 10:00:00'", "TIMESTAMP_MS '2020-01-01 10:00:00.123'", "INTERVAL 90 MINUTE", "INTERVAL '1 year 2 months 3 days 4 seconds'", "INTERVAL '-1 day'", "INTERVAL 0 SECOND",
		"[1, 2, NULL]", "['a', 'b c', '', 'null', 'x,y']", "{'a': 1, 'b': 'x y', 'c': NULL}", "{'z': 1, 'a': [1.50::DECIMAL(4,2)]}", "MAP {'k': 1, 'l': 2}", "[DATE '2020-01-02']",
		"'\\xAA\\x00ab'::BLOB", "'4ac7a9e9-607c-4c8a-84f3-843f0191e3fd'::UUID", "'a'::ENUM('a', 'b')", "[[1], [2, 3]]", "[' a', 'it''s', '(x)', 'a=b', 'a:b', 'NULL']", "[]::INTEGER[]",
	}
	for _, e := range exprs {
		src := "SELECT " + e + " AS v, (" + e + ")::VARCHAR AS t"
		r, err := c.Query(t.Context(), engine.Type(src), engine.Place{})
		if err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		if !r.Next() {
			t.Fatalf("%s: no row: %v", e, r.Err())
		}
		got, ok := r.Text(0)
		want, wok := r.Text(1)
		if got != want || ok != wok {
			t.Errorf("%s (%s): got %q, DuckDB prints %q", e, r.Columns[0].Type, got, want)
		}
		if !json.Valid(r.JSON(0)) {
			t.Errorf("%s: not JSON: %s", e, r.JSON(0))
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
