package engine

import (
	"context"
	dbsql "database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// Result is the rows of a statement of the user. Values come as DuckDB prints them (Text) or as JSON, so that callers need not
// know the driver's types.
type Result struct {
	Columns []Column
	rows    *dbsql.Rows
	types   []valueType
	values  []any
	err     error
}

// Query runs a statement that may return rows. Close it before the connection is used again.
func (c *Conn) Query(ctx context.Context, q *Query, at Place) (*Result, error) {
	rows, err := c.sql.QueryContext(ctx, q.text)
	if err != nil {
		return nil, q.locate(err, at)
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	r := &Result{rows: rows, values: make([]any, len(types))}
	for _, t := range types {
		r.Columns = append(r.Columns, Column{t.Name(), t.DatabaseTypeName()})
		r.types = append(r.types, parseType(t.DatabaseTypeName()))
	}
	return r, nil
}

// Next reads a row; false at the end or at an error (Err).
func (r *Result) Next() bool {
	if r.err != nil || !r.rows.Next() {
		return false
	}
	at := make([]any, len(r.values))
	for i := range at {
		at[i] = &r.values[i]
	}
	r.err = r.rows.Scan(at...)
	return r.err == nil
}

// Text is column i of the row as CAST(… AS VARCHAR) prints it; ok is false for NULL.
func (r *Result) Text(i int) (text string, ok bool) {
	if r.values[i] == nil {
		return "", false
	}
	return r.types[i].text(r.values[i]), true
}

// JSON is column i of the row as a JSON value. NaN and infinities, which JSON has not, are strings.
func (r *Result) JSON(i int) []byte {
	var b strings.Builder
	r.types[i].json(&b, r.values[i])
	return []byte(b.String())
}

// Number says whether column i holds numbers: those stand right in a table.
func (r *Result) Number(i int) bool { return r.types[i].number() }

// Err is what ended the rows early.
func (r *Result) Err() error {
	if r.err != nil {
		return r.err
	}
	return SQL("").locate(r.rows.Err(), Place{})
}

// Close ends the result; what was not read is thrown away.
func (r *Result) Close() error { return r.rows.Close() }

// valueType is DuckDB's type, read from its name: the driver gives values, but forgets the order of a STRUCT's fields and what a
// time.Time stands for.
type valueType struct {
	name   string
	elem   []valueType // LIST and ARRAY: one; MAP: key and value; STRUCT and UNION: fields
	fields []string
}

func parseType(s string) valueType {
	s = strings.TrimSpace(s)
	if strings.HasSuffix(s, "]") {
		return valueType{name: "LIST", elem: []valueType{parseType(s[:strings.LastIndexByte(s, '[')])}}
	}
	open := strings.IndexByte(s, '(')
	if open < 0 || !strings.HasSuffix(s, ")") {
		return valueType{name: s}
	}
	t := valueType{name: s[:open]}
	if t.name != "STRUCT" && t.name != "MAP" && t.name != "UNION" {
		return t
	}
	for _, part := range splitTop(s[open+1 : len(s)-1]) {
		if t.name == "MAP" {
			t.elem = append(t.elem, parseType(part))
			continue
		}
		name, rest := fieldName(strings.TrimSpace(part))
		t.fields, t.elem = append(t.fields, name), append(t.elem, parseType(rest))
	}
	return t
}

// splitTop splits at commas outside brackets and quotes.
func splitTop(s string) []string {
	var out []string
	depth, quoted, from := 0, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == ',' && depth == 0:
			out, from = append(out, s[from:i]), i+1
		}
	}
	return append(out, s[from:])
}

func fieldName(s string) (name, rest string) {
	if !strings.HasPrefix(s, `"`) {
		name, rest, _ = strings.Cut(s, " ")
		return name, rest
	}
	for i := 1; i < len(s); i++ {
		if s[i] == '"' {
			if i+1 < len(s) && s[i+1] == '"' {
				i++
				continue
			}
			return strings.ReplaceAll(s[1:i], `""`, `"`), s[i+1:]
		}
	}
	return s, ""
}

func (t valueType) number() bool {
	switch t.name {
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL":
		return true
	}
	return false
}

