package sql

import (
	"maps"
	"slices"
	"strings"
)

// Names are DuckDB's: they know no case, and only ASCII letters have one. What is shown and stored is one spelling, that of the first
// declaration; what is compared, or looked up in a map, is the key.

// Key is what a name is known by.
type Key string

// KeyOf folds a name.
func KeyOf(name string) Key { return Key(lower(name)) }

// Key of the name.
func (n Name) Key() Key { return KeyOf(n.Text) }

// Same: two spellings of one name.
func Same(a, b string) bool { return same(a, b) }

// Respelt is a declaration in which it, and the constraints, metrics and checks in it, have the spelling that their names had in an
// earlier text of it.
func (d *Decl) Respelt(was *Decl) *Decl {
	out := *d
	if same(d.Name, was.Name) {
		out.Name = was.Name
	}
	out.Args = maps.Clone(d.Args)
	for keyword, v := range d.Args {
		if old := was.Args[keyword]; old != nil && len(v.Items) > 0 {
			of := *v
			of.Items = respelt(v.Items, old.Items)
			out.Args[keyword] = &of
		}
	}
	return &out
}

func respelt(items, were []*Decl) []*Decl {
	out := slices.Clone(items)
	for i, item := range items {
		for _, o := range were {
			if item.Syntax == o.Syntax && same(item.Name, o.Name) {
				of := *item
				of.Name = o.Name
				out[i] = &of
			}
		}
	}
	return out
}

// Spelt is the declaration's text with names as they are called now.
func (d *Decl) Spelt() string {
	var b strings.Builder
	from := d.Span.Start
	for _, x := range d.named() {
		text := x.NameAt.Of(d.Src)
		if was, err := Unquote(text); err != nil && text == x.Name || err == nil && was == x.Name {
			continue
		}
		b.WriteString(d.Src.Text[from:x.NameAt.Start])
		if from = x.NameAt.End; text[0] == '"' {
			b.WriteString(`"` + strings.ReplaceAll(x.Name, `"`, `""`) + `"`)
		} else {
			b.WriteString(x.Name)
		}
	}
	return b.String() + d.Src.Text[from:d.Span.End]
}

// named are the declaration and the items in it that have names, in the order of their text.
func (d *Decl) named() []*Decl {
	var out []*Decl
	if d.Name != "" {
		out = append(out, d)
	}
	for _, v := range d.Args {
		for _, item := range v.Items {
			if item.Src == d.Src && item.Name != "" {
				out = append(out, item)
			}
		}
	}
	slices.SortFunc(out, func(a, b *Decl) int { return a.NameAt.Start - b.NameAt.Start })
	return out
}
