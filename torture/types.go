package torture

import "encoding/json"

// types are columns of other types, with some values each, as the texts that DuckDB's cast to VARCHAR gives. The model never computes with
// them: they must come back as they are.
var types = map[string][]typed{
	"BIGINT":                       texts("-9223372036854775808", "9007199254740993", "0"),
	"HUGEINT":                      texts("-170141183460469231731687303715884105728", "18446744073709551616"),
	"UBIGINT":                      texts("18446744073709551615", "0"),
	"DOUBLE":                       texts("0.1", "-0.0", "1e+300", "5e-324", "nan", "inf"),
	"FLOAT":                        texts("0.5", "16777216.0"),
	"DECIMAL(18,2)":                texts("9007199254740993.27", "-0.01"),
	"DECIMAL(38,9)":                texts("12345678901234567890123456789.123456789", "0.000000001"),
	"BOOLEAN":                      texts("true", "false"),
	"DATE":                         texts("2026-02-28", "1969-12-31", "0001-01-01"),
	"TIMESTAMP":                    texts("2026-02-28 12:00:00.000001", "1969-12-31 23:59:59.999999"),
	"TIMESTAMP_NS":                 texts("2026-02-28 12:00:00.000000001"),
	"TIMESTAMPTZ":                  texts("2026-02-28 12:00:00.5+00"),
	"TIME":                         texts("23:59:59.999999", "00:00:00"),
	"UUID":                         texts("00000000-0000-0000-0000-000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
	"ENUM('p', 'q')":               texts("p", "q"),
	"VARCHAR":                      texts("a,b", "say \"x\"", "two\nlines", " blank ", "ünïcødé", "null", "1e5", "'"),
	"INTEGER[]":                    {{"[1, NULL]", "[1,null]"}, {"[]", "[]"}},
	"STRUCT(p INTEGER, q VARCHAR)": {{"{'p': 1, 'q': x}", `{"p":1,"q":"x"}`}, {"{'p': NULL, 'q': NULL}", `{"p":null,"q":null}`}},
	"MAP(VARCHAR, INTEGER)":        {{"{a=1, b=2}", `{"a":1,"b":2}`}, {"{}", "{}"}},
	"JSON":                         {{`{"k":[1,2]}`, `{"k":[1,2]}`}, {"[]", "[]"}},
	"DECIMAL(18,2)[]":              {{"[9007199254740993.27]", `["9007199254740993.27"]`}},
}

// typed is a value: its text in DuckDB, and how JSON has it.
type typed struct{ text, json string }

// texts are values that JSON has as their text.
func texts(list ...string) []typed {
	out := make([]typed, len(list))
	for i, s := range list {
		b, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		out[i] = typed{s, string(b)}
	}
	return out
}

// fits says whether files of a format hold values of a type as they are: CSV has nothing nested, and DuckDB writes a HUGEINT into Parquet
// as a double.
func fits(format, typ string) bool {
	return types[typ] == nil || !(format == "csv" && nested(typ)) && !(format == "parquet" && typ == "HUGEINT")
}

// nested says whether only JSON and Parquet have such values.
func nested(typ string) bool { return types[typ][0].json[0] != '"' }

// inJSON is a value of a column as JSON has it.
func inJSON(typ string, v Value) json.RawMessage {
	for _, x := range types[typ] {
		if x.text == v {
			return json.RawMessage(x.json)
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // numbers and texts
	}
	return b
}
