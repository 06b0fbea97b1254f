package sql

// PartKind is what a part of a statement is.
type PartKind uint8

const (
	PartForm    PartKind = iota // a statement or an item: its first words, its name, its clauses
	PartClause                  // a clause or a positional part: its keyword and what follows
	PartList                    // parentheses with what stands in them
	PartElement                 // what stands between the commas of a list
	PartWords                   // words of the syntax table
	PartSQL                     // DuckDB's: an expression, a query, a type
)

// Part is a part of a statement of dsql's own as the parser read it, with those in it, in the order of the text. Tokens of a part that are
// in none of its Parts are names, values and signs.
type Part struct {
	Kind   PartKind
	Span   Span
	Form   *Syntax // of a PartForm
	Clause *Clause // of a PartClause
	Parts  []Part
}

// Outline is Parse, and notes in each declaration what stands where (Decl.Part), also in one that has errors, up to where they end it.
func Outline(src *Source, forms []*Syntax) ([]Stmt, error) {
	return parse(src, forms, true)
}

// outline is what was noted of the declaration in hand: the parts that are still being read, the innermost last.
type outline struct {
	open  []Part
	whole *Part
}

// enter begins a part at token i.
func (r *reader) enter(p Part, i int) {
	if r.outline == nil {
		return
	}
	p.Span.Start = len(r.src.Text)
	if i < len(r.toks) {
		p.Span.Start = r.toks[i].Span.Start
	}
	r.outline.open = append(r.outline.open, p)
}

// leave ends the innermost part before token i. One without tokens is none.
func (r *reader) leave(i int) {
	if r.outline == nil {
		return
	}
	o := r.outline
	p := o.open[len(o.open)-1]
	o.open = o.open[:len(o.open)-1]
	p.Span.End = r.toks[max(0, min(i, len(r.toks))-1)].Span.End
	switch {
	case p.Span.End <= p.Span.Start:
	case len(o.open) == 0:
		o.whole = &p
	default:
		in := &o.open[len(o.open)-1]
		in.Parts = append(in.Parts, p)
	}
}

// note is a part of the tokens [from, to) that has no others in it.
func (r *reader) note(k PartKind, from, to int) {
	r.enter(Part{Kind: k}, from)
	r.leave(to)
}
