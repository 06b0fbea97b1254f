package sql

import (
	"fmt"
	"strings"
)

// Reference is the forms' reference in Markdown: a heading a form, how it is written, what it does, a table of its parts and of
// their options, the items of its lists (where they come first, then a link), and an example. Equal tables give equal text.
func Reference(forms []*Syntax) string {
	var b strings.Builder
	done := map[*Syntax]string{}
	for i, s := range forms {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "## %s\n\n```\n%s\n```\n", s.Title(), s.Usage())
		if s.OnlyWith != "" {
			fmt.Fprintf(&b, "\nWithout %s the statement is DuckDB's.\n", s.OnlyWith)
		}
		paragraph(&b, s.Doc)
		parts(&b, s, s.Title(), 3, done)
		if s.Example != "" {
			fmt.Fprintf(&b, "\nExample:\n\n```sql\n%s\n```\n", strings.TrimSpace(s.Example))
		}
	}
	return b.String()
}

// parts writes the tables of a form's clauses, of their options and column clauses, and its items: done says under which title
// an item has been described.
func parts(b *strings.Builder, s *Syntax, title string, level int, done map[*Syntax]string) {
	var all []*Clause
	for _, list := range [][]Clause{s.Head, s.Clauses, s.Body} {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	var rows [][2]string
	for _, c := range all {
		doc := c.Doc
		if c.Required {
			doc = strings.TrimPrefix(doc+" (required)", " ")
		}
		rows = append(rows, [2]string{c.usage(), doc})
	}
	table(b, "Clause", rows)
	for _, c := range all {
		rows = rows[:0]
		for _, o := range c.Options {
			if o.Name == AnyOption {
				o.Name = "any other"
			}
			rows = append(rows, [2]string{o.Name, o.Doc})
		}
		if len(rows) > 0 {
			fmt.Fprintf(b, "\nOptions of `%s`:\n", c.name())
			table(b, "Option", rows)
		}
		rows = rows[:0]
		for i := range c.Columns {
			rows = append(rows, [2]string{c.Columns[i].usage(), c.Columns[i].Doc})
		}
		if len(rows) > 0 {
			b.WriteString("\nA column's type may be followed by:\n")
			table(b, "Clause", rows)
		}
		for i, item := range c.Items {
			if at, ok := done[item]; ok {
				if i == 0 && at != title {
					fmt.Fprintf(b, "\nFor what stands in `%s` see [%s](#%s).\n", c.name(), at, strings.ReplaceAll(lower(at), " ", "-"))
				}
				continue
			}
			done[item] = title
			f := newForm(item, false)
			fmt.Fprintf(b, "\n%s %s\n\n```\n%s\n```\n", strings.Repeat("#", level), strings.TrimSpace(c.Keyword+" "+c.Items[i].begins()), f.usage())
			paragraph(b, item.Doc)
			parts(b, item, title, level+1, done)
		}
	}
}

func paragraph(b *strings.Builder, doc string) {
	if doc != "" {
		fmt.Fprintf(b, "\n%s\n", doc)
	}
}

func table(b *strings.Builder, head string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| %s | Meaning |\n|---|---|\n", head)
	for _, r := range rows {
		fmt.Fprintf(b, "| `%s` | %s |\n", strings.ReplaceAll(r[0], "|", `\|`), strings.ReplaceAll(oneLine(r[1]), "|", `\|`))
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
