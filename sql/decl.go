package sql

import (
	"cmp"
	"slices"
	"strings"

	"dsql/sql/code"
)

// declaration reads what follows the head of a statement: a name, the positional parts, the clauses and the body.
func (r *reader) declaration(f *form, d *Decl) {
	if f.create && r.words(r.i, []string{"IF", "NOT", "EXISTS"}) {
		d.IfNotExists = true
		r.note(PartWords, r.i, r.i+3)
		r.i += 3
	}
	if takesIfExists[f.words[0]] && r.words(r.i, []string{"IF", "EXISTS"}) {
		d.IfExists = true
		r.note(PartWords, r.i, r.i+2)
		r.i += 2
	}
	r.form(f, d)
}

var takesIfExists = set("DROP DESCRIBE EXPLAIN")

// form reads a statement or item behind its first words, to the end of what is being read.
func (r *reader) form(f *form, d *Decl) {
	start := r.i
	good := f.NoName || r.declName(f, d)
	for n := 0; good && n < len(f.head); n++ {
		good = r.headPart(f, d, f.head[n], f.head[n+1:])
	}
	if !good && r.more() && !r.endsExpr(f, nil, r.i) {
		r.toClause(f)
	}
	seen := r.clauses(f, d)
	if good {
		r.missing(f, d, seen, start)
	}
}

// declName reads the name that a form needs or may have.
func (r *reader) declName(f *form, d *Decl) bool {
	if !r.isName(r.i) || r.oddName(f) {
		return f.NameOpt || r.expected(code.ExpectedName, "a name after "+f.String(), "write "+strings.Join(f.words, " ")+" name")
	}
	start := r.i
	n, ok := r.name()
	if !ok {
		return false
	}
	d.Name, d.NameAt = n.Text, n.Span
	if r.i > start+1 {
		r.fail(n.Span, code.QualifiedName, "write "+r.text(r.toks[r.i-1]), "the name of %s can't have a schema before it", article(f.noun()))
	}
	return true
}

// oddName says that the word here is a clause's rather than a name: the name may be left out, or nothing that may follow a name
// follows it.
func (r *reader) oddName(f *form) bool {
	if f.NameOpt && r.endsExpr(f, f.head, r.i) {
		return true
	}
	if r.clauseAt(f, r.i) == nil || r.i+1 >= r.end {
		return false
	}
	for _, c := range f.head {
		if len(c.words) > 0 && r.words(r.i+1, c.words) || len(c.words) == 0 && r.begins(f, c, r.i+1) {
			return false
		}
		if c.Required {
			return true
		}
	}
	return r.clauseAt(f, r.i+1) == nil
}

// noun is the form's kind in a message: STREAM, also of DROP STREAM.
func (f *form) noun() string {
	if f.Keyword != "" {
		return f.Keyword
	}
	return f.Verb
}

// title is the noun with the declared name.
func (f *form) title(d *Decl) string {
	if d.Name == "" {
		return cmp.Or(f.noun(), "this")
	}
	return strings.TrimSpace(f.noun() + " " + tidy(keepStart(d.Name)))
}

// headPart reads a positional part.
func (r *reader) headPart(f *form, d *Decl, c *clause, rest []*clause) bool {
	start := r.i
	switch {
	case r.words(r.i, c.words) && len(c.words) > 0:
		r.i += len(c.words)
	case len(c.words) > 0 && c.Required:
		return r.expected(code.ExpectedKeyword, c.Keyword, "write "+c.usage())
	case len(c.words) > 0 || !c.Required && !r.begins(f, c, r.i):
		return true
	}
	v, ok := r.clauseValue(f, c, rest, start)
	d.Args[c.key] = v
	return ok
}

// clauses reads clauses and body in any order. It returns those that were written, or meant.
func (r *reader) clauses(f *form, d *Decl) map[string]Span {
	seen := map[string]Span{}
	var body *clause
	for r.more() {
		c := r.clauseAt(f, r.i)
		if c == nil {
			r.unknownClause(f, d, body, seen)
			continue
		}
		keyword := r.toks[r.i].Span.To(r.toks[r.i+max(0, len(c.words)-1)].Span)
		start := r.i
		r.i += len(c.words)
		v, ok := r.clauseValue(f, c, nil, start)
		first, twice := seen[c.key], d.Args[c.key] != nil // a slip counts as seen
		switch {
		case twice && c.Repeat:
			d.Args[c.key].Items = append(d.Args[c.key].Items, v.Items...)
		case twice:
			r.fail(keyword, code.DuplicateClause, "remove one of them", "%s is given twice", c.name()).WithNote(r.at(first), "first given here")
		case c.body && body != nil:
			r.fail(keyword, code.DuplicateClause, "remove one of them", "%s has both %s and %s", article(f.noun()), body.Keyword, c.Keyword).
				WithNote(r.at(seen[body.key]), "first given here")
		case body != nil:
			r.fail(keyword, code.ClauseAfterBody, "move it before "+body.Keyword, "%s stands behind %s, which comes last", c.name(), body.Keyword)
		}
		if !twice {
			seen[c.key], d.Args[c.key] = keyword, v
		}
		if c.body && body == nil {
			body = c
		}
		if !ok && r.more() && !r.endsExpr(f, nil, r.i) {
			r.toClause(f)
		}
	}
	for _, c := range f.clauses {
		if v := d.Args[c.key]; c.Repeat && v != nil {
			r.distinct(v.Items)
		}
	}
	return seen
}

