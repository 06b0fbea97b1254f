package torture

import (
	"cmp"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// Value is what the model holds of a column: nil (NULL), int64, float64 or string. A value of any other type of DuckDB is its text, as a
// cast to VARCHAR gives it: the model moves such values, and never computes with them.
type Value any

// Row is the values of a row by column. It is never changed once others may hold it.
type Row map[string]Value

// with is the row with another value.
func (r Row) with(col string, v Value) Row {
	c := maps.Clone(r)
	c[col] = v
	return c
}

// without is the row without some columns.
func (r Row) without(cols []string) Row {
	out := maps.Clone(r)
	for _, c := range cols {
		delete(out, c)
	}
	return out
}

// only is the row in some columns, NULL where it has no value.
func (r Row) only(cols []string) Row {
	out := Row{}
	for _, c := range cols {
		out[c] = r[c]
	}
	return out
}

// filled is the row with NULL where it has no value of a column.
func (r Row) filled(cols []string) Row {
	out := maps.Clone(r)
	for _, c := range cols {
		if _, there := out[c]; !there {
			out[c] = nil
		}
	}
	return out
}

// null stands for NULL where values are told apart by their text.
const null = "\\N"

// textOf is the value as DuckDB's cast to VARCHAR gives it.
func textOf(v Value) string {
	switch v := v.(type) {
	case nil:
		return null
	case int64:
		return strconv.FormatInt(v, 10)
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	case float64:
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return s
	case string:
		return v
	}
	panic(fmt.Sprintf("torture: a value of type %T", v))
}

// texts are the values of some columns, as texts.
func (r Row) texts(cols []string) []string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = textOf(r[c])
	}
	return out
}

// keySep stands between the values of a line.
const keySep = "\x1f"

// line is the values of some columns as one text: the same for equal values only.
func (r Row) line(cols []string) string { return strings.Join(r.texts(cols), keySep) }

// compare orders two values of one type that are not NULL.
func compare(a, b Value) int {
	switch a := a.(type) {
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b)
		}
	case float64:
		if b, ok := b.(float64); ok {
			return cmp.Compare(a, b)
		}
	case string:
		if b, ok := b.(string); ok {
			return cmp.Compare(a, b)
		}
	}
	panic(fmt.Sprintf("torture: %T and %T are compared", a, b))
}

// earlier is the number by so much less.
func earlier(a Value, by int) Value {
	if n, ok := a.(int64); ok {
		return n - int64(by)
	}
	panic(fmt.Sprintf("torture: %T has nothing before it", a))
}

// compareAll orders lists of values, as sequences of several columns are ordered.
func compareAll(a, b []Value) int {
	for i := range a {
		if c := compare(a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}

// num is the value as a number, false for NULL.
func (r Row) num(col string) (int64, bool) { n, ok := r[col].(int64); return n, ok }

// str is the value as a text, false for NULL.
func (r Row) str(col string) (string, bool) { s, ok := r[col].(string); return s, ok }

// text is a text of the model, where an empty one means that there is none.
func text(s string) Value {
	if s == "" {
		return nil
	}
	return s
}
