package rules

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dsql/engine/duck"
	"dsql/internal/testkit"
)

func TestHelpers(t *testing.T) {
	t.Parallel()
	c := bench(t)
	testkit.Exec(t, c, "CREATE TABLE codes AS SELECT * FROM (VALUES ('NO', 'Norway'), ('PE', 'Peru'), ('NO', 'Norge')) v(key, value)")
	used := map[string]bool{}
	for _, l := range strings.Split(strings.TrimSpace(`
blank_to_null('')|NULL
blank_to_null(' ' || chr(160) || chr(9))|NULL
blank_to_null(' a ')| a 
blank_to_null(NULL)|NULL
collapse_spaces('  a   b' || chr(10) || chr(8195) || 'c ')|a b c
collapse_spaces('')|
parse_date('2026-03-01')::VARCHAR|2026-03-01
parse_date(' 01.03.2026 ')::VARCHAR|2026-03-01
parse_date('20260301')::VARCHAR|2026-03-01
parse_date('1 Mar 2026')::VARCHAR|2026-03-01
parse_date('March 1, 2026')::VARCHAR|2026-03-01
parse_date('2026-03-01T23:59:59Z')::VARCHAR|2026-03-01
parse_date('01/03/2026')::VARCHAR|NULL
parse_date('2026-02-30')::VARCHAR|NULL
parse_number('1,234.50')|1234.5
parse_number('1 234.5')|1234.5
parse_number('-1.234,5', decimal_mark := ',')|-1234.5
parse_number('12 apples')|NULL
parse_number('')|NULL
phone_e164('+47 22 33 44 55', '47')|+4722334455
phone_e164('0047 22 33 44 55', '44')|+4722334455
phone_e164('(020) 7946-0958', '44')|+442079460958
phone_e164('+44 (0)20 7946 0958', '44')|+442079460958
phone_e164('22334455', '47')|+4722334455
phone_e164('call me', '47')|NULL
phone_e164('123', '47')|NULL
phone_e164(NULL, '47')|NULL
header({headers: [{key: 'a', value: 'x'::BLOB}, {key: 'a', value: encode('é')}, {key: 'a', value: NULL}]}, 'a')|é
header({headers: [{key: 'a', value: '\xFF'::BLOB}]}, 'a')|NULL
header({headers: [{key: 'a', value: 'x'::BLOB}]}, 'b')|NULL
header({headers: NULL::STRUCT(key VARCHAR, value BLOB)[]}, 'a')|NULL
parse_number('1,23')|NULL
parse_number('12 34')|NULL
parse_number('1,234 567')|NULL
parse_number('1.234,567')|NULL
parse_number('1''234''567.5')|1.2345675e+06
parse_number('1’234.5')|1234.5
parse_number('1234,567')|NULL
parse_number('0.5')|0.5
parse_number('.5')|0.5
parse_number('5.')|5
parse_number('1.5', decimal_mark := ',')|NULL
parse_number('99.95', decimal_mark := ',')|NULL
parse_number('1,234.5', decimal_mark := ',')|NULL
parse_number('1.234', decimal_mark := ',')|1234
parse_number('1 234,5', decimal_mark := ',')|1234.5
parse_number(',5', decimal_mark := ',')|0.5
parse_number(NULL)|NULL
parse_date('01.03.26')::VARCHAR|NULL
parse_date('1 Mar 26')::VARCHAR|NULL
parse_date('Mar 1, 26')::VARCHAR|NULL
parse_date('26/03/01')::VARCHAR|NULL
parse_date('126-03-01')::VARCHAR|NULL
parse_date('202631')::VARCHAR|NULL
parse_date('26-03-01 10:00:00')::VARCHAR|NULL
parse_date('0026-03-01')::VARCHAR|0026-03-01
parse_date('2026-3-1')::VARCHAR|2026-03-01
parse_date('1.3.2026')::VARCHAR|2026-03-01
phone_e164('22334455', NULL)|NULL
phone_e164('06 698 12345', '39')|+390669812345
phone_e164('1 212 555 0100', '1')|+12125550100
phone_e164('8 495 123 45 67', '7')|+74951234567
phone_e164('06 1 234 5678', '36')|+3612345678
phone_e164('044 668 18 00', 'CH')|+41446681800
phone_e164('044 668 18 00', '+41')|+41446681800
phone_e164('+1 212 555 0100 ext. 7', '1')|NULL
phone_e164('212 555 0100 #7', '1')|NULL
phone_e164('020~7946~0958', '44')|NULL
phone_e164('५५५ 020 7946 0958', '44')|NULL
phone_e164('1-800-FLOWERS', '1')|NULL
phone_e164('212 555 0100', '999')|NULL
phone_e164(repeat('1', 100), '1')|NULL
mask('4111111111111111')|************1111
mask('abc')|***
mask('secret', keep := 0)|******
mask_email('ann@example.com')|a***@example.com
mask_email('nobody')|NULL
salted_hash('a', 'pepper') = sha256('pepper' || chr(31) || 'a')|true
length(salted_hash('a', 'pepper'))|64
salted_hash('a', 'b') = salted_hash('ab', '')|false
salted_hash(NULL, 'b')|NULL
clamp(5, 0, 3)|3
clamp(-1, 0, 3)|0
clamp(2, 0, 3)|2
clamp(NULL::INTEGER, 0, 3)|NULL
map_value('PE', 'codes')|Peru
map_value('NO', 'codes')|Norge
map_value('XX', 'codes')|NULL
canonical_json('{"b": [1, {"d": 1, "c": "x y"}], "a/b~": {"z": null, "y": true}}')|{"a/b~":{"y":true,"z":null},"b":[1,{"c":"x y","d":1}]}
canonical_json('[2,  1]')|[2,1]
canonical_json('{}')|{}
canonical_json('"a"')|"a"
canonical_json('nope')|NULL
canonical_json(1)|1
canonical_json({'a': 1})|NULL
canonical_json('[2, 1]'::JSON)|[2,1]
collapse_spaces(chr(11) || 'a' || chr(133) || chr(5760) || 'b' || chr(12288))|a b
blank_to_null(chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || ' ' || chr(133) || chr(160) || chr(5760))|NULL
blank_to_null(list_aggregate(list_transform(range(8192, 8203), lambda c: chr(c::INTEGER)), 'string_agg', ''))|NULL
blank_to_null(chr(8232) || chr(8233) || chr(8239) || chr(8287) || chr(12288))|NULL
blank_to_null(chr(8203)) IS NULL|false
parse_number('1' || chr(160) || '234' || chr(8239) || '567' || chr(8201) || '890')|1.23456789e+09
parse_number('1' || chr(8239) || '234' || chr(8239) || '567')|1.234567e+06
canonical_json(NULL)|NULL
canonical_json('{"a":{"a":{"a":{"a":{"b":1,"a":{"y":1, "x":2}}}}}}')|{"a":{"a":{"a":{"a":{"a":{"y":1,"x":2},"b":1}}}}}
`), "\n") {
		i := strings.LastIndex(l, "|")
		call, want := l[:i], l[i+1:]
		for _, h := range Helpers {
			if strings.Contains(call, h.Name+"(") {
				used[h.Name] = true
				call = strings.ReplaceAll(call, h.Name+"(", "dsql."+h.Name+"(")
			}
		}
		if got := text(t, c, duck.Text("SELECT "+call)); got != want {
			t.Errorf("%s: %q, want %q", call, got, want)
		}
	}
	for _, h := range Helpers {
		if !used[h.Name] && !strings.HasPrefix(h.Doc, "A step of") {
			t.Errorf("%s has no example", h.Name)
		}
	}
}

