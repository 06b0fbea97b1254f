package duck

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"dsql/sql"
)

// Query is SQL text that remembers which of its bytes the user wrote, so that DuckDB's byte positions can be shown as places in
// the script. All SQL that dsql generates is built from Queries: text by SQL, names by Ident, values by Lit, the user's own text
// by User.
type Query struct {
	Text  string
	frags []frag // ascending, disjoint
}

// frag says that text[at:at+n] is src.Text[from:from+n].
type frag struct {
	at, n, from int
	src         *sql.Source
}

// String is the SQL.
func (q *Query) String() string { return q.Text }

// Args are what the placeholders of SQL stand for: *Query goes in as it is, and a Type; string becomes a literal, int, int64, float64 and
// bool their literals; Names and []*Query are lists. A func of a *Query, Names or []*Query is called where its placeholder stands.
type Args map[string]any

// With is a copy of a that has b's entries too.
func (a Args) With(b Args) Args {
	c := maps.Clone(a)
	maps.Copy(c, b)
	return c
}

// Names are identifiers that go in quoted and separated by commas.
type Names []string

// Text is text of dsql's own, as it stands: it has no placeholders, and nothing of a user's is in it.
func Text(text string) *Query { return &Query{Text: text} }

// SQL fills the placeholders {name} of a constant text. A placeholder without a value, or a value of another type, is a
// programming error and panics. Braces around a struct ({'a': 1}, {a: 1}) are left alone; what else stands in braces is a
// template over lists: see each.
func SQL(text string, args ...Args) *Query {
	var b builder
	for {
		i := strings.IndexByte(text, '{')
		if i < 0 {
			break
		}
		b.WriteString(text[:i])
		text = text[i:]
		n := wordLen(text[1:])
		switch end := closing(text); {
		case n > 0 && n+2 == end:
			b.add(lookup(text[1:n+1], args))
			text = text[end:]
		case end > 0 && isTemplate(text[1:end-1]):
			b.add(each(text[1:end-1], args))
			text = text[end:]
		default:
			b.WriteByte('{')
			text = text[1:]
		}
	}
	b.WriteString(text)
	return b.query()
}

func wordLen(s string) int {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return i
		}
	}
	return len(s)
}

func lookup(name string, args []Args) *Query {
	if v, ok := value(name, args); ok {
		return toQuery(v)
	}
	panic("duck.SQL: no value for {" + name + "}")
}

// value is that of the last of args that has the name.
func value(name string, args []Args) (any, bool) {
	for i := len(args) - 1; i >= 0; i-- {
		if v, ok := args[i][name]; ok {
			return v, true
		}
	}
	return nil, false
}

func toQuery(v any) *Query {
	switch v := v.(type) {
	case *Query:
		return v
	case Type:
		return v.SQL()
	case func() *Query:
		return v()
	case Names, []*Query, func() Names, func() []*Query:
		return Join(", ", items(v)...)
	default:
		return Lit(v)
	}
}

// items are those of a list.
func items(v any) []*Query {
	switch v := v.(type) {
	case func() []*Query:
		return v()
	case func() Names:
		return items(v())
	case []*Query:
		return v
	case Names:
		out := make([]*Query, len(v))
		for i, n := range v {
			out[i] = Ident(n)
		}
		return out
	}
	return nil
}

type builder struct {
	strings.Builder
	frags []frag
}

func (b *builder) add(q *Query) {
	at := b.Len()
	for _, f := range q.frags {
		f.at += at
		b.frags = append(b.frags, f)
	}
	b.WriteString(q.Text)
}

func (b *builder) query() *Query { return &Query{b.String(), b.frags} }

// Ident is an identifier, or a qualified one from several parts.
func Ident(parts ...string) *Query {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteByte('"')
		b.WriteString(strings.ReplaceAll(p, `"`, `""`))
		b.WriteByte('"')
	}
	return &Query{Text: b.String()}
}

// Idents are columns separated by commas, each of them behind alias and a dot where alias is not empty.
func Idents(alias string, names ...string) *Query {
	return Each(", ", names, func(n string) *Query {
		if alias == "" {
			return Ident(n)
		}
		return Ident(alias, n)
	})
}

// Lit is the literal of a value: nil, string, []byte, bool, int, int32, int64, float64.
func Lit(v any) *Query {
	switch v := v.(type) {
	case nil:
		return &Query{Text: "NULL"}
	case string:
		return &Query{Text: quote(v)}
	case []byte:
		var b strings.Builder
		for _, c := range v {
			fmt.Fprintf(&b, `\x%02X`, c)
		}
		return &Query{Text: "'" + b.String() + "'::BLOB"}
	case bool:
		return &Query{Text: strconv.FormatBool(v)}
	case int:
		return &Query{Text: strconv.Itoa(v)}
	case int32:
		return &Query{Text: strconv.FormatInt(int64(v), 10)}
	case int64:
		if v == math.MinInt64 {
			return &Query{Text: "(-9223372036854775807 - 1)"}
		}
		return &Query{Text: strconv.FormatInt(v, 10)}
	case float64:
		return &Query{Text: "'" + strconv.FormatFloat(v, 'g', -1, 64) + "'::DOUBLE"}
	}
	panic(fmt.Sprintf("duck.Lit: %T", v))
}

// quote writes a string literal; a NUL byte, which DuckDB's parser would end at, goes in through chr(0).
func quote(s string) string {
	q := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.IndexByte(s, 0) < 0 {
		return q
	}
	return "(" + strings.ReplaceAll(q, "\x00", "' || chr(0) || '") + ")"
}

// User is the user's own text.
func User(src *sql.Source, sp sql.Span) *Query {
	return &Query{src.Text[sp.Start:sp.End], []frag{{0, sp.End - sp.Start, sp.Start, src}}}
}

// Join puts sep between queries. sep is constant text.
func Join(sep string, qs ...*Query) *Query {
	var b builder
	for i, q := range qs {
		if i > 0 {
			b.WriteString(sep)
		}
		b.add(q)
	}
	return b.query()
}

// Each is Join over what f makes of each item.
func Each[T any](sep string, items []T, f func(T) *Query) *Query {
	qs := make([]*Query, len(items))
	for i, x := range items {
		qs[i] = f(x)
	}
	return Join(sep, qs...)
}

// Cat is Join without a separator.
func Cat(qs ...*Query) *Query { return Join("", qs...) }

// place maps bytes [at, at+n) of the query to the script. ok is false where dsql wrote the text. It falls back on the last
// user's text before at when the position stands in the white space right behind it.
func (q *Query) place(at, n int) (*sql.Source, sql.Span, bool) {
	i, _ := slices.BinarySearchFunc(q.frags, at, func(f frag, at int) int {
		if f.at+f.n < at {
			return -1
		}
		return 1
	})
	if i == len(q.frags) || q.frags[i].at > at {
		return nil, sql.Span{}, false
	}
	f := q.frags[i]
	if at == f.at+f.n && i+1 < len(q.frags) && q.frags[i+1].at == at {
		f = q.frags[i+1]
	}
	start := f.from + at - f.at
	return f.src, sql.Span{Start: start, End: min(start+n, f.from+f.n)}, true
}

// FreeName is base with underscores behind it until no column has that name: for parameters of macros, which would otherwise
// replace a column.
func FreeName(base string, cols []Column) string {
	for slices.ContainsFunc(cols, func(c Column) bool { return strings.EqualFold(c.Name, base) }) {
		base += "_"
	}
	return base
}
