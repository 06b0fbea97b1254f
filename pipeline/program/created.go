package program

import (
	"strings"
	"unicode"

	"dsql/sql"
)

// The user's own views and macros, as far as dsql has to know them: their names and what they are made of.

// Created is the name of the table, view or macro that a statement of the user makes, and the text of a view or macro.
func Created(st sql.Stmt) (name, text string) {
	if st.Decl != nil || Opening(st) != "CREATE" {
		return "", ""
	}
	toks := sql.Tokens(st.Src, st.Span)
	i := 0
	word := func(words ...string) bool {
		for _, w := range words {
			if i < len(toks) && sql.Same(toks[i].Span.Of(st.Src), w) {
				i++
				return true
			}
		}
		return false
	}
	if !word("CREATE") {
		return "", ""
	}
	for word("OR", "REPLACE", "TEMP", "TEMPORARY") {
	}
	table := word("TABLE")
	if !table && !word("VIEW", "MACRO", "FUNCTION") {
		return "", ""
	}
	for word("IF", "NOT", "EXISTS") {
	}
	if name = lastName(st.Src, toks[i:]); table {
		return name, ""
	}
	return name, definition(st.Span.Of(st.Src))
}

// Opening is a statement's first word in capitals. (A statement may be long: it is cut into tokens only where that word says so.)
func Opening(st sql.Stmt) string {
	text := st.Span.Of(st.Src)
	end := strings.IndexFunc(text, func(c rune) bool { return !unicode.IsLetter(c) })
	if end < 0 {
		end = len(text)
	}
	return strings.ToUpper(text[:end])
}

// lastName is the name that tokens begin with, without the schema before it.
func lastName(src *sql.Source, toks []sql.Token) (name string) {
	for i := 0; i < len(toks) && IsName(toks[i]); i += 2 {
		name = sql.NameOf(toks[i].Span.Of(src))
		if i+1 >= len(toks) || toks[i+1].Span.Of(src) != "." {
			break
		}
	}
	return name
}

// definition is the text behind AS [TABLE] in a CREATE.
func definition(create string) string {
	src := sql.NewSource("", create)
	depth := 0
	toks := sql.Tokens(src, sql.Span{End: len(create)})
	for i, t := range toks {
		switch w := t.Span.Of(src); {
		case w == "(" && t.Kind == sql.Op:
			depth++
		case w == ")" && t.Kind == sql.Op:
			depth--
		case depth == 0 && t.Kind == sql.Word && sql.Same(w, "AS"):
			if i+1 < len(toks) && sql.Same(toks[i+1].Span.Of(src), "TABLE") {
				t = toks[i+1]
			}
			return strings.TrimRight(create[t.Span.End:], "; \n\r\t")
		}
	}
	return create
}

// tokenRefs are the names in a text that DuckDB doesn't parse for us: those behind FROM, JOIN and their like, those before a bracket, and
// in texts, which may be an EXPR or name a table.
func tokenRefs(text string) (out []ref) {
	src := sql.NewSource("", text)
	toks := sql.Tokens(src, sql.Span{End: len(text)})
	for i, t := range toks {
		w := t.Span.Of(src)
		switch {
		case t.Kind == sql.String:
			if inner, err := sql.Unquote(w); err == nil && inner != w {
				out = append(append(out, ref{name: inner}), tokenRefs(inner)...)
			}
		case !IsName(t):
		case i+1 < len(toks) && toks[i+1].Span.Of(src) == "(":
			out = append(out, ref{name: sql.NameOf(w), call: true})
		case i > 0 && strings.Contains(" FROM JOIN PIVOT UNPIVOT STREAM , ( . ", " "+strings.ToUpper(toks[i-1].Span.Of(src))+" "):
			out = append(out, ref{name: sql.NameOf(w)})
		}
	}
	return out
}

// common are words that stand before a bracket in most queries and are no macros of the file: it need not be asked for those.
var common = func() map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(`
		select from join where having on using as in and or not exists any all case when then else end values over filter by expect with cast
		try_cast coalesce nullif ifnull greatest least count sum avg min max first last any_value arg_min arg_max mode median quantile_cont
		stddev string_agg list array_agg row_number rank dense_rank lag lead upper lower trim ltrim rtrim length substr substring replace
		regexp_matches regexp_replace regexp_extract regexp_full_match contains starts_with split_part concat abs round floor ceil sqrt ln exp
		pow power date_trunc date_diff date_part extract strftime strptime try_strptime epoch epoch_ms make_timestamp now today year month day
		hour minute range unnest struct_pack row hash md5 sha256 typeof len columns exclude except distinct rows integer bigint decimal
		numeric varchar null_ratio is_unique duplicate_ratio distinct_ratio freshness orphans differences previous mean_of_last zscore psi ks map_value
		nullif iff`) {
		out[w] = true
	}
	return out
}()
