package torture

// types are columns of other types, with some values each. A value is the text that DuckDB's cast to VARCHAR gives; the same text stands in
// CSV and in JSON (as a text), and must come back as it is. The model never computes with them.
var types = map[string][]string{
	"BIGINT":        {"-9223372036854775808", "9007199254740993", "0"},
	"HUGEINT":       {"-170141183460469231731687303715884105728", "18446744073709551616"},
	"UBIGINT":       {"18446744073709551615", "0"},
	"DOUBLE":        {"0.1", "-0.0", "1e+300", "5e-324", "nan", "inf"},
	"FLOAT":         {"0.1", "16777216.0"},
	"DECIMAL(18,2)": {"9007199254740993.27", "-0.01"},
	"DECIMAL(38,9)": {"12345678901234567890123456789.123456789", "0.000000001"},
	"BOOLEAN":       {"true", "false"},
	"DATE":          {"2026-02-28", "1969-12-31", "0001-01-01"},
	"TIMESTAMP":     {"2026-02-28 12:00:00.000001", "1969-12-31 23:59:59.999999"},
	"TIME":          {"23:59:59.999999", "00:00:00"},
	"UUID":          {"00000000-0000-0000-0000-000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff"},
	"VARCHAR":       {"a,b", "say \"x\"", "two\nlines", " blank ", "ünïcødé", "null", "1e5", "'"},
}
