package journal

import (
	"fmt"
	"slices"

	"dsql/engine"
)

// sql fills a template with the journal's tables, the temporary tables and the version at hand beside its own arguments.
func (w *writer) sql(text string, a ...engine.Args) *engine.Query {
	return engine.SQL(text, append([]engine.Args{w.tables, {"v": w.v}}, a...)...)
}

// list are columns separated by commas, behind an alias where there is one.
func list(alias string, names ...[]string) *engine.Query {
	return engine.Idents(alias, slices.Concat(names...)...)
}

// each fills text for each name, which is {c} there.
func each(sep, text string, names []string, a ...engine.Args) *engine.Query {
	return engine.Each(sep, names, func(n string) *engine.Query {
		return engine.SQL(text, append(a[:len(a):len(a)], engine.Args{"c": engine.Ident(n)})...)
	})
}

// pairs fills text for two lists of one length, whose names are {x} and {y} there.
func pairs(sep, text string, xs, ys []string) *engine.Query {
	out := make([]*engine.Query, len(xs))
	for i := range xs {
		out[i] = engine.SQL(text, engine.Args{"x": engine.Ident(xs[i]), "y": engine.Ident(ys[i])})
	}
	return engine.Join(sep, out...)
}

// on joins two relations by key.
func (l *layout) on(a, b string) *engine.Query { return onKeys(a, b, l.keys) }

func onKeys(a, b string, keys []string) *engine.Query {
	return each(" AND ", "{a}.{c} = {b}.{c}", keys, engine.Args{"a": engine.SQL(a), "b": engine.SQL(b)})
}

// at joins a relation by key and sequence; xs and ys are the names of the sequence in each.
func (l *layout) at(a string, xs []string, b string, ys []string) *engine.Query {
	return engine.SQL("{on} AND {pairs}", engine.Args{"on": l.on(a, b), "pairs": pairs(" AND ", a+".{x} = "+b+".{y}", xs, ys)})
}

// point is a sequence as one value that compares: several columns compare one after the other.
func point(alias string, names []string) *engine.Query {
	if len(names) == 1 {
		return engine.Ident(alias, names[0])
	}
	parts := make([]*engine.Query, len(names))
	for i, n := range names {
		parts[i] = engine.SQL("{part} := {c}", engine.Args{"part": engine.Ident(fmt.Sprintf("_%d", i)), "c": engine.Ident(alias, n)})
	}
	return engine.SQL("struct_pack({parts})", engine.Args{"parts": engine.Join(", ", parts...)})
}

// pointType is the type of a point.
func (l *layout) pointType() string {
	if len(l.Sequence) == 1 {
		return l.Sequence[0].Type
	}
	out := "STRUCT("
	for i, o := range l.Sequence {
		if i > 0 {
			out += ", "
		}
		out += fmt.Sprintf("_%d %s", i, o.Type)
	}
	return out + ")"
}

// parts takes a point apart.
func (l *layout) parts(p *engine.Query) []*engine.Query {
	if len(l.Sequence) == 1 {
		return []*engine.Query{p}
	}
	out := make([]*engine.Query, len(l.Sequence))
	for i := range out {
		out[i] = engine.SQL("({p}).{part}", engine.Args{"p": p, "part": engine.Ident(fmt.Sprintf("_%d", i))})
	}
	return out
}

// differ says that some of the columns aren't the same: NULL is NULL and NaN is NaN.
func differ(a, b string, names []string) *engine.Query {
	if len(names) == 0 {
		return engine.SQL("false")
	}
	return engine.SQL("({any})", engine.Args{"any": each(" OR ", a+".{c} IS DISTINCT FROM "+b+".{c}", names)})
}

// same says that all of the columns are the same.
func same(a, b string, names []string) *engine.Query {
	if len(names) == 0 {
		return engine.SQL("true")
	}
	return each(" AND ", a+".{c} IS NOT DISTINCT FROM "+b+".{c}", names)
}

// isNull says that some of the columns are NULL.
func isNull(alias string, names []string) *engine.Query {
	return each(" OR ", "{a}.{c} IS NULL", names, engine.Args{"a": engine.SQL(alias)})
}

// as gives columns names of another list.
func as(alias string, names, others []string) *engine.Query {
	if alias != "" {
		alias += "."
	}
	return pairs(", ", alias+"{x} AS {y}", names, others)
}

// numbered are n names with a prefix.
func numbered(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return out
}