func (t valueType) text(v any) string {
	if t.name == "JSON" && v != nil {
		return jsonText(v)
	}
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float32:
		return floatText(float64(v), 32)
	case float64:
		return floatText(v, 64)
	case *big.Int:
		return v.String()
	case duckdb.Decimal:
		return decimalText(v)
	case time.Time:
		return t.timeText(v)
	case duckdb.Interval:
		return intervalText(v)
	case []byte:
		if t.name == "UUID" && len(v) == 16 {
			return fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:])
		}
		return blobText(v)
	case duckdb.UUID:
		return fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:])
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = t.child(0).nested(x)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		parts := make([]string, 0, len(v))
		for i, f := range t.fields {
			parts = append(parts, "'"+strings.ReplaceAll(f, "'", "''")+"': "+t.child(i).nested(v[f]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case duckdb.OrderedMap:
		keys, values := v.Keys(), v.Values()
		parts := make([]string, len(keys))
		for i := range keys {
			parts[i] = t.child(0).nested(keys[i]) + "=" + t.child(1).nested(values[i])
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case duckdb.Union:
		for i, f := range t.fields {
			if f == v.Tag {
				return t.child(i).text(v.Value)
			}
		}
		return fmt.Sprint(v.Value)
	}
	return fmt.Sprint(v)
}

// jsonText writes what the driver parsed: the fields of objects by name.
func jsonText(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (t valueType) child(i int) valueType {
	if i < len(t.elem) {
		return t.elem[i]
	}
	return valueType{}
}

// nested is text inside a list, struct or map, where DuckDB quotes strings that could be misread.
func (t valueType) nested(v any) string {
	s := t.text(v)
	if _, ok := v.(string); ok && (s == "" || s != strings.TrimSpace(s) || strings.ContainsAny(s, ",[]{}()'\"=:\\") || strings.EqualFold(s, "null")) {
		return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", `\'`) + "'"
	}
	return s
}

func floatText(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, bits)
	}
	s := strconv.FormatFloat(f, 'f', -1, bits)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func (t valueType) timeText(v time.Time) string {
	switch t.name {
	case "DATE":
		return v.Format("2006-01-02")
	case "TIME":
		return v.Format("15:04:05.999999")
	case "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ":
		return v.UTC().Format("2006-01-02 15:04:05.999999") + "+00"
	case "TIMESTAMP_NS":
		return v.Format("2006-01-02 15:04:05.999999999")
	}
	return v.Format("2006-01-02 15:04:05.999999")
}

// decimalText has all digits of the scale, as DuckDB prints it; the driver's String drops zeros.
func decimalText(v duckdb.Decimal) string {
	digits := new(big.Int).Abs(v.Value).String()
	if n := int(v.Scale); n > 0 {
		digits = strings.Repeat("0", max(0, n+1-len(digits))) + digits
		digits = digits[:len(digits)-n] + "." + digits[len(digits)-n:]
	}
	if v.Value.Sign() < 0 {
		return "-" + digits
	}
	return digits
}

func intervalText(v duckdb.Interval) string {
	var parts []string
	add := func(n int64, unit string) {
		if n != 0 {
			s := ""
			if n != 1 && n != -1 {
				s = "s"
			}
			parts = append(parts, fmt.Sprintf("%d %s%s", n, unit, s))
		}
	}
	add(int64(v.Months)/12, "year")
	add(int64(v.Months)%12, "month")
	add(int64(v.Days), "day")
	if us := v.Micros; us != 0 || len(parts) == 0 {
		sign := ""
		if us < 0 {
			sign, us = "-", -us
		}
		s := fmt.Sprintf("%s%02d:%02d:%02d", sign, us/3_600_000_000, us/60_000_000%60, us/1_000_000%60)
		if f := us % 1_000_000; f != 0 {
			s += strings.TrimRight(fmt.Sprintf(".%06d", f), "0")
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

// blobText is DuckDB's form of a BLOB: printable ASCII as it is, all else as \xHH.
func blobText(v []byte) string {
	var b strings.Builder
	for _, c := range v {
		if c >= 32 && c < 127 && c != '\\' && c != '\'' && c != '"' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\x%02X`, c)
		}
	}
	return b.String()
}

func (t valueType) json(b *strings.Builder, v any) {
	if t.name == "JSON" && v != nil {
		b.WriteString(jsonText(v))
		return
	}
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case float32:
		jsonFloat(b, float64(v), 32)
	case float64:
		jsonFloat(b, v, 64)
	case duckdb.Decimal:
		b.WriteString(decimalText(v))
	case []byte:
		if t.name == "UUID" {
			jsonString(b, t.text(v))
			return
		}
		jsonString(b, base64.StdEncoding.EncodeToString(v))
	case []any:
		b.WriteByte('[')
		for i, x := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			t.child(0).json(b, x)
		}
		b.WriteByte(']')
	case map[string]any:
		b.WriteByte('{')
		for i, f := range t.fields {
			if i > 0 {
				b.WriteByte(',')
			}
			jsonString(b, f)
			b.WriteByte(':')
			t.child(i).json(b, v[f])
		}
		b.WriteByte('}')
	case duckdb.OrderedMap:
		b.WriteByte('{')
		keys, values := v.Keys(), v.Values()
		for i := range keys {
			if i > 0 {
				b.WriteByte(',')
			}
			jsonString(b, t.child(0).text(keys[i]))
			b.WriteByte(':')
			t.child(1).json(b, values[i])
		}
		b.WriteByte('}')
	case string:
		jsonString(b, v)
	default:
		if t.number() {
			b.WriteString(t.text(v))
			return
		}
		jsonString(b, t.text(v))
	}
}

func jsonFloat(b *strings.Builder, f float64, bits int) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		jsonString(b, floatText(f, bits))
		return
	}
	b.WriteString(strconv.FormatFloat(f, 'g', -1, bits))
}

func jsonString(b *strings.Builder, s string) { b.WriteString(jsonText(s)) }
