package debezium

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"dsql/ingest/jsontext"
)

// plainExtended makes plain JSON of MongoDB's extended JSON, which Debezium's connector writes: {"$numberLong": "1"} is 1, {"$oid": "…"}
// and {"$date": …} are texts, {"$binary": …} is DuckDB's text of a BLOB. What isn't of that kind stays as it is.
func plainExtended(text []byte) []byte {
	if !bytes.Contains(text, []byte(`"$`)) {
		return text
	}
	s := &jsontext.Scanner{Text: text}
	s.Space()
	return extended(s, make([]byte, 0, len(text)))
}

// extended appends the value at i, which is valid JSON.
func extended(s *jsontext.Scanner, to []byte) []byte {
	start := s.At
	switch s.Text[start] {
	case '{':
		if !s.Skip(0) {
			return append(to, s.Text[start:]...)
		}
		if plain := extendedValue(s.Text[start:s.At]); plain != nil {
			return append(to, plain...)
		}
		in, first := jsontext.Scanner{Text: s.Text[start:s.At]}, true
		to = append(to, '{')
		in.Members(func(key []byte, from, end int) {
			if !first {
				to = append(to, ',')
			}
			first = false
			to = append(append(append(to, '"'), key...), `":`...)
			to = extended(&jsontext.Scanner{Text: in.Text[from:end]}, to)
		})
		return append(to, '}')
	case '[':
		s.At++
		s.Space()
		to = append(to, '[')
		for n := 0; !s.Is(']') && s.At < len(s.Text); n++ {
			if n > 0 {
				s.Is(',')
				s.Space()
				to = append(to, ',')
			}
			to = extended(s, to)
			s.Space()
		}
		return append(to, ']')
	}
	if !s.Skip(0) {
		s.At = len(s.Text)
	}
	return append(to, s.Text[start:s.At]...)
}

// extendedValue is the plain JSON of an object that stands for a value, nil when it is an object.
func extendedValue(object []byte) []byte {
	if !bytes.Contains(object[:min(len(object), 24)], []byte(`"$`)) {
		return nil
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(object, &m) != nil || len(m) == 0 || len(m) > 2 {
		return nil
	}
	text := func(name string) (string, bool) {
		var x string
		ok := m[name] != nil && json.Unmarshal(m[name], &x) == nil
		return x, ok
	}
	for _, name := range []string{"$numberLong", "$numberInt", "$numberDouble", "$numberDecimal"} {
		if x, ok := text(name); ok && len(m) == 1 {
			if json.Valid([]byte(x)) {
				return []byte(x)
			}
			return jsonString(x) // NaN, Infinity
		}
	}
	if x, ok := text("$oid"); ok && len(m) == 1 {
		return jsonString(x)
	}
	if x, ok := m["$date"]; ok && len(m) == 1 {
		return extendedDate(x)
	}
	if b, ok := text("$binary"); ok && m["$type"] != nil {
		return extendedBinary(b)
	}
	if x, ok := m["$binary"]; ok && len(m) == 1 {
		var in struct{ Base64 string }
		if json.Unmarshal(x, &in) == nil {
			return extendedBinary(in.Base64)
		}
	}
	if m["$undefined"] != nil {
		return []byte("null")
	}
	return nil
}

func jsonString(x string) []byte {
	b, _ := json.Marshal(x) // a string can't fail
	return b
}

// extendedDate is the text of a date: milliseconds, those as {"$numberLong": "…"}, or ISO 8601.
func extendedDate(x json.RawMessage) []byte {
	if x[0] == '"' {
		return x
	}
	if x[0] == '{' {
		x = extendedValue(x)
	}
	ms, err := strconv.ParseInt(string(x), 10, 64)
	if err != nil {
		return nil
	}
	return jsonString(time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z"))
}

func extendedBinary(text string) []byte {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	var hex []byte
	for _, c := range b {
		hex = fmt.Appendf(hex, `\x%02X`, c)
	}
	return jsonString(string(hex))
}
