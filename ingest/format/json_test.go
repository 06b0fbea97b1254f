package format

import (
	"testing"

	"dsql/ingest/batch"
	"dsql/ingest/format/formattest"
	"dsql/ingest/format/json"
)

func TestJSON(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	paths := []batch.Field{{Name: "city", Type: "VARCHAR", Path: []string{"address", "city"}},
		{Name: "first", Type: "INTEGER", Path: []string{"list", "0"}}, {Name: "second", Type: "INTEGER", Path: []string{"list", "1", "n"}},
		{Name: "address", Type: "JSON"}, {Name: "again", Type: "VARCHAR", Path: []string{"address", "city"}}}
	for _, k := range []struct {
		name, text string
		fields     []batch.Field
		want       string
	}{
		{"lines", "{\"a\":1,\"b\":\"x\"}\n\n  \r\n {\"b\":\"y\"} \r\n{\"z\":[{\"a\":5}],\"a\":3}", formattest.Ab, "1: 1|x\n4: NULL|y\n5: 3|NULL"},
		{"byte order mark", "\xef\xbb\xbf{\"a\":1}", formattest.Ab, "1: 1|NULL"},
		{"keys in any order, with escapes", "{\"a\":1,\"b\":\"x\"}\n{\"b\":\"y\",\"a\":2}\n{\"\\u0061\":3,\"b\":\"z\"}\n{\"z\":4}\n",
			formattest.Ab, "1: 1|x\n2: 2|y\n3: 3|z\n4: NULL|NULL"},
		{"keys in another case", "{\"A\":1,\"B\":\"x\"}\n{\"A\":2,\"a\":3}\n{\"a\":4,\"A\":5}\n{\"A\":\"no " +
			"number\",\"a\":null}\n{\"z\":{\"a\":1},\"\\u0041\":6}\n", formattest.Ab, "1: 1|x\n2: 3|NULL\n3: 4|NULL\n4: NULL|NULL\n5: 6|NULL"},
		{"twice in other cases", "{\"\u00c4\":1,\"\u00e4x\":2}\n{\"A\":1,\"A\":2}\n{\"B\":1,\"B\":2,\"b\":\"x\"}\n",
			[]batch.Field{formattest.Ab[0], formattest.Ab[1], {Name: "ä", Type: "INTEGER"}}, "1: NULL|NULL|1\n2! a is named twice\n3: NULL|x|NULL"},
		{"another case in paths", "{\"Address\":{\"CITY\":\"x\"},\"LIST\":[1,{\"N\":2}]}\n{\"address\":{\"City\":\"y\",\"city\":\"z\"}}\n", paths,
			"1: x|1|2|{\"CITY\":\"x\"}|x\n2: z|NULL|NULL|{\"City\":\"y\",\"city\":\"z\"}|z"},
		{"another case in a STRUCT", "{\"S\":{\"X\":1,\"Y\":{\"Z\":2}}}\n{\"s\":[{\"x\":1}]}\n",
			[]batch.Field{{Name: "s", Type: "STRUCT(x INTEGER, y STRUCT(z INTEGER))"}}, "1: {'x': 1, 'y': {'z': 2}}\n2! is no STRUCT"},
		{"names that differ in case only", "{\"a\":1,\"A\":2}\n{\"A\":3}\n",
			[]batch.Field{{Name: "x", Type: "INTEGER", Path: []string{"a"}}, {Name: "y", Type: "INTEGER", Path: []string{"A"}}},
			"1: 1|2\n2: NULL|3"},
		{"bad lines leave the others",
			"{\"a\":1}\n{\"a\":1\n{\"a\":}\n{\"a\":01}\n[1]\n5\nnull\n{\"a\":1}{\"a\":2}\n{\"a\":1,}\n{'a':1}\n{\"b\":\"x\x01\"}\n{\"a\":2}\n",
			formattest.Ab,
			"1: 1|NULL\n2! it ends too early\n3! unexpected \"}\" at byte 5\n4! unexpected \"1\" at byte 6\n5! not an object: [1]\n6! not an " +
				"object: 5\n7! not an object: null\n8: 1|NULL\n8: 2|NULL\n9! unexpected \"}\"\n10! unexpected \"'\"\n11! a control character inside " +
				"a string\n12: 2|NULL"},
		{"not UTF-8", "{\"b\":\"\xff\"}\n{\"\xff\":1}\n{\"b\":\"ü\"}\n", formattest.Ab,
			"1! a string that is not UTF-8\n2! a string that is not UTF-8\n3: NULL|ü"},
		{"named twice", "{\"a\":1,\"a\":1}\n{\"a\":null,\"a\":1}\n{\"z\":1,\"z\":2}\n", formattest.Ab,
			"1! a is named twice\n2! a is named twice\n3: NULL|NULL"},
		{"a wrong escape in a field that nobody declared", "{\"z\":\"\\x\"}\n{\"z\":\"\\ud800\"}\n{\"z\":{\"y\":[1,2,{}]}}\n", formattest.Ab,
			"1! a wrong escape\n2! a wrong escape\n3: NULL|NULL"},
		{"escapes", `{"b":"\"\\\/\b\f\n\r\t\u00e9\u20AC|"}` +
			"\n{\"b\":\"\\u12\"}\n{\"b\":\"\\ud83e\\ud83e\"}\n{\"a\":nul}\n{\"z\":trux}\n{\"z\":falsy}\n{\"a\":-}\n{\"a\":1.}\n{\"a\":1e}\n{\"b\":\"\\", formattest.Ab,
			"1: NULL|\"\\/\b\f\n\r\té€|\n2! a wrong escape\n3! a wrong escape\n4! unexpected \"}\" at byte 8\n5! unexpected \"x\" at byte 8\n6! " +
				"unexpected \"y\" at byte 9\n7! unexpected \"}\" at byte 6\n8! unexpected\n9! unexpected\n10! it ends too early"},
		{"paths", "{\"address\":{\"city\":\"x\",\"zip\":1},\"list\":[1,{\"n\":2}]}\n{\"address\":5,\"list\":[]}\n{\"list\":{\"0\":7}}\n" +
			"{\"address\":null,\"list\":[null]}\n{\"address\":{\"city\":1,\"city\":2}}\n{\"list\":[1,2,\n", paths,
			"1: x|1|2|{\"city\":\"x\",\"zip\":1}|x\n2: NULL|NULL|NULL|5|NULL\n3: NULL|7|NULL|NULL|NULL\n4: NULL|NULL|NULL|NULL|NULL\n5! city is " +
				"named twice\n6! too early"},
		{"the whole record", "{\"a\": 1, \"z\": 2}\n", []batch.Field{formattest.Ab[0], {Name: "doc", Type: "JSON", Path: []string{}}},
			"1: 1|{\"a\": 1, \"z\": 2}"},
		{"an array", " [ {\"a\":1},{\"a\":2}\n,\n{\"a\":\n3,\"b\":\"x\"} , {} ] \n", formattest.Ab, "1: 1|NULL\n1: 2|NULL\n3: 3|x\n4: NULL|NULL"},
		{"an empty array", "[\n]\n", formattest.Ab, ""},
		{"nothing", "", formattest.Ab, ""},
		{"nothing but blanks", " \n\n", formattest.Ab, ""},
		{"bad elements leave the others", "[{\"a\":1.5},\n5,\n{\"a\":1,\"a\":2},\n{\"a\":2}]", formattest.Ab,
			"1! 1.5 has digits\n2! not an object: 5\n3! named twice\n4: 2|NULL"},
		{"an array that goes wrong", "[{\"a\":1},\n{\"a\":2}\n{\"a\":3}]", formattest.Ab, "1: 1|NULL\n2: 2|NULL\n3! not JSON"},
		{"an element that goes wrong", "[{\"a\":1},\n{\"a\":2,]},\n{\"a\":3}]", formattest.Ab,
			"1: 1|NULL\n2! the rest of the file is this record"},
		{"a comma at the end", "[{\"a\":1},\n]", formattest.Ab, "1: 1|NULL\n2! unexpected \"]\""},
		{"an array that does not end", "[{\"a\":1},\n{\"a\":2}\n", formattest.Ab, "1: 1|NULL\n2: 2|NULL\n3! the array does not end"},
		{"over several lines", "{\n  \"a\": 1,\n  \"b\": \"x\"\n}\n\n{\n  \"a\": 2 }\n{\"a\":3}\n", formattest.Ab,
			"1: 1|x\n6: 2|NULL\n8: 3|NULL"},
		{"several in a line", "{\"a\":1}{\"a\":2} {\"a\":x}\n{\"a\":3} {\n\"a\":4}{\"a\":1.5}{\"a\":5}", formattest.Ab,
			"1: 1|NULL\n1: 2|NULL\n1! unexpected \"x\"\n2: 3|NULL\n2: 4|NULL\n3! 1.5 has digits\n3: 5|NULL"},
		{"a part of a document", "{\"z\":[\n{\"a\":1},\n{\"a\":2}\n]}\n{\"a\":3}\n", formattest.Ab, "1: NULL|NULL\n5: 3|NULL"},
		{"a document that goes wrong", "{\"z\":[\n{\"a\":1}\n{\"a\":2}\n]}\n{\"a\":3}\n", formattest.Ab, "1! unexpected \"{\"\n5: 3|NULL"},
		{"a document with a comma behind", "{\"z\":[\n{\"a\":1}\n]},\n{\"a\":3}\n", formattest.Ab,
			"1: NULL|NULL\n3! unexpected \",\"\n4: 3|NULL"},
		{"a document that does not end", "{\"z\":[\n{\"a\":1},\n", formattest.Ab, "1! it ends too early\n2! unexpected \",\""},
		{"lines that were cut off", "{\"a\":1,\"b\":\n{\"a\":2}\n{\"a\":3,\"b\":\"x\n{\"a\":4}\n", formattest.Ab,
			"1! too early\n2: 2|NULL\n3! too early\n4: 4|NULL"},
		{"an array behind a record", "{\"a\":1}\n[\n{\"a\":2}\n]\n{\"a\":3}", formattest.Ab, "1: 1|NULL\n2! not an object\n5: 3|NULL"},
		{"CR alone", "{\"a\":1}\r{\"a\":2}\r\r{\"a\":x}\r{\"a\":3}", formattest.Ab, "1: 1|NULL\n2: 2|NULL\n4! unexpected \"x\"\n5: 3|NULL"},
		{"CR alone, then LF", "{\"a\":1}\r{\"a\":2}\n{\"a\":3,\r\"b\":\"x\"}\r\n{\"a\":4}", formattest.Ab,
			"1: 1|NULL\n2: 2|NULL\n3: 3|x\n4: 4|NULL"},
		{"CR alone over several lines", "{\r\"a\":1\r}\r{\r\"a\":2}\r", formattest.Ab, "1: 1|NULL\n4: 2|NULL"},
		{"an array that ends inside an element", "[{\"a\":1},\n{\"a\":2", formattest.Ab, "1: 1|NULL\n2! it ends too early"},
		{"text behind an array", "[{\"a\":1}]\nx", formattest.Ab, "1: 1|NULL\n2! text behind the end of the array"},
	} {
		t.Run(k.name, func(t *testing.T) {
			got := formattest.Landed{}
			for _, l := range formattest.Land(t, c, k.fields, batch.Dialect{Format: &json.Format}, batch.Limits{}, batch.FileInfo{Path: "a.json"},
				k.text) {
				got = l
			}
			formattest.CheckRecords(t, k.want, got)
		})
	}
}

