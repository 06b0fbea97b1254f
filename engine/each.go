package engine

import (
	"fmt"
	"strings"
)

// isTemplate tells what each takes from DuckDB's structs and from braces in texts.
func isTemplate(text string) bool {
	if text == "" || !strings.ContainsRune(",(_", rune(text[0])) && (text[0]|0x20 < 'a' || text[0]|0x20 > 'z') {
		return false
	}
	rest := text[wordLen(text):]
	return !strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, "::")
}

// closing is the length of what stands in braces at the start of a text, with them; 0 where they aren't closed.
func closing(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// each writes a template once for each item of the lists that it names, with the item in the list's place:
//
//	{h.keys}                                 h."a", h."b"
//	{, cols}                                 the same behind a comma; nothing where the list is empty
//	{from = e.seq}                           "valid_from" = e."_s0": two lists go in step
//	{all h.keys = k.keys}                    h."a" = k."a" AND h."b" = k."b"; true where the list is empty
//	{any o.cols IS DISTINCT FROM w.cols}     (o."c" IS DISTINCT FROM w."c" OR …); false
//	{row h.seq}                              one value that compares: h."_s0", or a struct of several
//
// A word is a list where it has a list among args. What stands in quotes is left alone; braces inside hold a placeholder.
func each(text string, args []Args) *Query {
	sep, none, form, of := ", ", "", "", text
	for _, f := range []string{"all ", "any ", "row ", ","} {
		if rest, ok := strings.CutPrefix(text, f); ok {
			form, of = f, strings.TrimPrefix(rest, " ")
		}
	}
	switch form {
	case "all ":
		sep, none = " AND ", "true"
	case "any ":
		sep, none = " OR ", "false"
	}
	items := repeat(of, text, args)
	switch {
	case len(items) == 0:
		return &Query{text: none}
	case form == "row " && len(items) == 1:
		return items[0]
	case form == "row ":
		for i, x := range items {
			items[i] = Cat(Ident(fmt.Sprintf("_%d", i)), &Query{text: " := "}, x)
		}
		return Cat(&Query{text: "struct_pack("}, Join(sep, items...), &Query{text: ")"})
	case form == "any ":
		return Cat(&Query{text: "("}, Join(sep, items...), &Query{text: ")"})
	case form == ",":
		return Cat(&Query{text: ", "}, Join(sep, items...))
	}
	return Join(sep, items...)
}

// repeat is the template filled for each item.
func repeat(of, whole string, args []Args) []*Query {
	var pieces []func(b *builder, i int)
	n := -1
	for of != "" {
		var w int
		switch c := of[0]; {
		case c == '\'' || c == '"':
			w = 2 + strings.IndexByte(of[1:], c)
		case c == '{':
			w = closing(of)
			q := SQL(of[:w], args...)
			pieces, of, w = append(pieces, func(b *builder, _ int) { b.add(q) }), of[w:], 0
			continue
		default:
			w = wordLen(of)
			if items, ok := list(of[:w], args); ok && !strings.HasPrefix(of[w:], ".") {
				if n >= 0 && n != len(items) {
					panic(fmt.Sprintf("engine.SQL: lists of %d and %d items in {%s}", n, len(items), whole))
				}
				n = len(items)
				pieces, of = append(pieces, func(b *builder, i int) { b.add(items[i]) }), of[w:]
				continue
			}
		}
		w = max(w, 1)
		text := of[:w]
		pieces, of = append(pieces, func(b *builder, _ int) { b.WriteString(text) }), of[w:]
	}
	if n < 0 {
		panic("engine.SQL: no list in {" + whole + "}")
	}
	out := make([]*Query, n)
	for i := range out {
		var b builder
		for _, p := range pieces {
			p(&b, i)
		}
		out[i] = b.query()
	}
	return out
}

// list are the items of a list among args.
func list(name string, args []Args) ([]*Query, bool) {
	switch v, _ := value(name, args); v.(type) {
	case Names, []*Query, func() Names, func() []*Query:
		return items(v), true
	}
	return nil, false
}