// In rules the helpers need no schema, but a function of the user's own by that name is the user's.
func TestHelpersInRules(t *testing.T) {
	t.Parallel()
	c := bench(t)
	testkit.Exec(t, c, "CREATE TABLE p AS SELECT 7 AS n, ' a  b ' AS s, 's2' AS clamp")
	_, kept, _, err := run(t, c, "p",
		"SET n = clamp(n, 0, 5), SET COLUMNS('^s$') = Collapse_Spaces(_), CONSTRAINT c EXPECT (clamp(n, 1, 2) = 2)", "twice")
	if err != nil || kept != "5|a b|s2" {
		t.Error(kept, err)
	}
	testkit.Exec(t, c, "CREATE MACRO clamp(x, low, high) AS 42")
	_, kept, _, err = run(t, c, "p", "SET n = clamp(n, 0, 5), SET s = dsql.mask(s, keep := 1)", "twice")
	if err != nil || kept != "42|***** |s2" {
		t.Error(kept, err)
	}
	// Installed once, they are not written again.
	before := text(t, c, duck.Text("SELECT function_name, function_oid FROM duckdb_functions() WHERE schema_name = 'dsql' ORDER BY ALL"))
	if err := Install(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, text(t, c,
		duck.Text("SELECT function_name, function_oid FROM duckdb_functions() WHERE schema_name = 'dsql' ORDER BY ALL"))); d != "" {
		t.Error(d)
	}
}
