package sql

import (
	"strings"

	"dsql/sql/code"
)

// columnDefs reads ( name TYPE clauses, … ).
func (r *reader) columnDefs(c *clause, v *Value) bool {
	if !r.isOp("(") {
		return r.expected(code.ExpectedList, c.after("columns in parentheses"), "write "+c.usage())
	}
	seen := map[string]Span{}
	r.elements(code.ExpectedName, "a column", func() bool {
		names := &Value{}
		if !r.addName(names, "the name of a column") {
			return false
		}
		col := ColumnDef{Name: names.Names[0], Args: map[string]*Value{}}
		typ := &Value{}
		if !r.typeName(c.columns, "the type of "+col.Name.Text, typ) {
			return false
		}
		col.Type, col.At = typ.Text, typ.Span
		if len(c.Columns) > 0 {
			d := &Decl{Src: r.src, Syntax: c.columns.Syntax, Name: col.Name.Text, NameAt: col.Name.Span, Args: col.Args}
			start := r.i
			r.missing(c.columns, d, r.clauses(c.columns, d), start)
		}
		key := lower(col.Name.Text)
		if first, twice := seen[key]; twice {
			r.fail(col.Name.Span, code.DuplicateColumn, "remove one of them", "%s is declared twice", tidy(col.Name.Text)).WithNote(r.at(first),
				"first declared here")
			return true
		}
		seen[key] = col.Name.Span
		v.Columns = append(v.Columns, col)
		return true
	})
	return true
}

func (r *reader) columns(c *clause, v *Value) bool {
	if r.isOp("*") {
		v.Star = true
		r.i++
		if !r.more() || !r.word(r.i, "EXCEPT") && !r.word(r.i, "EXCLUDE") {
			return true
		}
		r.note(PartWords, r.i, r.i+1)
		r.i++
	}
	return r.nameList(v, c.after("columns"), "write "+c.usage())
}

// nameList reads ( a, b ) into v.
func (r *reader) nameList(v *Value, what, hint string) bool {
	switch {
	case !r.isOp("("):
		return r.expected(code.ExpectedList, what, hint)
	case r.op(r.i+1, ")"):
		r.note(PartList, r.i, r.i+2)
		r.i++
		r.expected(code.ExpectedName, "a name", hint)
		r.i++
		return false
	}
	r.elements(code.ExpectedName, "a name", func() bool { return r.addName(v, "a name") })
	return true
}

func (r *reader) target(c *clause, v *Value) bool {
	if !r.word(r.i, "COLUMNS") || !r.op(r.i+1, "(") || r.i+1 >= r.end {
		return r.addName(v, c.after("a column"))
	}
	start := r.i
	r.i++
	closing := int(r.closes[r.i])
	ok := closing == r.i+2 && r.kind(r.i+1) == String
	r.i++
	if !ok {
		ok = r.expected(code.ExpectedString, "COLUMNS('regular expression')", "")
		r.i = closing + 1
		return ok
	}
	v.Regex = true
	ok = r.string(v)
	r.i = closing + 1
	v.Span = r.since(start)
	return ok
}

// Words that a type's name goes on with.
var typeWords = set("WITH WITHOUT TIME ZONE LOCAL PRECISION VARYING ARRAY")

// typeName reads a type: a name, then parameters, brackets and words such as WITH TIME ZONE.
func (r *reader) typeName(f *form, what string, v *Value) bool {
	if !r.isName(r.i) || r.endsExpr(f, nil, r.i) {
		return r.expected(code.ExpectedType, what, "types are DuckDB's: VARCHAR, DECIMAL(10, 2), STRUCT(a INTEGER)[]")
	}
	start := r.i
	r.i++
	for r.more() {
		switch {
		case r.isOp(".") && r.isName(r.i+1):
			r.i += 2
			continue
		case r.isOp("("), r.isOp("["):
			r.skip()
			continue
		case r.kind(r.i) == Word && typeWords[strings.ToUpper(r.text(r.toks[r.i]))] && r.clauseAt(f, r.i) == nil:
			r.i++
			continue
		}
		break
	}
	r.note(PartSQL, start, r.i)
	v.Span = r.since(start)
	v.Text = v.Span.Of(r.src)
	return true
}

// items reads ( item, … ).
func (r *reader) items(c *clause, v *Value) bool {
	if !r.isOp("(") {
		return r.expected(code.ExpectedList, c.after("a list in parentheses"), "write "+c.usage())
	}
	siblings := r.siblings
	r.siblings = c.items
	r.elements(code.ExpectedItem, "an item", func() bool { return !r.missingComma() && r.item(c, v) })
	r.siblings = siblings
	r.distinct(v.Items)
	return true
}

// distinct refuses items of one form and one name.
func (r *reader) distinct(items []*Decl) {
	type key struct {
		syntax *Syntax
		name   string
	}
	seen := map[key]Span{}
	for _, d := range items {
		k := key{d.Syntax, lower(d.Name)}
		if first, twice := seen[k]; twice && d.Name != "" {
			r.fail(d.NameAt, code.DuplicateName, "rename or remove one of them", "there are two %s of this name",
				strings.TrimSpace(d.Syntax.Keyword+" items")).WithNote(r.at(first), "the first one")
			continue
		}
		seen[k] = d.NameAt
	}
}

// item reads one of a clause's items, to the end of what is being read.
func (r *reader) item(c *clause, v *Value) bool {
	f := r.itemForm(c)
	if f == nil {
		return r.expected(code.ExpectedItem, orList(itemNames(c)), DidYouMean(r.text(r.toks[r.i]), itemNames(c), ""))
	}
	start := r.i
	r.i += len(f.words)
	r.enter(Part{Kind: PartForm, Form: f.Syntax}, start)
	r.note(PartWords, start, r.i)
	d := &Decl{Src: r.src, Syntax: f.Syntax, NameAt: r.toks[start].Span.To(r.toks[max(start, r.i-1)].Span), Args: map[string]*Value{}}
	d.Span = r.toks[start].Span.To(r.toks[r.end-1].Span)
	r.form(f, d)
	r.leave(r.end)
	v.Items = append(v.Items, d)
	return true
}

// itemForm chooses by the first words; a form without keyword takes what none of the others does, and a name that happens to be
// a keyword of theirs ("apply = 1").
func (r *reader) itemForm(c *clause) *form {
	var plain, found *form
	for _, f := range c.items {
		switch {
		case len(f.words) == 0:
			plain = f
		case found == nil && r.words(r.i, f.words):
			found = f
		}
	}
	if plain == nil {
		return found
	}
	named := found == nil || len(plain.head) > 0 && len(plain.head[0].words) > 0 && r.words(r.i+1, plain.head[0].words)
	if named {
		return plain
	}
	return found
}

func itemNames(c *clause) []string {
	var out []string
	for _, f := range c.items {
		if f.Keyword != "" {
			out = append(out, f.Keyword)
		} else {
			out = append(out, "a name")
		}
	}
	return out
}
