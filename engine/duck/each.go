package duck

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
		return &Query{Text: none}
	case form == "row " && len(items) == 1:
		return items[0]
	case form == "row ":
		parts := make([]*Query, len(items))
		for i, x := range items {
			parts[i] = Cat(Ident(fmt.Sprintf("_%d", i)), &Query{Text: " := "}, x)
		}
		return Cat(&Query{Text: "struct_pack("}, Join(sep, parts...), &Query{Text: ")"})
	case form == "any ":
		return Cat(&Query{Text: "("}, Join(sep, items...), &Query{Text: ")"})
	case form == ",":
		return Cat(&Query{Text: ", "}, Join(sep, items...))
	}
	return Join(sep, items...)
}

// piece is a part of a template: text, a placeholder's query, or the items of a list.
type piece struct {
	text  string
	query *Query
	items []*Query
}

// repeat is the template filled for each item.
func repeat(of, whole string, args []Args) []*Query {
	pieces, n := pieces(of, whole, args)
	if n < 0 {
		panic("duck.SQL: no list in {" + whole + "}")
	}
	if len(pieces) == 1 {
		return pieces[0].items
	}
	out := make([]*Query, n)
	for i := range out {
		var b builder
		for _, p := range pieces {
			switch {
			case p.query != nil:
				b.add(p.query)
			case p.items != nil:
				b.add(p.items[i])
			default:
				b.WriteString(p.text)
			}
		}
		out[i] = b.query()
	}
	return out
}

// pieces takes a template apart; n is the length of its lists, -1 where it names none.
func pieces(of, whole string, args []Args) (out []piece, n int) {
	n = -1
	text := 0 // that stands before of and is no piece yet
	rest := of
	flush := func() {
		if text > 0 {
			out = append(out, piece{text: rest[:text]})
		}
		rest, text = rest[text:], 0
	}
	for text < len(rest) {
		at := rest[text:]
		switch c := at[0]; {
		case c == '\'' || c == '"':
			text += max(1, 2+strings.IndexByte(at[1:], c))
			continue
		case c == '{':
			w := closing(at)
			flush()
			out, rest = append(out, piece{query: SQL(at[:w], args...)}), rest[w:]
			continue
		}
		w := wordLen(at)
		items, ok := list(at[:w], args)
		if !ok || strings.HasPrefix(at[w:], ".") {
			text += max(1, w)
			continue
		}
		if n >= 0 && n != len(items) {
			panic(fmt.Sprintf("duck.SQL: lists of %d and %d items in {%s}", n, len(items), whole))
		}
		n = len(items)
		flush()
		out, rest = append(out, piece{items: items}), rest[w:]
	}
	flush()
	return out, n
}

// list are the items of a list among args.
func list(name string, args []Args) ([]*Query, bool) {
	switch v, _ := value(name, args); v.(type) {
	case Names, []*Query, func() Names, func() []*Query:
		return items(v), true
	}
	return nil, false
}