// A bad record's data is what converts of it; its payload is the record's bytes.
func TestSalvage(t *testing.T) {
	t.Parallel()
	c := formattest.Memory(t)
	fields := append(formattest.Ab[:2:2], batch.Field{Name: "l", Type: "STRUCT(n INTEGER, s VARCHAR)[]"},
		batch.Field{Name: "d", Type: "TIMESTAMP"})
	for _, k := range []struct{ format, text, payload, data string }{
		{"json", `{"a":1.5,"b":"long enough to be pointed at","l":[{"n":1},{"n":"x","s":"y"},5],"d":"2024-01-02"}`, "",
			`{"a":null,"b":"long enough to be pointed at","l":[{"n":1,"s":null},{"n":null,"s":"y"},null],"d":"2024-01-02 00:00:00"}`},
		{"json", `{"b":"x","l":[{"n":1,"s":"cut off here`, "", `{"a":null,"b":"x","l":null,"d":null}`},
		{"json", `{"b":"x","l":[{"n":1}],"a":1,"a":2}`, "", `{"a":1,"b":"x","l":[{"n":1,"s":null}],"d":null}`},
		{"json", `{"z":1,`, "", "<none>"},
		{"json", ` {"a":1} x`, "", `{"a":1,"b":null,"l":null,"d":null}`},
		{"json", ` {"a":1.5,"b":"x"} {"a":2}`, `{"a":1.5,"b":"x"}`, `{"a":null,"b":"x","l":null,"d":null}`},
		{"json", "{\"a\":1.5,\n\"b\":\"x\"}\n{\"a\":2}", "{\"a\":1.5,\n\"b\":\"x\"}", `{"a":null,"b":"x","l":null,"d":null}`},
		{"json", `[{"a":"x","b":"y"}]`, `{"a":"x","b":"y"}`, `{"a":null,"b":"y","l":null,"d":null}`},
		{"json", "[{\"a\":1.5\n}", "{\"a\":1.5\n}", "<none>"},
		{"csv", `x,"say ""hi"" to thirteen",[{"n": 1}],2024-01-02` + "\r\n", `x,"say ""hi"" to thirteen",[{"n": 1}],2024-01-02`,
			`{"a":null,"b":"say \"hi\" to thirteen","l":[{"n":1,"s":null}],"d":"2024-01-02 00:00:00"}`},
		{"csv", `1,x,"[{""n"": 1}, {""n"": ""x""}]",`, "", `{"a":1,"b":"x","l":null,"d":null}`},
		{"csv", "1,\"x", "", "<none>"},
	} {
		got := formattest.Land(t, c, fields, batch.Dialect{Format: Named(k.format), Header: batch.HeaderNo, Delim: ","}, batch.Limits{},
			batch.FileInfo{}, k.text)[0]
		if k.payload == "" {
			k.payload = k.text
		}
		if len(got.Data) == 0 || got.Data[0] != k.data {
			t.Errorf("%s: data %q, want %s", k.text, got.Data, k.data)
		} else if got.Payloads[0] != k.payload {
			t.Errorf("%s: payload %q, want %q", k.text, got.Payloads[0], k.payload)
		}
	}
}