// unknownClause reports what is no clause, and goes on at the next one.
func (r *reader) unknownClause(f *form, d *Decl, body *clause, seen map[string]Span) {
	t, near := r.toks[r.i], r.nearClause(f)
	what := f.title(d)
	switch {
	case r.behind():
	case slices.ContainsFunc(r.siblings, func(s *form) bool { return len(s.words) > 0 && r.words(r.i, s.words) }):
		r.expected(code.ExpectedComma, "a comma or )", "elements of a list are separated by commas")
	case r.end == len(r.toks) && r.startsStatement():
		r.fail(t.Span, code.MissingSemicolon, "put a ; before "+strings.ToUpper(r.text(t)), "the statement before %s doesn't end", r.found())
		r.i = r.end
		return
	case near != nil:
		r.fail(t.Span, code.UnknownClause, "did you mean "+near.Keyword+"?", "%s has no clause %s", what, r.found())
		seen[near.key] = t.Span
	case body != nil && body.Arg == ArgNameList:
		r.fail(t.Span, code.UnknownClause, "separate names by commas; for more than names write AS SELECT … FROM …",
			"%s can't go on with %s behind %s", what, r.found(), body.Keyword)
	case len(f.keywords()) == 0:
		r.expected(code.ExpectedEnd, "the end of "+what, "put a ; before it, or remove it")
	case t.Kind == Word && f.column && foreignColumns[strings.ToUpper(r.text(t))] != "":
		r.fail(t.Span, code.UnknownClause, foreignColumns[strings.ToUpper(r.text(t))], "%s has no clause %s", what, r.found())
	case t.Kind == Word:
		r.fail(t.Span, code.UnknownClause, f.hint(), "%s has no clause %s", what, r.found())
	default:
		r.fail(t.Span, code.UnknownClause, f.hint(), "%s can't go on with %s here", what, r.found())
	}
	r.toClause(f)
}

// hint lists what may be written in a form.
func (f *form) hint() string {
	h := "its clauses are " + strings.Join(f.keywords(), ", ")
	if f.column {
		h = "columns are separated by commas; a type may be followed by " + orList(f.keywords())
	}
	return h
}

// nearClause is the clause that the words here are likely a slip of.
func (r *reader) nearClause(f *form) (near *clause) {
	edits := 0
	for _, c := range f.clauses {
		if len(c.words) == 0 {
			continue
		}
		for _, s := range []string{r.join(len(c.words)), r.join(1)} {
			if Nearest(s, []string{c.Keyword}) == "" {
				continue
			}
			if d := distance(lower(s), lower(c.Keyword)); near == nil || d < edits {
				near, edits = c, d
			}
		}
	}
	return near
}

// startsStatement reports that a statement of dsql's begins here, or one of DuckDB's on a line of its own.
func (r *reader) startsStatement() bool {
	for _, f := range r.grammar.forms {
		if r.words(r.i, f.words) || f.create && r.words(r.i, []string{"CREATE", "OR", "REPLACE"}) {
			return true
		}
	}
	before := r.src.Text[r.toks[r.i-1].Span.End:r.toks[r.i].Span.Start]
	return duckdbHeads[strings.ToUpper(r.text(r.toks[r.i]))] && strings.Contains(before, "\n")
}

// missing reports the clauses and the body that a form, read from token start on, needs and doesn't have.
func (r *reader) missing(f *form, d *Decl, seen map[string]Span, start int) {
	what := f.title(d)
	for i := range f.Clauses {
		c := &f.Clauses[i]
		if _, ok := seen[c.Keyword]; c.Required && !ok && !r.misspelt(f, c, what, start) {
			r.fail(d.NameAt, code.MissingClause, add(c), "%s needs %s", what, c.name())
		}
	}
	if len(f.Body) == 0 || f.BodyOpt {
		return
	}
	var names, hints []string
	for i := range f.Body {
		c := &f.Body[i]
		if _, ok := seen[c.Keyword]; ok || r.misspelt(f, c, what, start) {
			return
		}
		names, hints = append(names, c.Keyword), append(hints, c.usage())
	}
	r.fail(d.NameAt, code.MissingClause, "add: "+strings.Join(hints, " or "), "%s needs %s", what, orList(names))
}

// misspelt finds the slip of a clause's keyword that an expression before it took in.
func (r *reader) misspelt(f *form, c *Clause, what string, start int) bool {
	at := r.i
	defer func() { r.i = at }()
	n := max(1, len(strings.Fields(c.Keyword)))
	for r.i = start; r.more(); r.skip() {
		if in := r.clauseAt(f, r.i); in != nil && in.Arg == ArgQuery {
			return false
		}
		if r.kind(r.i) != Word || r.op(r.i-1, ".") || Nearest(r.join(n), []string{c.Keyword}) == "" || same(r.join(n), c.Keyword) {
			continue
		}
		if r.begins(f, &clause{Clause: c}, r.i+n) {
			r.fail(r.toks[r.i].Span, code.UnknownClause, "did you mean "+c.Keyword+"?", "%s has no clause %s", what, r.found())
			return true
		}
	}
	return false
}

// name of a clause in a message.
func (c *Clause) name() string {
	if c.Keyword == "" {
		return c.usage()
	}
	return c.Keyword
}

// add is the hint that says how to write a clause.
func add(c *Clause) string {
	h := "add: " + c.usage()
	if c.Doc != "" {
		h += " — " + c.Doc
	}
	return h
}

func orList(s []string) string {
	if len(s) < 2 {
		return strings.Join(s, "")
	}
	return strings.Join(s[:len(s)-1], ", ") + " or " + s[len(s)-1]
}
